\set ECHO none
-- Figures: what chasing did and brought in, promises, aging, days sales outstanding, holds in force.
-- Each figure below was worked out by hand.
\i test/lib/pgtap.sql
SELECT plan(143);

-- A company and its customer; what day it is there.
CREATE PROCEDURE pg_temp.found(company text, zone text DEFAULT 'America/New_York') LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(company, ar_inbox.create_company(initcap(company), zone));
    CALL pg_temp.keep(company || ' customer', ar_inbox.create_customer(pg_temp.id(company), 'Globex', email => 'ap@globex.example', phone => '+15550100',
        postal_address => '{"line1": "1 Main St", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US"}'));
    PERFORM ar_inbox.set_mail_account(pg_temp.id(company), format('billing@%s.example', company)::ar_inbox.email_address, 'smtp://mail.acme.example');
END
$$;
CREATE FUNCTION pg_temp.today(company text) RETURNS date LANGUAGE sql AS $$
    SELECT (now() AT TIME ZONE c.time_zone)::date FROM ar_inbox.companies c WHERE c.id = pg_temp.id(company)
$$;
-- An invoice, issued; it is paid by so much.
CREATE FUNCTION pg_temp.bill(company text, name text, amount numeric, issue date, due date, currency text DEFAULT 'USD', paid numeric DEFAULT 0)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(name, ar_inbox.create_invoice(pg_temp.id(company || ' customer'),
        jsonb_build_array(jsonb_build_object('description', 'Work', 'unit_price', amount)), issue, due, upper(name), currency));
    PERFORM ar_inbox.issue_invoice(pg_temp.id(name));
    IF paid > 0 THEN
        PERFORM ar_inbox.record_payment(pg_temp.id(name), paid, least(issue, pg_temp.today(company)));
    END IF;
    RETURN name;
END
$$;
-- How old what is open is: the buckets that have something in them.
CREATE FUNCTION pg_temp.aged(company text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', a.currency, a.bucket || ':', a.invoices, trim_scale(a.amount)) FROM ar_inbox.aging a
    WHERE a.company_id = pg_temp.id(company) AND a.invoices > 0 ORDER BY a.currency, a.days_to
$$;
CREATE FUNCTION pg_temp.aged(company text, on_day date) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', a.bucket || ':', a.invoices, trim_scale(a.amount)), ', ' ORDER BY a.currency, a.days_to), 'nothing')
    FROM ar_inbox.aging(pg_temp.id(company), on_day) a WHERE a.invoices > 0
$$;

-- ---- aging ----

CALL pg_temp.found('acme');
CALL pg_temp.found('empty');
-- each amount twice the one before, so that a sum tells what is in it
SELECT lives_ok(format('SELECT pg_temp.bill(''acme'', %L, %s, %L, %L)', 'a' || n, 2 ^ n, pg_temp.today('acme') - 500, pg_temp.today('acme') - days),
    format('one that is %s days past due', days))
FROM unnest(ARRAY[-5, 0, 1, 30, 31, 60, 61, 90, 91, 400]) WITH ORDINALITY u (days, n);
SELECT results_eq($$SELECT f FROM pg_temp.aged('acme') f$$,
    ARRAY['USD not due: 2 6', 'USD 1-30: 2 24', 'USD 31-60: 2 96', 'USD 61-90: 2 384', 'USD over 90: 2 1536'], 'each is in its bucket');
SELECT results_eq($$SELECT bucket, days_from, days_to FROM ar_inbox.aging WHERE company_id = pg_temp.id('acme') ORDER BY days_to$$,
    $$VALUES ('not due', NULL, 0), ('1-30', 1, 30), ('31-60', 31, 60), ('61-90', 61, 90), ('over 90', 91, NULL)$$, 'the buckets have their bounds');
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('a3'), 3)$$, 'a part of one is paid');
SELECT lives_ok($$SELECT ar_inbox.void_payment(ar_inbox.record_payment(pg_temp.id('a4'), 16))$$, 'another, but the cheque bounces');
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('a5'), 32)$$, 'one is paid in full');
SELECT lives_ok($$SELECT ar_inbox.close_invoice(pg_temp.id('a6'))$$, 'one is closed');
SELECT lives_ok($$SELECT ar_inbox.void_invoice(pg_temp.id('a7'))$$, 'one is voided');
SELECT lives_ok($$SELECT pg_temp.bill('acme', 'tomorrow', 5000, pg_temp.today('acme') + 1, pg_temp.today('acme') + 31)$$, 'one is dated tomorrow');
SELECT lives_ok($$SELECT ar_inbox.create_invoice(pg_temp.id('acme customer'), '[{"description": "Draft", "unit_price": 7000}]', pg_temp.today('acme') - 50, pg_temp.today('acme') - 40)$$, 'one is a draft');
SELECT lives_ok($$SELECT pg_temp.bill('acme', 'euro', 9.50, pg_temp.today('acme') - 90, pg_temp.today('acme') - 45, 'EUR', 1.25)$$, 'one is in euros');
SELECT results_eq($$SELECT f FROM pg_temp.aged('acme') f$$,
    ARRAY['EUR 31-60: 1 8.25', 'USD not due: 2 6', 'USD 1-30: 2 21', 'USD 61-90: 1 256', 'USD over 90: 2 1536'], 'what is open counts, each currency by itself');
