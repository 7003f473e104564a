/*-------------------------------------------------------------------------
 *
 * mime_body.c
 *	  What of a mail's parts is its text, its HTML, and what is attached.
 *
 * Text comes from each place that shows some: of a multipart/alternative one
 * form, of anything else each part that is not an attachment.  What has a
 * name, says it is an attachment, or is of no type shown as text is attached, and
 * so is one form too many of an alternative.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

/* So many cid: links of an HTML body are looked at; a real one has some ten. */
#define MAX_LINKS 10000
#define CID_BUCKETS 1024

static bool
says_attachment(const MimePart *part)
{
	return mime_starts(mime_skip_comments(part->disposition), "attachment");
}

/*
 * note_charset takes the charset for names in raw bytes from the first text
 * that states one, where the mail's own header does not.
 */
static void
note_charset(MimeReader *reader, const MimePart *parts, int count)
{
	for (int i = 0; i < count && reader->charset.len == 0; i++)
	{
		MimeSlice charset;

		if (!mime_equal(parts[i].type, "text/plain") && !mime_equal(parts[i].type, "text/html"))
			continue;
		charset = mime_param_value(reader, parts[i].content_type, "charset");
		if (mime_typed_charset(&charset))
			reader->charset = charset;
	}
}

/* part_name returns the name of the file a part is, NULL where it has none. */
static char *
part_name(MimeReader *reader, const MimePart *part)
{
	char *name = mime_file_name(reader, part->disposition, "filename");

	return name != NULL ? name : mime_file_name(reader, part->content_type, "name");
}

/* first_role is what a part is before its neighbours are looked at. */
static MimeRole
first_role(const MimePart *part, const char *name)
{
	bool plain = mime_equal(part->type, "text/plain");

	if (part->multipart)
		return MIME_ROLE_NONE;
	if (says_attachment(part) || (name != NULL && part->parent >= 0))
		return MIME_ROLE_ATTACHED;
	if (plain)
		return MIME_ROLE_TEXT;
	if (mime_equal(part->type, "text/html"))
		return MIME_ROLE_HTML;

	/* Other ways to write the same text, which nobody could open. */
	if (part->alternative >= 0 &&
		(mime_equal(part->type, "text/x-amp-html") || mime_equal(part->type, "text/watch-html") ||
		 mime_equal(part->type, "text/enriched") || mime_equal(part->type, "text/richtext")))
		return MIME_ROLE_NONE;
	return MIME_ROLE_ATTACHED;
}

/* end_line closes the last line, if another text follows it. */
static void
end_line(StringInfo text)
{
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		appendStringInfoChar(text, '\n');
}

/* note_piece says where in the text a part begins, which ends the one before. */
static void
note_piece(MimeMessage *mail, MimePart *parts, int part, size_t start, bool from_html)
{
	MimePiece *piece = &mail->pieces[mail->piece_count];

	parts[part].piece = mail->piece_count++;
	memset(piece, 0, sizeof(*piece));
	piece->part = part;
	piece->start = start;
	piece->from_html = from_html;
}

/* put_html_text writes the words of a document, apart from those before it. */
static void
put_html_text(MimeReader *reader, MimePart *parts, int part, StringInfo text)
{
	MimeMessage *mail = reader->mail;
	bool follows = mail->piece_count > 0 && mail->pieces[mail->piece_count - 1].from_html &&
				   text->len > mail->pieces[mail->piece_count - 1].start;
	StringInfoData html;
	int start;

	initStringInfo(&html);
	mime_part_text(reader, &parts[part], true, &html);
	end_line(text);
	start = text->len;
	if (follows)
		appendStringInfoChar(text, '\n');
	mime_html_text(html.data, html.len, text);
	pfree(html.data);
	if (text->len == start + (follows ? 1 : 0))
	{
		text->len = start;
		text->data[start] = '\0';
	}
	note_piece(mail, parts, part, Min(text->len, start + (follows ? 1 : 0)), true);
}

