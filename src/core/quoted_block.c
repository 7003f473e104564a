/*-------------------------------------------------------------------------
 *
 * quoted_block.c
 *	  The block of header fields that Outlook puts before what it quotes.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted_lines.h"

#define BLOCK_LINES 24 /* lines looked at */
#define MAX_FOREIGN 40 /* bytes of a field's name that no mail has */
#define MAX_DATE 120   /* and of a date */

/*
 * quoted_field_of says which field of Outlook's block a line is.  A short name with a
 * value that is none of them is a foreign field.
 */
QuotedField
quoted_field_of(StringInfo buffer, MimeSlice text)
{
	QuotedField field;
	const char *behind;
	const char *folded;
	const char *colon;
	const char *wide;

	while (text.len > 0 && *text.data == '*')
	{
		text.data++;
		text.len--;
	}
	/* nearly no line has a colon so early, be it the wide one */
	if (memchr(text.data, ':', Min(text.len, MAX_FIELD)) == NULL &&
		memchr(text.data, WIDE_COLON[0], Min(text.len, MAX_FIELD)) == NULL)
		return QUOTED_FIELD_NONE;
	folded = quoted_fold(buffer, text, MAX_FIELD);
	colon = strchr(folded, ':');
	wide = strstr(folded, WIDE_COLON);
	if (colon == NULL || (wide != NULL && wide < colon))
		colon = wide;
	if (colon == NULL)
		return QUOTED_FIELD_NONE;
	behind = colon + (*colon == ':' ? 1 : strlen(WIDE_COLON));
	text = quoted_trim(folded, colon);
	text = quoted_without_stars(text);
	field = quoted_field(text.data, text.len);
	if (field == QUOTED_FIELD_NONE && text.len > 0 && text.len <= MAX_FOREIGN &&
		quoted_trim(behind, behind + strlen(behind)).len > 0)
	{
		/* long lists of recipients, and links, have colons as well */
		field = QUOTED_FIELD_FOREIGN;
		for (size_t i = 0; i < text.len; i++)
		{
			if (strchr("@<>;,()\"", text.data[i]) != NULL)
				field = QUOTED_FIELD_NONE;
		}
		if (strncmp(behind, "//", 2) == 0)
			field = QUOTED_FIELD_NONE;
	}
	return field;
}

/* value_of returns what is behind the first colon of a field. */
static MimeSlice
value_of(MimeSlice text)
{
	const char *end = text.data + text.len;
	const char *colon = memchr(text.data, ':', text.len);
	const char *wide = mime_find(text.data, colon != NULL ? colon : end, WIDE_COLON);

	if (wide != NULL)
		return quoted_trim(wide + strlen(WIDE_COLON), end);
	return colon != NULL ? quoted_trim(colon + 1, end) : text;
}

/* is_hour: the mark between hours and minutes that people write with a word. */
static bool
is_hour(const char *p, const char *end)
{
	static const char *const marks[] = {" h ", "時", "时", "點", "点", "시 "};

	for (int i = 0; i < lengthof(marks); i++)
	{
		size_t len = strlen(marks[i]);

		if (end - p > len && memcmp(p, marks[i], len) == 0 && mime_digit(p[len]))
			return true;
	}
	return false;
}

/* quoted_has_time: a time of day, and no amount of money, nor a day of a month. */
bool
quoted_has_time(MimeSlice text)
{
	const char *end = text.data + text.len;
	bool year = mime_find(text.data, end, "20") != NULL;

	for (size_t i = 1; i + 2 < text.len; i++)
	{
		const char *p = text.data + i;

		if (!mime_digit(p[-1]))
			continue;
		if (is_hour(p, end))
			return true;
		if (mime_digit(p[1]) && mime_digit(p[2]) && (i + 3 == text.len || !mime_digit(p[3])) &&
			(*p == ':' ||
			 (((*p == '.' && year) || *p == 'h') && (i + 3 == text.len || p[3] != '.') &&
			  (i < 2 || !mime_digit(p[-2]) || i < 3 || p[-3] == ' '))))
			return true;
	}
	return false;
}

