/*-------------------------------------------------------------------------
 *
 * quoted_words.c
 *	  The words mail programs put around what they quote, by language.
 *
 * All in lower case, as casefold_append() leaves them.  A language is added
 * by its words here, in quoted_field.c, in quoted_subject.c, and in quoted_said.c,
 * which has those that people write; nothing else knows any.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted_words.h"

#include "core/casefold.h"

/*
 * "… wrote:", as it is written: programs write no capitals here, but for a word
 * the line begins with.
 */
static const char *const verbs[] = {
	"wrote",	   "writes",							  /* English */
	"schrieb",	   "geschrieben",						  /* German */
	"a écrit",	   "écrit",								  /* French */
	"escribió",	   "escribio",							  /* Spanish */
	"ha scritto",  "scritto",	  "scrive",				  /* Italian */
	"schreef",	   "geschreven",						  /* Dutch */
	"escreveu",											  /* Portuguese */
	"skrev",	   "skriver",							  /* Swedish, Danish, Norwegian */
	"kirjoitti",										  /* Finnish */
	"napisał",	   "pisze",								  /* Polish */
	"napsal",	   "píše",								  /* Czech */
	"napísal",											  /* Slovak */
	"написал",	   "пишет",		  "писал",				  /* Russian */
	"написав",	   "пише",		  "писав",				  /* Ukrainian */
	"написа",											  /* Bulgarian */
	"yazdı",	   "yazmış",							  /* Turkish */
	"のメール",	   "書きました",						  /* Japanese */
	"写道",		   "寫道",		  "撰写",		 "写了",  /* Chinese */
	"작성",		   "작성함",	  "썼습니다",	 "쓴 글", /* Korean */
	"írta",												  /* Hungarian */
	"a scris",											  /* Romanian */
	"έγραψε",											  /* Greek */
	"napisao",	   "napisao je",  "napisala je",		  /* Croatian */
	"написао",	   "je napisao",						  /* Serbian */
	"napisal",											  /* Slovene */
	"rašė",												  /* Lithuanian */
	"rakstīja",											  /* Latvian */
	"kirjutas",											  /* Estonian */
	"va escriure",										  /* Catalan */
	"escribiu",											  /* Galician */
	"idatzi du",										  /* Basque */
	"skrifaði",											  /* Icelandic */
	"đã viết",											  /* Vietnamese */
	"menulis",											  /* Indonesian, Malay */
	"เขียนว่า",											  /* Thai */
	"כתב",												  /* Hebrew */
	"كتب"												  /* Arabic */
};

/* Those that the name may come behind. */
static const char *const verbs_first[] = {
	"schrieb",						   /* German */
	"schreef",						   /* Dutch */
	"skrev",	"skriver",			   /* Swedish, Danish, Norwegian */
	"skrifaði", "kirjutas",			   /* Icelandic, Estonian */
	"Quoting",	"Zitat von", "Citando" /* Horde */
};

/* Those that "we have" goes with: "Am … haben wir an Meier … geschrieben:". */
static const char *const participles[] = {"geschrieben", "geschreven", "scritto", "écrit"};

/*
 * "Am … um 10:15 hat … Folgendes geschrieben:", as programs have it: what is before the
 * name, and behind it.  Whoever has an article is no name.
 */
static const char *const auxiliaries[] = {"hat ", "heeft "};
static const char *const followings[] = {"Folgendes", "folgendes", "het volgende"};
static const char *const articles[] = {"hat der ",	"hat die ",	 "hat das ",   "hat ein ",
									   "hat eine ", "heeft de ", "heeft het ", "heeft een "};

/* What a verb may have behind it, for women: "napisał(a)". */
static const char *const endings[] = {"(a)", "/a", "/la", "a", "(а)", "/а", "/ла", "а", "/ה", "ה"};

