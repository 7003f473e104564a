\set ECHO none
-- The index of phrases: pairs of words, blocks and pages, and that a search by it
-- finds what one without it finds.
\i test/lib/pgtap.sql

SELECT plan(75);

-- Pairs
CREATE FUNCTION pg_temp.pairs(VARIADIC words text[]) RETURNS integer[] LANGUAGE sql AS $$
    SELECT ar_inbox_internal.vector_pairs(to_tsvector('ar_inbox.simple', array_to_string(words, ' ')))
$$;
CREATE FUNCTION pg_temp.asked(query text) RETURNS text LANGUAGE sql AS $$
    SELECT p.pairs::text || CASE WHEN p.whole THEN ' whole' ELSE '' END
    FROM ar_inbox_internal.query_pairs(ar_inbox_internal.search_query('ar_inbox.english', query)) p
$$;
CREATE FUNCTION pg_temp.as_asked(VARIADIC words text[]) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.pairs(VARIADIC words)::text
$$;
-- dumps are searched by these numbers, whatever made them
SELECT is(pg_temp.pairs('late', 'fee'), '{110177508}', 'a pair''s number');
SELECT is(pg_temp.pairs('late'), '{}', 'one word is no pair');
SELECT is(ar_inbox_internal.vector_pairs(''), '{}', 'nor is none');
SELECT is(ar_inbox_internal.vector_pairs('late fee'::tsvector), '{}', 'nor words without their positions');
SELECT is(cardinality(pg_temp.pairs('a', 'b', 'a', 'b', 'a')), 2, 'each once');
SELECT is(ar_inbox_internal.vector_pairs(to_tsvector('ar_inbox.english', 'late the fee')), '{}', 'a word that is left out stands between');
SELECT is(ar_inbox_internal.vector_pairs('a:1,3 b:2 c:2'), (SELECT array_agg(n ORDER BY n) FROM unnest(ar_inbox_internal.vector_pairs('a:1 b:2') || ar_inbox_internal.vector_pairs('b:2 a:3')
    || ar_inbox_internal.vector_pairs('a:1 c:2') || ar_inbox_internal.vector_pairs('c:2 a:3')) n), 'two words in one place');
SELECT cmp_ok(cardinality(ar_inbox_internal.vector_pairs(to_tsvector('ar_inbox.simple', (SELECT string_agg(translate(n::text, '0123456789', 'abcdefghij'), ' ') FROM generate_series(1, 20000) n)))), '>', 16382, 'beyond the last position');

SELECT is(pg_temp.asked(query), wanted, 'asked for by: ' || query)
FROM (VALUES ('"late fee"', pg_temp.as_asked('late', 'fee') || ' whole'), ('late fee', '{}'), ('"late fee" acme', pg_temp.as_asked('late', 'fee')), ('acme -"late fee"', '{}'),
    ('"late fee" or acme', '{}'), ('"late fee*"', '{}'), ('"late of fee"', '{}'), ('"late fee" -acme', pg_temp.as_asked('late', 'fee')),
    ('"late fee" "fee due"', (SELECT array_agg(n ORDER BY n)::text FROM unnest(pg_temp.pairs('late', 'fee') || pg_temp.pairs('fee', 'due')) n) || ' whole'),
    ('"late fee of due"', pg_temp.as_asked('late', 'fee')), ('"late fee due"', pg_temp.as_asked('late', 'fee', 'due') || ' whole'),
    ('ann@globex.test', pg_temp.as_asked('ann', 'globex', 'test') || ' whole'), ('INV-00042', (SELECT array_agg(n ORDER BY n)::text FROM unnest(pg_temp.pairs('inv', '42') || ar_inbox_internal.vector_pairs('inv:1 00042:2')) n) || ' whole')) t (query, wanted);
