/*-------------------------------------------------------------------------
 *
 * write.c
 *	  Fuzz target: a mail of ours, whatever its values hold, and read again.
 *
 * The input is the values, with a NUL between each, in the order of Value.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/address.h"
#include "core/mime_internal.h"
#include "core/mime_write.h"

#define LONGEST_LINE 998 /* RFC 5322 */
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

typedef enum Value
{
	SUBJECT,
	NAME,
	ADDRESS,
	MESSAGE_ID,
	HEADER_NAME,
	HEADER_VALUE,
	TEXT,
	HTML,
	FILE_NAME,
	FILE_TYPE,
	FILE_ID,
	FILE_CONTENT,
	VALUES
} Value;

/* The fields there may be, besides the one that the caller adds. */
static const char *const fields[] = {"Date",		 "From",		 "To",
									 "Subject",		 "Message-ID",	 "References",
									 "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};

/* CRLF alone ends lines, and none is too long; ASCII, but for a local part. */
static void
see_lines(const char *data, int len, bool ascii)
{
	int line = 0;

	for (int i = 0; i < len; i++)
	{
		must(data[i] != '\0' && (!ascii || !IS_HIGHBIT_SET(data[i])), "byte 0x%02x at %d",
			 (unsigned char) data[i], i);
		must(data[i] != '\r' || data[i + 1] == '\n', "a lone carriage return at %d", i);
		if (data[i] != '\n')
			continue;
		must(i > 0 && data[i - 1] == '\r', "a lone line feed at %d", i);
		must(i - 1 - line <= LONGEST_LINE, "a line of %d bytes", i - 1 - line);
		line = i + 1;
	}
}

static void
see_fields(const MimeMessage *mail, const char *extra)
{
	bool seen[lengthof(fields) + 1] = {false};

	for (int i = 0; i < mail->header_count; i++)
	{
		int k = 0;

		while (k < lengthof(fields) && strcmp(mail->headers[i].name, fields[k]) != 0)
			k++;
		must(k < lengthof(fields) || strcmp(mail->headers[i].name, extra) == 0,
			 "a field nobody gave: %s", mail->headers[i].name);
		must(pg_strcasecmp(mail->headers[i].name, "bcc") != 0 &&
				 pg_strcasecmp(mail->headers[i].name, "resent-bcc") != 0,
			 "who gets a secret copy");
		must(!seen[k], "twice: %s", mail->headers[i].name);
		seen[k] = true;
	}
}

/*
 * What is left of a line's words: white space and control characters may
 * change, and a byte order mark says nothing where a word begins.
 */
static char *
squeezed(const char *text)
{
	char *copy = pstrdup(text);
	char *to = copy;

	for (const char *p = text; *p != '\0'; p++)
	{
		if (strncmp(p, BYTE_ORDER_MARK, 3) == 0)
			p += 2;
		else if ((unsigned char) *p > ' ' && *p != 0x7F)
			*to++ = *p;
	}
	*to = '\0';
	return copy;
}

static void
see_words(const char *what, const char *given, const char *got)
{
	given = squeezed(given);
	got = squeezed(got == NULL ? "" : got);
	must(strcmp(given, got) == 0, "%s: given %s, got %s", what, given, got);
}

/* A text with LF between its lines, none at its end, and without marks before it. */
static char *
lines_of(const char *text)
{
	StringInfoData lines;

	initStringInfo(&lines);
	while (strncmp(text, BYTE_ORDER_MARK, 3) == 0)
		text += 3;
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p == '\r' && p[1] == '\n')
			continue;
		appendStringInfoChar(&lines, *p == '\r' ? '\n' : *p);
	}
	while (lines.len > 0 && lines.data[lines.len - 1] == '\n')
		lines.data[--lines.len] = '\0';
	return lines.data;
}

