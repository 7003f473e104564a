/*-------------------------------------------------------------------------
 *
 * html_text.c
 *	  HTML as text to read: paragraphs, lists, quotations, rows of tables, and
 *	  where links lead.
 *
 *-------------------------------------------------------------------------
 */
#include "core/html_internal.h"

#include "core/charset.h"
#include "core/mime.h"

#define MAX_OPEN (3 * HTML_MAX_DEPTH + 4)
#define MAX_PREFIX 20  /* deeper quotations and lists are not indented further */
#define MAX_NEWLINES 3 /* two empty lines */

/* An open element that the lines within it depend on. */
typedef struct Frame
{
	HtmlElement element;
	int number;	   /* of the last item of a list */
	int lines;	   /* that were written when a cell began */
	bool marked;   /* an item has its mark, or is a part without one */
	char mark[12]; /* before the first line of an item */
	uint32 id;	   /* an item written in pieces is still one */
} Frame;

typedef struct Writer
{
	HtmlBuffer out;
	HtmlBuffer scratch;
	int newlines; /* to be written before the next word */
	bool space;	  /* likewise */
	bool cell;	  /* likewise a mark between cells */
	bool fresh;	  /* a cell or item has begun: no breaks before its first word */
	bool started; /* the present line has a word */
	int lines;	  /* written so far */
	int quotes;	  /* depth of quotation */
	int least;	  /* the least of it since the last word */
	int tables;
	int pres;
	bool pre_begins;
	size_t link; /* where the text of the link begins */
	bool image;	 /* the link has an image */
	int count;
	Frame frames[MAX_OPEN];
} Writer;

static void
break_lines(Writer *writer, int count)
{
	if (!writer->fresh)
	{
		writer->newlines = Max(writer->newlines, count);
		writer->space = false;
	}
}

/* write_prefix begins a line: the marks of quotations and items. */
static void
write_prefix(Writer *writer)
{
	int levels = 0;

	for (int i = 0; i < writer->count; i++)
	{
		Frame *frame = &writer->frames[i];

		if (frame->element == HTML_UL || frame->element == HTML_OL || frame->element == HTML_TD ||
			frame->element == HTML_TH)
			continue;
		if (++levels > MAX_PREFIX)
			break;
		if (frame->element == HTML_BLOCKQUOTE)
			html_append(&writer->out, "> ", 2);
		else if (frame->element == HTML_DD)
			html_append(&writer->out, "    ", 4);
		else if (!frame->marked)
		{
			html_append_string(&writer->out, frame->mark);
			frame->marked = true;
		}
		else
			html_append(&writer->out, "            ", Min(strlen(frame->mark), 12));
	}
}

/* before_word writes the breaks that are due; none at the beginning. */
static void
before_word(Writer *writer)
{
	bool begins = writer->newlines > 0 || writer->out.len == 0;

	if (writer->out.len > 0)
	{
		for (int i = 0; i < writer->newlines; i++)
		{
			html_append(&writer->out, "\n", 1);
			writer->lines++;
			if (i < writer->newlines - 1)
				html_append(&writer->out, ">>>>>>>>>>>>>>>>>>>>",
							Min(Min(writer->least, writer->quotes), MAX_PREFIX));
		}
	}
	if (begins)
		write_prefix(writer);
	else if (writer->cell && writer->started)
		html_append(&writer->out, " | ", 3);
	else if (writer->space && writer->started)
		html_append(&writer->out, " ", 1);
	writer->newlines = 0;
	writer->space = writer->cell = writer->fresh = false;
	writer->started = true;
	writer->least = writer->quotes;
}

/* Nothing to see, and in mail mostly to fill what a list of mails shows. */
static bool
is_unseen(const Writer *writer, uint32 c)
{
	if (c == 0x200B || c == 0xFEFF || c == 0xAD || c == 0x34F || c == 0x2060)
		return true;
	/* between letters they mean something */
	return (c == 0x200C || c == 0x200D) &&
		   (!writer->started || writer->space || writer->newlines > 0);
}

static void
put_text(Writer *writer, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len)
	{
		uint32 c;
		int taken = utf8_get(text + at, len - at, &c);

		if (taken <= 0)
			break;
		if (writer->pres > 0 && c == '\n')
			writer->newlines++;
		else if (writer->pres > 0 && (c == ' ' || c == '\t' || c == 0xA0))
		{
			if (writer->newlines > 0 || !writer->started)
				before_word(writer);
			html_append(&writer->out, c == '\t' ? "\t" : " ", 1);
		}
		else if (c <= ' ' || c == 0xA0 || c == 0x202F || (c >= 0x2000 && c <= 0x200A))
			writer->space = true;
		else if (!is_unseen(writer, c))
		{
			size_t from = at;

			if (writer->newlines > 0 || writer->space || writer->cell || !writer->started)
				before_word(writer);
			at += taken;
			/* the rest of the word, as long as it is plain */
			while (at < len && text[at] > ' ' && text[at] < 0x7F)
				at++;
			html_append(&writer->out, text + from, at - from);
			writer->fresh = false;
			continue;
		}
		at += taken;
	}
}

