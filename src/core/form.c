/*-------------------------------------------------------------------------
 *
 * form.c
 *	  The bodies of HTTP requests that carry names and values.
 *
 *-------------------------------------------------------------------------
 */
#include "core/form.h"

/* put_encoded writes everything but what no reader takes for something else as %XX. */
static void
put_encoded(StringInfo body, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++)
	{
		unsigned char c = (unsigned char) *text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '.' || c == '_' || c == '~')
			appendStringInfoChar(body, *text);
		else
		{
			appendStringInfoChar(body, '%');
			appendStringInfoChar(body, digits[c >> 4]);
			appendStringInfoChar(body, digits[c & 15]);
		}
	}
}

void
form_urlencoded(StringInfo body, int count, const char *const *names, const char *const *values)
{
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(body, '&');
		put_encoded(body, names[i]);
		appendStringInfoChar(body, '=');
		put_encoded(body, values[i]);
	}
}

/*
 * put_name writes a name within quotes, as browsers do: what would end it, or
 * its line, as %XX.
 */
static void
put_name(StringInfo body, const char *name)
{
	for (; *name; name++)
	{
		if (*name == '"')
			appendStringInfoString(body, "%22");
		else if (*name == '\r')
			appendStringInfoString(body, "%0D");
		else if (*name == '\n')
			appendStringInfoString(body, "%0A");
		else
			appendStringInfoChar(body, *name);
	}
}

static void
begin_part(StringInfo body, const char *boundary, const char *name)
{
	appendStringInfo(body, "--%s\r\nContent-Disposition: form-data; name=\"", boundary);
	put_name(body, name);
	appendStringInfoChar(body, '"');
}

void
form_multipart(StringInfo body, const char *boundary, int count, const char *const *names,
			   const char *const *values, const FormFile *file)
{
	for (int i = 0; i < count; i++)
	{
		begin_part(body, boundary, names[i]);
		appendStringInfo(body, "\r\n\r\n%s\r\n", values[i]);
	}
	if (file)
	{
		begin_part(body, boundary, file->field);
		appendStringInfoString(body, "; filename=\"");
		put_name(body, file->name);
		appendStringInfoString(body, "\"\r\nContent-Type: ");
		for (const char *type = file->type; (unsigned char) *type >= ' '; type++)
			appendStringInfoChar(body, *type);
		appendStringInfoString(body, "\r\n\r\n");
		appendBinaryStringInfo(body, file->data, file->length);
		appendStringInfoString(body, "\r\n");
	}
	appendStringInfo(body, "--%s--\r\n", boundary);
}
