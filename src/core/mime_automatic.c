/*-------------------------------------------------------------------------
 *
 * mime_automatic.c
 *	  Whether a machine wrote the mail (RFC 3834, RFC 5230).
 *
 * A reply that no person wrote must not count as the customer's answer, and
 * must never be answered itself.  Fields are believed before the subject's
 * words, because people quote such subjects.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#include "core/mime_automatic_subject.h"
#include "core/bounce_words.h"
#include "core/casefold.h"
#include "core/quoted_words.h"

#define MAX_SUBJECT 400		 /* bytes of a subject that are compared */
#define MAX_RECEIPT 2000	 /* bytes of a receipt's text */
#define MAX_RECEIPT_WORDS 40 /* and of its first words */
#define MAX_LIST_ID 255		 /* bytes; RFC 2919, 2 */
#define MAX_VALUE 200		 /* bytes of a field that are given as the reason */

static void
because(MimeReader *reader, const char *field, const char *value)
{
	MimeMessage *mail = reader->mail;

	if (mail->automatic)
		return;
	resetStringInfo(&reader->scratch);
	appendStringInfoString(&reader->scratch, field);
	if (value != NULL)
	{
		/* Enough to see why; a header may be a megabyte. */
		appendStringInfoString(&reader->scratch, ": ");
		appendBinaryStringInfo(&reader->scratch, value,
							   (int) whole_characters(value, strlen(value), MAX_VALUE));
	}
	mail->automatic = true;
	mail->automatic_reason = mime_strdup(reader->arena, reader->scratch.data, reader->scratch.len);
}

static MimeSlice
slice_of(const char *text)
{
	MimeSlice slice = {text, strlen(text)};

	return slice;
}

/* first_word returns a value's first word, without comments. */
static MimeSlice
first_word(const char *value)
{
	MimeSlice word = mime_skip_comments(slice_of(value));
	size_t len = 0;

	while (len < word.len && !mime_space(word.data[len]) && word.data[len] != ';' &&
		   word.data[len] != ',' && word.data[len] != '(')
		len++;
	word.len = len;
	return word;
}

/*
 * asks_silence: X-Auto-Response-Suppress asks that no machine answers, which
 * machines do, and many companies' servers for everybody.  So by itself it says
 * nothing, and nothing at all of what a list passed on.
 */
static bool
asks_silence(const MimeMessage *mail)
{
	const char *value = mime_header(mail, "X-Auto-Response-Suppress");
	MimeSlice word;

	if (value == NULL || mime_header(mail, "List-Id") != NULL)
		return false;
	word = first_word(value);
	return word.len > 0 && !mime_equal(word, "none");
}

/* is_unread: an address that says that nobody reads what is sent to it. */
static bool
is_unread(const char *address)
{
	static const char *const begins[] = {"noreply", "donotreply"};
	char key[16];
	size_t len = 0;

	for (; *address != '\0' && *address != '@' && len + 1 < sizeof(key); address++)
	{
		if (strchr("-_.", *address) == NULL)
			key[len++] = mime_lower(*address);
	}
	key[len] = '\0';
	for (int i = 0; i < lengthof(begins); i++)
	{
		size_t n = strlen(begins[i]);

		if (strncmp(key, begins[i], n) == 0 && !mime_alpha(key[n]))
			return true;
	}
	return false;
}

/* says_bulk: a value of Precedence that nobody's own mail has. */
static bool
says_bulk(const char *value)
{
	MimeSlice word = first_word(value);

	return mime_equal(word, "bulk") || mime_equal(word, "junk") || mime_equal(word, "auto_reply") ||
		   mime_equal(word, "auto-reply");
}

/*
 * names_autoreply: each program has its own field, and they differ in the hyphens
 * and in what comes behind: X-Autoreply, X-Auto-Reply-From, X-AutoResponder.
 */
static bool
names_autoreply(MimeSlice name)
{
	static const char *const begins[] = {"xautorepl", "xautorespond", "xmailautorepl",
										 "xmailautorespon", "xvacation"};
	char key[20];
	size_t len = 0;

	for (size_t i = 0; i < name.len && len + 1 < sizeof(key); i++)
	{
		if (name.data[i] != '-')
			key[len++] = mime_lower(name.data[i]);
	}
	key[len] = '\0';
	return strcmp(key, "xautoresponse") == 0 || folded_begins_any(key, begins, lengthof(begins));
}

