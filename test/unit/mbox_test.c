/*-------------------------------------------------------------------------
 *
 * mbox_test.c
 *	  Mailbox files taken apart.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mbox.h"

#include <time.h>

#include "tap.h"

#define MARK "From ann@globex.example Mon Jan  5 10:00:00 2026\n"

/* The messages with [date] before and | after each; \r and \n as ~ and $. */
static const char *
split(const char *data, size_t len)
{
	StringInfoData out;
	MboxReader reader;
	MboxMessage message;

	initStringInfo(&out);
	mbox_open(&reader, data, len);
	while (mbox_next(&reader, &message))
	{
		char *text = palloc(message.len + 1);

		text[mbox_unquote(&message, text)] = '\0';
		if (message.has_date)
			appendStringInfo(&out, "[" INT64_FORMAT "]", message.date / 1000000);
		appendStringInfo(&out, "%s|", text);
	}
	for (char *p = out.data; *p; p++)
	{
		if (*p == '\r')
			*p = '~';
		if (*p == '\n')
			*p = '$';
	}
	return out.data;
}

static void
splits(const char *mbox, const char *want, const char *name)
{
	is(split(mbox, strlen(mbox)), want, name);
}

static void
test_forms(void)
{
	splits("", "", "nothing");
	splits("\n\n", "", "blank lines");
	splits(MARK "A: 1\n\nx\n", "[1767607200]A: 1$$x$|", "one");
	splits(MARK "A: 1\n\nx\n\n", "[1767607200]A: 1$$x$|", "one, with its blank line");
	splits(MARK "A: 1\n\nx\n\n\n", "[1767607200]A: 1$$x$$|", "and one of its own");
	splits(MARK "A: 1\n\nx\n\n" MARK "A: 2\n\ny\n\n", "[1767607200]A: 1$$x$|[1767607200]A: 2$$y$|",
		   "two");
	splits("From a@b Mon Jan  5 10:00:00 2026\r\nA: 1\r\n\r\nx\r\n\r\nFrom a@b Mon Jan  5 10:00:01 "
		   "2026\r\nA: 2\r\n\r\ny\r\n\r\n",
		   "[1767607200]A: 1~$~$x~$|[1767607201]A: 2~$~$y~$|", "two, with CR LF");
	splits("A: 1\n\nx\n", "A: 1$$x$|", "a mail without a postmark");
	splits("A: 1\n\nx\n\n" MARK "A: 2\n", "A: 1$$x$|[1767607200]A: 2$|", "and one with");
	splits("\n\n" MARK "A: 1\n", "[1767607200]A: 1$|", "blank lines first");
	splits("\xEF\xBB\xBF" MARK "A: 1\n", "[1767607200]A: 1$|", "a byte order mark first");
	splits(MARK "A: 1", "[1767607200]A: 1|", "no line end at the end");
	splits(MARK, "[1767607200]|", "a postmark alone");
	splits("From ", "|", "not even that");
	splits(MARK "\n" MARK "\n" MARK "A: 1\n", "[1767607200]|[1767607200]|[1767607200]A: 1$|",
		   "postmarks alone");
	splits(MARK MARK "A: 1\n",
		   "[1767607200]From ann@globex.example Mon Jan  5 10:00:00 2026$A: 1$|",
		   "a postmark without a blank line before it is none");
}

