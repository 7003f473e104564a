/*-------------------------------------------------------------------------
 *
 * schedule_test.c
 *	  Tests of the schedule arithmetic, against the C library's time zones.
 *
 *-------------------------------------------------------------------------
 */
#include "core/schedule.h"

#include <stdlib.h>
#include <time.h>

#include "tap.h"

/* The same numbers each time: xorshift. */
static uint32 random_state = 20260301;

static int
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state >> 1;
}

#define EPOCH_2000 INT64CONST(946684800)
#define DAY INT64CONST(86400)
#define MICROSECONDS INT64CONST(1000000)

/*
 * The zone of the C library, by TZ.  Asking it is slow, so the offset of each
 * quarter of an hour in which it does not change is kept.
 */
#define CACHE_SLOTS (1 << 20)
static int64 cache_key[CACHE_SLOTS];
static int32 cache_offset[CACHE_SLOTS];

static int32
libc_offset_now(int64 at)
{
	time_t t = at;
	struct tm local;

	localtime_r(&t, &local);
	return (int32) local.tm_gmtoff;
}

static int32
libc_offset(void *arg, int64 at)
{
	int64 quarter = at >= 0 ? at / 900 : -((-at + 899) / 900);
	int slot = (int) (quarter & (CACHE_SLOTS - 1));

	if (cache_key[slot] != quarter)
	{
		int32 offset = libc_offset_now(quarter * 900);

		if (libc_offset_now(quarter * 900 + 899) != offset)
			return libc_offset_now(at);
		cache_key[slot] = quarter;
		cache_offset[slot] = offset;
	}
	return cache_offset[slot];
}

static ScheduleZone libc_zone = {libc_offset, NULL};

static void
set_zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
	for (int i = 0; i < CACHE_SLOTS; i++)
		cache_key[i] = PG_INT64_MIN;
}

static int32
fixed_offset(void *arg, int64 at)
{
	return *(int32 *) arg;
}

/* days since 2000-01-01 of a date of the Gregorian calendar */
static int32
date(int year, int month, int day)
{
	struct tm tm = {0};

	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	return (int32) ((timegm(&tm) - EPOCH_2000) / DAY);
}

static int64
moment(int year, int month, int day, int hour, int minute)
{
	return (date(year, month, day) * DAY + hour * 3600 + minute * 60) * MICROSECONDS;
}

static const char *
show(int64 at)
{
	static char text[64];
	time_t t = at / MICROSECONDS + EPOCH_2000;
	struct tm utc;

	gmtime_r(&t, &utc);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
	return text;
}

/*
 * One zone, every hour of every day of twenty years.  A local time L can only
 * be shown at L - offset, for one of the offsets the zone has ever had: trying
 * them all tells, without any search, whether and when first it is shown.
 */
static void
check_zone(const char *name)
{
	int32 offsets[32];
	int noffsets = 0;
	int wrong = 0;
	int early = 0;
	int late = 0;
	int missing = 0;
	int twice = 0;

	set_zone(name);
	for (int64 at = EPOCH_2000 + date(2005, 12, 1) * DAY; at < EPOCH_2000 + date(2026, 2, 1) * DAY;
		 at += 1800)
	{
		int i = 0;

		while (i < noffsets && offsets[i] != libc_offset(NULL, at))
			i++;
		if (i == noffsets && noffsets < lengthof(offsets))
			offsets[noffsets++] = libc_offset(NULL, at);
	}

	for (int32 d = date(2006, 1, 1); d < date(2026, 1, 1); d++)
	{
		for (int hour = 0; hour < 24; hour++)
		{
			int64 local = EPOCH_2000 + d * DAY + hour * 3600;
			int64 first = PG_INT64_MAX;
			int shown = 0;
			int64 at;

			for (int i = 0; i < noffsets; i++)
			{
				int64 candidate = local - offsets[i];

				if (libc_offset(NULL, candidate) == offsets[i])
				{
					shown++;
					first = Min(first, candidate);
				}
			}
			if (!schedule_local_moment(d, hour, &libc_zone, &at))
			{
				wrong++;
				continue;
			}
			at = at / MICROSECONDS + EPOCH_2000;
			twice += shown > 1;
			if (shown > 0)
				wrong += at != first;
			else
			{
				int64 now = at + libc_offset(NULL, at);
				int64 before = at - 1 + libc_offset(NULL, at - 1);

				missing++;
				early += now < local;
				/* right behind the gap, or on another date at the same hour */
				late += !(before < local && now - local <= 3600) &&
						!((now - local) % DAY == 0 && now - local == DAY);
			}
		}
	}
	is_int(wrong, 0, psprintf("%s: where the hour exists, its first moment", name));
	is_int(early, 0, psprintf("%s: never before the hour", name));
	is_int(late, 0, psprintf("%s: no later than need be", name));
	printf("# %s: %d offsets, %d hours missing, %d twice\n", name, noffsets, missing, twice);
	if (strcmp(name, "Asia/Kolkata") == 0 || strcmp(name, "Asia/Kathmandu") == 0)
		ok(missing == 0 && twice == 0, "%s: a zone that stays as it is", name);
	else if (strcmp(name, "Australia/Lord_Howe") == 0)
		ok(missing > 0 && twice == 0, "%s: only half hours come twice", name);
	else
		ok(missing > 0 && twice > 0, "%s: has hours missing and hours twice", name);
}