SELECT is(cardinality(p.pairs), 8, 'no more than eight are looked up')
FROM ar_inbox_internal.query_pairs(ar_inbox_internal.search_query('ar_inbox.simple', (SELECT '"' || string_agg('w' || n, ' ') || '"' FROM generate_series(1, 100) n))) p;
-- all that a query finds has its pairs: any query, any text of few words
SELECT is(count(*) FILTER (WHERE NOT p.pairs <@ ar_inbox_internal.vector_pairs(t.vector)), 0::bigint, 'none is missed: ' || CASE WHEN count(*) > 500 THEN 'many' ELSE count(*)::text END)
FROM (SELECT to_tsvector('ar_inbox.simple', string_agg((ARRAY['a', 'b', 'c', '007', '7', 'd-e'])[1 + abs(hashint4extended(i, n)) % 6], ' ')) AS vector FROM generate_series(1, 60) n, generate_series(1, 12) i GROUP BY n) t
JOIN (SELECT (ARRAY['a', 'b', '( a & b )', '( a | c )', '007', '!c', 'a:*', '( a <-> b )'])[1 + abs(hashint4extended(1, n)) % 8]
    || ' ' || (ARRAY['<->', '<2>', '&', '|'])[1 + abs(hashint4extended(2, n)) % 4] || ' ' || (ARRAY['a', 'c', '( b <-> a )', '( 007 & 7 )', '7'])[1 + abs(hashint4extended(3, n)) % 5]
    || ' ' || (ARRAY['<->', '&', '<->'])[1 + abs(hashint4extended(4, n)) % 3] || ' ' || (ARRAY['b', 'a', 'd', '( a <-> c )', 'e'])[1 + abs(hashint4extended(5, n)) % 5] AS query FROM generate_series(1, 300) n) q
    ON t.vector @@ q.query::tsquery
CROSS JOIN LATERAL ar_inbox_internal.query_pairs(q.query::tsquery) p;

