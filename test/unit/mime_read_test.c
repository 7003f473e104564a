/*-------------------------------------------------------------------------
 *
 * mime_read_test.c
 *	  The MIME reader on the corpus, and on mails made to harm it.
 *
 * Run from the top of the source tree.  With MIME_SLOW in the environment
 * (valgrind, sanitizers) the time limits are not held.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <sys/resource.h>
#include <time.h>

#include "core/html.h"
#include "core/mime_internal.h"
#include "core/quoted.h"
#include "tap.h"

/* What a mail of the corpus must give; NULL: not asserted here. */
typedef struct Expected
{
	const char *file;
	const char *subject;
	const char *text;
	const char *attachments; /* names, "-" for none, separated by | */
	const char *defects;
} Expected;

static const Expected corpus[] = {
	{"plain", "Invoice 4711", "Please find our payment.\n", "", ""},
	{"words-joined", "Hello world", "x\n", "", ""},
	{"words-split-character", "Zürich and café", "x\n", "", ""},
	{"raw-8bit-header", "Invoice 4711", "Grüße\n", "", "characters"},
	{"latin1-is-1252", NULL, "„50 €“ please”\n", "", ""},
	{"utf8-that-is-not", NULL, "Facturé le 3 août, été\n", "", "characters"},
	{"gb2312", NULL, "发票镕\n", "", ""},
	{"shift-jis", NULL, "請求書①\n", "", ""},
	{"iso-2022-jp", "請求書", "お支払い\n", "", ""},
	{"iso-2022-jp-ms", "請求書①", "㈱山田 №1 ～ ｱｲｳ 髙橋\n", "", ""},
	{"unknown-charset", NULL, "Grüße\n", "", "charset"},
	{"nul-bytes", NULL, "before\n", "", ""},
	{"lone-lf", "Invoice 4711", "one\ntwo\n", "", ""},
	{"lone-cr", "Invoice 4711", "one\ntwo\n", "", ""},
	{"mbox-from-line", "Invoice 4711", "Body.\n", "", ""},
	{"no-headers", NULL, "Only a body.\n", "", "no_headers"},
	{"no-blank-line", "Invoice 4711", "Please pay soon, this line begins the body.\nAnd another.\n",
	 "", "bad_header"},
	{"junk-header-line", "Invoice 4711", "Body.\n", "", "bad_header"},
	{"addresses", "Addresses", "x\n", "", ""},
	{"addresses-broken", "Broken", "x\n", "", "address"},
	{"name-2231", NULL, "See attached.", "Übersicht of all €.pdf", ""},
	{"name-2047", NULL, "See attached.", "Rechnung Müller.pdf", ""},
	{"name-raw", NULL, "See attached.", "Gr\"o\"ße.pdf", "characters"},
	{"name-path", NULL, "See attached.", "invoice.pdf", ""},
	{"name-unquoted", NULL, "See attached.", "March statement 2026.pdf", ""},
	{"alternative-inline", NULL, "The text.", "logo.png|photo.png", ""},
	{"html-around-file", NULL, "The contract:\n\nAnd how it looks:\n", "contract.pdf|photo.png",
	 ""},
	{"html-only", NULL, "Dear Bob,\n\npaid 5 € & more — <ok>\nAnna\n\n* one\n* two\n", "", ""},
	{"html-meta-charset", NULL, "Счёт\n", "", ""},
	{"flowed", NULL,
	 "A paragraph that was broken, and goes on.\n> quoted and broken too\nFrom stuffed\n-- "
	 "\nAnna\n",
	 "", ""},
	{"uuencode", NULL, "Old style.", "data.bin", ""},
	{"attached-message", NULL, "Forwarded.", "-|-", ""},
	{"not-closed", NULL, "Cut off here.", "cut.pdf", "no_close"},
	{"boundary-never-comes", NULL, "No part ever begins.\n", "", "no_parts,no_close"},
	{"no-boundary", NULL, "No boundary is named.\n", "", "no_boundary"},
	{"boundary-not-named", NULL, "See attached.", "invoice.pdf", "no_boundary"},
	{"name-shift-jis", NULL, "お支払い", "予定表.pdf", "characters"},
	{"bounce", NULL, "Your mail could not be delivered.", "-|-", ""},
	{"bounce-in-words",
	 "DELIVERY FAILURE: User bob (bob@globex.example) not listed in Domino Directory",
	 "Your message\n\n  Subject: Invoice 4711\n\nwas not delivered to:\n\n"
	 "  bob@globex.example\n\nbecause:\n\n"
	 "  User bob (bob@globex.example) not listed in Domino Directory\n",
	 "", ""},
	{"out-of-office", "Automatic reply: Invoice 4711", "I am away.\n", "", ""},
	{"date-odd", "Date", "x\n", "", ""},
	{"smime-opaque", NULL, "", "smime.p7m", ""},
	{"tnef", NULL, "From Outlook.", "winmail.dat|Übersicht März.pdf", ""},
	{"two-texts", NULL, "First part.\nSecond part.", "p.png", ""},
	{"base64-pieces", NULL, "Hello world!\n", "", ""},
};

static MimeMessage *
read_file(const char *name)
{
	char path[256];
	FILE *file;
	StringInfoData data;
	char block[4096];
	size_t got;
	MimeMessage *mail;

	snprintf(path, sizeof(path), "test/corpus/%s.eml", name);
	file = fopen(path, "rb");
	if (file == NULL)
	{
		printf("Bail out! %s cannot be opened\n", path);
		exit(1);
	}
	initStringInfo(&data);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		appendBinaryStringInfo(&data, block, (int) got);
	fclose(file);
	mail = mime_read(data.data, data.len);

	/* Nothing may refer to the bytes that were read. */
	memset(data.data, 'x', data.len);
	pfree(data.data);
	return mail;
}

static void
test_corpus(void)
{
	for (int i = 0; i < lengthof(corpus); i++)
	{
		const Expected *want = &corpus[i];
		MimeMessage *mail = read_file(want->file);
		StringInfoData got;
		char name[128];

		if (want->subject != NULL)
		{
			snprintf(name, sizeof(name), "%s: subject", want->file);
			is(mail->subject, want->subject, name);
		}
		snprintf(name, sizeof(name), "%s: text", want->file);
		is(mail->text, want->text, name);
		initStringInfo(&got);
		for (int j = 0; j < mail->attachment_count; j++)
			appendStringInfo(&got, "%s%s", j > 0 ? "|" : "",
							 mail->attachments[j].name ? mail->attachments[j].name : "-");
		snprintf(name, sizeof(name), "%s: attachments", want->file);
		is(got.data, want->attachments, name);
		resetStringInfo(&got);
		mime_defect_names(mail->defects, &got);
		snprintf(name, sizeof(name), "%s: defects", want->file);
		is(got.data, want->defects, name);
		pfree(got.data);
		mime_free(mail);
	}
}

static void
test_bounce(void)
{
	MimeMessage *mail = read_file("bounce");

	is(mail->return_path, "", "an empty return path is there and empty");
	is_int(mail->received_count, 2, "Received fields are counted");
	is(mail->type, "multipart/report", "the mail's type");
	is(mail->report_type, "delivery-status", "the report's type");
	ok(mail->automatic, "a bounce is automatic");
	is(mail->automatic_reason, "Auto-Submitted: auto-replied (bounce)", "and the field says why");
	is_int(mail->delivery_count, 2, "two delivery recipients");
	is(mail->deliveries[0].header, "Delivered-To", "the first one's field");
	is(mail->deliveries[0].address, "accounts+v1@example.org", "the first one's address");
	is(mail->deliveries[1].header, "X-Original-To", "the second one's field");
	is(mail->attachments[0].type, "message/delivery-status", "the report is attached");
	ok(strstr(mail->attachments[0].content, "Status: 5.1.1") != NULL, "with its fields");
	is(mime_header(mail, "auto-submitted"), "auto-replied (bounce)", "a field is found by name");
	ok(mime_header(mail, "x-none") == NULL, "and missing if it is missing");
	mime_free(mail);
}

