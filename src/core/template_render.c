/*-------------------------------------------------------------------------
 *
 * template_render.c
 *	  Renders a compiled template over a tree of values.
 *
 * The walk keeps its own stack of frames: one for each section entered, each
 * partial or parent brought in and each block that is filled.  A second stack
 * holds the contexts names are looked up in.  What bounds them are the limits
 * of template.h; each node visited and each context or block searched counts
 * as a step, so that no data makes a small template run for long.
 *
 * Indentation follows the rule that a partial's lines are indented before it
 * is rendered: only lines of templates are, never lines within values.  A
 * block that fills another is first relieved of the indentation it has where
 * it is written.
 *
 *-------------------------------------------------------------------------
 */
#include "core/template_impl.h"

#define MAX_UNKNOWN_NAME 255 /* longer names are cut when collected */

typedef struct Bytes
{
	const char *data;
	uint32 len;
} Bytes;

/* The blocks a parent tag gives, and those given to the template it is in. */
typedef struct Arguments
{
	const Template *tmpl;
	uint32 parent;
	const struct Arguments *outer;
} Arguments;

typedef enum FrameKind
{
	FRAME_SECTION, /* has pushed a context */
	FRAME_PARTIAL, /* counts as a partial */
	FRAME_BLOCK
} FrameKind;

typedef struct Frame
{
	FrameKind kind;
	const Template *tmpl;
	Bytes partial; /* name of the partial the template is, or empty */
	uint32 first;
	uint32 next;
	uint32 end;
	const TemplateValue *list; /* section over a list */
	uint32 item;
	Bytes indent; /* put before each line */
	Bytes dedent; /* taken away before that, as far as it is there */
	const Arguments *args;
	char *own_indent; /* to be freed with the frame */
	Arguments *own_args;
} Frame;

/* A partial as compiled for this rendering; tmpl is NULL if there is none. */
typedef struct Compiled
{
	struct Compiled *more;
	Bytes name;
	Template *tmpl;
} Compiled;

typedef struct Render
{
	const TemplatePartials *partials;
	TemplateEscape escape;
	StringInfo out;
	int start; /* length of out before us */
	TemplateNames *unknown;
	TemplateError *err;
	Frame *frames;
	uint32 nframes;
	uint32 framesroom;
	const TemplateValue **contexts;
	uint32 ncontexts;
	uint32 contextsroom;
	int npartials;
	int64 steps;
	bool skip_indent; /* the line has its indentation already */
	bool too_long;
	Compiled *compiled;
	MarkdownPlace place;
} Render;

static Frame *
top(Render *r)
{
	return &r->frames[r->nframes - 1];
}

static void
fail(Render *r, const Frame *frame, const TemplateNode *node, const char *message)
{
	template_error(r->err, frame->tmpl->src, node->pos, "%s", message);
	if (r->err != NULL)
		snprintf(r->err->partial, sizeof(r->err->partial), "%.*s",
				 template_name_clip(frame->partial.data, frame->partial.len),
				 frame->partial.len > 0 ? frame->partial.data : "");
}

/*-------------------------------------------------------------------------
 * Stacks
 *-------------------------------------------------------------------------
 */

static Frame *
push_frame(Render *r, FrameKind kind, const Frame *from)
{
	Frame copy = *from;
	Frame *frame;

	if (r->nframes == r->framesroom)
	{
		r->framesroom *= 2;
		r->frames = repalloc(r->frames, r->framesroom * sizeof(Frame));
	}
	frame = &r->frames[r->nframes++];
	*frame = copy;
	frame->kind = kind;
	frame->list = NULL;
	frame->item = 0;
	frame->own_indent = NULL;
	frame->own_args = NULL;
	if (kind == FRAME_PARTIAL)
		r->npartials++;
	return frame;
}

static void
push_context(Render *r, const TemplateValue *value)
{
	if (r->ncontexts == r->contextsroom)
	{
		r->contextsroom *= 2;
		r->contexts = repalloc(r->contexts, r->contextsroom * sizeof(TemplateValue *));
	}
	r->contexts[r->ncontexts++] = value;
}

