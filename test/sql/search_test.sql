\set ECHO none
-- Searching: words, languages, what is found and by whom.
\i test/lib/pgtap.sql
SELECT plan(214);

-- Words and the configurations of the languages
CREATE FUNCTION pg_temp.words(config text, body text) RETURNS text LANGUAGE sql AS $$
    SELECT to_tsvector(('ar_inbox.' || config)::regconfig, body)::text
$$;
CREATE FUNCTION pg_temp.finds(config text, body text, query text) RETURNS boolean LANGUAGE sql AS $$
    SELECT to_tsvector(('ar_inbox.' || config)::regconfig, body) @@ ar_inbox_internal.search_query(('ar_inbox.' || config)::regconfig, query)
$$;
SELECT is(pg_temp.words('english', 'The invoices INV-00042 of 1,234.50'), $$'00042':4 '1234':6 '42':4 '50':7 'inv':3 'invoic':2$$, 'words, numbers, a document');
SELECT is(pg_temp.words('english', 'ann@globex.example'), $$'ann':1 'exampl':3 'globex':2$$, 'an address');
SELECT is(pg_temp.words('german', 'Die Rechnungen über MÜLLER'), $$'mull':4 'rechnung':2$$, 'German');
SELECT is(pg_temp.words('french', 'L''avis des sociétés'), $$'avis':2 'societ':4$$, 'French');
SELECT is(pg_temp.words('russian', 'Счета и СЧЁТ'), $$'счет':1,3$$, 'Russian');
SELECT is(pg_temp.words('simple', 'The 請求書 in'), $$'in':5 'the':1 '書':4 '求':3 '請':2$$, 'no language of its own');
SELECT is((SELECT string_agg(cfgname, ' ' ORDER BY cfgname COLLATE "C") FROM pg_ts_config WHERE cfgnamespace = 'ar_inbox'::regnamespace),
    'arabic armenian basque catalan danish dutch english finnish french german greek hindi hungarian indonesian irish italian lithuanian nepali norwegian portuguese romanian russian serbian simple spanish swedish tamil turkish yiddish',
    'the languages');
SELECT ok(pg_temp.finds('english', body, query), format('%s finds %s', query, body))
FROM (VALUES ('we paid INV-00042 today', 'INV-00042'), ('we paid INV-00042 today', 'inv 42'), ('we paid INV-00042 today', '00042'), ('we paid INV-00042 today', '42'),
    ('we paid INV-00042 today', '"paid inv-42 today"'), ('we paid INV 00042 today', 'inv/00042'), ('RE20260042', 'RE-20260042'), ('RE2026/0042', '2026/0042'),
    ('due: €1,234.50', '1234.50'), ('due: 1.234,50 EUR', '1,234.50'), ('due: 1234.50', '"1,234.50"'), ('due: 1,234.50', '1234'),
    ('from ann.lee@globex.example', 'ann.lee@globex.example'), ('from ann.lee@globex.example', 'globex.example'), ('from ann.lee@globex.example', 'globex'), ('from ann.lee@globex.example', '"ann lee" globex'),
    ('invoice_march-2026.pdf', 'invoices march pdf'), ('your invoice is overdue', 'INVOICES'), ('your invoice is overdue', '"invoice is overdue"'),
    ('Müller GmbH', 'muller'), ('Muller GmbH', 'MÜLLER'), ('Société Générale', 'societe generale'), ('Societe Generale', 'Société Générale'), ('Société Générale', '"societe generale"'),
    ('Societe Generale', '"Société Générale"'), ('École', 'ecole'), ('ecole', 'École'), ('Straße', 'strasse'), ('Hermès', 'hermes'), ('Zoe' || U&'\0308', 'zoë'), ('O''Brien', 'o''brien'), ('O’Brien', 'o''brien'), ('section A4', 'a4'), ('section A4', '"section a4"'),
    ('請求書を送ります', '請求書'), ('請求書を送ります', '送り'), ('청구서를 보냅니다', '청구'), ('청구서를 보냅니다', '"청구서를 보냅"'), (normalize('청구서.pdf', NFD), '청구서'), ('청구서', normalize('청구', NFD)), ('apples and pears', 'apples OR plums'), ('apples and pears', 'pears -plums'),
    ('overdue payments', 'overd*'), ('overdue payments', 'PAYMENT*'), ('INV-00042', 'INV-000*'), ('theatre', 'the*')) t (body, query);
