/*-------------------------------------------------------------------------
 *
 * words.c
 *	  The words of a text, for finding it again.
 *
 * Words do not overlap: each character belongs to one word at most.  What is
 * written together, as INV-00042, ann@globex.example or 1,234.50, is a sequence
 * of words, and so is the same thing in a query, where PostgreSQL makes a
 * phrase of it.  So it is found as a whole, in each of its parts, and written
 * with other characters between the parts, while no word is stored twice.
 *
 *	  letters		up to the next character that is none; a digit is none, so
 *					that RE2026 has two words and is found by the number too
 *	  numbers		digits, and the characters that separate thousands; the
 *					fraction of an amount is a word of its own
 *	  codes			a single letter next to a digit (A4, B-17), which is no
 *					article or preposition, whatever the language
 *	  characters	of the scripts that put no blanks between words: each is a
 *					word, and what is looked for a sequence of them
 *
 * An apostrophe stands between words: the lists of words that are too frequent
 * to look for have "s", "l" and "qu" for that.
 *
 *-------------------------------------------------------------------------
 */
#include "core/words.h"

#include "common/unicode_norm.h"
#include "core/casefold.h"

/* The classes of all characters of one or two bytes, once they are known. */
#define SHORT_CLASSES 0x800
static uint8 short_classes[SHORT_CLASSES];
static bool short_classes_known = false;

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_ASCII_LETTER(c) (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z')

/* The class of the character at p, and how many bytes it has. */
static inline WordClass
class_at(const unsigned char *p, int *len)
{
	if (*p < 0x80)
	{
		*len = 1;
		return (WordClass) short_classes[*p];
	}
	*len = pg_utf_mblen(p);
	if (*len == 2)
		return (WordClass) short_classes[((p[0] & 0x1F) << 6) | (p[1] & 0x3F)];
	return word_class(utf8_to_unicode(p));
}

void
words_begin(WordReader *reader, const char *text, size_t len)
{
	if (!short_classes_known)
	{
		for (pg_wchar c = 0; c < SHORT_CLASSES; c++)
			short_classes[c] = word_class(c);
		short_classes_known = true;
	}
	reader->start = (const unsigned char *) text;
	reader->at = reader->start;
	reader->end = reader->start + len;
}

/*
 * separator_at
 *		How many bytes a character has that may separate thousands: a point, a
 *		comma, an apostrophe, one of two blanks that do not break the line; 0 if
 *		it is none.
 */
static int
separator_at(const unsigned char *p, const unsigned char *end)
{
	if (p >= end)
		return 0;
	if (*p == '.' || *p == ',' || *p == '\'')
		return 1;
	if (end - p >= 2 && p[0] == 0xC2 && p[1] == 0xA0)
		return 2;
	if (end - p >= 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xAF || p[2] == 0x99))
		return 3;
	return 0;
}

static inline const unsigned char *
past_digits(const unsigned char *p, const unsigned char *end)
{
	while (p < end && IS_DIGIT(*p))
		p++;
	return p;
}

/*
 * past_number
 *		The end of the number that begins here.  Groups of three after one to
 *		three digits, all separated alike, are one number; else it ends with its
 *		digits, and a date or the number of a version has several.
 */
static const unsigned char *
past_number(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *digits = past_digits(p, end);
	const unsigned char *group = digits;
	int width = separator_at(digits, end);

	if (width == 0 || digits - p > 3 || *p == '0')
		return digits;
	for (;;)
	{
		const unsigned char *next;

		if (end - group < width || memcmp(group, digits, width) != 0)
			return group;
		next = past_digits(group + width, end);
		if (next == group + width)
			return group;
		if (next - (group + width) != 3)
			return digits;
		group = next;
	}
}

/*
 * beside_digit
 *		Whether a digit is next to the letter at p, or behind one character that
 *		joins the parts of a number.
 */
static bool
beside_digit(const WordReader *reader, const unsigned char *p)
{
	const unsigned char *next = p + 1;
	const unsigned char *before = p - 1;

#define JOINS(c) ((c) == '-' || (c) == '/' || (c) == '.' || (c) == '_' || (c) == '#')
	if (next < reader->end && JOINS(*next))
		next++;
	if (next < reader->end && IS_DIGIT(*next))
		return true;
	if (before >= reader->start && JOINS(*before))
		before--;
	return before >= reader->start && IS_DIGIT(*before);
#undef JOINS
}

