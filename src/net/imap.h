/*-------------------------------------------------------------------------
 *
 * imap.h
 *	  A job that fetches what is new in a mailbox.
 *
 * Connection, TLS and login are curl's; the commands after that are ours.  The
 * job hands out messages in batches and does not touch them on the server
 * before it is told that they are stored:
 *
 *		job = imap_fetch_start(loop, &server, ...);
 *		for (;;)
 *			... wait and turn while imap_state(job) == IMAP_RUNNING ...
 *			IMAP_HAS_BATCH:	messages = imap_batch(job, &n);
 *							store them, commit;
 *							imap_batch_done(job, IMAP_FLAG_SEEN, NULL);
 *			IMAP_FINISHED:	imap_close(job);
 *			IMAP_IDLING:	nothing to do until it changes
 *			IMAP_HAS_NEWS:	imap_resume(job, last_uid);
 *			IMAP_FAILED:	imap_failure(job), imap_failure_text(job)
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_IMAP_H
#define AR_INBOX_IMAP_H

#include "net/net.h"

/*
 * Which mailbox.  Copied by imap_fetch_start().  The rule for TLS is that of
 * smtp.h: imaps://, or imap:// with STARTTLS unless the host is loopback.
 */
typedef struct ImapServer
{
	const char *url; /* imap[s]://host[:port][?starttls=always|never] */
	const char *username;
	const char *password;
	const char *ca_file;	/* NULL: the system's authorities */
	const char *mailbox;	/* UTF-8; NULL: INBOX */
	bool read_only;			/* EXAMINE: nothing can be flagged or moved */
	bool idle;				/* stay connected after the fetch, where offered */
	int connect_timeout_ms; /* 30 s */
	int reply_timeout_ms;	/* silence while an answer is due; 5 min */
	int idle_again_ms;		/* one IDLE; servers give up after 30 min: 28 min */
} ImapServer;

typedef enum ImapState
{
	IMAP_RUNNING,
	IMAP_HAS_BATCH,
	IMAP_FINISHED,
	IMAP_IDLING,
	IMAP_HAS_NEWS, /* while idling, the server reported something */
	IMAP_FAILED,
} ImapState;

typedef enum ImapAction
{
	IMAP_LEAVE,
	IMAP_FLAG_SEEN,
	IMAP_MOVE,
} ImapAction;

/*
 * A message of a batch.  data is NULL when the message is larger than
 * max_message_size or the server would not give it: note says which.
 */
typedef struct ImapMessage
{
	uint32 uid;
	uint64 size;			  /* as the server states it; len where data is set */
	const char *internaldate; /* "17-Jul-1996 02:44:25 -0700"; never NULL */
	const char *flags;		  /* "\Seen \Answered"; never NULL */
	const char *data;
	size_t len;
	const char *note; /* why data is NULL; else NULL */
} ImapMessage;

typedef struct ImapJob ImapJob;

/*
 * Starts to fetch every message with a UID above last_uid, in ascending
 * batches of up to max_messages messages and max_batch_bytes bytes (a single
 * message may be larger, up to max_message_size).  uidvalidity_known is the
 * mailbox's as last stored, 0 for none; if it has changed, the job starts from
 * UID 1 and imap_uidvalidity_changed() is true.  A limit of 0 takes the
 * default: 8 MB, 50, 64 MB.  NULL only when there is no memory.
 */
extern ImapJob *imap_fetch_start(NetLoop *loop, const ImapServer *server, uint32 uidvalidity_known,
								 uint32 last_uid, size_t max_batch_bytes, int max_messages,
								 size_t max_message_size);

extern ImapState imap_state(const ImapJob *job);
extern NetFailure imap_failure(const ImapJob *job);
extern const char *imap_failure_text(const ImapJob *job);

/*
 * For all jobs of this process: of messages larger than size, at most so many
 * are fetched or in batches at once.  A job that comes to another one then
 * finishes before it, as if the mailbox ended there.
 */
extern void imap_limit_large(size_t size, int most);

/* Known from the first batch, or the end, on; 0 before. */
extern uint32 imap_uidvalidity(const ImapJob *job);
extern bool imap_uidvalidity_changed(const ImapJob *job);

/*
 * What the server answered when it would not flag or move a batch, or NULL;
 * since the start, or imap_resume().  The job goes on: the messages are stored.
 */
extern const char *imap_warning(const ImapJob *job);

/*
 * Right after imap_fetch_start(): these messages, stored earlier under the
 * UIDVALIDITY known, are flagged or moved before anything is fetched; not if
 * it has changed.  Those that are gone by now are no error.  At most
 * IMAP_MOST_UNSETTLED of them.  False when the job has failed already.
 */
#define IMAP_MOST_UNSETTLED 500
extern bool imap_settle_first(ImapJob *job, ImapAction action, const char *mailbox,
							  const uint32 *uids, int n_uids);

/* The batch; it lives until imap_batch_done() or imap_close(). */
extern const ImapMessage *imap_batch(const ImapJob *job, int *n_messages);

/*
 * The batch is stored: flag or move it, and fetch the next.  mailbox (UTF-8)
 * is where IMAP_MOVE moves to.  False when the job has no batch or there is no
 * memory.
 */
extern bool imap_batch_done(ImapJob *job, ImapAction action, const char *mailbox);

/* The highest UID of the batches that are done. */
extern uint32 imap_last_uid(const ImapJob *job);

/* From IMAP_IDLING or IMAP_HAS_NEWS: fetch what is above last_uid. */
extern bool imap_resume(ImapJob *job, uint32 last_uid);

/*
 * Has the loop wake in so many milliseconds (0: at once), for what its owner
 * has put off.
 */
extern void imap_wake(ImapJob *job, int ms);

/*
 * Gives the job back, in any state.  The pointer is dead after this call; the
 * loop says LOGOUT and waits up to two seconds for the answer on its own.
 */
extern void imap_close(ImapJob *job);

#endif /* AR_INBOX_IMAP_H */
