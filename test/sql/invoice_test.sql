\set ECHO none
-- Invoices and payments: amounts, numbers, states, and what is refused.
\i test/lib/pgtap.sql
SELECT plan(136);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme', 'Europe/Berlin', 'EUR'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), 'Globex', email => 'ap@globex.example'));
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('other'), 'Theirs'));

-- An invoice of one line, draft or issued, kept under a name.
CREATE PROCEDURE pg_temp.bill(name text, amount numeric, issued boolean DEFAULT true, number text DEFAULT NULL,
    currency text DEFAULT NULL, issue_date date DEFAULT '2026-01-10', due_date date DEFAULT '2026-02-09') LANGUAGE plpgsql AS $$
BEGIN
    CALL pg_temp.keep(name, ar_inbox.create_invoice(pg_temp.id('globex'),
        jsonb_build_array(jsonb_build_object('description', 'Work', 'unit_price', amount)), issue_date, due_date, number, currency));
    IF issued THEN
        PERFORM ar_inbox.issue_invoice(pg_temp.id(name));
    END IF;
END
$$;
CREATE FUNCTION pg_temp.state(name text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', coalesce(number, '-'), status, total, paid, balance, currency, ended_at IS NOT NULL)
    FROM ar_inbox.invoices WHERE id = pg_temp.id(name)
$$;
CREATE FUNCTION pg_temp.lines_refused(lines jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refusal(format('SELECT ar_inbox.create_invoice(%s, %L)', pg_temp.id('globex'), lines))
$$;

-- create_invoice
CALL pg_temp.keep('first', ar_inbox.create_invoice(pg_temp.id('globex'),
    '[{"description": "Work", "quantity": 2, "unit_price": 150.005}, {"description": "Discount", "unit_price": -0.01},
      {"description": "Half a cent", "quantity": "0.5", "unit_price": "0.01"}]', '2026-01-10', '2026-02-09'));
SELECT is(pg_temp.state('first'), '-|draft|300.01|0|300.01|EUR|f', 'a draft without a number, in the company''s currency');
SELECT results_eq($$SELECT concat_ws('|', line_number, description, quantity, unit_price, amount) FROM ar_inbox.invoice_lines
        WHERE invoice_id = pg_temp.id('first') ORDER BY line_number$$,
    ARRAY['1|Work|2|150.005|300.01', '2|Discount|1|-0.01|-0.01', '3|Half a cent|0.5|0.01|0.01'],
    'lines: quantity 1 if none is given, amounts rounded half away from zero');
CALL pg_temp.keep('dated', ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "Work", "unit_price": 1}]'));
SELECT is(concat_ws('|', issue_date = (now() AT TIME ZONE 'Europe/Berlin')::date, due_date - issue_date), 't|30',
    'dates: today in the company''s time zone, and 30 days on')
FROM ar_inbox.invoices WHERE id = pg_temp.id('dated');
CALL pg_temp.bill('yen', 100.5, currency => 'JPY');
SELECT is(pg_temp.state('yen'), 'INV-00001|issued|101|0|101|JPY|f', 'a currency without decimal places');
CALL pg_temp.bill('dinar', 1.2345, currency => 'KWD');
SELECT is(pg_temp.state('dinar'), 'INV-00002|issued|1.235|0|1.235|KWD|f', 'one with three');
CALL pg_temp.bill('numbered', 10, issued => false, number => ' A-1 ');
SELECT is(pg_temp.state('numbered'), 'A-1|draft|10.00|0|10.00|EUR|f', 'a number given');

SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(0, '[]')$$), 'IB001 customer 0 does not exist', 'unknown customer');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(NULL, '[]')$$), 'IB001 customer NULL does not exist', 'customer NULL');
SELECT is(pg_temp.lines_refused(NULL), '22023 lines is NULL', 'lines NULL');
SELECT is(pg_temp.lines_refused('[]'), '22023 lines is an empty array', 'no lines');
SELECT is(pg_temp.lines_refused('{}'), '22023 lines is not an array but object', 'an object for lines');
SELECT is(pg_temp.lines_refused('[{"unit_price": 1}]'),
    '22023 line 1 of the invoice is not usable: it has no description', 'a line without a description');
SELECT is(pg_temp.lines_refused('[{"description": "x", "unit_price": 1}, {"description": "  ", "unit_price": 1}]'),
    '22023 line 2 of the invoice is not usable: it has no description', 'an empty description, in the second line');
