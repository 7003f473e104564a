/*-------------------------------------------------------------------------
 *
 * imap.c
 *	  A job on a mailbox: what the worker calls, and what the server says.
 *
 * imap_steps.c knows which command follows which; here answers come in,
 * commands go out, and untagged answers are sorted.
 *
 *-------------------------------------------------------------------------
 */
#include "net/imap_job.h"

#define READS_A_TURN 32 /* then the other connections have theirs */
#define DEFAULT_IDLE_AGAIN_MS (28 * 60 * 1000)
#define DEFAULT_REPLY_TIMEOUT_MS (5 * 60 * 1000)
#define DEFAULT_BATCH_BYTES (8 * 1024 * 1024)
#define DEFAULT_BATCH_MESSAGES 50
#define DEFAULT_MESSAGE_SIZE (64 * 1024 * 1024)

static void
job_free(ImapJob *job)
{
	net_connection_close(job->conn);
	imap_batch_free(&job->batch);
	imap_reader_free(&job->reader);
	free(job);
}

/* The loop is being destroyed. */
static void
release(void *owner)
{
	job_free(owner);
}

/*
 * fail: the connection is lost.  A job that had done its work keeps its state.
 */
static void
fail(ImapJob *job)
{
	job->step = STEP_OVER;
	if (job->state == IMAP_FINISHED)
		return;
	job->failure = net_connection_failure(job->conn);
	strlcpy(job->failure_text, net_connection_text(job->conn), sizeof(job->failure_text));

	/* A batch that is whole is handed out all the same; imap_batch_done() fails. */
	if (job->state != IMAP_HAS_BATCH)
		job->state = IMAP_FAILED;
}

/* ---- answers ---- */

/*
 * on_status: untagged OK, NO, BAD, BYE.  Only UIDVALIDITY and BYE matter.
 */
static void
on_status(ImapJob *job, const ImapResponse *response)
{
	const char *p = response->code;
	uint64 n;

	if (response->status == IMAP_BYE)
	{
		if (job->step == STEP_LOGOUT)
			return;
		net_connection_break(job->conn, NET_TEMPORARY, "the server says goodbye: %.300s",
							 response->rest);
		return;
	}
	if (response->status != IMAP_OK || pg_strncasecmp(p, "UIDVALIDITY ", 12) != 0)
		return;
	p += 12;
	if (!imap_number(&p, PG_UINT32_MAX, &n) || *p != '\0' || n == 0)
		net_connection_break(job->conn, NET_PROTOCOL, "UIDVALIDITY is no number");
	else if (job->step == STEP_SELECT)
		job->uidvalidity = (uint32) n;
	else if (job->uidvalidity != n)
		net_connection_break(job->conn, NET_TEMPORARY, "UIDVALIDITY changed meanwhile");
}

/*
 * on_esearch: "(TAG "A4") UID ALL 1:3,5"; no ALL when nothing was found.
 */
static void
on_esearch(ImapJob *job, const ImapResponse *response)
{
	const char *all = response->rest;
	bool out_of_memory = false;

	if (job->step != STEP_SEARCH)
		return;
	if (*all == '(')
	{
		all = strchr(all, ')');
		if (all == NULL)
			return;
	}
	while ((all = strchr(all, ' ')) != NULL)
	{
		all++;
		if (pg_strncasecmp(all, "ALL ", 4) != 0)
			continue;
		if (!imap_set_parse(&job->batch.todo, all + 4, ',', &out_of_memory))
		{
			if (out_of_memory)
				imap_no_memory(job);
			else
				net_connection_break(job->conn, NET_PROTOCOL, "ESEARCH lists what are no UIDs");
		}
		return;
	}
}

static void
on_exists(ImapJob *job, uint32 n)
{
	job->exists = n;
	if (n > job->exists_at_search && job->state == IMAP_IDLING)
		job->state = IMAP_HAS_NEWS;
}

