\set ECHO none
-- What members write: files, replies, undoing, sending later, and opens.
\i test/lib/pgtap.sql
SELECT plan(220);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CREATE ROLE ar_test_alice LOGIN;
CREATE ROLE ar_test_viewer LOGIN;
DO $$ BEGIN
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtps://mail.acme.example', inbox_address => 'inbox@acme.example');
    PERFORM ar_inbox.set_mail_account(pg_temp.id('other'), 'billing@other.example', 'smtp://mail.other.example');
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Alice', 'alice@acme.example', 'ar_test_alice', '{view,send}');
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Vera', 'vera@acme.example', 'ar_test_viewer', '{view}');
    PERFORM ar_inbox.add_company_address(pg_temp.id('acme'), 'ar@acme.example');
    PERFORM ar_inbox.arm();
END $$;
UPDATE ar_inbox.mail_accounts SET plus_addressing = true WHERE company_id = pg_temp.id('acme');
UPDATE ar_inbox.mail_accounts SET plus_addressing = false WHERE company_id = pg_temp.id('other');

-- An incoming message, filed by hand: in which thread is not what is tried here.
CREATE FUNCTION pg_temp.take(name text, thread text, sender ar_inbox.email_address, recipients text[] DEFAULT '{to inbox@acme.example}',
    subject text DEFAULT 'Question', automatic boolean DEFAULT false, kind text DEFAULT 'message', minutes integer DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint;
    new_thread bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ids i WHERE i.name = take.thread) THEN
        INSERT INTO ar_inbox.threads (company_id, topic, subject) VALUES (pg_temp.id('acme'), 'message', take.subject) RETURNING id INTO new_thread;
        INSERT INTO ids VALUES (take.thread, new_thread);
    END IF;
    INSERT INTO ar_inbox.emails (company_id, thread_id, direction, message_id, subject, from_address, body_text, sent_at, occurred_at, automatic, kind)
    VALUES (pg_temp.id('acme'), pg_temp.id(take.thread), 'incoming', replace(take.name, ' ', '.') || '@globex.example', take.subject, take.sender, 'Hi',
        now(), now() - interval '1 day' + take.minutes * interval '1 minute', take.automatic, take.kind)
    RETURNING id INTO mail;
    INSERT INTO ar_inbox.email_recipients (company_id, email_id, field, position, address)
    SELECT pg_temp.id('acme'), mail, split_part(u.r, ' ', 1), u.n, split_part(u.r, ' ', 2)::ar_inbox.email_address FROM unnest(recipients) WITH ORDINALITY u (r, n);
    INSERT INTO ids VALUES (take.name, mail);
    RETURN 'filed';
END
$$;
-- What a reply became: to whom, with which subject, answering what.
CREATE FUNCTION pg_temp.made(mail bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', (SELECT string_agg(r.field || ' ' || split_part(r.address::text, '@', 1), ' ' ORDER BY r.field = 'to' DESC, r.field = 'cc' DESC, r.position) FROM ar_inbox.email_recipients r WHERE r.email_id = e.id),
        p.subject, CASE WHEN p.in_reply_to = '{}' THEN 'answers nothing' ELSE coalesce('answers ' || (SELECT i.name FROM ids i WHERE i.name || '@globex.example' = p.in_reply_to[1]), 'answers ours') END)
    FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = made.mail
$$;
CREATE FUNCTION pg_temp.state(mail bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', d.state, coalesce((d.next_attempt_at - now())::text, '-'), d.give_up_at - now(), coalesce((d.send_at - now())::text, '-'), d.cancel_on_answer, coalesce(d.reason, '-'),
        (SELECT string_agg(DISTINCT r.state::text, ',') FROM ar_inbox.email_recipients r WHERE r.email_id = d.email_id))
    FROM ar_inbox.deliveries d WHERE d.email_id = state.mail
$$;

-- files
CALL pg_temp.keep('text', ar_inbox.add_file(pg_temp.id('acme'), 'terms.txt', convert_to('Pay within 30 days.', 'UTF8')));
SELECT results_eq($$SELECT concat_ws('|', f.name, f.type, c.size, c.content = convert_to('Pay within 30 days.', 'UTF8')) FROM ar_inbox.files f JOIN ar_inbox.file_contents c USING (company_id, content_hash) WHERE f.id = pg_temp.id('text')$$,
    ARRAY['terms.txt|text/plain|19|t'], 'a file, with the type its content tells');
SELECT is(ar_inbox.add_file(pg_temp.id('acme'), 'terms.txt', convert_to('Pay within 30 days.', 'UTF8')), pg_temp.id('text'), 'the same once more is the same file');
CALL pg_temp.keep('same text', ar_inbox.add_file(pg_temp.id('acme'), 'conditions.txt', convert_to('Pay within 30 days.', 'UTF8')));
SELECT isnt(pg_temp.id('same text'), pg_temp.id('text'), 'under another name it is another one');
SELECT is((SELECT count(*) FROM ar_inbox.file_contents WHERE company_id = pg_temp.id('acme')), 1::bigint, 'with the same bytes');
CALL pg_temp.keep('foreign', ar_inbox.add_file(pg_temp.id('other'), 'terms.txt', 'x'));
CREATE TEMP TABLE named AS SELECT ar_inbox.add_file(pg_temp.id('acme'), name, 'y') AS id, wanted
FROM (VALUES ('../../etc/passwd', 'passwd'), ('C:\docs\a.pdf', 'a.pdf'), (E'in\u202Efdp.exe', 'infdp.exe'), (E' a\r\nb.txt ', 'ab.txt'), ('Rechnung für Öl.pdf', 'Rechnung für Öl.pdf')) v (name, wanted);
SELECT is(f.name, n.wanted, 'a safe name: ' || n.wanted) FROM named n JOIN ar_inbox.files f USING (id) ORDER BY f.id;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.add_file(pg_temp.id(''acme''), %s)', arguments)), wanted, 'add_file: ' || wanted)
FROM (VALUES
    ('NULL, ''x''', '22023 name NULL is no file''s name'),
    (''''', ''x''', '22023 name '''' is no file''s name'),
    ('''a/..'', ''x''', '22023 name ''a/..'' is no file''s name'),
    ('''a'', NULL', '22004 content is NULL')) r (arguments, wanted);
SELECT is(pg_temp.refusal('SELECT ar_inbox.add_file(0, ''a'', ''x'')'), 'IB001 company 0 does not exist', 'an unknown company');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"max_message_size": 20000}'); END $$;
SELECT is(pg_temp.refusal($$SELECT ar_inbox.add_file(pg_temp.id('acme'), 'big', convert_to(repeat('x', 20001), 'UTF8'))$$), 'IB003 file ''big'' has 20001 bytes, more than the limit of 20000 (max_message_size)', 'a file over the limit');
SELECT is((SELECT count(*) FROM ar_inbox.files WHERE name = 'big'), 0::bigint, 'is not kept');

-- attachments in a message
CALL pg_temp.keep('odd', ar_inbox.add_file(pg_temp.id('acme'), 'Über "alles".bin', '\x00ff0d0a2e0d0a2d2d'));
CALL pg_temp.keep('attached', ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 'Files', 'Here.', attachments => ARRAY[pg_temp.id('odd'), pg_temp.id('text'), pg_temp.id('odd')]));
SELECT results_eq($$SELECT concat_ws('|', n, t, c = '\x00ff0d0a2e0d0a2d2d', c = convert_to('Pay within 30 days.', 'UTF8'), i) FROM ar_inbox.emails e, 
        ar_inbox_internal.message_attachments(e.message) u (p, n, t, c, cid, i) WHERE e.id = pg_temp.id('attached')$$,
    ARRAY['Über "alles".bin|application/octet-stream|t|f|f', 'terms.txt|text/plain|f|t|f'], 'are in its bytes, each once');
