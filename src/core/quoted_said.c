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
	"answer", "reply", "replies", "replied", "responded", "response", "comment", "remark", "notes",
	"annotat", "input", "insert", "filled in", "completed",
	/* German */
	"antwort", "beantwort", "geantwort", "kommentar", "kommentier", "anmerkung", "bemerkung",
	"rückmeldung", "notiz", "ausgefüllt", "ergänz",
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
	"below", "underneath", "beneath", "inside your", "inside the mail", "inline", "in-line",
	"in line", "within your mail", "within your email", "within your e-mail", "within the text",
	"embedded", "interspersed", "in between", "between the lines", "in the text", "in the body",
	"in the mail", "in the email", "in your mail", "in your email", "in your e-mail",
	"to your mail", "to your email", "after each", "under each", "behind each", "in red", "in blue",
	"in green", "in yellow", "in purple", "in orange", "in bold", "in italic", "in italics",
	"in capitals", "in caps", "in colour", "in color", "highlighted",
	/* German */
	"unten", "untenstehend", "unterhalb", "darunter", "drunter", "im text", "zwischen den zeilen",
	"unter ihren", "unter den fragen", "unter jede", "unter jeder", "direkt in", "in ihrer mail",
	"in ihrer e-mail", "in rot", "rot markiert", "roter schrift", "rote", "in blau",
	"blauer schrift", "in grün", "grüner schrift", "gelb markiert", "in gelb", "in fett", "kursiv",
	"farbig", "farblich", "dahinter", "nachstehend", "großbuchstaben",
	/* French */
	"ci-dessous", "plus bas", "dans le texte", "dans le corps", "dans votre mail",
	"dans votre message", "sous chaque", "point par point", "en rouge", "en bleu", "en vert",
	"en jaune", "en gras", "en italique", "en majuscules",
	/* Spanish, Portuguese */
	"abajo", "debajo", "a continuación", "entre líneas", "en el texto", "en el cuerpo",
	"dentro de su correo", "en rojo", "en azul", "en verde", "en amarillo", "en negrita",
	"en mayúsculas", "en cursiva", "abaixo", "no texto", "no corpo", "a vermelho", "em vermelho",
	"a azul", "em azul", "em verde", "em amarelo", "a negrito", "em negrito", "maiúsculas",
	"em itálico",
	/* Italian */
	"qui sotto", "sotto in", "sotto ogni", "di seguito", "nel testo", "in rosso", "in blu",
	"in verde", "in giallo", "in grassetto", "in maiuscolo", "in corsivo",
	/* Dutch */
	"hieronder", "onderstaand", "beneden", "in de tekst", "tussen de regels", "onder elke",
	"in rood", "in het rood", "in blauw", "in groen", "in geel", "in vet", "in hoofdletters",
	"cursief",
	/* Swedish, Danish, Norwegian */
	"nedan", "nedanför", "nedenfor", "under varje", "under hver", "i texten", "i teksten",
	"mellan raderna", "mellem linjerne", "mellom linjene", "i rött", "i rödt", "med rött",
	"med rödt", "i röd", "med rødt", "i rødt", "med rød", "i blått", "med blått", "med blåt",
	"i blåt", "i grönt", "i grønt", "i gult", "fetstil", "versaler",
	/* Finnish */
	"alla olevassa", "alla oleva", "alla", "alapuolella", "alempana", "tekstissä", "punaisella",
	"sinisellä", "vihreällä",
	/* Polish */
	"poniżej", "niżej", "pod każdym", "w treści", "w tekście", "na czerwono", "na niebiesko",
	"na zielono", "między wierszami",
	/* Czech, Slovak */
	"níže", "nižšie", "dole", "v textu", "v texte", "mezi řádky", "medzi riadkami", "červeně",
	"červenou", "modře", "modrou", "zeleně", "tučně",
	/* Hungarian, Romanian */
	"alább", "lent", "a szövegben", "a sorok között", "pirossal", "kékkel", "zölddel", "mai jos",
	"în text", "cu roșu", "cu albastru",
	/* Russian, Ukrainian */
	"ниже", "внизу", "под каждым", "в тексте", "внутри письма", "между строк", "красным", "синим",
	"зелёным", "зеленым", "жирным", "нижче", "у тексті", "червоним",
	/* Turkish, Greek */
	"aşağıda", "aşağıdadır", "kırmızı", "mavi ile", "yeşil ile", "παρακάτω", "πιο κάτω",
	"στο κείμενο", "με κόκκινο", "με κόκκινα", "με μπλε",
	/* Chinese, Japanese, Korean */
	"如下", "下面", "下文", "下方", "文中", "红色", "红字", "紅色", "紅字", "蓝色", "藍色",
	"以下に", "下記", "下に", "赤", "青字", "아래", "본문", "빨간", "파란"};

/* But these sentences are about whoever gets the mail by mistake. */
static const char *const disclaimers[] = {
	"recipient",   "addressee",	   "confidential",	"in error",	  "the sender",	  "delete",
	"vertraulich", "empfänger",	   "absender",		"irrtümlich", "destinataire", "confidentiel",
	"expéditeur",  "destinatari",  "confidencial",	"remitente",  "remetente",	  "riservat",
	"mittente",	   "geadresseerd", "vertrouwelijk", "afzender",	  "mottagar",	  "avsändar",
	"modtager",	   "afsender",	   "adresat",		"nadawc",	  "poufn",		  "důvěrn",
	"příjemc",	   "címzett",	   "конфиденц",		"получател",  "отправител",	  "alıcı",
	"gizli"};

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

