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

/* One connection, and the message it has. */
typedef struct Session
{
	SmtpSession *smtp; /* NULL: this entry is free */
	int64 account;
	int64 company;
	TimestampTz version; /* of the account's settings */
	TimestampTz idle_since;

	bool has_delivery;
	bool is_sent; /* the dialogue about it has begun */
	bool is_over; /* its answer waits to be recorded */
	int64 delivery;
	MemoryContext context; /* of what follows */
	const char *mail_from;
	int n_recipients;
	const char **recipients;
	char *data;
	size_t length;
} Session;

static NetLoop *net = NULL;
static Session sessions[MAX_SESSIONS];
static bool allowed = false;
static bool more_is_waiting = false;
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
outbox_is_waiting(void)
{
	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		if (sessions[i].smtp)
			return true;
	}
	return false;
}

static void
forget_delivery(Session *session)
{
	session->has_delivery = false;
	session->is_sent = false;
	session->is_over = false;
	if (session->context)
		MemoryContextDelete(session->context);
	session->context = NULL;
	session->idle_since = GetCurrentTimestamp();
}

static void
close_session(Session *session)
{
	if (session->smtp)
		smtp_close(session->smtp);
	session->smtp = NULL;
}

static bool
open_session(Session *session, const char *url, const char *username, const char *password)
{
	SmtpServer server = {0};

	server.url = url;
	server.username = username;
	server.password = password;
	server.ca_file = setting_tls_ca_file[0] ? setting_tls_ca_file : NULL;
	server.helo_name = setting_helo_name[0] ? setting_helo_name : host_name;
	server.connect_timeout_ms = setting_connect_timeout * 1000;
	server.reply_timeout_ms = setting_reply_timeout * 1000;
	server.data_timeout_ms = setting_reply_timeout * 2000;
	server.max_messages_per_connection = setting_messages_per_connection;
	session->smtp = smtp_open(net, &server);
	session->idle_since = GetCurrentTimestamp();
	return session->smtp != NULL;
}

/* Lets each session go one step on, as far as the network has brought it. */
static void
advance(void)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		Session *session = &sessions[i];
		SmtpState state;

		if (session->smtp == NULL || session->is_over)
			continue;
		state = smtp_state(session->smtp);
		if (state == SMTP_CONNECTING || state == SMTP_BUSY)
			continue;
		if (session->has_delivery && session->is_sent)
			session->is_over = true;
		else if (session->has_delivery && state == SMTP_IDLE)
		{
			SmtpMessage message = {0};

			message.mail_from = session->mail_from;
			message.n_recipients = session->n_recipients;
			message.recipients = session->recipients;
			message.data = session->data;
			message.len = session->length;
			session->is_sent = smtp_send(session->smtp, &message);
			if (!session->is_sent || smtp_state(session->smtp) != SMTP_BUSY)
				session->is_over = true;
		}
		else if (session->has_delivery)
			session->is_over = true; /* the connection failed before it */
		else if (state != SMTP_IDLE ||
				 TimestampDifferenceExceeds(session->idle_since, now, KEEP_IDLE))
			close_session(session);
	}
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
	values[1] = Int64GetDatum(session->company);
	values[2] = TimestampTzGetDatum(worker_clock->now());
	values[3] = error ? server_text(error) : (Datum) 0;
	run_statement(&statement, values, error ? "    " : "   n");
}

