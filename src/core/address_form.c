/*-------------------------------------------------------------------------
 *
 * address_form.c
 *	  The forms of an address: as it is kept, and as it is compared.
 *
 * The canonical form makes one of all ways to write the same mailbox: letter
 * case, composed or decomposed letters, needless quotation marks and
 * backslashes, U-labels and A-labels.  It depends on no locale, for indexes
 * are built on it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/address.h"

#include "common/unicode_norm.h"
#include "core/casefold.h"
#include "mb/pg_wchar.h"

/* unicode_normalize() takes its memory from malloc outside the server */
#ifdef FRONTEND
#define free_normalized(p) free(p)
#else
#define free_normalized(p) pfree(p)
#endif

/*
 * local_length
 *		Where the local part of a valid address ends.
 */
static size_t
local_length(const char *s, size_t len)
{
	size_t i = 0;

	if (len > 0 && s[0] == '"')
	{
		for (i = 1; i < len && s[i] != '"'; i++)
		{
			if (s[i] == '\\')
				i++;
		}
	}
	while (i < len && s[i] != '@')
		i++;
	return i;
}

/*
 * address_normalize
 *		What the type stores.
 */
char *
address_normalize(const AddressParts *parts)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, parts->local, parts->local_len);
	appendStringInfoChar(&buf, '@');
	casefold_append(&buf, parts->domain, parts->domain_len, true);
	return buf.data;
}

/*
 * address_is_plain
 *		Most addresses are: then no case table, normalisation or IDNA is asked.
 */
bool
address_is_plain(const char *s, size_t len)
{
	return len > 0 && s[0] != '"' && address_is_ascii(s, len);
}

/*
 * is_surely_composed
 *		Scripts in which no character is, or takes part in, another composition:
 *		for these, most of what is written, normalisation need not be asked.
 */
static bool
is_surely_composed(pg_wchar c)
{
	return c < 0x0300						/* Latin */
		   || (c >= 0x0388 && c <= 0x0482)	/* Greek, Cyrillic */
		   || (c >= 0x048A && c <= 0x052F)	/* Cyrillic */
		   || (c >= 0x3041 && c <= 0x3096)	/* Hiragana */
		   || (c >= 0x30A1 && c <= 0x30FA)	/* Katakana */
		   || (c >= 0x4E00 && c <= 0x9FFF)	/* Han */
		   || (c >= 0xAC00 && c <= 0xD7A3); /* Hangul */
}

/*
 * normalize_utf8
 *		Compose (NFC), so that one letter has one form however it was typed.
 *		Out of memory outside the server, the text stays as it was.
 */
static char *
normalize_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *) s;
	const unsigned char *end = p + len;
	pg_wchar *wide = palloc(sizeof(pg_wchar) * (len + 1));
	pg_wchar *composed;
	size_t n = 0;
	bool composed_already = true;
	StringInfoData buf;

	for (; p < end; p += pg_utf_mblen(p))
	{
		wide[n] = utf8_to_unicode(p);
		composed_already &= is_surely_composed(wide[n++]);
	}
	wide[n] = 0;
	if (composed_already)
	{
		pfree(wide);
		return pnstrdup(s, len);
	}

	composed = unicode_normalize(UNICODE_NFC, wide);
	initStringInfo(&buf);
	for (const pg_wchar *c = composed ? composed : wide; *c != 0; c++)
	{
		unsigned char utf8[8];

		unicode_to_utf8(*c, utf8);
		appendBinaryStringInfo(&buf, (const char *) utf8, pg_utf_mblen(utf8));
	}
	if (composed)
		free_normalized(composed);
	pfree(wide);
	return buf.data;
}

/*
 * fold_text
 *		The form of a text that is the same for all its cases and compositions.
 *		It is composed again at the end, because folding can undo composition.
 */
static char *
fold_text(const char *s, size_t len)
{
	StringInfoData folded;
	char *composed = normalize_utf8(s, len);
	char *result;

	initStringInfo(&folded);
	casefold_append(&folded, composed, strlen(composed), false);
	result = normalize_utf8(folded.data, folded.len);
	pfree(composed);
	pfree(folded.data);
	return result;
}

/*
 * append_local
 *		Append a local part's text, in quotation marks only if it needs them.
 */