SELECT is(pg_temp.lines_refused('[7]'), '22023 line 1 of the invoice is not usable: it is not an object', 'a number for a line');
SELECT is(pg_temp.lines_refused('[{"description": {}, "unit_price": 1}]'), '22023 line 1 of the invoice is not usable: its description is not a text', 'an object for a description');
SELECT is(pg_temp.lines_refused('[{"description": "x", "qty": 5, "unit_price": 10}]'), '22023 line 1 of the invoice is not usable: it has qty, which is not known', 'an unknown key');
SELECT is(pg_temp.lines_refused('[{"description": "x"}]'),
    '22023 line 1 of the invoice is not usable: it has no unit_price', 'a line without a price');
SELECT is(pg_temp.lines_refused('[{"description": "x", "unit_price": "dear"}]'),
    '22023 line 1 of the invoice is not usable: invalid input syntax for type numeric: "dear"', 'a price that is no number');
SELECT is(pg_temp.lines_refused('[{"description": "x", "unit_price": "NaN"}]'),
    '22023 line 1 of the invoice is not usable: 1 times NaN is no amount', 'NaN');
SELECT is(pg_temp.lines_refused('[{"description": "x", "quantity": "Infinity", "unit_price": 1}]'),
    '22023 line 1 of the invoice is not usable: Infinity times 1 is no amount', 'infinitely much');
SELECT is(pg_temp.lines_refused('[{"description": "x", "unit_price": 1e15}]'),
    '22023 line 1 of the invoice is not usable: 1 times 1000000000000000 is no amount', 'too much');
SELECT is(pg_temp.lines_refused('[{"description": "x", "unit_price": "1e999999"}]'),
    '22023 line 1 of the invoice is not usable: value overflows numeric format', 'far too much');
SELECT is(pg_temp.lines_refused('[{"description": "x", "unit_price": 1}, {"description": "y", "unit_price": -1.01}]'),
    '22023 the lines of the invoice add up to a negative amount', 'a negative total');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', currency => 'eur')$$),
    '22023 currency ''eur'' is not known', 'an impossible currency');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', '2026-02-02', '2026-02-01')$$),
    '22023 due date 2026-02-01 is before issue date 2026-02-02', 'due before it is issued');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', '2026-02-02', 'infinity')$$),
    '22023 due date infinity is out of range', 'never due');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', '1969-12-31')$$),
    '22023 issue date 1969-12-31 is out of range', 'too long ago');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', number => 'A-1')$$),
    '23505 invoice number ''A-1'' is taken', 'a number that is taken');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', number => '')$$),
    '22023 number is empty', 'an empty number');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_invoice(pg_temp.id('globex'), '[{"description": "x", "unit_price": 1}]', number => E'A\n2')$$),
    E'22023 number ''A\n2'' has more than one line', 'a number of two lines');
SELECT is((SELECT count(*) FROM ar_inbox.invoices WHERE company_id = pg_temp.id('acme')), 5::bigint, 'what was refused left nothing behind');
SELECT lives_ok($$SELECT ar_inbox.create_invoice(pg_temp.id('theirs'), '[{"description": "x", "unit_price": 1}]', number => 'A-1')$$,
    'another company may have the same number');

-- issue_invoice
CALL pg_temp.bill('taken', 1, issued => false, number => 'INV-00003');
-- what is unique elsewhere is no reason to draw again and again
CREATE FUNCTION pg_temp.unique_elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE unique_violation USING MESSAGE = 'unique elsewhere', HINT = 'Not here.', CONSTRAINT = 'elsewhere_key';
END
$$;
CREATE TRIGGER elsewhere AFTER UPDATE ON ar_inbox.invoices FOR EACH ROW EXECUTE FUNCTION pg_temp.unique_elsewhere();
SELECT is(pg_temp.refusal($$SELECT ar_inbox.issue_invoice(pg_temp.id('first'))$$), '23505 unique elsewhere', 'another table''s refusal is passed on');
DROP TRIGGER elsewhere ON ar_inbox.invoices;
SELECT lives_ok($$SELECT ar_inbox.issue_invoice(pg_temp.id('first'))$$, 'issue_invoice');
SELECT is(pg_temp.state('first'), 'INV-00004|issued|300.01|0|300.01|EUR|f', 'a number that is taken is passed over');
SELECT lives_ok($$SELECT ar_inbox.issue_invoice(pg_temp.id('numbered'))$$, 'one with a number');
SELECT is(pg_temp.state('numbered'), 'A-1|issued|10.00|0|10.00|EUR|f', 'keeps it');
CALL pg_temp.bill('free', 0);
SELECT is(pg_temp.state('free'), 'INV-00005|paid|0.00|0|0.00|EUR|t', 'an invoice of nothing is paid when it is issued');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.issue_invoice(pg_temp.id('first'))$$), 'IB002 invoice INV-00004 is issued', 'not twice');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.issue_invoice(0)$$), 'IB001 invoice 0 does not exist', 'unknown invoice');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.issue_invoice(NULL)$$), 'IB001 invoice NULL does not exist', 'invoice NULL');

