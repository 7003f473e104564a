/*-------------------------------------------------------------------------
 *
 * functions/phrase_block.c
 *	  Writes blocks of the index of phrases, and joins them.
 *
 * A block's messages stand in the order of their moments, and its postings in
 * that of their pairs, then of their messages.  So joining blocks is merging
 * sorted lists twice: of the messages, which tells each its new place, then of
 * the postings.  Pages are read by cursors and written as they fill, so that
 * what is in memory does not grow with the blocks, but for 20 bytes a message.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "functions/phrase.h"
#include "functions/statement.h"

PG_FUNCTION_INFO_V1(ar_inbox_write_phrase_block);
PG_FUNCTION_INFO_V1(ar_inbox_join_phrase_blocks);

/* A block is written when it has so many postings, so that they fit in 16 MB. */
#define POSTINGS_MAX 2000000

/* Pages that are read at once. */
#define PAGES_FETCHED 64

#define ST_SORT sort_postings
#define ST_ELEMENT_TYPE Posting
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A block that is being written. */
typedef struct NewBlock
{
	int64 company;
	int64 id;
	int64 size;
	bool begun; /* there is a page */
	PairPage page;
	bytea *buffer; /* room for one */
} NewBlock;

static bytea *
stored_messages(const BlockMessage *messages, Size count)
{
	bytea *stored = palloc(VARHDRSZ + count * BLOCK_MESSAGE_BYTES);
	char *p = VARDATA(stored);

	SET_VARSIZE(stored, VARHDRSZ + count * BLOCK_MESSAGE_BYTES);
	for (Size i = 0; i < count; i++)
	{
		uint64 numbers[2] = {pg_hton64((uint64) messages[i].at),
							 pg_hton64((uint64) messages[i].message)};

		memcpy(p, numbers, BLOCK_MESSAGE_BYTES);
		p += BLOCK_MESSAGE_BYTES;
	}
	return stored;
}

static void
begin_block(NewBlock *block, int64 company, const BlockMessage *messages, Size count)
{
	static Statement statement = {
		"insert into ar_inbox.phrase_blocks (company_id, size, newest, messages)"
		" values ($1, $2, $3, $4) returning id",
		4,
		{INT8OID, INT4OID, TIMESTAMPTZOID, BYTEAOID}};
	Datum values[4];

	memset(block, 0, sizeof(*block));
	block->company = company;
	block->size = count * BLOCK_MESSAGE_BYTES;
	block->buffer = palloc(VARHDRSZ + PAIR_PAGE_BYTES);
	values[0] = Int64GetDatum(company);
	values[1] = Int32GetDatum((int32) block->size);
	values[2] = TimestampTzGetDatum(messages[count - 1].at);
	values[3] = PointerGetDatum(stored_messages(messages, count));
	if (run_statement(&statement, values, NULL) != 1)
		elog(ERROR, "could not write a block of phrases");
	block->id = row_int64(0, 1);
}

static void
write_page(NewBlock *block)
{
	static Statement statement = {"insert into ar_inbox.phrase_pages (company_id, block_id, "
								  "first_pair, first_place, postings)"
								  " values ($1, $2, $3, $4, $5)",
								  5,
								  {INT8OID, INT8OID, INT4OID, INT4OID, BYTEAOID}};
	Datum values[5] = {Int64GetDatum(block->company), Int64GetDatum(block->id),
					   Int32GetDatum((int32) posting_pair(block->page.first)),
					   Int32GetDatum((int32) posting_place(block->page.first)),
					   PointerGetDatum(block->buffer)};

	CHECK_FOR_INTERRUPTS();
	SET_VARSIZE(block->buffer, VARHDRSZ + block->page.len);
	memcpy(VARDATA(block->buffer), block->page.bytes, block->page.len);
	run_statement(&statement, values, NULL);
	block->size += block->page.len;
}

/* A posting above the one before it. */
static void
add_posting(NewBlock *block, Posting posting)
{
	if (block->begun && pair_page_add(&block->page, posting))
		return;
	if (block->begun)
		write_page(block);
	pair_page_begin(&block->page, posting);
	block->begun = true;
}

