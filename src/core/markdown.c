/*-------------------------------------------------------------------------
 *
 * markdown.c
 *	  CommonMark to HTML by cmark-gfm, kept within bounds of time and memory.
 *
 * Left alone, the library ends the process when memory is refused.  Here it
 * allocates from blocks of ours that are given back together; when a block is
 * refused or the limit is met, we jump out of the library.  Nothing is lost by
 * that: all it holds at that moment lies in those blocks.  (Its registry of
 * extensions, made once by its own allocator, is not touched while parsing;
 * its table of special characters may keep those of the extensions, which are
 * then plain text to a parser that does not use them.)
 *
 * The library walks its trees without recursion and is fast on hostile nesting,
 * but two of its extensions take time that grows with the square of a line, a
 * word or a paragraph.  A look at the source tells whether it is of that sort;
 * then the extension is left out, and what it would have marked is text.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <setjmp.h>
#include <cmark-gfm.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm-core-extensions.h>

#include "core/markdown.h"

#define ARENA_LIMIT ((size_t) 384 * 1024 * 1024)
#define ARENA_BLOCK ((size_t) 256 * 1024)

#define MAX_WORD 500			   /* longer ones turn automatic links off */
#define MAX_LINE_PIPES 100		   /* more of them turn tables off */
#define MAX_TABLE_COST 200000000.0 /* sum of squares of paragraphs before table heads */

/* What precedes each piece of memory; the library may peek a byte before it. */
typedef struct Piece
{
	size_t size;
	size_t unused;
} Piece;

typedef struct Block
{
	struct Block *next;
	size_t size;
	size_t used;
} Block;

/* The library's allocator has no argument, so there is one arena at a time. */
static struct
{
	Block *blocks;
	size_t total;
	sigjmp_buf refused;
} arena;

static void
arena_release(void)
{
	while (arena.blocks != NULL)
	{
		Block *next = arena.blocks->next;

		pfree(arena.blocks);
		arena.blocks = next;
	}
	arena.total = 0;
}

