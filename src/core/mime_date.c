/*-------------------------------------------------------------------------
 *
 * mime_date.c
 *	  The moment a Date field means.
 *
 * RFC 5322 has one form, senders have many: month before day, two-digit
 * years, zone names, ISO 8601, comments, other languages.  The words of a date
 * are told apart by what they look like, not by where they stand.  What may
 * mean two days means none: a wrong date is worse.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define MAX_WORDS 64

typedef struct Clock
{
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
	int offset;
	bool may_be_weekday; /* the month may be "mar.", a Tuesday in three languages */
	bool has_time;
	bool has_zone;
	bool afternoon;
	bool twelve; /* AM or PM was said */
} Clock;

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

/*
 * How months begin that do not begin as in English, in German, French, Spanish,
 * Italian, Portuguese, Romanian, Dutch and the north; "?" is a letter beyond ASCII, in
 * whatever charset.  "jui" may be June or July, so it is not here.
 */
static const struct
{
	const char *begin;
	int month;
} foreign_months[] = {{"j?n", 1},  {"ian", 1},	{"gen", 1},	 {"ene", 1},   {"f?v", 2},	{"fev", 2},
					  {"m?r", 3},  {"mrz", 3},	{"mrt", 3},	 {"maart", 3}, {"abr", 4},	{"avr", 4},
					  {"mai", 5},  {"mei", 5},	{"mag", 5},	 {"maj", 5},   {"iun", 6},	{"juin", 6},
					  {"giu", 6},  {"iul", 7},	{"juil", 7}, {"lug", 7},   {"ao?t", 8}, {"aou", 8},
					  {"ago", 8},  {"set", 9},	{"okt", 10}, {"ott", 10},  {"out", 10}, {"noi", 11},
					  {"d?c", 12}, {"dez", 12}, {"dic", 12}, {"des", 12}};

/* Tuesdays, which begin as March does. */
static const char *const tuesdays[] = {"mardi", "marte", "mar?i"};

static const struct
{
	const char *name;
	int minutes;
} zones[] = {{"ut", 0},		{"utc", 0},	   {"gmt", 0},	   {"z", 0},	  {"est", -300},
			 {"edt", -240}, {"cst", -360}, {"cdt", -300},  {"mst", -420}, {"mdt", -360},
			 {"pst", -480}, {"pdt", -420}, {"wet", 0},	   {"west", 60},  {"bst", 60},
			 {"cet", 60},	{"met", 60},   {"cest", 120},  {"mest", 120}, {"mez", 60},
			 {"mesz", 120}, {"eet", 120},  {"eest", 180},  {"msk", 180},  {"jst", 540},
			 {"kst", 540},	{"hst", -600}, {"akst", -540}, {"akdt", -480}};

/* number reads digits, at most nine of them. */
static int
number(const char *p, const char *end, const char **after)
{
	int value = 0;
	int digits = 0;

	while (p < end && mime_digit(*p) && digits < 9)
	{
		value = value * 10 + (*p++ - '0');
		digits++;
	}
	*after = p;
	return value;
}