static void
end_block(NewBlock *block)
{
	static Statement statement = {
		"update ar_inbox.phrase_blocks set size = $3 where company_id = $1 and id = $2",
		3,
		{INT8OID, INT8OID, INT4OID}};
	Datum values[3];

	if (block->begun)
		write_page(block);
	values[0] = Int64GetDatum(block->company);
	values[1] = Int64GetDatum(block->id);
	values[2] = Int32GetDatum((int32) Min(block->size, PG_INT32_MAX));
	run_statement(&statement, values, NULL);
}

/* A whole block, whose postings are sorted here. */
static void
write_block(int64 company, const BlockMessage *messages, Size nmessages, Posting *postings,
			Size count)
{
	NewBlock block;

	sort_postings(postings, count);
	begin_block(&block, company, messages, nmessages);
	for (Size i = 0; i < count; i++)
		add_posting(&block, postings[i]);
	end_block(&block);
}

/*
 * write_phrase_block(company_id, email_ids, note_ids): the pairs of these
 * messages, sorted in memory; where they are very many, as several blocks.
 */
Datum
ar_inbox_write_phrase_block(PG_FUNCTION_ARGS)
{
	static Statement statement = {
		"select e.occurred_at, 2 * e.id, e.search from ar_inbox.emails e"
		" where e.company_id = $1 and e.id = any ($2) and e.search is not null"
		" union all"
		" select n.created_at, 2 * n.id + 1, n.search from ar_inbox.notes n"
		" where n.company_id = $1 and n.id = any ($3) and n.search is not null"
		" order by 1, 2",
		3,
		{INT8OID, INT8ARRAYOID, INT8ARRAYOID}};
	MemoryContext context;
	MemoryContext outer;
	Datum values[3] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	char nulls[4] = {' ', PG_ARGISNULL(1) ? 'n' : ' ', PG_ARGISNULL(2) ? 'n' : ' ', '\0'};
	BlockMessage *messages;
	Posting *postings;
	Size room = 65536;
	Size count = 0;
	Size place = 0;
	Size nmessages;
	PairList list;
	SPITupleTable *found;

	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	SPI_connect();
	nmessages = run_statement(&statement, values, nulls);
	if (nmessages > PAIR_PLACES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%zu messages are more than a block of phrases has places for", nmessages),
				 errhint("Write at most %d at once.", PAIR_PLACES)));
	if (nmessages == 0)
	{
		SPI_finish();
		PG_RETURN_VOID();
	}

	messages = palloc(sizeof(BlockMessage) * nmessages);
	postings = palloc(sizeof(Posting) * room);
	context = AllocSetContextCreate(CurrentMemoryContext, "ar_inbox phrases of a message",
									ALLOCSET_DEFAULT_SIZES);
	found = SPI_tuptable;
	for (uint64 row = 0; row < nmessages; row++)
	{
		HeapTuple message = found->vals[row];
		bool isnull;

		CHECK_FOR_INTERRUPTS();
		outer = MemoryContextSwitchTo(context);
		list = (PairList){0};
		vector_pairs(DatumGetTSVector(SPI_getbinval(message, found->tupdesc, 3, &isnull)), &list);
		MemoryContextSwitchTo(outer);
		if (place > 0 && count + list.count > POSTINGS_MAX)
		{
			write_block(DatumGetInt64(values[0]), messages, place, postings, count);
			place = 0;
			count = 0;
		}
		while (count + list.count > room)
		{
			room *= 2;
			postings = repalloc_huge(postings, sizeof(Posting) * room);
		}
		for (Size i = 0; i < list.count; i++)
			postings[count++] = posting_of(list.pairs[i], (uint32) place);
		messages[place].at =
			DatumGetTimestampTz(SPI_getbinval(message, found->tupdesc, 1, &isnull));
		messages[place++].message =
			DatumGetInt64(SPI_getbinval(message, found->tupdesc, 2, &isnull));
		MemoryContextReset(context);
	}
	write_block(DatumGetInt64(values[0]), messages, place, postings, count);
	SPI_finish();
	PG_RETURN_VOID();
}

