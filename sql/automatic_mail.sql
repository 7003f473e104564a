-- The mails that a company sends by itself, beside chasing: planned as steps of
-- schedule 0, so that they are judged, sent and written down as all others.

create function ar_inbox.set_automatic_mail(company_id bigint, name text, is_on boolean = true,
    days integer = null, hour integer = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    reminds boolean := name in ('unpaid_reminder', 'past_due_reminder');
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if name is null or name not in ('new_invoice', 'unpaid_reminder', 'past_due_reminder', 'payment_receipt') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('automatic mail %s is not known', pg_catalog.quote_nullable(name)),
            'They are new_invoice, unpaid_reminder, past_due_reminder and payment_receipt.');
    elsif is_on is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'is_on is NULL', 'Give true or false.');
    elsif days is not null and not reminds then
        perform ar_inbox_internal.refuse('invalid_parameter_value', pg_catalog.format('%s takes no days', name),
            'Only the reminders have days: before the due date (unpaid_reminder), after it (past_due_reminder).');
    elsif days not between 0 and 3650 then
        perform ar_inbox_internal.refuse('invalid_parameter_value', pg_catalog.format('days %s is outside 0 to 3650', days),
            'Give how many days before or after the due date.');
    elsif hour is not null and name = 'payment_receipt' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'payment_receipt takes no hour',
            'A receipt leaves as soon as the payment is recorded.');
    elsif hour not between 0 and 23 then
        perform ar_inbox_internal.refuse('invalid_parameter_value', pg_catalog.format('hour %s is outside 0 to 23', hour),
            'Give an hour of the day in the company''s time zone.');
    end if;
    insert into ar_inbox.automatic_mails as m (company_id, name, is_on, days, hour)
    values (company_id, name, is_on, case when reminds then coalesce(days, 3) end,
        case when name <> 'payment_receipt' then coalesce(hour, 9) end)
    on conflict on constraint automatic_mails_name_key do update
        set is_on = excluded.is_on, changed_at = pg_catalog.now(),
            days = case when set_automatic_mail.days is null then m.days else excluded.days end,
            hour = case when set_automatic_mail.hour is null then m.hour else excluded.hour end;
    perform ar_inbox_internal.record_event(company_id, 'company', company_id, 'automatic mail set', null,
        pg_catalog.jsonb_build_object('name', name, 'is_on', is_on, 'days', days, 'hour', hour));
    perform ar_inbox_internal.wake_worker();
end
$$;

comment on function ar_inbox.set_automatic_mail(bigint, text, boolean, integer, integer) is
'Turns one of the company''s automatic mails on or off: new_invoice (when an invoice is issued), unpaid_reminder (days before the due date), past_due_reminder (days after it), payment_receipt (when a payment is recorded). Each has the template of its name. days, hour (in the company''s time zone): NULL leaves them, at first 3 and 9. It is planned for invoices issued, and payments recorded, while it is on; turned off, what is planned is skipped. The first three are silent for an invoice whose chasing is enabled. Needs manage. Errors: IB001, 42501, 22004, 22023.';

create function ar_inbox_internal.plan_automatic_mails(company_id bigint, invoice_id bigint, at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ar_inbox.chasing_steps (company_id, invoice_id, schedule_number, step_number, trigger, days, hour,
        channels, mail, due_at, state, reason)
    select i.company_id, i.id, 0, n.number, n.trigger::ar_inbox.step_trigger, m.days, m.hour, '{email}', m.name,
        t.due_at, t.state::ar_inbox.step_state, t.reason
    from ar_inbox.automatic_mails m
    join ar_inbox.companies c on c.id = m.company_id
    join ar_inbox.invoices i on i.company_id = m.company_id and i.id = plan_automatic_mails.invoice_id
    join (values ('new_invoice', 1, 'on_issue'), ('unpaid_reminder', 2, 'before_due'), ('past_due_reminder', 3, 'after_due'))
        n (name, number, trigger) on n.name = m.name
    cross join lateral ar_inbox_internal.step_moments(n.trigger, m.days, null, m.hour, null, i.issue_date, i.due_date,
        c.time_zone, at, ar_inbox_internal.was_sent(i.company_id, i.id), c.working_day_policy, c.working_days,
        ar_inbox_internal.holidays_of(i.company_id)) t
    where m.company_id = plan_automatic_mails.company_id and m.is_on and i.status = 'issued';
end
$$;

comment on function ar_inbox_internal.plan_automatic_mails(bigint, bigint, timestamptz) is
'Plans, for an invoice that is being issued, those of its company''s automatic mails that are on.';

create function ar_inbox_internal.plan_receipt(company_id bigint, invoice_id bigint, payment_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ar_inbox.chasing_steps (company_id, invoice_id, schedule_number, step_number, repeat_number, trigger,
        on_date, hour, channels, mail, payment_id, due_at)
    select m.company_id, plan_receipt.invoice_id, 0, 4,
        -- the payment has its invoice locked
        1 + (select count(*) from ar_inbox.chasing_steps s
            where s.company_id = m.company_id and s.invoice_id = plan_receipt.invoice_id
                and s.schedule_number = 0 and s.step_number = 4),
        'on_date', (pg_catalog.now() at time zone c.time_zone)::date,
        extract(hour from pg_catalog.now() at time zone c.time_zone)::integer, '{email}', m.name,
        plan_receipt.payment_id, pg_catalog.now()
    from ar_inbox.automatic_mails m
    join ar_inbox.companies c on c.id = m.company_id
    where m.company_id = plan_receipt.company_id and m.name = 'payment_receipt' and m.is_on;
end
$$;

comment on function ar_inbox_internal.plan_receipt(bigint, bigint, bigint) is
'Plans the receipt of a payment, due at once, where the company sends them.';
