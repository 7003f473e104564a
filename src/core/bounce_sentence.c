/*-------------------------------------------------------------------------
 *
 * bounce_sentence.c
 *	  The sentence an address stands in: whether it says whom to ask.
 *
 * Sentences go on over lines, and what a colon announces may stand below a
 * blank one.
 *
 *-------------------------------------------------------------------------
 */
#include "core/bounce_sentence.h"

#include "core/bounce_words.h"
#include "core/casefold.h"

#define MAX_OPEN 400 /* bytes of a sentence that are kept */

/* last_end returns what is behind the last full stop, or the like; all where there is none. */
static const char *
last_end(MimeSlice text)
{
	const char *end = text.data + text.len;
	const char *start = text.data;

	for (const char *p = text.data; p < end; p++)
	{
		if ((*p == '.' || *p == '!' || *p == '?') && (p + 1 == end || mime_space(p[1])))
			start = p + 1;
		else if (end - p >= 3 && memcmp(p, "。", 3) == 0)
			start = p + 3;
	}
	return start;
}

static MimeSlice
last_sentence(MimeSlice text)
{
	MimeSlice sentence = {last_end(text), 0};

	sentence.len = text.data + text.len - sentence.data;
	mime_trim(&sentence);
	return sentence;
}

/* has_label: "Recipient: …" begins anew, whatever the line above left open. */
static bool
has_label(MimeSlice text)
{
	const char *colon = memchr(text.data, ':', text.len);

	return colon != NULL && colon + 1 < text.data + text.len;
}

/* bounce_sentence_line goes on with a line that has no address. */
void
bounce_sentence_line(BounceSentence *sentence, MimeSlice line, size_t indent)
{
	MimeSlice open = last_sentence(line);

	if (last_end(line) > line.data || sentence->open.len > MAX_OPEN || has_label(line))
		resetStringInfo(&sentence->open);
	if (sentence->open.len > 0)
		appendStringInfoChar(&sentence->open, ' ');
	appendBinaryStringInfo(&sentence->open, open.data,
						   (int) whole_characters(open.data, open.len, MAX_OPEN));
	sentence->indent = indent;
}

/* bounce_sentence_blank: a blank line ends a sentence that does not announce anything. */
void
bounce_sentence_blank(BounceSentence *sentence)
{
	const StringInfoData *open = &sentence->open;

	if ((open->len > 0 && open->data[open->len - 1] == ':') ||
		(open->len >= 3 && memcmp(open->data + open->len - 3, "：", 3) == 0))
		return;
	resetStringInfo(&sentence->open);
}

void
bounce_sentence_end(BounceSentence *sentence)
{
	resetStringInfo(&sentence->open);
}

bool
bounce_sentence_asks(const BounceSentence *sentence, MimeSlice line, const char *start)
{
	MimeSlice before = {line.data, start - line.data};
	MimeSlice open = last_sentence(before);
	StringInfoData whole;
	StringInfoData folded;
	bool asks;

	initStringInfo(&whole);
	initStringInfo(&folded);
	appendStringInfoChar(&whole, ' ');
	if (last_end(before) == before.data && memchr(before.data, ':', before.len) == NULL)
		appendStringInfo(&whole, "%s ", sentence->open.data);
	appendBinaryStringInfo(&whole, open.data, (int) open.len);
	appendStringInfoChar(&whole, ' ');
	casefold_append(&folded, whole.data, whole_characters(whole.data, whole.len, 3 * MAX_OPEN),
					false);
	asks = bounce_is_request(folded.data);
	pfree(whole.data);
	pfree(folded.data);
	return asks;
}
