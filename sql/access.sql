-- Who is asking, and what they may do.
--
-- Members read through the policies of the tables.  They write through
-- functions that belong to ar_inbox_owner and judge the caller here, since the
-- ledgers (messages, deliveries, steps, events) must not be writable by hand.

create function ar_inbox_internal.caller()
returns name
language c stable parallel restricted
as 'MODULE_PATHNAME', 'ar_inbox_caller';

comment on function ar_inbox_internal.caller() is
'The role that is asking: the session''s, after SET ROLE, whatever SECURITY DEFINER function is running.';

create function ar_inbox_internal.is_administrator(who name)
returns boolean
language c stable strict parallel restricted
as 'MODULE_PATHNAME', 'ar_inbox_is_administrator';

comment on function ar_inbox_internal.is_administrator(name) is
'Whether the role may do everything in every company: a superuser, the worker, or a member of ar_inbox_owner.';

create function ar_inbox_internal.claimed_email(who name)
returns ar_inbox.email_address
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    claims text := pg_catalog.current_setting('request.jwt.claims', true);
    email  text;
begin
    -- Believed only of whom the DBA named a front end.  Who has merely
    -- ar_inbox_staff cannot become somebody else by setting the claims itself.
    if who <> 'ar_inbox_staff' or coalesce(claims, '') = '' or not exists (
        select 1 from pg_catalog.pg_roles r
        where r.rolname = session_user and not r.rolsuper
            and pg_catalog.pg_has_role(r.oid, 'ar_inbox_front_end', 'member'))
    then
        return null;
    end if;
    begin
        email := claims::jsonb ->> 'email';
    exception when invalid_text_representation then
        return null;
    end;
    if email is null or not ar_inbox_internal.is_email_address(email) then
        return null;
    end if;
    return email::ar_inbox.email_address;
end
$$;

comment on function ar_inbox_internal.claimed_email(name) is
'The e-mail in request.jwt.claims, where a front end speaks for a person as ar_inbox_staff; else NULL.';

create function ar_inbox_internal.companies_of(who name, permission text)
returns bigint[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    claimed   ar_inbox.email_address := ar_inbox_internal.claimed_email(who);
    companies bigint[];
begin
    select pg_catalog.array_agg(m.company_id) into companies
    from ar_inbox.members m
    where (m.role = who or m.email = claimed)
        and m.removed_at is null
        and companies_of.permission = any (m.permissions);
    return coalesce(companies, '{}');
end
$$;

comment on function ar_inbox_internal.companies_of(name, text) is
'The companies in which the role (or the person it speaks for) is a member with the permission: view, send or manage.';

create function ar_inbox_internal.companies(permission text)
returns bigint[]
language c stable strict parallel restricted
as 'MODULE_PATHNAME', 'ar_inbox_companies';

comment on function ar_inbox_internal.companies(text) is
'The companies in which current_user (or the person it speaks for) is a member with the permission. Every policy asks this.';

create function ar_inbox_internal.member_id(company_id bigint)
returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    who     name := ar_inbox_internal.caller();
    claimed ar_inbox.email_address := ar_inbox_internal.claimed_email(who);
begin
    return (select m.id from ar_inbox.members m
            where m.company_id = member_id.company_id
                and (m.role = who or m.email = claimed)
                and m.removed_at is null
            order by m.id limit 1);
end
$$;

comment on function ar_inbox_internal.member_id(bigint) is
'The caller''s member id in the company; NULL for an administrator, the worker and strangers.';

create function ar_inbox_internal.may(company_id bigint, permission text)
returns boolean
-- (not sql, which would be planned anew in each transaction)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    who name := ar_inbox_internal.caller();
begin
    return ar_inbox_internal.is_administrator(who)
        or company_id = any (ar_inbox_internal.companies_of(who, permission));
end
$$;

comment on function ar_inbox_internal.may(bigint, text) is
'Whether the caller has the permission (view, send, manage) in the company.';

create function ar_inbox_internal.refuse(code text, message text, hint text = null)
returns void
language c stable
as 'MODULE_PATHNAME', 'ar_inbox_refuse';

comment on function ar_inbox_internal.refuse(text, text, text) is
'Raises an error with this SQLSTATE (IB001 to IB007, or the name of one of the standard ones we use), message and hint, and no context.';

create function ar_inbox_internal.require_installed()
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if pg_catalog.to_regclass('ar_inbox.companies') is null then
        perform ar_inbox_internal.refuse('IB005', 'the tables of ar_inbox are not there',
            'Make them with SELECT ar_inbox.install().');
    end if;
end
$$;

comment on function ar_inbox_internal.require_installed() is 'Raises IB005 unless install() has run.';

create function ar_inbox_internal.require(company_id bigint, permission text, kind text, id bigint)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Another company's id reads like one that does not exist.
    if company_id is null or not ar_inbox_internal.may(company_id, 'view') then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('%s %s does not exist', kind, coalesce(id::text, 'NULL')),
            case kind when 'company' then 'Give the id of a company that you are a member of.'
                else pg_catalog.format('Give the id of %s %s of a company that you are a member of.',
                    case when kind ~ '^[aeiou]' then 'an' else 'a' end, kind) end);
    elsif permission is distinct from 'view' and not ar_inbox_internal.may(company_id, permission) then
        perform ar_inbox_internal.refuse('insufficient_privilege',
            pg_catalog.format('permission "%s" is needed in company %s', permission, company_id),
            'A member with the permission "manage" can give it, by ar_inbox.change_member().');
    end if;
