/*-------------------------------------------------------------------------
 *
 * holidays.c
 *	  Fuzz target: an iCalendar file of holidays.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/holidays.h"

/* 2025-06-01 to 2031-06-01 */
#define FIRST 9283
#define LAST 11474

void
fuzz_run(const char *data, size_t size)
{
	Holidays read;
	bool done = holidays_read(data, size, FIRST, LAST, &read);
	int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r';
	must(done == (read.fault == NULL), "read and refused at once");
	must(done || read.count == 0, "days of what was refused");
	must(read.line >= 0 && read.line <= lines, "line %d of %d", read.line, lines);
	fuzz_text("fault", read.fault);
	fuzz_saw_number(read.line);
	for (int i = 0; i < read.count; i++)
	{
		const Holiday *day = &read.days[i];

		must(day->day >= (i == 0 ? FIRST : read.days[i - 1].day + 1) && day->day <= LAST,
			 "day %d at %d", day->day, i);
		must(day->name == NULL || (day->name[0] != '\0' && strpbrk(day->name, "\r\n\t") == NULL),
			 "a name of nothing, or of two lines");
		must(day->name == NULL || strlen(day->name) <= HOLIDAYS_MAX_NAME * 4, "a long name");
		fuzz_text("name", day->name);
		fuzz_saw_number(day->day);
	}
}
