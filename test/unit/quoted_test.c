/*-------------------------------------------------------------------------
 *
 * quoted_test.c
 *	  What is new in a reply: the corpus, its marks in HTML, and texts made to
 *	  take long.
 *
 * Run from the top of the source tree.  A file of test/corpus/replies is a
 * text with a line "~~~~" where the new part ends; without one all of it is
 * new.  A first line that begins with "%" gives the subject.  With MIME_SLOW in
 * the environment (valgrind, sanitizers) the time limits are not held.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <dirent.h>
#include <time.h>

#include "core/quoted.h"
#include "tap.h"

#define FOLDER "test/corpus/replies"
#define MARK "~~~~\n"

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static char *
slurp(const char *name)
{
	char path[512];
	char block[4096];
	StringInfoData data;
	FILE *file;
	size_t got;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	file = fopen(path, "rb");
	if (file == NULL)
	{
		printf("Bail out! %s cannot be opened\n", path);
		exit(1);
	}
	initStringInfo(&data);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		appendBinaryStringInfo(&data, block, (int) got);
	fclose(file);
	return data.data;
}

/* with_crlf returns the text with its lines ended by CR LF. */
static char *
with_crlf(const char *text, size_t *offset)
{
	StringInfoData out;
	size_t at = *offset;

	initStringInfo(&out);
	for (size_t i = 0; text[i]; i++)
	{
		if (i == at)
			*offset = out.len;
		if (text[i] == '\n')
			appendStringInfoChar(&out, '\r');
		appendStringInfoChar(&out, text[i]);
	}
	if (at == strlen(text))
		*offset = out.len;
	return out.data;
}

static void
test_file(const char *name)
{
	char *data = slurp(name);
	char *subject = NULL;
	char *text = data;
	char *mark;
	char label[512];
	size_t want;

	if (*text == '%')
	{
		subject = text + 1;
		text = strchr(text, '\n');
		*text++ = '\0';
	}
	mark = strncmp(text, MARK, strlen(MARK)) == 0 ? text : strstr(text, "\n" MARK);
	if (mark != NULL)
	{
		if (*mark == '\n')
			mark++;
		want = mark - text;
		memmove(mark, mark + strlen(MARK), strlen(mark + strlen(MARK)) + 1);
	}
	else
		want = strlen(text);
	is_int(quoted_offset(text, strlen(text), subject), want, name);

	text = with_crlf(text, &want);
	snprintf(label, sizeof(label), "%s, lines ended by CR LF", name);
	is_int(quoted_offset(text, strlen(text), subject), want, label);
	pfree(text);
	pfree(data);
}

static void
test_corpus(void)
{
	DIR *folder = opendir(FOLDER);
	char *names[1000];
	int count = 0;
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL && count < lengthof(names))
	{
		if (strstr(entry->d_name, ".txt") != NULL)
			names[count++] = pstrdup(entry->d_name);
	}
	ok(count >= 60, "%d replies are there to be read", count);
	if (folder != NULL)
		closedir(folder);
	qsort(names, count, sizeof(char *), by_name);
	for (int i = 0; i < count; i++)
		test_file(names[i]);
}

static void
test_subjects(void)
{
	static const char *const forwards[] = {
		"Fwd: Invoice",
		"FW: Invoice",
		"WG: Rechnung",
		"TR : Facture",
		"fw：发票",
		"RV: Factura",
		"I: Fattura",
		"Enc: Fatura",
		" Doorst: Factuur",
		"転送: 請求書",
		"VB: Faktura",
		"[Fwd: Invoice]",
		"[EXTERNAL] FW: Remittance",
		"[EXT] Fwd: x",
		"EXTERNAL: FW: x",
		"***EXTERN*** WG: x",
		"{Spam?} FW: x",
		"[acme #123] Fwd: x",
		"(fwd) x",
		"x (fwd)",
		"[EXT][acme #123] - Fwd: x",
		"[EXTERNAL]: FW: x",
		"<External> TR : x",
		"【外部】转发：x",
		"[a long tag that a gateway writes before all subjects] Fwd: x",
		"Fwd.: x",
		"Fw[2]: x",
		"WG (2): x"};
	static const char *const others[] = {"Re: Fwd: Invoice",
										 "Forwarding agents",
										 "Invoice",
										 "TRansfer: done",
										 "I owe you: 5",
										 "",
										 "AW: WG: Rechnung",
										 "[EXT] Re: FW: x",
										 "Re: [EXT] FW: x",
										 "Re: x (fwd)",
										 "Svar: x (fwd)",
										 "ΑΠ: x (fwd)",
										 "Ответ: x (fwd)",
										 "답장: x (fwd)",
										 "[EXT] AW: x (Fwd)",
										 "[EXTERNAL] Invoice",
										 "[",
										 "*",
										 "***",
										 "(not fwd) Invoice",
										 "EXTERNAL: Re: FW: x",
										 "Re[2]: x (fwd)",
										 "Re(12): x (fwd)",
										 "RE^2: x (fwd)",
										 "Re*2: x (fwd)",
										 "Re [2] : x (fwd)",
										 "Aw.: x (fwd)",
										 "Odp.: x (fwd)",
										 "Réf. : x (fwd)",
										 "Rép\u00A0: x (fwd)",
										 "Réponse\u202F: x (fwd)",
										 "Odg: x (fwd)",
										 "Ang: x (fwd)",
										 "Cevap: x (fwd)",
										 "Yanıt: x (fwd)",
										 "YANIT: x (fwd)",
										 "Vast: x (fwd)",
										 "Reply: x (fwd)",
										 "Fw[2: x",
										 "Fw[]: x",
										 "Fw[a]: x",
										 "Fw^: x",
										 "Fw(2"};

	for (int i = 0; i < lengthof(forwards); i++)
		ok(quoted_is_forward(forwards[i]), "a forward: %s", forwards[i]);
	for (int i = 0; i < lengthof(others); i++)
		ok(!quoted_is_forward(others[i]), "none: %s", others[i]);
	ok(!quoted_is_forward(NULL), "none: no subject");
	{
		char *subject = psprintf("%*s (fwd)", 100000, "x");

		memset(subject, 'x', 100000);
		ok(quoted_is_forward(subject), "a forward by the end of a long subject");
		memset(subject, '[', 100000);
		ok(quoted_is_forward(subject), "whatever it begins with");
		pfree(subject);
	}
}

/* A text with "~" where the new part ends; without one all of it is new. */
typedef struct Text
{
	const char *text;
	const char *subject;
} Text;

static void
test_texts(const Text *texts, int count, const char *what)
{
	for (int i = 0; i < count; i++)
	{
		char *text = pstrdup(texts[i].text);
		char *mark = strchr(text, '~');
		size_t want = mark != NULL ? mark - text : strlen(text);
		size_t got;

		if (mark != NULL)
			memmove(mark, mark + 1, strlen(mark));
		got = quoted_offset(text, strlen(text), texts[i].subject);
		ok(got == want, "%s %d: %zu of %zu bytes are new", what, i + 1, want, strlen(text));
		if (got != want)
			printf("# got %zu: %s\n", got, texts[i].text);
		pfree(text);
	}
}

