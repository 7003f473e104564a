/*-------------------------------------------------------------------------
 *
 * holidays_test.c
 *	  Tests of reading holidays: files, faults, and rules against libical's own
 *	  expansion of them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/holidays.h"

#include <stdlib.h>
#include <time.h>

#include "core/holiday_rule.h"
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

static int32
date(int year, int month, int day)
{
	int32 number = PG_INT32_MIN;

	if (!holiday_day(year, month, day, &number))
		printf("# there is no %d-%d-%d\n", year, month, day);
	return number;
}

/* Days as text: "2026-01-01 New Year's Day; ...". */
static const char *
show(const Holidays *read)
{
	static char text[20000];
	size_t n = 0;

	text[0] = '\0';
	if (read->fault != NULL)
	{
		snprintf(text, sizeof(text), "%d: %s", read->line, read->fault);
		return text;
	}
	for (int i = 0; i < read->count && n < sizeof(text) - 400; i++)
	{
		time_t t = (read->days[i].day + INT64CONST(10957)) * 86400;
		struct tm tm;

		gmtime_r(&t, &tm);
		n += strftime(text + n, sizeof(text) - n, i == 0 ? "%Y-%m-%d" : "; %Y-%m-%d", &tm);
		if (read->days[i].name != NULL)
			n += snprintf(text + n, sizeof(text) - n, " %s", read->days[i].name);
	}
	return text;
}

/* What a file says of the years 2026 and 2027. */
static const char *
read_file(const char *ics)
{
	Holidays read;

	holidays_read(ics, strlen(ics), date(2026, 1, 1), date(2027, 12, 31), &read);
	return show(&read);
}

/* The same of an event with these lines. */
static const char *
read_event(const char *lines)
{
	return read_file(psprintf(
		"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", lines));
}

static void
check_file(void)
{
	is(read_file("\xEF\xBB\xBF"
				 "BEGIN:VCALENDAR\r\n"
				 "VERSION:2.0\r\n"
				 "PRODID:-//Example Ltd//Public holidays//EN\r\n"
				 "CALSCALE:GREGORIAN\r\n"
				 "METHOD:PUBLISH\r\n"
				 "X-WR-CALNAME:Holidays in Germany\r\n"
				 "BEGIN:VTIMEZONE\r\n"
				 "TZID:Europe/Berlin\r\n"
				 "BEGIN:STANDARD\r\n"
				 "DTSTART:19701025T030000\r\n"
				 "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"
				 "TZOFFSETFROM:+0200\r\n"
				 "TZOFFSETTO:+0100\r\n"
				 "END:STANDARD\r\n"
				 "END:VTIMEZONE\r\n"
				 "BEGIN:VEVENT\r\n"
				 "UID:1@holidays.example.com\r\n"
				 "DTSTAMP:20250101T000000Z\r\n"
				 "SUMMARY;LANGUAGE=de:Neujahr\r\n"
				 "DTSTART;VALUE=DATE:20260101\r\n"
				 "DTEND;VALUE=DATE:20260102\r\n"
				 "TRANSP:TRANSPARENT\r\n"
				 "BEGIN:VALARM\r\n"
				 "TRIGGER:-P1D\r\n"
				 "SUMMARY:No name of a day\r\n"
				 "END:VALARM\r\n"
				 "END:VEVENT\r\n"
				 "BEGIN:VEVENT\r\n"
				 "UID:2@holidays.example.com\r\n"
				 "DTSTART;VALUE=DATE:20201225\r\n"
				 "DURATION:P2D\r\n"
				 "RRULE:FREQ=YEARLY\r\n"
				 "SUMMARY:Weih\xC3\xA4"
				 "nachten\\, beide T\r\n"
				 " age\r\n"
				 "END:VEVENT\r\n"
				 "BEGIN:VTODO\r\n"
				 "DTSTART;VALUE=DATE:20260601\r\n"
				 "END:VTODO\r\n"
				 "END:VCALENDAR\r\n"),
	   "2026-01-01 Neujahr; 2026-12-25 Weih\xC3\xA4nachten, beide Tage; 2026-12-26 "
	   "Weih\xC3\xA4nachten, beide Tage; 2027-12-25 Weih\xC3\xA4nachten, beide Tage; 2027-12-26 "
	   "Weih\xC3\xA4nachten, beide Tage",
	   "a file as calendars export it");

	is(read_file("begin:vcalendar\nbegin:vevent\ndtstart:20260105\nEnd:Vevent\n\n\nend:vcalendar"),
	   "2026-01-05", "in lower case, with other line ends and none at the end");
	is(read_file("BEGIN:VCALENDAR\rBEGIN:VEVENT\rDTSTART:20260105\rEND:VEVENT\rEND:VCALENDAR\r"),
	   "2026-01-05", "with the line ends of old");
	is(read_file("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260105\nEND:VEVENT\nEND:VCALENDAR\n"
				 "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260106\nEND:VEVENT\nEND:VCALENDAR\n"),
	   "2026-01-05; 2026-01-06", "two calendars in a file");
	is(read_file("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260105\nSUMMARY:A\nEND:VEVENT\n"
				 "BEGIN:VEVENT\nDTSTART:20260105\nSUMMARY:B\nEND:VEVENT\nEND:VCALENDAR\n"),
	   "2026-01-05 A", "a day twice has the name that is first");
	is(read_file("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260105\nEND:VEVENT\n"
				 "BEGIN:VEVENT\nDTSTART:20260105\nSUMMARY:B\nEND:VEVENT\nEND:VCALENDAR\n"),
	   "2026-01-05 B", "and one name is better than none");
	is(read_event("DTSTART:20201231"), "", "nothing within the window is no fault");
}

