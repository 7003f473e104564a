/*-------------------------------------------------------------------------
 *
 * address.c
 *	  Mailbox addresses: what is one, and which two are the same.
 *
 * Beyond the RFCs some characters are refused that a mail header, a log line
 * or a terminal could take for something else: control characters, line and
 * paragraph separators, marks that reorder text, "<" and ">" even in quotes,
 * and the three characters that normalisation turns into ASCII ones.
 *
 * libidn2 is asked with no mapping at all (IDN2_NO_TR46): with it, and with
 * its STD3 option, it would silently drop an underscore or a full-width at
 * sign and so turn one domain into another.  Letter case is mapped here.
 *
 *-------------------------------------------------------------------------
 */
#include "core/address.h"

#include <idn2.h>

#include "core/casefold.h"
#include "mb/pg_wchar.h"

/* the longest text, in bytes, that address_escape() shows */
#define ESCAPE_MAX 200

#define MAX_DOMAIN 255
#define MAX_LABEL 63

/* What can be wrong; address_error_hint() finds the hint by the message. */
typedef struct AddressError
{
	const char *message;
	const char *hint;
} AddressError;

#define HINT_FORM "An address looks like name@example.com."
#define HINT_LOCAL                                                                                 \
	"Before the \"@\" stand letters, digits and any of !#$%&'*+-/=?^_`{|}~, in groups joined by "  \
	"single dots; anything else only in quotation marks, as in \"John Smith\"@example.com."
#define HINT_DOMAIN                                                                                \
	"A domain is made of letters, digits and hyphens in groups joined by single dots, as in "      \
	"mail.example.com."
#define HINT_LITERAL "Write an address literal as [192.0.2.1] or [IPv6:2001:db8::1]."
#define HINT_BARE "Give the address alone, without a display name or brackets around it."

typedef enum ErrorCode
{
	E_EMPTY,
	E_TOO_LONG,
	E_TOO_LONG_ASCII,
	E_LOCAL_TOO_LONG,
	E_NOT_UTF8,
	E_NUL,
	E_LINE_BREAK,
	E_CONTROL,
	E_ANGLE,
	E_REORDER,
	E_LOOKALIKE,
	E_NO_AT,
	E_TWO_AT,
	E_NO_LOCAL,
	E_SPACE,
	E_DOTS,
	E_LOCAL_CHAR,
	E_OPEN_QUOTE,
	E_AFTER_QUOTE,
	E_NO_DOMAIN,
	E_DOMAIN_CHAR,
	E_DOMAIN_DOTS,
	E_DOMAIN_HYPHEN,
	E_LABEL_LONG,
	E_DOMAIN_LONG,
	E_IDNA,
	E_ALABEL,
	E_LITERAL
} ErrorCode;

static const AddressError errors[] = {
	[E_EMPTY] = {"is empty", HINT_FORM},
	[E_TOO_LONG] = {"is longer than 254 octets", "Mail servers take no longer ones."},
	[E_TOO_LONG_ASCII] = {"is longer than 254 octets once its domain is written in ASCII",
						  "Mail servers take no longer ones."},
	[E_LOCAL_TOO_LONG] = {"has more than 64 octets before the \"@\"",
						  "Mail servers take no longer ones."},
	[E_NOT_UTF8] = {"is not valid UTF-8", HINT_FORM},
	[E_NUL] = {"contains a NUL character", HINT_FORM},
	[E_LINE_BREAK] = {"contains a line break", HINT_BARE},
	[E_CONTROL] = {"contains a control character", HINT_FORM},
	[E_ANGLE] = {"contains \"<\" or \">\"", HINT_BARE},
	[E_REORDER] = {"contains an invisible character that changes how text is shown", HINT_FORM},
	[E_LOOKALIKE] = {"contains a character that mail servers turn into an ASCII one",
					 "Write the ASCII character itself."},
	[E_NO_AT] = {"has no \"@\"", HINT_FORM},
	[E_TWO_AT] = {"has more than one \"@\"", HINT_FORM},
	[E_NO_LOCAL] = {"has nothing before the \"@\"", HINT_FORM},
	[E_SPACE] = {"contains a space outside quotation marks", HINT_BARE},
	[E_DOTS] = {"has a dot at the start or end of its local part, or two in a row", HINT_LOCAL},
	[E_LOCAL_CHAR] = {"has a character before the \"@\" that must not stand there", HINT_LOCAL},
	[E_OPEN_QUOTE] = {"has a quotation mark that is not closed", HINT_LOCAL},
	[E_AFTER_QUOTE] = {"has something between the quoted part and the \"@\"", HINT_LOCAL},
	[E_NO_DOMAIN] = {"has nothing after the \"@\"", HINT_FORM},
	[E_DOMAIN_CHAR] = {"has a character in its domain that must not stand there", HINT_DOMAIN},
	[E_DOMAIN_DOTS] = {"has a dot at the start or end of its domain, or two in a row", HINT_DOMAIN},
	[E_DOMAIN_HYPHEN] = {"has a hyphen at the start or end of a part of its domain", HINT_DOMAIN},
	[E_LABEL_LONG] = {"has a part of its domain that is longer than 63 octets", HINT_DOMAIN},
	[E_DOMAIN_LONG] = {"has a domain that is longer than 255 octets", HINT_DOMAIN},
	[E_IDNA] = {"has a domain that IDNA 2008 does not allow", HINT_DOMAIN},
	[E_ALABEL] = {"has a part of its domain that begins with \"xn--\" but is no encoded name",
				  "Write the name itself: münchen.example for xn--mnchen-3ya.example."},
	[E_LITERAL] = {"has something in brackets that is not an IP address", HINT_LITERAL},
};

