\set ECHO none
-- Invoice chasing: schedules, what fires when to whom with which text, and
-- everything that ends it.  Years are far away, so that only the moments given
-- here count.
\i test/lib/pgtap.sql
SELECT plan(178);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('ap', ar_inbox.create_contact_role(pg_temp.id('acme'), 'Accounts Payable'));
CALL pg_temp.keep('boss', ar_inbox.create_contact_role(pg_temp.id('acme'), 'Boss'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann', 'ann@globex.example', is_primary => true, role => 'Accounts Payable'));
CALL pg_temp.keep('mute', ar_inbox.create_customer(pg_temp.id('acme'), 'Mute'));
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('other'), 'Theirs', email => 'x@theirs.example'));
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example');
END $$;

-- An invoice over 100, issued on 10 January 2099 and due on 9 February.
CREATE FUNCTION pg_temp.bill(name text, customer text DEFAULT 'globex', issued boolean DEFAULT true, amount numeric DEFAULT 100,
    issue_date date DEFAULT '2099-01-10', due_date date DEFAULT '2099-02-09') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(name, ar_inbox.create_invoice(pg_temp.id(customer),
        jsonb_build_array(jsonb_build_object('description', 'Work', 'quantity', 2, 'unit_price', amount / 2)), issue_date, due_date, upper(name)));
    IF issued THEN
        PERFORM ar_inbox.issue_invoice(pg_temp.id(name));
    END IF;
    RETURN 'billed';
END
$$;
CREATE FUNCTION pg_temp.schedule(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', step_number, trigger, to_char(due_at, 'YYYY-MM-DD HH24:MI'), state, reason)
    FROM ar_inbox.chasing_schedule(pg_temp.id(name))
$$;
CREATE FUNCTION pg_temp.fired(at timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', i.number, s.step_number, f.outcome, f.reason)
    FROM ar_inbox.fire_due_steps(at) WITH ORDINALITY f
    JOIN ar_inbox.chasing_steps s ON s.id = f.step_id
    JOIN ar_inbox.invoices i ON i.id = f.invoice_id
    ORDER BY f.ordinality
$$;
CREATE FUNCTION pg_temp.mails(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', e.template, d.state, d.reason,
        (SELECT array_agg(r.address || '=' || r.state ORDER BY r.id) FROM ar_inbox.email_recipients r WHERE r.email_id = e.id))
    FROM ar_inbox.deliveries d JOIN ar_inbox.emails e ON e.id = d.email_id
    WHERE d.invoice_id = pg_temp.id(name) ORDER BY d.id
$$;
CREATE FUNCTION pg_temp.step(trigger text, days integer DEFAULT NULL, hour integer DEFAULT 9, on_date date DEFAULT NULL,
    role text DEFAULT NULL, repeats integer DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('trigger', trigger, 'days', days, 'hour', hour, 'date', on_date,
        'role', role, 'repeats', repeats, 'channels', '["email"]'::jsonb)))
$$;

-- without a cadence
SELECT is(pg_temp.bill('bare'), 'billed', 'an invoice issued before there is a default cadence');
SELECT is_empty($$SELECT pg_temp.schedule('bare')$$, 'has no schedule');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.chase_invoice(pg_temp.id('bare'))$$),
    format('IB005 company %s has no default cadence', pg_temp.id('acme')), 'and there is none to give it');

