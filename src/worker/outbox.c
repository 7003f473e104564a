/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  Handing off what is queued.
 *
 * The ledger's protocol: claim (judge a last time, write the attempt, commit);
 * talk to the mail server with no transaction open; record the answer, commit.
 * A session has at most one message, claimed when the session can take it, so
 * that little time passes between the judgement and the hand-off.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include <limits.h>
#include <unistd.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "net/smtp.h"
#include "worker/clock.h"
#include "worker/outbox.h"
#include "worker/settings.h"
#include "worker/task.h"

/* sessions in all, however many accounts there are */
#define MAX_SESSIONS 64

/* an idle session is given back after so many milliseconds */
#define KEEP_IDLE 5000

/* A claimed delivery, copied out of its transaction; all of it is in "context". */
typedef struct Delivery
{
	MemoryContext context;
	int64 id;
	int64 company;
	int64 account;
	TimestampTz version; /* of the account's settings */
	char *url;
	char *username;
	char *password;
	char *mail_from;
	char *envelope_id;
	int n_recipients;
	const char **recipients;
	char *data;
	size_t length;
} Delivery;

/* One connection, and the message it has. */
typedef struct Session
{
	SmtpSession *smtp; /* NULL: this entry is free */
	int64 account;
	TimestampTz version;
	TimestampTz idle_since;
	Delivery *delivery;	   /* NULL: it waits for one */
	bool must_confirm;	   /* time has passed since its claim: is it still wanted? */
	bool is_sent;		   /* the dialogue about it has begun */
	bool is_over;		   /* its answer waits to be recorded */
	bool is_withdrawn;	   /* it is over since it was no longer wanted */
	TimestampTz record_at; /* not recorded before: somebody held its rows */
} Session;

static NetLoop *net = NULL;
static Session sessions[MAX_SESSIONS];

/* claimed, and on the way to a session */
static Delivery *waiting[MAX_SESSIONS];
static int n_waiting = 0;
static int n_committed = 0; /* of them, whose claim is committed */

static bool allowed = false;
static bool more_is_waiting = false;
static bool has_recorded = false;
static char host_name[256];

void
outbox_start(NetLoop *loop)
{
	net = loop;
	if (gethostname(host_name, sizeof(host_name) - 1) != 0)
		strlcpy(host_name, "localhost", sizeof(host_name));
}

void
outbox_allow(bool armed)
{
	allowed = armed;
}

bool
outbox_has_recorded(void)
{
	bool recorded = has_recorded;

	has_recorded = false;
	return recorded;
}

bool
outbox_is_waiting(void)
{
	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		if (sessions[i].smtp)
			return true;
	}
	return n_waiting > 0;
}

static void
forget_delivery(Session *session)
{
	MemoryContextDelete(session->delivery->context);
	session->delivery = NULL;
	session->is_sent = false;
	session->is_over = false;
	session->is_withdrawn = false;
	session->must_confirm = false;
	session->record_at = 0;
	session->idle_since = GetCurrentTimestamp();
}

static void
close_session(Session *session)
{
	smtp_close(session->smtp);
	session->smtp = NULL;
}

static bool
open_session(Session *session, const Delivery *delivery)
{
	SmtpServer server = {0};

	server.url = delivery->url;
	server.username = delivery->username;
	server.password = delivery->password;
	server.ca_file = setting_tls_ca_file[0] ? setting_tls_ca_file : NULL;
	server.helo_name = setting_helo_name[0] ? setting_helo_name : host_name;
	server.connect_timeout_ms = setting_connect_timeout * 1000;
	server.reply_timeout_ms = setting_reply_timeout * 1000;
	server.data_timeout_ms = setting_reply_timeout * 2000;
	server.max_messages_per_connection = setting_messages_per_connection;
	session->smtp = smtp_open(net, &server);
	session->account = delivery->account;
	session->version = delivery->version;
	session->idle_since = GetCurrentTimestamp();
	return session->smtp != NULL;
}

/* A session that can take the delivery, opened if need be; NULL: none now. */
static Session *
session_for(const Delivery *delivery)
{
	Session *spare = NULL;

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		Session *session = &sessions[i];

		if (session->smtp == NULL)
			spare = spare ? spare : session;
		else if (session->delivery == NULL && session->account == delivery->account &&
				 session->version == delivery->version && smtp_state(session->smtp) == SMTP_IDLE)
			return session;
	}
	/* none is free: one that waits for another account makes room */
	for (int i = 0; i < MAX_SESSIONS && !spare; i++)
	{
		if (sessions[i].delivery == NULL)
		{
			close_session(&sessions[i]);
			spare = &sessions[i];
		}
	}
	return spare && open_session(spare, delivery) ? spare : NULL;
}