static void
append_local(StringInfo buf, const char *text)
{
	size_t len = strlen(text);
	bool quote = len == 0 || text[0] == '.' || text[len - 1] == '.' || strstr(text, "..");

	for (size_t i = 0; i < len && !quote; i++)
	{
		if (IS_HIGHBIT_SET(text[i]))
		{
			quote = address_is_wide_space(utf8_to_unicode((const unsigned char *) text + i));
			i += pg_utf_mblen((const unsigned char *) text + i) - 1;
		}
		else
			quote = text[i] != '.' && !address_is_atext((unsigned char) text[i]);
	}

	if (!quote)
	{
		appendStringInfoString(buf, text);
		return;
	}
	appendStringInfoChar(buf, '"');
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == '"' || text[i] == '\\')
			appendStringInfoChar(buf, '\\');
		appendStringInfoChar(buf, text[i]);
	}
	appendStringInfoChar(buf, '"');
}

/*
 * unquote_local
 *		A local part without quotation marks and backslashes.
 */
static char *
unquote_local(const char *s, size_t len)
{
	StringInfoData buf;

	if (len < 2 || s[0] != '"')
		return pnstrdup(s, len);
	initStringInfo(&buf);
	for (size_t i = 1; i + 1 < len; i++)
	{
		if (s[i] == '\\' && i + 2 < len)
			i++;
		appendStringInfoChar(&buf, s[i]);
	}
	return buf.data;
}

/*
 * fold_local
 *		The canonical local part, with the "@" behind it.
 */
static void
fold_local(StringInfo buf, const char *s, size_t len)
{
	char *local = unquote_local(s, len);

	if (address_is_ascii(local, strlen(local)))
	{
		for (char *c = local; *c; c++)
			*c = (char) casefold((unsigned char) *c);
		append_local(buf, local);
	}
	else
	{
		char *folded = fold_text(local, strlen(local));

		append_local(buf, folded);
		pfree(folded);
	}
	pfree(local);
	appendStringInfoChar(buf, '@');
}

/*
 * fold_domain
 *		The canonical domain.  One that is in ASCII has it already, but for its
 *		letter case; so must one that libidn2 took once and no longer does.
 */
static void
fold_domain(StringInfo buf, const char *s, size_t len)
{
	char *ascii = address_is_ascii(s, len) ? NULL : address_domain_to_ascii(s, len);

	if (ascii == NULL)
		casefold_append(buf, s, len, true);
	else
	{
		appendStringInfoString(buf, ascii);
		pfree(ascii);
	}
}

/*
 * address_fold
 *		The canonical form: what is hashed and, as if by strcmp, ordered.
 */
char *
address_fold(const char *s, size_t len)
{
	StringInfoData buf;
	size_t at;

	initStringInfo(&buf);
	if (address_is_plain(s, len))
		casefold_append(&buf, s, len, true);
	else
	{
		at = local_length(s, len);
		fold_local(&buf, s, at);
		if (at < len)
			fold_domain(&buf, s + at + 1, len - at - 1);
	}
	return buf.data;
}

/* casefold() for ASCII, where a call for each character would be felt */
static inline int
ascii_lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? c + ('a' - 'A') : c;
}

/*
 * compare_plain
 *		Order two ASCII texts as their lower-case forms would be ordered.
 */
static int
compare_plain(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t len = Min(a_len, b_len);

	for (size_t i = 0; i < len; i++)
	{
		int difference = ascii_lower(a[i]) - ascii_lower(b[i]);

		if (difference != 0)
			return difference;
	}
	return (a_len > b_len) - (a_len < b_len);
}

/*
 * address_compare
 *		The order of two addresses: strcmp of their canonical forms, without
 *		making more of these than it takes.  The local parts with their "@" decide
 *		if they differ, for none is the beginning of another; asking IDNA about
 *		the domains is what costs.
 */
int
address_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	StringInfoData a_form;
	StringInfoData b_form;
	size_t a_at;
	size_t b_at;
	int result;

	if (address_is_plain(a, a_len) && address_is_plain(b, b_len))
		return compare_plain(a, a_len, b, b_len);

	a_at = local_length(a, a_len);
	b_at = local_length(b, b_len);
	initStringInfo(&a_form);
	initStringInfo(&b_form);
	fold_local(&a_form, a, a_at);
	fold_local(&b_form, b, b_at);
	result = strcmp(a_form.data, b_form.data);

	a_at = Min(a_at + 1, a_len);
	b_at = Min(b_at + 1, b_len);
	if (result == 0 &&
		(a_len - a_at != b_len - b_at || memcmp(a + a_at, b + b_at, a_len - a_at) != 0))
	{
		resetStringInfo(&a_form);
		resetStringInfo(&b_form);
		fold_domain(&a_form, a + a_at, a_len - a_at);
		fold_domain(&b_form, b + b_at, b_len - b_at);
		result = strcmp(a_form.data, b_form.data);
	}
	pfree(a_form.data);
	pfree(b_form.data);
	return result;
}