/*
 * judge_field looks at one field.  What the programs of lists put into whatever
 * they pass on ("by_list") does not say who wrote it.
 */
static void
judge_field(MimeReader *reader, const MimeHeader *header, bool by_list)
{
	MimeSlice name = slice_of(header->name);

	switch (mime_lower(header->name[0]))
	{
		case 'a':
			if (mime_equal(name, "auto-submitted"))
			{
				MimeSlice word = first_word(header->value);

				/* (what a filter passes on is a person's, if what it got is) */
				if (word.len > 0 && !mime_equal(word, "no") && !mime_equal(word, "auto-forwarded"))
					because(reader, "Auto-Submitted", header->value);
			}
			break;
		case 'd':
			/* (vacation programs; a mailbox of that name has a domain) */
			if (mime_equal(name, "delivered-to") &&
				mime_equal(first_word(header->value), "autoresponder"))
				because(reader, "Delivered-To", header->value);
			break;
		case 'p':
			if (mime_equal(name, "precedence") && !by_list && says_bulk(header->value))
				because(reader, "Precedence", header->value);
			/* (a slip that a common program had for years) */
			else if (mime_equal(name, "preference") && says_bulk(header->value))
				because(reader, "Preference", header->value);
			break;
		case 'x':
			if (names_autoreply(name))
			{
				MimeSlice word = first_word(header->value);

				if (!mime_equal(word, "no") && !mime_equal(word, "none") &&
					!mime_equal(word, "false") && !mime_equal(word, "0"))
					because(reader, header->name, header->value);
			}
			else if (mime_equal(name, "x-precedence"))
			{
				if (!by_list && says_bulk(header->value))
					because(reader, "X-Precedence", header->value);
			}
			else if (mime_equal(name, "x-autogenerated"))
			{
				/* What is forwarded or mirrored a person may have written. */
				if (mime_equal(first_word(header->value), "reply"))
					because(reader, "X-Autogenerated", header->value);
			}
			else if (mime_equal(name, "x-post-messageclass"))
			{
				/* 9: an autoresponder */
				if (mime_equal(first_word(header->value), "9"))
					because(reader, "X-POST-MessageClass", header->value);
			}
			else if (mime_equal(name, "x-fc-machinegenerated"))
			{
				if (mime_equal(first_word(header->value), "true"))
					because(reader, "X-FC-MachineGenerated", header->value);
			}
			break;
		default:
			break;
	}
}

/*
 * judge_subject looks at the subject.  Words that people use in new mail, too, are
 * believed of an answer, or of who asks that no machine answers.  The words of
 * bounces are those of goods that came back: only a mail system is believed to
 * mean mail by them.
 */
static void
judge_subject(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;
	StringInfoData folded;
	const char *subject;
	bool answers = mail->in_reply_to.count > 0 || mail->references.count > 0 || asks_silence(mail);
	bool found;

	initStringInfo(&folded);
	casefold_head(&folded, mail->subject, strlen(mail->subject), MAX_SUBJECT);
	found = automatic_is_subject(folded.data, answers, &subject);
	if (!found && mail->from.count > 0 && !quoted_is_answer(subject) &&
		(bounce_is_subject(folded.data) || bounce_is_system_subject(folded.data)))
	{
		const char *from = mail->from.items[0].address;

		found = bounce_is_mail_system(casefold_head(&folded, from, strlen(from), MAX_SUBJECT));
	}
	pfree(folded.data);
	if (found)
		because(reader, "Subject", mail->subject);
}

/* is_receipt_field: "To: …", "Subject: …" or "Sent: …", in lower case. */
static bool
is_receipt_field(MimeSlice line)
{
	MimeSlice name = line;
	const char *colon = memchr(line.data, ':', line.len);
	QuotedField field;

	if (colon == NULL)
		return false;
	name.len = colon - line.data;
	mime_trim(&name);
	field = quoted_field(name.data, name.len);
	return field == QUOTED_FIELD_TO || field == QUOTED_FIELD_SUBJECT || field == QUOTED_FIELD_SENT;
}

static bool
has_year(MimeSlice line)
{
	for (size_t i = 0; i + 4 <= line.len; i++)
	{
		if (line.data[i] == '2' && line.data[i + 1] == '0' && mime_digit(line.data[i + 2]) &&
			mime_digit(line.data[i + 3]))
			return true;
	}
	return false;
}

