-- Invoice chasing: schedules, the one decision, firing.

create function ar_inbox_internal.set_schedule(company_id bigint, invoice_id bigint, steps jsonb, at timestamptz,
    within_limits boolean = true)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice   ar_inbox.invoices;
    zone      text;
    sent      boolean;
    scheduled integer;
begin
    update ar_inbox.chasing_steps s set state = 'cancelled', reason = 'another schedule was set'
    where s.company_id = set_schedule.company_id and s.invoice_id = set_schedule.invoice_id
        and s.state = 'scheduled';
    update ar_inbox.invoices i
    set schedule_number = i.schedule_number + 1, chasing_enabled = true
    where i.company_id = set_schedule.company_id and i.id = set_schedule.invoice_id
    returning i.* into invoice;
    select c.time_zone into zone from ar_inbox.companies c where c.id = set_schedule.company_id;
    sent := ar_inbox_internal.was_sent(company_id, invoice_id);

    insert into ar_inbox.chasing_steps (company_id, invoice_id, schedule_number, step_number, repeat_number,
        trigger, days, on_date, hour, channels, contact_role_id, repeats, due_at, state, reason)
    select set_schedule.company_id, set_schedule.invoice_id, invoice.schedule_number, s.step_number, m.repeat_number,
        s.trigger, s.days, s.on_date, s.hour, s.channels, s.contact_role_id, s.repeats,
        -- a draft's dates may still change: its moments are set when it is issued
        case when invoice.status <> 'draft' then m.due_at end,
        case when invoice.status <> 'draft' then m.state else 'scheduled' end::ar_inbox.step_state,
        case when invoice.status <> 'draft' then m.reason end
    from ar_inbox_internal.parse_steps(company_id, steps, within_limits) s
    cross join lateral ar_inbox_internal.step_moments(s.trigger::text, s.days, s.on_date, s.hour, s.repeats,
        invoice.issue_date, invoice.due_date, zone, at, sent) m;

    select count(*) into scheduled from ar_inbox.chasing_steps s
    where s.company_id = set_schedule.company_id and s.invoice_id = set_schedule.invoice_id
        and s.state = 'scheduled';
    return scheduled;
end
$$;

comment on function ar_inbox_internal.set_schedule(bigint, bigint, jsonb, timestamptz, boolean) is
'Gives the invoice a schedule, as seen at that moment, in place of the one it had. within_limits false: the steps are a cadence''s, which was judged when it was made. Returns how many steps are to come.';

