-- Signed tokens, and the addresses that carry them (src/functions/token.c).

create function ar_inbox_internal.sign_token(key bytea, purpose text, id bigint)
returns text
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'ar_inbox_sign_token';
comment on function ar_inbox_internal.sign_token(bytea, text, bigint) is
'A token of 30 characters (a-z, 2-7) that carries an id without showing it: only who has the key (a company''s, of 16 bytes or more) can make or read it. purpose: r for a thread that is replied to, b for a delivery that may bounce, o for an email that is opened, i for an invoice that is looked at; it is the first character. The same arguments give the same token. Errors: 22023 for another purpose or a short key.';

create function ar_inbox_internal.read_token(key bytea, purpose text, token text)
returns bigint
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'ar_inbox_read_token';
comment on function ar_inbox_internal.read_token(bytea, text, text) is
'The id in a token, in whatever letter case it comes back; NULL if it was not made with this key for this purpose (forged, cut, another company''s). Compared in constant time. Errors: 22023 for an unknown purpose or a short key.';

create function ar_inbox_internal.tagged_address(address text, token text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_tagged_address';
comment on function ar_inbox_internal.tagged_address(text, text) is
'local+token@domain (RFC 5233). NULL where the address cannot carry it: it is none, its local part is in quotation marks or would be over 64 octets (RFC 5321), the whole over 254, or the token has characters that need quotation marks.';

create function ar_inbox_internal.address_tag(address text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_address_tag';
comment on function ar_inbox_internal.address_tag(text) is
'What stands behind the last plus sign of an address''s local part; NULL if nothing does, or it is no address.';

create function ar_inbox_internal.unwrapped_address(address text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_unwrapped_address';
comment on function ar_inbox_internal.unwrapped_address(text) is
'The address before relays rewrote it: out of SRS (SRS0=, SRS1=) and BATV (prvs=, btv1==), also of one in the other; the text itself where it is neither. What stands in such an address can be made up by anyone: it says where a bounce belongs, it proves nothing.';
