/*-------------------------------------------------------------------------
 *
 * peer.h
 *	  A connection whose other end is the fuzzer's input.
 *
 * peer.c has the functions of net_connection.h; curl and the loop are not
 * linked.  The script is what the server says; how it comes in pieces, when the
 * socket takes no more, and when a deadline passes, its first bytes decide.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_PEER_H
#define AR_INBOX_PEER_H

#include "net/net_connection.h"

#define PEER_HEAD 3 /* bytes of the script that say how, not what */

extern void peer_begin(const char *script, size_t size);

/* Gives the owner a turn; false when it closed the connection. */
extern bool peer_turn(void);

/* The loop is destroyed: what is still open is given back. */
extern void peer_end(void);

/* What the owner wrote so far, until the end of the run. */
extern const char *peer_transcript(size_t *len);

#endif /* AR_INBOX_PEER_H */
