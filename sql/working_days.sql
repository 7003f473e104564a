-- Working days: the company's week, its holidays, and what that does to steps.

create function ar_inbox_internal.holidays_of(company_id bigint)
returns date[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select pg_catalog.array_agg(h.day order by h.day) from ar_inbox.holidays h
            where h.company_id = holidays_of.company_id);
end
$$;

comment on function ar_inbox_internal.holidays_of(bigint) is
'The company''s holidays in order, as step_moments() takes them; NULL: it has none.';

create function ar_inbox_internal.move_steps(company_id bigint, at timestamptz)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    company  ar_inbox.companies;
    holidays date[] := ar_inbox_internal.holidays_of(company_id);
    moved    integer;
begin
    select c.* into company from ar_inbox.companies c where c.id = move_steps.company_id;
    with moving as materialized (
        select k.id, k.invoice_id, k.due_at as before, n.due_at as after
        from ar_inbox.chasing_steps k
        join ar_inbox.invoices i on i.company_id = k.company_id and i.id = k.invoice_id
        -- whether the invoice was sent decides what is skipped, not when the rest is due
        cross join lateral ar_inbox_internal.step_moments(k.trigger::text, k.days, k.on_date, k.hour, k.repeats,
            i.issue_date, i.due_date, company.time_zone, at, false, company.working_day_policy,
            company.working_days, holidays) n
        where k.company_id = move_steps.company_id and k.state = 'scheduled' and not k.moved
            and k.payment_id is null
            -- what is due already fires, whatever day it is
            and k.due_at > at
            and n.repeat_number = k.repeat_number
            -- and what would be past stays: no reminder is lost to a change of the calendar
            and n.state = 'scheduled'
            and n.due_at <> k.due_at
    ), locked as materialized (
        -- the invoices first, as a payment and a firing do
        select i.id from ar_inbox.invoices i
        where i.company_id = move_steps.company_id and i.id in (select m.invoice_id from moving m)
        order by i.id for no key update
    )
    update ar_inbox.chasing_steps s
    set due_at = m.after
    from moving m
    join locked l on l.id = m.invoice_id
    where s.company_id = move_steps.company_id and s.id = m.id
        -- unless it was fired, ended or planned anew while we waited
        and s.state = 'scheduled' and s.due_at = m.before;
    get diagnostics moved = row_count;
    return moved;
end
$$;

comment on function ar_inbox_internal.move_steps(bigint, timestamptz) is
'Moves the company''s scheduled steps to where its working days, as they are now, have them. A step that is due at that moment or before stays, and so does one whose new moment would be past; with policy previous that one is on the next working day. Returns how many moved.';

create function ar_inbox.set_working_days(company_id bigint, days integer[], policy text)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before ar_inbox.companies;
    wanted integer[];
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    select c.* into before from ar_inbox.companies c where c.id = set_working_days.company_id for no key update;
    policy := coalesce(policy, before.working_day_policy);
    -- in order, each once; what is no weekday stays in, to be refused
    select pg_catalog.array_agg(distinct d.day order by d.day) into wanted
    from pg_catalog.unnest(coalesce(days, before.working_days)) d (day);
    if wanted is null or not wanted <@ '{1,2,3,4,5,6,7}'::integer[] then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('days %s cannot be a working week', days),
            'Give weekdays from 1, Monday, to 7, Sunday, at least one, such as ''{1,2,3,4,5}''.');
    elsif policy not in ('send_anyway', 'next', 'previous') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('policy %s is not known', pg_catalog.quote_literal(policy)),
            'Give send_anyway, next or previous.');
    end if;
    if wanted = before.working_days and policy = before.working_day_policy then
        return 0;
    end if;
    update ar_inbox.companies c set working_days = wanted, working_day_policy = policy
    where c.id = set_working_days.company_id;
    perform ar_inbox_internal.record_event(company_id, 'company', company_id, 'working days changed',
        pg_catalog.jsonb_build_object('working_days', before.working_days, 'working_day_policy', before.working_day_policy),
        pg_catalog.jsonb_build_object('working_days', wanted, 'working_day_policy', policy));
    return ar_inbox_internal.move_steps(company_id, pg_catalog.now());
end
$$;

comment on function ar_inbox.set_working_days(bigint, integer[], text) is
'Sets the company''s working week and what its chasing steps do on a day off; NULL leaves a thing as it is. days: weekdays from 1, Monday, to 7, Sunday. policy: send_anyway, next (the step moves to the next working day at the same hour) or previous. Scheduled steps move at once; returns how many did. Needs manage. Errors: IB001, 42501, 22023.';

