-- What members look at.

create view ar_inbox.inbox with (security_invoker = true) as
select t.id as thread_id, t.company_id, t.subject, c.name as customer, i.number as document, t.status,
    m.name as assignee, t.last_message_at, t.last_direction, t.message_count
from ar_inbox.threads t
left join ar_inbox.customers c on c.company_id = t.company_id and c.id = t.customer_id
left join ar_inbox.invoices i on i.company_id = t.company_id and i.id = t.invoice_id
left join ar_inbox.members m on m.company_id = t.company_id and m.id = t.assignee_id
where t.spam_at is null and t.merged_into_id is null;
comment on view ar_inbox.inbox is 'The conversations of the caller''s companies, one row a thread; but for those that are spam or merged into another.';
grant select on ar_inbox.inbox to ar_inbox_staff;

create view ar_inbox.sent with (security_invoker = true) as
select e.id as email_id, e.company_id, e.thread_id, e.subject, e.from_name as sender, e.channel,
    coalesce((select pg_catalog.array_agg(r.address::text order by r.field desc, r.position)
        from ar_inbox.email_recipients r where r.company_id = e.company_id and r.email_id = e.id and r.field <> 'reply_to'),
        array[d.recipient]) as recipients,
    e.automatic, e.template, e.sent_at, d.state, d.reason, d.finished_at as handed_off_at,
    e.occurred_at
from ar_inbox.emails e
left join ar_inbox.deliveries d on d.company_id = e.company_id and d.email_id = e.id
where e.direction = 'outgoing';
comment on view ar_inbox.sent is 'Every outgoing message of the caller''s companies, by whatever channel, automatic or not, and where its hand-off stands.';
grant select on ar_inbox.sent to ar_inbox_staff;
