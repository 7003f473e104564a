/*-------------------------------------------------------------------------
 *
 * mailboxes.h
 *	  Reading the companies' mailboxes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MAILBOXES_H
#define AR_INBOX_MAILBOXES_H

#include "net/net.h"

extern void mailboxes_start(NetLoop *loop);

/* Whether mailboxes may be read; without it, what is being read is dropped. */
extern void mailboxes_allow(bool armed);

/*
 * Stores what has come and starts to read what is due.  looking: the tables
 * may name something new.  False when a task failed.
 */
extern bool mailboxes_turn(bool looking);

#endif /* AR_INBOX_MAILBOXES_H */
