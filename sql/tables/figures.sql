-- Figures: what chasing did and what it brought in, promises, receivables.
--
-- All of them by company and currency: amounts of different currencies are
-- never added.  Days and months are those of the company's time zone.

create view ar_inbox.chasing_results with (security_invoker = true) as
select o.company_id, i.currency,
    pg_catalog.date_trunc('month', o.at at time zone c.time_zone)::date as month,
    o.channel, o.mail, o.outcome,
    case o.outcome
        when 'withheld' then coalesce(ar_inbox_internal.withheld_because(o.reason, o.channel::text), 'other')
        when 'failed' then ar_inbox_internal.failed_because(o.reason, o.channel::text, o.delivery_state)
        when 'skipped' then ar_inbox_internal.ended_because(o.reason)
        when 'cancelled' then ar_inbox_internal.ended_because(o.reason) end as reason,
    count(*) as steps
from (
    select s.company_id, s.invoice_id, s.mail, k.channel,
        coalesce(d.at, s.fired_at, s.cancelled_at, s.due_at, s.created_at) as at,
        case
            when pg_catalog.cardinality(s.channels) = 1 then s.state::text
            when d.at is not null then case
                when d.pending then 'sending'
                when d.failed is not null then 'failed'
                when d.through then 'sent'
                when d.called_back like 'held: %' then 'withheld'
                else 'cancelled' end
            -- what was said of the channel when the step was judged
            when s.state not in ('sending', 'sent', 'failed') then s.state::text
            when s.failures ? k.channel::text then 'failed'
            when s.state = 'failed' and ar_inbox_internal.withheld_because(s.reason, k.channel::text) is null
                and (s.reason like '%' || k.channel::text || ': %' or s.reason like 'it could not be made %') then 'failed'
            else 'withheld' end as outcome,
        coalesce(d.failed, d.called_back, s.failures ->> k.channel::text, s.reason) as reason,
        d.failed_state as delivery_state
    from ar_inbox.chasing_steps s
    cross join lateral pg_catalog.unnest(s.channels) k (channel)
    -- whether the channel is among those that the step was last set to go through
    cross join lateral (
        select s.left_channels is null or k.channel = any (s.left_channels)) l (tried)
    left join lateral (
        -- A step of one channel says itself what became of it, but for why it failed.
        select pg_catalog.max(y.created_at) as at,
            pg_catalog.bool_or(y.state in ('queued', 'handing_off', 'deferred')
                or (y.state = 'unknown' and (y.next_attempt_at is not null or s.state = 'sending'))) as pending,
            pg_catalog.min(y.reason) filter (where y.state in ('rejected', 'bounced')
                or (y.state = 'unknown' and s.state = 'failed')) as failed,
            pg_catalog.min(y.state) filter (where y.state in ('rejected', 'bounced')
                or (y.state = 'unknown' and s.state = 'failed')) as failed_state,
            pg_catalog.bool_or(y.state in ('accepted', 'unknown')) as through,
            pg_catalog.min(y.reason) filter (where y.state = 'cancelled') as called_back
        from ar_inbox.deliveries y
        where (pg_catalog.cardinality(s.channels) > 1 or s.state = 'failed')
            and y.company_id = s.company_id and y.chasing_step_id = s.id and y.channel = k.channel
            -- of a step that was tried again: the last time
            and case when s.left_channels is null then true
                when l.tried then y.created_at >= s.fired_at
                else not exists (
                    select from ar_inbox.deliveries n
                    where n.company_id = y.company_id and n.chasing_step_id = y.chasing_step_id
                        and n.channel = y.channel and n.created_at > y.created_at) end) d on true
    where s.state <> 'scheduled' or not l.tried) o
