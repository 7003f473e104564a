-- The lists of the inbox: its folders, and a customer's recent messages.
--
-- They run with the rights of the tables' owner and judge the caller once, at
-- the top.  Under the policies the same queries would ask for the caller's
-- companies again for each row they touch.  Whatever is asked for, the plan is
-- the same, index by index; making one again for each call would be half of
-- what a page costs.

create type ar_inbox.listed_email as (
    thread_id       bigint,
    company_id      bigint,
    company         text,
    email_id        bigint,
    at              timestamptz,
    subject         text,
    thread_subject  text,
    customer_id     bigint,
    customer        text,
    invoice_id      bigint,
    document        text,
    status          ar_inbox.thread_status,
    snoozed_until   timestamptz,
    assignee_id     bigint,
    assignee        text,
    message_count   integer,
    direction       ar_inbox.direction,
    kind            ar_inbox.email_kind,
    automatic       boolean,
    sender          text,
    recipients      text[],
    preview         text,
    has_attachments boolean,
    state           ar_inbox.delivery_state,
    reason          text,
    opened_at       timestamptz,
    opened_reliably boolean,
    channel         ar_inbox.channel
);
comment on type ar_inbox.listed_email is 'A line of a folder: a message, its thread, and what became of it.';
grant usage on type ar_inbox.listed_email to public;

create function ar_inbox_internal.visible_companies(company_id bigint)
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    who name := ar_inbox_internal.caller();
begin
    if company_id is not null then
        perform ar_inbox_internal.require_company(company_id, 'view');
        return array[company_id];
    end if;
    perform ar_inbox_internal.require_installed();
    if ar_inbox_internal.is_administrator(who) then
        return coalesce((select pg_catalog.array_agg(c.id) from ar_inbox.companies c), '{}');
    end if;
    return ar_inbox_internal.companies_of(who, 'view');
end
$$;

comment on function ar_inbox_internal.visible_companies(bigint) is
'The companies whose conversations the caller may see: the one given, which must be one of them (IB001), or all of them for NULL.';

create function ar_inbox_internal.required_rows(max_rows integer)
returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if max_rows is null or max_rows not between 1 and 1000 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('max_rows is %s', coalesce(max_rows::text, 'NULL')),
            'Give a number from 1 to 1000.');
    end if;
    return max_rows;
end
$$;

comment on function ar_inbox_internal.required_rows(integer) is
'How many rows a list shall have; raises 22023 where that is not 1 to 1000.';

create function ar_inbox_internal.sender_shown(direction ar_inbox.direction, from_name text,
    from_address ar_inbox.email_address, company text, member text)
returns text
language sql stable
return case
    when from_name <> '' then from_name
    when direction = 'outgoing' then company || coalesce(' (' || member || ')', '')
    else coalesce(from_address::text, '') end;

comment on function ar_inbox_internal.sender_shown(ar_inbox.direction, text, ar_inbox.email_address, text, text) is
'Who sent a message, as it is shown: what its From says; else of ours the company''s name with the member''s in parentheses, of others the address.';

create function ar_inbox_internal.list_emails(companies bigint[], ids bigint[], moments timestamptz[],
    of_threads boolean)
