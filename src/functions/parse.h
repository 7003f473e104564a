/*-------------------------------------------------------------------------
 *
 * functions/parse.h
 *	  What parse_email() and parse_message() have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_FUNCTIONS_PARSE_H
#define AR_INBOX_FUNCTIONS_PARSE_H

#include "utils/jsonb.h"

#include "core/mime.h"

/*
 * What a mail system says of a mail of ours: the members "bounce", "receipt",
 * "complaint", "delivered" and "original" of parse_email(), with the kind of
 * each recipient of a bounce, and the kind of report: bounce, delay, receipt,
 * complaint or delivered; NULL: the mail is no report.
 */
extern Jsonb *parse_verdicts(const MimeMessage *mail, const char **kind);

#endif /* AR_INBOX_FUNCTIONS_PARSE_H */
