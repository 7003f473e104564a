/*-------------------------------------------------------------------------
 *
 * bounce_text.c
 *	  Delivery reports that are written for people only.
 *
 * They differ in their words, but are alike in their form: something says
 * that this is a report, an address stands at the beginning of a line (or in
 * a sentence that is known), and the reason stands behind it or below.  A copy
 * of the mail may follow; what is in it is not about the failure.
 *
 * Only mail that a machine sent is looked at: people quote such reports when
 * they ask what to do about them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/bounce.h"

#include "core/bounce_words.h"
#include "core/quoted_words.h"
#include "core/casefold.h"

#define MAX_TEXT (256 * 1024) /* bytes of the text that are looked at */
#define MAX_REASON 1500		  /* bytes of a reason */
#define MAX_REASON_LINES 12
#define MAX_FOLD 400 /* bytes of a line that are compared */

typedef struct Reader
{
	const MimeMessage *mail;
	Bounce *bounce;
	const char *text;
	const char *end;	  /* of what is about the failure */
	const char *copy_end; /* of the text, with the copy of the mail */
	StringInfoData folded;
	int current; /* the recipient whose reason is being read, -1 for none */
	StringInfoData reason;
	int reason_lines;
	bool reason_open;
} Reader;

static const char *
fold(StringInfo out, const char *p, size_t len, size_t limit)
{
	resetStringInfo(out);
	casefold_append(out, p, whole_characters(p, len, limit), false);
	return out->data;
}

static MimeSlice
next_line(const char **p, const char *end)
{
	const char *newline = memchr(*p, '\n', end - *p);
	MimeSlice line = {*p, (newline == NULL ? end : newline) - *p};

	*p = newline == NULL ? end : newline + 1;
	return line;
}

/* is_mark: brackets, quotes, bullets and other punctuation beyond ASCII. */
static bool
is_mark(uint32 c)
{
	return (c >= 0x80 && c < 0xC0) || (c >= 0x2000 && c < 0x2C00) ||
		   (c >= 0x3000 && c < 0x3040 && (c < 0x3005 || c > 0x3007)) || c == 0x30FB ||
		   (c >= 0xFE30 && c < 0xFE50) || (c >= 0xFF00 && c < 0xFFF0);
}

/* is_unspaced: of a script that puts no spaces between words. */
static bool
is_unspaced(uint32 c)
{
	return (c >= 0x0E00 && c < 0x0F00) || (c >= 0x1100 && c < 0x1200) ||
		   (c >= 0x2E80 && c < 0xD800) || (c >= 0xF900 && c < 0xFB00) || c >= 0x20000;
}

/*
 * address_char returns the length of a character that an address consists of
 * when nobody quotes it, 0 for any other.
 */
static int
address_char(const char *p, const char *end, bool *unspaced)
{
	uint32 c;
	int len;

	*unspaced = false;
	if (!IS_HIGHBIT_SET(*p))
		return mime_alpha(*p) || mime_digit(*p) ||
			   (*p != '\0' && strchr("!#$%&*+-/=?^_{|}~.@", *p) != NULL);
	len = utf8_get(p, end - p, &c);
	if (len <= 0 || is_mark(c))
		return 0;
	*unspaced = is_unspaced(c);
	return len;
}

/* skip_marks steps over marks, and over the ASCII characters of "also". */
static const char *
skip_marks(const char *p, const char *end, const char *also)
{
	while (p < end)
	{
		uint32 c;
		int len = 1;

		if (IS_HIGHBIT_SET(*p))
		{
			len = utf8_get(p, end - p, &c);
			if (len <= 0 || !is_mark(c))
				break;
		}
		else if (*p == '\0' || strchr(also, *p) == NULL)
			break;
		p += len;
	}
	return p;
}

/* What is longer is no address (RFC 5321, 4.5.3.1: 64 and 255, and the "@"). */
#define MAX_ADDRESS 320

/*
 * address_at takes the address that begins at "p"; NULL where none does.  Where
 * words are not parted by spaces, text may stand right before an address and
 * right behind it.
 */
