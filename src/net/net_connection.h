/*-------------------------------------------------------------------------
 *
 * net_connection.h
 *	  One connection, as the protocols of src/net see it; for them alone.
 *
 * The owner's turn function is called from net_loop_turn() when the connection
 * is made or lost, when bytes can move, and when the owner's deadline passes.
 * It then reads and writes until it is told 0, and returns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_NET_CONNECTION_H
#define AR_INBOX_NET_CONNECTION_H

#include "net/net.h"

#define NET_TEXT_SIZE 512

typedef enum NetProtocol
{
	NET_SMTP,
	NET_IMAP,
} NetProtocol;

/* What to connect to; strings are copied. */
typedef struct NetTarget
{
	NetProtocol protocol;
	const char *url;
	const char *username;
	const char *password;
	const char *ca_file;
	const char *helo_name; /* SMTP only */
	int connect_timeout_ms;
} NetTarget;

typedef enum NetConnectionState
{
	NET_CONNECTING,
	NET_CONNECTED,
	NET_BROKEN,
} NetConnectionState;

typedef struct NetConnection NetConnection;
typedef void (*NetTurn)(void *owner);

/* net_url.c: what a URL of ours may say, and the settings beside it. */
typedef struct NetUrl
{
	bool tls_from_start;
	bool starttls;
	bool loopback;
	char scheme[8];
	char host[256]; /* A-label or address, IPv6 in brackets */
	int port;		/* 0: the scheme's own */
} NetUrl;

extern bool net_is_loopback(const char *host);
extern bool net_has_control(const char *value);
extern bool net_target_parse(const NetTarget *target, NetUrl *url, char *errbuf,
							 size_t errbuf_size);

/* net_text.c: what a server wrote, made fit for a text column; an address's domain. */
extern void net_clean_text(char *text, size_t len);
extern bool net_valid_utf8(const char *text, size_t len);
extern bool net_has_8bit(const char *text, size_t len);
extern char *net_strdup(const char *text);

/*
 * net_connection.c.  NULL only without memory.  A connection lives as long as
 * its owner: release frees the owner if the loop is destroyed before the owner
 * has called net_connection_close().
 */
extern NetConnection *net_connection_open(NetLoop *loop, const NetTarget *target, NetTurn turn,
										  NetTurn release, void *owner);
extern void net_connection_close(NetConnection *conn);

/* Cuts the line, with a reason; the first reason stays. */
extern void net_connection_break(NetConnection *conn, NetFailure failure, const char *fmt, ...)
	pg_attribute_printf(3, 4);
extern NetConnectionState net_connection_state(const NetConnection *conn);
extern NetFailure net_connection_failure(const NetConnection *conn);
extern const char *net_connection_text(const NetConnection *conn);
extern bool net_connection_is_tls(const NetConnection *conn);

/* Whether a mail server said yes to a login: curl goes on without where none is offered. */
extern bool net_connection_logged_in(const NetConnection *conn);

/*
 * Bytes moved; 0 when it would block; -1 when that is over.  A failed read
 * breaks the connection.  A failed write does not yet: the server may have said
 * why it hung up, and that can still be read.
 */
extern ssize_t net_connection_read(NetConnection *conn, char *buf, size_t size);
extern ssize_t net_connection_write(NetConnection *conn, const char *buf, size_t len);

/* A turn when bytes can be written again, besides when some can be read. */
extern void net_connection_want_write(NetConnection *conn, bool want);

/* A turn in so many milliseconds; negative: no deadline. */
extern void net_connection_deadline(NetConnection *conn, int64 ms);
extern bool net_connection_expired(const NetConnection *conn);

/* A turn at the next net_loop_turn(), whatever the socket says. */
extern void net_connection_wake(NetConnection *conn);

/*
 * What sits in a loop: a connection of ours, or all that curl does over HTTP.
 * next is when it wants a turn, in milliseconds of net_now_ms(); -1 never.
 */
typedef struct NetMember
{
	void (*event)(void *self, int fd, uint32 epoll_events);
	void (*turn)(void *self, int64 now);
	int64 (*next)(const void *self);
	bool (*is_closed)(const void *self);
	void (*free)(void *self);
} NetMember;

/* net_loop.c, for its members. */
extern int64 net_now_ms(void);
extern int net_loop_add(NetLoop *loop, const NetMember *member, void *self);
extern void net_loop_remove(NetLoop *loop, int slot);
extern bool net_loop_watch(NetLoop *loop, int slot, int fd, bool read, bool write);
extern void net_loop_unwatch(NetLoop *loop, int fd);

#endif /* AR_INBOX_NET_CONNECTION_H */