returns setof ar_inbox.listed_email
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
        select t.id, t.company_id, c.name, e.id, r.at,
            case when of_threads then t.subject else e.subject end, t.subject,
            t.customer_id, k.name, t.invoice_id, i.number, t.status, t.snoozed_until, t.assignee_id, a.name,
            t.message_count, e.direction, e.kind, e.automatic,
            ar_inbox_internal.sender_shown(e.direction, e.from_name, e.from_address, c.name, m.name),
            case when e.channel <> 'email' then array[d.recipient] when e.direction = 'outgoing' then (
                select pg_catalog.array_agg(p.address::text
                    order by pg_catalog.array_position(array['to', 'cc', 'bcc'], p.field), p.position)
                from ar_inbox.email_recipients p
                where p.company_id = e.company_id and p.email_id = e.id and p.field <> 'reply_to') end,
            -- the beginning of a long text is read without the rest; where
            -- there is no blank but single spaces, nothing is replaced
            pg_catalog.left(pg_catalog.btrim(pg_catalog.regexp_replace(
                pg_catalog.left(e.body_text, least(e.new_text_length, 400)), '\s{2,}|[^\S ]', ' ', 'g')), 160),
            exists (select 1 from ar_inbox.attachments x
                where x.company_id = e.company_id and x.email_id = e.id and not x.is_inline),
            d.state, d.reason, o.opened_at, o.reliably, e.channel
        -- (unnest of several arrays works by its plain name only)
        from unnest(companies, ids, moments) with ordinality r (company_id, id, at, place)
        cross join lateral (
            select n.id as thread_id, n.last_email_id as email_id from ar_inbox.threads n
            where of_threads and n.company_id = r.company_id and n.id = r.id
            union all
            select n.thread_id, n.id from ar_inbox.emails n
            where not of_threads and n.company_id = r.company_id and n.id = r.id) g
        join ar_inbox.threads t on t.company_id = r.company_id and t.id = g.thread_id
        join ar_inbox.companies c on c.id = t.company_id
        left join ar_inbox.emails e on e.company_id = r.company_id and e.id = g.email_id
        left join ar_inbox.customers k on k.company_id = t.company_id and k.id = t.customer_id
        left join ar_inbox.invoices i on i.company_id = t.company_id and i.id = t.invoice_id
        left join ar_inbox.members a on a.company_id = t.company_id and a.id = t.assignee_id
        left join ar_inbox.members m on m.company_id = e.company_id and m.id = e.member_id
        -- (only what we sent has these; no index is read for NULL)
        left join ar_inbox.deliveries d on d.company_id = e.company_id
            and d.email_id = case when e.direction = 'outgoing' then e.id end and d.channel = e.channel
        left join lateral (
            -- one that nothing speaks against counts before those that need not have been a person
            select n.opened_at, n.unreliable is null as reliably
            from ar_inbox.email_opens n
            where n.company_id = e.company_id and n.email_id = case when e.direction = 'outgoing' then e.id end
            order by n.unreliable is null desc, n.opened_at limit 1) o on true
        order by r.place;
end
$$;

comment on function ar_inbox_internal.list_emails(bigint[], bigint[], timestamptz[], boolean) is
'The lines of a list, in its order: the company, the id and the moment of each. of_threads: the ids are threads'', and a line has the thread''s subject and last message; else they are messages''. Judges no permission.';

create function ar_inbox.folder(name text, company_id bigint = null, before timestamptz = null,
    max_rows integer = 50, before_id bigint = null)
returns setof ar_inbox.listed_email
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    wanted       text := pg_catalog.lower(pg_catalog.btrim(name));
    of_companies bigint[] := ar_inbox_internal.visible_companies(company_id);
    most         integer := ar_inbox_internal.required_rows(max_rows);
    earlier_than timestamptz := coalesce(before, 'infinity');
    -- (no row has so small an id: then all of that moment are passed over)
    smaller_than bigint := coalesce(before_id, -9223372036854775808);
    statuses     ar_inbox.thread_status[];
    companies    bigint[];
    ids          bigint[];
    moments      timestamptz[];
