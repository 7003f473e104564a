/*-------------------------------------------------------------------------
 *
 * functions/phrase_hits.c
 *	  Which messages have all pairs of a phrase, by the blocks of its index.
 *
 * For each block and pair the pages come that may have it: the last that begins
 * below the pair, and those that begin with it.  Pages begin at about equal
 * distances, so the one below is not further than three of them, most often; where
 * it is, it is asked for by itself.  (Without a bound, the index looks at hundreds
 * of entries to return the last.)  What all pairs of a block have in common is its
 * hits.  Their moments stand in the block itself, so the newest
 * of all are known without a look at any message; and as most blocks hold the
 * mail of some days, those with the newest messages are enough most often.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "functions/phrase.h"
#include "functions/statement.h"

PG_FUNCTION_INFO_V1(ar_inbox_phrase_hits);

/* Messages of a block that are read at once: what one piece of its value holds. */
#define WINDOW 128

/* A sorted list of places. */
typedef struct Places
{
	uint32 count;
	uint16 *places; /* room for as many as there can be */
} Places;

/* What a block has of all pairs. */
typedef struct BlockHits
{
	int64 newest; /* of its messages, found or not */
	Datum messages;
	Places found;
} BlockHits;

/* What was found so far. */
typedef struct Hits
{
	BlockMessage *messages;
	Size count;
	Size room;
	bool partial;
	int64 since; /* partial: what is from then and before may be missing */
} Hits;

static int
compare_newest_first(const void *a, const void *b)
{
	const BlockMessage *x = a;
	const BlockMessage *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return (x->message < y->message) - (x->message > y->message);
}

/* A row of what is looked up: a page, if it has one, that may have the pair. */
typedef struct PageRow
{
	int64 block;
	uint32 pair;
	bool has_page;
	Posting first;
	uint64 row;
} PageRow;

static int
compare_page_rows(const void *a, const void *b)
{
	const PageRow *x = a;
	const PageRow *y = b;

	if (x->block != y->block)
		return x->block > y->block ? 1 : -1;
	if (x->pair != y->pair)
		return x->pair > y->pair ? 1 : -1;
	return (x->first > y->first) - (x->first < y->first);
}

/* The rows of the last statement, by block, pair and page. */
static PageRow *
sorted_rows(uint64 nrows)
{
	PageRow *rows = palloc_extended(sizeof(PageRow) * Max(nrows, 1), MCXT_ALLOC_HUGE);

	for (uint64 i = 0; i < nrows; i++)
	{
		bool isnull;
		uint32 first_pair = (uint32) DatumGetInt32(row_datum(i, 4, &isnull));
		uint32 first_place;

		rows[i].block = row_int64(i, 1);
		rows[i].has_page = !isnull;
		first_place = isnull ? 0 : (uint32) DatumGetInt32(row_datum(i, 5, &isnull));
		rows[i].first = rows[i].has_page ? posting_of(first_pair, first_place) : 0;
		rows[i].pair = (uint32) DatumGetInt32(row_datum(i, 3, &isnull));
		rows[i].row = i;
	}
	qsort(rows, nrows, sizeof(PageRow), compare_page_rows);
	return rows;
}

/* Adds the places that a page has for this pair. */
static void
read_page(uint64 row, const PageRow *page, Places *found)
{
	bool isnull;
	bytea *postings = DatumGetByteaPP(row_datum(row, 6, &isnull));
	PairReader reader;
	Posting posting;

	pair_read_begin(&reader, page->first, VARDATA_ANY(postings), VARSIZE_ANY_EXHDR(postings));
	while (pair_read_next(&reader, &posting) && posting_pair(posting) <= page->pair)
	{
		/* they ascend from page to page too; of a damaged block, those that do */
		if (posting_pair(posting) == page->pair &&
			(found->count == 0 || posting_place(posting) > found->places[found->count - 1]))
			found->places[found->count++] = (uint16) posting_place(posting);
	}
	if (reader.damaged)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("block " INT64_FORMAT " of phrases is damaged", page->block),
						errhint("Run ar_inbox_internal.queue_phrases() for its company.")));
}

/* Adds what the last page that begins below the pair has, however far below. */
static void
read_page_below(const PageRow *wanted, Places *found)
{
	static Statement statement = {
		"select a.block_id, null, $2, a.first_pair, a.first_place, a.postings"
		" from ar_inbox.phrase_pages a"
		" where a.block_id = $1 and a.first_pair < $2"
		" and a.company_id = (select b.company_id from ar_inbox.phrase_blocks b where b.id = $1)"
		" order by a.first_pair desc, a.first_place desc limit 1",
		2,
		{INT8OID, INT4OID}};
	Datum values[2] = {Int64GetDatum(wanted->block), Int32GetDatum((int32) wanted->pair)};
	SPITupleTable *rows = SPI_tuptable;

	if (read_statement(&statement, values, NULL) > 0)
	{
		PageRow *page = sorted_rows(1);

		read_page(0, page, found);
		pfree(page);
	}
	SPI_tuptable = rows;
}

