\set ECHO none
-- The preview: what will go out and what will not, now and as of the past.
\i test/lib/pgtap.sql
SELECT plan(21);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example', phone => '+15550100'));
CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann', 'ann@globex.example'));
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example');
END $$;
CREATE FUNCTION pg_temp.shown(from_time timestamptz, to_time timestamptz, at timestamptz DEFAULT now()) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', to_char(due_at, 'MM-DD HH24:MI'), channel, coalesce(recipient, '-'), coalesce(template, '-'), outcome, reason)
    FROM ar_inbox.preview(pg_temp.id('acme'), from_time, to_time, at)
$$;

-- what goes out, to whom, and what does not and why
CALL pg_temp.keep('a1', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', '2099-01-10', '2099-02-09', 'A1'));
DO $$ BEGIN
    PERFORM ar_inbox.issue_invoice(pg_temp.id('a1'));
    PERFORM ar_inbox.chase_invoice(pg_temp.id('a1'), '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]},
        {"trigger": "before_due", "days": 3, "hour": 10, "channels": ["email", "sms"]}, {"trigger": "after_due", "days": 1, "hour": 9, "channels": ["email"]},
        {"trigger": "after_due", "days": 10, "hour": 9, "channels": ["email"]}]');
    PERFORM ar_inbox.hold(pg_temp.id('a1'), kind => 'promise', until => '2099-02-09');
END $$;
CREATE TEMP TABLE before AS SELECT xmin::text AS written_by, * FROM ar_inbox.chasing_steps;
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-01-01', '2099-03-01') s$$, ARRAY[
    '01-10 09:00|email|-|-|withhold|held: promise to pay 100.00 until 2099-02-09',
    '02-06 10:00|email|-|-|withhold|held: promise to pay 100.00 until 2099-02-09',
    '02-06 10:00|sms|-|-|withhold|held: promise to pay 100.00 until 2099-02-09',
    '02-10 09:00|email|-|-|withhold|held: promise to pay 100.00 until 2099-02-09',
    '02-19 09:00|email|ap@globex.example|past_due_invoice|send', '02-19 09:00|email|ann@globex.example|past_due_invoice|send'], 'what is held until it no longer is');
SELECT lives_ok($$SELECT ar_inbox.lift_hold(id) FROM ar_inbox.holds WHERE invoice_id = pg_temp.id('a1')$$, 'lifted');
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-01-01', '2099-02-11') s$$, ARRAY[
    '01-10 09:00|email|ap@globex.example|new_invoice|send', '01-10 09:00|email|ann@globex.example|new_invoice|send',
    '02-06 10:00|email|ap@globex.example|invoice_reminder|send', '02-06 10:00|email|ann@globex.example|invoice_reminder|send',
    '02-06 10:00|sms|-|-|fail|sms: the company has no provider of text messages',
    '02-10 09:00|email|ap@globex.example|past_due_invoice|send', '02-10 09:00|email|ann@globex.example|past_due_invoice|send'],
    'everything, with the template that it will have by then');
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-02-06 10:00+00', '2099-02-10 09:00+00') s LIMIT 1$$,
    ARRAY['02-06 10:00|email|ap@globex.example|invoice_reminder|send'], 'what comes before the period counts; its end is not in it');
SELECT is_empty($$SELECT s FROM pg_temp.shown('2099-02-20', '2099-03-01') s$$, 'nothing');
-- a text that cannot be made does not go out either
SAVEPOINT too_long;
DO $$ BEGIN
    PERFORM ar_inbox.set_sms_provider(pg_temp.id('acme'), 'AC0123456789abcdef', 'token', '+15550999');
    PERFORM ar_inbox.set_template(pg_temp.id('acme'), 'invoice_reminder_sms', '', '{{invoice.number}} ' || repeat('x', 2000));
END $$;
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-02-06', '2099-02-07') s WHERE s LIKE '%sms%'$$,
    ARRAY['02-06 10:00|sms|-|-|fail|sms: the text message has 2003 characters, more than the limit of 1600'], 'a text message that is too long');
ROLLBACK TO too_long;
SELECT bag_eq('SELECT xmin::text AS written_by, * FROM ar_inbox.chasing_steps', 'SELECT * FROM before', 'nothing was written');
-- overdue, and the past
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-02-11', '2099-02-12', '2099-02-11 12:00+00') s$$, ARRAY[
    '01-10 09:00|email|-|-|skip|more than 48:00:00 late (catch_up_window)',
    '02-06 10:00|email|-|-|skip|more than 48:00:00 late (catch_up_window)', '02-06 10:00|sms|-|-|skip|more than 48:00:00 late (catch_up_window)',
    '02-10 09:00|email|ap@globex.example|past_due_invoice|send', '02-10 09:00|email|ann@globex.example|past_due_invoice|send'],
    'a server that is down until then');
