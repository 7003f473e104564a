/*-------------------------------------------------------------------------
 *
 * mime_read.c
 *	  A mail taken apart: its lines of header and the tree of its parts.
 *
 * The mail is gone through once, line by line, with the boundaries of the
 * multiparts that are open on a stack of fixed depth.  Nothing is decoded on
 * the way: the scan notes where each part lies, and mime_body.c decides what
 * of it is text and what is an attachment.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define MAX_PREAMBLE 20 /* lines before a boundary that is not named */
#define MAX_GUESSED 200 /* bytes of such a boundary's line */

/* A multipart that is open. */
typedef struct Level
{
	MimeSlice boundary;
	int part;
	const char *body;
} Level;

typedef struct Scan
{
	MimeReader *reader;
	const char *end;
	Level levels[MIME_MAX_DEPTH];
	int depth;
	MimeField *fields; /* of the part whose header was read last */
	int field_count;
	int field_room;
	MimePart *parts;
	int part_count;
	int part_room;
} Scan;

/* A line that may separate parts. */
typedef struct Delimiter
{
	const char *start;
	const char *after;
	int level;
	bool closing;
} Delimiter;

/* next_line returns where the line after "p" begins. */
static const char *
next_line(const Scan *scan, const char *p)
{
	const char *eol = memchr(p, scan->reader->eol, scan->end - p);

	return eol == NULL ? scan->end : eol + 1;
}

/* line_end returns where the text of a line ends. */
static const char *
line_end(const char *start, const char *next)
{
	if (next > start && next[-1] == '\n')
		next--;
	if (next > start && next[-1] == '\r')
		next--;
	return next;
}

/* match_delimiter tells whether the line at "p", which begins with --, is one. */
static bool
match_delimiter(const Scan *scan, const char *p, Delimiter *found)
{
	const char *next = next_line(scan, p);
	const char *stop = line_end(p, next);

	while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	for (int i = scan->depth - 1; i >= 0; i--)
	{
		const MimeSlice *boundary = &scan->levels[i].boundary;
		size_t left = stop - p - 2;

		if (left < boundary->len || memcmp(p + 2, boundary->data, boundary->len) != 0)
			continue;
		left -= boundary->len;
		if (left == 0 || (left == 2 && stop[-1] == '-' && stop[-2] == '-'))
		{
			found->start = p;
			found->after = next;
			found->level = i;
			found->closing = left == 2;
			return true;
		}
	}
	return false;
}

/* find_delimiter looks for the next one, from the beginning of a line. */
static bool
find_delimiter(const Scan *scan, const char *p, Delimiter *found)
{
	while (scan->end - p > 2)
	{
		if (p[0] == '-' && p[1] == '-' && match_delimiter(scan, p, found))
			return true;
		p = next_line(scan, p);
	}
	return false;
}

/* field_name returns the length of the name that a header line begins with. */
static size_t
field_name(const char *p, const char *end)
{
	const char *start = p;
	size_t len;

	while (p<end && * p> ' ' && *p < 0x7F && *p != ':')
		p++;
	len = p - start;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && *p == ':' ? len : 0;
}

static void
add_field(Scan *scan, const char *line, size_t name_len, const char *stop)
{
	MimeField *field;

	if (scan->field_count == scan->field_room)
	{
		scan->field_room *= 2;
		scan->fields = repalloc(scan->fields, scan->field_room * sizeof(MimeField));
	}
	field = &scan->fields[scan->field_count++];
	field->name.data = line;
	field->name.len = name_len;
	field->value.data = memchr(line, ':', stop - line);
	field->value.data++;
	field->value.len = stop - field->value.data;
}

/*
 * read_header collects the fields at "p" and returns where the body begins.
 * A line that is no field is passed over if a field comes next; else the
 * blank line was forgotten and the body begins with it.
 */
