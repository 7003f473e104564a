/*-------------------------------------------------------------------------
 *
 * mime_authentication.c
 *	  What our own mail servers found out about who sent a mail (RFC 8601).
 *
 * Anyone can write an Authentication-Results field.  Which are believed:
 *
 *	1. The header is read from the top, for each server puts its fields above
 *	   those it received.  It is read down to the first Received field of a
 *	   foreign server, to the blank line, or to a line that is no field.  What
 *	   stands below was written before the mail came to us.
 *	2. A Received field is foreign if a host behind its "by" is neither one of
 *	   the trusted names nor a name below one (mx1.example.com is below
 *	   example.com), or if it has no "by".  A host that is an IP address or has
 *	   no dot (localhost, a mail filter's container) is no one's in particular
 *	   and does not count: servers of our own pass mail on by such names.
 *	3. Of the fields in that stretch, those count whose authserv-id is one of
 *	   the trusted names: the same name, in any letter case, not one below it.
 *	4. If several of them report a method, the uppermost has the say on that
 *	   method, for it was written last.
 *
 * RFC 8601, section 5, has the server that takes mail from outside remove
 * fields that claim to be its own.  A server that does not, and does not check
 * a method itself, lets a sender report on that method: no reader can tell.
 *
 * Fields are short but the sender's; everything here goes through them once.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_authentication.h"

#include "core/mime_internal.h"

/* more than any server writes */
#define MAX_RESULTS 100
#define MAX_PROPERTIES 30
#define MAX_VALUE 1000

/* The methods reported so far, by the fields above the one being read. */
typedef struct Report
{
	Authentication *found;
	int field_start; /* where the results of this field begin */
	int read;		 /* results in all fields, kept or not */
	StringInfoData text;
	StringInfoData name;
} Report;

static void
advance(MimeSlice *slice, size_t count)
{
	slice->data += count;
	slice->len -= count;
}

/* is_mark tells what ends a word. */
static bool
is_mark(char c, const char *marks)
{
	return mime_space(c) || c == '(' || (c != '\0' && strchr(marks, c) != NULL);
}

/* put_character adds to a word of bounded length; a NUL would end it early. */
static void
put_character(StringInfo word, char c)
{
	if (word->len < MAX_VALUE && c != '\r' && c != '\n')
		appendStringInfoChar(word, c != '\0' ? c : '?');
}

/*
 * take_word adds the word behind comments to "word" and returns all that is
 * there: plain characters and strings in quotation marks in any order
 * ("a b"@example.com), up to white space, a comment or one of the marks.  The
 * text is without quotation marks, and not yet UTF-8.
 */
static char *
take_word(MimeSlice *rest, const char *marks, StringInfo word)
{
	*rest = mime_skip_comments(*rest);
	while (rest->len > 0 && !is_mark(rest->data[0], marks))
	{
		bool quoted = rest->data[0] == '"';

		if (!quoted)
			put_character(word, rest->data[0]);
		advance(rest, 1);
		while (quoted && rest->len > 0)
		{
			quoted = rest->data[0] != '"';
			if (rest->data[0] == '\\' && rest->len > 1)
				advance(rest, 1);
			if (quoted)
				put_character(word, rest->data[0]);
			advance(rest, 1);
		}
	}
	return word->data;
}

static char *
next_word(MimeSlice *rest, const char *marks, StringInfo word)
{
	resetStringInfo(word);
	return take_word(rest, marks, word);
}

/* lower makes the word's letters lower-case, where it stands. */
static char *
lower(char *word)
{
	for (char *p = word; *p; p++)
		*p = mime_lower(*p);
	return word;
}

/* keep copies a word, as UTF-8. */
static char *
keep(const StringInfo word)
{
	StringInfoData utf8;
	char *copy;

	initStringInfo(&utf8);
	(void) charset_to_utf8(NULL, 0, word->data, word->len, &utf8);
	copy = pnstrdup(utf8.data, utf8.len);
	pfree(utf8.data);
	return copy;
}

