/*-------------------------------------------------------------------------
 *
 * charset.h
 *	  Text in any charset a mail may name, made UTF-8.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_CHARSET_H
#define AR_INBOX_CHARSET_H

#include "core/core.h"

typedef enum CharsetResult
{
	CHARSET_GOOD,
	CHARSET_REPLACED, /* some bytes were no characters of it */
	CHARSET_CUT,	  /* it grew too long, and its end is left out */
	CHARSET_UNKNOWN	  /* not on the list; read as UTF-8 or windows-1252 */
} CharsetResult;

extern CharsetResult charset_to_utf8(const char *name, size_t name_len, const char *data,
									 size_t len, StringInfo out);
extern bool charset_same(const char *a, size_t a_len, const char *b, size_t b_len);
extern int utf8_put(uint32 codepoint, char *out);
extern int utf8_get(const char *data, size_t len, uint32 *codepoint);

#endif /* AR_INBOX_CHARSET_H */
