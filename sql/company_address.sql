-- A company's own addresses: what tells incoming mail's company.

create function ar_inbox_internal.without_tag(address text)
returns ar_inbox.email_address
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
declare
    -- inbox+tag@example.com is inbox@example.com
    plain text := case when pg_catalog.strpos(address, '+') > 0
        then pg_catalog.regexp_replace(address, '^([^"]+)\+[^"+]*(@[^@]+)$', '\1\2') else address end;
begin
    return case when ar_inbox_internal.is_email_address(plain) then plain else address end::ar_inbox.email_address;
end
$$;

comment on function ar_inbox_internal.without_tag(text) is 'The address without its last plus-tag.';

create function ar_inbox_internal.addresses_above(address ar_inbox.email_address)
returns ar_inbox.email_address[]
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
declare
    above   ar_inbox.email_address[] := array[address];
    shorter ar_inbox.email_address := address;
begin
    -- (no mail server has more of them; what a sender made up has no end)
    for i in 1 .. 8 loop
        exit when pg_catalog.strpos(shorter::text, '+') = 0;
        shorter := ar_inbox_internal.without_tag(shorter::text);
        exit when shorter = above[i];
        above := above || shorter;
    end loop;
    return above;
end
$$;

comment on function ar_inbox_internal.addresses_above(ar_inbox.email_address) is
'The address, and those whose plus-address it is, the nearest first: a+b+c@example.com, a+b@example.com, a@example.com.';

create function ar_inbox_internal.company_of_address(address ar_inbox.email_address)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint;
    above   ar_inbox.email_address;
begin
    select a.company_id into company from ar_inbox.company_addresses a where a.address = company_of_address.address;
    if not found and pg_catalog.strpos(address::text, '+') > 0 then
        foreach above in array (ar_inbox_internal.addresses_above(address))[2:] loop
            select a.company_id into company from ar_inbox.company_addresses a where a.address = above;
            exit when found;
        end loop;
    end if;
    return company;
end
$$;

comment on function ar_inbox_internal.company_of_address(ar_inbox.email_address) is
'The company whose own address this is, or whose plus-address; NULL: none''s.';

create function ar_inbox_internal.take_address(company_id bigint, address ar_inbox.email_address)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    above ar_inbox.email_address[] := ar_inbox_internal.addresses_above(address);
begin
    if address is null then
        return;
    end if;
    if ar_inbox_internal.customers_of_address(company_id, address) <> '{}' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('the address %s is a customer''s', address),
            'Give the company''s own: what comes from those is no customer''s answer.');
    end if;
    -- One company at a time for what is under one address: its plus-addresses go
    -- with it, and none may be another company's, whichever came first.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(
        'ar_inbox.company_addresses ' || pg_catalog.lower(above[pg_catalog.cardinality(above)]::text), 0));
    if not exists (select 1 from ar_inbox.company_addresses a
            where a.company_id <> take_address.company_id
                and (a.address = any (above) or take_address.address = any (ar_inbox_internal.addresses_above(a.address))))
    then
        insert into ar_inbox.company_addresses as a (company_id, address)
        values (take_address.company_id, take_address.address)
        on conflict on constraint company_addresses_pkey do nothing;
    end if;
    if ar_inbox_internal.company_of_address(address) is distinct from company_id
        or not exists (select 1 from ar_inbox.company_addresses a
            where a.company_id = take_address.company_id and a.address = take_address.address)
    then
        perform ar_inbox_internal.refuse('unique_violation',
            pg_catalog.format('address %s belongs to another company', address),
            'Give an address of this company. Plus-addresses go with theirs: none is another company''s.');
    end if;
end
$$;

comment on function ar_inbox_internal.take_address(bigint, ar_inbox.email_address) is
'Makes the address the company''s own; does nothing for NULL. Errors: 22023 (a customer''s), 23505 (another company''s, a plus-address of one of those, or one that another company has a plus-address of).';

create function ar_inbox.add_company_address(company_id bigint, address ar_inbox.email_address)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if address is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'address is NULL',
            'Give an address that is forwarded to the company''s inbox.');
    end if;
    perform ar_inbox_internal.take_address(company_id, address);
    perform ar_inbox_internal.record_event(company_id, 'company', company_id, 'address added', null,
        pg_catalog.to_jsonb(address::text));
end
$$;

comment on function ar_inbox.add_company_address(bigint, ar_inbox.email_address) is
'Adds an address of the company, such as an alias that forwards to its inbox: mail to it is the company''s, and a reply-all leaves it out. Sender and inbox addresses are added by set_mail_account(). Needs manage. Errors: IB001, 42501, 22004, 22023 (a customer''s), 23505 (another company''s, or one that differs from one of theirs by tags only).';

create function ar_inbox.remove_company_address(company_id bigint, address ar_inbox.email_address)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if exists (select 1 from ar_inbox.mail_accounts a
            where a.company_id = remove_company_address.company_id and a.removed_at is null
                and (a.from_address = address or a.inbox_address = address)) then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('address %s is in use by a mail account', address),
            'Change the account with ar_inbox.set_mail_account() first, or remove it with ar_inbox.remove_mail_account().');
    end if;
    delete from ar_inbox.company_addresses a
    where a.company_id = remove_company_address.company_id and a.address = remove_company_address.address;
    if not found then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('address %s is not one of company %s', coalesce(address::text, 'NULL'), company_id),
            'Give an address that was added with ar_inbox.add_company_address().');
    end if;
    perform ar_inbox_internal.record_event(company_id, 'company', company_id, 'address removed',
        pg_catalog.to_jsonb(address::text));
end
$$;

comment on function ar_inbox.remove_company_address(bigint, ar_inbox.email_address) is
'Takes an address from the company''s own: mail to it goes to quarantine from then on, where it came by no other way. Needs manage. Errors: IB001 (not an address of the company), 42501, IB002 (a mail account has it).';
