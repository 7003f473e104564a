-- Who may call what.  Everything is closed first; then each role gets its own.

do $$
declare
    routine record;
begin
    for routine in
        select p.oid::pg_catalog.regprocedure as signature, n.nspname, p.proname, p.prosecdef, p.prorettype
        from pg_catalog.pg_proc p
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid
            and d.deptype = 'e'
        join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and e.oid = d.refobjid and e.extname = 'ar_inbox'
    loop
        -- what runs with its owner's rights has the rights of the tables' owner, not of a superuser
        if routine.prosecdef then
            execute pg_catalog.format('alter function %s owner to ar_inbox_owner', routine.signature);
        end if;
        if routine.nspname = 'ar_inbox_internal' then
            execute pg_catalog.format('revoke all on function %s from public', routine.signature);
            execute pg_catalog.format('grant execute on function %s to ar_inbox_owner, ar_inbox_worker', routine.signature);
        elsif routine.prosecdef then
            execute pg_catalog.format('revoke all on function %s from public', routine.signature);
            execute pg_catalog.format('grant execute on function %s to ar_inbox_staff', routine.signature);
        end if;
    end loop;
end
$$;

-- what the policies and the views ask
grant execute on function ar_inbox_internal.companies(text), ar_inbox_internal.withheld_because(text, text),
    ar_inbox_internal.failed_because(text, text, ar_inbox.delivery_state), ar_inbox_internal.ended_because(text),
    ar_inbox_internal.aging_buckets() to ar_inbox_staff;
-- what constraints ask in the name of whoever restores a dump
grant usage on schema ar_inbox_internal to public;
grant execute on function ar_inbox_internal.is_time_zone(text), ar_inbox_internal.currency_digits(text),
    ar_inbox_internal.postal_address_fault(jsonb), ar_inbox_internal.is_country(text) to public;

-- administrators', the worker's, or whose they are granted to
revoke execute on function ar_inbox.install(), ar_inbox.arm(), ar_inbox.disarm(), ar_inbox.receive_email(bytea, ar_inbox.email_address)
    from ar_inbox_staff;
grant execute on function ar_inbox.receive_email(bytea, ar_inbox.email_address) to ar_inbox_worker;
grant execute on function ar_inbox.fire_due_steps(timestamptz) to ar_inbox_worker;
-- what strangers reach: the image in a mail
-- who reports, by its signature: a provider, through a front end
grant usage on schema ar_inbox to ar_inbox_anonymous, ar_inbox_front_end;
grant execute on function ar_inbox.record_provider_status(bigint, text, json, text) to ar_inbox_anonymous, ar_inbox_front_end;
grant execute on function ar_portal.record_open(text) to ar_inbox_anonymous, ar_inbox_customer;
