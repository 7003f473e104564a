/*-------------------------------------------------------------------------
 *
 * net_text.c
 *	  What a server wrote, made fit to be kept as text.
 *
 *-------------------------------------------------------------------------
 */
#include "net/net_connection.h"

/*
 * utf8_length: bytes of the character at text, 0 where there is no valid one.
 */
static size_t
utf8_length(const unsigned char *text, size_t len)
{
	size_t n;

	if (text[0] < 0x80)
		return 1;
	n = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	if (text[0] < 0xc2 || text[0] > 0xf4 || len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
	{
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}

	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return n;
}

bool
net_valid_utf8(const char *text, size_t len)
{
	for (size_t i = 0; i < len;)
	{
		size_t n = utf8_length((const unsigned char *) text + i, len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/*
 * net_clean_text: control characters become spaces, but for line feeds, and
 * bytes that are not UTF-8 question marks; the length stays.
 */
void
net_clean_text(char *text, size_t len)
{
	for (size_t i = 0; i < len;)
	{
		unsigned char c = (unsigned char) text[i];
		size_t n = utf8_length((unsigned char *) text + i, len - i);

		if ((c < 0x20 && c != '\n') || c == 0x7f)
			text[i] = ' ';
		else if (n == 0)
			text[i] = '?';
		i += n == 0 ? 1 : n;
	}
}

bool
net_has_8bit(const char *text, size_t len)
{
	size_t i = 0;

	for (; i + sizeof(uint64) <= len; i += sizeof(uint64))
	{
		uint64 word;

		memcpy(&word, text + i, sizeof(word));
		if (word & UINT64CONST(0x8080808080808080))
			return true;
	}
	for (; i < len; i++)
	{
		if ((unsigned char) text[i] >= 0x80)
			return true;
	}
	return false;
}

/*
 * net_strdup: a copy on malloc's heap; the server's strdup may be another.
 */
char *
net_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = malloc(size);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}
