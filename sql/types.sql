-- The enumerations; where text is easier to deal with, a domain: a check of a table
-- is read and planned again by each statement that writes, a domain's only once.

create type ar_inbox.thread_status as enum ('open', 'pending', 'closed');
comment on type ar_inbox.thread_status is
'Where a conversation stands: open (somebody must act), pending (waiting for somebody else), closed.';

create type ar_inbox.document_kind as enum
    ('invoice', 'estimate', 'credit_note', 'payment_receipt', 'statement');
comment on type ar_inbox.document_kind is 'What a document is.';

create type ar_inbox.document_status as enum ('draft', 'issued', 'paid', 'closed', 'voided');
comment on type ar_inbox.document_status is
'What is stored of a document''s life: draft, issued, paid in full, closed with a balance left, voided.';

create type ar_inbox.invoice_status as enum
    ('draft', 'not_sent', 'sent', 'past_due', 'paid', 'closed', 'voided');
comment on type ar_inbox.invoice_status is
'What a reader is told of an invoice at a moment: the stored status, and for an issued one whether it was sent and whether it is past due.';

create type ar_inbox.channel as enum ('email', 'letter', 'sms');
comment on type ar_inbox.channel is 'How a message reaches a customer.';

create type ar_inbox.step_trigger as enum
    ('on_issue', 'after_issue', 'before_due', 'after_due', 'on_date', 'repeat');
comment on type ar_inbox.step_trigger is 'What a chasing step counts its date from.';

create type ar_inbox.step_state as enum
    ('scheduled', 'sending', 'sent', 'failed', 'skipped', 'withheld', 'cancelled');
comment on type ar_inbox.step_state is
'What became of a chasing step: scheduled; sending (its messages are queued or in flight); then sent, failed, skipped, withheld or cancelled, each with its reason.';

create type ar_inbox.delivery_state as enum
    ('queued', 'handing_off', 'accepted', 'deferred', 'rejected', 'unknown', 'bounced', 'cancelled');
comment on type ar_inbox.delivery_state is
'Where a hand-off stands: queued, handing_off, accepted by the server, deferred (tried again later), rejected, unknown (in doubt: the connection or the server was lost after the message was on its way), bounced, cancelled.';

create type ar_inbox.direction as enum ('incoming', 'outgoing');
comment on type ar_inbox.direction is 'Which way a message went.';

create domain ar_inbox.thread_topic as text
    constraint thread_topic_known check (value in ('document', 'customer', 'message'));
comment on domain ar_inbox.thread_topic is
'What a conversation is kept for: a document, a customer, or the message that it began with.';

create domain ar_inbox.email_kind as text
    constraint email_kind_known check (value in ('message', 'bounce', 'delay', 'complaint', 'comment'));
comment on domain ar_inbox.email_kind is
'What a message is: a message; a bounce, a delay, a complaint (what a mail system says of a message of ours); a comment written in the portal.';

create domain ar_inbox.email_protection as text
    constraint email_protection_known check (value in ('smime', 'openpgp'));
comment on domain ar_inbox.email_protection is
'What keeps a message, or a part of it, from being read here: S/MIME (encrypted, or signed into one part) or OpenPGP (encrypted).';

create domain ar_inbox.recipient_field as text
    constraint recipient_field_known check (value in ('to', 'cc', 'bcc', 'reply_to'));
comment on domain ar_inbox.recipient_field is 'The field of a message''s header that names an address.';

create domain ar_inbox.inbound_state as text
    constraint inbound_state_known check (value in ('received', 'filed', 'event', 'duplicate', 'quarantine'));
comment on domain ar_inbox.inbound_state is
'What became of an incoming message: received (nothing yet), filed in its thread, event (a receipt), duplicate of another, in quarantine.';

grant usage on type ar_inbox.email_address, ar_inbox.thread_status, ar_inbox.document_kind,
    ar_inbox.document_status, ar_inbox.invoice_status, ar_inbox.channel, ar_inbox.step_trigger,
    ar_inbox.step_state, ar_inbox.delivery_state, ar_inbox.direction, ar_inbox.thread_topic,
    ar_inbox.email_kind, ar_inbox.email_protection, ar_inbox.recipient_field, ar_inbox.inbound_state
    to public;

create type ar_inbox_internal.invoice_key as (
    company_id bigint,
    id         bigint,
    status     ar_inbox.document_status,
    label      text
);
comment on type ar_inbox_internal.invoice_key is 'A locked invoice: its key, its status, and its number or what stands for it in messages.';
