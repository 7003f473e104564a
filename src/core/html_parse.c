/*-------------------------------------------------------------------------
 *
 * html_parse.c
 *	  The source through libxml2, within bounds of time and memory.
 *
 * The library hands over what it reads as events, so no tree of it lies in
 * memory that could be lost.  Its callbacks come to code that raises no error
 * (HtmlBuffer), since none may jump over the library's frames: where memory is
 * refused, it is stopped and freed as usual.
 *
 * It asks nobody for anything: no network, no external entities, no change of
 * encoding; the source is made valid UTF-8 first.  Its messages go nowhere.
 *
 * It compares each attribute of a tag with all before it, and what it takes
 * for a tag depends on quotation marks before.  So attributes are counted in
 * the bytes, for every place where a tag could begin.
 *
 *-------------------------------------------------------------------------
 */
#include "core/html_internal.h"

#include <libxml/HTMLparser.h>
#include <libxml/xmlerror.h>

/*
 * What the source is put into.  No sender closes it, and so nothing stands at
 * the top, where the library would add elements of its own.
 */
#define ROOT "x-ar-inbox-root"

/* Comparisons of attributes, all tags together: the sum of the squares. */
#define MAX_ATTRIBUTE_COST ((size_t) 20 * 1000 * 1000)

/* Each costs the library as much as a tag, and more when it is none. */
#define MAX_REFERENCES 600000

/* What is written may be so much longer than the source. */
#define MAX_GROWTH 16

/* Where one can be, when reading attributes. */
typedef enum Place
{
	IN_TAG_NAME,
	BETWEEN,	 /* where an attribute may begin */
	IN_NAME,	 /* of an attribute, good for every parser */
	AFTER_NAME,	 /* white space after it */
	AFTER_EQUAL, /* where its value may begin */
	IN_VALUE,	 /* without quotation marks */
	IN_ODD,		 /* something parsers disagree on */
	AFTER_ODD,
	AFTER_ODD_EQUAL,
	IN_DOUBLE,
	IN_SINGLE,
	PLACES
} Place;

static bool
is_white(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

/* Good in a name for every parser. */
static bool
is_good(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		   c == '_' || c == ':' || c == '.' || c >= 0x80;
}

/*
 * set_stays: for each byte the places at which it changes nothing, as bits, so
 * that most of a source can be passed over; few_attributes() says the same in
 * its own words.
 */
static void
set_stays(uint32 stays[256])
{
	const uint32 quoted = 1 << IN_DOUBLE | 1 << IN_SINGLE;
	const uint32 inside = quoted | 1 << IN_TAG_NAME | 1 << IN_VALUE;

	for (int c = 0; c < 256; c++)
	{
		if (is_white(c))
			stays[c] = quoted | 1 << BETWEEN | 1 << AFTER_NAME | 1 << AFTER_EQUAL | 1 << AFTER_ODD;
		else if (is_good(c))
			stays[c] = inside | 1 << IN_NAME | 1 << IN_ODD;
		else
			stays[c] = inside | 1 << IN_ODD;
	}
	stays['<'] = 0; /* another tag may begin */
	stays['>'] = quoted;
	stays['/'] = quoted | 1 << BETWEEN | 1 << IN_VALUE;
	stays['='] = inside;
	stays['"'] &= ~(1 << IN_DOUBLE);
	stays['\''] &= ~(1 << IN_SINGLE);
}

/*
 * few_attributes: whether, wherever a tag could be said to begin, it has not
 * too many attributes.  All beginnings are followed at once, through the
 * places they may have come to, each with the highest count.
 */
static bool
few_attributes(const char *html, size_t len)
{
	int counts[2][PLACES];
	int *now = counts[0];
	int *next = counts[1];
	uint32 active = 0; /* a bit for each place that is taken, in "now" */
	size_t cost = 0;
	size_t tags = 0;
	uint32 stays[256];

	set_stays(stays);
	for (size_t at = 0; at < len; at++)
	{
		unsigned char c = html[at];
		bool space;
		bool good;
		uint32 will = 0; /* the same in "next" */
		int *swap;
		int ended = 0;

		if (active == 0 && c != '<')
		{
			const char *open = memchr(html + at, '<', len - at);

			if (open == NULL)
				break;
			at = open - html;
			c = '<';
		}
		else if (c != '<' && (active & ~stays[c]) == 0)
			continue;
		space = is_white(c);
		good = is_good(c);

#define TO(place, count)                                                                           \
	do                                                                                             \
	{                                                                                              \
		uint32 bit = 1 << (place);                                                                 \
		if ((will & bit) == 0 || next[place] < (count))                                            \
			next[place] = (count);                                                                 \
		will |= bit;                                                                               \
	} while (0)

		for (int place = 0; active >> place != 0; place++)
		{
			int count = now[place];

			if ((active & (1 << place)) == 0)
				continue;
			if (count > HTML_MAX_ATTRIBUTES)
				return false;
			if (place == IN_DOUBLE || place == IN_SINGLE)
			{
				TO(c == (place == IN_DOUBLE ? '"' : '\'') ? BETWEEN : place, count);
				continue;
			}
			if (c == '>')
			{
				ended = Max(ended, count);
				continue;
			}
			switch (place)
			{
				case IN_TAG_NAME:
					TO(space || c == '/' ? BETWEEN : IN_TAG_NAME, count);
					break;
				case BETWEEN:
				case AFTER_NAME:
					if (space)
						TO(place, count);
					else if (c == '/')
						TO(BETWEEN, count);
					else if (c == '=' && place == AFTER_NAME)
						TO(AFTER_EQUAL, count);
					else
						TO(good ? IN_NAME : IN_ODD, count + 1);
					break;
				case IN_NAME:
					if (space)
						TO(AFTER_NAME, count);
					else if (c == '/')
						TO(BETWEEN, count);
					else if (c == '=')
						TO(AFTER_EQUAL, count);
					else
						TO(good ? IN_NAME : IN_ODD, count);
					break;
				case AFTER_EQUAL:
					TO(space	 ? AFTER_EQUAL :
					   c == '"'	 ? IN_DOUBLE :
					   c == '\'' ? IN_SINGLE :
								   IN_VALUE,
					   count);
					break;
				case IN_VALUE:
					TO(space ? BETWEEN : IN_VALUE, count);
					break;
				case IN_ODD:
					if (c == '=')
						TO(AFTER_ODD_EQUAL, count);
					else if (space)
						TO(AFTER_ODD, count);
					if (space || c == '/')
						TO(BETWEEN, count);
					else
						TO(IN_ODD, count);
					break;
				case AFTER_ODD:
					if (space)
						TO(AFTER_ODD, count);
					else if (c == '=')
						TO(AFTER_ODD_EQUAL, count);
					break;
				case AFTER_ODD_EQUAL:
					if (space)
					{
						TO(AFTER_ODD_EQUAL, count);
						TO(BETWEEN, count);
						break;
					}
					if (c == '"')
						TO(IN_DOUBLE, count);
					else if (c == '\'')
						TO(IN_SINGLE, count);
					TO(IN_ODD, count);
					break;
			}
		}
		if (c == '<')
		{
			if (++tags > HTML_MAX_TAGS)
				return false;
			if (at + 1 < len && isalpha((unsigned char) html[at + 1]))
				TO(IN_TAG_NAME, 0);
		}
#undef TO
		cost += (size_t) ended * ended;
		active = will;
		swap = now;
		now = next;
		next = swap;
		if (cost > MAX_ATTRIBUTE_COST)
			return false;
	}
	for (int place = 0; place < PLACES; place++)
	{
		if ((active & (1 << place)) != 0 && now[place] > HTML_MAX_ATTRIBUTES)
			return false;
	}
	return true;
}

static bool
few_references(const char *html, size_t len)
{
	const char *end = html + len;
	int count = 0;

	while (count <= MAX_REFERENCES && (html = memchr(html, '&', end - html)) != NULL)
	{
		html++;
		count++;
	}
	return count <= MAX_REFERENCES;
}

static void
on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
	htmlParserCtxtPtr parser = context;

	if (!html_builder_start(parser->_private, (const char *) name, attributes))
		xmlStopParser(parser);
}

