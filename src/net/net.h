/*-------------------------------------------------------------------------
 *
 * net.h
 *	  What the worker needs of src/net besides a protocol: the loop.
 *
 * src/net talks to mail servers and providers' HTTP servers and to nothing else.
 * It holds no table, no latch and raises no error: its memory is malloc's, a
 * lack of it is a result like any other, and whoever uses it owns the waiting.  A loop is one epoll
 * descriptor that curl's sockets and ours are in; put net_loop_fd() into a
 * WaitEventSet beside the latch, wait at most net_loop_timeout(), and call
 * net_loop_turn() after every wait: it does what is ready and never blocks.
 *
 * No other directory includes curl.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_NET_H
#define AR_INBOX_NET_H

#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

/*
 * Why a connection is of no more use.  Only NET_TEMPORARY and NET_NO_MEMORY
 * are worth repeating unchanged; the others need somebody to correct a setting
 * here or on the server.
 */
typedef enum NetFailure
{
	NET_OK = 0,
	NET_TEMPORARY,	   /* unreachable, timed out, cut off, 4xx, 421, BYE */
	NET_NO_MEMORY,	   /* as temporary */
	NET_CONFIG,		   /* URL, mailbox or certificate file of no use */
	NET_LOGIN_REFUSED, /* name, password or mechanism not accepted */
	NET_TLS_FAILED,	   /* certificate not verified, STARTTLS not offered */
	NET_PROTOCOL,	   /* what the server says cannot be understood */
} NetFailure;

typedef struct NetLoop NetLoop;

/*
 * Creates a loop; NULL with a text in errbuf when that fails.  Calls
 * curl_global_init once in the process: never call this in the postmaster.
 */
extern NetLoop *net_loop_create(char *errbuf, size_t errbuf_size);

/*
 * Closes every connection that is left, at once and without a farewell.  The
 * sessions and jobs on them are gone with it.
 */
extern void net_loop_destroy(NetLoop *loop);

/* The descriptor that becomes readable when a turn has something to do. */
extern int net_loop_fd(NetLoop *loop);

/* Milliseconds until a timer wants a turn: 0 at once, -1 never. */
extern long net_loop_timeout(NetLoop *loop);

/* Does what is ready, calls back nobody, never blocks. */
extern void net_loop_turn(NetLoop *loop);

/* Whether a failure may go away by itself. */
extern bool net_failure_is_temporary(NetFailure failure);

#endif /* AR_INBOX_NET_H */
