/*-------------------------------------------------------------------------
 *
 * quoted_test.c
 *	  What is new in a reply: the corpus, its marks in HTML, and texts made to
 *	  take long.
 *
 * Run from the top of the source tree.  A file of test/corpus/replies is a
 * text with a line "~~~~" where the new part ends; without one all of it is
 * new.  A first line that begins with "%" gives the subject.  With MIME_SLOW in
 * the environment (valgrind, sanitizers) the time limits are not held.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <dirent.h>
#include <time.h>

#include "core/quoted.h"
#include "tap.h"

#define FOLDER "test/corpus/replies"
#define MARK "~~~~\n"

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static char *
slurp(const char *name)
{
	char path[512];
	char block[4096];
	StringInfoData data;
	FILE *file;
	size_t got;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
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
	return data.data;
}

/* with_crlf returns the text with its lines ended by CR LF. */
static char *
with_crlf(const char *text, size_t *offset)
{
	StringInfoData out;
	size_t at = *offset;

	initStringInfo(&out);
	for (size_t i = 0; text[i]; i++)
	{
		if (i == at)
			*offset = out.len;
		if (text[i] == '\n')
			appendStringInfoChar(&out, '\r');
		appendStringInfoChar(&out, text[i]);
	}
	if (at == strlen(text))
		*offset = out.len;
	return out.data;
}

static void
test_file(const char *name)
{
	char *data = slurp(name);
	char *subject = NULL;
	char *text = data;
	char *mark;
	char label[512];
	size_t want;

	if (*text == '%')
	{
		subject = text + 1;
		text = strchr(text, '\n');
		*text++ = '\0';
	}
	mark = strncmp(text, MARK, strlen(MARK)) == 0 ? text : strstr(text, "\n" MARK);
	if (mark != NULL)
	{
		if (*mark == '\n')
			mark++;
		want = mark - text;
		memmove(mark, mark + strlen(MARK), strlen(mark + strlen(MARK)) + 1);
	}
	else
		want = strlen(text);
	is_int(quoted_offset(text, strlen(text), subject), want, name);

	text = with_crlf(text, &want);
	snprintf(label, sizeof(label), "%s, lines ended by CR LF", name);
	is_int(quoted_offset(text, strlen(text), subject), want, label);
	pfree(text);
	pfree(data);
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
		if (strstr(entry->d_name, ".txt") != NULL)
			names[count++] = pstrdup(entry->d_name);
	}
	ok(count >= 60, "%d replies are there to be read", count);
	if (folder != NULL)
		closedir(folder);
	qsort(names, count, sizeof(char *), by_name);
	for (int i = 0; i < count; i++)
		test_file(names[i]);
}

static void
test_subjects(void)
{
	static const char *const forwards[] = {"Fwd: Invoice", "FW: Invoice", "WG: Rechnung",
										   "TR : Facture", "fw：发票",	  "RV: Factura",
										   "I: Fattura",   "Enc: Fatura", " Doorst: Factuur",
										   "転送: 請求書", "VB: Faktura", "[Fwd: Invoice]"};
	static const char *const others[] = {"Re: Fwd: Invoice", "Forwarding agents", "Invoice",
										 "TRansfer: done",	 "I owe you: 5",	  "",
										 "AW: WG: Rechnung"};

	for (int i = 0; i < lengthof(forwards); i++)
		ok(quoted_is_forward(forwards[i]), "a forward: %s", forwards[i]);
	for (int i = 0; i < lengthof(others); i++)
		ok(!quoted_is_forward(others[i]), "none: %s", others[i]);
	ok(!quoted_is_forward(NULL), "none: no subject");
}

/* HTML with "|" where the new part ends. */
typedef struct Html
{
	const char *name;
	const char *html;
	QuotedHtml want;
	const char *subject;
} Html;

