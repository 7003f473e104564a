/*-------------------------------------------------------------------------
 *
 * imap_steps.c
 *	  Commands to a mailbox, and what their answers lead to.
 *
 * One command is under way at a time, and its tagged answer leads to the next:
 *
 *		CAPABILITY, SELECT, UID SEARCH, then for each window of UIDs their
 *		sizes, for each batch of those UID FETCH, the worker, and UID STORE
 *		or UID MOVE; at the end IDLE, if that is wanted.
 *
 * A server without MOVE gets COPY, \Deleted and, where it has UIDPLUS,
 * EXPUNGE of just these; never a plain EXPUNGE, which would take along what
 * others have marked.
 *
 *-------------------------------------------------------------------------
 */
#include "net/imap_job.h"

#define SET_SIZE 8192
#define TAG_SIZE 16
#define LOGOUT_BUDGET_MS 2000
#define DONE_BUDGET_MS 30000
#define REFUSALS_IN_A_ROW 5
#define MOST_UIDS 20000000 /* a mailbox that claims more is not believed */

/*
 * has_room: whether so much can be queued.  A server that answers what it was
 * not yet asked makes us queue one command behind the other.
 */
static bool
has_room(ImapJob *job, size_t n)
{
	if (OUT_SIZE - job->out_len >= n)
		return true;
	net_connection_break(job->conn, NET_PROTOCOL, "a command would be too long");
	return false;
}

/*
 * imap_command: queues a command under a new tag.
 */
void
imap_command(ImapJob *job, Step step, const char *fmt, ...)
{
	va_list args;
	size_t room = OUT_SIZE - job->out_len;
	int n;

	if (!has_room(job, TAG_SIZE))
		return;
	n = snprintf(job->out + job->out_len, room, "A%u ", ++job->tag);
	va_start(args, fmt);
	n += vsnprintf(job->out + job->out_len + n, room - n, fmt, args);
	va_end(args);
	if ((size_t) n + 2 >= room)
	{
		net_connection_break(job->conn, NET_PROTOCOL, "a command would be too long");
		return;
	}
	memcpy(job->out + job->out_len + n, "\r\n", 2);
	job->out_len += n + 2;
	job->step = step;
	net_connection_deadline(job->conn, step == STEP_LOGOUT ? LOGOUT_BUDGET_MS : job->reply_timeout);
}

void
imap_end_idle(ImapJob *job)
{
	if (!has_room(job, 6))
		return;
	memcpy(job->out + job->out_len, "DONE\r\n", 6);
	job->out_len += 6;
	job->step = STEP_IDLE_DONE;

	/* This asks whether the line is still alive, too; the answer costs no work. */
	net_connection_deadline(job->conn, Min(job->reply_timeout, DONE_BUDGET_MS));
}

void
imap_no_memory(ImapJob *job)
{
	net_connection_break(job->conn, NET_NO_MEMORY, "out of memory");
}

/*
 * passes: whether a NO says itself that it will not last (RFC 5530).
 */
static bool
passes(const ImapResponse *response)
{
	static const char *const codes[] = {"UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"};

	for (int i = 0; i < lengthof(codes); i++)
	{
		if (pg_strcasecmp(response->code, codes[i]) == 0)
			return true;
	}
	return false;
}

/*
 * refused: a NO or BAD that ends the job.
 */
static void
refused(ImapJob *job, const char *what, const ImapResponse *response)
{
	NetFailure failure = NET_TEMPORARY;

	if (response->status == IMAP_BAD)
		failure = NET_PROTOCOL;
	else if (job->step == STEP_SELECT && !passes(response))
		failure = NET_CONFIG; /* no such mailbox, or not for us */
	net_connection_break(job->conn, failure, "%s refused: %.300s", what, response->rest);
}

void
imap_start_search(ImapJob *job)
{
	job->state = IMAP_RUNNING;
	job->resume = false;
	imap_set_clear(&job->batch.todo);
	imap_batch_reset(&job->batch);
	job->exists_at_search = job->exists;
	if (job->last_uid == PG_UINT32_MAX || job->exists == 0)
		imap_next_work(job);
	else
		imap_command(job, STEP_SEARCH, "UID SEARCH %sUID %u:*",
					 job->has_esearch ? "RETURN (ALL) " : "", job->last_uid + 1);
}

static void
finish(ImapJob *job)
{
	/* What was handed out last has no use any more, and IDLE may last. */
	imap_set_clear(&job->batch.todo);
	imap_batch_reset(&job->batch);
	if (job->wants_idle && job->has_idle)
	{
		imap_command(job, STEP_IDLE_ASKED, "IDLE");
		return;
	}
	job->step = STEP_RESTING;
	job->state = IMAP_FINISHED;
	net_connection_deadline(job->conn, -1);
}

