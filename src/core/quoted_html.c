/*-------------------------------------------------------------------------
 *
 * quoted_html.c
 *	  What is new in a reply's HTML, by the marks mail programs leave in it.
 *
 * The tags are gone through once, without a parser: only their names and
 * attributes are looked at.  Text that comes behind the quoted blocks is new,
 * as it is in plain text; then nothing is cut.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/quoted.h"

#include "core/quoted_words.h"
#include "core/casefold.h"

#define MAX_TAG 2000	   /* bytes of a tag that are looked at */
#define FORWARD_WINDOW 600 /* bytes after a mark where a forward says so */
#define MAX_MARKS 100	   /* marks whose surroundings are looked at */

/* What a mark says about the rest. */
typedef enum Mark
{
	MARK_NONE,
	MARK_BLOCK,	  /* a quoted block: text may follow it */
	MARK_REST,	  /* all the rest is history */
	MARK_FORWARD, /* a forward begins */
} Mark;

/* Parts of attribute values; "x_" may stand before them (Outlook adds it). */
static const struct
{
	const char *value;
	Mark mark;
} marks[] = {
	{"gmail_quote", MARK_BLOCK},
	{"moz-cite-prefix", MARK_BLOCK},
	{"moz-forward-container", MARK_FORWARD},
	{"yahoo_quoted", MARK_BLOCK},
	{"protonmail_quote", MARK_BLOCK},
	{"zmail_extra", MARK_BLOCK},
	{"divrplyfwdmsg", MARK_REST},
	{"appendonsend", MARK_REST},
	{"mail-editor-reference-message-container", MARK_REST},
	{"olk_src_body_section", MARK_REST},
	{"ms-outlook-mobile-reference-message", MARK_REST},
};

typedef struct Tag
{
	MimeSlice name;
	MimeSlice attributes;
	bool closing;
	const char *after;
} Tag;

/* read_tag reads what begins with "<"; false where it is no tag. */
static bool
read_tag(const char *p, const char *end, Tag *tag)
{
	const char *limit = end - p > MAX_TAG ? p + MAX_TAG : end;
	const char *q = p + 1;

	tag->closing = q < limit && *q == '/';
	if (tag->closing)
		q++;
	tag->name.data = q;
	while (q < limit && (mime_alpha(*q) || mime_digit(*q)))
		q++;
	tag->name.len = q - tag->name.data;
	if (tag->name.len == 0)
		return false;
	tag->attributes.data = q;
	while (q < limit && *q != '>' && *q != '<')
		q++;
	tag->attributes.len = q - tag->attributes.data;
	tag->after = q < limit && *q == '>' ? q + 1 : q;
	return true;
}

/* has_value looks for a word in a tag's attributes, whatever its case. */
static bool
has_value(MimeSlice attributes, const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i + len <= attributes.len; i++)
	{
		if (mime_lower(attributes.data[i]) == value[0] &&
			pg_strncasecmp(attributes.data + i, value, len) == 0)
			return true;
	}
	return false;
}

static Mark
mark_of(const Tag *tag)
{
	if (tag->closing || tag->attributes.len < 8)
		return MARK_NONE;
	if (mime_equal(tag->name, "blockquote") && has_value(tag->attributes, "type") &&
		has_value(tag->attributes, "cite"))
		return MARK_BLOCK;
	if (!has_value(tag->attributes, "class=") && !has_value(tag->attributes, "id=") &&
		!has_value(tag->attributes, "name="))
		return MARK_NONE;
	for (int i = 0; i < lengthof(marks); i++)
	{
		if (has_value(tag->attributes, marks[i].value))
			return marks[i].mark;
	}
	return MARK_NONE;
}

/* is_signature: an element that Thunderbird puts the signature into. */
static bool
is_signature(const Tag *tag)
{
	return !tag->closing && has_value(tag->attributes, "class=") &&
		   has_value(tag->attributes, "moz-signature") &&
		   (mime_equal(tag->name, "div") || mime_equal(tag->name, "pre"));
}

/* says_forwarded: what comes right behind a mark announces a forward. */
static bool
says_forwarded(const char *p, const char *end)
{
	StringInfoData folded;
	size_t len = Min(end - p, FORWARD_WINDOW);
	const char *dash;
	bool result;

	while (len > 0 && len < end - p && ((unsigned char) p[len] & 0xC0) == 0x80)
		len--;
	initStringInfo(&folded);
	casefold_append(&folded, p, len, false);
	dash = strstr(folded.data, "-----");
	result = dash != NULL && quoted_says_forwarded(dash);
	pfree(folded.data);
	return result;
}

/* skip_foreign returns the end of an element whose content is no text. */
static const char *
skip_foreign(const Tag *tag, const char *end)
{
	const char *p = tag->after;

	while ((p = mime_find(p, end, "</")) != NULL)
	{
		p += 2;
		if (end - p >= tag->name.len && pg_strncasecmp(p, tag->name.data, tag->name.len) == 0)
			return p;
	}
	return end;
}

