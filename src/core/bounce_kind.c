/*-------------------------------------------------------------------------
 *
 * bounce_kind.c
 *	  What a failure means for the address: never again, or this time not.
 *
 * A hard bounce stops mail to the address until somebody lifts that, so only
 * what says that the address itself takes no mail is hard.  What is about the
 * message, our host, their policy or their day is soft, however final it was
 * for this message.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/bounce.h"

#include "core/casefold.h"

#define MAX_WORDS 2000 /* bytes of a diagnostic that are looked at */

typedef enum Verdict
{
	VERDICT_HARD,
	VERDICT_SOFT,
	VERDICT_WORDS, /* says too little: the words decide, soft without them */
	VERDICT_WORDS_OR_HARD
} Verdict;

/*
 * The status codes of class 5 (RFC 3463, RFC 5248, RFC 7505).  What is not
 * here is soft by its subject, the first number.
 */
static const struct
{
	int subject;
	int detail;
	Verdict verdict;
} statuses[] = {
	{0, 0, VERDICT_WORDS},		   /* sendmail, Exim and qmail say no more */
	{1, 0, VERDICT_WORDS_OR_HARD}, /* an address, and nothing said of policy */
	{1, 1, VERDICT_HARD},		   /* no such mailbox */
	{1, 2, VERDICT_HARD},		   /* no such domain */
	{1, 3, VERDICT_HARD},		   /* no address at all */
	{1, 4, VERDICT_HARD},		   /* stands for several mailboxes: takes no mail as it is */
	{1, 5, VERDICT_SOFT},		   /* the address is good, by its definition */
	{1, 6, VERDICT_HARD},		   /* moved, and where to is not known */
	{1, 7, VERDICT_SOFT},		   /* about the sender's address */
	{1, 8, VERDICT_SOFT},		   /* likewise */
	{1, 9, VERDICT_SOFT},		   /* handed to a host that reports nothing */
	{1, 10, VERDICT_HARD},		   /* its domain takes no mail (null MX) */
	{2, 0, VERDICT_WORDS},		   /* a mailbox, but what of it? */
	{2, 1, VERDICT_HARD},		   /* disabled; slowed down, if the words say so */
	{2, 2, VERDICT_SOFT},		   /* full: people make room */
	{2, 3, VERDICT_SOFT},		   /* the message is too long for it */
	{2, 4, VERDICT_SOFT},		   /* a list could not be expanded */
	{3, 0, VERDICT_WORDS},		   /* the system, but what of it? */
	{4, 0, VERDICT_WORDS},		   /* the network, likewise */
	{4, 1, VERDICT_WORDS},		   /* no answer; Microsoft: no such recipient */
	{4, 4, VERDICT_WORDS_OR_HARD}, /* no route: the domain has no mail host */
	{4, 310, VERDICT_HARD},		   /* Microsoft: the domain does not exist */
	{5, 0, VERDICT_WORDS},		   /* the dialogue: 5.5.0 is used for anything */
	{5, 1, VERDICT_WORDS},		   /* likewise: RCPT is refused as a bad command */
	{5, 4, VERDICT_WORDS},
};

/* Words that decide, the first list that has some.  All in lower case. */
static const char *const full_words[] = {
	"over quota",			"overquota",
	"over the quota",		"exceeded quota",
	"quota exceeded",		"quota exceed",
	"exceeds quota",		"mailbox full",
	"mailbox is full",		"inbox is full",
	"inbox full",			"mail box full",
	"out of storage",		"storage allocation",
	"storage limit",		"is over the limit",
	"mailfolder is full",	"exceeded storage",
	"exceeds allowed size", "exceeded the storage",
	"mailbox size limit",	"not enough space",
	"insufficient disk",	"insufficient storage",
	"disk quota",			"postfach ist voll",
	"boîte pleine",			"quota dépassé",
	"buzón lleno",			"casella piena",
	"mailbox vol",			"too many messages in the mailbox"};

/* Not this sender, not this message, not today. */
static const char *const slow_words[] = {"receiving mail at a rate",
										 "receiving mail too quickly",
										 "too many connections",
										 "too many recipients",
										 "rate limit",
										 "ratelimit",
										 "throttl",
										 "try again later",
										 "temporarily",
										 "greylist",
										 "graylist",
										 "temporary failure"};

