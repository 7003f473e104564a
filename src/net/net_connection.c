/*-------------------------------------------------------------------------
 *
 * net_connection.c
 *	  curl makes the connection, encrypts it and logs in; then it is ours.
 *
 * CURLOPT_CONNECT_ONLY lets curl do TCP, TLS or STARTTLS, the greeting and the
 * login, and leaves us a line to read and write with curl_easy_recv() and
 * curl_easy_send().
 *
 * Each connection has a multi handle of its own.  In a shared one curl takes a
 * connection that is ours by then for an idle one of its cache, and whenever
 * another transfer starts it closes those it has not used for 118 seconds:
 * less than an IDLE lasts, and less than a server may take to answer the end
 * of a message.
 *
 * While curl connects, its sockets are in the loop's epoll descriptor by its
 * socket callback.  Once it is done we watch the one socket that is left, and
 * what the callback says about that one no longer counts.
 *
 *-------------------------------------------------------------------------
 */
#include "net/net_curl.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/epoll.h>

#define DEFAULT_CONNECT_TIMEOUT_MS 30000

/* What curl's own limit gets before ours cuts in. */
#define CONNECT_GRACE_MS 1000

struct NetConnection
{
	NetLoop *loop;
	int slot;
	NetTurn turn;
	NetTurn release;
	void *owner;

	NetConnectionState state;
	NetProtocol protocol;
	NetFailure failure;
	char text[NET_TEXT_SIZE];
	bool tls;
	bool logged_in; /* a 235 was seen */
	bool closed;
	bool ready; /* the owner is due a turn */
	bool want_write;
	bool expired;
	int64 deadline; /* the owner's, or of connecting; -1 none */
	int64 curl_due; /* curl's timer; -1 none */

	CURLM *multi;
	CURL *easy;
	int fd; /* ours once connected, else -1 */
	char curl_error[CURL_ERROR_SIZE];
	char last_line[256]; /* the server's, while curl talks to it */
};

/*
 * drop_curl: closes the socket.  Removing a CONNECT_ONLY handle from its multi
 * closes the connection without a word to the server.
 */
static void
drop_curl(NetConnection *conn)
{
	sigset_t before;

	if (conn->fd >= 0)
	{
		net_loop_unwatch(conn->loop, conn->fd);
		conn->fd = -1;
	}
	net_block_signals(&before);
	if (conn->easy != NULL)
	{
		if (conn->multi != NULL)
			(void) curl_multi_remove_handle(conn->multi, conn->easy);
		curl_easy_cleanup(conn->easy);
	}
	if (conn->multi != NULL)
		(void) curl_multi_cleanup(conn->multi);
	net_restore_signals(&before);
	conn->easy = NULL;
	conn->multi = NULL;
	conn->curl_due = -1;
}

/*
 * mark_broken: the connection is of no more use.  What curl holds is not freed
 * here, as this may run inside one of its calls' wake; net_connection_turn does.
 */
static void
mark_broken(NetConnection *conn, NetFailure failure)
{
	conn->state = NET_BROKEN;
	conn->failure = failure;
	conn->deadline = -1;
	conn->ready = true;
	net_clean_text(conn->text, strlen(conn->text));
}

void
net_connection_break(NetConnection *conn, NetFailure failure, const char *fmt, ...)
{
	va_list args;

	if (conn->state == NET_BROKEN)
		return;
	va_start(args, fmt);
	vsnprintf(conn->text, sizeof(conn->text), fmt, args);
	va_end(args);
	mark_broken(conn, failure);
}

/*
 * connect_failed: curl's words, and the server's if it had any.
 */
static void
connect_failed(NetConnection *conn, CURLcode code)
{
	const char *why = conn->curl_error[0] != '\0' ? conn->curl_error : curl_easy_strerror(code);
	bool said = conn->last_line[0] != '\0' && code != CURLE_COULDNT_CONNECT &&
				code != CURLE_PEER_FAILED_VERIFICATION;

	snprintf(conn->text, sizeof(conn->text), "%s%s%s", why,
			 said ? "; the server's last words: " : "", said ? conn->last_line : "");
	mark_broken(conn, net_curl_failure(conn->easy, code, conn->protocol, conn->last_line));
}

/*
 * take_over: curl has connected and logged in; the socket is ours from here.
 */
static void
take_over(NetConnection *conn)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(conn->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
		fd == CURL_SOCKET_BAD)
	{
		net_connection_break(conn, NET_TEMPORARY, "the connection was closed while logging in");
		return;
	}
	conn->fd = fd;
	if (!net_loop_watch(conn->loop, conn->slot, fd, true, false))
	{
		net_connection_break(conn, NET_TEMPORARY, "could not watch a socket: %s", strerror(errno));
		return;
	}
	conn->state = NET_CONNECTED;
	conn->deadline = -1;
	conn->curl_due = -1;
	conn->ready = true;
}

/*
 * drive: gives curl its turn while it connects.
 */
