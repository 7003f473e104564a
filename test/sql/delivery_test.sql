\set ECHO none
-- The ledger of the hand-off, as the worker keeps it: claiming, and writing
-- down every kind of answer.
\i test/lib/pgtap.sql
SELECT plan(160);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtps://mail.acme.example', 'user', 's3cret', 'inbox@acme.example');
    PERFORM ar_inbox.set_mail_account(pg_temp.id('other'), 'billing@other.example', 'smtp://mail.other.example');
END $$;
-- handed off at once, and from the sender's own address; both is looked at below
UPDATE ar_inbox.companies SET undo_grace = '0';
UPDATE ar_inbox.mail_accounts SET plus_addressing = false;
CALL pg_temp.keep('account', ar_inbox_internal.sending_account(pg_temp.id('acme')));
CALL pg_temp.keep('other account', ar_inbox_internal.sending_account(pg_temp.id('other')));

-- Mails by hand and reminders; kept is the id of the delivery.
CREATE FUNCTION pg_temp.write(name text, company text DEFAULT 'acme', recipients ar_inbox.email_address[] DEFAULT '{a@x.example,b@x.example}',
    cc ar_inbox.email_address[] DEFAULT NULL, bcc ar_inbox.email_address[] DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.send_email(pg_temp.id(company), recipients, name, 'Text.', cc, bcc);
BEGIN
    INSERT INTO ids SELECT name, d.id FROM ar_inbox.deliveries d WHERE d.email_id = mail;
    RETURN 'queued';
END
$$;
CREATE FUNCTION pg_temp.remind(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    invoice bigint := ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', '2026-01-10', '2099-01-01', upper(name));
    outcome text;
BEGIN
    PERFORM ar_inbox.issue_invoice(invoice);
    PERFORM ar_inbox.chase_invoice(invoice, '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]},
        {"trigger": "after_due", "days": 9, "hour": 9, "channels": ["email"]}]');
    SELECT string_agg(f.outcome, ',') INTO outcome FROM ar_inbox.fire_due_steps() f;
    INSERT INTO ids SELECT name, d.id FROM ar_inbox.deliveries d WHERE d.invoice_id = invoice;
    INSERT INTO ids VALUES (name || ' invoice', invoice);
    RETURN outcome;
END
$$;
CREATE FUNCTION pg_temp.claim(at timestamptz DEFAULT now(), per_account integer DEFAULT 10, busy bigint[] DEFAULT '{}',
    counts integer[] DEFAULT '{}', most integer DEFAULT 64) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT (SELECT name FROM ids WHERE id = c.delivery_id AND name NOT LIKE '% %' AND name NOT IN ('acme', 'globex', 'other', 'account'))
    FROM ar_inbox_internal.claim_deliveries(at, per_account, busy, counts, most) c
$$;
-- record_result, and how the delivery stands afterwards
CREATE FUNCTION pg_temp.result(name text, outcome text, code integer DEFAULT 250, enhanced text DEFAULT NULL, reply text DEFAULT 'ok',
    queue_id text DEFAULT NULL, addresses text[] DEFAULT '{}', outcomes text[] DEFAULT '{}', at timestamptz DEFAULT now())
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    company bigint := (SELECT company_id FROM ar_inbox.deliveries WHERE id = pg_temp.id(name));
BEGIN
    PERFORM ar_inbox_internal.record_result(pg_temp.id(name), company, at, outcome, code, enhanced, reply, queue_id, addresses, outcomes,
        (SELECT array_agg(code) FROM unnest(addresses)), (SELECT array_agg(enhanced) FROM unnest(addresses)), (SELECT array_agg(reply || ' ' || a) FROM unnest(addresses) a));
    RETURN pg_temp.state(name);
END
$$;
CREATE FUNCTION pg_temp.state(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', d.state, d.attempts, coalesce((d.next_attempt_at - now())::text, '-'), d.finished_at IS NOT NULL, coalesce(d.reason, '-'),
        (SELECT array_agg(concat_ws('=', split_part(r.address, '@', 1), r.state) ORDER BY r.id) FROM ar_inbox.email_recipients r WHERE r.email_id = d.email_id))
    FROM ar_inbox.deliveries d WHERE d.id = pg_temp.id(name)
$$;
CREATE FUNCTION pg_temp.step(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.state, s.reason) FROM ar_inbox.chasing_steps s
    JOIN ar_inbox.deliveries d ON d.chasing_step_id = s.id WHERE d.id = pg_temp.id(name)
$$;
CREATE FUNCTION pg_temp.attempts(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', attempt_number, coalesce(outcome, '-'), finished_at IS NOT NULL, code, reply) FROM ar_inbox.delivery_attempts
    WHERE delivery_id = pg_temp.id(name) ORDER BY attempt_number
$$;

-- armed, or not
SELECT is(pg_temp.write('one', cc => '{c@x.example,A@x.example}', bcc => '{d@x.example}'), 'queued', 'a mail by hand');
SELECT is(pg_temp.state('one'), 'queued|0|00:00:00|f|-|{a=queued,b=queued,c=queued,d=queued}', 'waits');
SELECT is_empty('SELECT pg_temp.claim()', 'nothing is claimed in a database that is not armed');
DO $$ BEGIN PERFORM ar_inbox.arm(); END $$;
UPDATE ar_inbox.armed SET identity = 'another/1/server';
SELECT is_empty('SELECT pg_temp.claim()', 'nor where another one was armed, as in a restored dump');
SELECT is(pg_temp.state('one'), 'queued|0|00:00:00|f|-|{a=queued,b=queued,c=queued,d=queued}', 'it still waits');
DO $$ BEGIN PERFORM ar_inbox.arm(); END $$;

-- a claim
SELECT is_empty($$SELECT pg_temp.claim(now() - interval '1 second')$$, 'nothing is due yet');
SELECT results_eq($$SELECT concat_ws('|', c.delivery_id = pg_temp.id('one'), c.company_id = pg_temp.id('acme'), c.account_id = pg_temp.id('account'),
        c.smtp_url, c.username, c.password, c.mail_from, c.message = e.message)
    FROM ar_inbox_internal.claim_deliveries(now(), 10) c JOIN ar_inbox.deliveries d ON d.id = c.delivery_id JOIN ar_inbox.emails e ON e.id = d.email_id$$,
    ARRAY['t|t|t|smtps://mail.acme.example|user|s3cret|billing@acme.example|t'], 'a claim has all that a hand-off needs');
SELECT is(pg_temp.state('one'), 'handing_off|1|-|f|-|{a=queued,b=queued,c=queued,d=queued}', 'the delivery is being handed off');
SELECT results_eq($$SELECT pg_temp.attempts('one')$$, ARRAY['1|-|f'], 'the attempt is written down, without an outcome');
SELECT is_empty('SELECT pg_temp.claim()', 'it is not claimed again');

-- answers
SELECT is(pg_temp.result('one', 'accepted', 250, '2.0.0', 'queued as 7F', '7F'), 'accepted|1|-|t|-|{a=accepted,b=accepted,c=accepted,d=accepted}', 'accepted');
SELECT is(concat_ws('|', code, enhanced_code, reply, queue_id), '250|2.0.0|queued as 7F|7F', 'with the reply and the queue''s name for it') FROM ar_inbox.deliveries WHERE id = pg_temp.id('one');
SELECT results_eq($$SELECT pg_temp.attempts('one')$$, ARRAY['1|accepted|t|250|queued as 7F'], 'the attempt has its outcome');
SELECT is(pg_temp.result('one', 'rejected', 550, NULL, 'no'), 'accepted|1|-|t|-|{a=accepted,b=accepted,c=accepted,d=accepted}', 'a second record changes nothing');
SELECT results_eq($$SELECT pg_temp.attempts('one')$$, ARRAY['1|accepted|t|250|queued as 7F'], 'nor the attempt');
SELECT is(pg_temp.result('one', 'accepted', 250), 'accepted|1|-|t|-|{a=accepted,b=accepted,c=accepted,d=accepted}', 'nor the same record again');

SELECT is(pg_temp.write('some'), 'queued', 'another one');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['some'], 'claimed');
SELECT is(pg_temp.result('some', 'partial', 550, '5.1.1', 'said', 'Q', '{a@x.example,b@x.example}', '{accepted,rejected}'),
    'accepted|1|-|t|refused for b@x.example: said b@x.example|{a=accepted,b=rejected}', 'some recipients refused for good: accepted, and said for whom not');
SELECT is(pg_temp.write('later'), 'queued', 'another one');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['later'], 'claimed');
SELECT is(pg_temp.result('later', 'partial', 450, '4.2.1', 'busy', 'Q', '{a@x.example,b@x.example}', '{accepted,deferred}'),
    'deferred|1|00:01:00|f|busy|{a=accepted,b=deferred}', 'some put off: tried again for those');
SELECT is_empty($$SELECT pg_temp.claim(now() + interval '59 seconds')$$, 'not before its pause is over');
SELECT results_eq($$SELECT c.recipients::text FROM ar_inbox_internal.claim_deliveries(now() + interval '1 minute', 10) c$$, ARRAY['{b@x.example}'], 'then for nobody else');
SELECT is(pg_temp.result('later', 'accepted', at => now() + interval '1 minute'), 'accepted|2|-|t|-|{a=accepted,b=accepted}', 'in the end accepted for all');

SELECT is(pg_temp.write('last'), 'queued', 'another one');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['last'], 'claimed');
SELECT is(pg_temp.result('last', 'partial', 450, '4.2.1', 'busy', 'Q', '{a@x.example,b@x.example}', '{accepted,deferred}'), 'deferred|1|00:01:00|f|busy|{a=accepted,b=deferred}', 'one accepted, one put off');
SELECT results_eq($$SELECT pg_temp.claim(now() + interval '1 minute')$$, ARRAY['last'], 'claimed for the other');
SELECT is(pg_temp.result('last', 'rejected', 550, '5.1.1', 'no such user', at => now() + interval '1 minute'), 'accepted|2|-|t|refused for b@x.example: no such user|{a=accepted,b=rejected}',
    'who is refused then does not undo who has it');

