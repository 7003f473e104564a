/*-------------------------------------------------------------------------
 *
 * quoted_signature.c
 *	  Whether a line may belong to a signature, or is something a person says.
 *
 * A signature has names, offices, addresses and numbers.  A person says
 * sentences, asks, and writes of amounts.  Where a line may be either it is
 * taken to be said: to show a signature does no harm.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted_lines.h"

#include "core/casefold.h"

#define MAX_SIGNED 60  /* bytes of a line of names */
#define MIN_SAID 3	   /* words in lower case, that are a sentence */
#define MIN_SAID_OF 2  /* beside a number */
#define MIN_CASELESS 5 /* words in a script that has no lower case */
#define MIN_NUMBER 8   /* digits in a row */
#define MAX_OPENING 4  /* words of a signature's first line */
#define MAX_DEVICE 12  /* characters of a device's name in Chinese and the like */

/* quoted_is_postscript: "P.S." or "PS:". */
bool
quoted_is_postscript(MimeSlice text)
{
	return text.len >= 3 && mime_lower(text.data[0]) == 'p' &&
		   ((mime_lower(text.data[1]) == 's' && !mime_alpha(text.data[2])) ||
			(text.data[1] == '.' && text.len >= 4 && strchr("sS ", text.data[2]) != NULL));
}

/* quoted_may_sign: a line of a name, a company or a place, and nothing said in it. */
bool
quoted_may_sign(MimeSlice text)
{
	if (text.len > MAX_SIGNED || (text.len >= 2 && memcmp(text.data, "--", 2) == 0) ||
		strchr(".!?:;", text.data[text.len - 1]) != NULL || quoted_ends_with(text, "。") ||
		quoted_ends_with(text, "！"))
		return false;
	for (size_t i = 0; i < text.len; i++)
	{
		if (mime_digit(text.data[i]) || text.data[i] == '?' ||
			(i + 3 <= text.len && memcmp(text.data + i, "？", 3) == 0))
			return false;
	}
	return !quoted_is_postscript(text);
}

/* has_currency: "€500", "500 $". */
static bool
has_currency(MimeSlice text)
{
	static const char *const signs[] = {"€", "$", "£", "¥"};
	const char *end = text.data + text.len;

	for (int i = 0; i < lengthof(signs); i++)
	{
		const char *p = mime_find(text.data, end, signs[i]);

		for (; p != NULL; p = mime_find(p, end, signs[i]))
		{
			const char *before = p;

			p += strlen(signs[i]);
			if (before > text.data && before[-1] == ' ')
				before--;
			if ((before > text.data && mime_digit(before[-1])) || (p < end && mime_digit(*p)) ||
				(end - p >= 2 && *p == ' ' && mime_digit(p[1])))
				return true;
		}
	}
	return false;
}

/* quoted_has_amount: "1,234.50", which is no date and no number of a telephone. */
bool
quoted_has_amount(MimeSlice text)
{
	for (size_t i = 1; i + 2 < text.len; i++)
	{
		const char *p = text.data + i;
		size_t before = i;

		if ((*p != '.' && *p != ',') || !mime_digit(p[-1]) || !mime_digit(p[1]) ||
			!mime_digit(p[2]))
			continue;
		/* with the same mark before or behind, it is something else */
		if (i + 3 < text.len && (mime_digit(p[3]) || p[3] == *p))
			continue;
		while (before > 0 && mime_digit(text.data[before - 1]))
			before--;
		if (before == 0 || text.data[before - 1] != *p)
			return true;
	}
	return has_currency(text);
}

/* is_lower: it begins with a letter in lower case; "caseless" with one of no case. */
static bool
is_lower(const char *word, const char *end, bool *caseless)
{
	char upper[MAX_MULTIBYTE_CHAR_LEN + 1];
	int len = pg_utf_mblen((const unsigned char *) word);
	pg_wchar c;

	*caseless = false;
	if (!IS_HIGHBIT_SET(*word))
		return *word >= 'a' && *word <= 'z';
	if (len > end - word || len > MAX_MULTIBYTE_CHAR_LEN)
		return false;
	memcpy(upper, word, len);
	upper[len] = '\0';
	c = utf8_to_unicode((const unsigned char *) upper);
	if (casefold(c) != c)
		return false;
	/* Latin, Greek, Cyrillic, Armenian and what belongs to them have two cases */
	*caseless = c >= 0x590 && !(c >= 0x1E00 && c <= 0x1FFF);
	return !*caseless;
}

