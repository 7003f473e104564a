/*-------------------------------------------------------------------------
 *
 * template_parse.c
 *	  Compiles the source of a template into its array of nodes.
 *
 * One pass over the source.  What is opened is kept on a stack of bounded
 * height.  Whether a tag stands alone on its line, and so takes the line with
 * it, is decided when the tag is read: the white space before it is the text
 * node added last and can be taken back, what follows is looked at in the
 * source.
 *
 *-------------------------------------------------------------------------
 */
#include "core/template_impl.h"

#define NOT_FOUND ((size_t) -1)
#define MAX_DELIMITER 32

/* What is known of a tag that is open. */
typedef struct OpenTag
{
	uint32 node;
	uint32 content;	   /* source offset of what it encloses */
	uint32 line_text;  /* parent: the text node of the white space before it */
	bool clean_before; /* only white space before it on its line */
} OpenTag;

typedef struct Parser
{
	Template *tmpl;
	TemplateError *err;
	const char *src;
	size_t len;
	size_t pos;
	const char *open; /* the delimiters in force */
	size_t openlen;
	const char *close;
	size_t closelen;
	bool at_start;	  /* no text node for the present line yet */
	bool dirty;		  /* the line has something that is not white space */
	uint32 line_text; /* the text node that begins the present line */
	Span line_indent; /* what that node says */
	int depth;
	OpenTag stack[TEMPLATE_MAX_NESTING];
} Parser;

/* A tag as it was read: its sigil, 0 for none, and what it says. */
typedef struct Tag
{
	char sigil;
	bool raw;
	bool dynamic;
	Span name;
	size_t start;
	size_t end; /* after the closing delimiter */
} Tag;

/* How many bytes of a name to show: a few, and never part of a character. */
int
template_name_clip(const char *name, size_t len)
{
	size_t shown = Min(len, 48);

	while (shown < len && shown > 0 && ((unsigned char) name[shown] & 0xC0) == 0x80)
		shown--;
	return (int) shown;
}

void
template_error(TemplateError *err, const char *src, size_t pos, const char *fmt, ...)
{
	va_list args;
	size_t i;

	if (err == NULL)
		return;
	err->line = 1;
	err->column = 1;
	err->partial[0] = '\0';
	for (i = 0; i < pos; i++)
	{
		if (src[i] == '\n')
		{
			err->line++;
			err->column = 1;
		}
		else if (((unsigned char) src[i] & 0xC0) != 0x80)
			err->column++;
	}
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
}

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The first place at or after from where what stands in the source. */
static size_t
find(const Parser *p, size_t from, const char *what, size_t whatlen)
{
	while (from + whatlen <= p->len)
	{
		const char *hit = memchr(p->src + from, what[0], p->len - whatlen + 1 - from);

		if (hit == NULL)
			break;
		if (memcmp(hit, what, whatlen) == 0)
			return hit - p->src;
		from = hit - p->src + 1;
	}
	return NOT_FOUND;
}

static uint32
add_node(Parser *p, NodeKind kind, size_t pos, Span text, uint8 flags)
{
	Template *t = p->tmpl;
	TemplateNode *node;

	if (t->count == t->allocated)
	{
		t->allocated *= 2;
		t->nodes = repalloc(t->nodes, t->allocated * sizeof(TemplateNode));
	}
	node = &t->nodes[t->count];
	memset(node, 0, sizeof(TemplateNode));
	node->kind = kind;
	node->flags = flags;
	node->pos = pos;
	node->text = text;
	node->end = ++t->count;
	return t->count - 1;
}

static void
start_line(Parser *p)
{
	p->at_start = true;
	p->dirty = false;
}

/*
 * Adds the text from pos to end.  Before a tag the last line of it gets a node
 * of its own, even an empty one: it carries the line's indentation, and goes
 * if the tag turns out to stand alone.
 */
