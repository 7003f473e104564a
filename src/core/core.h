/*-------------------------------------------------------------------------
 *
 * core.h
 *	  What every file of src/core starts from.
 *
 * src/core turns bytes and values into bytes and values: no tables, no
 * sockets, no server state.  Each of its files compiles twice: into the
 * extension, where palloc raises a clean error when memory runs out, and with
 * -DFRONTEND against libpgcommon, for the unit and benchmark programs.
 *
 * Nothing here calls ereport: what is wrong with the input is a return value.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_CORE_H
#define AR_INBOX_CORE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "lib/stringinfo.h"

/* How much of a text in UTF-8 is whole characters, of so many bytes at most. */
static inline size_t
whole_characters(const char *text, size_t len, size_t most)
{
	if (len <= most)
		return len;
	while (most > 0 && ((unsigned char) text[most] & 0xC0) == 0x80)
		most--;
	return most;
}

#endif /* AR_INBOX_CORE_H */
