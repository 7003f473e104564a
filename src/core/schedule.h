/*-------------------------------------------------------------------------
 *
 * schedule.h
 *	  From the steps of invoice chasing to moments in time.
 *
 * Dates are days since 2000-01-01 (PostgreSQL's DateADT), moments are
 * microseconds since 2000-01-01 00:00 UTC (TimestampTz).
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SCHEDULE_H
#define AR_INBOX_SCHEDULE_H

#include "core/core.h"

/* what PostgreSQL can hold as a date and as a moment, less some days' margin */
#define SCHEDULE_MIN_DATE (-2451000)
#define SCHEDULE_MAX_DATE 106751000

#define SCHEDULE_MAX_DAYS 3650 /* ten years from issue or due date */
#define SCHEDULE_MAX_REPEATS 1000

/*
 * A time zone, as the seconds that its clocks are ahead of UTC at a moment
 * (seconds since 1970-01-01 UTC).
 */
typedef struct ScheduleZone
{
	int32 (*utc_offset)(void *arg, int64 unix_seconds);
	void *arg;
} ScheduleZone;

typedef enum ScheduleTrigger
{
	SCHEDULE_ON_ISSUE,
	SCHEDULE_AFTER_ISSUE,
	SCHEDULE_BEFORE_DUE,
	SCHEDULE_AFTER_DUE,
	SCHEDULE_ON_DATE,
	SCHEDULE_REPEAT
} ScheduleTrigger;

typedef struct ScheduleStep
{
	ScheduleTrigger trigger;
	int32 days;	   /* after_issue, before_due, after_due, repeat */
	int32 on_date; /* on_date */
	int32 hour;	   /* 0-23, on the zone's clocks */
	int32 repeats; /* repeat */
} ScheduleStep;

typedef struct ScheduleContext
{
	int32 issue_date;
	int32 due_date;
	int64 now;		   /* the moment the schedule is set */
	bool already_sent; /* the invoice was sent, or marked as sent */
	ScheduleZone zone;
} ScheduleContext;

typedef enum ScheduleReason
{
	SCHEDULE_DUE, /* not skipped */
	SCHEDULE_PAST,
	SCHEDULE_BEFORE_INVOICE_DATE,
	SCHEDULE_ALREADY_SENT
} ScheduleReason;

/* One planned moment; skipped ones keep the moment they would have had. */
typedef struct ScheduledMoment
{
	int32 repeat_number; /* 1, 2, ... of a repeating step, else 1 */
	int64 due_at;
	bool skipped;
	ScheduleReason reason;
} ScheduledMoment;

/* what schedule_step returns instead of a number of moments */
#define SCHEDULE_BAD_STEP (-1)	   /* hour, days, repeats or trigger out of bounds */
#define SCHEDULE_OUT_OF_RANGE (-2) /* a date beyond the calendar */
#define SCHEDULE_NO_ROOM (-3)	   /* more moments than max */

extern bool schedule_trigger_from_name(const char *name, ScheduleTrigger *trigger);
extern const char *schedule_reason_name(ScheduleReason reason);

/*
 * The moments of a step, in order, into out[0 .. max - 1].  Returns how many
 * there are (one, or as many as the repeats), or a negative number.
 */
extern int schedule_step(const ScheduleStep *step, const ScheduleContext *context,
						 ScheduledMoment *out, int max);

/*
 * The first moment at which the zone's clocks show this hour of this date; see
 * schedule.c for hours and days that do not exist.  False out of range.
 */
extern bool schedule_local_moment(int32 date, int32 hour, const ScheduleZone *zone, int64 *moment);

#endif /* AR_INBOX_SCHEDULE_H */