static char *
address_at(const char *p, const char *end, const char **after)
{
	const char *start = p;
	const char *at = NULL;
	const char *stop;
	bool mixed = false; /* there is unspaced text in what comes before the "@" */
	bool before = false;
	bool unspaced;
	int len;

	while (p < end && (len = address_char(p, end, &unspaced)) > 0)
	{
		if (p - start + len > MAX_ADDRESS)
			return NULL;
		if (*p == '@')
		{
			if (at != NULL || p == start || (mixed && !before))
				return NULL;
			at = p;
		}
		else if (at == NULL)
			mixed |= unspaced;
		else if (unspaced && !before && p[-1] != '@' && p[-1] != '.')
			break;
		before = unspaced;
		p += len;
	}
	stop = p;
	while (stop > start && (stop[-1] == '.' || stop[-1] == '-'))
		stop--;
	if (at == NULL || stop - at < 4 || memchr(at, '.', stop - at) == NULL)
		return NULL;
	*after = stop;
	return pnstrdup(start, stop - start);
}

/* address_start goes back from an "@" to where its address begins, at "least" at most. */
static const char *
address_start(const char *at, const char *least)
{
	const char *start = at;
	bool behind = false;

	while (start > least)
	{
		const char *p = start - 1;
		bool unspaced;

		while (p > least && ((unsigned char) *p & 0xC0) == 0x80)
			p--;
		if (*p == '@' || address_char(p, start, &unspaced) != start - p ||
			(start < at && unspaced && !behind))
			break;
		behind = unspaced;
		start = p;
	}
	return start;
}

/* is_ours: the report's own addressee or sender, which it may speak of. */
static bool
is_ours(const Reader *reader, const char *address)
{
	const MimeMessage *mail = reader->mail;

	for (int i = 0; i < mail->to.count && i < 10; i++)
	{
		if (pg_strcasecmp(mail->to.items[i].address, address) == 0)
			return true;
	}
	for (int i = 0; i < mail->from.count && i < 10; i++)
	{
		if (pg_strcasecmp(mail->from.items[i].address, address) == 0)
			return true;
	}
	return pg_strncasecmp(address, "postmaster@", 11) == 0 ||
		   pg_strncasecmp(address, "mailer-daemon@", 14) == 0;
}

/* What may stand before the address that a line begins with. */
#define LINE_OPENERS " \t\r\n<('\"*["

static size_t
dashes(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p == '-')
		p++;
	return p - start;
}

/* line_address takes the address that a line begins with, if it does. */
static char *
line_address(MimeSlice line, const char **after)
{
	const char *p = line.data;
	const char *end = p + line.len;
	const char *open;
	char *address;

	p = skip_marks(p, end, LINE_OPENERS);

	/* "-- bob@example.com" */
	open = p + dashes(p, end);
	if (open > p && open < end && mime_space(*open))
		p = skip_marks(open, end, LINE_OPENERS);
	if (end - p > 7 && pg_strncasecmp(p, "mailto:", 7) == 0)
		p += 7;
	address = address_at(p, end, after);
	if (address != NULL)
		return address;

	/* "Bob Brown (bob@example.com)" or "… <bob@example.com>", and no more */
	if (line.len > 200 || memchr(line.data, ':', line.len) != NULL)
		return NULL;
	for (open = end; open > p; open--)
	{
		if (open[-1] == '(' || open[-1] == '<')
			break;
	}
	if (open == p)
		return NULL;
	address = address_at(open, end, after);
	if (address != NULL && (*after == end || strchr(")>", **after) == NULL || end - *after > 3))
	{
		pfree(address);
		return NULL;
	}
	return address;
}

/* any_address takes the first address in a sentence. */
static char *
any_address(const char *p, const char *end, const char **after)
{
	while (p < end)
	{
		const char *at = memchr(p, '@', end - p);
		char *address;

		if (at == NULL)
			return NULL;
		address = address_at(address_start(at, p), end, after);
		if (address != NULL)
			return address;
		p = at + 1;
	}
	return NULL;
}

/* says_code: a line with the code of a refusal in it. */
static bool
says_code(const char *folded)
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
 * end_reason gives the recipient the words that were collected.  Words with a
 * code replace kind words without one.
 */
static void
end_reason(Reader *reader)
{
	MimeSlice reason = {reader->reason.data, reader->reason.len};

	mime_trim(&reason);
	if (reader->current >= 0 && reason.len > 0)
	{
		char **diagnostic = &reader->bounce->recipients[reader->current].diagnostic;

		if (*diagnostic == NULL || (!says_code(*diagnostic) && says_code(reader->reason.data)))
			*diagnostic = pnstrdup(reason.data, reason.len);
	}
	resetStringInfo(&reader->reason);
	reader->reason_lines = 0;
	reader->reason_open = false;
}