-- put off, again and again
SELECT is(pg_temp.write('slow'), 'queued', 'another one');
CREATE FUNCTION pg_temp.put_off(name text, at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_temp.claim(at) c WHERE c = name) THEN
        RETURN 'not claimed';
    END IF;
    PERFORM pg_temp.result(name, 'deferred', 451, '4.3.0', 'try later', at => at);
    RETURN (SELECT concat_ws('|', d.state, d.next_attempt_at - at, d.reason) FROM ar_inbox.deliveries d WHERE d.id = pg_temp.id(name));
END
$$;
CREATE TEMP TABLE pauses (attempt serial, outcome text);
DO $$
DECLARE
    moment timestamptz := now();
    outcome text;
BEGIN
    FOR i IN 1 .. 50 LOOP
        outcome := pg_temp.put_off('slow', moment);
        INSERT INTO pauses (outcome) VALUES (outcome);
        EXIT WHEN outcome !~ '^deferred';
        moment := (SELECT next_attempt_at FROM ar_inbox.deliveries WHERE id = pg_temp.id('slow'));
    END LOOP;
END $$;
SELECT results_eq('SELECT outcome FROM pauses ORDER BY attempt LIMIT 8', ARRAY['deferred|00:01:00|try later', 'deferred|00:02:00|try later', 'deferred|00:04:00|try later',
    'deferred|00:08:00|try later', 'deferred|00:16:00|try later', 'deferred|00:32:00|try later', 'deferred|01:00:00|try later', 'deferred|01:00:00|try later'],
    'put off: each pause twice the last, up to an hour');
