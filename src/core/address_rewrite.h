/*-------------------------------------------------------------------------
 *
 * address_rewrite.h
 *	  Addresses that carry something: our tokens, and what relays put in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_ADDRESS_REWRITE_H
#define AR_INBOX_ADDRESS_REWRITE_H

#include "core/core.h"

extern char *address_with_tag(const char *address, size_t len, const char *tag, size_t tag_len);
extern char *address_tag(const char *address, size_t len);
extern char *address_unwrap(const char *address, size_t len);

#endif /* AR_INBOX_ADDRESS_REWRITE_H */
