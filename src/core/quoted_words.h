/*-------------------------------------------------------------------------
 *
 * quoted_words.h
 *	  The words mail programs put around what they quote, by language.
 *
 * Every question is about one line, or a few joined, already folded to lower
 * case by casefold_append() and trimmed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_QUOTED_WORDS_H
#define AR_INBOX_QUOTED_WORDS_H

#include "core/core.h"

/* The fields of the block Outlook puts before the mail it quotes. */
typedef enum QuotedField
{
	QUOTED_FIELD_NONE,
	QUOTED_FIELD_FROM,
	QUOTED_FIELD_DATE,
	QUOTED_FIELD_TO,
	QUOTED_FIELD_CC,
	QUOTED_FIELD_SUBJECT
} QuotedField;

extern bool quoted_has_verb(const char *folded);
extern bool quoted_has_opener(const char *folded);
extern bool quoted_says_original(const char *folded);
extern bool quoted_says_forwarded(const char *folded);
extern bool quoted_may_say_device(const char *line, size_t len);
extern bool quoted_says_device(const char *folded);
extern bool quoted_forward_prefix(const char *folded);
extern QuotedField quoted_field(const char *name, size_t len);

#endif /* AR_INBOX_QUOTED_WORDS_H */
