\set ECHO none
-- Mail accounts: setting them, which one sends, which mailbox is read when.
\i test/lib/pgtap.sql
SELECT plan(129);

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

SELECT is(bool_and(ar_inbox_internal.is_mail_server_url(url, 'smtp')), true, 'the highest port, and an address that ends like one')
FROM unnest('{smtp://h:65535?starttls=never,smtp://[::99999]}'::text[]) url;

-- errors
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(0, 'a@b.example', 'smtp://h')$$), 'IB001 company 0 does not exist', 'unknown company');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), NULL, 'smtp://h')$$), '22004 from_address is NULL', 'no sender');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), E'a@b.example\r\nX: y', 'smtp://h')$$),
    '22P02 invalid e-mail address "a@b.example\x0d\x0aX: y": it contains a line break', 'a sender with CR LF');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_mail_account(pg_temp.id(''acme''), ''a@b.example'', %L)', url)),
    format('22023 smtp_url %s is not an SMTP URL', quote_literal(url)), 'smtp_url ' || what)
FROM (VALUES ('', 'empty'), ('mail.acme.example', 'without a scheme'), ('imap://h', 'of another protocol'),
    ('http://h', 'of the web'), ('smtp://user:pass@h', 'with a password in it'), ('smtp://', 'without a host'),
    (E'smtp://h\r\nDATA', 'with a line break'), ('smtp://h name', 'with a blank'),
    ('smtp://h:65536', 'with a port that is none'), ('smtps://[::1]:99999?starttls=always', 'with a port that is none, and more')) t (url, what);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_mail_account(pg_temp.id(''acme''), ''a@b.example'', ''smtp://h'', ''u'', ''p'', imap_url => %L)', url)),
    format('22023 imap_url %s is not an IMAP URL', quote_nullable(url)), 'imap_url ' || what)
FROM (VALUES ('', 'empty'), ('smtp://h', 'of another protocol'), ('imap://u:p@h', 'with a password in it'),
    (E'imap://h\n', 'with a line break'),
    ('imaps://h:99999999999', 'with a port that is none')) t (url, what);
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
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', NULL)$$),
    '22023 smtp_url and imap_url are both NULL', 'an account for nothing');
SELECT is(pg_temp.refusal(format($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'a@b.example', NULL, 'u', 'p', NULL, 'imap://h', %s)$$, arguments)),
    refusal, what)
FROM (VALUES ($$E'a\x01b'$$, E'22023 mailbox ''a\x01b'' has a control character', 'a mailbox with a control character'),
    ($$repeat('x', 201)$$, '22023 mailbox has 201 characters', 'one with a long name'),
    ($$'A', 'burn'$$, '22023 after_fetch ''burn'' is unknown', 'an unknown after_fetch'),
    ($$'A', NULL$$, '22023 after_fetch NULL is unknown', 'after_fetch NULL'),
    ($$'A', 'MOVE', 'B'$$, '22023 after_fetch ''MOVE'' is unknown', 'after_fetch in capitals'),
    ($$'A', 'move'$$, '22023 archive_mailbox is NULL but after_fetch is move', 'a move to nowhere'),
    ($$'A', 'move', ''$$, '22023 archive_mailbox is empty', 'a move to no name'),
    ($$'A', 'move', E'B\tC'$$, E'22023 archive_mailbox ''B\tC'' has a control character', 'a move to what is no name'),
    ($$'A', 'move', ' A '$$, '22023 archive_mailbox '' A '' is the mailbox that is read', 'a move to where it is'),
    ($$'INBOX', 'move', 'Inbox'$$, '22023 archive_mailbox ''Inbox'' is the mailbox that is read', 'INBOX in other letters')) t (arguments, refusal, what);
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

-- an account that only reads
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'reads@acme.example', NULL, 'u', 'p', imap_url => 'imap://h',
    after_fetch => 'move', archive_mailbox => ' Done ')$$, 'an account that only reads');
SELECT is(ar_inbox_internal.sending_account(pg_temp.id('acme')), pg_temp.account('billing@acme.example'), 'does not send');
SELECT is(concat_ws('|', coalesce(smtp_url, '-'), after_fetch, archive_mailbox, plus_addressing, poll_state), '-|move|Done|f|waiting', 'as it stands')
FROM ar_inbox.mail_accounts WHERE id = pg_temp.account('reads@acme.example');
SELECT is((SELECT plus_addressing FROM ar_inbox.mail_accounts WHERE from_address = 'billing@acme.example'), true,
    'with an inbox address, plus-addresses are taken to work');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@acme.example', 'smtp://h', inbox_address => 'inbox@acme.example',
    plus_addressing => false)$$, 'unless it is said that they do not');