static void
test_details(void)
{
	MimeMessage *mail = read_file("out-of-office");

	is_int(mail->in_reply_to.count, 1, "prose in In-Reply-To is left out");
	is(mail->in_reply_to.ids[0], "first@example.org", "the id in it is not");
	is_int(mail->references.count, 2, "two references");
	is(mail->references.ids[1], "first@example.org", "in order");
	ok(mail->has_date, "has a date");
	is_int(mail->date, INT64CONST(1795252500000000), "at the right moment");
	is_int(mail->date_offset, 60, "seen from one hour east");
	ok(mail->automatic, "an out-of-office subject is automatic");
	mime_free(mail);

	mail = read_file("alternative-inline");
	ok(mail->attachments[0].is_inline, "an image the HTML shows is inline");
	ok(!mail->attachments[1].is_inline, "one it does not show is attached, whatever it says");
	is(mail->attachments[0].content_id, "logo@example.com", "Content-ID without brackets");
	is(mail->html, "<p>The <b>HTML</b> <img src=\"cid:logo%40example.com\"></p>",
	   "the HTML as sent");
	ok(!mail->text_from_html, "the text is the sender's");
	ok(!mail->automatic, "people's mail is not automatic");
	mime_free(mail);

	mail = read_file("html-around-file");
	is(mail->html,
	   "<html><head><title>1</title></head><body><p>The <b>contract</b>:</p></body></html>\n"
	   "<hr>\n<html><head><title>2</title></head><body>Schön: "
	   "<img src=\"cid:photo@example.com\"></body></html>\n"
	   "<html><head></head><body><br></body></html>",
	   "the HTML before a file and behind it is one, with rules where both are seen");
	ok(!mail->attachments[0].is_inline, "the file is attached");
	ok(mail->attachments[1].is_inline, "an image that the second half shows is inline");
	{
		StringInfoData shown;
		HtmlInfo info;

		initStringInfo(&shown);
		ok(html_sanitize(mail->html, mail->html_length, &shown, &info), "it is shown");
		is(shown.data,
		   "<p>The <b>contract</b>:</p>\n<hr>\nSchön: <img src=\"cid:photo@example.com\">\n<br>",
		   "all of it, and no titles");
		resetStringInfo(&shown);
		ok(html_to_text(mail->html, mail->html_length, &shown), "it is made text");
		is(shown.data, "The contract:\n\n---\nSchön:\n", "likewise");
		pfree(shown.data);
	}
	mime_free(mail);

	mail = read_file("html-only");
	ok(mail->text_from_html, "text made of HTML is marked");
	mime_free(mail);

	mail = read_file("uuencode");
	is(mail->attachments[0].content, "hello world", "uuencoded bytes");
	is_int(mail->attachments[0].length, 11, "and their number");
	mime_free(mail);

	mail = read_file("attached-message");
	is(mail->attachments[0].type, "message/rfc822", "a mail attached is an attachment");
	is(mail->attachments[0].content, "From: bob@example.com\r\nSubject: inner\r\n\r\nInner body.",
	   "with its bytes as they are");
	is(mail->attachments[1].type, "text/calendar", "an invitation is an attachment");
	mime_free(mail);

	mail = read_file("tnef");
	is(mail->attachments[1].content, "%PDF-1.4\n", "bytes of a file in winmail.dat");
	is(mail->attachments[1].type, "application/pdf", "and its type");
	mime_free(mail);

	mail = read_file("smime-opaque");
	is_int(mail->protection, MIME_SMIME, "opaque S/MIME is noticed");
	mime_free(mail);

	mail = read_file("raw-8bit-header");
	is(mime_header(mail, "Comments"), "Größe", "a raw Latin-1 field");
	is(mime_header(mail, "Keywords"), "Größe", "a raw UTF-8 field");
	mime_free(mail);

	mail = read_file("date-odd");
	is_int(mail->date, INT64CONST(1795292100000000), "a date in another order");
	is(mail->message_id, "no-angle@example.com", "a Message-ID without brackets");
	mime_free(mail);
}

/* read_text reads a mail given as a string. */
static MimeMessage *
read_text(const char *text)
{
	return mime_read(text, strlen(text));
}

static void
test_bodies(void)
{
	MimeMessage *mail;

	mail = read_text("");
	is(mail->text, "", "nothing at all is an empty mail");
	is_int(mail->defects, MIME_DEFECT_NO_HEADERS, "without headers");
	mime_free(mail);

	mail = read_text(
		"Content-Type: multipart/alternative; boundary=a\n\n--a\n"
		"Content-Type: text/plain\n\n \n--a\nContent-Type: text/html\n\n<p>Real\n--a--\n");
	is(mail->text, "Real\n", "a blank text beside HTML gives way to it");
	mime_free(mail);

	mail = read_text("Content-Type: multipart/alternative; boundary=a\n\n--a\n"
					 "Content-Type: text/plain; charset=utf-8\n\n\u00A0\n\u200B \uFEFF\u200C\n--a\n"
					 "Content-Type: text/html\n\n<p>Real\n--a--\n");
	is(mail->text, "Real\n", "so does one of blanks that are not ASCII");
	ok(mail->text_from_html, "the text is of the HTML");
	is_int(mail->attachment_count, 0, "and nothing is attached");
	mime_free(mail);

	mail = read_text("Content-Type: multipart/alternative; boundary=a\n\n--a\n"
					 "Content-Type: text/plain; charset=iso-8859-1\n"
					 "Content-Transfer-Encoding: quoted-printable\n\n=A0\n--a\n"
					 "Content-Type: text/html\n\n<p>Real\n--a--\n");
	is(mail->text, "Real\n", "in whatever charset");
	mime_free(mail);

	mail = read_text("Content-Type: multipart/alternative; boundary=a\n\n--a\n"
					 "Content-Type: text/plain; charset=utf-8\n\n\u00A0\u2014\n--a\n"
					 "Content-Type: text/html\n\n<p>Real\n--a--\n");
	is(mail->text, "\u00A0\u2014", "but a dash is no blank");
	mime_free(mail);

	mail = read_text(
		"Content-Type: multipart/mixed; boundary=a\n\n--a\n"
		"Content-Type: text/html\n\n<p>Order\n--a\nContent-Type: text/plain\n\nFooter\n--a--\n");
	is(mail->text, "Order\nFooter", "HTML followed by a text footer gives both");
	is(mail->html, "<p>Order\n<hr>\n<div>Footer</div>", "in the HTML as well");
	mime_free(mail);

	mail =
		read_text("Content-Type: multipart/mixed; boundary=a\n\n--a\n"
				  "Content-Type: multipart/mixed\n\n--a\nContent-Type: text/plain\n\none\n--a--\n");
	is(mail->text, "one", "a boundary that is not named is not that of what is around");
	mime_free(mail);

	mail = read_text("Content-Type: multipart/alternative\n\nPreamble\n--b  \n"
					 "Content-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\ntwo\n");
	is(mail->text, "one", "one that is not named is found behind a preamble");
	is(mail->html, "two\n", "and again");
	is_int(mail->defects, MIME_DEFECT_NO_BOUNDARY | MIME_DEFECT_NO_CLOSE, "but noted");
	mime_free(mail);

	mail = read_text("Content-Type: multipart/mixed\n\n--\nContent-Type: a\n\n--b\ntext\n");
	is(mail->text, "--\nContent-Type: a\n\n--b\ntext\n", "what does not look like one is none");
	mime_free(mail);

	mail = read_text("Content-Type: text/plain; name=\"mail.txt\"\n\nBody\n");
	is(mail->text, "Body\n", "a body with a name is still the body");
	mime_free(mail);

	mail = read_text("Content-Type: text/plain\nContent-Disposition: attachment\n\nBody\n");
	is(mail->text, "", "a text that says it is attached is");
	is_int(mail->attachment_count, 1, "an attachment");
	mime_free(mail);

	mail = read_text("Content-Transfer-Encoding: base64\n\nHello\n\nWe paid INV-17 today\n");
	is(mail->text, "Hello\n\nWe paid INV-17 today\n", "words are no base64");
	is_int(mail->defects, MIME_DEFECT_ENCODING, "which is noted");
	mime_free(mail);

	mail = read_text("Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n"
					 "Content-Transfer-Encoding: base64\n\nWe paid it today\n");
	is(mail->attachments[0].content, "We paid it today\n", "nor are those of a file");
	mime_free(mail);

	mail = read_text("Content-Transfer-Encoding: base64\n\n SGVsbG8g \n d29y bGQ=\n");
	is(mail->text, "Hello world", "base64 with a blank in it is");
	mime_free(mail);

	mail = read_text("Content-Transfer-Encoding: base64\n\n"
					 "SGVsbG8gd29ybGQsIEhlbGxvIHdvcmxkLCBIZWxsbyB3b3JsZCE=\n-- \nSent by a list\n");
	ok(strncmp(mail->text, "Hello world, Hello world, Hello world!", 38) == 0,
	   "so is base64 with words behind it");
	mime_free(mail);

	mail = read_text("Content-Transfer-Encoding: base64\n\nVGhhbmtz\n-- \nSent by a list\n");
	ok(strncmp(mail->text, "Thanks", 6) == 0, "a short one, too");
	mime_free(mail);

	mail = read_text("Content-Type: application/x\nContent-Transfer-Encoding: base64\n\n"
					 "SGVs bG8g d29y bGQ=\n");
	is(mail->attachments[0].content, "Hello world", "and what is no text");
	mime_free(mail);

	mail = read_text("Content-Transfer-Encoding: base-64ish\n\nAAAA\n");
	is(mail->text, "AAAA\n", "an unknown encoding is left as it is");
	is_int(mail->defects, MIME_DEFECT_ENCODING, "and noted");
	mime_free(mail);

	mail = read_text("Content-Type: application/x\nContent-Transfer-Encoding: base64ish\n\nAAAA\n");
	is_int(mail->attachments[0].length, 5, "so is that of an attachment");
	mime_free(mail);

	mail = read_text("Content-Transfer-Encoding: quoted-printable\n\na =\n b=3D=zz=\r\nc \t\nd=");
	is(mail->text, "a  b==zzc\nd", "quoted-printable, well-formed or not");
	mime_free(mail);

	mail = read_text(
		"Content-Type: multipart/mixed; boundary=\"x \"\n\n--x\n\none\n--x--more\n--x  \n\n"
		"two\n--x--\n");
	is(mail->text, "one\n--x--more\ntwo", "only a whole line is a boundary");
	mime_free(mail);

	mail = read_text("Content-Type: multipart/mixed; boundary=ab\n\n--ab\n"
					 "Content-Type: multipart/mixed; boundary=abc\n\n--abc\n\nin\n--abc--\n"
					 "--ab\n\nout\n--ab--\n");
	is(mail->text, "in\nout", "a boundary may begin with another");
	mime_free(mail);

	mail = read_text("From: a@example.com\nFrom: b@example.com\nSubject: 1\nSubject: 2\n\n");
	is(mail->subject, "1", "the first Subject counts");
	is_int(mail->from.count, 2, "both From are kept");
	is_int(mail->defects, MIME_DEFECT_DUPLICATE_HEADER, "and noted");
	mime_free(mail);

	mail = read_text("List-Id: x <l.example.com>\n\n");
	is(mail->automatic_reason, "List-Id: x <l.example.com>", "a list is automatic");
	mime_free(mail);
	mail = read_text(
		"Auto-Submitted: no\nPrecedence: first-class\nX-Auto-Response-Suppress: None\n\n");
	ok(!mail->automatic, "fields that say no say no");
	mime_free(mail);

	mail = read_text("Return-Path: <ann@example.net>\nFrom: ann@example.net\nSubject: Re: Invoice\n"
					 "Auto-Submitted: auto-forwarded\nResent-From: ap@example.net\n\nPaid");
	ok(!mail->automatic, "what a filter passes on");
	mime_free(mail);
	mail = read_text("Precedence: Bulk\n\n");
	ok(mail->automatic, "bulk mail is automatic");
	mime_free(mail);
}

