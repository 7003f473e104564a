/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  From the steps of invoice chasing to moments in time.
 *
 * A step names a date and an hour of day on the clocks of the company's time
 * zone.  Where those clocks are set forward or back:
 *
 *	- an hour that comes twice counts once, the first time;
 *	- an hour that does not come is the first moment after it that does: 3:00
 *	  for 2:00 in New York in spring, 2:30 on Lord Howe Island;
 *	- a date that does not come (Samoa, 30 December 2011) is the next that
 *	  does, at the same hour: nobody is chased at midnight because of it.
 *
 * So a step never fires before its hour on the clock.
 *
 * A company may keep its steps off the days that it does not work on.  The date
 * is moved, then the hour of the new date is turned into a moment, and whether
 * that is past is judged of this moment, not of the one that it was before:
 *
 *	- whether a step lies before the invoice's date is judged before it is moved;
 *	- "next" is the first working day from the date on;
 *	- "previous" is the last one up to it.  Where that lies before the invoice's
 *	  date, or is past while the step's own moment is still to come, it is the
 *	  next one instead: no step is lost by being moved forward in time;
 *	- the step on issue only ever moves to a later day, and where it is due at
 *	  once, at once is the next working day if today is none;
 *	- without a working day within SCHEDULE_REACH days the date stays.
 *
 *-------------------------------------------------------------------------
 */
#include "core/schedule.h"

#define SECONDS_A_DAY INT64CONST(86400)
#define MICROSECONDS INT64CONST(1000000)

/* 2000-01-01 in seconds since 1970-01-01 */
#define EPOCH_2000 INT64CONST(946684800)

/* No clock is further from UTC than this: the widest a POSIX zone can say. */
#define MAX_OFFSET (25 * 3600)

/*
 * No zone sets its clocks forward and back by the same amount within this time,
 * so that equal offsets at both ends mean that nothing happened in between.
 */
#define PROBE_STEP (6 * 3600)

/*
 * offset_at
 *		The zone's offset, held within bounds whatever the callback says.
 */
static int32
offset_at(const ScheduleZone *zone, int64 at)
{
	int32 offset = zone->utc_offset(zone->arg, at);

	return Max(-MAX_OFFSET, Min(MAX_OFFSET, offset));
}

/*
 * end_of_offset
 *		The first moment after low at which the offset is no longer what it was
 *		at low, knowing that at high it is another.
 */
