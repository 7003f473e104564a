-- Invoices and payments.

create function ar_inbox_internal.check_date(value date, what text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if value < '1970-01-01' or value > '9999-12-31' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s %s is out of range', what, value),
            'Give a date from 1970-01-01 to 9999-12-31.');
    end if;
end
$$;

comment on function ar_inbox_internal.check_date(date, text) is 'Raises 22023 for a date that no document has.';

create function ar_inbox_internal.check_moment(value timestamptz, what text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if value is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', pg_catalog.format('%s is NULL', what),
            'Give a moment, or leave it out.');
    elsif value < '1970-01-01Z' or value >= '10000-01-01Z' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s %s is out of range', what, value),
            'Give a moment from the year 1970 to the year 9999.');
    end if;
end
$$;

comment on function ar_inbox_internal.check_moment(timestamptz, text) is
'Raises 22004 for NULL and 22023 for a moment outside the years 1970 to 9999.';

create function ar_inbox.create_invoice(customer_id bigint, lines jsonb, issue_date date = null,
    due_date date = null, number text = null, currency text = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company     ar_inbox.companies;
    digits      integer;
    new_id      bigint;
    line        jsonb;
    line_number integer := 0;
    quantity    numeric;
    unit_price  numeric;
    description text;
begin
    select co.* into company
    from ar_inbox.customers c join ar_inbox.companies co on co.id = c.company_id
    where c.id = create_invoice.customer_id;
    perform ar_inbox_internal.require(company.id, 'manage', 'customer', customer_id);

    currency := coalesce(currency, company.currency);
    digits := ar_inbox_internal.currency_digits(currency);
    if digits is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('currency %s is not known', pg_catalog.quote_literal(currency)),
            'Give an ISO 4217 code in capitals, such as ''USD''.');
    end if;
    issue_date := coalesce(issue_date, (pg_catalog.now() at time zone company.time_zone)::date);
    due_date := coalesce(due_date, issue_date + 30);
    if due_date < issue_date then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('due date %s is before issue date %s', due_date, issue_date),
            'Give a due date on or after the issue date.');
    end if;
    perform ar_inbox_internal.check_date(issue_date, 'issue date');
    perform ar_inbox_internal.check_date(due_date, 'due date');
    if number is not null then
        number := ar_inbox_internal.required_text(number, 'number');
    end if;
    if lines is null or pg_catalog.jsonb_typeof(lines) <> 'array' or pg_catalog.jsonb_array_length(lines) = 0 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('lines is %s', case
                when lines is null then 'NULL'
                when pg_catalog.jsonb_typeof(lines) <> 'array' then 'not an array but ' || pg_catalog.jsonb_typeof(lines)
                else 'an empty array' end),
            'Give an array of {"description", "quantity", "unit_price"}.');
    end if;

    insert into ar_inbox.invoices (company_id, customer_id, number, issue_date, due_date, currency)
    values (company.id, create_invoice.customer_id, create_invoice.number, create_invoice.issue_date,
        create_invoice.due_date, create_invoice.currency)
    -- two sessions may ask for the same at once
    on conflict on constraint invoices_number_key do nothing
    returning id into new_id;
    if new_id is null then
        perform ar_inbox_internal.refuse('unique_violation',
            pg_catalog.format('invoice number %s is taken', pg_catalog.quote_literal(create_invoice.number)),
            'Give another number, or NULL to have one drawn when the invoice is issued.');
    end if;

    for line in select e.value from pg_catalog.jsonb_array_elements(lines) e loop
        line_number := line_number + 1;
        description := line ->> 'description';
        begin
            if pg_catalog.jsonb_typeof(line) <> 'object' then
                raise exception using errcode = 'invalid_parameter_value', message = 'it is not an object';
            elsif ar_inbox_internal.is_blank(description) then
                raise exception using errcode = 'invalid_parameter_value', message = 'it has no description';
            elsif pg_catalog.jsonb_typeof(line -> 'description') <> 'string' then
                raise exception using errcode = 'invalid_parameter_value', message = 'its description is not a text';
            elsif line - array['description', 'quantity', 'unit_price'] <> '{}' then
                raise exception using errcode = 'invalid_parameter_value',
                    message = pg_catalog.format('it has %s, which is not known',
                        (select pg_catalog.string_agg(k, ', ')
                         from pg_catalog.jsonb_object_keys(line - array['description', 'quantity', 'unit_price']) k));
            end if;
            quantity := coalesce((line ->> 'quantity')::numeric, 1);
            unit_price := (line ->> 'unit_price')::numeric;
            if unit_price is null then
                raise exception using errcode = 'invalid_parameter_value', message = 'it has no unit_price';
            elsif quantity in ('NaN', 'Infinity', '-Infinity') or unit_price in ('NaN', 'Infinity', '-Infinity')
                or pg_catalog.abs(quantity) >= 1e15 or pg_catalog.abs(unit_price) >= 1e15 then
                raise exception using errcode = 'invalid_parameter_value',
                    message = pg_catalog.format('%s times %s is no amount', quantity, unit_price);
            elsif pg_catalog.abs(quantity * unit_price) >= 1e15 then
                raise exception using errcode = 'invalid_parameter_value',
                    message = pg_catalog.format('%s times %s is too much', quantity, unit_price);
            elsif pg_catalog.scale(pg_catalog.trim_scale(unit_price)) > 12
                or pg_catalog.scale(pg_catalog.trim_scale(quantity)) > 12 then
                raise exception using errcode = 'invalid_parameter_value',
                    message = pg_catalog.format('%s times %s is too fine, with more than 12 decimal places', quantity, unit_price);
            end if;
        exception when invalid_parameter_value or invalid_text_representation or numeric_value_out_of_range then
            perform ar_inbox_internal.refuse('invalid_parameter_value',
                pg_catalog.format('line %s of the invoice is not usable: %s', line_number, sqlerrm),
                'A line is {"description": "Consulting", "quantity": 2, "unit_price": 150.00}.');
        end;
        insert into ar_inbox.invoice_lines (company_id, invoice_id, line_number, description, quantity, unit_price, amount)
        values (company.id, new_id, line_number, description, quantity, unit_price,
            pg_catalog.round(quantity * unit_price, digits));
    end loop;

    update ar_inbox.invoices i
    set total = (select pg_catalog.sum(l.amount) from ar_inbox.invoice_lines l
                 where l.company_id = company.id and l.invoice_id = new_id)
    where i.company_id = company.id and i.id = new_id
        and (select pg_catalog.sum(l.amount) from ar_inbox.invoice_lines l
             where l.company_id = company.id and l.invoice_id = new_id) >= 0;
    if not found then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            'the lines of the invoice add up to a negative amount',
            'Give lines that add up to zero or more; a negative line is a discount.');
    end if;
    perform ar_inbox_internal.record_event(company.id, 'invoice', new_id, 'created');
    return new_id;
