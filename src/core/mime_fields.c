/*-------------------------------------------------------------------------
 *
 * mime_fields.c
 *	  What the fields of a mail's header say: who, to whom, about what, when,
 *	  in answer to what, and the way it took.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

/* Fields that name the mailbox a relay delivered to. */
static const char *const delivery_fields[] = {"Delivered-To",	"X-Original-To",	 "Envelope-To",
											  "X-Envelope-To",	"X-Forwarded-To",	 "Resent-To",
											  "X-Delivered-To", "Original-Recipient"};

/* keep_headers copies the fields as they are. */
static void
keep_headers(MimeReader *reader, const MimeField *fields, int count)
{
	MimeMessage *mail = reader->mail;

	mail->headers = mime_alloc(reader->arena, count * sizeof(MimeHeader) + 1);
	mail->header_count = count;
	for (int i = 0; i < count; i++)
	{
		const MimeField *field = &fields[i];
		MimeSlice value = mime_unfold(reader, field->value);

		resetStringInfo(&reader->scratch);
		charset_to_utf8(NULL, 0, value.data, value.len, &reader->scratch);
		mail->headers[i].name = mime_strdup(reader->arena, field->name.data, field->name.len);
		mail->headers[i].value =
			mime_strdup(reader->arena, reader->scratch.data, reader->scratch.len);
	}
}

static void
add_deliveries(MimeReader *reader, const char *header, MimeSlice value)
{
	MimeMessage *mail = reader->mail;
	MimeAddressList list = {0, NULL};
	MimeDelivery *all;

	/* Original-Recipient: rfc822;joe@example.com */
	mime_trim(&value);
	if (mime_starts(value, "rfc822;"))
	{
		value.data += 7;
		value.len -= 7;
	}
	mime_addresses(reader, value, &list);
	if (list.count == 0)
		return;

	/* Each field brings one, rarely more. */
	all = mime_alloc(reader->arena, (mail->delivery_count + list.count) * sizeof(MimeDelivery));
	if (mail->delivery_count > 0)
		memcpy(all, mail->deliveries, mail->delivery_count * sizeof(MimeDelivery));
	for (int i = 0; i < list.count; i++)
	{
		all[mail->delivery_count].header = header;
		all[mail->delivery_count++].address = list.items[i].address;
	}
	mail->deliveries = all;
}

/* once tells whether this is the first of a field that may come once. */
static bool
once(MimeMessage *mail, bool seen)
{
	if (seen)
		mail->defects |= MIME_DEFECT_DUPLICATE_HEADER;
	return !seen;
}

/* read_field takes what the field says about the mail. */
static void
read_field(MimeReader *reader, const MimeField *field)
{
	MimeMessage *mail = reader->mail;
	MimeSlice name = field->name;
	MimeSlice value = field->value;

	if (mime_equal(name, "received"))
		mail->received_count++;
	else if (mime_equal(name, "subject"))
	{
		if (once(mail, mail->subject != NULL))
			mail->subject = mime_words(reader, value);
	}
	else if (mime_equal(name, "from"))
	{
		once(mail, mail->from.count > 0);
		mime_addresses(reader, value, &mail->from);
	}
	else if (mime_equal(name, "to"))
		mime_addresses(reader, value, &mail->to);
	else if (mime_equal(name, "cc"))
		mime_addresses(reader, value, &mail->cc);
	else if (mime_equal(name, "reply-to"))
		mime_addresses(reader, value, &mail->reply_to);
	else if (mime_equal(name, "sender"))
	{
		MimeAddressList list = {0, NULL};

		mime_addresses(reader, value, &list);
		if (list.count > 0 && once(mail, mail->sender != NULL))
			mail->sender = list.items;
	}
	else if (mime_equal(name, "message-id"))
	{
		MimeIdList list = {0, NULL};

		mime_ids(reader, value, &list, true);
		if (list.count > 0 && once(mail, mail->message_id != NULL))
			mail->message_id = list.ids[0];
	}
	else if (mime_equal(name, "in-reply-to"))
		mime_ids(reader, value, &mail->in_reply_to, false);
	else if (mime_equal(name, "references"))
		mime_ids(reader, value, &mail->references, false);
	else if (mime_equal(name, "date"))
	{
		if (once(mail, mail->has_date))
		{
			mail->has_date = mime_date(mime_unfold(reader, value), &mail->date, &mail->date_offset);
			if (!mail->has_date)
				mail->defects |= MIME_DEFECT_DATE;
		}
	}
	else if (mime_equal(name, "return-path"))
	{
		MimeAddressList list = {0, NULL};

		mime_trim(&value);
		if (mail->return_path == NULL)
		{
			uint32 defects = mail->defects;

			mime_addresses(reader, value, &list);
			mail->return_path = list.count > 0 ? list.items[0].address : NULL;
			if (list.count == 0 && value.len > 0 && value.data[0] == '<')
				mail->return_path = mime_strdup(reader->arena, "", 0);

			/* <> is right here. */
			mail->defects = defects;
		}
	}
	else
	{
		for (int i = 0; i < lengthof(delivery_fields); i++)
		{
			if (name.len == strlen(delivery_fields[i]) &&
				pg_strncasecmp(name.data, delivery_fields[i], name.len) == 0)
				add_deliveries(reader, delivery_fields[i], value);
		}
	}
}