static int64
end_of_offset(const ScheduleZone *zone, int64 low, int64 high)
{
	int32 offset = offset_at(zone, low);

	while (high - low > 1)
	{
		int64 middle = low + (high - low) / 2;

		if (offset_at(zone, middle) == offset)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * first_reaching
 *		The first moment at which the clocks show the local time, or a later one.
 *
 * Both are in seconds since 1970, the local time as if it were UTC.  Where the
 * clock is set back, the local time is shown twice; the earlier moment is
 * found, because the stretches of equal offset are walked in order.
 */
static int64
first_reaching(const ScheduleZone *zone, int64 local)
{
	int64 start = local - MAX_OFFSET;
	int64 end = local + MAX_OFFSET;

	while (start < end)
	{
		int32 offset = offset_at(zone, start);
		int64 candidate = Max(start, local - offset);
		int64 stretch_end = start;

		/* how long does this offset last? */
		while (stretch_end < end && stretch_end <= candidate)
		{
			int64 probe = Min(stretch_end + PROBE_STEP, end);

			if (offset_at(zone, probe) != offset)
			{
				stretch_end = end_of_offset(zone, stretch_end, probe);
				break;
			}
			stretch_end = probe;
		}
		if (candidate < stretch_end)
			return candidate;
		start = stretch_end;
	}
	return end;
}

/*
 * floor_day
 *		The day number of a local time, also before 1970.
 */
static int64
floor_day(int64 local)
{
	return local >= 0 ? local / SECONDS_A_DAY : -((-local + SECONDS_A_DAY - 1) / SECONDS_A_DAY);
}

/*
 * plain_offset
 *		Is the zone's offset the same all around this date, and which is it?
 *
 * Then first_reaching() would find no other for any hour of it: it looks no
 * further, and no closer, than here.  Most days are plain, and in most batches
 * they come again and again.
 */
static bool
plain_offset(const ScheduleZone *zone, int32 date, int32 *offset)
{
	ScheduleDay *day;

	if (zone->days == NULL)
		return false;
	day = &zone->days[(uint32) date % SCHEDULE_DAYS_KEPT];
	if (!day->known || day->date != date)
	{
		int64 midnight = EPOCH_2000 + date * SECONDS_A_DAY;
		int64 end = midnight + SECONDS_A_DAY + MAX_OFFSET;

		day->known = true;
		day->date = date;
		day->offset = offset_at(zone, end);
		day->plain = true;
		for (int64 at = midnight - MAX_OFFSET; day->plain && at < end; at += PROBE_STEP)
			day->plain = offset_at(zone, at) == day->offset;
	}
	*offset = day->offset;
	return day->plain;
}

/*
 * schedule_local_moment
 *		When the zone's clocks show this hour of this date.
 */
bool
schedule_local_moment(int32 date, int32 hour, const ScheduleZone *zone, int64 *moment)
{
	int64 midnight;
	int64 at;
	int32 offset;

	if (date < SCHEDULE_MIN_DATE || date > SCHEDULE_MAX_DATE || hour < 0 || hour > 23)
		return false;

	midnight = EPOCH_2000 + date * SECONDS_A_DAY;
	if (plain_offset(zone, date, &offset))
	{
		*moment = (midnight + hour * 3600 - offset - EPOCH_2000) * MICROSECONDS;
		return true;
	}
	at = first_reaching(zone, midnight + hour * 3600);

	/* on another date? then perhaps the whole date is missing */
	if (floor_day(at + offset_at(zone, at)) != floor_day(midnight))
	{
		int64 first = first_reaching(zone, midnight);
		int64 day = floor_day(first + offset_at(zone, first));

		if (day != floor_day(midnight))
			at = first_reaching(zone, day * SECONDS_A_DAY + hour * 3600);
	}
	*moment = (at - EPOCH_2000) * MICROSECONDS;
	return true;
}

static const char *const trigger_names[] = {
	[SCHEDULE_ON_ISSUE] = "on_issue",	  [SCHEDULE_AFTER_ISSUE] = "after_issue",
	[SCHEDULE_BEFORE_DUE] = "before_due", [SCHEDULE_AFTER_DUE] = "after_due",
	[SCHEDULE_ON_DATE] = "on_date",		  [SCHEDULE_REPEAT] = "repeat",
};

/*
 * schedule_trigger_from_name
 *		The trigger of a name of the SQL enumeration.
 */
bool
schedule_trigger_from_name(const char *name, ScheduleTrigger *trigger)
{
	for (int i = 0; i < lengthof(trigger_names); i++)
	{
		if (strcmp(name, trigger_names[i]) == 0)
		{
			*trigger = (ScheduleTrigger) i;
			return true;
		}
	}
	return false;
}

/*
 * schedule_reason_name
 *		Why a step is skipped, in words; NULL if it is not.
 */
const char *
schedule_reason_name(ScheduleReason reason)
{
	switch (reason)
	{
		case SCHEDULE_DUE:
			return NULL;
		case SCHEDULE_PAST:
			return "past";
		case SCHEDULE_BEFORE_INVOICE_DATE:
			return "before invoice date";
		case SCHEDULE_ALREADY_SENT:
			return "already sent";
	}
	return NULL;
}

/*
 * step_is_sound
 *		Are the numbers that the trigger uses within bounds?
 */
static bool
step_is_sound(const ScheduleStep *step)
{
	if (step->hour < 0 || step->hour > 23)
		return false;
	switch (step->trigger)
	{
		case SCHEDULE_ON_ISSUE:
		case SCHEDULE_ON_DATE:
			return true;
		case SCHEDULE_AFTER_ISSUE:
		case SCHEDULE_BEFORE_DUE:
		case SCHEDULE_AFTER_DUE:
			return step->days >= 0 && step->days <= SCHEDULE_MAX_DAYS;
		case SCHEDULE_REPEAT:
			return step->days >= 1 && step->days <= SCHEDULE_MAX_DAYS && step->repeats >= 1 &&
				   step->repeats <= SCHEDULE_MAX_REPEATS;
	}
	return false;
}

/*
 * step_date
 *		The date of the step, or of its k-th repeat.  In 64 bits: the sum is
 *		checked against the calendar afterwards.
 */
static int64
step_date(const ScheduleStep *step, const ScheduleContext *context, int k)
{
	switch (step->trigger)
	{
		case SCHEDULE_ON_ISSUE:
			return context->issue_date;
		case SCHEDULE_AFTER_ISSUE:
			return (int64) context->issue_date + step->days;
		case SCHEDULE_BEFORE_DUE:
			return (int64) context->due_date - step->days;
		case SCHEDULE_AFTER_DUE:
			return (int64) context->due_date + step->days;
		case SCHEDULE_ON_DATE:
			return step->on_date;
		case SCHEDULE_REPEAT:
			return (int64) context->due_date + (int64) step->days * k;
	}
	return PG_INT64_MAX;
}

static const char *const policy_names[] = {
	[SCHEDULE_SEND_ANYWAY] = "send_anyway",
	[SCHEDULE_NEXT] = "next",
	[SCHEDULE_PREVIOUS] = "previous",
};

/*
 * schedule_day_policy_from_name
 *		The policy of a name in companies.working_day_policy.
 */
bool
schedule_day_policy_from_name(const char *name, ScheduleDayPolicy *policy)
{
	for (int i = 0; i < lengthof(policy_names); i++)
	{
		if (strcmp(name, policy_names[i]) == 0)
		{
			*policy = (ScheduleDayPolicy) i;
			return true;
		}
	}
	return false;
}

/*
 * schedule_is_working_day
 *		2000-01-01, day 0, was a Saturday: bit 5.
 */
bool
schedule_is_working_day(const ScheduleContext *context, int64 date)
{
	int weekday = (int) (((date + 5) % 7 + 7) % 7);
	int low = 0;
	int high = context->nholidays;

	if ((context->weekdays & (1 << weekday)) == 0)
		return false;
	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (context->holidays[middle] < date)
			low = middle + 1;
		else
			high = middle;
	}
	return low == context->nholidays || context->holidays[low] != date;
}

/*
 * working_day
 *		The nearest working day from the date on (direction 1) or up to it (-1).
 */
static bool
working_day(const ScheduleContext *context, int64 date, int direction, int64 *found)
{
	for (int i = 0; i <= SCHEDULE_REACH; i++, date += direction)
	{
		if (date < SCHEDULE_MIN_DATE || date > SCHEDULE_MAX_DATE)
			return false;
		if (schedule_is_working_day(context, date))
		{
			*found = date;
			return true;
		}
	}
	return false;
}

/*
 * at_hour
 *		The moment of the step's hour on a date within the calendar.
 */
static int64
at_hour(const ScheduleStep *step, const ScheduleContext *context, int64 date)
{
	int64 moment = 0;

	(void) schedule_local_moment((int32) date, step->hour, &context->zone, &moment);
	return moment;
}

/*
 * moved_moment
 *		When a step of this date is due, by the company's working days.
 */
static int64
moved_moment(const ScheduleStep *step, const ScheduleContext *context, int64 date)
{
	int64 other;

	if (context->day_policy == SCHEDULE_SEND_ANYWAY || schedule_is_working_day(context, date))
		return at_hour(step, context, date);
	if (context->day_policy == SCHEDULE_PREVIOUS && step->trigger != SCHEDULE_ON_ISSUE &&
		working_day(context, date, -1, &other) && other >= context->issue_date)
	{
		int64 earlier = at_hour(step, context, other);

		if (earlier >= context->now || at_hour(step, context, date) < context->now)
			return earlier;
	}
	return at_hour(step, context, working_day(context, date, 1, &other) ? other : date);
}

/*
 * at_once
 *		The earliest moment from now on that is not on a day off.
 */
static int64
at_once(const ScheduleStep *step, const ScheduleContext *context)
{
	int64 now = context->now / MICROSECONDS + EPOCH_2000 - (context->now % MICROSECONDS < 0);
	int64 today = floor_day(now + offset_at(&context->zone, now) - EPOCH_2000);
	int64 other;

	if (context->day_policy == SCHEDULE_SEND_ANYWAY || schedule_is_working_day(context, today) ||
		!working_day(context, today, 1, &other))
		return context->now;
	return Max(at_hour(step, context, other), context->now);
}

/*
 * judge
 *		When is the step of this date due, or is it skipped, and why?
 *
 * What would lie before the invoice's date is skipped whether past or not.  A
 * moment that is now is not past.  The step on issue is there so that the
 * invoice goes out at least once: it is skipped if that has happened, and else
 * never missed but due at once.
 */
static void
judge(const ScheduleStep *step, const ScheduleContext *context, int64 date, ScheduledMoment *out)
{
	out->reason = SCHEDULE_DUE;
	if (date < context->issue_date)
	{
		out->due_at = at_hour(step, context, date);
		out->reason = SCHEDULE_BEFORE_INVOICE_DATE;
	}
	else
	{
		out->due_at = moved_moment(step, context, date);
		if (step->trigger == SCHEDULE_ON_ISSUE)
		{
			if (context->already_sent)
				out->reason = SCHEDULE_ALREADY_SENT;
			else if (out->due_at < context->now)
				out->due_at = at_once(step, context);
		}
		else if (out->due_at < context->now)
			out->reason = SCHEDULE_PAST;
	}
	out->skipped = out->reason != SCHEDULE_DUE;
}

/*
 * schedule_step
 *		The moments of a step, in order.
 */
int
schedule_step(const ScheduleStep *step, const ScheduleContext *context, ScheduledMoment *out,
			  int max)
{
	int count;

	if (!step_is_sound(step))
		return SCHEDULE_BAD_STEP;
	count = step->trigger == SCHEDULE_REPEAT ? step->repeats : 1;
	if (count > max)
		return SCHEDULE_NO_ROOM;

	for (int i = 0; i < count; i++)
	{
		int64 date = step_date(step, context, i + 1);

		if (date < SCHEDULE_MIN_DATE || date > SCHEDULE_MAX_DATE)
			return SCHEDULE_OUT_OF_RANGE;
		out[i].repeat_number = i + 1;
		judge(step, context, date, &out[i]);
	}
	return count;
}
