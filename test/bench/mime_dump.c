/*-------------------------------------------------------------------------
 *
 * mime_dump.c
 *	  Prints what mime_read() makes of each file named, one JSON line each.
 *
 * test/mime_judge.py compares it with what Python's email package reads.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include "core/mime.h"

static void
put_string(const char *text)
{
	if (text == NULL)
	{
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++)
	{
		unsigned char c = (unsigned char) *text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
put_key(const char *key, const char *value)
{
	printf("\"%s\": ", key);
	put_string(value);
	fputs(", ", stdout);
}

static void
put_mailboxes(const char *key, const MimeAddressList *list)
{
	printf("\"%s\": [", key);
	for (int i = 0; i < list->count; i++)
	{
		fputs(i > 0 ? ", [" : "[", stdout);
		put_string(list->items[i].name);
		fputs(", ", stdout);
		put_string(list->items[i].address);
		putchar(']');
	}
	fputs("], ", stdout);
}

static void
dump(const char *data, size_t len)
{
	MimeMessage *mail = mime_read(data, len);
	StringInfoData defects;

	initStringInfo(&defects);
	mime_defect_names(mail->defects, &defects);
	putchar('{');
	put_key("subject", mail->subject);
	put_mailboxes("from", &mail->from);
	put_mailboxes("to", &mail->to);
	put_key("message_id", mail->message_id);
	if (mail->has_date)
		printf("\"date\": " INT64_FORMAT ", ", mail->date / 1000000);
	fputs("\"attachments\": [", stdout);
	for (int i = 0; i < mail->attachment_count; i++)
	{
		fputs(i > 0 ? ", " : "", stdout);
		put_string(mail->attachments[i].name);
	}
	fputs("], \"sizes\": [", stdout);
	for (int i = 0; i < mail->attachment_count; i++)
		printf("%s%zu", i > 0 ? ", " : "", mail->attachments[i].length);
	fputs("], ", stdout);
	put_key("text", mail->text_from_html ? NULL : mail->text);
	put_key("html", mail->html);
	put_key("automatic", mail->automatic_reason);
	fputs("\"defects\": ", stdout);
	put_string(defects.data);
	fputs("}\n", stdout);
	pfree(defects.data);
	mime_free(mail);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		FILE *file = fopen(argv[i], "rb");
		StringInfoData data;
		char block[65536];
		size_t got;

		if (file == NULL)
		{
			fprintf(stderr, "%s cannot be opened\n", argv[i]);
			return 1;
		}
		initStringInfo(&data);
		while ((got = fread(block, 1, sizeof(block), file)) > 0)
			appendBinaryStringInfo(&data, block, (int) got);
		fclose(file);
		dump(data.data, data.len);
		pfree(data.data);
	}
	return 0;
}
