\set ECHO none
-- Holds: promises, disputes, replies, by hand; what they stop and how they end.
-- Years are far away, so that only the moments given here count.
\i test/lib/pgtap.sql
SELECT plan(87);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme', 'America/New_York'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('other'), 'Theirs', email => 'x@theirs.example'));
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example');
END $$;
-- An invoice over 100, issued on 10 January 2099 and due on 9 February, chased
-- each noon from the 10th of February on.
CREATE FUNCTION pg_temp.bill(name text, steps integer DEFAULT 3) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(name, ar_inbox.create_invoice(pg_temp.id('globex'),
        '[{"description": "Work", "unit_price": 100}]', '2099-01-10', '2099-02-09', upper(name)));
    PERFORM ar_inbox.issue_invoice(pg_temp.id(name));
    PERFORM ar_inbox.chase_invoice(pg_temp.id(name), (
        SELECT jsonb_agg(jsonb_build_object('trigger', 'after_due', 'days', d, 'hour', 12, 'channels', '["email"]'::jsonb))
        FROM generate_series(1, steps) d));
    RETURN 'billed';
END
$$;
CREATE FUNCTION pg_temp.fired(at timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', i.number, s.step_number, f.outcome, f.reason)
    FROM ar_inbox.fire_due_steps(at) WITH ORDINALITY f
    JOIN ar_inbox.chasing_steps s ON s.id = f.step_id
    JOIN ar_inbox.invoices i ON i.id = f.invoice_id
    ORDER BY i.number, s.step_number
$$;
CREATE FUNCTION pg_temp.holds(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', kind, reason, amount, until, outcome, ended_at IS NOT NULL)
    FROM ar_inbox.holds WHERE invoice_id = pg_temp.id(name) ORDER BY id
$$;
CREATE FUNCTION pg_temp.day(day integer, hour integer DEFAULT 12) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT make_timestamptz(2099, 2, day, hour, 0, 0, 'America/New_York')
$$;

-- a promise
SELECT is(pg_temp.bill('p1'), 'billed', 'an invoice with three steps');
CALL pg_temp.keep('promise', ar_inbox.hold(pg_temp.id('p1'), kind => 'promise', reason => ' by phone ', until => '2099-02-10'));
SELECT results_eq($$SELECT pg_temp.holds('p1')$$, ARRAY['promise|by phone|100.00|2099-02-10|f'], 'a promise to pay, of all that is open');
SELECT is(ends_at, make_timestamptz(2099, 2, 13, 0, 0, 0, 'America/New_York'), 'it holds for two days more, to the end of the day on the company''s clocks')
FROM ar_inbox.holds WHERE id = pg_temp.id('promise');
SELECT results_eq($$SELECT concat_ws(': ', outlook, reason) FROM ar_inbox.chasing_schedule(pg_temp.id('p1'))$$,
    ARRAY['withhold: held: promise to pay 100.00 until 2099-02-10 (by phone)', 'withhold: held: promise to pay 100.00 until 2099-02-10 (by phone)',
        'withhold: held: promise to pay 100.00 until 2099-02-10 (by phone)'], 'the schedule tells');
SET LOCAL DateStyle = 'German';
SELECT is(ar_inbox_internal.hold_text('promise', '', 100, '2099-02-10'), 'promise to pay 100 until 2099-02-10',
    'which is stored with the step, the same in every session');
SET LOCAL DateStyle = 'ISO, YMD';
SELECT results_eq($$SELECT pg_temp.fired(pg_temp.day(10))$$, ARRAY['P1 1 withheld held: promise to pay 100.00 until 2099-02-10 (by phone)'], 'a step meanwhile is withheld');
SELECT is(ar_inbox_internal.end_holds(pg_temp.day(12, 23)), 0::bigint, 'it is not over before its end');
SELECT is(ar_inbox_internal.end_holds(pg_temp.day(13, 0)), 1::bigint, 'then it is');
SELECT results_eq($$SELECT pg_temp.holds('p1')$$, ARRAY['promise|by phone|100.00|2099-02-10|broken|t'], 'broken: nothing came in');
SELECT results_eq($$SELECT pg_temp.fired(pg_temp.day(13))$$, ARRAY['P1 2 sending', 'P1 3 sending'], 'what is due then goes out, late steps too');
SELECT is((SELECT array_agg(action ORDER BY id) FROM ar_inbox.events WHERE subject = 'invoice' AND subject_id = pg_temp.id('p1') AND action LIKE 'h%'),
    ARRAY['held', 'hold ended'], 'both are written down');
SELECT is(pg_temp.bill('p2'), 'billed', 'another one');
CALL pg_temp.keep('half', ar_inbox.hold(pg_temp.id('p2'), kind => 'promise', until => '2099-02-10', amount => 50));
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('p2'), 50)$$, 'half was promised, and comes in');
SELECT is(ar_inbox_internal.end_holds(pg_temp.day(13, 0)), 1::bigint, 'at its end');
SELECT results_eq($$SELECT pg_temp.holds('p2')$$, ARRAY['promise||50|2099-02-10|kept|t'], 'it is kept');
SELECT is(pg_temp.bill('p3'), 'billed', 'a third one');
CALL pg_temp.keep('whole', ar_inbox.hold(pg_temp.id('p3'), kind => 'promise', until => '2099-02-10'));
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('p3'), 100)$$, 'paid in full before its end');
SELECT results_eq($$SELECT pg_temp.holds('p3')$$, ARRAY['promise||100.00|2099-02-10|kept|t'], 'it is kept at once');

