-- The one decision: what becomes of a chasing step at a moment.

create function ar_inbox_internal.step_facts(company_id bigint, step_ids bigint[], moments timestamptz[],
    as_of timestamptz)
returns table (step_id bigint, invoice_id bigint, scheduled boolean, status text, chased boolean, mail text,
    mail_enabled boolean, payment_voided boolean, held text, was_sent boolean, due_at timestamptz,
    moment timestamptz, today date, minute integer, issue_date date, invoice_due_date date,
    emails text[], email_problem text, emails_today integer,
    letters text[], letter_problem text, letters_today integer,
    phones text[], texts integer[], sms_problem text, texts_today integer, channels text[])
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- many rows, but little to compute for each: compiling takes longer
set jit = off
as $$
declare
    company  ar_inbox.companies;
    account  bigint := ar_inbox_internal.sending_account(company_id);
    by_text  bigint := ar_inbox_internal.provider_for(company_id, 'sms');
    by_post  bigint := ar_inbox_internal.provider_for(company_id, 'letter');
    any_hold boolean := exists (select from ar_inbox.holds h
            where h.company_id = step_facts.company_id and h.ended_at is null)
        or (as_of <> 'infinity' and exists (select from ar_inbox.holds h
            where h.company_id = step_facts.company_id and h.ended_at > as_of));