static void
check_days(void)
{
	is(read_event("DTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260504"),
	   "2026-05-01; 2026-05-02; 2026-05-03", "DTEND is the day after");
	is(read_event("DTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260501"), "2026-05-01",
	   "at the beginning it makes one day");
	is(read_event("DTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260401"), "2026-05-01",
	   "so it does before");
	is(read_event("DTSTART;VALUE=DATE:20260501\nDURATION:P1W"),
	   "2026-05-01; 2026-05-02; 2026-05-03; 2026-05-04; 2026-05-05; 2026-05-06; 2026-05-07",
	   "a duration");
	is(read_event("DTSTART:20260501T000000Z\nDTEND:20260502T000000Z"), "2026-05-01",
	   "a moment's day is the one that is written");
	is(read_event("DTSTART;TZID=Asia/Tokyo:20260501T220000\nDURATION:PT4H"),
	   "2026-05-01; 2026-05-02", "over midnight");
	is(read_event("DTSTART;TZID=\"a:b;c\":20260501T220000\nDTEND;TZID=Nowhere/At_all:"
				  "20260501T230000"),
	   "2026-05-01", "in zones that there are not");
	is(read_event("DTSTART;VALUE=DATE:20251230\nDTEND;VALUE=DATE:20260103"),
	   "2026-01-01; 2026-01-02", "from before the window into it");
	is(read_event("DTSTART;VALUE=DATE:20271230\nDTEND;VALUE=DATE:99991231"),
	   "2027-12-30; 2027-12-31", "and out of it");
	is(read_event(
		   "DTSTART;VALUE=DATE:20260501\nRDATE;VALUE=DATE:20260503,20260507\nRDATE:20260509"),
	   "2026-05-01; 2026-05-03; 2026-05-07; 2026-05-09", "RDATE");
	is(read_event("DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE;VALUE=DATE:"
				  "20260502,20260504\nEXDATE:20260501T000000Z"),
	   "2026-05-03; 2026-05-05", "EXDATE, also of the first day");
	is(read_event("STATUS:CANCELLED\nDTSTART:20260501"), "", "a cancelled event");
	is(read_event("STATUS:CONFIRMED\nDTSTART:20260501"), "2026-05-01", "a confirmed one");
	is(read_file("BEGIN:VCALENDAR\n"
				 "BEGIN:VEVENT\nUID:a\nDTSTART;VALUE=DATE:20260501\nRRULE:FREQ=DAILY;COUNT="
				 "4\nSUMMARY:A\nEND:VEVENT\n"
				 "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;VALUE=DATE:20260502\nDTSTART;VALUE=DATE:"
				 "20260512\nSUMMARY:B\nEND:VEVENT\n"
				 "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;VALUE=DATE:20260503\nSTATUS:"
				 "CANCELLED\nDTSTART;VALUE=DATE:20260503\nEND:VEVENT\n"
				 "BEGIN:VEVENT\nUID:b\nRECURRENCE-ID;VALUE=DATE:20260504\nDTSTART;VALUE=DATE:"
				 "20260514\nEND:VEVENT\n"
				 "END:VCALENDAR\n"),
	   "2026-05-01 A; 2026-05-04 A; 2026-05-12 B; 2026-05-14",
	   "RECURRENCE-ID: a day moved, one cancelled, one of another event");
}

