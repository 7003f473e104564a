/*-------------------------------------------------------------------------
 *
 * address_rewrite.c
 *	  Addresses that carry something: our tokens, and what relays put in.
 *
 * We write local+token@domain (RFC 5233 calls what follows the plus sign the
 * detail of an address).  Relays rewrite envelope addresses:
 *
 *	  SRS0=hash=time=domain=local@forwarder		  the Sender Rewriting Scheme
 *	  SRS1=hash=first==hash=time=domain=local@second   a second forwarder
 *	  prvs=tag=local@domain			  Bounce Address Tag Validation
 *	  prvs=local=tag@domain, prvs=tag/local@domain, prvs=local/tag@domain
 *	  btv1==tag==local@domain		  the same, as one maker's filters have it
 *
 * They may do so one after the other.  The separator behind SRS0 and SRS1 may
 * also be + or -, and some relays change the letter case of it all.
 *
 *-------------------------------------------------------------------------
 */
#include "core/address_rewrite.h"

#include "core/address.h"

/* relays that rewrote one address, one after the other */
#define MAX_REWRITES 4

/* what a piece of an address is */
typedef struct Piece
{
	const char *data;
	size_t len;
} Piece;

/*
 * address_with_tag
 *		The address with a tag behind its local part.  NULL where it cannot
 *		have one: it is no address, its local part is quoted, or it would be
 *		too long.
 */
char *
address_with_tag(const char *address, size_t len, const char *tag, size_t tag_len)
{
	AddressParts parts;
	StringInfoData result;

	if (!address_parse(address, len, &parts, NULL) || parts.local_quoted || tag_len == 0 ||
		parts.local_len + 1 + tag_len > ADDRESS_MAX_LOCAL || len + 1 + tag_len > ADDRESS_MAX_LENGTH)
		return NULL;
	for (size_t i = 0; i < tag_len; i++)
	{
		if (IS_HIGHBIT_SET(tag[i]) || !address_is_atext((unsigned char) tag[i]))
			return NULL;
	}
	initStringInfo(&result);
	appendBinaryStringInfo(&result, parts.local, (int) parts.local_len);
	appendStringInfoChar(&result, '+');
	appendBinaryStringInfo(&result, tag, (int) tag_len);
	appendStringInfoChar(&result, '@');
	appendBinaryStringInfo(&result, parts.domain, (int) parts.domain_len);
	return result.data;
}

/*
 * address_tag
 *		What stands behind the last plus sign of the local part, so that an
 *		address with a detail of its own can be tagged; NULL where nothing does.
 */
char *
address_tag(const char *address, size_t len)
{
	AddressParts parts;
	size_t i;

	if (!address_parse(address, len, &parts, NULL) || parts.local_quoted)
		return NULL;
	for (i = parts.local_len; i > 0 && parts.local[i - 1] != '+'; i--)
		;
	if (i == 0 || i == parts.local_len)
		return NULL;
	return pnstrdup(parts.local + i, parts.local_len - i);
}

/* starts takes a beginning off a piece, if it has it, in any letter case. */
static bool
starts(Piece *piece, const char *beginning)
{
	size_t len = strlen(beginning);

	if (piece->len <= len || pg_strncasecmp(piece->data, beginning, len) != 0)
		return false;
	piece->data += len;
	piece->len -= len;
	return true;
}

/* cut takes off what stands before a separator; false where there is none. */
static bool
cut(Piece *rest, char separator, Piece *before)
{
	const char *mark = memchr(rest->data, separator, rest->len);

	if (mark == NULL || mark == rest->data)
		return false;
	before->data = rest->data;
	before->len = mark - rest->data;
	rest->len -= before->len + 1;
	rest->data = mark + 1;
	return true;
}

/* srs_separator takes off the character behind SRS0 or SRS1. */
static bool
srs_separator(Piece *rest)
{
	if (rest->len == 0 || (rest->data[0] != '=' && rest->data[0] != '+' && rest->data[0] != '-'))
		return false;
	rest->data++;
	rest->len--;
	return true;
}

/* unwrap_srs finds the domain and the local part that a forwarder hid. */
static bool
unwrap_srs(Piece rest, Piece *local, Piece *domain)
{
	Piece skipped;

	if (starts(&rest, "srs1"))
	{
		/* hash, the first forwarder, and its address from the separator on */
		if (!srs_separator(&rest) || !cut(&rest, '=', &skipped) || !cut(&rest, '=', &skipped) ||
			!srs_separator(&rest))
			return false;
	}
	else if (!starts(&rest, "srs0") || !srs_separator(&rest))
		return false;
	if (!cut(&rest, '=', &skipped) || !cut(&rest, '=', &skipped) || !cut(&rest, '=', domain) ||
		rest.len == 0)
		return false;
	*local = rest;
	return true;
}

/*
 * is_batv_tag tells a tag from a name: a key's number and a day's, four digits
 * in all, and six or more hexadecimal digits (RFC draft: exactly six; found
 * with fewer digits of the day and with a longer hash).
 */
static bool
is_batv_tag(Piece tag)
{
	if (tag.len < 8 || tag.len > 16)
		return false;
	for (size_t i = 0; i < tag.len; i++)
	{
		char c = pg_ascii_tolower(tag.data[i]);

		if (!(c >= '0' && c <= '9') && (i < 3 || c < 'a' || c > 'f'))
			return false;
	}
	return true;
}

/* unwrap_batv finds the local part that its own mail server tagged. */
static bool
unwrap_batv(Piece rest, Piece *local)
{
	static const char separators[] = "=/";

	if (starts(&rest, "btv1=="))
	{
		Piece tag;

		if (!cut(&rest, '=', &tag) || rest.len < 2 || rest.data[0] != '=')
			return false;
		local->data = rest.data + 1;
		local->len = rest.len - 1;
		return true;
	}
	if (!starts(&rest, "prvs="))
		return false;
	for (const char *separator = separators; *separator; separator++)
	{
		Piece before;
		Piece after = rest;

		if (cut(&after, *separator, &before) && is_batv_tag(before) && after.len > 0)
		{
			*local = after;
			return true;
		}

		/* the tag at the end: behind the last separator, for a name may have some */
		for (size_t i = rest.len; i > 1; i--)
		{
			if (rest.data[i - 1] != *separator)
				continue;
			after.data = rest.data + i;
			after.len = rest.len - i;
			if (is_batv_tag(after))
			{
				local->data = rest.data;
				local->len = i - 1;
				return true;
			}
			break;
		}
	}
	return false;
}

/*
 * address_unwrap
 *		The address as it was before relays rewrote it: the address itself where
 *		none did, where it is no address, and where what is inside is none.
 */
char *
address_unwrap(const char *address, size_t len)
{
	char *current = pnstrdup(address, len);

	for (int i = 0; i < MAX_REWRITES; i++)
	{
		AddressParts parts;
		Piece whole;
		Piece local;
		Piece domain;
		StringInfoData inner;

		if (!address_parse(current, strlen(current), &parts, NULL) || parts.local_quoted)
			break;
		whole.data = parts.local;
		whole.len = parts.local_len;
		domain.data = parts.domain;
		domain.len = parts.domain_len;
		if (!unwrap_srs(whole, &local, &domain) && !unwrap_batv(whole, &local))
			break;
		initStringInfo(&inner);
		appendBinaryStringInfo(&inner, local.data, (int) local.len);
		appendStringInfoChar(&inner, '@');
		appendBinaryStringInfo(&inner, domain.data, (int) domain.len);
		if (!address_parse(inner.data, inner.len, NULL, NULL))
			break;
		current = inner.data;
	}
	return current;
}
