-- An inbox to measure with: about :messages messages in :threads threads of ten
-- companies, the first of which has three fifths of them.  The same in every
-- run: what differs from row to row comes from a hash of its number.
--
--   psql -v threads=10000 -v messages=50000 -f inbox_data.sql
--
-- For a database that has the extension and nothing in its tables.  It leaves
-- two roles, ar_bench_one and ar_bench_all: members who may read the first
-- company, and all of them.  Triggers and foreign keys are off while it loads;
-- what they would have kept right is set right here.

\set ON_ERROR_STOP 1
\set QUIET 1
set client_min_messages = warning;
set session_replication_role = replica;
set synchronous_commit = off;
set work_mem = '128MB';
set maintenance_work_mem = '256MB';
select to_regproc('ar_inbox_internal.search_vector') is not null as has_search \gset

-- A whole number from 0 to below the second one, by the first: by the third,
-- what of a row it is for.
create function pg_temp.pick(number bigint, below bigint, what integer) returns bigint
language sql immutable as $$
    select abs(hashint8extended(number, what) % below)
$$;

-- Texts: 2,000 paragraphs of words, the frequent ones real, the rare ones made.
create temporary table words as
select n, coalesce(w.word, made.word) as word
from generate_series(0, 19999) n
left join unnest(string_to_array('the to and we of invoice you for is in your on payment please not this that with have be '
    'it as our are account amount attached by will due date from number has been paid was can order total at balance bank '
    'send remittance statement delivery credit note copy week month customer question regards thank dear team confirm '
    'received open reminder transfer department purchase price goods quantity dispute discount late office', ' '))
    with ordinality w (word, place) on w.place = n + 1
cross join lateral (
    select string_agg((array['ba','ce','di','fo','gu','ha','je','ki','lo','mu','na','pe','qui','ro','su','ta','ve','wi','xo','zu'])
        [1 + n / (20 ^ digit)::integer % 20], '') as word
    from generate_series(0, 3) digit) made;
create unique index on words (n);
create temporary table paragraphs as
select p.n, left(string_agg(w.word, ' ' order by i), 1000) as text
from generate_series(0, 1999) p (n)
cross join generate_series(1, 220) i
join words w on w.n = floor(20000 * (pg_temp.pick(p.n * 1000 + i, 1000000, 1) / 1000000.0) ^ 4)::integer
group by p.n;
create unique index on paragraphs (n);
analyze words;
analyze paragraphs;

-- Ten companies with five members each, a mail account, and 500 files.
insert into ar_inbox.companies (id, name) select n, 'Company ' || n from generate_series(1, 10) n;
insert into ar_inbox.secrets (company_id, name, value)
select n, 'signing_key', encode(sha256(n::text::bytea), 'hex') from generate_series(1, 10) n;
insert into ar_inbox.members (id, company_id, name, email)
select n, 1 + (n - 1) / 5, 'Member ' || n, 'member' || n || '@company' || 1 + (n - 1) / 5 || '.test' from generate_series(1, 50) n;
insert into ar_inbox.mail_accounts (id, company_id, from_address, inbox_address, smtp_url)
select n, n, 'billing@company' || n || '.test', 'inbox@company' || n || '.test', 'smtp://127.0.0.1:25' from generate_series(1, 10) n;
insert into ar_inbox.company_addresses (address, company_id)
select (box || '@company' || n || '.test')::ar_inbox.email_address, n from generate_series(1, 10) n, unnest(array['billing', 'inbox']) box;
insert into ar_inbox.file_contents (company_id, content_hash, size, content)
select c.n, sha256(b.bytes), octet_length(b.bytes), b.bytes
from generate_series(1, 10) c (n), generate_series(1, 500) f (n)
join paragraphs p on p.n = f.n
cross join lateral (select convert_to(p.text, 'UTF8') as bytes) b;
insert into ar_inbox.files (id, company_id, name, type, content_hash)
select row_number() over (order by c.company_id, c.content_hash), c.company_id,
    'document ' || row_number() over (partition by c.company_id order by c.content_hash) || '.pdf', 'application/pdf', c.content_hash
from ar_inbox.file_contents c;