SELECT results_eq($$SELECT concat_ws('|', a.position, f.name, a.is_inline) FROM ar_inbox.attachments a JOIN ar_inbox.files f ON f.id = a.file_id WHERE a.email_id = pg_temp.id('attached') ORDER BY a.position$$,
    ARRAY['1|Über "alles".bin|f', '2|terms.txt|f'], 'and hang on it');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.send_email(pg_temp.id(''acme''), ''{a@x.example}'', ''s'', ''b'', attachments => %L)', attachments)), wanted, 'attachments: ' || wanted)
FROM (VALUES
    ('{0}', 'IB001 file 0 does not exist'),
    ('{NULL}', '22004 attachments contains NULL'),
    ('{{1},{2}}', '22023 attachments is an array of arrays')) r (attachments, wanted);
SELECT is(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 's', 'b', attachments => ARRAY[pg_temp.id('foreign')])$$), format('IB001 file %s does not exist', pg_temp.id('foreign')), 'another company''s file');
CALL pg_temp.keep('half', ar_inbox.add_file(pg_temp.id('acme'), 'half', convert_to(repeat('x', 12000), 'UTF8')));
CALL pg_temp.keep('most', ar_inbox.add_file(pg_temp.id('acme'), 'most', convert_to(repeat('x', 14500), 'UTF8')));
SELECT is(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 's', 'b', attachments => ARRAY[pg_temp.id('half'), pg_temp.id('text'), pg_temp.id('odd'), pg_temp.id('most')])$$),
    'IB003 the attachments take 36504 bytes of a message, more than the limit of 20000 (max_message_size)', 'files too large together');
SELECT matches(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 's', 'b', attachments => ARRAY[pg_temp.id('most')])$$),
    '^IB003 the message has 2\d{4} bytes, more than the limit of 20000 \(max_message_size\)$', 'a message that is too large with what is around them');
SELECT is((SELECT count(*) FROM ar_inbox.emails), 1::bigint, 'what was refused left nothing behind');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"max_message_size": 26214400}'); END $$;

-- who is answered
SELECT is(pg_temp.take('one', 'talk', 'ann@globex.example', '{to inbox@acme.example,to Bob@globex.example,to ar+x@acme.example,cc carl@globex.example,cc bob@globex.example,cc billing@acme.example,cc ann@globex.example}'), 'filed', 'Ann writes to us and others');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi')), 'to ann|Re: Question|answers one', 'a reply goes to her');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi', reply_all => true)), 'to ann cc Bob cc carl|Re: Question|answers one', 'to all: not to ourselves, nobody twice');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi', cc => '{boss@globex.example,ANN@globex.example}')), 'to ann cc boss|Re: Question|answers one', 'with a further one');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi', cc => '{boss@globex.example}', bcc => '{Carl@globex.example,eve@x.example}', reply_all => true)), 'to ann cc boss cc Bob cc carl bcc eve|Re: Question|answers one', 'and to all, some in secret');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi', recipients => '{zoe@x.example,Zoe@x.example,inbox@acme.example}')), 'to zoe to inbox|Re: Question|answers one', 'to whom the member says');
SELECT is(pg_temp.take('auto', 'talk', 'away@globex.example', automatic => true, minutes => 2), 'filed', 'an automatic answer');
SELECT is(pg_temp.take('bounce', 'talk', 'mailer-daemon@globex.example', kind => 'bounce', minutes => 3), 'filed', 'and a bounce');
SELECT is(pg_temp.take('ours', 'talk', 'ar@acme.example', minutes => 4), 'filed', 'and a mail of our own');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi')), 'to ann|Re: Question|answers one', 'are answered by nobody');
SELECT is(pg_temp.take('two', 'talk', 'dora@globex.example', '{to inbox@acme.example,reply_to team@globex.example,reply_to inbox+q@acme.example}', 'AW: RE[2]: Re : Question', minutes => 5), 'filed', 'Dora wants answers elsewhere');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi')), 'to team|Re: Question|answers two', 'that is where they go');
SELECT is(pg_temp.take('portal', 'talk', 'pia@globex.example', '{}', '', kind => 'comment', minutes => 6), 'filed', 'a comment from the portal');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('talk'), 'Hi')), 'to pia|Re: Question|answers portal', 'is answered, under the thread''s subject');
CALL pg_temp.keep('mine', ar_inbox.send_email(pg_temp.id('acme'), '{pat@x.example,inbox@acme.example,paul@x.example}', 'Offer', 'x', cc => '{cora@x.example}'));
INSERT INTO ids SELECT 'silent', e.thread_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id('mine');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('silent'), 'Well?', reply_all => true)), 'to pat to paul cc cora|Re: Offer|answers ours', 'where nobody wrote: to those we wrote to');
INSERT INTO ids SELECT 'empty', ar_inbox_internal.customer_thread(pg_temp.id('acme'), ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', 'G-1'));
SELECT is(pg_temp.refusal($$SELECT ar_inbox.reply(pg_temp.id('empty'), 'x')$$), format('IB002 nobody has written in thread %s, nor was anybody written to', pg_temp.id('empty')), 'where nobody was written to either');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('empty'), 'x', '{a@x.example}')), 'to a|Re: Globex (G-1)|answers nothing', 'it needs recipients, and answers nothing');
CREATE TEMP TABLE subjects AS SELECT v.*, pg_temp.take('s' || n, 'subject ' || n, 'a@x.example', subject => subject)
FROM (VALUES (1, 'Re: Re: Fwd: Re: x', 'Re: Fwd: Re: x'), (2, 'SV: x', 'Re: x'), (3, 'Antw: Re(3): x', 'Re: x'), (4, 'Reminder', 'Re: Reminder'), (5, E'a\tb\r\n c', 'Re: a b c'), (6, '回复：x', 'Re: x'), (7, '', 'Re:'),
    (8, repeat('x', 2000), 'Re: ' || repeat('x', 896)), (9, 'Re', 'Re: Re')) v (n, subject, wanted);
