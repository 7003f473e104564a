/*-------------------------------------------------------------------------
 *
 * decision_test.c
 *	  Tests of the one decision, and of what a decider remembers.
 *
 *-------------------------------------------------------------------------
 */
#include "core/decision.h"

#include "tap.h"

#define HOUR INT64CONST(3600000000)

static const DecisionLimits limits = {3, 1, 8, 21, 48 * HOUR, "48:00:00"};

static const char *nobody[1];
static const char *ann[1] = {"ann@customer.example"};
static const char *phones[2] = {"+15550100", "+15550101"};
static int no_texts[2] = {0, 0};

/* A step by e-mail that is due now, of an issued and chased invoice. */
static DecisionFacts
due_step(int64 invoice)
{
	DecisionFacts facts = {0};

	facts.invoice_id = invoice;
	facts.scheduled = facts.chased = true;
	facts.status = "issued";
	facts.due_at = facts.moment = 1000 * HOUR;
	facts.today = 100;
	facts.minute = 9 * 60;
	facts.issue_date = 90;
	facts.due_date = 120;
	facts.routes[DECISION_EMAIL].wanted = true;
	facts.routes[DECISION_EMAIL].n_recipients = 1;
	facts.routes[DECISION_EMAIL].recipients = ann;
	facts.routes[DECISION_LETTER].recipients = nobody;
	facts.routes[DECISION_SMS].n_recipients = 2;
	facts.routes[DECISION_SMS].recipients = phones;
	facts.routes[DECISION_SMS].texts = no_texts;
	return facts;
}

/* What a decider that knows nothing else makes of one channel, as text. */
static const char *
judged_by(Decider *decider, const DecisionFacts *facts, DecisionChannel channel)
{
	DecisionResult results[DECISION_CHANNELS];
	const char *template = decider_judge(decider, facts, results);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, decision_outcome_name(results[channel].outcome));
	if (results[channel].reason)
		appendStringInfo(&text, ": %s", results[channel].reason);
	for (int i = 0; i < results[channel].n_recipients; i++)
		appendStringInfo(&text, " %s", results[channel].recipients[i]);
	if (template && results[channel].outcome == DECISION_SEND)
		appendStringInfo(&text, " %s", template);
	return text.data;
}

static const char *
judged(const DecisionFacts *facts)
{
	return judged_by(decider_create(&limits), facts, DECISION_EMAIL);
}

static void
test_whole(void)
{
	DecisionFacts facts = due_step(1);

	is(judged(&facts), "send ann@customer.example new_invoice", "what was never sent is new");
	facts.was_sent = true;
	is(judged(&facts), "send ann@customer.example invoice_reminder", "what was sent is a reminder");
	facts.today = 121;
	is(judged(&facts), "send ann@customer.example past_due_invoice", "past due the day after");
	facts.today = 120;
	is(judged(&facts), "send ann@customer.example invoice_reminder", "not on the due date itself");

	facts = due_step(1);
	facts.scheduled = false;
	is(judged(&facts), "done", "no longer scheduled");
	facts = due_step(1);
	facts.status = "draft";
	is(judged(&facts), "wait: the invoice is a draft", "a draft waits");
	facts.status = "paid";
	is(judged(&facts), "cancel: invoice paid", "paid");
	facts.status = "voided";
	is(judged(&facts), "cancel: invoice voided", "voided");
	facts = due_step(1);
	facts.chased = false;
	is(judged(&facts), "cancel: chasing disabled", "disabled");
	facts = due_step(1);
	facts.moment--;
	is(judged(&facts), "wait: not yet due", "a microsecond early");
	facts = due_step(1);
	facts.today = 89;
	is(judged(&facts), "skip: before invoice date", "before the invoice date");
	facts = due_step(1);
	facts.moment = facts.due_at + limits.catch_up;
	is(judged(&facts), "send ann@customer.example new_invoice", "just within the window");
	facts.moment++;
	is(judged(&facts), "skip: more than 48:00:00 late (catch_up_window)", "and beyond it");
	facts = due_step(1);
	facts.held = "dispute";
	is(judged(&facts), "withhold: held: dispute", "held");
	facts.status = "paid";
	is(judged(&facts), "cancel: invoice paid", "paid says more than held");
	facts = due_step(1);
	facts.routes[DECISION_EMAIL].problem = "the customer has no e-mail address";
	is(judged(&facts), "fail: email: the customer has no e-mail address", "nobody to send to");
}