static void
add_reason(Reader *reader, const char *p, size_t len)
{
	MimeSlice line = {p, len};

	mime_trim(&line);
	if (line.len == 0 || reader->reason_lines >= MAX_REASON_LINES ||
		reader->reason.len + line.len > MAX_REASON)
		return;
	if (reader->reason.len > 0)
		appendStringInfoChar(&reader->reason, ' ');
	appendBinaryStringInfo(&reader->reason, line.data, (int) line.len);
	reader->reason_lines++;
}

/* begin_recipient goes on with a recipient, a new one or one that is known. */
static void
begin_recipient(Reader *reader, char *address)
{
	Bounce *bounce = reader->bounce;
	BounceRecipient *recipient;

	end_reason(reader);
	reader->reason_open = true;
	for (int i = 0; i < bounce->recipient_count; i++)
	{
		if (pg_strcasecmp(bounce->recipients[i].address, address) == 0)
		{
			reader->current = i;
			pfree(address);
			return;
		}
	}
	recipient = bounce_add(bounce);
	if (recipient == NULL)
	{
		reader->current = -1;
		return;
	}
	recipient->address = address;
	reader->current = bounce->recipient_count - 1;
}

/*
 * read_lines goes through the report.  A reason ends at a blank line, unless
 * nothing was read of it yet; a code further down is better than the kind
 * words above it.
 */
static void
read_lines(Reader *reader)
{
	const char *p = reader->text;

	while (p < reader->end)
	{
		MimeSlice line = next_line(&p, reader->end);
		MimeSlice bare = line;
		const char *after;
		const char *folded;
		char *address;

		mime_trim(&bare);
		if (bare.len == 0)
		{
			if (reader->reason.len > 0)
				end_reason(reader);
			continue;
		}

		/* A quoted line is of the mail; ">>>" is of the dialogue. */
		if (*bare.data == '>' && (bare.len < 3 || memcmp(bare.data, ">>>", 3) != 0))
			continue;
		folded = fold(&reader->folded, bare.data, bare.len, MAX_FOLD);

		address = line_address(bare, &after);
		if (address == NULL && memchr(bare.data, '@', bare.len) != NULL &&
			bounce_is_sentence(folded))
			address = any_address(bare.data, bare.data + bare.len, &after);
		if (address != NULL && bare.data > line.data && reader->reason.len > 0 &&
			reader->current >= 0 &&
			pg_strcasecmp(reader->bounce->recipients[reader->current].address, address) == 0)
		{
			/* A line of the reason that was folded before the address. */
			pfree(address);
			add_reason(reader, bare.data, bare.len);
			continue;
		}
		if (address != NULL && !is_ours(reader, address))
		{
			begin_recipient(reader, address);
			after = skip_marks(after, bare.data + bare.len, ">)'\": ");
			/* what is left of a sentence is no reason */
			if (bare.data + bare.len - after > 15)
				add_reason(reader, after, bare.data + bare.len - after);
			continue;
		}
		if (address != NULL)
			pfree(address);
		if (bounce_is_reason_head(folded))
		{
			const char *colon = memchr(bare.data, ':', bare.len);

			reader->reason_open = true;
			if (colon != NULL && bare.data + bare.len - colon > 4)
				add_reason(reader, colon + 1, bare.data + bare.len - colon - 1);
			else if (colon == NULL &&
					 says_code(fold(&reader->folded, bare.data, bare.len, MAX_FOLD)))
				add_reason(reader, bare.data, bare.len);
			continue;
		}
		if (reader->reason_open)
			add_reason(reader, bare.data, bare.len);
	}
	end_reason(reader);
}

/* general_reason finds a line that tells why, for recipients without one. */
static char *
general_reason(Reader *reader)
{
	const char *p = reader->text;
	char *second_best = NULL;

	while (p < reader->end)
	{
		MimeSlice line = next_line(&p, reader->end);
		const char *folded;

		mime_trim(&line);
		if (line.len < 5)
			continue;
		folded = fold(&reader->folded, line.data, line.len, MAX_FOLD);
		if (says_code(folded))
			return pnstrdup(line.data, whole_characters(line.data, line.len, MAX_REASON));
		if (second_best == NULL && bounce_judge(NULL, folded) == BOUNCE_HARD)
			second_best = pnstrdup(line.data, whole_characters(line.data, line.len, MAX_REASON));
	}
	return second_best;
}