/* Who writes about what, and whether that makes a mail automatic. */
static const struct
{
	const char *from;
	const char *subject;
	bool automatic;
} written[] = {
	/* parcels come back as mail does */
	{"ann@example.net", "Undelivered mail - parcel missing", false},
	{"ann@example.net", "Undeliverable: goods returned", false},
	{"ann@example.net", "Returned mail: the parcel", false},
	{"ann@example.net", "Failure notice: your machine", false},
	{"ann@example.net", "Mail delivery failed", false},
	{"ann@example.net", "Delivery Status Notification (Failure)", false},
	{"ann@example.net", "Auto: rental invoice wrong", false},
	{"delivery@example.net", "Returned mail: the parcel", false},
	{"postmaster@example.net", "Returned mail: see transcript for details", true},
	{"Postmaster@example.net", "Undeliverable: Invoice 4711", true},
	{"postmaster@example.net", "[EXTERNAL] Undeliverable: Invoice 4711", true},
	{"postmaster@example.net", "Kan ikke leveres: Faktura 17", true},
	{"postmaster@example.net", "Toimittamaton: Lasku 17", true},
	{"postmaster@example.net", "Kézbesíthetetlen: Számla 17", true},
	{"postmaster@example.net", "Teslim Edilemedi: Fatura 17", true},
	{"ann@example.net", "Kan ikke leveres: Faktura 17", false},
	{"noreply@example.net", "Teslim Edilemedi: Fatura 17", false},
	{"MAILER-DAEMON@example.net", "Invoice 4711", true},
	{"noreply@example.net", "Returned mail: the parcel", false},
	{"postmaster@example.net", "Re: Undeliverable: Invoice 4711", false},
	{"postmaster@example.net", "Fwd: Undeliverable: Invoice 4711", false},
	{"postmaster@example.net", "Re[2]: Undeliverable: Invoice 4711", false},
	{"postmaster@example.net", "Odp.: Undeliverable: Invoice 4711", false},
	{"postmaster@example.net", "Re[x]: Undeliverable: Invoice 4711", true},
	{"postmaster@example.net", "Invoice 4711", false},
	{"ann@example.net", "Automatic reply: Invoice 4711", true},
	{"ann@example.net", "AUTOMATIC REPLY: Invoice 4711", true},
	{"ann@example.net", "[EXTERNAL] [Acme] Automatic reply: Invoice 4711", true},
	{"ann@example.net", "Auto: Re: Invoice 4711", true},
	{"ann@example.net", "Automatic reply", true},
	{"ann@example.net", "Out of Office: Invoice 4711", false},
	{"ann@example.net", "Out of office auto-reply: Invoice 4711", true},
	{"ann@example.net", "Abwesenheitsnotiz: Rechnung", true},
	{"ann@example.net", "EXTERNAL: Automatic reply: Invoice 4711", true},
	{"postmaster@example.net", "Warning: message 1abc delayed 24 hours", true},
	{"postmaster@example.net", "***EXTERN*** RES: Undeliverable: Invoice 4711", false},
	{"ann@example.net", "Out of office supplies - order 17", false},
	{"ann@example.net", "Out of office next week, payment before", false},
	{"ann@example.net", "Abwesenheit der Buchhaltung im Mai", false},
	{"ann@example.net", "Abwesend bis Montag - Rechnung 17", false},
	{"ann@example.net", "Automatic reply received from you instead of an answer", false},
	{"ann@example.net", "Absent du bureau vendredi", false},
	{"ann@example.net", "Message d'absence de paiement", false},
	{"ann@example.net", "R\xC3\x89PONSE AUTOMATIQUE : facture", true},
	{"ann@example.net", "Re: Automatic reply: Invoice 4711", false},
	{"ann@example.net", "自动回复: 发票", true},
	{"ann@example.net", "自动答复：发票", true},
	{"ann@example.net", "自動回覆: 發票", true},
	{"ann@example.net", "自動応答: 請求書", true},
	{"ann@example.net", "自動応答：請求書", true},
	{"ann@example.net", "自動返信", true},
	{"ann@example.net", "【自動返信メール】請求書", true},
	{"ann@example.net", "【自動返信】請求書", true},
	{"ann@example.net", "[EXTERNAL] 【自動返信】 請求書", true},
	{"ann@example.net", "자동 회신: 송장", true},
	{"ann@example.net", "자동 응답 : 송장", true},
	{"ann@example.net", "[자동 회신] 송장", true},
	{"ann@example.net", "Автоматический ответ: счёт", true},
	{"ann@example.net", "АВТОМАТИЧЕСКИЙ ОТВЕТ: счёт", true},
	{"ann@example.net", "Otomatik yanıt: Fatura", true},
	{"ann@example.net", "Automatikus válasz: Számla", true},
	{"ann@example.net", "Odpowiedź automatyczna: Faktura", true},
	{"ann@example.net", "Automatisk svar: Faktura", true},
	{"ann@example.net", "Automatiskt svar: Faktura", true},
	{"ann@example.net", "Răspuns automat: Factura", true},
	{"ann@example.net", "Αυτόματη απάντηση: Τιμολόγιο", true},
	{"ann@example.net", "ΑΥΤΌΜΑΤΗ ΑΠΆΝΤΗΣΗ: Τιμολόγιο", true},
	{"ann@example.net", "Afwezigheidsbericht: factuur", true},
	{"ann@example.net", "Absent du bureau", false},
	{"ann@example.net", "Message d’absence : facture", true},
	{"ann@example.net", "Fuori ufficio: fattura", false},
	{"ann@example.net", "Fuori sede: pagamento rinviato", false},
	{"ann@example.net", "Ausência temporária: fatura", false},
	{"ann@example.net", "Out of office: payment run postponed", false},
	{"ann@example.net", "[Out of office] payment run postponed", false},
	{"ann@example.net", "Out of office notice: no payments this week", false},
	{"ann@example.net", "Out of office reply: Invoice 4711", true},
	{"ann@example.net", "Abwesend: Zahlung erst Montag", false},
	{"ann@example.net", "Abwesenheit: Zahlung erst Montag", false},
	{"ann@example.net", "Absence du bureau : paiement lundi", false},
	{"ann@example.net", "Abwesend / Out of office: Zahlung", false},
	{"ann@example.net", "Out of office / Abwesenheitsnotiz: Rechnung", true},
	{"ann@example.net", "自動返信設定について", false},
	{"ann@example.net", "自动回复系统的发票", false},
	{"ann@example.net", "자동 응답 시스템 문의", false},
	{"ann@example.net", "Автоматический ответчик: счёт", false},
	{"ann@example.net", "Automatisk svarmaskin, faktura", false},
	{"ann@example.net", "Fuori ufficio vendite: fattura", false},
	{"ann@example.net", "Ausência temporária do contador: fatura", false},
	{"ann@example.net", "Absence : facture", false},
	{"ann@example.net", "Re: Automatiskt svar: Faktura", false},
	{"ann@example.net", "[Out of office team] Invoice 4711", false},
	{"ann@example.net", "[Automatic] Invoice 4711", false},
	{"ann@example.net", "Odpowiedź automatyczna maszyna", false},
	{"ann@example.net", "Your automatic reply", false},
	{"ann@example.net", "Auto-Reply: Invoice 4711", true},
	{"ann@example.net", "[example.net #4711] AutoReply: Invoice 4711", true},
	{"ann@example.net", "Auto-Reply", true},
	{"ann@example.net", "Auto reply not working", false},
	{"ann@example.net", "Autoreply bug in your portal", false},
	{"ann@example.net", "Automatski odgovor: Račun", true},
	{"ann@example.net", "תשובה אוטומטית: חשבונית", true},
	{"ann@example.net", "Afwezigheidsmelding: factuur", true},
	{"ann@example.net", "Abwesenheitsnotiz / Out of office: Rechnung", true},
	{"ann@example.net", "Abwesenheitsnotiz / Rechnung", false},
	{"ann@example.net", "Auto: Out of office: Invoice 4711", true},
	{"ann@example.net", "AUTO: Ann Archer is out of the office (returning 05/12/2026)", true},
	{"ann@example.net", "AUTO: Ann Archer ist außer Haus (Rückkehr am 12.05.2026)", true},
	{"ann@example.net", "AUTO: Reparatur (Rückkehr am 12.05.2026)", false},
	{"ann@example.net", "Ann Archer is out of the office", false},
	{"ann@example.net", "Afwezig: jullie chauffeur stond niet op de afspraak", false},
	{"ann@example.net", "Ausente: nadie para firmar", false},
	{"ann@example.net", "부재중: 송장", false},
	{"ann@example.net", "[EXTERNAL", false},
	{"ann@example.net", "[", false},
	{"ann@example.net", "", false},
};

