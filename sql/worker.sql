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

create function ar_inbox_internal.next_wake(armed boolean = true)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- what leaves no database
    tidying timestamptz := least(
        (select t.snoozed_until from ar_inbox.threads t
         where t.snoozed_until is not null order by t.snoozed_until limit 1),
        (select h.ends_at from ar_inbox.holds h
         where h.ended_at is null and h.ends_at is not null order by h.ends_at limit 1),
        (select '-infinity'::timestamptz from ar_inbox.email_html h where h.pending limit 1));
begin
    if not armed then
        return tidying;
    end if;
    return least(tidying,
        (select s.due_at from ar_inbox.chasing_steps s
         where s.state = 'scheduled' and s.due_at is not null order by s.due_at limit 1),
        -- of each account with something waiting: its first, or when its server is tried again
        (with recursive waiting as (
            (select d.mail_account_id as id, d.next_attempt_at as first from ar_inbox.deliveries d
             where d.next_attempt_at is not null order by d.mail_account_id, d.next_attempt_at limit 1)
            union all
            (select n.mail_account_id, n.next_attempt_at
             from waiting w
             cross join lateral (
                select d.mail_account_id, d.next_attempt_at from ar_inbox.deliveries d
                where d.next_attempt_at is not null and d.mail_account_id > w.id
                order by d.mail_account_id, d.next_attempt_at limit 1) n)
         )
         select pg_catalog.min(greatest(w.first, a.send_retry_at))
         from waiting w join ar_inbox.mail_accounts a on a.id = w.id),
        -- and of each provider
        (with recursive waiting as (
            (select d.provider_id as id, d.next_attempt_at as first from ar_inbox.deliveries d
             where d.next_attempt_at is not null and d.provider_id is not null
             order by d.provider_id, d.next_attempt_at limit 1)
            union all
            (select n.provider_id, n.next_attempt_at
             from waiting w
             cross join lateral (
                select d.provider_id, d.next_attempt_at from ar_inbox.deliveries d
                where d.next_attempt_at is not null and d.provider_id > w.id
                order by d.provider_id, d.next_attempt_at limit 1) n)
         )
         select pg_catalog.min(greatest(w.first, p.send_retry_at))
         from waiting w join ar_inbox.providers p on p.id = w.id),
        (select a.next_poll_at from ar_inbox.mail_accounts a
         where a.next_poll_at is not null order by a.next_poll_at limit 1));
end
$$;

comment on function ar_inbox_internal.next_wake(boolean) is
'When the worker has something to do next; NULL: nothing planned. armed: whether the database is; if not, only what is done all the same counts: snoozes, holds, HTML.';
