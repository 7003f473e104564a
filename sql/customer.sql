-- Customers, contacts, contact roles.

create function ar_inbox_internal.welcome_address(company_id bigint, address ar_inbox.email_address)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if ar_inbox_internal.company_of_address(address) = company_id then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('the address %s is the company''s own', address),
            'Give the customer''s: what came from this one would be no answer, and what goes there would come back.');
    end if;
    -- a stranger no longer
    delete from ar_inbox.spam_senders s
    where s.company_id = welcome_address.company_id and s.address = welcome_address.address;
end
$$;

comment on function ar_inbox_internal.welcome_address(bigint, ar_inbox.email_address) is
'What goes with an address becoming a customer''s or a contact''s; nothing for NULL. Errors: 22023 (the company''s own).';

create function ar_inbox.create_customer(company_id bigint, name text, number text = null,
    email ar_inbox.email_address = null, phone text = null, postal_address jsonb = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    new_id     bigint;
    new_number text := number;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    perform ar_inbox_internal.check_phone(phone, 'phone');
    perform ar_inbox_internal.check_postal_address(postal_address, 'postal_address');
    if number is not null then
        new_number := ar_inbox_internal.required_text(number, 'number');
    end if;
    loop
        if number is null then
            update ar_inbox.companies c set next_customer_number = c.next_customer_number + 1
            where c.id = create_customer.company_id
            returning 'CUST-' || pg_catalog.to_char(c.next_customer_number - 1, 'FM9999999999999900000') into new_number;
        end if;
        -- two sessions may ask for the same at once
        insert into ar_inbox.customers (company_id, name, number, email, phone, postal_address)
        values (company_id, ar_inbox_internal.required_text(create_customer.name, 'name'), new_number, create_customer.email,
            create_customer.phone, create_customer.postal_address)
        on conflict on constraint customers_number_key do nothing
        returning id into new_id;
        exit when new_id is not null;
        -- (unless it was a trigger of somebody's that took it away)
        exit when not exists (select 1 from ar_inbox.customers c
            where c.company_id = create_customer.company_id and c.number = new_number);
        if number is not null then
            perform ar_inbox_internal.refuse('unique_violation',
                pg_catalog.format('customer number %s is taken', pg_catalog.quote_literal(new_number)),
                'Give another number, or NULL to have one drawn.');
        end if;
    end loop;
    perform ar_inbox_internal.welcome_address(create_customer.company_id, create_customer.email);
    perform ar_inbox_internal.record_event(company_id, 'customer', new_id, 'created');
    return new_id;
end
$$;

comment on function ar_inbox.create_customer(bigint, text, text, ar_inbox.email_address, text, jsonb) is
'Creates a customer of the company. number: the account number; NULL: one is drawn (CUST-00001, …). email: the customer''s main address; people are added by create_contact(). phone: where text messages go, in international form (+…). postal_address: an object of line1, line2, city, region, postal_code, country (ISO 3166-1 alpha-2), name, company. Returns its id. Needs manage. Errors: IB001, 42501, 22023, 23505 (the number is taken).';

create function ar_inbox.create_contact_role(company_id bigint, name text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    new_id bigint;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    insert into ar_inbox.contact_roles (company_id, name)
    values (company_id, ar_inbox_internal.required_text(create_contact_role.name, 'name'))
    on conflict on constraint contact_roles_name_key do nothing
    returning id into new_id;
    if new_id is null then
        perform ar_inbox_internal.refuse('unique_violation',
            pg_catalog.format('contact role %s exists already', pg_catalog.quote_literal(name)), 'Give another name.');
    end if;
    return new_id;
end
$$;

comment on function ar_inbox.create_contact_role(bigint, text) is
'Adds a role that the company''s contacts can have, such as ''Accounts Payable''. Returns its id. Needs manage. Errors: IB001, 42501, 22023, 23505.';

create function ar_inbox_internal.contact_role_id(company_id bigint, role text)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint;
begin
    if role is null then
        return null;
    end if;
    select r.id into found_id from ar_inbox.contact_roles r
    where r.company_id = contact_role_id.company_id and r.name = role;
    if not found then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('contact role %s does not exist in company %s', pg_catalog.quote_literal(role), company_id),
            coalesce((select 'Its roles are: ' || pg_catalog.string_agg(r.name, ', ' order by r.name) || '.'
                    from ar_inbox.contact_roles r where r.company_id = contact_role_id.company_id),
                'It has none: add one with ar_inbox.create_contact_role().'));
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.contact_role_id(bigint, text) is
'The id of the company''s contact role of that name; NULL for NULL. Raises IB001 where there is none.';

create function ar_inbox.create_contact(customer_id bigint, name text, email ar_inbox.email_address = null,
    phone text = null, is_primary boolean = false, role text = null, postal_address jsonb = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select c.company_id from ar_inbox.customers c where c.id = create_contact.customer_id);
    new_id  bigint;
begin
    perform ar_inbox_internal.require(company, 'manage', 'customer', customer_id);
    perform ar_inbox_internal.check_phone(phone, 'phone');
    perform ar_inbox_internal.check_postal_address(postal_address, 'postal_address');
    insert into ar_inbox.contacts (company_id, customer_id, name, email, phone, is_primary, contact_role_id, postal_address)
    values (company, create_contact.customer_id, ar_inbox_internal.required_text(create_contact.name, 'name'),
        create_contact.email, create_contact.phone, coalesce(create_contact.is_primary, false),
        ar_inbox_internal.contact_role_id(company, create_contact.role), create_contact.postal_address)
    returning id into new_id;
    perform ar_inbox_internal.welcome_address(company, create_contact.email);
    perform ar_inbox_internal.record_event(company, 'contact', new_id, 'created');
    return new_id;
end
$$;

comment on function ar_inbox.create_contact(bigint, text, ar_inbox.email_address, text, boolean, text, jsonb) is
'Adds a person at the customer. role: the name of one of the company''s contact roles. postal_address: as in create_customer(); NULL: letters go to the customer''s. Returns the contact''s id. Needs manage. Errors: IB001 (no such customer or contact role), 42501, 22023.';

create function ar_inbox_internal.check_changes(changes jsonb, known text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    strange text;
begin
    if changes is null or pg_catalog.jsonb_typeof(changes) <> 'object' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'changes is not an object',
            'Give what is to be changed, such as {"phone": "+1 555 0100"}.');
    end if;
    select pg_catalog.string_agg(k, ', ') into strange
    from pg_catalog.jsonb_object_keys(changes) k where k <> all (known);
    if strange is not null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('there is no %s to change', strange),
            pg_catalog.format('What can be changed: %s.', pg_catalog.array_to_string(known, ', ')));
    elsif changes ? 'name' then
        perform ar_inbox_internal.required_text(changes ->> 'name', 'name');
    end if;
    perform ar_inbox_internal.check_phone(changes ->> 'phone', 'phone');
    perform ar_inbox_internal.check_postal_address(nullif(changes -> 'postal_address', 'null'), 'postal_address');
end
$$;

comment on function ar_inbox_internal.check_changes(jsonb, text[]) is
'Raises 22023 unless this is an object of changes to a customer or contact, with these names and values they can have.';

create function ar_inbox.change_customer(customer_id bigint, changes jsonb)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before ar_inbox.customers;
    after  ar_inbox.customers;
begin
    select c.* into before from ar_inbox.customers c where c.id = change_customer.customer_id for no key update;
    perform ar_inbox_internal.require(before.company_id, 'manage', 'customer', customer_id);
    perform ar_inbox_internal.check_changes(changes, '{name,email,phone,postal_address,language}');
    begin
        after := pg_catalog.jsonb_populate_record(before, changes);
        update ar_inbox.customers c
        set name = pg_catalog.btrim(after.name), email = after.email, phone = after.phone, language = after.language,
            postal_address = nullif(after.postal_address, 'null')
        where c.company_id = before.company_id and c.id = before.id
        returning c.* into after;
    exception when check_violation or invalid_text_representation or invalid_parameter_value then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('the customer cannot become %s', changes), sqlerrm);
    end;
    perform ar_inbox_internal.welcome_address(before.company_id, after.email);
    if after.name <> before.name then
        perform ar_inbox_internal.rename_thread(t.company_id, t.id, ar_inbox_internal.customer_subject(after.name, after.number))
        from ar_inbox.threads t
        where t.company_id = before.company_id and t.customer_id = before.id and t.topic = 'customer';
    end if;
    perform ar_inbox_internal.record_event(before.company_id, 'customer', before.id, 'changed',
        pg_catalog.to_jsonb(before), pg_catalog.to_jsonb(after));
