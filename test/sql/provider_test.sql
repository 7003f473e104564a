\set ECHO none
-- Text messages and letters: where they go, who sends them, what is asked of
-- a provider, what its answers and reports come to.
\i test/lib/pgtap.sql
-- an independent judge of signatures
CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA public;

SELECT plan(287);

-- Ids differ from run to run: no test is named by one.
CREATE FUNCTION pg_temp.named(message text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(message, 'company [0-9]+', 'the company') $$;
CALL pg_temp.keep('acme', ar_inbox.create_company('Acme', 'America/New_York'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
-- (one number has many texts here; the limit has a test of its own)
UPDATE ar_inbox.companies SET max_texts_per_number = 100 WHERE id = pg_temp.id('acme');
CREATE FUNCTION pg_temp.do(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;

-- ---- postal addresses and phone numbers ----

CREATE FUNCTION pg_temp.home(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT '{"line1": "12 High Street", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US"}'::jsonb || more
$$;
SELECT is(ar_inbox_internal.postal_address_fault(pg_temp.home()), NULL, 'a postal address');
SELECT is(ar_inbox_internal.postal_address_fault(NULL), NULL, 'none');
SELECT is(ar_inbox_internal.postal_address_fault(pg_temp.home('{"name": "Ann", "company": "Globex", "line2": "Floor 3"}')), NULL, 'with all its parts');
SELECT is(ar_inbox_internal.postal_address_fault('{"line1": "Rue 1", "city": "Paris", "country": "FR"}'), NULL, 'with as few as can be');
SELECT is(ar_inbox_internal.postal_address_fault(address::jsonb), fault, 'no postal address: ' || fault)
FROM (VALUES ('"12 High Street"', 'it is not an object'), ('[]', 'it is not an object'), ('null', 'it is not an object'),
    ('{"line1": "x", "city": "y"}', 'country is missing'), ('{"city": "y", "country": "US"}', 'line1 is missing'),
    ('{"line1": "x", "country": "US"}', 'city is missing'),
    ('{"line1": "x", "city": "y", "country": "us"}', 'country ''us'' is not known'), ('{"line1": "x", "city": "y", "country": "XX"}', 'country ''XX'' is not known'),
    ('{"line1": "x", "city": "y", "country": "US", "street": "z"}', 'it has no part ''street'''),
    ('{"line1": 12, "city": "y", "country": "US"}', 'line1 is not a text'), ('{"line1": null, "city": "y", "country": "US"}', 'line1 is not a text'),
    ('{"line1": " ", "city": "y", "country": "US"}', 'line1 is empty'),
    ('{"line1": "x\ny", "city": "y", "country": "US"}', 'line1 has more than one line or a control character'),
    ('{"line1": "' || repeat('x', 201) || '", "city": "y", "country": "US"}', 'line1 has more than 200 characters')) t (address, fault);
SELECT is(ar_inbox_internal.postal_address_line(pg_temp.home('{"name": "Ann", "line2": "Floor 3"}')), 'Ann, 12 High Street, Floor 3, Springfield IL 62701, US', 'in one line');
SELECT is((SELECT count(*) FROM generate_series(65, 90) a, generate_series(65, 90) b WHERE ar_inbox_internal.is_country(chr(a) || chr(b))), 249::bigint, 'ISO 3166-1 has 249 countries');
SELECT is(ar_inbox_internal.international_phone(phone), wanted, format('%s as +digits: %s', phone, coalesce(wanted, 'none')))
FROM (VALUES ('+1 555 010-0123', '+15550100123'), ('+49 (0)30 1234567', '+49301234567'), ('0044 20 7946 0958', '+442079460958'), ('+1 (555) 010-0123', '+15550100123'),
    ('555 0100', NULL), ('+0 555 010 0123', NULL), ('+1', NULL), ('+1234567890123456', NULL), ('', NULL)) t (phone, wanted);

CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', 'C-1', phone => '+1 555 010 0001', postal_address => pg_temp.home()));
CALL pg_temp.keep('bare', ar_inbox.create_customer(pg_temp.id('acme'), 'Bare'));
SELECT pg_temp.do(format('SELECT ar_inbox.create_contact_role(%s, %L)', pg_temp.id('acme'), role)) FROM unnest(ARRAY['Payables', 'Boss']) role;
CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann', phone => '+1 555 010 0002', role => 'Payables'));
CALL pg_temp.keep('bob', ar_inbox.create_contact(pg_temp.id('globex'), 'Bob', phone => '555 0003', is_primary => true, role => 'Boss', postal_address => pg_temp.home('{"line1": "1 Main Street"}')));
CALL pg_temp.keep('cid', ar_inbox.create_contact(pg_temp.id('globex'), 'Cid', phone => '001 555 010 0001', is_primary => true));
CREATE FUNCTION pg_temp.role(wanted text) RETURNS bigint LANGUAGE sql AS $$
    SELECT id FROM ar_inbox.contact_roles WHERE company_id = pg_temp.id('acme') AND name = wanted
$$;
SELECT is(ar_inbox_internal.customer_phones(pg_temp.id('acme'), pg_temp.id('globex'), NULL), ARRAY['+15550100001', '+15550100002'],
    'its own number, its contacts'', each once; none without a country code');
SELECT is(ar_inbox_internal.customer_phones(pg_temp.id('acme'), pg_temp.id('globex'), pg_temp.role('Payables')), ARRAY['+15550100002'], 'of those with a role');
SELECT is(ar_inbox_internal.customer_phones(pg_temp.id('acme'), pg_temp.id('globex'), pg_temp.role('Boss')), NULL, 'nobody with that role has one');
SELECT is(ar_inbox_internal.customer_phones(pg_temp.id('acme'), pg_temp.id('bare')), NULL, 'nobody at all');
SELECT is(ar_inbox_internal.customer_phones(pg_temp.id('other'), pg_temp.id('globex')), NULL, 'nor in another company');
SELECT is(ar_inbox_internal.customer_postal_address(pg_temp.id('acme'), pg_temp.id('globex')), pg_temp.home('{"name": "Globex"}'), 'a letter goes to the customer');
SELECT is(ar_inbox_internal.customer_postal_address(pg_temp.id('acme'), pg_temp.id('globex'), pg_temp.role('Payables')), pg_temp.home('{"name": "Ann", "company": "Globex"}'),
    'to somebody with a role at the customer''s address');
SELECT is(ar_inbox_internal.customer_postal_address(pg_temp.id('acme'), pg_temp.id('globex'), pg_temp.role('Boss')),
    pg_temp.home('{"name": "Bob", "company": "Globex", "line1": "1 Main Street"}'), 'or at an address of its own');
SELECT is(ar_inbox_internal.customer_postal_address(pg_temp.id('acme'), pg_temp.id('bare')), NULL, 'nowhere');

SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_customer(%s, %L)', pg_temp.id('bare'), changes)), wanted, 'change_customer(): ' || wanted)
FROM (VALUES ('[]', '22023 changes is not an object'), ('{"number": "7"}', '22023 there is no number to change'), ('{"phone": "call me"}', '22023 phone ''call me'' is not a phone number'),
    ('{"name": ""}', '22023 name is empty'), ('{"name": null}', '22023 name is empty'),
    ('{"postal_address": {"line1": "x"}}', '22023 postal_address cannot be: city is missing'), ('{"language": "?"}', '22023 the customer cannot become {"language": "?"}')) t (changes, wanted);
SELECT is(pg_temp.refusal('SELECT ar_inbox.change_customer(-1, ''{}'')'), 'IB001 customer -1 does not exist', 'no such customer');
SELECT lives_ok(format('SELECT ar_inbox.change_customer(%s, %L)', pg_temp.id('bare'), jsonb_build_object('name', 'Bare Ltd', 'email', 'bare@example.com', 'phone', '+1 555 010 0009',
    'language', 'de', 'postal_address', pg_temp.home())), 'a customer is changed');
SELECT is(concat_ws('|', name, number, email, phone, language, postal_address = pg_temp.home()), 'Bare Ltd|CUST-00001|bare@example.com|+1 555 010 0009|de|t', 'in what was named')
FROM ar_inbox.customers WHERE id = pg_temp.id('bare');
SELECT lives_ok(format('SELECT ar_inbox.change_customer(%s, %L)', pg_temp.id('bare'), '{"phone": null, "postal_address": null}'), 'null');
SELECT is(concat_ws('|', name, phone IS NULL, postal_address IS NULL), 'Bare Ltd|t|t', 'takes away') FROM ar_inbox.customers WHERE id = pg_temp.id('bare');
SELECT lives_ok(format('SELECT ar_inbox.change_contact(%s, %L)', pg_temp.id('cid'), '{"role": "Payables", "is_primary": false, "phone": "+1 555 010 0004"}'), 'a contact is changed');
SELECT is(ar_inbox_internal.customer_phones(pg_temp.id('acme'), pg_temp.id('globex'), pg_temp.role('Payables')), ARRAY['+15550100002', '+15550100004'], 'and is reached by its new role and number');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_contact(%s, %L)', pg_temp.id('cid'), changes)), wanted, 'change_contact(): ' || pg_temp.named(wanted))
FROM (VALUES ('{"role": "Nobody"}', 'IB001 contact role ''Nobody'' does not exist in company ' || pg_temp.id('acme')), ('{"language": "de"}', '22023 there is no language to change'),
    ('{"is_primary": "perhaps"}', '22023 the contact cannot become {"is_primary": "perhaps"}')) t (changes, wanted);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.create_customer(%s, ''N'', postal_address => ''{}'')', pg_temp.id('acme'))), '22023 postal_address cannot be: line1 is missing', 'create_customer() looks too');

-- ---- settings ----

SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_settings(%s, %L)', pg_temp.id('acme'), settings)), wanted, 'change_settings(): ' || wanted)
FROM (VALUES ('{"sms_from_hour": 21}', '22023 the settings cannot be {"sms_from_hour": 21}'), ('{"sms_to_hour": 25}', '22023 the settings cannot be {"sms_to_hour": 25}'),
    ('{"max_texts_per_number": 0}', '22023 the settings cannot be {"max_texts_per_number": 0}'),
    ('{"postal_address": {"line1": "x"}}', '22023 postal_address cannot be: city is missing')) t (settings, wanted);

-- ---- providers ----

SELECT is(ar_inbox_internal.provider_for(pg_temp.id('acme'), 'sms'), NULL, 'no provider yet');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_sms_provider(%s, %s)', pg_temp.id('acme'), arguments)), wanted, 'set_sms_provider(): ' || wanted)
FROM (VALUES ($$'XX', 't', '+15550100'$$, '22023 account_sid ''XX'' is not an account''s'), ($$NULL, 't', '+15550100'$$, '22023 account_sid NULL is not an account''s'),
    ($$'AC0123456789', NULL, '+15550100'$$, '22023 auth_token cannot be'), ($$'AC0123456789', 'a b', '+15550100'$$, '22023 auth_token cannot be'),
    ($$'AC0123456789', 't', 'a name that is too long'$$, '22023 sender ''a name that is too long'' cannot be'), ($$'AC0123456789', 't', NULL$$, '22023 sender NULL cannot be'),
    ($$'AC0123456789', 't', '+15550100', 'acme.example'$$, '22023 callback_url ''acme.example'' is not a URL'),
    ($$'AC0123456789', 't', '+15550100', base_url => 'http://api.example'$$, '22023 base_url ''http://api.example'' cannot be'),
    ($$'AC0123456789', 't', '+15550100', base_url => 'http://127.0.0.1@api.example'$$, '22023 base_url ''http://127.0.0.1@api.example'' cannot be'),
    ($$'AC0123456789', 't', '+15550100', base_url => 'https://api.example/'$$, '22023 base_url ''https://api.example/'' cannot be'),
    ($$'AC0123456789', 't', '+15550100', base_url => NULL$$, '22023 base_url NULL cannot be')) t (arguments, wanted);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.set_letter_provider(%s, %s)', pg_temp.id('acme'), arguments)), wanted, 'set_letter_provider(): ' || wanted)
FROM (VALUES ('NULL', '22023 api_key cannot be'), ($$'k', ''$$, '22023 webhook_secret cannot be'), ($$'k', color => NULL$$, '22004 color is NULL')) t (arguments, wanted);
SELECT lives_ok(format('SELECT ar_inbox.set_sms_provider(%s, ''AC0123456789'', ''12345'', ''+14158675309'', ''https://mycompany.com/myapp?foo=1&bar=2'')', pg_temp.id('acme')), 'a provider of text messages');
SELECT lives_ok(format('SELECT ar_inbox.set_letter_provider(%s, ''test_key'', ''hook-secret'', true)', pg_temp.id('acme')), 'and of letters');
CALL pg_temp.keep('sms provider', ar_inbox_internal.provider_for(pg_temp.id('acme'), 'sms'));
CALL pg_temp.keep('letter provider', ar_inbox_internal.provider_for(pg_temp.id('acme'), 'letter'));
SELECT is(concat_ws('|', kind, base_url, account, sender, callback_url), 'twilio|https://api.twilio.com|AC0123456789|+14158675309|https://mycompany.com/myapp?foo=1&bar=2', 'is in providers')
FROM ar_inbox.providers WHERE id = pg_temp.id('sms provider');
SELECT is(concat_ws('|', kind, base_url, color), 'lob|https://api.lob.com|t', 'so is the other') FROM ar_inbox.providers WHERE id = pg_temp.id('letter provider');
SELECT is_empty($$SELECT * FROM ar_inbox.providers p WHERE to_json(p)::text ~ '12345"|test_key|hook-secret'$$, 'without their secrets');
SELECT is_empty($$SELECT * FROM ar_inbox.events e WHERE to_json(e)::text ~ '"12345"|test_key|hook-secret'$$, 'which no event tells either');
SELECT is(ar_inbox_internal.provider_for(pg_temp.id('other'), 'sms'), NULL, 'another company has none');

-- ---- queueing ----

SELECT pg_temp.do(format('SELECT ar_inbox.change_settings(%s, %L)', pg_temp.id('acme'), jsonb_build_object('postal_address', pg_temp.home('{"line1": "99 Return Road"}')))) \gset
SELECT pg_temp.do('SELECT ar_inbox.arm()') \gset
CREATE FUNCTION pg_temp.bill(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    bill bigint := ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 100}]', '2026-01-10', '2026-02-09', upper(name));
    step bigint;
BEGIN
    PERFORM ar_inbox.issue_invoice(bill);
    PERFORM ar_inbox.chase_invoice(bill, '[{"trigger": "after_due", "days": 1, "hour": 9, "channels": ["email"]}]', at => '2026-01-11');
    SELECT max(s.id) INTO step FROM ar_inbox.chasing_steps s WHERE s.invoice_id = bill;
    UPDATE ar_inbox.chasing_steps SET state = 'sending', fired_at = '2026-02-10 14:00Z' WHERE id = step;
    INSERT INTO ids VALUES (name, bill), (name || ' step', step), (name || ' thread', ar_inbox_internal.invoice_thread(pg_temp.id('acme'), bill));
END
$$;
-- 15:00 UTC is 10 or 11 o'clock in New York
CREATE FUNCTION pg_temp.text(name text, of_invoice text DEFAULT NULL, phone text DEFAULT '+1 555 010 0001', at timestamptz DEFAULT '2026-02-10 15:00Z', body text DEFAULT 'Please pay INV-7.')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint;
BEGIN
    mail := ar_inbox_internal.queue_text_message(pg_temp.id('acme'), pg_temp.id(coalesce(of_invoice, 'first') || ' thread'), phone, body, 'past_due_invoice',
        CASE WHEN of_invoice IS NOT NULL THEN pg_temp.id(of_invoice) END, CASE WHEN of_invoice IS NOT NULL THEN pg_temp.id(of_invoice || ' step') END, at);
    INSERT INTO ids SELECT name, d.id FROM ar_inbox.deliveries d WHERE d.email_id = mail;
    RETURN 'queued';
END
$$;
CREATE FUNCTION pg_temp.letter(name text, of_invoice text DEFAULT NULL, at timestamptz DEFAULT '2026-02-10 15:00Z') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    mail bigint;
BEGIN
    mail := ar_inbox_internal.queue_letter(pg_temp.id('acme'), pg_temp.id(coalesce(of_invoice, 'first') || ' thread'),
        ar_inbox_internal.customer_postal_address(pg_temp.id('acme'), pg_temp.id('globex'), pg_temp.role('Boss')), 'Past due', E'Please pay <now>.\n', '<p>Please <b>pay</b>.</p>',
        'past_due_invoice', CASE WHEN of_invoice IS NOT NULL THEN pg_temp.id(of_invoice) END, CASE WHEN of_invoice IS NOT NULL THEN pg_temp.id(of_invoice || ' step') END, at);
    INSERT INTO ids SELECT name, d.id FROM ar_inbox.deliveries d WHERE d.email_id = mail;
    RETURN 'queued';
END
$$;
CREATE FUNCTION pg_temp.state(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', d.state, d.attempts, to_char(d.next_attempt_at, 'DD HH24:MI'), (SELECT 'step ' || s.state FROM ar_inbox.chasing_steps s WHERE s.id = d.chasing_step_id), '- ' || d.reason)
    FROM ar_inbox.deliveries d WHERE d.id = pg_temp.id(name)
$$;
-- The names of what is claimed at a moment.
CREATE TEMP TABLE handed AS SELECT unnest(ARRAY['one', 'two', 'letter', 'later', 'waiting']) AS name;
CREATE FUNCTION pg_temp.claims(at timestamptz, per_provider integer DEFAULT 100, most integer DEFAULT 100, after_provider bigint DEFAULT 0) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(i.name, ', ' ORDER BY c.ordinality), 'nothing')
    FROM ar_inbox_internal.claim_provider_deliveries(at, per_provider, most => most, after_provider => after_provider) WITH ORDINALITY c
    JOIN ids i ON i.id = c.delivery_id JOIN handed h ON h.name = i.name
$$;
CREATE FUNCTION pg_temp.answered(name text, status integer, answer text DEFAULT NULL, retry_after text DEFAULT NULL, sent boolean DEFAULT true, at timestamptz DEFAULT '2026-02-10 15:00Z')
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ar_inbox_internal.record_provider_answer(pg_temp.id(name), pg_temp.id('acme'), at, sent, status, retry_after, answer, CASE WHEN status IS NULL THEN 'cut off' END);
    RETURN pg_temp.state(name);
END
$$;
DO $$ BEGIN PERFORM pg_temp.bill('first'), pg_temp.bill('second'); END $$;
SELECT is(pg_temp.refusal('SELECT ' || call), wanted, pg_temp.named(wanted))
FROM (VALUES ('pg_temp.text(''x'', phone => ''555 0100'')', '22023 phone ''555 0100'' is no number a text message can go to'), ('pg_temp.text(''x'', phone => NULL)', '22023 phone NULL is no number a text message can go to'),
    ('pg_temp.text(''x'', body => E'' \n'')', '22023 the text message is empty'), ('pg_temp.text(''x'', body => repeat(''x'', 1601))', '22023 the text message has 1601 characters, more than the limit of 1600'),
    ('ar_inbox_internal.queue_letter(pg_temp.id(''acme''), pg_temp.id(''first thread''), NULL, ''s'', ''b'', NULL, NULL, NULL, NULL, now())', '22004 address is NULL'),
    ('ar_inbox_internal.queue_letter(pg_temp.id(''acme''), pg_temp.id(''first thread''), pg_temp.home(), ''s'', ''b'', NULL, NULL, NULL, NULL, now())', '22023 address names nobody'),
    ('ar_inbox_internal.queue_letter(pg_temp.id(''acme''), pg_temp.id(''first thread''), ''{"line1": "x"}'', ''s'', ''b'', NULL, NULL, NULL, NULL, now())', '22023 address cannot be: city is missing'),
    ('ar_inbox_internal.queue_letter(pg_temp.id(''other''), 1, pg_temp.home(''{"name": "N"}''), ''s'', ''b'', NULL, NULL, NULL, NULL, now())', format('IB005 company %s has no return address', pg_temp.id('other'))),
    ('ar_inbox_internal.queue_text_message(pg_temp.id(''other''), 1, ''+15550100001'', ''b'', NULL, NULL, NULL, now())', format('IB005 company %s has no provider for sms', pg_temp.id('other')))) t (call, wanted);

SELECT is(pg_temp.text('one', 'first'), 'queued', 'a text message');
SELECT is(pg_temp.text('two', 'first', '+1 555 010 0002'), 'queued', 'the same step''s to another number');
SELECT is(pg_temp.letter('letter', 'first'), 'queued', 'and its letter');
SELECT throws_ok('SELECT pg_temp.text(''again'', ''first'')', '23505', NULL, 'but no second one to a number');
SELECT throws_ok('SELECT pg_temp.letter(''again'', ''first'')', '23505', NULL, 'nor a second letter');
SELECT is(pg_temp.state('one'), 'queued 0 10 15:00 step sending', 'it waits');
SELECT is(concat_ws('|', e.direction, e.channel, e.automatic, e.template, e.subject, e.body_text, e.from_name, e.message IS NULL, e.message_id ~ '^[0-9a-f]{32}@sms\.invalid$', e.thread_id = pg_temp.id('first thread'), d.recipient),
    'outgoing|sms|t|past_due_invoice|Please pay INV-7.|Please pay INV-7.|Acme|t|t|t|+15550100001', 'it is a message of the thread')
FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.id = pg_temp.id('one');
SELECT is(d.recipient, 'Bob, Globex, 1 Main Street, Springfield IL 62701, US', 'a letter goes to an address') FROM ar_inbox.deliveries d WHERE d.id = pg_temp.id('letter');
SELECT is((SELECT string_agg(concat_ws(' ', m ->> 'channel', m #>> '{delivery,recipient}', m #>> '{delivery,state}'), ', ' ORDER BY (m ->> 'id')::bigint)
        FROM jsonb_array_elements(ar_inbox.thread(pg_temp.id('first thread')) -> 'messages') m),
    'sms +15550100001 queued, sms +15550100002 queued, letter Bob, Globex, 1 Main Street, Springfield IL 62701, US queued', 'thread() shows them');
SELECT is((SELECT string_agg(channel || ' ' || array_to_string(recipients, ','), '; ' ORDER BY email_id) FROM ar_inbox.sent WHERE company_id = pg_temp.id('acme') AND channel = 'sms'),
    'sms +15550100001; sms +15550100002', 'sent shows them');
SELECT is((SELECT string_agg(channel || ' ' || array_to_string(recipients, ',') || ' ' || state, '; ' ORDER BY email_id) FROM ar_inbox.folder('sent', pg_temp.id('acme')) WHERE channel = 'sms'),
    'sms +15550100001 queued; sms +15550100002 queued', 'so does the folder');
SELECT is((SELECT count(*) FROM ar_inbox.search_threads('15550100002', pg_temp.id('acme'))), 1::bigint, 'a search finds the number');
SELECT is((SELECT count(*) FROM ar_inbox.search_threads('Springfield', pg_temp.id('acme'))), 1::bigint, 'and the address');
SELECT pg_temp.do(format('SELECT ar_inbox_internal.reindex_company(%s)', pg_temp.id('acme'))) \gset
SELECT is((SELECT count(*) FROM ar_inbox.search_threads('15550100002', pg_temp.id('acme'))), 1::bigint, 'also when all is indexed anew');
SELECT is(ar_inbox_internal.next_wake() <= '2026-02-10 15:00Z', true, 'the worker wants to wake for them');

-- ---- what is asked ----

CREATE FUNCTION pg_temp.fields(name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT f.n || '=' || f.v FROM ar_inbox_internal.provider_request(pg_temp.id('acme'), pg_temp.id(name)) r, unnest(r.field_names, r.field_values) f (n, v)
$$;
SELECT is(concat_ws('|', r.url, r.username, r.password, array_to_string(r.headers, ','), r.file IS NULL),
    'https://api.twilio.com/2010-04-01/Accounts/AC0123456789/Messages.json|AC0123456789|12345|Accept: application/json|t', 'Twilio: whom, as whom')
FROM ar_inbox_internal.provider_request(pg_temp.id('acme'), pg_temp.id('one')) r;
SELECT results_eq('SELECT pg_temp.fields(''one'')', ARRAY['To=+15550100001', 'From=+14158675309', 'Body=Please pay INV-7.', 'StatusCallback=https://mycompany.com/myapp?foo=1&bar=2'], 'what');
UPDATE ar_inbox.providers SET sender = 'MG0123456789abcdef', callback_url = NULL WHERE id = pg_temp.id('sms provider');
SELECT results_eq('SELECT pg_temp.fields(''one'')', ARRAY['To=+15550100001', 'MessagingServiceSid=MG0123456789abcdef', 'Body=Please pay INV-7.'], 'through a messaging service, without reports');
UPDATE ar_inbox.providers SET sender = '+14158675309', callback_url = 'https://mycompany.com/myapp?foo=1&bar=2' WHERE id = pg_temp.id('sms provider');
SELECT is(concat_ws('|', r.url, r.username, r.password, r.headers[2] = 'Idempotency-Key: ' || e.message_id, r.file_field, r.file_name, r.file_type), 'https://api.lob.com/v1/letters|test_key||t|file|letter.html|text/html', 'Lob: whom, as whom')
FROM ar_inbox_internal.provider_request(pg_temp.id('acme'), pg_temp.id('letter')) r, ar_inbox.deliveries d JOIN ar_inbox.emails e ON e.id = d.email_id WHERE d.id = pg_temp.id('letter');
SELECT results_eq('SELECT pg_temp.fields(''letter'')', ARRAY['description=Past due', 'to[name]=Bob', 'to[company]=Globex', 'to[address_line1]=1 Main Street', 'to[address_city]=Springfield', 'to[address_state]=IL',
    'to[address_zip]=62701', 'to[address_country]=US', 'from[name]=Acme', 'from[address_line1]=99 Return Road', 'from[address_city]=Springfield', 'from[address_state]=IL', 'from[address_zip]=62701',
    'from[address_country]=US', 'color=true', 'use_type=operational', 'metadata[delivery]=' || pg_temp.id('letter')], 'what');
SELECT matches(convert_from(r.file, 'UTF8'), '^<!DOCTYPE html>\n<html>.*<title>Past due</title>.*<p>Please <b>pay</b>.</p>\n</body></html>\n$', 'the HTML is a whole page')
FROM ar_inbox_internal.provider_request(pg_temp.id('acme'), pg_temp.id('letter')) r;
UPDATE ar_inbox.emails SET body_html = NULL WHERE id = (SELECT email_id FROM ar_inbox.deliveries WHERE id = pg_temp.id('letter'));
SELECT matches(convert_from(r.content, 'UTF8'), '<p>Please pay &lt;now&gt;.<br>', 'made of the text where there is none')
FROM ar_inbox_internal.letter_content(pg_temp.id('acme'), (SELECT email_id FROM ar_inbox.deliveries WHERE id = pg_temp.id('letter'))) r;
SELECT is((SELECT max(length(value)) FROM ar_inbox_internal.letter_party('to', pg_temp.home(jsonb_build_object('name', repeat('n', 99))), NULL)), 40, 'of a long name as much as Lob takes');

-- ---- claiming ----

SAVEPOINT claiming;
SELECT pg_temp.do('SELECT ar_inbox.disarm()') \gset
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'nothing', 'nothing leaves a database that is not armed');
ROLLBACK TO claiming;
SELECT is(pg_temp.claims('2026-02-10 14:59Z'), 'nothing', 'nothing before its time');
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'one, two, letter', 'all at once');
SELECT is(pg_temp.state('one'), 'handing_off 1 step sending', 'is written down as under way');
SELECT is((SELECT count(*) FROM ar_inbox.delivery_attempts WHERE delivery_id = pg_temp.id('one') AND outcome IS NULL), 1::bigint, 'with an attempt');
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'nothing', 'and is not claimed again');
SELECT is((SELECT count(*) FROM ar_inbox_internal.claim_deliveries('2026-02-10 15:00Z', 10)), 0::bigint, 'nor as mail');
ROLLBACK TO claiming;
SELECT is(pg_temp.claims('2026-02-10 15:00Z', per_provider => 1), 'one, letter', 'so many of each provider');
ROLLBACK TO claiming;
SELECT is(pg_temp.claims('2026-02-10 15:00Z', most => 1), 'one', 'so many in all');
ROLLBACK TO claiming;
SELECT is(pg_temp.claims('2026-02-10 15:00Z', most => 1, after_provider => pg_temp.id('sms provider')), 'letter', 'each provider in its turn');
ROLLBACK TO claiming;
UPDATE ar_inbox.providers SET send_retry_at = '2026-02-10 16:00Z' WHERE id = pg_temp.id('sms provider');
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'letter', 'one that failed is left alone');
SELECT is(pg_temp.claims('2026-02-10 16:00Z'), 'one, two', 'for a while');
ROLLBACK TO claiming;
SELECT pg_temp.do(format('SELECT ar_inbox.record_payment(%s, 100)', pg_temp.id('first'))) \gset
SELECT is(pg_temp.state('one') || '; ' || pg_temp.state('letter'), 'cancelled 0 step cancelled - invoice paid; cancelled 0 step cancelled - invoice paid', 'a payment cancels what waits');
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'nothing', 'paid: nothing leaves');
ROLLBACK TO claiming;
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'one, two, letter', 'under way');
SELECT pg_temp.do(format('SELECT ar_inbox.record_payment(%s, 100)', pg_temp.id('first'))) \gset
SELECT is(pg_temp.answered('one', 500), 'cancelled 1 step sending - chasing has ended', 'paid meanwhile: what was not taken is not tried again');
SELECT is(pg_temp.answered('two', 201, '{"sid": "SM0000000000", "status": "queued"}'), 'accepted 1 step sending', 'what was taken is');
SELECT is((SELECT crossed_with_payment FROM ar_inbox.deliveries WHERE id = pg_temp.id('two')), true, 'crossed with the payment');
SELECT is(pg_temp.answered('letter', NULL), 'unknown 1 step sent - in doubt: cut off', 'and what is in doubt is not repeated');
ROLLBACK TO claiming;

-- the hours of text messages
SELECT is(ar_inbox_internal.text_opening(pg_temp.id('acme'), at), coalesce(wanted, at), format('%s UTC: %s', to_char(at, 'MM-DD HH24:MI'), coalesce(to_char(wanted, 'MM-DD HH24:MI'), 'open')))
FROM (VALUES ('2026-02-10 12:59:59Z'::timestamptz, '2026-02-10 13:00Z'::timestamptz), ('2026-02-10 13:00Z', NULL), ('2026-02-11 01:59:59Z', NULL), ('2026-02-11 02:00Z', '2026-02-11 13:00Z'),
    -- the clocks go forward on 8 March, back on 1 November
    ('2026-03-08 03:00Z', '2026-03-08 12:00Z'), ('2026-03-08 12:00Z', NULL), ('2026-11-01 02:00Z', '2026-11-01 13:00Z'), ('2026-11-01 12:30Z', '2026-11-01 13:00Z')) t (at, wanted);
SELECT is(pg_temp.claims('2026-02-11 02:30Z'), 'letter', 'at half past nine in the evening no text message leaves');
SELECT is(pg_temp.state('one'), 'queued 0 11 13:00 step sending - put off to the next hour for text messages to that number (sms_from_hour, sms_to_hour, max_texts_per_number)', 'it waits for the morning');
SELECT is(pg_temp.claims('2026-02-11 13:00Z'), 'one, two', 'and leaves then');
ROLLBACK TO claiming;
UPDATE ar_inbox.deliveries SET give_up_at = '2026-02-11 12:00Z', state = 'deferred', attempts = 1, reply = 'HTTP 500' WHERE id = pg_temp.id('one');
SELECT is(pg_temp.claims('2026-02-11 02:30Z'), 'letter', 'where its limit ends in the night');
SELECT matches(pg_temp.state('one'), '^rejected 1 step sending - given up: no text message to that number until 2026-02-11 13:00:00\+00, which is after its limit \(retry_limit\): HTTP 500$', 'it is given up');
ROLLBACK TO claiming;
-- a number gets so many a day, also where one was put off to today
UPDATE ar_inbox.companies SET max_texts_per_number = 1 WHERE id = pg_temp.id('acme');
UPDATE ar_inbox.deliveries SET chasing_step_id = NULL, recipient = (SELECT d.recipient FROM ar_inbox.deliveries d WHERE d.id = pg_temp.id('one')) WHERE id = pg_temp.id('two');
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'one, letter', 'of two texts to a number that may have one a day, one leaves');
SELECT matches(pg_temp.state('two'), 'queued 0 11 13:00 .*max_texts_per_number', 'the other one waits for the next day');
SELECT is(pg_temp.answered('one', 201, '{"sid": "SM0123456789", "status": "queued"}'), 'accepted 1 step sending', 'the first is taken');
SELECT is(pg_temp.claims('2026-02-10 18:00Z'), 'nothing', 'later that day');
SELECT is(pg_temp.claims('2026-02-11 13:00Z'), 'two', 'and the next day the other');
ROLLBACK TO claiming;
DELETE FROM ar_inbox.secrets WHERE company_id = pg_temp.id('acme') AND name = 'provider ' || pg_temp.id('sms provider');
UPDATE ar_inbox.companies SET postal_address = NULL WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'one, two, letter', 'settings that are gone are the provider''s to refuse');
ROLLBACK TO claiming;

