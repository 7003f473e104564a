/*-------------------------------------------------------------------------
 *
 * file_type.h
 *	  The type of a file: by its content first, then by what it is called.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_FILE_TYPE_H
#define AR_INBOX_FILE_TYPE_H

#include "core/core.h"

/* bytes from the beginning of a file that are looked at */
#define FILE_TYPE_LOOK 65536

#define FILE_TYPE_UNKNOWN "application/octet-stream"

/*
 * The type of a file.  "found" is what a library of signatures says of it,
 * NULL if it says nothing; "name" and "declared" are the sender's words, and
 * may be NULL.
 */
extern char *file_type(const char *found, const char *data, size_t len, const char *name,
					   const char *declared);

#endif /* AR_INBOX_FILE_TYPE_H */
