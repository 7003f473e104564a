/*-------------------------------------------------------------------------
 *
 * locale_format.c
 *	  Amounts, numbers and dates as a language writes them, by ICU.
 *
 * An amount names its currency by the ISO code: a reader abroad cannot tell
 * whose "$" or "kr" is meant.  A date has its month as a word wherever the
 * language has a form with one, since 01/02 is read both ways; it is a date of
 * the Gregorian calendar in every language, as the date on the invoice is.
 *
 * ICU puts several kinds of blanks into its results, and another kind with
 * every few releases.  Only within a number, where a line must not break, a
 * no-break space stays (always U+00A0); every other blank becomes a plain one,
 * so that a text is the same whichever release made it and can be searched.  So
 * it is with the apostrophe in a Swiss number.
 *
 *-------------------------------------------------------------------------
 */
#include "core/locale_format.h"

#include <unicode/ucal.h>
#include <unicode/uchar.h>
#include <unicode/udat.h>
#include <unicode/uenum.h>
#include <unicode/uloc.h>
#include <unicode/unum.h>
#include <unicode/ustring.h>

#include "core/currency.h"

#define MAX_LANGUAGE 64	 /* bytes of a tag, with its end */
#define MAX_FRACTION 100 /* decimal places that are written out */
#define MILLISECONDS_A_DAY 86400000.0

typedef enum FormatKind
{
	FORMAT_NONE, /* a free entry */
	FORMAT_MONEY,
	FORMAT_NUMBER,
	FORMAT_DATE
} FormatKind;

/* A formatter of ICU's; NULL where it could not be made. */
typedef struct Formatter
{
	FormatKind kind;
	char language[MAX_LANGUAGE];
	char currency[4];
	uint64 used; /* when, by the clock below */
	UNumberFormat *number;
	UDateFormat *date;
} Formatter;

static Formatter formatters[LOCALE_FORMATTERS];
static uint64 now_used = 0;

/*-------------------------------------------------------------------------
 * Making formatters
 *-------------------------------------------------------------------------
 */

/* Whether ICU has data of its own for the language of a locale. */
static bool
has_data(const char *locale)
{
	UErrorCode status = U_ZERO_ERROR;
	char language[ULOC_LANG_CAPACITY];
	UEnumeration *available;
	const char *name;
	bool found = false;

	uloc_getLanguage(locale, language, sizeof(language), &status);
	if (U_FAILURE(status) || language[0] == '\0')
		return false;
	available = uloc_openAvailableByType(ULOC_AVAILABLE_WITH_LEGACY_ALIASES, &status);
	while (!found && (name = uenum_next(available, NULL, &status)) != NULL)
		found = strcmp(name, language) == 0;
	uenum_close(available);
	return found;
}

/*
 * The name ICU has for a language.  Left to itself it would take the server's
 * environment for what it does not know.
 */
static void
find_locale(const char *language, char locale[ULOC_FULLNAME_CAPACITY])
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t parsed = 0;

	uloc_forLanguageTag(language, locale, ULOC_FULLNAME_CAPACITY, &parsed, &status);
	if (U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING || !has_data(locale))
		strlcpy(locale, "en", ULOC_FULLNAME_CAPACITY);
}

static void
open_number(Formatter *f, const char *locale)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar code[4];
	int digits = 0;

	f->number = unum_open(f->kind == FORMAT_MONEY ? UNUM_CURRENCY_ISO : UNUM_DECIMAL, NULL, 0,
						  locale, NULL, &status);
	if (U_FAILURE(status))
	{
		f->number = NULL;
		return;
	}
	if (f->kind == FORMAT_MONEY)
	{
		u_charsToUChars(f->currency, code, 4);
		unum_setTextAttribute(f->number, UNUM_CURRENCY_CODE, code, 3, &status);
		digits = Max(currency_digits(f->currency), 0);
	}
	/* A price may be finer than the currency: 0.00125 a piece. */
	unum_setAttribute(f->number, UNUM_MIN_FRACTION_DIGITS, digits);
	unum_setAttribute(f->number, UNUM_MAX_FRACTION_DIGITS, MAX_FRACTION);
	if (U_FAILURE(status))
	{
		unum_close(f->number);
		f->number = NULL;
	}
}

static void
open_date(Formatter *f, const char *locale)
{
	UChar zone[sizeof("Etc/UTC")];
	char gregorian[ULOC_FULLNAME_CAPACITY];
	UErrorCode status = U_ZERO_ERROR;
	UCalendar *calendar;

	u_charsToUChars("Etc/UTC", zone, lengthof(zone));
	strlcpy(gregorian, locale, sizeof(gregorian));
	uloc_setKeywordValue("calendar", "gregorian", gregorian, sizeof(gregorian), &status);
	f->date = udat_open(UDAT_NONE, UDAT_LONG, gregorian, zone, -1, NULL, 0, &status);
	calendar = ucal_open(zone, -1, gregorian, UCAL_GREGORIAN, &status);
	/* No Julian dates before 1582: PostgreSQL has none. */
	ucal_setGregorianChange(calendar, -1e15, &status);
	if (U_SUCCESS(status))
		udat_setCalendar(f->date, calendar);
	ucal_close(calendar);
	if (U_FAILURE(status))
	{
		udat_close(f->date);
		f->date = NULL;
	}
}