-- record_payment
CALL pg_temp.keep('p1', ar_inbox.record_payment(pg_temp.id('first'), 100, '2026-01-15', 'check'));
SELECT is(pg_temp.state('first'), 'INV-00004|issued|300.01|100|200.01|EUR|f', 'a part');
SELECT is(concat_ws('|', amount, received_on, method, member_id IS NULL), '100|2026-01-15|check|t', 'as it was recorded')
FROM ar_inbox.payments WHERE id = pg_temp.id('p1');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), 200.02)$$),
    'IB004 amount 200.02 is more than the balance of 200.01 EUR of invoice INV-00004', 'more than the balance');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), 'Infinity')$$),
    'IB004 amount Infinity is more than the balance of 200.01 EUR of invoice INV-00004', 'infinitely much');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), -1)$$), '22023 amount -1 is not positive', 'a negative amount');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), 0)$$), '22023 amount 0 is not positive', 'nothing');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), NULL)$$), '22023 amount NULL is not positive', 'amount NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), 'NaN')$$), '22023 amount NaN is not positive', 'NaN');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), 0.001)$$),
    '22023 amount 0.001 is finer than EUR allows', 'a tenth of a cent');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('yen'), 0.5)$$), '22023 amount 0.5 is finer than JPY allows', 'half a yen');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('taken'), 1)$$),
    'IB002 invoice INV-00003 is a draft', 'for a draft');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('dated'), 1)$$),
    format('IB002 invoice %s is a draft', pg_temp.id('dated')), 'for a draft without a number');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(0, 1)$$), 'IB001 invoice 0 does not exist', 'for an unknown invoice');
SELECT is(pg_temp.state('first'), 'INV-00004|issued|300.01|100|200.01|EUR|f', 'what was refused changed nothing');
CALL pg_temp.keep('p2', ar_inbox.record_payment(pg_temp.id('first'), 200.01));
SELECT is(pg_temp.state('first'), 'INV-00004|paid|300.01|300.01|0.00|EUR|t', 'the rest: paid');
SELECT is((SELECT received_on FROM ar_inbox.payments WHERE id = pg_temp.id('p2')), (now() AT TIME ZONE 'Europe/Berlin')::date,
    'received today, in the company''s time zone');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.record_payment(pg_temp.id('first'), 0.01)$$), 'IB002 invoice INV-00004 is paid', 'a cent too many');

-- payments are voided, never changed
SELECT is(pg_temp.refusal($$UPDATE ar_inbox.payments SET amount = 5 WHERE id = pg_temp.id('p2')$$),
    format('IB002 payment %s cannot be changed', pg_temp.id('p2')), 'a payment''s amount stands');
SELECT is(pg_temp.refusal($$UPDATE ar_inbox.payments SET invoice_id = pg_temp.id('numbered') WHERE id = pg_temp.id('p2')$$),
    format('IB002 payment %s cannot be changed', pg_temp.id('p2')), 'so does its invoice');
SELECT lives_ok($$SELECT ar_inbox.void_payment(pg_temp.id('p2'))$$, 'void_payment');
SELECT is(pg_temp.state('first'), 'INV-00004|issued|300.01|100.00|200.01|EUR|f', 'a voided payment opens the balance again');
SELECT is(pg_temp.refusal($$UPDATE ar_inbox.payments SET voided_at = NULL WHERE id = pg_temp.id('p2')$$),
    format('IB002 payment %s cannot be changed', pg_temp.id('p2')), 'voided is voided');
UPDATE ar_inbox.payments SET method = 'wire' WHERE id = pg_temp.id('p2');
SELECT is(pg_temp.state('first'), 'INV-00004|issued|300.01|100.00|200.01|EUR|f', 'a remark changes no balance');
SELECT results_eq($$SELECT action FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'payment' AND subject_id = pg_temp.id('p2') ORDER BY id$$,
    ARRAY['recorded', 'voided'], 'both are written down');

SELECT is(pg_temp.refusal($$SELECT ar_inbox.void_payment(pg_temp.id('p2'))$$), format('IB002 payment %s is voided already', pg_temp.id('p2')), 'not twice');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.void_payment(%s)', id)), format('IB001 payment %s does not exist', id), 'payment ' || id) FROM unnest(ARRAY['0', 'NULL']) id;

