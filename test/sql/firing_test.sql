\set ECHO none
-- Firing: several channels, retries, catching up, many invoices at once, automatic mails.
-- Years are far away, so that only the moments given here count.
\i test/lib/pgtap.sql
SELECT plan(153);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('boss', ar_inbox.create_contact_role(pg_temp.id('acme'), 'Boss'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example', phone => '+15550100',
    postal_address => '{"line1": "1 Main St", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US"}'));
CALL pg_temp.keep('mailonly', ar_inbox.create_customer(pg_temp.id('acme'), 'Mail only', email => 'ap@mailonly.example'));
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('other'), 'Theirs', email => 'x@theirs.example'));
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example');
    PERFORM ar_inbox.set_sms_provider(pg_temp.id('acme'), 'AC0123456789abcdef', 'token', '+15550999');
END $$;
CREATE FUNCTION pg_temp.bill(name text, customer text DEFAULT 'globex', amount numeric DEFAULT 100) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(name, ar_inbox.create_invoice(pg_temp.id(customer),
        jsonb_build_array(jsonb_build_object('description', 'Work', 'unit_price', amount)), '2099-01-10', '2099-02-09', upper(name)));
    PERFORM ar_inbox.issue_invoice(pg_temp.id(name));
    RETURN 'billed';
END
$$;
CREATE FUNCTION pg_temp.step(channels text[], trigger text DEFAULT 'after_due', days integer DEFAULT 1, hour integer DEFAULT 9, role text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('trigger', trigger, 'days', days, 'hour', hour, 'role', role, 'channels', to_jsonb(channels))))
$$;
CREATE FUNCTION pg_temp.fired(at timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', i.number, s.step_number, f.outcome, f.reason)
    FROM ar_inbox.fire_due_steps(at) WITH ORDINALITY f
    JOIN ar_inbox.chasing_steps s ON s.id = f.step_id
    JOIN ar_inbox.invoices i ON i.id = f.invoice_id
    ORDER BY i.number, s.step_number
$$;
CREATE FUNCTION pg_temp.steps(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.step_number, s.mail, s.state, s.reason, s.failures, s.left_channels)
    FROM ar_inbox.chasing_steps s WHERE invoice_id = pg_temp.id(name) AND state <> 'cancelled' ORDER BY s.schedule_number, s.step_number, s.repeat_number
$$;
CREATE FUNCTION pg_temp.sent(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', d.channel, e.template, d.state, coalesce(d.recipient,
        (SELECT string_agg(r.address::text, ',' ORDER BY r.id) FROM ar_inbox.email_recipients r WHERE r.email_id = e.id)))
    FROM ar_inbox.deliveries d JOIN ar_inbox.emails e ON e.id = d.email_id
    WHERE d.invoice_id = pg_temp.id(name) ORDER BY d.id
$$;
-- What became of deliveries, as the worker writes it down.
CREATE PROCEDURE pg_temp.ends(name text, wanted text, channel text DEFAULT 'email') LANGUAGE plpgsql AS $$
DECLARE d record;
BEGIN
    FOR d IN SELECT * FROM ar_inbox.deliveries x WHERE x.invoice_id = pg_temp.id(name) AND x.state = 'queued' AND x.channel::text = ends.channel LOOP
        UPDATE ar_inbox.deliveries x SET state = 'handing_off', next_attempt_at = NULL, attempts = 1 WHERE x.id = d.id;
        INSERT INTO ar_inbox.delivery_attempts (company_id, delivery_id, attempt_number, started_at) VALUES (d.company_id, d.id, 1, now());
        PERFORM ar_inbox_internal.record_result(d.id, d.company_id, now(), wanted, CASE wanted WHEN 'accepted' THEN 250 ELSE 550 END, NULL,
            CASE wanted WHEN 'accepted' THEN 'Ok' ELSE 'no such user' END);
    END LOOP;
END
$$;

-- through several channels
SELECT is(pg_temp.bill('a1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('a1'), pg_temp.step('{email,sms}')), 1, 'chased by e-mail and text message');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-10 09:00+00') f$$, ARRAY['A1 1 sending'], 'it fires');
SELECT results_eq($$SELECT f FROM pg_temp.sent('a1') f$$, ARRAY['email past_due_invoice queued ap@globex.example', 'sms past_due_invoice_sms queued +15550100'],
    'as two messages');
