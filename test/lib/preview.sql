-- What test/t/053_preview.pl runs: foretells random schedules, fires them moment by
-- moment, and lists the differences.  Variables: seed, companies.
\set ON_ERROR_STOP 1
\pset tuples_only true
\pset format unaligned
SET client_min_messages = warning;
CREATE TEMP TABLE told (company bigint, step_id bigint, channel text, recipient text, template text, outcome text, reason text);
CREATE TEMP TABLE happened (LIKE told);
CREATE FUNCTION pg_temp.any_of(choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT choices[1 + floor(random() * cardinality(choices))::integer]
$$;
CREATE FUNCTION pg_temp.up_to(most integer) RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT floor(random() * (most + 1))::integer
$$;
CREATE FUNCTION pg_temp.random_steps() RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    steps jsonb := '[]';
    trigger text;
    channels text[];
BEGIN
    FOR n IN 1 .. 1 + pg_temp.up_to(5) LOOP
        trigger := pg_temp.any_of('{on_issue,after_issue,before_due,after_due,after_due,on_date}');
        IF trigger = 'on_issue' AND steps @> '[{"trigger": "repeat"}]' THEN
            trigger := 'after_due';
        END IF;
        channels := string_to_array(pg_temp.any_of('{email,email,email,email+sms,sms,letter,email+letter,email+letter+sms}'), '+');
        steps := steps || jsonb_strip_nulls(jsonb_build_object('trigger', trigger,
            'days', CASE WHEN trigger IN ('after_issue', 'before_due', 'after_due') THEN pg_temp.up_to(6) END,
            'date', CASE trigger WHEN 'on_date' THEN ('2031-03-01'::date + pg_temp.up_to(40))::text END,
            'hour', CASE WHEN 'sms' = ANY (channels) THEN 8 + pg_temp.up_to(12) ELSE pg_temp.up_to(23) END,
            'role', CASE WHEN random() < 0.2 THEN 'Boss' END, 'channels', to_jsonb(channels)));
    END LOOP;
    IF random() < 0.5 THEN
        steps := steps || jsonb_build_array(jsonb_build_object('trigger', 'repeat', 'days', 1 + pg_temp.up_to(3), 'repeats', 1 + pg_temp.up_to(3), 'hour', pg_temp.up_to(23), 'channels', '["email"]'::jsonb));
    END IF;
    RETURN steps;
END
$$;
CREATE PROCEDURE pg_temp.furnish(companies integer) LANGUAGE plpgsql AS $$
DECLARE
    company bigint;
    customer bigint;
    invoice bigint;
    day date;
BEGIN
    FOR c IN 1 .. companies LOOP
        company := ar_inbox.create_company('Company ' || c, pg_temp.any_of('{UTC,Europe/Berlin,America/New_York,Asia/Kolkata,Asia/Kathmandu,Australia/Lord_Howe,America/St_Johns,Pacific/Apia,Pacific/Kiritimati}'));
        PERFORM ar_inbox.create_contact_role(company, 'Boss');
        PERFORM ar_inbox.change_settings(company, jsonb_build_object('max_sends_per_day', 1 + pg_temp.up_to(2), 'max_texts_per_number', 1 + pg_temp.up_to(1),
            'promise_grace_days', pg_temp.up_to(3)));
        IF random() < 0.95 THEN
            PERFORM ar_inbox.set_mail_account(company, ('c' || c || '@acme.example')::ar_inbox.email_address, 'smtp://mail.acme.example');
        END IF;
        IF random() < 0.8 THEN
            PERFORM ar_inbox.set_sms_provider(company, 'AC0123456789abcdef', 'token', '+15550999');
        END IF;
        IF random() < 0.8 THEN
            PERFORM ar_inbox.set_letter_provider(company, 'key');
        END IF;
        PERFORM ar_inbox.set_working_days(company, '{1,2,3,4,5}', pg_temp.any_of('{send_anyway,next,previous}'));
        IF random() < 0.5 THEN
            PERFORM ar_inbox.add_holiday(company, '2031-03-01'::date + pg_temp.up_to(40), 'Holiday');
        END IF;
        PERFORM ar_inbox.set_automatic_mail(company, pg_temp.any_of('{new_invoice,unpaid_reminder,past_due_reminder}'), days => NULL);
        FOR k IN 1 .. 1 + pg_temp.up_to(1) LOOP
            customer := ar_inbox.create_customer(company, 'Customer ' || k, email => CASE WHEN random() < 0.8 THEN ('k' || k || '@globex.example')::ar_inbox.email_address END,
                phone => CASE WHEN random() < 0.6 THEN '+1555010' || pg_temp.up_to(1) END,
                postal_address => CASE WHEN random() < 0.6 THEN '{"line1": "1 Main St", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US"}'::jsonb END);
            IF random() < 0.6 THEN
                PERFORM ar_inbox.create_contact(customer, 'Ann', ('ann' || k || '@globex.example')::ar_inbox.email_address, '+1555010' || pg_temp.up_to(2), role => CASE WHEN random() < 0.5 THEN 'Boss' END);
            END IF;
            IF random() < 0.2 THEN
                PERFORM ar_inbox.suppress(('k' || k || '@globex.example')::ar_inbox.email_address, company, until => CASE WHEN random() < 0.5 THEN '2031-03-10'::timestamptz + pg_temp.up_to(200) * interval '1 hour' END);
            END IF;
            FOR i IN 1 .. 1 + pg_temp.up_to(2) LOOP
                day := '2031-03-01'::date + pg_temp.up_to(20);
                invoice := ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]', day, day + pg_temp.up_to(15));
                IF random() < 0.95 THEN
                    PERFORM ar_inbox.issue_invoice(invoice);
                END IF;
                IF random() < 0.9 THEN
                    PERFORM ar_inbox.chase_invoice(invoice, pg_temp.random_steps(), at => '2031-03-01'::timestamptz + pg_temp.up_to(240) * interval '1 hour',
                        recipients => CASE WHEN random() < 0.2 THEN '{own@globex.example,ann1@globex.example}'::ar_inbox.email_address[] END);
                    IF random() < 0.1 THEN
                        PERFORM ar_inbox.stop_chasing(invoice);
                    END IF;
                END IF;
                IF random() < 0.1 THEN
                    PERFORM ar_inbox.mark_sent(invoice);
                END IF;
                IF random() < 0.3 AND (SELECT status FROM ar_inbox.invoices WHERE id = invoice) = 'issued' THEN
                    PERFORM ar_inbox.record_payment(invoice, CASE WHEN random() < 0.3 THEN 100 ELSE 40 END);
                END IF;
                IF random() < 0.3 AND (SELECT status FROM ar_inbox.invoices WHERE id = invoice) IN ('draft', 'issued') THEN
                    PERFORM ar_inbox.hold(invoice, kind => pg_temp.any_of('{promise,dispute}'), reason => 'price', until => '2031-03-01'::date + pg_temp.up_to(30));
                END IF;
            END LOOP;
            IF random() < 0.2 THEN
                PERFORM ar_inbox.hold(customer_id => customer, until => '2031-03-01'::date + pg_temp.up_to(20));
            END IF;
        END LOOP;
    END LOOP;
