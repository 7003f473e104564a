\set ECHO none
-- When chasing steps are due, and what is said of wrong arguments; the
-- currencies.
\i test/lib/pgtap.sql
SELECT plan(84);

-- An invoice of 10 January 2026, due on 9 February, of a company in New York.
CREATE FUNCTION pg_temp.moments(
    trigger_name text, days integer DEFAULT NULL, on_date date DEFAULT NULL,
    hour integer DEFAULT 9, repeats integer DEFAULT NULL,
    at timestamptz DEFAULT '2026-01-01 00:00+00', sent boolean DEFAULT false,
    time_zone text DEFAULT 'America/New_York',
    issued date DEFAULT '2026-01-10', due date DEFAULT '2026-02-09')
RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', repeat_number, due_at, state, reason)
    FROM ar_inbox_internal.step_moments(trigger_name, days, on_date, hour, repeats, issued, due,
        time_zone, at, sent)
$$;

-- the six triggers
SELECT results_eq($$SELECT pg_temp.moments('on_issue')$$,
    ARRAY['1 2026-01-10 14:00:00+00 scheduled'], 'on issue, to come');
SELECT results_eq($$SELECT pg_temp.moments('on_issue', at => '2026-01-20 12:34:56.789+00')$$,
    ARRAY['1 2026-01-20 12:34:56.789+00 scheduled'], 'on issue, gone by: at once');
SELECT results_eq($$SELECT pg_temp.moments('on_issue', at => '2026-01-20 12:34+00', sent => true)$$,
    ARRAY['1 2026-01-10 14:00:00+00 skipped already sent'], 'on issue, sent already');
SELECT results_eq($$SELECT pg_temp.moments('on_issue', sent => true)$$,
    ARRAY['1 2026-01-10 14:00:00+00 skipped already sent'], 'on issue to come, sent already');
SELECT results_eq($$SELECT pg_temp.moments('on_issue', sent => NULL)$$,
    ARRAY['1 2026-01-10 14:00:00+00 scheduled'], 'not known whether sent: not sent');
SELECT results_eq($$SELECT pg_temp.moments('after_issue', 5)$$,
    ARRAY['1 2026-01-15 14:00:00+00 scheduled'], 'after issue');
SELECT results_eq($$SELECT pg_temp.moments('after_issue', 0)$$,
    ARRAY['1 2026-01-10 14:00:00+00 scheduled'], '0 days after issue');
SELECT results_eq($$SELECT pg_temp.moments('before_due', 7, hour => 23)$$,
    ARRAY['1 2026-02-03 04:00:00+00 scheduled'], 'before due');
SELECT results_eq($$SELECT pg_temp.moments('before_due', 31)$$,
    ARRAY['1 2026-01-09 14:00:00+00 skipped before invoice date'], 'before the invoice date');
SELECT results_eq($$SELECT pg_temp.moments('after_due', 60)$$,
    ARRAY['1 2026-04-10 13:00:00+00 scheduled'], 'after due, in summer time');
SELECT results_eq($$SELECT pg_temp.moments('after_due', 1, at => '2026-02-10 14:00+00')$$,
    ARRAY['1 2026-02-10 14:00:00+00 scheduled'], 'just now is not past');
SELECT results_eq($$SELECT pg_temp.moments('after_due', 1, at => '2026-02-10 14:00:00.000001+00')$$,
    ARRAY['1 2026-02-10 14:00:00+00 skipped past'], 'a microsecond ago is');
SELECT results_eq($$SELECT pg_temp.moments('on_date', on_date => '2026-03-08', hour => 2)$$,
    ARRAY['1 2026-03-08 07:00:00+00 scheduled'], 'on a date, at an hour that does not come');
SELECT results_eq($$SELECT pg_temp.moments('on_date', on_date => '2026-11-01', hour => 1)$$,
    ARRAY['1 2026-11-01 05:00:00+00 scheduled'], 'at an hour that comes twice');
SELECT results_eq($$SELECT pg_temp.moments('repeat', 14, repeats => 3, at => '2026-03-01 00:00+00')$$,
    ARRAY['1 2026-02-23 14:00:00+00 skipped past',
          '2 2026-03-09 13:00:00+00 scheduled',
          '3 2026-03-23 13:00:00+00 scheduled'], 'repeating');
SELECT results_eq($$SELECT count(*) FROM pg_temp.moments('repeat', 3650, repeats => 1000)$$,
    ARRAY[1000::bigint], 'for ten thousand years');
SELECT results_eq($$SELECT pg_temp.moments('on_issue', due => NULL)$$,
    ARRAY['1 2026-01-10 14:00:00+00 scheduled'], 'the due date is not needed on issue');
