/*-------------------------------------------------------------------------
 *
 * smtp_envelope.c
 *	  What is asked for a message, and what came of it.
 *
 * Before anything is sent: which recipients can be asked for at all, and with
 * which parameters.  After: each recipient's verdict, and their sum.
 *
 *-------------------------------------------------------------------------
 */
#include "net/smtp_session.h"

void
smtp_envelope_free(SmtpSession *s)
{
	for (int i = 0; i < s->result.n_recipients; i++)
	{
		if (s->addresses != NULL)
			free(s->addresses[i]);
		if (s->recipients != NULL && s->recipients[i].text != NULL &&
			s->recipients[i].text[0] != '\0')
			free((char *) s->recipients[i].text);
	}
	free(s->addresses);
	free(s->wired);
	free(s->recipients);
	free(s->mail_command);
	free(s->text);
	free(s->queue_id);
	s->addresses = NULL;
	s->wired = NULL;
	s->recipients = NULL;
	s->mail_command = NULL;
	s->text = NULL;
	s->queue_id = NULL;
	memset(&s->result, 0, sizeof(s->result));
	s->result.text = "";
}

/*
 * smtp_judge: writes down what became of one recipient.  Without memory for the
 * text the codes still stand.
 */
void
smtp_judge(SmtpRecipient *recipient, SmtpOutcome outcome, int code, const char *enhanced,
		   const char *text)
{
	char *copy = text[0] != '\0' ? net_strdup(text) : NULL;

	if (recipient->text != NULL && recipient->text[0] != '\0')
		free((char *) recipient->text);
	recipient->text = copy != NULL ? copy : "";
	recipient->outcome = outcome;
	recipient->by_name = false;
	recipient->code = code;
	strlcpy(recipient->enhanced, enhanced, sizeof(recipient->enhanced));
}

SmtpOutcome
smtp_outcome_of(int code)
{
	return code < 300 ? SMTP_ACCEPTED : code >= 500 ? SMTP_REJECTED : SMTP_DEFERRED;
}

/*
 * smtp_settle: everyone who was not refused by name shares this.
 */
void
smtp_settle(SmtpSession *s, SmtpOutcome outcome, int code, const char *enhanced, const char *text)
{
	for (int i = 0; i < s->n_wired; i++)
	{
		SmtpRecipient *recipient = &s->recipients[s->wired[i]];

		if (recipient->outcome == SMTP_NO_RESULT || recipient->outcome == SMTP_ACCEPTED)
			smtp_judge(recipient, outcome, code, enhanced, text);
	}
}

/*
 * smtp_sum_up: the message's outcome out of its recipients', and the words of the
 * first recipient that has it.
 */
void
smtp_sum_up(SmtpSession *s)
{
	int n[SMTP_IN_DOUBT + 1] = {0};
	SmtpOutcome decisive;

	for (int i = 0; i < s->result.n_recipients; i++)
		n[s->recipients[i].outcome]++;
	if (n[SMTP_IN_DOUBT] > 0)
		decisive = SMTP_IN_DOUBT;
	else if (n[SMTP_ACCEPTED] > 0)
		decisive = SMTP_ACCEPTED;
	else
		decisive = n[SMTP_DEFERRED] > 0 ? SMTP_DEFERRED : SMTP_REJECTED;
	s->result.outcome = decisive;
	if (decisive == SMTP_ACCEPTED && n[SMTP_ACCEPTED] < s->result.n_recipients)
		s->result.outcome = SMTP_PARTIAL;

	for (int i = 0; i < s->result.n_recipients; i++)
	{
		SmtpRecipient *recipient = &s->recipients[i];

		if (recipient->outcome != decisive)
			continue;
		s->result.code = recipient->code;
		strlcpy(s->result.enhanced, recipient->enhanced, sizeof(s->result.enhanced));
		s->text = net_strdup(recipient->text);
		s->result.text = s->text != NULL ? s->text : "";
		break;
	}
	s->result.recipients = s->recipients;
	s->result.queue_id = s->queue_id;
}

/*
 * refuse_all: a verdict of our own on the whole message.
 */
