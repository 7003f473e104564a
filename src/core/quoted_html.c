/*-------------------------------------------------------------------------
 *
 * quoted_html.c
 *	  What is new in a reply's HTML, by the marks mail programs leave in it.
 *
 * The tags are gone through once, without a parser: only their names and
 * attributes are looked at.  Text that comes behind the quoted blocks is new,
 * as it is in plain text; then nothing is cut.  A mark says something about no
 * more than what holds it: what is pasted has its marks pasted with it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/quoted.h"

#include "core/casefold.h"
#include "core/quoted_lines.h"
#include "core/quoted_words.h"

#define MAX_TAG 2000		 /* bytes of a tag that are looked at */
#define MAX_NOTICE 32768	 /* bytes of HTML that a gateway's notice takes */
#define FORWARD_WINDOW 600	 /* bytes after a mark where a forward says so */
#define MAX_ANNOUNCEMENT 100 /* bytes of a line that says so without dashes */
#define MAX_MARKS 100		 /* marks whose surroundings are looked at */
#define MAX_ANNOUNCED 500	 /* bytes of "On … wrote:", with links and addresses */

/* What a mark says about the rest. */
typedef enum Mark
{
	MARK_NONE,
	MARK_BLOCK,	  /* a quoted block: text may follow it */
	MARK_REST,	  /* all behind it is history, as far as what holds the mark goes */
	MARK_BOX,	  /* all that is in it is history */
	MARK_SEND,	  /* history if a rule or another mark comes next */
	MARK_FORWARD, /* a forward begins */
} Mark;

/*
 * Parts of attribute values; "x_" may stand before them (Outlook adds it).
 * "set_in": what they announce is a blockquote; where none follows, the person
 * has deleted it and written in its place.
 */
typedef struct Form
{
	const char *value;
	Mark mark;
	bool set_in;
} Form;

static const Form forms[] = {
	{"gmail_quote", MARK_BLOCK, true},	   {"gmail_attr", MARK_BLOCK, true},
	{"moz-cite-prefix", MARK_BLOCK, true}, {"moz-forward-container", MARK_FORWARD},
	{"yahoo_quoted", MARK_BLOCK},		   {"protonmail_quote", MARK_BLOCK, true},
	{"zmail_extra", MARK_BLOCK},		   {"divrplyfwdmsg", MARK_REST},
	{"appendonsend", MARK_SEND},		   {"mail-editor-reference-message-container", MARK_BOX},
	{"olk_src_body_section", MARK_BOX},	   {"ms-outlook-mobile-reference-message", MARK_BOX},
};

static const Form cited = {"cite", MARK_BLOCK};
static const Form unmarked = {"", MARK_NONE};

typedef struct Tag
{
	MimeSlice name;
	MimeSlice attributes;
	bool closing;
	const char *after;
} Tag;

/* read_tag reads what begins with "<"; false where it is no element's tag. */
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
	tag->attributes.data = q;
	while (q < limit && *q != '>' && *q != '<')
		q++;
	tag->attributes.len = q - tag->attributes.data;
	tag->after = q < limit && *q == '>' ? q + 1 : q;
	return tag->name.len > 0;
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

static const Form *
form_of(const Tag *tag)
{
	if (tag->closing || tag->attributes.len < 8)
		return &unmarked;
	if (mime_equal(tag->name, "blockquote") && has_value(tag->attributes, "type") &&
		has_value(tag->attributes, "cite"))
		return &cited;
	if (!has_value(tag->attributes, "class=") && !has_value(tag->attributes, "id=") &&
		!has_value(tag->attributes, "name="))
		return &unmarked;
	for (int i = 0; i < lengthof(forms); i++)
	{
		if (has_value(tag->attributes, forms[i].value))
			return &forms[i];
	}
	return &unmarked;
}

/* is_signature: an element that Thunderbird puts the signature into. */
static bool
is_signature(const Tag *tag)
{
	return !tag->closing && has_value(tag->attributes, "class=") &&
		   has_value(tag->attributes, "moz-signature") &&
		   (mime_equal(tag->name, "div") || mime_equal(tag->name, "pre"));
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
			return p - 2;
	}
	return end;
}

/* Written in mails to be a place for the cursor, or to fill one. */
static const char *const unseen[] = {"&nbsp;",		 "&#160;",		 "&#8203;",
									 "&zwnj;",		 "&#8204;",		 "\xC2\xA0",
									 "\xE2\x80\x8B", "\xE2\x80\x8C", "\xEF\xBB\xBF"};

/* has_words: a stretch of text with something to read in it. */
static bool
has_words(const char *p, const char *end)
{
	while (p < end)
	{
		size_t len = mime_space(*p) ? 1 : 0;

		for (int i = 0; len == 0 && i < lengthof(unseen); i++)
		{
			size_t n = strlen(unseen[i]);

			if (end - p >= n && memcmp(p, unseen[i], n) == 0)
				len = n;
		}
		if (len == 0)
			return true;
		p += len;
	}
	return false;
}

