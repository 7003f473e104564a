/*-------------------------------------------------------------------------
 *
 * mime_header_test.c
 *	  Header values: encoded words, addresses, dates, Message-IDs, file names,
 *	  charsets.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <iconv.h>

#include "core/charset.h"
#include "core/mime.h"
#include "tap.h"

static void
test_words(void)
{
	static const char *const cases[][2] = {
		{"plain words", "plain words"},
		{"=?UTF-8?B?SGVsbG8=?= =?UTF-8?B?IHdvcmxk?=", "Hello world"},
		{"=?UTF-8?B?SGVsbG8=?=\r\n\t=?utf8?Q?_world?=", "Hello world"},
		{"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"},
		{"=?utf-8?q?a?=b", "ab"},
		{"=?iso-8859-1?q?=80uro?=", "€uro"},
		{"=?iso-8859-9?q?=FD?=", "ı"},
		{"=?utf-8*de?q?Gr=C3=B6=C3=9Fe?=", "Größe"},
		{"=?utf-8?q?with space inside?=", "with space inside"},
		{"=?utf-8?b?R3LDtsOf?= =?iso-8859-1?q?e=DF?=", "Größeß"},
		{"=?gb2312?B?vLo=?=", "己"},
		{"=?ks_c_5601-1987?B?sKE=?=", "가"},
		{"=?koi8-r?B?8+7l9A==?=", "СНЕТ"},
		{"=?UTF-7?Q?+AOQ-?=", "ä"},
		{"=?x-nonsense?q?caf=E9?=", "café"},
		{"=?utf-8?q?\?=", ""},
		{"=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
		{"=?utf-8?q?never ends", "=?utf-8?q?never ends"},
		{"=?utf-8?q", "=?utf-8?q"},
		{"a =? b ?= c", "a =? b ?= c"},
		{"=?utf-8?q?a=0D=0ABcc:_x=00y?=", "a  Bcc: xy"},
		{"caf\xe9", "café"},
		{"=?utf-8?q?=E2=82?=", "â‚"},
		{"folded\r\n  twice\r\n\there", "folded  twice\there"},
		{"=?big5-hkscs?B?pOk=?=", "日"},
		{"=?windows-1252?q?=81?=", "\xEF\xBF\xBD"},
		{"=?utf-8?b?YWJj====?=", "abc"},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		char *got = mime_decode_header(cases[i][0]);
		char name[128];

		snprintf(name, sizeof(name), "words: %.60s", i == 23 ? "folded" : cases[i][0]);
		for (char *p = name; *p != '\0'; p++)
		{
			if (*p == '\n' || *p == '\r')
				*p = ' ';
		}
		is(got, cases[i][1], name);
		pfree(got);
	}
}

static void
test_addresses(void)
{
	/* name<address>|… */
	static const char *const cases[][2] = {
		{"joe@example.com", "<joe@example.com>"},
		{"<joe@example.com>", "<joe@example.com>"},
		{"Joe Bloggs <joe@example.com>", "Joe Bloggs<joe@example.com>"},
		{"\"Bloggs, Joe\" <joe@example.com>, ann@example.com",
		 "Bloggs, Joe<joe@example.com>|<ann@example.com>"},
		{"joe@example.com (Joe (the) Bloggs)", "Joe (the) Bloggs<joe@example.com>"},
		{"Joe Bloggs joe@example.com", "Joe Bloggs<joe@example.com>"},
		{"joe @ example.com", "<joe@example.com>"},
		{"Team: a@example.com, b@example.com;, c@example.com",
		 "<a@example.com>|<b@example.com>|<c@example.com>"},
		{"undisclosed-recipients:;", ""},
		{"a@example.com; b@example.com", "<a@example.com>|<b@example.com>"},
		{"=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M?= <j@example.com>", "Jörg M<j@example.com>"},
		{"\"=?utf-8?q?J=C3=B6rg?=\" <j@example.com>", "Jörg<j@example.com>"},
		{"=?utf-8?q?J=2C_K?= <j@example.com>", "J, K<j@example.com>"},
		{"Bloggs, Joe <joe@example.com>", "Bloggs, Joe<joe@example.com>"},
		{"\"john doe\"@example.com", "<\"john doe\"@example.com>"},
		{"John <\"john>doe\"@example.com>", "John<\"john>doe\"@example.com>"},
		{"joe@[IPv6:2001:db8::1]", "<joe@[IPv6:2001:db8::1]>"},
		{"<@r.example,@s.example:joe@example.com>", "<joe@example.com>"},
		{"Joe <mailto:joe@example.com>", "Joe<joe@example.com>"},
		{"Joe <<joe@example.com>>", "Joe<joe@example.com>"},
		{"Joe <joe@example.com", "Joe<joe@example.com>"},
		{"Joe <joe@example.com, Ann <ann@example.com>",
		 "Joe<joe@example.com>|Ann<ann@example.com>"},
		{"Joe <joe@example.com> Ann <ann@example.com>",
		 "Joe<joe@example.com>|Ann<ann@example.com>"},
		{"\"Joe <joe@example.com>", "Joe<joe@example.com>"},
		{"Joe (never closed <joe@example.com>", "Joe (never closed<joe@example.com>"},
		{"\"Joe \\\"J\\\" B\" <joe@example.com>", "Joe \"J\" B<joe@example.com>"},
		{"MAILER-DAEMON", "<MAILER-DAEMON>"},
		{"Nobody At All", "Nobody At All<>"},
		{",, ,a@example.com,,", "<a@example.com>"},
		{"J\xf6rg <j@example.com>", "Jörg<j@example.com>"},
		{"\xc3\xbc@example.com", "<ü@example.com>"},
		{"a@example.com\r\n ,\r\n b@example.com", "<a@example.com>|<b@example.com>"},
		{"Joe <joe(work)@example.com>", "Joe<joe@example.com>"},
		{"Cust AP; Finance <j@example.com>", "Cust AP; Finance<j@example.com>"},
		{"Cust; AP; Finance, Berlin <j@example.com>", "Cust; AP; Finance, Berlin<j@example.com>"},
		{"=?utf-8?q?J=C3=B6rg?=; AP <j@example.com> ", "Jörg; AP<j@example.com>"},
		{"a@example.com; Bob <b@example.com>", "<a@example.com>|Bob<b@example.com>"},
		{"Ann <a@example.com>; Bob <b@example.com>", "Ann<a@example.com>|Bob<b@example.com>"},
		{"Ann A; Bob <b@example.com>; c@example.com", "Ann A<>|Bob<b@example.com>|<c@example.com>"},
		{"Ann A; Bob B", "Ann A<>|Bob B<>"},
		{"Cust: AP <j@example.com>", "AP<j@example.com>"},
		{"", ""},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		MimeAddressList list = mime_parse_addresses(cases[i][0]);
		StringInfoData got;
		char name[32];

		initStringInfo(&got);
		for (int j = 0; j < list.count; j++)
			appendStringInfo(&got, "%s%s<%s>", j > 0 ? "|" : "",
							 list.items[j].name ? list.items[j].name : "", list.items[j].address);
		snprintf(name, sizeof(name), "addresses, case %d", i);
		is(got.data, cases[i][1], name);
		pfree(got.data);
	}
}

