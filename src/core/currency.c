/*-------------------------------------------------------------------------
 *
 * currency.c
 *	  The currencies of ISO 4217 and how many decimal places each has.
 *
 * The codes in use, funds codes included; metals and the other codes for which
 * the standard names no minor unit are left out, since nothing is invoiced in
 * them.  ANG and BGN were withdrawn in 2025 and 2026: they stay while invoices
 * in them may still be open.
 *
 *-------------------------------------------------------------------------
 */
#include "core/currency.h"

/* By number of decimal places, each list in alphabetical order. */
static const char digits_0[][4] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
								   "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"};

static const char digits_2[][4] = {
	"AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
	"BGN", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF",
	"CHE", "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD",
	"EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD",
	"HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW",
	"KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
	"MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
	"NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR",
	"SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP",
	"SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU",
	"UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG"};

static const char digits_3[][4] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};

static const char digits_4[][4] = {"CLF", "UYW"};

static const struct
{
	const char (*codes)[4];
	int count;
	int digits;
} lists[] = {
	{digits_2, lengthof(digits_2), 2},
	{digits_0, lengthof(digits_0), 0},
	{digits_3, lengthof(digits_3), 3},
	{digits_4, lengthof(digits_4), 4},
};

/*
 * currency_digits
 *		Decimal places of the currency, or -1 if the code is not one.  Only the
 *		three capital letters are the code.
 */
int
currency_digits(const char *code)
{
	for (int i = 0; i < lengthof(lists); i++)
	{
		int low = 0;
		int high = lists[i].count - 1;

		while (low <= high)
		{
			int middle = (low + high) / 2;
			int order = strcmp(code, lists[i].codes[middle]);

			if (order == 0)
				return lists[i].digits;
			if (order < 0)
				high = middle - 1;
			else
				low = middle + 1;
		}
	}
	return -1;
}
