/*-------------------------------------------------------------------------
 *
 * mime_automatic_subject.h
 *	  Subjects of mail that a machine answers with, for mime_automatic.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MIME_AUTOMATIC_SUBJECT_H
#define AR_INBOX_MIME_AUTOMATIC_SUBJECT_H

#include "core/core.h"

/* "folded" is in lower case; "answers": the mail says which one it answers. */
extern bool automatic_is_subject(const char *folded, bool answers, const char **bare);

#endif /* AR_INBOX_MIME_AUTOMATIC_SUBJECT_H */