/* People write "On … wrote:" as well, and nothing behind that is history. */
static const Text proses[] = {
	{"Guten Tag,\n\nam 12.05.2026 hat uns Herr Meier geschrieben:\n\n"
	 "Die Rechnung ist storniert.\n\nBitte bestätigen Sie das.\n"},
	{"Hello,\n\nOn Monday I wrote to you about invoice INV-17, dated 12.05.2026, and\n"
	 "had no answer. Please send us the following:\n- proof of delivery\n- the order number\n"},
	{"Hi,\n\nat 10:30 today your driver Jim wrote on the delivery slip:\n\"2 boxes missing\"\n"
	 "We therefore deduct 200.00.\n"},
	{"Hello,\n\n12.05.2026 driver wrote on the slip:\n2 boxes missing.\nPlease credit.\n"},
	{"Hello,\n\nOn invoice 17 of 12.05.2026 you wrote a wrong VAT number, and we\n"
	 "cannot book it. Please correct the following:\nVAT: DE123\n"},
	{"お世話になっております。\n\n2026年5月4日のメールの件、以下の通り回答いたします：\n\n"
	 "請求書17は二重請求です。\n"},
	{"안녕하세요.\n\n2026년 5월 4일 고객님이 주문하신 내역은 다음과 같습니다:\n\n"
	 "청구서 17 취소 바랍니다.\n"},
	{"Bonjour,\n\nle 12/05/2026 le chauffeur a écrit sur le bon de livraison :\n2 colis "
	 "manquent\n"},
	{"Bonjour,\n\nle 12/05/2026 le chauffeur a écrit :\n\n2 colis manquent\n"},
	{"Buongiorno,\n\nil 12/05/2026 l'autista ha scritto sulla bolla:\n\n2 colli mancanti\n"},
	{"Goedendag,\n\nOp 12-05-2026 heeft de chauffeur geschreven:\n\n2 dozen ontbreken\n"},
	{"Op 12-05-2026 om 10:15 schreef de chauffeur op de bon:\n\n2 dozen ontbreken\n"},
	{"Dzień dobry,\n\nw dniu 12.05.2026 kierowca napisał…:\n\nbrak 2 paczek\n"},
	{"Dzień dobry,\n\nw dniu 12.05.2026 kierowca napisał na dokumencie:\n\nbrak 2 paczek\n"},
	{"Здравствуйте,\n\nв 10:15 12.05.2026 водитель написал:\n\nне хватает 2 коробок\n"},
	{"Hi,\n\nOn 12.05.2026 at 10:15, Jim wrote:\n\n2 boxes missing\n"},
	{"Hi,\n\nOn 12.05.2026 we wrote to jim@example.com the following:\n\n2 boxes missing\n"},
	{"Hi,\n\nPlease send the papers of 12.05.2026 10:15 to Jim <jim@example.com>:\n\n- waybill\n"},
	{"Hi,\n\nOn 12.05.2026 you wrote in a mail to Jim <jim@example.com>:\n\nit is cancelled.\n"},
	{"Am 12.05.2026 um 10:15 schrieb der Fahrer auf den Lieferschein:\n\n2 Pakete fehlen\n"},
	{"On 12.05.2026 at 10:15 I sent it to Jim Meier <jim@example.com>, who wrote:\n\ncancel it\n"},
	{"Hi,\n\nOn 12.05.2026 at 10:15 I asked Jim Meier <jim@example.com> and had no answer, though "
	 "he "
	 "wrote:\n\ncancel it\n"},
	{"Hallo,\n\nAm 12.05.2026 um 10:15 haben wir an Herrn Meier <m@example.com> "
	 "geschrieben:\n\nBitte stornieren.\n"},
	{"Please resend:\n\n-- Original message was not attached, please resend it --\nThanks\n"},
	{"> When will you pay?\n\n________________________________\nWe paid, see:\nINV-1 100.00\n"},
	{"Jim <jim@example.com> wrote on 12.05.2026 at 10:15 that 2 boxes are missing:\n\nsee there\n"},
	{"Our supplier confirmed on 4 May 2026 at 10:15 and Mr Smith <s@x.com> wrote:\n\nwe ship on "
	 "Friday\n"},
	{"Hallo,\n\nAm 4.5.2026 um 10:15 Uhr habe ich mit Ihnen telefoniert. Max Meier <m@x.de> "
	 "schrieb:\n\nSkonto ok\n"},
	{"Hello,\n\nOn 4 May 2026 at 10:15 we met at your office and your colleague Mr Smith <s@x.com> "
	 "wrote:\n\nok to deduct\n"},
	{"Call 04.05.2026 10:15, Ann Brown <ann@x.com>:\n\nshe will pay\n"},
	{"Hello,\n\nAs agreed, on 4 May 2026 at 10:15 Jim Smith <jim@acme.example> wrote:\n\n\"you may "
	 "deduct 200.00\"\n\nWe therefore deduct it.\n"},
	{"Hello,\n\nWe refer to the mail of 4 May 2026 10:15 that Jim Smith <jim@acme.example> "
	 "wrote:\n\nok to deduct\n\nSo we deduct.\n"},
	{"Hallo,\n\nzur Klärung: am 04.05.2026 um 10:15 schrieb Frau Meier "
	 "<meier@acme.example>:\n\nSkonto ok\n\nBitte Gutschrift.\n"},
	{"Hallo,\n\nin der Mail vom 04.05.2026 10:15 Uhr von Frau Meier <meier@acme.example> schrieb "
	 "sie:\n\nSkonto ok\n"},
	{"Hallo,\n\nam 4.5.2026 hat Frau Meier (meier@acme.example) geschrieben:\n\"Skonto ist in "
	 "Ordnung\"\n\nWir bitten um Gutschrift.\n"},
	{"Hallo,\n\nam 4.5.2026 schrieb Frau Meier (meier@acme.example):\n\"Skonto ist in "
	 "Ordnung\"\n\nWir bitten um Gutschrift.\n"},
	{"Bonjour,\n\nLe 4 mai 2026, Mme Durand (durand@acme.example) a écrit :\n« remise accordée "
	 "»\n\nMerci de nous envoyer l'avoir.\n"},
	{"Hello,\n\n--- please send the original message again ---\n\nWe could not open it.\n"},
	{"Hello,\n\n** Original message not received **\n\nPlease send again.\n"},
	{"Hola,\nel pago está hecho.\nEnviado desde mi banco el 4 de mayo, referencia 4711.\n"},
	{"Bezahlt.\nGesendet mit der Post am 4.5., Scheck 4711.\n"},
	{"Wir zahlen morgen.\nSent from Outlook, so excuse the brevity - but INV-18 is wrong and we "
	 "will not pay it.\n"},
	{"Paid on 4 May.\n-- \nP.S. Please send the proof of delivery for INV-18 as well.\n"},
	{"Please stop:\n--\nPlease stop the reminders\nWe will never pay this\n"},
	{"Paid.\n\n--\nAnn Archer\nGlobex Ltd\n\nPlease note our new bank account number below\n"},
	{"Hello,\n\nour records show these open items:\n\n0-30 days: 500.00\n>30 days: 1,200.00\n>60 "
	 "days: 300.00\n"},
	{"Hello,\n\nWe see these balances:\n> 90 days: 1,200.00 (disputed)\n> 120 days: 300.00 (paid "
	 "on 4 May)\n"},
	/* marks of their own, behind what introduces them */
	{"Hi,\n\nour agreement says:\n> payment within 60 days\n"},
	{"Hallo,\n\nin Ihrem Portal gehen wir so vor:\n\n> Rechnungen\n> Zahlung\n"},
	{"Hallo,\nhier die Positionen vom 04.05.2026:\n> Rechnung 17\n> Rechnung 18\n"},
	{"Positions as of 4 May 2026:\n> INV-17 open\n> INV-18 paid\n"},
	{"Our arrows:\n> we want to pay in three parts\n> May, June and July\n"},
	{"Hello,\n> INV-17 is paid\n> INV-18 did not arrive\n"},
	{"Bonjour,\n\n> facture 17 payée\n> facture 18 pas reçue\n"},
	{"Please see\n--- original message ---\nWe never got it.\n"},
	{"We paid.\n\n== Original message ==\nwe could not read it\n"},
	{"Hi\n\n12.05.2026 10:15, Globex Payments <pay@globex.example>:\n\nINV-17 100.00\n"},
	{"Open amounts\n> EUR 500: INV-17\n> EUR 1000: INV-18\n"},
	{"Open amounts\n> €500 INV-17\n> $ 1000 INV-18\n"},
	{"Hallo,\n\nam 04.05.2026 um 10:15 schrieb die Bank <pay@bank.example>:\n\nbezahlt\n"},
	/* who speaks of somebody is no program */
	{"Hi,\n\nOn 4 May 2026 at 10:15 your colleague Bob <b@acme.example> wrote:\n\nyou get 30 "
	 "days\n\nSo we pay in June.\n"},
	{"On 4 May 2026 at 10:15 your Mr Smith <b@acme.example> wrote:\n\nyou get 30 days\n"},
	{"Hi,\n\nOn 4 May 2026 at 10:15 someone at Acme <b@acme.example> wrote:\n\nyou get it\n"},
	{"Hi,\n\nOn 4 May 2026 at 10:15 his boss <b@acme.example> wrote:\n\nyou get 30 days\n"},
	{"Hallo,\n\nAm 4. Mai 2026 um 10:15 schrieb Ihre Kollegin Frau Meier <m@acme.example>:\n\n"
	 "Skonto ok\n"},
	{"Hallo,\n\nAm 4. Mai 2026 um 10:15 schrieb mir Herr Meier (m@acme.example):\n\nSkonto ok\n"},
	{"Hallo,\n\nAm 4. Mai 2026 um 10:15 hat Ihr Herr Meier <m@acme.example> "
	 "geschrieben:\n\nSkonto ok\n"},
	{"Hallo,\n\nIhr Herr Meier <m@acme.example> schrieb am 04.05.2026 um 10:15:\n\nSkonto ok\n"},
	{"Hallo,\n\nAm 4. Mai 2026 um 10:15 hat der Fahrer <f@acme.example> Folgendes "
	 "geschrieben:\n\n2 Pakete fehlen\n"},
	{"Hallo,\n\nAm 4. Mai 2026 um 10:15 hat uns acme billing <b@acme.example> Folgendes "
	 "geschrieben:\n\nSkonto ok\n"},
	{"Salve,\n\nIl 4 maggio 2026 alle 10:15 la Vostra Ada <a@acme.example> ha scritto:\n\n30 "
	 "giorni\n"},
	{"Hej,\n\nDen 4 maj 2026 10:15 skrev Er kollega <b@acme.example>:\n\n30 dagar\n"},
	{"Здравствуйте,\n\n04.05.2026 10:15 Ваш Иван <i@acme.example> написал:\n\n30 дней\n"},
	{"Bonjour,\n\nLe 4 mai 2026 à 10:15, votre collègue Bob <b@acme.example> a écrit :\n\n30 "
	 "jours\n"},
	{"Hola,\n\nEl 4 de mayo de 2026 a las 10:15, su compañera Ana <a@acme.example> "
	 "escribió:\n\n30 días\n"},
	{"Salve,\n\nIl 4 maggio 2026 alle 10:15 la vostra collega Ada <a@acme.example> ha "
	 "scritto:\n\n30 giorni\n"},
	{"Goedendag,\n\nOp 4 mei 2026 om 10:15 schreef uw collega Bob <b@acme.example>:\n\n30 dagen\n"},
	{"Hej,\n\nDen 4 maj 2026 10:15 skrev er kollega Bo <b@acme.example>:\n\n30 dagar\n"},
	{"Hi Ann,\n\nI wrote:\n> Please credit INV-17\n"},
	{"Hi,\n\nOn 4 May 2026 we wrote:\n> Please credit INV-17\n"},
	{"Hallo,\n\nwir haben folgendes geschrieben:\n> Die Rechnung ist falsch\n"},
	/* answers in what is quoted, which nothing marks */
	{"Hi, see my answers in red below.\n\nFrom: Acme <b@acme.example>\n"
	 "Sent: Monday, May 4, 2026 10:15 AM\nTo: Ann <ann@globex.example>\nSubject: INV-17\n\n"
	 "Please pay INV-17. Paid on Friday\n"},
	{"Hallo, Antworten in rot:\n\n-----Ursprüngliche Nachricht-----\nBitte zahlen. Ist bezahlt\n"},
	{"您好，请看红字\n\n发件人: Acme\n发送时间: 2026年5月4日 10:15\n收件人: 王\n主题: 发票17\n\n"
	 "请付款。已付\n"},
	{"Hello, please find our comments embedded in your mail, in capitals.\n\nFrom: Acme "
	 "<b@acme.example>\nSent: Monday, May 4, 2026 10:15 AM\nTo: Ann <ann@globex.example>\n"
	 "Subject: INV-17\n\nPlease pay INV-17. PAID\n"},
	{"Hallo, unsere Antworten stehen zwischen den Zeilen.\n\nVon: Acme <b@acme.example>\n"
	 "Gesendet: Montag, 4. Mai 2026 10:15\nAn: Ann\nBetreff: 17\n\nBitte zahlen. Bezahlt\n"},
	{"Bonjour, s. unten.\n\n-----Message d'origine-----\nMerci de payer. C'est fait\n"},
	{"Hello, I filled in the form below.\n\n-----Original Message-----\nName? Ann\n"},
	/* and these are ordinary */
	{"We will respond within five working days.\n\n~-----Original Message-----\nPlease pay\n"},
	{"Please send the credit notes within 10 days, the red ones.\n\n~-----Original Message-----\n"
	 "Please pay\n"},
	{"Paid.\nIf you are not the intended recipient, please reply to the sender and delete the data "
	 "below.\n\n~-----Original Message-----\nPlease pay\n"},
	/* what a line that ends in a colon introduces */
	{"My bank writes:\n\nFrom: jane@cust.example\nDate: 4 May 2026 10:15:00 CEST\n"
	 "To: billing@acme.example\nSubject: You sent a payment\n\nPlease mark it as paid.\n"},
	{"Please write to:\n\n-- \nGlobex Ltd\nHigh Street\n"},
	{"Invoices are missing for:\n--\nGlobex Berlin\nGlobex Hamburg\n"},
	/* a line that goes on in marked ones */
	{"In the portal please click\n> Settings\n> Billing\n"},
	/* what is said behind a blank line of a signature */
	{"Hello,\nsee the file.\n\n-- \nAnn Archer\nGlobex Ltd\n\nAlready paid twice\n"},
	{"Hello,\nsee the file.\n\n-- \nAnn Archer\nGlobex Ltd\n\nPO 4500012345\n"},
	{"Hello,\nsee the file.\n\n-- \nAnn Archer\n\nPaid\n"},
	{"See the file.\n\n~-- \nAnn Archer\n\nGlobex Ltd\nTel. 01 234 567\n\nwww.globex.example\n"},
	{"The document was\nsent from my account\n"},
	{"The document was\nsent from Outlook\n"},
	{"Yes.\n> Please pay.\n________________________________________\nNew Address\nGlobex Ltd\n"
	 "ap@globex.example\n"},
	{"Hello,\nsee the file.\n\n-- \nAnn Archer\nInvoice Number 4711\n"},
	{"Hello,\nsee the file.\n\n-- \nAnn Archer\n45000123456\n"},
	{"Which number is right?\n-- \nVendor Seventeen\n"},
	{"Ok\n-- \nApproved\n"},
	{"Paid.\n\n~> Please pay.\n\n-- \nKind regards,\nAnn Archer\n"},
	{"Paid.\n\n~> Please pay.\n\n-- \nMit freundlichen Grüßen\nAnna Berg\n"},
	{"Paid.\n\n~> Please pay.\n\n-- \nThis email has been checked for viruses by Avast "
	 "software.\nwww.avast.example\n"},
	{"Paid.\n\n~> Please pay.\n\nThis message is confidential and for its recipient only.\n\n"
	 "Virus-free. www.avast.example\n"},
	{"Paid.\n> Please pay.\n\nNot all of it.\nThis message is confidential and for its recipient "
	 "only.\n"},
	{"Paid.\n\n~> Please pay.\n\nThis message is for the person\nnamed above; it is confidential, "
	 "and if you are\nnot the recipient, delete it.\n"},
	{"Paid.\n> Please pay.\n\nThe delivery note is confidential, please keep it.\n"},
	/* nothing above, so all that is said is below */
	{"> Please pay.\n--\nPaid Friday\n"},
	{"> Please pay.\n________________________________________\npaid Friday\n"},
	{"> Please pay.\n________________________________________\nhttps://bank.example/proof\n"},
	{"No.\n> Please pay.\n________________________________________\nPaid Friday\n"},
	{"Yes.\n~> 1. When will you pay?\n> And how?\n"},
	{"Paid.\n\n~On Mon, May 4, 2026 at 10:15 AM Acme <b@acme.example> wrote:\n> 100.00 are due\n> "
	 "200.00 too\n"},
};

