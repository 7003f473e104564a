/*-------------------------------------------------------------------------
 *
 * functions/token.c
 *	  Signed tokens, and the addresses that carry them, as SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/address_rewrite.h"
#include "core/token.h"

PG_FUNCTION_INFO_V1(ar_inbox_sign_token);
PG_FUNCTION_INFO_V1(ar_inbox_read_token);
PG_FUNCTION_INFO_V1(ar_inbox_tagged_address);
PG_FUNCTION_INFO_V1(ar_inbox_address_tag);
PG_FUNCTION_INFO_V1(ar_inbox_unwrapped_address);

/* The letter of a purpose: the caller's to get right, so wrong ones raise. */
static char
purpose_argument(text *purpose)
{
	const char *letters = VARDATA_ANY(purpose);

	if (VARSIZE_ANY_EXHDR(purpose) != 1 || !token_is_purpose(letters[0]))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" is not a purpose of tokens", text_to_cstring(purpose)),
						errhint("Purposes are r (reply), b (bounce), o (open) and i (invoice).")));
	return letters[0];
}

/* A key that is too short would be guessed, and all tokens with it. */
static void
check_key(const bytea *key)
{
	if (VARSIZE_ANY_EXHDR(key) < TOKEN_MIN_KEY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a signing key of %d bytes is too short", (int) VARSIZE_ANY_EXHDR(key)),
				 errhint("It needs at least %d bytes.", TOKEN_MIN_KEY)));
}

/*
 * sign_token(key bytea, purpose text, id bigint): the token of an id.
 */
Datum
ar_inbox_sign_token(PG_FUNCTION_ARGS)
{
	bytea *key = PG_GETARG_BYTEA_PP(0);
	char purpose = purpose_argument(PG_GETARG_TEXT_PP(1));
	char token[TOKEN_LENGTH + 1];

	check_key(key);
	if (!token_sign(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), purpose, PG_GETARG_INT64(2), token))
		elog(ERROR, "could not compute HMAC-SHA-256");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token, TOKEN_LENGTH));
}

/*
 * read_token(key bytea, purpose text, token text): the id, NULL where the
 * token is not one that sign_token() made with this key for this purpose.
 */
Datum
ar_inbox_read_token(PG_FUNCTION_ARGS)
{
	bytea *key = PG_GETARG_BYTEA_PP(0);
	char purpose = purpose_argument(PG_GETARG_TEXT_PP(1));
	text *token = PG_GETARG_TEXT_PP(2);
	int64 id = 0;

	check_key(key);
	switch (token_read(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), purpose, VARDATA_ANY(token),
					   VARSIZE_ANY_EXHDR(token), &id))
	{
		case TOKEN_RIGHT:
			PG_RETURN_INT64(id);
		case TOKEN_FAILED:
			elog(ERROR, "could not compute HMAC-SHA-256");
			break;
		case TOKEN_WRONG:
			break;
	}
	PG_RETURN_NULL();
}

/*
 * tagged_address(address text, tag text): local+tag@domain.
 */
Datum
ar_inbox_tagged_address(PG_FUNCTION_ARGS)
{
	text *address = PG_GETARG_TEXT_PP(0);
	text *tag = PG_GETARG_TEXT_PP(1);
	char *tagged = address_with_tag(VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address),
									VARDATA_ANY(tag), VARSIZE_ANY_EXHDR(tag));

	if (tagged == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(tagged));
}

/*
 * address_tag(address text): what stands behind the last plus sign.
 */
Datum
ar_inbox_address_tag(PG_FUNCTION_ARGS)
{
	text *address = PG_GETARG_TEXT_PP(0);
	char *tag = address_tag(VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address));

	if (tag == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(tag));
}

/*
 * unwrapped_address(address text): as it was before relays rewrote it.
 */
Datum
ar_inbox_unwrapped_address(PG_FUNCTION_ARGS)
{
	text *address = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(
		cstring_to_text(address_unwrap(VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address))));
}