/* Gives what is claimed for good to sessions; what finds none waits on. */
static void
assign_deliveries(void)
{
	int left = 0;

	for (int i = 0; i < n_committed; i++)
	{
		Session *session = session_for(waiting[i]);

		if (session)
		{
			session->delivery = waiting[i];
			/* connecting takes time, in which it may be paid */
			session->must_confirm = smtp_state(session->smtp) != SMTP_IDLE;
		}
		else
			waiting[left++] = waiting[i];
	}
	n_waiting = n_committed = left;
}

/* Lets each session go one step on, as far as the network has brought it. */
static void
advance(void)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		Session *session = &sessions[i];
		const Delivery *delivery = session->delivery;
		SmtpState state;

		if (session->smtp == NULL || session->is_over)
			continue;
		state = smtp_state(session->smtp);
		if (state == SMTP_CONNECTING || state == SMTP_BUSY)
			continue;
		if (delivery && session->is_sent)
			session->is_over = true;
		else if (delivery && state == SMTP_IDLE && session->must_confirm)
			continue; /* for confirm_deliveries() */
		else if (delivery && state == SMTP_IDLE)
		{
			SmtpMessage message = {0};

			message.mail_from = delivery->mail_from;
			message.envelope_id = delivery->envelope_id;
			message.n_recipients = delivery->n_recipients;
			message.recipients = delivery->recipients;
			message.data = delivery->data;
			message.len = delivery->length;
			session->is_sent = smtp_send(session->smtp, &message);
			if (!session->is_sent || smtp_state(session->smtp) != SMTP_BUSY)
				session->is_over = true;
		}
		else if (delivery)
			session->is_over = true; /* the connection failed before it */
		else if (state != SMTP_IDLE ||
				 TimestampDifferenceExceeds(session->idle_since, now, KEEP_IDLE))
			close_session(session);
	}
}

/* Asks of each delivery whose connection has come about: is it still wanted? */
static void
confirm_deliveries(void *arg)
{
	static Statement statement = {
		"select ar_inbox_internal.confirm_delivery($1, $2)", 2, {INT8OID, INT8OID}};

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		Session *session = &sessions[i];
		Datum values[2];
		char *answer;

		if (session->smtp == NULL || session->delivery == NULL || !session->must_confirm ||
			session->is_over || smtp_state(session->smtp) != SMTP_IDLE)
			continue;
		values[0] = Int64GetDatum(session->delivery->id);
		values[1] = Int64GetDatum(session->delivery->company);
		run_statement(&statement, values, NULL);
		answer = row_text(0, 1);
		session->must_confirm = false;
		if (answer == NULL || answer[0] != 't')
			session->is_over = session->is_withdrawn = true;
	}
}

/* Whether a connection has come about for a delivery that must be confirmed. */
static bool
some_must_be_confirmed(void)
{
	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		if (sessions[i].smtp && sessions[i].delivery && sessions[i].must_confirm &&
			!sessions[i].is_over && smtp_state(sessions[i].smtp) == SMTP_IDLE)
			return true;
	}
	return false;
}

static const char *
outcome_name(SmtpOutcome outcome)
{
	switch (outcome)
	{
		case SMTP_ACCEPTED:
			return "accepted";
		case SMTP_PARTIAL:
			return "partial";
		case SMTP_REJECTED:
			return "rejected";
		case SMTP_IN_DOUBT:
			return "unknown";
		case SMTP_DEFERRED:
		case SMTP_NO_RESULT:
			break;
	}
	return "deferred";
}

/* Text of a server as the database can hold it: UTF-8, no NUL, not too long. */
static Datum
server_text(const char *text)
{
	int length = Min(strlen(text), 2000);
	char *copy;

	length = pg_encoding_verifymbstr(PG_UTF8, text, length);
	copy = pnstrdup(text, length);
	return CStringGetTextDatum(copy);
}