static void *
arena_take(size_t size)
{
	Block *block = arena.blocks;
	Piece *piece;
	size_t need;

	if (size > ARENA_LIMIT)
		siglongjmp(arena.refused, 1);
	need = MAXALIGN(size + sizeof(Piece));
	if (block == NULL || block->size - block->used < need)
	{
		size_t room = Max(need, ARENA_BLOCK);

		if (arena.total + room > ARENA_LIMIT)
			siglongjmp(arena.refused, 1);
		block =
			palloc_extended(MAXALIGN(sizeof(Block)) + room, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
		if (block == NULL)
			siglongjmp(arena.refused, 1);
		block->size = room;
		block->used = 0;
		block->next = arena.blocks;
		arena.blocks = block;
		arena.total += room;
	}
	piece = (Piece *) ((char *) block + MAXALIGN(sizeof(Block)) + block->used);
	block->used += need;
	piece->size = size;
	piece->unused = 0;
	return piece + 1;
}

static void *
arena_calloc(size_t count, size_t size)
{
	void *p;

	if (size != 0 && count > ARENA_LIMIT / size)
		siglongjmp(arena.refused, 1);
	p = arena_take(count * size);
	memset(p, 0, count * size);
	return p;
}

static void *
arena_realloc(void *old, size_t size)
{
	const Piece *piece;
	void *p;

	if (old == NULL)
		return arena_take(size);
	piece = (const Piece *) old - 1;
	if (size <= piece->size)
		return old;
	p = arena_take(size);
	memcpy(p, old, piece->size);
	return p;
}

static void
arena_free(void *p)
{
	/* All goes at once, in arena_release. */
}

static cmark_mem arena_mem = {arena_calloc, arena_realloc, arena_free};

/*
 * The registry of extensions is made by the library's own allocator, which
 * ends the process when it fails.  It needs a few hundred bytes, once: see
 * first that they can be had.
 */
static bool
register_extensions(void)
{
	static bool registered = false;

	if (!registered)
	{
		void *probe = malloc(64 * 1024);

		if (probe == NULL)
			return false;
		free(probe);
		cmark_gfm_core_extensions_ensure_registered();
		registered = true;
	}
	return true;
}

/* Which extensions the source may be given to. */
static void
judge(const char *src, size_t len, bool *tables, bool *links)
{
	size_t word = 0;	  /* bytes of the present word */
	size_t paragraph = 0; /* bytes since the last empty line */
	size_t line = 0;	  /* bytes of the present line */
	int pipes = 0;
	bool empty = true; /* nothing but blanks on the line */
	bool head = true;  /* nothing but what can be a table's second line */
	double cost = 0;
	size_t i;

	*tables = *links = true;
	for (i = 0; i <= len; i++)
	{
		char c = i < len ? src[i] : '\n';

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			word = 0;
		else if (++word > MAX_WORD)
			*links = false;

		if (c == '\n' || c == '\r')
		{
			if (head && !empty)
				cost += (double) paragraph * paragraph;
			paragraph = empty ? 0 : paragraph + line + 1;
			line = 0;
			pipes = 0;
			empty = head = true;
			continue;
		}
		line++;
		if (c == '|' && ++pipes > MAX_LINE_PIPES)
			*tables = false;
		if (c != ' ' && c != '\t')
			empty = false;
		if (head && strchr(" \t\v\f|:->*+.)0123456789", c) == NULL)
			head = false;
	}
	if (cost > MAX_TABLE_COST)
		*tables = false;
}

static void
attach(cmark_parser *parser, const char *name)
{
	cmark_syntax_extension *extension = cmark_find_syntax_extension(name);

	if (extension != NULL)
		cmark_parser_attach_syntax_extension(parser, extension);
}

static cmark_node *
new_text(const char *literal)
{
	cmark_node *text = cmark_node_new_with_mem(CMARK_NODE_TEXT, &arena_mem);

	cmark_node_set_literal(text, literal);
	return text;
}

/* A paragraph with the lines of a block. */
static cmark_node *
new_paragraph(const char *lines)
{
	cmark_node *paragraph = cmark_node_new_with_mem(CMARK_NODE_PARAGRAPH, &arena_mem);

	while (*lines != '\0')
	{
		size_t len = strcspn(lines, "\n");
		char *line = arena_calloc(len + 1, 1);

		memcpy(line, lines, len);
		lines += len + (lines[len] == '\n');
		cmark_node_append_child(paragraph, new_text(line));
		if (*lines != '\0')
			cmark_node_append_child(paragraph,
									cmark_node_new_with_mem(CMARK_NODE_SOFTBREAK, &arena_mem));
	}
	return paragraph;
}

/*
 * show_html
 *		What looks like HTML becomes what it is to who wrote it: text.  "Please quote
 *		<INV-7>" is to reach its reader.
 */
static void
show_html(cmark_node *document)
{
	cmark_iter *iter = cmark_iter_new(document);
	cmark_event_type event;

	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE)
	{
		cmark_node *node = cmark_iter_get_node(iter);
		cmark_node_type type = cmark_node_get_type(node);

		if (event != CMARK_EVENT_ENTER)
			continue;
		if (type == CMARK_NODE_HTML_INLINE)
			cmark_node_replace(node, new_text(cmark_node_get_literal(node)));
		else if (type == CMARK_NODE_HTML_BLOCK)
			cmark_node_replace(node, new_paragraph(cmark_node_get_literal(node)));
	}
	cmark_iter_free(iter);
}

/* What tells which lines of a source belong to a quotation. */
typedef struct Lines
{
	bool quoted;  /* the line before does */
	bool goes_on; /* and says that the next does, too */
	char fence;	  /* of the code that is open, or 0 */
	size_t fence_len;
} Lines;

static size_t
run_of(const char *line, size_t len, char c)
{
	size_t n = 0;

	while (n < len && line[n] == c)
		n++;
	return n;
}

/* item_mark is how long the mark of an item at the beginning is, 0: none. */
static size_t
item_mark(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && n < 9 && isdigit((unsigned char) line[n]))
		n++;
	if (n == len || strchr(n > 0 ? ".)" : "-+*", line[n]) == NULL)
		return 0;
	n++;
	return n == len || line[n] == ' ' || line[n] == '\t' ? n : 0;
}

/* is_blank: nothing is on the line. */
static bool
is_blank(const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len == 0;
}

