/*-------------------------------------------------------------------------
 *
 * bounce_sender.c
 *	  Whether a machine sent a mail, and to say that it is about a delivery.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/bounce.h"

#include "core/bounce_words.h"
#include "core/casefold.h"
#include "core/mime_automatic_subject.h"
#include "core/quoted_words.h"

#define MAX_FOLD 400	 /* bytes of a subject or an address that are compared */
#define MAX_OPENING 1500 /* bytes of a text, likewise */

/* bounce_is_from_system looks at the From alone. */
bool
bounce_is_from_system(const MimeMessage *mail)
{
	StringInfoData folded;
	const char *from;
	bool system;

	if (mail->from.count == 0)
		return true;
	from = mail->from.items[0].address;
	initStringInfo(&folded);
	system = bounce_is_mail_system(casefold_head(&folded, from, strlen(from), MAX_FOLD));
	pfree(folded.data);
	return system;
}

/*
 * is_machine: by what the mail system and the From say of it, not by words that
 * people use as well.
 */
static bool
is_machine(const MimeMessage *mail, StringInfo folded)
{
	const char *from;

	if (mail->automatic && !mail->by_list && strncmp(mail->automatic_reason, "Subject", 7) != 0 &&
		strncmp(mail->automatic_reason, "X-Auto-Response-Suppress", 24) != 0)
		return true;
	if (mail->from.count == 0)
		return true;
	from = mail->from.items[0].address;
	return bounce_is_daemon(casefold_head(folded, from, strlen(from), MAX_FOLD));
}

/*
 * bounce_sender tells who sent a mail.  A postmaster is a person, too: one who
 * can be answered has to say so in the subject.
 */
BounceSender
bounce_sender(const MimeMessage *mail, const char *text, size_t len)
{
	const char *submitted = mime_header(mail, "Auto-Submitted");
	const char *subject = mail->subject != NULL ? mail->subject : "";
	bool system = bounce_is_from_system(mail);
	bool nobody = mail->return_path != NULL && mail->return_path[0] == '\0';
	BounceSender sender = BOUNCE_SENDER_OTHER;
	StringInfoData folded;
	const char *bare;
	bool postmaster;
	bool answerable;

	/* (an answer that names a colleague; mail systems say so of their reports, too) */
	if (submitted != NULL && pg_strncasecmp(submitted, "auto-replied", 12) == 0 && !system)
		return BOUNCE_SENDER_OTHER;

	postmaster =
		mail->from.count > 0 && pg_strncasecmp(mail->from.items[0].address, "postmaster@", 11) == 0;
	answerable = postmaster && !mail->automatic && mail->return_path != NULL;
	initStringInfo(&folded);
	if (is_machine(mail, &folded) &&
		(system || !automatic_is_subject(casefold_head(&folded, subject, strlen(subject), MAX_FOLD),
										 true, &bare)) &&
		!quoted_is_answer(casefold_head(&folded, subject, strlen(subject), MAX_FOLD)))
	{
		if (bounce_is_subject(folded.data) || (bounce_is_system_subject(folded.data) && system) ||
			(bounce_is_opening(folded.data) && system) ||
			(!answerable && bounce_is_opening(casefold_head(&folded, text, len, MAX_OPENING))))
			sender = BOUNCE_SENDER_REPORTS;
		else if (system && !postmaster)
			sender = BOUNCE_SENDER_DAEMON;

		/* (whose summaries of spam have addresses and numbers, too) */
		else if (nobody || (postmaster && !answerable))
			sender = BOUNCE_SENDER_NOBODY;
	}
	pfree(folded.data);
	return sender;
}
