/*-------------------------------------------------------------------------
 *
 * smtp_send.c
 *	  How many messages a second src/net hands to a mail server.
 *
 *		smtp_send smtp://127.0.0.1:2525 8 2000 10240
 *
 * sends 2,000 messages of 10,240 bytes over 8 sessions and prints messages a
 * second, connecting and QUIT included, as smtp-source counts.
 *
 *-------------------------------------------------------------------------
 */
#include "net/smtp.h"

#include <poll.h>
#include <time.h>

#define MAX_SESSIONS 200

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/*
 * make_message: a header and lines of 70 characters.
 */
static char *
make_message(size_t size)
{
	static const char header[] = "From: <sender@example.org>\r\nTo: <one@example.org>\r\n"
								 "Subject: a message to measure with\r\n\r\n";
	size_t n = strlen(header);
	char *data = malloc(size + sizeof(header) + 72);

	if (data == NULL)
		exit(2);
	memcpy(data, header, n);
	for (size_t i = 0; n < size; i++)
	{
		if (i % 72 == 70)
		{
			data[n++] = '\r';
			data[n++] = '\n';
			i++;
		}
		else
			data[n++] = 'X';
	}
	data[n++] = '\r';
	data[n++] = '\n';
	data[n] = '\0';
	return data;
}

int
main(int argc, char **argv)
{
	static const char *const recipients[] = {"one@example.org"};
	SmtpSession *sessions[MAX_SESSIONS];
	bool waiting[MAX_SESSIONS] = {false};
	SmtpServer server = {0};
	SmtpMessage message = {0};
	int n_sessions;
	int total;
	int started = 0;
	int accepted = 0;
	int ended = 0;
	char err[256];
	NetLoop *loop;
	double begin;
	double took;

	if (argc != 5)
	{
		fprintf(stderr, "usage: smtp_send URL SESSIONS MESSAGES BYTES\n");
		return 2;
	}
	server.url = argv[1];
	n_sessions = Min((int) strtol(argv[2], NULL, 10), MAX_SESSIONS);
	total = (int) strtol(argv[3], NULL, 10);
	message.data = make_message(strtoul(argv[4], NULL, 10));
	message.len = strlen(message.data);
	message.mail_from = "sender@example.org";
	message.recipients = recipients;
	message.n_recipients = 1;

	begin = seconds();
	loop = net_loop_create(err, sizeof(err));
	if (loop == NULL)
	{
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	for (int i = 0; i < n_sessions; i++)
	{
		sessions[i] = smtp_open(loop, &server);
		if (sessions[i] == NULL)
			return 2;
	}

	while (ended < total)
	{
		struct pollfd wait = {net_loop_fd(loop), POLLIN, 0};
		long timeout = net_loop_timeout(loop);

		poll(&wait, 1, timeout < 0 || timeout > 1000 ? 1000 : (int) timeout);
		net_loop_turn(loop);
		for (int i = 0; i < n_sessions; i++)
		{
			SmtpState state = smtp_state(sessions[i]);

			if (state == SMTP_FAILED || state == SMTP_CLOSED)
			{
				fprintf(stderr, "session ended: %s\n", smtp_failure_text(sessions[i]));
				return 1;
			}
			if (state != SMTP_IDLE)
				continue;
			if (waiting[i])
			{
				waiting[i] = false;
				ended++;
				accepted += smtp_result(sessions[i])->outcome == SMTP_ACCEPTED;
			}
			if (started < total && smtp_send(sessions[i], &message))
			{
				started++;
				waiting[i] = true;
			}
		}
	}
	for (int i = 0; i < n_sessions; i++)
		smtp_close(sessions[i]);
	while (net_loop_timeout(loop) >= 0)
	{
		struct pollfd wait = {net_loop_fd(loop), POLLIN, 0};

		poll(&wait, 1, (int) Min(net_loop_timeout(loop), 1000));
		net_loop_turn(loop);
	}
	took = seconds() - begin;

	printf("%.0f messages/s (%d of %d accepted in %.3f s)\n", accepted / took, accepted, total,
		   took);
	net_loop_destroy(loop);
	return accepted == total ? 0 : 1;
}
