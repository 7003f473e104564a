/*-------------------------------------------------------------------------
 *
 * quoted_said.c
 *	  The words by which a line is known to be a person's, by language.
 *
 * All in lower case, as casefold_append() leaves them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/casefold.h"
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

/*
 * Who says that answers (how the word begins) are at one of these places of a mail,
 * in one sentence, has written them into it.
 */
static const char *const answers[] = {
	/* English */
	"answer", "reply", "replies", "replied", "respond", "response", "comment", "remark", "notes",
	"annotat", "feedback", "insert",
	/* German */
	"antwort", "beantwort", "geantwort", "kommentar", "kommentier", "anmerkung", "bemerkung",
	"rückmeldung", "notiz",
	/* French */
	"répon", "commentaire", "remarque", "annot",
	/* Spanish, Portuguese */
	"respuesta", "respond", "contesto", "contestad", "comentario", "observacion", "resposta",
	"comentári", "observaç", "anotac",
	/* Italian */
	"rispost", "rispond", "osservazion",
	/* Dutch */
	"antwoord", "beantwoord", "reactie", "opmerking", "commentaar",
	/* Swedish, Danish, Norwegian */
	"svar", "besvar", "bemærkning", "anmärkning", "merknad",
	/* Finnish */
	"vastau", "vastas", "kommen",
	/* Polish */
	"odpowied", "odpowiad", "komentarz", "uwagi",
	/* Czech, Slovak */
	"odpov", "komentář", "komentár", "poznám",
	/* Hungarian, Romanian */
	"válasz", "megjegyz", "răspun", "comentari",
	/* Russian, Ukrainian */
	"ответ", "отвеч", "коммент", "замечан", "відпов", "комент", "зауваж",
	/* Turkish, Greek */
	"cevap", "cevab", "yanıt", "yorum", "απάντ", "απαντ", "σχόλι",
	/* Chinese, Japanese, Korean */
	"答复", "答覆", "回复", "回覆", "回答", "意见", "意見", "批注", "评论", "返信", "返答",
	"コメント", "답변", "회신", "답장", "의견"};

static const char *const places[] = {
	/* English */
	"below", "underneath", "beneath", "inside", "inline", "in-line", "in line", "within",
	"embedded", "interspersed", "in between", "between the lines", "in the text", "in the body",
	"in the mail", "in the email", "in your mail", "in your email", "in your e-mail",
	"to your mail", "to your email", "after each", "under each", "behind each", "red", "blue",
	"green", "yellow", "purple", "orange", "bold", "italic", "italics", "capitals", "caps",
	"colour", "color", "highlighted",
	/* German */
	"unten", "untenstehend", "unterhalb", "darunter", "drunter", "im text", "zwischen",
	"unter ihren", "unter den", "unter jede", "unter jeder", "direkt in", "in ihrer mail",
	"in ihrer e-mail", "rot", "roter", "blau", "blauer", "grün", "gelb", "fett", "kursiv", "farbig",
	"farblich", "rote", "grüner", "dahinter", "nachstehend", "nachfolgend", "großbuchstaben",
	"markiert",
	/* French */
	"ci-dessous", "dessous", "plus bas", "dans le texte", "dans le corps", "dans votre",
	"sous chaque", "point par point", "rouge", "bleu", "vert", "jaune", "gras", "italique",
	"majuscules",
	/* Spanish, Portuguese */
	"abajo", "debajo", "a continuación", "entre líneas", "en el texto", "en el cuerpo", "dentro",
	"rojo", "azul", "verde", "amarillo", "negrita", "mayúsculas", "cursiva", "abaixo", "no texto",
	"no corpo", "vermelho", "amarelo", "negrito", "maiúsculas", "itálico",
	/* Italian */
	"sotto", "di seguito", "nel testo", "nel corpo", "rosso", "blu", "giallo", "grassetto",
	"maiuscolo", "corsivo",
	/* Dutch */
	"hieronder", "onder", "onderstaand", "beneden", "in de tekst", "tussen", "rood", "blauw",
	"groen", "geel", "vet", "hoofdletters", "cursief",
	/* Swedish, Danish, Norwegian */
	"nedan", "nedanför", "nedenfor", "under", "i texten", "i teksten", "mellan", "mellem", "mellom",
	"rött", "röd", "rødt", "rød", "blått", "blåt", "blå", "grönt", "grønt", "gult", "fetstil",
	"versaler",
	/* Finnish */
	"alla", "alapuolella", "alempana", "tekstissä", "punaisella", "sinisellä", "vihreällä",
	/* Polish */
	"poniżej", "niżej", "pod", "w treści", "w tekście", "między", "czerwono", "czerwonym",
	"niebiesko", "zielono",
	/* Czech, Slovak */
	"níže", "nižšie", "dole", "v textu", "v texte", "mezi", "medzi", "červeně", "červenou", "modře",
	"modrou", "zeleně", "tučně",
	/* Hungarian, Romanian */
	"alább", "lent", "alatt", "szövegben", "között", "pirossal", "kékkel", "zölddel", "mai jos",
	"în text", "roșu", "albastru",
	/* Russian, Ukrainian */
	"ниже", "внизу", "под", "в тексте", "внутри", "между", "красным", "синим", "зелёным", "зеленым",
	"жирным", "нижче", "у тексті", "червоним",
	/* Turkish, Greek */
	"aşağıda", "aşağıdadır", "altında", "kırmızı", "mavi", "yeşil", "παρακάτω", "κάτω",
	"στο κείμενο", "κόκκινο", "κόκκινα", "μπλε",
	/* Chinese, Japanese, Korean */
	"如下", "下面", "下方", "下文", "以下", "文中", "红色", "红字", "紅色", "紅字", "蓝色", "藍色",
	"下記", "下に", "赤", "青", "아래", "본문", "빨간", "파란"};

