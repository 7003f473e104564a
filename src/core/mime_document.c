/*-------------------------------------------------------------------------
 *
 * mime_document.c
 *	  The HTML of a mail, of the documents and the plain text it has.
 *
 * A mail program that shows an attachment between two paragraphs sends what is
 * before and what is behind it as parts of their own, and who reads the mail
 * reads both; a note, or a list's footer, is plain text beside the HTML.  Every
 * reader of HTML takes a second document for more of the first one's body, which
 * is right as long as nothing of the first is left open that would swallow it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#include "core/html_internal.h"

/* What the names of elements are looked up by; none of those asked for is longer. */
#define MAX_ELEMENT 12

#define RULE "\n<hr>\n"

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
 * html_ends tells whether a document leaves nothing open that another
 * one behind it would become a part of: no comment or tag, nothing that is
 * not shown, no quotation, table or preformatted text.  "shows": there is
 * something to see in it.
 */
static bool
html_ends(const char *html, size_t len, bool *shows)
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

/*
 * plain_html writes plain text as HTML that looks the same: its lines, and
 * its spaces where there are several.  False where it becomes more than is shown.
 */
static bool
plain_html(const char *text, size_t len, StringInfo out)
{
	const char *end = text + len;
	int start = out->len;

	while (end > text && mime_space(end[-1]))
		end--;
	appendStringInfoString(out, "<div>");
	for (const char *p = text; p < end && out->len - start <= HTML_MAX_SOURCE; p++)
	{
		switch (*p)
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '\n':
				appendStringInfoString(out, "<br>\n");
				break;
			case '\t':
				appendStringInfoString(out, "&nbsp; &nbsp; ");
				break;
			case ' ':
				if (p == text || p[-1] == '\n' || (p + 1 < end && p[1] == ' '))
					appendStringInfoString(out, "&nbsp;");
				else
					appendStringInfoChar(out, ' ');
				break;
			case ':':
				/* what is only written shows no image (see mark_inline) */
				if (p - text >= 3 && pg_strncasecmp(p - 3, "cid", 3) == 0)
					appendStringInfoString(out, "&#58;");
				else
					appendStringInfoChar(out, ':');
				break;
			default:
				appendStringInfoChar(out, *p);
				break;
		}
	}
	appendStringInfoString(out, "</div>");
	return out->len - start <= HTML_MAX_SOURCE;
}

/* What the HTML of a mail is put together of. */
typedef struct Joined
{
	StringInfoData html;
	int parts;		/* in it */
	int last;		/* where the last of them begins */
	bool documents; /* some are the sender's HTML */
	bool ends;		/* the last of them ends, as far as is known */
	bool shown;		/* something of what is written can be seen */
} Joined;

/*
 * html_of_part gives a part as HTML, false where there is nothing to see in it;
 * "too_much" where it cannot be shown.
 */
static bool
html_of_part(MimeReader *reader, const MimePart *part, MimeRole role, StringInfo out,
			 bool *too_much)
{
	StringInfoData plain;
	bool seen;

	*too_much = false;
	if (role == MIME_ROLE_HTML)
	{
		mime_part_text(reader, part, true, out);
		return true;
	}
	*too_much = part->content.len > 3 * HTML_MAX_SOURCE;
	if (*too_much)
		return true;
	initStringInfo(&plain);
	mime_part_plain_text(reader, part, &plain);
	seen = !mime_blank(plain.data, plain.len);
	*too_much = seen && !plain_html(plain.data, plain.len, out);
	pfree(plain.data);
	return seen;
}

/*
 * join adds a part, false where what is before would swallow it or both are
 * more than is shown: better one that is shown than two that are too much.
 */