-- Messages and notes of two companies: few words, many phrases
INSERT INTO ids VALUES ('acme', ar_inbox.create_company('Acme')), ('rival', ar_inbox.create_company('Rival'));
INSERT INTO ar_inbox.threads (id, company_id, topic, subject, spam_at)
SELECT 1000000 + n, pg_temp.id(CASE WHEN n % 5 = 0 THEN 'rival' ELSE 'acme' END), 'message', 'Thread ' || n, CASE WHEN n % 17 = 0 THEN now() END FROM generate_series(1, 60) n;
CREATE FUNCTION pg_temp.words(seed integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg((ARRAY['late', 'fee', 'invoice', 'payment', 'please', 'account', 'INV-00042', 'dispute'])[1 + abs(hashint4extended(i, seed)) % 8], ' ' ORDER BY i) FROM generate_series(1, 6) i
$$;
CREATE PROCEDURE pg_temp.add(first integer, last integer) LANGUAGE sql AS $$
    INSERT INTO ar_inbox.emails (company_id, thread_id, direction, message_id, body_text, sent_at, occurred_at, kind, search)
    SELECT t.company_id, t.id, 'outgoing', n || '@acme.example', pg_temp.words(n), m.at, m.at, 'comment', ar_inbox_internal.search_vector(t.company_id, NULL, NULL, pg_temp.words(n))
    FROM generate_series(first, last) n JOIN ar_inbox.threads t ON t.id = 1000001 + n % 60
    CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' + interval '1 minute' * (abs(hashint4extended(n, 7)) % 200) AS at) m
    WHERE n % 3 > 0;
    INSERT INTO ar_inbox.notes (company_id, thread_id, body, created_at, search)
    SELECT t.company_id, t.id, pg_temp.words(n), timestamptz '2026-01-01' + interval '1 minute' * (abs(hashint4extended(n, 7)) % 200), ar_inbox_internal.search_vector(t.company_id, NULL, NULL, pg_temp.words(n))
    FROM generate_series(first, last) n JOIN ar_inbox.threads t ON t.id = 1000001 + n % 60
    WHERE n % 3 = 0;
$$;
CREATE FUNCTION pg_temp.in_queue() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM ar_inbox.phrase_queue $$;
-- what searches find by the index, without it, and by a look at every message
CREATE FUNCTION pg_temp.searches(OUT by_index ar_inbox_internal.found_message[], OUT without ar_inbox_internal.found_message[], OUT truth ar_inbox_internal.found_message[])
RETURNS SETOF record LANGUAGE sql AS $$
    SELECT ar_inbox_internal.search_phrases(c.ids, q.query, m.most) AS by_index,
            ar_inbox_internal.search_companies(c.ids, q.query, m.most) AS without,
            ARRAY(SELECT (d.thread_id, d.company_id, d.at, d.email_id, d.note_id)::ar_inbox_internal.found_message
                FROM (SELECT DISTINCT ON (a.thread_id) a.*
                    FROM (SELECT e.thread_id, e.company_id, e.occurred_at AS at, e.id AS email_id, NULL::bigint AS note_id FROM ar_inbox.emails e WHERE ts_match_vq(e.search, q.query)
                        UNION ALL SELECT n.thread_id, n.company_id, n.created_at, NULL, n.id FROM ar_inbox.notes n WHERE ts_match_vq(n.search, q.query)) a
                    JOIN ar_inbox.threads t ON t.id = a.thread_id
                    WHERE a.company_id = ANY (c.ids) AND t.spam_at IS NULL
                    ORDER BY a.thread_id, a.at DESC, a.email_id DESC NULLS LAST, a.note_id DESC) d
                ORDER BY d.at DESC, d.thread_id DESC LIMIT m.most) AS truth
        FROM (SELECT ar_inbox_internal.search_query('ar_inbox.english', s) AS query FROM unnest(ARRAY['"late fee"', '"fee late"', '"payment please"', '"invoice payment please"', 'INV-00042', '"late fee" dispute',
            '"late fee" "payment please"', '"please please"', '"late fee" -invoice', '"fee INV-00042 late"']) s) q
        CROSS JOIN (VALUES (ARRAY[pg_temp.id('acme')]), (ARRAY[pg_temp.id('acme'), pg_temp.id('rival')])) c (ids)
        CROSS JOIN (VALUES (2), (50)) m (most)
$$;
CREATE FUNCTION pg_temp.differing() RETURNS text LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE s.by_index <> s.truth OR s.without IS DISTINCT FROM s.truth) || ' of ' || count(s.by_index) || ' by the index' FROM pg_temp.searches() s
$$;
CALL pg_temp.add(1, 400);
SELECT is(pg_temp.in_queue(), 400::bigint, 'each message and note is queued');
SELECT is((SELECT array_agg(DISTINCT q.company_id ORDER BY q.company_id) FROM ar_inbox.phrase_queue q), ARRAY[pg_temp.id('acme'), pg_temp.id('rival')], 'for its company');
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'what waits is read');
SELECT cmp_ok((SELECT sum(cardinality(s.truth)) FROM pg_temp.searches() s), '>', 150::bigint, 'and much is found');
SELECT is((ar_inbox_internal.index_phrases(1000, 401)).done, 0, 'fewer than are worth it');
SELECT is((ar_inbox_internal.index_phrases(100)).done, 100, 'as many as it was told');
SELECT is(pg_temp.in_queue(), 300::bigint, 'the others wait');
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'some are written, some wait');
SELECT is((ar_inbox_internal.index_phrases(1000)).done, 300, 'the others');
SELECT is(pg_temp.in_queue(), 0::bigint, 'nothing waits');
SELECT is((ar_inbox_internal.index_phrases(1000, 0)).done, 0, 'there is nothing to write');
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'all are written');
SELECT is((SELECT array_agg(DISTINCT b.company_id ORDER BY b.company_id) FROM ar_inbox.phrase_blocks b), ARRAY[pg_temp.id('acme'), pg_temp.id('rival')], 'a block is of one company');
SELECT is((SELECT sum(octet_length(b.messages) / 16) FROM ar_inbox.phrase_blocks b), 400::bigint, 'each message is in one');

