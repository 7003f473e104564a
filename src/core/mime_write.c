/*-------------------------------------------------------------------------
 *
 * mime_write.c
 *	  A mail to be sent: mixed(alternative(text, related(html, images)),
 *	  attachments), of which only the levels that are needed.
 *
 * The same mail gives the same bytes each time: nothing here asks the clock
 * or for chance.  Boundaries are made from the Message-ID; they hold "=_",
 * which neither quoted-printable nor base64 can, so no content ends a part.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#include "core/address.h"
#include "core/mime_write.h"

#define LINE 76
#define LONGEST_LINE 998 /* RFC 5322 allows no longer one */

typedef struct Writing
{
	const MimeOutgoing *mail;
	StringInfo out;
	uint64 hash;
	int opened; /* multiparts so far: each has its own boundary */
} Writing;

/* Fields the writer makes itself, or that no mail may carry. */
static const char *const own_fields[] = {
	"from",		  "sender",		 "reply-to",   "to",   "cc",		   "bcc",		"subject",
	"message-id", "in-reply-to", "references", "date", "mime-version", "resent-bcc"};

/* put_address_spec writes an address without what could end it early. */
static void
put_address_spec(StringInfo out, const char *address)
{
	const char *at = strrchr(address, '@');
	bool quoted = false;
	bool ascii = true;

	for (const char *p = address; *p != '\0' && p != at; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		if ((unsigned char) *p > ' ' && *p != '<' && *p != '>' && *p != 0x7F)
			appendStringInfoChar(out, *p);
		else if (*p == ' ' && quoted)
			appendStringInfoChar(out, ' ');
	}
	if (at == NULL)
		return;
	appendStringInfoChar(out, '@');
	at++;
	for (const char *p = at; *p != '\0'; p++)
		ascii = ascii && (unsigned char) *p < 0x80;

	/* A domain always has an ASCII form; the part before it has none. */
	if (!ascii)
	{
		char *domain = address_domain_to_ascii(at, strlen(at));

		if (domain != NULL)
		{
			appendStringInfoString(out, domain);
			pfree(domain);
			return;
		}
	}
	for (const char *p = at; *p != '\0'; p++)
	{
		if ((unsigned char) *p > ' ' && *p != '<' && *p != '>' && *p != 0x7F)
			appendStringInfoChar(out, *p);
	}
}

typedef enum NameForm
{
	NAME_ATOMS,
	NAME_QUOTED,
	NAME_WORDS
} NameForm;

static NameForm
name_form(const char *name)
{
	NameForm form = NAME_ATOMS;

	if (strlen(name) > 60 || strstr(name, "=?") != NULL)
		return NAME_WORDS;
	if (name[0] == ' ' || strstr(name, "  ") != NULL)
		form = NAME_QUOTED;
	for (const char *p = name; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || (unsigned char) *p >= 0x7F)
			return NAME_WORDS;
		if (!mime_alpha(*p) && !mime_digit(*p) && strchr(" !#$%&'*+-/=?^_`{|}~", *p) == NULL)
			form = NAME_QUOTED;
	}
	return form;
}

/* put_addresses writes a field of mailboxes; none for an empty list. */
static void
put_addresses(StringInfo out, const char *field, const MimeAddress *items, int count)
{
	int line = out->len;
	StringInfoData item;

	if (count == 0)
		return;
	initStringInfo(&item);
	appendStringInfo(out, "%s:", field);
	for (int i = 0; i < count; i++)
	{
		const char *name = items[i].name;
		bool named = name != NULL && name[0] != '\0';

		if (i > 0)
			appendStringInfoChar(out, ',');
		resetStringInfo(&item);
		if (named && name_form(name) == NAME_WORDS)
		{
			char *copy = pstrdup(name);

			for (char *p = copy; *p != '\0'; p++)
			{
				if (*p == '\r' || *p == '\n')
					*p = ' ';
			}
			appendStringInfoChar(out, ' ');
			line = mime_put_words(out, line, copy);
			pfree(copy);
		}
		else if (named && name_form(name) == NAME_QUOTED)
		{
			appendStringInfoChar(&item, '"');
			for (const char *p = name; *p != '\0'; p++)
			{
				if (*p == '"' || *p == '\\')
					appendStringInfoChar(&item, '\\');
				appendStringInfoChar(&item, *p);
			}
			appendStringInfoString(&item, "\" ");
		}
		else if (named)
			appendStringInfo(&item, "%s ", name);

		if (named)
			appendStringInfoChar(&item, '<');
		put_address_spec(&item, items[i].address);
		if (named)
			appendStringInfoChar(&item, '>');
		if (out->len - line + 2 + item.len > LINE && out->data[out->len - 1] != ':')
		{
			appendStringInfoString(out, "\r\n ");
			line = out->len - 1;
		}
		else
			appendStringInfoChar(out, ' ');
		appendBinaryStringInfo(out, item.data, item.len);
	}
	appendStringInfoString(out, "\r\n");
	pfree(item.data);
}