END
$$;
CREATE PROCEDURE pg_temp.tell(at timestamptz) LANGUAGE sql AS $$
    INSERT INTO told
    SELECT c.id, p.step_id, p.channel::text, p.recipient, p.template, p.outcome, p.reason
    FROM ar_inbox.companies c CROSS JOIN LATERAL ar_inbox.preview(c.id, at, '2032-01-01', at) p
    WHERE c.name LIKE 'Company %' AND p.outcome IN ('send', 'fail', 'withhold', 'skip', 'cancel')
$$;
-- Fires each moment that there is, until one; what became of each channel is
-- read from the ledger.
CREATE PROCEDURE pg_temp.live(until timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
    fired bigint[];
BEGIN
    LOOP
        SELECT min(s.due_at) INTO moment FROM ar_inbox.chasing_steps s JOIN ar_inbox.invoices i ON i.id = s.invoice_id
        WHERE s.state = 'scheduled' AND s.due_at < until AND i.status <> 'draft';
        EXIT WHEN moment IS NULL;
        fired := ARRAY(SELECT f.step_id FROM ar_inbox.fire_due_steps(moment) f);
        INSERT INTO happened
        SELECT s.company_id, s.id, d.channel::text, coalesce(d.recipient, r.address::text), e.template, 'send', NULL
        FROM ar_inbox.chasing_steps s JOIN ar_inbox.deliveries d ON d.chasing_step_id = s.id
        JOIN ar_inbox.emails e ON e.id = d.email_id LEFT JOIN ar_inbox.email_recipients r ON r.email_id = e.id AND d.recipient IS NULL
        WHERE s.id = ANY (fired)
        UNION ALL
        SELECT s.company_id, s.id, f.key, NULL, NULL, 'fail', f.value FROM ar_inbox.chasing_steps s CROSS JOIN jsonb_each_text(s.failures) f WHERE s.id = ANY (fired)
        UNION ALL
        SELECT s.company_id, s.id, c.channel::text, NULL, NULL, CASE s.state WHEN 'failed' THEN 'fail' WHEN 'withheld' THEN 'withhold' WHEN 'skipped' THEN 'skip' ELSE 'cancel' END, s.reason
        FROM ar_inbox.chasing_steps s CROSS JOIN unnest(s.channels) c (channel) WHERE s.id = ANY (fired) AND s.state <> 'sending';
        COMMIT;
    END LOOP;
END
$$;
CREATE TEMP VIEW differences AS
-- (of a step that goes out, a channel that is withheld stands in its reason only;
-- of one that does not, its channels' reasons stand together)
SELECT * FROM (
    (SELECT company, step_id, channel, recipient, template, outcome FROM told t WHERE outcome = 'send'
     EXCEPT ALL SELECT company, step_id, channel, recipient, template, outcome FROM happened WHERE outcome = 'send')
    UNION ALL
    (SELECT company, step_id, channel, recipient, template, outcome || ' (not foretold)' FROM happened WHERE outcome = 'send'
     EXCEPT ALL SELECT company, step_id, channel, recipient, template, outcome || ' (not foretold)' FROM told WHERE outcome = 'send')
    UNION ALL
    SELECT t.company, t.step_id, t.channel, NULL, t.reason, 'foretold ' || t.outcome || ', was ' || coalesce(string_agg(h.outcome || ' ' || h.reason, '; '), s.state || coalesce(' ' || s.reason, ''))
    FROM told t JOIN ar_inbox.chasing_steps s ON s.id = t.step_id
    LEFT JOIN happened h ON h.step_id = t.step_id AND h.channel = t.channel AND h.outcome <> 'send'
    WHERE t.outcome <> 'send'
    GROUP BY t.company, t.step_id, t.channel, t.reason, t.outcome, s.state, s.reason
    HAVING NOT coalesce(bool_or(strpos(h.reason, t.reason) > 0), strpos(s.reason, t.reason) > 0, false)) d;

CREATE PROCEDURE pg_temp.disturb() LANGUAGE plpgsql AS $$
DECLARE
    i record;
BEGIN
    FOR i IN SELECT v.* FROM ar_inbox.invoices v JOIN ar_inbox.companies c ON c.id = v.company_id AND c.name LIKE 'Company %' WHERE v.status = 'issued' ORDER BY v.id LOOP
        CASE pg_temp.up_to(5)
            WHEN 0 THEN PERFORM ar_inbox.record_payment(i.id, i.balance);
            WHEN 1 THEN PERFORM ar_inbox.record_payment(i.id, 1);
            WHEN 2 THEN PERFORM ar_inbox.hold(i.id, kind => 'dispute', reason => 'price', until => '2031-03-25');
            WHEN 3 THEN PERFORM ar_inbox.change_invoice_dates(i.id, due_date => i.due_date + 3);
            ELSE NULL;
        END CASE;
    END LOOP;
    PERFORM ar_inbox.lift_hold(h.id) FROM ar_inbox.holds h WHERE h.ended_at IS NULL AND h.id % 3 = 0;
    PERFORM ar_inbox_internal.end_holds('2031-03-20', 100000);
END
$$;

SELECT setseed(:seed) IS NULL;
BEGIN;
CALL pg_temp.furnish(:companies);
COMMIT;
ANALYZE;
SELECT 'schedules ' || count(*) FROM ar_inbox.invoices WHERE schedule_number > 0;
CALL pg_temp.tell('2031-03-01');
SELECT 'foretold ' || count(DISTINCT step_id) FROM told;
SELECT 'outcome ' || outcome || ' ' || count(*) FROM told GROUP BY outcome;
CALL pg_temp.live('2031-03-20');
SELECT 'first difference ' || d::text FROM differences d JOIN ar_inbox.chasing_steps s ON s.id = d.step_id WHERE s.due_at < '2031-03-20' LIMIT 5;
BEGIN;
CALL pg_temp.disturb();
COMMIT;
TRUNCATE told, happened;
CALL pg_temp.tell('2031-03-20');
SELECT 'foretold anew ' || count(DISTINCT step_id) FROM told;
CALL pg_temp.live('2032-01-01');
SELECT 'second difference ' || d::text FROM differences d LIMIT 5;
SELECT 'twice ' || chasing_step_id FROM ar_inbox.deliveries WHERE chasing_step_id IS NOT NULL GROUP BY chasing_step_id, channel, recipient HAVING count(*) > 1;
SELECT 'left ' || s.id FROM ar_inbox.chasing_steps s JOIN ar_inbox.invoices i ON i.id = s.invoice_id WHERE s.state = 'scheduled' AND i.status <> 'draft' LIMIT 5;