SELECT is(count(*), 10::bigint, 'a bucket with nothing in it is there, with nothing') FROM ar_inbox.aging WHERE company_id = pg_temp.id('acme');
SELECT is_empty($$SELECT * FROM ar_inbox.aging WHERE company_id = pg_temp.id('empty')$$, 'a company without invoices has none');
-- the same moment, at the two ends of the world
CALL pg_temp.found('samoa', 'Pacific/Pago_Pago');
CALL pg_temp.found('line', 'Pacific/Kiritimati');
SELECT is(pg_temp.bill('samoa', 's1', 10, pg_temp.today('samoa') - 30, pg_temp.today('samoa')), 's1', 'one that is due today in Samoa');
SELECT is(pg_temp.bill('line', 'l1', 10, pg_temp.today('samoa') - 30, pg_temp.today('samoa')), 'l1', 'and on that date on the Line Islands');
SELECT results_eq($$SELECT f FROM pg_temp.aged('samoa') f$$, ARRAY['USD not due: 1 10'], 'is not past due there');
SELECT results_eq($$SELECT f FROM pg_temp.aged('line') f$$, ARRAY['USD 1-30: 1 10'], 'and is past due here');

-- of another day
CALL pg_temp.found('past');
SELECT lives_ok(format('SELECT pg_temp.bill(''past'', %L, 100, ''2020-01-01'', ''2020-01-31'')', name), 'an invoice of 2020')
FROM unnest(ARRAY['p1', 'p2', 'p3', 'p4']) name;
DO $$ BEGIN
    PERFORM ar_inbox.record_payment(pg_temp.id('p1'), 30, '2020-02-10');
    PERFORM ar_inbox.record_payment(pg_temp.id('p1'), 70, '2020-03-15');
    PERFORM ar_inbox.void_payment(ar_inbox.record_payment(pg_temp.id('p2'), 100, '2020-01-05'));
    PERFORM ar_inbox.record_payment(pg_temp.id('p2'), 99, '2020-01-20');
    PERFORM ar_inbox.close_invoice(pg_temp.id('p3'));
    PERFORM ar_inbox.void_invoice(pg_temp.id('p4'));
END $$;
SELECT is(pg_temp.aged('past', day::date), wanted, 'on ' || day)
FROM (VALUES ('2019-12-31', 'nothing'), ('2020-01-01', 'not due: 3 300'), ('2020-01-20', 'not due: 3 201'), ('2020-01-31', 'not due: 3 201'), ('2020-02-01', '1-30: 3 201'),
    ('2020-02-09', '1-30: 3 201'), ('2020-02-10', '1-30: 3 171'), ('2020-03-01', '1-30: 3 171'), ('2020-03-02', '31-60: 3 171'), ('2020-03-14', '31-60: 3 171'),
    ('2020-03-15', '31-60: 2 101'), ('2020-05-01', 'over 90: 2 101')) v (day, wanted);
SELECT is(pg_temp.aged('past', pg_temp.today('past') - 1), 'over 90: 2 101', 'yesterday one was not closed yet');
SELECT is(pg_temp.aged('past', pg_temp.today('past')), 'over 90: 1 1', 'today it is');
SELECT is(pg_temp.aged('acme', pg_temp.today('acme') + 1), '31-60: 1 8.25, not due: 2 5002, 1-30: 2 9, 31-60: 1 16, over 90: 3 1792',
    'of tomorrow: what is open now, a day older, with what is dated then');
SELECT bag_eq(format('SELECT currency, bucket, days_from, days_to, invoices, amount FROM ar_inbox.aging WHERE company_id = %s', id),
    format('SELECT * FROM ar_inbox.aging(%s)', id), 'view and function agree: ' || name)
FROM ids WHERE name IN ('acme', 'past', 'line', 'samoa');
SELECT is(pg_temp.refusal('SELECT * FROM ar_inbox.aging(0)'), 'IB001 company 0 does not exist', 'aging of no company');
SELECT is(pg_temp.refusal(format('SELECT * FROM ar_inbox.aging(%s, ''infinity'')', pg_temp.id('acme'))), '22023 on_day infinity is out of range', 'on no day');

-- ---- days sales outstanding ----

CALL pg_temp.found('sales');
DO $$
DECLARE
    today date := pg_temp.today('sales');
