-- Holds: reasons for which chasing waits, with their ends.

create function ar_inbox_internal.hold_text(kind text, reason text, amount numeric, until date)
returns text
-- (stable, as to_char() and || of numbers are: a query takes no immutable function
-- in that has them, but plans it anew each time)
language sql stable parallel safe
return case kind when 'promise' then 'promise to pay' || coalesce(' ' || amount, '')
        when 'dispute' then 'dispute' when 'reply' then 'the customer replied' else 'by hand' end
    || coalesce(case kind when 'reply' then ', ' else ' ' end || 'until ' || pg_catalog.to_char(until::timestamp, 'YYYY-MM-DD'), '')
    || case when reason <> '' then ' (' || reason || ')' else '' end;

comment on function ar_inbox_internal.hold_text(text, text, numeric, date) is
'A hold as a reader is told of it.';

create function ar_inbox_internal.hold_on(company_id bigint, invoice_id bigint, customer_id bigint,
    moment timestamptz, as_of timestamptz = 'infinity')
returns table (held text)
language sql stable rows 1
as $$
    -- a part of the queries that ask it: it fixes no search_path
    select ar_inbox_internal.hold_text(f.kind, f.reason, f.amount, f.until)
    from (
        select h.* from ar_inbox.holds h
        where h.company_id = $1 and h.invoice_id = $2
        union all
        select h.* from ar_inbox.holds h
        where h.company_id = $1 and h.customer_id = $3) f
    where f.created_at <= $5 and (f.ended_at is null or f.ended_at > $5)
        and (f.ends_at is null or f.ends_at > $4)
    -- the one that lasts longest
    order by f.ends_at desc nulls first, f.id
    limit 1;
$$;

comment on function ar_inbox_internal.hold_on(bigint, bigint, bigint, timestamptz, timestamptz) is
'What holds the chasing of the invoice at that moment, by itself or by its customer, as a text; no row: nothing. as_of: what was written down until then counts.';

create function ar_inbox_internal.end_of_day(company_id bigint, day date)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select (day + 1)::timestamp at time zone c.time_zone
            from ar_inbox.companies c where c.id = end_of_day.company_id);
end
$$;

comment on function ar_inbox_internal.end_of_day(bigint, date) is 'When the day is over on the company''s clocks.';

create function ar_inbox_internal.add_hold(company_id bigint, invoice_id bigint, customer_id bigint, kind text,
    reason text, until date, amount numeric)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    company ar_inbox.companies;
    target  record;
    new_id  bigint;
begin
    select c.* into company from ar_inbox.companies c where c.id = add_hold.company_id;
    insert into ar_inbox.holds (company_id, invoice_id, customer_id, kind, reason, amount, until, ends_at, member_id)
    values (company_id, invoice_id, customer_id, kind, coalesce(pg_catalog.btrim(reason), ''), amount, until,
        ar_inbox_internal.end_of_day(company_id,
            until + case kind when 'promise' then company.promise_grace_days else 0 end),
        ar_inbox_internal.member_id(company_id))
    returning id into new_id;
    perform ar_inbox_internal.record_event(company_id, case when invoice_id is not null then 'invoice' else 'customer' end,
        coalesce(invoice_id, customer_id), 'held', null, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
            'hold_id', new_id, 'kind', kind, 'reason', reason, 'until', until, 'amount', amount)));
    -- what waits for its hand-off waits no longer; who fires has the invoice locked
    for target in
        select i.id from ar_inbox.invoices i
        where i.company_id = add_hold.company_id and i.status = 'issued'
            and (i.id = add_hold.invoice_id or i.customer_id = add_hold.customer_id)
        order by i.id
        for no key update
    loop
        perform ar_inbox_internal.call_back(company_id, target.id, 'held: '
            || ar_inbox_internal.hold_text(kind, coalesce(pg_catalog.btrim(reason), ''), amount, until), 'reminders');
    end loop;
    return new_id;
end
$$;

comment on function ar_inbox_internal.add_hold(bigint, bigint, bigint, text, text, date, numeric) is
'Writes a hold and calls back the reminders that wait for hand-off. Returns its id.';

