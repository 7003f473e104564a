/*-------------------------------------------------------------------------
 *
 * decision.c
 *	  The one decision of invoice chasing: what becomes of a step at a moment.
 *
 * In this order, the first that applies: is it still to be done, is there
 * still something to be chased, is it its moment, is it too late, is it held;
 * then, for each of its channels, whether there is somebody to send to and
 * something to send with, and whether a limit of the day is reached.
 *
 *-------------------------------------------------------------------------
 */
#include "core/decision.h"

#include "common/hashfn.h"
#ifdef FRONTEND
#include "common/logging.h" /* which simplehash.h complains by */
#endif

/* What was let through on a day: by invoice and channel, or by telephone number. */
typedef struct TallyKey
{
	int64 id;	/* an invoice, or the digits of a number */
	int32 day;	/* 0 where the day does not matter */
	int32 kind; /* a channel, or one of those below */
} TallyKey;

#define KIND_NUMBER 100
#define KIND_INVOICE_SENT 101

typedef struct Tally
{
	TallyKey key;
	int count;
	char status;
} Tally;

#define SH_PREFIX tallies
#define SH_ELEMENT_TYPE Tally
#define SH_KEY_TYPE TallyKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) &(key), sizeof(TallyKey))
#define SH_EQUAL(table, a, b) (memcmp(&(a), &(b), sizeof(TallyKey)) == 0)
#define SH_SCOPE static inline
#define SH_RAW_ALLOCATOR palloc0
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

struct Decider
{
	DecisionLimits limits;
	tallies_hash *tallies;
};

const char *
decision_outcome_name(DecisionOutcome outcome)
{
	static const char *const names[] = {
		[DECISION_DONE] = "done",		  [DECISION_WAIT] = "wait", [DECISION_CANCEL] = "cancel",
		[DECISION_SKIP] = "skip",		  [DECISION_FAIL] = "fail", [DECISION_SEND] = "send",
		[DECISION_WITHHOLD] = "withhold",
	};

	return names[outcome];
}

const char *
decision_channel_name(DecisionChannel channel)
{
	static const char *const names[] = {
		[DECISION_EMAIL] = "email", [DECISION_LETTER] = "letter", [DECISION_SMS] = "sms"};

	return names[channel];
}

Decider *
decider_create(const DecisionLimits *limits)
{
	Decider *decider = palloc0(sizeof(Decider));

	decider->limits = *limits;
	decider->tallies = tallies_create(256, NULL);
	return decider;
}

static int
tally(const Decider *decider, int64 id, int32 day, int32 kind)
{
	TallyKey key = {id, day, kind};
	Tally *found = tallies_lookup(decider->tallies, key);

	return found ? found->count : 0;
}

static void
count_one(Decider *decider, int64 id, int32 day, int32 kind)
{
	TallyKey key = {id, day, kind};
	bool found;
	Tally *entry = tallies_insert(decider->tallies, key, &found);

	entry->count = found ? entry->count + 1 : 1;
}

/* A telephone number as a number: E.164 has at most 15 digits. */
static int64
number_of(const char *phone)
{
	int64 number = 0;

	for (const char *at = phone; *at; at++)
	{
		if (*at >= '0' && *at <= '9')
			number = number * 10 + (*at - '0');
	}
	return number;
}

/* A receipt is about a payment: it sends no invoice and asks for nothing. */
static bool
is_receipt(const DecisionFacts *facts)
{
	return facts->mail && strcmp(facts->mail, "payment_receipt") == 0;
}

/* Does a hold hold it?  It holds what asks for money. */
static bool
can_be_held(const char *mail)
{
	return mail == NULL || strcmp(mail, "unpaid_reminder") == 0 ||
		   strcmp(mail, "past_due_reminder") == 0;
}

/*
 * judge_whole
 *		What can be said of the step before its channels are looked at.
 */
static DecisionOutcome
judge_whole(const Decider *decider, const DecisionFacts *facts, const char **reason)
{
	*reason = NULL;
	if (!facts->scheduled)
		return DECISION_DONE;
	if (is_receipt(facts))
	{
		if (facts->payment_voided)
		{
			*reason = "the payment was voided";
			return DECISION_CANCEL;
		}
	}
	else if (strcmp(facts->status, "draft") == 0)
	{
		*reason = "the invoice is a draft";
		return DECISION_WAIT;
	}
	else if (strcmp(facts->status, "issued") != 0)
	{
		*reason = psprintf("invoice %s", facts->status);
		return DECISION_CANCEL;
	}
	else if (facts->mail == NULL && !facts->chased)
	{
		*reason = "chasing disabled";
		return DECISION_CANCEL;
	}
	if (facts->due_at > facts->moment)
	{
		*reason = "not yet due";
		return DECISION_WAIT;
	}
	/* a member gave it its moment, and then the invoice's date changed */
	if (!is_receipt(facts) && facts->today < facts->issue_date)
	{
		*reason = "before invoice date";
		return DECISION_SKIP;
	}
	if (facts->mail && !facts->mail_enabled)
	{
		*reason = "the automatic mail is turned off";
		return DECISION_SKIP;
	}
	if (facts->mail && strcmp(facts->mail, "unpaid_reminder") == 0 &&
		facts->today > facts->due_date)
	{
		*reason = "the invoice is past due";
		return DECISION_SKIP;
	}
	if (facts->mail && !is_receipt(facts) && facts->chased)
	{
		*reason = "the invoice is chased";
		return DECISION_SKIP;
	}
	if (facts->moment - facts->due_at > decider->limits.catch_up)
	{
		*reason = psprintf("more than %s late (catch_up_window)", decider->limits.catch_up_text);
		return DECISION_SKIP;
	}
	if (facts->held && can_be_held(facts->mail))
	{
		*reason = psprintf("held: %s", facts->held);
		return DECISION_WITHHOLD;
	}
	return DECISION_SEND;
}

