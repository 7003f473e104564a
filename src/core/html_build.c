/*-------------------------------------------------------------------------
 *
 * html_build.c
 *	  From libxml2's events to a tree that every reader of HTML builds alike.
 *
 * A parser of HTML mends what it reads, each in its own way and libxml2 in one
 * for each version: a block within a bold word, a paragraph in a paragraph, a
 * cell without a row.  What is written here needs no mending: blocks hold
 * inline elements and not the other way round, paragraphs hold no blocks, and
 * tables are rows of cells.  So a browser sees the tree that was judged, and
 * the result, given back, stays as it is.
 *
 * Before each piece of content the way to it is computed from the elements
 * that are open in the source: first its blocks, then its inline elements.
 * What is open in the output and not on that way is closed, what is missing is
 * opened.  An inline element around two paragraphs is so written within each.
 *
 *-------------------------------------------------------------------------
 */
#include "core/html_internal.h"

/* In the source; tags that are not written are in here too. */
typedef struct SourceNode
{
	const char *name; /* the parser's, valid until it ends */
	HtmlKind kind;
	HtmlNode node;
	bool dropped; /* with all that is in it */
} SourceNode;

/* An element brings up to two more: a row and a cell, or an item. */
#define MAX_WAY (3 * HTML_MAX_DEPTH + 4)

typedef struct HtmlBuilder
{
	const HtmlSink *sink;
	void *self;
	size_t limit; /* of what may be written */
	HtmlStatus status;
	uint32 last_id;
	int dropping;	  /* how many of the open elements are dropped */
	HtmlBuffer text;  /* not yet given to the sink */
	HtmlBuffer store; /* what the sink keeps of the open elements */
	int depth;
	bool blocks_known;	 /* "blocks" is of the present source nodes */
	bool way_known;		 /* and so is "way", for WANT_ALL, and open */
	HtmlElement context; /* what the blocks of the way ended with */
	int blocks_len;
	int way_len;
	int open_len;
	SourceNode source[HTML_MAX_DEPTH];
	HtmlNode blocks[MAX_WAY];
	HtmlNode way[MAX_WAY];
	HtmlNode open[MAX_WAY];
} HtmlBuilder;

/* How much of the way to a piece of content is wanted. */
typedef enum Wanted
{
	WANT_BLOCKS, /* to a block, or to white space between blocks */
	WANT_HR,	 /* to a void block */
	WANT_ALL	 /* to text and the like */
} Wanted;

static bool
is_block(HtmlKind kind)
{
	return kind == HTML_BLOCK || kind == HTML_ALIAS || kind == HTML_PART;
}

static bool
is_heading(HtmlElement element)
{
	return element >= HTML_H1 && element <= HTML_H6;
}

static bool
is_section(HtmlElement element)
{
	return element == HTML_TBODY || element == HTML_THEAD || element == HTML_TFOOT;
}

static bool
is_list(HtmlElement element)
{
	return element == HTML_UL || element == HTML_OL;
}

/* Holds parts of tables and nothing else. */
static bool
is_table_context(HtmlElement element)
{
	return element == HTML_TABLE || element == HTML_TR || element == HTML_COLGROUP ||
		   is_section(element);
}

/*
 * closes: "old" ends where "new" begins right in it.  These are at least the
 * pairs for which some version of libxml2 does so by itself.
 */
static bool
closes(HtmlElement old, HtmlElement new)
{
	bool row = new == HTML_TR || is_section(new);

	switch (old)
	{
		case HTML_P:
			return true;
		case HTML_ADDRESS:
			return new == HTML_DD || new == HTML_DL || new == HTML_DT || new == HTML_LI ||
				   new == HTML_UL;
		case HTML_PRE:
			return new == HTML_DD || new == HTML_DL || new == HTML_DT || new == HTML_LI ||
				   new == HTML_UL || new == HTML_TABLE;
		case HTML_DD:
			return new == HTML_DD || new == HTML_DT;
		case HTML_DT:
			return new == HTML_DD || new == HTML_DT || new == HTML_DL;
		case HTML_DL:
		case HTML_LI:
			return new == HTML_LI;
		case HTML_UL:
			return new == HTML_ADDRESS || new == HTML_PRE;
		case HTML_CAPTION:
		case HTML_COLGROUP:
			return row || new == HTML_COLGROUP || new == HTML_CAPTION ||
				   (old == HTML_CAPTION && new == HTML_COL);
		case HTML_TD:
		case HTML_TH:
			return row || new == HTML_TD || new == HTML_TH;
		case HTML_TR:
			return row;
		case HTML_TBODY:
		case HTML_THEAD:
		case HTML_TFOOT:
			return is_section(new);
		default:
			return is_heading(old) &&
				   (is_heading(new) || new == HTML_LI || new == HTML_P || new == HTML_TABLE);
	}
}

