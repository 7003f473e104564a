/*-------------------------------------------------------------------------
 *
 * smtp.c
 *	  The dialogue with a mail server, from EHLO to QUIT.
 *
 * MAIL, every RCPT and DATA go out together where the server offers
 * PIPELINING, else each waits for the reply to the one before.  What became of
 * the message is decided recipient by recipient; the message's own outcome is
 * only their sum.
 *
 * The one thing that cannot be known is whether a server has the message when
 * the final dot went out and no answer came back: that is "in doubt", and
 * everything else that ends early is "deferred".
 *
 *-------------------------------------------------------------------------
 */
#include "net/smtp_session.h"

#define IN_SIZE 16384
#define WRITES_A_TURN 32 /* then the other connections have theirs */
#define QUIT_BUDGET_MS 2000
#define DEFAULT_REPLY_TIMEOUT_MS (5 * 60 * 1000)
#define DEFAULT_DATA_TIMEOUT_MS (10 * 60 * 1000)

/* ---- the session's ends ---- */

static void
session_free(SmtpSession *s)
{
	net_connection_close(s->conn);
	smtp_envelope_free(s);
	free(s->helo_name);
	free(s);
}

/* The loop is being destroyed. */
static void
release(void *owner)
{
	session_free(owner);
}

/*
 * fail: the connection is lost; what was under way gets its result.
 */
static void
fail(SmtpSession *s)
{
	Step at = s->step;

	s->step = STEP_OVER;
	if (at == STEP_READY || at == STEP_QUIT || at == STEP_OVER)
	{
		/* Between messages a server may hang up; nothing failed. */
		s->state = SMTP_CLOSED;
		return;
	}
	s->failure = net_connection_failure(s->conn);
	strlcpy(s->failure_text, net_connection_text(s->conn), sizeof(s->failure_text));
	s->state = SMTP_FAILED;
	if (at == STEP_ENVELOPE || at == STEP_BODY || at == STEP_FINAL)
	{
		smtp_settle(s, at == STEP_FINAL ? SMTP_IN_DOUBT : SMTP_DEFERRED, 0, "", s->failure_text);
		smtp_sum_up(s);
	}
	else if (at == STEP_RESET || at == STEP_LONE_DOT)
		s->state = SMTP_CLOSED;
}

/*
 * say: queues a short command.
 */
static void
say(SmtpSession *s, Step step, const char *command)
{
	size_t len = strlen(command);

	memcpy(s->out + s->out_len, command, len);
	s->out_len += len;
	s->step = step;
	net_connection_deadline(s->conn, step == STEP_QUIT ? QUIT_BUDGET_MS : s->reply_timeout);
}

/*
 * rest: a message is over.
 */
static void
rest(SmtpSession *s)
{
	s->step = STEP_READY;
	s->state = SMTP_IDLE;
	net_connection_deadline(s->conn, -1);
	if (s->max_messages > 0 && s->n_messages >= s->max_messages)
	{
		s->state = SMTP_CLOSED;
		say(s, STEP_QUIT, "QUIT\r\n");
	}
}

/*
 * hang_up: in good order, after the result stands.
 */
static void
hang_up(SmtpSession *s)
{
	s->step = STEP_OVER;
	s->state = SMTP_CLOSED;
	net_connection_break(s->conn, NET_TEMPORARY, "closed");
}

/*
 * refuse_rest: nobody takes the message; clear the table for the next one.
 */
static void
refuse_rest(SmtpSession *s)
{
	smtp_sum_up(s);
	say(s, STEP_RESET, "RSET\r\n");
}

/* ---- replies ---- */

/*
 * misunderstood: a reply that has no business where it came.
 */
static void
misunderstood(SmtpSession *s)
{
	net_connection_break(s->conn, NET_PROTOCOL, "unexpected reply: %d %.200s", s->reply.code,
						 s->reply.text);
}

