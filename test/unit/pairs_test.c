/*-------------------------------------------------------------------------
 *
 * pairs_test.c
 *	  Pairs of words and the pages that hold where they are.
 *
 *-------------------------------------------------------------------------
 */
#include "core/pairs.h"
#include "tap.h"

static uint32
pair(const char *first, const char *second)
{
	return pair_number(pair_word(first, strlen(first)), pair_word(second, strlen(second)));
}

/* A dump restored on another machine is searched by these numbers. */
static void
test_numbers(void)
{
	char name[100];
	uint32 seen[4000];
	int count = 0;
	int same = 0;

	/* FNV-1a's own figures for nothing, "a" and "foobar" */
	ok(pair_word("", 0) == UINT64CONST(0xcbf29ce484222325), "no word");
	ok(pair_word("a", 1) == UINT64CONST(0xaf63dc4c8601ec8c), "one letter");
	ok(pair_word("foobar", 6) == UINT64CONST(0x85944171f73967e8), "a word");
	ok(pair("late", "fee") == 110177508, "a pair has the number that it always had");
	ok(pair("late", "fee") != pair("fee", "late"), "the order counts");
	ok(pair("a", "a") != pair("b", "b"), "and so does which word is there twice");
	for (int i = 0; i < 63; i++)
	{
		for (int j = 0; j < 63; j++)
		{
			char first[20];
			char second[20];

			snprintf(first, sizeof(first), "w%d", i);
			snprintf(second, sizeof(second), "w%d", j);
			seen[count] = pair(first, second);
			if (seen[count] >= (1 << PAIR_BITS))
				same += 1000;
			for (int k = 0; k < count; k++)
				same += seen[k] == seen[count];
			count++;
		}
	}
	snprintf(name, sizeof(name), "%d pairs of like words, %d of the same number", count, same);
	ok(same <= 1, name);
}

/* Postings over as many pages as they take: none lost, none added, in their order. */
static void
test_pages(uint32 pairs, uint32 of_a_pair, uint32 pair_step, uint32 place_step, const char *name)
{
	PairPage page;
	Posting previous = 0;
	Posting posting;
	uint32 written = 0;
	uint32 found = 0;
	uint32 pages = 0;
	bool good = true;

	for (uint32 i = 0; i < pairs * of_a_pair + 1; i++)
	{
		bool last = i == pairs * of_a_pair;

		posting = posting_of((i / of_a_pair) * pair_step, (i % of_a_pair) * place_step);
		if (i > 0 && (last || !pair_page_add(&page, posting)))
		{
			PairReader reader;
			Posting read;
			uint32 before = found;

			pair_read_begin(&reader, page.first, page.bytes, page.len);
			while (pair_read_next(&reader, &read))
			{
				good &= read == posting_of((found / of_a_pair) * pair_step,
										   (found % of_a_pair) * place_step);
				good &= found == 0 || read > previous;
				previous = read;
				found++;
			}
			good &= !reader.damaged && found > before && page.len <= PAIR_PAGE_BYTES &&
					(last || page.len > PAIR_PAGE_BYTES - 10);
			pages++;
			pair_page_begin(&page, posting);
		}
		else if (i == 0)
			pair_page_begin(&page, posting);
		if (!last)
			written++;
	}
	ok(good && found == written, "%s: %u postings on %u pages", name, found, pages);
}

static void
test_damage(void)
{
	static const struct
	{
		const char *bytes;
		int len;
		const char *name;
	} damaged[] = {
		{"\x80", 1, "a number that does not end"},
		{"\x03", 1, "a pair without its message"},
		{"\x03\xFF", 2, "a message that does not end"},
		{"\x00", 1, "the same message again"},
		{"\x01\x05", 2, "the same pair as a new one, and no further"},
		{"\xFE\xFF\x0F", 3, "a place that no block has"},
		{"\x03\x80\x80\x04", 4, "another"},
		{"\xFF\xFF\xFF\xFF\x0F\x01", 6, "a pair that there is not"},
		{"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 11, "a number of many bytes"},
	};
	PairReader reader;
	Posting posting;
	uint32 seed = 42;
	bool bounded = true;

	for (int i = 0; i < lengthof(damaged); i++)
	{
		pair_read_begin(&reader, posting_of(7, 9), damaged[i].bytes, damaged[i].len);
		ok(pair_read_next(&reader, &posting) && posting == posting_of(7, 9) &&
			   !pair_read_next(&reader, &posting) && reader.damaged,
		   "%s", damaged[i].name);
	}
	pair_read_begin(&reader, posting_of(7, 9), "", 0);
	ok(pair_read_next(&reader, &posting) && !pair_read_next(&reader, &posting) && !reader.damaged,
	   "a page of one posting");

	for (int i = 0; i < 20000; i++)
	{
		unsigned char noise[40];
		Posting before = 0;
		int len = i % sizeof(noise);

		for (int j = 0; j < len; j++)
		{
			seed = seed * 1103515245 + 12345;
			noise[j] = (unsigned char) (seed >> (16 + (i & 7)));
		}
		pair_read_begin(&reader, posting_of(1, 1), noise, len);
		while (pair_read_next(&reader, &posting))
		{
			bounded &= posting > before && posting_pair(posting) < (1 << PAIR_BITS);
			before = posting;
		}
	}
	ok(bounded, "noise ascends too, or ends");
}

int
main(void)
{
	test_numbers();
	test_pages(1, 1, 1, 1, "one");
	test_pages(1, 65536, 1, 1, "a pair that every message has");
	test_pages(5000, 1, 53000, 1, "far apart, once each");
	test_pages(100000, 1, 2600, 1, "many");
	test_pages(300, 200, 894000, 327, "each in many, up to the last place");
	test_pages(2, 3, 268435455, 32767, "the last pair and the last place");
	test_damage();
	return tap_done();
}
