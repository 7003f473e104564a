/*-------------------------------------------------------------------------
 *
 * words_test.c
 *	  What the words of a text are, and what they are compared by.
 *
 *-------------------------------------------------------------------------
 */
#include "core/words.h"
#include "tap.h"

/* The words of a text, each with a letter for its kind before it. */
static const char *
words(const char *text)
{
	static StringInfoData out;
	WordReader reader;
	const char *word;
	size_t len;
	WordKind kind;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	words_begin(&reader, text, strlen(text));
	while ((kind = words_next(&reader, &word, &len)) != WORD_END)
	{
		if (out.len > 0)
			appendStringInfoChar(&out, ' ');
		appendStringInfoChar(&out, " wnlc"[kind]);
		appendStringInfoChar(&out, ':');
		appendBinaryStringInfo(&out, word, len);
	}
	return out.data;
}

static const char *
folded(const char *word)
{
	static StringInfoData out;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	word_fold(&out, word, strlen(word));
	return out.data;
}

static const char *
plain(const char *word)
{
	static StringInfoData out;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	word_without_accents(&out, word, strlen(word));
	return out.data;
}

static const char *
digits(const char *word)
{
	static StringInfoData out;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	word_digits(&out, word, strlen(word));
	return out.data;
}

static void
test_letters(void)
{
	is(words(""), "", "nothing");
	is(words(" \t\r\n.,;!?()[]{}<>*_-+=/\\|\"'`~@#$%^&:"), "", "nothing but what is between words");
	is(words("Dear Ann, pay!"), "w:Dear w:Ann w:pay", "words");
	is(words("a_b pay_now.pdf"), "w:a w:b w:pay w:now w:pdf", "the name of a file");
	is(words("customer's l'avis don\xE2\x80\x99t"), "w:customer w:s w:l w:avis w:don w:t",
	   "apostrophes of both kinds");
	is(words("Größe naïve ΑΒΓ счёт"), "w:Größe w:naïve w:ΑΒΓ w:счёт", "letters of other alphabets");
	is(words("„Größe“—ja… «oui» ¿sí?"), "w:Größe w:ja w:oui w:sí", "marks of other alphabets");
	is(words("e\xCC\x81t\xCC\x83"), "w:e\xCC\x81t\xCC\x83",
	   "combining marks stay with their letter");
	is(words("in\xC2\xADvoice pay\xE2\x80\x8Bment"), "w:in\xC2\xADvoice w:pay\xE2\x80\x8Bment",
	   "what is not to be seen parts nothing");
	is(words("ann.lee@globex.example"), "w:ann w:lee w:globex w:example",
	   "an address in its parts");
	is(words("https://globex.example/pay?x=y"), "w:https w:globex w:example w:pay w:x w:y",
	   "a link in its parts");
	is(words("\xF0\x9F\x98\x80ok\xF0\x9F\x98\x80 \xEE\x80\x80"), "w:ok",
	   "pictures and private characters");
}

static void
test_numbers(void)
{
	is(words("INV-00042"), "w:INV n:00042", "a document's number");
	is(words("RE2026/0042b"), "w:RE n:2026 n:0042 l:b", "without anything between");
	is(words("1,234.50"), "n:1,234 n:50", "an amount");
	is(words("1.234,50"), "n:1.234 n:50", "the other way round");
	is(words("1'234'567"), "n:1'234'567", "with apostrophes");
	is(words("1\xE2\x80\xAF"
			 "234,50 1\xC2\xA0"
			 "234"),
	   "n:1\xE2\x80\xAF"
	   "234 n:50 n:1\xC2\xA0"
	   "234",
	   "with blanks that do not break the line");
	is(words("12,345, 678."), "n:12,345 n:678", "with punctuation behind it");
	is(words("1,23 1,2345 1234,567"), "n:1 n:23 n:1 n:2345 n:1234 n:567", "other groups are none");
	is(words("0.125 0,500"), "n:0 n:125 n:0 n:500", "nothing begins with a zero and has thousands");
	is(words("12.01.2026 2026-01-12"), "n:12 n:01 n:2026 n:2026 n:01 n:12", "dates");
	is(words("1.234.5"), "n:1 n:234 n:5", "a version");
	is(words("A4 B-17 4b x 9/z"), "l:A n:4 l:B n:17 n:4 l:b w:x n:9 l:z",
	   "a letter next to a digit");
	is(words("a 4 AB4"), "w:a n:4 w:AB n:4", "which others are not");
}

static void
test_characters(void)
{
	is(words("請求書42"), "c:請 c:求 c:書 n:42", "Han");
	is(words("カタカナ、ひら"), "c:カ c:タ c:カ c:ナ c:ひ c:ら", "Kana");
	is(words("か\xE3\x82\x99"), "c:か\xE3\x82\x99", "with its mark");
	is(words("ใบแจ้ง"), "c:ใ c:บ c:แ c:จ้ c:ง", "Thai");
	is(words("송장 번호를"), "c:송 c:장 c:번 c:호 c:를",
	   "Hangul, whose words have particles behind them");
	is(words("\xE1\x84\x89\xE1\x85\xA9\xE1\x86\xBC장"),
	   "c:\xE1\x84\x89\xE1\x85\xA9\xE1\x86\xBC c:장", "taken apart");
	is(words("हिन्दी"), "w:हिन्दी", "Devanagari has blanks");
}

