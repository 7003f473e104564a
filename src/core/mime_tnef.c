/*-------------------------------------------------------------------------
 *
 * mime_tnef.c
 *	  The files inside a winmail.dat (MS-OXTNEF), which Outlook makes of
 *	  attachments when it believes the receiver is Outlook, too.
 *
 * Only what a file is made of is read: its title, its bytes, and the long
 * name and type among its MAPI properties.  Everything else is stepped over
 * by its length.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define TNEF_SIGNATURE 0x223E9F78
#define LEVEL_ATTACHMENT 2

/* Attributes, without the type in their upper half. */
#define ATTACH_TITLE 0x8010
#define ATTACH_DATA 0x800F
#define ATTACH_REND_DATA 0x9002
#define ATTACH_PROPERTIES 0x9005

/* MAPI properties. */
#define PROP_LONG_FILENAME 0x3707
#define PROP_MIME_TAG 0x370E
#define PROP_CONTENT_ID 0x3712
#define TYPE_MULTIPLE 0x1000

typedef struct Bytes
{
	const unsigned char *data;
	size_t len;
} Bytes;

static bool
take(Bytes *bytes, size_t len, Bytes *out)
{
	if (bytes->len < len)
		return false;
	out->data = bytes->data;
	out->len = len;
	bytes->data += len;
	bytes->len -= len;
	return true;
}

static bool
take_number(Bytes *bytes, int size, uint32 *value)
{
	Bytes raw;

	if (!take(bytes, size, &raw))
		return false;
	*value = 0;
	for (int i = size - 1; i >= 0; i--)
		*value = *value << 8 | raw.data[i];
	return true;
}

/* take_padded takes bytes that are filled up to a multiple of four. */
static bool
take_padded(Bytes *bytes, uint32 len, Bytes *out)
{
	Bytes padding;

	return take(bytes, len, out) && take(bytes, Min((4 - len % 4) % 4, bytes->len), &padding);
}

/* fixed_size is the length of a property's value, 0 where it varies. */
static int
fixed_size(uint32 type)
{
	switch (type)
	{
		case 0x0002: /* short, boolean and long take four bytes */
		case 0x0003:
		case 0x0004:
		case 0x000A:
		case 0x000B:
			return 4;
		case 0x0005: /* double, currency, time, 64-bit number */
		case 0x0006:
		case 0x0007:
		case 0x0014:
		case 0x0040:
			return 8;
		case 0x0048:
			return 16;
		default:
			return 0;
	}
}

/* to_text makes UTF-8 of a string with its NUL at the end. */
static MimeSlice
to_text(MimeReader *reader, Bytes raw, bool unicode)
{
	MimeSlice text;

	resetStringInfo(&reader->scratch);
	charset_to_utf8(unicode ? "utf-16le" : NULL, unicode ? 8 : 0, (const char *) raw.data, raw.len,
					&reader->scratch);
	text.len = reader->scratch.len;
	text.data = mime_strdup(reader->arena, reader->scratch.data, text.len);
	return text;
}

/*
 * type_of returns what may stand where a type stands, in lower case, or NULL:
 * anyone can write anything into a winmail.dat.
 */
static char *
type_of(MimeReader *reader, MimeSlice text)
{
	char *type = mime_strdup(reader->arena, text.data, text.len);
	int slashes = 0;

	for (size_t i = 0; i < text.len; i++)
	{
		if ((unsigned char) type[i] <= ' ' || (unsigned char) type[i] >= 0x7F || type[i] == ';')
			return NULL;
		slashes += type[i] == '/';
		type[i] = mime_lower(type[i]);
	}
	if (slashes != 1 || type[0] == '/' || type[text.len - 1] == '/')
		return NULL;
	return type;
}

