/*-------------------------------------------------------------------------
 *
 * functions/bounce.c
 *	  What a refusal says of the address, for those that came in no mail.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/bounce.h"

PG_FUNCTION_INFO_V1(ar_inbox_bounce_kind);

/* bounce_kind(status, diagnostic) */
Datum
ar_inbox_bounce_kind(PG_FUNCTION_ARGS)
{
	const char *status = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *diagnostic = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));

	PG_RETURN_TEXT_P(cstring_to_text(bounce_kind_name(bounce_judge(status, diagnostic))));
}