static bool
has_address(const MimeAddressList *list, const char *id)
{
	for (int i = 0; i < list->count; i++)
	{
		if (list->items[i].address != NULL && pg_strcasecmp(list->items[i].address, id) == 0)
			return true;
	}
	return false;
}

/* drop_addresses takes out of what is answered those who are. */
static void
drop_addresses(const MimeMessage *mail, MimeIdList *list)
{
	int kept = 0;

	for (int i = 0; i < list->count; i++)
	{
		if (!has_address(&mail->from, list->ids[i]) && !has_address(&mail->to, list->ids[i]) &&
			!has_address(&mail->cc, list->ids[i]) && !has_address(&mail->reply_to, list->ids[i]))
			list->ids[kept++] = list->ids[i];
	}
	list->count = kept;
}

/*
 * mime_typed_charset makes of the charset of a text the one that is typed into
 * the fields beside it; false where that is nothing of use: not those that are
 * never typed there, and that any bytes are characters of.  Who sends a text in
 * ISO-2022-JP has converted it, from what their files are named in.
 */
bool
mime_typed_charset(MimeSlice *charset)
{
	if (charset->len == 0 || mime_starts(*charset, "utf") || mime_equal(*charset, "us-ascii"))
		return false;
	if (mime_starts(*charset, "iso-2022-jp") || mime_starts(*charset, "cp5022"))
	{
		charset->data = "shift_jis";
		charset->len = strlen(charset->data);
	}
	return true;
}

/* note_charset keeps what the header says the text is written in. */
static void
note_charset(MimeReader *reader, const MimeField *fields, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (mime_equal(fields[i].name, "content-type"))
		{
			MimeSlice charset =
				mime_param_value(reader, mime_unfold(reader, fields[i].value), "charset");

			if (mime_typed_charset(&charset))
			{
				reader->charset.data = mime_strdup(reader->arena, charset.data, charset.len);
				reader->charset.len = charset.len;
			}
			return;
		}
	}
}

/* mime_fields reads the fields of the mail itself. */
void
mime_fields(MimeReader *reader, const MimeField *fields, int count)
{
	keep_headers(reader, fields, count);
	note_charset(reader, fields, count);
	for (int i = 0; i < count; i++)
		read_field(reader, &fields[i]);
	drop_addresses(reader->mail, &reader->mail->in_reply_to);
	drop_addresses(reader->mail, &reader->mail->references);
}

/* mime_header returns the first field of that name, NULL where there is none. */
const char *
mime_header(const MimeMessage *mail, const char *name)
{
	for (int i = 0; i < mail->header_count; i++)
	{
		if (pg_strcasecmp(mail->headers[i].name, name) == 0)
			return mail->headers[i].value;
	}
	return NULL;
}
