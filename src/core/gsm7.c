/*-------------------------------------------------------------------------
 *
 * gsm7.c
 *	  The alphabet of text messages.
 *
 * One character outside the default alphabet of GSM 03.38 (3GPP TS 23.038,
 * 6.2.1) makes a text message less than half as long.  The no-break spaces of
 * amounts, quotes that an editor made curly and an accent in a name should not
 * cost that.
 *
 *-------------------------------------------------------------------------
 */
#include "core/gsm7.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf8.h>

/* Beyond ASCII, in the order of Unicode. */
static const UChar basic[] = {0x00A1, 0x00A3, 0x00A4, 0x00A5, 0x00A7, 0x00BF, 0x00C4, 0x00C5,
							  0x00C6, 0x00C7, 0x00C9, 0x00D1, 0x00D6, 0x00D8, 0x00DC, 0x00DF,
							  0x00E0, 0x00E4, 0x00E5, 0x00E6, 0x00E8, 0x00E9, 0x00EC, 0x00F1,
							  0x00F2, 0x00F6, 0x00F8, 0x00F9, 0x00FC, 0x0393, 0x0394, 0x0398,
							  0x039B, 0x039E, 0x03A0, 0x03A3, 0x03A6, 0x03A8, 0x03A9};

/* Septets of a character; 0 if it is not in the alphabet. */
static int
septets(UChar32 c)
{
	if (c < 0x80)
	{
		if (c == '\n' || c == '\r')
			return 1;
		if (c == '\f' || (c > 0 && strchr("^{}\\[~]|", c) != NULL))
			return 2;
		return c >= ' ' && c < 0x7F && c != '`' ? 1 : 0;
	}
	if (c == 0x20AC)
		return 2;
	for (int i = 0; i < lengthof(basic); i++)
	{
		if (basic[i] == c)
			return 1;
	}
	return 0;
}

/* What is written for a character that is not in the alphabet, or NULL. */
static const char *
plain_form(UChar32 c)
{
	switch (c)
	{
		case '\t':
			return " ";
		case '`':
		case 0x00B4:
		case 0x2018:
		case 0x2019:
		case 0x201A:
		case 0x201B:
		case 0x2032:
			return "'";
		case 0x00AB:
		case 0x00BB:
		case 0x201C:
		case 0x201D:
		case 0x201E:
		case 0x201F:
		case 0x2033:
			return "\"";
		case 0x2010:
		case 0x2011:
		case 0x2012:
		case 0x2013:
		case 0x2014:
		case 0x2015:
		case 0x2212:
			return "-";
		case 0x2026:
			return "...";
		case 0x00D7:
			return "x";
		case 0x2022:
			return "*";
		case 0x00AD:
		case 0x200B:
		case 0xFEFF:
			return "";
		default:
			break;
	}
	if (u_charType(c) == U_SPACE_SEPARATOR)
		return " ";
	/* The letter it belongs to has been written, or was not to be. */
	return u_charType(c) == U_NON_SPACING_MARK ? "" : NULL;
}

/* The letter under the accents of one that is not in the alphabet; 0: there is none. */
static UChar32
base_letter(UChar32 c)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfd = unorm2_getNFDInstance(&status);
	UChar parts[16];
	int32_t count;

	if (U_FAILURE(status))
		return 0;
	count = unorm2_getDecomposition(nfd, c, parts, lengthof(parts), &status);
	if (U_FAILURE(status) || count < 2 || parts[0] > 0x7F || !u_isalpha(parts[0]))
		return 0;
	for (int i = 1; i < count; i++)
	{
		if (u_charType(parts[i]) != U_NON_SPACING_MARK)
			return 0;
	}
	return parts[0];
}

int
gsm7_length(const char *text, size_t len)
{
	int length = 0;
	int32_t at = 0;

	while (at < (int32_t) len)
	{
		UChar32 c;
		int needs;

		U8_NEXT(text, at, (int32_t) len, c);
		needs = septets(c);
		if (needs == 0)
			return -1;
		length += needs;
	}
	return length;
}

bool
gsm7_simplify(const char *text, size_t len, StringInfo out)
{
	int before = out->len;
	int32_t at = 0;

	while (at < (int32_t) len)
	{
		int32_t from = at;
		const char *plain;
		UChar32 base;
		UChar32 c;

		U8_NEXT(text, at, (int32_t) len, c);
		if (septets(c) > 0)
			appendBinaryStringInfo(out, text + from, at - from);
		else if (c >= 0 && (plain = plain_form(c)) != NULL)
			appendStringInfoString(out, plain);
		else if (c >= 0 && (base = base_letter(c)) != 0)
			appendStringInfoChar(out, (char) base);
		else
		{
			out->len = before;
			out->data[before] = '\0';
			return false;
		}
	}
	return true;
}
