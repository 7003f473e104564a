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

/* Is one of the words, which are folded, in a folded text, or does it begin with one? */
extern bool folded_has_any(const char *folded, const char *const *words, int count);
extern bool folded_begins_any(const char *folded, const char *const *words, int count);

#endif /* AR_INBOX_CASEFOLD_H */
