/*-------------------------------------------------------------------------
 *
 * imap_set.h
 *	  Sets of UIDs, and mailbox names, as IMAP writes them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_IMAP_SET_H
#define AR_INBOX_IMAP_SET_H

#include "net/net.h"

typedef struct ImapRange
{
	uint32 low;
	uint32 high;
} ImapRange;

typedef struct ImapSet
{
	ImapRange *ranges;
	size_t n;
	size_t size;
} ImapSet;

extern void imap_set_clear(ImapSet *set);

/* Adds; false without memory. */
extern bool imap_set_add(ImapSet *set, uint32 low, uint32 high);

/*
 * Adds what an answer lists: numbers separated by spaces, or a set like
 * 1:3,5.  False for what is neither; *no_memory tells the other reason.
 */
extern bool imap_set_parse(ImapSet *set, const char *text, char separator, bool *no_memory);

/* Sorts, joins, and drops what is below first. */
extern void imap_set_normalize(ImapSet *set, uint32 first);
extern uint64 imap_set_count(const ImapSet *set);

/* Writes ascending UIDs as a set; false when they do not fit. */
extern bool imap_set_format(const uint32 *uids, int n, char *out, size_t size);

/* A mailbox name in modified UTF-7, in quotes; false for what cannot be one. */
extern bool imap_mailbox_name(const char *name, char *out, size_t size);

#endif /* AR_INBOX_IMAP_SET_H */
