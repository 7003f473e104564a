/*-------------------------------------------------------------------------
 *
 * mime_body.c
 *	  What of a mail's parts is its text, its HTML, and what is attached.
 *
 * Text comes from each place that shows some: of a multipart/alternative one
 * form, of anything else each part that is not an attachment.  What has a
 * name, says it is an attachment, or is of no type shown as text is attached;
 * nothing is left out but the other forms of an alternative.
 *
 *-------------------------------------------------------------------------
 */
#include "core/html.h"
#include "core/mime_internal.h"

/* So many cid: links of an HTML body are looked at; a real one has some ten. */
#define MAX_LINKS 10000
#define CID_BUCKETS 1024

typedef enum Role
{
	ROLE_NONE, /* a multipart, or another form of what is shown */
	ROLE_TEXT, /* shown as text */
	ROLE_HTML, /* a text/html body */
	ROLE_ATTACHED
} Role;

/* encoding_word returns the encoding without what may stand behind it. */
static MimeSlice
encoding_word(const MimePart *part)
{
	MimeSlice word = mime_skip_comments(part->encoding);
	size_t len = 0;

	while (len < word.len && !mime_space(word.data[len]) && word.data[len] != ';' &&
		   word.data[len] != '(' && word.data[len] != ',')
		len++;
	word.len = len;
	return word;
}

/* decode_room is how many bytes a part can decode to. */
static size_t
decode_room(const MimePart *part)
{
	if (mime_equal(encoding_word(part), "base64"))
		return part->content.len / 4 * 3 + 3;
	return part->content.len;
}

/*
 * is_identity tells whether the part is not encoded.  An encoding nobody
 * knows leaves the bytes as they are, which loses nothing.
 */
static bool
is_identity(MimeReader *reader, const MimePart *part)
{
	MimeSlice word = encoding_word(part);

	if (word.len == 0 || mime_equal(word, "7bit") || mime_equal(word, "8bit") ||
		mime_equal(word, "binary"))
		return true;
	if (mime_equal(word, "base64") || mime_equal(word, "quoted-printable") ||
		mime_equal(word, "x-uuencode") || mime_equal(word, "uuencode") ||
		mime_equal(word, "x-uue") || mime_equal(word, "uue"))
		return false;
	reader->mail->defects |= MIME_DEFECT_ENCODING;
	return true;
}

/* decode writes a part that is not identity into "out" of decode_room(). */
static size_t
decode(MimeReader *reader, const MimePart *part, char *out)
{
	MimeSlice word = encoding_word(part);

	if (mime_equal(word, "base64"))
		return mime_decode_base64(part->content.data, part->content.len, out,
								  &reader->mail->defects);
	if (mime_equal(word, "quoted-printable"))
		return mime_decode_qp(part->content.data, part->content.len, out, false);
	return mime_decode_uu(part->content.data, part->content.len, out, &reader->mail->defects);
}

/* meta_charset looks for <meta charset=…> where the part itself names none. */
static MimeSlice
meta_charset(const char *html, size_t len)
{
	MimeSlice head = {html, Min(len, 1024)};
	MimeSlice charset = {NULL, 0};

	for (; head.len > 8; head.data++, head.len--)
	{
		size_t i = 8;

		if (mime_lower(head.data[0]) != 'c' || !mime_starts(head, "charset="))
			continue;
		while (i < head.len && (head.data[i] == '"' || head.data[i] == '\'' || head.data[i] == ' '))
			i++;
		charset.data = head.data + i;
		while (i < head.len && (mime_alpha(head.data[i]) || mime_digit(head.data[i]) ||
								head.data[i] == '-' || head.data[i] == '_'))
			i++;
		charset.len = head.data + i - charset.data;

		/* What could be read this far is not UTF-16. */
		if (mime_starts(charset, "utf-16"))
			charset.len = 0;
		break;
	}
	return charset;
}

/* unify_newlines makes LF of CRLF and CR, from "start" on. */
static void
unify_newlines(StringInfo out, int start)
{
	char *to = memchr(out->data + start, '\r', out->len - start);
	char *end = out->data + out->len;
	char *from = to;

	if (to == NULL)
		return;
	while (from < end)
	{
		char *next;

		/* "from" is at a CR: it goes, or becomes the LF itself. */
		from++;
		if (from == end || *from != '\n')
			*to++ = '\n';
		next = memchr(from, '\r', end - from);
		if (next == NULL)
			next = end;
		memmove(to, from, next - from);
		to += next - from;
		from = next;
	}
	out->len = (int) (to - out->data);
	out->data[out->len] = '\0';
}

/*
 * put_text appends a text part to "out": decoded, UTF-8, lines ended by LF.
 */
