/*-------------------------------------------------------------------------
 *
 * launcher.h
 *	  The process that starts a worker in each database that needs one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_LAUNCHER_H
#define AR_INBOX_LAUNCHER_H

#include "postgres.h"

/* in _PG_init, when preloaded */
extern void launcher_register(void);

extern PGDLLEXPORT void ar_inbox_launcher_main(Datum arg);

#endif /* AR_INBOX_LAUNCHER_H */