end
$$;

comment on function ar_inbox.create_invoice(bigint, jsonb, date, date, text, text) is
'Creates a draft invoice. lines: an array of {"description", "quantity" (1), "unit_price"}; amounts are rounded to the currency''s decimal places. issue_date: today in the company''s time zone; due_date: 30 days on; number: NULL draws one when it is issued; currency: the company''s. Returns its id. Needs manage. Errors: IB001, 42501, 22023, 23505 (the number is taken).';

create function ar_inbox_internal.lock_invoice(invoice_id bigint, permission text)
returns ar_inbox_internal.invoice_key
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    key ar_inbox_internal.invoice_key;
begin
    perform ar_inbox_internal.require_installed();
    select i.company_id, i.id, i.status, coalesce(i.number, 'draft ' || i.id) into key
    from ar_inbox.invoices i where i.id = lock_invoice.invoice_id
    for no key update;
    perform ar_inbox_internal.require(key.company_id, permission, 'invoice', invoice_id);
    return key;
end
$$;

comment on function ar_inbox_internal.lock_invoice(bigint, text) is
'Locks the invoice for a change and returns its key and status; raises where the caller lacks the permission.';

create function ar_inbox.issue_invoice(invoice_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    key        ar_inbox_internal.invoice_key := ar_inbox_internal.lock_invoice(invoice_id, 'manage');
    invoice    ar_inbox.invoices;
    new_number text;
    failed     text;
    cadence    bigint;
begin
    select i.* into invoice from ar_inbox.invoices i where i.company_id = key.company_id and i.id = key.id;
    if invoice.status <> 'draft' then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('invoice %s is %s', key.label, invoice.status), 'Only a draft can be issued.');
    end if;

    loop
        new_number := invoice.number;
        while new_number is null loop
            update ar_inbox.companies c set next_invoice_number = c.next_invoice_number + 1
            where c.id = key.company_id
            returning 'INV-' || pg_catalog.to_char(c.next_invoice_number - 1, 'FM9999999999999900000') into new_number;
            if exists (select 1 from ar_inbox.invoices i
                    where i.company_id = key.company_id and i.number = new_number) then
                new_number := null;
            end if;
        end loop;

        begin
            -- An invoice of nothing is paid when it is issued.
            update ar_inbox.invoices i
            set number = new_number,
                issued_at = pg_catalog.now(),
                status = case when i.total = 0 then 'paid' else 'issued' end::ar_inbox.document_status,
                ended_at = case when i.total = 0 then pg_catalog.now() end
            where i.company_id = key.company_id and i.id = key.id;
            exit;
        exception when unique_violation then
            -- another session has just given that number; in this snapshot it is never seen
            get stacked diagnostics failed = constraint_name;
            if failed <> 'invoices_number_key' or invoice.number is not null
                or pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
                raise;
            end if;
        end;
    end loop;
    -- what was written about the draft is found by its number
    perform ar_inbox_internal.rename_thread(t.company_id, t.id, ar_inbox_internal.invoice_subject(key.id, new_number))
    from ar_inbox.threads t
    where t.company_id = key.company_id and t.invoice_id = key.id;
    perform ar_inbox_internal.record_event(key.company_id, 'invoice', key.id, 'issued', null,
        pg_catalog.jsonb_build_object('number', new_number, 'total', invoice.total));

    if invoice.total > 0 then
        if invoice.chasing_enabled then
            perform ar_inbox_internal.reschedule(key.company_id, array[key.id], pg_catalog.now());
        elsif invoice.chasing_enabled is null then
            select c.id into cadence from ar_inbox.cadences c
            where c.company_id = key.company_id and c.is_default;
            if found then
                perform ar_inbox_internal.set_schedules(key.company_id, array[key.id],
                    ar_inbox_internal.cadence_as_json(key.company_id, cadence), pg_catalog.now(), false);
            end if;
        end if;
        perform ar_inbox_internal.plan_automatic_mails(key.company_id, key.id, pg_catalog.now());
    end if;