SELECT is((SELECT count(DISTINCT thread_id) FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.invoice_id = pg_temp.id('a1')), 1::bigint, 'in one conversation');
SELECT ok(length(body_text) BETWEEN 20 AND 200 AND body_text LIKE '%A1%', 'the text is short, and names the invoice') FROM ar_inbox.emails WHERE template = 'past_due_invoice_sms';
CALL pg_temp.ends('a1', 'accepted');
SELECT results_eq($$SELECT f FROM pg_temp.steps('a1') f$$, ARRAY['1 sending'], 'one through: the step goes on');
UPDATE ar_inbox.deliveries SET state = 'accepted', next_attempt_at = NULL, finished_at = now() WHERE invoice_id = pg_temp.id('a1') AND channel = 'sms';
SELECT lives_ok($$SELECT ar_inbox_internal.settle_step(company_id, id) FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('a1')$$, 'and the other');
SELECT results_eq($$SELECT f FROM pg_temp.steps('a1') f$$, ARRAY['1 sent'], 'it is sent');

-- one channel fails
SELECT is(pg_temp.bill('b1', 'mailonly'), 'billed', 'an invoice of a customer without a telephone');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('b1'), pg_temp.step('{email,sms,letter}')), 1, 'chased through all channels');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-10 09:00+00') f$$, ARRAY['B1 1 sending'], 'what can be sent is');
SELECT results_eq($$SELECT f FROM pg_temp.sent('b1') f$$, ARRAY['email past_due_invoice queued ap@mailonly.example'], 'by e-mail');
SELECT results_eq($$SELECT f FROM pg_temp.steps('b1') f$$,
    ARRAY['1 sending {"sms": "sms: the customer has no telephone number", "letter": "letter: the customer has no postal address"}'], 'the others are remembered');
SELECT results_eq($$SELECT concat_ws(' ', state, reason) FROM ar_inbox.chasing_schedule(pg_temp.id('b1'))$$,
    ARRAY['sending letter: the customer has no postal address; sms: the customer has no telephone number'], 'the schedule says so');
SELECT results_eq($$SELECT concat_ws(' ', channel, outcome, recipient, reason) FROM ar_inbox.preview(pg_temp.id('acme'), '2099-02-10', '2099-02-11', '2099-02-10 12:00+00') WHERE invoice_id = pg_temp.id('b1')$$,
    ARRAY['email sending ap@mailonly.example', 'letter failed letter: the customer has no postal address', 'sms failed sms: the customer has no telephone number'],
    'and the preview, by channel');
CALL pg_temp.ends('b1', 'accepted');
SELECT results_eq($$SELECT state || ' ' || reason FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('b1')$$,
    ARRAY['failed letter: the customer has no postal address; sms: the customer has no telephone number'], 'in the end the step has failed, and says which and why');
SELECT lives_ok($$SELECT ar_inbox.change_customer(pg_temp.id('mailonly'), '{"phone": "+1 555 0177"}')$$, 'the customer gets a telephone');
SELECT lives_ok($$SELECT ar_inbox.retry_step(id, '2099-02-10 10:00+00') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('b1')$$, 'the step is tried again');
SELECT results_eq($$SELECT f FROM pg_temp.steps('b1') f$$, ARRAY['1 scheduled {sms,letter}'], 'through what failed');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-10 10:00+00') f$$, ARRAY['B1 1 sending'], 'it fires');
SELECT results_eq($$SELECT f FROM pg_temp.sent('b1') f$$, ARRAY['email past_due_invoice accepted ap@mailonly.example', 'sms past_due_invoice_sms queued +15550177'],
    'once more, and not by e-mail again');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.retry_step(%s)', id)), format('IB002 step %s is sending', id), 'while it is under way it is not tried again')
FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('b1');
SELECT is(pg_temp.bill('b2', 'mailonly'), 'billed', 'another one');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('b2'), pg_temp.step('{letter}') || pg_temp.step('{email}', role => 'Boss')), 2, 'chased in vain');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-10 09:00+00') f$$,
    ARRAY['B2 1 failed letter: the customer has no postal address', 'B2 2 failed email: no contact with the role ''Boss'' has an e-mail address'], 'nothing can be sent');
