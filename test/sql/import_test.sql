\set ECHO none
-- Earlier conversations: messages, mailbox files and comments brought in with
-- their own dates, and what must not follow from them.
\i test/lib/pgtap.sql
SELECT plan(120);

CREATE ROLE ar_test_mia LOGIN;
CREATE ROLE ar_test_sam LOGIN;
CREATE ROLE ar_test_rival LOGIN;
-- A company of the usual kind: a customer with an invoice and two people, members.
CREATE PROCEDURE pg_temp.found(company text) LANGUAGE plpgsql AS $$
DECLARE
    made bigint := ar_inbox.create_company(company);
    customer bigint;
BEGIN
    INSERT INTO ids VALUES (company, made);
    PERFORM ar_inbox.set_mail_account(made, (company || '@acme.example')::ar_inbox.email_address, 'smtp://mail.acme.example',
        inbox_address => (company || '-inbox@acme.example')::ar_inbox.email_address);
    customer := ar_inbox.create_customer(made, 'Globex', email => 'ap@globex.example');
    PERFORM ar_inbox.create_contact(customer, 'Ann', 'ann@globex.example');
    INSERT INTO ids VALUES (company || ' globex', customer);
    INSERT INTO ids VALUES (company || ' bill', ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]'));
    PERFORM ar_inbox.issue_invoice(pg_temp.id(company || ' bill'));
END
$$;
CALL pg_temp.found('acme');
CALL pg_temp.keep('mia', ar_inbox.create_member(pg_temp.id('acme'), 'Mia', 'mia@home.example', 'ar_test_mia'));
CALL pg_temp.keep('sam', ar_inbox.create_member(pg_temp.id('acme'), 'Sam', 'sam@home.example', 'ar_test_sam', '{view,send}'));
CALL pg_temp.keep('gone', ar_inbox.create_member(pg_temp.id('acme'), 'Gone', 'gone@home.example'));
UPDATE ar_inbox.members SET removed_at = now() WHERE id = pg_temp.id('gone');

-- A message, its day one of January 2020.
CREATE FUNCTION pg_temp.mail(message_id text, day integer DEFAULT 10, sender text DEFAULT 'Ann <ann@globex.example>',
    recipient text DEFAULT 'acme-inbox@acme.example', subject text DEFAULT 'Question', body text DEFAULT 'Hello.', more text DEFAULT '') RETURNS bytea
LANGUAGE sql AS $$
    SELECT convert_to(coalesce(format(E'Date: %s Jan 2020 12:00:00 +0000\r\n', lpad(day::text, 2, '0')), '')
        || coalesce(format(E'Message-ID: <%s>\r\n', message_id), '')
        || format(E'From: %s\r\nTo: %s\r\nSubject: %s\r\n%s\r\n%s\r\n', sender, recipient, subject, replace(more, E'\n', E'\r\n'), body), 'UTF8')
$$;
CREATE FUNCTION pg_temp.mbox(VARIADIC messages bytea[]) RETURNS bytea LANGUAGE sql AS $$
    SELECT string_agg(convert_to(E'From somebody Wed Jan 15 08:00:00 2020\n', 'UTF8') || m.message || '\x0a', '' ORDER BY m.n) FROM unnest(messages) WITH ORDINALITY m (message, n)
