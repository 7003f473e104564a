/*-------------------------------------------------------------------------
 *
 * providers.c
 *	  Handing text messages and letters to providers.
 *
 * The ledger's protocol, as in outbox.c: claim (judge a last time, write the
 * attempt, commit); ask with no transaction open; record the answer, commit.
 * A message is claimed only when there is a request free for it, which then
 * goes out at once, so that little time passes between the judgement and the
 * hand-off.  What to ask and what an answer means is SQL's to say.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/form.h"
#include "net/http.h"
#include "worker/clock.h"
#include "worker/providers.h"
#include "worker/settings.h"
#include "worker/task.h"

/* requests at once: in all, and for one provider */
#define MAX_REQUESTS 16
#define MAX_REQUESTS_OF_PROVIDER 4

/* how long a provider may take for its answer, in seconds, if reply_timeout is more */
#define LONGEST_ANSWER 60

/* A claimed delivery and its request; what it is made of is in "context". */
typedef struct Handoff
{
	MemoryContext context; /* NULL: this entry is free */
	int64 delivery;
	int64 company;
	int64 provider;
	HttpCall call;
	HttpRequest *request;  /* NULL: not yet made, or there was no memory for it */
	bool is_committed;	   /* its claim is */
	TimestampTz record_at; /* not recorded before: somebody held its rows */
} Handoff;

static HttpClient *client = NULL;
static Handoff handoffs[MAX_REQUESTS];
static int64 last_provider = 0;
static bool allowed = false;
static bool more_is_waiting = false;
static bool have_recorded = false;

bool
providers_start(NetLoop *loop)
{
	client = http_client_create(loop);
	return client != NULL;
}

void
providers_allow(bool armed)
{
	allowed = armed;
}

bool
providers_have_recorded(void)
{
	bool recorded = have_recorded;

	have_recorded = false;
	return recorded;
}

bool
providers_are_waiting(void)
{
	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		if (handoffs[i].context)
			return true;
	}
	return false;
}

static void
forget_handoff(Handoff *handoff)
{
	if (handoff->request)
		http_close(handoff->request);
	MemoryContextDelete(handoff->context);
	memset(handoff, 0, sizeof(*handoff));
}

/* Text of a server as the database can hold it. */
static Datum
server_text(const char *text)
{
	int length = pg_encoding_verifymbstr(PG_UTF8, text, strlen(text));

	return PointerGetDatum(cstring_to_text_with_len(text, length));
}

/* Writes down what became of one request. */
static void
record_answer(void *arg)
{
	static Statement statement = {
		"select ar_inbox_internal.record_provider_answer($1, $2, $3, $4, $5, $6, $7, $8)",
		8,
		{INT8OID, INT8OID, TIMESTAMPTZOID, BOOLOID, INT4OID, TEXTOID, TEXTOID, TEXTOID}};
	Handoff *handoff = arg;
	HttpResult result = {0};
	Datum values[8];
	char nulls[9] = "        ";

	if (handoff->request)
		result = http_result(handoff->request);
	else
		result.error = "out of memory";
	values[0] = Int64GetDatum(handoff->delivery);
	values[1] = Int64GetDatum(handoff->company);
	values[2] = TimestampTzGetDatum(worker_clock->now());
	values[3] = BoolGetDatum(result.request_sent);
	values[4] = Int32GetDatum(result.status);
	values[5] = result.retry_after ? server_text(result.retry_after) : (Datum) 0;
	values[6] = result.body ? server_text(result.body) : (Datum) 0;
	values[7] = result.error ? server_text(result.error) : (Datum) 0;
	nulls[4] = result.status ? ' ' : 'n';
	nulls[5] = result.retry_after ? ' ' : 'n';
	nulls[6] = result.body ? ' ' : 'n';
	nulls[7] = result.error ? ' ' : 'n';
	run_statement(&statement, values, nulls);
}

/* Whether what became of a request is to be recorded now. */
static bool
is_recordable(const Handoff *handoff)
{
	return handoff->context && handoff->is_committed &&
		   (handoff->request == NULL || http_is_over(handoff->request)) &&
		   handoff->record_at <= GetCurrentTimestamp();
}

/* ---- claiming ---- */

/* A column that is an array of texts, as C strings; NULLs become empty. */
static const char **
text_column(uint64 row, int column, int *count)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
	Datum *elements;
	bool *nulls;
	const char **texts;

	*count = 0;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, count);
	texts = palloc(sizeof(char *) * (*count + 1));
	for (int i = 0; i < *count; i++)
		texts[i] = nulls[i] ? "" : TextDatumGetCString(elements[i]);
	return texts;
}

