/*-------------------------------------------------------------------------
 *
 * mailboxes.c
 *	  Reading the companies' mailboxes.
 *
 * A message is stored and committed, together with how far its mailbox was
 * read, before the next ones are asked for.  Only then is it flagged or moved
 * on the mail server, where that is wanted; which ones that concerns is
 * committed with them, so that a successor can do it if we die in between.
 *
 * Each mailbox has a connection of its own, and none waits for another: there
 * is room for far more of them than are talking at once, those that wait for
 * news (IDLE) are counted apart, and what has come is stored in turns.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/mime.h"
#include "net/imap.h"
#include "worker/clock.h"
#include "worker/mailboxes.h"
#include "worker/settings.h"
#include "worker/task.h"

/* mailboxes read at once; when few places are left, only healthy ones get them */
#define MAX_READING 256
#define KEPT_FOR_HEALTHY (MAX_READING / 4)

/* what one batch may bring, and all of them together if nothing is unusual */
#define BATCH_BYTES (8 * 1024 * 1024)
#define LEAST_BATCH_BYTES (1024 * 1024)
#define ALL_BATCHES_BYTES (64 * 1024 * 1024)
#define BATCH_MESSAGES 50

/*
 * What is over a company's limit is kept whole all the same, so the largest
 * message that is fetched is a matter of memory, of which storing takes several
 * times its size, and of pg_dump, which writes it as hexadecimal digits into
 * one value.  Of those that are large so many are in memory at once.
 */
#define LARGEST_MESSAGE (128 * 1024 * 1024)
#define LARGE_MESSAGE (32 * 1024 * 1024)
#define MOST_LARGE_MESSAGES 4

/* storing goes on for so long, in milliseconds; then others have their turn */
#define STORING_TURN 200

/*
 * What cannot be stored, since somebody holds a lock perhaps, is tried again
 * after so many milliseconds, for so many seconds.
 */
#define STORING_PAUSE 500
#define STORING_PATIENCE 60

/* no mailbox keeps a place for longer without a batch, in seconds */
#define LONGEST_SILENCE 3600

/*
 * While idling: how often the line is tried (shorter than most routers forget
 * one), in milliseconds; after how many seconds the mailbox is opened anew
 * whatever was heard of it; after how many a connection that is lost is made
 * again at once; how many times news may turn out to be none.
 */
#define IDLE_AGAIN (4 * 60 * 1000)
#define IDLE_FOR (29 * 60)
#define IDLE_AT_LEAST 60
#define MAX_FALSE_NEWS 20

/* One mailbox with a connection; all of it is in "context". */
typedef struct Mailbox
{
	MemoryContext context;
	ImapJob *job;
	int64 account;
	int64 company;
	TimestampTz version; /* of the account's settings */
	char *name;
	ImapAction action;
	char *archive;
	bool may_idle;
	bool is_idle; /* that it waits for news is recorded */
	bool acted;	  /* the server was asked to flag or move, since the last record */
	int false_news;
	TimestampTz failing_since; /* to store the batch that it has; 0: it does not fail */
	TimestampTz store_at;	   /* not tried before */
	TimestampTz progress_at;
	TimestampTz idle_since;
} Mailbox;

static NetLoop *net = NULL;
static Mailbox **mailboxes = NULL;
static int n_mailboxes = 0;
static int max_mailboxes = 0;
static int next_turn = 0;
static bool allowed = false;

/* the tables may name mailboxes as idle that have no connection here */
static bool must_forget_idle = true;

void
mailboxes_start(NetLoop *loop)
{
	net = loop;
	imap_limit_large(LARGE_MESSAGE, MOST_LARGE_MESSAGES);
}

/* Gives a connection back; its entry is NULL until tidy_up(). */
static void
close_mailbox(int i)
{
	Mailbox *mailbox = mailboxes[i];

	mailboxes[i] = NULL;
	imap_close(mailbox->job);
	MemoryContextDelete(mailbox->context);
}

static void
tidy_up(void)
{
	int n = 0;

	for (int i = 0; i < n_mailboxes; i++)
	{
		if (mailboxes[i])
			mailboxes[n++] = mailboxes[i];
	}
	n_mailboxes = n;
}

void
mailboxes_allow(bool armed)
{
	allowed = armed;
	if (armed)
		return;
	must_forget_idle = true;
	for (int i = 0; i < n_mailboxes; i++)
		close_mailbox(i);
	tidy_up();
}