static void
on_continue(ImapJob *job)
{
	if (job->step != STEP_IDLE_ASKED)
	{
		net_connection_break(job->conn, NET_PROTOCOL,
							 "the server waits for what was not announced");
		return;
	}
	job->step = STEP_IDLE;
	if (job->resume)
	{
		imap_end_idle(job);
		return;
	}
	net_connection_deadline(job->conn, job->idle_again);

	/* A second begin of IDLE must not take back news that is still unread. */
	if (job->state == IMAP_RUNNING)
		job->state = IMAP_IDLING;
	if (job->exists > job->exists_at_search)
		job->state = IMAP_HAS_NEWS;
}

static void
on_answer(ImapJob *job)
{
	ImapResponse response;
	bool out_of_memory = false;

	imap_parse(&job->reader, &response);
	switch (response.kind)
	{
		case IMAP_TAGGED:
			imap_tagged(job, &response);
			break;
		case IMAP_STATUS:
			on_status(job, &response);
			break;
		case IMAP_CONTINUE:
			on_continue(job);
			break;
		case IMAP_EXISTS:
			on_exists(job, response.number);
			break;
		case IMAP_EXPUNGE:
			if (job->exists > 0)
				job->exists--;
			if (job->exists_at_search > 0)
				job->exists_at_search--;
			break;
		case IMAP_FETCH:
			if (job->step == STEP_SIZES && response.uid != 0 && response.has_size)
				imap_window_size(&job->batch, response.uid, response.size);
			else if (job->step == STEP_FETCH && response.uid != 0 &&
					 !imap_batch_take(&job->batch, &response))
				imap_no_memory(job);
			break;
		case IMAP_SEARCH:
			if (job->step == STEP_SEARCH &&
				!imap_set_parse(&job->batch.todo, response.rest, ' ', &out_of_memory))
			{
				if (out_of_memory)
					imap_no_memory(job);
				else
					net_connection_break(job->conn, NET_PROTOCOL, "SEARCH lists what are no UIDs");
			}
			break;
		case IMAP_ESEARCH:
			on_esearch(job, &response);
			break;
		case IMAP_CAPABILITY:
			if (job->step != STEP_CAPABILITY)
				break;
			job->has_esearch = imap_has_word(response.rest, "ESEARCH");
			job->has_idle = imap_has_word(response.rest, "IDLE");
			job->has_move = imap_has_word(response.rest, "MOVE");
			job->has_uidplus = imap_has_word(response.rest, "UIDPLUS");
			break;
		case IMAP_OTHER:
			break;
		case IMAP_MALFORMED:
			net_connection_break(job->conn, NET_PROTOCOL, "an answer that is no IMAP: %.80s",
								 job->reader.text != NULL ? job->reader.text : "");
			break;
	}
}

static void
hear(ImapJob *job)
{
	for (int reads = 0; job->step != STEP_OVER; reads++)
	{
		ssize_t n;

		if (reads >= READS_A_TURN)
		{
			net_connection_wake(job->conn);
			return;
		}
		n = net_connection_read(job->conn, job->in, IN_SIZE);
		if (n <= 0)
			return;
		if (job->step != STEP_LOGOUT && job->step != STEP_IDLE && job->step != STEP_WORKER &&
			job->step != STEP_RESTING)
			net_connection_deadline(job->conn, job->reply_timeout);
		for (size_t pos = 0; pos < (size_t) n && job->step != STEP_OVER;)
		{
			size_t used;
			ImapReadStatus status;

			job->reader.literal_max = job->step == STEP_FETCH ? imap_batch_room(&job->batch) : 4096;
			status = imap_reader_feed(&job->reader, job->in + pos, n - pos, &used);
			if (status == IMAP_READ_MORE)
				break;
			if (status == IMAP_READ_NO_MEMORY)
				imap_no_memory(job);
			else if (status == IMAP_READ_BAD)
				net_connection_break(job->conn, NET_PROTOCOL, "an answer that is no IMAP");
			else
			{
				on_answer(job);
				pos += used;
				imap_reader_reset(&job->reader);
			}
			if (net_connection_state(job->conn) == NET_BROKEN)
				return;
		}
		if ((size_t) n < IN_SIZE && !net_connection_is_tls(job->conn))
			return;
	}
}

