/*-------------------------------------------------------------------------
 *
 * mime_text.c
 *	  Text to read: format=flowed undone (RFC 3676), and the words of an HTML
 *	  body where the sender gave no text.
 *
 * What a member reads of a mail without text, and of HTML that is over a limit
 * of html_to_text(), which builds a tree and takes ten times as long.  Tags go,
 * blocks become lines, entities become characters; quotations are marked, items
 * numbered, and links say where they lead.  One pass, whatever the nesting.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#include "core/html_internal.h"

#define MAX_ENTITY 10 /* letters of a name */

typedef struct Entity
{
	const char *name;
	uint16 codepoint;
} Entity;

/*
 * Those of HTML 4, and two; by name.  Spaces of all widths are spaces, and what
 * only says where a line may break, or which way it is written, is nothing.
 */
static const Entity entities[] = {
	{"AElig", 0xC6},	 {"Aacute", 0xC1},	 {"Acirc", 0xC2},	 {"Agrave", 0xC0},
	{"Alpha", 0x391},	 {"Aring", 0xC5},	 {"Atilde", 0xC3},	 {"Auml", 0xC4},
	{"Beta", 0x392},	 {"Ccedil", 0xC7},	 {"Chi", 0x3A7},	 {"Dagger", 0x2021},
	{"Delta", 0x394},	 {"ETH", 0xD0},		 {"Eacute", 0xC9},	 {"Ecirc", 0xCA},
	{"Egrave", 0xC8},	 {"Epsilon", 0x395}, {"Eta", 0x397},	 {"Euml", 0xCB},
	{"Gamma", 0x393},	 {"Iacute", 0xCD},	 {"Icirc", 0xCE},	 {"Igrave", 0xCC},
	{"Iota", 0x399},	 {"Iuml", 0xCF},	 {"Kappa", 0x39A},	 {"Lambda", 0x39B},
	{"Mu", 0x39C},		 {"Ntilde", 0xD1},	 {"Nu", 0x39D},		 {"OElig", 0x152},
	{"Oacute", 0xD3},	 {"Ocirc", 0xD4},	 {"Ograve", 0xD2},	 {"Omega", 0x3A9},
	{"Omicron", 0x39F},	 {"Oslash", 0xD8},	 {"Otilde", 0xD5},	 {"Ouml", 0xD6},
	{"Phi", 0x3A6},		 {"Pi", 0x3A0},		 {"Prime", 0x2033},	 {"Psi", 0x3A8},
	{"Rho", 0x3A1},		 {"Scaron", 0x160},	 {"Sigma", 0x3A3},	 {"THORN", 0xDE},
	{"Tau", 0x3A4},		 {"Theta", 0x398},	 {"Uacute", 0xDA},	 {"Ucirc", 0xDB},
	{"Ugrave", 0xD9},	 {"Upsilon", 0x3A5}, {"Uuml", 0xDC},	 {"Xi", 0x39E},
	{"Yacute", 0xDD},	 {"Yuml", 0x178},	 {"Zeta", 0x396},	 {"aacute", 0xE1},
	{"acirc", 0xE2},	 {"acute", 0xB4},	 {"aelig", 0xE6},	 {"agrave", 0xE0},
	{"alefsym", 0x2135}, {"alpha", 0x3B1},	 {"amp", 0x26},		 {"and", 0x2227},
	{"ang", 0x2220},	 {"apos", 0x27},	 {"aring", 0xE5},	 {"asymp", 0x2248},
	{"atilde", 0xE3},	 {"auml", 0xE4},	 {"bdquo", 0x201E},	 {"beta", 0x3B2},
	{"brvbar", 0xA6},	 {"bull", 0x2022},	 {"cap", 0x2229},	 {"ccedil", 0xE7},
	{"cedil", 0xB8},	 {"cent", 0xA2},	 {"check", 0x2713},	 {"chi", 0x3C7},
	{"circ", 0x2C6},	 {"clubs", 0x2663},	 {"cong", 0x2245},	 {"copy", 0xA9},
	{"crarr", 0x21B5},	 {"cup", 0x222A},	 {"curren", 0xA4},	 {"dArr", 0x21D3},
	{"dagger", 0x2020},	 {"darr", 0x2193},	 {"deg", 0xB0},		 {"delta", 0x3B4},
	{"diams", 0x2666},	 {"divide", 0xF7},	 {"eacute", 0xE9},	 {"ecirc", 0xEA},
	{"egrave", 0xE8},	 {"empty", 0x2205},	 {"emsp", 0x20},	 {"ensp", 0x20},
	{"epsilon", 0x3B5},	 {"equiv", 0x2261},	 {"eta", 0x3B7},	 {"eth", 0xF0},
	{"euml", 0xEB},		 {"euro", 0x20AC},	 {"exist", 0x2203},	 {"fnof", 0x192},
	{"forall", 0x2200},	 {"frac12", 0xBD},	 {"frac14", 0xBC},	 {"frac34", 0xBE},
	{"frasl", 0x2044},	 {"gamma", 0x3B3},	 {"ge", 0x2265},	 {"gt", 0x3E},
	{"hArr", 0x21D4},	 {"harr", 0x2194},	 {"hearts", 0x2665}, {"hellip", 0x2026},
	{"iacute", 0xED},	 {"icirc", 0xEE},	 {"iexcl", 0xA1},	 {"igrave", 0xEC},
	{"image", 0x2111},	 {"infin", 0x221E},	 {"int", 0x222B},	 {"iota", 0x3B9},
	{"iquest", 0xBF},	 {"isin", 0x2208},	 {"iuml", 0xEF},	 {"kappa", 0x3BA},
	{"lArr", 0x21D0},	 {"lambda", 0x3BB},	 {"lang", 0x2329},	 {"laquo", 0xAB},
	{"larr", 0x2190},	 {"lceil", 0x2308},	 {"ldquo", 0x201C},	 {"le", 0x2264},
	{"lfloor", 0x230A},	 {"lowast", 0x2217}, {"loz", 0x25CA},	 {"lrm", 0},
	{"lsaquo", 0x2039},	 {"lsquo", 0x2018},	 {"lt", 0x3C},		 {"macr", 0xAF},
	{"mdash", 0x2014},	 {"micro", 0xB5},	 {"middot", 0xB7},	 {"minus", 0x2212},
	{"mu", 0x3BC},		 {"nabla", 0x2207},	 {"nbsp", 0x20},	 {"ndash", 0x2013},
	{"ne", 0x2260},		 {"ni", 0x220B},	 {"not", 0xAC},		 {"notin", 0x2209},
	{"nsub", 0x2284},	 {"ntilde", 0xF1},	 {"nu", 0x3BD},		 {"oacute", 0xF3},
	{"ocirc", 0xF4},	 {"oelig", 0x153},	 {"ograve", 0xF2},	 {"oline", 0x203E},
	{"omega", 0x3C9},	 {"omicron", 0x3BF}, {"oplus", 0x2295},	 {"or", 0x2228},
	{"ordf", 0xAA},		 {"ordm", 0xBA},	 {"oslash", 0xF8},	 {"otilde", 0xF5},
	{"otimes", 0x2297},	 {"ouml", 0xF6},	 {"para", 0xB6},	 {"part", 0x2202},
	{"permil", 0x2030},	 {"perp", 0x22A5},	 {"phi", 0x3C6},	 {"pi", 0x3C0},
	{"piv", 0x3D6},		 {"plusmn", 0xB1},	 {"pound", 0xA3},	 {"prime", 0x2032},
	{"prod", 0x220F},	 {"prop", 0x221D},	 {"psi", 0x3C8},	 {"quot", 0x22},
	{"rArr", 0x21D2},	 {"radic", 0x221A},	 {"rang", 0x232A},	 {"raquo", 0xBB},
	{"rarr", 0x2192},	 {"rceil", 0x2309},	 {"rdquo", 0x201D},	 {"real", 0x211C},
	{"reg", 0xAE},		 {"rfloor", 0x230B}, {"rho", 0x3C1},	 {"rlm", 0},
	{"rsaquo", 0x203A},	 {"rsquo", 0x2019},	 {"sbquo", 0x201A},	 {"scaron", 0x161},
	{"sdot", 0x22C5},	 {"sect", 0xA7},	 {"shy", 0},		 {"sigma", 0x3C3},
	{"sigmaf", 0x3C2},	 {"sim", 0x223C},	 {"spades", 0x2660}, {"sub", 0x2282},
	{"sube", 0x2286},	 {"sum", 0x2211},	 {"sup", 0x2283},	 {"sup1", 0xB9},
	{"sup2", 0xB2},		 {"sup3", 0xB3},	 {"supe", 0x2287},	 {"szlig", 0xDF},
	{"tau", 0x3C4},		 {"there4", 0x2234}, {"theta", 0x3B8},	 {"thetasym", 0x3D1},
	{"thinsp", 0x20},	 {"thorn", 0xFE},	 {"tilde", 0x2DC},	 {"times", 0xD7},
	{"trade", 0x2122},	 {"uArr", 0x21D1},	 {"uacute", 0xFA},	 {"uarr", 0x2191},
	{"ucirc", 0xFB},	 {"ugrave", 0xF9},	 {"uml", 0xA8},		 {"upsih", 0x3D2},
	{"upsilon", 0x3C5},	 {"uuml", 0xFC},	 {"weierp", 0x2118}, {"xi", 0x3BE},
	{"yacute", 0xFD},	 {"yen", 0xA5},		 {"yuml", 0xFF},	 {"zeta", 0x3B6},
	{"zwj", 0x200D},	 {"zwnj", 0x200C}};