static void
add_text(Parser *p, size_t end, bool before_tag)
{
	size_t start = p->pos;
	size_t rest = end;
	size_t i;

	while (rest > start && p->src[rest - 1] != '\n')
		rest--;
	if (rest > start)
	{
		Span whole = {start, rest - start};

		add_node(p, NODE_TEXT, start, whole, p->at_start ? NODE_LINE_START : 0);
		start_line(p);
	}
	if (rest < end || (before_tag && p->at_start))
	{
		Span line = {rest, end - rest};
		uint32 node = add_node(p, NODE_TEXT, rest, line, p->at_start ? NODE_LINE_START : 0);

		if (p->at_start)
		{
			p->line_text = node;
			p->line_indent = line;
		}
		for (i = rest; i < end && !p->dirty; i++)
			p->dirty = !is_space(p->src[i]);
		p->at_start = false;
	}
	p->pos = end;
}

/* If only blanks follow up to the end of the line: what comes after it. */
static size_t
blank_to_line_end(const Parser *p, size_t pos)
{
	while (pos < p->len && (p->src[pos] == ' ' || p->src[pos] == '\t'))
		pos++;
	if (pos == p->len)
		return pos;
	if (p->src[pos] == '\n')
		return pos + 1;
	if (p->src[pos] == '\r' && pos + 1 < p->len && p->src[pos + 1] == '\n')
		return pos + 2;
	return NOT_FOUND;
}

/* Takes the present line away: its white space so far and its end. */
static void
drop_line(Parser *p, uint32 line_text, size_t next)
{
	TemplateNode *text = &p->tmpl->nodes[line_text];

	Assert(text->kind == NODE_TEXT);
	text->text.len = 0;
	text->flags = 0;
	if (line_text == p->tmpl->count - 1)
		p->tmpl->count--;
	p->pos = next;
	start_line(p);
}

/*
 * After a tag that may stand alone: if it does, its line goes.  The white
 * space before it is returned either way, empty if it was not alone.
 */
static bool
take_standalone(Parser *p, const Tag *tag, Span *indent)
{
	size_t next = blank_to_line_end(p, tag->end);

	indent->off = indent->len = 0;
	if (p->dirty || next == NOT_FOUND)
	{
		p->dirty = true;
		return false;
	}
	*indent = p->line_indent;
	drop_line(p, p->line_text, next);
	return true;
}

/*-------------------------------------------------------------------------
 * Reading one tag
 *-------------------------------------------------------------------------
 */

static bool
check_name(Parser *p, const Tag *tag, size_t at)
{
	const char *name = p->src + tag->name.off;
	size_t len = tag->name.len;
	size_t i;

	if (len == 0)
	{
		template_error(p->err, p->src, tag->start, "this tag has no name");
		return false;
	}
	for (i = 0; i < len; i++)
	{
		if (is_space(name[i]))
		{
			template_error(p->err, p->src, at, "a name cannot contain white space: \"%.*s\"",
						   template_name_clip(name, len), name);
			return false;
		}
	}
	/* The dots of a partial's or a block's name mean nothing. */
	if ((tag->sigil == '>' || tag->sigil == '<' || tag->sigil == '$' || tag->sigil == '/') &&
		!tag->dynamic)
		return true;
	for (i = 1; i < len; i++)
	{
		if (name[i] == '.' && (name[i - 1] == '.' || i == len - 1))
		{
			template_error(p->err, p->src, at, "a part between the dots of \"%.*s\" is empty",
						   template_name_clip(name, len), name);
			return false;
		}
	}
	return true;
}

/* {{=<% %>=}}: the new delimiters are stretches of the source. */
static bool
set_delimiters(Parser *p, const Tag *tag)
{
	const char *s = p->src + tag->name.off;
	const char *end = s + tag->name.len;
	const char *open = s;
	const char *close;

	while (s < end && !is_space(*s))
		s++;
	p->openlen = s - open;
	while (s < end && is_space(*s))
		s++;
	close = s;
	while (s < end && !is_space(*s))
		s++;
	p->closelen = s - close;
	if (s != end || p->openlen == 0 || p->closelen == 0 || p->openlen > MAX_DELIMITER ||
		p->closelen > MAX_DELIMITER || memchr(open, '=', p->openlen) != NULL ||
		memchr(close, '=', p->closelen) != NULL)
	{
		template_error(p->err, p->src, tag->start,
					   "delimiters are set by two short words without \"=\", as in {{=<%% %%>=}}");
		return false;
	}
	p->open = open;
	p->close = close;
	return true;
}

