/*-------------------------------------------------------------------------
 *
 * functions/statement.h
 *	  Statements that are planned once in a backend and run many times by SPI.
 *
 * The caller has connected to SPI; the names in the text are qualified.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_FUNCTIONS_STATEMENT_H
#define AR_INBOX_FUNCTIONS_STATEMENT_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/timestamp.h"

typedef struct Statement
{
	const char *text;
	int nargs;
	Oid types[16];
	SPIPlanPtr plan;
} Statement;

/* The plan, kept for the backend; for who opens a cursor. */
extern SPIPlanPtr statement_plan(Statement *statement);

/*
 * Both run a statement with these values; nulls may be NULL for none.  The rows
 * are in SPI_tuptable until the next one; how many they are, or were changed, is
 * returned.  run_statement() sees what its own transaction has done so far;
 * read_statement() changes nothing and sees what the calling query sees.
 */
extern uint64 run_statement(Statement *statement, Datum *values, const char *nulls);
extern uint64 read_statement(Statement *statement, Datum *values, const char *nulls);

/* A column of a row, by its number from 1, in the current context; NULL for NULL. */
extern Datum row_datum(uint64 row, int column, bool *isnull);
extern char *row_text(uint64 row, int column);
extern int64 row_int64(uint64 row, int column);
extern TimestampTz row_timestamp(uint64 row, int column, bool *isnull);

#endif /* AR_INBOX_FUNCTIONS_STATEMENT_H */