static void
hand_out(ImapJob *job)
{
	job->step = STEP_WORKER;
	job->state = IMAP_HAS_BATCH;
	net_connection_deadline(job->conn, -1);
}

/*
 * imap_next_work: the next batch of this window, or the next window, or the end.
 */
void
imap_next_work(ImapJob *job)
{
	ImapBatch *batch = &job->batch;
	char set[SET_SIZE];

	job->state = IMAP_RUNNING;
	if (batch->stale)
	{
		if (imap_window_again(batch, set, sizeof(set)))
		{
			imap_command(job, STEP_SIZES, "UID FETCH %s (UID RFC822.SIZE)", set);
			return;
		}
	}
	if (batch->window_pos < batch->n_window)
	{
		if (!imap_batch_choose(batch, set, sizeof(set)))
		{
			net_connection_break(job->conn, NET_PROTOCOL, "a command would be too long");
			return;
		}
		if (batch->crowded)
		{
			/* no IDLE: its owner is to come back for it soon */
			job->wants_idle = false;
			finish(job);
			return;
		}
		if (set[0] != '\0')
		{
			imap_command(job, STEP_FETCH, "UID FETCH %s (UID FLAGS INTERNALDATE BODY.PEEK[])", set);
			return;
		}
		if (batch->n > 0)
		{
			if (imap_batch_settle(batch, NULL))
				hand_out(job);
			else
				imap_no_memory(job);
			return;
		}
	}

	/* What was left of the window is gone from the mailbox. */
	if (imap_window_next(batch, set, sizeof(set)))
		imap_command(job, STEP_SIZES, "UID FETCH %s (UID RFC822.SIZE)", set);
	else
		finish(job);
}

static void
on_selected(ImapJob *job, const ImapResponse *response)
{
	if (response->status != IMAP_OK)
		refused(job, "SELECT", response);
	else if (job->uidvalidity == 0)
		net_connection_break(job->conn, NET_PROTOCOL, "the mailbox has no UIDVALIDITY");
	else
	{
		if (job->uidvalidity_known != 0 && job->uidvalidity_known != job->uidvalidity)
		{
			job->changed = true;
			job->last_uid = 0;
			job->n_unsettled = 0;
		}
		if (job->n_unsettled > 0 && job->uidvalidity_known != 0)
			imap_move(job, imap_action_step(job, job->settle_action));
		else
			imap_start_search(job);
	}
}

static void
on_searched(ImapJob *job, const ImapResponse *response)
{
	if (response->status != IMAP_OK)
	{
		refused(job, "UID SEARCH", response);
		return;
	}

	/* "n:*" always finds the last message, and it may be below n. */
	imap_set_normalize(&job->batch.todo, job->last_uid + 1);
	if (imap_set_count(&job->batch.todo) > MOST_UIDS)
	{
		net_connection_break(job->conn, NET_PROTOCOL, "the mailbox claims to have %llu messages",
							 (unsigned long long) imap_set_count(&job->batch.todo));
		return;
	}
	imap_batch_reset(&job->batch);
	imap_next_work(job);
}

static void
on_fetched(ImapJob *job, const ImapResponse *response)
{
	/* One message that is refused is its own trouble; many are the server's. */
	if (response->status != IMAP_OK)
		job->refusals++;
	else
		job->refusals = 0;
	if (response->status == IMAP_BAD || passes(response) || job->refusals > REFUSALS_IN_A_ROW)
	{
		refused(job, "UID FETCH", response);
		return;
	}
	if (!imap_batch_settle(&job->batch, response->status == IMAP_NO ? response->rest : NULL))
	{
		imap_no_memory(job);
		return;
	}
	if (job->batch.n > 0)
		hand_out(job);
	else
		imap_next_work(job);
}

static void
warn(ImapJob *job, const char *what, const ImapResponse *response)
{
	snprintf(job->warning, sizeof(job->warning), "%s refused: %.300s", what, response->rest);
	net_clean_text(job->warning, strlen(job->warning));
}

/*
 * after_action: on with what was interrupted by it.
 */
static void
after_action(ImapJob *job)
{
	if (job->n_unsettled > 0)
	{
		job->n_unsettled = 0;
		imap_start_search(job);
	}
	else
		imap_next_work(job);
}

/*
 * imap_action_step: the first step of flagging or moving.
 */
Step
imap_action_step(const ImapJob *job, ImapAction action)
{
	if (action == IMAP_FLAG_SEEN)
		return STEP_SEEN;
	return job->has_move ? STEP_MOVE : STEP_COPY;
}

/*
 * imap_move: the steps of a move, each on the stored messages of the batch, or
 * on those an earlier job left.
 */
