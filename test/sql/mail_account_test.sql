\set ECHO none
\set QUIET 1
-- Mail accounts: setting them, which one sends, which mailbox is read when.
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

SELECT plan(63);

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

-- Ids differ from run to run: each is kept under a name.
CREATE TEMP TABLE ids (name text PRIMARY KEY, id bigint NOT NULL);
CREATE FUNCTION pg_temp.id(wanted text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
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
CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CREATE FUNCTION pg_temp.account(address text) RETURNS bigint LANGUAGE sql AS $$
    SELECT id FROM ar_inbox.mail_accounts WHERE from_address = address
$$;
CREATE FUNCTION pg_temp.secret(address text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(s.value, ',') FROM ar_inbox.mail_accounts a
    JOIN ar_inbox.secrets s ON s.company_id = a.company_id AND s.name = 'mail_account ' || a.id
    WHERE a.from_address = address
$$;

-- set_mail_account
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example:587')$$,
    'the least');
SELECT is(concat_ws('|', from_address, smtp_url, mailbox, coalesce(inbox_address::text, '-'), coalesce(imap_url, '-'), coalesce(username, '-'),
        coalesce(next_poll_at::text, '-')),
    'billing@acme.example|smtp://mail.acme.example:587|INBOX|-|-|-|-', 'as it stands')
FROM ar_inbox.mail_accounts WHERE company_id = pg_temp.id('acme');
SELECT is(pg_temp.secret('billing@acme.example'), NULL, 'no password, no secret');
UPDATE ar_inbox.mail_accounts SET poll_failures = 3, poll_error = 'x', send_failures = 4, send_error = 'y',
    send_retry_at = now() + interval '1 hour' WHERE company_id = pg_temp.id('acme');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'BILLING@acme.example', 'smtps://mail.acme.example:465',
    'user', 's3cret', 'inbox@acme.example', 'imaps://mail.acme.example:993', 'Invoices')$$, 'everything, for the same address');
SELECT is(concat_ws('|', smtp_url, mailbox, inbox_address, imap_url, username, next_poll_at = now(),
        poll_failures, send_failures, coalesce(poll_error, '-'), coalesce(send_error, '-'), coalesce(send_retry_at::text, '-')),
    'smtps://mail.acme.example:465|Invoices|inbox@acme.example|imaps://mail.acme.example:993|user|t|0|0|-|-|-',
    'it replaces what was there, its failures forgotten, and is read at once')
FROM ar_inbox.mail_accounts WHERE company_id = pg_temp.id('acme');
SELECT is(pg_temp.secret('billing@acme.example'), 's3cret', 'the password is among the secrets');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtps://mail.acme.example:465',
    'user', 'other', 'inbox@acme.example', 'imaps://mail.acme.example:993', 'Invoices')$$, 'another password');
SELECT is(pg_temp.secret('billing@acme.example'), 'other', 'takes the place of the first');
SELECT is((SELECT count(*) FROM ar_inbox.events e WHERE e.company_id = pg_temp.id('acme') AND e.subject = 'mail_account'
        AND e.action = 'set' AND e.after::text !~ 's3cret|other'), 3::bigint, 'each is written down, without the password');

-- how far the mailbox was read
UPDATE ar_inbox.mail_accounts SET uid_validity = 7, last_uid = 42 WHERE company_id = pg_temp.id('acme');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example:587',
    'user', 'other', NULL, 'imaps://mail.acme.example:993', 'Invoices')$$, 'another smtp_url, the same mailbox');
SELECT is(concat_ws('/', uid_validity, last_uid), '7/42', 'is read on from where it was')
FROM ar_inbox.mail_accounts WHERE company_id = pg_temp.id('acme');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://mail.acme.example:587',
    'user', 'other', NULL, 'imaps://mail.acme.example:993', 'Archive')$$, 'another mailbox');
SELECT is(concat_ws('/', coalesce(uid_validity, 0), last_uid), '0/0', 'is read from its beginning')
FROM ar_inbox.mail_accounts WHERE company_id = pg_temp.id('acme');

-- errors
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(0, 'a@b.example', 'smtp://h')$$), 'IB001 company 0 does not exist', 'unknown company');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), NULL, 'smtp://h')$$), '22004 from_address is NULL', 'no sender');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), E'a@b.example\r\nX: y', 'smtp://h')$$),
    '22P02 invalid e-mail address "a@b.example\x0d\x0aX: y": it contains a line break', 'a sender with CR LF');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_mail_account(pg_temp.id(''acme''), ''a@b.example'', %L)', url)),
    format('22023 smtp_url %s is not an SMTP URL', quote_nullable(url)), 'smtp_url ' || what)
FROM (VALUES (NULL, 'NULL'), ('', 'empty'), ('mail.acme.example', 'without a scheme'), ('imap://h', 'of another protocol'),
    ('http://h', 'of the web'), ('smtp://user:pass@h', 'with a password in it'), ('smtp://', 'without a host'),
    (E'smtp://h\r\nDATA', 'with a line break'), ('smtp://h name', 'with a blank')) t (url, what);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_mail_account(pg_temp.id(''acme''), ''a@b.example'', ''smtp://h'', ''u'', ''p'', imap_url => %L)', url)),
    format('22023 imap_url %s is not an IMAP URL', quote_nullable(url)), 'imap_url ' || what)
