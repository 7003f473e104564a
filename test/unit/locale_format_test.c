/*-------------------------------------------------------------------------
 *
 * locale_format_test.c
 *	  Amounts, numbers and dates in several languages.
 *
 * What is expected was written by hand after CLDR's charts, and holds for every
 * release of ICU from 72 on.  A no-break space is shown as "_", a mark that
 * gives the direction of writing as "~".
 *
 *-------------------------------------------------------------------------
 */
#include "core/locale_format.h"
#include "tap.h"

static StringInfoData out;

/* The result with what cannot be seen made visible. */
static const char *
visible(void)
{
	static char text[1024];
	int len = 0;

	for (const char *p = out.data; *p != '\0' && len < (int) sizeof(text) - 1; p++)
	{
		if (strncmp(p, "\u00a0", 2) == 0)
		{
			text[len++] = '_';
			p++;
		}
		else if (strncmp(p, "\u061c", 2) == 0)
		{
			text[len++] = '~';
			p++;
		}
		else if (strncmp(p, "\u200e", 3) == 0 || strncmp(p, "\u200f", 3) == 0)
		{
			text[len++] = '~';
			p += 2;
		}
		else
			text[len++] = *p;
	}
	text[len] = '\0';
	resetStringInfo(&out);
	return text;
}

static const char *
money(const char *decimal, const char *currency, const char *language)
{
	locale_format_money(&out, decimal, currency, language);
	return visible();
}

static const char *
number(const char *decimal, const char *language)
{
	locale_format_number(&out, decimal, language);
	return visible();
}

static const char *
date(int32 count, const char *language)
{
	if (!locale_format_date(&out, count, language))
		return NULL;
	return visible();
}

#define MARCH_1_2035 23800

typedef struct Language
{
	const char *tag;
	const char *dollars; /* 1234567.5 USD */
	const char *yen;	 /* 1250 JPY */
	const char *dinars;	 /* 250 IQD: three decimal places */
	const char *price;	 /* 0.00125 EUR: finer than the currency */
	const char *number;	 /* 98765.0250 */
	const char *date;	 /* 2035-03-01 */
} Language;

static const Language languages[] = {
	{"en", "USD 1,234,567.50", "JPY 1,250", "IQD 250.000", "EUR 0.00125", "98,765.025",
	 "March 1, 2035"},
	{"en-GB", "USD 1,234,567.50", "JPY 1,250", "IQD 250.000", "EUR 0.00125", "98,765.025",
	 "1 March 2035"},
	{"en-IN", "USD 12,34,567.50", "JPY 1,250", "IQD 250.000", "EUR 0.00125", "98,765.025",
	 "1 March 2035"},
	{"de", "1.234.567,50 USD", "1.250 JPY", "250,000 IQD", "0,00125 EUR", "98.765,025",
	 "1. März 2035"},
	{"de-CH", "USD 1'234'567.50", "JPY 1'250", "IQD 250.000", "EUR 0.00125", "98'765.025",
	 "1. März 2035"},
	{"fr", "1_234_567,50 USD", "1_250 JPY", "250,000 IQD", "0,00125 EUR", "98_765,025",
	 "1 mars 2035"},
	{"es", "1.234.567,50 USD", "1.250 JPY", "250,000 IQD", "0,00125 EUR", "98.765,025",
	 "1 de marzo de 2035"},
	{"pt-BR", "USD 1.234.567,50", "JPY 1.250", "IQD 250,000", "EUR 0,00125", "98.765,025",
	 "1 de março de 2035"},
	{"pl", "1_234_567,50 USD", NULL, "250,000 IQD", "0,00125 EUR", "98_765,025", "1 marca 2035"},
	{"ja", "USD 1,234,567.50", "JPY 1,250", "IQD 250.000", "EUR 0.00125", "98,765.025",
	 "2035年3月1日"},
	{"zh-TW", "USD 1,234,567.50", "JPY 1,250", "IQD 250.000", "EUR 0.00125", "98,765.025",
	 "2035年3月1日"},
	{"th", "USD 1,234,567.50", "JPY 1,250", "IQD 250.000", "EUR 0.00125", "98,765.025", NULL},
	{"ar-EG", NULL, NULL, NULL, NULL, "٩٨٬٧٦٥٫٠٢٥", "١ مارس ٢٠٣٥"},
};

static void
see_languages(void)
{
	for (int i = 0; i < lengthof(languages); i++)
	{
		const Language *l = &languages[i];

		if (l->dollars != NULL)
			is(money("1234567.5", "USD", l->tag), l->dollars, l->tag);
		if (l->yen != NULL)
			is(money("1250", "JPY", l->tag), l->yen, l->tag);
		if (l->dinars != NULL)
			is(money("250.000", "IQD", l->tag), l->dinars, l->tag);
		if (l->price != NULL)
			is(money("0.001250", "EUR", l->tag), l->price, l->tag);
		is(number("98765.0250", l->tag), l->number, l->tag);
		if (l->date != NULL)
			is(date(MARCH_1_2035, l->tag), l->date, l->tag);
	}
	/* a year of our era, whatever calendar the country has */
	ok(strstr(date(MARCH_1_2035, "th"), "2035") != NULL, "th: the Gregorian year");
	ok(strstr(date(MARCH_1_2035, "fa"), "۲۰۳۵") != NULL, "fa: the Gregorian year");
	ok(strstr(date(MARCH_1_2035, "ar-SA"), "٢٠٣٥") != NULL, "ar-SA: the Gregorian year");
	/* the code stands in an Arabic amount as it is */
	ok(strstr(money("1250", "SAR", "ar-EG"), "SAR") != NULL, "ar-EG: the currency's code");
	ok(strstr(money("1250", "SAR", "ar-EG"), "١٬٢٥٠٫٠٠") != NULL, "ar-EG: the amount's digits");
}

