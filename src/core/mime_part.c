/*-------------------------------------------------------------------------
 *
 * mime_part.c
 *	  One part of a mail: its bytes, and its text.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define MAX_WORD 30 /* letters and digits; lines of base64 have 60 and more */

/*
 * mime_blank: nothing but white space, or what shows as little in UTF-8: Outlook
 * writes no-break spaces, newsletters fill up with characters of no width.
 */
bool
mime_blank(const char *text, size_t len)
{
	static const char *const others[] = {
		"\u00A0", "\u00AD", "\u034F", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005",
		"\u2006", "\u2007", "\u2008", "\u2009", "\u200A", "\u200B", "\u200C", "\u200D", "\u200E",
		"\u200F", "\u2028", "\u2029", "\u202F", "\u205F", "\u2060", "\u3000", "\uFEFF"};
	const char *end = text + len;

	while (text < end)
	{
		size_t n = mime_space(*text) ? 1 : 0;

		if (n == 0 && !IS_HIGHBIT_SET(*text))
			return false;
		for (int i = 0; n == 0 && i < lengthof(others); i++)
		{
			size_t room = strlen(others[i]);

			if (room <= end - text && memcmp(text, others[i], room) == 0)
				n = room;
		}
		if (n == 0)
			return false;
		text += n;
	}
	return true;
}

static bool
is_coded(char c)
{
	return mime_alpha(c) || mime_digit(c) || c == '+' || c == '/' || c == '=';
}

/* begins_coded: the first line is whole base64, and not spelt as a word is. */
static bool
begins_coded(MimeSlice text)
{
	bool odd = false;
	size_t len = 0;

	mime_trim(&text);
	for (; len < text.len && is_coded(text.data[len]); len++)
		odd |= !mime_alpha(text.data[len]) || (len > 0 && text.data[len] <= 'Z');
	return odd && len % 4 == 0 &&
		   (len == text.len || text.data[len] == '\r' || text.data[len] == '\n');
}

/*
 * is_words: a text that says it is base64, but has words with blanks between them
 * and nothing as long as lines of base64 are.  (A list may have put such words
 * behind a short one that is.)
 */
static bool
is_words(const MimePart *part)
{
	const char *p = part->content.data;
	const char *end = p + part->content.len;
	int run = 0;
	int blanks = 0; /* between words of one line */
	bool blank = false;

	if (!mime_starts(part->type, "text/") || begins_coded(part->content))
		return false;
	for (; p < end; p++)
	{
		bool coded = is_coded(*p);

		if (coded && blank && run > 0)
			blanks++;
		if (*p == ' ' || *p == '\t')
			blank = run > 0;
		else if (*p == '\r' || *p == '\n')
		{
			run = 0;
			blank = false;
		}
		else
		{
			run = coded && !blank ? run + 1 : 1;
			blank = false;
		}
		if (run > MAX_WORD)
			return false;
	}
	return blanks >= 2;
}

/*
 * encoding_word returns the encoding without what may stand behind it.  What is no
 * base64 has one that nobody knows.
 */
static MimeSlice
encoding_word(const MimePart *part)
{
	MimeSlice word = mime_skip_comments(part->encoding);
	size_t len = 0;

	while (len < word.len && !mime_space(word.data[len]) && word.data[len] != ';' &&
		   word.data[len] != '(' && word.data[len] != ',')
		len++;
	word.len = len;
	if (mime_equal(word, "base64") && is_words(part))
	{
		word.data = "none";
		word.len = strlen(word.data);
	}
	return word;
}

/* mime_part_room is how many bytes a part can decode to. */
size_t
mime_part_room(const MimePart *part)
{
	if (mime_equal(encoding_word(part), "base64"))
		return part->content.len / 4 * 3 + 3;
	return part->content.len;
}

/*
 * mime_part_identity tells whether the part is not encoded.  An encoding nobody
 * knows leaves the bytes as they are, which loses nothing.
 */
bool
mime_part_identity(MimeReader *reader, const MimePart *part)
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

/* mime_part_decode writes a part that is not identity into "out" of mime_part_room(). */
size_t
mime_part_decode(MimeReader *reader, const MimePart *part, char *out)
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
 * mime_part_text appends a text part to "out": decoded, UTF-8, lines ended by LF.
 */
void
mime_part_text(MimeReader *reader, const MimePart *part, bool is_html, StringInfo out)
{
	MimeSlice charset = mime_param_value(reader, part->content_type, "charset");
	MimeSlice bytes = part->content;
	char *decoded = NULL;
	int start = out->len;
	CharsetResult result;

	if (!mime_part_identity(reader, part))
	{
		decoded = palloc(mime_part_room(part) + 1);
		bytes.data = decoded;
		bytes.len = mime_part_decode(reader, part, decoded);
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
	else if (result == CHARSET_CUT)
		reader->mail->defects |= MIME_DEFECT_SIZE;
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

/* mime_part_plain_text is mime_part_text for text/plain, with format=flowed undone. */
void
mime_part_plain_text(MimeReader *reader, const MimePart *part, StringInfo out)
{
	MimeSlice format = mime_param_value(reader, part->content_type, "format");
	MimeSlice delsp;
	StringInfoData flowed;

	if (!mime_equal(format, "flowed"))
	{
		mime_part_text(reader, part, false, out);
		return;
	}
	delsp = mime_param_value(reader, part->content_type, "delsp");
	initStringInfo(&flowed);
	mime_part_text(reader, part, false, &flowed);
	mime_unflow(flowed.data, flowed.len, mime_equal(delsp, "yes"), out);
	pfree(flowed.data);
}