create function ar_inbox.hold(invoice_id bigint = null, customer_id bigint = null, kind text = 'manual',
    reason text = null, until date = null, amount numeric = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    key     ar_inbox_internal.invoice_key;
    company ar_inbox.companies;
    invoice ar_inbox.invoices;
begin
    if (invoice_id is null) = (customer_id is null) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', case when invoice_id is null
                then 'neither an invoice nor a customer is given' else 'both an invoice and a customer are given' end,
            'Give invoice_id, or customer_id to hold all of a customer''s invoices.');
    end if;
    if invoice_id is not null then
        key := ar_inbox_internal.lock_invoice(invoice_id, 'send');
        if key.status not in ('draft', 'issued') then
            perform ar_inbox_internal.refuse('IB002', pg_catalog.format('invoice %s is %s', key.label, key.status),
                'Only the chasing of an invoice with an open balance can be held.');
        end if;
        select i.* into invoice from ar_inbox.invoices i where i.company_id = key.company_id and i.id = key.id;
    else
        perform ar_inbox_internal.require_installed();
        select c.company_id into key.company_id from ar_inbox.customers c where c.id = hold.customer_id;
        perform ar_inbox_internal.require(key.company_id, 'send', 'customer', customer_id);
    end if;
    select c.* into company from ar_inbox.companies c where c.id = key.company_id;
    if kind is null or kind not in ('promise', 'dispute', 'manual') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('kind %s is not known', pg_catalog.quote_nullable(kind)),
            'Give promise, dispute or manual; the holds of kind reply are made by the replies themselves.');
    elsif kind = 'promise' and until is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'a promise to pay has no date',
            'Give until, the day by which the customer will have paid.');
    elsif kind = 'dispute' and ar_inbox_internal.is_blank(reason) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'a dispute has no reason',
            'Give reason, what the customer disputes.');
    elsif until < (pg_catalog.now() at time zone company.time_zone)::date then
        perform ar_inbox_internal.refuse('invalid_parameter_value', pg_catalog.format('until %s is over', until),
            'Give today or a later day, or NULL for a hold until it is lifted.');
    elsif amount is not null and kind <> 'promise' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('an amount is given for a hold of kind %s', kind), 'Only a promise has an amount.');
    elsif amount <= 0 or amount = 'NaN' or amount = 'Infinity'
        or amount <> pg_catalog.round(amount, ar_inbox_internal.currency_digits(coalesce(invoice.currency, company.currency)))
    then
        perform ar_inbox_internal.refuse('invalid_parameter_value', pg_catalog.format('amount %s cannot be promised', amount),
            pg_catalog.format('Give more than zero, with at most the decimal places of %s.',
                coalesce(invoice.currency, company.currency)));
    elsif amount > invoice.balance then
        perform ar_inbox_internal.refuse('IB004',
            pg_catalog.format('amount %s is more than the balance of %s %s of invoice %s', amount, invoice.balance,
                invoice.currency, key.label),
            pg_catalog.format('Give at most %s, or NULL for all of it.', invoice.balance));
    end if;
    perform ar_inbox_internal.check_date(until, 'until');
    -- it is shown with every step that it withholds
    perform ar_inbox_internal.check_length(reason, 'reason', 1000);
    return ar_inbox_internal.add_hold(key.company_id, invoice_id, customer_id, kind, reason, until,
        case when kind = 'promise' then coalesce(amount, invoice.balance) end);
end
$$;

comment on function ar_inbox.hold(bigint, bigint, text, text, date, numeric) is
'Lets the chasing of an invoice, or of all invoices of a customer, wait: steps that come due meanwhile are withheld with this reason, and reminders that wait to be handed off are called back. kind: promise (to pay), dispute (with its reason), manual. until: the last day, in the company''s time zone; a promise holds for promise_grace_days more; NULL: until it is lifted. amount: what was promised, in the invoice''s currency (for a customer, the company''s); NULL: the balance. A hold ends by itself after its last day; a promise then as kept or broken. Returns its id. Needs send. Errors: IB001, 42501, IB002 (paid, closed, voided), IB004 (more than the balance), 22023.';

