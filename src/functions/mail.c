/*-------------------------------------------------------------------------
 *
 * mail.c
 *	  Reading and writing messages, as SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/address.h"
#include "core/address_rewrite.h"
#include "core/bounce.h"
#include "core/html.h"
#include "core/mime.h"
#include "core/mime_write.h"
#include "core/quoted.h"
#include "functions/parse.h"

/* of the type parsed_message */
#define PARSED_COLUMNS 37

/* of those a message was sent to, how many are looked at for a company's own */
#define MAX_CANDIDATES 500

/* Attached messages and events of a message that are looked into (sql/search.sql too). */
#define MAX_LOOKED_INTO 20

/* from PostgreSQL's epoch to Unix's */
#define EPOCH_DIFFERENCE                                                                           \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400) * USECS_PER_SEC)

PG_FUNCTION_INFO_V1(ar_inbox_in_memory);
PG_FUNCTION_INFO_V1(ar_inbox_parse_message);
PG_FUNCTION_INFO_V1(ar_inbox_has_attached_text);
PG_FUNCTION_INFO_V1(ar_inbox_attached_text);
PG_FUNCTION_INFO_V1(ar_inbox_message_attachments);
PG_FUNCTION_INFO_V1(ar_inbox_build_message);

/* An array of texts, whose elements may be NULL. */
static Datum
text_array(char *const *items, int count)
{
	Datum *values = palloc(sizeof(Datum) * (count + 1));
	bool *nulls = palloc(sizeof(bool) * (count + 1));
	int dimensions[1] = {count};
	int lower[1] = {1};

	if (count == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	for (int i = 0; i < count; i++)
	{
		nulls[i] = items[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(items[i]);
	}
	return PointerGetDatum(
		construct_md_array(values, nulls, 1, dimensions, lower, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
address_arrays(const MimeAddressList *list, Datum *names, Datum *addresses)
{
	char **name = palloc(sizeof(char *) * (list->count + 1));
	char **address = palloc(sizeof(char *) * (list->count + 1));

	for (int i = 0; i < list->count; i++)
	{
		name[i] = list->items[i].name;
		address[i] = list->items[i].address;
	}
	*names = text_array(name, list->count);
	*addresses = text_array(address, list->count);
}

static bool
is_valid(const char *address)
{
	return address_parse(address, strlen(address), NULL, NULL);
}

/* Adds an address, freed of what relays put in, unless it is no new one. */
static void
add_candidate(char **candidates, int *count, char *address)
{
	char *unwrapped = strchr(address, '=') ? address_unwrap(address, strlen(address)) : NULL;

	if (unwrapped)
		address = unwrapped;
	for (int i = 0; i < *count; i++)
	{
		if (strcmp(candidates[i], address) == 0)
			return;
	}
	if (*count < MAX_CANDIDATES && is_valid(address))
		candidates[(*count)++] = address;
}

/*
 * To whom the message was sent: what the mail servers wrote goes before what
 * the sender wrote.
 */
static Datum
candidate_array(const MimeMessage *mail)
{
	char *candidates[MAX_CANDIDATES];
	int count = 0;

	for (int i = 0; i < mail->delivery_count; i++)
		add_candidate(candidates, &count, mail->deliveries[i].address);
	for (int i = 0; i < mail->to.count && i < MAX_CANDIDATES; i++)
		add_candidate(candidates, &count, mail->to.items[i].address);
	for (int i = 0; i < mail->cc.count && i < MAX_CANDIDATES; i++)
		add_candidate(candidates, &count, mail->cc.items[i].address);
	return text_array(candidates, count);
}

/* To, Cc and Reply-To as rows of ar_inbox.email_recipients: valid ones only. */
static void
recipient_arrays(const MimeMessage *mail, Datum *values)
{
	const struct
	{
		char *field;
		const MimeAddressList *list;
	} lists[] = {{"to", &mail->to}, {"cc", &mail->cc}, {"reply_to", &mail->reply_to}};
	int most = mail->to.count + mail->cc.count + mail->reply_to.count;
	char **fields = palloc(sizeof(char *) * (most + 1));
	char **names = palloc(sizeof(char *) * (most + 1));
	char **addresses = palloc(sizeof(char *) * (most + 1));
	Datum *positions = palloc(sizeof(Datum) * (most + 1));
	int count = 0;

	for (int l = 0; l < lengthof(lists); l++)
	{
		int position = 0;

		for (int i = 0; i < lists[l].list->count; i++)
		{
			const MimeAddress *address = &lists[l].list->items[i];

			if (!is_valid(address->address))
				continue;
			fields[count] = lists[l].field;
			positions[count] = Int32GetDatum(++position);
			names[count] = address->name ? address->name : "";
			addresses[count++] = address->address;
		}
	}
	values[0] = text_array(fields, count);
	values[1] = PointerGetDatum(
		construct_array(positions, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	values[2] = text_array(names, count);
	values[3] = text_array(addresses, count);
}

static const char *
attachment_name(const MimeAttachment *attachment)
{
	return attachment->name && attachment->name[0] ? attachment->name : "attachment";
}

static void
attachment_arrays(const MimeMessage *mail, Datum *values)
{
	int count = mail->attachment_count;
	char **names = palloc(sizeof(char *) * (count + 1));
	char **types = palloc(sizeof(char *) * (count + 1));
	char **ids = palloc(sizeof(char *) * (count + 1));
	Datum *are_inline = palloc(sizeof(Datum) * (count + 1));

	for (int i = 0; i < count; i++)
	{
		const MimeAttachment *attachment = &mail->attachments[i];

		names[i] = unconstify(char *, attachment_name(attachment));
		types[i] = attachment->type;
		ids[i] = attachment->content_id;
		are_inline[i] = BoolGetDatum(attachment->is_inline);
	}
	values[0] = text_array(names, count);
	values[1] = text_array(types, count);
	values[2] = text_array(ids, count);
	values[3] =
		PointerGetDatum(construct_array(are_inline, count, BOOLOID, 1, true, TYPALIGN_CHAR));
}

/* The names of the defects, which mime_defect_names() separates by commas. */
static Datum
defect_array(uint32 defects)
{
	StringInfoData names;
	char *items[32];
	int count = 0;
	char *at;

	initStringInfo(&names);
	mime_defect_names(defects, &names);
	for (at = names.data; *at && count < lengthof(items);)
	{
		char *end = at + strcspn(at, ", ");

		items[count++] = pnstrdup(at, end - at);
		at = end + strspn(end, ", ");
	}
	return text_array(items, count);
}

/* Sets a text column; NULL for NULL. */
static void
set_text(Datum *value, bool *isnull, const char *text)
{
	*isnull = text == NULL;
	*value = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/*
 * The conversation by Outlook's account: the first 22 bytes of Thread-Index
 * are those of its first message.  28 of its base64 characters are 21 of them,
 * all but the last of a random number of 16.  Written so that it can stand
 * among the references, where it is nobody's Message-ID.
 */
static const char *
conversation(const MimeMessage *mail)
{
	const char *value = mime_header(mail, "Thread-Index");

	if (value == NULL || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
									   "0123456789+/") < 28)
		return NULL;
	return psprintf("<thread-index> %.28s", value);
}

/*
 * The text that a member is shown: where there is none because it cannot be
 * read here, that.
 */
static const char *
shown_text(const MimeMessage *mail)
{
	if (mail->protection == MIME_PLAIN || mail->text[strspn(mail->text, " \t\n")] != '\0')
		return mail->text;
	return psprintf("[This message is %s and cannot be read here. What came is attached: open it "
					"with a mail program that has the key.]\n",
					mail->protection == MIME_SMIME ? "encrypted or signed with S/MIME" :
													 "encrypted with OpenPGP");
}

/* What the message is found by besides, NULL: nothing. */
static const char *
attached_text(const MimeMessage *mail)
{
	StringInfoData text;
	int looked_into = 0;

	initStringInfo(&text);
	for (int i = 0; i < mail->attachment_count && looked_into < MAX_LOOKED_INTO; i++)
	{
		const MimeAttachment *attachment = &mail->attachments[i];

		CHECK_FOR_INTERRUPTS();
		looked_into += mime_has_attached_text(attachment->type, attachment->name);
		mime_attached_text(attachment->type, attachment->name, attachment->content,
						   attachment->length, &text);
	}
	return text.len > 0 ? text.data : NULL;
}

/*
 * has_attached_text(type text, name text): whether such a file is looked into.
 */
Datum
ar_inbox_has_attached_text(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(mime_has_attached_text(text_to_cstring(PG_GETARG_TEXT_PP(0)),
										  text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/*
 * attached_text(type text, name text, content bytea): the same of one file.
 */
Datum
ar_inbox_attached_text(PG_FUNCTION_ARGS)
{
	bytea *content = PG_GETARG_BYTEA_PP(2);
	StringInfoData found;

	initStringInfo(&found);
	mime_attached_text(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
					   VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content), &found);
	if (found.len == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(found.data, found.len));
}

/*
 * in_memory(message bytea): the same bytes, fetched and unpacked if they lie in
 * a table.
 */
Datum
ar_inbox_in_memory(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P(0));
}

/*
 * parse_message(message bytea): what is in a message (RFC 5322, MIME).
 * Never raises for what a sender wrote.
 */
Datum
ar_inbox_parse_message(PG_FUNCTION_ARGS)
{
	bytea *message = PG_GETARG_BYTEA_PP(0);
	MimeMessage *mail = mime_read(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message));
	TupleDesc desc;
	Datum values[PARSED_COLUMNS];
	bool nulls[PARSED_COLUMNS] = {0};
	char **delivered = palloc(sizeof(char *) * (mail->delivery_count + 1));
	int64 moment = mail->date - EPOCH_DIFFERENCE;
	const char *report_kind;
	size_t new_bytes;
	HeapTuple tuple;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != PARSED_COLUMNS)
		elog(ERROR, "parse_message must return a row of %d columns", PARSED_COLUMNS);

	set_text(&values[0], &nulls[0], mail->message_id);
	values[1] = text_array(mail->in_reply_to.ids, mail->in_reply_to.count);
	values[2] = text_array(mail->references.ids, mail->references.count);
	set_text(&values[3], &nulls[3], mail->subject ? mail->subject : "");
	set_text(&values[4], &nulls[4], mail->from.count > 0 ? mail->from.items[0].name : NULL);
	set_text(&values[5], &nulls[5], mail->from.count > 0 ? mail->from.items[0].address : NULL);
	address_arrays(&mail->to, &values[6], &values[7]);
	address_arrays(&mail->cc, &values[8], &values[9]);
	for (int i = 0; i < mail->delivery_count; i++)
		delivered[i] = mail->deliveries[i].address;
	values[10] = text_array(delivered, mail->delivery_count);
	nulls[11] = !mail->has_date || !IS_VALID_TIMESTAMP(moment);
	values[11] = TimestampTzGetDatum(moment);
	set_text(&values[12], &nulls[12], shown_text(mail));
	/* HTML that sanitize_html() would refuse is of no use, and may be large */
	set_text(&values[13], &nulls[13], mail->html_length > HTML_MAX_SOURCE ? NULL : mail->html);
	values[15] = Int32GetDatum(mail->received_count);
	values[16] = defect_array(mail->defects);
	attachment_arrays(mail, &values[17]);
	address_arrays(&mail->reply_to, &values[21], &values[22]);
	new_bytes = quoted_mail(mail);
	nulls[23] = new_bytes >= mail->text_length;
	values[23] =
		nulls[23] ? (Datum) 0 : Int32GetDatum(pg_mbstrlen_with_len(mail->text, (int) new_bytes));
	values[25] = PointerGetDatum(parse_verdicts(mail, &report_kind));
	nulls[25] = report_kind == NULL;
	set_text(&values[24], &nulls[24], report_kind);
	values[14] = BoolGetDatum(mail->automatic || report_kind != NULL);
	set_text(&values[26], &nulls[26], conversation(mail));
	values[27] = candidate_array(mail);
	recipient_arrays(mail, &values[28]);
	set_text(&values[32], &nulls[32], mail->return_path);
	values[33] = BoolGetDatum(bounce_is_from_system(mail));
	set_text(&values[34], &nulls[34], mime_protection_name(mail->protection));
	/* what a report returns is a message that is here */
	set_text(&values[35], &nulls[35], report_kind != NULL ? NULL : attached_text(mail));
	set_text(&values[36], &nulls[36], report_kind != NULL ? NULL : mail->list_id);

	/* not when the context goes: what is made of a large message is large */
	mime_free(mail);
	tuple = heap_form_tuple(BlessTupleDesc(desc), values, nulls);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}

/*
 * message_attachments(message bytea): the attachments with their bytes, a row
 * each.
 */
Datum
ar_inbox_message_attachments(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	MimeMessage *mail;
	const MimeAttachment *attachment;
	Datum values[6];
	bool nulls[6] = {0};
	bytea *content;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		bytea *message;

		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &context->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "message_attachments must return rows");
		context->tuple_desc = BlessTupleDesc(context->tuple_desc);
		message = PG_GETARG_BYTEA_PP(0);
		context->user_fctx = mime_read(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message));
		MemoryContextSwitchTo(old);
	}
	context = SRF_PERCALL_SETUP();
	mail = context->user_fctx;
	if (context->call_cntr >= mail->attachment_count)
		SRF_RETURN_DONE(context);

	attachment = &mail->attachments[context->call_cntr];
	values[0] = Int32GetDatum((int32) context->call_cntr + 1);
	values[1] = CStringGetTextDatum(attachment_name(attachment));
	values[2] = CStringGetTextDatum(attachment->type);
	content = palloc(attachment->length + VARHDRSZ);
	SET_VARSIZE(content, attachment->length + VARHDRSZ);
	memcpy(VARDATA(content), attachment->content, attachment->length);
	values[3] = PointerGetDatum(content);
	set_text(&values[4], &nulls[4], attachment->content_id);
	values[5] = BoolGetDatum(attachment->is_inline);
	SRF_RETURN_NEXT(context,
					HeapTupleGetDatum(heap_form_tuple(context->tuple_desc, values, nulls)));
}

static char *
argument_text(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* The texts of an array argument; none for NULL. */
static char **
argument_texts(FunctionCallInfo fcinfo, int number, int *count)
{
	Datum *values;
	bool *nulls;
	char **texts;
	int found = 0;

	*count = 0;
	if (PG_ARGISNULL(number))
		return NULL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &nulls, count);
	texts = palloc(sizeof(char *) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		if (!nulls[i])
			texts[found++] = TextDatumGetCString(values[i]);
	}
	*count = found;
	return texts;
}

static MimeAddressList
address_list(char **addresses, int count)
{
	MimeAddressList list = {count, palloc0(sizeof(MimeAddress) * (count + 1))};

	for (int i = 0; i < count; i++)
		list.items[i].address = addresses[i];
	return list;
}

/*
 * The files to attach: names and types of as many contents, or none of them.
 * The contents are pointed to where they lie in the argument.
 */
static void
attach_files(FunctionCallInfo fcinfo, int names_number, MimeOutgoing *mail)
{
	Datum *columns[3] = {NULL};
	bool *nulls[3] = {NULL};
	int counts[3] = {0};
	MimeFile *files;

	for (int i = 0; i < 3; i++)
	{
		if (!PG_ARGISNULL(names_number + i))
			deconstruct_array(PG_GETARG_ARRAYTYPE_P(names_number + i), i < 2 ? TEXTOID : BYTEAOID,
							  -1, false, TYPALIGN_INT, &columns[i], &nulls[i], &counts[i]);
	}
	for (int i = 0; i < 2; i++)
	{
		if (columns[i] != NULL && counts[i] != counts[2])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%d %s for %d attachments", counts[i],
								   i == 0 ? "names" : "types", counts[2])));
	}
	if (counts[2] == 0)
		return;
	files = palloc0(sizeof(MimeFile) * counts[2]);
	for (int i = 0; i < counts[2]; i++)
	{
		bytea *content;

		if (nulls[2][i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("attachment %d has no content", i + 1)));
		content = DatumGetByteaPP(columns[2][i]);
		files[i].content = VARDATA_ANY(content);
		files[i].length = VARSIZE_ANY_EXHDR(content);
		if (columns[0] != NULL && !nulls[0][i])
			files[i].name = TextDatumGetCString(columns[0][i]);
		if (columns[1] != NULL && !nulls[1][i])
			files[i].type = TextDatumGetCString(columns[1][i]);
	}
	mail->attachments = files;
	mail->attachment_count = counts[2];
}

