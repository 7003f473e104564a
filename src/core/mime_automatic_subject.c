/*-------------------------------------------------------------------------
 *
 * mime_automatic_subject.c
 *	  Subjects of mail that a machine answers with, in whatever language.
 *
 * The safe mistake is to take such an answer for a person's: then somebody
 * reads it.  So words that people use as well need more than themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_automatic_subject.h"

#include "core/quoted_words.h"

#define MAX_TAGS 3

/* How automatic answers begin their subject, in lower case, and nobody else does. */
static const char *const subjects[] = {"auto: re:"};

/*
 * These, too, but people use the words: a colon or the like has to follow, or
 * nothing.  The longer of two that begin alike comes first.
 */
static const char *const marked_subjects[] = {"การตอบกลับอัตโนมัติ",
											  "ตอบกลับอัตโนมัติ",
											  "автоматична відповідь",
											  "автоматический ответ",
											  "автоматичен отговор",
											  "автоматски одговор",
											  "аутоматски одговор",
											  "αυτόματη απάντηση",
											  "аўтаматычны адказ",
											  "automatische abwesenheitsnotiz",
											  "abwesenheitsbenachrichtigung",
											  "תשובה אוטומטית",
											  "automatische rückantwort",
											  "الرد التلقائي",
											  "automatische abwesenheit",
											  "trả lời tự động",
											  "automatyczna odpowiedź",
											  "odpowiedź automatyczna",
											  "מענה אוטומטי",
											  "automatická odpověď",
											  "부재중 자동응답",
											  "abwesenheitsassistent",
											  "abwesenheitsnachricht",
											  "automaattinen vastaus",
											  "automatická odpoveď",
											  "automatinis atsakymas",
											  "automātiskā atbilde",
											  "respuesta automática",
											  "自動返信メール",
											  "automatisch antwoord",
											  "automatische antwort",
											  "automatische reactie",
											  "erantzun automatikoa",
											  "resposta automàtica",
											  "resposta automática",
											  "réponse automatique",
											  "réponse d’absence",
											  "abwesenheitsmeldung",
											  "afwezigheidsbericht",
											  "afwezigheidsmelding",
											  "automatikus válasz",
											  "frånvaromeddelande",
											  "message d’absence",
											  "risposta automatica",
											  "automated response",
											  "automatic response",
											  "automatski odgovor",
											  "fraværsmeddelelse",
											  "réponse d'absence",
											  "vacation autoreply",
											  "автоответ",
											  "休假自动回复",
											  "假期自动回复",
											  "外出自动回复",
											  "abwesenheitsagent",
											  "abwesenheitsnotiz",
											  "message d'absence",
											  "poissaoloilmoitus",
											  "samodejni odgovor",
											  "vacation response",
											  "رد تلقائي",
											  "부재 중 알림",
											  "automatiskt svar",
											  "balasan otomatis",
											  "răspuns automat",
											  "vacation message",
											  "부재중 알림",
											  "automated reply",
											  "automatic reply",
											  "automatisk svar",
											  "fraværsmelding",
											  "otomatik yanıt",
											  "poissaoloviesti",
											  "automaatvastus",
											  "vacation reply",
											  "auto response",
											  "auto-response",
											  "자동 응답",
											  "자동 회신",
											  "autoresponse",
											  "不在通知",
											  "不在連絡",
											  "自动回复",
											  "自动答复",
											  "自動回復",
											  "自動回覆",
											  "自動応答",
											  "自動答覆",
											  "自動返信",
											  "자동응답",
											  "자동회신",
											  "auto reply",
											  "auto-reply",
											  "autoreply",
											  "autosvar"};

/*
 * That somebody is not there.  People say so of drivers and guests, with a colon
 * as well ("Afwezig: your driver"), and of themselves when they tell when they
 * pay ("Out of office: payment on Monday").  So this counts only where the mail
 * answers another and yet has lost the prefix that answers have: people keep it,
 * the programs put their words in its place.  Or where the subject calls itself
 * a reply.  Words for holidays are not here: who writes those writes of money.
 * (A Greek word is folded: no letter of its own at the end.)
 */
static const char *const states[] = {"εκτόσ γραφείου",
									 "assenza dall’ufficio",
									 "ausente do escritório",
									 "нет на месте",
									 "отсутствует",
									 "ausente de la oficina",
									 "поза офісом",
									 "ausência temporária",
									 "assenza dall'ufficio",
									 "away from the office",
									 "fora de escritório",
									 "fora do escritório",
									 "ofis dışındayım",
									 "fuera de la oficina",
									 "poissa toimistolta",
									 "în afara biroului",
									 "away from my desk",
									 "away from my mail",
									 "ikke på kontoret",
									 "inte på kontoret",
									 "вне офиса",
									 "absence du bureau",
									 "out of the office",
									 "away from office",
									 "mimo kancelária",
									 "absent du bureau",
									 "fuera de oficina",
									 "irodán kívül",
									 "mimo kancelář",
									 "niet op kantoor",
									 "ofis dışında",
									 "不在办公室",
									 "不在辦公室",
									 "házon kívül",
									 "ikke til stede",
									 "nicht im büro",
									 "nicht im haus",
									 "nieobecność",
									 "niet aanwezig",
									 "fuori ufficio",
									 "out of office",
									 "out-of-office",
									 "frånvarande",
									 "nepřítomen",
									 "不在公司",
									 "außer haus",
									 "fraværende",
									 "on vacation",
									 "poza biurem",
									 "van kantoor",
									 "abwesenheit",
									 "부재 중",
									 "fuori sede",
									 "frånvaro",
									 "absent(e)",
									 "im urlaub",
									 "nieobecna",
									 "nieobecny",
									 "外出中",
									 "부재중",
									 "on leave",
									 "abwesend",
									 "absente",
									 "afwezig",
									 "assente",
									 "assenza",
									 "ausente",
									 "absent",
									 "poissa",
									 "不在",
									 "oof",
									 "ooo"};

