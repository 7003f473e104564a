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

#include "core/bounce_words.h"
#include "core/casefold.h"
#include "core/quoted_words.h"

#define MAX_SUBJECT 400 /* bytes of a subject that are compared */
#define MAX_TAGS 3
#define MAX_LIST_ID 255 /* bytes; RFC 2919, 2 */

/* How automatic answers begin their subject, in lower case, and nobody else does. */
static const char *const subjects[] = {"auto: re:", "autoreply", "auto-reply", "auto reply"};

/*
 * These, too, but people use the words: a colon or the like has to follow, or
 * nothing.  The longer of two that begin alike comes first.
 */
static const char *const marked_subjects[] = {"abwesenheitsbenachrichtigung",
											  "automatyczna odpowiedź",
											  "odpowiedź automatyczna",
											  "abwesenheitsassistent",
											  "automaattinen vastaus",
											  "автоматична відповідь",
											  "automatisch antwoord",
											  "automatische antwort",
											  "respuesta automática",
											  "автоматический ответ",
											  "abwesenheitsmeldung",
											  "afwezigheidsbericht",
											  "ausência temporária",
											  "automatická odpoveď",
											  "automatická odpověď",
											  "fuera de la oficina",
											  "resposta automàtica",
											  "resposta automática",
											  "risposta automatica",
											  "réponse automatique",
											  "automatic response",
											  "automatikus válasz",
											  "absence du bureau",
											  "abwesenheitsnotiz",
											  "message d'absence",
											  "message d’absence",
											  "réponse d'absence",
											  "réponse d’absence",
											  "αυτόματη απάντηση",
											  "absent du bureau",
											  "automatiskt svar",
											  "fuera de oficina",
											  "automated reply",
											  "automatic reply",
											  "automatisk svar",
											  "răspuns automat",
											  "otomatik yanıt",
											  "fuori ufficio",
											  "out of office",
											  "out-of-office",
											  "abwesenheit",
											  "fuori sede",
											  "автоответ",
											  "abwesend",
											  "autosvar",
											  "自動返信メール",
											  "자동 응답",
											  "자동 회신",
											  "自动回复",
											  "自动答复",
											  "自動回復",
											  "自動回覆",
											  "自動応答",
											  "自動答覆",
											  "自動返信",
											  "자동응답",
											  "자동회신"};

/* What may come between the words and the colon. */
static const char *const kinds[] = {"auto reply",	   "autoreply",	   "auto-reply",
									"automatic reply", "reply",		   "response",
									"message",		   "notification", "notice"};

/* What may stand before such words, and behind them. */
static const char *const openers[] = {"[", "(", "【", "（", "［"};
static const char *const marks[] = {":", "：", "]", ")", "】", "）", "］"};
static const char *const spaces[] = {" ", "\t", "\u00A0", "\u3000"};

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
		size_t len = strlen(value);

		if (len > 200)
		{
			len = 200;
			while (len > 0 && ((unsigned char) value[len] & 0xC0) == 0x80)
				len--;
		}
		appendStringInfoString(&reader->scratch, ": ");
		appendBinaryStringInfo(&reader->scratch, value, (int) len);
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

/* judge_field looks at one field. */
static void
judge_field(MimeReader *reader, const MimeHeader *header)
{
	MimeSlice name = slice_of(header->name);

	switch (mime_lower(header->name[0]))
	{
		case 'a':
			if (mime_equal(name, "auto-submitted"))
			{
				MimeSlice word = first_word(header->value);

				if (word.len > 0 && !mime_equal(word, "no"))
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
			if (mime_equal(name, "precedence"))
			{
				MimeSlice word = first_word(header->value);

				if (mime_equal(word, "bulk") || mime_equal(word, "junk") ||
					mime_equal(word, "auto_reply") || mime_equal(word, "auto-reply"))
					because(reader, "Precedence", header->value);
			}
			break;
		case 'x':
			if (mime_equal(name, "x-autoreply") || mime_equal(name, "x-autorespond") ||
				mime_equal(name, "x-mail-autoreply") || mime_equal(name, "x-autoreply-from"))
			{
				if (!mime_equal(first_word(header->value), "no"))
					because(reader, header->name, header->value);
			}
			else if (mime_equal(name, "x-auto-response-suppress"))
			{
				MimeSlice word = first_word(header->value);

				if (word.len > 0 && !mime_equal(word, "none"))
					because(reader, "X-Auto-Response-Suppress", header->value);
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

/* word_at returns the length of the one of the words that "p" begins with, 0 for none. */
static size_t
word_at(const char *p, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		size_t len = strlen(words[i]);

		if (strncmp(p, words[i], len) == 0)
			return len;
	}
	return 0;
}

static const char *
skip_spaces(const char *p)
{
	size_t len;

	while ((len = word_at(p, spaces, lengthof(spaces))) > 0)
		p += len;
	return p;
}

/* is_answer_subject: one that an automatic answer begins with. */
static bool
is_answer_subject(const char *folded)
{
	size_t opener = word_at(folded, openers, lengthof(openers));
	const char *p = skip_spaces(folded + opener);
	size_t words = word_at(p, subjects, lengthof(subjects));

	if (words > 0 && opener == 0)
		return true;
	if (words == 0)
		words = word_at(p, marked_subjects, lengthof(marked_subjects));
	if (words == 0)
		return false;
	p = skip_spaces(p + words);
	p = skip_spaces(p + word_at(p, kinds, lengthof(kinds)));
	return *p == '\0' || word_at(p, marks, lengthof(marks)) > 0;
}

/*
 * judge_subject looks at the subject.  The words of bounces are those of goods
 * that came back, too: only a mail system is believed to mean mail by them.
 */
static void
judge_subject(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;
	StringInfoData folded;
	const char *subject = NULL;
	const char *next;
	bool found = false;

	initStringInfo(&folded);
	casefold_append(&folded, mail->subject,
					whole_characters(mail->subject, strlen(mail->subject), MAX_SUBJECT), false);
	next = skip_spaces(folded.data);
	for (int i = 0; next != NULL && i <= MAX_TAGS && !found; i++)
	{
		subject = next;
		found = is_answer_subject(subject);
		next = quoted_after_tag(subject);
	}
	if (!found && mail->from.count > 0 && !quoted_is_answer(subject) &&
		bounce_is_subject(folded.data))
	{
		const char *from = mail->from.items[0].address;

		resetStringInfo(&folded);
		casefold_append(&folded, from, whole_characters(from, strlen(from), MAX_SUBJECT), false);
		found = bounce_is_mail_system(folded.data);
	}
	pfree(folded.data);
	if (found)
		because(reader, "Subject", mail->subject);
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

	for (int i = 0; i < mail->header_count && !mail->automatic; i++)
		judge_field(reader, &mail->headers[i]);

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
		judge_list(reader);
}