BEGIN
    PERFORM pg_temp.bill('sales', 'd1', 300, today - 10, today + 20);
    PERFORM pg_temp.bill('sales', 'd2', 200, today - 40, today - 10, paid => 150);
    PERFORM pg_temp.bill('sales', 'd3', 400, today - 80, today - 50, paid => 400);
    PERFORM pg_temp.bill('sales', 'd4', 500, today - 100, today - 70, paid => 400);
    PERFORM pg_temp.bill('sales', 'd5', 90, today - 20, today, paid => 30);
    PERFORM ar_inbox.close_invoice(pg_temp.id('d5'));
    PERFORM pg_temp.bill('sales', 'd6', 1000, today - 5, today);
    PERFORM ar_inbox.void_invoice(pg_temp.id('d6'));
    PERFORM ar_inbox.create_invoice(pg_temp.id('sales customer'), '[{"description": "Draft", "unit_price": 7000}]', today - 3, today);
    PERFORM pg_temp.bill('sales', 'd7', 77, today + 1, today + 31);
    -- no sales lately; the first day that counts, and the last that does not; nothing open
    PERFORM pg_temp.bill('sales', 'e1', 10, today - 200, today - 170, 'EUR');
    PERFORM pg_temp.bill('sales', 'g1', 10, today - 89, today - 59, 'GBP');
    PERFORM pg_temp.bill('sales', 'g2', 20, today - 90, today - 60, 'GBP', 20);
    PERFORM pg_temp.bill('sales', 'j1', 1000, today - 30, today, 'JPY', 1000);
END
$$;
-- USD: 450 open, 300 of it not due; 990 sold in 90 days.  Counting back: 300 of
-- the day 10 days ago, 90 of that 20 days ago, 60 of the 200 of that 40 days ago.
SELECT results_eq($$SELECT currency, receivables, not_due, sales, days, best_possible_days, count_back_days FROM ar_inbox.days_sales_outstanding
        WHERE company_id = pg_temp.id('sales') AND day = pg_temp.today('sales') ORDER BY currency$$,
    $$VALUES ('EUR', 10.0, 0.0, 0.0, NULL, NULL, 201.0), ('GBP', 10.0, 0.0, 10.0, 90.0, 0.0, 90.0), ('JPY', 0.0, 0.0, 1000.0, 0.0, 0.0, 0.0),
        ('USD', 450.0, 300.0, 990.0, 40.9, 27.3, 40.3)$$, 'days sales outstanding');

-- ---- promises and holds ----

CREATE ROLE ar_test_vera LOGIN;
CALL pg_temp.found('vows');
CALL pg_temp.keep('vera', ar_inbox.create_member(pg_temp.id('vows'), 'Vera', 'vera@vows.example', 'ar_test_vera'));
CREATE FUNCTION pg_temp.holds() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', kind, coalesce(document, '-'), customer, coalesce(until::text, '-'), coalesce(trim_scale(amount) || ' ' || currency, '-'), reason, member)
    FROM ar_inbox.open_holds WHERE company_id = pg_temp.id('vows') ORDER BY hold_id
$$;
CREATE FUNCTION pg_temp.promises() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', currency, month, promises || ':', kept, broken, open, withdrawn, '–', trim_scale(amount) || ':', trim_scale(amount_kept), trim_scale(amount_broken),
        trim_scale(amount_open), trim_scale(amount_withdrawn))
    FROM ar_inbox.promise_results WHERE company_id = pg_temp.id('vows') ORDER BY currency, month
$$;
DO $$ BEGIN
    PERFORM pg_temp.bill('vows', 'v' || n, 100, '2099-01-10', '2099-02-09') FROM generate_series(1, 6) n;
    PERFORM pg_temp.bill('vows', 'v7', 100, '2099-01-10', '2099-02-09', 'EUR');
    PERFORM ar_inbox.hold(pg_temp.id('v1'), kind => 'promise', until => '2099-03-05', amount => 60);
    PERFORM ar_inbox.hold(pg_temp.id('v2'), kind => 'promise', until => '2099-03-05');
    PERFORM ar_inbox.hold(pg_temp.id('v3'), kind => 'promise', until => '2099-02-28', amount => 40);
    PERFORM ar_inbox.hold(pg_temp.id('v4'), kind => 'promise', until => '2099-04-30', reason => 'on the phone');
    CALL pg_temp.keep('lifted', ar_inbox.hold(pg_temp.id('v5'), kind => 'promise', until => '2099-03-31'));
    PERFORM ar_inbox.hold(pg_temp.id('v6'), kind => 'promise', until => '2099-03-20');
    PERFORM ar_inbox.hold(pg_temp.id('v7'), kind => 'promise', until => '2099-03-31', amount => 25);
    PERFORM ar_inbox.hold(customer_id => pg_temp.id('vows customer'), kind => 'promise', until => '2099-04-15');
END $$;
SELECT results_eq($$SELECT f FROM pg_temp.promises() f$$,
    ARRAY['EUR 2099-03-01 1: 0 0 1 0 – 25: 0 0 25 0', 'USD 2099-02-01 1: 0 0 1 0 – 40: 0 0 40 0', 'USD 2099-03-01 4: 0 0 4 0 – 360: 0 0 360 0', 'USD 2099-04-01 2: 0 0 2 0 – 100: 0 0 100 0'],
    'promises, all of them open');
