\set ECHO none
-- Cadences, and what is taken and refused for a step.
\i test/lib/pgtap.sql
SELECT plan(71);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('ap', ar_inbox.create_contact_role(pg_temp.id('acme'), 'Accounts Payable'));
CALL pg_temp.keep('director', ar_inbox.create_contact_role(pg_temp.id('other'), 'Director'));

-- every kind of step
UPDATE ar_inbox.companies SET max_repeating_steps = 2 WHERE id = pg_temp.id('acme');
CALL pg_temp.keep('full', ar_inbox.create_cadence(pg_temp.id('acme'), ' Full ', '[
    {"trigger": "on_issue", "hour": 0, "channels": ["email"]},
    {"trigger": "after_issue", "days": 5, "hour": 23, "channels": ["email", "email"]},
    {"trigger": "before_due", "days": 0, "hour": "7", "channels": ["email"], "role": "Accounts Payable"},
    {"trigger": "after_due", "days": 3650, "hour": 9, "channels": ["email"], "role": null},
    {"trigger": "on_date", "date": "2026-12-24", "hour": 9, "channels": ["email"]},
    {"trigger": "repeat", "days": 7, "repeats": 10, "hour": 9, "channels": ["email"]},
    {"trigger": "repeat", "days": 1, "repeats": 1, "hour": 9, "channels": ["email"]}]'));
UPDATE ar_inbox.companies SET max_repeating_steps = 1 WHERE id = pg_temp.id('acme');
SELECT results_eq($$SELECT concat_ws('|', step_number, trigger, coalesce(days::text, '-'), coalesce(on_date::text, '-'), hour, channels,
        coalesce((SELECT name FROM ar_inbox.contact_roles r WHERE r.id = s.contact_role_id), '-'), coalesce(repeats::text, '-'))
    FROM ar_inbox.cadence_steps s WHERE cadence_id = pg_temp.id('full') ORDER BY step_number$$,
    ARRAY['1|on_issue|-|-|0|{email}|-|-', '2|after_issue|5|-|23|{email}|-|-', '3|before_due|0|-|7|{email}|Accounts Payable|-',
        '4|after_due|3650|-|9|{email}|-|-', '5|on_date|-|2026-12-24|9|{email}|-|-', '6|repeat|7|-|9|{email}|-|10', '7|repeat|1|-|9|{email}|-|1'],
    'the six triggers; a channel given twice counts once');
SELECT is(concat_ws('|', name, is_default), 'Full|f', 'not the default by itself') FROM ar_inbox.cadences WHERE id = pg_temp.id('full');
SELECT results_eq($$SELECT * FROM jsonb_array_elements(ar_inbox_internal.cadence_as_json(pg_temp.id('acme'), pg_temp.id('full'))) LIMIT 3$$,
    ARRAY['{"hour": 0, "trigger": "on_issue", "channels": ["email"]}', '{"days": 5, "hour": 23, "trigger": "after_issue", "channels": ["email"]}',
        '{"days": 0, "hour": 7, "role": "Accounts Payable", "trigger": "before_due", "channels": ["email"]}']::jsonb[],
    'given back as it is given');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'cadence' AND subject_id = pg_temp.id('full')), 1::bigint,
    'it is written down');

-- the default
CALL pg_temp.keep('one', ar_inbox.create_cadence(pg_temp.id('acme'), 'One', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]', true));
CALL pg_temp.keep('two', ar_inbox.create_cadence(pg_temp.id('acme'), 'Two', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]', true));
SELECT results_eq($$SELECT name FROM ar_inbox.cadences WHERE company_id = pg_temp.id('acme') AND is_default$$, ARRAY['Two'], 'there is one default: the last');
CALL pg_temp.keep('three', ar_inbox.create_cadence(pg_temp.id('acme'), 'Three', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]', NULL));
SELECT results_eq($$SELECT name FROM ar_inbox.cadences WHERE company_id = pg_temp.id('acme') AND is_default$$, ARRAY['Two'], 'is_default NULL is no');
SELECT throws_ok(format('UPDATE ar_inbox.cadences SET is_default = true WHERE id = %s', pg_temp.id('one')), '23505', NULL, 'two defaults cannot be');

-- the cadence itself
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_cadence(0, 'X', '[]')$$), 'IB001 company 0 does not exist', 'unknown company');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_cadence(pg_temp.id('acme'), '', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]')$$),
    '22023 name is empty', 'no name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_cadence(pg_temp.id('acme'), ' Two ', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]')$$),
    '23505 cadence ''Two'' exists already', 'a name that is taken');
SELECT lives_ok($$SELECT ar_inbox.create_cadence(pg_temp.id('other'), 'Two', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]')$$,
    'but not by another company');

