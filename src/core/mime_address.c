/*-------------------------------------------------------------------------
 *
 * mime_address.c
 *	  Address lists, as senders really write them.
 *
 * One pass from left to right, with no grammar behind it: a list that breaks
 * the rules half way still gives the addresses before and behind the break.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define MAX_NAME_REST 400 /* bytes of a name behind its semicolon, and of the address */

/* The mailbox being read. */
typedef struct Mailbox
{
	StringInfoData phrase;	/* words without their quotes */
	StringInfoData bare;	/* the same as written: an address, if no <> comes */
	StringInfoData comment; /* of the last comment */
	StringInfoData angle;	/* what stands in <> */
	StringInfoData held;	/* "Doe," of an unquoted "Doe, John <j@example.com>" */
	bool has_angle;
	int name_len; /* of phrase, when the angle came */
	bool gap;	  /* white space since the last word */
	bool no_quote;
	bool no_comment;
} Mailbox;

static void
mailbox_reset(Mailbox *box)
{
	resetStringInfo(&box->phrase);
	resetStringInfo(&box->bare);
	resetStringInfo(&box->comment);
	resetStringInfo(&box->angle);
	box->has_angle = false;
	box->name_len = 0;
	box->gap = false;
}

static void
list_append(MimeReader *reader, MimeAddressList *list, char *name, char *address)
{
	/* Room is doubled at 4, 8, 16 … */
	if (list->count == 0 || (list->count >= 4 && (list->count & (list->count - 1)) == 0))
	{
		int room = list->count == 0 ? 4 : list->count * 2;
		MimeAddress *items = mime_alloc(reader->arena, room * sizeof(MimeAddress));

		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(MimeAddress));
		list->items = items;
	}
	list->items[list->count].name = name;
	list->items[list->count].address = address;
	list->count++;
	reader->addresses++;
}

/* decoded_name returns the words as text, NULL where there are none. */
static char *
decoded_name(MimeReader *reader, const char *data, size_t len)
{
	MimeSlice raw = {data, len};
	MimeSlice text;

	mime_trim(&raw);
	if (raw.len == 0)
		return NULL;
	resetStringInfo(&reader->scratch);
	mime_decode_words(reader, raw, &reader->scratch);
	text.data = reader->scratch.data;
	text.len = reader->scratch.len;
	mime_trim(&text);
	return text.len == 0 ? NULL : mime_strdup(reader->arena, text.data, text.len);
}

/* clean_address drops what no address holds: white space and controls. */
static char *
clean_address(MimeReader *reader, const char *data, size_t len)
{
	MimeSlice raw = {data, len};
	StringInfo out = &reader->scratch;
	bool quoted = false;
	int n = 0;

	mime_trim(&raw);
	if (mime_starts(raw, "mailto:"))
	{
		raw.data += 7;
		raw.len -= 7;
	}

	/* A source route, <@relay,@relay:joe@example.com>: only its end counts. */
	if (raw.len > 0 && raw.data[0] == '@')
	{
		const char *colon = memchr(raw.data, ':', raw.len);

		if (colon != NULL)
		{
			raw.len -= colon + 1 - raw.data;
			raw.data = colon + 1;
		}
	}
	resetStringInfo(out);
	charset_to_utf8(NULL, 0, raw.data, raw.len, out);
	for (int i = 0; i < out->len; i++)
	{
		unsigned char c = (unsigned char) out->data[i];

		if (c == '"')
			quoted = !quoted;
		if (c < 0x20 || c == 0x7F || (c == ' ' && !quoted))
			continue;
		out->data[n++] = (char) c;
	}
	return mime_strdup(reader->arena, out->data, n);
}

/*
 * find_address finds the word with an @ in what came without <>, so that
 * "Joe Bloggs joe@example.com" gives a name and an address.
 */
static bool
find_address(const char *data, size_t len, size_t *from, size_t *to)
{
	size_t start = 0;
	bool quoted = false;
	bool at = false;
	bool found = false;

	for (size_t i = 0; i <= len; i++)
	{
		if (i == len || (data[i] == ' ' && !quoted))
		{
			if (at)
			{
				*from = start;
				*to = i;
				found = true;
			}
			start = i + 1;
			at = false;
		}
		else if (data[i] == '"')
			quoted = !quoted;
		else if (data[i] == '@' && !quoted)
			at = true;
	}
	return found;
}