$$;
-- import_message, and the thread the message is in
CREATE FUNCTION pg_temp.bring(name text, message bytea, direction ar_inbox.direction DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.import_message(pg_temp.id('acme'), message, direction);
BEGIN
    IF mail IS NULL THEN
        RETURN 'none';
    END IF;
    INSERT INTO ids SELECT name || ' mail', mail;
    INSERT INTO ids SELECT name, e.thread_id FROM ar_inbox.emails e WHERE e.id = mail;
    RETURN (SELECT concat_ws(' ', e.direction, t.topic, coalesce(k.name, '-'), coalesce(i.number, '-'), t.status, t.message_count)
        FROM ar_inbox.emails e
        JOIN ar_inbox.threads t ON t.company_id = e.company_id AND t.id = e.thread_id
        LEFT JOIN ar_inbox.customers k ON k.company_id = t.company_id AND k.id = t.customer_id
        LEFT JOIN ar_inbox.invoices i ON i.company_id = t.company_id AND i.id = t.invoice_id
        WHERE e.id = mail);
END
$$;
CREATE FUNCTION pg_temp.thread(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, message_count, last_direction, last_message_at::date) FROM ar_inbox.threads WHERE id = pg_temp.id(name)
$$;
-- Which messages are in one thread, the threads by their first message.
CREATE FUNCTION pg_temp.partition(company text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s(%s)', topic, ids), ' ' ORDER BY ids COLLATE "C")
    FROM (SELECT t.topic, string_agg(split_part(e.message_id, '@', 1), ',' ORDER BY e.message_id COLLATE "C") AS ids
        FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.company_id = e.company_id AND t.id = e.thread_id
        WHERE e.company_id = pg_temp.id(company)
        GROUP BY t.id, t.topic) p
$$;
CREATE FUNCTION pg_temp.count_of(what text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    counted bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM ar_inbox.%I WHERE company_id = %s', what, pg_temp.id('acme')) INTO counted;
    RETURN counted;
END
$$;

-- one message
SELECT is(pg_temp.bring('question', pg_temp.mail('q1@globex.example', 3)), 'incoming customer Globex - closed 1', 'from a customer: its thread, which is closed');
SELECT is(pg_temp.thread('question'), 'closed 1 incoming 2020-01-03', 'last active when the message was written');
SELECT results_eq($$SELECT imported, automatic, sent_at::text, occurred_at::text, from_address::text, message IS NULL FROM ar_inbox.emails WHERE id = pg_temp.id('question mail')$$,
    $$VALUES (true, false, '2020-01-03 12:00:00+00', '2020-01-03 12:00:00+00', 'ann@globex.example', true)$$, 'it has its own date');
SELECT results_eq($$SELECT m.state::text, m.imported_as, m.message = pg_temp.mail('q1@globex.example', 3) FROM ar_inbox.inbound_messages m
    JOIN ar_inbox.emails e ON e.company_id = m.company_id AND e.inbound_message_id = m.id WHERE e.id = pg_temp.id('question mail')$$,
    $$VALUES ('filed', 'incoming'::ar_inbox.direction, true)$$, 'its bytes are kept');
SELECT is(pg_temp.bring('answer', pg_temp.mail('a1@acme.example', 4, 'Acme <ACME@acme.example>', 'Ann <ann@globex.example>', 'Re: Question', more => E'In-Reply-To: <q1@globex.example>\n')),
    'outgoing customer Globex - closed 2', 'from the company''s address: it went out');
SELECT results_eq($$SELECT direction, message = pg_temp.mail('a1@acme.example', 4, 'Acme <ACME@acme.example>', 'Ann <ann@globex.example>', 'Re: Question', more => E'In-Reply-To: <q1@globex.example>\n'),
        inbound_message_id IS NULL, member_id FROM ar_inbox.emails WHERE id = pg_temp.id('answer mail')$$,
    $$VALUES ('outgoing'::ar_inbox.direction, true, true, NULL::bigint)$$, 'it keeps its bytes itself');
SELECT is(pg_temp.thread('question'), 'closed 2 outgoing 2020-01-04', 'the last one is ours now');
SELECT is(pg_temp.bring('before', pg_temp.mail('q0@globex.example', 2)), 'incoming customer Globex - closed 3', 'one from before');
SELECT is(pg_temp.thread('question'), 'closed 3 outgoing 2020-01-04', 'is not the last');
SELECT is((SELECT string_agg(r.field || ' ' || r.name || ' ' || r.address || ' ' || coalesce(r.state::text, '-'), ', ') FROM ar_inbox.email_recipients r WHERE r.email_id = pg_temp.id('answer mail')),
    'to Ann ann@globex.example -', 'its recipients, with nothing about a hand-off');
SELECT is(pg_temp.count_of('deliveries'), 0::bigint, 'which there is none of');
SELECT is(pg_temp.bring('dotted', pg_temp.mail('a2@acme.example', 4, 'acme+x@acme.example', 'stranger@x.example')), 'outgoing message - - closed 1', 'a plus-address is the company''s too; to a stranger: a thread of its own');
SELECT is(pg_temp.bring('by mia', pg_temp.mail('a3@home.example', 5, 'Mia <mia@home.example>', 'ap@globex.example', 'Your invoice INV-00001')), 'outgoing document Globex INV-00001 closed 1',
    'from a member: it went out; the customer is found by the recipient, the invoice by its number');
SELECT is((SELECT member_id FROM ar_inbox.emails WHERE id = pg_temp.id('by mia mail')), pg_temp.id('mia'), 'and it is that member''s');
SELECT is(pg_temp.bring('by gone', pg_temp.mail('a4@home.example', 5, 'gone@home.example', 'x@x.example')), 'outgoing message - - closed 1', 'from who was a member then');
SELECT is(pg_temp.bring('copied', pg_temp.mail('a5@acme.example', 5, 'acme@acme.example', 'x@x.example', more => E'Cc: ann@globex.example\n')), 'outgoing customer Globex - closed 4',
    'written to nobody that is known: the customer who had a copy');
SELECT is(pg_temp.bring('told', pg_temp.mail('t1@x.example', 5, 'office@elsewhere.example', 'ann@globex.example'), 'outgoing'), 'outgoing customer Globex - closed 5', 'which way it went can be told');
SELECT is(pg_temp.bring('told too', pg_temp.mail('t2@x.example', 5, 'mia@home.example', 'acme@acme.example'), 'incoming'), 'incoming message - - closed 1', 'either way');
SELECT is(pg_temp.bring('html', pg_temp.mail('h1@acme.example', 5, 'acme@acme.example', 'ann@globex.example', body => '<p onclick="x()">Dear <b>Ann</b><script>x()</script></p>', more => E'MIME-Version: 1.0\nContent-Type: text/html\n')),
    'outgoing customer Globex - closed 6', 'one with HTML');
SELECT is((SELECT btrim(body_html, E'\n') FROM ar_inbox.emails WHERE id = pg_temp.id('html mail')), '<p>Dear <b>Ann</b></p>', 'of which what is safe is kept');
SELECT is(btrim(ar_inbox.email_html(pg_temp.id('html mail')), E'\n'), '<p>Dear <b>Ann</b></p>', 'and shown');
SELECT is(pg_temp.bring('html in', pg_temp.mail('h2@globex.example', 5, body => '<p onclick="x()">Hi</p>', more => E'MIME-Version: 1.0\nContent-Type: text/html\n')), 'incoming customer Globex - closed 7', 'one that came');
SELECT is(btrim(ar_inbox.email_html(pg_temp.id('html in mail')), E'\n'), '<p>Hi</p>', 'shows what is safe as well');
SELECT is(pg_temp.bring('attached', pg_temp.mail('f1@acme.example', 5, 'acme@acme.example', 'ann@globex.example', body => E'--b\r\n\r\nhere\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="old list.txt"\r\n\r\nbytes\r\n--b--',
    more => E'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n')), 'outgoing customer Globex - closed 8', 'one with an attachment');
SELECT is((SELECT string_agg(f.name, ', ') FROM ar_inbox.attachments a JOIN ar_inbox.files f ON f.company_id = a.company_id AND f.id = a.file_id WHERE a.email_id = pg_temp.id('attached mail')), 'old list.txt', 'which is there');
SELECT is((SELECT count(*) FROM ar_inbox.search_threads('"old list"', pg_temp.id('acme'))), 1::bigint, 'and found');
SELECT is((SELECT array_agg(email_id) @> ARRAY[pg_temp.id('answer mail')] FROM ar_inbox.folder('sent', pg_temp.id('acme'), max_rows => 100)), true, 'what went out is in Sent');

-- dates
SELECT is(pg_temp.bring('tomorrow', convert_to(format(E'Date: %s\r\nFrom: s@x.example\r\nSubject: x\r\nMessage-ID: <tomorrow@x.example>\r\n\r\nx', to_char(now() + interval '2 days', 'DD Mon YYYY HH24:MI:SS "+0000"')), 'UTF8')), 'incoming message - - closed 1', 'a date that is yet to come');
SELECT is((SELECT occurred_at FROM ar_inbox.emails WHERE id = pg_temp.id('tomorrow mail')), now(), 'counts as now');
SELECT is((SELECT last_message_at FROM ar_inbox.threads WHERE id = pg_temp.id('tomorrow')), now(), 'for its thread too');
CALL pg_temp.keep('undated', ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('undated@x.example', NULL), received_at => '2019-05-05 10:00+00'));
SELECT is((SELECT occurred_at::text FROM ar_inbox.emails WHERE id = pg_temp.id('undated')), '2019-05-05 10:00:00+00', 'one without a date: when it came');
CALL pg_temp.keep('dated', ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('dated@x.example', 7), received_at => '2019-05-05 10:00+00'));
SELECT is((SELECT occurred_at::text FROM ar_inbox.emails WHERE id = pg_temp.id('dated')), '2020-01-07 12:00:00+00', 'else its date');
CALL pg_temp.keep('undated2', ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('undated2@x.example', NULL), received_at => now() + interval '1 day'));
SELECT is((SELECT occurred_at FROM ar_inbox.emails WHERE id = pg_temp.id('undated2')), now(), 'nothing came tomorrow');

