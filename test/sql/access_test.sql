\set ECHO none
-- Who may see what and do what: members by their database roles, front ends by
-- request.jwt.claims, the worker, strangers.
\i test/lib/pgtap.sql
SELECT plan(102);

CREATE ROLE ar_test_viewer LOGIN;
CREATE ROLE ar_test_sender LOGIN;
CREATE ROLE ar_test_manager LOGIN;
CREATE ROLE ar_test_rival LOGIN;
CREATE ROLE ar_test_gone LOGIN;
CREATE ROLE ar_test_admin LOGIN IN ROLE ar_inbox_owner;
CREATE ROLE ar_test_stranger LOGIN;
CREATE ROLE ar_test_robot LOGIN;
CREATE ROLE ar_test_web LOGIN IN ROLE ar_inbox_front_end;

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('rival', ar_inbox.create_company('Rival'));
CALL pg_temp.keep('viewer', ar_inbox.create_member(pg_temp.id('acme'), 'Vera', 'vera@acme.example', 'ar_test_viewer', '{view}'));
CALL pg_temp.keep('sender', ar_inbox.create_member(pg_temp.id('acme'), 'Sam', 'sam@acme.example', 'ar_test_sender', '{view,send}'));
CALL pg_temp.keep('manager', ar_inbox.create_member(pg_temp.id('acme'), 'Mia', 'mia@acme.example', 'ar_test_manager'));
CALL pg_temp.keep('web', ar_inbox.create_member(pg_temp.id('acme'), 'Web', 'web@acme.example', permissions => '{view,send}'));
CALL pg_temp.keep('gone', ar_inbox.create_member(pg_temp.id('acme'), 'Gone', 'gone@acme.example', 'ar_test_gone'));
CALL pg_temp.keep('olga', ar_inbox.create_member(pg_temp.id('rival'), 'Olga', 'olga@rival.example', 'ar_test_rival'));
UPDATE ar_inbox.members SET removed_at = now() WHERE id = pg_temp.id('gone');

-- Both companies have a row in every table.
CREATE PROCEDURE pg_temp.furnish(company text) LANGUAGE plpgsql AS $$
DECLARE
    of_company bigint := pg_temp.id(company);
    domain text := company || '.example';
    customer bigint;
    invoice bigint;
    thread bigint;
    other bigint;
    mail bigint;
