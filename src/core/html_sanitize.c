/*-------------------------------------------------------------------------
 *
 * html_sanitize.c
 *	  HTML that is safe to show, written from the allow-list.
 *
 * All that is written comes from here: names of elements and attributes out of
 * our own tables, values between double quotation marks, everything else
 * escaped.  Nothing of the source is copied as markup.
 *
 *-------------------------------------------------------------------------
 */
#include "core/html_internal.h"

typedef struct Writer
{
	HtmlBuffer out;
	HtmlBuffer scratch;
	HtmlInfo *info;
	bool pre; /* a <pre> was opened just now */
} Writer;

static void
append_value(HtmlBuffer *out, const char *name, const HtmlBuffer *value)
{
	html_append_string(out, name);
	html_append(out, "=\"", 2);
	html_append_escaped(out, value->data, value->len, true);
	html_append(out, "\"", 1);
}

/* keep_image: where an image comes from decides whether it is shown. */
static bool
keep_image(Writer *writer, const unsigned char **attributes, HtmlBuffer *store)
{
	const char *src = html_attribute(attributes, "src");
	const char *remote = html_attribute(attributes, "data-remote-src");
	const char *alt = html_attribute(attributes, "alt");

	if (src != NULL && html_inline_image_value(src, &writer->scratch))
	{
		writer->info->inline_images++;
		append_value(store, " src", &writer->scratch);
	}
	else if ((src != NULL && html_remote_image_value(src, &writer->scratch)) ||
			 (remote != NULL && html_remote_image_value(remote, &writer->scratch)))
	{
		writer->info->remote_images++;
		append_value(store, " data-remote-src", &writer->scratch);
	}
	else
		return alt != NULL && *alt != '\0';
	return true;
}

static bool
writer_keep(void *self, const HtmlTag *tag, const unsigned char **attributes, HtmlBuffer *store)
{
	Writer *writer = self;

	if (tag->element == HTML_A)
	{
		const char *href = html_attribute(attributes, "href");

		if (href == NULL || !html_link_value(href, &writer->scratch))
			return false;
		writer->info->links++;
		append_value(store, " href", &writer->scratch);
		html_append_string(store, " rel=\"noopener noreferrer nofollow\" target=\"_blank\"");
	}
	else if (tag->element == HTML_IMG && !keep_image(writer, attributes, store))
		return false;
	html_append_attributes(tag, attributes, store, &writer->scratch);
	return true;
}

static void
open_tag(Writer *writer, HtmlElement element, const char *kept, size_t len)
{
	html_append(&writer->out, "<", 1);
	html_append_string(&writer->out, html_element_names[element]);
	html_append(&writer->out, kept, len);
	html_append(&writer->out, ">", 1);
	writer->pre = element == HTML_PRE;
}

static void
writer_open(void *self, const HtmlNode *node, const char *kept)
{
	open_tag(self, node->element, kept, node->len);
}

static void
writer_close(void *self, const HtmlNode *node, const char *kept)
{
	Writer *writer = self;

	html_append(&writer->out, "</", 2);
	html_append_string(&writer->out, html_element_names[node->element]);
	html_append(&writer->out, ">", 1);
	writer->pre = false;
}

static void
writer_leaf(void *self, HtmlElement element, const char *kept, size_t len)
{
	open_tag(self, element, kept, len);
}

static void
writer_text(void *self, HtmlElement parent, const char *text, size_t len)
{
	Writer *writer = self;

	if (writer->pre)
	{
		/* Browsers leave out a first new line; libxml2 does not. */
		if (len > 0 && *text == '\n')
		{
			text++;
			len--;
		}
		if (len > 0 && *text == '\n')
			html_append(&writer->out, "\n", 1);
		writer->pre = len == 0;
	}
	html_append_escaped(&writer->out, text, len, false);
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
html_sanitize(const char *html, size_t len, StringInfo out, HtmlInfo *info)
{
	HtmlInfo unasked;
	Writer writer = {.info = info == NULL ? &unasked : info};

	memset(writer.info, 0, sizeof(HtmlInfo));
	writer.info->status = html_parse(html, len, &writer_sink, &writer);
	if (writer.out.failed || writer.scratch.failed)
		writer.info->status = HTML_NO_MEMORY;
	html_release(&writer.scratch);
	if (writer.info->status != HTML_DONE)
	{
		html_release(&writer.out);
		return false;
	}
	/* This may raise an error; nothing of libxml2 is left by now. */
	if (writer.out.len > 0)
		appendBinaryStringInfo(out, writer.out.data, (int) writer.out.len);
	html_release(&writer.out);
	return true;
}

const char *
html_status_name(HtmlStatus status)
{
	switch (status)
	{
		case HTML_DONE:
			return "done";
		case HTML_TOO_LARGE:
			return "too large";
		case HTML_TOO_DEEP:
			return "nested too deeply";
		case HTML_TOO_DENSE:
			return "too many tags or attributes";
		case HTML_NO_MEMORY:
			return "out of memory";
	}
	return "unknown";
}
