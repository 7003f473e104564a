\set ECHO none
-- The shared mailbox: what comes in and which thread it finds, thread status,
-- writing by hand, notes, assignment.
\i test/lib/pgtap.sql
SELECT plan(163);

CREATE ROLE ar_test_alice LOGIN;
CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann', 'ann@globex.example'));
CALL pg_temp.keep('initech', ar_inbox.create_customer(pg_temp.id('acme'), 'Initech', email => 'pay@initech.example'));
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('other'), 'Globex at theirs', email => 'ap@globex.example'));
CALL pg_temp.keep('alice', ar_inbox.create_member(pg_temp.id('acme'), 'Alice', 'alice@acme.example', 'ar_test_alice'));
CALL pg_temp.keep('gone', ar_inbox.create_member(pg_temp.id('acme'), 'Gone', 'gone@acme.example'));
CALL pg_temp.keep('their member', ar_inbox.create_member(pg_temp.id('other'), 'Olga', 'olga@other.example'));
UPDATE ar_inbox.members SET removed_at = now() WHERE id = pg_temp.id('gone');
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example');
    PERFORM ar_inbox.set_mail_account(pg_temp.id('other'), 'billing@other.example', 'smtp://mail.other.example', inbox_address => 'inbox@other.example');
END $$;
CALL pg_temp.keep('bill', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]'));
CALL pg_temp.keep('their bill', ar_inbox.create_invoice(pg_temp.id('theirs'), '[{"description": "Work", "unit_price": 100}]'));
DO $$ BEGIN
    PERFORM ar_inbox.issue_invoice(pg_temp.id('bill')), ar_inbox.issue_invoice(pg_temp.id('their bill'));
END $$;

-- A message as a mail server would hand it over; kept under its Message-ID.
CREATE FUNCTION pg_temp.mail(message_id text, sender text DEFAULT 'Ann <ann@globex.example>', recipient text DEFAULT 'inbox@acme.example',
    subject text DEFAULT 'Question', body text DEFAULT 'Hello.', more text DEFAULT '') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format(E'From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s>\r\nDate: Sat, 31 Jan 2026 10:00:00 +0100\r\n%s\r\n%s\r\n',
        sender, recipient, subject, message_id, replace(more, E'\n', E'\r\n'), body), 'UTF8')