/* ---- storing ---- */

static void
store_message(Mailbox *mailbox, const ImapMessage *message)
{
	static Statement statement = {
		"select ar_inbox_internal.store_fetched($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		9,
		{INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, BYTEAOID, TEXTOID, TIMESTAMPTZOID}};
	Datum values[9];
	char nulls[] = "         ";
	bytea *bytes = NULL;
	int64 arrived_at;
	int offset;
	bool is_dated = mime_parse_date(message->internaldate, &arrived_at, &offset);

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
	values[8] = is_dated ? TimestampTzGetDatum(time_t_to_timestamptz(arrived_at / USECS_PER_SEC)) :
						   (Datum) 0;
	nulls[6] = bytes ? ' ' : 'n';
	nulls[7] = message->note ? ' ' : 'n';
	nulls[8] = is_dated ? ' ' : 'n';
	run_statement(&statement, values, nulls);
	if (bytes)
		pfree(bytes);
}

typedef struct Storing
{
	Mailbox *mailbox;
	bool is_stale; /* the account has other settings by now */
} Storing;

static void
store_batch(void *arg)
{
	static Statement statement = {"select ar_inbox_internal.hold_mailbox($1, $2, $3, $4, $5)",
								  5,
								  {INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8ARRAYOID}};
	Storing *storing = arg;
	Mailbox *mailbox = storing->mailbox;
	int count;
	const ImapMessage *messages = imap_batch(mailbox->job, &count);
	Datum *uids = palloc(sizeof(Datum) * (count + 1));
	int n = 0;
	Datum values[5];
	char *held;

	for (int i = 0; i < count && mailbox->action != IMAP_LEAVE; i++)
	{
		if (messages[i].data)
			uids[n++] = Int64GetDatum(messages[i].uid);
	}
	/* for this transaction: a plan of its own for each message would copy it */
	(void) set_config_option("plan_cache_mode", "force_generic_plan", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	values[0] = Int64GetDatum(mailbox->account);
	values[1] = Int64GetDatum(mailbox->company);
	values[2] = TimestampTzGetDatum(mailbox->version);
	values[3] = Int64GetDatum(imap_uidvalidity(mailbox->job));
	values[4] =
		PointerGetDatum(construct_array(uids, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	run_statement(&statement, values, NULL);
	held = row_text(0, 1);
	storing->is_stale = held == NULL || held[0] != 't';
	if (storing->is_stale)
		return;
	for (int i = 0; i < count; i++)
		store_message(mailbox, &messages[i]);
}

/* ---- writing down how a reading went ---- */

typedef struct PollEnd
{
	Mailbox *mailbox;
	const char *error;
	bool idles;
	int pause; /* until it is read again, if all went well; in seconds */
} PollEnd;

static void
record_poll(void *arg)
{
	static Statement statement = {
		"select ar_inbox_internal.record_poll($1, $2, $3, pg_catalog.make_interval(secs => $4), "
		"$5, $6, pg_catalog.make_interval(secs => $7), $8)",
		8,
		{INT8OID, INT8OID, TIMESTAMPTZOID, INT4OID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID}};
	PollEnd *end = arg;
	Mailbox *mailbox = end->mailbox;
	const char *warning = imap_warning(mailbox->job);
	Datum values[8];
	char nulls[] = "        ";

	if (warning == NULL && mailbox->acted && end->error == NULL)
		warning = "";
	values[0] = Int64GetDatum(mailbox->account);
	values[1] = Int64GetDatum(mailbox->company);
	values[2] = TimestampTzGetDatum(worker_clock->now());
	values[3] = Int32GetDatum(end->pause);
	values[4] = end->error ? CStringGetTextDatum(end->error) : (Datum) 0;
	values[5] = warning ? CStringGetTextDatum(warning) : (Datum) 0;
	values[6] = Int32GetDatum(IDLE_FOR);
	values[7] = TimestampTzGetDatum(mailbox->version);
	nulls[4] = end->error ? ' ' : 'n';
	nulls[5] = warning ? ' ' : 'n';
	nulls[6] = end->idles ? ' ' : 'n';
	run_statement(&statement, values, nulls);
}

/*
 * Ends the reading of a mailbox until its next time; false when that could not
 * be written down.
 */
static bool
pause_poll(int i, const char *error, int pause)
{
	PollEnd end = {mailboxes[i], error, false, pause};

	if (run_task("recording a poll", record_poll, &end) != TASK_DONE)
		return false;
	/* it was not to be looked at for long: the next look is planned anew */
	if (mailboxes[i]->idle_since != 0)
		SetLatch(MyLatch);
	close_mailbox(i);
	return true;
}

static bool
end_poll(int i, const char *error)
{
	return pause_poll(i, error, setting_poll_interval);
}

/* All is read, and the server will say when there is more. */
static bool
begin_idle(Mailbox *mailbox)
{
	PollEnd end = {mailbox, NULL, true, setting_poll_interval};

	if (run_task("recording a poll", record_poll, &end) != TASK_DONE)
		return false;
	mailbox->is_idle = true;
	mailbox->acted = false;
	mailbox->idle_since = mailbox->progress_at = GetCurrentTimestamp();
	return true;
}

/* ---- starting ---- */

static void
forget_idle(void)
{
	static Statement statement = {"select ar_inbox_internal.forget_idle($1)", 1, {TIMESTAMPTZOID}};
	Datum values[1] = {TimestampTzGetDatum(worker_clock->now())};

	run_statement(&statement, values, NULL);
}

static int
find_account(int64 account)
{
	for (int i = 0; i < n_mailboxes; i++)
	{
		if (mailboxes[i] && mailboxes[i]->account == account)
			return i;
	}
	return -1;
}

/* What is read by settings that are no more is dropped, whatever it is doing. */
static void
drop_changed(void)
{
	static Statement statement = {"select * from ar_inbox_internal.changed_accounts($1, $2)",
								  2,
								  {INT8ARRAYOID, TIMESTAMPTZARRAYOID}};
	Datum *accounts = palloc(sizeof(Datum) * (n_mailboxes + 1));
	Datum *versions = palloc(sizeof(Datum) * (n_mailboxes + 1));
	Datum values[2];
	uint64 rows;

	if (n_mailboxes == 0)
		return;
	for (int i = 0; i < n_mailboxes; i++)
	{
		accounts[i] = Int64GetDatum(mailboxes[i]->account);
		versions[i] = TimestampTzGetDatum(mailboxes[i]->version);
	}
	values[0] = PointerGetDatum(
		construct_array(accounts, n_mailboxes, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = PointerGetDatum(construct_array(versions, n_mailboxes, TIMESTAMPTZOID, 8,
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	rows = run_statement(&statement, values, NULL);
	for (uint64 row = 0; row < rows; row++)
	{
		int i = find_account(row_int64(row, 1));

		if (i >= 0)
			close_mailbox(i);
	}
	tidy_up();
}

/*
 * Which messages an earlier job stored and did not live to see flagged or moved.
 */
static int
unsettled_uids(uint64 row, int column, uint32 *uids)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
	Datum *elements;
	bool *nulls;
	int n;
	int n_uids = 0;

	if (isnull)
		return 0;
	deconstruct_array(DatumGetArrayTypeP(value), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &elements, &nulls, &n);
	for (int i = 0; i < n && n_uids < IMAP_MOST_UNSETTLED; i++)
	{
		if (!nulls[i])
			uids[n_uids++] = (uint32) DatumGetInt64(elements[i]);
	}
	return n_uids;
}

static void
start_job(uint64 row, int n_reading, bool may_idle)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "ar_inbox mailbox", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Mailbox *mailbox = palloc0(sizeof(Mailbox));
	char *after_fetch = row_text(row, 9);
	ImapServer server = {0};
	uint32 unsettled[IMAP_MOST_UNSETTLED];
	int n_unsettled = unsettled_uids(row, 11, unsettled);
	size_t batch_bytes = Min(BATCH_BYTES, ALL_BATCHES_BYTES / (n_reading + 1));
	bool isnull;

	mailbox->context = context;
	mailbox->account = row_int64(row, 1);
	mailbox->company = row_int64(row, 2);
	mailbox->name = row_text(row, 6);
	mailbox->archive = row_text(row, 10);
	mailbox->version = row_timestamp(row, 12, &isnull);
	mailbox->action = IMAP_LEAVE;
	if (strcmp(after_fetch, "flag") == 0)
		mailbox->action = IMAP_FLAG_SEEN;
	else if (strcmp(after_fetch, "move") == 0)
		mailbox->action = IMAP_MOVE;
	mailbox->may_idle = may_idle;
	mailbox->progress_at = GetCurrentTimestamp();

	server.url = row_text(row, 3);
	server.username = row_text(row, 4);
	server.password = row_text(row, 5);
	server.ca_file = setting_tls_ca_file[0] ? setting_tls_ca_file : NULL;
	server.mailbox = mailbox->name;
	server.read_only = mailbox->action == IMAP_LEAVE;
	server.idle = may_idle;
	server.connect_timeout_ms = setting_connect_timeout * 1000;
	server.reply_timeout_ms = setting_reply_timeout * 1000;
	server.idle_again_ms = IDLE_AGAIN;
	MemoryContextSwitchTo(old);

	/* nothing from here on raises an error */
	mailbox->job =
		imap_fetch_start(net, &server, (uint32) row_int64(row, 7), (uint32) row_int64(row, 8),
						 Max(LEAST_BATCH_BYTES, batch_bytes), BATCH_MESSAGES, LARGEST_MESSAGE);
	if (mailbox->job == NULL)
		return;
	MemoryContextSetParent(context, TopMemoryContext);
	mailboxes[n_mailboxes++] = mailbox;
	if (n_unsettled > 0 && mailbox->action != IMAP_LEAVE)
		mailbox->acted = imap_settle_first(mailbox->job, mailbox->action, mailbox->archive,
										   unsettled, n_unsettled);
}

/* Room for that many more. */
static void
make_room(int more)
{
	if (mailboxes == NULL)
	{
		mailboxes = MemoryContextAlloc(TopMemoryContext, sizeof(Mailbox *) * MAX_READING);
		max_mailboxes = MAX_READING;
	}
	if (n_mailboxes + more > max_mailboxes)
	{
		mailboxes = repalloc(mailboxes, sizeof(Mailbox *) * (n_mailboxes + more));
		max_mailboxes = n_mailboxes + more;
	}
}

static void
start_due(void *arg)
{
	static Statement statement = {
		"select * from ar_inbox_internal.accounts_to_poll($1, $2, $3, $4)",
		4,
		{TIMESTAMPTZOID, INT8ARRAYOID, INT4OID, BOOLOID}};
	Datum *busy;
	int n_reading = 0;
	int n_may_idle = 0;
	int room;
	Datum values[4];
	uint64 rows;

	if (must_forget_idle)
		forget_idle();
	drop_changed();

	busy = palloc(sizeof(Datum) * (n_mailboxes + 1));
	for (int i = 0; i < n_mailboxes; i++)
	{
		n_may_idle += mailboxes[i]->may_idle;
		if (!mailboxes[i]->is_idle)
			busy[n_reading++] = Int64GetDatum(mailboxes[i]->account);
	}
	room = MAX_READING - n_reading;
	if (room <= 0)
		return;
	make_room(room);
	values[0] = TimestampTzGetDatum(worker_clock->now());
	values[1] = PointerGetDatum(
		construct_array(busy, n_reading, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[2] = Int32GetDatum(room);
	values[3] = BoolGetDatum(room <= KEPT_FOR_HEALTHY);
	rows = run_statement(&statement, values, NULL);
	for (uint64 row = 0; row < rows; row++)
	{
		int i = find_account(row_int64(row, 1));

		/* it has waited for news for long enough to be looked at afresh */
		if (i >= 0)
		{
			n_may_idle -= mailboxes[i]->may_idle;
			close_mailbox(i);
		}
		start_job(row, n_reading++, n_may_idle < setting_max_idle_connections);
		n_may_idle += n_may_idle < setting_max_idle_connections;
	}
}

/* ---- a turn ---- */

/* The batch of a mailbox has come: false when a task failed that must not. */
static bool
take_batch(int i)
{
	Mailbox *mailbox = mailboxes[i];
	Storing storing = {mailbox, false};
	TimestampTz now = GetCurrentTimestamp();

	if (now < mailbox->store_at)
		return true;
	if (run_task("storing mail", store_batch, &storing) != TASK_DONE)
	{
		if (mailbox->failing_since == 0)
			mailbox->failing_since = now;
		if (TimestampDifferenceExceeds(mailbox->failing_since, now, STORING_PATIENCE * 1000))
			return end_poll(i, "what was fetched could not be stored; the server's log says why");
		mailbox->store_at = TimestampTzPlusMilliseconds(now, STORING_PAUSE);
		imap_wake(mailbox->job, STORING_PAUSE);
		return true;
	}
	if (storing.is_stale)
	{
		close_mailbox(i);
		SetLatch(MyLatch);
		return true;
	}
	mailbox->failing_since = 0;
	mailbox->false_news = 0;
	mailbox->acted |= mailbox->action != IMAP_LEAVE;
	mailbox->progress_at = now;
	if (!imap_batch_done(mailbox->job, mailbox->action, mailbox->archive))
		return end_poll(i, "out of memory");
	/* that may have been the end of it */
	imap_wake(mailbox->job, 0);
	return true;
}

/*
 * A connection is lost that only waited for news: no reason to say that the
 * mailbox fails.  It is looked at again, at once if the connection had lasted;
 * if that fails, it fails.
 */
static bool
end_idle(int i)
{
	int pause = Min(setting_poll_interval, IDLE_AT_LEAST);

	if (TimestampDifferenceExceeds(mailboxes[i]->idle_since, GetCurrentTimestamp(), pause * 1000))
		pause = 0;
	return pause_poll(i, NULL, pause);
}

static bool
take_news(int i)
{
	Mailbox *mailbox = mailboxes[i];

	/* a server that cries wolf is asked like one that says nothing */
	if (mailbox->false_news++ >= MAX_FALSE_NEWS)
		return end_poll(i, NULL);
	mailbox->is_idle = false;
	mailbox->progress_at = GetCurrentTimestamp();
	if (!imap_resume(mailbox->job, imap_last_uid(mailbox->job)))
		return end_poll(i, "out of memory");
	return true;
}

/* How many may wait for news may have been lowered. */
static bool
keep_idle_within_bounds(void)
{
	bool failed = false;
	int n_idle = 0;

	for (int i = 0; i < n_mailboxes; i++)
		n_idle += mailboxes[i]->is_idle;
	for (int i = n_mailboxes - 1; i >= 0 && n_idle > setting_max_idle_connections; i--)
	{
		if (!mailboxes[i]->is_idle)
			continue;
		failed |= !end_poll(i, NULL);
		n_idle--;
	}
	tidy_up();
	return !failed;
}

/* What one mailbox has for us; *ended: its place is free. */
static bool
look_after(int i, bool *ended)
{
	Mailbox *mailbox = mailboxes[i];
	bool done = true;

	switch (imap_state(mailbox->job))
	{
		case IMAP_HAS_BATCH:
			done = take_batch(i);
			break;
		case IMAP_FINISHED:
			done = end_poll(i, NULL);
			break;
		case IMAP_FAILED:
			done = mailbox->is_idle ? end_idle(i) : end_poll(i, imap_failure_text(mailbox->job));
			break;
		case IMAP_IDLING:
			if (!mailbox->is_idle)
				done = begin_idle(mailbox);
			break;
		case IMAP_HAS_NEWS:
			done = take_news(i);
			break;
		case IMAP_RUNNING:
			if (TimestampDifferenceExceeds(mailbox->progress_at, GetCurrentTimestamp(),
										   LONGEST_SILENCE * 1000))
				done = end_poll(i, "no message came of it for an hour");
			break;
	}
	*ended |= mailboxes[i] == NULL;
	return done;
}

bool
mailboxes_turn(bool looking)
{
	TimestampTz began = GetCurrentTimestamp();
	bool failed = false;
	bool ended = false;
	int first = next_turn;
	int n = n_mailboxes;
	bool is_over = false;

	for (int k = 0; k < n; k++)
	{
		int i = (first + k) % n;

		/* storing takes its time: the rest has the next turn, which begins with it */
		if (imap_state(mailboxes[i]->job) == IMAP_HAS_BATCH &&
			TimestampDifferenceExceeds(began, GetCurrentTimestamp(), STORING_TURN))
		{
			if (!is_over)
				next_turn = i;
			is_over = true;
			imap_wake(mailboxes[i]->job, 0);
			continue;
		}
		failed |= !look_after(i, &ended);
	}
	tidy_up();
	if (allowed && looking)
		failed |= !keep_idle_within_bounds();
	if (allowed && (looking || ended))
	{
		if (run_task("looking for mailboxes to read", start_due, NULL) == TASK_DONE)
			must_forget_idle = false;
		else
			failed = true;
		/* whatever became of it, what it closed is closed */
		tidy_up();
	}
	return !failed;
}
