\set ECHO none
-- Addresses that a company does not write to.
\i test/lib/pgtap.sql
SELECT plan(90);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CREATE ROLE ar_test_alice LOGIN;
CREATE ROLE ar_test_boss LOGIN;
CREATE ROLE ar_test_both LOGIN;
CREATE ROLE ar_test_none LOGIN;
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtps://mail.acme.example');
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Alice', 'alice@acme.example', 'ar_test_alice', '{view,send}');
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Boss', 'boss@acme.example', 'ar_test_boss');
    PERFORM ar_inbox.create_member(c, 'Both', 'both@x.example', 'ar_test_both') FROM unnest(ARRAY[pg_temp.id('acme'), pg_temp.id('other')]) c;
    GRANT ar_inbox_staff TO ar_test_none;
    PERFORM ar_inbox.arm();
END $$;
UPDATE ar_inbox.companies SET undo_grace = '0', time_zone = 'Asia/Tokyo' WHERE id = pg_temp.id('acme');
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
CREATE FUNCTION pg_temp.why(address text, company text DEFAULT 'acme', at timestamptz DEFAULT now()) RETURNS text LANGUAGE sql AS $$
    SELECT replace(ar_inbox_internal.suppression_of(pg_temp.id(company), address::ar_inbox.email_address, at), (now() AT TIME ZONE 'Asia/Tokyo')::date::text, 'today')