end
$$;

comment on function ar_inbox.issue_invoice(bigint) is
'Issues a draft: its number (drawn if it has none: INV-00001, …) and its total are fixed. It takes the company''s default cadence unless it has its own schedule or chasing was disabled for it. Needs manage. Errors: IB001, 42501, IB002 (not a draft).';

create function ar_inbox_internal.lower_balance(invoice_id bigint, amount numeric, day date, method text, is_credit boolean)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    key    ar_inbox_internal.invoice_key := ar_inbox_internal.lock_invoice(invoice_id, 'manage');
    new_id bigint;
begin
    perform ar_inbox_internal.check_date(day, case when is_credit then 'credited_on' else 'received_on' end);
    perform ar_inbox_internal.check_length(method, case when is_credit then 'reason' else 'method' end,
        case when is_credit then 1000 else 200 end);
    insert into ar_inbox.payments (company_id, invoice_id, amount, received_on, method, is_credit, member_id)
    select key.company_id, key.id, lower_balance.amount,
        coalesce(lower_balance.day, (pg_catalog.now() at time zone c.time_zone)::date),
        lower_balance.method, lower_balance.is_credit, ar_inbox_internal.member_id(key.company_id)
    from ar_inbox.companies c
    where c.id = key.company_id
    returning id into new_id;
    return new_id;
end
$$;

comment on function ar_inbox_internal.lower_balance(bigint, numeric, date, text, boolean) is
'Records a payment or a credit for an invoice; day NULL: today. Returns its id.';

