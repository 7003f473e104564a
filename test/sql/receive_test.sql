\set ECHO none
-- Receiving: whose a message is, which thread it goes to, who is believed to
-- have written it, what follows from it, quarantine and running it again.
\i test/lib/pgtap.sql
SELECT plan(282);

CREATE ROLE ar_test_alice LOGIN;
CREATE ROLE ar_test_victor LOGIN;
CREATE ROLE ar_test_olga LOGIN;
CREATE ROLE ar_test_robot LOGIN;
CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann', 'ann@globex.example'));
CALL pg_temp.keep('initech', ar_inbox.create_customer(pg_temp.id('acme'), 'Initech', email => 'pay@initech.example'));
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('other'), 'Globex at theirs', email => 'ap@globex.example'));
CALL pg_temp.keep('alice', ar_inbox.create_member(pg_temp.id('acme'), 'Alice', 'alice@acme.example', 'ar_test_alice'));
CALL pg_temp.keep('victor', ar_inbox.create_member(pg_temp.id('acme'), 'Victor', 'victor@acme.example', 'ar_test_victor', '{view,send}'));
CALL pg_temp.keep('gone', ar_inbox.create_member(pg_temp.id('acme'), 'Gone', 'gone@acme.example'));
CALL pg_temp.keep('olga', ar_inbox.create_member(pg_temp.id('other'), 'Olga', 'olga@other.example', 'ar_test_olga'));
DO $$ BEGIN
    PERFORM ar_inbox.change_member(pg_temp.id('gone'), removed => true);
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example', inbox_address => 'inbox@acme.example', plus_addressing => true);
    PERFORM ar_inbox.set_mail_account(pg_temp.id('other'), 'billing@other.example', 'smtp://mail.other.example', inbox_address => 'inbox@other.example', plus_addressing => true);
END $$;
CALL pg_temp.keep('bill', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]'));
DO $$ BEGIN PERFORM ar_inbox.issue_invoice(pg_temp.id('bill')); END $$;

-- A message as a mail server would hand it over.
CREATE FUNCTION pg_temp.mail(message_id text, sender text DEFAULT 'stranger@x.example', recipient text DEFAULT 'inbox@acme.example',
    subject text DEFAULT 'Question', body text DEFAULT 'Hello.', more text DEFAULT '') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format(E'%sFrom: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s>\r\nDate: Sat, 31 Jan 2026 10:00:00 +0100\r\n\r\n%s\r\n',
        replace(more, E'\n', E'\r\n'), sender, recipient, subject, message_id, body), 'UTF8')
$$;
-- Takes it, keeps its thread and its email under a name; how its thread is then.
CREATE FUNCTION pg_temp.receive(name text, message bytea, recipient ar_inbox.email_address DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.receive_email(message, recipient);
BEGIN
    IF mail IS NULL THEN
        RETURN (SELECT concat_ws(' ', m.state, coalesce(c.name, '-')) FROM ar_inbox.inbound_messages m
            LEFT JOIN ar_inbox.companies c ON c.id = m.company_id WHERE m.content_hash = sha256(receive.message) ORDER BY m.id DESC LIMIT 1);
    END IF;
    INSERT INTO ids SELECT name || ' mail', mail;
    INSERT INTO ids SELECT name, e.thread_id FROM ar_inbox.emails e WHERE e.id = mail;
    RETURN (SELECT concat_ws(' ', c.name, t.topic, coalesce(k.name, '-'), t.status, t.message_count)
        FROM ar_inbox.emails e
        JOIN ar_inbox.threads t ON t.company_id = e.company_id AND t.id = e.thread_id
        JOIN ar_inbox.companies c ON c.id = t.company_id
        LEFT JOIN ar_inbox.customers k ON k.company_id = t.company_id AND k.id = t.customer_id
        WHERE e.id = mail);
END
$$;
CREATE FUNCTION pg_temp.send(name text, recipient ar_inbox.email_address, customer text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.send_email(pg_temp.id('acme'), ARRAY[recipient], name, 'Hello.',
        customer_id => CASE WHEN customer IS NOT NULL THEN pg_temp.id(customer) END);
BEGIN
    INSERT INTO ids SELECT name || ' mail', mail;
    INSERT INTO ids SELECT name, e.thread_id FROM ar_inbox.emails e WHERE e.id = mail;
    RETURN (SELECT concat_ws(' ', t.topic, t.status, t.message_count) FROM ar_inbox.threads t JOIN ids i ON i.id = t.id WHERE i.name = send.name);
END
$$;

-- whose a message is
SELECT is(pg_temp.receive('envelope', pg_temp.mail('e1@x', recipient => 'inbox@other.example', more => E'Delivered-To: inbox@other.example\n'), 'inbox@acme.example'),
    'Acme message - open 1', 'the recipient that is given goes before what the header says');
SELECT is(pg_temp.receive('envelope 2', pg_temp.mail('e2@x'), 'nobody@nowhere.example'), 'Acme message - open 1', 'one that is nobody''s leaves it to the header');
SELECT is(pg_temp.receive('envelope 3', pg_temp.mail('e3@x', recipient => 'undisclosed-recipients:;'), 'Inbox@ACME.example'), 'Acme message - open 1', 'in any letter case, where the header names nobody');
SELECT is(recipient::text, 'Inbox@acme.example', 'it is kept with the bytes') FROM ar_inbox.inbound_messages m JOIN ar_inbox.emails e ON e.inbound_message_id = m.id WHERE e.id = pg_temp.id('envelope 3 mail');
SELECT is(pg_temp.receive('several', pg_temp.mail('e4@x', recipient => 'x@x.example, inbox@other.example, inbox@acme.example')), 'quarantine -', 'of several companies none');
SELECT is(pg_temp.receive('fields ' || field, pg_temp.mail('f' || number || '@x', recipient => 'list@x.example', more => field || E': <inbox@acme.example>\n')),
    'Acme message - open 1', 'by ' || field)
FROM unnest(ARRAY['Delivered-To', 'X-Original-To', 'Envelope-To', 'X-Envelope-To', 'X-Forwarded-To', 'Resent-To', 'Cc']) WITH ORDINALITY f (field, number);
SELECT is(pg_temp.receive('own sender', pg_temp.mail('e5@x', recipient => 'billing@acme.example')), 'Acme message - open 1', 'by the address it sends from');
SELECT is(pg_temp.receive('alias before', pg_temp.mail('e6@x', recipient => 'accounts@acme.example')), 'quarantine -', 'an address that nobody has told of');
SELECT lives_ok($$SELECT ar_inbox.add_company_address(pg_temp.id('acme'), 'Accounts@acme.example')$$, 'it is added');
SELECT is(pg_temp.receive('alias', pg_temp.mail('e7@x', recipient => 'ACCOUNTS@acme.example')), 'Acme message - open 1', 'and is the company''s, in any letter case');
SELECT is(pg_temp.receive('alias tag', pg_temp.mail('e8@x', recipient => 'accounts+2026@acme.example')), 'Acme message - open 1', 'with any tag');
SELECT is(pg_temp.receive('tags', pg_temp.mail('e9@x', recipient => 'inbox+a+b@acme.example')), 'Acme message - open 1', 'or several');
SELECT is(pg_temp.receive('rewritten ' || number, pg_temp.mail('r' || number || '@x', recipient => 'x@x.example', more => 'Delivered-To: ' || address || E'\n')),
    'Acme message - open 1', 'as a relay rewrote it: ' || address)
FROM unnest(ARRAY['SRS0=Ab1c=XY=acme.example=inbox@relay.example', 'SRS1=Cd2e=relay.example==Ab1c=XY=acme.example=inbox@further.example',
    'prvs=1234abcdef=inbox@acme.example', 'btv1==123abcdef01==inbox@acme.example']) WITH ORDINALITY a (address, number);
SELECT is(pg_temp.receive('rewritten', pg_temp.mail('r9@x', recipient => 'x@x.example'), 'prvs=1234abcdef=inbox@acme.example'), 'Acme message - open 1', 'also where the mail server tells');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_company_address(pg_temp.id('other'), 'accounts@acme.example')$$), '23505 address accounts@acme.example belongs to another company', 'no other company can have it');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_company_address(pg_temp.id('other'), 'accounts+x@acme.example')$$), '23505 address accounts+x@acme.example belongs to another company', 'nor with a tag');
SELECT lives_ok($$SELECT ar_inbox.add_company_address(pg_temp.id('acme'), 'accounts@acme.example')$$, 'added again, nothing happens');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_company_address(pg_temp.id('acme'), NULL)$$), '22004 address is NULL', 'NULL is no address');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.remove_company_address(pg_temp.id('acme'), 'inbox@acme.example')$$), 'IB002 address inbox@acme.example is in use by a mail account', 'one that an account needs stays');
SELECT lives_ok($$SELECT ar_inbox.remove_company_address(pg_temp.id('acme'), 'ACCOUNTS@acme.example')$$, 'the other one is removed');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.remove_company_address(pg_temp.id('acme'), 'accounts@acme.example')$$),
    format('IB001 address accounts@acme.example is not one of company %s', pg_temp.id('acme')), 'once');