SELECT is((SELECT outcome FROM pauses ORDER BY attempt DESC LIMIT 1), 'rejected|given up after 29 attempts: try later', 'given up where the next one would be after 24 hours');
SELECT is(pg_temp.state('slow'), 'rejected|29|-|t|given up after 29 attempts: try later|{a=deferred,b=deferred}', 'that is the end');
UPDATE ar_inbox.companies SET retry_limit = '5 minutes' WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.write('short'), 'queued', 'with a limit of 5 minutes');
SELECT is(pg_temp.put_off('short', now()), 'deferred|00:01:00|try later', 'put off');
SELECT is(pg_temp.put_off('short', now() + interval '1 minute'), 'deferred|00:02:00|try later', 'twice');
SELECT is(pg_temp.put_off('short', now() + interval '3 minutes'), 'rejected|given up after 3 attempts: try later', 'three times is too often');
SELECT is(pg_temp.write('part'), 'queued', 'another one');
UPDATE ar_inbox.deliveries SET give_up_at = now() WHERE id = pg_temp.id('part');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['part'], 'claimed');
SELECT is(pg_temp.result('part', 'partial', 450, NULL, 'busy', 'Q', '{a@x.example,b@x.example}', '{accepted,deferred}'),
    'accepted|1|-|t|given up for some: busy|{a=accepted,b=deferred}', 'given up for some only: accepted, and said so');