static HtmlElement
way_end(const HtmlBuilder *builder)
{
	return builder->way_len == 0 ? HTML_NONE : builder->way[builder->way_len - 1].element;
}

/* push_implied adds an element that the source lacks, as a part of the last. */
static void
push_implied(HtmlBuilder *builder, HtmlElement element)
{
	HtmlNode *node = &builder->way[builder->way_len];

	node->id = builder->way[builder->way_len - 1].id;
	node->element = element;
	node->start = node->len = 0;
	builder->way_len++;
}

/* want_cell makes room for content in a table that is between its cells. */
static void
want_cell(HtmlBuilder *builder)
{
	if (way_end(builder) == HTML_COLGROUP)
		builder->way_len--;
	if (way_end(builder) == HTML_TABLE || is_section(way_end(builder)))
		push_implied(builder, HTML_TR);
	if (way_end(builder) == HTML_TR)
		push_implied(builder, HTML_TD);
}

static void
close_for(HtmlBuilder *builder, HtmlElement new)
{
	while (builder->way_len > 0 && closes(way_end(builder), new))
		builder->way_len--;
}

/*
 * close_item ends the item that a new one ends, though it be within blocks;
 * browsers look for it through these.
 */
static void
close_item(HtmlBuilder *builder, HtmlElement new)
{
	for (int i = builder->way_len - 1; i >= 0; i--)
	{
		HtmlElement element = builder->way[i].element;

		if (new == HTML_LI ? element == HTML_LI : element == HTML_DD || element == HTML_DT)
			builder->way_len = i;
		else if (element != HTML_DIV && element != HTML_ADDRESS)
			break;
	}
}

/* add_block puts a block on the way, where there can be one. */
static void
add_block(HtmlBuilder *builder, const SourceNode *source)
{
	HtmlNode node = source->node;
	HtmlElement last;

	if (source->kind == HTML_ALIAS && is_table_context(way_end(builder)))
		return;
	close_for(builder, node.element);
	if (node.element == HTML_LI || node.element == HTML_DD || node.element == HTML_DT)
		close_item(builder, node.element);
	last = way_end(builder);
	switch (node.element)
	{
		case HTML_TR:
			if (last != HTML_TABLE && !is_section(last))
				return;
			break;
		case HTML_TBODY:
		case HTML_THEAD:
		case HTML_TFOOT:
		case HTML_CAPTION:
		case HTML_COLGROUP:
			if (last != HTML_TABLE)
				return;
			break;
		case HTML_TD:
		case HTML_TH:
			if (last == HTML_COLGROUP)
			{
				builder->way_len--;
				last = way_end(builder);
			}
			if (last == HTML_TABLE || is_section(last))
				push_implied(builder, HTML_TR);
			else if (last != HTML_TR)
			{
				/* a piece cut out of a table */
				node.element = HTML_DIV;
				node.len = 0;
			}
			break;
		default:
			want_cell(builder);
			if (is_list(last) && is_list(node.element) && last != node.element)
				push_implied(builder, HTML_LI);
			break;
	}
	builder->way[builder->way_len++] = node;
}

/* take_off takes an element off the way, and leaves what is in it. */
static void
take_off(HtmlBuilder *builder, int at)
{
	memmove(&builder->way[at], &builder->way[at + 1],
			sizeof(HtmlNode) * (builder->way_len - at - 1));
	builder->way_len--;
}

static bool
is_ruby_part(HtmlElement element)
{
	return element == HTML_RT || element == HTML_RP;
}

