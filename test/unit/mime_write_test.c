/*-------------------------------------------------------------------------
 *
 * mime_write_test.c
 *	  The MIME writer: the form of what it writes, and that mime_read() gives
 *	  back what went in.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include "core/mime_write.h"
#include "tap.h"

static uint32 seed = 20261121;

static uint32
pick(uint32 below)
{
	seed = seed * 1664525 + 1013904223;
	return below == 0 ? 0 : (seed >> 8) % below;
}

static MimeOutgoing
simple(void)
{
	static MimeAddress from = {"Anna Berg", "anna@example.com"};
	static MimeAddress to = {NULL, "bob@example.org"};
	MimeOutgoing mail = {0};

	mail.from.count = 1;
	mail.from.items = &from;
	mail.to.count = 1;
	mail.to.items = &to;
	mail.subject = "Invoice 4711";
	mail.message_id = "m1@example.com";
	mail.date = INT64CONST(1795252500000000);
	mail.date_offset = 60;
	mail.text = "Please pay.\n";
	return mail;
}

/* lines_good checks what every mail must keep to. */
static bool
lines_good(const StringInfoData *mail, int limit)
{
	int line = 0;

	for (int i = 0; i < mail->len; i++)
	{
		unsigned char c = (unsigned char) mail->data[i];

		if (c >= 0x80 || c == 0)
			return false;
		if (c == '\r' && (i + 1 == mail->len || mail->data[i + 1] != '\n'))
			return false;
		if (c == '\n')
		{
			if (i == 0 || mail->data[i - 1] != '\r')
				return false;
			if (i - 1 - line > limit)
				return false;
			line = i + 1;
		}
	}
	return line == mail->len;
}

static void
test_plain(void)
{
	MimeOutgoing mail = simple();
	StringInfoData out;
	StringInfoData again;

	initStringInfo(&out);
	mime_write(&mail, &out);
	is(out.data,
	   "Date: Sat, 21 Nov 2026 10:15:00 +0100\r\n"
	   "From: Anna Berg <anna@example.com>\r\n"
	   "To: bob@example.org\r\n"
	   "Subject: Invoice 4711\r\n"
	   "Message-ID: <m1@example.com>\r\n"
	   "MIME-Version: 1.0\r\n"
	   "Content-Type: text/plain; charset=utf-8\r\n"
	   "Content-Transfer-Encoding: quoted-printable\r\n"
	   "\r\n"
	   "Please pay.\r\n",
	   "a plain mail has one part");
	initStringInfo(&again);
	mime_write(&mail, &again);
	is(again.data, out.data, "the same mail gives the same bytes");
	pfree(out.data);
	pfree(again.data);
}

static void
test_structure(void)
{
	MimeOutgoing mail = simple();
	MimeFile image = {"logo.png", "image/png", "\x89PNG", 4, "logo@example.com"};
	MimeFile file = {"Rechnung März.pdf", "application/pdf", "%PDF-", 5, NULL};
	StringInfoData out;
	MimeMessage *read;
	const char *mixed;
	const char *alternative;
	const char *related;

	mail.html = "<p>Please pay. <img src=\"cid:logo@example.com\"></p>\n";
	mail.image_count = 1;
	mail.images = &image;
	mail.attachment_count = 1;
	mail.attachments = &file;
	initStringInfo(&out);
	mime_write(&mail, &out);
	mixed = strstr(out.data, "multipart/mixed");
	alternative = strstr(out.data, "multipart/alternative");
	related = strstr(out.data, "multipart/related");
	ok(mixed != NULL && mixed < alternative && alternative < related,
	   "mixed(alternative(text, related(html, images)), attachments)");
	ok(strstr(out.data, "filename=\"Rechnung M_rz.pdf\"") != NULL,
	   "an ASCII name for old programs");
	ok(strstr(out.data, "filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf") != NULL, "and the real one");
	ok(lines_good(&out, 76), "7-bit lines of at most 76, ended by CRLF");

	read = mime_read(out.data, out.len);
	is_int(read->defects, 0, "nothing is wrong with it");
	is(read->text, mail.text, "its text");
	is(read->html, mail.html, "its HTML");
	is_int(read->attachment_count, 2, "image and attachment");
	ok(read->attachments[0].is_inline, "the image is inline");
	is(read->attachments[1].name, "Rechnung März.pdf", "the attachment's name");
	mime_free(read);

	resetStringInfo(&out);
	mail.html = NULL;
	mime_write(&mail, &out);
	ok(strstr(out.data, "multipart/related") == NULL, "no related without HTML");
	read = mime_read(out.data, out.len);
	is_int(read->attachment_count, 2, "images without HTML are attached");
	mime_free(read);
	pfree(out.data);
}

