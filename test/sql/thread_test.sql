\set ECHO none
-- Working threads: status, snooze, notes with files, spam.
\i test/lib/pgtap.sql
SELECT plan(87);

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


CREATE FUNCTION pg_temp.state(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', t.status, to_char(t.snoozed_until, 'YYYY-MM-DD'), CASE WHEN t.spam_at IS NOT NULL THEN 'spam' END)
    FROM ar_inbox.threads t WHERE t.id = pg_temp.thread_of(name)
$$;
CREATE FUNCTION pg_temp.call(statement text, name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(statement, pg_temp.thread_of(name));
    RETURN pg_temp.state(name);
END
$$;
DO $$ BEGIN
    PERFORM pg_temp.receive('s1', 'stranger@x.example'), pg_temp.receive('s2', 'Other <second@y.example>', 's1'), pg_temp.receive('g1', 'ap@globex.example');
END $$;

-- snooze
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, ''2099-05-01'')', 's1'), 'pending 2099-05-01', 'a thread is put away until a day');
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, ''2099-06-01'')', 's1'), 'pending 2099-06-01', 'until another one');
SELECT is(pg_temp.call('SELECT ar_inbox.set_thread_status(%s, ''pending'')', 's1'), 'pending', 'pending by hand is pending for good');
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, ''2099-06-01'')', 's1'), 'pending 2099-06-01', 'snoozed again');
SELECT is(pg_temp.call('SELECT ar_inbox.set_thread_status(%s, ''closed'')', 's1'), 'closed', 'closed by hand: not snoozed');
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, NULL)', 's1'), 'closed', 'there is no snooze to end');
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, ''2099-06-01'')', 's1'), 'pending 2099-06-01', 'a closed thread can be snoozed');
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, NULL)', 's1'), 'open', 'ended, it is open');
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, ''2099-06-01'')', 's1'), 'pending 2099-06-01', 'snoozed again');
CALL pg_temp.run($$SELECT pg_temp.receive('s3', 'stranger@x.example', 's2')$$);
SELECT is(pg_temp.state('s1'), 'open', 'an answer ends it');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.snooze_thread(%s, %L)', pg_temp.thread_of('s1'), moment)), '22023 ' || message, 'not until ' || moment)
FROM (VALUES ('2001-01-01', 'until 2001-01-01 00:00:00+00 is not in the future'), ('infinity', 'until infinity is no moment'), ('-infinity', 'until -infinity is not in the future')) m (moment, message);
SELECT is(pg_temp.refusal($$SELECT ar_inbox.snooze_thread(0, '2099-01-01')$$), 'IB001 thread 0 does not exist', 'an unknown thread');
SELECT is((SELECT array_agg(format('%s>%s', left(before #>> '{}', 10), left(after #>> '{}', 10)) ORDER BY id) FROM ar_inbox.events WHERE subject = 'thread' AND subject_id = pg_temp.thread_of('s1') AND action = 'snoozed'),
    ARRAY['>2099-05-01', '2099-05-01>2099-06-01', '>2099-06-01', '>2099-06-01', '2099-06-01>', '>2099-06-01'], 'each is written down');

-- it opens by itself
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, ''2099-06-01'')', 's1'), 'pending 2099-06-01', 'one is snoozed');
SELECT is(pg_temp.call('SELECT ar_inbox.snooze_thread(%s, ''2099-06-02'')', 'g1'), 'pending 2099-06-02', 'and another');
SELECT is(ar_inbox_internal.next_wake(armed => false), '2099-06-01', 'the worker wakes for the first, armed or not');
SELECT is(ar_inbox_internal.wake_threads('2099-05-31 23:59:59', 10), 0, 'before the time nothing is woken');
SELECT is(ar_inbox_internal.wake_threads('2099-06-03', 0), 0, 'nor more than are wanted');
SELECT is(ar_inbox_internal.wake_threads('2099-06-03', 1), 1, 'one of them');
SELECT is(pg_temp.state('s1') || ', ' || pg_temp.state('g1'), 'open, pending 2099-06-02', 'the one that was due first');
SELECT is(ar_inbox_internal.wake_threads('2099-06-02', 10), 1, 'at its very moment');
SELECT is(pg_temp.state('g1'), 'open', 'it is open');
SELECT is(ar_inbox_internal.wake_threads('2099-06-03', 10), 0, 'and not woken again');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE action = 'woke up'), 2::bigint, 'both are written down');

-- notes with files
CALL pg_temp.keep('pdf', ar_inbox_internal.store_file(pg_temp.id('acme'), 'a.pdf', 'application/pdf', '%PDF-'));
CALL pg_temp.keep('text', ar_inbox_internal.store_file(pg_temp.id('acme'), 'b.txt', 'text/plain', 'b'));
CALL pg_temp.keep('theirs', ar_inbox_internal.store_file(pg_temp.id('other'), 'a.pdf', 'application/pdf', '%PDF-'));
CALL pg_temp.keep('note', ar_inbox.add_note(pg_temp.thread_of('s1'), 'See both.', ARRAY[pg_temp.id('text'), pg_temp.id('pdf')]));
SELECT results_eq($$SELECT a.position || ' ' || f.name FROM ar_inbox.attachments a JOIN ar_inbox.files f ON f.id = a.file_id WHERE a.note_id = pg_temp.id('note') ORDER BY a.position$$,
    ARRAY['1 b.txt', '2 a.pdf'], 'files hang on a note in their order');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.add_note(%s, ''n'', ARRAY[%s, %s])', pg_temp.thread_of('s1'), pg_temp.id('pdf'), pg_temp.id('theirs'))),
    format('IB001 file %s does not exist', pg_temp.id('theirs')), 'another company''s file reads like none');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.add_note(%s, ''n'', ARRAY[NULL]::bigint[])', pg_temp.thread_of('s1'))), '22004 attachments contains NULL', 'file NULL');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.add_note(%s, ''n'', ''{{1},{2}}'')', pg_temp.thread_of('s1'))), '22023 attachments is an array of arrays', 'an array of arrays');