-- the same again
SELECT is(ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('q1@globex.example', 3)), pg_temp.id('question mail'), 'the same bytes again: the message that is here');
SELECT is(ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('q1@globex.example', 3, body => 'Hello, with a footer.')), pg_temp.id('question mail'), 'the same Message-ID: that message');
SELECT is(ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('a3@home.example', 5, 'Mia <mia@home.example>', 'ap@globex.example', 'Your invoice INV-00001')), pg_temp.id('by mia mail'), 'one that went out, too');
CALL pg_temp.keep('nameless', ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail(NULL, 6)));
SELECT is(ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail(NULL, 6)), pg_temp.id('nameless'), 'one without a Message-ID, by its bytes');
CALL pg_temp.keep('nameless out', ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail(NULL, 6, 'acme@acme.example')));
SELECT is(ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail(NULL, 6, 'acme@acme.example')), pg_temp.id('nameless out'), 'also one that went out');

-- beside live mail
CALL pg_temp.keep('live', ar_inbox.receive_email(pg_temp.mail('live@globex.example', sender => 'l@live.example')));
INSERT INTO ids SELECT 'live thread', thread_id FROM ar_inbox.emails WHERE id = pg_temp.id('live');
SELECT is(pg_temp.thread('live thread'), format('open 1 incoming %s', now()::date), 'mail that comes now opens its thread');
SELECT is(ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('live@globex.example', sender => 'l@live.example')), pg_temp.id('live'), 'what came as mail is here already');
SELECT is(ar_inbox.import_message(pg_temp.id('acme'), pg_temp.mail('live@globex.example', body => 'as stored elsewhere')), pg_temp.id('live'), 'also where its bytes differ');
SELECT ok((SELECT NOT imported FROM ar_inbox.emails WHERE id = pg_temp.id('live')), 'and stays what it was');
SELECT is(pg_temp.bring('after live', pg_temp.mail('al@live.example', 8, 'l@live.example', more => E'References: <live@globex.example>\n')), 'incoming message - - open 2', 'an open thread that history is added to stays open');
SELECT is(pg_temp.thread('live thread'), format('open 2 incoming %s', now()::date), 'and was last active when it was');
DO $$ BEGIN PERFORM ar_inbox.snooze_thread(pg_temp.id('live thread'), now() + interval '1 day'); END $$;
SELECT is(pg_temp.bring('while away', pg_temp.mail('wa@live.example', 9, 'l@live.example', more => E'References: <live@globex.example>\n')), 'incoming message - - pending 3', 'a snoozed one stays away');
SELECT isnt((SELECT snoozed_until FROM ar_inbox.threads WHERE id = pg_temp.id('live thread')), NULL, 'until its time');
CALL pg_temp.keep('reply', ar_inbox.receive_email(pg_temp.mail('late@x.example', sender => 'stranger@x.example', more => E'In-Reply-To: <a2@acme.example>\n')));
SELECT is((SELECT thread_id FROM ar_inbox.emails WHERE id = pg_temp.id('reply')), pg_temp.id('dotted'), 'mail that answers an imported message is in its thread');
SELECT is(pg_temp.thread('dotted'), format('open 2 incoming %s', now()::date), 'and opens it');
SELECT is(pg_temp.bring('parent', pg_temp.mail('p1@x.example', 1, 'p@x.example')) || '; ' || pg_temp.bring('other', pg_temp.mail('p3@x.example', 3, 'p@x.example', more => E'References: <p2@x.example>\n')),
    'incoming message - - closed 1; incoming message - - closed 1', 'two threads');
