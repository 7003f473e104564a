/*-------------------------------------------------------------------------
 *
 * functions/phrase_pairs.c
 *	  Which pairs of words are next to each other in a text, and in all that a
 *	  query finds; the queue of messages whose pairs are to be written.
 *
 * A pair is two words at positions that follow each other, as the vector says
 * it; a word left out for being frequent ("of") keeps its position, and what is
 * on both sides of it is no pair.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tsearch/ts_utils.h"
#include "utils/array.h"
#include "utils/rel.h"

#include "functions/phrase.h"
#include "functions/statement.h"

PG_FUNCTION_INFO_V1(ar_inbox_vector_pairs);
PG_FUNCTION_INFO_V1(ar_inbox_query_pairs);
PG_FUNCTION_INFO_V1(ar_inbox_queue_phrases_trigger);

/* Each pair of a query is looked up in every block. */
#define QUERY_PAIRS_MAX 8

/* A word where it stands. */
typedef struct Standing
{
	uint32 position;
	uint64 word;
} Standing;

#define ST_SORT sort_standing
#define ST_ELEMENT_TYPE Standing
#define ST_COMPARE(a, b) ((a)->position < (b)->position ? -1 : (a)->position > (b)->position)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_pairs
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static void
add_pair(PairList *list, uint32 pair)
{
	if (list->count == list->room)
	{
		Size room = Max(list->room * 2, 256);

		if (list->pairs == NULL)
			list->pairs = palloc(room * sizeof(uint32));
		else
			list->pairs = repalloc_huge(list->pairs, room * sizeof(uint32));
		list->room = room;
	}
	list->pairs[list->count++] = pair;
}

static void
sort_and_unite(PairList *list)
{
	Size kept = 0;

	sort_pairs(list->pairs, list->count);
	for (Size i = 0; i < list->count; i++)
	{
		if (kept == 0 || list->pairs[i] != list->pairs[kept - 1])
			list->pairs[kept++] = list->pairs[i];
	}
	list->count = kept;
}

void
vector_pairs(TSVector vector, PairList *list)
{
	WordEntry *entries = ARRPTR(vector);
	Standing *words;
	Size count = 0;
	Size start = 0;

	list->count = 0;
	for (int i = 0; i < vector->size; i++)
		count += POSDATALEN(vector, &entries[i]);
	words = palloc_extended(sizeof(Standing) * Max(count, 1), MCXT_ALLOC_HUGE);
	count = 0;
	for (int i = 0; i < vector->size; i++)
	{
		uint64 word = pair_word(STRPTR(vector) + entries[i].pos, entries[i].len);
		WordEntryPos *positions = POSDATAPTR(vector, &entries[i]);

		for (int j = 0; j < POSDATALEN(vector, &entries[i]); j++)
			words[count++] = (Standing){WEP_GETPOS(positions[j]), word};
	}
	sort_standing(words, count);

	/* several words may share a position: a number with zeros, the last there is */
	while (start < count)
	{
		Size next = start;
		Size end;

		while (next < count && words[next].position == words[start].position)
			next++;
		end = next;
		while (end < count && words[end].position == words[start].position + 1)
			end++;
		for (Size i = start; i < next; i++)
		{
			for (Size j = next; j < end; j++)
				add_pair(list, pair_number(words[i].word, words[j].word));
		}
		start = next;
	}
	pfree(words);
	sort_and_unite(list);
}

static Datum
pairs_array(const PairList *list)
{
	Datum *values = palloc_extended(sizeof(Datum) * Max(list->count, 1), MCXT_ALLOC_HUGE);

	for (Size i = 0; i < list->count; i++)
		values[i] = Int32GetDatum((int32) list->pairs[i]);
	return PointerGetDatum(construct_array(values, list->count, INT4OID, 4, true, TYPALIGN_INT));
}

/* vector_pairs(vector) */
Datum
ar_inbox_vector_pairs(PG_FUNCTION_ARGS)
{
	PairList list = {0};

	vector_pairs(PG_GETARG_TSVECTOR(0), &list);
	PG_RETURN_DATUM(pairs_array(&list));
}

/* What is known of a part of a query. */
typedef struct Part
{
	/* words that all stand where a match of it begins, and where it ends */
	QueryOperand **first;
	int nfirst;
	QueryOperand **last;
	int nlast;
	/* whether it is one place: words, but no phrase */
	bool narrow;
} Part;

typedef struct QueryWalk
{
	TSQuery query;
	PairList pairs;
	/* its words, and which of them are in a pair */
	bool *paired;
} QueryWalk;

static QueryOperand **
both(QueryOperand **a, int na, QueryOperand **b, int nb)
{
	QueryOperand **all = palloc(sizeof(QueryOperand *) * Max(na + nb, 1));

	memcpy(all, a, sizeof(QueryOperand *) * na);
	memcpy(all + na, b, sizeof(QueryOperand *) * nb);
	return all;
}

static uint64
operand_word(QueryWalk *walk, QueryOperand *operand)
{
	return pair_word(GETOPERAND(walk->query) + operand->distance, operand->length);
}

/*
 * walk_query
 *		Adds the pairs that this part of the query asks for: whatever it finds
 *		has them.  Of alternatives neither has to be there, and what must not be
 *		there has nothing to look up.
 */
