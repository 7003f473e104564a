/*-------------------------------------------------------------------------
 *
 * holidays.c
 *	  The days of an iCalendar file (RFC 5545).
 *
 * The file comes from anywhere.  Its lines and components are gone through
 * here, which tells the line of a fault and bounds depth and number.  What
 * events say is read by libical, a line at a time (holiday_event.c); time zones,
 * alarms and what else calendars carry never reach it.
 *
 *	- DTEND is the day after the last; an end at midnight likewise;
 *	- RRULE (holiday_rule.c), RDATE and EXDATE give further days, and take some;
 *	- an event with RECURRENCE-ID takes the place of that day of its UID;
 *	- a cancelled event has no days, and takes that place all the same.
 *
 *-------------------------------------------------------------------------
 */
#include "core/holidays.h"

#include "core/holiday_event.h"
#include "core/holiday_rule.h"
#include "mb/pg_wchar.h"

#define MAX_DEPTH 8 /* of components; calendars have three */

/* An event's further days are not looked for beyond. */
#define MAX_SPAN 366

#define MAX_COMPONENT_NAME 40

#define SECONDS_A_DAY 86400

typedef struct Reader
{
	const char *next;
	const char *end;
	int number; /* of the line at next */
	HolidayLine line;
	StringInfoData shown; /* to libical */
	HolidayEvent *events; /* the latest first */
	int nevents;
	int nrules;
	Holidays *out;

	int32 first;
	int32 last;
	int64 budget;
	int32 span;		  /* days of the event that is expanded */
	const char *name; /* its name */
	bool *taken;	  /* days of the window, from first on */
	const char **names;
	bool *except; /* days on which the event does not begin, from first - MAX_SPAN on */
} Reader;

static bool
fault(Reader *reader, int line, const char *what)
{
	reader->out->line = line;
	reader->out->fault = what;
	return false;
}

/* ---- lines ---- */

/*
 * split_line
 *		Where the name ends, at the first ; or :, and where the value begins,
 *		behind the first : that is not in quotation marks.
 */
static void
split_line(HolidayLine *line)
{
	const char *text = line->text.data;
	bool quoted = false;

	line->name_length = strcspn(text, ";:");
	line->value = 0;
	for (size_t i = line->name_length; text[i] != '\0'; i++)
	{
		if (text[i] == '"')
			quoted = !quoted;
		else if (text[i] == ':' && !quoted)
		{
			line->value = i + 1;
			break;
		}
	}
}

/*
 * next_line
 *		The next line that is not empty, with those that continue it: they begin
 *		with a blank, which is not theirs.  Lines end in CR LF, LF or CR.
 */
static bool
next_line(Reader *reader)
{
	HolidayLine *line = &reader->line;

	resetStringInfo(&line->text);
	while (reader->next < reader->end)
	{
		const char *p = reader->next;
		bool continues = *p == ' ' || *p == '\t';

		if (line->text.len > 0 && !continues)
			break;
		while (p < reader->end && *p != '\n' && *p != '\r')
			p++;
		if (line->text.len == 0)
			line->number = reader->number;
		if (continues)
			reader->next++;
		appendBinaryStringInfo(&line->text, reader->next, (int) (p - reader->next));
		if (p < reader->end && *p == '\r')
			p++;
		if (p < reader->end && *p == '\n')
			p++;
		reader->number++;
		reader->next = p;
	}
	if (line->text.len == 0)
		return false;
	split_line(line);
	return true;
}

/* ---- components ---- */

/*
 * read_file
 *		The events.  An event within anything but a calendar is none of it.
 */