SELECT ok(pg_temp.finds(config, 'An ' || word || ' Rue', query) AND pg_temp.finds(config, 'An ' || word || ' Rue', format('"%s rue"', query)), format('%s: %s finds %s', config, query, word))
FROM (VALUES ('german', 'Société', 'societe'), ('german', 'Citroën', 'citroen'), ('german', 'René', 'rené'), ('french', 'Bücher', 'bucher'), ('french', 'Münchner', 'munchner'), ('french', 'Désirée', 'desiree'),
    ('french', 'desiree', 'Désirée'), ('french', 'facture payée', 'facture payer'), ('spanish', 'Résumés', 'resumes'), ('simple', 'Élise', 'elise'), ('turkish', 'ödeme', 'odeme')) t (config, word, query);
SELECT ok(pg_temp.finds(config, body, query), format('%s: %s finds %s', config, query, body))
FROM (VALUES ('spanish', 'facturaciones pendientes', '"facturación pendiente"'), ('spanish', 'facturaciones pendientes', 'facturación-pendiente'), ('spanish', 'facturacion pendiente', '"facturación pendiente"'),
    ('portuguese', 'notificações enviadas', '"notificação enviada"')) t (config, body, query);
SELECT ok(NOT pg_temp.finds('english', body, query), format('%s does not find %s', query, body))
FROM (VALUES ('we paid INV-00042 today', 'INV-00043'), ('INV-42', '00042'), ('INV-420', '42'), ('420', '42'), ('we paid INV 1, 42', 'INV-42'), ('12,345', '345'), ('plan B, 4 days', 'a4'),
    ('globex of ann', 'ann@globex'), ('apples and pears', 'apples plums'), ('apples and pears', 'pears -apples'), ('apples and pears', '"pears apples"'),
    ('書求請', '請求書'), ('overdue', 'ov*'), ('overdue', 'due*')) t (body, query);
SELECT is(ar_inbox_internal.search_config(tag)::text, config, format('the configuration for "%s"', tag))
FROM (VALUES ('en', 'ar_inbox.english'), ('de-AT', 'ar_inbox.german'), ('PT-br', 'ar_inbox.portuguese'), ('nb', 'ar_inbox.norwegian'), ('ja', 'ar_inbox.simple'), ('', 'ar_inbox.simple'), ('deu', 'ar_inbox.simple')) t (tag, config);
SELECT is(ts_headline('ar_inbox.english', 'Dear Ann, we paid INV-00042.', ar_inbox_internal.search_query('ar_inbox.english', 'inv-42')),
    'Dear Ann, we paid <b>INV</b>-<b>00042</b>.', 'a headline');

-- The quick way says what to_tsvector() says: any text, each language
CREATE FUNCTION pg_temp.anything(seed integer, pieces integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(CASE r % 12
        WHEN 0 THEN chr((33 + r / 12 % 94)::integer) WHEN 1 THEN chr((160 + r / 12 % 1200)::integer) WHEN 2 THEN chr((12353 + r / 12 % 9000)::integer)
        WHEN 3 THEN (r / 12 % 10000)::text WHEN 4 THEN to_char(r / 12 % 9999999 / 100.0, 'FM99,999.00') WHEN 5 THEN 'INV-' || lpad((r / 12 % 100)::text, 5, '0')
        WHEN 6 THEN chr((1040 + r / 12 % 64)::integer) || chr((1040 + r / 700 % 64)::integer) WHEN 7 THEN 'e' || chr((768 + r / 12 % 112)::integer) WHEN 8 THEN chr((1 + r / 12 % 55000)::integer)
        ELSE (array['the', 'customers', 'Rechnungen', 'überfällig', 'sociétés', 'l''avis', 'don''t', 'pay.', 'A4', 'счета', 'ﬁnal', 'Ｆｕｌｌ', 'İstanbul', 'facturas', 'of'])[(1 + r / 12 % 15)::integer] END
        || CASE WHEN r % 5 < 3 THEN ' ' ELSE '' END, '' ORDER BY i)
    FROM generate_series(1, pieces) i
    CROSS JOIN LATERAL (SELECT abs(hashint8extended(i, seed) % 1000000000) AS r) r
$$;
SELECT is(count(*) FILTER (WHERE quick = slow), 12::bigint, 'as to_tsvector(): ' || cfgname)
FROM (
    SELECT c.cfgname, ar_inbox_internal.config_search_vector(c.oid, t.a, t.b, t.d) AS quick,
        setweight(to_tsvector(c.oid, t.a), 'A') || setweight(to_tsvector(c.oid, t.b), 'B') || to_tsvector(c.oid, t.d) AS slow
    FROM pg_ts_config c
    CROSS JOIN LATERAL (SELECT pg_temp.anything(3 * n, 5) AS a, pg_temp.anything(3 * n + 1, 20) AS b, pg_temp.anything(3 * n + 2, 15 * n) AS d FROM generate_series(1, 12) n) t
    WHERE c.cfgnamespace = 'ar_inbox'::regnamespace) s
GROUP BY cfgname HAVING cfgname IN ('english', 'german', 'french', 'russian', 'turkish', 'simple') ORDER BY cfgname COLLATE "C";
SELECT is(ar_inbox_internal.config_search_vector('ar_inbox.english', 'x the', repeat('a1 ', 300), repeat('foo bar the ', 9000)),
    setweight(to_tsvector('ar_inbox.english', 'x the'), 'A') || setweight(to_tsvector('ar_inbox.english', repeat('a1 ', 300)), 'B')
        || to_tsvector('ar_inbox.english', repeat('foo bar the ', 9000)), 'with more positions than there are');
SELECT is(ar_inbox_internal.config_search_vector('ar_inbox.english', NULL, NULL, NULL), '', 'NULL is nothing');
SELECT is(ar_inbox_internal.config_search_vector('ar_inbox.english', 'pay', NULL, 'paid'), $$'paid':2 'pay':1A$$, 'weights');
SELECT is(ar_inbox_internal.config_search_vector('ar_inbox.english', NULL, NULL, repeat('x', 3000000)), '', 'no word: 3 MB of one letter');
SELECT is(length(ar_inbox_internal.config_search_vector('ar_inbox.english', NULL, NULL, (SELECT string_agg(chr(19968 + n % 20000) || chr(131072 + n), ' ') FROM generate_series(1, 40000) n))),
    20000, 'at most 20,000 different words');
SELECT cmp_ok(pg_column_size(ar_inbox_internal.config_search_vector('ar_inbox.english', repeat('y ', 9000), repeat('z ', 99999), (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 40000) n))),
    '<', 1100000, 'never over the limit of the type');
