/*-------------------------------------------------------------------------
 *
 * markdown.h
 *	  CommonMark, with tables, strikethrough and automatic links, to HTML.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MARKDOWN_H
#define AR_INBOX_MARKDOWN_H

#include "core/core.h"

#define MARKDOWN_MAX_SOURCE (2 * 1024 * 1024)

/*
 * Appends the HTML of src to out: a fragment without raw HTML and without
 * links a browser would run, and with a line right below a quotation no part of
 * it.  False, with out as it was, if src is too long or so built that it would
 * take too much time or memory.
 */
extern bool commonmark_to_html(const char *src, size_t len, StringInfo out);

#endif /* AR_INBOX_MARKDOWN_H */
