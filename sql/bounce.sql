-- What mail systems say of our mail: bounces, and that it was delivered (RFC
-- 3464), receipts (RFC 8098), complaints (RFC 5965); and what follows from them.

create function ar_inbox_internal.reported_addresses(report jsonb)
returns table (address ar_inbox.email_address, kind text, status text, diagnostic text)
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when ar_inbox_internal.is_email_address(r.address) then r.address::ar_inbox.email_address end,
        r.kind, r.status, r.diagnostic
    from (
        select b ->> 'address' as address, b ->> 'kind' as kind, b ->> 'status' as status,
            b ->> 'diagnostic' as diagnostic
        from pg_catalog.jsonb_array_elements(case pg_catalog.jsonb_typeof(report #> '{bounce,recipients}')
            when 'array' then report #> '{bounce,recipients}' else '[]' end) b
        union all
        select c, 'complaint', null, null
        from pg_catalog.jsonb_array_elements_text(case pg_catalog.jsonb_typeof(report #> '{complaint,addresses}')
            when 'array' then report #> '{complaint,addresses}' else '[]' end) c
        union all
        select report #>> '{receipt,address}', 'receipt', null, null
        union all
        select report #>> '{delivered,address}', 'delivered', null, null
    ) r
    -- a bounce may say what happened, and not to whom
    where r.kind in ('hard', 'soft', 'delayed') or ar_inbox_internal.is_email_address(r.address);
$$;

comment on function ar_inbox_internal.reported_addresses(jsonb) is
'Whom a report is about: of a bounce each recipient with its kind (hard, soft, delayed), status and diagnostic. address: NULL where it names none that can be read.';

create function ar_inbox_internal.reported_customers(company_id bigint, report jsonb)
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(pg_catalog.array_agg(distinct c.id), '{}')
        from ar_inbox_internal.reported_addresses(report) r
        cross join lateral pg_catalog.unnest(
            ar_inbox_internal.customers_of_address(reported_customers.company_id, r.address)) c (id)
        where r.address is not null);
end
$$;

comment on function ar_inbox_internal.reported_customers(bigint, jsonb) is 'The customers of those that a report is about.';

create function ar_inbox_internal.returned_email(company_id bigint, addresses ar_inbox.email_address[],
    envelope_id text = null)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    key      bytea := ar_inbox_internal.signing_key(company_id);
    token    text;
    found_id bigint;
begin
    for token in
        select ar_inbox_internal.address_tag(a.address::text)
        from pg_catalog.unnest(addresses) with ordinality a (address, position)
        where pg_catalog.strpos(a.address::text, '+') > 0
        union all
        select envelope_id
    loop
        select d.email_id into found_id from ar_inbox.deliveries d
        where d.company_id = returned_email.company_id
            and d.id = ar_inbox_internal.read_token(key, 'b', token);
        if found then
            return found_id;
        end if;
    end loop;
    return null;
end
$$;

comment on function ar_inbox_internal.returned_email(bigint, ar_inbox.email_address[], text) is
'The message of ours whose signed return address is among the addresses, else the one of the envelope id, which is the same; NULL: none. addresses: our own that it was sent to.';

create function ar_inbox_internal.own_message_ids(company_id bigint, ids text[])
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        -- (in the list: one look-up for each, whatever the planner knows of the tables)
        select pg_catalog.array_agg(coalesce((
            select e.message_id from ar_inbox.deliveries d
            join ar_inbox.emails e on e.company_id = d.company_id and e.id = d.email_id
            where d.company_id = own_message_ids.company_id
                and d.queue_id = pg_catalog.split_part(r.id, '@', 1) and pg_catalog.length(d.queue_id) >= 16
            order by d.id desc limit 1), r.id) order by r.position)
        from pg_catalog.unnest(ids) with ordinality r (id, position));
end
$$;

comment on function ar_inbox_internal.own_message_ids(bigint, text[]) is
'The Message-IDs, and in place of those that a relay gave to messages of ours, theirs: such a one has the name under which the relay took the message (deliveries.queue_id) before its @. Names of 16 characters or more are as good as a Message-ID: only who has the message knows them. NULL: there are none.';

create function ar_inbox_internal.proven_email(company_id bigint, report jsonb,
    addresses ar_inbox.email_address[])
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint := ar_inbox_internal.returned_email(company_id, addresses, report #>> '{original,envelope_id}');
begin
    if found_id is not null then
        return found_id;
    end if;
    -- the Message-ID of the mail that it returns
    select e.id into found_id from ar_inbox.emails e
    where e.company_id = proven_email.company_id and e.message_id = any (ar_inbox_internal.own_message_ids(proven_email.company_id,
            array[report #>> '{original,message_id}']))
        and e.direction = 'outgoing';
    return found_id;
end
$$;

comment on function ar_inbox_internal.proven_email(bigint, jsonb, ar_inbox.email_address[]) is
'Which message of ours a report is about, told by what only somebody who had the message can know: the signed return address it came to, its envelope id, the Message-ID of what it returns; NULL: it shows none of them. addresses: our own that the report was sent to.';

create function ar_inbox_internal.reported_email(company_id bigint, report jsonb,
    addresses ar_inbox.email_address[])
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint := ar_inbox_internal.proven_email(company_id, report, addresses);
begin
    if found_id is not null or 'object' in (pg_catalog.jsonb_typeof(report -> 'receipt'),
        pg_catalog.jsonb_typeof(report -> 'delivered'))
    then
        return found_id;
    end if;
    -- the last one that left for a recipient it names
    select e.id into found_id
    from ar_inbox_internal.reported_addresses(report) a
    cross join lateral (
        select r.email_id from ar_inbox.email_recipients r
        join ar_inbox.deliveries d on d.company_id = r.company_id and d.email_id = r.email_id and d.channel = 'email'
        where r.company_id = reported_email.company_id and r.address = a.address
            and d.attempts > 0 and d.state not in ('queued', 'cancelled')
            -- (in flight the recipients are still as they were before)
            and (r.state in ('accepted', 'unknown', 'handing_off', 'bounced')
                or d.state = 'handing_off' and r.state in ('queued', 'deferred'))
        order by r.email_id desc limit 1) r
    join ar_inbox.emails e on e.company_id = reported_email.company_id and e.id = r.email_id
    where e.direction = 'outgoing' and e.occurred_at > pg_catalog.now() - interval '7 days'
    order by e.id desc limit 1;
    return found_id;
end
$$;

comment on function ar_inbox_internal.reported_email(bigint, jsonb, ar_inbox.email_address[]) is
'Which message of ours a report belongs to: the one of ar_inbox_internal.proven_email(), else (but for receipts, and that it was delivered) the last that left within 7 days for somebody it names, where it is shown and nothing else follows; NULL: not known. addresses: our own that the report was sent to.';

create function ar_inbox_internal.record_receipt(company_id bigint, inbound_id bigint, kind text, report jsonb,
    about bigint, received_at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    disposition text := report #>> '{receipt,disposition}';
    reader      text := report #>> '{receipt,address}';
begin
    if about is not null and kind = 'receipt' and disposition = 'displayed' then
        insert into ar_inbox.email_opens (company_id, email_id, opened_at, source, address, unreliable)
        values (record_receipt.company_id, about, received_at, 'receipt',
            case when ar_inbox_internal.is_email_address(reader) then reader::ar_inbox.email_address end,
            case when (report #>> '{receipt,automatic}')::boolean then 'the mail program answered by itself' end);
    end if;
    if about is not null then
        perform ar_inbox_internal.record_event(company_id, 'email', about, kind, null, report -> kind);
    end if;
    update ar_inbox.inbound_messages m
    set state = 'event',
        reason = case
            when kind = 'receipt' and about is null then 'a receipt for a message that is not here'
            when kind = 'receipt' then
                pg_catalog.format('a receipt for email %s: %s', about, coalesce(disposition, 'no disposition'))
            else pg_catalog.format('%s was %s', coalesce('email ' || about, 'a message that is not here'),
                report #>> '{delivered,action}') end
    where m.company_id = record_receipt.company_id and m.id = inbound_id;
end
$$;

comment on function ar_inbox_internal.record_receipt(bigint, bigint, text, jsonb, bigint, timestamptz) is
'Writes a receipt (RFC 8098), or a report that nothing but success is in (RFC 3464; kind: delivered), down with the message it is about: that it was displayed is an open, everything an event. It is never a conversation and never answered.';

create function ar_inbox_internal.apply_report(company_id bigint, report_email_id bigint, kind text, report jsonb,
    about bigint, received_at timestamptz, addresses ar_inbox.email_address[] = '{}')
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery  ar_inbox.deliveries;
    named     record;
    recipient ar_inbox.email_recipients;
    words     text;
    remaining integer;
    by_name   boolean;
begin
    -- Anybody can write that an address does not exist: nothing follows unless
    -- the report shows that its writer had the message.
    if kind = 'delay' or about is null
        or ar_inbox_internal.proven_email(company_id, report, addresses) is distinct from about
    then
        return;
    end if;
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = apply_report.company_id and d.email_id = about and d.channel = 'email';
    -- the step first, then the delivery: as a payment takes them
    if delivery.chasing_step_id is not null then
        perform 1 from ar_inbox.chasing_steps s
        where s.company_id = apply_report.company_id and s.id = delivery.chasing_step_id
        for no key update;
    end if;
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = apply_report.company_id and d.id = delivery.id
    for update;
    if delivery.attempts = 0 then
        return;         -- nothing comes back of what has not left
    end if;
    by_name := exists (
        select 1 from ar_inbox_internal.reported_addresses(report) a
        join ar_inbox.email_recipients r on r.address = a.address
        where r.company_id = apply_report.company_id and r.email_id = about and r.field <> 'reply_to');

    for named in
        select r.* from ar_inbox_internal.reported_addresses(report) r
        union all
        -- one that names nobody is about whoever was written to, if that is one
        select null, case kind when 'complaint' then 'complaint' else report #>> '{bounce,kind}' end, null, null
        where not exists (select 1 from ar_inbox_internal.reported_addresses(report))
    loop
        continue when named.kind = 'delayed';
        select r.* into recipient from ar_inbox.email_recipients r
        where r.company_id = apply_report.company_id and r.email_id = about and r.field <> 'reply_to'
            and (r.address = named.address
                -- forwarded from where we wrote to, or not named: the only one it can be
                or not by_name and 1 = (select count(distinct o.address) from ar_inbox.email_recipients o
                        where o.company_id = apply_report.company_id and o.email_id = about and o.field <> 'reply_to'))
        order by r.address = named.address desc, r.id limit 1;
        -- only whom we wrote to
        continue when not found;
        words := coalesce(named.diagnostic, named.status, kind);
        if kind = 'bounce' and coalesce(delivery.state <> 'cancelled', true) then
            update ar_inbox.email_recipients r
            set state = 'bounced', enhanced_code = named.status, reply = words,
                -- what the other server answered, wherever the words have it
                code = pg_catalog.substring(named.diagnostic, '(?:^|[^[:alnum:].#])([45][0-9][0-9])(?:[ :-]|$)')::integer
            where r.company_id = apply_report.company_id and r.email_id = about and r.address = recipient.address
                and r.field <> 'reply_to' and coalesce(r.state not in ('rejected', 'cancelled'), true);
        end if;
        -- forwarded mail that comes back says nothing final of where we wrote to
        if (kind = 'complaint' or named.kind = 'hard') and coalesce(named.address = recipient.address, true) then
            perform ar_inbox_internal.suppress_address(company_id, recipient.address,
                case kind when 'complaint' then 'complaint' else 'bounce' end, words, report_email_id);
        end if;
    end loop;

    if kind = 'bounce' and delivery.id is not null and delivery.state <> 'cancelled' then
        select count(*) filter (where r.state <> 'bounced' and r.state <> 'rejected'),
            pg_catalog.string_agg(pg_catalog.format('%s: %s', r.address, r.reply), '; ' order by r.id)
                filter (where r.state = 'bounced')
        into remaining, words
        from ar_inbox.email_recipients r
        where r.company_id = apply_report.company_id and r.email_id = about and r.field <> 'reply_to';
        if words is null then
            return;     -- a bounce of somebody else
        end if;
        update ar_inbox.deliveries d
        set state = case when remaining = 0 then 'bounced' else d.state end,
            reason = 'bounced for ' || words,
            code = r.code, enhanced_code = r.enhanced_code, reply = r.reply,
            next_attempt_at = case when remaining > 0 then d.next_attempt_at end,
            finished_at = case when remaining = 0 then coalesce(d.finished_at, received_at) else d.finished_at end
        from (
            select o.code, o.enhanced_code, o.reply from ar_inbox.email_recipients o
            where o.company_id = apply_report.company_id and o.email_id = about and o.state = 'bounced'
            order by o.id limit 1) r
        where d.company_id = apply_report.company_id and d.id = delivery.id
            -- one in flight gets its end from its own result
            and d.state <> 'handing_off';
        if delivery.chasing_step_id is not null and remaining = 0 then
            update ar_inbox.chasing_steps s
            set state = 'failed', reason = 'email: bounced for ' || words
            where s.company_id = apply_report.company_id and s.id = delivery.chasing_step_id and s.state = 'sent';
            perform ar_inbox_internal.settle_step(company_id, delivery.chasing_step_id);
        end if;
        perform ar_inbox_internal.record_event(company_id, 'delivery', delivery.id, 'bounced', null,
            pg_catalog.jsonb_build_object('email_id', report_email_id, 'reason', words));
    end if;
end
$$;

comment on function ar_inbox_internal.apply_report(bigint, bigint, text, jsonb, bigint, timestamptz, ar_inbox.email_address[]) is
'Does what follows from a bounce or a complaint (report_email_id) about a message of ours: the recipients it names bounced, with code and words; the delivery too when none is left, and the step of a reminder failed; who does not exist or complained is written to no more. Since a report can be forged, all this only where it shows that its writer had the message (ar_inbox_internal.proven_email()), and only for addresses that the message went to. A message that has not left, or was taken back, stays as it is. addresses: our own that the report was sent to.';
