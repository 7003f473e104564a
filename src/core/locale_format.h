/*-------------------------------------------------------------------------
 *
 * locale_format.h
 *	  Amounts, numbers and dates as a language writes them.
 *
 * A language is a BCP 47 tag.  One that ICU does not know, or that is none, is
 * taken for English: never for what the server's environment happens to name.
 * A number that ICU does not take (NaN) is written as it was given.  The
 * strings are UTF-8.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_LOCALE_FORMAT_H
#define AR_INBOX_LOCALE_FORMAT_H

#include "core/core.h"

/*
 * Formatters are kept, since making one costs as much as formatting fifty
 * values: this many in a process, those used last.
 */
#define LOCALE_FORMATTERS 64

/* decimal: a number as numeric_out() writes it; it never becomes a double. */
extern void locale_format_money(StringInfo out, const char *decimal, const char *currency,
								const char *language);
extern void locale_format_number(StringInfo out, const char *decimal, const char *language);

/*
 * days: since 1970-01-01, in the proleptic Gregorian calendar.  False, with
 * nothing written, if there is no memory for it.
 */
extern bool locale_format_date(StringInfo out, int32 days, const char *language);

#endif /* AR_INBOX_LOCALE_FORMAT_H */