-- A customer for each four threads, two invoices for each customer.
select :threads / 4 as customers \gset
insert into ar_inbox.customers (id, company_id, number, name, email)
select c.id, case when c.id % 10 < 6 then 1 else 2 + c.id % 9 end, 'CUST-' || lpad(c.id::text, 7, '0'),
    initcap(w.word) || ' ' || initcap(v.word) || ' Ltd', ('ap@customer' || c.id || '.test')::ar_inbox.email_address
from generate_series(1, :customers) c (id)
join words w on w.n = 200 + pg_temp.pick(c.id, 19000, 2)
join words v on v.n = 200 + pg_temp.pick(c.id, 19000, 3);
insert into ar_inbox.contacts (company_id, customer_id, name, email, is_primary)
select c.company_id, c.id, 'Ann ' || c.id, ('ann@customer' || c.id || '.test')::ar_inbox.email_address, true from ar_inbox.customers c;
-- one customer in a hundred has many invoices
create temporary table invoice_of as
select i.n as id, c.id as customer_id, c.company_id
from generate_series(1, 2 * :customers) i (n)
join ar_inbox.customers c
    on c.id = 1 + case when i.n % 5 = 0 then pg_temp.pick(i.n, :customers, 4) / 100 * 100 else pg_temp.pick(i.n, :customers, 4) end;
insert into ar_inbox.invoices (id, company_id, customer_id, number, status, issue_date, due_date, currency, total, paid, issued_at)
select i.id, i.company_id, i.customer_id, 'INV-' || lpad(i.id::text, 7, '0'),
    case when i.id % 3 = 0 then 'issued' else 'paid' end::ar_inbox.document_status, d.day, d.day + 30, 'USD', d.total,
    case when i.id % 3 = 0 then 0 else d.total end, d.day
from invoice_of i
cross join lateral (select date '2026-06-01' - pg_temp.pick(i.id, 730, 5)::integer as day, 10 + pg_temp.pick(i.id, 100000, 6) / 10.0 as total) d;

-- Which threads there are, and how many messages each has: every fiftieth 30.
create temporary table thread_of as
select t.n as id, t.topic, i.id as invoice_id, c.id as customer_id, coalesce(c.company_id, 1 + greatest(0, t.n % 16 - 6)) as company_id,
    case when t.n % 50 = 0 then 30
        else 1 + pg_temp.pick(t.n, greatest(1, round(2 * (:messages::numeric / :threads - 0.6) / 0.98 - 1)::bigint), 7) end as messages,
    s.status, s.status = 'pending' and t.n % 2 = 0 as snoozed, s.spam,
    timestamptz '2026-06-01' - interval '1 microsecond'
        * pg_temp.pick(t.n, case when s.status = 'closed' then 730 else 30 end * 86400000000, 8) as last_at
from (
    select n, case when n <= :customers then 'customer' when n <= 3 * :customers then 'document' else 'message' end as topic
    from generate_series(1, :threads) n) t
left join invoice_of i on t.topic = 'document' and i.id = t.n - :customers
left join ar_inbox.customers c
    on c.id = case t.topic when 'customer' then t.n when 'document' then i.customer_id
        else case when t.n % 2 = 0 then 1 + pg_temp.pick(t.n, :customers, 9) end end
cross join lateral (
    select case when of_hundred < 3 then 'open' when of_hundred < 7 then 'pending' else 'closed' end as status,
        of_hundred >= 95 and t.topic = 'message' as spam
    from pg_temp.pick(t.n, 100, 10) of_hundred) s;

-- The messages in the order in which they came, so that those of a thread lie
-- apart, as they do.
create temporary table message_of as
select row_number() over (order by m.at, m.thread_id) as id, m.*
from (
    select t.id as thread_id, t.company_id, t.customer_id, t.topic, t.messages, n,
        t.last_at - (t.messages - n) * interval '1 second' * (7200 + pg_temp.pick(t.id, 200000, 11))
            - case when n < t.messages then interval '1 second' * pg_temp.pick(t.id * 100 + n, 3600, 12) else interval '0' end as at,
        (n % 2 = 0) = (t.topic = 'message') as outgoing
    from thread_of t
    cross join generate_series(1, t.messages) n) m;
analyze message_of;

-- What searching needs is made sooner when it is made afterwards.
create temporary table rebuilt as
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_am a on a.oid = c.relam and a.amname = 'gin'
where i.indrelid in ('ar_inbox.emails'::regclass, 'ar_inbox.notes'::regclass);
select format('drop index %s', name) from rebuilt \gexec

