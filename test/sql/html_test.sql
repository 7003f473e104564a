\set ECHO none
-- HTML of incoming mail, seen from SQL.
\i test/lib/pgtap.sql
SELECT plan(32);

-- safe to show
SELECT is(ar_inbox.sanitize_html('<p onclick=x()>Dear <b>Ann<p>bye'), '<p>Dear <b>Ann</b></p><p>bye</p>', 'rebuilt');
SELECT is(ar_inbox.sanitize_html(''), '', 'nothing');
SELECT is(ar_inbox.sanitize_html(NULL), NULL, 'NULL gives NULL');
SELECT is(ar_inbox.sanitize_html('a<script>b</script>c<style>d</style>'), 'ac', 'no scripts, no styles');
SELECT is(ar_inbox.sanitize_html('<a href="java&#10;script:x">y</a>'), 'y', 'no link that runs');
SELECT is(ar_inbox.sanitize_html('<a href="https://globex.example/?a=1&amp;b=2">y</a>'),
    '<a href="https://globex.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">y</a>', 'a link');
SELECT is(ar_inbox.sanitize_html('<img src="https://t.example/p.gif" width="1">'),
    '<img data-remote-src="https://t.example/p.gif" width="1">', 'a remote image is set aside');
SELECT is(ar_inbox.sanitize_html('<img src=cid:logo@globex alt="Logo">'), '<img src="cid:logo@globex" alt="Logo">', 'one that came along');
SELECT is(ar_inbox.sanitize_html('<p>Größe – 日本語 &euro;'), '<p>Größe – 日本語 €</p>', 'every script');
SELECT is(ar_inbox.sanitize_html('<p style="position:fixed" class=x id=y>z'), '<p>z</p>', 'no style');
SELECT is(ar_inbox.sanitize_html('<svg><p>x</svg><p>y'), '<p>y</p>', 'no pictures that are programs');
SELECT is(ar_inbox.sanitize_html(ar_inbox.sanitize_html(html)), ar_inbox.sanitize_html(html), 'it stays: ' || left(html, 20))
FROM (VALUES ('<b><x><p>x<div>y</b>z'), ('<table><b>x<tr>y<td>z'), ('<ul><ol><li>x<p>y</ul>z<dd>'), (E'<pre>\n\n\nx')) t (html);

-- over a limit: never an error
SELECT is(ar_inbox.sanitize_html(repeat('<div>', 100000)), NULL, '100,000 levels: NULL');
SELECT is(ar_inbox.sanitize_html('<p' || repeat(' a', 1000000) || '>'), NULL, 'a million attributes: NULL');
SELECT is(ar_inbox.sanitize_html(repeat('words ', 400000)), NULL, 'over 2 MB: NULL');
SELECT is(length(ar_inbox.html_to_text(repeat('words ', 400000))), 2400000, 'of which there is a text');
SELECT is(ar_inbox.html_to_text(repeat('<div>', 100000) || 'x'), E'x\n', 'and of levels');

-- text
SELECT is(ar_inbox.html_to_text('<p>Dear&nbsp;Ann,<p>see <a href="https://globex.example/">us</a>'),
    E'Dear Ann,\n\nsee us <https://globex.example/>\n', 'text');
SELECT is(ar_inbox.html_to_text('<table><tr><td>INV-1<td>10.00<tr><td>INV-2<td>20.00</table>'),
    E'INV-1 | 10.00\nINV-2 | 20.00\n', 'rows');
SELECT is(ar_inbox.html_to_text('<ul><li>a<li>b</ul><blockquote>c</blockquote>'), E'* a\n* b\n\n> c\n', 'a list, a quotation');
SELECT is(ar_inbox.html_to_text(''), '', 'no text');
SELECT is(ar_inbox.html_to_text(NULL), NULL, 'NULL gives NULL');

-- libxml2 is left as it was found
SELECT is((xpath('/a/text()', '<a>x</a>'::xml))[1]::text, 'x', 'the server reads XML still');
SELECT throws_ok($$SELECT '<a><b></a>'::xml$$, '2200N', NULL, 'and says what is wrong with it');
SELECT is(ar_inbox.sanitize_html('<a><b>x</a>'), '<b>x</b>', 'and we read HTML still');
SELECT is((SELECT count(DISTINCT ar_inbox.sanitize_html(format('<p>%s<b>', n))) FROM generate_series(1, 2000) n), 2000::bigint, 'again and again');

-- who may
SELECT ok(has_function_privilege('ar_inbox_staff', f, 'execute') AND has_function_privilege('ar_inbox_worker', f, 'execute')
    AND NOT has_function_privilege('ar_inbox_anonymous', f, 'execute'), 'staff and the worker may call ' || f)
FROM unnest('{ar_inbox.sanitize_html(text),ar_inbox.html_to_text(text)}'::text[]) f;
SELECT is(count(*), 2::bigint, 'both can be used in indexes and by parallel workers') FROM pg_proc
WHERE oid IN ('ar_inbox.sanitize_html(text)'::regprocedure, 'ar_inbox.html_to_text(text)'::regprocedure)
    AND provolatile = 'i' AND proisstrict AND proparallel = 's';

SELECT finish();
ROLLBACK;