$$;
CREATE FUNCTION pg_temp.receive(name text, message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.receive_email(message);
BEGIN
    IF mail IS NULL THEN
        RETURN 'quarantine';
    END IF;
    INSERT INTO ids SELECT name || ' mail', mail;
    INSERT INTO ids SELECT name, e.thread_id FROM ar_inbox.emails e WHERE e.id = mail;
    RETURN (SELECT concat_ws(' ', c.name, t.topic, coalesce(k.name, '-'), coalesce(i.number, '-'), t.status, t.message_count)
        FROM ar_inbox.emails e
        JOIN ar_inbox.threads t ON t.company_id = e.company_id AND t.id = e.thread_id
        JOIN ar_inbox.companies c ON c.id = t.company_id
        LEFT JOIN ar_inbox.customers k ON k.company_id = t.company_id AND k.id = t.customer_id
        LEFT JOIN ar_inbox.invoices i ON i.company_id = t.company_id AND i.id = t.invoice_id
        WHERE e.id = mail);
END
$$;
CREATE FUNCTION pg_temp.thread(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, message_count, last_direction) FROM ar_inbox.threads WHERE id = pg_temp.id(name)
$$;
-- send_email, and the thread it is in
CREATE FUNCTION pg_temp.send(name text, recipients ar_inbox.email_address[] DEFAULT '{ann@globex.example}', thread text DEFAULT NULL,
    invoice text DEFAULT NULL, customer text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.send_email(pg_temp.id('acme'), recipients, name, 'Hello *there*.',
        thread_id => CASE WHEN thread IS NOT NULL THEN pg_temp.id(thread) END, invoice_id => CASE WHEN invoice IS NOT NULL THEN pg_temp.id(invoice) END,
        customer_id => CASE WHEN customer IS NOT NULL THEN pg_temp.id(customer) END);
BEGIN
    INSERT INTO ids SELECT name || ' mail', mail;
    INSERT INTO ids SELECT name, e.thread_id FROM ar_inbox.emails e WHERE e.id = mail;
    RETURN (SELECT concat_ws(' ', t.topic, t.status, t.message_count, t.last_direction) FROM ar_inbox.threads t JOIN ids i ON i.id = t.id WHERE i.name = send.name);
END
$$;

-- which thread: the customer's, a new one, the one that is answered
SELECT is(pg_temp.receive('first', pg_temp.mail('m1@globex.example')), 'Acme customer Globex - open 1', 'from a customer''s contact: the customer''s thread, open');
SELECT is(pg_temp.receive('second', pg_temp.mail('m2@globex.example', 'AP@Globex.example')), 'Acme customer Globex - open 2', 'from its own address: the same thread');
SELECT is(pg_temp.id('second'), pg_temp.id('first'), 'there is one for each customer');
SELECT is(pg_temp.receive('stranger', pg_temp.mail('m3@x.example', 'stranger@x.example')), 'Acme message - - open 1', 'from a stranger: a new thread');
SELECT is(pg_temp.receive('stranger again', pg_temp.mail('m4@x.example', 'stranger@x.example')), 'Acme message - - open 1', 'and another new one');
SELECT is(pg_temp.receive('stranger answers', pg_temp.mail('m5@x.example', 'stranger@x.example', more => E'In-Reply-To: <m3@x.example>\n')),
    'Acme message - - open 2', 'what answers a message goes to its thread');
SELECT is(pg_temp.receive('references', pg_temp.mail('m6@x.example', 'stranger@x.example', more => E'References: <m1@globex.example> <m3@x.example> <unknown@x>\n')),
    'Acme message - - open 3', 'by References: to the nearest ancestor that is known');
SELECT is(pg_temp.id('references'), pg_temp.id('stranger'), 'which is that one');
SELECT is(pg_temp.receive('both', pg_temp.mail('m7@x.example', 'stranger@x.example', more => E'In-Reply-To: <m1@globex.example>\nReferences: <m3@x.example>\n')),
    'Acme customer Globex - open 3', 'In-Reply-To goes before References');

-- a document's number in the subject
SELECT is(pg_temp.receive('number', pg_temp.mail('n1@globex.example', subject => 'Re: your invoice inv-00001, please')), 'Acme document Globex INV-00001 open 1',
    'an invoice''s number in the subject, from its customer: its thread');
SELECT is(pg_temp.receive('number 2', pg_temp.mail('n2@globex.example', subject => '[INV-00001]')), 'Acme document Globex INV-00001 open 2', 'in brackets');
SELECT is(pg_temp.receive('no number', pg_temp.mail('n3@globex.example', subject => 'Re: XINV-00001')), 'Acme customer Globex - open 4', 'a part of a word is no number');
SELECT is(pg_temp.receive('thief', pg_temp.mail('n4@x.example', 'stranger@x.example', subject => 'INV-00001')), 'Acme message - - open 1',
    'a stranger who quotes it gets a new thread');
SELECT is(pg_temp.receive('rival', pg_temp.mail('n5@initech.example', 'pay@initech.example', subject => 'INV-00001')), 'Acme customer Initech - open 1',
    'another customer who quotes it gets its own');
SELECT is(pg_temp.receive('two', pg_temp.mail('n6@globex.example', more => E'In-Reply-To: <m3@x.example>\n', subject => 'INV-00001')), 'Acme message - - open 4',
    'what is answered goes before the number');

-- never across companies
SELECT is(pg_temp.receive('cross', pg_temp.mail('c1@globex.example', 'ap@globex.example', 'inbox@other.example', more => E'In-Reply-To: <m1@globex.example>\n')),
    'Other customer Globex at theirs - open 1', 'a message of another company is not found');
SELECT is(pg_temp.receive('cross 2', pg_temp.mail('c2@globex.example', 'ap@globex.example', 'inbox@other.example', 'Re: INV-00001')),
    'Other document Globex at theirs INV-00001 open 1', 'the same number is this company''s own invoice');
SELECT is(pg_temp.receive('cross 3', pg_temp.mail('c3@globex.example', 'ann@globex.example', 'inbox@other.example', 'Re: INV-00001')),
    'Other message - - open 1', 'whoever is a contact of the one is a stranger to the other');
SELECT is((SELECT string_agg(DISTINCT c.name, ',') FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id AND t.company_id = e.company_id
        JOIN ar_inbox.companies c ON c.id = e.company_id WHERE e.message_id LIKE 'c_@%'), 'Other', 'all of them are the other company''s');

-- an address of two customers
CALL pg_temp.keep('shared', ar_inbox.create_contact(pg_temp.id('initech'), 'Shared', 'ann@globex.example'));
SELECT is(pg_temp.receive('whose', pg_temp.mail('w1@globex.example')), 'Acme message - - open 1', 'an address of two customers tells neither');
SELECT is(pg_temp.receive('whose number', pg_temp.mail('w2@globex.example', subject => 'INV-00001')), 'Acme document Globex INV-00001 open 3', 'but the number does');
DELETE FROM ar_inbox.contacts WHERE id = pg_temp.id('shared');

-- where it was delivered to
SELECT is(pg_temp.receive('tagged', pg_temp.mail('d1@x.example', 'stranger@x.example', 'inbox+abc@acme.example')), 'Acme message - - open 1', 'a plus-tag is passed over');
SELECT is(pg_temp.receive('delivered', pg_temp.mail('d2@x.example', 'stranger@x.example', 'list@x.example', more => E'Delivered-To: INBOX+x@Acme.example\n')),
    'Acme message - - open 1', 'what the mail server wrote is believed');
SELECT is(pg_temp.receive('delivered 2', pg_temp.mail('d3@x.example', 'stranger@x.example', 'inbox@other.example', more => E'Delivered-To: inbox@acme.example\n')),
    'Acme message - - open 1', 'and goes before To');
SELECT is(pg_temp.receive('copied', pg_temp.mail('d4@x.example', 'stranger@x.example', 'x@x.example', more => E'Cc: y@y.example, inbox@acme.example\n')),
    'Acme message - - open 1', 'Cc will do');
SELECT is(pg_temp.receive('sender address', pg_temp.mail('d5@x.example', 'stranger@x.example', 'billing@acme.example')), 'Acme message - - open 1', 'and so will the sender''s own address');

-- what is kept of a message
SELECT is(concat_ws('|', direction, message_id, subject, from_name, from_address, rtrim(body_text, E'\n'), sent_at, automatic, message IS NULL),
    'incoming|m1@globex.example|Question|Ann|ann@globex.example|Hello.|2026-01-31 09:00:00+00|f|t', 'an email as it was read')
FROM ar_inbox.emails WHERE id = pg_temp.id('first mail');
SELECT results_eq($$SELECT concat_ws('|', field, position, name, address, state IS NULL) FROM ar_inbox.email_recipients WHERE email_id = pg_temp.id('copied mail') ORDER BY id$$,
    ARRAY['to|1||x@x.example|t', 'cc|1||y@y.example|t', 'cc|2||inbox@acme.example|t'], 'its recipients');
SELECT is(m.message, pg_temp.mail('m1@globex.example'), 'and its bytes, all of them')
FROM ar_inbox.inbound_messages m JOIN ar_inbox.emails e ON e.inbound_message_id = m.id WHERE e.id = pg_temp.id('first mail');
SELECT is(pg_temp.receive('nameless', convert_to(E'From: stranger@x.example\r\nTo: inbox@acme.example\r\n\r\nhi', 'UTF8')), 'Acme message - - open 1', 'no Message-ID, no Date, no Subject');
SELECT is(concat_ws('|', message_id = encode(sha256(convert_to(E'From: stranger@x.example\r\nTo: inbox@acme.example\r\n\r\nhi', 'UTF8')), 'hex') || '@no-message-id.invalid',
    sent_at = now(), subject), 't|t|', 'gets an id of its bytes and the hour it came') FROM ar_inbox.emails WHERE id = pg_temp.id('nameless mail');
SELECT is(pg_temp.receive('senderless', pg_temp.mail('s1@x.example', 'not an address at all')), 'Acme message - - open 1', 'a sender that is no address');
SELECT is(concat_ws('|', coalesce(from_address::text, 'none')), 'none', 'is none') FROM ar_inbox.emails WHERE id = pg_temp.id('senderless mail');
SELECT is(pg_temp.receive('far', pg_temp.mail('far@x.example', 'stranger@x.example', more => E'Date: Sat, 31 Jan 2099 10:00:00 +0000\n')), 'Acme message - - open 1', 'a sender''s clock that is wrong');
SELECT cmp_ok((SELECT last_message_at FROM ar_inbox.threads WHERE id = pg_temp.id('far')) - now(), '<', interval '1 second', 'does not order the inbox');

-- the same again
CREATE FUNCTION pg_temp.again(message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mails bigint := (SELECT count(*) FROM ar_inbox.emails);
    kept bigint := (SELECT count(*) FROM ar_inbox.inbound_messages);
    mail bigint := ar_inbox.receive_email(message);
BEGIN
    RETURN concat_ws(' ', (SELECT count(*) - mails FROM ar_inbox.emails), (SELECT count(*) - kept FROM ar_inbox.inbound_messages),
        (SELECT name FROM ids WHERE id = mail AND name LIKE '% mail'));
END
$$;
SELECT is(pg_temp.again(pg_temp.mail('m3@x.example', 'stranger@x.example')), '0 0 stranger mail', 'the same bytes: nothing new');
SELECT is(pg_temp.again(pg_temp.mail('m3@x.example', 'stranger@x.example', body => 'Changed.')), '0 1 stranger mail', 'the same Message-ID: kept as a copy');
SELECT is(concat_ws('|', state, reason), 'duplicate|a message with Message-ID <m3@x.example> is here already', 'which says so')
FROM ar_inbox.inbound_messages WHERE message = pg_temp.mail('m3@x.example', 'stranger@x.example', body => 'Changed.');
SELECT is(pg_temp.receive('same elsewhere', pg_temp.mail('m3@x.example', 'stranger@x.example', 'inbox@other.example')), 'Other message - - open 1', 'at another company it is another one');
SELECT is(pg_temp.thread('stranger'), 'open 4 incoming', 'the thread has no more messages by that');

-- quarantine
CREATE FUNCTION pg_temp.quarantined(message bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF ar_inbox.receive_email(message) IS NOT NULL THEN
        RETURN 'filed';
    END IF;
    RETURN (SELECT concat_ws('|', m.state, m.reason, coalesce(c.name, '-'), m.message = quarantined.message) FROM ar_inbox.inbound_messages m
        LEFT JOIN ar_inbox.companies c ON c.id = m.company_id WHERE m.content_hash = sha256(quarantined.message) ORDER BY m.id DESC LIMIT 1);
END
$$;
SELECT is(pg_temp.quarantined(pg_temp.mail('q1@x.example', recipient => 'nobody@nowhere.example')), 'quarantine|no company has an address that it was sent to|-|t', 'for nobody here');
SELECT is(pg_temp.quarantined(''), 'quarantine|the message is empty|-|t', 'nothing');
SELECT is(pg_temp.quarantined('\x00'), 'quarantine|no company has an address that it was sent to|-|t', 'a NUL byte');
SELECT is(pg_temp.quarantined('\xff00fe0d0a0d0a00'), 'quarantine|no company has an address that it was sent to|-|t', 'bytes that are no text');
SELECT is(pg_temp.quarantined(convert_to(E'To: inbox@acme.example', 'UTF8')), 'filed', 'half a header that can be routed is filed');
SELECT is(pg_temp.receive('nul', pg_temp.mail('nul@x.example', 'stranger@x.example', body => 'a') || '\x0062' || pg_temp.mail('x@x')), 'Acme message - - open 1', 'NUL bytes in a body');
SELECT ok(position(chr(1) IN body_text) = 0 AND body_text LIKE 'a%', 'are left out') FROM ar_inbox.emails WHERE id = pg_temp.id('nul mail');
UPDATE ar_inbox.companies SET max_message_size = 200 WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.quarantined(pg_temp.mail('big@x.example', 'stranger@x.example', body => repeat('x', 200))),
    format('quarantine|%s bytes are more than the limit of 200 (max_message_size)|Acme|t', octet_length(pg_temp.mail('big@x.example', 'stranger@x.example', body => repeat('x', 200)))),
    'over the company''s limit');
SELECT is(pg_temp.receive('small', pg_temp.mail('s@x.example', 's@x.example', body => 'x')), 'Acme message - - open 1', 'under the limit');
UPDATE ar_inbox.companies SET max_message_size = 26214400 WHERE id = pg_temp.id('acme');
SELECT is((SELECT count(*) FROM ar_inbox.inbound_messages WHERE state = 'received'), 0::bigint, 'nothing is left between the two');
SELECT is((SELECT count(*) FROM ar_inbox.inbound_messages WHERE state = 'filed' AND NOT EXISTS
    (SELECT 1 FROM ar_inbox.emails e WHERE e.inbound_message_id = inbound_messages.id)), 0::bigint, 'what is filed has its email');
SELECT is(pg_temp.refusal('SELECT ar_inbox.receive_email(NULL)'), '22004 message is NULL', 'only NULL is refused');
SELECT lives_ok(format('SELECT ar_inbox.receive_email(%L::bytea)', convert_to(E'To: inbox@acme.example\r\nSubject: ' || s || E'\r\n\r\nx', 'UTF8')), 'never an error: ' || what)
FROM (VALUES (repeat('(', 5000), 'a subject of parentheses'), (repeat('INV-00001 ', 5000), 'one of numbers'), ('=?utf-8?B?////?=', 'one that is badly encoded'),
    (E'a\r\n' || repeat(E' b\r\n', 1000) || ' c', 'one of a thousand lines')) t (s, what);

-- what the worker fetches
DO $$ BEGIN
    PERFORM ar_inbox_internal.store_fetched(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.id('acme'), 'INBOX', 7, 12, 40, pg_temp.mail('f1@x.example', 'stranger@x.example', 'x@x.example'), NULL);
    PERFORM ar_inbox_internal.store_fetched(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.id('acme'), 'INBOX', 7, 13, 99999999, NULL, 'too large');
    PERFORM ar_inbox_internal.store_fetched(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.id('acme'), 'INBOX', 7, 13, 99999999, NULL, 'too large');
END $$;
SELECT is((SELECT c.name FROM ar_inbox.emails e JOIN ar_inbox.companies c ON c.id = e.company_id WHERE e.message_id = 'f1@x.example'), 'Acme', 'the mailbox tells the company');
SELECT results_eq($$SELECT concat_ws('|', uid, state, reason, size, message IS NULL) FROM ar_inbox.inbound_messages WHERE uid_validity = 7 ORDER BY uid$$,
    ARRAY['12|filed|40|f', '13|quarantine|it is still in its mailbox (INBOX, UID 13): too large|99999999|t'],
    'one too large is known by its place, once');
UPDATE ar_inbox.companies SET max_message_size = 200 WHERE id = pg_temp.id('acme');
DO $$ BEGIN
    PERFORM ar_inbox_internal.store_fetched(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.id('acme'), 'INBOX', 7, 13, 999, pg_temp.mail('f2@x.example', 'stranger@x.example', body => repeat('x', 200)), NULL);
END $$;
CREATE FUNCTION pg_temp.fetched(uid bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', m.state, regexp_replace(m.reason, '^[0-9]+ bytes', 'N bytes'), m.company_id = pg_temp.id('acme'), octet_length(m.message) > 200)
    FROM ar_inbox.inbound_messages m WHERE m.uid_validity = 7 AND m.uid = fetched.uid AND m.size = 999
$$;
SELECT is(pg_temp.fetched(13), 'quarantine|N bytes are more than the limit of 200 (max_message_size)|t|t', 'one over the company''s limit is kept whole');
SELECT is(ar_inbox.reprocess(), 0::bigint, 'run again, it stays');
UPDATE ar_inbox.companies SET max_message_size = 26214400 WHERE id = pg_temp.id('acme');
SELECT is(ar_inbox.reprocess(id), 1::bigint, 'under a higher one it is filed') FROM ar_inbox.inbound_messages WHERE size = 999;
SELECT is(pg_temp.fetched(13), 'filed|t|t', 'with nothing to say of it');
SELECT is(concat_ws('/', uid_validity, last_uid), '7/13', 'how far it was read is remembered') FROM ar_inbox.mail_accounts WHERE company_id = pg_temp.id('acme');

-- attachments: the same bytes are kept once
CREATE FUNCTION pg_temp.with_file(message_id text, filename text, content text, recipient text DEFAULT 'inbox@acme.example') RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_temp.mail(message_id, 'stranger@x.example', recipient, more => E'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n',
        body => format(E'--b\r\nContent-Type: text/plain\r\n\r\nsee there\r\n--b\r\nContent-Type: application/pdf\r\n'
            'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="%s"\r\n\r\n%s\r\n--b--', filename, encode(convert_to(content, 'UTF8'), 'base64')))
$$;
SELECT is(pg_temp.receive('file 1', pg_temp.with_file('a1@x.example', 'one.pdf', 'bytes')), 'Acme message - - open 1', 'an attachment');
SELECT is(pg_temp.receive('file 2', pg_temp.with_file('a2@x.example', '../../two.pdf', 'bytes')), 'Acme message - - open 1', 'the same under another name');
SELECT is(pg_temp.receive('file 3', pg_temp.with_file('a3@x.example', 'three.pdf', 'bytes', 'inbox@other.example')), 'Other message - - open 1', 'the same at another company');
SELECT results_eq($$SELECT concat_ws('|', c.name, f.name, f.type, a.is_inline, convert_from(b.content, 'UTF8') COLLATE "default", b.size) FROM ar_inbox.attachments a
        JOIN ar_inbox.files f ON f.id = a.file_id AND f.company_id = a.company_id
        JOIN ar_inbox.file_contents b ON b.content_hash = f.content_hash AND b.company_id = f.company_id JOIN ar_inbox.companies c ON c.id = a.company_id ORDER BY a.id$$,
    ARRAY['Acme|one.pdf|text/plain|f|bytes|5', 'Acme|two.pdf|text/plain|f|bytes|5', 'Other|three.pdf|text/plain|f|bytes|5'], 'each has its name, and the type that its bytes show');
SELECT is((SELECT count(*) FROM ar_inbox.file_contents WHERE company_id = pg_temp.id('acme')), 1::bigint, 'the bytes are kept once for a company');
SELECT is((SELECT count(*) FROM ar_inbox.file_contents WHERE company_id = pg_temp.id('other')), 1::bigint, 'and once for the other');

-- automatic mail
SELECT is(pg_temp.receive('auto', pg_temp.mail('o1@initech.example', 'pay@initech.example', more => E'Auto-Submitted: auto-replied\n')), 'Acme customer Initech - open 2', 'an automatic reply is filed');
SELECT ok(automatic, 'and marked') FROM ar_inbox.emails WHERE id = pg_temp.id('auto mail');
DO $$ BEGIN PERFORM ar_inbox.set_thread_status(pg_temp.id('auto'), 'closed'); END $$;
SELECT is(pg_temp.receive('auto 2', pg_temp.mail('o2@initech.example', 'pay@initech.example', more => E'Auto-Submitted: auto-replied\n')), 'Acme customer Initech - open 3', 'it opens its thread as any message does');
UPDATE ar_inbox.companies SET automatic_mail_opens_threads = false WHERE id = pg_temp.id('acme');
DO $$ BEGIN PERFORM ar_inbox.set_thread_status(pg_temp.id('auto'), 'pending'); END $$;
SELECT is(pg_temp.receive('auto 3', pg_temp.mail('o3@initech.example', 'pay@initech.example', more => E'Auto-Submitted: auto-replied\n')), 'Acme customer Initech - pending 4', 'unless the company does not want that');
SELECT is(pg_temp.receive('auto 4', pg_temp.mail('o4@x.example', 'stranger@x.example', more => E'Auto-Submitted: auto-replied\n')), 'Acme message - - closed 1', 'then a new thread stays closed');
SELECT is(pg_temp.receive('auto 5', pg_temp.mail('o5@initech.example', 'pay@initech.example')), 'Acme customer Initech - open 5', 'a person opens it');
UPDATE ar_inbox.companies SET automatic_mail_opens_threads = true WHERE id = pg_temp.id('acme');

-- thread status: what goes out changes nothing
SELECT is(pg_temp.send('new'), 'message closed 1 outgoing', 'writing to somebody leaves the thread closed');
SELECT is(pg_temp.receive('answer', pg_temp.mail('t1@globex.example', more => format(E'In-Reply-To: <%s>\n', (SELECT message_id FROM ar_inbox.emails WHERE id = pg_temp.id('new mail'))))),
    'Acme message Globex - open 2', 'the answer opens it');
SELECT is(pg_temp.send('new 2', thread => 'new'), 'message open 3 outgoing', 'writing again leaves it open');
DO $$ BEGIN PERFORM ar_inbox.set_thread_status(pg_temp.id('new'), 'pending'); END $$;
SELECT is(pg_temp.send('new 3', thread => 'new'), 'message pending 4 outgoing', 'or pending');
SELECT is(pg_temp.receive('answer 2', pg_temp.mail('t2@globex.example', more => E'In-Reply-To: <t1@globex.example>\n')), 'Acme message Globex - open 5', 'the next answer opens it again');
DO $$ BEGIN PERFORM ar_inbox.set_thread_status(pg_temp.id('new'), 'closed'); END $$;
SELECT is(pg_temp.receive('answer 3', pg_temp.mail('t3@globex.example', more => E'In-Reply-To: <t1@globex.example>\n')), 'Acme message Globex - open 6', 'closed as it may be');
SELECT is(pg_temp.send('about', invoice => 'bill'), 'document open 4 outgoing', 'about an invoice: in its thread');
SELECT is(pg_temp.id('about'), pg_temp.id('number'), 'which is that one');
SELECT is(pg_temp.send('to customer', customer => 'globex'), 'message closed 1 outgoing', 'about a customer: a thread of its own');
SELECT is((SELECT customer_id FROM ar_inbox.threads WHERE id = pg_temp.id('to customer')), pg_temp.id('globex'), 'with that customer');

-- what send_email makes
SELECT is(concat_ws('|', p.from_name, p.from_address, p.to_addresses, p.subject, rtrim(p.body_text, E'\n'), rtrim(p.body_html, E'\n'), p.automatic, p.defects),
    'Acme|billing@acme.example|{ann@globex.example}|new|Hello *there*.|<p>Hello <em>there</em>.</p>|f|{}', 'a message as text and as HTML')
FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id('new mail');
SELECT is(pg_temp.send('new 4', thread => 'new'), 'message open 7 outgoing', 'one more in that thread');
SELECT is(concat_ws('|', p.in_reply_to, p.reference_ids[cardinality(p.reference_ids)]), '{t3@globex.example}|t3@globex.example', 'answers what came last')
FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id('new 4 mail');
CALL pg_temp.keep('hidden', ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example,b@x.example}', ' Hidden ', 'x', '{c@x.example}', '{secret@x.example}'));
SELECT is(concat_ws('|', p.to_addresses, p.cc_addresses, p.subject, position('secret' IN convert_from(e.message, 'UTF8'))), '{a@x.example,b@x.example}|{c@x.example}|Hidden|0',
    'whoever is in bcc stands nowhere in the message')
FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id('hidden');
SELECT is((SELECT array_agg(field || ' ' || address || ' ' || state ORDER BY id) FROM ar_inbox.email_recipients WHERE email_id = pg_temp.id('hidden')),
    ARRAY['to a@x.example queued', 'to b@x.example queued', 'cc c@x.example queued', 'bcc secret@x.example queued'], 'but is written to');
SELECT is((SELECT array_agg(recipient) FROM ar_inbox.sent, unnest(recipients) recipient WHERE email_id = pg_temp.id('hidden'))::text,
    '{a@x.example,b@x.example,c@x.example,secret@x.example}', 'the view sent shows them all');
SELECT is(concat_ws('|', sender, subject, automatic, state, template IS NULL), 'Acme|Hidden|f|queued|t', 'and where the hand-off stands') FROM ar_inbox.sent WHERE email_id = pg_temp.id('hidden');

-- a member's name
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE ar_test_alice;
CALL pg_temp.keep('by alice', ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 'From Alice', 'x'));
CALL pg_temp.keep('note', ar_inbox.add_note(pg_temp.id('stranger'), E'He called.\nWill pay on Friday.'));
RESET ROLE;
SELECT is(concat_ws('|', from_name, member_id = pg_temp.id('alice')), 'Acme (Alice)|t', 'a member writes in the company''s name, with its own in parentheses') FROM ar_inbox.emails WHERE id = pg_temp.id('by alice');

SELECT is(pg_temp.refusal(format('SELECT ar_inbox.send_email(%s)', arguments)), wanted, 'send_email: ' || wanted)
FROM (VALUES
    ('0, ''{a@x.example}'', ''s'', ''b''', 'IB001 company 0 does not exist'),
    ('NULL, ''{a@x.example}'', ''s'', ''b''', 'IB001 company NULL does not exist'),
    ('pg_temp.id(''acme''), ''{}'', ''s'', ''b''', '22023 recipients is empty'),
    ('pg_temp.id(''acme''), NULL, ''s'', ''b''', '22023 recipients is empty'),
    ('pg_temp.id(''acme''), ''{}'', ''s'', ''b'', ''{a@x.example}''', '22023 recipients is empty'),
    ('pg_temp.id(''acme''), ''{a@x.example,NULL}'', ''s'', ''b''', '22004 recipients contains NULL'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', ''{NULL}''', '22004 cc contains NULL'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', NULL, ''{NULL}''', '22004 bcc contains NULL'),
    ('pg_temp.id(''acme''), ''{{a@x.example},{b@x.example}}'', ''s'', ''b''', '22023 recipients is an array of arrays'),
    ('pg_temp.id(''acme''), ARRAY[E''a@x.example\rb@x.example'']::ar_inbox.email_address[], ''s'', ''b''', '22P02 invalid e-mail address "a@x.example\x0db@x.example": it contains a line break'),
    ('pg_temp.id(''acme''), ARRAY[E''a@x.example\nb@x.example'']::ar_inbox.email_address[], ''s'', ''b''', '22P02 invalid e-mail address "a@x.example\x0ab@x.example": it contains a line break'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', '' '', ''b''', '22023 subject is empty'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', NULL, ''b''', '22023 subject is empty'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', '' ''', '22023 body is empty'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', NULL', '22023 body is empty'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', thread_id => 0', 'IB001 thread 0 does not exist'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', invoice_id => 0', 'IB001 invoice 0 does not exist'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', customer_id => 0', 'IB001 customer 0 does not exist'),
    ('pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', thread_id => 1, customer_id => 1', '22023 more than one of thread_id, invoice_id and customer_id is given')) t (arguments, wanted);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.send_email(pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', %s_id => %s)', kind, id)), format('IB001 %s %s does not exist', kind, id), 'another company''s ' || kind)
FROM (VALUES ('thread', pg_temp.id('cross')), ('invoice', pg_temp.id('their bill')), ('customer', pg_temp.id('theirs'))) t (kind, id);
SELECT is(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', E'Hi\r\nBcc: x@x.example', 'b')$$), E'22023 subject ''Hi\r\nBcc: x@x.example'' has more than one line', 'a subject that would add a header');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('acme'), (SELECT array_agg(('a' || n || '@x.example')::ar_inbox.email_address) FROM generate_series(1, 99) n), 's', 'b', '{b@x.example,c@x.example}')$$),
    'IB003 101 recipients are too many for one message', 'more recipients than a mail server takes');
CALL pg_temp.keep('bare', ar_inbox.create_company('Bare'));
SELECT is(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('bare'), '{a@x.example}', 's', 'b')$$), format('IB005 company %s has no mail account', pg_temp.id('bare')), 'no mail account');
SELECT is((SELECT count(*) FROM ar_inbox.threads WHERE company_id = pg_temp.id('bare')), 0::bigint, 'what was refused left nothing behind');

-- status, assignee, notes
SELECT lives_ok(format('SELECT ar_inbox.set_thread_status(%s, %L)', pg_temp.id('stranger'), s), 'set_thread_status ' || s) FROM unnest(ARRAY['pending', 'closed', 'open', 'open']) s;
SELECT results_eq($$SELECT concat_ws('>', before #>> '{}', after #>> '{}') FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'thread' AND subject_id = pg_temp.id('stranger') AND action = 'status' ORDER BY id$$,
    ARRAY['open>pending', 'pending>closed', 'closed>open'], 'each change is written down, what changes nothing is not');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_thread_status(0, 'open')$$), 'IB001 thread 0 does not exist', 'an unknown thread');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_thread_status(NULL, 'open')$$), 'IB001 thread NULL does not exist', 'thread NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_thread_status(pg_temp.id('stranger'), NULL)$$), '22004 status is NULL', 'status NULL');
