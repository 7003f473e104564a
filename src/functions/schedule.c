/*-------------------------------------------------------------------------
 *
 * functions/schedule.c
 *	  The SQL face of the schedule arithmetic.
 *
 * step_moments() is what both the setting of a schedule and its preview ask,
 * so it says in words which argument is wrong: what a clerk typed into a
 * cadence ends up here.  Time zones are the server's own.
 *
 * Scheduling a company's invoices calls it a million times with the same zone
 * and the same holidays, so what was found out about them is kept from call to
 * call.  Where there is one moment it is returned as one value, since setting
 * up a set costs more than the reckoning; in the select list
 *
 *		select (m).due_at from (select step_moments(...) as m from ... offset 0) s
 *
 * even the executor makes no set of it, as it does of any function in FROM.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "core/address.h"
#include "core/schedule.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "compat.h"

/* The arguments of step_moments(), in order. */
enum StepArgument
{
	ARG_TRIGGER,
	ARG_DAYS,
	ARG_ON_DATE,
	ARG_HOUR,
	ARG_REPEATS,
	ARG_ISSUE_DATE,
	ARG_DUE_DATE,
	ARG_TIME_ZONE,
	ARG_AT,
	ARG_ALREADY_SENT,
	ARG_DAY_POLICY,
	ARG_WORKING_DAYS,
	ARG_HOLIDAYS
};

#define RESULT_COLUMNS 4

/* The longest word that is a trigger or a policy, and a few characters more. */
#define MAX_WORD 20

/* What is kept from call to call, in fn_extra; each part from its first use. */
typedef struct StepCache
{
	pg_tz *zone;
	char zone_name[TZ_STRLEN_MAX + 1];
	size_t zone_length;
	ScheduleDay days[SCHEDULE_DAYS_KEPT]; /* of this zone */

	ArrayType *given; /* the holidays as they came, to know them by */
	int32 *holidays;  /* and in order */
	int nholidays;

	TupleDesc row;
	Datum states[2]; /* scheduled, skipped */
	Datum reasons[SCHEDULE_ALREADY_SENT + 1];
} StepCache;

PG_FUNCTION_INFO_V1(ar_inbox_step_moments);
PG_FUNCTION_INFO_V1(ar_inbox_is_time_zone);

/*
 * is_zone_rule
 *		Is this not a zone's name but a rule, which PostgreSQL takes as well?
 *
 * In a rule "UTC+2" means two hours behind UTC, and "Foo5" means something too:
 * neither is what the person meant who typed it.  Rules have digits; so have
 * the names in Etc/ and a few old ones.
 */
static bool
is_zone_rule(const char *name)
{
	static const char *const names[] = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT", "GMT0"};

	if (strpbrk(name, "0123456789<,") == NULL || pg_strncasecmp(name, "Etc/", 4) == 0)
		return false;
	for (int i = 0; i < lengthof(names); i++)
	{
		if (pg_strcasecmp(name, names[i]) == 0)
			return false;
	}
	return true;
}

/*
 * find_time_zone
 *		The server's zone of this name, or NULL.  Zones that count leap seconds
 *		would shift every moment; PostgreSQL refuses them for its own clock too.
 */
static pg_tz *
find_time_zone(text *name)
{
	size_t len = VARSIZE_ANY_EXHDR(name);
	char *spelt;
	pg_tz *zone;

	if (len == 0 || len > TZ_STRLEN_MAX)
		return NULL;
	spelt = text_to_cstring(name);
	if (is_zone_rule(spelt))
		return NULL;
	zone = pg_tzset(spelt);
	return (zone != NULL && pg_tz_acceptable(zone)) ? zone : NULL;
}

/*
 * zone_offset
 *		What core/schedule.c asks of a zone.
 */
static int32
zone_offset(void *arg, int64 unix_seconds)
{
	pg_time_t at = unix_seconds;
	struct pg_tm *local = pg_localtime(&at, (pg_tz *) arg);

	return local ? (int32) local->tm_gmtoff : 0;
}

static void
missing(const char *what, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", what),
					errhint("%s", hint)));
}

/*
 * get_number
 *		An integer argument within bounds.
 */