static void
on_envelope_reply(SmtpSession *s, const SmtpReply *reply)
{
	int command = s->next_reply++;

	if (command > s->n_wired + 1 || command >= s->next_command)
		misunderstood(s);
	else if (command == 0)
	{
		if (smtp_outcome_of(reply->code) == SMTP_ACCEPTED)
			return;
		s->mail_refused = true;
		smtp_settle(s, smtp_outcome_of(reply->code), reply->code, reply->enhanced, reply->text);
		if (!s->caps.pipelining)
			refuse_rest(s);
	}
	else if (command <= s->n_wired)
	{
		SmtpOutcome outcome = smtp_outcome_of(reply->code);

		/* After a refused MAIL these only say that there was no MAIL. */
		if (!s->mail_refused)
		{
			SmtpRecipient *recipient = &s->recipients[s->wired[command - 1]];

			smtp_judge(recipient, outcome, reply->code, reply->enhanced, reply->text);
			recipient->by_name = outcome == SMTP_REJECTED;
			s->n_accepted += outcome == SMTP_ACCEPTED;
		}
		if (!s->caps.pipelining && command == s->n_wired && s->n_accepted == 0)
			refuse_rest(s);
	}
	else if (reply->code == 354)
	{
		if (s->n_accepted > 0)
		{
			s->step = STEP_BODY;
			net_connection_deadline(s->conn, s->reply_timeout);
		}
		else
		{
			/* Asked for a message that is for nobody: it must be ended all the same. */
			smtp_sum_up(s);
			say(s, STEP_LONE_DOT, ".\r\n");
		}
	}
	else if (reply->code >= 400)
	{
		smtp_settle(s, smtp_outcome_of(reply->code), reply->code, reply->enhanced, reply->text);
		refuse_rest(s);
	}
	else
		misunderstood(s);
}

static void
on_final_reply(SmtpSession *s, const SmtpReply *reply)
{
	SmtpOutcome outcome = smtp_outcome_of(reply->code);

	if (reply->code >= 300 && reply->code < 400)
	{
		misunderstood(s);
		return;
	}
	if (outcome == SMTP_ACCEPTED)
		s->queue_id = smtp_reply_queue_id(reply);
	smtp_settle(s, outcome, reply->code, reply->enhanced, reply->text);
	smtp_sum_up(s);
	rest(s);
}

/*
 * on_early_reply: the server judges before the final dot.  It may be right,
 * but what of the message is on its way cannot be taken back, so the line is
 * of no more use.
 */
static void
on_early_reply(SmtpSession *s, const SmtpReply *reply)
{
	if (reply->code < 400)
	{
		misunderstood(s);
		return;
	}
	smtp_settle(s, smtp_outcome_of(reply->code), reply->code, reply->enhanced, reply->text);
	smtp_sum_up(s);
	hang_up(s);
}

/*
 * on_421: the server closes.
 */
static void
on_421(SmtpSession *s, const SmtpReply *reply)
{
	switch (s->step)
	{
		case STEP_EHLO:
			net_connection_break(s->conn, NET_TEMPORARY, "421 %s", reply->text);
			return;
		case STEP_ENVELOPE:
		case STEP_BODY:
		case STEP_FINAL:
			smtp_settle(s, SMTP_DEFERRED, reply->code, reply->enhanced, reply->text);
			smtp_sum_up(s);
			break;
		default:
			break;
	}
	hang_up(s);
}

static void
on_reply(SmtpSession *s, const SmtpReply *reply)
{
	/* Whatever is still to come, something came. */
	if (s->step != STEP_QUIT && s->step != STEP_FINAL)
		net_connection_deadline(s->conn, s->reply_timeout);

	if (reply->code == 421)
	{
		on_421(s, reply);
		return;
	}
	switch (s->step)
	{
		case STEP_EHLO:
			/* Whom curl greeted with HELO has none of these. */
			smtp_reply_capabilities(reply, &s->caps);
			s->step = STEP_READY;
			s->state = SMTP_IDLE;
			net_connection_deadline(s->conn, -1);
			break;
		case STEP_ENVELOPE:
			on_envelope_reply(s, reply);
			break;
		case STEP_BODY:
			on_early_reply(s, reply);
			break;
		case STEP_FINAL:
			on_final_reply(s, reply);
			break;
		case STEP_LONE_DOT:
			if (reply->code < 300)
			{
				/* It took an empty message for nobody; do not trust what it does next. */
				hang_up(s);
			}
			else
				say(s, STEP_RESET, "RSET\r\n");
			break;
		case STEP_RESET:
			if (reply->code < 300)
				rest(s);
			else
				hang_up(s);
			break;
		case STEP_QUIT:
		case STEP_OVER:
			hang_up(s);
			break;
		case STEP_CONNECT:
		case STEP_READY:
			hang_up(s);
			break;
	}
}

