\set ECHO none
-- A company's working week and holidays, what is read of iCalendar files, and
-- where steps go.
\i test/lib/pgtap.sql
SELECT plan(59);

CREATE FUNCTION pg_temp.company() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT id FROM ar_inbox.companies WHERE name = 'Acme');
END
$$;
-- a refusal without the company's number, which differs from run to run
CREATE FUNCTION pg_temp.refused(call text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(pg_temp.refusal(format('SELECT ar_inbox.' || call, pg_temp.company())), 'company ' || pg_temp.company(), 'company N')
$$;
DO $$
BEGIN
    PERFORM ar_inbox.create_company('Acme', 'Europe/Berlin', 'EUR'), ar_inbox.create_company('Other', 'Europe/Berlin', 'EUR');
END
$$;

-- the working week
SELECT is(c.working_days::text || ' ' || c.working_day_policy, '{1,2,3,4,5} send_anyway', 'Monday to Friday, and nothing moves')
FROM ar_inbox.companies c WHERE id = pg_temp.company();
SELECT is(ar_inbox.set_working_days(pg_temp.company(), '{6,1,2,3,3}', 'next'), 0, 'no step to move yet');
SELECT is(c.working_days::text || ' ' || c.working_day_policy, '{1,2,3,6} next', 'in order, each day once')
FROM ar_inbox.companies c WHERE id = pg_temp.company();
SELECT is(ar_inbox.set_working_days(pg_temp.company(), '{1,2,3,4,5}', NULL), 0, 'the week alone');
SELECT is(c.working_days::text || ' ' || c.working_day_policy, '{1,2,3,4,5} next', 'the policy stays')
FROM ar_inbox.companies c WHERE id = pg_temp.company();
SELECT is(ar_inbox.set_working_days(pg_temp.company(), NULL, 'send_anyway'), 0, 'the policy alone');
SELECT is(c.working_days::text || ' ' || c.working_day_policy, '{1,2,3,4,5} send_anyway', 'the week stays')
FROM ar_inbox.companies c WHERE id = pg_temp.company();
SELECT is(ar_inbox.set_working_days(pg_temp.company(), NULL, NULL), 0, 'nothing');
SELECT is(count(*), 3::bigint, 'each change is written down, and only changes')
FROM ar_inbox.events WHERE company_id = pg_temp.company() AND action = 'working days changed';
SELECT results_eq($$SELECT before::text || after FROM ar_inbox.events WHERE company_id = pg_temp.company() AND action = 'working days changed' ORDER BY id OFFSET 1 LIMIT 1$$,
    ARRAY['{"working_days": [1, 2, 3, 6], "working_day_policy": "next"}{"working_days": [1, 2, 3, 4, 5], "working_day_policy": "next"}'], 'with what it was');
SELECT is(pg_temp.refused($$set_working_days(%s, '{}', 'next')$$), '22023 days {} cannot be a working week', 'no day');
SELECT is(pg_temp.refused($$set_working_days(%s, '{0,1}', 'next')$$), '22023 days {0,1} cannot be a working week', 'day 0');
SELECT is(pg_temp.refused($$set_working_days(%s, '{8}', 'next')$$), '22023 days {8} cannot be a working week', 'day 8');
SELECT is(pg_temp.refused($$set_working_days(%s, '{1,NULL}', 'next')$$), '22023 days {1,NULL} cannot be a working week', 'day NULL');
SELECT is(pg_temp.refused($$set_working_days(%s, '{1}', 'Next')$$), '22023 policy ''Next'' is not known', 'an unknown policy');
SELECT throws_ok($$UPDATE ar_inbox.companies SET working_days = $$ || quote_literal(days), '23514', NULL, 'nor does the table take ' || days)
FROM unnest(ARRAY['{}', '{1,1}', '{8}', '{1,NULL}', '{{1,2}}']) days;

-- holidays by hand
SELECT lives_ok(format($$SELECT ar_inbox.add_holiday(%s, '2030-12-24', ' Christmas Eve ')$$, pg_temp.company()), 'a holiday');
SELECT lives_ok(format($$SELECT ar_inbox.add_holiday(%s, '2030-12-31')$$, pg_temp.company()), 'one without a name');
SELECT is(pg_temp.refused($$add_holiday(%s, '2030-12-24')$$), '23505 2030-12-24 is a holiday of company N already', 'twice');
SELECT is(pg_temp.refused($$add_holiday(%s, NULL)$$), '22023 day NULL cannot be a holiday', 'no day');
SELECT is(pg_temp.refused($$add_holiday(%s, 'infinity')$$), '22023 day infinity cannot be a holiday', 'not a day');
SELECT is(pg_temp.refused($$add_holiday(%s, '2030-12-25', ' ')$$), '22023 name is empty', 'a name of blanks');
SELECT is(pg_temp.refused($$remove_holiday(%s, '2030-12-25')$$), 'IB001 2030-12-25 is no holiday of company N', 'what is no holiday is not taken away');
SELECT lives_ok(format($$SELECT ar_inbox.remove_holiday(%s, '2030-12-31')$$, pg_temp.company()), 'one that is');
SELECT results_eq($$SELECT day || ' ' || name || ' ' || source FROM ar_inbox.holidays WHERE company_id = pg_temp.company()$$,
    ARRAY['2030-12-24 Christmas Eve member'], 'what is left');
SELECT results_eq($$SELECT action || ' ' || after FROM ar_inbox.events WHERE company_id = pg_temp.company() AND action ~ 'holiday' ORDER BY id$$,
    ARRAY['holiday added {"day": "2030-12-24", "name": "Christmas Eve"}', 'holiday added {"day": "2030-12-31", "name": null}',
        'holiday removed {"day": "2030-12-31", "name": null}'], 'what happened');
SELECT lives_ok(format($$SELECT ar_inbox.remove_holiday(%s, '2030-12-24')$$, pg_temp.company()), 'all gone');

-- Holidays from files.  The days are of this year and next, whatever year it is.
CREATE TEMP TABLE years AS SELECT extract(year FROM now() AT TIME ZONE 'Europe/Berlin')::integer AS y;
CREATE TEMP TABLE files AS SELECT 'germany' AS name, replace(replace(replace($ics$BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example GmbH//Feiertage//DE
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:Feiertage in Deutschland
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:neujahr@example.com
DTSTAMP:20250101T000000Z
SUMMARY;LANGUAGE=de:Neujahr
DTSTART;VALUE=DATE:{next}0101
DTEND;VALUE=DATE:{next}0102
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
UID:arbeit@example.com
SUMMARY:Tag der Arbeit
DTSTART;VALUE=DATE:19330501
RRULE:FREQ=YEARLY;UNTIL={next}1231
END:VEVENT
BEGIN:VEVENT
UID:weihnachten@example.com
SUMMARY:Weihnachten\, beide Feier
 tage
DTSTART;VALUE=DATE:{this}1225
DURATION:P2D
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-P1W
DESCRIPTION:Geschenke\; nicht vergessen
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:fest@example.com
SUMMARY:Betriebsfest
DTSTART;TZID=Europe/Berlin:{this}0708T140000
DTEND;TZID=Europe/Berlin:{this}0708T220000
END:VEVENT
BEGIN:VEVENT
UID:ausflug@example.com
SUMMARY:Ausflug
STATUS:CANCELLED
DTSTART;VALUE=DATE:{this}0910
END:VEVENT
END:VCALENDAR
$ics$, '{this}', y::text), '{next}', (y + 1)::text), E'\n', E'\r\n') AS ics FROM years;
INSERT INTO files SELECT 'usa', replace($ics$BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example Inc.//Federal holidays//EN
BEGIN:VEVENT
UID:memorial@example.com
SUMMARY:Memorial Day
DTSTART;VALUE=DATE:19710531
RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO
END:VEVENT
BEGIN:VEVENT
UID:thanksgiving@example.com
SUMMARY:Thanksgiving
DTSTART;VALUE=DATE:19421126
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH
END:VEVENT
BEGIN:VEVENT
UID:may@example.com
SUMMARY:May Day
DTSTART;VALUE=DATE:{this}0501
END:VEVENT
END:VCALENDAR
$ics$, '{this}', y::text) FROM years;
CREATE FUNCTION pg_temp.import(file text) RETURNS integer LANGUAGE sql AS $$
    SELECT ar_inbox.import_holidays(pg_temp.company(), ics) FROM pg_temp.files WHERE name = file
$$;
SELECT is(pg_temp.import('germany'),
    -- 1 May of last year, too, is within a year from today until 1 May
    6 + (SELECT (make_date(y - 1, 5, 1) >= (now() AT TIME ZONE 'Europe/Berlin')::date - interval '1 year')::integer FROM years), 'a file of Germany');
SELECT results_eq($$SELECT replace(replace(day::text, y::text, 'this'), (y + 1)::text, 'next') || ' ' || name || ' ' || source
        FROM ar_inbox.holidays, years WHERE company_id = pg_temp.company() AND extract(year FROM day) >= y ORDER BY day$$,
    ARRAY['this-05-01 Tag der Arbeit calendar', 'this-07-08 Betriebsfest calendar', 'this-12-25 Weihnachten, beide Feiertage calendar',
        'this-12-26 Weihnachten, beide Feiertage calendar', 'next-01-01 Neujahr calendar', 'next-05-01 Tag der Arbeit calendar'], 'its days');
SELECT is(pg_temp.import('germany'), 0, 'the same again adds none');
SELECT is(pg_temp.import('usa'),
    (SELECT count(*)::integer FROM years, generate_series(y - 1, y + 5) n,
        LATERAL (VALUES ('monday', make_date(n, 6, 1) - 1 - (extract(isodow FROM make_date(n, 6, 1) - 1)::integer + 6) % 7),
            ('thursday', make_date(n, 11, 1) + (11 - extract(isodow FROM make_date(n, 11, 1))::integer) % 7 + 21)) d (which, day)
     WHERE day BETWEEN (now() AT TIME ZONE 'Europe/Berlin')::date - interval '1 year' AND (now() AT TIME ZONE 'Europe/Berlin')::date + interval '5 years'),
    'one of the United States: Mondays and Thursdays of six years, and no 1 May twice');
SELECT is_empty($$SELECT day FROM ar_inbox.holidays WHERE name = 'Memorial Day' AND company_id = pg_temp.company()
        AND (extract(isodow FROM day) <> 1 OR extract(month FROM day) <> 5 OR extract(month FROM day + 7) <> 6)$$, 'the last Mondays of May');
SELECT is_empty($$SELECT day FROM ar_inbox.holidays WHERE name = 'Thanksgiving' AND company_id = pg_temp.company()
        AND (extract(isodow FROM day) <> 4 OR extract(day FROM day) NOT BETWEEN 22 AND 28)$$, 'the fourth Thursdays of November');
SELECT is((SELECT name FROM ar_inbox.holidays WHERE company_id = pg_temp.company() AND day = make_date(y, 5, 1)), 'Tag der Arbeit', 'a day that was there keeps its name')
FROM years;
SELECT is_empty($$SELECT 1 FROM ar_inbox.holidays WHERE company_id <> pg_temp.company()$$, 'the other company has none of them');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE action = 'holidays imported'), 2::bigint, 'two imports are written down');

