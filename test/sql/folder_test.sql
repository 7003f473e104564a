\set ECHO none
-- Reading the inbox: folders and their pages, a conversation as one object, a
-- customer's recent messages, the HTML of messages, files; and for whom.
\i test/lib/pgtap.sql
SELECT plan(116);

-- What a statement is refused with, and the hint.
CREATE FUNCTION pg_temp.refusal_and_hint(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    hint text;
    code text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT, code = RETURNED_SQLSTATE;
    RETURN code || ' ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '; ' || hint END;
END
$$;

CREATE ROLE ar_test_viewer LOGIN;
CREATE ROLE ar_test_both LOGIN;
CREATE ROLE ar_test_rival LOGIN;
CREATE ROLE ar_test_web LOGIN IN ROLE ar_inbox_front_end;
CREATE ROLE ar_test_blind LOGIN;
CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('rival', ar_inbox.create_company('Rival'));
CALL pg_temp.keep('quiet', ar_inbox.create_company('Quiet'));
CALL pg_temp.keep('vera', ar_inbox.create_member(pg_temp.id('acme'), 'Vera', 'vera@acme.example', 'ar_test_viewer', '{view}'));
CALL pg_temp.keep('both acme', ar_inbox.create_member(pg_temp.id('acme'), 'Both', 'both@acme.example', 'ar_test_both', '{view,send}'));
CALL pg_temp.keep('both rival', ar_inbox.create_member(pg_temp.id('rival'), 'Both', 'both@rival.example', 'ar_test_both', '{view}'));
CALL pg_temp.keep('olga', ar_inbox.create_member(pg_temp.id('rival'), 'Olga', 'olga@rival.example', 'ar_test_rival'));
CALL pg_temp.keep('web', ar_inbox.create_member(pg_temp.id('acme'), 'Web', 'web@acme.example', permissions => '{view}'));
CALL pg_temp.keep('blind', ar_inbox.create_member(pg_temp.id('acme'), 'Blind', 'blind@acme.example', 'ar_test_blind', '{view}'));
UPDATE ar_inbox.members SET permissions = '{}' WHERE id = pg_temp.id('blind');
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id(c), ('billing@' || c || '.example')::ar_inbox.email_address, 'smtp://mail.example')
    FROM unnest(ARRAY['acme', 'rival']) c;
END $$;
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', 'C-1'));
CALL pg_temp.keep('initech', ar_inbox.create_customer(pg_temp.id('acme'), 'Initech', 'C-2'));
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('rival'), 'Globex at theirs', 'C-1'));
CALL pg_temp.keep('bill', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', '2026-01-10', '2026-02-09', 'INV-7'));
CALL pg_temp.keep('other bill', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 5}]', '2026-01-10', '2026-02-09'));
DO $$ BEGIN PERFORM ar_inbox.issue_invoice(pg_temp.id('bill')); END $$;

-- A message of March 2026, in the thread of that name, which it makes.
CREATE PROCEDURE pg_temp.message(name text, thread text, company text, way ar_inbox.direction, at text, body text DEFAULT 'Hello.',
    customer text DEFAULT NULL, invoice text DEFAULT NULL, topic text DEFAULT 'message', new_text_length integer DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    thread_id bigint := (SELECT i.id FROM ids i WHERE i.name = thread);
    moment timestamptz := CASE WHEN length(at) < 10 THEN '2026-03-' || at ELSE at END;
BEGIN
    IF thread_id IS NULL THEN
        INSERT INTO ar_inbox.threads (company_id, topic, customer_id, invoice_id, subject, created_at)
        VALUES (pg_temp.id(company), topic, (SELECT i.id FROM ids i WHERE i.name = customer), (SELECT i.id FROM ids i WHERE i.name = invoice), thread, '2026-01-01')
        RETURNING id INTO thread_id;
        CALL pg_temp.keep(thread, thread_id);
    END IF;
    WITH made AS (
        INSERT INTO ar_inbox.emails (company_id, thread_id, direction, message_id, subject, from_name, from_address, body_text, new_text_length, sent_at, occurred_at, message)
        VALUES (pg_temp.id(company), thread_id, way, name || '@x.example', 'about ' || name, CASE way WHEN 'incoming' THEN 'Ann' ELSE '' END,
            CASE way WHEN 'incoming' THEN 'ann@globex.example' ELSE 'billing@' || company || '.example' END::ar_inbox.email_address,
            body, new_text_length, moment - interval '1 hour', moment, CASE way WHEN 'outgoing' THEN 'bytes'::bytea END)
        RETURNING id)
    INSERT INTO ids SELECT name, id FROM made;
END
$$;
CALL pg_temp.message('m1', 'one', 'acme', 'incoming', '01 10:00', customer => 'globex', topic => 'customer');
CALL pg_temp.message('m2', 'two', 'acme', 'incoming', '02 10:00');
CALL pg_temp.message('m3', 'three', 'acme', 'outgoing', '03 10:00');
CALL pg_temp.message('m4', 'four', 'acme', 'incoming', '04 10:00');
CALL pg_temp.message('m5', 'five', 'acme', 'incoming', '05 10:00');
CALL pg_temp.message('m6', 'six', 'acme', 'incoming', '06 10:00');
CALL pg_temp.message('m7', 'seven', 'acme', 'incoming', '07 10:00');
CALL pg_temp.message('r1', 'theirs one', 'rival', 'incoming', '02 12:00');
CALL pg_temp.message('r2', 'theirs two', 'rival', 'outgoing', '05 12:00');
-- an answer that is dated after what has come since
CALL pg_temp.message('m8', 'one', 'acme', 'outgoing', '02 11:00');
CALL pg_temp.message('m9', 'one', 'acme', 'incoming', '01 09:00');
UPDATE ar_inbox.threads SET status = 'pending', snoozed_until = '2027-01-01' WHERE id = pg_temp.id('two');
UPDATE ar_inbox.threads SET status = 'pending' WHERE id = pg_temp.id('four');
UPDATE ar_inbox.threads SET status = 'closed' WHERE id = pg_temp.id('five');
UPDATE ar_inbox.threads SET status = 'closed', spam_at = now() WHERE id = pg_temp.id('six');
UPDATE ar_inbox.threads SET status = 'closed', merged_into_id = pg_temp.id('four') WHERE id = pg_temp.id('seven');
INSERT INTO ar_inbox.thread_merges (company_id, into_thread_id, from_thread_id, member_id, from_status, email_ids, note_ids, merged_at)
VALUES (pg_temp.id('acme'), pg_temp.id('four'), pg_temp.id('seven'), pg_temp.id('vera'), 'open', '{}', '{}', '2026-03-08');
INSERT INTO ar_inbox.threads (company_id, topic, subject, status) VALUES (pg_temp.id('acme'), 'message', 'empty', 'open');

CREATE FUNCTION pg_temp.list(name text, company text DEFAULT NULL, before timestamptz DEFAULT NULL, max_rows integer DEFAULT 50) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(f.subject, ', ' ORDER BY place), 'nothing')
    FROM ROWS FROM (ar_inbox.folder(name, CASE WHEN company IS NOT NULL THEN pg_temp.id(company) END, before, max_rows)) WITH ORDINALITY
        f (thread_id, company_id, company, email_id, at, subject, thread_subject, customer_id, customer, invoice_id, document, status, snoozed_until, assignee_id,
            assignee, message_count, direction, kind, automatic, sender, recipients, preview, has_attachments, state, reason, opened_at, opened_reliably, place)
