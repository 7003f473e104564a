/*-------------------------------------------------------------------------
 *
 * functions/message_lock.c
 *	  Locks on Message-IDs, for messages that refer to each other and are filed
 *	  by two sessions at once.
 *
 * They are advisory locks in a space of their own, which no SQL function takes.
 * Each has its place in the lock table that all sessions share, so a transaction
 * that files very many messages locks those of the first only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(ar_inbox_lock_message_ids);

/* Locks of a transaction. */
#define LOCKS_MAX 200

/* PostgreSQL's own advisory locks have 1 and 2 in this field. */
#define MESSAGE_ID_LOCK 3

static int
compare_keys(const void *a, const void *b)
{
	uint64 x = *(const uint64 *) a;
	uint64 y = *(const uint64 *) b;

	return (x > y) - (x < y);
}

/* Whether this transaction may have one more. */
static bool
count_one(void)
{
	static TransactionId counted = InvalidTransactionId;
	static int locks = 0;
	TransactionId current = GetTopTransactionId();

	if (current != counted)
	{
		counted = current;
		locks = 0;
	}
	return locks++ < LOCKS_MAX;
}

/* lock_message_ids(company_id, message_ids) */
Datum
ar_inbox_lock_message_ids(PG_FUNCTION_ARGS)
{
	int64 company = PG_GETARG_INT64(0);
	ArrayType *ids = PG_GETARG_ARRAYTYPE_P(1);
	Datum *values;
	bool *nulls;
	int count;
	uint64 *keys;
	int nkeys = 0;

	deconstruct_array(ids, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	keys = palloc(sizeof(uint64) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		text *id = nulls[i] ? NULL : DatumGetTextPP(values[i]);

		if (id != NULL)
			keys[nkeys++] = hash_bytes_extended((const unsigned char *) VARDATA_ANY(id),
												VARSIZE_ANY_EXHDR(id), (uint64) company);
	}
	/* in one order: sessions that file one message each wait, and never for each other */
	qsort(keys, nkeys, sizeof(uint64), compare_keys);
	for (int i = 0; i < nkeys; i++)
	{
		LOCKTAG tag;

		if (i > 0 && keys[i] == keys[i - 1])
			continue;
		if (!count_one())
			PG_RETURN_BOOL(false);
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (keys[i] >> 32), (uint32) keys[i],
							 MESSAGE_ID_LOCK);
		LockAcquire(&tag, ExclusiveLock, false, false);
	}
	PG_RETURN_BOOL(true);
}