SELECT is((SELECT count(*) FROM ar_inbox.notes), 1::bigint, 'what is refused leaves no note');
SAVEPOINT twice;
CALL pg_temp.keep('named twice', ar_inbox.add_note(pg_temp.thread_of('s1'), 'n', ARRAY[pg_temp.id('pdf'), pg_temp.id('pdf')]));
SELECT is((SELECT count(*) FROM ar_inbox.attachments a WHERE a.note_id = pg_temp.id('named twice')), 1::bigint, 'a file that is named twice hangs on it once');
ROLLBACK TO twice;
SELECT is((SELECT count(*) FROM ar_inbox.attachments WHERE note_id = ar_inbox.add_note(pg_temp.thread_of('s1'), 'n', '{}')), 0::bigint, 'no files are none');

-- spam
CREATE FUNCTION pg_temp.spammers() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(s.address::text, ' ' ORDER BY s.address::text) FROM ar_inbox.spam_senders s
$$;
DO $$ BEGIN
    PERFORM pg_temp.receive('s4', 'alice@acme.example', 's1'), pg_temp.receive('s5', 'ap@globex.example', 's1'), pg_temp.receive('s6', 'inbox+x@acme.example', 's1'),
        pg_temp.receive('s7', 'STRANGER@x.example', 's1');
END $$;
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s)', 's1'), 'open spam', 'a thread is marked as spam');
SELECT is(pg_temp.spammers(), 'alice@acme.example second@y.example stranger@x.example', 'and its senders, but no customer and none of our own addresses');
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s)', 's1'), 'open spam', 'marked again');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE action = 'spam'), 1::bigint, 'is the same');
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s, false)', 's1'), 'open', 'taken back');
SELECT is(pg_temp.spammers(), NULL, 'its senders are strangers again');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s)', pg_temp.thread_of('g1'))), format('IB002 thread %s is the conversation about an invoice or a customer', pg_temp.thread_of('g1')), 'a customer''s thread is none');
CALL pg_temp.keep('merge', ar_inbox.merge_threads(pg_temp.thread_of('g1'), pg_temp.thread_of('s1')));
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s)', pg_temp.thread_of('s1'))), format('IB002 thread %s is the conversation about an invoice or a customer', pg_temp.thread_of('g1')), 'nor what was merged into it');
CALL pg_temp.run($$SELECT ar_inbox.unmerge_threads(pg_temp.id('merge'))$$);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s, NULL)', pg_temp.thread_of('g1'))), '22004 spam is NULL', 'spam NULL');
SELECT is(pg_temp.refusal('SELECT ar_inbox.mark_spam(0)'), 'IB001 thread 0 does not exist', 'an unknown thread');
-- what is merged or split off keeps the mark, and loses it alike
CALL pg_temp.run($$SELECT pg_temp.receive('t1', 'third@y.example')$$);
CALL pg_temp.keep('below', pg_temp.thread_of('t1'));
CALL pg_temp.keep('merge 2', ar_inbox.merge_threads(pg_temp.thread_of('s1'), pg_temp.thread_of('t1')));
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s)', 's1'), 'open spam', 'a thread with another in it is marked');
CALL pg_temp.run($$SELECT ar_inbox.unmerge_threads(pg_temp.id('merge 2'))$$);
SELECT is(pg_temp.state('t1'), 'open spam', 'the other is marked with it');
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s, false)', 't1'), 'open', 'and taken back by itself');
SELECT is(pg_temp.spammers(), 'alice@acme.example second@y.example stranger@x.example', 'with its sender');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.merge_threads(%s, %s)', pg_temp.thread_of('s1'), pg_temp.thread_of('t1'))),
    format('IB002 thread %s is marked as spam, thread %s is not', pg_temp.thread_of('s1'), pg_temp.thread_of('t1')), 'spam and what is none stay apart');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.merge_threads(%s, %s)', pg_temp.thread_of('t1'), pg_temp.thread_of('s1'))),
    format('IB002 thread %s is marked as spam, thread %s is not', pg_temp.thread_of('s1'), pg_temp.thread_of('t1')), 'whichever way');
