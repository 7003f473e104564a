/*-------------------------------------------------------------------------
 *
 * errors.h
 *	  The SQLSTATEs of ar_inbox: class IB, for what no standard code says.
 *
 * The SQL parts raise the same codes by their letters.  The README's table of
 * errors is the list that users read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_ERRORS_H
#define AR_INBOX_ERRORS_H

/* an id that names nothing the caller may see */
#define ERRCODE_IB_UNKNOWN_OBJECT MAKE_SQLSTATE('I', 'B', '0', '0', '1')
/* the object's state does not allow this: a closed invoice, a sent step */
#define ERRCODE_IB_WRONG_STATE MAKE_SQLSTATE('I', 'B', '0', '0', '2')
/* a limit of the company's settings */
#define ERRCODE_IB_LIMIT_EXCEEDED MAKE_SQLSTATE('I', 'B', '0', '0', '3')
/* more money than is owed */
#define ERRCODE_IB_OVER_BALANCE MAKE_SQLSTATE('I', 'B', '0', '0', '4')
/* something must be set up first: install(), set_mail_account() */
#define ERRCODE_IB_NOT_SET_UP MAKE_SQLSTATE('I', 'B', '0', '0', '5')
/* an address that the company does not write to */
#define ERRCODE_IB_SUPPRESSED MAKE_SQLSTATE('I', 'B', '0', '0', '7')

#endif /* AR_INBOX_ERRORS_H */
