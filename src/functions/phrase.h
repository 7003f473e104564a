/*-------------------------------------------------------------------------
 *
 * functions/phrase.h
 *	  What the files of the index of phrases tell each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_FUNCTIONS_PHRASE_H
#define AR_INBOX_FUNCTIONS_PHRASE_H

#include "postgres.h"

#include "tsearch/ts_type.h"

#include "core/pairs.h"

/* A list of pairs; grows in the memory context it was begun in. */
typedef struct PairList
{
	uint32 *pairs;
	Size count;
	Size room;
} PairList;

/* The pairs of words that are next to each other, ascending, each once. */
extern void vector_pairs(TSVector vector, PairList *list);

/* A message as a block has it: when it was, and twice its id, plus 1 for a note. */
typedef struct BlockMessage
{
	int64 at;
	int64 message;
} BlockMessage;

/* In the table, both numbers have their highest byte first. */
#define BLOCK_MESSAGE_BYTES 16

#endif /* AR_INBOX_FUNCTIONS_PHRASE_H */