-- the default cadence
CALL pg_temp.keep('standard', ar_inbox.create_cadence(pg_temp.id('acme'), 'Standard', '[
    {"trigger": "on_issue", "hour": 9, "channels": ["email"]},
    {"trigger": "before_due", "days": 7, "hour": 9, "channels": ["email"]},
    {"trigger": "after_due", "days": 3, "hour": 9, "channels": ["email"]},
    {"trigger": "repeat", "days": 7, "repeats": 2, "hour": 15, "channels": ["email"]},
    {"trigger": "before_due", "days": 60, "hour": 9, "channels": ["email"]}]', true));
SELECT is_empty($$SELECT pg_temp.schedule('bare')$$, 'a new default changes nothing for invoices issued before');
SELECT is(pg_temp.bill('a1'), 'billed', 'an invoice is issued');
SELECT results_eq($$SELECT pg_temp.schedule('a1')$$, ARRAY[
    '5 before_due 2098-12-11 09:00 skipped before invoice date',
    '1 on_issue 2099-01-10 09:00 scheduled', '2 before_due 2099-02-02 09:00 scheduled', '3 after_due 2099-02-12 09:00 scheduled',
    '4 repeat 2099-02-16 15:00 scheduled', '4 repeat 2099-02-23 15:00 scheduled'], 'it takes the default cadence');
SELECT is(ar_inbox.invoice_status(pg_temp.id('a1'), '2099-01-10 08:00+00'), 'not_sent', 'it is not sent yet');
SELECT is_empty($$SELECT pg_temp.fired('2099-01-10 08:59:59+00')$$, 'nothing is due before its moment');
SELECT results_eq($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, ARRAY['A1 1 sending'], 'at its moment it fires');
SELECT is_empty($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, 'once');
SELECT is(ar_inbox.invoice_status(pg_temp.id('a1'), '2099-01-10 10:00+00'), 'sent', 'the invoice is sent');
SELECT results_eq($$SELECT pg_temp.fired('2099-02-02 09:00+00')$$, ARRAY['A1 2 sending'], 'then the next step');
SELECT results_eq($$SELECT pg_temp.fired('2099-02-12 10:00+00')$$, ARRAY['A1 3 sending'], 'and the next, late');
SELECT results_eq($$SELECT pg_temp.mails('a1')$$, ARRAY[
    'new_invoice queued {ap@globex.example=queued,ann@globex.example=queued}',
    'invoice_reminder queued {ap@globex.example=queued,ann@globex.example=queued}',
    'past_due_invoice queued {ap@globex.example=queued,ann@globex.example=queued}'],
    'new invoice, then reminder, then past due: by the invoice''s state, to the customer and its contacts');
SELECT results_eq($$SELECT pg_temp.schedule('a1')$$, ARRAY[
    '5 before_due 2098-12-11 09:00 skipped before invoice date',
    '1 on_issue 2099-01-10 09:00 sending', '2 before_due 2099-02-02 09:00 sending', '3 after_due 2099-02-12 09:00 sending',
    '4 repeat 2099-02-16 15:00 scheduled', '4 repeat 2099-02-23 15:00 scheduled'], 'the schedule shows it');
SELECT is((SELECT count(*) FROM ar_inbox.threads WHERE invoice_id = pg_temp.id('a1')), 1::bigint, 'one thread');
SELECT is(concat_ws('|', subject, customer, document, status, last_direction, message_count), 'Invoice A1|Globex|A1|closed|outgoing|3',
    'which stays closed')
FROM ar_inbox.inbox WHERE document = 'A1';

-- what the messages say
CREATE TEMP TABLE parsed AS
SELECT e.id, e.template, e.message_id AS kept_id, p.*, convert_from(e.message, 'UTF8') AS raw
FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id, ar_inbox_internal.parse_message(e.message) p
WHERE d.invoice_id = pg_temp.id('a1');
SELECT results_eq('SELECT subject FROM parsed ORDER BY id', ARRAY['Invoice A1 from Acme', 'Reminder: invoice A1 from Acme',
    'Past due: invoice A1 from Acme'], 'the subjects');
SELECT is_empty($$SELECT * FROM parsed WHERE concat_ws('|', from_name, from_address, to_addresses, cardinality(cc_addresses), automatic, defects)
        <> 'Acme|billing@acme.example|{ap@globex.example,ann@globex.example}|0|t|{}'$$, 'from the company, to its customer, and said to be automatic');
SELECT is_empty($$SELECT * FROM parsed WHERE raw !~ E'\r\nReply-To:\\s+<?inbox\\+r[a-z2-7]{29}@acme.example>?\r\n'$$, 'answers go to the inbox, to an address that names the thread');
SELECT is_empty($$SELECT * FROM parsed WHERE message_id <> kept_id OR kept_id !~ '^[0-9a-f]{32}@acme\.example$'$$, 'the Message-ID is fixed');
SELECT is((SELECT count(DISTINCT message_id) FROM parsed), 3::bigint, 'and each one''s own');
SELECT results_eq('SELECT in_reply_to FROM parsed ORDER BY id OFFSET 1',
    'SELECT ARRAY[message_id] FROM parsed ORDER BY id LIMIT 2', 'each answers the one before');
SELECT is_empty($$SELECT e.id FROM parsed p JOIN ar_inbox.emails e ON e.id = p.id WHERE (e.in_reply_to, e.reference_ids, e.subject) IS DISTINCT FROM (p.in_reply_to, p.reference_ids, p.subject)$$,
    'what the table says of a message is what the message says');
SELECT is((SELECT reference_ids FROM parsed ORDER BY id DESC LIMIT 1), (SELECT array_agg(message_id ORDER BY id) FROM (SELECT * FROM parsed ORDER BY id LIMIT 2) f),
    'and refers to all');
SELECT results_eq('SELECT sent_at FROM parsed ORDER BY id', ARRAY['2099-01-10 09:00+00', '2099-02-02 09:00+00', '2099-02-12 10:00+00']::timestamptz[], 'dated when they fired');
SELECT is(rtrim(body_text, E'\n'), E'Dear Globex,\n\nHere is invoice A1 of January 10, 2099 for **USD 100.00**.\nPlease pay it by February 9, 2099.\n\n'
    '- Work: 2 × USD 50.00 = USD 100.00\n\nIf anything is unclear, just get back to us.\n\nKind regards,\nAcme', 'the text of the first')
FROM parsed WHERE template = 'new_invoice';
SELECT matches(body_html, '<strong>USD 100\.00</strong>(.|\n)*<li>Work: 2 × USD 50\.00 = USD 100\.00</li>', 'and its HTML') FROM parsed WHERE template = 'new_invoice';
SELECT alike(body_text, '%is now 3 days%**USD 100.00** is open%', 'the past due one counts the days') FROM parsed WHERE template = 'past_due_invoice';
SELECT is_empty($$SELECT * FROM parsed WHERE subject || body_text || body_html LIKE '%{{%'$$, 'no placeholder is left');

-- changing a cadence changes no invoice
UPDATE ar_inbox.cadence_steps SET days = 30 WHERE cadence_id = pg_temp.id('standard') AND trigger = 'repeat';
CALL pg_temp.keep('short', ar_inbox.create_cadence(pg_temp.id('acme'), 'Short', pg_temp.step('after_due', 1), true));
SELECT results_eq($$SELECT pg_temp.schedule('a1') LIMIT 2 OFFSET 4$$, ARRAY['4 repeat 2099-02-16 15:00 scheduled', '4 repeat 2099-02-23 15:00 scheduled'],
    'neither another cadence nor another default changes an invoice''s schedule');
SELECT is(pg_temp.bill('a2'), 'billed', 'an invoice issued later');
SELECT results_eq($$SELECT pg_temp.schedule('a2')$$, ARRAY['1 after_due 2099-02-10 09:00 scheduled'], 'takes the new default');

-- another schedule in place of the one there was
SELECT is(ar_inbox.chase_invoice(pg_temp.id('a1'), pg_temp.step('after_due', 20) || pg_temp.step('after_due', 21), at => '2099-02-13 00:00+00'), 2, 'two steps of its own');
SELECT results_eq($$SELECT pg_temp.schedule('a1')$$, ARRAY['1 on_issue 2099-01-10 09:00 sending', '2 before_due 2099-02-02 09:00 sending',
    '3 after_due 2099-02-12 09:00 sending', '1 after_due 2099-03-01 09:00 scheduled', '2 after_due 2099-03-02 09:00 scheduled'],
    'they come after what was sent by the one before');
SELECT results_eq($$SELECT DISTINCT reason FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('a1') AND state = 'cancelled'$$,
    ARRAY['another schedule was set'], 'whose other steps are cancelled');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('a2'), cadence_id => pg_temp.id('standard'), at => '2099-02-20 00:00+00'), 3, 'a cadence by its id');
