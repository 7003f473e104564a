-- Amounts, numbers and dates as a language writes them.

create function ar_inbox_internal.format_money(amount numeric, currency text, language text)
returns text
language c stable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'ar_inbox_format_money';
comment on function ar_inbox_internal.format_money(numeric, text, text) is
'An amount as the language (BCP 47) writes it, with the currency''s ISO code and at least its decimal places, more where the amount is finer: USD 1,250.00 in English, 1.250,00 USD in German. A language that is not known is taken for English. Within the number blanks are no-break spaces (U+00A0).';

create function ar_inbox_internal.format_number(number numeric, language text)
returns text
language c stable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'ar_inbox_format_number';
comment on function ar_inbox_internal.format_number(numeric, text) is
'A number as the language (BCP 47) writes it, without zeros at the end: 1,250.5. A language that is not known is taken for English.';

create function ar_inbox_internal.format_date(date date, language text)
returns text
language c stable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'ar_inbox_format_date';
comment on function ar_inbox_internal.format_date(date, text) is
'A date as the language (BCP 47) writes it in full, in the Gregorian calendar: March 1, 2035; 1. März 2035. A language that is not known is taken for English.';