SELECT is(d.subject, s.wanted, 'subject: ' || left(s.wanted, 20)) FROM subjects s, ar_inbox_internal.reply_defaults(pg_temp.id('acme'), pg_temp.id('subject ' || s.n), false) d ORDER BY s.n;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.reply(%s)', arguments)), wanted, 'reply: ' || wanted)
FROM (VALUES
    ('0, ''x''', 'IB001 thread 0 does not exist'),
    ('NULL, ''x''', 'IB001 thread NULL does not exist'),
    ('pg_temp.id(''talk''), NULL', '22023 body is empty'),
    ('pg_temp.id(''talk''), '' ''', '22023 body is empty'),
    ('pg_temp.id(''talk''), ''x'', ''{}''', '22023 recipients is empty'),
    ('pg_temp.id(''talk''), ''x'', ''{NULL}''', '22004 recipients contains NULL'),
    ('pg_temp.id(''talk''), ''x'', cc => ''{NULL}''', '22004 cc contains NULL'),
    ('pg_temp.id(''talk''), ''x'', attachments => ''{0}''', 'IB001 file 0 does not exist'),
    ('pg_temp.id(''talk''), ''x'', (SELECT array_agg((''a'' || n || ''@x.example'')::ar_inbox.email_address) FROM generate_series(1, 101) n)', 'IB003 101 recipients are too many for one message')) r (arguments, wanted);
UPDATE ar_inbox.threads SET merged_into_id = pg_temp.id('talk'), status = 'closed' WHERE id = pg_temp.id('subject 1');
CALL pg_temp.keep('to merged', ar_inbox.reply(pg_temp.id('subject 1'), 'x'));
SELECT is((SELECT thread_id FROM ar_inbox.emails WHERE id = pg_temp.id('to merged')), pg_temp.id('talk'), 'a merged thread is answered in the one in force');
CALL pg_temp.keep('into merged', ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 's', 'b', thread_id => pg_temp.id('subject 1')));
SELECT is((SELECT thread_id FROM ar_inbox.emails WHERE id = pg_temp.id('into merged')), pg_temp.id('talk'), 'and written to there');

-- the member's name and signature, and where answers and bounces go
UPDATE ar_inbox.members SET signature = E'Alice A.\n**Acme**' WHERE role = 'ar_test_alice';
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE ar_test_alice;
CALL pg_temp.keep('signed', ar_inbox.reply(pg_temp.id('talk'), E'Dear Pia\n\n'));
RESET ROLE;
SELECT is(concat_ws('|', p.from_name, p.from_address, p.body_text, p.body_html), E'Acme (Alice)|billing@acme.example|Dear Pia\n\n-- \nAlice A.\n**Acme**\n|<p>Dear Pia</p>\n<p>-- </p>\n<p>Alice A.<br />\n<strong>Acme</strong></p>\n', 'a member''s message, signed')
FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id('signed');
SELECT is((SELECT body_text FROM ar_inbox.emails WHERE id = pg_temp.id('signed')), E'Dear Pia\n\n-- \nAlice A.\n**Acme**', 'it is kept as it was sent');
CREATE FUNCTION pg_temp.reply_to(mail bigint) RETURNS text LANGUAGE sql AS $$
    SELECT ar_inbox.parse_email(e.message) #>> '{reply_to,0,address}' FROM ar_inbox.emails e WHERE e.id = mail
$$;
SELECT is(ar_inbox_internal.without_tag(pg_temp.reply_to(pg_temp.id('signed')))::text, 'inbox@acme.example', 'answers come to the inbox');
SELECT is(ar_inbox_internal.read_token(ar_inbox_internal.signing_key(pg_temp.id('acme')), 'r', ar_inbox_internal.address_tag(pg_temp.reply_to(pg_temp.id('signed')))), pg_temp.id('talk'), 'under a tag that names the thread');
SELECT is(ar_inbox_internal.read_token(ar_inbox_internal.signing_key(pg_temp.id('other')), 'r', ar_inbox_internal.address_tag(pg_temp.reply_to(pg_temp.id('signed')))), NULL, 'to nobody else');
UPDATE ar_inbox.mail_accounts SET plus_addressing = false;
CALL pg_temp.keep('untagged', ar_inbox.reply(pg_temp.id('talk'), 'x'));
CALL pg_temp.keep('unanswerable', ar_inbox.send_email(pg_temp.id('other'), '{a@x.example}', 's', 'b'));
UPDATE ar_inbox.mail_accounts SET plus_addressing = true;
CALL pg_temp.keep('tagged sender', ar_inbox.send_email(pg_temp.id('other'), '{a@x.example}', 's', 'b'));
SELECT is(pg_temp.reply_to(pg_temp.id('untagged')), 'inbox@acme.example', 'where the server knows no tags, without one');
SELECT is(pg_temp.reply_to(pg_temp.id('unanswerable')), NULL, 'nor a Reply-To where there is no inbox address');
SELECT is(ar_inbox_internal.without_tag(pg_temp.reply_to(pg_temp.id('tagged sender')))::text, 'billing@other.example', 'but a tag on the sender''s');

-- undo
CALL pg_temp.keep('waits', ar_inbox.reply(pg_temp.id('talk'), 'x'));
SELECT is(pg_temp.state(pg_temp.id('waits')), 'queued|00:00:10|1 day 00:00:10|-|f|-|queued', 'what a member writes waits for undo_grace');
CALL pg_temp.keep('undone', ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 'Oops', 'x'));
SET LOCAL ROLE ar_test_alice;
SELECT lives_ok($$SELECT ar_inbox.undo_send(pg_temp.id('undone'))$$, 'taken back');
RESET ROLE;
SELECT is(pg_temp.state(pg_temp.id('undone')), 'cancelled|-|1 day 00:00:10|-|f|taken back by Alice|cancelled', 'by whom');
SELECT is((SELECT concat_ws('|', t.status, t.message_count) FROM ar_inbox.threads t JOIN ar_inbox.emails e ON e.thread_id = t.id WHERE e.id = pg_temp.id('undone')), 'closed|1', 'it stays in its thread');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'email' AND subject_id = pg_temp.id('undone') AND action = 'taken back'), 1::bigint, 'and is written down');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', pg_temp.id('undone'))), format('IB002 email %s is cancelled already: taken back by Alice', pg_temp.id('undone')), 'once');
INSERT INTO ids SELECT 'undone thread', thread_id FROM ar_inbox.emails WHERE id = pg_temp.id('undone');
CALL pg_temp.keep('after undone', ar_inbox.reply(pg_temp.id('undone thread'), 'x', '{a@x.example}'));
SELECT is(pg_temp.made(pg_temp.id('after undone')), 'to a|Re: Oops|answers nothing', 'what was taken back is answered by nothing');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', pg_temp.id('two'))), format('IB002 email %s was not sent from here', pg_temp.id('two')), 'an incoming message');
SELECT is(pg_temp.refusal('SELECT ar_inbox.undo_send(0)'), 'IB001 email 0 does not exist', 'an unknown one');
SET LOCAL ROLE ar_test_viewer;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', pg_temp.id('undone'))), format('42501 permission "send" is needed in company %s', pg_temp.id('acme')), 'undo_send needs send');
RESET ROLE;
CREATE FUNCTION pg_temp.claimed(mail bigint, at timestamptz DEFAULT now() + interval '1 minute') RETURNS boolean LANGUAGE sql AS $$
    SELECT coalesce(bool_or((SELECT d.email_id = mail FROM ar_inbox.deliveries d WHERE d.id = c.delivery_id)), false) FROM ar_inbox_internal.claim_deliveries(at, 1000, '{}', '{}', 1000) c