-- ---- what an answer comes to ----

SELECT is(ar_inbox_internal.retry_after(value, '2026-02-10 15:00Z'), wanted::timestamptz, 'Retry-After: ' || value)
FROM (VALUES ('120', '2026-02-10 15:02Z'), ('0', '2026-02-10 15:00Z'), ('Tue, 10 Feb 2026 16:00:00 GMT', '2026-02-10 16:00Z'), ('Tuesday, 10-Feb-26 16:00:00 GMT', '2026-02-10 16:00Z'),
    ('Tue Feb 10 16:00:00 2026', '2026-02-10 16:00Z'), ('-1', NULL), ('soon', NULL), ('infinity', NULL), ('9999999999', NULL), ('Tue, 99 Feb 2026 16:00:00 GMT', NULL), ('', NULL)) t (value, wanted);
SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT is(ar_inbox_internal.retry_after('Tue Feb 10 16:00:00 2026', now()), '2026-02-10 16:00Z', 'whatever the session''s time zone is');
SET LOCAL TimeZone = 'UTC';

SELECT is(pg_temp.claims('2026-02-10 15:00Z'), 'one, two, letter', 'all under way');

-- a report as the provider signs it, and what the delivery is then
CREATE FUNCTION pg_temp.signed(fields jsonb, url text DEFAULT 'https://mycompany.com/myapp?foo=1&bar=2', token text DEFAULT '12345') RETURNS text LANGUAGE sql AS $$
    SELECT encode(hmac(convert_to(url || coalesce(string_agg(key || value, '' ORDER BY key COLLATE "C"), ''), 'UTF8'), convert_to(token, 'UTF8'), 'sha1'), 'base64') FROM jsonb_each_text(fields)