/* A block that is being joined to others. */
typedef struct OldBlock
{
	int64 id;
	const char *messages; /* as they are stored */
	Size count;
	Size at;		/* the next of its messages to be given a place */
	uint16 *places; /* the new place of each */
	Portal pages;
	SPITupleTable *fetched;
	uint64 nfetched;
	uint64 row;
	PairReader reader;
	Posting next; /* by its new place */
	bool begun;
	bool ended;
} OldBlock;

static BlockMessage
message_at(const OldBlock *block, Size at)
{
	uint64 numbers[2];

	memcpy(numbers, block->messages + at * BLOCK_MESSAGE_BYTES, BLOCK_MESSAGE_BYTES);
	return (BlockMessage){(int64) pg_ntoh64(numbers[0]), (int64) pg_ntoh64(numbers[1])};
}

/*
 * give_places
 *		The messages of all blocks in one order, each once, and their new places.
 *		Returns how many they are.
 */
static Size
give_places(OldBlock *blocks, int nblocks, BlockMessage *messages)
{
	Size count = 0;

	for (;;)
	{
		OldBlock *lowest = NULL;
		BlockMessage next = {0, 0};

		for (int i = 0; i < nblocks; i++)
		{
			BlockMessage message;

			if (blocks[i].at == blocks[i].count)
				continue;
			message = message_at(&blocks[i], blocks[i].at);
			if (lowest == NULL || message.at < next.at ||
				(message.at == next.at && message.message < next.message))
			{
				lowest = &blocks[i];
				next = message;
			}
		}
		if (lowest == NULL)
			return count;
		if (count == 0 || messages[count - 1].at != next.at ||
			messages[count - 1].message != next.message)
		{
			if (count == PAIR_PLACES)
				ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
								errmsg("blocks of phrases with more than %d messages in all cannot "
									   "be joined",
									   PAIR_PLACES)));
			messages[count++] = next;
		}
		lowest->places[lowest->at++] = (uint16) (count - 1);
	}
}

static void
open_pages(OldBlock *block, Datum company)
{
	static Statement statement = {
		"select p.first_pair, p.first_place, p.postings from ar_inbox.phrase_pages p"
		" where p.company_id = $1 and p.block_id = $2 order by p.first_pair, p.first_place",
		2,
		{INT8OID, INT8OID}};
	Datum values[2] = {company, Int64GetDatum(block->id)};

	block->pages = SPI_cursor_open(NULL, statement_plan(&statement), values, NULL, false);
}

/* The next page, or false. */
static bool
next_page(OldBlock *block)
{
	TupleDesc desc;
	HeapTuple row;
	bytea *postings;
	bool isnull;

	if (block->row == block->nfetched)
	{
		CHECK_FOR_INTERRUPTS();
		if (block->fetched != NULL)
			SPI_freetuptable(block->fetched);
		SPI_cursor_fetch(block->pages, true, PAGES_FETCHED);
		block->fetched = SPI_tuptable;
		block->nfetched = SPI_processed;
		block->row = 0;
		if (block->nfetched == 0)
			return false;
	}
	desc = block->fetched->tupdesc;
	row = block->fetched->vals[block->row++];
	/* in the row as they are, so they need no copy */
	postings = DatumGetByteaPP(SPI_getbinval(row, desc, 3, &isnull));
	pair_read_begin(&block->reader,
					posting_of((uint32) DatumGetInt32(SPI_getbinval(row, desc, 1, &isnull)),
							   (uint32) DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull))),
					VARDATA_ANY(postings), VARSIZE_ANY_EXHDR(postings));
	return true;
}

static void
block_is_damaged(const OldBlock *block)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("block " INT64_FORMAT " of phrases is damaged", block->id),
					errhint("Run ar_inbox_internal.queue_phrases() for its company.")));
}

