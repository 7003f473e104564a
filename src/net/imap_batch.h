/*-------------------------------------------------------------------------
 *
 * imap_batch.h
 *	  Which messages are fetched together, and what has come of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_IMAP_BATCH_H
#define AR_INBOX_IMAP_BATCH_H

#include "net/imap.h"
#include "net/imap_parse.h"
#include "net/imap_set.h"

/* So many UIDs have their sizes asked for at once; as a set they fit a command. */
#define IMAP_WINDOW 500

typedef struct ImapWindowEntry
{
	uint32 uid;
	uint64 size;
	bool exists; /* the server gave a size */
} ImapWindowEntry;

typedef enum ImapWanted
{
	IMAP_NOT_WANTED, /* too large: delivered without data */
	IMAP_WANTED,
	IMAP_RECEIVED,
	IMAP_POSTPONED, /* came, but there was no room for it */
} ImapWanted;

/*
 * The UIDs still to come, the window of them whose sizes are known, and the
 * batch out of the window that is under way or with the worker.
 */
typedef struct ImapBatch
{
	size_t max_bytes;
	int max_messages;
	size_t max_message_size;
	int n_large;  /* places for large messages that it has */
	bool crowded; /* the next message is large, and there is no place for it */

	ImapSet todo;
	size_t range; /* in todo: the next to go into a window */
	uint32 next_uid;
	bool exhausted;

	ImapWindowEntry window[IMAP_WINDOW];
	int n_window;
	int window_pos;	 /* the first that is in no batch yet */
	bool stale;		 /* sizes are to be asked for again */
	int single_left; /* so many are fetched one by one */

	int n;
	uint64 bytes; /* literals kept so far */
	ImapMessage messages[IMAP_WINDOW];
	ImapWanted wanted[IMAP_WINDOW];
	int window_at[IMAP_WINDOW];
} ImapBatch;

/* Starts over with what todo holds. */
extern void imap_batch_reset(ImapBatch *batch);
extern void imap_batch_free(ImapBatch *batch);

/* The next window; its UIDs as a set in out, or false when none are left. */
extern bool imap_window_next(ImapBatch *batch, char *out, size_t size);

/* The window's rest from window_pos on, to ask again. */
extern bool imap_window_again(ImapBatch *batch, char *out, size_t size);
extern void imap_window_size(ImapBatch *batch, uint32 uid, uint64 size);

/*
 * Chooses the next batch; the set to fetch in out, "" when none needs it, or
 * when it is crowded.
 */
extern bool imap_batch_choose(ImapBatch *batch, char *out, size_t size);

/* How large a literal may be now without the batch outgrowing its bounds. */
extern uint64 imap_batch_room(const ImapBatch *batch);

/* A FETCH answer; takes the body out of it.  False without memory. */
extern bool imap_batch_take(ImapBatch *batch, ImapResponse *response);

/*
 * The answer is complete: cuts the batch to what can be delivered, the rest
 * goes back into the window.  refusal is the server's NO, or NULL.  False
 * without memory.
 */
extern bool imap_batch_settle(ImapBatch *batch, const char *refusal);

/* The UIDs that were delivered with their data, as a set. */
extern bool imap_batch_stored(const ImapBatch *batch, char *out, size_t size);

#endif /* AR_INBOX_IMAP_BATCH_H */