$$;
CREATE FUNCTION pg_temp.said(status text, sid text, number text DEFAULT '+15550100001', more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('MessageSid', sid, 'SmsSid', sid, 'MessageStatus', status, 'SmsStatus', status, 'To', number, 'From', '+14158675309', 'AccountSid', 'AC0123456789', 'ApiVersion', '2010-04-01') || more
$$;
CREATE FUNCTION pg_temp.report(fields jsonb, name text DEFAULT 'one', signature text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    refusal text := pg_temp.refusal(format('SELECT ar_inbox.record_provider_status(%s, ''twilio'', %L, %L)', pg_temp.id('acme'), fields, coalesce(signature, pg_temp.signed(fields))));
BEGIN
    RETURN CASE refusal WHEN 'accepted' THEN (SELECT concat_ws(' ', pg_temp.state(name), '(' || d.provider_status || ')', 'delivered' || left(d.delivered_at::text, 0)) FROM ar_inbox.deliveries d WHERE d.id = pg_temp.id(name)) ELSE refusal END;
END
$$;
CREATE FUNCTION pg_temp.mailed(event text, letter text DEFAULT 'ltr_0123', more text DEFAULT '', signature text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    -- blanks and the order of keys count
    body text := format(E'{"id": "evt_1",  "reference_id": "%s",\n "event_type": {"resource": "letters", "id": "%s"}, "body": {"id": "%1$s"%3$s}}', letter, event, more);
    refusal text := pg_temp.refusal(format('SELECT ar_inbox.record_provider_status(%s, ''lob'', %L, %L)', pg_temp.id('acme'), body,
        coalesce(signature, '1655742000123.' || encode(hmac('1655742000123.' || body, 'hook-secret', 'sha256'), 'hex'))));
BEGIN
    RETURN CASE refusal WHEN 'accepted' THEN (SELECT concat_ws(' ', pg_temp.state('letter'), '(' || d.provider_status || ')', 'delivered' || left(d.delivered_at::text, 0)) FROM ar_inbox.deliveries d WHERE d.id = pg_temp.id('letter')) ELSE refusal END;
END
$$;
SAVEPOINT answers;
CREATE TEMP TABLE answers (of text, status integer, answer text, retry_after text, sent boolean, wanted text, attempt text, failing text);
INSERT INTO answers VALUES
    ('one', 201, '{"sid": "SM0123456789", "status": "queued", "error_code": null}', NULL, true, 'accepted 1 step sending', 'accepted 201 SM0123456789', NULL),
    ('one', 201, '{"sid": "SM0123456789", "status": "failed", "error_code": 30007, "error_message": "filtered"}', NULL, true, 'rejected 1 step sending - failed, code 30007: filtered', 'rejected 201 30007 SM0123456789', NULL),
    ('one', 201, 'It works!', NULL, true, 'unknown 1 step sending - in doubt: the answer (HTTP 201) names no message: It works!', 'unknown 201', NULL),
    ('one', 200, '{"sid": 7}', NULL, true, 'unknown 1 step sending - in doubt: the answer (HTTP 200) names no message: {"sid": 7}', 'unknown 200', NULL),
    ('one', 200, '["sid"]', NULL, true, 'unknown 1 step sending - in doubt: the answer (HTTP 200) names no message: ["sid"]', 'unknown 200', NULL),
    ('one', 204, NULL, NULL, true, 'unknown 1 step sending - in doubt: the answer (HTTP 204) names no message', 'unknown 204', NULL),
    ('one', 400, '{"code": 21211, "message": "Invalid ''To'' Phone Number", "status": 400}', NULL, true, 'rejected 1 step sending - HTTP 400, code 21211: Invalid ''To'' Phone Number', 'rejected 400 21211', NULL),
    ('one', 403, '{"code": 21408, "message": "Region not enabled"}', NULL, true, 'rejected 1 step sending - HTTP 403, code 21408: Region not enabled', 'rejected 403 21408', NULL),
    ('one', 403, '{"code": 20006, "message": "Suspended"}', NULL, true, 'deferred 1 10 15:01 step sending - HTTP 403, code 20006: Suspended', 'deferred 403 20006', 'HTTP 403, code 20006: Suspended until 15:00:05'),
    ('one', 401, '{"code": 20003, "message": "Authenticate"}', NULL, true, 'deferred 1 10 15:01 step sending - HTTP 401, code 20003: Authenticate', 'deferred 401 20003', 'HTTP 401, code 20003: Authenticate until 15:00:05'),
    ('one', 404, '<html>nginx</html>', NULL, true, 'deferred 1 10 15:01 step sending - HTTP 404: <html>nginx</html>', 'deferred 404', 'HTTP 404: <html>nginx</html> until 15:00:05'),
    ('one', 301, NULL, NULL, true, 'deferred 1 10 15:01 step sending - HTTP 301', 'deferred 301', 'HTTP 301 until 15:00:05'),
    ('one', 429, '{"code": 20429, "message": "Too Many"}', '600', true, 'deferred 1 10 15:10 step sending - HTTP 429, code 20429: Too Many', 'deferred 429 20429', 'HTTP 429, code 20429: Too Many until 15:10:00'),
    ('one', 503, NULL, 'Tue, 10 Feb 2026 15:30:00 GMT', true, 'deferred 1 10 15:30 step sending - HTTP 503', 'deferred 503', 'HTTP 503 until 15:30:00'),
    ('one', 503, NULL, '99999999', true, 'rejected 1 step sending - given up after 1 attempts: HTTP 503', 'deferred 503', 'HTTP 503 until 00:46:39'),
    ('one', 500, NULL, NULL, true, 'deferred 1 10 15:01 step sending - HTTP 500', 'deferred 500', NULL),
    ('one', 408, NULL, NULL, true, 'deferred 1 10 15:01 step sending - HTTP 408', 'deferred 408', NULL),
    ('one', 504, NULL, NULL, true, 'unknown 1 10 15:05 step sending - in doubt: HTTP 504', 'unknown 504', NULL),
    ('one', NULL, NULL, NULL, true, 'unknown 1 10 15:05 step sending - in doubt: cut off', 'unknown', NULL),
    ('one', NULL, NULL, NULL, false, 'deferred 1 10 15:01 step sending - cut off', 'not_sent', 'cut off until 15:00:05'),
    ('letter', 200, '{"id": "ltr_0123456789abcdef", "object": "letter"}', NULL, true, 'accepted 1 step sending', 'accepted 200 ltr_0123456789abcdef', NULL),
    ('letter', 200, '{"id": 5}', NULL, true, 'unknown 1 10 15:01 step sending - in doubt: the answer (HTTP 200) names no message: {"id": 5}', 'unknown 200', NULL),
    ('letter', 422, '{"error": {"message": "address_zip is invalid", "status_code": 422, "code": "invalid"}}', NULL, true, 'rejected 1 step sending - HTTP 422, code invalid: address_zip is invalid', 'rejected 422 invalid', NULL),
    ('letter', 409, '{"error": {"message": "in use", "code": "conflict"}}', NULL, true, 'deferred 1 10 15:01 step sending - HTTP 409, code conflict: in use', 'deferred 409 conflict', NULL),
    ('letter', 403, '{"error": {"message": "billing", "code": "forbidden"}}', NULL, true, 'deferred 1 10 15:01 step sending - HTTP 403, code forbidden: billing', 'deferred 403 forbidden', 'HTTP 403, code forbidden: billing until 15:00:05'),
    ('letter', 504, NULL, NULL, true, 'deferred 1 10 15:01 step sending - HTTP 504', 'deferred 504', NULL),
    ('letter', NULL, NULL, NULL, true, 'unknown 1 10 15:01 step sending - in doubt: cut off', 'unknown', NULL);
-- Each by itself: what it comes to, its attempt, and what is written down with the provider.
CREATE FUNCTION pg_temp.outcome(a answers) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    became text;
BEGIN
    BEGIN
        became := pg_temp.answered(a.of, a.status, a.answer, a.retry_after, a.sent);
        SELECT concat_ws('; ', became, concat_ws(' ', t.outcome, t.code, t.enhanced_code, t.provider_message_id), p.send_error || to_char(p.send_retry_at, '" until "HH24:MI:SS'))
        INTO became
        FROM ar_inbox.deliveries d JOIN ar_inbox.delivery_attempts t ON t.delivery_id = d.id JOIN ar_inbox.providers p ON p.id = d.provider_id WHERE d.id = pg_temp.id(a.of);
        RAISE EXCEPTION 'undone' USING errcode = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        NULL;
    END;
    RETURN became;
END
$$;
SELECT is(pg_temp.outcome(a), concat_ws('; ', a.wanted, a.attempt, a.failing), format('%s: %s %s', a.of, coalesce(a.status::text, CASE WHEN a.sent THEN 'no answer' ELSE 'not reached' END), left(a.answer, 60)))
FROM answers a;

-- in doubt, by what the company wants
UPDATE ar_inbox.companies SET resend_in_doubt = false WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.answered('one', NULL), 'unknown 1 step sending - in doubt: cut off', 'a text message in doubt waits for a member, where the company wants that');
SELECT is(pg_temp.answered('letter', NULL), 'unknown 1 10 15:01 step sending - in doubt: cut off', 'a letter need not: a repeat makes no second one');
SELECT is(pg_temp.answered('one', 201, '{"sid": "SM0123456789"}'), 'unknown 1 step sending - in doubt: cut off', 'what is recorded is not recorded again');
SELECT pg_temp.do(format('SELECT ar_inbox.resolve_delivery(%s, true)', pg_temp.id('one'))) \gset
SELECT is((SELECT state || ' ' || (next_attempt_at = now())::text FROM ar_inbox.deliveries WHERE id = pg_temp.id('one')), 'unknown true', 'a member has it sent again');
ROLLBACK TO answers;
UPDATE ar_inbox.delivery_attempts SET started_at = '2026-02-09 15:59Z' WHERE delivery_id = pg_temp.id('letter');
UPDATE ar_inbox.companies SET resend_in_doubt = false WHERE id = pg_temp.id('acme');
SELECT is(pg_temp.answered('letter', NULL), 'unknown 1 step sending - in doubt: cut off', 'after 23 hours the provider may have forgotten the name');
ROLLBACK TO answers;
SELECT is(pg_temp.answered('one', 201, '{"sid": "SM1", "status": "queued"}') || pg_temp.answered('two', 400, '{"code": 21610, "message": "Unsubscribed"}') || pg_temp.answered('letter', 200, '{"id": "ltr_0123", "object": "letter"}'),
    'unknown 1 step sending - in doubt: the answer (HTTP 201) names no message: {"sid": "SM1", "status": "queued"}rejected 1 step sending - HTTP 400, code 21610: Unsubscribedaccepted 1 step failed',
    'the step has its end with the last of them');
SELECT is((SELECT reason FROM ar_inbox.chasing_steps WHERE id = pg_temp.id('first step')),
    'sms: in doubt: the answer (HTTP 201) names no message: {"sid": "SM1", "status": "queued"}; sms: HTTP 400, code 21610: Unsubscribed', 'and says which failed, and why');
ROLLBACK TO answers;
SELECT count(pg_temp.do(format('SELECT ar_inbox_internal.record_provider_failure(%s, %s, %L, ''down'')', pg_temp.id('sms provider'), pg_temp.id('acme'), at)))
FROM unnest(ARRAY['2026-02-10 15:00Z', '2026-02-10 15:00:01Z', '2026-02-10 15:00:05Z']::timestamptz[]) at \gset
SELECT is((SELECT concat_ws(' ', send_failures, send_retry_at, send_error) FROM ar_inbox.providers WHERE id = pg_temp.id('sms provider')), '2 2026-02-10 15:00:15+00 down', 'several requests that fail together are one failure');
SELECT is(pg_temp.answered('one', 201, '{"sid": "SM0123456789", "status": "queued"}'), 'accepted 1 step sending', 'then it works');
SELECT is((SELECT concat_ws(' ', send_failures, send_retry_at, send_error) FROM ar_inbox.providers WHERE id = pg_temp.id('sms provider')), '0', 'and has no error any more');
ROLLBACK TO answers;

-- a worker that was killed
SELECT pg_temp.do('SELECT ar_inbox_internal.settle_interrupted(''2026-02-10 15:00Z'')') \gset
SELECT is(pg_temp.state('one') || '; ' || pg_temp.state('letter'), 'unknown 1 10 15:05 step sending - in doubt: the server stopped while the message was being handed off; '
    || 'unknown 1 10 15:01 step sending - in doubt: the server stopped while the message was being handed off', 'what was under way is in doubt');
SELECT is(pg_temp.claims('2026-02-10 15:05Z'), 'one, two, letter', 'and is tried again');
ROLLBACK TO answers;

-- ---- reports ----

-- Twilio's own example (its security documentation)
SELECT is(ar_inbox_internal.signature_fits('sha1', '12345', convert_to('https://mycompany.com/myapp.php?foo=1&bar=2CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212', 'UTF8'),
    decode('RSOYDt4T1cUTdK1PDd93/VVr8B8=', 'base64')), true, 'a signature that fits');
-- RFC 4231, test case 2
SELECT is(ar_inbox_internal.signature_fits('sha256', 'Jefe', 'what do ya want for nothing?', '\x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'), true, 'of the other kind');
SELECT is(ar_inbox_internal.signature_fits('sha256', 'Jefe', 'what do ya want for nothing?', signature), false, 'one that does not')
FROM unnest(ARRAY['\x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3842', '\x', '\x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384300']::bytea[]) signature;
SELECT is(ar_inbox_internal.signature_fits('sha256', '', '', hmac('', ''::bytea, 'sha256')), true, 'of nothing at all');

SELECT is(pg_temp.answered('one', 201, '{"sid": "SM0123456789", "status": "queued"}') || pg_temp.answered('two', 201, '{"sid": "SM9876543210", "status": "queued"}')
    || pg_temp.answered('letter', 200, '{"id": "ltr_0123", "object": "letter"}'), 'accepted 1 step sendingaccepted 1 step sendingaccepted 1 step sent', 'all are taken');
SAVEPOINT reports;
SELECT is(pg_temp.report(pg_temp.said('sent', 'SM0123456789')), 'accepted 1 step sent (sent)', 'sent');
SELECT is(pg_temp.report(pg_temp.said('delivered', 'SM0123456789')), 'accepted 1 step sent (delivered) delivered', 'delivered');
SELECT is(pg_temp.report(pg_temp.said('delivered', 'SM0123456789')), 'accepted 1 step sent (delivered) delivered', 'repeated');
SELECT is(pg_temp.report(pg_temp.said('sent', 'SM0123456789')), 'accepted 1 step sent (delivered) delivered', 'late');
SELECT is(pg_temp.report(pg_temp.said('queued', 'SM0123456789')), 'accepted 1 step sent (delivered) delivered', 'late, and new');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE subject = 'delivery' AND subject_id = pg_temp.id('one') AND action = 'delivered'), 1::bigint, 'is one event');
SELECT is((SELECT string_agg(status, ' ' ORDER BY id) FROM ar_inbox.provider_statuses WHERE delivery_id = pg_temp.id('one')), 'sent delivered queued', 'each is kept once');
ROLLBACK TO reports;
SELECT is(pg_temp.report(pg_temp.said('undelivered', 'SM0123456789', more => '{"ErrorCode": "30005"}')), 'bounced 1 step failed - undelivered, code 30005: the number is not in use (undelivered)', 'it could not be delivered: bounced');
SELECT is((SELECT reason FROM ar_inbox.chasing_steps WHERE id = pg_temp.id('first step')), 'sms: undelivered, code 30005: the number is not in use', 'the step has failed');
SELECT is(pg_temp.report(pg_temp.said('sent', 'SM0123456789')), 'bounced 1 step failed - undelivered, code 30005: the number is not in use (undelivered)', 'and that is final');
SELECT is(concat_ws('|', enhanced_code, reply, finished_at IS NOT NULL), '30005|the number is not in use|t', 'with code and words') FROM ar_inbox.deliveries WHERE id = pg_temp.id('one');
ROLLBACK TO reports;
SELECT is(pg_temp.report(pg_temp.said('delivered', 'SM0123456789'), signature => signature), format('42501 the signature is not that of a provider twilio of company %s', pg_temp.id('acme')), 'a signature that does not fit: ' || coalesce(left(signature, 12), 'none'))
FROM unnest(ARRAY[pg_temp.signed(pg_temp.said('sent', 'SM0123456789')), pg_temp.signed(pg_temp.said('delivered', 'SM0123456789'), token => '12346'),
    pg_temp.signed(pg_temp.said('delivered', 'SM0123456789'), 'https://mycompany.com/myapp?foo=1&bar=3'), '', 'nonsense!', repeat('A', 100000)]) signature;
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.record_provider_status(%L, %L, %L, %L)', company, provider, payload, signature)), wanted, pg_temp.named(wanted))
FROM (VALUES (pg_temp.id('other'), 'twilio', pg_temp.said('sent', 'SM0123456789')::text, pg_temp.signed(pg_temp.said('sent', 'SM0123456789')), format('42501 the signature is not that of a provider twilio of company %s', pg_temp.id('other'))),
    (-1, 'twilio', '{}', 'x', '42501 the signature is not that of a provider twilio of company -1'), (NULL, 'twilio', '{}', 'x', '42501 the signature is not that of a provider twilio of company NULL'),
    (pg_temp.id('acme'), 'twilio', '{"MessageSid": "\u0000"}', 'eHh4', format('42501 the signature is not that of a provider twilio of company %s', pg_temp.id('acme'))),
    (pg_temp.id('acme'), 'twilio', '{}', NULL, format('42501 the signature is not that of a provider twilio of company %s', pg_temp.id('acme'))),
    (pg_temp.id('acme'), 'twilio', NULL, 'x', format('42501 the signature is not that of a provider twilio of company %s', pg_temp.id('acme'))),
    (pg_temp.id('acme'), 'twilio', '[]', pg_temp.signed('{}'), format('42501 the signature is not that of a provider twilio of company %s', pg_temp.id('acme'))),
    (pg_temp.id('acme'), 'twilio', '{}', pg_temp.signed('{}'), '22023 payload names no message or no status'),
    (pg_temp.id('acme'), 'twilio', '{"To": "+1"}', pg_temp.signed('{"To": "+1"}'), '22023 payload names no message or no status'),
    (pg_temp.id('acme'), 'pigeon', '{}', 'x', '22023 provider ''pigeon'' is not known'), (pg_temp.id('acme'), NULL, '{}', 'x', '22023 provider NULL is not known')) t (company, provider, payload, signature, wanted);
