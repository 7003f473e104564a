/*-------------------------------------------------------------------------
 *
 * smtp_reply.h
 *	  Replies of a mail server, byte by byte.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SMTP_REPLY_H
#define AR_INBOX_SMTP_REPLY_H

#include "net/net.h"

/* Text beyond this is read and forgotten; a reply beyond the other is none. */
#define SMTP_REPLY_TEXT 8192
#define SMTP_REPLY_MAX (1024 * 1024)

typedef struct SmtpReply
{
	int code;
	char enhanced[16];			/* "" where there is none of the code's class */
	char text[SMTP_REPLY_TEXT]; /* without codes, lines joined by \n */
	size_t len;

	/* The line being read. */
	char head[4]; /* its first bytes: code and separator */
	size_t line_len;
	size_t line_start; /* where its text starts in text[] */
	size_t total;
} SmtpReply;

typedef enum SmtpReplyStatus
{
	SMTP_REPLY_MORE,
	SMTP_REPLY_COMPLETE,
	SMTP_REPLY_BAD,
} SmtpReplyStatus;

extern void smtp_reply_reset(SmtpReply *reply);

/* Takes bytes up to the end of one reply; *used says how many. */
extern SmtpReplyStatus smtp_reply_feed(SmtpReply *reply, const char *bytes, size_t n, size_t *used);

/* The name a server gave the message in the reply to its end; malloc or NULL. */
extern char *smtp_reply_queue_id(const SmtpReply *reply);

/* Capabilities out of the reply to EHLO. */
typedef struct SmtpCapabilities
{
	bool pipelining;
	bool eightbit;
	bool smtputf8;
	bool dsn;
	bool auth;
	bool size;
	uint64 max_size; /* 0: no limit stated */
} SmtpCapabilities;

extern void smtp_reply_capabilities(const SmtpReply *reply, SmtpCapabilities *caps);

#endif /* AR_INBOX_SMTP_REPLY_H */
