/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Ids in addresses and links, which only their company can make or read.
 *
 * A token has to be short (it stands in the local part of an address, which
 * has 64 octets), has to survive relays that change letter case, must not
 * tell how many threads there are, and must not be guessed.  So:
 *
 *	  mac    = first 10 bytes of HMAC-SHA256(key, purpose || id)
 *	  masked = id XOR first 8 bytes of HMAC-SHA256(key, "mask" || mac)
 *	  token  = purpose || base32(mac || masked)
 *
 * with the id as 8 bytes, most significant first.  This is a synthetic IV: the
 * mac both proves the id and chooses the mask, so that the same id always
 * gives the same token and two ids never share a mask but by accident.  What
 * goes into the two HMACs has different lengths (9 and 14 bytes), so that
 * neither can stand for the other.  A guess is right once in 2^80.
 *
 * The alphabet is that of RFC 4648's base32 in lower case; capitals are read
 * as well.  One spelling only is right: the spare bit at the end has to be 0.
 *
 *-------------------------------------------------------------------------
 */
#include "core/token.h"

#include "common/hmac.h"
#include "common/sha2.h"

#define MAC_BYTES 10
#define ID_BYTES 8
#define TOKEN_BYTES (MAC_BYTES + ID_BYTES)

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

/* token_is_purpose tells whether a letter is one that tokens begin with. */
bool
token_is_purpose(char purpose)
{
	return purpose == TOKEN_REPLY || purpose == TOKEN_BOUNCE || purpose == TOKEN_OPEN ||
		   purpose == TOKEN_INVOICE;
}

/* hmac is the keyed hash of a few bytes; false if it cannot be had. */
static bool
hmac(const char *key, size_t key_len, const uint8 *data, size_t len,
	 uint8 digest[PG_SHA256_DIGEST_LENGTH])
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	bool done;

	if (context == NULL)
		return false;
	done = pg_hmac_init(context, (const uint8 *) key, key_len) >= 0 &&
		   pg_hmac_update(context, data, len) >= 0 &&
		   pg_hmac_final(context, digest, PG_SHA256_DIGEST_LENGTH) >= 0;
	pg_hmac_free(context);
	return done;
}

static void
put_id(uint8 bytes[ID_BYTES], uint64 id)
{
	for (int i = ID_BYTES - 1; i >= 0; i--)
	{
		bytes[i] = (uint8) id;
		id >>= 8;
	}
}

/* make_mac proves that the company gave this purpose to this id. */
static bool
make_mac(const char *key, size_t key_len, char purpose, const uint8 id[ID_BYTES],
		 uint8 mac[MAC_BYTES])
{
	uint8 data[1 + ID_BYTES];
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	data[0] = (uint8) purpose;
	memcpy(data + 1, id, ID_BYTES);
	if (!hmac(key, key_len, data, sizeof(data), digest))
		return false;
	memcpy(mac, digest, MAC_BYTES);
	return true;
}

/* mask hides an id, or shows it again: XOR is its own reverse. */
static bool
mask(const char *key, size_t key_len, const uint8 mac[MAC_BYTES], uint8 id[ID_BYTES])
{
	uint8 data[4 + MAC_BYTES] = {'m', 'a', 's', 'k'};
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	memcpy(data + 4, mac, MAC_BYTES);
	if (!hmac(key, key_len, data, sizeof(data), digest))
		return false;
	for (int i = 0; i < ID_BYTES; i++)
		id[i] ^= digest[i];
	return true;
}

/* encode writes five bits a letter. */
static void
encode(const uint8 bytes[TOKEN_BYTES], char *letters)
{
	uint32 bits = 0;
	int have = 0;

	for (int i = 0; i < TOKEN_BYTES; i++)
	{
		bits = bits << 8 | bytes[i];
		have += 8;
		while (have >= 5)
		{
			have -= 5;
			*letters++ = alphabet[bits >> have & 31];
		}
	}
	*letters++ = alphabet[bits << (5 - have) & 31];
	*letters = '\0';
}

static int
letter_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

/* decode reads the letters behind the first; false if they are not a token's. */
static bool
decode(const char *letters, uint8 bytes[TOKEN_BYTES])
{
	uint32 bits = 0;
	int have = 0;
	int count = 0;

	for (int i = 0; i < TOKEN_LENGTH - 1; i++)
	{
		int value = letter_value(letters[i]);

		if (value < 0)
			return false;
		bits = bits << 5 | (uint32) value;
		have += 5;
		if (have >= 8)
		{
			have -= 8;
			bytes[count++] = (uint8) (bits >> have);
		}
	}
	return (bits & ((1U << have) - 1)) == 0;
}

/* token_sign makes the token of an id; false if the hash cannot be had. */
bool
token_sign(const char *key, size_t key_len, char purpose, int64 id, char token[TOKEN_LENGTH + 1])
{
	uint8 bytes[TOKEN_BYTES];

	put_id(bytes + MAC_BYTES, (uint64) id);
	if (!make_mac(key, key_len, purpose, bytes + MAC_BYTES, bytes) ||
		!mask(key, key_len, bytes, bytes + MAC_BYTES))
		return false;
	token[0] = purpose;
	encode(bytes, token + 1);
	return true;
}

/*
 * token_read finds the id in a token, if the key's owner made it for this
 * purpose.  How long the comparison takes tells nothing about where a forged
 * token differs from the right one.
 */
TokenResult
token_read(const char *key, size_t key_len, char purpose, const char *token, size_t len, int64 *id)
{
	uint8 bytes[TOKEN_BYTES];
	uint8 mac[MAC_BYTES];
	uint8 difference = 0;
	uint64 value = 0;

	if (len != TOKEN_LENGTH || pg_ascii_tolower(token[0]) != purpose || !decode(token + 1, bytes))
		return TOKEN_WRONG;
	if (!mask(key, key_len, bytes, bytes + MAC_BYTES) ||
		!make_mac(key, key_len, purpose, bytes + MAC_BYTES, mac))
		return TOKEN_FAILED;
	for (int i = 0; i < MAC_BYTES; i++)
		difference |= mac[i] ^ bytes[i];
	if (difference != 0)
		return TOKEN_WRONG;
	for (int i = 0; i < ID_BYTES; i++)
		value = value << 8 | bytes[MAC_BYTES + i];
	*id = (int64) value;
	return TOKEN_RIGHT;
}
