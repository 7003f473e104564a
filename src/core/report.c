/*-------------------------------------------------------------------------
 *
 * report.c
 *	  Receipts (RFC 8098), complaints (RFC 5965), and the form they share with
 *	  delivery reports: a part of fields, and the mail it is about.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/report.h"

#define MAX_PART (1024 * 1024) /* bytes of a part that are looked at */
#define MAX_ORIGINAL (64 * 1024)
#define MAX_VALUE 4096 /* bytes of a value that are kept */

static const char *const receipt_types[] = {"message/disposition-notification",
											"message/global-disposition-notification", NULL};
static const char *const complaint_types[] = {"message/feedback-report", NULL};
static const char *const returned_types[] = {
	"message/rfc822",		  "text/rfc822-headers", "message/rfc822-headers", "message/global",
	"message/global-headers", "text/rfc822",		 "text/rfc822-header",	   NULL};

/* report_part returns the first attachment of one of the types, or NULL. */
const MimeAttachment *
report_part(const MimeMessage *mail, const char *const *types)
{
	for (int i = 0; i < mail->attachment_count; i++)
	{
		for (int j = 0; types[j] != NULL; j++)
		{
			if (strcmp(mail->attachments[i].type, types[j]) == 0)
				return &mail->attachments[i];
		}
	}
	return NULL;
}

/*
 * report_fields_begin makes the part clean text.  The RFC says ASCII or UTF-8;
 * what mail servers put into diagnostics is anything.
 */
void
report_fields_begin(ReportFields *fields, const char *data, size_t len)
{
	initStringInfo(&fields->text);
	initStringInfo(&fields->value);
	charset_to_utf8(NULL, 0, data, Min(len, MAX_PART), &fields->text);
	fields->next = fields->text.data;
	fields->end = fields->text.data + fields->text.len;
	fields->new_group = true;
}

/* take_line returns the next line without its end, and steps over it. */
static MimeSlice
take_line(ReportFields *fields)
{
	MimeSlice line;
	const char *newline = memchr(fields->next, '\n', fields->end - fields->next);
	const char *stop = newline == NULL ? fields->end : newline;

	line.data = fields->next;
	fields->next = newline == NULL ? fields->end : newline + 1;
	while (stop > line.data && mime_space(stop[-1]))
		stop--;
	line.len = stop - line.data;
	return line;
}

/* report_fields_next reads a field; lines that are none are passed over. */
bool
report_fields_next(ReportFields *fields)
{
	bool new_group = fields->next == fields->text.data;

	while (fields->next < fields->end)
	{
		MimeSlice line = take_line(fields);
		const char *colon;

		if (line.len == 0)
		{
			new_group = true;
			continue;
		}
		colon = memchr(line.data, ':', line.len);
		if (colon == NULL || colon == line.data || mime_space(*line.data))
			continue;
		fields->name = line.data;
		fields->name_len = colon - line.data;
		while (fields->name_len > 0 && mime_space(fields->name[fields->name_len - 1]))
			fields->name_len--;
		resetStringInfo(&fields->value);
		line.len -= colon + 1 - line.data;
		line.data = colon + 1;
		mime_trim(&line);
		appendBinaryStringInfo(&fields->value, line.data, (int) line.len);
		while (fields->next < fields->end && (*fields->next == ' ' || *fields->next == '\t'))
		{
			line = take_line(fields);
			mime_trim(&line);
			if (line.len == 0)
			{
				new_group = true;
				break;
			}
			appendStringInfoChar(&fields->value, ' ');
			appendBinaryStringInfo(&fields->value, line.data, (int) line.len);
		}
		fields->new_group = new_group;
		return true;
	}
	return false;
}

bool
report_field_is(const ReportFields *fields, const char *name)
{
	return strlen(name) == fields->name_len &&
		   pg_strncasecmp(fields->name, name, fields->name_len) == 0;
}

void
report_fields_end(ReportFields *fields)
{
	pfree(fields->text.data);
	pfree(fields->value.data);
}

/* keep copies a piece of a value. */
static char *
keep(const char *data, size_t len)
{
	return pnstrdup(data, whole_characters(data, len, MAX_VALUE));
}

/* after_type steps over "rfc822;" and the like; "limit" bounds its length. */
static const char *
after_type(const char *value, bool *international)
{
	const char *semicolon = strchr(value, ';');
	const char *p = value;

	*international = pg_strncasecmp(value, "utf-8", 5) == 0;
	if (semicolon == NULL || semicolon - value > 40)
		return value;
	while (p < semicolon && (mime_alpha(*p) || mime_digit(*p) || *p == '-' || *p == ' '))
		p++;
	if (p < semicolon)
		return value;
	p = semicolon + 1;
	while (mime_space(*p))
		p++;
	return p;
}

