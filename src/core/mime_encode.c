/*-------------------------------------------------------------------------
 *
 * mime_encode.c
 *	  Base64, quoted-printable, encoded words and parameters: everything that
 *	  makes a mail of 7-bit lines.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define LINE 76
#define WORD_FRAME 12 /* =?UTF-8?B? and ?= */

static const char base64_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789ABCDEF";

/* put_base64 writes without line breaks. */
static void
put_base64(const char *data, size_t len, StringInfo out)
{
	const unsigned char *p = (const unsigned char *) data;
	char *to;

	enlargeStringInfo(out, (int) ((len + 2) / 3 * 4 + 1));
	to = out->data + out->len;
	for (; len >= 3; p += 3, len -= 3)
	{
		*to++ = base64_alphabet[p[0] >> 2];
		*to++ = base64_alphabet[(p[0] & 0x03) << 4 | p[1] >> 4];
		*to++ = base64_alphabet[(p[1] & 0x0F) << 2 | p[2] >> 6];
		*to++ = base64_alphabet[p[2] & 0x3F];
	}
	if (len > 0)
	{
		*to++ = base64_alphabet[p[0] >> 2];
		*to++ = base64_alphabet[(p[0] & 0x03) << 4 | (len == 2 ? p[1] >> 4 : 0)];
		*to++ = len == 2 ? base64_alphabet[(p[1] & 0x0F) << 2] : '=';
		*to++ = '=';
	}
	*to = '\0';
	out->len = (int) (to - out->data);
}

/* mime_encode_base64 writes lines of 76; the last one is not ended. */
void
mime_encode_base64(const char *data, size_t len, StringInfo out)
{
	enlargeStringInfo(out, (int) (len / 57 * 78 + 80));
	while (len > 57)
	{
		put_base64(data, 57, out);
		appendBinaryStringInfo(out, "\r\n", 2);
		data += 57;
		len -= 57;
	}
	put_base64(data, len, out);
}

static void
put_hex(StringInfo out, char escape, unsigned char byte)
{
	appendStringInfoChar(out, escape);
	appendStringInfoChar(out, hex_digits[byte >> 4]);
	appendStringInfoChar(out, hex_digits[byte & 0x0F]);
}

/* put_qp writes lines that end in LF as quoted-printable ones. */
static void
put_qp(const char *text, size_t len, StringInfo out)
{
	int line = out->len;

	enlargeStringInfo(out, (int) (len + len / 8 + 16));
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];
		bool last = i + 1 == len || text[i + 1] == '\n';
		bool plain = c >= ' ' && c < 0x7F && c != '=';

		if (c == '\n')
		{
			appendBinaryStringInfo(out, "\r\n", 2);
			line = out->len;
			continue;
		}
		if (c == '\t')
			plain = true;
		if (last && (c == ' ' || c == '\t'))
			plain = false;

		/* A mailbox file would read this as the next mail. */
		if (c == 'F' && out->len == line && len - i >= 5 && memcmp(text + i, "From ", 5) == 0)
			plain = false;

		/* The "=" of a soft break needs its place, but for a line's last one. */
		if (out->len - line + (plain ? 1 : 3) > LINE - (last ? 0 : 1))
		{
			appendBinaryStringInfo(out, "=\r\n", 3);
			line = out->len;
		}
		if (plain)
			appendStringInfoChar(out, (char) c);
		else
			put_hex(out, '=', c);
	}
}

/*
 * mime_encode_text writes the field that names the encoding and, to "body",
 * the text in it: quoted-printable, which people can read, unless base64 is
 * shorter.  Lines end in CRLF whatever they ended in, the last one too.
 */
