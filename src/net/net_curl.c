/*-------------------------------------------------------------------------
 *
 * net_curl.c
 *	  What curl is told about a connection, and what its codes mean.
 *
 *-------------------------------------------------------------------------
 */
#include "net/net_curl.h"

#include <pthread.h>

/*
 * net_block_signals: curl may start a resolver thread in any call that drives a
 * transfer.  A thread takes its creator's mask; with a full one no signal meant
 * for the server process can land in it.
 */
void
net_block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

void
net_restore_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/*
 * net_curl_options: everything curl is told about a connection.
 */
CURLcode
net_curl_options(CURL *easy, const NetTarget *target, const NetUrl *url, long connect_ms)
{
	char address[600];
	char port[16] = "";
	CURLcode bad = CURLE_OK;

	if (url->port != 0)
		snprintf(port, sizeof(port), ":%d", url->port);
	snprintf(address, sizeof(address), "%s://%s%s/%s", url->scheme, url->host, port,
			 target->protocol == NET_SMTP && target->helo_name != NULL ? target->helo_name : "");

#define SET(option, value)                                                                         \
	do                                                                                             \
	{                                                                                              \
		if (bad == CURLE_OK)                                                                       \
			bad = curl_easy_setopt(easy, option, value);                                           \
	} while (0)

	SET(CURLOPT_URL, address);
	SET(CURLOPT_PROTOCOLS_STR, url->scheme);
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (connect_ms + 999) / 1000);
	SET(CURLOPT_USE_SSL, (long) (url->starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (target->ca_file != NULL && target->ca_file[0] != '\0')
		SET(CURLOPT_CAINFO, target->ca_file);
	if (target->username != NULL && target->username[0] != '\0')
	{
		SET(CURLOPT_USERNAME, target->username);
		SET(CURLOPT_PASSWORD, target->password != NULL ? target->password : "");
	}
#undef SET
	return bad;
}

/*
 * temporary_refusal: whether the last thing the server said while curl was
 * logging in invites to come again: 4xx, or one of IMAP's codes for it.
 */
static bool
temporary_refusal(NetProtocol protocol, const char *last_line)
{
	static const char *const codes[] = {"[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]"};

	if (protocol == NET_SMTP)
		return last_line[0] == '4';
	for (int i = 0; i < lengthof(codes); i++)
	{
		if (strstr(last_line, codes[i]) != NULL)
			return true;
	}
	return false;
}

/*
 * net_curl_failure: what curl's code means for whoever has to decide about a retry.
 */
NetFailure
net_curl_failure(CURL *easy, CURLcode code, NetProtocol protocol, const char *last_line)
{
	long os_error = 0;

	switch (code)
	{
		case CURLE_OUT_OF_MEMORY:
			return NET_NO_MEMORY;
		case CURLE_LOGIN_DENIED:
		case CURLE_AUTH_ERROR:
			return temporary_refusal(protocol, last_line) ? NET_TEMPORARY : NET_LOGIN_REFUSED;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_ISSUER_ERROR:
			return NET_TLS_FAILED;
		case CURLE_USE_SSL_FAILED:
			return temporary_refusal(protocol, last_line) ? NET_TEMPORARY : NET_TLS_FAILED;
		case CURLE_SSL_CONNECT_ERROR:

			/* Cut off in the handshake is not the same as disagreeing in it. */
			if (curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error) == CURLE_OK && os_error != 0)
				return NET_TEMPORARY;
			return NET_TLS_FAILED;
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_URL_MALFORMAT:
		case CURLE_NOT_BUILT_IN:
		case CURLE_UNKNOWN_OPTION:
			return NET_CONFIG;
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_REMOTE_ACCESS_DENIED:
			/* A server that says 5xx to a greeting wants us to stay away. */
			return protocol == NET_SMTP && last_line[0] == '5' ? NET_CONFIG : NET_TEMPORARY;
		default:
			return NET_TEMPORARY;
	}
}
