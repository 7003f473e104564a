-- Companies and members; arming; what happened.

create function ar_inbox_internal.record_event(company_id bigint, subject text, subject_id bigint,
    action text, before jsonb = null, after jsonb = null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ar_inbox.events (company_id, member_id, subject, subject_id, action, before, after)
    values (company_id, ar_inbox_internal.member_id(company_id), subject, subject_id, action, before, after);
end
$$;

comment on function ar_inbox_internal.record_event(bigint, text, bigint, text, jsonb, jsonb) is
'Adds a row to ar_inbox.events in the name of the caller.';

create function ar_inbox_internal.record_events(company_id bigint, subject text, subject_ids bigint[],
    action text, after jsonb = null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    member bigint := ar_inbox_internal.member_id(company_id);
begin
    insert into ar_inbox.events (company_id, member_id, subject, subject_id, action, after)
    select record_events.company_id, member, record_events.subject, u.id, record_events.action, record_events.after
    from pg_catalog.unnest(subject_ids) u (id);
end
$$;

comment on function ar_inbox_internal.record_events(bigint, text, bigint[], text, jsonb) is
'record_event() for many subjects to which the same happened.';

create function ar_inbox.create_company(name text, time_zone text = 'UTC', currency text = 'USD',
    language text = 'en')
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    new_id bigint;
begin
    perform ar_inbox_internal.require_installed();
    if not ar_inbox_internal.is_administrator(ar_inbox_internal.caller()) then
        perform ar_inbox_internal.refuse('insufficient_privilege',
            'only an administrator can create a company',
            'Ask a superuser or a member of the role ar_inbox_owner.');
    end if;
    if time_zone is null or not ar_inbox_internal.is_time_zone(time_zone) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('time zone %s is not known', pg_catalog.quote_nullable(time_zone)),
            'Give a name of the view pg_timezone_names, such as ''Europe/Berlin''.');
    end if;
    if currency is null or ar_inbox_internal.currency_digits(currency) is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('currency %s is not known', pg_catalog.quote_nullable(currency)),
            'Give an ISO 4217 code in capitals, such as ''USD''.');
    end if;
    if language is null or language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('language %s has not the form of a language tag', pg_catalog.quote_nullable(language)),
            'Give a BCP 47 tag, such as ''en'' or ''pt-BR''.');
    end if;

    insert into ar_inbox.companies (name, time_zone, currency, language)
    values (ar_inbox_internal.required_text(create_company.name, 'name'), create_company.time_zone,
        create_company.currency, create_company.language)
    returning id into new_id;
    -- with this key reply addresses and return paths are signed
    insert into ar_inbox.secrets (company_id, name, value)
    values (new_id, 'signing_key', pg_catalog.encode(pg_catalog.sha256(
        pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())), 'hex'));
    perform ar_inbox_internal.record_event(new_id, 'company', new_id, 'created');
    return new_id;
end
$$;

comment on function ar_inbox.create_company(text, text, text, text) is
'Creates a company. name: as customers read it; time_zone: an IANA name, in which the hours of chasing steps are counted; currency: ISO 4217; language: BCP 47. Returns its id. For administrators. Errors: 42501, 22023 (a value that is not known).';

create function ar_inbox_internal.signing_key(company_id bigint)
returns bytea
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select pg_catalog.decode(s.value, 'hex') from ar_inbox.secrets s
            where s.company_id = signing_key.company_id and s.name = 'signing_key');
end
$$;

comment on function ar_inbox_internal.signing_key(bigint) is
'The key that the company''s reply addresses, return paths and image addresses are signed with; 32 bytes.';