/* read_fence: the line opens or closes code, or is in it. */
static bool
read_fence(Lines *lines, const char *line, size_t len)
{
	size_t n;

	/* It may open in an item, and close below it. */
	for (;;)
	{
		n = run_of(line, len, ' ');
		n += lines->fence == 0 ? item_mark(line + n, len - n) : 0;
		if (n == 0)
			break;
		line += n;
		len -= n;
	}
	n = len == 0 || (*line != '`' && *line != '~') ? 0 : run_of(line, len, *line);
	if (lines->fence == 0)
	{
		if (n < 3 || (*line == '`' && memchr(line + n, '`', len - n) != NULL))
			return false;
		lines->fence = *line;
		lines->fence_len = n;
	}
	else if (n >= lines->fence_len && *line == lines->fence && is_blank(line + n, len - n))
		lines->fence = 0;
	return true;
}

/*
 * leaves_quotation: the line is below one of a quotation and does not begin as
 * those do.  The lines of a value, which a template has in a quotation, end
 * with a backslash, and what is behind that belongs to them.  An item begins a
 * list whatever is above it.
 */
static bool
leaves_quotation(Lines *lines, const char *line, size_t len)
{
	bool was = lines->quoted;
	size_t indent = run_of(line, len, ' ');
	size_t mark = item_mark(line + Min(indent, 3), len - Min(indent, 3));
	size_t backslashes = 0;

	lines->quoted = false;
	if (read_fence(lines, line, len) || is_blank(line, len))
		return false;
	while (backslashes < len && line[len - 1 - backslashes] == '\\')
		backslashes++;
	if (indent <= 3 && line[indent] == '>')
	{
		lines->quoted = true;
		lines->goes_on = backslashes % 2 == 1;
		return false;
	}
	if (!was)
		return false;
	if (lines->goes_on)
	{
		lines->quoted = true;
		lines->goes_on = backslashes % 2 == 1;
		return false;
	}
	return mark == 0;
}

/*
 * feed gives the parser the source.  CommonMark takes a line right below a
 * quotation for more of its last paragraph; who answers below what they quote
 * means no such thing, and no mail program shows it so.  An empty line between
 * says it.  (A carriage return is one even where another ends the line before.)
 */
static void
feed(cmark_parser *parser, const char *src, size_t len)
{
	Lines lines = {0};
	const char *end = src + len;
	const char *fed = src;
	const char *line = src;

	while (line < end)
	{
		const char *stop = line;

		while (stop < end && *stop != '\n' && *stop != '\r')
			stop++;
		if (leaves_quotation(&lines, line, stop - line))
		{
			cmark_parser_feed(parser, fed, line - fed);
			cmark_parser_feed(parser, "\r", 1);
			fed = line;
		}
		line = stop;
		if (line < end)
			line += end - line >= 2 && line[0] == '\r' && line[1] == '\n' ? 2 : 1;
	}
	cmark_parser_feed(parser, fed, end - fed);
}

bool
commonmark_to_html(const char *src, size_t len, StringInfo out)
{
	cmark_parser *parser;
	cmark_node *document;
	char *html;
	bool tables;
	bool links;

	if (len > MARKDOWN_MAX_SOURCE || !register_extensions())
		return false;
	judge(src, len, &tables, &links);

	/* Left over where an error was thrown past us: its memory is gone already. */
	arena.blocks = NULL;
	arena.total = 0;
	if (sigsetjmp(arena.refused, 0) != 0)
	{
		arena_release();
		return false;
	}
	parser = cmark_parser_new_with_mem(CMARK_OPT_DEFAULT | CMARK_OPT_VALIDATE_UTF8, &arena_mem);
	if (tables)
		attach(parser, "table");
	attach(parser, "strikethrough");
	if (links)
		attach(parser, "autolink");
	feed(parser, src, len);
	document = cmark_parser_finish(parser);
	show_html(document);
	/* A line that its writer ended ends: the plain text beside it shows it so. */
	html = cmark_render_html_with_mem(document, CMARK_OPT_HARDBREAKS,
									  cmark_parser_get_syntax_extensions(parser), &arena_mem);
	appendStringInfoString(out, html);
	arena_release();
	return true;
}
