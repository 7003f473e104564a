/*-------------------------------------------------------------------------
 *
 * quoted_said.c
 *	  The words by which a line is known to be a person's, by language.
 *
 * All in lower case, as casefold_append() leaves them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted_lines.h"
#include "core/quoted_words.h"

#define MAX_ABOVE 800 /* bytes looked at for what points below */

/* What money is sent from, where a device might be; how the word begins. */
static const char *const banks[] = {
	"account", "bank",	   "cuenta", "banco", "compte", "banque", "conto", "banca", "kont",
	"conta",   "rekening", "tili",	 "рахун", "счет",	"счёт",	  "účet",  "účt",	"hesab",
	"számla",  "cont ",	   "口座",	 "銀行",  "银行",	"账户",	  "帳戶",  "계좌",	"은행"};

/*
 * What ends a sentence, or stands in one, where a script has no lower case; and the
 * number of a bank's account, which has to be seen where it is new.
 */
static const char *const sentence_ends[] = {"。", "！",	 "？",	"।",   "؟",	   "요",   "다",
											"까", "요.", "다.", "까.", "ます", "です", "ません"};
static const char *const sentence_marks[] = {"。", "，", "、", "我",  "您",
											 "请", "請", "已", "iban"};

/* Who writes these above a mail has written into it as well. */
static const char *const belows[] = {
	/* English */
	"inline", "in-line", "in red", "in blue", "in green", "in bold", "see below", "answers below",
	"answer below", "comments below", "replies below", "reply below", "responses below",
	"response below", "remarks below", "answered below", "commented below", "notes below",
	/* German */
	"in rot", "in blau", "in grün", "rot markiert", "siehe unten", "s. unten", "s.u.", "s. u.",
	"weiter unten", "antworten unten", "im text",
	/* French */
	"en rouge", "en bleu", "en vert", "voir ci-dessous", "réponses ci-dessous",
	"réponse ci-dessous", "commentaires ci-dessous", "dans le texte",
	/* Spanish, Portuguese */
	"en rojo", "en azul", "en verde", "más abajo", "ver abajo", "respuestas abajo", "em vermelho",
	"em azul", "em verde", "ver abaixo", "vide abaixo", "respostas abaixo",
	/* Italian */
	"in rosso", "in blu", "in verde", "vedi sotto", "vedere sotto", "risposte sotto",
	"risposte di seguito",
	/* Dutch */
	"in rood", "in het rood", "in blauw", "in groen", "zie onder", "zie hieronder",
	"antwoorden hieronder",
	/* Swedish, Danish, Norwegian, Finnish */
	"i rött", "i blått", "se nedan", "svar nedan", "i rødt", "med rødt", "med rød", "i blåt",
	"se nedenfor", "svar nedenfor", "punaisella", "sinisellä", "katso alla", "ks. alla",
	"vastaukset alla",
	/* Polish, Czech, Slovak, Hungarian, Romanian */
	"na czerwono", "na niebiesko", "patrz niżej", "zob. poniżej", "odpowiedzi poniżej", "červeně",
	"modře", "viz níže", "odpovědi níže", "červenou", "pozri nižšie", "pirossal", "kékkel",
	"lásd lent", "lásd alább", "cu roșu", "vezi mai jos",
	/* Russian, Ukrainian, Turkish, Greek */
	"красным", "синим", "см. ниже", "смотрите ниже", "ответы ниже", "червоним", "див. нижче",
	"kırmızı", "aşağıda", "με κόκκινο", "δείτε παρακάτω",
	/* Chinese, Japanese, Korean */
	"红色", "红字", "蓝色", "紅色", "紅字", "见下文", "见下面", "見下文", "赤字", "赤文字", "青字",
	"下記をご参照", "빨간", "파란색", "아래 참조"};

/* Who says "we wrote" has said it himself.  Where the verb tells, none is needed. */
static const char *const owns[] = {"i",		  "we", "ich", "wir", "haben", "je", "nous", "avons",
								   "abbiamo", "ik", "wij", "jag", "jeg",   "я",	 "мы",	 "ми"};

static bool
contains_any(const char *folded, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strstr(folded, words[i]) != NULL)
			return true;
	}
	return false;
}

static bool
in_word(char c)
{
	return (c >= 'a' && c <= 'z') || IS_HIGHBIT_SET(c);
}

/* contains_word: as it is, unless it is of a script that has no spaces. */
static bool
contains_word(const char *folded, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = folded; (p = strstr(p, word)) != NULL; p++)
	{
		if ((unsigned char) *word >= 0xE3 || ((p == folded || !in_word(p[-1])) && !in_word(p[len])))
			return true;
	}
	return false;
}

bool
quoted_says_bank(const char *folded)
{
	return contains_any(folded, banks, lengthof(banks));
}

/*
 * quoted_says_sentence: a sentence in a script without capitals.  Others are known
 * by their words in lower case.
 */
bool
quoted_says_sentence(const char *folded)
{
	size_t len = strlen(folded);

	for (int i = 0; i < lengthof(sentence_ends); i++)
	{
		size_t n = strlen(sentence_ends[i]);

		if (len >= n && memcmp(folded + len - n, sentence_ends[i], n) == 0)
			return true;
	}
	return contains_any(folded, sentence_marks, lengthof(sentence_marks));
}

/*
 * quoted_points_below: what is above the history says that its writer goes on in
 * it, "my answers in red below".  No mark tells them from the rest.
 */
bool
quoted_points_below(const char *text, size_t len)
{
	MimeSlice above = {text, len};
	StringInfoData buffer;
	const char *folded;
	bool result = false;

	initStringInfo(&buffer);
	folded = quoted_fold(&buffer, above, MAX_ABOVE);
	for (int i = 0; i < lengthof(belows) && !result; i++)
		result = contains_word(folded, belows[i]);
	pfree(buffer.data);
	return result;
}

/*
 * quoted_says_own: "I" or "we" is a word of the last part of it, and no part of a
 * name like "I. Smith".
 */
bool
quoted_says_own(const char *folded)
{
	const char *comma = strrchr(folded, ',');

	if (comma != NULL)
		folded = comma + 1;
	for (int i = 0; i < lengthof(owns); i++)
	{
		size_t len = strlen(owns[i]);

		for (const char *p = folded; (p = strstr(p, owns[i])) != NULL; p++)
		{
			if ((p == folded || p[-1] == ' ') && p[len] == ' ')
				return true;
		}
	}
	return false;
}