FROM (VALUES ('', 'empty'), ('smtp://h', 'of another protocol'), ('imap://u:p@h', 'with a password in it'),
    (E'imap://h\n', 'with a line break')) t (url, what);
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', 'smtp://h', imap_url => 'imap://h')$$),
    '22023 username is NULL but imap_url is given', 'a mailbox without a user name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', 'smtp://h', 'u')$$),
    '22023 only one of username and password is given', 'a user name without a password');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', 'smtp://h', password => 'p')$$),
    '22023 only one of username and password is given', 'a password without a user name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', 'smtp://h', E'u\nv', 'p')$$),
    '22023 username or password has more than one line', 'a user name of two lines');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', 'smtp://h', 'u', E'p\rq')$$),
    '22023 username or password has more than one line', 'a password of two lines');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', 'smtp://h', mailbox => ' ')$$),
    '22023 mailbox is empty', 'an empty mailbox');
SELECT is((SELECT count(*) FROM ar_inbox.mail_accounts WHERE company_id = pg_temp.id('acme')), 1::bigint, 'what was refused left nothing behind');

-- which one sends
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'second@acme.example', 'smtp://h')$$, 'a second account');
UPDATE ar_inbox.mail_accounts SET changed_at = now() - interval '1 day' WHERE from_address = 'billing@acme.example';
SELECT is(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.account('second@acme.example'), 'the one set last sends');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://h', inbox_address => 'inbox@acme.example')$$,
    'the first one, set again');
SELECT is(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.account('billing@acme.example'), 'sends again');
SELECT is(pg_temp.secret('billing@acme.example'), NULL, 'and has no password any more');
SELECT is(ar_inbox_internal.sending_account(pg_temp.id('other')), NULL, 'a company without an account');

-- whose an address is
SELECT is(ar_inbox_internal.company_of_address('INBOX@acme.example'), pg_temp.id('acme'), 'the inbox address');
SELECT is(ar_inbox_internal.company_of_address('second@acme.example'), pg_temp.id('acme'), 'the sender''s');
SELECT is(ar_inbox_internal.company_of_address('nobody@acme.example'), NULL, 'nobody''s');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_mail_account(pg_temp.id(''other''), ''o@other.example'', ''smtp://h'', inbox_address => %L)', address)),
    format('23505 address %s belongs to another company', address), 'another company''s address is not to be had: ' || address)
FROM unnest(ARRAY['second@acme.example', 'INBOX@acme.example', 'inbox+x@acme.example']) address;

-- reading mailboxes
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'read@other.example', 'smtp://h', 'reader', 'pw', imap_url => 'imap://h:143')$$,
    'a mailbox to read');
CREATE FUNCTION pg_temp.to_poll(at timestamptz, busy bigint[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', imap_url, username, password, mailbox, uid_validity, last_uid, max_message_size)
    FROM ar_inbox_internal.accounts_to_poll(at, busy) p WHERE p.company_id = pg_temp.id('other')
$$;
SELECT results_eq('SELECT pg_temp.to_poll(now())', ARRAY['imap://h:143|reader|pw|INBOX|0|0|26214400'], 'its turn is now');
SELECT is_empty($$SELECT pg_temp.to_poll(now() - interval '1 second')$$, 'not before');
SELECT is_empty($$SELECT pg_temp.to_poll(now(), ARRAY[pg_temp.account('read@other.example')])$$, 'not while it is being read');
CREATE FUNCTION pg_temp.polled(error text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox_internal.record_poll(pg_temp.account('read@other.example'), pg_temp.id('other'), now(), '1 minute', error);
    RETURN (SELECT concat_ws('|', next_poll_at - now(), poll_failures, coalesce(poll_error, '-'))
        FROM ar_inbox.mail_accounts WHERE from_address = 'read@other.example');
END
$$;
SELECT is(pg_temp.polled(NULL), '00:01:00|0|-', 'read: again after the interval');
SELECT is(pg_temp.polled('no'), '00:01:00|1|no', 'failed: again after the interval');
SELECT is(pg_temp.polled('no'), '00:02:00|2|no', 'failed twice: after twice that');
SELECT is(pg_temp.polled('still no'), '00:04:00|3|still no', 'and so on');
UPDATE ar_inbox.mail_accounts SET poll_failures = 1000 WHERE from_address = 'read@other.example';
SELECT is(pg_temp.polled('no'), '01:00:00|1001|no', 'up to an hour');
SELECT is(pg_temp.polled(NULL), '00:01:00|0|-', 'until it works');

-- the mail server fails
CREATE FUNCTION pg_temp.failed(error text, at timestamptz DEFAULT now()) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox_internal.record_account_failure(pg_temp.account('read@other.example'), pg_temp.id('other'), at, error);
    RETURN (SELECT concat_ws('|', send_failures, coalesce((send_retry_at - at)::text, '-'), coalesce(send_error, '-'))
        FROM ar_inbox.mail_accounts WHERE from_address = 'read@other.example');
END
$$;
SELECT is(pg_temp.failed('no route'), '1|00:00:05|no route', 'tried again after 5 seconds');
SELECT is(pg_temp.failed('no route'), '1|00:00:05|no route', 'connections that fail together count once');
SELECT is(pg_temp.failed('no route', now() + interval '5 seconds'), '2|00:00:10|no route', 'then 10');
UPDATE ar_inbox.mail_accounts SET send_failures = 1000 WHERE from_address = 'read@other.example';
SELECT is(pg_temp.failed('no route', now() + interval '1 hour'), '1001|00:30:00|no route', 'at most half an hour');
SELECT is(pg_temp.failed(NULL), '0|-|-', 'until it works');

SELECT finish();
ROLLBACK;