/*
 * put_slot writes the text of the parts from "first" on that belong to one
 * place: one part, or all of an alternative, where plain text wins if there
 * is any in it.
 */
static void
put_slot(MimeReader *reader, MimePart *parts, MimeRole *roles, int count, int first,
		 StringInfo text, bool *from_html)
{
	int alternative = parts[first].alternative;
	int last = alternative < 0 ? first + 1 : count;
	int branch = -1;
	int pieces = reader->mail->piece_count;
	int start;

	end_line(text);
	start = text->len;
	for (int i = first; i < last; i++)
	{
		if (roles[i] != MIME_ROLE_TEXT || parts[i].alternative != alternative ||
			(branch >= 0 && parts[i].branch != branch))
			continue;
		end_line(text);
		note_piece(reader->mail, parts, i, text->len, false);
		mime_part_plain_text(reader, &parts[i], text);
		if (!mime_blank(text->data + start, text->len - start))
			branch = parts[i].branch;
	}
	if (!mime_blank(text->data + start, text->len - start))
		return;

	branch = -1;
	for (int i = first; i < last; i++)
	{
		if (roles[i] != MIME_ROLE_HTML || parts[i].alternative != alternative ||
			(branch >= 0 && parts[i].branch != branch))
			continue;
		if (branch < 0)
		{
			/* the blanks that there were instead are no text */
			text->len = start;
			text->data[start] = '\0';
			for (; pieces < reader->mail->piece_count; pieces++)
				reader->mail->pieces[pieces].start = start;
		}
		branch = parts[i].branch;
		put_html_text(reader, parts, i, text);
		*from_html = true;
	}
}

/* put_all_text writes the mail's text, place by place. */
static void
put_all_text(MimeReader *reader, MimePart *parts, MimeRole *roles, int count)
{
	MimeMessage *mail = reader->mail;
	StringInfoData text;
	bool *done = palloc0(count * sizeof(bool));
	bool has_plain = false;

	initStringInfo(&text);
	mail->pieces = mime_alloc(reader->arena, count * sizeof(MimePiece));
	for (int i = 0; i < count; i++)
	{
		int place = parts[i].alternative;
		bool from_html = false;
		int before = text.len;

		if ((roles[i] != MIME_ROLE_TEXT && roles[i] != MIME_ROLE_HTML) ||
			(place >= 0 && done[place]))
			continue;
		if (place >= 0)
			done[place] = true;
		put_slot(reader, parts, roles, count, i, &text, &from_html);
		if (from_html)
			mail->text_from_html = true;
		else if (!mime_blank(text.data + before, text.len - before))
			has_plain = true;
	}
	if (has_plain)
		mail->text_from_html = false;
	mail->text = mime_strdup(reader->arena, text.data, text.len);
	mail->text_length = text.len;
	pfree(done);
	pfree(text.data);
}

/* beside_html: the part belongs to a form of an alternative that has HTML. */
static bool
beside_html(const MimePart *parts, const MimeRole *roles, int count, int part)
{
	for (int i = 0; i < count; i++)
	{
		if (roles[i] == MIME_ROLE_HTML && parts[i].alternative == parts[part].alternative &&
			parts[i].branch == parts[part].branch)
			return true;
	}
	return false;
}

/*
 * attach_other_texts attaches plain text that stands in an alternative as one
 * more form of it, where another one is read: some put a note there.
 */
static void
attach_other_texts(const MimePart *parts, MimeRole *roles, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (roles[i] == MIME_ROLE_TEXT && parts[i].alternative >= 0 && parts[i].piece < 0 &&
			!mime_blank(parts[i].content.data, parts[i].content.len) &&
			!beside_html(parts, roles, count, i))
			roles[i] = MIME_ROLE_ATTACHED;
	}
}

static uint32
cid_hash(const char *data, size_t len)
{
	uint32 hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) mime_lower(data[i])) * 16777619u;
	return hash;
}