$$;
-- All pages, one below the other, by the moment and the id of each page's last
-- row, or by its moment alone.
CREATE FUNCTION pg_temp.pages(folder text, max_rows integer, company bigint DEFAULT NULL, by_moment boolean DEFAULT false,
    OUT subjects text, OUT rows text, OUT different bigint) LANGUAGE plpgsql AS $$
DECLARE
    earlier_than timestamptz;
    below bigint;
    seen text[] := '{}';
    counts text[] := '{}';
    ids bigint[] := '{}';
    page record;
BEGIN
    LOOP
        SELECT string_agg(f.subject, ' ' ORDER BY f.place) AS subjects, count(*) AS n,
            array_agg(CASE folder WHEN 'sent' THEN f.email_id ELSE f.thread_id END ORDER BY f.place) AS ids, array_agg(f.at ORDER BY f.place) AS moments INTO page
        FROM (SELECT n.*, row_number() OVER () AS place
            FROM ar_inbox.folder(folder, company, earlier_than, pages.max_rows, CASE WHEN NOT by_moment THEN below END) n) f;
        EXIT WHEN page.n = 0;
        seen := seen || page.subjects;
        counts := counts || page.n::text;
        ids := ids || page.ids;
        earlier_than := page.moments[page.n];
        below := page.ids[page.n];
    END LOOP;
    subjects := array_to_string(seen, ' | ');
    rows := array_to_string(counts, ' ');
    different := (SELECT count(DISTINCT i) FROM unnest(ids) i);
END
$$;
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;

-- the folders, for a member who may view one company
SET LOCAL ROLE ar_test_viewer;
SELECT is(pg_temp.list('open'), 'one', 'open');
SELECT is(pg_temp.list('pending'), 'four, two', 'pending, the snoozed ones among them');
SELECT is(pg_temp.list('closed'), 'five, three', 'closed: no spam, nothing that was merged');
SELECT is(pg_temp.list('all'), 'five, four, three, one, two', 'all three, by their last messages');
SELECT is(pg_temp.list('sent'), 'about m3, about m8', 'sent: each outgoing message');
SELECT is(pg_temp.list('spam'), 'six', 'spam');
SELECT is(pg_temp.list(E' OPEN '), 'one', 'names in any case');
SELECT is(pg_temp.list('all', 'acme'), 'five, four, three, one, two', 'one company');
SELECT is(pg_temp.refusal_and_hint('SELECT ar_inbox.folder(''drafts'')'), '22023 there is no folder ''drafts''; Give open, pending, closed, all, sent or spam.', 'no such folder');
SELECT is(pg_temp.refusal_and_hint('SELECT ar_inbox.folder(NULL)'), '22023 there is no folder NULL; Give open, pending, closed, all, sent or spam.', 'nor is NULL one');
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.folder(''all'', max_rows => %s)', n)), format('22023 max_rows is %s; Give a number from 1 to 1000.', n), 'max_rows ' || n)
FROM unnest(ARRAY['0', '-1', '1001', 'NULL']) n;
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.folder(''all'', %s)', c)), format('IB001 company %s does not exist; Give the id of a company that you are a member of.', c), 'another company''s')
FROM unnest(ARRAY[pg_temp.id('rival'), 999999999]) c;

-- the merge of several companies, page by page
RESET ROLE;
SET LOCAL ROLE ar_test_both;
SELECT is(pg_temp.list('all'), 'theirs two, five, four, three, theirs one, one, two', 'all companies, merged');
SELECT is(pg_temp.list('all', 'rival'), 'theirs two, theirs one', 'or one of them');
SELECT is(pg_temp.list('sent'), 'about r2, about m3, about m8', 'sent, merged');
SELECT is(pg_temp.list('all', max_rows => 3), 'theirs two, five, four', 'a page');
SELECT is(pg_temp.list('all', before => '2026-03-04 10:00', max_rows => 3), 'three, theirs one, one', 'the next one begins after the moment');
SELECT is(pg_temp.list('all', before => '2026-03-02 10:00'), 'nothing', 'after the last there is nothing');
SELECT is(pg_temp.list('all', before => '-infinity'), 'nothing', 'nor before all time');
SELECT is(pg_temp.list('all', before => 'infinity', max_rows => 1), 'theirs two', 'for ever is from the start');
SELECT is((pg_temp.pages('all', 3)).subjects, 'theirs two five four | three theirs one one | two', 'all pages');
SELECT is((pg_temp.pages('sent', 1)).subjects, 'about r2 | about m3 | about m8', 'all pages of sent');
RESET ROLE;

-- several rows of one moment, within a company and across
SAVEPOINT ties;
DO $$ BEGIN
    FOR n IN 1 .. 3 LOOP
        CALL pg_temp.message('tie ' || n, 'tie' || n, 'acme', 'outgoing', '04 10:00');
        CALL pg_temp.message('rival tie ' || n, 'rivaltie' || n, 'rival', 'incoming', '04 10:00');
    END LOOP;
