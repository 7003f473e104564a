/*-------------------------------------------------------------------------
 *
 * mime_header.c
 *	  The values of header fields: folding and encoded words (RFC 2047).
 *
 * A header comes from anyone.  Every search that can fail remembers that it
 * did, so that no value is gone through more often than a few times.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define MAX_CHARSET_NAME 64

/*
 * mime_unfold returns the value on one line, trimmed.  A value that was not
 * folded is returned where it lies; else the reader's buffer holds it until
 * the next call.
 */
MimeSlice
mime_unfold(MimeReader *reader, MimeSlice value)
{
	const char *p;
	const char *end;
	const char *newline = NULL;
	MimeSlice result;

	mime_trim(&value);
	if (memchr(value.data, '\n', value.len) == NULL && memchr(value.data, '\r', value.len) == NULL)
		return value;

	resetStringInfo(&reader->unfolded);
	p = value.data;
	end = p + value.len;
	while (p < end)
	{
		const char *start = p;

		/* Each LF is looked for once, however many lone CRs come before it. */
		if (newline == NULL || newline < start)
		{
			newline = memchr(start, '\n', end - start);
			if (newline == NULL)
				newline = end;
		}
		p = memchr(start, '\r', newline - start);
		if (p == NULL)
			p = newline;
		appendBinaryStringInfo(&reader->unfolded, start, (int) (p - start));
		if (p == end)
			break;

		/* The break goes, the white space after it stays. */
		while (p < end && (*p == '\r' || *p == '\n'))
			p++;
		if (p < end && *p != ' ' && *p != '\t')
			appendStringInfoChar(&reader->unfolded, ' ');
	}
	result.data = reader->unfolded.data;
	result.len = reader->unfolded.len;
	return result;
}

/* mime_note_charset records what a conversion met. */
void
mime_note_charset(MimeReader *reader, CharsetResult result)
{
	if (result == CHARSET_UNKNOWN)
		reader->mail->defects |= MIME_DEFECT_CHARSET;
	else if (result == CHARSET_REPLACED)
		reader->mail->defects |= MIME_DEFECT_CHARACTERS;
}

/*
 * put_plain appends what is not encoded; raw 8-bit bytes are made UTF-8.  Those
 * that are none were most likely typed in the charset that the text is in.
 */
static void
put_plain(MimeReader *reader, const char *data, size_t len, StringInfo out)
{
	int start = out->len;
	CharsetResult result;

	if (len == 0)
		return;
	result = charset_to_utf8(NULL, 0, data, len, out);
	mime_note_charset(reader, result);
	if (result != CHARSET_GOOD && reader->charset.len > 0)
	{
		int end = out->len;

		if (charset_to_utf8(reader->charset.data, reader->charset.len, data, len, out) ==
			CHARSET_GOOD)
		{
			memmove(out->data + start, out->data + end, out->len - end);
			out->len -= end - start;
		}
		else
			out->len = end;
		out->data[out->len] = '\0';
	}
}

/* flush_words converts the bytes joined from adjacent encoded words. */
static void
flush_words(MimeReader *reader, MimeSlice *charset, StringInfo out)
{
	if (charset->data == NULL)
		return;
	mime_note_charset(reader, charset_to_utf8(charset->data, charset->len, reader->bytes.data,
											  reader->bytes.len, out));
	resetStringInfo(&reader->bytes);
	charset->data = NULL;
}

/*
 * read_word reads one encoded word at "p".  It returns its end, or NULL where
 * it is none; "no_more" tells that no word at all ends behind this place.
 */
static const char *
read_word(const char *p, const char *end, MimeSlice *charset, char *encoding, MimeSlice *text,
		  bool *no_more)
{
	const char *start = p + 2;
	const char *mark = start;
	const char *language;
	const char *stop;

	while (mark < end && *mark != '?' && mark - start <= MAX_CHARSET_NAME && !mime_space(*mark))
		mark++;
	if (end - mark < 4 || *mark != '?' || mark == start || mark[2] != '?')
		return NULL;
	*encoding = mime_lower(mark[1]);
	if (*encoding != 'b' && *encoding != 'q')
		return NULL;

	charset->data = start;
	charset->len = mark - start;
	language = memchr(start, '*', charset->len);
	if (language != NULL)
		charset->len = language - start;

	text->data = mark + 3;
	stop = mime_find(text->data, end, "?=");
	if (stop == NULL)
	{
		*no_more = true;
		return NULL;
	}
	text->len = stop - text->data;
	return stop + 2;
}

/*
 * mime_decode_words appends the value with its encoded words decoded.
 *
 * The bytes of neighbours of one charset are joined before they are
 * converted: many senders cut a character in two.  White space between
 * neighbours goes.  What decodes to a line break becomes a space, or a header
 * could smuggle one past whoever prints it.
 */
void
mime_decode_words(MimeReader *reader, MimeSlice value, StringInfo out)
{
	const char *p = value.data;
	const char *end = p + value.len;
	const char *plain = p; /* not yet appended */
	MimeSlice charset = {NULL, 0};
	bool no_more = false;
	int start = out->len;

	resetStringInfo(&reader->bytes);
	while (p < end && !no_more)
	{
		MimeSlice word_charset;
		MimeSlice text;
		const char *after;
		char encoding;
		bool blank = true;
		size_t room;

		p = mime_find(p, end, "=?");
		if (p == NULL)
			break;
		after = read_word(p, end, &word_charset, &encoding, &text, &no_more);
		if (after == NULL)
		{
			p++;
			continue;
		}

		for (const char *q = plain; q < p && blank; q++)
			blank = mime_space(*q);
		if (charset.data == NULL || !blank)
		{
			flush_words(reader, &charset, out);
			put_plain(reader, plain, p - plain, out);
		}
		else if (!charset_same(charset.data, charset.len, word_charset.data, word_charset.len))
			flush_words(reader, &charset, out);
		charset = word_charset;

		enlargeStringInfo(&reader->bytes, (int) text.len + 1);
		if (encoding == 'b')
			room = mime_decode_base64(text.data, text.len, reader->bytes.data + reader->bytes.len,
									  &reader->mail->defects);
		else
			room =
				mime_decode_qp(text.data, text.len, reader->bytes.data + reader->bytes.len, true);
		reader->bytes.len += (int) room;
		p = after;
		plain = p;
	}
	flush_words(reader, &charset, out);
	put_plain(reader, plain, end - plain, out);

	for (int i = start; i < out->len; i++)
	{
		if (out->data[i] == '\r' || out->data[i] == '\n')
			out->data[i] = ' ';
	}
}

/* mime_words is mime_decode_words into the arena, unfolded and trimmed. */
char *
mime_words(MimeReader *reader, MimeSlice value)
{
	MimeSlice result;

	value = mime_unfold(reader, value);
	resetStringInfo(&reader->scratch);
	mime_decode_words(reader, value, &reader->scratch);
	result.data = reader->scratch.data;
	result.len = reader->scratch.len;
	mime_trim(&result);
	return mime_strdup(reader->arena, result.data, result.len);
}

/* mime_decode_header is for a value that did not come with a whole mail. */
char *
mime_decode_header(const char *value)
{
	MimeMessage mail = {0};
	MimeReader reader;
	MimeSlice slice = {value, strlen(value)};
	StringInfoData out;

	mime_reader_init(&reader, &mail);
	initStringInfo(&out);
	mime_decode_words(&reader, mime_unfold(&reader, slice), &out);
	mime_reader_done(&reader);
	return out.data;
}