void
imap_move(ImapJob *job, Step step)
{
	char set[SET_SIZE];
	bool any = job->n_unsettled > 0 ?
				   imap_set_format(job->unsettled, job->n_unsettled, set, sizeof(set)) :
				   imap_batch_stored(&job->batch, set, sizeof(set));

	if (!any)
	{
		after_action(job);
		return;
	}
	switch (step)
	{
		case STEP_SEEN:
			imap_command(job, step, "UID STORE %s +FLAGS.SILENT (\\Seen)", set);
			break;
		case STEP_MOVE:
			imap_command(job, step, "UID MOVE %s %s", set, job->target);
			break;
		case STEP_COPY:
			imap_command(job, step, "UID COPY %s %s", set, job->target);
			break;
		case STEP_DELETE:
			imap_command(job, step, "UID STORE %s +FLAGS.SILENT (\\Deleted)", set);
			break;
		default:
			imap_command(job, STEP_EXPUNGE, "UID EXPUNGE %s", set);
			break;
	}
}

/*
 * on_moved: the answer to one of those steps.  What a server refuses here is
 * a warning: the messages are stored, and fetching goes on.
 */
static void
on_moved(ImapJob *job, const ImapResponse *response)
{
	bool fine = response->status == IMAP_OK;

	switch (job->step)
	{
		case STEP_MOVE:
		case STEP_COPY:
			if (!fine && !job->created && pg_strcasecmp(response->code, "TRYCREATE") == 0)
			{
				job->created = true;
				imap_command(job, STEP_CREATE, "CREATE %s", job->target);
				return;
			}
			if (!fine)
				warn(job, job->step == STEP_MOVE ? "UID MOVE" : "UID COPY", response);
			else if (job->step == STEP_COPY)
			{
				imap_move(job, STEP_DELETE);
				return;
			}
			break;
		case STEP_CREATE:
			if (fine)
			{
				imap_move(job, job->has_move ? STEP_MOVE : STEP_COPY);
				return;
			}
			warn(job, "CREATE", response);
			break;
		case STEP_DELETE:
			if (fine && job->has_uidplus)
			{
				imap_move(job, STEP_EXPUNGE);
				return;
			}
			if (!fine)
				warn(job, "UID STORE", response);
			break;
		default:
			if (!fine)
				warn(job, job->step == STEP_SEEN ? "UID STORE" : "UID EXPUNGE", response);
			break;
	}
	after_action(job);
}

void
imap_tagged(ImapJob *job, const ImapResponse *response)
{
	char expected[TAG_SIZE];

	snprintf(expected, sizeof(expected), "A%u", job->tag);
	if (job->step == STEP_LOGOUT && strcmp(response->tag, expected) != 0)
		return; /* to what LOGOUT cut short */
	if (strcmp(response->tag, expected) != 0 || response->status == IMAP_BYE ||
		response->status == IMAP_PREAUTH)
	{
		net_connection_break(job->conn, NET_PROTOCOL, "an answer to a command that was not given");
		return;
	}

	switch (job->step)
	{
		case STEP_CAPABILITY:
			imap_command(job, STEP_SELECT, "%s %s", job->read_only ? "EXAMINE" : "SELECT",
						 job->mailbox);
			break;
		case STEP_SELECT:
			on_selected(job, response);
			break;
		case STEP_SEARCH:
			on_searched(job, response);
			break;
		case STEP_SIZES:
			/* RFC 2180 lets a NO say that some of them are gone. */
			if (response->status == IMAP_OK || pg_strcasecmp(response->code, "EXPUNGEISSUED") == 0)
				imap_next_work(job);
			else
				refused(job, "UID FETCH", response);
			break;
		case STEP_FETCH:
			on_fetched(job, response);
			break;
		case STEP_SEEN:
		case STEP_MOVE:
		case STEP_COPY:
		case STEP_CREATE:
		case STEP_DELETE:
		case STEP_EXPUNGE:
			on_moved(job, response);
			break;
		case STEP_IDLE_ASKED:
		case STEP_IDLE:
		case STEP_IDLE_DONE:
			if (job->resume)
				imap_start_search(job);
			else if (job->step == STEP_IDLE_DONE && response->status == IMAP_OK &&
					 job->state == IMAP_IDLING)
				imap_command(job, STEP_IDLE_ASKED, "IDLE");
			else if (job->state != IMAP_HAS_NEWS)
			{
				/* It ended, or would not begin: then there is no waiting here. */
				job->has_idle = false;
				finish(job);
			}
			else
			{
				job->step = STEP_RESTING;
				net_connection_deadline(job->conn, -1);
			}
			break;
		case STEP_LOGOUT:
			job->step = STEP_OVER;
			break;
		default:
			net_connection_break(job->conn, NET_PROTOCOL,
								 "an answer to a command that was not given");
			break;
	}
}