END $$;
SET LOCAL ROLE ar_test_both;
SELECT is((pg_temp.pages('all', 1)).subjects, 'theirs two | five | rivaltie3 | tie3 | rivaltie2 | tie2 | rivaltie1 | tie1 | four | three | theirs one | one | two', 'pages of one: none is lost or comes twice');
SELECT is((pg_temp.pages('all', 4)).subjects, 'theirs two five rivaltie3 tie3 | rivaltie2 tie2 rivaltie1 tie1 | four three theirs one one | two', 'pages of four');
SELECT is((pg_temp.pages('sent', 2)).subjects, 'about r2 about tie 3 | about tie 2 about tie 1 | about m3 about m8', 'and in sent');
SELECT is((SELECT count(*) FROM ar_inbox.folder('all', max_rows => n)), least(n, 13)::bigint, 'a page of ' || n)
FROM unnest(ARRAY[1, 2, 3, 9, 10, 13, 100]) n;
SELECT is(pg_temp.list('all', before => '2026-03-04 10:00'), 'three, theirs one, one, two', 'a moment alone passes over all that have it');
SELECT is(pg_temp.refusal_and_hint('SELECT ar_inbox.folder(''all'', before_id => 1)'), '22004 before_id is given, but before is NULL; Give the "at" of the same row as before.', 'an id alone is no place in a folder');
RESET ROLE;
ROLLBACK TO ties;

-- many received, and many fired, in one transaction
SAVEPOINT bulk;
SELECT set_config('client_min_messages', 'warning', true) IS NULL AS quiet \gset
CALL pg_temp.keep('bulk', ar_inbox.create_company('Bulk'));
DO $$
DECLARE
    cadence bigint;
BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('bulk'), 'billing@bulk.example', 'smtp://mail.example');
    FOR n IN 1 .. 120 LOOP
        PERFORM ar_inbox.receive_email(convert_to(format(E'From: s%s@stranger.example\nTo: billing@bulk.example\nSubject: m%s\n\nHello.', n, n), 'UTF8'));
    END LOOP;
    cadence := ar_inbox.create_cadence(pg_temp.id('bulk'), 'At once', '[{"trigger": "on_issue", "hour": 0, "channels": ["email"]}]');
    FOR n IN 1 .. 60 LOOP
        PERFORM ar_inbox.issue_invoice(ar_inbox.create_invoice(ar_inbox.create_customer(pg_temp.id('bulk'), 'C' || n, email => ('c' || n || '@customer.example')::ar_inbox.email_address),
            '[{"description": "Work", "unit_price": 100}]', current_date, current_date + 30));
    END LOOP;
    PERFORM ar_inbox.chase_invoices(array(SELECT i.id FROM ar_inbox.invoices i WHERE i.company_id = pg_temp.id('bulk')), cadence);
    PERFORM ar_inbox.fire_due_steps(now() + interval '2 days');
END
$$;
SELECT is((SELECT count(*) FROM ar_inbox.folder(name, pg_temp.id('bulk'))), 50::bigint, name || ': a page is a page')
FROM unnest(ARRAY['open', 'closed', 'sent']) name;
SELECT is((p.rows, p.different)::text, wanted, format('%s, %s: all pages, each row once', name, CASE WHEN by_moment THEN 'by moments alone' ELSE 'by moments and ids' END))
FROM (VALUES ('open', '("50 50 20",120)'), ('closed', '("50 10",60)'), ('sent', '("50 10",60)')) f (name, wanted)
CROSS JOIN unnest(ARRAY[true, false]) by_moment
CROSS JOIN LATERAL pg_temp.pages(name, 50, pg_temp.id('bulk'), by_moment) p;
SELECT is((SELECT count(*) FROM ar_inbox.threads t JOIN ar_inbox.emails e ON e.id = t.last_email_id
    WHERE t.company_id = pg_temp.id('bulk') AND t.last_message_at = e.occurred_at), 180::bigint, 'a thread has its message''s moment');
-- by the index, also where all have one moment: no more of it is read than the page has
UPDATE ar_inbox.threads SET last_message_at = '2026-03-04 10:00' WHERE company_id = pg_temp.id('bulk');
UPDATE ar_inbox.emails SET occurred_at = '2026-03-04 10:00' WHERE company_id = pg_temp.id('bulk');
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
ANALYZE ar_inbox.threads, ar_inbox.emails;
CREATE FUNCTION pg_temp.read_of(index text) RETURNS bigint LANGUAGE sql AS 'SELECT pg_stat_get_xact_tuples_returned((''ar_inbox.'' || index)::regclass)';
CREATE FUNCTION pg_temp.read_for_page(name text, index text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    below bigint := (SELECT f.id FROM (
        SELECT CASE name WHEN 'sent' THEN r.email_id ELSE r.thread_id END AS id, row_number() OVER () AS place FROM ar_inbox.folder(name, pg_temp.id('bulk'), max_rows => 40) r) f WHERE place = 40);
    before bigint := pg_temp.read_of(index);
    rows bigint := (SELECT count(*) FROM ar_inbox.folder(name, pg_temp.id('bulk'), '2026-03-04 10:00', 10, below));
BEGIN
    RETURN rows || ' rows, ' || pg_temp.read_of(index) - before || ' read';
END
$$;
SELECT is(pg_temp.read_for_page(name, index), '10 rows, 10 read', name || ': a page is a range of its index')
FROM (VALUES ('open', 'threads_by_status'), ('closed', 'threads_by_status'), ('sent', 'emails_sent')) f (name, index);
ROLLBACK TO bulk;

-- for whom
SET LOCAL ROLE ar_test_rival;
SELECT is(pg_temp.list('all'), 'theirs two, theirs one', 'another company''s member sees its own');
SELECT is(pg_temp.list('spam'), 'nothing', 'and no other''s spam');
SELECT is(pg_temp.list('sent'), 'about r2', 'nor what it sent');
RESET ROLE;
SET LOCAL ROLE ar_test_blind;
SELECT is(pg_temp.list('all'), 'nothing', 'a member without view sees nothing');
SELECT is(left(pg_temp.refusal_and_hint(format('SELECT ar_inbox.folder(''all'', %s)', pg_temp.id('acme'))), 5), 'IB001', 'nor by the company''s id');
RESET ROLE;
SET LOCAL SESSION AUTHORIZATION ar_test_web;
SET LOCAL ROLE ar_inbox_staff;
SELECT is(pg_temp.list('all'), 'nothing', 'a front end that speaks for nobody sees nothing');
SET LOCAL request.jwt.claims = '{"email": "web@acme.example"}';
SELECT is(pg_temp.list('open'), 'one', 'and what the member sees for whom it speaks');
SELECT is(ar_inbox.thread(pg_temp.id('one')) ->> 'subject', 'one', 'a thread too');
SET LOCAL request.jwt.claims = '';
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.list('all'), 'theirs two, five, four, three, theirs one, one, two', 'an administrator sees all');
SELECT is(pg_temp.list('all', 'quiet'), 'nothing', 'a company without mail');