static void
put_text(MimeReader *reader, const MimePart *part, bool is_html, StringInfo out)
{
	MimeSlice charset = mime_param_value(reader, part->content_type, "charset");
	MimeSlice bytes = part->content;
	char *decoded = NULL;
	int start = out->len;
	CharsetResult result;

	if (!is_identity(reader, part))
	{
		decoded = palloc(decode_room(part) + 1);
		bytes.data = decoded;
		bytes.len = decode(reader, part, decoded);
	}
	if (bytes.len > MIME_MAX_TEXT - reader->text_bytes)
	{
		reader->mail->defects |= MIME_DEFECT_SIZE;
		bytes.len = MIME_MAX_TEXT - reader->text_bytes;
	}
	reader->text_bytes += bytes.len;
	if (is_html && charset.len == 0)
		charset = meta_charset(bytes.data, bytes.len);

	enlargeStringInfo(out, (int) bytes.len + 1);
	result = charset_to_utf8(charset.data, charset.len, bytes.data, bytes.len, out);
	if (result == CHARSET_UNKNOWN)
		reader->mail->defects |= MIME_DEFECT_CHARSET;
	else if (result == CHARSET_REPLACED)
		reader->mail->defects |= MIME_DEFECT_CHARACTERS;
	if (decoded != NULL)
		pfree(decoded);

	/* A byte order mark is no text. */
	if (out->len - start >= 3 && memcmp(out->data + start, "\xEF\xBB\xBF", 3) == 0)
	{
		memmove(out->data + start, out->data + start + 3, out->len - start - 3 + 1);
		out->len -= 3;
	}
	unify_newlines(out, start);
}

/* put_plain_text is put_text for text/plain, with format=flowed undone. */
static void
put_plain_text(MimeReader *reader, const MimePart *part, StringInfo out)
{
	MimeSlice format = mime_param_value(reader, part->content_type, "format");
	MimeSlice delsp;
	StringInfoData flowed;

	if (!mime_equal(format, "flowed"))
	{
		put_text(reader, part, false, out);
		return;
	}
	delsp = mime_param_value(reader, part->content_type, "delsp");
	initStringInfo(&flowed);
	put_text(reader, part, false, &flowed);
	mime_unflow(flowed.data, flowed.len, mime_equal(delsp, "yes"), out);
	pfree(flowed.data);
}

static bool
blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (!mime_space(text[i]))
			return false;
	}
	return true;
}

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
static Role
first_role(const MimePart *part, const char *name)
{
	bool plain = mime_equal(part->type, "text/plain");

	if (part->multipart)
		return ROLE_NONE;
	if (says_attachment(part) || (name != NULL && part->parent >= 0))
		return ROLE_ATTACHED;
	if (plain)
		return ROLE_TEXT;
	if (mime_equal(part->type, "text/html"))
		return ROLE_HTML;

	/* Other ways to write the same text, which nobody could open. */
	if (part->alternative >= 0 &&
		(mime_equal(part->type, "text/x-amp-html") || mime_equal(part->type, "text/watch-html") ||
		 mime_equal(part->type, "text/enriched") || mime_equal(part->type, "text/richtext")))
		return ROLE_NONE;
	return ROLE_ATTACHED;
}

/* end_line closes the last line, if another text follows it. */
static void
end_line(StringInfo text)
{
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		appendStringInfoChar(text, '\n');
}

/*
 * put_slot writes the text of the parts from "first" on that belong to one
 * place: one part, or all of an alternative, where plain text wins if there
 * is any in it.
 */
static void
put_slot(MimeReader *reader, const MimePart *parts, Role *roles, int count, int first,
		 StringInfo text, bool *from_html)
{
	int alternative = parts[first].alternative;
	int last = alternative < 0 ? first + 1 : count;
	int branch = -1;
	int start;

	end_line(text);
	start = text->len;
	for (int i = first; i < last; i++)
	{
		if (roles[i] != ROLE_TEXT || parts[i].alternative != alternative ||
			(branch >= 0 && parts[i].branch != branch))
			continue;
		end_line(text);
		put_plain_text(reader, &parts[i], text);
		if (!blank(text->data + start, text->len - start))
			branch = parts[i].branch;
	}
	if (!blank(text->data + start, text->len - start))
		return;

	branch = -1;
	for (int i = first; i < last; i++)
	{
		StringInfoData html;

		if (roles[i] != ROLE_HTML || parts[i].alternative != alternative ||
			(branch >= 0 && parts[i].branch != branch))
			continue;
		branch = parts[i].branch;
		initStringInfo(&html);
		put_text(reader, &parts[i], true, &html);
		end_line(text);
		mime_html_text(html.data, html.len, text);
		pfree(html.data);
		*from_html = true;
	}
}

