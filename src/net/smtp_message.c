/*-------------------------------------------------------------------------
 *
 * smtp_message.c
 *	  Addresses and message text as SMTP wants them.
 *
 * Two ways to smuggle are closed here.  A line end or a bracket in an address
 * would add a command of its own, so such an address is never sent.  A line
 * end that is not CRLF may be one to the next server and none to this, and
 * with a dot after it end the message early; so every line end is written as
 * CRLF, and every dot that begins a line is doubled.
 *
 *-------------------------------------------------------------------------
 */
#include "net/smtp_message.h"

#include "net/net_connection.h"

#include <idn2.h>

const char *
smtp_address(const char *address, char wire[SMTP_ADDRESS_SIZE], bool *needs_utf8)
{
	size_t len = strlen(address);
	const char *at = strrchr(address, '@');
	size_t local;
	char *ascii = NULL;
	bool quoted = false;

	*needs_utf8 = false;
	if (len == 0)
		return "the address is empty";
	if (len >= SMTP_ADDRESS_SIZE)
		return "the address is too long";
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) address[i];

		if (c < 0x20 || c == 0x7f || c == '<' || c == '>')
			return "the address has a character that no address may have";
		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted && i + 1 < len &&
				 (address[i + 1] == '"' || address[i + 1] == '\\'))
			i++;
		else if (c == ' ' && !quoted)
			return "the address has a space";
	}
	if (quoted)
		return "the address has a quotation mark without its pair";
	if (!net_valid_utf8(address, len))
		return "the address is not UTF-8";

	local = at != NULL ? (size_t) (at - address) : len;
	if (local == 0)
		return "the address has nothing before the @";
	if (at != NULL && at[1] == '\0')
		return "the address has no domain";
	*needs_utf8 = net_has_8bit(address, local);
	memcpy(wire, address, len + 1);
	if (at == NULL || !net_has_8bit(at + 1, len - local - 1))
		return NULL;

	/*
	 * First as it is, which is how addresses are compared (src/core/address.c):
	 * a mapping may refuse such a domain, or make another of it.
	 */
	if (idn2_to_ascii_8z(at + 1, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46) != IDN2_OK &&
		idn2_to_ascii_8z(at + 1, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return "the address's domain is no internationalized domain name";
	len = strlen(ascii);
	if (local + 1 + len >= SMTP_ADDRESS_SIZE)
	{
		idn2_free(ascii);
		return "the address is too long";
	}
	memcpy(wire + local + 1, ascii, len + 1);
	idn2_free(ascii);
	return NULL;
}

bool
smtp_xtext(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
	{
		unsigned char c = (unsigned char) *text;

		if (c >= 0x7f || c < 0x20 || n + 4 > size)
			return false;
		if (c == '+' || c == '=' || c == ' ')
			n += snprintf(out + n, size - n, "+%02X", c);
		else
			out[n++] = (char) c;
	}
	out[n] = '\0';
	return n > 0;
}

void
smtp_body_start(SmtpBody *body, const char *data, size_t len)
{
	body->data = data;
	body->len = len;
	body->pos = 0;
	body->line_start = true;
	body->done = false;
}

size_t
smtp_body_fill(SmtpBody *body, char *buf, size_t size)
{
	size_t n = 0;

	/* A round writes at most a dot, a run of the text and a line end. */
	while (body->pos < body->len && size - n > 8)
	{
		const char *text = body->data + body->pos;
		size_t run = Min(body->len - body->pos, size - n - 3);
		const char *end;
		bool ended;

		if (body->line_start && *text == '.')
			buf[n++] = '.';
		end = memchr(text, '\n', run);
		ended = end != NULL;
		if (ended)
			run = end - text;
		end = memchr(text, '\r', run);
		if (end != NULL)
		{
			ended = true;
			run = end - text;
		}
		memcpy(buf + n, text, run);
		n += run;
		body->pos += run;
		if (run > 0)
			body->line_start = false;
		if (ended)
		{
			if (body->data[body->pos] == '\r' && body->pos + 1 < body->len &&
				body->data[body->pos + 1] == '\n')
				body->pos++;
			body->pos++;
			buf[n++] = '\r';
			buf[n++] = '\n';
			body->line_start = true;
		}
	}

	if (body->pos == body->len && !body->done && size - n >= 5)
	{
		if (!body->line_start)
		{
			buf[n++] = '\r';
			buf[n++] = '\n';
		}
		buf[n++] = '.';
		buf[n++] = '\r';
		buf[n++] = '\n';
		body->done = true;
	}
	return n;
}

uint64
smtp_body_size(const char *data, size_t len)
{
	uint64 size = len;
	const char *end = data + len;

	for (const char *p = data; p < end && (p = memchr(p, '\n', end - p)) != NULL; p++)
	{
		if (p == data || p[-1] != '\r')
			size++;
	}
	for (const char *p = data; p < end && (p = memchr(p, '\r', end - p)) != NULL; p++)
	{
		if (p + 1 == end || p[1] != '\n')
			size++;
	}
	return size;
}
