\set ECHO none
-- What mail systems say of our mail: which message it is about, what becomes
-- of its delivery, who is written to no more.
\i test/lib/pgtap.sql
\set top `pwd`
SELECT plan(92);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('initech', ar_inbox.create_customer(pg_temp.id('acme'), 'Initech', email => 'pay@initech.example'));
DO $$ BEGIN
    PERFORM ar_inbox.arm();
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example', plus_addressing => true);
    PERFORM ar_inbox.set_mail_account(pg_temp.id('other'), 'billing@other.example', 'smtp://mail.other.example', inbox_address => 'inbox@other.example', plus_addressing => true);
    PERFORM ar_inbox.add_company_address(pg_temp.id('acme'), 'billing@example.com');
    PERFORM ar_inbox.change_settings(pg_temp.id('other'), '{"undo_grace": "0"}');
    PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"undo_grace": "0", "automatic_mail_opens_threads": false}');
END $$;

-- A message that is handed off: its email, thread and delivery under a name.
CREATE PROCEDURE pg_temp.write(name text, recipients ar_inbox.email_address[], outcome text DEFAULT 'accepted', company text DEFAULT 'acme') LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.send_email(pg_temp.id(company), recipients, name, 'Hello.');
    sent bigint;
    thread bigint;
BEGIN
    SELECT d.id, e.thread_id INTO sent, thread FROM ar_inbox.deliveries d JOIN ar_inbox.emails e ON e.id = d.email_id WHERE e.id = mail;
    INSERT INTO ids VALUES (name, mail), (name || ' delivery', sent), (name || ' thread', thread);
    IF outcome <> 'queued' THEN
        PERFORM ar_inbox_internal.claim_deliveries(now(), 100);
    END IF;
    IF outcome NOT IN ('queued', 'handing_off') THEN
        PERFORM ar_inbox_internal.record_result(sent, pg_temp.id(company), now(), outcome, 250, '2.0.0', 'Ok: queued');
    END IF;
END
$$;
CREATE FUNCTION pg_temp.token(name text, company text DEFAULT 'acme') RETURNS text LANGUAGE sql AS $$
    SELECT ar_inbox_internal.sign_token(ar_inbox_internal.signing_key(pg_temp.id(company)), 'b', pg_temp.id(name || ' delivery'))
$$;
CREATE FUNCTION pg_temp.message_id(name text) RETURNS text LANGUAGE sql AS $$ SELECT message_id FROM ar_inbox.emails WHERE id = pg_temp.id(name) $$;

-- A standard report of delivery; each recipient as address, action, status, diagnostic.
CREATE FUNCTION pg_temp.bounce(recipients text[], tag text DEFAULT NULL, envelope_id text DEFAULT NULL, message_id text DEFAULT NULL, recipient text DEFAULT NULL) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(concat(E'Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: ', coalesce(recipient, 'inbox' || coalesce('+' || tag, '') || '@acme.example'), E'\r\n',
        E'Subject: Undelivered\r\nMessage-ID: <', gen_random_uuid(), E'@mx.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n',
        E'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt could not be delivered.\r\n',
        E'--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n', E'Original-Envelope-Id: ' || envelope_id || E'\r\n',
        (SELECT string_agg(format(E'\r\n%sAction: %s\r\nStatus: %s\r\nDiagnostic-Code: smtp; %s\r\n', CASE WHEN r[1] <> '' THEN E'Final-Recipient: rfc822; ' || r[1] || E'\r\n' END, r[2], r[3], r[4]), '')
            FROM (SELECT string_to_array(x, '|') r FROM unnest(recipients) x) x),
        E'\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Hello\r\n', E'Message-ID: <' || message_id || E'>\r\n', E'--b--\r\n'), 'UTF8')
$$;
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS bigint LANGUAGE sql AS $$ SELECT ar_inbox.receive_email(message) $$;

-- How a message stands: its delivery, its recipients, its thread, who of them is suppressed.
CREATE FUNCTION pg_temp.stands(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', concat_ws(' ', d.state, d.code, d.enhanced_code, d.reason),
        (SELECT string_agg(split_part(r.address::text, '@', 1) || ' ' || r.state, ', ' ORDER BY r.id) FROM ar_inbox.email_recipients r WHERE r.email_id = d.email_id AND r.field <> 'reply_to'),
        (SELECT concat_ws(' ', t.status, t.message_count) FROM ar_inbox.threads t JOIN ar_inbox.emails e ON e.thread_id = t.id WHERE e.id = d.email_id),
        (SELECT string_agg(split_part(s.address::text, '@', 1) || ' ' || s.reason || ' ' || s.detail, ', ' ORDER BY s.id) FROM ar_inbox.suppressions s JOIN ar_inbox.email_recipients r ON r.address = s.address AND r.company_id = s.company_id WHERE r.email_id = d.email_id))
    FROM ar_inbox.deliveries d WHERE d.email_id = pg_temp.id(name)
$$;