static const char *const unknown_words[] = {"user unknown",
											"unknown user",
											"unknown recipient",
											"recipient unknown",
											"unknown address",
											"address unknown",
											"unknown local part",
											"unknown local-part",
											"unknown mailbox",
											"unknown account",
											"no such user",
											"no such recipient",
											"no such mailbox",
											"no such address",
											"no such person",
											"no such account",
											"no such local user",
											"no such domain",
											"no mailbox here",
											"no mailbox by that name",
											"user not found",
											"user is unknown",
											"recipient not found",
											"recipnotfound",
											"recipientnotfound",
											"recipient is not found",
											"mailbox not found",
											"account not found",
											"address not found",
											"addressee unknown",
											"not found in directory",
											"not listed in domino",
											"not listed in public",
											"not our customer",
											"does not exist",
											"doesn't exist",
											"doesn’t exist",
											"do not exist",
											"not exist",
											"doesn't have a",
											"does not have a",
											"couldn't be found",
											"couldn’t be found",
											"could not be found",
											"wasn't found",
											"wasn’t found",
											"was not found at",
											"is not a known user",
											"not a valid mailbox",
											"not a valid recipient",
											"not a valid user",
											"invalid mailbox",
											"invalid recipient",
											"invalid address",
											"bad destination mailbox",
											"bad address",
											"mailbox unavailable",
											"mailbox is unavailable",
											"mailbox not available",
											"mailbox is disabled",
											"mailbox disabled",
											"mailbox has been disabled",
											"mailbox is inactive",
											"account is disabled",
											"account has been disabled",
											"account disabled",
											"account is inactive",
											"account inactive",
											"account has been deactivated",
											"account closed",
											"account has been closed",
											"user disabled",
											"is disabled",
											"is no longer",
											"no longer available",
											"no longer valid",
											"no longer in use",
											"no longer works",
											"no longer employed",
											"host not found",
											"host unknown",
											"unknown host",
											"domain not found",
											"unknown domain",
											"name or service not known",
											"unrouteable",
											"unroutable",
											"unrouteable address",
											"null mx",
											"does not accept mail",
											"doesn't accept mail",
											"recipient address rejected: access denied",
											"said: 551",
											"unbekannter empfänger",
											"empfänger unbekannt",
											"empfänger existiert nicht",
											"existiert nicht",
											"utilisateur inconnu",
											"destinataire inconnu",
											"n'existe pas",
											"usuario desconocido",
											"no existe",
											"utente sconosciuto",
											"non esiste",
											"onbekende gebruiker",
											"bestaat niet",
											"usuário desconhecido",
											"não existe",
											"收件人不存在",
											"收件人地址不存在",
											"收件人邮件地址不存在",
											"收件者不存在",
											"用户不存在",
											"使用者不存在",
											"邮箱不存在",
											"信箱不存在",
											"帐号不存在",
											"账号不存在",
											"账户不存在",
											"送信先メールアドレスが見つかりません",
											"宛先が見つかりません",
											"ユーザーが見つかりません",
											"ユーザが見つかりません"};

/* These are about the sender or the message, though they may sound alike. */
static const char *const policy_words[] = {"sender address rejected",
										   "sender verify failed",
										   "sender domain",
										   "relay",
										   "spam",
										   "blacklist",
										   "blocklist",
										   "blocked",
										   "reputation",
										   "spf",
										   "dkim",
										   "dmarc",
										   "virus",
										   "too large",
										   "message size"};

static const char *const delayed_words[] = {"this is a warning message only",
											"you do not need to resend",
											"no need to resend",
											"do not need to retry",
											"has not yet been delivered",
											"not yet been delivered",
											"has been delayed",
											"delivery delayed",
											"delayed delivery",
											"is delayed",
											"still being retried",
											"will be retried",
											"will keep trying",
											"keep trying to deliver",
											"will continue to try",
											"will continue to be made",
											"attempts will continue",
											"continue trying",
											"delivery incomplete",
											"could not be sent for the last",
											"could not send message for past",
											"temporary problem delivering your message",
											"verzögert",
											"différée",
											"retardée",
											"se ha retrasado",
											"entrega retrasada",
											"in ritardo",
											"ritardato",
											"ritardata",
											"vertraagd",
											"entrega atrasada",
											"fördröjd",
											"försenad",
											"forsinket",
											"opóźnion",
											"задержан",
											"доставка задерж",
											"延迟",
											"延遲",
											"遅延",
											"weitere zustellversuche"};