create function ar_inbox_internal.reschedule(company_id bigint, invoice_id bigint, at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    zone text := (select c.time_zone from ar_inbox.companies c where c.id = reschedule.company_id);
    sent boolean := ar_inbox_internal.was_sent(company_id, invoice_id);
begin
    update ar_inbox.chasing_steps s
    set due_at = m.due_at, state = m.state::ar_inbox.step_state, reason = m.reason
    from ar_inbox.invoices i
    cross join lateral (
        select k.id as step_id, n.*
        from ar_inbox.chasing_steps k
        cross join lateral ar_inbox_internal.step_moments(k.trigger::text, k.days, k.on_date, k.hour, k.repeats,
            i.issue_date, i.due_date, zone, at, sent) n
        where k.company_id = i.company_id and k.invoice_id = i.id and k.state = 'scheduled'
            and n.repeat_number = k.repeat_number
    ) m
    where i.company_id = reschedule.company_id and i.id = reschedule.invoice_id
        and s.company_id = i.company_id and s.id = m.step_id;
end
$$;

comment on function ar_inbox_internal.reschedule(bigint, bigint, timestamptz) is
'Computes the moments of the invoice''s steps not yet done anew, after its dates were set or changed.';

create function ar_inbox_internal.end_chasing(company_id bigint, invoice_id bigint, reason text, by_payment boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    step record;
begin
    -- Steps, then deliveries, then recipients: the order of record_result().
    update ar_inbox.chasing_steps s
    set state = 'cancelled', reason = end_chasing.reason
    where s.company_id = end_chasing.company_id and s.invoice_id = end_chasing.invoice_id
        and s.state = 'scheduled';
    perform 1 from ar_inbox.chasing_steps s
    where s.company_id = end_chasing.company_id and s.invoice_id = end_chasing.invoice_id
        and s.state = 'sending'
    order by s.id for no key update;

    update ar_inbox.deliveries d
    set state = 'cancelled', reason = end_chasing.reason, next_attempt_at = null,
        finished_at = pg_catalog.clock_timestamp()
    where d.company_id = end_chasing.company_id and d.invoice_id = end_chasing.invoice_id
        and d.chasing_step_id is not null and d.state in ('queued', 'deferred');
    -- What may have left already is not sent again.
    update ar_inbox.deliveries d
    set next_attempt_at = null,
        crossed_with_payment = d.crossed_with_payment or by_payment
    where d.company_id = end_chasing.company_id and d.invoice_id = end_chasing.invoice_id
        and d.chasing_step_id is not null
        and (d.state = 'handing_off' or (d.state = 'unknown' and d.next_attempt_at is not null));
    update ar_inbox.email_recipients r
    set state = 'cancelled'
    from ar_inbox.deliveries d
    where d.company_id = end_chasing.company_id and d.invoice_id = end_chasing.invoice_id
        and d.chasing_step_id is not null and d.state = 'cancelled'
        and r.company_id = d.company_id and r.email_id = d.email_id and r.state in ('queued', 'deferred');

    for step in
        select s.id from ar_inbox.chasing_steps s
        where s.company_id = end_chasing.company_id and s.invoice_id = end_chasing.invoice_id
            and s.state = 'sending'
        order by s.id
    loop
        perform ar_inbox_internal.settle_step(end_chasing.company_id, step.id);
    end loop;
end
$$;

comment on function ar_inbox_internal.end_chasing(bigint, bigint, text, boolean) is
'Ends the chasing of an invoice that the caller has locked: its scheduled steps are cancelled, and its reminders that wait for hand-off. One that is being handed off at this moment cannot be called back: by_payment marks it as crossed with the payment.';

create function ar_inbox.chase_invoice(invoice_id bigint, steps jsonb = null, cadence_id bigint = null,
    recipients ar_inbox.email_address[] = null, at timestamptz = now())
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    key       ar_inbox_internal.invoice_key := ar_inbox_internal.lock_invoice(invoice_id, 'send');
    wanted    jsonb := steps;
    scheduled integer;
begin
    if key.status not in ('draft', 'issued') then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('invoice %s is %s', key.label, key.status),
            'Only an invoice with an open balance is chased.');
    elsif steps is not null and cadence_id is not null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'both steps and cadence_id are given',
            'Give the invoice steps of its own, or a cadence to copy.');
    end if;
    perform ar_inbox_internal.check_moment(at, 'at');
    if recipients is not null then
        recipients := ar_inbox_internal.check_recipients(recipients, 'recipients');
        if recipients = '{}' then
            perform ar_inbox_internal.refuse('invalid_parameter_value', 'recipients is empty',
                'Give the invoice''s own contact list, or NULL for the customer''s contacts.');
        end if;
    end if;
    if steps is null then
        if cadence_id is null then
            select c.id into cadence_id from ar_inbox.cadences c
            where c.company_id = key.company_id and c.is_default;
            if not found then
                perform ar_inbox_internal.refuse('IB005',
                    pg_catalog.format('company %s has no default cadence', key.company_id),
                    'Give steps or a cadence_id, or name a default with ar_inbox.create_cadence(…, is_default => true).');
            end if;
        elsif not exists (select 1 from ar_inbox.cadences c
                where c.company_id = key.company_id and c.id = chase_invoice.cadence_id) then
            perform ar_inbox_internal.require(null, 'send', 'cadence', cadence_id);
        end if;
        wanted := ar_inbox_internal.cadence_as_json(key.company_id, cadence_id);
    end if;

    update ar_inbox.invoices i set recipients = chase_invoice.recipients
    where i.company_id = key.company_id and i.id = key.id;
    scheduled := ar_inbox_internal.set_schedule(key.company_id, key.id, wanted, at, steps is not null);
    perform ar_inbox_internal.record_event(key.company_id, 'invoice', key.id, 'chasing set', null, wanted);
    return scheduled;
end
$$;

comment on function ar_inbox.chase_invoice(bigint, jsonb, bigint, ar_inbox.email_address[], timestamptz) is
'Gives the invoice a chasing schedule in place of the one it had: steps of its own (JSON as in create_cadence), a copy of a cadence, or, with neither, of the default cadence. recipients: the invoice''s own contact list; NULL: the customer''s contacts. at: the moment as of which steps are in the past and so skipped. Returns the number of steps scheduled. Needs send. Errors: IB001, 42501, IB002 (paid, closed, voided), 22023, IB003 (a limit), IB005 (no default cadence), IB006 (a channel).';

