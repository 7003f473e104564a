/*-------------------------------------------------------------------------
 *
 * html_judge.h
 *	  Reads what html_sanitize() wrote, knowing nothing of how it was made, and
 *	  says what is wrong with it.
 *
 * The lists are written out again here: a mistake in those of src/core is no
 * excuse.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_HTML_JUDGE_H
#define AR_INBOX_HTML_JUDGE_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define JUDGE_DEPTH 2000

static char judge_words[300];

static const char *
judge_says(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(judge_words, sizeof(judge_words), format, args);
	va_end(args);
	return judge_words;
}

/* Whether a word is in a list of words, each between spaces. */
static bool
judge_in(const char *word, const char *list)
{
	char padded[64];

	if (snprintf(padded, sizeof(padded), " %s ", word) >= (int) sizeof(padded))
		return false;
	return strstr(list, padded) != NULL;
}

static const char judge_void[] = " br col hr img wbr ";
static const char judge_block[] =
	" address blockquote caption center colgroup dd details div dl dt figcaption figure h1 h2 h3 "
	"h4 h5 h6 li ol p pre summary table tbody td tfoot th thead tr ul hr col ";
static const char judge_inline[] =
	" a abbr acronym b bdi bdo cite code del dfn em font i ins kbd q rp rt ruby s samp small span "
	"strong sub sup time tt u var br img wbr ";
static const char judge_attributes[] =
	" align alt bgcolor border cellpadding cellspacing color colspan data-remote-src datetime dir "
	"face height href lang open rel reversed rowspan scope size span src start target title type "
	"valign value width ";

/* judge_entity: what an ampersand begins; 0 if that is not ours. */
static size_t
judge_entity(const char *p)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;"};

	for (int i = 0; i < 4; i++)
	{
		if (strncmp(p, entities[i], strlen(entities[i])) == 0)
			return strlen(entities[i]);
	}
	return 0;
}

/* judge_char: the length of a good UTF-8 character that may be shown, else 0. */
static size_t
judge_char(const char *text)
{
	const unsigned char *p = (const unsigned char *) text;
	unsigned long c;
	size_t len;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7F ? 1 : p[0] == '\n' || p[0] == '\t' ? 1 : 0;
	len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	c = p[0] & (0xFF >> (len + 1));
	for (size_t i = 1; i < len; i++)
	{
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3F);
	}
	if (c < 0xA0 || (len == 3 && c < 0x800) || (len == 4 && c < 0x10000) || c > 0x10FFFF ||
		(c >= 0xD800 && c <= 0xDFFF))
		return 0;
	return len;
}

static bool
judge_begins(const char *value, const char *prefix)
{
	return strncmp(value, prefix, strlen(prefix)) == 0;
}

static const char *
judge_attribute(const char *element, const char *name, const char *value)
{
	if (!judge_in(name, judge_attributes))
		return judge_says("attribute %s", name);
	if (strcmp(name, "href") == 0 &&
		(strcmp(element, "a") != 0 ||
		 !(judge_begins(value, "http://") || judge_begins(value, "https://") ||
		   judge_begins(value, "mailto:") || judge_begins(value, "tel:"))))
		return judge_says("href of %s: %s", element, value);
	if (strcmp(name, "src") == 0 &&
		(strcmp(element, "img") != 0 ||
		 !(judge_begins(value, "cid:") || judge_begins(value, "data:image/png;base64,") ||
		   judge_begins(value, "data:image/gif;base64,") ||
		   judge_begins(value, "data:image/jpeg;base64,"))))
		return judge_says("src of %s: %s", element, value);
	if (strcmp(name, "data-remote-src") == 0 &&
		(strcmp(element, "img") != 0 ||
		 !(judge_begins(value, "http://") || judge_begins(value, "https://"))))
		return judge_says("data-remote-src of %s: %s", element, value);
	if ((strcmp(name, "href") == 0 || strcmp(name, "src") == 0 ||
		 strcmp(name, "data-remote-src") == 0) &&
		strpbrk(value, " \t\n") != NULL)
		return judge_says("white space in %s: %s", name, value);
	if (strcmp(name, "rel") == 0 && strcmp(value, "noopener noreferrer nofollow") != 0)
		return judge_says("rel: %s", value);
	if (strcmp(name, "target") == 0 && strcmp(value, "_blank") != 0)
		return judge_says("target: %s", value);
	return NULL;
}