/* In lower case, and yet between the time and the verb. */
static const char *const small_words[] = {
	"am",		 "pm",		   "a.m",	   "p.m",	   "uhr",	"h",   "a",		   "o",
	"e",		 "y",		   "i",		   "u",		   "v",		"at",  "um",	   "om",
	"kl",		 "klo",		   "la",	   "le",	   "el",	"de",  "del",	   "der",
	"den",		 "di",		   "da",	   "du",	   "des",	"van", "von",	   "vom",
	"zu",		 "ten",		   "ter",	   "dos",	   "das",	"do",  "of",	   "and",
	"und",		 "et",		   "en",	   "og",	   "och",	"the", "via",	   "c/o",
	"you",		 "tarihinde",  "ezt",	   "je",	   "oseba", "hau", "gmt",	   "utc",
	"cet",		 "cest",	   "kasutaja", "igorleak", "hat",	"het", "volgende", "folgendes",
	"ha",		 "heeft",	   "kello",	   "r",		   "s",		"si",  "ay",	   "odesílatel",
	"lietotājs", "keltezéssel"};

/*
 * Of whom a person speaks: in no name.  Names that are so in some language, "Su" and
 * "Er", are not here with a capital.
 */
static const char *const personal_words[] = {
	"my", "your", "yours", "his", "her", "our", "ours", "their", "its", "me", "us", "them",
	"someone", "somebody", "colleague", /* English */
	"mir", "uns", "mein", "meine", "meiner", "unser", "unsere", "unserer", "ihr", "ihre", "ihrer",
	"ihnen", "jemand", "sein", "seine", "dein", "deine", "Ihr", "Ihre", "Ihrer", "Ihren", "Ihrem",
	"Ihnen", "einer", "eine", "ein",												/* German */
	"votre", "vos", "notre", "nos", "mon", "ma", "mes", "leur", "nous", "collègue", /* French */
	"su", "sus", "mi", "nuestro", "nuestra", "vuestro", "vuestra", "alguien",		/* Spanish */
	"suo", "sua", "mio", "mia", "vostro", "vostra", "nostro", "nostra",				/* Italian */
	"uw", "mijn", "onze", "ons", "jullie", "iemand", "zijn", "haar",				/* Dutch */
	"seu", "meu", "minha", "nosso", "nossa", "vosso", "vossa",						/* Portuguese */
	"er", "era", "ert", "din", "min", "vår", "vores", "jeres", "deres",
	"någon",												  /* Swedish, Danish, Norwegian */
	"teidän", "meidän",										  /* Finnish */
	"wasz", "wasza", "nasz", "nasza", "moja", "mój", "pana",  /* Polish */
	"váš", "vaše", "vaša", "náš", "naše", "naša", "môj",	  /* Czech, Slovak */
	"ваш", "ваша", "наш", "наша", "мой", "моя", "мне", "нам", /* Russian */
	/* polite, with a capital, and who works with somebody */
	"Your", "Our", "he", "she", "you", "they", "Dein", "Deine", "Eure", "Euer", "Unser", "Unsere",
	"Votre", "Notre", "ta", "quelqu'un", "Vostra", "Vostro", "Suo", "Sua", "Uw", "Deres", "Jeres",
	"Państwa", "Pani", "Pana", "Wasz", "Wasza", "Ваш", "Ваша", "Наш", "Váš", "Vaše", "Vaša",
	"Teidän", "kollege", "kollegin", "Kollege", "Kollegin", "kollega", "kollegasi", "collega",
	"colega", "kolega", "koleżanka", "коллега", "compañera", "compañero", "collegue"};

/* How the line that ends with such a verb begins. */
static const char *const openers[] = {
	"on ",		"at ",					 /* English */
	"am ",								 /* German */
	"le ",								 /* French */
	"el ",								 /* Spanish */
	"il ",		"in data ",				 /* Italian */
	"op ",								 /* Dutch */
	"em ",		"no dia ",	  "a ",		 /* Portuguese */
	"den ",		"på ",					 /* Swedish, Danish, Norwegian */
	"w dniu ",	"dnia ",				 /* Polish */
	"v ",								 /* Slovene */
	"dne ",		"dňa ",					 /* Czech, Slovak */
	"в ",		"во ",					 /* Russian, Ukrainian */
	"на ",								 /* Bulgarian */
	"στισ ",	"την ",					 /* Greek */
	"în ",		"pe ",					 /* Romanian */
	"vào ",								 /* Vietnamese */
	"pada ",							 /* Indonesian */
	"quoting ", "zitat von ", "citando " /* Horde */
};

