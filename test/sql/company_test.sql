\set ECHO none
-- Companies, their members and settings, arming, and the record of events.
\i test/lib/pgtap.sql
SELECT plan(128);

CREATE ROLE ar_test_alice LOGIN;
CREATE ROLE ar_test_bob LOGIN;
CREATE ROLE ar_test_stranger LOGIN;

-- create_company
CALL pg_temp.keep('acme', ar_inbox.create_company('  Acme Ltd ', 'Europe/Berlin', 'EUR', 'de'));
CALL pg_temp.keep('plain', ar_inbox.create_company('Plain'));
SELECT is(concat_ws('|', name, time_zone, currency, language), 'Acme Ltd|Europe/Berlin|EUR|de',
    'a company as it was given, without blanks around its name')
FROM ar_inbox.companies WHERE id = pg_temp.id('acme');
SELECT is(concat_ws('|', name, time_zone, currency, language), 'Plain|UTC|USD|en', 'and with the defaults')
FROM ar_inbox.companies WHERE id = pg_temp.id('plain');
SELECT is(concat_ws('|', automatic_mail_opens_threads, retry_limit, resend_in_doubt, max_cadences, max_steps,
        max_repeating_steps, max_repeats, max_sends_per_day), 't|24:00:00|t|100|20|1|10|3', 'the limits'' defaults')
FROM ar_inbox.companies WHERE id = pg_temp.id('plain');
SELECT is(concat_ws('|', actor, subject, action), current_user || '|company|created', 'it is written down who made it')
FROM ar_inbox.events WHERE company_id = pg_temp.id('plain') AND subject_id = pg_temp.id('plain');

SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', 'Mars/Olympus')$$),
    '22023 time zone ''Mars/Olympus'' is not known', 'an impossible time zone');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', '')$$), '22023 time zone '''' is not known', 'no time zone');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', NULL)$$), '22023 time zone NULL is not known', 'time zone NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', 'UTC+3')$$), '22023 time zone ''UTC+3'' is not known',
    'a POSIX rule is not the name of a time zone');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', currency => 'usd')$$),
    '22023 currency ''usd'' is not known', 'a currency in lower case');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', currency => 'ABC')$$),
    '22023 currency ''ABC'' is not known', 'an impossible currency');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', currency => NULL)$$),
    '22023 currency NULL is not known', 'currency NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', language => 'English!')$$),
    '22023 language ''English!'' has not the form of a language tag', 'an impossible language');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('X', language => NULL)$$),
    '22023 language NULL has not the form of a language tag', 'language NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company(NULL)$$), '22023 name is empty', 'name NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company('  ')$$), '22023 name is empty', 'a name of blanks');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company(E'A\rB')$$), E'22023 name ''A\rB'' has more than one line',
    'a name that would break a header');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_company(E'A\nBcc: x@y')$$),
    E'22023 name ''A\nBcc: x@y'' has more than one line', 'and one that would add a header');

-- create_member
CALL pg_temp.keep('alice', ar_inbox.create_member(pg_temp.id('acme'), 'Alice', 'alice@acme.example', 'ar_test_alice'));
CALL pg_temp.keep('bob', ar_inbox.create_member(pg_temp.id('acme'), 'Bob', 'bob@acme.example', 'ar_test_bob', '{view}'));
CALL pg_temp.keep('carol', ar_inbox.create_member(pg_temp.id('acme'), 'Carol', 'carol@acme.example', permissions => '{view,send}'));
SELECT is(concat_ws('|', name, email, role, permissions), 'Alice|alice@acme.example|ar_test_alice|{view,send,manage}',
    'a member with every permission')
FROM ar_inbox.members WHERE id = pg_temp.id('alice');
SELECT is(concat_ws('|', name, email, coalesce(role, '-'), permissions), 'Carol|carol@acme.example|-|{view,send}',
    'a member without a role, with some permissions')
FROM ar_inbox.members WHERE id = pg_temp.id('carol');
SELECT ok(pg_has_role('ar_test_alice', 'ar_inbox_staff', 'member'), 'the role is granted ar_inbox_staff');
SELECT ok(NOT pg_has_role('ar_test_stranger', 'ar_inbox_staff', 'member'), 'a role that is no member''s is not');
SELECT lives_ok($$SELECT ar_inbox.create_member(pg_temp.id('plain'), 'Alice', 'alice@acme.example', 'ar_test_alice')$$,
    'the same person may be a member of another company');
SELECT is(after, '{"role": "ar_test_bob", "permissions": ["view"]}'::jsonb, 'it is written down what was granted')
FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'member' AND subject_id = pg_temp.id('bob');

SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(0, 'X', 'x@acme.example')$$),
    'IB001 company 0 does not exist', 'unknown company');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(NULL, 'X', 'x@acme.example')$$),
    'IB001 company NULL does not exist', 'company NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), '', 'x@acme.example')$$),
    '22023 name is empty', 'no name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', NULL)$$),
    '22004 email is NULL', 'no address');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', E'x@acme.example\r\nBcc: y@z')$$),
    '22P02 invalid e-mail address "x@acme.example\x0d\x0aBcc: y@z": it contains a line break', 'an address with CR LF');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', 'ar_test_nobody')$$),
    '42704 role "ar_test_nobody" does not exist', 'a database role that does not exist');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', 'ar_inbox_staff')$$),
    '22023 role "ar_inbox_staff" cannot be a person''s', 'a role of ours');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', 'pg_monitor')$$),
    '22023 role "pg_monitor" cannot be a person''s', 'a role of PostgreSQL''s');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', permissions => '{view,fly}')$$),
    '22023 permissions ''{view,fly}'' cannot be', 'an unknown permission');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', permissions => '{}')$$),
    '22023 permissions ''{}'' cannot be', 'no permission');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', permissions => NULL)$$),
    '22023 permissions NULL cannot be', 'permissions NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', permissions => '{view,NULL}')$$),
    '22023 permissions ''{view,NULL}'' cannot be', 'a permission that is NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'ALICE@Acme.example')$$),
    format('23505 company %s has a member with the e-mail ALICE@acme.example already', pg_temp.id('acme')),
    'an address that another member has, in other letters');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', 'ar_test_alice')$$),
    format('23505 company %s has a member with the role "ar_test_alice" already', pg_temp.id('acme')),
    'a role that another member has');
SELECT is((SELECT count(*) FROM ar_inbox.members WHERE company_id = pg_temp.id('acme')), 3::bigint,
    'what was refused left nothing behind');

-- the settings
SELECT throws_ok(format('UPDATE ar_inbox.companies SET %s WHERE id = %s', setting, pg_temp.id('plain')), '23514', NULL,
    setting || ' is refused')
FROM unnest(ARRAY['max_steps = 0', 'max_cadences = 0', 'max_repeats = 0', 'max_repeating_steps = -1',
    'max_sends_per_day = 0', 'max_message_size = 0', 'retry_limit = ''0''', 'time_zone = ''Nowhere''',
    'currency = ''usd''', 'language = ''!''', 'name = '' ''', 'next_invoice_number = 0']) setting;

-- change_settings
SELECT lives_ok($$SELECT ar_inbox.change_settings(pg_temp.id('plain'), '{"max_sends_per_day": 1, "retry_limit": "1 hour", "resend_in_doubt": false}')$$, 'change_settings');
SELECT is(concat_ws('|', name, max_sends_per_day, retry_limit, resend_in_doubt, max_steps), 'Plain|1|01:00:00|f|20', 'what is named changes, the rest stays')
FROM ar_inbox.companies WHERE id = pg_temp.id('plain');
SELECT is(concat_ws('|', before -> 'max_sends_per_day', after -> 'max_sends_per_day'), '3|1', 'written down with the values before and after')
FROM ar_inbox.events WHERE company_id = pg_temp.id('plain') AND action = 'settings changed';
SELECT is(pg_temp.refusal($$SELECT ar_inbox.change_settings(pg_temp.id('plain'), '{"max_sends": 1, "id": 7}')$$), '22023 no setting is called id, max_sends', 'unknown settings');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.change_settings(pg_temp.id('plain'), '[]')$$), '22023 settings is not an object', 'settings that are no object');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.change_settings(pg_temp.id('plain'), NULL)$$), '22023 settings is not an object', 'settings NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.change_settings(0, '{}')$$), 'IB001 company 0 does not exist', 'settings of no company');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_settings(pg_temp.id(''plain''), %L)', settings)), '22023 the settings cannot be ' || settings, 'a value that cannot be: ' || settings)
FROM unnest(ARRAY['{"max_steps": 0}', '{"max_steps": null}', '{"max_steps": "many"}', '{"max_steps": 99999999999}', '{"retry_limit": "-01:00:00"}', '{"retry_limit": "1000000 years"}', '{"catch_up_window": "1000000 years"}', '{"retry_limit": "soon"}', '{"name": " "}']) settings;

SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_settings(pg_temp.id(''plain''), %L)', settings)), '22023 the settings cannot be ' || wrong, 'which cannot be: ' || settings)
FROM (VALUES ('{"trusted_hosts": ["mx.acme.test"], "undo_grace": "2 days", "max_steps": 5}', '{"undo_grace": "2 days"}'), ('{"max_steps": "many", "undo_grace": "1 minute"}', '{"max_steps": "many"}'),
    ('{"max_steps": null, "max_cadences": 3}', '{"max_steps": null}'), ('{"sms_from_hour": 20, "sms_to_hour": 19, "max_steps": 5}', '{"sms_to_hour": 19, "sms_from_hour": 20}'),
    ('{"name": "Plain", "max_message_size": 99999999999}', '{"max_message_size": 99999999999}')) c (settings, wrong);

SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_settings(pg_temp.id(''plain''), %L)', settings)), '22023 the settings cannot be ' || settings, 'no names of hosts: ' || settings)
FROM unnest(ARRAY['{"trusted_hosts": [null]}', '{"trusted_hosts": ["mx.acme.test", null]}', '{"trusted_hosts": [""]}', '{"trusted_hosts": ["a b"]}', '{"trusted_hosts": ["a;b"]}', '{"trusted_hosts": ["mx1.acme.test,mx2.acme.test"]}', '{"trusted_hosts": ["<mx.acme.test>"]}', '{"trusted_hosts": ["."]}', '{"trusted_hosts": [["mx.acme.test"]]}']) settings;
SELECT lives_ok(format('SELECT ar_inbox.change_settings(pg_temp.id(''plain''), %L)', settings), 'names of hosts: ' || settings)
FROM unnest(ARRAY['{"trusted_hosts": ["mx.acme.test", "münchen.example"]}', '{"trusted_hosts": []}']) settings;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_settings(pg_temp.id(''plain''), %L)', settings)), '22023 a number of ' || fault || ' has no unit', 'seconds by mistake: ' || settings)
FROM (VALUES ('{"retry_limit": 24}', 'retry_limit: 24'), ('{"undo_grace": "30"}', 'undo_grace: 30'), ('{"catch_up_window": " 1.5 "}', 'catch_up_window:  1.5 '),
    ('{"retry_limit": "@ 24"}', 'retry_limit: @ 24'), ('{"retry_limit": [24]}', 'retry_limit: [24]'), ('{"retry_limit": "1 day 12"}', 'retry_limit: 1 day 12')) c (settings, fault);
SELECT lives_ok(format('SELECT ar_inbox.change_settings(pg_temp.id(''plain''), %L)', settings), 'nothing needs no unit: ' || settings)
FROM unnest(ARRAY['{"undo_grace": 0}', '{"catch_up_window": "0"}', '{"undo_grace": "00:00:30"}', '{"retry_limit": "1 day 12:00"}', '{"retry_limit": "PT24H"}', '{"catch_up_window": "0-1"}']) settings;

-- change_member
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_member(pg_temp.id('acme'), 'X', 'x@acme.example', permissions => '{send,manage}')$$),
    '22023 permissions ''{send,manage}'' cannot be', 'who cannot view can do nothing else');
