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

/* How automatic answers begin their subject, in lower case ASCII and UTF-8. */
static const char *const subjects[] = {"auto:",
									   "autoreply",
									   "auto-reply",
									   "auto reply",
									   "automatic reply",
									   "automated reply",
									   "out of office",
									   "out-of-office",
									   "abwesend",
									   "abwesenheit",
									   "automatische antwort",
									   "automatisch antwoord",
									   "r\xc3\xa9ponse automatique",
									   "r\xc3\xa9ponse d'absence",
									   "absence du bureau",
									   "respuesta autom\xc3\xa1tica",
									   "fuera de la oficina",
									   "resposta autom\xc3\xa1tica",
									   "risposta automatica",
									   "fuori sede",
									   "autosvar",
									   "automaattinen vastaus",
									   "automatyczna odpowied",
									   "automatick\xc3\xa1 odpov",
									   "delivery status notification",
									   "undeliverable:",
									   "undelivered mail",
									   "mail delivery failed",
									   "returned mail:",
									   "failure notice"};

static const char *const machines[] = {"mailer-daemon@", "mailer-daemon"};

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

/* first_word returns a value's first word, without comments. */
static MimeSlice
first_word(const char *value)
{
	MimeSlice all = {value, strlen(value)};
	MimeSlice word = mime_skip_comments(all);
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
	MimeSlice name = {header->name, strlen(header->name)};

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
		case 'l':
			if (mime_equal(name, "list-id"))
				because(reader, "List-Id", header->value);
			break;
		case 'p':
			if (mime_equal(name, "precedence"))
			{
				MimeSlice word = first_word(header->value);

				if (mime_equal(word, "bulk") || mime_equal(word, "junk") ||
					mime_equal(word, "list") || mime_equal(word, "auto_reply") ||
					mime_equal(word, "auto-reply"))
					because(reader, "Precedence", header->value);
			}
			break;
		case 'x':
			if (mime_equal(name, "x-autoreply") || mime_equal(name, "x-autorespond"))
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
			break;
		default:
			break;
	}
}

/* mime_automatic sets the mail's mark and the reason for it. */
void
mime_automatic(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;

	for (int i = 0; i < mail->header_count && !mail->automatic; i++)
		judge_field(reader, &mail->headers[i]);
	if (mail->return_path != NULL && mail->return_path[0] == '\0')
		because(reader, "Return-Path", "<>");
	if (strcmp(mail->type, "multipart/report") == 0)
		because(reader, "Content-Type", "multipart/report");
	if (mail->from.count > 0)
	{
		MimeSlice from = {mail->from.items[0].address, strlen(mail->from.items[0].address)};

		for (int i = 0; i < lengthof(machines); i++)
		{
			if (mime_starts(from, machines[i]))
				because(reader, "From", from.data);
		}
	}
	if (mail->subject != NULL)
	{
		MimeSlice subject = {mail->subject, strlen(mail->subject)};

		for (int i = 0; i < lengthof(subjects); i++)
		{
			if (mime_starts(subject, subjects[i]))
				because(reader, "Subject", mail->subject);
		}
	}
}