-- a few at a time, until blocks are joined again and again
DO $$ BEGIN
    FOR i IN 1 .. 80 LOOP
        CALL pg_temp.add(401 + 5 * i, 405 + 5 * i);
        PERFORM ar_inbox_internal.index_phrases(1000, 1);
    END LOOP;
END $$;
SELECT cmp_ok((SELECT count(*) FROM ar_inbox.phrase_blocks b), '<', 40::bigint, 'few blocks of many');
SELECT cmp_ok((SELECT max(n) FROM (SELECT count(*) AS n FROM ar_inbox.phrase_blocks b GROUP BY b.company_id, floor(ln(b.size::float) / ln(8::float))) s), '<', 8::bigint, 'never eight of a size');
SELECT is((SELECT sum(octet_length(b.messages) / 16) FROM ar_inbox.phrase_blocks b), 800::bigint, 'with all messages');
SELECT is((SELECT b.size::bigint FROM ar_inbox.phrase_blocks b WHERE b.id = s.block_id), s.size, 'a block''s size')
FROM (SELECT p.block_id, sum(octet_length(p.postings)) + (SELECT octet_length(b.messages) FROM ar_inbox.phrase_blocks b WHERE b.id = p.block_id) AS size FROM ar_inbox.phrase_pages p GROUP BY p.block_id ORDER BY 2 DESC LIMIT 1) s;
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'found in joined blocks');
-- a larger size stands for pages that begin nearer to each other than they do
SAVEPOINT far_below;
UPDATE ar_inbox.phrase_blocks SET size = 2147483647;
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'also where the page that a pair is in begins far below it');
ROLLBACK TO far_below;
SELECT is((SELECT (h.total, cardinality(h.messages), h.since IS NOT NULL)::text FROM ar_inbox_internal.phrase_hits(ARRAY[pg_temp.id('acme')], pg_temp.pairs('fee', 'fee'), 1000) h),
    (SELECT (n, n, false)::text FROM (SELECT count(*) AS n FROM (SELECT e.search, e.company_id FROM ar_inbox.emails e UNION ALL SELECT n.search, n.company_id FROM ar_inbox.notes n) s WHERE s.company_id = pg_temp.id('acme') AND pg_temp.pairs('fee', 'fee') <@ ar_inbox_internal.vector_pairs(s.search)) c), 'all that have a pair');
SELECT ok(h.since IS NOT NULL AND h.total > 10 AND cardinality(h.messages) > 0 AND h.moments[1] >= h.moments[2] AND h.moments[cardinality(h.moments)] > h.since, 'the newest of them, no more than are known to be')
FROM ar_inbox_internal.phrase_hits(ARRAY[pg_temp.id('acme')], pg_temp.pairs('fee', 'fee'), 10) h;
SELECT is((SELECT (h.messages, h.total)::text FROM ar_inbox_internal.phrase_hits(ARRAY[pg_temp.id('acme')], pg_temp.pairs('no', 'where'), 2) h), '({},0)', 'a pair that is nowhere');

