/*-------------------------------------------------------------------------
 *
 * bounce_test.c
 *	  Bounces, receipts and complaints: the corpus, the table of what a status
 *	  means, and reports made to harm.
 *
 * Run from the top of the source tree.  Beside each NAME.eml of
 * test/corpus/bounces stands NAME.expected, what must be read from it.  With
 * arguments it prints what it reads from those files.  With MIME_SLOW in the
 * environment (valgrind, sanitizers) the time limits are not held.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <dirent.h>
#include <time.h>

#include "core/bounce.h"
#include "core/report.h"
#include "tap.h"

#define FOLDER "test/corpus/bounces"

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
slurp(const char *path, StringInfo data)
{
	char block[4096];
	FILE *file = fopen(path, "rb");
	size_t got;

	if (file == NULL)
	{
		printf("Bail out! %s cannot be opened\n", path);
		exit(1);
	}
	initStringInfo(data);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		appendBinaryStringInfo(data, block, (int) got);
	fclose(file);
}

static void
put(StringInfo out, const char *name, const char *value)
{
	if (value != NULL)
		appendStringInfo(out, "%s: %s\n", name, value);
}

static void
describe_original(const ReportOriginal *original, StringInfo out)
{
	put(out, "message_id", original->message_id);
	put(out, "envelope_id", original->envelope_id);
}

/* describe writes all that is read from a mail, line by line. */
static void
describe(const char *data, size_t len, StringInfo out)
{
	MimeMessage *mail = mime_read(data, len);
	Bounce *bounce = bounce_read(mail);
	Receipt *receipt = receipt_read(mail);
	Complaint *complaint = complaint_read(mail);
	Delivered *delivered = delivered_read(mail);

	mime_free(mail);
	initStringInfo(out);
	if (bounce != NULL)
	{
		appendStringInfo(out, "bounce: %s\n", bounce_kind_name(bounce->kind));
		for (int i = 0; i < bounce->recipient_count; i++)
		{
			const BounceRecipient *recipient = &bounce->recipients[i];

			appendStringInfo(out, "recipient: %s\n", bounce_kind_name(recipient->kind));
			put(out, "address", recipient->address);
			put(out, "final", recipient->final);
			put(out, "status", recipient->status);
			put(out, "diagnostic", recipient->diagnostic);
			put(out, "remote", recipient->remote);
		}
		describe_original(&bounce->original, out);
	}
	if (receipt != NULL)
	{
		appendStringInfo(out, "receipt: %s%s\n", receipt->disposition,
						 receipt->automatic ? ", automatic" : "");
		put(out, "address", receipt->address);
		describe_original(&receipt->original, out);
	}
	if (complaint != NULL)
	{
		appendStringInfo(out, "complaint: %s\n", complaint->type);
		for (int i = 0; i < complaint->address_count; i++)
			put(out, "address", complaint->addresses[i]);
		put(out, "source", complaint->source);
		describe_original(&complaint->original, out);
	}
	if (delivered != NULL)
	{
		appendStringInfo(out, "delivered: %s\n", delivered->action);
		put(out, "address", delivered->address);
		describe_original(&delivered->original, out);
	}
	if (out->len == 0)
		appendStringInfoString(out, "none\n");
}

static void
test_corpus(void)
{
	DIR *folder = opendir(FOLDER);
	char *names[1000];
	int count = 0;
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL && count < lengthof(names))
	{
		char *dot = strstr(entry->d_name, ".eml");

		if (dot != NULL)
			names[count++] = pnstrdup(entry->d_name, dot - entry->d_name);
	}
	ok(count >= 40, "%d bounces are there to be read", count);
	if (folder != NULL)
		closedir(folder);
	qsort(names, count, sizeof(char *), by_name);
	for (int i = 0; i < count; i++)
	{
		char path[512];
		StringInfoData data;
		StringInfoData want;
		StringInfoData got;

		snprintf(path, sizeof(path), FOLDER "/%s.eml", names[i]);
		slurp(path, &data);
		snprintf(path, sizeof(path), FOLDER "/%s.expected", names[i]);
		slurp(path, &want);
		describe(data.data, data.len, &got);
		is(got.data, want.data, names[i]);
	}
}

typedef struct Judged
{
	const char *status;
	const char *diagnostic;
	BounceKind kind;
} Judged;

