/*-------------------------------------------------------------------------
 *
 * html.h
 *	  HTML that others wrote: made safe to show, and made into text.
 *
 * Nothing here lets an error pass through libxml2, and nothing of libxml2
 * outlives a call, so callers need no clean-up of their own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_HTML_H
#define AR_INBOX_HTML_H

#include "core/core.h"

#define HTML_MAX_SOURCE (2 * 1024 * 1024)
#define HTML_MAX_DEPTH 256
#define HTML_MAX_ATTRIBUTES 500 /* on one tag */
#define HTML_MAX_TAGS 250000

typedef enum HtmlStatus
{
	HTML_DONE,
	HTML_TOO_LARGE, /* longer than HTML_MAX_SOURCE */
	HTML_TOO_DEEP,	/* nested deeper than HTML_MAX_DEPTH */
	HTML_TOO_DENSE, /* too many tags or attributes, or too much to write */
	HTML_NO_MEMORY
} HtmlStatus;

typedef struct HtmlInfo
{
	HtmlStatus status;
	int links;		   /* with an address that was kept */
	int inline_images; /* cid: and data: */
	int remote_images; /* set aside, in data-remote-src */
} HtmlInfo;

/*
 * Appends the HTML, rebuilt from an allow-list of elements, attributes and
 * addresses: balanced, valid UTF-8, and the same again when given back.  False,
 * with out as it was and the reason in info, if the source is over a limit;
 * the reader then shows the text.
 */
extern bool html_sanitize(const char *html, size_t len, StringInfo out, HtmlInfo *info);

/*
 * Appends the HTML as text to read.  What is over a limit is read more simply
 * (mime_html_to_text); false only where there is no memory.
 */
extern bool html_to_text(const char *html, size_t len, StringInfo out);

/* A word or two on what the matter is, for logs and errors. */
extern const char *html_status_name(HtmlStatus status);

#endif /* AR_INBOX_HTML_H */