/* The body of the request, and its type. */
static void
make_body(HttpCall *call, uint64 row)
{
	StringInfoData body;
	int n_names;
	int n_values;
	const char **names = text_column(row, 8, &n_names);
	const char **values = text_column(row, 9, &n_values);
	int count = Min(n_names, n_values);
	bool isnull;
	Datum content = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 13, &isnull);

	initStringInfo(&body);
	if (isnull)
	{
		form_urlencoded(&body, count, names, values);
		call->content_type = "application/x-www-form-urlencoded";
	}
	else
	{
		bytea *bytes = DatumGetByteaPP(content);
		uint64 random[2];
		char boundary[40];
		FormFile file = {.field = row_text(row, 10),
						 .name = row_text(row, 11),
						 .type = row_text(row, 12),
						 .data = VARDATA_ANY(bytes),
						 .length = VARSIZE_ANY_EXHDR(bytes)};

		if (!pg_strong_random(random, sizeof(random)))
			elog(ERROR, "could not get random bytes");
		snprintf(boundary, sizeof(boundary), "%016llx%016llx", (unsigned long long) random[0],
				 (unsigned long long) random[1]);
		form_multipart(&body, boundary, count, names, values, &file);
		call->content_type = psprintf("multipart/form-data; boundary=%s", boundary);
	}
	call->body = body.data;
	call->length = body.len;
}

/* Copies a claimed delivery out of the transaction. */
static void
copy_claim(uint64 row)
{
	Handoff *handoff = handoffs;
	MemoryContext old;

	while (handoff->context)
		handoff++;
	/* known from here on, so that it is freed if the rest fails */
	handoff->context =
		AllocSetContextCreate(TopMemoryContext, "ar_inbox handoff", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(handoff->context);
	handoff->delivery = row_int64(row, 1);
	handoff->company = row_int64(row, 2);
	handoff->provider = row_int64(row, 3);
	handoff->call.url = row_text(row, 4);
	handoff->call.username = row_text(row, 5);
	handoff->call.password = row_text(row, 6);
	handoff->call.headers = text_column(row, 7, &handoff->call.n_headers);
	make_body(&handoff->call, row);
	MemoryContextSwitchTo(old);
	last_provider = handoff->provider;
}

/* arg: which requests are free when this transaction commits, or NULL. */
static void
claim(void *arg)
{
	static Statement statement = {
		"select * from ar_inbox_internal.claim_provider_deliveries($1, $2, $3, $4, $5, $6)",
		6,
		{TIMESTAMPTZOID, INT4OID, INT8ARRAYOID, INT4ARRAYOID, INT4OID, INT8OID}};
	Datum providers[MAX_REQUESTS];
	Datum counts[MAX_REQUESTS];
	int n = 0;
	int room = MAX_REQUESTS;
	Datum values[6];
	uint64 rows;

	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		int j;

		if (handoffs[i].context == NULL)
			continue;
		room--;
		for (j = 0; j < n && DatumGetInt64(providers[j]) != handoffs[i].provider; j++)
			;
		if (j == n)
		{
			providers[n] = Int64GetDatum(handoffs[i].provider);
			counts[n++] = Int32GetDatum(0);
		}
		counts[j] = Int32GetDatum(DatumGetInt32(counts[j]) + 1);
	}
	if (room <= 0)
		return;
	values[0] = TimestampTzGetDatum(worker_clock->now());
	/* providers that stall must not take all requests: the last ones go one each */
	values[1] = Int32GetDatum(room <= MAX_REQUESTS / 4 ? 1 : MAX_REQUESTS_OF_PROVIDER);
	values[2] = PointerGetDatum(
		construct_array(providers, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(construct_array(counts, n, INT4OID, 4, true, TYPALIGN_INT));
	values[4] = Int32GetDatum(room);
	values[5] = Int64GetDatum(last_provider);
	rows = run_statement(&statement, values, NULL);
	more_is_waiting = rows > 0;
	for (uint64 row = 0; row < rows; row++)
		copy_claim(row);
}

/* Sends what is claimed for good; a claim that was rolled back has left nothing. */
static bool
run_claim(void)
{
	bool done = run_task("claiming text messages and letters", claim, NULL) == TASK_DONE;

	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		Handoff *handoff = &handoffs[i];
		HttpCall *call = &handoff->call;

		if (handoff->context == NULL || handoff->is_committed)
			continue;
		if (!done)
		{
			forget_handoff(handoff);
			continue;
		}
		call->ca_file = setting_tls_ca_file[0] ? setting_tls_ca_file : NULL;
		call->connect_timeout_ms = setting_connect_timeout * 1000;
		call->timeout_ms =
			call->connect_timeout_ms + Min(setting_reply_timeout, LONGEST_ANSWER) * 1000;
		handoff->is_committed = true;
		handoff->request = http_start(client, call);
	}
	return done;
}

bool
providers_turn(bool looking)
{
	bool done = true;
	bool recorded = false;

	for (int i = 0; i < MAX_REQUESTS; i++)
	{
		if (!is_recordable(&handoffs[i]))
			continue;
		/* each by itself: one that somebody holds keeps no other from the ledger */
		if (run_task("recording a provider's answer", record_answer, &handoffs[i]) == TASK_DONE)
		{
			forget_handoff(&handoffs[i]);
			recorded = true;
		}
		else
		{
			handoffs[i].record_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 1000);
			done = false;
		}
	}
	have_recorded |= recorded;
	if (allowed && (looking || (recorded && more_is_waiting)))
		done &= run_claim();
	return done;
}
