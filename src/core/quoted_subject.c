/*-------------------------------------------------------------------------
 *
 * quoted_subject.c
 *	  What stands before a subject: replies, forwards and tags, in whatever language.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted.h"

#include "core/casefold.h"
#include "core/quoted_lines.h"
#include "core/quoted_words.h"

#define MAX_TAGS 8		/* before a subject */
#define MAX_SUBJECT 300 /* bytes of one that are looked at */

/* Forwards by their subject.  The Finnish "VS:" is a reply; nothing is lost. */
static const char *const forward_prefixes[] = {
	"fw",		  "fwd",  "wg",	  "tr",	  "rv",	  "i",	  "enc",   "doorst", "vs",
	"vl",		  "vb",	  "pd",	  "ilt",  "İlt",  "fs",	  "прс",   "πρθ",	 "prop",
	"továbbítás", "转发", "轉寄", "轉發", "転送", "전달", "пересл"};

/* Forwards by what is no prefix. */
static const char *const forward_marks[] = {"[fwd:", "[fw:", "(fwd)", "(fw)"};

/* What gateways write before a subject, where it has no brackets. */
static const char *const tags[] = {
	"external",	 "external mail", "external email", "external e-mail", "ext",
	"extern",	 "externe",		  "externo",		"externa",		   "esterno",
	"esterna",	 "ekstern",		  "zewnętrzny",		"caution",		   "warning",
	"spam",		 "spam?",		  "suspected spam", "probable spam",   "secure",
	"encrypted", "junk"};

/* Replies by their subject. */
static const char *const reply_prefixes[] = {
	"re",	   "aw",	"antw", "antwort", "sv",	"svar", "vast",	 "vastaus", "res",
	"r",	   "ref",	"rif",	"rép",	   "réf",	"odp",	"odg",	 "ynt",		"yanıt",
	"yanit",   "cevap", "vá",	"válasz",  "bls",	"atb",	"ats",	 "ang",		"reply",
	"réponse", "απ",	"σχετ", "отв",	   "ответ", "השב",	"תשובה", "رد",		"回复",
	"回覆",	   "答复",	"答覆", "返信",	   "답장",	"회신"};

static const char *
skip_blanks(const char *p)
{
	static const char *const wide[] = {"\u00A0", "\u202F"};

	for (;;)
	{
		const char *start = p;

		p += strspn(p, " \t");
		for (int i = 0; i < lengthof(wide); i++)
		{
			if (strncmp(p, wide[i], strlen(wide[i])) == 0)
				p += strlen(wide[i]);
		}
		if (p == start)
			return p;
	}
}

/*
 * skip_counter goes over the dot of an abbreviation, and over what some programs
 * count answers with: "[2]", "(2)", "^2" or "*2".
 */
static const char *
skip_counter(const char *p)
{
	const char *next;
	size_t digits;
	char open;

	p = skip_blanks(p);
	if (*p == '.')
		p = skip_blanks(p + 1);
	open = *p;
	if (open == '\0' || strchr("[(^*", open) == NULL)
		return p;
	digits = strspn(p + 1, "0123456789");
	next = p + 1 + digits;
	if (digits == 0 || digits > 4 || (open == '[' && *next != ']') || (open == '(' && *next != ')'))
		return p;
	if (open == '[' || open == '(')
		next++;
	return skip_blanks(next);
}

/* skip_prefix returns what is behind one of the words and its colon, else NULL. */
static const char *
skip_prefix(const char *folded, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		size_t len;
		const char *rest;

		if (words[i][0] != folded[0])
			continue;
		len = strlen(words[i]);
		if (strncmp(folded, words[i], len) != 0)
			continue;
		rest = skip_counter(folded + len);
		if (*rest == ':')
			return rest + 1;
		if (strncmp(rest, "：", strlen("：")) == 0)
			return rest + strlen("：");
	}
	return NULL;
}

static const char *
after_marks(const char *p)
{
	return p + strspn(p, " \t:-");
}

/*
 * quoted_after_tag returns what is behind the tag that a gateway, a list or a ticket
 * system put before a subject, or NULL.
 */
const char *
quoted_after_tag(const char *folded)
{
	static const char *const pairs[] = {"[]", "{}", "()", "<>", "【】"};
	const char *stop;

	for (int i = 0; i < lengthof(pairs); i++)
	{
		size_t n = strlen(pairs[i]) / 2;

		if (strncmp(folded, pairs[i], n) != 0)
			continue;
		stop = strstr(folded + n, pairs[i] + n);
		return stop != NULL ? after_marks(stop + n) : NULL;
	}
	if (folded[0] == '*')
	{
		stop = strchr(folded + strspn(folded, "*"), '*');
		return stop != NULL ? after_marks(stop + strspn(stop, "*")) : NULL;
	}
	stop = skip_prefix(folded, tags, lengthof(tags));
	return stop != NULL ? after_marks(stop) : NULL;
}

/* has_mark: what stands for a prefix begins the subject. */
static bool
has_mark(const char *folded)
{
	for (int i = 0; i < lengthof(forward_marks); i++)
	{
		if (strncmp(folded, forward_marks[i], strlen(forward_marks[i])) == 0)
			return true;
	}
	return false;
}

/* quoted_is_answer: a subject of somebody who answers a mail, or passes it on. */
bool
quoted_is_answer(const char *folded)
{
	for (int i = 0; i < MAX_TAGS && folded != NULL; i++)
	{
		if (skip_prefix(folded, forward_prefixes, lengthof(forward_prefixes)) != NULL ||
			skip_prefix(folded, reply_prefixes, lengthof(reply_prefixes)) != NULL)
			return true;
		folded = quoted_after_tag(folded);
	}
	return false;
}

/*
 * has_forward_prefix: a subject that begins "Fwd:", with either colon, or
 * has "(fwd)" before or behind it.  Tags before that are gone over; one with a
 * reply's prefix is a reply.
 */
static bool
has_forward_prefix(const char *folded)
{
	size_t len;

	for (int i = 0; i < MAX_TAGS; i++)
	{
		const char *rest;

		folded += strspn(folded, " \t");
		if (skip_prefix(folded, forward_prefixes, lengthof(forward_prefixes)) != NULL ||
			has_mark(folded))
			return true;
		rest = quoted_after_tag(folded);
		if (rest == NULL)
			break;
		folded = rest;
	}
	len = strlen(folded);
	if (len < 4 || skip_prefix(folded, reply_prefixes, lengthof(reply_prefixes)) != NULL)
		return false;
	return (len >= 5 && strcmp(folded + len - 5, "(fwd)") == 0) ||
		   (len >= 4 && strcmp(folded + len - 4, "(fw)") == 0);
}

/*
 * quoted_is_forward looks at the first prefix behind the tags only: "Re: Fwd:"
 * is a reply.
 */
bool
quoted_is_forward(const char *subject)
{
	StringInfoData folded;
	MimeSlice slice;
	bool result;

	if (subject == NULL)
		return false;
	slice = quoted_trim(subject, subject + strlen(subject));
	initStringInfo(&folded);
	if (slice.len > MAX_SUBJECT)
	{
		/* its beginning and its end: what is in the middle is not looked at */
		const char *tail = slice.data + slice.len - MAX_FIELD;

		while (((unsigned char) *tail & 0xC0) == 0x80)
			tail++;
		casefold_head(&folded, slice.data, slice.len, MAX_SUBJECT - MAX_FIELD);
		slice.len -= tail - slice.data;
		slice.data = tail;
	}
	casefold_append(&folded, slice.data, slice.len, false);
	result = has_forward_prefix(folded.data);
	pfree(folded.data);
	return result;
}
