-- What the parts below stand on: the search path of the script, the schemas,
-- the roles.

set local search_path = pg_catalog, pg_temp;
set local check_function_bodies = off;

do $$
begin
    if pg_catalog.getdatabaseencoding() <> 'UTF8' then
        raise exception using
            errcode = 'feature_not_supported',
            message = pg_catalog.format('database "%s" has encoding %s, but ar_inbox needs UTF8',
                pg_catalog.current_database(), pg_catalog.getdatabaseencoding()),
            hint = 'Mail comes in every script. Use a database created with ENCODING ''UTF8''.';
    end if;
end
$$;

-- Roles belong to the whole server: another database may have made them, so
-- they are made if missing and refused if they have rights they should not have.
do $$
declare
    wanted record;
    present record;
begin
    for wanted in
        select * from (values
            ('ar_inbox_owner', false),
            ('ar_inbox_worker', true),
            ('ar_inbox_staff', false),
            ('ar_inbox_front_end', false),
            ('ar_inbox_customer', false),
            ('ar_inbox_anonymous', false)) as r (rolname, login)
    loop
        select * into present from pg_catalog.pg_roles r where r.rolname = wanted.rolname;
        if not found then
            if wanted.login then
                -- The worker's role logs in, as PostgreSQL 15 and 16 ask of a
                -- background worker, but no client can: the limit of 0
                -- connections counts clients only.
                execute pg_catalog.format('create role %I login connection limit 0', wanted.rolname);
            else
                execute pg_catalog.format('create role %I nologin', wanted.rolname);
            end if;
        elsif present.rolsuper or present.rolcreaterole or present.rolcreatedb or present.rolreplication
            or present.rolbypassrls or present.rolcanlogin <> wanted.login
            or (wanted.login and present.rolconnlimit <> 0)
        then
            raise exception using
                errcode = 'invalid_role_specification',
                message = pg_catalog.format('role "%s" exists with rights it should not have', wanted.rolname),
                hint = pg_catalog.format('ar_inbox needs it as: CREATE ROLE %I %s. Rename the other role, or alter it.',
                    wanted.rolname,
                    case when wanted.login then 'LOGIN CONNECTION LIMIT 0' else 'NOLOGIN' end);
        end if;
    end loop;

    execute pg_catalog.format('grant connect on database %I to ar_inbox_worker', pg_catalog.current_database());
end
$$;

-- Members' roles are granted ar_inbox_staff by create_member().
grant ar_inbox_staff to ar_inbox_owner with admin option;
-- The login role of a front end becomes ar_inbox_staff for each request.
grant ar_inbox_staff to ar_inbox_front_end;

create schema ar_inbox;
create schema ar_inbox_internal;
create schema ar_portal;

comment on schema ar_inbox is 'ar_inbox: what members use';
comment on schema ar_inbox_internal is 'ar_inbox: not for users';
comment on schema ar_portal is 'ar_inbox: what customers reach';

grant usage, create on schema ar_inbox to ar_inbox_owner;
grant usage on schema ar_inbox to ar_inbox_worker, ar_inbox_staff;
grant usage on schema ar_inbox_internal to ar_inbox_owner, ar_inbox_worker, ar_inbox_staff;
grant usage on schema ar_portal to ar_inbox_owner, ar_inbox_staff, ar_inbox_customer, ar_inbox_anonymous;