create function ar_inbox_internal.wrong_settings(settings jsonb, failed text, field text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    nobody  ar_inbox.companies;
    setting record;
    wrong   jsonb;
begin
    select pg_catalog.jsonb_object_agg(s.key, s.value) into wrong
    from pg_catalog.jsonb_each(settings) s
    where s.key = field or s.key in (
        select a.attname
        from pg_catalog.pg_constraint c
        join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
        where c.conrelid = 'ar_inbox.companies'::regclass and c.conname = failed);
    if wrong is null then
        -- the first that is no value of its type
        for setting in select s.key, s.value from pg_catalog.jsonb_each(settings) s loop
            begin
                perform pg_catalog.jsonb_populate_record(nobody, pg_catalog.jsonb_build_object(setting.key, setting.value));
            exception when data_exception then
                return pg_catalog.jsonb_build_object(setting.key, setting.value);
            end;
        end loop;
    end if;
    return wrong;
end
$$;

comment on function ar_inbox_internal.wrong_settings(jsonb, text, text) is
'Which of these settings of a company an error is about: those of the constraint that failed, that of the column (field), else the first that is no value of its type; NULL: it cannot be said.';

create function ar_inbox.change_settings(company_id bigint, settings jsonb)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    known  constant text[] := array['name', 'language', 'automatic_mail_opens_threads', 'retry_limit',
        'resend_in_doubt', 'max_message_size', 'max_cadences', 'max_steps',
        'max_repeating_steps', 'max_repeats', 'max_sends_per_day', 'undo_grace', 'trusted_hosts',
        'track_opens', 'tracking_url', 'catch_up_window', 'promise_grace_days', 'reply_hold_days',
        'sms_from_hour', 'sms_to_hour', 'max_texts_per_number', 'postal_address', 'invoice_link_url'];
    before ar_inbox.companies;
    after  ar_inbox.companies;
    strange text;
    failed text;
    field  text;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if settings is null or pg_catalog.jsonb_typeof(settings) <> 'object' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'settings is not an object',
            'Give the settings to change, such as {"max_sends_per_day": 2}.');
    end if;
    select pg_catalog.string_agg(k, ', ') into strange
    from pg_catalog.jsonb_object_keys(settings) k where k <> all (known);
    if strange is not null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('no setting is called %s', strange),
            pg_catalog.format('Settings are %s.', pg_catalog.array_to_string(known, ', ')));
    end if;
    if settings -> 'postal_address' <> 'null' then
        perform ar_inbox_internal.check_postal_address(settings -> 'postal_address', 'postal_address');
    end if;
    -- PostgreSQL takes a number without a unit for seconds
    select pg_catalog.string_agg(pg_catalog.format('%s: %s', s.key, s.value), ', ') into strange
    from pg_catalog.jsonb_each_text(settings) s
    where s.key in ('retry_limit', 'undo_grace', 'catch_up_window') and s.value ~ '[1-9]'
        and (s.value !~ '[[:alpha:]:]|[0-9]-[0-9]' or s.value ~ '[[:alpha:]][[:space:]]+[-+]?[0-9.]+[[:space:]]*$');
    if strange is not null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('a number of %s has no unit', strange), 'Give an interval such as "30 seconds".');
    end if;
    select c.* into before from ar_inbox.companies c
    where c.id = change_settings.company_id for no key update;
    begin
        after := pg_catalog.jsonb_populate_record(before, settings);
        update ar_inbox.companies c
        set name = after.name, language = after.language,
            automatic_mail_opens_threads = after.automatic_mail_opens_threads,
            retry_limit = after.retry_limit, resend_in_doubt = after.resend_in_doubt,
            max_message_size = after.max_message_size, max_cadences = after.max_cadences,
            max_steps = after.max_steps, max_repeating_steps = after.max_repeating_steps,
            max_repeats = after.max_repeats, max_sends_per_day = after.max_sends_per_day,
            undo_grace = after.undo_grace, trusted_hosts = after.trusted_hosts,
            track_opens = after.track_opens, tracking_url = after.tracking_url,
            catch_up_window = after.catch_up_window, promise_grace_days = after.promise_grace_days,
            reply_hold_days = after.reply_hold_days,
            sms_from_hour = after.sms_from_hour, sms_to_hour = after.sms_to_hour,
            max_texts_per_number = after.max_texts_per_number, postal_address = nullif(after.postal_address, 'null'),
            invoice_link_url = after.invoice_link_url
        where c.id = change_settings.company_id;
    exception
        when check_violation or not_null_violation or invalid_text_representation
            or invalid_datetime_format or numeric_value_out_of_range then
            get stacked diagnostics failed = constraint_name, field = column_name;
            perform ar_inbox_internal.refuse('invalid_parameter_value',
                pg_catalog.format('the settings cannot be %s',
                    coalesce(ar_inbox_internal.wrong_settings(settings, failed, field), settings)),
                case sqlstate when '23502' then 'A setting cannot be null.'
                    when '23514' then 'Limits and sizes are at least 1, retry_limit is more than nothing and at most 366 days, undo_grace is at most an hour, names are not empty, catch_up_window is from nothing to 36600 days, promise_grace_days and reply_hold_days are from 0 to 365, track_opens needs a tracking_url (http or https), sms_from_hour is before sms_to_hour, both from 0 to 24, invoice_link_url is https, trusted_hosts are names, one each, language is a BCP 47 tag such as en or pt-BR.'
                    else sqlerrm end);
    end;
    if ar_inbox_internal.search_config(before.language) <> ar_inbox_internal.search_config(after.language) then
        -- words are found by their stems, which are a language's own
        perform ar_inbox_internal.reindex_company(company_id);
    end if;
    perform ar_inbox_internal.record_event(company_id, 'company', company_id, 'settings changed',
        pg_catalog.to_jsonb(before), pg_catalog.to_jsonb(after));