void
mime_encode_text(const char *text, StringInfo body, StringInfo out)
{
	StringInfoData lines;
	size_t len = strlen(text);
	size_t qp = 0;

	initStringInfo(&lines);
	enlargeStringInfo(&lines, (int) len + 2);
	for (size_t i = 0; i < len; i++)
	{
		char c = text[i];

		if (c == '\r')
		{
			if (text[i + 1] == '\n')
				continue;
			c = '\n';
		}
		qp += (c >= ' ' && c < 0x7F && c != '=') || c == '\n' || c == '\t' ? 1 : 3;
		lines.data[lines.len++] = c;
	}
	if (lines.len > 0 && lines.data[lines.len - 1] != '\n')
		lines.data[lines.len++] = '\n';
	lines.data[lines.len] = '\0';

	if (qp <= (size_t) lines.len / 3 * 4 + 4)
	{
		appendStringInfoString(out, "Content-Transfer-Encoding: quoted-printable\r\n");
		put_qp(lines.data, lines.len, body);
	}
	else
	{
		StringInfoData crlf;

		/* The text form of line ends is CRLF inside base64 as well. */
		initStringInfo(&crlf);
		enlargeStringInfo(&crlf, lines.len + lines.len / 16 + 16);
		for (int i = 0; i < lines.len; i++)
		{
			if (lines.data[i] == '\n')
				appendStringInfoChar(&crlf, '\r');
			appendStringInfoChar(&crlf, lines.data[i]);
		}
		appendStringInfoString(out, "Content-Transfer-Encoding: base64\r\n");
		mime_encode_base64(crlf.data, crlf.len, body);
		appendBinaryStringInfo(body, "\r\n", 2);
		pfree(crlf.data);
	}
	pfree(lines.data);
}

/* plain_q tells what the Q encoding may leave as it is anywhere in a header. */
static bool
plain_q(unsigned char c)
{
	return mime_alpha((char) c) || mime_digit((char) c) || c == '!' || c == '*' || c == '+' ||
		   c == '-' || c == '/';
}

static int
fold(StringInfo out)
{
	appendStringInfoString(out, "\r\n ");
	return out->len - 1;
}

/*
 * mime_put_words writes text as encoded words, none of which ends inside a
 * character.  "line" is where the current line begins in "out"; where the
 * last one begins is returned.
 */
int
mime_put_words(StringInfo out, int line, const char *text)
{
	size_t len = strlen(text);
	size_t q_len = 0;
	bool use_q;

	for (size_t i = 0; i < len; i++)
		q_len += plain_q((unsigned char) text[i]) || text[i] == ' ' ? 1 : 3;
	use_q = q_len <= (len + 2) / 3 * 4;

	while (len > 0)
	{
		int room = LINE - (out->len - line) - WORD_FRAME;
		size_t take = 0;
		int used = 0;

		/* As many whole characters as fit. */
		while (take < len)
		{
			uint32 codepoint;
			int length = utf8_get(text + take, len - take, &codepoint);
			int cost = 0;

			if (length == 0)
				length = 1;
			if (!use_q)
				cost = (int) (take + length + 2) / 3 * 4;
			else
			{
				cost = used;
				for (int i = 0; i < length; i++)
					cost +=
						plain_q((unsigned char) text[take + i]) || text[take + i] == ' ' ? 1 : 3;
			}
			if (cost > room)
				break;
			used = cost;
			take += length;
		}
		if (take == 0)
		{
			line = fold(out);
			continue;
		}
		appendStringInfoString(out, use_q ? "=?UTF-8?Q?" : "=?UTF-8?B?");
		if (!use_q)
			put_base64(text, take, out);
		else
		{
			for (size_t i = 0; i < take; i++)
			{
				if (text[i] == ' ')
					appendStringInfoChar(out, '_');
				else if (plain_q((unsigned char) text[i]))
					appendStringInfoChar(out, text[i]);
				else
					put_hex(out, '=', (unsigned char) text[i]);
			}
		}
		appendStringInfoString(out, "?=");
		text += take;
		len -= take;
		if (len > 0)
			line = fold(out);
	}
	return line;
}

/* one_line copies a value; what could begin another field becomes a space. */
static char *
one_line(const char *value)
{
	char *copy = pstrdup(value);

	for (char *p = copy; *p != '\0'; p++)
	{
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	}
	return copy;
}

/*
 * needs_words tells whether a value would not survive as it is.  In prose
 * ("words") even a long word is encoded; in a value with a grammar of its own
 * only what is not ASCII, or longer than any line may be.
 */
