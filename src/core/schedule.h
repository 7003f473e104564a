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

/* How far a working day is looked for; who has none within it is sent to anyway. */
#define SCHEDULE_REACH 366

/*
 * What is known of a date in a zone: a plain one, with no change of the clocks
 * anywhere near, has an offset.
 */
typedef struct ScheduleDay
{
	int32 date;
	int32 offset;
	bool known;
	bool plain;
} ScheduleDay;

#define SCHEDULE_DAYS_KEPT 1024 /* a power of two; almost three years */

/*
 * A time zone, as the seconds that its clocks are ahead of UTC at a moment
 * (seconds since 1970-01-01 UTC).  days, if not NULL, are SCHEDULE_DAYS_KEPT
 * that were zeroed once: what is found out about this zone is kept there.
 */
typedef struct ScheduleZone
{
	int32 (*utc_offset)(void *arg, int64 unix_seconds);
	void *arg;
	ScheduleDay *days;
} ScheduleZone;

/* What becomes of a step on a day that is not worked on. */
typedef enum ScheduleDayPolicy
{
	SCHEDULE_SEND_ANYWAY,
	SCHEDULE_NEXT,
	SCHEDULE_PREVIOUS
} ScheduleDayPolicy;

#define SCHEDULE_MONDAY_TO_FRIDAY 0x1F

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
	ScheduleDayPolicy day_policy;
	uint8 weekdays;		   /* worked on: bit 0 is Monday, bit 6 Sunday */
	const int32 *holidays; /* in order */
	int nholidays;
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
extern bool schedule_day_policy_from_name(const char *name, ScheduleDayPolicy *policy);
extern const char *schedule_reason_name(ScheduleReason reason);

/* Is the date one of the company's weekdays, and no holiday? */
extern bool schedule_is_working_day(const ScheduleContext *context, int64 date);

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