static void
on_end(void *context, const xmlChar *name)
{
	html_builder_end(((htmlParserCtxtPtr) context)->_private, (const char *) name);
}

static void
on_text(void *context, const xmlChar *text, int len)
{
	html_builder_text(((htmlParserCtxtPtr) context)->_private, (const char *) text, len);
}

/* Between pg_xml_init() and pg_xml_done() the server's would be called. */
static void
#if LIBXML_VERSION >= 21200
on_error(void *context, const xmlError *error)
#else
on_error(void *context, xmlErrorPtr error)
#endif
{
}

/* run_parser hands the events of a source to the builder. */
static bool
run_parser(const HtmlBuffer *source, struct HtmlBuilder *builder)
{
	htmlParserCtxtPtr parser = htmlNewParserCtxt();
	const xmlError *error;
	bool memory = true;

	if (parser == NULL)
		return false;
	memset(parser->sax, 0, sizeof(*parser->sax));
	parser->sax->startElement = on_start;
	parser->sax->endElement = on_end;
	parser->sax->characters = on_text;
	parser->sax->ignorableWhitespace = on_text;
	parser->sax->cdataBlock = on_text;
	parser->sax->initialized = XML_SAX2_MAGIC;
	parser->sax->serror = on_error;
	parser->_private = builder;
	htmlCtxtReadMemory(parser, source->data, (int) source->len, NULL, "UTF-8",
					   HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
						   HTML_PARSE_NONET | HTML_PARSE_NODEFDTD | HTML_PARSE_NOIMPLIED |
						   HTML_PARSE_IGNORE_ENC);
	error = xmlCtxtGetLastError(parser);
	if (error != NULL && error->code == XML_ERR_NO_MEMORY)
		memory = false;
	/* There is no document, but be sure of it. */
	if (parser->myDoc != NULL)
		xmlFreeDoc(parser->myDoc);
	parser->myDoc = NULL;
	htmlFreeParserCtxt(parser);
	return memory;
}

HtmlStatus
html_parse(const char *html, size_t len, const HtmlSink *sink, void *self)
{
	HtmlBuffer source = {0};
	struct HtmlBuilder *builder;
	HtmlStatus status;
	bool memory;

	if (len > HTML_MAX_SOURCE)
		return HTML_TOO_LARGE;
	html_append_string(&source, "<" ROOT ">");
	html_append_clean(&source, html, len);
	if (source.failed)
	{
		html_release(&source);
		return HTML_NO_MEMORY;
	}
	if (!few_references(source.data, source.len) || !few_attributes(source.data, source.len))
	{
		html_release(&source);
		return HTML_TOO_DENSE;
	}
	builder = html_builder_begin(sink, self, MAX_GROWTH * len + 64 * 1024);
	if (builder == NULL)
	{
		html_release(&source);
		return HTML_NO_MEMORY;
	}
	memory = run_parser(&source, builder);
	html_release(&source);
	status = html_builder_finish(builder);
	return memory || status != HTML_DONE ? status : HTML_NO_MEMORY;
}