$$;
SELECT ok(NOT pg_temp.claimed(pg_temp.id('signed'), now() + interval '9 seconds'), 'nothing is handed off within the grace');
SELECT ok(pg_temp.claimed(pg_temp.id('signed')), 'it is after it');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', pg_temp.id('signed'))), format('IB002 email %s is already handed off', pg_temp.id('signed')), 'then it is too late');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"undo_grace": "0"}'); END $$;
CALL pg_temp.keep('hurried', ar_inbox.reply(pg_temp.id('talk'), 'x'));
SELECT is(pg_temp.state(pg_temp.id('hurried')), 'queued|00:00:00|1 day|-|f|-|queued', 'without a grace it leaves at once');
DO $$ DECLARE invoice bigint; BEGIN
    PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"undo_grace": "10 seconds"}');
    invoice := ar_inbox.create_invoice(ar_inbox.create_customer(pg_temp.id('acme'), 'Initech', email => 'ap@initech.example'), '[{"description": "Work", "unit_price": 100}]', current_date, current_date + 30, 'I-1');
    PERFORM ar_inbox.issue_invoice(invoice);
    PERFORM ar_inbox.chase_invoice(invoice, '[{"trigger": "on_issue", "hour": 0, "channels": ["email"]}]');
    PERFORM ar_inbox.fire_due_steps();
    INSERT INTO ids SELECT 'reminder', d.email_id FROM ar_inbox.deliveries d WHERE d.invoice_id = invoice;
END $$;
SELECT is(pg_temp.state(pg_temp.id('reminder')), 'queued|00:00:00|1 day|-|f|-|queued', 'nor does a reminder wait');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', pg_temp.id('reminder'))), format('IB002 email %s is a reminder', pg_temp.id('reminder')), 'it is no member''s to take back');
DO $$ DECLARE invoice bigint; BEGIN
    PERFORM ar_inbox.set_automatic_mail(pg_temp.id('acme'), 'payment_receipt');
    invoice := ar_inbox.create_invoice(ar_inbox.create_customer(pg_temp.id('acme'), 'Pays', email => 'pays@initech.example'), '[{"description": "Work", "unit_price": 100}]', current_date, current_date + 30, 'I-2');
    PERFORM ar_inbox.issue_invoice(invoice);
    PERFORM ar_inbox.record_payment(invoice, 100);
    PERFORM ar_inbox.fire_due_steps();
    INSERT INTO ids SELECT 'receipt', d.email_id FROM ar_inbox.deliveries d WHERE d.invoice_id = invoice;
    PERFORM ar_inbox.set_automatic_mail(pg_temp.id('acme'), 'payment_receipt', false);
END $$;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', pg_temp.id('receipt'))), format('IB002 email %s is an automatic mail', pg_temp.id('receipt')), 'nor is a receipt, which is no reminder');
SELECT matches(pg_temp.reply_to(pg_temp.id('reminder')), '^inbox\+r[a-z2-7]{29}@acme\.example$', 'but its answers come to its thread too');

-- later
CALL pg_temp.keep('later', ar_inbox.reply(pg_temp.id('talk'), 'Later', send_at => now() + interval '2 days'));
SELECT is(pg_temp.state(pg_temp.id('later')), 'queued|2 days|3 days|2 days|t|-|queued', 'a message for later, which an answer cancels');
SELECT is(concat_ws('|', e.sent_at - now(), e.occurred_at - now() < '1 second', date_trunc('second', e.sent_at) = p.sent_at), '2 days|t|t', 'dated then, written now')
FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id('later');
SELECT cmp_ok((SELECT last_message_at FROM ar_inbox.threads WHERE id = pg_temp.id('talk')) - now(), '<', interval '1 second', 'the thread does not run ahead');
CALL pg_temp.keep('later still', ar_inbox.reply(pg_temp.id('silent'), 'Later', send_at => now() + interval '1 hour'));
CALL pg_temp.keep('before it', ar_inbox.reply(pg_temp.id('silent'), 'x'));
SELECT isnt((SELECT in_reply_to[1] FROM ar_inbox.emails WHERE id = pg_temp.id('before it')), (SELECT message_id FROM ar_inbox.emails WHERE id = pg_temp.id('later still')), 'what waits for later is not yet answered');
CREATE TEMP TABLE moments AS SELECT v.moment, ar_inbox.reply(pg_temp.id('talk'), 'x', send_at => moment) AS mail FROM (VALUES (now()), ('-infinity'), ('2020-01-01')) v (moment);
SELECT is(pg_temp.state(mail), 'queued|00:00:10|1 day 00:00:10|-|f|-|queued', 'a moment that has come is none') FROM moments;
CALL pg_temp.keep('whatever', ar_inbox.reply(pg_temp.id('talk'), 'x', send_at => now() + interval '1 hour', cancel_on_answer => false));
SELECT is(pg_temp.state(pg_temp.id('whatever')), 'queued|01:00:00|1 day 01:00:00|01:00:00|f|-|queued', 'whatever the customer writes');
SELECT matches(pg_temp.refusal(format('SELECT ar_inbox.reply(pg_temp.id(''talk''), ''x'', send_at => %L)', moment)), '^22023 send_at .* is more than a year ahead$', 'not ' || what) FROM (VALUES (now() + interval '1 year 1 second', 'after a year'), ('infinity', 'never')) v (moment, what);
SELECT ok(NOT pg_temp.claimed(pg_temp.id('later'), now() + interval '47 hours'), 'it waits');
SELECT ok(pg_temp.claimed(pg_temp.id('later'), now() + interval '49 hours'), 'and leaves');
SELECT is((SELECT occurred_at - now() FROM ar_inbox.emails WHERE id = pg_temp.id('later')), interval '49 hours', 'it happened when it left');
SELECT is((SELECT concat_ws('|', last_message_at - now(), last_email_id = pg_temp.id('later'), last_direction) FROM ar_inbox.threads WHERE id = pg_temp.id('talk')), '2 days 01:00:00|t|outgoing', 'and its thread follows');
CALL pg_temp.keep('undone later', ar_inbox.reply(pg_temp.id('talk'), 'x', send_at => now() + interval '1 hour'));
SELECT lives_ok($$SELECT ar_inbox.undo_send(pg_temp.id('undone later'))$$, 'what waits for later can be taken back');
SELECT matches(pg_temp.state(pg_temp.id('undone later')), '^cancelled\|-\|.*\|taken back by .+\|cancelled$', 'until then');