static const Judged judged[] = {
	{"5.1.0", NULL, BOUNCE_HARD},
	{"5.1.0", "550 5.1.0 Sender address rejected: user unknown", BOUNCE_SOFT},
	{"5.1.1", NULL, BOUNCE_HARD},
	{"5.1.1", "452 4.2.2 over quota", BOUNCE_SOFT},
	{"5.1.2", NULL, BOUNCE_HARD},
	{"5.1.3", NULL, BOUNCE_HARD},
	{"5.1.6", NULL, BOUNCE_HARD},
	{"5.1.7", NULL, BOUNCE_SOFT},
	{"5.1.8", "sender domain does not exist", BOUNCE_SOFT},
	{"5.1.10", NULL, BOUNCE_HARD},
	{"5.1.90", "too many recipients today", BOUNCE_SOFT},
	{"5.2.0", NULL, BOUNCE_SOFT},
	{"5.2.0", "no such mailbox", BOUNCE_HARD},
	{"5.2.1", NULL, BOUNCE_HARD},
	{"5.2.2", "user unknown", BOUNCE_SOFT},
	{"5.2.3", NULL, BOUNCE_SOFT},
	{"5.3.0", NULL, BOUNCE_SOFT},
	{"5.3.0", "553 5.3.0 User unknown", BOUNCE_HARD},
	{"5.3.4", NULL, BOUNCE_SOFT},
	{"5.4.1", NULL, BOUNCE_SOFT},
	{"5.4.4", NULL, BOUNCE_HARD},
	{"5.4.6", NULL, BOUNCE_SOFT},
	{"5.4.7", NULL, BOUNCE_SOFT},
	{"5.4.310", NULL, BOUNCE_HARD},
	{"5.5.0", NULL, BOUNCE_SOFT},
	{"5.6.0", NULL, BOUNCE_SOFT},
	{"5.7.1", "user unknown", BOUNCE_SOFT},
	{"5.7.133", NULL, BOUNCE_SOFT},
	{"4.1.1", "user unknown", BOUNCE_SOFT},
	{"4.2.2", NULL, BOUNCE_SOFT},
	{"5.0.0", "550 5.7.1 spam", BOUNCE_SOFT},
	{"5.0.0", "connect to 5.1.1.1: refused", BOUNCE_SOFT},
	{NULL, NULL, BOUNCE_SOFT},
	{NULL, "550 User unknown", BOUNCE_HARD},
	{NULL, "450 User unknown, try later", BOUNCE_SOFT},
	{NULL, "550 relaying denied", BOUNCE_SOFT},
	{NULL, "550 5.1.1-not here", BOUNCE_HARD},
	{"nonsense", "NO SUCH USER", BOUNCE_HARD},
};

static void
test_table(void)
{
	for (int i = 0; i < lengthof(judged); i++)
		is(bounce_kind_name(bounce_judge(judged[i].status, judged[i].diagnostic)),
		   bounce_kind_name(judged[i].kind),
		   psprintf("%s, %s", judged[i].status ? judged[i].status : "no status",
					judged[i].diagnostic ? judged[i].diagnostic : "no words"));
}

static void
test_find_status(void)
{
	static const char *const texts[][2] = {{"550 5.1.1 unknown", "5.1.1"},
										   {"(#5.2.2)", "5.2.2"},
										   {"5.1.10", "5.1.10"},
										   {"550-5.7.26 no", "5.7.26"},
										   {"host 5.1.1.1 said", NULL},
										   {"15.1.1", NULL},
										   {"1.5.1.1", NULL},
										   {"version 5.1", NULL},
										   {"5.1.1a", NULL},
										   {"5.1.1234", NULL},
										   {"5.1.1.", "5.1.1"},
										   {"", NULL},
										   {"3.1.1", NULL},
										   {"4.4.7, 5.1.1", "4.4.7"},
										   {"5.99.1", NULL}};

	for (int i = 0; i < lengthof(texts); i++)
		is(bounce_find_status(texts[i][0]), texts[i][1], psprintf("a status in '%s'", texts[i][0]));
}