/*
 * hear: reads what there is.  Without TLS a short read says that the socket is
 * empty, which saves asking it again.
 */
static void
hear(SmtpSession *s)
{
	char in[IN_SIZE];
	ssize_t n;

	while (s->step != STEP_OVER && (n = net_connection_read(s->conn, in, sizeof(in))) > 0)
	{
		for (size_t pos = 0; pos < (size_t) n && s->step != STEP_OVER;)
		{
			size_t used;
			SmtpReplyStatus status = smtp_reply_feed(&s->reply, in + pos, n - pos, &used);

			pos += used;
			if (status == SMTP_REPLY_MORE)
				break;
			if (status == SMTP_REPLY_BAD)
			{
				net_connection_break(s->conn, NET_PROTOCOL, "the server's reply is no SMTP reply");
				return;
			}
			on_reply(s, &s->reply);
			smtp_reply_reset(&s->reply);
			if (net_connection_state(s->conn) == NET_BROKEN)
				return;
		}
		if ((size_t) n < sizeof(in) && !net_connection_is_tls(s->conn))
			break;
	}
}

/* ---- what we say ---- */

/*
 * queue_commands: as much of the envelope as may go out now.
 */
static void
queue_commands(SmtpSession *s)
{
	while (s->step == STEP_ENVELOPE && s->next_command <= s->n_wired + 1 &&
		   (s->caps.pipelining || s->next_command == s->next_reply) &&
		   OUT_SIZE - s->out_len >= COMMAND_SIZE)
	{
		char *out = s->out + s->out_len;

		if (s->next_command == 0)
			s->out_len += snprintf(out, COMMAND_SIZE, "%s\r\n", s->mail_command);
		else if (s->next_command <= s->n_wired)
			s->out_len += snprintf(out, COMMAND_SIZE, "RCPT TO:<%s>%s\r\n",
								   s->addresses[s->wired[s->next_command - 1]],
								   s->with_notify ? " NOTIFY=FAILURE,DELAY" : "");
		else
			s->out_len += snprintf(out, COMMAND_SIZE, "DATA\r\n");
		s->next_command++;
	}
}

/*
 * speak: writes what is due until the socket takes no more.  What a TLS write
 * could not take must be offered again from the same place, so text is only
 * ever added behind it.
 */
static void
speak(SmtpSession *s)
{
	for (int writes = 0;; writes++)
	{
		ssize_t n;

		if (s->out_pos == s->out_len)
			s->out_pos = s->out_len = 0;
		if (s->step == STEP_ENVELOPE)
			queue_commands(s);
		else if (s->step == STEP_BODY && s->out_len == 0)
			s->out_len = smtp_body_fill(&s->body, s->out, OUT_SIZE);
		if (s->out_len == 0)
			break;
		if (writes >= WRITES_A_TURN)
		{
			net_connection_wake(s->conn);
			return;
		}

		n = net_connection_write(s->conn, s->out + s->out_pos, s->out_len - s->out_pos);
		if (n < 0)
		{
			hear(s);
			net_connection_break(s->conn, NET_TEMPORARY, "the connection was lost while sending");
			return;
		}
		if (n == 0)
		{
			net_connection_want_write(s->conn, true);
			return;
		}
		s->out_pos += n;
		if (s->step != STEP_QUIT)
			net_connection_deadline(s->conn, s->reply_timeout);
		if (s->step == STEP_BODY && s->out_pos == s->out_len && s->body.done)
		{
			s->step = STEP_FINAL;
			net_connection_deadline(s->conn, s->data_timeout);
		}
	}
	net_connection_want_write(s->conn, false);
}

/*
 * connected: curl's part is done.  EHLO is said once more: what counts is what
 * the server offers after TLS and login, and that list is the last one.
 */
