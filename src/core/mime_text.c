/*-------------------------------------------------------------------------
 *
 * mime_text.c
 *	  Text to read: format=flowed undone (RFC 3676), and the words of an HTML
 *	  body where the sender gave no text.
 *
 * The HTML is not shown from here and nothing is decided by it: tags go,
 * blocks become lines, entities become characters.  One pass, whatever the
 * nesting.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

typedef struct Entity
{
	const char *name;
	uint16 codepoint;
} Entity;

static const Entity entities[] = {
	{"amp", '&'},	   {"lt", '<'},		   {"gt", '>'},		   {"quot", '"'},
	{"apos", '\''},	   {"nbsp", ' '},	   {"euro", 0x20AC},   {"pound", 0xA3},
	{"yen", 0xA5},	   {"cent", 0xA2},	   {"sect", 0xA7},	   {"copy", 0xA9},
	{"reg", 0xAE},	   {"trade", 0x2122},  {"deg", 0xB0},	   {"para", 0xB6},
	{"middot", 0xB7},  {"bull", 0x2022},   {"hellip", 0x2026}, {"ndash", 0x2013},
	{"mdash", 0x2014}, {"lsquo", 0x2018},  {"rsquo", 0x2019},  {"sbquo", 0x201A},
	{"ldquo", 0x201C}, {"rdquo", 0x201D},  {"bdquo", 0x201E},  {"laquo", 0xAB},
	{"raquo", 0xBB},   {"lsaquo", 0x2039}, {"rsaquo", 0x203A}, {"ensp", ' '},
	{"emsp", ' '},	   {"thinsp", ' '},	   {"shy", 0},		   {"zwnj", 0},
	{"zwj", 0},		   {"times", 0xD7},	   {"divide", 0xF7},   {"plusmn", 0xB1},
	{"frac12", 0xBD},  {"frac14", 0xBC},   {"frac34", 0xBE},   {"sup1", 0xB9},
	{"sup2", 0xB2},	   {"sup3", 0xB3},	   {"micro", 0xB5},	   {"iexcl", 0xA1},
	{"iquest", 0xBF},  {"ordf", 0xAA},	   {"ordm", 0xBA},	   {"szlig", 0xDF},
	{"agrave", 0xE0},  {"aacute", 0xE1},   {"acirc", 0xE2},	   {"atilde", 0xE3},
	{"auml", 0xE4},	   {"aring", 0xE5},	   {"aelig", 0xE6},	   {"ccedil", 0xE7},
	{"egrave", 0xE8},  {"eacute", 0xE9},   {"ecirc", 0xEA},	   {"euml", 0xEB},
	{"igrave", 0xEC},  {"iacute", 0xED},   {"icirc", 0xEE},	   {"iuml", 0xEF},
	{"eth", 0xF0},	   {"ntilde", 0xF1},   {"ograve", 0xF2},   {"oacute", 0xF3},
	{"ocirc", 0xF4},   {"otilde", 0xF5},   {"ouml", 0xF6},	   {"oslash", 0xF8},
	{"ugrave", 0xF9},  {"uacute", 0xFA},   {"ucirc", 0xFB},	   {"uuml", 0xFC},
	{"yacute", 0xFD},  {"thorn", 0xFE},	   {"yuml", 0xFF},	   {"Agrave", 0xC0},
	{"Aacute", 0xC1},  {"Acirc", 0xC2},	   {"Atilde", 0xC3},   {"Auml", 0xC4},
	{"Aring", 0xC5},   {"AElig", 0xC6},	   {"Ccedil", 0xC7},   {"Egrave", 0xC8},
	{"Eacute", 0xC9},  {"Ecirc", 0xCA},	   {"Euml", 0xCB},	   {"Igrave", 0xCC},
	{"Iacute", 0xCD},  {"Icirc", 0xCE},	   {"Iuml", 0xCF},	   {"Ntilde", 0xD1},
	{"Ograve", 0xD2},  {"Oacute", 0xD3},   {"Ocirc", 0xD4},	   {"Otilde", 0xD5},
	{"Ouml", 0xD6},	   {"Oslash", 0xD8},   {"Ugrave", 0xD9},   {"Uacute", 0xDA},
	{"Ucirc", 0xDB},   {"Uuml", 0xDC},	   {"Yacute", 0xDD},   {"OElig", 0x152},
	{"oelig", 0x153},  {"Scaron", 0x160},  {"scaron", 0x161},  {"rarr", 0x2192},
	{"larr", 0x2190},  {"check", 0x2713},  {"minus", 0x2212}};

/* Elements that stand on lines of their own; the second kind with a gap. */
static const char *const blocks[] = {"br",	   "div",	  "tr",		 "li",		"dt",	   "dd",
									 "hr",	   "center",  "option",	 "address", "caption", "header",
									 "footer", "section", "article", "form"};
