/*-------------------------------------------------------------------------
 *
 * imap.c
 *	  Fuzz target: a job on a mailbox whose server is the fuzzer.
 *
 * The input is peer.h's script, with one byte before it that says what is done
 * with the batches.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "net/imap_job.h"
#include "peer.h"

#define TURNS 3000
#define MAX_BATCH 20
#define BATCH_BYTES 3000
#define MESSAGE_BYTES 2000

/* What the job keeps has room where it is kept. */
static void
see_job(const ImapJob *job)
{
	const ImapBatch *batch = &job->batch;

	must(job->out_pos <= job->out_len && job->out_len <= OUT_SIZE, "%zu of %zu bytes to say",
		 job->out_pos, job->out_len);
	must(batch->n >= 0 && batch->n <= MAX_BATCH && batch->n_window >= 0 &&
			 batch->n_window <= IMAP_WINDOW && batch->window_pos >= 0 &&
			 batch->window_pos <= batch->n_window && batch->todo.n <= batch->todo.size,
		 "%d messages, window at %d of %d", batch->n, batch->window_pos, batch->n_window);
	fuzz_text("warning", imap_warning(job));
}

static uint32
see_batch(const ImapJob *job, uint32 last)
{
	int n;
	const ImapMessage *messages = imap_batch(job, &n);
	size_t bytes = 0;

	must(n > 0 && n <= MAX_BATCH, "%d messages", n);
	must(imap_uidvalidity(job) != 0, "no UIDVALIDITY");
	for (int i = 0; i < n; i++)
	{
		const ImapMessage *message = &messages[i];

		must(message->uid > last, "UID %u after %u", message->uid, last);
		last = message->uid;
		must(message->internaldate != NULL && message->flags != NULL, "strings are missing");
		fuzz_text("date", message->internaldate);
		fuzz_text("flags", message->flags);
		fuzz_saw_number(message->uid);
		fuzz_saw_number(message->size);
		if (message->data == NULL)
		{
			must(message->note != NULL && message->note[0] != '\0', "no data, and no reason");
			fuzz_text("note", message->note);
			continue;
		}
		must(message->note == NULL, "data, and a reason for none");
		must(message->len <= MESSAGE_BYTES && message->len == message->size, "%zu of %llu bytes",
			 message->len, (unsigned long long) message->size);
		bytes += message->len;
		fuzz_saw(message->data, message->len);
	}

	/* One more than fits is taken where the sizes were lies. */
	must(bytes <= BATCH_BYTES + MESSAGE_BYTES, "%zu bytes in a batch", bytes);
	return last;
}

/* What the worker does next; false at the end. */
static bool
work(ImapJob *job, int how, uint32 *last)
{
	switch (imap_state(job))
	{
		case IMAP_RUNNING:
			return true;
		case IMAP_HAS_BATCH:
			*last = see_batch(job, *last);
			must(imap_batch_done(job, how % 3, how % 5 == 0 ? "Done/\xc3\xbc" : "Done"),
				 "a batch that cannot be done");
			return true;
		case IMAP_IDLING:
			if (how % 4 == 0)
				must(imap_resume(job, *last), "IDLE, but not to be resumed");
			return true;
		case IMAP_HAS_NEWS:
			must(imap_resume(job, *last), "news, but not to be resumed");
			return true;
		case IMAP_FINISHED:
			must(imap_failure(job) == NET_OK, "finished, but failed");
			return false;
		case IMAP_FAILED:
			must(imap_failure(job) != NET_OK, "failed for no reason");
			fuzz_text("failure", imap_failure_text(job));
			return false;
	}
	must(false, "state %d", imap_state(job));
	return false;
}

void
fuzz_run(const char *data, size_t size)
{
	int how = size > 0 ? (unsigned char) data[0] : 0;
	ImapServer server = {0};
	ImapJob *job;
	uint32 last = how % 7;
	bool changed = false;
	const char *said;
	size_t said_len;

	peer_begin(data + Min(size, 1), size - Min(size, 1));
	server.url = "imap://mail.example";
	server.mailbox = how % 2 == 0 ? NULL : "Eing\xc3\xa4nge \"a\\b\" & c";
	server.read_only = how % 11 == 0;
	server.idle = how % 2 == 0;
	job = imap_fetch_start(NULL, &server, how % 3 == 0 ? 0 : 1700000000, last, BATCH_BYTES,
						   how % MAX_BATCH + 1, MESSAGE_BYTES);
	must(job != NULL, "no job");
	for (int turn = 0; turn < TURNS; turn++)
	{
		must(peer_turn(), "the job closed its connection");
		see_job(job);
		if (imap_uidvalidity_changed(job) && !changed)
			last = 0;
		changed = imap_uidvalidity_changed(job);
		if (!work(job, how + turn, &last))
			break;
		see_job(job);
	}
	imap_close(job);
	for (int turn = 0; turn < TURNS && peer_turn(); turn++)
		;
	peer_end();
	said = peer_transcript(&said_len);
	fuzz_saw(said, said_len);
}
