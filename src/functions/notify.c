/*-------------------------------------------------------------------------
 *
 * notify.c
 *	  One notice a transaction of the threads it changed: LISTEN ar_inbox.
 *
 * Triggers on the tables that a thread is made of say which thread changed.
 * It is written down in memory that lives as long as the transaction, and
 * when that commits, all of it goes out as one NOTIFY.  What a subtransaction
 * changed is forgotten again when it rolls back.
 *
 * Both lists are stacks: what a subtransaction added lies above what was there
 * before, and everything is labelled with the nesting level that it belongs
 * to, so a subtransaction that ends costs only what it added itself.
 *
 * Memory and message are bounded.  A company with many changed threads is
 * named without them, and with many companies the notice says only that
 * everything may have changed.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/hsearch.h"
#include "utils/rel.h"

#include "functions/statement.h"

PG_FUNCTION_INFO_V1(ar_inbox_notify_trigger);

#define CHANNEL "ar_inbox"
/* what Async_Notify() takes is one byte less than this */
#define PAYLOAD_ROOM 8000
/* of one company, and of all: more would not go into a message anyway */
#define MAX_THREADS_OF_COMPANY 500
#define MAX_THREADS 2000
#define MAX_COMPANIES 500

/* A company in which something changed. */
typedef struct Company
{
	int64 id;
	int level;		/* the nesting level that named it */
	int many_level; /* the level that changed too many of its threads; 0: none did */
	int threads;
} Company;

typedef struct Thread
{
	int64 company_id;
	int64 id;
	int company; /* its place among the companies */
	int level;
} Thread;

/* What finds a company (with thread 0) or a thread in its list. */
typedef struct Place
{
	int64 company_id;
	int64 thread_id;
	int number;
} Place;

static struct
{
	HTAB *places; /* NULL: nothing was changed yet */
	Company *companies;
	int company_count;
	int company_room;
	Thread *threads;
	int thread_count;
	int thread_room;
	int all_level;	  /* the level that changed too many companies; 0: none did */
	int deepest_many; /* no company's many_level is above it */
	int deepest;	  /* nothing belongs to a level above it */
} changed;

static void
forget_all(void)
{
	/* the memory goes with its transaction */
	memset(&changed, 0, sizeof(changed));
}

static void
forget_thread(const Thread *thread)
{
	/* the company's id and the thread's are the whole key */
	int64 key[2] = {thread->company_id, thread->id};

	hash_search(changed.places, key, HASH_REMOVE, NULL);
	changed.companies[thread->company].threads--;
}

/* A subtransaction of that level has rolled back: what it added goes. */
static void
forget_level(int level)
{
	while (changed.thread_count > 0 && changed.threads[changed.thread_count - 1].level >= level)
		forget_thread(&changed.threads[--changed.thread_count]);
	while (changed.company_count > 0 && changed.companies[changed.company_count - 1].level >= level)
	{
		int64 key[2] = {changed.companies[--changed.company_count].id, 0};

		hash_search(changed.places, key, HASH_REMOVE, NULL);
	}
	if (changed.deepest_many >= level)
	{
		for (int i = 0; i < changed.company_count; i++)
		{
			if (changed.companies[i].many_level >= level)
				changed.companies[i].many_level = 0;
		}
		changed.deepest_many = level - 1;
	}
	if (changed.all_level >= level)
		changed.all_level = 0;
	changed.deepest = level - 1;
}

/* It has committed: what it added is its parent's. */
static void
raise_level(int level)
{
	for (int i = changed.thread_count - 1; i >= 0 && changed.threads[i].level >= level; i--)
		changed.threads[i].level = level - 1;
	for (int i = changed.company_count - 1; i >= 0 && changed.companies[i].level >= level; i--)
		changed.companies[i].level = level - 1;
	if (changed.deepest_many >= level)
	{
		for (int i = 0; i < changed.company_count; i++)
		{
			if (changed.companies[i].many_level >= level)
				changed.companies[i].many_level = level - 1;
		}
		changed.deepest_many = level - 1;
	}
	if (changed.all_level >= level)
		changed.all_level = level - 1;
	changed.deepest = level - 1;
}