static const char *const paragraphs[] = {"p",	  "h1", "h2", "h3",	 "h4",		   "h5", "h6",
										 "table", "ul", "ol", "pre", "blockquote", "dl"};

typedef struct Writer
{
	StringInfo out;
	int start;	  /* where in "out" this text begins */
	int newlines; /* to be written before the next character */
	bool space;	  /* likewise */
	bool pre;	  /* white space counts */
	bool no_double;
	bool no_single;
} Writer;

/*
 * mime_unflow joins the lines a sender's program broke, and only those: of
 * one quoting depth, and never the line before a signature.
 */
void
mime_unflow(const char *text, size_t len, bool delsp, StringInfo out)
{
	const char *p = text;
	const char *end = text + len;
	int open_depth = -1; /* of the paragraph that goes on, or -1 */

	while (p < end)
	{
		const char *stop = memchr(p, '\n', end - p);
		const char *next = stop == NULL ? end : stop + 1;
		int depth = 0;
		bool signature;
		bool flows;

		if (stop == NULL)
			stop = end;
		while (p < stop && *p == '>')
		{
			p++;
			depth++;
		}
		if (p < stop && *p == ' ')
			p++;
		signature = stop - p == 3 && memcmp(p, "-- ", 3) == 0;
		flows = stop > p && stop[-1] == ' ' && !signature;

		if (open_depth >= 0 && (open_depth != depth || signature))
		{
			appendStringInfoChar(out, '\n');
			open_depth = -1;
		}
		if (open_depth < 0 && depth > 0)
		{
			enlargeStringInfo(out, depth + 1);
			memset(out->data + out->len, '>', depth);
			out->len += depth;
			out->data[out->len] = '\0';
			appendStringInfoChar(out, ' ');
		}
		appendBinaryStringInfo(out, p, (int) (stop - p - (flows && delsp ? 1 : 0)));
		open_depth = flows ? depth : -1;
		if (!flows && next > stop)
			appendStringInfoChar(out, '\n');
		p = next;
	}
	if (open_depth >= 0)
		appendStringInfoChar(out, '\n');
}

/* before_word writes the breaks that are due; none at the beginning. */
static void
before_word(Writer *writer)
{
	if (writer->out->len > writer->start)
	{
		for (int i = 0; i < writer->newlines; i++)
			appendStringInfoChar(writer->out, '\n');
		if (writer->space && writer->newlines == 0)
			appendStringInfoChar(writer->out, ' ');
	}
	writer->newlines = 0;
	writer->space = false;
}

static void
put_char(Writer *writer, char c)
{
	if (!writer->pre && mime_space(c))
	{
		writer->space = true;
		return;
	}
	if (writer->pre && c == '\n')
	{
		writer->newlines++;
		return;
	}
	if (writer->newlines > 0 || writer->space)
		before_word(writer);
	appendStringInfoChar(writer->out, c);
}

static void
put_breaks(Writer *writer, int count)
{
	writer->newlines = Max(writer->newlines, count);
	writer->space = false;
}

/* put_entity reads what follows an & and returns where reading goes on. */
static const char *
put_entity(Writer *writer, const char *p, const char *end)
{
	const char *q = p + 1;
	uint32 codepoint = 0;
	bool known = false;
	char utf8[4];
	int length;

	if (q < end && *q == '#')
	{
		bool hex = end - q > 1 && mime_lower(q[1]) == 'x';
		const char *digits = q + (hex ? 2 : 1);

		for (q = digits; q < end && q - digits < 8; q++)
		{
			int value = mime_hex(*q);

			if (value < 0 || (!hex && value > 9))
				break;
			codepoint = codepoint * (hex ? 16 : 10) + value;
		}
		known = q > digits;
		if (known && (codepoint > 0x10FFFF || (codepoint >= 0xD800 && codepoint <= 0xDFFF) ||
					  codepoint == 0))
			codepoint = 0xFFFD;
		else if (codepoint >= 0x80 && codepoint <= 0x9F)
		{
			/* Numbers of windows-1252, which browsers take for it too. */
			char byte = (char) codepoint;

			if (q < end && *q == ';')
				q++;
			before_word(writer);
			charset_to_utf8("windows-1252", 12, &byte, 1, writer->out);
			return q;
		}
		if (codepoint == 0xA0)
			codepoint = ' ';
		else if (codepoint == 0xAD || (codepoint >= 0x200B && codepoint <= 0x200D))
			codepoint = 0;
	}
	else
	{
		const char *name = q;

		while (q < end && q - name < 10 && (mime_alpha(*q) || mime_digit(*q)))
			q++;
		for (int i = 0; i < lengthof(entities) && !known && q > name; i++)
		{
			known = strlen(entities[i].name) == q - name &&
					memcmp(entities[i].name, name, q - name) == 0;
			codepoint = entities[i].codepoint;
		}
	}
	if (!known)
	{
		put_char(writer, '&');
		return p + 1;
	}
	if (q < end && *q == ';')
		q++;
	if (codepoint == 0)
		return q;
	length = utf8_put(codepoint, utf8);
	for (int i = 0; i < length; i++)
		put_char(writer, utf8[i]);
	return q;
}