/* Or that has no verb, and its name behind this, in folded case. */
static const char *const message_openers[] = {
	"missatge de ",					  /* Catalan */
	"wiadomość napisana przez ",	  /* Polish */
	"wiadomość wysłana przez ", "في " /* Arabic: "on", as good as nothing */
};

/* "-----Original Message-----", without its dashes */
static const char *const originals[] = {
	"original message", /* English */
	"original email",
	"reply message",
	"ursprüngliche nachricht",
	"ursprungliche nachricht", /* German */
	"original-nachricht",
	"originalnachricht",
	"message d'origine",
	"message d’origine",
	"message original", /* French */
	"message initial",
	"mensaje original",	   /* Spanish */
	"messaggio originale", /* Italian */
	"oorspronkelijk bericht",
	"oorspronkelijke bericht", /* Dutch */
	"origineel bericht",
	"mensagem original", /* Portuguese */
	"ursprungligt meddelande",
	"originalmeddelande", /* Swedish */
	"oprindelig meddelelse",
	"original meddelelse", /* Danish */
	"opprinnelig melding",
	"original melding",	   /* Norwegian */
	"alkuperäinen viesti", /* Finnish */
	"oryginalna wiadomość",
	"wiadomość oryginalna", /* Polish */
	"původní zpráva",
	"puvodni zprava",
	"původní e-mail", /* Czech */
	"pôvodná správa", /* Slovak */
	"исходное сообщение",
	"оригинальное сообщение", /* Russian */
	"вихідне повідомлення",
	"оригінальне повідомлення", /* Ukrainian */
	"özgün ileti",
	"orijinal ileti",
	"orijinal mesaj", /* Turkish */
	"元のメッセージ",
	"元のメール", /* Japanese */
	"原始邮件",
	"邮件原件",
	"原始郵件",
	"原始信件", /* Chinese */
	"원본 메시지",
	"원본 메일",
	"원본메시지",	  /* Korean */
	"eredeti üzenet", /* Hungarian */
	"mesaj original",
	"mesajul original", /* Romanian */
	"αρχικό μήνυμα",	/* Greek */
	"izvorna poruka",
	"izvirno sporočilo" /* Croatian, Slovene */
};

/* "---------- Forwarded message", "Begin forwarded message:" */
static const char *const forwards[] = {
	"forwarded message",
	"forwarded by",
	"forwarded mail", /* English */
	"weitergeleitete nachricht",
	"weitergeleiteten nachricht", /* German */
	"weitergeleitet von",
	"message transféré",
	"message réexpédié",   /* French */
	"mensaje reenviado",   /* Spanish */
	"messaggio inoltrato", /* Italian */
	"doorgestuurd bericht",
	"doorgezonden bericht", /* Dutch */
	"mensagem encaminhada",
	"mensagem reencaminhada", /* Portuguese */
	"vidarebefordrat",		  /* Swedish */
	"videresendt",			  /* Danish */
	"videresendt melding",
	"videresendte meldingen", /* Norwegian */
	"välitetty viesti",
	"edelleenlähetetty viesti",
	"välitetyn viestin", /* Finnish */
	"przekazana wiadomość",
	"wiadomość przekazana",
	"przekazanej wiadomości", /* Polish */
	"přeposlaná zpráva",
	"předaná zpráva",
	"přeposlané zprávy", /* Czech */
	"preposlaná správa", /* Slovak */
	"пересланное сообщение",
	"пересылаемое сообщение", /* Russian */
	"перенаправленное сообщение",
	"переадресованного сообщения",
	"переслане повідомлення",
	"пересланий лист",
	"листа, що пересилається", /* Ukrainian */
	"yönlendirilen ileti",
	"iletilmiş ileti",
	"İletilmiş ileti", /* Turkish */
	"yönlendirilmiş",
	"iletilen mesaj",
	"İletilen mesaj",
	"転送されたメッセージ",
	"転送メッセージ",
	"転送されたメール", /* Japanese */
	"转发的邮件",
	"转发邮件",
	"转发的信件",
	"轉寄的郵件",
	"轉寄郵件", /* Chinese */
	"已转发邮件",
	"전달된 메시지",
	"전달된 메일",
	"전달 메시지", /* Korean */
	"továbbított üzenet",
	"továbbított levél", /* Hungarian */
	"mesaj redirecționat",
	"mesaj transmis",	/* Romanian */
	"προωθημένο μήνυμα" /* Greek */
};

