/*-------------------------------------------------------------------------
 *
 * quoted_words.c
 *	  The words mail programs put around what they quote, by language.
 *
 * All in lower case, as casefold_append() leaves them.  A language is added
 * by its words here; nothing else knows any.
 *
 *-------------------------------------------------------------------------
 */
#include "core/quoted_words.h"

#define MAX_TAGS 8 /* before a subject */

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

/* What a verb may have behind it, for women: "napisał(a)". */
static const char *const endings[] = {"(a)", "/a", "/la", "a", "(а)", "/а", "/ла", "а", "/ה", "ה"};

/* In lower case, and yet between the time and the verb. */
static const char *const small_words[] = {
	"am",		 "pm",	"a.m",	 "p.m",	  "uhr",	   "h",		   "a",	  "o",	   "e",
	"y",		 "i",	"u",	 "v",	  "at",		   "um",	   "om",  "kl",	   "klo",
	"la",		 "le",	"el",	 "de",	  "del",	   "der",	   "den", "di",	   "da",
	"du",		 "des", "van",	 "von",	  "vom",	   "zu",	   "ten", "ter",   "dos",
	"das",		 "do",	"of",	 "and",	  "und",	   "et",	   "en",  "og",	   "och",
	"the",		 "via", "c/o",	 "you",	  "tarihinde", "ezt",	   "je",  "oseba", "hau",
	"gmt",		 "utc", "cet",	 "cest",  "kasutaja",  "igorleak", "hat", "het",   "volgende",
	"folgendes", "ha",	"heeft", "kello", "r",		   "s",		   "si",  "ay",	   "odesílatel",
	"lietotājs"};

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
static const char *const reply_prefixes[] = {"re",	 "aw",	 "antw", "antwort", "sv",
											 "ref",	 "rif",	 "odp",	 "ynt",		"vá",
											 "回复", "回覆", "答复", "返信"};

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

typedef struct FieldName
{
	QuotedField field;
	const char *name;
} FieldName;