create function ar_inbox.lift_hold(hold_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    held ar_inbox.holds;
begin
    perform ar_inbox_internal.require_installed();
    select h.* into held from ar_inbox.holds h where h.id = lift_hold.hold_id for update;
    perform ar_inbox_internal.require(held.company_id, 'send', 'hold', hold_id);
    if held.ended_at is not null then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('hold %s has ended (%s)', hold_id, held.outcome),
            'Chasing no longer waits for it.');
    end if;
    update ar_inbox.holds h
    set ended_at = pg_catalog.now(), outcome = 'lifted', lifted_by = ar_inbox_internal.caller(),
        lifted_by_member_id = ar_inbox_internal.member_id(held.company_id)
    where h.company_id = held.company_id and h.id = held.id;
    perform ar_inbox_internal.record_event(held.company_id,
        case when held.invoice_id is not null then 'invoice' else 'customer' end,
        coalesce(held.invoice_id, held.customer_id), 'hold lifted', null,
        pg_catalog.jsonb_build_object('hold_id', held.id, 'kind', held.kind));
end
$$;

comment on function ar_inbox.lift_hold(bigint) is
'Ends a hold: chasing goes on with the next step. What was withheld stays withheld; retry_step() sends it. Needs send. Errors: IB001, 42501, IB002 (ended already).';