-- files that are none
SELECT is(pg_temp.refused('import_holidays(%s, NULL)'), '22023 ics is NULL', 'no file');
SELECT is(pg_temp.refused($$import_holidays(%s, '<!doctype html>')$$), '22023 the calendar cannot be read: line 1: this is no iCalendar: BEGIN:VCALENDAR is missing', 'a page');
SELECT is(pg_temp.refused($$import_holidays(%s, E'BEGIN:VCALENDAR\nEND:VCALENDAR')$$), '22023 the calendar cannot be read: it has no events', 'no events');
SELECT is(pg_temp.refused($$import_holidays(%s, E'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:2026-01-01\nEND:VEVENT\nEND:VCALENDAR')$$),
    '22023 the calendar cannot be read: line 3: DTSTART is no date', 'a date that is none');
SELECT is(pg_temp.refused($$import_holidays(%s, E'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\nRRULE:FREQ=SECONDLY\nEND:VEVENT\nEND:VCALENDAR')$$),
    '22023 the calendar cannot be read: line 4: FREQ of the RRULE is not YEARLY, MONTHLY, WEEKLY or DAILY', 'every second');
SELECT is(pg_temp.refused($$import_holidays(%s, repeat('x', 1048577))$$), '22023 the calendar cannot be read: it has 1048577 bytes, more than 1048576', 'too large');
SELECT is(pg_temp.refused($$import_holidays(%s, repeat(E'BEGIN:VCALENDAR\n', 60000))$$), '22023 the calendar cannot be read: line 9: components lie more than 8 deep', 'too deep');