static void
test_limits(void)
{
	char text[1000];
	size_t len = 6;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	is(words(text), "", "what is too long is no word");
	text[WORD_MAX_BYTES] = ' ';
	text[WORD_MAX_BYTES + 1] = '\0';
	is_int(strlen(words(text)), WORD_MAX_BYTES + 2, "the longest word");
	is(words("inv" WORD_PREFIX_MARK " x"), "w:inv" WORD_PREFIX_MARK " w:x",
	   "a mark belongs to its word");
	ok(word_has_prefix_mark("inv" WORD_PREFIX_MARK, &len) && len == 3, "and is taken off");
	ok(!word_has_prefix_mark("inv", &len) && len == 3, "where there is one");
}

static void
test_folding(void)
{
	is(folded("InVoice"), "invoice", "capitals");
	is(folded("GRÖSSE ΣΊΣΥΦΟΣ СЧЁТ"), "grösse σίσυφοσ счёт", "of other alphabets");
	is(folded("e\xCC\x81"), "é", "composed");
	is(folded("\xEF\xAC\x81nal"), "final", "ligatures");
	is(folded("\xEF\xBC\xA6\xEF\xBD\x95ll"), "full", "full width");
	is(folded("in\xC2\xADvoice"), "invoice", "without what is not to be seen");
	is(folded("\xE2\x80\x8B"), "", "which may be all of it");
	is(folded("İI"), "ii", "the dotted capital I");
	is(plain("müller société ñandú"), "muller societe nandu", "without accents");
	is(plain("straße ærø łódź kırmızı"), "strasse aero lodz kirmizi",
	   "letters that are not taken apart");
	is(plain("счёт ελληνικά"), "счет ελληνικα", "of other alphabets");
	is(plain("송장 हिन्दी が"), "송장 हिन्दी が", "the marks of other scripts stay");
	is(digits("1,234"), "1234", "the digits of a number");
	is(digits("1\xE2\x80\xAF"
			  "234"),
	   "1234", "without blanks");
}

/* Anything is read once, from front to end, and folded into something valid. */
static void
test_anything(void)
{
	uint32 random = 42;
	bool in_order = true;
	bool valid = true;
	StringInfoData out;

	initStringInfo(&out);
	for (int round = 0; round < 20000; round++)
	{
		char text[400];
		int len = 0;
		WordReader reader;
		const char *word;
		const char *behind = text;
		size_t size;

		while (len < sizeof(text) - 4)
		{
			pg_wchar c;

			random = random * 1664525 + 1013904223;
			c = (random >> 8) % ((random >> 5) % 4 == 0 ? 0x110000 :
								 (random >> 5) % 4 == 1 ? 0x3000 :
														  0x80);
			if (c == 0 || (c >= 0xD800 && c <= 0xDFFF))
				continue;
			unicode_to_utf8(c, (unsigned char *) text + len);
			len += pg_utf_mblen((unsigned char *) text + len);
		}
		words_begin(&reader, text, len);
		while (words_next(&reader, &word, &size) != WORD_END)
		{
			if (word < behind || size == 0 || word + size > text + len)
				in_order = false;
			behind = word + size;
			resetStringInfo(&out);
			word_fold(&out, word, size);
			word_without_accents(&out, word, size);
			for (int i = 0; i < out.len; i += pg_utf_mblen((unsigned char *) out.data + i))
			{
				if (!pg_utf8_islegal((unsigned char *) out.data + i,
									 pg_utf_mblen((unsigned char *) out.data + i)))
					valid = false;
			}
		}
	}
	ok(in_order, "words do not overlap and lie within the text, whatever it is");
	ok(valid, "what they are compared by is valid UTF-8");
}

static bool
names(const char *text, const char *name)
{
	return words_name(text, strlen(text), name, strlen(name));
}

static void
test_names(void)
{
	ok(names("Re: Past due: invoice INV-00042", "INV-00042"), "a number at the end");
	ok(names("inv-00042: when?", "INV-00042"), "in another case, at the beginning");
	ok(names("(INV-00042)", "inv-00042"), "in brackets");
	ok(!names("INV-000421", "INV-00042"), "not within a longer number");
	ok(!names("XINV-00042", "INV-00042"), "nor behind a letter");
	ok(!names("INV-00042\u00e9", "INV-00042"), "nor before one with an accent");
	ok(!names("INV-00042e\u0301", "INV-00042") && !names("\u00e9INV-00042", "INV-00042"),
	   "however that is written");
	ok(names("INV-000421, INV-00042", "INV-00042"), "the second place is looked at too");
	ok(names("\u8bf7\u6b3e\u5355INV-00042\u7684\u4ed8\u6b3e", "INV-00042"),
	   "where no blanks are written");
	ok(names("\u0421\u0427-7", "\u0441\u0447-7"), "in the case of another script");
	ok(!names("INV-00042", "") && !names("", "INV-00042"), "nothing names nothing");
	ok(!names("INV-0004", "INV-00042"), "a part of it is not it");
}

int
main(void)
{
	test_names();
	test_letters();
	test_numbers();
	test_characters();
	test_limits();
	test_folding();
	test_anything();
	return tap_done();
}
