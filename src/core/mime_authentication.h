/*-------------------------------------------------------------------------
 *
 * mime_authentication.h
 *	  What our own mail servers found out about who sent a mail (RFC 8601).
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_MIME_AUTHENTICATION_H
#define AR_INBOX_MIME_AUTHENTICATION_H

#include "core/core.h"

/* bytes from the beginning of a mail that may be its header */
#define AUTHENTICATION_LOOK (1024 * 1024)

typedef struct AuthenticationProperty
{
	char *name; /* "smtp.mailfrom", "header.d", "reason" ..., in lower case */
	char *value;
} AuthenticationProperty;

typedef struct AuthenticationResult
{
	char *method; /* in lower case, as is the result */
	char *result;
	int property_count;
	AuthenticationProperty *properties;
} AuthenticationResult;

typedef struct Authentication
{
	int count;
	AuthenticationResult *results; /* those of one method stand together */
} Authentication;

extern bool authentication_header_ends(const char *data, size_t len);
extern Authentication *authentication_read(const char *data, size_t len, char *const *trusted,
										   int trusted_count);

#endif /* AR_INBOX_MIME_AUTHENTICATION_H */