BEGIN
    PERFORM ar_inbox.set_mail_account(of_company, ('billing@' || domain)::ar_inbox.email_address, 'smtp://mail.' || domain, 'user', 'secret of ' || company,
        ('inbox@' || domain)::ar_inbox.email_address);
    PERFORM ar_inbox.set_sms_provider(of_company, 'AC0123456789abcdef', 'token', '+15550100', 'https://' || domain || '/status');
    PERFORM ar_inbox.set_letter_provider(of_company, 'key');
    INSERT INTO ar_inbox.provider_statuses (company_id, provider_id, provider_message_id, status)
    SELECT p.company_id, p.id, 'SM0', 'sent' FROM ar_inbox.providers p WHERE p.company_id = of_company;
    PERFORM ar_inbox.create_contact_role(of_company, 'Accounts Payable');
    customer := ar_inbox.create_customer(of_company, 'Customer', email => 'ap@globex.example');
    INSERT INTO ids VALUES (company || ' contact', ar_inbox.create_contact(customer, 'Ann', 'ann@globex.example', role => 'Accounts Payable'));
    PERFORM ar_inbox.add_holiday(of_company, '2026-12-24', 'Christmas Eve');
    PERFORM ar_inbox.create_cadence(of_company, 'Standard', '[{"trigger": "on_issue", "hour": 0, "channels": ["email"]}]', true);
    PERFORM ar_inbox.set_template(of_company, 'new_invoice', 's', 'b');
    invoice := ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]', '2026-01-10', '2026-02-09');
    PERFORM ar_inbox.issue_invoice(invoice);
    PERFORM ar_inbox.record_payment(invoice, 10);
    PERFORM ar_inbox.fire_due_steps();
    mail := ar_inbox.receive_email(convert_to(format(E'From: x@x.example\r\nTo: inbox@%s\r\nSubject: Hi\r\nMIME-Version: 1.0\r\n'
        'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n'
        'Content-Disposition: attachment; filename=a.pdf\r\n\r\nbytes\r\n--b--\r\n', domain), 'UTF8'));
    thread := (SELECT e.thread_id FROM ar_inbox.emails e WHERE e.id = mail);
    PERFORM ar_inbox.add_note(thread, 'a note');
    INSERT INTO ar_inbox.delivery_attempts (company_id, delivery_id, attempt_number, started_at)
    SELECT d.company_id, d.id, 99, now() FROM ar_inbox.deliveries d WHERE d.company_id = of_company;
    INSERT INTO ar_inbox.email_opens (company_id, email_id, source) VALUES (of_company, mail, 'image');
    INSERT INTO ar_inbox.email_html (company_id, email_id) VALUES (of_company, mail);
    INSERT INTO ar_inbox.missing_references (company_id, message_id, email_id) VALUES (of_company, 'gone@x.example', mail);
    INSERT INTO ar_inbox.saved_replies (company_id, name, body) VALUES (of_company, 'Thanks', 'Thank you.');
    INSERT INTO ar_inbox.spam_senders (company_id, address, thread_id) VALUES (of_company, 'spam@x.example', thread);
    INSERT INTO ar_inbox.suppressions (company_id, address, reason) VALUES (of_company, 'gone@x.example', 'manual');
    -- a thread of two messages with another one merged into it
    PERFORM ar_inbox.receive_email(convert_to(format(
        E'From: %s@x.example\r\nTo: inbox@%s\r\nMessage-ID: <%s@x.example>\r\nIn-Reply-To: <%s@x.example>\r\n\r\nhi\r\n', name, domain, name, answers), 'UTF8'))
    FROM (VALUES ('one', 'none'), ('answer', 'one'), ('two', 'nobody')) m (name, answers);
    other := (SELECT e.thread_id FROM ar_inbox.emails e WHERE e.company_id = of_company AND e.message_id = 'one@x.example');
    INSERT INTO ids VALUES (company || ' other', other);
    INSERT INTO ids SELECT company || ' merge', ar_inbox.merge_threads(other, e.thread_id)
    FROM ar_inbox.emails e WHERE e.company_id = of_company AND e.message_id = 'two@x.example';
    INSERT INTO ids SELECT company || ' saved reply', r.id FROM ar_inbox.saved_replies r WHERE r.company_id = of_company;
    INSERT INTO ids SELECT company || ' file', min(id) FROM ar_inbox.files WHERE company_id = of_company;
    PERFORM ar_inbox.suppress('barred@x.example', of_company);
    INSERT INTO ids SELECT company || ' email', ar_inbox.send_email(of_company, '{a@x.example}', 'Written', 'b', thread_id => other, send_at => now() + interval '1 day');
    INSERT INTO ids VALUES (company || ' customer', customer), (company || ' invoice', invoice), (company || ' thread', thread), (company || ' mail', mail);
    INSERT INTO ar_inbox.inbound_messages (company_id, content_hash, size, message, state, reason)
    VALUES (of_company, sha256(convert_to(company, 'UTF8')), 5, convert_to(company, 'UTF8'), 'quarantine', 'it was too large');
    INSERT INTO ids SELECT company || ' incoming message', id FROM ar_inbox.inbound_messages WHERE company_id = of_company AND state = 'quarantine';
    INSERT INTO ids SELECT company || ' delivery', min(id) FROM ar_inbox.deliveries WHERE company_id = of_company;
    INSERT INTO ids SELECT company || ' payment', min(id) FROM ar_inbox.payments WHERE company_id = of_company;
    INSERT INTO ids SELECT company || ' member', max(id) FROM ar_inbox.members WHERE company_id = of_company;
    INSERT INTO ids SELECT company || ' cadence', min(id) FROM ar_inbox.cadences WHERE company_id = of_company;
    INSERT INTO ids VALUES (company || ' hold', ar_inbox.hold(invoice, kind => 'dispute', reason => 'price'));
    PERFORM ar_inbox.set_automatic_mail(of_company, 'payment_receipt');
    INSERT INTO ids SELECT company || ' step', min(id) FROM ar_inbox.chasing_steps WHERE company_id = of_company;
    -- what figures are made of
    PERFORM ar_inbox.hold(invoice, kind => 'promise', until => '2099-01-01');
    WITH reminder AS (
        INSERT INTO ar_inbox.chasing_steps (company_id, invoice_id, schedule_number, step_number, trigger, days, hour, channels, due_at, state, fired_at)
        VALUES (of_company, invoice, 1, 2, 'after_due', 1, 9, '{email}', now(), 'sent', now())
        RETURNING id)
    INSERT INTO ar_inbox.deliveries (company_id, email_id, channel, mail_account_id, invoice_id, chasing_step_id, state, give_up_at, finished_at)
    SELECT of_company, mail, 'email', ar_inbox_internal.sending_account(of_company), invoice, r.id, 'accepted', now(), now() FROM reminder r;