typedef struct LocalCase
{
	const char *zone;
	int year;
	int month;
	int day;
	int hour;
	const char *utc;
} LocalCase;

static const LocalCase local_cases[] = {
	{"UTC", 2000, 1, 1, 0, "2000-01-01 00:00:00"},
	{"UTC", 1999, 12, 31, 23, "1999-12-31 23:00:00"},
	{"UTC", 1950, 2, 28, 7, "1950-02-28 07:00:00"},
	{"Europe/Berlin", 2026, 1, 15, 9, "2026-01-15 08:00:00"},
	{"Europe/Berlin", 2026, 7, 15, 9, "2026-07-15 07:00:00"},
	{"Europe/Berlin", 2026, 3, 29, 1, "2026-03-29 00:00:00"},
	{"Europe/Berlin", 2026, 3, 29, 2, "2026-03-29 01:00:00"},
	{"Europe/Berlin", 2026, 3, 29, 3, "2026-03-29 01:00:00"},
	{"Europe/Berlin", 2026, 3, 29, 4, "2026-03-29 02:00:00"},
	{"Europe/Berlin", 2026, 10, 25, 1, "2026-10-24 23:00:00"},
	{"Europe/Berlin", 2026, 10, 25, 2, "2026-10-25 00:00:00"},
	{"Europe/Berlin", 2026, 10, 25, 3, "2026-10-25 02:00:00"},
	{"America/New_York", 2026, 3, 8, 2, "2026-03-08 07:00:00"},
	{"America/New_York", 2026, 3, 8, 3, "2026-03-08 07:00:00"},
	{"America/New_York", 2026, 11, 1, 1, "2026-11-01 05:00:00"},
	{"America/New_York", 2026, 11, 1, 2, "2026-11-01 07:00:00"},
	{"America/New_York", 2026, 11, 1, 0, "2026-11-01 04:00:00"},
	{"Australia/Lord_Howe", 2026, 10, 4, 1, "2026-10-03 14:30:00"},
	{"Australia/Lord_Howe", 2026, 10, 4, 2, "2026-10-03 15:30:00"},
	{"Australia/Lord_Howe", 2026, 10, 4, 3, "2026-10-03 16:00:00"},
	{"Australia/Lord_Howe", 2026, 4, 5, 1, "2026-04-04 14:00:00"},
	{"Australia/Lord_Howe", 2026, 4, 5, 2, "2026-04-04 15:30:00"},
	{"America/Sao_Paulo", 2018, 11, 4, 0, "2018-11-04 03:00:00"},
	{"America/Sao_Paulo", 2018, 11, 4, 1, "2018-11-04 03:00:00"},
	{"America/Sao_Paulo", 2018, 2, 17, 23, "2018-02-18 01:00:00"},
	{"Asia/Kathmandu", 2026, 6, 1, 9, "2026-06-01 03:15:00"},
	{"Asia/Kolkata", 2026, 6, 1, 9, "2026-06-01 03:30:00"},
	{"Pacific/Apia", 2011, 12, 29, 9, "2011-12-29 19:00:00"},
	{"Pacific/Apia", 2011, 12, 29, 23, "2011-12-30 09:00:00"},
	{"Pacific/Apia", 2011, 12, 30, 0, "2011-12-30 10:00:00"},
	{"Pacific/Apia", 2011, 12, 30, 9, "2011-12-30 19:00:00"},
	{"Pacific/Apia", 2011, 12, 30, 23, "2011-12-31 09:00:00"},
	{"Pacific/Apia", 2011, 12, 31, 0, "2011-12-30 10:00:00"},
	{"Pacific/Apia", 2011, 12, 31, 9, "2011-12-30 19:00:00"},
	{"Pacific/Kiritimati", 2026, 1, 1, 0, "2025-12-31 10:00:00"},
	{"America/Nuuk", 2024, 3, 30, 23, "2024-03-31 01:00:00"},
	{"Etc/GMT+12", 2026, 1, 1, 23, "2026-01-02 11:00:00"},
	{"Etc/GMT-14", 2026, 1, 1, 0, "2025-12-31 10:00:00"},
};

/* The context that most step cases share: New York, 9 o'clock is 14:00 UTC. */
static ScheduleContext
context_at(int64 now, bool already_sent)
{
	ScheduleContext context = {0};

	context.issue_date = date(2026, 1, 10);
	context.due_date = date(2026, 2, 9);
	context.now = now;
	context.already_sent = already_sent;
	context.zone = libc_zone;
	return context;
}

