-- Currencies.

create function ar_inbox_internal.currency_digits(code text)
returns integer
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_currency_digits';
comment on function ar_inbox_internal.currency_digits(text) is
'How many decimal places a currency has by ISO 4217; NULL if the code (three capital letters) is not a currency.';

revoke all on function ar_inbox_internal.currency_digits(text) from public;
grant execute on function ar_inbox_internal.currency_digits(text) to ar_inbox_staff, ar_inbox_worker;
