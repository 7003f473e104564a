/*-------------------------------------------------------------------------
 *
 * html.c
 *	  Fuzz target: HTML that others wrote.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/html.h"
#include "core/mime.h"
#include "core/quoted.h"
#include "html_judge.h"

/* What is sanitised is safe by its own judge, and the same again. */
static void
see_sanitized(const char *html, size_t len)
{
	StringInfoData once;
	StringInfoData twice;
	HtmlInfo info;
	const char *wrong;

	initStringInfo(&once);
	initStringInfo(&twice);
	appendStringInfoString(&once, "before ");
	if (!html_sanitize(html, len, &once, &info))
	{
		must(strcmp(once.data, "before ") == 0, "refused, but something was written");
		must(info.status != HTML_DONE && info.status != HTML_NO_MEMORY, "refused: %s",
			 html_status_name(info.status));
		fuzz_text("why", html_status_name(info.status));
		return;
	}
	must(info.status == HTML_DONE, "done, but %s", html_status_name(info.status));
	must(strncmp(once.data, "before ", 7) == 0, "what stood before is gone");
	fuzz_text_length("sanitised", once.data, once.len);
	fuzz_saw_number(info.links);
	fuzz_saw_number(info.inline_images);
	fuzz_saw_number(info.remote_images);
	wrong = judge_html(once.data + 7, once.len - 7);
	must(wrong == NULL, "%s\n%s", wrong, once.data);

	if (!html_sanitize(once.data + 7, once.len - 7, &twice, &info))
		must(info.status != HTML_NO_MEMORY && once.len > HTML_MAX_SOURCE / 4,
			 "its own writing refused: %s\n%s", html_status_name(info.status), once.data);
	else
		must(strcmp(once.data + 7, twice.data) == 0, "once:\n%s\ntwice:\n%s", once.data + 7,
			 twice.data);
}

/* Without memory both say so, have written nothing, and keep nothing. */
static void
see_without_memory(const char *html, size_t len)
{
	int n = 1 + (len > 0 ? (unsigned char) html[len / 2] % 64 : 0);
	StringInfoData out;
	HtmlInfo info;
	bool done;

	initStringInfo(&out);
	fuzz_refuse(n);
	done = html_sanitize(html, len, &out, &info);
	if (fuzz_refuse(n))
		must(!done && info.status == HTML_NO_MEMORY && out.len == 0, "sanitised without memory: %s",
			 html_status_name(info.status));
	resetStringInfo(&out);
	done = html_to_text(html, len, &out);
	if (fuzz_refuse(0))
		must(!done && out.len == 0, "text without memory");
}

void
fuzz_run(const char *data, size_t size)
{
	StringInfoData text;
	char *simple;

	see_sanitized(data, size);
	see_without_memory(data, size);

	initStringInfo(&text);
	must(html_to_text(data, size, &text), "no text");
	fuzz_text_length("text", text.data, text.len);

	/* The reader has made UTF-8 of it when these are asked. */
	if (fuzz_utf8(data, size) == size)
	{
		size_t offset = 0;
		QuotedHtml found = quoted_html(data, size, NULL, &offset);

		fuzz_saw_number(found);
		if (found == QUOTED_HTML_CUT)
			must(fuzz_boundary(data, size, offset), "quoted_html: %zu of %zu", offset, size);
		simple = mime_html_to_text(data, size);
		fuzz_text("simple text", simple);
	}
}