/*
 * put_ids writes Message-IDs, one a line where they do not fit on it.  One that
 * fits on no line is left out: others' ids come from others.
 */
static void
put_ids(StringInfo out, const char *field, char *const *ids, int count)
{
	int line = out->len;
	bool any = false;
	StringInfoData id;

	initStringInfo(&id);
	for (int i = 0; i < count; i++)
	{
		resetStringInfo(&id);
		for (const char *p = ids[i]; *p != '\0'; p++)
		{
			if ((unsigned char) *p > ' ' && (unsigned char) *p < 0x7F && *p != '<' && *p != '>')
				appendStringInfoChar(&id, *p);
		}
		if (id.len == 0 || strlen(field) + id.len + 4 > LONGEST_LINE)
			continue;
		if (!any)
			appendStringInfo(out, "%s: ", field);
		else if (out->len - line + 3 + id.len > LINE)
		{
			appendStringInfoString(out, "\r\n ");
			line = out->len - 1;
		}
		else
			appendStringInfoChar(out, ' ');
		appendStringInfo(out, "<%s>", id.data);
		any = true;
	}
	if (any)
		appendStringInfoString(out, "\r\n");
	pfree(id.data);
}

/* put_date writes the moment as the sender's clock shows it. */
static void
put_date(StringInfo out, int64 date, int offset)
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	int64 seconds;
	int64 day;
	int64 era;
	int of_era;
	int year_of_era;
	int of_year;
	int month;
	int weekday;
	int second;

	if (offset <= -24 * 60 || offset >= 24 * 60)
		offset = 0;
	seconds = date / 1000000 - (date % 1000000 < 0 ? 1 : 0) + (int64) offset * 60;
	day = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
	second = (int) (seconds - day * 86400);
	weekday = (int) ((day % 7 + 7) % 7);

	/* Years that begin in March have their leap day at the end. */
	day += 719468;
	era = (day >= 0 ? day : day - 146096) / 146097;
	of_era = (int) (day - era * 146097);
	year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * of_year + 2) / 153;

	appendStringInfo(out, "Date: %.3s, %d %.3s %04d %02d:%02d:%02d %c%02d%02d\r\n",
					 days + weekday * 3, of_year - (153 * month + 2) / 5 + 1, months + month * 3,
					 (int) (year_of_era + era * 400) + (month >= 10 ? 1 : 0), second / 3600,
					 second / 60 % 60, second % 60, offset < 0 ? '-' : '+', abs(offset) / 60,
					 abs(offset) % 60);
}

/* put_extra writes a field of the caller's, unless it is one of ours. */
static void
put_extra(StringInfo out, const MimeHeader *header)
{
	MimeSlice name = {header->name, strlen(header->name)};

	if (name.len == 0 || name.len > 60 || mime_starts(name, "content-"))
		return;
	for (size_t i = 0; i < name.len; i++)
	{
		if (name.data[i] <= ' ' || name.data[i] >= 0x7F || name.data[i] == ':')
			return;
	}
	for (int i = 0; i < lengthof(own_fields); i++)
	{
		if (mime_equal(name, own_fields[i]))
			return;
	}
	mime_put_text_field(out, header->name, header->value, false);
}

static void
put_boundary(Writing *writing, int which)
{
	appendStringInfo(writing->out, "=_%08x%08x_%d", (uint32) (writing->hash >> 32),
					 (uint32) writing->hash, which);
}