UPDATE ar_inbox.companies SET retry_limit = '24 hours' WHERE id = pg_temp.id('acme');

-- refused, not sent, in doubt
SELECT is(pg_temp.write('refused'), 'queued', 'another one');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['refused'], 'claimed');
SELECT is(pg_temp.result('refused', 'rejected', 550, '5.7.1', 'we do not want it'),
    'rejected|1|-|t|refused for a@x.example: we do not want it; b@x.example: we do not want it|{a=rejected,b=rejected}', 'refused, with the reason');
SELECT is_empty($$SELECT pg_temp.claim(now() + interval '1 year')$$, 'it is not tried again');
SELECT is(pg_temp.write('cut'), 'queued', 'another one');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['cut'], 'claimed');
SELECT is(pg_temp.result('cut', 'not_sent', NULL, NULL, 'connection refused'), 'deferred|1|00:01:00|f|connection refused|{a=deferred,b=deferred}', 'never on its way: tried again');
SELECT results_eq($$SELECT pg_temp.attempts('cut')$$, ARRAY['1|not_sent|t|connection refused'], 'the attempt tells it from a refusal');
SELECT results_eq($$SELECT pg_temp.claim(now() + interval '1 minute')$$, ARRAY['cut'], 'claimed again');
SELECT is(pg_temp.result('cut', 'unknown', NULL, NULL, 'connection lost', at => now() + interval '1 minute'),
    'unknown|2|00:03:00|f|in doubt: connection lost|{a=unknown,b=unknown}', 'in doubt: handed off again, as is the rule');
SELECT is((SELECT count(DISTINCT message_id) FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.id = pg_temp.id('cut')), 1::bigint, 'under the same Message-ID');
SELECT results_eq($$SELECT c.recipients::text FROM ar_inbox_internal.claim_deliveries(now() + interval '3 minutes', 10) c$$, ARRAY['{a@x.example,b@x.example}'], 'to the same');
SELECT is(pg_temp.result('cut', 'accepted', at => now() + interval '3 minutes'), 'accepted|3|-|t|-|{a=accepted,b=accepted}', 'the doubt is gone') ;
UPDATE ar_inbox.companies SET resend_in_doubt = false WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.write('doubt'), 'queued', 'where the company decides itself');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['doubt'], 'claimed');
SELECT is(pg_temp.result('doubt', 'unknown', NULL, NULL, 'connection lost'), 'unknown|1|-|f|in doubt: connection lost|{a=unknown,b=unknown}', 'in doubt: left to a member');
SELECT is_empty($$SELECT pg_temp.claim(now() + interval '1 year')$$, 'it is not handed off again by itself');
-- a member decides
CREATE FUNCTION pg_temp.resolved(name text, resend boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox.resolve_delivery(pg_temp.id(name), resend);
    RETURN pg_temp.state(name);
END
$$;
SELECT is(pg_temp.refusal($$SELECT ar_inbox.resolve_delivery(pg_temp.id('doubt'), NULL)$$), '22004 resend is NULL', 'resolve_delivery: NULL is no decision');
SELECT is(pg_temp.resolved('doubt', true), 'unknown|1|00:00:00|f|in doubt: connection lost|{a=unknown,b=unknown}', 'hand it off again');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['doubt'], 'claimed');
SELECT is(pg_temp.result('doubt', 'unknown', NULL, NULL, 'lost again'), 'unknown|2|-|f|in doubt: lost again|{a=unknown,b=unknown}', 'in doubt once more');
SELECT is(pg_temp.resolved('doubt', false), 'accepted|2|-|t|in doubt, taken as delivered|{a=accepted,b=accepted}', 'take it as delivered');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.resolve_delivery(pg_temp.id('doubt'), true)$$), format('IB002 delivery %s is accepted', pg_temp.id('doubt')), 'then there is no doubt any more');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.resolve_delivery(%s, true)', id)), format('IB001 delivery %s does not exist', id), 'delivery ' || id) FROM unnest(ARRAY['0', 'NULL']) id;
SELECT is((SELECT array_agg(action ORDER BY id) FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'delivery' AND subject_id = pg_temp.id('doubt')),
    ARRAY['handed off again', 'taken as delivered'], 'both decisions are written down');