SELECT is((SELECT plus_addressing FROM ar_inbox.mail_accounts WHERE from_address = 'billing@acme.example'), false, 'then they do not');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'leaves@other.example', 'smtp://h')$$, 'an account of another company');
SELECT ar_inbox.send_email(pg_temp.id('other'), ARRAY['pay@client.example']::ar_inbox.email_address[], 'Hello', 'Hello') IS NOT NULL;
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'leaves@other.example', NULL, 'u', 'p', imap_url => 'imap://h')$$),
    'IB002 smtp_url is NULL but 1 message is waiting to leave from leaves@other.example', 'keeps its smtp_url while a message is to leave by it');
UPDATE ar_inbox.deliveries SET state = 'cancelled', reason = 'taken back', finished_at = now(), next_attempt_at = NULL WHERE company_id = pg_temp.id('other');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'leaves@other.example', NULL, 'u', 'p', imap_url => 'imap://h')$$,
    'and can give it up then');
SELECT throws_ok($$UPDATE ar_inbox.mail_accounts SET imap_url = NULL, next_poll_at = NULL WHERE id = pg_temp.account('leaves@other.example')$$,
    '23514', NULL, 'an account for nothing is no row');
UPDATE ar_inbox.mail_accounts SET next_poll_at = NULL WHERE id = pg_temp.account('leaves@other.example');

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
    SELECT concat_ws('|', imap_url, username, password, mailbox, uid_validity, last_uid)
    FROM ar_inbox_internal.accounts_to_poll(at, busy) p WHERE p.company_id = pg_temp.id('other')
$$;
SELECT results_eq('SELECT pg_temp.to_poll(now())', ARRAY['imap://h:143|reader|pw|INBOX|0|0'], 'its turn is now');
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

-- several at once
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'more@other.example', NULL, 'more', 'pw', imap_url => 'imap://h:143',
    after_fetch => 'flag')$$, 'another mailbox of the company');
CREATE FUNCTION pg_temp.waiting(most integer DEFAULT 100, healthy boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(username || ' ' || after_fetch, ', ') FROM ar_inbox_internal.accounts_to_poll(now(), '{}', most, healthy) p
    WHERE p.company_id = pg_temp.id('other')
$$;
UPDATE ar_inbox.mail_accounts SET next_poll_at = now() - interval '1 minute', poll_failures = 1 WHERE from_address = 'read@other.example';
UPDATE ar_inbox.mail_accounts SET next_poll_at = NULL WHERE company_id = pg_temp.id('acme');
SELECT is(pg_temp.waiting(), 'reader leave, more flag', 'the one that waits longest is first');
SELECT is(pg_temp.waiting(1), 'reader leave', 'as many as there is room for');
SELECT is(pg_temp.waiting(healthy => true), 'more flag', 'when there is little, not those that failed');

-- what the worker writes down while it reads
CREATE FUNCTION pg_temp.more() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', poll_state, next_poll_at - now(), coalesce(uid_validity::text, '-'), last_uid, unsettled_uids,
        coalesce(poll_error, '-'), coalesce(poll_warning, '-'))
    FROM ar_inbox.mail_accounts WHERE from_address = 'more@other.example'
$$;
CREATE FUNCTION pg_temp.hold(validity bigint, uids bigint[], later interval DEFAULT '0') RETURNS boolean LANGUAGE sql AS $$
    SELECT ar_inbox_internal.hold_mailbox(a.id, a.company_id, a.changed_at + later, validity, uids)
    FROM ar_inbox.mail_accounts a WHERE a.from_address = 'more@other.example'
$$;
CREATE FUNCTION pg_temp.record(error text DEFAULT NULL, warning text DEFAULT NULL, idle_for interval DEFAULT NULL, later interval DEFAULT '0')
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox_internal.record_poll(a.id, a.company_id, now(), '1 minute', error, warning, idle_for, a.changed_at + later)
    FROM ar_inbox.mail_accounts a WHERE a.from_address = 'more@other.example';
    RETURN pg_temp.more();