begin
    select c.* into company from ar_inbox.companies c where c.id = step_facts.company_id;
    return query
        select s.id, s.invoice_id,
            s.state = 'scheduled' or coalesce(s.fired_at, s.cancelled_at) > as_of,
            case when as_of = 'infinity' then i.status
                when i.issued_at is null or i.issued_at > as_of then 'draft'
                when i.ended_at > as_of then 'issued'
                else i.status end::text,
            coalesce(i.chasing_enabled, false), s.mail,
            s.mail is not null and exists (select from ar_inbox.automatic_mails m
                where m.company_id = s.company_id and m.name = s.mail and m.is_on),
            s.payment_id is not null and exists (select from ar_inbox.payments p
                where p.company_id = s.company_id and p.id = s.payment_id and p.voided_at <= as_of),
            waits.held,
            once.was_sent,
            s.due_at, u.moment, local.today, local.minute, i.issue_date, i.due_date,
            mails.addresses,
            case when not todo.email then null
                when mails.addresses is not null and account is null then 'the company has no mail account'
                when mails.addresses is not null then null
                when mails.barred is not null then mails.barred
                when s.contact_role_id is null then 'the customer has no e-mail address'
                else pg_catalog.format('no contact with the role %s has an e-mail address',
                    (select pg_catalog.quote_literal(r.name) from ar_inbox.contact_roles r
                     where r.company_id = s.company_id and r.id = s.contact_role_id)) end,
            sent.by_email,
            post.addresses,
            case when not todo.letter then null
                when post.addresses is null then case when s.contact_role_id is null
                    then 'the customer has no postal address'
                    else pg_catalog.format('no contact with the role %s has a postal address',
                        (select pg_catalog.quote_literal(r.name) from ar_inbox.contact_roles r
                         where r.company_id = s.company_id and r.id = s.contact_role_id)) end
                when by_post is null then 'the company has no provider of letters'
                when company.postal_address is null then 'the company has no return address (setting postal_address)' end,
            sent.by_letter,
            telephone.numbers, telephone.texts,
            case when not todo.sms then null
                when telephone.numbers is null then case when s.contact_role_id is null
                    then 'the customer has no telephone number'
                    else pg_catalog.format('no contact with the role %s has a telephone number',
                        (select pg_catalog.quote_literal(r.name) from ar_inbox.contact_roles r
                         where r.company_id = s.company_id and r.id = s.contact_role_id)) end
                when by_text is null then 'the company has no provider of text messages' end,
            sent.by_sms,
            coalesce(s.left_channels, s.channels)::text[]
        -- (unnest of several arrays works by its plain name only)
        from unnest(step_ids, moments) with ordinality u (id, moment, "position")
        join ar_inbox.chasing_steps s on s.company_id = step_facts.company_id and s.id = u.id
        join ar_inbox.invoices i on i.company_id = s.company_id and i.id = s.invoice_id
        cross join lateral (
            select (u.moment at time zone company.time_zone)::date as today,
                (extract(hour from u.moment at time zone company.time_zone) * 60
                    + extract(minute from u.moment at time zone company.time_zone))::integer as minute) local
        cross join lateral (
            select 'email' = any (c.channels) as email, 'letter' = any (c.channels) as letter,
                'sms' = any (c.channels) as sms
            from (values (coalesce(s.left_channels, s.channels))) c (channels)) todo
        cross join lateral (
            -- steps, not messages: a text goes to each number by itself
            select count(distinct d.chasing_step_id) filter (where d.channel = 'email')::integer as by_email,
                count(distinct d.chasing_step_id) filter (where d.channel = 'letter')::integer as by_letter,
                count(distinct d.chasing_step_id) filter (where d.channel = 'sms')::integer as by_sms
            from ar_inbox.deliveries d
            join ar_inbox.chasing_steps k on k.company_id = d.company_id and k.id = d.chasing_step_id
            where d.company_id = i.company_id and d.invoice_id = i.id and k.payment_id is null
                and d.state not in ('rejected', 'bounced', 'cancelled') and d.created_at <= as_of
                and d.created_at >= local.today::timestamp at time zone company.time_zone
                and d.created_at < (local.today + 1)::timestamp at time zone company.time_zone) sent
        cross join lateral ar_inbox_internal.sending_of(i.company_id, i.id, i.marked_sent_at, as_of) once
        left join lateral ar_inbox_internal.hold_on(i.company_id, i.id, i.customer_id, u.moment, as_of) waits on any_hold
        left join lateral (
            -- those the company does not write to are left out
            select pg_catalog.array_agg(a.address::text order by a.rank, a.id) filter (where p.id is null) as addresses,
                pg_catalog.string_agg(pg_catalog.format('%s is %s', a.address,
                    ar_inbox_internal.suppression_of(a.company_id, a.address, u.moment)), '; ' order by a.rank, a.id)
                    filter (where p.id is not null) as barred
            from (
                -- where mail for the invoice goes: to its own list, else to the customer
                -- and its contacts, primary ones first; with a contact role, to who has it
                select i.company_id, f.address, pg_catalog.min(f.rank) as rank, pg_catalog.min(f.id) as id
                from (
                    select c.email as address, 0::bigint as rank, c.id from ar_inbox.customers c
                    where c.company_id = i.company_id and c.id = i.customer_id
                        and s.contact_role_id is null and i.recipients is null
                    union all
                    select k.email, case when k.is_primary then 1 else 2 end, k.id from ar_inbox.contacts k
                    where k.company_id = i.company_id and k.customer_id = i.customer_id
                        and (s.contact_role_id is null or k.contact_role_id = s.contact_role_id)
                        and i.recipients is null
                    union all
                    select o.address, o.position, 0
                    from pg_catalog.unnest(i.recipients) with ordinality o (address, position)
                    where s.contact_role_id is null or exists (select from ar_inbox.contacts k
                        where k.company_id = i.company_id and k.customer_id = i.customer_id
                            and k.contact_role_id = s.contact_role_id and k.email = o.address)) f
                where f.address is not null
                group by f.address) a
            left join ar_inbox.suppressions p on p.address = a.address and p.company_id = a.company_id
                and p.since <= as_of and (p.lifted_at is null or p.lifted_at > as_of)
                and (p.until is null or p.until > u.moment)) mails on todo.email
        cross join lateral (
            select case when a.address is not null then array[a.address] end as addresses
            from (select case when todo.letter then ar_inbox_internal.customer_postal_address(i.company_id, i.customer_id,
                s.contact_role_id)::text end) a (address)) post
        left join lateral (
            select pg_catalog.array_agg(n.number order by n.position) as numbers,
                pg_catalog.array_agg((select count(*)::integer from ar_inbox.deliveries d
                    where d.company_id = i.company_id and d.recipient = n.number and d.channel = 'sms'
                        and d.state not in ('rejected', 'bounced', 'cancelled')
                        and d.created_at >= local.today::timestamp at time zone company.time_zone
                        and d.created_at < (local.today + 1)::timestamp at time zone company.time_zone
                        and d.created_at <= as_of) order by n.position) as texts
            from pg_catalog.unnest(case when todo.sms then ar_inbox_internal.customer_phones(i.company_id, i.customer_id,
                s.contact_role_id) end) with ordinality n (number, position)
            -- of a step that is tried again: those that did not get it
            where s.left_channels is null or not exists (select from ar_inbox.deliveries d
                where d.company_id = s.company_id and d.chasing_step_id = s.id and d.recipient = n.number
                    and d.state not in ('rejected', 'bounced', 'cancelled') and d.created_at <= as_of)) telephone on todo.sms
        order by u.position;