UPDATE ar_inbox.companies SET resend_in_doubt = true WHERE id = pg_temp.id('acme');

-- the server stopped
SELECT is(pg_temp.write('lost'), 'queued', 'another one');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['lost'], 'claimed');
SELECT is(ar_inbox_internal.settle_interrupted(now() + interval '1 hour'), ARRAY[]::bigint[], 'found in flight an hour later');
SELECT is(pg_temp.state('lost'), 'unknown|1|01:00:00|f|in doubt: the server stopped while the message was being handed off|{a=unknown,b=unknown}', 'it is in doubt, and due at once');
SELECT is(ar_inbox_internal.settle_interrupted(now() + interval '1 hour'), ARRAY[]::bigint[], 'nothing else is');
SELECT results_eq($$SELECT pg_temp.claim(now() + interval '1 hour')$$, ARRAY['lost'], 'claimed');
SELECT is(pg_temp.result('lost', 'accepted', at => now() + interval '1 hour'), 'accepted|2|-|t|-|{a=accepted,b=accepted}', 'and handed off');

-- reminders: the step's end
SELECT is(pg_temp.remind('sent'), 'sending', 'a reminder');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['sent'], 'claimed');
SELECT is(pg_temp.step('sent'), 'sending', 'the step waits for the answer');
SELECT is(pg_temp.result('sent', 'accepted'), 'accepted|1|-|t|-|{ap=accepted}', 'accepted');
SELECT is(pg_temp.step('sent'), 'sent', 'the step is sent');
SELECT is(pg_temp.remind('bad'), 'sending', 'a reminder');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['bad'], 'claimed');
SELECT is(pg_temp.result('bad', 'rejected', 550, '5.1.1', 'no such user'), 'rejected|1|-|t|refused for ap@globex.example: no such user|{ap=rejected}', 'refused');
SELECT is(pg_temp.step('bad'), 'failed email: refused for ap@globex.example: no such user', 'the step failed, by which channel and why');
SELECT is(ar_inbox.invoice_status(pg_temp.id('bad invoice')), 'not_sent', 'the invoice was not sent');
SELECT is(pg_temp.remind('wait'), 'sending', 'a reminder');
SELECT is(pg_temp.put_off('wait', now()), 'deferred|00:01:00|try later', 'put off');
SELECT is(pg_temp.step('wait'), 'sending', 'is not yet a failure');
SELECT is(ar_inbox_internal.settle_interrupted(now()), ARRAY[]::bigint[], 'nor in flight');
CALL pg_temp.keep('paid1', ar_inbox.record_payment(pg_temp.id('wait invoice'), 100));
SELECT is(pg_temp.state('wait'), 'cancelled|1|-|t|invoice paid|{ap=cancelled}', 'paid while it waits: it is not tried again');
SELECT is(pg_temp.step('wait'), 'cancelled invoice paid', 'the step is cancelled');
SELECT is_empty($$SELECT pg_temp.claim(now() + interval '1 year')$$, 'nothing is left to hand off');

