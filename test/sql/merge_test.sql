\set ECHO none
-- Merging threads, splitting messages off, and undoing both in any order.
\i test/lib/pgtap.sql
SELECT plan(99);

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

-- A thread as a reader sees it: status, messages, who has it, what it is merged into.
CREATE FUNCTION pg_temp.seen(thread bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', t.status, to_char(t.snoozed_until, 'YYYY'), '[' || coalesce((
            SELECT string_agg(split_part(e.message_id, '@', 1), ' ' ORDER BY e.occurred_at, e.id)
            FROM ar_inbox.emails e WHERE e.company_id = t.company_id AND e.thread_id = t.id), '') || ']', t.message_count,
        (SELECT 'last ' || split_part(e.message_id, '@', 1) FROM ar_inbox.emails e WHERE e.id = t.last_email_id AND e.company_id = t.company_id), t.last_direction,
        (SELECT m.name FROM ar_inbox.members m WHERE m.id = t.assignee_id), 'merged into ' || (SELECT i.name FROM ids i WHERE i.id = t.merged_into_id AND i.name ~ '^([a-f]$|split |thread of )' AND i.name !~ '>'))
    FROM ar_inbox.threads t WHERE t.id = thread
$$;
CREATE FUNCTION pg_temp.merge(into_name text, from_name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    merge bigint := ar_inbox.merge_threads(pg_temp.id(into_name), pg_temp.id(from_name));
BEGIN
    DELETE FROM ids WHERE name = from_name || '>' || into_name;
    INSERT INTO ids VALUES (from_name || '>' || into_name, merge);
    RETURN pg_temp.seen(pg_temp.id(into_name));
END
$$;
CREATE FUNCTION pg_temp.undo(merge text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox.unmerge_threads(pg_temp.id(merge));
    RETURN concat_ws(', ', pg_temp.seen(pg_temp.id(split_part(merge, '>', 1))), pg_temp.seen(pg_temp.id(split_part(merge, '>', 2))));
END
$$;
CREATE FUNCTION pg_temp.letters(names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n text;
BEGIN
    FOREACH n IN ARRAY names LOOP
        PERFORM pg_temp.receive(n || '1', n || '@x.example');
        INSERT INTO ids VALUES (n, pg_temp.thread_of(n || '1'));
    END LOOP;
END
$$;
CALL pg_temp.run($$SELECT pg_temp.letters('{a,b,c,d}')$$);
CALL pg_temp.run($$SELECT pg_temp.receive('a2', 'a@x.example', 'a1')$$);
CALL pg_temp.keep('note', ar_inbox.add_note(pg_temp.id('a'), 'about a'));

-- one merge
SELECT is(pg_temp.merge('b', 'a'), 'open [a1 b1 a2] 3 last a2 incoming', 'a thread is merged into another: its messages are there');
SELECT is(pg_temp.seen(pg_temp.id('a')), 'closed [] 0 merged into b', 'and it is at rest');
SELECT is((SELECT thread_id FROM ar_inbox.notes WHERE id = pg_temp.id('note')), pg_temp.id('b'), 'its note is there too');
SELECT is(ar_inbox_internal.current_thread(pg_temp.id('acme'), pg_temp.id('a')), pg_temp.id('b'), 'it stands for the other one');
SELECT is(ar_inbox_internal.current_thread(pg_temp.id('other'), pg_temp.id('a')), NULL, 'but not in another company');
CALL pg_temp.keep('later note', ar_inbox.add_note(pg_temp.id('a'), 'later'));
SELECT is((SELECT thread_id FROM ar_inbox.notes WHERE id = pg_temp.id('later note')), pg_temp.id('b'), 'a note on it goes there');
SELECT lives_ok($$SELECT ar_inbox.assign_thread(pg_temp.id('a'), pg_temp.id('alice'))$$, 'and work on it');
CALL pg_temp.run($$SELECT ar_inbox.set_thread_status(pg_temp.id('a'), 'closed')$$);
SELECT is(pg_temp.seen(pg_temp.id('b')), 'closed [a1 b1 a2] 3 last a2 incoming Alice', 'is work on the other');
CALL pg_temp.run($$SELECT pg_temp.receive('a3', 'a@x.example', 'a2')$$);
SELECT is(pg_temp.seen(pg_temp.id('b')), 'open [a1 b1 a2 a3] 4 last a3 incoming Alice', 'an answer to one of its messages goes there');
SELECT is(pg_temp.undo('a>b'), 'open [a1 a2] 2 last a2 incoming, open [b1 a3] 2 last a3 incoming Alice', 'undone: what was moved is back, what came later stays');
SELECT is((SELECT array_agg(thread_id ORDER BY id) FROM ar_inbox.notes), ARRAY[pg_temp.id('a'), pg_temp.id('b')], 'notes likewise');
SELECT is(pg_temp.refusal($$SELECT pg_temp.undo('a>b')$$), format('IB002 merge %s was undone at %s', pg_temp.id('a>b'), now()), 'once');
SELECT results_eq($$SELECT action || coalesce(' ' || (SELECT name FROM ids WHERE id = (after ->> 'from_thread_id')::bigint AND name = 'a'), '') FROM ar_inbox.events
    WHERE subject = 'thread' AND subject_id = pg_temp.id('b') AND action LIKE '%merged%' ORDER BY id$$, ARRAY['merged a', 'unmerged a'], 'both are written down');

-- status and assignee
CREATE FUNCTION pg_temp.mixed(into_status text, from_status text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
BEGIN
    PERFORM ar_inbox.set_thread_status(pg_temp.id('c'), CASE into_status WHEN 'snoozed' THEN 'open' ELSE into_status END::ar_inbox.thread_status);
    PERFORM ar_inbox.set_thread_status(pg_temp.id('d'), CASE from_status WHEN 'snoozed' THEN 'open' ELSE from_status END::ar_inbox.thread_status);
    IF into_status = 'snoozed' THEN PERFORM ar_inbox.snooze_thread(pg_temp.id('c'), '2098-01-01'); END IF;
    IF from_status = 'snoozed' THEN PERFORM ar_inbox.snooze_thread(pg_temp.id('d'), '2099-01-01'); END IF;
    PERFORM pg_temp.merge('c', 'd');
    outcome := (SELECT concat_ws(' ', status, to_char(snoozed_until, 'YYYY')) FROM ar_inbox.threads WHERE id = pg_temp.id('c'));
    PERFORM pg_temp.undo('d>c');
    RETURN outcome || ', ' || (SELECT concat_ws(' ', status, to_char(snoozed_until, 'YYYY')) FROM ar_inbox.threads WHERE id = pg_temp.id('d'));
END
$$;
SELECT is(pg_temp.mixed(a, b), wanted, format('%s and %s', a, b))
FROM (VALUES ('open', 'open', 'open, open'), ('open', 'pending', 'open, pending'), ('open', 'closed', 'open, closed'), ('open', 'snoozed', 'open, pending 2099'),
    ('pending', 'open', 'open, open'), ('pending', 'closed', 'pending, closed'), ('pending', 'snoozed', 'pending, pending 2099'),
    ('closed', 'open', 'open, open'), ('closed', 'pending', 'pending, pending'), ('closed', 'closed', 'closed, closed'), ('closed', 'snoozed', 'pending 2099, pending 2099'),
    ('snoozed', 'open', 'open, open'), ('snoozed', 'closed', 'pending 2098, closed'), ('snoozed', 'pending', 'pending 2098, pending'), ('snoozed', 'snoozed', 'pending 2098, pending 2099')) s (a, b, wanted);
DO $$ BEGIN
    PERFORM ar_inbox.set_thread_status(id, 'open') FROM ids WHERE name IN ('c', 'd');
    PERFORM ar_inbox.assign_thread(pg_temp.id('d'), pg_temp.id('bob'));
END $$;
SELECT is(pg_temp.merge('c', 'd'), 'open [c1 d1] 2 last d1 incoming Bob', 'whoever had the one has both');
SELECT is(pg_temp.undo('d>c'), 'open [d1] 1 last d1 incoming Bob, open [c1] 1 last c1 incoming Bob', 'undone, too');
CALL pg_temp.run($$SELECT ar_inbox.assign_thread(pg_temp.id('c'), pg_temp.id('alice'))$$);
SELECT is(pg_temp.merge('c', 'd'), 'open [c1 d1] 2 last d1 incoming Alice', 'if nobody had the other');
CALL pg_temp.run($$SELECT pg_temp.undo('d>c')$$);

-- chains, undone in both orders
CREATE FUNCTION pg_temp.all_seen() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s [%s]', i.name, (SELECT string_agg(split_part(e.message_id, '@', 1), ' ' ORDER BY e.message_id) FROM ar_inbox.emails e WHERE e.thread_id = i.id)), ', ' ORDER BY i.name)
    FROM ids i WHERE i.name IN ('a', 'b', 'c')
$$;
CREATE FUNCTION pg_temp.undone(VARIADIC merges text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    steps text := '';
    m text;
BEGIN
    FOREACH m IN ARRAY merges LOOP
        PERFORM pg_temp.undo(m);
        steps := steps || '; ' || pg_temp.all_seen();
    END LOOP;
    RETURN substr(steps, 3);
END
$$;
SELECT is(pg_temp.merge('b', 'a'), 'open [a1 b1 a2 a3] 4 last a3 incoming Alice', 'a into b');
SELECT is(pg_temp.merge('c', 'b'), 'open [a1 b1 c1 a2 a3] 5 last a3 incoming Alice', 'b into c');
SELECT is(ar_inbox_internal.current_thread(pg_temp.id('acme'), pg_temp.id('a')), pg_temp.id('c'), 'a stands for c');
SELECT is(pg_temp.refusal(format('SELECT pg_temp.merge(%L, %L)', b, a)), format('IB002 thread %s is merged into another one', pg_temp.id('a')), format('no %s into %s now', a, b))
FROM (VALUES ('d', 'a'), ('a', 'd')) t (a, b);
SAVEPOINT merged;
SELECT is(pg_temp.undone('b>c', 'a>b'), 'a [], b [a1 a2 a3 b1], c [c1]; a [a1 a2], b [a3 b1], c [c1]', 'undone, the last first');
ROLLBACK TO merged;
SELECT is(pg_temp.undone('a>b', 'b>c'), 'a [a1 a2], b [], c [a3 b1 c1]; a [a1 a2], b [a3 b1], c [c1]', 'undone, the first first');
ROLLBACK TO merged;
CALL pg_temp.run($$SELECT pg_temp.undo('a>b')$$);
SELECT is(pg_temp.merge('c', 'a'), 'open [a1 b1 c1 a2 a3] 5 last a3 incoming Alice', 'a on its own again, and into c');
SELECT is(pg_temp.undone('b>c', 'a>c'), 'a [], b [a3 b1], c [a1 a2 c1]; a [a1 a2], b [a3 b1], c [c1]', 'b takes only its own along');

-- splitting
SELECT is(pg_temp.refusal($$SELECT ar_inbox.split_thread(pg_temp.mail('c1'))$$), format('IB002 email %s is the only message of thread %s', pg_temp.mail('c1'), pg_temp.id('c')), 'an only message is not split off');
SELECT is(pg_temp.refusal('SELECT ar_inbox.split_thread(0)'), 'IB001 email 0 does not exist', 'nor an unknown one');
CREATE FUNCTION pg_temp.picture() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(i.name || ' ' || coalesce(pg_temp.seen(i.id), ''), ', ' ORDER BY i.name) FROM ids i WHERE i.name IN ('a', 'b', 'c', 'd')
$$;
CREATE FUNCTION pg_temp.split(mail text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    old bigint := pg_temp.thread_of(mail);
    new_thread bigint := ar_inbox.split_thread(pg_temp.mail(mail));
BEGIN
    INSERT INTO ids VALUES ('split ' || mail, new_thread);
    RETURN concat_ws(', ', pg_temp.seen(old), pg_temp.seen(new_thread));
END
$$;
CREATE TEMP TABLE before AS SELECT pg_temp.picture() AS picture;
DO $$ BEGIN PERFORM ar_inbox.assign_thread(pg_temp.id('a'), pg_temp.id('bob')), ar_inbox.snooze_thread(pg_temp.id('a'), '2099-01-01'); END $$;
UPDATE before SET picture = pg_temp.picture();
SELECT is(pg_temp.split('a2'), 'pending 2099 [a1] 1 last a1 incoming Bob, pending 2099 [a2] 1 last a2 incoming Bob', 'a message is split off, with status, snooze and assignee');
SELECT is((SELECT topic || ' ' || subject FROM ar_inbox.threads WHERE id = pg_temp.id('split a2')), 'message About a2', 'its thread has its subject');
SELECT is(pg_temp.merge('a', 'split a2'), 'pending 2099 [a1 a2] 2 last a2 incoming Bob', 'merged again');
SELECT is(pg_temp.picture(), picture, 'all is as before') FROM before;
SELECT is(pg_temp.undo('split a2>a'), 'pending 2099 [a2] 1 last a2 incoming Bob, pending 2099 [a1] 1 last a1 incoming Bob', 'and split again by undoing that');
CALL pg_temp.run($$SELECT pg_temp.receive('a4', 'a@x.example', 'a2')$$);
SELECT is(pg_temp.seen(pg_temp.id('split a2')), 'open [a2 a4] 2 last a4 incoming Bob', 'an answer to it goes to it');

-- an answer to a message of ours that was split off, to the signed address of the thread that it left in
DO $$ BEGIN
    PERFORM ar_inbox.send_email(pg_temp.id('acme'), '{zoe@x.example}', 'First', 'One.');
    PERFORM ar_inbox.send_email(e.company_id, '{zoe@x.example}', 'Second', 'Two.', thread_id => e.thread_id) FROM ar_inbox.emails e WHERE e.subject = 'First';
END $$;
INSERT INTO ids SELECT 'first', thread_id FROM ar_inbox.emails WHERE subject = 'First';
INSERT INTO ids SELECT 'second', ar_inbox.split_thread(id) FROM ar_inbox.emails WHERE subject = 'Second';
CREATE FUNCTION pg_temp.answer(id text, subject text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.receive(id, 'zoe@x.example', NULL, concat('inbox+', ar_inbox_internal.sign_token(ar_inbox_internal.signing_key(pg_temp.id('acme')), 'r', pg_temp.id('first')), '@acme.example',
        (SELECT E'\r\nIn-Reply-To: <' || e.message_id || '>' FROM ar_inbox.emails e WHERE e.subject = answer.subject)));
    SELECT coalesce((SELECT i.name FROM ids i WHERE i.id = (SELECT e.thread_id FROM ar_inbox.emails e WHERE e.message_id = answer.id || '@x.example') AND i.name IN ('first', 'second', 'z third', 'z other')), 'another')
$$;
SELECT is(pg_temp.answer('z1', 'Second'), 'second', 'an answer to what was split off goes there, though the address names the thread before');
SELECT is(pg_temp.answer('z2', 'First'), 'first', 'one to the rest stays');
SELECT is(pg_temp.answer('z3', 'nothing'), 'first', 'and one that names none');
CALL pg_temp.run($$SELECT pg_temp.receive('y1', 'yan@x.example')$$);
SELECT is(pg_temp.answer('z4', 'About y1'), 'first', 'another thread''s message takes it nowhere');
CALL pg_temp.keep('z third', ar_inbox.split_thread(pg_temp.mail('z1')));
SELECT is(pg_temp.answer('z5', 'About z1'), 'z third', 'split off what was split off');
CALL pg_temp.keep('z other', pg_temp.thread_of('y1'));
CALL pg_temp.keep('z merge', ar_inbox.merge_threads(pg_temp.id('z other'), pg_temp.id('second')));
SELECT is(pg_temp.answer('z6', 'Second'), 'z other', 'or merged into another since');
CALL pg_temp.run($$SELECT ar_inbox.unmerge_threads(pg_temp.id('z merge'))$$);
CALL pg_temp.run($$SELECT ar_inbox.merge_threads(pg_temp.id('first'), pg_temp.id('second'))$$);
SELECT is(pg_temp.answer('z7', 'Second'), 'first', 'brought back it is where it was');

-- split off a merge
CREATE FUNCTION pg_temp.restart() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.merge('b', 'a');
    PERFORM pg_temp.merge('c', 'b');
    RETURN pg_temp.all_seen();
END
$$;
SELECT is(pg_temp.restart(), 'a [], b [], c [a1 a3 b1 c1]', 'a in b in c');
SAVEPOINT chained;
CALL pg_temp.run($$SELECT pg_temp.split('b1')$$);
SELECT is(pg_temp.undone('a>b', 'b>c'), 'a [a1], b [], c [a3 c1]; a [a1], b [a3], c [c1]', 'what was split off stays where it is');
ROLLBACK TO chained;
CALL pg_temp.run($$SELECT pg_temp.split('a1')$$);
SELECT is(pg_temp.refusal($$SELECT pg_temp.undo('a>b')$$), format('IB002 thread %s would be left without a message', pg_temp.id('a')), 'a thread is not left bare');
SELECT is(pg_temp.seen(pg_temp.id('split a1')), 'open [a1] 1 last a1 incoming Alice', 'while its only message is elsewhere');
SAVEPOINT elsewhere;
CALL pg_temp.run($$SELECT pg_temp.merge('d', 'split a1')$$);
SELECT is(pg_temp.refusal($$SELECT pg_temp.undo('a>b')$$), format('IB002 thread %s would be left without a message', pg_temp.id('a')), 'nor while that was merged into another one');
CALL pg_temp.run($$SELECT pg_temp.undo('split a1>d')$$);
CALL pg_temp.run($$SELECT pg_temp.merge('c', 'split a1')$$);
SELECT is(pg_temp.undone('b>c', 'a>b'), 'a [], b [a1 a3 b1], c [c1]; a [a1], b [a3 b1], c [c1]', 'which can be undone');
ROLLBACK TO elsewhere;
CALL pg_temp.run($$SELECT pg_temp.merge('c', 'split a1')$$);
SELECT is(pg_temp.undone('b>c', 'a>b'), 'a [], b [a1 a3 b1], c [c1]; a [a1], b [a3 b1], c [c1]', 'merged again it is where it was, deep down');
ROLLBACK TO chained;
CALL pg_temp.run($$SELECT pg_temp.split('a1')$$);
UPDATE ar_inbox.threads SET customer_id = ar_inbox.create_customer(company_id, 'Found out') WHERE id = pg_temp.id('split a1');
UPDATE ar_inbox.threads SET split_from_id = NULL WHERE split_from_id = pg_temp.id('a') AND id <> pg_temp.id('split a1');
SELECT is(pg_temp.undone('a>b'), 'a [], b [], c [a3 b1 c1]', 'where it cannot come back from there, as it is a customer''s now, it need not');
ROLLBACK TO chained;
CALL pg_temp.run($$SELECT pg_temp.split('c1')$$);
SELECT is(pg_temp.refusal($$SELECT pg_temp.undo('b>c')$$), format('IB002 thread %s would be left without a message', pg_temp.id('c')), 'nor is the one that others are in');
SELECT is(pg_temp.undone('a>b'), 'a [a1], b [], c [a3 b1]', 'while another merge can be undone');
ROLLBACK TO chained;

-- what cannot be merged
CALL pg_temp.run($$SELECT pg_temp.receive('t1', 't@x.example', NULL, 'inbox@other.example')$$);
INSERT INTO ids SELECT 'theirs', e.thread_id FROM ar_inbox.emails e WHERE e.company_id = pg_temp.id('other');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.merge_threads(%L, %L)', a, b)), wanted, what)
FROM (SELECT pg_temp.id('c') AS c, pg_temp.id('d') AS d, pg_temp.id('theirs') AS t) i,
LATERAL (VALUES (c, c, format('IB002 thread %s cannot be merged into itself', c), 'a thread into itself'),
    (c, 0, 'IB001 thread 0 does not exist', 'one that is unknown'), (0, c, 'IB001 thread 0 does not exist', 'into one that is unknown'),
    (c, NULL, 'IB001 thread NULL does not exist', 'NULL'), (NULL, c, 'IB001 thread NULL does not exist', 'into NULL'),
    (c, t, format('IB001 thread %s does not exist', t), 'another company''s'), (t, c, format('IB001 thread %s does not exist', c), 'into another company''s')) v (a, b, wanted, what);
SELECT is(pg_temp.refusal('SELECT ar_inbox.unmerge_threads(0)'), 'IB001 merge 0 does not exist', 'an unknown merge');

-- customers and invoices
CALL pg_temp.keep('bill 1', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', '2030-01-01', '2030-01-31'));
CALL pg_temp.keep('bill 2', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', '2030-01-01', '2030-01-31'));
CALL pg_temp.keep('bill 3', ar_inbox.create_invoice(pg_temp.id('initech'), '[{"description": "Work", "unit_price": 100}]', '2030-01-01', '2030-01-31'));
DO $$ BEGIN
    PERFORM ar_inbox.issue_invoice(id) FROM ids WHERE name LIKE 'bill %';
    INSERT INTO ids SELECT 'thread of ' || name, ar_inbox_internal.invoice_thread(pg_temp.id('acme'), id) FROM ids WHERE name LIKE 'bill %';
    INSERT INTO ids SELECT 'thread of ' || name, ar_inbox_internal.customer_thread(pg_temp.id('acme'), id) FROM ids WHERE name IN ('globex', 'initech');
END $$;
SELECT is(pg_temp.refusal(format('SELECT pg_temp.merge(%L, %L)', 'thread of ' || a, 'thread of ' || b)), format('IB002 threads %s and %s are with different customers', pg_temp.id('thread of ' || a), pg_temp.id('thread of ' || b)), format('%s and %s', a, b))
FROM (VALUES ('bill 1', 'bill 3'), ('globex', 'initech'), ('bill 3', 'globex')) t (a, b);
SELECT is(pg_temp.refusal($$SELECT pg_temp.merge('d', 'thread of globex')$$), format('IB002 thread %s is with a customer, thread %s is not', pg_temp.id('thread of globex'), pg_temp.id('d')), 'a customer''s into a stranger''s');
SELECT is(pg_temp.merge('thread of globex', 'd'), 'open [d1] 1 last d1 incoming Bob', 'but a stranger''s into a customer''s');
SELECT is(pg_temp.merge('thread of bill 1', 'thread of globex'), 'open [d1] 1 last d1 incoming Bob', 'a customer''s into an invoice''s');
SELECT is(pg_temp.merge('thread of bill 1', 'thread of bill 2'), 'open [d1] 1 last d1 incoming Bob', 'an invoice''s into another one''s of the same customer');
SELECT is(ar_inbox_internal.invoice_thread(pg_temp.id('acme'), pg_temp.id('bill 2')), pg_temp.id('thread of bill 1'), 'an invoice''s thread is the one it is in');
SELECT is(ar_inbox_internal.customer_thread(pg_temp.id('acme'), pg_temp.id('globex')), pg_temp.id('thread of bill 1'), 'a customer''s too');
CALL pg_temp.run($$SELECT ar_inbox.chase_invoice(pg_temp.id('bill 2'), '[{"trigger": "after_due", "days": 1, "hour": 9, "channels": ["email"]}]', at => '2030-01-01')$$);
SELECT is((SELECT outcome FROM ar_inbox.fire_due_steps('2030-02-02')), 'sending', 'a reminder is sent');
SELECT is((SELECT thread_id FROM ar_inbox.emails WHERE template IS NOT NULL AND company_id = pg_temp.id('acme')), pg_temp.id('thread of bill 1'), 'in that thread');
CALL pg_temp.run($$SELECT pg_temp.receive('g9', 'ap@globex.example')$$);
SELECT is(pg_temp.thread_of('g9'), pg_temp.id('thread of bill 1'), 'and the customer''s mail is there');

-- without a member
CALL pg_temp.run($$SELECT pg_temp.letters('{e,f}')$$);
SELECT is(ar_inbox_internal.may_merge_by_itself(pg_temp.id('acme'), pg_temp.id(a), pg_temp.id(b)), wanted, format('%s and %s by itself: %s', a, b, wanted))
FROM (VALUES ('e', 'f', true), ('e', 'e', false), ('e', 'thread of bill 3', false), ('c', 'e', true), ('b', 'e', false)) v (a, b, wanted);
CALL pg_temp.keep('auto', ar_inbox_internal.merge(pg_temp.id('acme'), pg_temp.id('e'), pg_temp.id('f'), NULL));
SELECT is(member_id, NULL, 'a merge of no member') FROM ar_inbox.thread_merges WHERE id = pg_temp.id('auto');
CALL pg_temp.run($$SELECT ar_inbox.unmerge_threads(pg_temp.id('auto'))$$);
SELECT is(ar_inbox_internal.may_merge_by_itself(pg_temp.id('acme'), pg_temp.id('f'), pg_temp.id('e')), false, 'what a member has parted is not merged by itself again');

-- A message that is written into a thread that is merged by then.
CALL pg_temp.run($$SELECT pg_temp.merge('e', 'f')$$);
DO $$ BEGIN
    INSERT INTO ar_inbox.emails (company_id, thread_id, direction, message_id, sent_at, occurred_at)
    VALUES (pg_temp.id('acme'), pg_temp.id('f'), 'incoming', 'late@x.example', now(), clock_timestamp());
END $$;
SELECT is(pg_temp.seen(pg_temp.id('e')), 'open [e1 f1 late] 3 last late incoming', 'it is in the thread in force');
SELECT is(pg_temp.seen(pg_temp.id('f')), 'closed [] 0 merged into e', 'not in the one at rest');

-- Thousands of merges, splits, undoings and arrivals against a model: each
-- thread hangs below another one or is in force, each message has a home.
CREATE TEMP TABLE model_threads (id bigint PRIMARY KEY, parent bigint, split_from bigint);
CREATE TEMP TABLE model_emails (id bigint PRIMARY KEY, home bigint NOT NULL);
CREATE TEMP TABLE model_notes (id bigint PRIMARY KEY, home bigint NOT NULL);
CREATE INDEX ON model_threads (parent);
CREATE INDEX ON model_emails (home);
CREATE INDEX ON model_notes (home);
CREATE FUNCTION pg_temp.root(thread bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    up bigint;
BEGIN
    LOOP
        SELECT parent INTO up FROM model_threads WHERE id = thread;
        IF up IS NULL THEN
            RETURN thread;
        END IF;
        thread := up;
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.below(top bigint) RETURNS SETOF bigint LANGUAGE sql AS $$
    WITH RECURSIVE b AS (SELECT top AS id UNION ALL SELECT m.id FROM b JOIN model_threads m ON m.parent = b.id) SELECT id FROM b
$$;
CREATE FUNCTION pg_temp.arrive(thread bigint) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO ar_inbox.emails (company_id, thread_id, direction, message_id, sent_at, occurred_at)
    VALUES (pg_temp.id('acme'), thread, 'incoming', gen_random_uuid() || '@model', now(), '2030-01-01'::timestamptz + floor(random() * 1000) * interval '1 hour')
    RETURNING id
$$;
CREATE FUNCTION pg_temp.people(threads integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    thread bigint;
    mail bigint;
BEGIN
    TRUNCATE model_threads, model_emails, model_notes;
    FOR i IN 1 .. threads LOOP
        INSERT INTO ar_inbox.threads (company_id, topic) VALUES (pg_temp.id('acme'), 'message') RETURNING id INTO thread;
        INSERT INTO model_threads VALUES (thread);
        FOR j IN 1 .. 1 + floor(random() * 5) LOOP
            mail := pg_temp.arrive(thread);
            INSERT INTO model_emails VALUES (mail, thread);
        END LOOP;
        mail := ar_inbox.add_note(thread, 'n');
        INSERT INTO model_notes VALUES (mail, thread);
    END LOOP;
    -- nobody else can, as long as this transaction runs
    ANALYZE model_threads, model_emails, model_notes, ar_inbox.threads, ar_inbox.emails, ar_inbox.notes, ar_inbox.thread_merges;
END
$$;
-- What is not as the model has it.
CREATE FUNCTION pg_temp.wrong() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('email %s is in thread %s', e.id, e.thread_id) FROM model_emails m JOIN ar_inbox.emails e ON e.id = m.id WHERE e.thread_id <> pg_temp.root(m.home)
    UNION ALL
    SELECT format('note %s is in thread %s', n.id, n.thread_id) FROM model_notes m JOIN ar_inbox.notes n ON n.id = m.id WHERE n.thread_id <> pg_temp.root(m.home)
    UNION ALL
    SELECT format('thread %s is merged into %s', t.id, t.merged_into_id) FROM model_threads m JOIN ar_inbox.threads t ON t.id = m.id WHERE t.merged_into_id IS DISTINCT FROM m.parent
    UNION ALL
    SELECT format('thread %s has %s messages, last %s at %s', t.id, t.message_count, t.last_email_id, t.last_message_at)
    FROM model_threads m JOIN ar_inbox.threads t ON t.id = m.id
    LEFT JOIN LATERAL (SELECT count(*) OVER () AS n, e.id, e.occurred_at, e.direction FROM ar_inbox.emails e WHERE e.thread_id = t.id ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1) l ON true
    WHERE (t.message_count, t.last_email_id, t.last_message_at, t.last_direction) IS DISTINCT FROM (coalesce(l.n, 0), l.id, l.occurred_at, l.direction)
    UNION ALL
    SELECT format('thread %s is current thread %s', m.id, ar_inbox_internal.current_thread(pg_temp.id('acme'), m.id)) FROM model_threads m
    WHERE ar_inbox_internal.current_thread(pg_temp.id('acme'), m.id) IS DISTINCT FROM pg_temp.root(m.id)
    UNION ALL
    SELECT format('merge of %s would give back %s', t.id, g.email_ids) FROM model_threads t
    LEFT JOIN ar_inbox.thread_merges g ON g.from_thread_id = t.id AND g.undone_at IS NULL
    WHERE t.parent IS NOT NULL AND (
        (SELECT array_agg(x ORDER BY x) FROM unnest(g.email_ids) x) IS DISTINCT FROM (SELECT array_agg(e.id ORDER BY e.id) FROM model_emails e WHERE e.home = ANY (ARRAY(SELECT pg_temp.below(t.id))))
        OR (SELECT array_agg(x ORDER BY x) FROM unnest(g.note_ids) x) IS DISTINCT FROM (SELECT array_agg(n.id ORDER BY n.id) FROM model_notes n WHERE n.home = ANY (ARRAY(SELECT pg_temp.below(t.id))))
        OR g.into_thread_id <> t.parent)
$$;
CREATE FUNCTION pg_temp.bare(thread bigint, without bigint) RETURNS boolean LANGUAGE sql AS $$
    -- whether it would be without a message that was split off it
    SELECT NOT EXISTS (SELECT 1 FROM model_emails e WHERE e.home IN (SELECT pg_temp.below(thread)) AND (without IS NULL OR e.home NOT IN (SELECT pg_temp.below(without))))
        AND EXISTS (SELECT 1 FROM model_threads m WHERE m.split_from = thread AND (m.parent IS NULL
            OR (pg_temp.root(m.id) <> pg_temp.root(thread) AND EXISTS (SELECT 1 FROM model_emails e WHERE e.home IN (SELECT pg_temp.below(m.id))))))
$$;
CREATE TEMP TABLE done (step serial, kind text, a bigint, b bigint);
-- One act at random; what it did, or why it was refused.
CREATE FUNCTION pg_temp.act(kinds text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    kind text := kinds[1 + floor(random() * cardinality(kinds))];
    a bigint;
    b bigint;
    top bigint;
    made bigint;
    outcome text;
BEGIN
    IF kind = 'merge' THEN
        SELECT m.id INTO a FROM model_threads m WHERE m.parent IS NULL ORDER BY random() LIMIT 1;
        SELECT m.id INTO b FROM model_threads m WHERE m.parent IS NULL AND m.id <> a ORDER BY random() LIMIT 1;
        IF b IS NULL THEN
            RETURN 'nothing to merge';
        END IF;
        made := ar_inbox.merge_threads(a, b);
        UPDATE model_threads SET parent = CASE WHEN split_from IS NOT NULL AND pg_temp.root(split_from) = a THEN split_from ELSE a END WHERE id = b;
        INSERT INTO done (kind, a, b) VALUES ('merge', made, b);
        RETURN 'merged';
    ELSIF kind = 'unmerge' THEN
        SELECT m.id, g.id INTO a, b FROM model_threads m JOIN ar_inbox.thread_merges g ON g.from_thread_id = m.id AND g.undone_at IS NULL
        WHERE m.parent IS NOT NULL ORDER BY random() LIMIT 1;
        IF a IS NULL THEN
            RETURN 'nothing to undo';
        END IF;
        outcome := pg_temp.refusal(format('SELECT ar_inbox.unmerge_threads(%s)', b));
        IF pg_temp.bare(a, NULL) OR pg_temp.bare(pg_temp.root(a), a) THEN
            RETURN CASE WHEN outcome LIKE 'IB002 % without a message' THEN 'bare' ELSE format('WRONG undoing merge %s: %s', b, outcome) END;
        END IF;
        UPDATE model_threads SET parent = NULL WHERE id = a;
        RETURN CASE outcome WHEN 'accepted' THEN 'undone' ELSE format('WRONG undoing merge %s: %s', b, outcome) END;
    ELSIF kind = 'split' THEN
        SELECT m.id, m.home, pg_temp.root(m.home) INTO a, b, top FROM model_emails m ORDER BY random() LIMIT 1;
        IF (SELECT count(*) FROM ar_inbox.emails e WHERE e.thread_id = top) = 1 THEN
            outcome := pg_temp.refusal(format('SELECT ar_inbox.split_thread(%s)', a));
            RETURN CASE WHEN outcome LIKE 'IB002 % the only message %' THEN 'single' ELSE format('WRONG splitting %s: %s', a, outcome) END;
        END IF;
        made := ar_inbox.split_thread(a);
        INSERT INTO model_threads VALUES (made, NULL, b);
        UPDATE model_emails SET home = made WHERE id = a;
        INSERT INTO done (kind, a, b) VALUES ('split', top, made);
        RETURN 'split';
    ELSE
        SELECT m.id INTO a FROM model_threads m WHERE m.parent IS NULL ORDER BY random() LIMIT 1;
        made := pg_temp.arrive(a);
        INSERT INTO model_emails VALUES (made, a);
        RETURN 'arrived';
    END IF;
END
$$;
CREATE FUNCTION pg_temp.acts(rounds integer, each integer, kinds text[]) RETURNS TABLE (outcome text, times bigint) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE outcomes (outcome text);
    FOR i IN 1 .. rounds LOOP
        FOR j IN 1 .. each LOOP
            INSERT INTO outcomes SELECT pg_temp.act(kinds);
        END LOOP;
        INSERT INTO outcomes SELECT 'WRONG ' || w FROM pg_temp.wrong() w;
        EXIT WHEN EXISTS (SELECT 1 FROM outcomes o WHERE o.outcome LIKE 'WRONG%');
    END LOOP;
    RETURN QUERY SELECT o.outcome, count(*) FROM outcomes o GROUP BY 1;
    DROP TABLE outcomes;
END
$$;
SELECT setseed(0.31);
CALL pg_temp.run('SELECT pg_temp.people(16)');
CREATE TEMP TABLE played AS SELECT * FROM pg_temp.acts(30, 50, '{merge,merge,unmerge,unmerge,split,arrive}');
SELECT is_empty($$SELECT outcome FROM played WHERE outcome LIKE 'WRONG%'$$, '1,500 acts at random: every message in one thread in force, counts and last messages right');
SELECT is((SELECT sum(times) FROM played), 1500::numeric, 'all of them were played');
SELECT is_empty($$SELECT kind FROM unnest('{merged,undone,split,arrived,bare}'::text[]) kind WHERE kind NOT IN (SELECT outcome FROM played)$$, 'each kind of them, refusals too');

-- Undoing all of it, the last first, gives back what there was.
CREATE TEMP TABLE firsts (id bigint);
CREATE FUNCTION pg_temp.whole() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(concat_ws('|', t.id, t.status, t.snoozed_until, t.assignee_id, t.merged_into_id, t.message_count, t.last_email_id, t.last_message_at, t.last_direction,
        (SELECT string_agg(e.id::text, ',' ORDER BY e.id) FROM ar_inbox.emails e WHERE e.thread_id = t.id),
        (SELECT string_agg(n.id::text, ',' ORDER BY n.id) FROM ar_inbox.notes n WHERE n.thread_id = t.id)), E'\n' ORDER BY t.id))
    FROM ar_inbox.threads t JOIN firsts f ON f.id = t.id
$$;
CREATE FUNCTION pg_temp.undo_all(rounds integer, each integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    start text;
    d record;
    w text;
BEGIN
    FOR i IN 1 .. rounds LOOP
        PERFORM pg_temp.people(6);
        TRUNCATE done, firsts;
        INSERT INTO firsts SELECT id FROM model_threads;
        start := pg_temp.whole();
        FOR j IN 1 .. each LOOP
            PERFORM pg_temp.act('{merge,split}');
        END LOOP;
        FOR w IN SELECT pg_temp.wrong() LOOP
            RETURN NEXT w;
        END LOOP;
        FOR d IN SELECT * FROM done ORDER BY step DESC LOOP
            IF d.kind = 'merge' THEN
                PERFORM ar_inbox.unmerge_threads(d.a);
            ELSE
                PERFORM ar_inbox.merge_threads(d.a, d.b);
            END IF;
        END LOOP;
        IF pg_temp.whole() <> start THEN
            RETURN NEXT format('round %s', i);
        END IF;
    END LOOP;
END
$$;
SELECT is_empty('SELECT pg_temp.undo_all(12, 20)', '240 merges and splits in 12 rounds, undone, the last first: as it was before');

-- Merges alone are undone in any order.
CREATE FUNCTION pg_temp.undo_in_any_order(rounds integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    start text;
    d record;
BEGIN
    FOR i IN 1 .. rounds LOOP
        PERFORM pg_temp.people(8);
        TRUNCATE done, firsts;
        INSERT INTO firsts SELECT id FROM model_threads;
        start := pg_temp.whole();
        FOR j IN 1 .. 7 LOOP
            PERFORM pg_temp.act('{merge}');
        END LOOP;
        FOR d IN SELECT * FROM done ORDER BY random() LOOP
            PERFORM ar_inbox.unmerge_threads(d.a);
            UPDATE model_threads SET parent = NULL WHERE id = d.b;
            RETURN QUERY SELECT pg_temp.wrong();
        END LOOP;
        IF pg_temp.whole() <> start THEN
            RETURN NEXT format('round %s', i);
        END IF;
    END LOOP;
END
$$;
SELECT is_empty('SELECT pg_temp.undo_in_any_order(12)', '84 merges in 12 rounds, undone in any order: as it was before');

SELECT finish();
ROLLBACK;