/* bare_mailbox ends a mailbox that had no <>, at a mark that its name may go on behind. */
static void
bare_mailbox(MimeReader *reader, Mailbox *box, MimeAddressList *list, char mark)
{
	const char *bare = box->bare.data;
	size_t len = box->bare.len;
	char *name;
	size_t from = 0;
	size_t to = 0;

	if (find_address(bare, len, &from, &to))
	{
		name = NULL;
		if (from > 0)
			name = decoded_name(reader, bare, from);
		if (name == NULL && box->comment.len > 0)
			name = decoded_name(reader, box->comment.data, box->comment.len);
		list_append(reader, list, name, clean_address(reader, bare + from, to - from));
		return;
	}

	/* Some encode the address with the name, as one word. */
	name = decoded_name(reader, box->phrase.data, box->phrase.len);
	if (name != NULL && strchr(name, '@') != NULL && mime_find(bare, bare + len, "=?") != NULL)
	{
		char *open = strrchr(name, '<');
		char *close = open == NULL ? NULL : strchr(open, '>');

		if (close != NULL)
		{
			char *address = clean_address(reader, open + 1, close - open - 1);

			list_append(reader, list, decoded_name(reader, name, open - name), address);
			return;
		}
		if (strchr(name, ' ') == NULL)
		{
			list_append(reader, list, NULL, clean_address(reader, name, strlen(name)));
			return;
		}
	}

	/* A family name before its comma? Then what follows will tell. */
	if (mark != '\0')
	{
		if (box->held.len > 0)
			appendStringInfoChar(&box->held, ' ');
		appendBinaryStringInfo(&box->held, box->phrase.data, box->phrase.len);
		appendStringInfoChar(&box->held, mark);
		return;
	}
	reader->mail->defects |= MIME_DEFECT_ADDRESS;
	if (memchr(bare, ' ', len) == NULL)
		list_append(reader, list, NULL, clean_address(reader, bare, len));
	else
		list_append(reader, list, name, mime_strdup(reader->arena, "", 0));
}

/*
 * mailbox_end adds what was read to the list, if it is anything.  "mark": what ends
 * it, '\0' where that cannot be part of a name.
 */
static void
mailbox_end(MimeReader *reader, Mailbox *box, MimeAddressList *list, char mark)
{
	if (box->has_angle)
	{
		char *name;
		char *address;

		if (box->held.len > 0)
		{
			appendStringInfoChar(&box->held, ' ');
			appendBinaryStringInfo(&box->held, box->phrase.data, box->name_len);
			name = decoded_name(reader, box->held.data, box->held.len);
			resetStringInfo(&box->held);
		}
		else
			name = decoded_name(reader, box->phrase.data, box->name_len);
		if (name == NULL && box->comment.len > 0)
			name = decoded_name(reader, box->comment.data, box->comment.len);
		address = clean_address(reader, box->angle.data, box->angle.len);
		if (address[0] == '\0')
			reader->mail->defects |= MIME_DEFECT_ADDRESS;
		if (address[0] != '\0' || name != NULL)
			list_append(reader, list, name, address);
	}
	else if (box->bare.len > 0)
	{
		bool plain = memchr(box->bare.data, '@', box->bare.len) != NULL;

		/* What was held before another bare address was no name. */
		if (box->held.len > 0 && (plain || mark == '\0'))
		{
			reader->mail->defects |= MIME_DEFECT_ADDRESS;
			resetStringInfo(&box->held);
		}
		bare_mailbox(reader, box, list, mark);
	}
	mailbox_reset(box);
}

/* A gap between words becomes one space, but none beside an @. */
static void
put_gap(Mailbox *box, char next)
{
	if (!box->gap)
		return;
	box->gap = false;
	if (box->phrase.len > 0)
		appendStringInfoChar(&box->phrase, ' ');
	if (box->bare.len > 0 && next != '@' && box->bare.data[box->bare.len - 1] != '@')
		appendStringInfoChar(&box->bare, ' ');
}

/* quoted_end finds the closing quote; NULL, and no more asked, if there is none. */
static const char *
quoted_end(Mailbox *box, const char *p, const char *end)
{
	if (box->no_quote)
		return NULL;
	for (p++; p < end; p++)
	{
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '"')
			return p;
	}
	box->no_quote = true;
	return NULL;
}

static const char *
comment_end(Mailbox *box, const char *p, const char *end)
{
	int depth = 0;

	if (box->no_comment)
		return NULL;
	for (; p < end; p++)
	{
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p;
	}
	box->no_comment = true;
	return NULL;
}

static void
put_unescaped(StringInfo out, const char *p, const char *end)
{
	for (; p < end; p++)
	{
		if (*p == '\\' && p + 1 < end)
			p++;
		appendStringInfoChar(out, *p);
	}
}

/* read_angle reads from behind "<" and returns where reading goes on. */
static const char *
read_angle(MimeReader *reader, Mailbox *box, const char *p, const char *end)
{
	bool at = false;

	resetStringInfo(&box->angle);
	box->has_angle = true;
	box->name_len = box->phrase.len;
	for (; p < end; p++)
	{
		const char *stop;

		if (*p == '>')
			return p + 1;
		if (*p == '<')
		{
			resetStringInfo(&box->angle);
			continue;
		}

		/* The closing bracket was forgotten. */
		if ((*p == ',' || *p == ';') && at && box->angle.data[0] != '@')
			break;
		if (*p == '"' && (stop = quoted_end(box, p, end)) != NULL)
		{
			appendBinaryStringInfo(&box->angle, p, (int) (stop + 1 - p));
			p = stop;
			continue;
		}
		if (*p == '(' && (stop = comment_end(box, p, end)) != NULL)
		{
			p = stop;
			continue;
		}
		if (*p == '@')
			at = true;
		if (!mime_space(*p))
			appendStringInfoChar(&box->angle, *p);
	}
	reader->mail->defects |= MIME_DEFECT_ADDRESS;
	return p;
}