SELECT results_eq(
    $$SELECT pg_temp.moments('on_date', on_date => '2011-12-30', time_zone => 'Pacific/Apia',
        issued => '2011-12-01', at => '2011-12-01 00:00+00')$$,
    ARRAY['1 2011-12-30 19:00:00+00 scheduled'], 'a date that Samoa never had: the next, same hour');
SELECT is(pg_typeof(due_at)::text, 'timestamp with time zone', 'the type of the moment')
FROM ar_inbox_internal.step_moments('on_issue', NULL, NULL, 9, NULL, '2026-01-10', NULL,
    'Europe/Berlin', '2026-01-01 00:00+00', false);

-- wrong arguments
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments(NULL)$$), '22023 trigger is missing', 'no trigger');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('someday')$$), '22023 unknown trigger "someday"', 'unknown trigger');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments(E'on\nissue')$$), '22023 unknown trigger "on\x0aissue"', 'unknown trigger of two lines');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', hour => 24)$$), '22023 hour 24 is outside 0 to 23', 'hour 24');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', hour => -1)$$), '22023 hour -1 is outside 0 to 23', 'hour -1');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', hour => NULL)$$), '22023 hour is missing', 'no hour');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('after_issue')$$), '22023 days is missing', 'no days');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('after_due', -1)$$), '22023 days -1 is outside 0 to 3650', 'negative days');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('before_due', 2147483647)$$), '22023 days 2147483647 is outside 0 to 3650', 'too many days');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_date')$$), '22023 on_date is missing', 'no date');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_date', on_date => 'infinity')$$), '22023 on_date infinity is out of range', 'an infinite date');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('repeat', 7)$$), '22023 repeats is missing', 'no repeats');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('repeat', 7, repeats => 0)$$), '22023 repeats 0 is outside 1 to 1000', 'no repeat at all');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('repeat', 0, repeats => 2)$$), '22023 days 0 is outside 1 to 3650', 'repeats on one day');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', issued => NULL)$$), '22023 issue_date is missing', 'no issue date');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', issued => '-infinity')$$), '22023 issue_date -infinity is out of range', 'an infinite issue date');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('before_due', 7, due => NULL)$$), '22023 due_date is missing', 'no due date');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', time_zone => 'Europe/Berln')$$), '22023 unknown time zone "Europe/Berln"', 'unknown time zone');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', time_zone => NULL)$$), '22023 time_zone is missing', 'no time zone');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', at => NULL)$$), '22023 at is missing', 'no moment');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('on_issue', at => 'infinity')$$), '22023 at must not be infinity', 'an infinite moment');
SELECT is(pg_temp.refusal($$SELECT pg_temp.moments('after_due', 3650, due => date '2000-01-01' + 106750000)$$),
    '22023 the step''s date is out of range: 3650 days from the invoice''s date', 'beyond the calendar');

-- days off: the 19th is a Monday
CREATE FUNCTION pg_temp.on_days(policy text, working integer[] DEFAULT NULL, off date[] DEFAULT NULL,
    day date DEFAULT '2026-01-17', at timestamptz DEFAULT '2026-01-01 00:00+00')
RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', due_at, state, reason)
    FROM ar_inbox_internal.step_moments('on_date', NULL, day, 9, NULL, '2026-01-10', NULL, 'America/New_York', at,
        false, policy, working, off)
$$;
SELECT is(pg_temp.on_days('send_anyway'), '2026-01-17 14:00:00+00 scheduled', 'on a Saturday, anyway');
SELECT is(pg_temp.on_days('next'), '2026-01-19 14:00:00+00 scheduled', 'next: Monday');
SELECT is(pg_temp.on_days('previous'), '2026-01-16 14:00:00+00 scheduled', 'previous: Friday');
SELECT is(pg_temp.on_days('next', off => '{2026-01-20,2026-01-19}'), '2026-01-21 14:00:00+00 scheduled', 'holidays, in whatever order');
SELECT is(pg_temp.on_days('next', '{6,2}'), '2026-01-17 14:00:00+00 scheduled', 'Saturday is worked on');
SELECT is(pg_temp.on_days('next', '{2,2}'), '2026-01-20 14:00:00+00 scheduled', 'only Tuesday is');
SELECT is(pg_temp.on_days('next', '{}'), '2026-01-17 14:00:00+00 scheduled', 'no day is: sent anyway');
SELECT is(pg_temp.on_days('next', off => '{}'), '2026-01-19 14:00:00+00 scheduled', 'no holidays');
SELECT is(pg_temp.on_days('previous', at => '2026-01-17 00:00+00'), '2026-01-19 14:00:00+00 scheduled', 'previous, but that is past: the next');
SELECT is(pg_temp.on_days('next', day => '2026-01-10', at => '2026-01-12 15:00+00'), '2026-01-12 14:00:00+00 skipped past', 'past is judged where it moved to');
SELECT is(pg_temp.on_days('send_anyway', '{9}', '{NULL}'), '2026-01-17 14:00:00+00 scheduled', 'sent anyway: nobody asks when');
SELECT results_eq($$SELECT concat_ws(' ', repeat_number, due_at, state) FROM ar_inbox_internal.step_moments('repeat', 1, NULL, 9, 3,
        '2026-01-10', '2026-01-15', 'UTC', '2026-01-01 00:00+00', false, 'next', holidays => '{2026-01-19}')$$,
    ARRAY['1 2026-01-16 09:00:00+00 scheduled', '2 2026-01-20 09:00:00+00 scheduled', '3 2026-01-20 09:00:00+00 scheduled'],
    'each repeat for itself');
