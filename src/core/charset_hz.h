/*-------------------------------------------------------------------------
 *
 * charset_hz.h
 *	  HZ-GB-2312 made 8-bit, for charset.c and no one else.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_CHARSET_HZ_H
#define AR_INBOX_CHARSET_HZ_H

#include "core/core.h"

extern void hz_unshift(const char *data, size_t len, StringInfo out);

#endif /* AR_INBOX_CHARSET_HZ_H */