/* What programs write goes on being history, also where no line is marked. */
static const Text announcements[] = {
	{"Paid.\n\n~On Monday, May 4, 2026 at 10:15 AM, Acme Billing wrote:\n\nPlease pay.\n"},
	{"Paid.\n\n~On Monday, May 4, 2026, 10:15:00 AM GMT+2, \"Acme\" <b@example.com> "
	 "wrote:\n\nPay.\n"},
	{"Paid.\n\n~On 4 May 2026, Acme <b@example.com> wrote:\n\nPlease pay.\n"},
	{"Paid.\n\n~On 4 May 2026 at 10:15, b@example.com wrote:\n\nPlease pay.\n"},
	{"Paid.\n\n~On 4 May 2026 at 10:15, acme billing <b@example.com> wrote:\n\nPlease pay.\n"},
	{"Bezahlt.\n\n~Am 04.05.2026 um 10:15 schrieb Acme <b@example.com>:\n\nBitte zahlen.\n"},
	{"Bezahlt.\n\n~Am 04.05.2026 um 10:15 hat Acme <b@example.com> geschrieben:\n\nBitte.\n"},
	{"Bezahlt.\n\n~Acme schrieb am 04.05.2026 um 10:15:\n\n> Bitte.\n"},
	{"Bezahlt.\n\n~Am Montag, 4. Mai 2026 um 10:15:00 MESZ hat acme billing <b@example.com> "
	 "Folgendes geschrieben:\n\nBitte.\n"},
	{"Bezahlt.\n\n~Am Montag, 4. Mai 2026 um 10:15 Uhr hat Accounts receivable department "
	 "<b@example.com> Folgendes geschrieben:\n\nBitte.\n"},
	{"Betaald.\n\n~Op maandag 4 mei 2026 om 10:15:00 CEST heeft Acme (no-reply) <b@example.com> "
	 "het volgende geschreven:\n\nBetaal.\n"},
	{"Betaald.\n\n~Op 4 mei 2026 om 10:15 heeft Acme <b@example.com> het volgende "
	 "geschreven:\n\nBetaal.\n"},
	{"Erledigt.\n\n~> Zahlen?\n_______________________________________________\nListe für alle\n"
	 "liste@example.com\nhttps://lists.example.com/17\n"},
	{"Done.\n\n~-------- Original message --------\nPlease pay.\n"},
	{"Payé.\n\n~Le 4 mai 2026 à 10:15, Acme <b@example.com> a écrit :\n\nPayez.\n"},
	{"Payé.\n\n~Le 04/05/2026 à 10:15, Acme a écrit :\n\n> Payez.\n"},
	{"Pagato.\n\n~Il 04/05/2026 10:15, Acme ha scritto:\n> Pagate.\n"},
	{"Zapłacone.\n\n~pon., 4 maj 2026 o 10:15 Acme <b@example.com> napisała:\n\nProsimy.\n"},
	{"Plaćeno.\n\n~pon, 4. svi 2026. u 10:15 Acme <b@example.com> napisao je:\n\nPlatite.\n"},
	{"Plačano.\n\n~V V pon., 4. maj 2026 ob 10:15 je oseba Acme <b@example.com> napisala:\n\n"
	 "Plačajte.\n"},
	{"Makstud.\n\n~Kuupäev E, 4. mai 2026 kell 10:15 kirjutas kasutaja Acme <b@example.com>:\n\n"
	 "Palun.\n"},
	{"Greitt.\n\n~Þann mán., 4. maí 2026 kl. 10:15 skrifaði Acme <b@example.com>:\n\nBorgið.\n"},
	{"지불했습니다.\n\n~2026년 5월 4일 (월) 오전 10:15, Acme <b@example.com>님이 작성:\n\n지불.\n"},
	{"支払いました。\n\n~2026/05/04 10:15、Acme <b@example.com>のメール:\n\nお支払い。\n"},
	{"Paid.\n\n~On 4 May 2026 10:15, Acme wrote:\n\n\n> Please pay.\n"},
	{"Paid.\n~Acme Billing wrote:\n> Please pay.\n"},
	{"Zapłacone.\n\n~Wiadomość napisana przez Acme <b@example.com> w dniu 4 maj 2026, o godz. "
	 "10:15:\n\n> Prosimy.\n"},
	{"Pagat.\n\n~Missatge de Acme <b@example.com> del dia dl., 4 de maig 2026 a les 10:15:\n\n> "
	 "Pagueu.\n"},
	{"Pagat.\n\nMissatge de Acme <b@example.com> del dia dl., 4 de maig 2026 a les 10:15:\n\n"
	 "Pagueu.\n"},
	{"Fizetve.\n\n~2026. 05. 04. 10:15 keltezéssel, Acme Billing írta:\n> Fizessen.\n"},
	{"تم الدفع\n\n~في الاثنين، ٤ مايو ٢٠٢٦ في ١٠:١٥ ص تمت كتابة ما يلي بواسطة Acme "
	 "<b@example.com>:\n\n> ادفع\n"},
	/* in a language that is not known */
	{"Talwyd.\n\nAr 4 Mai 2026 am 10:15, dywedodd Acme:\n~> Talwch.\n"},
	{"Bezahlt.\n\n~Am 04.05.2026 um 10:15 schrieb I. Wir <b@example.com>:\n> Bitte.\n"},
	{"Skonto in Rotterdam abgezogen.\n\n~Am 04.05.2026 um 10:15 schrieb Acme "
	 "<b@example.com>:\n\nBitte.\n"},
	{"Оплачено.\n\n~04.05.2026, 10:15, \"Acme\" <b@example.com>:\n> Оплатите.\n"},
	{"Оплачено.\n\n~пн, 4 мая 2026 г. в 10:15, Acme <b@example.com>:\n\nОплатите.\n"},
	{"Betalt.\n\n~2026-05-04 10:15 GMT+02:00 Acme <b@example.com>:\n\nBetala.\n"},
	/* only what announces: the lines before it are new */
	{"On 12.05.2026 we paid the first\npart.\n\n~On Mon, May 4, 2026 at 10:15 AM Acme\n"
	 "<b@example.com> wrote:\n> Pay.\n"},
	{"On 12.05.2026 we paid the first part\n~On Mon, May 4, 2026 at 10:15 AM Acme\n"
	 "<b@example.com> wrote:\n> Pay.\n"},
	{"We paid 100.00 on Friday, as your colleague wrote:\n~> please pay 100.00\n"},
	{"On 12.05.2026 we paid the invoice.\nNevertheless your colleague wrote:\n~> pay now\n"},
};

