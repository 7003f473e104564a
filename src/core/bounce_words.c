/*-------------------------------------------------------------------------
 *
 * bounce_words.c
 *	  The words of delivery reports that are written for people only.
 *
 *-------------------------------------------------------------------------
 */
#include "core/bounce_words.h"

#include "core/casefold.h"

/* What such reports call themselves: in the subject, or as their first words. */
static const char *const subjects[] = {"undelivered mail",
									   "undeliverable",
									   "undeliverable mail",
									   "mail delivery failed",
									   "mail delivery failure",
									   "mail delivery problem",
									   "mail delivery error",
									   "mail system error",
									   "mail delivery status",
									   "delivery status notification",
									   "delivery failure",
									   "delivery failed",
									   "delivery notification",
									   "delivery error",
									   "delivery report",
									   "delivery problem",
									   "delivery incomplete",
									   "delayed mail",
									   "delivery delayed",
									   "failure notice",
									   "returned mail",
									   "returned to sender",
									   "non delivery",
									   "non-delivery",
									   "nondeliverable",
									   "could not send message",
									   "message not delivered",
									   "message undeliverable",
									   "message delivery failure",
									   "mail could not be delivered",
									   "message status - undeliverable",
									   "warning: message",
									   "warning: could not send",
									   "permanent delivery failure",
									   "permanent error",
									   "email delivery failure",
									   "unzustellbar",
									   "nicht zustellbar",
									   "zustellung fehlgeschlagen",
									   "fehlgeschlagene zustellung",
									   "unzustellbare",
									   "non remis",
									   "échec de la remise",
									   "échec de remise",
									   "impossible de remettre",
									   "no se puede entregar",
									   "no entregado",
									   "error de entrega",
									   "non recapitabile",
									   "mancato recapito",
									   "onbestelbaar",
									   "niet bezorgd",
									   "não foi possível entregar",
									   "não entregue",
									   "não é possível entregar",
									   "niedostarczalne",
									   "kan inte levereras",
									   "kunne ikke leveres",
									   "niedostarczona",
									   "nedoručiteln",
									   "не доставлено",
									   "недоставлен",
									   "不能投递",
									   "退信",
									   "未送达",
									   "无法送达",
									   "投递失败",
									   "無法傳遞",
									   "無法投遞",
									   "配信不能",
									   "配信できません",
									   "送信できません",
									   "配信エラー",
									   "送信エラー"};

/* These, too, but people write them of goods: only a mail system is believed. */
static const char *const system_subjects[] = {
	"kan ikke leveres:", "toimittamaton:", "kézbesíthetetlen:", "teslim edilemedi:"};

static const char *const openings[] = {"hi. this is the",
									   "this is the mail system at",
									   "this is the postfix program",
									   "this is the qmail",
									   "this message was created automatically by mail delivery",
									   "delivery to the following recipient",
									   "delivery has failed to these",
									   "your message did not reach",
									   "your message wasn't delivered",
									   "your message wasn’t delivered",
									   "your message couldn't be delivered",
									   "your message could not be delivered",
									   "could not be delivered to",
									   "couldn't be delivered",
									   "couldn’t be delivered",
									   "was not delivered to",
									   "wasn't delivered to",
									   "wasn’t delivered to",
									   "unable to deliver your message",
									   "unable to deliver message",
									   "not able to deliver",
									   "we were unable to deliver",
									   "i was unable to deliver",
									   "i wasn't able to deliver",
									   "the following addresses had",
									   "the following address failed",
									   "the following address(es) failed",
									   "the following recipient(s) could",
									   "recipients of your message",
									   "could not be delivered",
									   "has not been delivered",
									   "cannot be delivered",
									   "the attached message had permanent",
									   "the following message to",
									   "undeliverable to",
									   "failed address:",
									   "message could not be sent to",
									   "konnte nicht zugestellt werden",
									   "konnte leider nicht zugestellt",
									   "n'a pas pu être remis",
									   "n'a pas pu être délivré",
									   "no se pudo entregar",
									   "no se ha podido entregar",
									   "impossibile recapitare",
									   "non è stato consegnato",
									   "kon niet worden bezorgd",
									   "kan niet worden bezorgd",
									   "não foi possível entregar",
									   "nie można dostarczyć",
									   "gick inte att leverera",
									   "не может быть доставлено",
									   "не удалось доставить",
									   "退信原因",
									   "无法送达",
									   "無法送達",
									   "投递失败",
									   "送信できません",
									   "配信できません",
									   "お届けできません"};