bool
bounce_says_delayed(const char *folded)
{
	return folded_has_any(folded, delayed_words, lengthof(delayed_words));
}

const char *
bounce_kind_name(BounceKind kind)
{
	return kind == BOUNCE_HARD ? "hard" : kind == BOUNCE_SOFT ? "soft" : "delayed";
}

/* read_number reads up to three digits; -1 where there are none or more. */
static int
read_number(const char **p)
{
	int value = 0;
	int digits = 0;

	while (mime_digit(**p))
	{
		if (++digits > 3)
			return -1;
		value = value * 10 + (**p - '0');
		(*p)++;
	}
	return digits == 0 ? -1 : value;
}

/* read_status reads "5.1.1" at "p" and steps behind it. */
static bool
read_status(const char **p, int *class, int *subject, int *detail)
{
	*class = read_number(p);
	if ((*class != 2 && *class != 4 && *class != 5) || *(*p)++ != '.')
		return false;
	*subject = read_number(p);
	if (*subject < 0 || *(*p)++ != '.')
		return false;
	*detail = read_number(p);
	return *detail >= 0;
}

/*
 * bounce_find_status finds the first status code in a text.  Numbers of other
 * kinds, addresses of hosts above all, go on before or behind.
 */
char *
bounce_find_status(const char *text)
{
	char before = ' ';

	for (const char *p = text; *p; before = *p, p++)
	{
		const char *q = p;
		int class;
		int subject;
		int detail;

		if ((*p != '5' && *p != '4' && *p != '2') || p[1] != '.' || before == '.' ||
			mime_digit(before) || mime_alpha(before))
			continue;

		/* "550-5.1.1" is a line that is not the last of its reply. */
		if (before == '-' &&
			!(p - text >= 4 && mime_digit(p[-2]) && mime_digit(p[-3]) && mime_digit(p[-4])))
			continue;
		if (!read_status(&q, &class, &subject, &detail) || subject > 9)
			continue;
		if ((*q == '.' && mime_digit(q[1])) || mime_alpha(*q) || *q == '-')
		{
			/* "5.1.1-the address" goes on over lines. */
			if (*q != '-' || mime_digit(q[1]))
				continue;
		}
		return pnstrdup(p, q - p);
	}
	return NULL;
}

/* bounce_says_code: a line with the code of a refusal in it. */
bool
bounce_says_code(const char *folded)
{
	char *status = bounce_find_status(folded);

	if (status != NULL)
	{
		pfree(status);
		return true;
	}
	for (const char *p = folded; (p = strpbrk(p, "45")) != NULL; p++)
	{
		if ((p == folded || strchr(" \t:<>[('\"-", p[-1]) != NULL) && mime_digit(p[1]) &&
			mime_digit(p[2]) && (p[3] == ' ' || p[3] == '-' || p[3] == ':') && p[1] <= '7')
			return true;
	}
	return false;
}

/*
 * bounce_says_refusal: the reply's code and the status behind it ("550 5.1.1"),
 * which nobody writes of anything but mail.
 */
bool
bounce_says_refusal(const char *text)
{
	for (const char *p = text; (p = strpbrk(p, "45")) != NULL; p++)
	{
		const char *q = p + 3;
		int class;
		int subject;
		int detail;

		if ((p > text && (mime_digit(p[-1]) || mime_alpha(p[-1]) || p[-1] == '.')) ||
			!mime_digit(p[1]) || !mime_digit(p[2]) || strchr(" -:;", *q) == NULL || *q == '\0')
			continue;
		q += strspn(q, " -:;#(");
		if (*q == *p && read_status(&q, &class, &subject, &detail))
			return true;
	}
	return false;
}

