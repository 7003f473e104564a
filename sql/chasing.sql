-- Invoice chasing: an invoice's schedule, its end.

create function ar_inbox_internal.set_schedule(company_id bigint, invoice_id bigint, steps jsonb, at timestamptz,
    within_limits boolean = true)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice   ar_inbox.invoices;
    company   ar_inbox.companies;
    sent      boolean;
    holidays  date[] := ar_inbox_internal.holidays_of(company_id);
    scheduled integer;
begin
    update ar_inbox.chasing_steps s set state = 'cancelled', reason = 'another schedule was set'
    where s.company_id = set_schedule.company_id and s.invoice_id = set_schedule.invoice_id
        and s.state = 'scheduled';
    update ar_inbox.invoices i
    set schedule_number = i.schedule_number + 1, chasing_enabled = true
    where i.company_id = set_schedule.company_id and i.id = set_schedule.invoice_id
    returning i.* into invoice;
    select c.* into company from ar_inbox.companies c where c.id = set_schedule.company_id;
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
        invoice.issue_date, invoice.due_date, company.time_zone, at, sent, company.working_day_policy,
        company.working_days, holidays) m;

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
    company  ar_inbox.companies;
    sent     boolean := ar_inbox_internal.was_sent(company_id, invoice_id);
    holidays date[] := ar_inbox_internal.holidays_of(company_id);
begin
    select c.* into company from ar_inbox.companies c where c.id = reschedule.company_id;
    update ar_inbox.chasing_steps s
    set due_at = m.due_at, state = m.state::ar_inbox.step_state, reason = m.reason
    from ar_inbox.invoices i
    cross join lateral (
        select k.id as step_id, n.*
        from ar_inbox.chasing_steps k
        cross join lateral ar_inbox_internal.step_moments(k.trigger::text, k.days, k.on_date, k.hour, k.repeats,
            i.issue_date, i.due_date, company.time_zone, at, sent, company.working_day_policy,
            company.working_days, holidays) n
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