-- Steps.  Invoices of 2040, in which 24 December is a Monday.
DELETE FROM ar_inbox.holidays;
CREATE FUNCTION pg_temp.due(invoice_number text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT trim(to_char(s.due_at AT TIME ZONE 'Europe/Berlin', 'Dy MM-DD HH24:MI')) || CASE WHEN s.state <> 'scheduled' THEN ' ' || s.state || ' ' || s.reason ELSE '' END
    FROM ar_inbox.chasing_steps s JOIN ar_inbox.invoices i ON i.id = s.invoice_id AND i.company_id = s.company_id
    WHERE i.number = invoice_number AND s.schedule_number = i.schedule_number ORDER BY s.step_number, s.repeat_number
$$;
DO $$
DECLARE
    customer bigint := ar_inbox.create_customer(pg_temp.company(), 'Customer', email => 'ap@example.com');
    invoice bigint;
    n text;
BEGIN
    FOREACH n IN ARRAY ARRAY['A', 'B', 'DRAFT'] LOOP
        invoice := ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]', '2040-12-01', '2040-12-20', n);
        PERFORM ar_inbox.chase_invoice(invoice, '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]},
            {"trigger": "on_date", "date": "2040-12-02", "hour": 9, "channels": ["email"]},
            {"trigger": "before_due", "days": 2, "hour": 8, "channels": ["email"]},
            {"trigger": "after_due", "days": 2, "hour": 9, "channels": ["email"]},
            {"trigger": "repeat", "days": 5, "repeats": 2, "hour": 18, "channels": ["email"]}]');
        IF n <> 'DRAFT' THEN
            PERFORM ar_inbox.issue_invoice(invoice);
        END IF;
    END LOOP;
