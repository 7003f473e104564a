/*-------------------------------------------------------------------------
 *
 * mime_internal.h
 *	  What the files of the MIME reader share with each other, and its slices
 *	  with those that look for reports and quotations in what was read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MIME_INTERNAL_H
#define AR_INBOX_MIME_INTERNAL_H

#include "core/charset.h"
#include "core/mime.h"

/* Limits that no real mail met. */
#define MIME_MAX_DEPTH 32
#define MIME_MAX_PARTS 1000
#define MIME_MAX_HEADER_BYTES (1024 * 1024)
#define MIME_MAX_HEADERS 2000
#define MIME_MAX_ADDRESSES 5000
#define MIME_MAX_SEGMENTS 64
#define MIME_MAX_ID 998					 /* a Message-ID has to fit on a line */
#define MIME_KEEP_IDS 20				 /* of the first and of the last references */
#define MIME_MAX_NAME 1024				 /* bytes of a file's name */
#define MIME_MAX_TNEF 100				 /* files taken out of winmail.dat parts */
#define MIME_MAX_TEXT (64 * 1024 * 1024) /* bytes of text before conversion */
#define MIME_MAX_BYTES 1000000000		 /* a palloc stays under 1 GB */

/* Bytes of the mail itself, or of something made from it. */
typedef struct MimeSlice
{
	const char *data;
	size_t len;
} MimeSlice;

/* A field before it is copied: the value still folded. */
typedef struct MimeField
{
	MimeSlice name;
	MimeSlice value;
} MimeField;

/* A part of the tree, as the scan left it. */
typedef struct MimePart
{
	int parent;
	int alternative; /* the outermost multipart/alternative around it, or -1 */
	int branch;		 /* which child of that it belongs to */
	int children;
	int piece; /* of the mail's text, or -1; known once that is written */
	bool multipart;
	MimeSlice type;			/* type/subtype in lower case */
	MimeSlice content_type; /* the whole field, unfolded */
	MimeSlice disposition;	/* likewise */
	MimeSlice encoding;		/* likewise */
	MimeSlice id;			/* likewise, without angle brackets */
	MimeSlice content;		/* not decoded */
} MimePart;

/* What becomes of a part. */
typedef enum MimeRole
{
	MIME_ROLE_NONE, /* a multipart, or another form of what is shown */
	MIME_ROLE_TEXT, /* shown as text */
	MIME_ROLE_HTML, /* a text/html body */
	MIME_ROLE_ATTACHED
} MimeRole;

/* What one reading needs while it lasts. */
typedef struct MimeReader
{
	MimeMessage *mail;
	MimeArena *arena;
	char eol; /* '\r' only where the mail has no '\n' at all */
	int addresses;
	size_t text_bytes; /* converted so far */
	MimeSlice charset; /* of the mail's text, where its header names one */
	StringInfoData unfolded;
	StringInfoData bytes;
	StringInfoData scratch;
} MimeReader;

static inline bool
mime_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline char
mime_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static inline bool
mime_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
mime_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline void
mime_trim(MimeSlice *slice)
{
	while (slice->len > 0 && mime_space(slice->data[0]))
	{
		slice->data++;
		slice->len--;
	}
	while (slice->len > 0 && mime_space(slice->data[slice->len - 1]))
		slice->len--;
}

/* mime_arena.c */
extern MimeArena *mime_arena_create(size_t first);
extern void mime_arena_free(MimeArena *arena);
extern void *mime_alloc(MimeArena *arena, size_t size);
extern char *mime_strdup(MimeArena *arena, const char *data, size_t len);
extern bool mime_equal_whole(MimeSlice slice, const char *lower);
extern bool mime_starts(MimeSlice slice, const char *lower);
extern const char *mime_find(const char *data, const char *end, const char *needle);
extern int mime_hex(char c);
extern void mime_reader_init(MimeReader *reader, MimeMessage *mail);
extern void mime_reader_done(MimeReader *reader);

/* mime_equal compares without regard to ASCII case; most differ at once. */
static inline bool
mime_equal(MimeSlice slice, const char *lower)
{
	if (slice.len > 0 && mime_lower(slice.data[0]) != lower[0])
		return false;
	return mime_equal_whole(slice, lower);
}

/* mime_decode.c */
extern size_t mime_decode_base64(const char *data, size_t len, char *out, uint32 *defects);
extern size_t mime_decode_qp(const char *data, size_t len, char *out, bool underscore);
extern size_t mime_decode_uu(const char *data, size_t len, char *out, uint32 *defects);

/* mime_header.c */
extern MimeSlice mime_unfold(MimeReader *reader, MimeSlice value);
extern void mime_decode_words(MimeReader *reader, MimeSlice value, StringInfo out);
extern char *mime_words(MimeReader *reader, MimeSlice value);
extern void mime_note_charset(MimeReader *reader, CharsetResult result);

/* mime_param.c */
extern MimeSlice mime_skip_comments(MimeSlice value);
extern MimeSlice mime_param_value(MimeReader *reader, MimeSlice value, const char *name);
extern char *mime_file_name(MimeReader *reader, MimeSlice value, const char *param);
extern char *mime_clean_name(MimeArena *arena, const char *name, size_t len);

/* mime_fields.c */
extern bool mime_typed_charset(MimeSlice *charset);
extern void mime_fields(MimeReader *reader, const MimeField *fields, int count);

/* mime_address.c */
extern void mime_addresses(MimeReader *reader, MimeSlice value, MimeAddressList *list);

/* mime_id.c */
extern void mime_ids(MimeReader *reader, MimeSlice value, MimeIdList *list, bool only_first);

/* mime_date.c */
extern bool mime_date(MimeSlice value, int64 *date, int *offset);

/* mime_part.c */
extern bool mime_blank(const char *text, size_t len);
extern size_t mime_part_room(const MimePart *part);
extern bool mime_part_identity(MimeReader *reader, const MimePart *part);
extern size_t mime_part_decode(MimeReader *reader, const MimePart *part, char *out);
extern void mime_part_text(MimeReader *reader, const MimePart *part, bool is_html, StringInfo out);
extern void mime_part_plain_text(MimeReader *reader, const MimePart *part, StringInfo out);

/* mime_body.c */
extern void mime_bodies(MimeReader *reader, MimePart *parts, int count);

/* mime_text.c */
extern void mime_unflow(const char *text, size_t len, bool delsp, StringInfo out);
extern void mime_html_text(const char *html, size_t len, StringInfo out);

/* mime_document.c */
extern void mime_all_html(MimeReader *reader, const MimePart *parts, MimeRole *roles, int count);

/* mime_automatic.c */
extern void mime_automatic(MimeReader *reader);

/* mime_encode.c, for the writer */
extern void mime_encode_base64(const char *data, size_t len, StringInfo out);
extern void mime_encode_text(const char *text, StringInfo body, StringInfo out);
extern void mime_put_text_field(StringInfo out, const char *name, const char *value, bool words);
extern int mime_put_words(StringInfo out, int line, const char *text);
extern void mime_put_parameter(StringInfo out, const char *name, const char *value);

/* mime_tnef.c */
extern int mime_tnef(MimeReader *reader, const char *data, size_t len, MimeAttachment *out,
					 int room);

#endif /* AR_INBOX_MIME_INTERNAL_H */
