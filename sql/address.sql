-- The type of mail addresses.
--
-- Its operators stand in pg_catalog, beside those of the built-in types. All
-- functions here run with search_path pg_catalog, pg_temp, and a user's may not
-- name ar_inbox either: an operator in ar_inbox would not be found, and
-- PostgreSQL would then compare two addresses as text, letter case and all,
-- without a word.

create type ar_inbox.email_address;

create function ar_inbox.email_address_in(cstring)
returns ar_inbox.email_address
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'email_address_in';
comment on function ar_inbox.email_address_in(cstring) is 'Reads an e-mail address; refuses what is none.';

create function ar_inbox.email_address_out(ar_inbox.email_address)
returns cstring
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'email_address_out';
comment on function ar_inbox.email_address_out(ar_inbox.email_address) is 'Writes an e-mail address as it was given, the domain in lower case.';

create function ar_inbox.email_address_recv(internal)
returns ar_inbox.email_address
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'email_address_recv';
comment on function ar_inbox.email_address_recv(internal) is 'Reads an e-mail address in binary form.';

create function ar_inbox.email_address_send(ar_inbox.email_address)
returns bytea
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'email_address_send';
comment on function ar_inbox.email_address_send(ar_inbox.email_address) is 'Writes an e-mail address in binary form.';

create type ar_inbox.email_address (
    input = ar_inbox.email_address_in,
    output = ar_inbox.email_address_out,
    receive = ar_inbox.email_address_recv,
    send = ar_inbox.email_address_send,
    internallength = variable,
    alignment = int4,
    storage = extended,
    category = 'S',
    preferred = false,
    -- its own operators ignore it; but LIKE and the like, which take it as text,
    -- are planned with statistics that lead from PostgreSQL 18 on to an error
    -- where they are of a type without one
    collatable = true
);
comment on type ar_inbox.email_address is
'The address of a mailbox (RFC 5321, international by RFC 6531 and IDNA 2008). Kept as given, but for the domain, which is in lower case; compared without regard to letter case.';

create function ar_inbox.email_address(address text)
returns ar_inbox.email_address
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'email_address_from_text';
comment on function ar_inbox.email_address(text) is 'The e-mail address that a text says; refuses what is none.';

create cast (ar_inbox.email_address as text) without function as implicit;
create cast (text as ar_inbox.email_address)
    with function ar_inbox.email_address(text) as assignment;
create cast (varchar as ar_inbox.email_address)
    with function ar_inbox.email_address(text) as assignment;