static void
next_posting(OldBlock *block)
{
	Posting posting;
	Posting mapped;

	while (block->row == 0 || !pair_read_next(&block->reader, &posting))
	{
		if (block->row > 0 && block->reader.damaged)
			block_is_damaged(block);
		if (!next_page(block))
		{
			block->ended = true;
			return;
		}
	}
	if (posting_place(posting) >= block->count)
		block_is_damaged(block);
	mapped = posting_of(posting_pair(posting), block->places[posting_place(posting)]);
	/* from page to page they ascend as well, and so do the new places */
	if (block->begun && mapped <= block->next)
		block_is_damaged(block);
	block->begun = true;
	block->next = mapped;
}

static void
join_postings(OldBlock *blocks, int nblocks, NewBlock *joined)
{
	Posting last = 0;
	bool any = false;

	for (int i = 0; i < nblocks; i++)
		next_posting(&blocks[i]);
	for (;;)
	{
		OldBlock *lowest = NULL;

		for (int i = 0; i < nblocks; i++)
		{
			if (!blocks[i].ended && (lowest == NULL || blocks[i].next < lowest->next))
				lowest = &blocks[i];
		}
		if (lowest == NULL)
			return;
		/* a message that was written twice has most of its pairs twice */
		if (!any || lowest->next != last)
			add_posting(joined, lowest->next);
		any = true;
		last = lowest->next;
		next_posting(lowest);
	}
}

/* join_phrase_blocks(company_id, block_ids) */
Datum
ar_inbox_join_phrase_blocks(PG_FUNCTION_ARGS)
{
	static Statement takes = {
		"select b.id, b.messages from ar_inbox.phrase_blocks b"
		" where b.company_id = $1 and b.id = any ($2) order by b.id for update skip locked",
		2,
		{INT8OID, INT8ARRAYOID}};
	static Statement deletes_pages = {
		"delete from ar_inbox.phrase_pages where company_id = $1 and block_id = any ($2)",
		2,
		{INT8OID, INT8ARRAYOID}};
	static Statement deletes_blocks = {
		"delete from ar_inbox.phrase_blocks where company_id = $1 and id = any ($2)",
		2,
		{INT8OID, INT8ARRAYOID}};
	Datum values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	OldBlock *blocks;
	BlockMessage *messages;
	Datum *ids;
	Size count = 0;
	int nblocks;
	int wanted =
		ArrayGetNItems(ARR_NDIM(PG_GETARG_ARRAYTYPE_P(1)), ARR_DIMS(PG_GETARG_ARRAYTYPE_P(1)));
	NewBlock joined;

	SPI_connect();
	nblocks = (int) run_statement(&takes, values, NULL);
	/* who has one of them locked joins it, or takes it away */
	if (nblocks == 0 || nblocks < wanted)
	{
		SPI_finish();
		PG_RETURN_BOOL(false);
	}
	blocks = palloc0(sizeof(OldBlock) * nblocks);
	ids = palloc(sizeof(Datum) * nblocks);
	for (int i = 0; i < nblocks; i++)
	{
		bool isnull;
		bytea *stored = DatumGetByteaPP(row_datum(i, 2, &isnull));

		blocks[i].id = row_int64(i, 1);
		blocks[i].messages = VARDATA_ANY(stored);
		blocks[i].count = VARSIZE_ANY_EXHDR(stored) / BLOCK_MESSAGE_BYTES;
		blocks[i].places = palloc(sizeof(uint16) * Max(blocks[i].count, 1));
		count += blocks[i].count;
		ids[i] = Int64GetDatum(blocks[i].id);
	}
	messages = palloc(sizeof(BlockMessage) * Max(count, 1));
	count = give_places(blocks, nblocks, messages);
	if (count == 0)
		block_is_damaged(&blocks[0]);

	begin_block(&joined, DatumGetInt64(values[0]), messages, count);
	for (int i = 0; i < nblocks; i++)
		open_pages(&blocks[i], values[0]);
	join_postings(blocks, nblocks, &joined);
	for (int i = 0; i < nblocks; i++)
		SPI_cursor_close(blocks[i].pages);
	end_block(&joined);

	/* what was there, and was locked: no others */
	values[1] = PointerGetDatum(
		construct_array(ids, nblocks, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	run_statement(&deletes_pages, values, NULL);
	run_statement(&deletes_blocks, values, NULL);
	SPI_finish();
	PG_RETURN_BOOL(true);
}