create function ar_inbox.record_payment(invoice_id bigint, amount numeric, received_on date = null,
    method text = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return ar_inbox_internal.lower_balance(invoice_id, amount, received_on, method, false);
end
$$;

comment on function ar_inbox.record_payment(bigint, numeric, date, text) is
'Records money received for an issued invoice, in the invoice''s currency. received_on: today in the company''s time zone. Paying it in full ends its chasing in the same transaction: the steps left are cancelled, and the reminders that wait to be handed off. Returns the payment''s id. Needs manage. Errors: IB001, 42501, IB002 (not issued, paid, closed or voided), IB004 (more than the balance), 22023 (not positive, or finer than the currency).';

create function ar_inbox.record_credit(invoice_id bigint, amount numeric, credited_on date = null,
    reason text = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return ar_inbox_internal.lower_balance(invoice_id, amount, credited_on, reason, true);
end
$$;

comment on function ar_inbox.record_credit(bigint, numeric, date, text) is
'Lowers the balance of an issued invoice without money having come in (a credit, an allowance), in the invoice''s currency. credited_on: today in the company''s time zone. Crediting all of it ends its chasing as a payment does. No receipt goes out, and it keeps no promise. void_payment() takes it back. Returns its id, which is a payment''s. Needs manage. Errors: IB001, 42501, IB002 (not issued, paid, closed or voided), IB004 (more than the balance), 22023 (not positive, or finer than the currency).';

create function ar_inbox_internal.check_payment()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice ar_inbox.invoices;
    digits  integer;
begin
    if tg_op = 'DELETE' then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('payment %s cannot be deleted', old.id),
            'Void it with ar_inbox.void_payment(): what was received and taken back stays known.');
    elsif tg_op = 'UPDATE' then
        if (new.id, new.company_id, new.invoice_id, new.amount, new.is_credit)
            is distinct from (old.id, old.company_id, old.invoice_id, old.amount, old.is_credit)
            or (old.voided_at is not null and new.voided_at is distinct from old.voided_at)
        then
            perform ar_inbox_internal.refuse('IB002',
                pg_catalog.format('payment %s cannot be changed', old.id),
                'Void it (voided_at) and record another one.');
        end if;
        return new;
    end if;

    select i.* into invoice from ar_inbox.invoices i
    where i.company_id = new.company_id and i.id = new.invoice_id
    for no key update;
    if not found then
        return new;         -- the foreign key says it better
    end if;
    digits := ar_inbox_internal.currency_digits(invoice.currency);
    if invoice.status <> 'issued' then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('invoice %s is %s', coalesce(invoice.number, invoice.id::text),
                case invoice.status when 'draft' then 'a draft' else invoice.status::text end),
            'Only an issued invoice with an open balance takes payments.');
    elsif new.amount is null or new.amount <= 0 or new.amount = 'NaN' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('amount %s is not positive', coalesce(new.amount::text, 'NULL')),
            'Give what was received, more than zero.');
    elsif new.amount > invoice.balance then
        perform ar_inbox_internal.refuse('IB004',
            pg_catalog.format('amount %s is more than the balance of %s %s of invoice %s',
                new.amount, invoice.balance, invoice.currency, invoice.number),
            pg_catalog.format('Give at most %s.', invoice.balance));
    elsif new.amount <> pg_catalog.round(new.amount, digits) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('amount %s is finer than %s allows', new.amount, invoice.currency),
            pg_catalog.format('%s has %s decimal places.', invoice.currency, digits));
    end if;
    return new;
end
$$;

comment on function ar_inbox_internal.check_payment() is
'Trigger: a payment fits its invoice, which is locked here, before anything else of the payment.';

create function ar_inbox_internal.apply_payment()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    change numeric := case when tg_op = 'INSERT' then new.amount
        when old.voided_at is null and new.voided_at is not null then - new.amount
        else 0 end;
begin
    if change <> 0 then
        update ar_inbox.invoices i
        set paid = i.paid + change,
            status = case when i.status not in ('issued', 'paid') then i.status
                when i.paid + change = i.total then 'paid'
                else 'issued' end::ar_inbox.document_status,
            ended_at = case when i.status not in ('issued', 'paid') then i.ended_at
                when i.paid + change = i.total then pg_catalog.now() end
        where i.company_id = new.company_id and i.id = new.invoice_id;
        perform ar_inbox_internal.record_event(new.company_id, 'payment', new.id,
            case when tg_op = 'INSERT' then 'recorded' else 'voided' end, null,
            pg_catalog.jsonb_build_object('invoice_id', new.invoice_id, 'amount', new.amount));
        if tg_op = 'INSERT' and not new.is_credit then
            perform ar_inbox_internal.plan_receipt(new.company_id, new.invoice_id, new.id);
        end if;
    end if;
    return null;
end
$$;

comment on function ar_inbox_internal.apply_payment() is
'Trigger: a payment lowers its invoice''s balance, a voided one raises it again.';

