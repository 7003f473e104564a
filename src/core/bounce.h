/*-------------------------------------------------------------------------
 *
 * bounce.h
 *	  Mail that says that a mail of ours was not delivered, or not yet; and
 *	  that it was.
 *
 * bounce_report.c reads the standard form (RFC 3464, RFC 6533), bounce_text.c
 * the many others, with bounce_sender.c for who sent it, bounce_address.c and
 * bounce_sentence.c for the addresses in it; bounce_kind.c says what a failure
 * means for the address.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_BOUNCE_H
#define AR_INBOX_BOUNCE_H

#include "core/core.h"
#include "core/mime.h"
#include "core/report.h"

typedef enum BounceKind
{
	BOUNCE_DELAYED, /* no failure: it is still being tried */
	BOUNCE_SOFT,	/* this mail was not delivered, another may be */
	BOUNCE_HARD		/* the address takes no mail */
} BounceKind;

typedef struct BounceRecipient
{
	BounceKind kind;
	char *address;	  /* the one we wrote to, as far as the report says */
	char *final;	  /* the one it was forwarded to, NULL where it is the same */
	char *status;	  /* as the report has it ("5.1.1"), or NULL */
	char *diagnostic; /* the mail server's words, or NULL */
	char *remote;	  /* the host that refused, or NULL */
} BounceRecipient;

typedef struct Bounce
{
	BounceKind kind; /* the worst of its recipients' */
	int recipient_count;
	BounceRecipient *recipients;
	bool standard; /* it has a message/delivery-status */
	ReportOriginal original;
} Bounce;

/* That a mail reached all of whom a report (RFC 3464) speaks: an event on it. */
typedef struct Delivered
{
	char *action;  /* delivered, relayed or expanded: the first recipient's */
	char *address; /* and that one's, NULL where it is not said */
	ReportOriginal original;
} Delivered;

/*
 * NULL: the mail is no bounce.  A report that a mail was delivered is none.
 */
extern Bounce *bounce_read(const MimeMessage *mail);

/* NULL: the mail is no such report, or some recipient did not get it. */
extern Delivered *delivered_read(const MimeMessage *mail);
extern const char *bounce_kind_name(BounceKind kind);

/* Is it from a mail system, which writes about deliveries only, or from nobody? */
extern bool bounce_is_from_system(const MimeMessage *mail);

/* What a failure with this status and these words means; either may be NULL. */
extern BounceKind bounce_judge(const char *status, const char *diagnostic);

/* Does a text say that the mail is only late?  It is in lower case. */
extern bool bounce_says_delayed(const char *folded);

/* Who sent a mail, for what it may say of deliveries. */
typedef enum BounceSender
{
	BOUNCE_SENDER_OTHER,  /* a person, or a machine with something else to say */
	BOUNCE_SENDER_NOBODY, /* who is not to be answered; no words are known that say more */
	BOUNCE_SENDER_DAEMON, /* a mail system, likewise */
	BOUNCE_SENDER_REPORTS /* a machine, whose words say that this is a report */
} BounceSender;

/* Between the files of bounces. */
extern BounceSender bounce_sender(const MimeMessage *mail, const char *text, size_t len);
extern bool bounce_says_code(const char *folded);
extern bool bounce_says_refusal(const char *text);
extern bool bounce_says_why(const char *folded);
extern bool bounce_is_final(const char *status, const char *diagnostic);
extern Bounce *bounce_read_text(const MimeMessage *mail);
extern BounceRecipient *bounce_add(Bounce *bounce);
extern void bounce_sum_up(Bounce *bounce);
extern char *bounce_find_status(const char *text);

#endif /* AR_INBOX_BOUNCE_H */
