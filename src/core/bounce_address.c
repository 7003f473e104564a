/*-------------------------------------------------------------------------
 *
 * bounce_address.c
 *	  Addresses in the lines of a report, which nobody marks as such.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/bounce_address.h"

#include "core/charset.h"

/* is_mark: brackets, quotes, bullets and other punctuation beyond ASCII. */
static bool
is_mark(uint32 c)
{
	return (c >= 0x80 && c < 0xC0) || (c >= 0x2000 && c < 0x2C00) ||
		   (c >= 0x3000 && c < 0x3040 && (c < 0x3005 || c > 0x3007)) || c == 0x30FB ||
		   (c >= 0xFE30 && c < 0xFE50) || (c >= 0xFF00 && c < 0xFFF0);
}

/* is_unspaced: of a script that puts no spaces between words. */
static bool
is_unspaced(uint32 c)
{
	return (c >= 0x0E00 && c < 0x0F00) || (c >= 0x1100 && c < 0x1200) ||
		   (c >= 0x2E80 && c < 0xD800) || (c >= 0xF900 && c < 0xFB00) || c >= 0x20000;
}

/*
 * address_char returns the length of a character that an address consists of
 * when nobody quotes it, 0 for any other.
 */
static int
address_char(const char *p, const char *end, bool *unspaced)
{
	uint32 c;
	int len;

	*unspaced = false;
	if (!IS_HIGHBIT_SET(*p))
		return mime_alpha(*p) || mime_digit(*p) ||
			   (*p != '\0' && strchr("!#$%&*+-/=?^_{|}~.@", *p) != NULL);
	len = utf8_get(p, end - p, &c);
	if (len <= 0 || is_mark(c))
		return 0;
	*unspaced = is_unspaced(c);
	return len;
}

/* bounce_skip_marks steps over marks, and over the ASCII characters of "also". */
const char *
bounce_skip_marks(const char *p, const char *end, const char *also)
{
	while (p < end)
	{
		uint32 c;
		int len = 1;

		if (IS_HIGHBIT_SET(*p))
		{
			len = utf8_get(p, end - p, &c);
			if (len <= 0 || !is_mark(c))
				break;
		}
		else if (*p == '\0' || strchr(also, *p) == NULL)
			break;
		p += len;
	}
	return p;
}

/* What is longer is no address (RFC 5321, 4.5.3.1: 64 and 255, and the "@"). */
#define MAX_ADDRESS 320

/*
 * address_at takes the address that begins at "p"; NULL where none does.  Where
 * words are not parted by spaces, text may stand right before an address and
 * right behind it.
 */
static char *
address_at(const char *p, const char *end, const char **after)
{
	const char *start = p;
	const char *at = NULL;
	const char *stop;
	bool mixed = false; /* there is unspaced text in what comes before the "@" */
	bool before = false;
	bool unspaced;
	int len;

	while (p < end && (len = address_char(p, end, &unspaced)) > 0)
	{
		if (p - start + len > MAX_ADDRESS)
			return NULL;
		if (*p == '@')
		{
			if (at != NULL || p == start || (mixed && !before))
				return NULL;
			at = p;
		}
		else if (at == NULL)
			mixed |= unspaced;
		else if (unspaced && !before && p[-1] != '@' && p[-1] != '.')
			break;
		before = unspaced;
		p += len;
	}
	stop = p;
	while (stop > start && (stop[-1] == '.' || stop[-1] == '-'))
		stop--;
	if (at == NULL || stop - at < 4 || memchr(at, '.', stop - at) == NULL)
		return NULL;
	*after = stop;
	return pnstrdup(start, stop - start);
}

/* address_start goes back from an "@" to where its address begins, at "least" at most. */
static const char *
address_start(const char *at, const char *least)
{
	const char *start = at;
	bool behind = false;

	while (start > least)
	{
		const char *p = start - 1;
		bool unspaced;

		while (p > least && ((unsigned char) *p & 0xC0) == 0x80)
			p--;
		if (*p == '@' || address_char(p, start, &unspaced) != start - p ||
			(start < at && unspaced && !behind))
			break;
		behind = unspaced;
		start = p;
	}
	return start;
}

static size_t
dashes(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p == '-')
		p++;
	return p - start;
}

/* bounce_line_address takes the address that a line begins with, if it does. */
char *
bounce_line_address(MimeSlice line, const char **after)
{
	const char *p = line.data;
	const char *end = p + line.len;
	const char *open;
	char *address;

	p = bounce_skip_marks(p, end, BOUNCE_LINE_OPENERS);

	/* "-- bob@example.com" */
	open = p + dashes(p, end);
	if (open > p && open < end && mime_space(*open))
		p = bounce_skip_marks(open, end, BOUNCE_LINE_OPENERS);
	if (end - p > 7 && pg_strncasecmp(p, "mailto:", 7) == 0)
		p += 7;
	address = address_at(p, end, after);
	if (address != NULL)
		return address;

	/* "Bob Brown (bob@example.com)" or "… <bob@example.com>", and no more */
	if (line.len > 200 || memchr(line.data, ':', line.len) != NULL)
		return NULL;
	for (open = end; open > p; open--)
	{
		if (open[-1] == '(' || open[-1] == '<')
			break;
	}
	if (open == p)
		return NULL;
	address = address_at(open, end, after);
	if (address != NULL && (*after == end || strchr(")>", **after) == NULL || end - *after > 3))
	{
		pfree(address);
		return NULL;
	}
	return address;
}

/* bounce_any_address takes the first address in a sentence. */
char *
bounce_any_address(const char *p, const char *end, const char **after)
{
	while (p < end)
	{
		const char *at = memchr(p, '@', end - p);
		char *address;

		if (at == NULL)
			return NULL;
		address = address_at(address_start(at, p), end, after);
		if (address != NULL)
			return address;
		p = at + 1;
	}
	return NULL;
}
