/*-------------------------------------------------------------------------
 *
 * quoted_mail.c
 *	  What is new in a whole mail: its text by lines, its HTML by marks, and
 *	  each part of it by itself.
 *
 * The history in one part says nothing about the next one: what a person writes
 * behind an attachment is new, whatever is quoted before it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/casefold.h"
#include "core/quoted.h"
#include "core/quoted_words.h"

static size_t
piece_end(const MimeMessage *mail, int piece)
{
	return piece + 1 < mail->piece_count ? mail->pieces[piece + 1].start : mail->text_length;
}

/* marks_lines: some of the lines are marked with ">", as what is set in is. */
static bool
marks_lines(const char *text, size_t len)
{
	return len > 0 && (*text == '>' || mime_find(text, text + len, "\n>") != NULL);
}

/* text_cut: "follows" tells whether there are words before the text. */
static size_t
text_cut(const char *text, size_t len, const char *subject, bool follows)
{
	return quoted_offset_behind(follows ? QUOTED_BEFORE_WORDS : QUOTED_BEFORE_NOTHING, text, len,
								subject);
}

/*
 * html_cut tells where in the text of a document its history begins, by the
 * marks in it: what comes before the mark is the same words, made the same way.
 */
static size_t
html_cut(const MimeMessage *mail, const MimePiece *piece, const char *text, size_t len,
		 QuotedHtml *found)
{
	size_t cut = len;
	size_t offset;
	size_t same;
	char *words;

	*found = QUOTED_HTML_NONE;
	if (piece->html_length == 0)
		return len;
	*found = quoted_html(mail->html + piece->html, piece->html_length, mail->subject, &offset);
	if (*found != QUOTED_HTML_CUT)
		return len;
	words = mime_html_to_text(mail->html + piece->html, offset);
	same = strlen(words);
	while (same > 0 && mime_space(words[same - 1]))
		same--;
	if (same <= len && memcmp(words, text, same) == 0)
		cut = same;
	pfree(words);
	return cut;
}

/*
 * document_cut tells where the history of a document begins.  A block that is
 * only set in, which text marks with ">" too, is no history there, unless
 * something announces it.  "follows": there are words before the document, so
 * that all of it may be history.
 */
static size_t
document_cut(const MimeMessage *mail, const MimePiece *piece, size_t len, bool follows)
{
	const char *text = mail->text + piece->start;
	size_t cut = text_cut(text, len, mail->subject, follows);
	QuotedHtml found;
	size_t marked = html_cut(mail, piece, text, len, &found);

	if (found == QUOTED_HTML_ALL)
		return len;
	if (cut < len && text[cut] == '>')
		cut = len;
	if (marked < cut && (marked > 0 || follows))
	{
		cut = marked;
		while (cut < len && mime_space(text[cut]))
			cut++;
		if (quoted_points_below(text, cut))
			cut = len;
	}
	return cut;
}

/* brings_nothing: a part behind history has only more of it, or ends the mail. */
static bool
brings_nothing(const MimeMessage *mail, const MimePiece *piece, size_t len)
{
	const char *text = mail->text + piece->start;

	if (mime_blank(text, len))
		return true;
	if (piece->from_html)
	{
		QuotedHtml found;
		size_t cut = html_cut(mail, piece, text, len, &found);

		if (found != QUOTED_HTML_NONE || marks_lines(text, len))
			return cut < len && mime_blank(text, cut);
	}
	return quoted_offset_behind(QUOTED_BEFORE_HISTORY, text, len, mail->subject) == 0;
}

static size_t
or_all(const char *text, size_t len, size_t cut)
{
	return quoted_says_nothing(text, cut) ? len : cut;
}

/* answers: by its fields or its subject; any other mail has no history in it. */
static bool
answers(const MimeMessage *mail)
{
	StringInfoData folded;
	bool result;

	if (mail->in_reply_to.count > 0 || mail->references.count > 0)
		return true;
	if (mail->subject == NULL)
		return false;
	initStringInfo(&folded);
	casefold_append(&folded, mail->subject, strlen(mail->subject), false);
	result = quoted_is_answer(folded.data);
	pfree(folded.data);
	return result;
}

/*
 * quoted_mail tells where the new part of a mail's text ends.
 */
size_t
quoted_mail(const MimeMessage *mail)
{
	size_t cut = mail->text_length;
	size_t before = 0;	  /* up to there it is known ... */
	bool follows = false; /* ... whether there are words */
	int last;

	if (!answers(mail))
		return mail->text_length;
	for (int i = 0; i < mail->piece_count; i = last + 1)
	{
		const MimePiece *piece = &mail->pieces[i];
		size_t end;
		size_t at;

		/* plain text goes on from part to part */
		last = i;
		while (!piece->from_html && last + 1 < mail->piece_count &&
			   !mail->pieces[last + 1].from_html)
			last++;
		end = piece_end(mail, last);
		follows = follows || !mime_blank(mail->text + before, piece->start - before);
		before = piece->start;
		if (piece->from_html)
			at = document_cut(mail, piece, end - piece->start, follows);
		else
			at = text_cut(mail->text + piece->start, end - piece->start, mail->subject, follows);
		if (piece->start + at == end)
			continue;
		cut = piece->start + at;
		while (i < last && piece_end(mail, i) <= cut)
			i++;
		for (i++; i < mail->piece_count; i++)
		{
			piece = &mail->pieces[i];
			if (!brings_nothing(mail, piece, piece_end(mail, i) - piece->start))
				return mail->text_length;
		}
		break;
	}
	return or_all(mail->text, mail->text_length, cut);
}

size_t
quoted_shown(const char *text, size_t len, const char *subject)
{
	return or_all(text, len, quoted_offset(text, len, subject));
}