end
$$;

comment on function ar_inbox.change_customer(bigint, jsonb) is
'Changes a customer: an object of name, email, phone, postal_address, language. What is not named stays; null takes a value away. Needs manage. Errors: IB001, 42501, 22023.';

create function ar_inbox.change_contact(contact_id bigint, changes jsonb)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before ar_inbox.contacts;
    after  ar_inbox.contacts;
begin
    select c.* into before from ar_inbox.contacts c where c.id = change_contact.contact_id for no key update;
    perform ar_inbox_internal.require(before.company_id, 'manage', 'contact', contact_id);
    perform ar_inbox_internal.check_changes(changes, '{name,email,phone,postal_address,is_primary,role}');
    begin
        after := pg_catalog.jsonb_populate_record(before, changes);
        if changes ? 'role' then
            after.contact_role_id := ar_inbox_internal.contact_role_id(before.company_id, changes ->> 'role');
        end if;
        update ar_inbox.contacts c
        set name = pg_catalog.btrim(after.name), email = after.email, phone = after.phone,
            is_primary = coalesce(after.is_primary, false), contact_role_id = after.contact_role_id,
            postal_address = nullif(after.postal_address, 'null')
        where c.company_id = before.company_id and c.id = before.id
        returning c.* into after;
    exception when check_violation or invalid_text_representation or invalid_parameter_value then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('the contact cannot become %s', changes), sqlerrm);
    end;
    perform ar_inbox_internal.welcome_address(before.company_id, after.email);
    perform ar_inbox_internal.record_event(before.company_id, 'contact', before.id, 'changed',
        pg_catalog.to_jsonb(before), pg_catalog.to_jsonb(after));