SELECT results_eq($$SELECT pg_temp.schedule('a2')$$, ARRAY['5 before_due 2098-12-11 09:00 skipped before invoice date',
    '2 before_due 2099-02-02 09:00 skipped past', '3 after_due 2099-02-12 09:00 skipped past', '1 on_issue 2099-02-20 00:00 scheduled',
    '4 repeat 2099-03-11 15:00 scheduled', '4 repeat 2099-04-10 15:00 scheduled'],
    'steps in the past are skipped, on_issue is due at once');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('a2'), at => '2099-02-09 00:00+00'), 1, 'the default cadence, asked for');
SELECT lives_ok($$SELECT ar_inbox.mark_sent(pg_temp.id('a2'))$$, 'mark_sent');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('a2'), pg_temp.step('on_issue'), at => '2099-02-20 00:00+00'), 0, 'marked as sent before: nothing to come');
SELECT results_eq($$SELECT pg_temp.schedule('a2')$$, ARRAY['1 on_issue 2099-01-10 09:00 skipped already sent'], 'on_issue is skipped then');
SELECT is((SELECT array_agg(action ORDER BY id) FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'invoice' AND subject_id = pg_temp.id('a2')),
    ARRAY['created', 'issued', 'chasing set', 'chasing set', 'marked as sent', 'chasing set'], 'each change is written down');

-- a draft
SELECT is(pg_temp.bill('d1', issued => false), 'billed', 'a draft');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('d1'), pg_temp.step('on_issue') || pg_temp.step('after_due', 1)), 2, 'may have a schedule');
SELECT results_eq($$SELECT pg_temp.schedule('d1')$$, ARRAY['1 on_issue scheduled the invoice is a draft', '2 after_due scheduled the invoice is a draft'],
    'which has no moments yet');
SELECT is_empty($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, 'and does not fire');
SELECT lives_ok($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('d1'), '2099-03-01', '2099-03-31')$$, 'its dates change');
SELECT lives_ok($$SELECT ar_inbox.issue_invoice(pg_temp.id('d1'))$$, 'it is issued');
SELECT results_eq($$SELECT pg_temp.schedule('d1')$$, ARRAY['1 on_issue 2099-03-01 09:00 scheduled', '2 after_due 2099-04-01 09:00 scheduled'],
    'now it has them, and keeps its own schedule');
SELECT is(pg_temp.bill('d2', issued => false), 'billed', 'another draft');
SELECT lives_ok($$SELECT ar_inbox.stop_chasing(pg_temp.id('d2'))$$, 'whose chasing is disabled');
SELECT lives_ok($$SELECT ar_inbox.issue_invoice(pg_temp.id('d2'))$$, 'is issued');
SELECT is_empty($$SELECT pg_temp.schedule('d2')$$, 'and does not take the default cadence');