static void
append_companies(StringInfo out, int most)
{
	appendStringInfoString(out, "{\"companies\": [");
	for (int i = 0; i < changed.company_count; i++)
	{
		const Company *company = &changed.companies[i];

		appendStringInfo(out, "%s{\"company_id\": " INT64_FORMAT, i > 0 ? ", " : "", company->id);
		if (company->many_level == 0 && company->threads <= most)
		{
			const char *before = ", \"thread_ids\": [";

			/* few: most notices have one company and one thread */
			for (int j = 0; j < changed.thread_count; j++)
			{
				if (changed.threads[j].company != i)
					continue;
				appendStringInfo(out, "%s" INT64_FORMAT, before, changed.threads[j].id);
				before = ", ";
			}
			appendStringInfoChar(out, ']');
		}
		appendStringInfoChar(out, '}');
	}
	appendStringInfoString(out, "]}");
}

static void
send_notice(void)
{
	StringInfoData out;

	if (changed.company_count == 0)
		return;
	initStringInfo(&out);
	if (changed.all_level == 0)
	{
		/* as many threads as go into it, those of the busiest companies last */
		for (int most = MAX_THREADS_OF_COMPANY;; most /= 2)
		{
			resetStringInfo(&out);
			append_companies(&out, most);
			if (out.len < PAYLOAD_ROOM || most == 0)
				break;
		}
	}
	if (changed.all_level != 0 || out.len >= PAYLOAD_ROOM)
	{
		resetStringInfo(&out);
		appendStringInfoString(&out, "{\"companies\": [], \"all\": true}");
	}
	Async_Notify(CHANNEL, out.data);
	pfree(out.data);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			send_notice();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		/* a prepared transaction may not NOTIFY, whoever listens hears nothing of it */
		case XACT_EVENT_PREPARE:
			forget_all();
			break;
		case XACT_EVENT_PRE_PREPARE:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();

	if (changed.deepest < level)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_level(level);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		raise_level(level);
}

static void
begin_list(void)
{
	static bool registered = false;
	HASHCTL ctl = {0};

	if (!registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		RegisterSubXactCallback(at_subtransaction_end, NULL);
		registered = true;
	}
	ctl.keysize = 2 * sizeof(int64);
	ctl.entrysize = sizeof(Place);
	ctl.hcxt = TopTransactionContext;
	changed.company_room = 4;
	changed.companies =
		MemoryContextAlloc(TopTransactionContext, changed.company_room * sizeof(Company));
	changed.thread_room = 16;
	changed.threads =
		MemoryContextAlloc(TopTransactionContext, changed.thread_room * sizeof(Thread));
	/* last: with it, all is there */
	changed.places =
		hash_create("ar_inbox changed threads", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The company's place in the list, made if it has none; -1: there are too many. */
static int
place_of_company(int64 company_id, int level)
{
	int64 key[2] = {company_id, 0};
	Place *place;
	bool found;

	place = hash_search(changed.places, key, HASH_FIND, NULL);
	if (place != NULL)
		return place->number;
	if (changed.company_count == MAX_COMPANIES)
	{
		changed.all_level = level;
		changed.deepest = level;
		return -1;
	}
	if (changed.company_count == changed.company_room)
	{
		changed.companies = repalloc(changed.companies, 2 * changed.company_room * sizeof(Company));
		changed.company_room *= 2;
	}
	place = hash_search(changed.places, key, HASH_ENTER, &found);
	place->number = changed.company_count;
	changed.companies[changed.company_count++] =
		(Company){.id = company_id, .level = level, .many_level = 0, .threads = 0};
	changed.deepest = level;
	return place->number;
}

static void
thread_changed(int64 company_id, int64 thread_id)
{
	int64 key[2] = {company_id, thread_id};
	int level = GetCurrentTransactionNestLevel();
	Thread *last;
	Company *company;
	Place *place;
	int number;
	bool found;

	if (changed.all_level != 0)
		return;
	if (changed.places == NULL)
		begin_list();
	/* one message changes its thread several times */
	last = changed.thread_count > 0 ? &changed.threads[changed.thread_count - 1] : NULL;
	if (last != NULL && last->id == thread_id && last->company_id == company_id)
		return;

	number = place_of_company(company_id, level);
	if (number < 0)
		return;
	company = &changed.companies[number];
	if (company->many_level != 0 || hash_search(changed.places, key, HASH_FIND, NULL) != NULL)
		return;
	if (company->threads == MAX_THREADS_OF_COMPANY || changed.thread_count == MAX_THREADS)
	{
		company->many_level = level;
		changed.deepest_many = Max(changed.deepest_many, level);
		changed.deepest = level;
		return;
	}
	if (changed.thread_count == changed.thread_room)
	{
		changed.threads = repalloc(changed.threads, 2 * changed.thread_room * sizeof(Thread));
		changed.thread_room *= 2;
	}
	place = hash_search(changed.places, key, HASH_ENTER, &found);
	place->number = changed.thread_count;
	changed.threads[changed.thread_count++] =
		(Thread){.company_id = company_id, .id = thread_id, .company = number, .level = level};
	company->threads++;
	changed.deepest = level;
}

/* Where the columns are; the tables' columns have no fixed numbers. */
typedef struct Columns
{
	Oid relid;
	AttrNumber company;
	AttrNumber subject;
} Columns;

static bool
is_column(TupleDesc desc, AttrNumber number, const char *name)
{
	return number >= 1 && number <= desc->natts &&
		   strcmp(NameStr(TupleDescAttr(desc, number - 1)->attname), name) == 0;
}

static const Columns *
columns_of(Relation relation, const char *subject)
{
	static Columns known[8];
	Columns *columns = &known[RelationGetRelid(relation) % lengthof(known)];
	TupleDesc desc = RelationGetDescr(relation);

	/* they are looked up again if the table is another one, or was altered */
	if (columns->relid == RelationGetRelid(relation) &&
		is_column(desc, columns->company, "company_id") &&
		is_column(desc, columns->subject, subject))
		return columns;
	columns->company = SPI_fnumber(desc, "company_id");
	columns->subject = SPI_fnumber(desc, subject);
	if (columns->company <= 0 || columns->subject <= 0)
	{
		columns->relid = InvalidOid;
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(relation),
						columns->company <= 0 ? "company_id" : subject)));
	}
	columns->relid = RelationGetRelid(relation);
	return columns;
}

