/*-------------------------------------------------------------------------
 *
 * template_impl.h
 *	  What the parser, the renderer and the escaping of templates share.
 *
 * A compiled template is a flat array of nodes in source order.  What encloses
 * others (sections, parents, blocks) knows the index after its last node, so
 * that rendering is a walk with jumps and needs no tree.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_TEMPLATE_IMPL_H
#define AR_INBOX_TEMPLATE_IMPL_H

#include "core/template.h"

typedef enum NodeKind
{
	NODE_TEXT,	   /* {off,len}: literal text, possibly many lines */
	NODE_VARIABLE, /* {{name}}, {{{name}}}, {{&name}} */
	NODE_SECTION,  /* {{#name}} */
	NODE_INVERTED, /* {{^name}} */
	NODE_PARTIAL,  /* {{>name}} */
	NODE_PARENT,   /* {{<name}} */
	NODE_BLOCK	   /* {{$name}} */
} NodeKind;

/* flags of a node */
#define NODE_RAW 0x01		 /* variable: not to be escaped */
#define NODE_LINE_START 0x02 /* text: begins a line, so indentation goes before it */
#define NODE_DYNAMIC 0x04	 /* partial, parent: the name names the variable with the name */
#define NODE_STANDALONE 0x08 /* partial, parent: alone on its line, indents what it brings */
#define NODE_OWN_LINE 0x10	 /* block: its content starts on the line after its tag */
#define NODE_INLINE 0x20	 /* block: opened and closed on a line that has nothing else */
#define NODE_ARGUMENT 0x40	 /* block: directly inside a parent */
#define NODE_HAS_INNER 0x80	 /* block: its content has a line that tells its indentation */

/* A stretch of the source. */
typedef struct Span
{
	uint32 off;
	uint32 len;
} Span;

typedef struct TemplateNode
{
	uint8 kind;
	uint8 flags;
	uint32 end;	 /* index after the last node inside */
	uint32 pos;	 /* where the tag stands, for messages */
	Span text;	 /* the text or the name */
	Span indent; /* white space before the tag on its line */
	Span inner;	 /* block: indentation of its content */
} TemplateNode;

struct Template
{
	char *src;
	uint32 len;
	TemplateNode *nodes;
	uint32 count;
	uint32 allocated;
};

extern void template_error(TemplateError *err, const char *src, size_t pos, const char *fmt, ...)
	pg_attribute_printf(4, 5);
extern int template_name_clip(const char *name, size_t len);

/*
 * What the CommonMark escaping must know of the output so far: kept up to date
 * by reading each byte of it once.
 */
typedef enum LinkPlace
{
	LINK_NONE,
	LINK_DESTINATION,
	LINK_TITLE
} LinkPlace;

typedef enum LinePlace
{
	LINE_OPENING, /* nothing yet but what can open a block */
	LINE_DIGITS,  /* the same and then digits, which may become a list's number */
	LINE_INSIDE	  /* in running text */
} LinePlace;

typedef struct MarkdownPlace
{
	int scanned; /* bytes of the output that have been read */
	LinePlace line;
	LinkPlace link;
	bool one_line; /* in a heading or a table's row: a line break would end it */
	bool escaped;  /* the last byte was a backslash that escapes the next */
	char last[4];  /* the last bytes, newest last */
} MarkdownPlace;

extern void template_escape_html(StringInfo out, const char *text, size_t len);
extern void template_escape_commonmark(StringInfo out, MarkdownPlace *place, const char *text,
									   size_t len);

#endif /* AR_INBOX_TEMPLATE_IMPL_H */