create function ar_inbox.email_address_lt(ar_inbox.email_address, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_lt';
comment on function ar_inbox.email_address_lt(ar_inbox.email_address, ar_inbox.email_address) is 'The first address sorts before the second.';

create function ar_inbox.email_address_le(ar_inbox.email_address, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_le';
comment on function ar_inbox.email_address_le(ar_inbox.email_address, ar_inbox.email_address) is 'The first address sorts before or equals the second.';

create function ar_inbox.email_address_eq(ar_inbox.email_address, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_eq';
comment on function ar_inbox.email_address_eq(ar_inbox.email_address, ar_inbox.email_address) is 'The first address is the same mailbox as the second.';

create function ar_inbox.email_address_ne(ar_inbox.email_address, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_ne';
comment on function ar_inbox.email_address_ne(ar_inbox.email_address, ar_inbox.email_address) is 'The first address is another mailbox than the second.';

create function ar_inbox.email_address_ge(ar_inbox.email_address, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_ge';
comment on function ar_inbox.email_address_ge(ar_inbox.email_address, ar_inbox.email_address) is 'The first address sorts after or equals the second.';

create function ar_inbox.email_address_gt(ar_inbox.email_address, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_gt';
comment on function ar_inbox.email_address_gt(ar_inbox.email_address, ar_inbox.email_address) is 'The first address sorts after the second.';

create function ar_inbox.email_address_cmp(ar_inbox.email_address, ar_inbox.email_address)
returns integer
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_cmp';
comment on function ar_inbox.email_address_cmp(ar_inbox.email_address, ar_inbox.email_address) is 'Order of two addresses, less than, equal to or greater than 0.';

create function ar_inbox.email_address_hash(ar_inbox.email_address)
returns integer
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_hash';
comment on function ar_inbox.email_address_hash(ar_inbox.email_address) is 'Hash of an address, the same for all ways to write it.';

create function ar_inbox.email_address_hash_extended(ar_inbox.email_address, bigint)
returns bigint
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'email_address_hash_extended';
comment on function ar_inbox.email_address_hash_extended(ar_inbox.email_address, bigint) is 'Hash of an address with a seed.';

create operator pg_catalog.< (
    leftarg = ar_inbox.email_address, rightarg = ar_inbox.email_address,
    function = ar_inbox.email_address_lt,
    commutator = operator(pg_catalog.>), negator = operator(pg_catalog.>=),
    restrict = scalarltsel, join = scalarltjoinsel
);
comment on operator pg_catalog.< (ar_inbox.email_address, ar_inbox.email_address) is 'sorts before';

create operator pg_catalog.<= (
    leftarg = ar_inbox.email_address, rightarg = ar_inbox.email_address,
    function = ar_inbox.email_address_le,
    commutator = operator(pg_catalog.>=), negator = operator(pg_catalog.>),
    restrict = scalarlesel, join = scalarlejoinsel
);
comment on operator pg_catalog.<= (ar_inbox.email_address, ar_inbox.email_address) is 'sorts before or equals';

create operator pg_catalog.= (
    leftarg = ar_inbox.email_address, rightarg = ar_inbox.email_address,
    function = ar_inbox.email_address_eq,
    commutator = operator(pg_catalog.=), negator = operator(pg_catalog.<>),
    restrict = eqsel, join = eqjoinsel, hashes, merges
);
comment on operator pg_catalog.= (ar_inbox.email_address, ar_inbox.email_address) is 'is the same mailbox as';

create operator pg_catalog.<> (
    leftarg = ar_inbox.email_address, rightarg = ar_inbox.email_address,
    function = ar_inbox.email_address_ne,
    commutator = operator(pg_catalog.<>), negator = operator(pg_catalog.=),
    restrict = neqsel, join = neqjoinsel
);
comment on operator pg_catalog.<> (ar_inbox.email_address, ar_inbox.email_address) is 'is another mailbox than';

create operator pg_catalog.>= (
    leftarg = ar_inbox.email_address, rightarg = ar_inbox.email_address,
    function = ar_inbox.email_address_ge,
    commutator = operator(pg_catalog.<=), negator = operator(pg_catalog.<),
    restrict = scalargesel, join = scalargejoinsel
);
comment on operator pg_catalog.>= (ar_inbox.email_address, ar_inbox.email_address) is 'sorts after or equals';

create operator pg_catalog.> (
    leftarg = ar_inbox.email_address, rightarg = ar_inbox.email_address,
    function = ar_inbox.email_address_gt,
    commutator = operator(pg_catalog.<), negator = operator(pg_catalog.<=),
    restrict = scalargtsel, join = scalargtjoinsel
);
comment on operator pg_catalog.> (ar_inbox.email_address, ar_inbox.email_address) is 'sorts after';

-- An address and a text: the text is taken for the address it says, and one that
-- says none equals none. Without these, address = text would compare letter case.

create function ar_inbox.email_address_text_eq(ar_inbox.email_address, text)
returns boolean
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'email_address_text_eq';
comment on function ar_inbox.email_address_text_eq(ar_inbox.email_address, text) is 'The address and the text say the same mailbox.';

create function ar_inbox.email_address_text_ne(ar_inbox.email_address, text)
returns boolean
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'email_address_text_ne';
comment on function ar_inbox.email_address_text_ne(ar_inbox.email_address, text) is 'The address and the text do not say the same mailbox.';

create function ar_inbox.text_email_address_eq(text, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'text_email_address_eq';
comment on function ar_inbox.text_email_address_eq(text, ar_inbox.email_address) is 'The address and the text say the same mailbox.';

create function ar_inbox.text_email_address_ne(text, ar_inbox.email_address)
returns boolean
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'text_email_address_ne';
comment on function ar_inbox.text_email_address_ne(text, ar_inbox.email_address) is 'The address and the text do not say the same mailbox.';

create function ar_inbox.email_address_text_cmp(ar_inbox.email_address, text)
returns integer
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'email_address_text_cmp';
comment on function ar_inbox.email_address_text_cmp(ar_inbox.email_address, text) is 'Order of an address and the address that a text says.';

create operator pg_catalog.= (
    leftarg = ar_inbox.email_address, rightarg = text,
    function = ar_inbox.email_address_text_eq,
    commutator = operator(pg_catalog.=), negator = operator(pg_catalog.<>),
    restrict = eqsel, join = eqjoinsel
);
comment on operator pg_catalog.= (ar_inbox.email_address, text) is 'says the same mailbox';

create operator pg_catalog.<> (
    leftarg = ar_inbox.email_address, rightarg = text,
    function = ar_inbox.email_address_text_ne,
    commutator = operator(pg_catalog.<>), negator = operator(pg_catalog.=),
    restrict = neqsel, join = neqjoinsel
);
comment on operator pg_catalog.<> (ar_inbox.email_address, text) is 'does not say the same mailbox';

create operator pg_catalog.= (
    leftarg = text, rightarg = ar_inbox.email_address,
    function = ar_inbox.text_email_address_eq,
    commutator = operator(pg_catalog.=), negator = operator(pg_catalog.<>),
    restrict = eqsel, join = eqjoinsel
);
comment on operator pg_catalog.= (text, ar_inbox.email_address) is 'says the same mailbox';

create operator pg_catalog.<> (
    leftarg = text, rightarg = ar_inbox.email_address,
    function = ar_inbox.text_email_address_ne,
    commutator = operator(pg_catalog.<>), negator = operator(pg_catalog.=),
    restrict = neqsel, join = neqjoinsel
);
comment on operator pg_catalog.<> (text, ar_inbox.email_address) is 'does not say the same mailbox';

create operator family ar_inbox.email_address_ops using btree;
create operator class ar_inbox.email_address_ops
default for type ar_inbox.email_address using btree family ar_inbox.email_address_ops as
    operator 1 pg_catalog.<,
    operator 2 pg_catalog.<=,
    operator 3 pg_catalog.=,
    operator 4 pg_catalog.>=,
    operator 5 pg_catalog.>,
    function 1 ar_inbox.email_address_cmp(ar_inbox.email_address, ar_inbox.email_address);

alter operator family ar_inbox.email_address_ops using btree add
    operator 3 pg_catalog.= (ar_inbox.email_address, text),
    function 1 (ar_inbox.email_address, text) ar_inbox.email_address_text_cmp(ar_inbox.email_address, text);

create operator family ar_inbox.email_address_ops using hash;
create operator class ar_inbox.email_address_ops
default for type ar_inbox.email_address using hash family ar_inbox.email_address_ops as
    operator 1 pg_catalog.=,
    function 1 ar_inbox.email_address_hash(ar_inbox.email_address),
    function 2 ar_inbox.email_address_hash_extended(ar_inbox.email_address, bigint);

comment on operator family ar_inbox.email_address_ops using btree is 'Order of e-mail addresses.';
comment on operator class ar_inbox.email_address_ops using btree is 'Order of e-mail addresses.';
comment on operator family ar_inbox.email_address_ops using hash is 'Hashing of e-mail addresses.';
comment on operator class ar_inbox.email_address_ops using hash is 'Hashing of e-mail addresses.';

create function ar_inbox_internal.address_domain(address ar_inbox.email_address)
returns text
language c immutable strict parallel safe cost 2
as 'MODULE_PATHNAME', 'ar_inbox_address_domain';
comment on function ar_inbox_internal.address_domain(ar_inbox.email_address) is 'The domain of an address as DNS has it: lower case, international labels in their xn-- form.';

create function ar_inbox_internal.is_email_address(address text)
returns boolean
language c immutable strict parallel safe cost 10
as 'MODULE_PATHNAME', 'ar_inbox_is_email_address';
comment on function ar_inbox_internal.is_email_address(text) is 'Is this text an e-mail address, that is, would the cast succeed?';

revoke all on function
    ar_inbox_internal.address_domain(ar_inbox.email_address),
    ar_inbox_internal.is_email_address(text)
    from public;
grant execute on function
    ar_inbox_internal.address_domain(ar_inbox.email_address),
    ar_inbox_internal.is_email_address(text)
    to ar_inbox_staff, ar_inbox_worker;
