/*-------------------------------------------------------------------------
 *
 * http.c
 *	  HTTP requests, each on a connection of its own.
 *
 * No connection is used twice.  When one that was kept turns out to be dead,
 * curl sends the request again on a new one by itself, a POST too: if the
 * server had acted on it before the connection went, that would be a second
 * text message, of which nobody here would know.  A new connection is never
 * tried again by curl, so that what the result says is what happened.
 *
 *-------------------------------------------------------------------------
 */
#include "net/http.h"

#include "net/net_curl.h"

#include <sys/epoll.h>

struct HttpRequest
{
	HttpClient *client;
	HttpRequest *next;
	CURL *easy;
	struct curl_slist *headers;
	bool over;
	int status;
	bool request_sent;
	bool too_long;
	char retry_after[64];
	char *answer; /* ends with a zero byte */
	size_t length;
	size_t space;
	char curl_error[CURL_ERROR_SIZE];
	char error[NET_TEXT_SIZE];
};

struct HttpClient
{
	NetLoop *loop;
	int slot;
	CURLM *multi;
	int64 curl_due; /* curl's timer; -1 none */
	HttpRequest *requests;
};

/* ---- what curl calls; each records and returns ---- */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	HttpClient *client = arg;

	if (what == CURL_POLL_REMOVE)
		net_loop_unwatch(client->loop, fd);
	else if (!net_loop_watch(client->loop, client->slot, fd, what != CURL_POLL_OUT,
							 what != CURL_POLL_IN))
		return -1;
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	HttpClient *client = arg;

	client->curl_due = timeout_ms < 0 ? -1 : net_now_ms() + timeout_ms;
	return 0;
}

/*
 * on_header: keeps Retry-After, of the last answer if there were several
 * (1xx come before the one that counts).
 */
static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	static const char name[] = "retry-after:";
	HttpRequest *request = arg;
	size_t length = size * n;

	if (length > 5 && memcmp(data, "HTTP/", 5) == 0)
		request->retry_after[0] = '\0';
	else if (length > strlen(name) && pg_strncasecmp(data, name, strlen(name)) == 0)
	{
		const char *value = data + strlen(name);
		const char *end = data + length;

		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		while (end > value && (unsigned char) end[-1] <= ' ')
			end--;
		if (end - value < sizeof(request->retry_after))
		{
			memcpy(request->retry_after, value, end - value);
			request->retry_after[end - value] = '\0';
			net_clean_text(request->retry_after, end - value);
		}
	}
	return length;
}

/*
 * on_body: keeps the answer up to its limit, then lets curl give up.
 */
static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	HttpRequest *request = arg;
	size_t length = size * n;

	if (length > HTTP_MAX_ANSWER - request->length)
	{
		request->too_long = true;
		return 0;
	}
	if (request->length + length + 1 > request->space)
	{
		size_t space = Max(request->length + length + 1, request->space * 2);
		char *more = realloc(request->answer, space);

		if (more == NULL)
			return 0;
		request->answer = more;
		request->space = space;
	}
	memcpy(request->answer + request->length, data, length);
	request->length += length;
	request->answer[request->length] = '\0';
	return length;
}

/* ---- requests ---- */

static void
fail(HttpRequest *request, const char *why)
{
	snprintf(request->error, sizeof(request->error), "%s", why);
	net_clean_text(request->error, strlen(request->error));
	request->over = true;
}

/*
 * finish: what became of a request that curl has done with.
 */
static void
finish(HttpRequest *request, CURLcode code)
{
	long status = 0;
	long sent = 0;
	const char *why = request->curl_error[0] ? request->curl_error : curl_easy_strerror(code);

	if (curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
		status = 0;
	/* when in doubt, something has left */
	if (curl_easy_getinfo(request->easy, CURLINFO_REQUEST_SIZE, &sent) != CURLE_OK)
		sent = 1;
	request->request_sent = sent > 0;
	/* 1xx promise an answer and are none */
	request->status = status >= 200 && status <= 599 ? (int) status : 0;
	if (request->too_long)
		why = "the answer is too long";
	if (code != CURLE_OK)
		fail(request, why);
	else if (request->status == 0)
		fail(request, "the answer's status is none");
	request->over = true;
	if (request->answer)
		net_clean_text(request->answer, request->length);
}

/*
 * drive: gives curl its turn.
 */
static void
drive(HttpClient *client, curl_socket_t fd, int what)
{
	sigset_t before;
	int running;
	int left;
	CURLMsg *message;

	net_block_signals(&before);
	(void) curl_multi_socket_action(client->multi, fd, what, &running);
	net_restore_signals(&before);
	while ((message = curl_multi_info_read(client->multi, &left)) != NULL)
	{
		HttpRequest *request = NULL;

		if (message->msg == CURLMSG_DONE &&
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &request) ==
				CURLE_OK &&
			request != NULL)
			finish(request, message->data.result);
	}
}

/*
 * scheme_of: http or https, whichever the URL may be used with; NULL: neither.
 * The URL comes from a table that a manager of a company can write.
 */
static const char *
scheme_of(const char *url)
{
	char host[256];
	const char *start;
	size_t length;

	if (net_has_control(url) || strpbrk(url, "@ \\") != NULL)
		return NULL;
	if (strncmp(url, "https://", 8) == 0)
		return "https";
	if (strncmp(url, "http://", 7) != 0)
		return NULL;
	start = url + 7;
	length = *start == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":/?#");
	if (length >= sizeof(host))
		return NULL;
	memcpy(host, start, length);
	host[length] = '\0';
	return net_is_loopback(host) ? "http" : NULL;
}