/* put_all_text writes the mail's text, place by place. */
static void
put_all_text(MimeReader *reader, const MimePart *parts, Role *roles, int count)
{
	MimeMessage *mail = reader->mail;
	StringInfoData text;
	bool *done = palloc0(count * sizeof(bool));
	bool has_plain = false;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
	{
		int place = parts[i].alternative;
		bool from_html = false;
		int before = text.len;

		if ((roles[i] != ROLE_TEXT && roles[i] != ROLE_HTML) || (place >= 0 && done[place]))
			continue;
		if (place >= 0)
			done[place] = true;
		put_slot(reader, parts, roles, count, i, &text, &from_html);
		if (from_html)
			mail->text_from_html = true;
		else if (!blank(text.data + before, text.len - before))
			has_plain = true;
	}
	if (has_plain)
		mail->text_from_html = false;
	mail->text = mime_strdup(reader->arena, text.data, text.len);
	mail->text_length = text.len;
	pfree(done);
	pfree(text.data);
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
	size_t room = decode_room(part);

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
	if (is_identity(reader, part))
	{
		memcpy(attachment->content, part->content.data, part->content.len);
		attachment->length = part->content.len;
	}
	else
		attachment->length = decode(reader, part, attachment->content);
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

/*
 * put_all_html writes the mail's HTML: of each place its documents, one after
 * the other, as they are read by who sent them.  What is another form of an
 * alternative is attached, and so is what the document before would swallow, or
 * would be more than is shown ("all": there is none of that).  Returns how many
 * documents there are.
 */
static int
put_all_html(MimeReader *reader, const MimePart *parts, Role *roles, int count, bool *all)
{
	MimeMessage *mail = reader->mail;
	StringInfoData text;
	int *branches = palloc(count * sizeof(int));
	int documents = 0;
	bool ends = true;	/* the last of them ends */
	bool shown = false; /* something of what is written can be seen */

	*all = true;
	reader->text_bytes = 0;
	memset(branches, -1, count * sizeof(int));
	for (int i = 0; i < count; i++)
	{
		int place = parts[i].alternative;
		bool shows;
		StringInfoData next;

		if (roles[i] != ROLE_HTML)
			continue;
		if (place >= 0 && branches[place] < 0)
			branches[place] = parts[i].branch;
		if (place >= 0 && branches[place] != parts[i].branch)
		{
			roles[i] = ROLE_ATTACHED;
			continue;
		}
		if (documents == 0)
		{
			initStringInfo(&text);
			put_text(reader, &parts[i], true, &text);
			documents++;
			continue;
		}
		if (documents == 1 && ends)
			ends = mime_html_ends(text.data, text.len, &shown);
		if (!ends)
		{
			roles[i] = ROLE_ATTACHED;
			*all = false;
			continue;
		}
		initStringInfo(&next);
		put_text(reader, &parts[i], true, &next);
		if (text.len + next.len > HTML_MAX_SOURCE)
		{
			/* better one that is shown than two that are too much */
			pfree(next.data);
			roles[i] = ROLE_ATTACHED;
			*all = false;
			continue;
		}
		ends = mime_html_ends(next.data, next.len, &shows);

		/* Some have a document without a word behind the last attachment. */
		appendStringInfoString(&text, shown && shows ? "\n<hr>\n" : "\n");
		appendBinaryStringInfo(&text, next.data, next.len);
		pfree(next.data);
		shown = shown || shows;
		documents++;
	}
	if (documents > 0)
	{
		mail->html = mime_strdup(reader->arena, text.data, text.len);
		mail->html_length = text.len;
		pfree(text.data);
	}
	pfree(branches);
	return documents;
}

/*
 * text_of_documents makes the text of several documents of what is shown of
 * them, so that a place in the one can be found in the other.
 */
static void
text_of_documents(MimeReader *reader)
{
	MimeMessage *mail = reader->mail;
	StringInfoData text;

	initStringInfo(&text);
	mime_html_text(mail->html, mail->html_length, &text);
	mail->text = mime_strdup(reader->arena, text.data, text.len);
	mail->text_length = text.len;
	pfree(text.data);
}

/* mime_bodies decides about every part and fills the message. */
void
mime_bodies(MimeReader *reader, MimePart *parts, int count)
{
	MimeMessage *mail = reader->mail;
	Role *roles = palloc(count * sizeof(Role));
	char **names = palloc(count * sizeof(char *));
	int named = -1;
	bool shown = false;
	bool all;
	int room;

	note_charset(reader, parts, count);
	for (int i = 0; i < count; i++)
	{
		names[i] = parts[i].multipart ? NULL : part_name(reader, &parts[i]);
		roles[i] = first_role(&parts[i], names[i]);
		shown = shown || roles[i] == ROLE_TEXT || roles[i] == ROLE_HTML;
		if (named < 0 && roles[i] == ROLE_ATTACHED && !says_attachment(&parts[i]) &&
			(mime_equal(parts[i].type, "text/plain") || mime_equal(parts[i].type, "text/html")))
			named = i;
	}

	/* Some programs give the body a file's name. */
	if (!shown && named >= 0)
		roles[named] = mime_equal(parts[named].type, "text/plain") ? ROLE_TEXT : ROLE_HTML;

	put_all_text(reader, parts, roles, count);
	if (put_all_html(reader, parts, roles, count, &all) > 1 && all && mail->text_from_html)
		text_of_documents(reader);

	/* Room for what TNEF brings as well: the limit on parts holds for all. */
	room = 0;
	for (int i = 0; i < count; i++)
	{
		if (roles[i] == ROLE_ATTACHED)
			room++;
	}
	if (room > 0)
	{
		int left = room;

		mail->attachments =
			mime_alloc(reader->arena, (room + MIME_MAX_TNEF) * sizeof(MimeAttachment));
		for (int i = 0; i < count; i++)
		{
			if (roles[i] != ROLE_ATTACHED)
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