static void
forget(Formatter *f)
{
	unum_close(f->number);
	udat_close(f->date);
	memset(f, 0, sizeof(Formatter));
}

/* The formatter, made if it is not there yet in place of the one used least lately. */
static const Formatter *
get_formatter(FormatKind kind, const char *language, const char *currency)
{
	Formatter *oldest = &formatters[0];
	char locale[ULOC_FULLNAME_CAPACITY];

	/* No language has a tag as long as that. */
	if (strlen(language) >= MAX_LANGUAGE)
		language = "en";
	for (int i = 0; i < LOCALE_FORMATTERS; i++)
	{
		Formatter *f = &formatters[i];

		if (f->kind == kind && strcmp(f->language, language) == 0 &&
			strcmp(f->currency, currency) == 0)
		{
			f->used = ++now_used;
			return f;
		}
		if (f->used < oldest->used)
			oldest = f;
	}

	forget(oldest);
	find_locale(language, locale);
	oldest->kind = kind;
	strlcpy(oldest->language, language, sizeof(oldest->language));
	strlcpy(oldest->currency, currency, sizeof(oldest->currency));
	oldest->used = ++now_used;
	switch (kind)
	{
		case FORMAT_MONEY:
		case FORMAT_NUMBER:
			open_number(oldest, locale);
			break;
		case FORMAT_DATE:
			open_date(oldest, locale);
			break;
		case FORMAT_NONE:
			break;
	}
	/* What could not be made, for want of memory, is tried again the next time. */
	if (oldest->number == NULL && oldest->date == NULL)
		oldest->kind = FORMAT_NONE;
	return oldest;
}

/*-------------------------------------------------------------------------
 * Using them
 *-------------------------------------------------------------------------
 */

/* A result of ICU's: UTF-16, on the stack as long as it is short. */
typedef struct Result
{
	UChar room[256];
	UChar *text;
	int32_t capacity;
	int32_t len;
} Result;

static void
start_result(Result *result)
{
	result->text = result->room;
	result->capacity = lengthof(result->room);
	result->len = 0;
}

/* After a call that gave a length: true if it has to be made again. */
static bool
make_room(Result *result, UErrorCode *status)
{
	if (*status != U_BUFFER_OVERFLOW_ERROR || result->text != result->room)
		return false;
	*status = U_ZERO_ERROR;
	result->capacity = result->len + 1;
	result->text = palloc(result->capacity * sizeof(UChar));
	return true;
}

static inline bool
is_digit_at(const Result *result, int32_t at)
{
	/* no digit that is in use lies beyond the first plane */
	return at >= 0 && at < result->len && u_isdigit(result->text[at]);
}

static void
put_result(StringInfo out, Result *result)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t room = result->len * 3;
	int32_t written = 0;

	for (int32_t i = 0; i < result->len; i++)
	{
		bool within = is_digit_at(result, i - 1) && is_digit_at(result, i + 1);

		if (u_charType(result->text[i]) == U_SPACE_SEPARATOR)
			result->text[i] = within && result->text[i] != ' ' ? 0x00A0 : ' ';
		else if (result->text[i] == 0x2019 && within)
			result->text[i] = '\'';
	}
	enlargeStringInfo(out, room + 1);
	u_strToUTF8(out->data + out->len, room + 1, &written, result->text, result->len, &status);
	if (U_SUCCESS(status))
		out->len += written;
	out->data[out->len] = '\0';
	if (result->text != result->room)
		pfree(result->text);
}

static bool
format_decimal(StringInfo out, const Formatter *f, const char *decimal)
{
	UErrorCode status = U_ZERO_ERROR;
	Result result;

	/* NaN and the infinities are no amounts */
	if (f->number == NULL || strpbrk(decimal, "0123456789") == NULL)
		return false;
	start_result(&result);
	do
		result.len = unum_formatDecimal(f->number, decimal, strlen(decimal), result.text,
										result.capacity, NULL, &status);
	while (make_room(&result, &status));
	if (U_FAILURE(status))
		result.len = 0;
	put_result(out, &result);
	return U_SUCCESS(status);
}

void
locale_format_money(StringInfo out, const char *decimal, const char *currency, const char *language)
{
	bool is_code = strlen(currency) == 3 && strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;

	if (!is_code || !format_decimal(out, get_formatter(FORMAT_MONEY, language, currency), decimal))
		appendStringInfo(out, "%s %s", currency, decimal);
}

void
locale_format_number(StringInfo out, const char *decimal, const char *language)
{
	if (!format_decimal(out, get_formatter(FORMAT_NUMBER, language, ""), decimal))
		appendStringInfoString(out, decimal);
}

bool
locale_format_date(StringInfo out, int32 days, const char *language)
{
	const Formatter *f = get_formatter(FORMAT_DATE, language, "");
	UErrorCode status = U_ZERO_ERROR;
	Result result;

	start_result(&result);
	if (f->date == NULL)
		status = U_UNSUPPORTED_ERROR;
	do
		result.len = udat_format(f->date, days * MILLISECONDS_A_DAY, result.text, result.capacity,
								 NULL, &status);
	while (make_room(&result, &status));
	if (U_FAILURE(status))
		result.len = 0;
	put_result(out, &result);
	return U_SUCCESS(status);
}