-- never before the invoice date
SELECT is(pg_temp.bill('early'), 'billed', 'an invoice of 10 January');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('early'), pg_temp.step('on_date', on_date => '2099-01-09') || pg_temp.step('on_date', on_date => '2099-01-10')), 1, 'chased the day before and that day');
SELECT results_eq($$SELECT pg_temp.schedule('early')$$, ARRAY['1 on_date 2099-01-09 09:00 skipped before invoice date', '2 on_date 2099-01-10 09:00 scheduled'],
    'the day before is skipped');

-- dates that change
SELECT lives_ok($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('d1'), due_date => '2099-04-30')$$, 'the due date moves');
SELECT results_eq($$SELECT pg_temp.schedule('d1')$$, ARRAY['1 on_issue 2099-03-01 09:00 scheduled', '2 after_due 2099-05-01 09:00 scheduled'], 'the step moves with it');
SELECT lives_ok($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('a1'), due_date => '2099-02-19')$$, 'of an invoice in the middle of its chasing');
SELECT results_eq($$SELECT pg_temp.schedule('a1')$$, ARRAY['1 on_issue 2099-01-10 09:00 sending', '2 before_due 2099-02-02 09:00 sending',
    '3 after_due 2099-02-12 09:00 sending', '1 after_due 2099-03-11 09:00 scheduled', '2 after_due 2099-03-12 09:00 scheduled'],
    'only what is not done moves');
SELECT lives_ok($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('early'), '2001-01-01', '2001-01-31')$$, 'into the past');
SELECT is_empty($$SELECT * FROM ar_inbox.chasing_schedule(pg_temp.id('early')) WHERE state NOT IN ('skipped', 'scheduled')$$, 'nothing fires by that alone');

-- who is written to
DO $$ BEGIN PERFORM pg_temp.bill('r' || n) FROM generate_series(1, 6) n; END $$;
SELECT is(ar_inbox.chase_invoice(pg_temp.id('r1'), pg_temp.step('on_issue', role => 'Accounts Payable')), 1, 'a step for a contact role');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('r2'), pg_temp.step('on_issue', role => 'Boss')), 1, 'for one that no contact has');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('r3'), pg_temp.step('on_issue'), recipients => '{x@globex.example,ANN@globex.example}'), 1, 'the invoice''s own list');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('r4'), pg_temp.step('on_issue', role => 'Accounts Payable'), recipients => '{x@globex.example,ANN@globex.example}'), 1,
    'its own list and a contact role');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('r5'), pg_temp.step('on_issue', role => 'Boss'), recipients => '{x@globex.example}'), 1, 'a list without that role');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('r6'), pg_temp.step('on_issue'), recipients => '{x@globex.example}'), 1, 'a list,');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('r6'), pg_temp.step('on_issue')), 1, 'taken back');
SELECT is(pg_temp.bill('m1', 'mute'), 'billed', 'a customer without an address');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('m1'), pg_temp.step('on_issue')), 1, 'is chased');
DO $$ BEGIN PERFORM ar_inbox.stop_chasing(pg_temp.id(n)) FROM unnest(ARRAY['a1', 'a2', 'd1', 'early']) n; END $$;
SELECT results_eq($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, ARRAY['R1 1 sending', 'R2 1 failed email: no contact with the role ''Boss'' has an e-mail address',
    'R3 1 sending', 'R4 1 sending', 'R5 1 failed email: no contact with the role ''Boss'' has an e-mail address', 'R6 1 sending',
    'M1 1 failed email: the customer has no e-mail address'], 'who has no address fails, and the reason is said');
SELECT is_empty($$SELECT pg_temp.fired('2099-01-10 10:00+00')$$, 'what failed is not tried again by itself');
SELECT results_eq($$SELECT pg_temp.schedule('m1')$$, ARRAY['1 on_issue 2099-01-10 09:00 failed email: the customer has no e-mail address'], 'the schedule says so too');
SELECT is((SELECT string_agg(m, ' ; ' ORDER BY n) FROM unnest(ARRAY['r1', 'r3', 'r4', 'r6']) n, pg_temp.mails(n) m),
    'new_invoice queued {ann@globex.example=queued} ; new_invoice queued {x@globex.example=queued,ANN@globex.example=queued} ; '
    'new_invoice queued {ANN@globex.example=queued} ; new_invoice queued {ap@globex.example=queued,ann@globex.example=queued}', 'the others go where they should');
CALL pg_temp.keep('t1', ar_inbox.create_invoice(pg_temp.id('theirs'), '[{"description": "x", "unit_price": 1}]', '2099-01-10', number => 'T1'));
SELECT lives_ok($$SELECT ar_inbox.issue_invoice(pg_temp.id('t1'))$$, 'a company without a mail account');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('t1'), pg_temp.step('on_issue')), 1, 'chases');
SELECT results_eq($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, ARRAY['T1 1 failed email: the company has no mail account'], 'and fails');