/* end_link adds the address of a link, unless its text says the same. */
static void
end_link(Writer *writer, const char *href)
{
	size_t len = writer->out.len - Min(writer->link, writer->out.len);
	const char *words = len > 0 ? writer->out.data + writer->link : "";

	if (writer->out.failed || (len == 0 && !writer->image) || html_link_is_shown(words, len, href))
		return;
	writer->space = writer->space || writer->newlines == 0;
	before_word(writer);
	html_append(&writer->out, "<", 1);
	html_append_string(&writer->out, html_link_words(href));
	html_append(&writer->out, ">", 1);
}

/* How many new lines stand before and after an element. */
static int
breaks_of(const Writer *writer, HtmlElement element)
{
	bool in_item = false;

	switch (element)
	{
		case HTML_P:
		case HTML_H1:
		case HTML_H2:
		case HTML_H3:
		case HTML_H4:
		case HTML_H5:
		case HTML_H6:
		case HTML_BLOCKQUOTE:
		case HTML_PRE:
		case HTML_FIGURE:
			return 2;
		case HTML_TABLE:
			return writer->tables > 1 ? 1 : 2;
		case HTML_UL:
		case HTML_OL:
			for (int i = 0; i < writer->count && !in_item; i++)
				in_item = writer->frames[i].element == HTML_LI;
			return in_item ? 1 : 2;
		case HTML_ADDRESS:
		case HTML_CAPTION:
		case HTML_CENTER:
		case HTML_DD:
		case HTML_DETAILS:
		case HTML_DIV:
		case HTML_DL:
		case HTML_DT:
		case HTML_FIGCAPTION:
		case HTML_LI:
		case HTML_SUMMARY:
		case HTML_TR:
			return 1;
		default:
			return 0;
	}
}

static Frame *
push_frame(Writer *writer, const HtmlNode *node)
{
	Frame *frame = &writer->frames[writer->count++];

	memset(frame, 0, sizeof(*frame));
	frame->element = node->element;
	frame->id = node->id;
	return frame;
}

static void
begin_item(Writer *writer, const HtmlNode *node, const char *kept)
{
	Frame *list = NULL;
	Frame *item;

	for (int i = writer->count - 1; i >= 0 && list == NULL; i--)
	{
		if (writer->frames[i].element == HTML_OL || writer->frames[i].element == HTML_UL)
			list = &writer->frames[i];
	}
	item = push_frame(writer, node);
	if (list != NULL && list->element == HTML_OL)
	{
		if (*kept != '\0')
			list->number = (int) strtol(kept, NULL, 10);
		else
			list->number++;
		snprintf(item->mark, sizeof(item->mark), "%d. ", list->number);
	}
	else
		snprintf(item->mark, sizeof(item->mark), "* ");
}

static void
writer_open(void *self, const HtmlNode *node, const char *kept)
{
	Writer *writer = self;
	Frame *frame;

	if (node->len == 0)
		kept = "";
	if (node->element == HTML_TABLE)
		writer->tables++;
	if (breaks_of(writer, node->element) > 0)
		break_lines(writer, breaks_of(writer, node->element));
	switch (node->element)
	{
		case HTML_A:
			writer->link = writer->out.len;
			writer->image = false;
			break;
		case HTML_BLOCKQUOTE:
			/* what was an item's first word is now one of the quotation */
			push_frame(writer, node);
			writer->quotes++;
			break;
		case HTML_DD:
		case HTML_UL:
			push_frame(writer, node);
			break;
		case HTML_OL:
			frame = push_frame(writer, node);
			frame->number = *kept == '\0' ? 0 : (int) strtol(kept, NULL, 10) - 1;
			break;
		case HTML_LI:
			begin_item(writer, node, kept);
			writer->fresh = true;
			break;
		case HTML_TD:
		case HTML_TH:
			frame = push_frame(writer, node);
			frame->lines = writer->lines;
			if (writer->newlines > 0)
				frame->lines += writer->out.len > 0 ? writer->newlines : 0;
			else
				writer->cell = writer->started;
			writer->fresh = true;
			break;
		case HTML_PRE:
			writer->pres++;
			writer->pre_begins = true;
			return;
		case HTML_Q:
			put_text(writer, "\xe2\x80\x9c", 3);
			break;
		default:
			break;
	}
	writer->pre_begins = false;
}