END
$$;
CALL pg_temp.furnish('acme');
CALL pg_temp.furnish('rival');
-- some of what they have is in the index of phrases, some waits for it
DO $$ BEGIN
    PERFORM ar_inbox_internal.index_phrases(1000, 1), ar_inbox_internal.queue_phrases(pg_temp.id('rival')), ar_inbox_internal.index_phrases(1, 1);
    INSERT INTO ar_inbox.phrase_queue (company_id, email_id) SELECT e.company_id, e.id FROM ar_inbox.emails e;
END $$;
DO $$ BEGIN PERFORM ar_inbox.arm(); END $$;
INSERT INTO ar_inbox.inbound_messages (content_hash, size, message, state, reason) VALUES (sha256('x'), 1, 'x', 'quarantine', 'nobody''s');

-- What a role counts in each table and view: rows of Acme, rows of others.
CREATE TEMP VIEW looked_at AS
SELECT c.relname::text AS name, c.relkind, CASE c.relname WHEN 'companies' THEN 'id' ELSE 'company_id' END AS key
FROM pg_class c WHERE c.relnamespace = 'ar_inbox'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname NOT IN ('armed', 'schema_migrations');
CREATE FUNCTION pg_temp.seen() RETURNS TABLE (name text, own bigint, foreign_rows bigint) LANGUAGE plpgsql AS $$
DECLARE
    company bigint := pg_temp.id('acme');
    key text;
BEGIN
    FOR name, key IN SELECT l.name, l.key FROM looked_at l ORDER BY l.name COLLATE "C" LOOP
        BEGIN
            EXECUTE format('SELECT count(*) FILTER (WHERE %1$I = $1), count(*) FILTER (WHERE %1$I <> $1) FROM ar_inbox.%2$I', key, name)
                INTO own, foreign_rows USING company;
        EXCEPTION WHEN insufficient_privilege THEN
            own := -1;
            foreign_rows := -1;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
-- What happens when a role writes; empty where each write is refused.
CREATE FUNCTION pg_temp.writable() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    table_name text;
    column_name text;
    statement text;
BEGIN
    FOR table_name, column_name IN
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
        WHERE n.nspname = 'ar_inbox' AND c.relkind IN ('r', 'p') ORDER BY 1
    LOOP
        FOREACH statement IN ARRAY ARRAY['INSERT INTO ar_inbox.%I DEFAULT VALUES', 'DELETE FROM ar_inbox.%I', 'TRUNCATE ar_inbox.%I', 'LOCK ar_inbox.%I IN EXCLUSIVE MODE',
            format('UPDATE ar_inbox.%%I SET %I = %1$I', column_name)] LOOP
            BEGIN
                EXECUTE format(statement, table_name);
                RETURN NEXT format(statement, table_name);
            EXCEPTION WHEN insufficient_privilege THEN
                NULL;
            WHEN OTHERS THEN
                RETURN NEXT format(statement, table_name) || ': ' || sqlerrm;
            END;
        END LOOP;
    END LOOP;
