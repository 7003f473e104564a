/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  The process that does what happens by itself in one database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_WORKER_H
#define AR_INBOX_WORKER_H

#include "postgres.h"

extern PGDLLEXPORT void ar_inbox_worker_main(Datum arg);

#endif /* AR_INBOX_WORKER_H */
