/*-------------------------------------------------------------------------
 *
 * currency_test.c
 *	  Tests of the currency list.
 *
 *-------------------------------------------------------------------------
 */
#include "core/currency.h"
#include "tap.h"

typedef struct Case
{
	const char *code;
	int digits;
} Case;

/* the first and the last of each list, the odd ones, and what is no code */
static const Case cases[] = {
	{"EUR", 2},	 {"USD", 2},  {"GBP", 2},  {"CHF", 2},	{"AED", 2},	  {"ZWG", 2},	{"MGA", 2},
	{"MRU", 2},	 {"ISK", 0},  {"JPY", 0},  {"KRW", 0},	{"CLP", 0},	  {"BIF", 0},	{"XPF", 0},
	{"UYI", 0},	 {"VND", 0},  {"BHD", 3},  {"IQD", 3},	{"JOD", 3},	  {"KWD", 3},	{"LYD", 3},
	{"OMR", 3},	 {"TND", 3},  {"CLF", 4},  {"UYW", 4},	{"SLE", 2},	  {"VED", 2},	{"XCG", 2},
	{"SLL", -1}, {"DEM", -1}, {"HRK", -1}, {"XAU", -1}, {"XXX", -1},  {"XTS", -1},	{"AAA", -1},
	{"ZZZ", -1}, {"eur", -1}, {"Eur", -1}, {"EU", -1},	{"EURO", -1}, {" EUR", -1}, {"EUR ", -1},
	{"", -1},	 {"€", -1},	  {"978", -1},
};

int
main(void)
{
	char code[4] = "AAA";
	int found[5] = {0};

	for (int i = 0; i < lengthof(cases); i++)
		is_int(currency_digits(cases[i].code), cases[i].digits, cases[i].code);

	/* every code is found by its search: the lists are in order, none is twice */
	for (code[0] = 'A'; code[0] <= 'Z'; code[0]++)
	{
		for (code[1] = 'A'; code[1] <= 'Z'; code[1]++)
		{
			for (code[2] = 'A'; code[2] <= 'Z'; code[2]++)
			{
				int digits = currency_digits(code);

				if (digits >= 0)
					found[digits]++;
			}
		}
	}
	is_int(found[0], 17, "currencies without decimal places");
	is_int(found[1], 0, "currencies with one");
	is_int(found[2], 140, "currencies with two");
	is_int(found[3], 7, "currencies with three");
	is_int(found[4], 2, "currencies with four");
	return tap_done();
}