-- by hand, and lifting
SELECT is(pg_temp.bill('m1'), 'billed', 'an invoice');
CALL pg_temp.keep('manual', ar_inbox.hold(pg_temp.id('m1')));
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(10)) f WHERE f LIKE 'M1%'$$, ARRAY['M1 1 withheld held: by hand'], 'held by hand');
SELECT lives_ok($$SELECT ar_inbox.lift_hold(pg_temp.id('manual'))$$, 'lifted');
SELECT is(concat_ws('|', outcome, lifted_by IS NOT NULL), 'lifted|t', 'with who did it') FROM ar_inbox.holds WHERE id = pg_temp.id('manual');
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(11)) f WHERE f LIKE 'M1%'$$, ARRAY['M1 2 sending'], 'the next step goes out');
SELECT results_eq($$SELECT step_number || ' ' || state FROM ar_inbox.chasing_schedule(pg_temp.id('m1')) ORDER BY 1$$,
    ARRAY['1 withheld', '2 sending', '3 scheduled'], 'the one before stays withheld');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.lift_hold(%s)', pg_temp.id('manual'))), format('IB002 hold %s has ended (lifted)', pg_temp.id('manual')), 'once');
SELECT lives_ok($$SELECT ar_inbox.retry_step(id, pg_temp.day(11, 15)) FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('m1') AND step_number = 1$$,
    'what was withheld can be sent after all');
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(11, 15)) f WHERE f LIKE 'M1%'$$, ARRAY['M1 1 sending'], 'and is');

-- what waits for hand-off is called back
SELECT is(pg_temp.bill('c1'), 'billed', 'an invoice');
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(10)) f WHERE f LIKE 'C1%'$$, ARRAY['C1 1 sending'], 'whose reminder is queued');
CALL pg_temp.keep('dispute', ar_inbox.hold(pg_temp.id('c1'), kind => 'dispute', reason => 'wrong quantity', until => '2099-03-01'));
SELECT results_eq($$SELECT state || ': ' || reason FROM ar_inbox.deliveries WHERE invoice_id = pg_temp.id('c1')$$,
    ARRAY['cancelled: held: dispute until 2099-03-01 (wrong quantity)'], 'a dispute calls it back');