SELECT is(pg_temp.receive('alias after', pg_temp.mail('e10@x', recipient => 'accounts@acme.example')), 'quarantine -', 'and is nobody''s again');
-- a plus-address is an address, too, which has others under it
SELECT lives_ok($$SELECT ar_inbox.add_company_address(pg_temp.id('other'), 'team+ar@host.example')$$, 'one with a tag');
SELECT lives_ok($$SELECT ar_inbox.add_company_address(pg_temp.id('acme'), 'Team+billing@host.example')$$, 'one beside it, of another company');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.add_company_address(pg_temp.id(''acme''), %L)', address)), format('23505 address %s belongs to another company', address), 'not to be had: ' || address)
FROM unnest(ARRAY['team@host.example', 'team+ar@host.example', 'team+ar+x@host.example']) address;
SELECT is(ar_inbox_internal.company_of_address(address::ar_inbox.email_address), pg_temp.id(company), 'whose? ' || address)
FROM (VALUES ('team+ar+x@host.example', 'other'), ('TEAM+AR+x+y@host.example', 'other'), ('team+billing+x@host.example', 'acme'), ('team@host.example', NULL), ('team+x@host.example', NULL)) a (address, company);
SELECT is(pg_temp.receive('under a tag', pg_temp.mail('e11@x', recipient => 'team+billing+r2345@host.example')), 'Acme message - open 1', 'and so is mail to them');
-- a customer's address is none of the company's own
SELECT is(pg_temp.refusal(format('SELECT %s', call)), '22023 the address ' || wrong, 'not both: ' || call)
FROM (VALUES ('ar_inbox.create_customer(pg_temp.id(''acme''), ''We'', email => ''Inbox@acme.example'')', 'Inbox@acme.example is the company''s own'),
    ('ar_inbox.create_contact(pg_temp.id(''globex''), ''We'', ''inbox+x@acme.example'')', 'inbox+x@acme.example is the company''s own'),
    ('ar_inbox.change_customer(pg_temp.id(''globex''), ''{"email": "team+billing@host.example"}'')', 'team+billing@host.example is the company''s own'),
    ('ar_inbox.add_company_address(pg_temp.id(''acme''), ''AP@globex.example'')', 'AP@globex.example is a customer''s'),
    ('ar_inbox.set_mail_account(pg_temp.id(''acme''), ''ap@globex.example'', ''smtp://h'')', 'ap@globex.example is a customer''s')) c (call, wrong);
SELECT lives_ok($$SELECT ar_inbox.create_customer(pg_temp.id('other'), 'Acme', email => 'inbox@acme.example')$$, 'but another company''s');
CALL pg_temp.keep('long mail', ar_inbox.receive_email(convert_to(format(E'From: %s <l@x.example>\nTo: %s <inbox@acme.example>\nSubject: %s\nMessage-ID: <long@x>\n\nHi', repeat('f', 5000), repeat('t', 5000), repeat('s', 5000)), 'UTF8')));
SELECT results_eq($$SELECT length(e.subject), length(e.from_name), (SELECT max(length(r.name)) FROM ar_inbox.email_recipients r WHERE r.email_id = e.id) FROM ar_inbox.emails e WHERE e.id = pg_temp.id('long mail')$$,
    $$VALUES (1000, 200, 200)$$, 'what is shown in lists is not endless');
SELECT is(ar_inbox_internal.addresses_above('a+b+c@host.example')::text, '{a+b+c@host.example,a+b@host.example,a@host.example}', 'what an address is under');

-- the address that a thread is answered to
SELECT is(pg_temp.send('written', 'bob@y.example'), 'message closed 1', 'a message to somebody who is no customer');
SELECT is(pg_temp.send('to globex', 'ap@globex.example', 'globex'), 'message closed 1', 'and one to a customer');
CREATE FUNCTION pg_temp.token(thread text, company text DEFAULT 'acme', purpose text DEFAULT 'r') RETURNS text LANGUAGE sql AS $$
    SELECT ar_inbox_internal.sign_token(ar_inbox_internal.signing_key(pg_temp.id(company)), purpose, pg_temp.id(thread))
$$;
CREATE FUNCTION pg_temp.address(thread text) RETURNS text LANGUAGE sql AS $$
    SELECT ar_inbox_internal.tagged_address('inbox@acme.example', pg_temp.token(thread))
$$;
SELECT is(p.reply_to_addresses, ARRAY[pg_temp.address('written')], 'what is sent asks for answers to its thread''s signed address')
FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id('written mail');
SELECT is(pg_temp.receive('signed ' || how, pg_temp.mail('t' || number || '@y', 'Bob <bob@y.example>', address)), format('Acme message - open %s', number + 1), 'an answer to it: ' || how)
FROM (VALUES (1, 'as it was', pg_temp.address('written')), (2, 'in capitals', upper(pg_temp.address('written'))),
    (3, 'in both', overlay(pg_temp.address('written') PLACING upper(substr(pg_temp.token('written'), 1, 12)) FROM 7)),
    (4, 'in Cc', 'x@x.example' || E'\r\nCc: ' || pg_temp.address('written')),
    (5, 'where it was delivered', 'x@x.example' || E'\r\nDelivered-To: ' || pg_temp.address('written')),
    (6, 'behind another one of ours', 'inbox@acme.example, ' || pg_temp.address('written')),
    (7, 'behind a forged one', 'inbox+raaaaaaaaaaaaaaaaaaaaaaaaaaaaa@acme.example, ' || pg_temp.address('written')),
    (8, 'through a relay', 'x@x.example' || E'\r\nDelivered-To: prvs=1234abcdef=' || pg_temp.address('written')),
    (9, 'under an alias', replace(pg_temp.address('written'), 'inbox@', 'inbox@'))) t (number, how, address);
SELECT is(count(DISTINCT id), 1::bigint, 'all of them in that thread') FROM ids WHERE name ~ '^(written$|signed [^ ]+( [^m]| [^ ]*[^l]$)*$)' AND name !~ ' mail$';
SELECT is(pg_temp.receive('signed envelope', pg_temp.mail('t10@y', 'bob@y.example'), pg_temp.address('written')::ar_inbox.email_address), 'Acme message - open 11', 'where the mail server tells');
SELECT is(pg_temp.receive('signed first', pg_temp.mail('t11@y', 'bob@y.example', pg_temp.address('written'), more => E'In-Reply-To: <e1@x>\n')), 'Acme message - open 12', 'it goes before what is answered');
SELECT is(pg_temp.receive('signed before number', pg_temp.mail('t12@globex', 'ann@globex.example', pg_temp.address('to globex'), 'INV-00001')), 'Acme message Globex open 2', 'and before a number, for the customer''s contact');
SELECT is(pg_temp.receive('signed contact', pg_temp.mail('t13@globex', 'Ann <Ann@Globex.example>', pg_temp.address('to globex'))), 'Acme message Globex open 3', 'who was not written to');
SELECT is(pg_temp.receive('signed member', pg_temp.mail('t14@acme', 'alice@acme.example', pg_temp.address('written'))), 'Acme message - open 13', 'a member may write there');
SELECT is(pg_temp.receive('signed ' || what, pg_temp.mail('u' || number || '@y', sender, address)), wanted, 'not there: ' || what)
FROM (VALUES
    (1, 'a stranger', 'mallory@z.example', pg_temp.address('written'), 'Acme message - open 1'),
    (2, 'a member who is gone', 'gone@acme.example', pg_temp.address('written'), 'Acme message - open 1'),
    (3, 'another company''s member', 'olga@other.example', pg_temp.address('written'), 'Acme message - open 1'),
    (4, 'another customer', 'pay@initech.example', pg_temp.address('to globex'), 'Acme customer Initech open 1'),
    (5, 'somebody without an address', 'nobody', pg_temp.address('written'), 'Acme message - open 1'),
    (6, 'a token that is cut', 'bob@y.example', replace(pg_temp.address('written'), right(pg_temp.token('written'), 1) || '@', '@'), 'Acme message - open 1'),
    (7, 'a token that is changed', 'bob@y.example', overlay(pg_temp.address('written') PLACING CASE substr(pg_temp.token('written'), 20, 1) WHEN 'a' THEN 'b' ELSE 'a' END FROM 26), 'Acme message - open 1'),
    (8, 'another company''s token', 'bob@y.example', 'inbox+' || pg_temp.token('written', 'other') || '@acme.example', 'Acme message - open 1'),
    (9, 'a token for another purpose', 'bob@y.example', 'inbox+' || pg_temp.token('written', purpose => 'b') || '@acme.example', 'Acme message - open 1'),
    (10, 'a thread''s number', 'bob@y.example', 'inbox+' || pg_temp.id('written') || '@acme.example', 'Acme message - open 1'),
    (11, 'the token at another company', 'bob@y.example', 'inbox+' || pg_temp.token('written') || '@other.example', 'Other message - open 1')) t (number, what, sender, address, wanted);