insert into ar_inbox.threads (id, company_id, topic, customer_id, invoice_id, subject, status, assignee_id, snoozed_until, spam_at,
    message_count, last_email_id, last_message_at, last_direction, created_at)
select t.id, t.company_id, t.topic, t.customer_id, t.invoice_id,
    case t.topic when 'document' then 'Invoice INV-' || lpad(t.invoice_id::text, 7, '0') when 'customer' then 'Customer ' || t.customer_id
        else initcap(left(p.text, 20 + t.id::integer % 40)) end,
    t.status::ar_inbox.thread_status, case when t.id % 3 = 0 then 1 + 5 * (t.company_id - 1) + t.id % 5 end,
    case when t.snoozed then timestamptz '2026-07-01' end, case when t.spam then t.last_at end,
    t.messages, m.id, m.at, case when m.outgoing then 'outgoing' else 'incoming' end::ar_inbox.direction,
    t.last_at - interval '1 hour' * t.messages
from thread_of t
join message_of m on m.thread_id = t.id and m.n = t.messages
join paragraphs p on p.n = pg_temp.pick(t.id, 2000, 13);

-- 500 to 3,000 characters; what comes in has HTML, made safe, and quotes what
-- it answers; what goes out has its bytes.
\if :has_search
\set vector ar_inbox_internal.search_vector(m.company_id, s.subject, s.people, b.body)
\else
\set vector null::tsvector
\endif
insert into ar_inbox.emails (id, company_id, thread_id, direction, message_id, subject, from_name, from_address, body_text,
    new_text_length, body_html, sent_at, occurred_at, automatic, member_id, template, message, search, created_at)
select m.id, m.company_id, m.thread_id, case when m.outgoing then 'outgoing' else 'incoming' end::ar_inbox.direction,
    'm' || m.id || '@' || case when m.outgoing then 'company' || m.company_id else 'customer' || coalesce(m.customer_id, 0) end || '.test',
    s.subject, s.from_name, s.from_address::ar_inbox.email_address, b.body,
    case when not m.outgoing and m.n > 1 then 100 + pg_temp.pick(m.id, 300, 14) end,
    case when m.outgoing then '<p>' || replace(b.body, E'\n\n', E'</p>\n<p>') || '</p>' end,
    m.at, m.at, m.outgoing and m.n % 3 = 0, case when m.outgoing and m.n % 3 <> 0 then 1 + 5 * (m.company_id - 1) + m.id % 5 end,
    case when m.outgoing and m.n % 3 = 0 then 'past_due_invoice' end,
    case when m.outgoing then convert_to(E'Subject: ' || s.subject || E'\r\n\r\n' || b.body || b.body, 'UTF8') end,
    :vector, m.at
from message_of m
join ar_inbox.threads t on t.id = m.thread_id
join paragraphs p on p.n = pg_temp.pick(m.id, 2000, 15)
join paragraphs q on q.n = pg_temp.pick(m.id, 2000, 16)
join paragraphs r on r.n = pg_temp.pick(m.id, 2000, 17)
cross join lateral (
    select left(p.text || ' PO-' || pg_temp.pick(m.id, :messages, 18) || E'\n\n' || q.text || E'\n\n' || r.text,
        500 + pg_temp.pick(m.id, 2500, 19)::integer) as body) b
cross join lateral (
    select case when m.n > 1 then 'Re: ' else '' end || t.subject as subject,
        case when m.outgoing then 'Company ' || m.company_id || case when m.n % 3 <> 0 then ' (Member ' || 1 + 5 * (m.company_id - 1) + m.id % 5 || ')' else '' end
            else 'Ann ' || coalesce(m.customer_id, m.thread_id) end as from_name,
        case when m.outgoing then 'billing@company' || m.company_id else 'ann@customer' || coalesce(m.customer_id, 0) end || '.test' as from_address,
        'Ann ' || coalesce(m.customer_id, m.thread_id) || ' ann@customer' || coalesce(m.customer_id, 0) || '.test billing@company'
            || m.company_id || '.test' as people) s
order by m.id;

insert into ar_inbox.email_html (company_id, email_id, html, pending)
select e.company_id, e.id, '<p>' || replace(e.body_text, E'\n\n', E'</p>\n<p>') || '</p>', false
from ar_inbox.emails e
where e.direction = 'incoming'
order by e.id;