create function ar_inbox.stop_chasing(invoice_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    key ar_inbox_internal.invoice_key := ar_inbox_internal.lock_invoice(invoice_id, 'send');
begin
    update ar_inbox.invoices i set chasing_enabled = false
    where i.company_id = key.company_id and i.id = key.id and i.chasing_enabled is distinct from false;
    if found then
        perform ar_inbox_internal.record_event(key.company_id, 'invoice', key.id, 'chasing disabled');
    end if;
end
$$;

comment on function ar_inbox.stop_chasing(bigint) is
'Disables chasing for the invoice: the steps left are cancelled, and the reminders that wait to be handed off. A draft will not take the default cadence. chase_invoice() enables it again. Needs send. Errors: IB001, 42501.';

create function ar_inbox.chasing_schedule(invoice_id bigint)
returns table (step_id bigint, step_number integer, trigger ar_inbox.step_trigger, due_at timestamptz,
    channels ar_inbox.channel[], state ar_inbox.step_state, reason text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice ar_inbox.invoices;
begin
    select i.* into invoice from ar_inbox.invoices i where i.id = chasing_schedule.invoice_id;
    perform ar_inbox_internal.require(invoice.company_id, 'view', 'invoice', invoice_id);
    return query
        select s.id, s.step_number, s.trigger, s.due_at, s.channels, s.state,
            case when s.due_at is null and s.state = 'scheduled' then 'the invoice is a draft' else s.reason end
        from ar_inbox.chasing_steps s
        where s.company_id = invoice.company_id and s.invoice_id = invoice.id
            and (s.schedule_number = invoice.schedule_number
                or s.state not in ('scheduled', 'cancelled', 'skipped'))
        order by s.schedule_number, s.due_at nulls last, s.step_number, s.repeat_number;
end
$$;

comment on function ar_inbox.chasing_schedule(bigint) is
'The invoice''s schedule: each step with its moment (NULL while the invoice is a draft), its channels, its state and the reason for it; a repeating step has a row for each repeat. Steps of earlier schedules are shown where something was sent. Needs view. Errors: IB001.';

-- The one decision: what becomes of a step at a moment.

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

create function ar_inbox_internal.money(amount numeric, currency text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- a price may be finer than the currency: 0.00125 a piece
    digits integer := greatest(ar_inbox_internal.currency_digits(currency),
        pg_catalog.scale(pg_catalog.trim_scale(amount)));
begin
    return currency || ' ' || pg_catalog.to_char(amount, 'FM999,999,999,999,999,990'
        || case when digits > 0 then '.' || pg_catalog.repeat('0', digits) else '' end);
end
$$;

comment on function ar_inbox_internal.money(numeric, text) is
'An amount as a reader expects it, with at least the currency''s decimal places: USD 1,250.00.';

create function ar_inbox_internal.party_values(company_id bigint, customer_id bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select pg_catalog.jsonb_build_object(
            'company', pg_catalog.jsonb_build_object('name', c.name, 'currency', c.currency),
            'customer', case when k.id is not null
                then pg_catalog.jsonb_build_object('name', k.name, 'number', k.number) end)
        from ar_inbox.companies c
        left join ar_inbox.customers k on k.company_id = c.id and k.id = party_values.customer_id
        where c.id = party_values.company_id);
end
$$;

comment on function ar_inbox_internal.party_values(bigint, bigint) is
'The values of both sides that templates know: company, customer (null where it is not known).';

create function ar_inbox_internal.invoice_values(company_id bigint, invoice_id bigint, at timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select ar_inbox_internal.party_values(i.company_id, i.customer_id) || pg_catalog.jsonb_build_object(
            'invoice', pg_catalog.jsonb_build_object(
                'number', i.number,
                'currency', i.currency,
                'issue_date', i.issue_date,
                'due_date', i.due_date,
                'total', ar_inbox_internal.money(i.total, i.currency),
                'paid', case when i.paid > 0 then ar_inbox_internal.money(i.paid, i.currency) end,
                'balance', ar_inbox_internal.money(i.balance, i.currency),
                'days_past_due', case when (at at time zone c.time_zone)::date > i.due_date
                    then (at at time zone c.time_zone)::date - i.due_date end),
            'lines', (
                select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'description', l.description,
                    'quantity', pg_catalog.trim_scale(l.quantity)::text,
                    'unit_price', ar_inbox_internal.money(l.unit_price, i.currency),
                    'amount', ar_inbox_internal.money(l.amount, i.currency)) order by l.line_number)
                from ar_inbox.invoice_lines l
                where l.company_id = i.company_id and l.invoice_id = i.id))
        from ar_inbox.invoices i
        join ar_inbox.companies c on c.id = i.company_id
        where i.company_id = invoice_values.company_id and i.id = invoice_values.invoice_id);
end
$$;

comment on function ar_inbox_internal.invoice_values(bigint, bigint, timestamptz) is
'The values that templates know: company, customer, invoice, lines.';

create function ar_inbox_internal.template_text(company_id bigint, template_name text, language text,
    out subject text, out body text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select t.subject, t.body into subject, body
    from ar_inbox.templates t
    join ar_inbox.companies c on c.id = t.company_id
    where t.company_id = template_text.company_id and t.name = template_name
        and t.language in (template_text.language, c.language)
    order by t.language = template_text.language desc nulls last
    limit 1;
    if found then
        return;
    end if;

    case template_name
        when 'new_invoice' then
            subject := 'Invoice {{invoice.number}} from {{company.name}}';
            body := $text$Dear {{customer.name}},

Here is invoice {{invoice.number}} of {{invoice.issue_date}} over **{{invoice.total}}**.
Please pay it by {{invoice.due_date}}.

{{#lines}}
- {{description}}: {{quantity}} × {{unit_price}} = {{amount}}
{{/lines}}

If anything is unclear, just answer this message.

Kind regards,
{{company.name}}
$text$;
        when 'invoice_reminder' then
            subject := 'Reminder: invoice {{invoice.number}} from {{company.name}}';
            body := $text$Dear {{customer.name}},

A short reminder of invoice {{invoice.number}} of {{invoice.issue_date}}: **{{invoice.balance}}** are open, due on
{{invoice.due_date}}.

If you have paid in the meantime, please disregard this message. If anything is unclear, just answer it.

Kind regards,
{{company.name}}
$text$;
        when 'past_due_invoice' then
            subject := 'Past due: invoice {{invoice.number}} from {{company.name}}';
            body := $text$Dear {{customer.name}},

Invoice {{invoice.number}} of {{invoice.issue_date}} was due on {{invoice.due_date}} and is now {{invoice.days_past_due}} days
past due. **{{invoice.balance}}** are open. Please pay them, or tell us when you will by answering this message.

If you have paid in the meantime, please disregard this message.

Kind regards,
{{company.name}}
$text$;
    end case;
end
$$;

comment on function ar_inbox_internal.template_text(bigint, text, text) is
'The company''s template in the language, else in its own language, else the built-in one.';

create function ar_inbox.set_template(company_id bigint, name text, subject text, body text, language text = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if name is null or name not in ('new_invoice', 'invoice_reminder', 'past_due_invoice') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('template %s is not known', pg_catalog.quote_nullable(name)),
            'Templates are new_invoice, invoice_reminder and past_due_invoice.');
    elsif coalesce(pg_catalog.btrim(body), '') = '' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    elsif language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('language %s has not the form of a language tag', pg_catalog.quote_literal(language)),
            'Give a BCP 47 tag, such as ''en'' or ''pt-BR''.');
    end if;
    perform ar_inbox_internal.check_template(subject);
    perform ar_inbox_internal.check_template(body);
    insert into ar_inbox.templates as t (company_id, name, language, subject, body)
    values (company_id, name,
        coalesce(language, (select c.language from ar_inbox.companies c where c.id = set_template.company_id)),
        ar_inbox_internal.required_text(set_template.subject, 'subject', 900), set_template.body)
    on conflict on constraint templates_name_key do update
        set subject = excluded.subject, body = excluded.body, changed_at = pg_catalog.now();
end
$$;

comment on function ar_inbox.set_template(bigint, text, text, text, text) is
'Sets the company''s own text for new_invoice, invoice_reminder or past_due_invoice: Mustache in subject and body, CommonMark in the body. language: BCP 47; NULL: the company''s. Needs manage. Errors: IB001, 42501, 22023, 42601 (the template does not parse; with line and column).';

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
            known := ar_inbox_internal.invoice_values(company_id, step.invoice_id, at);
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
