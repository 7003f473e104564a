/*-------------------------------------------------------------------------
 *
 * casefold.h
 *	  Simple case folding of Unicode, by a table of our own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_CASEFOLD_H
#define AR_INBOX_CASEFOLD_H

#include "core/core.h"
#include "mb/pg_wchar.h"

/* The code point that stands for all cases of this one. */
extern pg_wchar casefold(pg_wchar c);

/* Append valid UTF-8, folded; a domain keeps its final sigmas. */
extern void casefold_append(StringInfo buf, const char *s, size_t len, bool is_domain);

/* The first "most" bytes of a text, folded, in the buffer, which had something else. */
extern const char *casefold_head(StringInfo buf, const char *s, size_t len, size_t most);

#endif /* AR_INBOX_CASEFOLD_H */
