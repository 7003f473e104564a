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
    already_sent boolean,
    day_policy text default 'send_anyway',
    working_days integer[] default null,
    holidays date[] default null)
returns table (repeat_number integer, due_at timestamptz, state text, reason text)
language c stable parallel safe rows 1
as 'MODULE_PATHNAME', 'ar_inbox_step_moments';
comment on function ar_inbox_internal.step_moments(text, integer, date, integer, integer, date, date, text, timestamptz, boolean, text, integer[], date[]) is
'The moments at which a chasing step of an invoice is due when its schedule is set at the given moment: one row, or one for each repeat. day_policy: what a step does on a day that is not worked on: send_anyway, next (it moves to the next working day at the same hour) or previous (to the one before; to the next where that would be before the invoice date or past). working_days: weekdays from 1, Monday, to 7; NULL: Monday to Friday. holidays: days off besides; NULL: none. State is scheduled or skipped; the reason of a skipped one is "past", "before invoice date" or "already sent". Past is a step whose moment, after it was moved, lies before the given one.';

revoke all on function
    ar_inbox_internal.is_time_zone(text),
    ar_inbox_internal.step_moments(text, integer, date, integer, integer, date, date, text, timestamptz, boolean, text, integer[], date[])
    from public;
grant execute on function
    ar_inbox_internal.is_time_zone(text),
    ar_inbox_internal.step_moments(text, integer, date, integer, integer, date, date, text, timestamptz, boolean, text, integer[], date[])
    to ar_inbox_staff, ar_inbox_worker;