static void
check_names(void)
{
	char name[700];

	is(read_event("DTSTART:20260501\nSUMMARY:One\\nday\\; two\\\\ lines"),
	   "2026-05-01 One day; two\\ lines", "a name is unescaped, in one line");
	is(read_event("DTSTART:20260501\nSUMMARY: \t "), "2026-05-01", "of blanks");
	is(read_event("DTSTART:20260501\nSUMMARY:"), "2026-05-01", "empty");
	is(read_event("DTSTART:20260501\nSUMMARY"), "2026-05-01", "not even that");
	is(read_event("DTSTART:20260501\nSUMMARY;LANGUAGE=:x"), "2026-05-01 x",
	   "with a parameter of nothing");
	for (int i = 0; i < 300; i++)
		memcpy(name + 2 * i, "\xC3\xA9", 3);
	is_int(strlen(read_event(psprintf("DTSTART:20260501\nSUMMARY:%s", name))), 11 + 2 * 200,
		   "a long one is cut between characters");
}

/* What is said of a file that is none. */
static void
check_faults(void)
{
	static const struct
	{
		const char *lines;
		const char *said;
	} cases[] = {
		{"DTSTART:20261301", "3: DTSTART is no date"},
		{"DTSTART:20260230", "3: DTSTART is no date"},
		{"DTSTART:00000101", "3: DTSTART is no date"},
		{"DTSTART:2026-01-01", "3: DTSTART is no date"},
		{"DTSTART:tomorrow", "3: DTSTART is no date"},
		{"DTSTART:20260101T250000", "3: DTSTART is no date"},
		{"DTSTART:", "3: DTSTART is no date"},
		{"DTSTART", "3: DTSTART has no value"},
		{"DTSTART;VALUE=PERIOD:20260101T000000/P1D", "3: it cannot be read"},
		{"DTSTART:20260101\nDTEND:soon", "4: DTEND is no date"},
		{"DTSTART:20260101\nDURATION:long", "4: it cannot be read"},
		{"DTSTART:20260101\nDURATION:-P1D", "4: DURATION is negative"},
		{"DTSTART:20260101\nRDATE:20260102,x", "4: RDATE is no date"},
		{"DTSTART:20260101\nRDATE;VALUE=PERIOD:20260101T000000/P1D",
		 "4: RDATE is no list of dates"},
		{"DTSTART:20260101\nEXDATE:20260102,", "4: EXDATE is no date"},
		{"DTSTART:20260101\nEXDATE:20260102,20260231", "4: EXDATE is no list of dates"},
		{"DTSTART:20260101\nRRULE:FREQ=NEVER", "4: it cannot be read"},
		{"DTSTART:20260101\nRRULE:YEARLY", "4: it cannot be read"},
		{"DTSTART:20260101\nRRULE:FREQ=SECONDLY",
		 "4: FREQ of the RRULE is not YEARLY, MONTHLY, WEEKLY or DAILY"},
		{"DTSTART:20260101\nRRULE:FREQ=YEARLY;UNTIL=20271301", "4: UNTIL of the RRULE is no date"},
		{"DTSTART:20260101\nRRULE:FREQ=YEARLY;RSCALE=HEBREW",
		 "4: RRULE counts in another calendar than the Gregorian one (RSCALE)"},
		{"DTSTART:20260101\nRRULE:FREQ=WEEKLY;BYMONTHDAY=3",
		 "4: RRULE has a part that its FREQ does not allow"},
		{"DTSTART:20260101\nRRULE:FREQ=DAILY;BYYEARDAY=3",
		 "4: RRULE has a part that its FREQ does not allow"},
		{"DTSTART:20260101\nRRULE:FREQ=WEEKLY;BYDAY=2MO",
		 "4: RRULE has a part that its FREQ does not allow"},
		{"DTSTART:20260101\nEXRULE:FREQ=YEARLY", "4: EXRULE is not known"},
		{"DTSTART:20260101\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260102",
		 "4: RECURRENCE-ID has a RANGE, which is not known"},
		{"SUMMARY:x", "2: the event has no DTSTART"},
		{"DTSTART:20260101\nSUMMARY:a\n folded\n\nSUMMARY:b\nDTEND:x", "8: DTEND is no date"},
		{"DTSTART:20260101\nEND:VCALENDAR", "4: END does not close what BEGIN in line 2 began"},
		{"DTSTART:20260101\nBEGIN:VALARM", "5: END does not close what BEGIN in line 4 began"},
	};
	StringInfoData file;
	Holidays read;

	for (int i = 0; i < lengthof(cases); i++)
		is(read_event(cases[i].lines), cases[i].said, cases[i].said);
	is(read_file(""), "0: it has no events", "nothing");
	is(read_file("BEGIN:VCALENDAR\nEND:VCALENDAR\n"), "0: it has no events",
	   "a calendar of nothing");
	is(read_file("<html>"), "1: this is no iCalendar: BEGIN:VCALENDAR is missing", "HTML");
	is(read_file("\n\nBEGIN:VCARD\nEND:VCARD\n"),
	   "3: this is no iCalendar: BEGIN:VCALENDAR is missing", "a card");
	is(read_file("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\n"),
	   "2: what begins here does not end", "half a file");
	is(read_file("BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n"),
	   "3: this is no iCalendar: BEGIN:VCALENDAR is missing", "an end too many");
	is(read_file("BEGIN:VCALENDAR\nBEGIN:VTODO\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n"
				 "END:VTODO\nEND:VCALENDAR\n"),
	   "0: it has no events", "an event within something else");
	ok(!holidays_read("\xFF\xFE", 2, 0, 9, &read) && strcmp(read.fault, "it is not in UTF-8") == 0,
	   "other encodings");
	ok(!holidays_read("BEGIN:VCALENDAR\0", 16, 0, 9, &read), "a NUL");
	ok(!holidays_read("", 0, 9, 0, &read) && !holidays_read("", 0, 0, PG_INT32_MAX / 4, &read),
	   "a window that is none");

	initStringInfo(&file);
	for (int i = 0; i < 100000; i++)
		appendStringInfoString(&file, i == 0 ? "BEGIN:VCALENDAR\n" : "BEGIN:A\n");
	is(read_file(file.data), "9: components lie more than 8 deep",
	   "100,000 components in each other");
	resetStringInfo(&file);
	appendStringInfo(&file, "BEGIN:%01000d\n", 1);
	is(read_file(psprintf("BEGIN:VCALENDAR\n%s", file.data)), "2: a component has too long a name",
	   "a long name");
	resetStringInfo(&file);
	appendStringInfoString(&file, "BEGIN:VCALENDAR\n");
	for (int i = 0; i < 5001; i++)
		appendStringInfoString(&file, "BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n");
	is(read_file(file.data), "15002: there are more than 5000 events", "too many events");
	resetStringInfo(&file);
	for (int i = 0; i < HOLIDAYS_MAX_SIZE + 1; i++)
		appendStringInfoChar(&file, '\n');
	is(read_file(file.data), "0: it has 1048577 bytes, more than 1048576", "too large");
	is(read_file(file.data + 1), "0: it has no events", "just not");
	resetStringInfo(&file);
	appendStringInfoString(&file, "DTSTART:20260101\nEXDATE:20260101");
	for (int i = 0; i < 500; i++)
		appendStringInfoString(&file, ",20260101");
	is(read_event(file.data), "4: EXDATE has more than 500 values",
	   "more values than libical takes");
	file.data[file.len - 9] = '\0';
	is(read_event(file.data), "", "as many as it does");
}

