/*-------------------------------------------------------------------------
 *
 * mime_attached.c
 *	  What an attached message or event is found by: its subject and how its
 *	  text begins; its title, place and description.
 *
 * Only the beginning of the file is looked at, and what is in turn attached to
 * an attached message is not.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

#define MAX_LOOKED_AT (64 * 1024) /* bytes of a file */
#define MAX_TAKEN 4096			  /* bytes of text of a file */

/* append_some appends what of a text there is room for, by whole characters. */
static void
append_some(StringInfo out, int start, const char *text, size_t len)
{
	int used = out->len - start;

	if (used >= MAX_TAKEN)
		return;
	appendBinaryStringInfo(out, text, (int) whole_characters(text, len, MAX_TAKEN - used));
	appendStringInfoChar(out, '\n');
}

static void
message_text(const char *content, size_t len, StringInfo out)
{
	MimeMessage *mail = mime_read(content, Min(len, MAX_LOOKED_AT));
	int start = out->len;

	if (mail->subject != NULL)
		append_some(out, start, mail->subject, strlen(mail->subject));
	append_some(out, start, mail->text, mail->text_length);
	mime_free(mail);
}

/* append_value appends the value of a property (RFC 5545, 3.3.11), unescaped. */
static void
append_value(StringInfo out, int start, const char *value, const char *end)
{
	StringInfoData text;

	initStringInfo(&text);
	for (const char *p = value; p < end; p++)
	{
		if (*p == '\\' && p + 1 < end)
		{
			p++;
			appendStringInfoChar(&text, *p == 'n' || *p == 'N' ? '\n' : *p);
		}
		else
			appendStringInfoChar(&text, *p);
	}
	append_some(out, start, text.data, text.len);
	pfree(text.data);
}

/* value_of returns where the value of a content line begins, NULL: nowhere. */
static const char *
value_of(const char *line, const char *end)
{
	bool quoted = false;

	for (; line < end; line++)
	{
		if (*line == '"')
			quoted = !quoted;
		else if (*line == ':' && !quoted)
			return line + 1;
	}
	return NULL;
}

static void
event_text(const char *content, size_t len, StringInfo out)
{
	static const char *const properties[] = {"summary", "location", "description"};
	StringInfoData text;
	StringInfoData line;
	int start = out->len;
	const char *p;
	const char *end;

	initStringInfo(&text);
	initStringInfo(&line);
	charset_to_utf8("utf-8", 5, content, Min(len, MAX_LOOKED_AT), &text);
	p = text.data;
	end = text.data + text.len;
	while (p < end && out->len - start < MAX_TAKEN)
	{
		MimeSlice name;
		const char *value;

		/* A line that begins with a blank goes on with the one before. */
		resetStringInfo(&line);
		do
		{
			const char *stop = memchr(p, '\n', end - p);

			if (stop == NULL)
				stop = end;
			if (line.len > 0)
				p++;
			appendBinaryStringInfo(&line, p,
								   (int) (stop - p - (stop > p && stop[-1] == '\r' ? 1 : 0)));
			p = stop < end ? stop + 1 : end;
		} while (p < end && line.len > 0 && (*p == ' ' || *p == '\t'));

		name.data = line.data;
		name.len = line.len == 0 ? 0 : strcspn(line.data, ";:");
		value = value_of(line.data, line.data + line.len);
		for (int i = 0; i < lengthof(properties) && value != NULL; i++)
		{
			if (mime_equal(name, properties[i]))
				append_value(out, start, value, line.data + line.len);
		}
	}
	pfree(line.data);
	pfree(text.data);
}

/* is_called: a file whose type says nothing goes by the end of its name. */
static bool
is_called(const char *type, const char *name, const char *end)
{
	size_t len = name == NULL ? 0 : strlen(name);

	return len > strlen(end) && pg_strcasecmp(name + len - strlen(end), end) == 0 &&
		   (strcmp(type, "application/octet-stream") == 0 || strcmp(type, "text/plain") == 0);
}

static bool
is_message(const char *type, const char *name)
{
	return strcmp(type, "message/rfc822") == 0 || strcmp(type, "message/global") == 0 ||
		   is_called(type, name, ".eml");
}

/* mime_has_attached_text: whether a file of this type and name is looked into. */
bool
mime_has_attached_text(const char *type, const char *name)
{
	return is_message(type, name) || strcmp(type, "text/calendar") == 0 ||
		   is_called(type, name, ".ics");
}

/*
 * mime_attached_text appends what a file of this type and name is found by,
 * if it is a message or an event: some lines, 4 kB at most.
 */
void
mime_attached_text(const char *type, const char *name, const char *content, size_t len,
				   StringInfo out)
{
	if (!mime_has_attached_text(type, name))
		return;
	if (is_message(type, name))
		message_text(content, len, out);
	else
		event_text(content, len, out);
}
