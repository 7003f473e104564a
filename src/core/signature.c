/*-------------------------------------------------------------------------
 *
 * signature.c
 *	  Whether a message authentication code is the right one (HMAC, RFC 2104).
 *
 *-------------------------------------------------------------------------
 */
#include "core/signature.h"

#include "common/hmac.h"
#include "common/sha1.h"
#include "common/sha2.h"

/*
 * signature_check compares the whole of what was given, whatever its beginning
 * is: the time it takes tells nothing about where a forged one differs.
 */
SignatureResult
signature_check(SignatureHash hash, const char *key, size_t key_len, const char *data, size_t len,
				const char *signature, size_t signature_len)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	size_t size = hash == SIGNATURE_SHA1 ? SHA1_DIGEST_LENGTH : PG_SHA256_DIGEST_LENGTH;
	pg_hmac_ctx *context = pg_hmac_create(hash == SIGNATURE_SHA1 ? PG_SHA1 : PG_SHA256);
	uint8 difference = 0;
	bool done;

	if (context == NULL)
		return SIGNATURE_FAILED;
	done = pg_hmac_init(context, (const uint8 *) key, key_len) >= 0 &&
		   pg_hmac_update(context, (const uint8 *) data, len) >= 0 &&
		   pg_hmac_final(context, digest, size) >= 0;
	pg_hmac_free(context);
	if (!done)
		return SIGNATURE_FAILED;
	if (signature_len != size)
		return SIGNATURE_WRONG;
	for (size_t i = 0; i < size; i++)
		difference |= digest[i] ^ (uint8) signature[i];
	return difference == 0 ? SIGNATURE_RIGHT : SIGNATURE_WRONG;
}