static void
test_dates(void)
{
	static const struct
	{
		const char *value;
		int64 seconds; /* -1: cannot be read */
		int offset;
	} cases[] = {
		{"Sat, 21 Nov 2026 10:15:00 +0100", 1795252500, 60},
		{"21 Nov 2026 09:15 GMT", 1795252500, 0},
		{"Sat, 21 Nov 26 04:15:00 EST", 1795252500, -300},
		{"Sat, 21 Nov 2026 10:15:00 +0100 (CET)", 1795252500, 60},
		{"Sat Nov 21 09:15:00 2026", 1795252500, 0},
		{"Sat Nov 21 09:15:00 UTC 2026", 1795252500, 0},
		{"21-Nov-2026 10:15:00 +01:00", 1795252500, 60},
		{"2026-11-21T10:15:00+01:00", 1795252500, 60},
		{"2026-11-21 09:15:00Z", 1795252500, 0},
		{"Sat, 21 November 2026, 10:15:00 GMT+0100", 1795252500, 60},
		{"November 21, 2026 9:15:00 AM", 1795252500, 0},
		{"21 Nov 2026 12:00 AM", 1795219200, 0},
		{"21 Nov 2026 09:15:00 +9999", 1795252500, 0},
		{"21 Nov 2026 09:15:00 -0000", 1795252500, 0},
		{"21 Nov 2026 09:15:00 +-0500", 1795252500, 0},
		{"20 Nov 2026 17:16:00 -1559", 1795252500, -959},
		{"20 Nov 2026 14:15:00 -1900", 1795252500, 0},
		{"Fri, 07 Jun 0102 08:46:41 +0900", 1023407201, 540},
		{"Fri, 07 Jun 102 08:46:41 +0900", 1023407201, 540},
		{"Fri, 07 Jun 0202 08:46:41 +0900", -1, 0},
		{"Mon, 29 Feb 2016 00:00:00 +0000", 1456704000, 0},
		{"Thu, 01 Jan 1970 00:00:00 +0000", 0, 0},
		{"Wed, 31 Dec 1969 23:59:59 +0000", -1000001, 0},
		{"1 Jan 99 00:00:00 +0000", 915148800, 0},
		{"31 Dec 2016 23:59:60 +0000", 1483228799, 0},
		{"Fri, 31 Dec 9999 23:59:59 +0000", INT64CONST(253402300799), 0},
		{"29 Feb 2015 00:00:00 +0000", -1, 0},
		{"32 Jan 2015 00:00:00 +0000", -1, 0},
		{"1 Jan 2015 25:00:00 +0000", -1, 0},
		{"1 Jan 99999 00:00:00 +0000", -1, 0},
		{"Mo, 12 Mai 2026 10:15:00 +0200", 1778573700, 120},
		{"12. Mai 2026 10:15", 1778580900, 0},
		{"Dienstag, 12. Mai 2026 10:15:00 MESZ", 1778573700, 120},
		{"12 Mai 2026 um 10:15 Uhr", 1778580900, 0},
		{"Mo, 2 März 2026 10:15:00 +0100", 1772442900, 60},
		{"Mo, 2 M\xe4"
		 "r 2026 10:15:00 +0100",
		 1772442900, 60},
		{"ven., 12 déc. 2026", 1797033600, 0},
		{"12-déc-2026 10:15:00 +0100", 1797066900, 60},
		{"jeu., 12 août 2026 10:15:00 +0200", 1786522500, 120},
		{"jeu., 12 juil. 2026 à 10h15", 1783851300, 0},
		{"12 jui 2026 10:15:00", -1, 0},
		{"mar., 12 mai 2026 10:15:00 +0200", 1778573700, 120},
		{"mar, 12 mag 2026 10:15:00 +0200", 1778573700, 120},
		{"mar., 3 mars 2026 10:15:00 +0100", 1772529300, 60},
		{"mar. 12 xyz 2026 10:15:00", -1, 0},
		{"Mar., 12.05.2026 10:15", 1778580900, 0},
		{"martes, 12 de mayo de 2026 10:15", 1778580900, 0},
		{"mardi 12 avril 2026 10:15", 1775988900, 0},
		{"Mar 12 10:15:00 2026", 1773310500, 0},
		{"12 May Jun 2026 10:15", -1, 0},
		{"di, 12 mei 2026 10:15:00 +0200", 1778573700, 120},
		{"seg, 12 out 2026 10:15:00 -0300", 1791810900, -180},
		{"gio 1 ott 2026 10:15:00 +0200", 1790842500, 120},
		{"12.05.2026 10:15:00 +0200", 1778573700, 120},
		{"12.05.26 10:15:00 +0200", -1, 0},
		{"12/05/2026 10:15:00", -1, 0},
		{"12-05-2026 10:15:00", -1, 0},
		{"2026/05/12 10:15:00 +0200", 1778573700, 120},
		{"2026-05-12T10:15+02:00", 1778573700, 120},
		{"2026-05/12 10:15", -1, 0},
		{"Tue, 12 May 2026 10:15:00 p.m. +0200", 1778616900, 120},
		{"Tue, 12 May 2026 10h15", 1778580900, 0},
		{"yesterday", -1, 0},
		{"", -1, 0},
		{"1 1 1 1 1 1", -1, 0},
		{"999999999999999999999999 Jan 2015", -1, 0},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		int64 date = 0;
		int offset = 0;
		bool good = mime_parse_date(cases[i].value, &date, &offset);
		char name[128];

		snprintf(name, sizeof(name), "date: %s", cases[i].value);
		if (cases[i].seconds == -1)
		{
			ok(!good, "%s is none", name);
			continue;
		}

		/* One second before 1970 would look like the mark for none. */
		is_int(good ? date : -2,
			   cases[i].seconds == -1000001 ? -1000000 : cases[i].seconds * INT64CONST(1000000),
			   name);
		is_int(offset, cases[i].offset, "its offset");
	}
}