DO $$ BEGIN PERFORM ar_inbox.receive_email(pg_temp.mail('p2@x.example', sender => 'p@x.example', more => E'In-Reply-To: <p1@x.example>\n')); END $$;
SELECT is((SELECT count(DISTINCT thread_id) FROM ar_inbox.emails WHERE message_id ~ '^p[123]@x'), 1::bigint, 'that mail shows to be one conversation');

SELECT is(pg_temp.bring('asked', pg_temp.mail('w1@x.example', 1, 'w@x.example')), 'incoming message - - closed 1', 'a conversation that is closed');
CALL pg_temp.keep('worked on', ar_inbox.receive_email(pg_temp.mail('w3@x.example', sender => 'w@x.example')));
INSERT INTO ids SELECT 'worked on thread', thread_id FROM ar_inbox.emails WHERE id = pg_temp.id('worked on');
SELECT is(pg_temp.bring('between', pg_temp.mail('w4@x.example', 4, 'w@x.example', more => E'References: <w3@x.example> <w1@x.example>\n')), 'incoming message - - closed 2', 'history that answers it and an open one');
SELECT is(pg_temp.thread('worked on thread'), format('open 1 incoming %s', now()::date), 'opens it not, nor closes the other: they stay two');
DO $$ BEGIN PERFORM ar_inbox.set_thread_status(pg_temp.id('worked on thread'), 'closed'); END $$;
SELECT is(pg_temp.bring('between too', pg_temp.mail('w5@x.example', 5, 'w@x.example', more => E'References: <w3@x.example> <w1@x.example>\n')), 'incoming message - - closed 4', 'until both are closed');
DO $$ BEGIN PERFORM ar_inbox.receive_email(pg_temp.mail('w6@x.example', sender => 'w@x.example', more => E'References: <w5@x.example>\n')); END $$;
SELECT is(pg_temp.thread('asked'), format('open 5 incoming %s', now()::date), 'mail that comes now opens it');

