/*-------------------------------------------------------------------------
 *
 * file_name.c
 *	  The names of files as members give them, made safe.
 *
 * What a member names a file ends up on a customer's disk, as what a sender
 * names one ends up on ours: both go the same way through the reader's rule.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/mime_internal.h"

PG_FUNCTION_INFO_V1(ar_inbox_safe_file_name);

/* safe_file_name(name text): NULL where nothing is left of it. */
Datum
ar_inbox_safe_file_name(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);
	char *clean = mime_clean_name(NULL, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (clean == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(clean));
}