-- a reminder in doubt, where a member decides
UPDATE ar_inbox.companies SET resend_in_doubt = false WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.remind('u1'), 'sending', 'a reminder');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['u1'], 'claimed');
SELECT is(pg_temp.result('u1', 'unknown', NULL, NULL, 'connection lost'), 'unknown|1|-|f|in doubt: connection lost|{ap=unknown}', 'in doubt');
SELECT is(pg_temp.step('u1'), 'sending', 'its step waits for the decision');
DO $$ BEGIN PERFORM ar_inbox.resolve_delivery(pg_temp.id('u1'), false); END $$;
SELECT is(pg_temp.step('u1'), 'sent in doubt, taken as delivered', 'taken as delivered: sent');
SELECT is(pg_temp.remind('u2'), 'sending', 'a reminder');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['u2'], 'claimed');
SELECT is(pg_temp.result('u2', 'unknown', NULL, NULL, 'connection lost'), 'unknown|1|-|f|in doubt: connection lost|{ap=unknown}', 'in doubt');
CALL pg_temp.keep('paidu2', ar_inbox.record_payment(pg_temp.id('u2 invoice'), 100));
SELECT is(pg_temp.refusal($$SELECT ar_inbox.resolve_delivery(pg_temp.id('u2'), true)$$),
    format('IB002 delivery %s is a reminder for an invoice that is no longer chased', pg_temp.id('u2')), 'paid: it cannot be handed off again');
UPDATE ar_inbox.companies SET resend_in_doubt = true WHERE id = pg_temp.id('acme');

-- paid while it is on its way
CREATE FUNCTION pg_temp.crossed(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF pg_temp.remind(name) <> 'sending' OR NOT EXISTS (SELECT 1 FROM pg_temp.claim() c WHERE c = name) THEN
        RETURN 'not claimed';
    END IF;
    PERFORM ar_inbox.record_payment(pg_temp.id(name || ' invoice'), 100);
    RETURN (SELECT concat_ws('|', d.state, d.crossed_with_payment) FROM ar_inbox.deliveries d JOIN ids i ON i.id = d.id WHERE i.name = crossed.name);
END
$$;
CREATE FUNCTION pg_temp.crossing(name text) RETURNS boolean LANGUAGE sql AS $$ SELECT crossed_with_payment FROM ar_inbox.deliveries WHERE id = pg_temp.id(name) $$;
SELECT is(pg_temp.crossed('x1'), 'handing_off|t', 'paid while it is being handed off');
SELECT is(pg_temp.result('x1', 'accepted'), 'accepted|1|-|t|-|{ap=accepted}', 'it arrived:');
SELECT ok(pg_temp.crossing('x1'), 'it crossed with the payment');
SELECT is(pg_temp.step('x1'), 'sent', 'the step is sent');
SELECT is(pg_temp.crossed('x2'), 'handing_off|t', 'another one');
SELECT is(pg_temp.result('x2', 'deferred', 451, NULL, 'try later'), 'cancelled|1|-|t|chasing has ended|{ap=cancelled}', 'put off: there is no second attempt');
SELECT ok(NOT pg_temp.crossing('x2'), 'it crossed with nothing');
SELECT is(pg_temp.step('x2'), 'cancelled chasing has ended', 'the step is cancelled');
SELECT is(pg_temp.crossed('x3'), 'handing_off|t', 'another one');
SELECT is(pg_temp.result('x3', 'not_sent', NULL, NULL, 'connection refused'), 'cancelled|1|-|t|chasing has ended|{ap=cancelled}', 'never on its way: the same');
SELECT is(pg_temp.crossed('x4'), 'handing_off|t', 'another one');
SELECT is(pg_temp.result('x4', 'unknown', NULL, NULL, 'connection lost'), 'unknown|1|-|f|in doubt: connection lost|{ap=unknown}', 'in doubt: not again');
SELECT ok(pg_temp.crossing('x4'), 'it may have crossed');
SELECT is(pg_temp.crossed('x5'), 'handing_off|t', 'another one');
SELECT is(ar_inbox_internal.settle_interrupted(now()), ARRAY[]::bigint[], 'the server stops');
SELECT is(pg_temp.state('x5'), 'unknown|1|-|f|in doubt: the server stopped while the message was being handed off|{ap=unknown}', 'it is not handed off again');
SELECT is(pg_temp.remind('x6'), 'sending', 'a reminder');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['x6'], 'claimed');
SELECT is(pg_temp.result('x6', 'unknown', NULL, NULL, 'connection lost'), 'unknown|1|00:01:00|f|in doubt: connection lost|{ap=unknown}', 'in doubt, to be handed off again');
CALL pg_temp.keep('paid6', ar_inbox.record_payment(pg_temp.id('x6 invoice'), 100));
SELECT is(pg_temp.state('x6'), 'unknown|1|-|f|in doubt: connection lost|{ap=unknown}', 'then paid: not again');
SELECT ok(pg_temp.crossing('x6'), 'it may have crossed');
SELECT is(pg_temp.step('x6'), 'sent in doubt: connection lost', 'the step may have been sent, and says so');
SELECT is(pg_temp.remind('x7'), 'sending', 'a reminder');
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['x7'], 'claimed');
DO $$ BEGIN PERFORM ar_inbox.close_invoice(pg_temp.id('x7 invoice')); END $$;
SELECT is(pg_temp.result('x7', 'accepted'), 'accepted|1|-|t|-|{ap=accepted}', 'closed while it is being handed off');
SELECT ok(NOT pg_temp.crossing('x7'), 'is no payment to cross with');

