/*-------------------------------------------------------------------------
 *
 * token.h
 *	  Ids in addresses and links, which only their company can make or read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_TOKEN_H
#define AR_INBOX_TOKEN_H

#include "core/core.h"

/* What a token names, and its first letter. */
#define TOKEN_REPLY 'r'	  /* a thread: whoever writes to it answers in it */
#define TOKEN_BOUNCE 'b'  /* a delivery: what comes back to it has bounced */
#define TOKEN_OPEN 'o'	  /* an email: whoever fetches its image has opened it */
#define TOKEN_INVOICE 'i' /* an invoice: whoever has its link may see it */

/* letters: one for the purpose, 29 for the 18 bytes */
#define TOKEN_LENGTH 30

/* bytes of the shortest key that is accepted */
#define TOKEN_MIN_KEY 16

typedef enum TokenResult
{
	TOKEN_RIGHT,
	TOKEN_WRONG,
	TOKEN_FAILED /* no memory, or the library refused: not the token's fault */
} TokenResult;

extern bool token_is_purpose(char purpose);
extern bool token_sign(const char *key, size_t key_len, char purpose, int64 id,
					   char token[TOKEN_LENGTH + 1]);
extern TokenResult token_read(const char *key, size_t key_len, char purpose, const char *token,
							  size_t len, int64 *id);

#endif /* AR_INBOX_TOKEN_H */
