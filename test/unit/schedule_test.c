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
	for (int i = 0; i < lengthof(zones); i++)
		check_zone(zones[i]);
	return tap_done();
}