/* has_words: a stretch of text with something to read in it. */
static bool
has_words(const char *p, const char *end)
{
	while (p < end)
	{
		if (end - p >= 6 && memcmp(p, "&nbsp;", 6) == 0)
			p += 6;
		else if (end - p >= 6 && memcmp(p, "&#160;", 6) == 0)
			p += 6;
		else if (end - p >= 2 && (unsigned char) p[0] == 0xC2 && (unsigned char) p[1] == 0xA0)
			p += 2;
		else if (mime_space(*p))
			p++;
		else
			return true;
	}
	return false;
}

/*
 * quoted_html tells where in HTML the history begins.
 */
QuotedHtml
quoted_html(const char *html, size_t len, const char *subject, size_t *offset)
{
	const char *p = html;
	const char *end = html + len;
	const char *cut = NULL;
	int depth = 0; /* of quoted blocks, from the first mark on */
	int marked = 0;
	bool was_inside = false;
	MimeSlice signature = {NULL, 0}; /* the element it is, while it is open */
	int signature_depth = 0;		 /* of such elements */

	*offset = len;
	if (quoted_is_forward(subject))
		return QUOTED_HTML_ALL;
	while (p < end)
	{
		const char *open = memchr(p, '<', end - p);
		Tag tag;
		Mark mark;

		if (open == NULL)
			open = end;
		if (cut != NULL && was_inside && depth == 0 && signature_depth == 0 && has_words(p, open))
			return QUOTED_HTML_ALL;
		if (open == end)
			break;
		if (end - open >= 4 && memcmp(open, "<!--", 4) == 0)
		{
			p = mime_find(open + 4, end, "-->");
			if (p == NULL)
				break;
			p += 3;
			continue;
		}
		if (!read_tag(open, end, &tag))
		{
			p = open + 1;
			continue;
		}
		p = tag.after;
		if (!tag.closing && (mime_equal(tag.name, "style") || mime_equal(tag.name, "script") ||
							 mime_equal(tag.name, "title")))
		{
			p = skip_foreign(&tag, end);
			continue;
		}

		/* a signature below the quoted block is nothing new */
		if (signature_depth > 0)
		{
			if (tag.name.len == signature.len &&
				pg_strncasecmp(tag.name.data, signature.data, signature.len) == 0)
				signature_depth += tag.closing ? -1 : 1;
		}
		else if (cut != NULL && was_inside && depth == 0 && is_signature(&tag))
		{
			signature = tag.name;
			signature_depth = 1;
		}

		mark = mark_of(&tag);
		if (mark != MARK_NONE && marked++ < MAX_MARKS && says_forwarded(p, end) && cut == NULL)
			mark = MARK_FORWARD;
		if (mark == MARK_FORWARD && cut == NULL)
			return QUOTED_HTML_ALL;
		if (mark != MARK_NONE && cut == NULL)
			cut = open;
		if (mark == MARK_REST)
			break;
		if (cut != NULL && mime_equal(tag.name, "blockquote"))
		{
			if (!tag.closing)
			{
				depth++;
				was_inside = true;
			}
			else if (depth > 0)
				depth--;
		}
	}
	if (cut == NULL)
		return QUOTED_HTML_NONE;
	*offset = cut - html;
	return QUOTED_HTML_CUT;
}

/*
 * quoted_mail tells where the new part of a mail's text ends.  Where the text
 * was made from the HTML, the HTML's own marks count as well: what comes before
 * the mark there is the same words, made the same way.  A block that is only
 * set in, which text marks with ">" too, is no history there, unless something
 * announces it.
 */
size_t
quoted_mail(const MimeMessage *mail)
{
	size_t cut = quoted_offset(mail->text, mail->text_length, mail->subject);
	size_t offset;
	char *words;
	size_t len;

	if (!mail->text_from_html || mail->html == NULL)
		return cut;
	if (cut < mail->text_length && mail->text[cut] == '>')
		cut = mail->text_length;
	switch (quoted_html(mail->html, mail->html_length, mail->subject, &offset))
	{
		case QUOTED_HTML_NONE:
			return cut;
		case QUOTED_HTML_ALL:
			return mail->text_length;
		case QUOTED_HTML_CUT:
			break;
	}
	words = mime_html_to_text(mail->html, offset);
	len = strlen(words);
	while (len > 0 && mime_space(words[len - 1]))
		len--;
	if (len > 0 && len < cut && len <= mail->text_length && memcmp(words, mail->text, len) == 0)
	{
		cut = len;
		while (cut < mail->text_length && mime_space(mail->text[cut]))
			cut++;
	}
	pfree(words);
	return cut;
}