/* Fields by which autoresponders are known, and what only looks like them. */
static const struct
{
	const char *fields;
	bool automatic;
} fields[] = {
	{"X-Autoreply: yes", true},
	{"X-Autoreply: no", false},
	{"X-Autoresponse: yes", true},
	{"X-Auto-Response: none", false},
	{"X-Auto-Reply-From: ann@example.net", true},
	{"X-AutoResponder: 1.2", true},
	{"X-Autoreply-To: none", false},
	{"X-Auto-Response-Suppress: None", false},
	{"X-Vacation: yes", true},
	{"X-Precedence: auto_reply", true},
	{"X-Precedence: first-class", false},
	{"Preference: auto_reply", true},
	{"Preference: phone", false},
	{"X-Mail-Autoreply: yes", true},
	{"X-Mail-Autoreply: no", false},
	{"X-Autogenerated: Reply", true},
	{"X-Autogenerated: Forward", false},
	{"X-AutoReply-From: ann@example.net", true},
	{"X-POST-MessageClass: 9; Autoresponder", true},
	{"X-POST-MessageClass: 1; Normal", false},
	{"X-FC-MachineGenerated: true", true},
	{"X-FC-MachineGenerated: false", false},
	{"Delivered-To: Autoresponder", true},
	{"Delivered-To: autoresponder@example.com", false},
	{"X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", true},
	{"X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\n"
	 "Resent-From: bob@example.com",
	 false},
	{"X-MS-Exchange-Generated-Message-Source:", false},
};

static void
test_automatic(void)
{
	for (int i = 0; i < lengthof(fields); i++)
	{
		MimeMessage *mail = read_text(psprintf(
			"From: ann@example.net\n%s\nSubject: Invoice 4711\n\nHello.\n", fields[i].fields));

		is_int(mail->automatic, fields[i].automatic, fields[i].fields);
		mime_free(mail);
	}
	for (int i = 0; i < lengthof(written); i++)
	{
		StringInfoData text;
		MimeMessage *mail;

		initStringInfo(&text);
		appendStringInfo(&text, "Return-Path: <%s>\nFrom: %s\nSubject: %s\n\nHello.\n",
						 written[i].from, written[i].from, written[i].subject);
		mail = mime_read(text.data, text.len);
		is_int(mail->automatic, written[i].automatic,
			   psprintf("%s writes '%s'", written[i].from, written[i].subject));
		mime_free(mail);
		pfree(text.data);
	}
}

/* Subjects of mail that answers another, which keep the prefix of answers if a person wrote it. */
static const struct
{
	const char *subject;
	bool automatic;
} answered[] = {
	{"Afwezig: factuur", true},
	{"Out of Office: Invoice 4711", true},
	{"Out-of-office notification: Invoice 4711", true},
	{"Abwesend: Rechnung", true},
	{"Abwesenheit: Rechnung", true},
	{"Fuori sede: fattura", true},
	{"Fuori ufficio\u00A0: fattura", true},
	{"Absence du bureau : facture", true},
	{"Absent du bureau", true},
	{"Ausência temporária: fatura", true},
	{"Re: Out of office: payment run postponed", false},
	{"Ausente: Factura", true},
	{"Fora do escritório: Fatura", true},
	{"Poissa: Lasku", true},
	{"부재중: 송장", true},
	{"不在: 請求書", true},
	{"Εκτός γραφείου: Τιμολόγιο", true},
	{"[EXTERNAL] Nieobecność: faktura", true},
	{"Afwezig", true},
	{"Ann Archer/DE/Example is out of the office.", true},
	{"Ann Archer is out of the office (returning 05/12/2026)", true},
	{"Automatische Antwort - Rechnung", true},
	{"Re: Afwezig: factuur", false},
	{"Afwezig chauffeur: factuur", false},
	{"Urlaub: Zahlung danach", false},
	{"Re: Ann is out of the office", false},
	{"Jawab: Ann is out of the office", false},
	{"Ann is out of the office and asks", false},
	{"Automatische Antwort auf unsere Mahnung", false},
	{"Invoice 4711", false},
};