DO $$ BEGIN
    PERFORM ar_inbox.record_payment(pg_temp.id('v1'), 60);
    PERFORM ar_inbox.record_payment(pg_temp.id('v2'), 100);
    PERFORM ar_inbox.void_payment(ar_inbox.record_payment(pg_temp.id('v3'), 40));
    PERFORM ar_inbox.lift_hold(pg_temp.id('lifted'));
    PERFORM ar_inbox.close_invoice(pg_temp.id('v6'));
    PERFORM ar_inbox_internal.end_holds('2099-03-10');
END $$;
SELECT results_eq($$SELECT f FROM pg_temp.promises() f$$,
    ARRAY['EUR 2099-03-01 1: 0 0 1 0 – 25: 0 0 25 0', 'USD 2099-02-01 1: 0 1 0 0 – 40: 0 40 0 0', 'USD 2099-03-01 4: 2 0 0 2 – 360: 160 0 0 200', 'USD 2099-04-01 2: 0 0 2 0 – 100: 0 0 100 0'],
    'kept, broken (the payment was voided), open, withdrawn (lifted, closed)');
-- pgTAP keeps its count in temporary tables, which a member writes as well.
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE ar_test_vera;
SELECT lives_ok($$SELECT ar_inbox.hold(pg_temp.id('v3'), kind => 'dispute', reason => 'wrong price')$$, 'a member holds an invoice');
RESET ROLE;
SELECT lives_ok($$SELECT ar_inbox_internal.add_hold(pg_temp.id('vows'), pg_temp.id('v5'), NULL, 'reply', NULL, '2099-03-20', NULL)$$, 'a reply holds another');
SELECT lives_ok($$SELECT ar_inbox_internal.add_hold(pg_temp.id('vows'), NULL, pg_temp.id('vows customer'), 'manual', 'over', '2020-01-01', NULL)$$, 'a hold whose time is over, as nobody has written down yet');
SELECT results_eq($$SELECT f FROM pg_temp.holds() f$$,
    ARRAY['promise|V4|Globex|2099-04-30|100 USD|on the phone', 'promise|V7|Globex|2099-03-31|25 EUR|', 'promise|-|Globex|2099-04-15|-|', 'dispute|V3|Globex|-|-|wrong price|Vera', 'reply|V5|Globex|2099-03-20|-|'],
    'the holds in force');

-- ---- what chasing did ----

CALL pg_temp.found('chase');
CALL pg_temp.keep('mute', ar_inbox.create_customer(pg_temp.id('chase'), 'Mute'));
DO $$ BEGIN PERFORM ar_inbox.set_sms_provider(pg_temp.id('chase'), 'AC0123456789abcdef', 'token', '+15550999'); END $$;
-- An invoice chased on these days at that hour of New York through these channels.
CREATE FUNCTION pg_temp.chase(name text, channels text[], days date[], hour integer DEFAULT 9, currency text DEFAULT 'USD') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.bill('chase', name, 100, '2099-01-10', '2099-02-09', currency);
    PERFORM ar_inbox.chase_invoice(pg_temp.id(name), (
        SELECT jsonb_agg(jsonb_build_object('trigger', 'on_date', 'date', d, 'hour', hour, 'channels', to_jsonb(channels))) FROM unnest(days) d));
    RETURN name;
