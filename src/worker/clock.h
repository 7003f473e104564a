/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  What time it is for the worker, and how it waits.
 *
 * Every SQL function that decides what is due takes the moment from here; a
 * rehearsal moves it with ar_inbox.clock_offset.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_CLOCK_H
#define AR_INBOX_CLOCK_H

#include "compat.h"
#include "utils/timestamp.h"

typedef struct Clock
{
	TimestampTz (*now)(void);
	/* until an event or for so many milliseconds; whether the latch was set */
	bool (*wait)(WaitEventSet *events, long timeout);
} Clock;

extern const Clock *worker_clock;

#endif /* AR_INBOX_CLOCK_H */
