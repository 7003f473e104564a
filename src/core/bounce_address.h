/*-------------------------------------------------------------------------
 *
 * bounce_address.h
 *	  Addresses in the lines of a report, for bounce_text.c and no one else.
 *
 * An address is returned as a copy; "after" is set to what stands behind it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_BOUNCE_ADDRESS_H
#define AR_INBOX_BOUNCE_ADDRESS_H

#include "core/mime_internal.h"

/* What may stand before the address that a line begins with. */
#define BOUNCE_LINE_OPENERS " \t\r\n<('\"*["

extern const char *bounce_skip_marks(const char *p, const char *end, const char *also);
extern char *bounce_line_address(MimeSlice line, const char **after);
extern char *bounce_any_address(const char *p, const char *end, const char **after);

#endif /* AR_INBOX_BOUNCE_ADDRESS_H */