/* What is written here again and again must not take long, nor say much. */
static const char *const pieces[][2] = {
	{"text/plain", "<a@example.net>:\n"},
	{"text/plain", "@"},
	{"text/plain", "a@b.c@"},
	{"text/plain", "Message-ID:\n"},
	{"text/plain", "because:\n"},
	{"text/plain", "5.1.1.1."},
	{"text/plain", "Failed address: x@example.net 550 5.1.1 "},
	{"text/plain", "((((<<<<"},
	{"text/plain", "-"},
	{"text/plain", "- "},
	{"text/plain", "\xEF\xBC\x88"},
	{"text/plain", "\xE6\x94\xB6"},
	{"text/plain", "\xE6\x94\xB6@"},
	{"text/plain", "\xE6\x94\xB6\xE4\xBB\xB6\xE4\xBA\xBA a@\n"},
	{"text/plain", "\n"},
	{"message/delivery-status", "Final-Recipient: rfc822;a@example.net\n\n"},
	{"message/delivery-status", "Action: failed\n"},
	{"message/delivery-status", " \n"},
	{"message/delivery-status", ":"},
	{"message/delivery-status", "Final-Recipient: utf-8; \\x{41\n"},
	{"message/feedback-report", "Original-Rcpt-To: a@example.net\n"},
	{"message/disposition-notification", "Disposition: a;;;;\n"},
	{"message/rfc822", "Message-ID: <a@b>\n"},
	{"message/rfc822", "\n"},
};

static void
test_harm(void)
{
	for (int i = 0; i < lengthof(pieces); i++)
	{
		StringInfoData mail;
		StringInfoData got;
		struct timespec before;
		struct timespec after;
		double seconds;

		initStringInfo(&mail);
		appendStringInfo(&mail,
						 "Return-Path: <>\nFrom: MAILER-DAEMON@example.net\n"
						 "To: billing@example.com\nSubject: failure notice\n"
						 "X-Failed-Recipients: b@example.net\n"
						 "Content-Type: multipart/report; boundary=b\n\n--b\n"
						 "Content-Type: %s\n\n",
						 pieces[i][0]);
		while (mail.len < 20 * 1024 * 1024)
			appendStringInfoString(&mail, pieces[i][1]);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		describe(mail.data, mail.len, &got);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		seconds = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
		ok(seconds < 1 || getenv("MIME_SLOW") != NULL, "20 MB of piece %d take %.2f s", i + 1,
		   seconds);
		ok(got.len < 4 * 1024 * 1024, "and say no more than %d bytes", got.len);
		pfree(mail.data);
		pfree(got.data);
	}
}

/* What is too long for an address is none; cut, it would be somebody else's, or half a character. */
static void
test_long_address(void)
{
	for (int more = 300; more <= 310; more++)
	{
		StringInfoData mail;
		StringInfoData got;

		initStringInfo(&mail);
		appendStringInfoString(&mail,
							   "Return-Path: <>\nFrom: MAILER-DAEMON@example.net\n"
							   "To: billing@example.com\nSubject: failure notice\n\n"
							   "   ----- The following addresses had permanent fatal errors -----\n"
							   "<bob@example.net");
		for (int i = 0; i < more / 2; i++)
			appendStringInfoString(&mail, "\xC3\xA9");
		appendStringInfo(&mail, "%s>\n    (reason: 550 5.1.1 no such user)\n", more % 2 ? "x" : "");
		describe(mail.data, mail.len, &got);
		/* (15 bytes stand before them) */
		ok((strstr(got.data, "bob@example.net") != NULL) == (15 + more <= 320),
		   "an address of %d bytes", 15 + more);
		pfree(mail.data);
		pfree(got.data);
	}
}

/* Where an address begins and ends, in lines of reports; NULL: there is none. */
static const char *const lines[][2] = {
	{"bob@example.net", "bob@example.net"},
	{"<bob@example.net>: 550", "bob@example.net"},
	{"- bob@example.net", "bob@example.net"},
	{"-- bob@example.net", "bob@example.net"},
	{"-- <bob@example.net>", "bob@example.net"},
	{"-----", NULL},
	{"-- ", NULL},
	{"-bob@example.net", "-bob@example.net"},
	{"（bob@example.net）", "bob@example.net"},
	{"【bob@example.net】", "bob@example.net"},
	{"「bob@example.net」", "bob@example.net"},
	{"・bob@example.net", "bob@example.net"},
	{"• bob@example.net", "bob@example.net"},
	{"“bob@example.net”", "bob@example.net"},
	{"bob@example.net、", "bob@example.net"},
	{"bob@example.net不存在", "bob@example.net"},
	{"bob@example.net，不存在", "bob@example.net"},
	{"收件人bob@example.net不存在", "bob@example.net"},
	{"收件人：bob@example.net。", "bob@example.net"},
	{"收件人邮件地址（bob@example.net）不存在，邮件无法送达。", "bob@example.net"},
	{"宛先:bob@example.netに送信できません", "bob@example.net"},
	{"jürgen@bücher.example", "jürgen@bücher.example"},
	{"用户@例子.example", "用户@例子.example"},
	{"bob@例子.example", "bob@例子.example"},
	{"bob@mail.例子.example", "bob@mail.例子.example"},
	{"谢谢bob@example.net再见", NULL},
	{"收件人@", NULL},
	{"收件人@@", NULL},
	{"收", NULL},
};