SELECT is(pg_temp.bill('b3'), 'billed', 'a customer with an address');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('b3'), pg_temp.step('{letter}')), 1, 'chased by letter');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-10 09:00+00') f$$, ARRAY['B3 1 failed letter: the company has no provider of letters'], 'which nobody posts');
DO $$ BEGIN
    PERFORM ar_inbox.set_letter_provider(pg_temp.id('acme'), 'key');
    PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"postal_address": {"line1": "2 Side St", "city": "Chicago", "region": "IL", "postal_code": "60601", "country": "US"}}');
END $$;
SELECT lives_ok($$SELECT ar_inbox.retry_step(id, '2099-02-10 11:00+00') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('b3')$$, 'until somebody does');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-10 11:00+00') f$$, ARRAY['B3 1 sending'], 'it fires');
SELECT alike((SELECT f FROM pg_temp.sent('b3') f), 'letter past_due_invoice queued %1 Main St%', 'as a letter to that address');

-- a mail that is refused, tried again
SELECT is(pg_temp.bill('c1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('c1'), pg_temp.step('{email}') || pg_temp.step('{email}', days => 5)), 2, 'chased twice');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-10 09:00+00') f$$, ARRAY['C1 1 sending'], 'it fires');
CALL pg_temp.ends('c1', 'rejected');
SELECT alike((SELECT f FROM pg_temp.steps('c1') f LIMIT 1), '1 failed email: refused for ap@globex.example: no such user%', 'it is refused');
SELECT lives_ok($$SELECT ar_inbox.reschedule_step(id, '2099-02-11 08:30+00') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('c1') AND state = 'failed'$$, 'another attempt is planned');
SELECT is_empty($$SELECT f FROM pg_temp.fired('2099-02-11 08:29+00') f$$, 'not before its moment');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-11 08:30+00') f$$, ARRAY['C1 1 sending'], 'then it goes');
CALL pg_temp.ends('c1', 'accepted');
SELECT results_eq($$SELECT f FROM pg_temp.steps('c1') f LIMIT 1$$, ARRAY['1 sent {email}'], 'and is sent: what became of it the first time is past');
SELECT lives_ok($$SELECT ar_inbox.reschedule_step(id, '2099-02-20 07:00+00') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('c1') AND state = 'scheduled'$$, 'one still to come is moved');
SELECT lives_ok($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('c1'), due_date => '2099-03-09')$$, 'the invoice''s dates change');
SELECT results_eq($$SELECT due_at FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('c1') AND step_number = 2$$, ARRAY['2099-02-20 07:00+00'::timestamptz], 'it stays where it was put');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.%s', replace(call, '{}', s.id::text))), replace(wanted, '{}', s.id::text), wanted)
FROM (SELECT id FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('c1') AND step_number = 2) s, (VALUES
    ('retry_step({})', 'IB002 step {} is scheduled'),
    ('retry_step({}, NULL)', '22004 at is NULL'),
    ('reschedule_step({}, NULL)', '22004 due_at is NULL'),
    ('reschedule_step({}, ''infinity'')', '22023 due_at infinity is out of range'),
    ('reschedule_step({}, ''2001-01-01'')', '22023 due_at 2001-01-01 00:00:00+00 is in the past'),
    ('reschedule_step({}, ''2099-01-09 23:59+00'')', '22023 2099-01-09 23:59:00+00 is before the invoice date 2099-01-10'),
    ('reschedule_step(0, ''2099-01-09'')', 'IB001 step 0 does not exist')) t (call, wanted);
SELECT lives_ok($$SELECT ar_inbox.stop_chasing(pg_temp.id('c1'))$$, 'chasing is disabled');
SELECT matches(pg_temp.refusal(format('SELECT ar_inbox.retry_step(%s)', id)), 'IB002 step [0-9]+ is cancelled', 'nothing is tried again then')
FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('c1') AND step_number = 2;

-- caught up with
SELECT is(pg_temp.bill('d1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('d1'), pg_temp.step('{email}') || pg_temp.step('{email}', days => 2) || pg_temp.step('{email}', days => 3)), 3, 'chased three days in a row');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-12 10:00+00') f$$,
    ARRAY['D1 1 skipped more than 48:00:00 late (catch_up_window)', 'D1 2 sending', 'D1 3 sending'], 'a server that was down catches up, but sends nothing days late');