/* A mark behind a word belongs to it. */
static inline const unsigned char *
past_mark(const unsigned char *p, const unsigned char *end)
{
	if (end - p >= WORD_PREFIX_MARK_LEN && memcmp(p, WORD_PREFIX_MARK, WORD_PREFIX_MARK_LEN) == 0)
		p += WORD_PREFIX_MARK_LEN;
	return p;
}

/*
 * words_next
 *		The next word; what is too long to be one is passed over.
 */
WordKind
words_next(WordReader *reader, const char **word, size_t *len)
{
	const unsigned char *p = reader->at;
	const unsigned char *end = reader->end;

	while (p < end)
	{
		const unsigned char *start = p;
		WordKind kind;
		int width;

		switch (class_at(p, &width))
		{
			case WORD_CLASS_LETTER:
				p += width;
				while (p < end)
				{
					WordClass class = class_at(p, &width);

					if (class != WORD_CLASS_LETTER && class != WORD_CLASS_JOINED)
						break;
					p += width;
				}
				kind = WORD_LETTERS;
				if (p - start == 1 && beside_digit(reader, start))
					kind = WORD_CODE;
				break;

			case WORD_CLASS_DIGIT:
				p = past_number(p, end);
				kind = WORD_NUMBER;
				break;

			case WORD_CLASS_ALONE:
				p += width;
				while (p < end && class_at(p, &width) == WORD_CLASS_JOINED)
					p += width;
				kind = WORD_CHARACTER;
				break;

			default:
				p += width;
				continue;
		}
		/* valid text never ends within a character, but who knows */
		if (p > end)
			p = end;
		if (p - start > WORD_MAX_BYTES)
			continue;
		p = past_mark(p, end);
		reader->at = p;
		*word = (const char *) start;
		*len = p - start;
		return kind;
	}
	reader->at = end;
	return WORD_END;
}

bool
word_has_prefix_mark(const char *word, size_t *len)
{
	if (*len < WORD_PREFIX_MARK_LEN ||
		memcmp(word + *len - WORD_PREFIX_MARK_LEN, WORD_PREFIX_MARK, WORD_PREFIX_MARK_LEN) != 0)
		return false;
	*len -= WORD_PREFIX_MARK_LEN;
	return true;
}

static void
append_character(StringInfo out, pg_wchar c)
{
	unsigned char utf8[8];

	unicode_to_utf8(c, utf8);
	appendBinaryStringInfo(out, (const char *) utf8, pg_utf_mblen(utf8));
}

/*
 * decode
 *		The characters of a word without those that are not to be seen, ended
 *		with a 0; whether one of them has other ways to be written.
 */
