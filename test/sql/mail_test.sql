\set ECHO none
-- Mail as bytes, seen from SQL: what is written is read back as it was meant.
\i test/lib/pgtap.sql
SELECT plan(58);

CREATE FUNCTION pg_temp.built(from_name text DEFAULT 'Acme', to_addresses text[] DEFAULT '{ann@globex.example}',
    cc text[] DEFAULT '{}', subject text DEFAULT 'Hello', body text DEFAULT 'Hello.', html text DEFAULT NULL,
    reply_to text DEFAULT NULL, parent text DEFAULT NULL, ancestors text[] DEFAULT '{}', automatic boolean DEFAULT false)
RETURNS bytea LANGUAGE sql AS $$
    SELECT ar_inbox_internal.build_message('id1@acme.example', '2026-01-31 12:34:56+00', from_name, 'billing@acme.example',
        reply_to, to_addresses, cc, subject, body, html, parent, ancestors, automatic)
$$;
CREATE FUNCTION pg_temp.text_of(message bytea) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(message, 'UTF8') $$;

-- writing
SELECT matches(pg_temp.text_of(pg_temp.built()), E'^[\\x20-\\x7e\\r\\n\\t]*$', '7-bit');
SELECT unalike(replace(pg_temp.text_of(pg_temp.built(body => E'a\nb\rc\r\nd')), E'\r\n', ''), E'%\n%', 'every LF has its CR');
SELECT unalike(replace(pg_temp.text_of(pg_temp.built(body => E'a\nb\rc\r\nd')), E'\r\n', ''), E'%\r%', 'every CR has its LF');
SELECT matches(pg_temp.text_of(pg_temp.built()), E'(^|\r\n)Message-ID: <id1@acme.example>\r\n', 'Message-ID');
SELECT matches(pg_temp.text_of(pg_temp.built()), E'\r\nDate: Sat, 31 Jan 2026 12:34:56 \\+0000\r\n|^Date: Sat, 31 Jan 2026 12:34:56 \\+0000\r\n', 'Date');
SELECT matches(pg_temp.text_of(pg_temp.built(reply_to => 'inbox@acme.example')), E'\r\nReply-To: <?inbox@acme.example>?\r\n', 'Reply-To');
SELECT doesnt_match(pg_temp.text_of(pg_temp.built()), E'\r\nReply-To:', 'no Reply-To without one');
SELECT matches(pg_temp.text_of(pg_temp.built(automatic => true)), E'\r\nAuto-Submitted: auto-generated\r\n', 'the machine''s mail says so');
SELECT matches(pg_temp.text_of(pg_temp.built(automatic => true)), E'\r\nX-Auto-Response-Suppress: All\r\n', 'and asks for no automatic answer');
SELECT doesnt_match(pg_temp.text_of(pg_temp.built()), E'Auto-Submitted|X-Auto-Response-Suppress', 'a member''s does not');
SELECT matches(pg_temp.text_of(pg_temp.built(parent => 'p@x', ancestors => '{a@x,p@x}')), E'\r\nIn-Reply-To: <p@x>\r\n', 'In-Reply-To');
SELECT matches(pg_temp.text_of(pg_temp.built(parent => 'p@x', ancestors => '{a@x,p@x}')), E'\r\nReferences: <a@x>\\s+<p@x>\r\n', 'References');
SELECT ok(NOT EXISTS (SELECT 1 FROM regexp_split_to_table(pg_temp.text_of(pg_temp.built(subject => repeat('Größe ', 60),
        body => repeat('word ', 500) || repeat('x', 3000))), E'\r\n') l WHERE length(l) > 78), 'no line is longer than 78');

-- reading back
SELECT is((ar_inbox_internal.parse_message(pg_temp.built(from_name => name))).from_name, name, 'from_name: ' || what)
FROM (VALUES ('Acme', 'plain'), ('Acme (Alice)', 'with parentheses'), ('Müller & Söhne GmbH', 'beyond ASCII'),
    ('"Quoted", Inc.', 'with quotation marks'), ('A <b@c>, d@e', 'that looks like addresses'), ('株式会社', 'in another script')) t (name, what);
SELECT is((ar_inbox_internal.parse_message(pg_temp.built(subject => subject))).subject, subject, 'subject: ' || what)
FROM (VALUES ('Invoice INV-1', 'plain'), ('Rechnung über 1 250,00 €', 'beyond ASCII'), (repeat('Größe und Länge ', 30) || '.', 'long'),
    ('=?UTF-8?B?SGk=?=', 'that looks encoded'), (repeat('x', 400), 'one long word')) t (subject, what);
SELECT is((ar_inbox_internal.parse_message(pg_temp.built(body => body))).body_text, body || E'\n', 'body: ' || what)
FROM (VALUES (E'Hello.', 'one line'), (E'.\n..\n.x\nend', 'of dots'), (E'From here\n>From there', 'of From'),
    (E'Grüße\n\n€ 5', 'beyond ASCII'), (E'a = b\ttab', 'with equal signs'), ('x' || repeat(' word', 400), 'a long line')) t (body, what);
SELECT is(concat_ws('|', p.message_id, p.from_address, p.to_addresses, p.cc_addresses, p.sent_at, p.automatic, p.in_reply_to, p.reference_ids),
    'id1@acme.example|billing@acme.example|{a@b.example,c@d.example}|{e@f.example}|2026-01-31 12:34:56+00|t|{p@x}|{a@x,p@x}',
    'the other fields')
