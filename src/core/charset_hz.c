/*-------------------------------------------------------------------------
 *
 * charset_hz.c
 *	  HZ-GB-2312 (RFC 1843), which the C library does not have.
 *
 * It is GB2312 without the eighth bit, between "~{" and "~}".
 *
 *-------------------------------------------------------------------------
 */
#include "core/charset_hz.h"

static bool
half(char c)
{
	return c > 0x20 && c < 0x7F;
}

/*
 * hz_unshift appends the text as GB2312 with the eighth bit.  The end of a line
 * ends Chinese, too: who forgets "~}" spoils one line.  What is no HZ stays.
 */
void
hz_unshift(const char *data, size_t len, StringInfo out)
{
	const char *p = data;
	const char *end = data + len;
	bool chinese = false;

	while (p < end)
	{
		if (*p == '~' && p + 1 < end && (p[1] == '{' || p[1] == '}'))
		{
			chinese = p[1] == '{';
			p += 2;
		}
		else if (!chinese && *p == '~' && p + 1 < end && (p[1] == '~' || p[1] == '\n'))
		{
			/* a tilde; or a line that goes on */
			if (p[1] == '~')
				appendStringInfoChar(out, '~');
			p += 2;
		}
		else if (chinese && p + 1 < end && half(*p) && half(p[1]))
		{
			appendStringInfoChar(out, (char) (*p | 0x80));
			appendStringInfoChar(out, (char) (p[1] | 0x80));
			p += 2;
		}
		else
		{
			if (*p == '\n')
				chinese = false;
			appendStringInfoChar(out, *p++);
		}
	}
}