/*
 * name_goes_on: what stands behind a semicolon is the rest of a name, which nobody
 * quoted, with the last address of the field behind it.
 */
static bool
name_goes_on(const char *p, const char *end)
{
	const char *stop = p + Min(end - p, MAX_NAME_REST);

	while (p < stop && *p != '<')
	{
		if (*p == '@' || *p == ':' || *p == '"')
			return false;
		p++;
	}
	if (p == stop)
		return false;
	stop = p + Min(end - p, MAX_NAME_REST);
	p = memchr(p, '>', stop - p);
	return p != NULL && mime_blank(p + 1, end - p - 1);
}

/* mime_addresses appends the addresses of a field to the list. */
void
mime_addresses(MimeReader *reader, MimeSlice value, MimeAddressList *list)
{
	Mailbox box = {0};
	const char *p;
	const char *end;

	value = mime_unfold(reader, value);
	if (value.len == 0)
		return;
	p = value.data;
	end = p + value.len;
	initStringInfo(&box.phrase);
	initStringInfo(&box.bare);
	initStringInfo(&box.comment);
	initStringInfo(&box.angle);
	initStringInfo(&box.held);

	while (p < end)
	{
		const char *stop;
		char c = *p;

		if (reader->addresses >= MIME_MAX_ADDRESSES)
		{
			reader->mail->defects |= MIME_DEFECT_ADDRESSES;
			mailbox_reset(&box);
			break;
		}
		if (mime_space(c))
		{
			box.gap = true;
			p++;
		}
		else if (c == ',' || c == ';')
		{
			bool goes_on =
				c == ',' || (!box.has_angle && box.bare.len > 0 && name_goes_on(p + 1, end));

			mailbox_end(reader, &box, list, goes_on ? c : '\0');
			p++;
		}
		else if (c == ':')
		{
			/* What came before is a group's name. */
			mailbox_reset(&box);
			resetStringInfo(&box.held);
			p++;
		}
		else if (c == '<')
		{
			if (box.has_angle)
			{
				/* The comma between two was forgotten. */
				StringInfoData later;

				initStringInfo(&later);
				appendBinaryStringInfo(&later, box.phrase.data + box.name_len,
									   box.phrase.len - box.name_len);
				mailbox_end(reader, &box, list, '\0');
				appendBinaryStringInfo(&box.phrase, later.data, later.len);
				pfree(later.data);
			}
			p = read_angle(reader, &box, p + 1, end);
			box.gap = true;
		}
		else if (c == '"' && (stop = quoted_end(&box, p, end)) != NULL)
		{
			put_gap(&box, c);
			put_unescaped(&box.phrase, p + 1, stop);
			appendBinaryStringInfo(&box.bare, p, (int) (stop + 1 - p));
			p = stop + 1;
		}
		else if (c == '(' && (stop = comment_end(&box, p, end)) != NULL)
		{
			resetStringInfo(&box.comment);
			put_unescaped(&box.comment, p + 1, stop);
			box.gap = true;
			p = stop + 1;
		}
		else if (c == '[' && box.bare.len > 0 && box.bare.data[box.bare.len - 1] == '@' &&
				 (stop = memchr(p, ']', Min(end - p, 64))) != NULL)
		{
			/* A domain literal has colons: [IPv6:2001:db8::1] */
			appendBinaryStringInfo(&box.phrase, p, (int) (stop + 1 - p));
			appendBinaryStringInfo(&box.bare, p, (int) (stop + 1 - p));
			p = stop + 1;
		}
		else if (c == '>' || c == '"')
			p++;
		else
		{
			put_gap(&box, c);
			appendStringInfoChar(&box.phrase, c);
			appendStringInfoChar(&box.bare, c);
			p++;
		}
	}
	mailbox_end(reader, &box, list, '\0');
	if (box.held.len > 0)
		reader->mail->defects |= MIME_DEFECT_ADDRESS;

	pfree(box.phrase.data);
	pfree(box.bare.data);
	pfree(box.comment.data);
	pfree(box.angle.data);
	pfree(box.held.data);
}

/* mime_parse_addresses is for a value that did not come with a whole mail. */
MimeAddressList
mime_parse_addresses(const char *value)
{
	MimeMessage mail = {0};
	MimeReader reader;
	MimeSlice slice = {value, strlen(value)};
	MimeAddressList list = {0, NULL};

	mail.arena = mime_arena_create(1024);
	mime_reader_init(&reader, &mail);
	mime_addresses(&reader, slice, &list);
	mime_reader_done(&reader);
	return list;
}