/* folded_says_forwarded folds a stretch and looks at what is in it from "mark" on. */
static bool
folded_says_forwarded(const char *p, size_t len, const char *mark)
{
	StringInfoData folded;
	const char *found;
	bool result;

	initStringInfo(&folded);
	casefold_append(&folded, p, len, false);
	found = strstr(folded.data, mark);
	result = found != NULL && quoted_says_forwarded(found);
	pfree(folded.data);
	return result;
}

/* first_words returns the first stretch of text with something to read in it. */
static MimeSlice
first_words(const char *p, const char *end)
{
	MimeSlice words = {p, 0};

	while (p < end && words.len == 0)
	{
		const char *open = memchr(p, '<', end - p);
		const char *close;

		if (open == NULL)
			break;
		if (has_words(p, open))
		{
			words.data = p;
			words.len = open - p;
		}
		close = memchr(open, '>', end - open);
		p = close != NULL ? close + 1 : end;
	}
	mime_trim(&words);
	return words;
}

/*
 * says_forwarded: what comes right behind a mark announces a forward, between
 * dashes or as the first line (Apple Mail).  What is quoted behind the mark may
 * be a forward, and the mail is none.
 */
static bool
says_forwarded(const Tag *mark, const char *end)
{
	const char *p = mark->after;
	const char *stop = end - p > FORWARD_WINDOW ? p + FORWARD_WINDOW : end;
	const char *quote =
		mime_equal(mark->name, "blockquote") ? NULL : mime_find(p, stop, "<blockquote");
	MimeSlice words;

	if (quote != NULL)
		stop = quote;
	while (stop > p && stop < end && ((unsigned char) *stop & 0xC0) == 0x80)
		stop--;
	if (folded_says_forwarded(p, stop - p, "-----"))
		return true;
	words = first_words(p, stop);
	return words.len > 0 && words.len <= MAX_ANNOUNCEMENT && quoted_ends_with_colon(words) &&
		   folded_says_forwarded(words.data, words.len, "");
}

/* A walk through the tags of one document. */
typedef struct Walk
{
	const char *cut; /* where history begins, NULL: none yet */
	bool proven;	 /* it does: what the mark announces is there */
	int announced;	 /* bytes of words between the mark and that */
	int divs;		 /* that are open */
	int quotes;		 /* blockquotes that are open */
	int depth;		 /* of these, from the mark on */
	bool was_inside; /* one of them has been open */

	/* the element that holds a quoted block */
	bool boxed;	  /* there is one */
	bool box;	  /* and it is open */
	bool loose;	  /* what is quoted in it need not be set in */
	int box_divs; /* open outside of it */

	/* all is history, as long as so many are open */
	bool rest;
	int rest_divs;
	int rest_quotes;
	bool rested; /* that is over */

	bool by_word; /* a document of Outlook's, made by Word */

	/* MARK_SEND, nothing behind it yet */
	const char *send;
	int send_divs;
} Walk;

/* forget_mark: what was taken for history is none. */
static void
forget_mark(Walk *walk)
{
	walk->cut = NULL;
	walk->proven = walk->was_inside = walk->boxed = walk->box = walk->rested = false;
	walk->announced = 0;
	walk->depth = 0;
}

/* begin_rest: from here on all is history. */
static void
begin_rest(Walk *walk, const char *at, int divs)
{
	if (walk->cut == NULL || (!walk->proven && walk->announced > 0))
		walk->cut = at;
	walk->proven = true;
	walk->rest = true;
	walk->rest_divs = divs;
	walk->rest_quotes = walk->quotes;
	walk->send = NULL;
}

/*
 * is_words_block: the line above the header fields that Outlook puts above what
 * it quotes.  What is below are older mails, with the marks of their programs,
 * and nothing says where it ends: only the text tells whether it is history.
 */
static bool
is_words_block(Walk *walk, const Tag *tag)
{
	if (tag->closing || walk->cut != NULL || !mime_equal(tag->name, "div"))
		return false;
	if (walk->divs == 0 && has_value(tag->attributes, "wordsection"))
		walk->by_word = true;
	return walk->by_word && (has_value(tag->attributes, "border-top:solid #e1e1e1") ||
							 has_value(tag->attributes, "border-top:solid #b5c4df"));
}