#define MAX_HREF 20000				  /* bytes of an address, as it is written */
#define MAX_QUOTES 20				  /* deeper quotations are not marked further */
#define MAX_QUOTE_BYTES (1024 * 1024) /* of marks, in one text */
#define MAX_LISTS 20				  /* items of deeper ones have no number */
#define MAX_NEWLINES 3				  /* two empty lines */

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
	int quotes;				/* depth of quotation */
	int least;				/* the least of it since the last word */
	int quote_bytes;		/* of the marks written */
	int lists;				/* that are open */
	int numbers[MAX_LISTS]; /* of their last items; -1: without numbers */
	int link_start;			/* where in "out" the words of the link begin */
	bool link_image;		/* an image is among them */
	HtmlBuffer link;		/* where it leads; empty: nowhere */
	HtmlBuffer scratch;
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

/* put_quotes writes marks of quotations, as long as those are no flood. */
static void
put_quotes(Writer *writer, int depth, const char *mark)
{
	depth = Min(depth, MAX_QUOTES);
	if (writer->quote_bytes > MAX_QUOTE_BYTES)
		return;
	for (int i = 0; i < depth; i++)
		appendStringInfoString(writer->out, mark);
	writer->quote_bytes += depth * strlen(mark);
}

/* before_word writes the breaks that are due; none at the beginning. */
static void
before_word(Writer *writer)
{
	bool first = writer->out->len == writer->start;
	bool of_link = writer->out->len == writer->link_start;

	if (!first)
	{
		for (int i = 0; i < writer->newlines; i++)
		{
			appendStringInfoChar(writer->out, '\n');
			if (i < writer->newlines - 1 && writer->quotes > 0)
				put_quotes(writer, Min(writer->least, writer->quotes), ">");
		}
		if (writer->space && writer->newlines == 0)
			appendStringInfoChar(writer->out, ' ');
	}
	if (writer->quotes > 0 && (first || writer->newlines > 0))
		put_quotes(writer, writer->quotes, "> ");
	writer->least = writer->quotes;
	writer->newlines = 0;
	writer->space = false;
	if (of_link)
		writer->link_start = writer->out->len;
}

