/*-------------------------------------------------------------------------
 *
 * address.h
 *	  Mailbox addresses: what is one, and which two are the same.
 *
 * All strings are UTF-8.  The syntax is RFC 5321's Mailbox with the
 * international parts of RFC 6531 and domains by IDNA 2008.  Two addresses
 * are the same if their canonical forms (address_fold) are the same bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_ADDRESS_H
#define AR_INBOX_ADDRESS_H

#include "core/core.h"

/* the most octets that RFC 5321 lets an address and its local part have */
#define ADDRESS_MAX_LENGTH 254
#define ADDRESS_MAX_LOCAL 64

/* An address taken apart; the pointers are into what was parsed. */
typedef struct AddressParts
{
	const char *local; /* with its quotation marks, if it has them */
	size_t local_len;
	const char *domain; /* with its brackets, if it is a literal */
	size_t domain_len;
	bool local_quoted;	 /* "john smith"@... */
	bool domain_literal; /* ...@[127.0.0.1] */
	bool domain_ascii;	 /* the domain can be written as it is */
	bool needs_smtputf8; /* the local part is not ASCII */
} AddressParts;

/*
 * Is this an address?  If so parts (may be NULL) is filled; if not, *error
 * (may be NULL) says what is wrong with it, in words that follow "it".
 */
extern bool address_parse(const char *s, size_t len, AddressParts *parts, const char **error);

/* What would be right instead, for an error of address_parse. */
extern const char *address_error_hint(const char *error);

/*
 * The domain as mail servers and DNS want it: lower case, A-labels.  NULL if
 * it is not a domain.
 */
extern char *address_domain_to_ascii(const char *domain, size_t len);

/* The address as it is kept: the local part as given, the domain in lower case. */
extern char *address_normalize(const AddressParts *parts);

/*
 * The canonical form of what address_parse has accepted: local part folded and
 * without needless quotation marks, domain in lower-case A-labels.
 */
extern char *address_fold(const char *s, size_t len);

/* strcmp of the canonical forms of two addresses */
extern int address_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* Is the canonical form simply the bytes with A-Z in lower case? */
extern bool address_is_plain(const char *s, size_t len);

/* Characters: may stand unquoted; space beyond ASCII; and is there only ASCII? */
extern bool address_is_atext(unsigned char c);
extern bool address_is_wide_space(uint32 c);

static inline bool
address_is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (IS_HIGHBIT_SET(s[i]))
			return false;
	}
	return true;
}

/* Any bytes as one line of printable UTF-8 of bounded length, for messages. */
extern char *address_escape(const char *s, size_t len);

#endif /* AR_INBOX_ADDRESS_H */