end
$$;

comment on function ar_inbox.change_settings(bigint, jsonb) is
'Changes settings of the company: an object of name, language, automatic_mail_opens_threads, retry_limit (interval, each number with its unit), resend_in_doubt, max_message_size (bytes), max_cadences, max_steps, max_repeating_steps, max_repeats, max_sends_per_day, undo_grace (interval, at most an hour), trusted_hosts (authserv-ids, RFC 8601), track_opens, tracking_url, catch_up_window (interval), promise_grace_days, reply_hold_days, sms_from_hour and sms_to_hour (hours of the day in the company''s time zone, between which text messages leave), max_texts_per_number (a day), postal_address (of the company: line1, line2, city, region, postal_code, country, name, company; null takes it away), invoice_link_url. What is not named stays. Needs manage. Errors: IB001, 42501, 22023 (no such setting, or a value it cannot have).';

create function ar_inbox_internal.check_permissions(permissions text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if permissions is null or pg_catalog.array_ndims(permissions) <> 1
        or not permissions <@ '{view,send,manage}'::text[] or not 'view' = any (permissions)
    then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('permissions %s cannot be', pg_catalog.quote_nullable(permissions::text)),
            'Give view, and send and manage besides if wanted.');
    end if;
end
$$;

comment on function ar_inbox_internal.check_permissions(text[]) is
'Raises 22023 unless these are permissions a member can have.';

create function ar_inbox.change_member(member_id bigint, permissions text[] = null, removed boolean = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before   ar_inbox.members;
    after    ar_inbox.members;
    assigned bigint;
begin
    select m.* into before from ar_inbox.members m where m.id = change_member.member_id for no key update;
    perform ar_inbox_internal.require(before.company_id, 'manage', 'member', member_id);
    if permissions is not null then
        perform ar_inbox_internal.check_permissions(permissions);
    end if;
    update ar_inbox.members m
    set permissions = coalesce(change_member.permissions, m.permissions),
        removed_at = case when removed then coalesce(m.removed_at, pg_catalog.now())
            when not removed then null else m.removed_at end
    where m.company_id = before.company_id and m.id = before.id
    returning m.* into after;
    perform ar_inbox_internal.record_event(before.company_id, 'member', before.id, 'changed',
        pg_catalog.jsonb_build_object('permissions', before.permissions, 'removed_at', before.removed_at),
        pg_catalog.jsonb_build_object('permissions', after.permissions, 'removed_at', after.removed_at));
    if after.removed_at is not null then
        -- work that waits is nobody's now, also what an undone merge would bring back;
        -- what is closed shows who did it, until it is opened again
        for assigned in
            select t.id from ar_inbox.threads t
            where t.company_id = after.company_id and t.assignee_id = after.id
                and (t.status <> 'closed' or t.merged_into_id is not null)
            order by t.id
            for no key update
        loop
            update ar_inbox.threads t set assignee_id = null
            where t.company_id = after.company_id and t.id = assigned;
            perform ar_inbox_internal.record_event(after.company_id, 'thread', assigned, 'assignee',
                pg_catalog.to_jsonb(after.id));
        end loop;
    end if;
end
$$;

comment on function ar_inbox.change_member(bigint, text[], boolean) is
'Changes what a member may do; NULL leaves a thing as it is. permissions: view, send, manage. removed: true takes all access away, false gives it back; what the member did stays, its open and pending threads are assigned to nobody. Needs manage. Errors: IB001, 42501, 22023.';

create function ar_inbox.create_member(company_id bigint, name text, email ar_inbox.email_address,
    role name = null, permissions text[] = '{view,send,manage}')
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    new_id bigint;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if email is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'email is NULL',
            'Give the member''s e-mail address.');
    end if;
    perform ar_inbox_internal.check_permissions(permissions);
    if role is not null then
        if not exists (select 1 from pg_catalog.pg_roles r where r.rolname = create_member.role) then
            perform ar_inbox_internal.refuse('undefined_object',
                pg_catalog.format('role "%s" does not exist', role),
                'Create the database role first, or leave role NULL for a member who comes through a front end.');
        elsif role like 'ar\_inbox\_%' or role like 'pg\_%' then
            perform ar_inbox_internal.refuse('invalid_parameter_value',
                pg_catalog.format('role "%s" cannot be a person''s', role),
                'Give a role that belongs to this member alone.');
        elsif (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = create_member.role)
            or pg_catalog.pg_has_role(role, 'ar_inbox_front_end', 'member')
            or pg_catalog.pg_has_role(role, 'ar_inbox_owner', 'member')
        then
            perform ar_inbox_internal.refuse('invalid_parameter_value',
                pg_catalog.format('role "%s" is an administrator''s or a front end''s', role),
                'Give a role that belongs to this member alone.');
        elsif not pg_catalog.pg_has_role(role, 'ar_inbox_staff', 'member')
            and not ar_inbox_internal.is_administrator(ar_inbox_internal.caller())
        then
            perform ar_inbox_internal.refuse('insufficient_privilege',
                pg_catalog.format('role "%s" is not a member of ar_inbox_staff', role),
                pg_catalog.format('Ask an administrator for GRANT ar_inbox_staff TO %I, or leave role NULL.', role));
        end if;
    end if;

    begin
        insert into ar_inbox.members (company_id, name, email, role, permissions)
        values (company_id, ar_inbox_internal.required_text(create_member.name, 'name'),
            create_member.email, create_member.role, create_member.permissions)
        returning id into new_id;
    exception when unique_violation then
        perform ar_inbox_internal.refuse('unique_violation',
            pg_catalog.format('company %s has a member with %s already', company_id,
                case when exists (select 1 from ar_inbox.members m
                        where m.company_id = create_member.company_id and m.email = create_member.email)
                    then 'the e-mail ' || email else pg_catalog.format('the role "%s"', role) end),
            'Give another one, or use that member.');
    end;

    if role is not null and not pg_catalog.pg_has_role(role, 'ar_inbox_staff', 'member') then
        execute pg_catalog.format('grant ar_inbox_staff to %I', role);
    end if;
    perform ar_inbox_internal.record_event(company_id, 'member', new_id, 'created',
        null, pg_catalog.jsonb_build_object('role', role, 'permissions', permissions));
    return new_id;
