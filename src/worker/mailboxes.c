/*-------------------------------------------------------------------------
 *
 * mailboxes.c
 *	  Reading the companies' mailboxes.
 *
 * A message is stored and committed, together with how far its mailbox was
 * read, before the next ones are asked for.  Nothing is changed on the mail
 * server: the mailbox stays as it is for whoever else reads it.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "net/imap.h"
#include "worker/clock.h"
#include "worker/mailboxes.h"
#include "worker/settings.h"
#include "worker/task.h"

/* mailboxes read at once */
#define MAX_JOBS 16

/* what one batch may bring */
#define BATCH_BYTES (8 * 1024 * 1024)
#define BATCH_MESSAGES 50

typedef struct Mailbox
{
	ImapJob *job; /* NULL: this entry is free */
	int64 account;
	int64 company;
	char name[256];
} Mailbox;

static NetLoop *net = NULL;
static Mailbox mailboxes[MAX_JOBS];
static bool allowed = false;

void
mailboxes_start(NetLoop *loop)
{
	net = loop;
}

static void
close_mailbox(Mailbox *mailbox)
{
	if (mailbox->job)
		imap_close(mailbox->job);
	mailbox->job = NULL;
}

void
mailboxes_allow(bool armed)
{
	allowed = armed;
	for (int i = 0; i < MAX_JOBS && !armed; i++)
		close_mailbox(&mailboxes[i]);
}

static void
store_message(Mailbox *mailbox, const ImapMessage *message)
{
	static Statement statement = {
		"select ar_inbox_internal.store_fetched($1, $2, $3, $4, $5, $6, $7, $8)",
		8,
		{INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, BYTEAOID, TEXTOID}};
	Datum values[8];
	char nulls[] = "        ";
	bytea *bytes = NULL;

	values[0] = Int64GetDatum(mailbox->account);
	values[1] = Int64GetDatum(mailbox->company);
	values[2] = CStringGetTextDatum(mailbox->name);
	values[3] = Int64GetDatum(imap_uidvalidity(mailbox->job));
	values[4] = Int64GetDatum(message->uid);
	values[5] = Int64GetDatum((int64) message->size);
	if (message->data)
	{
		bytes = palloc(message->len + VARHDRSZ);
		SET_VARSIZE(bytes, message->len + VARHDRSZ);
		memcpy(VARDATA(bytes), message->data, message->len);
	}
	values[6] = PointerGetDatum(bytes);
	values[7] = message->note ? CStringGetTextDatum(message->note) : (Datum) 0;
	nulls[6] = bytes ? ' ' : 'n';
	nulls[7] = message->note ? ' ' : 'n';
	run_statement(&statement, values, nulls);
	if (bytes)
		pfree(bytes);
}

static void
store_batch(void *arg)
{
	Mailbox *mailbox = arg;
	int count;
	const ImapMessage *messages = imap_batch(mailbox->job, &count);

	for (int i = 0; i < count; i++)
		store_message(mailbox, &messages[i]);
}

typedef struct PollEnd
{
	Mailbox *mailbox;
	const char *error;
} PollEnd;

static void
record_poll(void *arg)
{
	static Statement statement = {"select ar_inbox_internal.record_poll($1, $2, $3, "
								  "pg_catalog.make_interval(secs => $4), $5)",
								  5,
								  {INT8OID, INT8OID, TIMESTAMPTZOID, INT4OID, TEXTOID}};
	PollEnd *end = arg;
	Datum values[5];

	values[0] = Int64GetDatum(end->mailbox->account);
	values[1] = Int64GetDatum(end->mailbox->company);
	values[2] = TimestampTzGetDatum(worker_clock->now());
	values[3] = Int32GetDatum(setting_poll_interval);
	values[4] = end->error ? CStringGetTextDatum(end->error) : (Datum) 0;
	run_statement(&statement, values, end->error ? "     " : "    n");
}

/* Ends the reading of a mailbox, for now. */
static bool
end_poll(Mailbox *mailbox, const char *error)
{
	PollEnd end = {mailbox, error};

	if (run_task("recording a poll", record_poll, &end) != TASK_DONE)
		return false;
	close_mailbox(mailbox);
	return true;
}

static void
start_job(uint64 row)
{
	Mailbox *mailbox = NULL;
	ImapServer server = {0};

	for (int i = 0; i < MAX_JOBS && !mailbox; i++)
	{
		if (mailboxes[i].job == NULL)
			mailbox = &mailboxes[i];
	}
	if (mailbox == NULL)
		return;
	mailbox->account = row_int64(row, 1);
	mailbox->company = row_int64(row, 2);
	strlcpy(mailbox->name, row_text(row, 6), sizeof(mailbox->name));
	server.url = row_text(row, 3);
	server.username = row_text(row, 4);
	server.password = row_text(row, 5);
	server.ca_file = setting_tls_ca_file[0] ? setting_tls_ca_file : NULL;
	server.mailbox = mailbox->name;
	server.read_only = true;
	server.connect_timeout_ms = setting_connect_timeout * 1000;
	server.reply_timeout_ms = setting_reply_timeout * 1000;
	mailbox->job =
		imap_fetch_start(net, &server, (uint32) row_int64(row, 7), (uint32) row_int64(row, 8),
						 BATCH_BYTES, BATCH_MESSAGES, (size_t) pg_strtoint32(row_text(row, 9)));
}

static void
start_due(void *arg)
{
	static Statement statement = {"select * from ar_inbox_internal.accounts_to_poll($1, $2)",
								  2,
								  {TIMESTAMPTZOID, INT8ARRAYOID}};
	Datum busy[MAX_JOBS];
	int n = 0;
	Datum values[2];
	uint64 rows;

	for (int i = 0; i < MAX_JOBS; i++)
	{
		if (mailboxes[i].job)
			busy[n++] = Int64GetDatum(mailboxes[i].account);
	}
	values[0] = TimestampTzGetDatum(worker_clock->now());
	values[1] =
		PointerGetDatum(construct_array(busy, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	rows = run_statement(&statement, values, NULL);
	for (uint64 row = 0; row < rows; row++)
		start_job(row);
}

bool
mailboxes_turn(bool looking)
{
	bool failed = false;
	bool ended = false;

	for (int i = 0; i < MAX_JOBS; i++)
	{
		Mailbox *mailbox = &mailboxes[i];

		if (mailbox->job == NULL)
			continue;
		switch (imap_state(mailbox->job))
		{
			case IMAP_HAS_BATCH:
				if (run_task("storing mail", store_batch, mailbox) != TASK_DONE)
				{
					failed = true;
					break;
				}
				if (!imap_batch_done(mailbox->job, IMAP_LEAVE, NULL))
					failed |= !end_poll(mailbox, "out of memory");
				break;
			case IMAP_FINISHED:
				failed |= !end_poll(mailbox, NULL);
				ended = true;
				break;
			case IMAP_FAILED:
				failed |= !end_poll(mailbox, imap_failure_text(mailbox->job));
				ended = true;
				break;
			case IMAP_RUNNING:
			case IMAP_IDLING:
			case IMAP_HAS_NEWS:
				break;
		}
	}
	if (allowed && (looking || ended))
		failed |= run_task("looking for mailboxes to read", start_due, NULL) == TASK_FAILED;
	return !failed;
}
