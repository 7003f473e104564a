/*-------------------------------------------------------------------------
 *
 * net_url.c
 *	  What the URL of a mail server may say.
 *
 * The URL comes from a table that a manager of a company can write, and curl
 * knows many more schemes and places to hide things than a mail account needs.
 * So it is taken apart here, strictly, and curl is given one built anew.
 *
 *-------------------------------------------------------------------------
 */
#include "net/net_connection.h"

#include <idn2.h>

static bool
refuse(char *errbuf, size_t errbuf_size, const char *why)
{
	snprintf(errbuf, errbuf_size, "server URL refused: %s", why);
	return false;
}

/*
 * net_is_loopback: hosts that are this machine whatever a name server says; curl
 * resolves "localhost" to the loopback addresses by itself.
 */
bool
net_is_loopback(const char *host)
{
	unsigned int a, b, c, d;
	char rest;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 && b < 256 &&
		   c < 256 && d < 256;
}

/*
 * take_host: an address in brackets, or a name, as A-labels in lower case.
 */
static bool
take_host(const char *start, size_t len, NetUrl *parsed)
{
	char name[256];
	char *ascii = NULL;

	if (len == 0 || len >= sizeof(name))
		return false;
	memcpy(name, start, len);
	name[len] = '\0';

	if (name[0] == '[')
	{
		if (len < 4 || name[len - 1] != ']' ||
			strspn(name + 1, "0123456789abcdefABCDEF:.") != len - 2)
			return false;
		memcpy(parsed->host, name, len + 1);
		return true;
	}

	if (net_has_8bit(name, len))
	{
		if (idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
			return false;
		len = strlen(ascii);
		if (len >= sizeof(name))
		{
			idn2_free(ascii);
			return false;
		}
		memcpy(name, ascii, len + 1);
		idn2_free(ascii);
	}
	for (size_t i = 0; i < len; i++)
	{
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
			return false;
		parsed->host[i] = c;
	}
	parsed->host[len] = '\0';
	return true;
}

/*
 * take_port: 1 to 65535 and nothing else.
 */
static bool
take_port(const char *start, size_t len, int *port)
{
	int n = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (start[i] < '0' || start[i] > '9')
			return false;
		n = n * 10 + (start[i] - '0');
	}
	*port = n;
	return n > 0 && n <= 65535;
}

static bool
url_parse(NetProtocol protocol, const char *url, NetUrl *parsed, char *errbuf, size_t errbuf_size)
{
	const char *name = protocol == NET_SMTP ? "smtp" : "imap";
	const char *p;
	const char *query;
	const char *colon;
	size_t authority;
	size_t host_len;

	memset(parsed, 0, sizeof(*parsed));
	if (url == NULL || strncmp(url, name, 4) != 0)
		return refuse(errbuf, errbuf_size, "the scheme is not that of the protocol");
	p = url + 4;
	parsed->tls_from_start = *p == 's';
	if (parsed->tls_from_start)
		p++;
	if (strncmp(p, "://", 3) != 0)
		return refuse(errbuf, errbuf_size, "the scheme is not that of the protocol");
	snprintf(parsed->scheme, sizeof(parsed->scheme), "%s%s", name,
			 parsed->tls_from_start ? "s" : "");
	p += 3;

	authority = strcspn(p, "/?#");
	if (memchr(p, '@', authority) != NULL)
		return refuse(errbuf, errbuf_size, "user and password do not belong into it");

	/* The last colon, unless it is inside the brackets of an address. */
	host_len = authority;
	colon = NULL;
	for (size_t i = authority; i > 0 && p[i - 1] != ']'; i--)
	{
		if (p[i - 1] == ':')
		{
			colon = p + i - 1;
			break;
		}
	}
	if (colon != NULL)
	{
		host_len = colon - p;
		if (!take_port(colon + 1, authority - host_len - 1, &parsed->port))
			return refuse(errbuf, errbuf_size, "the port is not a number from 1 to 65535");
	}
	if (!take_host(p, host_len, parsed))
		return refuse(errbuf, errbuf_size, "the host is neither a name nor an address");
	parsed->loopback = net_is_loopback(parsed->host);

	/* To ourselves, plain text unless asked; to others, never. */
	parsed->starttls = !parsed->tls_from_start && !parsed->loopback;
	query = p + authority;
	if (*query == '/')
		query++;
	if (strcmp(query, "?starttls=always") == 0 && !parsed->tls_from_start)
		parsed->starttls = true;
	else if (strcmp(query, "?starttls=never") == 0 && !parsed->tls_from_start)
	{
		if (!parsed->loopback)
			return refuse(errbuf, errbuf_size, "starttls=never is for loopback hosts only");
		parsed->starttls = false;
	}
	else if (*query != '\0')
		return refuse(errbuf, errbuf_size,
					  "after host and port only ?starttls=always or ?starttls=never may stand");
	return true;
}

/*
 * net_has_control: whether a setting could end a protocol line of curl's.
 */
bool
net_has_control(const char *value)
{
	for (; value != NULL && *value != '\0'; value++)
	{
		if ((unsigned char) *value < 0x20 || *value == 0x7f)
			return true;
	}
	return false;
}

/*
 * net_target_parse: the URL, and the settings that curl would put into lines
 * of the protocol as they are.
 */
bool
net_target_parse(const NetTarget *target, NetUrl *url, char *errbuf, size_t errbuf_size)
{
	static const char host_name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
									"0123456789.-_:[]";

	if (!url_parse(target->protocol, target->url, url, errbuf, errbuf_size))
		return false;
	if (net_has_control(target->username) || net_has_control(target->password))
	{
		snprintf(errbuf, errbuf_size, "user name or password has a control character");
		return false;
	}
	if (target->helo_name != NULL &&
		(strlen(target->helo_name) > 255 ||
		 target->helo_name[strspn(target->helo_name, host_name)] != '\0'))
	{
		snprintf(errbuf, errbuf_size, "the name for EHLO is no host name");
		return false;
	}
	return true;
}