end
$$;

comment on function ar_inbox.create_member(bigint, text, ar_inbox.email_address, name, text[]) is
'Makes a person a member of the company. role: the database role it logs in as, which is granted ar_inbox_staff; NULL: it comes through a front end that vouches for its e-mail in request.jwt.claims. permissions: view (read), send (write to customers, work the threads), manage (customers, invoices, payments, settings). Returns the member''s id. Needs manage. Errors: IB001, 42501, 42704 (no such role), 22023, 23505 (a member with that e-mail or role).';

create function ar_inbox_internal.server_identity()
returns text
language c stable parallel restricted
as 'MODULE_PATHNAME', 'ar_inbox_server_identity';

comment on function ar_inbox_internal.server_identity() is
'What tells this database on this server from every copy: the cluster''s system identifier, the database''s OID, and the server''s name (ar_inbox.server_name, or host and data directory).';

create function ar_inbox_internal.is_armed()
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select 1 from ar_inbox.armed a where a.identity = ar_inbox_internal.server_identity());
end
$$;

comment on function ar_inbox_internal.is_armed() is 'Whether mail may leave this database: it was armed here, and not on another server or as another database.';

create function ar_inbox.arm()
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_installed();
    insert into ar_inbox.armed as a (identity)
    values (ar_inbox_internal.server_identity())
    on conflict on constraint armed_pkey do update
        set identity = excluded.identity, armed_at = excluded.armed_at, armed_by = excluded.armed_by;
    perform ar_inbox_internal.wake_worker();
end
$$;

comment on function ar_inbox.arm() is
'Allows the worker to fire steps, to send and to fetch mail in this database, on this server. A copy (a restored dump, a cloned server) is another one and must be armed itself. For administrators.';

create function ar_inbox.disarm()
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_installed();
    delete from ar_inbox.armed;
    perform ar_inbox_internal.wake_worker();
end
$$;

comment on function ar_inbox.disarm() is
'Takes back ar_inbox.arm(): no step fires, no mail leaves and none is fetched until it is armed again. What is in a mail server''s hands already is not called back. For administrators.';