/* skip_to moves behind the next mark that is in no comment and no string. */
static bool
skip_to(MimeSlice *rest, char mark)
{
	char marks[2] = {mark, '\0'};

	for (;;)
	{
		*rest = mime_skip_comments(*rest);
		if (rest->len == 0)
			return false;
		if (rest->data[0] == mark)
		{
			advance(rest, 1);
			return true;
		}
		while (rest->len > 0 && !is_mark(rest->data[0], marks))
		{
			bool quoted = rest->data[0] == '"';

			advance(rest, 1);
			while (quoted && rest->len > 0)
			{
				char c = rest->data[0];

				advance(rest, c == '\\' && rest->len > 1 ? 2 : 1);
				quoted = c != '"';
			}
		}
	}
}

/* take_mark reads a mark behind comments. */
static bool
take_mark(MimeSlice *rest, char mark)
{
	*rest = mime_skip_comments(*rest);
	if (rest->len == 0 || rest->data[0] != mark)
		return false;
	advance(rest, 1);
	return true;
}

/* is_below tells whether a host is a trusted name, or one below it. */
static bool
is_below(const char *host, const char *trusted)
{
	size_t host_len = strlen(host);
	size_t len = strlen(trusted);

	if (host_len > 0 && host[host_len - 1] == '.')
		host_len--;
	if (len == 0 || host_len < len || pg_strncasecmp(host + host_len - len, trusted, len) != 0)
		return false;
	return host_len == len || host[host_len - len - 1] == '.';
}

/* is_nobodys tells hosts that name no server in particular. */
static bool
is_nobodys(const char *host)
{
	return host[0] == '[' || strchr(host, ':') != NULL || strchr(host, '.') == NULL ||
		   host[strspn(host, "0123456789.")] == '\0';
}

/* is_foreign tells whether a server that is not ours wrote a Received field. */
static bool
is_foreign(MimeSlice value, char *const *trusted, int trusted_count, StringInfo text)
{
	bool has_by = false;
	bool first = true;

	for (;;)
	{
		char *word = lower(next_word(&value, ";", text));

		/* no word at all: the end, the date, or a stray mark */
		if (word[0] == '\0' && (value.len == 0 || value.data[0] == ';'))
			return !has_by;

		/* what stands behind "from" is the sender's word, even if it is "by" */
		if (first && strcmp(word, "from") == 0)
			(void) next_word(&value, ";", text);
		else if (strcmp(word, "by") == 0)
		{
			char *host = next_word(&value, ";", text);
			bool ours = host[0] != '\0' && is_nobodys(host);

			for (int i = 0; i < trusted_count && !ours; i++)
				ours = is_below(host, trusted[i]);
			if (!ours)
				return true;
			has_by = true;
		}
		first = false;
	}
}

static bool
has_property(const AuthenticationResult *result, const char *name)
{
	for (int i = 0; i < result->property_count; i++)
	{
		if (strcmp(result->properties[i].name, name) == 0)
			return true;
	}
	return false;
}

/*
 * add_result keeps a result.  A mail has many signatures, so of dkim all are
 * kept; else the first, but for spf the one that is about the envelope sender
 * (there may be another about the name that the server greeted with).
 */
static void
add_result(Report *report, const AuthenticationResult *result)
{
	Authentication *found = report->found;
	int at = found->count;

	for (int i = 0; i < found->count; i++)
	{
		if (strcmp(found->results[i].method, result->method) != 0)
			continue;
		if (i < report->field_start)
			return;
		if (strcmp(result->method, "dkim") != 0)
		{
			if (strcmp(result->method, "spf") == 0 && has_property(result, "smtp.mailfrom") &&
				!has_property(&found->results[i], "smtp.mailfrom"))
				found->results[i] = *result;
			return;
		}
		at = i + 1;
	}
	memmove(&found->results[at + 1], &found->results[at],
			sizeof(AuthenticationResult) * (found->count - at));
	found->results[at] = *result;
	found->count++;
}

/* take_properties reads what stands between a result and the next semicolon. */
static void
take_properties(MimeSlice *rest, AuthenticationResult *result, Report *report)
{
	StringInfo name = &report->name;

	for (;;)
	{
		*rest = mime_skip_comments(*rest);
		if (rest->len == 0 || rest->data[0] == ';')
			return;
		(void) next_word(rest, ";=.", name);

		/* the grammar allows comments around the dot */
		while (take_mark(rest, '.'))
		{
			put_character(name, '.');
			(void) take_word(rest, ";=.", name);
		}
		if (!take_mark(rest, '='))
			continue;
		(void) next_word(rest, ";", &report->text);

		/* of two with one name the first; "result" is taken by the result itself */
		lower(name->data);
		if (name->len == 0 || strcmp(name->data, "result") == 0 ||
			result->property_count == MAX_PROPERTIES || has_property(result, name->data))
			continue;
		if (result->properties == NULL)
			result->properties = palloc(sizeof(AuthenticationProperty) * MAX_PROPERTIES);
		result->properties[result->property_count].name = keep(name);
		result->properties[result->property_count++].value = keep(&report->text);
	}
}