typedef struct StepCase
{
	const char *name;
	ScheduleStep step;
	const char *due_at;
	const char *reason;
} StepCase;

static void
check_steps(int64 now, bool already_sent, const StepCase *cases, int n)
{
	ScheduleContext context = context_at(now, already_sent);

	for (int i = 0; i < n; i++)
	{
		ScheduledMoment out[1];

		is_int(schedule_step(&cases[i].step, &context, out, 1), 1, cases[i].name);
		is(show(out[0].due_at), cases[i].due_at, cases[i].name);
		is(schedule_reason_name(out[0].reason), cases[i].reason, cases[i].name);
		ok(out[0].skipped == (cases[i].reason != NULL) && out[0].repeat_number == 1, "%s",
		   cases[i].name);
	}
}

static void
check_triggers(void)
{
	const StepCase early[] = {
		{"on issue, set before", {SCHEDULE_ON_ISSUE, 0, 0, 9, 0}, "2026-01-10 14:00:00", NULL},
		{"0 days after issue", {SCHEDULE_AFTER_ISSUE, 0, 0, 9, 0}, "2026-01-10 14:00:00", NULL},
		{"10 days after issue", {SCHEDULE_AFTER_ISSUE, 10, 0, 0, 0}, "2026-01-20 05:00:00", NULL},
		{"7 days before due", {SCHEDULE_BEFORE_DUE, 7, 0, 23, 0}, "2026-02-03 04:00:00", NULL},
		{"on the due date", {SCHEDULE_BEFORE_DUE, 0, 0, 9, 0}, "2026-02-09 14:00:00", NULL},
		{"30 days before due, the issue date",
		 {SCHEDULE_BEFORE_DUE, 30, 0, 9, 0},
		 "2026-01-10 14:00:00",
		 NULL},
		{"31 days before due",
		 {SCHEDULE_BEFORE_DUE, 31, 0, 9, 0},
		 "2026-01-09 14:00:00",
		 "before invoice date"},
		{"60 days after due, in summer time",
		 {SCHEDULE_AFTER_DUE, 60, 0, 9, 0},
		 "2026-04-10 13:00:00",
		 NULL},
		{"ten years after due", {SCHEDULE_AFTER_DUE, 3650, 0, 9, 0}, "2036-02-07 14:00:00", NULL},
		{"on a date", {SCHEDULE_ON_DATE, 0, date(2026, 1, 31), 9, 0}, "2026-01-31 14:00:00", NULL},
		{"on a date before the invoice's",
		 {SCHEDULE_ON_DATE, 0, date(2026, 1, 9), 9, 0},
		 "2026-01-09 14:00:00",
		 "before invoice date"},
	};
	const StepCase late[] = {
		{"on issue, set later", {SCHEDULE_ON_ISSUE, 0, 0, 9, 0}, "2026-01-20 14:00:00", NULL},
		{"10 days after issue, just now",
		 {SCHEDULE_AFTER_ISSUE, 10, 0, 9, 0},
		 "2026-01-20 14:00:00",
		 NULL},
		{"10 days after issue, an hour ago",
		 {SCHEDULE_AFTER_ISSUE, 10, 0, 8, 0},
		 "2026-01-20 13:00:00",
		 "past"},
		{"9 days after issue", {SCHEDULE_AFTER_ISSUE, 9, 0, 23, 0}, "2026-01-20 04:00:00", "past"},
		{"25 days before due", {SCHEDULE_BEFORE_DUE, 25, 0, 9, 0}, "2026-01-15 14:00:00", "past"},
		{"40 days before due",
		 {SCHEDULE_BEFORE_DUE, 40, 0, 9, 0},
		 "2025-12-31 14:00:00",
		 "before invoice date"},
		{"on a date gone by",
		 {SCHEDULE_ON_DATE, 0, date(2026, 1, 19), 9, 0},
		 "2026-01-19 14:00:00",
		 "past"},
		{"after due", {SCHEDULE_AFTER_DUE, 1, 0, 9, 0}, "2026-02-10 14:00:00", NULL},
	};
	const StepCase sent[] = {
		{"on issue, sent before",
		 {SCHEDULE_ON_ISSUE, 0, 0, 9, 0},
		 "2026-01-10 14:00:00",
		 "already sent"},
		{"after due, sent before", {SCHEDULE_AFTER_DUE, 1, 0, 9, 0}, "2026-02-10 14:00:00", NULL},
	};

	set_zone("America/New_York");
	check_steps(moment(2026, 1, 1, 0, 0), false, early, lengthof(early));
	check_steps(moment(2026, 1, 20, 14, 0), false, late, lengthof(late));
	check_steps(moment(2026, 1, 20, 14, 0), true, sent, lengthof(sent));
	check_steps(moment(2026, 1, 1, 0, 0), true, sent, lengthof(sent));
}

