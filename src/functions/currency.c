/*-------------------------------------------------------------------------
 *
 * functions/currency.c
 *	  The SQL face of the currencies.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/currency.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(ar_inbox_currency_digits);

/*
 * ar_inbox_currency_digits
 *		currency_digits(text): NULL says that the code is not a currency.
 */
Datum
ar_inbox_currency_digits(PG_FUNCTION_ARGS)
{
	int digits = currency_digits(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (digits < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(digits);
}