/*
 * address_is_atext
 *		The ASCII characters that need no quoting (RFC 5322, atext).
 */
bool
address_is_atext(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

static char
ascii_lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? c + ('a' - 'A') : c;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * address_is_wide_space
 *		The spaces beyond ASCII: what a reader takes for a gap between words.
 */
bool
address_is_wide_space(uint32 c)
{
	return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
		   c == 0x3000;
}

/*
 * bad_character
 *		What is wrong with a character wherever in an address it stands; -1 if
 *		nothing is.
 */
static int
bad_character(pg_wchar c)
{
	if (c == 0)
		return E_NUL;
	if (c == '\r' || c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029)
		return E_LINE_BREAK;
	if (c < 0x20 || (c >= 0x7F && c < 0xA0))
		return E_CONTROL;
	if (c == '<' || c == '>')
		return E_ANGLE;
	/* bidirectional marks, embeddings and isolates; byte order mark; tags */
	if (c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
		(c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
		(c >= 0xE0000 && c <= 0xE007F))
		return E_REORDER;
	/* normalisation makes these K, ; and ` */
	if (c == 0x212A || c == 0x037E || c == 0x1FEF)
		return E_LOOKALIKE;
	if (c == 0xFFFD || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF))
		return E_NOT_UTF8;
	return -1;
}

/*
 * check_characters
 *		The rules that hold for every character of the address.
 */
static int
check_characters(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *) s;
	const unsigned char *end = p + len;

	while (p < end)
	{
		int length = 1;
		pg_wchar c = *p;
		int error;

		if (IS_HIGHBIT_SET(*p))
		{
			length = pg_utf_mblen(p);
			if (length > end - p || !pg_utf8_islegal(p, length))
				return E_NOT_UTF8;
			c = utf8_to_unicode(p);
		}
		error = bad_character(c);
		if (error >= 0)
			return error;
		p += length;
	}
	return -1;
}

/*
 * check_quoted
 *		A quoted local part.  Sets *used to its length, with both marks.
 */
static int
check_quoted(const char *s, size_t len, size_t *used)
{
	size_t i;

	for (i = 1; i < len && s[i] != '"'; i++)
	{
		/* control characters are refused already; beyond ASCII needs no "\" */
		if (s[i] == '\\' && (++i >= len || IS_HIGHBIT_SET(s[i])))
			return i >= len ? E_OPEN_QUOTE : E_LOCAL_CHAR;
	}
	if (i >= len)
		return E_OPEN_QUOTE;
	*used = i + 1;
	if (*used == len)
		return E_NO_AT;
	return s[*used] == '@' ? -1 : E_AFTER_QUOTE;
}

/*
 * check_dot_atom
 *		A local part without quotation marks.  Sets *used to its length.
 */
static int
check_dot_atom(const char *s, size_t len, size_t *used)
{
	bool bad_dot = false;
	size_t i = 0;

	while (i < len && s[i] != '@')
	{
		unsigned char c = (unsigned char) s[i];

		if (c == ' ')
			return E_SPACE;
		if (IS_HIGHBIT_SET(c))
		{
			if (address_is_wide_space(utf8_to_unicode((const unsigned char *) s + i)))
				return E_SPACE;
			i += pg_utf_mblen((const unsigned char *) s + i);
			continue;
		}
		if (c == '.')
			bad_dot |= i == 0 || s[i - 1] == '.' || (i + 1 < len && s[i + 1] == '@');
		else if (!address_is_atext(c))
			return E_LOCAL_CHAR;
		i++;
	}
	if (i >= len)
		return E_NO_AT;
	if (i == 0)
		return E_NO_LOCAL;
	*used = i;
	return bad_dot ? E_DOTS : -1;
}

/*
 * check_labels
 *		Dots, hyphens and lengths of a domain.  Beyond ASCII every character
 *		passes: IDNA judges those.  Label lengths count only where the domain
 *		is what goes over the wire.
 */