-- answered first
CALL pg_temp.keep('answered', ar_inbox.reply(pg_temp.id('talk'), 'x', send_at => now() + interval '1 hour'));
CALL pg_temp.keep('insists', ar_inbox.reply(pg_temp.id('talk'), 'x', send_at => now() + interval '1 hour', cancel_on_answer => false));
CALL pg_temp.keep('elsewhere', ar_inbox.reply(pg_temp.id('silent'), 'x', send_at => now() + interval '1 hour'));
SELECT is(ar_inbox_internal.cancel_answered(pg_temp.id('acme'), pg_temp.id('talk')), 1, 'the customer answers');
SELECT matches(pg_temp.state(pg_temp.id('answered')), '^cancelled\|-\|.*\|the customer answered first\|cancelled$', 'what was to leave later does not');
SELECT matches(pg_temp.state(pg_temp.id(name)), '^queued\|01:00:00', 'still waits: ' || name) FROM unnest(ARRAY['insists', 'elsewhere']) name;
SELECT is(ar_inbox_internal.cancel_answered(pg_temp.id('acme'), pg_temp.id('talk')), 0, 'again: nothing is left');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'email' AND subject_id = pg_temp.id('answered') AND action = 'cancelled'), 1::bigint, 'it is written down');

-- whose messages are no customer's: members', forged ones, machines'
CREATE FUNCTION pg_temp.arrive(name text, headers text, body text DEFAULT 'Hi') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.receive_email(convert_to(concat_ws(E'\r\n', 'Message-ID: <' || replace(name, ' ', '.') || '@globex.example>', headers, '', body, ''), 'UTF8'));
BEGIN
    INSERT INTO ids VALUES (name, mail);
    INSERT INTO ids SELECT 'thread of ' || name, e.thread_id FROM ar_inbox.emails e WHERE e.id = mail;
    RETURN 'arrived';
END
$$;
CREATE FUNCTION pg_temp.defaults(thread text, reply_all boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', array_to_string(d.recipients, ' '), nullif(array_to_string(d.cc, ' '), '')) FROM ar_inbox_internal.reply_defaults(pg_temp.id('acme'), pg_temp.id(defaults.thread), defaults.reply_all) d
$$;
DO $$ BEGIN
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Sue', 'sue@acme.example');
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Gone', 'gone@acme.example');
    UPDATE ar_inbox.members SET removed_at = now() WHERE name = 'Gone';
    PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"trusted_hosts": ["mx.acme.example"]}');
END $$;
SELECT is(pg_temp.arrive('asks', E'From: ann@globex.example\r\nTo: inbox@acme.example, sue@acme.example\r\nSubject: Terms'), 'arrived', 'Ann asks us, and Sue');
CALL pg_temp.keep('if silent', ar_inbox.reply(pg_temp.id('thread of asks'), 'x', send_at => now() + interval '1 hour'));
SELECT is(pg_temp.arrive('Sue', E'From: Sue <Sue@acme.example>\r\nTo: ann@globex.example\r\nCc: inbox@acme.example\r\nIn-Reply-To: <asks@globex.example>'), 'arrived', 'Sue answers from her own mail program');
SELECT is(pg_temp.arrive('Gone', E'From: gone@acme.example\r\nTo: inbox@acme.example\r\nIn-Reply-To: <asks@globex.example>'), 'arrived', 'and one who was a member');
SELECT is(pg_temp.arrive('forged', E'Authentication-Results: mx.acme.example; dmarc=fail header.from=globex.example\r\nFrom: ann@globex.example\r\nReply-To: crook@evil.test\r\nTo: inbox@acme.example\r\nIn-Reply-To: <asks@globex.example>'), 'arrived', 'and a forger');
SELECT results_eq($$SELECT name FROM ids i JOIN ar_inbox.emails e USING (id) WHERE e.thread_id = pg_temp.id('thread of asks') AND e.direction = 'incoming' AND NOT e.automatic AND i.name NOT LIKE 'thread%' ORDER BY e.id$$, ARRAY['asks', 'Sue', 'Gone', 'forged'], 'all in one thread');
SELECT matches(pg_temp.state(pg_temp.id('if silent')), '^queued\|01:00:00', 'none of these is the customer''s answer');
SELECT is(pg_temp.defaults('thread of asks', true), 'ann@globex.example|sue@acme.example', 'nor answered; a member stays in Cc');
SELECT is(pg_temp.arrive('asks both', E'From: ann@globex.example\r\nTo: inbox@acme.example, sue@acme.example, alice@acme.example\r\nSubject: Both'), 'arrived', 'Ann asks us, Sue and Alice');
SELECT isnt(set_config('test.thread', pg_temp.id('thread of asks both')::text, true), '', 'in a thread');
SET LOCAL ROLE ar_test_alice;
DO $$ BEGIN
    PERFORM set_config('test.reply', ar_inbox.reply(current_setting('test.thread')::bigint, 'x', reply_all => true)::text, true);
END $$;
RESET ROLE;
SELECT results_eq($$SELECT r.address::text FROM ar_inbox.email_recipients r WHERE r.email_id = current_setting('test.reply')::bigint AND r.field = 'cc'$$, ARRAY['sue@acme.example'], 'but for the one who writes');
SELECT is(pg_temp.arrive('answers', E'From: ann@globex.example\r\nReply-To: sue@acme.example, team@globex.example\r\nTo: inbox@acme.example\r\nIn-Reply-To: <asks@globex.example>'), 'arrived', 'Ann answers');
SELECT matches(pg_temp.state(pg_temp.id('if silent')), '^cancelled\|-\|.*\|the customer answered first\|cancelled$', 'that is one');
SELECT is(pg_temp.defaults('thread of answers'), 'team@globex.example', 'no member is written to in place of a customer');
-- what begins a conversation is answered wherever its customer, or whom it goes to, writes
CREATE FUNCTION pg_temp.thread_with(name text) RETURNS bigint LANGUAGE sql AS $$
    SELECT e.thread_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id(thread_with.name)
