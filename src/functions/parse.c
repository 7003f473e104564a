/*-------------------------------------------------------------------------
 *
 * functions/parse.c
 *	  What is in a message, as one jsonb; what is new in a reply.
 *
 * Both take whatever bytes or text they are given and never raise for what is
 * in them.  Every list of the reader is bounded, and the long texts are cut
 * here, so that what is built stays far from the limits of jsonb.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "core/bounce.h"
#include "core/mime.h"
#include "core/quoted.h"
#include "core/report.h"
#include "functions/parse.h"

/* Bytes of each of text, new_text and html; the raw message has all of it. */
#define MAX_TEXT (16 * 1024 * 1024)

PG_FUNCTION_INFO_V1(ar_inbox_parse_email);
PG_FUNCTION_INFO_V1(ar_inbox_reply_text);

static void
begin_object(JsonbParseState **state)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
}

static void
end_object(JsonbParseState **state)
{
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static void
put_key(JsonbParseState **state, const char *key)
{
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, key);
	v.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &v);
}

/* begin_array opens the array that is the value of a key. */
static void
begin_array(JsonbParseState **state, const char *key)
{
	put_key(state, key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
}

static void
end_array(JsonbParseState **state)
{
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* string_value makes a value of a text, or null of NULL. */
static JsonbValue
string_value(const char *text, size_t len)
{
	JsonbValue v;

	if (text == NULL)
		v.type = jbvNull;
	else
	{
		v.type = jbvString;
		v.val.string.val = unconstify(char *, text);
		v.val.string.len = (int) len;
	}
	return v;
}

static void
put_text_length(JsonbParseState **state, const char *key, const char *text, size_t len)
{
	JsonbValue v = string_value(text, len);

	put_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &v);
}

static void
put_text(JsonbParseState **state, const char *key, const char *text)
{
	put_text_length(state, key, text, text == NULL ? 0 : strlen(text));
}

static void
put_element(JsonbParseState **state, const char *text, size_t len)
{
	JsonbValue v = string_value(text, len);

	pushJsonbValue(state, WJB_ELEM, &v);
}

static void
put_boolean(JsonbParseState **state, const char *key, bool value)
{
	JsonbValue v;

	v.type = jbvBool;
	v.val.boolean = value;
	put_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &v);
}

static void
put_size(JsonbParseState **state, const char *key, size_t value)
{
	JsonbValue v;

	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric((int64) value);
	put_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &v);
}

/* put_long_text puts a text that may have to be cut, at a whole character. */
static void
put_long_text(JsonbParseState **state, const char *key, const char *text, size_t len,
			  uint32 *defects)
{
	if (text != NULL && len > MAX_TEXT)
	{
		len = MAX_TEXT;
		while (len > 0 && ((unsigned char) text[len] & 0xC0) == 0x80)
			len--;
		*defects |= MIME_DEFECT_SIZE;
	}
	put_text_length(state, key, text, len);
}

static void
put_ids(JsonbParseState **state, const char *key, const MimeIdList *list)
{
	begin_array(state, key);
	for (int i = 0; i < list->count; i++)
		put_element(state, list->ids[i], strlen(list->ids[i]));
	end_array(state);
}

static void
put_addresses(JsonbParseState **state, const char *key, const MimeAddressList *list)
{
	begin_array(state, key);
	for (int i = 0; i < list->count; i++)
	{
		begin_object(state);
		put_text(state, "name", list->items[i].name);
		put_text(state, "address", list->items[i].address);
		end_object(state);
	}
	end_array(state);
}

/* put_date writes the moment by the sender's clock: 2026-05-04T10:15:00+02:00 */
static void
put_date(JsonbParseState **state, const MimeMessage *mail)
{
	int64 local;
	int64 day;
	int64 second;
	int offset;
	int year;
	int month;
	int mday;

	if (!mail->has_date)
	{
		put_text(state, "date", NULL);
		return;
	}
	offset = mail->date_offset;
	local = mail->date / USECS_PER_SEC;
	if (mail->date % USECS_PER_SEC < 0)
		local--;
	local += (int64) offset * SECS_PER_MINUTE;
	day = local / SECS_PER_DAY;
	second = local % SECS_PER_DAY;
	if (second < 0)
	{
		second += SECS_PER_DAY;
		day--;
	}
	j2date((int) day + UNIX_EPOCH_JDATE, &year, &month, &mday);

	/* What is pushed has to stay until all of it is built. */
	put_text(state, "date",
			 psprintf("%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", year, month, mday,
					  (int) (second / SECS_PER_HOUR),
					  (int) (second / SECS_PER_MINUTE % MINS_PER_HOUR),
					  (int) (second % SECS_PER_MINUTE), offset < 0 ? '-' : '+',
					  abs(offset) / MINS_PER_HOUR, abs(offset) % MINS_PER_HOUR));
}