static void
test_injection(void)
{
	MimeOutgoing mail = simple();
	MimeAddress from = {"Anna\r\nBcc: x@example.net", "anna@example.com>\r\nBcc: <y@example.net"};
	MimeHeader headers[] = {{"X-Good", "one\r\nBcc: z@example.net"},
							{"Bcc", "q@example.net"},
							{"bcC", "q@example.net"},
							{"X-Bad\r\nBcc", "q@example.net"},
							{"Bad:Name", "q"},
							{"", "q"},
							{"Content-Type", "text/evil"},
							{"Subject", "another"},
							{"Auto-Submitted", "auto-generated"}};
	MimeFile file = {"a\r\nBcc: n@example.net.pdf", "text/x\r\nBcc: t@example.net", "x", 1,
					 "c\r\nBcc: i@example.net"};
	StringInfoData out;
	MimeMessage *read;
	int bcc = 0;

	mail.from.items = &from;
	mail.subject = "one\r\nBcc: s@example.net\n\nbody";
	mail.message_id = "a@b>\r\nBcc: <m@example.net";
	mail.headers = headers;
	mail.header_count = lengthof(headers);
	mail.attachment_count = 1;
	mail.attachments = &file;
	initStringInfo(&out);
	mime_write(&mail, &out);
	for (const char *p = out.data; (p = strstr(p, "\r\n")) != NULL; p += 2)
		bcc += pg_strncasecmp(p + 2, "bcc", 3) == 0;
	is_int(bcc, 0, "no value makes a field, and Bcc is never written");
	ok(lines_good(&out, 78), "all lines are good ones");
	read = mime_read(out.data, out.len);
	is(read->subject, "one  Bcc: s@example.net  body", "line breaks in a subject become spaces");
	is(mime_header(read, "X-Good"), "one  Bcc: z@example.net", "and in a field of the caller's");
	is(mime_header(read, "Auto-Submitted"), "auto-generated", "good fields are written");
	is(read->attachments[0].type, "application/octet-stream", "a type that is none is not");
	is(read->text, mail.text, "the body is the body");
	is_int(read->from.count, 1, "one author");
	mime_free(read);
	pfree(out.data);
}

static void
test_encodings(void)
{
	MimeOutgoing mail = simple();
	StringInfoData out;
	StringInfoData text;
	MimeMessage *read;

	initStringInfo(&out);
	initStringInfo(&text);
	mail.text =
		"From here\n.\ntrailing \ntab\t\nlong "
		"lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"
		"\n=3D\n=_x\ngr\xc3\xbc\xc3\x9f";
	mime_write(&mail, &out);
	ok(strstr(out.data, "\r\nFrom here") == NULL, "no line begins with From");
	ok(strstr(out.data, "trailing=20\r\n") != NULL, "white space at a line's end is encoded");
	ok(strstr(out.data, "quoted-printable") != NULL, "text with few others is quoted-printable");
	ok(lines_good(&out, 76), "lines of at most 76");
	read = mime_read(out.data, out.len);
	appendStringInfo(&text, "%s\n", mail.text);
	is(read->text, text.data, "it reads back, with its last line ended");
	mime_free(read);

	resetStringInfo(&out);
	mail.text = "お支払いの件でご連絡いたします。\r\nよろしくお願いします。\r";
	mime_write(&mail, &out);
	ok(strstr(out.data, "Encoding: base64") != NULL, "text of others is base64");
	read = mime_read(out.data, out.len);
	is(read->text, "お支払いの件でご連絡いたします。\nよろしくお願いします。\n",
	   "it reads back, whatever its lines ended in");
	mime_free(read);

	/* The boundary is in a mail attached as it is. */
	{
		const char *start;
		char inner[256];
		MimeFile file = {"inner.eml", "message/rfc822", inner, 0, NULL};

		resetStringInfo(&out);
		snprintf(inner, sizeof(inner), "Subject: x\r\n\r\nbody\r\n");
		file.length = strlen(inner);
		mail.text = "see\n";
		mail.attachment_count = 1;
		mail.attachments = &file;
		mime_write(&mail, &out);
		ok(strstr(out.data, "Encoding: 7bit") != NULL, "a mail attached is not encoded");
		start = strstr(out.data, "=_");
		snprintf(inner, sizeof(inner), "Subject: x\r\n\r\n--%.24s\r\n--%.21s--\r\n", start, start);
		file.length = strlen(inner);
		resetStringInfo(&out);
		mime_write(&mail, &out);
		read = mime_read(out.data, out.len);
		is_int(read->attachment_count, 1, "and cannot end the part it is in");
		is(read->attachments[0].content, inner, "nor is it changed");
		mime_free(read);
	}

	/* Where no 7-bit form exists. */
	{
		MimeAddress to = {NULL, "jörg@bücher.example"};

		mail = simple();
		mail.to.items = &to;
		resetStringInfo(&out);
		mime_write(&mail, &out);
		ok(strstr(out.data, "To: jörg@xn--bcher-kva.example\r\n") != NULL,
		   "a domain is ASCII, the part before it stays");

		to.address = "post@bücher.ab--c.example";
		resetStringInfo(&out);
		mime_write(&mail, &out);
		ok(strstr(out.data, "To: post@xn--bcher-kva.ab--c.example\r\n") != NULL,
		   "also one that a mapping would refuse");
	}
	pfree(out.data);
	pfree(text.data);
}