static void
test_lines(void)
{
	for (int i = 0; i < lengthof(lines); i++)
	{
		StringInfoData mail;
		MimeMessage *read;
		Bounce *bounce;

		initStringInfo(&mail);
		appendStringInfo(&mail,
						 "Return-Path: <>\nFrom: MAILER-DAEMON@example.net\n"
						 "To: billing@example.com\nSubject: failure notice\n"
						 "Content-Type: text/plain; charset=utf-8\n"
						 "Content-Transfer-Encoding: 8bit\n\n"
						 "%s\n550 5.1.1 no such user\n",
						 lines[i][0]);
		read = mime_read(mail.data, mail.len);
		bounce = bounce_read(read);
		is(bounce != NULL && bounce->recipient_count > 0 ? bounce->recipients[0].address : NULL,
		   lines[i][1], psprintf("the address in '%s'", lines[i][0]));
		mime_free(read);
		pfree(mail.data);
	}
}

/* Who sends a report in a multipart/mixed, and whether it is theirs. */
static const struct
{
	const char *from;
	const char *subject;
	bool bounce;
} attached[] = {
	{"postmaster@example.net", "Message could not be sent", true},
	{"MAILER-DAEMON@example.net", "Message could not be sent", true},
	{"noreply@example.net", "Undelivered Mail Returned to Sender", true},
	{"noreply@example.net", "News of our shop", false},
	{"postmaster@example.net", "Re: Message could not be sent", false},
	{"postmaster@example.net", "FW: Message could not be sent", false},
	{"ann@example.net", "Undelivered Mail Returned to Sender", false},
	{"ann@example.net", "Message could not be sent", false},
};

static void
test_attached(void)
{
	for (int i = 0; i < lengthof(attached); i++)
	{
		StringInfoData mail;
		MimeMessage *read;

		initStringInfo(&mail);
		appendStringInfo(&mail,
						 "Return-Path: <%s>\nFrom: %s\nTo: billing@example.com\nSubject: %s\n"
						 "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nPlease see.\n"
						 "--b\nContent-Type: message/delivery-status\n\n"
						 "Reporting-MTA: dns; example.net\n\n"
						 "Final-Recipient: rfc822; bob@example.net\nAction: failed\n"
						 "Status: 5.1.1\n\n--b--\n",
						 attached[i].from, attached[i].from, attached[i].subject);
		read = mime_read(mail.data, mail.len);
		ok((bounce_read(read) != NULL) == attached[i].bounce, "%s sends a report: '%s'",
		   attached[i].from, attached[i].subject);
		mime_free(read);
		pfree(mail.data);
	}
}

