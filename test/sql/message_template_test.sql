\set ECHO none
-- The texts of messages: values by language, templates, what becomes of both.
\i test/lib/pgtap.sql
SELECT plan(155);

-- What a statement is refused with, and the detail that makes it understandable.
CREATE FUNCTION pg_temp.refusal_and_detail(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    code text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, code = RETURNED_SQLSTATE;
    RETURN code || ' ' || message || CASE WHEN detail <> '' THEN ' ' || detail ELSE '' END || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END
$$;

CREATE PROCEDURE pg_temp.run(statement text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
-- no-break spaces as plain ones
CREATE FUNCTION pg_temp.plain(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT translate(value, U&'\00A0\202F', '  ') $$;

-- ---- amounts, numbers, dates ----

SELECT is(pg_temp.plain(ar_inbox_internal.format_money(a.amount, a.currency, a.language)), a.wanted, format('an amount in %s: %s', a.language, a.wanted))
FROM (VALUES (1250, 'USD', 'en', 'USD 1,250.00'), (0.00125, 'USD', 'en', 'USD 0.00125'), (999999999999999.99, 'EUR', 'en', 'EUR 999,999,999,999,999.99'),
    (1250, 'JPY', 'en', 'JPY 1,250'), (-3.5, 'KWD', 'en', '-KWD 3.500'), (1250.5, 'USD', 'de', '1.250,50 USD'), (1234567, 'INR', 'en-IN', 'INR 12,34,567.00'),
    (1250, 'EUR', 'fr', '1 250,00 EUR'), ('NaN', 'EUR', 'fr', 'EUR NaN')) a (amount, currency, language, wanted);
SELECT is(ar_inbox_internal.format_money(NULL, 'USD', 'en'), NULL, 'no amount');
SELECT is(ar_inbox_internal.format_money(1250000, 'EUR', 'fr'), U&'1\00A0250\00A0000,00 EUR', 'within the number a line does not break, beside it it may');
SELECT is(pg_temp.plain(ar_inbox_internal.format_number(n.number, n.language)), n.wanted, format('a number in %s: %s', n.language, n.wanted))
FROM (VALUES (2.500, 'en', '2.5'), (2.500, 'de', '2,5'), (1000, 'de', '1.000'), (0, 'de', '0'), (12345678901234567890.123456789, 'fr', '12 345 678 901 234 567 890,123456789')) n (number, language, wanted);
SELECT is(ar_inbox_internal.format_date(d.day::date, d.language), d.wanted, format('a date in %s: %s', d.language, d.wanted))
FROM (VALUES ('2035-03-01', 'en', 'March 1, 2035'), ('2035-03-01', 'en-GB', '1 March 2035'), ('2035-03-01', 'de', '1. März 2035'), ('2035-03-01', 'fr', '1 mars 2035'),
    ('2035-03-01', 'es', '1 de marzo de 2035'), ('2024-02-29', 'en', 'February 29, 2024'), ('infinity', 'en', 'infinity'), ('-infinity', 'de', '-infinity')) d (day, language, wanted);
-- a formatter more than are kept, and back again
SELECT is((SELECT count(DISTINCT ar_inbox_internal.format_money(1.5, c, l)) FROM unnest(ARRAY['EUR', 'USD', 'GBP', 'CHF', 'CAD']) c,
    unnest(ARRAY['en', 'de', 'fr', 'es', 'it', 'nl', 'pt', 'pl', 'cs', 'sv', 'fi', 'hu', 'ro', 'tr', 'uk']) l) > 9, true, 'many formatters');
-- What other means make of random amounts: English by to_char(), the others by its separators.
SELECT is((
    SELECT count(*) FROM (
        SELECT r.amount, to_char(r.amount, 'FM999,999,999,990.00') AS english, l.language, l.grouping, l.point, l.form
        FROM (SELECT round((abs(hashint8(n)) * power(10.0, n % 9 - 6))::numeric, 2) AS amount FROM generate_series(1, 1000) n) r
        CROSS JOIN (VALUES ('en', ',', '.', 'EUR %s'), ('en-GB', ',', '.', 'EUR %s'), ('ja', ',', '.', 'EUR %s'), ('de', '.', ',', '%s EUR'),
            ('fr', ' ', ',', '%s EUR'), ('it', '.', ',', '%s EUR'), ('pt-BR', '.', ',', 'EUR %s'), ('de-CH', '''', '.', 'EUR %s')) l (language, grouping, point, form)
        WHERE r.amount < 1e12
    ) x
    WHERE pg_temp.plain(ar_inbox_internal.format_money(x.amount, 'EUR', x.language))
        IS DISTINCT FROM format(x.form, translate(x.english, ',.', x.grouping || x.point))), 0::bigint, 'random amounts in eight languages');
SELECT is((
    SELECT count(*) FROM generate_series(1, 1000) n
    -- Arabic digits and separators, without the marks that give the direction
    WHERE translate(ar_inbox_internal.format_number(n * 1234.56, 'ar-EG'), U&'\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669\066B\066C\200E\200F\061C', '0123456789.,')
        <> ar_inbox_internal.format_number(n * 1234.56, 'en')), 0::bigint, 'Arabic digits');
SELECT is((
    SELECT count(*) FROM generate_series('2024-01-01'::date, '2026-12-31', '1 day') d
    WHERE ar_inbox_internal.format_date(d::date, 'en') <> trim(to_char(d, 'FMMonth FMDD, YYYY'))
        OR ar_inbox_internal.format_date(d::date, 'en-GB') <> trim(to_char(d, 'FMDD FMMonth YYYY'))), 0::bigint, 'three years of dates');

-- ---- a company and its invoices ----

CREATE ROLE ar_test_vera LOGIN;
CALL pg_temp.keep('acme', ar_inbox.create_company('Acme Ltd', 'Europe/Berlin', 'USD', 'en'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other', 'UTC', 'EUR', 'de-AT'));
CREATE PROCEDURE pg_temp.customer(wanted text, company text, language text) LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(wanted, ar_inbox.create_customer(pg_temp.id(company), initcap(wanted)));
    UPDATE ar_inbox.customers c SET language = customer.language WHERE c.id = pg_temp.id(wanted);
END
$$;
CREATE PROCEDURE pg_temp.bill(wanted text, customer text, lines jsonb DEFAULT '[{"description": "Work & *more*", "quantity": 2.5, "unit_price": 500}]') LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(wanted, ar_inbox.create_invoice(pg_temp.id(customer), lines, '2035-01-30', '2035-03-01', upper(wanted)));
END
$$;
DO $$
BEGIN
    PERFORM ar_inbox.create_member(pg_temp.id('acme'), 'Vera', 'vera@example.com', 'ar_test_vera', '{view}');
    PERFORM ar_inbox.set_mail_account(pg_temp.id('acme'), 'billing@example.com', 'smtp://mail.example.com', 'user', 'secret', 'inbox@example.com');
    CALL pg_temp.customer('globex', 'acme', NULL);
    CALL pg_temp.customer('muster', 'acme', 'de-AT');
    CALL pg_temp.customer('dupont', 'acme', 'fr');
    CALL pg_temp.customer('kowalski', 'acme', 'pl');
    CALL pg_temp.customer('fremd', 'other', NULL);
    CALL pg_temp.bill('a1', 'globex'); CALL pg_temp.bill('a2', 'globex'); CALL pg_temp.bill('m1', 'muster'); CALL pg_temp.bill('d1', 'dupont');
    CALL pg_temp.bill('k1', 'kowalski'); CALL pg_temp.bill('f1', 'fremd');
    CALL pg_temp.keep('draft', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', '2035-01-30', '2035-03-01'));
    PERFORM ar_inbox.issue_invoice(pg_temp.id(n)) FROM unnest(ARRAY['a1', 'a2', 'm1', 'd1', 'k1', 'f1']) n;
    PERFORM ar_inbox.record_payment(pg_temp.id('a2'), 250.25, '2035-02-14', 'cheque');
END
$$;
CREATE FUNCTION pg_temp.context(invoice text, at timestamptz DEFAULT '2035-02-10 12:00+00', languages text[] DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.plain(c.context::text)::jsonb
    FROM ar_inbox_internal.invoice_contexts(pg_temp.id(CASE invoice WHEN 'f1' THEN 'other' ELSE 'acme' END), ARRAY[pg_temp.id(invoice)], at, languages) c
$$;

-- ---- values ----

SELECT is(pg_temp.context('a1') - '{lines,links}'::text[], '{
    "company": {"name": "Acme Ltd", "currency": "USD", "language": "en", "email": "inbox@example.com"},
    "customer": {"name": "Globex", "number": "CUST-00001", "language": "en"},
    "contact": {"name": null, "email": null, "phone": null},
    "invoice": {"number": "A1", "currency": "USD", "issue_date": "January 30, 2035", "due_date": "March 1, 2035", "total": "USD 1,250.00", "paid": null,
        "balance": "USD 1,250.00", "days_past_due": null, "is_past_due": false, "is_one_day_past_due": false, "is_paid": false,
        "raw": {"issue_date": "2035-01-30", "due_date": "2035-03-01", "total": 1250.00, "paid": 0, "balance": 1250.00, "days_past_due": null}},
    "balance": "USD 1,250.00", "days_past_due": null}', 'what is known of an invoice');
SELECT is(pg_temp.context('a1') -> 'lines', '[{"description": "Work & *more*", "quantity": "2.5", "unit_price": "USD 500.00", "amount": "USD 1,250.00"}]', 'its lines');
SELECT is(pg_temp.context('a1') -> 'links', '{"invoice": null}', 'no link, without a place where invoices are shown');
SELECT is(pg_temp.context('a2') #>> '{invoice,paid}', 'USD 250.25', 'what was paid');
SELECT is(pg_temp.context('a2') ->> 'balance', 'USD 999.75', 'what is open');
SELECT is(pg_temp.context('m1') #> '{lines,0}', '{"description": "Work & *more*", "quantity": "2,5", "unit_price": "USD 500,00", "amount": "USD 1.250,00"}', 'as in Austria');
SELECT is(pg_temp.context('m1') #>> '{invoice,due_date}', '1. März 2035', 'dates too');
SELECT is(pg_temp.context('d1') #>> '{invoice,total}', '1 250,00 USD', 'as in France');
SELECT is(pg_temp.context('f1') #>> '{invoice,total}', 'EUR 1.250,00', 'the company''s language, where the customer has none');
SELECT is(pg_temp.context('d1', languages => ARRAY['es']) #>> '{invoice,due_date}', '1 de marzo de 2035', 'the language that is asked for');
SELECT is(pg_temp.context('d1', languages => ARRAY['es']) #>> '{customer,language}', 'es', 'and it says so');
-- days past due are those of the company's calendar
SELECT is(array_to_string(ARRAY[c #>> '{invoice,days_past_due}', c ->> 'days_past_due', c #>> '{invoice,is_past_due}', c #>> '{invoice,is_one_day_past_due}', c #>> '{invoice,raw,days_past_due}'], ' ', '-'),
    t.wanted, 'past due ' || t.at)
FROM (VALUES ('2035-03-01 22:59+00', '- - false false -'), ('2035-03-01 23:00+00', '1 1 true true 1'), ('2035-03-02 23:00+00', '2 2 true false 2'),
    ('2038-03-01 12:00+00', '1,096 1,096 true false 1096')) t (at, wanted), LATERAL pg_temp.context('a1', t.at::timestamptz) c;

-- one query for many: each once, in whatever order, and no other company's
SELECT results_eq(format('SELECT count(*), count(DISTINCT invoice_id), array_agg(DISTINCT language ORDER BY language) FROM ar_inbox_internal.invoice_contexts(%s, %L, now())', pg_temp.id('acme'),
        (SELECT array_agg(id) FROM (SELECT pg_temp.id(n) AS id FROM unnest(ARRAY['a1', 'm1', 'a1', 'f1', 'd1', 'a2', 'k1']) n UNION ALL SELECT NULL UNION ALL SELECT 0) x)),
    $$VALUES (5::bigint, 5::bigint, ARRAY['de-AT', 'en', 'fr', 'pl'])$$, 'of those named twice one, of those that are not the company''s none');
SELECT is((SELECT count(*) FROM ar_inbox_internal.invoice_contexts(pg_temp.id('acme'), '{}', now())), 0::bigint, 'of none none');
SELECT is((SELECT count(*) FROM ar_inbox_internal.invoice_contexts(pg_temp.id('acme'), ARRAY[pg_temp.id('a1'), pg_temp.id('a2'), pg_temp.id('d1')], '2035-02-10 12:00+00') c
    WHERE c.context = (SELECT s.context FROM ar_inbox_internal.invoice_contexts(pg_temp.id('acme'), ARRAY[c.invoice_id], '2035-02-10 12:00+00') s)), 3::bigint, 'each as it is alone');

-- whom a message speaks to
CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann', 'ann@example.com', '+49 30 1234567'));
SELECT is(pg_temp.context('a1') -> 'contact', '{"name": "Ann", "email": "ann@example.com", "phone": "+49 30 1234567"}', 'the only contact');
CALL pg_temp.keep('bob', ar_inbox.create_contact(pg_temp.id('globex'), 'Bob'));
SELECT is(pg_temp.context('a1') -> 'contact', '{"name": null, "email": null, "phone": null}', 'of two nobody knows which');
CALL pg_temp.keep('cleo', ar_inbox.create_contact(pg_temp.id('globex'), 'Cleo', is_primary => true));
SELECT is(pg_temp.context('a1') #>> '{contact,name}', 'Cleo', 'the primary one');
SELECT is(ar_inbox_internal.contact_values(pg_temp.id('acme'), pg_temp.id('bob')), '{"name": "Bob", "email": null, "phone": null}', 'a certain one');
SELECT is(ar_inbox_internal.contact_values(pg_temp.id('other'), pg_temp.id('bob')), pg_temp.context('k1') -> 'contact', 'another company''s is nobody');

-- a payment, for its receipt
SELECT is(ar_inbox_internal.payment_values(p.company_id, p.id, 'de'), '{"amount": "250,25 USD", "date": "14. Februar 2035", "method": "cheque"}', 'a payment')
FROM ar_inbox.payments p WHERE p.invoice_id = pg_temp.id('a2');

-- the link of an invoice
SELECT is(pg_temp.refusal_and_detail(format('SELECT ar_inbox.change_settings(%s, ''{"invoice_link_url": "%s"}'')', pg_temp.id('acme'), u)),
    '22023 the settings cannot be {"invoice_link_url": "' || u || '"}', 'no place for invoices: ' || u)
FROM unnest(ARRAY['http://pay.example.com/', 'https://', 'https://a b', 'pay.example.com', 'https://<x>']) u;
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"invoice_link_url": "https://pay.example.com/i/"}'); END $$;
SELECT matches(pg_temp.context('a1') #>> '{links,invoice}', '^https://pay\.example\.com/i/[0-9a-f]{32}i[a-z2-7]{29}$', 'a link');
SELECT is(ar_inbox_internal.read_token(ar_inbox_internal.signing_key(c.id), 'i', right(pg_temp.context('a1') #>> '{links,invoice}', 30)), pg_temp.id('a1'), 'carries the invoice')
FROM ar_inbox.companies c WHERE c.id = pg_temp.id('acme');
SELECT is((SELECT count(DISTINCT pg_temp.context(n) #>> '{links,invoice}') FROM unnest(ARRAY['a1', 'a2', 'm1']) n), 3::bigint, 'each has its own');
DO $$ BEGIN PERFORM ar_inbox.change_settings(pg_temp.id('acme'), '{"invoice_link_url": null}'); END $$;

-- ---- filling ----

CREATE FUNCTION pg_temp.filled(subject text, body text, context jsonb DEFAULT '{"a": "<*x*>", "e": "", "two": "1\n\n 2"}') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce('error: ' || f.error, concat_ws(' | ', coalesce(f.subject, 'NULL'), f.text, f.html)) FROM ar_inbox_internal.fill_message(subject, body, context) f
$$;
SELECT is(pg_temp.filled(E' Re:\t{{two}}  {{a}}\n', 'Hi {{a}} **there**'), E'Re: 1 2 <*x*> | Hi <*x*> **there** | <p>Hi &lt;*x*&gt; <strong>there</strong></p>\n', 'subject, text, HTML');
SELECT is(pg_temp.filled(s, 'b'), E'NULL | b | <p>b</p>\n', 'no subject: ' || to_json(s)) FROM unnest(ARRAY['', '{{e}}', E' {{e}} {{nosuch}} \n']) s;
SELECT is(pg_temp.filled('s', ''), 's |  | ', 'no body');
SELECT is(pg_temp.filled('a {{b', 'x'), 'error: the subject cannot be read: this tag is not closed: "}}" is missing (line 1, column 3)', 'the subject is wrong');
SELECT is(pg_temp.filled('a', E'x\n {{/b}}'), 'error: the body cannot be read: "/b" closes nothing that is open (line 2, column 2)', 'the body is wrong');
SELECT is(pg_temp.filled('a', repeat('{{#l}}', 9) || 'x' || repeat('{{/l}}', 9), jsonb_build_object('l', (SELECT jsonb_agg(n) FROM generate_series(1, 10) n))),
    'error: the body cannot be rendered: rendering this template takes too much work (line 1, column 55)', 'too much work');
SELECT is(pg_temp.filled('a', repeat('x', 3000000)), 'error: the body cannot be read: a template can be at most 1048576 bytes long (line 1, column 1)', 'too long');
SELECT is(pg_temp.filled('a', '{{{x}}}', jsonb_build_object('x', repeat('x', 3000000))), 'error: the body is too long or too deeply nested to become HTML', 'too long to become HTML');
SELECT is((SELECT count(f.error) + count(f.subject) + count(f.text) + count(f.html) FROM ar_inbox_internal.fill_message('a', NULL, '{}') f), 0::bigint, 'of nothing nothing');
-- more templates than are kept, wrong ones among them, again and again
SELECT is((SELECT count(*) FROM generate_series(1, 3) round, generate_series(1, 150) n
    WHERE pg_temp.filled(CASE WHEN n % 10 = 0 THEN '{{wrong' ELSE n || ' {{x}}' END, 'body ' || n || ' {{x}}', jsonb_build_object('x', round))
        IS DISTINCT FROM CASE WHEN n % 10 = 0 THEN 'error: the subject cannot be read: this tag is not closed: "}}" is missing (line 1, column 1)'
        ELSE format(E'%s %s | body %s %s | <p>body %s %s</p>\n', n, round, n, round, n, round) END), 0::bigint, 'none is taken for another');
SELECT is((SELECT count(*) FROM generate_series(1, 2) round, generate_series(60000, 66000, 3000) n
    WHERE length(pg_temp.filled('a', repeat('x', n - 5) || '{{x}}', '{"x": 1}')) <> 4 + (n - 4) + 3 + (n - 4) + 8), 0::bigint, 'long ones too');

CREATE FUNCTION pg_temp.texted(body text, context jsonb DEFAULT '{"a": "García"}') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce('error: ' || f.error, f.text, 'NULL') FROM ar_inbox_internal.fill_text_message(body, context) f
$$;
SELECT is(pg_temp.texted(E'Hi {{a}} – **1\u00a0250**\n\n'), 'Hi Garcia - **1 250**', 'a text message, in its alphabet');
SELECT is(pg_temp.texted('Привет {{a}} –'), 'Привет García –', 'or not');
SELECT is(pg_temp.texted(' '), 'NULL', 'none');
SELECT is(pg_temp.texted('{{'), 'error: the body cannot be read: this tag is not closed: "}}" is missing (line 1, column 1)', 'a wrong one');
SELECT is(ar_inbox_internal.gsm7_length(t), n, format('its length: %L', t)) FROM (VALUES ('abc', 3), ('1 €', 4), ('', 0), ('ç', NULL)) v (t, n);

-- ---- the built-in texts ----

SELECT results_eq($$SELECT name, array_agg(language ORDER BY language) FROM ar_inbox_internal.builtin_texts() GROUP BY name ORDER BY name$$,
    $$SELECT m[1], ARRAY['de', 'en', 'es', 'fr'] FROM pg_constraint, regexp_matches(pg_get_constraintdef(oid), '''(\w+)''', 'g') m WHERE conname = 'templates_name_known' ORDER BY 1$$,
    'every message in four languages');
CREATE TEMP VIEW filled AS
SELECT b.name, b.language, m.month, f.*,
    ar_inbox_internal.template_unknowns(b.subject, c.context) || ar_inbox_internal.template_unknowns(b.body, c.context) AS unknown
FROM ar_inbox_internal.builtin_texts() b
CROSS JOIN generate_series(1, 12) AS m (month)
CROSS JOIN LATERAL (
    SELECT jsonb_set(jsonb_set(i.context, '{invoice,due_date}', to_jsonb(ar_inbox_internal.format_date(make_date(2035, m.month, 28), b.language))),
        '{links,invoice}', CASE WHEN m.month = 12 THEN to_jsonb('https://pay.example.com/i/' || repeat('x', 62)) ELSE 'null' END)
        || jsonb_build_object('payment', ar_inbox_internal.payment_values(p.company_id, p.id, b.language)) AS context
    FROM ar_inbox.payments p,
        ar_inbox_internal.invoice_contexts(p.company_id, ARRAY[p.invoice_id], '2035-04-10', ARRAY[b.language]) i
    WHERE p.invoice_id = pg_temp.id('a2')
) c
CROSS JOIN LATERAL (
    SELECT f.subject, f.text, f.html, f.error FROM ar_inbox_internal.fill_message(b.subject, b.body, c.context) f WHERE b.name NOT LIKE '%\_sms'
    UNION ALL
    SELECT NULL, f.text, NULL, f.error FROM ar_inbox_internal.fill_text_message(b.body, c.context) f WHERE b.name LIKE '%\_sms'
) f;
SELECT is_empty('SELECT name, language, unknown, error FROM filled WHERE unknown <> ''{}'' OR error IS NOT NULL', 'they parse, and every name in them is known');
SELECT is_empty($$SELECT name, language, subject FROM filled WHERE name NOT LIKE '%\_sms' AND (subject NOT LIKE '%A2%' OR html NOT LIKE '<p>%Globex%' OR html ~ '\{\{|\*\*')$$,
    'a mail names the invoice and the customer');
SELECT is_empty($$SELECT name, language, text FROM filled WHERE text NOT LIKE '%Acme Ltd%' OR text NOT LIKE '%A2%' OR text ~ '\{\{|  |\n\n\n'$$, 'every text names the company and the invoice');
SELECT is_empty($$SELECT name, language, month, text FROM filled WHERE name LIKE '%\_sms' AND coalesce(ar_inbox_internal.gsm7_length(text), 999) > CASE month WHEN 12 THEN 306 ELSE 125 END$$,
    'a text message is one message all the year, with room for longer names, and two with a link');
SELECT ok(count(*) = 24 AND bool_and(text LIKE '%https://pay.example.com/i/x%'), 'which is in them if there is one') FROM filled WHERE month = 12 AND name ~ 'invoice(_sms)?$|invoice_reminder';
SELECT is(count(DISTINCT text), 36::bigint, 'no two are the same') FROM filled WHERE month = 1;
SELECT is(pg_temp.plain(text), E'Guten Tag Globex,\n\ndie Rechnung A2 vom 30. Januar 2035 war am 28. Mai 2035 fällig und ist seit 40 Tagen überfällig. Offen sind **999,75 USD**.\n'
    'Bitte zahlen Sie den Betrag, oder teilen Sie uns mit, wann Sie zahlen werden.\n\n'
    'Haben Sie inzwischen gezahlt, betrachten Sie diese Nachricht bitte als gegenstandslos.\n\nMit freundlichen Grüßen\nAcme Ltd\n', 'one of them')
FROM filled WHERE name = 'past_due_invoice' AND language = 'de' AND month = 5;
SELECT is(text, 'Acme Ltd : la facture A2 était à payer le 28 aout 2035. Merci de régler 999,75 USD.', 'a text message in August')
FROM filled WHERE name = 'past_due_invoice_sms' AND language = 'fr' AND month = 8;

-- ---- which text ----

SELECT is(ar_inbox_internal.language_chain(t), c, format('nearest first: %L', t))
FROM (VALUES ('de-AT', '{de-at,de}'::text[]), ('zh-Hant-TW', '{zh-hant-tw,zh-hant,zh}'), ('en', '{en}'), (NULL, '{}')) v (t, c);
CREATE FUNCTION pg_temp.chosen(language text, company text DEFAULT 'acme', name text DEFAULT 'invoice_reminder') RETURNS text LANGUAGE sql AS $$
    SELECT split_part(t.subject, ' ', 1) || ' ' || t.text_language FROM ar_inbox_internal.template_text(pg_temp.id(company), name, language) t
$$;
SELECT is(pg_temp.chosen(l), w, format('without its own texts, for %L', l))
FROM (VALUES ('de', 'Erinnerung: de'), ('de-AT', 'Erinnerung: de-AT'), ('DE-at', 'Erinnerung: DE-at'), ('fr-CA', 'Rappel fr-CA'), ('pl', 'Reminder: en'), (NULL, 'Reminder: en')) v (l, w);
SELECT is(pg_temp.chosen(l, 'other'), w, format('of a company in Austria, for %L', l))
FROM (VALUES ('de', 'Erinnerung: de'), ('pl', 'Erinnerung: de-AT'), ('en-GB', 'Reminder: en-GB'), (NULL, 'Erinnerung: de-AT')) v (l, w);
DO $$ BEGIN PERFORM ar_inbox.set_template(pg_temp.id('acme'), 'invoice_reminder', 'Ours {{invoice.number}}', 'b'); END $$;
SELECT is(pg_temp.chosen(l), w, format('with one of its own, for %L', l)) FROM (VALUES ('de-AT', 'Ours en'), ('pl', 'Ours en'), ('en-GB', 'Ours en-GB'), (NULL, 'Ours en')) v (l, w);
DO $$ BEGIN
    PERFORM ar_inbox.set_template(pg_temp.id('acme'), 'invoice_reminder', 'Unsere {{invoice.number}}', 'b', 'de');
    PERFORM ar_inbox.set_template(pg_temp.id('acme'), 'invoice_reminder', 'Schweizer {{invoice.number}}', 'b', 'de-CH');
END $$;
SELECT is(pg_temp.chosen(l), w, format('with more, for %L', l)) FROM (VALUES ('de-AT', 'Unsere de-AT'), ('de-CH', 'Schweizer de-CH'), ('de-ch', 'Schweizer de-ch'), ('de-CH-1996', 'Schweizer de-CH-1996'), ('fr', 'Ours en')) v (l, w);
SELECT is(pg_temp.chosen('de', 'acme', 'nosuch'), NULL, 'no such template');

-- ---- setting them ----

CREATE FUNCTION pg_temp.setting(arguments text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.refusal_and_detail(format('SELECT ar_inbox.set_template(%s, %s)', pg_temp.id('acme'), arguments)) $$;
SELECT is(pg_temp.setting(t.arguments), t.wanted, t.arguments) FROM (VALUES
    ('''x'', ''s'', ''b''', '22023 template ''x'' is not known'), ('NULL, ''s'', ''b''', '22023 template NULL is not known'),
    ('''new_invoice'', '''', ''b''', '22023 subject is empty'), ('''new_invoice'', NULL, ''b''', '22023 subject is empty'), ('''new_invoice'', E''a\nb'', ''b''', E'22023 subject ''a\nb'' has more than one line'),
    ('''new_invoice'', ''s'', '' ''', '22023 body is empty'), ('''new_invoice_sms'', '''', NULL', '22023 body is empty'),
    ('''new_invoice'', ''s'', ''b'', ''german''', '22023 language ''german'' has not the form of a language tag'),
    ('''new_invoice'', ''no {{number'', ''b''', '42601 the subject cannot be read: this tag is not closed: "}}" is missing Line 1, column 4.'),
    ('''new_invoice'', ''s'', E''Hi\n\n {{#lines}}''', '42601 the body cannot be read: "#lines" is never closed Line 3, column 2.'),
    ('''new_invoice'', ''s'', ''{{/x}}''', '42601 the body cannot be read: "/x" closes nothing that is open Line 1, column 1.')) t (arguments, wanted);
SELECT is(count(*), 3::bigint, 'what was refused is not there') FROM ar_inbox.templates t WHERE t.company_id = pg_temp.id('acme');
SELECT is(pg_temp.setting(quote_literal(b.name) || ', ' || quote_literal(b.subject) || ', ' || quote_literal(b.body) || ', ''nl'''), 'accepted', b.name || ' can be set')
FROM ar_inbox_internal.builtin_texts() b WHERE b.language = 'en' ORDER BY b.name;
SELECT is(pg_temp.setting('''new_invoice_sms'', NULL, ''{{invoice.number}}!'''), 'accepted', 'a text message needs no subject');
SELECT results_eq($$SELECT language, subject, body FROM ar_inbox.templates WHERE name = 'new_invoice_sms' ORDER BY language$$, $$VALUES ('en', '', '{{invoice.number}}!'),
    ('nl', '', (SELECT body FROM ar_inbox_internal.builtin_texts() WHERE name = 'new_invoice_sms' AND language = 'en'))$$, 'and has none');

-- ---- looking at them ----

CREATE FUNCTION pg_temp.preview(name text, invoice text, language text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.plain(concat_ws(' | ', coalesce(p.subject, 'NULL'), p.text, coalesce(p.html, 'NULL'), p.unknown_variables))
    FROM ar_inbox.preview_template(pg_temp.id('acme'), name, pg_temp.id(invoice), language) p
$$;
DO $$ BEGIN
    PERFORM ar_inbox.set_template(pg_temp.id('acme'), 'past_due_invoice', '{{invoice.number}} {{what}}',
        '{{customer.nme}}{{lines}} **{{balance}}** {{#invoice.paid}}{{invoice.payd}}{{/invoice.paid}}{{what}}{{links.invoice}}{{contact.name}}{{payment.amount}}{{#lines}}{{descr}}{{/lines}}');
END $$;
SELECT is(pg_temp.preview('past_due_invoice', 'm1'), E'M1 |  **USD 1,250.00**  | <p><strong>USD 1,250.00</strong></p>\n | {what,customer.nme,lines,invoice.payd,payment.amount,descr}',
    'a template with names that stand for nothing, where it is false too');
SELECT is(pg_temp.preview('past_due_invoice', 'm1', 'fr'), E'M1 |  **USD 1,250.00**  | <p><strong>USD 1,250.00</strong></p>\n | {what,customer.nme,lines,invoice.payd,payment.amount,descr}',
    'its own in English is nearer than the built-in in French');
SELECT is(pg_temp.preview('new_invoice_sms', 'a1'), 'NULL | A1! | NULL | {}', 'a text message');
SELECT is(pg_temp.preview('new_invoice_sms', 'draft'), 'NULL | ! | NULL | {}', 'of a draft, which has no number yet');
SELECT alike(pg_temp.preview('new_invoice', 'draft', 'es'), 'Factura de Acme Ltd | Buenos días, Globex:%1,00 USD%', 'a mail of a draft, in Spanish');
SELECT alike(pg_temp.preview('payment_receipt', 'a2'), '%**USD 250.25**%on February 14, 2035.%USD 999.75 is still open%| {}', 'a receipt of the last payment');
SELECT alike(pg_temp.preview('payment_receipt', 'a1'), '%**USD 1,250.00**%The invoice is paid in full.%| {}', 'of what would be paid, where nothing was');
SELECT alike(pg_temp.preview('payment_receipt', 'k1', 'de'), 'Zahlung eingegangen: Rechnung K1%1.250,00 USD%', 'in German');
SELECT is(pg_temp.refusal_and_detail(format('SELECT ar_inbox.preview_template(%s)', arguments)), wanted, 'no preview: ' || wanted)
FROM (VALUES (format('%s, ''nosuch'', %s', pg_temp.id('acme'), pg_temp.id('a1')), '22023 template ''nosuch'' is not known'),
    (format('%s, NULL, %s', pg_temp.id('acme'), pg_temp.id('a1')), '22023 template NULL is not known'),
    (format('%s, ''new_invoice'', %s, ''x''', pg_temp.id('acme'), pg_temp.id('a1')), '22023 language ''x'' has not the form of a language tag'),
    (format('%s, ''new_invoice'', 0', pg_temp.id('acme')), 'IB001 invoice 0 does not exist'),
    (format('%s, ''new_invoice'', NULL', pg_temp.id('acme')), 'IB001 invoice NULL does not exist'),
    ('0, ''new_invoice'', 0', 'IB001 company 0 does not exist')) t (arguments, wanted);
SELECT is(pg_temp.refusal_and_detail(format('SELECT ar_inbox.preview_template(%s, ''new_invoice'', %s)', pg_temp.id('acme'), pg_temp.id('f1'))), format('IB001 invoice %s does not exist', pg_temp.id('f1')), 'another company''s invoice');
UPDATE ar_inbox.templates SET body = E'x\n{{' WHERE name = 'past_due_invoice';
SELECT is(pg_temp.refusal_and_detail(format('SELECT ar_inbox.preview_template(%s, ''past_due_invoice'', %s)', pg_temp.id('acme'), pg_temp.id('a1'))),
    '42601 the body cannot be read: this tag is not closed: "}}" is missing Line 2, column 1.', 'a text that was written past set_template()');
UPDATE ar_inbox.templates SET body = repeat('{{#company}}', 200) || repeat('{{#lines}}', 9) || 'x' || repeat('{{/lines}}', 9) || repeat('{{/company}}', 200) WHERE name = 'past_due_invoice';
CALL pg_temp.bill('wide', 'globex', ('[' || repeat('{"description": "x", "unit_price": 1}, ', 11) || '{"description": "x", "unit_price": 1}]')::jsonb);
SELECT matches(pg_temp.refusal_and_detail(format('SELECT ar_inbox.preview_template(%s, ''past_due_invoice'', %s)', pg_temp.id('acme'), pg_temp.id('wide'))),
    '^22023 the body cannot be rendered: rendering this template takes too much work \(line 1, column \d+\)$', 'one that takes too long');
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE ar_test_vera;
SELECT is(pg_temp.preview('new_invoice_sms', 'a1'), 'NULL | A1! | NULL | {}', 'who may view may look');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