static pg_wchar *
decode(const char *word, size_t len, bool *normal)
{
	const unsigned char *p = (const unsigned char *) word;
	const unsigned char *end = p + len;
	pg_wchar *characters = palloc((len + 1) * sizeof(pg_wchar));
	int count = 0;

	*normal = true;
	while (p < end)
	{
		int width = pg_utf_mblen(p);
		pg_wchar c;

		if (width > end - p)
			break;
		c = utf8_to_unicode(p);
		p += width;
		/* soft hyphens, joiners, marks of direction, selectors of a glyph */
		if (c == 0xAD || c == 0x034F || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
			(c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
			(c >= 0xFE00 && c <= 0xFE0F) || c >= 0xE0000 || c == 0)
			continue;
		/* marks that combine, ligatures, full width, letters made for formulas */
		if ((c >= 0x0300 && c <= 0x036F) || c == 0xAA || c == 0xBA ||
			(c >= 0x1D2C && c <= 0x1D6A) || (c >= 0x2070 && c <= 0x214F) || c == 0x3099 ||
			c == 0x309A || (c >= 0xF900 && c <= 0xFDFF) || (c >= 0xFE70 && c <= 0xFFEF) ||
			(c >= 0x1100 && c <= 0x11FF) || (c >= 0x1D400 && c <= 0x1D7FF))
			*normal = false;
		characters[count++] = c;
	}
	characters[count] = 0;
	return characters;
}

/*
 * word_fold
 *		Lower case by a table of our own, after compatible forms became one.
 */
void
word_fold(StringInfo out, const char *word, size_t len)
{
	bool normal;
	pg_wchar *characters;
	size_t ascii = 0;

	while (ascii < len && !IS_HIGHBIT_SET(word[ascii]))
		ascii++;
	if (ascii == len)
	{
		for (size_t i = 0; i < len; i++)
			appendStringInfoCharMacro(out, (char) casefold((unsigned char) word[i]));
		return;
	}

	characters = decode(word, len, &normal);
	if (!normal)
	{
		pg_wchar *composed = unicode_normalize(UNICODE_NFKC, characters);

		pfree(characters);
		characters = composed;
	}
	/* the dotted capital I of Turkish has no simple folding */
	for (pg_wchar *c = characters; *c != 0; c++)
		append_character(out, *c == 0x0130 ? 'i' : casefold(*c));
	pfree(characters);
}

/* Letters that Unicode does not take apart, though people do. */
static const char *
plain_letters(pg_wchar c)
{
	switch (c)
	{
		case 0x00DF:
			return "ss";
		case 0x00E6:
			return "ae";
		case 0x00F0:
		case 0x0111:
			return "d";
		case 0x00F8:
			return "o";
		case 0x00FE:
			return "th";
		case 0x0127:
			return "h";
		case 0x0131:
			return "i";
		case 0x0142:
			return "l";
		case 0x0153:
			return "oe";
	}
	return NULL;
}

/*
 * word_without_accents
 *		Taken apart, without the marks that stand above and below, and composed
 *		again, for the marks of other scripts stay.
 */
void
word_without_accents(StringInfo out, const char *word, size_t len)
{
	bool normal;
	pg_wchar *characters;
	pg_wchar *apart;
	pg_wchar *composed;
	int kept = 0;
	size_t ascii = 0;

	while (ascii < len && !IS_HIGHBIT_SET(word[ascii]))
		ascii++;
	if (ascii == len)
	{
		appendBinaryStringInfo(out, word, len);
		return;
	}

	characters = decode(word, len, &normal);
	apart = unicode_normalize(UNICODE_NFD, characters);
	for (pg_wchar *c = apart; *c != 0; c++)
	{
		if (*c < 0x0300 || *c > 0x036F)
			apart[kept++] = *c;
	}
	apart[kept] = 0;
	composed = unicode_normalize(UNICODE_NFC, apart);
	for (pg_wchar *c = composed; *c != 0; c++)
	{
		const char *plain = plain_letters(*c);

		if (plain != NULL)
			appendStringInfoString(out, plain);
		else
			append_character(out, *c);
	}
	pfree(composed);
	pfree(apart);
	pfree(characters);
}

void
word_digits(StringInfo out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (IS_DIGIT(word[i]))
			appendStringInfoCharMacro(out, word[i]);
	}
}

/* Is the character at "at" one of a word that has to be whole? */
static bool
goes_on(const char *at, const char *end)
{
	WordClass class;

	if (at >= end)
		return false;
	class = word_class(utf8_to_unicode((const unsigned char *) at));
	return class == WORD_CLASS_LETTER || class == WORD_CLASS_DIGIT || class == WORD_CLASS_JOINED;
}

/*
 * words_name
 *		Every place is looked at, as the first may be within a longer word.
 */
bool
words_name(const char *text, size_t len, const char *name, size_t name_len)
{
	StringInfoData folded;
	StringInfoData wanted;
	const char *end;
	const char *at;
	bool found = false;

	initStringInfo(&folded);
	initStringInfo(&wanted);
	casefold_append(&folded, text, len, false);
	casefold_append(&wanted, name, name_len, false);
	end = folded.data + folded.len;
	for (at = folded.data; !found && wanted.len > 0; at++)
	{
		const char *before;

		at = strstr(at, wanted.data);
		if (at == NULL)
			break;
		before = at;
		do
			before--;
		while (before > folded.data && ((unsigned char) *before & 0xC0) == 0x80);
		found = (at == folded.data || !goes_on(before, at)) && !goes_on(at + wanted.len, end);
	}
	pfree(folded.data);
	pfree(wanted.data);
	return found;
}
