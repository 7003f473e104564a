/*-------------------------------------------------------------------------
 *
 * shared.c
 *	  The shared memory: which database has a worker, and its latch.
 *
 * A place is taken before the worker connects to its database and given back
 * after it has left it, so that whoever keeps workers out of a database knows
 * when none is connected any more.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include <signal.h>

#include "access/xact.h"
#include "fmgr.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "worker/shared.h"

/* how many databases can be kept free of workers at once */
#define MAX_KEPT_OUT 16

/* how many workers' notes that they were not needed wait for the launcher */
#define MAX_NOT_NEEDED 64

/* how long an end of a worker is waited for, in milliseconds */
#define END_WAIT 4000

typedef struct Place
{
	Oid database; /* InvalidOid: free */
	pid_t pid;
	Latch *latch;
} Place;

typedef struct KeptOut
{
	Oid database; /* InvalidOid: free */
	pid_t by;
} KeptOut;

typedef struct Shared
{
	Latch *launcher; /* NULL: none is running */
	bool scan_wanted;
	KeptOut kept_out[MAX_KEPT_OUT];
	int nnot_needed;
	Oid not_needed[MAX_NOT_NEEDED];
	int nplaces;
	Place places[FLEXIBLE_ARRAY_MEMBER];
} Shared;

static Shared *shared = NULL;
static LWLock *shared_lock = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* the transaction wants its database's worker woken when it commits */
static bool wake_at_commit = false;
static bool callback_registered = false;

PG_FUNCTION_INFO_V1(ar_inbox_wake_worker);
PG_FUNCTION_INFO_V1(ar_inbox_wake_worker_trigger);

static Size
shared_size(void)
{
	return add_size(offsetof(Shared, places), mul_size(sizeof(Place), max_worker_processes));
}

static void
request_shared(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche("ar_inbox", 1);
}

static void
startup_shared(void)
{
	bool found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("ar_inbox", shared_size(), &found);
	if (!found)
	{
		memset(shared, 0, shared_size());
		shared->nplaces = max_worker_processes;
	}
	shared_lock = &(GetNamedLWLockTranche("ar_inbox"))->lock;
	LWLockRelease(AddinShmemInitLock);
}

void
shared_install_hooks(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shared;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shared;
}

bool
shared_available(void)
{
	return shared != NULL;
}

static void
detach_launcher(int code, Datum arg)
{
	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	shared->launcher = NULL;
	LWLockRelease(shared_lock);
}

void
shared_attach_launcher(void)
{
	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	shared->launcher = MyLatch;
	LWLockRelease(shared_lock);
	on_shmem_exit(detach_launcher, 0);
}

static Place *
find_place(Oid database)
{
	for (int i = 0; i < shared->nplaces; i++)
	{
		if (shared->places[i].database == database)
			return &shared->places[i];
	}
	return NULL;
}

/* the entry of a database that is kept free; forgets those whose keeper died */
static KeptOut *
find_kept_out(Oid database)
{
	for (int i = 0; i < MAX_KEPT_OUT; i++)
	{
		KeptOut *entry = &shared->kept_out[i];

		if (OidIsValid(entry->database) && entry->by != MyProcPid &&
			BackendPidGetProc(entry->by) == NULL)
			entry->database = InvalidOid;
		if (entry->database == database)
			return entry;
	}
	return NULL;
}

static void
detach_worker(int code, Datum arg)
{
	Place *place;

	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	place = find_place(DatumGetObjectId(arg));
	if (place && place->pid == MyProcPid)
		place->database = InvalidOid;
	LWLockRelease(shared_lock);
}

bool
shared_attach_worker(Oid database)
{
	Place *place = NULL;

	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	if (!find_kept_out(database) && !find_place(database))
		place = find_place(InvalidOid);
	if (place)
	{
		place->database = database;
		place->pid = MyProcPid;
		place->latch = MyLatch;
	}
	LWLockRelease(shared_lock);
	if (place)

		/*
		 * Registered before the connection's own callbacks, this one runs
		 * after them: the place is given back when the database is left.
		 */
		on_shmem_exit(detach_worker, ObjectIdGetDatum(database));
	return place != NULL;
}