/* open_multipart ends the header with a multipart's type. */
static int
open_multipart(Writing *writing, const char *subtype)
{
	int which = ++writing->opened;

	appendStringInfo(writing->out, "Content-Type: multipart/%s;\r\n boundary=\"", subtype);
	put_boundary(writing, which);
	appendStringInfoString(writing->out, "\"\r\n");
	return which;
}

/* next_part begins a part; the line break before it belongs to the boundary. */
static void
next_part(Writing *writing, int which)
{
	appendStringInfoString(writing->out, "\r\n--");
	put_boundary(writing, which);
	appendStringInfoString(writing->out, "\r\n");
}

static void
close_multipart(Writing *writing, int which)
{
	appendStringInfoString(writing->out, "\r\n--");
	put_boundary(writing, which);
	appendStringInfoString(writing->out, "--\r\n");
}

static void
put_text(Writing *writing, const char *subtype, const char *text)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfo(writing->out, "Content-Type: text/%s; charset=utf-8\r\n", subtype);
	mime_encode_text(text, &body, writing->out);
	appendStringInfoString(writing->out, "\r\n");
	appendBinaryStringInfo(writing->out, body.data, body.len);
	pfree(body.data);
}

/* good_type tells whether a type can stand in a header as it is. */
static bool
good_type(const char *type)
{
	size_t len = 0;
	int slashes = 0;

	if (type == NULL || strlen(type) > 60 || pg_strncasecmp(type, "multipart/", 10) == 0)
		return false;
	for (; type[len] != '\0' && type[len] != ';'; len++)
	{
		if (type[len] == '/')
			slashes++;
		else if (!mime_alpha(type[len]) && !mime_digit(type[len]) &&
				 strchr("!#$&-^_.+", type[len]) == NULL)
			return false;
	}
	if (slashes != 1 || type[0] == '/' || type[len - 1] == '/')
		return false;
	for (const char *p = type + len; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || (unsigned char) *p >= 0x7F)
			return false;
	}
	return true;
}

/*
 * is_verbatim tells whether a mail attached can stand as it is: RFC 2046
 * allows no encoding for one, so only what is not 7-bit lines gets it.
 */
static bool
is_verbatim(const MimeFile *file)
{
	size_t line = 0;

	if (file->type == NULL || pg_strcasecmp(file->type, "message/rfc822") != 0)
		return false;
	for (size_t i = 0; i < file->length; i++)
	{
		unsigned char c = (unsigned char) file->content[i];

		if (c == '\r' && i + 1 < file->length && file->content[i + 1] == '\n')
		{
			line = 0;
			i++;
			continue;
		}
		if (c == 0 || c == '\r' || c == '\n' || c >= 0x80 || ++line > 990)
			return false;
	}
	return true;
}

static void
put_file(Writing *writing, const MimeFile *file, bool is_image)
{
	StringInfo out = writing->out;
	bool verbatim = is_verbatim(file);
	char *name = file->name == NULL ? NULL : mime_clean_name(NULL, file->name, strlen(file->name));

	appendStringInfo(out, "Content-Type: %s\r\n",
					 good_type(file->type) ? file->type : "application/octet-stream");
	appendStringInfo(out, "Content-Transfer-Encoding: %s\r\n", verbatim ? "7bit" : "base64");
	appendStringInfo(out, "Content-Disposition: %s", is_image ? "inline" : "attachment");
	if (name != NULL)
	{
		mime_put_parameter(out, "filename", name);
		pfree(name);
	}
	appendStringInfoString(out, "\r\n");
	if (file->content_id != NULL && file->content_id[0] != '\0')
		put_ids(out, "Content-ID", (char *const *) &file->content_id, 1);
	appendStringInfoString(out, "\r\n");
	if (verbatim)
		appendBinaryStringInfo(out, file->content, (int) file->length);
	else
		mime_encode_base64(file->content, file->length, out);
}

/* hash_bytes is FNV-1a: it spreads, and need not keep a secret. */
static uint64
hash_bytes(uint64 hash, const char *data)
{
	for (; *data != '\0'; data++)
		hash = (hash ^ (unsigned char) *data) * UINT64CONST(1099511628211);
	return hash;
}

