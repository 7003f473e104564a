-- What is in a message, and what is new in a reply (src/functions/parse.c).

create function ar_inbox.parse_email(message bytea)
returns jsonb
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_parse_email';
comment on function ar_inbox.parse_email(bytea) is
'What is in a message (RFC 5322, MIME): ids, addresses, date, texts, attachments, headers; whether a machine wrote it, and whether it is a bounce, a receipt or a complaint. Never raises for what a sender wrote: what is wrong with it is in "defects".';

create function ar_inbox.reply_text(body text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_reply_text';
comment on function ar_inbox.reply_text(text) is
'The part of a reply that is new: without the mail it quotes and without the signature. All of it where that cannot be told apart, where nothing is new, and of a forward.';

revoke all on function
    ar_inbox.parse_email(bytea),
    ar_inbox.reply_text(text)
    from public;
grant execute on function
    ar_inbox.parse_email(bytea),
    ar_inbox.reply_text(text)
    to ar_inbox_staff, ar_inbox_worker;
