/*-------------------------------------------------------------------------
 *
 * html_element.c
 *	  The allow-list: elements, their attributes, and the attributes' values.
 *
 * Links and images are not in the table of attributes; html_value.c judges
 * their addresses.  There is no style, class, id or name, and nothing that
 * makes a browser fetch, run or send anything.
 *
 *-------------------------------------------------------------------------
 */
#include "core/html_internal.h"

#define MAX_TEXT_VALUE 1000

typedef enum Check
{
	CHECK_TEXT,		/* any text, cut at MAX_TEXT_VALUE */
	CHECK_NUMBER,	/* up to five digits */
	CHECK_LENGTH,	/* a number, perhaps with % */
	CHECK_FONTSIZE, /* a number, perhaps with a sign */
	CHECK_COLOR,	/* #abc, #aabbcc, or a name */
	CHECK_FACE,		/* names of fonts */
	CHECK_LANGUAGE, /* letters, digits and hyphens */
	CHECK_MOMENT,	/* a date or time */
	CHECK_WORD,		/* one of the words of the attribute */
	CHECK_FLAG		/* is there or not */
} Check;

typedef struct Attribute
{
	const char *name;
	uint32 bit; /* 0: on every element */
	Check check;
	const char *words; /* each between spaces */
} Attribute;

#define ALIGN 0x00001
#define VALIGN 0x00002
#define WIDTH 0x00004
#define HEIGHT 0x00008
#define BGCOLOR 0x00010
#define BORDER 0x00020
#define CELLS 0x00040
#define SPANS 0x00080
#define SCOPE 0x00100
#define SPAN 0x00200
#define FONT 0x00400
#define START 0x00800
#define TYPE 0x01000
#define VALUE 0x02000
#define DATETIME 0x04000
#define OPEN 0x08000
#define ALT 0x10000
#define CITE 0x20000

/* In the order in which they are written. */
static const Attribute html_attributes[] = {
	{"align", ALIGN, CHECK_WORD,
	 " left right center justify char top middle bottom absmiddle baseline texttop absbottom "},
	{"alt", ALT, CHECK_TEXT, NULL},
	{"bgcolor", BGCOLOR, CHECK_COLOR, NULL},
	{"border", BORDER, CHECK_NUMBER, NULL},
	{"cellpadding", CELLS, CHECK_LENGTH, NULL},
	{"cellspacing", CELLS, CHECK_LENGTH, NULL},
	{"color", FONT, CHECK_COLOR, NULL},
	{"colspan", SPANS, CHECK_NUMBER, NULL},
	{"datetime", DATETIME, CHECK_MOMENT, NULL},
	{"dir", 0, CHECK_WORD, " ltr rtl auto "},
	{"face", FONT, CHECK_FACE, NULL},
	{"height", HEIGHT, CHECK_LENGTH, NULL},
	{"lang", 0, CHECK_LANGUAGE, NULL},
	{"open", OPEN, CHECK_FLAG, NULL},
	{"reversed", START, CHECK_FLAG, NULL},
	{"rowspan", SPANS, CHECK_NUMBER, NULL},
	{"scope", SCOPE, CHECK_WORD, " row col rowgroup colgroup "},
	{"size", FONT, CHECK_FONTSIZE, NULL},
	{"span", SPAN, CHECK_NUMBER, NULL},
	{"start", START, CHECK_FONTSIZE, NULL},
	{"title", 0, CHECK_TEXT, NULL},
	{"type", CITE, CHECK_WORD, " cite "},
	{"type", TYPE, CHECK_WORD, " 1 a A i I disc circle square "},
	{"valign", VALIGN, CHECK_WORD, " top middle bottom baseline "},
	{"value", VALUE, CHECK_FONTSIZE, NULL},
	{"width", WIDTH, CHECK_LENGTH, NULL}};

