/*-------------------------------------------------------------------------
 *
 * quoted_lines.h
 *	  The lines of a text, as those see them who look for history in it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_QUOTED_LINES_H
#define AR_INBOX_QUOTED_LINES_H

#include "core/mime_internal.h"
#include "core/quoted_words.h"

#define MAX_LINE 200	  /* bytes of a line compared with words */
#define MAX_FIELD 60	  /* bytes of a line compared with the names of fields */
#define BLOCK_WINDOW 8192 /* bytes looked at for Outlook's block */
#define WIDE_COLON "："

/* A line, with white space and invisible characters off its ends. */
typedef struct QuotedLine
{
	const char *start;
	const char *next; /* where the line after it begins */
	MimeSlice text;
} QuotedLine;

extern size_t quoted_space(const char *p, const char *end);
extern MimeSlice quoted_trim(const char *p, const char *end);
extern QuotedLine quoted_line(const char *p, const char *end, size_t limit);
extern const char *quoted_fold(StringInfo buffer, MimeSlice slice, size_t limit);
extern bool quoted_ends_with(MimeSlice slice, const char *what);
extern MimeSlice quoted_without_stars(MimeSlice slice);
extern bool quoted_ends_with_colon(MimeSlice slice);
extern bool quoted_is_marked(MimeSlice slice);
extern bool quoted_may_go_on(MimeSlice text);
extern bool quoted_ends_sentence(MimeSlice text);
extern bool quoted_begins_quotation(MimeSlice text);
extern bool quoted_is_rule(MimeSlice text);
extern bool quoted_is_title(MimeSlice text);
extern bool quoted_begins_with_number(const char *p, const char *end);

/* Which field of a mail's header a line is, and whether a block of them begins. */
extern QuotedField quoted_field_of(StringInfo buffer, MimeSlice text);
extern bool quoted_has_time(MimeSlice text);
extern bool quoted_is_block(StringInfo buffer, const QuotedLine *first, const char *end, bool apart,
							bool ruled);

/* What may stand in a signature, and what a person says. */
extern bool quoted_is_postscript(MimeSlice text);
extern bool quoted_may_sign(MimeSlice text);
extern bool quoted_opens_signature(StringInfo buffer, MimeSlice text);
extern bool quoted_is_firm(StringInfo buffer, MimeSlice text);
extern bool quoted_has_amount(MimeSlice text);
extern bool quoted_speaks(StringInfo buffer, MimeSlice text);
extern bool quoted_is_contact(StringInfo buffer, MimeSlice text);
extern bool quoted_is_link(MimeSlice text);
extern bool quoted_is_device(StringInfo buffer, MimeSlice text);

#endif /* AR_INBOX_QUOTED_LINES_H */
