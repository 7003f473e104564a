-- Invoice chasing: an invoice's schedule, its end.

create function ar_inbox_internal.set_schedules(company_id bigint, invoice_ids bigint[], steps jsonb, at timestamptz,
    within_limits boolean = true)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    company ar_inbox.companies;
    closed  date[] := ar_inbox_internal.holidays_of(company_id);
begin
    select c.* into company from ar_inbox.companies c where c.id = set_schedules.company_id;
    update ar_inbox.chasing_steps s
    set state = 'cancelled', reason = 'another schedule was set', cancelled_at = pg_catalog.now()
    where s.company_id = set_schedules.company_id and s.invoice_id = any (invoice_ids)
        and s.state = 'scheduled' and s.mail is null;

    -- The steps, then the invoices: each foreign key is looked up while there is
    -- one version of its row.
    insert into ar_inbox.chasing_steps (company_id, invoice_id, schedule_number, step_number, repeat_number,
        trigger, days, on_date, hour, channels, contact_role_id, repeats, due_at, state, reason)
    select f.company_id, f.id, f.schedule_number, f.step_number, (f.moment).repeat_number,
        f.trigger, f.days, f.on_date, f.hour, f.channels, f.contact_role_id, f.repeats,
        -- a draft's dates may still change: its moments are set when it is issued
        case when not f.is_draft then (f.moment).due_at end,
        case when not f.is_draft then (f.moment).state else 'scheduled' end::ar_inbox.step_state,
        case when not f.is_draft then (f.moment).reason end
    from (
        -- in the select list, step_moments() needs no store for its rows
        select i.company_id, i.id, i.schedule_number + 1 as schedule_number, i.is_draft, s.*,
            ar_inbox_internal.step_moments(s.trigger::text, s.days, s.on_date, s.hour, s.repeats,
                i.issue_date, i.due_date, company.time_zone, at, i.was_sent, company.working_day_policy,
                company.working_days, closed) as moment
        from (
            select v.company_id, v.id, v.schedule_number, v.issue_date, v.due_date, v.status = 'draft' as is_draft,
                o.was_sent
            from ar_inbox.invoices v
            cross join lateral ar_inbox_internal.sending_of(v.company_id, v.id, v.marked_sent_at, 'infinity') o
            where v.company_id = set_schedules.company_id and v.id = any (invoice_ids)
            offset 0) i
        cross join ar_inbox_internal.parse_steps(set_schedules.company_id, steps, within_limits) s
        offset 0) f;

    update ar_inbox.invoices i
    set schedule_number = i.schedule_number + 1, chasing_enabled = true
    where i.company_id = set_schedules.company_id and i.id = any (invoice_ids);
end
$$;

comment on function ar_inbox_internal.set_schedules(bigint, bigint[], jsonb, timestamptz, boolean) is
'Gives invoices that the caller has locked a schedule, as seen at that moment, in place of the one they had. within_limits false: the steps are a cadence''s, which was judged when it was made.';