static const FieldName field_names[] = {{QUOTED_FIELD_FROM, "from"},
										{QUOTED_FIELD_FROM, "von"},
										{QUOTED_FIELD_FROM, "de"},
										{QUOTED_FIELD_FROM, "expéditeur"},
										{QUOTED_FIELD_FROM, "remitente"},
										{QUOTED_FIELD_FROM, "da"},
										{QUOTED_FIELD_FROM, "mittente"},
										{QUOTED_FIELD_FROM, "van"},
										{QUOTED_FIELD_FROM, "afzender"},
										{QUOTED_FIELD_FROM, "remetente"},
										{QUOTED_FIELD_FROM, "från"},
										{QUOTED_FIELD_FROM, "avsändare"},
										{QUOTED_FIELD_FROM, "fra"},
										{QUOTED_FIELD_FROM, "afsender"},
										{QUOTED_FIELD_FROM, "avsender"},
										{QUOTED_FIELD_FROM, "lähettäjä"},
										{QUOTED_FIELD_FROM, "od"},
										{QUOTED_FIELD_FROM, "nadawca"},
										{QUOTED_FIELD_FROM, "odesílatel"},
										{QUOTED_FIELD_FROM, "от"},
										{QUOTED_FIELD_FROM, "отправитель"},
										{QUOTED_FIELD_FROM, "від"},
										{QUOTED_FIELD_FROM, "відправник"},
										{QUOTED_FIELD_FROM, "kimden"},
										{QUOTED_FIELD_FROM, "gönderen"},
										{QUOTED_FIELD_FROM, "差出人"},
										{QUOTED_FIELD_FROM, "送信者"},
										{QUOTED_FIELD_FROM, "送信元"},
										{QUOTED_FIELD_FROM, "发件人"},
										{QUOTED_FIELD_FROM, "發件人"},
										{QUOTED_FIELD_FROM, "寄件者"},
										{QUOTED_FIELD_FROM, "寄件人"},
										{QUOTED_FIELD_FROM, "보낸 사람"},
										{QUOTED_FIELD_FROM, "보낸사람"},
										{QUOTED_FIELD_FROM, "feladó"},
										{QUOTED_FIELD_FROM, "de la"},
										{QUOTED_FIELD_FROM, "από"},
										{QUOTED_FIELD_DATE, "sent"},
										{QUOTED_FIELD_DATE, "date"},
										{QUOTED_FIELD_DATE, "sent on"},
										{QUOTED_FIELD_DATE, "date sent"},
										{QUOTED_FIELD_DATE, "gesendet"},
										{QUOTED_FIELD_DATE, "gesendet am"},
										{QUOTED_FIELD_DATE, "datum"},
										{QUOTED_FIELD_DATE, "envoyé"},
										{QUOTED_FIELD_DATE, "envoyé le"},
										{QUOTED_FIELD_DATE, "enviado"},
										{QUOTED_FIELD_DATE, "enviado el"},
										{QUOTED_FIELD_DATE, "fecha"},
										{QUOTED_FIELD_DATE, "inviato"},
										{QUOTED_FIELD_DATE, "data"},
										{QUOTED_FIELD_DATE, "verzonden"},
										{QUOTED_FIELD_DATE, "enviada"},
										{QUOTED_FIELD_DATE, "enviada em"},
										{QUOTED_FIELD_DATE, "enviado em"},
										{QUOTED_FIELD_DATE, "skickat"},
										{QUOTED_FIELD_DATE, "sendt"},
										{QUOTED_FIELD_DATE, "dato"},
										{QUOTED_FIELD_DATE, "lähetetty"},
										{QUOTED_FIELD_DATE, "päivämäärä"},
										{QUOTED_FIELD_DATE, "päiväys"},
										{QUOTED_FIELD_DATE, "wysłano"},
										{QUOTED_FIELD_DATE, "wysłane"},
										{QUOTED_FIELD_DATE, "odesláno"},
										{QUOTED_FIELD_DATE, "odoslané"},
										{QUOTED_FIELD_DATE, "отправлено"},
										{QUOTED_FIELD_DATE, "дата"},
										{QUOTED_FIELD_DATE, "надіслано"},
										{QUOTED_FIELD_DATE, "відправлено"},
										{QUOTED_FIELD_DATE, "gönderildi"},
										{QUOTED_FIELD_DATE, "tarih"},
										{QUOTED_FIELD_DATE, "gönderme tarihi"},
										{QUOTED_FIELD_DATE, "送信日時"},
										{QUOTED_FIELD_DATE, "日付"},
										{QUOTED_FIELD_DATE, "日時"},
										{QUOTED_FIELD_DATE, "发送时间"},
										{QUOTED_FIELD_DATE, "发送日期"},
										{QUOTED_FIELD_DATE, "日期"},
										{QUOTED_FIELD_DATE, "寄件日期"},
										{QUOTED_FIELD_DATE, "傳送時間"},
										{QUOTED_FIELD_DATE, "보낸 날짜"},
										{QUOTED_FIELD_DATE, "날짜"},
										{QUOTED_FIELD_DATE, "보낸날짜"},
										{QUOTED_FIELD_DATE, "elküldve"},
										{QUOTED_FIELD_DATE, "küldve"},
										{QUOTED_FIELD_DATE, "dátum"},
										{QUOTED_FIELD_DATE, "trimis"},
										{QUOTED_FIELD_DATE, "στάλθηκε"},
										{QUOTED_FIELD_DATE, "ημερομηνία"},
										{QUOTED_FIELD_TO, "to"},
										{QUOTED_FIELD_TO, "an"},
										{QUOTED_FIELD_TO, "à"},
										{QUOTED_FIELD_TO, "a"},
										{QUOTED_FIELD_TO, "para"},
										{QUOTED_FIELD_TO, "destinatario"},
										{QUOTED_FIELD_TO, "destinataire"},
										{QUOTED_FIELD_TO, "aan"},
										{QUOTED_FIELD_TO, "till"},
										{QUOTED_FIELD_TO, "til"},
										{QUOTED_FIELD_TO, "vastaanottaja"},
										{QUOTED_FIELD_TO, "do"},
										{QUOTED_FIELD_TO, "komu"},
										{QUOTED_FIELD_TO, "кому"},
										{QUOTED_FIELD_TO, "kime"},
										{QUOTED_FIELD_TO, "alıcı"},
										{QUOTED_FIELD_TO, "宛先"},
										{QUOTED_FIELD_TO, "收件人"},
										{QUOTED_FIELD_TO, "收件者"},
										{QUOTED_FIELD_TO, "받는 사람"},
										{QUOTED_FIELD_TO, "받는사람"},
										{QUOTED_FIELD_TO, "címzett"},
										{QUOTED_FIELD_TO, "către"},
										{QUOTED_FIELD_TO, "προσ"},
										{QUOTED_FIELD_CC, "cc"},
										{QUOTED_FIELD_CC, "kopie"},
										{QUOTED_FIELD_CC, "copie à"},
										{QUOTED_FIELD_CC, "copie"},
										{QUOTED_FIELD_CC, "copia"},
										{QUOTED_FIELD_CC, "kopia"},
										{QUOTED_FIELD_CC, "kopi"},
										{QUOTED_FIELD_CC, "kopio"},
										{QUOTED_FIELD_CC, "dw"},
										{QUOTED_FIELD_CC, "копия"},
										{QUOTED_FIELD_CC, "копія"},
										{QUOTED_FIELD_CC, "bilgi"},
										{QUOTED_FIELD_CC, "抄送"},
										{QUOTED_FIELD_CC, "副本"},
										{QUOTED_FIELD_CC, "참조"},
										{QUOTED_FIELD_SUBJECT, "subject"},
										{QUOTED_FIELD_SUBJECT, "betreff"},
										{QUOTED_FIELD_SUBJECT, "objet"},
										{QUOTED_FIELD_SUBJECT, "asunto"},
										{QUOTED_FIELD_SUBJECT, "oggetto"},
										{QUOTED_FIELD_SUBJECT, "onderwerp"},
										{QUOTED_FIELD_SUBJECT, "assunto"},
										{QUOTED_FIELD_SUBJECT, "ämne"},
										{QUOTED_FIELD_SUBJECT, "emne"},
										{QUOTED_FIELD_SUBJECT, "aihe"},
										{QUOTED_FIELD_SUBJECT, "temat"},
										{QUOTED_FIELD_SUBJECT, "předmět"},
										{QUOTED_FIELD_SUBJECT, "predmet"},
										{QUOTED_FIELD_SUBJECT, "тема"},
										{QUOTED_FIELD_SUBJECT, "konu"},
										{QUOTED_FIELD_SUBJECT, "件名"},
										{QUOTED_FIELD_SUBJECT, "主题"},
										{QUOTED_FIELD_SUBJECT, "主題"},
										{QUOTED_FIELD_SUBJECT, "제목"},
										{QUOTED_FIELD_SUBJECT, "tárgy"},
										{QUOTED_FIELD_SUBJECT, "subiect"},
										{QUOTED_FIELD_SUBJECT, "θέμα"},
										{QUOTED_FIELD_FROM, "מאת"},
										{QUOTED_FIELD_FROM, "từ"},
										{QUOTED_FIELD_FROM, "saatja"},
										{QUOTED_FIELD_DATE, "poslano"},
										{QUOTED_FIELD_DATE, "изпратено"},
										{QUOTED_FIELD_DATE, "נשלח"},
										{QUOTED_FIELD_DATE, "đã gửi"},
										{QUOTED_FIELD_DATE, "saadetud"},
										{QUOTED_FIELD_TO, "prima"},
										{QUOTED_FIELD_TO, "za"},
										{QUOTED_FIELD_TO, "до"},
										{QUOTED_FIELD_TO, "אל"},
										{QUOTED_FIELD_TO, "đến"},
										{QUOTED_FIELD_TO, "adressaat"},
										{QUOTED_FIELD_SUBJECT, "zadeva"},
										{QUOTED_FIELD_SUBJECT, "относно"},
										{QUOTED_FIELD_SUBJECT, "נושא"},
										{QUOTED_FIELD_SUBJECT, "chủ đề"},
										{QUOTED_FIELD_SUBJECT, "teema"},
										{QUOTED_FIELD_CC, "עותק"},
										{QUOTED_FIELD_OTHER, "bcc"},
										{QUOTED_FIELD_OTHER, "bc"},
										{QUOTED_FIELD_OTHER, "bk"},
										{QUOTED_FIELD_OTHER, "cci"},
										{QUOTED_FIELD_OTHER, "cco"},
										{QUOTED_FIELD_OTHER, "ccn"},
										{QUOTED_FIELD_OTHER, "blind copy"},
										{QUOTED_FIELD_OTHER, "importance"},
										{QUOTED_FIELD_OTHER, "priority"},
										{QUOTED_FIELD_OTHER, "sensitivity"},
										{QUOTED_FIELD_OTHER, "attachments"},
										{QUOTED_FIELD_OTHER, "attachment"},
										{QUOTED_FIELD_OTHER, "reply-to"},
										{QUOTED_FIELD_OTHER, "reply to"},
										{QUOTED_FIELD_OTHER, "sender"},
										{QUOTED_FIELD_OTHER, "message-id"},
										{QUOTED_FIELD_OTHER, "resent-from"},
										{QUOTED_FIELD_OTHER, "resent-date"},
										{QUOTED_FIELD_OTHER, "organization"},
										{QUOTED_FIELD_OTHER, "x-mailer"},
										{QUOTED_FIELD_OTHER, "follow up flag"},
										{QUOTED_FIELD_OTHER, "flag status"},
										{QUOTED_FIELD_OTHER, "categories"},
										{QUOTED_FIELD_OTHER, "wichtigkeit"},
										{QUOTED_FIELD_OTHER, "priorität"},
										{QUOTED_FIELD_OTHER, "vertraulichkeit"},
										{QUOTED_FIELD_OTHER, "anlagen"},
										{QUOTED_FIELD_OTHER, "anlage"},
										{QUOTED_FIELD_OTHER, "anhänge"},
										{QUOTED_FIELD_OTHER, "antwort an"},
										{QUOTED_FIELD_OTHER, "kategorien"},
										{QUOTED_FIELD_OTHER, "pièces jointes"},
										{QUOTED_FIELD_OTHER, "pièce jointe"},
										{QUOTED_FIELD_OTHER, "répondre à"},
										{QUOTED_FIELD_OTHER, "importancia"},
										{QUOTED_FIELD_OTHER, "datos adjuntos"},
										{QUOTED_FIELD_OTHER, "archivos adjuntos"},
										{QUOTED_FIELD_OTHER, "adjuntos"},
										{QUOTED_FIELD_OTHER, "responder a"},
										{QUOTED_FIELD_OTHER, "prioridad"},
										{QUOTED_FIELD_OTHER, "priorità"},
										{QUOTED_FIELD_OTHER, "allegati"},
										{QUOTED_FIELD_OTHER, "importanza"},
										{QUOTED_FIELD_OTHER, "rispondi a"},
										{QUOTED_FIELD_OTHER, "urgentie"},
										{QUOTED_FIELD_OTHER, "prioriteit"},
										{QUOTED_FIELD_OTHER, "bijlagen"},
										{QUOTED_FIELD_OTHER, "bijlage"},
										{QUOTED_FIELD_OTHER, "beantwoorden"},
										{QUOTED_FIELD_OTHER, "importância"},
										{QUOTED_FIELD_OTHER, "anexos"},
										{QUOTED_FIELD_OTHER, "prioridade"},
										{QUOTED_FIELD_OTHER, "prioritet"},
										{QUOTED_FIELD_OTHER, "bilagor"},
										{QUOTED_FIELD_OTHER, "bifogade filer"},
										{QUOTED_FIELD_OTHER, "vedhæftede filer"},
										{QUOTED_FIELD_OTHER, "vedlegg"},
										{QUOTED_FIELD_OTHER, "tärkeys"},
										{QUOTED_FIELD_OTHER, "liitteet"},
										{QUOTED_FIELD_OTHER, "ważność"},
										{QUOTED_FIELD_OTHER, "załączniki"},
										{QUOTED_FIELD_OTHER, "důležitost"},
										{QUOTED_FIELD_OTHER, "přílohy"},
										{QUOTED_FIELD_OTHER, "dôležitosť"},
										{QUOTED_FIELD_OTHER, "prílohy"},
										{QUOTED_FIELD_OTHER, "важность"},
										{QUOTED_FIELD_OTHER, "вложения"},
										{QUOTED_FIELD_OTHER, "важливість"},
										{QUOTED_FIELD_OTHER, "вкладення"},
										{QUOTED_FIELD_OTHER, "önem"},
										{QUOTED_FIELD_OTHER, "ekler"},
										{QUOTED_FIELD_OTHER, "重要度"},
										{QUOTED_FIELD_OTHER, "添付ファイル"},
										{QUOTED_FIELD_OTHER, "重要性"},
										{QUOTED_FIELD_OTHER, "附件"},
										{QUOTED_FIELD_OTHER, "중요도"},
										{QUOTED_FIELD_OTHER, "첨부 파일"},
										{QUOTED_FIELD_OTHER, "첨부파일"},
										{QUOTED_FIELD_OTHER, "fontosság"},
										{QUOTED_FIELD_OTHER, "mellékletek"},
										{QUOTED_FIELD_OTHER, "csatolmányok"},
										{QUOTED_FIELD_OTHER, "importanță"},
										{QUOTED_FIELD_OTHER, "atașări"},
										{QUOTED_FIELD_OTHER, "σπουδαιότητα"},
										{QUOTED_FIELD_OTHER, "συνημμένα"}};

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
begins_with_any(const char *folded, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (words[i][0] == folded[0] && strncmp(folded, words[i], strlen(words[i])) == 0)
			return true;
	}
	return false;
}

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
	return begins_with_any(text + *start, participles, lengthof(participles)) ?
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
 * quoted_has_opener: it begins as the line before a quoted mail does.  Where
 * the date comes first, that is a digit.
 */
