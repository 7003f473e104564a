/*-------------------------------------------------------------------------
 *
 * holidays.c
 *	  The days of an iCalendar file (RFC 5545).
 *
 * The file comes from anywhere.  Its lines and components are gone through
 * here, which tells the line of a fault and bounds depth and number, and
 * libical gets to see one line of one event at a time: what a date, a rule or
 * a text is, it knows.  Of the lines only those are shown to it that say on
 * which days an event lies, and what it is called; time zones, alarms and what
 * else calendars carry never reach it.
 *
 * What libical makes is malloc'd, so between its parser and its free nothing
 * here raises an error.  Its time zones are never loaded, since no moment in
 * UTC is shown to it: a day is the one that is written, in whatever zone.
 *
 *	- DTEND is the day after the last; an end at midnight likewise;
 *	- RRULE (holiday_rule.c), RDATE and EXDATE give further days, and take some;
 *	- an event with RECURRENCE-ID takes the place of that day of its UID;
 *	- a cancelled event has no days, and takes that place all the same.
 *
 *-------------------------------------------------------------------------
 */
#include "core/holidays.h"

#include "core/holiday_rule.h"
#include "mb/pg_wchar.h"

#define MAX_DEPTH 8 /* of components; calendars have three */

/* libical takes so many values of a property, and leaves further ones out. */
#define MAX_VALUES 500

/* An event's further days are not looked for beyond. */
#define MAX_SPAN 366

#define MAX_COMPONENT_NAME 40

#define SECONDS_A_DAY 86400

typedef enum PropertyKind
{
	NO_PROPERTY,
	START,
	END,
	DURATION,
	RULE,
	EXTRA_DATES,
	EXCEPT_DATES,
	REPLACES,
	STATUS,
	UID,
	SUMMARY,
	EXCEPT_RULE
} PropertyKind;

static const struct
{
	const char *name;
	PropertyKind kind;
	bool of_days; /* it has dates, whose fault is the file's */
} properties[] = {
	{"DTSTART", START, true},		   {"DTEND", END, true},
	{"DURATION", DURATION, true},	   {"RRULE", RULE, true},
	{"RDATE", EXTRA_DATES, true},	   {"EXDATE", EXCEPT_DATES, true},
	{"RECURRENCE-ID", REPLACES, true}, {"EXRULE", EXCEPT_RULE, true},
	{"STATUS", STATUS, false},		   {"UID", UID, false},
	{"SUMMARY", SUMMARY, false},
};

typedef struct DayList
{
	int32 *days;
	int count;
	int room;
} DayList;

typedef struct RuleList
{
	HolidayRule *rule;
	struct RuleList *next;
} RuleList;

/* A date, or a date and a time of day. */
typedef struct Moment
{
	bool given;
	bool is_date;
	int32 day;
	int seconds;
} Moment;

typedef struct Event
{
	int line;
	Moment start;
	Moment end;
	bool has_duration;
	int64 duration; /* seconds */
	Moment replaces;
	bool cancelled;
	const char *name;
	const char *uid;
	uint32 uid_hash; /* most others' differ */
	DayList extra;
	DayList except;
	RuleList *rules;
	struct Event *next;
} Event;

/* A line, without the breaks within it. */
typedef struct Line
{
	StringInfoData text;
	int number; /* where it begins */
	size_t name_length;
	size_t value; /* where its value begins; 0: it has none */
} Line;