/* Sorted by name, for html_find_tag. */
static const HtmlTag tags[] = {
	{"a", HTML_A, HTML_INLINE, 0},
	{"abbr", HTML_ABBR, HTML_INLINE, 0},
	{"acronym", HTML_ACRONYM, HTML_INLINE, 0},
	{"address", HTML_ADDRESS, HTML_BLOCK, 0},
	{"applet", HTML_NONE, HTML_DROP, 0},
	{"article", HTML_DIV, HTML_ALIAS, 0},
	{"aside", HTML_DIV, HTML_ALIAS, 0},
	{"audio", HTML_NONE, HTML_DROP, 0},
	{"b", HTML_B, HTML_INLINE, 0},
	{"bdi", HTML_BDI, HTML_INLINE, 0},
	{"bdo", HTML_BDO, HTML_INLINE, 0},
	{"blockquote", HTML_BLOCKQUOTE, HTML_BLOCK, CITE},
	{"br", HTML_BR, HTML_VOID, 0},
	{"canvas", HTML_NONE, HTML_DROP, 0},
	{"caption", HTML_CAPTION, HTML_PART, ALIGN},
	{"center", HTML_CENTER, HTML_BLOCK, 0},
	{"cite", HTML_CITE, HTML_INLINE, 0},
	{"code", HTML_CODE, HTML_INLINE, 0},
	{"col", HTML_COL, HTML_VOID, ALIGN | VALIGN | SPAN | WIDTH},
	{"colgroup", HTML_COLGROUP, HTML_PART, ALIGN | VALIGN | SPAN | WIDTH},
	{"datalist", HTML_NONE, HTML_DROP, 0},
	{"dd", HTML_DD, HTML_BLOCK, 0},
	{"del", HTML_DEL, HTML_INLINE, DATETIME},
	{"details", HTML_DETAILS, HTML_BLOCK, OPEN},
	{"dfn", HTML_DFN, HTML_INLINE, 0},
	{"dir", HTML_UL, HTML_BLOCK, 0},
	{"div", HTML_DIV, HTML_BLOCK, ALIGN},
	{"dl", HTML_DL, HTML_BLOCK, 0},
	{"dt", HTML_DT, HTML_BLOCK, 0},
	{"em", HTML_EM, HTML_INLINE, 0},
	{"embed", HTML_NONE, HTML_DROP, 0},
	{"fieldset", HTML_DIV, HTML_ALIAS, 0},
	{"figcaption", HTML_FIGCAPTION, HTML_BLOCK, 0},
	{"figure", HTML_FIGURE, HTML_BLOCK, 0},
	{"font", HTML_FONT, HTML_INLINE, FONT},
	{"footer", HTML_DIV, HTML_ALIAS, 0},
	{"form", HTML_DIV, HTML_ALIAS, 0},
	{"frame", HTML_NONE, HTML_DROP, 0},
	{"frameset", HTML_NONE, HTML_DROP, 0},
	{"h1", HTML_H1, HTML_BLOCK, ALIGN},
	{"h2", HTML_H2, HTML_BLOCK, ALIGN},
	{"h3", HTML_H3, HTML_BLOCK, ALIGN},
	{"h4", HTML_H4, HTML_BLOCK, ALIGN},
	{"h5", HTML_H5, HTML_BLOCK, ALIGN},
	{"h6", HTML_H6, HTML_BLOCK, ALIGN},
	{"header", HTML_DIV, HTML_ALIAS, 0},
	{"hgroup", HTML_DIV, HTML_ALIAS, 0},
	{"hr", HTML_HR, HTML_VOID, ALIGN | WIDTH},
	{"i", HTML_I, HTML_INLINE, 0},
	{"iframe", HTML_NONE, HTML_DROP, 0},
	{"img", HTML_IMG, HTML_VOID, ALIGN | ALT | BORDER | HEIGHT | WIDTH},
	{"ins", HTML_INS, HTML_INLINE, DATETIME},
	{"kbd", HTML_KBD, HTML_INLINE, 0},
	{"legend", HTML_DIV, HTML_ALIAS, 0},
	{"li", HTML_LI, HTML_BLOCK, TYPE | VALUE},
	{"listing", HTML_NONE, HTML_DROP, 0},
	{"main", HTML_DIV, HTML_ALIAS, 0},
	{"map", HTML_NONE, HTML_DROP, 0},
	{"math", HTML_NONE, HTML_DROP, 0},
	{"menu", HTML_UL, HTML_BLOCK, 0},
	{"nav", HTML_DIV, HTML_ALIAS, 0},
	{"noembed", HTML_NONE, HTML_DROP, 0},
	{"noframes", HTML_NONE, HTML_DROP, 0},
	{"noscript", HTML_NONE, HTML_DROP, 0},
	{"object", HTML_NONE, HTML_DROP, 0},
	{"ol", HTML_OL, HTML_BLOCK, START | TYPE},
	{"p", HTML_P, HTML_BLOCK, ALIGN},
	{"plaintext", HTML_NONE, HTML_DROP, 0},
	{"pre", HTML_PRE, HTML_BLOCK, 0},
	{"q", HTML_Q, HTML_INLINE, 0},
	{"rp", HTML_RP, HTML_INLINE, 0},
	{"rt", HTML_RT, HTML_INLINE, 0},
	{"ruby", HTML_RUBY, HTML_INLINE, 0},
	{"s", HTML_S, HTML_INLINE, 0},
	{"samp", HTML_SAMP, HTML_INLINE, 0},
	{"script", HTML_NONE, HTML_DROP, 0},
	{"section", HTML_DIV, HTML_ALIAS, 0},
	{"select", HTML_NONE, HTML_DROP, 0},
	{"small", HTML_SMALL, HTML_INLINE, 0},
	{"span", HTML_SPAN, HTML_INLINE, 0},
	{"strike", HTML_S, HTML_INLINE, 0},
	{"strong", HTML_STRONG, HTML_INLINE, 0},
	{"style", HTML_NONE, HTML_DROP, 0},
	{"sub", HTML_SUB, HTML_INLINE, 0},
	{"summary", HTML_SUMMARY, HTML_BLOCK, 0},
	{"sup", HTML_SUP, HTML_INLINE, 0},
	{"svg", HTML_NONE, HTML_DROP, 0},
	{"table", HTML_TABLE, HTML_BLOCK, ALIGN | BGCOLOR | BORDER | CELLS | HEIGHT | WIDTH},
	{"tbody", HTML_TBODY, HTML_PART, ALIGN | VALIGN},
	{"td", HTML_TD, HTML_PART, ALIGN | BGCOLOR | HEIGHT | SPANS | VALIGN | WIDTH},
	{"template", HTML_NONE, HTML_DROP, 0},
	{"textarea", HTML_NONE, HTML_DROP, 0},
	{"tfoot", HTML_TFOOT, HTML_PART, ALIGN | VALIGN},
	{"th", HTML_TH, HTML_PART, ALIGN | BGCOLOR | HEIGHT | SCOPE | SPANS | VALIGN | WIDTH},
	{"thead", HTML_THEAD, HTML_PART, ALIGN | VALIGN},
	{"time", HTML_TIME, HTML_INLINE, DATETIME},
	{"title", HTML_NONE, HTML_DROP, 0},
	{"tr", HTML_TR, HTML_PART, ALIGN | BGCOLOR | HEIGHT | VALIGN},
	{"tt", HTML_TT, HTML_INLINE, 0},
	{"u", HTML_U, HTML_INLINE, 0},
	{"ul", HTML_UL, HTML_BLOCK, TYPE},
	{"var", HTML_VAR, HTML_INLINE, 0},
	{"video", HTML_NONE, HTML_DROP, 0},
	{"wbr", HTML_WBR, HTML_VOID, 0},
	{"xmp", HTML_NONE, HTML_DROP, 0}};