static void
check_repeats(void)
{
	ScheduleContext context = context_at(moment(2026, 3, 1, 0, 0), false);
	ScheduleStep step = {SCHEDULE_REPEAT, 14, 0, 9, 4};
	ScheduledMoment out[10];

	is_int(schedule_step(&step, &context, out, 10), 4, "four repeats");
	for (int i = 0; i < 4; i++)
		is_int(out[i].repeat_number, i + 1, "are numbered");
	is(show(out[0].due_at), "2026-02-23 14:00:00", "the first, 14 days after the due date");
	is(schedule_reason_name(out[0].reason), "past", "is past");
	is(show(out[1].due_at), "2026-03-09 13:00:00", "the second");
	ok(!out[1].skipped, "is to come");
	is(show(out[2].due_at), "2026-03-23 13:00:00", "the third");
	is(show(out[3].due_at), "2026-04-06 13:00:00", "the fourth");
	ok(!out[3].skipped, "is to come");
	is_int(schedule_step(&step, &context, out, 3), SCHEDULE_NO_ROOM, "no room for four");
	is_int(schedule_step(&step, &context, out, 4), 4, "just room for four");

	/* a due date before the invoice's: each repeat is judged for itself */
	context.due_date = date(2025, 12, 25);
	context.now = moment(2026, 1, 1, 0, 0);
	step.days = 10;
	is_int(schedule_step(&step, &context, out, 10), 4, "due before it was issued");
	is(schedule_reason_name(out[0].reason), "before invoice date", "the first is too early");
	is(schedule_reason_name(out[1].reason), NULL, "the second is not");
}

static void
check_bounds(void)
{
	ScheduleContext context = context_at(moment(2026, 1, 1, 0, 0), false);
	ScheduledMoment out[4];
	const ScheduleStep bad[] = {
		{SCHEDULE_ON_ISSUE, 0, 0, -1, 0},
		{SCHEDULE_ON_ISSUE, 0, 0, 24, 0},
		{SCHEDULE_AFTER_ISSUE, -1, 0, 9, 0},
		{SCHEDULE_AFTER_ISSUE, 3651, 0, 9, 0},
		{SCHEDULE_BEFORE_DUE, -1, 0, 9, 0},
		{SCHEDULE_BEFORE_DUE, PG_INT32_MAX, 0, 9, 0},
		{SCHEDULE_AFTER_DUE, PG_INT32_MIN, 0, 9, 0},
		{SCHEDULE_REPEAT, 0, 0, 9, 1},
		{SCHEDULE_REPEAT, 1, 0, 9, 0},
		{SCHEDULE_REPEAT, 1, 0, 9, 1001},
		{SCHEDULE_REPEAT, 3651, 0, 9, 1},
		{(ScheduleTrigger) 17, 1, 0, 9, 1},
	};
	ScheduleStep step = {SCHEDULE_ON_DATE, 0, 0, 9, 0};
	int32 offset = 0;
	ScheduleZone fixed = {fixed_offset, &offset};
	int64 at;
	ScheduleTrigger trigger;

	for (int i = 0; i < lengthof(bad); i++)
		is_int(schedule_step(&bad[i], &context, out, 4), SCHEDULE_BAD_STEP, "a step out of bounds");

	context.zone = fixed;
	context.issue_date = SCHEDULE_MIN_DATE;
	step.on_date = PG_INT32_MAX;
	is_int(schedule_step(&step, &context, out, 4), SCHEDULE_OUT_OF_RANGE, "on infinity");
	step.on_date = PG_INT32_MIN;
	is_int(schedule_step(&step, &context, out, 4), SCHEDULE_OUT_OF_RANGE, "on minus infinity");
	step.on_date = SCHEDULE_MAX_DATE;
	is_int(schedule_step(&step, &context, out, 4), 1, "on the last date");
	is_int(out[0].due_at, SCHEDULE_MAX_DATE * DAY * MICROSECONDS + 9 * 3600 * MICROSECONDS,
		   "its moment does not overflow");
	step.on_date = SCHEDULE_MIN_DATE;
	is_int(schedule_step(&step, &context, out, 4), 1, "on the first date");
	is_int(out[0].due_at, SCHEDULE_MIN_DATE * DAY * MICROSECONDS + 9 * 3600 * MICROSECONDS,
		   "nor does its");

	step = (ScheduleStep){SCHEDULE_AFTER_DUE, 3650, 0, 9, 0};
	context.due_date = PG_INT32_MAX;
	is_int(schedule_step(&step, &context, out, 4), SCHEDULE_OUT_OF_RANGE, "after infinity");
	step.trigger = SCHEDULE_BEFORE_DUE;
	context.due_date = PG_INT32_MIN;
	is_int(schedule_step(&step, &context, out, 4), SCHEDULE_OUT_OF_RANGE, "before minus infinity");
	step = (ScheduleStep){SCHEDULE_REPEAT, 3650, 0, 9, 4};
	context.due_date = SCHEDULE_MAX_DATE - 3 * 3650;
	is_int(schedule_step(&step, &context, out, 4), SCHEDULE_OUT_OF_RANGE, "repeats over the end");
	context.due_date = SCHEDULE_MAX_DATE - 4 * 3650;
	is_int(schedule_step(&step, &context, out, 4), 4, "repeats up to the end");

	/* whatever the callback says, an answer comes and is bounded */
	offset = PG_INT32_MAX;
	ok(schedule_local_moment(0, 12, &fixed, &at), "an absurd offset");
	is_int(at, (12 - 25) * 3600 * MICROSECONDS, "counts as 25 hours");
	offset = PG_INT32_MIN;
	ok(schedule_local_moment(0, 12, &fixed, &at), "and one to the other side");
	is_int(at, (12 + 25) * 3600 * MICROSECONDS, "likewise");
	offset = 1172;
	ok(schedule_local_moment(0, 12, &fixed, &at), "local mean time, to the second");
	is_int(at, (12 * 3600 - 1172) * MICROSECONDS, "is kept to the second");

	ok(schedule_trigger_from_name("on_date", &trigger) && trigger == SCHEDULE_ON_DATE, "a trigger");
	ok(schedule_trigger_from_name("repeat", &trigger) && trigger == SCHEDULE_REPEAT, "another");
	ok(!schedule_trigger_from_name("repeats", &trigger), "none");
	ok(!schedule_trigger_from_name("", &trigger), "nor is nothing");
}

