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
    attachment_contents bytea[],
    attachment_content_ids text[],
    attachment_inline boolean[],
    reply_to_names text[],
    reply_to_addresses text[],
    new_text_length integer,
    report_kind text,
    report jsonb,
    conversation text
);
comment on type ar_inbox_internal.parsed_message is 'What the reader finds in a message; texts are decoded, ids without their angle brackets.';

create function ar_inbox_internal.parse_message(message bytea)
returns ar_inbox_internal.parsed_message
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_parse_message';

comment on function ar_inbox_internal.parse_message(bytea) is
'Reads a message (RFC 5322, 2045-2049, 2047, 2231). Never raises for what a sender wrote: what is wrong with it is in defects. message_id NULL: it has none; sent_at NULL: it has no usable Date; new_text_length in characters, NULL: all of the text is new; report_kind: bounce, delay, receipt or complaint; conversation: a name for Outlook''s conversation, from Thread-Index.';

create function ar_inbox_internal.build_message(message_id text, sent_at timestamptz,
    from_name text, from_address text, reply_to text, to_addresses text[], cc_addresses text[],
    subject text, body_text text, body_html text, in_reply_to text, reference_ids text[],
    automatic boolean)
returns bytea
language c immutable parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_build_message';

comment on function ar_inbox_internal.build_message(text, timestamptz, text, text, text, text[], text[], text, text, text, text, text[], boolean) is
'Writes a message (RFC 5322, MIME) as it will be handed off: 7-bit, lines ended by CR LF. automatic: adds Auto-Submitted (RFC 3834) and X-Auto-Response-Suppress.';
