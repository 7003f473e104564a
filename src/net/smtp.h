/*-------------------------------------------------------------------------
 *
 * smtp.h
 *	  A session with a mail server that takes messages from us.
 *
 * Connection, TLS and login are curl's; the dialogue after that is ours.
 * smtp_open() and smtp_send() start something and return; net_loop_turn()
 * carries it on; smtp_state() says when it is over.
 *
 *		session = smtp_open(loop, &server);
 *		... wait and turn while smtp_state(session) == SMTP_CONNECTING ...
 *		smtp_send(session, &message);
 *		... wait and turn while smtp_state(session) == SMTP_BUSY ...
 *		result = smtp_result(session);
 *		smtp_close(session);
 *
 * After a message the session is SMTP_IDLE (send the next), SMTP_CLOSED (open
 * another: the server or max_messages ended it in good order) or SMTP_FAILED
 * (smtp_failure() and smtp_failure_text() say why).  The message's own result
 * is there in all three.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SMTP_H
#define AR_INBOX_SMTP_H

#include "net/net.h"

/*
 * Where to hand mail to.  Copied by smtp_open().  A limit of 0 takes the
 * default.
 *
 * smtps:// is TLS from the first byte.  smtp:// demands STARTTLS, but to a
 * loopback host, where the default is plain text; ?starttls=always demands it
 * there as well, and ?starttls=never is accepted for a loopback host only.
 * The certificate is always verified.  A URL that carries a user name, a path
 * or anything else is refused.
 */
typedef struct SmtpServer
{
	const char *url;	  /* smtp[s]://host[:port][?starttls=always|never] */
	const char *username; /* NULL: no login */
	const char *password;
	const char *ca_file;			 /* NULL: the system's authorities */
	const char *helo_name;			 /* our name in EHLO; NULL: "localhost" */
	int connect_timeout_ms;			 /* TCP, TLS, greeting and login; 30 s */
	int reply_timeout_ms;			 /* one reply, or no byte taken; 5 min */
	int data_timeout_ms;			 /* the reply to end of data; 10 min */
	int max_messages_per_connection; /* 0: no limit */
} SmtpServer;

typedef enum SmtpState
{
	SMTP_CONNECTING,
	SMTP_IDLE,
	SMTP_BUSY,
	SMTP_FAILED,
	SMTP_CLOSED,
} SmtpState;

/*
 * A message to hand over.  data is not copied: it must stay where it is until
 * the session is no longer SMTP_BUSY.  The addresses are copied.
 */
typedef struct SmtpMessage
{
	const char *mail_from; /* NULL or "": the null sender <> */
	int n_recipients;
	const char *const *recipients;
	const char *data;
	size_t len;
	/*
	 * Sent as ENVID where DSN (RFC 3461) is offered, and then failures and
	 * delays of each recipient are asked for; or NULL.
	 */
	const char *envelope_id;
	bool smtputf8; /* the headers themselves are UTF-8 */
} SmtpMessage;

typedef enum SmtpOutcome
{
	SMTP_NO_RESULT, /* nothing sent yet, or still busy */
	SMTP_ACCEPTED,	/* for every recipient */
	SMTP_PARTIAL,	/* for some; see the recipients */
	SMTP_DEFERRED,	/* 4xx, or cut off before the final dot: not taken */
	SMTP_REJECTED,	/* 5xx, or refused here before it was sent */
	SMTP_IN_DOUBT,	/* the final dot was sent, its answer never came */
} SmtpOutcome;

/*
 * What became of one recipient: SMTP_ACCEPTED, SMTP_DEFERRED, SMTP_REJECTED or
 * SMTP_IN_DOUBT, end of data included.
 */
typedef struct SmtpRecipient
{
	SmtpOutcome outcome;
	int code;		   /* 0: no reply of the server stands behind it */
	char enhanced[16]; /* "5.1.1", or "" */
	const char *text;  /* never NULL; lines joined by "\n" */
	bool by_name;	   /* the server refused this recipient, and not the message */
} SmtpRecipient;

/* The reply that decided it, and each recipient's. */
typedef struct SmtpResult
{
	SmtpOutcome outcome;
	int code;
	char enhanced[16];
	const char *text;	  /* never NULL */
	const char *queue_id; /* from the final 250; NULL where none was seen */
	int n_recipients;
	const SmtpRecipient *recipients;
} SmtpResult;

typedef struct SmtpSession SmtpSession;

/* NULL only when there is no memory; whatever else is wrong is SMTP_FAILED. */
extern SmtpSession *smtp_open(NetLoop *loop, const SmtpServer *server);

extern SmtpState smtp_state(const SmtpSession *session);
extern NetFailure smtp_failure(const SmtpSession *session);
extern const char *smtp_failure_text(const SmtpSession *session);

/*
 * Starts to hand over a message.  False when the session is not SMTP_IDLE or
 * there is no memory: nothing was sent then.  A message that is refused before
 * it is sent (a bad address, too large) leaves the session SMTP_IDLE with a
 * result.
 */
extern bool smtp_send(SmtpSession *session, const SmtpMessage *message);

/*
 * The last message's result; its strings live until the next smtp_send() or
 * smtp_close().
 */
extern const SmtpResult *smtp_result(const SmtpSession *session);

/*
 * Gives the session back.  The pointer is dead after this call; the loop says
 * QUIT and waits up to two seconds for the answer on its own.  A session that
 * is busy is cut off.
 */
extern void smtp_close(SmtpSession *session);

#endif /* AR_INBOX_SMTP_H */