static void
put_attachments(JsonbParseState **state, const MimeMessage *mail)
{
	begin_array(state, "attachments");
	for (int i = 0; i < mail->attachment_count; i++)
	{
		const MimeAttachment *attachment = &mail->attachments[i];

		begin_object(state);
		put_text(state, "name", attachment->name);
		put_text(state, "type", attachment->type);
		put_size(state, "size", attachment->length);
		put_text(state, "content_id", attachment->content_id);
		put_boolean(state, "inline", attachment->is_inline);
		end_object(state);
	}
	end_array(state);
}

/*
 * put_bounce writes the verdict, and keeps what it is about in "original".
 * each: with the kind of each recipient, not only the worst of them.
 */
static const char *
put_bounce(JsonbParseState **state, const MimeMessage *mail, bool each,
		   const ReportOriginal **original)
{
	Bounce *bounce = bounce_read(mail);

	if (bounce == NULL)
	{
		put_text(state, "bounce", NULL);
		return NULL;
	}
	*original = &bounce->original;
	put_key(state, "bounce");
	begin_object(state);
	put_text(state, "kind", bounce_kind_name(bounce->kind));
	begin_array(state, "recipients");
	for (int i = 0; i < bounce->recipient_count; i++)
	{
		const BounceRecipient *recipient = &bounce->recipients[i];

		begin_object(state);
		put_text(state, "address", recipient->address);
		if (each)
			put_text(state, "kind", bounce_kind_name(recipient->kind));
		put_text(state, "status", recipient->status);
		put_text(state, "diagnostic", recipient->diagnostic);
		end_object(state);
	}
	end_array(state);
	end_object(state);
	return bounce->kind == BOUNCE_DELAYED ? "delay" : "bounce";
}

static const char *
put_receipt(JsonbParseState **state, const MimeMessage *mail, const ReportOriginal **original)
{
	Receipt *receipt = receipt_read(mail);

	if (receipt == NULL)
	{
		put_text(state, "receipt", NULL);
		return NULL;
	}
	*original = &receipt->original;
	put_key(state, "receipt");
	begin_object(state);
	put_text(state, "disposition", receipt->disposition);
	put_boolean(state, "automatic", receipt->automatic);
	put_text(state, "address", receipt->address);
	end_object(state);
	return "receipt";
}

static const char *
put_complaint(JsonbParseState **state, const MimeMessage *mail, const ReportOriginal **original)
{
	Complaint *complaint = complaint_read(mail);

	if (complaint == NULL)
	{
		put_text(state, "complaint", NULL);
		return NULL;
	}
	*original = &complaint->original;
	put_key(state, "complaint");
	begin_object(state);
	put_text(state, "type", complaint->type);
	begin_array(state, "addresses");
	for (int i = 0; i < complaint->address_count; i++)
		put_element(state, complaint->addresses[i], strlen(complaint->addresses[i]));
	end_array(state);
	put_text(state, "source", complaint->source);
	end_object(state);
	return "complaint";
}

static const char *
put_delivered(JsonbParseState **state, const MimeMessage *mail, const ReportOriginal **original)
{
	Delivered *delivered = delivered_read(mail);

	if (delivered == NULL)
	{
		put_text(state, "delivered", NULL);
		return NULL;
	}
	*original = &delivered->original;
	put_key(state, "delivered");
	begin_object(state);
	put_text(state, "action", delivered->action);
	put_text(state, "address", delivered->address);
	end_object(state);
	return "delivered";
}

/* put_original says which mail a report is about. */
static void
put_original(JsonbParseState **state, const ReportOriginal *original)
{
	if (original == NULL)
	{
		put_text(state, "original", NULL);
		return;
	}
	put_key(state, "original");
	begin_object(state);
	put_text(state, "message_id", original->message_id);
	put_text(state, "envelope_id", original->envelope_id);
	end_object(state);
}

