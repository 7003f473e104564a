/*-------------------------------------------------------------------------
 *
 * task.c
 *	  The worker's units of work: one transaction each, survived if it fails.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "worker/task.h"

static bool extension_is_gone = false;

/*
 * Whether the extension is here, and stays for this transaction.  Somebody who
 * is dropping it is never waited for, and waits for one task at most.
 */
static bool
hold_extension(void)
{
	Oid extension = get_extension_oid("ar_inbox", true);
	LOCKTAG tag;

	extension_is_gone = !OidIsValid(extension);
	if (extension_is_gone)
		return false;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	extension_is_gone = get_extension_oid("ar_inbox", true) != extension;
	return !extension_is_gone;
}

TaskEnd
run_task(const char *activity, void (*task)(void *), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	volatile TaskEnd end = TASK_DONE;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (hold_extension())
		{
			pgstat_report_activity(STATE_RUNNING, activity);
			SPI_connect();
			PushActiveSnapshot(GetTransactionSnapshot());
			task(arg);
			SPI_finish();
			PopActiveSnapshot();
		}
		else
			end = TASK_NO_EXTENSION;
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		/* what somebody holds is left for later, without a line a second */
		if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
			EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		end = TASK_FAILED;
	}
	PG_END_TRY();

	MemoryContextSwitchTo(context);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return end;
}

bool
task_extension_is_gone(void)
{
	return extension_is_gone;
}