/* What is no language, or none that is known, is English: also under a German environment. */
static void
see_unknown_languages(void)
{
	static const char *const tags[] = {
		"",
		"xx",
		"tlh",
		"und",
		"en-XX",
		"12345678901",
		"not a tag",
		"-",
		"e",
		"en-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd-eeeeeeee-ffffffff-gggggggg-hhhhhhhh-iiiiiiii"};

	for (int i = 0; i < lengthof(tags); i++)
	{
		is(money("1234.5", "EUR", tags[i]), "EUR 1,234.50", tags[i]);
		ok(strstr(date(MARCH_1_2035, tags[i]), "March") != NULL, "%s: a date", tags[i]);
	}
	is(number("1234.5", "de-XX"), "1.234,5", "a country that is not known leaves the language");
	is(number("1234.5", "de-Latn-AT-1996"), "1_234,5", "with a script and a variant");
	is(number("1234.5", "DE"), "1.234,5", "capitals");
	is(number("1234.5", "iw"), "1,234.5", "a code that was renamed");
	is(number("1234.5", "no"), "1_234,5", "a code that stands for another");
}

static void
see_numbers(void)
{
	/* beyond what a double holds */
	is(money("12345678901234567890123456789.123456789", "EUR", "en"),
	   "EUR 12,345,678,901,234,567,890,123,456,789.123456789", "many digits");
	is(money("0.1", "EUR", "en"), "EUR 0.10", "a tenth");
	is(money("-3.5", "KWD", "en"), "-KWD 3.500", "less than nothing");
	is(money("0", "USD", "de"), "0,00 USD", "nothing");
	is(money("1.0000", "CLF", "en"), "CLF 1.0000", "four decimal places");
	is(money("1.00", "UGX", "en"), "UGX 1", "none, by ISO 4217");
	is(money("1", "ISK", "de"), "1 ISK", "none");
	is(money("1", "ZZZ", "en"), "ZZZ 1", "a code that is no currency");
	is(money("1", "$", "en"), "$ 1", "no code at all");
	is(money("1", "", "en"), " 1", "nothing for a code");
	is(money("NaN", "USD", "en"), "USD NaN", "no number");
	is(money("-Infinity", "USD", "en"), "USD -Infinity", "without end");
	is(number("0.000", "en"), "0", "zero");
	is(number("1000000", "fr"), "1_000_000", "a blank that does not break");
	is(date(0, "en"), "January 1, 1970", "the first day");
	is(date(-1, "en"), "December 31, 1969", "the day before");
	is(date(-141428, "en"), "October 14, 1582", "a day that the Julian calendar's end left out");
	is(date(2932896, "en"), "December 31, 9999", "the last day");
}

/* A number as long as numeric may have it. */
static void
see_long_number(void)
{
	StringInfoData decimal;

	initStringInfo(&decimal);
	for (int i = 0; i < 900; i++)
		appendStringInfoChar(&decimal, '1');
	locale_format_number(&out, decimal.data, "en");
	is_int(out.len, 900 + 299, "900 digits, in groups of three");
	resetStringInfo(&out);
	pfree(decimal.data);
}

/* More formatters than are kept: what is made again does the same. */
static void
see_many(void)
{
	static const char *const tags[] = {"en", "de", "fr", "es", "it", "pt", "nl", "sv",
									   "pl", "cs", "tr", "ru", "ja", "ko", "zh", "hi"};
	static const char *const currencies[] = {"EUR", "USD", "GBP", "JPY", "CHF", "KWD", "CLF"};
	StringInfoData first;
	StringInfoData again;

	initStringInfo(&first);
	initStringInfo(&again);
	for (int round = 0; round < 3; round++)
	{
		StringInfo to = round == 0 ? &first : &again;

		resetStringInfo(to);
		for (int i = 0; i < lengthof(tags); i++)
		{
			for (int j = 0; j < lengthof(currencies); j++)
				locale_format_money(to, "1234.5", currencies[j], tags[i]);
			locale_format_date(to, MARCH_1_2035, tags[i]);
			locale_format_number(to, "1234.5", tags[i]);
		}
		if (round > 0)
			is(again.data, first.data, "the same again");
	}
}

int
main(void)
{
	initStringInfo(&out);
	setenv("LC_ALL", "de_DE.UTF-8", 1);

	see_languages();
	see_unknown_languages();
	see_numbers();
	see_long_number();
	see_many();
	return tap_done();
}
