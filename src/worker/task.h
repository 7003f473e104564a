/*-------------------------------------------------------------------------
 *
 * task.h
 *	  The worker's units of work: one transaction each, survived if it fails.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_TASK_H
#define AR_INBOX_TASK_H

#include "compat.h"

#include "functions/statement.h"

/* What became of a task. */
typedef enum TaskEnd
{
	TASK_DONE,
	TASK_FAILED,	   /* reported; its changes are gone */
	TASK_NO_EXTENSION, /* the extension is not there, or being dropped */
} TaskEnd;

/*
 * Runs the task in a transaction of its own, within which the extension cannot
 * be dropped.  activity is what pg_stat_activity shows.  An error is written
 * to the log and ends this task only.
 */
extern TaskEnd run_task(const char *activity, void (*task)(void *), void *arg);

/* Whether the extension is gone, as the last task saw it. */
extern bool task_extension_is_gone(void);

#endif /* AR_INBOX_TASK_H */
