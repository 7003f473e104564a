/*-------------------------------------------------------------------------
 *
 * imap_client.c
 *	  Fetches a mailbox through src/net as its arguments say, and prints what
 *	  came, for the tests to judge.
 *
 * Arguments are name=value.  Each message gives a line "message", each batch
 * one "batch", each state while waiting for news one "idle"; the last line is
 * the job's.  With dir= a message's bytes go to the file dir/UID.
 *
 *-------------------------------------------------------------------------
 */
#include "net/imap.h"

#include <poll.h>
#include <time.h>

static const char *const states[] = {"running", "batch", "finished", "idling", "news", "failed"};
static const char *const failures[] = {
	"ok", "temporary", "no_memory", "config", "login_refused", "tls_failed", "protocol"};

static double longest_turn = 0;
static const char *dir = NULL;
static uint32 last_uid = 0;
static bool quiet = false;

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void
turn(NetLoop *loop, int most_ms)
{
	struct pollfd wait = {net_loop_fd(loop), POLLIN, 0};
	long timeout = net_loop_timeout(loop);
	double start;

	poll(&wait, 1, timeout < 0 || timeout > most_ms ? most_ms : (int) timeout);
	start = seconds();
	net_loop_turn(loop);
	longest_turn = Max(longest_turn, seconds() - start);
}

/*
 * peak_kb: the most memory this process ever held; getrusage would count what
 * its parent had before exec.
 */
static long
peak_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
	{
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
	return kb;
}

static void
keep(const ImapMessage *message)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%u", dir, message->uid);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(message->data, 1, message->len, f) != message->len || fclose(f) != 0)
	{
		perror(path);
		exit(2);
	}
}

/*
 * print_batch: what the worker would store.
 */
static void
print_batch(ImapJob *job)
{
	int n;
	const ImapMessage *messages = imap_batch(job, &n);
	size_t bytes = 0;

	for (int i = 0; i < n; i++)
	{
		const ImapMessage *m = &messages[i];

		bytes += m->len;
		last_uid = m->uid;
		if (dir != NULL && m->data != NULL)
			keep(m);
		if (quiet)
			continue;
		printf("message uid=%u size=%llu len=%lld flags=", m->uid, (unsigned long long) m->size,
			   m->data != NULL ? (long long) m->len : -1LL);
		for (const char *p = m->flags; *p != '\0'; p++)
			putchar(*p == ' ' ? ',' : *p);
		printf(" text=%s;%s\n", m->internaldate, m->note != NULL ? m->note : "");
	}
	printf("batch n=%d bytes=%zu\n", n, bytes);
}

int
main(int argc, char **argv)
{
	ImapServer server = {0};
	uint32 validity = 0;
	size_t bytes = 0;
	size_t max_size = 0;
	size_t large = 0;
	int messages = 0;
	int rounds = 0;
	int idle_ms = 5000;
	uint32 unsettled[IMAP_MOST_UNSETTLED];
	int n_unsettled = 0;
	ImapAction action = IMAP_LEAVE;
	const char *target = NULL;
	char err[256];
	NetLoop *loop;
	ImapJob *job;

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
		else if (IS("mailbox="))
			server.mailbox = value;
		else if (IS("read_only="))
			server.read_only = *value == '1';
		else if (IS("idle="))
		{
			rounds = (int) strtol(value, NULL, 10);
			server.idle = true;
		}
		else if (IS("idle_ms="))
			idle_ms = (int) strtol(value, NULL, 10);
		else if (IS("connect_ms="))
			server.connect_timeout_ms = (int) strtol(value, NULL, 10);
		else if (IS("reply_ms="))
			server.reply_timeout_ms = (int) strtol(value, NULL, 10);
		else if (IS("again_ms="))
			server.idle_again_ms = (int) strtol(value, NULL, 10);
		else if (IS("validity="))
			validity = (uint32) strtoul(value, NULL, 10);
		else if (IS("last="))
			last_uid = (uint32) strtoul(value, NULL, 10);
		else if (IS("bytes="))
			bytes = strtoul(value, NULL, 10);
		else if (IS("messages="))
			messages = (int) strtol(value, NULL, 10);
		else if (IS("max="))
			max_size = strtoul(value, NULL, 10);
		else if (IS("large="))
			large = strtoul(value, NULL, 10);
		else if (IS("most_large="))
			imap_limit_large(large, (int) strtol(value, NULL, 10));
		else if (IS("action="))
			action = *value == 's' ? IMAP_FLAG_SEEN : *value == 'm' ? IMAP_MOVE : IMAP_LEAVE;
		else if (IS("target="))
			target = value;
		else if (IS("settle="))
		{
			char *rest = (char *) value;

			while (*rest != '\0' && n_unsettled < IMAP_MOST_UNSETTLED)
				unsettled[n_unsettled++] = (uint32) strtoul(rest + (*rest == ','), &rest, 10);
		}
		else if (IS("dir="))
			dir = value;
		else if (IS("quiet="))
			quiet = *value == '1';
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
	job = imap_fetch_start(loop, &server, validity, last_uid, bytes, messages, max_size);
	if (job == NULL)
		return 3;
	if (n_unsettled > 0)
		printf("settle taken=%d\n", imap_settle_first(job, action, target, unsettled, n_unsettled));
	for (double until = seconds() + idle_ms / 1000.0;;)
	{
		ImapState state = imap_state(job);

		if (state == IMAP_FINISHED || state == IMAP_FAILED)
			break;
		if (state == IMAP_HAS_BATCH)
		{
			print_batch(job);
			if (!imap_batch_done(job, action, target))
				return 2;
			until = seconds() + idle_ms / 1000.0;
		}
		else if (state == IMAP_HAS_NEWS)
		{
			printf("idle state=news\n");
			if (rounds-- <= 0 || !imap_resume(job, last_uid))
				break;
			until = seconds() + idle_ms / 1000.0;
		}
		else if (state == IMAP_IDLING && (rounds <= 0 || seconds() > until))
		{
			printf("idle state=idling\n");
			break;
		}
		else
			turn(loop, 200);
	}

	printf("job state=%s failure=%s validity=%u changed=%d turn_ms=%d rss_kb=%ld text=%s\n",
		   states[imap_state(job)], failures[imap_failure(job)], imap_uidvalidity(job),
		   imap_uidvalidity_changed(job), (int) (longest_turn * 1000), peak_kb(),
		   imap_failure_text(job));
	printf("warning text=%s\n", imap_warning(job) != NULL ? imap_warning(job) : "");
	imap_close(job);
	for (double until = seconds() + 3; seconds() < until && net_loop_timeout(loop) >= 0;)
		turn(loop, 200);
	printf("left timeout=%ld\n", net_loop_timeout(loop));
	net_loop_destroy(loop);
	return 0;
}