/* The same behind a name, which ends the subject (Notes, Domino). */
static const char *const endings[] = {" is out of the office",
									  " is out of office",
									  " ist außer haus",
									  " ist nicht im büro",
									  " ist abwesend",
									  " est absent",
									  " est absent(e)",
									  " est absente",
									  " est absent du bureau",
									  " is afwezig",
									  " is niet op kantoor",
									  " è fuori ufficio",
									  " è assente",
									  " está fuera de la oficina",
									  " está ausente",
									  " está fora do escritório",
									  " er ikke på kontoret",
									  " är inte på kontoret"};

/* And when they are back, in brackets behind that. */
static const char *const returns[] = {"(returning ", "(rückkehr ", "(zurück ",	"(retour ",
									  "(rientro ",	 "(regreso ",  "(retorno ", "(terug "};

/* What may come between the words and the colon: that it is a reply, or what people write, too. */
static const char *const replies[] = {"auto reply",		 "autoreply", "auto-reply",
									  "automatic reply", "reply",	  "response"};
static const char *const notices[] = {"message", "notification", "notice"};

/* What may stand before such words, and behind them. */
static const char *const openers[] = {"[", "(", "【", "（", "［"};
static const char *const marks[] = {":", "：", "]", ")", "】", "）", "］"};
static const char *const dashes[] = {"- ", "– ", "— "};
static const char *const spaces[] = {" ", "\t", "\u00A0", "\u3000"};

/* word_at returns the length of the one of the words that "p" begins with, 0 for none. */
static size_t
word_at(const char *p, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		size_t len = strlen(words[i]);

		if (strncmp(p, words[i], len) == 0)
			return len;
	}
	return 0;
}

static const char *
skip_spaces(const char *p)
{
	size_t len;

	while ((len = word_at(p, spaces, lengthof(spaces))) > 0)
		p += len;
	return p;
}

/* ends_with tells whether one of the words is the end of a text of "len" bytes. */
static bool
ends_with(const char *text, size_t len, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		size_t n = strlen(words[i]);

		if (n <= len && memcmp(text + len - n, words[i], n) == 0)
			return true;
	}
	return false;
}

/*
 * is_notes_subject: "Ann Archer is out of the office (returning 05/12/2026)",
 * which people write as well, but neither with "AUTO:" before it, nor when they
 * answer and leave out the prefix of answers.
 */
static bool
is_notes_subject(const char *folded, bool answers)
{
	const char *bracket;
	size_t len;
	size_t mark;

	if (strncmp(folded, "auto", 4) == 0 && (mark = word_at(skip_spaces(folded + 4), marks, 2)) > 0)
	{
		folded = skip_spaces(folded + 4) + mark;
		answers = true;
	}

	/* (a name has no colon; prefixes do, in languages that are not known) */
	if (!answers || strchr(folded, ':') != NULL || strstr(folded, "：") != NULL)
		return false;
	len = strlen(folded);
	bracket = strrchr(folded, '(');
	if (bracket != NULL && word_at(bracket, returns, lengthof(returns)) > 0)
		len = bracket - folded;
	while (len > 0 && strchr(". ", folded[len - 1]) != NULL)
		len--;
	return ends_with(folded, len, endings, lengthof(endings));
}

/*
 * is_answer_subject: one that an automatic answer begins with.  "answers": the
 * mail is an answer to another.
 */
static bool
is_answer_subject(const char *folded, bool answers)
{
	size_t opener = word_at(folded, openers, lengthof(openers));
	const char *p = skip_spaces(folded + opener);
	bool told = answers; /* a machine wrote it */

	if (opener == 0 && word_at(p, subjects, lengthof(subjects)) > 0)
		return true;
	if (is_notes_subject(p, answers))
		return true;
	if (strncmp(p, "auto:", 5) == 0)
	{
		p = skip_spaces(p + 5);
		told = true;
	}

	/* "Abwesenheitsnotiz / Out of office: …" */
	for (int i = 0; i < MAX_TAGS; i++)
	{
		size_t words = word_at(p, marked_subjects, lengthof(marked_subjects));
		size_t reply;

		if (words > 0)
			told = true;
		else
			words = word_at(p, states, lengthof(states));
		if (words == 0)
			return false;
		p = skip_spaces(p + words);
		reply = word_at(p, replies, lengthof(replies));
		if (reply > 0)
			told = true;
		else
			reply = word_at(p, notices, lengthof(notices));
		p = skip_spaces(p + reply);
		if (*p != '/' && *p != '|')
			break;
		p = skip_spaces(p + 1);
	}
	return told && (*p == '\0' || word_at(p, marks, lengthof(marks)) > 0 ||
					(answers && word_at(p, dashes, lengthof(dashes)) > 0));
}

/*
 * automatic_is_subject looks behind the tags that gateways put before a subject, too.
 * "bare" is set to the last that was looked at.
 */
bool
automatic_is_subject(const char *folded, bool answers, const char **bare)
{
	const char *next = skip_spaces(folded);

	*bare = next;
	for (int i = 0; next != NULL && i <= MAX_TAGS; i++)
	{
		*bare = next;
		if (is_answer_subject(next, answers))
			return true;
		next = quoted_after_tag(next);
	}
	return false;
}
