/*-------------------------------------------------------------------------
 *
 * quoted.c
 *	  What is new in a reply's text.
 *
 * The lines are gone through once.  History begins at a line that only mail
 * programs write: "On … wrote:" (over up to four lines), the From/Sent/To/
 * Subject block, "-----Original Message-----", or lines marked with ">".
 * Behind marked lines more new text may come; then all is new, for only the
 * writer knows which lines belong together.  Behind the others everything is
 * history.  A forward is what its sender wants read, so it is never cut.
 *
 * Whatever looks ahead looks a bounded number of bytes ahead, and dearer
 * questions are asked a bounded number of times.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/quoted.h"

#include "core/quoted_lines.h"
#include "core/quoted_words.h"

#define WINDOW 800			/* bytes an attribution has at most */
#define ATTRIBUTION_LINES 4 /* and lines */
#define MAX_TRIES 2000		/* dear questions for one text */
#define SIGNATURE_LINES 15	/* after "-- " */
#define PLAIN_DASH_LINES 8	/* after "--", which has other uses as well */
#define FOOTER_LINES 6		/* of a list, behind a line of underscores */
#define DEVICE_LINES 1		/* after "Sent from my iPhone" */
#define MAX_LINES 50000		/* a text with more of them was not written by hand */

#define NOWHERE ((size_t) -1)

/* What a signature begins with. */
typedef enum SignatureKind
{
	SIGNATURE_DASHES, /* "-- ", as it should be */
	SIGNATURE_PLAIN,  /* "--": nothing but names behind it */
	SIGNATURE_DEVICE  /* "Get Outlook for iOS": a link at most */
} SignatureKind;

typedef struct Scan
{
	const char *text;
	const char *end;
	bool blank_before; /* the line before is blank, or there is none */
	bool seen;		   /* there was something to read before this line */
	int tries;
	StringInfoData folded;

	/* the last line with something on it */
	const char *last_start;
	MimeSlice last;

	size_t signature; /* where one seems to begin */
	int signature_room;
	int below;			  /* the same of one behind marked lines */
	SignatureKind kind;	  /* what may be in it */
	bool apart;			  /* there was a blank line in it */
	const char *compared; /* up to here, marked lines are the writer's own */
	bool draws;			  /* "--" was no signature, and no other one will be */

	/* the first colon from some line before this, if it is before "looked" */
	const char *colon;
	const char *looked;

	size_t cut; /* where lines marked with ">" begin, with what announces them */
} Scan;

typedef enum History
{
	HISTORY_NONE,
	HISTORY_MARKED, /* the next line with something on it begins with ">" */
	HISTORY_REST,	/* from here to the end */
	HISTORY_ALL_NEW /* nothing is to be cut */
} History;

/* has_date: a year, a time, or three numbers with a separator. */
static bool
has_date(const char *s)
{
	while (*s)
	{
		size_t n = strspn(s, "0123456789");

		if (n == 0)
		{
			s++;
			continue;
		}
		if (n == 4 && (strncmp(s, "19", 2) == 0 || strncmp(s, "20", 2) == 0))
			return true;
		if (n <= 2 && (s[n] == ':' || s[n] == '.' || s[n] == 'h' || s[n] == '/' || s[n] == '-') &&
			strspn(s + n + 1, "0123456789") == 2)
			return true;
		if (n <= 2 && (s[n] == '.' || s[n] == '/' || s[n] == '-') && s[n + 1] >= '0' &&
			s[n + 1] <= '9' && s[n + 2] == s[n] && mime_digit(s[n + 3]))
			return true;
		s += n;
	}
	return false;
}

/* next_written returns the next line that is not blank, or the end. */
static QuotedLine
next_written(Scan *scan, const char *p, size_t window)
{
	const char *limit = scan->end - p > window ? p + window : scan->end;
	QuotedLine line = {limit, limit, {limit, 0}};

	while (p < limit)
	{
		line = quoted_line(p, limit, window);
		if (line.text.len > 0)
			break;
		p = line.next;
	}
	return line;
}

/*
 * find_attribution looks for "On … wrote:" that begins with this line, and
 * gives the line after it.
 */
