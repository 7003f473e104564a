/*-------------------------------------------------------------------------
 *
 * peer.c
 *	  A connection whose other end is the fuzzer's input.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "lib/stringinfo.h"
#include "peer.h"

struct NetConnection
{
	NetConnectionState state;
	NetFailure failure;
	char text[NET_TEXT_SIZE];
	NetTurn turn;
	NetTurn release;
	void *owner;
	bool closed;
	bool deadline;
	bool expired;
};

static NetConnection conn;
static const char *script;
static size_t left;
static size_t piece;	 /* bytes of one read */
static unsigned refuses; /* one bit a write: the socket is full */
static unsigned expires; /* one bit a turn: a deadline passes */
static unsigned n_writes;
static unsigned n_turns;
static bool heard; /* in this turn: the next read would block */
static StringInfoData transcript;

void
peer_begin(const char *data, size_t size)
{
	const unsigned char *head = (const unsigned char *) data;

	memset(&conn, 0, sizeof(conn));
	initStringInfo(&transcript);
	piece = size > 0 && head[0] != 0 ? head[0] * 4 : 100000;
	refuses = size > 1 ? head[1] : 0;
	expires = size > 2 ? head[2] : 0;
	script = data + Min(size, PEER_HEAD);
	left = size - Min(size, PEER_HEAD);
	n_writes = n_turns = 0;
}

static bool
is_open(void)
{
	return conn.owner != NULL && !conn.closed;
}

bool
peer_turn(void)
{
	if (!is_open())
		return false;
	if (conn.state == NET_CONNECTING)
		conn.state = NET_CONNECTED;
	heard = false;
	conn.expired =
		conn.state == NET_CONNECTED && conn.deadline && (expires >> n_turns % 8 & 1) != 0;
	n_turns++;
	conn.turn(conn.owner);
	return is_open();
}

void
peer_end(void)
{
	if (is_open())
		conn.release(conn.owner);
	must(conn.owner == NULL || conn.closed, "released, but not closed");
}

const char *
peer_transcript(size_t *len)
{
	*len = transcript.len;
	return transcript.data;
}

/* ---- net_connection.h ---- */

NetConnection *
net_connection_open(NetLoop *loop, const NetTarget *target, NetTurn turn, NetTurn release,
					void *owner)
{
	must(target->url != NULL, "no URL");
	conn.state = NET_CONNECTING;
	conn.turn = turn;
	conn.release = release;
	conn.owner = owner;
	return &conn;
}

void
net_connection_close(NetConnection *c)
{
	must(!c->closed, "closed twice");
	c->closed = true;
}

void
net_connection_break(NetConnection *c, NetFailure failure, const char *fmt, ...)
{
	va_list args;

	must(!c->closed, "used after it was closed");
	must(failure != NET_OK, "broken for no reason");
	if (c->state == NET_BROKEN)
		return;
	va_start(args, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, args);
	va_end(args);
	net_clean_text(c->text, strlen(c->text));
	c->failure = failure;
	c->state = NET_BROKEN;
}

NetConnectionState
net_connection_state(const NetConnection *c)
{
	return c->state;
}

NetFailure
net_connection_failure(const NetConnection *c)
{
	return c->failure;
}

const char *
net_connection_text(const NetConnection *c)
{
	return c->text;
}

bool
net_connection_is_tls(const NetConnection *c)
{
	return (piece & 4) != 0;
}

bool
net_connection_logged_in(const NetConnection *c)
{
	return true;
}

ssize_t
net_connection_read(NetConnection *c, char *buf, size_t size)
{
	size_t n = Min(Min(piece, size), left);

	must(!c->closed && size > 0, "read from what is closed");
	if (c->state != NET_CONNECTED)
		return -1;
	if (heard)
		return 0;
	heard = n < size;
	if (n == 0)
	{
		net_connection_break(c, NET_TEMPORARY, "the server closed the connection");
		return -1;
	}
	memcpy(buf, script, n);
	script += n;
	left -= n;
	return (ssize_t) n;
}

ssize_t
net_connection_write(NetConnection *c, const char *buf, size_t len)
{
	must(!c->closed && len > 0, "written to what is closed");
	if (c->state != NET_CONNECTED)
		return -1;
	if ((refuses >> n_writes++ % 8 & 1) != 0)
	{
		/* Half of it, or nothing. */
		len /= 2;
		if (n_writes % 2 == 0 || len == 0)
			return 0;
	}
	appendBinaryStringInfo(&transcript, buf, (int) len);
	return (ssize_t) len;
}

void
net_connection_want_write(NetConnection *c, bool want)
{
	must(!c->closed, "used after it was closed");
}

void
net_connection_deadline(NetConnection *c, int64 ms)
{
	must(!c->closed, "used after it was closed");
	c->deadline = ms >= 0;
	c->expired = false;
}

bool
net_connection_expired(const NetConnection *c)
{
	return c->expired;
}

void
net_connection_wake(NetConnection *c)
{
	must(!c->closed, "used after it was closed");
}
