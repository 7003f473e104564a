/*-------------------------------------------------------------------------
 *
 * mbox.c
 *	  The messages in a mailbox file (RFC 4155 and its kin).
 *
 * A message begins behind a line "From sender date", the postmark.  There are
 * four ways to keep lines of a message from looking like one (mboxo and mboxrd
 * quote them with >, mboxcl and mboxcl2 count bytes in Content-Length), and a
 * file does not say which it is in.  The counts are often wrong, as programs
 * changed line ends after they were taken, and a wrong one loses messages; so
 * they are passed over, and a postmark has to prove itself instead:
 *
 *	- it stands at the file's beginning, or behind a blank line;
 *	- it ends in a date with a time of day, or has the sender alone;
 *	- a header field follows, or nothing does.
 *
 * Lines ">From " lose one >, which is right for mboxrd, and for mboxo but for
 * lines that began with > before.  Lines may end in LF or CR LF.  A file that
 * does not begin with a postmark begins with a message all the same.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mbox.h"

#include "core/mime_internal.h"

/* bytes of the longest postmark */
#define MAX_POSTMARK 1000

static bool
begins(const char *p, const char *end, const char *with)
{
	size_t len = strlen(with);

	return end - p >= len && memcmp(p, with, len) == 0;
}

static const char *
next_line(const char *p, const char *end)
{
	const char *eol = memchr(p, '\n', end - p);

	return eol == NULL ? end : eol + 1;
}

static bool
is_blank_line(const char *p, const char *end)
{
	return p < end && (*p == '\n' || (*p == '\r' && end - p > 1 && p[1] == '\n'));
}

/* begins_header tells whether a message can begin here. */
static bool
begins_header(const char *p, const char *end)
{
	const char *start = p;

	if (p == end || is_blank_line(p, end) || begins(p, end, ">From "))
		return true;
	while (p<end && * p> ' ' && *p < 0x7F && *p != ':')
		p++;
	return p < end && p > start && *p == ':';
}

/* weekday finds the name of a day, with which most dates begin. */
static const char *
weekday(MimeSlice text)
{
	static const char days[] = "SunMonTueWedThuFriSat";

	for (size_t i = 0; i + 4 <= text.len; i++)
	{
		if (i > 0 && text.data[i - 1] != ' ')
			continue;
		for (int day = 0; day < 7; day++)
		{
			if (memcmp(text.data + i, days + day * 3, 3) == 0 &&
				(text.data[i + 3] == ' ' || text.data[i + 3] == ','))
				return text.data + i;
		}
	}
	return NULL;
}

/*
 * read_postmark tells whether the line from "p" to "stop" is one, and reads
 * its date, which is in UTC where it does not say otherwise.
 */
static bool
read_postmark(const char *p, const char *stop, MboxMessage *message)
{
	MimeSlice text = {p + 5, stop - p - 5};
	const char *day;
	const char *blank;
	int offset;

	message->has_date = false;
	message->date = 0;
	if (stop - p > MAX_POSTMARK)
		return false;
	mime_trim(&text);
	blank = memchr(text.data, ' ', text.len);
	if (blank == NULL)
		return text.len > 0;

	/* a sender may have blanks, and digits that look like a part of the date */
	day = weekday(text);
	if (day == NULL)
		day = blank;
	text.len -= day - text.data;
	text.data = day;
	message->has_date =
		memchr(text.data, ':', text.len) != NULL && mime_date(text, &message->date, &offset);
	return message->has_date;
}

/* mbox_open begins to read a file. */
void
mbox_open(MboxReader *reader, const char *data, size_t len)
{
	reader->next = data;
	reader->end = data + len;
	if (begins(reader->next, reader->end, "\xEF\xBB\xBF"))
		reader->next += 3;
	while (is_blank_line(reader->next, reader->end))
		reader->next = next_line(reader->next, reader->end);
}

/* before_blank goes back over the line break that makes a line blank. */
static const char *
before_blank(const char *start, const char *p)
{
	if (p > start && p[-1] == '\n')
		p--;
	if (p > start && p[-1] == '\r')
		p--;
	return p;
}

/*
 * mbox_next
 *		The next message; false where there is no more.
 */
bool
mbox_next(MboxReader *reader, MboxMessage *message)
{
	const char *end = reader->end;
	const char *p = reader->next;
	bool blank = false;
	MboxMessage ignored;

	if (p == end)
		return false;
	message->has_date = false;
	message->date = 0;
	if (begins(p, end, "From "))
	{
		const char *next = next_line(p, end);

		(void) read_postmark(p, next, message);
		p = next;
	}
	message->data = p;

	/* up to the next postmark, without the blank line before that */
	while (p < end)
	{
		const char *next = next_line(p, end);

		if (blank && *p == 'F' && begins(p, end, "From ") && begins_header(next, end) &&
			read_postmark(p, next, &ignored))
		{
			reader->next = p;
			message->len = before_blank(message->data, p) - message->data;
			return true;
		}
		blank = is_blank_line(p, end);
		p = next;
	}
	reader->next = end;
	if (blank)
		end = before_blank(message->data, end);
	message->len = end - message->data;
	return true;
}

/*
 * mbox_unquote
 *		The message as it was before it was put into the file.
 */
size_t
mbox_unquote(const MboxMessage *message, char *out)
{
	const char *p = message->data;
	const char *end = p + message->len;
	char *start = out;

	while (p < end)
	{
		const char *next = next_line(p, end);

		if (*p == '>')
		{
			const char *text = p;

			while (text < next && *text == '>')
				text++;
			if (begins(text, next, "From "))
				p++;
		}
		memcpy(out, p, next - p);
		out += next - p;
		p = next;
	}
	return out - start;
}