END
$$;
-- Every public function by the permission it needs, once for what is Acme's
-- and once for what is the rival's.
CREATE TEMP TABLE calls (permission text, kind text, call text);
INSERT INTO calls VALUES
    ('manage', 'company', 'create_member({}, ''N'', ''n@n.example'')'),
    ('manage', 'company', 'change_settings({}, ''{"max_steps": 19}'')'),
    ('manage', 'company', 'set_mail_account({}, ''n{}@n.example'', ''smtp://h'')'),
    ('manage', 'company', 'remove_mail_account({}, ''n{}@n.example'')'),
    ('manage', 'company', 'set_sms_provider({}, ''AC0123456789abcdef'', ''t'', ''+15550100'')'),
    ('manage', 'company', 'set_letter_provider({}, ''k'')'),
    ('manage', 'company', 'remove_provider({}, ''letter'')'),
    ('manage', 'customer', 'change_customer({}, ''{"phone": "+15550101"}'')'),
    ('manage', 'contact', 'change_contact({}, ''{"phone": "+15550101"}'')'),
    ('manage', 'company', 'add_company_address({}, ''alias{}@n.example'')'),
    ('manage', 'company', 'remove_company_address({}, ''alias{}@n.example'')'),
    ('manage', 'incoming message', 'reprocess({})'),
    ('manage', 'company', 'create_customer({}, ''N'')'),
    ('manage', 'company', 'import_message({}, ''Subject: x'')'),
    ('manage', 'company', 'import_mbox({}, ''Subject: y'')'),
    ('manage', 'invoice', 'import_comment({}, ''c'', ''N'')'),
    ('manage', 'company', 'create_contact_role({}, ''N'')'),
    ('manage', 'customer', 'create_contact({}, ''N'')'),
    ('manage', 'company', 'create_cadence({}, ''N'', ''[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]'')'),
    ('manage', 'company', 'set_working_days({}, ''{1,2,3,4}'', ''next'')'),
    ('manage', 'company', 'add_holiday({}, ''2026-12-31'')'),
    ('manage', 'company', 'remove_holiday({}, ''2026-12-24'')'),
    ('manage', 'company', 'import_holidays({}, E''BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\nEND:VCALENDAR'')'),
    ('manage', 'company', 'set_template({}, ''new_invoice'', ''s'', ''b'')'),
    ('manage', 'company', 'set_automatic_mail({}, ''new_invoice'')'),
    ('manage', 'cadence', 'update_cadence({}, ''Other'')'),
    ('view', 'company', 'preview({}, now(), now() + interval ''1 day'')'),
    ('view', 'company', 'aging({})'),
    ('manage', 'customer', 'create_invoice({}, ''[{"description": "x", "unit_price": 1}]'')'),
    ('manage', 'invoice', 'change_invoice_dates({}, due_date => ''2026-03-01'')'),
    ('manage', 'invoice', 'record_payment({}, 1)'),
    ('manage', 'invoice', 'record_credit({}, 1)'),
    ('send', 'step', 'retry_step({})'),
    ('send', 'step', 'reschedule_step({}, ''2099-01-01'')'),
    ('send', 'cadence', 'chase_invoices(ARRAY[]::bigint[], {})'),
    ('send', 'invoice', 'chase_invoice({}, ''[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]'')'),
    ('send', 'hold', 'lift_hold({})'),
    ('send', 'invoice', 'hold({})'),
    ('send', 'invoice', 'stop_chasing({})'),
    ('send', 'company', 'send_email({}, ''{a@x.example}'', ''s'', ''b'')'),
    ('send', 'company', 'add_file({}, ''n'', ''x'')'),
    ('send', 'thread', 'reply({}, ''b'')'),
    ('send', 'email', 'undo_send({})'),
    ('send', 'company', 'suppress(''s@x.example'', {})'),
    ('manage', 'company', 'lift_suppression(''barred@x.example'', {})'),
    ('send', 'thread', 'set_thread_status({}, ''pending'')'),
    ('send', 'thread', 'assign_thread({}, NULL)'),
    ('send', 'thread', 'add_note({}, ''n'')'),
    ('send', 'thread', 'snooze_thread({}, ''2099-01-01'')'),
    ('send', 'email', 'split_thread({})'),
    ('send', 'merge', 'unmerge_threads({})'),
    ('send', 'thread', 'merge_threads({}, (SELECT pg_temp.id(split_part(i.name, '' '', 1) || '' other'') FROM pg_temp.ids i WHERE i.id = {} AND i.name LIKE ''% thread''))'),
    ('send', 'thread', 'mark_spam({})'),
    ('send', 'thread', 'set_thread_customer({}, NULL)'),
    ('send', 'company', 'set_saved_reply({}, ''N'', ''b'')'),
    ('send', 'saved reply', 'saved_reply({}, (SELECT pg_temp.id(split_part(i.name, '' '', 1) || '' thread'') FROM pg_temp.ids i WHERE i.id = {} AND i.name LIKE ''% saved reply''))'),
    ('send', 'saved reply', 'delete_saved_reply({})'),
    ('manage', 'member', 'set_signature({}, ''s'')'),
    ('view', 'company', 'folder(''all'', {})'),
    ('view', 'thread', 'thread({})'),
    ('view', 'invoice', 'invoice_thread({})'),
    ('view', 'customer', 'recent_emails({})'),
    ('view', 'email', 'email_html({})'),
    ('view', 'file', 'file_content({})'),
    ('view', 'invoice', 'chasing_schedule({})'),
    ('view', 'invoice', 'invoice_status({})'),
    ('view', 'company', 'search_threads(''x'', {})'),
    ('view', 'company', 'preview_template({}, ''new_invoice'', (SELECT pg_temp.id(i.name || '' invoice'') FROM pg_temp.ids i WHERE i.id = {} AND i.name IN (''acme'', ''rival'')))'),
    ('manage', 'member', 'change_member({})'),
    ('send', 'invoice', 'mark_sent({})'),
    ('manage', 'payment', 'void_payment({})'),
    ('manage', 'cadence', 'delete_cadence({})'),
    ('manage', 'invoice', 'close_invoice({})');
