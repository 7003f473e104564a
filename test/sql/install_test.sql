\set ECHO none
-- install(): what it makes, and the rules that everything it makes keeps.
\i test/lib/pgtap.sql
SELECT plan(87);

-- Every table, view and sequence of ours.
CREATE TEMP VIEW ours AS
SELECT c.oid, c.relname, c.relkind, c.relowner, c.relrowsecurity
FROM pg_class c
WHERE c.relnamespace = 'ar_inbox'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S');
-- Every function of ours that a user may meet, and those behind them.
CREATE TEMP VIEW functions AS
SELECT p.oid, p.oid::regprocedure::text AS signature, n.nspname, p.proname, p.prosecdef, p.proowner,
    p.proconfig, p.proacl, p.prorettype, p.prosqlbody, l.lanname
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname IN ('ar_inbox', 'ar_inbox_internal', 'ar_portal');

-- once, and again
SELECT is(ar_inbox.install(), 'up to date', 'installed already: nothing to do');
SELECT results_eq('SELECT version FROM ar_inbox.schema_migrations ORDER BY version',
    'SELECT version FROM ar_inbox_internal.migrations() ORDER BY version', 'every migration is recorded');
SELECT results_eq('SELECT subject FROM ar_inbox.schema_migrations ORDER BY version',
    'SELECT subject FROM ar_inbox_internal.migrations() ORDER BY version', 'with its subject');
SELECT is_empty($$SELECT * FROM ar_inbox.schema_migrations WHERE installed_at IS NULL OR installed_by IS NULL$$,
    'with when and by whom');
SELECT is((SELECT count(*) FROM ar_inbox_internal.migrations()),
    (SELECT count(DISTINCT version) FROM ar_inbox_internal.migrations()), 'no number is given twice');
SELECT ok(ar_inbox_internal.is_installed(), 'is_installed()');
SAVEPOINT outstanding;
DROP VIEW ar_inbox.inbox, ar_inbox.sent;
DELETE FROM ar_inbox.schema_migrations WHERE subject = 'views';
SELECT ok(NOT ar_inbox_internal.is_installed(), 'is_installed() without the views');
SELECT matches(ar_inbox.install(), '^ran 1 migration: [0-9]+ views$', 'only what is outstanding is run, and said');
SELECT has_view('ar_inbox', 'inbox', 'the view is there again');
SELECT is(ar_inbox.install(), 'up to date', 'and then there is nothing to do');
ROLLBACK TO outstanding;
SELECT throws_ok($$DROP EXTENSION ar_inbox$$, '2BP01',
    'cannot drop extension ar_inbox because other objects depend on it', 'DROP EXTENSION refuses while there are tables');

SELECT bag_eq($$SELECT relname::text FROM ours WHERE relkind IN ('r', 'p')$$,
    ARRAY['armed', 'attachments', 'automatic_mails', 'cadence_steps', 'cadences', 'chasing_steps', 'companies', 'company_addresses',
        'contact_roles', 'contacts', 'customers', 'deliveries', 'delivery_attempts', 'email_html', 'email_opens', 'email_recipients',
        'emails', 'events', 'file_contents', 'files', 'holds', 'holidays', 'inbound_messages', 'invoice_lines', 'invoices', 'mail_accounts',
        'members', 'missing_references', 'notes', 'payments', 'phrase_blocks', 'phrase_pages', 'phrase_queue', 'provider_statuses', 'providers', 'saved_replies', 'schema_migrations', 'secrets',
        'spam_senders', 'suppressions', 'templates', 'thread_merges', 'threads'], 'the tables');
SELECT bag_eq($$SELECT relname::text FROM ours WHERE relkind IN ('v', 'm')$$, ARRAY['aging', 'chasing_results', 'days_sales_outstanding', 'inbox', 'open_holds', 'promise_results', 'reminder_results', 'sent'], 'the views');

-- what belongs to whom
SELECT is_empty($$
    SELECT o.relname FROM ours o
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = o.oid AND d.deptype = 'e'$$,
    'no table, view or sequence is a member of the extension');
SELECT is_empty($$SELECT relname FROM ours WHERE relowner <> 'ar_inbox_owner'::regrole$$,
    'all of them belong to ar_inbox_owner');
SELECT is_empty($$SELECT signature FROM functions WHERE prosecdef AND proowner <> 'ar_inbox_owner'::regrole$$,
    'and so does every SECURITY DEFINER function');