END
$$;
SELECT results_eq($$SELECT pg_temp.due('A')$$, ARRAY['Sat 12-01 09:00', 'Sun 12-02 09:00', 'Tue 12-18 08:00', 'Sat 12-22 09:00', 'Tue 12-25 18:00', 'Sun 12-30 18:00'], 'anyway');
SELECT is(ar_inbox.set_working_days(pg_temp.company(), NULL, 'next'), 8, 'next: four steps of each of two invoices move');
SELECT results_eq($$SELECT pg_temp.due('A')$$, ARRAY['Mon 12-03 09:00', 'Mon 12-03 09:00', 'Tue 12-18 08:00', 'Mon 12-24 09:00', 'Tue 12-25 18:00', 'Mon 12-31 18:00'], 'to Monday, at their hour');
DO $$
BEGIN
    PERFORM ar_inbox.add_holiday(pg_temp.company(), '2040-12-24', 'Heiligabend');
    PERFORM ar_inbox.add_holiday(pg_temp.company(), '2040-12-25', 'Weihnachten');
END
$$;
SELECT results_eq($$SELECT pg_temp.due('B')$$, ARRAY['Mon 12-03 09:00', 'Mon 12-03 09:00', 'Tue 12-18 08:00', 'Wed 12-26 09:00', 'Wed 12-26 18:00', 'Mon 12-31 18:00'], 'holidays move them on');
SELECT is(ar_inbox.set_working_days(pg_temp.company(), NULL, 'previous'), 6, 'previous: three of each');
SELECT results_eq($$SELECT pg_temp.due('A')$$, ARRAY['Mon 12-03 09:00', 'Mon 12-03 09:00', 'Tue 12-18 08:00', 'Fri 12-21 09:00', 'Fri 12-21 18:00', 'Fri 12-28 18:00'],
    'to Friday, but not before the invoice date, and the one on issue not back at all');