CREATE FUNCTION pg_temp.tried(call text, kind text, company text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refusal('SELECT ar_inbox.' || replace(call, '{}',
        pg_temp.id(CASE kind WHEN 'company' THEN company ELSE company || ' ' || kind END)::text))
$$;
-- Which calls do not end as they should for somebody with these permissions.
CREATE FUNCTION pg_temp.wrongly(permissions text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    c record;
    outcome text;
    wanted text;
BEGIN
    FOR c IN SELECT * FROM calls LOOP
        outcome := pg_temp.tried(c.call, c.kind, 'acme');
        wanted := CASE WHEN c.permission = ANY (permissions) THEN 'accepted'
            WHEN permissions = '{}' THEN format('IB001 %s %s does not exist', c.kind, pg_temp.id(CASE c.kind WHEN 'company' THEN 'acme' ELSE 'acme ' || c.kind END))
            ELSE format('42501 permission "%s" is needed in company %s', c.permission, pg_temp.id('acme')) END;
        IF outcome <> wanted THEN
            RETURN NEXT c.call || ': ' || outcome;
        END IF;
        outcome := pg_temp.tried(c.call, c.kind, 'rival');
        wanted := format('IB001 %s %s does not exist', c.kind, pg_temp.id(CASE c.kind WHEN 'company' THEN 'rival' ELSE 'rival ' || c.kind END));
        IF outcome <> wanted THEN
            RETURN NEXT c.call || ' of the rival: ' || outcome;
        END IF;
    END LOOP;
END
$$;
SELECT is_empty($$
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'ar_inbox'::regnamespace AND p.prosecdef AND has_function_privilege('ar_inbox_staff', p.oid, 'execute')
        AND p.proname NOT IN ('create_company', 'fire_due_steps', 'issue_invoice', 'void_invoice', 'resolve_delivery',
            -- a signature stands for permission
            'record_provider_status')
        AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.call LIKE p.proname || '(%')$$, 'every function that staff may call is tried');
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own = 0 OR foreign_rows = 0$$, 'there is a row of each company in every table');

-- pgTAP keeps its count in temporary tables, which the roles below write as well.
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;

-- a member who may view
SET LOCAL ROLE ar_test_viewer;
SELECT results_eq($$SELECT name FROM pg_temp.seen() WHERE own < 1$$, ARRAY['phrase_blocks', 'phrase_pages', 'phrase_queue', 'secrets'], 'a member sees its company''s rows in every table but the secrets and the index of phrases');
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE foreign_rows > 0$$, 'and no other company''s in any');
SELECT is_empty('SELECT pg_temp.writable()', 'it writes no table by hand');
SELECT throws_ok('SELECT * FROM ar_inbox.secrets', '42501', 'permission denied for table secrets', 'it cannot read a secret');
SELECT is((SELECT count(*) FROM ar_inbox.armed), 1::bigint, 'it sees whether the database is armed');
SELECT cmp_ok((SELECT count(*) FROM ar_inbox.schema_migrations), '>', 0::bigint, 'and what is installed');
SAVEPOINT calls;
SELECT is_empty($$SELECT pg_temp.wrongly('{view}')$$, 'who may view calls what needs view');
ROLLBACK TO calls;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.%s(%s)', name, pg_temp.id('acme invoice'))), format('42501 permission "manage" is needed in company %s', pg_temp.id('acme')), name || ' needs manage')
FROM unnest(ARRAY['issue_invoice', 'void_invoice']) name;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.resolve_delivery(%s, true)', pg_temp.id('acme delivery'))), format('42501 permission "send" is needed in company %s', pg_temp.id('acme')), 'resolve_delivery needs send');

