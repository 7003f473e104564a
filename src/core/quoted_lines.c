/*-------------------------------------------------------------------------
 *
 * quoted_lines.c
 *	  The lines of a text, as those see them who look for history in it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted_lines.h"

#include "core/casefold.h"

#define MAX_TITLE 48 /* bytes of the words between dashes */
#define MAX_TITLE_WORDS 3
#define MIN_RULE 20 /* underscores that are a line across the page */

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
 * is cut there, before a whole character, which is all that a look ahead needs.
 */
QuotedLine
quoted_line(const char *p, const char *end, size_t limit)
{
	const char *stop = limit < end - p ? p + limit : end;
	const char *newline = memchr(p, '\n', stop - p);
	QuotedLine line;

	while (newline == NULL && stop < end && stop > p + 1 && ((unsigned char) *stop & 0xC0) == 0x80)
		stop--;
	line.start = p;
	line.next = newline == NULL ? stop : newline + 1;
	line.text = quoted_trim(p, newline == NULL ? stop : newline);
	return line;
}

/* quoted_fold leaves a slice in lower case in the buffer, cut at a whole character. */
const char *
quoted_fold(StringInfo buffer, MimeSlice slice, size_t limit)
{
	return casefold_head(buffer, slice.data, slice.len, limit);
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

/* quoted_may_go_on: a line that an attribution is broken at ends no sentence. */
bool
quoted_may_go_on(MimeSlice text)
{
	if (text.len == 0 || strchr("!?;", text.data[text.len - 1]) != NULL ||
		quoted_ends_with(text, "。"))
		return false;
	if (text.data[text.len - 1] != '.')
		return true;
	/* "a.m." and "Mon." are no sentences */
	for (size_t i = 2; i <= 5 && i <= text.len; i++)
	{
		if (strchr(" .,", text.data[text.len - i]) != NULL)
			return true;
	}
	return false;
}

/* quoted_ends_sentence: with a mark, or what people put in the place of one. */
bool
quoted_ends_sentence(MimeSlice text)
{
	static const char *const marks[] = {".", "!", "?", ")",	 "\"", ":",	 ";",  "-",
										"*", "_", "…", "。", "！", "？", "：", "）"};

	for (int i = 0; i < lengthof(marks); i++)
	{
		if (quoted_ends_with(text, marks[i]))
			return true;
	}
	return text.len == 0;
}

/* quoted_begins_quotation: with one of the marks that people put around what others said. */
bool
quoted_begins_quotation(MimeSlice text)
{
	static const char *const marks[] = {"\"", "«", "„", "“", "»", "「"};

	for (int i = 0; i < lengthof(marks); i++)
	{
		size_t len = strlen(marks[i]);

		if (text.len >= len && memcmp(text.data, marks[i], len) == 0)
			return true;
	}
	return false;
}

/* quoted_is_rule: nothing but underscores, as many as make a line across the page. */
bool
quoted_is_rule(MimeSlice text)
{
	size_t n = 0;

	while (n < text.len && text.data[n] == '_')
		n++;
	return n == text.len && n >= MIN_RULE;
}

/*
 * quoted_is_title: dashes on both sides, as programs draw them, and few enough words
 * between to be no sentence, which begin with a capital.
 */
bool
quoted_is_title(MimeSlice text)
{
	int words = 1;

	if (text.len < 2 || memchr("=*", *text.data, 2) != NULL ||
		*text.data != text.data[text.len - 1])
		return false;
	while (text.len > 0 && strchr("-_=* ", *text.data) != NULL)
	{
		text.data++;
		text.len--;
	}
	while (text.len > 0 && strchr("-_=* ", text.data[text.len - 1]) != NULL)
		text.len--;
	if (text.len == 0 || (*text.data >= 'a' && *text.data <= 'z'))
		return false;
	for (size_t i = 0; i < text.len; i++)
		words += text.data[i] == ' ';
	return text.len <= MAX_TITLE && words <= MAX_TITLE_WORDS;
}

bool
quoted_is_marked(MimeSlice slice)
{
	return slice.len > 0 &&
		   (*slice.data == '>' || (slice.len >= 3 && memcmp(slice.data, "＞", 3) == 0));
}

/* quoted_begins_with_number: "30 days", "EUR 500", "$ 500". */
bool
quoted_begins_with_number(const char *p, const char *end)
{
	static const char *const signs[] = {"€", "$", "£", "¥"};
	int capitals = 0;

	for (int i = 0; i < lengthof(signs); i++)
	{
		size_t len = strlen(signs[i]);

		if (end - p > len && memcmp(p, signs[i], len) == 0)
			p += len;
	}
	while (capitals < 3 && end - p > capitals && p[capitals] >= 'A' && p[capitals] <= 'Z')
		capitals++;
	if (capitals == 3)
		p += capitals;
	if (p < end && *p == ' ')
		p++;
	return p < end && mime_digit(*p);
}