-- what ends chasing
CREATE FUNCTION pg_temp.chased(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.bill(name);
    PERFORM ar_inbox.chase_invoice(pg_temp.id(name), pg_temp.step('on_issue') || pg_temp.step('after_due', 1) || pg_temp.step('repeat', 7, repeats => 2));
    RETURN (SELECT string_agg(f, ',') FROM pg_temp.fired('2099-01-10 09:00+00') f);
END
$$;
CREATE FUNCTION pg_temp.ended(reason text) RETURNS text[] LANGUAGE sql AS $$
    SELECT ARRAY['1 on_issue 2099-01-10 09:00 cancelled ' || reason, '2 after_due 2099-02-10 09:00 cancelled ' || reason,
        '3 repeat 2099-02-16 09:00 cancelled ' || reason, '3 repeat 2099-02-23 09:00 cancelled ' || reason]
$$;
SELECT is(pg_temp.chased('p1'), 'P1 1 sending', 'a reminder waits to be handed off');
CALL pg_temp.keep('pay1', ar_inbox.record_payment(pg_temp.id('p1'), 40));
SELECT results_eq($$SELECT pg_temp.schedule('p1')$$, ARRAY['1 on_issue 2099-01-10 09:00 sending', '2 after_due 2099-02-10 09:00 scheduled',
    '3 repeat 2099-02-16 09:00 scheduled', '3 repeat 2099-02-23 09:00 scheduled'], 'a payment in part ends nothing');
CALL pg_temp.keep('pay2', ar_inbox.record_payment(pg_temp.id('p1'), 60));
SELECT results_eq($$SELECT pg_temp.schedule('p1')$$, pg_temp.ended('invoice paid'), 'payment in full ends all, in its transaction');
SELECT results_eq($$SELECT pg_temp.mails('p1')$$, ARRAY['new_invoice cancelled invoice paid {ap@globex.example=cancelled,ann@globex.example=cancelled}'],
    'the reminder that waited as well');
SELECT is((SELECT count(*) FROM ar_inbox.deliveries WHERE invoice_id = pg_temp.id('p1') AND (crossed_with_payment OR next_attempt_at IS NOT NULL OR finished_at IS NULL)), 0::bigint,
    'it crossed with nothing');
SELECT is_empty($$SELECT f FROM pg_temp.fired('2099-12-31 00:00+00') f WHERE f LIKE 'P1 %'$$, 'nothing fires any more');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.chase_invoice(pg_temp.id('p1'))$$), 'IB002 invoice P1 is paid', 'a paid invoice is not chased');
SELECT lives_ok($$SELECT ar_inbox.void_payment(pg_temp.id('pay2'))$$, 'void_payment');
SELECT is(concat_ws('|', status, balance), 'issued|60.00', 'the payment is voided: there is a balance again') FROM ar_inbox.invoices WHERE id = pg_temp.id('p1');
SELECT is_empty($$SELECT f FROM pg_temp.fired('2099-12-31 00:00+00') f WHERE f LIKE 'P1 %'$$, 'what was cancelled stays so');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('p1'), pg_temp.step('after_due', 2)), 1, 'but it can be chased again');

SELECT is(pg_temp.chased('v1'), 'V1 1 sending', 'another one');
SELECT lives_ok($$SELECT ar_inbox.void_invoice(pg_temp.id('v1'))$$, 'is voided');
SELECT results_eq($$SELECT pg_temp.schedule('v1')$$, pg_temp.ended('invoice voided'), 'that ends its chasing');
SELECT results_eq($$SELECT pg_temp.mails('v1')$$, ARRAY['new_invoice cancelled invoice voided {ap@globex.example=cancelled,ann@globex.example=cancelled}'], 'and its reminder');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.chase_invoice(pg_temp.id('v1'))$$), 'IB002 invoice V1 is voided', 'it is not chased any more');
SELECT is(pg_temp.chased('c1'), 'C1 1 sending', 'another one');
SELECT lives_ok($$SELECT ar_inbox.close_invoice(pg_temp.id('c1'))$$, 'is closed');
SELECT results_eq($$SELECT pg_temp.schedule('c1')$$, pg_temp.ended('invoice closed'), 'that ends its chasing');
SELECT results_eq($$SELECT pg_temp.mails('c1')$$, ARRAY['new_invoice cancelled invoice closed {ap@globex.example=cancelled,ann@globex.example=cancelled}'], 'and its reminder');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.chase_invoice(pg_temp.id('c1'))$$), 'IB002 invoice C1 is closed', 'it is not chased any more');
SELECT is(pg_temp.chased('s1'), 'S1 1 sending', 'another one');
SELECT lives_ok($$SELECT ar_inbox.stop_chasing(pg_temp.id('s1'))$$, 'is chased no more');
SELECT results_eq($$SELECT pg_temp.schedule('s1')$$, pg_temp.ended('chasing disabled'), 'that ends its steps');
SELECT results_eq($$SELECT pg_temp.mails('s1')$$, ARRAY['new_invoice cancelled chasing disabled {ap@globex.example=cancelled,ann@globex.example=cancelled}'], 'and its reminder');
SELECT lives_ok($$SELECT ar_inbox.stop_chasing(pg_temp.id('s1'))$$, 'twice does no harm');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject_id = pg_temp.id('s1') AND action = 'chasing disabled'), 1::bigint, 'and is one event');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('s1'), pg_temp.step('on_issue')), 1, 'it can be chased again');
SELECT results_eq($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, ARRAY['S1 1 sending'], 'then its steps fire');
SELECT is((SELECT template FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.invoice_id = pg_temp.id('s1') AND d.state = 'queued'),
    'new_invoice', 'the first message never left, so this is still the new invoice');