-- one who may send
RESET ROLE;
SET LOCAL ROLE ar_test_sender;
SAVEPOINT calls;
SELECT is_empty($$SELECT pg_temp.wrongly('{view,send}')$$, 'who may send calls what needs view or send');
ROLLBACK TO calls;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.resolve_delivery(%s, true)', pg_temp.id('rival delivery'))), format('IB001 delivery %s does not exist', pg_temp.id('rival delivery')), 'but no delivery of the rival''s');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.chase_invoice(%s, cadence_id => %s)', pg_temp.id('acme invoice'), pg_temp.id('rival cadence'))),
    format('IB001 cadence %s does not exist', pg_temp.id('rival cadence')), 'nor a cadence');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.assign_thread(%s, %s)', pg_temp.id('acme thread'), pg_temp.id('olga'))),
    format('IB001 member %s does not exist', pg_temp.id('olga')), 'nor a member');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.send_email(%s, ''{a@x.example}'', ''s'', ''b'', %s_id => %s)', pg_temp.id('acme'), kind, pg_temp.id('rival ' || kind))),
    format('IB001 %s %s does not exist', kind, pg_temp.id('rival ' || kind)), 'nor a ' || kind)
FROM unnest(ARRAY['thread', 'invoice', 'customer']) kind;

-- one who may all
RESET ROLE;
SET LOCAL SESSION AUTHORIZATION ar_test_manager;
SAVEPOINT calls;
SELECT is_empty($$SELECT pg_temp.wrongly('{view,send,manage}')$$, 'who may manage calls all, in its company alone');
SELECT is((SELECT array_agg(DISTINCT actor || ' ' || coalesce(member_id = pg_temp.id('manager'), false)) FROM ar_inbox.events WHERE happened_at >= now() AND action IN ('closed', 'settings changed')),
    ARRAY['ar_test_manager true'], 'what it did is written down in its name');
ROLLBACK TO calls;
SELECT is_empty('SELECT pg_temp.writable()', 'even who may manage writes no table by hand');
SELECT throws_ok('SELECT * FROM ar_inbox.secrets', '42501', 'permission denied for table secrets', 'nor reads a secret');
SELECT throws_ok(statement, '42501', NULL, 'not for members: ' || statement)
FROM unnest(ARRAY['SELECT ar_inbox.install()', 'SELECT ar_inbox.arm()', 'SELECT ar_inbox.disarm()', 'SELECT ar_inbox.receive_email(''x'')', 'SELECT ar_inbox.fire_due_steps()',
    'SELECT ar_inbox.create_company(''X'')', 'SELECT ar_inbox_internal.take_message(''x'')', 'SELECT ar_inbox_internal.claim_deliveries(now(), 1)',
    'SELECT ar_inbox_internal.claim_provider_deliveries(now(), 1)', 'SELECT ar_inbox_internal.settle_interrupted(now())', 'SELECT ar_inbox_internal.accounts_to_poll(now())', 'SELECT ar_inbox_internal.fire_due(1, now(), 1)',
    'SELECT ar_inbox_internal.secure(''secrets'')', 'SELECT ar_inbox_internal.migrations()', 'SET LOCAL ROLE ar_inbox_owner', 'SET LOCAL ROLE ar_inbox_worker',
    'GRANT ar_inbox_staff TO ar_test_stranger', 'CREATE TABLE ar_inbox.x ()', 'CREATE TABLE ar_inbox_internal.x ()', 'CREATE VIEW ar_portal.x AS SELECT 1']) statement;

-- the rival, one who is gone, a stranger
RESET SESSION AUTHORIZATION;
SET LOCAL ROLE ar_test_rival;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0$$, 'the other company''s member sees nothing of Acme');
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE foreign_rows < 1 AND name <> 'secrets' AND name NOT LIKE 'phrase%'$$, 'but its own');
SELECT is((SELECT count(*) FROM ar_inbox.inbound_messages WHERE company_id = 0), 0::bigint, 'what is nobody''s is for administrators');
RESET ROLE;
SET LOCAL ROLE ar_test_gone;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'who is gone sees nothing');
SELECT is_empty($$SELECT pg_temp.wrongly('{}')$$, 'and does nothing');
RESET ROLE;
SET LOCAL SESSION AUTHORIZATION ar_test_stranger;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own <> -1 OR foreign_rows <> -1$$, 'a stranger may not even look');
SELECT is_empty('SELECT pg_temp.writable()', 'nor write');
SELECT throws_ok('SELECT ar_inbox.invoice_status(1)', '42501', NULL, 'nor call anything');
SELECT throws_ok('SET LOCAL ROLE ar_inbox_staff', '42501', NULL, 'nor become staff');
RESET SESSION AUTHORIZATION;

