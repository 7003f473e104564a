/*-------------------------------------------------------------------------
 *
 * outbox.h
 *	  Handing off what is queued: claim, commit, talk, record, commit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_OUTBOX_H
#define AR_INBOX_OUTBOX_H

#include "net/net.h"

extern void outbox_start(NetLoop *loop);

/* Whether anything may be claimed; what is under way goes on. */
extern void outbox_allow(bool armed);

/*
 * Carries the sessions on, records what was answered and claims what there is
 * room for.  looking: the tables may hold something new.  False when a task
 * failed.
 */
extern bool outbox_turn(bool looking);

/* Whether the ledger was written to, so that there may be a new next moment; once. */
extern bool outbox_has_recorded(void);

/* Whether something wants a turn though nothing happens on the network. */
extern bool outbox_is_waiting(void);

#endif /* AR_INBOX_OUTBOX_H */