END
$$;
CREATE FUNCTION pg_temp.fired(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(f.outcome, ' ' ORDER BY i.number, s.step_number)
    FROM ar_inbox.fire_due_steps(at) f
    JOIN ar_inbox.chasing_steps s ON s.id = f.step_id
    JOIN ar_inbox.invoices i ON i.id = f.invoice_id
$$;
-- What became of the messages that wait, as the worker writes it down.
CREATE FUNCTION pg_temp.ends(name text, wanted text, channel text DEFAULT 'email', at timestamptz DEFAULT now()) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    d record;
    ended bigint := 0;
BEGIN
    FOR d IN SELECT * FROM ar_inbox.deliveries x WHERE x.invoice_id = pg_temp.id(name) AND x.state = 'queued' AND x.channel::text = ends.channel LOOP
        UPDATE ar_inbox.deliveries x SET state = 'handing_off', next_attempt_at = NULL, attempts = 1 WHERE x.id = d.id;
        INSERT INTO ar_inbox.delivery_attempts (company_id, delivery_id, attempt_number, started_at) VALUES (d.company_id, d.id, 1, at);
        IF channel = 'email' THEN
            PERFORM ar_inbox_internal.record_result(d.id, d.company_id, at, wanted, CASE wanted WHEN 'accepted' THEN 250 ELSE 550 END, NULL,
                CASE wanted WHEN 'accepted' THEN 'Ok' ELSE 'no such user' END);
        ELSE
            PERFORM ar_inbox_internal.record_provider_answer(d.id, d.company_id, at, true, CASE wanted WHEN 'accepted' THEN 201 ELSE 400 END, NULL,
                CASE wanted WHEN 'accepted' THEN format('{"sid": "SM%s", "status": "queued"}', lpad(to_hex(d.id), 32, '0')) ELSE '{"code": 21211, "message": "no such number"}' END, NULL);
        END IF;
        ended := ended + 1;
    END LOOP;
    RETURN ended;
END
$$;
CREATE FUNCTION pg_temp.results(month date) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', r.currency, r.channel, r.mail, r.outcome, r.reason, r.steps) FROM ar_inbox.chasing_results r
    WHERE r.company_id = pg_temp.id('chase') AND r.month = results.month ORDER BY 1
$$;

-- a month is one in New York
SELECT is(pg_temp.chase('m1', '{email}', '{2099-02-28,2099-03-31}', 23), 'm1', 'chased late in the evening');
SELECT is(pg_temp.fired('2099-03-01 04:00+00'), 'sending', 'on the last of February');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-02-01') f$$, ARRAY['USD email sending 1'], 'under way; what is to come does not count');
SELECT is(pg_temp.ends('m1', 'accepted'), 1::bigint, 'it is handed off');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-02-01') f$$, ARRAY['USD email sent 1'], 'sent');
SELECT is(pg_temp.chase('m2', '{email}', '{2099-04-01}', 0, 'EUR'), 'm2', 'another one, in euros');
SELECT is(pg_temp.fired('2099-04-01 04:00+00'), 'sending sending', 'a month later, and an hour');
SELECT is(pg_temp.ends('m1', 'accepted') + pg_temp.ends('m2', 'accepted'), 2::bigint, 'they are handed off');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-03-01') f$$, '{}'::text[], 'fired in April, they are of April')
UNION ALL SELECT results_eq($$SELECT f FROM pg_temp.results('2099-04-01') f$$, ARRAY['EUR email sent 1', 'USD email sent 1'], 'each currency by itself');

-- each channel has its own outcome
SELECT is(pg_temp.chase('n1', '{email,sms,letter}', '{2099-05-04}'), 'n1', 'chased through all channels');
SELECT is(pg_temp.fired('2099-05-04 13:00+00'), 'sending', 'nobody posts letters');
SELECT is(pg_temp.ends('n1', 'accepted') + pg_temp.ends('n1', 'rejected', 'sms'), 2::bigint, 'the text message is refused');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-05-01') f$$, ARRAY['USD email sent 1', 'USD letter failed not_set_up 1', 'USD sms failed refused 1'], 'each with its outcome');
SELECT lives_ok($$SELECT ar_inbox.retry_step(id, '2099-06-02 22:00-04') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('n1')$$, 'another try is planned');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-05-01') f$$, ARRAY['USD email sent 1'], 'what went out counts, what is to be tried again is to come');
SELECT is(pg_temp.fired('2099-06-02 22:00-04'), 'failed', 'late in the evening');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-06-01') f$$, ARRAY['USD letter failed not_set_up 1', 'USD sms withheld sms_hours 1'], 'the last try counts');
SELECT lives_ok($$SELECT ar_inbox.retry_step(id, '2099-06-03 09:00-04') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('n1')$$, 'and another');
SELECT is(pg_temp.fired('2099-06-03 09:00-04'), 'sending', 'in the morning');
SELECT is(pg_temp.ends('n1', 'accepted', 'sms'), 1::bigint, 'it goes through');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-06-01') f$$, ARRAY['USD letter failed not_set_up 1', 'USD sms sent 1'], 'and counts once');

-- why not
SELECT is(pg_temp.chase('o' || n, channels, ARRAY[day]), 'o' || n, format('chased through %s on %s', channels, day))
FROM (VALUES (1, '{email,sms}'::text[], '2099-07-01'::date), (2, '{sms}', '2099-07-01'), (3, '{email,sms}', '2099-07-02'), (4, '{sms}', '2099-07-02'),
    (5, '{email,sms}', '2099-07-03'), (6, '{email}', '2099-07-03'), (7, '{email}', '2099-07-06'), (8, '{email}', '2099-07-07'), (9, '{email,sms}', '2099-07-07')) v (n, channels, day);
-- the first text of the day spends the number's
SELECT is(pg_temp.fired('2099-07-01 09:00-04'), 'sending withheld', 'two text messages to one number');
SELECT is(pg_temp.ends('o1', 'accepted') + pg_temp.ends('o1', 'accepted', 'sms'), 2::bigint, 'one goes through');
-- too late for a text
SELECT is(pg_temp.fired('2099-07-02 21:30-04'), 'sending withheld', 'in the night');
SELECT is(pg_temp.ends('o3', 'accepted'), 1::bigint, 'the mail goes through');
-- holds, before and after
SELECT lives_ok($$SELECT ar_inbox.hold(pg_temp.id('o5'), kind => 'dispute', reason => 'sms: 1 (max_texts_per_number)')$$, 'a dispute');
SELECT is(pg_temp.fired('2099-07-03 09:00-04'), 'withheld sending', 'is not chased');
SELECT lives_ok($$SELECT ar_inbox.hold(pg_temp.id('o6'), kind => 'promise', until => '2099-12-31')$$, 'a promise calls a reminder back');
-- refused at first, and a bounce in the end
SELECT is(pg_temp.fired('2099-07-06 09:00-04'), 'sending', 'a mail');
SELECT is(pg_temp.ends('o7', 'rejected'), 1::bigint, 'is refused');
SELECT lives_ok($$SELECT ar_inbox.retry_step(id, '2099-07-06 10:00-04') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('o7')$$, 'tried again');
SELECT is(pg_temp.fired('2099-07-06 10:00-04'), 'sending', 'it goes out');
SELECT is(pg_temp.ends('o7', 'accepted'), 1::bigint, 'and through');
-- paid before, and while half of it is through
SELECT is(pg_temp.fired('2099-07-07 09:00-04'), 'sending sending', 'a mail, and both');
SELECT is(pg_temp.ends('o9', 'accepted'), 1::bigint, 'the mail is through');
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('o' || n), 100) FROM generate_series(8, 9) n$$, 'both are paid');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-07-01') f$$, ARRAY[
    'USD email cancelled paid 1',           -- o8
    'USD email sent 4',                     -- o1, o3, o7, o9
    'USD email withheld dispute 1',         -- o5
    'USD email withheld promise 1',         -- o6
    'USD sms cancelled paid 1',             -- o9
    'USD sms sent 1',                       -- o1
    'USD sms withheld dispute 1',           -- o5
    'USD sms withheld max_texts_per_number 1',  -- o2
    'USD sms withheld sms_hours 2'], 'why what was not sent was not');   -- o3, o4

