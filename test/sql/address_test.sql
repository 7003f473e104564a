\set ECHO none
-- The type email_address: what it takes, what it gives back, what equals what,
-- and whether indexes agree.
\i test/lib/pgtap.sql
SELECT plan(90);

-- input and output
SELECT is('John.Smith@EXAMPLE.com'::ar_inbox.email_address::text, 'John.Smith@example.com',
    'the local part is kept, the domain is in lower case');
SELECT is('Jürgen@MÜNCHEN.example'::ar_inbox.email_address::text, 'Jürgen@münchen.example',
    'so is an international domain');
SELECT is('"john smith"@[IPv6:2001:DB8::1]'::ar_inbox.email_address::text,
    '"john smith"@[ipv6:2001:db8::1]', 'quotation marks and brackets are kept');
SELECT is(ar_inbox.email_address_in('a@b')::text, 'a@b', 'input function');
SELECT is(encode(ar_inbox.email_address_send('a@B'), 'escape'), 'a@b', 'binary output');

SELECT throws_ok($$SELECT ''::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address "": it is empty', 'empty');
SELECT throws_ok($$SELECT 'john'::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address "john": it has no "@"', 'no at sign');
SELECT throws_ok($$SELECT ' a@b'::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address " a@b": it contains a space outside quotation marks', 'a space');
SELECT throws_ok($$SELECT E'a@b\r\nRCPT TO:<c@d>'::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address "a@b\x0d\x0aRCPT TO:<c@d>": it contains a line break',
    'a second recipient smuggled in, shown on one line');
SELECT throws_ok($$SELECT 'John <a@b>'::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address "John <a@b>": it contains "<" or ">"', 'a display name');
SELECT throws_ok($$SELECT 'a@b_c'::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address "a@b_c": it has a character in its domain that must not stand there',
    'an underscore in the domain');
SELECT throws_ok($$SELECT ('a@' || repeat('b', 500))::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address "a@' || repeat('b', 198) || '...": it is longer than 254 octets',
    'too long, and cut short in the message');
SELECT throws_ok($$SELECT 'x'::text::ar_inbox.email_address$$, '22P02',
    'invalid e-mail address "x": it has no "@"', 'the cast from text checks too');

CREATE FUNCTION pg_temp.hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE statement;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN hint;
END
$$;
SELECT is(pg_temp.hint_of($$SELECT 'john'::ar_inbox.email_address$$),
    'An address looks like name@example.com.', 'the hint shows what is right');
SELECT is(pg_temp.hint_of($$SELECT 'John <a@b>'::ar_inbox.email_address$$),
    'Give the address alone, without a display name or brackets around it.',
    'and fits what is wrong');

-- the same mailbox
SELECT ok('JOHN@example.com'::ar_inbox.email_address = 'john@EXAMPLE.com'::ar_inbox.email_address,
    'letter case does not count');
SELECT ok('JÜRGEN@x.example'::ar_inbox.email_address = 'jürgen@x.example'::ar_inbox.email_address,
    'nor beyond ASCII, whatever the locale');
SELECT ok('a@münchen.example'::ar_inbox.email_address
        = 'a@XN--MNCHEN-3YA.example'::ar_inbox.email_address,
    'a domain and its encoded form are the same');
SELECT ok('"john"@x.example'::ar_inbox.email_address = 'john@x.example'::ar_inbox.email_address,
    'needless quotation marks do not count');
SELECT ok(U&'u\0308@x.example'::ar_inbox.email_address = 'Ü@x.example'::ar_inbox.email_address,
    'composed and decomposed letters are the same');
SELECT ok('a@faß.example'::ar_inbox.email_address <> 'a@fass.example'::ar_inbox.email_address,
    'IDNA 2008 tells ß from ss');
SELECT ok('"a b"@x'::ar_inbox.email_address <> 'ab@x'::ar_inbox.email_address, 'others differ');
SELECT ok(U&'\017Fam@x'::ar_inbox.email_address <> 'sam@x'::ar_inbox.email_address,
    'nothing foreign passes for ASCII');

-- operators, found whatever the search path
CREATE FUNCTION pg_temp.holds(condition text) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result boolean;
BEGIN
    EXECUTE 'SELECT ' || condition INTO result;
    RETURN result;
END
$$;
SELECT ok(pg_temp.holds($$'A@b'::ar_inbox.email_address = 'a@B'::ar_inbox.email_address$$), '= by pg_catalog alone');
SELECT ok(pg_temp.holds($$'A@b'::ar_inbox.email_address = 'a@B'$$), '= with a literal');
SELECT ok(pg_temp.holds($$'A@b'::ar_inbox.email_address = 'a@B'::text$$), '= with a text');
SELECT ok(pg_temp.holds($$'A@b'::text = 'a@B'::ar_inbox.email_address$$), '= with a text in front');
SELECT ok(pg_temp.holds($$'A@b'::varchar = 'a@B'::ar_inbox.email_address$$), '= with a varchar');
SELECT ok(pg_temp.holds($$'A@b'::ar_inbox.email_address <> 'a@c'::text$$), '<> with a text');
SELECT ok(pg_temp.holds($$'A@c'::text <> 'a@b'::ar_inbox.email_address$$), '<> with a text in front');
SELECT ok(pg_temp.holds($$'a@b'::ar_inbox.email_address <> 'no address'::text$$), 'a text that says no address equals none');
SELECT ok(pg_temp.holds($$'a@münchen.example'::ar_inbox.email_address = '"A"@xn--mnchen-3ya.example'::text$$),
    'a text is taken for the address it says');
SELECT ok(pg_temp.holds($$'a@b'::ar_inbox.email_address < 'B@b'$$), '<');
SELECT ok(pg_temp.holds($$'a@b'::ar_inbox.email_address <= 'A@b'$$), '<=');
SELECT ok(pg_temp.holds($$'B@b'::ar_inbox.email_address > 'a@b'$$), '>');
SELECT ok(pg_temp.holds($$'A@b'::ar_inbox.email_address >= 'a@b'$$), '>=');
SELECT ok(pg_temp.holds($$NOT 'A@b'::ar_inbox.email_address <> 'a@b'$$), '<>');
SELECT ok(pg_temp.holds($$'A@b' = ANY (ARRAY['x@y', 'a@b']::ar_inbox.email_address[])$$), 'in an array');
SELECT ok(pg_temp.holds($$ARRAY['A@b']::ar_inbox.email_address[] = ARRAY['a@b']::ar_inbox.email_address[]$$), 'arrays');
SELECT ok(pg_temp.holds($$'a' <> 'A'$$), 'plain literals are still compared as text');
SELECT ok(pg_temp.holds($$'a'::varchar <> 'A'$$), 'and so is varchar');
-- casts
SELECT is(lower('John@b'::ar_inbox.email_address), 'john@b', 'text functions take an address');
SELECT is('<' || 'a@b'::ar_inbox.email_address || '>', '<a@b>', 'so does concatenation');
SELECT ok('john@b'::ar_inbox.email_address LIKE 'john%', 'and LIKE');
CREATE TEMPORARY TABLE assigned (address ar_inbox.email_address, said text);
INSERT INTO assigned SELECT 'A@B'::text, 'C@D'::ar_inbox.email_address;
INSERT INTO assigned SELECT 'A@B'::varchar, NULL;
SELECT results_eq('SELECT address::text, said FROM assigned',
    $$VALUES ('A@b', 'C@d'), ('A@b', NULL)$$, 'assignment both ways');

-- functions
SELECT is(ar_inbox_internal.address_domain('a@MÜNCHEN.example'), 'xn--mnchen-3ya.example', 'address_domain');
SELECT is(ar_inbox_internal.address_domain('"a@b"@C.example'), 'c.example', 'address_domain, an @ in quotes');
SELECT is(ar_inbox_internal.address_domain('a@[127.0.0.1]'), '[127.0.0.1]', 'address_domain of a literal');
SELECT ok(ar_inbox_internal.is_email_address('a@b'), 'is_email_address');
SELECT ok(NOT ar_inbox_internal.is_email_address('a@b@c'), 'is_email_address of none');
SELECT ok(NOT ar_inbox_internal.is_email_address(''), 'is_email_address of nothing');
SELECT is(ar_inbox_internal.is_email_address(NULL), NULL, 'is_email_address of NULL');

-- the type as the catalog has it
SELECT ok(bool_and(provolatile = 'i' AND proparallel = 's' AND proisstrict),
    'all functions of the type are immutable, strict and parallel safe')
FROM pg_proc
WHERE pronamespace = 'ar_inbox'::regnamespace AND proname LIKE '%email_address%'
    AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'c');
SELECT ok(amvalidate(oid), 'hash operator class is sound')
FROM pg_opclass
WHERE opcname = 'email_address_ops' AND opcmethod = (SELECT oid FROM pg_am WHERE amname = 'hash');
SELECT is(count(*), 0::bigint, 'every function has a comment')
FROM pg_proc p
WHERE pronamespace = 'ar_inbox'::regnamespace AND proname LIKE '%email_address%'
    AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT ok(has_function_privilege('public', 'ar_inbox.email_address_in(cstring)', 'execute'),
    'the type is for everybody');
SELECT ok(NOT has_function_privilege('public', 'ar_inbox_internal.is_email_address(text)', 'execute'),
    'the internal functions are not');
SELECT ok(has_function_privilege('ar_inbox_staff', 'ar_inbox_internal.address_domain(ar_inbox.email_address)', 'execute'),
    'but for staff');

-- Many spellings of many mailboxes: order and hash must agree with equality.
CREATE TEMPORARY TABLE mailboxes (mailbox integer, address ar_inbox.email_address);
INSERT INTO mailboxes
SELECT n, spelling::ar_inbox.email_address
FROM generate_series(1, 1000) AS n,
    LATERAL (VALUES
        (format('user%s@example.com', n)),
        (format('USER%s@Example.Com', n)),
        (format('"user%s"@example.com', n)),
        (format('"\U\ser%s"@EXAMPLE.com', n))) AS v (spelling);
INSERT INTO mailboxes
SELECT 1000 + n, spelling::ar_inbox.email_address
FROM generate_series(1, 1000) AS n,
    LATERAL (VALUES
        (format('ÖSTEN%s@MÜNCHEN.example', n)),
        (format('östen%s@münchen.example', n)),
        (format(U&'o\0308sten%s@xn--mnchen-3ya.example', n)),
        (format('"Östen%s"@XN--mnchen-3ya.example', n))) AS v (spelling);
ANALYZE mailboxes;

CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        plan := plan || line || E'\n';
    END LOOP;
    RETURN plan;
END
$$;

SELECT is(count(DISTINCT address), 2000::bigint, 'sorting finds the mailboxes') FROM mailboxes;
SET LOCAL enable_sort = off;
SELECT is(count(*), 2000::bigint, 'hashing finds the same')
FROM (SELECT address FROM mailboxes GROUP BY address) AS g;
RESET enable_sort;
SELECT is(max(n), 1::bigint, 'equal addresses have equal hashes')
FROM (SELECT count(DISTINCT (ar_inbox.email_address_hash(address),
                             ar_inbox.email_address_hash_extended(address, 7))) AS n
      FROM mailboxes GROUP BY mailbox) AS h;
SELECT is(count(*), 0::bigint, 'a seed of 0 gives the plain hash')
FROM mailboxes
WHERE (ar_inbox.email_address_hash_extended(address, 0) & 4294967295)
    <> (ar_inbox.email_address_hash(address)::bigint & 4294967295);
SELECT cmp_ok(count(DISTINCT ar_inbox.email_address_hash(address)), '>', 1990::bigint,
    'different ones mostly have different hashes')
FROM mailboxes;

SET LOCAL enable_mergejoin = off; SET LOCAL enable_nestloop = off;
SELECT is(count(*), 32000::bigint, 'hash join') FROM mailboxes a JOIN mailboxes b USING (address);
SET LOCAL enable_mergejoin = on; SET LOCAL enable_hashjoin = off;
SELECT is(count(*), 32000::bigint, 'merge join') FROM mailboxes a JOIN mailboxes b USING (address);
RESET enable_nestloop; RESET enable_hashjoin; RESET enable_mergejoin;

SELECT is(count(*), 0::bigint, 'equal exactly where the order says 0')
FROM mailboxes a, mailboxes b
WHERE a.mailbox % 100 = 0 AND b.mailbox % 50 = 0
    AND ((a.address = b.address) <> (a.mailbox = b.mailbox)
        OR (ar_inbox.email_address_cmp(a.address, b.address) = 0) <> (a.mailbox = b.mailbox)
        OR (a.address < b.address) <> (b.address > a.address)
        OR (a.address <= b.address) <> (NOT a.address > b.address));

CREATE INDEX mailboxes_btree ON mailboxes (address);
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT matches(pg_temp.plan_of($$SELECT * FROM mailboxes WHERE address = 'USER7@example.com'$$),
    'Index Scan using mailboxes_btree', 'btree serves =');
SELECT is(count(*), 4::bigint, 'and finds every spelling') FROM mailboxes WHERE address = '"User7"@EXAMPLE.COM';
SELECT is(count(*), 4::bigint, 'of an international one too') FROM mailboxes WHERE address = 'Östen7@xn--mnchen-3ya.EXAMPLE';
SELECT matches(pg_temp.plan_of($$SELECT * FROM mailboxes WHERE address = 'USER7@example.com'::text$$),
    'Index Scan using mailboxes_btree', 'btree serves = with a text');
SELECT matches(pg_temp.plan_of($$SELECT * FROM mailboxes WHERE 'USER7@example.com'::text = address$$),
    'Index Scan using mailboxes_btree', 'and with a text in front');
SELECT is(count(*), 4::bigint, 'and finds every spelling') FROM mailboxes WHERE address = 'USER7@Example.com'::text;
SELECT is(count(*), 0::bigint, 'and nothing for what is no address') FROM mailboxes WHERE address = 'user7'::text;
SELECT matches(pg_temp.plan_of('SELECT address FROM mailboxes ORDER BY address'),
    'Index Only Scan using mailboxes_btree', 'btree serves ORDER BY');
SELECT is(count(*), 0::bigint, 'and is in order')
FROM (SELECT address, lag(address) OVER (ORDER BY address) AS previous FROM mailboxes) AS o
WHERE previous > address;
SELECT is(count(*), 44::bigint, 'a range')
FROM mailboxes WHERE address >= 'user10@example.com' AND address < 'user11@example.com';

-- as a text, with and without the planner's help
ANALYZE mailboxes;
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(address::text, 'user10') = 1), 'LIKE, the beginning') FROM mailboxes WHERE address LIKE 'user10%';
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(address::text, 'r10') > 0), 'LIKE, in the midst')
FROM mailboxes WHERE address LIKE '%r10%';
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(upper(address), 'USER10') = 1), 'ILIKE') FROM mailboxes WHERE address ILIKE 'USER10%';
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(address::text, 'user10') <> 1), 'NOT LIKE') FROM mailboxes WHERE address NOT LIKE 'user10%';
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(address::text, 'user10') = 1), 'a regular expression') FROM mailboxes WHERE address ~ '^user10';
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(upper(address), 'USER10') = 1), 'in any case') FROM mailboxes WHERE address ~* '^user10';
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(address::text, 'user10') = 1), 'starts_with()') FROM mailboxes WHERE starts_with(address, 'user10');
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE strpos(address::text, 'user10') = 1), '^@') FROM mailboxes WHERE address ^@ 'user10';
SELECT is(count(*), (SELECT count(*) FROM mailboxes WHERE address::text COLLATE "C" > 'user10'), 'compared as a text in another collation')
FROM mailboxes WHERE address COLLATE "C" > 'user10'::text;
SELECT is((SELECT pg_collation_for(address) FROM mailboxes LIMIT 1), '"default"', 'it has the collation of texts');

DROP INDEX mailboxes_btree;
CREATE INDEX mailboxes_hash ON mailboxes USING hash (address);
SELECT matches(pg_temp.plan_of($$SELECT * FROM mailboxes WHERE address = 'USER7@example.com'$$),
    'Index Scan using mailboxes_hash', 'a hash index serves =');
SELECT is(count(*), 4::bigint, 'and finds every spelling') FROM mailboxes WHERE address = 'USER7@Example.com';
DELETE FROM mailboxes a USING mailboxes b WHERE a.mailbox = b.mailbox AND a.ctid > b.ctid;
SELECT lives_ok('CREATE UNIQUE INDEX ON mailboxes (address)', 'a unique index over one spelling each');
SELECT throws_ok($$INSERT INTO mailboxes VALUES (0, '"USER7"@example.COM')$$, '23505', NULL,
    'refuses another spelling of the same');

SELECT finish();
ROLLBACK;
