/*-------------------------------------------------------------------------
 *
 * imap_parse.c
 *	  An IMAP server's answers: read by literal counts, then parsed.
 *
 * A mail travels inside an answer, so a mail may contain what looks like the
 * answer's end and like answers of its own.  Only counting tells them apart:
 * the bytes of a literal never reach the parser, and the parser never looks
 * for anything in them.  What looks like a literal in the free text of OK, NO,
 * BAD and BYE, or in quotes, is none.
 *
 * Everything is bounded: an answer's text, the literals in it, what is kept of
 * each.  Nothing recurses.
 *
 *-------------------------------------------------------------------------
 */
#include "net/imap_parse.h"

#include "net/net_connection.h"

#define TEXT_MAX (16 * 1024 * 1024) /* UIDs of two million messages */
#define LITERAL_MAX UINT64CONST(0xffffffff)

void
imap_reader_reset(ImapReader *reader)
{
	for (int i = 0; i < reader->n_literals; i++)
		free(reader->literals[i].data);
	reader->n_literals = 0;
	reader->len = 0;
	reader->line_start = 0;
	reader->in_literal = false;

	/* One long list of UIDs is no reason to keep its memory. */
	if (reader->size > 1024 * 1024)
	{
		free(reader->text);
		reader->text = NULL;
		reader->size = 0;
	}
}

void
imap_reader_free(ImapReader *reader)
{
	imap_reader_reset(reader);
	free(reader->text);
	reader->text = NULL;
	reader->size = 0;
}

/*
 * append: adds to the text, with room for one NUL more.
 */
static ImapReadStatus
append(ImapReader *reader, const char *bytes, size_t n)
{
	if (n > TEXT_MAX - reader->len)
		return IMAP_READ_BAD;
	if (reader->len + n + 2 > reader->size)
	{
		size_t size = Max(reader->size * 2, 4096);
		char *text;

		while (size < reader->len + n + 2)
			size *= 2;
		text = realloc(reader->text, size);
		if (text == NULL)
			return IMAP_READ_NO_MEMORY;
		reader->text = text;
		reader->size = size;
	}
	memcpy(reader->text + reader->len, bytes, n);
	reader->len += n;
	return IMAP_READ_MORE;
}

bool
imap_number(const char **p, uint64 max, uint64 *value)
{
	uint64 n = 0;
	const char *start = *p;

	while (**p >= '0' && **p <= '9')
	{
		uint64 digit = **p - '0';

		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
		(*p)++;
	}
	*value = n;
	return *p > start;
}

/*
 * takes_literals: whether this answer's grammar has literals.  Those whose
 * text is for people do not, whatever the text looks like.
 */
static bool
takes_literals(const ImapReader *reader)
{
	static const char *const prose[] = {"* OK", "* NO", "* BAD", "* BYE", "* PREAUTH"};

	if (reader->len < 2 || memcmp(reader->text, "* ", 2) != 0)
		return false;
	for (int i = 0; i < lengthof(prose); i++)
	{
		size_t len = strlen(prose[i]);

		if (pg_strncasecmp(reader->text, prose[i], len) == 0 &&
			(reader->text[len] == ' ' || reader->text[len] == '\0'))
			return false;
	}
	return true;
}

/*
 * literal_at_end: whether the line that ends here announces a literal; where
 * its brace stands and how many bytes follow.
 */
