/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The process that does what happens by itself in one database: fires due
 *	  steps, hands off the outbox, by mail and through providers, reads the
 *	  mailboxes, writes the index of phrases.
 *
 * It sleeps until the next moment that the tables name, a commit that queues
 * something, or the network.  A turn looks at the tables when one of the first
 * two came; otherwise it only carries the dialogues on.  No transaction is
 * open while it waits.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "net/net.h"
#include "worker/clock.h"
#include "worker/mailboxes.h"
#include "worker/outbox.h"
#include "worker/providers.h"
#include "worker/settings.h"
#include "worker/shared.h"
#include "worker/task.h"
#include "worker/worker.h"

/* steps that one transaction fires at most: those of one company */
#define STEPS_PER_TRANSACTION 250

/* after so long the rest of what is due waits for the next look, in milliseconds */
#define LONGEST_FIRING 1000

/* a look at the tables at least this often, in milliseconds */
#define LONGEST_SLEEP 60000L

/* the pause after a failed task, and when what is due is held by others */
#define SHORTEST_SLEEP 500L

/* snoozed threads woken, and messages' HTML made safe, by one transaction at most */
#define THREADS_PER_TRANSACTION 100
#define HTML_PER_TRANSACTION 20

/* messages whose phrases one transaction writes at most */
#define PHRASES_PER_TRANSACTION 256

/* holds whose time is over, written down by one transaction at most */
#define HOLDS_PER_TRANSACTION 100

typedef struct Look
{
	MemoryContext context; /* lasts as long as the look */
	bool installed;
	bool armed;
	int64 company; /* whose steps are fired */
	int64 fired;
	ArrayType *waiting; /* the companies with steps due */
	bool more_steps;
	bool more_threads;
	bool more_html;
	bool more_holds;
	bool more_phrases;
	bool has_next;
	TimestampTz next;
} Look;

static bool told_disarmed = false;
static int failures = 0;

/*
 * What an earlier worker left in flight: NULL until it was looked for, then
 * the ids of those deliveries that somebody still holds.
 */
static ArrayType *unsettled = NULL;

static void
read_state(void *arg)
{
	static Statement installed = {"select ar_inbox_internal.is_installed()", 0};
	static Statement armed = {
		"select ar_inbox_internal.is_armed(), exists (select from ar_inbox.armed)", 0};
	Look *look = arg;
	char *value;

	run_statement(&installed, NULL, NULL);
	value = row_text(0, 1);
	look->installed = value && value[0] == 't';
	if (!look->installed)
		return;
	run_statement(&armed, NULL, NULL);
	value = row_text(0, 1);
	look->armed = value && value[0] == 't';
	value = row_text(0, 2);
	if (!look->armed && !told_disarmed && value && value[0] == 't')
	{
		told_disarmed = true;
		ereport(LOG,
				(errmsg("ar_inbox: database \"%s\" was armed elsewhere; nothing is sent from here",
						get_database_name(MyDatabaseId)),
				 errhint("If this is not a copy, run SELECT ar_inbox.arm() in it.")));
	}
	if (look->armed)
		told_disarmed = false;
}

static void
settle_interrupted(void *arg)
{
	static Statement statement = {
		"select ar_inbox_internal.settle_interrupted($1, $2)", 2, {TIMESTAMPTZOID, INT8ARRAYOID}};
	Datum values[2];
	Datum left;
	bool isnull;

	values[0] = TimestampTzGetDatum(worker_clock->now());
	values[1] = PointerGetDatum(unsettled);
	run_statement(&statement, values, unsettled ? "  " : " n");
	left = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		ArrayType *copy = DatumGetArrayTypePCopy(left);

		MemoryContextSwitchTo(old);
		if (unsettled)
			pfree(unsettled);
		unsettled = copy;
	}
}

static void
find_due_companies(void *arg)
{
	static Statement statement = {
		"select ar_inbox_internal.companies_with_due($1)", 1, {TIMESTAMPTZOID}};
	Look *look = arg;
	Datum values[1] = {TimestampTzGetDatum(worker_clock->now())};
	MemoryContext task = CurrentMemoryContext;
	Datum found;
	bool isnull;

	run_statement(&statement, values, NULL);
	found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	MemoryContextSwitchTo(look->context);
	look->waiting = isnull ? NULL : DatumGetArrayTypePCopy(found);
	MemoryContextSwitchTo(task);
}

static void
fire_steps(void *arg)
{
	static Statement statement = {"select count(*) from ar_inbox_internal.fire_due($1, $2, $3)",
								  3,
								  {INT8OID, TIMESTAMPTZOID, INT4OID}};
	Look *look = arg;
	Datum values[3] = {Int64GetDatum(look->company), TimestampTzGetDatum(worker_clock->now()),
					   Int32GetDatum(STEPS_PER_TRANSACTION)};

	run_statement(&statement, values, NULL);
	look->fired = row_int64(0, 1);
}

