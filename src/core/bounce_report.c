/*-------------------------------------------------------------------------
 *
 * bounce_report.c
 *	  Delivery reports in the standard form (RFC 3464, RFC 6533).
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_internal.h"
#include "core/bounce.h"

#include "core/bounce_words.h"
#include "core/quoted_words.h"
#include "core/casefold.h"

#define MAX_FOLD 400 /* bytes of a subject or an address that are compared */

/* What Action says of a mail that arrived, or left for where no report comes from. */
static const char *const successes[] = {"delivered", "relayed", "expanded"};

static const char *const status_types[] = {"message/delivery-status",
										   "message/global-delivery-status", NULL};

/* The fields of one recipient, before they are judged. */
typedef struct Group
{
	char *original;
	char *final;
	char *action;
	char *status;
	char *diagnostic;
	char *remote;
} Group;

/* bounce_add returns a new recipient, NULL where there are too many. */
BounceRecipient *
bounce_add(Bounce *bounce)
{
	BounceRecipient *added;

	if (bounce->recipient_count == REPORT_MAX_RECIPIENTS)
		return NULL;
	if (bounce->recipients == NULL)
		bounce->recipients = palloc(REPORT_MAX_RECIPIENTS * sizeof(BounceRecipient));
	added = &bounce->recipients[bounce->recipient_count++];
	memset(added, 0, sizeof(BounceRecipient));
	return added;
}

/* bounce_sum_up takes the worst of the recipients' kinds. */
void
bounce_sum_up(Bounce *bounce)
{
	for (int i = 0; i < bounce->recipient_count; i++)
		bounce->kind = Max(bounce->kind, bounce->recipients[i].kind);
}

/* status_word returns the code without the comment that may follow. */
static char *
status_word(const char *value)
{
	size_t len = strspn(value, "0123456789.");

	return len >= 5 && len <= 11 ? pnstrdup(value, len) : bounce_find_status(value);
}

/* success_of returns the word for a success in an Action, NULL for any other. */
static const char *
success_of(const char *action)
{
	for (int i = 0; i < lengthof(successes); i++)
	{
		if (pg_strncasecmp(action, successes[i], strlen(successes[i])) == 0)
			return successes[i];
	}
	return NULL;
}

/* end_group judges the recipient that was read. */
static void
end_group(Bounce *bounce, Group *group, Delivered *delivered)
{
	BounceRecipient *recipient;
	const char *action = group->action != NULL ? group->action : "failed";
	const char *success = success_of(action);
	char *address = group->original != NULL ? group->original : group->final;

	if (address == NULL && group->status == NULL && group->action == NULL)
		return;
	if (success != NULL)
	{
		if (delivered->action == NULL)
		{
			delivered->action = pstrdup(success);
			delivered->address = address;
		}
	}
	else if ((recipient = bounce_add(bounce)) != NULL)
	{
		recipient->address = address;
		if (group->original != NULL && group->final != NULL &&
			pg_strcasecmp(group->original, group->final) != 0)
			recipient->final = group->final;
		recipient->status = group->status;
		recipient->diagnostic = group->diagnostic;
		recipient->remote = group->remote;
		if (recipient->status == NULL && recipient->diagnostic != NULL)
			recipient->status = bounce_find_status(recipient->diagnostic);
		recipient->kind = pg_strncasecmp(action, "delayed", 7) == 0 ?
							  BOUNCE_DELAYED :
							  bounce_judge(recipient->status, recipient->diagnostic);
	}
	memset(group, 0, sizeof(Group));
}