static ImapReadStatus
literal_at_end(const ImapReader *reader, size_t *brace, uint64 *size, bool *found)
{
	const char *text = reader->text;
	size_t i = reader->len;
	const char *p;
	bool quoted = false;

	*found = false;
	if (i == reader->line_start || text[i - 1] != '}' || !takes_literals(reader))
		return IMAP_READ_MORE;
	for (i--; i > reader->line_start && text[i - 1] >= '0' && text[i - 1] <= '9'; i--)
		;
	if (i == reader->line_start || text[i - 1] != '{' || text[i] == '}')
		return IMAP_READ_MORE;

	/* Not if the brace is inside quotes. */
	for (size_t q = reader->line_start; q < i - 1; q++)
	{
		if (text[q] == '"')
			quoted = !quoted;
		else if (quoted && text[q] == '\\')
			q++;
	}
	if (quoted)
		return IMAP_READ_MORE;

	p = text + i;
	if (!imap_number(&p, LITERAL_MAX, size))
		return IMAP_READ_BAD;
	*brace = i - 1;
	if (*brace > reader->line_start && text[*brace - 1] == '~')
		(*brace)--;
	*found = true;
	return IMAP_READ_MORE;
}

/*
 * end_line: a CRLF was read; the answer ends here, or a literal begins.
 */
static ImapReadStatus
end_line(ImapReader *reader)
{
	ImapLiteral *literal;
	size_t brace;
	uint64 size;
	bool found;

	if (reader->len == reader->line_start || reader->text[reader->len - 1] != '\r')
		return IMAP_READ_BAD;
	reader->text[--reader->len] = '\0';
	if (memchr(reader->text + reader->line_start, '\0', reader->len - reader->line_start) != NULL)
		return IMAP_READ_BAD;
	if (literal_at_end(reader, &brace, &size, &found) == IMAP_READ_BAD)
		return IMAP_READ_BAD;
	if (!found)
		return IMAP_READ_COMPLETE;

	if (reader->n_literals == IMAP_MAX_LITERALS)
		return IMAP_READ_BAD;
	literal = &reader->literals[reader->n_literals];
	literal->at = brace;
	literal->size = size;
	literal->data = NULL;
	if (size <= reader->literal_max)
	{
		literal->data = malloc(size + 1);
		if (literal->data == NULL)
			return IMAP_READ_NO_MEMORY;
		literal->data[size] = '\0';
	}
	reader->n_literals++;
	reader->literal_got = 0;
	reader->in_literal = size > 0;
	reader->len = brace;
	reader->text[reader->len++] = '\0';
	reader->line_start = reader->len;
	return IMAP_READ_MORE;
}

ImapReadStatus
imap_reader_feed(ImapReader *reader, const char *bytes, size_t n, size_t *used)
{
	size_t pos = 0;

	while (pos < n)
	{
		ImapReadStatus status;
		const char *end;

		if (reader->in_literal)
		{
			ImapLiteral *literal = &reader->literals[reader->n_literals - 1];
			size_t take = Min((uint64) (n - pos), literal->size - reader->literal_got);

			if (literal->data != NULL)
				memcpy(literal->data + reader->literal_got, bytes + pos, take);
			reader->literal_got += take;
			pos += take;
			reader->in_literal = reader->literal_got < literal->size;
			continue;
		}

		end = memchr(bytes + pos, '\n', n - pos);
		status = append(reader, bytes + pos, (end != NULL ? end - (bytes + pos) : n - pos));
		if (status != IMAP_READ_MORE)
			return status;
		if (end == NULL)
			break;
		pos = end - bytes + 1;
		status = end_line(reader);
		if (status != IMAP_READ_MORE)
		{
			*used = pos;
			return status;
		}
	}
	*used = n;
	return IMAP_READ_MORE;
}

/* ---- parsing a complete answer ---- */

bool
imap_has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (;;)
	{
		size_t n;

		words += strspn(words, " ");
		n = strcspn(words, " ");
		if (n == 0)
			return false;
		if (n == len && pg_strncasecmp(words, word, len) == 0)
			return true;
		words += n;
	}
}

/*
 * take_status: "OK [CODE] text" at p.
 */