static int32
get_number(FunctionCallInfo fcinfo, int argument, const char *what, int32 least, int32 most,
		   const char *hint)
{
	int32 value;

	if (PG_ARGISNULL(argument))
		missing(what, hint);
	value = PG_GETARG_INT32(argument);
	if (value < least || value > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s %d is outside %d to %d", what, value, least, most),
						errhint("%s", hint)));
	return value;
}

/*
 * get_date
 *		A date argument that the calendar of timestamps has.
 */
static int32
get_date(FunctionCallInfo fcinfo, int argument, const char *what, const char *hint)
{
	DateADT value;

	if (PG_ARGISNULL(argument))
		missing(what, hint);
	value = PG_GETARG_DATEADT(argument);
	if (value < SCHEDULE_MIN_DATE || value > SCHEDULE_MAX_DATE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %s is out of range", what,
						DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(value)))),
				 errhint("%s", hint)));
	return value;
}

/*
 * get_word
 *		A text argument that is one of a few words; buffer has MAX_WORD + 1 bytes.
 *		What is longer comes as the empty string, which is none of them.
 */
static const char *
get_word(text *word, char *buffer)
{
	size_t len = VARSIZE_ANY_EXHDR(word);

	if (len > MAX_WORD)
		len = 0;
	memcpy(buffer, VARDATA_ANY(word), len);
	buffer[len] = '\0';
	return buffer;
}

static void
unknown(const char *what, text *word, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown %s \"%s\"", what,
						   address_escape(VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word))),
					errhint("%s", hint)));
}

/*
 * get_trigger
 *		The trigger by its name in ar_inbox.step_trigger.
 */
static ScheduleTrigger
get_trigger(FunctionCallInfo fcinfo)
{
	static const char hint[] =
		"Triggers are on_issue, after_issue, before_due, after_due, on_date and repeat.";
	ScheduleTrigger trigger;
	char buffer[MAX_WORD + 1];
	text *name;

	if (PG_ARGISNULL(ARG_TRIGGER))
		missing("trigger", hint);
	name = PG_GETARG_TEXT_PP(ARG_TRIGGER);
	if (!schedule_trigger_from_name(get_word(name, buffer), &trigger))
		unknown("trigger", name, hint);
	return trigger;
}

/*
 * get_step
 *		The step: of its numbers only those that its trigger uses are looked at.
 */
static void
get_step(FunctionCallInfo fcinfo, ScheduleStep *step)
{
	memset(step, 0, sizeof(*step));
	step->trigger = get_trigger(fcinfo);
	step->hour = get_number(fcinfo, ARG_HOUR, "hour", 0, 23,
							"Give the hour of day on the company's clocks, from 0 to 23.");

	switch (step->trigger)
	{
		case SCHEDULE_ON_ISSUE:
			break;
		case SCHEDULE_AFTER_ISSUE:
		case SCHEDULE_BEFORE_DUE:
		case SCHEDULE_AFTER_DUE:
			step->days = get_number(fcinfo, ARG_DAYS, "days", 0, SCHEDULE_MAX_DAYS,
									"Give how many days before or after, 0 for the day itself.");
			break;
		case SCHEDULE_ON_DATE:
			step->on_date =
				get_date(fcinfo, ARG_ON_DATE, "on_date", "Give the date on which the step is due.");
			break;
		case SCHEDULE_REPEAT:
			step->days = get_number(fcinfo, ARG_DAYS, "days", 1, SCHEDULE_MAX_DAYS,
									"Give how many days lie between two repeats.");
			step->repeats = get_number(fcinfo, ARG_REPEATS, "repeats", 1, SCHEDULE_MAX_REPEATS,
									   "Give how often the step is repeated, at least once.");
			break;
	}
}

/*
 * get_zone
 *		The time zone; the one of the call before is known.
 */
static void
get_zone(FunctionCallInfo fcinfo, StepCache *cache, ScheduleZone *zone)
{
	static const char hint[] =
		"Name a time zone as in Europe/Berlin; pg_timezone_names lists them.";
	text *name;
	size_t len;

	if (PG_ARGISNULL(ARG_TIME_ZONE))
		missing("time_zone", hint);
	name = PG_GETARG_TEXT_PP(ARG_TIME_ZONE);
	len = VARSIZE_ANY_EXHDR(name);
	if (cache->zone == NULL || len != cache->zone_length ||
		memcmp(VARDATA_ANY(name), cache->zone_name, len) != 0)
	{
		pg_tz *found = find_time_zone(name);

		if (found == NULL)
			unknown("time zone", name, hint);
		cache->zone = found;
		memcpy(cache->zone_name, VARDATA_ANY(name), len);
		cache->zone_length = len;
		memset(cache->days, 0, sizeof(cache->days));
	}
	zone->utc_offset = zone_offset;
	zone->arg = cache->zone;
	zone->days = cache->days;
}

