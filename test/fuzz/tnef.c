/*-------------------------------------------------------------------------
 *
 * tnef.c
 *	  Fuzz target: a winmail.dat.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/mime_internal.h"

#define ROOM 5

void
fuzz_run(const char *data, size_t size)
{
	MimeAttachment *files = palloc(ROOM * sizeof(MimeAttachment));
	MimeMessage mail = {0};
	MimeReader reader;
	int count;

	mail.arena = mime_arena_create(1024);
	mime_reader_init(&reader, &mail);
	count = mime_tnef(&reader, data, size, files, ROOM);
	must(count >= 0 && count <= ROOM, "%d files in the room of %d", count, ROOM);
	must((mail.defects & ~(MIME_DEFECT_TNEF | MIME_DEFECT_PARTS)) == 0, "defects %x", mail.defects);
	fuzz_saw_number(mail.defects);
	for (int i = 0; i < count; i++)
	{
		const MimeAttachment *file = &files[i];

		fuzz_file_name(file->name);
		fuzz_media_type(file->type);
		fuzz_text("Content-ID", file->content_id);
		must(file->length <= size && file->content[file->length] == '\0', "content of %zu bytes",
			 file->length);
		fuzz_saw(file->content, file->length);
	}
	mime_reader_done(&reader);
	mime_arena_free(mail.arena);
}
