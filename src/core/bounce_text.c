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

#include "core/bounce_address.h"
#include "core/bounce_sentence.h"
#include "core/bounce_words.h"
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
	BounceSentence sentence;
} Reader;

static MimeSlice
next_line(const char **p, const char *end)
{
	const char *newline = memchr(*p, '\n', end - *p);
	MimeSlice line = {*p, (newline == NULL ? end : newline) - *p};

	*p = newline == NULL ? end : newline + 1;
	return line;
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

		if (*diagnostic == NULL ||
			(!bounce_says_code(*diagnostic) && bounce_says_code(reader->reason.data)))
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
 * written_to takes the address that was written to, where another one failed that
 * it stands for: Postfix and Exim tell in brackets behind that.
 */
static char *
written_to(const Reader *reader, const char *p, const char *end, const char **after)
{
	static const char *const heads[] = {"(expanded from ", "(generated from ",
										"(ultimately generated from "};

	p = bounce_skip_marks(p, end, "> \t");
	for (int i = 0; i < lengthof(heads); i++)
	{
		size_t len = strlen(heads[i]);
		const char *close;
		const char *behind;
		char *address;

		if (end - p <= len || pg_strncasecmp(p, heads[i], len) != 0)
			continue;
		close = memchr(p, ')', end - p);
		address = close != NULL ? bounce_any_address(p + len, close, &behind) : NULL;
		if (address != NULL && !is_ours(reader, address))
		{
			*after = close + 1;
			return address;
		}
		if (address != NULL)
			pfree(address);
		break;
	}
	return NULL;
}

/* rename_recipient gives the recipient that is being read the address written to. */
static void
rename_recipient(Reader *reader, char *address)
{
	Bounce *bounce = reader->bounce;
	int current = reader->current;

	for (int i = 0; i < bounce->recipient_count; i++)
	{
		if (i == current || pg_strcasecmp(bounce->recipients[i].address, address) != 0)
			continue;

		/* It stands for more than one, and is known already. */
		bounce->recipient_count--;
		memmove(&bounce->recipients[current], &bounce->recipients[current + 1],
				(bounce->recipient_count - current) * sizeof(BounceRecipient));
		reader->current = i > current ? i - 1 : i;
		pfree(address);
		return;
	}
	bounce->recipients[current].address = address;
}

/*
 * is_to_ask: the sentence before an address says that it is of somebody who may
 * help, or who reads the mail instead.  An address with a refusal behind it, or
 * below, is one that failed, whatever stood before; so is one that stands
 * further left than the reason above it, which is the reason of another.
 */
static bool
is_to_ask(Reader *reader, MimeSlice line, size_t indent, const char *start, const char *after)
{
	const char *next = line.data + line.len;

	if (bounce_skip_marks(line.data, start, BOUNCE_LINE_OPENERS) == start)
	{
		MimeSlice below;

		if (reader->reason.len > 0 && indent < reader->sentence.indent)
			return false;
		if (bounce_says_code(casefold_head(&reader->folded, after, next - after, MAX_FOLD)))
			return false;
		next_line(&next, reader->end);
		below = next_line(&next, reader->end);
		if (bounce_says_code(casefold_head(&reader->folded, below.data, below.len, MAX_FOLD)))
			return false;
	}
	return bounce_sentence_asks(&reader->sentence, line, start);
}

/* failed_address takes the address that a line says something failed for. */
static char *
failed_address(Reader *reader, MimeSlice line, size_t indent, const char **after)
{
	char *address = bounce_line_address(line, after);
	char *original;

	if (address == NULL && memchr(line.data, '@', line.len) != NULL &&
		bounce_is_sentence(casefold_head(&reader->folded, line.data, line.len, MAX_FOLD)))
		address = bounce_any_address(line.data, line.data + line.len, after);
	if (address != NULL && is_to_ask(reader, line, indent, *after - strlen(address), *after))
	{
		pfree(address);
		return NULL;
	}
	original = address != NULL ? written_to(reader, *after, line.data + line.len, after) : NULL;
	if (original == NULL)
		return address;
	pfree(address);
	return original;
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
			bounce_sentence_blank(&reader->sentence);
			continue;
		}

		/* A quoted line is of the mail; ">>>" is of the dialogue. */
		if (*bare.data == '>' && (bare.len < 3 || memcmp(bare.data, ">>>", 3) != 0))
			continue;
		if (*bare.data == '(' && reader->current >= 0 &&
			(address = written_to(reader, bare.data, bare.data + bare.len, &after)) != NULL)
		{
			rename_recipient(reader, address);
			continue;
		}
		address = failed_address(reader, bare, bare.data - line.data, &after);
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
			bounce_sentence_end(&reader->sentence);
			begin_recipient(reader, address);
			after = bounce_skip_marks(after, bare.data + bare.len, ">)'\": ");
			/* what is left of a sentence is no reason */
			if (bare.data + bare.len - after > 15)
				add_reason(reader, after, bare.data + bare.len - after);
			continue;
		}
		if (address != NULL)
			pfree(address);
		bounce_sentence_line(&reader->sentence, bare, bare.data - line.data);
		folded = casefold_head(&reader->folded, bare.data, bare.len, MAX_FOLD);
		if (bounce_is_reason_head(folded))
		{
			const char *colon = memchr(bare.data, ':', bare.len);

			reader->reason_open = true;
			if (colon != NULL && bare.data + bare.len - colon > 4)
				add_reason(reader, colon + 1, bare.data + bare.len - colon - 1);
			else if (colon == NULL && bounce_says_code(casefold_head(&reader->folded, bare.data,
																	 bare.len, MAX_FOLD)))
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
		folded = casefold_head(&reader->folded, line.data, line.len, MAX_FOLD);
		if (bounce_says_code(folded))
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
		folded = casefold_head(&reader->folded, line.data, line.len, MAX_FOLD);
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
			   (address = bounce_any_address(p, end, &after)) != NULL)
		{
			begin_recipient(reader, address);
			p = after;
		}
	}
	reader->reason_open = false;
	reader->current = -1;
	return found;
}