static bool
find_attribution(Scan *scan, const QuotedLine *first, const char **after, bool *sure)
{
	const char *limit = scan->end - first->start > WINDOW ? first->start + WINDOW : scan->end;
	QuotedLine line = *first;
	MimeSlice joined = quoted_without_stars(first->text);
	const char *later;
	QuotedAttribution form;
	bool opens;

	for (int i = 0; !quoted_ends_with_colon(line.text); i++)
	{
		if (i + 1 == ATTRIBUTION_LINES || line.next >= limit || !quoted_may_go_on(line.text))
			return false;
		line = quoted_line(line.next, limit, WINDOW);
		if (line.text.len == 0 || quoted_is_marked(line.text))
			return false;
	}
	if (line.text.data + line.text.len - joined.data > WINDOW || scan->tries >= MAX_TRIES)
		return false;
	scan->tries++;

	opens = quoted_has_opener(quoted_fold(&scan->folded, joined, MAX_LINE));
	if (!opens && !scan->blank_before)
		return false;
	if (line.start != first->start)
	{
		/* Its first line has to look the part, and no later one begins another. */
		if (!opens && !has_date(scan->folded.data) && strchr(scan->folded.data, '@') == NULL)
			return false;
		for (const char *p = first->next; p <= line.start; p = later)
		{
			QuotedLine part = quoted_line(p, limit, WINDOW);

			later = part.next;
			part.text = quoted_without_stars(part.text);
			if (part.text.len > 0 &&
				quoted_has_opener(quoted_fold(&scan->folded, part.text, MAX_LINE)) &&
				has_date(scan->folded.data) &&
				quoted_attribution(part.text.data, line.text.data + line.text.len - part.text.data,
								   true) >= QUOTED_MAYBE)
				return false;
		}
	}

	form = quoted_attribution(joined.data, line.text.data + line.text.len - joined.data, opens);
	/* who begins "on" in lower case, or puts a quotation mark behind it, is a person */
	*sure = form == QUOTED_SURE && !(opens && *joined.data >= 'a' && *joined.data <= 'z') &&
			!quoted_begins_quotation(next_written(scan, line.next, MAX_LINE).text);
	*after = line.next;
	return form >= QUOTED_MAYBE;
}

/* is_block: Outlook's block of header fields begins with this line. */
static bool
is_block(Scan *scan, const QuotedLine *first, bool ruled)
{
	QuotedField field = quoted_field_of(&scan->folded, first->text);

	if ((field != QUOTED_FIELD_FROM && field != QUOTED_FIELD_SENT) || scan->tries >= MAX_TRIES)
		return false;
	scan->tries++;
	return quoted_is_block(&scan->folded, first, scan->end, ruled || scan->blank_before, ruled);
}

/*
 * is_separator: dashes around words; "says" tells whether the words are what
 * is looked for.
 */
static bool
is_separator(Scan *scan, MimeSlice text, bool (*says)(const char *folded), bool colon_will_do)
{
	bool dashes = text.len > 4 && text.len <= MAX_LINE &&
				  (memcmp(text.data, "--", 2) == 0 || memcmp(text.data, "__", 2) == 0 ||
				   memcmp(text.data, "==", 2) == 0 || memcmp(text.data, "**", 2) == 0);

	if (!dashes && !(colon_will_do && text.len <= 100 && quoted_ends_with_colon(text)))
		return false;
	if (scan->tries >= MAX_TRIES)
		return false;
	scan->tries++;
	return says(quoted_fold(&scan->folded, text, MAX_LINE));
}

/*
 * may_announce: whether history may begin with this line.  Whatever announces it
 * begins with dashes and the like, or has a colon before long.
 */
static bool
may_announce(Scan *scan, const char *from)
{
	if (strchr("-_=*", *from) != NULL)
		return true;
	if (scan->colon < from ||
		(scan->colon == scan->looked && scan->looked < scan->end && scan->looked - from < WINDOW))
	{
		const char *found;

		scan->looked = scan->end - from > BLOCK_WINDOW ? from + BLOCK_WINDOW : scan->end;
		found = memchr(from, ':', scan->looked - from);
		scan->colon = found != NULL ? found : scan->looked;
		found = memchr(from, WIDE_COLON[0], scan->colon - from);
		if (found != NULL)
			scan->colon = found;
	}
	return scan->colon < scan->looked && scan->colon - from < WINDOW;
}