join ar_inbox.invoices i on i.company_id = o.company_id and i.id = o.invoice_id
join ar_inbox.companies c on c.id = o.company_id
group by 1, 2, 3, 4, 5, 6, 7;
comment on view ar_inbox.chasing_results is 'What chasing did: how many steps, counted once for each of their channels, were sent, failed, were withheld, skipped or cancelled, and for what kind of reason, by month and currency. A step that was tried again counts by what became of it the last time; one still to come does not count.';
comment on column ar_inbox.chasing_results.month is 'The first day of the month in which the step was judged or ended; of one skipped when it was set, in which it would have been due.';
comment on column ar_inbox.chasing_results.mail is 'Which of the company''s automatic mails; NULL: a step of chasing.';
comment on column ar_inbox.chasing_results.outcome is 'sending (queued or in flight), sent, failed, withheld, skipped, cancelled.';
comment on column ar_inbox.chasing_results.reason is 'withheld: promise, dispute, reply, manual, max_sends_per_day, sms_hours, max_texts_per_number, other. failed: no_address, not_set_up, not_made, suppressed, refused, given_up, bounced, in_doubt. skipped: past, before_invoice_date, already_sent, catch_up_window, turned_off, chased. cancelled: paid, closed, voided, stopped, rescheduled, payment_voided.';
grant select on ar_inbox.chasing_results to ar_inbox_staff;

create view ar_inbox.reminder_results with (security_invoker = true) as
select i.company_id, i.currency, pg_catalog.date_trunc('month', n.first_day::timestamp)::date as month, n.automatic,
    count(*) as invoices,
    count(*) filter (where i.status = 'paid' and n.paid_after <= 7) as paid_within_7_days,
    count(*) filter (where i.status = 'paid' and n.paid_after <= 14) as paid_within_14_days,
    count(*) filter (where i.status = 'paid' and n.paid_after <= 30) as paid_within_30_days,
    pg_catalog.sum(i.total - n.before) as amount,
    pg_catalog.sum(n.within_7) as amount_within_7_days,
    pg_catalog.sum(n.within_14) as amount_within_14_days,
    pg_catalog.sum(n.within_30) as amount_within_30_days
from (
    -- each invoice with its payments
    select y.company_id, y.invoice_id, pg_catalog.min(y.first_day) as first_day,
        pg_catalog.bool_or(y.automatic) as automatic,
        -- paid in full by the last of them
        (pg_catalog.array_agg(y.received_on - y.reminded_on order by y.received_on desc, y.payment_id desc))[1] as paid_after,
        coalesce(pg_catalog.sum(y.amount) filter (where y.reminded_on is null), 0) as before,
        coalesce(pg_catalog.sum(y.amount) filter (where y.received_on - y.reminded_on <= 7), 0) as within_7,
        coalesce(pg_catalog.sum(y.amount) filter (where y.received_on - y.reminded_on <= 14), 0) as within_14,
        coalesce(pg_catalog.sum(y.amount) filter (where y.received_on - y.reminded_on <= 30), 0) as within_30
    from (
        -- each payment with the last reminder before it
        select r.company_id, r.invoice_id, p.id as payment_id, p.amount, p.received_on,
            pg_catalog.min(r.day) as first_day,
            coalesce(pg_catalog.min(r.at) filter (where r.automatic) < pg_catalog.min(r.at) filter (where not r.automatic),
                pg_catalog.bool_and(r.automatic)) as automatic,
            pg_catalog.max(r.day) filter (where r.day < p.received_on
                -- on the day itself: if it was known only after it
                or (r.day = p.received_on and r.at <= p.created_at)) as reminded_on
        from (
            select d.company_id, d.invoice_id, d.finished_at as at,
                (d.finished_at at time zone c.time_zone)::date as day, s.mail is not null as automatic
            from ar_inbox.deliveries d
            join ar_inbox.chasing_steps s on s.company_id = d.company_id and s.id = d.chasing_step_id
            join ar_inbox.companies c on c.id = d.company_id
            -- the invoice itself and receipts remind nobody
            where d.state = 'accepted' and s.trigger <> 'on_issue' and s.payment_id is null) r
        left join ar_inbox.payments p on p.company_id = r.company_id and p.invoice_id = r.invoice_id and p.voided_at is null
            and not p.is_credit
        group by r.company_id, r.invoice_id, p.company_id, p.id) y
    group by y.company_id, y.invoice_id) n
