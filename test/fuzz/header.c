/*-------------------------------------------------------------------------
 *
 * header.c
 *	  Fuzz target: the value of a header field, by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/bounce.h"
#include "core/mime_internal.h"
#include "core/quoted.h"
#include "core/report.h"

static void
see_parameter(MimeReader *reader, MimeSlice value, const char *name)
{
	MimeSlice got = mime_param_value(reader, value, name);

	if (got.data != NULL)
		fuzz_saw(got.data, got.len);
	fuzz_file_name(mime_file_name(reader, value, name));
}

void
fuzz_run(const char *data, size_t size)
{
	char *value;
	MimeAddressList list;
	MimeMessage mail = {0};
	MimeReader reader;
	MimeSlice slice = {data, size};
	MimeIdList ids = {0};
	int64 date;
	int offset;
	size_t cut;

	fuzz_fields(data, size, &value, 1);
	list = mime_parse_addresses(value);
	for (int i = 0; i < list.count; i++)
	{
		fuzz_text("name", list.items[i].name);
		must(list.items[i].address != NULL, "no address");
		fuzz_text("address", list.items[i].address);
	}
	fuzz_text("decoded", mime_decode_header(value));
	if (mime_parse_date(value, &date, &offset))
	{
		fuzz_saw_number(date);
		fuzz_saw_number(offset);
	}

	/* With NULs, as the reader finds them in a mail. */
	mail.arena = mime_arena_create(1024);
	mime_reader_init(&reader, &mail);
	see_parameter(&reader, slice, "name");
	see_parameter(&reader, slice, "filename");
	see_parameter(&reader, slice, "boundary");
	mime_ids(&reader, slice, &ids, false);
	for (int i = 0; i < ids.count; i++)
		fuzz_text("id", ids.ids[i]);
	if (mime_date(slice, &date, &offset))
		fuzz_saw_number(date);
	fuzz_saw_number(mail.defects);
	mime_reader_done(&reader);
	mime_arena_free(mail.arena);

	/* What reads reports is given clean text. */
	if (fuzz_utf8(value, strlen(value)) == strlen(value))
	{
		cut = quoted_offset(value, strlen(value), value);
		must(fuzz_boundary(value, strlen(value), cut), "quoted_offset: %zu", cut);
		fuzz_saw_number(cut);
		fuzz_text("typed address", report_typed_address(value));
		fuzz_text("typed text", report_typed_text(value));
		fuzz_text("report's id", report_id(value));
		fuzz_text("status", bounce_find_status(value));
		fuzz_text("kind", bounce_kind_name(bounce_judge(NULL, value)));
		fuzz_text("kind", bounce_kind_name(bounce_judge(value, NULL)));
		fuzz_saw_number(quoted_is_forward(value));
	}
}