static void
refuse_all(SmtpSession *s, const char *enhanced, const char *text)
{
	for (int i = 0; i < s->result.n_recipients; i++)
		smtp_judge(&s->recipients[i], SMTP_REJECTED, 0, enhanced, text);
	s->n_wired = 0;
}

/*
 * make_envelope: addresses and parameters, judged before anything is sent.
 * False without memory.
 */
static bool
make_envelope(SmtpSession *s, const SmtpMessage *message)
{
	static const char *const no_utf8 =
		"the address or message needs SMTPUTF8, which the server does not offer";
	char from[SMTP_ADDRESS_SIZE] = "";
	char wire[SMTP_ADDRESS_SIZE];
	char envid[128];
	char command[COMMAND_SIZE];
	const char *why = NULL;
	bool utf8 = message->smtputf8;
	bool address_utf8 = false;
	uint64 size = smtp_body_size(message->data, message->len);
	int n = 0;

	if (message->mail_from != NULL && message->mail_from[0] != '\0')
		why = smtp_address(message->mail_from, from, &address_utf8);
	utf8 = utf8 || address_utf8;

	for (int i = 0; i < message->n_recipients; i++)
	{
		const char *bad = smtp_address(message->recipients[i], wire, &address_utf8);

		if (bad != NULL)
			smtp_judge(&s->recipients[i], SMTP_REJECTED, 0, "5.1.3", bad);
		else if (address_utf8 && !s->caps.smtputf8)
			smtp_judge(&s->recipients[i], SMTP_REJECTED, 0, "5.6.7", no_utf8);
		else
		{
			s->addresses[i] = net_strdup(wire);
			if (s->addresses[i] == NULL)
				return false;
			s->wired[s->n_wired++] = i;
			utf8 = utf8 || address_utf8;
		}
	}

	if (why != NULL)
		refuse_all(s, "5.1.7", why);
	else if (utf8 && !s->caps.smtputf8)
		refuse_all(s, "5.6.7", no_utf8);
	else if (s->caps.max_size > 0 && size > s->caps.max_size)
	{
		char text[128];

		snprintf(text, sizeof(text),
				 "the message has %llu bytes, the server takes no more than %llu",
				 (unsigned long long) size, (unsigned long long) s->caps.max_size);
		refuse_all(s, "5.3.4", text);
	}

	n = snprintf(command, sizeof(command), "MAIL FROM:<%s>", from);
	if (s->caps.size)
		n += snprintf(command + n, sizeof(command) - n, " SIZE=%llu", (unsigned long long) size);
	if (s->caps.eightbit && net_has_8bit(message->data, message->len))
		n += snprintf(command + n, sizeof(command) - n, " BODY=8BITMIME");
	if (utf8 && s->caps.smtputf8)
		n += snprintf(command + n, sizeof(command) - n, " SMTPUTF8");
	s->with_notify =
		s->caps.dsn && message->envelope_id != NULL && smtp_xtext(message->envelope_id, envid, 101);
	if (s->with_notify)
		snprintf(command + n, sizeof(command) - n, " ENVID=%s", envid);
	s->mail_command = net_strdup(command);
	return s->mail_command != NULL;
}

/*
 * smtp_envelope_start: the message that is to be sent, judged as far as that
 * can be done here: with no recipient left to ask the server about, n_wired
 * is 0.  False without memory.
 */
bool
smtp_envelope_start(SmtpSession *s, const SmtpMessage *message)
{
	int n = message->n_recipients;

	smtp_envelope_free(s);
	s->recipients = calloc(n, sizeof(SmtpRecipient));
	s->addresses = calloc(n, sizeof(char *));
	s->wired = calloc(n, sizeof(int));
	if (s->recipients == NULL || s->addresses == NULL || s->wired == NULL)
	{
		smtp_envelope_free(s);
		return false;
	}
	for (int i = 0; i < n; i++)
		s->recipients[i].text = "";
	s->result.n_recipients = n;
	s->n_wired = 0;
	s->n_accepted = 0;
	s->next_command = 0;
	s->next_reply = 0;
	s->mail_refused = false;
	if (!make_envelope(s, message))
	{
		smtp_envelope_free(s);
		return false;
	}
	return true;
}
