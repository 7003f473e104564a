/*-------------------------------------------------------------------------
 *
 * core/pairs.c
 *	  Pairs of words as numbers, and pages of postings.
 *
 * A page is a sequence of numbers, each in as few bytes as it takes, seven bits
 * in each, the lowest first, the eighth set where more follow (LEB128).  An even
 * number is twice how much further the next message with the same pair is.  An
 * odd one is twice how much further the next pair is, plus one; the place of its
 * first message follows.  In a large block, most postings take one to three bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "core/pairs.h"

/*
 * pair_word
 *		FNV-1a, 64 bits wide: byte by byte, so that no byte order matters.
 */
uint64
pair_word(const char *word, size_t len)
{
	uint64 hash = UINT64CONST(0xCBF29CE484222325);

	for (size_t i = 0; i < len; i++)
	{
		hash ^= (unsigned char) word[i];
		hash *= UINT64CONST(0x100000001B3);
	}
	return hash;
}

/*
 * pair_number
 *		The two are mixed so that their order counts, and the upper bits, which
 *		depend on all of both, are taken.
 */
uint32
pair_number(uint64 first, uint64 second)
{
	uint64 mixed = (first ^ (first >> 32)) * UINT64CONST(0x9E3779B97F4A7C15);

	mixed = (mixed ^ second ^ (second >> 32)) * UINT64CONST(0xD6E8FEB86659FD93);
	mixed = (mixed ^ (mixed >> 32)) * UINT64CONST(0xD6E8FEB86659FD93);
	return (uint32) (mixed >> (64 - PAIR_BITS));
}

void
pair_page_begin(PairPage *page, Posting first)
{
	page->first = first;
	page->last = first;
	page->len = 0;
}

static int
put_number(unsigned char *out, uint32 number)
{
	int len = 0;

	while (number >= 0x80)
	{
		out[len++] = (unsigned char) (number | 0x80);
		number >>= 7;
	}
	out[len++] = (unsigned char) number;
	return len;
}

bool
pair_page_add(PairPage *page, Posting posting)
{
	uint32 further = posting_pair(posting) - posting_pair(page->last);
	unsigned char bytes[10];
	int len;

	Assert(posting > page->last);
	if (further == 0)
		len = put_number(bytes, (posting_place(posting) - posting_place(page->last)) << 1);
	else
	{
		len = put_number(bytes, further << 1 | 1);
		len += put_number(bytes + len, posting_place(posting));
	}
	if (page->len + len > PAIR_PAGE_BYTES)
		return false;
	memcpy(page->bytes + page->len, bytes, len);
	page->len += len;
	page->last = posting;
	return true;
}

void
pair_read_begin(PairReader *reader, Posting first, const void *bytes, size_t len)
{
	reader->next = first;
	reader->at = bytes;
	reader->end = reader->at + len;
	reader->first = true;
	reader->damaged = false;
}

static bool
get_number(PairReader *reader, uint32 *number)
{
	uint64 value = 0;

	for (int shift = 0; shift < 35 && reader->at < reader->end; shift += 7)
	{
		unsigned char byte = *reader->at++;

		value |= (uint64) (byte & 0x7F) << shift;
		if (byte < 0x80)
		{
			*number = (uint32) value;
			return value <= PG_UINT32_MAX;
		}
	}
	return false;
}

bool
pair_read_next(PairReader *reader, Posting *posting)
{
	uint64 pair = posting_pair(reader->next);
	uint64 place = posting_place(reader->next);
	uint32 number;

	if (reader->first)
		reader->first = false;
	else if (reader->at == reader->end)
		return false;
	else
	{
		reader->damaged = true;
		if (!get_number(reader, &number))
			return false;
		if ((number & 1) == 0)
			place += number >> 1;
		else
		{
			pair += number >> 1;
			if (!get_number(reader, &number))
				return false;
			place = number;
		}
		/* what does not ascend, or leads too far, was not written by us */
		if (place >= PAIR_PLACES || pair >= (1 << PAIR_BITS) ||
			posting_of((uint32) pair, (uint32) place) <= reader->next)
			return false;
		reader->damaged = false;
		reader->next = posting_of((uint32) pair, (uint32) place);
	}
	*posting = reader->next;
	return true;
}
