/*-------------------------------------------------------------------------
 *
 * functions/rare_number.c
 *	  Whether a query asks for a number that few messages have.
 *
 * The number of an invoice, an order, a customer: there are many, each in a few
 * messages, which the index of words finds at once.  A year, or the house number
 * of the company's own letterhead, is in every other message; what the planner's
 * statistics list as frequent is no rare one.  (Of few messages they list every
 * word, with how many have it.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tsearch/ts_utils.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(ar_inbox_has_rare_number);

/* The messages that have a word which is no rare one: a part of all, or so many. */
#define FREQUENT_PART 0.01
#define FREQUENT_MESSAGES 2000.0

/* The most frequent words of all messages, and from which part of all they count. */
typedef struct Frequent
{
	AttStatsSlot words;
	bool known;
	double part;
} Frequent;

/* How many messages there are, as ANALYZE or VACUUM found. */
static double
messages_in(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	double messages = 0;

	if (HeapTupleIsValid(tuple))
	{
		messages = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return Max(messages, 1);
}

static void
find_frequent(Frequent *frequent)
{
	Oid schema = get_namespace_oid("ar_inbox", true);
	Oid table = OidIsValid(schema) ? get_relname_relid("emails", schema) : InvalidOid;
	HeapTuple statistics;

	if (!OidIsValid(table))
		return;
	statistics = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table),
								 Int16GetDatum(get_attnum(table, "search")), BoolGetDatum(false));
	if (!HeapTupleIsValid(statistics))
		return;
	frequent->known = get_attstatsslot(&frequent->words, statistics, STATISTIC_KIND_MCELEM,
									   InvalidOid, ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS);
	ReleaseSysCache(statistics);
	frequent->part = Min(FREQUENT_PART, FREQUENT_MESSAGES / messages_in(table));
}

static bool
is_frequent(const Frequent *frequent, const char *word, int length)
{
	for (int i = 0; i < frequent->words.nvalues; i++)
	{
		text *other = (text *) DatumGetPointer(frequent->words.values[i]);

		if (VARSIZE_ANY_EXHDR(other) == length && memcmp(VARDATA_ANY(other), word, length) == 0)
			return i >= frequent->words.nnumbers || frequent->words.numbers[i] >= frequent->part;
	}
	return false;
}

/* A word that is, or has in it, a number. */
static bool
has_digit(const char *word, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (word[i] >= '0' && word[i] <= '9')
			return true;
	}
	return false;
}

/* Whether all that this part of the query finds has such a word. */
static bool
needs_rare_number(TSQuery query, QueryItem *item, const Frequent *frequent)
{
	QueryOperand *word = &item->qoperand;

	check_stack_depth();
	if (item->type == QI_VAL)
	{
		const char *characters = GETOPERAND(query) + word->distance;

		return !word->prefix && has_digit(characters, word->length) &&
			   !is_frequent(frequent, characters, word->length);
	}
	if (item->qoperator.oper != OP_AND && item->qoperator.oper != OP_PHRASE)
		return false;
	return needs_rare_number(query, item + 1, frequent) ||
		   needs_rare_number(query, item + item->qoperator.left, frequent);
}

/* has_rare_number(query) */
Datum
ar_inbox_has_rare_number(PG_FUNCTION_ARGS)
{
	TSQuery query = PG_GETARG_TSQUERY(0);
	Frequent frequent = {.known = false};
	bool has = false;

	if (query->size > 0)
	{
		find_frequent(&frequent);
		if (frequent.known)
		{
			has = needs_rare_number(query, GETQUERY(query), &frequent);
			free_attstatsslot(&frequent.words);
		}
	}
	PG_RETURN_BOOL(has);
}