/* find_copy finds where the copy of the mail begins in the text. */
static void
find_copy(Reader *reader)
{
	const char *p = reader->text;

	reader->copy_end = reader->end;
	while (p < reader->end)
	{
		const char *start = p;
		MimeSlice line = next_line(&p, reader->end);
		const char *folded;

		mime_trim(&line);
		if (line.len == 0)
			continue;
		folded = fold(&reader->folded, line.data, line.len, MAX_FOLD);
		if (pg_strncasecmp(line.data, "Received: from", Min(line.len, 14)) == 0 ||
			pg_strncasecmp(line.data, "Return-Path: <", Min(line.len, 14)) == 0 ||
			bounce_is_copy(folded))
		{
			/* A sentence in the first lines may only announce it. */
			if (line.len < 8 || strstr(folded, "attached") != NULL ||
				strstr(folded, "included below") != NULL || strstr(folded, "is below") != NULL ||
				strstr(folded, "the original message was received") != NULL)
				continue;
			reader->end = start;
			break;
		}
	}
}

/* copied_id finds the Message-ID in the copy, or wherever one stands. */
static char *
copied_id(const Reader *reader)
{
	const char *p = reader->text;

	while (p < reader->copy_end)
	{
		MimeSlice line = next_line(&p, reader->copy_end);

		while (line.len > 0 && (mime_space(*line.data) || *line.data == '>' || *line.data == '|'))
		{
			line.data++;
			line.len--;
		}
		if (line.len > 11 && pg_strncasecmp(line.data, "message-id:", 11) == 0)
		{
			char *value = pnstrdup(line.data + 11, Min(line.len - 11, MIME_MAX_ID + 2));
			char *id;

			/* Long ids stand on the next line. */
			if (strspn(value, " \t\r") == strlen(value))
			{
				line = next_line(&p, reader->copy_end);
				value = pnstrdup(line.data, Min(line.len, MIME_MAX_ID + 2));
			}
			while (mime_space(*value))
				value++;
			id = report_id(value);
			if (id != NULL)
				return id;
		}
	}
	return NULL;
}

/* failed_recipients reads X-Failed-Recipients, as Exim and Google write it. */
static bool
failed_recipients(Reader *reader)
{
	bool found = false;

	for (int i = 0; i < reader->mail->header_count; i++)
	{
		const MimeHeader *header = &reader->mail->headers[i];
		const char *p = header->value;
		const char *end = p + strlen(p);
		const char *after;
		char *address;

		if (pg_strcasecmp(header->name, "X-Failed-Recipients") != 0)
			continue;
		found = true;
		while (reader->bounce->recipient_count < REPORT_MAX_RECIPIENTS &&
			   (address = any_address(p, end, &after)) != NULL)
		{
			begin_recipient(reader, address);
			p = after;
		}
	}
	reader->reason_open = false;
	reader->current = -1;
	return found;
}

/* is_report: a machine sent it, and it says that it is about a delivery. */
static bool
is_report(const Reader *reader, StringInfo folded)
{
	const MimeMessage *mail = reader->mail;
	const char *submitted = mime_header(mail, "Auto-Submitted");
	bool machine = mail->automatic && !mail->by_list &&
				   strncmp(mail->automatic_reason, "Subject", 7) != 0 &&
				   strncmp(mail->automatic_reason, "X-Auto-Response-Suppress", 24) != 0;
	bool says = false;

	/* (an answer that names a colleague; mail systems say so of their reports, too) */
	if (submitted != NULL && pg_strncasecmp(submitted, "auto-replied", 12) == 0 &&
		!bounce_is_from_system(mail))
		return false;

	if (mail->from.count > 0)
	{
		fold(folded, mail->from.items[0].address, strlen(mail->from.items[0].address), MAX_FOLD);
		if (bounce_is_daemon(folded->data))
			machine = true;
	}
	else
		machine = true;
	if (!machine)
		return false;
	if (mail->subject != NULL)
	{
		fold(folded, mail->subject, strlen(mail->subject), MAX_FOLD);
		if (quoted_is_answer(folded->data))
			return false;
		says = bounce_is_subject(folded->data);
	}
	if (!says)
	{
		fold(folded, reader->text, reader->end - reader->text, 1500);
		says = bounce_is_opening(folded->data);
	}
	return says;
}

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
	system = bounce_is_mail_system(fold(&folded, from, strlen(from), MAX_FOLD));
	pfree(folded.data);
	return system;
}

/*
 * is_believable: words like "delivery notification" are used about parcels as
 * well.  Who is no mail system has to name an address and a reason.
 */