/*
 * is_plain_array
 *		Has the array one dimension, or none, and no NULL?
 */
static bool
is_plain_array(ArrayType *array)
{
	return ARR_NDIM(array) <= 1 && !array_contains_nulls(array);
}

static int
length_of(ArrayType *array)
{
	return ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
}

/*
 * get_weekdays
 *		The days of the week that are worked on, as bits.
 */
static uint8
get_weekdays(FunctionCallInfo fcinfo)
{
	static const char hint[] = "Give weekdays from 1, Monday, to 7, Sunday.";
	ArrayType *array;
	const int32 *days;
	uint8 weekdays = 0;

	if (PG_ARGISNULL(ARG_WORKING_DAYS))
		return SCHEDULE_MONDAY_TO_FRIDAY;
	array = PG_GETARG_ARRAYTYPE_P(ARG_WORKING_DAYS);
	if (!is_plain_array(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("working_days is no list of weekdays"), errhint("%s", hint)));
	days = (const int32 *) ARR_DATA_PTR(array);
	for (int i = 0; i < length_of(array); i++)
	{
		if (days[i] < 1 || days[i] > 7)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("working day %d is outside 1 to 7", days[i]), errhint("%s", hint)));
		weekdays |= 1 << (days[i] - 1);
	}
	return weekdays;
}

static int
compare_dates(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return (x > y) - (x < y);
}

/*
 * get_holidays
 *		The holidays in order.  Those of the call before are known by their bytes,
 *		since another array may come to lie where the last one was.
 */
static void
get_holidays(FunctionCallInfo fcinfo, StepCache *cache, ScheduleContext *context)
{
	ArrayType *array;
	const int32 *days;
	int32 *copy;
	ArrayType *given;
	bool in_order = true;
	int n;

	if (PG_ARGISNULL(ARG_HOLIDAYS))
		return;
	array = PG_GETARG_ARRAYTYPE_P(ARG_HOLIDAYS);
	if (cache->given == NULL || VARSIZE(array) != VARSIZE(cache->given) ||
		memcmp(array, cache->given, VARSIZE(array)) != 0)
	{
		if (!is_plain_array(array))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("holidays is no list of days"),
							errhint("Give dates, in one dimension and none of them NULL.")));
		n = length_of(array);
		days = (const int32 *) ARR_DATA_PTR(array);
		copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, Max(n, 1) * sizeof(int32));
		given = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE(array));
		memcpy(given, array, VARSIZE(array));
		for (int i = 0; i < n; i++)
		{
			copy[i] = days[i];
			in_order = in_order && (i == 0 || copy[i - 1] <= copy[i]);
		}
		if (!in_order)
			qsort(copy, n, sizeof(int32), compare_dates);

		if (cache->given != NULL)
		{
			pfree(cache->given);
			pfree(cache->holidays);
		}
		cache->given = given;
		cache->holidays = copy;
		cache->nholidays = n;
	}
	context->holidays = cache->holidays;
	context->nholidays = cache->nholidays;
}

/*
 * get_day_policy
 *		What the company does about days off.  Which they are is not looked at
 *		where it does nothing.
 */
static void
get_day_policy(FunctionCallInfo fcinfo, StepCache *cache, ScheduleContext *context)
{
	static const char hint[] = "Policies are send_anyway, next and previous.";
	char buffer[MAX_WORD + 1];
	text *name;

	if (PG_ARGISNULL(ARG_DAY_POLICY))
		missing("day_policy", hint);
	name = PG_GETARG_TEXT_PP(ARG_DAY_POLICY);
	if (!schedule_day_policy_from_name(get_word(name, buffer), &context->day_policy))
		unknown("day_policy", name, hint);
	if (context->day_policy != SCHEDULE_SEND_ANYWAY)
	{
		context->weekdays = get_weekdays(fcinfo);
		get_holidays(fcinfo, cache, context);
	}
}

