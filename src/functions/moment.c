/*-------------------------------------------------------------------------
 *
 * moment.c
 *	  Moments of messages that one transaction makes: no two the same.
 *
 * Hundreds of mails are received and fired in a transaction, and now() is one
 * moment for all of them.  A list that is in order of moments could then not be
 * left and taken up again at one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(ar_inbox_next_moment);

/*
 * next_moment(at timestamptz): at, and as many microseconds later as it was
 * asked for in this transaction before.
 */
Datum
ar_inbox_next_moment(PG_FUNCTION_ARGS)
{
	static TimestampTz transaction = 0;
	static TimestampTz last_at = 0;
	static int64 times = 0;
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);

	if (transaction != GetCurrentTransactionStartTimestamp() || last_at != at)
	{
		transaction = GetCurrentTransactionStartTimestamp();
		last_at = at;
		times = 0;
	}
	if (TIMESTAMP_NOT_FINITE(at))
		PG_RETURN_TIMESTAMPTZ(at);
	PG_RETURN_TIMESTAMPTZ(at + times++);
}