-- even if no trigger had done it, what is paid is not handed off
SELECT is(pg_temp.remind('y1'), 'sending', 'a reminder');
ALTER TABLE ar_inbox.invoices DISABLE TRIGGER invoice_changed;
UPDATE ar_inbox.invoices SET status = 'closed' WHERE id = pg_temp.id('y1 invoice');
ALTER TABLE ar_inbox.invoices ENABLE TRIGGER invoice_changed;
SELECT is_empty('SELECT pg_temp.claim()', 'it is judged a last time when it is claimed');
SELECT is(pg_temp.state('y1'), 'cancelled|0|-|t|chasing has ended|{ap=cancelled}', 'and cancelled');

-- how many at once
DO $$ BEGIN
    PERFORM pg_temp.write('n' || n, recipients => '{a@x.example}') FROM generate_series(1, 5) n;
    PERFORM pg_temp.write('o' || n, 'other', recipients => '{a@x.example}') FROM generate_series(1, 5) n;
END $$;
SELECT bag_eq('SELECT pg_temp.claim(per_account => 2)', ARRAY['n1', 'n2', 'o1', 'o2'], 'no more for one account than it may have');
SELECT bag_eq($$SELECT pg_temp.claim(per_account => 3, busy => ARRAY[pg_temp.id('account')], counts => '{2}', most => 3)$$, ARRAY['n3', 'o3', 'o4'],
    'those under way count, and no more than asked for in all');
SELECT results_eq($$SELECT pg_temp.claim(per_account => 2, busy => ARRAY[pg_temp.id('account'), pg_temp.id('other account')], counts => '{1,2}')$$, ARRAY['n4'],
    'nothing for an account that is busy');
DO $$ BEGIN PERFORM ar_inbox_internal.record_account_failure(pg_temp.id('account'), pg_temp.id('acme'), now(), 'no route'); END $$;
SELECT results_eq('SELECT pg_temp.claim()', ARRAY['o5'], 'nor for one whose server cannot be reached');
SELECT results_eq($$SELECT pg_temp.claim(now() + interval '5 seconds')$$, ARRAY['n5'], 'until it is time to try again');

-- setting the account anew lets go what waited for it
SELECT is(pg_temp.write('held'), 'queued', 'another one');
UPDATE ar_inbox.mail_accounts SET send_retry_at = NULL WHERE id = pg_temp.id('account');
SELECT is(pg_temp.put_off('held', now()), 'deferred|00:01:00|try later', 'put off');
DO $$ BEGIN PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://new.acme.example'); END $$;
SELECT results_eq($$SELECT c.smtp_url || coalesce(c.username, '') || coalesce(c.password, '') FROM ar_inbox_internal.claim_deliveries(now(), 10) c$$, ARRAY['smtp://new.acme.example'],
    'goes out at once, by the new server');

-- when the worker is needed next
SELECT ok(ar_inbox_internal.next_wake() > now(), 'nothing is due now');
SELECT is(pg_temp.write('wake'), 'queued', 'another one');
SELECT is(ar_inbox_internal.next_wake(), now(), 'now there is');
SELECT is(ar_inbox_internal.next_wake(armed => false), NULL, 'but not where nothing may leave');