static void
end_holds(void *arg)
{
	static Statement statement = {
		"select ar_inbox_internal.end_holds($1, $2)", 2, {TIMESTAMPTZOID, INT4OID}};
	Look *look = arg;
	Datum values[2] = {TimestampTzGetDatum(worker_clock->now()),
					   Int32GetDatum(HOLDS_PER_TRANSACTION)};

	run_statement(&statement, values, NULL);
	look->more_holds = row_int64(0, 1) >= HOLDS_PER_TRANSACTION;
}

static void
wake_threads(void *arg)
{
	static Statement statement = {
		"select ar_inbox_internal.wake_threads($1, $2)", 2, {TIMESTAMPTZOID, INT4OID}};
	Look *look = arg;
	Datum values[2] = {TimestampTzGetDatum(worker_clock->now()),
					   Int32GetDatum(THREADS_PER_TRANSACTION)};

	run_statement(&statement, values, NULL);
	look->more_threads = row_int64(0, 1) >= THREADS_PER_TRANSACTION;
}

static void
make_html_safe(void *arg)
{
	static Statement statement = {"select ar_inbox_internal.make_html_safe($1)", 1, {INT4OID}};
	Look *look = arg;
	Datum values[1] = {Int32GetDatum(HTML_PER_TRANSACTION)};

	run_statement(&statement, values, NULL);
	look->more_html = row_int64(0, 1) >= HTML_PER_TRANSACTION;
}

static void
index_phrases(void *arg)
{
	static Statement statement = {"select i.more, i.last_company from "
								  "ar_inbox_internal.index_phrases($1, after_company => $2) i",
								  2,
								  {INT4OID, INT8OID}};
	/* each company gets its turn */
	static int64 last_company = 0;
	Look *look = arg;
	Datum values[2] = {Int32GetDatum(PHRASES_PER_TRANSACTION), Int64GetDatum(last_company)};
	char *more;

	run_statement(&statement, values, NULL);
	more = row_text(0, 1);
	look->more_phrases = more && more[0] == 't';
	last_company = row_int64(0, 2);
}

static void
read_next_wake(void *arg)
{
	static Statement statement = {"select ar_inbox_internal.next_wake($1)", 1, {BOOLOID}};
	Look *look = arg;
	Datum values[1] = {BoolGetDatum(look->armed)};
	bool isnull;

	run_statement(&statement, values, NULL);
	look->next = row_timestamp(0, 1, &isnull);
	look->has_next = !isnull;
}

/* Leaves for good: this database has nothing for a worker. */
static void
leave(void)
{
	shared_not_needed(MyDatabaseId);
	proc_exit(0);
}

/* What goes on failing is tried less and less often. */
static long
after_failure(void)
{
	return SHORTEST_SLEEP << Min(failures++, 4);
}

/*
 * Fires the steps that are due, a batch of each company in turn, so that one
 * with a hundred thousand keeps no other waiting, nor what has come due since.
 */
static bool
fire_what_is_due(NetLoop *loop, Look *look)
{
	bool done = run_task("looking for due steps", find_due_companies, look) == TASK_DONE;
	TimestampTz began = GetCurrentTimestamp();
	int64 *companies;
	int n;

	if (look->waiting == NULL || ARR_NDIM(look->waiting) == 0)
		return done;
	companies = (int64 *) ARR_DATA_PTR(look->waiting);
	n = ArrayGetNItems(ARR_NDIM(look->waiting), ARR_DIMS(look->waiting));
	while (n > 0)
	{
		int left = 0;

		for (int i = 0; i < n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			look->company = companies[i];
			look->fired = 0;
			done &= run_task("firing due steps", fire_steps, look) == TASK_DONE;
			if (look->fired >= STEPS_PER_TRANSACTION)
				companies[left++] = companies[i];
			/* between two batches the mail gets its turn */
			net_loop_turn(loop);
			done &= outbox_turn(true);
			done &= providers_turn(true);
		}
		n = left;
		/* every company had its turn; what fails makes the next look wait */
		if (n > 0 && done &&
			TimestampDifferenceExceeds(began, GetCurrentTimestamp(), LONGEST_FIRING))
		{
			look->more_steps = true;
			break;
		}
	}
	return done;
}

/*
 * Does what leaves the database; false when some of it failed.
 */
static bool
do_what_leaves(NetLoop *loop, Look *look)
{
	bool done = true;

	/*
	 * What an earlier worker left in flight, before anything else leaves, but
	 * for what somebody holds, which waits.  Looked for once only: later, what
	 * is in flight is our own.
	 */
	if (unsettled == NULL || ARR_NDIM(unsettled) > 0)
	{
		if (run_task("settling interrupted deliveries", settle_interrupted, NULL) != TASK_DONE)
			return false;
		done = ARR_NDIM(unsettled) == 0;
	}

	done &= fire_what_is_due(loop, look);
	done &= outbox_turn(true);
	done &= providers_turn(true);
	done &= mailboxes_turn(true);
	return done;
}

