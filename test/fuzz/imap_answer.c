/*-------------------------------------------------------------------------
 *
 * imap_answer.c
 *	  Fuzz target: what an IMAP server answers, as answers.
 *
 * The first byte says in how large pieces the rest is given to the reader:
 * what is understood must not depend on how the network cuts it.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "net/imap_parse.h"
#include "net/imap_set.h"

#define LITERAL_MAX 4096

/* A string of an answer lies within its text. */
static void
see_string(const ImapReader *reader, const char *what, const char *string)
{
	if (string == NULL)
		return;
	if (*string != '\0')
		must(string >= reader->text && string + strlen(string) <= reader->text + reader->len,
			 "%s is not in the answer", what);
	fuzz_saw(string, strlen(string));
}

static void
see_set(const char *list, char separator)
{
	ImapSet set = {0};
	bool no_memory = false;
	uint64 count = 0;
	uint32 before = 0;

	if (imap_set_parse(&set, list, separator, &no_memory))
		fuzz_saw_number(set.n);
	must(!no_memory, "no memory");
	imap_set_normalize(&set, 3);
	for (size_t i = 0; i < set.n; i++)
	{
		must(set.ranges[i].low <= set.ranges[i].high, "a range from behind");
		must(set.ranges[i].low >= 3 && (i == 0 || set.ranges[i].low > before), "no order");
		before = set.ranges[i].high;
		count += (uint64) set.ranges[i].high - set.ranges[i].low + 1;
	}
	must(count == imap_set_count(&set), "a wrong count");
	fuzz_saw_number(count);
	imap_set_clear(&set);
}

static void
see_answer(ImapReader *reader)
{
	ImapResponse response;

	must(reader->n_literals >= 0 && reader->n_literals <= IMAP_MAX_LITERALS, "%d literals",
		 reader->n_literals);
	for (int i = 0; i < reader->n_literals; i++)
	{
		const ImapLiteral *literal = &reader->literals[i];

		must(literal->at < reader->len && reader->text[literal->at] == '\0', "no place");
		must((literal->data != NULL) == (literal->size <= LITERAL_MAX), "kept wrongly");
		if (literal->data != NULL)
		{
			must(literal->data[literal->size] == '\0', "no end");
			fuzz_saw(literal->data, literal->size);
		}
	}

	imap_parse(reader, &response);
	fuzz_saw_number(response.kind);
	if (response.kind == IMAP_MALFORMED)
		return;
	see_string(reader, "tag", response.tag);
	see_string(reader, "code", response.code);
	see_string(reader, "rest", response.rest);
	see_string(reader, "flags", response.flags);
	see_string(reader, "date", response.internaldate);
	see_string(reader, "body", response.quoted_body);
	fuzz_saw_number(response.number);
	fuzz_saw_number(response.uid);
	fuzz_saw_number(response.size);
	if (response.body != NULL)
		must(response.has_body && response.kind == IMAP_FETCH &&
				 response.body >= reader->literals &&
				 response.body < reader->literals + reader->n_literals,
			 "a body that is no literal");
	if (response.kind == IMAP_SEARCH)
		see_set(response.rest, ' ');
	else if (response.kind == IMAP_ESEARCH)
		see_set(response.rest, ',');
	else if (response.kind == IMAP_CAPABILITY)
		fuzz_saw_number(imap_has_word(response.rest, "IDLE"));
	if (response.kind == IMAP_TAGGED || response.kind == IMAP_STATUS)
		must(response.code != NULL && response.rest != NULL, "a status without its strings");
}

/* Reads all of it in pieces of that size. */
static void
read_all(const char *data, size_t size, size_t piece)
{
	ImapReader reader = {0};
	ImapReadStatus status = IMAP_READ_MORE;

	reader.literal_max = LITERAL_MAX;
	for (size_t at = 0; at < size && (status == IMAP_READ_MORE || status == IMAP_READ_COMPLETE);)
	{
		size_t n = Min(piece, size - at);
		size_t used = 0;

		status = imap_reader_feed(&reader, data + at, n, &used);
		must(status != IMAP_READ_NO_MEMORY, "no memory");
		if (status == IMAP_READ_BAD)
			break;
		must(used <= n && (used > 0 || status == IMAP_READ_MORE), "%zu of %zu bytes", used, n);
		must(status == IMAP_READ_COMPLETE || used == n, "bytes were left");
		at += used;
		if (status == IMAP_READ_COMPLETE)
		{
			see_answer(&reader);
			imap_reader_reset(&reader);
		}
	}
	fuzz_saw_number(status == IMAP_READ_BAD);
	imap_reader_free(&reader);
}

void
fuzz_run(const char *data, size_t size)
{
	uint64 whole;
	uint64 pieces;
	char name[200];
	char *mailbox;

	if (size == 0)
		return;
	whole = fuzz_mark();
	read_all(data + 1, size - 1, size);
	whole = fuzz_since(whole);
	pieces = fuzz_mark();
	read_all(data + 1, size - 1, (unsigned char) data[0] % 32 + 1);
	pieces = fuzz_since(pieces);
	must(whole == pieces, "in pieces it says something else");

	fuzz_fields(data, size, &mailbox, 1);
	if (imap_mailbox_name(mailbox, name, sizeof(name)))
	{
		size_t len = strlen(name);

		must(len >= 3 && len < sizeof(name) && name[0] == '"' && name[len - 1] == '"', "quotes");
		for (size_t i = 0; i < len; i++)
			must(name[i] >= ' ' && name[i] < 0x7F, "not ASCII: %s", name);
	}
}