bool
quoted_has_opener(const char *folded)
{
	if (folded[0] >= '0' && folded[0] <= '9')
		return true;
	return begins_with_any(folded, openers, lengthof(openers));
}

bool
quoted_says_original(const char *folded)
{
	return contains_any(folded, originals, lengthof(originals));
}

bool
quoted_says_forwarded(const char *folded)
{
	return contains_any(folded, forwards, lengthof(forwards));
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

bool
quoted_says_device(const char *folded)
{
	return begins_with_any(folded, devices, lengthof(devices));
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
		rest = folded + len;
		if (strncmp(folded, words[i], len) != 0)
			continue;
		rest += strspn(rest, " ");
		if (*rest == ':')
			return rest + 1;
		if (strncmp(rest, "：", strlen("：")) == 0)
			return rest + strlen("：");
	}
	return NULL;
}

/*
 * skip_tag returns what is behind the tag that a gateway, a list or a ticket
 * system put before a subject, or NULL.
 */
static const char *
skip_tag(const char *folded)
{
	static const char *const pairs[] = {"[]", "{}", "()", "<>", "【】"};
	const char *stop;

	for (int i = 0; i < lengthof(pairs); i++)
	{
		size_t n = strlen(pairs[i]) / 2;

		if (strncmp(folded, pairs[i], n) != 0)
			continue;
		stop = strstr(folded + n, pairs[i] + n);
		return stop != NULL ? stop + n : NULL;
	}
	if (folded[0] == '*')
	{
		stop = strchr(folded + strspn(folded, "*"), '*');
		return stop != NULL ? stop + strspn(stop, "*") : NULL;
	}
	return skip_prefix(folded, tags, lengthof(tags));
}