SELECT results_eq($$SELECT pg_temp.due('DRAFT')$$, ARRAY[NULL, NULL, NULL, NULL, NULL, NULL]::text[], 'a draft has no moments');
-- what is set from now on
DO $$
BEGIN
    PERFORM ar_inbox.issue_invoice(id) FROM ar_inbox.invoices WHERE number = 'DRAFT';
    PERFORM ar_inbox.change_invoice_dates(id, due_date => '2040-12-27') FROM ar_inbox.invoices WHERE number = 'B';
    PERFORM ar_inbox.remove_holiday(pg_temp.company(), '2040-12-24');
END
$$;
SELECT results_eq($$SELECT pg_temp.due('DRAFT')$$, ARRAY['Mon 12-03 09:00', 'Mon 12-03 09:00', 'Tue 12-18 08:00', 'Fri 12-21 09:00', 'Mon 12-24 18:00', 'Fri 12-28 18:00'],
    'one that is issued now; and a holiday that is none any more');
SELECT results_eq($$SELECT pg_temp.due('B')$$, ARRAY['Mon 12-03 09:00', 'Mon 12-03 09:00', 'Mon 12-24 08:00', 'Fri 12-28 09:00', 'Tue 01-01 18:00', 'Fri 01-04 18:00'],
    'one whose dates change');

-- As of Saturday the 22nd, a minute before the step of that day.
DO $$
BEGIN
    PERFORM ar_inbox.set_working_days(pg_temp.company(), NULL, 'send_anyway');
    -- what is over does not move, nor does what is due
    UPDATE ar_inbox.chasing_steps s SET state = 'cancelled', reason = 'by hand'
    FROM ar_inbox.invoices i WHERE i.id = s.invoice_id AND i.number = 'A' AND s.step_number = 5 AND s.repeat_number = 1;
    PERFORM ar_inbox.add_holiday(pg_temp.company(), '2040-12-31');
    UPDATE ar_inbox.companies SET working_day_policy = 'next' WHERE id = pg_temp.company();
    PERFORM ar_inbox_internal.move_steps(pg_temp.company(), '2040-12-22 07:59Z');
END
$$;
SELECT results_eq($$SELECT pg_temp.due('A')$$, ARRAY['Sat 12-01 09:00', 'Sun 12-02 09:00', 'Tue 12-18 08:00', 'Mon 12-24 09:00', 'Tue 12-25 18:00 cancelled by hand', 'Tue 01-01 18:00'],
    'what is due stays, what is over too');
DO $$
BEGIN
    UPDATE ar_inbox.companies SET working_day_policy = 'previous' WHERE id = pg_temp.company();
    PERFORM ar_inbox_internal.move_steps(pg_temp.company(), '2040-12-22 07:59Z');
END
$$;
SELECT results_eq($$SELECT pg_temp.due('A') OFFSET 3 LIMIT 1$$, ARRAY['Mon 12-24 09:00'], 'previous would be past: the next');
DO $$
BEGIN
    UPDATE ar_inbox.companies SET working_day_policy = 'send_anyway' WHERE id = pg_temp.company();
    PERFORM ar_inbox_internal.move_steps(pg_temp.company(), '2040-12-23 12:00Z');
END
$$;
SELECT results_eq($$SELECT pg_temp.due('A') OFFSET 3 LIMIT 1$$, ARRAY['Mon 12-24 09:00'], 'its own day would be past: it stays');

SELECT finish();
ROLLBACK;