/* A payment order has From, To and Subject as well as Outlook's block. */
static const Text blocks[] = {
	/* Orange, in lower case */
	{"Payé.\n\n~envoyé : lundi 4 mai 2026 à 10:15\nde : Acme <b@acme.example>\nà : Ann\n"
	 "objet : 17\n\nMerci de payer\n"},
	{"Paid.\n\n~from: Acme <b@acme.example>\nsent: Monday, May 4, 2026 10:15 AM\nto: Ann\n"
	 "subject: 17\n\nPlease pay\n"},
	{"Our memo:\n\nfrom: Ann\nsent: Monday, May 4, 2026 10:15 AM\nto: Bob\nsubject: 17\n\nPaid\n"},

	{"wir haben bereits bezahlt, siehe Überweisung:\n\nVon: Globex GmbH\nAn: Acme Corporation\n"
	 "Datum: 12.05.2026\nBetrag: 2.715,50 EUR\nBetreff: Rechnung 17\n\n"
	 "Bitte buchen Sie die Mahnung aus.\n"},
	{"Bezahlt:\n\nVon: Globex GmbH\nAn: Acme Corporation\nDatum: 12.05.2026\n"
	 "Betreff: Rechnung 17\n\nBitte ausbuchen.\n"},
	{"Bezahlt:\n\nVon: Globex GmbH\nAn: Acme Corporation\nBetreff: Rechnung 17\n\nSiehe oben.\n"},
	{"Bezahlt:\n\nVon: Globex\nAn: Acme\nDatum: 12.05.2026 10:15\nBetreff: Rechnung 17\n"
	 "Betrag: 2.715,50 EUR\n\nBitte ausbuchen.\n"},
	{"Pagado:\n\nDe: Globex SA\nPara: Acme\nFecha: 12/05/2026\nAsunto: Factura 17\n"
	 "Importe: 2.715,50 EUR\n\nPor favor, anulen el aviso.\n"},
	{"Paid:\n\nFrom: Globex Ltd\nTo: Acme Corporation\nDate: 12 May 2026\nAmount: 2,715.50\n"
	 "Reference: INV-17\nSubject: Invoice 17\n\nPlease withdraw the reminder.\n"},
	{"Paid:\n\nFrom: ap@globex.example\nTo: ar@acme.example\nDate: 12 May 2026\n"
	 "Amount: 2,715.50\nSubject: Invoice 17\n\nPlease withdraw the reminder.\n"},
	{"Paid:\n\nFrom: Globex Ltd\nTo: Acme\nDate: 12.05.2026\nSubject: 2.715.50 for 17\n\nDone.\n"},
	/* to the minute */
	{"Paid:\n\nFrom: Globex Ltd\nTo: Acme\nDate: 12/05/2026 10:15\nSubject: INV-17\n\nDone.\n"},
	{"Paid:\n\nFrom: Globex Ltd\nTo: ar@acme.example\nDate: 12/05/2026 10:15\n"
	 "Subject: INV-17\n\nPlease withdraw the reminder.\n"},
	{"Bezahlt:\n\nVon: Globex GmbH\nAn: Acme GmbH\nDatum: 12.05.2026 um 10:15 Uhr\n"
	 "Betreff: Rechnung 17\n\nBitte ausbuchen.\n"},
	{"Payé :\n\nDe : Globex\nÀ : Acme\nDate : 12/05/2026 à 10h15\nObjet : facture 17\n\n"
	 "Merci de solder.\n"},
	{"支払い:\n\n差出人: グローベックス\n宛先: アクメ\n日付: 2026年5月12日 10:15\n"
	 "件名: 請求書17\n\nご確認ください。\n"},
	{"Paid:\n\nFrom: Globex\nSent: 12/05/2026 10:15\nTo: Acme\nSubject: INV-17\n\nDone.\n"},
	{"Paid:\n\nFrom: Globex\nTo: Acme\nSent: Tuesday, 12 May 2026 10:15\n"
	 "Subject: INV-17\n\nDone.\n"},
	{"Paid:\nFrom: Globex\nSent: Tuesday, 12 May 2026 10:15\nTo: Acme\n"
	 "Subject: INV-17\nDone.\n"},
	{"Returned:\n\nfrom: our warehouse\nsent: 12 May 2026 10:15 by truck\n"
	 "to: your warehouse\nsubject: return of INV-17\n\nPlease book it.\n"},
	{"Paid:\n\nFrom: ap@globex.example\nTo: ar@acme.example\nDate: 12/05/2026 10:15\n"
	 "Subject: INV-17\nAmount: 2,715.50\n\nDone.\n"},
	{"Paid:\n\nFrom: Globex <ap@globex.example>\nTo: Acme <ar@acme.example>\n"
	 "Date: 12 May 2026 10:15\nAmount: $1200\nSubject: INV-17\n\nDone.\n"},
	{"Paid:\n\nFrom: Globex <ap@globex.example>\nTo: Acme <ar@acme.example>\n"
	 "Date: 12 May 2026 10:15\nSubject: INV-17\nAmount: 1200 EUR\n\nDone.\n"},
	/* memos */
	{"Hello,\n\nFrom: Ann Archer, Globex\nTo: Acme Receivables\n"
	 "Date: Tuesday, 12 May 2026 10:15\nSubject: INV-17\n\nThe goods were damaged.\n"},
	{"Hello,\n\nFrom: ap@globex.example\nTo: ar@acme.example\nDate: 12 May 2026\n"
	 "Subject: INV-17\n\nThe goods were damaged.\n"},
	{"See this note:\n\nFrom: Ann\nTo: x@example.com\nSubject: INV-5\n\nWe will not pay.\n"},
	{"Your form says\n\nFrom: billing@acme.example\nTo: ann@globex.example\n"
	 "Subject: INV-17\n\nPlease correct it.\n"},
	/* and these are none */
	{"Paid.\n\n~From: Acme Billing\nSent: Monday, May 4, 2026 10:15 AM\nTo: Ann Archer\n"
	 "Subject: Invoice 17\n\nPlease pay.\n"},
	{"Paid.\n\n~From: Acme Billing <b@example.com>\nSent: Monday, May 4, 2026 10:15 AM\n"
	 "To: Ann Archer\nSubject: Invoice 17\nImportance: High\n\nPlease pay.\n"},
	{"Paid.\n\n~From: Acme Billing\nSent: 04/05/2026 10:15\nTo: ann@example.com\n"
	 "Subject: Invoice 17\n\nPlease pay.\n"},
	{"Paid.\n\n~________________________________\nFrom: Acme Billing\nSent: 04/05/2026 10:15\n"
	 "To: Ann Archer\nSubject: Invoice 17\n\nPlease pay.\n"},
	{"Paid.\n\n~From: Acme Billing\nSent: Mon 5/4/2026 10:15 AM\nTo: Ann Archer\n"
	 "Subject: Invoice 17\n\nPlease pay.\n"},
	{"Paid.\n\n~From: Acme Billing <b@example.com>\nDate: 04.05.2026 10:15\nTo: Ann Archer\n"
	 "Subject: Invoice 17\n\nPlease pay.\n"},
	{"Betalt.\n\n~Från: Acme\nSkickat: den 4 maj 2026 10:15\nTill: Anna\nÄmne: Faktura "
	 "17\n\nBetala.\n"},
	{"Fizetve.\n\n~Feladó: Acme\nElküldve: 2026. május 4. 10:15\nCímzett: Anna\n"
	 "Tárgy: Számla 17\n\n17\n"},
	{"支払いました。\n\n~差出人: Acme\n送信日時: 2026年5月4日 10:15\n宛先: 山田\n"
	 "件名: 請求書17\n\nお支払い。\n"},
	{"已付。\n\n~发件人: Acme\n发送时间: 2026年5月4日 上午10时15分\n收件人: 王\n"
	 "主题: 发票17\n\n请付款。\n"},
	{"已付。\n\n~寄件者: Acme\n寄件日期: 2026/5/4 (週一) 上午 10:15\n收件者: 王\n"
	 "主旨: 發票17\n\n請付款。\n"},
	{"지불.\n\n~보낸 사람: Acme\n보낸 날짜: 2026년 5월 4일 월요일 오전 10:15\n"
	 "받는 사람: 김\n제목: 청구서 17\n\n지불.\n"},
	{"Payé.\n\n~De : Acme <b@example.com>\nDate : lundi 4 mai 2026 à 10 h 15\nÀ : Anne\n"
	 "Objet : Facture 17\n\nPayez.\n"},
	{"Maksettu.\n\n~Lähettäjä: Acme\nLähetetty: maanantai 4. toukokuuta 2026 10.15\n"
	 "Vastaanottaja: Anna\nAihe: Lasku 17\n\nMaksakaa.\n"},
	{"Bezahlt.\n\n~Von: Acme\nGesendet: Montag, 4. Mai 2026 10:15\nAn: Anna\nAnlagen: 17.pdf\n"
	 "Betreff: Rechnung 17\n\nBitte zahlen.\n"},
	{"Plaćeno.\n\n~Od: Acme <b@example.com>\nPoslano: 4. svibnja 2026. 10:15\nPrima: Ana "
	 "<ana@example.com>\nPredmet: Račun 17\n\n17\n"},
	{"Plačano.\n\n~Od: Acme\nPoslano: ponedeljek, 04. maj 2026 10:15\nZa: Ana\nZadeva: Račun "
	 "17\n\n17\n"},
	{"Платено.\n\n~От: Acme <b@example.com>\nИзпратено: понеделник, 4 май 2026 г. 10:15\nДо: "
	 "Ана\nОтносно: Фактура 17\n\n17\n"},
	{"שולם.\n\n~מאת: Acme <b@example.com>\nנשלח: יום שני 4 מאי 2026 10:15\nאל: אנה\nנושא: חשבונית "
	 "17\n\n17\n"},
	{"Đã trả.\n\n~Từ: Acme <b@example.com>\nĐã gửi: Thứ Hai, 4 tháng 5, 2026 10:15\nĐến: Anh\nChủ "
	 "đề: Hóa đơn 17\n\n17\n"},
	{"Makstud.\n\n~Saatja: Acme <b@example.com>\nSaadetud: esmaspäev, 4. mai 2026 "
	 "10:15\nAdressaat: Anna\nTeema: Arve 17\n\n17\n"},
	{"Makstud.\n\n~Saatja: Acme <b@example.com>\nSaadetud: esmaspäev, 4. mai 2026 10:15\nTeema: "
	 "Arve 17\n\n17\n"},
	{"Paid.\n\n~From: Acme <b@example.com<mailto:b@example.com>>\nDate: Monday, 4 May 2026 at "
	 "10:15\n"
	 "To: Ann <ann@example.com<mailto:ann@example.com>>,\n"
	 "Bob <bob@example.com<mailto:bob@example.com>>\nSubject: Re: Invoice 17\nPlease pay.\n"},
	{"Proof.\n\n~From: Acme Billing <billing@acme.example>\nSent: Monday, May 4, 2026 10:15 "
	 "AM\nTo: Ann <ann@globex.example>\nClassification: Internal\nSubject: Invoice 17\n\nPay\n"},
	{"We paid.\n\n~From: Acme Billing <billing@acme.example>\nSent: Monday, May 4, 2026 10:15 "
	 "AM\nTo: Ann <ann@globex.example>\nSubject: Invoice 17\nCAUTION: this email is from "
	 "outside\n\nPay\n"},
	{"Beleg:\n\nVon: Globex GmbH\nAn: Acme GmbH\nDatum: 12.05\nBetreff: Rechnung 17 über "
	 "1.250,00\n\nBitte ausbuchen.\n"},
	{"Plaćeno.\n\n~Šalje: Acme\nPoslano: 4. svibnja 2026. 10:15\nPrima: Ana\nKopija: Bo\nPredmet: "
	 "Račun 17\n\n17\n"},
	{"Plaćeno.\n\n~Od: Acme\nPoslato: ponedeljak, 4. maj 2026. 10:15\nZa: Ana\nTema: Račun "
	 "17\n\n17\n"},
	{"Πληρώθηκε.\n\n~Από: Acme\nΑποστολή: Δευτέρα, 4 Μαΐου 2026 10:15 πμ\nΠρος: Άννα\n"
	 "Κοινοποίηση: Μπο\nΘέμα: Τιμολόγιο 17\n\n17\n"},
	{"Apmokėta.\n\n~Nuo: Acme\nIšsiųsta: 2026 m. gegužės 4 d., pirmadienis 10:15\nKam: Ana\n"
	 "Kopija: Bo\nTema: Sąskaita 17\n\n17\n"},
	{"Apmaksāts.\n\n~No: Acme\nNosūtīts: pirmdiena, 2026. gada 4. maijs 10:15\nKam: Ana\nTēma: "
	 "Rēķins 17\n\n17\n"},
	{"Pagat.\n\n~De: Acme\nEnviat el: dilluns, 4 de maig de 2026 10:15\nPer a: Anna\nTema: "
	 "Factura 17\n\n17\n"},
	{"Dibayar.\n\n~Dari: Acme\nTerkirim: Senin, 04 Mei 2026 10:15\nKepada: Ana\nPerihal: Faktur "
	 "17\n\n17\n"},
	{"ชำระแล้ว\n\n~จาก: Acme\nส่ง: 4 พฤษภาคม 2569 10:15\nถึง: Ana\nเรื่อง: 17\n\n17\n"},
	{"تم الدفع\n\n~من: Acme\nتم الإرسال: الاثنين، 4 مايو 2026 10:15 ص\nإلى: Ana\nالموضوع: "
	 "17\n\n17\n"},
	{"Fizetve.\n\n~Feladó: Acme\nElküldve: 2026. május 4., hétfő 10:15\nCímzett: Anna\n"
	 "Másolatot kap: Bo\nTárgy: Számla 17\n\n17\n"},
	{"Paid.\n\n~From: Acme\nSent: Monday, May 4, 2026 10:15 AM\nTo: ann@example.com\nCarbon: Bo "
	 "Berg\n"
	 "Subject: INV-17\n\nPlease pay.\n"},
	{"Returned:\n\nFrom: our stock\nSent: Monday, May 4, 2026 10:15 AM\nTo: your stock\nCarrier: "
	 "DHL\nSubject: INV-17\n\nDamaged.\n"},
	{"Paid:\n\nFrom: Globex\nSent: Monday, May 4, 2026 10:15 AM\nTo: ar@acme.example\nReference: "
	 "4711\n"
	 "Subject: INV-17\n\nDone.\n"},
	{"Paid:\n\nFrom: Globex\nSent: Monday, May 4, 2026 10:15 AM\nTo: Acme\nBank: HSBC\n"
	 "Method: cheque\nSubject: INV-17\n\nDone.\n"},
	{"Paid:\n\nFrom: ap@globex.example\nSent: Monday, May 4, 2026 10:15 AM\nTo: ar@acme.example\n"
	 "No: 17\nAmount: 500.00\n\nDone.\n"},
	/* a day of the week of two letters */
	{"Bezahlt.\n\n~Von: Acme\nGesendet: Mo 04.05.2026 10:15\nAn: Anna\nBetreff: Rechnung "
	 "17\n\nBitte.\n"},
	{"Betaald.\n\n~Van: Acme\nVerzonden: ma 4-5-2026 10:15\nAan: Anna\nOnderwerp: Factuur "
	 "17\n\nBetaal.\n"},
	{"Bezahlt:\n\nVon: Globex\nGesendet: am 04.05.2026 10:15\nAn: Acme\nBetreff: Rechnung "
	 "17\n\nBitte ausbuchen.\n"},
	/* when it was sent comes first */
	{"Bezahlt.\n\n~Gesendet: Montag, 04. Mai 2026 um 10:15 Uhr\nVon: \"Acme\" <b@example.com>\n"
	 "An: anna@example.com\nBetreff: Rechnung 17\n\nBitte zahlen.\n"},
	{"Paid.\n~Sent: Monday, May 04, 2026 at 10:15 AM\nFrom: \"Acme\" <b@example.com>\n"
	 "To: \"Ann\" <ann@example.com>\nCc: c@example.com\nSubject: Invoice 17\nPlease pay.\n"},
	{"Bezahlt:\n\nGesendet: Montag, 04. Mai 2026 um 10:15 Uhr\nVon: Globex GmbH\nAn: "
	 "b@example.com\nBetreff: Rechnung 17\n\nBitte ausbuchen.\n"},
	{"Bezahlt:\n\nGesendet: Montag, 04. Mai 2026 um 10:15 Uhr\nVon: zahlung@globex.example\nAn: "
	 "b@example.com\nBetreff: Rechnung 17\nBetrag: 1.250,00\n\nBitte ausbuchen.\n"},
	{"Returned:\n\nSent: Monday, 4 May 2026 10:15 by truck\nFrom: stock@globex.example\n"
	 "To: your warehouse\n\nPlease book it.\n"},
};