SELECT throws_ok($$SELECT ar_inbox.set_thread_status(pg_temp.id('stranger'), 'done')$$, '22P02', 'invalid input value for enum ar_inbox.thread_status: "done"', 'an unknown status');
SELECT is((SELECT assignee FROM ar_inbox.inbox WHERE thread_id = pg_temp.id('stranger')), NULL, 'a thread is nobody''s at first');
SELECT lives_ok($$SELECT ar_inbox.assign_thread(pg_temp.id('stranger'), pg_temp.id('alice'))$$, 'assign_thread');
SELECT is((SELECT assignee FROM ar_inbox.inbox WHERE thread_id = pg_temp.id('stranger')), 'Alice', 'it is Alice''s');
SELECT lives_ok($$SELECT ar_inbox.assign_thread(pg_temp.id('stranger'), NULL)$$, 'and taken back');
SELECT is((SELECT assignee FROM ar_inbox.inbox WHERE thread_id = pg_temp.id('stranger')), NULL, 'is nobody''s');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'thread' AND subject_id = pg_temp.id('stranger') AND action = 'assignee'), 2::bigint, 'both are written down');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.assign_thread(pg_temp.id(''stranger''), %s)', id)), format('IB001 member %s does not exist', id), 'assigned to ' || what)
FROM (VALUES (0, 'a member who is unknown'), (pg_temp.id('their member'), 'another company''s'), (pg_temp.id('gone'), 'one who is gone')) t (id, what);
SELECT is(pg_temp.refusal($$SELECT ar_inbox.assign_thread(0, pg_temp.id('alice'))$$), 'IB001 thread 0 does not exist', 'an unknown thread');
SELECT is(concat_ws('|', body, member_id = pg_temp.id('alice'), thread_id = pg_temp.id('stranger')), E'He called.\nWill pay on Friday.|t|t', 'a note, by whom') FROM ar_inbox.notes WHERE id = pg_temp.id('note');
SELECT is(pg_temp.thread('stranger'), 'open 4 incoming', 'a note is no message');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_note(0, 'x')$$), 'IB001 thread 0 does not exist', 'a note on an unknown thread');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_note(pg_temp.id('stranger'), E' ')$$), '22023 body is empty', 'an empty note');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_note(pg_temp.id('stranger'), NULL)$$), '22023 body is empty', 'a note NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_note(pg_temp.id('stranger'), repeat('n', 100001))$$), '22023 body has 100001 characters', 'a note too long');

