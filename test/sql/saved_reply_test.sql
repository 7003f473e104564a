\set ECHO none
-- Saved replies, and the members' signatures.
\i test/lib/pgtap.sql
SELECT plan(32);

-- A message as it came, and what it is in under the name of the thread.
CREATE FUNCTION pg_temp.receive(id text, sender text, answers text DEFAULT NULL, recipient text DEFAULT 'inbox@acme.example') RETURNS bigint LANGUAGE sql AS $$
    SELECT ar_inbox.receive_email(convert_to(concat('From: ', sender, E'\r\nTo: ', recipient, E'\r\nSubject: About ', id, E'\r\nMessage-ID: <', id, E'@x.example>\r\n',
        E'In-Reply-To: <' || answers || E'@x.example>\r\n', E'\r\nHello.\r\n'), 'UTF8'))
$$;
CREATE FUNCTION pg_temp.mail(wanted text) RETURNS bigint LANGUAGE sql AS $$
    SELECT e.id FROM ar_inbox.emails e WHERE e.message_id = wanted || '@x.example' AND e.company_id = pg_temp.id('acme')
$$;
CREATE FUNCTION pg_temp.thread_of(wanted text) RETURNS bigint LANGUAGE sql AS $$
    SELECT e.thread_id FROM ar_inbox.emails e WHERE e.message_id = wanted || '@x.example' AND e.company_id = pg_temp.id('acme')
$$;
-- Does something and says nothing.
CREATE PROCEDURE pg_temp.run(statement text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;

CREATE ROLE ar_test_alice LOGIN;
CREATE ROLE ar_test_bob LOGIN;
CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('initech', ar_inbox.create_customer(pg_temp.id('acme'), 'Initech', email => 'pay@initech.example'));
CALL pg_temp.keep('alice', ar_inbox.create_member(pg_temp.id('acme'), 'Alice', 'alice@acme.example', 'ar_test_alice'));
CALL pg_temp.keep('bob', ar_inbox.create_member(pg_temp.id('acme'), 'Bob', 'bob@acme.example', 'ar_test_bob', '{view,send}'));
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example');
    PERFORM ar_inbox.set_mail_account(pg_temp.id('other'), 'billing@other.example', 'smtp://mail.other.example', inbox_address => 'inbox@other.example');
END $$;

CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann *the* Boss', 'ann@globex.example'));
CALL pg_temp.keep('bill', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 1250}]', current_date, current_date + 30));
DO $$ BEGIN
    PERFORM ar_inbox.issue_invoice(pg_temp.id('bill'));
    PERFORM ar_inbox.mark_sent(pg_temp.id('bill'));
    PERFORM pg_temp.receive('g1', 'Somebody <ann@globex.example>'), pg_temp.receive('s1', 'Some Stranger <stranger@x.example>'), pg_temp.receive('o1', 'x@x.example', NULL, 'inbox@other.example');
END $$;
CALL pg_temp.keep('document', ar_inbox_internal.invoice_thread(pg_temp.id('acme'), pg_temp.id('bill')));
CALL pg_temp.keep('all', ar_inbox.set_saved_reply(pg_temp.id('acme'), 'All',
    '{{company.name}}/{{customer.name}} {{customer.number}}/{{contact.name}} {{contact.email}}/{{member.name}}/{{invoice.number}} {{invoice.balance}}{{#lines}} {{description}}{{/lines}}'));
CALL pg_temp.keep('their own', ar_inbox.set_saved_reply(pg_temp.id('other'), 'All', 'x'));

SELECT is(ar_inbox.saved_reply(pg_temp.id('all'), pg_temp.thread_of('g1')), 'Acme/Globex CUST-00001/Ann \*the\* Boss ann@globex.example// ',
    'a customer''s thread: who wrote, by the name that the company keeps; what is not there is empty');