static bool
read_file(Reader *reader)
{
	char names[MAX_DEPTH][MAX_COMPONENT_NAME + 1];
	int lines[MAX_DEPTH];
	int depth = 0;
	const HolidayLine *line = &reader->line;

	while (next_line(reader))
	{
		const char *value = line->text.data + line->value;
		bool begins = line->value > 0 && holiday_line_is(line, "BEGIN");

		if (depth == 0 && (!begins || pg_strcasecmp(value, "VCALENDAR") != 0))
			return fault(reader, line->number, "this is no iCalendar: BEGIN:VCALENDAR is missing");
		if (begins)
		{
			if (depth == MAX_DEPTH)
				return fault(reader, line->number,
							 psprintf("components lie more than %d deep", MAX_DEPTH));
			if (strlen(value) > MAX_COMPONENT_NAME)
				return fault(reader, line->number, "a component has too long a name");
			strlcpy(names[depth], value, sizeof(names[depth]));
			lines[depth++] = line->number;
			if (depth == 2 && pg_strcasecmp(value, "VEVENT") == 0)
			{
				HolidayEvent *event = palloc0(sizeof(HolidayEvent));

				if (reader->nevents++ == HOLIDAYS_MAX_EVENTS)
					return fault(reader, line->number,
								 psprintf("there are more than %d events", HOLIDAYS_MAX_EVENTS));
				event->line = line->number;
				event->next = reader->events;
				reader->events = event;
			}
		}
		else if (line->value > 0 && holiday_line_is(line, "END"))
		{
			if (pg_strcasecmp(value, names[depth - 1]) != 0)
				return fault(
					reader, line->number,
					psprintf("END does not close what BEGIN in line %d began", lines[depth - 1]));
			depth--;
			if (depth == 1 && pg_strcasecmp(value, "VEVENT") == 0 && !reader->events->start.given)
				return fault(reader, reader->events->line, "the event has no DTSTART");
		}
		else if (depth == 2 && pg_strcasecmp(names[1], "VEVENT") == 0)
		{
			const char *what =
				holiday_event_line(reader->events, line, &reader->shown, &reader->nrules);

			if (what != NULL)
				return fault(reader, line->number, what);
		}
	}
	if (depth > 0)
		return fault(reader, lines[depth - 1], "what begins here does not end");
	if (reader->nevents == 0)
		return fault(reader, 0, "it has no events");
	return true;
}

/* ---- days ---- */

/*
 * span_of
 *		How many days the event lasts.
 */
static int32
span_of(const HolidayEvent *event)
{
	int64 start = event->start.day * INT64CONST(86400) + event->start.seconds;
	int64 end = start;

	if (event->end.given)
		end = event->end.day * INT64CONST(86400) + event->end.seconds;
	else if (event->has_duration)
		end = start + event->duration;
	if (end <= start)
		return 1;
	/* up to the second before its end */
	end = (end - 1 - event->start.day * INT64CONST(86400)) / SECONDS_A_DAY + 1;
	return (int32) Min(end, MAX_SPAN);
}

/*
 * add_occurrence
 *		The event begins on this day: its days within the window are taken, unless
 *		it is none of them or another event has given its name to them.
 */
static void
add_occurrence(void *arg, int32 day)
{
	Reader *reader = arg;

	if (day < reader->first - MAX_SPAN || day > reader->last ||
		reader->except[day - (reader->first - MAX_SPAN)])
		return;
	for (int32 d = Max(day, reader->first); d < day + reader->span && d <= reader->last; d++)
	{
		int i = d - reader->first;

		reader->budget--;
		if (reader->taken[i] && reader->names[i] != NULL)
			continue;
		reader->taken[i] = true;
		reader->names[i] = reader->name;
	}
}

static void
set_except(Reader *reader, int32 day, bool value)
{
	if (day >= reader->first - MAX_SPAN && day <= reader->last)
		reader->except[day - (reader->first - MAX_SPAN)] = value;
}

/*
 * set_excepted
 *		The days on which the event does not begin though it says so: its own
 *		exceptions, and those that other events of its UID replace.
 */