static bool
is_due(const Writer *writer)
{
	return writer->newlines > 0 || writer->space || writer->out->len == writer->start;
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
	if (is_due(writer))
		before_word(writer);
	appendStringInfoChar(writer->out, c);
}

static void
put_breaks(Writer *writer, int count)
{
	writer->newlines = Max(writer->newlines, count);
	writer->space = false;
}

/* find_entity looks a name up, as it is written. */
static const Entity *
find_entity(const char *name, size_t len)
{
	int low = 0;
	int high = lengthof(entities);

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = strncmp(entities[middle].name, name, len);

		if (order == 0 && entities[middle].name[len] == '\0')
			return &entities[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/*
 * read_entity reads what an & begins and returns where reading goes on, NULL:
 * it is only an &.  A codepoint of 0 is nothing to be seen.
 */
static const char *
read_entity(const char *p, const char *end, uint32 *codepoint)
{
	const char *q = p + 1;
	uint32 c = 0;

	if (q < end && *q == '#')
	{
		bool hex = end - q > 1 && mime_lower(q[1]) == 'x';
		const char *digits = q + (hex ? 2 : 1);

		for (q = digits; q < end && q - digits < 8; q++)
		{
			int value = mime_hex(*q);

			if (value < 0 || (!hex && value > 9))
				break;
			c = c * (hex ? 16 : 10) + value;
		}
		if (q == digits)
			return NULL;
		if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) || c == 0)
			c = 0xFFFD;
		else if (c >= 0x80 && c <= 0x9F)
			c = html_windows_1252[c - 0x80];
		else if (c == 0xA0)
			c = ' ';
		else if (c == 0xAD || c == 0x200B)
			c = 0;
	}
	else
	{
		const Entity *found;

		while (q < end && q - p <= MAX_ENTITY && (mime_alpha(*q) || mime_digit(*q)))
			q++;
		found = q - p > MAX_ENTITY ? NULL : find_entity(p + 1, q - p - 1);
		if (found == NULL)
			return NULL;
		c = found->codepoint;
	}
	*codepoint = c;
	return q < end && *q == ';' ? q + 1 : q;
}