create function ar_inbox_internal.reschedule(company_id bigint, invoice_ids bigint[], at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    company ar_inbox.companies;
    closed  date[] := ar_inbox_internal.holidays_of(company_id);
begin
    select c.* into company from ar_inbox.companies c where c.id = reschedule.company_id;
    update ar_inbox.chasing_steps s
    set due_at = m.due_at, state = m.state::ar_inbox.step_state, reason = m.reason
    from (
        select k.id as step_id, n.*
        from (
            select v.company_id, v.id, v.issue_date, v.due_date, o.was_sent
            from ar_inbox.invoices v
            cross join lateral ar_inbox_internal.sending_of(v.company_id, v.id, v.marked_sent_at, 'infinity') o
            where v.company_id = reschedule.company_id and v.id = any (invoice_ids)
            offset 0) i
        join ar_inbox.chasing_steps k on k.company_id = i.company_id and k.invoice_id = i.id
        cross join lateral ar_inbox_internal.step_moments(k.trigger::text, k.days, k.on_date, k.hour, k.repeats,
            i.issue_date, i.due_date, company.time_zone, at, i.was_sent, company.working_day_policy,
            company.working_days, closed) n
        where k.state = 'scheduled' and not k.moved and k.payment_id is null
            and n.repeat_number = k.repeat_number
    ) m
    where s.company_id = reschedule.company_id and s.id = m.step_id
        and (s.due_at, s.state) is distinct from (m.due_at, m.state::ar_inbox.step_state);
end
$$;

comment on function ar_inbox_internal.reschedule(bigint, bigint[], timestamptz) is
'Computes the moments of the invoices'' steps not yet done anew, after their dates were set or changed; but for those that a member gave their moments.';

create function ar_inbox_internal.call_back(company_id bigint, invoice_id bigint, reason text, scope text,
    by_payment boolean = false, only_step bigint = null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    steps bigint[];
    step  bigint;
begin
    -- Steps, then deliveries, then recipients: the order of record_result().
    steps := array(
        select s.id from ar_inbox.chasing_steps s
        where s.company_id = call_back.company_id and s.invoice_id = call_back.invoice_id and s.state = 'sending'
            and ar_inbox_internal.is_in_scope(s.mail, scope) and (only_step is null or s.id = only_step)
        order by s.id for no key update);
    if steps = '{}' then
        return;
    end if;
    update ar_inbox.deliveries d
    set state = 'cancelled', reason = call_back.reason, next_attempt_at = null,
        finished_at = pg_catalog.clock_timestamp()
    where d.company_id = call_back.company_id and d.chasing_step_id = any (steps) and d.state in ('queued', 'deferred');
    -- What may have left already is not sent again.
    update ar_inbox.deliveries d
    set next_attempt_at = null,
        crossed_with_payment = d.crossed_with_payment or by_payment
    where d.company_id = call_back.company_id and d.chasing_step_id = any (steps)
        and (d.state = 'handing_off' or (d.state = 'unknown' and d.next_attempt_at is not null));
    update ar_inbox.email_recipients r
    set state = 'cancelled'
    from ar_inbox.deliveries d
    where d.company_id = call_back.company_id and d.chasing_step_id = any (steps) and d.state = 'cancelled'
        and r.company_id = d.company_id and r.email_id = d.email_id and r.state in ('queued', 'deferred');
    foreach step in array steps loop
        perform ar_inbox_internal.settle_step(call_back.company_id, step);
    end loop;
end
$$;

comment on function ar_inbox_internal.call_back(bigint, bigint, text, text, boolean, bigint) is
'Cancels what waits for hand-off of an invoice that the caller has locked, as far as it is in scope (see is_in_scope); of one step where it is given. One that is being handed off at this moment cannot be called back: by_payment marks it as crossed with the payment.';

create function ar_inbox_internal.is_in_scope(mail text, scope text)
returns boolean
language sql immutable parallel safe
return case scope
    when 'chasing' then mail is null
    when 'reminders' then mail is null or mail in ('unpaid_reminder', 'past_due_reminder')
    when 'invoice' then mail is distinct from 'payment_receipt'
    else true end;

comment on function ar_inbox_internal.is_in_scope(text, text) is
'Whether a step belongs to: chasing; reminders, which are all that asks for money; invoice, which is all but the receipts of payments; everything.';

create function ar_inbox_internal.end_chasing(company_id bigint, invoice_id bigint, reason text, scope text,
    by_payment boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.chasing_steps s
    set state = 'cancelled', reason = end_chasing.reason, cancelled_at = pg_catalog.now()
    where s.company_id = end_chasing.company_id and s.invoice_id = end_chasing.invoice_id
        and s.state = 'scheduled' and ar_inbox_internal.is_in_scope(s.mail, scope);
    perform ar_inbox_internal.call_back(company_id, invoice_id, reason, scope, by_payment);
end
$$;

comment on function ar_inbox_internal.end_chasing(bigint, bigint, text, text, boolean) is
'Ends the chasing of an invoice that the caller has locked: its scheduled steps are cancelled, and its reminders that wait for hand-off are called back. scope: chasing, or invoice for its automatic mails too.';

create function ar_inbox_internal.cadence_to_use(company_id bigint, cadence_id bigint)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint;
begin
    if cadence_id is null then
        select c.id into found_id from ar_inbox.cadences c
        where c.company_id = cadence_to_use.company_id and c.is_default;
        if not found then
            perform ar_inbox_internal.refuse('IB005',
                pg_catalog.format('company %s has no default cadence', company_id),
                'Give steps or a cadence_id, or name a default with ar_inbox.create_cadence(…, is_default => true).');
        end if;
        return found_id;
    end if;
    if not exists (select 1 from ar_inbox.cadences c
            where c.company_id = cadence_to_use.company_id and c.id = cadence_to_use.cadence_id) then
        perform ar_inbox_internal.require(null, 'send', 'cadence', cadence_id);
    end if;
    return cadence_id;
end
$$;

comment on function ar_inbox_internal.cadence_to_use(bigint, bigint) is
'The cadence, which must be the company''s; NULL: its default one. Errors: IB001, IB005 (no default cadence).';

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
        elsif pg_catalog.cardinality(recipients) > 100 then
            perform ar_inbox_internal.refuse('IB003',
                pg_catalog.format('%s recipients are too many for one message', pg_catalog.cardinality(recipients)),
                'Mail servers take up to 100 for one message.');
        end if;
    end if;
    if steps is null then
        wanted := ar_inbox_internal.cadence_as_json(key.company_id,
            ar_inbox_internal.cadence_to_use(key.company_id, cadence_id));
    end if;

    update ar_inbox.invoices i set recipients = chase_invoice.recipients
    where i.company_id = key.company_id and i.id = key.id;
    perform ar_inbox_internal.set_schedules(key.company_id, array[key.id], wanted, at, steps is not null);
    select count(*) into scheduled from ar_inbox.chasing_steps s
    where s.company_id = key.company_id and s.invoice_id = key.id and s.state = 'scheduled' and s.mail is null;
    perform ar_inbox_internal.record_event(key.company_id, 'invoice', key.id, 'chasing set', null, wanted);
    return scheduled;
end
$$;

comment on function ar_inbox.chase_invoice(bigint, jsonb, bigint, ar_inbox.email_address[], timestamptz) is
'Gives the invoice a chasing schedule in place of the one it had: steps of its own (JSON as in create_cadence), a copy of a cadence, or, with neither, of the default cadence. recipients: the invoice''s own contact list; NULL: the customer''s contacts. at: the moment as of which steps are in the past and so skipped. Returns the number of steps scheduled. Needs send. Errors: IB001, 42501, IB002 (paid, closed, voided), 22004, 22023, IB003 (a limit; over 100 recipients), IB005 (no default cadence).';

create function ar_inbox.chase_invoices(invoice_ids bigint[], cadence_id bigint = null, at timestamptz = now())
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint;
    missing bigint;
    locked  bigint[];
begin
    perform ar_inbox_internal.require_installed();
    perform ar_inbox_internal.check_moment(at, 'at');
    if invoice_ids is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'invoice_ids is NULL', 'Give an array of ids, such as array(select …).');
    end if;
    if cadence_id is not null then
        select c.company_id into company from ar_inbox.cadences c where c.id = chase_invoices.cadence_id;
        perform ar_inbox_internal.require(company, 'send', 'cadence', cadence_id);
    elsif invoice_ids = '{}' then
        return 0;
    else
        select i.company_id into company from ar_inbox.invoices i where i.id = invoice_ids[1];
        perform ar_inbox_internal.require(company, 'send', 'invoice', invoice_ids[1]);
        cadence_id := ar_inbox_internal.cadence_to_use(company, null);
    end if;
    select u.id into missing
    from pg_catalog.unnest(invoice_ids) u (id)
    where not exists (select 1 from ar_inbox.invoices i where i.company_id = company and i.id = u.id)
    limit 1;
    if found then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('invoice %s does not exist in the company of the cadence', coalesce(missing::text, 'NULL')),
            'Give ids of invoices of one company.');
    end if;
    locked := array(
        select i.id from ar_inbox.invoices i
        where i.company_id = company and i.id = any (invoice_ids) and i.status in ('draft', 'issued')
        order by i.id for no key update);
    perform ar_inbox_internal.set_schedules(company, locked,
        ar_inbox_internal.cadence_as_json(company, cadence_id), at, false);
    perform ar_inbox_internal.record_events(company, 'invoice', locked, 'chasing set',
        pg_catalog.jsonb_build_object('cadence_id', cadence_id));
    return pg_catalog.cardinality(locked);
end
$$;

comment on function ar_inbox.chase_invoices(bigint[], bigint, timestamptz) is
'Gives many invoices of one company a copy of the cadence (NULL: the default one) in place of the schedules they had. Those that are paid, closed or voided are left as they are. at: the moment as of which steps are in the past and so skipped. Returns how many invoices are chased by it. Needs send. Errors: IB001 (no such invoice, or not of the cadence''s company), 42501, 22004, 22023, IB005 (no default cadence).';

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

create function ar_inbox_internal.plan_again(step_id bigint, due_at timestamptz, may_be_scheduled boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    step     ar_inbox.chasing_steps;
    key      ar_inbox_internal.invoice_key;
    invoice  ar_inbox.invoices;
    left_to_do ar_inbox.channel[];
begin
    perform ar_inbox_internal.require_installed();
    select s.* into step from ar_inbox.chasing_steps s where s.id = step_id;
    perform ar_inbox_internal.require(step.company_id, 'send', 'step', step_id);
    -- the invoice first, as everything that fires or ends its steps
    key := ar_inbox_internal.lock_invoice(step.invoice_id, 'send');
    select i.* into invoice from ar_inbox.invoices i where i.company_id = key.company_id and i.id = key.id;
    select s.* into step from ar_inbox.chasing_steps s
    where s.company_id = step.company_id and s.id = step_id for no key update;
    if step.state not in ('failed', 'withheld', 'skipped') and not (step.state = 'scheduled' and may_be_scheduled) then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('step %s is %s', step_id, step.state),
            case when may_be_scheduled then 'Only a step that is scheduled, failed, withheld or skipped gets another moment.'
                else 'Only a step that failed, was withheld or was skipped is tried again.' end);
    elsif step.payment_id is null and (key.status <> 'issued' or (step.mail is null and not coalesce(invoice.chasing_enabled, false))) then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('invoice %s is %s', key.label, case when key.status = 'draft' then 'a draft'
                when key.status <> 'issued' then key.status::text else 'not chased' end),
            'Only steps of an issued invoice that is chased are sent.');
    elsif step.schedule_number not in (0, invoice.schedule_number) then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('step %s belongs to an earlier schedule of invoice %s', step_id, key.label),
            'Its schedule of today is shown by ar_inbox.chasing_schedule().');
    elsif due_at < (select invoice.issue_date::timestamp at time zone c.time_zone from ar_inbox.companies c where c.id = key.company_id) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s is before the invoice date %s', due_at, invoice.issue_date),
            'An invoice is not chased before its date.');
    end if;
    if step.state = 'failed' then
        -- Through what it went it does not go again; what may have gone through is
        -- somebody's to decide.
        left_to_do := array(
            select u.channel from pg_catalog.unnest(coalesce(step.left_channels, step.channels)) u (channel)
            where not exists (select 1 from ar_inbox.deliveries d
                where d.company_id = step.company_id and d.chasing_step_id = step.id and d.channel = u.channel
                    and d.state not in ('rejected', 'bounced', 'cancelled'))
                -- of several numbers, those that did not get their text
                or exists (select 1 from ar_inbox.deliveries d
                    where d.company_id = step.company_id and d.chasing_step_id = step.id and d.channel = u.channel
                        and u.channel = 'sms' and d.state in ('rejected', 'bounced', 'cancelled')
                        and not exists (select 1 from ar_inbox.deliveries o
                            where o.company_id = d.company_id and o.chasing_step_id = d.chasing_step_id
                                and o.recipient = d.recipient
                                and o.state not in ('rejected', 'bounced', 'cancelled'))));
        if left_to_do = '{}' then
            perform ar_inbox_internal.refuse('IB002',
                pg_catalog.format('step %s is in doubt: it may have arrived', step_id),
                'Decide its delivery with ar_inbox.resolve_delivery().');
        end if;
    else
        left_to_do := coalesce(step.left_channels, step.channels);
    end if;
    update ar_inbox.chasing_steps s
    set state = 'scheduled', reason = null, failures = null, fired_at = null, cancelled_at = null,
        due_at = plan_again.due_at, moved = true, left_channels = left_to_do
    where s.company_id = step.company_id and s.id = step.id;
    perform ar_inbox_internal.record_event(step.company_id, 'step', step.id,
        case step.state when 'scheduled' then 'rescheduled' else 'to be tried again' end,
        pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('due_at', step.due_at, 'state', step.state, 'reason', step.reason)),
        pg_catalog.jsonb_build_object('due_at', due_at, 'channels', left_to_do));
