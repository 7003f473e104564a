/*-------------------------------------------------------------------------
 *
 * words.h
 *	  The words of a text, for finding it again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_WORDS_H
#define AR_INBOX_WORDS_H

#include "core/core.h"
#include "mb/pg_wchar.h"

/*
 * What a word is.  The numbers are those of the token types of the text search
 * parser: 12 is what PostgreSQL's own parser calls blanks, so that its
 * headline function can be used with ours.
 */
typedef enum WordKind
{
	WORD_END = 0,
	WORD_LETTERS = 1,
	WORD_NUMBER = 2,
	WORD_CODE = 3,
	WORD_CHARACTER = 4,
	WORD_BLANK = 12
} WordKind;

/* Longer ones are nobody's words, but pieces of data. */
#define WORD_MAX_BYTES 255

/*
 * Directly behind a word of a query: what begins with it is meant.  A private
 * character (U+F8FF), which no text has any use for.
 */
#define WORD_PREFIX_MARK "\xEF\xA3\xBF"
#define WORD_PREFIX_MARK_LEN 3

typedef struct WordReader
{
	const unsigned char *start;
	const unsigned char *at;
	const unsigned char *end;
} WordReader;

typedef enum WordClass
{
	WORD_CLASS_LETTER,
	WORD_CLASS_DIGIT,
	/* between words */
	WORD_CLASS_BLANK,
	/* of a script that puts no blanks between its words */
	WORD_CLASS_ALONE,
	/* belongs to the character before it, or is not to be seen */
	WORD_CLASS_JOINED
} WordClass;

/* What the character is good for. */
extern WordClass word_class(pg_wchar c);

/* Read valid UTF-8, which must stay where it is. */
extern void words_begin(WordReader *reader, const char *text, size_t len);

/* The next word, where it stands in the text; WORD_END: there is none. */
extern WordKind words_next(WordReader *reader, const char **word, size_t *len);

/* Take a word's prefix mark off; whether it had one. */
extern bool word_has_prefix_mark(const char *word, size_t *len);

/* Append the word as all spellings of it are compared: one case, composed. */
extern void word_fold(StringInfo out, const char *word, size_t len);

/* Append the word without its accents. */
extern void word_without_accents(StringInfo out, const char *word, size_t len);

/* Append the digits of a number without what separates its thousands. */
extern void word_digits(StringInfo out, const char *word, size_t len);

/*
 * Whether the name, in whatever case, is in the text with no letter and no digit
 * right before or behind it.
 */
extern bool words_name(const char *text, size_t len, const char *name, size_t name_len);

#endif /* AR_INBOX_WORDS_H */