/* put_entity reads what follows an & and returns where reading goes on. */
static const char *
put_entity(Writer *writer, const char *p, const char *end)
{
	uint32 codepoint;
	const char *next = read_entity(p, end, &codepoint);
	char utf8[4];
	int length;

	if (next == NULL)
	{
		put_char(writer, '&');
		return p + 1;
	}

	/* Joiners mean something between letters, and elsewhere only fill a line. */
	if (codepoint == 0 || ((codepoint == 0x200C || codepoint == 0x200D) && is_due(writer)))
		return next;
	length = utf8_put(codepoint, utf8);
	for (int i = 0; i < length; i++)
		put_char(writer, utf8[i]);
	return next;
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

/* find_value looks for an attribute in what is between a tag's name and its end. */
static MimeSlice
find_value(const char *p, const char *end, const char *attribute)
{
	MimeSlice value = {NULL, 0};

	while (p < end)
	{
		MimeSlice name;

		while (p < end && (mime_space(*p) || *p == '/'))
			p++;
		name.data = p;
		while (p < end && !mime_space(*p) && *p != '=' && *p != '/')
			p++;
		name.len = p - name.data;
		while (p < end && mime_space(*p))
			p++;
		if (p == end || *p != '=')
		{
			if (name.len == 0 && p < end)
				p++;
			continue;
		}
		p++;
		while (p < end && mime_space(*p))
			p++;
		if (p < end && (*p == '"' || *p == '\''))
		{
			const char *close = memchr(p + 1, *p, end - p - 1);

			value.data = p + 1;
			value.len = (close != NULL ? close : end) - value.data;
			p = close != NULL ? close + 1 : end;
		}
		else
		{
			value.data = p;
			while (p < end && !mime_space(*p))
				p++;
			value.len = p - value.data;
		}
		if (mime_equal(name, attribute))
			return value;
	}
	value.data = NULL;
	value.len = 0;
	return value;
}

/* begin_link keeps where a link leads, if it is one that may be followed. */
static void
begin_link(Writer *writer, const char *p, const char *end)
{
	MimeSlice value = find_value(p, end, "href");
	HtmlBuffer *address = &writer->scratch;

	writer->link_start = writer->out->len;
	writer->link_image = false;
	if (value.len == 0 || value.len > MAX_HREF)
		return;
	p = value.data;
	end = p + value.len;
	address->len = 0;
	while (p < end)
	{
		uint32 codepoint;
		const char *next = *p == '&' ? read_entity(p, end, &codepoint) : NULL;
		char utf8[4];

		/* (&copy=1 is no sign but an argument) */
		if (next != NULL && next[-1] == ';' && codepoint != 0)
		{
			html_append(address, utf8, utf8_put(codepoint, utf8));
			p = next;
		}
		else
			html_append(address, p++, 1);
	}
	if (address->failed || !html_link_value(address->data, &writer->link))
		writer->link.len = 0;
}

/* end_link adds the address of a link, unless its text says the same. */
static void
end_link(Writer *writer)
{
	int len = writer->out->len - writer->link_start;

	if (writer->link.len > 0 && (len > 0 || writer->link_image) &&
		!html_link_is_shown(writer->out->data + writer->link_start, len, writer->link.data))
	{
		writer->space = true;
		before_word(writer);
		appendStringInfoChar(writer->out, '<');
		appendStringInfoString(writer->out, html_link_words(writer->link.data));
		appendStringInfoChar(writer->out, '>');
	}
	writer->link.len = 0;
}

static void
begin_list(Writer *writer, bool numbered, const char *p, const char *end)
{
	if (writer->lists < MAX_LISTS)
	{
		MimeSlice first = {NULL, 0};
		int number = 0;

		if (numbered)
			first = find_value(p, end, "start");
		if (first.len > 0 && first.len <= 5)
		{
			number = 0;
			for (size_t i = 0; i < first.len && number >= 0; i++)
				number = mime_digit(first.data[i]) ? number * 10 + first.data[i] - '0' : -1;
			number = Max(number - 1, 0);
		}
		writer->numbers[writer->lists] = numbered ? number : -1;
	}
	writer->lists++;
}

/* begin_item writes the mark of an item: a star, or its number. */
static void
begin_item(Writer *writer)
{
	if (writer->lists > 0 && writer->lists <= MAX_LISTS && writer->numbers[writer->lists - 1] >= 0)
	{
		char mark[16];
		int len = snprintf(mark, sizeof(mark), "%d.", ++writer->numbers[writer->lists - 1]);

		for (int i = 0; i < len; i++)
			put_char(writer, mark[i]);
	}
	else
		put_char(writer, '*');
	writer->space = true;
}

/* begins_tag: is this "<" more than a sign? */
static inline bool
begins_tag(const char *p, const char *end)
{
	return end - p > 1 && (mime_alpha(p[1]) || p[1] == '/' || p[1] == '!' || p[1] == '?');
}

/* read_tag handles what begins with "<" and returns where reading goes on. */
static const char *
read_tag(Writer *writer, const char *p, const char *end)
{
	const char *after; /* the tag */
	const char *stop;  /* of its attributes */
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
	if (closing && (p >= end || !mime_alpha(*p)))
		return p;
	name.data = p;
	while (p < end && (mime_alpha(*p) || mime_digit(*p)))
		p++;
	name.len = p - name.data;
	after = tag_end(writer, p, end);
	stop = after[-1] == '>' ? after - 1 : after;

	if (!closing && (mime_equal(name, "style") || mime_equal(name, "script") ||
					 mime_equal(name, "title") || mime_equal(name, "noscript")))
		return skip_element(name, after, end);
	if (mime_equal(name, "br"))
	{
		if (writer->pre || writer->newlines < MAX_NEWLINES)
			writer->newlines++;
		writer->space = false;
	}
	else if (mime_equal(name, "td") || mime_equal(name, "th"))
		writer->space = true;
	else if (listed(name, paragraphs, lengthof(paragraphs)))
		put_breaks(writer, 2);
	else if (listed(name, blocks, lengthof(blocks)))
		put_breaks(writer, 1);

	if (mime_equal(name, "a"))
	{
		end_link(writer);
		if (!closing)
			begin_link(writer, p, stop);
	}
	else if (mime_equal(name, "img"))
		writer->link_image = true;
	else if (mime_equal(name, "pre"))
		writer->pre = !closing;
	else if (mime_equal(name, "li") && !closing)
		begin_item(writer);
	else if (mime_equal(name, "ol") || mime_equal(name, "ul"))
	{
		if (!closing)
			begin_list(writer, mime_equal(name, "ol"), p, stop);
		else if (writer->lists > 0)
			writer->lists--;
	}
	else if (mime_equal(name, "blockquote"))
	{
		if (!closing)
			writer->quotes++;
		else if (writer->quotes > 0)
			writer->quotes--;
		writer->least = Min(writer->least, writer->quotes);
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
		if (*p == '<' && begins_tag(p, end))
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
			while (p < end && !(*p == '<' && begins_tag(p, end)) && *p != '&' && !mime_space(*p) &&
				   *p != (char) 0xC2)
				p++;
			if (p == word)
				p++;
			if (is_due(&writer))
				before_word(&writer);
			appendBinaryStringInfo(out, word, (int) (p - word));
		}
	}
	if (out->len > writer.start)
		appendStringInfoChar(out, '\n');
	html_release(&writer.link);
	html_release(&writer.scratch);
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