/* tag_end returns where the tag at "p" ends; quoted values may hold a ">". */
static const char *
tag_end(Writer *writer, const char *p, const char *end)
{
	while (p < end && *p != '>')
	{
		if (p[-1] == '=' &&
			((*p == '"' && !writer->no_double) || (*p == '\'' && !writer->no_single)))
		{
			const char *close = memchr(p + 1, *p, end - p - 1);

			/* One that is not closed is not looked for again. */
			if (close != NULL)
				p = close;
			else if (*p == '"')
				writer->no_double = true;
			else
				writer->no_single = true;
		}
		p++;
	}
	return p < end ? p + 1 : end;
}

static bool
listed(MimeSlice name, const char *const *list, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (mime_equal(name, list[i]))
			return true;
	}
	return false;
}

/* skip_element returns the end of an element whose content is no text. */
static const char *
skip_element(MimeSlice name, const char *p, const char *end)
{
	while (p < end)
	{
		const char *open = memchr(p, '<', end - p);
		MimeSlice rest;

		if (open == NULL || end - open < 3)
			return end;
		p = open + 1;
		if (*p != '/')
			continue;
		rest.data = p + 1;
		rest.len = Min(end - p - 1, name.len);
		if (rest.len == name.len && pg_strncasecmp(rest.data, name.data, name.len) == 0)
		{
			p = memchr(p, '>', end - p);
			return p == NULL ? end : p + 1;
		}
	}
	return end;
}

/* read_tag handles what begins with "<" and returns where reading goes on. */
static const char *
read_tag(Writer *writer, const char *p, const char *end)
{
	const char *after;
	MimeSlice name;
	bool closing = false;

	if (end - p >= 4 && memcmp(p, "<!--", 4) == 0)
	{
		after = mime_find(p + 4, end, "-->");
		return after == NULL ? end : after + 3;
	}
	p++;
	if (p < end && *p == '/')
	{
		closing = true;
		p++;
	}
	if (p >= end || !(mime_alpha(*p) || *p == '!' || *p == '?'))
	{
		if (!closing)
			put_char(writer, '<');
		return p;
	}
	name.data = p;
	while (p < end && (mime_alpha(*p) || mime_digit(*p)))
		p++;
	name.len = p - name.data;
	after = tag_end(writer, p, end);

	if (!closing && (mime_equal(name, "style") || mime_equal(name, "script") ||
					 mime_equal(name, "title") || mime_equal(name, "noscript")))
		return skip_element(name, after, end);
	if (mime_equal(name, "br"))
	{
		writer->newlines++;
		writer->space = false;
	}
	else if (mime_equal(name, "td") || mime_equal(name, "th"))
		writer->space = true;
	else if (listed(name, paragraphs, lengthof(paragraphs)))
		put_breaks(writer, 2);
	else if (listed(name, blocks, lengthof(blocks)))
		put_breaks(writer, 1);
	if (mime_equal(name, "pre"))
		writer->pre = !closing;
	if (!closing && mime_equal(name, "li"))
	{
		put_char(writer, '*');
		writer->space = true;
	}
	return after;
}

/* mime_html_text appends the words of a piece of HTML. */
void
mime_html_text(const char *html, size_t len, StringInfo out)
{
	Writer writer = {.out = out, .start = out->len};
	const char *p = html;
	const char *end = html + len;

	while (p < end)
	{
		if (*p == '<')
			p = read_tag(&writer, p, end);
		else if (*p == '&')
			p = put_entity(&writer, p, end);
		else if (end - p >= 2 && p[0] == (char) 0xC2 && p[1] == (char) 0xA0)
		{
			/* A hard space is a space. */
			put_char(&writer, ' ');
			p += 2;
		}
		else if (writer.pre || mime_space(*p))
			put_char(&writer, *p++);
		else
		{
			const char *word = p;

			/* A run of plain characters at once. */
			while (p < end && *p != '<' && *p != '&' && !mime_space(*p) && *p != (char) 0xC2)
				p++;
			if (p == word)
				p++;
			before_word(&writer);
			appendBinaryStringInfo(out, word, (int) (p - word));
		}
	}
	if (out->len > writer.start)
		appendStringInfoChar(out, '\n');
}

/* mime_html_to_text is for HTML that did not come with a whole mail. */
char *
mime_html_to_text(const char *html, size_t len)
{
	StringInfoData out;

	initStringInfo(&out);
	mime_html_text(html, len, &out);
	return out.data;
}
