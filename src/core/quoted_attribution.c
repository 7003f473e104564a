/*-------------------------------------------------------------------------
 *
 * quoted_attribution.c
 *	  Whether a line announces a quoted mail: "On … wrote:".
 *
 * People write "On Monday I wrote to you …:" as well, and what comes behind
 * that must not be hidden.  A mail program puts date, name and verb into one
 * of few orders and writes nothing else, so the line is taken to pieces: the
 * address becomes one character, the verb has to stand at the end or before
 * the name, and a name has no words in lower case.
 *
 *-------------------------------------------------------------------------
 */
#include "core/casefold.h"
#include "core/quoted_lines.h"
#include "core/quoted_words.h"

#define ADDRESS '\1'	/* stands for an address */
#define MAX_NAME 8		/* words of a name */
#define MAX_LONE_NAME 6 /* words of a line without a date */
#define MAX_LEAD 4		/* words before the first figure of the date */
#define MAX_TAIL 3		/* words between the address and the verb */
#define MAX_MOMENT 9	/* words of a date and a time */
#define MAX_DAY 6		/* bytes of a day of the week behind another word, with its mark */
#define MAX_OWN 5		/* words of a name in lower case, with what belongs to the time */

/* What a line, or a piece of it, has. */
typedef struct Facts
{
	bool bracketed; /* an address in brackets */
	bool bare;		/* an address without */
	bool date;		/* anything like a date or a time */
	bool full_date; /* a year, or day, month and year */
	bool time;
} Facts;

typedef struct Piece
{
	const char *data;
	size_t len;
} Piece;

static bool
in_address(char c)
{
	return mime_alpha(c) || mime_digit(c) || strchr(".-_+", c) != NULL;
}

/* is_seen: of what quoted_space() knows, it takes room. */
static bool
is_seen(const char *p, size_t len)
{
	return len < 3 || memcmp(p, "\xE2\x80\xAF", 3) == 0 || memcmp(p, "\xE3\x80\x80", 3) == 0;
}

/* bracketed_address returns how long the address in brackets at "p" is. */
static size_t
bracketed_address(const char *p, const char *end)
{
	char close = *p == '<' ? '>' : *p == '(' ? ')' : *p == '[' ? ']' : '\0';
	const char *stop;

	if (close == '\0' || (stop = memchr(p, close, end - p)) == NULL ||
		memchr(p, '@', stop - p) == NULL)
		return 0;
	while (stop < end && *stop == close)
		stop++;
	return stop - p;
}

/*
 * take_apart writes a line, of however many lines it is, into the buffer:
 * addresses as one character, spaces as single ones, and no colon at the end.
 */
static void
take_apart(const char *text, size_t len, StringInfo out, Facts *facts)
{
	const char *end = text + len;

	for (const char *p = text; p < end;)
	{
		size_t n = quoted_space(p, end);

		if (n > 0)
		{
			if (is_seen(p, n) && out->len > 0 && out->data[out->len - 1] != ' ')
				appendStringInfoChar(out, ' ');
			p += n;
		}
		else if ((n = bracketed_address(p, end)) > 0)
		{
			facts->bracketed = true;
			appendStringInfoChar(out, ADDRESS);
			p += n;
		}
		else if (*p == '@' && out->len > 0 && in_address(out->data[out->len - 1]) && end - p > 1 &&
				 in_address(p[1]))
		{
			facts->bare = true;
			while (out->len > 0 && in_address(out->data[out->len - 1]))
				out->len--;
			appendStringInfoChar(out, ADDRESS);
			p++;
			while (p < end && in_address(*p))
				p++;
		}
		else
		{
			if (*p != '*' && *p != '\0' && *p != ADDRESS)
				appendStringInfoChar(out, *p);
			p++;
		}
	}
	for (;;)
	{
		if (out->len > 0 && strchr(" :_", out->data[out->len - 1]) != NULL)
			out->len--;
		else if (out->len >= 3 && memcmp(out->data + out->len - 3, "：", 3) == 0)
			out->len -= 3;
		else
			break;
	}
	out->data[out->len] = '\0';
}

