/*-------------------------------------------------------------------------
 *
 * functions/statement.c
 *	  Statements that are planned once in a backend and run many times by SPI.
 *
 *-------------------------------------------------------------------------
 */
#include "functions/statement.h"

SPIPlanPtr
statement_plan(Statement *statement)
{
	if (statement->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(statement->text, statement->nargs, statement->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not plan \"%s\": %s", statement->text,
				 SPI_result_code_string(SPI_result));
		statement->plan = plan;
	}
	return statement->plan;
}

static uint64
execute(Statement *statement, Datum *values, const char *nulls, bool read_only)
{
	int code = SPI_execute_plan(statement_plan(statement), values, nulls, read_only, 0);

	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", statement->text, SPI_result_code_string(code));
	return SPI_processed;
}

uint64
run_statement(Statement *statement, Datum *values, const char *nulls)
{
	return execute(statement, values, nulls, false);
}

uint64
read_statement(Statement *statement, Datum *values, const char *nulls)
{
	return execute(statement, values, nulls, true);
}

Datum
row_datum(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

char *
row_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

int64
row_int64(uint64 row, int column)
{
	bool isnull;
	Datum value = row_datum(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

TimestampTz
row_timestamp(uint64 row, int column, bool *isnull)
{
	Datum value = row_datum(row, column, isnull);

	return *isnull ? 0 : DatumGetTimestampTz(value);
}