SELECT lives_ok($$SELECT ar_inbox.change_member(pg_temp.id('carol'), '{view}')$$, 'change_member');
SELECT is(concat_ws('|', permissions, removed_at IS NULL), '{view}|t', 'has other permissions') FROM ar_inbox.members WHERE id = pg_temp.id('carol');
SELECT lives_ok($$SELECT ar_inbox.change_member(pg_temp.id('carol'), removed => true)$$, 'is removed');
SELECT is(concat_ws('|', permissions, removed_at = now()), '{view}|t', 'and stays for what she did') FROM ar_inbox.members WHERE id = pg_temp.id('carol');
SELECT lives_ok($$SELECT ar_inbox.change_member(pg_temp.id('carol'), removed => false)$$, 'comes back');
SELECT is(concat_ws('|', permissions, removed_at IS NULL), '{view}|t', 'as she was') FROM ar_inbox.members WHERE id = pg_temp.id('carol');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'member' AND subject_id = pg_temp.id('carol') AND action = 'changed'), 3::bigint, 'each is written down');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_member(pg_temp.id(''carol''), %L)', p)), format('22023 permissions %L cannot be', p), 'permissions ' || p) FROM unnest(ARRAY['{}', '{send}', '{view,fly}']) p;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_member(%s)', id)), format('IB001 member %s does not exist', id), 'member ' || id) FROM unnest(ARRAY['0', 'NULL']) id;

-- arm, disarm
SELECT is((SELECT count(*) FROM ar_inbox.armed), 0::bigint, 'nothing is armed by itself');
SELECT ok(NOT ar_inbox_internal.is_armed(), 'is_armed() at first');
SELECT lives_ok('SELECT ar_inbox.arm()', 'arm()');
SELECT ok(ar_inbox_internal.is_armed(), 'now it is');
SELECT lives_ok('SELECT ar_inbox.arm()', 'arm() again');
SELECT is((SELECT count(*) FROM ar_inbox.armed), 1::bigint, 'there is one row');
SELECT is((SELECT armed_by FROM ar_inbox.armed), current_user::name, 'which says who did it');
UPDATE ar_inbox.armed SET identity = 'another/1/host:/data';
SELECT ok(NOT ar_inbox_internal.is_armed(), 'a row of another server arms nothing');
SELECT lives_ok('SELECT ar_inbox.arm()', 'arm() on this one');
SELECT ok(ar_inbox_internal.is_armed(), 'counts for this one');
SELECT lives_ok('SELECT ar_inbox.disarm()', 'disarm()');
SELECT ok(NOT ar_inbox_internal.is_armed(), 'and it is no more');
SELECT lives_ok('SELECT ar_inbox.disarm()', 'disarm() again');
SELECT alike(ar_inbox_internal.server_identity(), '%/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/%',
    'the identity tells the database');

-- events are only added
SELECT ok(NOT has_table_privilege('ar_inbox_worker', 'ar_inbox.events', 'update')
        AND NOT has_table_privilege('ar_inbox_worker', 'ar_inbox.events', 'delete'), 'the worker cannot change an event');
SELECT ok(NOT has_table_privilege('ar_inbox_staff', 'ar_inbox.events', 'insert, update, delete'), 'nor staff');

-- not for members
-- pgTAP keeps its count in temporary tables, which the roles below write as well.
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE ar_test_alice;
SELECT throws_ok($$SELECT ar_inbox.create_company('X')$$, '42501', 'only an administrator can create a company',
    'a member cannot create a company');
SELECT throws_ok('SELECT ar_inbox.arm()', '42501', 'permission denied for function arm', 'nor arm');
SELECT throws_ok('SELECT ar_inbox.disarm()', '42501', 'permission denied for function disarm', 'nor disarm');
RESET ROLE;
SET LOCAL ROLE ar_test_bob;
SELECT throws_ok(format($$SELECT ar_inbox.create_member(%s, 'X', 'x@acme.example')$$, pg_temp.id('acme')), '42501',
    format('permission "manage" is needed in company %s', pg_temp.id('acme')), 'a member who may only view adds nobody');
SELECT throws_ok(format($$SELECT ar_inbox.create_member(%s, 'X', 'x@acme.example')$$, pg_temp.id('plain')), 'IB001',
    format('company %s does not exist', pg_temp.id('plain')), 'another company''s id reads like none');
RESET ROLE;

SELECT finish();
ROLLBACK;