static void
test_blocks(void)
{
	test_texts(blocks, lengthof(blocks), "block");
}

/* "--" without a space is a signature only where nothing is said behind it. */
static const Text dashes[] = {
	{"Please see the amounts we have paid:\n--\nINV-1  100.00\nINV-2  200.00\n"},
	{"Paid.\n--\nAnn Archer | Globex\nP.S. please send copy of invoice 18\n"},
	{"Paid.\n--\nAnn Archer | Globex\nPS please send the other invoice\n"},
	{"Paid.\n--\nAnn Archer | Globex\np. s. please send the other invoice\n"},
	{"Paid.\n--\nCan you send it again? Thank you\n"},
	{"Paid.\n--\nPlease send the other invoice again.\n"},
	{"Paid.\n--\none\n--\ntwo\n"},
	{"Paid.\n--\nwe do not know what the other invoice is and where the goods went to\n"},
	{"Paid.\n\n> Please pay.\n--\nINV-1  100.00\n"},
	{"Paid.\n--\nHello,\n> Please pay.\nAnd the other one\n"},
	/* words that are no signature's, be it "-- " itself */
	{"Paid.\n-- \nThe other invoice INV-18 was sent to the wrong address, send it again.\n"},
	{"Paid.\n-- \nCan you send INV-18 again?\n"},
	{"Paid so far:\n-- \nINV-1  100.00\nINV-2  200.00\n"},
	{"Offen sind noch:\n-- \nRechnung 17 zahlen wir am Freitag\nRechnung 18 ist falsch\n"},
	{"Danke\n-- \nAnna Berg\n\nnoch offen 500 €\n"},
	{"Paid.\n-- \nAnn\n\nDisputed: INV-18\n"},
	{"Thanks.\n-- \nAnn Archer\n\n1. Invoice 17 Paid\n2. Invoice 18 Disputed\n"},
	{"Thanks.\n-- \nAnn Archer\n\n| Invoice | Amount |\n| 17 | 100 |\n"},
	{"Thanks.\n-- \nAnn Archer\n\nNew IBAN: GB12ABCD\n"},
	{"Hello,\nthanks.\n-- \nDear Ann,\nwe paid on Friday\nregards\n"},
	{"Payé.\n-- \nMerci de renvoyer la facture 18 à notre adresse\n"},
	{"Paid.\n-- \nAnn Archer\nNB INV-18 was already credited\n"},
	{"Paid.\n-- \nAnn Archer\nOur new bank details are IBAN GB12 ABCD 1234\n"},
	{"Paid.\n-- \nNote: INV-18 is disputed\n"},
	{"Мы оплатили.\n-- \nмы оплатили счёт в пятницу\n"},
	{"支払いました。\n-- \n請求書18は受け取っていません。\n"},
	{"지불했습니다.\n-- \n청구서 18 재발송 바랍니다\n"},
	{"已付款\n-- \n我们没有收到发票18\n"},
	{"Thanks\n-- \nSee attached\n"},
	{"Thanks\n-- \nINV-17 and INV-18 paid\n"},
	{"Danke\n-- \nbitte stornieren\n"},
	{"Teşekkürler\n-- \nFatura 18 hatalı\n"},
	{"תודה\n-- \nחשבונית 18 שגויה\n"},
	{"谢谢\n-- \n发票18有误\n"},
	{"Thanks\n-- \nPAID ON FRIDAY BY BANK TRANSFER\n"},
	{"Thanks\n--\nPLEASE SEND THE INVOICE AGAIN\n"},
	{"> Please pay.\n\n-- \nWe paid on Friday. Please check your account.\n"},
	{"Yes.\n> Please pay.\n-- \nAnn Archer\n\nPaid 2 weeks ago, INV-17 as well.\n"},
	{"Yes.\n> Please pay.\n--\nAnn Archer\n> And 18?\nNot 18.\n"},
	{"Paid.\nSent from my iPhone\nINV-18 we will pay on Friday\n"},
	{"Thanks\nSent from my iPhone\nPlease Send It Again\n"},
	{"Thanks\nSent from my iPhone\n\nPAID FRIDAY\n"},
	{"Paid\nSent from my phone as the PC is broken and INV-18 is still wrong\n"},
	{"已付\n从我的账户已经付款\n"},
	{"支払い済み\n携帯から送信した請求書は間違いです\n"},
	{"Wysłano.\nWysłane z mojego konta w piątek\n"},
	{"Pagado.\nEnviado desde mi cuenta bancaria ayer\n"},
	{"Payé.\nEnvoyé depuis mon compte hier matin\n"},
	{"Paid.\nSent from an HSBC account on Friday\n"},
	/* and these are signatures */
	{"Paid.\n\n~-- \nAnn Archer\nHead of Accounts Payable\nGlobex Ltd., 12 High Street, "
	 "London\nTel. 0123 456 789, fax 0123 456 780\nann@globex.example\n"
	 "https://www.globex.example/?from=mail\n"},
	{"Bezahlt.\n\n~-- \nAnna Berg\nLeiterin der Buchhaltung\nGlobex GmbH & Co. KG\n"
	 "Hauptstr. 5, 10115 Berlin\nTel.: +49 30 1234-56\nGeschäftsführer: Max Meier\n"
	 "Amtsgericht Berlin, HRB 1234\nUSt-IdNr. DE123456789\n"},
	{"Payé.\n\n~-- \nAnne Durand\nService comptabilité\nTél. 01.23.45.67.89\n"},
	{"支払いました。\n\n~-- \n株式会社グローベックス 経理部\n山田 花子\n電話 03-1234-5678\n"},
	{"Paid.\n\n~Get Outlook for iOS\n<https://links.example/ios>\n"},
	{"Paid.\n\n~Enviado desde mi teléfono móvil\n"},
	{"Bezahlt.\n\n~Diese Nachricht wurde von meinem Android Mobiltelefon mit Mail gesendet.\n"},
	{"已付\n\n~发自我的华为手机\n"},
	{"Paid.\n\n~> Please pay.\n-- \nAnn Archer\nTel. 0123 456\n\nSent from my iPhone\n"},
	{"Paid.\n\n~--\nAnn Archer\nGlobex GmbH, Accounts Payable\n"},
	{"Paid.\n\n~--\nAnn Archer\n\nOn 4 May 2026 at 10:15, Acme <b@example.com> wrote:\n> Pay.\n"},
	{"Paid.\n\n~--\nAnn Archer\n\nFrom: Acme <b@example.com>\nSent: Monday, May 4, 2026 10:15\n"
	 "To: Ann Archer\nSubject: Invoice 17\n\nPay.\n"},
	{"Paid.\n\n~--\nAnn Archer\n\n> Please pay.\n"},
	{"Paid.\n\n~--\nAnn Archer\n\n\n\n\n\n\n\n\n\n\n\n"},
	{"Paid.\n\n~> Please pay.\n\n--\nAnn Archer\n"},
	{"Paid.\n\n~-- \nAnn Archer\nTel. 0123 456\n"},
	/* with figures it is shown, and what is behind it is history all the same */
	{"Paid.\n\n--\nAnn Archer\nTel. 0123 456\n\n~On 4 May 2026 at 10:15, Acme <b@example.com> "
	 "wrote:\n> Pay.\n"},
};