/* ---- days off ---- */

/* A step, and its moment and reason by each policy. */
typedef struct DayCase
{
	const char *name;
	ScheduleStep step;
	const char *next;
	const char *next_reason;
	const char *previous;
	const char *previous_reason;
} DayCase;

static void
check_policy(const ScheduleContext *given, ScheduleDayPolicy policy, const DayCase *c)
{
	ScheduleContext context = *given;
	ScheduledMoment out[1];

	context.day_policy = policy;
	is_int(schedule_step(&c->step, &context, out, 1), 1, c->name);
	is(show(out[0].due_at), policy == SCHEDULE_NEXT ? c->next : c->previous, c->name);
	is(schedule_reason_name(out[0].reason),
	   policy == SCHEDULE_NEXT ? c->next_reason : c->previous_reason, c->name);
}

/*
 * An invoice of Saturday 10 January 2026, due on Monday 9 February; Monday 19
 * January and Monday 16 February are holidays.
 */
static void
check_days_off(void)
{
	const int32 holidays[] = {date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16)};
	ScheduleContext context = context_at(moment(2026, 1, 1, 0, 0), false);
	const DayCase early[] = {
		{"a working day stays",
		 {SCHEDULE_AFTER_ISSUE, 3, 0, 9, 0},
		 "2026-01-13 14:00:00",
		 NULL,
		 "2026-01-13 14:00:00",
		 NULL},
		{"on issue, a Saturday: only later",
		 {SCHEDULE_ON_ISSUE, 0, 0, 9, 0},
		 "2026-01-12 14:00:00",
		 NULL,
		 "2026-01-12 14:00:00",
		 NULL},
		{"the invoice date itself: not before it",
		 {SCHEDULE_AFTER_ISSUE, 0, 0, 9, 0},
		 "2026-01-12 14:00:00",
		 NULL,
		 "2026-01-12 14:00:00",
		 NULL},
		{"the Sunday after: not before it either",
		 {SCHEDULE_AFTER_ISSUE, 1, 0, 9, 0},
		 "2026-01-12 14:00:00",
		 NULL,
		 "2026-01-12 14:00:00",
		 NULL},
		{"Saturday before a holiday",
		 {SCHEDULE_AFTER_ISSUE, 7, 0, 9, 0},
		 "2026-01-20 14:00:00",
		 NULL,
		 "2026-01-16 14:00:00",
		 NULL},
		{"the holiday",
		 {SCHEDULE_AFTER_ISSUE, 9, 0, 9, 0},
		 "2026-01-20 14:00:00",
		 NULL,
		 "2026-01-16 14:00:00",
		 NULL},
		{"the hour stays over a change of the clocks",
		 {SCHEDULE_AFTER_DUE, 27, 0, 9, 0},
		 "2026-03-09 13:00:00",
		 NULL,
		 "2026-03-06 14:00:00",
		 NULL},
		{"before the invoice date: judged before it moves",
		 {SCHEDULE_ON_DATE, 0, date(2026, 1, 9), 9, 0},
		 "2026-01-09 14:00:00",
		 "before invoice date",
		 "2026-01-09 14:00:00",
		 "before invoice date"},
		{"also on a day off",
		 {SCHEDULE_ON_DATE, 0, date(2026, 1, 4), 9, 0},
		 "2026-01-04 14:00:00",
		 "before invoice date",
		 "2026-01-04 14:00:00",
		 "before invoice date"},
	};
	const DayCase late[] = {
		/* set on Saturday 17 January at 9 o'clock */
		{"the previous day is past: the next",
		 {SCHEDULE_AFTER_ISSUE, 7, 0, 9, 0},
		 "2026-01-20 14:00:00",
		 NULL,
		 "2026-01-20 14:00:00",
		 NULL},
		{"the same of the Sunday",
		 {SCHEDULE_AFTER_ISSUE, 8, 0, 9, 0},
		 "2026-01-20 14:00:00",
		 NULL,
		 "2026-01-20 14:00:00",
		 NULL},
		{"past itself: next is not past yet",
		 {SCHEDULE_AFTER_ISSUE, 7, 0, 8, 0},
		 "2026-01-20 13:00:00",
		 NULL,
		 "2026-01-16 13:00:00",
		 "past"},
		{"on issue, gone by: at once is the next working day",
		 {SCHEDULE_ON_ISSUE, 0, 0, 9, 0},
		 "2026-01-20 14:00:00",
		 NULL,
		 "2026-01-20 14:00:00",
		 NULL},
	};
	const DayCase friday = {"on issue, gone by, on a working day: at once",
							{SCHEDULE_ON_ISSUE, 0, 0, 9, 0},
							"2026-01-16 20:00:00",
							NULL,
							"2026-01-16 20:00:00",
							NULL};
	const DayCase never = {"no working day at all", {SCHEDULE_AFTER_ISSUE, 7, 0, 9, 0},
						   "2026-01-17 14:00:00",	NULL,
						   "2026-01-17 14:00:00",	NULL};
	const DayCase once = {"at once, without a working day",
						  {SCHEDULE_ON_ISSUE, 0, 0, 9, 0},
						  "2026-01-16 20:00:00",
						  NULL,
						  "2026-01-16 20:00:00",
						  NULL};
	int32 year[SCHEDULE_REACH + 10];
	ScheduledMoment out[10];
	ScheduleStep repeat = {SCHEDULE_REPEAT, 1, 0, 9, 9};
	ScheduleDayPolicy policy;

	set_zone("America/New_York");
	context.weekdays = SCHEDULE_MONDAY_TO_FRIDAY;
	context.holidays = holidays;
	context.nholidays = lengthof(holidays);
	for (ScheduleDayPolicy p = SCHEDULE_NEXT; p <= SCHEDULE_PREVIOUS; p++)
	{
		context.now = moment(2026, 1, 1, 0, 0);
		for (int i = 0; i < lengthof(early); i++)
			check_policy(&context, p, &early[i]);
		context.now = moment(2026, 1, 17, 14, 0);
		for (int i = 0; i < lengthof(late); i++)
			check_policy(&context, p, &late[i]);
		context.now = moment(2026, 1, 16, 20, 0);
		check_policy(&context, p, &friday);
		context.weekdays = 0;
		check_policy(&context, p, &never);
		check_policy(&context, p, &once);
		context.weekdays = SCHEDULE_MONDAY_TO_FRIDAY;
	}

	/* sent already: not at once, but the moment is shown where it would have been */
	context.day_policy = SCHEDULE_NEXT;
	context.already_sent = true;
	schedule_step(&late[3].step, &context, out, 1);
	is(show(out[0].due_at), "2026-01-12 14:00:00", "on issue, sent already: moved all the same");
	is(schedule_reason_name(out[0].reason), "already sent", "and skipped");
	context.already_sent = false;

	/* 10 to 18 February: each repeat moves for itself */
	context.now = moment(2026, 2, 1, 0, 0);
	is_int(schedule_step(&repeat, &context, out, 10), 9, "nine repeats");
	for (int i = 0; i < 9; i++)
	{
		static const char *const days[] = {"10", "11", "12", "13", "17", "17", "17", "17", "18"};

		is(show(out[i].due_at), psprintf("2026-02-%s 14:00:00", days[i]), "a repeat, to the next");
	}
	context.day_policy = SCHEDULE_PREVIOUS;
	schedule_step(&repeat, &context, out, 10);
	for (int i = 0; i < 9; i++)
	{
		static const char *const days[] = {"10", "11", "12", "13", "13", "13", "13", "17", "18"};

		is(show(out[i].due_at), psprintf("2026-02-%s 14:00:00", days[i]),
		   "a repeat, to the previous");
	}

	/* the first working day is a year away, and a day more */
	for (int i = 0; i < lengthof(year); i++)
		year[i] = date(2026, 1, 17) + i;
	context.weekdays = 0x7F;
	context.holidays = year;
	context.day_policy = SCHEDULE_NEXT;
	context.nholidays = SCHEDULE_REACH;
	schedule_step(&late[0].step, &context, out, 1);
	is(show(out[0].due_at), "2027-01-18 14:00:00", "a working day after 366 that are none");
	context.nholidays++;
	schedule_step(&late[0].step, &context, out, 1);
	is(show(out[0].due_at), "2026-01-17 14:00:00", "after 367: nobody waits for that");
	context.day_policy = SCHEDULE_PREVIOUS;
	schedule_step(&late[0].step, &context, out, 1);
	is(show(out[0].due_at), "2026-01-16 14:00:00", "backwards there is one");

	context.weekdays = 0x1F;
	context.nholidays = 0;
	ok(schedule_is_working_day(&context, date(2026, 1, 16)) &&
		   !schedule_is_working_day(&context, date(2026, 1, 17)) &&
		   !schedule_is_working_day(&context, date(2026, 1, 18)) &&
		   schedule_is_working_day(&context, date(2026, 1, 19)),
	   "Friday to Monday");
	ok(schedule_is_working_day(&context, date(1996, 3, 1)) &&
		   !schedule_is_working_day(&context, date(1996, 3, 2)) &&
		   !schedule_is_working_day(&context, date(1996, 3, 3)),
	   "Friday to Sunday before 2000");
	ok(schedule_day_policy_from_name("previous", &policy) && policy == SCHEDULE_PREVIOUS &&
		   schedule_day_policy_from_name("send_anyway", &policy) && policy == SCHEDULE_SEND_ANYWAY,
	   "policies by name");
	ok(!schedule_day_policy_from_name("later", &policy), "and what is none");

	/* at the ends of the calendar nothing overflows */
	context.day_policy = SCHEDULE_NEXT;
	context.weekdays = 0;
	context.issue_date = SCHEDULE_MIN_DATE;
	context.now = PG_INT64_MIN / 2;
	repeat = (ScheduleStep){SCHEDULE_ON_DATE, 0, SCHEDULE_MAX_DATE, 9, 0};
	is_int(schedule_step(&repeat, &context, out, 1), 1,
		   "the last date, with no working day behind");
	is_int(out[0].due_at, (SCHEDULE_MAX_DATE * DAY + 13 * 3600) * MICROSECONDS, "stays");
	context.day_policy = SCHEDULE_PREVIOUS;
	repeat.on_date = SCHEDULE_MIN_DATE;
	is_int(schedule_step(&repeat, &context, out, 1), 1, "and the first");
}

