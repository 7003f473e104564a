\set ECHO none
-- What sending and receiving are made of: signed tokens, addresses with something
-- in them, messages with attachments, what our servers say of a sender, mailbox
-- files, file types by content.
\i test/lib/pgtap.sql
SELECT plan(124);

-- tokens
CREATE FUNCTION pg_temp.key(letter text DEFAULT 'k') RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT convert_to(repeat(letter, 32), 'UTF8') $$;
SELECT is(ar_inbox_internal.sign_token(convert_to('0123456789abcdef0123456789abcdef', 'UTF8'), 'r', 1), 'r54utzjcgzx272laq2iwkoz5vdjvwo',
    'a token as the rule says (HMAC by another program)');
SELECT is((SELECT count(*) FROM generate_series(-500, 500) id CROSS JOIN (VALUES ('r'), ('b'), ('o'), ('i')) p (purpose)
    WHERE ar_inbox_internal.read_token(pg_temp.key(), purpose, ar_inbox_internal.sign_token(pg_temp.key(), purpose, id)) IS DISTINCT FROM id), 0::bigint,
    'what is signed is read');
SELECT is((SELECT count(DISTINCT ar_inbox_internal.sign_token(pg_temp.key(), 'r', id)) FROM generate_series(1, 5000) id), 5000::bigint, 'no two ids have one token');
SELECT is((SELECT count(*) FROM generate_series(1, 200) id WHERE ar_inbox_internal.sign_token(pg_temp.key(), 'r', id) !~ '^r[a-z2-7]{29}$'), 0::bigint,
    'thirty characters that no relay changes');
SELECT is(ar_inbox_internal.read_token(pg_temp.key(), 'r', upper(ar_inbox_internal.sign_token(pg_temp.key(), 'r', 9223372036854775807))), 9223372036854775807,
    'in capitals it is the same');
SELECT is(ar_inbox_internal.read_token(pg_temp.key('l'), 'r', ar_inbox_internal.sign_token(pg_temp.key(), 'r', 1)), NULL, 'another company''s key');
SELECT is(ar_inbox_internal.read_token(pg_temp.key(), 'b', ar_inbox_internal.sign_token(pg_temp.key(), 'r', 1)), NULL, 'another purpose');
SELECT is(ar_inbox_internal.read_token(pg_temp.key(), 'b', overlay(ar_inbox_internal.sign_token(pg_temp.key(), 'r', 1) PLACING 'b' FROM 1)), NULL,
    'another purpose, and the letter changed');
SELECT is(ar_inbox_internal.read_token(pg_temp.key(), 'r', token), NULL, 'no token: ' || what)
FROM (VALUES ('', 'nothing'), ('r', 'a letter'), (repeat('r', 30), 'one made up'), (repeat('r', 100000), 'a long one'), ('größe', 'a word')) t (token, what);
SELECT throws_ok($$SELECT ar_inbox_internal.sign_token(pg_temp.key(), 'x', 1)$$, '22023', '"x" is not a purpose of tokens', 'an unknown purpose');
SELECT throws_ok($$SELECT ar_inbox_internal.read_token(pg_temp.key(), '', 'x')$$, '22023', '"" is not a purpose of tokens', 'no purpose');
SELECT throws_ok($$SELECT ar_inbox_internal.sign_token('short', 'r', 1)$$, '22023', 'a signing key of 5 bytes is too short', 'a short key');
SELECT is(ar_inbox_internal.sign_token(NULL, 'r', 1), NULL, 'no key, no token');

-- addresses
SELECT is(ar_inbox_internal.tagged_address(address, tag), result, 'tagged: ' || coalesce(address, 'NULL'))
FROM (VALUES ('inbox@acme.example', 'r2', 'inbox+r2@acme.example'), ('inbox+de@acme.example', 'r2', 'inbox+de+r2@acme.example'),
    ('"in box"@acme.example', 'r2', NULL), ('inbox', 'r2', NULL), ('', 'r2', NULL), (repeat('x', 33) || '@acme.example', repeat('t', 30), repeat('x', 33) || '+' || repeat('t', 30) || '@acme.example'),
    (repeat('x', 34) || '@acme.example', repeat('t', 30), NULL)) t (address, tag, result);