SELECT is(ar_inbox_internal.search_vector(-1, NULL, NULL, 'the invoices'), $$'invoices':2 'the':1$$, 'no such company: no language');

-- A dictionary that is added is heard at once.
SELECT is(ar_inbox_internal.config_search_vector('ar_inbox.english', NULL, NULL, 'unseen'), $$'unseen':1$$, 'before');
ALTER TEXT SEARCH CONFIGURATION ar_inbox.english ALTER MAPPING FOR word WITH ar_inbox.german;
SELECT is(ar_inbox_internal.config_search_vector('ar_inbox.english', NULL, NULL, 'unseen'), $$'unse':1$$, 'and after');
ALTER TEXT SEARCH CONFIGURATION ar_inbox.english ALTER MAPPING FOR word WITH ar_inbox.english;

-- Keys of moments
SELECT is(cardinality(ar_inbox_internal.search_keys(1, '2026-01-01')), 6, 'six keys');
SELECT is(count(*) FILTER (WHERE NOT ar_inbox_internal.search_keys(7, m) && ar_inbox_internal.search_cover('{3,7}', since, until)), 0::bigint, 'each moment is covered')
FROM (SELECT timestamptz '2020-01-01' + interval '1 hour' * abs(hashint8extended(n, 1) % 80000) AS since, interval '1 minute' * abs(hashint8extended(n, 2) % (10 ^ (n % 7))::bigint) AS width, n FROM generate_series(1, 500) n) r,
    LATERAL (SELECT since + width AS until) u, LATERAL (VALUES (since), (until), (since + width / 2), (since + width / 3)) p (m);
SELECT is(count(*) FILTER (WHERE ar_inbox_internal.search_keys(7, m) && ar_inbox_internal.search_cover('{3,7}', since, until)), 0::bigint, 'and none 4 hours outside')
FROM (SELECT timestamptz '2020-01-01' + interval '1 hour' * abs(hashint8extended(n, 1) % 80000) AS since, interval '1 minute' * abs(hashint8extended(n, 2) % (10 ^ (n % 7))::bigint) AS width, n FROM generate_series(1, 500) n) r,
    LATERAL (SELECT since + width AS until) u, LATERAL (VALUES (since - interval '4 hours'), (until + interval '4 hours')) p (m);
SELECT ok(NOT ar_inbox_internal.search_keys(7, now()) && ar_inbox_internal.search_cover('{6,8}', now() - interval '9 years', NULL), 'nor of other companies');
SELECT ok(ar_inbox_internal.search_keys(7, m) && ar_inbox_internal.search_cover('{7}', since, NULL), format('%s is since %s', m, since))
FROM (VALUES (timestamptz 'infinity', timestamptz '2026-01-01'), ('-infinity', NULL), ('1970-01-01', '-infinity'), ('2500-01-01', '2026-01-01')) t (m, since);

