/*-------------------------------------------------------------------------
 *
 * functions/holidays.c
 *	  The days of an iCalendar file, as an SQL function.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/holidays.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/tuplestore.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(ar_inbox_calendar_days);

/* calendar_days(ics text, first date, last date): one row for each day. */
Datum
ar_inbox_calendar_days(PG_FUNCTION_ARGS)
{
	text *ics = PG_GETARG_TEXT_PP(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Holidays read;

	if (!holidays_read(VARDATA_ANY(ics), VARSIZE_ANY_EXHDR(ics), PG_GETARG_DATEADT(1),
					   PG_GETARG_DATEADT(2), &read))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 read.line > 0 ?
					 errmsg("the calendar cannot be read: line %d: %s", read.line, read.fault) :
					 errmsg("the calendar cannot be read: %s", read.fault),
				 errhint("Give an iCalendar file (RFC 5545) whose events are the days off.")));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < read.count; i++)
	{
		Datum values[2];
		bool nulls[2] = {false};

		values[0] = DateADTGetDatum(read.days[i].day);
		nulls[1] = read.days[i].name == NULL;
		values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(read.days[i].name);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