SELECT is(ar_inbox_internal.address_tag(address), result, 'tag of ' || address)
FROM (VALUES ('inbox+r2@acme.example', 'r2'), ('inbox+de+R2@acme.example', 'R2'), ('inbox@acme.example', NULL), ('inbox+@acme.example', NULL),
    ('"a+b"@acme.example', NULL), ('nonsense+x', NULL)) t (address, result);
SELECT is(ar_inbox_internal.unwrapped_address(address), result, 'unwrapped: ' || address)
FROM (VALUES ('ann@globex.example', 'ann@globex.example'), ('SRS0=HHH=TT=globex.example=ann@relay.example', 'ann@globex.example'),
    ('SRS1=GGG=relay.example==HHH=TT=globex.example=ann@second.example', 'ann@globex.example'), ('prvs=0123abcdef=ann@globex.example', 'ann@globex.example'),
    ('prvs=ann/0123abcdef@globex.example', 'ann@globex.example'), ('srs0=hhh=tt=globex.example=prvs=0123abcdef=ann@relay.example', 'ann@globex.example'),
    ('SRS0=HHH@relay.example', 'SRS0=HHH@relay.example'), ('prvs=ann@globex.example', 'prvs=ann@globex.example'), ('<>', '<>')) t (address, result);

-- a message with attachments
CREATE FUNCTION pg_temp.built(names text[], types text[], contents bytea[], image text DEFAULT NULL, html text DEFAULT '<p>Hi</p>')
RETURNS bytea LANGUAGE sql AS $$
    SELECT ar_inbox_internal.build_message('id1@acme.example', '2026-01-31 12:34:56+00', 'Acme', 'billing@acme.example',
        NULL, '{ann@globex.example}', NULL, 'Hello', 'Hi', html, NULL, NULL, false, names, types, contents, image)
$$;
SELECT is(concat_ws('|', p.attachment_names, p.attachment_types, 
        ARRAY(SELECT a.content FROM ar_inbox_internal.message_attachments(b) a ORDER BY a.position), p.defects, p.attachment_inline),
    '{Größe.pdf,attachment,x.bin}|{application/pdf,application/octet-stream,application/octet-stream}|{"\\x255044462d","\\x00ff","\\x"}|{}|{f,f,f}',
    'what is attached is read back, with and without a name, with a bad type, and when empty')
FROM pg_temp.built(ARRAY['Größe.pdf', NULL, '/etc/x.bin'], ARRAY['application/pdf', NULL, E'a\r\nBcc: x'],
    ARRAY['%PDF-', '\x00ff'::bytea, '']) b, ar_inbox_internal.parse_message(b) p;
SELECT is(p.content, c.content, 'a megabyte comes back as it was')
FROM (SELECT string_agg(sha512(i::text::bytea), '' ORDER BY i) AS content FROM generate_series(1, 16384) i) c,
    ar_inbox_internal.message_attachments(pg_temp.built(NULL, NULL, ARRAY[c.content])) p;
SELECT is(pg_temp.built('{}', '{}', '{}'), pg_temp.built(NULL, NULL, NULL), 'empty arrays are none');
SELECT is(pg_temp.built(NULL, NULL, NULL), ar_inbox_internal.build_message('id1@acme.example', '2026-01-31 12:34:56+00', 'Acme', 'billing@acme.example',
    NULL, '{ann@globex.example}', NULL, 'Hello', 'Hi', '<p>Hi</p>', NULL, NULL, false), 'they may be left out');
SELECT throws_ok($$SELECT pg_temp.built('{a}', NULL, ARRAY['x'::bytea, 'y'])$$, '22023', '1 names for 2 attachments', 'too few names');
SELECT throws_ok($$SELECT pg_temp.built('{a}', NULL, NULL)$$, '22023', '1 names for 0 attachments', 'names of nothing');
SELECT throws_ok($$SELECT pg_temp.built(NULL, '{a,b}', ARRAY['x'::bytea])$$, '22023', '2 types for 1 attachments', 'too many types');
SELECT throws_ok($$SELECT pg_temp.built(NULL, NULL, ARRAY['x', NULL::bytea])$$, '22004', 'attachment 2 has no content', 'no content');