static void
speak(ImapJob *job)
{
	while (job->out_pos < job->out_len)
	{
		ssize_t n =
			net_connection_write(job->conn, job->out + job->out_pos, job->out_len - job->out_pos);

		if (n < 0)
		{
			hear(job);
			net_connection_break(job->conn, NET_TEMPORARY, "the connection was lost while sending");
			return;
		}
		if (n == 0)
		{
			net_connection_want_write(job->conn, true);
			return;
		}
		job->out_pos += n;
	}
	job->out_pos = job->out_len = 0;
	net_connection_want_write(job->conn, false);
}

static void
after(ImapJob *job)
{
	if (net_connection_state(job->conn) == NET_BROKEN && job->step != STEP_OVER)
		fail(job);
	if (job->detached && job->step == STEP_OVER)
		job_free(job);
}

/* The loop's call. */
static void
turn(void *owner)
{
	ImapJob *job = owner;

	if (net_connection_state(job->conn) == NET_CONNECTED)
	{
		if (job->step == STEP_CONNECT)
			imap_command(job, STEP_CAPABILITY, "CAPABILITY");
		hear(job);
		if (net_connection_expired(job->conn))
		{
			if (job->step == STEP_IDLE)
				imap_end_idle(job);
			else if (job->step == STEP_WORKER)
				net_connection_deadline(job->conn, -1); /* imap_wake() */
			else
				net_connection_break(job->conn, NET_TEMPORARY, "the server did not answer in time");
		}
		if (job->step != STEP_OVER)
			speak(job);
	}
	after(job);
}

/* ---- what the worker calls ---- */

ImapJob *
imap_fetch_start(NetLoop *loop, const ImapServer *server, uint32 uidvalidity_known, uint32 last_uid,
				 size_t max_batch_bytes, int max_messages, size_t max_message_size)
{
	ImapJob *job = calloc(1, sizeof(ImapJob));
	NetTarget target = {0};

	if (job == NULL)
		return NULL;
	job->state = IMAP_RUNNING;
	job->read_only = server->read_only;
	job->wants_idle = server->idle;
	job->reply_timeout =
		server->reply_timeout_ms > 0 ? server->reply_timeout_ms : DEFAULT_REPLY_TIMEOUT_MS;
	job->idle_again = server->idle_again_ms > 0 ? server->idle_again_ms : DEFAULT_IDLE_AGAIN_MS;
	job->uidvalidity_known = uidvalidity_known;
	job->last_uid = last_uid;
	job->batch.max_bytes = max_batch_bytes > 0 ? max_batch_bytes : DEFAULT_BATCH_BYTES;
	job->batch.max_messages =
		max_messages > 0 ? Min(max_messages, IMAP_WINDOW) : DEFAULT_BATCH_MESSAGES;
	job->batch.max_message_size = max_message_size > 0 ? max_message_size : DEFAULT_MESSAGE_SIZE;

	target.protocol = NET_IMAP;
	target.url = server->url;
	target.username = server->username;
	target.password = server->password;
	target.ca_file = server->ca_file;
	target.connect_timeout_ms = server->connect_timeout_ms;
	job->conn = net_connection_open(loop, &target, turn, release, job);
	if (job->conn == NULL)
	{
		free(job);
		return NULL;
	}
	if (!imap_mailbox_name(server->mailbox != NULL && server->mailbox[0] != '\0' ? server->mailbox :
																				   "INBOX",
						   job->mailbox, sizeof(job->mailbox)))
		net_connection_break(job->conn, NET_CONFIG, "the mailbox's name cannot be one");
	after(job);
	return job;
}