static void
read_field(const ReportFields *fields, Group *group, Bounce *bounce)
{
	const char *value = fields->value.data;

	switch (mime_lower(fields->name[0]))
	{
		case 'a':
			if (report_field_is(fields, "action") && group->action == NULL)
				group->action = pnstrdup(value, whole_characters(value, strlen(value), 20));
			break;
		case 'd':
			if (report_field_is(fields, "diagnostic-code") && group->diagnostic == NULL)
				group->diagnostic = report_typed_text(value);
			break;
		case 'f':
			if (report_field_is(fields, "final-recipient") && group->final == NULL)
				group->final = report_typed_address(value);
			break;
		case 'o':
			if (report_field_is(fields, "original-recipient") && group->original == NULL)
				group->original = report_typed_address(value);
			else if (report_field_is(fields, "original-envelope-id") &&
					 bounce->original.envelope_id == NULL)
				bounce->original.envelope_id = report_typed_text(value);
			break;
		case 'r':
			if (report_field_is(fields, "remote-mta") && group->remote == NULL)
				group->remote = report_typed_text(value);
			break;
		case 's':
			if (report_field_is(fields, "status") && group->status == NULL)
				group->status = status_word(value);
			break;
		case 'x':
			/* Where the address is no address of the internet, this one is. */
			if (report_field_is(fields, "x-actual-recipient") && group->final == NULL)
				group->final = report_typed_address(value);
			else if (report_field_is(fields, "x-original-message-id") &&
					 bounce->original.message_id == NULL)
				bounce->original.message_id = report_id(value);
			break;
		default:
			break;
	}
}

/* read_status reads the fields: the message's, then each recipient's. */
static void
read_status(const MimeAttachment *part, Bounce *bounce, Delivered *delivered)
{
	ReportFields fields;
	Group group = {0};

	report_fields_begin(&fields, part->content, part->length);
	while (report_fields_next(&fields))
	{
		/* Some forget the blank line between two recipients. */
		if (fields.new_group ||
			(report_field_is(&fields, "final-recipient") && group.final != NULL))
			end_group(bounce, &group, delivered);
		read_field(&fields, &group, bounce);
	}
	end_group(bounce, &group, delivered);
	report_fields_end(&fields);
}

/* fold puts a text in lower case, as far as it is compared. */
static const char *
fold(StringInfo out, const char *text)
{
	return casefold_head(out, text, strlen(text), MAX_FOLD);
}

/*
 * is_attached: a person who attaches a report has something to say about it.
 * Some mail systems send theirs as multipart/mixed, from an address like
 * postmaster's; a postmaster who writes to somebody answers, or passes it on.
 */
static bool
is_attached(const MimeMessage *mail)
{
	const char *subject = mail->subject != NULL ? mail->subject : "";
	StringInfoData folded;
	bool machine;

	if ((mail->automatic && !mail->by_list) || strcmp(mail->type, "multipart/report") == 0)
		return false;
	initStringInfo(&folded);
	machine = bounce_is_from_system(mail);
	if (!machine && bounce_is_unread(fold(&folded, mail->from.items[0].address)))
		machine = bounce_is_subject(fold(&folded, subject));
	if (machine)
		machine = !quoted_is_answer(fold(&folded, subject));
	pfree(folded.data);
	return !machine;
}

/* end_original completes what the report itself says of the mail it is about. */
static void
end_original(const MimeMessage *mail, ReportOriginal *original)
{
	report_original(mail, original);
	if (original->message_id == NULL && mail->in_reply_to.count > 0)
		original->message_id = pstrdup(mail->in_reply_to.ids[0]);
}

/*
 * bounce_read reads a bounce, in whatever form.
 */
Bounce *
bounce_read(const MimeMessage *mail)
{
	const MimeAttachment *part = report_part(mail, status_types);
	Delivered delivered = {0};
	Bounce *bounce;

	if (part != NULL && is_attached(mail))
		return NULL;
	if (part == NULL)
		return bounce_read_text(mail);

	bounce = palloc0(sizeof(Bounce));
	bounce->standard = true;
	read_status(part, bounce, &delivered);
	if (bounce->recipient_count == 0)
	{
		/* All was delivered; or nothing could be read, and the text may tell. */
		pfree(bounce);
		return delivered.action != NULL ? NULL : bounce_read_text(mail);
	}
	bounce_sum_up(bounce);
	end_original(mail, &bounce->original);
	return bounce;
}

/*
 * delivered_read reads a report of success.
 */
Delivered *
delivered_read(const MimeMessage *mail)
{
	const MimeAttachment *part = report_part(mail, status_types);
	Bounce bounce = {0};
	Delivered *delivered;

	if (part == NULL || is_attached(mail))
		return NULL;
	delivered = palloc0(sizeof(Delivered));
	read_status(part, &bounce, delivered);
	if (bounce.recipient_count > 0 || delivered->action == NULL)
		return NULL;
	delivered->original = bounce.original;
	end_original(mail, &delivered->original);
	return delivered;
}