static MimeMessage *
read_text(const char *text)
{
	return mime_read(text, strlen(text));
}

static void
test_ids(void)
{
	MimeMessage *mail;
	StringInfoData text;

	mail =
		read_text("Message-ID: < a b@example.com > (comment)\nReferences: <1@e><2@e>\n <3@e>,4@e\n"
				  "In-Reply-To: 5@e and 6@e\n\n");
	is(mail->message_id, "ab@example.com", "white space in an id goes");
	is_int(mail->references.count, 3, "words beside ids in brackets are none");
	is(mail->references.ids[2], "3@e", "the last of them");
	is_int(mail->in_reply_to.count, 2, "words with an @ are, where nothing has brackets");
	mime_free(mail);

	mail = read_text("In-Reply-To: Message from \"Ann Example\" <ann7@mail.example> of\n"
					 "    \"Mon, 6 May 2024 10:00:00 BST.\" <7@mail.example>\n\n");
	is_int(mail->in_reply_to.count, 1, "who is answered is not what is answered");
	is(mail->in_reply_to.ids[0], "7@mail.example", "which stands after the date");
	mime_free(mail);

	mail = read_text("In-Reply-To: Ann Example <ann@mail.example> \"Re: ledger\" (May 6, 7pm)\n\n");
	is_int(mail->in_reply_to.count, 0, "nobody's address is an id, also where there is none");
	mime_free(mail);

	mail = read_text("In-Reply-To: ann@mail.example's message of \"Mon, 6 May 2024\"\n"
					 "References: ann7@mail.example's and 7@mail.example\n\n");
	is_int(mail->in_reply_to.count, 0, "nor without brackets");
	is_int(mail->references.count, 1, "but an id without them is one");
	mime_free(mail);

	mail = read_text("In-Reply-To: your message <7.1@mail.example>\n\n");
	is_int(mail->in_reply_to.count, 1, "words may come before an id");
	mime_free(mail);

	mail = read_text("To: ann7@mail.example\nCc: Bob <bob@mail.example>\n"
					 "References: <Ann7@mail.example> <1@mail.example> <bob@mail.example>\n\n");
	is_int(mail->references.count, 1, "neither is that of a recipient");
	is(mail->references.ids[0], "1@mail.example", "the rest stays");
	mime_free(mail);

	initStringInfo(&text);
	appendStringInfoString(&text, "References:");
	for (int i = 0; i < 100; i++)
		appendStringInfo(&text, " <%d@example.com>\r\n", i);
	appendStringInfoString(&text, "\n");
	mail = read_text(text.data);
	is_int(mail->references.count, 40, "of 100 references 40 are kept");
	is(mail->references.ids[0], "0@example.com", "the first");
	is(mail->references.ids[19], "19@example.com", "to the 20th");
	is(mail->references.ids[20], "80@example.com", "and from the 81st");
	is(mail->references.ids[39], "99@example.com", "to the last");
	ok(mail->defects & MIME_DEFECT_REFERENCES, "which is noted");
	mime_free(mail);

	resetStringInfo(&text);
	appendStringInfoString(&text, "Message-ID: <");
	for (int i = 0; i < 2000; i++)
		appendStringInfoChar(&text, 'a');
	appendStringInfoString(&text, "@example.com>\n\n");
	mail = read_text(text.data);
	ok(mail->message_id == NULL, "an id longer than a line may be is none");
	ok(mail->defects & MIME_DEFECT_MESSAGE_ID, "which is noted");
	mime_free(mail);
	pfree(text.data);
}

