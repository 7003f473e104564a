/*-------------------------------------------------------------------------
 *
 * mime_document.c
 *	  Whether another HTML document may stand behind one in the same text.
 *
 * A mail program that shows an attachment between two paragraphs sends what is
 * before and what is behind it as documents of their own, and who reads the
 * mail reads both.  Every reader of HTML takes a second document for more of
 * the first one's body, which is right as long as nothing of the first is left
 * open that would swallow it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#include "core/html_internal.h"

/* What the names of elements are looked up by; none of those asked for is longer. */
#define MAX_ELEMENT 12

#define MAX_DROPPED 16 /* elements that are not shown, one in the other */

/* What is open at a place of a document. */
typedef struct Open
{
	char dropped[MAX_DROPPED][MAX_ELEMENT + 1]; /* not shown, nor what is in them */
	int ndropped;
	bool doubtful; /* they are not closed as they were opened */
	int quotes;
	int tables;
	int pres;
} Open;

/* after_blank passes over white space, however it is written. */
static const char *
after_blank(const char *p, const char *end)
{
	while (p < end)
	{
		if (mime_space(*p))
			p++;
		else if (end - p >= 2 && memcmp(p, "\xC2\xA0", 2) == 0)
			p += 2;
		else if (end - p >= 6 && (memcmp(p, "&nbsp;", 6) == 0 || memcmp(p, "&#160;", 6) == 0))
			p += 6;
		else
			break;
	}
	return p;
}

/* tag_end returns what is behind a tag, NULL where it does not end. */
static const char *
tag_end(const char *p, const char *end)
{
	bool value = false; /* a value may begin here */

	while (p < end && *p != '>')
	{
		if (value && (*p == '"' || *p == '\''))
		{
			p = memchr(p + 1, *p, end - p - 1);
			if (p == NULL)
				return NULL;
		}
		value = *p == '=' || (value && mime_space(*p));
		p++;
	}
	return p < end ? p + 1 : NULL;
}

/* raw_end returns where the end tag of an element begins that holds no tags. */
static const char *
raw_end(const char *name, const char *p, const char *end)
{
	size_t len = strlen(name);

	while ((p = mime_find(p, end, "</")) != NULL)
	{
		if (end - p >= len + 2 && pg_strncasecmp(p + 2, name, len) == 0)
			return p;
		p += 2;
	}
	return NULL;
}

static bool
is_raw(const char *name)
{
	return strcmp(name, "script") == 0 || strcmp(name, "style") == 0 ||
		   strcmp(name, "title") == 0 || strcmp(name, "textarea") == 0;
}

/* note_tag counts what a tag opens or closes. */
static void
note_tag(Open *open, const char *name, bool closing)
{
	const HtmlTag *tag = html_find_tag(name);
	int *count = NULL;

	if (tag->element == HTML_BLOCKQUOTE)
		count = &open->quotes;
	else if (tag->element == HTML_TABLE)
		count = &open->tables;
	else if (tag->element == HTML_PRE)
		count = &open->pres;
	else if (tag->kind == HTML_DROP && strcmp(name, "embed") != 0 && strcmp(name, "frame") != 0)
	{
		int n = open->ndropped;

		if (!closing && n < MAX_DROPPED)
			strlcpy(open->dropped[open->ndropped++], name, MAX_ELEMENT + 1);
		else if (closing && n > 0 && strcmp(open->dropped[n - 1], name) == 0)
			open->ndropped--;
		else if (!closing || n > 0)
			open->doubtful = true;
	}
	if (count == NULL)
		return;
	if (!closing)
		(*count)++;
	else if (*count > 0)
		(*count)--;
}

/*
 * mime_html_ends tells whether a document leaves nothing open that another
 * one behind it would become a part of: no comment or tag, nothing that is
 * not shown, no quotation, table or preformatted text.  "shows": there is
 * something to see in it.
 */
bool
mime_html_ends(const char *html, size_t len, bool *shows)
{
	const char *p = html;
	const char *end = html + len;
	Open open = {0};

	*shows = false;
	while (p < end)
	{
		char name[MAX_ELEMENT + 1];
		size_t n = 0;
		bool closing;

		p = after_blank(p, end);
		if (p == end)
			break;
		if (*p != '<' || end - p < 2 || !(mime_alpha(p[1]) || strchr("/!?", p[1]) != NULL))
		{
			*shows = *shows || open.ndropped == 0;
			p = memchr(p + 1, '<', end - p - 1);
			if (p == NULL)
				break;
			continue;
		}
		if (end - p >= 4 && memcmp(p, "<!--", 4) == 0)
		{
			p = mime_find(p + 4, end, "-->");
			if (p == NULL)
				return false;
			p += 3;
			continue;
		}
		closing = p[1] == '/';
		p += closing ? 2 : 1;
		while (p < end && (mime_alpha(*p) || mime_digit(*p)))
		{
			if (n < MAX_ELEMENT)
				name[n++] = mime_lower(*p);
			p++;
		}
		name[n] = '\0';
		p = tag_end(p, end);
		if (p == NULL)
			return false;
		if (!closing && is_raw(name))
		{
			p = raw_end(name, p, end);
			if (p == NULL)
				return false;
			continue;
		}
		if (strcmp(name, "plaintext") == 0)
			return false;
		if (strcmp(name, "img") == 0 || strcmp(name, "hr") == 0)
			*shows = *shows || open.ndropped == 0;
		if (!is_raw(name))
			note_tag(&open, name, closing);
	}
	return open.ndropped == 0 && !open.doubtful && open.quotes == 0 && open.tables == 0 &&
		   open.pres == 0;
}
