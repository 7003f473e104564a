/*-------------------------------------------------------------------------
 *
 * smtp_reply.c
 *	  Replies of a mail server, byte by byte.
 *
 * A reply is lines of "250-text" that end with one of "250 text" or "250".
 * Servers write anything into the text and any amount of it, so it is bounded,
 * and made fit for a text column, before anyone sees it.
 *
 *-------------------------------------------------------------------------
 */
#include "net/smtp_reply.h"

#include "net/net_connection.h"

void
smtp_reply_reset(SmtpReply *reply)
{
	reply->code = 0;
	reply->enhanced[0] = '\0';
	reply->text[0] = '\0';
	reply->len = 0;
	reply->line_len = 0;
	reply->line_start = 0;
	reply->total = 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * enhanced_length: length of an RFC 3463 code of the reply's class at text, and
 * of the space after it; 0 where there is none.
 */
static size_t
enhanced_length(const char *text, char class, size_t *with_space)
{
	size_t i = 1;

	if (text[0] != class || (class != '2' && class != '4' && class != '5'))
		return 0;
	for (int part = 0; part < 2; part++)
	{
		size_t digits = 0;

		if (text[i++] != '.')
			return 0;
		while (is_digit(text[i]))
		{
			i++;
			digits++;
		}
		if (digits == 0 || digits > 3)
			return 0;
	}
	if (text[i] != ' ' && text[i] != '\0')
		return 0;
	*with_space = text[i] == ' ' ? i + 1 : i;
	return i;
}

/*
 * end_line: judges the line that is complete; true when it was the last.
 */
static SmtpReplyStatus
end_line(SmtpReply *reply)
{
	char *line = reply->text + reply->line_start;
	size_t len = reply->len - reply->line_start;
	size_t skip = 0;
	size_t n;

	if (reply->line_len < 3 || !is_digit(reply->head[0]) || !is_digit(reply->head[1]) ||
		!is_digit(reply->head[2]) || reply->head[0] < '2' || reply->head[0] > '5' ||
		(reply->line_len > 3 && reply->head[3] != ' ' && reply->head[3] != '-'))
		return SMTP_REPLY_BAD;
	reply->code =
		(reply->head[0] - '0') * 100 + (reply->head[1] - '0') * 10 + (reply->head[2] - '0');

	line[len] = '\0';
	net_clean_text(line, len);
	n = enhanced_length(line, reply->head[0], &skip);
	if (n > 0)
	{
		memcpy(reply->enhanced, line, n);
		reply->enhanced[n] = '\0';
		memmove(line, line + skip, len - skip + 1);
		reply->len -= skip;
	}
	if (reply->line_len == 3 || reply->head[3] == ' ')
		return SMTP_REPLY_COMPLETE;

	if (reply->len < SMTP_REPLY_TEXT - 1)
		reply->text[reply->len++] = '\n';
	reply->line_start = reply->len;
	reply->line_len = 0;
	return SMTP_REPLY_MORE;
}

SmtpReplyStatus
smtp_reply_feed(SmtpReply *reply, const char *bytes, size_t n, size_t *used)
{
	for (size_t i = 0; i < n; i++)
	{
		char c = bytes[i];

		if (++reply->total > SMTP_REPLY_MAX)
			return SMTP_REPLY_BAD;
		if (c == '\n')
		{
			SmtpReplyStatus status = end_line(reply);

			*used = i + 1;
			if (status != SMTP_REPLY_MORE)
				return status;
		}
		else if (c != '\r')
		{
			if (reply->line_len < 4)
				reply->head[reply->line_len] = c;
			else if (reply->len < SMTP_REPLY_TEXT - 1)
				reply->text[reply->len++] = c;
			reply->line_len++;
		}
	}
	*used = n;
	return SMTP_REPLY_MORE;
}

/*
 * token: a copy of the word at text, without the marks servers put around it.
 */
static char *
token(const char *text)
{
	size_t len;
	char *copy;

	text += strspn(text, " <(\"");
	len = strcspn(text, " \n\t<>()\",;");
	while (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0)
		return NULL;
	copy = malloc(len + 1);
	if (copy != NULL)
	{
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

/*
 * find: like strstr, whatever the case.
 */
static const char *
find(const char *text, const char *what)
{
	size_t len = strlen(what);

	for (; *text != '\0'; text++)
	{
		if (pg_strncasecmp(text, what, len) == 0)
			return text;
	}
	return NULL;
}

/*
 * smtp_reply_queue_id: each kind of server has its own way to say it, and none
 * has to.
 */
char *
smtp_reply_queue_id(const SmtpReply *reply)
{
	static const char *const before[] = {"queued as ", "queued-as ", "InternalId=", " id=", " qp "};
	const char *text = reply->text;
	const char *p;

	for (int i = 0; i < lengthof(before); i++)
	{
		p = find(text, before[i]);
		if (p != NULL)
			return token(p + strlen(before[i]));
	}

	/* sendmail: the name, then "Message accepted for delivery" */
	p = find(text, " Message accepted");
	if (p != NULL && p > text && memchr(text, ' ', p - text) == NULL)
		return token(text);

	/* "Ok: NAME", "Ok NAME", "OK 1700000000 NAME - gsmtp" */
	if (pg_strncasecmp(text, "ok", 2) == 0 && (text[2] == ' ' || text[2] == ':'))
	{
		size_t len;

		text += 2;
		text += strspn(text, ": ");
		len = strcspn(text, " \n");
		if (find(text, "gsmtp") != NULL && text[strspn(text, "0123456789")] == ' ')
			return token(text + len + strspn(text + len, " "));
		if (text[len] != ' ' && strcspn(text, "0123456789") < len)
			return token(text);
	}
	return NULL;
}

void
smtp_reply_capabilities(const SmtpReply *reply, SmtpCapabilities *caps)
{
	const char *line = reply->text;

	memset(caps, 0, sizeof(*caps));
	if (reply->code != 250)
		return;

	/* The first line is the server's name. */
	while ((line = strchr(line, '\n')) != NULL)
	{
		size_t len = strcspn(++line, " =\n");

#define IS(word) (len == strlen(word) && pg_strncasecmp(line, word, len) == 0)
		if (IS("PIPELINING"))
			caps->pipelining = true;
		else if (IS("8BITMIME"))
			caps->eightbit = true;
		else if (IS("SMTPUTF8"))
			caps->smtputf8 = true;
		else if (IS("DSN"))
			caps->dsn = true;
		else if (IS("AUTH"))
			caps->auth = true;
		else if (IS("SIZE"))
		{
			caps->size = true;
			if (line[len] == ' ' && is_digit(line[len + 1]))
				caps->max_size = strtoull(line + len + 1, NULL, 10);
		}
#undef IS
	}
}