/* report_typed_text returns what stands behind "smtp;". */
char *
report_typed_text(const char *value)
{
	bool international;
	const char *text = after_type(value, &international);

	return keep(text, strlen(text));
}

/*
 * report_typed_address returns the address in "rfc822; <ann@example.com>", with
 * the \x{…} of RFC 6533 undone; NULL where there is none.
 */
char *
report_typed_address(const char *value)
{
	bool international;
	const char *p = after_type(value, &international);
	const char *open = strchr(p, '<');
	const char *end;
	StringInfoData out;

	if (open != NULL && strchr(open, '>') != NULL)
	{
		p = open + 1;
		end = strchr(p, '>');
	}
	else
		end = p + strlen(p);
	while (end > p && (mime_space(end[-1]) || end[-1] == '"' || end[-1] == '\''))
		end--;
	if (end == p || end - p > 1000 || memchr(p, '@', end - p) == NULL)
		return NULL;
	if (!international)
		return pnstrdup(p, end - p);

	initStringInfo(&out);
	while (p < end)
	{
		uint32 codepoint = 0;
		const char *q = p + 3;
		char utf8[4];

		if (end - p > 4 && memcmp(p, "\\x{", 3) == 0)
		{
			while (q < end && q - p < 9 && mime_hex(*q) >= 0)
				codepoint = codepoint << 4 | mime_hex(*q++);
			if (q < end && *q == '}' && codepoint >= 0x20 && codepoint <= 0x10FFFF &&
				!(codepoint >= 0xD800 && codepoint <= 0xDFFF))
			{
				appendBinaryStringInfo(&out, utf8, utf8_put(codepoint, utf8));
				p = q + 1;
				continue;
			}
		}
		appendStringInfoChar(&out, *p++);
	}
	return out.data;
}

/* report_id returns a Message-ID without its brackets, NULL where it is none. */
char *
report_id(const char *value)
{
	const char *open = strchr(value, '<');
	const char *p = open == NULL ? value : open + 1;
	size_t len = strcspn(p, "> \t\r\n");

	if (len == 0 || len > MIME_MAX_ID || (open == NULL && memchr(p, '@', len) == NULL))
		return NULL;
	return pnstrdup(p, len);
}