/*
 * put_verdicts writes what a mail system says of a mail of ours, and which one;
 * returns what kind of report that makes of it, NULL: none.
 */
static const char *
put_verdicts(JsonbParseState **state, const MimeMessage *mail, bool each)
{
	const ReportOriginal *original = NULL;
	const char *bounce = put_bounce(state, mail, each, &original);
	const char *receipt = put_receipt(state, mail, &original);
	const char *complaint = put_complaint(state, mail, &original);
	const char *delivered = put_delivered(state, mail, &original);

	put_original(state, original);
	return bounce ? bounce : complaint ? complaint : receipt ? receipt : delivered;
}

Jsonb *
parse_verdicts(const MimeMessage *mail, const char **kind)
{
	JsonbParseState *state = NULL;

	begin_object(&state);
	*kind = put_verdicts(&state, mail, true);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* put_headers writes all fields, decoded, in their order. */
static void
put_headers(JsonbParseState **state, const MimeMessage *mail)
{
	begin_array(state, "headers");
	for (int i = 0; i < mail->header_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		begin_object(state);
		put_text(state, "name", mail->headers[i].name);
		put_text(state, "value", mime_decode_header(mail->headers[i].value));
		end_object(state);
	}
	end_array(state);
}

/* put_defects writes the names that mime_defect_names() parts by commas. */
static void
put_defects(JsonbParseState **state, uint32 defects)
{
	StringInfoData names;
	const char *at;

	initStringInfo(&names);
	mime_defect_names(defects, &names);
	begin_array(state, "defects");
	for (at = names.data; *at;)
	{
		size_t len = strcspn(at, ", ");

		put_element(state, at, len);
		at += len;
		at += strspn(at, ", ");
	}
	end_array(state);
}

/* new_part takes blank lines off the ends of the new part of a text. */
static const char *
new_part(const char *text, size_t *len)
{
	const char *start = text;

	while (*len > 0 && strchr(" \t\r\n", text[*len - 1]) != NULL)
		(*len)--;

	/* What stands before the first word of a line is kept. */
	for (size_t i = 0; i < *len && strchr(" \t\r\n", text[i]) != NULL; i++)
	{
		if (text[i] == '\n')
			start = text + i + 1;
	}
	*len -= start - text;
	return start;
}

/*
 * parse_email(message bytea): all that can be known of a message by itself.
 */
Datum
ar_inbox_parse_email(PG_FUNCTION_ARGS)
{
	bytea *message = PG_GETARG_BYTEA_PP(0);
	MimeMessage *mail = mime_read(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message));
	JsonbParseState *state = NULL;
	JsonbValue *result;
	uint32 defects = mail->defects;
	size_t new_length = quoted_mail(mail);
	const char *new_text = new_part(mail->text, &new_length);
	bool reports;

	begin_object(&state);
	put_text(&state, "message_id", mail->message_id);
	put_text(&state, "in_reply_to", mail->in_reply_to.count > 0 ? mail->in_reply_to.ids[0] : NULL);
	put_ids(&state, "references", &mail->references);
	put_text(&state, "subject", mail->subject);
	put_addresses(&state, "from", &mail->from);
	put_addresses(&state, "to", &mail->to);
	put_addresses(&state, "cc", &mail->cc);
	put_addresses(&state, "reply_to", &mail->reply_to);
	put_date(&state, mail);
	put_long_text(&state, "text", mail->text, mail->text_length, &defects);
	put_long_text(&state, "new_text", new_text, new_length, &defects);
	put_long_text(&state, "html", mail->html, mail->html_length, &defects);
	put_attachments(&state, mail);
	put_text(&state, "protection", mime_protection_name(mail->protection));
	/* what reports is a machine, whatever its fields say */
	reports = put_verdicts(&state, mail, false) != NULL;
	put_boolean(&state, "automatic", mail->automatic || reports);
	put_defects(&state, defects);
	put_headers(&state, mail);
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(result));
}

/*
 * reply_text(body text): the part of a reply that is new.
 */
Datum
ar_inbox_reply_text(PG_FUNCTION_ARGS)
{
	text *body = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(body);
	size_t len = quoted_shown(data, VARSIZE_ANY_EXHDR(body), NULL);

	data = new_part(data, &len);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(data, (int) len));
}