-- the image that tells that a message was opened
SELECT is(rtrim(p.body_html, E'\n'), html, 'the image: ' || what)
FROM (VALUES ('<p>Hi</p>', 'https://acme.example/o?a=1&b=2', '<p>Hi</p><img src="https://acme.example/o?a=1&amp;b=2" width="1" height="1" alt="">', 'at the end'),
    ('<html><BODY><p>Hi</p></BODY></html>', 'HTTP://acme.example/o', '<html><BODY><p>Hi</p><img src="HTTP://acme.example/o" width="1" height="1" alt=""></BODY></html>', 'in the body'),
    ('', 'https://acme.example/"> <script>', '<img src="https://acme.example/&quot;&gt;&lt;script&gt;" width="1" height="1" alt="">', 'no way out of it')) t (given, image, html, what),
    ar_inbox_internal.parse_message(pg_temp.built(NULL, NULL, NULL, image, given)) p;
SELECT is(position('acme.example/o' IN convert_from(pg_temp.built(NULL, NULL, NULL, 'https://acme.example/o', NULL), 'UTF8')), 0, 'none without HTML');
SELECT throws_ok($$SELECT pg_temp.built(NULL, NULL, NULL, 'javascript:alert(1)')$$, '22023', '"javascript:alert(1)" is not the address of an image', 'no image');