bool
shared_has_worker(Oid database)
{
	bool found;

	LWLockAcquire(shared_lock, LW_SHARED);
	found = find_place(database) != NULL;
	LWLockRelease(shared_lock);
	return found;
}

void
shared_end_unwanted(bool (*wanted)(Oid database))
{
	LWLockAcquire(shared_lock, LW_SHARED);
	for (int i = 0; i < shared->nplaces; i++)
	{
		Place *place = &shared->places[i];

		if (OidIsValid(place->database) && !wanted(place->database))
			kill(place->pid, SIGTERM);
	}
	LWLockRelease(shared_lock);
}

void
shared_not_needed(Oid database)
{
	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	if (shared->nnot_needed < MAX_NOT_NEEDED)
		shared->not_needed[shared->nnot_needed++] = database;
	LWLockRelease(shared_lock);
}

bool
shared_was_not_needed(Oid database)
{
	bool found = false;

	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	for (int i = 0; i < shared->nnot_needed; i++)
	{
		if (shared->not_needed[i] == database)
		{
			shared->not_needed[i--] = shared->not_needed[--shared->nnot_needed];
			found = true;
		}
	}
	LWLockRelease(shared_lock);
	return found;
}

bool
shared_take_scan_request(void)
{
	bool wanted;

	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	wanted = shared->scan_wanted;
	shared->scan_wanted = false;
	LWLockRelease(shared_lock);
	return wanted;
}

void
shared_wake(Oid database)
{
	Place *place;
	Latch *latch = NULL;

	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	place = find_place(database);
	if (place)
		latch = place->latch;
	else
	{
		shared->scan_wanted = true;
		latch = shared->launcher;
	}
	/* the worker knows of its own changes */
	if (latch && latch != MyLatch)
		SetLatch(latch);
	LWLockRelease(shared_lock);
}

void
shared_keep_out(Oid database)
{
	TimestampTz give_up = GetCurrentTimestamp() + END_WAIT * INT64CONST(1000);
	KeptOut *entry;

	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	if (find_kept_out(database) == NULL && (entry = find_kept_out(InvalidOid)) != NULL)
	{
		entry->database = database;
		entry->by = MyProcPid;
	}
	LWLockRelease(shared_lock);

	for (;;)
	{
		Place *place;
		pid_t pid = 0;

		LWLockAcquire(shared_lock, LW_SHARED);
		place = find_place(database);
		if (place)
			pid = place->pid;
		LWLockRelease(shared_lock);
		if (pid == 0 || pid == MyProcPid || GetCurrentTimestamp() >= give_up)
			break;
		/* again each time: one that has just started may not listen yet */
		kill(pid, SIGTERM);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
shared_admit(Oid database)
{
	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_KEPT_OUT; i++)
	{
		if (shared->kept_out[i].database == database && shared->kept_out[i].by == MyProcPid)
			shared->kept_out[i].database = InvalidOid;
	}
	shared->scan_wanted = true;
	if (shared->launcher)
		SetLatch(shared->launcher);
	LWLockRelease(shared_lock);
}

bool
shared_is_kept_out(Oid database)
{
	bool kept_out;

	LWLockAcquire(shared_lock, LW_EXCLUSIVE);
	kept_out = find_kept_out(database) != NULL;
	LWLockRelease(shared_lock);
	return kept_out;
}

static void
wake_after_commit(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		if (wake_at_commit && event != XACT_EVENT_ABORT)
			shared_wake(MyDatabaseId);
		wake_at_commit = false;
	}
}

void
shared_wake_at_commit(void)
{
	if (!shared)
		return;
	if (!callback_registered)
	{
		RegisterXactCallback(wake_after_commit, NULL);
		callback_registered = true;
	}
	wake_at_commit = true;
}

/* wake_worker(): wakes the worker when the transaction commits. */
Datum
ar_inbox_wake_worker(PG_FUNCTION_ARGS)
{
	shared_wake_at_commit();
	PG_RETURN_VOID();
}

/* wake_worker_trigger(): the same, as a statement trigger. */
Datum
ar_inbox_wake_worker_trigger(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("wake_worker_trigger: not called by a trigger")));
	shared_wake_at_commit();
	PG_RETURN_POINTER(NULL);
}
