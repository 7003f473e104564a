/*-------------------------------------------------------------------------
 *
 * shared.h
 *	  What the launcher, the workers and all sessions know of each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SHARED_H
#define AR_INBOX_SHARED_H

#include "postgres.h"

/* in _PG_init, when preloaded: asks for the shared memory */
extern void shared_install_hooks(void);

/* whether the library was preloaded, so that there is a launcher */
extern bool shared_available(void);

/* the launcher says that it is there */
extern void shared_attach_launcher(void);

/*
 * A worker takes its database's place until it exits.  False: another worker
 * has it, or somebody keeps workers out.  To be called before connecting.
 */
extern bool shared_attach_worker(Oid database);

/* Whether the database has a worker, whoever started it. */
extern bool shared_has_worker(Oid database);

/* Ends the workers of databases that are not wanted. */
extern void shared_end_unwanted(bool (*wanted)(Oid database));

/* A worker leaves since its database has nothing for it; whether it was so; once. */
extern void shared_not_needed(Oid database);
extern bool shared_was_not_needed(Oid database);

/* Whether somebody wants the launcher to look at the databases now; once. */
extern bool shared_take_scan_request(void);

/*
 * Wakes the database's worker; where it has none, the launcher, to look
 * whether it should have one.
 */
extern void shared_wake(Oid database);

/* The same for the session's database, when its transaction commits. */
extern void shared_wake_at_commit(void);

/*
 * Keeps workers out of a database, ending the one that is in it, until
 * shared_admit().  Waits for its end a few seconds at most.
 */
extern void shared_keep_out(Oid database);
extern void shared_admit(Oid database);
extern bool shared_is_kept_out(Oid database);

#endif /* AR_INBOX_SHARED_H */