/*
 * read_pair
 *		Reads what a block has of a pair out of its rows, of which there are that
 *		many: the last page that begins below the pair, and those that begin with
 *		it.  Whether any of its messages has the pair.
 */
static bool
read_pair(const PageRow *rows, uint64 count, Places *found)
{
	uint64 first = 0;

	found->count = 0;
	while (first < count && rows[first].has_page &&
		   posting_pair(rows[first].first) < rows[first].pair)
		first++;
	if (first == 0)
		read_page_below(&rows[0], found);
	else
		first--;
	for (uint64 i = first; i < count && rows[i].has_page; i++)
		read_page(rows[i].row, &rows[i], found);
	return found->count > 0;
}

/* Leaves in the first what is in both. */
static void
keep_common(Places *a, const Places *b)
{
	uint32 kept = 0;

	for (uint32 i = 0, j = 0; i < a->count && j < b->count;)
	{
		if (a->places[i] < b->places[j])
			i++;
		else if (a->places[i] > b->places[j])
			j++;
		else
		{
			a->places[kept++] = a->places[i++];
			j++;
		}
	}
	a->count = kept;
}

static int
compare_blocks(const void *a, const void *b)
{
	int64 x = ((const BlockHits *) a)->newest;
	int64 y = ((const BlockHits *) b)->newest;

	return (x < y) - (x > y);
}

static void
miss_before(Hits *hits, int64 moment)
{
	hits->since = hits->partial ? Max(hits->since, moment) : moment;
	hits->partial = true;
}

/* Adds a block's newest messages, as many as are wanted in all. */
static void
add_hits(Hits *hits, const BlockHits *block, int most)
{
	const Places *places = &block->found;
	uint32 count = Min(places->count, most);
	bytea *window = NULL;
	uint32 window_first = 0;
	uint32 window_end = 0;

	while (hits->count + count > hits->room)
	{
		hits->room *= 2;
		hits->messages = repalloc_huge(hits->messages, sizeof(BlockMessage) * hits->room);
	}
	/* from the newest back; what is near each other is read together */
	for (uint32 i = 0; i < count; i++)
	{
		uint32 place = places->places[places->count - 1 - i];
		uint64 numbers[2];

		if (place < window_first || place >= window_end)
		{
			window_first = place >= WINDOW - 1 ? place - (WINDOW - 1) : 0;
			if (window != NULL)
				pfree(window);
			window = DatumGetByteaPSlice(block->messages, window_first * BLOCK_MESSAGE_BYTES,
										 (place + 1 - window_first) * BLOCK_MESSAGE_BYTES);
			window_end = window_first + VARSIZE_ANY_EXHDR(window) / BLOCK_MESSAGE_BYTES;
			if (place >= window_end)
				ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
								errmsg("a block of phrases names a message that it has not"),
								errhint("Run ar_inbox_internal.queue_phrases() for its company.")));
		}
		memcpy(numbers, VARDATA_ANY(window) + (place - window_first) * BLOCK_MESSAGE_BYTES,
			   BLOCK_MESSAGE_BYTES);
		hits->messages[hits->count].at = (int64) pg_ntoh64(numbers[0]);
		hits->messages[hits->count++].message = (int64) pg_ntoh64(numbers[1]);
	}
	if (count < places->count)
		miss_before(hits, hits->messages[hits->count - 1].at);
}

/*
 * collect
 *		The newest hits of all blocks: at least that many, if there are, of which
 *		none in between is missing.
 */
static void
collect(Hits *hits, BlockHits *blocks, int nblocks, int most)
{
	qsort(blocks, nblocks, sizeof(BlockHits), compare_blocks);
	for (int i = 0; i < nblocks; i++)
	{
		Size newer = 0;

		CHECK_FOR_INTERRUPTS();
		for (Size j = 0; j < hits->count; j++)
			newer += hits->messages[j].at > blocks[i].newest;
		if (newer >= most)
		{
			miss_before(hits, blocks[i].newest);
			break;
		}
		add_hits(hits, &blocks[i], most);
	}
}

/*
 * read_rows
 *		Only blocks with hits are kept.  Returns how many hits there are in all.
 */