static void
test_folding(void)
{
	MimeOutgoing mail = simple();
	MimeAddress to[60];
	char *ids[40];
	StringInfoData out;
	MimeMessage *read;

	for (int i = 0; i < lengthof(to); i++)
	{
		to[i].name = i % 3 == 0 ?
						 "Müller, Jörg und die sehr lange Abteilung für Forderungen und Mahnwesen" :
					 i % 3 == 1 ? "Bloggs, Joe \"JB\"" :
								  NULL;
		to[i].address = psprintf("someone.with.a.name.%d@example.com", i);
	}
	for (int i = 0; i < lengthof(ids); i++)
		ids[i] = psprintf("%d.abcdefghijklmnopqrstuvwxyz.%d@mail.example.com", i, i);
	mail.to.items = to;
	mail.to.count = lengthof(to);
	mail.references.ids = ids;
	mail.references.count = lengthof(ids);
	mail.subject = "A subject of many quite ordinary words that goes on and on until it has to be "
				   "folded, and then on for one more line, so that there are three";
	initStringInfo(&out);
	mime_write(&mail, &out);
	ok(lines_good(&out, 78), "long fields are folded");
	read = mime_read(out.data, out.len);
	is(read->subject, mail.subject, "a folded subject");
	is_int(read->to.count, lengthof(to), "all recipients");
	is(read->to.items[0].name, to[0].name, "a long name");
	is(read->to.items[58].name, to[58].name, "a name with quotes");
	is(read->references.ids[39], ids[39], "all references");
	mime_free(read);

	mail = simple();
	mail.subject =
		"Zahlungserinnerung: Überfällige Rechnungen – 請求書の件について、ご確認ください "
		"🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂";
	resetStringInfo(&out);
	mime_write(&mail, &out);
	ok(lines_good(&out, 76), "encoded words are folded");
	read = mime_read(out.data, out.len);
	is(read->subject, mail.subject, "a subject in many scripts");
	mime_free(read);
	pfree(out.data);
}

/* random_text picks from what is likely to go wrong. */
static char *
random_text(int most, bool lines)
{
	static const char *const pieces[] = {"a",	  "word ", "Z",	 "9",	  "=",		"=?utf-8?q?x?=",
										 "_",	  "?",	   ", ", "ü",	  "€",		"請求書",
										 "🙂",  "\"",	   "\\", ".",	  "From ",	"--",
										 "<",	  ">",	   "@",	 "(",	  ")",		":",
										 ";",	  "%20",   "'",	 "=_",	  "мир ",	"ß",
										 "~",	  "-- ",   "\t", "&amp;", "lorem ", "ipsum ",
										 "dolor "};
	StringInfoData text;
	int count = pick(most);

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
	{
		if (lines && pick(8) == 0)
			appendStringInfoChar(&text, '\n');
		else
			appendStringInfoString(&text, pieces[pick(lengthof(pieces))]);
	}

	/* What a header drops at its ends is not asked for. */
	if (!lines)
	{
		while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
			text.data[--text.len] = '\0';
		while (text.data[0] == ' ' || text.data[0] == '\t')
			memmove(text.data, text.data + 1, text.len--);
	}
	else if (text.len > 0 && text.data[text.len - 1] != '\n')
		appendStringInfoChar(&text, '\n');
	return text.data;
}

static char *
random_name(void)
{
	char *name = random_text(30, false);

	/* A path in it would be cut off, as it should. */
	for (char *p = name; *p != '\0'; p++)
	{
		if (*p == '/' || *p == '\\' || *p == '\t')
			*p = '-';
	}
	return psprintf("f%s.pdf", name);
}