static bool
take_status(char *p, ImapResponse *response)
{
	static const char *const names[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
	size_t len = strcspn(p, " ");

	for (int i = 0; i < lengthof(names); i++)
	{
		if (len != strlen(names[i]) || pg_strncasecmp(p, names[i], len) != 0)
			continue;
		response->status = i;
		p += len;
		p += strspn(p, " ");
		response->code = "";
		if (*p == '[' && strchr(p, ']') != NULL)
		{
			response->code = ++p;
			p = strchr(p, ']');
			*p++ = '\0';
			p += strspn(p, " ");
		}
		response->rest = p;
		return true;
	}
	return false;
}

/* Where a FETCH answer is being read. */
typedef struct Cursor
{
	ImapReader *reader;
	size_t pos;
	int literal; /* the next one */
} Cursor;

static char
at(const Cursor *c)
{
	return c->pos < c->reader->len ? c->reader->text[c->pos] : '\r';
}

/*
 * take_literal: the literal that stands here, or NULL.
 */
static ImapLiteral *
take_literal(Cursor *c)
{
	ImapReader *reader = c->reader;

	if (c->pos >= reader->len || c->literal >= reader->n_literals ||
		reader->literals[c->literal].at != c->pos)
		return NULL;
	c->pos++;
	return &reader->literals[c->literal++];
}

/*
 * take_quoted: the string in quotes here, its escapes undone in place; or NULL.
 */
static char *
take_quoted(Cursor *c)
{
	char *text = c->reader->text;
	size_t to;
	char *start;

	if (at(c) != '"')
		return NULL;
	to = ++c->pos;
	start = text + to;
	while (c->pos < c->reader->len && text[c->pos] != '"')
	{
		if (text[c->pos] == '\\')
			c->pos++;
		if (c->pos >= c->reader->len || text[c->pos] == '\0')
			return NULL;
		text[to++] = text[c->pos++];
	}
	if (c->pos >= c->reader->len)
		return NULL;
	c->pos++;
	text[to] = '\0';
	return start;
}

/*
 * skip_value: an item we did not ask for: atom, string, literal or list.
 */
static bool
skip_value(Cursor *c)
{
	int64 depth = 0;

	do
	{
		char ch = at(c);

		if (take_literal(c) != NULL)
			continue;
		if (ch == '"')
		{
			if (take_quoted(c) == NULL)
				return false;
		}
		else if (ch == '(')
		{
			depth++;
			c->pos++;
		}
		else if (ch == ')')
		{
			if (--depth < 0)
				return false;
			c->pos++;
		}
		else if (ch == ' ' && depth > 0)
			c->pos++;
		else
		{
			size_t start = c->pos;

			while (c->pos < c->reader->len && at(c) != '\0' && strchr(" ()\"", at(c)) == NULL)
				c->pos++;
			if (c->pos == start)
				return false;
		}
	} while (depth > 0);
	return true;
}

/*
 * take_name: an item's name; BODY[...] may have spaces and lists inside.
 */
static const char *
take_name(Cursor *c, size_t *len)
{
	size_t start = c->pos;
	int64 depth = 0;

	for (; c->pos < c->reader->len; c->pos++)
	{
		char ch = at(c);

		if (ch == '[')
			depth++;
		else if (ch == ']')
			depth--;
		else if (ch == '\0' || (ch == ' ' && depth <= 0) || (ch == ')' && depth <= 0))
			break;
	}
	*len = c->pos - start;
	if (*len == 0 || at(c) != ' ')
		return NULL;
	c->pos++;
	return c->reader->text + start;
}

/*
 * take_item: one name and its value.
 */
static bool
take_item(Cursor *c, ImapResponse *response)
{
	size_t len;
	const char *name = take_name(c, &len);
	const char *p = c->reader->text + c->pos;
	uint64 n;

	if (name == NULL)
		return false;
#define IS(word) (len == strlen(word) && pg_strncasecmp(name, word, len) == 0)
	if (IS("UID"))
	{
		if (!imap_number(&p, PG_UINT32_MAX, &n) || n == 0)
			return false;
		response->uid = (uint32) n;
		c->pos = p - c->reader->text;
	}
	else if (IS("RFC822.SIZE"))
	{
		if (!imap_number(&p, PG_INT64_MAX, &n))
			return false;
		response->size = n;
		response->has_size = true;
		c->pos = p - c->reader->text;
	}
	else if (IS("FLAGS"))
	{
		char *end;

		if (*p != '(' || (end = strchr(c->reader->text + c->pos, ')')) == NULL)
			return false;
		response->flags = c->reader->text + c->pos + 1;
		*end = '\0';
		c->pos = end - c->reader->text + 1;
	}
	else if (IS("INTERNALDATE"))
	{
		response->internaldate = take_quoted(c);
		return response->internaldate != NULL;
	}
	else if (IS("BODY[]"))
	{
		/* Two bodies in one answer are one too many to know which is meant. */
		if (response->has_body)
			return false;
		response->has_body = true;
		response->body = take_literal(c);
		if (response->body != NULL)
			return true;
		if (at(c) == '"')
		{
			response->quoted_body = take_quoted(c);
			return response->quoted_body != NULL;
		}
		return skip_value(c);
	}
	else
		return skip_value(c);
#undef IS
	return true;
}

/*
 * parse_fetch: "(name value name value ...)" to the very end of the answer.
 */
static bool
parse_fetch(ImapReader *reader, size_t pos, ImapResponse *response)
{
	Cursor c = {reader, pos, 0};

	if (at(&c) != '(')
		return false;
	c.pos++;
	while (at(&c) != ')')
	{
		if (!take_item(&c, response))
			return false;
		if (at(&c) == ' ')
			c.pos++;
		else if (at(&c) != ')')
			return false;
	}
	return c.pos + 1 == reader->len && c.literal == reader->n_literals;
}

/*
 * parse_untagged: what follows "* ".
 */
static bool
parse_untagged(ImapReader *reader, ImapResponse *response)
{
	char *p = reader->text + 2;
	const char *q = p;
	size_t len;
	uint64 number;

	if (imap_number(&q, PG_UINT32_MAX, &number))
	{
		if (*q++ != ' ')
			return false;
		response->number = (uint32) number;
		response->kind = IMAP_OTHER;
		if (pg_strcasecmp(q, "EXISTS") == 0)
			response->kind = IMAP_EXISTS;
		else if (pg_strcasecmp(q, "EXPUNGE") == 0)
			response->kind = IMAP_EXPUNGE;
		else if (pg_strncasecmp(q, "FETCH ", 6) == 0)
		{
			response->kind = IMAP_FETCH;
			return parse_fetch(reader, q + 6 - reader->text, response);
		}
		return true;
	}
	if (take_status(p, response))
	{
		response->kind = IMAP_STATUS;
		return true;
	}

	len = strcspn(p, " ");
	if (len == 0)
		return false;
	response->rest = p + len + (p[len] == ' ' ? 1 : 0);
#define IS(word) (len == strlen(word) && pg_strncasecmp(p, word, len) == 0)
	if (IS("SEARCH"))
		response->kind = IMAP_SEARCH;
	else if (IS("ESEARCH"))
		response->kind = IMAP_ESEARCH;
	else if (IS("CAPABILITY"))
		response->kind = IMAP_CAPABILITY;
	else
		response->kind = IMAP_OTHER;
#undef IS
	return true;
}

void
imap_parse(ImapReader *reader, ImapResponse *response)
{
	char *space;

	memset(response, 0, sizeof(*response));
	response->kind = IMAP_MALFORMED;
	if (reader->len == 0)
		return;
	reader->text[reader->len] = '\0';
	if (reader->text[0] == '+')
	{
		response->kind = IMAP_CONTINUE;
		response->rest = reader->text + 1;
	}
	else if (reader->len > 2 && memcmp(reader->text, "* ", 2) == 0)
	{
		if (!parse_untagged(reader, response))
			response->kind = IMAP_MALFORMED;
	}
	else if ((space = strchr(reader->text, ' ')) != NULL)
	{
		*space = '\0';
		response->tag = reader->text;
		if (take_status(space + 1, response))
			response->kind = IMAP_TAGGED;
	}
}