begin
    if before_id is not null and before is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'before_id is given, but before is NULL',
            'Give the "at" of the same row as before.');
    end if;
    -- Each of these is the merge of index ranges, one for each company (and
    -- status), none of which is read further than the page goes, nor anything
    -- but the index.
    if wanted in ('open', 'pending', 'closed', 'all') then
        statuses := case wanted when 'all' then '{open,pending,closed}' else array[wanted] end;
        select pg_catalog.array_agg(p.company_id order by p.at desc, p.id desc),
            pg_catalog.array_agg(p.id order by p.at desc, p.id desc),
            pg_catalog.array_agg(p.at order by p.at desc, p.id desc)
        into companies, ids, moments
        from (
            select c.id as company_id, r.id, r.at
            from pg_catalog.unnest(of_companies) c (id)
            cross join pg_catalog.unnest(statuses) s (status)
            cross join lateral (
                select n.id, n.last_message_at as at
                from ar_inbox.threads n
                where n.company_id = c.id and n.status = s.status
                    and n.spam_at is null and n.merged_into_id is null
                    and (n.last_message_at, n.id) < (earlier_than, smaller_than)
                order by n.last_message_at desc, n.id desc
                limit most) r
            order by r.at desc, r.id desc
            limit most) p;
    elsif wanted = 'spam' then
        select pg_catalog.array_agg(p.company_id order by p.at desc, p.id desc),
            pg_catalog.array_agg(p.id order by p.at desc, p.id desc),
            pg_catalog.array_agg(p.at order by p.at desc, p.id desc)
        into companies, ids, moments
        from (
            select c.id as company_id, r.id, r.at
            from pg_catalog.unnest(of_companies) c (id)
            cross join lateral (
                select n.id, n.last_message_at as at
                from ar_inbox.threads n
                where n.company_id = c.id
                    and n.spam_at is not null and n.merged_into_id is null
                    and (n.last_message_at, n.id) < (earlier_than, smaller_than)
                order by n.last_message_at desc, n.id desc
                limit most) r
            order by r.at desc, r.id desc
            limit most) p;
    elsif wanted = 'sent' then
        select pg_catalog.array_agg(p.company_id order by p.at desc, p.id desc),
            pg_catalog.array_agg(p.id order by p.at desc, p.id desc),
            pg_catalog.array_agg(p.at order by p.at desc, p.id desc)
        into companies, ids, moments
        from (
            select c.id as company_id, r.id, r.at
            from pg_catalog.unnest(of_companies) c (id)
            cross join lateral (
                select n.id, n.occurred_at as at
                from ar_inbox.emails n
                where n.company_id = c.id and n.direction = 'outgoing'
                    and (n.occurred_at, n.id) < (earlier_than, smaller_than)
                order by n.occurred_at desc, n.id desc
                limit most) r
            order by r.at desc, r.id desc
            limit most) p;
    else
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('there is no folder %s', pg_catalog.quote_nullable(name)),
            'Give open, pending, closed, all, sent or spam.');
    end if;
    return query
        select l.* from ar_inbox_internal.list_emails(companies, ids, moments, wanted <> 'sent') l;
end
$$;

comment on function ar_inbox.folder(text, bigint, timestamptz, integer, bigint) is
'A page of a folder, newest first. name: open, pending (with the snoozed ones), closed, all (these three), sent, spam; in any case. company_id: one company; NULL: all that the caller may see. before: the "at" of the page before''s last row; before_id: its thread_id, in Sent its email_id, without which further rows of that same moment are passed over. max_rows: 1 to 1000, and never more. A row is a thread and its last message; in Sent it is an outgoing message. Threads that are spam or merged into another, or have no message, are in no other folder. Needs view. Errors: IB001, 22004 (before_id without before), 22023 (no such folder, max_rows).';

create function ar_inbox.recent_emails(customer_id bigint, max_rows integer = 20)
returns setof ar_inbox.listed_email
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    company   bigint := (select c.company_id from ar_inbox.customers c where c.id = recent_emails.customer_id);
    most      integer := ar_inbox_internal.required_rows(max_rows);
    companies bigint[];
    ids       bigint[];
    moments   timestamptz[];
begin
    perform ar_inbox_internal.require(company, 'view', 'customer', customer_id);
    -- The newest messages lie in the threads that were last written to.
    select pg_catalog.array_agg(company order by p.at desc, p.id desc),
        pg_catalog.array_agg(p.id order by p.at desc, p.id desc),
        pg_catalog.array_agg(p.at order by p.at desc, p.id desc)
    into companies, ids, moments
    from (
        select r.id, r.at
        from (
            select n.id from ar_inbox.threads n
            where n.customer_id = recent_emails.customer_id and n.company_id = company
                and n.spam_at is null and n.merged_into_id is null and n.last_message_at <= 'infinity'
            order by n.last_message_at desc, n.id desc
            limit most) t
        cross join lateral (
            select e.id, e.occurred_at as at from ar_inbox.emails e
            where e.thread_id = t.id and e.company_id = company
            order by e.occurred_at desc, e.id desc
            limit most) r
        order by r.at desc, r.id desc
        limit most) p;
    return query
        select l.* from ar_inbox_internal.list_emails(companies, ids, moments, false) l;
end
$$;

comment on function ar_inbox.recent_emails(bigint, integer) is
'A customer''s newest messages, in and out, of all its threads: those of its invoices, its own, and others about it. max_rows: 1 to 1000. Needs view. Errors: IB001, 22023 (max_rows).';