static const Html htmls[] = {
	{"Gmail",
	 "<div>Paid.</div>|<div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon Bob wrote:"
	 "</div><blockquote class=\"gmail_quote\">Pay</blockquote></div>",
	 QUOTED_HTML_CUT},
	{"Apple Mail", "Paid.<br>|<blockquote type=\"cite\">Pay</blockquote>", QUOTED_HTML_CUT},
	{"Outlook on the web", "<p>Paid.</p>|<div id=\"appendonsend\"></div><hr>From: Bob",
	 QUOTED_HTML_CUT},
	{"Outlook on the web, older", "<p>Paid.</p>|<div id=divRplyFwdMsg dir=ltr>From: Bob</div>x",
	 QUOTED_HTML_CUT},
	{"Outlook, seen by another", "<p>Paid.</p>|<div id=\"x_divRplyFwdMsg\">From: Bob</div>",
	 QUOTED_HTML_CUT},
	{"Thunderbird",
	 "<p>Paid.</p>|<div class=\"moz-cite-prefix\">On Mon Bob wrote:<br></div>"
	 "<blockquote type=\"cite\"><p>Pay</p></blockquote>&nbsp;</body></html>",
	 QUOTED_HTML_CUT},
	{"Yahoo", "<div>Paid.</div>|<div id=\"a\" class=\"x yahoo_quoted\"><div>On Mon</div></div>",
	 QUOTED_HTML_CUT},
	{"upper case", "Paid.|<BLOCKQUOTE TYPE=CITE>Pay</BLOCKQUOTE>", QUOTED_HTML_CUT},
	{"blocks in blocks",
	 "Paid.|<blockquote type=cite>a<blockquote type=cite>b</blockquote>c</blockquote>",
	 QUOTED_HTML_CUT},
	{"answers below", "<blockquote type=\"cite\">Pay</blockquote><p>We did.</p>", QUOTED_HTML_ALL},
	{"answers between",
	 "Hi<blockquote type=cite>a</blockquote>yes<blockquote type=cite>b</blockquote>",
	 QUOTED_HTML_ALL},
	{"a forward by Gmail",
	 "FYI<div class=\"gmail_quote\"><div class=\"gmail_attr\">---------- Forwarded message "
	 "---------<br>From: Bank</div></div>",
	 QUOTED_HTML_ALL},
	{"a forward by Thunderbird", "FYI<div class=\"moz-forward-container\">From: Bank</div>",
	 QUOTED_HTML_ALL},
	{"a forward by its subject", "FYI<div id=\"divRplyFwdMsg\">From: Bank</div>", QUOTED_HTML_ALL,
	 "Fw: Advice"},
	{"no mark", "<p>Paid.</p><blockquote>A saying</blockquote>|", QUOTED_HTML_NONE},
	{"a mark in a comment", "Paid.<!-- <blockquote type=cite> -->|", QUOTED_HTML_NONE},
	{"a mark in a style sheet", "<style>a{} <blockquote type=cite></style>Paid.|",
	 QUOTED_HTML_NONE},
	{"a tag that is not closed", "Paid.|<blockquote type=cite", QUOTED_HTML_CUT},
	{"nothing", "|", QUOTED_HTML_NONE},
};

static void
test_html(void)
{
	for (int i = 0; i < lengthof(htmls); i++)
	{
		const Html *test = &htmls[i];
		char *html = pstrdup(test->html);
		char *mark = strchr(html, '|');
		size_t want;
		size_t got;

		if (mark != NULL)
			memmove(mark, mark + 1, strlen(mark));
		want = mark != NULL ? mark - html : strlen(html);
		is_int(quoted_html(html, strlen(html), test->subject, &got), test->want, test->name);
		is_int(got, want, test->name);
		pfree(html);
	}
}

