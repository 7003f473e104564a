/*-------------------------------------------------------------------------
 *
 * currency.h
 *	  The currencies of ISO 4217 and how many decimal places each has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_CURRENCY_H
#define AR_INBOX_CURRENCY_H

#include "core/core.h"

/* Decimal places of the currency (0-4), or -1 if the code is not a currency. */
extern int currency_digits(const char *code);

#endif /* AR_INBOX_CURRENCY_H */