/* The end of the topmost frame's nodes: its next item, or away with it. */
static void
finish_frame(Render *r)
{
	Frame *frame = top(r);

	if (frame->kind == FRAME_SECTION)
	{
		if (frame->list != NULL && ++frame->item < template_value_count(frame->list))
		{
			r->contexts[r->ncontexts - 1] = template_value_item(frame->list, frame->item);
			frame->next = frame->first;
			return;
		}
		r->ncontexts--;
	}
	else if (frame->kind == FRAME_PARTIAL)
		r->npartials--;
	if (frame->own_indent != NULL)
		pfree(frame->own_indent);
	if (frame->own_args != NULL)
		pfree(frame->own_args);
	r->nframes--;
}

/*-------------------------------------------------------------------------
 * Names
 *-------------------------------------------------------------------------
 */

static void
note_unknown(Render *r, const char *prefix, const char *name, size_t len)
{
	TemplateNames *list = r->unknown;
	size_t prefixlen = strlen(prefix);
	char *copy;
	int i;

	if (list == NULL)
		return;
	if (len > MAX_UNKNOWN_NAME)
	{
		for (len = MAX_UNKNOWN_NAME; ((unsigned char) name[len] & 0xC0) == 0x80;)
			len--;
	}
	for (i = 0; i < list->count; i++)
	{
		const char *have = list->names[i];

		r->steps++;
		if (strlen(have) == prefixlen + len && memcmp(have, prefix, prefixlen) == 0 &&
			memcmp(have + prefixlen, name, len) == 0)
			return;
	}
	if (list->count == TEMPLATE_MAX_UNKNOWN)
		return;
	copy = palloc(prefixlen + len + 1);
	memcpy(copy, prefix, prefixlen);
	memcpy(copy + prefixlen, name, len);
	copy[prefixlen + len] = '\0';
	list->names[list->count++] = copy;
}

/* The value a name stands for in the contexts as they are, or NULL. */
static const TemplateValue *
resolve(Render *r, const char *name, size_t len)
{
	const TemplateValue *value = NULL;
	const char *end = name + len;
	const char *dot;
	uint32 i;

	if (len == 1 && name[0] == '.')
		return r->contexts[r->ncontexts - 1];
	if (name[0] == '.')
	{
		/* Starts in the innermost context: all its parts go the same way. */
		value = r->contexts[r->ncontexts - 1];
		dot = name;
	}
	else
	{
		dot = memchr(name, '.', len);
		if (dot == NULL)
			dot = end;
		for (i = r->ncontexts; i > 0 && value == NULL; i--)
		{
			r->steps += 1 + len / 64;
			value = template_value_get(r->contexts[i - 1], name, dot - name);
		}
	}
	while (value != NULL && dot < end)
	{
		const char *part = dot + 1;

		r->steps += 1 + (end - part) / 64;
		dot = memchr(part, '.', end - part);
		if (dot == NULL)
			dot = end;
		value = template_value_get(value, part, dot - part);
	}
	return value;
}

static const TemplateValue *
resolve_node(Render *r, const Template *tmpl, const TemplateNode *node)
{
	const char *name = tmpl->src + node->text.off;
	const TemplateValue *value = resolve(r, name, node->text.len);

	if (value == NULL)
		note_unknown(r, "", name, node->text.len);
	return value;
}

/*-------------------------------------------------------------------------
 * Output
 *-------------------------------------------------------------------------
 */

/* Takes from a line or an indentation the part that both begin with. */
static Bytes
dedented(Bytes line, Bytes dedent)
{
	uint32 n = 0;

	while (n < line.len && n < dedent.len && line.data[n] == dedent.data[n])
		n++;
	line.data += n;
	line.len -= n;
	return line;
}