CREATE FUNCTION pg_temp.steps_refused(steps jsonb, name text DEFAULT 'X') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refusal(format('SELECT ar_inbox.create_cadence(%s, %L, %L)', pg_temp.id('acme'), name, steps))
$$;
CREATE FUNCTION pg_temp.step_refused(step jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.steps_refused(jsonb_build_array('{"trigger": "on_issue", "hour": 9, "channels": ["email"]}'::jsonb, step))
$$;
SELECT is(pg_temp.steps_refused(NULL), '22023 steps is NULL', 'steps NULL');
SELECT is(pg_temp.steps_refused('[]'), '22023 steps is an empty array', 'no steps');
SELECT is(pg_temp.steps_refused('{"trigger": "on_issue"}'), '22023 steps is not an array but object', 'one step that is not in an array');
SELECT is(pg_temp.step_refused(step), '22023 step 2 ' || message, 'step: ' || message)
FROM (VALUES
    ('7'::jsonb, 'is not an object'),
    ('["email"]', 'is not an object'),
    ('{"trigger": "on_issue", "hour": 9, "channels": ["email"], "when": 1}', 'does not know when'),
    ('{"Trigger": "on_issue", "days ": 1, "hour": 9, "channels": ["email"]}', 'does not know days , Trigger'),
    ('{}', 'has no "trigger"'),
    ('{"trigger": null, "hour": 9, "channels": ["email"]}', 'has no "trigger"'),
    ('{"trigger": "someday", "hour": 9, "channels": ["email"]}', 'has trigger "someday"'),
    ('{"trigger": ["on_issue"], "hour": 9, "channels": ["email"]}', 'has trigger ["on_issue"]'),
    ('{"trigger": "on_issue", "channels": ["email"]}', 'has no "hour"'),
    ('{"trigger": "on_issue", "hour": 24, "channels": ["email"]}', 'has hour 24'),
    ('{"trigger": "on_issue", "hour": -1, "channels": ["email"]}', 'has hour -1'),
    ('{"trigger": "on_issue", "hour": 9.5, "channels": ["email"]}', 'has hour 9.5'),
    ('{"trigger": "on_issue", "hour": null, "channels": ["email"]}', 'has no "hour"'),
    ('{"trigger": "on_issue", "hour": "noon", "channels": ["email"]}', 'has hour "noon"'),
    ('{"trigger": "on_issue", "hour": 9}', 'has no "channels"'),
    ('{"trigger": "on_issue", "hour": 9, "channels": []}', 'has channels []'),
    ('{"trigger": "on_issue", "hour": 9, "channels": "email"}', 'has channels "email"'),
    ('{"trigger": "on_issue", "hour": 9, "channels": ["pigeon"]}', 'has channel pigeon'),
    ('{"trigger": "on_issue", "hour": 9, "channels": [null]}', 'has channel null'),
    ('{"trigger": "after_issue", "hour": 9, "channels": ["email"]}', 'has no "days"'),
    ('{"trigger": "before_due", "hour": 9, "channels": ["email"], "days": null}', 'has no "days"'),
    ('{"trigger": "after_due", "hour": 9, "channels": ["email"], "days": -1}', 'has days -1'),
    ('{"trigger": "after_due", "hour": 9, "channels": ["email"], "days": 1.5}', 'has days 1.5'),
    ('{"trigger": "after_due", "hour": 9, "channels": ["email"], "days": "3 days"}', 'has days "3 days"'),
    ('{"trigger": "after_due", "hour": 9, "channels": ["email"], "days": 3651}', 'has days 3651'),
    ('{"trigger": "after_due", "hour": 9, "channels": ["email"], "days": 99999}', 'has days 99999'),
    ('{"trigger": "repeat", "hour": 9, "channels": ["email"], "repeats": 2}', 'has no "days"'),
    ('{"trigger": "repeat", "hour": 9, "channels": ["email"], "days": 0, "repeats": 2}', 'has days 0'),
    ('{"trigger": "on_issue", "hour": 9, "channels": ["email"], "days": 1}', 'has "days", which trigger on_issue does not take'),
    ('{"trigger": "on_issue", "hour": 9, "channels": ["email"], "days": "soon"}', 'has "days", which trigger on_issue does not take'),
    ('{"trigger": "on_date", "date": "2026-01-31", "hour": 9, "channels": ["email"], "days": 99999999999}', 'has "days", which trigger on_date does not take'),
    ('{"trigger": "on_date", "date": "2026-01-31", "hour": 9, "channels": ["email"], "days": 1}', 'has "days", which trigger on_date does not take'),
    ('{"trigger": "on_date", "hour": 9, "channels": ["email"]}', 'has no "date"'),
    ('{"trigger": "on_date", "date": "tomorrow", "hour": 9, "channels": ["email"]}', 'has date "tomorrow"'),
    ('{"trigger": "on_date", "date": "31.01.2026", "hour": 9, "channels": ["email"]}', 'has date "31.01.2026"'),
    ('{"trigger": "on_date", "date": "2026-02-30", "hour": 9, "channels": ["email"]}', 'has date 2026-02-30, which is not in the calendar'),
    ('{"trigger": "on_date", "date": "2026-13-01", "hour": 9, "channels": ["email"]}', 'has date 2026-13-01, which is not in the calendar'),
    ('{"trigger": "on_date", "date": "0000-01-01", "hour": 9, "channels": ["email"]}', 'has date 0000-01-01, which is not in the calendar'),
    ('{"trigger": "after_due", "days": 1, "date": "2026-01-31", "hour": 9, "channels": ["email"]}', 'has "date", which trigger after_due does not take'),
    ('{"trigger": "repeat", "days": 7, "hour": 9, "channels": ["email"]}', 'has no "repeats"'),
    ('{"trigger": "repeat", "days": 7, "repeats": 0, "hour": 9, "channels": ["email"]}', 'has repeats 0'),
    ('{"trigger": "repeat", "days": 7, "repeats": "often", "hour": 9, "channels": ["email"]}', 'has repeats "often"'),
    ('{"trigger": "after_due", "days": 7, "repeats": 2, "hour": 9, "channels": ["email"]}', 'has "repeats", which trigger after_due does not take'),
    ('{"trigger": "on_issue", "hour": 9, "channels": ["email"], "role": 5}', 'has role 5')) t (step, message);
SELECT lives_ok($$SELECT ar_inbox.create_cadence(pg_temp.id('acme'), 'Channels',
    '[{"trigger": "on_issue", "hour": 8, "channels": ["email", "letter", "sms"]}, {"trigger": "on_issue", "hour": 20, "channels": ["sms"]}, {"trigger": "on_issue", "hour": 0, "channels": ["letter"]}]')$$,
    'the three channels');
SELECT lives_ok($$SELECT ar_inbox.delete_cadence(id) FROM ar_inbox.cadences WHERE company_id = pg_temp.id('acme') AND name = 'Channels'$$, 'delete_cadence');
SELECT is(pg_temp.step_refused('{"trigger": "on_issue", "hour": 7, "channels": ["email", "sms"]}'),
    'IB003 step 2 would text at hour 7, outside 8 to 21 (sms_from_hour, sms_to_hour)', 'a text message before its hours');
SELECT is(pg_temp.step_refused('{"trigger": "on_issue", "hour": 21, "channels": ["sms"]}'),
    'IB003 step 2 would text at hour 21, outside 8 to 21 (sms_from_hour, sms_to_hour)', 'and after them');
SELECT is(pg_temp.step_refused('{"trigger": "on_issue", "hour": 9, "channels": ["email"], "role": "Director"}'),
    format('IB001 contact role ''Director'' does not exist in company %s', pg_temp.id('acme')), 'another company''s contact role');

-- the limits
SELECT is(pg_temp.steps_refused((SELECT jsonb_agg('{"trigger": "on_issue", "hour": 9, "channels": ["email"]}'::jsonb) FROM generate_series(1, 21))),
    'IB003 21 steps are more than the limit of 20 (max_steps)', '21 steps');
SELECT is(pg_temp.steps_refused('[{"trigger": "repeat", "days": 7, "repeats": 11, "hour": 9, "channels": ["email"]}]'),
    'IB003 step 1 repeats 11 times, more than the limit of 10 (max_repeats)', '11 repeats');
SELECT is(pg_temp.steps_refused('[{"trigger": "repeat", "days": 7, "repeats": 1, "hour": 9, "channels": ["email"]},
        {"trigger": "repeat", "days": 8, "repeats": 1, "hour": 9, "channels": ["email"]}]'),
    'IB003 2 repeating steps are more than the limit of 1 (max_repeating_steps)', '2 repeating steps');
SELECT is((SELECT count(*) FROM ar_inbox.cadences WHERE company_id = pg_temp.id('acme')), 4::bigint, 'what was refused left nothing behind');
SELECT is(pg_temp.steps_refused((SELECT jsonb_agg('{"trigger": "on_issue", "hour": 9, "channels": ["email"]}'::jsonb) FROM generate_series(1, 20))),
    'accepted', '20 steps');
SELECT is((SELECT string_agg(DISTINCT pg_temp.refusal(format('SELECT ar_inbox.create_cadence(%s, %L, %L)', pg_temp.id('acme'), 'C ' || n,
        '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]')), ',') FROM generate_series(6, 100) n), 'accepted', 'a hundred cadences');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_cadence(pg_temp.id('acme'), 'Y', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}]')$$),
    format('IB003 company %s has its limit of 100 cadences (max_cadences)', pg_temp.id('acme')), 'one more');
UPDATE ar_inbox.companies SET max_steps = 1, max_cadences = 101 WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.steps_refused('[{"trigger": "on_issue", "hour": 9, "channels": ["email"]}, {"trigger": "on_issue", "hour": 10, "channels": ["email"]}]', 'Z'),
    'IB003 2 steps are more than the limit of 1 (max_steps)', 'a limit of the company''s own');

SELECT finish();
ROLLBACK;