END
$$;
SELECT is(pg_temp.hold(7, '{1,2}'), true, 'a first batch');
SELECT is(pg_temp.more(), 'waiting|00:00:00|7|0|{1,2}|-|-', 'the mailbox counts under this UIDVALIDITY, two are to be flagged');
SELECT ar_inbox_internal.store_fetched(a.id, a.company_id, 'INBOX', 7, 2, 5, 'Hello', NULL) FROM ar_inbox.mail_accounts a
WHERE a.from_address = 'more@other.example';
SELECT is(pg_temp.record('cut off'), 'waiting|00:01:00|7|2|{1,2}|cut off|-', 'what failed leaves them to be flagged');
SELECT is(pg_temp.hold(7, '{3}'), true, 'the next batch');
SELECT is(pg_temp.more(), 'waiting|00:01:00|7|2|{3}|cut off|-', 'is asked for when they are flagged');
SELECT is(pg_temp.hold(7, '{4}', '1 second'), false, 'other settings by now: nothing may be stored');
SELECT is(pg_temp.more(), 'waiting|00:01:00|7|2|{3}|cut off|-', 'and nothing is written');
SELECT is(pg_temp.record(warning => 'no room', idle_for => '29 minutes'), 'idle|00:29:00|7|2|{}|-|no room', 'all read, it waits for news');
SELECT is(pg_temp.record(idle_for => '29 minutes'), 'idle|00:29:00|7|2|{}|-|no room', 'nothing was to be moved: the warning stays');
SELECT is(pg_temp.record(idle_for => '29 minutes', later => '1 second'), 'idle|00:29:00|7|2|{}|-|no room', 'other settings by now: nothing is written');
SELECT is(pg_temp.record(warning => ''), 'waiting|00:01:00|7|2|{}|-|-', 'something was moved: it goes');
SELECT is(pg_temp.hold(8, '{}'), true, 'another UIDVALIDITY');
SELECT is(pg_temp.more(), 'waiting|00:01:00|8|0|{}|-|-', 'counts anew');
SELECT matches(pg_temp.record(idle_for => '29 minutes'), '^idle', 'idle');
SELECT ar_inbox_internal.forget_idle(now());
SELECT is(pg_temp.more(), 'waiting|00:00:00|8|0|{}|-|-', 'a new worker, which has no connection, reads it at once');
SELECT is_empty($$SELECT * FROM ar_inbox.mail_accounts a, ar_inbox_internal.changed_accounts(ARRAY[a.id], ARRAY[a.changed_at])
    WHERE a.from_address = 'more@other.example'$$, 'its settings are those');
SELECT is((SELECT array_agg(c.account_id ORDER BY c.account_id DESC) FROM ar_inbox.mail_accounts a,
    ar_inbox_internal.changed_accounts(ARRAY[a.id, 0], ARRAY[a.changed_at - interval '1 second', now()]) c WHERE a.from_address = 'more@other.example'),
    ARRAY[pg_temp.account('more@other.example'), 0], 'changed, and gone');
SELECT pg_temp.hold(8, '{5}');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'more@other.example', NULL, 'more', 'new', imap_url => 'imap://h:143',
    after_fetch => 'move', archive_mailbox => 'Done')$$, 'moved from now on');
SELECT is(pg_temp.more(), 'waiting|00:00:00|8|0|{5}|-|-', 'so is what was still to be flagged');
SELECT lives_ok($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'more@other.example', NULL, 'more', 'new', imap_url => 'imap://h:143')$$,
    'left as it is from now on');
SELECT is(pg_temp.more(), 'waiting|00:00:00|8|0|{}|-|-', 'so is that');

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

-- taken away
CALL pg_temp.keep('gone', ar_inbox.create_company('Gone'));
CREATE FUNCTION pg_temp.set_again() RETURNS void LANGUAGE sql AS $$
    SELECT ar_inbox.set_mail_account(pg_temp.id('gone'), 'billing@gone.example', 'smtp://h', 'u', 'p', 'inbox@gone.example', 'imap://h')
$$;
CREATE FUNCTION pg_temp.removal(address text DEFAULT 'billing@gone.example') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refusal(format('SELECT ar_inbox.remove_mail_account(pg_temp.id(''gone''), %L)', address))
$$;
CREATE FUNCTION pg_temp.lands(identifier text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint := ar_inbox.receive_email(convert_to(format(E'From: jo@client.example\r\nTo: inbox+x@gone.example\r\nMessage-ID: <%s@client.example>\r\n\r\nHello\r\n', identifier), 'UTF8'));
BEGIN
    RETURN coalesce((SELECT c.name FROM ar_inbox.emails e JOIN ar_inbox.companies c ON c.id = e.company_id WHERE e.id = mail), 'quarantine');
END
$$;
CREATE FUNCTION pg_temp.gone() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', a.id = pg_temp.id('gone account'), a.removed_at IS NOT NULL, a.next_poll_at IS NOT NULL, a.poll_state, coalesce(a.poll_error, '-'),
        coalesce(pg_temp.secret('billing@gone.example'), '-'), a.last_uid, ar_inbox_internal.sending_account(a.company_id) = a.id)
    FROM ar_inbox.mail_accounts a WHERE a.from_address = 'billing@gone.example'
