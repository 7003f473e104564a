/*-------------------------------------------------------------------------
 *
 * imap_batch.c
 *	  Which messages are fetched together, and what has come of them.
 *
 * Batches go up in UID without a gap, so that the highest UID that is stored
 * says where to go on after a crash.  A batch that comes back with a gap is
 * therefore cut before it.  What a server will not give in company is asked
 * for alone, and if it will not give it then either, it is delivered without
 * data and a note, so that one bad message cannot hold up a mailbox.
 *
 *-------------------------------------------------------------------------
 */
#include "net/imap_batch.h"

#include "net/net_connection.h"

/* What imap_limit_large() has set, and how many such are fetched or stored now. */
static size_t large_size = SIZE_MAX;
static int most_large = 0;
static int n_large = 0;

void
imap_limit_large(size_t size, int most)
{
	large_size = size;
	most_large = most;
}

static void
give_places_back(ImapBatch *batch)
{
	n_large -= batch->n_large;
	batch->n_large = 0;
}

static void
clear_message(ImapMessage *message)
{
	free((char *) message->internaldate);
	free((char *) message->flags);
	free((char *) message->data);
	free((char *) message->note);
	memset(message, 0, sizeof(*message));
}

static void
drop_from(ImapBatch *batch, int first)
{
	for (int i = first; i < batch->n; i++)
		clear_message(&batch->messages[i]);
	batch->n = Min(batch->n, first);
}

void
imap_batch_reset(ImapBatch *batch)
{
	drop_from(batch, 0);
	give_places_back(batch);
	batch->crowded = false;
	batch->range = 0;
	batch->next_uid = batch->todo.n > 0 ? batch->todo.ranges[0].low : 0;
	batch->exhausted = batch->todo.n == 0;
	batch->n_window = 0;
	batch->window_pos = 0;
	batch->stale = false;
	batch->single_left = 0;
	batch->bytes = 0;
}

void
imap_batch_free(ImapBatch *batch)
{
	drop_from(batch, 0);
	give_places_back(batch);
	imap_set_clear(&batch->todo);
}

/*
 * format_window: the window from an entry on, as a set.
 */
static bool
format_window(const ImapBatch *batch, int first, char *out, size_t size)
{
	uint32 uids[IMAP_WINDOW];
	int n = 0;

	for (int i = first; i < batch->n_window; i++)
		uids[n++] = batch->window[i].uid;
	return imap_set_format(uids, n, out, size);
}

bool
imap_window_next(ImapBatch *batch, char *out, size_t size)
{
	batch->n_window = 0;
	batch->window_pos = 0;
	batch->stale = false;
	while (!batch->exhausted && batch->n_window < IMAP_WINDOW)
	{
		ImapWindowEntry *entry = &batch->window[batch->n_window++];

		entry->uid = batch->next_uid;
		entry->exists = false;
		if (batch->next_uid < batch->todo.ranges[batch->range].high)
			batch->next_uid++;
		else if (++batch->range < batch->todo.n)
			batch->next_uid = batch->todo.ranges[batch->range].low;
		else
			batch->exhausted = true;
	}
	return format_window(batch, 0, out, size);
}

bool
imap_window_again(ImapBatch *batch, char *out, size_t size)
{
	batch->stale = false;
	for (int i = batch->window_pos; i < batch->n_window; i++)
		batch->window[i].exists = false;
	return format_window(batch, batch->window_pos, out, size);
}