-- which message it is about
CALL pg_temp.write('by token', '{gone1@globex.example}');
SELECT is(pg_temp.stands('by token'), 'accepted 250 2.0.0 | gone1 accepted | closed 1', 'a message that was handed off');
CALL pg_temp.keep('bounce', pg_temp.receive(pg_temp.bounce('{gone1@globex.example|failed|5.1.1|550 5.1.1 no such user}', pg_temp.token('by token'))));
SELECT is(pg_temp.stands('by token'), 'bounced 550 5.1.1 bounced for gone1@globex.example: 550 5.1.1 no such user | gone1 bounced | open 2 | gone1 bounce 550 5.1.1 no such user',
    'comes back to its return address: bounced, its thread open, the address suppressed');
SELECT is(concat_ws(' ', direction, kind, automatic, thread_id = pg_temp.id('by token thread')), 'incoming bounce t t', 'the bounce is in its thread') FROM ar_inbox.emails WHERE id = pg_temp.id('bounce');
SELECT is(verdicts #>> '{bounce,recipients,0,status}', '5.1.1', 'with what was read out of it') FROM ar_inbox.emails WHERE id = pg_temp.id('bounce');
SELECT is(email_id, pg_temp.id('bounce'), 'the suppression says by which message') FROM ar_inbox.suppressions WHERE address = 'gone1@globex.example';
SELECT is(finished_at IS NOT NULL AND next_attempt_at IS NULL, true, 'the delivery has ended') FROM ar_inbox.deliveries WHERE id = pg_temp.id('by token delivery');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'delivery' AND subject_id = pg_temp.id('by token delivery') AND action = 'bounced'), 1::bigint, 'and it is written down');
SELECT throws_ok($$SELECT ar_inbox.send_email(pg_temp.id('acme'), '{gone1@globex.example}', 'x', 'x')$$, 'IB007', NULL, 'what is written to it then is refused');
CALL pg_temp.write('by token in capitals', '{gone2@globex.example}');
CALL pg_temp.keep('bounce 2', pg_temp.receive(pg_temp.bounce('{gone2@globex.example|failed|5.1.1|550 gone}', upper(pg_temp.token('by token in capitals')))));
SELECT is(pg_temp.stands('by token in capitals'), 'bounced 550 5.1.1 bounced for gone2@globex.example: 550 gone | gone2 bounced | open 2 | gone2 bounce 550 gone', 'in capitals');
CALL pg_temp.write('by envelope', '{gone3@globex.example}');
CALL pg_temp.keep('bounce 3', pg_temp.receive(pg_temp.bounce('{gone3@globex.example|failed|5.1.1|550 gone}', envelope_id => pg_temp.token('by envelope'))));
SELECT is(pg_temp.stands('by envelope'), 'bounced 550 5.1.1 bounced for gone3@globex.example: 550 gone | gone3 bounced | open 2 | gone3 bounce 550 gone', 'by the envelope id that it names');
CALL pg_temp.write('by id', '{gone4@globex.example}');
CALL pg_temp.keep('bounce 4', pg_temp.receive(pg_temp.bounce('{gone4@globex.example|failed|5.1.1|550 gone}', message_id => pg_temp.message_id('by id'))));
SELECT is(pg_temp.stands('by id'), 'bounced 550 5.1.1 bounced for gone4@globex.example: 550 gone | gone4 bounced | open 2 | gone4 bounce 550 gone', 'by the Message-ID of what it returns');
CALL pg_temp.write('earlier', '{gone5@globex.example}');
CALL pg_temp.write('by recipient', '{gone5@globex.example}');
CALL pg_temp.keep('bounce 5', pg_temp.receive(pg_temp.bounce('{gone5@globex.example|failed|5.1.1|550 gone}')));
SELECT is(pg_temp.stands('by recipient'), 'accepted 250 2.0.0 | gone5 accepted | open 2', 'by the recipient: with the last that went there, and nothing follows: anybody can write that');
SELECT is(pg_temp.stands('earlier'), 'accepted 250 2.0.0 | gone5 accepted | closed 1', 'not the one before');
SELECT is(concat_ws(' ', kind, thread_id = pg_temp.id('by recipient thread'), verdicts #>> '{bounce,kind}'), 'bounce t hard', 'it can be read there') FROM ar_inbox.emails WHERE id = pg_temp.id('bounce 5');
CALL pg_temp.keep('bounce 5b', pg_temp.receive(pg_temp.bounce('{gone5@globex.example|failed|5.1.1|550 gone}', message_id => pg_temp.message_id('earlier'))));
SELECT is(pg_temp.stands('earlier'), 'bounced 550 5.1.1 bounced for gone5@globex.example: 550 gone | gone5 bounced | open 2 | gone5 bounce 550 gone', 'one that shows the message itself counts');
CALL pg_temp.write('long ago', '{gone6@globex.example}');
UPDATE ar_inbox.emails SET occurred_at = now() - interval '8 days' WHERE id = pg_temp.id('long ago');
CALL pg_temp.keep('bounce 6', pg_temp.receive(pg_temp.bounce('{gone6@globex.example|failed|5.1.1|550 gone}')));
SELECT is(pg_temp.stands('long ago'), 'accepted 250 2.0.0 | gone6 accepted | closed 1', 'nor one of more than a week ago');
SELECT is(concat_ws(' ', e.kind, t.status, t.message_count), 'bounce open 1', 'it is a conversation of its own then') FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = pg_temp.id('bounce 6');
CALL pg_temp.keep('bounce 7', pg_temp.receive(pg_temp.bounce('{ap@globex.example|failed|5.1.1|550 gone}')));
SELECT is(concat_ws(' ', t.topic, t.customer_id = pg_temp.id('globex'), t.status), 'customer t open', 'one about a customer, of no message that is here, is in the customer''s')
FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = pg_temp.id('bounce 7');
SELECT is((SELECT count(*) FROM ar_inbox.suppressions WHERE address = 'ap@globex.example'), 0::bigint, 'and suppresses nobody');

-- never across companies, never by a forged token
CALL pg_temp.write('theirs', '{gone7@globex.example}', company => 'other');
CALL pg_temp.keep('bounce 8', pg_temp.receive(pg_temp.bounce('{gone7@globex.example|failed|5.1.1|550 gone}', pg_temp.token('theirs', 'other'), pg_temp.token('theirs', 'other'), pg_temp.message_id('theirs'))));
SELECT is(pg_temp.stands('theirs'), 'accepted 250 2.0.0 | gone7 accepted | closed 1', 'a bounce to one company says nothing of another''s message');
CALL pg_temp.write('forged', '{here@globex.example}');
CALL pg_temp.keep('bounce 9', pg_temp.receive(pg_temp.bounce('{gone@nowhere.example|failed|5.1.1|550 gone}', overlay(pg_temp.token('forged') PLACING CASE right(pg_temp.token('forged'), 1) WHEN 'a' THEN 'q' ELSE 'a' END FROM 30))));
SELECT is(pg_temp.stands('forged'), 'accepted 250 2.0.0 | here accepted | closed 1', 'nor does one with a forged token');
CALL pg_temp.write('to two', '{one@globex.example,two@globex.example}');
CALL pg_temp.keep('bounce 10', pg_temp.receive(pg_temp.bounce('{pay@initech.example|failed|5.1.1|550 gone}', pg_temp.token('to two'))));
SELECT is(pg_temp.stands('to two'), 'accepted 250 2.0.0 | one accepted, two accepted | open 2', 'one that names somebody the message did not go to');
SELECT is((SELECT count(*) FROM ar_inbox.suppressions WHERE address = 'pay@initech.example'), 0::bigint, 'suppresses nobody');
CALL pg_temp.write('forwarded', '{front@globex.example}');
CALL pg_temp.keep('bounce 11', pg_temp.receive(pg_temp.bounce('{behind@elsewhere.example|failed|5.1.1|550 gone}', pg_temp.token('forwarded'))));
SELECT is(pg_temp.stands('forwarded'), 'bounced 550 5.1.1 bounced for front@globex.example: 550 gone | front bounced | open 2', 'of a message to one address, forwarded from there: it has bounced, the address stays');
SELECT is((SELECT count(*) FROM ar_inbox.suppressions WHERE address = 'behind@elsewhere.example'), 0::bigint, 'and so does the other');
CALL pg_temp.write('not yet', '{waits@globex.example}', 'queued');
CALL pg_temp.keep('bounce 12', pg_temp.receive(pg_temp.bounce('{waits@globex.example|failed|5.1.1|550 gone}')));
SELECT is(pg_temp.stands('not yet'), 'queued | waits queued | closed 1', 'what has not left cannot come back');
CALL pg_temp.keep('bounce 12b', pg_temp.receive(pg_temp.bounce('{waits@globex.example|failed|5.1.1|550 gone}', pg_temp.token('not yet'))));
SELECT is(pg_temp.stands('not yet'), 'queued | waits queued | open 2', 'not even with its token');
CALL pg_temp.write('gone out', '{later@globex.example}');
CALL pg_temp.keep('tomorrow', ar_inbox.send_email(pg_temp.id('acme'), '{later@globex.example}', 'tomorrow', 'x', send_at => now() + interval '1 day'));
CALL pg_temp.keep('taken back', ar_inbox.send_email(pg_temp.id('acme'), '{later@globex.example}', 'taken back', 'x', send_at => now() + interval '1 day'));
DO $$ BEGIN PERFORM ar_inbox.undo_send(pg_temp.id('taken back')); END $$;
CALL pg_temp.keep('bounce 12c', pg_temp.receive(pg_temp.bounce('{later@globex.example|failed|5.2.2|552 full}')));
SELECT is(pg_temp.stands('gone out'), 'accepted 250 2.0.0 | later accepted | open 2', 'one that shows nothing is with what went out');
SELECT is(pg_temp.stands('tomorrow'), 'queued | later queued | closed 1', 'not with what goes tomorrow');
CALL pg_temp.keep('bounce 12d', pg_temp.receive(pg_temp.bounce('{later@globex.example|failed|5.2.2|552 full}', message_id => pg_temp.message_id('taken back'))));
SELECT matches(pg_temp.stands('taken back'), '^cancelled .* \| later cancelled \| open 2$', 'what was taken back stays so');
CALL pg_temp.write('ended', '{ended@globex.example}');
UPDATE ar_inbox.deliveries SET state = 'cancelled', reason = 'chasing has ended' WHERE id = pg_temp.id('ended delivery');
CALL pg_temp.keep('bounce 12e', pg_temp.receive(pg_temp.bounce('{ended@globex.example|failed|5.1.1|550 gone}', pg_temp.token('ended'))));
SELECT is(pg_temp.stands('ended'), 'cancelled 250 2.0.0 chasing has ended | ended accepted | open 2 | ended bounce 550 gone', 'given up after an attempt that may have arrived: still so, and its address suppressed');
CALL pg_temp.write('flying', '{flying@globex.example}', 'handing_off');
CALL pg_temp.keep('bounce 12f', pg_temp.receive(pg_temp.bounce('{flying@globex.example|failed|5.1.1|550 gone}')));
SELECT is(pg_temp.stands('flying'), 'handing_off | flying queued | open 2', 'one that is on its way may come back');

-- hard, soft, delayed
CALL pg_temp.keep('bounce 13', pg_temp.receive(pg_temp.bounce('{two@globex.example|failed|5.1.1|550 5.1.1 gone}', pg_temp.token('to two'))));
SELECT is(pg_temp.stands('to two'), 'accepted 550 5.1.1 bounced for two@globex.example: 550 5.1.1 gone | one accepted, two bounced | open 3 | two bounce 550 5.1.1 gone', 'one of two recipients: the other has it');
CALL pg_temp.keep('bounce 14', pg_temp.receive(pg_temp.bounce('{one@globex.example|failed|5.2.2|552 5.2.2 mailbox full}', pg_temp.token('to two'))));
SELECT is(pg_temp.stands('to two'), 'bounced 552 5.2.2 bounced for one@globex.example: 552 5.2.2 mailbox full; two@globex.example: 550 5.1.1 gone | one bounced, two bounced | open 4 | two bounce 550 5.1.1 gone',
    'then the other: now it has bounced; a full mailbox suppresses nobody');
CALL pg_temp.write('soft', '{full@globex.example}');
CALL pg_temp.keep('bounce 15', pg_temp.receive(pg_temp.bounce('{full@globex.example|failed|4.4.7|450 4.4.7 expired}', pg_temp.token('soft'))));
SELECT is(pg_temp.stands('soft'), 'bounced 450 4.4.7 bounced for full@globex.example: 450 4.4.7 expired | full bounced | open 2', 'given up after a while: bounced, not suppressed');
SELECT lives_ok($$SELECT ar_inbox.send_email(pg_temp.id('acme'), '{full@globex.example}', 'x', 'x')$$, 'it is written to again');
CALL pg_temp.write('delayed', '{slow@globex.example}');
CALL pg_temp.keep('delay', pg_temp.receive(pg_temp.bounce('{slow@globex.example|delayed|4.4.1|451 4.4.1 no answer}', pg_temp.token('delayed'))));
SELECT is(pg_temp.stands('delayed'), 'accepted 250 2.0.0 | slow accepted | closed 2', 'still being tried: no failure, nothing to look at');
SELECT is(kind, 'delay', 'and it says so') FROM ar_inbox.emails WHERE id = pg_temp.id('delay');
CALL pg_temp.write('both', '{hard@globex.example}');
CALL pg_temp.keep('bounce 16', pg_temp.receive(pg_temp.bounce('{hard@globex.example|failed|5.1.1|550 gone,someone@else.example|failed|5.2.2|552 full}', pg_temp.token('both'))));
SELECT is(pg_temp.stands('both'), 'bounced 550 5.1.1 bounced for hard@globex.example: 550 gone | hard bounced | open 2 | hard bounce 550 gone', 'where it names whom we wrote to, the others it names are nobody of ours');
CALL pg_temp.keep('bounce 17', pg_temp.receive(pg_temp.bounce('{hard@globex.example|failed|5.1.1|550 again}', pg_temp.token('both'))));
SELECT is(count(*), 1::bigint, 'a second bounce is no second suppression') FROM ar_inbox.suppressions WHERE address = 'hard@globex.example';
SELECT is((SELECT status FROM ar_inbox.threads WHERE id = pg_temp.id('both thread')), 'open', 'the thread is open');
DO $$ BEGIN PERFORM ar_inbox.set_thread_status(pg_temp.id('both thread'), 'closed'); END $$;
CALL pg_temp.keep('bounce 18', pg_temp.receive(pg_temp.bounce('{hard@globex.example|failed|5.1.1|550 once more}', pg_temp.token('both'))));
SELECT is((SELECT status FROM ar_inbox.threads WHERE id = pg_temp.id('both thread')), 'open', 'and opened again by the next, though automatic mail opens none here');

-- quicker than the answer to the hand-off
CALL pg_temp.write('quick', '{quick@globex.example}', 'handing_off');
CALL pg_temp.keep('bounce 19', pg_temp.receive(pg_temp.bounce('{quick@globex.example|failed|5.1.1|550 gone}', pg_temp.token('quick'))));
SELECT is(pg_temp.stands('quick'), 'handing_off | quick bounced | open 2 | quick bounce 550 gone', 'a bounce while it is handed off');
DO $$ BEGIN PERFORM ar_inbox_internal.record_result(pg_temp.id('quick delivery'), pg_temp.id('acme'), now(), 'accepted', 250, '2.0.0', 'Ok'); END $$;
SELECT is(pg_temp.stands('quick'), 'bounced 550 5.1.1 bounced for quick@globex.example: 550 gone | quick bounced | open 2 | quick bounce 550 gone', 'stays when its result comes');
CALL pg_temp.write('quick of two', '{quick1@globex.example,quick2@globex.example}', 'handing_off');
CALL pg_temp.keep('bounce 20', pg_temp.receive(pg_temp.bounce('{quick2@globex.example|failed|5.1.1|550 gone}', pg_temp.token('quick of two'))));
DO $$ BEGIN PERFORM ar_inbox_internal.record_result(pg_temp.id('quick of two delivery'), pg_temp.id('acme'), now(), 'accepted', 250, '2.0.0', 'Ok'); END $$;
SELECT is(pg_temp.stands('quick of two'), 'accepted 250 2.0.0 bounced for quick2@globex.example: 550 gone | quick1 accepted, quick2 bounced | open 2 | quick2 bounce 550 gone', 'of one of two, too');

-- a reminder that bounces
CALL pg_temp.keep('bill', ar_inbox.create_invoice(pg_temp.id('initech'), '[{"description": "Work", "unit_price": 100}]', issue_date => current_date - 30, due_date => current_date));
DO $$ BEGIN
    PERFORM ar_inbox.issue_invoice(pg_temp.id('bill'));
    PERFORM ar_inbox.chase_invoice(pg_temp.id('bill'), '[{"trigger": "on_issue", "hour": 0, "channels": ["email"]}]');
    PERFORM ar_inbox.fire_due_steps();
    PERFORM ar_inbox_internal.claim_deliveries(now(), 100);
END $$;
INSERT INTO ids SELECT 'reminder', d.email_id FROM ar_inbox.deliveries d WHERE d.invoice_id = pg_temp.id('bill');
INSERT INTO ids SELECT 'reminder delivery', d.id FROM ar_inbox.deliveries d WHERE d.invoice_id = pg_temp.id('bill');
DO $$ BEGIN PERFORM ar_inbox_internal.record_result(pg_temp.id('reminder delivery'), pg_temp.id('acme'), now(), 'accepted', 250, '2.0.0', 'Ok'); END $$;
SELECT is(state, 'sent', 'a reminder was sent') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('bill');
CALL pg_temp.keep('bounce 21', pg_temp.receive(pg_temp.bounce('{pay@initech.example|failed|5.1.1|550 gone}', pg_temp.token('reminder'))));
SELECT is(concat_ws(' | ', state, reason), 'failed | email: bounced for pay@initech.example: 550 gone', 'it bounces: the step has failed, and says why') FROM ar_inbox.chasing_steps WHERE invoice_id = pg_temp.id('bill');
SELECT is(concat_ws(' ', topic, invoice_id = pg_temp.id('bill'), status), 'document t open', 'in the invoice''s conversation') FROM ar_inbox.threads t JOIN ar_inbox.emails e ON e.thread_id = t.id WHERE e.id = pg_temp.id('bounce 21');

-- receipts
CREATE FUNCTION pg_temp.receipt(about text, disposition text, reader text DEFAULT 'read@globex.example') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(concat(E'From: ', reader, E'\r\nTo: inbox@acme.example\r\nSubject: Read\r\nMessage-ID: <', gen_random_uuid(), E'@globex.example>\r\nMIME-Version: 1.0\r\n',
        E'Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\n\r\nRead.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n',
        E'Final-Recipient: rfc822; ', reader, E'\r\nOriginal-Message-ID: <', about, E'>\r\nDisposition: ', disposition, E'\r\n\r\n--b--\r\n'), 'UTF8')
$$;
CALL pg_temp.write('read', '{read@globex.example}');
SELECT is(pg_temp.receive(pg_temp.receipt(pg_temp.message_id('read'), 'manual-action/MDN-sent-manually; displayed')), NULL, 'a receipt is no message');
SELECT is(concat_ws(' ', source, address, opened_at = now(), unreliable IS NULL), 'receipt read@globex.example t t', 'it says that the message was opened') FROM ar_inbox.email_opens WHERE email_id = pg_temp.id('read');
SELECT is(after ->> 'disposition', 'displayed', 'it is written down') FROM ar_inbox.events WHERE subject = 'email' AND subject_id = pg_temp.id('read') AND action = 'receipt';
SELECT is(pg_temp.stands('read'), 'accepted 250 2.0.0 | read accepted | closed 1', 'the thread has no more messages, and stays closed');
SELECT is(concat_ws(' | ', state, reason), format('event | a receipt for email %s: displayed', pg_temp.id('read')), 'its bytes are kept as an event') FROM ar_inbox.inbound_messages WHERE state = 'event';
SELECT is(pg_temp.receive(pg_temp.receipt(pg_temp.message_id('read'), 'automatic-action/MDN-sent-automatically; displayed')), NULL, 'one that a program sent by itself');
SELECT is((SELECT unreliable FROM ar_inbox.email_opens WHERE email_id = pg_temp.id('read') ORDER BY id DESC LIMIT 1), 'the mail program answered by itself', 'is not relied on');
SELECT is(pg_temp.receive(pg_temp.receipt(pg_temp.message_id('read'), 'manual-action/MDN-sent-manually; deleted')), NULL, 'deleted');
SELECT is((SELECT count(*) FROM ar_inbox.email_opens WHERE email_id = pg_temp.id('read')), 2::bigint, 'is not opened');
SELECT is(pg_temp.receive(pg_temp.receipt('unknown@x', 'manual-action/MDN-sent-manually; displayed')), NULL, 'a receipt for what is not here');
SELECT is((SELECT reason FROM ar_inbox.inbound_messages WHERE state = 'event' ORDER BY id DESC LIMIT 1), 'a receipt for a message that is not here', 'says so');
SELECT is((SELECT count(*) FROM ar_inbox.email_opens), 2::bigint, 'and opens nothing, though its reader was written to');
SELECT is(pg_temp.receive(pg_temp.receipt((SELECT e.message_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id('theirs')), 'manual-action/MDN-sent-manually; displayed')), NULL, 'nor does one for another company''s message');
SELECT is((SELECT count(*) FROM ar_inbox.email_opens), 2::bigint, 'open it');

-- reports of success
CREATE FUNCTION pg_temp.success(action text, message_id text DEFAULT NULL, tag text DEFAULT NULL) RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_temp.bounce(ARRAY['read@globex.example|' || action || '|2.0.0|250 Ok'], tag, message_id => message_id)
$$;
SELECT is(pg_temp.receive(pg_temp.success('delivered', pg_temp.message_id('read'))), NULL, 'that it was delivered is no message');
SELECT is(pg_temp.receive(pg_temp.success('relayed', tag => pg_temp.token('read'))), NULL, 'nor that it was relayed, at its return address');
SELECT is(pg_temp.stands('read'), 'accepted 250 2.0.0 | read accepted | closed 1', 'the thread and the delivery stay as they are');
SELECT is((SELECT string_agg(after ->> 'action', ' ' ORDER BY id) FROM ar_inbox.events WHERE subject = 'email' AND subject_id = pg_temp.id('read') AND action = 'delivered'), 'delivered relayed', 'both are written down');
SELECT is((SELECT concat_ws(' | ', state, reason) FROM ar_inbox.inbound_messages ORDER BY id DESC LIMIT 1), format('event | email %s was relayed', pg_temp.id('read')), 'and say of what');
SELECT is(pg_temp.receive(pg_temp.success('expanded')), NULL, 'one that does not show our message');
SELECT is((SELECT concat_ws(' | ', state, reason) FROM ar_inbox.inbound_messages ORDER BY id DESC LIMIT 1), 'event | a message that is not here was expanded', 'is an event of none');

-- complaints
CREATE FUNCTION pg_temp.complaint(about text, who text DEFAULT NULL, tag text DEFAULT NULL) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(concat(E'From: feedback@isp.example\r\nTo: inbox', '+' || tag, E'@acme.example\r\nSubject: complaint\r\nMessage-ID: <', gen_random_uuid(), E'@isp.example>\r\nMIME-Version: 1.0\r\n',
        E'Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nA complaint.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n',
        E'Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n', E'Original-Rcpt-To: ' || who || E'\r\n', E'\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <', about, E'>\r\nSubject: Hello\r\n\r\nx\r\n--b--\r\n'), 'UTF8')
$$;
CALL pg_temp.write('complained', '{angry@globex.example,calm@globex.example}');
CALL pg_temp.keep('complaint', pg_temp.receive(pg_temp.complaint(pg_temp.message_id('complained'), 'angry@globex.example')));
SELECT is(pg_temp.stands('complained'), 'accepted 250 2.0.0 | angry accepted, calm accepted | open 2 | angry complaint complaint', 'a complaint: in the thread, open, whoever complained is written to no more');
SELECT is(concat_ws(' ', kind, automatic, thread_id = pg_temp.id('complained thread')), 'complaint t t', 'as what it is') FROM ar_inbox.emails WHERE id = pg_temp.id('complaint');
CALL pg_temp.keep('complaint 2', pg_temp.receive(pg_temp.complaint(pg_temp.message_id('complained'))));
SELECT is(pg_temp.stands('complained'), 'accepted 250 2.0.0 | angry accepted, calm accepted | open 3 | angry complaint complaint', 'one that hides who of two it was suppresses nobody more');
CALL pg_temp.write('complained alone', '{hidden@globex.example}');
CALL pg_temp.keep('complaint 3', pg_temp.receive(pg_temp.complaint(pg_temp.message_id('complained alone'))));
SELECT is(pg_temp.stands('complained alone'), 'accepted 250 2.0.0 | hidden accepted | open 2 | hidden complaint complaint', 'of one it was that one');
CALL pg_temp.keep('complaint 4', pg_temp.receive(pg_temp.complaint(pg_temp.message_id('forged'), 'stranger@nowhere.example')));
SELECT is(pg_temp.stands('forged'), 'accepted 250 2.0.0 | here accepted | open 2', 'one in the name of somebody else suppresses nobody');
SELECT is((SELECT count(*) FROM ar_inbox.suppressions WHERE address IN ('stranger@nowhere.example', 'feedback@isp.example')), 0::bigint, 'nor that one');
CALL pg_temp.write('made up', '{vic@globex.example}');
CALL pg_temp.keep('complaint 6', pg_temp.receive(pg_temp.complaint('made-up@isp.example', 'vic@globex.example')));
SELECT is(pg_temp.stands('made up'), 'accepted 250 2.0.0 | vic accepted | open 2', 'one that does not show our message is with the last that went there, and suppresses nobody');
CALL pg_temp.keep('complaint 7', pg_temp.receive(pg_temp.complaint('made-up@isp.example', 'vic@globex.example', pg_temp.token('made up'))));
SELECT is(pg_temp.stands('made up'), 'accepted 250 2.0.0 | vic accepted | open 3 | vic complaint complaint', 'one that came to our return address does');

-- no report is answered, held for an answer, or its sender taken for a customer
CALL pg_temp.keep('for later', ar_inbox.send_email(pg_temp.id('acme'), '{here@globex.example}', 'x', 'x', thread_id => pg_temp.id('forged thread'), send_at => now() + interval '1 day'));
CALL pg_temp.keep('complaint 5', pg_temp.receive(pg_temp.complaint(pg_temp.message_id('forged'), 'stranger@nowhere.example')));
SELECT is((SELECT state::text FROM ar_inbox.deliveries WHERE email_id = pg_temp.id('for later')), 'queued', 'a report cancels nothing that waits for an answer');

-- reports that name nobody
CALL pg_temp.write('of one', '{only@globex.example}');
CALL pg_temp.write('of two', '{left@globex.example,right@globex.example}');
CALL pg_temp.keep('bounce 22', pg_temp.receive(pg_temp.bounce('{"|failed|5.1.1|550 gone"}', pg_temp.token('of two'))));
SELECT is(pg_temp.stands('of two'), 'accepted 250 2.0.0 | left accepted, right accepted | open 2', 'of a message to two it changes nothing');
CALL pg_temp.keep('bounce 23', pg_temp.receive(pg_temp.bounce('{"|failed|5.1.1|550 gone"}')));
SELECT is(pg_temp.stands('of one'), 'accepted 250 2.0.0 | only accepted | closed 1', 'without its token it is about nothing');
CALL pg_temp.keep('bounce 24', pg_temp.receive(pg_temp.bounce('{"|delayed|4.4.1|451 later"}', pg_temp.token('of one'))));
SELECT is(pg_temp.stands('of one'), 'accepted 250 2.0.0 | only accepted | closed 2', 'nor if it is still being tried');
CALL pg_temp.keep('bounce 25', pg_temp.receive(pg_temp.bounce('{"|failed|5.1.1|550 gone"}', pg_temp.token('of one'))));
SELECT is(pg_temp.stands('of one'), 'bounced 550 5.1.1 bounced for only@globex.example: 550 gone | only bounced | open 3 | only bounce 550 gone', 'of a message to one it is that one');
CALL pg_temp.write('of one soft', '{soft@globex.example}');
CALL pg_temp.keep('bounce 26', pg_temp.receive(pg_temp.bounce('{"|failed|5.2.2|552 full"}', pg_temp.token('of one soft'))));
SELECT is(pg_temp.stands('of one soft'), 'bounced 552 5.2.2 bounced for soft@globex.example: 552 full | soft bounced | open 2', 'a full mailbox suppresses nobody here either');

-- a relay gave the message another Message-ID: the name under which it took it
CALL pg_temp.write('through a relay', '{relayed@globex.example}');
UPDATE ar_inbox.deliveries SET queue_id = '0102018f-abc-000000' WHERE id = pg_temp.id('through a relay delivery');
CALL pg_temp.keep('bounce 27', pg_temp.receive(pg_temp.bounce('{relayed@globex.example|failed|5.1.1|550 gone}', message_id => '0102018f-abc-000000@eu-west-1.amazonses.com')));
SELECT is(pg_temp.stands('through a relay'), 'bounced 550 5.1.1 bounced for relayed@globex.example: 550 gone | relayed bounced | open 2 | relayed bounce 550 gone', 'a bounce that returns it with that one');

-- words that nobody knows, at the return address
CREATE FUNCTION pg_temp.notice(tag text, sender text DEFAULT 'From: MAILER-DAEMON@mx.example') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(concat(sender || E'\r\n', E'To: inbox', '+' || tag, E'@acme.example\r\nSubject: Lorem\r\nMessage-ID: <', gen_random_uuid(), E'@mx.example>\r\n\r\nIpsum\r\n  dolor: 554 sit amet.\r\n'), 'UTF8')
$$;
CALL pg_temp.write('unknown words', '{lorem@globex.example}');
CALL pg_temp.keep('notice', pg_temp.receive(pg_temp.notice(pg_temp.token('unknown words'))));
SELECT is(pg_temp.stands('unknown words'), 'bounced 554 bounced for lorem@globex.example: Ipsum dolor: 554 sit amet. | lorem bounced | open 2', 'from a mail system: it has bounced, and nobody is suppressed');
SELECT is(concat_ws(' ', kind, automatic, thread_id = pg_temp.id('unknown words thread'), verdicts #>> '{bounce,kind}'), 'bounce t t soft', 'in its thread, as what it is') FROM ar_inbox.emails WHERE id = pg_temp.id('notice');
CALL pg_temp.write('from nobody', '{ipsum@globex.example}');
CALL pg_temp.keep('notice 2', pg_temp.receive(pg_temp.notice(pg_temp.token('from nobody'), NULL)));
SELECT is(pg_temp.stands('from nobody'), 'bounced 554 bounced for ipsum@globex.example: Ipsum dolor: 554 sit amet. | ipsum bounced | open 2', 'from nobody, too');
CALL pg_temp.write('unknown of two', '{dolor@globex.example,amet@globex.example}');
CALL pg_temp.keep('notice 3', pg_temp.receive(pg_temp.notice(pg_temp.token('unknown of two'))));
SELECT is(pg_temp.stands('unknown of two'), 'accepted 250 2.0.0 | dolor accepted, amet accepted | open 2', 'of two recipients it says nothing, but is there');
CALL pg_temp.write('answered', '{person@globex.example}');
CALL pg_temp.keep('notice 4', pg_temp.receive(pg_temp.notice(pg_temp.token('answered'), 'From: person@globex.example')));
SELECT is(pg_temp.stands('answered'), 'accepted 250 2.0.0 | person accepted | open 2', 'from a person it is an answer');
SELECT is(concat_ws(' ', kind, automatic), 'message f', 'and no report') FROM ar_inbox.emails WHERE id = pg_temp.id('notice 4');
CALL pg_temp.keep('notice 5', pg_temp.receive(pg_temp.notice(NULL)));
SELECT is(concat_ws(' ', e.kind, t.topic, t.status), 'message message closed', 'at another address it is a message of its own') FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = pg_temp.id('notice 5');
SELECT is((SELECT count(*) FROM ar_inbox.inbound_messages WHERE state = 'quarantine'), 0::bigint, 'nothing of all this went to quarantine');

-- bounces as they come, standard or not: of a message to bob@example.net, each time anew, at its return address
CREATE FUNCTION pg_temp.of_corpus(folder text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    file text;
    mail bigint;
    made bigint;
    told text;
BEGIN
    FOR file IN SELECT f FROM pg_ls_dir(folder) f WHERE f LIKE '%.eml' ORDER BY f COLLATE "C" LOOP
        BEGIN
            mail := ar_inbox.send_email(pg_temp.id('acme'), '{bob@example.net}', 'Invoice 4711', 'Please pay.');
            PERFORM ar_inbox_internal.claim_deliveries(now(), 100);
            PERFORM ar_inbox_internal.record_result(d.id, d.company_id, now(), 'accepted', 250, '2.0.0', 'Ok') FROM ar_inbox.deliveries d WHERE d.email_id = mail;
            UPDATE ar_inbox.emails SET message_id = 'sent-1@example.com' WHERE id = mail;
            made := ar_inbox.receive_email(pg_read_binary_file(folder || '/' || file),
                (SELECT d.return_path FROM ar_inbox.deliveries d WHERE d.email_id = mail)::ar_inbox.email_address);
            INSERT INTO ids VALUES ('corpus', mail);
            told := concat_ws(' ', '#', file || ':', (SELECT concat_ws(' ', e.kind, CASE WHEN e.thread_id = o.thread_id THEN 'in its thread' ELSE 'elsewhere' END) FROM ar_inbox.emails e, ar_inbox.emails o WHERE e.id = made AND o.id = mail),
                CASE WHEN made IS NULL THEN (SELECT m.state FROM ar_inbox.inbound_messages m ORDER BY m.id DESC LIMIT 1) END, '|', pg_temp.stands('corpus'));
            RAISE SQLSTATE 'RB001';
        EXCEPTION WHEN SQLSTATE 'RB001' THEN
            RETURN NEXT told;
        END;
    END LOOP;
END
$$;
SELECT pg_temp.of_corpus(:'top' || '/test/corpus/bounces');

SELECT finish();
ROLLBACK;