static void
test_names(void)
{
	static const char *const cases[][2] = {
		{"filename=a.pdf", "a.pdf"},
		{"filename=\"a b.pdf\"", "a b.pdf"},
		{"filename*=utf-8'en'%e2%82%ac%20rates", "€ rates"},
		{"filename*=iso-8859-1''%a3%20rates", "£ rates"},
		{"filename*0=\"one\"; filename*1=\" two\"", "one two"},
		{"filename*1=\" two\"; filename*0=\"one\"", "one two"},
		{"filename*0*=utf-8''%c3; filename*1*=%a9", "é"},
		{"filename=\"x.pdf\"; filename*=utf-8''y.pdf", "y.pdf"},
		{"filename*0=\"=?utf-8?q?=C3\"; filename*1=\"=A9?=\"", "é"},
		{"filename=\"=?utf-8?q?=C3=A9?=\"", "é"},
		{"filename=../../etc/passwd", "passwd"},
		{"filename=\"C:\\dir\\a.pdf\"", "a.pdf"},
		{"filename=\"..\"", NULL},
		{"filename=\"\"", NULL},
		{"filename=\"a/\"", NULL},
		{"filename=\"a\tb\x01.pdf\"", "ab.pdf"},
		{"filename*=utf-8''fdp%E2%80%AEexe.pdf", "fdpexe.pdf"},
		{"filename*=utf-8''a%00b%2Fc.pdf", "c.pdf"},
		{"filename*=bogus.pdf", "bogus.pdf"},
		{"filename = spaced.pdf ; size=1", "spaced.pdf"},
		{"filename=\"open.pdf", "open.pdf"},
		{"FILENAME=UP.PDF", "UP.PDF"},
		{"filename*2=c; filename*0=a", "a"},
		{"size=1", NULL},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		StringInfoData text;
		MimeMessage *mail;

		initStringInfo(&text);
		appendStringInfo(&text,
						 "Content-Type: application/pdf\nContent-Disposition: attachment; %s\n\n",
						 cases[i][0]);
		mail = read_text(text.data);
		is(mail->attachments[0].name, cases[i][1], "a file's name");
		mime_free(mail);
		pfree(text.data);
	}
}