static void
test_dashes(void)
{
	test_texts(dashes, lengthof(dashes), "dashes");
}

static void
test_attributions(void)
{
	test_texts(proses, lengthof(proses), "prose");
	test_texts(announcements, lengthof(announcements), "announced");
}

/* HTML with "|" where the new part ends. */
typedef struct Html
{
	const char *name;
	const char *html;
	QuotedHtml want;
	const char *subject;
} Html;

static const Html htmls[] = {
	{"Gmail",
	 "<div>Paid.</div>|<div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon Bob wrote:"
	 "</div><blockquote class=\"gmail_quote\">Pay</blockquote></div>",
	 QUOTED_HTML_CUT},
	{"Apple Mail", "Paid.<br>|<blockquote type=\"cite\">Pay</blockquote>", QUOTED_HTML_CUT},
	{"Outlook on the web", "<p>Paid.</p>|<div id=\"appendonsend\"></div><hr>From: Bob",
	 QUOTED_HTML_CUT},
	{"Outlook on the web, older", "<p>Paid.</p>|<div id=divRplyFwdMsg dir=ltr>From: Bob</div>x",
	 QUOTED_HTML_CUT},
	{"Outlook, seen by another", "<p>Paid.</p>|<div id=\"x_divRplyFwdMsg\">From: Bob</div>",
	 QUOTED_HTML_CUT},
	{"Thunderbird",
	 "<p>Paid.</p>|<div class=\"moz-cite-prefix\">On Mon Bob wrote:<br></div>"
	 "<blockquote type=\"cite\"><p>Pay</p></blockquote>&nbsp;</body></html>",
	 QUOTED_HTML_CUT},
	{"Yahoo", "<div>Paid.</div>|<div id=\"a\" class=\"x yahoo_quoted\"><div>On Mon</div></div>",
	 QUOTED_HTML_CUT},
	{"upper case", "Paid.|<BLOCKQUOTE TYPE=CITE>Pay</BLOCKQUOTE>", QUOTED_HTML_CUT},
	{"blocks in blocks",
	 "Paid.|<blockquote type=cite>a<blockquote type=cite>b</blockquote>c</blockquote>",
	 QUOTED_HTML_CUT},
	{"Thunderbird, the signature below",
	 "<p>We have paid.</p>|<div class=\"moz-cite-prefix\">On 04.05.2026 10:00, Acme "
	 "wrote:<br></div>"
	 "<blockquote type=\"cite\">old</blockquote><div class=\"moz-signature\">-- <br><div>Ann</div>"
	 "Globex</div>\n</body>",
	 QUOTED_HTML_CUT},
	{"a signature of plain text below",
	 "Paid.|<blockquote type=cite>old</blockquote><pre class=\"moz-signature\" cols=\"72\">-- "
	 "\nAnn</pre>",
	 QUOTED_HTML_CUT},
	{"answers above a signature below",
	 "<blockquote type=cite>old</blockquote><p>We paid.</p><div class=moz-signature>Ann</div>",
	 QUOTED_HTML_ALL},
	{"answers behind a signature below",
	 "Hi<blockquote type=cite>old</blockquote><div class=moz-signature>Ann</div><p>We paid.</p>",
	 QUOTED_HTML_ALL},
	{"answers between quotations and signatures",
	 "Hi<blockquote type=cite>a</blockquote><div class=moz-signature>Ann</div><blockquote "
	 "type=cite>b"
	 "</blockquote>yes",
	 QUOTED_HTML_ALL},
	{"answers below", "<blockquote type=\"cite\">Pay</blockquote><p>We did.</p>", QUOTED_HTML_ALL},
	{"answers between",
	 "Hi<blockquote type=cite>a</blockquote>yes<blockquote type=cite>b</blockquote>",
	 QUOTED_HTML_ALL},
	{"answers below Yahoo's",
	 "Hi<div class=yahoo_quoted><div>On Mon Bob wrote:</div><div>Pay</div></div><p>We did.</p>",
	 QUOTED_HTML_ALL},
	{"older mails in Yahoo's",
	 "Hi|<div class=yahoo_quoted><p>Pay</p><blockquote>old</blockquote><div id=appendonsend></div>"
	 "<hr><div id=divRplyFwdMsg>From: Ann</div>older</div>",
	 QUOTED_HTML_CUT},
	{"answers below older mails in Yahoo's",
	 "Hi<div class=yahoo_quoted><p>Pay</p><blockquote>old</blockquote><div id=appendonsend></div>"
	 "<hr><div id=divRplyFwdMsg>From: Ann</div>older</div>We did.",
	 QUOTED_HTML_ALL},
	{"answers below Outlook's, seen in Thunderbird",
	 "Hi<div class=moz-cite-prefix>Bob:</div><blockquote type=cite><p>a</p>"
	 "<div id=appendonsend></div><hr><div id=divRplyFwdMsg>From: Ann</div>b</blockquote>We did.",
	 QUOTED_HTML_ALL},
	{"answers below, on the telephone",
	 "Hi<div id=mail-editor-reference-message-container><div><hr><div id=divRplyFwdMsg>From: Bob"
	 "</div></div><div>Pay</div></div><div>We did.</div>",
	 QUOTED_HTML_ALL},
	{"on the telephone",
	 "Hi|<div id=mail-editor-reference-message-container><div><hr><div id=divRplyFwdMsg>From: Bob"
	 "</div></div><div>Pay <blockquote>a</blockquote> b</div></div><div> </div>",
	 QUOTED_HTML_CUT},
	{"what was pasted with its mark",
	 "<div>You wrote:<div id=x_divRplyFwdMsg>From: Bob</div><div>Pay</div></div><p>We did.</p>",
	 QUOTED_HTML_ALL},
	{"words where history would be appended",
	 "<p>Paid.</p><div id=appendonsend></div><p>More.</p>|", QUOTED_HTML_NONE},
	{"words before history that is appended",
	 "<p>Paid.</p><div id=appendonsend></div><p>More.</p>|<div id=divRplyFwdMsg>From: Bob</div>x",
	 QUOTED_HTML_CUT},
	{"the person's words in Gmail's box",
	 "<p>Hi</p><div class=gmail_quote><div>We paid.</div></div>|", QUOTED_HTML_NONE},
	{"the person's words before what Gmail announces",
	 "<p>Hi</p><div class=gmail_quote><div>We paid.</div>|<div class=gmail_attr>On Mon Bob wrote:"
	 "</div><blockquote class=gmail_quote>Pay</blockquote></div>",
	 QUOTED_HTML_CUT},
	{"the quotation is deleted",
	 "<p>Hi</p><div class=moz-cite-prefix>On Mon Bob wrote:<br></div><p>We paid.</p>|",
	 QUOTED_HTML_NONE},
	{"answers between what is announced and quoted",
	 "Hi<div class=moz-cite-prefix>Bob:</div>We paid.|<blockquote type=cite>Pay</blockquote>",
	 QUOTED_HTML_CUT},
	{"Word's conditions below",
	 "Hi|<blockquote type=cite>Pay</blockquote><![if !supportMisalignedColumns]><![endif]>",
	 QUOTED_HTML_CUT},
	{"a forward by Gmail",
	 "FYI<div class=\"gmail_quote\"><div class=\"gmail_attr\">---------- Forwarded message "
	 "---------<br>From: Bank</div></div>",
	 QUOTED_HTML_ALL},
	{"a forward by Thunderbird", "FYI<div class=\"moz-forward-container\">From: Bank</div>",
	 QUOTED_HTML_ALL},
	{"a forward by Apple Mail",
	 "FYI<blockquote type=\"cite\"><div>Begin forwarded message:</div><br><div><b>From: </b>Bank",
	 QUOTED_HTML_ALL},
	{"a reply to a forward",
	 "Paid.|<div class=gmail_quote><div class=gmail_attr>On Mon Bob wrote:</div><blockquote "
	 "class=gmail_quote>---------- Forwarded message ---------<br>From: Bank</blockquote></div>",
	 QUOTED_HTML_CUT},
	{"older mails in Outlook's",
	 "<div class=WordSection1><p>Paid.</p><div><div style='border:none;border-top:solid #E1E1E1 "
	 "1.0pt'><p><b>From:</b> Bob</div></div><blockquote "
	 "type=cite>Pay</blockquote><p>Bob</p></div>|",
	 QUOTED_HTML_NONE},
	{"answers below what was pasted from Outlook",
	 "<div>Hi<div style='border-top:solid #E1E1E1 1.0pt'>From: Bank</div></div>"
	 "<blockquote type=cite>Pay</blockquote><p>Paid</p>",
	 QUOTED_HTML_ALL},
	{"a gateway's notice below",
	 "Hi|<blockquote type=cite>Pay</blockquote><hr><p>This message is <b>confidential</b>.<br>It "
	 "is "
	 "for the intended recipient.</p><p>Virus-free. <a href=https://avg.example>AVG</a></p>",
	 QUOTED_HTML_CUT},
	{"words below a gateway's notice",
	 "Hi<blockquote type=cite>Pay</blockquote><p>This message is confidential and for the intended "
	 "recipient.</p><p>We paid.</p>",
	 QUOTED_HTML_ALL},
	{"a style sheet below", "Hi|<blockquote type=cite>Pay</blockquote><style>a{}</style>",
	 QUOTED_HTML_CUT},
	{"nothing to see below",
	 "Hi|<blockquote type=cite>Pay</blockquote><p>\u200B</p><p>&#8203;&zwnj;</p>", QUOTED_HTML_CUT},
	{"a forward by its subject", "FYI<div id=\"divRplyFwdMsg\">From: Bank</div>", QUOTED_HTML_ALL,
	 "Fw: Advice"},
	{"no mark", "<p>Paid.</p><blockquote>A saying</blockquote>|", QUOTED_HTML_NONE},
	{"a mark in a comment", "Paid.<!-- <blockquote type=cite> -->|", QUOTED_HTML_NONE},
	{"a mark in a style sheet", "<style>a{} <blockquote type=cite></style>Paid.|",
	 QUOTED_HTML_NONE},
	{"a tag that is not closed", "Paid.|<blockquote type=cite", QUOTED_HTML_CUT},
	{"nothing", "|", QUOTED_HTML_NONE},
};