void
imap_window_size(ImapBatch *batch, uint32 uid, uint64 size)
{
	int low = batch->window_pos;
	int high = batch->n_window;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (batch->window[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < batch->n_window && batch->window[low].uid == uid)
	{
		batch->window[low].size = size;
		batch->window[low].exists = true;
	}
}

bool
imap_batch_choose(ImapBatch *batch, char *out, size_t size)
{
	uint32 uids[IMAP_WINDOW];
	int n_wanted = 0;
	int most = batch->single_left > 0 ? 1 : batch->max_messages;
	uint64 bytes = 0;

	drop_from(batch, 0);
	give_places_back(batch);
	batch->crowded = false;
	batch->bytes = 0;
	for (; batch->window_pos < batch->n_window && batch->n < most; batch->window_pos++)
	{
		ImapWindowEntry *entry = &batch->window[batch->window_pos];
		ImapMessage *message = &batch->messages[batch->n];
		bool too_large = entry->size > batch->max_message_size;

		if (!entry->exists)
			continue;
		if (!too_large && bytes > 0 && bytes + entry->size > batch->max_bytes)
			break;
		if (!too_large && entry->size > large_size)
		{
			if (n_large >= most_large)
			{
				batch->crowded = batch->n == 0;
				break;
			}
			n_large++;
			batch->n_large++;
		}
		message->uid = entry->uid;
		message->size = entry->size;
		batch->wanted[batch->n] = too_large ? IMAP_NOT_WANTED : IMAP_WANTED;
		batch->window_at[batch->n] = batch->window_pos;
		batch->n++;
		if (!too_large)
		{
			bytes += entry->size;
			uids[n_wanted++] = entry->uid;
		}
	}
	if (batch->single_left > 0)
		batch->single_left--;
	out[0] = '\0';
	return n_wanted == 0 || imap_set_format(uids, n_wanted, out, size);
}

uint64
imap_batch_room(const ImapBatch *batch)
{
	uint64 cap = (uint64) batch->max_bytes + batch->max_message_size;
	uint64 most = batch->max_message_size;

	/* A size may be a little wrong; one that lies gets no place by that. */
	if (batch->n_large == 0 && large_size < most / 2)
		most = 2 * (uint64) large_size;
	return Min(most, cap - Min(cap, batch->bytes));
}

bool
imap_batch_take(ImapBatch *batch, ImapResponse *response)
{
	ImapMessage *message = NULL;
	int i;
	char *data = NULL;
	size_t len = 0;

	for (i = 0; i < batch->n; i++)
	{
		if (batch->messages[i].uid == response->uid)
		{
			message = &batch->messages[i];
			break;
		}
	}
	if (message == NULL || batch->wanted[i] != IMAP_WANTED || !response->has_body)
		return true;

	if (response->body != NULL)
	{
		data = response->body->data;
		len = (size_t) response->body->size;
		response->body->data = NULL;
		if (data == NULL && response->body->size <= batch->max_message_size)
		{
			batch->wanted[i] = IMAP_POSTPONED;
			return true;
		}
		message->size = response->body->size;
	}
	else if (response->quoted_body != NULL)
	{
		/* How long it is, nobody has asked while it was read. */
		len = strlen(response->quoted_body);
		if (len <= batch->max_message_size)
		{
			if (len > imap_batch_room(batch))
			{
				batch->wanted[i] = IMAP_POSTPONED;
				return true;
			}
			data = net_strdup(response->quoted_body);
			if (data == NULL)
				return false;
		}
		message->size = len;
	}
	else
		return true; /* NIL: as if nothing had come */

	batch->wanted[i] = data != NULL ? IMAP_RECEIVED : IMAP_NOT_WANTED;
	message->data = data;
	message->len = data != NULL ? len : 0;
	batch->bytes += message->len;
	if (response->flags != NULL)
		message->flags = net_strdup(response->flags);
	if (response->internaldate != NULL)
		message->internaldate = net_strdup(response->internaldate);
	return (response->flags == NULL || message->flags != NULL) &&
		   (response->internaldate == NULL || message->internaldate != NULL);
}

/*
 * complete: fills in what a delivered message may lack.  False without memory.
 */
static bool
complete(ImapBatch *batch, int i, const char *refusal)
{
	ImapMessage *message = &batch->messages[i];
	const char *note = NULL;
	char sizes[100];

	if (batch->wanted[i] == IMAP_NOT_WANTED)
	{
		snprintf(sizes, sizeof(sizes),
				 "%llu bytes are more than the %zu up to which one is fetched",
				 (unsigned long long) message->size, batch->max_message_size);
		note = sizes;
	}
	else if (message->data == NULL)
		note = refusal != NULL && refusal[0] != '\0' ? refusal :
													   "the server did not give this message";
	if (note != NULL)
	{
		message->note = net_strdup(note);
		if (message->note == NULL)
			return false;
		net_clean_text((char *) message->note, strlen(note));
	}
	if (message->flags == NULL)
		message->flags = net_strdup("");
	if (message->internaldate == NULL)
		message->internaldate = net_strdup("");
	if (message->flags == NULL || message->internaldate == NULL)
		return false;
	net_clean_text((char *) message->flags, strlen(message->flags));
	net_clean_text((char *) message->internaldate, strlen(message->internaldate));
	return true;
}

bool
imap_batch_settle(ImapBatch *batch, const char *refusal)
{
	int gap = 0;

	while (gap < batch->n && batch->wanted[gap] != IMAP_WANTED &&
		   batch->wanted[gap] != IMAP_POSTPONED)
		gap++;

	if (gap < batch->n && batch->n > 1)
	{
		/* Cut; and if nothing is left of it, or something is missing, one by one. */
		if (gap == 0 || batch->wanted[gap] == IMAP_WANTED)
		{
			batch->single_left = batch->n - gap;
			batch->stale = true;
		}
		batch->window_pos = batch->window_at[gap];
		drop_from(batch, gap);
	}
	for (int i = 0; i < batch->n; i++)
	{
		if (!complete(batch, i, refusal))
			return false;
	}
	return true;
}

bool
imap_batch_stored(const ImapBatch *batch, char *out, size_t size)
{
	uint32 uids[IMAP_WINDOW];
	int n = 0;

	for (int i = 0; i < batch->n; i++)
	{
		if (batch->messages[i].data != NULL)
			uids[n++] = batch->messages[i].uid;
	}
	return imap_set_format(uids, n, out, size);
}