static void
see_text(const char *what, const char *given, const char *got)
{
	given = lines_of(given);
	got = lines_of(got == NULL ? "" : got);
	must(strcmp(given, got) == 0, "%s: given\n%s\ngot\n%s", what, given, got);
}

static void
see_file(const MimeMessage *mail, const MimeFile *file)
{
	const MimeAttachment *attachment = &mail->attachments[0];
	char *name = mime_clean_name(mail->arena, file->name, strlen(file->name));

	must(mail->attachment_count >= 1, "no attachment");
	must(attachment->length == file->length &&
			 memcmp(attachment->content, file->content, file->length) == 0,
		 "the file has other bytes");
	fuzz_media_type(attachment->type);
	fuzz_file_name(attachment->name);
	see_words("file name", name == NULL ? "" : name, attachment->name);
}

void
fuzz_run(const char *data, size_t size)
{
	char *values[VALUES];
	MimeAddress mailbox = {0};
	MimeOutgoing mail = {0};
	MimeHeader header;
	MimeFile file = {0};
	StringInfoData out;
	MimeMessage *read;
	bool ascii = true;

	fuzz_fields(data, size, values, VALUES);

	/* They come from columns of text, addresses from those of their type. */
	for (int i = 0; i < FILE_CONTENT; i++)
	{
		if (fuzz_utf8(values[i], strlen(values[i])) != strlen(values[i]))
			return;
	}
	if (address_parse(values[ADDRESS], strlen(values[ADDRESS]), NULL, NULL))
	{
		mailbox.address = values[ADDRESS];
		for (const char *p = mailbox.address; p < strrchr(mailbox.address, '@'); p++)
			ascii &= !IS_HIGHBIT_SET(*p);
	}
	else
		mailbox.address = pstrdup("anna@example.com");
	mailbox.name = values[NAME];
	header.name = values[HEADER_NAME];
	header.value = values[HEADER_VALUE];
	file.name = values[FILE_NAME];
	file.type = values[FILE_TYPE];
	file.content_id = values[FILE_ID];
	file.content = values[FILE_CONTENT];
	file.length = strlen(file.content);

	mail.from.count = mail.to.count = 1;
	mail.from.items = mail.to.items = &mailbox;
	mail.subject = values[SUBJECT];
	mail.message_id = values[MESSAGE_ID];
	mail.references.count = values[MESSAGE_ID][0] != '\0';
	mail.references.ids = &values[MESSAGE_ID];
	mail.text = values[TEXT];
	mail.html = values[HTML][0] != '\0' ? values[HTML] : NULL;
	mail.header_count = 1;
	mail.headers = &header;
	mail.attachment_count = file.length > 0;
	mail.attachments = &file;

	initStringInfo(&out);
	mime_write(&mail, &out);
	see_lines(out.data, out.len, ascii);
	fuzz_saw(out.data, out.len);

	read = mime_read(out.data, out.len);
	must((read->defects & ~(MIME_DEFECT_MESSAGE_ID | MIME_DEFECT_TNEF)) == 0, "defects 0x%x\n%s",
		 read->defects, out.data);
	see_fields(read, header.name);
	see_words("subject", mail.subject, read->subject);
	must(read->from.count == 1 && read->to.count == 1, "%d senders, %d receivers\n%s",
		 read->from.count, read->to.count, out.data);
	see_words("name", mailbox.name, read->from.items[0].name);
	if (address_is_ascii(mailbox.address, strlen(mailbox.address)))
		must(strcmp(read->from.items[0].address, mailbox.address) == 0, "from %s, not from %s",
			 read->from.items[0].address, mailbox.address);
	if (read->text_from_html)
		must(mail.html != NULL && squeezed(mail.text)[0] == '\0', "the text is not ours");
	else
		see_text("text", mail.text, read->text);
	if (mail.html != NULL)
		see_text("HTML", mail.html, read->html);
	if (mail.attachment_count > 0)
		see_file(read, &file);
	mime_free(read);
}