SELECT results_eq($$SELECT state || ': ' || reason FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('c1') AND step_number = 1$$,
    ARRAY['withheld: held: dispute until 2099-03-01 (wrong quantity)'], 'its step is withheld');
SELECT is(ar_inbox_internal.end_holds('2099-03-02 06:00+00'), 1::bigint, 'it ends by itself');
SELECT results_eq($$SELECT pg_temp.holds('c1')$$, ARRAY['dispute|wrong quantity|2099-03-01|over|t'], 'and is over');

-- a customer's invoices, all
SELECT is(pg_temp.bill('k1'), 'billed', 'an invoice');
SELECT is(pg_temp.bill('k2'), 'billed', 'and another');
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(10)) f WHERE f LIKE 'K%'$$, ARRAY['K1 1 sending', 'K2 1 sending'], 'both are on their way');
CALL pg_temp.keep('all', ar_inbox.hold(customer_id => pg_temp.id('globex')));
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(11)) f WHERE f LIKE 'K%'$$,
    ARRAY['K1 2 withheld held: by hand', 'K2 2 withheld held: by hand'], 'a customer is held: none of its invoices is chased');
SELECT results_eq($$SELECT i.number || ' ' || d.state FROM ar_inbox.deliveries d JOIN ar_inbox.invoices i ON i.id = d.invoice_id WHERE i.number LIKE 'K%' ORDER BY 1$$,
    ARRAY['K1 cancelled', 'K2 cancelled'], 'what was on its way is called back');
SELECT lives_ok($$SELECT ar_inbox.lift_hold(pg_temp.id('all'))$$, 'lifted');
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(12)) f WHERE f LIKE 'K%'$$, ARRAY['K1 3 sending', 'K2 3 sending'], 'chasing goes on');
CALL pg_temp.keep('account', ar_inbox.hold(customer_id => pg_temp.id('globex'), kind => 'promise', until => '2099-02-20'));
SELECT is(ar_inbox_internal.end_holds('2099-03-02 06:00+00'), 1::bigint, 'a promise for the whole account ends');
SELECT is(outcome, 'broken', 'broken while anything of then is open') FROM ar_inbox.holds WHERE id = pg_temp.id('account');
CALL pg_temp.keep('initech', ar_inbox.create_customer(pg_temp.id('acme'), 'Initech'));
DO $$ BEGIN
    CALL pg_temp.keep('dollars', ar_inbox.create_invoice(pg_temp.id('initech'), '[{"description": "Work", "unit_price": 100}]'));
    CALL pg_temp.keep('yen', ar_inbox.create_invoice(pg_temp.id('initech'), '[{"description": "Work", "unit_price": 9000}]', currency => 'JPY'));
    PERFORM ar_inbox.issue_invoice(pg_temp.id('dollars')), ar_inbox.issue_invoice(pg_temp.id('yen'));
    CALL pg_temp.keep('sixty', ar_inbox.hold(customer_id => pg_temp.id('initech'), kind => 'promise', until => '2099-02-20', amount => 60));
    PERFORM ar_inbox.record_payment(pg_temp.id('yen'), 9000), ar_inbox.record_payment(pg_temp.id('dollars'), 59);
END $$;
SELECT is(ar_inbox_internal.promise_is_kept(pg_temp.id('acme'), pg_temp.id('sixty')), false, 'dollars that were promised do not come in as yen');
SELECT lives_ok($$SELECT ar_inbox.record_payment(pg_temp.id('dollars'), 1)$$, 'the rest comes in');
SELECT is(ar_inbox_internal.end_holds('2099-03-02 06:00+00'), 1::bigint, 'at its end');
SELECT is(outcome, 'kept', 'it is kept') FROM ar_inbox.holds WHERE id = pg_temp.id('sixty');