/* link_target copies what a cid: link names, percent-decoded. */
static size_t
link_target(const char *p, const char *end, char *out, size_t room)
{
	size_t n = 0;

	while (p < end && n < room && *p != '"' && *p != '\'' && *p != '>' && *p != ')' && *p != '&' &&
		   !mime_space(*p))
	{
		if (*p == '%' && end - p >= 3 && mime_hex(p[1]) >= 0 && mime_hex(p[2]) >= 0)
		{
			out[n++] = (char) (mime_hex(p[1]) << 4 | mime_hex(p[2]));
			p += 3;
		}
		else
			out[n++] = *p++;
	}
	return n;
}

/* mark_inline marks the attachments that the HTML shows. */
static void
mark_inline(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;
	const char *p = mail->html;
	const char *end = p + mail->html_length;
	int *heads = palloc(CID_BUCKETS * sizeof(int));
	int *next = palloc((mail->attachment_count + 1) * sizeof(int));
	int links = 0;

	memset(heads, -1, CID_BUCKETS * sizeof(int));
	for (int i = mail->attachment_count - 1; i >= 0; i--)
	{
		const char *id = mail->attachments[i].content_id;

		if (id != NULL)
		{
			uint32 bucket = cid_hash(id, strlen(id)) % CID_BUCKETS;

			next[i] = heads[bucket];
			heads[bucket] = i;
		}
	}
	while (links < MAX_LINKS && (p = memchr(p, ':', end - p)) != NULL)
	{
		char target[MIME_MAX_ID];
		size_t len;

		p++;
		if (p - mail->html < 4 || pg_strncasecmp(p - 4, "cid:", 4) != 0)
			continue;
		links++;
		len = link_target(p, end, target, sizeof(target));
		for (int i = heads[cid_hash(target, len) % CID_BUCKETS]; i >= 0; i = next[i])
		{
			MimeAttachment *attachment = &mail->attachments[i];

			if (strlen(attachment->content_id) == len &&
				pg_strncasecmp(attachment->content_id, target, len) == 0)
				attachment->is_inline = true;
		}
	}
	pfree(heads);
	pfree(next);
}

/* attach copies a part's bytes, decoded straight into their one buffer. */
static void
attach(MimeReader *reader, const MimePart *part, char *name)
{
	MimeMessage *mail = reader->mail;
	MimeAttachment *attachment = &mail->attachments[mail->attachment_count++];
	size_t room = mime_part_room(part);

	memset(attachment, 0, sizeof(MimeAttachment));
	attachment->name = name;
	resetStringInfo(&reader->scratch);
	charset_to_utf8(NULL, 0, part->type.data, part->type.len, &reader->scratch);
	attachment->type = mime_strdup(reader->arena, reader->scratch.data, reader->scratch.len);
	if (part->id.len > 0 && part->id.len <= MIME_MAX_ID)
	{
		resetStringInfo(&reader->scratch);
		charset_to_utf8(NULL, 0, part->id.data, part->id.len, &reader->scratch);
		attachment->content_id =
			mime_strdup(reader->arena, reader->scratch.data, reader->scratch.len);
	}
	attachment->content = mime_alloc(reader->arena, room + 1);
	if (mime_part_identity(reader, part))
	{
		memcpy(attachment->content, part->content.data, part->content.len);
		attachment->length = part->content.len;
	}
	else
		attachment->length = mime_part_decode(reader, part, attachment->content);
	attachment->content[attachment->length] = '\0';
}

/* unpack_tnef adds what a winmail.dat holds behind it. */
static void
unpack_tnef(MimeReader *reader, int room)
{
	MimeMessage *mail = reader->mail;
	MimeAttachment *tnef = &mail->attachments[mail->attachment_count - 1];

	if (strcmp(tnef->type, "application/ms-tnef") == 0 ||
		strcmp(tnef->type, "application/vnd.ms-tnef") == 0 ||
		(tnef->name != NULL && pg_strcasecmp(tnef->name, "winmail.dat") == 0))
		mail->attachment_count += mime_tnef(reader, tnef->content, tnef->length, tnef + 1, room);
}

