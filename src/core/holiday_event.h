/*-------------------------------------------------------------------------
 *
 * holiday_event.h
 *	  An event of an iCalendar file, from its lines.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_HOLIDAY_EVENT_H
#define AR_INBOX_HOLIDAY_EVENT_H

#include "core/core.h"

#include "core/holiday_rule.h"

typedef struct HolidayDays
{
	int32 *days;
	int count;
	int room;
} HolidayDays;

typedef struct HolidayRules
{
	HolidayRule *rule;
	struct HolidayRules *next;
} HolidayRules;

/* A date, or a date and a time of day. */
typedef struct HolidayMoment
{
	bool given;
	bool is_date;
	int32 day;
	int seconds;
} HolidayMoment;

typedef struct HolidayEvent
{
	int line;
	HolidayMoment start;
	HolidayMoment end;
	bool has_duration;
	int64 duration; /* seconds */
	HolidayMoment replaces;
	bool cancelled;
	const char *name;
	const char *uid;
	uint32 uid_hash; /* most others' differ */
	HolidayDays extra;
	HolidayDays except;
	HolidayRules *rules;
	struct HolidayEvent *next;
} HolidayEvent;

/* A line, without the breaks within it. */
typedef struct HolidayLine
{
	StringInfoData text;
	int number; /* where it begins */
	size_t name_length;
	size_t value; /* where its value begins; 0: it has none */
} HolidayLine;

extern bool holiday_line_is(const HolidayLine *line, const char *name);

/*
 * Adds to the event what the line says of it; NULL, or what is wrong.  shown is
 * room to work in, nrules counts the rules of the file.
 */
extern const char *holiday_event_line(HolidayEvent *event, const HolidayLine *line,
									  StringInfo shown, int *nrules);

#endif /* AR_INBOX_HOLIDAY_EVENT_H */