SELECT is(pg_temp.chase('q1', '{email}', '{2099-09-01,2099-09-02,2099-09-04}'), 'q1', 'the server is down for days');
SELECT is(pg_temp.fired('2099-09-04 09:30-04'), 'skipped skipped sending', 'what is late is skipped');
SELECT is(pg_temp.ends('q1', 'accepted'), 1::bigint, 'what is not is sent');
UPDATE ar_inbox.deliveries SET state = 'bounced', reason = 'bounced for ap@globex.example' WHERE invoice_id = pg_temp.id('q1');
UPDATE ar_inbox.chasing_steps SET state = 'failed', reason = 'email: bounced for ap@globex.example' WHERE invoice_id = pg_temp.id('q1') AND state = 'sent';
SELECT is(pg_temp.chase('q2', '{email}', '{2099-09-08}'), 'q2', 'too often');
UPDATE ar_inbox.companies SET max_sends_per_day = 1 WHERE id = pg_temp.id('chase');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('q2'), '[{"trigger": "on_date", "date": "2099-09-08", "hour": 9, "channels": ["email"]}, {"trigger": "on_date", "date": "2099-09-08", "hour": 10, "channels": ["email", "letter"]}]',
    at => '2099-01-10'), 2, 'on one day, with another schedule');
SELECT is(pg_temp.fired('2099-09-08 09:00-04'), 'sending', 'the first goes out');
SELECT is(pg_temp.ends('q2', 'accepted'), 1::bigint, 'and through');
SELECT is(pg_temp.fired('2099-09-08 10:00-04'), 'failed', 'the second does not, and nobody posts it');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('q2'), '[{"trigger": "on_date", "date": "2099-09-09", "hour": 9, "channels": ["email"]}]', at => '2099-09-10'), 0, 'a schedule that is past');
UPDATE ar_inbox.invoices SET customer_id = pg_temp.id('mute') WHERE id = pg_temp.id('q2');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('q2'), '[{"trigger": "on_date", "date": "2099-09-11", "hour": 9, "channels": ["email"]}]', at => '2099-09-10'), 1, 'one to nobody');
SELECT is(pg_temp.fired('2099-09-11 09:00-04'), 'failed', 'goes nowhere');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-09-01') f$$, ARRAY[
    'USD email failed bounced 1', 'USD email failed no_address 1', 'USD email sent 1', 'USD email skipped catch_up_window 2', 'USD email skipped past 1',
    'USD email withheld max_sends_per_day 1', 'USD letter failed not_set_up 1'], 'skipped, bounced, too often, no address');

-- automatic mails are apart, and another company's are elsewhere
DO $$ BEGIN
    PERFORM ar_inbox.set_automatic_mail(pg_temp.id('chase'), 'new_invoice', hour => 9);
    PERFORM pg_temp.bill('chase', 'r1', 100, '2099-10-01', '2099-10-31');
END $$;
SELECT is(pg_temp.fired('2099-10-01 09:00-04'), 'sending', 'an automatic mail');
SELECT is(pg_temp.ends('r1', 'accepted'), 1::bigint, 'is sent');
SELECT results_eq($$SELECT f FROM pg_temp.results('2099-10-01') f$$, ARRAY['USD email new_invoice sent 1'], 'and stands by itself');
SELECT is((SELECT sum(steps) FROM ar_inbox.chasing_results WHERE company_id = pg_temp.id('chase')),
    (SELECT sum(cardinality(channels)) FROM ar_inbox.chasing_steps WHERE company_id = pg_temp.id('chase') AND state <> 'scheduled')::numeric, 'nothing that has an end is left out, or counted twice');


-- ---- what it brought in ----