ImapState
imap_state(const ImapJob *job)
{
	return job->state;
}

NetFailure
imap_failure(const ImapJob *job)
{
	return job->failure;
}

const char *
imap_failure_text(const ImapJob *job)
{
	return job->failure_text;
}

uint32
imap_uidvalidity(const ImapJob *job)
{
	return job->uidvalidity;
}

bool
imap_uidvalidity_changed(const ImapJob *job)
{
	return job->changed;
}

const char *
imap_warning(const ImapJob *job)
{
	return job->warning[0] != '\0' ? job->warning : NULL;
}

const ImapMessage *
imap_batch(const ImapJob *job, int *n_messages)
{
	*n_messages = job->state == IMAP_HAS_BATCH ? job->batch.n : 0;
	return job->batch.messages;
}

/*
 * possible_action: what can be done of what is asked; sets where to move to.
 */
static ImapAction
possible_action(ImapJob *job, ImapAction action, const char *mailbox)
{
	job->created = false;
	if (action == IMAP_MOVE &&
		(mailbox == NULL || !imap_mailbox_name(mailbox, job->target, sizeof(job->target))))
	{
		strlcpy(job->warning, "the name of the mailbox to move to cannot be one",
				sizeof(job->warning));
		return IMAP_LEAVE;
	}
	if (action != IMAP_LEAVE && job->read_only)
	{
		strlcpy(job->warning, "the mailbox was opened read-only", sizeof(job->warning));
		return IMAP_LEAVE;
	}
	return action;
}

bool
imap_settle_first(ImapJob *job, ImapAction action, const char *mailbox, const uint32 *uids,
				  int n_uids)
{
	if (job->step != STEP_CONNECT || n_uids > IMAP_MOST_UNSETTLED)
		return false;
	job->settle_action = possible_action(job, action, mailbox);
	if (job->settle_action == IMAP_LEAVE)
		return true;
	memcpy(job->unsettled, uids, n_uids * sizeof(uint32));
	job->n_unsettled = n_uids;
	return true;
}

uint32
imap_last_uid(const ImapJob *job)
{
	return job->last_uid;
}

void
imap_wake(ImapJob *job, int ms)
{
	if (ms == 0)
		net_connection_wake(job->conn);
	else if (job->step == STEP_WORKER)
		net_connection_deadline(job->conn, ms);
}

bool
imap_batch_done(ImapJob *job, ImapAction action, const char *mailbox)
{
	if (job->state != IMAP_HAS_BATCH)
		return false;
	if (job->step == STEP_OVER)
	{
		job->state = IMAP_FAILED;
		return true;
	}
	if (job->batch.n > 0)
		job->last_uid = job->batch.messages[job->batch.n - 1].uid;
	action = possible_action(job, action, mailbox);
	job->state = IMAP_RUNNING;
	if (action == IMAP_LEAVE)
		imap_next_work(job);
	else
		imap_move(job, imap_action_step(job, action));
	speak(job);
	after(job);
	return true;
}

bool
imap_resume(ImapJob *job, uint32 last_uid)
{
	if (job->state != IMAP_IDLING && job->state != IMAP_HAS_NEWS)
		return false;
	job->last_uid = last_uid;
	job->warning[0] = '\0';
	job->state = IMAP_RUNNING;
	if (job->step == STEP_RESTING)
		imap_start_search(job);
	else
	{
		job->resume = true;
		if (job->step == STEP_IDLE)
			imap_end_idle(job);
	}
	speak(job);
	after(job);
	return true;
}

void
imap_close(ImapJob *job)
{
	job->detached = true;
	if (job->step == STEP_IDLE)
		imap_end_idle(job);
	if (job->step == STEP_RESTING || job->step == STEP_WORKER || job->step == STEP_IDLE_DONE)
	{
		imap_command(job, STEP_LOGOUT, "LOGOUT");
		speak(job);
		after(job);
	}
	else
		job_free(job);
}