/* read_properties looks for what the properties say about the file. */
static bool
read_properties(MimeReader *reader, Bytes bytes, MimeAttachment *file)
{
	uint32 count;

	if (!take_number(&bytes, 4, &count))
		return false;
	for (uint32 i = 0; i < count && bytes.len > 0; i++)
	{
		uint32 type;
		uint32 id;
		uint32 values = 1;
		int size;

		if (!take_number(&bytes, 2, &type) || !take_number(&bytes, 2, &id))
			return false;

		/* A named property brings its name along. */
		if (id >= 0x8000)
		{
			Bytes guid;
			uint32 kind;
			uint32 length;

			if (!take(&bytes, 16, &guid) || !take_number(&bytes, 4, &kind) ||
				!take_number(&bytes, 4, &length))
				return false;
			if (kind == 1 && !take_padded(&bytes, length, &guid))
				return false;
		}
		size = fixed_size(type & ~TYPE_MULTIPLE);
		if ((type & TYPE_MULTIPLE) != 0 || size == 0)
		{
			if (!take_number(&bytes, 4, &values))
				return false;
		}
		for (uint32 v = 0; v < values; v++)
		{
			Bytes value;
			uint32 length = size;

			if (size == 0 && !take_number(&bytes, 4, &length))
				return false;
			if (!take_padded(&bytes, length, &value))
				return false;
			if ((type == 0x001E || type == 0x001F) && length > 0)
			{
				MimeSlice text;

				if (id != PROP_LONG_FILENAME && id != PROP_MIME_TAG && id != PROP_CONTENT_ID)
					continue;
				text = to_text(reader, value, type == 0x001F);
				if (id == PROP_LONG_FILENAME)
				{
					char *name = mime_clean_name(reader->arena, text.data, text.len);

					file->name = name != NULL ? name : file->name;
				}
				else if (id == PROP_MIME_TAG)
				{
					char *mime_type = type_of(reader, text);

					file->type = mime_type != NULL ? mime_type : file->type;
				}
				else if (id == PROP_CONTENT_ID && text.len > 0)
					file->content_id = unconstify(char *, text.data);
			}
		}
	}
	return true;
}

/*
 * mime_tnef writes at most "room" attachments to "out" and returns how many.
 * A file broken off gives those before the break.
 */
int
mime_tnef(MimeReader *reader, const char *data, size_t len, MimeAttachment *out, int room)
{
	Bytes bytes = {(const unsigned char *) data, len};
	MimeAttachment *file = NULL;
	uint32 signature;
	uint32 key;
	int count = 0;

	if (!take_number(&bytes, 4, &signature) || signature != TNEF_SIGNATURE ||
		!take_number(&bytes, 2, &key))
	{
		reader->mail->defects |= MIME_DEFECT_TNEF;
		return 0;
	}
	while (bytes.len > 0)
	{
		uint32 level;
		uint32 attribute;
		uint32 length;
		uint32 checksum;
		Bytes value;

		if (!take_number(&bytes, 1, &level) || !take_number(&bytes, 4, &attribute) ||
			!take_number(&bytes, 4, &length) || !take(&bytes, length, &value) ||
			!take_number(&bytes, 2, &checksum))
		{
			reader->mail->defects |= MIME_DEFECT_TNEF;
			break;
		}
		if (level != LEVEL_ATTACHMENT)
			continue;
		attribute &= 0xFFFF;

		/* Each file begins with how it is drawn. */
		if (attribute == ATTACH_REND_DATA)
		{
			if (count == room)
			{
				reader->mail->defects |= MIME_DEFECT_PARTS;
				break;
			}
			file = &out[count++];
			memset(file, 0, sizeof(MimeAttachment));
			file->type = mime_strdup(reader->arena, "application/octet-stream", 24);
			file->content = mime_strdup(reader->arena, "", 0);
		}
		else if (file == NULL)
			continue;
		else if (attribute == ATTACH_TITLE && file->name == NULL)
		{
			MimeSlice title = to_text(reader, value, false);

			file->name = mime_clean_name(reader->arena, title.data, title.len);
		}
		else if (attribute == ATTACH_DATA && file->length == 0)
		{
			file->content = mime_strdup(reader->arena, (const char *) value.data, value.len);
			file->length = value.len;
		}
		else if (attribute == ATTACH_PROPERTIES && !read_properties(reader, value, file))
			reader->mail->defects |= MIME_DEFECT_TNEF;
	}
	return count;
}