static bool
join(Joined *joined, StringInfo html)
{
	bool shows;

	if (joined->parts == 0)
	{
		/* mostly there is one, which may be large */
		StringInfoData none = joined->html;

		joined->html = *html;
		*html = none;
		joined->parts = 1;
		return true;
	}
	if (joined->html.len + html->len + (int) strlen(RULE) > HTML_MAX_SOURCE)
		return false;
	if (joined->parts == 1 && joined->ends)
		joined->ends = html_ends(joined->html.data, joined->html.len, &joined->shown);
	if (!joined->ends)
		return false;
	joined->ends = html_ends(html->data, html->len, &shows);

	/* Some have a document without a word behind the last attachment. */
	appendStringInfoString(&joined->html, joined->shown && shows ? RULE : "\n");
	joined->last = joined->html.len;
	appendBinaryStringInfo(&joined->html, html->data, html->len);
	joined->shown = joined->shown || shows;
	joined->parts++;
	return true;
}

/* choose_branches finds of each alternative the form that is HTML; -1: none is. */
static bool
choose_branches(const MimePart *parts, const MimeRole *roles, int count, int *branches)
{
	bool any = false;

	memset(branches, -1, count * sizeof(int));
	for (int i = 0; i < count; i++)
	{
		int place = parts[i].alternative;

		if (roles[i] != MIME_ROLE_HTML)
			continue;
		any = true;
		if (place >= 0 && branches[place] < 0)
			branches[place] = parts[i].branch;
	}
	return any;
}

/*
 * mime_all_html writes the mail's HTML: of each place its documents and the plain
 * text between them, one after the other, as they are read by who sent them.
 * HTML that is another form of an alternative is attached, and so is what cannot
 * stand with the rest.
 */
void
mime_all_html(MimeReader *reader, const MimePart *parts, MimeRole *roles, int count)
{
	MimeMessage *mail = reader->mail;
	Joined joined = {.ends = true};
	int *branches = palloc(count * sizeof(int));

	reader->text_bytes = 0;
	if (!choose_branches(parts, roles, count, branches))
	{
		pfree(branches);
		return;
	}
	initStringInfo(&joined.html);
	for (int i = 0; i < count; i++)
	{
		int place = parts[i].alternative;
		int branch = place < 0 ? -1 : branches[place];
		MimePiece *piece = parts[i].piece < 0 ? NULL : &mail->pieces[parts[i].piece];
		StringInfoData html;
		bool too_much;

		if (roles[i] != MIME_ROLE_HTML && roles[i] != MIME_ROLE_TEXT)
			continue;
		if (place >= 0 && branch != parts[i].branch)
		{
			if (roles[i] == MIME_ROLE_HTML)
				roles[i] = MIME_ROLE_ATTACHED;
			if (branch >= 0 || piece == NULL)
				continue;
		}
		if (!joined.ends && roles[i] == MIME_ROLE_HTML)
		{
			roles[i] = MIME_ROLE_ATTACHED;
			continue;
		}
		initStringInfo(&html);
		if (html_of_part(reader, &parts[i], roles[i], &html, &too_much))
		{
			if (roles[i] == MIME_ROLE_HTML && !joined.documents &&
				joined.html.len + html.len > HTML_MAX_SOURCE)
			{
				/* what is plain can be read as it is */
				for (int j = 0; j < mail->piece_count; j++)
				{
					if (mail->pieces[j].html_length > 0)
						roles[mail->pieces[j].part] = MIME_ROLE_ATTACHED;
					mail->pieces[j].html_length = 0;
				}
				resetStringInfo(&joined.html);
				joined.parts = joined.last = 0;
				joined.shown = false;
			}
			if (too_much || !join(&joined, &html))
				roles[i] = MIME_ROLE_ATTACHED;
			else
			{
				joined.documents = joined.documents || roles[i] == MIME_ROLE_HTML;
				if (piece != NULL)
				{
					piece->html = joined.last;
					piece->html_length = joined.html.len - joined.last;
				}
			}
		}
		pfree(html.data);
	}
	mail->html = mime_strdup(reader->arena, joined.html.data, joined.html.len);
	mail->html_length = joined.html.len;
	pfree(joined.html.data);
	pfree(branches);
}
