-- Cadences, and what a step in JSON means.

create function ar_inbox_internal.parse_steps(company_id bigint, steps jsonb, within_limits boolean = true)
returns table (step_number integer, trigger ar_inbox.step_trigger, days integer, on_date date, hour integer,
    channels ar_inbox.channel[], contact_role_id bigint, repeats integer)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    company   ar_inbox.companies;
    step      jsonb;
    repeating integer := 0;
    problem   text;
    hint      text;
    keys      text;
    item      text;
begin
    select c.* into company from ar_inbox.companies c where c.id = parse_steps.company_id;
    if steps is null or pg_catalog.jsonb_typeof(steps) <> 'array' or pg_catalog.jsonb_array_length(steps) = 0 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('steps is %s', case when steps is null then 'NULL'
                when pg_catalog.jsonb_typeof(steps) <> 'array' then 'not an array but ' || pg_catalog.jsonb_typeof(steps)
                else 'an empty array' end),
            'Give an array of steps, such as [{"trigger": "after_due", "days": 3, "hour": 9, "channels": ["email"]}].');
    elsif within_limits and pg_catalog.jsonb_array_length(steps) > company.max_steps then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('%s steps are more than the limit of %s (max_steps)',
                pg_catalog.jsonb_array_length(steps), company.max_steps),
            'Give fewer steps; the limit is a setting of the company.');
    end if;

    step_number := 0;
    for step in select e.value from pg_catalog.jsonb_array_elements(steps) e loop
        step_number := step_number + 1;
        problem := null;
        hint := null;
        trigger := null; days := null; on_date := null; hour := null;
        channels := '{}'; contact_role_id := null; repeats := null;

        if pg_catalog.jsonb_typeof(step) <> 'object' then
            perform ar_inbox_internal.refuse('invalid_parameter_value',
                pg_catalog.format('step %s is not an object', step_number),
                'A step is {"trigger": "after_due", "days": 3, "hour": 9, "channels": ["email"]}.');
        end if;
        select pg_catalog.string_agg(k, ', ') into keys from pg_catalog.jsonb_object_keys(step) k
        where k not in ('trigger', 'days', 'date', 'hour', 'channels', 'role', 'repeats');

        if keys is not null then
            problem := pg_catalog.format('does not know %s', keys);
            hint := 'It has "trigger", "days", "date", "hour", "channels", "role" and "repeats".';
        elsif coalesce(step ->> 'trigger', '') not in
            ('on_issue', 'after_issue', 'before_due', 'after_due', 'on_date', 'repeat') then
            problem := coalesce('has trigger ' || nullif(step -> 'trigger', 'null')::text, 'has no "trigger"');
            hint := 'Give on_issue, after_issue, before_due, after_due, on_date or repeat.';
        elsif not coalesce((step ->> 'hour') ~ '^([01]?[0-9]|2[0-3])$', false) then
            problem := coalesce('has hour ' || nullif(step -> 'hour', 'null')::text, 'has no "hour"');
            hint := 'Give an hour of the day from 0 to 23, in the company''s time zone.';
        elsif coalesce(pg_catalog.jsonb_typeof(step -> 'channels'), '') <> 'array'
            or (step -> 'channels') = '[]' then
            problem := coalesce('has channels ' || nullif(step -> 'channels', 'null')::text, 'has no "channels"');
            hint := 'Give an array of channels, such as ["email"].';
        elsif step ->> 'trigger' in ('after_issue', 'before_due', 'after_due', 'repeat')
            and not coalesce((step ->> 'days') ~ '^[0-9]{1,4}$', false) then
            problem := coalesce('has days ' || nullif(step -> 'days', 'null')::text, 'has no "days"');
            hint := pg_catalog.format('Give "days" for trigger %s, from 0 to 3650.', step ->> 'trigger');
        elsif step ->> 'trigger' in ('on_issue', 'on_date') and step ->> 'days' is not null then
            problem := pg_catalog.format('has "days", which trigger %s does not take', step ->> 'trigger');
            hint := 'Leave it out, or use after_issue, before_due, after_due or repeat.';
        -- (a number by now)
        elsif (step ->> 'days')::integer > 3650 or (step ->> 'trigger' = 'repeat' and step ->> 'days' ~ '^0+$') then
            problem := pg_catalog.format('has days %s', step ->> 'days');
            hint := 'Give "days" from 0 to 3650, at least 1 for a repeating step.';
        elsif step ->> 'trigger' = 'on_date' and not coalesce((step ->> 'date') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', false) then
            problem := coalesce('has date ' || nullif(step -> 'date', 'null')::text, 'has no "date"');
            hint := 'Give "date" for trigger on_date, as in "2026-01-31".';
        elsif step ->> 'trigger' <> 'on_date' and step ->> 'date' is not null then
            problem := pg_catalog.format('has "date", which trigger %s does not take', step ->> 'trigger');
            hint := 'Leave it out, or use on_date.';
        elsif step ->> 'trigger' = 'repeat' and not coalesce((step ->> 'repeats') ~ '^[1-9][0-9]{0,3}$', false) then
            problem := coalesce('has repeats ' || nullif(step -> 'repeats', 'null')::text, 'has no "repeats"');
            hint := pg_catalog.format('Give "repeats" for trigger repeat, from 1 to %s.', company.max_repeats);
        elsif step ->> 'trigger' <> 'repeat' and step ->> 'repeats' is not null then
            problem := pg_catalog.format('has "repeats", which trigger %s does not take', step ->> 'trigger');
            hint := 'Leave it out, or use repeat.';
        elsif pg_catalog.jsonb_typeof(step -> 'role') not in ('string', 'null') then
            problem := pg_catalog.format('has role %s', step -> 'role');
            hint := 'Give the name of one of the company''s contact roles.';
        end if;
        if problem is not null then
            perform ar_inbox_internal.refuse('invalid_parameter_value',
                pg_catalog.format('step %s %s', step_number, problem), hint);
        end if;

        for item in select v.value #>> '{}' from pg_catalog.jsonb_array_elements(step -> 'channels') v loop
            if item is null or item not in ('email', 'letter', 'sms') then
                perform ar_inbox_internal.refuse('invalid_parameter_value',
                    pg_catalog.format('step %s has channel %s', step_number, coalesce(item, 'null')),
                    'Channels are email, letter and sms.');
            elsif within_limits and item = 'sms' and ((step ->> 'hour')::integer < company.sms_from_hour
                or (step ->> 'hour')::integer >= company.sms_to_hour) then
                perform ar_inbox_internal.refuse('IB003',
                    pg_catalog.format('step %s would text at hour %s, outside %s to %s (sms_from_hour, sms_to_hour)',
                        step_number, step ->> 'hour', company.sms_from_hour, company.sms_to_hour),
                    'Give an hour within; the limits are settings of the company.');
            end if;
            if not item::ar_inbox.channel = any (channels) then
                channels := channels || item::ar_inbox.channel;
            end if;
        end loop;

        trigger := (step ->> 'trigger')::ar_inbox.step_trigger;
        days := (step ->> 'days')::integer;
        hour := (step ->> 'hour')::integer;
        repeats := (step ->> 'repeats')::integer;
        if trigger = 'on_date' then
            begin
                on_date := (step ->> 'date')::date;
            exception when datetime_field_overflow or invalid_datetime_format then
                perform ar_inbox_internal.refuse('invalid_parameter_value',
                    pg_catalog.format('step %s has date %s, which is not in the calendar', step_number, step ->> 'date'),
                    'Give a day that exists, as in "2026-01-31".');
            end;
        end if;
        if trigger = 'repeat' then
            repeating := repeating + 1;
            if within_limits and repeating > company.max_repeating_steps then
                perform ar_inbox_internal.refuse('IB003',
                    pg_catalog.format('%s repeating steps are more than the limit of %s (max_repeating_steps)',
                        repeating, company.max_repeating_steps),
                    'Give fewer of them; the limit is a setting of the company.');
            elsif within_limits and repeats > company.max_repeats then
                perform ar_inbox_internal.refuse('IB003',
                    pg_catalog.format('step %s repeats %s times, more than the limit of %s (max_repeats)',
                        step_number, repeats, company.max_repeats),
                    'Give fewer repeats; the limit is a setting of the company.');
            end if;
        end if;
        contact_role_id := ar_inbox_internal.contact_role_id(company.id, step ->> 'role');
        return next;
    end loop;
end
$$;

comment on function ar_inbox_internal.parse_steps(bigint, jsonb, boolean) is
'Steps given as JSON, as rows; raises, naming the step, for whatever is wrong with one: 22023, IB001 (contact role), IB003 (a limit of the company).';

create function ar_inbox_internal.set_cadence_steps(company_id bigint, cadence_id bigint, steps jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from ar_inbox.cadence_steps s
    where s.company_id = set_cadence_steps.company_id and s.cadence_id = set_cadence_steps.cadence_id;
    insert into ar_inbox.cadence_steps (company_id, cadence_id, step_number, trigger, days, on_date, hour,
        channels, contact_role_id, repeats)
    select set_cadence_steps.company_id, set_cadence_steps.cadence_id, s.*
    from ar_inbox_internal.parse_steps(company_id, steps) s;
end
$$;

comment on function ar_inbox_internal.set_cadence_steps(bigint, bigint, jsonb) is
'Gives a cadence these steps in place of those it had; raises as parse_steps().';

create function ar_inbox_internal.clear_default_cadence(company_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.cadences c set is_default = false
    where c.company_id = clear_default_cadence.company_id and c.is_default;
end
$$;

comment on function ar_inbox_internal.clear_default_cadence(bigint) is 'Makes room for another default cadence.';

create function ar_inbox_internal.check_cadence_name(company_id bigint, name text, own_id bigint = null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    name := ar_inbox_internal.required_text(name, 'name');
    if exists (select 1 from ar_inbox.cadences c
            where c.company_id = check_cadence_name.company_id and c.name = check_cadence_name.name
                and c.id is distinct from own_id) then
        perform ar_inbox_internal.refuse('unique_violation',
            pg_catalog.format('cadence %s exists already', pg_catalog.quote_literal(name)), 'Give another name.');
    end if;
    return name;
end
$$;

comment on function ar_inbox_internal.check_cadence_name(bigint, text, bigint) is
'A name that the company''s cadence may have; raises 22023, 23505 (another one has it).';

create function ar_inbox.create_cadence(company_id bigint, name text, steps jsonb, is_default boolean = false)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most   integer;
    new_id bigint;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    -- the lock makes the count below true when the row is added
    select c.max_cadences into most from ar_inbox.companies c
    where c.id = create_cadence.company_id for no key update;
    if (select count(*) from ar_inbox.cadences c where c.company_id = create_cadence.company_id) >= most then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('company %s has its limit of %s cadences (max_cadences)', company_id, most),
            'Use one that there is; the limit is a setting of the company.');
    end if;
    name := ar_inbox_internal.check_cadence_name(company_id, name);
    if is_default then
        perform ar_inbox_internal.clear_default_cadence(company_id);
    end if;
    insert into ar_inbox.cadences (company_id, name, is_default)
    values (company_id, name, coalesce(create_cadence.is_default, false))
    returning id into new_id;
    perform ar_inbox_internal.set_cadence_steps(company_id, new_id, steps);
    perform ar_inbox_internal.record_event(company_id, 'cadence', new_id, 'created');
    return new_id;
end
$$;

comment on function ar_inbox.create_cadence(bigint, text, jsonb, boolean) is
'Creates a reusable sequence of chasing steps. steps: an array of {"trigger": "on_issue" | "after_issue" | "before_due" | "after_due" | "on_date" | "repeat", "days": n, "date": "2026-01-31", "hour": 0-23, "channels": ["email", "letter", "sms"], "role": contact role, "repeats": n}. is_default: invoices issued from now on take it. Returns its id. Needs manage. Errors: IB001, 42501, 22023, IB003 (a limit), 23505.';

create function ar_inbox_internal.cadence_as_json(company_id bigint, cadence_id bigint)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'trigger', s.trigger, 'days', s.days, 'date', s.on_date, 'hour', s.hour, 'channels', s.channels,
        'role', r.name, 'repeats', s.repeats)) order by s.step_number)
    from ar_inbox.cadence_steps s
    left join ar_inbox.contact_roles r on r.company_id = s.company_id and r.id = s.contact_role_id
    where s.company_id = cadence_as_json.company_id and s.cadence_id = cadence_as_json.cadence_id;