SELECT is(message_count, 13, 'the thread has none of them') FROM ar_inbox.threads WHERE id = pg_temp.id('written');
SELECT is(pg_temp.receive('merged', pg_temp.mail('v1@y', 'carol@y.example')), 'Acme message - open 1', 'a thread');
DO $$ BEGIN PERFORM ar_inbox.merge_threads(pg_temp.id('written'), pg_temp.id('merged')); END $$;
SELECT is(pg_temp.receive('to merged', pg_temp.mail('v2@y', 'carol@y.example', pg_temp.address('merged'))), 'Acme message - open 15', 'that was merged into another: its address leads there');

-- what it answers, in whatever order they come
CREATE FUNCTION pg_temp.in_order(message_ids text[], answers text[], tag text, senders text[] DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    threads bigint[] := '{}';
BEGIN
    FOR i IN 1 .. cardinality(message_ids) LOOP
        PERFORM ar_inbox.receive_email(pg_temp.mail(message_ids[i] || tag || '@o', coalesce(senders[i], 'stranger@x.example'),
            more => CASE WHEN answers[i] <> '' THEN format(E'References: %s\n', (SELECT string_agg('<' || a || tag || '@o>', ' ') FROM string_to_table(answers[i], ' ') a)) ELSE '' END));
    END LOOP;
    RETURN (SELECT concat_ws(' ', count(DISTINCT e.thread_id), max(t.message_count), min(t.status::text)) FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id
        WHERE e.company_id = pg_temp.id('acme') AND e.message_id LIKE '%' || tag || '@o');
END
$$;
SELECT is(pg_temp.in_order(ARRAY[a, b, c], ARRAY[answers ->> a, answers ->> b, answers ->> c], format('-chain%s%s%s', a, b, c)), '1 3 open', format('a chain of three that comes as %s, %s, %s', a, b, c))
FROM (SELECT '{"1": "", "2": "1", "3": "1 2"}'::jsonb) j (answers), (VALUES ('1', '2', '3'), ('1', '3', '2'), ('2', '1', '3'), ('2', '3', '1'), ('3', '1', '2'), ('3', '2', '1')) o (a, b, c);
SELECT is(pg_temp.in_order(ARRAY[a, b, c], ARRAY[answers ->> a, answers ->> b, answers ->> c], format('-last%s%s%s', a, b, c)), '1 3 open', format('each naming only the one before, as %s, %s, %s', a, b, c))
FROM (SELECT '{"1": "", "2": "1", "3": "2"}'::jsonb) j (answers), (VALUES ('1', '2', '3'), ('1', '3', '2'), ('2', '1', '3'), ('2', '3', '1'), ('3', '1', '2'), ('3', '2', '1')) o (a, b, c);
SELECT is(pg_temp.in_order('{1,2}', '{0,0}', '-never'), '1 2 open', 'two answers to what never came');
SELECT is(pg_temp.in_order('{1,2,0}', '{0,0,""}', '-late'), '1 3 open', 'or comes last');
SELECT is(pg_temp.in_order('{1}', '{1}', '-self'), '1 1 open', 'a message that answers itself');
SELECT is(pg_temp.in_order('{1,2}', '{2,1}', '-cycle'), '1 2 open', 'two that answer each other');
SELECT is(pg_temp.in_order('{1,2,3}', '{"","","1 2"}', '-both'), '1 3 open', 'two threads that turn out to be one');
SELECT is(count(*), 1::bigint, 'are merged, by nobody') FROM ar_inbox.thread_merges m JOIN ar_inbox.emails e ON e.thread_id = m.into_thread_id WHERE e.message_id = '3-both@o' AND m.member_id IS NULL;
SELECT is(pg_temp.in_order('{1,2,3}', '{"","","1 2"}', '-parties', '{ann@globex.example,pay@initech.example,stranger@x.example}'), '2 3 open', 'never those of two customers');
SELECT is((SELECT count(*) FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE t.customer_id = pg_temp.id('globex') AND e.message_id = '2-parties@o'), 0::bigint, 'nor is one''s shown in the other''s');
SELECT is(pg_temp.in_order('{1,2,3}', '{"","","1 2"}', '-mixed', '{ann@globex.example,stranger@x.example,stranger@x.example}'), '2 2 open', 'nor a customer''s own with a stranger''s');
SELECT is(pg_temp.receive('index 1', pg_temp.mail('ti1@x', more => E'Thread-Index: AdwAAAABCDEFGHIJKLMNOPQRSTUV\n')), 'Acme message - open 1', 'a conversation of Outlook');
SELECT is(pg_temp.receive('index 2', pg_temp.mail('ti2@x', 'other@x.example', more => E'Thread-Index: AdwAAAABCDEFGHIJKLMNOPQRSTUVWXYZ\n')), 'Acme message - open 2', 'goes on without References');
SELECT is(pg_temp.receive('index 3', pg_temp.mail('ti3@x', more => E'Thread-Index: AdwAAAABCDEFGHIJKLMNOPQRSTUA\n')), 'Acme message - open 1', 'another one is another thread');
SELECT is(pg_temp.receive('index 4', pg_temp.mail('ti4@x', recipient => 'inbox@other.example', more => E'Thread-Index: AdwAAAABCDEFGHIJKLMNOPQRSTUV\n')), 'Other message - open 1', 'and at another company too');
SELECT is(pg_temp.receive('index 5', pg_temp.mail('ti5@x', more => E'Thread-Index: short\n')), 'Acme message - open 1', 'one too short is none');
SELECT is(pg_temp.receive('like index', pg_temp.mail('ti6@x', more => E'References: <<thread-index> AdwAAAABCDEFGHIJKLMNOPQRSTUV>\n')), 'Acme message - open 1', 'nobody gets in by a Message-ID that looks like it');
SELECT is(pg_temp.receive('subject', pg_temp.mail('sub1@x', subject => 'Re: Question')), 'Acme message - open 1', 'an equal subject is nothing');
SELECT is(pg_temp.receive('refers across', pg_temp.mail('x1@x', recipient => 'inbox@other.example', more => E'In-Reply-To: <e1@x>\n')), 'Other message - open 1', 'what another company has is not found');

-- a Message-ID that nobody holds leads nobody to another's thread
SELECT is(pg_temp.receive('mass ann', pg_temp.mail('mm1@o', 'ann@globex.example', more => E'In-Reply-To: <massmail@acme.example>\nThread-Index: AdwAAAABmassmailmassmailmass\n')), 'Acme customer Globex open 3', 'a customer answers what we do not hold');
SELECT is(pg_temp.receive('mass pay', pg_temp.mail('mm2@o', 'pay@initech.example', more => E'In-Reply-To: <massmail@acme.example>\n')), 'Acme customer Initech open 4', 'another customer''s answer to the same is that one''s');
SELECT is(pg_temp.receive('mass index', pg_temp.mail('mm3@o', 'pay@initech.example', more => E'Thread-Index: AdwAAAABmassmailmassmailmass\n')), 'Acme customer Initech open 5', 'by Outlook''s conversation, too');
SELECT is(pg_temp.receive('mass stranger', pg_temp.mail('mm4@o', 'mallory@evil.example', more => E'In-Reply-To: <massmail@acme.example>\n')), 'Acme message - open 1', 'a stranger''s is in a thread of its own');
SELECT is(pg_temp.receive('mass stranger 2', pg_temp.mail('mm5@o', 'eve@evil.example', more => E'In-Reply-To: <massmail@acme.example>\n')), 'Acme message - open 2', 'in which strangers meet');
SELECT is(pg_temp.receive('mass again', pg_temp.mail('mm6@o', 'ann@globex.example', more => E'In-Reply-To: <massmail@acme.example>\n')), 'Acme customer Globex open 4', 'and not the customer');
SELECT is(pg_temp.receive('mass number', pg_temp.mail('mm7@o', 'ann@globex.example', subject => 'INV-00001', more => E'In-Reply-To: <elsewhere@x.example>\n')), 'Acme document Globex open 1', 'a customer refers to nothing that we hold');
SELECT is(pg_temp.receive('mass number 2', pg_temp.mail('mm8@o', 'ap@globex.example', more => E'In-Reply-To: <elsewhere@x.example>\n')), 'Acme document Globex open 2', 'its own conversation goes on, whoever writes for it');
SELECT is(pg_temp.receive('own copied', pg_temp.mail('mm9@o', 'carol@new.example', more => E'In-Reply-To: <mm7@o>\n')), 'Acme document Globex open 3', 'somebody answers a message that we hold');
SELECT is(pg_temp.receive('own belongs', pg_temp.mail('mm10@o', 'carol@new.example', more => E'In-Reply-To: <elsewhere@x.example>\n')), 'Acme document Globex open 4', 'and has to do with it from then on');
SELECT is(pg_temp.receive('as ours', pg_temp.mail('mm11@o', 'inbox@acme.example', more => E'In-Reply-To: <elsewhere@x.example>\n')), 'Acme message - open 1', 'not so whoever calls himself us');

-- nor does one that is told before it comes
SELECT is(pg_temp.receive('future', pg_temp.mail('fu1@o', 'x@evil.example', more => E'In-Reply-To: <cust-future@globex>\n')), 'Acme message - open 1', 'a stranger tells what will come');
SELECT is(pg_temp.receive('future number', pg_temp.mail('cust-future@globex', 'ann@globex.example', subject => 'Question on INV-00001')), 'Acme document Globex open 5', 'the customer''s message goes where it belongs');
SELECT is(message_count, 1, 'and the stranger''s stays alone') FROM ar_inbox.threads WHERE id = pg_temp.id('future');
CALL pg_temp.keep('dora 1', ar_inbox.create_contact(pg_temp.id('globex'), 'Dora', 'dora@both.example'));
CALL pg_temp.keep('dora 2', ar_inbox.create_contact(pg_temp.id('initech'), 'Dora', 'dora@both.example'));
CALL pg_temp.keep('erik 1', ar_inbox.create_customer(pg_temp.id('acme'), 'Erik 1', email => 'erik@three.example'));
CALL pg_temp.keep('erik 2', ar_inbox.create_customer(pg_temp.id('acme'), 'Erik 2', email => 'erik@three.example'));
SELECT is(pg_temp.receive('dora', pg_temp.mail('fu2@o', 'dora@both.example', more => E'In-Reply-To: <of-many@x.example>\n')), 'Acme message - open 1', 'somebody of two customers');
SELECT is(pg_temp.receive('dora again', pg_temp.mail('fu3@o', 'dora@both.example', more => E'In-Reply-To: <of-many@x.example>\n')), 'Acme message - open 2', 'goes on');
SELECT is(pg_temp.receive('erik', pg_temp.mail('fu4@o', 'erik@three.example', more => E'In-Reply-To: <of-many@x.example>\n')), 'Acme message - open 1', 'somebody of two others does not join in');

-- who is believed to have written it
SELECT is(pg_temp.receive('by number', pg_temp.mail('n1@globex', 'ann@globex.example', subject => 'Re: inv-00001')), 'Acme document Globex open 6', 'the number of an invoice, from its customer');
SELECT is(pg_temp.receive('by customer', pg_temp.mail('n2@globex', 'ann@globex.example')), 'Acme customer Globex open 5', 'the sender''s customer');
SELECT is(pg_temp.receive('by nobody', pg_temp.mail('n3@x', subject => 'INV-00001')), 'Acme message - open 1', 'a stranger who quotes the number');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"trusted_hosts": ["mx.acme.example"]}'); END $$;
SELECT is(pg_temp.receive('dmarc ' || what, pg_temp.mail('dm' || number || '@globex', 'ann@globex.example', recipient, subject, more => more)), wanted, 'DMARC: ' || what)
FROM (VALUES
    (1, 'failed: not the customer', 'inbox@acme.example', 'x', E'Authentication-Results: mx.acme.example; dmarc=fail header.from=globex.example\n', 'Acme message - open 1'),
    (2, 'failed: not by a number', 'inbox@acme.example', 'INV-00001', E'Authentication-Results: mx.acme.example; spf=pass smtp.mailfrom=evil.example; dmarc=fail header.from=globex.example\n', 'Acme message - open 1'),
    (3, 'failed: not by a signed address', pg_temp.address('to globex'), 'x', E'Authentication-Results: mx.acme.example; dmarc=fail\n', 'Acme message - open 1'),
    (4, 'passed', 'inbox@acme.example', 'x', E'Authentication-Results: mx.acme.example; dkim=pass header.d=globex.example; dmarc=pass\n', 'Acme customer Globex open 6'),
    (5, 'another host''s word', 'inbox@acme.example', 'x', E'Authentication-Results: mx.evil.example; dmarc=fail\n', 'Acme customer Globex open 7'),
    (6, 'below a foreign Received', 'inbox@acme.example', 'x', E'Received: from a by mx.acme.example; Sat, 31 Jan 2026 10:00:00 +0100\nReceived: from b by relay.evil.example; Sat, 31 Jan 2026 10:00:00 +0100\n'
        'Authentication-Results: mx.acme.example; dmarc=fail\n', 'Acme customer Globex open 8'),
    (7, 'nothing said', 'inbox@acme.example', 'x', '', 'Acme customer Globex open 9')) t (number, what, recipient, subject, more, wanted);
