/*-------------------------------------------------------------------------
 *
 * functions/decision.c
 *	  decide_steps(): the one decision, over what the tables say.
 *
 * SQL finds the facts of all steps at once (step_facts), core/decision.c judges
 * them one after the other.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/decision.h"
#include "functions/statement.h"

PG_FUNCTION_INFO_V1(ar_inbox_decide_steps);

/* The columns of step_facts(), in order. */
enum FactColumn
{
	COL_STEP_ID = 1,
	COL_INVOICE_ID,
	COL_SCHEDULED,
	COL_STATUS,
	COL_CHASED,
	COL_MAIL,
	COL_MAIL_ENABLED,
	COL_PAYMENT_VOIDED,
	COL_HELD,
	COL_WAS_SENT,
	COL_DUE_AT,
	COL_MOMENT,
	COL_TODAY,
	COL_MINUTE,
	COL_ISSUE_DATE,
	COL_DUE_DATE,
	COL_EMAILS,
	COL_EMAIL_PROBLEM,
	COL_EMAILS_TODAY,
	COL_LETTERS,
	COL_LETTER_PROBLEM,
	COL_LETTERS_TODAY,
	COL_PHONES,
	COL_TEXTS,
	COL_SMS_PROBLEM,
	COL_TEXTS_TODAY,
	COL_CHANNELS
};

#define RESULT_COLUMNS 7

static Datum
value(HeapTuple row, int column, bool *isnull)
{
	return SPI_getbinval(row, SPI_tuptable->tupdesc, column, isnull);
}

