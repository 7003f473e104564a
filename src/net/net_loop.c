/*-------------------------------------------------------------------------
 *
 * net_loop.c
 *	  The epoll descriptor all members share, and its timers.
 *
 * A WaitEventSet cannot drop a descriptor it was given, and curl opens and
 * closes sockets as it pleases while it connects.  So the worker waits on one
 * descriptor that never changes, and everything that does is inside it.
 *
 * An event carries the member's slot and the descriptor in its 64 bits.
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
	struct
	{
		const NetMember *member; /* NULL where free */
		void *self;
	} * slots;
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
		if (loop->slots[i].member != NULL)
			loop->slots[i].member->free(loop->slots[i].self);
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

		if (loop->slots[i].member == NULL)
			continue;
		due = loop->slots[i].member->next(loop->slots[i].self);
		if (due >= 0 && (next < 0 || due < next))
			next = due;
	}
	if (next < 0)
		return -1;
	now = net_now_ms();
	return next <= now ? 0 : (long) (next - now);
}

/*
 * reap: members closed by their owner are freed here, never under the feet
 * of the code that is using them.
 */
static void
reap(NetLoop *loop)
{
	for (int i = 0; i < loop->n_slots; i++)
	{
		if (loop->slots[i].member != NULL && loop->slots[i].member->is_closed(loop->slots[i].self))
			loop->slots[i].member->free(loop->slots[i].self);
	}
}

void
net_loop_turn(NetLoop *loop)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n;
	int64 now;

	n = epoll_wait(loop->epoll_fd, events, EVENTS_A_TURN, 0);
	for (int i = 0; i < n; i++)
	{
		int slot = (int) (events[i].data.u64 >> 32);
		int fd = (int) (events[i].data.u64 & 0xffffffff);

		if (slot < loop->n_slots && loop->slots[slot].member != NULL)
			loop->slots[slot].member->event(loop->slots[slot].self, fd, events[i].events);
	}

	now = net_now_ms();
	for (int i = 0; i < loop->n_slots; i++)
	{
		if (loop->slots[i].member != NULL)
			loop->slots[i].member->turn(loop->slots[i].self, now);
	}
	reap(loop);
}

/*
 * net_loop_add: a slot for a member, or -1 without memory.
 */
int
net_loop_add(NetLoop *loop, const NetMember *member, void *self)
{
	void *more;
	int n;

	for (int i = 0; i < loop->n_slots; i++)
	{
		if (loop->slots[i].member == NULL)
		{
			loop->slots[i].member = member;
			loop->slots[i].self = self;
			return i;
		}
	}

	n = loop->n_slots == 0 ? 16 : loop->n_slots * 2;
	more = realloc(loop->slots, n * sizeof(*loop->slots));
	if (more == NULL)
		return -1;
	loop->slots = more;
	memset(loop->slots + loop->n_slots, 0, (n - loop->n_slots) * sizeof(*loop->slots));
	loop->slots[loop->n_slots].member = member;
	loop->slots[loop->n_slots].self = self;
	n = loop->n_slots;
	loop->n_slots = n == 0 ? 16 : n * 2;
	return n;
}

/*
 * net_loop_remove: forgets a member that is being freed.
 */
void
net_loop_remove(NetLoop *loop, int slot)
{
	loop->slots[slot].member = NULL;
	loop->slots[slot].self = NULL;
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