-- the limit of a day
SELECT is(pg_temp.bill('l1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('l1'), (SELECT jsonb_agg(pg_temp.step('on_date', hour => h, on_date => '2099-01-20') -> 0) FROM generate_series(8, 11) h)
    || pg_temp.step('on_date', on_date => '2099-01-21')), 5, 'chased four times in a day');
SELECT results_eq($$SELECT pg_temp.fired('2099-01-20 20:00+00')$$, ARRAY['L1 1 sending', 'L1 2 sending', 'L1 3 sending',
    'L1 4 withheld sent 3 times by email today, the limit (max_sends_per_day)'], 'the fourth is withheld');
SELECT results_eq($$SELECT pg_temp.fired('2099-01-21 09:00+00')$$, ARRAY['L1 5 sending'], 'the next day is another one');
SELECT results_eq($$SELECT pg_temp.schedule('l1') OFFSET 3 LIMIT 1$$,
    ARRAY['4 on_date 2099-01-20 11:00 withheld sent 3 times by email today, the limit (max_sends_per_day)'], 'the schedule shows it');

-- the decision, asked and not taken
SELECT is(pg_temp.bill('q1'), 'billed', 'an invoice');
SELECT is(ar_inbox.chase_invoice(pg_temp.id('q1'), pg_temp.step('on_issue')), 1, 'with one step');
CREATE FUNCTION pg_temp.decision(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', d.outcome, d.reason, d.template, d.recipients)
    FROM ar_inbox.chasing_steps s, ar_inbox_internal.decide_steps(s.company_id, ARRAY[s.id], ARRAY[at]) d
    WHERE s.invoice_id = pg_temp.id('q1') AND s.state <> 'cancelled'
$$;
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"catch_up_window": "60 days"}'); END $$;
SELECT is(pg_temp.decision('2099-01-10 08:59+00'), 'wait not yet due', 'not yet');
SELECT is(pg_temp.decision('2099-01-10 09:00+00'), 'send new_invoice {ap@globex.example,ann@globex.example}', 'what would be sent');
SELECT is(pg_temp.decision('2099-02-09 23:59+00'), 'send new_invoice {ap@globex.example,ann@globex.example}', 'on its last day it is not past due');
SELECT is(pg_temp.decision('2099-02-10 09:00+00'), 'send past_due_invoice {ap@globex.example,ann@globex.example}', 'what would be sent later');
SELECT is((SELECT count(*) FROM ar_inbox.deliveries WHERE invoice_id = pg_temp.id('q1')), 0::bigint, 'and nothing was');
SELECT results_eq($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, ARRAY['Q1 1 sending'], 'it fires');
SELECT is(pg_temp.decision('2099-01-10 09:00+00'), 'done', 'done');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"catch_up_window": "48 hours"}'); END $$;

-- the company's own texts
SELECT lives_ok($$SELECT ar_inbox.set_template(pg_temp.id('acme'), 'new_invoice', 'Ours: {{invoice.number}}', E'Hi *{{customer.name}}*,{{no.such}} {{{customer.name}}}\n')$$, 'set_template');
SELECT lives_ok($$SELECT ar_inbox.set_template(pg_temp.id('acme'), 'new_invoice', 'Rechnung {{invoice.number}}', 'Hallo', 'de')$$, 'in another language');
SELECT lives_ok($$SELECT ar_inbox.set_template(pg_temp.id('acme'), 'new_invoice', 'Facture {{invoice.number}}', 'Salut', 'fr')$$, 'and another');
SELECT lives_ok($$SELECT ar_inbox.set_template(pg_temp.id('acme'), 'new_invoice', 'La facture {{invoice.number}}', 'Salut', 'fr')$$, 'which is put better');
CALL pg_temp.keep('odd', ar_inbox.create_customer(pg_temp.id('acme'), '<b>*Odd*</b> & [co](http://x)', email => 'odd@odd.example'));
CALL pg_temp.keep('french', ar_inbox.create_customer(pg_temp.id('acme'), 'French', email => 'f@f.example'));
UPDATE ar_inbox.customers SET language = 'fr' WHERE id = pg_temp.id('french');
CALL pg_temp.keep('swede', ar_inbox.create_customer(pg_temp.id('acme'), 'Swede', email => 's@s.example'));
UPDATE ar_inbox.customers SET language = 'sv' WHERE id = pg_temp.id('swede');
DO $$ BEGIN
    PERFORM pg_temp.bill('o1', 'odd'), pg_temp.bill('f1', 'french'), pg_temp.bill('w1', 'swede');
    PERFORM ar_inbox.chase_invoice(pg_temp.id(n), pg_temp.step('on_issue')) FROM unnest(ARRAY['o1', 'f1', 'w1']) n;