-- what is kept from call to call: zones, holidays and policies that take turns
SELECT is_empty($$
    WITH given AS MATERIALIZED (
        SELECT n, date '2026-01-01' + n % 40 AS day, (ARRAY['send_anyway', 'next', 'previous'])[n % 3 + 1] AS policy,
            (ARRAY['UTC', 'America/New_York', 'Asia/Kathmandu'])[n % 5 % 3 + 1] AS zone,
            CASE n % 4 WHEN 1 THEN '{}'::date[] WHEN 2 THEN ARRAY[date '2026-01-19', '2026-01-20', '2026-01-21']
                WHEN 3 THEN ARRAY[date '2026-01-20', '2026-01-21', '2026-01-22'] END AS off,
            CASE n % 7 WHEN 0 THEN '{1,2,3,4,5,6}'::integer[] END AS working
        FROM generate_series(1, 500) n)
    SELECT g.n, m.due_at, w.day
    FROM given g
    CROSS JOIN LATERAL (SELECT max(d.d::date) AS before FROM generate_series(g.day - 20, g.day, '1 day') d (d)
        WHERE extract(isodow FROM d.d) = ANY (coalesce(g.working, '{1,2,3,4,5}')) AND NOT d.d::date = ANY (coalesce(g.off, '{}'))) b
    CROSS JOIN LATERAL (SELECT min(d.d::date) AS after FROM generate_series(g.day, g.day + 20, '1 day') d (d)
        WHERE extract(isodow FROM d.d) = ANY (coalesce(g.working, '{1,2,3,4,5}')) AND NOT d.d::date = ANY (coalesce(g.off, '{}'))) a
    CROSS JOIN LATERAL (SELECT CASE g.policy WHEN 'next' THEN a.after WHEN 'previous' THEN b.before ELSE g.day END AS day) w
    CROSS JOIN LATERAL ar_inbox_internal.step_moments('on_date', NULL, g.day, 9, NULL, '2025-01-01', NULL, g.zone,
        '2025-01-01 00:00+00', false, g.policy, g.working, g.off) m
    WHERE m.due_at <> (w.day + time '09:00') AT TIME ZONE g.zone$$, 'each call by its own arguments');
SELECT results_eq($$SELECT (m).repeat_number, (m).state FROM (
        SELECT ar_inbox_internal.step_moments(t, 1, NULL, 9, r, '2026-01-10', '2026-02-09', 'UTC', '2026-01-01 00:00+00', false) AS m
        FROM (VALUES ('after_due', NULL), ('repeat', 2), ('on_issue', NULL), ('repeat', 1)) s (t, r) OFFSET 0) x$$,
    $$VALUES (1, 'scheduled'), (1, 'scheduled'), (2, 'scheduled'), (1, 'scheduled'), (1, 'scheduled')$$,
    'in the select list, one moment and several');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days(NULL)$$), '22023 day_policy is missing', 'no policy');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days('whenever it suits everybody')$$), '22023 unknown day_policy "whenever it suits everybody"', 'unknown policy');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days('next', '{0}')$$), '22023 working day 0 is outside 1 to 7', 'day 0');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days('next', '{1,8}')$$), '22023 working day 8 is outside 1 to 7', 'day 8');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days('next', '{1,NULL}')$$), '22023 working_days is no list of weekdays', 'no day');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days('next', '{{1},{2}}')$$), '22023 working_days is no list of weekdays', 'a table of days');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days('next', off => '{NULL}')$$), '22023 holidays is no list of days', 'a holiday that is none');
SELECT is(pg_temp.refusal($$SELECT pg_temp.on_days('next', off => '{{2026-01-01}}')$$), '22023 holidays is no list of days', 'a table of them');