/* Seconds that a file takes that was made to take long. */
static void
check_work(void)
{
	static const char *const rules[] = {
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=DAILY;COUNT=1000000000",
		"FREQ=DAILY;INTERVAL=32767",
		"FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2",
		"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=366,-366",
		"FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;COUNT=2",
		"FREQ=WEEKLY;INTERVAL=32767;COUNT=2",
	};

	for (int i = 0; i < lengthof(rules); i++)
	{
		StringInfoData file;
		Holidays read;
		clock_t before;
		double took;

		initStringInfo(&file);
		appendStringInfoString(&file, "BEGIN:VCALENDAR\n");
		for (int k = 0; k < 5000; k++)
			appendStringInfo(
				&file,
				"BEGIN:VEVENT\nUID:%d\nDTSTART:00010101\nDURATION:P999W\nRRULE:%s\nEND:VEVENT\n",
				k % 7, rules[i]);
		appendStringInfoString(&file, "END:VCALENDAR\n");
		before = clock();
		holidays_read(file.data, file.len, date(2025, 6, 1), date(2031, 6, 1), &read);
		took = (double) (clock() - before) / CLOCKS_PER_SEC;
		ok(took < 1, "5000 times %s: %.2f s, %s", rules[i], took,
		   read.fault == NULL ? psprintf("%d days", read.count) : read.fault);
	}
}