static bool
leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* epoch_day counts days from 1970-01-01, by years that begin in March. */
static int64
epoch_day(int year, int month, int day)
{
	int64 y = month <= 2 ? year - 1 : year;
	int64 era = y / 400;
	int64 of_era = y - era * 400;
	int64 of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* read_time reads h:m[:s] and also h.m.s, which some write. */
static bool
read_time(Clock *clock, const char *p, const char *end)
{
	const char *after;

	clock->hour = number(p, end, &after);
	if (after >= end)
		return false;
	p = after + 1;
	clock->minute = number(p, end, &after);
	clock->second = 0;
	if (after == p)
		return false;
	if (after < end && (*after == ':' || *after == '.'))
	{
		p = after + 1;
		clock->second = number(p, end, &after);
	}
	clock->has_time = true;

	/* 12:30:00Z, 12:30:00.123+02:00, 3:15PM */
	if (after < end && *after == '.')
	{
		p = after + 1;
		number(p, end, &after);
	}
	if (after < end && mime_lower(*after) == 'p')
		clock->afternoon = clock->twelve = true;
	else if (after < end && mime_lower(*after) == 'a')
		clock->twelve = true;
	else if (after < end && mime_lower(*after) == 'z')
		clock->has_zone = true;
	return true;
}

/* read_offset reads +hhmm, +hh:mm, +hh and +hmm. */
static bool
read_offset(Clock *clock, const char *p, const char *end)
{
	int sign = *p == '-' ? -1 : 1;
	const char *start = p + 1;
	const char *after;
	int value = number(start, end, &after);
	int hours;
	int minutes = 0;

	clock->has_zone = true;

	/* +-0500 says nothing either, but the rest of the date does. */
	if (after == start)
		return true;
	if (after < end && *after == ':')
	{
		hours = value;
		minutes = number(after + 1, end, &after);
	}
	else if (after - start <= 2)
		hours = value;
	else
	{
		hours = value / 100;
		minutes = value % 100;
	}

	/* A zone no place on earth has says nothing: UTC then. */
	clock->offset = hours < 24 && minutes < 60 ? sign * (hours * 60 + minutes) : 0;
	return true;
}

/* begins_iso: a year of four digits and what may part it from the month. */
static bool
begins_iso(MimeSlice word)
{
	for (int i = 0; i < 4; i++)
	{
		if (word.len < 8 || !mime_digit(word.data[i]))
			return false;
	}
	return word.data[4] == '-' || word.data[4] == '/' || word.data[4] == '.';
}

/* read_iso reads 2026-11-21T10:15:00+01:00, and 2026/11/21. */
static bool
read_iso(Clock *clock, const char *p, const char *end)
{
	const char *after;
	char mark = p[4];

	clock->year = number(p, end, &after);
	p = after + 1;
	clock->month = number(p, end, &after);
	if (after >= end || *after != mark)
		return false;
	p = after + 1;
	clock->day = number(p, end, &after);
	if (after < end && mime_lower(*after) == 't')
	{
		p = after + 1;
		if (!read_time(clock, p, end))
			return false;
		while (p < end && *p != '+' && *p != '-')
			p++;
		if (p < end)
			read_offset(clock, p, end);
	}
	return true;
}

/*
 * read_dotted reads 21.11.2026, where the day comes first in every country; with
 * slashes or two digits of the year it may not.
 */
static bool
read_dotted(Clock *clock, MimeSlice word)
{
	const char *end = word.data + word.len;
	const char *after;
	int day = number(word.data, end, &after);
	int month;
	int year;
	const char *p = after + 1;

	if (after >= end || *after != '.' || p >= end || !mime_digit(*p))
		return false;
	month = number(p, end, &after);
	p = after + 1;
	if (after >= end || *after != '.')
		return false;
	year = number(p, end, &after);
	if (after - p != 4 || after < end)
		return false;
	clock->day = day;
	clock->month = month;
	clock->year = year;
	return true;
}

/* month_key keeps a word's first letters, in lower case. */
static size_t
month_key(MimeSlice word, char *key, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < word.len && n + 1 < room; i++)
	{
		if (mime_alpha(word.data[i]))
			key[n++] = mime_lower(word.data[i]);
		else if (!IS_HIGHBIT_SET(word.data[i]))
			break;
		else if (n > 0 && key[n - 1] != '?')
			key[n++] = '?';
	}
	key[n] = '\0';
	return n;
}

/* month_of returns the month that a word names, 0 for none. */
static int
month_of(const char *key)
{
	if (strlen(key) < 3)
		return 0;
	for (int i = 0; i < lengthof(tuesdays); i++)
	{
		if (strncmp(key, tuesdays[i], strlen(tuesdays[i])) == 0)
			return 0;
	}
	for (int i = 0; i < 12; i++)
	{
		if (strncmp(key, months + i * 3, 3) == 0)
			return i + 1;
	}
	for (int i = 0; i < lengthof(foreign_months); i++)
	{
		if (strncmp(key, foreign_months[i].begin, strlen(foreign_months[i].begin)) == 0)
			return foreign_months[i].month;
	}
	return 0;
}

/*
 * read_month takes a word that names a month.  "mar." is a Tuesday where another
 * month stands beside it; two months otherwise are no date.
 */
static bool
read_month(Clock *clock, int month, bool may_be_weekday)
{
	if (clock->month == 0 || clock->may_be_weekday)
	{
		clock->month = month;
		clock->may_be_weekday = may_be_weekday;
		return true;
	}
	return clock->month == month || may_be_weekday;
}

/* read_number places a bare number: the day first, then the year. */
static bool
read_number(Clock *clock, MimeSlice word)
{
	const char *after;
	int value = number(word.data, word.data + word.len, &after);
	size_t digits = after - word.data;

	if (digits <= 2 && clock->day == 0)
	{
		clock->day = value;
		return value > 0;
	}
	if (clock->year >= 0)
		return true;

	/* RFC 5322, 4.3: two digits turn at 50, three count from 1900. */
	if (digits == 2)
		value += value < 50 ? 2000 : 1900;
	else if (digits == 3)
		value += 1900;

	/* Who prints 19 and the years since 1900 prints 01 and 02 with them: 0102. */
	else if (digits == 4 && value >= 100 && value < 200)
		value += 1900;
	clock->year = value;
	return true;
}