-- The server's own time zones agree: each hour of the days around the changes
-- of one year is shown by AT TIME ZONE as asked, or comes as soon as it can.
CREATE FUNCTION pg_temp.off_the_hour(zone text, first date, last date)
RETURNS TABLE (wanted timestamp, got timestamp) LANGUAGE sql AS $$
    SELECT d::date + make_interval(hours => h), m.due_at AT TIME ZONE zone
    FROM generate_series(first, last, '1 day') AS d, generate_series(0, 23) AS h,
        LATERAL ar_inbox_internal.step_moments('on_date', NULL, d::date, h, NULL, first, NULL,
            zone, '4000-01-01 00:00+00 BC', false) AS m
    WHERE m.due_at AT TIME ZONE zone <> d::date + make_interval(hours => h)
$$;
SELECT is_empty($$SELECT * FROM pg_temp.off_the_hour('UTC', '2026-01-01', '2026-12-31')$$, 'UTC has every hour');
SELECT is_empty($$SELECT * FROM pg_temp.off_the_hour('Asia/Kathmandu', '2026-01-01', '2026-12-31')$$, 'so has Nepal');
SELECT results_eq($$SELECT * FROM pg_temp.off_the_hour('Europe/Berlin', '2026-01-01', '2026-12-31')$$,
    $$VALUES (timestamp '2026-03-29 02:00', timestamp '2026-03-29 03:00')$$, 'Germany lacks one');
SELECT results_eq($$SELECT * FROM pg_temp.off_the_hour('Australia/Lord_Howe', '2026-01-01', '2026-12-31')$$,
    $$VALUES (timestamp '2026-10-04 02:00', timestamp '2026-10-04 02:30')$$, 'Lord Howe Island half of one');
SELECT results_eq($$SELECT count(*), min(got - wanted), max(got - wanted)
        FROM pg_temp.off_the_hour('Pacific/Apia', '2011-12-01', '2011-12-31')$$,
    $$VALUES (24::bigint, interval '1 day', interval '1 day')$$, 'Samoa a whole day');
SELECT is_empty($$SELECT * FROM pg_temp.off_the_hour('America/New_York', '9999-01-01', '9999-03-01')$$, 'far in the future');
SELECT is_empty($$SELECT * FROM pg_temp.off_the_hour('Europe/Amsterdam', '1900-01-01', '1900-02-01')$$, 'long ago, when clocks went by the sun');

-- time zones
SELECT ok(ar_inbox_internal.is_time_zone('Europe/Berlin'), 'is_time_zone');
SELECT ok(ar_inbox_internal.is_time_zone('europe/berlin'), 'in lower case');
SELECT ok(ar_inbox_internal.is_time_zone('UTC'), 'UTC');
SELECT ok(ar_inbox_internal.is_time_zone('Etc/GMT+5') AND ar_inbox_internal.is_time_zone('EST5EDT'), 'names with digits');
SELECT is_empty($$SELECT z FROM unnest(ARRAY['', 'Berlin', 'Europe/Berln', 'UTC+2', 'foo5', '<x>3',
    'CET-1CEST,M3.5.0/2,M10.5.0/3', '../../etc/passwd', repeat('x', 1000)]) AS z
    WHERE ar_inbox_internal.is_time_zone(z)$$, 'what is no name of a time zone');
SELECT is(ar_inbox_internal.is_time_zone(NULL), NULL, 'NULL is not known');

-- who may call
SELECT ok(has_function_privilege('ar_inbox_staff', oid, 'execute')
        AND has_function_privilege('ar_inbox_worker', oid, 'execute')
        -- constraints ask these two in the name of whoever restores a dump
        AND has_function_privilege('public', oid, 'execute') = (proname <> 'step_moments'),
    proname || ' is for those who need it')
FROM pg_proc
WHERE pronamespace = 'ar_inbox_internal'::regnamespace
    AND proname IN ('step_moments', 'is_time_zone', 'currency_digits')
ORDER BY proname;

-- currencies
SELECT is(ar_inbox_internal.currency_digits('EUR'), 2, 'the euro has cents');
SELECT is(ar_inbox_internal.currency_digits('JPY'), 0, 'the yen has none');
SELECT is(ar_inbox_internal.currency_digits('KWD'), 3, 'the dinar has fils');
SELECT is(ar_inbox_internal.currency_digits('CLF'), 4, 'the unidad de fomento has four places');
SELECT is_empty($$SELECT c FROM unnest(ARRAY['eur', 'EURO', '', 'XAU', 'DEM', 'EUR ']) AS c
    WHERE ar_inbox_internal.currency_digits(c) IS NOT NULL$$, 'what is no currency');

SELECT finish();
ROLLBACK;