join ar_inbox.invoices i on i.company_id = n.company_id and i.id = n.invoice_id
where i.status <> 'voided'
group by 1, 2, 3, 4;
comment on view ar_inbox.reminder_results is 'What reminders brought in, by the month of an invoice''s first reminder, so that each invoice is in one row: how many invoices were reminded, how many of them were paid in full within so many days of a reminder, and what came in within so many days of one. A reminder is a message of a step, but for those on issue, that left by any channel. What was paid within 7 days was so within 14 and 30 too. Credits, voided payments and voided invoices do not count.';
comment on column ar_inbox.reminder_results.automatic is 'Whether the first reminder was one of the company''s automatic mails; false: chasing.';
comment on column ar_inbox.reminder_results.paid_within_7_days is 'Invoices paid in full whose last payment was received within 7 days of the last reminder before it.';
comment on column ar_inbox.reminder_results.amount is 'What was open of the invoices at their first reminder.';
comment on column ar_inbox.reminder_results.amount_within_7_days is 'Payments, in part too, received within 7 days of the last reminder before them.';
grant select on ar_inbox.reminder_results to ar_inbox_staff;

create view ar_inbox.promise_results with (security_invoker = true) as
select h.company_id, coalesce(i.currency, c.currency) as currency,
    pg_catalog.date_trunc('month', h.until::timestamp)::date as month,
    count(*) as promises,
    count(*) filter (where h.outcome = 'kept') as kept,
    count(*) filter (where h.outcome = 'broken') as broken,
    count(*) filter (where h.outcome is null) as open,
    count(*) filter (where h.outcome in ('lifted', 'over')) as withdrawn,
    coalesce(pg_catalog.sum(h.amount), 0) as amount,
    coalesce(pg_catalog.sum(h.amount) filter (where h.outcome = 'kept'), 0) as amount_kept,
    coalesce(pg_catalog.sum(h.amount) filter (where h.outcome = 'broken'), 0) as amount_broken,
    coalesce(pg_catalog.sum(h.amount) filter (where h.outcome is null), 0) as amount_open,
    coalesce(pg_catalog.sum(h.amount) filter (where h.outcome in ('lifted', 'over')), 0) as amount_withdrawn
from ar_inbox.holds h
join ar_inbox.companies c on c.id = h.company_id
left join ar_inbox.invoices i on i.company_id = h.company_id and i.id = h.invoice_id
where h.kind = 'promise'
group by 1, 2, 3;
comment on view ar_inbox.promise_results is 'Promises to pay by the month they were for: kept, broken, open (not yet judged), withdrawn (lifted, or the invoice was closed or voided), with the amounts promised. A promise about all that a customer owes is in the company''s currency; without an amount it is counted only.';
grant select on ar_inbox.promise_results to ar_inbox_staff;

create view ar_inbox.aging with (security_invoker = true) as
select n.company_id, n.currency, b.bucket, b.days_from, b.days_to,
    coalesce(pg_catalog.sum(n.invoices) filter (where n.days between coalesce(b.days_from, n.days) and coalesce(b.days_to, n.days)), 0)::bigint as invoices,
    coalesce(pg_catalog.sum(n.amount) filter (where n.days between coalesce(b.days_from, n.days) and coalesce(b.days_to, n.days)), 0) as amount
from (
    -- each number of days once: there are few
    select i.company_id, i.currency, t.today - i.due_date as days, count(*) as invoices, pg_catalog.sum(i.balance) as amount
    from ar_inbox.invoices i
    join (select c.id, (pg_catalog.now() at time zone c.time_zone)::date as today from ar_inbox.companies c) t
        on t.id = i.company_id
    where i.status = 'issued' and i.issue_date <= t.today
    group by i.company_id, i.currency, t.today - i.due_date) n
cross join ar_inbox_internal.aging_buckets() b
group by n.company_id, n.currency, b.bucket, b.days_from, b.days_to;
comment on view ar_inbox.aging is 'Receivables by how long they are past due today, in the company''s time zone: five buckets for each currency. The function of the same name tells it of any day.';
comment on column ar_inbox.aging.days_from is 'Days past due from which the bucket goes; NULL, of "not due": any number before.';
comment on column ar_inbox.aging.days_to is 'Up to which it goes; NULL, of "over 90": any number after.';
comment on column ar_inbox.aging.amount is 'What is open of the invoices.';
grant select on ar_inbox.aging to ar_inbox_staff;