-- what changes
UPDATE ar_inbox.emails SET body_text = 'other', search = ar_inbox_internal.search_vector(company_id, NULL, NULL, pg_temp.words(id::integer % 1000 + 5000)) WHERE company_id = pg_temp.id('acme') AND id % 4 = 0;
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'a message that has other words now');
UPDATE ar_inbox.emails SET occurred_at = occurred_at + interval '100 minutes' WHERE id % 5 = 0;
UPDATE ar_inbox.notes SET created_at = created_at - interval '100 minutes' WHERE id % 5 = 0;
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'one that is from another moment now');
SELECT cmp_ok((ar_inbox_internal.index_phrases(1000, 1)).done, '>', 100, 'both were queued');
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'and are written');
UPDATE ar_inbox.emails SET automatic = true, kind = 'comment' WHERE id % 7 = 0;
SELECT is(pg_temp.in_queue(), 0::bigint, 'what it is not found by does not matter');
UPDATE ar_inbox.threads SET spam_at = CASE WHEN spam_at IS NULL AND id % 2 = 0 THEN now() END;
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'other threads are spam');
UPDATE ar_inbox.notes SET thread_id = thread_id + 5 WHERE thread_id < 1000050 AND id % 2 = 0;
SELECT is(pg_temp.differing(), '0 of 40 by the index', 'notes are in other threads');

-- what the index is no help for
SELECT is(ar_inbox_internal.search_phrases(ARRAY[pg_temp.id('acme')], 'late & fee', 50), NULL, 'no phrase');
INSERT INTO ar_inbox.phrase_queue (company_id, email_id) SELECT pg_temp.id('acme'), 1 FROM generate_series(1, 1001);
SELECT is(ar_inbox_internal.search_phrases(ARRAY[pg_temp.id('acme')], 'late <-> fee', 50), NULL, 'too much waits');
SELECT isnt(ar_inbox_internal.search_phrases(ARRAY[pg_temp.id('rival')], 'late <-> fee', 50), NULL, 'but not for another company');
SELECT is((ar_inbox_internal.index_phrases(2000, 1)).done, 1001, 'a message that was queued often, and is not there');
INSERT INTO ar_inbox.notes (company_id, thread_id, body, search) SELECT pg_temp.id('acme'), 1000001, 'many times', ar_inbox_internal.search_vector(pg_temp.id('acme'), NULL, NULL, 'many times' || CASE n WHEN 3 THEN ' platypus' ELSE '' END) FROM generate_series(1, 1001) n;
SELECT is((ar_inbox_internal.index_phrases(2000, 1)).done, 1001, 'a frequent phrase');
SELECT is(ar_inbox_internal.search_phrases(ARRAY[pg_temp.id('acme')], ar_inbox_internal.search_query('ar_inbox.english', '"many times" platypus'), 50), NULL, 'what else is asked for may be rarer');
SELECT is(ar_inbox_internal.search_phrases(ARRAY[pg_temp.id('acme')], ar_inbox_internal.search_query('ar_inbox.english', '"many times"'), 50), NULL, 'very many, all in one thread');
SELECT is((SELECT count(*) FROM ar_inbox.search_threads('"many times"')), 1::bigint, 'which the other way finds');

-- another language
SELECT lives_ok(format('SELECT ar_inbox.change_settings(%s, %L)', pg_temp.id('rival'), '{"language": "de"}'), 'a company changes its language');
SELECT is((SELECT count(*) FROM ar_inbox.phrase_blocks b WHERE b.company_id = pg_temp.id('rival')), 0::bigint, 'its blocks are gone');
SELECT is(array_agg(DISTINCT q.company_id), ARRAY[pg_temp.id('rival')], 'and all it has is queued') FROM ar_inbox.phrase_queue q;

-- written anew
SELECT ar_inbox_internal.queue_phrases(pg_temp.id('acme')) \g /dev/null
SELECT is(pg_temp.in_queue(), (SELECT count(*) FROM ar_inbox.emails) + (SELECT count(*) FROM ar_inbox.notes), 'all that there is');
SELECT ar_inbox_internal.index_phrases(10000) \g /dev/null

