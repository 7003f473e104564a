/*-------------------------------------------------------------------------
 *
 * holiday_rule.h
 *	  Recurrence rules (RRULE of RFC 5545) of whole days.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_HOLIDAY_RULE_H
#define AR_INBOX_HOLIDAY_RULE_H

#include "core/core.h"

#include <libical/ical.h>

#define HOLIDAY_MAX_YEAR 9999

/* Days looked at for all rules of a file together. */
#define HOLIDAY_RULE_BUDGET INT64CONST(20000000)

/* A date's number: 0 is 2000-01-01.  False where there is no such date. */
extern bool holiday_day(int year, int month, int day, int32 *number);

typedef struct HolidayRule HolidayRule;

/* The rule that libical has read; NULL, with the fault, where it is none of days. */
extern HolidayRule *holiday_rule_make(const struct icalrecurrencetype *read, const char **fault);

/*
 * Gives the days of the rule from "from" to "to" to the callback, in order;
 * start is that of the event.  Each day that is looked at takes one off the
 * budget; false where it is used up.
 */
extern bool holiday_rule_expand(const HolidayRule *rule, int32 start, int32 from, int32 to,
								int64 *budget, void (*add)(void *arg, int32 day), void *arg);

#endif /* AR_INBOX_HOLIDAY_RULE_H */