/* judge_html returns NULL if all is well, else what is not. */
static const char *
judge_html(const char *html, size_t len)
{
	static char stack[JUDGE_DEPTH][16];
	int depth = 0;
	int links = 0;
	int paragraphs = 0;
	int inlines = 0;
	const char *p = html;

	if (strlen(html) != len)
		return "a NUL";
	while (*p != '\0')
	{
		char name[16] = "";
		size_t size;
		bool closing;
		char seen[300] = " ";

		if (*p == '>')
			return judge_says("a stray > at %d", (int) (p - html));
		if (*p == '&')
		{
			if ((size = judge_entity(p)) == 0)
				return judge_says("a stray & at %d", (int) (p - html));
			p += size;
			continue;
		}
		if (*p != '<')
		{
			if ((size = judge_char(p)) == 0)
				return judge_says("no good character at %d", (int) (p - html));
			p += size;
			continue;
		}
		closing = *++p == '/';
		if (closing)
			p++;
		size = strspn(p, "abcdefghijklmnopqrstuvwxyz123456");
		if (size == 0 || size >= sizeof(name))
			return judge_says("no tag at %d", (int) (p - html));
		memcpy(name, p, size);
		name[size] = '\0';
		p += size;
		if (!judge_in(name, judge_block) && !judge_in(name, judge_inline))
			return judge_says("element %s", name);
		if (closing)
		{
			if (*p++ != '>')
				return judge_says("an end tag with more: %s", name);
			if (depth == 0 || strcmp(stack[depth - 1], name) != 0)
				return judge_says("</%s> closes %s", name, depth ? stack[depth - 1] : "nothing");
			depth--;
			links -= strcmp(name, "a") == 0;
			paragraphs -= strcmp(name, "p") == 0;
			inlines -= judge_in(name, judge_inline);
			continue;
		}
		if (paragraphs > 0 && judge_in(name, judge_block))
			return judge_says("%s in a paragraph", name);
		if (inlines > 0 && judge_in(name, judge_block))
			return judge_says("block %s in an inline element", name);
		if (links > 0 && strcmp(name, "a") == 0)
			return "a link in a link";
		if (judge_in(name, " td th ") && (depth == 0 || strcmp(stack[depth - 1], "tr") != 0))
			return "a cell outside of a row";
		if (judge_in(name, " tr ") &&
			(depth == 0 || !judge_in(stack[depth - 1], " table tbody thead tfoot ")))
			return "a row outside of a table";
		if (depth > 0 && judge_in(stack[depth - 1], " table tbody thead tfoot tr colgroup ") &&
			!judge_in(name, " caption colgroup col tbody thead tfoot tr td th "))
			return judge_says("%s between cells", name);
		while (*p == ' ')
		{
			char attribute[20] = "";
			char value[200] = "";
			size_t used = 0;
			const char *wrong;

			size = strspn(++p, "abcdefghijklmnopqrstuvwxyz-");
			if (size == 0 || size >= sizeof(attribute))
				return judge_says("no attribute at %d", (int) (p - html));
			memcpy(attribute, p, size);
			attribute[size] = '\0';
			p += size;
			if (judge_begins(p, "=\"") == false)
				return judge_says("no value at %d", (int) (p - html));
			for (p += 2; *p != '"'; p += size)
			{
				if (*p == '<' || *p == '>')
					return judge_says("a %c in a value at %d", *p, (int) (p - html));
				size = *p == '&' ? judge_entity(p) : judge_char(p);
				if (size == 0)
					return judge_says("no good character in a value at %d", (int) (p - html));
				if (used + size < sizeof(value))
				{
					memcpy(value + used, p, size);
					used += size;
				}
			}
			p++;
			value[used] = '\0';
			wrong = judge_attribute(name, attribute, value);
			if (wrong != NULL)
				return wrong;
			if (judge_in(attribute, seen))
				return judge_says("%s twice", attribute);
			if (strlen(seen) + strlen(attribute) + 2 < sizeof(seen))
			{
				size_t end = strlen(seen);

				snprintf(seen + end, sizeof(seen) - end, "%s ", attribute);
			}
		}
		if (*p++ != '>')
			return judge_says("a tag does not end at %d", (int) (p - html));
		if (strcmp(name, "a") == 0 &&
			!(strstr(seen, " href ") && strstr(seen, " rel ") && strstr(seen, " target ")))
			return "a link without href, rel and target";
		if (judge_in(name, judge_void))
			continue;
		if (depth == JUDGE_DEPTH)
			return "too deep";
		memcpy(stack[depth++], name, sizeof(name));
		links += strcmp(name, "a") == 0;
		paragraphs += strcmp(name, "p") == 0;
		inlines += judge_in(name, judge_inline);
	}
	return depth == 0 ? NULL : judge_says("%s stays open", stack[depth - 1]);
}

#endif /* AR_INBOX_HTML_JUDGE_H */