/* Writes down what became of a session's message. */
static void
record_result(void *arg)
{
	static Statement statement = {"select ar_inbox_internal.record_result($1, $2, $3, $4, $5, $6, "
								  "$7, $8, $9, $10, $11, $12, $13)",
								  13,
								  {INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID,
								   TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
								   TEXTARRAYOID, TEXTARRAYOID}};
	Session *session = arg;
	const SmtpResult *result = session->is_sent ? smtp_result(session->smtp) : NULL;
	Datum values[13];
	char nulls[14] = "             ";
	int count = 0;
	Datum *addresses;
	Datum *outcomes;
	Datum *codes;
	Datum *enhanced;
	Datum *replies;

	values[0] = Int64GetDatum(session->delivery);
	values[1] = Int64GetDatum(session->company);
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
		count = Min(result->n_recipients, session->n_recipients);
	}
	else
	{
		values[3] = CStringGetTextDatum("not_sent");
		nulls[4] = nulls[5] = nulls[7] = 'n';
		values[6] = server_text(smtp_state(session->smtp) == SMTP_FAILED ?
									smtp_failure_text(session->smtp) :
									"the connection was closed before the message was sent");
	}

	addresses = palloc(sizeof(Datum) * (count + 1));
	outcomes = palloc(sizeof(Datum) * (count + 1));
	codes = palloc(sizeof(Datum) * (count + 1));
	enhanced = palloc(sizeof(Datum) * (count + 1));
	replies = palloc(sizeof(Datum) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		const SmtpRecipient *recipient = &result->recipients[i];

		addresses[i] = CStringGetTextDatum(session->recipients[i]);
		outcomes[i] = CStringGetTextDatum(outcome_name(recipient->outcome));
		codes[i] = Int32GetDatum(recipient->code);
		enhanced[i] = CStringGetTextDatum(recipient->enhanced);
		replies[i] = server_text(recipient->text);
	}
	values[8] = text_array(addresses, count);
	values[9] = text_array(outcomes, count);
	values[10] = PointerGetDatum(construct_array(codes, count, INT4OID, 4, true, TYPALIGN_INT));
	values[11] = text_array(enhanced, count);
	values[12] = text_array(replies, count);
	run_statement(&statement, values, nulls);

	/* the account: whether its server can be reached and takes the login */
	if (!session->is_sent && smtp_state(session->smtp) == SMTP_FAILED)
		record_account(session, smtp_failure_text(session->smtp));
	else
		record_account(session, NULL);
}

/* Everything that is over, in one transaction. */
static void
record_results(void *arg)
{
	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		if (sessions[i].smtp && sessions[i].is_over)
			record_result(&sessions[i]);
	}
}

static Session *
session_for(int64 account, int64 company, TimestampTz version, const char *url,
			const char *username, const char *password)
{
	Session *spare = NULL;

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		Session *session = &sessions[i];

		if (session->smtp == NULL)
			spare = spare ? spare : session;
		else if (!session->has_delivery && session->account == account &&
				 session->company == company && session->version == version &&
				 smtp_state(session->smtp) == SMTP_IDLE)
			return session;
	}
	/* none is free: one that waits for another account makes room */
	for (int i = 0; i < MAX_SESSIONS && !spare; i++)
	{
		if (!sessions[i].has_delivery)
		{
			close_session(&sessions[i]);
			spare = &sessions[i];
		}
	}
	if (spare && open_session(spare, url, username, password))
	{
		spare->account = account;
		spare->company = company;
		spare->version = version;
		return spare;
	}
	return NULL;
}

static char *
context_text(MemoryContext context, uint64 row, int column)
{
	char *value = row_text(row, column);

	return value ? MemoryContextStrdup(context, value) : NULL;
}