/* history_at says what begins with this line, which is not blank or marked. */
static History
history_at(Scan *scan, const QuotedLine *line)
{
	const char *after;
	bool sure;

	if (!may_announce(scan, line->text.data))
		return HISTORY_NONE;
	if (is_separator(scan, line->text, quoted_says_forwarded, true))
		return HISTORY_ALL_NEW;
	if (quoted_is_title(line->text) && is_separator(scan, line->text, quoted_says_original, false))
		return HISTORY_REST;
	if (is_block(scan, line, false))
		return HISTORY_REST;
	if (quoted_is_rule(line->text))
	{
		QuotedLine next = next_written(scan, line->next, MAX_LINE);

		/* The line that was cut short is read again where it is whole. */
		if (next.text.len > 0)
		{
			next = quoted_line(next.start, scan->end, BLOCK_WINDOW);
			if (is_block(scan, &next, true))
				return HISTORY_REST;
		}
	}
	if (find_attribution(scan, line, &after, &sure))
	{
		QuotedLine next = next_written(scan, after, WINDOW);

		if (quoted_is_marked(next.text))
			return HISTORY_MARKED;
		if (sure)
			return HISTORY_REST;
	}
	return HISTORY_NONE;
}

/* is_footer: what lists put at the end: a name, and a link, or an address beside "list". */
static bool
is_footer(Scan *scan, const QuotedLine *rule)
{
	const char *p = rule->next;
	bool reached = false;
	int count = 0;

	while (p < scan->end)
	{
		QuotedLine line = quoted_line(p, scan->end, MAX_LINE);
		bool links;

		p = line.next;
		if (line.text.len == 0 || quoted_is_rule(line.text))
			continue;
		links = memchr(line.text.data, '@', line.text.len) != NULL ||
				mime_find(line.text.data, line.text.data + line.text.len, "://") != NULL;
		reached |= mime_find(line.text.data, line.text.data + line.text.len, "://") != NULL ||
				   strstr(quoted_fold(&scan->folded, line.text, MAX_LINE), "list") != NULL;
		if (++count > FOOTER_LINES || quoted_speaks(&scan->folded, line.text) ||
			(!links && !quoted_may_sign(line.text)))
			return false;
	}
	return reached || count == 0;
}

/*
 * is_plain_signature: whether what is behind "--" without its space may be a
 * signature.  RFC 3676 has only "-- ", but spaces at the end of lines get lost
 * on the way, and people draw lines with dashes.  So there is nothing in it but
 * a few short lines of names, without figures or sentences, up to the end or to
 * history.
 */
static bool
is_plain_signature(Scan *scan, const QuotedLine *first)
{
	const char *colon = scan->colon;
	const char *looked = scan->looked;
	const char *p = first->next;
	bool blank_before = scan->blank_before;
	bool result = true;
	int count = 0;

	while (p < scan->end && result)
	{
		QuotedLine line = quoted_line(p, scan->end, MAX_LINE);

		p = line.next;
		if (quoted_is_marked(line.text))
			break;
		if (line.text.len > 0)
		{
			/* the line that was cut short is read again where it is whole */
			QuotedLine whole = quoted_line(line.start, scan->end, BLOCK_WINDOW);
			History history = history_at(scan, &whole);

			if (history == HISTORY_REST || history == HISTORY_MARKED)
				break;
			result = ++count == 1 ? quoted_opens_signature(&scan->folded, line.text) :
									count < PLAIN_DASH_LINES && quoted_may_sign(line.text) &&
										quoted_is_name(line.text.data, line.text.len);
		}
		scan->blank_before = line.text.len == 0;
	}
	scan->colon = colon;
	scan->looked = looked;
	scan->blank_before = blank_before;
	scan->draws = !result;
	return result;
}

/* introduced: "our new address:", "my bank writes:", so what follows is new. */
static bool
introduced(const Scan *scan)
{
	return scan->last_start != NULL && quoted_ends_with_colon(scan->last);
}

/* asked: "Which number?", with the answer behind dashes. */
static bool
asked(const Scan *scan)
{
	return scan->last_start != NULL && quoted_ends_with(scan->last, "?");
}

static bool
is_dashes(MimeSlice text)
{
	return text.len == 2 && memcmp(text.data, "--", 2) == 0;
}

