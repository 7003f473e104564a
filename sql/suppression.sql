-- Suppressions: addresses that a company does not write to, because mail to
-- them came back, somebody complained, or a member said so.

create function ar_inbox_internal.bounce_kind(status text, diagnostic text)
returns text
language c immutable parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_bounce_kind';

comment on function ar_inbox_internal.bounce_kind(text, text) is
'What a failure with this status (RFC 3463) and these words means, either of which may be NULL: hard (the address takes no mail) or soft (this message was not delivered, another may be).';

create function ar_inbox_internal.suppression_of(company_id bigint, address ar_inbox.email_address,
    at timestamptz = now())
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select pg_catalog.format('suppressed since %s%s: %s', (s.since at time zone c.time_zone)::date,
            pg_catalog.to_char(s.until at time zone c.time_zone, '" until "YYYY-MM-DD HH24:MI'),
            case s.reason when 'bounce' then 'mail to it came back' when 'complaint' then 'a complaint'
                else 'by hand' end
                || case when s.detail <> '' then ' (' || s.detail || ')' else '' end)
        from ar_inbox.suppressions s
        join ar_inbox.companies c on c.id = s.company_id
        where s.company_id = suppression_of.company_id and s.address = suppression_of.address
            and s.lifted_at is null and (s.until is null or s.until > at));
end
$$;

comment on function ar_inbox_internal.suppression_of(bigint, ar_inbox.email_address, timestamptz) is
'Why and since when (a date of the company''s) the company does not write to the address, as a text to show; NULL: it does.';

create function ar_inbox_internal.refuse_suppressed(company_id bigint, addresses ar_inbox.email_address[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    address ar_inbox.email_address;
    why     text;
begin
    foreach address in array addresses loop
        why := ar_inbox_internal.suppression_of(company_id, address);
        if why is not null then
            perform ar_inbox_internal.refuse('IB007',
                pg_catalog.format('the address %s takes no mail from us: %s', address, why),
                'Leave it out, or lift the suppression with ar_inbox.lift_suppression().');
        end if;
    end loop;
end
$$;

comment on function ar_inbox_internal.refuse_suppressed(bigint, ar_inbox.email_address[]) is
'Raises IB007 where the company does not write to one of the addresses.';

create function ar_inbox_internal.suppress_address(company_id bigint, address ar_inbox.email_address,
    reason text, detail text, email_id bigint = null, until timestamptz = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
-- the columns of a unique index can be named in one way only
#variable_conflict use_column
declare
    found_id bigint;
    is_new   boolean;
begin
    -- one whose time is over makes room, and stays as history: nobody lifted it
    update ar_inbox.suppressions s
    set lifted_at = s.until
    where s.company_id = suppress_address.company_id and s.address = suppress_address.address
        and s.lifted_at is null and s.until <= pg_catalog.now();
    insert into ar_inbox.suppressions as s (company_id, address, reason, detail, email_id, until, member_id)
    values (suppress_address.company_id, suppress_address.address, suppress_address.reason,
        coalesce(suppress_address.detail, ''), suppress_address.email_id, suppress_address.until,
        ar_inbox_internal.member_id(suppress_address.company_id))
    on conflict (address, company_id) where lifted_at is null do update
        -- one in force stays, for as long as either of them says
        set until = case when s.until is not null and excluded.until is not null
            then greatest(s.until, excluded.until) end
    returning s.id, s.xmax = 0 into found_id, is_new;
    if is_new then
        perform ar_inbox_internal.record_event(company_id, 'suppression', found_id, 'suppressed', null,
            pg_catalog.jsonb_build_object('address', address::text, 'reason', reason, 'detail', detail,
                'until', until));
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.suppress_address(bigint, ar_inbox.email_address, text, text, bigint, timestamptz) is
'Lets the company write to the address no more. reason: bounce, complaint or manual; detail: what was said of it; email_id: the bounce or complaint; until: NULL for good. One that is in force stays, and lasts as long as either of both. Returns the suppression''s id.';

create function ar_inbox_internal.one_company(company_id bigint)
returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    who   name := ar_inbox_internal.caller();
    mine  bigint[];
begin
    if company_id is not null then
        return company_id;
    end if;
    perform ar_inbox_internal.require_installed();
    if ar_inbox_internal.is_administrator(who) then
        mine := array(select c.id from ar_inbox.companies c order by c.id limit 2);
    else
        mine := ar_inbox_internal.companies_of(who, 'view');
    end if;
    if pg_catalog.cardinality(mine) <> 1 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            case when mine = '{}' then 'company_id is NULL, and there is no company of yours'
                else 'company_id is NULL, and there are several companies of yours' end,
            'Give the id of a company that you are a member of.');
    end if;
    return mine[1];
end
$$;

comment on function ar_inbox_internal.one_company(bigint) is
'The company that is meant: the one given; for NULL the caller''s only one. Errors: 22023 where that is none or several.';

create function ar_inbox.suppress(address ar_inbox.email_address, company_id bigint = null,
    reason text = 'manual', detail text = '', until timestamptz = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    company_id := ar_inbox_internal.one_company(company_id);
    perform ar_inbox_internal.require_company(company_id, 'send');
    if address is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'address is NULL',
            'Give the address that is not to be written to.');
    elsif ar_inbox_internal.company_of_address(address) = company_id then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('the address %s is the company''s own', address),
            'Give the address of somebody it writes to.');
    elsif reason is null or reason not in ('bounce', 'complaint', 'manual') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('reason %s is not known', pg_catalog.quote_nullable(reason)),
            'Give bounce, complaint or manual, and what happened as detail.');
    elsif detail ~ '[\r\n]' or pg_catalog.length(detail) > 1000 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            'detail has more than one line or more than 1000 characters', 'Give one short line.');
    elsif until <= pg_catalog.now() or until = 'infinity' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('until is %s', until), 'Give a moment to come, or NULL for good.');
    end if;
    return ar_inbox_internal.suppress_address(company_id, address, reason, detail, null, until);