/* header_end returns how much of a mail is its header. */
static size_t
header_end(const char *data, size_t len)
{
	const char *p = data;
	const char *end = data + Min(len, MAX_ORIGINAL);

	while (p < end)
	{
		const char *newline = memchr(p, '\n', end - p);

		/* A blank line at the very beginning is a slip of the reporter. */
		if (p > data + 2 && (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n')))
			return p - data;
		if (newline == NULL)
			break;
		p = newline + 1;
	}
	return end - data;
}

/*
 * report_original reads the header of the mail that came back, where one did.
 * What is known already is not replaced.
 */
void
report_original(const MimeMessage *mail, ReportOriginal *original)
{
	const MimeAttachment *part = report_part(mail, returned_types);
	const char *data;
	size_t len;
	StringInfoData clean;
	MimeMessage *returned;

	if (part == NULL)
		return;
	data = part->content;
	len = part->length;
	while (len > 0 && mime_space(*data))
	{
		data++;
		len--;
	}
	len = header_end(data, len);
	returned = mime_read(data, len);
	if (original->message_id == NULL && returned->message_id != NULL)
		original->message_id = pstrdup(returned->message_id);
	if (returned->to.count > 0)
		original->recipient = pstrdup(returned->to.items[0].address);
	initStringInfo(&clean);
	charset_to_utf8(NULL, 0, data, len, &clean);
	original->headers = clean.data;
	mime_free(returned);
}

/* lower_word returns a word in lower case. */
static char *
lower_word(const char *p, size_t len)
{
	char *word = pnstrdup(p, Min(len, 64));

	for (char *c = word; *c; c++)
	{
		/* Nothing but a token can stand here. */
		if (IS_HIGHBIT_SET(*c))
		{
			*c = '\0';
			break;
		}
		*c = mime_lower(*c);
	}
	return word;
}

/*
 * read_disposition takes "manual-action/MDN-sent-manually; displayed/error"
 * apart.
 */
static void
read_disposition(Receipt *receipt, const char *value)
{
	const char *semicolon = strchr(value, ';');
	const char *type = semicolon == NULL ? value : semicolon + 1;

	while (mime_space(*type))
		type++;
	receipt->disposition = lower_word(type, strcspn(type, "/ \t,;"));
	receipt->automatic = pg_strncasecmp(value, "automatic-action", 16) == 0;
}

/* receipt_read reads a receipt; NULL: the mail is none. */
Receipt *
receipt_read(const MimeMessage *mail)
{
	const MimeAttachment *part = report_part(mail, receipt_types);
	bool says_so = mail->report_type != NULL &&
				   pg_strcasecmp(mail->report_type, "disposition-notification") == 0;
	ReportFields fields;
	Receipt *receipt;
	char *final = NULL;

	/* Somebody may attach another's receipt to a mail of their own. */
	if (!says_so && (part == NULL || strcmp(mail->type, "multipart/report") != 0))
		return NULL;
	receipt = palloc0(sizeof(Receipt));
	if (part != NULL)
	{
		report_fields_begin(&fields, part->content, part->length);
		while (report_fields_next(&fields))
		{
			const char *value = fields.value.data;

			if (report_field_is(&fields, "original-recipient") && receipt->address == NULL)
				receipt->address = report_typed_address(value);
			else if (report_field_is(&fields, "final-recipient") && final == NULL)
				final = report_typed_address(value);
			else if (report_field_is(&fields, "original-message-id") &&
					 receipt->original.message_id == NULL)
				receipt->original.message_id = report_id(value);
			else if (report_field_is(&fields, "disposition") && receipt->disposition == NULL)
				read_disposition(receipt, value);
		}
		report_fields_end(&fields);
	}
	if (receipt->address == NULL)
		receipt->address = final;
	if (receipt->disposition == NULL)
		receipt->disposition = pstrdup("displayed");
	report_original(mail, &receipt->original);
	if (receipt->address == NULL && mail->from.count > 0)
		receipt->address = pstrdup(mail->from.items[0].address);
	return receipt;
}

static void
add_address(Complaint *complaint, char *address)
{
	if (address == NULL || complaint->address_count == REPORT_MAX_RECIPIENTS)
		return;
	for (int i = 0; i < complaint->address_count; i++)
	{
		if (pg_strcasecmp(complaint->addresses[i], address) == 0)
			return;
	}
	if (complaint->address_count == 0)
		complaint->addresses = palloc(REPORT_MAX_RECIPIENTS * sizeof(char *));
	complaint->addresses[complaint->address_count++] = address;
}

/* returned_field looks for a field of the mail that came back. */
static char *
returned_field(const ReportOriginal *original, const char *name)
{
	ReportFields fields;
	char *found = NULL;

	if (original->headers == NULL)
		return NULL;
	report_fields_begin(&fields, original->headers, strlen(original->headers));
	while (found == NULL && report_fields_next(&fields))
	{
		if (report_field_is(&fields, name))
			found = report_typed_address(fields.value.data);
	}
	report_fields_end(&fields);
	return found;
}

/*
 * complaint_read reads a complaint; NULL: the mail is none.  That a mail is no
 * spam after all, or that a signature failed, is none either.
 */
Complaint *
complaint_read(const MimeMessage *mail)
{
	const MimeAttachment *part = report_part(mail, complaint_types);
	ReportFields fields;
	Complaint *complaint;
	char *removal = NULL;

	if (mail->type == NULL || (part != NULL && strncmp(mail->type, "multipart/", 10) != 0))
		return NULL;
	complaint = palloc0(sizeof(Complaint));
	if (part == NULL)
	{
		/* Microsoft returns the mail alone, and says to whom it went in it. */
		if (report_part(mail, returned_types) == NULL)
			return NULL;
		report_original(mail, &complaint->original);
		add_address(complaint, returned_field(&complaint->original, "x-hmxmroriginalrecipient"));
		if (complaint->address_count == 0)
			return NULL;
		complaint->type = pstrdup("abuse");
		return complaint;
	}

	report_fields_begin(&fields, part->content, part->length);
	while (report_fields_next(&fields))
	{
		const char *value = fields.value.data;

		if (report_field_is(&fields, "feedback-type") && complaint->type == NULL)
			complaint->type = lower_word(value, strcspn(value, " \t;"));
		else if (report_field_is(&fields, "original-rcpt-to"))
			add_address(complaint, report_typed_address(value));
		else if (report_field_is(&fields, "removal-recipient") && removal == NULL)
			removal = report_typed_address(value);
		else if (report_field_is(&fields, "source-ip") && complaint->source == NULL)
			complaint->source = pnstrdup(value, whole_characters(value, strlen(value), 64));
		else if (report_field_is(&fields, "original-envelope-id") &&
				 complaint->original.envelope_id == NULL)
			complaint->original.envelope_id = keep(value, strlen(value));
	}
	report_fields_end(&fields);
	if (complaint->type == NULL)
		complaint->type = pstrdup("abuse");
	if (strcmp(complaint->type, "not-spam") == 0 || strcmp(complaint->type, "auth-failure") == 0 ||
		strcmp(complaint->type, "dmarc") == 0)
		return NULL;
	report_original(mail, &complaint->original);
	if (complaint->address_count == 0)
		add_address(complaint, removal);
	if (complaint->address_count == 0 && complaint->original.recipient != NULL)
		add_address(complaint, pstrdup(complaint->original.recipient));
	return complaint;
}
