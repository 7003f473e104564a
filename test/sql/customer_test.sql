\set ECHO none
-- Customers, contact roles, contacts, and where mail for a customer goes.
\i test/lib/pgtap.sql
SELECT plan(39);

CALL pg_temp.keep('acme', ar_inbox.create_company('Acme'));
CALL pg_temp.keep('other', ar_inbox.create_company('Other'));

-- create_customer
CALL pg_temp.keep('globex', ar_inbox.create_customer(pg_temp.id('acme'), ' Globex ', email => 'AP@GLOBEX.example'));
CALL pg_temp.keep('initech', ar_inbox.create_customer(pg_temp.id('acme'), 'Initech', 'I-7'));
SELECT is(concat_ws('|', name, number, email), 'Globex|CUST-00001|AP@globex.example', 'a customer with a number drawn')
FROM ar_inbox.customers WHERE id = pg_temp.id('globex');
SELECT is(concat_ws('|', name, number, coalesce(email::text, '-')), 'Initech|I-7|-', 'a customer with a number given')
FROM ar_inbox.customers WHERE id = pg_temp.id('initech');
CALL pg_temp.keep('taken', ar_inbox.create_customer(pg_temp.id('acme'), 'Taken', 'CUST-00002'));
CALL pg_temp.keep('third', ar_inbox.create_customer(pg_temp.id('acme'), 'Third'));
SELECT is((SELECT number FROM ar_inbox.customers WHERE id = pg_temp.id('third')), 'CUST-00003', 'a number that is taken is passed over');
UPDATE ar_inbox.companies SET next_customer_number = 1234567 WHERE id = pg_temp.id('other');
CALL pg_temp.keep('many', ar_inbox.create_customer(pg_temp.id('other'), 'Many'));
SELECT is((SELECT number FROM ar_inbox.customers WHERE id = pg_temp.id('many')), 'CUST-1234567', 'a number of more digits');
CALL pg_temp.keep('theirs', ar_inbox.create_customer(pg_temp.id('other'), 'Theirs', 'I-7'));
SELECT is((SELECT count(*) FROM ar_inbox.customers WHERE number = 'I-7' AND company_id IN (pg_temp.id('acme'), pg_temp.id('other'))),
    2::bigint, 'another company may have the same number');
SELECT is((SELECT count(*) FROM ar_inbox.events WHERE company_id = pg_temp.id('acme') AND subject = 'customer' AND action = 'created'),
    4::bigint, 'each is written down');

SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(0, 'X')$$), 'IB001 company 0 does not exist', 'unknown company');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(NULL, 'X')$$), 'IB001 company NULL does not exist', 'company NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(pg_temp.id('acme'), ' ')$$), '22023 name is empty', 'no name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(pg_temp.id('acme'), E'A\nB')$$),
    E'22023 name ''A\nB'' has more than one line', 'a name of two lines');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(pg_temp.id('acme'), 'X', ' ')$$), '22023 number is empty', 'an empty number');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(pg_temp.id('acme'), 'X', 'I-7')$$),
    '23505 customer number ''I-7'' is taken', 'a number that is taken');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(pg_temp.id('acme'), 'X', ' I-7 ')$$),
    '23505 customer number ''I-7'' is taken', 'also with blanks around it');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(pg_temp.id('acme'), 'X', email => 'globex.example')$$),
    '22P02 invalid e-mail address "globex.example": it has no "@"', 'an impossible address');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_customer(pg_temp.id('acme'), 'X', email => E'a@globex.example\nb@globex.example')$$),
    '22P02 invalid e-mail address "a@globex.example\x0ab@globex.example": it contains a line break', 'an address with LF');

-- create_contact_role
CALL pg_temp.keep('ap', ar_inbox.create_contact_role(pg_temp.id('acme'), ' Accounts Payable'));
CALL pg_temp.keep('their role', ar_inbox.create_contact_role(pg_temp.id('other'), 'Director'));
SELECT is((SELECT name FROM ar_inbox.contact_roles WHERE id = pg_temp.id('ap')), 'Accounts Payable', 'a contact role');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact_role(pg_temp.id('acme'), 'Accounts Payable')$$),
    '23505 contact role ''Accounts Payable'' exists already', 'a role that there is');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact_role(pg_temp.id('acme'), '')$$), '22023 name is empty', 'a role without a name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact_role(0, 'X')$$), 'IB001 company 0 does not exist', 'a role of no company');

-- create_contact
CALL pg_temp.keep('ann', ar_inbox.create_contact(pg_temp.id('globex'), 'Ann', 'ann@globex.example', '+1 (555) 0100', true, 'Accounts Payable'));
CALL pg_temp.keep('ben', ar_inbox.create_contact(pg_temp.id('globex'), 'Ben', 'ben@globex.example'));
CALL pg_temp.keep('cid', ar_inbox.create_contact(pg_temp.id('globex'), 'Cid'));
SELECT is(concat_ws('|', name, email, phone, is_primary, contact_role_id = pg_temp.id('ap'), company_id = pg_temp.id('acme')),
    'Ann|ann@globex.example|+1 (555) 0100|t|t|t', 'a contact')