SELECT is_empty('SELECT * FROM ar_inbox.provider_statuses WHERE company_id = ' || pg_temp.id('acme'), 'nothing was changed by any');
SELECT is(pg_temp.state('one'), 'accepted 1 step sent', 'nor the delivery');
SELECT is(pg_temp.report(pg_temp.said('sent', 'SM5555555555', '+15550109999')), 'accepted 1 step sent (queued)', 'a report about nothing known is harmless');
SELECT is((SELECT delivery_id FROM ar_inbox.provider_statuses WHERE provider_message_id = 'SM5555555555'), NULL, 'and kept');
SELECT is(pg_temp.report(pg_temp.said('sent', 'SM0123456789'), signature => pg_temp.signed(pg_temp.said('sent', 'SM0123456789'), 'https://mycompany.com:443/myapp?foo=1&bar=2')), 'accepted 1 step sent (sent)', 'signed with the port in the URL');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.record_provider_status(%s, ''twilio'', %L, %L)', pg_temp.id('acme'), '{"MessageStatus": "sent", "MessageSid": "SM0123456789", "To": "+15550100001", "Tag": ["b", "a", "b"]}',
    encode(hmac('https://mycompany.com/myapp?foo=1&bar=2MessageSidSM0123456789MessageStatussentTagaTagbTo+15550100001', '12345', 'sha1'), 'base64'))), 'accepted', 'a field that is there several times');