/* ---- rules, against libical's iterator ---- */

#define RULE_FROM date(2022, 1, 1)
#define RULE_TO date(2029, 12, 31)
#define RULE_DAYS 2922

typedef struct Given
{
	char days[RULE_DAYS];
	int32 latest;
	int disorder;
} Given;

static void
give(void *arg, int32 day)
{
	Given *given = arg;

	given->disorder += day <= given->latest || day < RULE_FROM || day > RULE_TO;
	given->latest = day;
	given->days[day - RULE_FROM] = 1;
}

/* Says how ours differs from libical's, or NULL. */
static const char *
compare_rule(const char *text, int32 start, struct icaltimetype start_time, int *days)
{
	struct icalrecurrencetype read = icalrecurrencetype_from_string(text);
	const char *fault;
	HolidayRule *rule = holiday_rule_make(&read, &fault);
	icalrecur_iterator *theirs = icalrecur_iterator_new(read, start_time);
	char expected[RULE_DAYS] = {0};
	Given ours = {{0}, PG_INT32_MIN, 0};
	int64 budget = HOLIDAY_RULE_BUDGET;

	if (theirs == NULL)
		return NULL; /* it gave up looking for the first day */
	if (rule == NULL)
	{
		icalrecur_iterator_free(theirs);
		return fault;
	}
	for (;;)
	{
		struct icaltimetype next = icalrecur_iterator_next(theirs);
		int32 day;

		if (icaltime_is_null_time(next))
			break;
		day = date(next.year, next.month, next.day);
		if (day > RULE_TO)
			break;
		if (day >= RULE_FROM)
			expected[day - RULE_FROM] = 1;
	}
	icalrecur_iterator_free(theirs);
	if (!holiday_rule_expand(rule, start, RULE_FROM, RULE_TO, &budget, give, &ours))
		return "it is too much work";
	if (ours.disorder > 0)
		return "days come out of order";
	for (int i = 0; i < RULE_DAYS; i++)
	{
		*days += expected[i];
		if (ours.days[i] != expected[i])
			return psprintf("day %d is %s", i, expected[i] ? "missing" : "too many");
	}
	return NULL;
}

static int
any(int n)
{
	return next_random() % n;
}

static void
add_part(StringInfo rule, const char *name, int many, int most, bool negative)
{
	appendStringInfo(rule, ";%s=", name);
	for (int i = 0; i <= any(many); i++)
		appendStringInfo(rule, "%s%s%d", i == 0 ? "" : ",", negative && any(3) == 0 ? "-" : "",
						 1 + any(most));
}