$$;
CREATE FUNCTION pg_temp.rows(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', reason, detail, until IS NOT NULL, (SELECT name FROM ar_inbox.members m WHERE m.id = s.member_id), lifted_at IS NOT NULL, lifted_by, (SELECT name FROM ar_inbox.members m WHERE m.id = s.lifted_by_member_id))
    FROM ar_inbox.suppressions s WHERE address = wanted::ar_inbox.email_address ORDER BY id
$$;

-- in force, lifted, over
SELECT is(pg_temp.why('ann@x.example'), NULL, 'nobody is suppressed at first');
SET LOCAL ROLE ar_test_alice;
CALL pg_temp.keep('ann', ar_inbox.suppress('Ann@x.example', detail => 'asked on the phone'));
RESET ROLE;
SELECT is(pg_temp.why('ANN@X.example'), 'suppressed since today: by hand (asked on the phone)', 'in force, in any letter case');
SELECT results_eq($$SELECT pg_temp.rows('ann@x.example')$$, ARRAY['manual|asked on the phone|f|Alice|f'], 'by whom');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'suppression' AND subject_id = pg_temp.id('ann') AND action = 'suppressed'), 1::bigint, 'and written down');
SELECT is(pg_temp.why('ann@x.example', 'other'), NULL, 'in that company alone');
SELECT is(pg_temp.why('ann+tag@x.example'), NULL, 'and that address');
SELECT is(ar_inbox.suppress('ann@x.example', pg_temp.id('acme'), 'complaint', 'again', now() + interval '1 day'), pg_temp.id('ann'), 'again: the one in force');
SELECT results_eq($$SELECT pg_temp.rows('ann@x.example')$$, ARRAY['manual|asked on the phone|f|Alice|f'], 'stays as it is, without an end');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'suppression'), 1::bigint, 'nothing new happened');
SET LOCAL ROLE ar_test_alice;
SELECT is(pg_temp.refusal($$SELECT ar_inbox.lift_suppression('ann@x.example')$$), format('42501 permission "manage" is needed in company %s', pg_temp.id('acme')), 'who may send may not lift it');
SET LOCAL ROLE ar_test_boss;
SELECT lives_ok($$SELECT ar_inbox.lift_suppression('ANN@x.example')$$, 'who may manage may');
RESET ROLE;
SELECT is(pg_temp.why('ann@x.example'), NULL, 'lifted');
SELECT results_eq($$SELECT pg_temp.rows('ann@x.example')$$, ARRAY['manual|asked on the phone|f|Alice|t|ar_test_boss|Boss'], 'by whom');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'suppression' AND subject_id = pg_temp.id('ann') AND action = 'lifted'), 1::bigint, 'and written down');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.lift_suppression('ann@x.example', pg_temp.id('acme'))$$), format('IB001 address ann@x.example is not suppressed in company %s', pg_temp.id('acme')), 'once');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.lift_suppression(NULL, pg_temp.id('acme'))$$), '22004 address is NULL', 'NULL is no address');
SELECT isnt(ar_inbox.suppress('ann@x.example', pg_temp.id('acme')), pg_temp.id('ann'), 'suppressed anew');
SELECT results_eq($$SELECT pg_temp.rows('ann@x.example') OFFSET 1$$, ARRAY['manual||f|f'], 'beside the old one');
CALL pg_temp.keep('short', ar_inbox.suppress('bob@x.example', pg_temp.id('acme'), 'bounce', '5.2.2 full', now() + interval '1 hour'));
SELECT matches(pg_temp.why('bob@x.example'), '^suppressed since today until \S+ \d\d:\d\d: mail to it came back \(5\.2\.2 full\)$', 'for an hour');
SELECT is(pg_temp.why('bob@x.example', at => now() + interval '1 hour'), NULL, 'then no more');
SELECT is(ar_inbox.suppress('bob@x.example', pg_temp.id('acme'), until => now() + interval '3 hours'), pg_temp.id('short'), 'longer');
SELECT is(ar_inbox.suppress('bob@x.example', pg_temp.id('acme'), until => now() + interval '2 hours'), pg_temp.id('short'), 'not shorter');
SELECT is((SELECT until - now() FROM ar_inbox.suppressions WHERE id = pg_temp.id('short')), interval '3 hours', 'the later of both');
UPDATE ar_inbox.suppressions SET since = now() - interval '2 days', until = now() - interval '1 day' WHERE id = pg_temp.id('short');
SELECT is(pg_temp.why('bob@x.example'), NULL, 'its time is over');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.lift_suppression('bob@x.example', pg_temp.id('acme'))$$), format('IB001 address bob@x.example is not suppressed in company %s', pg_temp.id('acme')), 'there is nothing to lift');
SELECT isnt(ar_inbox_internal.suppress_address(pg_temp.id('acme'), 'bob@x.example', 'complaint', NULL), pg_temp.id('short'), 'renewed');
SELECT is(pg_temp.why('bob@x.example'), 'suppressed since today: a complaint', 'for another reason');
SELECT is((SELECT lifted_at - until FROM ar_inbox.suppressions WHERE id = pg_temp.id('short')), interval '0', 'the old one ended when its time was over');
SELECT is((SELECT concat_ws(' ', lifted_by, lifted_by_member_id) FROM ar_inbox.suppressions WHERE id = pg_temp.id('short')), '', 'and nobody lifted it');
SELECT throws_ok(format('UPDATE ar_inbox.suppressions SET lifted_by = ''x'' WHERE lifted_at IS NULL AND company_id = %s', pg_temp.id('acme')), '23514', NULL, 'who lifted one that is in force cannot be');