/* is_short_day: the two letters that a day of the week begins with. */
static bool
is_short_day(const char *p)
{
	/* nl, de, fi, sv, cs, pl */
	static const char *const days[] = {"mo", "di", "mi", "do", "fr", "sa", "so", "ma", "wo",
									   "vr", "za", "zo", "ti", "ke", "to", "pe", "su", "po",
									   "st", "ne", "pn", "wt", "cz", "pt", "nd"};

	for (int i = 0; i < lengthof(days); i++)
	{
		if (pg_strncasecmp(p, days[i], 2) == 0)
			return true;
	}
	return false;
}

/*
 * has_worded_date: the day of the week or the month is there by its name, as
 * mail programs write it where they say when a mail was sent.  With a date in
 * figures, only a name before it counts: what is behind it goes with the time.
 */
static bool
has_worded_date(MimeSlice text)
{
	bool figures = false;
	bool digits = false;
	bool behind = false;

	for (size_t i = 0; i + 3 < text.len && !figures; i++)
		figures = mime_digit(text.data[i]) && strchr("./-", text.data[i + 1]) != NULL &&
				  mime_digit(text.data[i + 2]) &&
				  (text.data[i + 3] == text.data[i + 1] ||
				   (i + 4 < text.len && text.data[i + 4] == text.data[i + 1]));
	for (size_t i = 0; i < text.len;)
	{
		size_t n = 0;
		size_t space = quoted_space(text.data + i, text.data + text.len);

		if (space > 0)
		{
			i += space;
			continue;
		}
		while (i + n < text.len && (mime_alpha(text.data[i + n]) ||
									(IS_HIGHBIT_SET(text.data[i + n]) &&
									 !quoted_space(text.data + i + n, text.data + text.len))))
			n++;
		/* scripts of the far east say "year" and "Monday" between the figures */
		if ((n >= 3 && !behind) || (n >= 3 && (unsigned char) text.data[i] >= 0xE3))
			return true;
		if (n == 2 && i == 0 && figures && is_short_day(text.data))
			return true;
		if (n == 0)
		{
			digits |= mime_digit(text.data[i]);
			n = 1;
		}
		behind = figures && digits;
		i += n;
	}
	return false;
}

/* is_money: an amount, or a number beside three capitals, which are a currency. */
static bool
is_money(MimeSlice text)
{
	int digits = 0;
	int capitals = 0;

	if (quoted_has_amount(text))
		return true;
	for (size_t i = 0; i <= text.len; i++)
	{
		char c = i < text.len ? text.data[i] : '\0';

		if (c >= 'A' && c <= 'Z')
			capitals++;
		else if (mime_digit(c))
		{
			if (capitals == 3)
				return true;
			digits++;
			capitals = 0;
		}
		else if (c != ' ')
		{
			if (capitals == 3 && digits > 0)
				return true;
			digits = capitals = 0;
		}
	}
	return false;
}

static bool
has_figures(MimeSlice text)
{
	for (size_t i = 0; i < text.len; i++)
	{
		if (mime_digit(text.data[i]))
			return true;
	}
	return false;
}

/* What the lines of a block have. */
typedef struct Block
{
	bool seen[QUOTED_FIELD_FOREIGN + 1];
	bool from_address;
	bool address; /* in any field */
	bool time;
	bool worded;
	bool in_order; /* when it was sent is said right behind From */
	bool strange;  /* a field no mail has */
	bool forgiven; /* only one of these, behind To, and no figures in it */
	bool money;	   /* in such a field */
} Block;

/* read_date looks at what a field says of when. */
static void
read_date(Block *block, MimeSlice text)
{
	MimeSlice value = value_of(text);

	/* of a line that goes on and on, no more than a date takes */
	value.len = Min(value.len, MAX_DATE);
	block->time |= quoted_has_time(value);
	block->worded |= has_worded_date(value);
}

/*
 * judge tells a program's block from what people and banks write.  Programs say
 * when, always: to the minute, but for some that write the address.  Where
 * they leave out the sender's address, which only Outlook does, they call the date
 * what people do not, and write its month or day of the week as a word; where
 * that is set up to be figures, something else has to say that it is a mail.  A
 * copy, or the like, may have a name that is not known, where all else is a
 * program's, and an address or a rule says so.
 */
