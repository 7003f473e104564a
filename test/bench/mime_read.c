/*-------------------------------------------------------------------------
 *
 * mime_read.c
 *	  How many mails a second mime_read() reads on one core.
 *
 * Arguments: how often, then files or directories of files.  Prints one
 * number.  The files are in memory before the clock starts.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "core/mime.h"

typedef struct File
{
	char *data;
	size_t len;
} File;

static File *files;
static int file_count;
static int file_room;

static int
load_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	StringInfoData data;
	char block[65536];
	size_t got;

	if (file == NULL)
	{
		fprintf(stderr, "%s cannot be opened\n", path);
		return 1;
	}
	initStringInfo(&data);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		appendBinaryStringInfo(&data, block, (int) got);
	fclose(file);
	if (file_count == file_room)
	{
		file_room = file_room == 0 ? 64 : file_room * 2;
		files = files == NULL ? palloc(file_room * sizeof(File)) :
								repalloc(files, file_room * sizeof(File));
	}
	files[file_count].data = data.data;
	files[file_count++].len = data.len;
	return 0;
}

static int
load(const char *path)
{
	struct stat status;
	DIR *directory;
	struct dirent *entry;
	int failed = 0;

	if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return load_file(path);
	directory = opendir(path);
	if (directory == NULL)
		return 1;
	while ((entry = readdir(directory)) != NULL && !failed)
	{
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed = load_file(name);
	}
	closedir(directory);
	return failed;
}

static double
now(void)
{
	struct timespec clock;

	clock_gettime(CLOCK_MONOTONIC, &clock);
	return clock.tv_sec + clock.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	int times = argc > 2 ? (int) strtol(argv[1], NULL, 10) : 0;
	size_t seen = 0;
	double start;

	if (times <= 0)
	{
		fprintf(stderr, "usage: %s TIMES FILE|DIRECTORY...\n", argv[0]);
		return 2;
	}
	for (int i = 2; i < argc; i++)
	{
		if (load(argv[i]) != 0)
			return 1;
	}
	if (file_count == 0)
		return 1;

	start = now();
	for (int n = 0; n < times; n++)
	{
		for (int i = 0; i < file_count; i++)
		{
			MimeMessage *mail = mime_read(files[i].data, files[i].len);

			seen += mail->text_length + mail->attachment_count;
			mime_free(mail);
		}
	}
	printf("%.0f\n", (double) times * file_count / (now() - start));
	return seen == 0 ? 1 : 0;
}