-- administrators
SET LOCAL ROLE ar_test_admin;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own < 1 OR foreign_rows < 1$$, 'a member of ar_inbox_owner sees all');
SAVEPOINT calls;
SELECT is_empty($$SELECT c.call FROM calls c WHERE pg_temp.tried(c.call, c.kind, 'acme') <> 'accepted' OR pg_temp.tried(c.call, c.kind, 'rival') <> 'accepted'$$, 'and does all, in every company');
SELECT is(ar_inbox.install(), 'up to date', 'install() too');
SELECT lives_ok('SELECT ar_inbox.disarm()', 'disarm()');
SELECT lives_ok('SELECT ar_inbox.arm()', 'arm()');
SELECT lives_ok('SELECT ar_inbox.fire_due_steps()', 'fire_due_steps()');
SELECT lives_ok('SELECT ar_inbox.create_company(''X'')', 'create_company()');
ROLLBACK TO calls;
RESET ROLE;

-- a role that hands in mail and does nothing else
GRANT USAGE ON SCHEMA ar_inbox TO ar_test_robot;
GRANT EXECUTE ON FUNCTION ar_inbox.receive_email(bytea, ar_inbox.email_address) TO ar_test_robot;
SET LOCAL ROLE ar_test_robot;
SELECT isnt(ar_inbox.receive_email(convert_to(E'From: r@x.example\r\nTo: inbox@acme.example\r\nMessage-ID: <r@x>\r\n\r\nhi', 'UTF8')), NULL, 'a role that is granted receive_email hands in mail');
SELECT throws_ok('SELECT * FROM ar_inbox.emails', '42501', NULL, 'and reads none');
RESET ROLE;

-- the worker
SELECT ok(NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls) AND rolcanlogin AND rolconnlimit = 0,
    'the worker''s role has no right over the server, and no client can log in as it') FROM pg_roles WHERE rolname = 'ar_inbox_worker';
SELECT is_empty($$SELECT rolname FROM pg_roles WHERE rolname IN ('ar_inbox_owner', 'ar_inbox_staff', 'ar_inbox_customer', 'ar_inbox_anonymous') AND rolcanlogin$$, 'nor as any other role of ours');
SELECT ok(NOT pg_has_role('ar_inbox_worker', 'ar_inbox_owner', 'member'), 'the worker does not own the tables');
SET LOCAL ROLE ar_inbox_worker;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE (own < 1 OR foreign_rows < 1) AND name NOT IN (SELECT l.name FROM looked_at l WHERE l.relkind = 'v')$$, 'it sees what is to be done, in every company');
SELECT lives_ok('SELECT * FROM ar_inbox_internal.claim_deliveries(now(), 1)', 'it hands off');
SELECT lives_ok('SELECT ar_inbox_internal.settle_interrupted(now())', 'and settles');
SELECT lives_ok('SELECT ar_inbox.fire_due_steps()', 'and fires');
SELECT lives_ok('SELECT * FROM ar_inbox_internal.accounts_to_poll(now())', 'and fetches');
SELECT throws_ok(statement, '42501', NULL, 'not for the worker: ' || statement)
FROM unnest(ARRAY['SELECT ar_inbox.install()', 'SELECT ar_inbox.arm()', 'UPDATE ar_inbox.events SET action = ''x''', 'DELETE FROM ar_inbox.events', 'TRUNCATE ar_inbox.events',
    'ALTER TABLE ar_inbox.events DISABLE ROW LEVEL SECURITY', 'DROP TABLE ar_inbox.events', 'CREATE TABLE ar_inbox.x ()', 'CREATE ROLE x', 'COPY ar_inbox.events TO PROGRAM ''true''']) statement;
RESET ROLE;

-- who has ar_inbox_staff but is no front end is believed nothing
GRANT ar_inbox_staff TO ar_test_stranger;
SET LOCAL SESSION AUTHORIZATION ar_test_stranger;
SET LOCAL request.jwt.claims = '{"email": "mia@acme.example"}';
SET LOCAL ROLE ar_inbox_staff;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'staff that is no front end sees nothing, whatever it claims');
RESET SESSION AUTHORIZATION;

