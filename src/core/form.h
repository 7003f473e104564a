/*-------------------------------------------------------------------------
 *
 * form.h
 *	  The bodies of HTTP requests that carry names and values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_FORM_H
#define AR_INBOX_FORM_H

#include "core/core.h"

/* A file among the values. */
typedef struct FormFile
{
	const char *field;
	const char *name;
	const char *type;
	const char *data;
	size_t length;
} FormFile;

/* application/x-www-form-urlencoded */
extern void form_urlencoded(StringInfo body, int count, const char *const *names,
							const char *const *values);

/*
 * multipart/form-data (RFC 7578).  The boundary must stand nowhere in the
 * values: the caller draws a long one at random.
 */
extern void form_multipart(StringInfo body, const char *boundary, int count,
						   const char *const *names, const char *const *values,
						   const FormFile *file);

#endif /* AR_INBOX_FORM_H */
