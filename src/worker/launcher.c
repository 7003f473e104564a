/*-------------------------------------------------------------------------
 *
 * launcher.c
 *	  The process that starts a worker in each database that needs one.
 *
 * It is connected to no database, so it cannot see which of them have the
 * extension: it starts a worker in each that may, and one that finds nothing
 * to do leaves at once, without a word.  Databases are looked at again when a
 * worker has ended, when install() or arm() asks for it, and once a minute.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"

#include "worker/launcher.h"
#include "worker/settings.h"
#include "worker/shared.h"
#include "worker/worker.h"

/* how often databases without the extension are looked at again, in seconds */
#define SCAN_INTERVAL 60

/* what the launcher knows of a database */
typedef struct Database
{
	Oid oid;						/* key */
	BackgroundWorkerHandle *worker; /* NULL: none is running */
	TimestampTz not_before;			/* no worker is started before this moment */
	bool refused;					/* there was no slot for the last one: it goes first */
	bool seen;
} Database;

static HTAB *databases = NULL;
static bool complained = false;

void
launcher_register(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 10;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "ar_inbox");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "ar_inbox_launcher_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "ar_inbox launcher");
	snprintf(worker.bgw_type, BGW_MAXLEN, "ar_inbox launcher");
	RegisterBackgroundWorker(&worker);
}

/* whether the setting ar_inbox.databases wants this one */
static bool
is_wanted(const char *name)
{
	List *names = NIL;
	ListCell *cell;

	if (setting_databases[0] == '\0')
		return true;
	if (!SplitIdentifierString(pstrdup(setting_databases), ',', &names))
		return false;
	foreach (cell, names)
	{
		if (strcmp((char *) lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

static void
start_worker(Database *database, Oid role)
{
	BackgroundWorker worker;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	bool started;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "ar_inbox");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "ar_inbox_worker_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "ar_inbox worker");
	snprintf(worker.bgw_type, BGW_MAXLEN, "ar_inbox worker");
	worker.bgw_main_arg = ObjectIdGetDatum(database->oid);
	memcpy(worker.bgw_extra, &role, sizeof(role));
	worker.bgw_notify_pid = MyProcPid;
	started = RegisterDynamicBackgroundWorker(&worker, &database->worker);
	MemoryContextSwitchTo(old);

	database->refused = !started;
	if (!started)
	{
		database->worker = NULL;
		database->not_before =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), setting_restart_time * 1000);
		if (!complained)
			ereport(LOG, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						  errmsg("ar_inbox: no background worker slot is free"),
						  errhint("Raise max_worker_processes: ar_inbox needs one for itself and "
								  "one for each database.")));
		complained = true;
	}
	else
		complained = false;
}

static bool
was_seen(Oid oid)
{
	Database *database = hash_search(databases, &oid, HASH_FIND, NULL);

	return database && database->seen;
}

/*
 * Looks at all databases and starts the workers that are missing.  Returns
 * whether to look again soon: there are workers of an earlier launcher, of whose
 * end we are not told, or databases for whose worker no slot was free.
 */
static bool
scan_databases(bool requested)
{
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;
	Oid role;
	HASH_SEQ_STATUS status;
	Database *database;
	TimestampTz now = GetCurrentTimestamp();
	bool again = false;
	List *wanting = NIL;
	ListCell *cell;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	pgstat_report_activity(STATE_RUNNING, "looking at the databases");

	hash_seq_init(&status, databases);
	while ((database = hash_seq_search(&status)) != NULL)
		database->seen = false;

	/* Without the role no database has the extension. */
	role = get_role_oid("ar_inbox_worker", true);
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (OidIsValid(role) && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		bool found;

		if (form->datistemplate || !form->datallowconn || form->datconnlimit == -2 ||
			!is_wanted(NameStr(form->datname)) || !compat_may_connect(form->oid, role))
			continue;
		database = hash_search(databases, &form->oid, HASH_ENTER, &found);
		if (!found)
		{
			database->worker = NULL;
			database->not_before = 0;
			database->refused = false;
		}
		database->seen = true;
		if (database->worker == NULL && shared_has_worker(form->oid))
			again = true;
		else if (database->worker == NULL && !shared_is_kept_out(form->oid) &&
				 (requested || database->not_before <= now))
			wanting = database->refused ? lcons(database, wanting) : lappend(wanting, database);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	foreach (cell, wanting)
	{
		database = lfirst(cell);
		start_worker(database, role);
		again = again || database->refused;
	}
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);

	/* workers of databases that went, or are no longer wanted */
	hash_seq_init(&status, databases);
	while ((database = hash_seq_search(&status)) != NULL)
	{
		if (database->seen)
			continue;
		if (database->worker)
		{
			TerminateBackgroundWorker(database->worker);
			pfree(database->worker);
		}
		hash_search(databases, &database->oid, HASH_REMOVE, NULL);
	}
	shared_end_unwanted(was_seen);
	return again;
}

/* Notes which workers have ended; returns the moment of the next scan. */
static TimestampTz
collect_ended(TimestampTz next_scan)
{
	HASH_SEQ_STATUS status;
	Database *database;
	TimestampTz now = GetCurrentTimestamp();

	hash_seq_init(&status, databases);
	while ((database = hash_seq_search(&status)) != NULL)
	{
		pid_t pid;

		if (database->worker && GetBackgroundWorkerPid(database->worker, &pid) == BGWH_STOPPED)
		{
			pfree(database->worker);
			database->worker = NULL;
			/* one that found nothing to do there leaves its slot to others for a while */
			if (shared_was_not_needed(database->oid))
				database->not_before =
					TimestampTzPlusMilliseconds(now, SCAN_INTERVAL * INT64CONST(500));
			else
			{
				database->not_before =
					TimestampTzPlusMilliseconds(now, setting_restart_time * INT64CONST(1000));
				next_scan = Min(next_scan, database->not_before);
			}
		}
	}
	return next_scan;
}

void
ar_inbox_launcher_main(Datum arg)
{
	HASHCTL control;
	TimestampTz next_scan = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	shared_attach_launcher();
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("ar_inbox launcher");

	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Database);
	control.hcxt = TopMemoryContext;
	databases =
		hash_create("ar_inbox databases", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	for (;;)
	{
		TimestampTz now;
		bool requested;
		long timeout;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			next_scan = 0;
		}

		next_scan = collect_ended(next_scan);
		requested = shared_take_scan_request();
		now = GetCurrentTimestamp();
		if (requested || next_scan <= now)
		{
			int seconds = scan_databases(requested) ? setting_restart_time : SCAN_INTERVAL;

			next_scan =
				TimestampTzPlusMilliseconds(GetCurrentTimestamp(), seconds * INT64CONST(1000));
		}

		timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_scan);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(timeout, 10),
						 PG_WAIT_EXTENSION);
	}
}