/* "Sent from my iPhone": how such a line begins. */
static const char *const devices[] = {
	"sent from my iphone",
	"sent from my ipad",
	"sent from my phone", /* English */
	"sent from my mobile",
	"sent from my samsung",
	"sent from my galaxy",
	"sent from my android",
	"sent from my blackberry",
	"sent from my huawei",
	"sent from my pixel",
	"sent from my windows",
	"sent from my cell",
	"sent from my smartphone",
	"sent from my tablet",
	"sent from my verizon",
	"sent from my t-mobile",
	"sent from my xiaomi",
	"sent from my device",
	"sent from my mac",
	"sent from my htc",
	"sent from my sony",
	"sent from my motorola",
	"sent from my oneplus",
	"sent from mail for windows",
	"sent from outlook",
	"sent from yahoo",
	"sent from gmail",
	"sent from proton",
	"sent from samsung",
	"sent from android",
	"sent from iphone",
	"sent from ipad",
	"sent from an ",
	"sent via the samsung",
	"sent from aol",
	"get outlook for",
	"get bluemail for",
	"von meinem iphone",
	"von meinem ipad",
	"von meinem handy", /* German */
	"von meinem smartphone",
	"von meinem mobil",
	"von meinem samsung",
	"von meinem android",
	"von meinem galaxy",
	"von unterwegs gesendet",
	"gesendet von mail",
	"gesendet von meinem",
	"gesendet von outlook",
	"gesendet mit der",
	"gesendet von yahoo",
	"holen sie sich outlook",
	"diese nachricht wurde von meinem",
	"envoyé de mon",
	"envoyé depuis mon",
	"envoyé depuis l",
	"envoyé à partir", /* French */
	"envoyé de l",
	"obtenir outlook",
	"télécharger outlook",
	"enviado desde mi",
	"enviado desde outlook",
	"enviado desde correo", /* Spanish */
	"obtener outlook",
	"inviato da iphone",
	"inviato da ipad",
	"inviato dal mio",
	"inviato da mail", /* Italian */
	"inviato da outlook",
	"ottieni outlook",
	"inviato da smartphone",
	"verstuurd vanaf mijn",
	"verzonden vanaf mijn",
	"verstuurd vanuit", /* Dutch */
	"verzonden vanuit",
	"outlook voor",
	"enviado do meu",
	"enviado a partir do",
	"enviado do outlook",
	"obter o outlook", /* Portuguese */
	"skickat från min",
	"skickat från mail",
	"skickat från outlook",
	"hämta outlook", /* Swedish */
	"sendt fra min",
	"sendt fra mail",
	"sendt fra outlook",
	"hent outlook", /* Danish, Norwegian */
	"lähetetty iphone",
	"lähetetty ipad",
	"lähetetty puhelimesta", /* Finnish */
	"lähetetty laitteesta",
	"hanki outlook",
	"wysłane z iphone",
	"wysłano z iphone",
	"wysłane z ipad",
	"wysłane z mojego", /* Polish */
	"wysłano z mojego",
	"wysłane z aplikacji",
	"pobierz aplikację outlook",
	"odesláno z iphon",
	"odesláno z ipad",
	"odesláno z m",
	"odesláno z outlook", /* Czech */
	"získat outlook",
	"stáhnout outlook",
	"отправлено с iphone",
	"отправлено с ipad",
	"отправлено из", /* Russian */
	"отправлено с моего",
	"скачать outlook",
	"надіслано з iphone",
	"надіслано з ipad",
	"надіслано з мого",
	"надіслано із", /* Ukrainian */
	"iphone'umdan gönder",
	"iphone’umdan gönder",
	"ipad'imden gönder", /* Turkish */
	"ipad’imden gönder",
	"iphone'dan gönderildi",
	"samsung cihazımdan gönder",
	"iphoneから送信",
	"ipadから送信",
	"携帯から送信",
	"androidから送信", /* Japanese */
	"发自我的",
	"从我的",
	"發自我的",
	"從我的",
	"来自我的",
	"获取 outlook", /* Chinese */
	"나의 iphone",
	"나의 ipad",
	"내 iphone에서",
	"내 갤럭시", /* Korean */
	"az iphone-omról",
	"iphone-omról küldve", /* Hungarian */
	"trimis de pe",
	"στάλθηκε από το" /* Romanian, Greek */
};