/* Reads the tag that begins at start. */
static bool
read_tag(Parser *p, size_t start, Tag *tag)
{
	size_t pos = start + p->openlen;
	size_t end;
	size_t skip = 0; /* of "}" or "=" before the closing delimiter */

	memset(tag, 0, sizeof(*tag));
	tag->start = start;
	while (pos < p->len && is_space(p->src[pos]))
		pos++;
	if (pos < p->len && p->src[pos] != '\0' && strchr("#^/>$<&{=!", p->src[pos]) != NULL)
	{
		/* A delimiter may itself begin with one of these characters. */
		if (p->len - pos < p->closelen || memcmp(p->src + pos, p->close, p->closelen) != 0)
			tag->sigil = p->src[pos++];
	}

	if (tag->sigil == '{' || tag->sigil == '=')
	{
		char want = tag->sigil == '{' ? '}' : '=';

		skip = 1;
		end = pos;
		for (;;)
		{
			const char *hit = end < p->len ? memchr(p->src + end, want, p->len - end) : NULL;

			if (hit == NULL)
			{
				end = NOT_FOUND;
				break;
			}
			end = hit - p->src;
			if (p->len - end - 1 >= p->closelen &&
				memcmp(p->src + end + 1, p->close, p->closelen) == 0)
				break;
			end++;
		}
	}
	else
		end = find(p, pos, p->close, p->closelen);
	if (end == NOT_FOUND)
	{
		template_error(p->err, p->src, start, "this tag is not closed: \"%s%.*s\" is missing",
					   skip == 0 ? "" : (tag->sigil == '{' ? "}" : "="),
					   template_name_clip(p->close, p->closelen), p->close);
		return false;
	}
	tag->end = end + skip + p->closelen;
	while (pos < end && is_space(p->src[pos]))
		pos++;
	while (end > pos && is_space(p->src[end - 1]))
		end--;

	tag->raw = tag->sigil == '&' || tag->sigil == '{';
	if ((tag->sigil == '>' || tag->sigil == '<' || tag->sigil == '/') && pos < end &&
		p->src[pos] == '*')
	{
		tag->dynamic = true;
		pos++;
		while (pos < end && is_space(p->src[pos]))
			pos++;
	}
	tag->name.off = pos;
	tag->name.len = end - pos;
	if (tag->sigil == '!' || tag->sigil == '=')
		return true;
	return check_name(p, tag, pos);
}

/*-------------------------------------------------------------------------
 * What tags do
 *-------------------------------------------------------------------------
 */

static bool
push(Parser *p, const Tag *tag, uint32 node, bool clean_before, uint32 line_text)
{
	OpenTag *open;

	if (p->depth == TEMPLATE_MAX_NESTING)
	{
		template_error(p->err, p->src, tag->start, "more than %d tags are open inside one another",
					   TEMPLATE_MAX_NESTING);
		return false;
	}
	open = &p->stack[p->depth++];
	open->node = node;
	open->content = p->pos;
	open->clean_before = clean_before;
	open->line_text = line_text;
	return true;
}

static const char *
sigil_of(const TemplateNode *node)
{
	switch (node->kind)
	{
		case NODE_INVERTED:
			return "^";
		case NODE_PARENT:
			return node->flags & NODE_DYNAMIC ? "<*" : "<";
		case NODE_BLOCK:
			return "$";
		default:
			return "#";
	}
}

/* The white space that begins the first line with anything on it. */
static bool
first_indent(const Parser *p, size_t from, size_t to, Span *inner)
{
	size_t line = from;
	size_t i;

	for (i = from; i < to; i++)
	{
		if (p->src[i] == '\n')
			line = i + 1;
		else if (!is_space(p->src[i]))
		{
			inner->off = line;
			inner->len = i - line;
			return true;
		}
	}
	return false;
}