/* Where an image may be put into HTML: before the last </body>, or at the end. */
static size_t
end_of_body(const char *html)
{
	size_t len = strlen(html);

	for (size_t i = len; i >= 7; i--)
	{
		if (html[i - 7] == '<' && pg_strncasecmp(html + i - 7, "</body>", 7) == 0)
			return i - 7;
	}
	return len;
}

/* The HTML with an image that nobody sees, which tells that it was opened. */
static char *
with_image(const char *html, const char *url)
{
	size_t end = end_of_body(html);
	StringInfoData out;

	if (pg_strncasecmp(url, "https://", 8) != 0 && pg_strncasecmp(url, "http://", 7) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" is not the address of an image", url),
						errhint("It has to begin with https:// or http://.")));
	initStringInfo(&out);
	appendBinaryStringInfo(&out, html, (int) end);
	appendStringInfoString(&out, "<img src=\"");
	for (const char *p = url; *p != '\0'; p++)
	{
		switch (*p)
		{
			case '&':
				appendStringInfoString(&out, "&amp;");
				break;
			case '"':
				appendStringInfoString(&out, "&quot;");
				break;
			case '<':
				appendStringInfoString(&out, "&lt;");
				break;
			case '>':
				appendStringInfoString(&out, "&gt;");
				break;
			default:
				/* no control characters nor spaces are in an address */
				if ((unsigned char) *p > ' ' && *p != 0x7F)
					appendStringInfoChar(&out, *p);
		}
	}
	appendStringInfoString(&out, "\" width=\"1\" height=\"1\" alt=\"\">");
	appendStringInfoString(&out, html + end);
	return out.data;
}