/* is_letter_lead: a letter begins with this byte, and the one behind it. */
static bool
is_letter_lead(unsigned char first, unsigned char second)
{
	if (!IS_HIGHBIT_SET(first))
		return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
			   (first >= '0' && first <= '9');
	return first != 0xC2 && !(first == 0xE2 && (second == 0x80 || second == 0x81)) &&
		   !(first == 0xE3 && second == 0x80) && !(first == 0xEF && second >= 0xBC);
}

/*
 * stands_alone: what is at "at" is no part of a longer word.  Where a script
 * has no spaces, nothing is.
 */
static bool
stands_alone(const char *text, size_t len, size_t at, size_t n, bool behind)
{
	size_t before = at;

	if ((unsigned char) text[at] >= 0xE0)
		return true;
	if (at > 0)
	{
		do
			before--;
		while (before > 0 && ((unsigned char) text[before] & 0xC0) == 0x80);
		if (is_letter_lead((unsigned char) text[before], (unsigned char) text[before + 1]))
			return false;
	}
	return !behind || at + n >= len ||
		   !is_letter_lead((unsigned char) text[at + n],
						   at + n + 1 < len ? (unsigned char) text[at + n + 1] : 0);
}

static bool
ends_in(const char *text, size_t len, const char *word, size_t n)
{
	return len >= n && memcmp(text + len - n, word, n) == 0;
}

/*
 * quoted_verb_at_end: the text ends with "wrote"; "start" is where the longest
 * such verb begins.
 */
QuotedVerb
quoted_verb_at_end(const char *text, size_t len, size_t *start)
{
	bool found = false;

	for (int e = -1; e < (int) lengthof(endings); e++)
	{
		size_t tail = e < 0 ? 0 : strlen(endings[e]);

		if (e >= 0 && !ends_in(text, len, endings[e], tail))
			continue;
		for (int i = 0; i < lengthof(verbs); i++)
		{
			size_t n = strlen(verbs[i]);
			size_t at;

			if (!ends_in(text, len - tail, verbs[i], n))
				continue;
			at = len - tail - n;
			if (stands_alone(text, len, at, n, false) && (!found || at < *start))
			{
				*start = at;
				found = true;
			}
		}
	}
	if (!found)
		return QUOTED_VERB_NONE;
	return folded_begins_any(text + *start, participles, lengthof(participles)) ?
			   QUOTED_VERB_PARTICIPLE :
			   QUOTED_VERB_LAST;
}

static bool
find_word(const char *text, size_t len, const char *word, size_t *at)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
	{
		if (stands_alone(text, len, p - text, n, true))
		{
			*at = p - text;
			return true;
		}
	}
	return false;
}

/*
 * quoted_verb_within: "wrote" stands in the text, which ends with a zero byte,
 * and something behind it.
 */
QuotedVerb
quoted_verb_within(const char *text, size_t len, size_t *start, size_t *stop)
{
	for (int i = 0; i < lengthof(verbs_first); i++)
	{
		if (find_word(text, len, verbs_first[i], start))
		{
			*stop = *start + strlen(verbs_first[i]);
			return QUOTED_VERB_FIRST;
		}
	}
	for (int i = 0; i < lengthof(verbs); i++)
	{
		if (find_word(text, len, verbs[i], start))
		{
			*stop = *start + strlen(verbs[i]);
			return QUOTED_VERB_LAST;
		}
	}
	return QUOTED_VERB_NONE;
}

/*
 * quoted_between_verbs: the text, which a zero byte ends somewhere, is what a program has
 * between the time and the participle; what is between "start" and "stop" is the name.
 */