/* Literal text; each line that begins in it is indented as the frame says. */
static void
put_text(Render *r, const Frame *frame, const TemplateNode *node)
{
	const char *s = frame->tmpl->src + node->text.off;
	const char *end = s + node->text.len;
	bool line_start = (node->flags & NODE_LINE_START) != 0;

	r->steps += node->text.len / 256;
	if (frame->indent.len == 0 && frame->dedent.len == 0)
	{
		appendBinaryStringInfo(r->out, s, end - s);
		if (line_start || s < end)
			r->skip_indent = false;
		return;
	}
	while (s < end || line_start)
	{
		const char *eol = s < end ? memchr(s, '\n', end - s) : NULL;
		Bytes line;

		eol = eol == NULL ? end : eol + 1;
		line.data = s;
		line.len = eol - s;
		if (line_start)
		{
			line = dedented(line, frame->dedent);
			if (!r->skip_indent)
				appendBinaryStringInfo(r->out, frame->indent.data, frame->indent.len);
		}
		r->skip_indent = false;
		appendBinaryStringInfo(r->out, line.data, line.len);
		if (r->out->len - r->start > TEMPLATE_MAX_OUTPUT)
			return;
		line_start = eol < end;
		s = eol;
	}
}

static void
put_variable(Render *r, const Frame *frame, const TemplateNode *node)
{
	const TemplateValue *value = resolve_node(r, frame->tmpl, node);
	const char *text;
	size_t len;

	r->skip_indent = false;
	if (value == NULL)
		return;
	text = template_value_text(value, &len);
	if (text == NULL)
	{
		note_unknown(r, "", frame->tmpl->src + node->text.off, node->text.len);
		return;
	}
	r->steps += len / 64;
	if (len > TEMPLATE_MAX_OUTPUT)
	{
		r->too_long = true;
		return;
	}
	if (node->flags & NODE_RAW || r->escape == TEMPLATE_ESCAPE_NONE)
		appendBinaryStringInfo(r->out, text, len);
	else if (r->escape == TEMPLATE_ESCAPE_HTML)
		template_escape_html(r->out, text, len);
	else
		template_escape_commonmark(r->out, &r->place, text, len);
}

/*-------------------------------------------------------------------------
 * Partials, parents and blocks
 *-------------------------------------------------------------------------
 */

/*
 * Joins two indentations; false if they are too much.  What is made for it is
 * left in *own, for the frame that will use it.
 */
static bool
join_indent(Bytes *result, char **own, Bytes outer, Bytes inner)
{
	char *both;

	*own = NULL;
	if (outer.len + inner.len > TEMPLATE_MAX_INDENT)
		return false;
	if (outer.len == 0 || inner.len == 0)
	{
		*result = outer.len == 0 ? inner : outer;
		return true;
	}
	both = palloc(outer.len + inner.len);
	memcpy(both, outer.data, outer.len);
	memcpy(both + outer.len, inner.data, inner.len);
	result->data = *own = both;
	result->len = outer.len + inner.len;
	return true;
}

static Bytes
span_bytes(const Template *tmpl, Span span)
{
	Bytes bytes = {tmpl->src + span.off, span.len};

	return bytes;
}

/* Finds and compiles a partial; false if it does not parse. */
static bool
find_partial(Render *r, Bytes name, Template **result)
{
	Compiled *c;
	const char *src;
	size_t len;

	for (c = r->compiled; c != NULL; c = c->more)
	{
		r->steps++;
		if (c->name.len == name.len && memcmp(c->name.data, name.data, name.len) == 0)
		{
			*result = c->tmpl;
			return true;
		}
	}
	*result = NULL;
	if (r->partials != NULL &&
		r->partials->lookup(r->partials->arg, name.data, name.len, &src, &len))
	{
		r->steps += len / 16;
		*result = template_parse(src, len, r->err);
		if (*result == NULL)
		{
			if (r->err != NULL)
				snprintf(r->err->partial, sizeof(r->err->partial), "%.*s",
						 template_name_clip(name.data, name.len), name.data);
			return false;
		}
	}
	c = palloc(sizeof(Compiled));
	c->name = name;
	c->tmpl = *result;
	c->more = r->compiled;
	r->compiled = c;
	return true;
}

