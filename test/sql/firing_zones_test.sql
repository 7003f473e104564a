\set ECHO none
-- Firing by the clocks of the company: both changes of daylight saving, zones
-- of half and quarter hours, a midnight and a day that do not exist.  Each step
-- fires at its moment, not a second before it, and once.
\i test/lib/pgtap.sql
SELECT plan(26);

-- Fires a step of a day and an hour in a zone at each quarter of an hour from
-- the day before to two days after, and a second before each: at which moments
-- it fired, and what the schedule and the preview had said.
CREATE FUNCTION pg_temp.fires(zone text, day date, hour integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    company  bigint := ar_inbox.create_company(zone || ' ' || day || ' ' || hour, zone);
    customer bigint := ar_inbox.create_customer(company, 'Client', email => 'pay@client.example');
    invoice  bigint;
    moment   timestamptz := (day::timestamp AT TIME ZONE 'UTC') - interval '26 hours';
    planned  timestamptz;
    seen     text;
    fired    timestamptz[] := '{}';
BEGIN
    PERFORM ar_inbox.set_mail_account(company, ('billing@' || company || '.example')::ar_inbox.email_address, 'smtp://mail.example.com');
    invoice := ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]', day - 30, day - 10);
    PERFORM ar_inbox.issue_invoice(invoice);
    PERFORM ar_inbox.chase_invoice(invoice, jsonb_build_array(jsonb_build_object('trigger', 'on_date', 'date', day, 'hour', hour, 'channels', '["email"]'::jsonb)),
        at => (day - 20)::timestamp AT TIME ZONE 'UTC');
    SELECT s.due_at INTO planned FROM ar_inbox.chasing_schedule(invoice) s;
    SELECT string_agg(p.due_at || ' ' || p.outcome, ', ') INTO seen
    FROM ar_inbox.preview(company, moment, moment + interval '4 days', moment) p;
    FOR n IN 0 .. 4 * 76 LOOP
        IF EXISTS (SELECT FROM ar_inbox_internal.fire_due(company, moment - interval '1 second', 10)) THEN
            fired := fired || (moment - interval '1 second');
        END IF;
        IF EXISTS (SELECT FROM ar_inbox_internal.fire_due(company, moment, 10)) THEN
            fired := fired || moment;
        END IF;
        moment := moment + interval '15 minutes';
    END LOOP;
    RETURN (SELECT string_agg(to_char(f AT TIME ZONE zone, 'MM-DD HH24:MI:SS') || ' = ' || to_char(f, 'MM-DD HH24:MI:SS'), ', ') FROM unnest(fired) f)
        || CASE WHEN planned = fired[1] THEN '' ELSE ', scheduled for ' || planned END
        -- (of the past a preview knows only what was written down then)
        || CASE WHEN seen = planned || ' send' OR day < now() THEN '' ELSE ', previewed as ' || coalesce(seen, 'nothing') END;
END
$$;

-- where an hour is left out: the next that there is
SELECT is(pg_temp.fires('America/New_York', '2031-03-08', 2), '03-08 02:00:00 = 03-08 07:00:00', 'New York, the day before spring');
SELECT is(pg_temp.fires('America/New_York', '2031-03-09', 1), '03-09 01:00:00 = 03-09 06:00:00', 'New York, the hour before the gap');
SELECT is(pg_temp.fires('America/New_York', '2031-03-09', 2), '03-09 03:00:00 = 03-09 07:00:00', 'New York, an hour that does not exist');
SELECT is(pg_temp.fires('America/New_York', '2031-03-09', 3), '03-09 03:00:00 = 03-09 07:00:00', 'New York, the hour after it');
SELECT is(pg_temp.fires('Europe/Berlin', '2031-03-30', 2), '03-30 03:00:00 = 03-30 01:00:00', 'Berlin, an hour that does not exist');
SELECT is(pg_temp.fires('America/Havana', '2031-03-09', 0), '03-09 01:00:00 = 03-09 05:00:00', 'Havana, a midnight that does not exist');
SELECT is(pg_temp.fires('Australia/Lord_Howe', '2031-10-05', 2), '10-05 02:30:00 = 10-04 15:30:00', 'Lord Howe, whose gap is half an hour');
SELECT is(pg_temp.fires('Pacific/Chatham', '2031-09-28', 3), '09-28 03:45:00 = 09-27 14:00:00', 'Chatham, whose gap begins at a quarter to');
SELECT is(pg_temp.fires('Pacific/Chatham', '2031-09-28', 2), '09-28 02:00:00 = 09-27 13:15:00', 'Chatham, the hour before it');
SELECT is(pg_temp.fires('Pacific/Apia', '2011-12-30', 9), '12-31 09:00:00 = 12-30 19:00:00', 'Apia, a day that does not exist: the same hour of the next');
SELECT is(pg_temp.fires('Pacific/Apia', '2011-12-31', 0), '12-31 00:00:00 = 12-30 10:00:00', 'Apia, the day after it');