SELECT results_eq($$SELECT f FROM pg_temp.steps('d1') f$$, ARRAY['1 skipped more than 48:00:00 late (catch_up_window)', '2 sending', '3 sending'], 'each once');

-- text messages: hours and numbers
SELECT is(pg_temp.bill('e1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('e1'), pg_temp.step('{sms}', days => 10, hour => 20) || pg_temp.step('{email,sms}', days => 11, hour => 20)), 2, 'two text messages');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-19 21:00+00') f$$, ARRAY['E1 1 withheld sms: 21:00 is outside 08:00 to 21:00 (sms_from_hour, sms_to_hour)'], 'too late in the day');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-20 21:00+00') f$$, ARRAY['E1 2 sending sms: 21:00 is outside 08:00 to 21:00 (sms_from_hour, sms_to_hour)'], 'the e-mail of the same step goes out');
CALL pg_temp.ends('e1', 'accepted');
SELECT results_eq($$SELECT f FROM pg_temp.steps('e1') f OFFSET 1$$, ARRAY['2 sent sms: 21:00 is outside 08:00 to 21:00 (sms_from_hour, sms_to_hour)'], 'which is no failure');
SELECT is(pg_temp.bill('e2'), 'billed', 'another one');
SELECT is(pg_temp.bill('e3'), 'billed', 'and another');
SELECT is(ar_inbox.chase_invoices(ARRAY[pg_temp.id('e2'), pg_temp.id('e3')], ar_inbox.create_cadence(pg_temp.id('acme'), 'Texts', pg_temp.step('{sms}', days => 20))), 2::bigint, 'a text message for each');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-03-01 09:00+00') f$$,
    ARRAY['E2 1 sending', 'E3 1 withheld sms: +15550100 had 1 today, the limit (max_texts_per_number)'], 'a number gets one a day');

-- one of two numbers refuses
CALL pg_temp.keep('phones', ar_inbox.create_customer(pg_temp.id('acme'), 'Phones', phone => '+15550201'));
CALL pg_temp.keep('second', ar_inbox.create_contact(pg_temp.id('phones'), 'Second', phone => '+15550202'));
SELECT is(pg_temp.bill('z9', 'phones'), 'billed', 'an invoice of a customer with two numbers');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('z9'), pg_temp.step('{sms}', days => 24)), 1, 'chased by text message');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-03-05 09:00+00') f$$, ARRAY['Z9 1 sending'], 'it fires');
UPDATE ar_inbox.deliveries SET state = 'accepted', next_attempt_at = NULL, finished_at = now() WHERE recipient = '+15550201';
UPDATE ar_inbox.deliveries SET state = 'rejected', reason = 'no such number', next_attempt_at = NULL, finished_at = now() WHERE recipient = '+15550202';
SELECT lives_ok($$SELECT ar_inbox_internal.settle_step(company_id, id) FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('z9')$$, 'one of them takes it');
SELECT results_eq($$SELECT f FROM pg_temp.steps('z9') f$$, ARRAY['1 failed sms: no such number'], 'so the step failed');
SELECT lives_ok($$SELECT ar_inbox.retry_step(id, '2099-03-06 09:00+00') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('z9')$$, 'it is tried again');
SELECT results_eq($$SELECT recipient FROM ar_inbox.preview(pg_temp.id('acme'), '2099-03-06', '2099-03-07') WHERE invoice_id = pg_temp.id('z9')$$,
    ARRAY['+15550202'], 'with the number that did not get it');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-03-06 09:00+00') f$$, ARRAY['Z9 1 sending'], 'it fires');
SELECT results_eq($$SELECT f FROM pg_temp.sent('z9') f$$, ARRAY['sms past_due_invoice_sms accepted +15550201', 'sms past_due_invoice_sms rejected +15550202',
    'sms past_due_invoice_sms queued +15550202'], 'and the other is not bothered twice');