bool
quoted_between_verbs(const char *text, size_t len, size_t *start, size_t *stop)
{
	for (int i = 0; i < lengthof(auxiliaries); i++)
	{
		if (!folded_begins_any(text, &auxiliaries[i], 1))
			continue;
		*start = strlen(auxiliaries[i]);
		for (int j = 0; j < lengthof(followings); j++)
		{
			size_t n = strlen(followings[j]);

			if (len > *start + n && ends_in(text, len, followings[j], n))
			{
				*stop = len - n;
				return true;
			}
		}
	}
	return false;
}

/* quoted_small_word: a word in lower case that may stand beside a name. */
bool
quoted_small_word(const char *word, size_t len)
{
	while (len > 0 && strchr(".,;:)\"'", word[len - 1]) != NULL)
		len--;
	for (int i = 0; i < lengthof(small_words); i++)
	{
		if (strlen(small_words[i]) == len && memcmp(small_words[i], word, len) == 0)
			return true;
	}
	return false;
}

/*
 * quoted_personal_word: a word that people have for whom they speak of, and no name.
 * A zero byte ends the text somewhere behind it.
 */
bool
quoted_personal_word(const char *word, size_t len)
{
	if (folded_begins_any(word, articles, lengthof(articles)))
		return true;
	while (len > 0 && strchr(".,;:)\"'", word[len - 1]) != NULL)
		len--;
	for (int i = 0; i < lengthof(personal_words); i++)
	{
		if (strncmp(personal_words[i], word, len) == 0 && personal_words[i][len] == '\0')
			return len > 0;
	}
	return false;
}

/*
 * quoted_has_opener: it begins as the line before a quoted mail does.  Where
 * the date comes first, that is a digit.
 */
bool
quoted_has_opener(const char *folded)
{
	if (folded[0] >= '0' && folded[0] <= '9')
		return true;
	return folded_begins_any(folded, openers, lengthof(openers));
}

/* quoted_begins_message: a line with a date or an address that announces marked ones. */
bool
quoted_begins_message(const char *folded)
{
	return folded_begins_any(folded, message_openers, lengthof(message_openers));
}

bool
quoted_says_original(const char *folded)
{
	return folded_has_any(folded, originals, lengthof(originals));
}

bool
quoted_says_forwarded(const char *folded)
{
	return folded_has_any(folded, forwards, lengthof(forwards));
}

/* lower maps upper case to lower case in ASCII, and leaves the rest. */
static inline unsigned char
lower(char c)
{
	return (unsigned char) (c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/*
 * quoted_may_say_device: whether a line is worth folding for
 * quoted_says_device(): in ASCII, upper case and lower case are compared as
 * one, and a byte beyond it is taken to fit.  Nearly every line is not, which
 * its first two characters tell.
 */
bool
quoted_may_say_device(const char *line, size_t len)
{
	/* by the low bits of the first character, those of the second */
	static uint32 pairs[32];

	if (len < 2)
		return false;
	if (pairs[devices[0][0] & 31] == 0)
	{
		for (int i = 0; i < lengthof(devices); i++)
			pairs[devices[i][0] & 31] |= (uint32) 1 << (devices[i][1] & 31);
	}
	if (!IS_HIGHBIT_SET(line[0]) && !IS_HIGHBIT_SET(line[1]) &&
		(pairs[lower(line[0]) & 31] >> (lower(line[1]) & 31) & 1) == 0)
		return false;
	for (int i = 0; i < lengthof(devices); i++)
	{
		const char *device = devices[i];
		size_t at = 0;

		while (at < len && device[at] != '\0' && !IS_HIGHBIT_SET(line[at]) &&
			   lower(line[at]) == (unsigned char) device[at])
			at++;
		if (device[at] == '\0' || (at < len && IS_HIGHBIT_SET(line[at])))
			return true;
	}
	return false;
}

/* quoted_says_device returns the words that such a line begins with, or NULL. */
const char *
quoted_says_device(const char *folded)
{
	for (int i = 0; i < lengthof(devices); i++)
	{
		if (folded_begins_any(folded, &devices[i], 1))
			return devices[i];
	}
	return NULL;
}