static const char *
read_header(Scan *scan, const char *p, bool is_root)
{
	MimeMessage *mail = scan->reader->mail;
	const char *limit =
		scan->end - p > MIME_MAX_HEADER_BYTES ? p + MIME_MAX_HEADER_BYTES : scan->end;
	bool first = true;
	bool open = false; /* the last field may go on */

	scan->field_count = 0;
	while (p < scan->end)
	{
		const char *next = next_line(scan, p);
		const char *stop = line_end(p, next);
		Delimiter ignored;
		size_t len;

		if (stop == p)
			return next;
		if (stop > limit)
		{
			/* A field that reaches over the limit is cut there. */
			mail->defects |= MIME_DEFECT_HEADER_SIZE;
			if (p >= limit)
			{
				p = next;
				continue;
			}
			stop = limit;
		}
		if (*p == '-' && stop - p > 2 && p[1] == '-' && match_delimiter(scan, p, &ignored))
			return p;

		if (*p == ' ' || *p == '\t')
		{
			if (open)
			{
				MimeField *last = &scan->fields[scan->field_count - 1];

				last->value.len = stop - last->value.data;
			}
			else if (scan->field_count == 0)
				mail->defects |= MIME_DEFECT_BAD_HEADER;
		}
		else if ((len = field_name(p, stop)) > 0)
		{
			open = scan->field_count < MIME_MAX_HEADERS;
			if (open)
				add_field(scan, p, len, stop);
			else
				mail->defects |= MIME_DEFECT_HEADER_COUNT;
		}
		else if (is_root && first &&
				 ((stop - p > 5 && memcmp(p, "From ", 5) == 0) ||
				  (stop - p > 6 && memcmp(p, ">From ", 6) == 0)))
		{
			/* The separator of a mailbox file. */
			p = next;
			continue;
		}
		else
		{
			mail->defects |= MIME_DEFECT_BAD_HEADER;
			if (next >= scan->end || field_name(next, line_end(next, next_line(scan, next))) == 0)
				return p;
			open = false;
		}
		first = false;
		p = next;
	}
	return p;
}

static const MimeField *
find_field(const Scan *scan, const char *lower)
{
	for (int i = 0; i < scan->field_count; i++)
	{
		if (mime_equal(scan->fields[i].name, lower))
			return &scan->fields[i];
	}
	return NULL;
}

/* keep_field copies a field's value, unfolded; {"", 0} where there is none. */
static MimeSlice
keep_field(Scan *scan, const char *lower)
{
	const MimeField *field = find_field(scan, lower);
	MimeSlice value = {"", 0};

	if (field != NULL)
	{
		MimeReader *reader = scan->reader;

		value = mime_unfold(reader, field->value);
		if (value.data == reader->unfolded.data)
			value.data = mime_strdup(reader->arena, value.data, value.len);
	}
	return value;
}

/* read_type takes type/subtype from a Content-Type. */
static MimeSlice
read_type(MimeReader *reader, MimeSlice value, const char *otherwise)
{
	MimeSlice type = mime_skip_comments(value);
	size_t len = 0;
	int slashes = 0;
	char *lower;

	while (len < type.len && type.data[len] != ';' && type.data[len] != '(' &&
		   (unsigned char) type.data[len] > ' ' && (unsigned char) type.data[len] < 0x7F)
	{
		if (type.data[len] == '/')
			slashes++;
		len++;
	}
	if (slashes != 1 || type.data[0] == '/' || type.data[len - 1] == '/')
	{
		if (value.len > 0)
			reader->mail->defects |= MIME_DEFECT_CONTENT_TYPE;
		type.data = otherwise;
		type.len = strlen(otherwise);
		return type;
	}
	lower = mime_strdup(reader->arena, type.data, len);
	for (size_t i = 0; i < len; i++)
		lower[i] = mime_lower(lower[i]);
	type.data = lower;
	type.len = len;
	return type;
}