SELECT is_empty($$
    SELECT f.signature FROM functions f
    WHERE NOT EXISTS (SELECT 1 FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e' AND e.extname = 'ar_inbox')$$,
    'every function is a member of the extension');
SELECT is_empty($$
    SELECT rolname FROM pg_roles
    WHERE rolname LIKE 'ar\_inbox\_%' AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)$$,
    'no role of ours has a right over the server');

-- row-level security
SELECT is_empty($$SELECT relname FROM ours WHERE relkind IN ('r', 'p') AND NOT relrowsecurity$$,
    'every table has row-level security');
SELECT is_empty($$
    SELECT o.relname FROM ours o WHERE relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = o.oid)$$,
    'and a policy');
SELECT is_empty($$
    SELECT c.relname, p.polname FROM pg_policy p JOIN ours c ON c.oid = p.polrelid
    WHERE pg_get_expr(p.polqual, p.polrelid) ~* '\mselect\M'
        OR pg_get_expr(p.polwithcheck, p.polrelid) ~* '\mselect\M'
        OR p.polqual::text LIKE '%SUBLINK%' OR p.polwithcheck::text LIKE '%SUBLINK%'$$,
    'no policy has a sub-query');
SELECT is_empty($$
    SELECT c.relname, p.polname FROM pg_policy p JOIN ours c ON c.oid = p.polrelid
    WHERE NOT p.polroles <@ ARRAY['ar_inbox_staff'::regrole, 'ar_inbox_worker'::regrole]::oid[]$$,
    'policies are for staff and the worker alone');
SELECT is_empty($$
    SELECT c.relname, p.polname FROM pg_policy p JOIN ours c ON c.oid = p.polrelid
    WHERE 'ar_inbox_staff'::regrole = ANY (p.polroles)
        AND (p.polcmd <> 'r' OR (pg_get_expr(p.polqual, p.polrelid) !~ 'companies\(''view''::text\)'
            AND c.relname NOT IN ('armed', 'schema_migrations')))$$,
    'staff reads the rows of its own companies, no more');
SELECT is_empty($$
    SELECT o.relname FROM ours o JOIN pg_class c ON c.oid = o.oid
    WHERE o.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)$$,
    'views look with the eyes of who asks');

-- the company in every key
SELECT is_empty($$
    SELECT o.relname FROM ours o
    WHERE o.relkind IN ('r', 'p') AND o.relname NOT IN ('companies', 'armed', 'schema_migrations')
        AND NOT EXISTS (SELECT 1 FROM pg_attribute a
            WHERE a.attrelid = o.oid AND a.attname = 'company_id' AND a.attnotnull AND a.atttypid = 'bigint'::regtype)$$,
    'every table has a company_id');
SELECT is_empty($$
    SELECT o.relname FROM ours o
    WHERE o.relkind IN ('r', 'p') AND o.relname NOT IN ('companies', 'armed', 'schema_migrations')
        -- looked up by what they are about, never by an id
        AND o.relname NOT IN ('company_addresses', 'email_html', 'file_contents', 'missing_references', 'phrase_pages', 'phrase_queue', 'spam_senders')
        AND NOT EXISTS (SELECT 1 FROM pg_index i
            WHERE i.indrelid = o.oid AND i.indisprimary
                AND pg_get_indexdef(i.indexrelid) LIKE '%USING btree (id, company_id)')$$,
    'every primary key of a table with ids is (id, company_id)');
SELECT is((SELECT count(*) FROM pg_index i JOIN ours o ON o.oid = i.indrelid
        WHERE o.relname IN ('companies', 'armed', 'schema_migrations') AND i.indisunique), 3::bigint,
    'the three tables that stand above companies have no other key');
SELECT is_empty($$
    SELECT i.indexrelid::regclass FROM pg_index i JOIN ours o ON o.oid = i.indrelid
    WHERE i.indisunique AND o.relname NOT IN ('companies', 'armed', 'schema_migrations')
        -- an address is one company's only
        AND o.relname <> 'company_addresses'
        AND NOT EXISTS (SELECT 1 FROM pg_attribute a
            WHERE a.attrelid = i.indrelid AND a.attname = 'company_id' AND a.attnum = ANY (i.indkey))$$,
    'every unique index but that of addresses has company_id');
