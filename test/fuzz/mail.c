/*-------------------------------------------------------------------------
 *
 * mail.c
 *	  Fuzz target: a mail, and all that parse_email() asks about it.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/bounce.h"
#include "core/mime.h"
#include "core/quoted.h"
#include "core/report.h"

#define MAX_ADDRESSES 5000
#define MAX_IDS 40
#define MAX_PARTS 1000
#define MAX_HEADERS 2000

static int
see_addresses(const char *what, const MimeAddressList *list)
{
	for (int i = 0; i < list->count; i++)
	{
		must(list->items[i].address != NULL, "%s: no address", what);
		fuzz_text(what, list->items[i].name);
		fuzz_text(what, list->items[i].address);
	}
	return list->count;
}

static void
see_ids(const char *what, const MimeIdList *list)
{
	must(list->count <= MAX_IDS, "%s: %d ids", what, list->count);
	for (int i = 0; i < list->count; i++)
	{
		must(list->ids[i][0] != '\0' && strpbrk(list->ids[i], " \t\r\n<") == NULL,
			 "%s: not an id: %s", what, list->ids[i]);
		fuzz_text(what, list->ids[i]);
	}
}

static void
see_headers(const MimeMessage *mail)
{
	int addresses = 0;

	fuzz_text("Message-ID", mail->message_id);
	see_ids("In-Reply-To", &mail->in_reply_to);
	see_ids("References", &mail->references);
	fuzz_text("Subject", mail->subject);
	must(mail->subject == NULL || strpbrk(mail->subject, "\r\n") == NULL, "a subject of two lines");
	addresses += see_addresses("From", &mail->from);
	addresses += see_addresses("To", &mail->to);
	addresses += see_addresses("Cc", &mail->cc);
	addresses += see_addresses("Reply-To", &mail->reply_to);
	must(addresses <= MAX_ADDRESSES, "%d addresses", addresses);
	if (mail->sender != NULL)
	{
		fuzz_text("Sender", mail->sender->name);
		fuzz_text("Sender", mail->sender->address);
	}
	if (mail->has_date)
	{
		/* parse_email() writes it with four digits for the year and two for hours. */
		must(abs(mail->date_offset) < 100 * 60, "%d minutes off UTC", mail->date_offset);
		must(mail->date > INT64CONST(-62135596800000000) &&
				 mail->date < INT64CONST(253402300800000000),
			 "the date " INT64_FORMAT, mail->date);
		fuzz_saw_number(mail->date);
		fuzz_saw_number(mail->date_offset);
	}
	for (int i = 0; i < mail->delivery_count; i++)
	{
		fuzz_text("delivery", mail->deliveries[i].header);
		fuzz_text("delivery", mail->deliveries[i].address);
	}
	fuzz_text("Return-Path", mail->return_path);
	fuzz_saw_number(mail->received_count);
	fuzz_text("report-type", mail->report_type);

	must(mail->automatic || mail->automatic_reason == NULL, "a reason for nothing");
	fuzz_text("automatic", mail->automatic_reason);
	must(mail->header_count <= MAX_HEADERS, "%d headers", mail->header_count);
	for (int i = 0; i < mail->header_count; i++)
	{
		fuzz_text("header name", mail->headers[i].name);
		fuzz_text("header value", mail->headers[i].value);
		fuzz_text("header decoded", mime_decode_header(mail->headers[i].value));
	}
}

