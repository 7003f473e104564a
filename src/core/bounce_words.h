/*-------------------------------------------------------------------------
 *
 * bounce_words.h
 *	  The words of delivery reports that are written for people only.
 *
 * Every question is about a text in lower case, as casefold_append() makes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_BOUNCE_WORDS_H
#define AR_INBOX_BOUNCE_WORDS_H

#include "core/core.h"

extern bool bounce_is_subject(const char *folded);
extern bool bounce_is_system_subject(const char *folded);
extern bool bounce_is_opening(const char *folded);
extern bool bounce_says_delivered(const char *folded);
extern bool bounce_is_copy(const char *folded);
extern bool bounce_is_sentence(const char *folded);
extern bool bounce_is_request(const char *folded);
extern bool bounce_is_reason_head(const char *folded);
extern bool bounce_is_daemon(const char *folded);
extern bool bounce_is_unread(const char *folded);
extern bool bounce_is_mail_system(const char *folded);

#endif /* AR_INBOX_BOUNCE_WORDS_H */
