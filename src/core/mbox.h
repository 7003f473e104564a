/*-------------------------------------------------------------------------
 *
 * mbox.h
 *	  The messages in a mailbox file (RFC 4155 and its kin).
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MBOX_H
#define AR_INBOX_MBOX_H

#include "core/core.h"

typedef struct MboxReader
{
	const char *next; /* what is not read yet */
	const char *end;
} MboxReader;

/* A message where it lies in the file, its lines still quoted. */
typedef struct MboxMessage
{
	const char *data;
	size_t len;
	bool has_date;
	int64 date; /* of delivery: microseconds since 1970-01-01 00:00 UTC */
} MboxMessage;

extern void mbox_open(MboxReader *reader, const char *data, size_t len);
extern bool mbox_next(MboxReader *reader, MboxMessage *message);

/* writes at most message->len bytes and returns how many */
extern size_t mbox_unquote(const MboxMessage *message, char *out);

#endif /* AR_INBOX_MBOX_H */
