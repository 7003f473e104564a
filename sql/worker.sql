-- What the worker asks of the database, and how it is woken.

create function ar_inbox_internal.wake_worker()
returns void
language c volatile
as 'MODULE_PATHNAME', 'ar_inbox_wake_worker';

comment on function ar_inbox_internal.wake_worker() is
'Wakes this database''s worker when the transaction commits, or has one started.';

create function ar_inbox_internal.wake_worker_trigger()
returns trigger
language c
as 'MODULE_PATHNAME', 'ar_inbox_wake_worker_trigger';

comment on function ar_inbox_internal.wake_worker_trigger() is
'Trigger: wakes the worker when the transaction commits.';

create function ar_inbox_internal.is_installed()
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    -- the last migration made the views; a newer one only adds to that
    select pg_catalog.to_regclass('ar_inbox.sent') is not null;
$$;

comment on function ar_inbox_internal.is_installed() is 'Whether install() has made the tables.';

create function ar_inbox_internal.next_wake(at timestamptz)
returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select least(
        (select s.due_at from ar_inbox.chasing_steps s
         where s.state = 'scheduled' and s.due_at is not null order by s.due_at limit 1),
        (select d.next_attempt_at from ar_inbox.deliveries d
         where d.next_attempt_at is not null order by d.next_attempt_at limit 1),
        (select a.next_poll_at from ar_inbox.mail_accounts a
         where a.next_poll_at is not null order by a.next_poll_at limit 1));
$$;

comment on function ar_inbox_internal.next_wake(timestamptz) is
'When the worker has something to do next; NULL: nothing planned.';