static void
test_mails(void)
{
	DecisionFacts facts = due_step(1);

	facts.mail = "unpaid_reminder";
	facts.chased = false;
	is(judged(&facts), "skip: the automatic mail is turned off", "a mail that is off");
	facts.mail_enabled = true;
	is(judged(&facts), "send ann@customer.example unpaid_reminder",
	   "one that is on has its own text");
	facts.today = 121;
	is(judged(&facts), "skip: the invoice is past due", "it does not come after the due date");
	facts.today = 120;
	facts.held = "dispute";
	is(judged(&facts), "withhold: held: dispute", "a reminder is held");
	facts.mail = "new_invoice";
	is(judged(&facts), "send ann@customer.example new_invoice", "a new invoice is not");
	facts.chased = true;
	is(judged(&facts), "skip: the invoice is chased", "silent beside chasing");

	facts.mail = "payment_receipt";
	facts.status = "paid";
	is(judged(&facts), "send ann@customer.example payment_receipt",
	   "a receipt goes out for a paid, chased and held invoice");
	facts.today = 80;
	facts.routes[DECISION_EMAIL].sent_today = 3;
	is(judged(&facts), "send ann@customer.example payment_receipt",
	   "before the invoice date, and over the limit");
	facts.payment_voided = true;
	is(judged(&facts), "cancel: the payment was voided", "but not for what was taken back");
}

static void
test_memory(void)
{
	Decider *decider = decider_create(&limits);
	DecisionFacts facts = due_step(1);
	DecisionFacts other = due_step(2);

	facts.routes[DECISION_EMAIL].sent_today = 1;
	is(judged_by(decider, &facts, DECISION_EMAIL), "send ann@customer.example new_invoice",
	   "the second of the day");
	is(judged_by(decider, &facts, DECISION_EMAIL), "send ann@customer.example invoice_reminder",
	   "the third, which is no new invoice any more");
	is(judged_by(decider, &facts, DECISION_EMAIL),
	   "withhold: sent 3 times by email today, the limit (max_sends_per_day)", "no fourth");
	is(judged_by(decider, &other, DECISION_EMAIL), "send ann@customer.example new_invoice",
	   "another invoice has its own count");
	facts.today++;
	facts.routes[DECISION_EMAIL].sent_today = 0;
	is(judged_by(decider, &facts, DECISION_EMAIL), "send ann@customer.example invoice_reminder",
	   "and so has the next day");
	facts.held = "dispute";
	judged_by(decider, &facts, DECISION_EMAIL);
	facts.held = NULL;
	judged_by(decider, &facts, DECISION_EMAIL);
	is(judged_by(decider, &facts, DECISION_EMAIL), "send ann@customer.example invoice_reminder",
	   "what was withheld does not count");

	facts = due_step(3);
	facts.mail = "payment_receipt";
	facts.mail_enabled = true;
	judged_by(decider, &facts, DECISION_EMAIL);
	facts.mail = NULL;
	is(judged_by(decider, &facts, DECISION_EMAIL), "send ann@customer.example new_invoice",
	   "a receipt has not sent the invoice");
}

static void
test_texts(void)
{
	Decider *decider = decider_create(&limits);
	DecisionFacts facts = due_step(1);
	DecisionFacts other = due_step(2);
	int texts[2] = {1, 0};

	facts.routes[DECISION_EMAIL].wanted = false;
	facts.routes[DECISION_SMS].wanted = true;
	other.routes[DECISION_SMS].wanted = true;
	facts.routes[DECISION_SMS].texts = texts;
	is(judged_by(decider, &facts, DECISION_SMS), "send +15550101 new_invoice",
	   "a number that had its text is left out");
	is(judged_by(decider, &other, DECISION_SMS), "send +15550100 new_invoice",
	   "also where it had it just now, from another invoice");
	is(judged_by(decider, &other, DECISION_SMS),
	   "withhold: sms: +15550100 had 1 today, the limit (max_texts_per_number)", "nobody is left");
	is(judged_by(decider, &other, DECISION_EMAIL), "send ann@customer.example invoice_reminder",
	   "the e-mail of the same step goes its own way");

	facts = due_step(1);
	facts.routes[DECISION_SMS].wanted = true;
	facts.minute = 8 * 60 - 1;
	is(judged_by(decider_create(&limits), &facts, DECISION_SMS),
	   "withhold: sms: 07:59 is outside 08:00 to 21:00 (sms_from_hour, sms_to_hour)", "too early");
	facts.minute++;
	is(judged_by(decider_create(&limits), &facts, DECISION_SMS),
	   "send +15550100 +15550101 new_invoice", "from eight on");
	facts.minute = 21 * 60;
	is(judged_by(decider_create(&limits), &facts, DECISION_SMS),
	   "withhold: sms: 21:00 is outside 08:00 to 21:00 (sms_from_hour, sms_to_hour)", "until nine");
}

int
main(void)
{
	test_whole();
	test_mails();
	test_memory();
	test_texts();
	return tap_done();
}