/*
 * quoted_forward_prefix: a subject that begins "Fwd:", with either colon, or
 * has "(fwd)" before or behind it.  Tags before that are gone over; one with a
 * reply's prefix is a reply.
 */
bool
quoted_forward_prefix(const char *folded)
{
	size_t len;

	for (int i = 0; i < MAX_TAGS; i++)
	{
		const char *rest;

		folded += strspn(folded, " \t");
		if (skip_prefix(folded, forward_prefixes, lengthof(forward_prefixes)) != NULL ||
			begins_with_any(folded, forward_marks, lengthof(forward_marks)))
			return true;
		rest = skip_tag(folded);
		if (rest == NULL)
			break;
		folded = rest + strspn(rest, " \t:-");
	}
	len = strlen(folded);
	if (len < 4 || skip_prefix(folded, reply_prefixes, lengthof(reply_prefixes)) != NULL)
		return false;
	return ends_in(folded, len, "(fwd)", 5) || ends_in(folded, len, "(fw)", 4);
}

/* quoted_field says which field a name is, in whatever language. */
QuotedField
quoted_field(const char *name, size_t len)
{
	if (len == 0)
		return QUOTED_FIELD_NONE;
	for (int i = 0; i < lengthof(field_names); i++)
	{
		/* nearly all differ in their first byte */
		if (field_names[i].name[0] == name[0] && strncmp(field_names[i].name, name, len) == 0 &&
			field_names[i].name[len] == '\0')
			return field_names[i].field;
	}
	return QUOTED_FIELD_NONE;
}