static void
test_answered(void)
{
	for (int i = 0; i < lengthof(answered); i++)
	{
		MimeMessage *mail =
			read_text(psprintf("Return-Path: <ann@example.net>\nFrom: ann@example.net\n"
							   "In-Reply-To: <1@example.com>\nSubject: %s\n\nHello.\n",
							   answered[i].subject));

		is_int(mail->automatic, answered[i].automatic,
			   psprintf("an answer with the subject '%s'", answered[i].subject));
		mime_free(mail);
	}
}

/* Who asks that no machine answers: machines, and servers of companies for everybody. */
static const struct
{
	const char *from;
	const char *fields;
	bool automatic;
} suppressed[] = {
	{"ann@example.net", "Subject: Invoice 4711", false},
	{"ann@example.net", "Subject: Re: Invoice 4711", false},
	{"ann@example.net", "Subject: Re: Invoice 4711\nIn-Reply-To: <1@example.com>", false},
	{"ann@example.net", "Subject: [EXTERNAL] AW: Invoice 4711\nReferences: <1@example.com>", false},
	{"ann@example.net", "Subject: Ticket 17: Invoice 4711\nIn-Reply-To: <1@example.com>", false},
	{"ann@example.net", "In-Reply-To: <1@example.com>", false},
	{"ann@example.net", "Subject: Invoice 4711\nReturn-Path: <>", true},
	{"ann@example.net", "Subject: Re: Invoice 4711\nAuto-Submitted: auto-replied", true},
	{"ann@example.net", "Subject: Automatic reply: Invoice 4711", true},
	{"ann@example.net", "Subject: Afwezig: factuur", true},
	{"ann@example.net", "Subject: Out of office: Invoice 4711", true},
	{"ann@example.net", "Subject: Re: Afwezig: factuur", false},
	{"noreply@example.net", "Subject: Re: Invoice 4711", true},
	{"No-Reply-17@example.net", "Subject: Invoice 4711", true},
	{"do_not_reply@example.net", "Subject: Invoice 4711", true},
	{"noreplyann@example.net", "Subject: Invoice 4711", false},
};

static void
test_suppressed(void)
{
	for (int i = 0; i < lengthof(suppressed); i++)
	{
		MimeMessage *mail = read_text(psprintf("From: %s\n"
											   "X-Auto-Response-Suppress: DR, OOF, AutoReply\n"
											   "%s\n\nHello.\n",
											   suppressed[i].from, suppressed[i].fields));

		is_int(
			mail->automatic, suppressed[i].automatic,
			psprintf("no machine is to answer %s: %s", suppressed[i].from, suppressed[i].fields));
		mime_free(mail);
	}
}

/* What a list passed on, and what its program put into it. */
static void
test_by_list(void)
{
	static const char *const fields[] = {"Precedence: list", "Precedence: bulk",
										 "X-Auto-Response-Suppress: DR, OOF, AutoReply"};

	for (int i = 0; i < lengthof(fields); i++)
	{
		MimeMessage *mail = read_text(psprintf("From: ann@example.net\n%s\n"
											   "List-Id: <ap.example.net>\n\nHello.\n",
											   fields[i]));

		ok(mail->automatic && mail->by_list, "a list passed it on: %s", fields[i]);
		mime_free(mail);
	}
}

/* Receipts of which only the text is left, and what has only some of their form. */
static const struct
{
	const char *subject;
	const char *text;
	bool automatic;
} receipts[] = {
	{"Read: Invoice",
	 "Your message\n\n   To: Ann\n   Subject: Invoice 4711\n   Sent: Monday, 5 October 2026 "
	 "10:15\n\n was read on Monday, 5 October 2026 11:15.\n",
	 true},
	{"Read: Invoice",
	 "Ihre Nachricht\n\n   An: Ann\n   Betreff: Rechnung\n   Gesendet: Montag, 5. Oktober 2026 "
	 "10:15\n\n wurde am Montag, 5. Oktober 2026 11:15 gelesen.\n",
	 true},
	{"Read: Invoice",
	 "Your message\n\n   To: Ann\n   Subject: Invoice 4711\n   Sent: Monday, 5 October 2026 "
	 "10:15\n\n was read on Monday, 5 October 2026 11:15.\n\nWe pay on Friday.\n",
	 false},
	{"Read: Invoice",
	 "Hello,\n\nTo: Ann\nSubject: Invoice 4711\nSent: 5 October 2026\n\nwe pay in 2026.\n", false},
	{"Read: Invoice", "See below\n\nFrom: Ann\nTo: Bob\nSubject: Invoice 4711\n\nwe pay in 2026.\n",
	 false},
	{"Read: Invoice",
	 "Thanks\n\nTo: Ann\nSubject: Invoice 4711\nSent: 5 October 2026\n\nwe pay soon.\n", false},
	{"Read: Invoice", "Thanks\n\nTo: Ann\nSubject: Invoice 4711\nSent: 5 October 2026\n", false},
	{"Read: Invoice",
	 "Payment advice\n\nTo: Acme\nSubject: Invoice 4711\nDate: 5 October 2026\n\n"
	 "will be paid in week 42 of 2026\n",
	 false},
	{"Re: Invoice",
	 "Your message\n\n   To: Ann\n   Subject: Invoice 4711\n   Sent: Monday, 5 October 2026 "
	 "10:15\n\n was read on Monday, 5 October 2026 11:15.\n",
	 false},
};

/* Bytes of which three are made are read as far as there were bytes. */
static void
test_grown(void)
{
	static const char *const types[] = {"text/html; charset=windows-1252", "text/plain",
										"text/plain; charset=iso-8859-15"};
	size_t size = 25 * 1024 * 1024;

	for (int i = 0; i < lengthof(types); i++)
	{
		StringInfoData text;
		MimeMessage *mail;

		initStringInfo(&text);
		appendStringInfo(&text, "Content-Type: %s\n\n", types[i]);
		enlargeStringInfo(&text, (int) size);
		memset(text.data + text.len, i == 2 ? 0xA4 : 0x80, size);
		text.len += (int) size;
		text.data[text.len] = '\0';
		mail = mime_read(text.data, text.len);
		ok(mail->text_length > size && mail->text_length < size + 100 &&
			   (mail->defects & MIME_DEFECT_SIZE) != 0,
		   "%s that grows: %zu bytes", types[i], mail->text_length);
		mime_free(mail);
		pfree(text.data);
	}
}

static void
test_receipt_text(void)
{
	for (int i = 0; i < lengthof(receipts); i++)
	{
		MimeMessage *mail = read_text(psprintf("Return-Path: <ann@example.net>\n"
											   "From: ann@example.net\nSubject: %s\n\n%s",
											   receipts[i].subject, receipts[i].text));

		is_int(mail->automatic, receipts[i].automatic,
			   psprintf("%d: the text of a receipt", i + 1));
		mime_free(mail);
	}
}

/* joined reads a mail of two documents with a file between. */
static MimeMessage *
joined(const char *first, const char *second)
{
	StringInfoData text;
	MimeMessage *mail;

	initStringInfo(&text);
	appendStringInfo(&text,
					 "Subject: Re: x\nContent-Type: multipart/mixed; boundary=a\n\n"
					 "--a\nContent-Type: text/html\n\n%s\n"
					 "--a\nContent-Type: application/pdf; name=a.pdf\n\nx\n"
					 "--a\nContent-Type: text/html\n\n%s\n--a--\n",
					 first, second);
	mail = mime_read(text.data, text.len);
	pfree(text.data);
	return mail;
}