-- a moment of its own, and then a later invoice date
SELECT is(pg_temp.bill('z8'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('z8'), pg_temp.step('{email}')), 1, 'chased');
SELECT lives_ok($$SELECT ar_inbox.reschedule_step(id, '2099-03-10 09:00+00') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('z8')$$, 'a member gives the step its moment');
SELECT lives_ok($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('z8'), '2099-03-20', '2099-04-20')$$, 'and another the invoice a later date');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-03-10 09:00+00') f$$, ARRAY['Z8 1 skipped before invoice date'], 'it is skipped, and does not wait there for ever');

-- many at once
SELECT is(pg_temp.bill('f' || n), 'billed', 'an invoice') FROM generate_series(1, 4) n;
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('f4'), 100)$$, 'one of them is paid');
CALL pg_temp.keep('cadence', ar_inbox.create_cadence(pg_temp.id('acme'), 'Standard', pg_temp.step('{email}', days => 30) || pg_temp.step('{email}', days => 31), true));
SELECT is(ar_inbox.chase_invoices(ARRAY(SELECT pg_temp.id('f' || n) FROM generate_series(1, 4) n)), 3::bigint, 'the open ones take the default cadence');
SELECT is((SELECT count(*) FROM ar_inbox.chasing_steps WHERE invoice_id IN (SELECT pg_temp.id('f' || n) FROM generate_series(1, 4) n) AND state = 'scheduled'), 6::bigint, 'two steps each');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE action = 'chasing set' AND subject_id IN (SELECT pg_temp.id('f' || n) FROM generate_series(1, 4) n)), 3::bigint, 'each is written down');
SELECT is(ar_inbox.chase_invoices('{}'), 0::bigint, 'none at all');
SELECT is(pg_temp.refusal('SELECT ar_inbox.chase_invoices(' || arguments || ')'), wanted, wanted)
FROM (VALUES
    ('NULL', '22004 invoice_ids is NULL'),
    ('ARRAY[0]', 'IB001 invoice 0 does not exist'),
    (format('ARRAY[%s, NULL]', pg_temp.id('f1')), 'IB001 invoice NULL does not exist in the company of the cadence'),
    (format('ARRAY[%s], 0', pg_temp.id('f1')), 'IB001 cadence 0 does not exist'),
    (format('ARRAY[%s], %s', ar_inbox.create_invoice(pg_temp.id('theirs'), '[{"description": "x", "unit_price": 1}]'), pg_temp.id('cadence')), NULL)) t (arguments, wanted)
WHERE wanted IS NOT NULL;
SELECT matches(pg_temp.refusal(format('SELECT ar_inbox.chase_invoices(ARRAY[%s], %s)', id, pg_temp.id('cadence'))), 'IB001 invoice [0-9]+ does not exist in the company of the cadence', 'another company''s invoice')
FROM ar_inbox.invoices WHERE customer_id = pg_temp.id('theirs') LIMIT 1;

-- the mails that the company sends by itself
SELECT lives_ok($$SELECT ar_inbox.delete_cadence(pg_temp.id('cadence'))$$, 'no default cadence');
SELECT is(pg_temp.bill('g0'), 'billed', 'an invoice issued before');
SELECT lives_ok(format('SELECT ar_inbox.set_automatic_mail(%s, %L)', pg_temp.id('acme'), name), 'set_automatic_mail ' || name)
FROM unnest(ARRAY['new_invoice', 'unpaid_reminder', 'past_due_reminder', 'payment_receipt']) name;
SELECT is_empty($$SELECT f FROM pg_temp.steps('g0') f$$, 'has none');
SELECT is(pg_temp.bill('g1'), 'billed', 'one issued after');
SELECT results_eq($$SELECT concat_ws(' ', mail, due_at, state) FROM ar_inbox.chasing_schedule(pg_temp.id('g1'))$$,
    ARRAY['new_invoice 2099-01-10 09:00:00+00 scheduled', 'unpaid_reminder 2099-02-06 09:00:00+00 scheduled', 'past_due_reminder 2099-02-12 09:00:00+00 scheduled'], 'has three to come');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-01-10 09:00+00') f$$, ARRAY['G1 1 sending'], 'the first goes out');
