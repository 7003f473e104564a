/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  What time it is for the worker, and how it waits.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/wait_event.h"

#include "worker/clock.h"
#include "worker/settings.h"

static TimestampTz
real_now(void)
{
	return GetCurrentTimestamp() + setting_clock_offset * USECS_PER_SEC;
}

static bool
real_wait(WaitEventSet *events, long timeout)
{
	WaitEvent occurred[3];
	int count;
	bool latch_was_set = false;

	count = WaitEventSetWait(events, timeout, occurred, lengthof(occurred), PG_WAIT_EXTENSION);
	for (int i = 0; i < count; i++)
	{
		if (occurred[i].events & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			latch_was_set = true;
		}
	}
	return latch_was_set;
}

static const Clock real_clock = {real_now, real_wait};

const Clock *worker_clock = &real_clock;