/*
 * judge_receipt: a receipt whose report was lost on the way, so that only Outlook's
 * text is left: a few words, the fields of the mail it is about, but none of who
 * sent it, and the rest of the sentence with a year in it.  All of that, in that
 * order, and no more, in whatever language, and below no subject of an answer.
 */
static void
judge_receipt(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;
	StringInfoData folded;
	const char *p;
	const char *end;
	int fields = 0;
	bool opened = false;
	bool closed = false;
	bool good = true;

	if (mail->text_length > MAX_RECEIPT || mail->attachment_count > 0)
		return;
	initStringInfo(&folded);
	if (mail->subject != NULL)
	{
		bool answer;

		casefold_append(&folded, mail->subject,
						whole_characters(mail->subject, strlen(mail->subject), MAX_SUBJECT), false);
		answer = quoted_is_answer(folded.data);
		resetStringInfo(&folded);
		if (answer)
		{
			pfree(folded.data);
			return;
		}
	}
	casefold_append(&folded, mail->text, mail->text_length, false);
	p = folded.data;
	end = p + folded.len;
	while (p < end && good)
	{
		const char *newline = memchr(p, '\n', end - p);
		MimeSlice line = {p, (newline != NULL ? newline : end) - p};

		p = newline != NULL ? newline + 1 : end;
		mime_trim(&line);
		if (line.len == 0)
			continue;
		if (!opened)
		{
			good = line.len <= MAX_RECEIPT_WORDS;
			for (size_t i = 0; i < line.len; i++)
				good &= strchr(",.:!?@0123456789", line.data[i]) == NULL;
			opened = true;
		}
		else if (fields < 3)
		{
			good = is_receipt_field(line);
			fields++;
		}
		else
		{
			good = !closed && has_year(line);
			closed = true;
		}
	}
	pfree(folded.data);
	if (good && closed)
		because(reader, "Text", "a receipt's");
}

/*
 * judge_list: a list passed it on (RFC 2919), which by itself says nothing of who
 * wrote it.  Its name is kept for whoever knows whose list it is.
 */
static void
judge_list(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;
	const char *id = mime_header(mail, "List-Id");
	const char *precedence = mime_header(mail, "Precedence");

	if (id != NULL)
	{
		const char *end = strrchr(id, '>');
		const char *start = strrchr(id, '<');
		StringInfoData folded;

		because(reader, "List-Id", id);
		mail->by_list = true;
		start = start != NULL ? start + 1 : id;
		if (end == NULL || end < start)
			end = start + strlen(start);
		if (end - start > MAX_LIST_ID)
			return;
		initStringInfo(&folded);
		casefold_append(&folded, start, end - start, true);
		mail->list_id = mime_strdup(reader->arena, folded.data, folded.len);
		pfree(folded.data);
	}
	else if (precedence != NULL && mime_equal(first_word(precedence), "list"))
	{
		because(reader, "Precedence", precedence);
		mail->by_list = true;
	}
}

/* mime_automatic sets the mail's mark and the reason for it. */
void
mime_automatic(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;
	const char *source;
	bool by_list = mime_header(mail, "List-Id") != NULL;

	for (int i = 0; i < mail->header_count && !mail->automatic; i++)
		judge_field(reader, &mail->headers[i], by_list);

	if (mail->from.count > 0 && asks_silence(mail) && is_unread(mail->from.items[0].address))
		because(reader, "X-Auto-Response-Suppress", mime_header(mail, "X-Auto-Response-Suppress"));

	/* Exchange: by a rule of the mailbox, which may redirect people's mail as well. */
	source = mime_header(mail, "X-MS-Exchange-Generated-Message-Source");
	if (source != NULL &&
		mime_starts(mime_skip_comments(slice_of(source)), "mailbox rules agent") &&
		mime_header(mail, "Resent-From") == NULL)
		because(reader, "X-MS-Exchange-Generated-Message-Source", source);
	if (mail->return_path != NULL && mail->return_path[0] == '\0')
		because(reader, "Return-Path", "<>");
	if (strcmp(mail->type, "multipart/report") == 0)
		because(reader, "Content-Type", "multipart/report");
	if (mail->from.count > 0 && mime_starts(slice_of(mail->from.items[0].address), "mailer-daemon"))
		because(reader, "From", mail->from.items[0].address);
	if (!mail->automatic && mail->subject != NULL)
		judge_subject(reader);
	if (!mail->automatic)
		judge_receipt(reader);
	if (!mail->automatic)
		judge_list(reader);
}