/*
 * What the rules say, in the plainest words: the date that a step of this date
 * is due on, or the date itself.  Weekdays by the C library.
 */
static bool
plain_working(const ScheduleContext *context, int32 day)
{
	time_t t = EPOCH_2000 + day * DAY;
	struct tm utc;

	gmtime_r(&t, &utc);
	if ((context->weekdays >> ((utc.tm_wday + 6) % 7) & 1) == 0)
		return false;
	for (int i = 0; i < context->nholidays; i++)
	{
		if (context->holidays[i] == day)
			return false;
	}
	return true;
}

static int32
plain_search(const ScheduleContext *context, int32 day, int direction)
{
	for (int32 d = day; d != day + 367 * direction; d += direction)
	{
		if (plain_working(context, d))
			return d;
	}
	return PG_INT32_MIN;
}

static int64
plain_moment(const ScheduleContext *context, int32 day, int hour)
{
	ScheduleZone slow = context->zone;
	int64 at = 0;

	slow.days = NULL; /* nothing is kept */
	schedule_local_moment(day, hour, &slow, &at);
	return at;
}

static bool
plain_agrees(const ScheduleStep *step, const ScheduleContext *context, int32 own,
			 const ScheduledMoment *got)
{
	int32 after = plain_search(context, own, 1);
	int32 before = plain_search(context, own, -1);
	int32 day = own;
	int64 own_at = plain_moment(context, own, step->hour);

	if (own < context->issue_date)
		return got->reason == SCHEDULE_BEFORE_INVOICE_DATE && got->due_at == own_at;
	if (context->day_policy != SCHEDULE_SEND_ANYWAY && after != PG_INT32_MIN)
		day = after;
	if (context->day_policy == SCHEDULE_PREVIOUS && before != PG_INT32_MIN &&
		before >= context->issue_date &&
		(plain_moment(context, before, step->hour) >= context->now || own_at < context->now))
		day = before;
	if (got->due_at != plain_moment(context, day, step->hour))
		return false;
	if (got->due_at < context->now)
		return got->reason == SCHEDULE_PAST;
	return got->reason == SCHEDULE_DUE;
}