/* Words of bounces, which are those of goods and of people, too. */
static const struct
{
	const char *header;
	const char *body;
	bool bounce;
} worded[] = {
	{"From: ann@example.net\nSubject: Delivery problem INV-17\nList-Id: "
	 "<billing.example.com>\nPrecedence: list\nIn-Reply-To: <a@example.com>\n",
	 "Hi,\n\n500 pcs of INV-17 did not arrive, please ask\n\njoe@example.net\n550 pcs were "
	 "ordered, these do not exist in the delivery note.\n",
	 false},
	{"From: ann@example.net\nSubject: [EXTERNAL] Re: Delivery problem INV-17\nList-Id: "
	 "<billing.example.com>\n",
	 "Goods not arrived.\n\nann@example.net is no longer here, please write to me.\n\nBob\n",
	 false},
	{"From: ann@example.net\nSubject: Delivery problem INV-17\nX-Auto-Response-Suppress: All\n",
	 "500 pcs did not arrive, please ask\n\njoe@example.net\n550 pcs were ordered, these do not "
	 "exist.\n",
	 false},
	{"From: delivery@example.net\nSubject: RES: Delivery problem INV-17\nIn-Reply-To: "
	 "<a@example.com>\n",
	 "Goods not arrived.\n\nbob@example.net is no longer here, please write to me.\n", false},
	{"From: systems@example.net\nSubject: Delivery error INV-17\n",
	 "Hi,\n\nann@example.net is no longer here, write to me.\n\nJoe\n", false},
	{"From: delivery@example.net\nSubject: Invoice 17\n",
	 "Hi,\n\nthe goods could not be delivered: the address was not found.\n\nann@example.net\nno "
	 "such address in our system\n",
	 false},
	{"From: ann@example.net\nSubject: Automatic reply: Hello\nAuto-Submitted: auto-replied\n",
	 "Ann has left and this mailbox is no longer in use. Your message could not be "
	 "delivered.\n\nPlease contact:\nBob Brown <bob@example.net>\n",
	 false},
	{"From: no-reply@parcels.example\nSubject: Delivery failed: parcel 4711\n",
	 "Dear customer,\n\nyour parcel could not be delivered to:\nAnn Archer\nann@example.net\n\n550 "
	 "Main Street, the address does not exist.\n",
	 false},
	{"From: noreply@portal.example\nSubject: Invoice 17 could not be delivered\n",
	 "Your invoice could not be delivered to\nap@example.net\nThe invoice number does not exist in "
	 "our system.\n",
	 false},
	{"Return-Path: <>\nFrom: delivery@example.net\nSubject: Undelivered mail\n",
	 "Your message could not be delivered.\n\nbob@example.net\n550 5.1.1 no such user\n", true},
	{"From: noreply@example.net\nSubject: Undelivered mail\n",
	 "Your message could not be delivered.\n\n<bob@example.net>: 550 5.1.1 no such user\n", true},
	{"From: postmaster@example.net\nSubject: Undelivered mail\nAuto-Submitted: auto-replied\n",
	 "Your message could not be delivered.\n\n<bob@example.net>: 550 5.1.1 no such user\n", true},
	{"From: MicrosoftExchange329e@example.net\nSubject: Niedostarczalne: Faktura 17\n",
	 "Nie można dostarczyć wiadomości do bob@example.net.\n550 5.1.10 "
	 "RESOLVER.ADR.RecipientNotFound\n",
	 true},
	/* a postmaster who can be answered is a person; so is whose name only begins like a daemon's */
	{"Return-Path: <postmaster@example.net>\nFrom: Pat <postmaster@example.net>\n"
	 "Subject: Invoice 17\n",
	 "Your message could not be delivered to bob@example.net, who has left. What is it "
	 "about?\n\n550 5.1.1 is what our log says\n",
	 false},
	{"Return-Path: <bouncer@example.net>\nFrom: bouncer@example.net\nSubject: Undeliverable "
	 "goods\n",
	 "Hi,\n\nthese are still missing:\nann@example.net\n5.1.1 in your list\n", false},
	{"Return-Path: <ann@example.net>\nFrom: ann@example.net\nSubject: Invoice 17\n"
	 "X-Failed-Recipients: bob@example.net\n",
	 "Hi,\n\n<bob@example.net>: 550 5.1.1 unknown\n", false},
	{"Return-Path: <>\nFrom: mail@example.net\nSubject: Sorry\nX-Failed-Recipients: "
	 "bob@example.net\n",
	 "550 5.1.1 unknown\n", true},
	/* it arrived after all */
	{"Return-Path: <>\nFrom: postmaster@example.net\nSubject: Delivery Status Notification "
	 "(Success)\n",
	 "Your message has been successfully delivered to:\n\nbob@example.net\n", false},
	{"Return-Path: <>\nFrom: mailer-daemon@example.net\nSubject: Delivery report\n",
	 "Please note:\n\nbob@example.net\n250 2.1.5 OK\n", false},
	{"Return-Path: <>\nFrom: mailer-daemon@example.net\nSubject: Delivery report\n",
	 "bob@example.net\nThe message was delivered to the mailbox.\n", false},
	{"Return-Path: <>\nFrom: mailer-daemon@example.net\nSubject: Delivery report\n",
	 "It was delivered to some, and failed for\n\nbob@example.net\n550 5.1.1 unknown\n", true},
	/* somebody who left says so, and nobody's mail failed */
	{"Return-Path: <>\nFrom: ann@example.net\nSubject: Automatic reply: Invoice 17\n",
	 "This mailbox is no longer in use and your message could not be delivered. Ask:\n\nBob Brown "
	 "<bob@example.net>\n550 1234\n",
	 false},
	{"Return-Path: <>\nFrom: ann@example.net\nSubject: Ann has left\n",
	 "Your message has not been delivered. This address is no longer valid.\n", false},
	/* parcels are late as well; postmasters send summaries */
	{"Return-Path: <no-reply@parcels.example>\nFrom: no-reply@parcels.example\nSubject: Delivery "
	 "delayed: parcel 4711\n",
	 "Your parcel is delayed.\n\nann@example.net\n", false},
	{"Return-Path: <bounce@shop.example>\nFrom: bounce@shop.example\nSubject: Delivery delayed: "
	 "order 17\n",
	 "Your order is delayed.\n", false},
	{"Return-Path: <>\nFrom: postmaster@example.net\nSubject: Quarantine summary\n",
	 "Held for you:\n\njoe@shop.example\n450 EUR, does not exist elsewhere\n", false},
	/* no words are known, but who sends it and what stands behind the address say enough */
	{"Return-Path: <>\nFrom: postmaster@example.net\nSubject: Teslim edilemedi: Fatura 17\n",
	 "Bu al\xC4\xB1"
	 "c\xC4\xB1ya teslim edilemedi:\n\nbob@example.net\n\nRemote Server returned '550 5.1.10 "
	 "RESOLVER.ADR.RecipientNotFound'\n",
	 true},
	{"Return-Path: <>\nFrom: mailer-daemon@example.net\nSubject: Mailbox full\n",
	 "bob@example.net\nmailbox is full\n", true},
	{"Return-Path: <>\nFrom: MAILER-DAEMON@example.net\nSubject: Done\n",
	 "We have passed your message on to\n\nbob@example.net\n", false},
	{"Return-Path: <>\nFrom: ann@example.net\nSubject: Weg\n",
	 "Bitte schreiben an\n\nbob@example.net\nTel. 555 123\n", false},
	{"Return-Path: <>\nFrom: ann@example.net\nSubject: Weg\n",
	 "Antworten sind verz\xC3\xB6gert.\n\nbob@example.net\nTel. 555 123\n", false},
	{"Return-Path: <>\nFrom: info@example.net\nSubject: Mail konnte nicht zugestellt werden\n",
	 "bob@example.net\n550-5.1.1 Unbekannter Empfaenger\n", true},
	{"From: postmaster@example.net\nSubject: Undeliverable: Invoice 17\n",
	 "The following message to <bob@example.net> was undeliverable.\nThe reason for the "
	 "problem:\n5.1.0 - Unknown address error 550-'5.1.1 User unknown'\n",
	 true},
};