SELECT is((SELECT authentication FROM ar_inbox.emails WHERE id = pg_temp.id('dmarc failed: not by a number mail')) #>> '{dmarc,result}', 'fail', 'what was found out is kept');
SELECT is((SELECT authentication FROM ar_inbox.emails WHERE id = pg_temp.id('dmarc passed mail')) #>> '{dkim,0,header.d}', 'globex.example', 'all of it');
SELECT is((SELECT array_agg(authentication IS NULL ORDER BY id) FROM ar_inbox.emails WHERE message_id IN ('dm5@globex', 'dm6@globex', 'dm7@globex')), '{t,t,t}', 'and nothing of what is not believed');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"trusted_hosts": []}'); END $$;
SELECT is(pg_temp.receive('no trust', pg_temp.mail('dm8@globex', 'ann@globex.example', more => E'Authentication-Results: mx.acme.example; dmarc=fail\n')), 'Acme customer Globex open 10', 'a company that trusts no host believes none');

-- automatic mail, and our own that comes back
SELECT is(pg_temp.receive('automatic ' || what, pg_temp.mail('au' || number || '@z', format('auto%s@z.example', number), more => more)), 'Acme message - open 1', what || ' is filed')
FROM (VALUES (1, 'an absence note', E'Auto-Submitted: auto-replied\n'), (2, 'a list', E'List-Id: <l.example>\n'), (3, 'bulk mail', E'Precedence: bulk\n'), (4, 'mail without a return path', E'Return-Path: <>\n')) t (number, what, more);
SELECT is(array_agg(automatic), '{t,t,t,t}', 'and marked') FROM ar_inbox.emails WHERE message_id LIKE 'au%@z';
CREATE FUNCTION pg_temp.own(name text) RETURNS bytea LANGUAGE sql AS $$ SELECT e.message FROM ar_inbox.emails e WHERE e.id = pg_temp.id(name || ' mail') $$;
SELECT is(ar_inbox.receive_email(pg_temp.own('written'), 'inbox@acme.example'), pg_temp.id('written mail'), 'our own mail that comes back is that mail');
SELECT is(concat_ws('|', state, reason LIKE 'a message with Message-ID <%> is here already'), 'duplicate|t', 'and a duplicate') FROM ar_inbox.inbound_messages WHERE content_hash = sha256(pg_temp.own('written'));
SELECT is(pg_temp.receive('ours', pg_temp.mail('own1@acme', 'Acme <billing@acme.example>')), 'Acme message - open 1', 'under another Message-ID it is filed');
SELECT is(pg_temp.receive('ours tagged', pg_temp.mail('own2@acme', 'inbox+x@acme.example')), 'Acme message - open 1', 'also with a tag');
SELECT is(array_agg(automatic), '{t,t}', 'as automatic') FROM ar_inbox.emails WHERE message_id LIKE 'own%@acme';
SELECT is(pg_temp.receive('their message', pg_temp.mail('own3@other', 'billing@other.example')), 'Acme message - open 1', 'another company writes to us');
SELECT ok(NOT automatic, 'as anybody does') FROM ar_inbox.emails WHERE id = pg_temp.id('their message mail');
SELECT is(pg_temp.receive('100 hops', pg_temp.mail('hops1@x', more => repeat(E'Received: from a by b; Sat, 31 Jan 2026 10:00:00 +0100\n', 100))), 'Acme message - open 1', 'a hundred servers had it');
SELECT is(pg_temp.receive('101 hops', pg_temp.mail('hops2@x', more => repeat(E'Received: from a by b; Sat, 31 Jan 2026 10:00:00 +0100\n', 101))), 'quarantine Acme', 'one more is a circle');
SELECT is(reason, 'it goes in circles: 101 mail servers have had it', 'as it says') FROM ar_inbox.inbound_messages WHERE message = pg_temp.mail('hops2@x', more => repeat(E'Received: from a by b; Sat, 31 Jan 2026 10:00:00 +0100\n', 101));

-- the same again
CREATE FUNCTION pg_temp.again(message bytea, recipient ar_inbox.email_address DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mails bigint := (SELECT count(*) FROM ar_inbox.emails);
    kept bigint := (SELECT count(*) FROM ar_inbox.inbound_messages);
    files bigint := (SELECT count(*) FROM ar_inbox.attachments);
    mail bigint := ar_inbox.receive_email(message, recipient);
BEGIN
    RETURN concat_ws(' ', (SELECT count(*) - mails FROM ar_inbox.emails), (SELECT count(*) - kept FROM ar_inbox.inbound_messages), (SELECT count(*) - files FROM ar_inbox.attachments),
        (SELECT name FROM ids WHERE id = mail AND name LIKE '% mail'));
END
$$;
SELECT is(pg_temp.again(pg_temp.mail('n2@globex', 'ann@globex.example')), '0 0 0 by customer mail', 'the same bytes');
SELECT is(pg_temp.again(pg_temp.mail('n2@globex', 'ann@globex.example'), 'inbox+x@acme.example'), '0 0 0 by customer mail', 'by whatever address');
SELECT is(pg_temp.again(pg_temp.mail('n2@globex', 'ann@globex.example', more => E'Received: by another way\n')), '0 1 0 by customer mail', 'the same Message-ID: a copy is kept');
SELECT is(pg_temp.again(pg_temp.mail('n2@globex', 'ann@globex.example', more => E'Received: by another way\n')), '0 0 0 by customer mail', 'the copy again: the message that it is one of');
SELECT is(pg_temp.again(pg_temp.mail('n2@globex', 'ann@globex.example'), 'inbox@other.example'), '1 1 0', 'to another company it is another message');
SELECT is(pg_temp.again(pg_temp.mail('hops2@x', more => repeat(E'Received: from a by b; Sat, 31 Jan 2026 10:00:00 +0100\n', 101))), '0 0 0', 'what is in quarantine, again');
SELECT is(pg_temp.again(convert_to(E'From: a@b.example\r\nTo: inbox@acme.example\r\n\r\nx', 'UTF8')), '1 1 0', 'without a Message-ID');
SELECT is(pg_temp.again(convert_to(E'From: a@b.example\r\nTo: inbox@acme.example\r\n\r\nx', 'UTF8')), '0 0 0', 'the same bytes are the same message');

-- what follows from an answer
SELECT is(pg_temp.receive('spam', pg_temp.mail('sp1@spam', 'Deal <deal@spam.example>')), 'Acme message - open 1', 'an offer');
DO $$ BEGIN PERFORM ar_inbox.mark_spam(pg_temp.id('spam')); END $$;
SELECT is(pg_temp.receive('spam again', pg_temp.mail('sp2@spam', 'DEAL@spam.example')), 'Acme message - open 1', 'its sender again');
SELECT ok(spam_at IS NOT NULL, 'goes to spam at once') FROM ar_inbox.threads WHERE id = pg_temp.id('spam again');
SELECT is(pg_temp.receive('spam elsewhere', pg_temp.mail('sp3@spam', 'deal@spam.example', 'inbox@other.example')), 'Other message - open 1', 'at another company');
SELECT ok(spam_at IS NULL, 'it does not') FROM ar_inbox.threads WHERE id = pg_temp.id('spam elsewhere');
DO $$ BEGIN PERFORM ar_inbox.mark_spam(pg_temp.id('spam'), false); END $$;
SELECT is(pg_temp.receive('no spam', pg_temp.mail('sp4@spam', 'deal@spam.example')), 'Acme message - open 1', 'the mark taken back');
SELECT ok(spam_at IS NULL, 'it is mail like any') FROM ar_inbox.threads WHERE id = pg_temp.id('no spam');
SELECT is(pg_temp.receive('spammer', pg_temp.mail('sk1@f', 'fay@later.example')), 'Acme message - open 1', 'somebody''s mail');
DO $$ BEGIN PERFORM ar_inbox.mark_spam(pg_temp.id('spammer')); END $$;
SELECT is(pg_temp.receive('spam copied', pg_temp.mail('sk2@f', 'guest@x.example', more => E'In-Reply-To: <sk1@f>\n')), 'Acme message - open 2', 'that is spam: a stranger answers it');
SELECT ok(spam_at IS NOT NULL, 'it stays') FROM ar_inbox.threads WHERE id = pg_temp.id('spammer');
SELECT is(pg_temp.receive('spam absence', pg_temp.mail('sk3@f', 'ann@globex.example', more => E'In-Reply-To: <sk1@f>\nAuto-Submitted: auto-replied\n')), 'Acme message - open 3', 'a customer''s absence note');
SELECT ok(spam_at IS NOT NULL, 'is no reason either') FROM ar_inbox.threads WHERE id = pg_temp.id('spammer');
SELECT is(pg_temp.receive('spam answered', pg_temp.mail('sk4@f', 'ann@globex.example', more => E'In-Reply-To: <sk1@f>\n')), 'Acme message - open 4', 'a customer answers it');
SELECT ok(spam_at IS NULL, 'and is seen') FROM ar_inbox.threads WHERE id = pg_temp.id('spammer');
SELECT is((SELECT string_agg(concat_ws(' ', action, before, after), ', ') FROM ar_inbox.events WHERE subject = 'thread' AND subject_id = pg_temp.id('spammer') AND action = 'not spam'), 'not spam true false', 'as an event says, once');
SELECT is(pg_temp.receive('spammer again', pg_temp.mail('sk5@f', 'fay@later.example')), 'Acme message - open 1', 'who began it writes again');
SELECT ok(spam_at IS NOT NULL, 'which is spam still') FROM ar_inbox.threads WHERE id = pg_temp.id('spammer again');
-- an address that a customer has, whose sender was marked before
SELECT is((SELECT count(*) FROM ar_inbox.spam_senders WHERE address = 'fay@later.example'), 1::bigint, 'the sender is known for it');
CALL pg_temp.keep('gina', ar_inbox.create_contact(pg_temp.id('erik 1'), 'Fay', 'FAY@later.example'));
SELECT is((SELECT count(*) FROM ar_inbox.spam_senders WHERE address = 'fay@later.example'), 0::bigint, 'until that is a contact');
INSERT INTO ar_inbox.spam_senders (company_id, address, thread_id) VALUES (pg_temp.id('acme'), 'fay@later.example', pg_temp.id('spammer')), (pg_temp.id('acme'), 'hal@later.example', pg_temp.id('spammer'));
SELECT is(pg_temp.receive('contact marked', pg_temp.mail('sk6@f', 'fay@later.example')), 'Acme customer Erik 1 open 1', 'a contact''s mail');
SELECT ok(spam_at IS NULL, 'is never spam') FROM ar_inbox.threads WHERE id = pg_temp.id('contact marked');
CALL pg_temp.keep('hal', ar_inbox.create_customer(pg_temp.id('acme'), 'Hal', email => 'hal@later.example'));
SELECT is((SELECT string_agg(address::text, ' ') FROM ar_inbox.spam_senders WHERE address IN ('fay@later.example', 'hal@later.example')), 'fay@later.example', 'nor is a customer a spammer');
SELECT is(pg_temp.receive('two customers marked', pg_temp.mail('sk7@f', 'dora@both.example')), 'Acme message - open 1', 'somebody of two customers');
INSERT INTO ar_inbox.spam_senders (company_id, address, thread_id) VALUES (pg_temp.id('acme'), 'dora@both.example', pg_temp.id('spammer'));
SELECT is(pg_temp.receive('two customers again', pg_temp.mail('sk8@f', 'dora@both.example')), 'Acme message - open 1', 'marked once');
SELECT ok(spam_at IS NULL, 'is in the inbox') FROM ar_inbox.threads WHERE id = pg_temp.id('two customers again');
-- what a customer's thread has of spam
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s)', pg_temp.id('to globex'))), format('IB002 thread %s is the conversation about an invoice or a customer', pg_temp.id('to globex')), 'a message''s thread with a customer is no spam');
CALL pg_temp.keep('their part', ar_inbox.split_thread(pg_temp.id('signed contact mail')));
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s)', pg_temp.id('their part'))), format('IB002 thread %s is the conversation about an invoice or a customer', pg_temp.id('their part')), 'nor what the customer wrote, split off');
SELECT is(pg_temp.receive('with globex', pg_temp.mail('sk9@f', 'ivy@spam.example', more => E'In-Reply-To: <t12@globex>\n')), 'Acme message Globex open 3', 'a stranger gets into it');
CALL pg_temp.keep('ivys part', ar_inbox.split_thread(pg_temp.id('with globex mail')));
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s)', pg_temp.id('ivys part'))), 'accepted', 'what that one wrote is, split off');
DO $$ BEGIN
    PERFORM ar_inbox.snooze_thread(pg_temp.id('written'), now() + interval '1 day');
    PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"automatic_mail_opens_threads": false}');