static int64
read_rows(uint64 nrows, BlockHits *blocks, int *nblocks)
{
	PageRow *rows = sorted_rows(nrows);
	Places common = {0, palloc(sizeof(uint16) * PAIR_PLACES)};
	Places found = {0, palloc(sizeof(uint16) * PAIR_PLACES)};
	int64 total = 0;
	uint64 row = 0;

	*nblocks = 0;
	while (row < nrows)
	{
		uint64 begin = row;
		BlockHits *hits = &blocks[*nblocks];
		bool has_all = true;
		bool isnull;

		CHECK_FOR_INTERRUPTS();
		while (row < nrows && rows[row].block == rows[begin].block)
		{
			uint64 next = row;

			while (next < nrows && rows[next].block == rows[row].block &&
				   rows[next].pair == rows[row].pair)
				next++;
			/* a pair that is nowhere in the block: neither is the phrase */
			has_all = has_all && read_pair(&rows[row], next - row, row == begin ? &common : &found);
			if (has_all && row > begin)
				keep_common(&common, &found);
			row = next;
		}
		if (!has_all || common.count == 0)
			continue;
		hits->messages = row_datum(rows[begin].row, 2, &isnull);
		hits->newest = row_timestamp(rows[begin].row, 7, &isnull);
		hits->found.count = common.count;
		hits->found.places = palloc(sizeof(uint16) * common.count);
		memcpy(hits->found.places, common.places, sizeof(uint16) * common.count);
		total += common.count;
		(*nblocks)++;
	}
	pfree(rows);
	return total;
}

/* phrase_hits(companies, pairs, most, out messages, moments, since, total) */
Datum
ar_inbox_phrase_hits(PG_FUNCTION_ARGS)
{
	static Statement statement = {
		"select b.id, b.messages, p.pair, g.first_pair, g.first_place, g.postings, b.newest"
		" from ar_inbox.phrase_blocks b"
		" cross join (select distinct u.pair from unnest($2) u (pair)) p"
		" left join lateral ("
		" (select a.first_pair, a.first_place, a.postings from ar_inbox.phrase_pages a"
		" where a.company_id = b.company_id and a.block_id = b.id and a.first_pair < p.pair"
		" and a.first_pair >= p.pair - 3 * (268435456 / greatest(1, b.size / 4096))"
		" order by a.first_pair desc, a.first_place desc limit 1)"
		" union all"
		" select a.first_pair, a.first_place, a.postings from ar_inbox.phrase_pages a"
		" where a.company_id = b.company_id and a.block_id = b.id and a.first_pair = p.pair) g"
		" on true"
		" where b.company_id = any ($1)",
		2,
		{INT8ARRAYOID, INT4ARRAYOID}};
	Datum values[4] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	ArrayType *pairs = PG_GETARG_ARRAYTYPE_P(1);
	int most = Max(PG_GETARG_INT32(2), 1);
	Hits hits = {.room = 256};
	bool nulls[4] = {false, false, false, false};
	MemoryContext outer = CurrentMemoryContext;
	BlockHits *blocks;
	int nblocks;
	int64 total;
	uint64 nrows;
	Size kept = 0;
	TupleDesc desc;
	Datum *messages;
	Datum *moments;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "phrase_hits: not called as a function that returns a record");
	if (array_contains_nulls(pairs))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a pair is NULL")));
	SPI_connect();
	nrows = read_statement(&statement, values, NULL);
	/* each row may be a block's only one */
	blocks = palloc_extended(sizeof(BlockHits) * (nrows + 1), MCXT_ALLOC_HUGE);
	total = read_rows(nrows, blocks, &nblocks);
	hits.messages = MemoryContextAlloc(outer, sizeof(BlockMessage) * hits.room);
	collect(&hits, blocks, nblocks, most);
	SPI_finish();

	qsort(hits.messages, hits.count, sizeof(BlockMessage), compare_newest_first);
	messages = palloc_extended(sizeof(Datum) * Max(hits.count, 1), MCXT_ALLOC_HUGE);
	moments = palloc_extended(sizeof(Datum) * Max(hits.count, 1), MCXT_ALLOC_HUGE);
	while (kept < hits.count && (!hits.partial || hits.messages[kept].at > hits.since))
	{
		messages[kept] = Int64GetDatum(hits.messages[kept].message);
		moments[kept] = TimestampTzGetDatum(hits.messages[kept].at);
		kept++;
	}
	values[0] = PointerGetDatum(construct_array(messages, (int) kept, INT8OID, sizeof(int64),
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = PointerGetDatum(construct_array(moments, (int) kept, TIMESTAMPTZOID, sizeof(int64),
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[2] = TimestampTzGetDatum(hits.since);
	nulls[2] = !hits.partial;
	values[3] = Int64GetDatum(total);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
