-- install(): makes the tables, or brings them up to date.  They are ordinary
-- objects that do not belong to the extension: pg_dump keeps them whole, and
-- DROP EXTENSION refuses while they are there.

create function ar_inbox.install()
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set check_function_bodies = off
as $$
declare
    migration record;
    done      text[] := array[]::text[];
    present   integer[];
begin
    -- Two sessions at once: the second waits, then finds nothing to do.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('ar_inbox.install', 0));

    if pg_catalog.to_regclass('ar_inbox.schema_migrations') is null then
        create table ar_inbox.schema_migrations (
            version      integer not null,
            subject      text not null,
            installed_at timestamptz not null default pg_catalog.now(),
            installed_by name not null default ar_inbox_internal.caller(),
            constraint schema_migrations_pkey primary key (version)
        );
        comment on table ar_inbox.schema_migrations is
        'Which of the extension''s migrations this database has; ar_inbox.install() runs the others.';
        perform ar_inbox_internal.secure('schema_migrations');
        grant select on ar_inbox.schema_migrations to ar_inbox_staff;
        create policy everybody_reads on ar_inbox.schema_migrations
            for select to ar_inbox_staff using (true);
    end if;

    select coalesce(pg_catalog.array_agg(s.version), '{}') into present
    from ar_inbox.schema_migrations s;

    for migration in
        select m.version, m.subject, m.statements
        from ar_inbox_internal.migrations() m
        where m.version <> all (present)
        order by m.version
    loop
        execute migration.statements;
        insert into ar_inbox.schema_migrations (version, subject)
        values (migration.version, migration.subject);
        done := done || pg_catalog.format('%s %s', migration.version, migration.subject);
    end loop;

    if done = '{}' then
        return 'up to date';
    end if;
    perform ar_inbox_internal.wake_worker();
    return pg_catalog.format('ran %s: %s',
        case pg_catalog.cardinality(done) when 1 then '1 migration'
            else pg_catalog.cardinality(done) || ' migrations' end,
        pg_catalog.array_to_string(done, ', '));
end
$$;

comment on function ar_inbox.install() is
'Creates the tables, views, triggers and policies of ar_inbox in this database, or brings them up to date by running the outstanding migrations, each recorded in ar_inbox.schema_migrations. Returns what it did; "up to date" where there was nothing to do. For superusers and members of ar_inbox_owner. Run it after CREATE EXTENSION and after ALTER EXTENSION ar_inbox UPDATE.';