FROM ar_inbox.contacts WHERE id = pg_temp.id('ann');
SELECT is(concat_ws('|', name, coalesce(email::text, '-'), coalesce(phone, '-'), is_primary, coalesce(contact_role_id, 0)), 'Cid|-|-|f|0',
    'a contact of whom nothing but the name is known')
FROM ar_inbox.contacts WHERE id = pg_temp.id('cid');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(0, 'X')$$), 'IB001 customer 0 does not exist', 'unknown customer');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(NULL, 'X')$$), 'IB001 customer NULL does not exist', 'customer NULL');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(pg_temp.id('globex'), NULL)$$), '22023 name is empty', 'no name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(pg_temp.id('globex'), 'X', phone => 'call me')$$),
    '22023 phone ''call me'' is not a phone number', 'an impossible phone number');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(pg_temp.id('globex'), 'X', phone => E'+1 555\n0100')$$),
    E'22023 phone ''+1 555\n0100'' is not a phone number', 'a phone number of two lines');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(pg_temp.id('globex'), 'X', role => 'Director')$$),
    format('IB001 contact role ''Director'' does not exist in company %s', pg_temp.id('acme')), 'another company''s contact role');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(pg_temp.id('globex'), 'X', role => '')$$),
    format('IB001 contact role '''' does not exist in company %s', pg_temp.id('acme')), 'a contact role without a name');
SELECT is(pg_temp.refusal($$SELECT ar_inbox.create_contact(pg_temp.id('globex'), 'X', E'x@globex.example\r')$$),
    '22P02 invalid e-mail address "x@globex.example\x0d": it contains a line break', 'an address with CR');
SELECT throws_ok(format('UPDATE ar_inbox.contacts SET contact_role_id = %s WHERE id = %s', pg_temp.id('their role'), pg_temp.id('ann')),
    '23503', NULL, 'a row cannot point at another company''s role');
SELECT throws_ok(format('UPDATE ar_inbox.contacts SET customer_id = %s WHERE id = %s', pg_temp.id('theirs'), pg_temp.id('ann')),
    '23503', NULL, 'nor at another company''s customer');

-- where mail goes, and whose an address is
CREATE FUNCTION pg_temp.written_to(customer text, role text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    invoice bigint := ar_inbox.create_invoice(pg_temp.id(customer), '[{"description": "Work", "unit_price": 1}]');
BEGIN
    PERFORM ar_inbox.issue_invoice(invoice);
    PERFORM ar_inbox.chase_invoice(invoice, jsonb_build_array(jsonb_build_object('trigger', 'after_due', 'days', 1, 'hour', 9, 'channels', '["email"]'::jsonb, 'role', role)));
    RETURN (SELECT f.emails::text FROM ar_inbox.chasing_steps s, ar_inbox_internal.step_facts(s.company_id, ARRAY[s.id], ARRAY[s.due_at], 'infinity') f WHERE s.invoice_id = invoice);
END
$$;
SELECT is(pg_temp.written_to('globex'),
    '{AP@globex.example,ann@globex.example,ben@globex.example}', 'its own address, then the contacts'', primary ones first');
SELECT is(pg_temp.written_to('globex', 'Accounts Payable'),
    '{ann@globex.example}', 'with a contact role: of contacts who have it');
SELECT is(pg_temp.written_to('initech'), NULL, 'nowhere');
CALL pg_temp.keep('dup', ar_inbox.create_contact(pg_temp.id('globex'), 'Accounts', 'ap@globex.EXAMPLE'));
SELECT is(pg_temp.written_to('globex'),
    '{AP@globex.example,ann@globex.example,ben@globex.example}', 'an address comes once, however it is written');
SELECT is(ar_inbox_internal.customers_of_address(pg_temp.id('acme'), 'ap@globex.example'), ARRAY[pg_temp.id('globex')],
    'the customer of an address');
SELECT is(ar_inbox_internal.customers_of_address(pg_temp.id('acme'), 'BEN@globex.example'), ARRAY[pg_temp.id('globex')],
    'by a contact''s too');
SELECT is(ar_inbox_internal.customers_of_address(pg_temp.id('acme'), 'nobody@globex.example'), '{}'::bigint[], 'nobody''s');
SELECT is(ar_inbox_internal.customers_of_address(pg_temp.id('other'), 'ap@globex.example'), '{}'::bigint[], 'nobody''s at another company');

SELECT finish();
ROLLBACK;