/* long_name reads a name of many pieces with something before and after. */
static char *
long_name(const char *before, const char *piece, int times, const char *after)
{
	StringInfoData text;
	MimeMessage *mail;
	char *name;

	initStringInfo(&text);
	appendStringInfo(&text, "Content-Type: application/pdf; name=\"%s", before);
	for (int i = 0; i < times; i++)
		appendStringInfoString(&text, piece);
	appendStringInfo(&text, "%s\"\n\n", after);
	mail = read_text(text.data);
	name = pstrdup(mail->attachments[0].name);
	mime_free(mail);
	pfree(text.data);
	return name;
}

static void
test_long_names(void)
{
	char *name = long_name("", "x", 3000, ".pdf");

	is_int(strlen(name), 1024, "a name that is too long is cut");
	is(name + 1019, "x.pdf", "and keeps its extension");
	name = long_name("x", "é", 1000, ".jpeg");
	is_int(strlen(name), 1024, "by whole characters");
	is(name + 1017, "é.jpeg", "too");
	name = long_name("", "é", 1000, ".jpeg");
	is_int(strlen(name), 1023, "even if a byte is left");
	is(long_name("", "x", 1020, ".pdf") + 1019, "x.pdf", "one that just fits is as it was");
	is(long_name("", "x", 3000, ".abcdefghijklmno") + 1007, "x.abcdefghijklmno", "16 bytes");
	is(long_name("", "x", 3000, ".abcdefghijklmnop") + 1020, "xxxx", "more are no extension");
	is(long_name("a.", "x", 3000, "") + 1020, "xxxx", "nor is what is far from the end");
	is(long_name("", "x", 3000, ". May") + 1020, "xxxx", "nor words");
	is(long_name("", "x", 3000, ".") + 1020, "xxxx", "nor a dot alone");
}

