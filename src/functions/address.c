/*-------------------------------------------------------------------------
 *
 * functions/address.c
 *	  The type email_address.
 *
 * A value is laid out like text: the address in UTF-8 (the extension demands
 * a UTF8 database), its local part as typed, its domain in lower case.  It is
 * compared and hashed by its canonical form, which for the usual address, all
 * ASCII and unquoted, is found while comparing, without any memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "core/address.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"

/* Errors that the caller may ask to have returned: since 16. */
#ifndef ereturn
#define ereturn(context, dummy, ...) ereport(ERROR, __VA_ARGS__)
#endif

PG_FUNCTION_INFO_V1(email_address_in);
PG_FUNCTION_INFO_V1(email_address_out);
PG_FUNCTION_INFO_V1(email_address_recv);
PG_FUNCTION_INFO_V1(email_address_send);
PG_FUNCTION_INFO_V1(email_address_from_text);
PG_FUNCTION_INFO_V1(email_address_lt);
PG_FUNCTION_INFO_V1(email_address_le);
PG_FUNCTION_INFO_V1(email_address_eq);
PG_FUNCTION_INFO_V1(email_address_ne);
PG_FUNCTION_INFO_V1(email_address_ge);
PG_FUNCTION_INFO_V1(email_address_gt);
PG_FUNCTION_INFO_V1(email_address_cmp);
PG_FUNCTION_INFO_V1(email_address_hash);
PG_FUNCTION_INFO_V1(email_address_hash_extended);
PG_FUNCTION_INFO_V1(email_address_text_eq);
PG_FUNCTION_INFO_V1(email_address_text_ne);
PG_FUNCTION_INFO_V1(email_address_text_cmp);
PG_FUNCTION_INFO_V1(text_email_address_eq);
PG_FUNCTION_INFO_V1(text_email_address_ne);
PG_FUNCTION_INFO_V1(ar_inbox_address_domain);
PG_FUNCTION_INFO_V1(ar_inbox_is_email_address);

/*
 * make_address
 *		The value for what a client or a cast gave; NULL if it is no address and
 *		the caller wants no exception.
 */
static text *
make_address(const char *s, size_t len, fmNodePtr escontext)
{
	AddressParts parts;
	const char *error;

	if (!address_parse(s, len, &parts, &error))
		ereturn(escontext, NULL,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid e-mail address \"%s\": it %s", address_escape(s, len), error),
				 errhint("%s", address_error_hint(error))));
	return cstring_to_text(address_normalize(&parts));
}

/*
 * email_address_in
 *		From what was typed.
 */
Datum
email_address_in(PG_FUNCTION_ARGS)
{
	char *s = PG_GETARG_CSTRING(0);
	text *result = make_address(s, strlen(s), fcinfo->context);

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

Datum
email_address_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(TextDatumGetCString(PG_GETARG_DATUM(0)));
}

/*
 * email_address_recv
 *		The binary form is the text; it is checked like any other.
 */
Datum
email_address_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int length;
	char *s = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	PG_RETURN_TEXT_P(make_address(s, length, NULL));
}

Datum
email_address_send(PG_FUNCTION_ARGS)
{
	text *address = PG_GETARG_TEXT_PP(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
email_address_from_text(PG_FUNCTION_ARGS)
{
	text *s = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(make_address(VARDATA_ANY(s), VARSIZE_ANY_EXHDR(s), NULL));
}

static inline unsigned char
ascii_lower(char c)
{
	return (unsigned char) ((c >= 'A' && c <= 'Z') ? c + ('a' - 'A') : c);
}

/*
 * compare
 *		The order of two addresses, or of an address and a text.
 *
 * A text is taken for the address it says.  One that says none equals none,
 * and has its place in the order by its bytes, so that btree can look for it.
 */
static int
compare(text *address, text *other, bool other_is_address)
{
	const char *a = VARDATA_ANY(address);
	const char *b = VARDATA_ANY(other);
	size_t a_len = VARSIZE_ANY_EXHDR(address);
	size_t b_len = VARSIZE_ANY_EXHDR(other);
	char *a_form;
	char *b_form;
	int result;

	if (other_is_address || address_parse(b, b_len, NULL, NULL))
		return address_compare(a, a_len, b, b_len);

	a_form = address_fold(a, a_len);
	b_form = pnstrdup(b, b_len);
	result = strcmp(a_form, b_form);
	pfree(a_form);
	pfree(b_form);
	return result;
}

/*
 * compare_arguments
 *		The order of a function's two arguments; which of them is an address and
 *		which a text, its name says.
 */
static int
compare_arguments(FunctionCallInfo fcinfo, bool a_is_address, bool b_is_address)
{
	text *a = PG_GETARG_TEXT_PP(0);
	text *b = PG_GETARG_TEXT_PP(1);
	int result = a_is_address ? compare(a, b, b_is_address) : -compare(b, a, false);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

Datum
email_address_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, true) < 0);
}

Datum
email_address_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, true) <= 0);
}

Datum
email_address_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, true) == 0);
}

Datum
email_address_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, true) != 0);
}

Datum
email_address_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, true) >= 0);
}

Datum
email_address_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, true) > 0);
}

Datum
email_address_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo, true, true));
}

Datum
email_address_text_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, false) == 0);
}

Datum
email_address_text_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, true, false) != 0);
}

Datum
email_address_text_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo, true, false));
}

Datum
text_email_address_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, false, true) == 0);
}

Datum
text_email_address_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, false, true) != 0);
}

/*
 * hash_address
 *		Hash the canonical form.  Without a seed the low half is what plain
 *		hashing gives, as hash opclasses must have it for a seed of 0.
 */
static uint64
hash_address(text *address, uint64 seed)
{
	const char *s = VARDATA_ANY(address);
	size_t len = VARSIZE_ANY_EXHDR(address);
	unsigned char lower[ADDRESS_MAX_LENGTH];
	char *form;
	uint64 result;

	if (len <= sizeof(lower) && address_is_plain(s, len))
	{
		for (size_t i = 0; i < len; i++)
			lower[i] = ascii_lower(s[i]);
		return hash_bytes_extended(lower, (int) len, seed);
	}

	form = address_fold(s, len);
	result = hash_bytes_extended((const unsigned char *) form, (int) strlen(form), seed);
	pfree(form);
	return result;
}

Datum
email_address_hash(PG_FUNCTION_ARGS)
{
	text *address = PG_GETARG_TEXT_PP(0);
	uint64 result = hash_address(address, 0);

	PG_FREE_IF_COPY(address, 0);
	PG_RETURN_UINT32((uint32) result);
}

Datum
email_address_hash_extended(PG_FUNCTION_ARGS)
{
	text *address = PG_GETARG_TEXT_PP(0);
	uint64 result = hash_address(address, (uint64) PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(address, 0);
	PG_RETURN_UINT64(result);
}

/*
 * ar_inbox_address_domain
 *		address_domain(email_address): the domain as DNS has it, so that equal
 *		addresses have equal domains.
 */
Datum
ar_inbox_address_domain(PG_FUNCTION_ARGS)
{
	text *address = PG_GETARG_TEXT_PP(0);
	char *form = address_fold(VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address));

	PG_RETURN_TEXT_P(cstring_to_text(strrchr(form, '@') + 1));
}

/*
 * ar_inbox_is_email_address
 *		is_email_address(text): would the cast succeed?
 */
Datum
ar_inbox_is_email_address(PG_FUNCTION_ARGS)
{
	text *s = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(address_parse(VARDATA_ANY(s), VARSIZE_ANY_EXHDR(s), NULL, NULL));
}
