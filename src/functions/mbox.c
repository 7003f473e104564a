/*-------------------------------------------------------------------------
 *
 * functions/mbox.c
 *	  The messages in a mailbox file, as an SQL function.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/timestamp.h"

#include "core/mbox.h"

/* from PostgreSQL's epoch to Unix's */
#define EPOCH_DIFFERENCE                                                                           \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400) * USECS_PER_SEC)

PG_FUNCTION_INFO_V1(ar_inbox_mbox_messages);

/*
 * mbox_messages(mbox bytea): one row for each message.  The file is in memory
 * once, and of the messages only the one that is asked for.
 */
Datum
ar_inbox_mbox_messages(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	MboxReader *reader;
	MboxMessage found;
	bytea *message;
	int64 moment;
	Datum values[3];
	bool nulls[3] = {0};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext outer;
		TupleDesc desc;
		bytea *mbox;

		context = SRF_FIRSTCALL_INIT();
		outer = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 3)
			elog(ERROR, "mbox_messages must return rows of 3 columns");
		context->tuple_desc = BlessTupleDesc(desc);

		/* the argument itself does not outlive this call */
		mbox = PG_GETARG_BYTEA_P_COPY(0);
		reader = palloc(sizeof(MboxReader));
		mbox_open(reader, VARDATA(mbox), VARSIZE(mbox) - VARHDRSZ);
		context->user_fctx = reader;
		MemoryContextSwitchTo(outer);
	}
	context = SRF_PERCALL_SETUP();
	reader = context->user_fctx;
	CHECK_FOR_INTERRUPTS();
	if (!mbox_next(reader, &found))
		SRF_RETURN_DONE(context);

	message = palloc(found.len + VARHDRSZ);
	SET_VARSIZE(message, mbox_unquote(&found, VARDATA(message)) + VARHDRSZ);
	moment = found.date - EPOCH_DIFFERENCE;
	values[0] = Int32GetDatum((int32) context->call_cntr + 1);
	values[1] = PointerGetDatum(message);
	values[2] = TimestampTzGetDatum(moment);
	nulls[2] = !found.has_date || !IS_VALID_TIMESTAMP(moment);
	SRF_RETURN_NEXT(context,
					HeapTupleGetDatum(heap_form_tuple(context->tuple_desc, values, nulls)));
}