static void
test_charsets(void)
{
	static const struct
	{
		const char *charset;
		const char *bytes;
		int len;
		const char *text;
		CharsetResult result;
	} cases[] = {
		{"UTF-8", "gr\xc3\xbc\xc3\x9f", 6, "grüß", CHARSET_GOOD},
		{"utf8", "a\0b", 3, "ab", CHARSET_GOOD},
		{"UTF-8", "\xed\xa0\x80", 3, "í\xC2\xA0€", CHARSET_REPLACED},
		{"us-ascii", "caf\xe9", 4, "café", CHARSET_REPLACED},
		{"hz-gb-2312", "a~{VPND~}b ~~", 13, "a中文b ~", CHARSET_GOOD},
		{"HZ", "~{VPND\nab~\ncd~", 14, "中文\nabcd~", CHARSET_GOOD},
		{"HZ-GB-2312", "~{V", 3, "V", CHARSET_GOOD},
		{"HZ-GB-2312", "~", 1, "~", CHARSET_GOOD},
		{"ISO_8859-1", "\x80", 1, "€", CHARSET_GOOD},
		{"gbk", "\x81\x30\x81\x30", 4, "\xc2\x80", CHARSET_GOOD},
		{"euc-kr", "\x8c\x63", 2, "똠", CHARSET_GOOD},
		{"shift_jis", "\x87\x40", 2, "①", CHARSET_GOOD},
		{"iso-8859-9", "\x80", 1, "€", CHARSET_GOOD},
		{"iso-8859-15", "\xa4", 1, "€", CHARSET_GOOD},
		{"utf-16le", "A\0\xac\x20", 4, "A€", CHARSET_GOOD},
		{"utf-16be", "\0A\x20\xac\xd8\x00", 6, "A€\xEF\xBF\xBD", CHARSET_REPLACED},
		{"euc-jp",
		 "\xff"
		 "a",
		 2,
		 "\xEF\xBF\xBD"
		 "a",
		 CHARSET_REPLACED},
		{"iso-2022-jp", "\x1b$B-!\x1b(B1", 9, "①1", CHARSET_GOOD},
		{"ISO-2022-JP-MS", "\x1b$By!y\"|~\x1b(B", 12, "纊褜＂", CHARSET_GOOD},
		{"cp50220", "\x1b(I1J6\x1b(B", 9, "ｱﾊｶ", CHARSET_GOOD},
		{"cp50221",
		 "\x0e"
		 "1\x0f"
		 "1",
		 4, "ｱ1", CHARSET_GOOD},
		{"iso-2022-jp", "\x1b$@!A !A\n\x1b&@\x1b$B!A", 18, "～ ～\n～", CHARSET_GOOD},
		{"iso-2022-jp", "\x1b(J\\5~\x1b(B\\5~", 12, "¥5‾\\5~", CHARSET_GOOD},
		{"iso-2022-jp-1", "\x1b$(D0!\"7\x1b$B0!!a", 15, "丂～亜＝", CHARSET_GOOD},
		{"iso-2022-jp", "\x1b$B0!)!0!0", 10, "亜\xEF\xBF\xBD亜\xEF\xBF\xBD", CHARSET_REPLACED},
		{"iso-2022-jp", "\x1b$B0!)!", 7, "亜\xEF\xBF\xBD", CHARSET_REPLACED},
		{"iso-2022-jp", "a\xb1\x1b$X\x1b", 6, "a\xEF\xBF\xBD\xEF\xBF\xBD$X\xEF\xBF\xBD",
		 CHARSET_REPLACED},
		{"iso-2022-jp", "a\0\x1b$B0!\0", 8, "a亜", CHARSET_GOOD},
		{"windows-1258", "a\xcc", 2, "à", CHARSET_GOOD},
		{"UTF-8//TRANSLIT", "x", 1, "x", CHARSET_UNKNOWN},
		{"ISO-2022-CN-EXT", "x", 1, "x", CHARSET_UNKNOWN},
		{"/etc/passwd", "x", 1, "x", CHARSET_UNKNOWN},
		{"", "x", 1, "x", CHARSET_GOOD},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		StringInfoData out;
		CharsetResult result;

		initStringInfo(&out);
		result = charset_to_utf8(cases[i].charset, strlen(cases[i].charset), cases[i].bytes,
								 cases[i].len, &out);
		is(out.data, cases[i].text, cases[i].charset[0] ? cases[i].charset : "no charset");
		is_int(result, cases[i].result, "and what it says of it");
		pfree(out.data);
	}
	/* The rows of JIS X 0208, as the C library has them where it has them. */
	{
		iconv_t cd = iconv_open("UTF-8", "EUC-JP-MS");
		int different = 0;
		int compared = 0;

		for (int row = 0x21; row < 0x79; row++)
		{
			for (int cell = 0x21; cell < 0x7F; cell++)
			{
				char pair[] = {0x1B, '$', 'B', (char) row, (char) cell};
				char euc[] = {(char) (row | 0x80), (char) (cell | 0x80)};
				char want[8] = {0};
				char *in = euc;
				char *to = want;
				size_t left = 2;
				size_t room = 7;
				StringInfoData out;

				/* (0x7421 on are of the sender's own making there) */
				if (row >= 0x75 || iconv(cd, &in, &left, &to, &room) == (size_t) -1)
					continue;
				initStringInfo(&out);
				charset_to_utf8("iso-2022-jp", 11, pair, 5, &out);
				different += strcmp(out.data, want) != 0;
				compared++;
				pfree(out.data);
			}
		}
		iconv_close(cd);
		is_int(different, 0, "characters of JIS X 0208 are where they belong");
		ok(compared > 6900, "all of them: %d", compared);
	}
	ok(charset_same("UTF-8", 5, "utf8", 4), "two spellings of one charset");
	ok(!charset_same("iso-8859-1", 10, "utf8", 4), "two charsets");
}