static void
drive(NetConnection *conn, curl_socket_t fd, int what)
{
	sigset_t before;
	int running;
	int left;
	CURLMsg *message;
	CURLMcode code;

	net_block_signals(&before);
	code = curl_multi_socket_action(conn->multi, fd, what, &running);
	net_restore_signals(&before);

	if (code != CURLM_OK && conn->state == NET_CONNECTING)
		net_connection_break(conn, code == CURLM_OUT_OF_MEMORY ? NET_NO_MEMORY : NET_TEMPORARY,
							 "could not connect: %s", curl_multi_strerror(code));
	while (conn->state == NET_CONNECTING &&
		   (message = curl_multi_info_read(conn->multi, &left)) != NULL)
	{
		if (message->msg != CURLMSG_DONE)
			continue;
		if (message->data.result == CURLE_OK)
			take_over(conn);
		else
			connect_failed(conn, message->data.result);
	}
}

/* ---- what curl calls; each records and returns ---- */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	NetConnection *conn = arg;

	if (conn->state == NET_CONNECTED && fd == conn->fd)
		return 0;
	if (what == CURL_POLL_REMOVE)
		net_loop_unwatch(conn->loop, fd);
	else if (!net_loop_watch(conn->loop, conn->slot, fd, what != CURL_POLL_OUT,
							 what != CURL_POLL_IN))
		return -1;
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	NetConnection *conn = arg;

	conn->curl_due = timeout_ms < 0 ? -1 : net_now_ms() + timeout_ms;
	return 0;
}

/*
 * on_line: keeps the server's last line for the text of a failure.
 */
static size_t
on_line(char *data, size_t size, size_t n, void *arg)
{
	NetConnection *conn = arg;
	size_t len = Min(size * n, sizeof(conn->last_line) - 1);

	memcpy(conn->last_line, data, len);
	while (len > 0 && (conn->last_line[len - 1] == '\n' || conn->last_line[len - 1] == '\r'))
		len--;
	conn->last_line[len] = '\0';
	if (strncmp(conn->last_line, "235", 3) == 0)
		conn->logged_in = true;
	return size * n;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	return size * n;
}

/*
 * start: checks the settings and hands the rest to curl.
 */
