/*-------------------------------------------------------------------------
 *
 * imap_parse.h
 *	  An IMAP server's answers: read by literal counts, then parsed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_IMAP_PARSE_H
#define AR_INBOX_IMAP_PARSE_H

#include "net/net.h"

#define IMAP_MAX_LITERALS 16 /* in one answer; ours need one */

typedef enum ImapReadStatus
{
	IMAP_READ_MORE,
	IMAP_READ_COMPLETE,
	IMAP_READ_BAD,
	IMAP_READ_NO_MEMORY,
} ImapReadStatus;

/* Bytes of a literal, and where in the answer it stands. */
typedef struct ImapLiteral
{
	size_t at;
	uint64 size;
	char *data; /* NULL: larger than literal_max, skipped */
} ImapLiteral;

/*
 * An answer being read.  text is all of it but the literals; each has left a
 * NUL in its place, a byte that no answer may contain itself.
 */
typedef struct ImapReader
{
	char *text;
	size_t len;
	size_t size;
	size_t line_start;
	bool in_literal;
	uint64 literal_got;
	uint64 literal_max; /* the owner's: what is larger is not kept */
	int n_literals;
	ImapLiteral literals[IMAP_MAX_LITERALS];
} ImapReader;

extern void imap_reader_reset(ImapReader *reader);
extern void imap_reader_free(ImapReader *reader);
extern ImapReadStatus imap_reader_feed(ImapReader *reader, const char *bytes, size_t n,
									   size_t *used);

typedef enum ImapKind
{
	IMAP_TAGGED,   /* tag, status, code, rest */
	IMAP_STATUS,   /* untagged OK, NO, BAD, BYE, PREAUTH */
	IMAP_CONTINUE, /* + */
	IMAP_FETCH,
	IMAP_EXISTS,	 /* number */
	IMAP_EXPUNGE,	 /* number */
	IMAP_SEARCH,	 /* rest: numbers */
	IMAP_ESEARCH,	 /* rest */
	IMAP_CAPABILITY, /* rest: words */
	IMAP_OTHER,
	IMAP_MALFORMED,
} ImapKind;

typedef enum ImapStatus
{
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,
	IMAP_PREAUTH,
} ImapStatus;

/* Strings point into the reader's text and live as long as the answer does. */
typedef struct ImapResponse
{
	ImapKind kind;
	ImapStatus status;
	const char *tag;
	const char *code; /* between the brackets, or "" */
	char *rest;
	uint32 number;

	/* FETCH: what it told. */
	uint32 uid; /* 0: not told */
	bool has_size;
	uint64 size;
	char *flags; /* NULL: not told */
	char *internaldate;
	bool has_body;
	ImapLiteral *body; /* NULL with has_body: NIL, or in quotes */
	char *quoted_body;
} ImapResponse;

extern void imap_parse(ImapReader *reader, ImapResponse *response);

/* A decimal number up to max at *p, which moves behind it. */
extern bool imap_number(const char **p, uint64 max, uint64 *value);

/* Whether a list of words has this one, whatever the case. */
extern bool imap_has_word(const char *words, const char *word);

#endif /* AR_INBOX_IMAP_PARSE_H */