create view ar_inbox.days_sales_outstanding with (security_invoker = true) as
select n.company_id, n.currency, n.today as day, n.receivables, n.not_due, n.sales,
    pg_catalog.round(n.receivables * 90 / nullif(n.sales, 0), 1) as days,
    pg_catalog.round(n.not_due * 90 / nullif(n.sales, 0), 1) as best_possible_days,
    pg_catalog.round(n.count_back, 1) as count_back_days
from (
    select w.company_id, w.currency, w.today, w.receivables, pg_catalog.sum(w.not_due) as not_due,
        coalesce(pg_catalog.sum(w.sales) filter (where w.age < 90), 0) as sales,
        case when w.receivables = 0 then 0
            -- the day on which the sales since then come to what is open, and how much of that day
            else pg_catalog.min(w.age + (w.receivables - (w.sales_since - w.sales)) / nullif(w.sales, 0))
                filter (where w.sales_since >= w.receivables) end as count_back
    from (
        select d.*, pg_catalog.sum(d.sales) over (partition by d.company_id, d.currency order by d.age) as sales_since,
            pg_catalog.sum(d.open) over (partition by d.company_id, d.currency) as receivables
        from (
            select i.company_id, i.currency, t.today, t.today - i.issue_date as age,
                pg_catalog.sum(i.total) as sales,
                coalesce(pg_catalog.sum(i.balance) filter (where i.status = 'issued'), 0) as open,
                coalesce(pg_catalog.sum(i.balance) filter (where i.status = 'issued' and i.due_date >= t.today), 0) as not_due
            from ar_inbox.invoices i
            join (select c.id, (pg_catalog.now() at time zone c.time_zone)::date as today from ar_inbox.companies c) t
                on t.id = i.company_id
            where i.status in ('issued', 'paid', 'closed') and i.issue_date <= t.today
            group by i.company_id, i.currency, t.today, t.today - i.issue_date) d) w
    group by w.company_id, w.currency, w.today, w.receivables) n;
comment on view ar_inbox.days_sales_outstanding is 'Days sales outstanding today, in the company''s time zone: receivables (the open balances of issued invoices) divided by the sales of the last 90 days (the totals of the invoices dated in them, paid and closed ones included, drafts and voided ones not), times 90. Invoices dated after today do not count.';
comment on column ar_inbox.days_sales_outstanding.not_due is 'The part of the receivables that is not past due.';
comment on column ar_inbox.days_sales_outstanding.days is 'receivables / sales × 90; NULL: there were no sales in the last 90 days.';
comment on column ar_inbox.days_sales_outstanding.best_possible_days is 'not_due / sales × 90: what it would be if nothing were past due. What days has above it are the average days delinquent.';
comment on column ar_inbox.days_sales_outstanding.count_back_days is 'By counting back: how many days, today included, must be gone back until the sales of those days come to the receivables. It does not move with the season, as days does.';
grant select on ar_inbox.days_sales_outstanding to ar_inbox_staff;

create view ar_inbox.open_holds with (security_invoker = true) as
select h.id as hold_id, h.company_id, h.kind, h.reason, i.number as document, k.name as customer, h.until, h.ends_at, h.amount,
    case when h.amount is not null then coalesce(i.currency, c.currency) end as currency,
    m.name as member, h.created_at, h.invoice_id, k.id as customer_id
from ar_inbox.holds h
join ar_inbox.companies c on c.id = h.company_id
left join ar_inbox.invoices i on i.company_id = h.company_id and i.id = h.invoice_id
join ar_inbox.customers k on k.company_id = h.company_id and k.id = coalesce(h.customer_id, i.customer_id)
left join ar_inbox.members m on m.company_id = h.company_id and m.id = h.member_id
where h.ended_at is null and (h.ends_at is null or h.ends_at > pg_catalog.now());
comment on view ar_inbox.open_holds is 'The holds in force: what chasing waits for, of which invoice (document NULL: of all of the customer''s), until when, why, and by whom (NULL: an administrator, or the reply that holds it).';
grant select on ar_inbox.open_holds to ar_inbox_staff;