static void
start(NetConnection *conn, const NetTarget *target)
{
	NetUrl url;
	char why[NET_TEXT_SIZE];
	CURLcode code;
	CURLMcode mcode;
	sigset_t before;
	int connect_ms =
		target->connect_timeout_ms > 0 ? target->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;

	if (!net_target_parse(target, &url, why, sizeof(why)))
	{
		net_connection_break(conn, NET_CONFIG, "%s", why);
		return;
	}
	conn->tls = url.tls_from_start || url.starttls;

	conn->easy = curl_easy_init();
	conn->multi = curl_multi_init();
	if (conn->easy == NULL || conn->multi == NULL)
	{
		net_connection_break(conn, NET_NO_MEMORY, "out of memory");
		return;
	}
	code = net_curl_options(conn->easy, target, &url, connect_ms);
	if (code == CURLE_OK)
		code = curl_easy_setopt(conn->easy, CURLOPT_ERRORBUFFER, conn->curl_error);
	if (code == CURLE_OK)
		code = curl_easy_setopt(conn->easy, CURLOPT_HEADERFUNCTION, on_line);
	if (code == CURLE_OK)
		code = curl_easy_setopt(conn->easy, CURLOPT_HEADERDATA, conn);
	if (code == CURLE_OK)
		code = curl_easy_setopt(conn->easy, CURLOPT_WRITEFUNCTION, on_body);
	if (code != CURLE_OK)
	{
		net_connection_break(conn, code == CURLE_OUT_OF_MEMORY ? NET_NO_MEMORY : NET_CONFIG,
							 "could not set up the connection: %s", curl_easy_strerror(code));
		return;
	}

	net_block_signals(&before);
	mcode = curl_multi_setopt(conn->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	if (mcode == CURLM_OK)
		mcode = curl_multi_setopt(conn->multi, CURLMOPT_SOCKETDATA, conn);
	if (mcode == CURLM_OK)
		mcode = curl_multi_setopt(conn->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	if (mcode == CURLM_OK)
		mcode = curl_multi_setopt(conn->multi, CURLMOPT_TIMERDATA, conn);
	if (mcode == CURLM_OK)
		mcode = curl_multi_add_handle(conn->multi, conn->easy);
	net_restore_signals(&before);
	if (mcode != CURLM_OK)
	{
		net_connection_break(conn, mcode == CURLM_OUT_OF_MEMORY ? NET_NO_MEMORY : NET_TEMPORARY,
							 "could not set up the connection: %s", curl_multi_strerror(mcode));
		return;
	}
	conn->deadline = net_now_ms() + connect_ms + CONNECT_GRACE_MS;
}

void
net_connection_close(NetConnection *conn)
{
	conn->closed = true;
}

static bool
is_closed(const void *self)
{
	return ((const NetConnection *) self)->closed;
}

static void
free_connection(void *self)
{
	NetConnection *conn = self;

	if (!conn->closed)
	{
		conn->closed = true;
		conn->release(conn->owner);
	}
	drop_curl(conn);
	net_loop_remove(conn->loop, conn->slot);
	free(conn);
}

static void
on_event(void *self, int fd, uint32 epoll_events)
{
	NetConnection *conn = self;

	if (conn->closed)
		return;
	if (conn->state == NET_CONNECTING)
	{
		int what = 0;

		if (epoll_events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (epoll_events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (epoll_events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		drive(conn, fd, what);
	}
	else if (fd == conn->fd)
		conn->ready = true;
}

static void
on_turn(void *self, int64 now)
{
	NetConnection *conn = self;

	if (conn->closed)
		return;
	if (conn->state == NET_CONNECTING)
	{
		if (conn->curl_due >= 0 && conn->curl_due <= now)
		{
			conn->curl_due = -1;
			drive(conn, CURL_SOCKET_TIMEOUT, 0);
		}
		if (conn->state == NET_CONNECTING && conn->deadline >= 0 && conn->deadline <= now)
			net_connection_break(conn, NET_TEMPORARY, "timed out while connecting");
	}
	conn->expired = conn->state == NET_CONNECTED && conn->deadline >= 0 && conn->deadline <= now;
	if (conn->ready || conn->expired)
	{
		conn->ready = false;
		conn->turn(conn->owner);
	}
	if (conn->state == NET_BROKEN && !conn->closed)
		drop_curl(conn);
}

static int64
next_turn(const void *self)
{
	const NetConnection *conn = self;
	int64 next = conn->deadline;

	if (conn->closed || conn->ready)
		return 0;
	if (conn->curl_due >= 0 && (next < 0 || conn->curl_due < next))
		next = conn->curl_due;
	return next;
}

static const NetMember member = {on_event, on_turn, next_turn, is_closed, free_connection};

NetConnection *
net_connection_open(NetLoop *loop, const NetTarget *target, NetTurn turn, NetTurn release,
					void *owner)
{
	NetConnection *conn = calloc(1, sizeof(NetConnection));

	if (conn == NULL)
		return NULL;
	conn->loop = loop;
	conn->turn = turn;
	conn->release = release;
	conn->owner = owner;
	conn->protocol = target->protocol;
	conn->fd = -1;
	conn->deadline = -1;
	conn->curl_due = -1;
	conn->slot = net_loop_add(loop, &member, conn);
	if (conn->slot < 0)
	{
		free(conn);
		return NULL;
	}
	start(conn, target);
	return conn;
}

NetConnectionState
net_connection_state(const NetConnection *conn)
{
	return conn->state;
}

NetFailure
net_connection_failure(const NetConnection *conn)
{
	return conn->failure;
}

const char *
net_connection_text(const NetConnection *conn)
{
	return conn->text;
}

bool
net_connection_is_tls(const NetConnection *conn)
{
	return conn->tls;
}

bool
net_connection_logged_in(const NetConnection *conn)
{
	return conn->logged_in;
}

ssize_t
net_connection_read(NetConnection *conn, char *buf, size_t size)
{
	size_t got = 0;
	CURLcode code;

	if (conn->state != NET_CONNECTED)
		return -1;
	code = curl_easy_recv(conn->easy, buf, size, &got);
	if (code == CURLE_AGAIN)
		return 0;
	if (code == CURLE_OK && got > 0)
		return (ssize_t) got;
	if (code == CURLE_OK)
		net_connection_break(conn, NET_TEMPORARY, "the server closed the connection");
	else
		net_connection_break(conn, NET_TEMPORARY, "connection lost: %s", curl_easy_strerror(code));
	return -1;
}

ssize_t
net_connection_write(NetConnection *conn, const char *buf, size_t len)
{
	size_t sent = 0;
	CURLcode code;

	if (conn->state != NET_CONNECTED)
		return -1;
	code = curl_easy_send(conn->easy, buf, len, &sent);
	if (code == CURLE_OK || code == CURLE_AGAIN)
		return (ssize_t) sent;
	return -1;
}

void
net_connection_want_write(NetConnection *conn, bool want)
{
	if (conn->want_write == want || conn->state != NET_CONNECTED)
		return;
	conn->want_write = want;
	if (!net_loop_watch(conn->loop, conn->slot, conn->fd, true, want))
		net_connection_break(conn, NET_TEMPORARY, "could not watch a socket: %s", strerror(errno));
}

void
net_connection_deadline(NetConnection *conn, int64 ms)
{
	if (conn->state == NET_CONNECTED)
		conn->deadline = ms < 0 ? -1 : net_now_ms() + ms;
	conn->expired = false;
}

bool
net_connection_expired(const NetConnection *conn)
{
	return conn->expired;
}

void
net_connection_wake(NetConnection *conn)
{
	conn->ready = true;
}