/* signature_lines: how many lines follow at most, if one begins here, else 0. */
static int
signature_lines(Scan *scan, const QuotedLine *line)
{
	if (is_dashes(line->text) && (introduced(scan) || asked(scan)))
		return 0;
	if (is_dashes(line->text))
	{
		const char *behind = line->text.data + 2;

		if (behind < scan->end && *behind == ' ')
		{
			QuotedLine name = next_written(scan, line->next, MAX_LINE);

			scan->kind = SIGNATURE_DASHES;
			scan->apart = false;
			return name.text.len == 0 || quoted_opens_signature(&scan->folded, name.text) ?
					   SIGNATURE_LINES + 1 :
					   0;
		}
		scan->kind = SIGNATURE_PLAIN;
		return !scan->draws && is_plain_signature(scan, line) ? PLAIN_DASH_LINES + 1 : 0;
	}
	scan->kind = SIGNATURE_DEVICE;
	return quoted_is_device(&scan->folded, line->text) ? DEVICE_LINES + 1 : 0;
}

/*
 * goes_on_signing: this line of a signature says nothing that a person would.
 * To show a signature does no harm, to hide words does.
 */
static bool
goes_on_signing(Scan *scan, MimeSlice text)
{
	switch (scan->kind)
	{
		case SIGNATURE_DASHES:
			quoted_fold(&scan->folded, text, MAX_LINE);
			if (quoted_is_closing(scan->folded.data) || quoted_says_scanned(scan->folded.data))
				return true;
			if (quoted_is_postscript(text) || quoted_speaks(&scan->folded, text))
				return false;
			/* behind a blank line people go on writing */
			if (scan->blank_before && !is_dashes(scan->last))
				scan->apart = true;
			return !scan->apart || quoted_is_contact(&scan->folded, text) ||
				   quoted_is_firm(&scan->folded, text);
		case SIGNATURE_PLAIN:
			return quoted_may_sign(text) && quoted_is_name(text.data, text.len);
		case SIGNATURE_DEVICE:
			break;
	}
	return quoted_is_link(text) || quoted_is_device(&scan->folded, text);
}

/*
 * compares: marked lines of which each begins with a number, "> 30 days", are the
 * writer's own; up to where they end they are looked at once.
 */
static bool
compares(Scan *scan, const QuotedLine *first)
{
	QuotedLine line = *first;

	for (;;)
	{
		const char *p = line.text.data + (*line.text.data == '>' ? 1 : 0);

		if (p < scan->end && *p == ' ')
			p++;
		if (p == line.text.data || !quoted_begins_with_number(p, scan->end))
			return false;
		if (line.next >= scan->end)
			break;
		line = quoted_line(line.next, scan->end, MAX_LINE);
		if (!quoted_is_marked(line.text))
			break;
	}
	scan->compared = line.next >= scan->end && quoted_is_marked(line.text) ? scan->end : line.start;
	return true;
}

/*
 * introduces: the last line before marked ones goes on in them, and names nobody
 * who said them, nor the time: "our agreement says:", or "Hello,".  The marks are the writer's
 * own, be they arrows or bullets.
 */
static bool
introduces(Scan *scan)
{
	const char *end;
	MimeSlice said;
	size_t start;

	if (scan->last_start == NULL || scan->last.len > MAX_LINE)
		return false;
	end = scan->last.data + scan->last.len;
	if (quoted_ends_with(scan->last, ",") ||
		(!scan->blank_before && !quoted_ends_sentence(scan->last)))
		return true;
	if (!quoted_ends_with_colon(scan->last) || memchr(scan->last.data, '@', scan->last.len) != NULL)
		return false;
	while (end > scan->last.data && strchr(":*_ ", end[-1]) != NULL)
		end--;
	said = quoted_trim(scan->last.data, end);
	if (quoted_says_own(quoted_fold(&scan->folded, said, MAX_LINE)))
		return true;
	return !quoted_has_time(said) &&
		   quoted_verb_at_end(said.data, said.len, &start) == QUOTED_VERB_NONE;
}

/* own_marks goes over marked lines to where they end. */
static void
own_marks(Scan *scan, const QuotedLine *first)
{
	QuotedLine line = *first;

	while (line.next < scan->end && quoted_is_marked(line.text))
		line = quoted_line(line.next, scan->end, scan->end - line.next);
	scan->compared = quoted_is_marked(line.text) ? scan->end : line.start;
}

/* announces: the last line before marked ones says whose they are. */
static bool
announces(Scan *scan)
{
	if (scan->last_start == NULL || !quoted_ends_with_colon(scan->last) ||
		scan->last.len > MAX_LINE)
		return false;
	return quoted_attribution(
			   scan->last.data, scan->last.len,
			   quoted_has_opener(quoted_fold(&scan->folded, scan->last, MAX_LINE))) != QUOTED_NOT;
}

