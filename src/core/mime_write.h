/*-------------------------------------------------------------------------
 *
 * mime_write.h
 *	  A mail to be sent, put together.
 *
 * Strings are UTF-8.  Whatever they hold, the mail that comes out has the
 * fields it was given and no others: line breaks in a value become spaces.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MIME_WRITE_H
#define AR_INBOX_MIME_WRITE_H

#include "core/mime.h"

typedef struct MimeFile
{
	const char *name; /* may be NULL */
	const char *type; /* application/octet-stream if NULL or malformed */
	const char *content;
	size_t length;
	const char *content_id; /* of an image the HTML shows */
} MimeFile;

/* Bcc is missing on purpose: who gets a copy in secret is the envelope's business. */
typedef struct MimeOutgoing
{
	MimeAddressList from;
	const MimeAddress *sender; /* may be NULL */
	MimeAddressList reply_to;
	MimeAddressList to;
	MimeAddressList cc;
	const char *subject;
	const char *message_id;
	MimeIdList in_reply_to;
	MimeIdList references;
	int64 date; /* microseconds since 1970-01-01 00:00 UTC */
	int date_offset;
	const char *text; /* of text and html, one may be NULL */
	const char *html;
	int image_count;
	const MimeFile *images;
	int attachment_count;
	const MimeFile *attachments;
	int header_count;
	const MimeHeader *headers;
} MimeOutgoing;

extern void mime_write(const MimeOutgoing *mail, StringInfo out);

#endif /* AR_INBOX_MIME_WRITE_H */