/*
 * Looks at the tables and does what is due.  Returns in how many milliseconds
 * it wants to look again.
 */
static long
look_at_tables(NetLoop *loop)
{
	Look look = {.context = CurrentMemoryContext};
	TaskEnd end;
	bool failed = false;

	end = run_task("looking at the settings", read_state, &look);
	if (end == TASK_NO_EXTENSION && task_extension_is_gone())
		leave();
	if (end != TASK_DONE)
		return after_failure();
	if (!look.installed)
		leave();
	outbox_allow(look.armed);
	providers_allow(look.armed);
	mailboxes_allow(look.armed);

	/* what leaves no database needs no arming */
	failed |= run_task("waking snoozed threads", wake_threads, &look) == TASK_FAILED;
	failed |= run_task("making HTML safe", make_html_safe, &look) == TASK_FAILED;
	failed |= run_task("ending holds", end_holds, &look) == TASK_FAILED;
	failed |= run_task("indexing phrases", index_phrases, &look) == TASK_FAILED;
	if (look.armed)
		failed |= !do_what_leaves(loop, &look);

	if (run_task("planning the next turn", read_next_wake, &look) != TASK_DONE || failed)
		return after_failure();
	failures = 0;
	if (look.more_threads || look.more_html || look.more_holds || look.more_phrases ||
		look.more_steps)
		return 0;
	if (!look.has_next)
		return LONGEST_SLEEP;
	/* what is due and was not done is held by somebody, or waits for a connection */
	return Min(Max(TimestampDifferenceMilliseconds(worker_clock->now(), look.next), SHORTEST_SLEEP),
			   LONGEST_SLEEP);
}

static void
set_option(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/* What a database's or a role's own settings say must not change what we do. */
static void
set_options(void)
{
	char timeout[16];

	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	set_option("statement_timeout", "0");
	set_option("idle_in_transaction_session_timeout", "0");
#ifdef COMPAT_HAS_TRANSACTION_TIMEOUT
	set_option("transaction_timeout", "0");
#endif

	/*
	 * A lock that somebody keeps stops one task, not the worker.  We give up
	 * before anybody's deadlock check, so that in a deadlock with a payment it
	 * is never the payment that dies.
	 */
	snprintf(timeout, sizeof(timeout), "%d", Max(10, Min(250, DeadlockTimeout / 2)));
	set_option("lock_timeout", timeout);
	/* plans are kept: one made while a table was empty must not scan it later */
	set_option("enable_seqscan", "off");
	set_option("jit", "off");
	set_option("row_security", "on");
	set_option("default_transaction_isolation", "read committed");
	set_option("default_transaction_read_only", "off");
	/* an attempt that is lost with the server would be made again unnoticed */
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)
		set_option("synchronous_commit", "local");
}

void
ar_inbox_worker_main(Datum arg)
{
	Oid database = DatumGetObjectId(arg);
	Oid role;
	NetLoop *loop;
	WaitEventSet *events;
	MemoryContext turn;
	char error[256];
	TimestampTz next_look = 0;
	bool woken = true;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	memcpy(&role, MyBgworkerEntry->bgw_extra, sizeof(role));
	if (!shared_attach_worker(database))
		proc_exit(0);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, role, 0);
	pgstat_report_appname("ar_inbox worker");
	set_options();

	loop = net_loop_create(error, sizeof(error));
	if (loop == NULL)
		ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR),
						errmsg("ar_inbox: could not start the network: %s", error)));
	outbox_start(loop);
	if (!providers_start(loop))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("ar_inbox: could not start HTTP")));
	mailboxes_start(loop);

	events = compat_create_wait_event_set(3);
	AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(events, WL_SOCKET_READABLE, net_loop_fd(loop), NULL, NULL);

	turn = AllocSetContextCreate(TopMemoryContext, "ar_inbox turn", ALLOCSET_DEFAULT_SIZES);
	pgstat_report_activity(STATE_IDLE, NULL);

	for (;;)
	{
		long timeout;
		long net_timeout;

		/* there is no query to be cancelled between two tasks */
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(turn);
		MemoryContextReset(turn);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			woken = true;
		}

		if (woken || next_look <= GetCurrentTimestamp())
		{
			timeout = look_at_tables(loop);
			next_look = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout);
		}
		else
		{
			bool done = outbox_turn(false);

			done &= providers_turn(false);
			done &= mailboxes_turn(false);
			if (!done)
				next_look = Min(next_look,
								TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SHORTEST_SLEEP));
		}

		/* what was recorded may have to be tried again soon */
		if (outbox_has_recorded() | providers_have_recorded())
			next_look =
				Min(next_look, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SHORTEST_SLEEP));

		timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_look);
		net_timeout = net_loop_timeout(loop);
		if (net_timeout >= 0)
			timeout = Min(timeout, net_timeout);
		if (outbox_is_waiting() || providers_are_waiting())
			timeout = Min(timeout, 1000);
		woken = worker_clock->wait(events, timeout);
		net_loop_turn(loop);
	}
}