/* earlier returns where the history with its announcing signature begins. */
static size_t
earlier(const Scan *scan, size_t at)
{
	return scan->signature != NOWHERE ? scan->signature : at;
}

size_t
quoted_offset(const char *text, size_t len, const char *subject)
{
	return quoted_offset_behind(QUOTED_BEFORE_NOTHING, text, len, subject);
}

/*
 * quoted_offset_behind tells where the new part of a text ends that other parts
 * of the mail may stand before.
 */
size_t
quoted_offset_behind(QuotedBefore before, const char *text, size_t len, const char *subject)
{
	Scan scan = {.text = text, .end = text + len};
	const char *p = text;
	size_t result = len;
	int count = 0;

	if (quoted_is_forward(subject))
		return len;
	scan.blank_before = before != QUOTED_BEFORE_HISTORY;
	scan.seen = before != QUOTED_BEFORE_NOTHING;
	scan.signature = NOWHERE;
	scan.cut = before == QUOTED_BEFORE_HISTORY ? 0 : NOWHERE;
	scan.colon = text;
	scan.looked = text;
	scan.compared = text;
	initStringInfo(&scan.folded);

	while (p < scan.end)
	{
		QuotedLine line = quoted_line(p, scan.end, len);
		History history;
		int lines;

		p = line.next;
		if (++count > MAX_LINES)
			goto done;
		if (line.text.len == 0)
		{
			scan.blank_before = true;
			continue;
		}
		if (quoted_is_marked(line.text))
		{
			if (scan.cut == NOWHERE && line.start >= scan.compared)
			{
				bool announced = announces(&scan);

				if (!announced)
				{
					if (introduces(&scan))
						own_marks(&scan, &line);
					else if (compares(&scan, &line))
						scan.seen = true;
				}
				if (announced || line.start >= scan.compared)
					scan.cut = earlier(&scan, (announced ? scan.last_start : line.start) - text);
			}
			scan.blank_before = false;
			continue;
		}

		history = history_at(&scan, &line);
		if (history == HISTORY_ALL_NEW)
			goto done;
		if (history == HISTORY_REST)
		{
			/* With nothing before it, it is a forward, or text is below or in it. */
			if (scan.cut != NOWHERE)
				result = scan.cut;
			else if (introduced(&scan))
				goto done;
			else if (scan.seen)
				result = earlier(&scan, line.start - text);
			goto found;
		}

		if (scan.cut != NOWHERE && history == HISTORY_NONE)
		{
			/*
			 * Behind marked lines: the end of the mail, or something new.  Where
			 * nothing is above them, what is below is all that its writer says.
			 */
			bool signs = scan.below > 0 && --scan.below > 0 && goes_on_signing(&scan, line.text);

			scan.blank_before = false;
			scan.last = line.text;
			if (signs)
				continue;
			lines = signature_lines(&scan, &line);
			if (lines == 0 && scan.seen &&
				((quoted_is_rule(line.text) && is_footer(&scan, &line)) ||
				 quoted_is_notice(line.start, scan.end - line.start)))
				break;
			if (lines == 0 || (lines > DEVICE_LINES + 1 && !scan.seen))
				goto done;
			scan.below = lines > DEVICE_LINES + 1 ? lines : 0;
			continue;
		}
		if (history == HISTORY_MARKED)
		{
			/* What announces marked lines belongs to them, however long. */
			if (scan.cut == NOWHERE)
				scan.cut = earlier(&scan, line.start - text);
			while (p < scan.end)
			{
				QuotedLine more = quoted_line(p, scan.end, len);

				if (quoted_is_marked(more.text))
					break;
				p = more.next;
			}
			scan.blank_before = false;
			continue;
		}

		if (scan.signature != NOWHERE &&
			(--scan.signature_room <= 0 || !goes_on_signing(&scan, line.text)))
			scan.signature = NOWHERE;
		if (scan.signature == NOWHERE && scan.seen && (lines = signature_lines(&scan, &line)) > 0)
		{
			scan.signature = line.start - text;
			scan.signature_room = lines;
		}
		scan.seen = true;
		scan.blank_before = false;
		scan.last_start = line.start;
		scan.last = line.text;
	}
	if (scan.cut != NOWHERE)
		result = scan.cut;
	else if (scan.signature != NOWHERE)
		result = scan.signature;

found:
	if (result < len && quoted_points_below(text, result))
		result = len;

done:
	pfree(scan.folded.data);
	return result;
}