-- the customer writes
SELECT is(pg_temp.bill('r1'), 'billed', 'an invoice');
SELECT results_eq($$SELECT f FROM pg_temp.fired(pg_temp.day(10)) f WHERE f LIKE 'R1%'$$, ARRAY['R1 1 sending'], 'a reminder');
CREATE FUNCTION pg_temp.answer(token text, sender text, more text DEFAULT '') RETURNS bigint LANGUAGE sql AS $$
    SELECT ar_inbox.receive_email(convert_to(format(E'From: %s\r\nTo: inbox@acme.example\r\nMessage-ID: <%s@globex.example>\r\nIn-Reply-To: <%s>\r\nSubject: Re: R1\r\n%s\r\nHello.\r\n',
        sender, token, e.message_id, more), 'UTF8'))
    FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.invoice_id = pg_temp.id('r1') LIMIT 1
$$;
SELECT ok(pg_temp.answer('auto', 'ap@globex.example', E'Auto-Submitted: auto-replied\r\n') > 0, 'an automatic answer');
SELECT is_empty($$SELECT pg_temp.holds('r1')$$, 'holds nothing');
SELECT ok(pg_temp.answer('stranger', 'who@elsewhere.example') > 0, 'a stranger''s');
SELECT is_empty($$SELECT pg_temp.holds('r1')$$, 'neither');
SELECT ok(pg_temp.answer('real', 'ap@globex.example') > 0, 'the customer''s');
SELECT results_eq($$SELECT concat_ws('|', kind, until - (now() AT TIME ZONE 'America/New_York')::date, outcome) FROM ar_inbox.holds WHERE invoice_id = pg_temp.id('r1')$$,
    ARRAY['reply|2'], 'holds for three days, today included');
SELECT results_eq($$SELECT state || ': ' || regexp_replace(reason, '[0-9-]{10}', '…') FROM ar_inbox.deliveries WHERE invoice_id = pg_temp.id('r1')$$,
    ARRAY['cancelled: held: the customer replied, until …'], 'what was queued does not leave');
SELECT ok(pg_temp.answer('again', 'ap@globex.example') > 0, 'another one');
SELECT is((SELECT count(*) FROM ar_inbox.holds WHERE invoice_id = pg_temp.id('r1')), 1::bigint, 'makes no second hold');
SELECT lives_ok($$SELECT ar_inbox.set_thread_status(id, 'closed') FROM ar_inbox.threads WHERE invoice_id = pg_temp.id('r1')$$, 'a member closes the thread');
SELECT results_eq($$SELECT outcome || '|' || (lifted_by IS NULL) FROM ar_inbox.holds WHERE invoice_id = pg_temp.id('r1')$$, ARRAY['lifted|true'], 'which ends the hold');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"reply_hold_days": 0}'); END $$;
SELECT ok(pg_temp.answer('more', 'ap@globex.example') > 0, 'turned off');
SELECT is((SELECT count(*) FROM ar_inbox.holds WHERE invoice_id = pg_temp.id('r1')), 1::bigint, 'a reply holds nothing');
CALL pg_temp.keep('later', ar_inbox.send_email(pg_temp.id('acme'), '{someone@initech.example}', 'Later', 'Hello', send_at => now() + interval '1 day', cancel_on_answer => true));
SELECT ok(pg_temp.answer('oncemore', 'ap@globex.example') > 0, 'nor while something waits for an answer');
SELECT is((SELECT count(*) FROM ar_inbox.holds WHERE invoice_id = pg_temp.id('r1')), 1::bigint, 'elsewhere');

-- of a merged conversation each invoice is held, however deep its thread lies
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"reply_hold_days": 3}'); END $$;
SELECT is(string_agg(pg_temp.bill('d' || n), ' '), 'billed billed billed', 'three invoices') FROM generate_series(1, 3) n;
DO $$ BEGIN
    PERFORM ar_inbox.send_email(pg_temp.id('acme'), '{ap@globex.example}', 'About it', 'Hello', invoice_id => pg_temp.id('d' || n)) FROM generate_series(1, 3) n;
    PERFORM ar_inbox.merge_threads(i.id, f.id)
    FROM generate_series(1, 2) n JOIN ar_inbox.threads f ON f.invoice_id = pg_temp.id('d' || n) JOIN ar_inbox.threads i ON i.invoice_id = pg_temp.id('d' || n + 1);
    PERFORM ar_inbox.receive_email(convert_to(E'From: ap@globex.example\r\nTo: inbox@acme.example\r\nMessage-ID: <deep@globex.example>\r\nSubject: D2\r\n\r\nHello.\r\n', 'UTF8'));