static void
add_inline(HtmlBuilder *builder, const HtmlNode *node, int blocks)
{
	if (node->element == HTML_A)
	{
		/* a link in a link: the inner one counts */
		for (int i = blocks; i < builder->way_len; i++)
		{
			if (builder->way[i].element == HTML_A)
			{
				take_off(builder, i);
				/* which may have been all that was between two parts of a ruby */
				if (i > blocks && i < builder->way_len &&
					is_ruby_part(builder->way[i - 1].element) &&
					is_ruby_part(builder->way[i].element))
					take_off(builder, i - 1);
				break;
			}
		}
	}
	/* in a ruby, one part ends the other */
	if (is_ruby_part(node->element) && builder->way_len > blocks && is_ruby_part(way_end(builder)))
		builder->way_len--;
	builder->way[builder->way_len++] = *node;
}

/*
 * find_way computes the way.  The blocks of it are kept, since most content
 * shares them with the content before.
 */
static void
find_way(HtmlBuilder *builder, Wanted wanted)
{
	int blocks;

	builder->way_known = false;
	builder->way_len = 0;
	if (builder->blocks_known)
	{
		memcpy(builder->way, builder->blocks, sizeof(HtmlNode) * builder->blocks_len);
		builder->way_len = builder->blocks_len;
	}
	else
	{
		for (int i = 0; i < builder->depth; i++)
		{
			if (is_block(builder->source[i].kind))
				add_block(builder, &builder->source[i]);
		}
		memcpy(builder->blocks, builder->way, sizeof(HtmlNode) * builder->way_len);
		builder->blocks_len = builder->way_len;
		builder->blocks_known = true;
	}
	builder->context = way_end(builder);
	if (wanted == WANT_BLOCKS)
		return;
	if (wanted == WANT_HR)
		close_for(builder, HTML_HR);
	want_cell(builder);
	if (wanted == WANT_HR)
		return;
	blocks = builder->way_len;
	for (int i = 0; i < builder->depth; i++)
	{
		if (builder->source[i].kind == HTML_INLINE)
			add_inline(builder, &builder->source[i].node, blocks);
	}
}

static void
close_last(HtmlBuilder *builder)
{
	const HtmlNode *node = &builder->open[--builder->open_len];

	builder->sink->close(builder->self, node,
						 builder->store.data == NULL ? "" : builder->store.data + node->start);
}

/* close_others closes what is open and not on the way. */
static void
close_others(HtmlBuilder *builder)
{
	int common = 0;

	while (common < builder->way_len && common < builder->open_len &&
		   builder->way[common].id == builder->open[common].id &&
		   builder->way[common].element == builder->open[common].element)
		common++;
	while (builder->open_len > common)
		close_last(builder);
}

static void
go(HtmlBuilder *builder)
{
	close_others(builder);
	while (builder->open_len < builder->way_len)
	{
		HtmlNode *node = &builder->open[builder->open_len];

		*node = builder->way[builder->open_len++];
		builder->sink->open(builder->self, node,
							builder->store.data == NULL ? "" : builder->store.data + node->start);
	}
}

/* go_all goes to where text and the like can be. */
static void
go_all(HtmlBuilder *builder)
{
	if (!builder->way_known)
	{
		find_way(builder, WANT_ALL);
		go(builder);
		builder->way_known = true;
	}
}

static HtmlElement
open_end(const HtmlBuilder *builder)
{
	return builder->open_len == 0 ? HTML_NONE : builder->open[builder->open_len - 1].element;
}

/* flush gives the text that has come together to the sink. */
static void
flush(HtmlBuilder *builder)
{
	HtmlBuffer *text = &builder->text;

	if (text->len == 0 || text->failed)
		return;
	if (html_blank(text->data, text->len))
	{
		/* White space opens nothing. */
		if (!builder->way_known)
		{
			find_way(builder, WANT_BLOCKS);
			if (!is_table_context(builder->context))
				find_way(builder, WANT_ALL);
			close_others(builder);
		}
		if (!is_table_context(open_end(builder)))
			builder->sink->text(builder->self, open_end(builder), text->data, text->len);
	}
	else
	{
		go_all(builder);
		builder->sink->text(builder->self, open_end(builder), text->data, text->len);
	}
	text->len = 0;
}

static void
add_leaf(HtmlBuilder *builder, const HtmlNode *node)
{
	switch (node->element)
	{
		case HTML_COL:
			find_way(builder, WANT_BLOCKS);
			close_for(builder, HTML_COL);
			if (way_end(builder) != HTML_TABLE && way_end(builder) != HTML_COLGROUP)
				return;
			go(builder);
			break;
		case HTML_HR:
			find_way(builder, WANT_HR);
			go(builder);
			break;
		case HTML_BR:
		case HTML_WBR:
			if (!builder->way_known)
				find_way(builder, WANT_BLOCKS);
			if (is_table_context(builder->context))
				return;
			go_all(builder);
			break;
		default:
			go_all(builder);
			break;
	}
	builder->sink->leaf(builder->self, node->element,
						builder->store.data == NULL ? "" : builder->store.data + node->start,
						node->len);
}

