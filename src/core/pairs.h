/*-------------------------------------------------------------------------
 *
 * core/pairs.h
 *	  Which messages have which two words next to each other: the numbers of
 *	  such pairs, and the pages that an index of them is stored in.
 *
 * All of it is written to disk and restored elsewhere, so it is the same on
 * every machine.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_PAIRS_H
#define AR_INBOX_PAIRS_H

#include "core/core.h"

/*
 * A pair is a number made of its two words.  Different pairs may have the same
 * one: whoever finds a message by it looks into the message too.
 */
#define PAIR_BITS 28

/* A message is known by its place in its block. */
#define PAIR_PLACES 65536

/* So much of a page is written at most; it fits in a table's row as it is. */
#define PAIR_PAGE_BYTES 3900

/* That this message (by its place) has this pair; they sort as numbers. */
typedef uint64 Posting;

static inline Posting
posting_of(uint32 pair, uint32 place)
{
	return ((uint64) pair << 16) | place;
}

static inline uint32
posting_pair(Posting posting)
{
	return (uint32) (posting >> 16);
}

static inline uint32
posting_place(Posting posting)
{
	return (uint32) (posting & (PAIR_PLACES - 1));
}

/* What a word contributes, and the pair that two words are, in this order. */
extern uint64 pair_word(const char *word, size_t len);
extern uint32 pair_number(uint64 first, uint64 second);

/* A page: ascending postings, the first of which stands outside of it. */
typedef struct PairPage
{
	Posting first;
	Posting last;
	int len;
	unsigned char bytes[PAIR_PAGE_BYTES];
} PairPage;

extern void pair_page_begin(PairPage *page, Posting first);

/* false: the page is full.  The posting must be above the one before it. */
extern bool pair_page_add(PairPage *page, Posting posting);

typedef struct PairReader
{
	Posting next;
	const unsigned char *at;
	const unsigned char *end;
	bool first;
	bool damaged;
} PairReader;

extern void pair_read_begin(PairReader *reader, Posting first, const void *bytes, size_t len);

/* false: there is no more, or, with damaged set, the bytes are no page. */
extern bool pair_read_next(PairReader *reader, Posting *posting);

#endif /* AR_INBOX_PAIRS_H */