-- the ledger's own rules
SELECT throws_ok(format('UPDATE ar_inbox.deliveries SET %s WHERE id = %s', change, pg_temp.id('wake')), '23514', NULL, change || ' is refused')
FROM unnest(ARRAY['next_attempt_at = NULL', 'state = ''accepted''', 'state = ''rejected'', finished_at = now(), next_attempt_at = NULL',
    'state = ''handing_off''', 'finished_at = now()']) change;
SELECT is(pg_temp.write('spare'), 'queued', 'another one');
SELECT throws_ok(format('UPDATE ar_inbox.deliveries d SET invoice_id = o.invoice_id, chasing_step_id = o.chasing_step_id
    FROM ar_inbox.deliveries o WHERE o.id = %s AND d.id = %s', pg_temp.id('sent'), pg_temp.id('spare')), '23505', NULL,
    'a step has one delivery by a channel that is not at its end');

-- the return path
UPDATE ar_inbox.mail_accounts SET plus_addressing = true, inbox_address = 'inbox@acme.example' WHERE id = pg_temp.id('account');
CREATE FUNCTION pg_temp.envelope(name text, at timestamptz DEFAULT now()) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', regexp_replace(c.mail_from, 'b[a-z2-7]{29}', 'token'), left(c.envelope_id, 1),
        ar_inbox_internal.read_token(ar_inbox_internal.signing_key(c.company_id), 'b', c.envelope_id) = pg_temp.id(envelope.name),
        c.mail_from LIKE 'inbox+' || c.envelope_id || '@%')
    FROM ar_inbox_internal.claim_deliveries(at, 10) c WHERE c.delivery_id = pg_temp.id(envelope.name)
$$;
SELECT is(pg_temp.write('signed'), 'queued', 'where the inbox takes tagged addresses');
SELECT results_eq($$SELECT pg_temp.envelope('signed')$$, ARRAY['inbox+token@acme.example|b|t|t'], 'bounces come back to one that names the delivery, and so does the envelope id');
SELECT is(pg_temp.result('signed', 'deferred', 450), 'deferred|1|00:01:00|f|ok|{a=deferred,b=deferred}', 'put off');
UPDATE ar_inbox.mail_accounts SET inbox_address = 'moved@acme.example' WHERE id = pg_temp.id('account');
SELECT results_eq($$SELECT pg_temp.envelope('signed', now() + interval '1 minute')$$, ARRAY['inbox+token@acme.example|b|t|t'], 'the same at every attempt');
UPDATE ar_inbox.mail_accounts SET plus_addressing = false WHERE id = pg_temp.id('account');
SELECT is(pg_temp.write('unsigned'), 'queued', 'where it takes none');
SELECT results_eq($$SELECT pg_temp.envelope('unsigned')$$, ARRAY['billing@acme.example|b|t|f'], 'the envelope id alone names it');

-- a member's message that nobody handed off until its limit, as in a backup of days ago
SELECT is(pg_temp.write('late'), 'queued', 'a message');
UPDATE ar_inbox.deliveries SET created_at = now() - interval '3 days', next_attempt_at = now() - interval '3 days', give_up_at = now() - interval '1 second' WHERE id = pg_temp.id('late');
UPDATE ar_inbox.threads t SET status = 'closed' FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.id = pg_temp.id('late') AND t.id = e.thread_id;
SELECT is_empty('SELECT pg_temp.claim()', 'does not leave');
SELECT matches(pg_temp.state('late'), '^rejected\|0\|-\|t\|given up: it could not be handed off until .* \(retry_limit\)\|{a=rejected,b=rejected}$', 'it is given up');
SELECT is((SELECT t.status::text FROM ar_inbox.threads t JOIN ar_inbox.emails e ON e.thread_id = t.id JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.id = pg_temp.id('late')), 'open', 'and its thread opened');
SELECT is(pg_temp.write('in time'), 'queued', 'another one');
SELECT isnt_empty('SELECT pg_temp.claim()', 'leaves');

SELECT finish();
ROLLBACK;
