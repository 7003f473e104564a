/*-------------------------------------------------------------------------
 *
 * quoted_lines.c
 *	  The lines of a text, as those see them who look for history in it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted_lines.h"

#include "core/casefold.h"

/* quoted_space returns how long the space or invisible mark at "p" is, 0 for none. */
size_t
quoted_space(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *) p;

	if (p >= end)
		return 0;
	if (mime_space(*p) || *p == '\f' || *p == '\v')
		return 1;
	if (end - p >= 2 && u[0] == 0xC2 && u[1] == 0xA0)
		return 2;
	if (end - p >= 3 && u[0] == 0xE2 && u[1] == 0x80 &&
		((u[2] >= 0x8B && u[2] <= 0x8F) || (u[2] >= 0xAA && u[2] <= 0xAF)))
		return 3;
	if (end - p >= 3 && u[0] == 0xE2 && u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9)
		return 3;
	if (end - p >= 3 && ((u[0] == 0xEF && u[1] == 0xBB && u[2] == 0xBF) ||
						 (u[0] == 0xE3 && u[1] == 0x80 && u[2] == 0x80)))
		return 3;
	return 0;
}

MimeSlice
quoted_trim(const char *p, const char *end)
{
	MimeSlice slice;
	size_t n;

	while ((n = quoted_space(p, end)) > 0)
		p += n;
	while (end > p)
	{
		if (quoted_space(end - 1, end) == 1)
			end--;
		else if (end - p >= 2 && quoted_space(end - 2, end) == 2)
			end -= 2;
		else if (end - p >= 3 && quoted_space(end - 3, end) == 3)
			end -= 3;
		else
			break;
	}
	slice.data = p;
	slice.len = end - p;
	return slice;
}

/*
 * quoted_line reads the line at "p".  With a limit, a line that reaches over it
 * is cut there, which is all that a look ahead needs.
 */
QuotedLine
quoted_line(const char *p, const char *end, size_t limit)
{
	const char *stop = limit < end - p ? p + limit : end;
	const char *newline = memchr(p, '\n', stop - p);
	QuotedLine line;

	line.start = p;
	line.next = newline == NULL ? stop : newline + 1;
	line.text = quoted_trim(p, newline == NULL ? stop : newline);
	return line;
}

/* quoted_fold leaves a slice in lower case in the buffer, cut at a whole character. */
const char *
quoted_fold(StringInfo buffer, MimeSlice slice, size_t limit)
{
	if (slice.len > limit)
	{
		slice.len = limit;
		while (slice.len > 0 && ((unsigned char) slice.data[slice.len] & 0xC0) == 0x80)
			slice.len--;
	}
	resetStringInfo(buffer);
	casefold_append(buffer, slice.data, slice.len, false);
	return buffer->data;
}

bool
quoted_ends_with(MimeSlice slice, const char *what)
{
	size_t len = strlen(what);

	return slice.len >= len && memcmp(slice.data + slice.len - len, what, len) == 0;
}

/* quoted_without_stars takes off what stood for bold or slanted letters. */
MimeSlice
quoted_without_stars(MimeSlice slice)
{
	while (slice.len > 0 && (*slice.data == '*' || *slice.data == '_'))
	{
		slice.data++;
		slice.len--;
	}
	while (slice.len > 0 && (slice.data[slice.len - 1] == '*' || slice.data[slice.len - 1] == '_'))
		slice.len--;
	return quoted_trim(slice.data, slice.data + slice.len);
}

bool
quoted_ends_with_colon(MimeSlice slice)
{
	slice = quoted_without_stars(slice);
	return quoted_ends_with(slice, ":") || quoted_ends_with(slice, WIDE_COLON);
}