/*
 * Many steps of many companies, each against the plain rules and against what
 * must hold whatever the rules are.
 */
static void
check_many(const char *zone)
{
	static ScheduleDay kept[SCHEDULE_DAYS_KEPT];
	int wrong = 0;
	int off = 0;
	int early = 0;
	int lost = 0;
	int moved = 0;
	int skipped = 0;
	const int rounds = 20000;

	set_zone(zone);
	memset(kept, 0, sizeof(kept));
	for (int round = 0; round < rounds; round++)
	{
		int32 holidays[12];
		ScheduleContext context = {0};
		ScheduleStep step = {SCHEDULE_ON_DATE, 0, 0, next_random() % 24, 0};
		ScheduledMoment got;
		ScheduledMoment anyway;
		ScheduleContext plain;
		int32 near = date(2024, 1, 1) + next_random() % 800;
		int64 local;

		context.zone = libc_zone;
		context.zone.days = kept;
		context.day_policy = (ScheduleDayPolicy) (next_random() % 3);
		context.weekdays = next_random() % 4 == 0 ? next_random() % 128 : SCHEDULE_MONDAY_TO_FRIDAY;
		context.holidays = holidays;
		context.nholidays = next_random() % 13;
		for (int i = 0, d = near - 6; i < context.nholidays; i++)
			holidays[i] = d += 1 + next_random() % 3 / 2 * (next_random() % 5);
		context.issue_date = near - next_random() % 8;
		context.now = ((near - 8 + next_random() % 16) * DAY + next_random() % DAY) * MICROSECONDS;
		step.on_date = near + next_random() % 8 - 2;

		schedule_step(&step, &context, &got, 1);
		wrong += !plain_agrees(&step, &context, step.on_date, &got);

		plain = context;
		plain.day_policy = SCHEDULE_SEND_ANYWAY;
		schedule_step(&step, &plain, &anyway, 1);
		moved += got.due_at != anyway.due_at;
		skipped += got.skipped;
		lost += got.skipped && !anyway.skipped;
		local = got.due_at / MICROSECONDS + EPOCH_2000;
		local += libc_offset(NULL, local) - EPOCH_2000;
		early += got.due_at < context.now && !got.skipped;
		early += !got.skipped && local / DAY < context.issue_date;
		off += context.day_policy != SCHEDULE_SEND_ANYWAY && !got.skipped &&
			   context.weekdays != 0 && !plain_working(&context, (int32) (local / DAY));
	}
	is_int(wrong, 0, psprintf("%s: steps are where the plain rules have them", zone));
	is_int(off, 0, psprintf("%s: none on a day off", zone));
	is_int(early, 0, psprintf("%s: none before the invoice or in the past", zone));
	is_int(lost, 0, psprintf("%s: none skipped for being moved", zone));
	ok(moved > rounds / 10 && skipped > rounds / 10 && skipped < rounds * 9 / 10,
	   "%s: of %d steps %d moved, %d are skipped", zone, rounds, moved, skipped);
}