/* fold_all puts a whole reason in lower case. */
static const char *
fold_all(Reader *reader, const char *text)
{
	return casefold_head(&reader->folded, text, strlen(text), MAX_REASON);
}

/*
 * is_believable: words like "delivery notification" are used about parcels as
 * well.  Who is no mail system has to name an address and a reason.
 */
static bool
is_believable(Reader *reader, bool named, bool late, const char *general)
{
	const MimeMessage *mail = reader->mail;
	bool system = named || (mail->return_path != NULL && mail->return_path[0] == '\0');
	bool unread = false;

	if (mail->from.count > 0 && !system)
	{
		const char *from = mail->from.items[0].address;

		system = bounce_is_from_system(mail);
		unread = bounce_is_unread(casefold_head(&reader->folded, from, strlen(from), MAX_FOLD));
	}
	if (reader->bounce->recipient_count == 0)
	{
		/* an address that nobody answers from may be of a person who is away */
		if (!bounce_is_from_system(mail) && general != NULL &&
			!bounce_says_code(fold_all(reader, general)))
			return false;
		return system && (late || general != NULL);
	}
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
						 bounce_says_code(fold_all(reader, recipient->diagnostic)))))
			return true;
	}
	return false;
}

/*
 * is_late: the report says that the mail is still being tried.  Our own subject,
 * which it repeats behind a colon, may speak of what is late, too: of payments.
 */
static bool
is_late(Reader *reader)
{
	const char *subject = reader->mail->subject != NULL ? reader->mail->subject : "";
	StringInfoData ours;
	char *colon;
	bool late;

	initStringInfo(&ours);
	casefold_head(&ours, subject, strlen(subject), MAX_FOLD);
	late = strncmp(ours.data, "delayed mail", 12) == 0 ||
		   strncmp(ours.data, "warning: message", 16) == 0 ||
		   strncmp(ours.data, "warning: could not", 18) == 0;
	colon = strchr(ours.data, ':');
	if (colon != NULL)
		*colon++ = '\0';
	late = late || strstr(ours.data, "(delay)") != NULL || bounce_says_delayed(ours.data);
	if (!late)
	{
		char *text = unconstify(
			char *, casefold_head(&reader->folded, reader->text, reader->end - reader->text, 4000));

		if (colon != NULL)
			colon += strspn(colon, " ");
		if (colon != NULL && strlen(colon) > 4)
		{
			for (char *p = text; (p = strstr(p, colon)) != NULL; p += strlen(colon))
				memset(p, ' ', strlen(colon));
		}
		late = bounce_says_delayed(text);
	}
	pfree(ours.data);
	return late;
}

/*
 * is_proved: where no words are known that say so, in whatever language, a mail
 * system's address with a refusal behind it does.
 */
