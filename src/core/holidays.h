/*-------------------------------------------------------------------------
 *
 * holidays.h
 *	  The days of an iCalendar file (RFC 5545).
 *
 * Dates are days since 2000-01-01, as in schedule.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_HOLIDAYS_H
#define AR_INBOX_HOLIDAYS_H

#include "core/core.h"

#define HOLIDAYS_MAX_SIZE (1024 * 1024)
#define HOLIDAYS_MAX_EVENTS 5000
#define HOLIDAYS_MAX_NAME 200 /* characters; longer ones are cut */

/* The widest window that days are asked for. */
#define HOLIDAYS_MAX_WINDOW 10000

typedef struct Holiday
{
	int32 day;
	const char *name; /* UTF-8, one line; NULL where the event has none */
} Holiday;

typedef struct Holidays
{
	Holiday *days; /* in order, each once */
	int count;
	const char *fault; /* NULL, or what is wrong ... */
	int line;		   /* ... in which line, 0 for the file as a whole */
} Holidays;

/*
 * The days from first to last on which an event of the file lies.  False where
 * the file is not read, with the fault; no day of it is given then.
 */
extern bool holidays_read(const char *ics, size_t len, int32 first, int32 last, Holidays *out);

#endif /* AR_INBOX_HOLIDAYS_H */