static Datum
text_array(Datum *values, int count)
{
	return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
record_account(Session *session, const char *error)
{
	static Statement statement = {"select ar_inbox_internal.record_account_failure($1, $2, $3, $4)",
								  4,
								  {INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID}};
	Datum values[4];

	values[0] = Int64GetDatum(session->account);
	values[1] = Int64GetDatum(session->delivery->company);
	values[2] = TimestampTzGetDatum(worker_clock->now());
	values[3] = error ? server_text(error) : (Datum) 0;
	run_statement(&statement, values, error ? "    " : "   n");
}

/* Writes down what became of a session's message. */
static void
record_result(void *arg)
{
	static Statement statement = {"select ar_inbox_internal.record_result($1, $2, $3, $4, $5, $6, "
								  "$7, $8, $9, $10, $11, $12, $13, $14)",
								  14,
								  {INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID,
								   TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
								   TEXTARRAYOID, TEXTARRAYOID, BOOLARRAYOID}};
	Session *session = arg;
	const SmtpResult *result = session->is_sent ? smtp_result(session->smtp) : NULL;
	Datum values[14];
	char nulls[15] = "              ";
	int count = 0;
	Datum *addresses;
	Datum *outcomes;
	Datum *codes;
	Datum *enhanced;
	Datum *replies;
	Datum *by_name;

	values[0] = Int64GetDatum(session->delivery->id);
	values[1] = Int64GetDatum(session->delivery->company);
	values[2] = TimestampTzGetDatum(worker_clock->now());
	if (result && result->outcome != SMTP_NO_RESULT)
	{
		values[3] = CStringGetTextDatum(outcome_name(result->outcome));
		values[4] = Int32GetDatum(result->code);
		if (result->code == 0)
			nulls[4] = 'n';
		values[5] = CStringGetTextDatum(result->enhanced);
		if (result->enhanced[0] == '\0')
			nulls[5] = 'n';
		values[6] = server_text(result->text);
		if (result->queue_id)
			values[7] = server_text(result->queue_id);
		else
			nulls[7] = 'n';
		count = Min(result->n_recipients, session->delivery->n_recipients);
	}
	else
	{
		values[3] = CStringGetTextDatum("not_sent");
		nulls[4] = nulls[5] = nulls[7] = 'n';
		if (session->is_withdrawn)
			values[6] = server_text("it was no longer wanted when the connection had come about");
		else if (smtp_state(session->smtp) == SMTP_FAILED)
			values[6] = server_text(smtp_failure_text(session->smtp));
		else
			values[6] = server_text("the connection was closed before the message was sent");
	}

	addresses = palloc(sizeof(Datum) * (count + 1));
	outcomes = palloc(sizeof(Datum) * (count + 1));
	codes = palloc(sizeof(Datum) * (count + 1));
	enhanced = palloc(sizeof(Datum) * (count + 1));
	replies = palloc(sizeof(Datum) * (count + 1));
	by_name = palloc(sizeof(Datum) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		const SmtpRecipient *recipient = &result->recipients[i];

		addresses[i] = CStringGetTextDatum(session->delivery->recipients[i]);
		outcomes[i] = CStringGetTextDatum(outcome_name(recipient->outcome));
		codes[i] = Int32GetDatum(recipient->code);
		enhanced[i] = CStringGetTextDatum(recipient->enhanced);
		replies[i] = server_text(recipient->text);
		by_name[i] = BoolGetDatum(recipient->by_name);
	}
	values[8] = text_array(addresses, count);
	values[9] = text_array(outcomes, count);
	values[10] = PointerGetDatum(construct_array(codes, count, INT4OID, 4, true, TYPALIGN_INT));
	values[11] = text_array(enhanced, count);
	values[12] = text_array(replies, count);
	values[13] = PointerGetDatum(construct_array(by_name, count, BOOLOID, 1, true, TYPALIGN_CHAR));
	run_statement(&statement, values, nulls);

	/* the account: whether its server can be reached and takes the login */
	if (!session->is_sent && smtp_state(session->smtp) == SMTP_FAILED)
		record_account(session, smtp_failure_text(session->smtp));
	else
		record_account(session, NULL);
}

/* Whether what became of a session's message is to be recorded now. */
static bool
is_recordable(const Session *session)
{
	return session->smtp && session->is_over && session->record_at <= GetCurrentTimestamp();
}

/* Everything that is over, in one transaction. */
static void
record_results(void *arg)
{
	bool *recording = arg;

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		if (recording[i])
			record_result(&sessions[i]);
	}
}

static char *
context_text(MemoryContext context, uint64 row, int column)
{
	char *value = row_text(row, column);

	return value ? MemoryContextStrdup(context, value) : NULL;
}

/* Copies a claimed delivery out of the transaction. */
static Delivery *
copy_claim(uint64 row)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	HeapTuple tuple = SPI_tuptable->vals[row];
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "ar_inbox delivery", ALLOCSET_SMALL_SIZES);
	Delivery *delivery = MemoryContextAllocZero(context, sizeof(Delivery));
	bool isnull;
	Datum *recipients;
	bool *nulls;
	Datum value;
	bytea *message;

	/* known from here on, so that it is freed if the rest fails */
	delivery->context = context;
	waiting[n_waiting++] = delivery;

	delivery->id = row_int64(row, 1);
	delivery->company = row_int64(row, 2);
	delivery->account = row_int64(row, 3);
	delivery->version = row_timestamp(row, 4, &isnull);
	delivery->url = context_text(context, row, 5);
	delivery->username = context_text(context, row, 6);
	delivery->password = context_text(context, row, 7);
	delivery->mail_from = context_text(context, row, 8);

	value = SPI_getbinval(tuple, desc, 9, &isnull);
	if (!isnull)
	{
		deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &recipients,
						  &nulls, &delivery->n_recipients);
		delivery->recipients =
			MemoryContextAlloc(context, sizeof(char *) * (delivery->n_recipients + 1));
		for (int i = 0; i < delivery->n_recipients; i++)
			delivery->recipients[i] =
				MemoryContextStrdup(context, TextDatumGetCString(recipients[i]));
	}

	value = SPI_getbinval(tuple, desc, 10, &isnull);
	message = DatumGetByteaPP(value);
	delivery->length = VARSIZE_ANY_EXHDR(message);
	delivery->data = MemoryContextAllocHuge(context, delivery->length + 1);
	memcpy(delivery->data, VARDATA_ANY(message), delivery->length);
	delivery->envelope_id = context_text(context, row, 11);
	return delivery;
}