SELECT is_empty($$
    SELECT k.conname FROM pg_constraint k JOIN ours o ON o.oid = k.conrelid
    WHERE k.contype = 'f'
        AND NOT EXISTS (SELECT 1 FROM unnest(k.conkey, k.confkey) u (mine, theirs)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.mine AND a.attname = 'company_id'
            JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.theirs
                AND b.attname = CASE k.confrelid WHEN 'ar_inbox.companies'::regclass THEN 'id' ELSE 'company_id' END)$$,
    'every foreign key has company_id on both sides');
SELECT is_empty($$
    SELECT k.conname FROM pg_constraint k JOIN ours o ON o.oid = k.conrelid
    WHERE k.contype = 'f' AND (k.confdeltype <> 'a' OR k.confupdtype <> 'a')$$,
    'no foreign key changes or deletes rows by itself');
SELECT is_empty($$
    SELECT o.relname FROM ours o
    WHERE o.relkind IN ('r', 'p') AND o.relname NOT IN ('companies', 'armed', 'schema_migrations', 'inbound_messages', 'phrase_queue')
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = o.oid AND k.contype = 'f'
            AND array_length(k.conkey, 1) <= 2)$$,
    'every table hangs on its company, by itself or by another');
SELECT is_empty($$
    SELECT o.relname FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attname = 'id'
    WHERE o.relkind IN ('r', 'p') AND (a.attidentity <> 'd' OR a.atttypid <> 'bigint'::regtype)$$,
    'every id is a bigint, generated by default');

-- what is said of it
SELECT is_empty($$
    SELECT relname FROM ours WHERE relkind <> 'S' AND obj_description(oid, 'pg_class') IS NULL$$,
    'every table and view has a comment');
SELECT is_empty($$
    SELECT signature FROM functions WHERE obj_description(oid, 'pg_proc') IS NULL$$,
    'every function has a comment');
SELECT is_empty($$
    SELECT t.typname FROM pg_type t
    WHERE t.typnamespace IN ('ar_inbox'::regnamespace, 'ar_inbox_internal'::regnamespace)
        AND t.typcategory <> 'A'
        AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
        AND obj_description(t.oid, 'pg_type') IS NULL
        AND (t.typrelid = 0 OR obj_description(t.typrelid, 'pg_class') IS NULL)$$,
    'every type has a comment');
SELECT is_empty($$
    SELECT n.nspname FROM pg_namespace n
    WHERE n.nspname IN ('ar_inbox', 'ar_inbox_internal', 'ar_portal') AND n.nspname <> 'ar_inbox'
        AND obj_description(n.oid, 'pg_namespace') IS NULL$$,
    'so have the schemas that the extension makes itself');
SELECT isnt(obj_description((SELECT oid FROM pg_extension WHERE extname = 'ar_inbox'), 'pg_extension'), NULL,
    'and the extension');

-- functions
SELECT is_empty($$
    SELECT signature FROM functions
    WHERE NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false) AND lanname NOT IN ('c', 'internal')
        -- of those that fix it, to be a part of their queries; and those whose
        -- body was parsed when they were made (return …)
        AND proname NOT IN ('sender_shown', 'person', 'sending_of', 'hold_on') AND prosqlbody IS NULL$$,
    'every function that is not in C fixes its search_path');
SELECT is_empty($$
    SELECT f.signature FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
    WHERE f.nspname = 'ar_inbox_internal' AND a.grantee = 0
        AND f.proname NOT IN ('is_time_zone', 'currency_digits', 'postal_address_fault', 'is_country')$$,
    'of the internal functions PUBLIC may call those that constraints ask');
SELECT bag_eq($$
    SELECT f.signature FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
    WHERE f.nspname = 'ar_inbox_internal' AND a.grantee = 0$$,
    ARRAY['ar_inbox_internal.is_time_zone(text)', 'ar_inbox_internal.currency_digits(text)', 'ar_inbox_internal.postal_address_fault(jsonb)', 'ar_inbox_internal.is_country(text)'],
    'and may call those');
SELECT is_empty($$
    SELECT f.signature FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
    WHERE f.prosecdef AND a.grantee = 0$$,
    'no function with its owner''s rights is for PUBLIC');
