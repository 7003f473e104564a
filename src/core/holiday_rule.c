/*-------------------------------------------------------------------------
 *
 * holiday_rule.c
 *	  Recurrence rules (RRULE of RFC 5545) of whole days.
 *
 * libical reads the rule, but does not expand it here: its iterator looks for
 * the next day up to the year 2582, within one call that nobody can stop.
 * FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30 took it 0.4 seconds, the same of seconds
 * did not end within two minutes.
 *
 * Here each period of the rule (a year, month, week or day) is gone through day
 * by day, and each day is asked whether it fits, so that the work is known: it
 * is counted, and bounded for all rules of a file.  A rule without COUNT begins
 * at the first period that matters.
 *
 *-------------------------------------------------------------------------
 */
#include "core/holiday_rule.h"

#define DAYS_TO_2000 730119 /* from 0001-01-01 */

/* The numbers of a BY... part: both ways, from the beginning and from the end. */
typedef struct Places
{
	bool given;
	bool first[367];
	bool last[367];
} Places;

struct HolidayRule
{
	icalrecurrencetype_frequency frequency;
	int interval;
	int count; /* 0: without end */
	bool has_until;
	int32 until;
	int week_start; /* 0 is Monday */

	bool has_months;
	bool months[13];
	Places year_days;
	Places month_days;
	Places weeks;
	bool has_weekdays;
	bool weekdays[7];	   /* every one */
	bool has_nth;		   /* some that are counted */
	bool first_nth[7][54]; /* in the month or year */
	bool last_nth[7][54];  /* from its end */
	bool has_positions;	   /* BYSETPOS */
	bool first_position[367];
	bool last_position[367];
};

/* A date with all that rules ask of it. */
typedef struct Date
{
	int32 number;
	int year;
	int month;
	int day;
	int month_length;
	int year_day;
	int year_length;
	int weekday; /* 0 is Monday */
} Date;

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
month_length(int year, int month)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return lengths[month - 1] + (month == 2 && is_leap(year));
}

static int32
first_of_year(int year)
{
	int before = year - 1;

	return before * 365 + before / 4 - before / 100 + before / 400 - DAYS_TO_2000;
}

static int32
number_of(int year, int month, int day)
{
	int32 number = first_of_year(year) + day - 1;

	for (int m = 1; m < month; m++)
		number += month_length(year, m);
	return number;
}

bool
holiday_day(int year, int month, int day, int32 *number)
{
	if (year < 1 || year > HOLIDAY_MAX_YEAR || month < 1 || month > 12 || day < 1 ||
		day > month_length(year, month))
		return false;
	*number = number_of(year, month, day);
	return true;
}

/* weekday_of: 2000-01-01, day 0, was a Saturday. */
static int
weekday_of(int32 number)
{
	return ((number + 5) % 7 + 7) % 7;
}

/* year_of: within a year at first, since leap years are spread evenly. */
static int
year_of(int32 number)
{
	int year = (int) ((number + DAYS_TO_2000) / 365.2425) + 1;

	while (first_of_year(year) > number)
		year--;
	while (first_of_year(year + 1) <= number)
		year++;
	return year;
}

static void
set_date(Date *date, int32 number)
{
	date->number = number;
	date->year = year_of(number);
	date->year_length = is_leap(date->year) ? 366 : 365;
	date->year_day = number - first_of_year(date->year) + 1;
	date->month = 1;
	date->day = date->year_day;
	while (date->day > (date->month_length = month_length(date->year, date->month)))
	{
		date->day -= date->month_length;
		date->month++;
	}
	date->weekday = weekday_of(number);
}

static void
next_date(Date *date)
{
	date->number++;
	date->weekday = (date->weekday + 1) % 7;
	date->year_day++;
	date->day++;
	if (date->day <= date->month_length)
		return;
	date->day = 1;
	date->month++;
	if (date->month > 12)
		set_date(date, date->number);
	else
		date->month_length = month_length(date->year, date->month);
}

/*
 * first_week
 *		Where the first week of the year begins: the one with four days in it.
 */
static int32
first_week(int year, int week_start)
{
	int32 fourth = number_of(year, 1, 4);

	return fourth - (weekday_of(fourth) - week_start + 7) % 7;
}

static bool
in_places(const Places *places, int place, int length)
{
	return places->first[place] || places->last[length - place + 1];
}

/*
 * fits_weekday
 *		BYDAY.  Counted ones are counted in the month where the rule is of months
 *		or names some, else in the year.
 */
static bool
fits_weekday(const HolidayRule *rule, const Date *date)
{
	bool by_month = rule->frequency == ICAL_MONTHLY_RECURRENCE || rule->has_months;
	int place = by_month ? date->day : date->year_day;
	int length = by_month ? date->month_length : date->year_length;

	if (rule->weekdays[date->weekday])
		return true;
	return rule->has_nth && (rule->first_nth[date->weekday][(place - 1) / 7 + 1] ||
							 rule->last_nth[date->weekday][(length - place) / 7 + 1]);
}

/*
 * fits
 *		Is this one of the days of its period?  What the rule leaves open is as on
 *		the event's first day.
 */