/* ends_with compares without regard to ASCII case. */
static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && pg_strcasecmp(text + len - end_len, end) == 0;
}

/*
 * read_protection notes what cannot be read here: S/MIME by its type, or by its
 * name where a gateway knew no better (RFC 8551, 3.2.1), and OpenPGP.
 */
static void
read_protection(MimeReader *reader, const MimePart *parts, char **names, int count)
{
	MimeMessage *mail = reader->mail;

	for (int i = 0; i < count; i++)
	{
		MimeSlice type = parts[i].type;

		if (mime_equal(type, "multipart/encrypted"))
			mail->protection = MIME_OPENPGP;
		else if (mail->protection == MIME_PLAIN &&
				 (mime_equal(type, "application/pkcs7-mime") ||
				  mime_equal(type, "application/x-pkcs7-mime") ||
				  (mime_equal(type, "application/octet-stream") && names[i] != NULL &&
				   ends_with(names[i], ".p7m"))))
		{
			MimeSlice smime = mime_param_value(reader, parts[i].content_type, "smime-type");

			if (!mime_equal(smime, "certs-only"))
				mail->protection = MIME_SMIME;
		}
	}
}

/* mime_protection_name is what users are told; NULL: nothing is. */
const char *
mime_protection_name(MimeProtection protection)
{
	switch (protection)
	{
		case MIME_SMIME:
			return "smime";
		case MIME_OPENPGP:
			return "openpgp";
		case MIME_PLAIN:
			break;
	}
	return NULL;
}

/* mime_bodies decides about every part and fills the message. */
void
mime_bodies(MimeReader *reader, MimePart *parts, int count)
{
	MimeMessage *mail = reader->mail;
	MimeRole *roles = palloc(count * sizeof(MimeRole));
	char **names = palloc(count * sizeof(char *));
	int named = -1;
	bool shown = false;
	int room;

	note_charset(reader, parts, count);
	for (int i = 0; i < count; i++)
	{
		parts[i].piece = -1;
		names[i] = parts[i].multipart ? NULL : part_name(reader, &parts[i]);
		roles[i] = first_role(&parts[i], names[i]);
		shown = shown || roles[i] == MIME_ROLE_TEXT || roles[i] == MIME_ROLE_HTML;
		if (named < 0 && roles[i] == MIME_ROLE_ATTACHED && !says_attachment(&parts[i]) &&
			(mime_equal(parts[i].type, "text/plain") || mime_equal(parts[i].type, "text/html")))
			named = i;
	}

	/* Some programs give the body a file's name. */
	if (!shown && named >= 0)
		roles[named] =
			mime_equal(parts[named].type, "text/plain") ? MIME_ROLE_TEXT : MIME_ROLE_HTML;

	put_all_text(reader, parts, roles, count);
	mime_all_html(reader, parts, roles, count);
	attach_other_texts(parts, roles, count);

	/* Room for what TNEF brings as well: the limit on parts holds for all. */
	room = 0;
	for (int i = 0; i < count; i++)
	{
		if (roles[i] == MIME_ROLE_ATTACHED)
			room++;
	}
	if (room > 0)
	{
		int left = room;

		mail->attachments =
			mime_alloc(reader->arena, (room + MIME_MAX_TNEF) * sizeof(MimeAttachment));
		for (int i = 0; i < count; i++)
		{
			if (roles[i] != MIME_ROLE_ATTACHED)
				continue;
			attach(reader, &parts[i], names[i]);
			left--;
			unpack_tnef(reader, room + MIME_MAX_TNEF - mail->attachment_count - left);
		}
	}
	if (mail->html != NULL && mail->attachment_count > 0)
		mark_inline(reader);
	read_protection(reader, parts, names, count);
	pfree(roles);
	pfree(names);
}
