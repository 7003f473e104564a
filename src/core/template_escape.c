/*-------------------------------------------------------------------------
 *
 * template_escape.c
 *	  Makes a value harmless where a template puts it: in HTML, in CommonMark.
 *
 * In CommonMark a value must come out as the text it is: it opens no heading,
 * list, quotation, code, table, emphasis, link or HTML; but for an e-mail
 * address, which the converter links to itself whatever stands before it and
 * however it is escaped, and which is no more than it says.  Escaping everything
 * would do, but the same text is also read by people as it stands, so a
 * character is escaped only where it could mean something.  What it could mean
 * depends on the line so far, which MarkdownPlace follows.
 *
 *-------------------------------------------------------------------------
 */
#include "core/template_impl.h"

void
template_escape_html(StringInfo out, const char *text, size_t len)
{
	size_t from = 0;
	size_t i;

	for (i = 0; i < len; i++)
	{
		const char *entity;

		switch (text[i])
		{
			case '&':
				entity = "&amp;";
				break;
			case '<':
				entity = "&lt;";
				break;
			case '>':
				entity = "&gt;";
				break;
			case '"':
				entity = "&quot;";
				break;
			case '\'':
				entity = "&#39;";
				break;
			default:
				continue;
		}
		appendBinaryStringInfo(out, text + from, i - from);
		appendStringInfoString(out, entity);
		from = i + 1;
	}
	appendBinaryStringInfo(out, text + from, len - from);
}

static inline bool
is_alnum(char c)
{
	/* Any byte of a character beyond ASCII counts as a letter here. */
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		   (unsigned char) c >= 0x80;
}

/* Reads one byte of output. */
static void
advance(MarkdownPlace *place, char c)
{
	bool escaped = place->escaped;
	char before = place->last[3];

	place->escaped = false;
	memmove(place->last, place->last + 1, 3);
	place->last[3] = c;

	if (c == '\n')
	{
		place->line = LINE_OPENING;
		place->link = LINK_NONE;
		place->one_line = false;
		return;
	}
	if (c == '\\' && !escaped)
	{
		place->escaped = true;
		place->line = LINE_INSIDE;
		return;
	}
	if (escaped)
	{
		place->line = LINE_INSIDE;
		place->last[3] = 'x'; /* it means nothing any more */
		return;
	}

	if (place->line == LINE_OPENING)
	{
		if (c >= '0' && c <= '9')
			place->line = LINE_DIGITS;
		else if (strchr(" \t>*+-=#:|~`_", c) == NULL)
			place->line = LINE_INSIDE;
		else if (c == '#')
			place->one_line = true;
	}
	else if (place->line == LINE_DIGITS && (c < '0' || c > '9'))
		place->line = c == '.' || c == ')' ? LINE_OPENING : LINE_INSIDE;

	if (c == '|')
		place->one_line = true;
	if (c == '(' && before == ']')
		place->link = LINK_DESTINATION;
	else if (c == ')')
		place->link = LINK_NONE;
	else if (place->link == LINK_DESTINATION && (c == ' ' || c == '\t') && before != '(')
		place->link = LINK_TITLE;
}

static void
catch_up(MarkdownPlace *place, StringInfo out)
{
	while (place->scanned < out->len)
		advance(place, out->data[place->scanned++]);
}

/* Does the output end with one of the words that begin an automatic link? */
static bool
after_scheme(StringInfo out)
{
	static const char *const schemes[] = {"http", "https", "ftp", "mailto", "xmpp"};
	int i;

	for (i = 0; i < lengthof(schemes); i++)
	{
		int len = strlen(schemes[i]);

		if (out->len >= len && pg_strncasecmp(out->data + out->len - len, schemes[i], len) == 0)
			return true;
	}
	return false;
}

static bool
after_www(StringInfo out)
{
	return out->len >= 3 && pg_strncasecmp(out->data + out->len - 3, "www", 3) == 0;
}

/* Could the ampersand at i begin an entity, with what may follow the value? */
static bool
may_be_entity(const char *text, size_t len, size_t i)
{
	size_t end = i + 1;

	if (end < len && text[end] == '#')
		end++;
	while (end < len && end - i <= 34 && is_alnum(text[end]))
		end++;
	return end == len || (text[end] == ';' && end > i + 1);
}