end
$$;

comment on function ar_inbox.change_contact(bigint, jsonb) is
'Changes a contact: an object of name, email, phone, postal_address, is_primary, role (a contact role''s name). What is not named stays; null takes a value away. Needs manage. Errors: IB001 (no such contact or contact role), 42501, 22023.';

create function ar_inbox_internal.customers_of_address(company_id bigint, address ar_inbox.email_address)
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_ids bigint[];
begin
    select pg_catalog.array_agg(f.id) into found_ids
    from (
        select c.id from ar_inbox.customers c
        where c.company_id = customers_of_address.company_id and c.email = address
        union all
        select k.customer_id from ar_inbox.contacts k
        where k.company_id = customers_of_address.company_id and k.email = address) f;
    if pg_catalog.cardinality(found_ids) > 1 then
        -- most often it is one, which nothing need be compared with
        found_ids := array(select distinct u.id from pg_catalog.unnest(found_ids) u (id) order by u.id);
    end if;
    return coalesce(found_ids, '{}');
end
$$;

comment on function ar_inbox_internal.customers_of_address(bigint, ar_inbox.email_address) is
'The company''s customers to whom the address belongs, by their own e-mail or a contact''s.';

create function ar_inbox_internal.customers_of_addresses(company_id bigint, addresses ar_inbox.email_address[])
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select distinct c.id
        from pg_catalog.unnest(addresses) a (address)
        cross join lateral pg_catalog.unnest(ar_inbox_internal.customers_of_address(
            customers_of_addresses.company_id, a.address)) c (id)
        order by c.id);
end
$$;

comment on function ar_inbox_internal.customers_of_addresses(bigint, ar_inbox.email_address[]) is
'All customers to whom one of the addresses belongs.';

create function ar_inbox_internal.customer_phones(company_id bigint, customer_id bigint, contact_role_id bigint = null)
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select pg_catalog.array_agg(f.phone order by f.rank, f.id)
        from (
            select distinct on (e.phone) e.phone, e.rank, e.id
            from (
                select ar_inbox_internal.international_phone(c.phone) as phone, 0 as rank, c.id from ar_inbox.customers c
                where c.company_id = customer_phones.company_id and c.id = customer_phones.customer_id
                    and customer_phones.contact_role_id is null
                union all
                select ar_inbox_internal.international_phone(k.phone), case when k.is_primary then 1 else 2 end, k.id
                from ar_inbox.contacts k
                where k.company_id = customer_phones.company_id and k.customer_id = customer_phones.customer_id
                    and (customer_phones.contact_role_id is null
                        or k.contact_role_id = customer_phones.contact_role_id)
            ) e
            where e.phone is not null
            order by e.phone, e.rank, e.id
        ) f);
end
$$;

comment on function ar_inbox_internal.customer_phones(bigint, bigint, bigint) is
'Where text messages for the customer go, the customer''s own and its contacts'', primary ones first, with a contact role only those who have it, as + and digits: numbers without a country code are none. NULL: nowhere.';

create function ar_inbox_internal.customer_postal_address(company_id bigint, customer_id bigint,
    contact_role_id bigint = null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select e.address
        from (
            select pg_catalog.jsonb_build_object('name', c.name) || c.postal_address as address, 0 as rank, c.id
            from ar_inbox.customers c
            where c.company_id = customer_postal_address.company_id and c.id = customer_postal_address.customer_id
                and customer_postal_address.contact_role_id is null
            union all
            -- a person without an address of its own is reached at the customer's
            select pg_catalog.jsonb_build_object('name', k.name, 'company', c.name)
                    || coalesce(k.postal_address, c.postal_address - '{name,company}'::text[]),
                case when k.postal_address is null then 2 else 0 end + case when k.is_primary then 1 else 2 end, k.id
            from ar_inbox.contacts k
            join ar_inbox.customers c on c.company_id = k.company_id and c.id = k.customer_id
            where k.company_id = customer_postal_address.company_id and k.customer_id = customer_postal_address.customer_id
                and (customer_postal_address.contact_role_id is null
                    or k.contact_role_id = customer_postal_address.contact_role_id)
        ) e
        where e.address is not null
        order by e.rank, e.id
        limit 1);
end
$$;

comment on function ar_inbox_internal.customer_postal_address(bigint, bigint, bigint) is
'Where a letter to the customer goes, one address: its own, else a contact''s, primary ones first; with a contact role, to a contact who has it, at its own address or the customer''s. NULL: nowhere.';
