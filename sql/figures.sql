-- Figures: what the views of sql/tables/figures.sql ask, and aging of any day.
--
-- The two that group reasons read what decides and delivers steps has written
-- down.  They are expressions, so that a view pays no call for each row.

create function ar_inbox_internal.withheld_because(reason text, channel text)
returns text
language sql immutable parallel safe
return case
    when reason like 'held: promise%' then 'promise'
    when reason like 'held: dispute%' then 'dispute'
    when reason like 'held: the customer replied%' then 'reply'
    when reason like 'held: %' then 'manual'
    when reason like '%sent % times by ' || channel || ' today, the limit (max_sends_per_day)%' then 'max_sends_per_day'
    when channel = 'sms' and reason like '%sms: % (sms_from_hour, sms_to_hour)%' then 'sms_hours'
    when channel = 'sms' and reason like '%sms: % the limit (max_texts_per_number)%' then 'max_texts_per_number' end;

comment on function ar_inbox_internal.withheld_because(text, text) is
'The kind of reason for which a channel of a step was withheld: the kind of the hold, or the limit. NULL: the reason does not say that this channel was withheld.';

create function ar_inbox_internal.failed_because(reason text, channel text, state ar_inbox.delivery_state)
returns text
language sql immutable parallel safe
return case
    when reason like '%suppressed since %' and channel = 'email' then 'suppressed'
    when state = 'bounced' then 'bounced'
    when state = 'unknown' then 'in_doubt'
    when state = 'rejected' and reason like 'given up%' then 'given_up'
    when state = 'rejected' then 'refused'
    when reason like '%' || channel || ': the company has no %' then 'not_set_up'
    when reason like '%' || channel || ': the customer has no %'
        or reason like '%' || channel || ': no contact with the role %' then 'no_address'
    else 'not_made' end;

comment on function ar_inbox_internal.failed_because(text, text, ar_inbox.delivery_state) is
'The kind of reason for which a channel of a step failed. state: of the delivery that failed; NULL: it did not come to one.';

create function ar_inbox_internal.ended_because(reason text)
returns text
language sql immutable parallel safe
return case
    when reason like '%(catch_up_window)' then 'catch_up_window'
    when reason = 'past' then 'past'
    when reason = 'before invoice date' then 'before_invoice_date'
    when reason = 'already sent' then 'already_sent'
    when reason = 'the automatic mail is turned off' then 'turned_off'
    when reason = 'the invoice is chased' then 'chased'
    when reason like '%invoice paid' then 'paid'
    when reason like '%invoice closed' then 'closed'
    when reason like '%invoice voided' then 'voided'
    when reason = 'another schedule was set' then 'rescheduled'
    when reason = 'the payment was voided' then 'payment_voided'
    else 'stopped' end;

comment on function ar_inbox_internal.ended_because(text) is
'The kind of reason for which a step was skipped or cancelled.';

create function ar_inbox_internal.aging_buckets()
returns table (bucket text, days_from integer, days_to integer)
language sql immutable parallel safe rows 5
begin atomic
    values ('not due', null::integer, 0), ('1-30', 1, 30), ('31-60', 31, 60), ('61-90', 61, 90), ('over 90', 91, null);
end;

comment on function ar_inbox_internal.aging_buckets() is
'The buckets of an aging report, by days past due: from and to, both included; NULL: without a bound.';

create function ar_inbox.aging(company_id bigint, on_day date = null)
returns table (currency text, bucket text, days_from integer, days_to integer, invoices bigint, amount numeric)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company ar_inbox.companies;
    today   date;
    day     date;
begin
    perform ar_inbox_internal.require_company(company_id, 'view');
    perform ar_inbox_internal.check_date(on_day, 'on_day');
    select c.* into company from ar_inbox.companies c where c.id = aging.company_id;
    today := (pg_catalog.now() at time zone company.time_zone)::date;
    day := coalesce(on_day, today);
    return query
        select n.currency, b.bucket, b.days_from, b.days_to,
            coalesce(pg_catalog.sum(n.invoices) filter (where n.days between coalesce(b.days_from, n.days) and coalesce(b.days_to, n.days)), 0)::bigint,
            coalesce(pg_catalog.sum(n.amount) filter (where n.days between coalesce(b.days_from, n.days) and coalesce(b.days_to, n.days)), 0)
        from (
            select i.currency, day - i.due_date as days, count(*) as invoices, pg_catalog.sum(o.amount) as amount
            from ar_inbox.invoices i
            cross join lateral (
                -- of a past day: without what came in since
                select i.balance + case when day < today then coalesce((
                        select pg_catalog.sum(p.amount) from ar_inbox.payments p
                        where p.company_id = i.company_id and p.invoice_id = i.id and p.received_on > day
                            and p.voided_at is null), 0) else 0 end) o (amount)
            where i.company_id = aging.company_id and i.issue_date <= day and o.amount > 0
                and (i.status = 'issued' or (day < today and (i.status = 'paid' or (i.status = 'closed'
                    and day < (i.ended_at at time zone company.time_zone)::date))))
            group by i.currency, i.due_date) n
        cross join ar_inbox_internal.aging_buckets() b
        group by n.currency, b.bucket, b.days_from, b.days_to
        order by n.currency, b.days_to;
end
$$;

comment on function ar_inbox.aging(bigint, date) is
'The company''s receivables at the end of a day by how long they are past due: for each currency five buckets, with the number of invoices and what is open of them. on_day: NULL: today, in the company''s time zone. Of a past day: what was open then, payments counting from the day they were received; invoices and payments voided since are left out, invoices closed since are in until the day of their closing. Of today and of a day to come: what is open now. Invoices dated after the day are not in it. Needs view. Errors: IB001, 42501, 22023.';