-- what is in a row
UPDATE ar_inbox.threads SET assignee_id = pg_temp.id('vera') WHERE id = pg_temp.id('one');
UPDATE ar_inbox.emails SET body_text = E'  We\twill \n\n pay.\n' || repeat('x', 300) || E'\n> quoted', new_text_length = 60 WHERE id = pg_temp.id('m5');
UPDATE ar_inbox.emails SET from_name = '', body_text = repeat('word  ', 200) WHERE id = pg_temp.id('m4');
UPDATE ar_inbox.emails SET member_id = pg_temp.id('vera') WHERE id = pg_temp.id('m8');
INSERT INTO ar_inbox.email_recipients (company_id, email_id, field, position, name, address, state, code, enhanced_code, reply)
SELECT pg_temp.id('acme'), pg_temp.id('m8'), r.* FROM (VALUES
    ('cc', 1, '', 'boss@globex.example'::ar_inbox.email_address, 'accepted'::ar_inbox.delivery_state, 250, '2.1.5', 'ok'),
    ('to', 2, 'Bob', 'bob@globex.example', 'bounced', 550, '5.1.1', 'no such user'),
    ('to', 1, 'Ann', 'ann@globex.example', 'accepted', 250, '2.1.5', 'ok'),
    ('bcc', 1, '', 'file@acme.example', 'accepted', 250, '2.1.5', 'ok')) r;
INSERT INTO ar_inbox.email_recipients (company_id, email_id, field, position, name, address)
SELECT pg_temp.id('acme'), pg_temp.id('m1'), r.* FROM (VALUES
    ('to', 1, 'Acme', 'billing@acme.example'::ar_inbox.email_address), ('reply_to', 1, '', 'reply@globex.example')) r;
INSERT INTO ar_inbox.deliveries (company_id, email_id, channel, mail_account_id, state, reason, attempts, give_up_at, code, enhanced_code, reply, finished_at)
SELECT pg_temp.id('acme'), pg_temp.id('m8'), 'email', a.id, 'bounced', 'bob@globex.example: no such user', 1, '2026-03-03', 250, '2.0.0', 'queued', '2026-03-02 11:01'
FROM ar_inbox.mail_accounts a WHERE a.company_id = pg_temp.id('acme');
INSERT INTO ids SELECT 'delivery', d.id FROM ar_inbox.deliveries d WHERE d.email_id = pg_temp.id('m8');
INSERT INTO ar_inbox.email_opens (company_id, email_id, opened_at, source, address, user_agent, unreliable) VALUES
    (pg_temp.id('acme'), pg_temp.id('m8'), '2026-03-02 11:02', 'image', NULL, 'Proxy', 'an image proxy'),
    (pg_temp.id('acme'), pg_temp.id('m8'), '2026-03-02 15:00', 'receipt', 'ann@globex.example', NULL, NULL),
    (pg_temp.id('acme'), pg_temp.id('m3'), '2026-03-03 10:00', 'image', NULL, 'Proxy', 'an image proxy');
INSERT INTO ids SELECT 'file', ar_inbox_internal.store_file(pg_temp.id('acme'), 'a.pdf', 'application/pdf', 'the bytes');
INSERT INTO ids SELECT 'logo', ar_inbox_internal.store_file(pg_temp.id('acme'), 'logo.png', 'image/png', 'png');
INSERT INTO ar_inbox.notes (company_id, thread_id, member_id, body, created_at) VALUES (pg_temp.id('acme'), pg_temp.id('one'), pg_temp.id('vera'), 'A note.', '2026-03-01 11:00');
INSERT INTO ids SELECT 'note', n.id FROM ar_inbox.notes n WHERE n.thread_id = pg_temp.id('one');
WITH made AS (
    INSERT INTO ar_inbox.attachments (company_id, email_id, note_id, file_id, position, content_id, is_inline) VALUES
        (pg_temp.id('acme'), pg_temp.id('m1'), NULL, pg_temp.id('file'), 1, NULL, false),
        (pg_temp.id('acme'), pg_temp.id('m1'), NULL, pg_temp.id('logo'), 2, 'logo@x', true),
        (pg_temp.id('acme'), NULL, pg_temp.id('note'), pg_temp.id('file'), 1, NULL, false),
        (pg_temp.id('acme'), pg_temp.id('m9'), NULL, pg_temp.id('logo'), 1, 'logo@x', true),
        (pg_temp.id('acme'), pg_temp.id('m5'), NULL, pg_temp.id('file'), 1, NULL, false)
    RETURNING id, email_id, note_id, position)
INSERT INTO ids SELECT 'attachment ' || row_number() OVER (ORDER BY m.email_id IS DISTINCT FROM pg_temp.id('m1'), m.note_id, m.email_id, m.position), m.id FROM made m;

SELECT is((SELECT to_jsonb(f) FROM ar_inbox.folder('open', pg_temp.id('acme')) f), jsonb_build_object('thread_id', pg_temp.id('one'), 'company_id', pg_temp.id('acme'), 'company', 'Acme',
    'email_id', pg_temp.id('m8'), 'at', '2026-03-02T11:00:00+00:00', 'subject', 'one', 'thread_subject', 'one', 'customer_id', pg_temp.id('globex'), 'customer', 'Globex',
    'invoice_id', NULL, 'document', NULL, 'status', 'open', 'snoozed_until', NULL, 'assignee_id', pg_temp.id('vera'), 'assignee', 'Vera', 'message_count', 3,
    'direction', 'outgoing', 'kind', 'message', 'automatic', false, 'sender', 'Acme (Vera)',
    'recipients', jsonb_build_array('ann@globex.example', 'bob@globex.example', 'boss@globex.example', 'file@acme.example'), 'preview', 'Hello.', 'has_attachments', false,
    'state', 'bounced', 'reason', 'bob@globex.example: no such user', 'opened_at', '2026-03-02T15:00:00+00:00', 'opened_reliably', true, 'channel', 'email'), 'a row of a thread, whole');