/* Documents one after the other, and those that do not bear it. */
static void
test_documents(void)
{
	static const char *const open[] = {"one <!-- a",
									   "one <a href=\"x",
									   "one <script>a",
									   "one <style>a</sty",
									   "<title>one",
									   "one <textarea>",
									   "one <svg><a>",
									   "one <select><option>",
									   "one <b",
									   "one <plaintext>",
									   "one <object></svg",
									   "<blockquote>one",
									   "<table><td>one",
									   "<pre>one</prefix>",
									   "<noscript>one",
									   "<p>one</p><svg></object>",
									   "<p>one</p><img alt = \">"};
	MimeMessage *mail;

	mail = joined("<p>One</p>", "<p>Two <a href='http://x.example/?>'>x</a></p>");
	is(mail->html, "<p>One</p>\n<hr>\n<p>Two <a href='http://x.example/?>'>x</a></p>",
	   "two documents");
	is(mail->text, "One\n\nTwo x <http://x.example/?>>\n", "are one text");
	is_int(mail->attachment_count, 1, "and one file is attached");
	mime_free(mail);

	mail = joined("<html><body><br>&nbsp;</body></html>", "<p>Two</p>");
	is(mail->html, "<html><body><br>&nbsp;</body></html>\n<p>Two</p>",
	   "no rule where there is nothing to see");
	mime_free(mail);

	mail = joined("<style>p > a {}</style><p>One", "Two<blockquote>Three");
	is(mail->html, "<style>p > a {}</style><p>One\n<hr>\nTwo<blockquote>Three",
	   "what is open and does no harm is no hindrance");
	mime_free(mail);

	mail =
		joined("<p>Yes.</p>",
			   "<p>Thanks</p><div class=\"gmail_quote\">Anna wrote:<blockquote>Pay</blockquote>");
	is(mail->text, "Yes.\n\nThanks\n\nAnna wrote:\n\n> Pay\n", "history in the second");
	is_int(quoted_mail(mail), strlen("Yes.\n\nThanks\n\n"), "is found by its mark");
	mime_free(mail);

	{
		/* more than sanitize_html() takes, together */
		char *much = palloc(1500001);

		memset(much, 'x', 1500000);
		much[1500000] = '\0';
		mail = joined(much, much);
		is_int(mail->html_length, 1500000, "what is too much together is shown as far as it goes");
		is_int(mail->attachment_count, 2, "and attached");
		mime_free(mail);
		pfree(much);
	}

	for (int i = 0; i < lengthof(open); i++)
	{
		mail = joined(open[i], "<p>Two</p>");
		is(mail->html, open[i], "a document with an open end stands alone");
		ok(mail->attachment_count == 2, "%s: the next one is attached", open[i]);
		mime_free(mail);
	}

	mail = read_text("Content-Type: multipart/alternative; boundary=a\n\n"
					 "--a\nContent-Type: text/html\n\nOne\n"
					 "--a\nContent-Type: text/html\n\nTwo\n--a--\n");
	is(mail->html, "One", "of an alternative one form is shown");
	is_int(mail->attachment_count, 1, "and another attached");
	mime_free(mail);
}

/* mixed reads a mail of parts side by side, each a type and its text. */
static MimeMessage *
mixed(const char *const *parts, int count)
{
	StringInfoData text;
	MimeMessage *mail;

	initStringInfo(&text);
	appendStringInfoString(&text, "Content-Type: multipart/mixed; boundary=a\n\n");
	for (int i = 0; i < count; i += 2)
		appendStringInfo(&text, "--a\nContent-Type: %s\n\n%s\n", parts[i], parts[i + 1]);
	appendStringInfoString(&text, "--a--\n");
	mail = mime_read(text.data, text.len);
	pfree(text.data);
	return mail;
}

#define MIXED(...)                                                                                 \
	mixed((const char *const[]){__VA_ARGS__}, lengthof(((const char *const[]){__VA_ARGS__})))

/* Plain text beside HTML is read where it stands. */
static void
test_plain_beside_html(void)
{
	MimeMessage *mail;

	mail = MIXED("text/plain", "A  note:\n 1 < 2 & 3 > 2\n", "text/html", "<p>One</p>",
				 "text/plain", "cid:x\tTwo");
	is(mail->html,
	   "<div>A&nbsp; note:<br>\n&nbsp;1 &lt; 2 &amp; 3 &gt; 2</div>\n<hr>\n<p>One</p>\n<hr>\n"
	   "<div>cid&#58;x&nbsp; &nbsp; Two</div>",
	   "text, HTML, text");
	is(mail->text, "A  note:\n 1 < 2 & 3 > 2\nOne\ncid:x\tTwo", "in the text as well");
	is_int(mail->attachment_count, 0, "and nothing attached");
	mime_free(mail);

	mail = MIXED("text/html", "<p>One</p>", "text/plain", " \n", "text/plain; name=a.txt", "Two",
				 "text/plain\nContent-Disposition: attachment", "Three");
	is(mail->html, "<p>One</p>", "no text that is blank or a file");
	is_int(mail->attachment_count, 2, "which stays one");
	mime_free(mail);

	mail = MIXED("text/plain", "One", "text/plain", "Two");
	ok(mail->html == NULL, "only text is no HTML");
	mime_free(mail);

	mail = MIXED("text/html", "<pre>One", "text/plain", "Two", "text/plain", " ");
	is(mail->html, "<pre>One", "not behind a document with an open end");
	is_int(mail->attachment_count, 1, "there it is attached, unless it is blank");
	mime_free(mail);

	mail =
		MIXED("multipart/alternative; boundary=b",
			  "--b\n\nOne\n--b\nContent-Type: text/html\n\n<p>One</p>\n--b--", "text/plain", "Two");
	is(mail->html, "<p>One</p>\n<hr>\n<div>Two</div>", "of an alternative its HTML");
	is(mail->text, "One\nTwo", "or its text");
	mime_free(mail);

	mail =
		MIXED("multipart/alternative; boundary=b", "--b\n\nOne\n--b--", "text/html", "<p>Two</p>");
	is(mail->html, "<div>One</div>\n<hr>\n<p>Two</p>", "or that where it has no HTML");
	mime_free(mail);

	mail = MIXED("multipart/alternative; boundary=b",
				 "--b\n\nOne\n--b\nContent-Type: text/html\n\n<p>One</p>\n--b\n\nTwo\n--b\n\n \n"
				 "--b--");
	is(mail->text, "One", "of an alternative one text");
	is_int(mail->attachment_count, 1, "another one is attached");
	is(mail->attachments[0].content, "Two", "with its words");
	mime_free(mail);

	mail = MIXED("multipart/alternative; boundary=b",
				 "--b\n\nOne, two\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n"
				 "Content-Type: text/html\n\n<p>One</p>\n--c\n\nTwo\n--c--\n--b--");
	is(mail->text, "One, two", "text, and HTML with text beside it");
	is(mail->html, "<p>One</p>\n<hr>\n<div>Two</div>", "are two forms");
	is_int(mail->attachment_count, 0, "of the same");
	mime_free(mail);

	{
		/* more than sanitize_html() takes */
		char *much = palloc(1500001);

		memset(much, '&', 1500000);
		much[1500000] = '\0';
		mail = MIXED("text/html", "<p>One</p>", "text/plain", much, "text/plain", "Two");
		is(mail->html, "<p>One</p>\n<hr>\n<div>Two</div>", "text that is too much is left out");
		is_int(mail->attachment_count, 1, "and attached");
		mime_free(mail);

		memset(much, 'x', 1500000);
		mail = MIXED("text/plain", much, "text/html", much);
		is_int(mail->html_length, 1500000, "HTML goes before text");
		is_int(mail->attachment_count, 1, "which is attached");
		mime_free(mail);
		pfree(much);
	}
}

/* repeat makes a mail of a piece many times over. */
static char *
repeat(const char *before, const char *piece, int times, const char *after)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, before);
	for (int i = 0; i < times; i++)
		appendStringInfoString(&text, piece);
	appendStringInfoString(&text, after);
	return text.data;
}