/*
 * judge_texts
 *		Whether and to which numbers a text message may go now.
 */
static DecisionOutcome
judge_texts(const Decider *decider, const DecisionFacts *facts, DecisionResult *result)
{
	const DecisionLimits *limits = &decider->limits;
	const DecisionRoute *route = &facts->routes[DECISION_SMS];
	const char *spent = NULL;

	if (facts->minute < limits->sms_from_hour * 60 || facts->minute >= limits->sms_to_hour * 60)
	{
		result->reason = psprintf(
			"sms: %02d:%02d is outside %02d:00 to %02d:00 (sms_from_hour, sms_to_hour)",
			facts->minute / 60, facts->minute % 60, limits->sms_from_hour, limits->sms_to_hour);
		return DECISION_WITHHOLD;
	}
	result->recipients = palloc(sizeof(char *) * Max(route->n_recipients, 1));
	for (int i = 0; i < route->n_recipients; i++)
	{
		int texts = route->texts[i] +
					tally(decider, number_of(route->recipients[i]), facts->today, KIND_NUMBER);

		if (texts < limits->max_texts_per_number)
			result->recipients[result->n_recipients++] = route->recipients[i];
		else if (spent == NULL)
			spent = psprintf("sms: %s had %d today, the limit (max_texts_per_number)",
							 route->recipients[i], texts);
	}
	if (result->n_recipients > 0)
		return DECISION_SEND;
	result->reason = spent;
	return DECISION_WITHHOLD;
}

/*
 * judge_channel
 *		One channel of a step that may go out.
 */
static void
judge_channel(const Decider *decider, const DecisionFacts *facts, DecisionChannel channel,
			  DecisionResult *result)
{
	const DecisionRoute *route = &facts->routes[channel];
	const char *name = decision_channel_name(channel);
	int sent;

	if (route->problem)
	{
		result->outcome = DECISION_FAIL;
		result->reason = psprintf("%s: %s", name, route->problem);
		return;
	}
	sent = route->sent_today + tally(decider, facts->invoice_id, facts->today, channel);
	if (sent >= decider->limits.max_sends_per_day && !is_receipt(facts))
	{
		result->outcome = DECISION_WITHHOLD;
		result->reason =
			psprintf("sent %d times by %s today, the limit (max_sends_per_day)", sent, name);
		return;
	}
	if (channel == DECISION_SMS)
	{
		result->outcome = judge_texts(decider, facts, result);
		return;
	}
	result->outcome = DECISION_SEND;
	result->n_recipients = route->n_recipients;
	result->recipients = route->recipients;
}

/*
 * template_of
 *		Which text the invoice's state asks for.
 */
static const char *
template_of(const Decider *decider, const DecisionFacts *facts)
{
	if (facts->mail)
		return facts->mail;
	if (facts->today > facts->due_date)
		return "past_due_invoice";
	if (!facts->was_sent && tally(decider, facts->invoice_id, 0, KIND_INVOICE_SENT) == 0)
		return "new_invoice";
	return "invoice_reminder";
}

/*
 * decider_judge
 *		What becomes of a step, and remembering it.
 */
const char *
decider_judge(Decider *decider, const DecisionFacts *facts,
			  DecisionResult results[DECISION_CHANNELS])
{
	const char *reason;
	DecisionOutcome whole = judge_whole(decider, facts, &reason);
	const char *template = template_of(decider, facts);
	bool sent = false;

	memset(results, 0, sizeof(DecisionResult) * DECISION_CHANNELS);
	for (int channel = 0; channel < DECISION_CHANNELS; channel++)
	{
		DecisionResult *result = &results[channel];

		if (!facts->routes[channel].wanted)
			continue;
		if (whole != DECISION_SEND)
		{
			result->outcome = whole;
			result->reason = reason;
			continue;
		}
		judge_channel(decider, facts, channel, result);
		if (result->outcome != DECISION_SEND)
			continue;
		sent = true;
		if (!is_receipt(facts))
			count_one(decider, facts->invoice_id, facts->today, channel);
		for (int i = 0; channel == DECISION_SMS && i < result->n_recipients; i++)
			count_one(decider, number_of(result->recipients[i]), facts->today, KIND_NUMBER);
	}
	if (!sent)
		return NULL;
	if (!is_receipt(facts))
		count_one(decider, facts->invoice_id, 0, KIND_INVOICE_SENT);
	return template;
}