ROLLBACK TO reports;

-- Lob
SELECT is(pg_temp.mailed('letter.in_transit'), 'accepted 1 step sent (letter.in_transit)', 'a letter on its way');
SELECT is(pg_temp.mailed('letter.delivered'), 'accepted 1 step sent (letter.delivered) delivered', 'delivered');
SELECT is(pg_temp.mailed('letter.returned_to_sender'), 'bounced 1 step failed - letter.returned_to_sender (letter.returned_to_sender) delivered', 'returned after all');
SELECT is(pg_temp.mailed('letter.sent', signature => signature), format('42501 the signature is not that of a provider lob of company %s', pg_temp.id('acme')), 'a signature that does not fit')
FROM unnest(ARRAY['1655742000123.' || repeat('0', 64), repeat('0', 64), 'x', '']) signature;
ROLLBACK TO reports;
SELECT is(pg_temp.mailed('letter.failed', more => ', "failure_reason": {"message": "no pages", "code": "empty"}'), 'bounced 1 step failed - letter.failed, code empty: no pages (letter.failed)', 'one that could not be printed');
ROLLBACK TO reports;
SELECT is(pg_temp.mailed('letter.in_transit', 'ltr_9999', format(', "metadata": {"delivery": "%s"}', pg_temp.id('one'))), 'accepted 1 step sent (created)', 'a letter is no text message, whatever id it carries');
ROLLBACK TO answers;