static void
add_weekdays(StringInfo rule, bool counted)
{
	static const char *const names[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

	int first = any(6);

	/* each once, and never Sunday alone: libical counts one twice that is named
	 * twice, and a Sunday alone in the week that it begins, whatever WKST says */
	appendStringInfoString(rule, ";BYDAY=");
	for (int i = 0; i <= any(3) && first + i < 7; i++)
	{
		if (i > 0)
			appendStringInfoChar(rule, ',');
		if (counted && any(2) == 0)
			appendStringInfo(rule, "%d", any(2) == 0 ? 1 + any(5) : -1 - any(5));
		appendStringInfoString(rule, names[first + i]);
	}
}

/*
 * A rule that is not unlike those of calendars, and that libical finds a day of
 * in every few years: it does not stop looking else.
 */
static const char *
any_rule(void)
{
	static StringInfoData rule;
	int kind = any(9);

	if (rule.data == NULL)
		initStringInfo(&rule);
	resetStringInfo(&rule);
	appendStringInfo(&rule, "FREQ=%s",
					 kind <= 4 ? "YEARLY" :
					 kind <= 6 ? "MONTHLY" :
					 kind == 7 ? "WEEKLY" :
								 "DAILY");
	if (kind > 6 || any(3) == 0)
		appendStringInfo(&rule, ";INTERVAL=%d", 1 + any(kind == 8 ? 40 : 4));
	switch (kind)
	{
		case 0:
			add_part(&rule, "BYMONTH", 3, 12, false);
			add_part(&rule, "BYMONTHDAY", 3, 28, true);
			break;
		case 1:
			add_part(&rule, "BYMONTH", 3, 12, false);
			add_weekdays(&rule, true);
			break;
		case 2:
			add_weekdays(&rule, true);
			break;
		case 3:
			add_part(&rule, "BYYEARDAY", 4, 365, true);
			break;
		case 4:
			if (any(2) == 0)
				add_part(&rule, "BYMONTH", 3, 12, false);
			break;
		case 5:
			if (any(2) == 0)
				add_part(&rule, "BYMONTHDAY", 3, 31, true);
			break;
		case 6:
			add_weekdays(&rule, true);
			break;
		case 7:
			if (any(2) == 0)
				add_weekdays(&rule, false);
			appendStringInfo(&rule, ";WKST=%s", any(2) == 0 ? "SU" : "MO");
			break;
		default:
			break;
	}
	if (any(3) == 0)
		appendStringInfo(&rule, ";COUNT=%d", 1 + any(30));
	else if (any(3) == 0)
		appendStringInfo(&rule, ";UNTIL=%d%02d%02d", 2020 + any(12), 1 + any(12), 1 + any(28));
	return rule.data;
}

static void
check_rules(void)
{
	int wrong = 0;
	int days = 0;
	int none = 0;

	random_state = 4;
	for (int i = 0; i < 3000; i++)
	{
		struct icaltimetype time = {0};
		const char *rule = any_rule();
		const char *said;
		int before = days;

		time.is_date = 1;
		time.year = 1990 + any(40);
		time.month = 1 + any(12);
		time.day = 1 + any(28);
		said = compare_rule(rule, date(time.year, time.month, time.day), time, &days);
		none += days == before;
		if (said != NULL && wrong++ < 10)
			printf("# %s from %d-%d-%d: %s\n", rule, time.year, time.month, time.day, said);
	}
	is_int(wrong, 0, "rules have the days that libical finds");
	ok(none < 1200 && days > 15000, "most have some: %d days, %d rules without", days, none);

	is(read_event("DTSTART:20200131\nRRULE:FREQ=MONTHLY;COUNT=48"),
	   "2026-01-31; 2026-03-31; 2026-05-31; 2026-07-31; 2026-08-31; 2026-10-31",
	   "the 31st, 48 times");
	is(read_event("DTSTART:20160229\nRRULE:FREQ=YEARLY"), "", "29 February");
	is(read_event("DTSTART:20200525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"),
	   "2026-05-25; 2027-05-31", "Memorial Day");
	is(read_event(
		   "DTSTART:20201126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20261231T235959Z"),
	   "2026-11-26", "Thanksgiving, until 2026");
	is(read_event(
		   "DTSTART:20210101\nRRULE:FREQ=MONTHLY;BYMONTH=12;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
	   "2026-12-31; 2027-12-31", "the last weekday of December");
	is(read_event("DTSTART:20260804\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO"),
	   "2026-08-04; 2026-08-09; 2026-08-18; 2026-08-23", "weeks that begin on Monday");
	is(read_event("DTSTART:20260804\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU"),
	   "2026-08-04; 2026-08-16; 2026-08-18; 2026-08-30", "and on Sunday");
	is(read_event("DTSTART:20260725\nRRULE:FREQ=WEEKLY;INTERVAL=3;COUNT=2;BYDAY=SU;WKST=MO\n"
				  "EXDATE:20260725"),
	   "2026-07-26; 2026-08-16", "a Sunday alone belongs to the week before it");
	is(read_event("DTSTART:20250630\nRRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY;BYMONTH=9"),
	   "2026-06-30; 2026-09-30; 2027-06-30; 2027-09-30", "two rules");
	is(read_event("DTSTART:19970512\nRRULE:FREQ=YEARLY;BYWEEKNO=20"), "2026-05-11; 2027-05-17",
	   "a week of the year, on the day of the first");
	is(read_event("DTSTART:20250101\nRRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO"), "2027-01-04",
	   "whose first day may lie in the year before");
}

int
main(void)
{
	check_file();
	check_days();
	check_names();
	check_faults();
	check_work();
	check_rules();
	return tap_done();
}
