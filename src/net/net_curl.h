/*-------------------------------------------------------------------------
 *
 * net_curl.h
 *	  What curl is told about a connection, and what its codes mean.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_NET_CURL_H
#define AR_INBOX_NET_CURL_H

#include "net/net_connection.h"

#include <curl/curl.h>
#include <signal.h>

extern void net_block_signals(sigset_t *before);
extern void net_restore_signals(const sigset_t *before);

extern CURLcode net_curl_options(CURL *easy, const NetTarget *target, const NetUrl *url,
								 long connect_ms);

/* last_line is what the server said last while curl talked to it, or "". */
extern NetFailure net_curl_failure(CURL *easy, CURLcode code, NetProtocol protocol,
								   const char *last_line);

#endif /* AR_INBOX_NET_CURL_H */
