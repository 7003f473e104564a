/*-------------------------------------------------------------------------
 *
 * functions/authentication.c
 *	  What our own mail servers found out about a sender, as an SQL function.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "core/mime_authentication.h"

/* bytes that hold nearly every header */
#define FIRST_LOOK 65536

PG_FUNCTION_INFO_V1(ar_inbox_authentication_results);

static void
put_string(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, text);
	v.val.string.len = (int) strlen(text);
	pushJsonbValue(state, token, &v);
}

static void
put_result(JsonbParseState **state, const AuthenticationResult *result)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	put_string(state, WJB_KEY, "result");
	put_string(state, WJB_VALUE, result->result);
	for (int i = 0; i < result->property_count; i++)
	{
		put_string(state, WJB_KEY, result->properties[i].name);
		put_string(state, WJB_VALUE, result->properties[i].value);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* The trusted names, without NULLs, blanks around them and dots behind them. */
static char **
trusted_names(ArrayType *array, int *count)
{
	Datum *values;
	bool *nulls;
	char **names;
	int found = 0;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, count);
	names = palloc(sizeof(char *) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		char *name;
		size_t len;

		if (nulls[i])
			continue;
		name = TextDatumGetCString(values[i]);
		name += strspn(name, " \t");
		len = strlen(name);
		while (len > 0 && strchr(" \t.", name[len - 1]) != NULL)
			len--;
		name[len] = '\0';
		if (len > 0)
			names[found++] = name;
	}
	*count = found;
	return names;
}

/*
 * authentication_results(message bytea, trusted text[]): the results by
 * method; of dkim, which can have many, a list.
 */
Datum
ar_inbox_authentication_results(PG_FUNCTION_ARGS)
{
	int trusted_count;
	char **trusted = trusted_names(PG_GETARG_ARRAYTYPE_P(1), &trusted_count);
	bytea *message;
	Authentication *found;
	JsonbParseState *state = NULL;

	if (trusted_count == 0)
		PG_RETURN_NULL();

	/* a large message is not fetched for the sake of its header */
	message = PG_GETARG_BYTEA_P_SLICE(0, 0, FIRST_LOOK);
	if (VARSIZE_ANY_EXHDR(message) == FIRST_LOOK &&
		!authentication_header_ends(VARDATA_ANY(message), FIRST_LOOK))
		message = PG_GETARG_BYTEA_P_SLICE(0, 0, AUTHENTICATION_LOOK);
	found = authentication_read(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message), trusted,
								trusted_count);
	if (found == NULL)
		PG_RETURN_NULL();

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < found->count;)
	{
		const char *method = found->results[i].method;

		put_string(&state, WJB_KEY, method);
		if (strcmp(method, "dkim") != 0)
		{
			put_result(&state, &found->results[i++]);
			continue;
		}
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		while (i < found->count && strcmp(found->results[i].method, method) == 0)
			put_result(&state, &found->results[i++]);
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}