create function ar_inbox.void_payment(payment_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    payment ar_inbox.payments;
begin
    select p.* into payment from ar_inbox.payments p where p.id = void_payment.payment_id;
    perform ar_inbox_internal.require(payment.company_id, 'manage', 'payment', payment_id);
    -- the invoice first, as everything that changes its balance
    perform ar_inbox_internal.lock_invoice(payment.invoice_id, 'manage');
    update ar_inbox.payments p set voided_at = pg_catalog.now()
    where p.company_id = payment.company_id and p.id = payment.id and p.voided_at is null;
    if not found then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('payment %s is voided already', payment_id),
            'Its amount is in the balance again.');
    end if;
end
$$;

comment on function ar_inbox.void_payment(bigint) is
'Takes back a payment (a bounced cheque, a slip): the invoice''s balance rises again, and a paid invoice is issued again. Chasing that the payment ended stays ended until chase_invoice(). Needs manage. Errors: IB001, 42501, IB002 (voided already).';

create function ar_inbox.mark_sent(invoice_id bigint, at timestamptz = now())
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    key ar_inbox_internal.invoice_key := ar_inbox_internal.lock_invoice(invoice_id, 'send');
begin
    if key.status not in ('draft', 'issued') then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('invoice %s is %s', key.label, key.status),
            'Only a draft or an issued invoice can be marked as sent.');
    end if;
    perform ar_inbox_internal.check_moment(at, 'at');
    if at > pg_catalog.now() then
        perform ar_inbox_internal.refuse('invalid_parameter_value', pg_catalog.format('at %s is in the future', at),
            'Say when it was sent.');
    end if;
    update ar_inbox.invoices i set marked_sent_at = at
    where i.company_id = key.company_id and i.id = key.id;
    perform ar_inbox_internal.record_event(key.company_id, 'invoice', key.id, 'marked as sent', null,
        pg_catalog.to_jsonb(at));
end
$$;

comment on function ar_inbox.mark_sent(bigint, timestamptz) is
'Says that the invoice was sent by other means: a step "on issue" of a schedule set after that is skipped, and what is sent next is a reminder. Needs send. Errors: IB001, 42501, IB002, 22004, 22023 (in the future).';

create function ar_inbox_internal.invoice_changed()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- the trigger's condition says when there is something to do at all
    if new.status <> old.status then
        if old.status in ('draft', 'issued') and new.status <> 'issued' then
            perform ar_inbox_internal.end_chasing(new.company_id, new.id, 'invoice ' || new.status, 'invoice', new.status = 'paid');
            perform ar_inbox_internal.end_holds_of_invoice(new.company_id, new.id, new.status = 'paid');
        end if;
    elsif old.chasing_enabled and not new.chasing_enabled then
        perform ar_inbox_internal.end_chasing(new.company_id, new.id, 'chasing disabled', 'chasing', false);
    elsif new.status = 'issued' then
        perform ar_inbox_internal.reschedule(new.company_id, array[new.id], pg_catalog.now());
    end if;
    return null;
end
$$;

comment on function ar_inbox_internal.invoice_changed() is
'Trigger: chasing ends in the transaction that pays, closes or voids the invoice or disables its chasing; steps move with its dates.';

create function ar_inbox_internal.end_invoice(invoice_id bigint, new_status ar_inbox.document_status)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    key  ar_inbox_internal.invoice_key := ar_inbox_internal.lock_invoice(invoice_id, 'manage');
begin
    if key.status not in ('draft', 'issued') or (new_status = 'closed' and key.status = 'draft') then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('invoice %s is %s', key.label,
                case key.status when 'draft' then 'a draft' else key.status::text end),
            case new_status when 'closed' then 'Only an issued invoice can be closed.'
                else 'Only a draft or an issued invoice can be voided.' end);
    elsif new_status = 'voided' and (select i.paid from ar_inbox.invoices i
            where i.company_id = key.company_id and i.id = key.id) > 0 then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('invoice %s has payments', key.label),
            'Void the payments first, or close the invoice instead.');
    end if;
    update ar_inbox.invoices i
    set status = new_status, ended_at = pg_catalog.now()
    where i.company_id = key.company_id and i.id = key.id;
    perform ar_inbox_internal.record_event(key.company_id, 'invoice', key.id, new_status::text);
end
$$;

comment on function ar_inbox_internal.end_invoice(bigint, ar_inbox.document_status) is
'Closes or voids an invoice.';

