/*-------------------------------------------------------------------------
 *
 * mime_id.c
 *	  Message-IDs: of a mail itself, and of those that it answers or refers to.
 *
 *	  What mail programs wrote into In-Reply-To before RFC 2822 was prose, often
 *	  with somebody's address in it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"

/* add_id appends an id; beyond the first and last 20 the middle goes. */
static void
add_id(MimeReader *reader, MimeIdList *list, const char *data, size_t len)
{
	StringInfo out = &reader->scratch;
	int n = 0;

	resetStringInfo(out);
	charset_to_utf8(NULL, 0, data, len, out);
	for (int i = 0; i < out->len; i++)
	{
		if ((unsigned char) out->data[i] > ' ' && out->data[i] != 0x7F && out->data[i] != '<')
			out->data[n++] = out->data[i];
	}
	if (n == 0 || n > MIME_MAX_ID)
	{
		reader->mail->defects |= MIME_DEFECT_MESSAGE_ID;
		return;
	}
	if (list->ids == NULL)
		list->ids = mime_alloc(reader->arena, 2 * MIME_KEEP_IDS * sizeof(char *));
	if (list->count == 2 * MIME_KEEP_IDS)
	{
		reader->mail->defects |= MIME_DEFECT_REFERENCES;
		memmove(&list->ids[MIME_KEEP_IDS], &list->ids[MIME_KEEP_IDS + 1],
				(MIME_KEEP_IDS - 1) * sizeof(char *));
		list->count--;
	}
	list->ids[list->count++] = mime_strdup(reader->arena, out->data, n);
}

/*
 * after_name tells whether what stands before an angle bracket is a name, so
 * that an address is in it: Message from Joe <joe@example.com> of "Mon, 6 May
 * 2024" <1@example.com>.  Before an id comes nothing, or a date.
 */
static bool
after_name(const char *p, const char *open)
{
	bool letter = false;

	for (; p < open; p++)
	{
		if (mime_digit(*p))
			return false;
		letter = letter || mime_alpha(*p) || (unsigned char) *p >= 0x80;
	}
	return letter;
}

/* has_digit: whoever makes ids makes them of numbers. */
static bool
has_digit(const char *p, const char *end)
{
	while (p < end && *p != '@')
	{
		if (mime_digit(*p++))
			return true;
	}
	return false;
}

/* looks_like_id is for a word in prose: not of joe@example.com's message. */
static bool
looks_like_id(const char *word, const char *end)
{
	return memchr(word, '@', end - word) != NULL && has_digit(word, end) &&
		   !(end - word > 2 && end[-2] == '\'' && end[-1] == 's');
}

/*
 * mime_ids appends the Message-IDs of a field.  Where none stands in angle
 * brackets, a word with an @ is taken for one; In-Reply-To may hold prose, and
 * in that the address of who is answered, which is no id: all that this person
 * ever wrote would be one conversation.
 * With "only_first" a single word will do, for a Message-ID of its own.
 */
void
mime_ids(MimeReader *reader, MimeSlice value, MimeIdList *list, bool only_first)
{
	const char *p;
	const char *end;
	bool found = false;

	value = mime_unfold(reader, value);
	p = value.data;
	end = p + value.len;
	while (p < end)
	{
		const char *open = memchr(p, '<', end - p);
		const char *close = open == NULL ? NULL : memchr(open, '>', end - open);
		const char *inner;
		bool named;

		if (close == NULL)
			break;
		named = !only_first && after_name(p, open);
		p = close + 1;

		/* The last "<" before the ">" is the one that counts. */
		inner = close;
		while (inner[-1] != '<')
			inner--;
		found = true;
		if (named && (!has_digit(inner, close) || memchr(p, '<', end - p) != NULL))
			continue;
		add_id(reader, list, inner, close - inner);
		if (only_first)
			return;
	}
	if (found)
		return;

	p = value.data;
	while (p < end)
	{
		const char *word;

		while (p < end && (mime_space(*p) || *p == ','))
			p++;
		word = p;
		while (p < end && !mime_space(*p) && *p != ',')
			p++;
		if (p > word && (only_first || looks_like_id(word, p)))
		{
			add_id(reader, list, word, p - word);
			if (only_first)
				return;
		}
	}
}
