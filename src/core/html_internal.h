/*-------------------------------------------------------------------------
 *
 * html_internal.h
 *	  What the files on HTML share.
 *
 *	  html_parse.c		limits; the source through libxml2, as events
 *	  html_build.c		events to a tree that every reader builds alike
 *	  html_element.c	the elements, and what may stand on them
 *	  html_value.c		buffers; the values of attributes
 *	  html_sanitize.c	a sink that writes HTML
 *	  html_text.c		a sink that writes text
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_HTML_INTERNAL_H
#define AR_INBOX_HTML_INTERNAL_H

#include "core/html.h"

/*
 * A buffer that says when memory is refused instead of raising an error: its
 * writers run inside libxml2, through which no error may jump.
 */
typedef struct HtmlBuffer
{
	char *data;
	size_t len;
	size_t size;
	bool failed;
} HtmlBuffer;

/* What is written, by the name it is written with; see html_element_names. */
typedef enum HtmlElement
{
	HTML_NONE, /* the tag goes, its content stays */
	HTML_A,
	HTML_ABBR,
	HTML_ACRONYM,
	HTML_ADDRESS,
	HTML_B,
	HTML_BDI,
	HTML_BDO,
	HTML_BLOCKQUOTE,
	HTML_BR,
	HTML_CAPTION,
	HTML_CENTER,
	HTML_CITE,
	HTML_CODE,
	HTML_COL,
	HTML_COLGROUP,
	HTML_DD,
	HTML_DEL,
	HTML_DETAILS,
	HTML_DFN,
	HTML_DIV,
	HTML_DL,
	HTML_DT,
	HTML_EM,
	HTML_FIGCAPTION,
	HTML_FIGURE,
	HTML_FONT,
	HTML_H1,
	HTML_H2,
	HTML_H3,
	HTML_H4,
	HTML_H5,
	HTML_H6,
	HTML_HR,
	HTML_I,
	HTML_IMG,
	HTML_INS,
	HTML_KBD,
	HTML_LI,
	HTML_OL,
	HTML_P,
	HTML_PRE,
	HTML_Q,
	HTML_RP,
	HTML_RT,
	HTML_RUBY,
	HTML_S,
	HTML_SAMP,
	HTML_SMALL,
	HTML_SPAN,
	HTML_STRONG,
	HTML_SUB,
	HTML_SUMMARY,
	HTML_SUP,
	HTML_TABLE,
	HTML_TBODY,
	HTML_TD,
	HTML_TFOOT,
	HTML_TH,
	HTML_THEAD,
	HTML_TIME,
	HTML_TR,
	HTML_TT,
	HTML_U,
	HTML_UL,
	HTML_VAR,
	HTML_WBR
} HtmlElement;

typedef enum HtmlKind
{
	HTML_UNWRAP, /* unknown: the tag goes, its content stays */
	HTML_DROP,	 /* goes with all that is in it */
	HTML_INLINE,
	HTML_BLOCK,
	HTML_ALIAS, /* a block written as a div, but nothing between table parts */
	HTML_PART,	/* a part of a table */
	HTML_VOID	/* has no content */
} HtmlKind;

typedef struct HtmlTag
{
	const char *name; /* as in the source */
	HtmlElement element;
	HtmlKind kind;
	uint32 attributes; /* bits of those of html_attributes, besides the general ones */
} HtmlTag;

/* An element that is to be written, or is open. */
typedef struct HtmlNode
{
	uint32 id; /* one for each element of the source */
	HtmlElement element;
	size_t start; /* what the sink keeps of it, in the builder's store */
	size_t len;
} HtmlNode;

struct HtmlBuilder;

/* Who writes what is built.  No function of it raises an error. */
typedef struct HtmlSink
{
	/* keeps in "store" what open() needs; false: the element goes, its content stays */
	bool (*keep)(void *self, const HtmlTag *tag, const unsigned char **attributes,
				 HtmlBuffer *store);
	void (*open)(void *self, const HtmlNode *node, const char *kept);
	void (*close)(void *self, const HtmlNode *node, const char *kept);
	void (*leaf)(void *self, HtmlElement element, const char *kept, size_t len);
	void (*text)(void *self, HtmlElement parent, const char *text, size_t len);
	/* how much was written */
	size_t (*written)(void *self);
} HtmlSink;

/* html_value.c */
extern const uint16 html_windows_1252[32];
extern void html_append(HtmlBuffer *buffer, const char *data, size_t len);
extern void html_append_string(HtmlBuffer *buffer, const char *string);
extern void html_append_clean(HtmlBuffer *buffer, const char *data, size_t len);
extern void html_append_escaped(HtmlBuffer *buffer, const char *data, size_t len, bool quoted);
extern void html_release(HtmlBuffer *buffer);
extern bool html_blank(const char *data, size_t len);
extern bool html_link_value(const char *value, HtmlBuffer *out);
extern bool html_link_is_shown(const char *text, size_t len, const char *link);
extern const char *html_link_words(const char *link);
extern bool html_inline_image_value(const char *value, HtmlBuffer *out);
extern bool html_remote_image_value(const char *value, HtmlBuffer *out);

/* html_element.c */
extern const char *const html_element_names[];
extern const HtmlTag *html_find_tag(const char *name);
extern const char *html_attribute(const unsigned char **attributes, const char *name);
extern void html_append_attributes(const HtmlTag *tag, const unsigned char **attributes,
								   HtmlBuffer *out, HtmlBuffer *scratch);

/* html_build.c */
extern struct HtmlBuilder *html_builder_begin(const HtmlSink *sink, void *self, size_t limit);
extern bool html_builder_start(struct HtmlBuilder *builder, const char *name,
							   const unsigned char **attributes);
extern void html_builder_end(struct HtmlBuilder *builder, const char *name);
extern void html_builder_text(struct HtmlBuilder *builder, const char *text, size_t len);
extern HtmlStatus html_builder_finish(struct HtmlBuilder *builder);

/* html_parse.c */
extern HtmlStatus html_parse(const char *html, size_t len, const HtmlSink *sink, void *self);

#endif /* AR_INBOX_HTML_INTERNAL_H */