/* The thread of an email; 0: there is no such email. */
static int64
thread_of_email(Datum company_id, Datum email_id)
{
	static Statement statement = {
		"select e.thread_id from ar_inbox.emails e where e.company_id = $1 and e.id = $2",
		2,
		{INT8OID, INT8OID}};
	Datum values[2] = {company_id, email_id};
	int64 thread = 0;

	SPI_connect();
	if (run_statement(&statement, values, NULL) == 1)
		thread = row_int64(0, 1);
	SPI_finish();
	return thread;
}

/*
 * ar_inbox_notify_trigger
 *		After insert or update of a row: its thread has changed.  The trigger's
 *		argument is the column that tells which: the thread's id, or, named
 *		email_id, an email's.
 */
Datum
ar_inbox_notify_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const Columns *columns;
	const char *subject;
	TupleDesc desc;
	HeapTuple row;
	Datum company_id;
	Datum id;
	bool isnull;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("notify_trigger: not called by a trigger")));
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("notify_trigger: must be fired after")));
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("notify_trigger: must be fired for each row")));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		row = trigger->tg_newtuple;
	else if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		row = trigger->tg_trigtuple;
	else
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("notify_trigger: must be fired by an insert or an update")));
	if (trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("notify_trigger: must have the name of a column as its argument")));

	subject = trigger->tg_trigger->tgargs[0];
	columns = columns_of(trigger->tg_relation, subject);
	desc = RelationGetDescr(trigger->tg_relation);
	company_id = heap_getattr(row, columns->company, desc, &isnull);
	if (isnull)
		PG_RETURN_POINTER(NULL);
	id = heap_getattr(row, columns->subject, desc, &isnull);
	if (isnull)
		PG_RETURN_POINTER(NULL);
	if (strcmp(subject, "email_id") == 0)
	{
		int64 thread = thread_of_email(company_id, id);

		if (thread != 0)
			thread_changed(DatumGetInt64(company_id), thread);
	}
	else
		thread_changed(DatumGetInt64(company_id), DatumGetInt64(id));
	PG_RETURN_POINTER(NULL);
}