/* judge notes what makes it useless to go on. */
static bool
judge(HtmlBuilder *builder)
{
	if (builder->status != HTML_DONE)
		return false;
	if (builder->text.failed || builder->store.failed)
		builder->status = HTML_NO_MEMORY;
	else if (builder->sink->written(builder->self) > builder->limit)
		builder->status = HTML_TOO_DENSE;
	return builder->status == HTML_DONE;
}

/* NULL: no memory. */
HtmlBuilder *
html_builder_begin(const HtmlSink *sink, void *self, size_t limit)
{
	HtmlBuilder *builder = palloc_extended(sizeof(HtmlBuilder), MCXT_ALLOC_NO_OOM);

	if (builder == NULL)
		return NULL;
	memset(builder, 0, offsetof(HtmlBuilder, source));
	builder->sink = sink;
	builder->self = self;
	builder->limit = limit;
	return builder;
}

/* False: it is useless to go on. */
bool
html_builder_start(HtmlBuilder *builder, const char *name, const unsigned char **attributes)
{
	const HtmlTag *tag = html_find_tag(name);
	SourceNode *source;

	if (builder->status != HTML_DONE)
		return false;
	if (builder->depth >= HTML_MAX_DEPTH)
	{
		builder->status = HTML_TOO_DEEP;
		return false;
	}
	if (tag->kind != HTML_UNWRAP)
		flush(builder);
	source = &builder->source[builder->depth];
	source->name = name;
	source->kind = HTML_UNWRAP;
	source->dropped = builder->dropping > 0 || tag->kind == HTML_DROP;
	source->node.id = ++builder->last_id;
	source->node.element = tag->element;
	source->node.start = builder->store.len;
	if (source->dropped)
		builder->dropping++;
	else if (tag->kind != HTML_UNWRAP &&
			 builder->sink->keep(builder->self, tag, attributes, &builder->store))
	{
		html_append(&builder->store, "", 1);
		source->kind = tag->kind;
	}
	source->node.len =
		builder->store.len - source->node.start - (source->kind == HTML_UNWRAP ? 0 : 1);
	if (!judge(builder))
		return false;

	if (source->kind == HTML_VOID)
		add_leaf(builder, &source->node);
	builder->depth++;
	if (source->kind == HTML_INLINE)
		builder->way_known = false;
	else if (is_block(source->kind))
	{
		builder->blocks_known = false;
		find_way(builder, WANT_BLOCKS);
		go(builder);
	}
	return true;
}

void
html_builder_end(HtmlBuilder *builder, const char *name)
{
	SourceNode *source;

	if (builder->status != HTML_DONE || builder->depth == 0)
		return;
	source = &builder->source[builder->depth - 1];
	if (strcmp(source->name, name) != 0)
		return;
	if (source->dropped)
		builder->dropping--;
	else if (source->kind == HTML_INLINE || is_block(source->kind))
	{
		flush(builder);
		builder->way_known = false;
		if (is_block(source->kind))
			builder->blocks_known = false;
		for (int i = 0; i < builder->open_len; i++)
		{
			if (builder->open[i].id == source->node.id)
			{
				while (builder->open_len > i)
					close_last(builder);
				break;
			}
		}
	}
	builder->store.len = source->node.start;
	builder->depth--;
	judge(builder);
}

void
html_builder_text(HtmlBuilder *builder, const char *text, size_t len)
{
	if (builder->status == HTML_DONE && builder->dropping == 0)
		html_append_clean(&builder->text, text, len);
}

/* html_builder_finish closes what is open and frees the builder. */
HtmlStatus
html_builder_finish(HtmlBuilder *builder)
{
	HtmlStatus status;

	if (builder->status == HTML_DONE)
	{
		flush(builder);
		while (builder->open_len > 0)
			close_last(builder);
		judge(builder);
	}
	status = builder->status;
	html_release(&builder->text);
	html_release(&builder->store);
	pfree(builder);
	return status;
}