END $$;
SELECT results_eq($$SELECT pg_temp.fired('2099-01-10 09:00+00')$$, ARRAY['O1 1 sending', 'F1 1 sending', 'W1 1 sending'], 'they are used');
SELECT is((SELECT e.subject FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.invoice_id = pg_temp.id(n)), wanted, 'the language: ' || n)
FROM (VALUES ('o1', 'Ours: O1'), ('f1', 'La facture F1'), ('w1', 'Ours: W1')) t (n, wanted);
SELECT is(rtrim(e.body_text, E'\n'), 'Hi *<b>*Odd*</b> & [co](http://x)*, <b>*Odd*</b> & [co](http://x)', 'a name stands in the text as it is')
FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.invoice_id = pg_temp.id('o1');
SELECT alike(e.body_html, '<p>Hi <em>&lt;b&gt;*Odd*&lt;/b&gt; &amp; [co](http://x)</em>,%', 'and in the HTML as text, whatever it looks like')
FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.invoice_id = pg_temp.id('o1');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_template(%s, %s)', pg_temp.id('acme'), arguments)), wanted, 'template: ' || split_part(wanted, E'\n', 1))
FROM (VALUES ('''welcome'', ''s'', ''b''', '22023 template ''welcome'' is not known'), ('NULL, ''s'', ''b''', '22023 template NULL is not known'),
    ('''new_invoice'', ''s'', '' ''', '22023 body is empty'), ('''new_invoice'', ''s'', NULL', '22023 body is empty'),
    ('''new_invoice'', '''', ''b''', '22023 subject is empty'), ('''new_invoice'', NULL, ''b''', '22023 subject is empty'),
    ('''new_invoice'', E''a\nb'', ''b''', E'22023 subject ''a\nb'' has more than one line'),
    ('''new_invoice'', ''s'', ''b'', ''German''', '22023 language ''German'' has not the form of a language tag')) t (arguments, wanted);
SELECT throws_ok($$SELECT ar_inbox.set_template(pg_temp.id('acme'), 'new_invoice', 's', 'Hi {{#lines}} there')$$, '42601', NULL, 'a template that does not parse');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_template(0, 'new_invoice', 's', 'b')$$), 'IB001 company 0 does not exist', 'of no company');

-- what is refused
SELECT is(pg_temp.bill('e1'), 'billed', 'an invoice');
CALL pg_temp.keep('their cadence', ar_inbox.create_cadence(pg_temp.id('other'), 'Theirs', pg_temp.step('on_issue')));
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.chase_invoice(pg_temp.id(''e1''), %s)', arguments)), wanted, 'chase_invoice: ' || coalesce(what, wanted))
FROM (VALUES
    ('pg_temp.step(''on_issue''), at => NULL', '22004 at is NULL', NULL),
    ('pg_temp.step(''on_issue''), at => ''infinity''', '22023 at infinity is out of range', NULL),
    ('pg_temp.step(''on_issue''), pg_temp.id(''standard'')', '22023 both steps and cadence_id are given', NULL),
    ('pg_temp.step(''on_issue''), recipients => ''{}''', '22023 recipients is empty', NULL),
    ('pg_temp.step(''on_issue''), recipients => array(SELECT (n || ''@b.example'')::ar_inbox.email_address FROM generate_series(1, 101) n)', 'IB003 101 recipients are too many for one message', NULL),
    ('pg_temp.step(''on_issue''), recipients => ''{a@b.example,NULL}''', '22004 recipients contains NULL', NULL),
    ('pg_temp.step(''on_issue''), recipients => ''{{a@b.example},{c@d.example}}''', '22023 recipients is an array of arrays', NULL),
    ('pg_temp.step(''on_issue''), recipients => ARRAY[E''a@b.example\r\nc@d.example'']::ar_inbox.email_address[]',
        '22P02 invalid e-mail address "a@b.example\x0d\x0ac@d.example": it contains a line break', NULL),
    ('cadence_id => 0', 'IB001 cadence 0 does not exist', NULL),
    ('cadence_id => pg_temp.id(''their cadence'')', format('IB001 cadence %s does not exist', pg_temp.id('their cadence')), 'another company''s cadence'),
    ('''[]''', '22023 steps is an empty array', NULL),
    ('pg_temp.step(''on_issue'', hour => 24)', '22023 step 1 has hour 24', NULL),
    ('pg_temp.step(''after_due'')', '22023 step 1 has no "days"', NULL),
    ('''[{"trigger": "on_issue", "hour": 22, "channels": ["sms"]}]''', 'IB003 step 1 would text at hour 22, outside 8 to 21 (sms_from_hour, sms_to_hour)', NULL),
    ('''[{"trigger": "on_issue", "hour": 9, "channels": ["pigeon"]}]''', '22023 step 1 has channel pigeon', NULL),
    ('pg_temp.step(''on_issue'', role => ''Director'')', format('IB001 contact role ''Director'' does not exist in company %s', pg_temp.id('acme')), 'a foreign contact role'),
    ('pg_temp.step(''repeat'', 7, repeats => 11)', 'IB003 step 1 repeats 11 times, more than the limit of 10 (max_repeats)', NULL)) t (arguments, wanted, what);
