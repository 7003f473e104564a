/*-------------------------------------------------------------------------
 *
 * mime.h
 *	  A mail as it arrived, taken apart.
 *
 * mime_read() never fails for what a sender wrote: what is wrong with the
 * mail is noted in "defects" and the rest is read all the same.  Every string
 * it returns is valid UTF-8 without NUL characters; only the content of an
 * attachment is bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MIME_H
#define AR_INBOX_MIME_H

#include "core/core.h"

/* What can be wrong with a mail. */
#define MIME_DEFECT_NO_HEADERS 0x000001		  /* begins with its body */
#define MIME_DEFECT_BAD_HEADER 0x000002		  /* a header line that is none */
#define MIME_DEFECT_HEADER_SIZE 0x000004	  /* over 1 MB of header */
#define MIME_DEFECT_HEADER_COUNT 0x000008	  /* over 2,000 header fields */
#define MIME_DEFECT_DEPTH 0x000010			  /* multiparts nested over 32 deep */
#define MIME_DEFECT_PARTS 0x000020			  /* over 1,000 parts */
#define MIME_DEFECT_ADDRESSES 0x000040		  /* over 5,000 addresses */
#define MIME_DEFECT_SEGMENTS 0x000080		  /* over 64 RFC 2231 segments */
#define MIME_DEFECT_SIZE 0x000100			  /* too large to be read whole */
#define MIME_DEFECT_NO_BOUNDARY 0x000200	  /* a multipart that names no boundary */
#define MIME_DEFECT_NO_PARTS 0x000400		  /* a multipart whose boundary never comes */
#define MIME_DEFECT_NO_CLOSE 0x000800		  /* a multipart that is not closed */
#define MIME_DEFECT_ENCODING 0x001000		  /* unknown or broken transfer encoding */
#define MIME_DEFECT_CHARSET 0x002000		  /* unknown charset */
#define MIME_DEFECT_CHARACTERS 0x004000		  /* bytes the charset does not have */
#define MIME_DEFECT_DATE 0x008000			  /* a date that cannot be read */
#define MIME_DEFECT_ADDRESS 0x010000		  /* an address that cannot be read */
#define MIME_DEFECT_MESSAGE_ID 0x020000		  /* a Message-ID that cannot be read */
#define MIME_DEFECT_CONTENT_TYPE 0x040000	  /* a Content-Type that cannot be read */
#define MIME_DEFECT_DUPLICATE_HEADER 0x080000 /* a field twice that may come once */
#define MIME_DEFECT_REFERENCES 0x100000		  /* references left out of the middle */
#define MIME_DEFECT_TNEF 0x200000			  /* a winmail.dat that cannot be read */

/* A mailbox.  "name" is NULL where there is none, "address" never. */
typedef struct MimeAddress
{
	char *name;
	char *address;
} MimeAddress;

typedef struct MimeAddressList
{
	int count;
	MimeAddress *items;
} MimeAddressList;

/* Message-IDs without their angle brackets. */
typedef struct MimeIdList
{
	int count;
	char **ids;
} MimeIdList;

/* A field as sent, but for folding and raw 8-bit characters. */
typedef struct MimeHeader
{
	char *name;
	char *value;
} MimeHeader;

/* To whom a relay says it delivered, and in which field. */
typedef struct MimeDelivery
{
	const char *header;
	char *address;
} MimeDelivery;

typedef struct MimeAttachment
{
	char *name; /* NULL where there is none */
	char *type; /* type/subtype in lower case */
	char *content_id;
	char *content; /* followed by a NUL that "length" does not count */
	size_t length;
	bool is_inline; /* the HTML refers to its Content-ID */
} MimeAttachment;

typedef enum MimeProtection
{
	MIME_PLAIN,	  /* as far as its parts say */
	MIME_SMIME,	  /* encrypted or signed into one part */
	MIME_OPENPGP, /* encrypted (RFC 3156) */
} MimeProtection;

typedef struct MimeArena MimeArena;

/* A part that the text of a mail is made of, up to where the next one begins. */
typedef struct MimePiece
{
	int part;			/* its number in the mail */
	size_t start;		/* in the text */
	bool from_html;		/* made of a document */
	size_t html;		/* where that is in the HTML */
	size_t html_length; /* 0: it is not in there */
} MimePiece;

typedef struct MimeMessage
{
	char *message_id; /* NULL where there is none */
	MimeIdList in_reply_to;
	MimeIdList references; /* the first and the last 20 */

	char *subject; /* NULL where there is none */
	MimeAddressList from;
	MimeAddress *sender; /* NULL where there is none */
	MimeAddressList to;
	MimeAddressList cc;
	MimeAddressList reply_to;

	bool has_date;
	int64 date;		 /* microseconds since 1970-01-01 00:00 UTC */
	int date_offset; /* minutes east of UTC the sender's clock was */

	int delivery_count;
	MimeDelivery *deliveries;
	char *return_path; /* "" for <>, NULL where there is none */
	int received_count;

	char *type;		   /* of the mail as a whole */
	char *report_type; /* of a multipart/report, else NULL */

	char *text; /* never NULL; made from the HTML where that is all there is */
	size_t text_length;
	bool text_from_html;
	int piece_count;
	MimePiece *pieces;
	char *html; /* as sent, several parts with rules between; NULL: none */
	size_t html_length;

	int attachment_count;
	MimeAttachment *attachments;
	MimeProtection protection; /* what keeps a part from being read here */

	bool automatic;
	char *automatic_reason; /* the field that says so, NULL where none does */
	bool by_list;			/* only since a list passed it on: a person may have written it */
	char *list_id;			/* of that list, NULL where it has none */

	int header_count;
	MimeHeader *headers; /* in their order */

	uint32 defects;
	MimeArena *arena; /* what all of the above is made in */
} MimeMessage;

extern MimeMessage *mime_read(const char *data, size_t len);
extern void mime_free(MimeMessage *mail);
extern const char *mime_header(const MimeMessage *mail, const char *name);
extern const char *mime_protection_name(MimeProtection protection);
extern void mime_defect_names(uint32 defects, StringInfo out);

/* The parts of the reader that are of use alone; all but dates are palloc'd. */
extern bool mime_parse_date(const char *value, int64 *date, int *offset);
extern char *mime_decode_header(const char *value);
extern MimeAddressList mime_parse_addresses(const char *value);
extern char *mime_html_to_text(const char *html, size_t len);
extern bool mime_has_attached_text(const char *type, const char *name);
extern void mime_attached_text(const char *type, const char *name, const char *content, size_t len,
							   StringInfo out);

#endif /* AR_INBOX_MIME_H */