/* Brings in what a partial or a parent tag names. */
static bool
enter_partial(Render *r, const TemplateNode *node, uint32 index)
{
	Frame *frame = top(r);
	Bytes name = span_bytes(frame->tmpl, node->text);
	Bytes indent = {"", 0};
	char *own_indent = NULL;
	Arguments *given = NULL;
	Template *tmpl;

	if (node->flags & NODE_DYNAMIC)
	{
		const TemplateValue *value = resolve_node(r, frame->tmpl, node);
		TemplateValueType type;
		size_t len;

		if (value == NULL)
			return true;
		type = template_value_type(value);
		if (type != TEMPLATE_STRING && type != TEMPLATE_NUMBER)
			return true;
		name.data = template_value_text(value, &len);
		name.len = len;
	}
	if (r->npartials == TEMPLATE_MAX_PARTIALS)
	{
		fail(r, frame, node, "partials include one another too deeply");
		return false;
	}
	if (!find_partial(r, name, &tmpl))
		return false;
	if (tmpl == NULL)
	{
		note_unknown(r, ">", name.data, name.len);
		return true;
	}
	if (node->flags & NODE_STANDALONE &&
		!join_indent(&indent, &own_indent, frame->indent,
					 dedented(span_bytes(frame->tmpl, node->indent), frame->dedent)))
	{
		fail(r, frame, node, "partials are indented too far");
		return false;
	}
	if (node->kind == NODE_PARENT && node->end > index + 1)
	{
		given = palloc(sizeof(Arguments));
		given->tmpl = frame->tmpl;
		given->parent = index;
		given->outer = frame->args;
	}
	frame = push_frame(r, FRAME_PARTIAL, frame);
	frame->tmpl = tmpl;
	frame->partial = name;
	frame->first = frame->next = 0;
	frame->end = tmpl->count;
	frame->indent = indent;
	frame->dedent.len = 0;
	if (given != NULL)
		frame->args = given;
	frame->own_args = given;
	frame->own_indent = own_indent;
	return true;
}

/* The outermost argument for a block: who includes decides, not who is included. */
static const TemplateNode *
find_argument(Render *r, const Arguments *args, Bytes name, const Arguments **where)
{
	const TemplateNode *found = NULL;

	for (; args != NULL; args = args->outer)
	{
		const TemplateNode *nodes = args->tmpl->nodes;
		uint32 i = args->parent + 1;

		while (i < nodes[args->parent].end)
		{
			const TemplateNode *node = &nodes[i];

			r->steps += 1 + name.len / 64;
			if (node->kind == NODE_BLOCK && node->text.len == name.len &&
				memcmp(args->tmpl->src + node->text.off, name.data, name.len) == 0)
			{
				found = node;
				*where = args;
				break;
			}
			i = node->end;
		}
	}
	return found;
}

/*
 * A block: filled by an argument if there is one, else its own content is
 * simply walked on into.  The argument's text belongs to the template that
 * gives it, so blocks within it look to what was given to that one.
 */
static bool
enter_block(Render *r, const TemplateNode *node)
{
	Frame *frame = top(r);
	const Arguments *where = NULL;
	const TemplateNode *argument;
	Bytes indent;
	Bytes own = {"", 0};
	char *own_indent;
	bool begins_line;

	argument = find_argument(r, frame->args, span_bytes(frame->tmpl, node->text), &where);
	if (argument == NULL)
		return true;
	frame->next = node->end;

	if (node->flags & (NODE_OWN_LINE | NODE_INLINE))
	{
		own = span_bytes(frame->tmpl, node->flags & NODE_HAS_INNER ? node->inner : node->indent);
		own = dedented(own, frame->dedent);
	}
	if (!join_indent(&indent, &own_indent, frame->indent, own))
	{
		fail(r, frame, node, "blocks are indented too far");
		return false;
	}
	if (!(node->flags & (NODE_OWN_LINE | NODE_INLINE)))
		indent.len = 0;
	begins_line = (argument->flags & NODE_OWN_LINE) != 0;
	if (node->flags & NODE_OWN_LINE)
	{
		if (!begins_line)
			appendBinaryStringInfo(r->out, indent.data, indent.len);
	}
	else if (begins_line)
		r->skip_indent = true;

	frame = push_frame(r, FRAME_BLOCK, frame);
	frame->tmpl = where->tmpl;
	frame->next = argument - where->tmpl->nodes + 1;
	frame->end = argument->end;
	frame->indent = indent;
	frame->dedent = span_bytes(where->tmpl, argument->inner);
	if (!(argument->flags & NODE_HAS_INNER))
		frame->dedent.len = 0;
	frame->args = where->outer;
	frame->own_indent = own_indent;
	return true;
}