typedef struct Reader
{
	const char *next;
	const char *end;
	int number; /* of the line at next */
	Line line;
	StringInfoData shown; /* to libical */
	Event *events;		  /* the latest first */
	int nevents;
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

static bool
is_named(const Line *line, const char *name)
{
	return strlen(name) == line->name_length &&
		   pg_strncasecmp(line->text.data, name, line->name_length) == 0;
}

/* ---- lines ---- */

/*
 * split_line
 *		Where the name ends, at the first ; or :, and where the value begins,
 *		behind the first : that is not in quotation marks.
 */
static void
split_line(Line *line)
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
	Line *line = &reader->line;

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

/* ---- values, by libical ---- */

/*
 * has_whole_dates
 *		Does each value begin with the eight digits of a date?  libical also takes
 *		what looks like them.
 */
static bool
has_whole_dates(const char *value)
{
	for (;;)
	{
		const char *end = value + strcspn(value, ",");

		if (strspn(value, "0123456789") != 8 || (end != value + 8 && value[8] != 'T'))
			return false;
		if (*end == '\0')
			return true;
		value = end + 1;
	}
}

static int
count_values(const char *value)
{
	int count = 1;

	for (; *value != '\0'; value++)
		count += *value == ',';
	return count;
}

/*
 * show_line
 *		Has libical read the line, as that of an event; NULL if it cannot.  The Z
 *		of UTC is left out, for which it would look up the server's time zones.
 */
static icalcomponent *
show_line(Reader *reader, bool of_days)
{
	const Line *line = &reader->line;
	StringInfo shown = &reader->shown;

	resetStringInfo(shown);
	appendStringInfoString(shown, "BEGIN:VEVENT\r\n");
	for (int i = 0; i < line->text.len; i++)
	{
		char c = line->text.data[i];

		if (!(of_days && i > line->value && (c == 'Z' || c == 'z') &&
			  line->text.data[i - 1] >= '0' && line->text.data[i - 1] <= '9'))
			appendStringInfoChar(shown, c);
	}
	appendStringInfoString(shown, "\r\nEND:VEVENT\r\n");
	return icalparser_parse_string(shown->data);
}

/*
 * copy_name
 *		A text as a name: one line, no control characters, no blanks around it, not
 *		too long; NULL if nothing is left.  In the server's memory, which may be
 *		refused: then it is NULL as well.
 */
static char *
copy_name(const char *text)
{
	size_t len = strlen(text);
	char *name = palloc_extended(len + 1, MCXT_ALLOC_NO_OOM);
	size_t n = 0;
	int characters = 0;

	if (name == NULL || pg_encoding_verifymbstr(PG_UTF8, text, (int) len) != len)
		return NULL;
	for (size_t i = 0; i < len && characters < HOLIDAYS_MAX_NAME;)
	{
		int bytes = pg_utf_mblen((const unsigned char *) text + i);
		bool blank = (unsigned char) text[i] <= ' ' || text[i] == 0x7F;

		if (!blank)
			memcpy(name + n, text + i, bytes);
		else if (n > 0 && name[n - 1] != ' ')
			name[n] = ' ';
		else
			bytes = 0; /* none at the beginning, and one of several */
		n += bytes;
		i += Max(bytes, 1);
		characters += bytes > 0;
	}
	if (n > 0 && name[n - 1] == ' ')
		n--;
	name[n] = '\0';
	return n > 0 ? name : NULL;
}

/*
 * set_moment
 *		libical's time, if there is such a one.
 */
static bool
set_moment(Moment *moment, struct icaltimetype time)
{
	moment->given = true;
	moment->is_date = time.is_date;
	moment->seconds = time.is_date ? 0 : time.hour * 3600 + time.minute * 60 + time.second;
	return holiday_day(time.year, time.month, time.day, &moment->day) &&
		   (time.is_date || (time.hour >= 0 && time.hour < 24 && time.minute >= 0 &&
							 time.minute < 60 && time.second >= 0 && time.second <= 60));
}

/* add_day never raises an error: libical's memory is held meanwhile. */
static bool
add_day(DayList *list, int32 day)
{
	if (list->count == list->room)
	{
		int room = Max(list->room * 2, 16);
		int32 *days = palloc_extended(room * sizeof(int32), MCXT_ALLOC_NO_OOM);

		if (days == NULL)
			return false;
		if (list->days != NULL)
		{
			memcpy(days, list->days, list->count * sizeof(int32));
			pfree(list->days);
		}
		list->days = days;
		list->room = room;
	}
	list->days[list->count++] = day;
	return true;
}

static bool
is_date_value(icalvalue *value)
{
	return value != NULL &&
		   (icalvalue_isa(value) == ICAL_DATE_VALUE || icalvalue_isa(value) == ICAL_DATETIME_VALUE);
}

/*
 * add_dates
 *		All values of a property that has several, which libical has made as many
 *		properties of.
 */
static bool
add_dates(DayList *list, icalcomponent *component, icalproperty_kind kind)
{
	icalproperty *property = icalcomponent_get_first_property(component, kind);

	for (; property != NULL; property = icalcomponent_get_next_property(component, kind))
	{
		icalvalue *value = icalproperty_get_value(property);
		Moment moment;

		if (!is_date_value(value) || !set_moment(&moment, icalvalue_get_datetime(value)) ||
			!add_day(list, moment.day))
			return false;
	}
	return true;
}

/*
 * take_value
 *		What the line says of the event, as libical understood it; the fault, or
 *		NULL.  The rule is left to the caller, since making one takes memory.
 */
static const char *
take_value(Event *event, PropertyKind kind, icalcomponent *component,
		   struct icalrecurrencetype *rule)
{
	/* what it could not read, it leaves as a property that says so */
	icalproperty *first = icalcomponent_get_first_property(component, ICAL_ANY_PROPERTY);
	icalproperty *property =
		first == NULL || icalproperty_isa(first) == ICAL_XLICERROR_PROPERTY ? NULL : first;
	icalvalue *value = property == NULL ? NULL : icalproperty_get_value(property);
	icalvalue_kind type = value == NULL ? ICAL_NO_VALUE : icalvalue_isa(value);
	bool dates = is_date_value(value);

	switch (kind)
	{
		case START:
			return dates && set_moment(&event->start, icalvalue_get_datetime(value)) ?
					   NULL :
					   "DTSTART is no date";
		case END:
			return dates && set_moment(&event->end, icalvalue_get_datetime(value)) ?
					   NULL :
					   "DTEND is no date";
		case REPLACES:
			if (property != NULL &&
				icalproperty_get_first_parameter(property, ICAL_RANGE_PARAMETER) != NULL)
				return "RECURRENCE-ID has a RANGE, which is not known";
			return dates && set_moment(&event->replaces, icalvalue_get_datetime(value)) ?
					   NULL :
					   "RECURRENCE-ID is no date";
		case EXTRA_DATES:
			return dates && add_dates(&event->extra, component, ICAL_RDATE_PROPERTY) ?
					   NULL :
					   "RDATE is no list of dates";
		case EXCEPT_DATES:
			return dates && add_dates(&event->except, component, ICAL_EXDATE_PROPERTY) ?
					   NULL :
					   "EXDATE is no list of dates";
		case DURATION:
			if (type != ICAL_DURATION_VALUE)
				return "DURATION is none";
			else
			{
				struct icaldurationtype duration = icalvalue_get_duration(value);

				event->has_duration = true;
				event->duration = (duration.weeks * INT64CONST(7) + duration.days) * SECONDS_A_DAY +
								  duration.hours * INT64CONST(3600) +
								  duration.minutes * INT64CONST(60) + duration.seconds;
				return duration.is_neg ? "DURATION is negative" : NULL;
			}
		case RULE:
			if (type != ICAL_RECUR_VALUE)
				return "RRULE is no rule";
			*rule = icalvalue_get_recur(value);
			return NULL;
		case EXCEPT_RULE:
			return "EXRULE is not known";
		case STATUS:
			event->cancelled =
				event->cancelled || (property != NULL && type == ICAL_STATUS_VALUE &&
									 icalproperty_get_status(property) == ICAL_STATUS_CANCELLED);
			return NULL;
		case SUMMARY:
			if (type == ICAL_TEXT_VALUE)
				event->name = copy_name(icalvalue_get_text(value));
			return NULL;
		case UID:
			if (type == ICAL_TEXT_VALUE)
				event->uid = copy_name(icalvalue_get_text(value));
			event->uid_hash = 0;
			for (const char *c = event->uid; c != NULL && *c != '\0'; c++)
				event->uid_hash = event->uid_hash * 31 + (unsigned char) *c;
			return NULL;
		case NO_PROPERTY:
			break;
	}
	return NULL;
}

/*
 * read_property
 *		A line of an event.
 */
static bool
read_property(Reader *reader, Event *event)
{
	const Line *line = &reader->line;
	struct icalrecurrencetype read;
	const char *what = NULL;
	icalcomponent *component;
	int i = 0;

	while (i < lengthof(properties) && !is_named(line, properties[i].name))
		i++;
	if (i == lengthof(properties))
		return true;
	if (properties[i].of_days)
	{
		PropertyKind kind = properties[i].kind;
		const char *value = line->text.data + line->value;

		if (line->value == 0)
			return fault(reader, line->number, psprintf("%s has no value", properties[i].name));
		if (kind != DURATION && kind != RULE && kind != EXCEPT_RULE && !has_whole_dates(value))
			return fault(reader, line->number, psprintf("%s is no date", properties[i].name));
		if (count_values(value) > MAX_VALUES)
			return fault(reader, line->number,
						 psprintf("%s has more than %d values", properties[i].name, MAX_VALUES));
	}

	component = show_line(reader, properties[i].of_days);
	if (component == NULL)
		what = properties[i].of_days ? "it cannot be read" : NULL;
	else
	{
		HolidayRule *rule = NULL;

		if (properties[i].of_days &&
			icalcomponent_count_properties(component, ICAL_XLICERROR_PROPERTY) > 0)
			what = "it cannot be read";
		else
			what = take_value(event, properties[i].kind, component, &read);
		if (what == NULL && properties[i].kind == RULE)
			rule = holiday_rule_make(&read, &what);
		icalcomponent_free(component);
		if (rule != NULL)
		{
			RuleList *entry = palloc(sizeof(RuleList));

			entry->rule = rule;
			entry->next = event->rules;
			event->rules = entry;
		}
	}
	return what == NULL || fault(reader, line->number, what);
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
	const Line *line = &reader->line;

	while (next_line(reader))
	{
		const char *value = line->text.data + line->value;
		bool begins = line->value > 0 && is_named(line, "BEGIN");

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
				Event *event = palloc0(sizeof(Event));

				if (reader->nevents++ == HOLIDAYS_MAX_EVENTS)
					return fault(reader, line->number,
								 psprintf("there are more than %d events", HOLIDAYS_MAX_EVENTS));
				event->line = line->number;
				event->next = reader->events;
				reader->events = event;
			}
		}
		else if (line->value > 0 && is_named(line, "END"))
		{
			if (pg_strcasecmp(value, names[depth - 1]) != 0)
				return fault(
					reader, line->number,
					psprintf("END does not close what BEGIN in line %d began", lines[depth - 1]));
			depth--;
			if (depth == 1 && pg_strcasecmp(value, "VEVENT") == 0 && !reader->events->start.given)
				return fault(reader, reader->events->line, "the event has no DTSTART");
		}
		else if (depth == 2 && pg_strcasecmp(names[1], "VEVENT") == 0 &&
				 !read_property(reader, reader->events))
			return false;
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
span_of(const Event *event)
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
set_excepted(Reader *reader, const Event *event, Event *const *replacing, bool value)
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
expand_event(Reader *reader, const Event *event, Event *const *replacing)
{
	set_excepted(reader, event, replacing, true);
	reader->span = span_of(event);
	reader->name = event->name;
	add_occurrence(reader, event->start.day);
	for (int i = 0; i < event->extra.count; i++)
		add_occurrence(reader, event->extra.days[i]);
	for (RuleList *entry = event->rules; entry != NULL; entry = entry->next)
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
	Event **events = palloc(sizeof(Event *) * reader->nevents);
	Event **replacing = palloc(sizeof(Event *) * (reader->nevents + 1));
	int nreplacing = 0;
	int n = reader->nevents;

	for (Event *event = reader->events; event != NULL; event = event->next)
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