static long
peak_kilobytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* survive reads a mail in bounded time and memory, and hands it over. */
static MimeMessage *
survive(const char *name, char *text, size_t len)
{
	clock_t start = clock();
	MimeMessage *mail = mime_read(text, len);
	double seconds = (double) (clock() - start) / CLOCKS_PER_SEC;

	ok(seconds < 0.2 || getenv("MIME_SLOW") != NULL, "%s: %.3f s of %zu bytes", name, seconds, len);
	pfree(text);
	return mail;
}

static void
hostile(const char *name, char *text, uint32 defects)
{
	MimeMessage *mail = survive(name, text, strlen(text));

	ok((mail->defects & defects) == defects, "%s: defects 0x%x", name, mail->defects);
	mime_free(mail);
}

/* nested makes multiparts within multiparts. */
static char *
nested(int depth)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < depth; i++)
		appendStringInfo(&text, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	appendStringInfoString(&text, "\ninnermost\n");
	return text.data;
}

static void
test_hostile(void)
{
	StringInfoData text;
	MimeMessage *mail;

	hostile("100,000 nested multiparts", nested(100000), MIME_DEFECT_DEPTH);
	mail = read_text(nested(32));
	is(mail->text, "innermost\n", "32 levels are read");
	is_int(mail->defects & MIME_DEFECT_DEPTH, 0, "without complaint");
	mime_free(mail);

	hostile("100,000 addresses", repeat("To: ", "a@example.com, ", 100000, "\n\n"),
			MIME_DEFECT_ADDRESSES);
	hostile("60,000 addresses folded",
			repeat("To: x@example.com", ",\n a@b.example", 60000, "\n\n"), MIME_DEFECT_ADDRESSES);
	hostile("g:g:g:", repeat("From: ", "g:", 50000, "\n\n"), 0);
	hostile("((((", repeat("From: ", "(", 100000, "\n\n"), 0);
	hostile("()()", repeat("From: ", "(a)", 100000, "\n\n"), 0);
	hostile("<<<<", repeat("From: ", "<", 100000, "\n\n"), 0);
	hostile("<a@b><a@b>", repeat("From: ", "<a@b>", 100000, "\n\n"), MIME_DEFECT_ADDRESSES);
	hostile("quotes", repeat("From: ", "\"", 100001, "\n\n"), 0);
	hostile("a,a,a,", repeat("From: ", "a,", 100000, "\n\n"), 0);
	hostile("words without @", repeat("From: ", "a ", 200000, "\n\n"), 0);
	hostile("header line of 900 kB", repeat("Subject: ", "x", 900000, "\n\n"), 0);
	hostile("lone CRs in a field", repeat("Subject: x", "\rx", 500000, "\nA: b\n\n"), 0);
	hostile("lone CRs in addresses", repeat("To: x", "\rx", 500000, "\nA: b\n\n"), 0);
	hostile("folds", repeat("Subject: x", "\n x", 300000, "\n\n"), 0);
	hostile("header over 1 MB", repeat("Subject: x\n", "X-Y: z\n", 200000, "\nbody\n"),
			MIME_DEFECT_HEADER_SIZE | MIME_DEFECT_HEADER_COUNT);
	hostile("fields over 2,000", repeat("", "X-Y: z\n", 3000, "\nbody\n"),
			MIME_DEFECT_HEADER_COUNT);
	hostile("encoded words without end", repeat("Subject: ", "=?a?q?x", 100000, "\n\n"), 0);
	hostile("encoded words", repeat("Subject: ", "=?utf-8?b?SGVs?= ", 50000, "\n\n"), 0);
	hostile("=?=?=?", repeat("Subject: ", "=?", 400000, "\n\n"), 0);
	hostile("charset changes", repeat("Subject: ", "=?gbk?q?=B0?= =?big5?q?=B0?= ", 25000, "\n\n"),
			0);
	hostile("references", repeat("References: ", "<a@b> ", 150000, "\n\n"), MIME_DEFECT_REFERENCES);
	hostile("references without end", repeat("References: ", "<", 900000, "\n\n"), 0);
	hostile("parameters", repeat("Content-Type: text/plain", "; a=b", 150000, "\n\n"), 0);
	hostile("open quotes in parameters",
			repeat("Content-Type: text/plain", "; a=\"b\\\"", 100000, "\n\n"), 0);
	hostile("RFC 2231 segments",
			repeat("Content-Disposition: attachment", "; filename*99*=x", 50000, "\n\n"),
			MIME_DEFECT_SEGMENTS);
	hostile(
		"more than 1,000 parts",
		repeat("Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n", 300000, "--b--\n"),
		MIME_DEFECT_PARTS);
	hostile("almost boundaries",
			repeat("Content-Type: multipart/mixed; boundary=bbbbbbbbbbbbbbbbbbbbbbbbbb\n\n",
				   "--bbbbbbbbbbbbbbbbbbbbbbbbb\n", 300000, ""),
			MIME_DEFECT_NO_PARTS);
	hostile("boundaries that are not named",
			repeat("Content-Type: multipart/mixed; boundary=b\n\n",
				   repeat("--b\nContent-Type: multipart/mixed\n\n--", "x", 900,
						  "\nContent-Type: multipart/mixed\n\n"),
				   3000, ""),
			MIME_DEFECT_NO_BOUNDARY);
	hostile("nested ones", repeat("", "Content-Type: multipart/mixed\n\n--b\n", 100000, ""),
			MIME_DEFECT_NO_BOUNDARY);
	hostile("a boundary of 500 kB",
			repeat("Content-Type: multipart/mixed; boundary=\"", "b", 500000, "\"\n\n--b\n--bb\n"),
			MIME_DEFECT_NO_PARTS);
	hostile("junk lines", repeat("Subject: x\n", " \n", 400000, ""), 0);
	hostile("junk in the header", repeat("", "junk line\nA: b\n", 60000, ""),
			MIME_DEFECT_BAD_HEADER);
	hostile("tags without end", repeat("Content-Type: text/html\n\n", "<a b='", 300000, ""), 0);
	hostile("quotes without end",
			repeat("Content-Type: text/html\n\n", "<a b=\">", 1, repeat("", "<a b='>", 200001, "")),
			0);
	hostile("<!--<!--", repeat("Content-Type: text/html\n\n", "<!--", 400000, ""), 0);
	hostile("<script>", repeat("Content-Type: text/html\n\n", "<script></scrip", 100000, ""), 0);
	hostile("documents",
			repeat("Content-Type: multipart/mixed; boundary=b\n\n",
				   "--b\nContent-Type: text/html\n\n<b>x\n", 999, "--b--\n"),
			0);
	hostile("texts beside a document",
			repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n"
				   "Content-Type: text/html\n\nx\n",
				   "--b\n\n> <\n", 999, "--b--\n"),
			0);
	hostile("spaces beside a document",
			repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n"
				   "Content-Type: text/html\n\nx\n--b\n\n",
				   "        ", 250000, "x\n--b--\n"),
			0);
	hostile("documents behind a large one that does not end",
			repeat(repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n"
						  "Content-Type: text/html\n\n<pre>",
						  "<b>x", 200000, "\n"),
				   "--b\nContent-Type: text/html\n\n<b>x\n", 990, "--b--\n"),
			0);
	hostile("documents behind one that leaves no room for them",
			repeat(repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n"
						  "Content-Type: text/html\n\n<b ",
						  "a", 2097140, ">x\n"),
				   "--b\nContent-Type: text/html\n\n<b>xxxxxxxx\n", 990, "--b--\n"),
			0);
	hostile("documents of open tags",
			repeat("Content-Type: multipart/mixed; boundary=b\n\n",
				   repeat("--b\nContent-Type: text/html\n\n", "<b c='>", 1001, "x'>\n"), 90,
				   "--b--\n"),
			0);
	hostile("deep HTML", repeat("Content-Type: text/html\n\n", "<div>", 300000, "x"), 0);
	hostile("entities", repeat("Content-Type: text/html\n\n", "&unknown", 200000, ""), 0);
	hostile("bytes no charset has",
			repeat("Content-Type: text/plain; charset=euc-kr\n\n", "\xff", 2000000, ""),
			MIME_DEFECT_CHARACTERS);
	hostile("ISO-2022-JP without end",
			repeat("Content-Type: text/plain; charset=iso-2022-jp\n\n", "\x1b$", 500000, ""),
			MIME_DEFECT_CHARACTERS);
	hostile("ISO-2022-JP of changing sets",
			repeat("Content-Type: text/plain; charset=cp50221\n\n", "\x1b$B0!\x1b$(D0!\x1b(J\\",
				   60000, ""),
			0);
	hostile("flowed quotes",
			repeat("Content-Type: text/plain; format=flowed\n\n", ">", 900000, " \n"), 0);

	/* Many cid: links over many images of colliding names. */
	initStringInfo(&text);
	appendStringInfoString(&text, "Content-Type: multipart/related; boundary=b\n\n--b\n"
								  "Content-Type: text/html\n\n");
	for (int i = 0; i < 100000; i++)
		appendStringInfoString(&text, "cid:same ");
	for (int i = 0; i < 990; i++)
		appendStringInfoString(&text, "\n--b\nContent-Type: image/png\nContent-ID: <same>\n\nx");
	hostile("cid: links", text.data, 0);

	/* A large attachment is decoded into its one buffer. */
	{
		long before = peak_kilobytes();
		char *large = repeat(
			"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n",
			"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n",
			320000, "");

		mail = survive("25 MB", large, strlen(large));
		is_int(mail->attachments[0].length, 320000 * 57, "all of it is decoded");
		mime_free(mail);
		ok(peak_kilobytes() - before < 4 * 25 * 1024 || getenv("MIME_SLOW") != NULL,
		   "under four times its size: %ld kB", peak_kilobytes() - before);
	}
	ok(peak_kilobytes() < 200 * 1024 || getenv("MIME_SLOW") != NULL, "all under 200 MB: %ld kB",
	   peak_kilobytes());
}