/* find_dates looks for figures that are a date or a time. */
static void
find_dates(Piece piece, Facts *facts)
{
	const char *end = piece.data + piece.len;

	for (const char *s = piece.data; s < end;)
	{
		size_t n = 0;
		size_t more = 0;
		char mark;

		while (s + n < end && mime_digit(s[n]))
			n++;
		if (n == 0)
		{
			s++;
			continue;
		}
		mark = s + n < end ? s[n] : '\0';
		while (s + n + 1 + more < end && mime_digit(s[n + 1 + more]))
			more++;
		if (n == 4 && (memcmp(s, "19", 2) == 0 || memcmp(s, "20", 2) == 0))
			facts->date = facts->full_date = true;
		if (n <= 2 && more >= 1 && more <= 2 && strchr("./-", mark) != NULL && mark != '\0')
		{
			const char *third = s + n + 1 + more;

			if (end - third >= 3 && *third == mark && mime_digit(third[1]) && mime_digit(third[2]))
			{
				facts->date = facts->full_date = true;
				s = third + 1;
				while (s < end && mime_digit(*s))
					s++;
				continue;
			}
			facts->date |= more == 2;
		}
		if (n <= 2 && more == 2 && (mark == ':' || mark == '.' || mark == 'h'))
			facts->date = facts->time = true;
		s += n;
	}
}

static Piece
piece_of(const char *start, const char *end)
{
	Piece piece;

	while (start < end && (*start == ' ' || *start == ','))
		start++;
	while (end > start && (end[-1] == ' ' || end[-1] == ','))
		end--;
	piece.data = start;
	piece.len = end - start;
	return piece;
}

/* last_figure returns what is behind the last digit, all of it if none is. */
static const char *
last_figure(Piece piece)
{
	const char *p = piece.data + piece.len;

	while (p > piece.data && !mime_digit(p[-1]))
		p--;
	return p;
}

/* count_words also tells whether none is a word that no name has. */
static int
count_words(Piece piece, bool *fits)
{
	const char *end = piece.data + piece.len;
	int count = 0;

	*fits = true;
	for (const char *p = piece.data; p < end;)
	{
		const char *word;

		while (p < end && !mime_alpha(*p) && !mime_digit(*p) && !IS_HIGHBIT_SET(*p))
			p++;
		word = p;
		while (p < end && *p != ' ' && *p != ADDRESS)
			p++;
		if (p == word)
			continue;
		count++;
		if (*word >= 'a' && *word <= 'z' && !quoted_small_word(word, p - word))
			*fits = false;
	}
	return count;
}

/* is_name: few words, none of which is one that no name has. */
static bool
is_name(Piece piece, int most)
{
	bool fits;

	return count_words(piece, &fits) <= most && fits;
}

/*
 * is_spoken_of: a word in it is no part of a name, but how a person speaks of
 * somebody: "your colleague".  Where the language says that with a capital, too.
 */
static bool
is_spoken_of(Piece piece)
{
	const char *end = piece.data + piece.len;

	for (const char *p = piece.data; p < end;)
	{
		const char *word = p;

		while (p < end && *p != ' ' && *p != ADDRESS)
			p++;
		if (quoted_personal_word(word, p - word))
			return true;
		if (p < end)
			p++;
	}
	return false;
}

/* is_moment: a date and a time, and the line ends with them. */
static bool
is_moment(Piece piece)
{
	Facts facts = {false};
	bool fits;
	const char *tail;

	find_dates(piece, &facts);
	if (!facts.full_date || !facts.time || count_words(piece, &fits) > MAX_MOMENT)
		return false;
	tail = last_figure(piece);
	return piece.data + piece.len - tail <= 6 &&
		   memchr(tail, ADDRESS, piece.data + piece.len - tail) == NULL &&
		   is_name(piece_of(tail, piece.data + piece.len), 1);
}

/* tail_fits: what is behind a name's address, or all of it, is no sentence. */
static bool
tail_fits(Piece name)
{
	const char *end = name.data + name.len;
	const char *p = end;

	while (p > name.data && p[-1] != ADDRESS)
		p--;
	return p == name.data || is_name(piece_of(p, end), MAX_TAIL);
}

/*
 * is_client_form: the one form taken for a program's though it names no
 * address: "On Monday, May 4, 2026 at 10:15 AM, Acme Billing wrote".
 */
