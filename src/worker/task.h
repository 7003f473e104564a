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

#include "executor/spi.h"
#include "utils/timestamp.h"

/* A statement that is planned once and run many times. */
typedef struct Statement
{
	const char *text;
	int nargs;
	Oid types[16];
	SPIPlanPtr plan;
} Statement;

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

/*
 * Runs a statement with these values; nulls may be NULL for none.  The rows
 * are in SPI_tuptable until the next one.
 */
extern uint64 run_statement(Statement *statement, Datum *values, const char *nulls);

/* A column of a row, by its number from 1, in the current context; NULL for NULL. */
extern char *row_text(uint64 row, int column);
extern int64 row_int64(uint64 row, int column);
extern TimestampTz row_timestamp(uint64 row, int column, bool *isnull);

#endif /* AR_INBOX_TASK_H */