static bool
is_proved(Reader *reader, BounceSender sender, bool late)
{
	const Bounce *bounce = reader->bounce;

	if (sender == BOUNCE_SENDER_REPORTS)
		return true;
	for (int i = 0; i < bounce->recipient_count; i++)
	{
		const char *diagnostic = bounce->recipients[i].diagnostic;

		if (late && bounce_is_from_system(reader->mail))
			return true;
		if (sender == BOUNCE_SENDER_DAEMON && diagnostic != NULL &&
			(bounce_says_code(fold_all(reader, diagnostic)) ||
			 bounce_says_why(reader->folded.data)))
			return true;
		if (diagnostic != NULL && bounce_says_refusal(diagnostic))
			return true;
	}
	return false;
}

/*
 * is_success: the report says that the mail arrived, and nothing else.  The
 * words alone do not tell: reports of failures have them, too.
 */
static bool
is_success(Reader *reader, bool late)
{
	const Bounce *bounce = reader->bounce;
	const char *subject = reader->mail->subject != NULL ? reader->mail->subject : "";
	bool success = false;

	if (late)
		return false;
	for (int i = 0; i < bounce->recipient_count; i++)
	{
		const BounceRecipient *recipient = &bounce->recipients[i];

		if (recipient->status != NULL && recipient->status[0] == '2')
			success = true;
		else if (recipient->diagnostic != NULL &&
				 (bounce_says_code(fold_all(reader, recipient->diagnostic)) ||
				  bounce_says_why(reader->folded.data)))
			return false;
	}
	return bounce->recipient_count > 0 &&
		   (success ||
			bounce_says_delivered(
				casefold_head(&reader->folded, subject, strlen(subject), MAX_FOLD)) ||
			bounce_says_delivered(casefold_head(&reader->folded, reader->text,
												reader->end - reader->text, MAX_REASON)));
}

static Bounce *
give_up(Reader *reader)
{
	pfree(reader->folded.data);
	pfree(reader->reason.data);
	pfree(reader->sentence.open.data);
	return NULL;
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
	bool told = false;
	bool late;
	bool named;
	BounceSender sender;

	bounce = palloc0(sizeof(Bounce));
	reader.mail = mail;
	reader.bounce = bounce;
	reader.text = mail->text;
	reader.end = mail->text + whole_characters(mail->text, mail->text_length, MAX_TEXT);
	reader.current = -1;
	initStringInfo(&reader.folded);
	initStringInfo(&reader.reason);
	initStringInfo(&reader.sentence.open);

	named = failed_recipients(&reader);
	sender = bounce_sender(mail, reader.text, reader.end - reader.text);
	/* (the field is believed of a machine only) */
	if (sender == BOUNCE_SENDER_OTHER && (!named || !mail->automatic))
		return give_up(&reader);
	find_copy(&reader);
	read_lines(&reader);
	late = is_late(&reader);
	if (!named && !is_proved(&reader, sender, late))
		return give_up(&reader);
	for (int i = 0; i < bounce->recipient_count; i++)
	{
		BounceRecipient *recipient = &bounce->recipients[i];
		const char *diagnostic = recipient->diagnostic;

		/*
		 * A code elsewhere in the report tells more than kind words.  But where
		 * another address has its own, this one may be nobody's who failed.
		 */
		if (diagnostic == NULL && told)
		{
			recipient->kind = late ? BOUNCE_DELAYED : BOUNCE_SOFT;
			continue;
		}
		if (diagnostic == NULL || (bounce->recipient_count == 1 && !bounce_says_code(diagnostic)))
		{
			if (!looked)
				general = general_reason(&reader);
			looked = true;
			if (general != NULL && (diagnostic == NULL || bounce_says_code(general)))
				recipient->diagnostic = general;
		}
		else if (bounce_says_code(fold_all(&reader, diagnostic)))
			told = true;
		if (recipient->diagnostic != NULL)
			recipient->status = bounce_find_status(recipient->diagnostic);
		recipient->kind = late && !bounce_is_final(recipient->status, recipient->diagnostic) ?
							  BOUNCE_DELAYED :
							  bounce_judge(recipient->status, recipient->diagnostic);
	}
	if (bounce->recipient_count == 0 && !looked)
		general = general_reason(&reader);
	if (is_success(&reader, late) || !is_believable(&reader, named, late, general))
		return give_up(&reader);
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
	pfree(reader.sentence.open.data);
	return bounce;
}
