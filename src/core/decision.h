/*-------------------------------------------------------------------------
 *
 * decision.h
 *	  The one decision of invoice chasing: what becomes of a step at a moment.
 *
 * A decider judges steps one after the other, in the order in which they come
 * due, and remembers what it let through: the second reminder of a day counts
 * against the day's limit, and what follows a first sending is no new invoice.
 * So a list of steps that are judged together comes out as they would one by
 * one, which is what makes a preview true.
 *
 * Dates are days and moments microseconds since 2000-01-01 (UTC), as in
 * PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_DECISION_H
#define AR_INBOX_DECISION_H

#include "core/core.h"

typedef enum DecisionChannel
{
	DECISION_EMAIL,
	DECISION_LETTER,
	DECISION_SMS,
#define DECISION_CHANNELS (DECISION_SMS + 1)
} DecisionChannel;

typedef enum DecisionOutcome
{
	DECISION_DONE,	   /* it is no longer scheduled */
	DECISION_WAIT,	   /* not its moment */
	DECISION_CANCEL,   /* what it is for is over */
	DECISION_SKIP,	   /* too late, or something else says the same */
	DECISION_WITHHOLD, /* a hold, a limit */
	DECISION_FAIL,	   /* nobody to send to, nothing to send with */
	DECISION_SEND,
} DecisionOutcome;

/* The company's settings that decide. */
typedef struct DecisionLimits
{
	int max_sends_per_day;
	int max_texts_per_number;
	int sms_from_hour;
	int sms_to_hour;
	int64 catch_up; /* microseconds */
	const char *catch_up_text;
} DecisionLimits;

/* What is known of one channel of a step. */
typedef struct DecisionRoute
{
	bool wanted;		 /* the step goes through it */
	int sent_today;		 /* steps of the invoice that went through it that day */
	const char *problem; /* why it cannot be sent through; NULL: it can */
	int n_recipients;
	const char **recipients;
	int *texts; /* sms: how many each number had that day */
} DecisionRoute;

typedef struct DecisionFacts
{
	int64 invoice_id;
	bool scheduled;
	const char *status;	 /* the invoice's */
	bool chased;		 /* its chasing is enabled */
	const char *mail;	 /* the company's automatic mail; NULL: a chasing step */
	bool mail_enabled;	 /* ... which is turned on */
	bool payment_voided; /* ... of a payment that was taken back */
	const char *held;	 /* what holds the invoice; NULL: nothing */
	bool was_sent;
	int64 due_at;
	int64 moment;
	int32 today;  /* the moment's date on the company's clocks */
	int32 minute; /* and its minute of that day */
	int32 issue_date;
	int32 due_date; /* the invoice's */
	DecisionRoute routes[DECISION_CHANNELS];
} DecisionFacts;

/* What becomes of one channel of a step. */
typedef struct DecisionResult
{
	DecisionOutcome outcome;
	const char *reason; /* NULL only when it is sent */
	int n_recipients;	/* when it is sent */
	const char **recipients;
} DecisionResult;

typedef struct Decider Decider;

extern const char *decision_outcome_name(DecisionOutcome outcome);
extern const char *decision_channel_name(DecisionChannel channel);

/* Made and kept in the current memory context. */
extern Decider *decider_create(const DecisionLimits *limits);

/*
 * Judges a step: results[] for each channel that it wants.  Returns the
 * template of what is sent (without a channel's suffix), NULL if nothing is.
 */
extern const char *decider_judge(Decider *decider, const DecisionFacts *facts,
								 DecisionResult results[DECISION_CHANNELS]);

#endif /* AR_INBOX_DECISION_H */