create function ar_inbox_internal.hold_for_reply(company_id bigint, thread_id bigint, customers bigint[], at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    threads  bigint[] := array[thread_id];
    invoices bigint[];
    invoice  bigint;
    here     text;
    last     date;
    held     ar_inbox.holds;
begin
    -- of a merged conversation (few are), each of its invoices that something is to come of
    if exists (select 1 from ar_inbox.threads t
            where t.company_id = hold_for_reply.company_id and t.merged_into_id = hold_for_reply.thread_id) then
        threads := array(
            select m.id from ar_inbox_internal.merged_threads(hold_for_reply.company_id, hold_for_reply.thread_id) m);
    end if;
    invoices := array(
        select i.id
        from ar_inbox.threads t
        join ar_inbox.invoices i on i.company_id = t.company_id and i.id = t.invoice_id
        where t.company_id = hold_for_reply.company_id and t.id = any (threads)
            and i.status = 'issued' and i.customer_id = any (customers)
            and exists (select 1 from ar_inbox.chasing_steps s
                where s.company_id = i.company_id and s.invoice_id = i.id and s.state in ('scheduled', 'sending'))
        order by i.id);
    if invoices = '{}' then
        return;
    end if;
    select c.time_zone, (hold_for_reply.at at time zone c.time_zone)::date + c.reply_hold_days - 1 into here, last
    from ar_inbox.companies c where c.id = hold_for_reply.company_id;
    if last < (pg_catalog.now() at time zone here)::date then
        return;     -- it came long ago
    end if;
    foreach invoice in array invoices loop
        -- the invoice first, as everything that fires or ends its steps
        perform 1 from ar_inbox.invoices i
        where i.company_id = hold_for_reply.company_id and i.id = invoice and i.status = 'issued'
            and (i.issue_date <= (hold_for_reply.at at time zone here)::date
                or not ar_inbox_internal.came_before(hold_for_reply.at, i.created_at))
        for no key update;
        continue when not found;
        select h.* into held from ar_inbox.holds h
        where h.company_id = hold_for_reply.company_id and h.invoice_id = invoice and h.kind = 'reply'
            and h.ended_at is null
        for update;
        if not found then
            perform ar_inbox_internal.add_hold(company_id, invoice, null, 'reply', null, last, null);
        elsif held.until < last then
            update ar_inbox.holds h
            set until = last, ends_at = ar_inbox_internal.end_of_day(held.company_id, last)
            where h.company_id = held.company_id and h.id = held.id;
        end if;
    end loop;
end
$$;

comment on function ar_inbox_internal.hold_for_reply(bigint, bigint, bigint[], timestamptz) is
'Holds the chasing of the thread''s invoice, as its customer wrote: for the company''s reply_hold_days, the day on which it arrived (at) included, if these are not over; not an invoice that was neither here nor dated by then.';

create function ar_inbox_internal.end_reply_holds(company_id bigint, thread_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.holds h
    set ended_at = pg_catalog.now(), outcome = 'lifted'
    where h.company_id = end_reply_holds.company_id and h.kind = 'reply' and h.ended_at is null
        and h.invoice_id in (
            select t.invoice_id
            from ar_inbox_internal.merged_threads(end_reply_holds.company_id, end_reply_holds.thread_id) m
            join ar_inbox.threads t on t.company_id = end_reply_holds.company_id and t.id = m.id);
end
$$;

comment on function ar_inbox_internal.end_reply_holds(bigint, bigint) is
'A member has closed the thread: the reply is dealt with, and chasing goes on.';

create function ar_inbox_internal.promise_is_kept(company_id bigint, hold_id bigint)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    promise ar_inbox.holds;
begin
    select h.* into promise from ar_inbox.holds h
    where h.company_id = promise_is_kept.company_id and h.id = hold_id;
    if promise.amount is null then
        -- everything that was open when it was given
        return not exists (
            select 1 from ar_inbox.invoices i
            where i.company_id = promise.company_id and i.customer_id = promise.customer_id
                and i.status = 'issued' and i.issued_at <= promise.created_at);
    end if;
    return promise.amount <= (
        select coalesce(pg_catalog.sum(p.amount), 0)
        from ar_inbox.invoices i
        join ar_inbox.payments p on p.company_id = i.company_id and p.invoice_id = i.id
        where i.company_id = promise.company_id
            and (i.id = promise.invoice_id or (i.customer_id = promise.customer_id
                -- an account's promise is in the company's currency
                and i.currency = (select c.currency from ar_inbox.companies c where c.id = promise.company_id)))
            and p.created_at >= promise.created_at and p.created_at < promise.ends_at and p.voided_at is null and not p.is_credit);
end
$$;

comment on function ar_inbox_internal.promise_is_kept(bigint, bigint) is
'Whether what was promised has come in since.';

create function ar_inbox_internal.end_holds(at timestamptz, most integer = 100)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    held    ar_inbox.holds;
    ended   bigint := 0;
    result  text;
begin
    for held in
        select h.* from ar_inbox.holds h
        where h.ended_at is null and h.ends_at <= at
        order by h.ends_at
        limit most
        for update skip locked
    loop
        result := case when held.kind <> 'promise' then 'over'
            when ar_inbox_internal.promise_is_kept(held.company_id, held.id) then 'kept' else 'broken' end;
        update ar_inbox.holds h set ended_at = held.ends_at, outcome = result
        where h.company_id = held.company_id and h.id = held.id;
        perform ar_inbox_internal.record_event(held.company_id,
            case when held.invoice_id is not null then 'invoice' else 'customer' end,
            coalesce(held.invoice_id, held.customer_id), 'hold ended', null,
            pg_catalog.jsonb_build_object('hold_id', held.id, 'kind', held.kind, 'outcome', result));
        ended := ended + 1;
    end loop;
    return ended;
end
$$;

comment on function ar_inbox_internal.end_holds(timestamptz, integer) is
'Writes down how holds ended whose time is over: a promise as kept or broken. (That they hold no longer needs no writing down.) Returns how many.';

create function ar_inbox_internal.end_holds_of_invoice(company_id bigint, invoice_id bigint, paid boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.holds h
    set ended_at = greatest(pg_catalog.now(), h.created_at),
        -- (one whose time was over before, and that nobody has ended yet, was not kept)
        outcome = case when h.kind = 'promise' and paid and h.ends_at > pg_catalog.now() then 'kept'
            when h.kind = 'promise' and h.ends_at <= pg_catalog.now() then 'broken'
            else 'over' end
    where h.company_id = end_holds_of_invoice.company_id and h.invoice_id = end_holds_of_invoice.invoice_id
        and h.ended_at is null;
end
$$;

comment on function ar_inbox_internal.end_holds_of_invoice(bigint, bigint, boolean) is
'The invoice is paid, closed or voided: nothing of it is held any more.';