static bool
add_header(HttpRequest *request, const char *header)
{
	struct curl_slist *more;

	if (net_has_control(header))
		return true; /* it would be several */
	more = curl_slist_append(request->headers, header);
	if (more != NULL)
		request->headers = more;
	return more != NULL;
}

static CURLcode
set_options(HttpRequest *request, const HttpCall *call, const char *scheme)
{
	CURL *easy = request->easy;
	char type[256];
	CURLcode bad = CURLE_OK;

	snprintf(type, sizeof(type), "Content-Type: %s", call->content_type);
	/* curl would wait for "100 Continue" before it sends a long body */
	if (!add_header(request, type) || !add_header(request, "Expect:"))
		return CURLE_OUT_OF_MEMORY;
	for (int i = 0; i < call->n_headers; i++)
	{
		if (!add_header(request, call->headers[i]))
			return CURLE_OUT_OF_MEMORY;
	}

#define SET(option, value)                                                                         \
	do                                                                                             \
	{                                                                                              \
		if (bad == CURLE_OK)                                                                       \
			bad = curl_easy_setopt(easy, option, value);                                           \
	} while (0)

	SET(CURLOPT_URL, call->url);
	SET(CURLOPT_PROTOCOLS_STR, scheme);
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) call->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long) call->timeout_ms);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (call->ca_file != NULL && call->ca_file[0] != '\0')
		SET(CURLOPT_CAINFO, call->ca_file);
	SET(CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
	SET(CURLOPT_USERNAME, call->username != NULL ? call->username : "");
	SET(CURLOPT_PASSWORD, call->password != NULL ? call->password : "");
	SET(CURLOPT_USERAGENT, "ar_inbox");
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) call->length);
	SET(CURLOPT_POSTFIELDS, call->body);
	SET(CURLOPT_HTTPHEADER, request->headers);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, request);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, request);
	SET(CURLOPT_ERRORBUFFER, request->curl_error);
	SET(CURLOPT_PRIVATE, request);
#undef SET
	return bad;
}

HttpRequest *
http_start(HttpClient *client, const HttpCall *call)
{
	HttpRequest *request = calloc(1, sizeof(HttpRequest));
	const char *scheme = scheme_of(call->url);
	CURLcode code;
	CURLMcode mcode;
	sigset_t before;

	if (request == NULL)
		return NULL;
	request->client = client;
	request->next = client->requests;
	client->requests = request;
	if (scheme == NULL)
	{
		fail(request, "URL refused: only https, and http to this machine itself");
		return request;
	}
	request->easy = curl_easy_init();
	if (request->easy == NULL)
	{
		fail(request, "out of memory");
		return request;
	}
	code = set_options(request, call, scheme);
	if (code != CURLE_OK)
	{
		fail(request, curl_easy_strerror(code));
		return request;
	}
	net_block_signals(&before);
	mcode = curl_multi_add_handle(client->multi, request->easy);
	net_restore_signals(&before);
	if (mcode != CURLM_OK)
		fail(request, curl_multi_strerror(mcode));
	return request;
}

bool
http_is_over(const HttpRequest *request)
{
	return request->over;
}

HttpResult
http_result(const HttpRequest *request)
{
	HttpResult result = {0};

	result.status = request->status;
	result.request_sent = request->request_sent;
	result.retry_after = request->retry_after[0] ? request->retry_after : NULL;
	result.body = request->answer;
	result.error = request->error[0] ? request->error : NULL;
	return result;
}

void
http_close(HttpRequest *request)
{
	HttpRequest **link = &request->client->requests;
	sigset_t before;

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	net_block_signals(&before);
	if (request->easy != NULL)
	{
		(void) curl_multi_remove_handle(request->client->multi, request->easy);
		curl_easy_cleanup(request->easy);
	}
	net_restore_signals(&before);
	curl_slist_free_all(request->headers);
	free(request->answer);
	free(request);
}

/* ---- as a member of the loop ---- */

static void
on_event(void *self, int fd, uint32 epoll_events)
{
	int what = 0;

	if (epoll_events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (epoll_events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (epoll_events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	drive(self, fd, what);
}

static void
on_turn(void *self, int64 now)
{
	HttpClient *client = self;

	if (client->curl_due >= 0 && client->curl_due <= now)
	{
		client->curl_due = -1;
		drive(client, CURL_SOCKET_TIMEOUT, 0);
	}
}

static int64
next_turn(const void *self)
{
	return ((const HttpClient *) self)->curl_due;
}

static bool
is_closed(const void *self)
{
	return false;
}

static void
free_client(void *self)
{
	HttpClient *client = self;

	while (client->requests != NULL)
		http_close(client->requests);
	if (client->multi != NULL)
		(void) curl_multi_cleanup(client->multi);
	net_loop_remove(client->loop, client->slot);
	free(client);
}

static const NetMember member = {on_event, on_turn, next_turn, is_closed, free_client};

HttpClient *
http_client_create(NetLoop *loop)
{
	HttpClient *client = calloc(1, sizeof(HttpClient));

	if (client == NULL)
		return NULL;
	client->loop = loop;
	client->curl_due = -1;
	client->slot = net_loop_add(loop, &member, client);
	if (client->slot < 0)
	{
		free(client);
		return NULL;
	}
	client->multi = curl_multi_init();
	if (client->multi == NULL ||
		curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) != CURLM_OK)
	{
		free_client(client);
		return NULL;
	}
	return client;
}
