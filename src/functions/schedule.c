/*-------------------------------------------------------------------------
 *
 * functions/schedule.c
 *	  The SQL face of the schedule arithmetic.
 *
 * step_moments() is what both the setting of a schedule and its preview ask,
 * so it says in words which argument is wrong: what a clerk typed into a
 * cadence ends up here.  Time zones are the server's own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/address.h"
#include "core/schedule.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgtime.h"
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
	ARG_ALREADY_SENT
};

#define RESULT_COLUMNS 4

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
 * get_trigger
 *		The trigger by its name in ar_inbox.step_trigger.
 */
static ScheduleTrigger
get_trigger(FunctionCallInfo fcinfo)
{
	static const char hint[] =
		"Triggers are on_issue, after_issue, before_due, after_due, on_date and repeat.";
	ScheduleTrigger trigger;
	text *name;

	if (PG_ARGISNULL(ARG_TRIGGER))
		missing("trigger", hint);
	name = PG_GETARG_TEXT_PP(ARG_TRIGGER);
	if (!schedule_trigger_from_name(text_to_cstring(name), &trigger))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown trigger \"%s\"",
							   address_escape(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name))),
						errhint("%s", hint)));
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
 * get_context
 *		What the step is reckoned from.  The due date is asked for only where the
 *		step counts from it.
 */
static void
get_context(FunctionCallInfo fcinfo, const ScheduleStep *step, ScheduleContext *context)
{
	static const char zone_hint[] =
		"Name a time zone as in Europe/Berlin; pg_timezone_names lists them.";
	static const char at_hint[] = "Give the moment at which the schedule is set.";
	text *name;

	memset(context, 0, sizeof(*context));
	context->issue_date = get_date(fcinfo, ARG_ISSUE_DATE, "issue_date", "Give the invoice date.");
	if (step->trigger == SCHEDULE_BEFORE_DUE || step->trigger == SCHEDULE_AFTER_DUE ||
		step->trigger == SCHEDULE_REPEAT)
		context->due_date =
			get_date(fcinfo, ARG_DUE_DATE, "due_date", "Give the invoice's due date.");

	if (PG_ARGISNULL(ARG_TIME_ZONE))
		missing("time_zone", zone_hint);
	name = PG_GETARG_TEXT_PP(ARG_TIME_ZONE);
	context->zone.utc_offset = zone_offset;
	context->zone.arg = find_time_zone(name);
	if (context->zone.arg == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown time zone \"%s\"",
							   address_escape(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name))),
						errhint("%s", zone_hint)));

	if (PG_ARGISNULL(ARG_AT))
		missing("at", at_hint);
	context->now = PG_GETARG_TIMESTAMPTZ(ARG_AT);
	if (TIMESTAMP_NOT_FINITE(context->now))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("at must not be %s", context->now < 0 ? "-infinity" : "infinity"),
						errhint("%s", at_hint)));

	context->already_sent = !PG_ARGISNULL(ARG_ALREADY_SENT) && PG_GETARG_BOOL(ARG_ALREADY_SENT);
}

/*
 * ar_inbox_step_moments
 *		step_moments(...): one row for each planned moment, skipped ones too.
 */
Datum
ar_inbox_step_moments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result;
	ScheduleStep step;
	ScheduleContext context;
	ScheduledMoment *moments;
	int room;
	int count;

	get_step(fcinfo, &step);
	get_context(fcinfo, &step, &context);

	room = Max(step.repeats, 1);
	moments = palloc(sizeof(ScheduledMoment) * room);
	count = schedule_step(&step, &context, moments, room);
	if (count == SCHEDULE_OUT_OF_RANGE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the step's date is out of range: %d days from the invoice's date",
							   step.days),
						errhint("Check the invoice's dates.")));
	if (count < 0)
		elog(ERROR, "schedule_step returned %d", count);

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	for (int i = 0; i < count; i++)
	{
		const char *reason = schedule_reason_name(moments[i].reason);
		Datum values[RESULT_COLUMNS];
		bool nulls[RESULT_COLUMNS] = {false};

		values[0] = Int32GetDatum(moments[i].repeat_number);
		values[1] = TimestampTzGetDatum(moments[i].due_at);
		values[2] = CStringGetTextDatum(moments[i].skipped ? "skipped" : "scheduled");
		values[3] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
		nulls[3] = reason == NULL;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
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