/* What begins a signature, where somebody puts it there. */
static const char *const closings[] = {"regards",
									   "best regards",
									   "kind regards",
									   "kindest regards",
									   "warm regards",
									   "many thanks",
									   "thanks",
									   "sincerely",
									   "yours sincerely",
									   "yours faithfully",
									   "best wishes",
									   "cheers",
									   "mit freundlichen grüßen",
									   "mit freundlichem gruß",
									   "mit besten grüßen",
									   "mit besten grüssen",
									   "mit freundlichen grüssen",
									   "freundliche grüße",
									   "freundliche grüsse",
									   "viele grüße",
									   "beste grüße",
									   "liebe grüße",
									   "herzliche grüße",
									   "mfg",
									   "cordialement",
									   "bien cordialement",
									   "bien à vous",
									   "meilleures salutations",
									   "sincères salutations",
									   "salutations",
									   "saludos",
									   "un saludo",
									   "saludos cordiales",
									   "atentamente",
									   "atenciosamente",
									   "cumprimentos",
									   "com os melhores cumprimentos",
									   "cordiali saluti",
									   "distinti saluti",
									   "saluti",
									   "met vriendelijke groet",
									   "met vriendelijke groeten",
									   "vriendelijke groeten",
									   "groeten",
									   "mvg",
									   "med vänliga hälsningar",
									   "vänliga hälsningar",
									   "med vänlig hälsning",
									   "hälsningar",
									   "med venlig hilsen",
									   "venlig hilsen",
									   "mvh",
									   "vennlig hilsen",
									   "med vennlig hilsen",
									   "ystävällisin terveisin",
									   "terveisin",
									   "pozdrawiam",
									   "z poważaniem",
									   "s pozdravem",
									   "s pozdravom",
									   "üdvözlettel",
									   "tisztelettel",
									   "cu stimă",
									   "с уважением",
									   "з повагою",
									   "saygılarımla",
									   "με εκτίμηση",
									   "此致",
									   "敬具",
									   "감사합니다"};

/* What is said in few words, with or without a number behind it. */
static const char *const shorts[] = {"paid",		 "approved",	   "done",
									 "accepted",	 "rejected",	   "disputed",
									 "cancelled",	 "canceled",	   "invoice number",
									 "invoice no",	 "invoice paid",   "order no",
									 "order number", "purchase order", "po number",
									 "po no",		 "vat id",		   "vat no",
									 "vat number",	 "new address",	   "call me",
									 "sort code",	 "bezahlt",		   "freigegeben",
									 "erledigt",	 "überwiesen",	   "storniert",
									 "storno",		 "genehmigt",	   "rechnungsnummer",
									 "kundennummer", "bestellnummer",  "auftragsnummer",
									 "neue adresse", "payé",		   "payée",
									 "réglé",		 "réglée",		   "numéro de commande",
									 "pagado",		 "pagada",		   "aprobado",
									 "pago",		 "aprovado",	   "pagato",
									 "approvato",	 "betaald",		   "goedgekeurd",
									 "betald",		 "betalt",		   "maksettu",
									 "zapłacono",	 "zapłacone",	   "zaplaceno",
									 "fizetve",		 "оплачено",	   "已付",
									 "已付款",		 "支払済",		   "支払済み"};

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

/* quoted_is_closing: the words before a name, and no more. */
bool
quoted_is_closing(const char *folded)
{
	size_t len = strlen(folded);

	while (len > 0 && strchr(",.! ", folded[len - 1]) != NULL)
		len--;
	for (int i = 0; i < lengthof(closings); i++)
	{
		if (strlen(closings[i]) == len && memcmp(folded, closings[i], len) == 0)
			return true;
	}
	return false;
}

/* quoted_says_short: one of the few words that say all. */
bool
quoted_says_short(const char *folded)
{
	for (int i = 0; i < lengthof(shorts); i++)
	{
		if (contains_word(folded, shorts[i]))
			return true;
	}
	return false;
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
	if (folded_has_any(sentence, disclaimers, lengthof(disclaimers)))
		return false;
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

/* note_beginnings notes the bytes that words of a list begin with. */
static void
note_beginnings(bool *beginnings, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		beginnings[(unsigned char) words[i][0]] = true;
}

/*
 * may_point: some word is one of those that are looked for.  In most texts none
 * is, and they are gone over once.
 */
static bool
may_point(const char *folded)
{
	static bool beginnings[256];

	if (!beginnings[(unsigned char) answers[0][0]])
	{
		note_beginnings(beginnings, answers, lengthof(answers));
		note_beginnings(beginnings, pointers, lengthof(pointers));
	}
	for (const char *p = folded; *p; p++)
	{
		if (beginnings[(unsigned char) *p] &&
			((unsigned char) *p >= 0xE3 || p == folded || !in_word(p[-1])) &&
			(folded_begins_any(p, answers, lengthof(answers)) ||
			 folded_begins_any(p, pointers, lengthof(pointers))))
			return true;
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
	for (p = buffer.data; *p != '\0' && !result && may_point(p);)
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