-- an odd recipient hides no good one
SELECT is(ar_inbox_internal.without_tag(a)::text, b, 'without its tag: ' || a)
FROM (VALUES ('inbox+x@acme.example', 'inbox@acme.example'), ('a.+b@x.example', 'a.+b@x.example'), ('plain@x.example', 'plain@x.example')) t (a, b);

-- mail that lay in its folder: when it came, and what follows
CREATE FUNCTION pg_temp.lay(message_id text, arrived_at timestamptz, subject text DEFAULT 'Question', more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox_internal.store_fetched(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.id('acme'), 'INBOX', 9, 1, 100,
        pg_temp.mail(message_id, subject => subject, more => more), NULL, arrived_at);
    RETURN (SELECT concat_ws('|', e.occurred_at = date_trunc('second', lay.arrived_at) + interval '999999 us', e.occurred_at - now() BETWEEN '0' AND '1 ms', e.occurred_at - m.received_at BETWEEN '0' AND '1 ms', e.sent_at::date, t.status)
        FROM ar_inbox.emails e
        JOIN ar_inbox.inbound_messages m ON m.company_id = e.company_id AND m.id = e.inbound_message_id
        JOIN ar_inbox.threads t ON t.company_id = e.company_id AND t.id = e.thread_id
        WHERE e.message_id = lay.message_id);
END
$$;
SELECT is(pg_temp.lay('lay1@x.example', '2020-02-03 04:05:06Z'), 't|f|t|2026-01-31|open', 'it came when the mail server says, and opens its thread');
SELECT is(pg_temp.lay('lay2@x.example', NULL), 't|t|2026-01-31|open', 'one that does not say: now');
SELECT is(pg_temp.lay(moment || '@x.example', moment::timestamptz), 'f|t|t|2026-01-31|open', 'nor does ' || what)
FROM (VALUES ('1970-01-01T00:00:00Z', 'the beginning of the clock'), ('2099-01-01T00:00:00Z', 'the future')) t (moment, what);
UPDATE ar_inbox.companies SET max_message_size = 100 WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.lay('lay3@x.example', '2020-02-03 04:05:06Z'), NULL, 'one too large');
UPDATE ar_inbox.companies SET max_message_size = 26214400 WHERE id = pg_temp.id('acme');
DO $$ BEGIN PERFORM ar_inbox.reprocess(); END $$;
SELECT is(occurred_at, '2020-02-03 04:05:06.999999Z', 'has come when it came, however late it is filed') FROM ar_inbox.emails WHERE message_id = 'lay3@x.example';

