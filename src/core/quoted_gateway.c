/*-------------------------------------------------------------------------
 *
 * quoted_gateway.c
 *	  What gateways and scanners put above and below a mail, which nobody wrote.
 *
 * They warn of what comes from outside, say that a mail is confidential, or that
 * it was looked at.  Two words of one paragraph tell them from what people say.
 *
 *-------------------------------------------------------------------------
 */
#include "core/casefold.h"
#include "core/quoted_lines.h"
#include "core/quoted_words.h"

#define MAX_BANNER 1000 /* bytes of a warning */
#define MAX_NOTICE 6000 /* and of what stands below a mail */

/* What a gateway writes above a mail: two words of one paragraph. */
static const char *const banners[] = {
	"external",	 "outside",		"often get", "originated", "extern",	"außerhalb",   "nicht oft",
	"extérieur", "pas souvent", "fuera de",	 "no suele",   "esterno",	"all'esterno", "buiten",
	"niet vaak", "utanför",		"udenfor",	 "utenfor",	   "zewnętrzn", "外部"};
static const char *const warned[] = {
	"caution",	"sender",	"organi",	  "links",	   "attachment",   "absender",
	"anhäng",	"vorsicht", "expéditeur", "pièces",	   "remitente",	   "organización",
	"mittente", "allegat",	"afzender",	  "bijlage",   "avsändar",	   "afsender",
	"avsender", "nadawc",	"email from", "mail from", "message from", "e-mail von",
	"mail von", "发件人",	"链接",		  "送信者"};

/* A notice says so, and for whom the mail is. */
static const char *const secrets[] = {
	"confidential", "privileged",	 "vertraulich", "confidentiel", "confidencial", "riservat",
	"confidenzial", "vertrouwelijk", "konfiden",	"luottamuks",	"poufn",		"důvěrn",
	"dôvern",		"bizalmas",		 "конфиденц",	"конфіденц",	"gizli",		"εμπιστευτικ",
	"机密",			"機密",			 "保密",		"기밀"};
static const char *const readers[] = {
	"recipient",	"addressee", "addressed to", "empfänger", "adressat",  "destinat",
	"geadresseerd", "ontvanger", "mottagar",	 "mottaker",  "modtager",  "vastaanottaj",
	"adresat",		"odbiorc",	 "příjemc",		 "príjemc",	  "címzett",   "получател",
	"адресат",		"одержувач", "alıcı",		 "αποδέκτη",  "παραλήπτη", "收件人",
	"受信者",		"수신인"};

/* How its first line begins, unless it has one of these already. */
static const char *const openings[] = {
	"this e-mail",	   "this email",	"this message",		"this communication",
	"the information", "the contents",	"disclaimer",		"important notice",
	"diese e-mail",	   "diese mail",	"diese nachricht",	"der inhalt",
	"ce message",	   "ce courriel",	"cet e-mail",		"este mensaje",
	"este correo",	   "esta mensagem", "este e-mail",		"questo messaggio",
	"questa e-mail",   "questa email",	"le informazioni",	"dit bericht",
	"deze e-mail",	   "de informatie", "detta meddelande", "denne e-mail",
	"denna e-post",	   "denne e-post",	"tämä sähköposti",	"ta wiadomość",
	"niniejsza",	   "tento e-mail",	"tato zpráva",		"táto správa",
	"ez az e-mail",	   "данное",		"это сообщение",	"bu e-posta",
	"το παρόν",		   "本邮件",		"本郵件",			"本メール",
	"이 메일"};

/* quoted_says_scanned: a program that looks for viruses names itself. */
bool
quoted_says_scanned(const char *folded)
{
	static const char *const programs[] = {"avast",		  "avg",  "symantec", "norton",
										   "kaspersky",	  "eset", "mcafee",	  "sophos",
										   "bitdefender", "www."};

	return (strstr(folded, "virus") != NULL || strstr(folded, "вирус") != NULL) &&
		   folded_has_any(folded, programs, lengthof(programs));
}

/* is_banner: a paragraph that warns of what comes from outside. */
static bool
is_banner(const char *folded)
{
	return folded_has_any(folded, banners, lengthof(banners)) &&
		   folded_has_any(folded, warned, lengthof(warned));
}

/*
 * is_notice: a paragraph that tells who may read the mail, or that it was scanned,
 * from its first line on: what a person wrote may stand right above.
 */
static bool
is_notice(StringInfo buffer, MimeSlice paragraph)
{
	const char *newline = memchr(paragraph.data, '\n', paragraph.len);
	const char *folded =
		casefold_head(buffer, paragraph.data,
					  newline != NULL ? newline - paragraph.data : paragraph.len, MAX_NOTICE);

	if (quoted_says_scanned(folded))
		return newline == NULL;
	if (!folded_begins_any(folded, openings, lengthof(openings)) &&
		!folded_has_any(folded, secrets, lengthof(secrets)) &&
		!folded_has_any(folded, readers, lengthof(readers)))
		return false;
	folded = casefold_head(buffer, paragraph.data, paragraph.len, MAX_NOTICE);
	return folded_has_any(folded, secrets, lengthof(secrets)) &&
		   folded_has_any(folded, readers, lengthof(readers));
}

/* next_paragraph goes over the lines up to a blank one. */
static MimeSlice
next_paragraph(const char **p, const char *end)
{
	MimeSlice paragraph = {*p, 0};

	while (*p < end)
	{
		QuotedLine line = quoted_line(*p, end, end - *p);

		if (line.text.len == 0 && paragraph.len > 0)
			break;
		*p = line.next;
		if (line.text.len == 0)
			continue;
		if (paragraph.len == 0)
			paragraph.data = line.text.data;
		paragraph.len = line.text.data + line.text.len - paragraph.data;
	}
	return paragraph;
}

/*
 * quoted_is_notice: nothing but such paragraphs, and lines across the page.
 */
bool
quoted_is_notice(const char *text, size_t len)
{
	const char *end = text + len;
	const char *p = text;
	StringInfoData buffer;
	bool result = true;

	if (len > MAX_NOTICE)
		return false;
	initStringInfo(&buffer);
	while (p < end && result)
	{
		MimeSlice paragraph = next_paragraph(&p, end);

		result = paragraph.len == 0 || quoted_is_rule(paragraph) || is_notice(&buffer, paragraph);
	}
	pfree(buffer.data);
	return result;
}

/*
 * quoted_says_nothing: there is no more in it than what programs write above a
 * mail: a warning in the first paragraph, and what the mail was sent from.
 */
bool
quoted_says_nothing(const char *text, size_t len)
{
	const char *end = text + len;
	const char *p = text;
	StringInfoData buffer;
	bool first = true;
	bool result = true;

	if (len > MAX_BANNER)
		return false;
	initStringInfo(&buffer);
	while (p < end && result)
	{
		MimeSlice paragraph = next_paragraph(&p, end);

		if (paragraph.len == 0 || mime_blank(paragraph.data, paragraph.len) ||
			quoted_is_device(&buffer, paragraph))
			continue;
		result =
			first && is_banner(casefold_head(&buffer, paragraph.data, paragraph.len, MAX_BANNER));
		first = false;
	}
	pfree(buffer.data);
	return result;
}