$$;
CREATE FUNCTION pg_temp.scheduled(whom text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.send_email(pg_temp.id('acme'), ARRAY[whom]::ar_inbox.email_address[], 'By hand', 'x', send_at => now() + interval '1 hour');
BEGIN
    RETURN (SELECT concat_ws('|', d.state, d.cancel_on_answer) FROM ar_inbox.deliveries d WHERE d.email_id = mail);
END
$$;
SELECT is(pg_temp.scheduled(whom), 'queued|t', 'to ' || whom || ', later') FROM unnest('{ann@globex.example,new@stranger.example,else@stranger.example}'::text[]) whom;
SELECT is(pg_temp.arrive('paid', E'From: Ann <ann@globex.example>\r\nTo: inbox@acme.example\r\nSubject: We have paid'), 'arrived', 'Ann writes first');
SELECT is(pg_temp.arrive('stranger', E'From: new@stranger.example\r\nTo: inbox@acme.example\r\nSubject: Hello'), 'arrived', 'so does a stranger');
SELECT results_eq($$SELECT d.state || ' ' || r.address || coalesce(' ' || d.reason, '') FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id JOIN ar_inbox.email_recipients r ON r.email_id = e.id WHERE e.subject = 'By hand' ORDER BY e.id$$,
    ARRAY['cancelled ann@globex.example the customer answered first', 'cancelled new@stranger.example the customer answered first', 'queued else@stranger.example'], 'neither gets what was written before');
-- a message that was taken back is nothing to answer
CALL pg_temp.keep('taken back', ar_inbox.send_email(pg_temp.id('acme'), '{ann@globex.example}', 'Again', 'x', send_at => now() + interval '1 hour'));
SELECT lives_ok($$SELECT ar_inbox.undo_send(pg_temp.id('taken back'))$$, 'taken back');
CALL pg_temp.keep('anew', ar_inbox.send_email(pg_temp.id('acme'), '{ann@globex.example}', 'Again', 'x', thread_id => (pg_temp.thread_with('taken back')), send_at => now() + interval '1 hour'));
SELECT is(pg_temp.arrive('paid twice', E'From: Ann <ann@globex.example>\r\nTo: inbox@acme.example\r\nSubject: Paid, I said'), 'arrived', 'Ann writes once more');
SELECT matches(pg_temp.state(pg_temp.id('anew')), '^cancelled\|-\|.*\|the customer answered first\|cancelled$', 'it does not leave either');
-- nor is it forgotten where what is answered was split off
SELECT is(pg_temp.arrive(name, headers || E'\r\nFrom: r@stranger.example\r\nTo: inbox@acme.example'), 'arrived', name) FROM (VALUES ('part one', 'Subject: S'), ('part two', E'Subject: Re: S\r\nIn-Reply-To: <part.one@globex.example>')) v (name, headers);
CALL pg_temp.keep('answers two', ar_inbox.reply(pg_temp.id('thread of part one'), 'x', send_at => now() + interval '1 hour'));
SELECT isnt(ar_inbox.split_thread(pg_temp.id('part two')), pg_temp.id('thread of part one'), 'split off');
SELECT is(pg_temp.arrive('part three', E'Subject: Re: S\r\nIn-Reply-To: <part.two@globex.example>\r\nFrom: r@stranger.example\r\nTo: inbox@acme.example'), 'arrived', 'and answered there');
SELECT matches(pg_temp.state(pg_temp.id('answers two')), '^cancelled\|-\|.*\|the customer answered first\|cancelled$', 'what was to answer it does not leave');
-- however soon, it can be taken back as any other
CALL pg_temp.keep('soon', ar_inbox.reply(pg_temp.id('thread of part one'), 'x', send_at => now() + interval '1 second'));
SELECT is((SELECT d.next_attempt_at - d.created_at FROM ar_inbox.deliveries d WHERE d.email_id = pg_temp.id('soon')), (SELECT undo_grace FROM ar_inbox.companies WHERE id = pg_temp.id('acme')), 'not before the time to take it back is over');
UPDATE ar_inbox.deliveries SET state = 'rejected', reason = '550 no such user', next_attempt_at = NULL, finished_at = now() WHERE email_id = pg_temp.id('soon');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', pg_temp.id('soon'))), format('IB002 email %s was refused: 550 no such user', pg_temp.id('soon')), 'what was refused was not handed off');
CALL pg_temp.keep('to ann', ar_inbox.send_email(pg_temp.id('acme'), '{ann@globex.example}', 'Bill', 'x'));
INSERT INTO ids SELECT 'bill', e.thread_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id('to ann');
SELECT is(pg_temp.arrive(name, headers || E'\r\nTo: inbox@acme.example\r\nIn-Reply-To: <' || (SELECT message_id FROM ar_inbox.emails WHERE id = pg_temp.id('to ann')) || '>'), 'arrived', name)
FROM (VALUES
    ('forged too', E'Authentication-Results: mx.acme.example; dmarc=fail header.from=globex.example\r\nFrom: ann@globex.example\r\nReply-To: crook@evil.test'),
    ('forged list', E'Authentication-Results: mx.acme.example; dmarc=fail header.from=globex.example\r\nFrom: ann@globex.example\r\nReply-To: crook@evil.test\r\nList-Id: <ap.globex.example>'),
    ('ticket', E'From: noreply@globex.example\r\nAuto-Submitted: auto-replied'),
    ('away list', E'From: away@globex.example\r\nPrecedence: list\r\nX-Autoreply: yes'),
    ('news', E'From: news@globex.example\r\nPrecedence: bulk'),
    ('our copy', E'From: billing@acme.example')) v (name, headers);
SELECT is((SELECT count(*) FROM ar_inbox.emails WHERE thread_id = pg_temp.id('bill')), 7::bigint, 'in the thread where we wrote');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('bill'), 'x')), 'to ann|Re: Bill|answers ours', 'it is as if nobody had written');
SELECT is(pg_temp.arrive(name, headers || E'\r\nSubject: ' || name), 'arrived', name)
FROM (VALUES
    ('group', E'From: "''Ann'' via AP" <ap@group.example>\r\nReply-To: ann@globex.example\r\nTo: inbox@acme.example\r\nList-Id: <ap.group.example>\r\nPrecedence: list'),
    ('list', E'From: ann@globex.example\r\nTo: inbox@acme.example, bob@globex.example\r\nAuto-Submitted: no\r\nList-Id: <ap.globex.example>'),
    ('form', E'From: Acme <billing@acme.example>\r\nReply-To: ann@globex.example\r\nTo: inbox@acme.example'),
    ('cron', E'From: Acme <billing@acme.example>\r\nReply-To: ann@globex.example\r\nTo: inbox@acme.example\r\nAuto-Submitted: auto-generated')) v (name, headers);
SELECT is((SELECT count(*) FROM ar_inbox.emails WHERE automatic AND id IN (SELECT id FROM ids WHERE name IN ('group', 'list', 'form', 'cron'))), 4::bigint, 'all of them automatic');
SELECT is(pg_temp.arrive('by our group', E'From: ann@globex.example\r\nTo: inbox+x@acme.example\r\nSubject: by our group\r\nList-ID: Accounts <Inbox.Acme.example>\r\nPrecedence: list'), 'arrived', 'the company''s own group passes on what Ann writes');
SELECT is((SELECT e.automatic FROM ar_inbox.emails e WHERE e.id = pg_temp.id('by our group')), false, 'which is her own message');
SELECT is(pg_temp.arrive('under its address', E'From: Ann via Accounts <inbox@acme.example>\r\nReply-To: ann@globex.example\r\nTo: inbox@acme.example\r\nSubject: x\r\nList-ID: <inbox.acme.example>\r\nPrecedence: list'), 'arrived', 'also under its own address');
SELECT is((SELECT concat_ws('|', e.automatic, e.from_address, t.customer_id IS NOT DISTINCT FROM (SELECT p.customer_id FROM ar_inbox.threads p WHERE p.id = pg_temp.id('thread of paid'))) FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = pg_temp.id('under its address')), 'f|ann@globex.example|t', 'of whom Reply-To tells');
SELECT is(pg_temp.arrive('report by our group', E'From: ann@globex.example\r\nTo: inbox@acme.example\r\nSubject: see there\r\nList-ID: <inbox.acme.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b', E'--b\r\n\r\nwe pay tomorrow\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.example\r\n\r\nFinal-Recipient: rfc822; bob@globex.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n'), 'arrived', 'with a report that she attaches');
SELECT is((SELECT e.kind || ' ' || e.automatic FROM ar_inbox.emails e WHERE e.id = pg_temp.id('report by our group')), 'message false', 'is no bounce');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('thread of group'), 'x')), 'to ann|Re: group|answers group', 'whoever is behind a group is answered');
SELECT is(pg_temp.defaults('thread of list', true), 'ann@globex.example|bob@globex.example', 'or writes to a list');
SELECT is(pg_temp.made(ar_inbox.reply(pg_temp.id('thread of form'), 'x')), 'to ann|Re: form|answers form', 'or fills in a form');
SELECT matches(pg_temp.refusal($$SELECT ar_inbox.reply(pg_temp.id('thread of cron'), 'x')$$), '^IB002 nobody has written in thread', 'but no machine');