end
$$;

comment on function ar_inbox_internal.step_facts(bigint, bigint[], timestamptz[], timestamptz) is
'What is known of steps, each at its moment: what decide_steps() judges. as_of: what was written down until then counts; infinity: everything.';

create function ar_inbox_internal.decide_steps(company_id bigint, step_ids bigint[], moments timestamptz[],
    as_of timestamptz = 'infinity')
returns table (step_id bigint, invoice_id bigint, channel text, outcome text, reason text, recipients text[],
    template text)
language c stable strict rows 100
as 'MODULE_PATHNAME', 'ar_inbox_decide_steps';

comment on function ar_inbox_internal.decide_steps(bigint, bigint[], timestamptz[], timestamptz) is
'What becomes of steps of a company, each at its moment, one row for each channel: outcome send (then recipients and template), fail, withhold, skip, cancel, wait or done, with the reason. They are judged in the order given, and what goes out counts for those after it. Whatever fires, shows or foretells steps asks this. as_of: what was written down until then counts; infinity: everything.';

create function ar_inbox_internal.step_outcome(outcomes text[])
returns text
language sql immutable parallel safe
return case when 'send' = any (outcomes) then 'send' when 'fail' = any (outcomes) then 'fail'
    when 'withhold' = any (outcomes) then 'withhold' else outcomes[1] end;

comment on function ar_inbox_internal.step_outcome(text[]) is
'What becomes of a step of which this becomes of its channels.';

create type ar_inbox_internal.decision as (
    step_id    bigint,
    invoice_id bigint,
    channel    text,
    outcome    text,
    reason     text,
    recipients text[],
    template   text
);
comment on type ar_inbox_internal.decision is 'A row of decide_steps().';