/*
 * What is kept of days changes nothing: every hour of three years twice, with
 * other dates in between that take their places.
 */
static void
check_kept(const char *zone)
{
	static ScheduleDay kept[SCHEDULE_DAYS_KEPT];
	ScheduleZone fast = libc_zone;
	int wrong = 0;

	set_zone(zone);
	memset(kept, 0, sizeof(kept));
	fast.days = kept;
	for (int round = 0; round < 2; round++)
	{
		for (int32 d = date(2010, 6, 1); d < date(2013, 6, 1); d++)
		{
			for (int hour = 0; hour < 24; hour++)
			{
				int64 at = 0;
				int64 want = 1;

				wrong += !schedule_local_moment(d, hour, &fast, &at) ||
						 !schedule_local_moment(d, hour, &libc_zone, &want) || at != want;
			}
			if (d % 3 == 0)
			{
				int64 at;

				schedule_local_moment(d + SCHEDULE_DAYS_KEPT, 0, &fast, &at);
			}
		}
	}
	is_int(wrong, 0, psprintf("%s: what is kept of days changes no moment", zone));
}

int
main(void)
{
	static const char *const zones[] = {
		"America/New_York",	 "Europe/Berlin", "Australia/Lord_Howe",
		"Asia/Kathmandu",	 "Pacific/Apia",  "America/Sao_Paulo",
		"Africa/Casablanca", "Asia/Kolkata",  "Asia/Gaza",
	};

	for (int i = 0; i < lengthof(local_cases); i++)
	{
		const LocalCase *c = &local_cases[i];
		int64 at = 0;

		set_zone(c->zone);
		ok(schedule_local_moment(date(c->year, c->month, c->day), c->hour, &libc_zone, &at),
		   "%s %d-%02d-%02d %d:00", c->zone, c->year, c->month, c->day, c->hour);
		is(show(at), c->utc, "is its moment");
	}
	check_triggers();
	check_repeats();
	check_bounds();
	check_days_off();
	for (int i = 0; i < lengthof(zones); i++)
	{
		check_zone(zones[i]);
		check_many(zones[i]);
		check_kept(zones[i]);
	}
	return tap_done();
}
