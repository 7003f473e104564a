-- When a chasing step is due.

create function ar_inbox_internal.is_time_zone(name text)
returns boolean
language c stable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_is_time_zone';
comment on function ar_inbox_internal.is_time_zone(text) is
'Is this a time zone that the server knows?';

create function ar_inbox_internal.step_moments(
    trigger_name text,
    days integer,
    on_date date,
    hour integer,
    repeats integer,
    issue_date date,
    due_date date,
    time_zone text,
    at timestamptz,
    already_sent boolean)
returns table (repeat_number integer, due_at timestamptz, state text, reason text)
language c stable parallel safe rows 10
as 'MODULE_PATHNAME', 'ar_inbox_step_moments';
comment on function ar_inbox_internal.step_moments(text, integer, date, integer, integer, date, date, text, timestamptz, boolean) is
'The moments at which a chasing step of an invoice is due when its schedule is set at the given moment: one row, or one for each repeat. State is scheduled or skipped; the reason of a skipped one is "past", "before invoice date" or "already sent".';

revoke all on function
    ar_inbox_internal.is_time_zone(text),
    ar_inbox_internal.step_moments(text, integer, date, integer, integer, date, date, text, timestamptz, boolean)
    from public;
grant execute on function
    ar_inbox_internal.is_time_zone(text),
    ar_inbox_internal.step_moments(text, integer, date, integer, integer, date, date, text, timestamptz, boolean)
    to ar_inbox_staff, ar_inbox_worker;
