/*-------------------------------------------------------------------------
 *
 * http.h
 *	  HTTP requests, each on a connection of its own.
 *
 * A request goes out at once and is over some net_loop_turn() later, with an
 * answer or without.  What matters most of one without: whether any of it had
 * left, so that the other side may have done what it was asked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_HTTP_H
#define AR_INBOX_HTTP_H

#include "net/net.h"

/* bytes of an answer's body that are read; providers answer with a few thousand */
#define HTTP_MAX_ANSWER (256 * 1024)

typedef struct HttpClient HttpClient;
typedef struct HttpRequest HttpRequest;

/* A POST; strings are copied, the body has to stay until the request is closed. */
typedef struct HttpCall
{
	const char *url; /* https, or http to a loopback host */
	const char *username;
	const char *password;
	int n_headers;
	const char *const *headers;
	const char *content_type;
	const char *body;
	size_t length;
	const char *ca_file;	/* NULL: the system's */
	int connect_timeout_ms; /* DNS, TCP and TLS */
	int timeout_ms;			/* all of it, until the last byte of the answer */
} HttpCall;

typedef struct HttpResult
{
	int status;		   /* 0: no answer */
	bool request_sent; /* without an answer: whether any of the request had left */
	const char *retry_after;
	const char *body; /* UTF-8 without control characters, as far as it came */
	const char *error;
} HttpResult;

/* NULL without memory; goes with the loop. */
extern HttpClient *http_client_create(NetLoop *loop);

/* NULL without memory.  What else is wrong is the request's result. */
extern HttpRequest *http_start(HttpClient *client, const HttpCall *call);
extern bool http_is_over(const HttpRequest *request);

/* Of one that is over; valid until it is closed. */
extern HttpResult http_result(const HttpRequest *request);

/* Frees it, and cuts its connection where it is not over. */
extern void http_close(HttpRequest *request);

#endif /* AR_INBOX_HTTP_H */