end
$$;

comment on function ar_inbox_internal.require(bigint, text, text, bigint) is
'Raises unless the caller has the permission in the company that owns the object: IB001 where it may not even see it, 42501 where it may see but not do. company_id NULL: no such object.';

create function ar_inbox_internal.require_company(company_id bigint, permission text)
returns void
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_installed();
    perform ar_inbox_internal.require(
        (select c.id from ar_inbox.companies c where c.id = require_company.company_id),
        permission, 'company', company_id);
end
$$;

comment on function ar_inbox_internal.require_company(bigint, text) is
'Raises unless the company exists and the caller has the permission in it.';

create function ar_inbox_internal.is_blank(value text)
returns boolean
language sql immutable parallel safe
return pg_catalog.btrim(coalesce(value, ''), E' \t\r\n\v\f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff') = '';

comment on function ar_inbox_internal.is_blank(text) is
'Whether there is nothing to read: NULL, empty, or white space (Unicode''s, and what has no width) only.';

create function ar_inbox_internal.required_text(value text, parameter text, longest integer = 200)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if ar_inbox_internal.is_blank(value) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s is empty', parameter),
            pg_catalog.format('Give %s with at least one character.', parameter));
    elsif value ~ '[\r\n]' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s %s has more than one line', parameter, pg_catalog.quote_literal(value)),
            pg_catalog.format('Give %s in one line.', parameter));
    elsif pg_catalog.length(value) > longest then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s has %s characters', parameter, pg_catalog.length(value)),
            pg_catalog.format('Give %s with at most %s characters.', parameter, longest));
    end if;
    return pg_catalog.btrim(value);
end
$$;

comment on function ar_inbox_internal.required_text(text, text, integer) is
'The value without blanks around it; raises 22023 where it is empty, has more than one line, or is too long.';

create function ar_inbox_internal.check_length(value text, parameter text, longest integer)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if pg_catalog.length(value) > longest then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s has %s characters', parameter, pg_catalog.length(value)),
            pg_catalog.format('Give at most %s characters.', longest));
    end if;
end
$$;

comment on function ar_inbox_internal.check_length(text, text, integer) is
'Raises 22023 where the value is too long; NULL is not.';

create function ar_inbox_internal.secure(table_name text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    execute pg_catalog.format('alter table ar_inbox.%I enable row level security', table_name);
    execute pg_catalog.format('revoke all on ar_inbox.%I from public', table_name);
    execute pg_catalog.format('grant select, insert, update on ar_inbox.%I to ar_inbox_worker', table_name);
    execute pg_catalog.format(
        'create policy worker on ar_inbox.%I to ar_inbox_worker using (true) with check (true)', table_name);
end
$$;

comment on function ar_inbox_internal.secure(text) is
'Row-level security for a new table: the worker''s policy and no other.';

create function ar_inbox_internal.secure_for_members(table_name text, company_column text = 'company_id')
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.secure(table_name);
    execute pg_catalog.format('grant select on ar_inbox.%I to ar_inbox_staff', table_name);
    execute pg_catalog.format(
        'create policy members_read on ar_inbox.%I for select to ar_inbox_staff '
        'using (%I = any (ar_inbox_internal.companies(''view'')))',
        table_name, company_column);
end
$$;

comment on function ar_inbox_internal.secure_for_members(text, text) is
'Row-level security for a new table: the worker''s policy, and members read the rows of their companies.';
