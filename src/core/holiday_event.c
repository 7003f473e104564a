/*-------------------------------------------------------------------------
 *
 * holiday_event.c
 *	  An event of an iCalendar file, from its lines.
 *
 * libical gets to see one line at a time, of those that say on which days the
 * event lies and what it is called: what a date, a rule or a text is, it knows.
 * What it makes is malloc'd, so between its parser and its free nothing here
 * raises an error.  Its time zones are never loaded, since no moment in UTC is
 * shown to it: a day is the one that is written, in whatever zone.
 *
 *-------------------------------------------------------------------------
 */
#include "core/holiday_event.h"

#include "core/holidays.h"
#include "mb/pg_wchar.h"

/* libical takes so many values of a property, and leaves further ones out. */
#define MAX_VALUES 500

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

/*
 * holiday_line_is
 *		Is this the name of the line, in whatever letters?
 */
bool
holiday_line_is(const HolidayLine *line, const char *name)
{
	return strlen(name) == line->name_length &&
		   pg_strncasecmp(line->text.data, name, line->name_length) == 0;
}

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
show_line(const HolidayLine *line, StringInfo shown, bool of_days)
{
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
set_moment(HolidayMoment *moment, struct icaltimetype time)
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
add_day(HolidayDays *list, int32 day)
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
add_dates(HolidayDays *list, icalcomponent *component, icalproperty_kind kind)
{
	icalproperty *property = icalcomponent_get_first_property(component, kind);

	for (; property != NULL; property = icalcomponent_get_next_property(component, kind))
	{
		icalvalue *value = icalproperty_get_value(property);
		HolidayMoment moment;

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
take_value(HolidayEvent *event, PropertyKind kind, icalcomponent *component,
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
 * holiday_event_line
 *		See holiday_event.h.
 */
const char *
holiday_event_line(HolidayEvent *event, const HolidayLine *line, StringInfo shown, int *nrules)
{
	const char *value = line->text.data + line->value;
	struct icalrecurrencetype read;
	const char *fault = NULL;
	HolidayRule *rule = NULL;
	icalcomponent *component;
	const char *name;
	PropertyKind kind;
	bool of_days;
	int i = 0;

	while (i < lengthof(properties) && !holiday_line_is(line, properties[i].name))
		i++;
	if (i == lengthof(properties))
		return NULL;
	name = properties[i].name;
	kind = properties[i].kind;
	of_days = properties[i].of_days;
	if (of_days)
	{
		if (line->value == 0)
			return psprintf("%s has no value", name);
		if (kind != DURATION && kind != RULE && kind != EXCEPT_RULE && !has_whole_dates(value))
			return psprintf("%s is no date", name);
		if (count_values(value) > MAX_VALUES)
			return psprintf("%s has more than %d values", name, MAX_VALUES);
		if (kind == RULE && (*nrules)++ == HOLIDAYS_MAX_EVENTS)
			return psprintf("there are more than %d rules", HOLIDAYS_MAX_EVENTS);
	}

	component = show_line(line, shown, of_days);
	if (component == NULL)
		return of_days ? "it cannot be read" : NULL;
	if (of_days && icalcomponent_count_properties(component, ICAL_XLICERROR_PROPERTY) > 0)
		fault = "it cannot be read";
	else
		fault = take_value(event, kind, component, &read);
	if (fault == NULL && kind == RULE)
		rule = holiday_rule_make(&read, &fault);
	icalcomponent_free(component);
	if (rule != NULL)
	{
		HolidayRules *entry = palloc(sizeof(HolidayRules));

		entry->rule = rule;
		entry->next = event->rules;
		event->rules = entry;
	}
	return fault;
}