/* note_mark notes what a tag says that begins at "open". */
static void
note_mark(Walk *walk, const Form *form, const Tag *tag, const char *open)
{
	bool is_div = mime_equal(tag->name, "div");
	bool moves;

	/* what is quoted has the marks of all that is quoted in it */
	if (walk->rest || walk->depth > 0 || (walk->box && walk->proven && !walk->loose))
		return;
	switch (form->mark)
	{
		case MARK_SEND:
			if (walk->send == NULL)
			{
				walk->send = open;
				walk->send_divs = walk->divs;
			}
			return;
		case MARK_REST:
			if (walk->send != NULL)
				begin_rest(walk, walk->send, Min(walk->send_divs, walk->divs));
			else
				begin_rest(walk, open, walk->divs);
			return;
		case MARK_BOX:
			begin_rest(walk, walk->send != NULL ? walk->send : open,
					   is_div ? walk->divs + 1 : walk->divs);
			return;
		default:
			break;
	}

	/* Who writes into the box of a quotation does so before it is announced. */
	moves = walk->cut != NULL && !walk->proven && walk->announced > 0 &&
			!mime_equal(tag->name, "blockquote");
	if (walk->cut == NULL || moves)
	{
		walk->cut = walk->cut == NULL && walk->send != NULL ? walk->send : open;
		walk->announced = 0;
		walk->proven = !form->set_in;
	}
	walk->send = NULL;
	if (is_div && !walk->box)
	{
		walk->boxed = walk->box = true;
		walk->loose = !form->set_in;
		walk->box_divs = walk->divs;
		walk->proven = walk->proven || !form->set_in;
	}
}

/* note_tag counts what a tag opens and closes. */
static void
note_tag(Walk *walk, const Tag *tag, const char *open)
{
	bool is_div = mime_equal(tag->name, "div");
	int *count = is_div ? &walk->divs : &walk->quotes;

	if (walk->send != NULL && mime_equal(tag->name, "hr"))
		begin_rest(walk, walk->send, Min(walk->send_divs, walk->divs));
	if (!is_div && !mime_equal(tag->name, "blockquote"))
		return;
	if (!tag->closing)
		(*count)++;
	else if (*count > 0)
		(*count)--;
	if (walk->rest && (walk->divs < walk->rest_divs || walk->quotes < walk->rest_quotes))
	{
		walk->rest = false;
		walk->rested = true;
		walk->depth = 0;
		return;
	}
	if (walk->cut == NULL || walk->rest)
		return;
	if (is_div)
	{
		if (walk->box && walk->divs <= walk->box_divs)
		{
			/* with it ends what is left open in it */
			walk->box = false;
			walk->depth = 0;
		}
	}
	else if (!tag->closing)
	{
		if (!walk->proven && walk->announced > MAX_ANNOUNCED)
			walk->cut = open;
		walk->depth++;
		walk->proven = walk->was_inside = true;
	}
	else if (walk->depth > 0)
		walk->depth--;
}

/* note_words tells whether words are new ones behind what is quoted. */
static bool
note_words(Walk *walk, size_t len)
{
	walk->send = NULL;
	if (walk->cut == NULL || walk->rest || walk->depth > 0)
		return false;
	if (walk->box && !walk->was_inside)
	{
		walk->announced += (int) Min(len, MAX_ANNOUNCED + 1);
		return false;
	}
	if (!walk->proven)
	{
		forget_mark(walk);
		return false;
	}
	return walk->was_inside || walk->boxed || walk->rested;
}

/* is_notice: what follows to the end is a gateway's. */
static bool
is_notice(const char *p, const char *end)
{
	char *text;
	bool result;

	if (end - p > MAX_NOTICE)
		return false;
	text = mime_html_to_text(p, end - p);
	result = quoted_is_notice(text, strlen(text));
	pfree(text);
	return result;
}

/*
 * quoted_html tells where in an HTML document the history begins.
 */
QuotedHtml
quoted_html(const char *html, size_t len, const char *subject, size_t *offset)
{
	const char *p = html;
	const char *end = html + len;
	Walk walk = {0};
	int marked = 0;
	MimeSlice signature = {NULL, 0}; /* the element it is, while it is open */
	int signature_depth = 0;		 /* of such elements */

	*offset = len;
	if (quoted_is_forward(subject))
		return QUOTED_HTML_ALL;
	while (p < end)
	{
		const char *open = memchr(p, '<', end - p);
		const Form *form;
		Tag tag;

		if (open == NULL)
			open = end;
		if ((walk.cut != NULL || walk.send != NULL) && signature_depth == 0 && has_words(p, open) &&
			note_words(&walk, open - p))
		{
			if (!is_notice(p, end))
				return QUOTED_HTML_ALL;
			break;
		}
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
			/* "<![endif]>" is no words */
			p = end - open >= 2 && (open[1] == '!' || open[1] == '?') ? tag.after : open + 1;
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
		else if (walk.was_inside && walk.depth == 0 && !walk.rest && is_signature(&tag))
		{
			signature = tag.name;
			signature_depth = 1;
		}

		if (is_words_block(&walk, &tag))
			break;
		form = form_of(&tag);
		if (form->mark != MARK_NONE)
		{
			bool first = walk.cut == NULL || (!walk.proven && !mime_equal(tag.name, "blockquote"));

			if (first &&
				(form->mark == MARK_FORWARD || (marked++ < MAX_MARKS && says_forwarded(&tag, end))))
				return QUOTED_HTML_ALL;
			if (form->mark != MARK_FORWARD)
				note_mark(&walk, form, &tag, open);
		}
		note_tag(&walk, &tag, open);
	}
	if (walk.cut == NULL || !walk.proven)
		return QUOTED_HTML_NONE;
	*offset = walk.cut - html;
	return QUOTED_HTML_CUT;
}
