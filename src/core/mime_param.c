/*-------------------------------------------------------------------------
 *
 * mime_param.c
 *	  The parameters behind a field's value (RFC 2045, RFC 2231), and the file
 *	  names among them.
 *
 * What is read here names files on people's disks.  A name is decoded in
 * whichever of three ways the sender chose and comes out as text that is
 * safe to show and to save under.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define MAX_EXTENSION 16 /* bytes of a name that is too long, with the dot */

/* mime_skip_comments skips white space and comments at the beginning. */
MimeSlice
mime_skip_comments(MimeSlice value)
{
	for (;;)
	{
		size_t i = 0;
		int depth = 0;

		mime_trim(&value);
		if (value.len == 0 || value.data[0] != '(')
			return value;
		for (; i < value.len; i++)
		{
			if (value.data[i] == '\\' && i + 1 < value.len)
				i++;
			else if (value.data[i] == '(')
				depth++;
			else if (value.data[i] == ')' && --depth == 0)
			{
				i++;
				break;
			}
		}
		value.data += i;
		value.len -= i;
	}
}

/* One "name=value" of a field. */
typedef struct Param
{
	MimeSlice name; /* without * and number */
	MimeSlice value;
	int segment; /* -1: not in segments */
	bool encoded;
	bool quoted;
} Param;

/*
 * next_param reads a parameter and moves "rest" behind it; false at the end.
 * A value without quotes ends at white space, but a file's name goes on to the
 * semicolon: senders forget to quote names with spaces.
 */
static bool
next_param(MimeSlice *rest, Param *param, bool *no_quote)
{
	const char *p = rest->data;
	const char *end = p + rest->len;
	const char *name;
	const char *star;

	while (p < end && (mime_space(*p) || *p == ';'))
		p++;
	name = p;
	while (p < end && *p != '=' && *p != ';' && !mime_space(*p))
		p++;
	param->name.data = name;
	param->name.len = p - name;
	while (p < end && mime_space(*p))
		p++;
	if (p >= end || *p != '=')
	{
		/* A word that is no parameter. */
		param->name.len = 0;
		rest->len = end - p;
		rest->data = p;
		return p < end;
	}
	p++;
	while (p < end && mime_space(*p))
		p++;

	param->segment = -1;
	param->encoded = false;
	star = memchr(name, '*', param->name.len);
	if (star != NULL)
	{
		const char *stop = name + param->name.len;

		param->name.len = star - name;
		star++;
		if (star < stop && mime_digit(*star))
		{
			param->segment = 0;
			while (star < stop && mime_digit(*star))
			{
				if (param->segment < 1000000)
					param->segment = param->segment * 10 + (*star - '0');
				star++;
			}
			param->encoded = star < stop && *star == '*';
		}
		else
			param->encoded = true;
	}

	param->quoted = false;
	if (p < end && *p == '"' && !*no_quote)
	{
		const char *q = p + 1;

		while (q < end && *q != '"')
			q += *q == '\\' && end - q > 1 && (q[1] == '"' || q[1] == '\\') ? 2 : 1;
		if (q < end)
		{
			param->quoted = true;
			param->value.data = p + 1;
			param->value.len = q - p - 1;
			p = q + 1;
		}
		else
		{
			/* The closing quote is missing: the rest is the value. */
			*no_quote = true;
			p++;
		}
	}
	if (!param->quoted)
	{
		bool to_semicolon = mime_equal(param->name, "name") || mime_equal(param->name, "filename");
		const char *value = p;

		while (p < end && *p != ';' && (to_semicolon || (!mime_space(*p) && *p != '(')))
			p++;
		param->value.data = value;
		param->value.len = p - value;
		mime_trim(&param->value);

		/* Skip a comment behind it. */
		if (p < end && *p == '(')
		{
			while (p < end && *p != ';')
				p++;
		}
	}
	rest->data = p;
	rest->len = end - p;
	return true;
}

/* unquote appends a quoted value; only \" and \\ escape (think of C:\x). */
static void
unquote(const Param *param, StringInfo out)
{
	for (size_t i = 0; i < param->value.len; i++)
	{
		char c = param->value.data[i];

		if (param->quoted && c == '\\' && i + 1 < param->value.len &&
			(param->value.data[i + 1] == '"' || param->value.data[i + 1] == '\\'))
			c = param->value.data[++i];
		appendStringInfoChar(out, c);
	}
}