/* choose_hash makes one that no mail attached as it is speaks of. */
static void
choose_hash(Writing *writing)
{
	const MimeOutgoing *mail = writing->mail;
	bool again = true;

	writing->hash = hash_bytes(UINT64CONST(14695981039346656037),
							   mail->message_id != NULL ? mail->message_id : "");
	while (again)
	{
		char mark[24];

		again = false;
		snprintf(mark, sizeof(mark), "=_%08x%08x_", (uint32) (writing->hash >> 32),
				 (uint32) writing->hash);
		for (int i = 0; i < mail->attachment_count && !again; i++)
		{
			const MimeFile *file = &mail->attachments[i];

			again = is_verbatim(file) &&
					mime_find(file->content, file->content + file->length, mark) != NULL;
		}
		if (again)
			writing->hash = hash_bytes(writing->hash, mark);
	}
}

/* put_html writes the HTML with the images it shows. */
static void
put_html(Writing *writing)
{
	const MimeOutgoing *mail = writing->mail;
	int related;

	if (mail->image_count == 0)
	{
		put_text(writing, "html", mail->html);
		return;
	}
	related = open_multipart(writing, "related; type=\"text/html\"");
	next_part(writing, related);
	put_text(writing, "html", mail->html);
	for (int i = 0; i < mail->image_count; i++)
	{
		next_part(writing, related);
		put_file(writing, &mail->images[i], true);
	}
	close_multipart(writing, related);
}

/* put_body writes what is read, in one form or in two. */
static void
put_body(Writing *writing)
{
	const MimeOutgoing *mail = writing->mail;

	if (mail->html == NULL)
		put_text(writing, "plain", mail->text != NULL ? mail->text : "");
	else if (mail->text == NULL)
		put_html(writing);
	else
	{
		int alternative = open_multipart(writing, "alternative");

		next_part(writing, alternative);
		put_text(writing, "plain", mail->text);
		next_part(writing, alternative);
		put_html(writing);
		close_multipart(writing, alternative);
	}
}

static void
put_fields(Writing *writing)
{
	const MimeOutgoing *mail = writing->mail;
	StringInfo out = writing->out;

	put_date(out, mail->date, mail->date_offset);
	put_addresses(out, "From", mail->from.items, mail->from.count);
	if (mail->sender != NULL)
		put_addresses(out, "Sender", mail->sender, 1);
	put_addresses(out, "Reply-To", mail->reply_to.items, mail->reply_to.count);
	put_addresses(out, "To", mail->to.items, mail->to.count);
	put_addresses(out, "Cc", mail->cc.items, mail->cc.count);
	if (mail->subject != NULL)
		mime_put_text_field(out, "Subject", mail->subject, true);
	if (mail->message_id != NULL)
		put_ids(out, "Message-ID", (char *const *) &mail->message_id, 1);
	put_ids(out, "In-Reply-To", mail->in_reply_to.ids, mail->in_reply_to.count);
	put_ids(out, "References", mail->references.ids, mail->references.count);
	for (int i = 0; i < mail->header_count; i++)
		put_extra(out, &mail->headers[i]);
	appendStringInfoString(out, "MIME-Version: 1.0\r\n");
}

/* mime_write appends the mail to "out". */
void
mime_write(const MimeOutgoing *mail, StringInfo out)
{
	Writing writing = {.mail = mail, .out = out};

	/* Images nothing shows are attachments. */
	int images = mail->html == NULL ? mail->image_count : 0;

	choose_hash(&writing);
	put_fields(&writing);
	if (mail->attachment_count + images == 0)
		put_body(&writing);
	else
	{
		int mixed = open_multipart(&writing, "mixed");

		next_part(&writing, mixed);
		put_body(&writing);
		for (int i = 0; i < images; i++)
		{
			next_part(&writing, mixed);
			put_file(&writing, &mail->images[i], false);
		}
		for (int i = 0; i < mail->attachment_count; i++)
		{
			next_part(&writing, mixed);
			put_file(&writing, &mail->attachments[i], false);
		}
		close_multipart(&writing, mixed);
	}
}