SELECT results_eq($$SELECT pg_temp.schedule('e1')$$, ARRAY['1 after_due 2099-02-10 09:00 scheduled'], 'what was refused changed nothing');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.%s(%s)', name, coalesce(id::text, 'NULL'))), format('IB001 invoice %s does not exist', coalesce(id::text, 'NULL')),
    format('%s of invoice %s', name, coalesce(id::text, 'NULL')))
FROM unnest(ARRAY['chase_invoice', 'stop_chasing', 'chasing_schedule']) name, unnest(ARRAY[0, NULL]) id;
SELECT is(pg_temp.refusal('SELECT ar_inbox.fire_due_steps(NULL)'), '22004 at is NULL', 'fire_due_steps at NULL');
SELECT is(pg_temp.refusal('SELECT ar_inbox.fire_due_steps(''infinity'')'), '22023 at infinity is out of range', 'fire_due_steps at the end of time');

-- one invoice that cannot be made into a message stops no other
INSERT INTO ar_inbox.templates (company_id, name, language, subject, body) VALUES (pg_temp.id('acme'), 'past_due_invoice', 'fr', 'x', 'Hi {{#lines}} there');
DO $$ BEGIN
    PERFORM pg_temp.bill('z1', 'french'), pg_temp.bill('z2');
    PERFORM ar_inbox.chase_invoice(pg_temp.id(n), pg_temp.step('after_due', 1, 0)) FROM unnest(ARRAY['z1', 'z2']) n;
END $$;
SELECT results_eq($$SELECT split_part(f, ' cannot', 1) FROM pg_temp.fired('2099-02-10 00:00+00') f WHERE f LIKE 'Z%'$$, ARRAY['Z1 1 failed email: the body', 'Z2 1 sending'],
    'the one fails with what is wrong with its template, the other one fires');

-- a subject whose variables are all empty
UPDATE ar_inbox.templates SET subject = '{{nosuch}}', body = 'Pay.' WHERE company_id = pg_temp.id('acme') AND language = 'fr';
DO $$ BEGIN
    PERFORM pg_temp.bill('z3', 'french');
    PERFORM ar_inbox.chase_invoice(pg_temp.id('z3'), pg_temp.step('after_due', 1, 0));
    PERFORM ar_inbox.fire_due_steps('2099-02-10 00:00+00');
END $$;
SELECT is((SELECT subject FROM ar_inbox.emails ORDER BY id DESC LIMIT 1), 'Invoice Z3', 'a subject that renders to nothing names the invoice');

-- a cadence was judged when it was made: limits lowered since do not stop its use
SELECT is((SELECT count(*) > 1 FROM ar_inbox.cadence_steps WHERE cadence_id = pg_temp.id('standard')), true, 'a cadence of several steps');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"max_steps": 1}'); END $$;
SELECT lives_ok($$SELECT ar_inbox.chase_invoice(pg_temp.id('e1'), cadence_id => pg_temp.id('standard'))$$, 'is applied under a lower limit');

-- a number with a blank, in a subject
UPDATE ar_inbox.invoices SET number = '2024 001' WHERE id = pg_temp.id('e1');
CREATE FUNCTION pg_temp.invoice_of(subject text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    thread bigint := ar_inbox_internal.thread_by_sender(pg_temp.id('acme'),
        ar_inbox_internal.customers_of_address(pg_temp.id('acme'), 'ap@globex.example'), subject);
BEGIN
    RETURN (SELECT t.invoice_id FROM ar_inbox.threads t WHERE t.id = thread);
END
$$;
SELECT is(pg_temp.invoice_of(subject),
    CASE WHEN found THEN pg_temp.id('e1') END, format('%s in the subject %L', CASE WHEN found THEN 'the number is' ELSE 'no number is' END, subject))
FROM (VALUES ('Re: invoice 2024 001', true), ('AW: [2024 001]', true), ('12024 001', false), ('2024 0011', false)) f (subject, found);

SELECT finish();
ROLLBACK;