static void
test_mail(void)
{
	static const char *const mails[][2] = {
		{"Subject: Re: x\n\nPaid.\n\nOn 4 May 2026 Bob <b@example.com> wrote:\n> Pay\n",
		 "Paid.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Paid.</p>"
		 "<blockquote type=cite>Pay</blockquote>",
		 "Paid.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<blockquote type=cite>Pay</blockquote>"
		 "<p>On 4 May 2026 at 10:00 I did.</p>",
		 "> Pay\n\nOn 4 May 2026 at 10:00 I did.\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p><a href=https://a.example/>Paid</a>.</p>"
		 "<div class=gmail_quote><div>On Mon Bob wrote:</div><blockquote>Pay</blockquote></div>",
		 "Paid <https://a.example/>.\n\n"},
		/* set in, and not quoted */
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Pay to:</p><blockquote>DE12</blockquote>",
		 "Pay to:\n\n> DE12\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<blockquote>All of it.</blockquote>",
		 "> All of it.\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Pay to:</p><blockquote>DE12</blockquote>"
		 "<div id=appendonsend></div><hr>From: Bob",
		 "Pay to:\n\n> DE12\n\n"},
		/* announced, by a program that leaves no mark */
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Paid.</p><p>On 4 May 2026, Bob wrote:</p>"
		 "<blockquote>Pay</blockquote>",
		 "Paid.\n\n"},
		{"Subject: Fwd: x\nContent-Type: text/html\n\n<p>See</p><div id=divRplyFwdMsg>From:</div>",
		 "See\n\nFrom:\n"},
		{"Subject: Re: x\nContent-Type: text/plain; format=flowed\n\nPaid by our bank, \non time.\n"
		 "\nOn 4 May 2026 \nBob wrote:\n> Pay \n> now\n",
		 "Paid by our bank, on time.\n\n"},
		{"Subject: Re: x\n\n", ""},
	};

	for (int i = 0; i < lengthof(mails); i++)
	{
		MimeMessage *mail = mime_read(mails[i][0], strlen(mails[i][0]));
		char *text = pnstrdup(mail->text, quoted_mail(mail));
		char name[32];

		snprintf(name, sizeof(name), "mail %d", i + 1);
		is(text, mails[i][1], name);
		pfree(text);
		mime_free(mail);
	}
}

/* Texts that look like the beginning of something again and again. */
static void
test_time(void)
{
	static const char *const pieces[] = {
		"\n",
		"a\n",
		">",
		"> a\n",
		"On 4 May 2026 at 10:00, Bob <b@example.com> x\n",
		"On 4 May 2026 at 10:00, Bob <b@example.com> x:\n",
		"From: a@example.com\n",
		"From: a\nTo: b\nDate: c\n",
		"-----Original:-----\n",
		"________________________________\nFrom:\n",
		"--\n",
		"-- \na\n",
		"Sent from my iPhone\n",
		":\n",
		"：",
		"\xc2\xa0",
		"a\xc2\xa0",
		"<blockquote type=cite",
		"<div class=gmail_quote>-----",
		"<div class=",
		"<!--",
		"<style>",
		"</",
		"<",
		"<blockquote type=cite></blockquote>&nbsp;",
	};

	for (int i = 0; i < lengthof(pieces); i++)
	{
		StringInfoData text;
		size_t offset;
		struct timespec before;
		struct timespec after;
		double seconds;

		initStringInfo(&text);
		while (text.len < 25 * 1024 * 1024)
			appendStringInfoString(&text, pieces[i]);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		offset = quoted_offset(text.data, text.len, NULL);
		ok(offset <= text.len, "25 MB of piece %d: text", i + 1);
		quoted_html(text.data, text.len, NULL, &offset);
		ok(offset <= text.len, "25 MB of piece %d: HTML", i + 1);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		seconds = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
		ok(seconds < 1 || getenv("MIME_SLOW") != NULL, "25 MB of piece %d: under a second (%.2f)",
		   i + 1, seconds);
		pfree(text.data);
	}
}

int
main(void)
{
	test_corpus();
	test_subjects();
	test_html();
	test_mail();
	test_time();
	return tap_done();
}