/* {{$name}}: an argument if directly inside a parent, else a place to fill. */
static bool
open_block(Parser *p, const Tag *tag)
{
	size_t next = blank_to_line_end(p, tag->end);
	bool argument;
	bool clean = !p->dirty;
	uint32 line_text = p->line_text;
	Span indent = p->line_indent;
	uint32 node;
	uint8 flags = 0;

	argument = p->depth > 0 && p->tmpl->nodes[p->stack[p->depth - 1].node].kind == NODE_PARENT;

	/* A last line without its line feed can hold no content below the tag. */
	if (next != NOT_FOUND && p->src[next - 1] != '\n')
		next = NOT_FOUND;
	p->pos = tag->end;
	if (next != NOT_FOUND && (argument || clean))
	{
		flags = NODE_OWN_LINE;
		if (clean)
			drop_line(p, p->line_text, next);
		p->pos = next;
		start_line(p);
	}
	else
		p->dirty = true;
	if (argument)
		flags |= NODE_ARGUMENT;
	node = add_node(p, NODE_BLOCK, tag->start, tag->name, flags);
	if (clean)
		p->tmpl->nodes[node].indent = indent;
	return push(p, tag, node, clean, line_text);
}

static void
close_block(Parser *p, const Tag *tag, const OpenTag *open)
{
	TemplateNode *node = &p->tmpl->nodes[open->node];
	size_t next = blank_to_line_end(p, tag->end);

	if ((node->flags & NODE_OWN_LINE) && first_indent(p, open->content, tag->start, &node->inner))
		node->flags |= NODE_HAS_INNER;
	p->pos = tag->end;
	if (node->flags & NODE_ARGUMENT)
	{
		/* What follows is inside the parent and ignored. */
		if (!p->dirty)
			drop_line(p, p->line_text, tag->end);
		p->at_start = false;
		p->dirty = true;
	}
	else if (!p->dirty && next != NOT_FOUND)
		drop_line(p, p->line_text, next);
	else
	{
		if (open->clean_before && !(node->flags & NODE_OWN_LINE) && next != NOT_FOUND &&
			memchr(p->src + open->content, '\n', tag->start - open->content) == NULL)
			node->flags |= NODE_INLINE;
		p->dirty = true;
	}
	p->tmpl->nodes[open->node].end = p->tmpl->count;
}

static void
close_parent(Parser *p, const Tag *tag, const OpenTag *open)
{
	TemplateNode *node = &p->tmpl->nodes[open->node];
	size_t next = blank_to_line_end(p, tag->end);

	p->pos = tag->end;
	node->end = p->tmpl->count;
	if (open->clean_before && next != NOT_FOUND)
	{
		TemplateNode *text = &p->tmpl->nodes[open->line_text];

		node->flags |= NODE_STANDALONE;
		node->indent = text->text;
		text->text.len = 0;
		text->flags = 0;
		p->pos = next;
		start_line(p);
	}
	else
	{
		p->at_start = false;
		p->dirty = true;
	}
}

static bool
close_tag(Parser *p, const Tag *tag)
{
	const char *name = p->src + tag->name.off;
	const OpenTag *open;
	TemplateNode *node;
	Span unused;

	if (p->depth == 0)
	{
		template_error(p->err, p->src, tag->start, "\"/%.*s\" closes nothing that is open",
					   template_name_clip(name, tag->name.len), name);
		return false;
	}
	open = &p->stack[--p->depth];
	node = &p->tmpl->nodes[open->node];
	if (node->text.len != tag->name.len ||
		memcmp(p->src + node->text.off, name, tag->name.len) != 0 ||
		((node->flags & NODE_DYNAMIC) != 0) != tag->dynamic)
	{
		template_error(
			p->err, p->src, tag->start, "\"/%.*s\" stands where \"%s%.*s\" must be closed first",
			template_name_clip(name, tag->name.len), name, sigil_of(node),
			template_name_clip(p->src + node->text.off, node->text.len), p->src + node->text.off);
		return false;
	}
	if (node->kind == NODE_PARENT)
		close_parent(p, tag, open);
	else if (node->kind == NODE_BLOCK)
		close_block(p, tag, open);
	else
	{
		p->pos = tag->end;
		take_standalone(p, tag, &unused);
		p->tmpl->nodes[open->node].end = p->tmpl->count;
	}
	return true;
}