CALL pg_temp.run($$SELECT ar_inbox.split_thread(pg_temp.mail('s2'))$$);
SELECT is(pg_temp.state('s2'), 'open spam', 'what is split off spam is spam');
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s, false)', 's2'), 'open', 'until it is said not to be');
SELECT is(pg_temp.spammers(), 'alice@acme.example stranger@x.example', 'its sender is free');
SELECT is(pg_temp.state('s1'), 'open spam', 'the rest is as it was');

-- what was written for later in it does not leave
CALL pg_temp.run($$SELECT pg_temp.receive('w1', 'offer@y.example')$$);
CALL pg_temp.keep('now', ar_inbox.reply(pg_temp.thread_of('w1'), 'Please stop.'));
CALL pg_temp.keep('wanted', ar_inbox.reply(pg_temp.thread_of('w1'), 'Well?', send_at => now() + interval '1 day', cancel_on_answer => false));
CALL pg_temp.keep('elsewhere', ar_inbox.reply(pg_temp.thread_of('t1'), 'Well?', send_at => now() + interval '1 day'));
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s)', 'w1'), 'open spam', 'a thread with something scheduled is marked');
SELECT results_eq($$SELECT concat_ws(' ', i.name, d.state, d.reason, (SELECT string_agg(r.state::text, ',') FROM ar_inbox.email_recipients r WHERE r.email_id = d.email_id),
        (SELECT string_agg(concat_ws(' ', v.action, v.after), ',') FROM ar_inbox.events v WHERE v.subject = 'email' AND v.subject_id = d.email_id))
    FROM ids i JOIN ar_inbox.deliveries d ON d.email_id = i.id WHERE i.name IN ('now', 'wanted', 'elsewhere') ORDER BY i.name$$,
    ARRAY['elsewhere queued queued', 'now queued queued', 'wanted cancelled the conversation is spam cancelled cancelled "the conversation is spam"'],
    'that is cancelled, and nothing else');
SELECT is(pg_temp.call('SELECT ar_inbox.mark_spam(%s, false)', 'w1'), 'open', 'taken back');
SELECT is((SELECT state::text FROM ar_inbox.deliveries WHERE email_id = pg_temp.id('wanted')), 'cancelled', 'it stays cancelled');

-- somebody leaves the company
CALL pg_temp.keep('carol', ar_inbox.create_member(pg_temp.id('acme'), 'Carol', 'carol@acme.example'));
DO $$ BEGIN
    PERFORM pg_temp.receive(m, m || '@y.example') FROM unnest(ARRAY['a1', 'a2', 'a3', 'a4', 'a5']) m;
    PERFORM ar_inbox.assign_thread(pg_temp.thread_of(m), pg_temp.id(CASE m WHEN 'a4' THEN 'bob' ELSE 'carol' END)) FROM unnest(ARRAY['a1', 'a2', 'a3', 'a4', 'a5']) m;
    PERFORM ar_inbox.snooze_thread(pg_temp.thread_of('a2'), '2099-06-01'), ar_inbox.set_thread_status(pg_temp.thread_of('a3'), 'closed');