-- Threads
CREATE ROLE ar_test_viewer LOGIN;
CREATE ROLE ar_test_both LOGIN;
CREATE ROLE ar_test_stranger LOGIN IN ROLE ar_inbox_staff;
CREATE ROLE ar_test_web LOGIN IN ROLE ar_inbox_front_end;
CREATE FUNCTION pg_temp.named(wanted bigint, what text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT i.name FROM pg_temp.ids i WHERE i.id = wanted AND i.name LIKE what || '%' $$;
INSERT INTO ids VALUES ('acme', ar_inbox.create_company('Acme')), ('wien', ar_inbox.create_company('Wien', language => 'de-AT')), ('rival', ar_inbox.create_company('Rival'));
DO $$ BEGIN
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Vera', 'vera@acme.example', 'ar_test_viewer', '{view}');
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Bob', 'bob@acme.example', 'ar_test_both', '{view,send}');
    PERFORM ar_inbox.create_member(pg_temp.id('wien'), 'Bob', 'bob@wien.example', 'ar_test_both', '{view,send}');
    PERFORM ar_inbox.create_member(pg_temp.id('wien'), 'Web', 'web@wien.example', permissions => '{view}');
END $$;
CREATE FUNCTION pg_temp.add_thread(company text, name text, subject text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE new_id bigint;
BEGIN
    INSERT INTO ar_inbox.threads (company_id, topic, subject) VALUES (pg_temp.id(company), 'message', subject) RETURNING id INTO new_id;
    INSERT INTO ids VALUES ('thread ' || name, new_id);
END $$;
CREATE FUNCTION pg_temp.mail(thread text, name text, at timestamptz, subject text, sender text, body text, files text[] = '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE new_id bigint; company bigint := (SELECT t.company_id FROM ar_inbox.threads t WHERE t.id = pg_temp.id('thread ' || thread)); inbound bigint; file bigint;
BEGIN
    INSERT INTO ar_inbox.inbound_messages (company_id, content_hash, size, message) VALUES (company, sha256(name::bytea), 1, 'x') RETURNING id INTO inbound;
    INSERT INTO ar_inbox.emails (company_id, thread_id, direction, message_id, subject, from_name, from_address, body_text, sent_at, occurred_at, inbound_message_id, search)
    VALUES (company, pg_temp.id('thread ' || thread), 'incoming', name || '@x.example', subject, 'Ann Lee', sender, body, at, at, inbound,
        ar_inbox_internal.search_vector(company, ar_inbox_internal.searched_subject(subject, (SELECT t.subject FROM ar_inbox.threads t WHERE t.id = pg_temp.id('thread ' || thread))), concat_ws(' ', 'Ann Lee', sender, 'Billing', 'billing@acme.example', array_to_string(files, ' ')), body)) RETURNING id INTO new_id;
    INSERT INTO ids VALUES ('mail ' || name, new_id);
    INSERT INTO ar_inbox.email_recipients (company_id, email_id, field, position, name, address) VALUES (company, new_id, 'to', 1, 'Billing', 'billing@acme.example');
    FOR i IN 1 .. cardinality(files) LOOP
        INSERT INTO ar_inbox.file_contents VALUES (company, sha256(files[i]::bytea), 0, '') ON CONFLICT DO NOTHING;
        INSERT INTO ar_inbox.files (company_id, name, type, content_hash) VALUES (company, files[i], 'application/pdf', sha256(files[i]::bytea)) RETURNING id INTO file;
        INSERT INTO ar_inbox.attachments (company_id, email_id, file_id, position) VALUES (company, new_id, file, i);
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.note(thread text, at timestamptz, body text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO ar_inbox.notes (company_id, thread_id, member_id, body, created_at, search)
    SELECT t.company_id, t.id, (SELECT m.id FROM ar_inbox.members m WHERE m.company_id = t.company_id ORDER BY m.id LIMIT 1), body, at, ar_inbox_internal.search_vector(t.company_id, t.subject, NULL, body)
    FROM ar_inbox.threads t WHERE t.id = pg_temp.id('thread ' || thread)
$$;
-- a thread's name, and how it was found
CREATE FUNCTION pg_temp.found(query text, company text = NULL, most integer = 50) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(substr(pg_temp.named(f.thread_id, 'thread'), 8) || CASE WHEN f.note_id IS NOT NULL THEN ':note' ELSE ':' || substr(pg_temp.named(f.email_id, 'mail'), 6) END, ' ' ORDER BY f.place)
    FROM ar_inbox.search_threads(query, pg_temp.id(company), most) WITH ORDINALITY f
        (thread_id, company_id, company, subject, customer_id, customer, invoice_id, document, status, at, email_id, note_id, sender, preview, place)
$$;
DO $$ BEGIN
    PERFORM pg_temp.add_thread('acme', 'A', 'Invoice INV-00042'), pg_temp.add_thread('acme', 'B', 'Delivery'), pg_temp.add_thread('acme', 'S', 'Win'), pg_temp.add_thread('acme', 'N', 'Odd'),
        pg_temp.add_thread('wien', 'W', 'Rechnung'), pg_temp.add_thread('rival', 'R', 'Secret invoice');
    PERFORM pg_temp.mail('A', 'a1', '2026-01-10 08:00Z', 'Invoice INV-00042', 'ann@globex.example', 'Please find the invoice attached, paying.', '{invoice_0042.pdf,Lieferschein.pdf}');
    PERFORM pg_temp.mail('A', 'a2', '2026-03-10 08:00Z', 'Re: Invoice INV-00042', 'ann@globex.example', E'We dispute\r\nthe amount of 1,234.50.');
    PERFORM pg_temp.mail('B', 'b1', '2026-03-09 08:00Z', 'Delivery', 'kurt@initech.example', 'The invoices came, the goods did not.');
    PERFORM pg_temp.mail('B', 'b2', '2019-03-09 08:00Z', 'Delivery', 'kurt@initech.example', 'A platypus of long ago.');
    PERFORM pg_temp.note('B', '2026-05-01 08:00Z', 'Kurt called, dispute over the invoice');
    PERFORM pg_temp.note('B', '2026-04-01 08:00Z', 'Voicemail, invoice');
    PERFORM pg_temp.mail('S', 's1', '2026-06-01 08:00Z', 'Win', 'spam@spam.example', 'You win an invoice');
    PERFORM pg_temp.mail('N', 'n1', '2026-02-01 08:00Z', 'Odd', 'odd@odd.example', '#' || pg_temp.id('rival') || E' \x01' || pg_temp.id('rival') || ' company rival');
    PERFORM pg_temp.mail('W', 'w1', '2026-03-20 08:00Z', 'Rechnungen', 'ann@globex.example', 'Die Zahlungen sind überfällig. Paying');
    PERFORM pg_temp.mail('R', 'r1', '2026-03-21 08:00Z', 'Secret invoice', 'eve@rival.example', 'The secret invoice of the rival.');
    UPDATE ar_inbox.threads SET spam_at = now() WHERE id = pg_temp.id('thread S');
END $$;
GRANT SELECT ON ids TO public;

SET LOCAL ROLE ar_test_viewer;
SELECT is(pg_temp.found('invoice'), 'B:note A:a2', 'newest match first, each thread once, by its newest match; no spam, no other company');
SELECT is(pg_temp.found('invoices', 'acme'), 'B:note A:a2', 'the same in the company; stems');
SELECT is(pg_temp.found('invoice', most => 1), 'B:note', 'at most one');
SELECT is(pg_temp.found('dispute amount'), 'A:a2', 'all the words');
SELECT is(pg_temp.found('dispute'), 'B:note A:a2', 'messages and notes');
SELECT is(pg_temp.found('platypus'), 'B:b2', 'however long ago');
SELECT is(pg_temp.found('INV-00042'), 'A:a2', 'a document''s number');
SELECT is(pg_temp.found('"find the invoice"'), 'A:a1', 'words that follow each other');
SELECT is(pg_temp.found('lieferschein'), 'A:a1', 'an attachment''s name');
SELECT is(pg_temp.found('kurt@initech.example -goods'), 'B:b2', 'an address, and not a word');
SELECT is(pg_temp.found('platypus or dispute'), 'B:note A:a2', 'one or the other');
SELECT is(pg_temp.found('platy* or lieferschein'), 'A:a1 B:b2', 'what begins so');
SELECT is(pg_temp.found('globex -dispute', 'acme'), 'A:a1', 'without a word');
SELECT is(pg_temp.found('-dispute'), 'B:note N:n1 A:a1', 'only without a word');
SELECT is(pg_temp.found('the of'), NULL, 'frequent words only: nothing');
SELECT is(pg_temp.found('#'), NULL, 'no words: nothing');
SELECT is(pg_temp.found('rival'), 'N:n1', 'no other company');
SELECT is(pg_temp.found('secret or #' || pg_temp.id('rival') || ' or -nothing'), 'B:note A:a2 N:n1', 'by no query');
SELECT is(pg_temp.found(E'\x01' || pg_temp.id('rival')), 'N:n1', 'nor by odd characters');
SELECT is((SELECT (f.company, f.subject, f.customer, f.document, f.status, f.at = '2026-03-10 08:00Z', f.sender, f.preview)::text FROM ar_inbox.search_threads('1234.50') f),
    '(Acme,"Invoice INV-00042",,,open,t,"Ann Lee","We dispute  the amount of 1,234.50.")', 'what is told of a thread');
SELECT is((SELECT (f.sender, f.preview)::text FROM ar_inbox.search_threads('voicemail') f), '(Vera,"Voicemail, invoice")', 'of a note');
SELECT throws_ok(format('SELECT * FROM ar_inbox.search_threads(%L, %s)', 'invoice', pg_temp.id('rival')), 'IB001', format('company %s does not exist', pg_temp.id('rival')), 'another company');
SELECT throws_ok($$SELECT * FROM ar_inbox.search_threads('invoice', -1)$$, 'IB001', 'company -1 does not exist', 'no company');
SELECT throws_ok(format('SELECT * FROM ar_inbox.search_threads(%L)', q), '22023', 'query is empty', 'an empty query') FROM (VALUES (''), ('  ')) t (q);
SELECT throws_ok('SELECT * FROM ar_inbox.search_threads(NULL)', '22023', 'query is empty', 'no query');
SELECT throws_ok($$SELECT * FROM ar_inbox.search_threads(repeat('word ', 200000))$$, '22023', 'query has 1000000 characters', 'a query of 1 MB');
SELECT throws_ok($$SELECT * FROM ar_inbox.search_threads('aaa* bbb* ccc* ddd*')$$, '22023', 'the query has more than 3 words that end in an asterisk', 'too many beginnings');
SELECT throws_ok(format('SELECT * FROM ar_inbox.search_threads(%L, max_rows => %s)', 'x', n), '22023', 'max_rows is ' || n, 'max_rows ' || n) FROM (VALUES ('0'), ('1001'), ('NULL')) t (n);
SELECT lives_ok(format('SELECT * FROM ar_inbox.search_threads(%L)', q), 'hostile: ' || left(q, 20))
FROM (VALUES (repeat('a or ', 199) || 'a'), (repeat('"', 999)), (repeat('-', 999)), (repeat('(', 999)), (''' & | ! <-> : * \'), (repeat('請', 1000)), (repeat('-x ', 333)), (repeat('- ', 499)), (repeat('-"', 499)), (repeat('x--', 333)), (repeat('!-', 499)), (U&'\F8FF\F8FF x\F8FF'), ('a:*b')) t (q);
RESET ROLE;

SET LOCAL ROLE ar_test_both;
SELECT is(pg_temp.found('pay'), 'A:a1', 'each company in its language: paying is no pay in German');
SELECT is(pg_temp.found('globex'), 'W:w1 A:a2', 'of two companies');
SELECT is(pg_temp.found('zahlung rechnung'), 'W:w1', 'stems of German');
SELECT is(pg_temp.found('globex', 'acme'), 'A:a2', 'of one of them');
SELECT is(pg_temp.found('globex', most => 1), 'W:w1', 'the newest of both');
RESET ROLE;
SET LOCAL ROLE ar_test_stranger;
SELECT is(pg_temp.found('invoice'), NULL, 'a member of no company');
RESET ROLE;
SELECT is(pg_temp.found('invoice'), 'B:note R:r1 A:a2', 'an administrator');

SET LOCAL SESSION AUTHORIZATION ar_test_web;
SET LOCAL ROLE ar_inbox_staff;
SELECT is(pg_temp.found('globex'), NULL, 'a front end that speaks for nobody');
SET LOCAL request.jwt.claims = '{"email": "web@wien.example"}';
SELECT is(pg_temp.found('globex'), 'W:w1', 'and for a member');
RESET SESSION AUTHORIZATION;
RESET request.jwt.claims;

-- What is attached: messages and events.
CREATE FUNCTION pg_temp.take(name text, parts text, kind text = 'mixed') RETURNS void LANGUAGE plpgsql AS $$
DECLARE mail bigint;
BEGIN
    mail := ar_inbox_internal.take_message(convert_to(replace(format(E'From: fay@fabrikam.example\nTo: inbox@acme.example\nMessage-ID: <%s@x>\nSubject: With files\nMIME-Version: 1.0\n'
        'Content-Type: multipart/%s; boundary=b\n\n--b\n\nSee there.\n--b\n%s\n--b--\n', name, kind, parts), E'\n', E'\r\n'), 'UTF8'), pg_temp.id('acme'));
    INSERT INTO ids VALUES ('mail ' || name, mail);
    INSERT INTO ids SELECT 'thread ' || name, e.thread_id FROM ar_inbox.emails e WHERE e.id = mail;
END $$;
DO $$ BEGIN
    PERFORM pg_temp.take('f1', E'Content-Type: message/rfc822\n\nFrom: x@x.example\nSubject: =?utf-8?q?Zahnr=C3=A4der?=\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Transfer-Encoding: base64\n\n'
        || encode('The gearwheels are late.', 'base64') || E'\n--c\nContent-Type: message/rfc822\n\nSubject: innermost\n\nx\n--c--\n'
        '--b\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY;LANGUAGE=en;X="a:b":Weighbridge\\, inspec\n tion\nUID:unseen\nLOCATION:Quayside\n'
        'DESCRIPTION:Bring\\nhardhats\nEND:VEVENT\nEND:VCALENDAR\n');
    PERFORM pg_temp.take('f2', E'Content-Type: application/octet-stream; name=old.eml\n\nSubject: saved\n\nThe marmalade of last year.\n--b\nContent-Type: text/plain; name=notes.txt\n\nSubject: unread\n\nparsnips\n');
    PERFORM pg_temp.take('f3', E'Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; y@y.example\nAction: failed\nStatus: 5.1.1\n'
        '--b\nContent-Type: message/rfc822\n\nSubject: kohlrabi\n\nkohlrabi\n', 'report; report-type=delivery-status');
    PERFORM pg_temp.take('f4', E'Content-Type: message/rfc822\n\nSubject: long\n\n' || repeat('word ', 1000) || E'afterwards\n--b\nContent-Type: text/calendar\n\nSUMMARY:' || repeat(E'x\n ', 5000) || E'\nLOCATION:beyond\n');
END $$;
SELECT is(pg_temp.found(query, 'acme'), wanted, 'in what is attached: ' || query)
FROM (VALUES ('zahnräder', 'f1:f1'), ('"the gearwheels are late"', 'f1:f1'), ('"weighbridge inspection"', 'f1:f1'), ('quayside', 'f1:f1'), ('"bring hardhats"', 'f1:f1'),
    ('marmalade', 'f2:f2'), ('unseen', NULL), ('innermost', NULL), ('parsnips', NULL), ('kohlrabi', NULL), ('long word', 'f4:f4'), ('afterwards', NULL), ('beyond', NULL)) t (query, wanted);

-- The subject that a conversation is shown with: a customer's name and number, a document's
DO $$ DECLARE customer bigint := ar_inbox.create_customer(pg_temp.id('acme'), 'Umbrella Corporation', number => 'U77', email => 'ada@umbrella.example'); invoice bigint; BEGIN
    invoice := ar_inbox.create_invoice(customer, '[{"description": "Work", "quantity": 1, "unit_price": 100}]', number => 'FA-2026-31');
    INSERT INTO ids VALUES ('mail u1', ar_inbox_internal.take_message(convert_to(E'From: ada@umbrella.example\r\nTo: inbox@acme.example\r\nMessage-ID: <u1@x>\r\nSubject: hello\r\n\r\nWhere is it?\r\n', 'UTF8'), pg_temp.id('acme')));
    INSERT INTO ids SELECT 'thread u', e.thread_id FROM ar_inbox.emails e WHERE e.id = pg_temp.id('mail u1');
    INSERT INTO ids VALUES ('thread d', ar_inbox_internal.invoice_thread(pg_temp.id('acme'), invoice));
    PERFORM ar_inbox.add_note(pg_temp.id('thread d'), 'Rang them up');
END $$;
SELECT is(pg_temp.found(query, 'acme'), wanted, 'by the conversation''s subject: ' || query)
FROM (VALUES ('umbrella', 'u:u1'), ('U77 hello', 'u:u1'), ('FA-2026-31', 'd:note'), ('31 rang', 'd:note')) t (query, wanted);
SELECT is(ar_inbox_internal.searched_subject(own, shown), wanted, format('%s in %s', own, shown))
FROM (VALUES ('Re: INVOICE FA-1, paid', 'Invoice FA-1', 'Re: INVOICE FA-1, paid'), ('hello', 'Invoice FA-1', 'hello Invoice FA-1'), (NULL, 'Invoice FA-1', 'Invoice FA-1'), ('hello', '', 'hello'), (NULL, NULL, NULL)) t (own, shown, wanted);

-- What is shown with another subject is found by that one.
DO $$ DECLARE invoice bigint := ar_inbox.create_invoice((SELECT c.id FROM ar_inbox.customers c WHERE c.number = 'U77'), '[{"description": "Work", "unit_price": 100}]'); BEGIN
    INSERT INTO ids VALUES ('thread i', ar_inbox_internal.invoice_thread(pg_temp.id('acme'), invoice)), ('invoice i', invoice);
    PERFORM ar_inbox.add_note(pg_temp.id('thread i'), 'Wants stroopwafels');
END $$;
SELECT is(pg_temp.found('draft stroopwafels', 'acme'), 'i:note', 'a draft');
DO $$ BEGIN
    PERFORM ar_inbox.issue_invoice(pg_temp.id('invoice i'));
    PERFORM ar_inbox.change_customer(c.id, '{"name": "Tricell"}') FROM ar_inbox.customers c WHERE c.number = 'U77';
END $$;
SELECT is((SELECT t.subject FROM ar_inbox.threads t WHERE t.id = pg_temp.id('thread i')), (SELECT 'Invoice ' || i.number FROM ar_inbox.invoices i WHERE i.id = pg_temp.id('invoice i')), 'issued');
SELECT is(pg_temp.found((SELECT '"' || i.number || '" stroopwafels' FROM ar_inbox.invoices i WHERE i.id = pg_temp.id('invoice i')), 'acme'), 'i:note', 'it is found by its number');
SELECT is(pg_temp.found('draft stroopwafels', 'acme'), NULL, 'and is no draft');
SELECT is(pg_temp.found('tricell hello', 'acme'), 'u:u1', 'a customer of another name');
SELECT is(pg_temp.found('umbrella hello', 'acme'), 'u:u1', 'but its address is what it was');
SELECT is(pg_temp.found('corporation hello', 'acme'), NULL, 'its name is not');

-- A company's language changes.
UPDATE ar_inbox.companies SET language = 'en' WHERE id = pg_temp.id('wien');
CREATE TEMP TABLE before AS SELECT id, search FROM ar_inbox.emails UNION ALL SELECT id, search FROM ar_inbox.notes;
SELECT is(ar_inbox_internal.reindex_company(pg_temp.id('wien'))::text, '', 'made again');
SELECT is(pg_temp.found('pay', 'wien'), 'W:w1', 'in its language');
SELECT is(ar_inbox_internal.reindex_company(pg_temp.id('acme'))::text, '', 'and where it is the same');
SELECT results_eq('SELECT id, search FROM ar_inbox.emails WHERE company_id = pg_temp.id(''acme'') UNION ALL SELECT id, search FROM ar_inbox.notes ORDER BY 1, 2',
    'SELECT * FROM before WHERE id <> pg_temp.id(''mail w1'') AND id <> pg_temp.id(''mail r1'') ORDER BY 1, 2', 'nothing changes');

-- A rare number is looked for at once, as soon as there are statistics.
INSERT INTO ar_inbox.emails (company_id, thread_id, direction, message_id, body_text, sent_at, occurred_at, kind, search)
SELECT t.company_id, t.id, 'outgoing', 'rare' || n || '@acme.example', b.body, m.at, m.at, 'comment', ar_inbox_internal.search_vector(t.company_id, NULL, NULL, b.body)
FROM generate_series(1, 600) n
CROSS JOIN LATERAL (SELECT format('order PO-%s of 2042 is 17 days late', n) AS body) b
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' + interval '1 hour' * abs(hashint4(n) % 10000) AS at) m
JOIN ar_inbox.threads t ON t.id = pg_temp.id((ARRAY['thread u', 'thread d', 'thread i'])[1 + n % 3]);
DO $$ BEGIN PERFORM ar_inbox.add_note(pg_temp.id('thread d'), 'PO-77 is paid'); END $$;
CREATE FUNCTION pg_temp.few(query text, most integer DEFAULT 50) RETURNS ar_inbox_internal.found_message[] LANGUAGE sql AS $$
    SELECT ar_inbox_internal.search_few(ARRAY[pg_temp.id('acme')], ar_inbox_internal.search_query('ar_inbox.english', query), most)
$$;
SELECT is(pg_temp.few('PO-77'), NULL, 'without statistics nothing is known to be rare');
ANALYZE ar_inbox.emails;
SELECT is(pg_temp.few(query), NULL, 'not rare: ' || query)
FROM (VALUES ('order'), ('2042'), ('"17 days"'), ('PO-77 or late'), ('late -77'), ('late 770*')) t (query);
SELECT is(pg_temp.few(query, most), ar_inbox_internal.search_companies(ARRAY[pg_temp.id('acme')], ar_inbox_internal.search_query('ar_inbox.english', query), most), format('rare: %s, the newest %s', query, most))
FROM (VALUES ('PO-77', 50), ('PO-77', 2), ('"77 of 2042"', 50), ('PO-78 order late', 50), ('77', 1), ('PO-99999', 50)) t (query, most);
SELECT is(cardinality(pg_temp.few('PO-77')), 2, 'in two conversations');
-- the part of all that has it, where all are many
UPDATE pg_class SET reltuples = 10000000 WHERE oid = 'ar_inbox.emails'::regclass;
SELECT is(pg_temp.few('PO-77'), NULL, 'thousands of messages are not few, however many there are');

SELECT * FROM finish();
ROLLBACK;