FROM ar_inbox_internal.parse_message(pg_temp.built(to_addresses => '{a@b.example,c@d.example}', cc => '{e@f.example}',
    parent => 'p@x', ancestors => '{a@x,p@x}', automatic => true)) p;
SELECT is(concat_ws('|', p.body_text, rtrim(p.body_html, E'\n'), p.defects, cardinality(p.attachment_names)), E'Hi <you>.\n|<p>Hi &lt;you&gt;.</p>|{}|0',
    'text and HTML side by side, nothing defective')
FROM ar_inbox_internal.parse_message(pg_temp.built(body => 'Hi <you>.', html => '<p>Hi &lt;you&gt;.</p>')) p;

-- nothing that is given can add a header or a recipient
SELECT is(cardinality(regexp_split_to_array(split_part(pg_temp.text_of(pg_temp.built(subject => subject)), E'\r\n\r\n', 1), E'\r\n(?![ \t])')),
    cardinality(regexp_split_to_array(split_part(pg_temp.text_of(pg_temp.built()), E'\r\n\r\n', 1), E'\r\n(?![ \t])')),
    'no header comes in by a subject with ' || what)
FROM (VALUES (E'a\r\nBcc: x@y', 'CR LF'), (E'a\nBcc: x@y', 'LF'), (E'a\rBcc: x@y', 'CR'), (E'a\r\n\r\nbody', 'an empty line')) t (subject, what);
SELECT is(cardinality(regexp_split_to_array(split_part(pg_temp.text_of(pg_temp.built(from_name => E'a\r\nBcc: x@y')), E'\r\n\r\n', 1), E'\r\n(?![ \t])')),
    cardinality(regexp_split_to_array(split_part(pg_temp.text_of(pg_temp.built()), E'\r\n\r\n', 1), E'\r\n(?![ \t])')),
    'nor by a name');

-- reading what others wrote
CREATE FUNCTION pg_temp.read(message text) RETURNS ar_inbox_internal.parsed_message LANGUAGE sql AS $$
    SELECT ar_inbox_internal.parse_message(convert_to(replace(message, E'\n', E'\r\n'), 'UTF8'))
$$;
SELECT is((pg_temp.read(E'Subject: =?UTF-8?B?SGVsbG8=?=\n =?UTF-8?B?IHdvcmxk?=\n\nx')).subject, 'Hello world', 'adjacent encoded words');
SELECT is((pg_temp.read(E'From: "Ann" <ANN@Globex.Example>\n\nx')).from_name, 'Ann', 'a name in quotation marks');
SELECT is((pg_temp.read(E'Subject: x\n\nx')).message_id, NULL, 'no Message-ID');
SELECT is((pg_temp.read(E'Date: never\n\nx')).sent_at, NULL, 'no usable Date');
SELECT ok((pg_temp.read(E'Auto-Submitted: auto-replied\n\nx')).automatic, 'an automatic reply');
SELECT ok(NOT (pg_temp.read(E'Auto-Submitted: no\n\nx')).automatic, 'one that says it is none');
SELECT is((pg_temp.read(E'Delivered-To: inbox@acme.example\nTo: all@x.example\n\nx')).delivered_to, '{inbox@acme.example}', 'Delivered-To');
SELECT is(concat_ws('|', coalesce('<' || p.return_path || '>', '-'), p.from_mail_system), wanted, 'who sent it: ' || mail)
FROM (VALUES (E'From: ann@x.example', '-|f'), (E'Return-Path: <>\nFrom: ann@x.example', '<>|f'), (E'Return-Path: <ann@x.example>\nFrom: MAILER-DAEMON@x.example', '<ann@x.example>|t'), ('Subject: x', '-|t')) t (mail, wanted),
    pg_temp.read(mail || E'\n\nx') p;
SELECT is(concat_ws('|', rtrim(p.body_text, E'\n'), p.attachment_names[1], p.attachment_types[1],
        convert_from(a.content, 'UTF8'), p.attachment_inline[1], cardinality(p.attachment_names)),
    'see there|résumé.pdf|application/pdf|%PDF-|f|1', 'an attachment')
FROM (SELECT convert_to(replace(E'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsee there\n'
    '--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n'
    'Content-Disposition: attachment; filename*=UTF-8''''r%C3%A9sum%C3%A9.pdf\n\nJVBERi0=\n--b--\n', E'\n', E'\r\n'), 'UTF8') AS message) m,
    ar_inbox_internal.parse_message(m.message) p, ar_inbox_internal.message_attachments(m.message) a;

-- whatever the bytes, no error
SELECT lives_ok(format('SELECT ar_inbox_internal.parse_message(%L::bytea)', bytes), 'no error: ' || what)
FROM (VALUES ('', 'nothing'), ('\x00', 'a NUL'), ('\xff', 'no text'), ('\x0d0a', 'an empty line'), ('\x3a', 'a colon')) t (bytes, what);
SELECT lives_ok($$SELECT ar_inbox_internal.parse_message(convert_to('From: ' || repeat('g:', 50000) || E'\r\n\r\n', 'UTF8'))$$, 'no error: groups in groups');
SELECT lives_ok($$SELECT ar_inbox_internal.parse_message(convert_to(repeat(E'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n', 2000), 'UTF8'))$$,
    'no error: parts in parts');
SELECT isnt((ar_inbox_internal.parse_message(convert_to(repeat(E'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n', 2000), 'UTF8'))).defects,
    '{}'::text[], 'it is said in the defects');
SELECT is(ar_inbox_internal.parse_message(NULL), NULL, 'NULL gives NULL');

SELECT finish();
ROLLBACK;