-- a front end: it logs in as a role of its own and becomes ar_inbox_staff
SET LOCAL SESSION AUTHORIZATION ar_test_web;
SET LOCAL request.jwt.claims = '{"email": "WEB@acme.example", "role": "ar_inbox_staff"}';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'claims count for ar_inbox_staff alone');
SET LOCAL ROLE ar_inbox_staff;
SELECT results_eq($$SELECT name FROM pg_temp.seen() WHERE own < 1$$, ARRAY['phrase_blocks', 'phrase_pages', 'phrase_queue', 'secrets'], 'the member whose e-mail it vouches for sees its company');
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE foreign_rows > 0$$, 'and no other');
SAVEPOINT calls;
SELECT is_empty($$SELECT pg_temp.wrongly('{view,send}')$$, 'and does what it may');
SELECT is((SELECT DISTINCT member_id FROM ar_inbox.notes WHERE body = 'n'), pg_temp.id('web'), 'in its own name');
ROLLBACK TO calls;
SET LOCAL request.jwt.claims = '{"email": "gone@acme.example"}';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'who is gone sees nothing');
SET LOCAL request.jwt.claims = '{"email": "nobody@x.example"}';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'nor who is nobody''s member');
SET LOCAL request.jwt.claims = '{"sub": "7"}';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'nor who has no e-mail');
SET LOCAL request.jwt.claims = '{"email": "not an address"}';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'nor who has none that could be');
SET LOCAL request.jwt.claims = 'no json';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'nor whose claims are none');
SET LOCAL request.jwt.claims = '';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'nor who is not vouched for at all');
SELECT is_empty($$SELECT pg_temp.wrongly('{}')$$, 'and does nothing');
RESET SESSION AUTHORIZATION;

-- a member is who its role says, whatever it claims
SET LOCAL SESSION AUTHORIZATION ar_test_rival;
SET LOCAL request.jwt.claims = '{"email": "mia@acme.example"}';
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0$$, 'a member that claims to be another sees what it saw');
SELECT is(pg_temp.tried('record_payment({}, 1)', 'invoice', 'acme'), format('IB001 invoice %s does not exist', pg_temp.id('acme invoice')), 'and does no more');
SET LOCAL ROLE ar_inbox_staff;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'as ar_inbox_staff it is nobody');
SELECT is(pg_temp.tried('record_payment({}, 1)', 'invoice', 'acme'), format('IB001 invoice %s does not exist', pg_temp.id('acme invoice')), 'and does nothing');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION ar_test_gone;
SET LOCAL request.jwt.claims = '{"email": "mia@acme.example"}';
SET LOCAL ROLE ar_inbox_staff;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'nor does who is gone come back by that');
RESET SESSION AUTHORIZATION;

-- who was granted a member's role is no front end
CREATE ROLE ar_test_borrower LOGIN IN ROLE ar_test_rival;
SET LOCAL SESSION AUTHORIZATION ar_test_borrower;
SET LOCAL request.jwt.claims = '{"email": "mia@acme.example"}';
SET LOCAL ROLE ar_inbox_staff;
SELECT is_empty($$SELECT * FROM pg_temp.seen() WHERE own > 0 OR foreign_rows > 0$$, 'nor who was granted a member''s role');
RESET SESSION AUTHORIZATION;

-- what a tenant's manager may not make a member
SET LOCAL SESSION AUTHORIZATION ar_test_manager;
SELECT is(pg_temp.tried(format('create_member({}, ''R'', ''r@r.example'', %L)', role), 'company', 'acme'), wanted, 'a manager and the role ' || role)
FROM (VALUES ('ar_test_robot', '42501 role "ar_test_robot" is not a member of ar_inbox_staff'),
    ('ar_test_web', '22023 role "ar_test_web" is an administrator''s or a front end''s'),
    ('ar_test_admin', '22023 role "ar_test_admin" is an administrator''s or a front end''s')) r (role, wanted);
RESET SESSION AUTHORIZATION;

-- a superuser's ANALYZE runs others' functions: nobody is asking then
CREATE SCHEMA ar_test AUTHORIZATION ar_test_viewer;
SET LOCAL SESSION AUTHORIZATION ar_test_viewer;
CREATE TABLE ar_test.t (x integer);
CREATE FUNCTION ar_test.g(x integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM ar_inbox.create_company('Thief');
    RETURN 1;
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN sqlerrm LIKE '%security-restricted operation%' THEN 2 ELSE 3 END;
END $$;
CREATE INDEX ON ar_test.t (ar_test.g(x));
INSERT INTO ar_test.t SELECT 1;
RESET SESSION AUTHORIZATION;
REINDEX TABLE ar_test.t;
SET LOCAL enable_seqscan = off;
SELECT is((SELECT array_agg(x) FROM ar_test.t WHERE ar_test.g(x) = 2), ARRAY[1], 'a superuser''s REINDEX lends nobody its rights');

SELECT finish();
ROLLBACK;