static bool
judge(const Block *block, bool apart, bool ruled)
{
	bool sent = block->seen[QUOTED_FIELD_SENT];
	bool to = block->seen[QUOTED_FIELD_TO];
	bool subject = block->seen[QUOTED_FIELD_SUBJECT];
	bool ordered = apart && sent && block->in_order && block->time && to && subject;

	if (block->money ||
		(block->strange && !(block->from_address && block->time) &&
		 !(block->forgiven && ordered && block->worded && (block->address || ruled))))
		return false;
	if (block->from_address)
		return (block->time || (sent && block->worded)) && (to || subject);
	return ordered && (block->worded || block->address || ruled);
}

/*
 * quoted_is_block: this line says From, and the next ones when, to whom and about
 * what.  Where this line says when, as GMX has it, the next one says From, with an
 * address, and all of the others have to be there.  Long lists of recipients may
 * go on over lines.  A payment order has such fields too, but its own between
 * them, and neither addresses nor a time (with both, what is between them is some
 * mail program's).  "apart" says that the line before is blank, "ruled" that it is
 * a line across the page.
 */
bool
quoted_is_block(StringInfo buffer, const QuotedLine *first, const char *end, bool apart, bool ruled)
{
	const char *limit = end - first->start > BLOCK_WINDOW ? first->start + BLOCK_WINDOW : end;
	const char *p = first->next;
	Block block = {{false}};
	bool from_first = quoted_field_of(buffer, first->text) == QUOTED_FIELD_FROM;
	/* most programs write the name of a field with a capital, people do not */
	bool lower = first->text.len > 0 && *first->text.data >= 'a' && *first->text.data <= 'z';
	int foreign = 0;

	if (from_first)
		block.address = block.from_address = memchr(first->text.data, '@', first->text.len) != NULL;
	else
	{
		QuotedLine from = quoted_line(p, limit, BLOCK_WINDOW);

		read_date(&block, first->text);
		block.address = block.from_address = memchr(from.text.data, '@', from.text.len) != NULL;
		if (!block.from_address || !block.time || !block.worded ||
			quoted_field_of(buffer, from.text) != QUOTED_FIELD_FROM)
			return false;
		p = from.next;
	}
	for (int i = 0; i < BLOCK_LINES && p < limit && foreign < 4; i++)
	{
		QuotedLine line = quoted_line(p, limit, BLOCK_WINDOW);
		QuotedField field = quoted_field_of(buffer, line.text);

		p = line.next;
		if (field == QUOTED_FIELD_FROM)
		{
			/* one more mail, or "No: 17", which is Latvian as well */
			if (block.seen[QUOTED_FIELD_SUBJECT] ||
				memchr(line.text.data, '@', line.text.len) != NULL)
				break;
			field = QUOTED_FIELD_FOREIGN;
		}
		if (field == QUOTED_FIELD_FOREIGN)
		{
			MimeSlice value = value_of(line.text);

			block.forgiven = !block.strange && block.seen[QUOTED_FIELD_TO] && !has_figures(value);
			block.strange = true;
			block.money |= is_money(value);
			continue;
		}
		if (field == QUOTED_FIELD_NONE)
		{
			/* what comes behind the subject is the mail itself, but for more fields */
			if (block.seen[QUOTED_FIELD_SUBJECT])
				break;
			foreign++;
			continue;
		}
		if (field == QUOTED_FIELD_TO || field == QUOTED_FIELD_CC)
			block.address |= memchr(line.text.data, '@', line.text.len) != NULL;
		if (field == QUOTED_FIELD_DATE || field == QUOTED_FIELD_SENT)
		{
			read_date(&block, line.text);
			block.in_order |= i == 0;
		}
		block.seen[field] = true;
		foreign = 0;
	}
	if (!from_first && !(block.seen[QUOTED_FIELD_TO] && block.seen[QUOTED_FIELD_SUBJECT]))
		return false;
	if (lower && !(block.from_address && block.time && block.seen[QUOTED_FIELD_TO] &&
				   block.seen[QUOTED_FIELD_SUBJECT]))
		return false;
	return judge(&block, apart, ruled);
}
