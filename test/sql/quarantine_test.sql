\set ECHO none
-- What is kept in quarantine, and running it again.
\i test/lib/pgtap.sql
SELECT plan(36);

CREATE FUNCTION pg_temp.mail(recipient text, identifier text, body text = 'x') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format(E'From: Zoe <zoe@z.example>\nTo: %s\nSubject: s\nMessage-ID: <%s@z.example>\n\n%s\n',
        recipient, identifier, body), 'UTF8')
$$;

-- kept: what became of the message with this id, in the order of arrival.
CREATE FUNCTION pg_temp.kept(identifier text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', CASE m.company_id WHEN 0 THEN 'nobody''s' ELSE c.name END, m.state, m.reason), '; ' ORDER BY m.id)
    FROM ar_inbox.inbound_messages m LEFT JOIN ar_inbox.companies c ON c.id = m.company_id
    WHERE position(convert_to('<' || identifier || '@', 'UTF8') IN m.message) > 0
$$;
CREATE FUNCTION pg_temp.row_of(identifier text) RETURNS bigint LANGUAGE sql AS $$
    SELECT m.id FROM ar_inbox.inbound_messages m
    WHERE position(convert_to('<' || identifier || '@', 'UTF8') IN m.message) > 0
$$;

CREATE ROLE quarantine_manager;
CREATE ROLE quarantine_reader;
CREATE ROLE quarantine_rival;
SELECT ar_inbox.create_company('Acme') AS acme \gset
SELECT ar_inbox.create_company('Rival') AS rival \gset
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT id, lower(name) AS name FROM ar_inbox.companies WHERE name IN ('Acme', 'Rival') LOOP
        PERFORM ar_inbox.set_mail_account(c.id, (c.name || '@quarantine.example')::ar_inbox.email_address, 'smtps://mail.example');
    END LOOP;
END
$$;
SELECT ar_inbox.create_member(:acme, 'Mona', 'mona@quarantine.example', 'quarantine_manager', '{view,manage}') AS mona \gset
SELECT ar_inbox.create_member(:acme, 'Rod', 'rod@quarantine.example', 'quarantine_reader', '{view,send}') AS rod \gset
SELECT ar_inbox.create_member(:rival, 'Rita', 'rita@quarantine.example', 'quarantine_rival') AS rita \gset

-- no company has the address
SELECT is(ar_inbox.receive_email(pg_temp.mail('alias@quarantine.example', 'alias')), NULL, 'nobody has the address');
SELECT is(pg_temp.kept('alias'), 'nobody''s quarantine no company has an address that it was sent to', 'it is kept, with the reason');
SELECT is(ar_inbox.receive_email(pg_temp.mail('alias@quarantine.example', 'alias')), NULL, 'it comes again');
SELECT is(pg_temp.kept('alias'), 'nobody''s quarantine no company has an address that it was sent to', 'and is kept once');
SELECT is(ar_inbox.reprocess(), 0::bigint, 'run again, it stays');
SELECT ar_inbox.add_company_address(:acme, 'alias@quarantine.example') \g /dev/null
SET LOCAL ROLE quarantine_manager;
SELECT is(ar_inbox.reprocess(), 0::bigint, 'a member does not run what is nobody''s');
RESET ROLE;
SELECT is(ar_inbox.reprocess(), 1::bigint, 'an administrator does');
SELECT is(pg_temp.kept('alias'), 'Acme filed', 'it is filed, in the row that it had');
SELECT is((SELECT count(*) FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id
    WHERE e.message_id = 'alias@z.example' AND t.status = 'open'), 1::bigint, 'and opens its thread');
SELECT is(ar_inbox.reprocess(), 0::bigint, 'there is nothing to do any more');

-- over the limit
SELECT ar_inbox.change_settings(:acme, '{"max_message_size": 500}') \g /dev/null
SELECT is(ar_inbox.receive_email(pg_temp.mail('acme@quarantine.example', 'large', repeat('x', 500))), NULL, 'it is too large');
SELECT is(pg_temp.kept('large'), 'Acme quarantine 597 bytes are more than the limit of 500 (max_message_size)', 'which is its reason');
SELECT ar_inbox.change_settings(:acme, '{"max_message_size": 550}') \g /dev/null
SELECT is(ar_inbox.reprocess(pg_temp.row_of('large')), 0::bigint, 'with a limit that is still too low it stays');
SELECT is(pg_temp.kept('large'), 'Acme quarantine 597 bytes are more than the limit of 550 (max_message_size)', 'with its new reason');

-- who may
SELECT pg_temp.row_of('large') AS large \gset
SET LOCAL ROLE quarantine_rival;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.reprocess(%s)', :large)), format('IB001 incoming message %s does not exist', :large), 'for another company''s it does not exist');
SELECT is(ar_inbox.reprocess(), 0::bigint, 'nor is it among all');
SET LOCAL ROLE quarantine_reader;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.reprocess(%s)', :large)), format('42501 permission "manage" is needed in company %s', :acme), 'it needs manage');
SELECT is(pg_temp.refusal('SELECT ar_inbox.reprocess()'), '42501 permission "manage" is needed', 'to run all too');
RESET ROLE;
SELECT ar_inbox.change_settings(:acme, '{"max_message_size": 1000}') \g /dev/null
SET LOCAL ROLE quarantine_manager;
SELECT is(ar_inbox.reprocess(), 1::bigint, 'who has it runs all of the company');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.reprocess(%s)', :large)), format('IB002 incoming message %s is filed', :large), 'what is filed is not run again');
SELECT is(pg_temp.refusal('SELECT ar_inbox.reprocess(0)'), 'IB001 incoming message 0 does not exist', 'nor what is not there');
RESET ROLE;

-- the same bytes again, once the cause is gone
SELECT ar_inbox.change_settings(:acme, '{"max_message_size": 500}') \g /dev/null
SELECT is(ar_inbox.receive_email(pg_temp.mail('acme@quarantine.example', 'again', repeat('x', 500))), NULL, 'another one is too large');
SELECT pg_temp.row_of('again') AS again \gset
SELECT ar_inbox.change_settings(:acme, '{"max_message_size": 550}') \g /dev/null
SELECT is(ar_inbox.receive_email(pg_temp.mail('acme@quarantine.example', 'again', repeat('x', 500))), NULL, 'it comes again, too large still');
SELECT is(pg_temp.kept('again'), 'Acme quarantine 597 bytes are more than the limit of 550 (max_message_size)', 'and has its new reason');
SELECT ar_inbox.change_settings(:acme, '{"max_message_size": 1000}') \g /dev/null
SELECT ar_inbox.receive_email(pg_temp.mail('acme@quarantine.example', 'again', repeat('x', 500))) AS filed \gset
SELECT is(:filed::bigint, (SELECT e.id FROM ar_inbox.emails e WHERE e.inbound_message_id = :again), 'it comes again under a limit that it keeps: it is filed');
SELECT is(pg_temp.kept('again'), 'Acme filed', 'in the row that it had');
SELECT is(ar_inbox.receive_email(pg_temp.mail('acme@quarantine.example', 'again', repeat('x', 500))), (SELECT e.id FROM ar_inbox.emails e WHERE e.message_id = 'again@z.example'), 'and known after that');
SELECT ar_inbox.import_message(:acme, convert_to('nothing that is a message', 'UTF8')) \g /dev/null
SELECT ar_inbox.receive_email(convert_to('nothing that is a message', 'UTF8'), 'acme@quarantine.example') AS live \gset
SELECT is((SELECT concat_ws(' ', m.state, m.imported_as) FROM ar_inbox.inbound_messages m WHERE m.content_hash = sha256('nothing that is a message')), 'filed', 'what was no history comes as mail: it is that');
SELECT is((SELECT concat_ws(' ', e.imported, t.status) FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = :live), 'f open', 'and opens its thread');

-- it came by another way in the meantime
SELECT ar_inbox.receive_email(pg_temp.mail('other@quarantine.example', 'twice')) \g /dev/null
SELECT ar_inbox.receive_email(pg_temp.mail('other@quarantine.example', 'twice'), 'acme@quarantine.example') \g /dev/null
SELECT ar_inbox.add_company_address(:acme, 'other@quarantine.example') \g /dev/null
SELECT is(ar_inbox.reprocess(), 1::bigint, 'what its company has had by another way leaves the quarantine');
SELECT is(pg_temp.kept('twice'), 'Acme filed', 'and is there once');

-- the header names two companies, and the sender wrote the header
SELECT is(ar_inbox.receive_email(pg_temp.mail('acme@quarantine.example, rival@quarantine.example', 'both')), NULL, 'to two companies');
SELECT is(pg_temp.kept('both'), 'nobody''s quarantine it is addressed to several companies, and nothing says to which of them it was delivered', 'is neither''s');
SELECT ok(ar_inbox.receive_email(pg_temp.mail('acme@quarantine.example, rival@quarantine.example', 'both'), 'rival+x@quarantine.example') > 0, 'unless the mail server says whose it is');
SELECT ok(ar_inbox.receive_email(convert_to(E'Delivered-To: Acme@quarantine.example\r\n', 'UTF8')
    || pg_temp.mail('rival@quarantine.example, acme@quarantine.example', 'delivered')) > 0, 'or wrote it into the header');
SELECT is(pg_temp.kept('delivered'), 'Acme filed', 'which goes before what the sender wrote');

SELECT finish();
ROLLBACK;
