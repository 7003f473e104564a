/*-------------------------------------------------------------------------
 *
 * inbox.c
 *	  The thread-status rules, as a trigger on inserts into ar_inbox.emails.
 *
 * Whether a message opens its thread says opens_thread(); it then ends the
 * thread's snooze too.  Any other changes no status: a thread
 * that an outgoing message has created is closed from the start, one that was
 * there stays as it was.
 *
 * A thread that was merged into another one while the message was on its way
 * here takes none any more: the message goes to the thread in force.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "functions/statement.h"

PG_FUNCTION_INFO_V1(ar_inbox_opens_thread);
PG_FUNCTION_INFO_V1(ar_inbox_thread_status_trigger);

/* The rule; wanted: whether the company wants automatic mail to open threads. */
static bool
opens_thread(const char *direction, const char *kind, bool automatic, bool imported, bool wanted)
{
	return strcmp(direction, "incoming") == 0 && !imported &&
		   (!automatic || wanted || strcmp(kind, "bounce") == 0 || strcmp(kind, "complaint") == 0);
}

/* opens_thread(direction, kind, automatic, imported, automatic_mail_opens_threads) */
Datum
ar_inbox_opens_thread(PG_FUNCTION_ARGS)
{
	const char *direction = DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(0)));

	PG_RETURN_BOOL(opens_thread(direction, text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_BOOL(2),
								PG_GETARG_BOOL(3), PG_GETARG_BOOL(4)));
}

/* Whether the company wants automatic mail to open threads. */
static bool
wants_automatic(Datum company_id)
{
	static Statement statement = {
		"select c.automatic_mail_opens_threads from ar_inbox.companies c where c.id = $1",
		1,
		{INT8OID}};
	bool isnull;

	if (run_statement(&statement, &company_id, NULL) == 0)
		return false;
	return DatumGetBool(row_datum(0, 1, &isnull));
}

/* A column of the new row, none of which may be NULL. */
static Datum
column(TriggerData *trigger, const char *name)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	int number = SPI_fnumber(desc, name);
	bool isnull;
	Datum value;

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no column \"%s\"",
							   RelationGetRelationName(trigger->tg_relation), name)));
	value = SPI_getbinval(trigger->tg_trigtuple, desc, number, &isnull);
	if (isnull)
		elog(ERROR, "column \"%s\" of table \"%s\" is null", name,
			 RelationGetRelationName(trigger->tg_relation));
	return value;
}

/*
 * Puts a message into the thread that its own one was merged into, and makes
 * that the thread; false where it was not merged.  The merge has committed:
 * the update of the merged thread waited for it, and then changed no row.
 */
static bool
move_to_thread_in_force(Datum company_id, Datum *thread_id, Datum email_id)
{
	static Statement asks = {"select from ar_inbox.threads t"
							 " where t.company_id = $1 and t.id = $2"
							 " and t.merged_into_id is not null",
							 2,
							 {INT8OID, INT8OID}};
	static Statement moves = {"update ar_inbox.emails e"
							  " set thread_id = ar_inbox_internal.current_thread($1, $2)"
							  " where e.company_id = $1 and e.id = $3 returning e.thread_id",
							  3,
							  {INT8OID, INT8OID, INT8OID}};
	Datum values[3] = {company_id, *thread_id, email_id};
	bool isnull;

	/* most often it was not: the thread was made for this message */
	if (run_statement(&asks, values, NULL) == 0)
		return false;
	if (run_statement(&moves, values, NULL) == 0)
		return false;
	*thread_id = row_datum(0, 1, &isnull);
	return true;
}

/*
 * Whether the thread was made for this message, and has it already.  Looked up
 * without the executor: of a batch of reminders nearly every one is so.
 */
static bool
thread_was_made_for(Datum company_id, Datum thread_id, Datum email_id)
{
	Oid schema = get_namespace_oid("ar_inbox", false);
	Oid table = get_relname_relid("threads", schema);
	ScanKeyData keys[2];
	Relation threads = table_open(table, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;
	bool was = false;

	ScanKeyInit(&keys[0], get_attnum(table, "id"), BTEqualStrategyNumber, F_INT8EQ, thread_id);
	ScanKeyInit(&keys[1], get_attnum(table, "company_id"), BTEqualStrategyNumber, F_INT8EQ,
				company_id);
	scan = systable_beginscan(threads, get_relname_relid("threads_pkey", schema), true,
							  SnapshotSelf, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum last = heap_getattr(tuple, get_attnum(table, "last_email_id"),
								  RelationGetDescr(threads), &isnull);

		was = !isnull && DatumGetInt64(last) == DatumGetInt64(email_id);
	}
	systable_endscan(scan);
	table_close(threads, AccessShareLock);
	return was;
}

Datum
ar_inbox_thread_status_trigger(PG_FUNCTION_ARGS)
{
	static Statement update = {
		"update ar_inbox.threads t set message_count = t.message_count + 1,"
		" last_email_id = case when t.last_message_at > $5 then t.last_email_id else $3 end,"
		" last_direction = case when t.last_message_at > $5 then t.last_direction"
		" else $4::ar_inbox.direction end,"
		" last_message_at = greatest(t.last_message_at, $5),"
		" status = case when $6 then 'open' else t.status end,"
		" snoozed_until = case when not $6 then t.snoozed_until end,"
		/* closed work of somebody who has left the company is nobody's when it comes back */
		" assignee_id = case when $6 and t.status = 'closed' and t.assignee_id is not null"
		" then (select m.id from ar_inbox.members m where m.company_id = t.company_id"
		" and m.id = t.assignee_id and m.removed_at is null) else t.assignee_id end"
		" where t.company_id = $1 and t.id = $2 and t.merged_into_id is null",
		6,
		{INT8OID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, BOOLOID}};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc desc;
	Datum values[6];
	const char *direction;
	const char *kind;
	bool automatic;
	bool imported;
	bool opens;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("thread_status_trigger: not called by a trigger")));
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("thread_status_trigger: must be fired after")));
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("thread_status_trigger: must be fired for each row")));
	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("thread_status_trigger: must be fired by an insert")));

	values[0] = column(trigger, "company_id");
	values[1] = column(trigger, "thread_id");
	values[2] = column(trigger, "id");
	if (thread_was_made_for(values[0], values[1], values[2]))
		return PointerGetDatum(NULL);
	values[4] = column(trigger, "occurred_at");
	automatic = DatumGetBool(column(trigger, "automatic"));
	imported = DatumGetBool(column(trigger, "imported"));
	kind = TextDatumGetCString(column(trigger, "kind"));
	desc = RelationGetDescr(trigger->tg_relation);
	direction = SPI_getvalue(trigger->tg_trigtuple, desc, SPI_fnumber(desc, "direction"));
	/* the enumeration travels as text: its type has no fixed OID */
	values[3] = CStringGetTextDatum(direction);

	SPI_connect();
	opens = opens_thread(direction, kind, automatic, imported, true);
	if (opens && !opens_thread(direction, kind, automatic, imported, false))
		opens = wants_automatic(values[0]);
	values[5] = BoolGetDatum(opens);
	for (;;)
	{
		uint64 updated = run_statement(&update, values, NULL);

		/* the thread in force may be merged in its turn before it is ours */
		CHECK_FOR_INTERRUPTS();
		if (updated > 0 || !move_to_thread_in_force(values[0], &values[1], values[2]))
			break;
	}
	SPI_finish();
	PG_RETURN_POINTER(NULL);
}