static void
test_worded(void)
{
	for (int i = 0; i < lengthof(worded); i++)
	{
		StringInfoData mail;
		MimeMessage *read;

		initStringInfo(&mail);
		appendStringInfo(&mail, "%sTo: billing@example.com\n\n%s", worded[i].header,
						 worded[i].body);
		read = mime_read(mail.data, mail.len);
		ok((bounce_read(read) != NULL) == worded[i].bounce,
		   "%d: a bounce, or somebody's words: '%s'", i + 1, read->subject);
		mime_free(read);
		pfree(mail.data);
	}
}

/*
 * Whose mail failed, by the report's text; not whom to ask about it, or to write
 * to instead.  The kind is the last one's.
 */
static const struct
{
	const char *subject;
	const char *body;
	const char *addresses;
	BounceKind kind;
} named[] = {
	{"Undeliverable: Invoice 17",
	 "bob@example.net\n550 5.1.1 no such user\n\nIf the problem persists, contact\n"
	 "support@mail.test\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Undeliverable: Invoice 17",
	 "Delivery to bob@example.net failed: 550 5.1.1 no such user\n\nFor help with delivery to this "
	 "domain contact support@mail.test.\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Undeliverable: Invoice 17",
	 "Please contact your administrator <admin@mail.test>\n\n<bob@example.net>: 550 5.1.1 no such "
	 "user\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Undeliverable: Invoice 17",
	 "<bob@example.net>: 550 5.1.1 no such user\n\nFor further assistance, please contact:\n\n"
	 "helpdesk@mail.test\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Undeliverable: Invoice 17",
	 "<bob@example.net>: 550 5.1.1 no such user\n\nFor further assistance, please\nsend this "
	 "report "
	 "to\nhelpdesk@mail.test and wait.\n",
	 "bob@example.net", BOUNCE_HARD},
	{"failure notice", "<bob@example.net>:\n551 user not local; please try <rob@example.org>\n",
	 "bob@example.net", BOUNCE_SOFT},
	{"Unzustellbar: Rechnung 17",
	 "Ihre Nachricht an bob@example.net konnte nicht zugestellt werden.\n550 5.1.1 unbekannt\n\n"
	 "Bitte wenden Sie sich an den Support:\nsupport@mail.test\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Non remis : facture 17",
	 "Votre message \xC3\xA0 bob@example.net n'a pas pu \xC3\xAAtre remis.\n550 5.1.1 inconnu\n\n"
	 "Veuillez contacter votre administrateur :\nadmin@mail.test\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Onbestelbaar: factuur 17",
	 "Uw bericht aan bob@example.net kon niet worden bezorgd.\n550 5.1.1 onbekend\n\nNeem contact "
	 "op met\nhulp@mail.test\n",
	 "bob@example.net", BOUNCE_HARD},
	{"退信", "收件人：bob@example.net\n550 5.1.1 User unknown\n\n请联系管理员\nadmin@mail.test\n",
	 "bob@example.net", BOUNCE_HARD},
	{"配信不能: 請求書",
	 "宛先: bob@example.net\n550 5.1.1 User unknown\n\nお問い合わせ先\nsupport@mail.test\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Nachricht konnte nicht zugestellt werden",
	 "Empf\xC3\xA4nger: bob@example.net\nFehler: 550 5.1.1 User unknown\n", "bob@example.net",
	 BOUNCE_HARD},
	/* the sentence has an end; the office's name is no sentence; the address failed after all */
	{"Undeliverable: Invoice 17",
	 "Please contact your administrator if you need help.\n\nbob@example.net\n550 5.1.1 no such "
	 "user\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Undeliverable: Invoice 17",
	 "Delivery has failed to these recipients:\n\nSupport Team (support@example.net)\n550 5.1.1 no "
	 "such user\n",
	 "support@example.net", BOUNCE_HARD},
	{"Undeliverable: Invoice 17",
	 "Please contact your administrator:\n<bob@example.net>: 550 5.1.1 no such user\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Mail delivery failed",
	 "The following address(es) failed:\n\n  bob@example.net\n    550 5.7.1 blocked, please "
	 "contact "
	 "support for help\n  joe@example.net\n    550 5.1.1 unknown\n",
	 "bob@example.net joe@example.net", BOUNCE_HARD},
	{"Mail delivery failed",
	 "The following address(es) failed:\n\nbob@example.net\nsaid '550 5.7.1 blocked, contact your "
	 "desk'\njoe@example.net\nsaid '550 5.1.1 unknown'\n",
	 "bob@example.net joe@example.net", BOUNCE_HARD},
	{"Unzustellbar: Rechnung 17",
	 "Bei Fragen wenden Sie sich an den Support\nEmpfänger: bob@example.net\nFehler: 550 5.1.1 "
	 "unbekannt\n",
	 "bob@example.net", BOUNCE_HARD},
	/* the words are in no language that is known: nobody else's reason counts for it */
	{"Undeliverable: Invoice 17",
	 "bob@example.net\n550 5.1.1 no such user\n\nSnorfle blik\nhilp@mail.test\n",
	 "bob@example.net hilp@mail.test", BOUNCE_SOFT},
	/* our own subject may speak of delays */
	{"Undeliverable: delivery is delayed, order 17", "<bob@example.net>: 550 5.1.1 no such user\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Non recapitabile: pagamento in ritardo",
	 "Oggetto: pagamento in ritardo\n\nbob@example.net\ncasella piena\n", "bob@example.net",
	 BOUNCE_SOFT},
	{"Undeliverable: Invoice 17",
	 "Delivery is delayed, no more:\n\nbob@example.net\nuser unknown\n", "bob@example.net",
	 BOUNCE_HARD},
	/* the address that was written to, where it stands for another */
	{"Undelivered Mail Returned to Sender",
	 "<private@gm.test> (expanded from <jane@cust.test>): host mx.gm.test[192.0.2.1] said:\n"
	 "    550 5.1.1 no such user\n",
	 "jane@cust.test", BOUNCE_HARD},
	{"Undelivered Mail Returned to Sender",
	 "<private@gm.test> (expanded from <billing@example.com>): host mx.gm.test[192.0.2.1] said:\n"
	 "    550 5.1.1 no such user\n",
	 "private@gm.test", BOUNCE_HARD},
	{"Mail delivery failed: returning message to sender",
	 "The following address(es) failed:\n\n  private@gm.test\n    (generated from "
	 "jane@cust.test)\n    host mx.gm.test [192.0.2.1]\n    550 5.1.1 no such user\n",
	 "jane@cust.test", BOUNCE_HARD},
	{"Mail delivery failed: returning message to sender",
	 "The following address(es) failed:\n\n  private@gm.test\n    (ultimately generated from "
	 "jane@cust.test)\n    550 5.1.1 no such user\n\n  other@gm.test\n    (generated from "
	 "jane@cust.test)\n    550 5.1.1 no such user\n\n  bob@example.net\n    550 5.1.1 unknown\n",
	 "jane@cust.test bob@example.net", BOUNCE_HARD},
	{"Mail delivery failed", "  bob@example.net\n    (generated from nothing)\n    550 5.1.1 x\n",
	 "bob@example.net", BOUNCE_HARD},
	{"Kan ikke leveres: Faktura 17", "bob@example.net\nPostkassen findes ikke\n", "bob@example.net",
	 BOUNCE_SOFT},
	{"Toimittamaton: Lasku 17", "bob@example.net\nEi löydy\n", "bob@example.net", BOUNCE_SOFT},
	{"Kézbesíthetetlen: Számla 17", "bob@example.net\nNincs ilyen\n", "bob@example.net",
	 BOUNCE_SOFT},
	{"Teslim Edilemedi: Fatura 17", "bob@example.net\nYok\n", "bob@example.net", BOUNCE_SOFT},
	{"Bezorging vertraagd: factuur", "De bezorging is vertraagd:\n\nbob@example.net\n",
	 "bob@example.net", BOUNCE_DELAYED},
};

