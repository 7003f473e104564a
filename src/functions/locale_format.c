/*-------------------------------------------------------------------------
 *
 * functions/locale_format.c
 *	  The SQL face of amounts, numbers and dates in a language.
 *
 * Results are text in the database's encoding, which is UTF8: install() sees
 * to that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/locale_format.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(ar_inbox_format_money);
PG_FUNCTION_INFO_V1(ar_inbox_format_number);
PG_FUNCTION_INFO_V1(ar_inbox_format_date);

static char *
decimal_argument(Datum numeric)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, numeric));
}

/*
 * ar_inbox_format_money
 *		format_money(amount numeric, currency text, language text)
 */
Datum
ar_inbox_format_money(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	locale_format_money(&out, decimal_argument(PG_GETARG_DATUM(0)),
						text_to_cstring(PG_GETARG_TEXT_PP(1)),
						text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * ar_inbox_format_number
 *		format_number(number numeric, language text)
 */
Datum
ar_inbox_format_number(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	locale_format_number(&out, decimal_argument(PG_GETARG_DATUM(0)),
						 text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * ar_inbox_format_date
 *		format_date(date date, language text)
 */
Datum
ar_inbox_format_date(PG_FUNCTION_ARGS)
{
	DateADT date = PG_GETARG_DATEADT(0);
	StringInfoData out;

	initStringInfo(&out);
	if (DATE_NOT_FINITE(date) ||
		!locale_format_date(&out, date + POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE,
							text_to_cstring(PG_GETARG_TEXT_PP(1))))
		appendStringInfoString(&out, DatumGetCString(DirectFunctionCall1(date_out, date)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