/* valid tells whether a string is UTF-8, decided here and not by the reader. */
static bool
valid(const char *text)
{
	const unsigned char *p = (const unsigned char *) text;

	while (p != NULL && *p != 0)
	{
		int more = *p < 0x80			   ? 0 :
				   *p >= 0xC2 && *p < 0xE0 ? 1 :
				   *p >= 0xE0 && *p < 0xF0 ? 2 :
				   *p >= 0xF0 && *p < 0xF5 ? 3 :
											 -1;

		if (more < 0)
			return false;
		for (p++; more > 0; more--, p++)
		{
			if ((*p & 0xC0) != 0x80)
				return false;
		}
	}
	return true;
}

static bool
all_valid(const MimeMessage *mail)
{
	bool good = valid(mail->subject) && valid(mail->text) && valid(mail->html) &&
				valid(mail->message_id) && valid(mail->automatic_reason) &&
				valid(mail->return_path);

	good = good && strlen(mail->text) == mail->text_length;
	for (int i = 0; i < mail->header_count; i++)
		good = good && valid(mail->headers[i].name) && valid(mail->headers[i].value);
	for (int i = 0; i < mail->from.count; i++)
		good = good && valid(mail->from.items[i].name) && valid(mail->from.items[i].address);
	for (int i = 0; i < mail->to.count; i++)
		good = good && valid(mail->to.items[i].name) && valid(mail->to.items[i].address);
	for (int i = 0; i < mail->attachment_count; i++)
		good = good && valid(mail->attachments[i].name) && valid(mail->attachments[i].type) &&
			   valid(mail->attachments[i].content_id);
	return good;
}

/* tnef_type reads a winmail.dat of one file that claims to be of a type. */
static char *
tnef_type(const char *type)
{
	static const unsigned char start[] = {0x78, 0x9F, 0x3E, 0x22, 1, 0, /* signature, key */
										  2,	0x02, 0x90, 6,	  0, 0,
										  0,	0,	  0,	0,	  0,  /* a file begins */
										  2,	0x05, 0x90, 6,	  0}; /* its properties */
	static const unsigned char property[] = {1, 0, 0, 0, 0x1E, 0, 0x0E, 0x37, 1, 0, 0, 0};
	char len = (char) (strlen(type) + 1);
	int padding = (4 - len % 4) % 4;
	StringInfoData bytes;
	StringInfoData mail;
	MimeMessage *read;
	char *result = NULL;

	initStringInfo(&bytes);
	initStringInfo(&mail);
	appendBinaryStringInfo(&bytes, (const char *) start, sizeof(start));
	appendStringInfoChar(&bytes, (char) (sizeof(property) + 4 + len + padding));
	appendBinaryStringInfo(&bytes, "\0\0\0", 3);
	appendBinaryStringInfo(&bytes, (const char *) property, sizeof(property));
	appendStringInfoChar(&bytes, len);
	appendBinaryStringInfo(&bytes, "\0\0\0", 3);
	appendBinaryStringInfo(&bytes, type, len);
	appendBinaryStringInfo(&bytes, "\0\0\0\0\0", padding + 2);

	appendStringInfoString(&mail, "Content-Type: application/ms-tnef\nContent-Transfer-Encoding: "
								  "base64\n\n");
	mime_encode_base64(bytes.data, bytes.len, &mail);
	read = mime_read(mail.data, mail.len);
	if (read->attachment_count == 2 && (read->defects & MIME_DEFECT_TNEF) == 0)
		result = pstrdup(read->attachments[1].type);
	mime_free(read);
	pfree(bytes.data);
	pfree(mail.data);
	return result;
}

static void
test_tnef_types(void)
{
	const char *unknown = "application/octet-stream";

	is(tnef_type("image/png"), "image/png", "the type a winmail.dat states");
	is(tnef_type("Image/PNG"), "image/png", "in lower case");
	is(tnef_type("image/png\r\nX: y"), unknown, "with a line break it is none");
	is(tnef_type("image/p\x01ng"), unknown, "nor with a control character");
	is(tnef_type("text/html; charset=x"), unknown, "nor with a parameter");
	is(tnef_type("image/"), unknown, "nor without its second half");
	is(tnef_type("/png"), unknown, "nor without its first");
	is(tnef_type("a/b/c"), unknown, "nor with three");
}

/* Mails of the corpus with bytes changed at random never harm the reader. */
static void
test_mutations(void)
{
	static const char bytes[] = "\n\r\t \"'<>()=?;:,-@\\\0\x80\xc3\xff*%&/";
	uint32 seed = 4711;
	int bad = 0;
	int read = 0;

	for (int i = 0; i < lengthof(corpus); i++)
	{
		char path[256];
		char original[8192];
		FILE *file;
		size_t len;

		snprintf(path, sizeof(path), "test/corpus/%s.eml", corpus[i].file);
		file = fopen(path, "rb");
		len = fread(original, 1, sizeof(original), file);
		fclose(file);
		for (int round = 0; round < 250; round++)
		{
			/* Of the right size, so that reading beyond it is seen. */
			char *copy = palloc(len);
			size_t cut = len;
			MimeMessage *mail;

			memcpy(copy, original, len);
			for (int n = 0; n < 1 + round % 12; n++)
			{
				seed = seed * 1664525 + 1013904223;
				copy[(seed >> 8) % len] = bytes[(seed >> 3) % (sizeof(bytes) - 1)];
			}
			if (round % 5 == 0)
				cut = (seed >> 8) % len;
			mail = mime_read(copy, cut);
			pfree(copy);
			bad += all_valid(mail) ? 0 : 1;
			read++;
			mime_free(mail);
		}
	}
	is_int(bad, 0, "changed mails give valid UTF-8 and nothing worse");
	is_int(read, (long long) lengthof(corpus) * 250, "all of them were read");
}

int
main(void)
{
	test_corpus();
	test_bounce();
	test_details();
	test_automatic();
	test_answered();
	test_by_list();
	test_suppressed();
	test_grown();
	test_receipt_text();
	test_bodies();
	test_documents();
	test_plain_beside_html();
	test_tnef_types();
	test_hostile();
	test_mutations();
	return tap_done();
}