static int
check_labels(const char *s, size_t len, bool ascii)
{
	size_t start = 0;

	if (len == 0)
		return E_NO_DOMAIN;

	for (size_t i = 0; i < len; i++)
	{
		char c = s[i];

		if (c == '@')
			return E_TWO_AT;
		if (c == ' ')
			return E_SPACE;
		if (!IS_HIGHBIT_SET(c) && c != '.' && c != '-' && !(c >= '0' && c <= '9') &&
			!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
			return E_DOMAIN_CHAR;
	}

	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && s[i] != '.')
			continue;
		if (i == start)
			return E_DOMAIN_DOTS;
		if (s[start] == '-' || s[i - 1] == '-')
			return E_DOMAIN_HYPHEN;
		if (ascii && i - start > MAX_LABEL)
			return E_LABEL_LONG;
		start = i + 1;
	}
	return (ascii && len > MAX_DOMAIN) ? E_DOMAIN_LONG : -1;
}

/*
 * check_ipv4
 *		Four numbers of at most three digits, none over 255.
 */
static bool
check_ipv4(const char *s, size_t len)
{
	size_t i = 0;

	for (int part = 0; part < 4; part++)
	{
		int value = 0;
		int digits = 0;

		if (part > 0 && (i >= len || s[i++] != '.'))
			return false;
		while (i < len && s[i] >= '0' && s[i] <= '9' && digits < 4)
		{
			value = value * 10 + (s[i++] - '0');
			digits++;
		}
		if (digits == 0 || digits > 3 || value > 255)
			return false;
	}
	return i == len;
}

/*
 * check_ipv6
 *		Eight groups of one to four hexadecimal digits; "::" once stands for
 *		one or more groups of zeros; the last two may be written as IPv4.
 */
static bool
check_ipv6(const char *s, size_t len)
{
	int groups = 0;
	bool gap = false;
	size_t i = 0;

	while (i < len)
	{
		size_t start;

		if (s[i] == ':')
		{
			if (i + 1 < len && s[i + 1] == ':')
			{
				if (gap)
					return false;
				gap = true;
				i += 2;
				if (i == len)
					break;
			}
			else if (i == 0)
				return false;
			else
				i++;
		}
		else if (i > 0)
			return false;

		start = i;
		while (i < len && is_hex(s[i]))
			i++;
		if (i < len && s[i] == '.')
		{
			if (!check_ipv4(s + start, len - start))
				return false;
			groups += 2;
			i = len;
			break;
		}
		if (i == start || i - start > 4)
			return false;
		groups++;
	}
	return gap ? groups <= 7 : groups == 8;
}

/*
 * check_literal
 *		[192.0.2.1] or [IPv6:...], the two kinds of literal there are.
 */
static int
check_literal(const char *s, size_t len)
{
	if (len < 2 || s[len - 1] != ']')
		return E_LITERAL;
	if (len > 7 && pg_strncasecmp(s + 1, "IPv6:", 5) == 0)
		return check_ipv6(s + 6, len - 7) ? -1 : E_LITERAL;
	return check_ipv4(s + 1, len - 2) ? -1 : E_LITERAL;
}

/*
 * alabels_decode
 *		Can the labels that begin with "xn--" be decoded?  Which characters
 *		they stand for is not judged: registries and DNS have done that, and
 *		their Unicode may be newer than ours.
 */
static bool
alabels_decode(const char *domain)
{
	char *unicode = NULL;
	int result = idn2_to_unicode_8z8z(domain, &unicode, 0);

	idn2_free(unicode);
	return result == IDN2_OK;
}

/*
 * domain_to_ascii
 *		The lower-case A-label form of a domain, palloc'd in *ascii.
 */
static int
domain_to_ascii(const char *domain, size_t len, char **ascii)
{
	StringInfoData lower;
	char *encoded = NULL;
	char copy[MAX_DOMAIN + 1];
	size_t copy_len;
	int result;
	int error;

	error = check_labels(domain, len, false);
	if (error >= 0)
		return error;

	initStringInfo(&lower);
	casefold_append(&lower, domain, len, true);

	if (address_is_ascii(domain, len))
	{
		error = check_labels(domain, len, true);
		if (error < 0 && (strncmp(lower.data, "xn--", 4) == 0 || strstr(lower.data, ".xn--")) &&
			!alabels_decode(lower.data))
			error = E_ALABEL;
		*ascii = lower.data;
		return error;
	}

	/* libidn2's memory is not ours: out of it and freed before any palloc */
	result = idn2_to_ascii_8z(lower.data, &encoded, IDN2_NO_TR46 | IDN2_NFC_INPUT);
	copy_len = result == IDN2_OK ? strlen(encoded) : 0;
	if (copy_len <= MAX_DOMAIN && copy_len > 0)
		memcpy(copy, encoded, copy_len + 1);
	idn2_free(encoded);
	pfree(lower.data);

	if (result == IDN2_TOO_BIG_LABEL || result == IDN2_PUNYCODE_BIG_OUTPUT)
		return E_LABEL_LONG;
	if (result == IDN2_TOO_BIG_DOMAIN || copy_len > MAX_DOMAIN)
		return E_DOMAIN_LONG;
	if (result != IDN2_OK || copy_len == 0)
		return E_IDNA;
	*ascii = pstrdup(copy);
	return check_labels(copy, copy_len, true);
}