static bool
is_client_form(Piece before)
{
	const char *end = before.data + before.len;
	const char *name = last_figure(before);
	const char *first = memchr(before.data, ' ', before.len);
	const char *comma = NULL;

	/* the day of the week or the month is what people leave out */
	if (first == NULL || first + 1 >= end || !(mime_alpha(first[1]) || IS_HIGHBIT_SET(first[1])))
		return false;
	for (const char *p = name; p < end; p++)
	{
		if (*p == ',')
			comma = p;
	}
	if (comma == NULL)
		return false;
	before = piece_of(comma, end);
	for (size_t i = 0; i < before.len; i++)
	{
		if ((i == 0 || before.data[i - 1] == ' ') &&
			!(before.data[i] >= 'A' && before.data[i] <= 'Z'))
			return false;
	}
	return before.len > 0;
}

/* lead_of counts the words before the first figure; none where there is no figure. */
static int
lead_of(Piece line)
{
	size_t n = 0;
	bool fits;

	while (n < line.len && !mime_digit(line.data[n]))
		n++;
	return n < line.len ? count_words(piece_of(line.data, line.data + n), &fits) : 0;
}

static bool
has_letter(Piece piece)
{
	for (size_t i = 0; i < piece.len; i++)
	{
		if (mime_alpha(piece.data[i]) || IS_HIGHBIT_SET(piece.data[i]))
			return true;
	}
	return false;
}

/* begins_with_date: "04.05.2026, …", "Mon, 4 May 2026 …" or the like of two words. */
static bool
begins_with_date(Piece line)
{
	size_t start = 0;
	int spaces = 0;

	for (size_t i = 0; i < line.len && spaces < 2; i++)
	{
		if (mime_digit(line.data[i]))
			return i == 0;
		if (line.data[i] != ' ')
			continue;
		if (i > 0 && strchr(",.", line.data[i - 1]) != NULL)
			return spaces == 0 || i - start <= MAX_DAY;
		spaces++;
		start = i + 1;
	}
	return false;
}

/* is_own_name: the name of an office, which may be in lower case, and no sentence. */
static bool
is_own_name(Piece piece)
{
	bool fits;

	for (size_t i = 0; i + 1 < piece.len; i++)
	{
		if (piece.data[i + 1] == ' ' && i > 1 && strchr(".!?;", piece.data[i]) != NULL &&
			mime_alpha(piece.data[i - 1]) && mime_alpha(piece.data[i - 2]))
			return false;
	}
	return count_words(piece, &fits) <= MAX_OWN;
}

/*
 * is_translated_form: what is between the time and the participle is as Yahoo has it,
 * "hat acme billing <…> Folgendes".  It leaves the name with its address.
 */
static bool
is_translated_form(Piece *name)
{
	const char *end = name->data + name->len;
	const char *p = name->data;
	size_t start;
	size_t stop;
	Piece rest;

	/* the zone, or "Uhr" */
	if (p < end && *p >= 'A' && *p <= 'Z')
	{
		while (p < end && *p != ' ')
			p++;
	}
	rest = piece_of(p, end);
	if (!quoted_between_verbs(rest.data, rest.len, &start, &stop))
		return false;
	rest = piece_of(rest.data + start, rest.data + stop);
	if (rest.len == 0 || rest.data[rest.len - 1] != ADDRESS)
		return false;
	*name = rest;
	return true;
}

/*
 * judge weighs a line that was taken apart.  Sure is only what begins as a mail
 * program's line does, with the name right behind the date, or before it.
 */