$$;

comment on function ar_inbox_internal.cadence_as_json(bigint, bigint) is 'A cadence''s steps, as they are given in JSON.';

create function ar_inbox_internal.lock_cadence(cadence_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint;
begin
    perform ar_inbox_internal.require_installed();
    select c.company_id into company from ar_inbox.cadences c where c.id = lock_cadence.cadence_id;
    perform ar_inbox_internal.require(company, 'manage', 'cadence', cadence_id);
    -- the company first, as create_cadence()
    perform 1 from ar_inbox.companies c where c.id = company for no key update;
    perform 1 from ar_inbox.cadences c where c.company_id = company and c.id = lock_cadence.cadence_id for no key update;
    return company;
end
$$;

comment on function ar_inbox_internal.lock_cadence(bigint) is
'Locks a cadence for a change and returns its company; raises where the caller may not manage it.';

create function ar_inbox.update_cadence(cadence_id bigint, name text = null, steps jsonb = null, is_default boolean = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := ar_inbox_internal.lock_cadence(cadence_id);
    before  jsonb;
begin
    select pg_catalog.jsonb_build_object('name', c.name, 'is_default', c.is_default,
        'steps', ar_inbox_internal.cadence_as_json(company, c.id)) into before
    from ar_inbox.cadences c where c.company_id = company and c.id = update_cadence.cadence_id;
    if name is not null then
        name := ar_inbox_internal.check_cadence_name(company, name, cadence_id);
    end if;
    if steps is not null then
        perform ar_inbox_internal.set_cadence_steps(company, cadence_id, steps);
    end if;
    if is_default then
        perform ar_inbox_internal.clear_default_cadence(company);
    end if;
    update ar_inbox.cadences c
    set name = coalesce(update_cadence.name, c.name), is_default = coalesce(update_cadence.is_default, c.is_default)
    where c.company_id = company and c.id = update_cadence.cadence_id;
    perform ar_inbox_internal.record_event(company, 'cadence', cadence_id, 'changed', before,
        (select pg_catalog.jsonb_build_object('name', c.name, 'is_default', c.is_default,
            'steps', ar_inbox_internal.cadence_as_json(company, c.id))
         from ar_inbox.cadences c where c.company_id = company and c.id = update_cadence.cadence_id));
end
$$;

comment on function ar_inbox.update_cadence(bigint, text, jsonb, boolean) is
'Changes a cadence; NULL leaves a thing as it is. steps: all of its steps anew, as in create_cadence(). Nothing changes for invoices that it was applied to. Needs manage. Errors: IB001, 42501, 22023, IB003 (a limit), 23505 (the name is taken).';

create function ar_inbox.delete_cadence(cadence_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := ar_inbox_internal.lock_cadence(cadence_id);
    gone    jsonb;
begin
    gone := ar_inbox_internal.cadence_as_json(company, cadence_id);
    delete from ar_inbox.cadence_steps s where s.company_id = company and s.cadence_id = delete_cadence.cadence_id;
    delete from ar_inbox.cadences c where c.company_id = company and c.id = delete_cadence.cadence_id;
    perform ar_inbox_internal.record_event(company, 'cadence', cadence_id, 'deleted', gone);
end
$$;

comment on function ar_inbox.delete_cadence(bigint) is
'Deletes a cadence. Nothing changes for invoices that it was applied to; a company whose default it was has none then. Needs manage. Errors: IB001, 42501.';
