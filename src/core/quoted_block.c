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

/* has_time: a time of day, and no amount of money, nor a day of a month. */
static bool
has_time(MimeSlice text)
{
	bool year = mime_find(text.data, text.data + text.len, "20") != NULL;

	for (size_t i = 1; i + 2 < text.len; i++)
	{
		const char *p = text.data + i;

		if (mime_digit(p[-1]) && mime_digit(p[1]) && mime_digit(p[2]) &&
			(i + 3 == text.len || !mime_digit(p[3])) &&
			(*p == ':' ||
			 (((*p == '.' && year) || *p == 'h') && (i + 3 == text.len || p[3] != '.') &&
			  (i < 2 || !mime_digit(p[-2]) || i < 3 || p[-3] == ' '))))
			return true;
	}
	return false;
}

/*
 * quoted_is_block: this line says From, and the next ones when, to whom and about
 * what.  Long lists of recipients may go on over lines.  A payment order has
 * such fields too, but its own between them, and neither addresses nor a time
 * (with both, what is between them is some mail program's).
 */
bool
quoted_is_block(StringInfo buffer, const QuotedLine *first, const char *end)
{
	const char *limit = end - first->start > BLOCK_WINDOW ? first->start + BLOCK_WINDOW : end;
	const char *p = first->next;
	bool seen[QUOTED_FIELD_FOREIGN + 1] = {false};
	bool from_address;
	bool address;
	bool time = false;
	bool strange = false;
	int foreign = 0;

	address = from_address = memchr(first->text.data, '@', first->text.len) != NULL;
	for (int i = 0; i < BLOCK_LINES && p < limit && foreign < 4; i++)
	{
		QuotedLine line = quoted_line(p, limit, BLOCK_WINDOW);
		QuotedField field = quoted_field_of(buffer, line.text);

		p = line.next;
		if (field == QUOTED_FIELD_FROM)
			break;
		if (field == QUOTED_FIELD_FOREIGN)
		{
			strange = true;
			continue;
		}
		if (field == QUOTED_FIELD_NONE)
		{
			/* what comes behind the subject is the mail itself, but for more fields */
			if (seen[QUOTED_FIELD_SUBJECT])
				break;
			foreign++;
			continue;
		}
		if (field == QUOTED_FIELD_TO)
			address |= memchr(line.text.data, '@', line.text.len) != NULL;
		if (field == QUOTED_FIELD_DATE)
			time |= has_time(line.text);
		seen[field] = true;
		foreign = 0;
	}
	if (strange ? !from_address || !time : !address && !time)
		return false;
	if (seen[QUOTED_FIELD_SUBJECT])
		return seen[QUOTED_FIELD_DATE] || seen[QUOTED_FIELD_TO];
	return from_address && seen[QUOTED_FIELD_DATE] && seen[QUOTED_FIELD_TO];
}
