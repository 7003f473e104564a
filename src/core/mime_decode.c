/*-------------------------------------------------------------------------
 *
 * mime_decode.c
 *	  The transfer encodings of a mail's parts: base64, quoted-printable and
 *	  uuencode.
 *
 * Each writes into room the caller made.  None writes more bytes than it
 * reads, so "len" is always room enough.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define B64_SKIP 0x40
#define B64_PAD 0x41

static unsigned char base64_values[256];
static bool base64_ready = false;

static void
prepare_base64(void)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(base64_values, B64_SKIP, sizeof(base64_values));
	for (int i = 0; i < 64; i++)
		base64_values[(unsigned char) alphabet[i]] = (unsigned char) i;
	base64_values['='] = B64_PAD;
	base64_ready = true;
}

/*
 * mime_decode_base64 skips what is not of the alphabet.  A padded group ends
 * a piece, not the text: some senders encode in pieces and join them.
 */
size_t
mime_decode_base64(const char *data, size_t len, char *out, uint32 *defects)
{
	const unsigned char *p = (const unsigned char *) data;
	const unsigned char *end = p + len;
	unsigned char *to = (unsigned char *) out;
	uint32 bits = 0;
	int have = 0;

	if (!base64_ready)
		prepare_base64();

	while (p < end)
	{
		unsigned char value;

		/* Four good characters at a time, while they last. */
		if (have == 0)
		{
			while (end - p >= 4)
			{
				unsigned char a = base64_values[p[0]];
				unsigned char b = base64_values[p[1]];
				unsigned char c = base64_values[p[2]];
				unsigned char d = base64_values[p[3]];

				if ((a | b | c | d) & 0xC0)
					break;
				*to++ = (unsigned char) (a << 2 | b >> 4);
				*to++ = (unsigned char) (b << 4 | c >> 2);
				*to++ = (unsigned char) (c << 6 | d);
				p += 4;
			}
			if (p >= end)
				break;
		}

		value = base64_values[*p++];
		if (value == B64_SKIP)
			continue;
		if (value == B64_PAD)
		{
			if (have == 2)
				*to++ = (unsigned char) (bits >> 4);
			else if (have == 3)
			{
				*to++ = (unsigned char) (bits >> 10);
				*to++ = (unsigned char) (bits >> 2);
			}
			bits = 0;
			have = 0;
			continue;
		}
		bits = bits << 6 | value;
		if (++have == 4)
		{
			*to++ = (unsigned char) (bits >> 16);
			*to++ = (unsigned char) (bits >> 8);
			*to++ = (unsigned char) bits;
			bits = 0;
			have = 0;
		}
	}

	/* Padding forgotten, or the mail was cut off. */
	if (have == 2)
		*to++ = (unsigned char) (bits >> 4);
	else if (have == 3)
	{
		*to++ = (unsigned char) (bits >> 10);
		*to++ = (unsigned char) (bits >> 2);
	}
	else if (have == 1 && defects != NULL)
		*defects |= MIME_DEFECT_ENCODING;
	return (size_t) ((char *) to - out);
}

/*
 * mime_decode_qp decodes quoted-printable, or with "underscore" the Q
 * encoding of header words.  What is not well-formed stays as it is.
 */
size_t
mime_decode_qp(const char *data, size_t len, char *out, bool underscore)
{
	const char *p = data;
	const char *end = data + len;
	char *to = out;

	while (p < end)
	{
		char c = *p;

		/* What stands for itself is most of it. */
		while (c > ' ' && c != '=' && c != '_')
		{
			*to++ = c;
			if (++p == end)
				return (size_t) (to - out);
			c = *p;
		}
		if (c == '=')
		{
			const char *q = p + 1;

			if (end - p >= 3 && mime_hex(p[1]) >= 0 && mime_hex(p[2]) >= 0)
			{
				*to++ = (char) (mime_hex(p[1]) << 4 | mime_hex(p[2]));
				p += 3;
				continue;
			}

			/* A soft line break, perhaps padded by a relay. */
			while (q < end && (*q == ' ' || *q == '\t'))
				q++;
			if (q == end || *q == '\r' || *q == '\n')
			{
				if (q < end && *q == '\r')
					q++;
				if (q < end && *q == '\n')
					q++;
				p = q;
				continue;
			}
			while (p < q)
				*to++ = *p++;
			continue;
		}
		if (underscore)
		{
			*to++ = c == '_' ? ' ' : c;
			p++;
			continue;
		}
		if (c == ' ' || c == '\t')
		{
			const char *q = p;

			/* White space before a line's end was added on the way. */
			while (q < end && (*q == ' ' || *q == '\t'))
				q++;
			if (q == end || *q == '\r' || *q == '\n')
				p = q;
			while (p < q)
				*to++ = *p++;
			continue;
		}
		*to++ = c;
		p++;
	}
	return (size_t) (to - out);
}

/* mime_decode_uu decodes from the "begin" line to "end". */
size_t
mime_decode_uu(const char *data, size_t len, char *out, uint32 *defects)
{
	const char *p = data;
	const char *end = data + len;
	char *to = out;
	bool begun = false;
	bool ended = false;

	while (p < end && !ended)
	{
		const char *line = p;
		const char *stop;

		while (p < end && *p != '\n' && *p != '\r')
			p++;
		stop = p;
		while (p < end && (*p == '\n' || *p == '\r'))
			p++;

		if (!begun)
			begun = stop - line >= 6 && memcmp(line, "begin ", 6) == 0;
		else if (stop - line == 3 && memcmp(line, "end", 3) == 0)
			ended = true;
		else if (stop > line)
		{
			int count = (line[0] - ' ') & 0x3F;

			line++;
			while (count > 0 && line < stop)
			{
				uint32 bits = 0;

				/* Trailing blanks may be lost: missing ones count as blanks. */
				for (int i = 0; i < 4; i++)
					bits = bits << 6 | (line < stop ? ((*line++ - ' ') & 0x3F) : 0);
				*to++ = (char) (bits >> 16);
				if (count > 1 && to - out < (ptrdiff_t) len)
					*to++ = (char) (bits >> 8);
				if (count > 2 && to - out < (ptrdiff_t) len)
					*to++ = (char) bits;
				count -= 3;
			}
		}
	}
	if (!ended)
		*defects |= MIME_DEFECT_ENCODING;
	return (size_t) (to - out);
}