-- the answer was lost
SELECT is(pg_temp.answered('one', NULL), 'unknown 1 10 15:05 step sending - in doubt: cut off', 'in doubt');
UPDATE ar_inbox.delivery_attempts SET finished_at = now() WHERE delivery_id = pg_temp.id('one');
SELECT is(pg_temp.report(pg_temp.said('sent', 'SM0123456789', '+15550100002')), 'unknown 1 10 15:05 step sending - in doubt: cut off', 'a report about another number');
SELECT is(pg_temp.report(pg_temp.said('sent', 'SM1111111111')), 'accepted 1 step sending (sent)', 'a report about this one: it was taken, and is not sent again');
SELECT is(pg_temp.report(pg_temp.said('delivered', 'SM1111111111')), 'accepted 1 step sending (delivered) delivered', 'and delivered');
SELECT is(pg_temp.report(pg_temp.said('failed', 'SM2222222222')), 'accepted 1 step sending (delivered) delivered', 'another message''s is not this one''s');
ROLLBACK TO answers;
SELECT is(pg_temp.report(pg_temp.said('delivered', 'SM1111111111')), 'handing_off 1 step sending', 'a report that is quicker than the answer');
SELECT is(pg_temp.answered('one', 201, '{"sid": "SM1111111111", "status": "queued"}'), 'accepted 1 step sending', 'waits');
SELECT is(provider_status || ' ' || (delivered_at IS NOT NULL)::text, 'delivered true', 'for it') FROM ar_inbox.deliveries WHERE id = pg_temp.id('one');
ROLLBACK TO answers;
SELECT is(pg_temp.report(pg_temp.said('undelivered', 'SM1111111111')), 'handing_off 1 step sending', 'quicker than an answer');
SELECT is(pg_temp.answered('one', NULL, at => '2026-02-10 15:00Z'), 'bounced 1 step sending - undelivered', 'that never comes');
ROLLBACK TO answers;
SELECT is(pg_temp.answered('letter', NULL), 'unknown 1 10 15:01 step sending - in doubt: cut off', 'a letter in doubt');
SELECT is(pg_temp.mailed('letter.in_transit', 'ltr_7777', format(', "metadata": {"delivery": "%s"}', pg_temp.id('letter'))), 'accepted 1 step sending (letter.in_transit)', 'is found by what it carries');
ROLLBACK TO answers;
-- one text message, sent twice as nobody knew of the first
SELECT is(pg_temp.answered('one', NULL), 'unknown 1 10 15:05 step sending - in doubt: cut off', 'in doubt');
SELECT is(pg_temp.claims('2026-02-10 15:05Z'), 'one', 'sent again');
SELECT is(pg_temp.answered('one', 201, '{"sid": "SM2222222222", "status": "queued"}', at => '2026-02-10 15:05Z'), 'accepted 2 step sending', 'and taken');
UPDATE ar_inbox.delivery_attempts SET finished_at = now() WHERE delivery_id = pg_temp.id('one');
SELECT is(pg_temp.text('later', phone => '+15550100001'), 'queued', 'another one to that number');
SELECT is(pg_temp.claims('2026-02-10 15:05Z'), 'later', 'goes');
SELECT is(pg_temp.answered('later', NULL, at => '2026-02-10 15:05Z'), 'unknown 1 10 15:10 - in doubt: cut off', 'and is in doubt');
SELECT is(pg_temp.report(pg_temp.said('delivered', 'SM1111111111'), 'later'), 'unknown 1 10 15:10 - in doubt: cut off', 'the first''s report is not taken for this one''s');
SELECT is(pg_temp.state('one'), 'accepted 2 step sending', 'nor does it change the second of the first');
ROLLBACK TO answers;

