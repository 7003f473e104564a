/*-------------------------------------------------------------------------
 *
 * imap_job.h
 *	  A job as the files that carry it on see it; for them alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_IMAP_JOB_H
#define AR_INBOX_IMAP_JOB_H

#include "net/imap.h"

#include "net/imap_batch.h"
#include "net/imap_parse.h"
#include "net/imap_set.h"
#include "net/net_connection.h"

#define OUT_SIZE 16384
#define IN_SIZE 65536
#define MAILBOX_SIZE 2048

typedef enum Step
{
	STEP_CONNECT,
	STEP_CAPABILITY,
	STEP_SELECT,
	STEP_SEARCH,
	STEP_SIZES,
	STEP_FETCH,
	STEP_WORKER, /* the batch is with the worker */
	STEP_SEEN,
	STEP_MOVE,
	STEP_COPY,
	STEP_CREATE, /* the mailbox to move to was not there */
	STEP_DELETE,
	STEP_EXPUNGE,
	STEP_IDLE_ASKED,
	STEP_IDLE,
	STEP_IDLE_DONE,
	STEP_RESTING, /* finished, connected */
	STEP_LOGOUT,
	STEP_OVER,
} Step;

struct ImapJob
{
	NetConnection *conn;
	ImapState state;
	Step step;
	bool detached;

	bool read_only;
	bool wants_idle;
	int64 reply_timeout;
	int64 idle_again;
	char mailbox[MAILBOX_SIZE];
	uint32 uidvalidity_known;
	uint32 last_uid;
	NetFailure failure;
	char failure_text[NET_TEXT_SIZE];
	char warning[NET_TEXT_SIZE];

	bool has_esearch;
	bool has_idle;
	bool has_move;
	bool has_uidplus;
	uint32 uidvalidity;
	bool changed;
	uint32 exists;
	uint32 exists_at_search;
	bool resume;  /* imap_resume() waits for the end of IDLE */
	int refusals; /* of UID FETCH, in a row */
	bool created; /* CREATE was tried for this batch */
	char target[MAILBOX_SIZE];

	/* imap_settle_first() */
	ImapAction settle_action;
	int n_unsettled;
	uint32 unsettled[IMAP_MOST_UNSETTLED];

	ImapBatch batch;
	ImapReader reader;
	uint32 tag;
	size_t out_pos;
	size_t out_len;
	char out[OUT_SIZE];
	char in[IN_SIZE];
};

/* imap_steps.c: commands, and what their tagged answers lead to. */
extern void imap_command(ImapJob *job, Step step, const char *fmt, ...) pg_attribute_printf(3, 4);
extern void imap_start_search(ImapJob *job);
extern void imap_next_work(ImapJob *job);
extern void imap_move(ImapJob *job, Step step);
extern Step imap_action_step(const ImapJob *job, ImapAction action);
extern void imap_end_idle(ImapJob *job);
extern void imap_no_memory(ImapJob *job);
extern void imap_tagged(ImapJob *job, const ImapResponse *response);

#endif /* AR_INBOX_IMAP_JOB_H */