-- void_invoice, close_invoice
SELECT is(pg_temp.refusal($$SELECT ar_inbox.void_invoice(pg_temp.id('first'))$$), 'IB002 invoice INV-00004 has payments', 'what has payments is not voided');
SELECT lives_ok($$SELECT ar_inbox.close_invoice(pg_temp.id('first'))$$, 'but can be closed');
SELECT is(pg_temp.state('first'), 'INV-00004|closed|300.01|100.00|200.01|EUR|t', 'with its balance as it is');
UPDATE ar_inbox.payments SET voided_at = now() WHERE id = pg_temp.id('p1');
SELECT is(pg_temp.state('first'), 'INV-00004|closed|300.01|0.00|300.01|EUR|t', 'a payment voided later does not open it again');
SELECT lives_ok($$SELECT ar_inbox.void_invoice(pg_temp.id('yen'))$$, 'void an issued one');
SELECT is(pg_temp.state('yen'), 'INV-00001|voided|101|0|101|JPY|t', 'it is voided');
SELECT lives_ok($$SELECT ar_inbox.void_invoice(pg_temp.id('dated'))$$, 'void a draft');
SELECT is(pg_temp.state('dated'), '-|voided|1.00|0|1.00|EUR|t', 'it has no number and needs none');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.close_invoice(pg_temp.id('taken'))$$), 'IB002 invoice INV-00003 is a draft', 'close a draft');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.%s', call)), format('IB002 invoice %s', message), call)
FROM (VALUES
    ('void_invoice(pg_temp.id(''first''))', 'INV-00004 is closed'), ('close_invoice(pg_temp.id(''first''))', 'INV-00004 is closed'),
    ('void_invoice(pg_temp.id(''yen''))', 'INV-00001 is voided'), ('close_invoice(pg_temp.id(''yen''))', 'INV-00001 is voided'),
    ('void_invoice(pg_temp.id(''free''))', 'INV-00005 is paid'), ('close_invoice(pg_temp.id(''free''))', 'INV-00005 is paid'),
    ('record_payment(pg_temp.id(''first''), 1)', 'INV-00004 is closed'), ('record_payment(pg_temp.id(''yen''), 1)', 'INV-00001 is voided'),
    ('issue_invoice(pg_temp.id(''first''))', 'INV-00004 is closed'), ('issue_invoice(pg_temp.id(''yen''))', 'INV-00001 is voided'),
    ('issue_invoice(pg_temp.id(''free''))', 'INV-00005 is paid'),
    ('mark_sent(pg_temp.id(''first''))', 'INV-00004 is closed'), ('mark_sent(pg_temp.id(''yen''))', 'INV-00001 is voided'),
    ('mark_sent(pg_temp.id(''free''))', 'INV-00005 is paid'),
    ('change_invoice_dates(pg_temp.id(''first''), ''2026-01-01'')', 'INV-00004 is closed'),
    ('change_invoice_dates(pg_temp.id(''yen''), ''2026-01-01'')', 'INV-00001 is voided'),
    ('change_invoice_dates(pg_temp.id(''free''), ''2026-01-01'')', 'INV-00005 is paid')) t (call, message);
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.%s(0)', name)), 'IB001 invoice 0 does not exist', name || ' of an unknown invoice')
FROM unnest(ARRAY['void_invoice', 'close_invoice', 'change_invoice_dates', 'invoice_status', 'mark_sent']) name;
SELECT is(pg_temp.refusal($$SELECT ar_inbox.mark_sent(pg_temp.id('dinar'), NULL)$$), '22004 at is NULL', 'mark_sent at NULL');

-- change_invoice_dates
SELECT lives_ok($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('dinar'), due_date => '2026-03-01')$$, 'change_invoice_dates');
SELECT is(concat_ws('|', issue_date, due_date), '2026-01-10|2026-03-01', 'the other date stays') FROM ar_inbox.invoices WHERE id = pg_temp.id('dinar');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('dinar'), due_date => '2026-01-09')$$),
    '22023 the due date would be before the issue date', 'due before it is issued');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.change_invoice_dates(pg_temp.id('dinar'), issue_date => '2026-03-02')$$),
    '22023 the due date would be before the issue date', 'issued after it is due');