/* add_part makes a part of the header that was just read. */
static MimePart *
add_part(Scan *scan, int parent)
{
	MimeReader *reader = scan->reader;
	const char *otherwise = "text/plain";
	MimePart *part;

	if (scan->part_count == scan->part_room)
	{
		scan->part_room *= 2;
		scan->parts = repalloc(scan->parts, scan->part_room * sizeof(MimePart));
	}
	part = &scan->parts[scan->part_count++];
	memset(part, 0, sizeof(MimePart));
	part->parent = parent;
	part->alternative = -1;
	if (parent >= 0)
	{
		MimePart *above = &scan->parts[parent];

		above->children++;
		part->alternative = above->alternative;
		part->branch = above->branch;
		if (part->alternative < 0 && mime_equal(above->type, "multipart/alternative"))
		{
			part->alternative = parent;
			part->branch = scan->part_count - 1;
		}
		if (mime_equal(above->type, "multipart/digest"))
			otherwise = "message/rfc822";
	}
	part->content_type = keep_field(scan, "content-type");
	part->disposition = keep_field(scan, "content-disposition");
	part->encoding = keep_field(scan, "content-transfer-encoding");
	part->id = keep_field(scan, "content-id");
	part->type = read_type(reader, part->content_type, otherwise);
	part->content.data = "";
	if (part->id.len > 0 && part->id.data[0] == '<')
	{
		part->id.data++;
		part->id.len--;
		if (part->id.len > 0 && part->id.data[part->id.len - 1] == '>')
			part->id.len--;
	}
	mime_trim(&part->id);
	return part;
}

/*
 * guess_boundary looks for the boundary of a multipart that names none: among
 * its first lines one that begins as delimiters do, with a field of a part's
 * header behind it.  It ends where a multipart around it goes on.
 */
static MimeSlice
guess_boundary(const Scan *scan, const char *p)
{
	MimeSlice boundary = {NULL, 0};

	for (int i = 0; i < MAX_PREAMBLE && scan->end - p > 2; i++)
	{
		const char *next = next_line(scan, p);
		const char *stop = line_end(p, next);

		if (p[0] == '-' && p[1] == '-')
		{
			MimeSlice after = {next, scan->end - next};
			Delimiter ignored;

			if (match_delimiter(scan, p, &ignored))
				break;
			if (stop - p > 2 && stop - p <= MAX_GUESSED && mime_starts(after, "content-") &&
				field_name(next, line_end(next, next_line(scan, next))) > 0)
			{
				boundary.data = p + 2;
				boundary.len = stop - boundary.data;
				break;
			}
		}
		p = next;
	}
	return boundary;
}

/* open_multipart puts a multipart on the stack; false where it is read as a leaf. */
static bool
open_multipart(Scan *scan, int which, const char *body)
{
	MimeReader *reader = scan->reader;
	MimePart *part = &scan->parts[which];
	Level *level;
	MimeSlice boundary;

	if (!mime_starts(part->type, "multipart/"))
		return false;
	if (scan->depth == MIME_MAX_DEPTH)
	{
		/* Kept as it is: an attachment. */
		reader->mail->defects |= MIME_DEFECT_DEPTH;
		return false;
	}
	boundary = mime_param_value(reader, part->content_type, "boundary");
	if (boundary.len == 0)
	{
		reader->mail->defects |= MIME_DEFECT_NO_BOUNDARY;
		boundary = guess_boundary(scan, body);
	}
	while (boundary.len > 0 && mime_space(boundary.data[boundary.len - 1]))
		boundary.len--;
	if (boundary.len == 0)
	{
		reader->mail->defects |= MIME_DEFECT_NO_BOUNDARY;
		part->type.data = "text/plain";
		part->type.len = strlen(part->type.data);
		return false;
	}
	level = &scan->levels[scan->depth++];
	level->boundary = boundary;
	level->part = which;
	level->body = body;
	part->multipart = true;
	return true;
}

/* close_multipart takes the innermost one off; one without parts is text. */
static void
close_multipart(Scan *scan, const char *stop)
{
	Level *level = &scan->levels[--scan->depth];
	MimePart *part = &scan->parts[level->part];

	if (part->children > 0)
		return;
	scan->reader->mail->defects |= MIME_DEFECT_NO_PARTS;
	part->multipart = false;
	part->type.data = "text/plain";
	part->type.len = strlen(part->type.data);
	part->content.data = level->body;
	part->content.len = stop > level->body ? stop - level->body : 0;
}

