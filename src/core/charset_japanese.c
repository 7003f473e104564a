/*-------------------------------------------------------------------------
 *
 * charset_japanese.c
 *	  ISO-2022-JP as Japanese senders write it.
 *
 * They mean Microsoft's: with the circled numbers, units and rare characters of
 * rows 13 and 89 to 92, and half-width katakana, none of which the standard
 * has, and neither has the C library's converter.  Without its escape
 * sequences it is what CP932 is, only with other numbers for the same places;
 * and that converter there is.
 *
 *-------------------------------------------------------------------------
 */
#include "core/charset_japanese.h"

#define ESCAPE 0x1B
#define SHIFT_OUT 0x0E
#define SHIFT_IN 0x0F

/* Of one character, in any run. */
#define MAX_CHARACTER 4

/* What may stand behind an escape character. */
static const struct
{
	const char *bytes;
	JapaneseSet set;
} sequences[] = {{"(B", SET_ASCII}, {"(J", SET_ROMAN}, {"(I", SET_KATAKANA}, {"$B", SET_0208},
				 {"$@", SET_0208},	{"$(B", SET_0208}, {"$(@", SET_0208},	 {"$(D", SET_0212}};

/* read_escape passes over an escape sequence; false where it is none. */
static bool
read_escape(JapaneseReader *reader)
{
	const char *p = reader->data + 1;
	size_t len = reader->len - 1;

	/* Which edition of JIS X 0208 follows makes no difference here. */
	if (len >= 2 && memcmp(p, "&@", 2) == 0)
	{
		reader->data += 3;
		reader->len -= 3;
		return true;
	}
	for (int i = 0; i < lengthof(sequences); i++)
	{
		size_t n = strlen(sequences[i].bytes);

		if (len >= n && memcmp(p, sequences[i].bytes, n) == 0)
		{
			reader->set = sequences[i].set;
			reader->data += 1 + n;
			reader->len -= 1 + n;
			return true;
		}
	}
	return false;
}

/* put_cp932 writes where a pair of JIS X 0208 is in CP932. */
static void
put_cp932(char *out, unsigned char row, unsigned char cell)
{
	int pair = (row - 0x21) / 2;

	out[0] = (char) (pair + (pair < 31 ? 0x81 : 0xC1));
	if ((row & 1) == 0)
		out[1] = (char) (cell + 0x7E);
	else
		out[1] = (char) (cell + (cell < 0x60 ? 0x1F : 0x20));
}

/*
 * read_character reads one character and returns what run it belongs to; with
 * JAPANESE_BAD "taken" is what to pass over.  Control characters and blanks
 * mean themselves in every set, and are no reason to end a run of CP932.
 */
static JapaneseRun
read_character(const JapaneseReader *reader, bool in_cp932, char *out, int *written, size_t *taken)
{
	unsigned char c = (unsigned char) reader->data[0];
	unsigned char next = reader->len > 1 ? (unsigned char) reader->data[1] : 0;
	JapaneseSet set = reader->set;

	*taken = 1;
	*written = 1;
	out[0] = (char) c;
	if (c >= 0x80 || c == ESCAPE)
		return JAPANESE_BAD;
	if (c <= 0x20 || c == 0x7F)
	{
		/* PostgreSQL's text cannot hold it. */
		if (c == 0)
			*written = 0;
		return in_cp932 ? JAPANESE_CP932 : JAPANESE_UTF8;
	}
	if (reader->shifted && set != SET_0208 && set != SET_0212)
		set = SET_KATAKANA;
	switch (set)
	{
		case SET_ASCII:
			return JAPANESE_UTF8;
		case SET_ROMAN:
			if (c == '\\')
				memcpy(out, "\xC2\xA5", *written = 2);
			else if (c == '~')
				memcpy(out, "\xE2\x80\xBE", *written = 3);
			return JAPANESE_UTF8;
		case SET_KATAKANA:
			out[0] = (char) (c | 0x80);
			return c < 0x60 ? JAPANESE_CP932 : JAPANESE_BAD;
		case SET_0208:
		case SET_0212:
			break;
	}
	if (next < 0x21 || next > 0x7E)
		return JAPANESE_BAD;
	*taken = 2;
	if (set == SET_0208)
	{
		*written = 2;
		put_cp932(out, c, next);
		return JAPANESE_CP932;
	}
	*written = 3;
	out[0] = (char) 0x8F;
	out[1] = (char) (c | 0x80);
	out[2] = (char) (next | 0x80);
	return JAPANESE_EUC;
}

/*
 * japanese_next writes the next characters that are converted in one way, as
 * many as there is room for, and tells in which.
 */
JapaneseRun
japanese_next(JapaneseReader *reader, char *out, size_t room, size_t *written)
{
	JapaneseRun run = JAPANESE_END;

	*written = 0;
	while (reader->len > 0 && room - *written >= MAX_CHARACTER)
	{
		unsigned char c = (unsigned char) reader->data[0];
		JapaneseRun one;
		int length;
		size_t taken;

		if (c == ESCAPE && read_escape(reader))
			continue;
		if (c == SHIFT_OUT || c == SHIFT_IN)
		{
			reader->shifted = c == SHIFT_OUT;
			taken = 1;
		}
		else
		{
			one = read_character(reader, run == JAPANESE_CP932, out + *written, &length, &taken);
			if (run != JAPANESE_END && one != run)
				return run;
			run = one;
			if (run != JAPANESE_BAD)
				*written += length;
		}
		reader->data += taken;
		reader->len -= taken;
		if (run == JAPANESE_BAD)
			return run;
	}
	return run;
}