static void
test_html(void)
{
	for (int i = 0; i < lengthof(htmls); i++)
	{
		const Html *test = &htmls[i];
		char *html = pstrdup(test->html);
		char *mark = strchr(html, '|');
		size_t want;
		size_t got;

		if (mark != NULL)
			memmove(mark, mark + 1, strlen(mark));
		want = mark != NULL ? mark - html : strlen(html);
		is_int(quoted_html(html, strlen(html), test->subject, &got), test->want, test->name);
		is_int(got, want, test->name);
		pfree(html);
	}
}

static void
test_mail(void)
{
	static const char *const mails[][2] = {
		{"Subject: Re: x\n\nPaid.\n\nOn 4 May 2026 Bob <b@example.com> wrote:\n> Pay\n",
		 "Paid.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Paid.</p>"
		 "<blockquote type=cite>Pay</blockquote>",
		 "Paid.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<blockquote type=cite>Pay</blockquote>"
		 "<p>On 4 May 2026 at 10:00 I did.</p>",
		 "> Pay\n\nOn 4 May 2026 at 10:00 I did.\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p><a href=https://a.example/>Paid</a>.</p>"
		 "<div class=gmail_quote><div>On Mon Bob wrote:</div><blockquote>Pay</blockquote></div>",
		 "Paid <https://a.example/>.\n\n"},
		/* set in, and not quoted */
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Pay to:</p><blockquote>DE12</blockquote>",
		 "Pay to:\n\n> DE12\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<blockquote>All of it.</blockquote>",
		 "> All of it.\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Pay to:</p><blockquote>DE12</blockquote>"
		 "<div id=appendonsend></div><hr>From: Bob",
		 "Pay to:\n\n> DE12\n\n"},
		/* announced, by a program that leaves no mark */
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Paid.</p><p>On 4 May 2026, Bob wrote:</p>"
		 "<blockquote>Pay</blockquote>",
		 "Paid.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>We have paid.</p><div "
		 "class=\"moz-cite-prefix\">"
		 "On 04.05.2026 10:00, Acme wrote:<br></div><blockquote type=\"cite\">old</blockquote>"
		 "<div class=\"moz-signature\">-- <br>Ann</div>",
		 "We have paid.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>Paid.</p><div><div style='border-top:solid "
		 "1pt'><p><b>From:</b> Acme<br><b>Sent:</b> Monday, May 4, 2026 10:15 AM<br><b>To:</b> Ann"
		 "<br><b>Subject:</b> x</p></div></div><p>Pay</p>",
		 "Paid.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<div><div>Bezahlt.</div><br><div "
		 "name=\"quote\"><div><b>Gesendet:</b>&nbsp;Montag, 04. Mai 2026 um 10:15 "
		 "Uhr<br><b>Von:</b>&nbsp;&quot;Acme&quot; &lt;b@example.com&gt;<br><b>An:</b>&nbsp;"
		 "anna@example.com<br><b>Betreff:</b>&nbsp;x</div><div>Bitte.</div></div></div>",
		 "Bezahlt.\n\n"},
		{"Subject: Re: x\n\nPaid.\n\n-- \nAnn Archer\n", "Paid.\n\n"},
		{"Subject: Fwd: x\nContent-Type: text/html\n\n<p>See</p><div id=divRplyFwdMsg>From:</div>",
		 "See\n\nFrom:\n"},
		{"Subject: Re: x\nContent-Type: text/plain; format=flowed\n\nPaid by our bank, \non time.\n"
		 "\nOn 4 May 2026 \nBob wrote:\n> Pay \n> now\n",
		 "Paid by our bank, on time.\n\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<div class=WordSection1><p>Paid.</p>"
		 "<div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>From:</b> "
		 "Bob &lt;bob@example.com><br><b>Sent:</b> Monday, 4 May 2026 10:00<br><b>To:</b> Ann<br>"
		 "<b>Subject:</b> x</p></div><p>Pay</p><blockquote type=cite>old</blockquote><p>Bob</p>",
		 "Paid.\n\n"},
		{"Subject: Re: x\n\n", ""},
	/* parts side by side, each with what is quoted in it */