static void
test_named(void)
{
	for (int i = 0; i < lengthof(named); i++)
	{
		StringInfoData mail;
		StringInfoData got;
		MimeMessage *read;
		Bounce *bounce;

		initStringInfo(&mail);
		appendStringInfo(&mail,
						 "Return-Path: <>\nFrom: postmaster@mail.test\nTo: billing@example.com\n"
						 "Subject: %s\nContent-Type: text/plain; charset=utf-8\n"
						 "Content-Transfer-Encoding: 8bit\n\n%s",
						 named[i].subject, named[i].body);
		read = mime_read(mail.data, mail.len);
		bounce = bounce_read(read);
		initStringInfo(&got);
		for (int j = 0; bounce != NULL && j < bounce->recipient_count; j++)
			appendStringInfo(&got, "%s%s", j > 0 ? " " : "", bounce->recipients[j].address);
		is(got.data, named[i].addresses, psprintf("%d: whose mail failed", i + 1));
		is(bounce != NULL && bounce->recipient_count > 0 ?
			   bounce_kind_name(bounce->recipients[bounce->recipient_count - 1].kind) :
			   NULL,
		   bounce_kind_name(named[i].kind), "and how");
		mime_free(read);
		pfree(mail.data);
		pfree(got.data);
	}
}

/* What is written of mail alone, whatever the language around it. */
static void
test_refusal(void)
{
	static const struct
	{
		const char *text;
		bool refusal;
	} texts[] = {{"550 5.1.1 unknown", true},
				 {"said: 550-5.1.1 unknown", true},
				 {"(554: 5.7.9: no)", true},
				 {"452 4.2.2 full", true},
				 {"550 #5.1.0 rejected", true},
				 {"550 4.1.1", false},
				 {"250 2.1.5 ok", false},
				 {"550 pcs", false},
				 {"1550 5.1.1", false},
				 {"550", false},
				 {"", false},
				 {"version 5.1.1", false}};

	for (int i = 0; i < lengthof(texts); i++)
		is_int(bounce_says_refusal(texts[i].text), texts[i].refusal,
			   psprintf("a refusal in '%s'", texts[i].text));
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		StringInfoData data;
		StringInfoData got;

		slurp(argv[i], &data);
		describe(data.data, data.len, &got);
		fputs(got.data, stdout);
	}
	if (argc > 1)
		return 0;
	test_corpus();
	test_table();
	test_find_status();
	test_lines();
	test_attached();
	test_worded();
	test_named();
	test_refusal();
	test_long_address();
	test_harm();
	return tap_done();
}