static bool
fits(const HolidayRule *rule, const Date *start, const Date *date)
{
	bool open = !rule->has_weekdays && !rule->month_days.given && !rule->year_days.given;

	if (rule->has_months && !rule->months[date->month])
		return false;
	if (rule->month_days.given && !in_places(&rule->month_days, date->day, date->month_length))
		return false;
	if (rule->year_days.given && !in_places(&rule->year_days, date->year_day, date->year_length))
		return false;
	if (rule->has_weekdays && !fits_weekday(rule, date))
		return false;
	switch (rule->frequency)
	{
		case ICAL_YEARLY_RECURRENCE:
			if (open && rule->weeks.given)
				return date->weekday == start->weekday;
			return !open ||
				   (date->day == start->day && (rule->has_months || date->month == start->month));
		case ICAL_MONTHLY_RECURRENCE:
			return !open || date->day == start->day;
		case ICAL_WEEKLY_RECURRENCE:
			return !open || date->weekday == start->weekday;
		default:
			return true;
	}
}

/*
 * period_at
 *		The k-th period of the rule, as days; false beyond the calendar.
 */
static bool
period_at(const HolidayRule *rule, const Date *start, int64 k, int32 *from, int32 *to)
{
	int64 steps = k * rule->interval;
	int64 months;

	switch (rule->frequency)
	{
		case ICAL_YEARLY_RECURRENCE:
			if (start->year + steps > HOLIDAY_MAX_YEAR)
				return false;
			*from = first_of_year((int) (start->year + steps));
			*to = first_of_year((int) (start->year + steps) + 1) - 1;
			if (rule->weeks.given)
			{
				*from = first_week((int) (start->year + steps), rule->week_start);
				*to = first_week((int) (start->year + steps) + 1, rule->week_start) - 1;
			}
			return true;
		case ICAL_MONTHLY_RECURRENCE:
			months = start->year * INT64CONST(12) + start->month - 1 + steps;
			if (months / 12 > HOLIDAY_MAX_YEAR)
				return false;
			*from = number_of((int) (months / 12), (int) (months % 12) + 1, 1);
			*to = *from + month_length((int) (months / 12), (int) (months % 12) + 1) - 1;
			return true;
		case ICAL_WEEKLY_RECURRENCE:
			steps = steps * 7 + start->number - (start->weekday - rule->week_start + 7) % 7;
			break;
		default:
			steps += start->number;
			break;
	}
	if (steps > first_of_year(HOLIDAY_MAX_YEAR + 1) - 7)
		return false;
	*from = (int32) steps;
	*to = *from + (rule->frequency == ICAL_WEEKLY_RECURRENCE ? 6 : 0);
	return true;
}

/*
 * first_period
 *		A period at or before the one that has the day, and not long before it.
 */
static int64
first_period(const HolidayRule *rule, const Date *start, int32 day)
{
	int64 periods;

	if (day <= start->number)
		return 0;
	switch (rule->frequency)
	{
		case ICAL_YEARLY_RECURRENCE:
			periods = year_of(day) - start->year - 1; /* weeks lap over */
			break;
		case ICAL_MONTHLY_RECURRENCE:
			periods = (day - start->number) / 31 - 1;
			break;
		case ICAL_WEEKLY_RECURRENCE:
			periods = (day - start->number) / 7 - 1;
			break;
		default:
			periods = day - start->number;
			break;
	}
	return Max(periods, 0) / rule->interval;
}

/*
 * in_weeks
 *		BYWEEKNO: is the day in one of the weeks of a year that begins its first
 *		week at "from" and ends its last at "to"?
 */
static bool
in_weeks(const HolidayRule *rule, int32 day, int32 from, int32 to)
{
	return in_places(&rule->weeks, (day - from) / 7 + 1, (to - from + 1) / 7);
}

bool
holiday_rule_expand(const HolidayRule *rule, int32 start_day, int32 from, int32 to, int64 *budget,
					void (*add)(void *arg, int32 day), void *arg)
{
	int64 given = 0;
	int32 first;
	int32 last;
	Date start;

	set_date(&start, start_day);
	if (rule->has_until)
		to = Min(to, rule->until);
	for (int64 k = rule->count > 0 ? 0 : first_period(rule, &start, from);
		 period_at(rule, &start, k, &first, &last) && first <= to; k++)
	{
		int32 found[400];
		int n = 0;
		Date date;

		*budget -= last - first + 1;
		if (*budget < 0)
			return false;
		set_date(&date, first);
		for (; date.number <= last; next_date(&date))
		{
			if ((!rule->weeks.given || in_weeks(rule, date.number, first, last)) &&
				fits(rule, &start, &date))
				found[n++] = date.number;
		}
		for (int i = 0; i < n; i++)
		{
			if (rule->has_positions && !rule->first_position[i + 1] && !rule->last_position[n - i])
				continue;
			if (found[i] < start_day)
				continue;
			if (found[i] > to || (rule->count > 0 && given == rule->count))
				return true;
			given++;
			if (found[i] >= from)
				add(arg, found[i]);
		}
	}
	return true;
}