CALL pg_temp.keep('waits', ar_inbox.send_email(pg_temp.id('acme'), '{ann@globex.example}', 'Waits', 'x', send_at => now() + interval '1 day', cancel_on_answer => true));
CREATE FUNCTION pg_temp.answered(message_id text, arrived_at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    came text := pg_temp.lay(message_id, arrived_at, more => format(E'In-Reply-To: <%s>\n', (SELECT e.message_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id('waits'))));
BEGIN
    RETURN came || '|' || (SELECT d.state FROM ar_inbox.deliveries d WHERE d.email_id = pg_temp.id('waits'))
        || '|' || (SELECT t.message_count FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = pg_temp.id('waits'));
END
$$;
SELECT is(pg_temp.answered('lay4@x.example', now() - interval '1 day'), 't|f|t|2026-01-31|open|queued|2', 'what came before a message was written is no answer to it');
SELECT is(pg_temp.answered('lay5@x.example', now() - interval '5 minutes'), 't|f|t|2026-01-31|open|cancelled|3', 'but what nobody can have seen, by clocks that differ, is');

CREATE FUNCTION pg_temp.chased(number text, issued_on date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(number, ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', issued_on, '2099-01-31', number));
    PERFORM ar_inbox.issue_invoice(pg_temp.id(number));
    PERFORM ar_inbox.chase_invoice(pg_temp.id(number), '[{"trigger": "after_due", "days": 1, "hour": 12, "channels": ["email"]}]');
END
$$;
CREATE FUNCTION pg_temp.held(number text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT h.kind || ' for ' || h.until - (now() AT TIME ZONE 'UTC')::date FROM ar_inbox.holds h WHERE h.invoice_id = pg_temp.id(number)
$$;
DO $$ BEGIN
    UPDATE ar_inbox.companies SET time_zone = 'UTC' WHERE id = pg_temp.id('acme');
    PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"reply_hold_days": 3}');
    PERFORM pg_temp.chased('OLD-1', (now() - interval '60 days')::date), pg_temp.chased('NEW-1', '2099-01-01');
END $$;
SELECT is(pg_temp.lay('lay6@x.example', now() - interval '3 days', 'OLD-1'), 't|f|t|2026-01-31|open', 'an answer of three days ago');
SELECT is_empty($$SELECT pg_temp.held('OLD-1')$$, 'holds for three days, which are over');
SELECT is(pg_temp.lay('lay7@x.example', now() - interval '2 days', 'OLD-1'), 't|f|t|2026-01-31|open', 'one of two days ago');
SELECT results_eq($$SELECT pg_temp.held('OLD-1')$$, ARRAY['reply for 0'], 'for the rest of them, though the invoice was entered today');
SELECT is(pg_temp.lay('lay8@x.example', now() - interval '1 day', 'NEW-1'), 't|f|t|2026-01-31|open', 'one that came before an invoice was there, or dated');
SELECT is_empty($$SELECT pg_temp.held('NEW-1')$$, 'does not hold it');
SELECT is(pg_temp.lay('lay9@x.example', now() - interval '1 minute', 'NEW-1'), 't|f|t|2026-01-31|open', 'one that comes now');
SELECT results_eq($$SELECT pg_temp.held('NEW-1')$$, ARRAY['reply for ' || 2 - ((now() AT TIME ZONE 'UTC')::date - ((now() - interval '1 minute') AT TIME ZONE 'UTC')::date)], 'does');

SELECT finish();
ROLLBACK;