end
$$;

comment on function ar_inbox_internal.plan_again(bigint, timestamptz, boolean) is
'Gives a step a moment of its own, and what did not come through another try at it.';

create function ar_inbox.retry_step(step_id bigint, at timestamptz = now())
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.check_moment(at, 'at');
    perform ar_inbox_internal.plan_again(step_id, at, false);
end
$$;

comment on function ar_inbox.retry_step(bigint, timestamptz) is
'Tries a step again that failed, was withheld or was skipped: through the channels that failed, not those it went through. at: when; it is judged then as any step, so a hold or a limit may withhold it again. Needs send. Errors: IB001, 42501, IB002 (in another state; the invoice is no longer chased; in doubt, for resolve_delivery()), 22004, 22023 (before the invoice date).';

create function ar_inbox.reschedule_step(step_id bigint, due_at timestamptz)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.check_moment(due_at, 'due_at');
    if due_at < pg_catalog.now() then
        perform ar_inbox_internal.refuse('invalid_parameter_value', pg_catalog.format('due_at %s is in the past', due_at),
            'Give a moment to come, or try the step again now with ar_inbox.retry_step().');
    end if;
    perform ar_inbox_internal.plan_again(step_id, due_at, true);
end
$$;

comment on function ar_inbox.reschedule_step(bigint, timestamptz) is
'Gives a step another moment: one still to come moves, and no longer with the invoice''s dates; one that failed, was withheld or was skipped is attempted again then, through the channels that failed. Needs send. Errors: IB001, 42501, IB002 (in another state; the invoice is no longer chased), 22004, 22023 (in the past, before the invoice date).';