/* About how many bytes the mail takes, so that its buffer is not doubled often. */
static size_t
size_estimate(const MimeOutgoing *mail)
{
	size_t size = 4096;

	for (int i = 0; i < mail->attachment_count; i++)
		size += mail->attachments[i].length / 57 * 78 + 1024;
	if (mail->text != NULL)
		size += strlen(mail->text) * 3 / 2;
	if (mail->html != NULL)
		size += strlen(mail->html) * 3 / 2;
	return size;
}

/*
 * build_message(...): the bytes of a message, as they will be handed off
 * (RFC 5322, MIME; RFC 3834 for automatic ones).
 */
Datum
ar_inbox_build_message(PG_FUNCTION_ARGS)
{
	static MimeHeader automatic_headers[] = {{"Auto-Submitted", "auto-generated"},
											 {"X-Auto-Response-Suppress", "All"}};
	MimeOutgoing mail = {0};
	MimeAddress from = {0};
	MimeAddress reply_to = {0};
	char *parent = argument_text(fcinfo, 10);
	char **texts;
	int count;
	char *image = argument_text(fcinfo, 16);
	size_t size;
	StringInfoData out;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("a message needs a Message-ID, a date and a sender")));
	mail.message_id = argument_text(fcinfo, 0);
	mail.date = PG_GETARG_TIMESTAMPTZ(1) + EPOCH_DIFFERENCE;
	from.name = argument_text(fcinfo, 2);
	from.address = argument_text(fcinfo, 3);
	mail.from.count = 1;
	mail.from.items = &from;
	reply_to.address = argument_text(fcinfo, 4);
	if (reply_to.address)
	{
		mail.reply_to.count = 1;
		mail.reply_to.items = &reply_to;
	}
	texts = argument_texts(fcinfo, 5, &count);
	mail.to = address_list(texts, count);
	texts = argument_texts(fcinfo, 6, &count);
	mail.cc = address_list(texts, count);
	mail.subject = argument_text(fcinfo, 7);
	mail.text = argument_text(fcinfo, 8);
	mail.html = argument_text(fcinfo, 9);
	if (parent)
	{
		mail.in_reply_to.count = 1;
		mail.in_reply_to.ids = &parent;
	}
	mail.references.ids = argument_texts(fcinfo, 11, &mail.references.count);
	if (!PG_ARGISNULL(12) && PG_GETARG_BOOL(12))
	{
		mail.header_count = lengthof(automatic_headers);
		mail.headers = automatic_headers;
	}

	attach_files(fcinfo, 13, &mail);
	if (image && mail.html)
		mail.html = with_image(mail.html, image);

	size = size_estimate(&mail);
	if (size > MaxAllocSize / 2)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a message of about %zu MB is too large", size / (1024 * 1024)),
						errhint("Send fewer or smaller attachments.")));
	initStringInfo(&out);
	enlargeStringInfo(&out, (int) size);
	/* room for the varlena header, so that the bytes are not copied again */
	appendStringInfoSpaces(&out, VARHDRSZ);
	mime_write(&mail, &out);
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P((bytea *) out.data);
}