/* skip_type moves past what stands before the parameters. */
static MimeSlice
skip_type(MimeSlice value)
{
	size_t i = 0;

	while (i < value.len && value.data[i] != ';')
		i++;
	value.data += i;
	value.len -= i;
	return value;
}

/*
 * mime_param_value returns a parameter's value as sent, {NULL, 0} where there
 * is none.  It serves names of our own making (charset, boundary), and joins
 * RFC 2231 segments, which some senders use even there.
 */
MimeSlice
mime_param_value(MimeReader *reader, MimeSlice value, const char *name)
{
	MimeSlice rest = skip_type(value);
	MimeSlice result = {NULL, 0};
	bool no_quote = false;
	bool found = false;
	int next = 0;
	Param param;

	resetStringInfo(&reader->scratch);
	while (next_param(&rest, &param, &no_quote))
	{
		if (param.name.len == 0 || !mime_equal(param.name, name))
			continue;
		if (param.segment < 0)
		{
			if (param.encoded)
			{
				/* charset'language'value; boundaries and charsets are ASCII. */
				for (int quotes = 0; quotes < 2;)
				{
					const char *mark = memchr(param.value.data, '\'', param.value.len);

					if (mark == NULL)
						break;
					param.value.len -= mark + 1 - param.value.data;
					param.value.data = mark + 1;
					quotes++;
				}
			}
			resetStringInfo(&reader->scratch);
			unquote(&param, &reader->scratch);
			found = true;
			break;
		}
		if (param.segment == next && next < MIME_MAX_SEGMENTS)
		{
			unquote(&param, &reader->scratch);
			found = true;
			next++;
		}
	}
	if (found)
	{
		result.data = mime_strdup(reader->arena, reader->scratch.data, reader->scratch.len);
		result.len = reader->scratch.len;
	}
	return result;
}

/* percent_decode appends a segment of RFC 2231. */
static void
percent_decode(const char *data, size_t len, StringInfo out)
{
	for (size_t i = 0; i < len; i++)
	{
		if (data[i] == '%' && len - i >= 3 && mime_hex(data[i + 1]) >= 0 &&
			mime_hex(data[i + 2]) >= 0)
		{
			appendStringInfoChar(out, (char) (mime_hex(data[i + 1]) << 4 | mime_hex(data[i + 2])));
			i += 2;
		}
		else
			appendStringInfoChar(out, data[i]);
	}
}

/* join_segments decodes and converts the segments of an RFC 2231 value. */
static char *
join_segments(MimeReader *reader, const Param *segments, const bool *have)
{
	StringInfo bytes = &reader->bytes;
	MimeSlice charset = {NULL, 0};
	char *result;

	resetStringInfo(bytes);
	for (int i = 0; i < MIME_MAX_SEGMENTS && have[i]; i++)
	{
		MimeSlice value = segments[i].value;

		if (!segments[i].encoded)
		{
			unquote(&segments[i], bytes);
			continue;
		}
		if (i == 0)
		{
			const char *first = memchr(value.data, '\'', value.len);
			const char *second =
				first == NULL ? NULL : memchr(first + 1, '\'', value.data + value.len - first - 1);

			if (second != NULL)
			{
				charset.data = value.data;
				charset.len = first - value.data;
				value.len -= second + 1 - value.data;
				value.data = second + 1;
			}
		}
		percent_decode(value.data, value.len, bytes);
	}
	resetStringInfo(&reader->scratch);
	if (charset.data == NULL)
	{
		/* Not said in what charset: perhaps encoded words cut into segments. */
		MimeSlice joined = {mime_strdup(reader->arena, bytes->data, bytes->len), bytes->len};

		mime_decode_words(reader, joined, &reader->scratch);
	}
	else
		mime_note_charset(reader, charset_to_utf8(charset.data, charset.len, bytes->data,
												  bytes->len, &reader->scratch));
	result = mime_clean_name(reader->arena, reader->scratch.data, reader->scratch.len);
	return result;
}