static bool
same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a == NULL || a[0] == '\0') && (b == NULL || b[0] == '\0');
	return strcmp(a, b) == 0;
}

static bool
same_addresses(const MimeAddressList *a, const MimeAddressList *b)
{
	bool equal = a->count == b->count;

	for (int i = 0; i < a->count && equal; i++)
		equal = same(a->items[i].name, b->items[i].name) &&
				same(a->items[i].address, b->items[i].address);
	return equal;
}

static bool
same_ids(const MimeIdList *a, const MimeIdList *b)
{
	bool equal = a->count == b->count;

	for (int i = 0; i < a->count && equal; i++)
		equal = same(a->ids[i], b->ids[i]);
	return equal;
}

static MimeAddressList
random_addresses(int most)
{
	static const char *const addresses[] = {"a@example.com", "first.last+tag@mail.example.org",
											"\"quoted part\"@example.net", "o'neil@example.com"};
	MimeAddressList list;

	list.count = pick(most + 1);
	list.items = palloc((list.count + 1) * sizeof(MimeAddress));
	for (int i = 0; i < list.count; i++)
	{
		list.items[i].name = pick(3) == 0 ? NULL : random_text(12, false);
		list.items[i].address = pstrdup(addresses[pick(lengthof(addresses))]);
	}
	return list;
}

static MimeIdList
random_ids(int most)
{
	MimeIdList list;

	list.count = pick(most + 1);
	list.ids = palloc((list.count + 1) * sizeof(char *));
	for (int i = 0; i < list.count; i++)
		list.ids[i] = psprintf("%u.%d@mail.example.com", pick(1000000), i);
	return list;
}

static MimeFile
random_file(bool image, int i)
{
	MimeFile file = {0};
	char *content;

	file.length = pick(3) == 0 ? pick(4) : pick(3000);
	content = palloc(file.length + 1);
	for (size_t n = 0; n < file.length; n++)
		content[n] = (char) pick(256);
	file.content = content;
	file.name = pick(5) == 0 ? NULL : random_name();
	file.type = image ? "image/png" : "application/pdf";
	file.content_id = image ? psprintf("image%d@example.com", i) : NULL;
	return file;
}

/* random_case writes a mail, reads it, and says what came back otherwise. */
static const char *
random_case(void)
{
	MimeOutgoing mail = simple();
	MimeFile images[3];
	MimeFile files[4];
	MimeAddress sender = {random_text(8, false), "robot@example.com"};
	StringInfoData html;
	StringInfoData out;
	MimeMessage *read;
	const char *wrong = NULL;
	bool readable;

	mail.from = random_addresses(2);
	mail.reply_to = random_addresses(1);
	mail.to = random_addresses(6);
	mail.cc = random_addresses(2);
	mail.sender = pick(2) ? &sender : NULL;
	mail.subject = random_text(60, false);
	mail.in_reply_to = random_ids(2);
	mail.references = random_ids(30);
	mail.message_id = psprintf("%u@example.com", pick(1000000));
	mail.date = ((int64) pick(1 << 23) * 1000 - INT64CONST(2000000000)) * 1000000;
	mail.date_offset = (int) pick(1681) - 840;
	mail.text = pick(4) == 0 ? NULL : random_text(300, true);
	mail.images = images;
	mail.attachments = files;
	initStringInfo(&html);
	if (mail.text == NULL || pick(2))
	{
		mail.image_count = pick(4);
		appendStringInfo(&html, "<p>%s", random_text(100, true));
		for (int i = 0; i < mail.image_count; i++)
		{
			images[i] = random_file(true, i);
			appendStringInfo(&html, "<img src=\"cid:image%d@example.com\">\n", i);
		}
		if (html.data[html.len - 1] != '\n')
			appendStringInfoChar(&html, '\n');
		mail.html = html.data;
	}
	mail.attachment_count = pick(5);
	for (int i = 0; i < mail.attachment_count; i++)
		files[i] = random_file(false, i);

	initStringInfo(&out);
	mime_write(&mail, &out);
	if (!lines_good(&out, 78))
		wrong = "lines";
	read = mime_read(out.data, out.len);

	/* A blank text beside HTML gives way to it: then it cannot come back. */
	readable = mail.text != NULL && strspn(mail.text, " \t\n") < strlen(mail.text);
	if (!same(read->subject, mail.subject))
		wrong = "subject";
	if (!same_addresses(&read->from, &mail.from) || !same_addresses(&read->to, &mail.to) ||
		!same_addresses(&read->cc, &mail.cc) || !same_addresses(&read->reply_to, &mail.reply_to))
		wrong = "addresses";
	if ((read->sender != NULL) != (mail.sender != NULL) ||
		(mail.sender != NULL && !same(read->sender->name, sender.name)))
		wrong = "sender";
	if (!same_ids(&read->references, &mail.references) ||
		!same_ids(&read->in_reply_to, &mail.in_reply_to) ||
		!same(read->message_id, mail.message_id))
		wrong = "message ids";
	if (!read->has_date || read->date != mail.date || read->date_offset != mail.date_offset)
		wrong = "date";
	if (readable && !same(read->text, mail.text))
		wrong = "text";
	if (!same(read->html, mail.html))
		wrong = "html";
	if (read->defects != 0)
		wrong = "defects";
	if (read->attachment_count != mail.image_count + mail.attachment_count)
		wrong = "attachments";
	for (int i = 0; i < read->attachment_count && wrong == NULL; i++)
	{
		bool image = i < mail.image_count;
		const MimeFile *file = image ? &images[i] : &files[i - mail.image_count];
		const MimeAttachment *got = &read->attachments[i];

		if (!same(got->name, file->name) || !same(got->type, file->type) ||
			got->length != file->length || memcmp(got->content, file->content, file->length) != 0 ||
			got->is_inline != image || !same(got->content_id, file->content_id))
			wrong = "a file";
	}
	if (wrong != NULL)
		printf("# %s\n# subject: %s\n# got:     %s\n", wrong, mail.subject, read->subject);
	mime_free(read);
	pfree(out.data);
	pfree(html.data);
	return wrong;
}