end
$$;

comment on function ar_inbox.suppress(ar_inbox.email_address, bigint, text, text, timestamptz) is
'Lets the company write to an address no more: messages to it are refused with IB007, reminders leave it out, and what waits in the outbox does not go to it. company_id: NULL: the caller''s only company. reason: bounce, complaint or manual; detail: one line about it; until: when it ends by itself, NULL: never. One in force already stays, and lasts as long as either of both says. Returns the suppression''s id. Needs send. Errors: IB001, 42501, 22004, 22023.';

create function ar_inbox.lift_suppression(address ar_inbox.email_address, company_id bigint = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    lifted ar_inbox.suppressions;
begin
    company_id := ar_inbox_internal.one_company(company_id);
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if address is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'address is NULL',
            'Give an address that is suppressed.');
    end if;
    update ar_inbox.suppressions s
    set lifted_at = pg_catalog.now(), lifted_by = ar_inbox_internal.caller(),
        lifted_by_member_id = ar_inbox_internal.member_id(lift_suppression.company_id)
    where s.company_id = lift_suppression.company_id and s.address = lift_suppression.address
        and s.lifted_at is null and (s.until is null or s.until > pg_catalog.now())
    returning s.* into lifted;
    if not found then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('address %s is not suppressed in company %s', address, company_id),
            'Those in force are in ar_inbox.suppressions, with lifted_at NULL.');
    end if;
    perform ar_inbox_internal.record_event(company_id, 'suppression', lifted.id, 'lifted',
        pg_catalog.jsonb_build_object('address', address::text, 'reason', lifted.reason, 'since', lifted.since));
end
$$;

comment on function ar_inbox.lift_suppression(ar_inbox.email_address, bigint) is
'Lets the company write to a suppressed address again; the row stays, with who lifted it. company_id: NULL: the caller''s only company. Needs manage. Errors: IB001 (no such company; the address is not suppressed), 42501, 22004, 22023.';