CALL pg_temp.found('remind');
DO $$ BEGIN PERFORM ar_inbox.set_sms_provider(pg_temp.id('remind'), 'AC0123456789abcdef', 'token', '+15550999'); END $$;
CREATE PROCEDURE pg_temp.remind(name text, days text[] DEFAULT '{2099-11-02}', hour integer DEFAULT 9, channels text[] DEFAULT '{email}', currency text DEFAULT 'USD') LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.bill('remind', name, 100, '2099-01-10', '2099-02-09', currency);
    PERFORM ar_inbox.chase_invoice(pg_temp.id(name), (
        SELECT jsonb_agg(jsonb_build_object('trigger', 'on_date', 'date', d, 'hour', hour, 'channels', to_jsonb(channels))) FROM unnest(days) d), at => '2099-01-10');
END
$$;
-- Money comes in, and is written down at noon of that day.
CREATE PROCEDURE pg_temp.pay(name text, amount numeric, received_on date, is_void boolean DEFAULT false) LANGUAGE plpgsql AS $$
DECLARE
    payment bigint;
BEGIN
    INSERT INTO ar_inbox.payments (company_id, invoice_id, amount, received_on, created_at)
    VALUES (pg_temp.id('remind'), pg_temp.id(name), amount, received_on, (received_on + time '12:00') AT TIME ZONE 'America/New_York') RETURNING id INTO payment;
    IF is_void THEN
        PERFORM ar_inbox.void_payment(payment);
    END IF;
END
$$;
CREATE FUNCTION pg_temp.brought() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', currency, month, CASE WHEN automatic THEN 'automatic' ELSE 'chased' END, invoices || ':', paid_within_7_days, paid_within_14_days, paid_within_30_days, '–',
        trim_scale(amount) || ':', trim_scale(amount_within_7_days), trim_scale(amount_within_14_days), trim_scale(amount_within_30_days))
    FROM ar_inbox.reminder_results WHERE company_id = pg_temp.id('remind') ORDER BY currency, month, automatic
$$;
CALL pg_temp.remind('w1');
CALL pg_temp.remind('w2');
CALL pg_temp.remind('w3', '{2099-11-02,2099-11-20}');
CALL pg_temp.remind('w4');
CALL pg_temp.remind('w5');
CALL pg_temp.remind('w6');
CALL pg_temp.remind('w7', hour => 20);
CALL pg_temp.remind('w8');
CALL pg_temp.remind('w9');
CALL pg_temp.remind('w11', channels => '{email,sms}');
CALL pg_temp.remind('w12');
CALL pg_temp.remind('w13', '{2099-12-01}', currency => 'EUR');
CALL pg_temp.remind('w15', '{2099-11-02,2099-11-14}');
DO $$ BEGIN
    -- the invoice itself is no reminder
    PERFORM pg_temp.bill('remind', 'w10', 100, '2099-11-02', '2099-12-02');
    PERFORM ar_inbox.chase_invoice(pg_temp.id('w10'), '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]');
    -- nor chased: an automatic mail reminds of it
    PERFORM ar_inbox.set_automatic_mail(pg_temp.id('remind'), 'past_due_reminder', days => 3, hour => 9);
    PERFORM pg_temp.bill('remind', 'w14', 100, '2099-10-10', '2099-11-10');