static const HtmlTag unknown = {"", HTML_NONE, HTML_UNWRAP, 0};

/* By HtmlElement. */
const char *const html_element_names[] = {
	"",			  "a",		"abbr",	   "acronym", "address", "b",	 "bdi",	  "bdo",
	"blockquote", "br",		"caption", "center",  "cite",	 "code", "col",	  "colgroup",
	"dd",		  "del",	"details", "dfn",	  "div",	 "dl",	 "dt",	  "em",
	"figcaption", "figure", "font",	   "h1",	  "h2",		 "h3",	 "h4",	  "h5",
	"h6",		  "hr",		"i",	   "img",	  "ins",	 "kbd",	 "li",	  "ol",
	"p",		  "pre",	"q",	   "rp",	  "rt",		 "ruby", "s",	  "samp",
	"small",	  "span",	"strong",  "sub",	  "summary", "sup",	 "table", "tbody",
	"td",		  "tfoot",	"th",	   "thead",	  "time",	 "tr",	 "tt",	  "u",
	"ul",		  "var",	"wbr"};

StaticAssertDecl(lengthof(html_element_names) == HTML_WBR + 1, "every element has its name");

/* html_find_tag knows every tag: what is not in the table is unwrapped. */
const HtmlTag *
html_find_tag(const char *name)
{
	int low = 0;
	int high = lengthof(tags) - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = pg_strcasecmp(name, tags[middle].name);

		if (order == 0)
			return &tags[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return &unknown;
}

/* html_attribute: the value of the first of that name; "" where it has none. */
const char *
html_attribute(const unsigned char **attributes, const char *name)
{
	if (attributes == NULL)
		return NULL;
	for (; attributes[0] != NULL; attributes += 2)
	{
		if (pg_strcasecmp((const char *) attributes[0], name) == 0)
			return attributes[1] == NULL ? "" : (const char *) attributes[1];
	}
	return NULL;
}

static const char digits[] = "0123456789";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool
is_number(const char *value, size_t len)
{
	return len > 0 && len <= 5 && strspn(value, digits) >= len;
}

static bool
is_color(const char *value, size_t len)
{
	if (value[0] == '#')
		return (len == 4 || len == 7) && strspn(value + 1, "0123456789abcdefABCDEF") == len - 1;
	return len > 0 && len <= 25 && strspn(value, letters) == len;
}

/* is_word: one of the words, as it is or in lower case, which is then set. */
static bool
is_word(char *value, size_t len, const char *words)
{
	for (int round = 0; round < 2; round++)
	{
		const char *found = len == 0 ? NULL : strstr(words, value);

		/* the first hit may be within a longer word */
		while (found != NULL && !(found[-1] == ' ' && found[len] == ' '))
			found = strstr(found + 1, value);
		if (found != NULL && strchr(value, ' ') == NULL)
			return true;
		for (size_t i = 0; i < len; i++)
			value[i] = (char) pg_ascii_tolower((unsigned char) value[i]);
	}
	return false;
}

/* Names of fonts, of which quotation marks and anything odd are taken out. */
static bool
clean_face(HtmlBuffer *value)
{
	size_t kept = 0;

	for (size_t i = 0; i < value->len && kept < 200; i++)
	{
		char c = value->data[i];

		if (strchr(letters, c) || strchr(digits, c) || strchr(" ,-", c))
			value->data[kept++] = c;
	}
	value->len = kept;
	value->data[kept] = '\0';
	return !html_blank(value->data, kept);
}

/* Text in one line and of bounded length. */
static bool
clean_text(HtmlBuffer *value)
{
	size_t len = value->len;

	for (size_t i = 0; i < len; i++)
	{
		if (value->data[i] == '\n' || value->data[i] == '\t')
			value->data[i] = ' ';
	}
	if (len > MAX_TEXT_VALUE)
	{
		len = MAX_TEXT_VALUE;
		while (len > 0 && ((unsigned char) value->data[len] & 0xC0) == 0x80)
			len--;
		value->len = len;
		value->data[len] = '\0';
	}
	return true;
}

static void
trim(HtmlBuffer *value)
{
	size_t skip = strspn(value->data, " \n\t");

	while (value->len > skip && strchr(" \n\t", value->data[value->len - 1]) != NULL)
		value->len--;
	value->len -= skip;
	memmove(value->data, value->data + skip, value->len);
	value->data[value->len] = '\0';
}

/* good_value judges a value, and sets it to what is to be written. */
static bool
good_value(const Attribute *attribute, HtmlBuffer *value)
{
	char *data;
	size_t len;
	int sign;

	if (attribute->check != CHECK_TEXT)
		trim(value);
	data = value->data;
	len = value->len;
	switch (attribute->check)
	{
		case CHECK_TEXT:
			return clean_text(value);
		case CHECK_NUMBER:
			return is_number(data, len);
		case CHECK_LENGTH:
			/* many write pixels as in a style */
			if (len > 2 && pg_strcasecmp(data + len - 2, "px") == 0)
			{
				value->len = len -= 2;
				data[len] = '\0';
			}
			return is_number(data, len) ||
				   (len > 1 && data[len - 1] == '%' && is_number(data, len - 1));
		case CHECK_FONTSIZE:
			sign = data[0] == '+' || data[0] == '-' ? 1 : 0;
			return is_number(data + sign, len - sign);
		case CHECK_COLOR:
			return is_color(data, len);
		case CHECK_FACE:
			if (!clean_face(value))
				return false;
			trim(value);
			return true;
		case CHECK_LANGUAGE:
			for (size_t i = 0; i < len; i++)
			{
				if (strchr(letters, data[i]) == NULL && strchr(digits, data[i]) == NULL &&
					data[i] != '-')
					return false;
			}
			return len > 0 && len <= 35;
		case CHECK_MOMENT:
			return len > 0 && len <= 40 && strspn(data, "0123456789TZWPYMDHStz:.,+- ") == len;
		case CHECK_WORD:
			return is_word(data, len, attribute->words);
		case CHECK_FLAG:
			value->len = 0;
			data[0] = '\0';
			return true;
	}
	return false;
}

/*
 * html_append_attributes writes those attributes of a tag that it may have,
 * in one order whatever the sender's.
 */
void
html_append_attributes(const HtmlTag *tag, const unsigned char **attributes, HtmlBuffer *out,
					   HtmlBuffer *scratch)
{
	if (attributes == NULL || attributes[0] == NULL)
		return;
	for (int i = 0; i < lengthof(html_attributes); i++)
	{
		const Attribute *attribute = &html_attributes[i];
		const char *value;

		if (attribute->bit != 0 && (attribute->bit & tag->attributes) == 0)
			continue;
		value = html_attribute(attributes, attribute->name);
		if (value == NULL)
			continue;
		scratch->len = 0;
		html_append_clean(scratch, value, strlen(value));
		html_append(scratch, "", 0);
		if (scratch->failed)
		{
			out->failed = true;
			return;
		}
		if (!good_value(attribute, scratch))
			continue;
		html_append(out, " ", 1);
		html_append_string(out, attribute->name);
		html_append(out, "=\"", 2);
		html_append_escaped(out, scratch->data, scratch->len, true);
		html_append(out, "\"", 1);
	}
}