SELECT is_empty($$
    SELECT o.relname, a.privilege_type FROM ours o JOIN pg_class c ON c.oid = o.oid, aclexplode(c.relacl) a
    WHERE a.grantee = 0$$,
    'no table is for PUBLIC');
SELECT bag_eq($$
    SELECT f.proname::text FROM functions f
    WHERE f.nspname = 'ar_inbox' AND f.prosecdef AND NOT has_function_privilege('ar_inbox_staff', f.oid, 'execute')$$,
    ARRAY['install', 'arm', 'disarm', 'receive_email'], 'what staff may not call');
SELECT is_empty($$
    SELECT f.signature FROM functions f
    WHERE f.nspname = 'ar_inbox' AND NOT f.prosecdef AND f.proname NOT LIKE '%email\_address%'
        -- those that read nothing but their argument
        AND f.proname NOT IN ('parse_email', 'reply_text', 'sanitize_html', 'html_to_text')$$,
    'public functions act with the rights of the tables'' owner, for members have none');

-- the functions that are a contract
-- (each begins with these; what was added since comes behind them and has a default)
SELECT is((SELECT array_to_string(p.proargnames[1 : cardinality(string_to_array(w.parameters, ', '))], ', ')
        FROM pg_proc p WHERE p.pronamespace = 'ar_inbox'::regnamespace AND p.proname = w.name), w.parameters, w.name || ' has its contract''s parameters')
FROM (VALUES
    ('create_company', 'name, time_zone, currency, language'),
    ('create_member', 'company_id, name, email, role, permissions'),
    ('create_customer', 'company_id, name, number, email'),
    ('create_contact', 'customer_id, name, email, phone, is_primary, role'),
    ('create_invoice', 'customer_id, lines, issue_date, due_date, number, currency'),
    ('issue_invoice', 'invoice_id'),
    ('record_payment', 'invoice_id, amount, received_on, method'),
    ('void_invoice', 'invoice_id'),
    ('close_invoice', 'invoice_id'),
    ('chase_invoice', 'invoice_id, steps, cadence_id, recipients, at'),
    ('set_working_days', 'company_id, days, policy'),
    ('import_holidays', 'company_id, ics'),
    ('stop_chasing', 'invoice_id'),
    ('chasing_schedule', 'invoice_id'),
    ('fire_due_steps', 'at'),
    ('set_mail_account', 'company_id, from_address, smtp_url, username, password, inbox_address, imap_url'),
    ('send_email', 'company_id, recipients, subject, body, cc, bcc, thread_id, invoice_id, customer_id, attachments, send_at'),
    ('reply', 'thread_id, body, recipients, cc, bcc, attachments, send_at, reply_all'),
    ('add_file', 'company_id, name, content'),
    ('undo_send', 'email_id'),
    ('receive_email', 'message, recipient'),
    ('reprocess', 'inbound_id'),
    ('set_thread_status', 'thread_id, status'),
    ('assign_thread', 'thread_id, member_id'),
    ('add_note', 'thread_id, body'),
    ('snooze_thread', 'thread_id, until'),
    ('merge_threads', 'into_thread_id, from_thread_id'),
    ('unmerge_threads', 'merge_id'),
    ('split_thread', 'email_id'),
    ('mark_spam', 'thread_id'),
    ('search_threads', 'query, company_id, max_rows'),
    ('folder', 'name, company_id, before, max_rows'),
    ('thread', 'thread_id'),
    ('recent_emails', 'customer_id, max_rows'),
    ('suppress', 'address'),
    ('lift_suppression', 'address'),
    ('import_mbox', 'company_id'),
    ('parse_email', 'message'),
    ('sanitize_html', 'html'),
    ('html_to_text', 'html'),
    ('reply_text', 'body')) w (name, parameters);
SELECT is((SELECT proargnames FROM pg_proc WHERE oid::regprocedure::text LIKE 'ar_inbox.chasing_schedule(%'),
    ARRAY['invoice_id', 'step_id', 'step_number', 'trigger', 'due_at', 'channels', 'state', 'reason', 'outlook', 'mail'],
    'chasing_schedule gives its contract''s columns');
SELECT is((SELECT proargnames FROM pg_proc WHERE oid::regprocedure::text LIKE 'ar_inbox.fire_due_steps(%'),
    ARRAY['at', 'step_id', 'invoice_id', 'outcome', 'reason'], 'fire_due_steps too');

SELECT finish();
ROLLBACK;