/*
 * check_address
 *		The number of what is wrong, or -1 with all of *parts set.
 */
static int
check_address(const char *s, size_t len, AddressParts *parts)
{
	char *ascii = NULL;
	int error;

	memset(parts, 0, sizeof(*parts));
	if (len == 0)
		return E_EMPTY;
	if (len > ADDRESS_MAX_LENGTH)
		return E_TOO_LONG;
	error = check_characters(s, len);
	if (error >= 0)
		return error;

	parts->local = s;
	parts->local_quoted = s[0] == '"';
	error = parts->local_quoted ? check_quoted(s, len, &parts->local_len) :
								  check_dot_atom(s, len, &parts->local_len);
	if (error >= 0)
		return error;
	if (parts->local_len > ADDRESS_MAX_LOCAL)
		return E_LOCAL_TOO_LONG;
	parts->needs_smtputf8 = !address_is_ascii(s, parts->local_len);

	parts->domain = s + parts->local_len + 1;
	parts->domain_len = len - parts->local_len - 1;
	parts->domain_ascii = address_is_ascii(parts->domain, parts->domain_len);
	parts->domain_literal = parts->domain_len > 0 && parts->domain[0] == '[';
	if (parts->domain_literal)
		return check_literal(parts->domain, parts->domain_len);

	error = domain_to_ascii(parts->domain, parts->domain_len, &ascii);
	if (error < 0 && parts->local_len + 1 + strlen(ascii) > ADDRESS_MAX_LENGTH)
		error = E_TOO_LONG_ASCII;
	if (ascii != NULL)
		pfree(ascii);
	return error;
}

/*
 * address_parse
 *		Is this an address, and which are its parts?
 */
bool
address_parse(const char *s, size_t len, AddressParts *parts, const char **error)
{
	AddressParts unused;
	int code = check_address(s, len, parts ? parts : &unused);

	if (error)
		*error = code < 0 ? NULL : errors[code].message;
	return code < 0;
}

/*
 * address_error_hint
 *		The hint that goes with a message of address_parse.
 */
const char *
address_error_hint(const char *error)
{
	for (int i = 0; i < lengthof(errors); i++)
	{
		if (errors[i].message == error)
			return errors[i].hint;
	}
	return HINT_FORM;
}

/*
 * address_domain_to_ascii
 *		The domain as DNS has it; a literal in lower case.
 */
char *
address_domain_to_ascii(const char *domain, size_t len)
{
	char *ascii = NULL;

	if (len > 0 && domain[0] == '[')
	{
		if (check_literal(domain, len) >= 0)
			return NULL;
		ascii = pnstrdup(domain, len);
		for (size_t i = 0; i < len; i++)
			ascii[i] = ascii_lower(ascii[i]);
		return ascii;
	}
	if (check_characters(domain, len) >= 0)
		return NULL;
	return domain_to_ascii(domain, len, &ascii) < 0 ? ascii : NULL;
}

/*
 * address_escape
 *		Bytes from outside, made fit for an error message: what is not
 *		printable is written as \xNN or \u{NNNN}, what is too long is cut.
 */
char *
address_escape(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *) s;
	const unsigned char *end = p + len;
	StringInfoData buf;

	initStringInfo(&buf);
	while (p < end)
	{
		int length = IS_HIGHBIT_SET(*p) ? pg_utf_mblen(p) : 1;

		if (buf.len >= ESCAPE_MAX)
		{
			appendStringInfoString(&buf, "...");
			break;
		}
		if (!IS_HIGHBIT_SET(*p))
		{
			if (*p < 0x20 || *p == 0x7F)
				appendStringInfo(&buf, "\\x%02x", *p);
			else
				appendStringInfoChar(&buf, (char) *p);
			p++;
		}
		else if (length > end - p || !pg_utf8_islegal(p, length))
			appendStringInfo(&buf, "\\x%02x", *p++);
		else
		{
			pg_wchar c = utf8_to_unicode(p);

			if (bad_character(c) >= 0 || address_is_wide_space(c))
				appendStringInfo(&buf, "\\u{%04x}", (unsigned int) c);
			else
				appendBinaryStringInfo(&buf, (const char *) p, length);
			p += length;
		}
	}
	return buf.data;
}
