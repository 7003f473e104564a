/*-------------------------------------------------------------------------
 *
 * smtp_client.c
 *	  Sends messages through src/net as its arguments say, and prints what
 *	  became of them, for the tests to judge.
 *
 * Arguments are name=value; to= may be repeated.  Each message gives a line
 * "message", then one "recipient" for each; the last line is the session's.
 *
 *-------------------------------------------------------------------------
 */
#include "net/smtp.h"

#include <poll.h>
#include <time.h>

#define MAX_RECIPIENTS 5000

static const char *const states[] = {"connecting", "idle", "busy", "failed", "closed"};
static const char *const failures[] = {
	"ok", "temporary", "no_memory", "config", "login_refused", "tls_failed", "protocol"};
static const char *const outcomes[] = {"none",	   "accepted", "partial",
									   "deferred", "rejected", "in_doubt"};

static double longest_turn = 0;

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/*
 * turn: one wait and one turn, as the worker does it, with the turn's time.
 */
static void
turn(NetLoop *loop)
{
	struct pollfd wait = {net_loop_fd(loop), POLLIN, 0};
	long timeout = net_loop_timeout(loop);
	double start;

	poll(&wait, 1, timeout < 0 || timeout > 1000 ? 1000 : (int) timeout);
	start = seconds();
	net_loop_turn(loop);
	longest_turn = Max(longest_turn, seconds() - start);
}

static char *
read_all(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *data;

	if (f == NULL)
	{
		perror(path);
		exit(2);
	}
	fseek(f, 0, SEEK_END);
	*len = ftell(f);
	rewind(f);
	data = malloc(*len + 1);
	if (data == NULL || fread(data, 1, *len, f) != *len)
		exit(2);
	fclose(f);
	return data;
}

static void
print_one_line(const char *name, const char *text)
{
	printf(" %s=", name);
	for (; *text != '\0'; text++)
		putchar(*text == '\n' ? '|' : *text);
}

int
main(int argc, char **argv)
{
	static const char *recipients[MAX_RECIPIENTS];
	SmtpServer server = {0};
	SmtpMessage message = {0};
	char err[256];
	char *data = NULL;
	int count = 1;
	int pause_ms = 0;
	NetLoop *loop;
	SmtpSession *session;

	message.recipients = recipients;
	message.data = "Subject: test\r\n\r\nHello\r\n";
	message.len = strlen(message.data);
	for (int i = 1; i < argc; i++)
	{
		const char *value = strchr(argv[i], '=');
		size_t n;

		if (value == NULL)
			return 2;
		n = ++value - argv[i];
#define IS(name) (n == strlen(name) && strncmp(argv[i], name, n) == 0)
		if (IS("url="))
			server.url = value;
		else if (IS("user="))
			server.username = value;
		else if (IS("password="))
			server.password = value;
		else if (IS("ca="))
			server.ca_file = value;
		else if (IS("helo="))
			server.helo_name = value;
		else if (IS("connect_ms="))
			server.connect_timeout_ms = (int) strtol(value, NULL, 10);
		else if (IS("reply_ms="))
			server.reply_timeout_ms = (int) strtol(value, NULL, 10);
		else if (IS("data_ms="))
			server.data_timeout_ms = (int) strtol(value, NULL, 10);
		else if (IS("max="))
			server.max_messages_per_connection = (int) strtol(value, NULL, 10);
		else if (IS("from="))
			message.mail_from = value;
		else if (IS("to=") && message.n_recipients < MAX_RECIPIENTS)
			recipients[message.n_recipients++] = value;
		else if (IS("file="))
			message.data = data = read_all(value, &message.len);
		else if (IS("envid="))
			message.envelope_id = value;
		else if (IS("utf8="))
			message.smtputf8 = *value == '1';
		else if (IS("count="))
			count = (int) strtol(value, NULL, 10);
		else if (IS("pause_ms="))
			pause_ms = (int) strtol(value, NULL, 10);
		else
			return 2;
#undef IS
	}

	loop = net_loop_create(err, sizeof(err));
	if (loop == NULL)
	{
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	session = smtp_open(loop, &server);
	if (session == NULL)
		return 3;
	while (smtp_state(session) == SMTP_CONNECTING)
		turn(loop);

	for (int i = 0; i < count && smtp_state(session) == SMTP_IDLE; i++)
	{
		const SmtpResult *result;
		double until = seconds() + pause_ms / 1000.0;

		if (!smtp_send(session, &message))
			return 2;
		while (smtp_state(session) == SMTP_BUSY)
			turn(loop);
		result = smtp_result(session);
		printf("message outcome=%s code=%d enhanced=%s queue=%s", outcomes[result->outcome],
			   result->code, result->enhanced, result->queue_id != NULL ? result->queue_id : "-");
		print_one_line("text", result->text);
		printf("\n");
		for (int r = 0; r < result->n_recipients; r++)
		{
			const SmtpRecipient *recipient = &result->recipients[r];

			printf("recipient outcome=%s code=%d enhanced=%s by_name=%d",
				   outcomes[recipient->outcome], recipient->code, recipient->enhanced,
				   recipient->by_name);
			print_one_line("text", recipient->text);
			printf("\n");
		}
		while (seconds() < until)
			turn(loop);
	}
	printf("session state=%s failure=%s turn_ms=%d", states[smtp_state(session)],
		   failures[smtp_failure(session)], (int) (longest_turn * 1000));
	print_one_line("text", smtp_failure_text(session));
	printf("\n");

	smtp_close(session);
	for (double until = seconds() + 3; seconds() < until && net_loop_timeout(loop) >= 0;)
		turn(loop);
	printf("left timeout=%ld\n", net_loop_timeout(loop));
	net_loop_destroy(loop);
	free(data);
	return 0;
}