-- what our servers say of a sender
CREATE FUNCTION pg_temp.results(header text, trusted text[] DEFAULT '{mx.acme.example}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT ar_inbox_internal.authentication_results(convert_to(header || E'\r\n\r\nbody', 'UTF8'), trusted)
$$;
SELECT is(pg_temp.results(E'Authentication-Results: mx.acme.example;\r\n spf=pass smtp.mailfrom=globex.example;\r\n dkim=pass header.d=globex.example;\r\n'
    ' dkim=fail header.d=list.example; dmarc=pass (p=NONE) header.from=globex.example'),
    '{"spf": {"result": "pass", "smtp.mailfrom": "globex.example"}, "dkim": [{"result": "pass", "header.d": "globex.example"}, {"result": "fail", "header.d": "list.example"}],
    "dmarc": {"result": "pass", "header.from": "globex.example"}}', 'all of it');
SELECT is(pg_temp.results('Authentication-Results: mx.acme.example; none'), '{}', 'nothing was checked');
SELECT is(pg_temp.results('Authentication-Results: mx.evil.example; spf=pass'), NULL, 'a name that is not trusted');
SELECT is(pg_temp.results(E'Received: from a by mx.evil.example; date\r\nAuthentication-Results: mx.acme.example; spf=pass'), NULL, 'below a foreign server');
SELECT is(pg_temp.results(E'Received: from a by mx1.acme.example; date\r\nAuthentication-Results: acme.example; spf=pass', '{acme.example}'),
    '{"spf": {"result": "pass"}}', 'below our own');
SELECT is(pg_temp.results(E'Authentication-Results: mx.acme.example; spf=fail\r\nAuthentication-Results: mx.acme.example; spf=pass'), '{"spf": {"result": "fail"}}',
    'the uppermost has the say');
SELECT is(pg_temp.results('Authentication-Results: mx.acme.example; spf=pass', trusted), NULL, 'nobody is trusted: ' || coalesce(trusted::text, 'NULL'))
FROM (VALUES ('{}'::text[]), ('{NULL}'), ('{""}'), (NULL)) t (trusted);
SELECT is(ar_inbox_internal.authentication_results(convert_to(repeat(E'X-Filler: word\r\n', 20000) || E'Authentication-Results: mx.acme.example; spf=pass\r\n\r\n', 'UTF8')
    || decode(repeat('00', 3000000), 'hex'), '{mx.acme.example}'), '{"spf": {"result": "pass"}}', 'behind 320 kB of header');
SELECT is(ar_inbox_internal.authentication_results(message, '{mx.acme.example}'), NULL, 'no error: ' || what)
FROM (VALUES ('\x'::bytea, 'nothing'), ('\x00', 'a NUL'), ('\xff0a', 'no text'), (convert_to(repeat('Authentication-Results:', 100000), 'UTF8'), 'a long line')) t (message, what);

-- mailbox files
CREATE FUNCTION pg_temp.split(mbox text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws('/', m."position", coalesce(m.postmark_at::text, '?'), replace(convert_from(m.message, 'UTF8'), E'\n', '$')), ' ' ORDER BY m."position")
    FROM ar_inbox_internal.mbox_messages(convert_to(mbox, 'UTF8')) m
$$;
SELECT is(pg_temp.split(E'From a@b Mon Jan  5 10:00:00 2026\nA: 1\n\n>From x\n>>From y\n\nFrom c@d nonsense\nFrom e@f Mon Jan  5 11:00:00 2026 +0100\n\n'
    'From g@h\nContent-Length: 3\n\nlonger\n\nFrom i@j Mon Jan  5 11:00:00 2026 +0100\nB: 2\n'),
    '1/2026-01-05 10:00:00+00/A: 1$$From x$>From y$$From c@d nonsense$From e@f Mon Jan  5 11:00:00 2026 +0100$ 2/?/Content-Length: 3$$longer$ 3/2026-01-05 10:00:00+00/B: 2$',
    'messages, in their order');
SELECT is(pg_temp.split(''), NULL, 'none in nothing');
SELECT is(pg_temp.split('A: 1'), '1/?/A: 1', 'a single message');
SELECT is(count(*), 3000::bigint, 'many of them')
FROM ar_inbox_internal.mbox_messages(convert_to(repeat(E'From a@b Mon Jan  5 10:00:00 2026\nA: 1\n\nx\n\n', 3000), 'UTF8'));
SELECT is((SELECT m.message FROM ar_inbox_internal.mbox_messages('\x00ff0a'::bytea) m), '\x00ff0a'::bytea, 'bytes that are no text');

-- file types: by content first, then by name, then as declared
SELECT is(ar_inbox_internal.content_type(content, name, declared), type, 'type: ' || what)
FROM (VALUES
    ('\x89504e470d0a1a0a0000000d49484452000000010000000108020000'::bytea, 'x.pdf', 'application/pdf', 'image/png', 'a PNG that is called PDF'),
    ('\xffd8ffe000104a46494600010100000100010000', NULL, NULL, 'image/jpeg', 'JPEG'),
    ('GIF89a\001\000\001\000', 'x.html', 'text/html', 'image/gif', 'a GIF that is called HTML'),
    ('%PDF-1.4\012%', 'x.txt', 'text/plain', 'application/pdf', 'PDF'),
    (E'\\015\\012\\015\\012%PDF-1.4\\012%'::bytea, NULL, NULL, 'application/pdf', 'PDF behind blank lines'),
    ('<html><body>x', 'x.pdf', 'application/pdf', 'text/html', 'HTML that is called PDF'),
    ('<b><img src=x onerror=alert(1)></b>', 'x.txt', 'text/plain', 'text/html', 'HTML that begins in the middle'),
    (E'\\357\\273\\277 \\012<!-- c --><SCRIPT>x'::bytea, 'x.csv', 'text/csv', 'text/html', 'HTML behind a byte order mark and a comment'),
    ('\xfffe3c007300630072006900700074003e00', 'x.txt', NULL, 'text/html', 'HTML in UTF-16'),
    ('<?xml version="1.0"?><!-- c --><svg xmlns="http://www.w3.org/2000/svg"/>', 'x.xml', 'text/xml', 'image/svg+xml', 'SVG that is called XML'),
    ('<!DOCTYPE svg [<!ENTITY a "b">]><s:svg/>', 'x.png', 'image/png', 'image/svg+xml', 'SVG with a prefix'),
    ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', NULL, NULL, 'application/xhtml+xml', 'XHTML'),
    ('<?xml version="1.0"?><Invoice><ID>1</ID></Invoice>', 'x.xml', 'application/xml', 'text/xml', 'XML'),
    ('<?xml version="1.0"?><Invoice><ID>1</ID></Invoice>', 'x', 'application/vnd.acme.invoice+xml', 'application/vnd.acme.invoice+xml', 'XML with a type of its own'),
    ('<?xml version="1.0"?><Invoice><ID>1</ID></Invoice>', 'x.svg', 'image/svg+xml', 'text/xml', 'XML that is called SVG'),
    ('#!/bin/sh' || E'\\012echo'::bytea, 'x.txt', 'text/plain', 'text/x-shellscript', 'a script'),
    ('MZ' || decode(repeat('00', 58) || '80000000' || repeat('00', 64) || '504500004c01' || repeat('00', 200), 'hex'), 'invoice.pdf', 'application/pdf',
        'application/vnd.microsoft.portable-executable', 'a program that is called PDF'),
    ('Hello, world', NULL, NULL, 'text/plain', 'text'),
    ('Hello, world', 'x.html', 'text/html', 'text/plain', 'text that is called HTML'),
    ('Hello, world', 'x.js', 'text/javascript', 'text/plain', 'text that is called a script of the web'),
    ('Hello, world', 'x.png', 'image/png', 'text/plain', 'text that is called an image'),
    (E'a;b\\0121;2'::bytea, 'x.CSV', 'application/vnd.ms-excel', 'text/csv', 'CSV by its name'),
    ('UNB+UNOA:1', 'x', 'Application/EDIFACT; charset=x', 'application/edifact', 'text as declared'),
    ('Hello', 'x', 'text/x-acme', 'text/x-acme', 'text as declared, of a kind nobody knows'),
    ('Hello', 'x', 'nonsense', 'text/plain', 'declared as nothing'),
    ('Hello', 'x', E'text/x\r\nBcc: y', 'text/x', 'declared with a line break'),
    ('#include your invoice' || E'\\012int the box; import java.util'::bytea, 'x.txt', NULL, 'text/plain', 'text that looks like a program'),
    ('PK\003\004' || '\x1400000008000000210000000000000000000000000004000000'::bytea || 'a.tx', 'x.docx', NULL,
        'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'a ZIP archive by its name'),
    ('PK\003\004' || '\x1400000008000000210000000000000000000000000004000000'::bytea || 'a.tx', 'x.pdf', 'application/pdf', 'application/zip', 'a ZIP archive that is called PDF'),
    ('\xd0cf11e0a1b11ae1' || decode(repeat('00', 600), 'hex'), 'x.xls', NULL, 'application/vnd.ms-excel', 'an OLE storage by its name'),
    ('\xd0cf11e0a1b11ae1' || decode(repeat('00', 600), 'hex'), 'x', 'application/msword', 'application/msword', 'an OLE storage as declared'),
    ('\xd0cf11e0a1b11ae1' || decode(repeat('00', 600), 'hex'), 'x.png', 'image/png', 'application/x-ole-storage', 'an OLE storage that is called an image'),
    (decode(repeat('00c3018f02fe', 100), 'hex'), 'x.pdf', 'application/pdf', 'application/octet-stream', 'bytes that are called PDF'),
    (decode(repeat('00c3018f02fe', 100), 'hex'), 'x.html', 'text/html', 'application/octet-stream', 'bytes that are called HTML'),
    (decode(repeat('00c3018f02fe', 100), 'hex'), 'smime.p7s', 'application/x-pkcs7-signature', 'application/pkcs7-signature', 'bytes by their name'),
    (decode(repeat('00c3018f02fe', 100), 'hex'), 'x.acme', 'application/vnd.acme.ledger', 'application/vnd.acme.ledger', 'bytes as declared'),
    ('', NULL, NULL, 'application/octet-stream', 'nothing'),
    ('', 'x.csv', NULL, 'text/csv', 'an empty CSV'),
    ('', 'x.pdf', 'application/pdf', 'application/octet-stream', 'an empty PDF'),
    ('   ', NULL, NULL, 'text/plain', 'blanks'),
    (NULL, 'x.pdf', 'application/pdf', NULL, 'no content')
) t (content, name, declared, type, what);
SELECT ok(ar_inbox_internal.content_type(content, 'x', 'x/y') IS NOT NULL, 'any content has a type: ' || what)
FROM (VALUES (convert_to(repeat('a', 65536), 'UTF8'), 'one letter'), (convert_to('x' || repeat(E'\n', 100000), 'UTF8'), 'line breaks'),
    (convert_to(repeat('[', 100000), 'UTF8'), 'brackets'), (convert_to(repeat('<!--', 50000), 'UTF8'), 'comments'),
    (convert_to(repeat('<?xml ', 50000), 'UTF8'), 'instructions'), (decode(repeat('504b0304', 30000), 'hex'), 'ZIP headers'),
    (decode(repeat('1f8b0800', 30000), 'hex'), 'GZIP headers'), (decode(repeat('7f454c46', 30000), 'hex'), 'ELF headers'),
    (decode(repeat('d0cf11e0a1b11ae1', 30000), 'hex'), 'OLE headers'), (decode(repeat('00', 3000000), 'hex'), 'zeros')) t (content, what);
SELECT is((SELECT count(*) FROM generate_series(1, 300) i WHERE ar_inbox_internal.content_type(sha512(i::text::bytea), i::text, 'text/html') IN ('text/html', 'image/svg+xml')), 0::bigint,
    'noise is never called HTML');

SELECT finish();
ROLLBACK;