-- invoice_status
CALL pg_temp.bill('berlin', 5, due_date => '2026-02-09');
SELECT is(ar_inbox.invoice_status(pg_temp.id('taken')), 'draft', 'draft');
SELECT is(ar_inbox.invoice_status(pg_temp.id('berlin'), '2026-02-09 22:59:59+00'), 'not_sent', 'not sent, until its due date ends in Berlin');
SELECT is(ar_inbox.invoice_status(pg_temp.id('berlin'), '2026-02-09 23:00:00+00'), 'past_due', 'then past due');
SELECT lives_ok($$SELECT ar_inbox.mark_sent(pg_temp.id('berlin'))$$, 'mark_sent');
SELECT is(ar_inbox.invoice_status(pg_temp.id('berlin'), '2026-02-09 22:59:59+00'), 'sent', 'marked as sent');
SELECT is(ar_inbox.invoice_status(pg_temp.id('free')), 'paid', 'paid');
SELECT is(ar_inbox.invoice_status(pg_temp.id('first')), 'closed', 'closed');
SELECT is(ar_inbox.invoice_status(pg_temp.id('yen')), 'voided', 'voided');

-- more than 99,999 invoices
UPDATE ar_inbox.companies SET next_invoice_number = 99999 WHERE id = pg_temp.id('acme');
CALL pg_temp.bill('n99999', 1);
CALL pg_temp.bill('n100000', 1);
CALL pg_temp.bill('n100001', 1);
SELECT is(pg_temp.state('n99999'), 'INV-99999|issued|1.00|0|1.00|EUR|f', 'number 99,999');
SELECT is(pg_temp.state('n100000'), 'INV-100000|issued|1.00|0|1.00|EUR|f', 'number 100,000');
SELECT is(pg_temp.state('n100001'), 'INV-100001|issued|1.00|0|1.00|EUR|f', 'and the next');

-- dates that no document has
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_invoice_dates(%s, due_date => ''infinity'')', pg_temp.id('berlin'))), '22023 due date infinity is out of range', 'a due date that never comes');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.change_invoice_dates(%s, ''-infinity'')', pg_temp.id('berlin'))), '22023 issue date -infinity is out of range', 'an issue date that never was');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.record_payment(%s, 1, ''infinity'')', pg_temp.id('berlin'))), '22023 received_on infinity is out of range', 'money that never came');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_sent(%s, ''infinity'')', pg_temp.id('berlin'))), '22023 at infinity is out of range', 'sent at no time');
SELECT is(pg_temp.refusal(format('SELECT ar_inbox.mark_sent(%s, ''2099-01-01'')', pg_temp.id('berlin'))), '22023 at 2099-01-01 00:00:00+00 is in the future', 'nor one day');
SELECT matches(pg_temp.refusal('DELETE FROM ar_inbox.payments'), '^IB002 payment [0-9]+ cannot be deleted$', 'a payment is voided, not deleted');

-- what no statement can do, whoever gives it
SELECT throws_ok(format('UPDATE ar_inbox.invoices SET %s WHERE id = %s', change, pg_temp.id('berlin')), code, NULL, change || ' is refused')
FROM (VALUES ('total = -1', '23514'), ('paid = 6', '23514'), ('paid = -1', '23514'), ('paid = 5', '23514'), ('status = ''paid''', '23514'),
    ('number = NULL', '23514'), ('number = ''A-1''', '23505'), ('due_date = ''2026-01-01''', '23514'), ('currency = ''eur''', '23514'),
    ('balance = 0', '428C9'), ('recipients = ''{}''', '23514')) t (change, code);
SELECT throws_ok(format('UPDATE ar_inbox.invoices SET customer_id = %s WHERE id = %s', pg_temp.id('theirs'), pg_temp.id('berlin')),
    '23503', NULL, 'an invoice cannot go to another company''s customer');
SELECT throws_ok(format('INSERT INTO ar_inbox.payments (company_id, invoice_id, amount, received_on) VALUES (%s, %s, 1, ''2026-01-01'')',
        pg_temp.id('other'), pg_temp.id('berlin')), '23503', NULL, 'a payment cannot go to another company''s invoice');
SELECT is(pg_temp.refusal(format('INSERT INTO ar_inbox.payments (company_id, invoice_id, amount, received_on) VALUES (%s, %s, 6, ''2026-01-01'')',
        pg_temp.id('acme'), pg_temp.id('berlin'))),
    'IB004 amount 6 is more than the balance of 5.00 EUR of invoice INV-00006', 'a payment put in by hand is judged as well');
SELECT is((SELECT sum(balance) FROM ar_inbox.invoices WHERE company_id = pg_temp.id('acme')),
    (SELECT sum(i.total - coalesce((SELECT sum(p.amount) FROM ar_inbox.payments p
        WHERE p.company_id = i.company_id AND p.invoice_id = i.id AND p.voided_at IS NULL), 0))
     FROM ar_inbox.invoices i WHERE i.company_id = pg_temp.id('acme')), 'after all this, balances are totals less payments');

SELECT finish();
ROLLBACK;