/*
 * mime_file_name returns a name parameter as text, NULL where there is none:
 * RFC 2231 first, then RFC 2047 within the parameter, then raw bytes.
 */
char *
mime_file_name(MimeReader *reader, MimeSlice value, const char *name)
{
	MimeSlice rest = skip_type(value);
	Param segments[MIME_MAX_SEGMENTS];
	bool have[MIME_MAX_SEGMENTS] = {false};
	Param plain;
	bool have_plain = false;
	bool no_quote = false;
	Param param;
	MimeSlice unquoted;
	char *result;

	while (next_param(&rest, &param, &no_quote))
	{
		if (param.name.len == 0 || !mime_equal(param.name, name))
			continue;
		if (param.segment < 0 && !param.encoded)
		{
			if (!have_plain)
				plain = param;
			have_plain = true;
			continue;
		}

		/* name*= is one segment, and better than name*0=. */
		if (param.segment >= MIME_MAX_SEGMENTS)
			reader->mail->defects |= MIME_DEFECT_SEGMENTS;
		else if (param.segment < 0)
		{
			memset(have, 0, sizeof(have));
			segments[0] = param;
			have[0] = true;
			break;
		}
		else if (!have[param.segment])
		{
			segments[param.segment] = param;
			have[param.segment] = true;
		}
	}

	if (have[0])
	{
		result = join_segments(reader, segments, have);
		if (result != NULL)
			return result;
	}
	if (!have_plain)
		return NULL;

	resetStringInfo(&reader->scratch);
	unquote(&plain, &reader->scratch);
	unquoted.data = mime_strdup(reader->arena, reader->scratch.data, reader->scratch.len);
	unquoted.len = reader->scratch.len;
	resetStringInfo(&reader->scratch);
	mime_decode_words(reader, unquoted, &reader->scratch);
	return mime_clean_name(reader->arena, reader->scratch.data, reader->scratch.len);
}

/* bad_in_name tells what has no place in a file's name. */
static bool
bad_in_name(uint32 c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
		   (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

/*
 * shorten_name makes a name that is too long fit, and leaves it its extension:
 * without that nobody's computer knows what to open the file with.
 */
static size_t
shorten_name(char *name, size_t len)
{
	size_t extension = 0;
	size_t keep;

	if (len <= MIME_MAX_NAME)
		return len;
	for (size_t n = 1; n <= MAX_EXTENSION && !mime_space(name[len - n]); n++)
	{
		if (name[len - n] == '.')
		{
			extension = n == 1 ? 0 : n;
			break;
		}
	}
	keep = whole_characters(name, len, MIME_MAX_NAME - extension);
	memmove(name + keep, name + len - extension, extension);
	return keep + extension;
}

/*
 * mime_clean_name makes a file's name safe to show and to save: no directory,
 * no control characters, nothing that turns the writing direction ("gpj.exe"
 * shown as "exe.jpg"), not too long.  NULL where nothing is left.  The writer
 * has no arena.
 */
char *
mime_clean_name(MimeArena *arena, const char *name, size_t len)
{
	char *clean;
	size_t n = 0;
	MimeSlice result;

	for (size_t i = len; i > 0; i--)
	{
		if (name[i - 1] == '/' || name[i - 1] == '\\')
		{
			name += i;
			len -= i;
			break;
		}
	}
	clean = arena == NULL ? palloc(len + 1) : mime_alloc(arena, len + 1);
	while (len > 0)
	{
		uint32 codepoint;
		int length = utf8_get(name, len, &codepoint);

		if (length == 0)
			break;
		if (!bad_in_name(codepoint))
		{
			memcpy(clean + n, name, length);
			n += length;
		}
		name += length;
		len -= length;
	}
	result.data = clean;
	result.len = n;
	mime_trim(&result);
	if (result.len == 0 ||
		(result.data[0] == '.' && (result.len == 1 || (result.len == 2 && result.data[1] == '.'))))
	{
		if (arena == NULL)
			pfree(clean);
		return NULL;
	}
	memmove(clean, result.data, result.len);
	result.len = shorten_name(clean, result.len);
	clean[result.len] = '\0';
	return clean;
}
