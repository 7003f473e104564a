/*-------------------------------------------------------------------------
 *
 * smtp_session.h
 *	  A session as the files that carry it on see it; for them alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SMTP_SESSION_H
#define AR_INBOX_SMTP_SESSION_H

#include "net/smtp.h"

#include "net/net_connection.h"
#include "net/smtp_message.h"
#include "net/smtp_reply.h"

#define OUT_SIZE 65536
#define COMMAND_SIZE 2048 /* more than the longest command of ours */

/* Where in the dialogue a session is: whose reply it waits for. */
typedef enum Step
{
	STEP_CONNECT,
	STEP_EHLO,
	STEP_READY,
	STEP_ENVELOPE, /* MAIL, RCPT, DATA */
	STEP_BODY,	   /* 354 came, the message goes out */
	STEP_FINAL,	   /* the final dot is out */
	STEP_LONE_DOT, /* a dot to end a DATA without recipients */
	STEP_RESET,
	STEP_QUIT,
	STEP_OVER,
} Step;

struct SmtpSession
{
	NetConnection *conn;
	SmtpState state;
	Step step;
	bool detached; /* smtp_close() was called; QUIT is under way */

	char *helo_name;
	bool wants_login;
	int64 reply_timeout;
	int64 data_timeout;
	int max_messages;
	int n_messages;
	SmtpCapabilities caps;
	NetFailure failure;
	char failure_text[NET_TEXT_SIZE];

	/* The message under way. */
	char *mail_command;
	bool with_notify; /* failures and delays are asked for (RFC 3461) */
	char **addresses; /* as on the wire; NULL: refused here, not sent */
	int *wired;		  /* the recipients that are sent, in order */
	int n_wired;
	int n_accepted;	  /* by RCPT */
	int next_command; /* 0 MAIL, 1..n_wired RCPT, then DATA */
	int next_reply;
	bool mail_refused;
	SmtpBody body;
	SmtpResult result;
	SmtpRecipient *recipients;
	char *text; /* result.text, when it is ours */
	char *queue_id;

	SmtpReply reply;
	size_t out_pos;
	size_t out_len;
	char out[OUT_SIZE];
};

/* smtp_envelope.c: what is asked for a message, and what came of it. */
extern bool smtp_envelope_start(SmtpSession *s, const SmtpMessage *message);
extern void smtp_envelope_free(SmtpSession *s);
extern void smtp_judge(SmtpRecipient *recipient, SmtpOutcome outcome, int code,
					   const char *enhanced, const char *text);
extern void smtp_settle(SmtpSession *s, SmtpOutcome outcome, int code, const char *enhanced,
						const char *text);
extern void smtp_sum_up(SmtpSession *s);
extern SmtpOutcome smtp_outcome_of(int code);

#endif /* AR_INBOX_SMTP_SESSION_H */