-- what is damaged is told, not guessed
UPDATE ar_inbox.phrase_pages SET postings = '\x80' WHERE company_id = pg_temp.id('acme');
SELECT throws_ok(format('SELECT ar_inbox_internal.search_phrases(ARRAY[%s], %L, 50)', pg_temp.id('acme'), 'late <-> fee'), 'XX001', NULL, 'a damaged page');
SELECT throws_like(format('SELECT ar_inbox_internal.search_phrases(ARRAY[%s], %L, 50)', pg_temp.id('acme'), 'late <-> fee'), 'block % of phrases is damaged', 'says which');
SELECT throws_ok('SELECT ar_inbox_internal.phrase_hits(ARRAY[1], ARRAY[1, NULL], 1)', '22004', 'a pair is NULL', 'no pair');
-- whoever joins finds it too, and has all of the company's written anew
DO $$ BEGIN
    PERFORM ar_inbox_internal.forget_phrases(pg_temp.id('rival'));
    PERFORM ar_inbox_internal.write_phrase_block(pg_temp.id('rival'), NULL, ARRAY[n.id]) FROM (SELECT n.id FROM ar_inbox.notes n WHERE n.company_id = pg_temp.id('rival') LIMIT 1) n, generate_series(1, 8);
END $$;
UPDATE ar_inbox.phrase_pages SET postings = '\x80' WHERE company_id = pg_temp.id('rival');
SET LOCAL client_min_messages = error;
SELECT ar_inbox_internal.join_like_phrase_blocks(pg_temp.id('rival')) \g /dev/null
SET LOCAL client_min_messages = warning;
SELECT is((SELECT count(*) FROM ar_inbox.phrase_blocks b WHERE b.company_id = pg_temp.id('rival')), 0::bigint, 'damaged blocks are not joined');
SELECT is((SELECT count(*) FROM ar_inbox.phrase_queue q WHERE q.company_id = pg_temp.id('rival')),
    (SELECT count(*) FROM ar_inbox.emails e WHERE e.company_id = pg_temp.id('rival')) + (SELECT count(*) FROM ar_inbox.notes n WHERE n.company_id = pg_temp.id('rival')), 'all of the company''s is queued');

-- each company in its turn
DO $$ BEGIN PERFORM ar_inbox_internal.queue_phrases(pg_temp.id('acme')), ar_inbox_internal.queue_phrases(pg_temp.id('rival')); END $$;
SELECT is(array_agg((i).last_company || ' ' || (i).done || ' ' || (i).more), ARRAY[pg_temp.id('rival') || ' 3 true', pg_temp.id('acme') || ' 3 true'], 'after the one before, then around')
FROM (SELECT ar_inbox_internal.index_phrases(3, 1, pg_temp.id(company)) AS i FROM unnest(ARRAY['acme', 'rival']) company) s;
SELECT is((i.done, i.more)::text, '(' || (SELECT count(*) FROM ar_inbox.emails) + (SELECT count(*) FROM ar_inbox.notes) - 6 || ',f)', 'all of both') FROM ar_inbox_internal.index_phrases(100000, 1, pg_temp.id('acme')) i;
-- no more at once than usual messages are long: these are twenty times that
INSERT INTO ar_inbox.notes (company_id, thread_id, body, search) SELECT pg_temp.id('acme'), 1000001, 'long', to_tsvector('ar_inbox.simple', (SELECT string_agg(md5(n || ' ' || w), ' ') FROM generate_series(1, 3000) w)) FROM generate_series(1, 4) n;
SELECT is((i.done, i.more)::text, '(1,t)', 'one long message at a time') FROM ar_inbox_internal.index_phrases(2, 1) i;
SELECT is((SELECT count(*) FROM ar_inbox.phrase_blocks b WHERE octet_length(b.messages) = 16 AND b.size > 5000), 1::bigint, 'as a block');

CREATE TEMP TABLE elsewhere (company_id bigint, id bigint);
CREATE TRIGGER odd AFTER INSERT ON elsewhere FOR EACH ROW EXECUTE FUNCTION ar_inbox_internal.queue_phrases_trigger('id');
SELECT throws_ok('INSERT INTO elsewhere VALUES (1, 1)', '39P01', NULL, 'a trigger with another argument');

SELECT finish();
ROLLBACK;
