/*-------------------------------------------------------------------------
 *
 * net_loop.c
 *	  The epoll descriptor all connections share, and its timers.
 *
 * A WaitEventSet cannot drop a descriptor it was given, and curl opens and
 * closes sockets as it pleases while it connects.  So the worker waits on one
 * descriptor that never changes, and everything that does is inside it.
 *
 * An event carries the connection's slot and the descriptor in its 64 bits.
 * An event of a socket that was closed, and its number used again, in the same
 * turn can only cause a read or write that finds nothing to do.
 *
 *-------------------------------------------------------------------------
 */
#include "net/net_connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#define EVENTS_A_TURN 64

struct NetLoop
{
	int epoll_fd;
	int n_slots;
	NetConnection **slots; /* NULL where free */
	bool turning;
};

/*
 * net_now_ms: a clock that nobody sets.
 */
int64
net_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
net_failure_is_temporary(NetFailure failure)
{
	return failure == NET_TEMPORARY || failure == NET_NO_MEMORY;
}

NetLoop *
net_loop_create(char *errbuf, size_t errbuf_size)
{
	static bool curl_ready = false;
	NetLoop *loop;

	if (!curl_ready)
	{
		CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

		if (code != CURLE_OK)
		{
			snprintf(errbuf, errbuf_size, "could not initialize libcurl: %s",
					 curl_easy_strerror(code));
			return NULL;
		}
		curl_ready = true;
	}

	loop = calloc(1, sizeof(NetLoop));
	if (loop == NULL)
	{
		snprintf(errbuf, errbuf_size, "out of memory");
		return NULL;
	}
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
	{
		snprintf(errbuf, errbuf_size, "could not create an epoll descriptor: %s", strerror(errno));
		free(loop);
		return NULL;
	}
	return loop;
}

void
net_loop_destroy(NetLoop *loop)
{
	if (loop == NULL)
		return;
	for (int i = 0; i < loop->n_slots; i++)
	{
		if (loop->slots[i] != NULL)
			net_connection_free(loop->slots[i]);
	}
	free(loop->slots);
	close(loop->epoll_fd);
	free(loop);
}

int
net_loop_fd(NetLoop *loop)
{
	return loop->epoll_fd;
}

long
net_loop_timeout(NetLoop *loop)
{
	int64 next = -1;
	int64 now;

	for (int i = 0; i < loop->n_slots; i++)
	{
		int64 due;

		if (loop->slots[i] == NULL)
			continue;
		due = net_connection_next(loop->slots[i]);
		if (due >= 0 && (next < 0 || due < next))
			next = due;
	}
	if (next < 0)
		return -1;
	now = net_now_ms();
	return next <= now ? 0 : (long) (next - now);
}

/*
 * reap: connections closed by their owner are freed here, never under the feet
 * of the code that is using them.
 */
static void
reap(NetLoop *loop)
{
	for (int i = 0; i < loop->n_slots; i++)
	{
		if (loop->slots[i] != NULL && net_connection_is_closed(loop->slots[i]))
			net_connection_free(loop->slots[i]);
	}
}

void
net_loop_turn(NetLoop *loop)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n;
	int64 now;

	loop->turning = true;
	n = epoll_wait(loop->epoll_fd, events, EVENTS_A_TURN, 0);
	for (int i = 0; i < n; i++)
	{
		int slot = (int) (events[i].data.u64 >> 32);
		int fd = (int) (events[i].data.u64 & 0xffffffff);

		if (slot < loop->n_slots && loop->slots[slot] != NULL)
			net_connection_event(loop->slots[slot], fd, events[i].events);
	}

	now = net_now_ms();
	for (int i = 0; i < loop->n_slots; i++)
	{
		if (loop->slots[i] != NULL)
			net_connection_turn(loop->slots[i], now);
	}
	loop->turning = false;
	reap(loop);
}

/*
 * net_loop_add: a slot for a connection, or -1 without memory.
 */
int
net_loop_add(NetLoop *loop, NetConnection *conn)
{
	NetConnection **more;
	int n;

	for (int i = 0; i < loop->n_slots; i++)
	{
		if (loop->slots[i] == NULL)
		{
			loop->slots[i] = conn;
			return i;
		}
	}

	n = loop->n_slots == 0 ? 16 : loop->n_slots * 2;
	more = realloc(loop->slots, n * sizeof(NetConnection *));
	if (more == NULL)
		return -1;
	memset(more + loop->n_slots, 0, (n - loop->n_slots) * sizeof(NetConnection *));
	loop->slots = more;
	more[loop->n_slots] = conn;
	n = loop->n_slots;
	loop->n_slots = n == 0 ? 16 : n * 2;
	return n;
}

/*
 * net_loop_remove: forgets a connection that is being freed.
 */
void
net_loop_remove(NetLoop *loop, int slot)
{
	loop->slots[slot] = NULL;
}

bool
net_loop_watch(NetLoop *loop, int slot, int fd, bool read, bool write)
{
	struct epoll_event event = {0};

	event.events = (read ? EPOLLIN : 0) | (write ? EPOLLOUT : 0);
	event.data.u64 = ((uint64) slot << 32) | (uint32) fd;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return true;
	return errno == ENOENT && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void
net_loop_unwatch(NetLoop *loop, int fd)
{
	struct epoll_event event = {0};

	/* A descriptor that is closed has left by itself. */
	(void) epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, &event);
}