-- what the other side has not seen is not referred to
CREATE FUNCTION pg_temp.refers(mail bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', array_to_string(p.in_reply_to, ' '), array_to_string(p.reference_ids, ' '), p.in_reply_to = e.in_reply_to AND p.reference_ids = e.reference_ids) FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = refers.mail
$$;
SELECT is(pg_temp.take('first', 'refs', 'ann@globex.example'), 'filed', 'a message');
UPDATE ar_inbox.emails SET reference_ids = '{a@globex.example,b@comment.invalid,c@globex.example}' WHERE id = pg_temp.id('first');
SELECT is(pg_temp.take('no id', 'refs', 'ann@globex.example', minutes => 2), 'filed', 'one that had no Message-ID');
UPDATE ar_inbox.emails SET message_id = 'x@no-message-id.invalid' WHERE id = pg_temp.id('no id');
SELECT is(pg_temp.take('failed', 'refs', 'mailer-daemon@globex.example', kind => 'bounce', minutes => 3), 'filed', 'a bounce');
SELECT is(pg_temp.refers(ar_inbox.reply(pg_temp.id('refs'), 'x')), 'first@globex.example|a@globex.example c@globex.example first@globex.example|t', 'a reply refers to what they know');
SELECT is(pg_temp.take('only', 'only refs', 'ann@globex.example'), 'filed', 'where there is nothing else');
UPDATE ar_inbox.emails SET message_id = 'y@no-message-id.invalid' WHERE id = pg_temp.id('only');
SELECT is(pg_temp.refers(ar_inbox.reply(pg_temp.id('only refs'), 'x')), '||t', 'to nothing');

-- put off by the mail server
CREATE FUNCTION pg_temp.attempted(mail bigint, outcomes text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    delivery bigint := (SELECT d.id FROM ar_inbox.deliveries d WHERE d.email_id = mail);
    later timestamptz := (SELECT d.next_attempt_at FROM ar_inbox.deliveries d WHERE d.id = delivery);
BEGIN
    PERFORM pg_temp.claimed(mail, later);
    PERFORM ar_inbox_internal.record_result(delivery, pg_temp.id('acme'), later, CASE WHEN 'accepted' = ANY (outcomes) THEN 'partial' WHEN 'unknown' = ANY (outcomes) THEN 'unknown' ELSE 'deferred' END, 451, '4.3.0', 'busy', NULL,
        CASE WHEN 'accepted' = ANY (outcomes) THEN ARRAY['a@x.example', 'b@x.example'] ELSE '{}' END, CASE WHEN 'accepted' = ANY (outcomes) THEN outcomes ELSE '{}' END,
        CASE WHEN 'accepted' = ANY (outcomes) THEN '{250,451}'::integer[] ELSE '{}' END, CASE WHEN 'accepted' = ANY (outcomes) THEN '{2.0.0,4.3.0}'::text[] ELSE '{}' END, CASE WHEN 'accepted' = ANY (outcomes) THEN '{ok,busy}'::text[] ELSE '{}' END);
    RETURN (SELECT concat_ws('|', d.state, d.attempts) FROM ar_inbox.deliveries d WHERE d.id = delivery);
END
$$;
CREATE FUNCTION pg_temp.ended(mail bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', d.state, regexp_replace(d.reason, 'by .*', 'by somebody'), d.next_attempt_at IS NULL, (SELECT string_agg(r.state::text, ',' ORDER BY r.address) FROM ar_inbox.email_recipients r WHERE r.email_id = d.email_id)) FROM ar_inbox.deliveries d WHERE d.email_id = ended.mail
$$;
CREATE TEMP TABLE put_off AS SELECT v.*, ar_inbox.reply(pg_temp.id('refs'), 'x', '{a@x.example,b@x.example}', send_at => now() + CASE n WHEN 4 THEN interval '1 minute' ELSE interval '2 minutes' + n * interval '10 seconds' END) AS mail
FROM (VALUES (1, 'put off, taken back', '{}'::text[]), (2, 'put off, answered', '{}'), (3, 'accepted for one', '{accepted,deferred}'), (4, 'in doubt', '{unknown}')) v (n, what, outcomes);
SELECT is(pg_temp.attempted(mail, outcomes), 'unknown|1', what) FROM put_off WHERE n = 4;
SELECT is(pg_temp.attempted(mail), 'deferred|2', 'in doubt, then put off') FROM put_off WHERE n = 4;
SELECT is(pg_temp.attempted(mail, outcomes), 'deferred|1', what) FROM put_off WHERE n < 4 ORDER BY n;
SELECT lives_ok($$SELECT ar_inbox.undo_send(mail) FROM put_off WHERE n = 1$$, 'what was put off for all can be taken back');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.undo_send(%s)', mail)), format('IB002 email %s is already handed off', mail), 'not: ' || what) FROM put_off WHERE n > 2 ORDER BY n;
SELECT is(ar_inbox_internal.cancel_answered(pg_temp.id('acme'), pg_temp.id('refs')), 1, 'and the customer''s answer stops it');
SELECT is(pg_temp.ended(mail), CASE n WHEN 1 THEN 'cancelled|taken back by somebody|t|cancelled,cancelled' WHEN 2 THEN 'cancelled|the customer answered first|t|cancelled,cancelled'
    WHEN 3 THEN 'deferred|busy|f|accepted,deferred' ELSE 'deferred|busy|f|deferred,deferred' END, 'so: ' || what) FROM put_off ORDER BY n;

-- opens
SELECT is((SELECT position('<img' IN p.body_html) FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id('signed')), 0, 'no image where the company wants none');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"track_opens": true, "tracking_url": "https://mail.acme.example/o/"}'); END $$;
CALL pg_temp.keep('tracked', ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example}', 'Seen?', 'x'));
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$
    SELECT (regexp_match(p.body_html, '<img src="https://mail\.acme\.example/o/([0-9a-z]+)" width="1" height="1" alt="">'))[1] FROM ar_inbox.emails e, ar_inbox_internal.parse_message(e.message) p WHERE e.id = pg_temp.id(token.name)
$$;
SELECT matches(pg_temp.token('tracked'), '^[0-9a-f]{32}[a-z2-7]{30}$', 'an image, whose address shows no id');
SELECT unalike((SELECT body_html FROM ar_inbox.emails WHERE id = pg_temp.id('tracked')), '%<img%', 'our own copy has none');
CREATE FUNCTION pg_temp.open(token text, agent text DEFAULT 'Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Thunderbird/115.0') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', json_build_object('user-agent', agent)::text, true);
    RETURN encode(ar_portal.record_open(token), 'hex');
END
$$;
CREATE FUNCTION pg_temp.opened(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', source, address, user_agent, coalesce(unreliable, 'reliable')) FROM ar_inbox.email_opens WHERE email_id = pg_temp.id(opened.name) ORDER BY id
$$;
SET LOCAL ROLE ar_inbox_anonymous;
SELECT is(encode(ar_portal.record_open('x'), 'hex'), '47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b', 'anybody gets the image');
RESET ROLE;
SELECT is(pg_temp.open(token), '47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b', 'whatever the token')
FROM (VALUES (pg_temp.token('tracked')), (NULL), (''), (left(pg_temp.token('tracked'), 61)), (repeat('0', 32) || right(pg_temp.token('tracked'), 30)), (left(pg_temp.token('tracked'), 32) || repeat('o', 30)), (repeat('x', 100000))) v (token);
SELECT results_eq($$SELECT pg_temp.opened('tracked')$$, ARRAY['image|a@x.example|Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Thunderbird/115.0|it was fetched within seconds of the hand-off, as scanners do'], 'the right one alone is written down');
UPDATE ar_inbox.deliveries SET state = 'accepted', next_attempt_at = NULL, finished_at = now() - interval '1 hour' WHERE email_id = pg_temp.id('tracked');
UPDATE ar_inbox.email_opens SET opened_at = now() - interval '2 minutes';
SELECT lives_ok($$SELECT pg_temp.open(upper(pg_temp.token('tracked'))), pg_temp.open(pg_temp.token('tracked'))$$, 'later, twice within a minute');
SELECT results_eq($$SELECT pg_temp.opened('tracked') OFFSET 1$$, ARRAY['image|a@x.example|Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Thunderbird/115.0|reliable'], 'is one open, and nothing speaks against it');
SELECT is((SELECT ar_inbox_internal.open_doubt(pg_temp.id('acme'), pg_temp.id('tracked'), agent, now())), wanted, 'but: ' || coalesce(agent, 'no agent'))
FROM (VALUES
    (NULL, 'what fetched it does not say its name'),
    ('Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)', 'Google''s image proxy fetched it'),
    ('YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html', 'Yahoo''s image proxy fetched it'),
    ('Mozilla/5.0', 'a proxy that hides its reader fetched it, as Apple''s does for all mail'),
    ('curl/8.0', 'a program fetched it that nobody reads mail with'),
    ('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)', NULL)) v (agent, wanted);
CALL pg_temp.keep('tracked by us', ar_inbox.send_email(pg_temp.id('acme'), '{a@x.example,ar+y@acme.example}', 'Seen?', 'x'));
UPDATE ar_inbox.deliveries SET state = 'accepted', next_attempt_at = NULL, finished_at = now() - interval '1 hour' WHERE email_id = pg_temp.id('tracked by us');
SELECT lives_ok($$SELECT pg_temp.open(pg_temp.token('tracked by us'))$$, 'one that we have as well');
SELECT results_eq($$SELECT pg_temp.opened('tracked by us')$$, ARRAY['image|Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Thunderbird/115.0|one of the company''s own addresses has the message too'], 'tells neither who nor whether');
DO $$ BEGIN PERFORM set_config('request.headers', '{not json', true); END $$;
SELECT lives_ok($$SELECT ar_portal.record_open(pg_temp.token('tracked'))$$, 'headers that cannot be read');
SELECT is((SELECT count(*) FROM pg_temp.opened('tracked')), 3::bigint, 'are none');
INSERT INTO ar_inbox.email_opens (company_id, email_id, source) SELECT pg_temp.id('acme'), pg_temp.id('tracked'), 'receipt' FROM generate_series(1, 997);
SELECT lives_ok($$SELECT pg_temp.open(pg_temp.token('tracked'), 'Another one')$$, 'the table is not filled by whoever has the address');
SELECT is((SELECT count(*) FROM pg_temp.opened('tracked')), 1000::bigint, 'there is an end');

-- what a form for a reply is filled in with is what a reply does
CREATE FUNCTION pg_temp.offer(thread text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', (SELECT string_agg(r, ' ') FROM (SELECT 'to ' || split_part(a, '@', 1) FROM jsonb_array_elements_text(o -> 'recipients') a
            UNION ALL SELECT 'cc ' || split_part(a, '@', 1) FROM jsonb_array_elements_text(o -> 'cc') a) u (r)), o ->> 'subject',
        CASE WHEN o -> 'email_id' = 'null' THEN 'answers nothing' ELSE coalesce('answers ' || (SELECT min(i.name) FROM ids i WHERE i.id = (o -> 'email_id')::bigint
            AND EXISTS (SELECT 1 FROM ar_inbox.emails e WHERE e.id = i.id AND e.direction = 'incoming' AND e.message_id = i.name || '@globex.example')), 'answers ours') END)
    FROM (SELECT ar_inbox.thread(pg_temp.id(offer.thread)) -> 'reply' AS o) t
$$;
SELECT is(pg_temp.offer(name), pg_temp.made(ar_inbox.reply(pg_temp.id(name), 'x', reply_all => true)), 'as offered: ' || name)
FROM unnest(ARRAY['talk', 'silent', 'bill', 'thread of group', 'thread of list', 'thread of form', 'subject 1']) name;
SELECT is(ar_inbox.thread(pg_temp.id('thread of cron')) -> 'reply', '{"email_id": null, "recipients": [], "cc": [], "subject": "Re: cron"}', 'with nobody to answer it says so');

-- an address that is given more than once, in any letter case
CALL pg_temp.keep('twice', ar_inbox.send_email(pg_temp.id('acme'), '{Once@x.example,once@x.example,two@x.example}', 'Twice', 'b', cc => '{ONCE@x.example,three@x.example}', bcc => '{three@X.example,four@x.example}'));
SELECT is((SELECT string_agg(r.field || ' ' || r.address, ', ' ORDER BY r.id) FROM ar_inbox.email_recipients r WHERE r.email_id = pg_temp.id('twice')),
    'to Once@x.example, to two@x.example, cc three@x.example, bcc four@x.example', 'each address once');
-- nothing but white space
SELECT is(pg_temp.refusal(format('SELECT %s', call)), wanted, 'blank: ' || call)
FROM (VALUES ('ar_inbox.send_email(pg_temp.id(''acme''), ''{a@x.example}'', ''s'', E''\n\t'')', '22023 body is empty'), ('ar_inbox.send_email(pg_temp.id(''acme''), ''{a@x.example}'', E''\u00a0\t'', ''b'')', '22023 subject is empty'),
    ('ar_inbox.add_note((SELECT e.thread_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id(''twice'')), E''\u200b\n'')', '22023 body is empty'), ('ar_inbox.set_saved_reply(pg_temp.id(''acme''), ''blank'', E''\r\n'')', '22023 body is empty')) c (call, wanted);

SELECT finish();
ROLLBACK;
