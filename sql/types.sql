-- The enumerations.

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

grant usage on type ar_inbox.email_address, ar_inbox.thread_status, ar_inbox.document_kind,
    ar_inbox.document_status, ar_inbox.invoice_status, ar_inbox.channel, ar_inbox.step_trigger,
    ar_inbox.step_state, ar_inbox.delivery_state, ar_inbox.direction
    to public;

create type ar_inbox_internal.invoice_key as (
    company_id bigint,
    id         bigint,
    status     ar_inbox.document_status,
    label      text
);
comment on type ar_inbox_internal.invoice_key is 'A locked invoice: its key, its status, and its number or what stands for it in messages.';