static void
connected(SmtpSession *s)
{
	if (s->wants_login && !net_connection_logged_in(s->conn))
	{
		net_connection_break(s->conn, NET_LOGIN_REFUSED,
							 "a user name is set, but the server offers no login");
		return;
	}
	s->out_len = snprintf(s->out, COMMAND_SIZE, "EHLO %s\r\n", s->helo_name);
	s->step = STEP_EHLO;
	net_connection_deadline(s->conn, s->reply_timeout);
}

/*
 * after: what a turn may have brought about.
 */
static void
after(SmtpSession *s)
{
	if (net_connection_state(s->conn) == NET_BROKEN && s->step != STEP_OVER)
		fail(s);
	if (s->detached && s->step == STEP_OVER)
		session_free(s);
}

/* The loop's call. */
static void
turn(void *owner)
{
	SmtpSession *s = owner;

	if (net_connection_state(s->conn) == NET_CONNECTED)
	{
		if (s->step == STEP_CONNECT)
			connected(s);
		hear(s);
		if (s->step != STEP_OVER)
			speak(s);
		if (net_connection_expired(s->conn))
			net_connection_break(s->conn, NET_TEMPORARY, "the server did not answer in time");
	}
	after(s);
}

/* ---- what the worker calls ---- */

SmtpSession *
smtp_open(NetLoop *loop, const SmtpServer *server)
{
	SmtpSession *s = calloc(1, sizeof(SmtpSession));
	NetTarget target = {0};

	if (s == NULL)
		return NULL;
	s->state = SMTP_CONNECTING;
	s->reply_timeout =
		server->reply_timeout_ms > 0 ? server->reply_timeout_ms : DEFAULT_REPLY_TIMEOUT_MS;
	s->data_timeout =
		server->data_timeout_ms > 0 ? server->data_timeout_ms : DEFAULT_DATA_TIMEOUT_MS;
	s->max_messages = server->max_messages_per_connection;
	s->wants_login = server->username != NULL && server->username[0] != '\0';
	s->result.text = "";
	smtp_reply_reset(&s->reply);
	s->helo_name =
		net_strdup(server->helo_name != NULL && server->helo_name[0] != '\0' ? server->helo_name :
																			   "localhost");

	target.protocol = NET_SMTP;
	target.url = server->url;
	target.username = server->username;
	target.password = server->password;
	target.ca_file = server->ca_file;
	target.helo_name = s->helo_name;
	target.connect_timeout_ms = server->connect_timeout_ms;
	if (s->helo_name != NULL)
		s->conn = net_connection_open(loop, &target, turn, release, s);
	if (s->conn == NULL)
	{
		free(s->helo_name);
		free(s);
		return NULL;
	}
	after(s);
	return s;
}

SmtpState
smtp_state(const SmtpSession *session)
{
	return session->state;
}

NetFailure
smtp_failure(const SmtpSession *session)
{
	return session->failure;
}

const char *
smtp_failure_text(const SmtpSession *session)
{
	return session->failure_text;
}

const SmtpResult *
smtp_result(const SmtpSession *session)
{
	return &session->result;
}

bool
smtp_send(SmtpSession *session, const SmtpMessage *message)
{
	SmtpSession *s = session;

	if (s->state != SMTP_IDLE || message->n_recipients < 1)
		return false;
	if (!smtp_envelope_start(s, message))
		return false;
	if (s->n_wired == 0)
	{
		smtp_sum_up(s);
		return true;
	}

	smtp_body_start(&s->body, message->data, message->len);
	s->n_messages++;
	s->step = STEP_ENVELOPE;
	s->state = SMTP_BUSY;
	net_connection_deadline(s->conn, s->reply_timeout);
	speak(s);
	after(s);
	return true;
}

void
smtp_close(SmtpSession *session)
{
	SmtpSession *s = session;

	s->detached = true;
	if (s->step == STEP_READY)
	{
		say(s, STEP_QUIT, "QUIT\r\n");
		speak(s);
		after(s);
	}
	else if (s->step != STEP_QUIT)
		session_free(s);
}
