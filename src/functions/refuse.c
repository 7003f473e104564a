/*-------------------------------------------------------------------------
 *
 * refuse.c
 *	  How the SQL functions say no.
 *
 * A refusal names what is wrong and what would be right.  Where in our own
 * code it was found is no help to whoever called, so it carries no CONTEXT.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "errors.h"

PG_FUNCTION_INFO_V1(ar_inbox_refuse);

/* The standard codes that are used, by the names PL/pgSQL knows them by. */
static const struct
{
	const char *name;
	int code;
} standard_codes[] = {
	{"insufficient_privilege", ERRCODE_INSUFFICIENT_PRIVILEGE},
	{"invalid_parameter_value", ERRCODE_INVALID_PARAMETER_VALUE},
	{"null_value_not_allowed", ERRCODE_NULL_VALUE_NOT_ALLOWED},
	{"undefined_object", ERRCODE_UNDEFINED_OBJECT},
	{"unique_violation", ERRCODE_UNIQUE_VIOLATION},
	{"IB001", ERRCODE_IB_UNKNOWN_OBJECT},
	{"IB002", ERRCODE_IB_WRONG_STATE},
	{"IB003", ERRCODE_IB_LIMIT_EXCEEDED},
	{"IB004", ERRCODE_IB_OVER_BALANCE},
	{"IB005", ERRCODE_IB_NOT_SET_UP},
	{"IB007", ERRCODE_IB_SUPPRESSED},
};

/* refuse(code text, message text, hint text): raises an error. */
Datum
ar_inbox_refuse(PG_FUNCTION_ARGS)
{
	char *name = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *message = PG_ARGISNULL(1) ? "refused" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *hint = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	int code = 0;

	for (int i = 0; i < lengthof(standard_codes); i++)
	{
		if (strcmp(standard_codes[i].name, name) == 0)
			code = standard_codes[i].code;
	}
	if (code == 0)
		elog(ERROR, "refuse() does not know the code \"%s\"", name);

	/* whoever catches the error puts the stack back */
	error_context_stack = NULL;
	ereport(ERROR, (errcode(code), errmsg_internal("%s", message), hint ? errhint("%s", hint) : 0));
	PG_RETURN_VOID();
}