SELECT is((SELECT to_jsonb(f) - '{company,thread_id,company_id,customer,customer_id,invoice_id,document,assignee,assignee_id,message_count,kind,automatic,state,reason}'::text[]
        FROM ar_inbox.folder('sent', before => '2026-03-04', max_rows => 1) f),
    jsonb_build_object('email_id', pg_temp.id('m3'), 'at', '2026-03-03T10:00:00+00:00', 'subject', 'about m3', 'thread_subject', 'three', 'status', 'closed',
        'snoozed_until', NULL, 'direction', 'outgoing', 'sender', 'Acme', 'recipients', NULL, 'preview', 'Hello.', 'has_attachments', false,
        'opened_at', '2026-03-03T10:00:00+00:00', 'opened_reliably', false, 'channel', 'email'), 'a row of sent: opened, but by a proxy');
SELECT is((SELECT f.preview FROM ar_inbox.folder('closed') f WHERE f.subject = 'five'), 'We will pay. ' || repeat('x', 42), 'the preview is the new text, on one line');
SELECT is((SELECT f.preview FROM ar_inbox.folder('pending') f WHERE f.subject = 'four'), left(repeat('word ', 80), 160), 'at most 160 characters of it');
SELECT is((SELECT array_agg(f.subject) FROM ar_inbox.folder('all') f WHERE f.has_attachments), ARRAY['five'], 'which have attachments');
SELECT is((SELECT f.sender FROM ar_inbox.folder('pending') f WHERE f.subject = 'four'), 'ann@globex.example', 'a sender without a name has its address');
SELECT is((SELECT f.snoozed_until FROM ar_inbox.folder('pending') f WHERE f.subject = 'two'), '2027-01-01', 'until when it is snoozed');
SELECT is((SELECT array_agg(subject ORDER BY subject) FROM ar_inbox.inbox WHERE company_id = pg_temp.id('acme')), ARRAY['empty', 'five', 'four', 'one', 'three', 'two'],
    'the view inbox has no spam, and nothing that was merged');

-- one conversation, whole
CALL pg_temp.message('b1', 'Invoice INV-7', 'acme', 'outgoing', '2026-02-10 08:00', 'Please **pay**.', customer => 'globex', invoice => 'bill', topic => 'document');
UPDATE ar_inbox.emails SET automatic = true, template = 'past_due_invoice', from_name = 'Acme', body_html = '<p>Please <b>pay</b>.</p>' WHERE id = pg_temp.id('b1');
INSERT INTO ar_inbox.events (company_id, happened_at, actor, member_id, subject, subject_id, action, before, after) VALUES
    (pg_temp.id('acme'), '2026-03-01 12:00', 'ar_test_viewer', pg_temp.id('vera'), 'thread', pg_temp.id('one'), 'assignee', NULL, to_jsonb(pg_temp.id('vera'))),
    (pg_temp.id('acme'), '2026-03-01 12:30', 'postgres', NULL, 'thread', pg_temp.id('one'), 'status', '"closed"', '"open"'),
    (pg_temp.id('acme'), '2026-03-01 13:00', 'postgres', NULL, 'invoice', pg_temp.id('one'), 'status', NULL, NULL);
UPDATE ar_inbox.emails SET body_text = E'All paid.\n\n> Please pay.', new_text_length = 9, authentication = '{"spf": "pass"}', verdicts = '{"x": 1}', automatic = true
WHERE id = pg_temp.id('m1');
CREATE FUNCTION pg_temp.bare(id text, way text, at text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', pg_temp.id(id), 'direction', way, 'channel', 'email', 'kind', 'message', 'automatic', false, 'imported', false, 'at', '2026-03-' || at || ':00:00+00:00',
        'sent_at', to_jsonb(('2026-03-' || at || ':00:00+00')::timestamptz - interval '1 hour'), 'message_id', id || '@x.example', 'sender', 'Ann',
        'from', '{"name": "Ann", "address": "ann@globex.example"}'::jsonb, 'member', NULL, 'to', '[]'::jsonb, 'cc', '[]'::jsonb, 'bcc', '[]'::jsonb, 'reply_to', '[]'::jsonb,
        'subject', 'about ' || id, 'text', 'Hello.', 'new_text_length', NULL, 'new_text', 'Hello.', 'html', NULL, 'left_out', false)
    || '{"protection": null, "authentication": null, "verdicts": null, "template": null, "delivery": null, "opened_at": null, "opened_reliably": null, "opens": [], "attachments": []}'