static Part
walk_query(QueryWalk *walk, QueryItem *item)
{
	Part part = {0};
	Part left;
	Part right;

	check_stack_depth();
	if (item->type == QI_VAL)
	{
		/* the beginning of a word stands for many; a weight is not in the index */
		if (item->qoperand.prefix || item->qoperand.weight != 0)
			return part;
		part.first = palloc(sizeof(QueryOperand *));
		part.first[0] = &item->qoperand;
		part.nfirst = 1;
		part.last = part.first;
		part.nlast = 1;
		part.narrow = true;
		return part;
	}
	if (item->qoperator.oper == OP_NOT || item->qoperator.oper == OP_OR)
		return part;

	/* the right one follows its operator, the left one is further on */
	right = walk_query(walk, item + 1);
	left = walk_query(walk, item + item->qoperator.left);
	if (item->qoperator.oper == OP_AND)
	{
		/* within a phrase, words stand at one place; phrases begin together */
		if (!left.narrow || !right.narrow)
			return part;
		part.narrow = true;
		part.first = both(left.first, left.nfirst, right.first, right.nfirst);
		part.nfirst = left.nfirst + right.nfirst;
		part.last = both(left.last, left.nlast, right.last, right.nlast);
		part.nlast = left.nlast + right.nlast;
		return part;
	}
	Assert(item->qoperator.oper == OP_PHRASE);
	if (item->qoperator.distance == 1)
	{
		for (int i = 0; i < left.nlast; i++)
		{
			for (int j = 0; j < right.nfirst; j++)
			{
				add_pair(&walk->pairs, pair_number(operand_word(walk, left.last[i]),
												   operand_word(walk, right.first[j])));
				walk->paired[(QueryItem *) left.last[i] - GETQUERY(walk->query)] = true;
				walk->paired[(QueryItem *) right.first[j] - GETQUERY(walk->query)] = true;
			}
		}
	}
	/* a match of a phrase is where its last word is; what precedes is no matter */
	part.last = right.last;
	part.nlast = right.nlast;
	return part;
}

/* query_pairs(query, out pairs, out whole) */
Datum
ar_inbox_query_pairs(PG_FUNCTION_ARGS)
{
	QueryWalk walk = {.query = PG_GETARG_TSQUERY(0)};
	QueryItem *items = GETQUERY(walk.query);
	bool whole = true;
	TupleDesc desc;
	Datum values[2];
	bool nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "query_pairs: not called as a function that returns a record");
	walk.paired = palloc0(sizeof(bool) * Max(walk.query->size, 1));
	if (walk.query->size > 0)
		walk_query(&walk, items);
	sort_and_unite(&walk.pairs);
	for (int i = 0; i < walk.query->size; i++)
		whole &= items[i].type == QI_VAL ?
					 walk.paired[i] :
					 items[i].qoperator.oper == OP_AND ||
						 (items[i].qoperator.oper == OP_PHRASE && items[i].qoperator.distance == 1);
	if (walk.pairs.count > QUERY_PAIRS_MAX)
	{
		walk.pairs.count = QUERY_PAIRS_MAX;
		whole = false;
	}
	values[0] = pairs_array(&walk.pairs);
	values[1] = BoolGetDatum(whole && walk.pairs.count > 0);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* A column of the new row, which is not NULL. */
static Datum
new_value(TriggerData *trigger, const char *name)
{
	HeapTuple row =
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	int number = SPI_fnumber(desc, name);
	Datum value = (Datum) 0;
	bool isnull = true;

	if (number > 0)
		value = SPI_getbinval(row, desc, number, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("queue_phrases_trigger: table \"%s\" has no column \"%s\", or it is null",
						RelationGetRelationName(trigger->tg_relation), name)));
	return value;
}

Datum
ar_inbox_queue_phrases_trigger(PG_FUNCTION_ARGS)
{
	static Statement statements[2] = {
		{"insert into ar_inbox.phrase_queue (company_id, email_id) values ($1, $2)",
		 2,
		 {INT8OID, INT8OID}},
		{"insert into ar_inbox.phrase_queue (company_id, note_id) values ($1, $2)",
		 2,
		 {INT8OID, INT8OID}},
	};
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Datum values[2];
	int column;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("queue_phrases_trigger: not called by a trigger")));
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("queue_phrases_trigger: must be fired after")));
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("queue_phrases_trigger: must be fired for each row")));
	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("queue_phrases_trigger: must be fired by an insert or an update")));
	if (trigger->tg_trigger->tgnargs != 1 ||
		(strcmp(trigger->tg_trigger->tgargs[0], "email_id") != 0 &&
		 strcmp(trigger->tg_trigger->tgargs[0], "note_id") != 0))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("queue_phrases_trigger: its argument must be email_id or note_id")));

	column = strcmp(trigger->tg_trigger->tgargs[0], "note_id") == 0;
	values[0] = new_value(trigger, "company_id");
	values[1] = new_value(trigger, "id");
	SPI_connect();
	run_statement(&statements[column], values, NULL);
	SPI_finish();
	PG_RETURN_POINTER(NULL);
}