/* bounce_says_why: words that a failure has for its reason, of mailboxes and hosts only. */
bool
bounce_says_why(const char *folded)
{
	return folded_has_any(folded, full_words, lengthof(full_words)) ||
		   folded_has_any(folded, unknown_words, lengthof(unknown_words));
}

/* judge_words decides by words alone. */
static bool
judge_words(const char *folded, BounceKind *kind)
{
	*kind = BOUNCE_SOFT;
	if (folded_has_any(folded, full_words, lengthof(full_words)) ||
		folded_has_any(folded, slow_words, lengthof(slow_words)))
		return true;
	if (folded_has_any(folded, unknown_words, lengthof(unknown_words)) &&
		strstr(folded, "sender address rejected") == NULL &&
		strstr(folded, "sender verify failed") == NULL)
	{
		*kind = BOUNCE_HARD;
		return true;
	}
	return folded_has_any(folded, policy_words, lengthof(policy_words));
}

static char *
fold_words(const char *text)
{
	StringInfoData folded;

	initStringInfo(&folded);
	casefold_head(&folded, text, strlen(text), MAX_WORDS);
	return folded.data;
}

/*
 * bounce_judge says what a failure means.  A code that is clear wins over
 * words, but for a mailbox that is full or slowed down: some servers call
 * that unknown.
 */
BounceKind
bounce_judge(const char *status, const char *diagnostic)
{
	char *folded = fold_words(diagnostic != NULL ? diagnostic : "");
	char *found = NULL;
	BounceKind words;
	bool said = judge_words(folded, &words);
	BounceKind kind = BOUNCE_SOFT;
	Verdict verdict = VERDICT_WORDS;
	int class = 5;
	int subject = 0;
	int detail = 0;
	const char *p = status;

	if (status == NULL || !read_status(&p, &class, &subject, &detail))
		class = subject = detail = 0;

	/* What says little may be said better in the words. */
	if ((class == 0 || (class == 5 && detail == 0)) && diagnostic != NULL)
	{
		int c;
		int s;
		int d;

		found = bounce_find_status(diagnostic);
		p = found;
		if (found != NULL && read_status(&p, &c, &s, &d))
		{
			class = c;
			subject = s;
			detail = d;
		}
	}

	if (class == 4)
		goto done;
	if (class == 0 && (folded[0] == '4' && mime_digit(folded[1]) && mime_digit(folded[2])) &&
		(folded[3] == ' ' || folded[3] == '-'))
		goto done;
	if (class == 5)
	{
		verdict = VERDICT_SOFT;
		for (int i = 0; i < lengthof(statuses); i++)
		{
			if (statuses[i].subject == subject && statuses[i].detail == detail)
				verdict = statuses[i].verdict;
		}
		/* Microsoft's own: 5.1.20 and above are addresses it cannot use. */
		if (subject == 1 && detail > 10)
			verdict = VERDICT_WORDS;
	}
	switch (verdict)
	{
		case VERDICT_HARD:
			kind = folded_has_any(folded, full_words, lengthof(full_words)) ||
						   strstr(folded, "receiving mail") != NULL ?
					   BOUNCE_SOFT :
					   BOUNCE_HARD;
			break;
		case VERDICT_SOFT:
			kind = BOUNCE_SOFT;
			break;
		case VERDICT_WORDS:
			kind = said ? words : BOUNCE_SOFT;
			break;
		case VERDICT_WORDS_OR_HARD:
			kind = said ? words : BOUNCE_HARD;
			break;
	}

done:
	if (found != NULL)
		pfree(found);
	pfree(folded);
	return kind;
}

/* bounce_is_final: a refusal that no later attempt changes, whatever else is said. */
bool
bounce_is_final(const char *status, const char *diagnostic)
{
	if (status != NULL)
		return *status == '5';
	return diagnostic != NULL &&
		   ((*diagnostic == '5' && mime_digit(diagnostic[1]) && mime_digit(diagnostic[2]) &&
			 (diagnostic[3] == ' ' || diagnostic[3] == '-')) ||
			bounce_judge(NULL, diagnostic) == BOUNCE_HARD);
}