static bool
is_believable(Reader *reader, bool named, const char *general)
{
	const MimeMessage *mail = reader->mail;
	bool system = named || (mail->return_path != NULL && mail->return_path[0] == '\0');
	bool unread = false;

	if (mail->from.count > 0 && !system)
	{
		const char *from = mail->from.items[0].address;

		system = bounce_is_from_system(mail);
		unread = bounce_is_unread(fold(&reader->folded, from, strlen(from), MAX_FOLD));
	}
	if (reader->bounce->recipient_count == 0)
		return system && general != NULL;
	if (system)
		return true;
	for (int i = 0; i < reader->bounce->recipient_count; i++)
	{
		const BounceRecipient *recipient = &reader->bounce->recipients[i];

		if (recipient->status != NULL)
			return true;
		/* parcels and portals have addresses that do not exist, too */
		if (!unread && (recipient->kind == BOUNCE_HARD ||
						(recipient->diagnostic != NULL &&
						 says_code(fold(&reader->folded, recipient->diagnostic,
										strlen(recipient->diagnostic), MAX_REASON)))))
			return true;
	}
	return false;
}

/* is_late: the report says that the mail is still being tried. */
static bool
is_late(Reader *reader)
{
	const char *subject = reader->mail->subject != NULL ? reader->mail->subject : "";

	if (bounce_says_delayed(fold(&reader->folded, subject, strlen(subject), MAX_FOLD)) ||
		strstr(reader->folded.data, "(delay)") != NULL ||
		strncmp(reader->folded.data, "delayed mail", 12) == 0 ||
		strncmp(reader->folded.data, "warning: message", 16) == 0)
		return true;
	return bounce_says_delayed(
		fold(&reader->folded, reader->text, reader->end - reader->text, 4000));
}

/*
 * bounce_read_text reads a report in words; NULL: the mail is none.
 */
Bounce *
bounce_read_text(const MimeMessage *mail)
{
	Reader reader = {0};
	Bounce *bounce;
	char *general = NULL;
	bool looked = false;
	bool late;
	bool named;

	bounce = palloc0(sizeof(Bounce));
	reader.mail = mail;
	reader.bounce = bounce;
	reader.text = mail->text;
	reader.end = mail->text + Min(mail->text_length, MAX_TEXT);
	while (reader.end > reader.text && ((unsigned char) *reader.end & 0xC0) == 0x80)
		reader.end--;
	reader.current = -1;
	initStringInfo(&reader.folded);
	initStringInfo(&reader.reason);

	named = failed_recipients(&reader);
	if (!named && !is_report(&reader, &reader.folded))
	{
		pfree(reader.folded.data);
		pfree(reader.reason.data);
		pfree(bounce);
		return NULL;
	}
	find_copy(&reader);
	read_lines(&reader);
	late = is_late(&reader);
	for (int i = 0; i < bounce->recipient_count; i++)
	{
		BounceRecipient *recipient = &bounce->recipients[i];
		const char *diagnostic = recipient->diagnostic;

		/* A code elsewhere in the report tells more than kind words. */
		if (diagnostic == NULL || (bounce->recipient_count == 1 && !says_code(diagnostic)))
		{
			if (!looked)
				general = general_reason(&reader);
			looked = true;
			if (general != NULL && (diagnostic == NULL || says_code(general)))
				recipient->diagnostic = general;
		}
		if (recipient->diagnostic != NULL)
			recipient->status = bounce_find_status(recipient->diagnostic);
		recipient->kind =
			late ? BOUNCE_DELAYED : bounce_judge(recipient->status, recipient->diagnostic);
	}
	if (bounce->recipient_count == 0 && !looked)
		general = general_reason(&reader);
	if (!late && !is_believable(&reader, named, general))
	{
		pfree(reader.folded.data);
		pfree(reader.reason.data);
		return NULL;
	}
	if (bounce->recipient_count == 0)
		bounce->kind = late ? BOUNCE_DELAYED : bounce_judge(NULL, general);
	bounce_sum_up(bounce);
	bounce->original.message_id = copied_id(&reader);
	report_original(mail, &bounce->original);
	if (bounce->original.message_id == NULL && mail->in_reply_to.count > 0)
		bounce->original.message_id = pstrdup(mail->in_reply_to.ids[0]);
	if (bounce->original.message_id == NULL && mail->references.count > 0)
		bounce->original.message_id = pstrdup(mail->references.ids[mail->references.count - 1]);
	pfree(reader.folded.data);
	pfree(reader.reason.data);
	return bounce;
}