END $$;
SELECT is(pg_temp.fired('2099-11-02 09:00-05'), array_to_string(array_fill('sending'::text, ARRAY[12]), ' '), 'a round of reminders');
SELECT is(sum(pg_temp.ends('w' || n, CASE n WHEN 12 THEN 'rejected' ELSE 'accepted' END, channel, '2099-11-02 09:05-05')), 13::numeric, 'leaves, but for one that is refused')
FROM generate_series(1, 15) n, unnest(ARRAY['email', 'sms']) channel WHERE n NOT IN (7, 13, 14);
SELECT is_empty($$SELECT f FROM pg_temp.brought() f WHERE f LIKE '%1: %'$$, 'counted together');
SELECT is(pg_temp.fired('2099-11-02 20:00-05'), 'sending', 'one more in the evening');
SELECT is(pg_temp.ends('w7', 'accepted', at => '2099-11-02 20:30-05'), 1::bigint, 'leaves, on the 3rd in UTC');
SELECT results_eq($$SELECT f FROM pg_temp.brought() f$$, ARRAY['USD 2099-11-01 chased 11: 0 0 0 – 1100: 0 0 0'], 'eleven are reminded');
SELECT lives_ok($$SELECT ar_inbox.chase_invoice(pg_temp.id('w15'), '[{"trigger": "on_date", "date": "2099-11-16", "hour": 9, "channels": ["email"]}]', at => '2099-11-03')$$, 'one gets another schedule');
SELECT is(pg_temp.fired('2099-11-13 09:00-05'), 'sending', 'an automatic reminder');
SELECT is(pg_temp.ends('w14', 'accepted', at => '2099-11-13 09:00-05'), 1::bigint, 'leaves');
SELECT is(pg_temp.fired('2099-11-16 09:00-05'), 'sending', 'one by the other schedule');
SELECT is(pg_temp.ends('w15', 'accepted', at => '2099-11-16 09:00-05'), 1::bigint, 'leaves');
SELECT is(pg_temp.fired('2099-11-20 09:00-05'), 'sending', 'a second one');
SELECT is(pg_temp.ends('w3', 'accepted', at => '2099-11-20 09:00-05'), 1::bigint, 'leaves');
SELECT is(pg_temp.fired('2099-12-01 09:00-05'), 'sending', 'one in December');
SELECT is(pg_temp.ends('w13', 'accepted', at => '2099-12-01 09:00-05'), 1::bigint, 'leaves');
CALL pg_temp.pay('w1', 100, '2099-11-09');          -- 7 days
CALL pg_temp.pay('w2', 100, '2099-11-10');          -- 8
CALL pg_temp.pay('w3', 40, '2099-11-05');           -- 3
CALL pg_temp.pay('w3', 60, '2099-12-20');           -- 30 after the second
CALL pg_temp.pay('w4', 100, '2099-12-03');          -- 31
CALL pg_temp.pay('w5', 50, '2099-11-03', true);
CALL pg_temp.pay('w6', 30, '2099-10-20');           -- before
CALL pg_temp.pay('w6', 70, '2099-11-02');           -- on the day, after it
CALL pg_temp.pay('w7', 25, '2099-11-02');           -- on the day, before it
CALL pg_temp.pay('w8', 10, '2099-11-04');
CALL pg_temp.pay('w11', 100, '2099-11-03');
CALL pg_temp.pay('w12', 100, '2099-11-03');
CALL pg_temp.pay('w13', 50, '2099-12-02');
CALL pg_temp.pay('w14', 100, '2099-11-14');
CALL pg_temp.pay('w15', 100, '2099-11-23');         -- 7 after the second
DO $$ BEGIN
    PERFORM ar_inbox.close_invoice(pg_temp.id('w8'));
    PERFORM ar_inbox.void_invoice(pg_temp.id('w9'));
END $$;
-- In full within 7 days w1, w6, w11, w15; within 14 also w2; within 30 also w3.
-- Money within 7 days: 100 + 40 + 70 + 10 + 100 + 100; within 14: w2's 100 more;
-- within 30: 60 more of w3.  Open at first: ten invoices less 30 of w6 and 25 of w7.
SELECT results_eq($$SELECT f FROM pg_temp.brought() f$$, ARRAY['EUR 2099-12-01 chased 1: 0 0 0 – 100: 50 50 50',
    'USD 2099-11-01 chased 10: 4 5 6 – 945: 420 520 580', 'USD 2099-11-01 automatic 1: 1 1 1 – 100: 100 100 100'], 'what reminders brought in');

-- ---- seen by a member ----

DO $$ BEGIN
    PERFORM pg_temp.bill('vows', 'v8', 100, pg_temp.today('vows') - 10, pg_temp.today('vows') - 1);
    PERFORM ar_inbox.chase_invoice(pg_temp.id('v8'), '[{"trigger": "on_date", "date": "2099-12-10", "hour": 9, "channels": ["email"]}]');
END $$;
SELECT is(pg_temp.fired('2099-12-10 09:00-05'), 'sending', 'its company chases');
SELECT is(pg_temp.ends('v8', 'accepted'), 1::bigint, 'and a reminder leaves');

CREATE FUNCTION pg_temp.seen() RETURNS TABLE (n integer, x text) LANGUAGE sql AS $$
    SELECT n, x FROM (
        SELECT 1, company_id, r::text FROM ar_inbox.chasing_results r UNION ALL SELECT 2, company_id, r::text FROM ar_inbox.reminder_results r
        UNION ALL SELECT 3, company_id, r::text FROM ar_inbox.promise_results r UNION ALL SELECT 4, company_id, r::text FROM ar_inbox.aging r
        UNION ALL SELECT 5, company_id, r::text FROM ar_inbox.days_sales_outstanding r UNION ALL SELECT 6, company_id, r::text FROM ar_inbox.open_holds r) f (n, company_id, x)
    WHERE company_id = pg_temp.id('vows') OR current_user = 'ar_test_vera' ORDER BY n, x
$$;
CREATE TEMP TABLE all_of_it AS SELECT * FROM pg_temp.seen();
GRANT ALL ON all_of_it TO PUBLIC;
SELECT is(count(DISTINCT n), 6::bigint, 'there is something to see of a company in every figure') FROM all_of_it;
SET LOCAL ROLE ar_test_vera;
SELECT bag_eq('SELECT * FROM pg_temp.seen()', 'SELECT * FROM all_of_it', 'its member sees that in every figure, and nothing of another company');
SELECT is(pg_temp.refusal(format('SELECT * FROM ar_inbox.aging(%s)', pg_temp.id('acme'))), format('IB001 company %s does not exist', pg_temp.id('acme')), 'nor by the function');
RESET ROLE;

SELECT finish();
ROLLBACK;