SELECT is(ar_inbox.saved_reply(pg_temp.id('all'), pg_temp.thread_of('s1')), 'Acme/ /Some Stranger stranger@x.example// ', 'a stranger, by the name given');
SELECT is(ar_inbox.saved_reply(pg_temp.id('all'), pg_temp.id('document')), 'Acme/Globex CUST-00001/ //INV-00001 USD 1,250.00 Work', 'an invoice''s thread: what templates know');
CALL pg_temp.run($$SELECT ar_inbox.merge_threads(pg_temp.id('document'), pg_temp.thread_of('g1'))$$);
SELECT is(ar_inbox.saved_reply(pg_temp.id('all'), t.id), 'Acme/Globex CUST-00001/Ann \*the\* Boss ann@globex.example//INV-00001 USD 1,250.00 Work', 'merged: all of it')
FROM ar_inbox.threads t WHERE t.merged_into_id = pg_temp.id('document');
SELECT ok(ar_inbox_internal.commonmark_to_html(ar_inbox.saved_reply(pg_temp.id('all'), pg_temp.id('document'))) LIKE '%Ann *the* Boss%', 'a value is text, whatever it has in it');
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE ar_test_bob;
SELECT ok(ar_inbox.saved_reply(pg_temp.id('all'), pg_temp.id('document')) LIKE '%/Bob/%', 'member is who asks');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.saved_reply(%s, %s)', pg_temp.id('their own'), pg_temp.id('document'))), format('IB001 saved reply %s does not exist', pg_temp.id('their own')), 'another company''s');
RESET ROLE;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.saved_reply(%s, %s)', pg_temp.id('their own'), pg_temp.id('document'))), format('IB001 thread %s does not exist', pg_temp.id('document')), 'another company''s thread');
SELECT is(pg_temp.refusal('SELECT ar_inbox.saved_reply(0, 0)'), 'IB001 saved reply 0 does not exist', 'an unknown one');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.saved_reply(%s, NULL)', pg_temp.id('all'))), 'IB001 thread NULL does not exist', 'thread NULL');

-- setting
SELECT is(ar_inbox.set_saved_reply(pg_temp.id('acme'), '  All ', 'New *text* for {{customer.name}}'), pg_temp.id('all'), 'the same name is the same reply');
SELECT is(ar_inbox.saved_reply(pg_temp.id('all'), pg_temp.id('document')), 'New *text* for Globex', 'with its new text');
CALL pg_temp.run($$SELECT ar_inbox.set_saved_reply(pg_temp.id('acme'), 'All', 'New *text* for {{customer.name}}')$$);
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'saved reply' AND subject_id = pg_temp.id('all')), 2::bigint, 'each change is written down, and nothing that is none');
SELECT throws_ok($$SELECT ar_inbox.set_saved_reply(pg_temp.id('acme'), 'Bad', E'Dear\n  {{#customer}}')$$, '42601', 'the template cannot be read: "#customer" is never closed', 'what does not parse is refused');
CREATE FUNCTION pg_temp.place(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN syntax_error THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END
$$;
SELECT is(pg_temp.place($$SELECT ar_inbox.set_saved_reply(pg_temp.id('acme'), 'Bad', E'Dear\n  {{#customer}}')$$), 'Line 2, column 3.', 'with its place');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_saved_reply(%s, %s, %s)', pg_temp.id('acme'), name, body)), '22023 ' || message, message)
FROM (VALUES ($$' '$$, $$'b'$$, 'name is empty'), ('NULL', $$'b'$$, 'name is empty'), ($$E'a\nb'$$, $$'b'$$, E'name ''a\nb'' has more than one line'), ($$'n'$$, 'NULL', 'body is empty'), ($$'n'$$, $$' '$$, 'body is empty'),
    ($$'n'$$, $$repeat('x', 100001)$$, 'body has 100001 characters')) t (name, body, message);
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_saved_reply(0, 'n', 'b')$$), 'IB001 company 0 does not exist', 'an unknown company');

-- deleting
SELECT lives_ok($$SELECT ar_inbox.delete_saved_reply(pg_temp.id('all'))$$, 'deleted');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.delete_saved_reply(pg_temp.id('all'))$$), format('IB001 saved reply %s does not exist', pg_temp.id('all')), 'is gone');
SELECT is(before, '{"name": "All", "body": "New *text* for {{customer.name}}"}'::jsonb, 'what it said is written down') FROM ar_inbox.events WHERE subject = 'saved reply' AND action = 'deleted';

-- signatures
SET LOCAL ROLE ar_test_bob;
SELECT lives_ok($$SELECT ar_inbox.set_signature(pg_temp.id('bob'), E'\nBob, *Receivables*\n\n')$$, 'who may send sets a signature of their own');
SELECT is((SELECT signature FROM ar_inbox.members WHERE id = pg_temp.id('bob')), 'Bob, *Receivables*', 'without blanks around it');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_signature(pg_temp.id('alice'), 'x')$$), format('42501 permission "manage" is needed in company %s', pg_temp.id('acme')), 'but nobody else''s');
RESET ROLE;
SET LOCAL ROLE ar_test_alice;
SELECT lives_ok($$SELECT ar_inbox.set_signature(pg_temp.id('bob'), NULL)$$, 'who may manage sets another''s');
SELECT is((SELECT signature FROM ar_inbox.members WHERE id = pg_temp.id('bob')), '', 'NULL: none');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_signature(pg_temp.id('alice'), repeat('x', 10001))$$), '22023 signature has 10001 characters', 'too long a one');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_signature(0, 'x')$$), 'IB001 member 0 does not exist', 'an unknown member');
RESET ROLE;

SELECT finish();
ROLLBACK;