/*
 * set_places
 *		Numbers as libical has them, up to a mark, within -most to most.
 */
static bool
set_places(const short *numbers, int room, int most, bool *given, bool *first, bool *last)
{
	for (int i = 0; i < room && numbers[i] != ICAL_RECURRENCE_ARRAY_MAX; i++)
	{
		int number = numbers[i];

		*given = true;
		if (number == 0 || number > most || number < -most)
			return false;
		if (number > 0)
			first[number] = true;
		else
			last[-number] = true;
	}
	return true;
}

static bool
set_weekdays(HolidayRule *rule, const short *days)
{
	for (int i = 0; i < ICAL_BY_DAY_SIZE && days[i] != ICAL_RECURRENCE_ARRAY_MAX; i++)
	{
		int weekday = icalrecurrencetype_day_day_of_week(days[i]); /* Sunday is 1 */
		int nth = icalrecurrencetype_day_position(days[i]);

		if (weekday < 1 || weekday > 7 || nth > 53 || nth < -53)
			return false;
		weekday = (weekday + 5) % 7;
		rule->has_weekdays = true;
		rule->has_nth = rule->has_nth || nth != 0;
		if (nth == 0)
			rule->weekdays[weekday] = true;
		else if (nth > 0)
			rule->first_nth[weekday][nth] = true;
		else
			rule->last_nth[weekday][-nth] = true;
	}
	return true;
}

/*
 * set_parts
 *		The BY... parts; false where one has a number that it cannot have.
 */
static bool
set_parts(HolidayRule *rule, const struct icalrecurrencetype *read)
{
	bool none[13] = {false};

	return set_places(read->by_month, ICAL_BY_MONTH_SIZE, 12, &rule->has_months, rule->months,
					  none) &&
		   memchr(none, true, sizeof(none)) == NULL &&
		   set_places(read->by_month_day, ICAL_BY_MONTHDAY_SIZE, 31, &rule->month_days.given,
					  rule->month_days.first, rule->month_days.last) &&
		   set_places(read->by_year_day, ICAL_BY_YEARDAY_SIZE, 366, &rule->year_days.given,
					  rule->year_days.first, rule->year_days.last) &&
		   set_places(read->by_week_no, ICAL_BY_WEEKNO_SIZE, 53, &rule->weeks.given,
					  rule->weeks.first, rule->weeks.last) &&
		   set_places(read->by_set_pos, ICAL_BY_SETPOS_SIZE, 366, &rule->has_positions,
					  rule->first_position, rule->last_position) &&
		   set_weekdays(rule, read->by_day);
}

/*
 * parts_belong
 *		Does RFC 5545 let a rule of this frequency have its parts?
 */
static bool
parts_belong(const HolidayRule *rule)
{
	bool yearly = rule->frequency == ICAL_YEARLY_RECURRENCE;
	bool monthly = rule->frequency == ICAL_MONTHLY_RECURRENCE;

	if ((rule->year_days.given || rule->weeks.given) && !yearly)
		return false;
	if (rule->month_days.given && rule->frequency == ICAL_WEEKLY_RECURRENCE)
		return false;
	return !rule->has_nth || monthly || (yearly && !rule->weeks.given);
}

HolidayRule *
holiday_rule_make(const struct icalrecurrencetype *read, const char **fault)
{
	HolidayRule *rule;

	*fault = NULL;
	if (read->freq != ICAL_YEARLY_RECURRENCE && read->freq != ICAL_MONTHLY_RECURRENCE &&
		read->freq != ICAL_WEEKLY_RECURRENCE && read->freq != ICAL_DAILY_RECURRENCE)
	{
		*fault = "FREQ of the RRULE is not YEARLY, MONTHLY, WEEKLY or DAILY";
		return NULL;
	}
	if (read->rscale != NULL && pg_strcasecmp(read->rscale, "GREGORIAN") != 0)
	{
		*fault = "RRULE counts in another calendar than the Gregorian one (RSCALE)";
		return NULL;
	}
	if (read->interval < 1 || read->count < 0)
	{
		*fault = "RRULE has a number that it cannot have";
		return NULL;
	}

	/* no error may be raised here, where the caller holds memory of libical */
	rule = palloc_extended(sizeof(HolidayRule), MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
	if (rule == NULL)
	{
		*fault = "there is no memory for the RRULE";
		return NULL;
	}
	rule->frequency = read->freq;
	rule->interval = read->interval;
	rule->count = read->count;
	rule->week_start = read->week_start < 1 ? 0 : (read->week_start + 5) % 7;
	rule->has_until = !icaltime_is_null_time(read->until);
	if (rule->has_until &&
		!holiday_day(read->until.year, read->until.month, read->until.day, &rule->until))
		*fault = "UNTIL of the RRULE is no date";
	else if (!set_parts(rule, read))
		*fault = "RRULE has a number that it cannot have";
	else if (!parts_belong(rule))
		*fault = "RRULE has a part that its FREQ does not allow";
	if (*fault != NULL)
	{
		pfree(rule);
		return NULL;
	}
	return rule;
}
