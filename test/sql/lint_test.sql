\set ECHO none
-- plpgsql_check over every function of ours in PL/pgSQL: nothing to remark.

-- it has to be there before the first call of anything in PL/pgSQL
LOAD 'plpgsql_check';
\i test/lib/pgtap.sql
SELECT plan(5);
CREATE EXTENSION IF NOT EXISTS plpgsql_check SCHEMA public;

CREATE TEMP VIEW written AS
SELECT p.oid, p.oid::regprocedure::text AS signature, p.prorettype = 'trigger'::regtype AS is_trigger
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname = 'plpgsql'
    AND p.pronamespace IN ('ar_inbox'::regnamespace, 'ar_inbox_internal'::regnamespace, 'ar_portal'::regnamespace);

-- a judge that finds nothing in anything would be none
CREATE FUNCTION pg_temp.careless() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    unused integer;
BEGIN
    RETURN (SELECT no_such_column FROM ar_inbox.companies);
END
$$;
SELECT cmp_ok((SELECT count(*) FROM plpgsql_check_function_tb('pg_temp.careless()', fatal_errors => false,
        extra_warnings => true, other_warnings => true)), '>=', 2::bigint, 'plpgsql_check finds what is wrong');
SELECT cmp_ok((SELECT count(*) FROM written), '>', 50::bigint, 'there is much to check');

SELECT is_empty($$
    SELECT w.signature, r.lineno, r.level, r.message, r.detail
    FROM written w, plpgsql_check_function_tb(w.oid, fatal_errors => false, extra_warnings => true, other_warnings => true) r
    WHERE NOT w.is_trigger$$,
    'the functions');

-- a trigger function with each table that fires it
SELECT is_empty($$
    SELECT signature FROM written w
    WHERE is_trigger AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgfoid = w.oid)$$,
    'every trigger function is some table''s');
SELECT is_empty($$
    SELECT w.signature, t.tgrelid::regclass, r.lineno, r.level, r.message, r.detail
    FROM written w
    JOIN (SELECT DISTINCT tgfoid, tgrelid FROM pg_trigger) t ON t.tgfoid = w.oid,
        plpgsql_check_function_tb(w.oid, t.tgrelid, fatal_errors => false, extra_warnings => true, other_warnings => true) r
    WHERE w.is_trigger$$,
    'the trigger functions, with their tables');

SELECT finish();
ROLLBACK;
