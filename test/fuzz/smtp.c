/*-------------------------------------------------------------------------
 *
 * smtp.c
 *	  Fuzz target: a session with a mail server that is the fuzzer.
 *
 * The input is a byte of settings and peer.h's script; what stands behind the
 * script's first NUL after its head is the message that is handed over.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "lib/stringinfo.h"
#include "net/smtp_session.h"
#include "peer.h"

#define TURNS 3000
#define MESSAGES 3
#define HEAD (1 + PEER_HEAD)

static const char *const recipients[] = {"anna@example.com", "b\303\274ro@example.com",
										 "x@m\xc3\xbcnchen.example", "two\r\nRSET@example.com"};

static void
see_session(const SmtpSession *s)
{
	must(s->out_pos <= s->out_len && s->out_len <= OUT_SIZE, "%zu of %zu bytes to say", s->out_pos,
		 s->out_len);
	must(s->reply.len < SMTP_REPLY_TEXT && s->reply.line_start <= s->reply.len,
		 "%zu bytes of reply", s->reply.len);
}

static void
see_code(int code, const char *enhanced, const char *text)
{
	must(code == 0 || (code >= 200 && code <= 599), "code %d", code);
	must(text != NULL && strlen(enhanced) < 16, "no text");
	fuzz_saw_number(code);
	fuzz_text("enhanced", enhanced);
	fuzz_text("text", text);
}

/*
 * What is said to be accepted was given to the server to its final dot; and
 * where that went out without an answer, nobody claims to know.
 */
static void
see_result(const SmtpResult *result, int n_recipients, bool sent_whole, bool failed)
{
	int n[SMTP_IN_DOUBT + 1] = {0};

	must(result->n_recipients == n_recipients, "%d recipients", result->n_recipients);
	see_code(result->code, result->enhanced, result->text);
	fuzz_text("queue id", result->queue_id);
	for (int i = 0; i < n_recipients; i++)
	{
		const SmtpRecipient *recipient = &result->recipients[i];

		must(recipient->outcome >= SMTP_ACCEPTED && recipient->outcome <= SMTP_IN_DOUBT &&
				 recipient->outcome != SMTP_PARTIAL,
			 "recipient %d: outcome %d", i, recipient->outcome);
		n[recipient->outcome]++;
		see_code(recipient->code, recipient->enhanced, recipient->text);
		must(recipient->outcome != SMTP_ACCEPTED || recipient->code / 100 == 2, "accepted with %d",
			 recipient->code);
		must(recipients[i][3] != '\r' || recipient->outcome == SMTP_REJECTED,
			 "a line in an address");
	}
	if (n[SMTP_ACCEPTED] > 0 || n[SMTP_IN_DOUBT] > 0)
		must(sent_whole, "not sent to the end, but accepted or in doubt");
	must(n[SMTP_IN_DOUBT] == 0 || failed, "in doubt, but the session goes on");
	must((result->outcome == SMTP_IN_DOUBT) == (n[SMTP_IN_DOUBT] > 0), "the sum of doubt");
	must((result->outcome == SMTP_ACCEPTED) == (n[SMTP_ACCEPTED] == n_recipients),
		 "the sum of all");
}

/* Whether the server was given all of a message since then. */
static bool
was_sent(size_t since, const char *wire, size_t len)
{
	size_t said_len;
	const char *said = peer_transcript(&said_len);

	return fuzz_find(said + since, said_len - since, wire, len) != NULL;
}

/* What is sent as data is lines with CRLF, no lone dot among them but the last. */
static StringInfoData
see_body(const char *data, size_t len)
{
	SmtpBody body;
	StringInfoData wire;
	char part[64];
	size_t n;
	const char *dot;

	initStringInfo(&wire);
	smtp_body_start(&body, data, len);
	while ((n = smtp_body_fill(&body, part, sizeof(part))) > 0)
	{
		must(n <= sizeof(part), "%zu bytes in the room of %zu", n, sizeof(part));
		appendBinaryStringInfo(&wire, part, (int) n);
	}
	must(wire.len >= 3 && memcmp(wire.data + wire.len - 3, ".\r\n", 3) == 0, "no end");
	for (int i = 0; i < wire.len; i++)
	{
		must(wire.data[i] != '\n' || (i > 0 && wire.data[i - 1] == '\r'), "a lone line feed");
		must(wire.data[i] != '\r' || wire.data[i + 1] == '\n', "a lone carriage return");
	}
	if (strncmp(wire.data, ".\r\n", 3) == 0)
		must(wire.len == 3, "the end at the start");
	for (dot = wire.data;
		 (dot = fuzz_find(dot, wire.data + wire.len - dot, "\r\n.\r\n", 5)) != NULL; dot++)
		must(dot + 5 == wire.data + wire.len, "the end before the end");
	return wire;
}

void
fuzz_run(const char *data, size_t size)
{
	int how = size > 0 ? (unsigned char) data[0] : 0;
	size_t head = Min(size, HEAD);
	const char *end = size > head ? memchr(data + head, '\0', size - head) : NULL;
	size_t script = end != NULL ? end - data : size;
	SmtpServer server = {0};
	SmtpMessage message = {0};
	SmtpSession *session;
	StringInfoData wire;
	size_t said_len = 0;
	const char *said;
	int sent = 0;

	message.mail_from = how % 2 == 0 ? "" : "bounce+1@example.org";
	message.recipients = recipients;
	message.n_recipients = how % lengthof(recipients) + 1;
	message.data = end != NULL ? end + 1 : "";
	message.len = end != NULL ? size - script - 1 : 0;
	message.envelope_id = "a+b=c";
	message.smtputf8 = how % 8 == 7;
	wire = see_body(message.data, message.len);

	peer_begin(data + Min(size, 1), script - Min(size, 1));
	server.url = "smtp://mail.example";
	server.max_messages_per_connection = how % 5;
	session = smtp_open(NULL, &server);
	must(session != NULL, "no session");
	for (int turn = 0; turn < TURNS; turn++)
	{
		SmtpState state;

		must(peer_turn(), "the session closed its connection");
		see_session(session);
		state = smtp_state(session);
		if (state == SMTP_BUSY || state == SMTP_CONNECTING)
			continue;
		if (sent > 0)
			see_result(smtp_result(session), message.n_recipients,
					   was_sent(said_len, wire.data, wire.len), state == SMTP_FAILED);
		if (state == SMTP_FAILED)
		{
			must(smtp_failure(session) != NET_OK, "failed for no reason");
			fuzz_text("failure", smtp_failure_text(session));
		}
		if (state != SMTP_IDLE || sent == MESSAGES)
			break;
		peer_transcript(&said_len);
		must(smtp_send(session, &message), "cannot be sent");
		sent++;
		see_session(session);
	}
	smtp_close(session);
	for (int turn = 0; turn < TURNS && peer_turn(); turn++)
		;
	peer_end();
	said = peer_transcript(&said_len);
	fuzz_saw(said, said_len);
}