-- what a mail system said back then is history
CREATE FUNCTION pg_temp.bounce(message_id text, day integer, about text) RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_temp.mail(message_id, day, 'MAILER-DAEMON@mx.example', 'acme@acme.example', 'Undelivered',
        format(E'--r\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; ann@globex.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n'
            '--r\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <%s>\r\nSubject: Question\r\n\r\nx\r\n--r--', about),
        E'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n')
$$;
CALL pg_temp.keep('events', pg_temp.count_of('events'));
SELECT is(pg_temp.bring('bounce', pg_temp.bounce('b1@mx.example', 5, 'a3@home.example')), 'incoming document Globex INV-00001 closed 2', 'a bounce is in the thread of what bounced, which stays closed');
SELECT results_eq($$SELECT kind::text, automatic, verdicts #>> '{bounce,recipients,0,status}' FROM ar_inbox.emails WHERE id = pg_temp.id('bounce mail')$$, $$VALUES ('bounce', true, '5.1.1')$$, 'and says what it is');
SELECT is(pg_temp.count_of('suppressions'), 0::bigint, 'nobody is written to no more because of it');
SELECT is(pg_temp.bring('early bounce', pg_temp.bounce('b2@mx.example', 5, 'b3@acme.example')), 'incoming customer Globex - closed 13', 'one about what is not here: the customer''s');
SELECT is(pg_temp.bring('bounced', pg_temp.mail('b3@acme.example', 4, 'acme@acme.example', 'x@x.example')), 'outgoing customer Globex - closed 14', 'which comes after it, and goes where it is');
SELECT is(pg_temp.bring('receipt', pg_temp.mail('r1@globex.example', 6, body => E'--r\r\nContent-Type: text/plain\r\n\r\nRead.\r\n--r\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; ann@globex.example\r\nOriginal-Message-ID: <a3@home.example>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--r--',
    more => E'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=disposition-notification; boundary=r\n')), 'incoming document Globex INV-00001 closed 3', 'a receipt is a message');
SELECT results_eq($$SELECT kind::text, automatic FROM ar_inbox.emails WHERE id = pg_temp.id('receipt mail')$$, $$VALUES ('message', true)$$, 'an automatic one');
SELECT is(pg_temp.count_of('email_opens'), 0::bigint, 'that opens nothing');
SELECT is(pg_temp.count_of('events'), pg_temp.id('events'), 'and of all that nothing is an event');

-- whatever order: one by one, and in a file
CREATE TEMP TABLE story (n integer, message bytea);
INSERT INTO story VALUES
    (1, pg_temp.mail('s1@x.example', 1, 's@x.example')),
    (2, pg_temp.mail('s2@acme.example', 2, 'mia@home.example', 's@x.example', more => E'In-Reply-To: <s1@x.example>\n')),
    (3, pg_temp.mail('s3@x.example', 3, 's@x.example', more => E'References: <s1@x.example> <s2@acme.example>\n')),
    (4, pg_temp.mail('s4@x.example', 4, 'colleague@x.example', more => E'In-Reply-To: <lost@x.example>\n')),
    (5, pg_temp.mail('s5@x.example', 5, 's@x.example', more => E'References: <lost@x.example> <s4@x.example>\n')),
    (6, pg_temp.mail('s6@y.example', 6, 's@y.example'));
CREATE FUNCTION pg_temp.told(company text, ordering integer[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    next integer;
BEGIN
    CALL pg_temp.found(company);
    PERFORM ar_inbox.create_member(pg_temp.id(company), 'Mia', 'mia@home.example');
    FOREACH next IN ARRAY ordering LOOP
        PERFORM ar_inbox.import_message(pg_temp.id(company), s.message) FROM story s WHERE s.n = next;
    END LOOP;
    RETURN pg_temp.partition(company);
END
$$;
SELECT is(pg_temp.told('forwards', '{1,2,3,4,5,6}'), 'message(s1,s2,s3) message(s4,s5) message(s6)', 'one after the other: three conversations');
SELECT is(pg_temp.told('backwards', '{6,5,4,3,2,1}'), pg_temp.partition('forwards'), 'the last first: the same');
SELECT is(pg_temp.told('mixed', '{3,5,1,6,4,2}'), pg_temp.partition('forwards'), 'mixed: the same');
SELECT is((SELECT count(*) FROM ar_inbox.threads t WHERE t.company_id IN (pg_temp.id('backwards'), pg_temp.id('mixed')) AND t.status <> 'closed'), 0::bigint, 'all are closed');
-- here the invoice's number is in the first message alone
INSERT INTO story VALUES
    (7, pg_temp.mail('d1@globex.example', 1, subject => 'INV-00001')),
    (8, pg_temp.mail('d2@acme.example', 2, 'Acme <mia@home.example>', 'ann@globex.example', 'It', more => E'In-Reply-To: <d1@globex.example>\n')),
    -- within the same second
    (9, pg_temp.mail('d3@globex.example', 2, more => E'References: <d1@globex.example> <d2@acme.example>\n', subject => 'It')),
    (10, pg_temp.mail('d4@globex.example', 4, subject => 'Something else'));
CREATE FUNCTION pg_temp.filed(company text, ordering integer[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.found(company);
    PERFORM ar_inbox.create_member(pg_temp.id(company), 'Mia', 'mia@home.example');
    PERFORM ar_inbox.import_mbox(pg_temp.id(company), (SELECT pg_temp.mbox(VARIADIC array_agg(s.message ORDER BY array_position(ordering, s.n))) FROM story s));
    RETURN pg_temp.partition(company);
END
$$;
SELECT is(pg_temp.filed('file', '{1,2,3,4,5,6,7,8,9,10}'), 'document(d1,d2,d3) customer(d4) message(s1,s2,s3) message(s4,s5) message(s6)', 'a file');
SELECT is(pg_temp.filed('file-backwards', '{10,9,8,7,6,5,4,3,2,1}'), pg_temp.partition('file'), 'the other way round');
SELECT is(pg_temp.filed('file-mixed', '{9,4,6,2,10,8,1,7,5,3}'), pg_temp.partition('file'), 'mixed');
SELECT results_eq($$SELECT occurred_at FROM ar_inbox.emails WHERE company_id = pg_temp.id('file-mixed') ORDER BY message_id$$, $$SELECT occurred_at FROM ar_inbox.emails WHERE company_id = pg_temp.id('file') ORDER BY message_id$$, 'with the same dates');

SELECT is(pg_temp.told('numbered', '{7,8,9,10}'), 'document(d1,d2,d3) customer(d4)', 'an invoice''s number, one after the other');
SELECT is(pg_temp.told('numbered-backwards', '{10,9,8,7}'), pg_temp.partition('numbered'), 'the last first');
SELECT is(pg_temp.told('numbered-mixed', '{8,10,7,9}'), pg_temp.partition('numbered'), 'mixed');

-- files
CALL pg_temp.keep('emails', pg_temp.count_of('emails'));
CREATE TEMP TABLE box AS SELECT pg_temp.mbox(pg_temp.mail('x1@x.example', 1), pg_temp.mail('x2@x.example', NULL), E'X-Nothing: here\n\nno message\n', pg_temp.mail('x3@x.example', 3), pg_temp.mail('q1@globex.example', 3), pg_temp.mail('x1@x.example', 1, body => 'twice'),
    pg_temp.mail('large@x.example', 1, body => repeat('x', 5000))) AS content;
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"max_message_size": 5000}'); END $$;
SELECT results_eq('SELECT b.* FROM box, ar_inbox.import_mbox(pg_temp.id(''acme''), content) b', 'VALUES (7, 3, 2, 2)', 'what is new is brought in, what is bad kept apart');
SELECT is(pg_temp.count_of('emails'), pg_temp.id('emails') + 3, 'three more');
SELECT is((SELECT occurred_at::text FROM ar_inbox.emails WHERE company_id = pg_temp.id('acme') AND message_id = 'x2@x.example'), '2020-01-15 08:00:00+00', 'without a date: that of its "From " line');
SELECT results_eq($$SELECT state::text, regexp_replace(reason, '^[0-9]+', 'N') FROM ar_inbox.inbound_messages WHERE company_id = pg_temp.id('acme') AND state = 'quarantine' ORDER BY size$$,
    $$VALUES ('quarantine', 'it is no message: there is no From, To, Date, Subject or Message-ID'), ('quarantine', 'N bytes are more than the limit of 5000 (max_message_size)')$$, 'with their reasons');
SELECT results_eq('SELECT b.* FROM box, ar_inbox.import_mbox(pg_temp.id(''acme''), content) b', 'VALUES (7, 0, 5, 2)', 'again: nothing twice');
SELECT is(pg_temp.count_of('emails'), pg_temp.id('emails') + 3, 'no more');
SELECT results_eq($$SELECT after FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND action = 'mail imported' ORDER BY id$$,
    $$VALUES ('{"messages": 7, "imported": 3, "duplicates": 2, "quarantined": 2}'::jsonb), ('{"messages": 7, "imported": 0, "duplicates": 5, "quarantined": 2}')$$, 'that it was done is written down');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"max_message_size": 50000}'); END $$;
SELECT is(ar_inbox.reprocess(), 1::bigint, 'what was too large is run again with a higher limit');
SELECT results_eq($$SELECT e.imported, e.occurred_at::text, t.status::text FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.message_id = 'large@x.example'$$,
    $$VALUES (true, '2020-01-01 12:00:00+00', 'closed')$$, 'as the history that it is');
SELECT results_eq('SELECT b.* FROM box, ar_inbox.import_mbox(pg_temp.id(''acme''), content) b', 'VALUES (7, 0, 6, 1)', 'and is known then');
SELECT results_eq('SELECT * FROM ar_inbox.import_mbox(pg_temp.id(''acme''), '''')', 'VALUES (0, 0, 0, 0)', 'an empty file');
SELECT results_eq('SELECT * FROM ar_inbox.import_mbox(pg_temp.id(''acme''), ''\x89504e470d0a1a0a'')', 'VALUES (1, 0, 0, 1)', 'what is no mailbox file');
SELECT results_eq('SELECT * FROM ar_inbox.import_mbox(pg_temp.id(''acme''), pg_temp.mail(''alone@x.example''))', 'VALUES (1, 1, 0, 0)', 'a message alone');
SELECT is(pg_temp.bring('no sender', E'From: nobody\nTo: ann@globex.example\n\nx', 'outgoing'), 'none', 'one that is to have gone out, from nobody');
SELECT is((SELECT reason FROM ar_inbox.inbound_messages WHERE company_id = pg_temp.id('acme') ORDER BY id DESC LIMIT 1), 'it is to be one that went out, and its From is no address', 'is kept, with the reason');
SELECT is(pg_temp.bring('nothing', ''), 'none', 'an empty message');

-- comments
CALL pg_temp.keep('comment', ar_inbox.import_comment(pg_temp.id('acme bill'), E'Is this <b>right</b>?\r\nAnn', 'Ann', 'ann@globex.example', '2019-12-01 10:00+00'));
SELECT results_eq($$SELECT thread_id, direction, kind::text, body_text, ar_inbox.email_html(id), from_name, from_address::text, occurred_at::text, imported, message IS NULL FROM ar_inbox.emails WHERE id = pg_temp.id('comment')$$,
    $$SELECT pg_temp.id('by mia'), 'incoming'::ar_inbox.direction, 'comment', E'Is this <b>right</b>?\nAnn', NULL::text, 'Ann', 'ann@globex.example', '2019-12-01 10:00:00+00', true, true$$, 'a comment is in the invoice''s conversation, as text');
SELECT is(pg_temp.thread('by mia'), 'closed 4 incoming 2020-01-06', 'which stays as it was');
SELECT is(ar_inbox.import_comment(pg_temp.id('acme bill'), E'Is this <b>right</b>?\nAnn', 'Ann', NULL, '2019-12-01 10:00+00'), pg_temp.id('comment'), 'the same again is recognised');
SELECT isnt(ar_inbox.import_comment(pg_temp.id('acme bill'), E'Is this <b>right</b>?\nAnn', 'Ann', NULL, '2019-12-01 10:01+00'), pg_temp.id('comment'), 'at another moment it is another');
CALL pg_temp.keep('our comment', ar_inbox.import_comment(pg_temp.id('acme bill'), 'It is.', 'Mia', 'mia@home.example', '2021-01-01', true));
SELECT results_eq($$SELECT direction, member_id FROM ar_inbox.emails WHERE id = pg_temp.id('our comment')$$, $$SELECT 'outgoing'::ar_inbox.direction, pg_temp.id('mia')$$, 'one by the company');
SELECT is((SELECT m ->> 'sender' FROM jsonb_array_elements(ar_inbox.invoice_thread(pg_temp.id('acme bill')) -> 'messages') m WHERE (m ->> 'id')::bigint = pg_temp.id('our comment')),
    'acme (Mia)', 'is shown as the company''s, with the member''s name');
SELECT is(ar_inbox.import_comment(pg_temp.id('acme bill'), 'It is.', 'Mia', 'mia@home.example', '2021-01-01', true), pg_temp.id('our comment'), 'and recognised when it comes again');
CALL pg_temp.keep('plain comment', ar_inbox.import_comment(pg_temp.id('acme bill'), 'Indeed.', 'acme', NULL, '2020-12-31', true));
SELECT is(from_name, 'acme', 'one by nobody in particular has its name once') FROM ar_inbox.emails WHERE id = pg_temp.id('plain comment');
SELECT is(pg_temp.thread('by mia'), 'closed 7 outgoing 2021-01-01', 'the last word');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.import_comment(%s, %s)', pg_temp.id('acme bill'), arguments)), wanted, wanted)
FROM (VALUES ('$$ $$, ''Ann''', '22023 body is empty'), ('''x'', '' ''', '22023 author_name is empty'), ('''x'', ''Ann'', NULL, NULL', '22004 commented_at is NULL'), ('''x'', ''Ann'', by_company => NULL', '22004 by_company is NULL'),
    ('''x'', ''Ann'', commented_at => ''3000-01-01''', '22023 commented_at 3000-01-01 00:00:00+00 is not a moment in the past'),
    ('repeat(''x'', 60000), ''Ann''', 'IB003 60000 bytes are more than the limit of 50000 for a message (max_message_size)')) a (arguments, wanted);

-- calls that cannot be
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.import_message(%s, %s)', pg_temp.id('acme'), arguments)), wanted, wanted)
FROM (VALUES ('NULL', '22004 message is NULL'), ('''x'', received_at => NULL', '22004 received_at is NULL'), ('''x'', received_at => ''infinity''', '22023 received_at infinity is no moment'),
    ('convert_to(repeat(''x'', 60000), ''UTF8'')', 'IB003 60000 bytes are more than the limit of 50000 for a message (max_message_size)')) a (arguments, wanted);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.import_mbox(%s, NULL)', pg_temp.id('acme'))), '22004 mbox is NULL', 'no file');

-- who may
GRANT SELECT ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;
CALL pg_temp.keep('their member', ar_inbox.create_member(pg_temp.id('forwards'), 'Rick', 'rick@x.example', 'ar_test_rival'));
CREATE TEMP TABLE tries AS SELECT replace(call, '{}', pg_temp.id(of)::text) AS call, of FROM (VALUES ('SELECT ar_inbox.import_message({}, ''Subject: x'')', 'acme'), ('SELECT ar_inbox.import_mbox({}, ''Subject: x'')', 'acme'),
    ('SELECT ar_inbox.import_comment({}, ''x'', ''x'')', 'acme bill')) c (call, of);
GRANT SELECT ON tries TO PUBLIC;
SET LOCAL ROLE ar_test_sam;
SELECT is(pg_temp.refusal(call), format('42501 permission "manage" is needed in company %s', pg_temp.id('acme')), 'who may send may not import: ' || of) FROM tries;
RESET ROLE;
SET LOCAL ROLE ar_test_rival;
SELECT is(pg_temp.refusal(call), format('IB001 %s %s does not exist', CASE of WHEN 'acme' THEN 'company' ELSE 'invoice' END, pg_temp.id(of)), 'nor somebody of another company: ' || of) FROM tries;
RESET ROLE;
SET LOCAL ROLE ar_test_mia;
SELECT is(pg_temp.refusal(call), 'accepted', 'who may manage imports: ' || of) FROM tries;
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