static void
writer_close(void *self, const HtmlNode *node, const char *kept)
{
	Writer *writer = self;
	int breaks = breaks_of(writer, node->element);

	switch (node->element)
	{
		case HTML_A:
			end_link(writer, kept);
			break;
		case HTML_BLOCKQUOTE:
			writer->quotes--;
			writer->least = Min(writer->least, writer->quotes);
			writer->count--;
			break;
		case HTML_DD:
		case HTML_UL:
		case HTML_OL:
			writer->count--;
			break;
		case HTML_LI:
			writer->fresh = false;
			writer->count--;
			break;
		case HTML_TD:
		case HTML_TH:
			/* A cell of one line does not end the row's. */
			writer->count--;
			if (writer->fresh)
				writer->fresh = false;
			else if (writer->lines <= writer->frames[writer->count].lines)
				writer->newlines = 0;
			else
				writer->newlines = Max(writer->newlines, 1);
			break;
		case HTML_TABLE:
			writer->tables--;
			break;
		case HTML_TR:
			writer->cell = false;
			break;
		case HTML_PRE:
			writer->pres--;
			break;
		case HTML_Q:
			put_text(writer, "\xe2\x80\x9d", 3);
			break;
		default:
			break;
	}
	if (breaks > 0)
		break_lines(writer, breaks);
	writer->pre_begins = false;
}

static void
writer_leaf(void *self, HtmlElement element, const char *kept, size_t len)
{
	Writer *writer = self;

	writer->pre_begins = false;
	switch (element)
	{
		case HTML_BR:
			writer->newlines =
				writer->pres > 0 ? writer->newlines + 1 : Min(writer->newlines + 1, MAX_NEWLINES);
			writer->space = false;
			break;
		case HTML_HR:
			writer->fresh = false;
			break_lines(writer, 1);
			before_word(writer);
			html_append(&writer->out, "---", 3);
			break_lines(writer, 1);
			break;
		case HTML_IMG:
			writer->image = true;
			put_text(writer, kept, len);
			break;
		default:
			break;
	}
}

static void
writer_text(void *self, HtmlElement parent, const char *text, size_t len)
{
	Writer *writer = self;

	if (writer->pre_begins && len > 0 && *text == '\n')
	{
		text++;
		len--;
	}
	writer->pre_begins = false;
	put_text(writer, text, len);
}

static bool
writer_keep(void *self, const HtmlTag *tag, const unsigned char **attributes, HtmlBuffer *store)
{
	Writer *writer = self;
	const char *value;

	switch (tag->element)
	{
		case HTML_A:
			value = html_attribute(attributes, "href");
			if (value == NULL || !html_link_value(value, &writer->scratch))
				return false;
			html_append(store, writer->scratch.data, writer->scratch.len);
			break;
		case HTML_IMG:
			value = html_attribute(attributes, "alt");
			if (value != NULL)
				html_append_clean(store, value, strlen(value));
			break;
		case HTML_OL:
		case HTML_LI:
			value = html_attribute(attributes, tag->element == HTML_OL ? "start" : "value");
			if (value != NULL && *value != '\0' && strlen(value) <= 5 &&
				strspn(value, "0123456789") == strlen(value))
				html_append_string(store, value);
			break;
		default:
			break;
	}
	return true;
}

static size_t
writer_written(void *self)
{
	return ((Writer *) self)->out.len;
}

static const HtmlSink writer_sink = {
	.keep = writer_keep,
	.open = writer_open,
	.close = writer_close,
	.leaf = writer_leaf,
	.text = writer_text,
	.written = writer_written,
};

bool
html_to_text(const char *html, size_t len, StringInfo out)
{
	Writer *writer = palloc0(sizeof(Writer));
	HtmlBuffer source = {0};
	HtmlStatus status = html_parse(html, len, &writer_sink, writer);
	char *text;

	if (writer->out.failed || writer->scratch.failed)
		status = HTML_NO_MEMORY;
	html_release(&writer->scratch);
	if (status == HTML_DONE && writer->out.len > 0)
	{
		appendBinaryStringInfo(out, writer->out.data, (int) writer->out.len);
		appendStringInfoChar(out, '\n');
	}
	html_release(&writer->out);
	pfree(writer);
	if (status == HTML_DONE || status == HTML_NO_MEMORY)
		return status == HTML_DONE;

	/* Too much for libxml2: without structure, but in one pass. */
	html_append_clean(&source, html, len);
	if (source.failed)
		return false;
	text = mime_html_to_text(source.data == NULL ? "" : source.data, source.len);
	html_release(&source);
	appendStringInfoString(out, text);
	pfree(text);
	return true;
}