static void
set_excepted(Reader *reader, const HolidayEvent *event, HolidayEvent *const *replacing, bool value)
{
	for (int i = 0; i < event->except.count; i++)
		set_except(reader, event->except.days[i], value);
	if (event->replaces.given || event->uid == NULL)
		return;
	for (; *replacing != NULL; replacing++)
	{
		if ((*replacing)->uid_hash == event->uid_hash && strcmp((*replacing)->uid, event->uid) == 0)
			set_except(reader, (*replacing)->replaces.day, value);
	}
}

/*
 * expand_event
 *		All days of an event that is not cancelled.
 */
static bool
expand_event(Reader *reader, const HolidayEvent *event, HolidayEvent *const *replacing)
{
	set_excepted(reader, event, replacing, true);
	reader->span = span_of(event);
	reader->name = event->name;
	add_occurrence(reader, event->start.day);
	for (int i = 0; i < event->extra.count; i++)
		add_occurrence(reader, event->extra.days[i]);
	for (HolidayRules *entry = event->rules; entry != NULL; entry = entry->next)
	{
		if (!holiday_rule_expand(entry->rule, event->start.day, reader->first - reader->span,
								 reader->last, &reader->budget, add_occurrence, reader))
			return fault(reader, event->line, "the rules of the file are too much work");
	}
	set_excepted(reader, event, replacing, false);
	if (reader->budget < 0)
		return fault(reader, event->line, "the rules of the file are too much work");
	return true;
}

/*
 * expand_file
 *		All events, in the order of the file: a day has the name that is first.
 */
static bool
expand_file(Reader *reader)
{
	int window = reader->last - reader->first + 1;
	HolidayEvent **events = palloc(sizeof(HolidayEvent *) * reader->nevents);
	HolidayEvent **replacing = palloc(sizeof(HolidayEvent *) * (reader->nevents + 1));
	int nreplacing = 0;
	int n = reader->nevents;

	for (HolidayEvent *event = reader->events; event != NULL; event = event->next)
	{
		events[--n] = event;
		if (event->replaces.given && event->uid != NULL)
			replacing[nreplacing++] = event;
	}
	replacing[nreplacing] = NULL;

	reader->taken = palloc0(window);
	reader->names = palloc0(window * sizeof(char *));
	reader->except = palloc0(window + MAX_SPAN);
	for (int i = 0; i < reader->nevents; i++)
	{
		if (!events[i]->cancelled && !expand_event(reader, events[i], replacing))
			return false;
	}

	reader->out->days = palloc(window * sizeof(Holiday));
	for (int i = 0; i < window; i++)
	{
		if (reader->taken[i])
		{
			reader->out->days[reader->out->count].day = reader->first + i;
			reader->out->days[reader->out->count++].name = reader->names[i];
		}
	}
	return true;
}

/*
 * holidays_read
 *		See holidays.h.
 */
bool
holidays_read(const char *ics, size_t len, int32 first, int32 last, Holidays *out)
{
	Reader reader = {0};
	bool done;

	memset(out, 0, sizeof(*out));
	reader.out = out;
	reader.next = ics;
	reader.end = ics + len;
	reader.number = 1;
	reader.first = first;
	reader.last = last;
	reader.budget = HOLIDAY_RULE_BUDGET;
	if (len > HOLIDAYS_MAX_SIZE)
		return fault(&reader, 0,
					 psprintf("it has %zu bytes, more than %d", len, HOLIDAYS_MAX_SIZE));
	if (last < first || last - first >= HOLIDAYS_MAX_WINDOW)
		return fault(&reader, 0, "no window of days is given");
	if (pg_encoding_verifymbstr(PG_UTF8, ics, (int) len) != len)
		return fault(&reader, 0, "it is not in UTF-8");
	if (len >= 3 && memcmp(ics, "\xEF\xBB\xBF", 3) == 0)
		reader.next += 3;

	icalerror_set_errors_are_fatal(0);
	initStringInfo(&reader.line.text);
	initStringInfo(&reader.shown);
	done = read_file(&reader);
	icalmemory_free_ring(); /* what it keeps of texts that it was asked for */
	return done && expand_file(&reader);
}