-- who may say so, and what
SET LOCAL ROLE ar_test_both;
SELECT is(pg_temp.refusal($$SELECT ar_inbox.suppress('x@x.example')$$), '22023 company_id is NULL, and there are several companies of yours', 'in which company?');
SELECT lives_ok($$SELECT ar_inbox.suppress('x@x.example', pg_temp.id('other'))$$, 'in that one');
SET LOCAL ROLE ar_test_none;
SELECT is(pg_temp.refusal($$SELECT ar_inbox.suppress('x@x.example')$$), '22023 company_id is NULL, and there is no company of yours', 'who is no member');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.lift_suppression('x@x.example', pg_temp.id('other'))$$), format('IB001 company %s does not exist', pg_temp.id('other')), 'lifts none');
RESET ROLE;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.suppress(%s)', arguments)), wanted, 'suppress: ' || wanted)
FROM (VALUES
    ('NULL, pg_temp.id(''acme'')', '22004 address is NULL'),
    ('''Billing@acme.example'', pg_temp.id(''acme'')', '22023 the address Billing@acme.example is the company''s own'),
    ('''x@x.example'', 0', 'IB001 company 0 does not exist'),
    ('''x@x.example'', pg_temp.id(''acme''), ''whim''', '22023 reason ''whim'' is not known'),
    ('''x@x.example'', pg_temp.id(''acme''), NULL', '22023 reason NULL is not known'),
    ('''x@x.example'', pg_temp.id(''acme''), detail => E''a\nb''', '22023 detail has more than one line or more than 1000 characters'),
    ('''x@x.example'', pg_temp.id(''acme''), until => ''2020-01-01Z''', '22023 until is 2020-01-01 00:00:00+00'),
    ('''x@x.example'', pg_temp.id(''acme''), until => ''infinity''', '22023 until is infinity')) r (arguments, wanted);

-- what a member writes
SELECT is(replace(pg_temp.refusal(format('SELECT ar_inbox.send_email(pg_temp.id(''acme''), %s)', arguments)), (now() AT TIME ZONE 'Asia/Tokyo')::date::text, 'today'),
    'IB007 the address bob@x.example takes no mail from us: suppressed since today: a complaint', 'refused: ' || arguments)
FROM unnest(ARRAY['''{bob@x.example}'', ''s'', ''b''', '''{a@x.example}'', ''s'', ''b'', ''{bob@x.example}''', '''{a@x.example}'', ''s'', ''b'', bcc => ''{bob@x.example}''']) arguments;
SELECT is((SELECT count(*) FROM ar_inbox.emails), 0::bigint, 'none is left behind');
SELECT is((SELECT count(*) FROM ar_inbox.threads), 0::bigint, 'nor a thread');

-- reminders
CREATE FUNCTION pg_temp.remind(name text, VARIADIC addresses text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    customer bigint := ar_inbox.create_customer(pg_temp.id('acme'), name);
    invoice bigint;
    outcome text;
BEGIN
    PERFORM ar_inbox.create_contact(customer, a, a::ar_inbox.email_address) FROM unnest(addresses) a;
    invoice := ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]', '2026-01-10', '2099-01-01', name);
    PERFORM ar_inbox.issue_invoice(invoice);
    PERFORM ar_inbox.chase_invoice(invoice, '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]');
    SELECT concat_ws('|', f.outcome, f.reason) INTO outcome FROM ar_inbox.fire_due_steps() f WHERE f.invoice_id = invoice;
    INSERT INTO ids SELECT name, d.id FROM ar_inbox.deliveries d WHERE d.invoice_id = invoice;
    RETURN replace(outcome, (now() AT TIME ZONE 'Asia/Tokyo')::date::text, 'today');
END
$$;
CREATE FUNCTION pg_temp.recipients(name text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', split_part(r.address::text, '@', 1), r.state), ', ' ORDER BY r.id) FROM ar_inbox.email_recipients r JOIN ar_inbox.deliveries d ON d.email_id = r.email_id WHERE d.id = pg_temp.id(recipients.name)
$$;
CREATE FUNCTION pg_temp.state(name text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(concat_ws('|', d.state, d.attempts, d.next_attempt_at IS NOT NULL, d.finished_at IS NOT NULL, coalesce(d.reason, '-'), s.state, s.reason), (now() AT TIME ZONE 'Asia/Tokyo')::date::text, 'today')
    FROM ar_inbox.deliveries d LEFT JOIN ar_inbox.chasing_steps s ON s.id = d.chasing_step_id WHERE d.id = pg_temp.id(state.name)
$$;
SELECT is(pg_temp.remind('some', 'eva@x.example', 'bob@x.example', 'ed@x.example'), 'sending', 'a reminder for several');
SELECT is(pg_temp.recipients('some'), 'eva queued, ed queued', 'leaves out whom we do not write to');
SELECT is(pg_temp.remind('none', 'bob@x.example', 'ann@x.example'), 'failed|email: bob@x.example is suppressed since today: a complaint; ann@x.example is suppressed since today: by hand', 'with none left it fails, and says why');
SELECT is(pg_temp.remind('nowhere', VARIADIC '{}'), 'failed|email: the customer has no e-mail address', 'who has no address is another matter');

-- suppressed after it was queued
CREATE FUNCTION pg_temp.claim() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT (SELECT i.name FROM ids i WHERE i.id = c.delivery_id AND i.name IN ('some', 'two', 'one', 'all', 'written', 'resent')) || ': ' || array_to_string(c.recipients, ', ')
    FROM ar_inbox_internal.claim_deliveries(now() + interval '1 hour', 100) c ORDER BY c.delivery_id
$$;
SELECT is(pg_temp.remind('one', 'kim@x.example', 'lea@x.example'), 'sending', 'a reminder for two');
SELECT is(pg_temp.remind('all', 'kim@x.example'), 'sending', 'and one for one');
CREATE TEMP TABLE wrote AS SELECT ar_inbox.send_email(pg_temp.id('acme'), '{kim@x.example,max@x.example}', 's', 'b') AS email;
INSERT INTO ids SELECT 'written', d.id FROM ar_inbox.deliveries d, wrote w WHERE d.email_id = w.email;
SELECT lives_ok($$SELECT ar_inbox.suppress('Kim@x.example', pg_temp.id('acme'), 'bounce', '5.1.1 gone')$$, 'one bounces meanwhile');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['some: ed@x.example, eva@x.example', 'one: lea@x.example', 'written: max@x.example'], 'the others go');
SELECT is(pg_temp.recipients('one'), 'kim rejected, lea queued', 'that one is rejected');
SELECT is(pg_temp.state('all'), 'rejected|0|f|t|refused for kim@x.example: suppressed since today: mail to it came back (5.1.1 gone)|failed|email: refused for kim@x.example: suppressed since today: mail to it came back (5.1.1 gone)', 'with none left the delivery ends, and its step, and says why');
SELECT is(pg_temp.recipients('all'), 'kim rejected', 'with its recipient');
DO $$ BEGIN PERFORM ar_inbox_internal.record_result(pg_temp.id('written'), pg_temp.id('acme'), now(), 'accepted', 250, '2.0.0', 'ok'); END $$;
SELECT is(pg_temp.state('written'), 'accepted|1|f|t|refused for kim@x.example: suppressed since today: mail to it came back (5.1.1 gone)', 'one that went to the others says for whom not');
DO $$ BEGIN PERFORM ar_inbox_internal.record_result(pg_temp.id('one'), pg_temp.id('acme'), now(), 'deferred', 450, '4.2.0', 'busy'); END $$;
SELECT lives_ok($$SELECT ar_inbox.suppress('lea@x.example', pg_temp.id('acme'))$$, 'another one, between two attempts');
SELECT is_empty('SELECT pg_temp.claim()', 'there is no second one');
SELECT is(pg_temp.state('one'), 'rejected|1|f|t|refused for kim@x.example: suppressed since today: mail to it came back (5.1.1 gone); lea@x.example: suppressed since today: by hand|failed|email: refused for kim@x.example: suppressed since today: mail to it came back (5.1.1 gone); lea@x.example: suppressed since today: by hand', 'it has failed');
DO $$ BEGIN PERFORM ar_inbox_internal.record_result(pg_temp.id('some'), pg_temp.id('acme'), now(), 'partial', 450, '4.2.0', 'busy', NULL,
    '{eva@x.example,ed@x.example}', '{accepted,deferred}', '{250,450}', '{2.0.0,4.2.0}', '{ok,busy}'); END $$;
SELECT lives_ok($$SELECT ar_inbox.suppress('ed@x.example', pg_temp.id('acme'))$$, 'after one recipient has it');
SELECT is_empty('SELECT pg_temp.claim()', 'the other one does not get it');
SELECT is(pg_temp.state('some'), 'accepted|1|f|t|refused for ed@x.example: suppressed since today: by hand|sent|refused for ed@x.example: suppressed since today: by hand', 'it is sent, and says for whom not');
SELECT is(pg_temp.recipients('some'), 'eva accepted, ed rejected', 'who has it has it');

-- refused at once, when it is handed off
CREATE FUNCTION pg_temp.refused(name text, code integer, enhanced text, words text, named boolean, VARIADIC addresses text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.send_email(pg_temp.id('acme'), addresses::ar_inbox.email_address[], name, 'b');
    delivery bigint := (SELECT d.id FROM ar_inbox.deliveries d WHERE d.email_id = mail);
    others integer := cardinality(addresses) - 1;
BEGIN
    INSERT INTO ids VALUES (name, mail);
    PERFORM ar_inbox_internal.claim_deliveries(now() + interval '1 hour', 100);
    PERFORM ar_inbox_internal.record_result(delivery, pg_temp.id('acme'), now(), CASE others WHEN 0 THEN 'rejected' ELSE 'partial' END, code, enhanced, words, NULL,
        addresses, '{rejected}'::text[] || array_fill('accepted'::text, ARRAY[others]), ARRAY[code] || array_fill(250, ARRAY[others]),
        ARRAY[enhanced] || array_fill('2.0.0'::text, ARRAY[others]), ARRAY[words] || array_fill('Ok'::text, ARRAY[others]), ARRAY[named] || array_fill(false, ARRAY[others]));
    RETURN (SELECT concat_ws('|', d.state, t.status, v.before #>> '{}', v.after ->> 'reason', v.after ->> 'email_id' = mail::text, pg_temp.why(addresses[1]))
        FROM ar_inbox.deliveries d JOIN ar_inbox.emails e ON e.id = d.email_id JOIN ar_inbox.threads t ON t.id = e.thread_id
        LEFT JOIN ar_inbox.events v ON v.subject = 'thread' AND v.subject_id = t.id AND v.action = 'not delivered'
        WHERE d.id = delivery);
END
$$;
SELECT is(pg_temp.refused('r1', 550, '5.1.1', E'<none@r.example>: no such\nperson here', true, 'none@r.example'),
    E'rejected|open|closed|refused for none@r.example: <none@r.example>: no such\nperson here|t|suppressed since today: mail to it came back (550 5.1.1 <none@r.example>: no such person here)',
    'who does not exist is suppressed, and the thread opens');
SELECT matches(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('acme'), '{none@r.example}', 's', 'b')$$), '^IB007 ', 'and not written to again');
SELECT results_eq($$SELECT pg_temp.rows('none@r.example')$$, ARRAY['bounce|550 5.1.1 <none@r.example>: no such person here|f|f'], 'by nobody');
SELECT is(pg_temp.refused('r2', 550, '5.1.1', 'no such user', true, 'two@r.example', 'there@r.example'),
    'accepted|open|closed|refused for two@r.example: no such user|t|suppressed since today: mail to it came back (550 5.1.1 no such user)', 'one of two');
SELECT is(pg_temp.why('there@r.example'), NULL, 'not the other');
SELECT is(pg_temp.refused(format('r3 %s', words), code, enhanced, words, named, 'x@r3.example') ~ '^rejected\|open\|closed\|refused for x@r3.example: [^|]*\|t$', true, 'suppresses nobody, and opens the thread: ' || words)
FROM (VALUES (550, '5.7.1', 'Relaying denied', true), (554, '5.7.1', 'blocked', true), (552, '5.2.2', 'mailbox full', true), (550, '', 'error', true), (550, '5.1.8', 'Bad sender', true),
    (553, '5.1.1', 'no such user, says MAIL or the final dot', false), (0, '5.1.3', 'not an address, as we see it', false)) v (code, enhanced, words, named);
SELECT is(pg_temp.refused('r4', 550, '', 'No such user here', true, 'words@r.example') ~ 'suppressed since today: mail to it came back \(550 No such user here\)$', true, 'words will do');
SELECT is(pg_temp.remind('r5', 'rem@r.example'), 'sending', 'a reminder');
SELECT results_eq('SELECT count(*) FROM ar_inbox_internal.claim_deliveries(now() + interval ''1 hour'', 100)', ARRAY[1::bigint], 'that is handed off');
DO $$ BEGIN PERFORM ar_inbox_internal.record_result(pg_temp.id('r5'), pg_temp.id('acme'), now(), 'rejected', 550, '5.1.1', 'gone', NULL, '{rem@r.example}', '{rejected}', '{550}', '{5.1.1}', '{gone}', '{t}'); END $$;
SELECT is(pg_temp.why('rem@r.example'), 'suppressed since today: mail to it came back (550 5.1.1 gone)', 'refused: suppressed, too');
SELECT is((SELECT t.status::text FROM ar_inbox.deliveries d JOIN ar_inbox.threads t ON t.invoice_id = d.invoice_id WHERE d.id = pg_temp.id('r5')), 'closed', 'its step has failed, and tells that');
-- given up, and barred
CALL pg_temp.keep('tired', ar_inbox.send_email(pg_temp.id('acme'), '{busy@r.example}', 'tired', 'b'));
CREATE FUNCTION pg_temp.thread_is(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', t.status, t.snoozed_until IS NOT NULL, (SELECT string_agg(concat_ws(' ', v.before #>> '{}', v.after ->> 'reason'), ', ' ORDER BY v.id) FROM ar_inbox.events v WHERE v.subject = 'thread' AND v.subject_id = t.id AND v.action = 'not delivered'))
    FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = pg_temp.id(name)
$$;
CREATE FUNCTION pg_temp.deferred(name text, later interval) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox_internal.claim_deliveries(now() + later, 100);
    PERFORM ar_inbox_internal.record_result(d.id, d.company_id, now() + later, 'deferred', 450, '4.2.0', 'busy') FROM ar_inbox.deliveries d WHERE d.email_id = pg_temp.id(deferred.name);
    RETURN pg_temp.thread_is(name);
END
$$;
SELECT is(pg_temp.deferred('tired', interval '1 hour'), 'closed|f', 'put off: nobody is told yet');
DO $$ BEGIN PERFORM ar_inbox.snooze_thread(e.thread_id, now() + interval '3 days') FROM ar_inbox.emails e WHERE e.id = pg_temp.id('tired'); END $$;
SELECT is(pg_temp.deferred('tired', interval '25 hours'), 'open|f|pending given up after 2 attempts: busy', 'given up: it opens');
CALL pg_temp.keep('barred', ar_inbox.send_email(pg_temp.id('acme'), '{first@r.example,second@r.example}', 'barred', 'b'));
SELECT lives_ok($$SELECT ar_inbox.suppress('first@r.example', pg_temp.id('acme'))$$, 'one is suppressed before it leaves');
SELECT is(pg_temp.deferred('barred', interval '1 hour'), 'open|f|closed refused for first@r.example: ' || ar_inbox_internal.suppression_of(pg_temp.id('acme'), 'first@r.example'), 'that opens it as well');
SELECT lives_ok($$SELECT ar_inbox.suppress('second@r.example', pg_temp.id('acme'))$$, 'the other one after an attempt');
SELECT is_empty($$SELECT * FROM ar_inbox_internal.claim_deliveries(now() + interval '2 hours', 100) c$$, 'nobody is left');
SELECT is(pg_temp.thread_is('barred') ~ 'open refused for second@r.example: suppressed', true, 'which is told as well');

SELECT finish();
ROLLBACK;