END $$;
CALL pg_temp.keep('merge 3', ar_inbox.merge_threads(pg_temp.thread_of('a4'), pg_temp.thread_of('a5')));
CREATE FUNCTION pg_temp.assigned(VARIADIC names text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', n, t.status, m.name), ', ' ORDER BY n)
    FROM unnest(names) n JOIN ar_inbox.threads t ON t.id = pg_temp.thread_of(n) LEFT JOIN ar_inbox.members m ON m.id = t.assignee_id
$$;
SELECT is(pg_temp.assigned('a1', 'a2', 'a3', 'a4'), 'a1 open Carol, a2 pending Carol, a3 closed Carol, a4 open Bob', 'threads that are assigned');
SELECT lives_ok($$SELECT ar_inbox.change_member(pg_temp.id('carol'), removed => true)$$, 'to a member who is removed');
SELECT is(pg_temp.assigned('a1', 'a2', 'a3', 'a4'), 'a1 open, a2 pending, a3 closed Carol, a4 open Bob', 'are nobody''s, but for what is done');
SELECT is((SELECT string_agg(concat_ws(' ', v.before = to_jsonb(pg_temp.id('carol')), v.after IS NULL), ', ') FROM ar_inbox.events v
    WHERE v.subject = 'thread' AND v.action = 'assignee' AND v.before IS NOT NULL AND v.subject_id IN (pg_temp.thread_of('a1'), pg_temp.thread_of('a2'))), 't t, t t', 'as an event of each says');
CALL pg_temp.run($$SELECT ar_inbox.unmerge_threads(pg_temp.id('merge 3'))$$);
SELECT is(pg_temp.assigned('a5'), 'a5 open', 'nor does an undone merge bring it back');
CALL pg_temp.run($$SELECT pg_temp.receive('a6', 'a3@y.example', 'a3')$$);
SELECT is(pg_temp.assigned('a3'), 'a3 open', 'what was done and is opened again is nobody''s');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.assign_thread(%s, %s)', pg_temp.thread_of('a3'), pg_temp.id('carol'))), format('IB001 member %s does not exist', pg_temp.id('carol')), 'nobody is assigned to who has left');
DO $$ BEGIN
    PERFORM ar_inbox.assign_thread(pg_temp.thread_of('a3'), pg_temp.id('bob')), ar_inbox.set_thread_status(pg_temp.thread_of('a3'), 'closed');
    PERFORM pg_temp.receive('a7', 'a3@y.example', 'a3');
END $$;
SELECT is(pg_temp.assigned('a3'), 'a3 open Bob', 'what a member did is that one''s again');

-- whose history a conversation is in
CREATE FUNCTION pg_temp.with_whom(thread bigint) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(c.name, 'nobody') FROM ar_inbox.threads t LEFT JOIN ar_inbox.customers c ON c.id = t.customer_id WHERE t.id = thread
$$;
CREATE FUNCTION pg_temp.written(recipients text, cc text DEFAULT '{}', bcc text DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.send_email(pg_temp.id('acme'), recipients::ar_inbox.email_address[], 'Hello', 'Hello', cc::ar_inbox.email_address[], bcc::ar_inbox.email_address[]);
BEGIN
    RETURN (SELECT pg_temp.with_whom(e.thread_id) FROM ar_inbox.emails e WHERE e.id = mail);
END
$$;
DO $$ BEGIN
    PERFORM ar_inbox.create_contact(pg_temp.id('globex'), 'Carl', 'carl@globex.example'), ar_inbox.create_contact(pg_temp.id('globex'), 'Both', 'both@books.example'),
        ar_inbox.create_contact(pg_temp.id('initech'), 'Both', 'both@books.example');
END $$;
SELECT is(pg_temp.written('{new@y.example}'), 'nobody', 'what is written to a stranger is with nobody');
SELECT is(pg_temp.written('{new@y.example,CARL@globex.example}', '{ap@globex.example}'), 'Globex', 'to contacts of a customer: with that one');
SELECT is(pg_temp.written('{new@y.example}', bcc => '{ap@globex.example}'), 'Globex', 'a copy will do');
SELECT is(pg_temp.written('{carl@globex.example}', '{pay@initech.example}'), 'nobody', 'of two customers: with neither');
SELECT is(pg_temp.written('{both@books.example}'), 'nobody', 'nor where one person is two customers''');
CALL pg_temp.keep('mail to carl', ar_inbox.send_email(pg_temp.id('acme'), '{carl@globex.example}', 'Only Carl', 'Hello'));
INSERT INTO ids SELECT 'to carl', e.thread_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id('mail to carl');
SELECT is((SELECT count(*) FROM ar_inbox.recent_emails(pg_temp.id('globex')) r WHERE r.thread_subject = 'Only Carl'), 1::bigint, 'it is in the customer''s history');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s)', pg_temp.id('to carl'))), format('IB002 thread %s is the conversation about an invoice or a customer', pg_temp.id('to carl')), 'and no spam');
-- a stranger who becomes a customer
DO $$ BEGIN
    PERFORM pg_temp.receive('n1', 'nell@later.example'), pg_temp.receive('m1', 'nell@later.example'), pg_temp.receive('m2', 'other@later.example', 'm1');
    PERFORM ar_inbox.reply(pg_temp.thread_of('n1'), 'Who are you?', '{nell@later.example,guest@y.example}'), ar_inbox.create_contact(pg_temp.id('globex'), 'Nell', 'nell@later.example');
END $$;
SELECT is(pg_temp.with_whom(pg_temp.thread_of('n1')), 'nobody', 'a stranger''s letters');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_spam(%s)', pg_temp.thread_of('n1'))), format('IB002 thread %s is the conversation about an invoice or a customer', pg_temp.thread_of('n1')), 'who is a contact now, and was answered: no spam');
DO $$ BEGIN PERFORM pg_temp.receive('n2', 'nell@later.example', 'n1'), pg_temp.receive('m3', 'nell@later.example', 'm1'); END $$;
SELECT is(pg_temp.with_whom(pg_temp.thread_of('n2')), 'Globex', 'are the customer''s with the next one');
SELECT is((SELECT count(*) FROM ar_inbox.recent_emails(pg_temp.id('globex')) r WHERE r.thread_id = pg_temp.thread_of('n1')), 3::bigint, 'all of them');
SELECT is((SELECT string_agg(concat_ws(' ', before, after ->> 'id' = pg_temp.id('globex')::text, after ->> 'name'), ',') FROM ar_inbox.events WHERE subject = 'thread' AND subject_id = pg_temp.thread_of('n1') AND action = 'customer'), 't Globex', 'as an event says');
SELECT is(pg_temp.with_whom(pg_temp.thread_of('m3')), 'nobody', 'but no conversation that somebody else has a part in');
CALL pg_temp.keep('mail to two', ar_inbox.send_email(pg_temp.id('acme'), '{nell@later.example,pay@initech.example}', 'Both of you', 'Hello'));
INSERT INTO ids SELECT 'two', e.thread_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id('mail to two');
DO $$ BEGIN
    PERFORM ar_inbox.receive_email(convert_to(E'From: nell@later.example\r\nTo: inbox@acme.example\r\nMessage-ID: <o1@x.example>\r\nIn-Reply-To: <' || e.message_id || E'>\r\n\r\nHello.\r\n', 'UTF8'))
    FROM ar_inbox.emails e WHERE e.thread_id = pg_temp.id('two');
END $$;
SELECT is(concat_ws(' ', pg_temp.thread_of('o1') = pg_temp.id('two'), pg_temp.with_whom(pg_temp.thread_of('o1'))), 't nobody', 'nor one with two customers');
-- by hand
SELECT lives_ok($$SELECT ar_inbox.set_thread_customer(pg_temp.thread_of('m1'), pg_temp.id('initech'))$$, 'a member knows better');
SELECT is(pg_temp.with_whom(pg_temp.thread_of('m1')), 'Initech', 'whom it is with');
CALL pg_temp.keep('m1', pg_temp.thread_of('m1'));
CALL pg_temp.run($$SELECT pg_temp.receive('m4', 'fifth@y.example')$$);
CALL pg_temp.keep('m4', pg_temp.thread_of('m4'));
CALL pg_temp.run($$SELECT ar_inbox.merge_threads(pg_temp.id('m1'), pg_temp.id('m4'))$$);
CALL pg_temp.run($$SELECT ar_inbox.set_thread_customer(pg_temp.id('m4'), pg_temp.id('globex'))$$);
SELECT is(pg_temp.with_whom(pg_temp.id('m1')) || pg_temp.with_whom(pg_temp.id('m4')), 'GlobexGlobex', 'what was merged goes along');
CALL pg_temp.run($$SELECT ar_inbox.set_thread_customer(pg_temp.id('m1'), NULL)$$);
SELECT is((SELECT array_agg(concat_ws('>', before ->> 'name', after ->> 'name') ORDER BY id) FROM ar_inbox.events WHERE subject = 'thread' AND subject_id = pg_temp.id('m1') AND action = 'customer'),
    ARRAY['Initech', 'Initech>Globex', 'Globex'], 'each is written down');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_thread_customer(%s, %s)', pg_temp.thread_of('g1'), customer)), format('IB002 thread %s is the conversation about an invoice or a customer', pg_temp.thread_of('g1')), 'a customer''s own stays that one''s')
FROM unnest(ARRAY[pg_temp.id('initech')::text, 'NULL']) customer;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_thread_customer(%s, %s)', pg_temp.thread_of('s1'), pg_temp.id('globex'))), format('IB002 thread %s is marked as spam', pg_temp.thread_of('s1')), 'spam is with no customer');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_thread_customer(%s, 0)', pg_temp.thread_of('m1'))), 'IB001 customer 0 does not exist', 'no such customer');

SELECT finish();
ROLLBACK;