/* So has who says no more than that. */
static const char *const pointers[] = {
	"see below",	 "see inline",	  "see in line",	 "see in-line",		"siehe unten",
	"s. unten",		 "s.u.",		  "s. u.",			 "voir ci-dessous", "voir plus bas",
	"ver abajo",	 "ver más abajo", "ver abaixo",		 "vide abaixo",		"vedi sotto",
	"vedere sotto",	 "zie onder",	  "zie hieronder",	 "se nedan",		"se nedenfor",
	"katso alla",	 "ks. alla",	  "patrz niżej",	 "zob. poniżej",	"viz níže",
	"pozri nižšie",	 "lásd lent",	  "lásd alább",		 "vezi mai jos",	"см. ниже",
	"смотрите ниже", "див. нижче",	  "aşağıya bakınız", "δείτε παρακάτω",	"见下文",
	"见下面",		 "見下文",		  "请看红字",		 "請看紅字",		"见红字",
	"下記をご参照",	 "下記参照",	  "아래 참조"};

/* Who says "we wrote" has said it himself.  Where the verb tells, none is needed. */
static const char *const owns[] = {"i",		  "we", "ich", "wir", "haben", "je", "nous", "avons",
								   "abbiamo", "ik", "wij", "jag", "jeg",   "я",	 "мы",	 "ми"};

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
	return folded_has_any(folded, banks, lengthof(banks));
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
	return folded_has_any(folded, sentence_marks, lengthof(sentence_marks));
}

/* begins_word: some word begins with it. */
static bool
begins_word(const char *folded, const char *stem)
{
	for (const char *p = folded; (p = strstr(p, stem)) != NULL; p++)
	{
		if ((unsigned char) *stem >= 0xE3 || p == folded || !in_word(p[-1]))
			return true;
	}
	return false;
}

/* ends_here: there is no more of the sentence. */
static bool
ends_here(const char *p)
{
	while (*p == ' ' || *p == '\r')
		p++;
	return *p == '\0' || strchr("\n.,:;!?)-", *p) != NULL || (unsigned char) *p >= 0xE2;
}

static bool
points(const char *sentence)
{
	for (int i = 0; i < lengthof(pointers); i++)
	{
		const char *p = strstr(sentence, pointers[i]);

		if (p != NULL && ends_here(p + strlen(pointers[i])))
			return true;
	}
	for (int i = 0; i < lengthof(answers); i++)
	{
		if (!begins_word(sentence, answers[i]))
			continue;
		for (int j = 0; j < lengthof(places); j++)
		{
			if (contains_word(sentence, places[j]))
				return true;
		}
		break;
	}
	return false;
}

/* end_of_sentence: at a mark, or before a blank line. */
static char *
end_of_sentence(char *p)
{
	const char *word = p;

	for (; *p; p++)
	{
		bool space = p[1] == ' ' || p[1] == '\r' || p[1] == '\n';

		/* what is short before a full stop is short for something */
		if (space &&
			(*p == '!' || *p == '?' || (*p == '.' && p - word > (IS_HIGHBIT_SET(*word) ? 6 : 3))))
			return p;
		if (*p == ' ' || *p == '\n')
			word = p + 1;
		if (*p == '\n' && (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n')))
			return p;
		if (strncmp(p, "。", 3) == 0 || strncmp(p, "！", 3) == 0)
			return p;
	}
	return p;
}

/*
 * quoted_points_below: what is above the history says that its writer goes on in
 * it, "my answers in red below".  No mark tells them from the rest.
 */
bool
quoted_points_below(const char *text, size_t len)
{
	StringInfoData buffer;
	char *p;
	bool result = false;

	initStringInfo(&buffer);
	casefold_head(&buffer, text, len, MAX_ABOVE);
	for (p = buffer.data; *p != '\0' && !result;)
	{
		char *end = end_of_sentence(p);
		bool last = *end == '\0';

		*end = '\0';
		result = points(p);
		p = last ? end : end + 1;
	}
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