$$;
CREATE TEMP TABLE versions (version timestamptz);
DO $$ BEGIN
    PERFORM pg_temp.set_again();
    CALL pg_temp.keep('gone account', pg_temp.account('billing@gone.example'));
    PERFORM ar_inbox_internal.hold_mailbox(a.id, a.company_id, a.changed_at, 7, '{}'), ar_inbox_internal.store_fetched(a.id, a.company_id, 'INBOX', 7, 5, 5, 'Hello', NULL)
    FROM ar_inbox.mail_accounts a WHERE a.id = pg_temp.id('gone account');
    INSERT INTO versions SELECT changed_at FROM ar_inbox.mail_accounts WHERE id = pg_temp.id('gone account');
    PERFORM ar_inbox.send_email(pg_temp.id('gone'), ARRAY['pay@client.example']::ar_inbox.email_address[], 'Hello', 'Hello');
END $$;
SELECT is(pg_temp.removal(), 'IB002 1 message is waiting to leave from billing@gone.example', 'an account by which a message is to leave stays');
UPDATE ar_inbox.deliveries SET state = 'handing_off', attempts = 1, next_attempt_at = NULL WHERE company_id = pg_temp.id('gone');
SELECT is(pg_temp.removal(), 'IB002 1 message is waiting to leave from billing@gone.example', 'also while it is on its way');
UPDATE ar_inbox.deliveries SET state = 'unknown' WHERE company_id = pg_temp.id('gone');
UPDATE ar_inbox.mail_accounts SET poll_state = 'idle', poll_error = 'x', send_error = 'y' WHERE id = pg_temp.id('gone account');
SELECT is(pg_temp.removal(), 'accepted', 'then it can be taken away');
SELECT is(pg_temp.gone(), 't|t|f|waiting|-|-|5', 'the row stays; it is not read, sends nothing and has no password');
SELECT is(ar_inbox_internal.hold_mailbox(pg_temp.id('gone account'), pg_temp.id('gone'), (SELECT version FROM versions), 7, '{}'), false, 'what is being fetched is not stored any more');
SELECT is(pg_temp.removal(), 'IB001 company ' || pg_temp.id('gone') || ' has no mail account billing@gone.example', 'once');
SELECT is(pg_temp.removal(NULL), 'IB001 company ' || pg_temp.id('gone') || ' has no mail account NULL', 'and by its address');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.send_email(pg_temp.id('gone'), ARRAY['pay@client.example']::ar_inbox.email_address[], 'Hello', 'Hello')$$),
    'IB005 company ' || pg_temp.id('gone') || ' has no mail account', 'without another one nothing can be sent');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.resolve_delivery(%s, true)', d.id)), format('IB002 delivery %s was to leave by a mail account that sends no more', d.id), 'nor sent again')
FROM ar_inbox.deliveries d WHERE d.company_id = pg_temp.id('gone');
SELECT is(pg_temp.lands('l1'), 'Gone', 'what comes to its inbox address by another way is the company''s');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.set_mail_account(pg_temp.id('other'), 'o@other.example', 'smtp://h', inbox_address => 'inbox@gone.example')$$),
    '23505 address inbox@gone.example belongs to another company', 'and the address no other company''s');
SELECT lives_ok($$SELECT ar_inbox.remove_company_address(pg_temp.id('gone'), 'inbox@gone.example')$$, 'until the address is taken away too');
SELECT is(pg_temp.lands('l2'), 'quarantine', 'then it is nobody''s');
SELECT lives_ok($$SELECT pg_temp.set_again()$$, 'set again');
SELECT is(pg_temp.gone(), 't|f|t|waiting|-|p|5|t', 'it is the same account, sends, and is read on from where it was');
SELECT is(pg_temp.lands('l3'), 'Gone', 'and its address is the company''s');
SELECT is((SELECT array_agg(action ORDER BY id) FROM ar_inbox.events WHERE subject = 'mail_account' AND subject_id = pg_temp.id('gone account')), ARRAY['set', 'removed', 'set'], 'all of it is written down');

SELECT finish();
ROLLBACK;