create function ar_inbox_internal.holidays_changed(company_id bigint, action text, change jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.record_event(company_id, 'company', company_id, action, null, change);
    if (select c.working_day_policy <> 'send_anyway' from ar_inbox.companies c
            where c.id = holidays_changed.company_id) then
        perform ar_inbox_internal.move_steps(company_id, pg_catalog.now());
    end if;
end
$$;

comment on function ar_inbox_internal.holidays_changed(bigint, text, jsonb) is
'What follows when the company''s holidays changed: an event, and steps that move.';

create function ar_inbox.add_holiday(company_id bigint, day date, name text = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if day is null or not pg_catalog.isfinite(day) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('day %s cannot be a holiday', coalesce(day::text, 'NULL')), 'Give a date.');
    end if;
    if name is not null then
        name := ar_inbox_internal.required_text(name, 'name');
    end if;
    -- two changes at once: the second sees what the first did, and moves steps by it
    perform 1 from ar_inbox.companies c where c.id = add_holiday.company_id for no key update;
    insert into ar_inbox.holidays (company_id, day, name, source)
    values (add_holiday.company_id, add_holiday.day, add_holiday.name, 'member')
    on conflict on constraint holidays_day_key do nothing;
    if not found then
        perform ar_inbox_internal.refuse('unique_violation',
            pg_catalog.format('%s is a holiday of company %s already', day, company_id),
            'To name it otherwise, take it away with ar_inbox.remove_holiday() before.');
    end if;
    perform ar_inbox_internal.holidays_changed(company_id, 'holiday added',
        pg_catalog.jsonb_build_object('day', day, 'name', name));
end
$$;

comment on function ar_inbox.add_holiday(bigint, date, text) is
'Makes a day one that the company does not work on; name: what it is called, if anything. Scheduled steps move as the company''s policy says (set_working_days). Needs manage. Errors: IB001, 42501, 22023, 23505 (it is one already).';

create function ar_inbox.remove_holiday(company_id bigint, day date)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    was text;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    perform 1 from ar_inbox.companies c where c.id = remove_holiday.company_id for no key update;
    delete from ar_inbox.holidays h
    where h.company_id = remove_holiday.company_id and h.day = remove_holiday.day
    returning h.name into was;
    if not found then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('%s is no holiday of company %s', coalesce(day::text, 'NULL'), company_id),
            'The days that are stand in ar_inbox.holidays.');
    end if;
    perform ar_inbox_internal.holidays_changed(company_id, 'holiday removed',
        pg_catalog.jsonb_build_object('day', day, 'name', was));
end
$$;

comment on function ar_inbox.remove_holiday(bigint, date) is
'Makes a holiday a day like others of its weekday again. Scheduled steps move as the company''s policy says. Needs manage. Errors: IB001 (no such company, or it is no holiday), 42501.';

create function ar_inbox_internal.calendar_days(ics text, first date, last date)
returns table (day date, name text)
language c stable strict parallel safe rows 100
as 'MODULE_PATHNAME', 'ar_inbox_calendar_days';

comment on function ar_inbox_internal.calendar_days(text, date, date) is
'The days from first to last on which an event of the iCalendar file lies, each once, with the event''s name. Raises 22023, with the line, for what is no such file.';

create function ar_inbox.import_holidays(company_id bigint, ics text)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    today date;
    added date[];
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if ics is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'ics is NULL',
            'Give the text of an iCalendar file (RFC 5545) whose events are the days off.');
    end if;
    select (pg_catalog.now() at time zone c.time_zone)::date into today
    from ar_inbox.companies c where c.id = import_holidays.company_id for no key update;
    with new as (
        insert into ar_inbox.holidays (company_id, day, name, source)
        select import_holidays.company_id, d.day, d.name, 'calendar'
        from ar_inbox_internal.calendar_days(ics, (today - interval '1 year')::date, (today + interval '5 years')::date) d
        on conflict on constraint holidays_day_key do nothing
        returning holidays.day
    )
    select coalesce(pg_catalog.array_agg(n.day order by n.day), '{}') into added from new n;
    if added <> '{}' then
        perform ar_inbox_internal.holidays_changed(company_id, 'holidays imported', pg_catalog.to_jsonb(added));
    end if;
    return pg_catalog.cardinality(added);
end
$$;

comment on function ar_inbox.import_holidays(bigint, text) is
'Makes the days of an iCalendar file (RFC 5545) holidays of the company: those on which an event lies, from a year ago to five years from today, repeating ones too. ics: its text, at most 1 MB. A day that is a holiday already stays as it is. Scheduled steps move as the company''s policy says (set_working_days). Returns how many days were added. Needs manage. Errors: IB001, 42501, 22023 (no calendar, no events, something in it that cannot be read, with the line).';