static QuotedAttribution
judge(Piece line, Facts facts, bool opens)
{
	const char *end = line.data + line.len;
	bool strong = facts.bracketed && facts.full_date && facts.time;
	bool leads = lead_of(line) <= MAX_LEAD && (opens || begins_with_date(line));
	size_t start = 0;
	size_t stop = 0;
	QuotedVerb verb = quoted_verb_at_end(line.data, line.len, &start);
	QuotedAttribution weak =
		facts.date || facts.bracketed || facts.bare ? QUOTED_MAYBE : QUOTED_NAMED;
	Piece before;
	Piece name;
	bool spoken_of;
	bool fits;

	if (opens && facts.date && lead_of(line) > MAX_LEAD)
		return QUOTED_NOT;

	if (verb != QUOTED_VERB_NONE)
	{
		/* date, name, verb; or name, date, verb */
		before = piece_of(line.data, line.data + start);
		name = piece_of(last_figure(before), before.data + before.len);
		spoken_of = is_spoken_of(name);
		strong = strong && (verb != QUOTED_VERB_PARTICIPLE || is_translated_form(&name)) &&
				 tail_fits(name);
		fits = is_name(name, facts.date ? MAX_NAME : MAX_LONE_NAME);
		if (before.len == 0 || (!strong && !fits))
			return QUOTED_NOT;
		if (spoken_of)
			return weak;
		if ((strong && leads && (fits || is_own_name(name))) ||
			(opens && fits &&
			 ((facts.bracketed && facts.date) ||
			  (facts.full_date && facts.time && (facts.bare || is_client_form(before))))))
			return QUOTED_SURE;
		return weak;
	}

	verb = quoted_verb_within(line.data, line.len, &start, &stop);
	if (verb != QUOTED_VERB_NONE)
	{
		before = piece_of(line.data, line.data + start);
		name = piece_of(line.data + stop, end);
		if (verb == QUOTED_VERB_FIRST && last_figure(name) == name.data)
		{
			/* date, verb, name */
			bool words_fit =
				is_name(piece_of(last_figure(before), before.data + before.len), MAX_NAME);

			if (count_words(name, &fits) <= MAX_NAME && (strong || (fits && words_fit)))
			{
				if (name.len == 0)
					return QUOTED_NOT;
				if (is_spoken_of(name))
					return weak;
				if ((strong && leads && words_fit) ||
					(opens && facts.date && words_fit &&
					 (facts.bracketed || (facts.bare && facts.full_date && facts.time))))
					return QUOTED_SURE;
				return weak;
			}
		}
		/* name, verb, date */
		if (before.len > 0 && is_moment(name) && count_words(before, &fits) <= MAX_NAME &&
			(strong || fits))
			return strong && fits && !is_spoken_of(before) ? QUOTED_SURE : weak;
		return QUOTED_NOT;
	}

	/* date, name and address, where the language needs no verb */
	if (line.len == 0 || end[-1] != ADDRESS || !facts.bracketed)
		return QUOTED_NOT;
	before = piece_of(line.data, end);
	name = piece_of(last_figure(before), end);
	if (!is_name(name, strong ? MAX_NAME : MAX_LONE_NAME))
		return QUOTED_NOT;
	if (!strong)
		return facts.date ? QUOTED_NOT : QUOTED_NAMED;
	if (lead_of(line) > MAX_LEAD)
		return QUOTED_NOT;
	/* figures, a name and an address begin the lines of a bank's list as well */
	return leads && has_letter(piece_of(line.data, name.data)) ? QUOTED_SURE : QUOTED_MAYBE;
}

/* quoted_is_name: few words, none of which is one that no name has. */
bool
quoted_is_name(const char *text, size_t len)
{
	return is_name(piece_of(text, text + len), MAX_NAME);
}

/*
 * quoted_attribution says whether a line, or a few, announce what is quoted.
 * It ends with a colon; "opens" tells that it begins as such lines do.
 */
QuotedAttribution
quoted_attribution(const char *text, size_t len, bool opens)
{
	StringInfoData buffer;
	StringInfoData folded;
	Facts facts = {false};
	Piece line;
	QuotedAttribution result;

	initStringInfo(&buffer);
	initStringInfo(&folded);
	take_apart(text, len, &buffer, &facts);
	line = piece_of(buffer.data, buffer.data + buffer.len);
	find_dates(line, &facts);
	casefold_append(&folded, line.data, line.len, false);
	/* what is quoted behind "we wrote" is new here; a name has its address */
	if (!facts.bracketed && !facts.bare && quoted_says_own(folded.data))
		result = QUOTED_NOT;
	else
		result = judge(line, facts, opens);
	if (result == QUOTED_NOT && facts.bracketed && quoted_begins_message(folded.data))
		result = QUOTED_MAYBE;
	pfree(folded.data);
	pfree(buffer.data);
	return result;
}