/* What the words of a line are, but for those that may stand beside a name. */
typedef struct Words
{
	int lower;	  /* in lower case */
	int caseless; /* in a script without */
	int all;	  /* whatever they are */
	bool number;
} Words;

/*
 * count_words leaves out words with marks in them, which are links, addresses or
 * short for something ("tel.").
 */
static Words
count_words(MimeSlice text)
{
	const char *end = text.data + text.len;
	Words words = {0};

	for (const char *p = text.data; p < end;)
	{
		const char *word = p;
		const char *stop;
		size_t space = quoted_space(p, end);
		bool plain = true;
		bool caseless;

		if (space > 0)
		{
			p += space;
			continue;
		}
		while (p < end && quoted_space(p, end) == 0)
			words.number |= mime_digit(*p++);
		/* a mark behind a word is none in it, but for what shortens it */
		stop = p[-1] == ',' || (p[-1] == '.' && p == end) ? p - 1 : p;
		for (const char *q = word; q < stop; q++)
			plain &= mime_alpha(*q) || IS_HIGHBIT_SET(*q) || *q == '\'';
		words.all += mime_alpha(*word) || IS_HIGHBIT_SET(*word);
		if (stop - word < 2 || !plain || quoted_small_word(word, stop - word))
			continue;
		words.lower += is_lower(word, stop, &caseless);
		words.caseless += caseless;
	}
	return words;
}

/* is_said: words enough that no name, office or address has. */
static bool
is_said(MimeSlice text)
{
	Words words = count_words(text);

	return words.lower >= (words.number ? MIN_SAID_OF : MIN_SAID) || words.caseless >= MIN_CASELESS;
}

/*
 * quoted_opens_signature: the first line of a signature is somebody's name.  What a
 * person says has a number, a word in lower case, or more words in its first line.
 */
bool
quoted_opens_signature(StringInfo buffer, MimeSlice text)
{
	Words words;

	if (text.len == 0)
		return false;
	quoted_fold(buffer, text, MAX_LINE);
	if (quoted_is_closing(buffer->data) || quoted_says_scanned(buffer->data))
		return true;
	if (quoted_says_short(buffer->data) || !quoted_may_sign(text) ||
		!quoted_is_name(text.data, text.len))
		return false;
	words = count_words(text);
	return words.lower == 0 && words.all <= MAX_OPENING;
}

/* quoted_is_firm: a name of several words, as one word may be all that is said. */
bool
quoted_is_firm(StringInfo buffer, MimeSlice text)
{
	return quoted_opens_signature(buffer, text) && count_words(text).all > 1 &&
		   memchr(text.data, ',', text.len) == NULL;
}

/* ends_sentence: with a full stop behind a word in lower case, which no "Ltd." is. */
static bool
ends_sentence(MimeSlice text)
{
	size_t at = text.len - 1;
	bool caseless;

	if (text.data[at] != '.')
		return false;
	while (at > 0 && text.data[at - 1] != ' ')
		at--;
	return at > 0 && text.len - at > 4 &&
		   is_lower(text.data + at, text.data + text.len, &caseless) &&
		   memchr(text.data + at, '.', text.len - at) == text.data + text.len - 1;
}

/* asks: a question mark that is not in a link. */
static bool
asks(MimeSlice text)
{
	for (size_t i = 0; i < text.len; i++)
	{
		if (text.data[i] == '?' && (i + 1 == text.len || text.data[i + 1] == ' '))
			return true;
	}
	return false;
}

/* is_item: a line of a list or a table, "1. INV-17", or a paper's number in it. */
static bool
is_item(MimeSlice text)
{
	size_t digits = 0;
	int capitals = 0;

	if (text.len >= 2 && strchr("-*|", text.data[0]) != NULL && text.data[1] == ' ')
		return true;
	while (digits < text.len && mime_digit(text.data[digits]))
		digits++;
	if (digits > 0 && digits + 1 < text.len && strchr(".)", text.data[digits]) != NULL &&
		text.data[digits + 1] == ' ')
		return true;
	for (size_t i = 0; i + 1 < text.len; i++)
	{
		char c = text.data[i];

		if (capitals >= 3 && c == '-' && mime_digit(text.data[i + 1]))
			return true;
		capitals = c >= 'A' && c <= 'Z' ? capitals + 1 : 0;
	}
	return false;
}

/*
 * has_number: one so long that it is an order's or an account's, but neither a
 * contact's nor one of those that a firm's letters have to show.
 */