SELECT results_eq($$SELECT f FROM pg_temp.sent('g1') f$$, ARRAY['email new_invoice queued ap@globex.example'], 'as a new invoice');
SELECT is(pg_temp.bill('g2'), 'billed', 'another one');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('g2'), pg_temp.step('{email}', days => 100)), 1, 'which is chased');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-01-10 09:00+00') f$$, ARRAY['G2 1 skipped the invoice is chased'], 'gets none of them');
SELECT lives_ok($$SELECT ar_inbox.set_automatic_mail(pg_temp.id('acme'), 'unpaid_reminder', false)$$, 'turned off');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-02-06 09:00+00') f WHERE f LIKE 'G1%'$$, ARRAY['G1 2 skipped the automatic mail is turned off'], 'what was planned is skipped');
CALL pg_temp.keep('paid', ar_inbox.record_payment(pg_temp.id('g1'), 40));
CALL pg_temp.keep('rest', ar_inbox.record_payment(pg_temp.id('g1'), 60));
SELECT results_eq($$SELECT f FROM pg_temp.steps('g1') f$$,
    ARRAY['2 unpaid_reminder skipped the automatic mail is turned off', '4 payment_receipt scheduled', '4 payment_receipt scheduled'],
    'paid in full: what was to come is cancelled, the receipts are not');
SELECT lives_ok($$SELECT ar_inbox.void_payment(pg_temp.id('rest'))$$, 'one payment bounces');
SELECT results_eq($$SELECT f FROM pg_temp.fired(now()) f WHERE f LIKE 'G1%'$$, ARRAY['G1 4 sending', 'G1 4 cancelled the payment was voided'], 'and gets no receipt');
SELECT matches(body_text, '40\.00', 'the other one says what came in') FROM ar_inbox.emails WHERE template = 'payment_receipt';
SELECT is(ar_inbox.invoice_status(pg_temp.id('g0'), '2099-01-11'), 'not_sent', 'before');
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('g0'), 10)$$, 'a receipt');
SELECT results_eq($$SELECT f FROM pg_temp.fired(now()) f$$, ARRAY['G0 4 sending'], 'goes out');
SELECT is(ar_inbox.invoice_status(pg_temp.id('g0'), '2099-01-11'), 'not_sent', 'and has not sent the invoice');
-- a credit is no payment
SELECT is(pg_temp.bill('h1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('h1'), pg_temp.step('{email}', days => 60)), 1, 'which is chased');
CALL pg_temp.keep('promised', ar_inbox.hold(pg_temp.id('h1'), kind => 'promise', until => '2099-01-20', amount => 30));
CALL pg_temp.keep('credit', ar_inbox.record_credit(pg_temp.id('h1'), 30, reason => 'goods returned'));
SELECT is(concat_ws('|', balance, status), '70.00|issued', 'a credit lowers the balance') FROM ar_inbox.invoices WHERE id = pg_temp.id('h1');
SELECT is_empty($$SELECT f FROM pg_temp.fired(now()) f$$, 'no receipt goes out');
SELECT is(ar_inbox_internal.end_holds('2099-02-01'), 1::bigint, 'the promise ends');
SELECT is(outcome, 'broken', 'which a credit does not keep') FROM ar_inbox.holds WHERE id = pg_temp.id('promised');
SELECT lives_ok($$SELECT ar_inbox.record_credit(pg_temp.id('h1'), 70)$$, 'all of it credited');
SELECT results_eq($$SELECT state || ' ' || reason FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('h1') AND mail IS NULL$$, ARRAY['cancelled invoice paid'], 'ends the chasing');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.record_credit(%s, 1)', pg_temp.id('h1'))), 'IB002 invoice H1 is paid', 'there is nothing more to credit');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.record_credit(%s, 1, reason => repeat(''x'', 1001))', pg_temp.id('g0'))), '22023 reason has 1001 characters', 'nor is a tale a reason');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.record_payment(%s, 1, method => repeat(''x'', 201))', pg_temp.id('g0'))), '22023 method has 201 characters', 'or a way to pay');
-- what holds all channels of a step is said once
SELECT is(pg_temp.bill('h2'), 'billed', 'an invoice');
DO $$ BEGIN
    PERFORM ar_inbox.chase_invoice(pg_temp.id('h2'), pg_temp.step('{email,letter}', days => 60)), ar_inbox.hold(pg_temp.id('h2'), kind => 'dispute', reason => 'price');
    PERFORM ar_inbox.fire_due_steps(due_at) FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('h2');