SELECT is((SELECT count(*) FROM ar_inbox.fire_due_steps('2099-01-10 09:00+00')), 1::bigint, 'the first fires');
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-01-01', '2099-02-01', '2099-02-01') s$$,
    ARRAY['01-10 09:00|email|ap@globex.example|new_invoice|sending', '01-10 09:00|email|ann@globex.example|new_invoice|sending'], 'what is done is shown as it was');
CALL pg_temp.keep('a2', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', '2099-05-10', '2099-06-09', 'A2'));
DO $$ BEGIN
    PERFORM ar_inbox.issue_invoice(pg_temp.id('a2'));
    PERFORM ar_inbox.chase_invoice(pg_temp.id('a2'), format('[{"trigger": "on_issue", "hour": %s, "channels": ["email"]}]', hour)::jsonb) FROM generate_series(8, 9) hour;
END $$;
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-05-01', '2099-06-01', '2099-05-11') s WHERE s LIKE '05-%' AND s NOT LIKE '%ann@%'$$,
    ARRAY['05-10 09:00|email|ap@globex.example|new_invoice|send'], 'a schedule in place of another is shown without that');
DO $$ BEGIN PERFORM ar_inbox.void_invoice(pg_temp.id('a2')); END $$;
SELECT results_eq($$SELECT s FROM pg_temp.shown('2099-05-01', '2099-06-01', '2099-05-11') s WHERE s LIKE '05-%'$$,
    ARRAY['05-10 09:00|email|-|-|cancelled|invoice voided'], 'what was cancelled otherwise is');
SELECT is(pg_temp.refusal('SELECT ar_inbox.preview(' || replace(arguments, '{}', pg_temp.id('acme')::text) || ')'), wanted, wanted)
FROM (VALUES
    ('{}, ''2099-01-02'', ''2099-01-01''', '22023 to_time 2099-01-01 00:00:00+00 is not after from_time 2099-01-02 00:00:00+00'),
    ('{}, ''2099-01-01'', ''2099-01-01''', '22023 to_time 2099-01-01 00:00:00+00 is not after from_time 2099-01-01 00:00:00+00'),
    ('{}, ''2099-01-01'', ''2104-01-02''', '22023 from 2099-01-01 00:00:00+00 to 2104-01-02 00:00:00+00 are more than five years'),
    ('{}, NULL, ''2104-01-02''', '22004 from_time is NULL'),
    ('{}, ''2099-01-01'', ''infinity''', '22023 to_time infinity is out of range'),
    ('{}, ''2099-01-01'', ''2099-01-02'', NULL', '22004 at is NULL'),
    ('0, ''2099-01-01'', ''2099-01-02''', 'IB001 company 0 does not exist')) t (arguments, wanted);

-- A dry run of the past.  What is written down about time is the clock's, so
-- it is put back by hand: as of a moment between, the world looks as it did.
UPDATE ar_inbox.invoices SET issued_at = '2020-01-01' WHERE id = pg_temp.id('a1');
UPDATE ar_inbox.chasing_steps SET created_at = '2020-01-01', due_at = due_at - interval '79 years', fired_at = fired_at - interval '79 years';
UPDATE ar_inbox.deliveries SET created_at = created_at - interval '79 years';
UPDATE ar_inbox.invoices SET issue_date = '2020-01-10', due_date = '2020-02-09', status = 'closed', ended_at = '2020-02-08' WHERE id = pg_temp.id('a1');
SELECT results_eq($$SELECT s FROM pg_temp.shown('2020-01-01', '2020-02-12', '2020-01-05') s WHERE s LIKE '%email|ap@%' OR s LIKE '%sms%'$$, ARRAY[
    '01-10 09:00|email|ap@globex.example|new_invoice|send', '02-06 10:00|email|ap@globex.example|invoice_reminder|send',
    '02-06 10:00|sms|-|-|fail|sms: the company has no provider of text messages', '02-10 09:00|email|ap@globex.example|past_due_invoice|send'],
    'as of a moment when nothing had fired yet, and nobody knew that it would be closed');
SELECT results_eq($$SELECT s FROM pg_temp.shown('2020-01-01', '2020-02-12', '2020-02-09') s WHERE s LIKE '%email|%' AND s NOT LIKE '%ann@%' ORDER BY s LIMIT 1$$,
    ARRAY['01-10 09:00|email|ap@globex.example|new_invoice|cancelled|invoice closed'], 'and of one when it had: closing it called the mail back');

SELECT * FROM finish();
ROLLBACK;