static void
test_html(void)
{
	static const char *const cases[][2] = {
		{"plain", "plain\n"},
		{"<p>a</p><p>b</p>", "a\n\nb\n"},
		{"<div>a</div><div>b</div>", "a\nb\n"},
		{"a<br>b<br/><BR />c", "a\nb\n\nc\n"},
		{"a  \n b", "a b\n"},
		{"<table><tr><td>1<td>2<tr><td>3</table>", "1 2\n3\n"},
		{"<script>x<y</script>a<style>b</style>", "a\n"},
		{"<a title=\"1 > 0\" href='x'>link</a>", "link\n"},
		{"1 < 2 & 3 &amp;&#65;&#x42;&#150;&bogus;", "1 < 2 & 3 &AB–&bogus;\n"},
		{"&#0;&#xD800;&#x110000;", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n"},
		{"<pre>a\n  b</pre>c", "a\n  b\n\nc\n"},
		{"a<!-- - -- > -->b", "ab\n"},
		{"<!DOCTYPE html><?xml?>a", "a\n"},
		{"cut <b", "cut\n"},
		{"", ""},
		{"<p> </p>", ""},
		/* where links lead */
		{"see <a href=\"https://a.example/pay?x=1&amp;copy=2\">the  invoice</a>.",
		 "see the invoice <https://a.example/pay?x=1&copy=2>.\n"},
		{"<a class=b href = 'HTTP://www.a.example/' >a.example</a> <A "
		 "HREF=mailto:b@a.example>B@a.example</A>",
		 "a.example B@a.example\n"},
		{"<a href=mailto:b@a.example>write</a><a href='tel:+49891234'>call</a>"
		 "<a href='tel:+49891234'>(089) 1234-0</a>",
		 "write <b@a.example>call <+49891234>(089) 1234-0\n"},
		{"<a href='javascript:alert(1)'>a</a><a name=x>b</a><a href>c</a><a href=''>d</a>",
		 "abcd\n"},
		{"<a href='https://a.example/1'><img src=x></a><a href='https://a.example/2'></a>",
		 "<https://a.example/1>\n"},
		{"<a href='https://a.example/1'>one<a href='https://a.example/2'>two</a>",
		 "one <https://a.example/1>two <https://a.example/2>\n"},
		{"<a title='a href=x' data-href=y href=https://a.example/>one</a>",
		 "one <https://a.example/>\n"},
		/* quotations */
		{"a<blockquote>b<br>c<p>d<blockquote>e</blockquote></blockquote>f",
		 "a\n\n> b\n> c\n>\n> d\n>\n> > e\n\nf\n"},
		{"<blockquote><a href='https://a.example/'>a.example</a></blockquote>", "> a.example\n"},
		{"</blockquote>a<blockquote>b", "a\n\n> b\n"},
		/* lists */
		{"<ol><li>a<li>b<ul><li>c</ul><li>d</ol><ol start=7><li>e</ol><ol start=x><li>f</ol><li>g",
		 "1. a\n2. b\n\n* c\n\n3. d\n\n7. e\n\n1. f\n\n* g\n"},
		{"</ol></ul><ol start=-1><li>a</ol>", "1. a\n"},
		/* entities */
		{"&hearts;&Omega;&omega;&sup1;&sup;&frac12;&AMP;&thetasym;&amp&nbsp;x&hellip;",
		 "♥Ωω¹⊃½&AMP;ϑ& x…\n"},
		{"&zwnj;a&zwnj;b &zwj;&shy;&lrm;c", "a\xE2\x80\x8C"
											"b c\n"},
		{"a<br><br><br><br><br>b", "a\n\n\nb\n"},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		char *got = mime_html_to_text(cases[i][0], strlen(cases[i][0]));

		is(got, cases[i][1], "HTML as text");
		pfree(got);
	}
}

/* test_raw: what 8-bit bytes are that nothing in a field explains. */
static void
test_raw(void)
{
	static const struct
	{
		const char *mail;
		const char *subject;
		const char *name;
	} cases[] = {
		{"Subject: \xB1\xA4\xB0\xED 5\nContent-Type: text/html; charset=\"euc-kr\"\n\n", "광고 5",
		 "bytes in the charset of the text"},
		{"Content-Type: text/plain; charset=iso-8859-9\nSubject: \xFE =?utf-8?q?=C3=A4?= \xFD\n\n",
		 "ş ä ı", "beside encoded words"},
		{"Subject: \xC3\xA4\nContent-Type: text/plain; charset=euc-kr\n\n", "ä",
		 "what is UTF-8 stays that"},
		{"Subject: caf\xE9\nContent-Type: text/plain; charset=euc-kr\n\n", "café",
		 "what the charset does not have is windows-1252"},
		{"Subject: \x90\xBF\x8B\x81\x8F\x91\nContent-Type: text/plain; charset=ISO-2022-JP\n\n",
		 "請求書", "who converts their text to ISO-2022-JP types Shift_JIS"},
		{"Subject: caf\xE9\nContent-Type: text/plain; charset=utf-16\n\n", "café",
		 "nobody types UTF-16"},
		{"Subject: caf\xE9\nContent-Type: text/plain; charset=nonsense\n\n", "café",
		 "nor what nobody knows"},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		MimeMessage *mail = read_text(cases[i].mail);

		is(mail->subject, cases[i].subject, cases[i].name);
		mime_free(mail);
	}
}

int
main(void)
{
	test_raw();
	test_words();
	test_addresses();
	test_dates();
	test_ids();
	test_names();
	test_long_names();
	test_charsets();
	test_html();
	return tap_done();
}