create function ar_inbox.preview(company_id bigint, from_time timestamptz, to_time timestamptz, at timestamptz = now())
returns table (due_at timestamptz, invoice_id bigint, step_id bigint, channel ar_inbox.channel, recipient text,
    template text, outcome text, reason text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    as_of   timestamptz;
    planned bigint[];
    moments timestamptz[];
    decisions ar_inbox_internal.decision[];
    faults  jsonb;
begin
    perform ar_inbox_internal.require_company(company_id, 'view');
    perform ar_inbox_internal.check_moment(from_time, 'from_time');
    perform ar_inbox_internal.check_moment(to_time, 'to_time');
    perform ar_inbox_internal.check_moment(at, 'at');
    if to_time <= from_time then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('to_time %s is not after from_time %s', to_time, from_time), 'Give a period that ends after it begins.');
    elsif to_time > from_time + interval '5 years' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('from %s to %s are more than five years', from_time, to_time), 'Give a shorter period.');
    end if;
    -- of a moment that is past: what was written down by then
    as_of := case when at < pg_catalog.now() then at else 'infinity' end;

    -- What comes before the period counts for what is in it.
    select pg_catalog.array_agg(f.id order by f.moment, f.due_at, f.id),
        pg_catalog.array_agg(f.moment order by f.moment, f.due_at, f.id)
    into planned, moments
    from (
        select s.id, s.due_at, greatest(s.due_at, at) as moment
        from ar_inbox.chasing_steps s
        where s.company_id = preview.company_id and s.state = 'scheduled' and s.due_at < to_time
            and s.created_at <= as_of
        union all
        select s.id, s.due_at, greatest(s.due_at, at)
        from ar_inbox.chasing_steps s
        where as_of <> 'infinity' and s.company_id = preview.company_id and s.state <> 'scheduled'
            and s.due_at < to_time and s.created_at <= as_of
            and coalesce(s.fired_at, s.cancelled_at) > as_of) f
    where f.moment < to_time;

    -- judged, then made on paper: a text that cannot be filled in fails when it fires
    select pg_catalog.array_agg(row(d.step_id, d.invoice_id, d.channel, d.outcome, d.reason, d.recipients,
        d.template)::ar_inbox_internal.decision)
    into decisions
    from ar_inbox_internal.decide_steps(preview.company_id, planned, moments, as_of) d
    join unnest(planned, moments) u (id, moment) on u.id = d.step_id and u.moment >= from_time;
    select pg_catalog.jsonb_object_agg(t.step_id || ' ' || t.channel, t.channel || ': ' || t.error) into faults
    from ar_inbox_internal.step_texts(preview.company_id, decisions, at) t
    where t.error is not null;

    return query
        select f.due_at, f.invoice_id, f.step_id, f.channel, f.recipient, f.template, f.outcome, f.reason
        from (
            select s.due_at, d.invoice_id, d.step_id, d.channel::ar_inbox.channel,
                case d.channel when 'letter' then ar_inbox_internal.postal_address_line(r.recipient::jsonb)
                    else r.recipient end as recipient, case when x.fault is null then d.template end as template,
                case when x.fault is null then d.outcome else 'fail' end as outcome,
                coalesce(x.fault, d.reason) as reason, u.moment as shown_at, r.position
            from pg_catalog.unnest(decisions) d
            join unnest(planned, moments) u (id, moment) on u.id = d.step_id
            join ar_inbox.chasing_steps s on s.company_id = preview.company_id and s.id = d.step_id
            cross join lateral (select faults ->> (d.step_id || ' ' || d.channel)) x (fault)
            left join lateral pg_catalog.unnest(d.recipients) with ordinality r (recipient, position) on x.fault is null
            union all
            -- what is done: what became of it
            select s.due_at, s.invoice_id, s.id, c.channel, coalesce(l.recipient, r.address::text), e.template,
                case when s.failures ? c.channel::text or l.state in ('rejected', 'bounced') then 'failed'
                    when l.state = 'accepted' then 'sent' else s.state::text end,
                coalesce(s.failures ->> c.channel::text, l.reason,
                    case when l.id is null then s.reason end), s.due_at, r.id
            from ar_inbox.chasing_steps s
            cross join lateral pg_catalog.unnest(s.channels) c (channel)
            left join ar_inbox.deliveries l on l.company_id = s.company_id and l.chasing_step_id = s.id
                and l.channel = c.channel and l.created_at <= as_of
            left join ar_inbox.emails e on e.company_id = l.company_id and e.id = l.email_id
            left join ar_inbox.email_recipients r on r.company_id = e.company_id and r.email_id = e.id
                and l.recipient is null and r.field <> 'reply_to'
            where s.company_id = preview.company_id and s.state <> 'scheduled'
                and s.due_at >= from_time and s.due_at < to_time and s.created_at <= as_of
                and s.due_at <= at
                -- one that another took the place of is nobody's loss
                and s.reason is distinct from 'another schedule was set'
                and not coalesce(coalesce(s.fired_at, s.cancelled_at) > as_of, false)) f
        order by f.shown_at, f.due_at, f.step_id, f.channel, f.position;
end
$$;

comment on function ar_inbox.preview(bigint, timestamptz, timestamptz, timestamptz) is
'What goes out between two moments, to whom, by which channel, with which template, and what does not and why: one row for each step, channel and recipient. It is judged by the decision that fires steps, in the order in which they come due, and writes nothing. at: the moment as of which it is judged; steps that are overdue by then go out then. In the past: by what was written down until then. outcome: send, fail, withhold, skip or cancel, wait for an invoice that was a draft then; of a step that is done by at, what became of it. recipient is NULL where nothing is sent. Needs view. Errors: IB001, 22004, 22023 (a period that ends before it begins or is over five years).';
