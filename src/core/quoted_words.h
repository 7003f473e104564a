/*-------------------------------------------------------------------------
 *
 * quoted_words.h
 *	  The words mail programs put around what they quote, by language.
 *
 * Every question is about one line, or a few joined, already trimmed, and, where
 * it is called so, folded to lower case by casefold_append().
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
	QUOTED_FIELD_DATE, /* when, as people call it as well */
	QUOTED_FIELD_SENT, /* when, as only mail programs call it */
	QUOTED_FIELD_TO,
	QUOTED_FIELD_CC,
	QUOTED_FIELD_SUBJECT,
	QUOTED_FIELD_OTHER,	 /* one more that mail programs put there */
	QUOTED_FIELD_FOREIGN /* one that no mail has */
} QuotedField;

/* The verb of "On … wrote:". */
typedef enum QuotedVerb
{
	QUOTED_VERB_NONE,
	QUOTED_VERB_LAST,		/* one that the name stands before */
	QUOTED_VERB_PARTICIPLE, /* one of these that "we have" goes with as well */
	QUOTED_VERB_FIRST		/* one that the name may stand behind */
} QuotedVerb;

/* How much a line looks like "On … wrote:". */
typedef enum QuotedAttribution
{
	QUOTED_NOT,
	QUOTED_NAMED, /* a name and no date: only right before marked lines */
	QUOTED_MAYBE, /* one, if marked lines follow */
	QUOTED_SURE	  /* one, whatever follows */
} QuotedAttribution;

extern QuotedAttribution quoted_attribution(const char *text, size_t len, bool opens);
extern bool quoted_is_name(const char *text, size_t len);
extern QuotedVerb quoted_verb_at_end(const char *text, size_t len, size_t *start);
extern QuotedVerb quoted_verb_within(const char *text, size_t len, size_t *start, size_t *stop);
extern bool quoted_between_verbs(const char *text, size_t len, size_t *start, size_t *stop);
extern bool quoted_small_word(const char *word, size_t len);
extern bool quoted_personal_word(const char *word, size_t len);
extern bool quoted_begins_message(const char *folded);
extern bool quoted_has_opener(const char *folded);
extern bool quoted_says_original(const char *folded);
extern bool quoted_says_forwarded(const char *folded);
extern bool quoted_may_say_device(const char *line, size_t len);
extern const char *quoted_says_device(const char *folded);

/* What people write: of money, a sentence, that they answer below, that they wrote. */
extern bool quoted_says_bank(const char *folded);
extern bool quoted_says_sentence(const char *folded);
extern bool quoted_points_below(const char *text, size_t len);
extern bool quoted_says_own(const char *folded);
extern bool quoted_says_short(const char *folded);
extern bool quoted_is_closing(const char *folded);

/* What no person wrote into the mail: a virus scanner's line, a gateway's warning. */
extern bool quoted_says_scanned(const char *folded);
extern bool quoted_says_nothing(const char *text, size_t len);
extern bool quoted_is_notice(const char *text, size_t len);

/* What stands before a subject. */
extern const char *quoted_after_tag(const char *folded);
extern bool quoted_is_answer(const char *folded);

extern QuotedField quoted_field(const char *name, size_t len);

#endif /* AR_INBOX_QUOTED_WORDS_H */
