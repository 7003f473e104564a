/*-------------------------------------------------------------------------
 *
 * gsm7.h
 *	  The alphabet of text messages.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_GSM7_H
#define AR_INBOX_GSM7_H

#include "core/core.h"

/*
 * Septets the text takes in the default alphabet of GSM 03.38 (160 are one text
 * message), or -1 if it has a character that is not in it: then the whole text
 * is sent in UCS-2, and 70 characters are one message.
 */
extern int gsm7_length(const char *text, size_t len);

/*
 * Appends the text as that alphabet can write it: blanks, quotes and dashes of
 * typography as plain ones, letters it lacks without their accents.  False,
 * with nothing appended, if that is not enough.
 */
extern bool gsm7_simplify(const char *text, size_t len, StringInfo out);

#endif /* AR_INBOX_GSM7_H */
