/*-------------------------------------------------------------------------
 *
 * report.h
 *	  Reports that machines send about a mail of ours: receipts (RFC 8098) and
 *	  complaints (RFC 5965), and what reading them has in common with bounces.
 *
 * What is returned is valid UTF-8 and made by palloc; it does not refer to the
 * mail it was read from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_REPORT_H
#define AR_INBOX_REPORT_H

#include "core/core.h"
#include "core/mime.h"

/* A report names no more recipients than this; the rest is not looked at. */
#define REPORT_MAX_RECIPIENTS 1000

/* The mail that a report is about, as far as the report holds it. */
typedef struct ReportOriginal
{
	char *message_id;  /* NULL where it is not known */
	char *envelope_id; /* likewise; never set by the returned mail itself */
	char *headers;	   /* the returned mail's, NULL where none came back */
	char *recipient;   /* the first of its To */
} ReportOriginal;

/* That a mail was seen, deleted, …: an event on that mail. */
typedef struct Receipt
{
	char *address;	   /* whose mailbox, NULL where it is not said */
	char *disposition; /* displayed, deleted, processed, … in lower case */
	bool automatic;	   /* sent without its owner's doing */
	ReportOriginal original;
} Receipt;

/* That somebody does not want our mail. */
typedef struct Complaint
{
	char *type; /* abuse, fraud, opt-out, … in lower case */
	int address_count;
	char **addresses; /* who complained; none where it is kept from us */
	char *source;	  /* the sending host it names, or NULL */
	ReportOriginal original;
} Complaint;

/* NULL: the mail is none. */
extern Receipt *receipt_read(const MimeMessage *mail);
extern Complaint *complaint_read(const MimeMessage *mail);

/* The fields of a report's machine-readable part, one after the other. */
typedef struct ReportFields
{
	const char *next;
	const char *end;
	StringInfoData text;  /* all of it, clean UTF-8 */
	StringInfoData value; /* of the field read last, unfolded */
	const char *name;
	size_t name_len;
	bool new_group; /* a blank line came before it */
} ReportFields;

extern const MimeAttachment *report_part(const MimeMessage *mail, const char *const *types);
extern void report_fields_begin(ReportFields *fields, const char *data, size_t len);
extern bool report_fields_next(ReportFields *fields);
extern bool report_field_is(const ReportFields *fields, const char *name);
extern void report_fields_end(ReportFields *fields);
extern char *report_typed_address(const char *value);
extern char *report_typed_text(const char *value);
extern char *report_id(const char *value);
extern void report_original(const MimeMessage *mail, ReportOriginal *original);

#endif /* AR_INBOX_REPORT_H */