-- ---- taking a provider away ----

SELECT is(pg_temp.text('waiting', 'second'), 'queued', 'one waits');
SELECT pg_temp.do(format('SELECT ar_inbox.remove_provider(%s, ''sms'')', pg_temp.id('acme'))) \gset
SELECT is(pg_temp.state('waiting'), 'rejected 0 step failed - the provider was removed before it could be handed off', 'and is rejected when the provider goes');
SELECT is(ar_inbox_internal.provider_for(pg_temp.id('acme'), 'sms'), NULL, 'which is gone');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.remove_provider(%s, %L)', pg_temp.id('acme'), channel)), wanted, pg_temp.named(wanted))
FROM (VALUES ('sms', format('IB001 company %s has no provider for sms', pg_temp.id('acme'))), ('email', format('IB001 company %s has no provider for email', pg_temp.id('acme')))) t (channel, wanted);
SELECT is_empty($$SELECT * FROM ar_inbox.secrets WHERE name = 'provider ' || pg_temp.id('sms provider')$$, 'its key too');
SELECT is(pg_temp.answered('one', 201, '{"sid": "SM0123456789", "status": "queued"}'), 'accepted 1 step sending', 'what was under way gets its answer');
SELECT is(pg_temp.report(pg_temp.said('delivered', 'SM0123456789')), 'accepted 1 step sending (delivered) delivered', 'and its reports');
SELECT is(pg_temp.answered('two', NULL), 'unknown 1 10 15:05 step sending - in doubt: cut off', 'one in doubt');
SELECT is(pg_temp.claims('2026-02-10 15:05Z'), 'nothing', 'is not sent again by a provider that is gone');
SELECT is(pg_temp.state('two'), 'unknown 1 step sending - in doubt: cut off', 'and stays in doubt');
SELECT lives_ok(format('SELECT ar_inbox.set_sms_provider(%s, ''AC0123456789'', ''54321'', ''Acme Ltd'')', pg_temp.id('acme')), 'another one');
SELECT isnt(ar_inbox_internal.provider_for(pg_temp.id('acme'), 'sms'), pg_temp.id('sms provider'), 'is another row');

SELECT finish();
ROLLBACK;
