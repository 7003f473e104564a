-- What the tests in test/sql have in common: how psql prints, the transaction that a
-- test's ROLLBACK undoes, pgTAP, the settings that values are shown by, refusals, ids.
-- A test begins with '\set ECHO none' and includes this before its plan:
--
--   \i test/lib/pgtap.sql
--
-- pg_regress runs psql in the top folder, so the path is from there.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET client_encoding = 'UTF8';

BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap SCHEMA public;
SET LOCAL search_path = public, pg_catalog;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';

-- What a statement is refused with; a refusal should say what would be right.
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    hint text;
    code text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT, code = RETURNED_SQLSTATE;
    RETURN code || ' ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END
$$;

-- Ids differ from run to run: each is kept under a name.  id() is volatile, as a DO
-- block may ask for what it has kept itself; the id of NULL is NULL.
CREATE TEMP TABLE ids (name text PRIMARY KEY, id bigint NOT NULL);
CREATE FUNCTION pg_temp.id(wanted text) RETURNS bigint LANGUAGE plpgsql VOLATILE STRICT AS $$
DECLARE
    found_id bigint := (SELECT i.id FROM pg_temp.ids i WHERE i.name = wanted);
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION 'no id is kept under the name "%"', wanted;
    END IF;
    RETURN found_id;
END
$$;
CREATE PROCEDURE pg_temp.keep(name text, id bigint) LANGUAGE sql AS $$
    INSERT INTO pg_temp.ids VALUES (name, id)
$$;
