/*-------------------------------------------------------------------------
 *
 * gsm7_test.c
 *	  What fits into the alphabet of text messages, and what is made to.
 *
 *-------------------------------------------------------------------------
 */
#include "core/gsm7.h"
#include "tap.h"

/* The whole default alphabet and its extension: 3GPP TS 23.038, 6.2.1. */
static const char alphabet[] = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
							   "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
static const char extension[] = "\f^{}\\[~]|€";

static const char *
simple(const char *text)
{
	static StringInfoData out;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	appendStringInfoString(&out, "> ");
	if (!gsm7_simplify(text, strlen(text), &out))
	{
		ok(strcmp(out.data, "> ") == 0, "nothing was written");
		return NULL;
	}
	ok(gsm7_length(out.data, out.len) >= 0, "what was written is in the alphabet");
	return out.data + 2;
}

static int
length(const char *text)
{
	return gsm7_length(text, strlen(text));
}

int
main(void)
{
	is_int(length(alphabet), 127, "the default alphabet, without its escape");
	is_int(length(extension), 20, "its extension: two septets each");
	is(simple(alphabet), alphabet, "and stay as they are");
	is(simple(extension), extension, "these too");
	is_int(length(""), 0, "nothing");

	for (const char *p = "`\t\x01\x7F"; *p != '\0'; p++)
		is_int(gsm7_length(p, 1), -1, "ASCII that is not in it");
	is_int(length("Zażółć"), -1, "letters that are not");
	is_int(length("ç"), -1, "a small one whose capital is");
	is_int(length("\xF0\x9F\x99\x82"), -1, "beyond the first plane");

	is(simple("1\u00a0250,00\u202fUSD\u3000x\ty"), "1 250,00 USD x y", "blanks");
	is(simple("‘a’ “b” „c“ «d» `e´"), "'a' \"b\" \"c\" \"d\" 'e'", "quotes");
	is(simple("a–b—c−d‑e … 2×3 • f"), "a-b-c-d-e ... 2x3 * f", "dashes and signs");
	is(simple("a\u00adb\u200bc"), "abc", "what is not seen");
	is(simple("García, août, ça, Őrs, Dvořák, Việt"), "Garcia, aout, ca, Ors, Dvorak, Viet",
	   "letters without their accents");
	is(simple("Größe, née, señor, à"), "Größe, née, señor, à", "but those it has");
	is(simple("Łódź"), NULL, "a letter without a plain one under it");
	is(simple("Привет"), NULL, "another script");
	is(simple("\xF0\x9F\x99\x82"), NULL, "a picture");
	is(simple("a\xCC\x81"), "a", "an accent that is a character of its own");
	is(simple("\xC3"), NULL, "half a character");
	is(simple("ﬁ"), NULL, "a ligature");
	is(simple("가"), NULL, "a syllable with parts");
	return tap_done();
}
