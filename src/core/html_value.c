/*-------------------------------------------------------------------------
 *
 * html_value.c
 *	  Characters and addresses: what of them may be written, and how.
 *
 *-------------------------------------------------------------------------
 */
#include "core/html_internal.h"

#include "core/charset.h"

#define MAX_CONTENT_ID 500
#define MAX_LINK 8000
#define DIGITS_IN_VIEW 6 /* of a telephone number */

/* What 0x80 to 0x9F mean where a sender wrote the numbers of windows-1252. */
const uint16 html_windows_1252[32] = {
	0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
	0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

static bool
reserve(HtmlBuffer *buffer, size_t more)
{
	size_t size = Max(buffer->size, 256);
	char *data;

	if (buffer->failed)
		return false;
	if (buffer->size - buffer->len > more)
		return true;
	while (size - buffer->len <= more)
		size *= 2;
	data = palloc_extended(size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (data == NULL)
	{
		buffer->failed = true;
		return false;
	}
	if (buffer->data != NULL)
	{
		memcpy(data, buffer->data, buffer->len);
		pfree(buffer->data);
	}
	buffer->data = data;
	buffer->size = size;
	return true;
}

/* html_append adds bytes; what is in the buffer always ends in a NUL. */
void
html_append(HtmlBuffer *buffer, const char *data, size_t len)
{
	if (!reserve(buffer, len))
		return;
	if (len > 0)
		memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
}

void
html_append_string(HtmlBuffer *buffer, const char *string)
{
	html_append(buffer, string, strlen(string));
}

void
html_release(HtmlBuffer *buffer)
{
	if (buffer->data != NULL)
		pfree(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

/*
 * html_append_clean adds text as characters that may be stored and shown:
 * valid UTF-8, no controls but tab and new line, all line ends alike.
 */
void
html_append_clean(HtmlBuffer *buffer, const char *data, size_t len)
{
	size_t at = 0;

	while (at < len)
	{
		unsigned char c = data[at];
		uint32 codepoint;
		char utf8[4];
		int taken;

		if (c >= 0x20 && c < 0x7F)
		{
			size_t from = at;

			while (at < len && data[at] >= 0x20 && data[at] < 0x7F)
				at++;
			html_append(buffer, data + from, at - from);
			continue;
		}
		if (c < 0x80)
		{
			at++;
			if (c == '\r' && !(at < len && data[at] == '\n'))
				c = '\n';
			else if (c == '\f')
				c = ' ';
			if (c == '\n' || c == '\t' || c == ' ')
				html_append(buffer, (char *) &c, 1);
			continue;
		}
		taken = utf8_get(data + at, len - at, &codepoint);
		if (taken <= 0)
		{
			codepoint = 0xFFFD;
			taken = 1;
		}
		else if (codepoint >= 0x80 && codepoint < 0xA0)
			codepoint = html_windows_1252[codepoint - 0x80];
		else if ((codepoint & 0xFFFE) == 0xFFFE || (codepoint >= 0xFDD0 && codepoint <= 0xFDEF))
			codepoint = 0xFFFD;
		at += taken;
		html_append(buffer, utf8, utf8_put(codepoint, utf8));
	}
}

/* html_append_escaped adds text so that a reader of HTML takes it as text. */
void
html_append_escaped(HtmlBuffer *buffer, const char *data, size_t len, bool quoted)
{
	size_t from = 0;

	for (size_t at = 0; at < len; at++)
	{
		const char *escape;

		switch (data[at])
		{
			case '&':
				escape = "&amp;";
				break;
			case '<':
				escape = "&lt;";
				break;
			case '>':
				escape = "&gt;";
				break;
			case '"':
				if (!quoted)
					continue;
				escape = "&quot;";
				break;
			default:
				continue;
		}
		html_append(buffer, data + from, at - from);
		html_append_string(buffer, escape);
		from = at + 1;
	}
	html_append(buffer, data + from, len - from);
}

bool
html_blank(const char *data, size_t len)
{
	for (size_t at = 0; at < len; at++)
	{
		if (data[at] != ' ' && data[at] != '\n' && data[at] != '\t')
			return false;
	}
	return true;
}

/* White space of any script, and what is not seen at all. */
static bool
is_space_or_unseen(uint32 c)
{
	return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD || c == 0x1680 || c == 0x180E ||
		   (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
		   (c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF ||
		   (c >= 0xFFF0 && c <= 0xFFFF) || c >= 0xE0000;
}

/*
 * put_address adds an address without what a reader would not see; a space
 * within it, which browsers would write as %20, is written so if "encode".
 */
static void
put_address(const char *value, HtmlBuffer *out, bool encode)
{
	size_t len = strlen(value);
	size_t at = 0;
	size_t spaces = 0;
	size_t begin = out->len;

	while (at < len)
	{
		uint32 codepoint;
		int taken = utf8_get(value + at, len - at, &codepoint);

		if (taken <= 0)
		{
			codepoint = 0;
			taken = 1;
		}
		if (codepoint == ' ')
			spaces++;
		else if (!is_space_or_unseen(codepoint))
		{
			for (; spaces > 0; spaces--)
			{
				if (encode && out->len > begin)
					html_append(out, "%20", 3);
			}
			html_append(out, value + at, taken);
		}
		at += taken;
	}
}

static bool
has_prefix(const char *value, const char *prefix)
{
	return pg_strncasecmp(value, prefix, strlen(prefix)) == 0;
}

/* The scheme in lower case, so that nobody after us need fold it. */
static void
lower_scheme(char *value)
{
	for (; *value != ':' && *value != '\0'; value++)
		*value = (char) pg_ascii_tolower((unsigned char) *value);
}

/* http:// or https:// and something that can be a host's name. */
static bool
is_web_address(const char *value)
{
	size_t skip = has_prefix(value, "http://") ? 7 : has_prefix(value, "https://") ? 8 : 0;
	unsigned char first;

	if (skip == 0)
		return false;
	first = (unsigned char) value[skip];
	return isalnum(first) || first == '[' || first == '_' || first >= 0x80;
}

/*
 * html_link_value sets "out" to the address of a link, if it is one that a
 * reader may follow: http, https, mailto, tel.
 */
bool
html_link_value(const char *value, HtmlBuffer *out)
{
	bool good;

	out->len = 0;
	if (strlen(value) > MAX_LINK)
		return false;
	put_address(value, out, true);
	if (out->failed || out->len == 0 || out->len > MAX_LINK)
		return false;
	if (has_prefix(out->data, "mailto:"))
		good = out->len > 7;
	else if (has_prefix(out->data, "tel:"))
		good = out->len > 4 &&
			   strspn(out->data + 4,
					  "0123456789+-().,;=*#%/"
					  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == out->len - 4;
	else
		good = is_web_address(out->data);
	if (good)
		lower_scheme(out->data);
	return good;
}

/* html_link_words: the address without a scheme that goes without saying. */
const char *
html_link_words(const char *link)
{
	if (strncmp(link, "mailto:", 7) == 0)
		return link + 7;
	if (strncmp(link, "tel:", 4) == 0)
		return link + 4;
	return link;
}

/* essence_at skips what makes no difference to a reader. */
static const char *
essence_at(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || (*p == '/' && p == end - 1)))
		p++;
	return p;
}

/* essence_of skips the beginning of an address that a reader does not miss. */
static const char *
essence_of(const char *p, const char *end)
{
	static const char *const prefixes[] = {"http://", "https://", "mailto:", "tel:"};

	for (int i = 0; i < lengthof(prefixes); i++)
	{
		size_t len = strlen(prefixes[i]);

		if (end - p >= len && pg_strncasecmp(p, prefixes[i], len) == 0)
		{
			p += len;
			break;
		}
	}
	if (end - p >= 4 && pg_strncasecmp(p, "www.", 4) == 0)
		p += 4;
	return essence_at(p, end);
}

/* html_link_is_shown: do these words say where the link leads? */
bool
html_link_is_shown(const char *text, size_t len, const char *link)
{
	const char *end = text + len;
	const char *link_end = link + strlen(link);
	const char *p;
	const char *q;

	while (text < end && isspace((unsigned char) *text))
		text++;
	p = essence_of(text, end);
	q = essence_of(link, link_end);
	while (p < end && q < link_end && pg_ascii_tolower(*p) == pg_ascii_tolower(*q))
	{
		p = essence_at(p + 1, end);
		q = essence_at(q + 1, link_end);
	}
	if (p == end && q == link_end)
		return true;
	if (strncmp(link, "tel:", 4) == 0)
	{
		int digits = 0;

		for (; text < end; text++)
			digits += *text >= '0' && *text <= '9';
		return digits >= DIGITS_IN_VIEW;
	}
	return false;
}

/* html_inline_image_value: an image that came with the message. */
bool
html_inline_image_value(const char *value, HtmlBuffer *out)
{
	static const char *const types[] = {"data:image/png;base64,", "data:image/gif;base64,",
										"data:image/jpeg;base64,", "data:image/jpg;base64,"};
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	out->len = 0;
	put_address(value, out, false);
	if (out->failed || out->len == 0)
		return false;
	if (has_prefix(out->data, "cid:"))
	{
		if (out->len == 4 || out->len > MAX_CONTENT_ID || strpbrk(out->data, "<>\"'`\\") != NULL)
			return false;
		lower_scheme(out->data);
		return true;
	}
	for (int i = 0; i < lengthof(types); i++)
	{
		size_t prefix = strlen(types[i]);

		if (has_prefix(out->data, types[i]))
		{
			const char *data = out->data + prefix;
			size_t plain = strspn(data, base64);
			size_t padding = strspn(data + plain, "=");

			if (plain == 0 || padding > 2 || prefix + plain + padding != out->len)
				return false;
			memcpy(out->data, types[i], prefix);
			if (i == lengthof(types) - 1)
			{
				/* no such type, though many write it */
				HtmlBuffer right = {0};

				html_append_string(&right, types[i - 1]);
				html_append(&right, data, out->len - prefix);
				html_release(out);
				*out = right;
			}
			return !out->failed;
		}
	}
	return false;
}

/*
 * html_remote_image_value: an image that a reader may ask for.  One without a
 * scheme takes https, as a page would its own.
 */
bool
html_remote_image_value(const char *value, HtmlBuffer *out)
{
	out->len = 0;
	if (strlen(value) > MAX_LINK)
		return false;
	while (*value != '\0' && isspace((unsigned char) *value))
		value++;
	if (value[0] == '/' && value[1] == '/')
		html_append_string(out, "https:");
	put_address(value, out, true);
	if (out->failed || out->len == 0 || out->len > MAX_LINK || !is_web_address(out->data))
		return false;
	lower_scheme(out->data);
	return true;
}