/* read_word takes one word of the date. */
static bool
read_word(Clock *clock, MimeSlice word)
{
	const char *end = word.data + word.len;

	if (mime_digit(word.data[0]))
	{
		/* 21-Nov-2026 is three words in one. */
		if (memchr(word.data, ':', word.len) != NULL)
		{
			if (word.len > 10 && begins_iso(word))
				return read_iso(clock, word.data, end);
			if (!read_time(clock, word.data, end))
				return false;
			for (const char *p = word.data; p < end; p++)
			{
				if (*p == '+' || *p == '-')
					return read_offset(clock, p, end);
			}
			return true;
		}
		if (begins_iso(word) && clock->day == 0)
			return read_iso(clock, word.data, end);
		if (clock->day == 0 && clock->year < 0 && (clock->month == 0 || clock->may_be_weekday) &&
			read_dotted(clock, word))
			return true;

		/* 10.15 and 10h15 */
		if (clock->month != 0 && clock->day != 0 && clock->year >= 0 && !clock->has_time &&
			(memchr(word.data, '.', word.len) != NULL || memchr(word.data, 'h', word.len) != NULL))
			return read_time(clock, word.data, end);
		return read_number(clock, word);
	}
	if ((word.data[0] == '+' || word.data[0] == '-') && clock->has_time)
		return read_offset(clock, word.data, end);
	if (mime_alpha(word.data[0]))
	{
		char key[16];
		size_t len = month_key(word, key, sizeof(key));
		int month = month_of(key);

		if (mime_equal(word, "pm") || mime_equal(word, "p.m."))
			clock->afternoon = clock->twelve = true;
		else if (mime_equal(word, "am") || mime_equal(word, "a.m."))
			clock->twelve = true;
		else if (month != 0 && (!clock->has_time || clock->month == 0))
			return read_month(clock, month, len == 3 && strcmp(key, "mar") == 0);
		/* "mar. 12 xyz 2026": a month of a language that is not known */
		else if (clock->may_be_weekday && clock->day != 0 && clock->year < 0 && len >= 3 &&
				 !clock->has_time)
			return false;
		else if (clock->has_time && !clock->has_zone)
		{
			for (int i = 0; i < lengthof(zones); i++)
			{
				if (mime_equal(word, zones[i].name))
				{
					clock->offset = zones[i].minutes;
					clock->has_zone = true;
				}
			}

			/* GMT+0200 */
			for (size_t i = 1; i < word.len; i++)
			{
				if (word.data[i] == '+' || word.data[i] == '-')
					return read_offset(clock, word.data + i, end);
			}
		}
	}
	return true;
}

/*
 * mime_date returns false where no moment can be made of it.  The offset is
 * kept for what the sender's clock showed.
 */
bool
mime_date(MimeSlice value, int64 *date, int *offset)
{
	Clock clock = {.year = -1};
	const char *p;
	const char *end;
	int comment = 0;

	mime_trim(&value);
	p = value.data;
	end = p + value.len;
	for (int words = 0; p < end && words < MAX_WORDS;)
	{
		MimeSlice word;

		if (*p == '(')
			comment++;
		else if (*p == ')' && comment > 0)
			comment--;
		if (comment > 0 || mime_space(*p) || *p == ',' || *p == ';' || *p == '(' || *p == ')' ||
			*p == '"')
		{
			p++;
			continue;
		}

		word.data = p;
		while (p < end && !mime_space(*p) && *p != ',' && *p != ';' && *p != '(' && *p != ')' &&
			   *p != '"')
		{
			/* 21-Nov-2026 and 21.11. end a word where letters begin or end. */
			if (p > word.data && *p == '-' && p + 1 < end &&
				((mime_alpha(p[1]) && mime_digit(p[-1])) ||
				 (mime_digit(p[1]) && mime_alpha(p[-1]) && !clock.has_time)))
				break;
			p++;
		}
		word.len = p - word.data;
		if (p < end && *p == '-')
			p++;
		if (word.len > 0 && !read_word(&clock, word))
			return false;
		words++;
	}

	if (clock.twelve && clock.hour <= 12)
		clock.hour = clock.hour % 12 + (clock.afternoon ? 12 : 0);
	if (clock.year < 1900 || clock.year > 9999 || clock.month < 1 || clock.month > 12 ||
		clock.day < 1 || clock.day > month_days(clock.year, clock.month) || clock.hour > 23 ||
		clock.minute > 59 || clock.second > 60)
		return false;

	/* A leap second is the last one that PostgreSQL has, too. */
	if (clock.second == 60)
		clock.second = 59;
	*date = ((epoch_day(clock.year, clock.month, clock.day) * 86400 + clock.hour * 3600 +
			  clock.minute * 60 + clock.second) -
			 (int64) clock.offset * 60) *
			INT64CONST(1000000);

	/* An offset that PostgreSQL would not read again is no clock's either. */
	*offset = abs(clock.offset) < 16 * 60 ? clock.offset : 0;
	return true;
}

/* mime_parse_date is for a value that did not come with a whole mail. */
bool
mime_parse_date(const char *value, int64 *date, int *offset)
{
	MimeSlice slice = {value, strlen(value)};

	return mime_date(slice, date, offset);
}