#define MIXED "Subject: Re: x\nContent-Type: multipart/mixed; boundary=b\n\n"
#define HTML "--b\nContent-Type: text/html\n\n"
#define PLAIN "--b\nContent-Type: text/plain\n\n"
#define OUTLOOK "<div id=appendonsend></div><hr><div id=divRplyFwdMsg>From: Bob</div>old\n"
		{MIXED HTML "<p>One</p>" OUTLOOK HTML "<p>Two</p>\n--b--",
		 "One\n\nFrom: Bob\nold\n\nTwo\n"},
		{MIXED HTML "<p>One</p>" OUTLOOK HTML "<br>\n--b--", "One\n\n"},
		{MIXED HTML "<p>One</p>\n" HTML OUTLOOK "--b--", "One\n\n"},
		{MIXED HTML "<p>One</p><blockquote type=cite>a</blockquote>\n" HTML
					"<blockquote type=cite>b</blockquote>\n--b--",
		 "One\n\n"},
		{MIXED HTML "<pre>One</pre><pre>" OUTLOOK HTML "<p>Two</p>\n--b--",
		 "One\n\nFrom: Bob\nold\n\nTwo\n"},
		{MIXED PLAIN "One\n\n-----Original Message-----\nold\n" PLAIN "Two\n--b--",
		 "One\n\n-----Original Message-----\nold\nTwo"},
		{MIXED PLAIN "One\n\n-----Original Message-----\nold\n" PLAIN
					 "________________________________\nThe list\nlist@example.com\n--b--",
		 "One\n\n"},
		{MIXED PLAIN "One\n\nOn 4 May 2026 Bob wrote:\n" PLAIN "> old\n--b--", "One\n\n"},
		{MIXED HTML "<p>Pay to:</p><blockquote>DE12</blockquote>\n" PLAIN "Two\n--b--",
		 "Pay to:\n\n> DE12\nTwo"},
		{MIXED HTML "<p>One</p>" OUTLOOK PLAIN "Two\n--b--", "One\n\nFrom: Bob\nold\nTwo"},
		/* a form without words behind the one that has them */
		{"Subject: Re: x\nContent-Type: multipart/alternative; boundary=b\n\n" HTML
		 "<p>One</p><blockquote type=cite>old</blockquote>\n" PLAIN " \n--b--",
		 "One\n\n"},
		/* nothing is new: the answer may stand between the marks */
		{"Subject: Re: x\n\n> Pay INV-17\n> we do not agree\n",
		 "> Pay INV-17\n> we do not agree\n"},
		{"Subject: Re: x\n\n\nOn 4 May 2026 Bob <b@example.com> wrote:\n> Pay INV-17\n> ok, paid\n",
		 "\nOn 4 May 2026 Bob <b@example.com> wrote:\n> Pay INV-17\n> ok, paid\n"},
		{"Subject: Re: x\nContent-Type: text/html\n\n<br><div class=gmail_quote><div "
		 "class=gmail_attr>On Mon Bob wrote:</div><blockquote class=gmail_quote>Pay<p>ok, "
		 "paid</blockquote></div>",
		 "On Mon Bob wrote:\n\n> Pay\n>\n> ok, paid\n"},
		/* what answers nothing has no history */
		{"Subject: New message from the contact form\n\nFrom: Jane <jane@example.com>\n"
		 "Date: 4 May 2026 10:15\nSubject: INV-17\n\nWe have paid.\n",
		 "From: Jane <jane@example.com>\nDate: 4 May 2026 10:15\nSubject: INV-17\n\n"
		 "We have paid.\n"},
		{"Subject: A ticket\n\nHello\n\nJane wrote on 4 May 2026 10:15:\n> We have paid.\n",
		 "Hello\n\nJane wrote on 4 May 2026 10:15:\n> We have paid.\n"},
		{"Subject: A ticket\nIn-Reply-To: <a@example.com>\n\nPaid\n\nOn 4 May 2026 Bob "
		 "<b@example.com> wrote:\n> Pay\n",
		 "Paid\n\n"},
		{"Subject: Re: x\n\nCAUTION: This email originated from outside of the organization.\nDo "
		 "not "
		 "click links unless you recognize the sender.\n\nSent from my iPhone\n\n"
		 "-----Original Message-----\nPay\n\nWe pay on Friday\n",
		 "CAUTION: This email originated from outside of the organization.\nDo not click links "
		 "unless you recognize the sender.\n\nSent from my iPhone\n\n"
		 "-----Original Message-----\nPay\n\nWe pay on Friday\n"},
		{"Subject: Re: x\n\nCAUTION: This email originated from outside, check the sender.\n\n"
		 "Paid.\n\n-----Original Message-----\nPay\n",
		 "CAUTION: This email originated from outside, check the sender.\n\nPaid.\n\n"},
		/* its writer says that the answers are below */
		{"Subject: Re: x\nContent-Type: text/html\n\n<p>My answers in red below.</p>" OUTLOOK,
		 "My answers in red below.\n\nFrom: Bob\nold\n"},
		{"Subject: Re: x\n\nHello, see my remarks below.\n\nOn 4 May 2026 Bob <b@example.com> "
		 "wrote:\n"
		 "> Pay INV-17\n> >> paid on Friday\n",
		 "Hello, see my remarks below.\n\nOn 4 May 2026 Bob <b@example.com> wrote:\n"
		 "> Pay INV-17\n> >> paid on Friday\n"},
	};

	for (int i = 0; i < lengthof(mails); i++)
	{
		MimeMessage *mail = mime_read(mails[i][0], strlen(mails[i][0]));
		char *text = pnstrdup(mail->text, quoted_mail(mail));
		char name[32];

		snprintf(name, sizeof(name), "mail %d", i + 1);
		is(text, mails[i][1], name);
		pfree(text);
		mime_free(mail);
	}
}

/* Texts that look like the beginning of something again and again. */
static void
test_time(void)
{
	static const char *const pieces[] = {
		"\n",
		"a\n",
		">",
		"> a\n",
		"On 4 May 2026 at 10:00, Bob <b@example.com> x\n",
		"On 4 May 2026 at 10:00, Bob <b@example.com> x:\n",
		"From: a@example.com\n",
		"From: a\nTo: b\nDate: c\n",
		"-----Original:-----\n",
		"________________________________\nFrom:\n",
		"--\n",
		"--\na\n",
		"--\nFrom: a@example.com\n",
		"> a\n--\na\nOn 4 May 2026 at 10:00, Bob <b@example.com> x\n",
		"-- \na\n",
		"-- \na\n>b\n",
		"-- \nwe paid on friday\n",
		"we paid on friday ",
		"100.00",
		"$ ",
		"INV:\n> a\n",
		"INV:\n> a\n\n\n",
		"From: a\nSent: 1 May 2026 10:15 1.1.2026\n",
		"From: a\nFoo: 1.00 1,00,00\n",
		"Sent from my iPhone\n",
		":\n",
		"：",
		"\xc2\xa0",
		"a\xc2\xa0",
		"<blockquote type=cite",
		"<div class=gmail_quote>-----",
		"<div class=",
		"<!--",
		"<style>",
		"</",
		"<",
		"<blockquote type=cite></blockquote>&nbsp;",
		"<blockquote type=cite></blockquote><div class=moz-signature>",
	};

	for (int i = 0; i < lengthof(pieces); i++)
	{
		StringInfoData text;
		size_t offset;
		struct timespec before;
		struct timespec after;
		double seconds;

		initStringInfo(&text);
		while (text.len < 25 * 1024 * 1024)
			appendStringInfoString(&text, pieces[i]);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		offset = quoted_offset(text.data, text.len, NULL);
		ok(offset <= text.len, "25 MB of piece %d: text", i + 1);
		quoted_html(text.data, text.len, NULL, &offset);
		ok(offset <= text.len, "25 MB of piece %d: HTML", i + 1);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		seconds = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
		ok(seconds < 1 || getenv("MIME_SLOW") != NULL, "25 MB of piece %d: under a second (%.2f)",
		   i + 1, seconds);
		pfree(text.data);
	}
}

int
main(void)
{
	test_corpus();
	test_attributions();
	test_blocks();
	test_dashes();
	test_subjects();
	test_html();
	test_mail();
	test_time();
	return tap_done();
}