create function ar_inbox.void_invoice(invoice_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.end_invoice(invoice_id, 'voided');
end
$$;

comment on function ar_inbox.void_invoice(bigint) is
'Voids a draft or an issued invoice without payments: it is owed no more, and its chasing ends in the same transaction. Needs manage. Errors: IB001, 42501, IB002.';

create function ar_inbox.close_invoice(invoice_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.end_invoice(invoice_id, 'closed');
end
$$;

comment on function ar_inbox.close_invoice(bigint) is
'Closes an issued invoice with its balance as it is (written off, settled elsewhere): its chasing ends in the same transaction. Needs manage. Errors: IB001, 42501, IB002.';

create function ar_inbox.change_invoice_dates(invoice_id bigint, issue_date date = null, due_date date = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    key ar_inbox_internal.invoice_key := ar_inbox_internal.lock_invoice(invoice_id, 'manage');
begin
    if key.status not in ('draft', 'issued') then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('invoice %s is %s', key.label, key.status),
            'Only the dates of a draft or an issued invoice can be changed.');
    end if;
    perform ar_inbox_internal.check_date(issue_date, 'issue date');
    perform ar_inbox_internal.check_date(due_date, 'due date');
    update ar_inbox.invoices i
    set issue_date = coalesce(change_invoice_dates.issue_date, i.issue_date),
        due_date = coalesce(change_invoice_dates.due_date, i.due_date)
    where i.company_id = key.company_id and i.id = key.id
        and coalesce(change_invoice_dates.due_date, i.due_date)
            >= coalesce(change_invoice_dates.issue_date, i.issue_date);
    if not found then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            'the due date would be before the issue date', 'Give a due date on or after the issue date.');
    end if;
end
$$;

comment on function ar_inbox.change_invoice_dates(bigint, date, date) is
'Changes the dates of a draft or an issued invoice; NULL leaves one as it is. Steps not yet done move with them. Needs manage. Errors: IB001, 42501, IB002, 22023.';

create function ar_inbox_internal.sending_of(company_id bigint, invoice_id bigint, marked_sent_at timestamptz,
    as_of timestamptz)
returns table (was_sent boolean)
language sql stable rows 1
as $$
    -- a part of the queries that ask it: it fixes no search_path
    select coalesce($3 <= $4, false)
        or exists (select 1 from ar_inbox.deliveries d
            join ar_inbox.chasing_steps s on s.company_id = d.company_id and s.id = d.chasing_step_id
            where d.company_id = $1 and d.invoice_id = $2 and d.created_at <= $4
                -- (the receipt of a payment sends no invoice)
                and s.payment_id is null and d.state not in ('rejected', 'bounced', 'cancelled'));
$$;

comment on function ar_inbox_internal.sending_of(bigint, bigint, timestamptz, timestamptz) is
'Whether the invoice was sent to its customer, is on its way, or was marked as sent (marked_sent_at, from its row); as_of: by what was written down until then.';

create function ar_inbox_internal.was_sent(company_id bigint, invoice_id bigint)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select s.was_sent
        from ar_inbox.invoices i
        cross join lateral ar_inbox_internal.sending_of(i.company_id, i.id, i.marked_sent_at, 'infinity') s
        where i.company_id = was_sent.company_id and i.id = was_sent.invoice_id);
end
$$;

comment on function ar_inbox_internal.was_sent(bigint, bigint) is
'sending_of() as things stand.';

create function ar_inbox.invoice_status(invoice_id bigint, at timestamptz = now())
returns ar_inbox.invoice_status
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice ar_inbox.invoices;
begin
    select i.* into invoice from ar_inbox.invoices i where i.id = invoice_status.invoice_id;
    perform ar_inbox_internal.require(invoice.company_id, 'view', 'invoice', invoice_id);
    if invoice.status <> 'issued' then
        return invoice.status::text::ar_inbox.invoice_status;
    elsif (at at time zone (select c.time_zone from ar_inbox.companies c
            where c.id = invoice.company_id))::date > invoice.due_date then
        return 'past_due'::ar_inbox.invoice_status;
    elsif ar_inbox_internal.was_sent(invoice.company_id, invoice.id) then
        return 'sent'::ar_inbox.invoice_status;
    end if;
    return 'not_sent'::ar_inbox.invoice_status;
end
$$;

comment on function ar_inbox.invoice_status(bigint, timestamptz) is
'What a reader is told of the invoice at that moment: draft, not_sent, sent, past_due (after its due date, in the company''s time zone), paid, closed or voided. Needs view. Errors: IB001.';
