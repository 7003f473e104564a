-- Mail as bytes: reading and writing messages (src/functions/mail.c).

create type ar_inbox_internal.parsed_message as (
    message_id text,
    in_reply_to text[],
    reference_ids text[],
    subject text,
    from_name text,
    from_address text,
    to_names text[],
    to_addresses text[],
    cc_names text[],
    cc_addresses text[],
    delivered_to text[],
    sent_at timestamptz,
    body_text text,
    body_html text,
    automatic boolean,
    received_count integer,
    defects text[],
    attachment_names text[],
    attachment_types text[],
    attachment_content_ids text[],
    attachment_inline boolean[],
    reply_to_names text[],
    reply_to_addresses text[],
    new_text_length integer,
    report_kind text,
    report jsonb,
    conversation text,
    candidates text[],
    recipient_fields text[],
    recipient_positions integer[],
    recipient_names text[],
    recipient_addresses text[],
    return_path text,
    from_mail_system boolean,
    protection text,
    attached_text text,
    list_id text
);
comment on type ar_inbox_internal.parsed_message is 'What the reader finds in a message; texts are decoded, ids without their angle brackets.';

create function ar_inbox_internal.in_memory(message bytea)
returns bytea
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_in_memory';

comment on function ar_inbox_internal.in_memory(bytea) is
'The same bytes: fetched and unpacked once, where they come out of a table, for all who look at them then.';

create function ar_inbox_internal.parse_message(message bytea)
returns ar_inbox_internal.parsed_message
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_parse_message';

comment on function ar_inbox_internal.parse_message(bytea) is
'Reads a message (RFC 5322, 2045-2049, 2047, 2231). Never raises for what a sender wrote: what is wrong with it is in defects. message_id NULL: it has none; sent_at NULL: it has no usable Date; body_html NULL also where it is over what sanitize_html() takes; new_text_length in characters, NULL: all of the text is new; report_kind: bounce, delay, receipt, complaint or delivered (a report that nothing but success is in); conversation: a name for Outlook''s conversation, from Thread-Index; candidates: to whom it was sent, by the mail servers'' account first (at most 500, freed of SRS and BATV); recipient_*: the valid addresses of To, Cc and Reply-To; return_path: empty for <>, NULL where the mail server wrote none; from_mail_system: by its From, that of a program that writes about deliveries only, or none at all; protection: smime or openpgp, NULL: nothing keeps it from being read; where there is no text because of that, body_text says so; attached_text: attached_text() of its files, of the first 20 messages and events, NULL also for a report; list_id: of the mailing list (RFC 2919) that is the only reason for automatic.';

create function ar_inbox_internal.has_attached_text(type text, name text)
returns boolean
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_has_attached_text';

comment on function ar_inbox_internal.has_attached_text(text, text) is
'Whether a file of this type and name is a message or an event, which attached_text() is for.';

create function ar_inbox_internal.attached_text(type text, name text, content bytea)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_attached_text';

comment on function ar_inbox_internal.attached_text(text, text, bytea) is
'What a file is found by: of a message its subject and how its text begins, of an event (text/calendar) its title, place and description; 4 kB at most, out of the first 64 kB. NULL: it is neither, or has nothing of it.';

create function ar_inbox_internal.message_attachments(message bytea)
returns table ("position" integer, name text, type text, content bytea, content_id text, is_inline boolean)
language c immutable strict parallel safe rows 3
as 'MODULE_PATHNAME', 'ar_inbox_message_attachments';

comment on function ar_inbox_internal.message_attachments(bytea) is
'The attachments of a message in their order, with their bytes; as parse_message() lists them. One at a time, so that a large message does not take many times its size.';

create function ar_inbox_internal.build_message(message_id text, sent_at timestamptz,
    from_name text, from_address text, reply_to text, to_addresses text[], cc_addresses text[],
    subject text, body_text text, body_html text, in_reply_to text, reference_ids text[],
    automatic boolean, attachment_names text[] = null, attachment_types text[] = null,
    attachment_contents bytea[] = null, tracking_image text = null)
returns bytea
language c immutable parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_build_message';

comment on function ar_inbox_internal.build_message(text, timestamptz, text, text, text, text[], text[], text, text, text, text, text[], boolean, text[], text[], bytea[], text) is
'Writes a message (RFC 5322, MIME) as it will be handed off: 7-bit, lines ended by CR LF. automatic: adds Auto-Submitted (RFC 3834) and X-Auto-Response-Suppress. The files attached are those of attachment_contents, in their order; attachment_names and attachment_types are NULL or have as many elements, each of which may be NULL (no name; application/octet-stream, also where a type is malformed). tracking_image: the URL of an image of one pixel at the end of the HTML, where there is HTML. Errors: 22004 for a NULL Message-ID, date, sender or content; 22023 for a wrong number of names or types, or a URL that is not http or https; 54000 for over 500 MB.';

create function ar_inbox_internal.authentication_results(message bytea, trusted text[])
returns jsonb
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_authentication_results';

comment on function ar_inbox_internal.authentication_results(bytea, text[]) is
'What the company''s own mail servers report on who sent a message (RFC 8601): {"spf": {"result": "pass", "smtp.mailfrom": …}, "dkim": [{"result": …, "header.d": …}, …], "dmarc": {…}, …}, methods and property names in lower case. trusted: the names (authserv-ids) these servers sign with; a domain covers, as the writers of Received fields, the hosts below it. Only Authentication-Results fields of those names above the first Received field of another server are believed; the uppermost has the say on each method. NULL if there is none; {} if all they say is that nothing was checked. Reads only the header.';

create function ar_inbox_internal.mbox_messages(mbox bytea)
returns table ("position" integer, message bytea, postmark_at timestamptz)
language c immutable strict parallel safe rows 1000
as 'MODULE_PATHNAME', 'ar_inbox_mbox_messages';

comment on function ar_inbox_internal.mbox_messages(bytea) is
'The messages in a mailbox file (RFC 4155; mboxo, mboxrd, mboxcl; lines ended by LF or CR LF), in their order: position counts from 1, message is without its "From " line and with lines ">From " unquoted, postmark_at is the moment the "From " line says (UTC where it names no zone), NULL if it cannot be read. Content-Length is not believed. Never raises for what is in the file; what begins without a "From " line is a message too.';