static bool
handle_tag(Parser *p, const Tag *tag)
{
	Span indent;
	uint32 node;
	bool alone;
	bool clean;
	uint8 flags = tag->dynamic ? NODE_DYNAMIC : 0;

	switch (tag->sigil)
	{
		case '!':
			p->pos = tag->end;
			take_standalone(p, tag, &indent);
			return true;
		case '=':
			if (!set_delimiters(p, tag))
				return false;
			p->pos = tag->end;
			take_standalone(p, tag, &indent);
			return true;
		case '#':
		case '^':
			p->pos = tag->end;
			take_standalone(p, tag, &indent);
			node = add_node(p, tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED, tag->start,
							tag->name, 0);
			return push(p, tag, node, false, 0);
		case '>':
			p->pos = tag->end;
			alone = take_standalone(p, tag, &indent);
			node = add_node(p, NODE_PARTIAL, tag->start, tag->name,
							alone ? flags | NODE_STANDALONE : flags);
			p->tmpl->nodes[node].indent = indent;
			return true;
		case '<':
			p->pos = tag->end;
			clean = !p->dirty;
			p->dirty = true;
			node = add_node(p, NODE_PARENT, tag->start, tag->name, flags);
			return push(p, tag, node, clean, p->line_text);
		case '$':
			return open_block(p, tag);
		case '/':
			return close_tag(p, tag);
		default:
			p->pos = tag->end;
			p->dirty = true;
			add_node(p, NODE_VARIABLE, tag->start, tag->name, tag->raw ? NODE_RAW : 0);
			return true;
	}
}

static bool
parse(Parser *p)
{
	for (;;)
	{
		size_t start = find(p, p->pos, p->open, p->openlen);
		Tag tag;

		if (start == NOT_FOUND)
			break;
		add_text(p, start, true);
		if (!read_tag(p, start, &tag) || !handle_tag(p, &tag))
			return false;
	}
	add_text(p, p->len, false);
	if (p->depth > 0)
	{
		const TemplateNode *node = &p->tmpl->nodes[p->stack[p->depth - 1].node];

		template_error(p->err, p->src, node->pos, "\"%s%.*s\" is never closed", sigil_of(node),
					   template_name_clip(p->src + node->text.off, node->text.len),
					   p->src + node->text.off);
		return false;
	}
	return true;
}

Template *
template_parse(const char *src, size_t len, TemplateError *err)
{
	Template *tmpl;
	Parser *p;
	bool parsed;

	if (err != NULL)
		memset(err, 0, sizeof(*err));
	if (len > TEMPLATE_MAX_SOURCE)
	{
		template_error(err, src, 0, "a template can be at most %d bytes long", TEMPLATE_MAX_SOURCE);
		return NULL;
	}
	tmpl = palloc0(sizeof(Template));
	tmpl->src = palloc(len + 1);
	memcpy(tmpl->src, src, len);
	tmpl->src[len] = '\0';
	tmpl->len = len;
	tmpl->allocated = 16;
	tmpl->nodes = palloc(tmpl->allocated * sizeof(TemplateNode));

	p = palloc0(sizeof(Parser));
	p->tmpl = tmpl;
	p->err = err;
	p->src = tmpl->src;
	p->len = len;
	p->open = "{{";
	p->openlen = 2;
	p->close = "}}";
	p->closelen = 2;
	start_line(p);
	parsed = parse(p);
	pfree(p);
	if (!parsed)
	{
		template_free(tmpl);
		return NULL;
	}
	return tmpl;
}

void
template_free(Template *tmpl)
{
	pfree(tmpl->src);
	pfree(tmpl->nodes);
	pfree(tmpl);
}