-- where an hour comes twice: once, the first time
SELECT is(pg_temp.fires('America/New_York', '2031-11-02', 0), '11-02 00:00:00 = 11-02 04:00:00', 'New York, the hour before');
SELECT is(pg_temp.fires('America/New_York', '2031-11-02', 1), '11-02 01:00:00 = 11-02 05:00:00', 'New York, an hour that comes twice');
SELECT is(pg_temp.fires('America/New_York', '2031-11-02', 2), '11-02 02:00:00 = 11-02 07:00:00', 'New York, the hour after');
SELECT is(pg_temp.fires('Europe/Berlin', '2031-10-26', 2), '10-26 02:00:00 = 10-26 00:00:00', 'Berlin, an hour that comes twice');
SELECT is(pg_temp.fires('America/Havana', '2031-11-02', 0), '11-02 00:00:00 = 11-02 04:00:00', 'Havana, a midnight that comes twice');
SELECT is(pg_temp.fires('Australia/Lord_Howe', '2031-04-06', 1), '04-06 01:00:00 = 04-05 14:00:00', 'Lord Howe, half of an hour comes twice');
SELECT is(pg_temp.fires('Australia/Lord_Howe', '2031-04-06', 2), '04-06 02:00:00 = 04-05 15:30:00', 'Lord Howe, the hour after');
SELECT is(pg_temp.fires('Pacific/Chatham', '2031-04-06', 3), '04-06 03:00:00 = 04-05 13:15:00', 'Chatham, a part of an hour comes twice');

-- halves and quarters of hours
SELECT is(pg_temp.fires('Asia/Kolkata', '2031-06-01', 9), '06-01 09:00:00 = 06-01 03:30:00', 'Kolkata');
SELECT is(pg_temp.fires('Asia/Kathmandu', '2031-06-01', 0), '06-01 00:00:00 = 05-31 18:15:00', 'Kathmandu');
SELECT is(pg_temp.fires('Australia/Eucla', '2031-06-01', 23), '06-01 23:00:00 = 06-01 14:15:00', 'Eucla');
SELECT is(pg_temp.fires('America/St_Johns', '2031-06-01', 20), '06-01 20:00:00 = 06-01 22:30:00', 'St John''s');
SELECT is(pg_temp.fires('Pacific/Kiritimati', '2031-06-01', 0), '06-01 00:00:00 = 05-31 10:00:00', 'the first on Earth');
SELECT is(pg_temp.fires('Etc/GMT+12', '2031-06-01', 23), '06-01 23:00:00 = 06-02 11:00:00', 'the last');

SELECT is((SELECT count(*) FROM ar_inbox.deliveries d JOIN ar_inbox.companies c ON c.id = d.company_id WHERE c.name ~ ' 20[13]1-'),
    (SELECT count(*) FROM ar_inbox.companies c WHERE c.name ~ ' 20[13]1-'), 'each went out once');

SELECT * FROM finish();
ROLLBACK;