/*
 * get_context
 *		What the step is reckoned from.  The due date is asked for only where the
 *		step counts from it.
 */
static void
get_context(FunctionCallInfo fcinfo, StepCache *cache, const ScheduleStep *step,
			ScheduleContext *context)
{
	static const char at_hint[] = "Give the moment at which the schedule is set.";

	memset(context, 0, sizeof(*context));
	context->issue_date = get_date(fcinfo, ARG_ISSUE_DATE, "issue_date", "Give the invoice date.");
	if (step->trigger == SCHEDULE_BEFORE_DUE || step->trigger == SCHEDULE_AFTER_DUE ||
		step->trigger == SCHEDULE_REPEAT)
		context->due_date =
			get_date(fcinfo, ARG_DUE_DATE, "due_date", "Give the invoice's due date.");
	get_zone(fcinfo, cache, &context->zone);

	if (PG_ARGISNULL(ARG_AT))
		missing("at", at_hint);
	context->now = PG_GETARG_TIMESTAMPTZ(ARG_AT);
	if (TIMESTAMP_NOT_FINITE(context->now))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("at must not be %s", context->now < 0 ? "-infinity" : "infinity"),
						errhint("%s", at_hint)));

	context->already_sent = !PG_ARGISNULL(ARG_ALREADY_SENT) && PG_GETARG_BOOL(ARG_ALREADY_SENT);
	get_day_policy(fcinfo, cache, context);
}

/*
 * get_cache
 *		What is kept for this place in the query, with the words of the result.
 */
static StepCache *
get_cache(FunctionCallInfo fcinfo)
{
	StepCache *cache = fcinfo->flinfo->fn_extra;
	MemoryContext outer;

	if (cache != NULL)
		return cache;
	outer = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	cache = palloc0(sizeof(StepCache));
	if (get_call_result_type(fcinfo, NULL, &cache->row) != TYPEFUNC_COMPOSITE ||
		cache->row->natts != RESULT_COLUMNS)
		elog(ERROR, "step_moments must return rows of %d columns", RESULT_COLUMNS);
	cache->row = BlessTupleDesc(cache->row);
	cache->states[false] = CStringGetTextDatum("scheduled");
	cache->states[true] = CStringGetTextDatum("skipped");
	for (int i = 0; i < lengthof(cache->reasons); i++)
	{
		const char *reason = schedule_reason_name((ScheduleReason) i);

		cache->reasons[i] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	}
	MemoryContextSwitchTo(outer);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/*
 * ar_inbox_step_moments
 *		step_moments(...): one row for each planned moment, skipped ones too.
 */
Datum
ar_inbox_step_moments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	StepCache *cache;
	ScheduleStep step;
	ScheduleContext context;
	ScheduledMoment single;
	ScheduledMoment *moments = &single;
	Datum values[RESULT_COLUMNS];
	bool nulls[RESULT_COLUMNS] = {false};
	int room;
	int count;

	if (result == NULL || !IsA(result, ReturnSetInfo))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));
	cache = get_cache(fcinfo);
	get_step(fcinfo, &step);
	get_context(fcinfo, cache, &step, &context);

	room = Max(step.repeats, 1);
	if (room > 1)
		moments = palloc(sizeof(ScheduledMoment) * room);
	count = schedule_step(&step, &context, moments, room);
	if (count == SCHEDULE_OUT_OF_RANGE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the step's date is out of range: %d days from the invoice's date",
							   step.days),
						errhint("Check the invoice's dates.")));
	if (count < 0)
		elog(ERROR, "schedule_step returned %d", count);

	if (count > 1)
		InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		values[0] = Int32GetDatum(moments[i].repeat_number);
		values[1] = TimestampTzGetDatum(moments[i].due_at);
		values[2] = cache->states[moments[i].skipped];
		values[3] = cache->reasons[moments[i].reason];
		nulls[3] = values[3] == (Datum) 0;
		if (count > 1)
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	if (count > 1)
		return (Datum) 0;
	result->isDone = ExprSingleResult;
	return HeapTupleGetDatum(heap_form_tuple(cache->row, values, nulls));
}

/*
 * ar_inbox_is_time_zone
 *		is_time_zone(text): would step_moments() know it?
 */
Datum
ar_inbox_is_time_zone(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(find_time_zone(PG_GETARG_TEXT_PP(0)) != NULL);
}
