/*-------------------------------------------------------------------------
 *
 * quoted.h
 *	  What is new in a reply, and where the history behind it begins.
 *
 * The answer is an offset into the text, never a changed text: what is folded
 * away can be unfolded, and a wrong guess loses nothing.  Where the guess
 * would be a bad one (a forward, answers between quoted lines) everything is
 * new.  All input is UTF-8.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_QUOTED_H
#define AR_INBOX_QUOTED_H

#include "core/core.h"
#include "core/mime.h"

/* What quoted_html() found. */
typedef enum QuotedHtml
{
	QUOTED_HTML_NONE, /* no mark of a mail program */
	QUOTED_HTML_CUT,  /* history begins at the offset */
	QUOTED_HTML_ALL	  /* a forward, or answers behind what is quoted */
} QuotedHtml;

/* What is in the mail before a text. */
typedef enum QuotedBefore
{
	QUOTED_BEFORE_NOTHING,
	QUOTED_BEFORE_WORDS,  /* new ones, so that all of the text may be history */
	QUOTED_BEFORE_HISTORY /* so that the text may be more of it */
} QuotedBefore;

/*
 * Where the new part of a text ends: at its signature or at the quoted mail,
 * at "len" if all is new.  "subject" may be NULL.
 */
extern size_t quoted_offset(const char *text, size_t len, const char *subject);
extern size_t quoted_offset_behind(QuotedBefore before, const char *text, size_t len,
								   const char *subject);

/*
 * The same of what is shown: all, if nothing is new, for its writer may have
 * answered between the marks.
 */
extern size_t quoted_shown(const char *text, size_t len, const char *subject);

/* quoted_offset for HTML as it was sent. */
extern QuotedHtml quoted_html(const char *html, size_t len, const char *subject, size_t *offset);

/* quoted_shown for a mail's text, its HTML considered as well. */
extern size_t quoted_mail(const MimeMessage *mail);

/* Does the subject say that the mail is a forward? */
extern bool quoted_is_forward(const char *subject);

#endif /* AR_INBOX_QUOTED_H */
