-- Firing: what becomes of a step at its moment, and doing it.

create function ar_inbox_internal.decide_step(company_id bigint, step_id bigint, at timestamptz,
    out outcome text, out reason text, out recipients ar_inbox.email_address[], out template text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    step    ar_inbox.chasing_steps;
    invoice ar_inbox.invoices;
    company ar_inbox.companies;
    today   date;
    sent    integer;
    barred  text;
begin
    select s.* into step from ar_inbox.chasing_steps s
    where s.company_id = decide_step.company_id and s.id = step_id;
    select i.* into invoice from ar_inbox.invoices i
    where i.company_id = step.company_id and i.id = step.invoice_id;
    select c.* into company from ar_inbox.companies c where c.id = step.company_id;
    today := (at at time zone company.time_zone)::date;

    if step.state <> 'scheduled' then
        outcome := 'done';
        reason := step.reason;
    elsif invoice.status = 'draft' then
        outcome := 'wait';
        reason := 'the invoice is a draft';
    elsif invoice.status <> 'issued' then
        outcome := 'cancel';
        reason := 'invoice ' || invoice.status;
    elsif not coalesce(invoice.chasing_enabled, false) then
        outcome := 'cancel';
        reason := 'chasing disabled';
    elsif step.due_at > at or today < invoice.issue_date then
        outcome := 'wait';
        reason := 'not yet due';
    else
        select count(*) into sent from ar_inbox.deliveries d
        where d.company_id = invoice.company_id and d.invoice_id = invoice.id and d.channel = 'email'
            and d.chasing_step_id is not null and d.state not in ('rejected', 'cancelled')
            and d.created_at >= today::timestamp at time zone company.time_zone
            and d.created_at < (today + 1)::timestamp at time zone company.time_zone;
        recipients := case when invoice.recipients is not null and step.contact_role_id is null
            then invoice.recipients
            when invoice.recipients is not null then (
                select pg_catalog.array_agg(u.address) from pg_catalog.unnest(invoice.recipients) u (address)
                where u.address = any (ar_inbox_internal.customer_addresses(
                    invoice.company_id, invoice.customer_id, step.contact_role_id)))
            else ar_inbox_internal.customer_addresses(invoice.company_id, invoice.customer_id, step.contact_role_id)
            end;
        -- those the company does not write to are left out
        select pg_catalog.array_agg(u.address order by u.position) filter (where u.why is null),
            pg_catalog.string_agg(pg_catalog.format('%s is %s', u.address, u.why), '; ' order by u.position)
        into recipients, barred
        from (
            select r.address, r.position, ar_inbox_internal.suppression_of(invoice.company_id, r.address, at) as why
            from pg_catalog.unnest(recipients) with ordinality r (address, position)
        ) u;
        if sent >= company.max_sends_per_day then
            outcome := 'withhold';
            reason := pg_catalog.format('sent %s times by email today, the limit (max_sends_per_day)', sent);
        elsif coalesce(pg_catalog.cardinality(recipients), 0) = 0 then
            outcome := 'fail';
            reason := case when barred is not null then 'email: ' || barred
                when step.contact_role_id is null
                then 'email: the customer has no e-mail address'
                else pg_catalog.format('email: no contact with the role %s has an e-mail address',
                    (select pg_catalog.quote_literal(r.name) from ar_inbox.contact_roles r
                     where r.company_id = step.company_id and r.id = step.contact_role_id)) end;
        elsif ar_inbox_internal.sending_account(company.id) is null then
            outcome := 'fail';
            reason := 'email: the company has no mail account';
        else
            outcome := 'send';
            template := case when today > invoice.due_date then 'past_due_invoice'
                when not ar_inbox_internal.was_sent(invoice.company_id, invoice.id) then 'new_invoice'
                else 'invoice_reminder' end;
        end if;
    end if;
end
$$;

comment on function ar_inbox_internal.decide_step(bigint, bigint, timestamptz) is
'What becomes of a step at a moment: outcome send (then recipients and template), fail, withhold, cancel, wait or done, with the reason. Whatever fires, shows or foretells a step asks this.';

create function ar_inbox_internal.fire_step(company_id bigint, step_id bigint, at timestamptz,
    out outcome text, out reason text)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    step     ar_inbox.chasing_steps;
    decision record;
    texts    record;
    known    jsonb;
begin
    select s.* into step from ar_inbox.chasing_steps s
    where s.company_id = fire_step.company_id and s.id = step_id;
    select * into decision from ar_inbox_internal.decide_step(company_id, step_id, at);
    reason := decision.reason;

    if decision.outcome = 'send' then
        begin
            select t.* into texts
            from ar_inbox.invoices i
            join ar_inbox.customers k on k.company_id = i.company_id and k.id = i.customer_id
            cross join lateral ar_inbox_internal.template_text(i.company_id, decision.template, k.language) t
            where i.company_id = fire_step.company_id and i.id = step.invoice_id;
            select c.context into known
            from ar_inbox_internal.invoice_contexts(company_id, array[step.invoice_id], at) c;
            update ar_inbox.chasing_steps s
            set state = 'sending', fired_at = at
            where s.company_id = fire_step.company_id and s.id = step_id;
            perform ar_inbox_internal.queue_email(company_id,
                ar_inbox_internal.invoice_thread(company_id, step.invoice_id),
                decision.recipients, '{}', '{}',
                -- a subject whose variables are all empty is still a subject
                coalesce(nullif(pg_catalog.btrim(pg_catalog.regexp_replace(
                    ar_inbox_internal.render_template(texts.subject, known, 'none'), '\s+', ' ', 'g')), ''),
                    'Invoice ' || (known #>> '{invoice,number}')),
                ar_inbox_internal.render_template(texts.body, known, 'none'),
                ar_inbox_internal.commonmark_to_html(
                    ar_inbox_internal.render_template(texts.body, known, 'commonmark')),
                true, decision.template, step.invoice_id, step_id, at);
            outcome := 'sending';
            reason := null;
            return;
        exception
            when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
                or lock_not_available or out_of_memory or disk_full then
                raise;
            when others then
                -- one step that cannot be made into a message stops no other
                decision.outcome := 'fail';
                reason := 'email: ' || sqlerrm;
        end;
    end if;

    outcome := case decision.outcome when 'fail' then 'failed' when 'withhold' then 'withheld'
        when 'cancel' then 'cancelled' else decision.outcome end;
    if outcome in ('failed', 'withheld', 'cancelled') then
        update ar_inbox.chasing_steps s
        set state = fire_step.outcome::ar_inbox.step_state, reason = fire_step.reason,
            fired_at = case when fire_step.outcome <> 'cancelled' then at end
        where s.company_id = fire_step.company_id and s.id = step_id;
    end if;
end
$$;

comment on function ar_inbox_internal.fire_step(bigint, bigint, timestamptz) is
'Fires one step that the caller has locked, with its invoice: makes and queues its message, or writes down why not.';

create function ar_inbox_internal.fire_due(at timestamptz, most integer)
returns table (step_id bigint, invoice_id bigint, outcome text, reason text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    due   record;
    step  ar_inbox.chasing_steps;
    fired integer := 0;
begin
    for due in
        select s.id, s.company_id, s.invoice_id from ar_inbox.chasing_steps s
        where s.state = 'scheduled' and s.due_at <= at
        order by s.due_at, s.id
        -- more than are wanted: others may hold the invoices of some
        limit most + 1000::bigint
    loop
        exit when fired >= most;
        -- The invoice first, as a payment does.  Whoever holds it now (a
        -- payment, another worker) decides; the step comes again if it is left.
        perform 1 from ar_inbox.invoices i
        where i.company_id = due.company_id and i.id = due.invoice_id
        for no key update skip locked;
        continue when not found;
        -- found by its key alone, and judged after that: no plan may look
        -- through all that is due for it
        select s.* into step from ar_inbox.chasing_steps s
        where s.company_id = due.company_id and s.id = due.id
        for no key update skip locked;
        continue when not found or step.state <> 'scheduled' or step.due_at > at;

        step_id := due.id;
        invoice_id := due.invoice_id;
        begin
            -- A member may be working the thread: the message comes after that.
            perform 1 from ar_inbox.threads t
            where t.company_id = due.company_id
                and t.id = (select ar_inbox_internal.current_thread(o.company_id, o.id) from ar_inbox.threads o
                    where o.company_id = due.company_id and o.invoice_id = due.invoice_id)
            for no key update nowait;
            select f.outcome, f.reason into outcome, reason
            from ar_inbox_internal.fire_step(due.company_id, due.id, at) f;
        exception
        when lock_not_available then
            -- one step that somebody holds up stops no other
            continue;
        when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
            or out_of_memory or disk_full then
            raise;
        when others then
            -- nor does one that cannot even be judged
            outcome := 'failed';
            reason := sqlerrm;
            update ar_inbox.chasing_steps s
            set state = 'failed', reason = fire_due.reason, fired_at = at
            where s.company_id = due.company_id and s.id = due.id;
        end;
        if outcome in ('wait', 'done') then
            continue;
        end if;
        fired := fired + 1;
        return next;
    end loop;
end
$$;

comment on function ar_inbox_internal.fire_due(timestamptz, integer) is
'Fires up to most due steps, oldest first.';

create function ar_inbox.fire_due_steps(at timestamptz = now())
returns table (step_id bigint, invoice_id bigint, outcome text, reason text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not ar_inbox_internal.is_administrator(ar_inbox_internal.caller()) then
        perform ar_inbox_internal.refuse('insufficient_privilege', 'only the worker and administrators fire steps',
            'The worker fires each step at its moment by itself.');
    end if;
    perform ar_inbox_internal.check_moment(at, 'at');
    return query select f.* from ar_inbox_internal.fire_due(at, 2147483647) f;
end
$$;

comment on function ar_inbox.fire_due_steps(timestamptz) is
'Fires every step that is due at that moment: judges it, then makes and queues its message or writes down why not. A step fires once however many sessions call this; steps whose invoice another transaction holds are left to the next call. Returns what became of each: outcome sending, failed, withheld or cancelled, with the reason. The worker does this by itself; for administrators.';