static void
test_round_trip(void)
{
	int failed = 0;

	for (int i = 0; i < 600; i++)
	{
		const char *wrong = random_case();

		if (wrong != NULL)
		{
			printf("# case %d: %s\n", i, wrong);
			failed++;
		}
	}
	is_int(failed, 0, "of 600 mails at random each reads back as it was written");
}

/* What has no good place for a fold gets one all the same. */
static void
test_unfolded(void)
{
	MimeOutgoing mail = simple();
	MimeHeader header = {"X-Note", NULL};
	StringInfoData subject;
	StringInfoData out;
	MimeMessage *read;

	initStringInfo(&out);
	initStringInfo(&subject);
	for (int i = 0; i < 300; i++)
		appendStringInfoString(&subject, "Re: ");
	appendStringInfoString(&subject, "Invoice");
	mail.subject = subject.data;
	mime_write(&mail, &out);
	ok(lines_good(&out, 76), "words that end in colons are folded");
	read = mime_read(out.data, out.len);
	is(read->subject, subject.data, "and read again as they were");
	mime_free(read);

	resetStringInfo(&subject);
	appendStringInfo(&subject, "a%*sb%*sc", 800, "", 2000, "");
	header.value = subject.data;
	mail.subject = "x";
	mail.headers = &header;
	mail.header_count = 1;
	resetStringInfo(&out);
	mime_write(&mail, &out);
	ok(lines_good(&out, 998), "spaces make no line too long");
	pfree(out.data);
	pfree(subject.data);
}

/* Ids come from the mails that are answered, and so can be anything. */
static void
test_long_ids(void)
{
	char *ids[4];
	MimeOutgoing mail = simple();
	StringInfoData out;

	ids[0] = "first@example.com";
	ids[1] = palloc0(999);
	memset(ids[1], 'x', 998);
	ids[2] = "<>\r\n";
	ids[3] = "last@example.com";
	mail.references.count = 4;
	mail.references.ids = ids;
	mail.in_reply_to.count = 1;
	mail.in_reply_to.ids = &ids[1];
	initStringInfo(&out);
	mime_write(&mail, &out);
	ok(lines_good(&out, 76), "no id makes a line too long");
	ok(strstr(out.data, "References: <first@example.com> <last@example.com>\r\n") != NULL,
	   "one that fits on no line, or is empty, is left out");
	ok(strstr(out.data, "In-Reply-To") == NULL, "and a field that would have no other");

	ids[1][998 - strlen("References: <>")] = '\0';
	resetStringInfo(&out);
	mime_write(&mail, &out);
	ok(lines_good(&out, 998) && strstr(out.data, ids[1]) != NULL, "one that just fits is written");
	pfree(ids[1]);
	pfree(out.data);
}

int
main(void)
{
	test_plain();
	test_structure();
	test_long_ids();
	test_unfolded();
	test_injection();
	test_encodings();
	test_folding();
	test_round_trip();
	return tap_done();
}