static bool
has_number(StringInfo buffer, MimeSlice text)
{
	static const char *const registers[] = {
		"ust", "hrb",	   "hra",	"siret",  "siren",		 "rcs", "nip", "regon",
		"krs", "cif",	   "p.iva", "p. iva", "partita iva", "btw", "kvk", "org",
		"cvr", "y-tunnus", "ičo",	"dič",	  "fn ",		 "инн", "кпп", "огрн"};
	int digits = 0;

	if (memchr(text.data, '+', text.len) != NULL || memchr(text.data, '@', text.len) != NULL ||
		memchr(text.data, '/', text.len) != NULL)
		return false;
	for (size_t i = 0; i < text.len; i++)
	{
		digits = mime_digit(text.data[i]) ? digits + 1 : 0;
		if (digits == MIN_NUMBER)
			return !folded_begins_any(quoted_fold(buffer, text, MAX_FIELD), registers,
									  lengthof(registers));
	}
	return false;
}

/* quoted_speaks: a person says something in this line. */
bool
quoted_speaks(StringInfo buffer, MimeSlice text)
{
	return text.len > MAX_LINE ||
		   (text.len > 0 &&
			(text.data[text.len - 1] == '!' || asks(text) || ends_sentence(text) ||
			 quoted_has_amount(text) || is_item(text) || has_number(buffer, text) ||
			 is_said(text) || quoted_says_sentence(quoted_fold(buffer, text, MAX_LINE)) ||
			 quoted_says_short(buffer->data)));
}

/* quoted_is_contact: how somebody is reached: an address, a link, a telephone. */
bool
quoted_is_contact(StringInfo buffer, MimeSlice text)
{
	static const char *const labels[] = {"tel",	 "fax",	  "phone",	"mob", "cell",
										 "fon:", "handy", "direct", "тел", "電話"};
	const char *folded = quoted_fold(buffer, text, MAX_LINE);
	const char *plus = strchr(folded, '+');

	return folded_begins_any(folded, labels, lengthof(labels)) ||
		   (plus != NULL && mime_digit(plus[1])) || strchr(folded, '@') != NULL ||
		   strstr(folded, "://") != NULL || strstr(folded, "www.") != NULL;
}

/* quoted_is_link: nothing but a link, with brackets around it or not. */
bool
quoted_is_link(MimeSlice text)
{
	if (text.len > 0 && *text.data == '<')
	{
		text.data++;
		text.len--;
	}
	return text.len > 8 &&
		   (memcmp(text.data, "https://", 8) == 0 || memcmp(text.data, "http://", 7) == 0) &&
		   memchr(text.data, ' ', text.len) == NULL;
}

/* may_be_device: a device or a program has no long numbers, nor a comma. */
static bool
may_be_device(MimeSlice text)
{
	int digits = 0;

	for (size_t i = 0; i < text.len; i++)
	{
		digits = mime_digit(text.data[i]) ? digits + 1 : 0;
		if (digits == 3 || text.data[i] == ',')
			return false;
	}
	return true;
}

/*
 * behind_words returns what is behind as many words as "words" has; a part of the
 * last one will do.
 */
static MimeSlice
behind_words(MimeSlice text, const char *words)
{
	const char *p = text.data;
	const char *end = text.data + text.len;

	for (; *words; words++)
	{
		if (*words != ' ')
			continue;
		while (p < end && quoted_space(p, end) == 0)
			p++;
		while (p < end && quoted_space(p, end) > 0)
			p += quoted_space(p, end);
	}
	if (words[-1] != ' ')
	{
		while (p < end && quoted_space(p, end) == 0 && (unsigned char) *p < 0xE3)
			p++;
	}
	return quoted_trim(p, end);
}

/* names_device: what is behind "sent from my" has no sentence in it. */
static bool
names_device(MimeSlice text)
{
	int far_eastern = 0;

	for (size_t i = 0; i < text.len; i++)
		far_eastern += (unsigned char) text.data[i] >= 0xE3;
	return far_eastern <= MAX_DEVICE && !is_said(text);
}

/* quoted_is_device: "Sent from my iPhone", and not "sent from my account". */
bool
quoted_is_device(StringInfo buffer, MimeSlice text)
{
	const char *folded;
	const char *words;

	if (text.len < 12 || text.len > MAX_LINE)
		return false;
	text = quoted_without_stars(text);
	/* programs begin a line with a capital, people go on with a sentence */
	if (*text.data >= 'a' && *text.data <= 'z')
		return false;
	if (!quoted_may_say_device(text.data, text.len) || !may_be_device(text))
		return false;
	folded = quoted_fold(buffer, text, MAX_LINE);
	words = quoted_says_device(folded);
	return words != NULL && !quoted_says_bank(folded) && names_device(behind_words(text, words));
}
