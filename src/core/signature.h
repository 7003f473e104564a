/*-------------------------------------------------------------------------
 *
 * signature.h
 *	  Whether a message authentication code is the right one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_SIGNATURE_H
#define AR_INBOX_SIGNATURE_H

#include "core/core.h"

typedef enum SignatureHash
{
	SIGNATURE_SHA1,
	SIGNATURE_SHA256
} SignatureHash;

typedef enum SignatureResult
{
	SIGNATURE_RIGHT,
	SIGNATURE_WRONG,
	SIGNATURE_FAILED /* no memory, or the library refused: not the signature's fault */
} SignatureResult;

extern SignatureResult signature_check(SignatureHash hash, const char *key, size_t key_len,
									   const char *data, size_t len, const char *signature,
									   size_t signature_len);

#endif /* AR_INBOX_SIGNATURE_H */