END $$;
CALL pg_temp.keep('later', ar_inbox.send_email(pg_temp.id('acme'), '{bob@y.example}', 'Reminder', 'x', thread_id => pg_temp.id('written'), send_at => now() + interval '2 days'));
CALL pg_temp.keep('later anyway', ar_inbox.send_email(pg_temp.id('acme'), '{bob@y.example}', 'Reminder', 'x', thread_id => pg_temp.id('written'), send_at => now() + interval '2 days', cancel_on_answer => false));
CREATE FUNCTION pg_temp.waits() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', t.status, t.snoozed_until IS NOT NULL, (SELECT string_agg(d.state::text, ' ' ORDER BY d.id) FROM ar_inbox.deliveries d WHERE d.email_id IN (pg_temp.id('later'), pg_temp.id('later anyway'))))
    FROM ar_inbox.threads t WHERE t.id = pg_temp.id('written')
$$;
SELECT is(pg_temp.waits(), 'pending t queued queued', 'a thread that sleeps, with messages for later');
SELECT is(pg_temp.receive('absence', pg_temp.mail('ab1@y', 'bob@y.example', pg_temp.address('written'), more => E'Auto-Submitted: auto-replied\n')), 'Acme message - pending 18', 'an absence note');
SELECT is(pg_temp.waits(), 'pending t queued queued', 'wakes nothing and cancels nothing');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"automatic_mail_opens_threads": true}'); END $$;
SELECT is(pg_temp.receive('absence 2', pg_temp.mail('ab2@y', 'bob@y.example', pg_temp.address('written'), more => E'Auto-Submitted: auto-replied\n')), 'Acme message - open 19', 'one that opens the thread');
SELECT is(pg_temp.waits(), 'open f queued queued', 'still does not count as an answer');
SELECT is(pg_temp.receive('answer', pg_temp.mail('ab3@y', 'bob@y.example', pg_temp.address('written'))), 'Acme message - open 20', 'an answer');
SELECT is(pg_temp.waits(), 'open f cancelled queued', 'cancels what was not to leave after one');
SELECT is((SELECT reason FROM ar_inbox.deliveries WHERE email_id = pg_temp.id('later')), 'the customer answered first', 'and says so');