static bool
needs_words(const char *value, bool words)
{
	size_t word = 0;
	size_t stretch = 0; /* of what is not folded: a word and the spaces behind it */

	if (words && (value[0] == ' ' || strstr(value, "  ") != NULL || strstr(value, "=?") != NULL))
		return true;
	for (const char *p = value; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || (unsigned char) *p >= 0x7F)
			return true;
		word = *p == ' ' ? 0 : word + 1;
		stretch = *p != ' ' && p > value && p[-1] == ' ' ? 1 : stretch + 1;
		if ((words && word > 60) || stretch > 900 || (words && *p == ' ' && p[1] == '\0'))
			return true;
	}
	return false;
}

/* mime_put_text_field writes a field, folded. */
void
mime_put_text_field(StringInfo out, const char *name, const char *value, bool words)
{
	int line = out->len;
	char *copy = one_line(value);
	const char *p = copy;
	bool first = true;

	appendStringInfo(out, "%s:", name);
	if (needs_words(copy, words))
	{
		appendStringInfoChar(out, ' ');
		mime_put_words(out, line, copy);
	}
	else
	{
		while (*p == ' ')
			p++;
		while (*p != '\0')
		{
			size_t len = strcspn(p, " ");

			/* Not before the first word: a line of white space alone may get lost. */
			if (out->len - line + 1 + len > LINE && len > 0 && !first)
				line = fold(out);
			else
				appendStringInfoChar(out, ' ');
			first = false;
			appendBinaryStringInfo(out, p, (int) len);
			p += len;
			if (*p == ' ')
				p++;
		}
	}
	appendStringInfoString(out, "\r\n");
	pfree(copy);
}

/* put_fallback writes the ASCII form of a name for programs of before 1997. */
static void
put_fallback(StringInfo out, const char *value, size_t len)
{
	const char *dot = strrchr(value, '.');
	size_t kept = 0;

	/* A long name is cut before its ending. */
	if (dot == NULL || value + len - dot > 10)
		dot = value + len;
	appendStringInfoChar(out, '"');
	for (const char *p = value; *p != '\0'; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (p < dot && kept >= 40)
			continue;
		if ((c & 0xC0) == 0x80)
			continue;
		appendStringInfoChar(out, c < ' ' || c >= 0x7F || c == '"' || c == '\\' ? '_' : (char) c);
		kept++;
	}
	appendStringInfoChar(out, '"');
}

/*
 * mime_put_parameter writes "; name=value" on lines of its own: quoted where
 * that does, else in RFC 2231's form with an ASCII one behind it: of readers
 * that know both forms, Python's for one takes whichever comes first.
 */
void
mime_put_parameter(StringInfo out, const char *name, const char *value)
{
	size_t len = strlen(value);
	const char *p = value;
	bool plain = len <= 60 && strstr(value, "=?") == NULL;
	int segment = 0;
	StringInfoData encoded;

	for (const char *q = value; *q != '\0' && plain; q++)
		plain = (unsigned char) *q >= ' ' && (unsigned char) *q < 0x7F && *q != '"' && *q != '\\';
	if (plain)
	{
		appendStringInfo(out, ";\r\n %s=\"%s\"", name, value);
		return;
	}

	/* One line if it fits, else numbered ones. */
	initStringInfo(&encoded);
	while (*p != '\0')
	{
		unsigned char c = (unsigned char) *p++;

		if (mime_alpha((char) c) || mime_digit((char) c) || c == '-' || c == '.' || c == '_')
			appendStringInfoChar(&encoded, (char) c);
		else
			put_hex(&encoded, '%', c);
	}
	if (encoded.len + strlen(name) + 12 <= LINE)
		appendStringInfo(out, ";\r\n %s*=UTF-8''%s", name, encoded.data);
	else
	{
		int room = LINE - (int) strlen(name) - 17;

		for (int at = 0; at < encoded.len;)
		{
			int take = Min(room, encoded.len - at);

			/* Not inside %XX. */
			if (at + take < encoded.len)
			{
				if (encoded.data[at + take - 1] == '%')
					take -= 1;
				else if (encoded.data[at + take - 2] == '%')
					take -= 2;
			}
			appendStringInfo(out, ";\r\n %s*%d*=%s%.*s", name, segment,
							 segment == 0 ? "UTF-8''" : "", take, encoded.data + at);
			segment++;
			at += take;
		}
	}
	pfree(encoded.data);
	appendStringInfo(out, ";\r\n %s=", name);
	put_fallback(out, value, len);
}
