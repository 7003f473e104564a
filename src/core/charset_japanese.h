/*-------------------------------------------------------------------------
 *
 * charset_japanese.h
 *	  ISO-2022-JP taken apart, for charset.c and no one else.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_CHARSET_JAPANESE_H
#define AR_INBOX_CHARSET_JAPANESE_H

#include "core/core.h"

/* What the bytes of a run are. */
typedef enum JapaneseRun
{
	JAPANESE_END,	/* nothing is left */
	JAPANESE_UTF8,	/* what needs no conversion */
	JAPANESE_CP932, /* JIS X 0208 with its extensions, half-width katakana */
	JAPANESE_EUC,	/* JIS X 0212 */
	JAPANESE_BAD	/* something that is no character */
} JapaneseRun;

/* The sets of characters an escape sequence can choose. */
typedef enum JapaneseSet
{
	SET_ASCII,
	SET_ROMAN,
	SET_KATAKANA,
	SET_0208,
	SET_0212
} JapaneseSet;

typedef struct JapaneseReader
{
	const char *data; /* what is left */
	size_t len;
	JapaneseSet set;
	bool shifted; /* by SO: single bytes are katakana */
} JapaneseReader;

extern JapaneseRun japanese_next(JapaneseReader *reader, char *out, size_t room, size_t *written);

#endif /* AR_INBOX_CHARSET_JAPANESE_H */