static void
see_bodies(const MimeMessage *mail)
{
	fuzz_media_type(mail->type);
	must(mail->text != NULL && mail->text[mail->text_length] == '\0', "no text");
	fuzz_text_length("text", mail->text, mail->text_length);
	if (mail->html != NULL)
	{
		must(mail->html[mail->html_length] == '\0', "HTML without its end");
		fuzz_text_length("HTML", mail->html, mail->html_length);
	}
	must(mail->html != NULL || !mail->text_from_html, "text from no HTML");
	must(mail->attachment_count <= MAX_PARTS + 100, "%d attachments", mail->attachment_count);
	for (int i = 0; i < mail->attachment_count; i++)
	{
		const MimeAttachment *attachment = &mail->attachments[i];
		StringInfoData found;

		initStringInfo(&found);
		mime_attached_text(attachment->type, attachment->name, attachment->content,
						   attachment->length, &found);
		fuzz_text_length("attached", found.data, found.len);
		must(found.len <= 4096 * 2, "%d bytes of an attachment", found.len);
		pfree(found.data);
		fuzz_file_name(attachment->name);
		fuzz_media_type(attachment->type);
		fuzz_text("Content-ID", attachment->content_id);
		must(attachment->content != NULL && attachment->content[attachment->length] == '\0',
			 "content without its end");
		fuzz_saw(attachment->content, attachment->length);
		fuzz_saw_number(attachment->is_inline);
	}
}

static void
see_original(const ReportOriginal *original)
{
	fuzz_text("Message-ID of the original", original->message_id);
	fuzz_text("envelope of the original", original->envelope_id);
	fuzz_text("headers of the original", original->headers);
	fuzz_text("recipient of the original", original->recipient);
}

static void
see_reports(const MimeMessage *mail)
{
	Bounce *bounce = bounce_read(mail);
	Receipt *receipt = receipt_read(mail);
	Complaint *complaint = complaint_read(mail);
	Delivered *delivered = delivered_read(mail);

	if (bounce != NULL)
	{
		BounceKind worst = BOUNCE_DELAYED;

		must(bounce->recipient_count <= REPORT_MAX_RECIPIENTS, "%d bounced",
			 bounce->recipient_count);
		for (int i = 0; i < bounce->recipient_count; i++)
		{
			const BounceRecipient *recipient = &bounce->recipients[i];

			worst = Max(worst, recipient->kind);
			fuzz_text("kind", bounce_kind_name(recipient->kind));
			fuzz_text("bounced", recipient->address);
			fuzz_text("final", recipient->final);
			fuzz_text("status", recipient->status);
			fuzz_text("diagnostic", recipient->diagnostic);
			fuzz_text("remote", recipient->remote);
		}
		must(bounce->recipient_count == 0 || bounce->kind == worst, "not the worst kind");
		fuzz_text("kind", bounce_kind_name(bounce->kind));
		see_original(&bounce->original);
	}
	if (receipt != NULL)
	{
		fuzz_text("receipt", receipt->address);
		must(receipt->disposition != NULL, "a receipt of what");
		fuzz_text("disposition", receipt->disposition);
		see_original(&receipt->original);
	}
	if (complaint != NULL)
	{
		must(complaint->type != NULL, "a complaint of what");
		fuzz_text("complaint", complaint->type);
		must(complaint->address_count <= REPORT_MAX_RECIPIENTS, "%d complain",
			 complaint->address_count);
		for (int i = 0; i < complaint->address_count; i++)
			fuzz_text("who complains", complaint->addresses[i]);
		fuzz_text("source", complaint->source);
		see_original(&complaint->original);
	}
	if (delivered != NULL)
	{
		must(bounce == NULL, "delivered and bounced");
		must(delivered->action != NULL, "delivered how");
		fuzz_text("action", delivered->action);
		fuzz_text("delivered", delivered->address);
		see_original(&delivered->original);
	}
}

void
fuzz_run(const char *data, size_t size)
{
	MimeMessage *mail = mime_read(data, size);
	StringInfoData names;
	size_t offset;

	see_headers(mail);
	see_bodies(mail);

	initStringInfo(&names);
	mime_defect_names(mail->defects, &names);
	fuzz_text_length("defects", names.data, names.len);
	must((mail->defects == 0) == (names.len == 0), "a defect without a name");

	offset = quoted_mail(mail);
	must(fuzz_boundary(mail->text, mail->text_length, offset), "quoted_mail: %zu of %zu", offset,
		 mail->text_length);
	fuzz_saw_number(offset);
	see_reports(mail);
	mime_free(mail);
}