insert into ar_inbox.email_recipients (company_id, email_id, field, position, name, address, state)
select m.company_id, m.id, f.field, 1, '',
    case when m.outgoing then f.box || '@customer' || coalesce(m.customer_id, 0) || '.test' else f.box || '@company' || m.company_id || '.test' end::ar_inbox.email_address,
    case when m.outgoing then 'accepted' end::ar_inbox.delivery_state
from message_of m
cross join (values ('to', 'ann'), ('cc', 'office')) f (field, box)
where f.field = 'to' or m.id % 3 = 0
order by m.id, f.field desc;
insert into ar_inbox.deliveries (id, company_id, email_id, channel, mail_account_id, invoice_id, state, reason, attempts, give_up_at,
    code, reply, created_at, finished_at)
select m.id, m.company_id, m.id, 'email', m.company_id, t.invoice_id,
    case when m.id % 100 = 0 then 'bounced' else 'accepted' end::ar_inbox.delivery_state, case when m.id % 100 = 0 then '5.1.1 no such user' end,
    1, m.at + interval '1 day', 250, '250 2.0.0 Ok', m.at, m.at
from message_of m
join thread_of t on t.id = m.thread_id
where m.outgoing
order by m.id;
insert into ar_inbox.email_opens (company_id, email_id, opened_at, source, unreliable)
select m.company_id, m.id, m.at + o.n * interval '7 minutes', 'image', case when o.n = 1 then 'an image proxy' end
from message_of m
cross join generate_series(1, 2) o (n)
where m.outgoing and m.id % 8 = 1
order by m.id, o.n;
insert into ar_inbox.attachments (company_id, email_id, file_id, position)
select m.company_id, m.id, 1 + 500 * (m.company_id - 1) + pg_temp.pick(m.id * 2 + a.n, 500, 20), a.n
from message_of m
cross join generate_series(1, 2) a (n)
where m.id % 7 = 0
order by m.id, a.n;
\if :has_search
\set vector 'ar_inbox_internal.search_vector(t.company_id, \'\', \'\', p.text)'
\endif
insert into ar_inbox.notes (company_id, thread_id, member_id, body, search, created_at)
select t.company_id, t.id, 1 + 5 * (t.company_id - 1) + t.id % 5, left(p.text, 200), :vector, t.last_at
from thread_of t
join paragraphs p on p.n = pg_temp.pick(t.id, 2000, 21)
where t.id % 5 in (0, 1)
order by t.last_at;
select definition from rebuilt \gexec
insert into ar_inbox.events (company_id, happened_at, member_id, subject, subject_id, action, before, after)
select t.company_id, t.last_at, 1 + 5 * (t.company_id - 1) + t.id % 5, 'thread', t.id, e.action,
    case e.action when 'status' then '"open"'::jsonb end,
    case e.action when 'status' then to_jsonb(t.status) else to_jsonb(1 + 5 * (t.company_id - 1) + t.id % 5) end
from thread_of t
cross join unnest(array['assignee', 'status']) with ordinality e (action, place)
where e.place = 2 or t.id % 3 = 0
order by t.last_at, e.place;

-- the next ids
select format('select setval(%L, (select max(id) from ar_inbox.%I))', pg_get_serial_sequence(format('ar_inbox.%I', c.relname), 'id'), c.relname)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'id' and a.attidentity <> ''
where c.relnamespace = 'ar_inbox'::regnamespace \gexec

reset session_replication_role;
-- what the worker would have done since
select ar_inbox_internal.queue_phrases(c.id) from ar_inbox.companies c \g /dev/null
do $$
begin
    while (ar_inbox_internal.index_phrases(8192, 1)).done > 0 loop
        commit;
    end loop;
end
$$;
do $$
declare
    reader text;
begin
    foreach reader in array array['ar_bench_one', 'ar_bench_all'] loop
        if not exists (select 1 from pg_roles where rolname = reader) then
            execute format('create role %I', reader);
        end if;
        perform ar_inbox.create_member(c.id, reader, (reader || '@company' || c.id || '.test')::ar_inbox.email_address, reader::name, '{view}')
        from ar_inbox.companies c where reader = 'ar_bench_all' or c.id = 1;
    end loop;
end
$$;
vacuum analyze;