static inline bool
every_branch(const Render *r)
{
	return r->unknown != NULL && r->unknown->every_branch;
}

static void
enter_section(Render *r, const TemplateNode *node)
{
	Frame *frame = top(r);
	const TemplateValue *value = resolve_node(r, frame->tmpl, node);
	uint32 first = frame->next;

	frame->next = node->end;
	if (value == NULL || first == node->end)
		return;
	if (!template_value_truthy(value) &&
		(!every_branch(r) || template_value_type(value) == TEMPLATE_LIST))
		return;
	frame = push_frame(r, FRAME_SECTION, frame);
	frame->first = frame->next = first;
	frame->end = node->end;
	if (template_value_type(value) == TEMPLATE_LIST)
	{
		frame->list = value;
		value = template_value_item(value, 0);
	}
	push_context(r, value);
}

static bool
run(Render *r)
{
	while (r->nframes > 0)
	{
		Frame *frame = top(r);
		const Template *in;
		const TemplateNode *node;
		const TemplateValue *value;
		uint32 index;

		if (frame->next >= frame->end)
		{
			r->steps++;
			finish_frame(r);
			continue;
		}
		index = frame->next++;
		in = frame->tmpl;
		node = &in->nodes[index];
		if (++r->steps > TEMPLATE_MAX_STEPS)
		{
			fail(r, frame, node, "rendering this template takes too much work");
			return false;
		}
		switch ((NodeKind) node->kind)
		{
			case NODE_TEXT:
				put_text(r, frame, node);
				break;
			case NODE_VARIABLE:
				put_variable(r, frame, node);
				break;
			case NODE_SECTION:
				enter_section(r, node);
				break;
			case NODE_INVERTED:
				value = resolve_node(r, frame->tmpl, node);
				if (value != NULL && template_value_truthy(value) && !every_branch(r))
					frame->next = node->end;
				break;
			case NODE_PARTIAL:
			case NODE_PARENT:
				frame->next = node->end;
				if (!enter_partial(r, node, index))
					return false;
				break;
			case NODE_BLOCK:
				if (!enter_block(r, node))
					return false;
				break;
		}
		if (r->too_long || r->out->len - r->start > TEMPLATE_MAX_OUTPUT)
		{
			/* The frame may have moved, but not the template. */
			template_error(r->err, in->src, node->pos, "the result is longer than %d bytes",
						   TEMPLATE_MAX_OUTPUT);
			return false;
		}
	}
	return true;
}

bool
template_render(const Template *tmpl, const TemplateValue *root, const TemplatePartials *partials,
				TemplateEscape escape, StringInfo out, TemplateNames *unknown, TemplateError *err)
{
	Render r;
	Frame *frame;
	bool rendered;

	memset(&r, 0, sizeof(r));
	if (err != NULL)
		memset(err, 0, sizeof(*err));
	r.partials = partials;
	r.escape = escape;
	r.out = out;
	r.start = out->len;
	r.unknown = unknown;
	r.err = err;
	r.framesroom = 16;
	r.frames = palloc0(r.framesroom * sizeof(Frame));
	r.contextsroom = 16;
	r.contexts = palloc(r.contextsroom * sizeof(TemplateValue *));
	push_context(&r, root);

	frame = &r.frames[r.nframes++];
	frame->kind = FRAME_BLOCK;
	frame->tmpl = tmpl;
	frame->end = tmpl->count;
	frame->indent.data = frame->dedent.data = "";

	rendered = run(&r);
	if (!rendered)
	{
		out->len = r.start;
		out->data[out->len] = '\0';
	}
	while (r.compiled != NULL)
	{
		Compiled *more = r.compiled->more;

		if (r.compiled->tmpl != NULL)
			template_free(r.compiled->tmpl);
		pfree(r.compiled);
		r.compiled = more;
	}
	pfree(r.frames);
	pfree(r.contexts);
	return rendered;
}