/* That it arrived after all; none of them with a "not" in it. */
static const char *const deliveries[] = {"(success)",
										 "successfully",
										 "was delivered",
										 "were delivered",
										 "has been delivered",
										 "have been delivered",
										 "is complete, but no delivery notification",
										 "erfolgreich",
										 "wurde zugestellt",
										 "a été remis",
										 "a bien été",
										 "correctamente",
										 "correttamente",
										 "com êxito",
										 "com sucesso",
										 "is bezorgd",
										 "dostarczono",
										 "успешно",
										 "доставлено получател",
										 "投递成功",
										 "成功送达",
										 "配信されました"};

/* Where a copy of the mail begins. */
static const char *const copies[] = {"below this line is a copy",
									 "this is a copy of",
									 "this is a copy of your message",
									 "original message follows",
									 "original message headers",
									 "original message header",
									 "original message ---",
									 "--- original message",
									 "message header follows",
									 "message headers follow",
									 "unsent message",
									 "returned message",
									 "your original message",
									 "the original message was received",
									 "text of your message",
									 "headers of the original",
									 "header of the original",
									 "the header of your",
									 "start of returned message",
									 "undelivered message follows",
									 "message contents follow",
									 "----- original",
									 "ursprüngliche nachricht",
									 "message d'origine",
									 "copy of your message"};

/* Sentences with the address in them, where it is no line of its own. */
static const char *const sentences[] = {"your message to",
										"wasn't delivered to",
										"wasn’t delivered to",
										"was not delivered to",
										"failed address:",
										"failed recipient:",
										"recipient address:",
										"recipient:",
										"empfänger:",
										"empfängeradresse:",
										"destinataire:",
										"destinataire :",
										"destinatario:",
										"destinatário:",
										"ontvanger:",
										"geadresseerde:",
										"odbiorca:",
										"mottagare:",
										"mottaker:",
										"modtager:",
										"vastaanottaja:",
										"příjemce:",
										"címzett:",
										"alıcı:",
										"получатель:",
										"одержувач:",
										"undeliverable to",
										"delivery to",
										"could not be delivered to",
										"couldn't be delivered to",
										"couldn’t be delivered to",
										"user mailbox exceeds",
										"unknown user:",
										"user unknown:",
										"no such user:",
										"message could not be sent to",
										"delivering your message to",
										"deliver message to",
										"message to the following recipient",
										"recipient's address:",
										"nachricht an",
										"votre message à",
										"su mensaje a",
										"the following message to",
										"entregar el mensaje a",
										"recapitare il messaggio a",
										"consegnato a",
										"uw bericht aan",
										"não foi possível entregar",
										"dostarczyć wiadomości do",
										"leverera meddelandet till",
										"mailbox unknown:",
										"rcpt to:",
										"收件人",
										"收件者",
										"邮件地址",
										"郵件地址",
										"宛先",
										"送信先"};

/*
 * Before the address of somebody who may help, or who is to be written to
 * instead.  Names of people and offices ("Contact Point", "Helpdesk") are none:
 * they stand before addresses that failed, too.
 */
static const char *const requests[] = {"please contact",
									   "contact your ",
									   "contact the ",
									   "contact our ",
									   "contact us",
									   "contact support",
									   " to contact ",
									   ", contact ",
									   " and contact ",
									   " or contact ",
									   " domain contact ",
									   "assistance",
									   " for help",
									   " need help",
									   " for support",
									   " questions",
									   " in touch with",
									   " write to ",
									   "write your message to",
									   "send your message to",
									   "please email",
									   "please e-mail",
									   "please try ",
									   "please use ",
									   "report this to",
									   "new address",
									   "wenden sie sich",
									   "wende dich",
									   "kontaktieren",
									   "kontaktiere ",
									   "kontakt auf",
									   "kontakt mit",
									   "bei fragen",
									   "bei rückfragen",
									   "hilfe",
									   "neue adresse",
									   "contacter",
									   "contactez",
									   "adressez",
									   "nouvelle adresse",
									   "contacto con",
									   "contacte ",
									   "contactar",
									   "diríjase",
									   "contattare",
									   "contatta ",
									   "contatti ",
									   "rivolg",
									   "assistenza",
									   "contact op",
									   "neem contact",
									   "em contato",
									   "em contacto",
									   "contate ",
									   "skontaktuj",
									   "skontaktować",
									   "kontakta ",
									   "kontakt din",
									   "kontakt med",
									   "kontakte ",
									   "kontaktujte",
									   "obraťte se",
									   "obráťte sa",
									   "forduljon",
									   "kapcsolatba",
									   "yhteyttä",
									   "iletişime",
									   "başvurun",
									   "contactați",
									   "επικοινων",
									   "обратитесь",
									   "обращайтесь",
									   "свяжитесь",
									   "зверніться",
									   "зв'яжіться",
									   "联系",
									   "聯絡",
									   "聯繫",
									   "咨询",
									   "問い合わせ",
									   "問合せ",
									   "連絡",
									   "문의",
									   "연락"};