/* Inside the parentheses of a link only what ends them or breaks it matters. */
static bool
escape_in_link(StringInfo out, const MarkdownPlace *place, const char *text, size_t len, size_t i)
{
	char c = text[i];

	if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
	{
		if (place->link == LINK_TITLE)
			appendStringInfoChar(out, ' ');
		else if (c == '\n')
			appendStringInfoString(out, "%0A");
		else if (c == '\r')
			appendStringInfoString(out, "%0D");
		else if (c == '\t')
			appendStringInfoString(out, "%09");
		else
			appendStringInfoString(out, "%20");
	}
	else if (strchr("\\()<>\"'`*_[]|~", c) != NULL || (c == '&' && may_be_entity(text, len, i)))
	{
		appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, c);
	}
	else
		appendStringInfoChar(out, c);
	return true;
}

/* Must the character at i get a backslash in running text? */
static bool
needs_backslash(StringInfo out, const MarkdownPlace *place, const char *text, size_t len, size_t i)
{
	char c = text[i];

	switch (c)
	{
		case '\\':
		case '`':
		case '*':
		case '[':
		case ']':
		case '<':
		case '>':
		case '|':
		case '~':
			return true;
		case '_':
			/* Between letters of the value itself it is no emphasis. */
			return i == 0 || i + 1 == len || !is_alnum(text[i - 1]) || !is_alnum(text[i + 1]);
		case '!':
			/* The template may go on with a link. */
			return i + 1 == len;
		case '&':
			return may_be_entity(text, len, i);
		case ':':
			return after_scheme(out) || (i + 1 < len && text[i + 1] == '/') ||
				   place->line == LINE_OPENING;
		case '#':
			/* Also what would close a heading. */
			return place->line == LINE_OPENING || place->one_line;
		case '+':
		case '-':
		case '=':
			return place->line == LINE_OPENING;
		case '.':
			return place->line == LINE_DIGITS || after_www(out);
		case ')':
			return place->line == LINE_DIGITS;
		default:
			return false;
	}
}

/* Only white space up to the end of the value? */
static bool
last_space(const char *text, size_t len, size_t i)
{
	while (i < len && (text[i] == ' ' || text[i] == '\t'))
		i++;
	return i == len || text[i] == '\n' || text[i] == '\r';
}

void
template_escape_commonmark(StringInfo out, MarkdownPlace *place, const char *text, size_t len)
{
	size_t i = 0;
	size_t spaces_to = 0; /* up to here spaces are known not to be the last */

	/* Line breaks around a value belong to nothing. */
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	while (i < len && (text[i] == '\n' || text[i] == '\r'))
		i++;
	text += i;
	len -= i;
	if (len == 0)
		return;

	catch_up(place, out);
	if (place->escaped)
	{
		/* The template ends in a backslash: it shall not eat ours. */
		appendStringInfoChar(out, '\\');
	}
	for (i = 0; i < len; i++)
	{
		char c = text[i];

		catch_up(place, out);
		if (place->link != LINK_NONE)
		{
			escape_in_link(out, place, text, len, i);
			continue;
		}
		if (c == '\n' || c == '\r')
		{
			if (c == '\r' && i + 1 < len && text[i + 1] == '\n')
				i++;
			/* A hard break, but where a line is all there can be. */
			appendStringInfoString(out, place->one_line ? " " : "\\\n");
		}
		else if (c == ' ' || c == '\t')
		{
			bool last = false;

			if (i >= spaces_to)
			{
				last = last_space(text, len, i);
				if (!last)
					for (spaces_to = i; text[spaces_to] == ' ' || text[spaces_to] == '\t';)
						spaces_to++;
			}
			/* At a line's start they would indent, at its end break it. */
			if (place->line == LINE_OPENING || place->line == LINE_DIGITS || last)
				appendStringInfoString(out, c == ' ' ? "&#32;" : "&#9;");
			else
				appendStringInfoChar(out, c);
		}
		else
		{
			if (needs_backslash(out, place, text, len, i))
				appendStringInfoChar(out, '\\');
			appendStringInfoChar(out, c);
		}
	}
}