/* Copies a claimed delivery out of the transaction, into its session. */
static void
take_claim(uint64 row)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	HeapTuple tuple = SPI_tuptable->vals[row];
	char *url = row_text(row, 5);
	char *username = row_text(row, 6);
	char *password = row_text(row, 7);
	bool isnull;
	Session *session;
	Datum *recipients;
	bool *nulls;
	Datum value;
	bytea *message;

	session = session_for(row_int64(row, 3), row_int64(row, 2), row_timestamp(row, 4, &isnull), url,
						  username, password);
	if (session == NULL)
		elog(ERROR, "no session for a claimed delivery");

	session->context =
		AllocSetContextCreate(TopMemoryContext, "ar_inbox delivery", ALLOCSET_SMALL_SIZES);
	session->delivery = row_int64(row, 1);
	session->mail_from = context_text(session->context, row, 8);

	value = SPI_getbinval(tuple, desc, 9, &isnull);
	session->n_recipients = 0;
	if (!isnull)
	{
		deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &recipients,
						  &nulls, &session->n_recipients);
		session->recipients =
			MemoryContextAlloc(session->context, sizeof(char *) * (session->n_recipients + 1));
		for (int i = 0; i < session->n_recipients; i++)
			session->recipients[i] =
				MemoryContextStrdup(session->context, TextDatumGetCString(recipients[i]));
	}

	value = SPI_getbinval(tuple, desc, 10, &isnull);
	message = DatumGetByteaPP(value);
	session->length = VARSIZE_ANY_EXHDR(message);
	session->data = MemoryContextAllocHuge(session->context, session->length + 1);
	memcpy(session->data, VARDATA_ANY(message), session->length);
	session->has_delivery = true;
	session->is_sent = session->is_over = false;
}

static void
claim(void *arg)
{
	static Statement statement = {
		"select * from ar_inbox_internal.claim_deliveries($1, $2, $3, $4, $5)",
		5,
		{TIMESTAMPTZOID, INT4OID, INT8ARRAYOID, INT4ARRAYOID, INT4OID}};
	Datum accounts[MAX_SESSIONS];
	Datum counts[MAX_SESSIONS];
	int n = 0;
	int room = MAX_SESSIONS;
	Datum values[5];
	uint64 rows;

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		int j;

		if (sessions[i].smtp == NULL || !sessions[i].has_delivery)
			continue;
		room--;
		for (j = 0; j < n && DatumGetInt64(accounts[j]) != sessions[i].account; j++)
			;
		if (j == n)
		{
			accounts[n] = Int64GetDatum(sessions[i].account);
			counts[n++] = Int32GetDatum(0);
		}
		counts[j] = Int32GetDatum(DatumGetInt32(counts[j]) + 1);
	}
	if (room == 0)
		return;
	values[0] = TimestampTzGetDatum(worker_clock->now());
	values[1] = Int32GetDatum(setting_smtp_connections);
	values[2] =
		PointerGetDatum(construct_array(accounts, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(construct_array(counts, n, INT4OID, 4, true, TYPALIGN_INT));
	values[4] = Int32GetDatum(room);
	rows = run_statement(&statement, values, NULL);
	more_is_waiting = rows > 0;
	for (uint64 row = 0; row < rows; row++)
		take_claim(row);
}

/* A claim that was rolled back has left nothing in the ledger. */
static void
drop_uncommitted_claims(const bool *had)
{
	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		if (sessions[i].has_delivery && !had[i])
			forget_delivery(&sessions[i]);
	}
}

bool
outbox_turn(bool looking)
{
	int over = 0;
	bool failed = false;
	bool had[MAX_SESSIONS];

	advance();
	for (int i = 0; i < MAX_SESSIONS; i++)
		over += sessions[i].smtp && sessions[i].is_over;

	if (over > 0)
	{
		TaskEnd end = run_task("recording deliveries", record_results, NULL);

		for (int i = 0; i < MAX_SESSIONS; i++)
		{
			Session *session = &sessions[i];

			if (session->smtp == NULL || !session->is_over)
				continue;
			/* one that cannot be recorded holds up no other */
			if (end == TASK_DONE ||
				(end == TASK_FAILED && over > 1 &&
				 run_task("recording a delivery", record_result, session) == TASK_DONE))
			{
				forget_delivery(session);
				if (smtp_state(session->smtp) != SMTP_IDLE)
					close_session(session);
			}
			else
				failed = true;
		}
	}

	if (allowed && (looking || (over > 0 && more_is_waiting)))
	{
		for (int i = 0; i < MAX_SESSIONS; i++)
			had[i] = sessions[i].has_delivery;
		if (run_task("claiming deliveries", claim, NULL) != TASK_DONE)
		{
			drop_uncommitted_claims(had);
			failed = true;
		}
		advance();
	}
	return !failed;
}