/*
 * read_results reads a field that a trusted server may have written; false if
 * it did not, so that its claims are worth nothing.
 */
static bool
read_results(MimeSlice value, char *const *trusted, int trusted_count, Report *report)
{
	StringInfo text = &report->text;
	char *server = next_word(&value, ";", text);
	bool believed = false;

	for (int i = 0; i < trusted_count && !believed; i++)
		believed = server[0] != '\0' && pg_strcasecmp(server, trusted[i]) == 0;
	if (!believed)
		return false;

	report->field_start = report->found->count;
	while (report->read < MAX_RESULTS && skip_to(&value, ';'))
	{
		AuthenticationResult result = {0};

		lower(next_word(&value, ";=/", text));
		if (text->len == 0)
			continue;
		result.method = keep(text);
		if (take_mark(&value, '/'))
			(void) next_word(&value, ";=", text); /* the method's version */
		if (!take_mark(&value, '='))
			continue;
		lower(next_word(&value, ";", text));
		if (text->len == 0)
			continue;
		result.result = keep(text);
		take_properties(&value, &result, report);
		add_result(report, &result);
		report->read++;
	}
	return true;
}

/* next_field finds the field at "p"; NULL where the header ends. */
static const char *
next_field(const char *p, const char *end, char eol, MimeField *field)
{
	const char *colon = p;
	const char *next = p;

	while (colon<end && * colon> ' ' && *colon < 0x7F && *colon != ':')
		colon++;
	field->name.data = p;
	field->name.len = colon - p;
	while (colon < end && (*colon == ' ' || *colon == '\t'))
		colon++;
	if (colon >= end || *colon != ':' || field->name.len == 0)
		return NULL;

	/* the lines that begin with white space belong to it */
	do
	{
		next = memchr(next, eol, end - next);
		next = next == NULL ? end : next + 1;
	} while (next < end && (*next == ' ' || *next == '\t'));
	field->value.data = colon + 1;
	field->value.len = next - colon - 1;
	return next;
}

/*
 * authentication_header_ends
 *		Is the whole header in this beginning of a mail?
 */
bool
authentication_header_ends(const char *data, size_t len)
{
	const char *end = data + len;

	return mime_find(data, end, "\n\r\n") != NULL || mime_find(data, end, "\n\n") != NULL;
}

/*
 * authentication_read
 *		What servers with the trusted names report on a mail, of which at least
 *		the header is given.  NULL if they report nothing; that they did not
 *		check anything is a report without results.
 */
Authentication *
authentication_read(const char *data, size_t len, char *const *trusted, int trusted_count)
{
	const char *p = data;
	const char *end = data + Min(len, AUTHENTICATION_LOOK);
	char eol = memchr(data, '\n', end - data) != NULL ? '\n' : '\r';
	Report report;
	bool believed = false;
	MimeField field;

	/* the separator of a mailbox file */
	if (end - p > 5 && memcmp(p, "From ", 5) == 0)
	{
		p = memchr(p, eol, end - p);
		if (p == NULL)
			return NULL;
		p++;
	}
	report.read = 0;
	report.found = palloc0(sizeof(Authentication));
	report.found->results = palloc(sizeof(AuthenticationResult) * (MAX_RESULTS + 1));
	initStringInfo(&report.text);
	initStringInfo(&report.name);
	while (p < end && (p = next_field(p, end, eol, &field)) != NULL)
	{
		if (mime_equal(field.name, "received"))
		{
			if (is_foreign(field.value, trusted, trusted_count, &report.text))
				break;
		}
		else if (mime_equal(field.name, "authentication-results") &&
				 read_results(field.value, trusted, trusted_count, &report))
			believed = true;
	}
	pfree(report.text.data);
	pfree(report.name.data);
	return believed ? report.found : NULL;
}