/* arg: which sessions are free when this transaction commits, or NULL. */
static void
claim(void *arg)
{
	const bool *recording = arg;
	static Statement statement = {
		"select * from ar_inbox_internal.claim_deliveries($1, $2, $3, $4, $5)",
		5,
		{TIMESTAMPTZOID, INT4OID, INT8ARRAYOID, INT4ARRAYOID, INT4OID}};
	Datum accounts[MAX_SESSIONS];
	int busy[MAX_SESSIONS];
	Datum counts[MAX_SESSIONS];
	int n = 0;
	int room = MAX_SESSIONS - n_waiting;
	Datum values[5];
	uint64 rows;

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		int j;

		if (sessions[i].smtp == NULL || sessions[i].delivery == NULL || (recording && recording[i]))
			continue;
		room--;
		for (j = 0; j < n && DatumGetInt64(accounts[j]) != sessions[i].account; j++)
			;
		if (j == n)
		{
			accounts[n] = Int64GetDatum(sessions[i].account);
			busy[n++] = 0;
		}
		busy[j]++;
	}
	if (room <= 0)
		return;
	for (int i = 0; i < n; i++)
		counts[i] = Int32GetDatum(busy[i]);
	values[0] = TimestampTzGetDatum(worker_clock->now());
	/* servers that stall must not take all sessions: the last ones go one each */
	values[1] = Int32GetDatum(room < MAX_SESSIONS / 4 ? 1 : setting_smtp_connections);
	values[2] =
		PointerGetDatum(construct_array(accounts, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(construct_array(counts, n, INT4OID, 4, true, TYPALIGN_INT));
	values[4] = Int32GetDatum(room);
	rows = run_statement(&statement, values, NULL);
	more_is_waiting = rows > 0;
	for (uint64 row = 0; row < rows; row++)
		copy_claim(row);
}

/* A claim that was rolled back has left nothing in the ledger. */
static void
forget_claims(void)
{
	while (n_waiting > n_committed)
		MemoryContextDelete(waiting[--n_waiting]->context);
}

/* What is over, and what takes its place: one commit for both. */
static void
record_and_claim(void *arg)
{
	record_results(arg);
	claim(arg);
}

/* One session's delivery is in the ledger. */
static void
end_delivery(Session *session)
{
	forget_delivery(session);
	if (smtp_state(session->smtp) != SMTP_IDLE)
		close_session(session);
}

/* Runs a task that may claim; its claims count if it commits. */
static bool
run_claiming_task(const char *activity, void (*task)(void *), void *arg)
{
	if (run_task(activity, task, arg) == TASK_DONE)
	{
		n_committed = n_waiting;
		return true;
	}
	forget_claims();
	return false;
}

bool
outbox_turn(bool looking)
{
	bool recording[MAX_SESSIONS];
	int over = 0;
	bool claiming;
	bool done = true;

	advance();
	if (some_must_be_confirmed())
	{
		done = run_task("confirming deliveries", confirm_deliveries, NULL) == TASK_DONE;
		advance();
	}
	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		recording[i] = is_recordable(&sessions[i]);
		over += recording[i];
	}
	claiming = allowed && (looking || (over > 0 && more_is_waiting));

	if (over > 0)
	{
		bool together =
			claiming ? run_claiming_task("handing off mail", record_and_claim, recording) :
					   run_task("recording deliveries", record_results, recording) == TASK_DONE;

		for (int i = 0; i < MAX_SESSIONS; i++)
		{
			if (!recording[i])
				continue;
			/* one that somebody holds keeps no other from the ledger */
			if (together ||
				run_task("recording a delivery", record_result, &sessions[i]) == TASK_DONE)
				end_delivery(&sessions[i]);
			else
			{
				sessions[i].record_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 1000);
				done = false;
			}
		}
		has_recorded = true;
		/* ... nor anybody's mail from leaving */
		if (claiming && !together)
			done &= run_claiming_task("claiming deliveries", claim, NULL);
	}
	else if (claiming)
		done &= run_claiming_task("claiming deliveries", claim, NULL);

	if (n_committed > 0)
	{
		assign_deliveries();
		advance();
	}
	return done;
}
