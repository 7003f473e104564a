/*-------------------------------------------------------------------------
 *
 * functions/file_type.c
 *	  The type of a file by its content, as an SQL function.
 *
 * libmagic knows the signatures.  It sees the first 64 kB, never unpacks
 * anything, starts no process and opens no file but its own list, which is
 * mapped once for each backend that asks.  Its reader of OLE storages is left
 * out: it follows chains of sectors that the sender laid, and cannot follow
 * them to the end in a part of the file.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include <ctype.h>
#include <magic.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/file_type.h"

/* how far libmagic may go for one file */
#define MAX_INDIRECTIONS 10
#define MAX_NAMED_USES 30
#define MAX_REGEX_BYTES 1024

/*
 * What libmagic gets of a text: its regular expressions take time by the
 * square of the blanks they meet (4,000 line breaks: 100 ms).
 */
#define MAX_TEXT_BYTES 4096
#define MAX_BLANKS 4 /* in a row */

#define FLAGS                                                                                      \
	(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ELF |         \
	 MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_TOKENS | MAGIC_NO_CHECK_APPTYPE)

PG_FUNCTION_INFO_V1(ar_inbox_content_type);

/*
 * The signatures, which stay for as long as the backend does.  NULL if they
 * cannot be had: that is tried again the next time, and said once.
 */
static magic_t
signatures(void)
{
	static const struct
	{
		int parameter;
		size_t limit;
	} limits[] = {{MAGIC_PARAM_INDIR_MAX, MAX_INDIRECTIONS},
				  {MAGIC_PARAM_NAME_MAX, MAX_NAMED_USES},
				  {MAGIC_PARAM_REGEX_MAX, MAX_REGEX_BYTES},
				  {MAGIC_PARAM_BYTES_MAX, FILE_TYPE_LOOK}};
	static magic_t loaded = NULL;
	static bool said = false;
	magic_t opened;

	if (loaded != NULL)
		return loaded;
	opened = magic_open(FLAGS);
	if (opened != NULL && magic_load(opened, NULL) == 0)
	{
		for (int i = 0; i < lengthof(limits); i++)
			(void) magic_setparam(opened, limits[i].parameter, &limits[i].limit);
		loaded = opened;
		return loaded;
	}
	if (!said)
	{
		const char *why = opened != NULL ? magic_error(opened) : NULL;

		said = true;
		ereport(LOG, (errmsg("could not load the signatures of file types: %s",
							 why != NULL ? why : "out of memory")));
	}
	if (opened != NULL)
		magic_close(opened);
	return NULL;
}

/* Is this a text, so far as libmagic would see of it? */
static bool
is_text(const char *data, size_t len)
{
	for (size_t i = 0; i < len && i < MAX_TEXT_BYTES; i++)
	{
		unsigned char c = (unsigned char) data[i];

		if (c < ' ' && !isspace(c) && c != 0x1B)
			return false;
	}
	return true;
}

/* The beginning of a text, with at most a few blanks in a row and none first. */
static size_t
squeeze(const char *data, size_t len, char text[MAX_TEXT_BYTES])
{
	size_t n = 0;
	int blanks = MAX_BLANKS;

	for (size_t i = 0; i < len && n < MAX_TEXT_BYTES; i++)
	{
		blanks = isspace((unsigned char) data[i]) ? blanks + 1 : 0;
		if (blanks <= MAX_BLANKS)
			text[n++] = data[i];
	}
	return n;
}

/*
 * content_type(content bytea, name text, declared text): what a file is.
 */
Datum
ar_inbox_content_type(PG_FUNCTION_ARGS)
{
	bytea *content;
	char *name = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *declared = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	magic_t magic;
	const char *found = NULL;
	const char *data;
	size_t len;
	char text[MAX_TEXT_BYTES];

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	content = PG_GETARG_BYTEA_P_SLICE(0, 0, FILE_TYPE_LOOK);
	data = VARDATA_ANY(content);
	len = VARSIZE_ANY_EXHDR(content);

	magic = signatures();
	if (magic != NULL)
	{
		if (!is_text(data, len))
			found = magic_buffer(magic, data, len);
		else if (len > 0)
		{
			size_t squeezed = squeeze(data, len, text);

			found = squeezed > 0 ? magic_buffer(magic, text, squeezed) : "text/plain";
		}
	}
	PG_RETURN_TEXT_P(cstring_to_text(file_type(found, data, len, name, declared)));
}