END $$;
CREATE FUNCTION pg_temp.held() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', i.number, h.kind, h.outcome) FROM ar_inbox.holds h JOIN ar_inbox.invoices i ON i.id = h.invoice_id WHERE i.number LIKE 'D_' ORDER BY i.number, h.id
$$;
SELECT results_eq($$SELECT pg_temp.held()$$, ARRAY['D1 reply', 'D2 reply', 'D3 reply'], 'merged one through another, all three are held');
SELECT lives_ok($$SELECT ar_inbox.set_thread_status(id, 'closed') FROM ar_inbox.threads WHERE invoice_id = pg_temp.id('d3')$$, 'a member closes the conversation');
SELECT results_eq($$SELECT pg_temp.held()$$, ARRAY['D1 reply lifted', 'D2 reply lifted', 'D3 reply lifted'], 'which ends all three holds');

-- what is refused
SELECT is(pg_temp.refusal('SELECT ar_inbox.hold(' || replace(replace(arguments, '{i}', pg_temp.id('m1')::text), '{c}', pg_temp.id('globex')::text) || ')'), wanted, wanted)
FROM (VALUES
    ('', '22023 neither an invoice nor a customer is given'),
    ('{i}, {c}', '22023 both an invoice and a customer are given'),
    ('{i}, kind => ''vacation''', '22023 kind ''vacation'' is not known'),
    ('{i}, kind => NULL', '22023 kind NULL is not known'),
    ('{i}, kind => ''reply'', until => ''2099-01-01''', '22023 kind ''reply'' is not known'),
    ('{i}, kind => ''promise''', '22023 a promise to pay has no date'),
    ('{i}, kind => ''dispute'', reason => '' ''', '22023 a dispute has no reason'),
    ('{i}, until => ''2001-01-01''', '22023 until 2001-01-01 is over'),
    ('{i}, until => ''infinity''', '22023 until infinity is out of range'),
    ('{i}, amount => 5', '22023 an amount is given for a hold of kind manual'),
    ('{i}, kind => ''promise'', until => ''2099-01-01'', amount => 0', '22023 amount 0 cannot be promised'),
    ('{i}, kind => ''promise'', until => ''2099-01-01'', amount => 0.001', '22023 amount 0.001 cannot be promised'),
    ('{i}, kind => ''promise'', until => ''2099-01-01'', amount => ''NaN''', '22023 amount NaN cannot be promised'),
    ('{i}, kind => ''promise'', until => ''2099-01-01'', amount => 101', 'IB004 amount 101 is more than the balance of 100.00 USD of invoice M1'),
    ('{i}, reason => repeat(''ä'', 1001)', '22023 reason has 1001 characters'),
    ('0', 'IB001 invoice 0 does not exist'),
    ('customer_id => 0', 'IB001 customer 0 does not exist')) t (arguments, wanted);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.hold(%s)', pg_temp.id('p3'))), 'IB002 invoice P3 is paid', 'an invoice that is paid');
SELECT is(pg_temp.refusal('SELECT ar_inbox.lift_hold(0)'), 'IB001 hold 0 does not exist', 'no such hold');
SELECT throws_ok(format($$INSERT INTO ar_inbox.holds (company_id, invoice_id, kind, until, ends_at) VALUES (%s, %s, 'reply', '2099-01-01', '2099-01-01')$$, pg_temp.id('other'), pg_temp.id('r1')),
    '23503', NULL, 'no company holds another one''s invoice');

SELECT * FROM finish();
ROLLBACK;