static void
test_quotes(void)
{
	splits(MARK "A: 1\n\nx\n\n>From here\n>>From there\n> From x\n>Fromage\n>\n",
		   "[1767607200]A: 1$$x$$From here$>From there$> From x$>Fromage$>$|", "quoted lines");
	splits(MARK "A: 1\n\nx\nFrom ann@globex.example Mon Jan  5 10:00:00 2026\nA: 2\n",
		   "[1767607200]A: 1$$x$From ann@globex.example Mon Jan  5 10:00:00 2026$A: 2$|",
		   "a line that looks like one within a paragraph");
	splits(MARK "A: 1\n\nx\n\nFrom here on we pay.\nA: 2\n",
		   "[1767607200]A: 1$$x$$From here on we pay.$A: 2$|", "a sentence");
	splits(MARK "A: 1\n\nx\n\nFrom Mon Jan 5 we close at 10:00, in 2026\nMore of it.\n",
		   "[1767607200]A: 1$$x$$From Mon Jan 5 we close at 10:00, in 2026$More of it.$|",
		   "a sentence with a date");
	splits(MARK "A: 1\nContent-Length: 1000\n\nx\n\n" MARK "A: 2\nContent-Length: 0\n\nlong\n",
		   "[1767607200]A: 1$Content-Length: 1000$$x$|[1767607200]A: 2$Content-Length: "
		   "0$$long$|",
		   "lengths that lie");
	splits(MARK "A: 1\n\nx\n\nFrom ann@globex.example\nA: 2\n", "[1767607200]A: 1$$x$|A: 2$|",
		   "a postmark of a sender alone");
	splits(MARK "A: 1\n\nx\n\nFrom Ann\nwith love\n", "[1767607200]A: 1$$x$$From Ann$with love$|",
		   "a signature");
	splits(MARK ">From ann@globex.example Mon\nA: 1\n",
		   "[1767607200]From ann@globex.example Mon$A: 1$|", "a quoted postmark in the header");
}

static void
test_dates(void)
{
	static const char *const dates[][2] = {
		{"ann@globex.example Mon Jan  5 10:00:00 2026", "[1767607200]A: 1$|"},
		{"- Mon Jan 05 10:00:00 2026", "[1767607200]A: 1$|"},
		{"1234567890123@xxx Mon Jan 05 10:00:00 +0000 2026", "[1767607200]A: 1$|"},
		{"ann@globex.example Mon Jan  5 11:00:00 2026 +0100", "[1767607200]A: 1$|"},
		{"ann@globex.example Mon Jan  5 05:00:00 EST 2026", "[1767607200]A: 1$|"},
		{"ann@globex.example  Mon Jan  5 10:00 2026", "[1767607200]A: 1$|"},
		{"\"ann 12:30 b\"@globex.example Mon Jan  5 10:00:00 2026", "[1767607200]A: 1$|"},
		{"ann@globex.example Mon, 5 Jan 2026 10:00:00 +0000", "[1767607200]A: 1$|"},
		{"ann@globex.example 2026-01-05T10:00:00Z", "[1767607200]A: 1$|"},
		{"ann@globex.example some day", "A: 1$|"},
		{"ann@globex.example", "A: 1$|"},
		{"", "A: 1$|"},
	};

	for (int i = 0; i < lengthof(dates); i++)
		splits(psprintf("From %s\nA: 1\n", dates[i][0]), dates[i][1], dates[i][0]);
}

static void
test_hostile(void)
{
	static const char *const pieces[] = {"\n",			 "From ",	  "\nFrom ", "\n\nFrom \n",
										 "\n\nFrom a\n", "\n\n" MARK, ">",		 "\n>",
										 "\r",			 "\r\n",	  "\0"};

	for (int i = 0; i < lengthof(pieces); i++)
	{
		StringInfoData mbox;
		MboxReader reader;
		MboxMessage message;
		clock_t began;
		char *out = palloc(5000100);
		size_t sum = 0;

		initStringInfo(&mbox);
		while (mbox.len < 5000000)
			appendBinaryStringInfo(&mbox, pieces[i], Max(strlen(pieces[i]), 1));
		began = clock();
		mbox_open(&reader, mbox.data, mbox.len);
		while (mbox_next(&reader, &message))
			sum += mbox_unquote(&message, out);
		ok(sum <= mbox.len && clock() - began < 2 * CLOCKS_PER_SEC, "five megabytes of piece %d",
		   i);
		pfree(mbox.data);
		pfree(out);
	}
	is(split("\0\n\nFrom a@b Mon Jan  5 10:00:00 2026\nA: 1\n", 43), "|[1767607200]A: 1$|",
	   "a NUL is a byte");
}

int
main(void)
{
	test_forms();
	test_quotes();
	test_dates();
	test_hostile();
	return tap_done();
}
