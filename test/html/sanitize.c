/*-------------------------------------------------------------------------
 *
 * sanitize.c
 *	  Sends many pieces of HTML through html_sanitize(), for those who judge
 *	  what comes out.
 *
 * Reads records of a length in decimal digits, a new line and so many bytes.
 * Writes for each the HtmlStatus, a space, a length, a new line and so many
 * bytes.  With the argument "time" it writes what the whole took instead:
 * the median of several rounds, in microseconds a record.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include "core/html.h"

#include <errno.h>
#include <time.h>

#define ROUNDS 31

typedef struct Record
{
	char *data;
	size_t len;
} Record;

/* read_record: false at the end of the input; dies where that is cut short. */
static bool
read_record(Record *record)
{
	char line[32];
	char *end;

	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	errno = 0;
	record->len = strtoul(line, &end, 10);
	if (errno != 0 || end == line || *end != '\n')
	{
		fprintf(stderr, "sanitize: not a length: %s\n", line);
		exit(2);
	}
	record->data = palloc(record->len + 1);
	if (fread(record->data, 1, record->len, stdin) != record->len)
	{
		fprintf(stderr, "sanitize: the input is cut short\n");
		exit(2);
	}
	return true;
}

static int
by_size(const void *a, const void *b)
{
	double left = *(const double *) a;
	double right = *(const double *) b;

	return (left > right) - (left < right);
}

static void
measure(const Record *records, int count)
{
	double took[ROUNDS];

	for (int round = 0; round < ROUNDS; round++)
	{
		struct timespec begin;
		struct timespec end;

		clock_gettime(CLOCK_MONOTONIC, &begin);
		for (int i = 0; i < count; i++)
		{
			StringInfoData out;

			initStringInfo(&out);
			html_sanitize(records[i].data, records[i].len, &out, NULL);
			pfree(out.data);
		}
		clock_gettime(CLOCK_MONOTONIC, &end);
		took[round] = (end.tv_sec - begin.tv_sec) * 1e6 + (end.tv_nsec - begin.tv_nsec) / 1e3;
	}
	qsort(took, ROUNDS, sizeof(double), by_size);
	printf("%.1f\n", took[ROUNDS / 2] / Max(count, 1));
}

int
main(int argc, char **argv)
{
	bool timed = argc > 1 && strcmp(argv[1], "time") == 0;
	Record *records = NULL;
	Record record;
	int count = 0;
	int room = 0;

	while (read_record(&record))
	{
		HtmlInfo info;
		StringInfoData out;

		if (timed)
		{
			if (count == room)
			{
				room = Max(room * 2, 64);
				records = records == NULL ? palloc(sizeof(Record) * room) :
											repalloc(records, sizeof(Record) * room);
			}
			records[count++] = record;
			continue;
		}
		initStringInfo(&out);
		html_sanitize(record.data, record.len, &out, &info);
		printf("%d %d\n", (int) info.status, out.len);
		fwrite(out.data, 1, out.len, stdout);
		pfree(out.data);
		pfree(record.data);
	}
	if (timed)
		measure(records, count);
	return ferror(stdin) || fflush(stdout) != 0 ? 2 : 0;
}