-- what is kept of a message
SELECT is(pg_temp.receive('quoting', pg_temp.mail('q1@y', 'bob@y.example', pg_temp.address('written'), subject => 'Re: Hello', body => E'Paid today.\r\n\r\nOn Fri, 30 Jan 2026 at 10:00, Acme <inbox@acme.example> wrote:\r\n> Please pay.\r\n')),
    'Acme message - open 21', 'an answer that quotes');
SELECT is(rtrim(left(body_text, new_text_length), E'\n'), 'Paid today.', 'what is new in it') FROM ar_inbox.emails WHERE id = pg_temp.id('quoting mail');
SELECT is(new_text_length, NULL, 'all of it where nothing is quoted') FROM ar_inbox.emails WHERE id = pg_temp.id('answer mail');
SELECT is(pg_temp.receive('files', pg_temp.mail('a1@x', more => E'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n', body => concat(
    E'--b\r\nContent-Type: text/html\r\n\r\n<p onclick="x()">See <img src="cid:logo@x"></p>\r\n',
    E'--b\r\nContent-Type: application/octet-stream; name="../../etc/logo"\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\r\n',
    E'--b\r\nContent-Type: image/png; name="invoice.png"\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.4\r\n%\r\n1 0 obj\r\n',
    E'--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''''Aufstellung%20M%C3%A4rz.csv\r\n\r\na,b\r\n1,2\r\n',
    E'--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n',
    E'--b\r\nContent-Type: application/x-unknown\r\n\r\n\r\n--b--\r\n'))), 'Acme message - open 1', 'attachments of all kinds');
SELECT results_eq($$SELECT concat_ws('|', a.position, f.name, f.type, a.is_inline, a.content_id) FROM ar_inbox.attachments a JOIN ar_inbox.files f ON f.id = a.file_id
        WHERE a.email_id = pg_temp.id('files mail') ORDER BY a.position$$,
    ARRAY['1|logo|image/png|t|logo@x', '2|invoice.png|application/pdf|f', '3|Aufstellung März.csv|text/csv|f', '4|attachment|message/rfc822|f', '5|attachment|application/octet-stream|f'],
    'have safe names, and types by their content');
SELECT is(concat_ws('|', html IS NULL, pending), 't|t', 'HTML is made safe later') FROM ar_inbox.email_html WHERE email_id = pg_temp.id('files mail');
SELECT is(rtrim(ar_inbox.email_html(pg_temp.id('files mail')), E'\n'), '<p>See <img src="cid:logo@x"></p>', 'or when it is asked for');
SELECT is(ar_inbox_internal.make_html_safe(1000) > 0, true, 'the worker''s part');
SELECT is(concat_ws('|', rtrim(html, E'\n'), pending), '<p>See <img src="cid:logo@x"></p>|f', 'is the same') FROM ar_inbox.email_html WHERE email_id = pg_temp.id('files mail');
SELECT is((SELECT count(*) FROM ar_inbox.email_html WHERE email_id = pg_temp.id('answer mail')), 0::bigint, 'text has none');
SELECT is(p.body_text, e.body_text, 'the text that HTML alone gives') FROM ar_inbox.emails e, ar_inbox.inbound_messages m, ar_inbox_internal.parse_message(m.message) p WHERE e.id = pg_temp.id('files mail') AND m.id = e.inbound_message_id;

-- quarantine, and again
CREATE FUNCTION pg_temp.inbound(message bytea) RETURNS bigint LANGUAGE sql AS $$
    SELECT m.id FROM ar_inbox.inbound_messages m WHERE m.content_hash = sha256(inbound.message) ORDER BY m.id LIMIT 1
$$;
CREATE FUNCTION pg_temp.became(message bytea) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', coalesce(c.name, '-'), m.state, t.status, t.message_count, m.message = became.message), ', ' ORDER BY m.id)
    FROM ar_inbox.inbound_messages m LEFT JOIN ar_inbox.companies c ON c.id = m.company_id
    LEFT JOIN ar_inbox.emails e ON e.inbound_message_id = m.id AND e.company_id = m.company_id LEFT JOIN ar_inbox.threads t ON t.id = e.thread_id
    WHERE m.content_hash = sha256(became.message)
$$;
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"max_message_size": 500}'); END $$;
SELECT is(pg_temp.receive('large', pg_temp.mail('l1@globex', 'ann@globex.example', body => repeat('x', 500))), 'quarantine Acme', 'over the limit');
SELECT is(reason, format('%s bytes are more than the limit of 500 (max_message_size)', size), 'as it says') FROM ar_inbox.inbound_messages WHERE id = pg_temp.inbound(pg_temp.mail('l1@globex', 'ann@globex.example', body => repeat('x', 500)));
SELECT is(ar_inbox.reprocess(pg_temp.inbound(pg_temp.mail('l1@globex', 'ann@globex.example', body => repeat('x', 500)))), 0::bigint, 'run again, it stays');
SET LOCAL ROLE ar_test_alice;
DO $$ BEGIN PERFORM ar_inbox.change_settings(company_id, '{"max_message_size": 26214400}') FROM ar_inbox.members WHERE role = 'ar_test_alice'; END $$;
RESET ROLE;
DO $$ BEGIN PERFORM ar_inbox.set_thread_status(pg_temp.id('by customer'), 'closed'); END $$;
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
CALL pg_temp.keep('large one', pg_temp.inbound(pg_temp.mail('l1@globex', 'ann@globex.example', body => repeat('x', 500))));
CREATE FUNCTION pg_temp.as_role(who name, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    BEGIN
        EXECUTE statement INTO answer;
    EXCEPTION WHEN OTHERS THEN
        answer := sqlstate || ' ' || sqlerrm;
    END;
    RESET ROLE;
    RETURN answer;
END
$$;
SELECT is(pg_temp.as_role('ar_test_victor', format('SELECT ar_inbox.reprocess(%s)', pg_temp.id('large one'))), format('42501 permission "manage" is needed in company %s', pg_temp.id('acme')), 'who may not manage may not run it again');
SELECT is(pg_temp.as_role('ar_test_olga', format('SELECT ar_inbox.reprocess(%s)', pg_temp.id('large one'))), format('IB001 incoming message %s does not exist', pg_temp.id('large one')), 'another company''s manager does not even see it');
SELECT is(pg_temp.as_role('ar_test_olga', 'SELECT ar_inbox.reprocess()'), '0', 'and runs none of it');
SELECT is(pg_temp.became(pg_temp.mail('l1@globex', 'ann@globex.example', body => repeat('x', 500))), 'Acme quarantine t', 'it is where it was');
SELECT is(pg_temp.as_role('ar_test_alice', format('SELECT ar_inbox.reprocess(%s)', pg_temp.id('large one'))), '1', 'a manager runs it again under the new limit');
SELECT is(pg_temp.became(pg_temp.mail('l1@globex', 'ann@globex.example', body => repeat('x', 500))), 'Acme filed open 11 t', 'it is filed and opens its thread');
SELECT is(reason, NULL, 'and has no reason any more') FROM ar_inbox.inbound_messages WHERE id = pg_temp.id('large one');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.reprocess(%s)', pg_temp.id('large one'))), format('IB002 incoming message %s is filed', pg_temp.id('large one')), 'once');
SELECT is(pg_temp.refusal('SELECT ar_inbox.reprocess(-1)'), 'IB001 incoming message -1 does not exist', 'what is not there');
DO $$ BEGIN PERFORM ar_inbox_internal.store_fetched(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.id('acme'), 'INBOX', 7, 13, 99999999, NULL, 'too large'); END $$;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.reprocess(%s)', id)), format('IB002 incoming message %s was not fetched: it is still in its mailbox (INBOX, UID 13): too large', id), 'what was never fetched')
FROM ar_inbox.inbound_messages WHERE message IS NULL;
SELECT is(pg_temp.became(pg_temp.mail('e6@x', recipient => 'accounts@acme.example')), '- quarantine t', 'what was nobody''s');
SELECT is(pg_temp.as_role('ar_test_alice', format('SELECT ar_inbox.reprocess(%s)', pg_temp.inbound(pg_temp.mail('e6@x', recipient => 'accounts@acme.example')))),
    format('IB001 incoming message %s does not exist', pg_temp.inbound(pg_temp.mail('e6@x', recipient => 'accounts@acme.example'))), 'is not for members');
DO $$ BEGIN PERFORM ar_inbox.add_company_address(pg_temp.id('acme'), 'accounts@acme.example'); END $$;
-- the one meanwhile comes to its company by another way, the other has become a copy
SELECT is(pg_temp.again(pg_temp.mail('e10@x', recipient => 'accounts@acme.example')), '1 1 0', 'the same bytes come again, by an address that is known now');
CALL pg_temp.keep('lost', ar_inbox.receive_email(pg_temp.mail('copy@x')));
SELECT is(pg_temp.receive('lost copy', pg_temp.mail('copy@x', recipient => 'accounts@nowhere.example')), 'quarantine -', 'a message that is here, under another address');
DO $$ BEGIN PERFORM ar_inbox.add_company_address(pg_temp.id('acme'), 'accounts@nowhere.example'); END $$;
SELECT is(ar_inbox.reprocess(), 3::bigint, 'an administrator runs all of it');
SELECT is(pg_temp.became(pg_temp.mail('e6@x', recipient => 'accounts@acme.example')), 'Acme filed open 1 t', 'what was nobody''s is filed');
SELECT is(pg_temp.became(pg_temp.mail('e10@x', recipient => 'accounts@acme.example')), 'Acme filed open 1 t', 'what is known by its bytes is there once');
SELECT is(pg_temp.became(pg_temp.mail('copy@x', recipient => 'accounts@nowhere.example')), 'Acme duplicate t', 'what is known by its Message-ID is a copy');
SELECT is(ar_inbox.reprocess(), 0::bigint, 'again: nothing is left but what has to be');
SELECT is((SELECT string_agg(DISTINCT regexp_replace(reason, '[0-9]+', 'N'), '; ') FROM ar_inbox.inbound_messages WHERE state = 'quarantine'),
    'it goes in circles: N mail servers have had it; it is addressed to several companies, and nothing says to which of them it was delivered; it is still in its mailbox (INBOX, UID N): too large', 'with its reason');

-- the return address, which is for automatic answers
CREATE FUNCTION pg_temp.return_path(sent text) RETURNS text LANGUAGE sql AS $$ 
    SELECT ar_inbox_internal.tagged_address('inbox@acme.example', ar_inbox_internal.sign_token(ar_inbox_internal.signing_key(d.company_id), 'b', d.id))
    FROM ar_inbox.deliveries d WHERE d.email_id = pg_temp.id(sent || ' mail')
$$;
SELECT is(pg_temp.send('returning', 'ap@globex.example', 'globex'), 'message closed 1', 'another message to the customer');
SELECT is(pg_temp.receive('returned ' || what, pg_temp.mail('rp' || number || '@y', sender, pg_temp.return_path('returning'), more => more)), wanted, 'to its return address: ' || what)
FROM (VALUES
    (1, 'an absence note', 'ann@globex.example', E'Auto-Submitted: auto-replied\n', 'Acme message Globex open 2'),
    (2, 'an answer', 'ap@globex.example', '', 'Acme message Globex open 3'),
    (3, 'a stranger''s', 'mallory@z.example', '', 'Acme message - open 1'),
    (4, 'another customer''s', 'pay@initech.example', E'Auto-Submitted: auto-replied\n', 'Acme customer Initech open 6'),
    (5, 'a stranger''s, without a return path', 'forwarded@z.example', E'Return-Path: <>\n', 'Acme message Globex open 4'),
    (6, 'one with a return path', 'mallory@z.example', E'Return-Path: <mallory@z.example>\nAuto-Submitted: auto-replied\n', 'Acme message - open 1')) t (number, what, sender, more, wanted);
SELECT is(pg_temp.receive('returned across', pg_temp.mail('rp7@y', 'ap@globex.example', replace(pg_temp.return_path('returning'), 'acme', 'other'))), 'Other customer Globex at theirs open 1', 'not at another company');
SELECT is(pg_temp.receive('returned forged', pg_temp.mail('rp8@y', 'ap@globex.example', overlay(pg_temp.return_path('returning') PLACING CASE substr(pg_temp.return_path('returning'), 26, 1) WHEN 'a' THEN 'b' ELSE 'a' END FROM 26))), 'Acme customer Globex open 12', 'nor if it is changed');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"trusted_hosts": ["mx.acme.example"]}'); END $$;
SELECT is(pg_temp.receive('returned not believed', pg_temp.mail('rp9@y', 'ap@globex.example', pg_temp.return_path('returning'), more => E'Authentication-Results: mx.acme.example; dmarc=fail\n')), 'Acme message - open 1', 'nor from whoever is shown not to be the sender');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"trusted_hosts": []}'); END $$;

-- a relay gave the message another Message-ID: the name under which it took it
SELECT is(pg_temp.send('relayed', 'bob@y.example') || ', ' || pg_temp.send('shortly', 'bob@y.example'), 'message closed 1, message closed 1', 'two messages that go through relays');
UPDATE ar_inbox.deliveries SET queue_id = '0102018f-abc-000000' WHERE email_id = pg_temp.id('relayed mail');
UPDATE ar_inbox.deliveries SET queue_id = '4ABC123' WHERE email_id = pg_temp.id('shortly mail');
SELECT is(pg_temp.receive('relayed ' || what, pg_temp.mail('ry' || number || '@y', 'carol@elsewhere.example', recipient, more => more)), wanted, 'an answer by that name: ' || what)
FROM (VALUES
    (1, 'from another address', 'inbox@acme.example', E'In-Reply-To: <0102018f-abc-000000@eu-west-1.amazonses.com>\n', 'Acme message - open 2'),
    (2, 'among References', 'inbox@acme.example', E'References: <0102018f-abc-000000@eu-west-1.amazonses.com> <elsewhere@y.example>\n', 'Acme message - open 3'),
    (3, 'at another company', 'inbox@other.example', E'In-Reply-To: <0102018f-abc-000000@eu-west-1.amazonses.com>\n', 'Other message - open 1'),
    (4, 'another one', 'inbox@acme.example', E'In-Reply-To: <0102018f-abc-000001@eu-west-1.amazonses.com>\n', 'Acme message - open 1'),
    (5, 'one that is short', 'inbox@acme.example', E'In-Reply-To: <4ABC123@relay.example>\n', 'Acme message - open 1')) t (number, what, recipient, more, wanted);
SELECT is(count(*), 0::bigint, 'which is not missing') FROM ar_inbox.missing_references WHERE company_id = pg_temp.id('acme') AND message_id = '0102018f-abc-000000@eu-west-1.amazonses.com';

-- what is quoted is found where it was said, or where it is quoted if that never came
CREATE FUNCTION pg_temp.quoting(number integer, about text, quoted text) RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_temp.mail('qu' || number || '@globex', 'ann@globex.example', body => format(E'Good news.\r\n\r\nOn Fri, 30 Jan 2026 at 10:00, Zoe <zoe@z.example> wrote:\r\n> The %s is here.\r\n', quoted), more => 'In-Reply-To: <' || about || E'>\n')
$$;
CREATE FUNCTION pg_temp.found(word text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(i.name, ', ') FROM ar_inbox.search_threads(word, pg_temp.id('acme')) f JOIN ids i ON i.id = f.email_id AND i.name LIKE '% mail' $$;
SELECT is(pg_temp.receive('quotes', pg_temp.quoting(1, 'never@z.example', 'zebrafish')), 'Acme customer Globex open 13', 'a customer quotes what never came');
SELECT is(pg_temp.receive('quoted', pg_temp.mail('qu2@z', 'zoe@z.example', body => 'The okapi is here.')), 'Acme message - open 1', 'what came');
SELECT is(pg_temp.receive('quotes it', pg_temp.quoting(3, 'qu2@z', 'okapi')), 'Acme message - open 2', 'and is quoted');
SELECT is(new_text_length, 12, 'the quotation is known as one') FROM ar_inbox.emails WHERE id = pg_temp.id('quotes mail');
SELECT is(pg_temp.found('zebrafish') || ', ' || pg_temp.found('okapi'), 'quotes mail, quoted mail', 'each is found where it is');
DO $$ BEGIN PERFORM ar_inbox_internal.reindex_company(pg_temp.id('acme')); END $$;
SELECT is(pg_temp.found('zebrafish') || ', ' || pg_temp.found('okapi'), 'quotes mail, quoted mail', 'also when the index was made again');

-- a customer's message that names an invoice, and what answers it, in whatever order
CREATE FUNCTION pg_temp.order_of(name text, steps text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    customer bigint := ar_inbox.create_customer(pg_temp.id('acme'), name, email => (name || '@order.example')::ar_inbox.email_address);
    bill bigint := ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]', number => 'ORD-' || name);
    sender text := name || '@order.example';
    step text;
    mail bigint;
BEGIN
    PERFORM ar_inbox.issue_invoice(bill);
    FOREACH step IN ARRAY steps LOOP
        IF step = 'ours' THEN
            PERFORM ar_inbox.reply((SELECT e.thread_id FROM ar_inbox.emails e WHERE e.message_id = 'R-' || name || '@o'), 'Thank you.');
        ELSE
            mail := ar_inbox.receive_email(pg_temp.mail(step || '-' || name || '@o', sender,
                CASE step WHEN 'T' THEN (SELECT ar_inbox_internal.tagged_address('inbox@acme.example', ar_inbox_internal.sign_token(ar_inbox_internal.signing_key(t.company_id), 'r', t.id))
                    FROM ar_inbox.threads t WHERE t.customer_id = customer AND t.topic = 'customer') ELSE 'inbox@acme.example' END,
                CASE step WHEN 'M' THEN 'dispute ORD-' || name WHEN 'N' THEN 'dispute ORD-' || name ELSE 'It' END,
                more => CASE step WHEN 'R' THEN format(E'In-Reply-To: <M-%s@o>\n', name) WHEN 'T' THEN format(E'In-Reply-To: <M-%s@o>\n', name)
                    WHEN 'S' THEN format(E'In-Reply-To: <R-%s@o>\n', name) WHEN 'P' THEN format(E'In-Reply-To: <M-%s@o>\n', name) WHEN 'V' THEN format(E'In-Reply-To: <P-%s@o>\n', name) WHEN 'N' THEN format(E'In-Reply-To: <X-%s@o>\n', name) WHEN 'Q' THEN format(E'In-Reply-To: <X-%s@o>\n', name) ELSE '' END));
        END IF;
    END LOOP;
    RETURN (SELECT string_agg(concat_ws(' ', t.topic, t.status, t.message_count, CASE WHEN t.last_email_id = (SELECT max(e.id) FROM ar_inbox.emails e WHERE e.thread_id = t.id) THEN 'last' END,
            (SELECT '(' || string_agg(CASE e.direction WHEN 'outgoing' THEN 'ours' ELSE left(e.message_id, 1) END, ' ' ORDER BY e.direction, left(e.message_id, 1)) || ')' FROM ar_inbox.emails e WHERE e.thread_id = t.id)), '; ' ORDER BY t.topic DESC)
        FROM ar_inbox.threads t WHERE t.customer_id = customer);
END
$$;
SELECT is(pg_temp.order_of(name, steps), wanted, format('%s arrive: %s', steps, what))
FROM (VALUES
    ('a', '{M,R}'::text[], 'document open 2 last (M R)', 'the invoice''s conversation'),
    ('b', '{R,M}', 'document open 2 last (M R); customer closed 0', 'the same, and nothing is left to be open'),
    ('c', '{A,M,R,S}', 'document open 3 last (M R S); customer open 1 last (A)', 'beside another one'),
    ('d', '{A,R,S,M}', 'document open 3 last (M R S); customer open 1 last (A)', 'with what answers the answer'),
    ('e', '{R,M,S}', 'document open 3 last (M R S); customer closed 0', 'or comes to it later'),
    ('f', '{R,ours,M}', 'document open 1 last (M); customer open 2 last (R ours)', 'what we have answered stays where that was'),
    ('g', '{A,T,M}', 'document open 1 last (M); customer open 2 last (A T)', 'what was written to a signed address, too'),
    ('h', '{Q,N}', 'customer open 2 last (N Q)', 'two that answer what is not there are together'),
    ('j', '{M,V,P}', 'document open 3 last (M P V); customer closed 0', 'so too where the one waited for is there as an answer'),
    ('i', '{R,A}', 'customer open 2 last (A R)', 'without the number it is the customer''s')) t (name, steps, wanted, what);
SELECT is((SELECT string_agg(action, ', ' ORDER BY v.id) FROM ar_inbox.events v JOIN ar_inbox.threads t ON v.subject = 'thread' AND v.subject_id = t.id JOIN ar_inbox.customers c ON c.id = t.customer_id WHERE c.name = 'b' AND c.company_id = pg_temp.id('acme')), 'moved away, moved', 'that it was moved is written down');

-- who may hand mail in
SELECT is(pg_temp.as_role('ar_test_alice', 'SELECT ar_inbox.receive_email(''x'')'), '42501 permission denied for function receive_email', 'a member may not');
GRANT USAGE ON SCHEMA ar_inbox TO ar_test_robot;
GRANT EXECUTE ON FUNCTION ar_inbox.receive_email(bytea, ar_inbox.email_address) TO ar_test_robot;
SELECT matches(pg_temp.as_role('ar_test_robot', format('SELECT ar_inbox.receive_email(%L::bytea)', pg_temp.mail('robot@x'))), '^[0-9]+$', 'whoever is granted it may');
SELECT is(pg_temp.as_role('ar_test_robot', 'SELECT count(*) FROM ar_inbox.emails'), '42501 permission denied for table emails', 'and reads nothing by that');

-- what cannot be read here says so
CREATE FUNCTION pg_temp.shown(name text, message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    thread bigint;
    shown jsonb;
BEGIN
    PERFORM pg_temp.receive(name, message);
    thread := pg_temp.id(name);
    shown := ar_inbox.thread(thread) #> '{messages,0}';
    RETURN concat_ws('|', coalesce(shown ->> 'protection', '-'), btrim(shown ->> 'text', E' \n'), shown -> 'new_text' = shown -> 'text',
        (SELECT string_agg(a ->> 'name', ',') FROM jsonb_array_elements(shown -> 'attachments') a),
        (SELECT f.preview = left(btrim(shown ->> 'text', E' \n'), 160) FROM ar_inbox.folder('open', pg_temp.id('acme'), max_rows => 1) f WHERE f.thread_id = thread));
END
$$;
SELECT is(pg_temp.shown(what, pg_temp.mail(what || '@x', body => body, more => more)), wanted, what)
FROM (VALUES
    ('S/MIME', E'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n', 'MIAGCSqGSIb3DQEHA6CAMIAC',
        'smime|[This message is encrypted or signed with S/MIME and cannot be read here. What came is attached: open it with a mail program that has the key.]|t|smime.p7m|t'),
    ('S/MIME by its name', E'Content-Type: application/octet-stream; name=SMIME.P7M\nContent-Transfer-Encoding: base64\n', 'MIAGCSqGSIb3DQEHA6CAMIAC',
        'smime|[This message is encrypted or signed with S/MIME and cannot be read here. What came is attached: open it with a mail program that has the key.]|t|SMIME.P7M|t'),
    ('OpenPGP', E'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n',
        E'--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\n--b--\r\n',
        'openpgp|[This message is encrypted with OpenPGP and cannot be read here. What came is attached: open it with a mail program that has the key.]|t|attachment,encrypted.asc|t'),
    ('a text beside it', E'Content-Type: multipart/mixed; boundary=b\n',
        E'--b\r\n\r\nSee there.\r\n--b\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nx\r\n--b--\r\n', 'smime|See there.|t|smime.p7m|t'),
    ('certificates', E'Content-Type: application/pkcs7-mime; smime-type=certs-only; name=smime.p7c\n', 'x', '-||t|smime.p7c|t'),
    ('signed, to be read', E'Content-Type: multipart/signed; boundary=b\n',
        E'--b\r\n\r\nHello.\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx\r\n--b--\r\n', '-|Hello.|t|smime.p7s|t'),
    ('nothing at all', '', '', '-||t|t')) m (what, more, body, wanted);

-- all in all
SELECT is((SELECT count(*) FROM ar_inbox.threads t WHERE t.message_count <> (SELECT count(*) FROM ar_inbox.emails e WHERE e.thread_id = t.id)), 0::bigint, 'each thread counts its messages');
SELECT is((SELECT count(*) FROM ar_inbox.inbound_messages m WHERE m.state = 'filed' AND NOT EXISTS (SELECT FROM ar_inbox.emails e WHERE e.inbound_message_id = m.id)), 0::bigint, 'what is filed has its email');

SELECT finish();
ROLLBACK;
