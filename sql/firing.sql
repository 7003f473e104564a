-- Firing: what is due is judged, and its messages are made and queued.

create function ar_inbox_internal.fire_steps(company_id bigint, step_ids bigint[], at timestamptz)
returns table (step_id bigint, invoice_id bigint, outcome text, reason text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    decisions ar_inbox_internal.decision[];
    mails     ar_inbox_internal.draft[];
    others    ar_inbox_internal.draft[];
    errors    jsonb;
    other     record;
begin
    select pg_catalog.array_agg(row(d.step_id, d.invoice_id, d.channel, d.outcome, d.reason, d.recipients,
        d.template)::ar_inbox_internal.decision)
    into decisions
    from ar_inbox_internal.decide_steps(company_id, step_ids,
        pg_catalog.array_fill(at, array[pg_catalog.cardinality(step_ids)])) d
    where d.outcome not in ('wait', 'done');

    select pg_catalog.array_agg(m.draft) filter (where m.error is null and m.channel = 'email'),
        pg_catalog.array_agg(m.draft) filter (where m.error is null and m.channel <> 'email'),
        pg_catalog.jsonb_object_agg((m.draft).chasing_step_id || ' ' || m.channel, m.error) filter (where m.error is not null)
    into mails, others, errors
    from ar_inbox_internal.step_messages(company_id, decisions, at) m;

    return query
        with ends as (
            select e.step_id, ar_inbox_internal.step_outcome(pg_catalog.array_agg(e.outcome)) as outcome,
                pg_catalog.string_agg(distinct e.reason, '; ') filter (where e.outcome <> 'send') as reasons,
                -- of a step that goes out otherwise
                pg_catalog.jsonb_object_agg(e.channel, e.reason) filter (where e.outcome = 'fail') as failures,
                pg_catalog.string_agg(distinct e.reason, '; ') filter (where e.outcome = 'withhold') as withheld,
                pg_catalog.min(e.reason) as any_reason
            from (
                select d.step_id, d.channel, case when f.error is null then d.outcome else 'fail' end as outcome,
                    coalesce(d.channel || ': ' || f.error, d.reason) as reason
                from pg_catalog.unnest(decisions) d
                cross join lateral (select errors ->> (d.step_id || ' ' || d.channel)) f (error)) e
            group by e.step_id)
        update ar_inbox.chasing_steps s
        set state = case e.outcome when 'send' then 'sending' when 'fail' then 'failed' when 'withhold' then 'withheld'
                when 'skip' then 'skipped' else 'cancelled' end::ar_inbox.step_state,
            reason = case e.outcome when 'send' then e.withheld when 'fail' then e.reasons
                when 'withhold' then e.reasons else e.any_reason end,
            failures = case when e.outcome = 'send' then e.failures end,
            fired_at = case when e.outcome <> 'cancel' then at end,
            cancelled_at = case when e.outcome = 'cancel' then at end
        from ends e
        where s.company_id = fire_steps.company_id and s.id = e.step_id
        returning s.id, s.invoice_id, s.state::text, s.reason;

    perform ar_inbox_internal.queue_emails(company_id, mails, true, at);
    for other in
        select d.channel, d.recipients, o.*
        from pg_catalog.unnest(others) o
        join pg_catalog.unnest(decisions) d on d.step_id = o.chasing_step_id and d.channel <> 'email'
            and d.template = o.template
    loop
        if other.channel = 'letter' then
            perform ar_inbox_internal.queue_letter(company_id, other.thread_id, other.recipients[1]::jsonb,
                other.subject, other.body, other.body_html, other.template, other.invoice_id, other.chasing_step_id, at);
        else
            perform ar_inbox_internal.queue_text_message(company_id, other.thread_id, u.phone, other.body,
                other.template, other.invoice_id, other.chasing_step_id, at)
            from pg_catalog.unnest(other.recipients) u (phone);
        end if;
    end loop;
end
$$;

comment on function ar_inbox_internal.fire_steps(bigint, bigint[], timestamptz) is
'Fires steps of a company that the caller has locked, with their invoices and threads: judges them, makes and queues what is sent, writes down why not. Returns what became of each.';

create function ar_inbox_internal.step_texts(company_id bigint, decisions ar_inbox_internal.decision[],
    at timestamptz)
returns table (step_id bigint, invoice_id bigint, channel text, template text, recipients text[], subject text,
    text text, html text, error text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- what is put together here is all of one batch
set enable_hashjoin = on
as $$
begin
    return query
        with sent as materialized (
            select d.step_id, d.invoice_id, d.channel, d.template, d.recipients, s.payment_id, k.language, d.number
            from pg_catalog.unnest(decisions) with ordinality
                d (step_id, invoice_id, channel, outcome, reason, recipients, template, number)
            join ar_inbox.chasing_steps s on s.company_id = step_texts.company_id and s.id = d.step_id
            join ar_inbox.invoices i on i.company_id = s.company_id and i.id = s.invoice_id
            join ar_inbox.customers k on k.company_id = i.company_id and k.id = i.customer_id
            where d.outcome = 'send'
        ), texts as materialized (
            select w.template, w.language, t.subject, t.body, t.text_language
            from (select distinct n.template, n.language from sent n) w
            cross join lateral ar_inbox_internal.template_text(step_texts.company_id, w.template, w.language) t
        ), contexts as materialized (
            select c.invoice_id, c.language, c.context
            from ar_inbox_internal.invoice_contexts(step_texts.company_id,
                array(select n.invoice_id from sent n order by n.number), at,
                array(select t.text_language from sent n
                    join texts t on t.template = n.template and t.language is not distinct from n.language
                    order by n.number)) c
        )
        select n.step_id, n.invoice_id, n.channel, n.template, n.recipients,
            -- a subject whose variables are all empty is still a subject
            coalesce(m.subject, 'Invoice ' || (c.context #>> '{invoice,number}')), m.text, m.html, m.error
        from sent n
        join texts t on t.template = n.template and t.language is not distinct from n.language
        join contexts c on c.invoice_id = n.invoice_id and c.language = t.text_language
        cross join lateral (
            select case when n.payment_id is null then c.context
                else c.context || pg_catalog.jsonb_build_object('payment',
                    ar_inbox_internal.payment_values(step_texts.company_id, n.payment_id, t.text_language)) end) x (context)
        cross join lateral (
            select f.subject, f.text, f.html, f.error
            from ar_inbox_internal.fill_message(t.subject, t.body, x.context) f
            where n.channel <> 'sms'
            union all
            select '', f.text, null, coalesce(f.error, ar_inbox_internal.text_message_fault(f.text))
            from ar_inbox_internal.fill_text_message(t.body, x.context) f
            where n.channel = 'sms') m
        order by n.number;
end
$$;

comment on function ar_inbox_internal.step_texts(bigint, ar_inbox_internal.decision[], timestamptz) is
'The texts of what is sent, one for each step and channel, in its customer''s language; or what is wrong with the template it was to be made of.';

create function ar_inbox_internal.step_messages(company_id bigint, decisions ar_inbox_internal.decision[],
    at timestamptz)
returns table (channel text, draft ar_inbox_internal.draft, error text)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_hashjoin = on
as $$
begin
    return query
        with filled as materialized (
            -- the ids first: a new thread names its message
            select t.*, pg_catalog.nextval('ar_inbox.emails_id_seq') as email_id,
                -- a rehearsal of what is to come has happened now
                ar_inbox_internal.next_moment(least(at, pg_catalog.now())) as moment
            from ar_inbox_internal.step_texts(step_messages.company_id, decisions, at) t
        ), threads as materialized (
            select t.invoice_id, t.thread_id, t.is_new
            from ar_inbox_internal.invoice_threads(step_messages.company_id,
                array(select f.invoice_id from filled f where f.error is null order by f.email_id),
                -- (texts and letters get their ids when they are queued)
                array(select case when f.channel = 'email' then f.email_id end
                    from filled f where f.error is null order by f.email_id),
                array(select f.moment from filled f where f.error is null order by f.email_id)) t
        )
        select f.channel, row(f.email_id, f.moment, h.thread_id, h.is_new,
            case when f.channel = 'email' then f.recipients else '{}' end::ar_inbox.email_address[], '{}', '{}', f.subject,
            coalesce(f.text, ''), f.html, f.template, f.invoice_id, f.step_id, null)::ar_inbox_internal.draft, f.error
        from filled f
        left join threads h on h.invoice_id = f.invoice_id
        order by f.email_id;
end
$$;

comment on function ar_inbox_internal.step_messages(bigint, ar_inbox_internal.decision[], timestamptz) is
'step_texts() as messages, each in its invoice''s thread.';

create function ar_inbox_internal.fire_locked(company_id bigint, step_ids bigint[], at timestamptz)
returns table (step_id bigint, invoice_id bigint, outcome text, reason text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    one   bigint;
    error text;
    waits integer := 0;
begin
    begin
        return query select * from ar_inbox_internal.fire_steps(company_id, step_ids, at);
        return;
    exception
        when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
            or out_of_memory or disk_full then
            raise;
        when others then
            -- one step that cannot be made into a message stops no other: each by itself
            null;
    end;
    foreach one in array step_ids loop
        begin
            return query select * from ar_inbox_internal.fire_steps(company_id, array[one], at);
        exception
            when lock_not_available then
                -- It comes again.  Who holds what all of them need (the mail account)
                -- is not waited for by each.
                waits := waits + 1;
                exit when waits = 2;
            when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
                or out_of_memory or disk_full then
                raise;
            when others then
                error := sqlerrm;
                return query
                    update ar_inbox.chasing_steps s
                    set state = 'failed', reason = 'it could not be made into a message: ' || error, fired_at = at
                    where s.company_id = fire_locked.company_id and s.id = one
                    returning s.id, s.invoice_id, s.state::text, s.reason;
        end;
    end loop;
end
$$;

comment on function ar_inbox_internal.fire_locked(bigint, bigint[], timestamptz) is
'fire_steps(), and where that fails each step by itself: one whose message cannot be made has failed with that reason, and one for which a lock was not to be had in time (lock_timeout) stays as it is, and after two of those all that are left.';

create function ar_inbox_internal.fire_due(company_id bigint, at timestamptz, most integer)
returns table (step_id bigint, invoice_id bigint, outcome text, reason text)
language plpgsql
set search_path = pg_catalog, pg_temp
-- by the keys, also where a plan was made while the tables were small
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
    due     bigint[];
    moments timestamptz[];
    last_at timestamptz := '-infinity'::timestamptz;
    last_id bigint := 0;
begin
    -- further on where all of a batch must wait: what somebody holds keeps
    -- nothing that is due after it
    loop
        -- The invoices first, as a payment does.  Whoever holds one now (a payment,
        -- another worker) decides; its step comes again if it is left.
        select pg_catalog.array_agg(f.id order by f.due_at, f.id), pg_catalog.array_agg(f.due_at order by f.due_at, f.id)
        into due, moments
        from (
            select s.id, s.due_at
            from ar_inbox.chasing_steps s
            join ar_inbox.invoices i on i.company_id = s.company_id and i.id = s.invoice_id
            where s.company_id = fire_due.company_id and s.state = 'scheduled' and s.due_at <= at
                and (s.due_at, s.id) > (last_at, last_id)
            order by s.due_at, s.id
            limit most
            for no key update of i skip locked) f;
        if due is null then
            return;
        end if;
        last_at := moments[pg_catalog.cardinality(moments)];
        last_id := due[pg_catalog.cardinality(due)];
        -- Then the steps, as they are now: one that is scheduled is changed by
        -- nobody who has not its invoice.
        due := array(
            select s.id from ar_inbox.chasing_steps s
            where s.company_id = fire_due.company_id and s.id = any (due) and s.state = 'scheduled' and s.due_at <= at
            order by s.due_at, s.id);
        -- A member may be working a thread: the message comes after that.
        due := array(
            with threads as materialized (
                select o.invoice_id, case when o.merged_into_id is null then o.id
                    else ar_inbox_internal.current_thread(o.company_id, o.id) end as id
                from ar_inbox.threads o
                where o.company_id = fire_due.company_id
                    and o.invoice_id = any (array(select s.invoice_id from ar_inbox.chasing_steps s
                        where s.company_id = fire_due.company_id and s.id = any (due)))
            ), locked as materialized (
                select t.id from ar_inbox.threads t
                where t.company_id = fire_due.company_id and t.id = any (array(select h.id from threads h))
                for no key update skip locked
            )
            select s.id
            from ar_inbox.chasing_steps s
            left join threads h on h.invoice_id = s.invoice_id
            where s.company_id = fire_due.company_id and s.id = any (due)
                and case when h.id is not null then h.id in (select l.id from locked l)
                    -- ... or be making it, and want the invoice next
                    else pg_catalog.pg_try_advisory_xact_lock(
                        ar_inbox_internal.thread_making(s.company_id, s.invoice_id)) end
            order by s.due_at, s.id);
        -- How many texts a number had is seen only once they are committed: two
        -- sessions that fire invoices of one customer would both send the last one.
        if exists (select 1 from ar_inbox.chasing_steps s
                where s.company_id = fire_due.company_id and s.id = any (due)
                    and 'sms' = any (coalesce(s.left_channels, s.channels)))
            and not pg_catalog.pg_try_advisory_xact_lock(
                pg_catalog.hashtextextended('ar_inbox.text_messages ' || company_id, 0))
        then
            due := array(
                select s.id from ar_inbox.chasing_steps s
                where s.company_id = fire_due.company_id and s.id = any (due)
                    and not 'sms' = any (coalesce(s.left_channels, s.channels))
                order by s.due_at, s.id);
        end if;
        exit when due <> '{}';
    end loop;
    return query select * from ar_inbox_internal.fire_locked(company_id, due, at);
end
$$;

comment on function ar_inbox_internal.fire_due(bigint, timestamptz, integer) is
'Fires up to most due steps of a company, oldest first. Steps whose invoice or thread another transaction holds are left to the next call; so are text messages while another one fires those of the company.';

create function ar_inbox_internal.companies_with_due(at timestamptz)
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select s.company_id from ar_inbox.chasing_steps s
        where s.state = 'scheduled' and s.due_at <= at
        group by s.company_id
        order by pg_catalog.min(s.due_at), s.company_id);
end
$$;

comment on function ar_inbox_internal.companies_with_due(timestamptz) is
'The companies with steps that are due, who waits longest first.';

create function ar_inbox.fire_due_steps(at timestamptz = now())
returns table (step_id bigint, invoice_id bigint, outcome text, reason text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- where it stands in anybody's way it gives way, before a deadlock is looked for
set lock_timeout = '250ms'
as $$
declare
    waiting bigint[];
    left_over bigint[];
    company bigint;
begin
    perform ar_inbox_internal.require_installed();
    if not ar_inbox_internal.is_administrator(ar_inbox_internal.caller()) then
        perform ar_inbox_internal.refuse('insufficient_privilege', 'only the worker and administrators fire steps',
            'The worker fires each step at its moment by itself.');
    end if;
    perform ar_inbox_internal.check_moment(at, 'at');
    waiting := ar_inbox_internal.companies_with_due(at);
    -- a batch of each in turn
    while waiting <> '{}' loop
        left_over := '{}';
        foreach company in array waiting loop
            return query select * from ar_inbox_internal.fire_due(company, at, 500);
            if found then
                left_over := left_over || company;
            end if;
        end loop;
        waiting := left_over;
    end loop;
end
$$;

comment on function ar_inbox.fire_due_steps(timestamptz) is
'Fires every step that is due at that moment, a batch of each company in turn: judges it, then makes and queues its message or writes down why not. A step fires once however many sessions call this; steps whose invoice another transaction holds are left to the next call. Returns what became of each: outcome sending, failed, withheld, skipped or cancelled, with the reason. The worker does this by itself; for administrators. Errors: 42501, 22004.';