/* What comes before the reason, on the same line or on the one above. */
static const char *const reason_heads[] = {"the error that the other server returned was",
										   "the response from the remote server was",
										   "the response was",
										   "remote server returned",
										   "remote server replied",
										   "because:",
										   "the reason for the problem",
										   "(reason:",
										   "reason:",
										   "reason given",
										   "diagnostic code",
										   "technical details of permanent failure",
										   "session transcript",
										   "transcript of session",
										   "error message:",
										   "smtp error from remote"};

/* Mailboxes of machines: what comes behind such a word is no letter, but for "s". */
static const char *const daemons[] = {
	"mailer-daemon", "postmaster",	  "mail-daemon", "maildaemon", "mdaemon", "mmdf",
	"mailerdaemon",	 "mail.delivery", "bounce",		 "no-reply",   "noreply", "autoreply"};

/* Microsoft puts a number of its own behind this. */
#define MICROSOFT "microsoftexchange"

/* Those of them that write about nothing else. */
static const char *const mail_systems[] = {"mailer-daemon", "postmaster@", "mail-daemon@",
										   "maildaemon@",	"mdaemon@",	   "mmdf@",
										   "mailerdaemon@", MICROSOFT};

/* bounce_is_subject: the subject of such a report. */
bool
bounce_is_subject(const char *folded)
{
	return folded_has_any(folded, subjects, lengthof(subjects));
}

/* bounce_is_system_subject: such a subject, where a mail system wrote it. */
bool
bounce_is_system_subject(const char *folded)
{
	return folded_has_any(folded, system_subjects, lengthof(system_subjects));
}

/* bounce_is_opening: its first words. */
bool
bounce_is_opening(const char *folded)
{
	return folded_has_any(folded, openings, lengthof(openings));
}

/* bounce_says_delivered: words for a mail that arrived. */
bool
bounce_says_delivered(const char *folded)
{
	return folded_has_any(folded, deliveries, lengthof(deliveries));
}

/* bounce_is_copy: the line before a copy of the mail. */
bool
bounce_is_copy(const char *folded)
{
	return folded_has_any(folded, copies, lengthof(copies));
}

/* bounce_is_sentence: a line with the address in it. */
bool
bounce_is_sentence(const char *folded)
{
	return folded_has_any(folded, sentences, lengthof(sentences));
}

/* bounce_is_request: a sentence, with blanks around it, that an address is the end of. */
bool
bounce_is_request(const char *folded)
{
	return folded_has_any(folded, requests, lengthof(requests));
}

/* bounce_is_reason_head: a line before the reason, or with it. */
bool
bounce_is_reason_head(const char *folded)
{
	return folded_has_any(folded, reason_heads, lengthof(reason_heads));
}

/* bounce_is_daemon: the address of a machine. */
bool
bounce_is_daemon(const char *folded)
{
	for (int i = 0; i < lengthof(daemons); i++)
	{
		const char *rest = folded + strlen(daemons[i]);

		if (strncmp(folded, daemons[i], strlen(daemons[i])) != 0)
			continue;
		if (*rest == 's')
			rest++;
		if (*rest < 'a' || *rest > 'z')
			return true;
	}
	return strncmp(folded, MICROSOFT, strlen(MICROSOFT)) == 0;
}

/* bounce_is_unread: an address that nobody writes from; what for, it does not say. */
bool
bounce_is_unread(const char *folded)
{
	static const char *const unread[] = {"noreply@", "no-reply@"};

	return folded_begins_any(folded, unread, lengthof(unread));
}

/* bounce_is_mail_system: the address of one that sends nothing else. */
bool
bounce_is_mail_system(const char *folded)
{
	return folded_begins_any(folded, mail_systems, lengthof(mail_systems));
}