END $$;
SELECT results_eq($$SELECT state || ' ' || reason FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('h2') AND mail IS NULL$$, ARRAY['withheld held: dispute (price)'], 'both channels are held');
DO $$ BEGIN PERFORM ar_inbox.close_invoice(pg_temp.id('h2')); END $$;
SELECT is((SELECT count(*) FROM ar_inbox.open_holds WHERE invoice_id = pg_temp.id('h2')), 0::bigint, 'until it is closed');
SELECT throws_ok(format('UPDATE ar_inbox.payments SET is_credit = false WHERE id = %s', pg_temp.id('credit')), 'IB002', NULL, 'it does not become a payment');
-- what was never handed off does not leave days late, and nothing leaves before its moment
SELECT is(pg_temp.bill('l1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('l1'), pg_temp.step('{email,letter}', days => 65)), 1, 'by e-mail and letter');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-04-15 09:00+00') f WHERE f LIKE 'L1% sending'$$, ARRAY['L1 1 sending'], 'it fires, in advance');
SELECT lives_ok('SELECT ar_inbox.arm()', 'where mail may leave');
SELECT is((SELECT count(*) FROM ar_inbox_internal.claim_deliveries('2099-04-15 08:59+00', 1000) c JOIN ar_inbox.deliveries d ON d.id = c.delivery_id WHERE d.invoice_id = pg_temp.id('l1')), 0::bigint, 'but leaves at its moment only');
SELECT is((SELECT count(*) FROM ar_inbox_internal.claim_deliveries('2099-04-17 09:00+00', 1000) c JOIN ar_inbox.deliveries d ON d.id = c.delivery_id WHERE d.invoice_id = pg_temp.id('l1')), 0::bigint, 'two days later not either');
SELECT is((SELECT count(*) FROM ar_inbox_internal.claim_provider_deliveries('2099-04-17 09:00+00', 1000, most => 1000) c JOIN ar_inbox.deliveries d ON d.id = c.delivery_id WHERE d.invoice_id = pg_temp.id('l1')), 0::bigint, 'nor by post');
SELECT results_eq($$SELECT state || ' ' || reason FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('l1') AND mail IS NULL$$,
    ARRAY['failed email: given up: it could not be handed off until 2099-04-16 09:00:00+00 (retry_limit); letter: given up: it could not be handed off until 2099-04-16 09:00:00+00 (retry_limit)'],
    'it has failed, and a member decides');
SELECT lives_ok('SELECT ar_inbox.disarm()', 'as before');
-- a text message that is too long
SELECT lives_ok($$SELECT ar_inbox.set_template(pg_temp.id('acme'), 'past_due_invoice_sms', '', repeat('x', 1601))$$, 'a long text');
SELECT is(pg_temp.bill('i1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('i1'), pg_temp.step('{email,sms}', days => 70)), 1, 'by e-mail and text message');
SELECT results_eq($$SELECT f FROM pg_temp.fired('2099-04-20 09:00+00') f WHERE f LIKE 'I1% sending'$$, ARRAY['I1 1 sending'], 'the e-mail goes out');
SELECT results_eq($$SELECT f FROM pg_temp.steps('i1') f WHERE f LIKE '1 sending%'$$, ARRAY['1 sending {"sms": "sms: the text message has 1601 characters, more than the limit of 1600"}'], 'the text message does not');

SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_automatic_mail(%s, %s)', pg_temp.id('acme'), arguments)), wanted, wanted)
FROM (VALUES
    ('''birthday''', '22023 automatic mail ''birthday'' is not known'),
    ('NULL', '22023 automatic mail NULL is not known'),
    ('''new_invoice'', NULL', '22004 is_on is NULL'),
    ('''new_invoice'', days => 3', '22023 new_invoice takes no days'),
    ('''unpaid_reminder'', days => -1', '22023 days -1 is outside 0 to 3650'),
    ('''payment_receipt'', hour => 9', '22023 payment_receipt takes no hour'),
    ('''unpaid_reminder'', hour => 24', '22023 hour 24 is outside 0 to 23')) t (arguments, wanted);

SELECT * FROM finish();
ROLLBACK;