create function ar_inbox.chasing_schedule(invoice_id bigint)
returns table (step_id bigint, step_number integer, trigger ar_inbox.step_trigger, due_at timestamptz,
    channels ar_inbox.channel[], state ar_inbox.step_state, reason text, outlook text, mail text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice ar_inbox.invoices;
    planned bigint[];
    moments timestamptz[];
begin
    perform ar_inbox_internal.require_installed();
    select i.* into invoice from ar_inbox.invoices i where i.id = chasing_schedule.invoice_id;
    perform ar_inbox_internal.require(invoice.company_id, 'view', 'invoice', invoice_id);
    select pg_catalog.array_agg(s.id order by s.due_at, s.id),
        pg_catalog.array_agg(greatest(s.due_at, pg_catalog.now()) order by s.due_at, s.id)
    into planned, moments
    from ar_inbox.chasing_steps s
    where s.company_id = invoice.company_id and s.invoice_id = invoice.id
        and s.state = 'scheduled' and s.due_at is not null;
    return query
        select s.id, s.step_number, s.trigger, s.due_at, s.channels, s.state,
            case when s.due_at is null and s.state = 'scheduled' then 'the invoice is a draft'
                when s.state = 'scheduled' then d.reasons
                when s.state = 'sending' then nullif(pg_catalog.concat_ws('; ',
                    (select pg_catalog.string_agg(f.value, '; ' order by f.key) from pg_catalog.jsonb_each_text(s.failures) f),
                    s.reason), '')
                else s.reason end,
            d.outcome, s.mail
        from ar_inbox.chasing_steps s
        left join (
            select w.step_id, ar_inbox_internal.step_outcome(pg_catalog.array_agg(w.outcome)) as outcome,
                pg_catalog.string_agg(distinct w.reason, '; ') as reasons
            from ar_inbox_internal.decide_steps(invoice.company_id, planned, moments) w
            group by w.step_id) d on d.step_id = s.id
        where s.company_id = invoice.company_id and s.invoice_id = invoice.id
            and (s.schedule_number = invoice.schedule_number or s.mail is not null
                or s.state not in ('scheduled', 'cancelled', 'skipped'))
        order by s.schedule_number, s.due_at nulls last, s.step_number, s.repeat_number;
end
$$;

comment on function ar_inbox.chasing_schedule(bigint) is
'The invoice''s schedule: each step with its moment (NULL while the invoice is a draft), its channels, its state and the reason for it; a repeating step has a row for each repeat. outlook: of a step that is still to come, what would become of it at its moment as things stand (send, fail, withhold, skip), by the decision that fires it; reason then says why not. mail: which of the company''s automatic mails it is; NULL: a step of chasing. Steps of earlier schedules are shown where something was sent. Needs view. Errors: IB001.';
