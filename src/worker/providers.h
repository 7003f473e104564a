/*-------------------------------------------------------------------------
 *
 * providers.h
 *	  Handing text messages and letters to providers: claim, commit, ask,
 *	  record, commit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_PROVIDERS_H
#define AR_INBOX_PROVIDERS_H

#include "net/net.h"

/* False without memory. */
extern bool providers_start(NetLoop *loop);

/* Whether anything may be claimed; what is under way goes on. */
extern void providers_allow(bool armed);

/*
 * Records what was answered and claims what there is room for.  looking: the
 * tables may hold something new.  False when a task failed.
 */
extern bool providers_turn(bool looking);

/* Whether the ledger was written to, so that there may be a new next moment; once. */
extern bool providers_have_recorded(void);

/* Whether something wants a turn though nothing happens on the network. */
extern bool providers_are_waiting(void);

#endif /* AR_INBOX_PROVIDERS_H */