/* read_parts reads the tree from the root's body on. */
static void
read_parts(Scan *scan, const char *body)
{
	MimeMessage *mail = scan->reader->mail;

	for (;;)
	{
		int current = scan->part_count - 1;
		bool leaf = !open_multipart(scan, current, body);
		const char *from = body;
		Delimiter delimiter;

		if (scan->depth == 0)
		{
			scan->parts[current].content.data = body;
			scan->parts[current].content.len = scan->end - body;
			return;
		}

		/* On to the part that follows, over the multiparts that end before it. */
		for (;;)
		{
			bool found = find_delimiter(scan, from, &delimiter);
			const char *stop = found ? line_end(from, delimiter.start) : scan->end;

			if (leaf)
			{
				scan->parts[current].content.data = body;
				scan->parts[current].content.len = stop > body ? stop - body : 0;
				leaf = false;
			}
			while (scan->depth > (found ? delimiter.level + 1 : 0))
			{
				mail->defects |= MIME_DEFECT_NO_CLOSE;
				close_multipart(scan, stop);
			}
			if (!found)
				return;
			from = delimiter.after;
			if (!delimiter.closing)
				break;
			close_multipart(scan, stop);
			if (scan->depth == 0)
				return;
		}
		if (scan->part_count == MIME_MAX_PARTS)
		{
			mail->defects |= MIME_DEFECT_PARTS;
			return;
		}
		body = read_header(scan, from, false);
		add_part(scan, scan->levels[scan->depth - 1].part);
	}
}

/*
 * mime_read takes a mail apart.  It copies what it keeps: "data" may go
 * afterwards.  mime_free() frees it all at once; so does the end of the
 * memory context.
 */
MimeMessage *
mime_read(const char *data, size_t len)
{
	MimeArena *arena = mime_arena_create(8 * 1024);
	MimeMessage *mail = mime_alloc(arena, sizeof(MimeMessage));
	MimeReader reader;
	Scan *scan = palloc0(sizeof(Scan));
	const char *body;

	memset(mail, 0, sizeof(MimeMessage));
	mail->arena = arena;
	mime_reader_init(&reader, mail);
	if (len > MIME_MAX_BYTES)
	{
		mail->defects |= MIME_DEFECT_SIZE;
		len = MIME_MAX_BYTES;
	}
	if (memchr(data, '\n', len) == NULL && memchr(data, '\r', len) != NULL)
		reader.eol = '\r';

	scan->reader = &reader;
	scan->end = data + len;
	scan->field_room = 64;
	scan->fields = palloc(scan->field_room * sizeof(MimeField));
	scan->part_room = 16;
	scan->parts = palloc(scan->part_room * sizeof(MimePart));

	body = read_header(scan, data, true);
	if (scan->field_count == 0)
		mail->defects |= MIME_DEFECT_NO_HEADERS;
	mime_fields(&reader, scan->fields, scan->field_count);
	add_part(scan, -1);
	mail->type = mime_strdup(arena, scan->parts[0].type.data, scan->parts[0].type.len);
	if (mime_equal(scan->parts[0].type, "multipart/report"))
	{
		MimeSlice report = mime_param_value(&reader, scan->parts[0].content_type, "report-type");

		if (report.data != NULL)
		{
			resetStringInfo(&reader.scratch);
			charset_to_utf8(NULL, 0, report.data, report.len, &reader.scratch);
			mail->report_type = mime_strdup(arena, reader.scratch.data, reader.scratch.len);
		}
	}
	read_parts(scan, body);

	mime_bodies(&reader, scan->parts, scan->part_count);
	mime_automatic(&reader);

	mime_reader_done(&reader);
	pfree(scan->fields);
	pfree(scan->parts);
	pfree(scan);
	return mail;
}
