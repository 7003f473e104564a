/*-------------------------------------------------------------------------
 *
 * smtp_message.h
 *	  Addresses and message text as SMTP wants them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SMTP_MESSAGE_H
#define AR_INBOX_SMTP_MESSAGE_H

#include "net/net.h"

#define SMTP_ADDRESS_SIZE 512

/*
 * Writes an address as it goes between < and >, its domain in A-labels.  NULL
 * when that is done, else why it cannot be.
 */
extern const char *smtp_address(const char *address, char wire[SMTP_ADDRESS_SIZE],
								bool *needs_utf8);

/* An RFC 3461 xtext of it; false when it does not fit or is not ASCII. */
extern bool smtp_xtext(const char *text, char *out, size_t size);

/* A message on its way out: CRLF, dots stuffed, the lone dot at its end. */
typedef struct SmtpBody
{
	const char *data;
	size_t len;
	size_t pos;
	bool line_start;
	bool done; /* the lone dot has been given out */
} SmtpBody;

extern void smtp_body_start(SmtpBody *body, const char *data, size_t len);

/* Fills buf; 0 when everything has been given out.  size is at least 16. */
extern size_t smtp_body_fill(SmtpBody *body, char *buf, size_t size);

/* Its size on the wire, stuffing and the end not counted (RFC 1870). */
extern uint64 smtp_body_size(const char *data, size_t len);

#endif /* AR_INBOX_SMTP_MESSAGE_H */
