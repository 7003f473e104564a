/*-------------------------------------------------------------------------
 *
 * mime_arena.c
 *	  Memory for one mail, and the small string functions of the reader.
 *
 * A mail is some hundred small strings that live and die together.  Cutting
 * them from a few chunks is faster than a palloc each, in the server as in
 * the programs that link this without one.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define CHUNK_SIZE (16 * 1024)
#define CHUNK_HEADER MAXALIGN(sizeof(MimeChunk))

typedef struct MimeChunk
{
	struct MimeChunk *next;
} MimeChunk;

struct MimeArena
{
	MimeChunk *chunks;
	char *free;
	size_t room;
};

static const struct
{
	uint32 defect;
	const char *name;
} defect_names[] = {
	{MIME_DEFECT_NO_HEADERS, "no_headers"},
	{MIME_DEFECT_BAD_HEADER, "bad_header"},
	{MIME_DEFECT_HEADER_SIZE, "header_size"},
	{MIME_DEFECT_HEADER_COUNT, "header_count"},
	{MIME_DEFECT_DEPTH, "depth"},
	{MIME_DEFECT_PARTS, "parts"},
	{MIME_DEFECT_ADDRESSES, "addresses"},
	{MIME_DEFECT_SEGMENTS, "segments"},
	{MIME_DEFECT_SIZE, "size"},
	{MIME_DEFECT_NO_BOUNDARY, "no_boundary"},
	{MIME_DEFECT_NO_PARTS, "no_parts"},
	{MIME_DEFECT_NO_CLOSE, "no_close"},
	{MIME_DEFECT_ENCODING, "encoding"},
	{MIME_DEFECT_CHARSET, "charset"},
	{MIME_DEFECT_CHARACTERS, "characters"},
	{MIME_DEFECT_DATE, "date"},
	{MIME_DEFECT_ADDRESS, "address"},
	{MIME_DEFECT_MESSAGE_ID, "message_id"},
	{MIME_DEFECT_CONTENT_TYPE, "content_type"},
	{MIME_DEFECT_DUPLICATE_HEADER, "duplicate_header"},
	{MIME_DEFECT_REFERENCES, "references"},
	{MIME_DEFECT_TNEF, "tnef"},
};

/* add_chunk puts a chunk with "size" bytes of use on the list. */
static char *
add_chunk(MimeArena *arena, size_t size)
{
	MimeChunk *chunk = palloc(CHUNK_HEADER + size);

	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return (char *) chunk + CHUNK_HEADER;
}

MimeArena *
mime_arena_create(size_t first)
{
	MimeArena *arena = palloc(sizeof(MimeArena));

	arena->chunks = NULL;
	arena->room = MAXALIGN(first);
	arena->free = add_chunk(arena, arena->room);
	return arena;
}

void
mime_arena_free(MimeArena *arena)
{
	MimeChunk *chunk = arena->chunks;

	while (chunk != NULL)
	{
		MimeChunk *next = chunk->next;

		pfree(chunk);
		chunk = next;
	}
	pfree(arena);
}

/*
 * mime_alloc returns memory that is not cleared.  What is large gets a chunk
 * of its own, so that the room left in the current one is not wasted.
 */
void *
mime_alloc(MimeArena *arena, size_t size)
{
	char *result;

	size = MAXALIGN(size);
	if (size <= arena->room)
	{
		result = arena->free;
		arena->free += size;
		arena->room -= size;
		return result;
	}
	if (size > CHUNK_SIZE / 4)
		return add_chunk(arena, size);
	result = add_chunk(arena, CHUNK_SIZE);
	arena->free = result + size;
	arena->room = CHUNK_SIZE - size;
	return result;
}

char *
mime_strdup(MimeArena *arena, const char *data, size_t len)
{
	char *copy = mime_alloc(arena, len + 1);

	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

/* mime_equal_whole compares without regard to ASCII case. */
bool
mime_equal_whole(MimeSlice slice, const char *lower)
{
	size_t i = 0;

	for (; i < slice.len; i++)
	{
		if (lower[i] == '\0' || mime_lower(slice.data[i]) != lower[i])
			return false;
	}
	return lower[i] == '\0';
}

bool
mime_starts(MimeSlice slice, const char *lower)
{
	for (size_t i = 0; lower[i] != '\0'; i++)
	{
		if (i >= slice.len || mime_lower(slice.data[i]) != lower[i])
			return false;
	}
	return true;
}

/* mime_find returns where "needle" begins, or NULL. */
const char *
mime_find(const char *data, const char *end, const char *needle)
{
	size_t len = strlen(needle);

	while ((size_t) (end - data) >= len)
	{
		data = memchr(data, needle[0], end - data - len + 1);
		if (data == NULL)
			return NULL;
		if (memcmp(data, needle, len) == 0)
			return data;
		data++;
	}
	return NULL;
}

int
mime_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = mime_lower(c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

void
mime_reader_init(MimeReader *reader, MimeMessage *mail)
{
	memset(reader, 0, sizeof(MimeReader));
	reader->mail = mail;
	reader->arena = mail->arena;
	reader->eol = '\n';
	initStringInfo(&reader->unfolded);
	initStringInfo(&reader->bytes);
	initStringInfo(&reader->scratch);
}

void
mime_reader_done(MimeReader *reader)
{
	pfree(reader->unfolded.data);
	pfree(reader->bytes.data);
	pfree(reader->scratch.data);
}

void
mime_free(MimeMessage *mail)
{
	/* The message itself lies in its arena. */
	mime_arena_free(mail->arena);
}

/* mime_defect_names appends the names of the bits, separated by commas. */
void
mime_defect_names(uint32 defects, StringInfo out)
{
	const char *comma = "";

	for (int i = 0; i < lengthof(defect_names); i++)
	{
		if (defects & defect_names[i].defect)
		{
			appendStringInfo(out, "%s%s", comma, defect_names[i].name);
			comma = ",";
		}
	}
}