$$;
CREATE FUNCTION pg_temp.file(name text, attachment text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', pg_temp.id(attachment), 'file_id', pg_temp.id(name))
        || CASE name WHEN 'file' THEN '{"name": "a.pdf", "type": "application/pdf", "size": 9}' ELSE '{"name": "logo.png", "type": "image/png", "size": 3}' END::jsonb
$$;
CREATE TEMP TABLE expected AS SELECT jsonb_build_object('id', pg_temp.id('one'), 'company', jsonb_build_object('id', pg_temp.id('acme'), 'name', 'Acme'), 'subject', 'one',
    'topic', 'customer', 'status', 'open', 'snoozed_until', NULL, 'spam', false, 'assignee', jsonb_build_object('id', pg_temp.id('vera'), 'name', 'Vera'),
    'customer', jsonb_build_object('id', pg_temp.id('globex'), 'number', 'C-1', 'name', 'Globex'), 'invoice', NULL, 'message_count', 3,
    'last_message_at', '2026-03-02T11:00:00+00:00', 'created_at', '2026-01-01T00:00:00+00:00', 'merges', '[]'::jsonb, 'scheduled', '[]'::jsonb,
    'reply', jsonb_build_object('email_id', pg_temp.id('m9'), 'recipients', '["ann@globex.example"]'::jsonb, 'cc', '[]'::jsonb, 'subject', 'Re: about m9'),
    'notes', jsonb_build_array(jsonb_build_object('id', pg_temp.id('note'), 'at', '2026-03-01T11:00:00+00:00', 'member', jsonb_build_object('id', pg_temp.id('vera'), 'name', 'Vera'),
        'body', 'A note.', 'attachments', jsonb_build_array(pg_temp.file('file', 'attachment 3')))),
    'messages', jsonb_build_array(
        pg_temp.bare('m9', 'incoming', '01T09') || jsonb_build_object('attachments',
            jsonb_build_array(pg_temp.file('logo', 'attachment 5') || '{"content_id": "logo@x", "inline": true}')),
        pg_temp.bare('m1', 'incoming', '01T10') || jsonb_build_object('automatic', true, 'text', E'All paid.\n\n> Please pay.', 'new_text_length', 9, 'new_text', 'All paid.',
            'authentication', '{"spf": "pass"}'::jsonb, 'verdicts', '{"x": 1}'::jsonb, 'to', '[{"name": "Acme", "address": "billing@acme.example"}]'::jsonb,
            'reply_to', '[{"name": "", "address": "reply@globex.example"}]'::jsonb,
            'attachments', jsonb_build_array(pg_temp.file('file', 'attachment 1') || '{"content_id": null, "inline": false}',
                pg_temp.file('logo', 'attachment 2') || '{"content_id": "logo@x", "inline": true}')),
        pg_temp.bare('m8', 'outgoing', '02T11') || jsonb_build_object('sender', 'Acme (Vera)', 'from', '{"name": "", "address": "billing@acme.example"}'::jsonb,
            'member', jsonb_build_object('id', pg_temp.id('vera'), 'name', 'Vera'), 'cc', '[{"name": "", "address": "boss@globex.example"}]'::jsonb,
            'to', '[{"name": "Ann", "address": "ann@globex.example"}, {"name": "Bob", "address": "bob@globex.example"}]'::jsonb,
            'bcc', '[{"name": "", "address": "file@acme.example"}]'::jsonb, 'opened_at', '2026-03-02T15:00:00+00:00', 'opened_reliably', true,
            'opens', '[{"at": "2026-03-02T11:02:00+00:00", "source": "image", "address": null, "user_agent": "Proxy", "unreliable": "an image proxy"},
                {"at": "2026-03-02T15:00:00+00:00", "source": "receipt", "address": "ann@globex.example", "user_agent": null, "unreliable": null}]'::jsonb,
            'delivery', jsonb_build_object('id', pg_temp.id('delivery'), 'channel', 'email', 'state', 'bounced', 'reason', 'bob@globex.example: no such user', 'code', 250,
                'enhanced_code', '2.0.0', 'reply', 'queued', 'attempts', 1, 'next_attempt_at', NULL, 'finished_at', '2026-03-02T11:01:00+00:00', 'crossed_with_payment', false,
                'cancel_on_answer', false, 'recipient', NULL, 'provider_status', NULL, 'delivered_at', NULL, 'recipients', '[{"address": "boss@globex.example", "state": "accepted", "code": 250, "enhanced_code": "2.1.5", "reply": "ok"},
                    {"address": "bob@globex.example", "state": "bounced", "code": 550, "enhanced_code": "5.1.1", "reply": "no such user"},
                    {"address": "ann@globex.example", "state": "accepted", "code": 250, "enhanced_code": "2.1.5", "reply": "ok"},
                    {"address": "file@acme.example", "state": "accepted", "code": 250, "enhanced_code": "2.1.5", "reply": "ok"}]'::jsonb)))) AS whole;
GRANT SELECT ON expected TO PUBLIC;
SET LOCAL ROLE ar_test_viewer;
SELECT is(ar_inbox.thread(pg_temp.id('one')) - 'events', whole, 'a thread, whole') FROM expected;
SELECT is((SELECT jsonb_agg(e - 'id') FROM jsonb_array_elements(ar_inbox.thread(pg_temp.id('one')) -> 'events') e),
    jsonb_build_array(jsonb_build_object('at', '2026-03-01T12:00:00+00:00', 'action', 'assignee', 'actor', 'ar_test_viewer', 'member',
            jsonb_build_object('id', pg_temp.id('vera'), 'name', 'Vera'), 'before', NULL, 'after', jsonb_build_object('id', pg_temp.id('vera'), 'name', 'Vera')),
        '{"at": "2026-03-01T12:30:00+00:00", "action": "status", "actor": "postgres", "member": null, "before": "closed", "after": "open"}'::jsonb), 'what was done with it, by whom');
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.thread(%s)', coalesce(n::text, 'NULL'))),
    format('IB001 thread %s does not exist; Give the id of a thread of a company that you are a member of.', coalesce(n::text, 'NULL')), 'no such thread, or another''s')
FROM unnest(ARRAY[pg_temp.id('theirs one'), 999999999, NULL]) n;

-- an invoice's
SELECT is(ar_inbox.invoice_thread(pg_temp.id('bill')), ar_inbox.thread(pg_temp.id('Invoice INV-7')), 'an invoice''s conversation');
SELECT is(ar_inbox.invoice_thread(pg_temp.id('bill')) -> 'invoice', jsonb_build_object('id', pg_temp.id('bill'), 'number', 'INV-7', 'status', 'past_due', 'balance', 100,
    'currency', 'USD', 'due_date', '2026-02-09'), 'tells of the invoice');
SELECT is(ar_inbox.invoice_thread(pg_temp.id('bill')) #> '{messages,0,html}', '"<p>Please <b>pay</b>.</p>"', 'its HTML');
SELECT is(ar_inbox.invoice_thread(pg_temp.id('bill')) #> '{messages,0,sender}', '"Acme"', 'sent by no person');
SELECT is(ar_inbox.invoice_thread(pg_temp.id('other bill')), NULL, 'an invoice that nobody wrote about has none');
RESET ROLE;
SET LOCAL ROLE ar_test_rival;
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.invoice_thread(%s)', pg_temp.id('bill'))),
    format('IB001 invoice %s does not exist; Give the id of an invoice of a company that you are a member of.', pg_temp.id('bill')), 'nor has another company''s');
RESET ROLE;

-- merged, spam, scheduled, too large
SELECT is(ar_inbox.thread(pg_temp.id('seven')), ar_inbox.thread(pg_temp.id('four')), 'a merged thread''s id gives the one in force');
SELECT is((SELECT m - 'id' FROM jsonb_array_elements(ar_inbox.thread(pg_temp.id('seven')) -> 'merges') m), jsonb_build_object('at', '2026-03-08T00:00:00+00:00',
    'member', jsonb_build_object('id', pg_temp.id('vera'), 'name', 'Vera'), 'from_thread_id', pg_temp.id('seven'), 'into_thread_id', pg_temp.id('four'), 'subject', 'seven'),
    'which says what was merged into it');
SAVEPOINT chain;
UPDATE ar_inbox.threads SET status = 'closed', merged_into_id = pg_temp.id('five') WHERE id = pg_temp.id('four');
INSERT INTO ar_inbox.thread_merges (company_id, into_thread_id, from_thread_id, from_status, email_ids, note_ids)
VALUES (pg_temp.id('acme'), pg_temp.id('five'), pg_temp.id('four'), 'open', '{}', '{}');
SELECT is(ar_inbox.thread(pg_temp.id('seven')) ->> 'subject', 'five', 'merged twice');
SELECT is(jsonb_array_length(ar_inbox.thread(pg_temp.id('five')) -> 'merges'), 2, 'both merges are told');
UPDATE ar_inbox.thread_merges SET undone_at = now() WHERE from_thread_id = pg_temp.id('seven');
UPDATE ar_inbox.threads SET merged_into_id = NULL WHERE id = pg_temp.id('seven');
SELECT is(jsonb_array_length(ar_inbox.thread(pg_temp.id('five')) -> 'merges'), 1, 'but not one that was undone');
ROLLBACK TO chain;
SELECT is(ar_inbox.thread(pg_temp.id('six')) -> 'spam', 'true', 'spam can be read');
SAVEPOINT scheduled;
UPDATE ar_inbox.deliveries SET state = 'queued', next_attempt_at = '2100-01-01', finished_at = NULL, cancel_on_answer = true WHERE email_id = pg_temp.id('m8');
SELECT is(ar_inbox.thread(pg_temp.id('one')) -> 'scheduled', jsonb_build_array(jsonb_build_object('email_id', pg_temp.id('m8'), 'at', '2100-01-01T00:00:00+00:00', 'cancel_on_answer', true)),
    'what will be sent later');
ROLLBACK TO scheduled;
SELECT is((SELECT string_agg(m ->> 'left_out', ' ' ORDER BY place) FROM jsonb_array_elements(ar_inbox_internal.conversation(pg_temp.id('acme'), pg_temp.id('one'), 60) -> 'messages') WITH ORDINALITY e (m, place)),
    'true false false', 'a thread too large for one answer: the newest bodies come');
SELECT is((SELECT ARRAY[m ->> 'text', m ->> 'new_text', m ->> 'html', m ->> 'subject'] FROM jsonb_array_elements(ar_inbox_internal.conversation(pg_temp.id('acme'), pg_temp.id('one'), 60) -> 'messages') m LIMIT 1),
    ARRAY[NULL, NULL, NULL, 'about m9'], 'the others are left out');

-- a customer's recent messages
CALL pg_temp.message('g1', 'about Globex', 'acme', 'incoming', '05 09:00', customer => 'globex');
CALL pg_temp.message('g2', 'about Globex', 'acme', 'outgoing', '05 08:00', customer => 'globex');
CALL pg_temp.message('g3', 'spam from Globex', 'acme', 'incoming', '06 08:00', customer => 'globex');
UPDATE ar_inbox.threads SET spam_at = now() WHERE id = pg_temp.id('spam from Globex');
SET LOCAL ROLE ar_test_viewer;
SELECT is((SELECT array_agg(r.subject) FROM ar_inbox.recent_emails(pg_temp.id('globex')) r), ARRAY['about g1', 'about g2', 'about m8', 'about m1', 'about m9', 'about b1'],
    'a customer''s messages, newest first: of its own thread, its invoices'', others about it; no spam');
SELECT is((SELECT array_agg(r.thread_subject) FROM ar_inbox.recent_emails(pg_temp.id('globex')) r WHERE r.direction = 'outgoing'), ARRAY['about Globex', 'one', 'Invoice INV-7'], 'with their threads');
SELECT is((SELECT string_agg(r.subject, ' ') FROM ar_inbox.recent_emails(pg_temp.id('globex'), n) r), wanted, 'the newest ' || n)
FROM (VALUES (1, 'about g1'), (3, 'about g1 about g2 about m8'), (4, 'about g1 about g2 about m8 about m1')) v (n, wanted);
SELECT is((SELECT count(*) FROM ar_inbox.recent_emails(pg_temp.id('initech'))), 0::bigint, 'a customer without any');
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.recent_emails(%s, 0)', pg_temp.id('globex'))), '22023 max_rows is 0; Give a number from 1 to 1000.', 'no rows');
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.recent_emails(%s)', pg_temp.id('theirs'))),
    format('IB001 customer %s does not exist; Give the id of a customer of a company that you are a member of.', pg_temp.id('theirs')), 'another company''s customer');

-- files
SELECT results_eq(format('SELECT name, type, size, content FROM ar_inbox.file_content(%s)', pg_temp.id('file')), $$VALUES ('a.pdf', 'application/pdf', 9::bigint, 'the bytes'::bytea)$$, 'a file');
RESET ROLE;
SET LOCAL ROLE ar_test_rival;
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.file_content(%s)', pg_temp.id('file'))),
    format('IB001 file %s does not exist; Give the id of a file of a company that you are a member of.', pg_temp.id('file')), 'another company''s file');
RESET ROLE;

-- HTML that was not made safe yet
CREATE PROCEDURE pg_temp.html(name text, html text) LANGUAGE plpgsql AS $$
DECLARE
    mail bigint;
BEGIN
    CALL pg_temp.message(name, 'html', 'acme', 'incoming', '09 10:00');
    mail := pg_temp.id(name);
    WITH stored AS (
        INSERT INTO ar_inbox.inbound_messages (company_id, content_hash, size, message, state)
        SELECT pg_temp.id('acme'), sha256(b), octet_length(b), b, 'filed'
        FROM convert_to(format(E'Subject: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n%s\r\n', name, html), 'UTF8') b
        RETURNING id)
    UPDATE ar_inbox.emails e SET inbound_message_id = stored.id FROM stored WHERE e.id = mail;
    INSERT INTO ar_inbox.email_html (company_id, email_id) VALUES (pg_temp.id('acme'), mail);
END
$$;
CALL pg_temp.html('h1', '<p onclick="x()">Hé<script>alert(1)</script></p>');
CALL pg_temp.html('h2', repeat('<div>', 300) || 'deep');
CALL pg_temp.html('h3', '<b>bold</b>');
CALL pg_temp.html('h4', '<i>last</i>');
SET LOCAL ROLE ar_test_viewer;
SELECT is(trim(ar_inbox.email_html(pg_temp.id('h1')), E'\r\n'), '<p>Hé</p>', 'made on the spot');
SELECT is(ar_inbox.email_html(pg_temp.id('h2')), NULL, 'over a limit: none');
SELECT is(ar_inbox.email_html(pg_temp.id('b1')), '<p>Please <b>pay</b>.</p>', 'what is stored');
SELECT is(ar_inbox.email_html(pg_temp.id('m1')), NULL, 'a message without any');
SELECT is((SELECT array_agg(trim(m ->> 'html', E'\r\n') ORDER BY (m ->> 'id')::bigint) FROM jsonb_array_elements(ar_inbox.thread(pg_temp.id('html')) -> 'messages') m),
    ARRAY['<p>Hé</p>', NULL, '<b>bold</b>', '<i>last</i>'], 'and in the thread');
SELECT is(pg_temp.refusal_and_hint(format('SELECT ar_inbox.email_html(%s)', pg_temp.id('r1'))),
    format('IB001 email %s does not exist; Give the id of an email of a company that you are a member of.', pg_temp.id('r1')), 'another company''s message');
RESET ROLE;
SET LOCAL ROLE ar_inbox_worker;
SELECT is(ar_inbox_internal.make_html_safe(2), 2, 'the worker makes two');
SELECT is((SELECT array_agg(e.pending ORDER BY e.email_id) FROM ar_inbox.email_html e WHERE e.email_id IN (pg_temp.id('h1'), pg_temp.id('h2'), pg_temp.id('h3'))), '{f,f,t}', 'the oldest first');
SELECT is((SELECT trim(e.html, E'\r\n') FROM ar_inbox.email_html e WHERE e.email_id = pg_temp.id('h1')), '<p>Hé</p>', 'and keeps it');
RESET ROLE;
-- one that fails, whatever the reason
SAVEPOINT broken;
CREATE OR REPLACE FUNCTION ar_inbox.sanitize_html(html text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF html LIKE '%bold%' THEN
        RAISE EXCEPTION USING errcode = 'out_of_memory', message = 'out of memory';
    END IF;
    RETURN html;
END
$$;
SET LOCAL ROLE ar_inbox_worker;
SELECT is(ar_inbox_internal.make_html_safe(10), 2, 'one that cannot be made safe keeps no other waiting');
SELECT is((SELECT array_agg(e.pending || ' ' || coalesce(trim(e.html, E'\r\n'), 'none') ORDER BY e.email_id) FROM ar_inbox.email_html e WHERE e.email_id IN (pg_temp.id('h3'), pg_temp.id('h4'))),
    ARRAY['false none', 'false <i>last</i>'], 'it is shown as text from then on');
RESET ROLE;
ROLLBACK TO broken;
SET LOCAL ROLE ar_inbox_worker;
SELECT is(ar_inbox_internal.make_html_safe(10), 2, 'the rest');
SELECT is(ar_inbox_internal.make_html_safe(10), 0, 'and nothing more');
RESET ROLE;
SELECT is(trim(ar_inbox.email_html(pg_temp.id('h3')), E'\r\n'), '<b>bold</b>', 'the same that was made on the spot');

-- PostgREST serves what changes nothing by GET
SELECT is((SELECT array_agg(p.proname::text ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = 'ar_inbox'::regnamespace AND p.provolatile = 's'
        AND p.proname IN ('folder', 'thread', 'invoice_thread', 'recent_emails', 'email_html', 'file_content')),
    ARRAY['email_html', 'file_content', 'folder', 'invoice_thread', 'recent_emails', 'thread'], 'all of them only read');

-- What the policies ask is looked up once for the rows of a query, and again
-- when the answer may be another.
CREATE FUNCTION pg_temp.remove(removed boolean) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE ar_inbox.members SET removed_at = CASE WHEN removed THEN now() END WHERE role = 'ar_test_both'
$$;
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    seen text := '';
BEGIN
    FOR n IN 1 .. 4 LOOP
        seen := concat_ws(' ', seen, cardinality(ar_inbox_internal.companies(CASE n WHEN 2 THEN 'send' ELSE 'view' END)));
        PERFORM pg_temp.remove(n = 3);
    END LOOP;
    RETURN seen;
END
$$;
SET LOCAL ROLE ar_test_both;
SELECT is(pg_temp.seen(), ' 2 1 2 0', 'companies() follows what is asked, and the members');
RESET ROLE;
CREATE FUNCTION pg_temp.claimed() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    seen text := '';
    claimed text;
BEGIN
    FOREACH claimed IN ARRAY ARRAY['web@acme.example', 'nobody@acme.example', 'olga@rival.example'] LOOP
        PERFORM set_config('request.jwt.claims', jsonb_build_object('email', claimed)::text, true);
        seen := concat_ws(' ', seen, (SELECT min(i.name) FROM ids i WHERE i.id = (ar_inbox_internal.companies('view'))[1] AND i.name IN ('acme', 'rival')));
        seen := seen || cardinality(ar_inbox_internal.companies('view'));
    END LOOP;
    RETURN seen;
END
$$;
SET LOCAL SESSION AUTHORIZATION ar_test_web;
SET LOCAL ROLE ar_inbox_staff;
SELECT is(pg_temp.claimed(), ' acme10 rival1', 'and the claims');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