static const char *
text_value(HeapTuple row, int column)
{
	bool isnull;
	Datum datum = value(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(datum);
}

static bool
is_true(HeapTuple row, int column)
{
	bool isnull;
	Datum datum = value(row, column, &isnull);

	return !isnull && DatumGetBool(datum);
}

static int32
int_value(HeapTuple row, int column)
{
	bool isnull;
	Datum datum = value(row, column, &isnull);

	return isnull ? 0 : DatumGetInt32(datum);
}

static int64
long_value(HeapTuple row, int column)
{
	bool isnull;
	Datum datum = value(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(datum);
}

/* The elements of an array column, none of which is NULL; 0 for NULL. */
static int
elements(HeapTuple row, int column, Oid type, Datum **values)
{
	bool isnull;
	Datum datum = value(row, column, &isnull);
	int count = 0;

	if (isnull)
		return 0;
	if (type == TEXTOID)
		deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, values, NULL,
						  &count);
	else
		deconstruct_array(DatumGetArrayTypeP(datum), INT4OID, 4, true, TYPALIGN_INT, values, NULL,
						  &count);
	return count;
}

static void
read_route(HeapTuple row, DecisionRoute *route, int recipients, int problem, int today)
{
	Datum *values;

	route->n_recipients = elements(row, recipients, TEXTOID, &values);
	route->recipients = palloc(sizeof(char *) * Max(route->n_recipients, 1));
	for (int i = 0; i < route->n_recipients; i++)
		route->recipients[i] = TextDatumGetCString(values[i]);
	route->problem = text_value(row, problem);
	route->sent_today = int_value(row, today);
}

static void
read_facts(HeapTuple row, DecisionFacts *facts)
{
	DecisionRoute *sms = &facts->routes[DECISION_SMS];
	Datum *values;
	int count;

	memset(facts, 0, sizeof(*facts));
	facts->invoice_id = long_value(row, COL_INVOICE_ID);
	facts->scheduled = is_true(row, COL_SCHEDULED);
	facts->status = text_value(row, COL_STATUS);
	facts->chased = is_true(row, COL_CHASED);
	facts->mail = text_value(row, COL_MAIL);
	facts->mail_enabled = is_true(row, COL_MAIL_ENABLED);
	facts->payment_voided = is_true(row, COL_PAYMENT_VOIDED);
	facts->held = text_value(row, COL_HELD);
	facts->was_sent = is_true(row, COL_WAS_SENT);
	facts->due_at = long_value(row, COL_DUE_AT);
	facts->moment = long_value(row, COL_MOMENT);
	facts->today = int_value(row, COL_TODAY);
	facts->minute = int_value(row, COL_MINUTE);
	facts->issue_date = int_value(row, COL_ISSUE_DATE);
	facts->due_date = int_value(row, COL_DUE_DATE);

	count = elements(row, COL_CHANNELS, TEXTOID, &values);
	for (int i = 0; i < count; i++)
	{
		const char *name = TextDatumGetCString(values[i]);

		for (int channel = 0; channel < DECISION_CHANNELS; channel++)
		{
			if (strcmp(name, decision_channel_name(channel)) == 0)
				facts->routes[channel].wanted = true;
		}
	}
	if (facts->routes[DECISION_EMAIL].wanted)
		read_route(row, &facts->routes[DECISION_EMAIL], COL_EMAILS, COL_EMAIL_PROBLEM,
				   COL_EMAILS_TODAY);
	if (facts->routes[DECISION_LETTER].wanted)
		read_route(row, &facts->routes[DECISION_LETTER], COL_LETTERS, COL_LETTER_PROBLEM,
				   COL_LETTERS_TODAY);
	if (sms->wanted)
	{
		read_route(row, sms, COL_PHONES, COL_SMS_PROBLEM, COL_TEXTS_TODAY);
		sms->texts = palloc0(sizeof(int) * Max(sms->n_recipients, 1));
		count = elements(row, COL_TEXTS, INT4OID, &values);
		for (int i = 0; i < Min(count, sms->n_recipients); i++)
			sms->texts[i] = DatumGetInt32(values[i]);
	}
}

static void
read_limits(Datum company_id, DecisionLimits *limits)
{
	static Statement statement = {
		"select c.max_sends_per_day, c.max_texts_per_number, c.sms_from_hour,"
		" c.sms_to_hour, (extract(epoch from c.catch_up_window) * 1000000)::int8,"
		" c.catch_up_window::text from ar_inbox.companies c where c.id = $1",
		1,
		{INT8OID}};
	Datum values[1] = {company_id};
	HeapTuple row;

	memset(limits, 0, sizeof(*limits));
	if (read_statement(&statement, values, NULL) == 0)
		return; /* no such company, so it has no steps either */
	row = SPI_tuptable->vals[0];
	limits->max_sends_per_day = int_value(row, 1);
	limits->max_texts_per_number = int_value(row, 2);
	limits->sms_from_hour = int_value(row, 3);
	limits->sms_to_hour = int_value(row, 4);
	limits->catch_up = long_value(row, 5);
	limits->catch_up_text = text_value(row, 6);
}

static Datum
text_array(const char **texts, int count)
{
	Datum *values = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		values[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
put_result(ReturnSetInfo *set, HeapTuple facts_row, int channel, const DecisionResult *result,
		   const char *template)
{
	bool isnull;
	bool is_sent = result->outcome == DECISION_SEND;
	bool nulls[RESULT_COLUMNS] = {false};
	Datum values[RESULT_COLUMNS] = {0};

	values[0] = value(facts_row, COL_STEP_ID, &isnull);
	values[1] = value(facts_row, COL_INVOICE_ID, &isnull);
	values[2] = CStringGetTextDatum(decision_channel_name(channel));
	values[3] = CStringGetTextDatum(decision_outcome_name(result->outcome));
	nulls[4] = result->reason == NULL;
	if (result->reason)
		values[4] = CStringGetTextDatum(result->reason);
	nulls[5] = nulls[6] = !is_sent;
	if (is_sent)
	{
		values[5] = text_array(result->recipients, result->n_recipients);
		values[6] =
			CStringGetTextDatum(channel == DECISION_SMS ? psprintf("%s_sms", template) : template);
	}
	tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
}

Datum
ar_inbox_decide_steps(PG_FUNCTION_ARGS)
{
	static Statement statement = {"select * from ar_inbox_internal.step_facts($1, $2, $3, $4)",
								  4,
								  {INT8OID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZOID}};
	ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[4];
	DecisionLimits limits;
	Decider *decider;
	SPITupleTable *rows;
	uint64 count;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < 4; i++)
		values[i] = PG_GETARG_DATUM(i);

	/* whatever is made from here on goes with SPI's own context */
	SPI_connect();
	read_limits(values[0], &limits);
	count = read_statement(&statement, values, NULL);
	rows = SPI_tuptable;
	decider = decider_create(&limits);
	for (uint64 i = 0; i < count; i++)
	{
		DecisionFacts facts;
		DecisionResult results[DECISION_CHANNELS];
		const char *template;

		CHECK_FOR_INTERRUPTS();
		read_facts(rows->vals[i], &facts);
		template = decider_judge(decider, &facts, results);
		for (int channel = 0; channel < DECISION_CHANNELS; channel++)
		{
			if (facts.routes[channel].wanted)
				put_result(set, rows->vals[i], channel, &results[channel], template);
		}
	}
	SPI_finish();
	return (Datum) 0;
}
