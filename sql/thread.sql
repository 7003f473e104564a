-- Threads: an invoice's and a customer's; working them: status, assignee,
-- snooze, notes, spam.

create function ar_inbox_internal.current_thread(company_id bigint, thread_id bigint)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    here  bigint := thread_id;
    there bigint;
begin
    -- a merge leads to a thread in force, so the chain has an end; the bound
    -- is for a database that somebody wrote into by hand
    for step in 1 .. 100000 loop
        select t.merged_into_id into there from ar_inbox.threads t
        where t.company_id = current_thread.company_id and t.id = here;
        if not found then
            return null;
        elsif there is null then
            return here;
        end if;
        here := there;
    end loop;
    raise exception 'thread % is merged into itself', thread_id;
end
$$;

comment on function ar_inbox_internal.current_thread(bigint, bigint) is
'The thread in force that stands for this one: itself, or where it was merged into. NULL: the company has no such thread.';

create function ar_inbox_internal.lock_thread(thread_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = lock_thread.thread_id);
    here    bigint := ar_inbox_internal.current_thread(company, thread_id);
    there   bigint;
begin
    -- Whoever merged it, or took that back, has committed by the time the lock is
    -- ours.  Only the one in force is locked: merging locks two, in their order.
    while here is not null loop
        perform 1 from ar_inbox.threads t where t.company_id = company and t.id = here for no key update;
        there := ar_inbox_internal.current_thread(company, thread_id);
        exit when there = here;
        here := there;
    end loop;
    return here;
end
$$;

comment on function ar_inbox_internal.lock_thread(bigint) is
'Locks the thread, or the one it was merged into, against other work on it, and returns its id. NULL: there is none. The caller has the permission already: nobody may hold up another company''s work.';

create function ar_inbox_internal.lock_thread_of(company_id bigint, email_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    here  bigint;
    there bigint;
begin
    -- it may be moved until its thread is locked
    loop
        select e.thread_id into here from ar_inbox.emails e
        where e.company_id = lock_thread_of.company_id and e.id = lock_thread_of.email_id;
        exit when here is not distinct from there;
        perform 1 from ar_inbox.threads t
        where t.company_id = lock_thread_of.company_id and t.id = here for no key update;
        there := here;
    end loop;
    return there;
end
$$;

comment on function ar_inbox_internal.lock_thread_of(bigint, bigint) is
'Locks the thread that a message is in against other work on it, and returns its id.';

create function ar_inbox_internal.next_moment(at timestamptz)
returns timestamptz
language c volatile strict
as 'MODULE_PATHNAME', 'ar_inbox_next_moment';

comment on function ar_inbox_internal.next_moment(timestamptz) is
'The moment for a message of this transaction that is made or taken at that one (its now(), for one): each gets one of its own, a microsecond after the one before, so that whoever pages through a folder by moments passes over none.';

create type ar_inbox_internal.first_email as (
    id        bigint,
    at        timestamptz,
    direction ar_inbox.direction,
    opens     boolean
);
comment on type ar_inbox_internal.first_email is
'A message that is about to be written, for a thread that is made for it: with it, the thread is made as the trigger on emails would leave it, one write and not two. opens: as opens_thread() says.';

create function ar_inbox_internal.thread_making(company_id bigint, invoice_id bigint)
returns bigint
-- (stable, as || of numbers is: a query takes no immutable function in that has
-- it, but plans it anew each time)
language sql stable strict parallel safe
-- (not one for each invoice: an import makes thousands of threads at once)
return pg_catalog.hashtextextended('ar_inbox.thread_making ' || company_id || ' ' || invoice_id % 500, 0);

comment on function ar_inbox_internal.thread_making(bigint, bigint) is
'The advisory lock of whoever makes the invoice''s thread: shared, but for who fires its steps and must not wait for another one''s commit.';

create function ar_inbox_internal.invoice_subject(invoice_id bigint, number text)
returns text
-- (stable for the same reason)
language sql stable parallel safe
return 'Invoice ' || coalesce(number, 'draft ' || invoice_id);

comment on function ar_inbox_internal.invoice_subject(bigint, text) is 'The subject of the conversation about an invoice. number: NULL: of a draft.';

create function ar_inbox_internal.customer_subject(name text, number text)
returns text
language sql immutable parallel safe
return name || ' (' || number || ')';

comment on function ar_inbox_internal.customer_subject(text, text) is 'The subject of a customer''s own conversation.';

create function ar_inbox_internal.invoice_thread(company_id bigint, invoice_id bigint,
    first ar_inbox_internal.first_email = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint;
    merged   bigint;
begin
    select t.id, t.merged_into_id into found_id, merged from ar_inbox.threads t
    where t.company_id = invoice_thread.company_id and t.invoice_id = invoice_thread.invoice_id;
    if found_id is null then
        perform pg_catalog.pg_advisory_xact_lock_shared(ar_inbox_internal.thread_making(company_id, invoice_id));
        insert into ar_inbox.threads (company_id, topic, customer_id, invoice_id, subject, status, message_count, last_email_id,
            last_direction, last_message_at)
        select i.company_id, 'document', i.customer_id, i.id, ar_inbox_internal.invoice_subject(i.id, i.number),
            case when first.opens then 'open' else 'closed' end::ar_inbox.thread_status,
            (first.id is not null)::integer, first.id, first.direction, first.at
        from ar_inbox.invoices i
        where i.company_id = invoice_thread.company_id and i.id = invoice_thread.invoice_id
        on conflict on constraint threads_one_for_each_invoice do nothing
        returning id into found_id;
    end if;
    if found_id is null then
        -- another session has just made it
        select t.id, t.merged_into_id into found_id, merged from ar_inbox.threads t
        where t.company_id = invoice_thread.company_id and t.invoice_id = invoice_thread.invoice_id;
    end if;
    if merged is not null then
        return ar_inbox_internal.current_thread(company_id, merged);
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.invoice_thread(bigint, bigint, ar_inbox_internal.first_email) is
'The invoice''s thread, made if there is none (with first as its message, which the caller writes then); where it was merged into another, that one.';

create function ar_inbox_internal.invoice_threads(company_id bigint, invoice_ids bigint[], email_ids bigint[],
    moments timestamptz[])
returns table (invoice_id bigint, thread_id bigint, is_new boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A thread that is made for one message is made as the trigger on emails
    -- would leave it: one write, not two.
    return query
        with wanted as (
            -- (unnest of several arrays works by its plain name only)
            select u.invoice_id, pg_catalog.min(u.email_id) as email_id, pg_catalog.min(u.at) as at,
                count(*) = 1 and count(u.email_id) = 1 as is_one
            from unnest(invoice_ids, email_ids, moments) u (invoice_id, email_id, at)
            group by u.invoice_id
        ), made as (
            insert into ar_inbox.threads (company_id, topic, customer_id, invoice_id, subject,
                message_count, last_email_id, last_direction, last_message_at)
            select i.company_id, 'document', i.customer_id, i.id, ar_inbox_internal.invoice_subject(i.id, i.number),
                case when w.is_one then 1 else 0 end, case when w.is_one then w.email_id end,
                case when w.is_one then 'outgoing'::ar_inbox.direction end,
                case when w.is_one then w.at end
            from wanted w
            join ar_inbox.invoices i on i.company_id = invoice_threads.company_id and i.id = w.invoice_id
            where not exists (select 1 from ar_inbox.threads t
                where t.company_id = i.company_id and t.invoice_id = i.id)
            on conflict on constraint threads_one_for_each_invoice do nothing
            returning threads.invoice_id, threads.id
        )
        select w.invoice_id,
            coalesce(m.id, ar_inbox_internal.invoice_thread(invoice_threads.company_id, w.invoice_id)),
            m.id is not null and w.is_one
        from wanted w
        left join made m on m.invoice_id = w.invoice_id;
end
$$;

comment on function ar_inbox_internal.invoice_threads(bigint, bigint[], bigint[], timestamptz[]) is
'invoice_thread() for many invoices, each of which gets messages of these ids (NULL: not known yet) and moments now. is_new: it was made for one of them and counts it already.';

create function ar_inbox_internal.customer_thread(company_id bigint, customer_id bigint,
    first ar_inbox_internal.first_email = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint;
    merged   bigint;
begin
    select t.id, t.merged_into_id into found_id, merged from ar_inbox.threads t
    where t.company_id = customer_thread.company_id and t.customer_id = customer_thread.customer_id
        and t.topic = 'customer';
    if found_id is null then
        insert into ar_inbox.threads (company_id, topic, customer_id, subject, status, message_count, last_email_id,
            last_direction, last_message_at)
        select c.company_id, 'customer', c.id, ar_inbox_internal.customer_subject(c.name, c.number),
            case when first.opens then 'open' else 'closed' end::ar_inbox.thread_status,
            (first.id is not null)::integer, first.id, first.direction, first.at
        from ar_inbox.customers c
        where c.company_id = customer_thread.company_id and c.id = customer_thread.customer_id
        on conflict do nothing
        returning id into found_id;
    end if;
    if found_id is null then
        select t.id, t.merged_into_id into found_id, merged from ar_inbox.threads t
        where t.company_id = customer_thread.company_id and t.customer_id = customer_thread.customer_id
            and t.topic = 'customer';
    end if;
    if merged is not null then
        return ar_inbox_internal.current_thread(company_id, merged);
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.customer_thread(bigint, bigint, ar_inbox_internal.first_email) is
'The customer''s thread, made if there is none (with first as its message, which the caller writes then); where it was merged into another, that one.';

create function ar_inbox.set_thread_status(thread_id bigint, status ar_inbox.thread_status)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = set_thread_status.thread_id);
    target  bigint;
    thread  ar_inbox.threads;
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', thread_id);
    target := ar_inbox_internal.lock_thread(thread_id);
    select t.* into thread from ar_inbox.threads t where t.company_id = company and t.id = target;
    if status is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'status is NULL', 'Give open, pending or closed.');
    end if;
    if thread.status <> status or thread.snoozed_until is not null then
        update ar_inbox.threads t set status = set_thread_status.status, snoozed_until = null
        where t.company_id = thread.company_id and t.id = thread.id;
        perform ar_inbox_internal.record_event(thread.company_id, 'thread', thread.id, 'status',
            pg_catalog.to_jsonb(thread.status), pg_catalog.to_jsonb(status));
    end if;
    if status = 'closed' then
        perform ar_inbox_internal.end_reply_holds(company, target);
    end if;
end
$$;

comment on function ar_inbox.set_thread_status(bigint, ar_inbox.thread_status) is
'Sets a thread open, pending or closed; a closed one can be re-opened. Ends a snooze. Closing it ends the hold of chasing that the customer''s reply made. A thread that was merged stands for the one it was merged into. Needs send. Errors: IB001, 42501, 22004.';

create function ar_inbox.assign_thread(thread_id bigint, member_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = assign_thread.thread_id);
    target  bigint;
    thread  ar_inbox.threads;
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', thread_id);
    if member_id is not null then
        -- before the thread: whoever removes the member takes its threads after it
        perform 1 from ar_inbox.members m
        where m.company_id = company and m.id = assign_thread.member_id and m.removed_at is null
        for share;
        if not found then
            perform ar_inbox_internal.require(null, 'send', 'member', member_id);
        end if;
    end if;
    target := ar_inbox_internal.lock_thread(thread_id);
    select t.* into thread from ar_inbox.threads t where t.company_id = company and t.id = target;
    if thread.assignee_id is distinct from member_id then
        update ar_inbox.threads t set assignee_id = assign_thread.member_id
        where t.company_id = thread.company_id and t.id = thread.id;
        perform ar_inbox_internal.record_event(thread.company_id, 'thread', thread.id, 'assignee',
            pg_catalog.to_jsonb(thread.assignee_id), pg_catalog.to_jsonb(member_id));
    end if;
end
$$;

comment on function ar_inbox.assign_thread(bigint, bigint) is
'Assigns a thread to a member of its company; NULL: to nobody. A thread that was merged stands for the one it was merged into. Needs send. Errors: IB001 (no such thread, or no such member in its company), 42501.';

create function ar_inbox.snooze_thread(thread_id bigint, until timestamptz)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = snooze_thread.thread_id);
    target  bigint;
    thread  ar_inbox.threads;
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', thread_id);
    target := ar_inbox_internal.lock_thread(thread_id);
    select t.* into thread from ar_inbox.threads t where t.company_id = company and t.id = target;
    if until <= pg_catalog.now() then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('until %s is not in the future', until), 'Give a moment in the future; NULL ends the snooze.');
    elsif not pg_catalog.isfinite(until) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('until %s is no moment', until),
            'To leave it until the customer writes, use ar_inbox.set_thread_status() with pending.');
    end if;
    if thread.snoozed_until is not distinct from until then
        return;
    end if;
    update ar_inbox.threads t
    set snoozed_until = until,
        status = case when until is null then 'open' else 'pending' end::ar_inbox.thread_status
    where t.company_id = thread.company_id and t.id = thread.id;
    perform ar_inbox_internal.record_event(thread.company_id, 'thread', thread.id, 'snoozed',
        pg_catalog.to_jsonb(thread.snoozed_until), pg_catalog.to_jsonb(until));
    if until is not null then
        perform ar_inbox_internal.wake_worker();
    end if;
end
$$;

comment on function ar_inbox.snooze_thread(bigint, timestamptz) is
'Puts a thread away until a moment: it is pending until then, and open again by itself at that moment, or before if an incoming message opens it. until NULL: it is open now, if it was snoozed. A thread that was merged stands for the one it was merged into. Needs send. Errors: IB001, 42501, 22023 (until is not in the future).';

create function ar_inbox_internal.wake_threads(at timestamptz, most integer)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    due   record;
    woken integer := 0;
begin
    for due in
        select t.id, t.company_id, t.snoozed_until from ar_inbox.threads t
        where t.snoozed_until <= at
        order by t.snoozed_until
        -- more than are wanted: others may hold some
        limit most + 1000::bigint
    loop
        exit when woken >= most;
        -- Whoever holds it now decides; it comes again if it is left.
        perform 1 from ar_inbox.threads t
        where t.company_id = due.company_id and t.id = due.id and t.snoozed_until <= at
        for no key update skip locked;
        continue when not found;
        update ar_inbox.threads t set status = 'open', snoozed_until = null
        where t.company_id = due.company_id and t.id = due.id;
        perform ar_inbox_internal.record_event(due.company_id, 'thread', due.id, 'woke up',
            pg_catalog.to_jsonb(due.snoozed_until));
        woken := woken + 1;
    end loop;
    return woken;
end
$$;

comment on function ar_inbox_internal.wake_threads(timestamptz, integer) is
'Opens the threads whose snooze is over at that moment, at most so many; those that somebody holds are left for the next time. Returns how many. For the worker.';

create function ar_inbox.add_note(thread_id bigint, body text, attachments bigint[] = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = add_note.thread_id);
    target  bigint;
    new_id  bigint;
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', thread_id);
    -- locked: the note is not to stay behind in a thread that is merged just now
    target := ar_inbox_internal.lock_thread(thread_id);
    if ar_inbox_internal.is_blank(body) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    end if;
    perform ar_inbox_internal.check_length(body, 'body', 100000);
    attachments := ar_inbox_internal.wanted_files(company, attachments);
    insert into ar_inbox.notes (company_id, thread_id, member_id, body, search)
    values (company, target, ar_inbox_internal.member_id(company), add_note.body,
        ar_inbox_internal.search_vector(company,
            (select t.subject from ar_inbox.threads t where t.company_id = company and t.id = target),
            (select pg_catalog.string_agg(f.name, ' ') from ar_inbox.files f
             where f.company_id = company and f.id = any (attachments)), add_note.body))
    returning id into new_id;
    insert into ar_inbox.attachments (company_id, note_id, file_id, position)
    select company, new_id, f.id, f.position
    from pg_catalog.unnest(attachments) with ordinality f (id, position);
    return new_id;
end
$$;

comment on function ar_inbox.add_note(bigint, text, bigint[]) is
'Adds a private note to a thread, which no customer ever sees. attachments: ids of files of the same company (ar_inbox.add_file()), in their order, each once. A thread that was merged stands for the one it was merged into. Returns its id. Needs send. Errors: IB001 (no such thread, or no such file in its company), 42501, 22004 (NULL among the files), 22023, IB003 (more than 100 files).';

create function ar_inbox_internal.merged_threads(company_id bigint, thread_id bigint)
returns table (id bigint, depth integer)
-- few: what they are joined with is looked up by its key
language sql stable rows 10
set search_path = pg_catalog, pg_temp
as $$
    with recursive below as (
        select merged_threads.thread_id as id, 0 as depth
        union all
        select t.id, b.depth + 1
        from below b
        join ar_inbox.threads t on t.merged_into_id = b.id and t.company_id = merged_threads.company_id
    )
    select b.id, b.depth from below b;
$$;

comment on function ar_inbox_internal.merged_threads(bigint, bigint) is
'The thread itself (depth 0), and all that are merged into it, one through another.';

create function ar_inbox_internal.change_thread_customer(company_id bigint, thread_id bigint, customer_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    before bigint;
begin
    select t.customer_id into before from ar_inbox.threads t
    where t.company_id = change_thread_customer.company_id and t.id = change_thread_customer.thread_id;
    if before is not distinct from customer_id then
        return;
    end if;
    update ar_inbox.threads t set customer_id = change_thread_customer.customer_id
    where t.company_id = change_thread_customer.company_id and t.id = change_thread_customer.thread_id;
    perform ar_inbox_internal.record_event(company_id, 'thread', thread_id, 'customer',
        (select pg_catalog.jsonb_build_object('id', c.id, 'number', c.number, 'name', c.name) from ar_inbox.customers c
         where c.company_id = change_thread_customer.company_id and c.id = before),
        (select pg_catalog.jsonb_build_object('id', c.id, 'number', c.number, 'name', c.name) from ar_inbox.customers c
         where c.company_id = change_thread_customer.company_id and c.id = change_thread_customer.customer_id));
end
$$;

comment on function ar_inbox_internal.change_thread_customer(bigint, bigint, bigint) is
'Makes a thread, locked by the caller, one with that customer (NULL: with none), and writes that down.';

create function ar_inbox_internal.adopt_thread(company_id bigint, email_id bigint, customer_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    target bigint;
begin
    select t.id into target
    from ar_inbox.emails e
    join ar_inbox.threads t on t.company_id = e.company_id and t.id = e.thread_id
    where e.company_id = adopt_thread.company_id and e.id = adopt_thread.email_id
        and t.customer_id is null and t.topic = 'message';
    if not found
        -- No stranger's letters get among a customer's, nor another customer's: who
        -- wrote are this one and we ourselves, and we to no other customer.
        or exists (
            select 1
            from (
                select distinct e.from_address, e.authentication #>> '{dmarc,result}' as dmarc from ar_inbox.emails e
                where e.company_id = adopt_thread.company_id and e.thread_id = target
                    and e.direction = 'incoming' and not e.automatic) w
            where w.dmarc is not distinct from 'fail' or w.from_address is null
                or not adopt_thread.customer_id = any (
                        ar_inbox_internal.customers_of_address(adopt_thread.company_id, w.from_address))
                    and not ar_inbox_internal.is_one_of_us(adopt_thread.company_id, w.from_address))
        or exists (
            select 1
            from (
                select distinct r.address from ar_inbox.emails e
                join ar_inbox.email_recipients r on r.company_id = e.company_id and r.email_id = e.id
                where e.company_id = adopt_thread.company_id and e.thread_id = target
                    and e.direction = 'outgoing' and r.field <> 'reply_to') w
            cross join lateral ar_inbox_internal.customers_of_address(adopt_thread.company_id, w.address) c (ids)
            where c.ids <> '{}' and not adopt_thread.customer_id = any (c.ids))
    then
        return;
    end if;
    perform ar_inbox_internal.change_thread_customer(company_id, target, customer_id);
end
$$;

comment on function ar_inbox_internal.adopt_thread(bigint, bigint, bigint) is
'Makes a thread that is with no customer the one of a customer whose message, just filed, has joined it: the sender became one since, say. Not where a stranger or another customer is in it.';

create function ar_inbox.set_thread_customer(thread_id bigint, customer_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = set_thread_customer.thread_id);
    target  bigint;
    thread  ar_inbox.threads;
    bound   ar_inbox.threads;
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', thread_id);
    target := ar_inbox_internal.lock_thread(thread_id);
    select t.* into thread from ar_inbox.threads t where t.company_id = company and t.id = target;
    if customer_id is not null and not exists (
        select 1 from ar_inbox.customers c where c.company_id = company and c.id = set_thread_customer.customer_id)
    then
        perform ar_inbox_internal.require(null, 'send', 'customer', customer_id);
    end if;
    -- an invoice's and a customer's own, and what such a one was merged into, are whose they are
    select t.* into bound
    from ar_inbox_internal.merged_threads(company, target) m
    join ar_inbox.threads t on t.company_id = company and t.id = m.id
    where t.topic <> 'message' and t.customer_id is distinct from set_thread_customer.customer_id
    order by t.id limit 1;
    if found then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('thread %s is the conversation about an invoice or a customer', bound.id),
            'Take the message that is about another customer out of it with ar_inbox.split_thread(), and set that one''s.');
    elsif thread.spam_at is not null and customer_id is not null then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('thread %s is marked as spam', target),
            'Take the mark back first, with ar_inbox.mark_spam(thread_id, false).');
    end if;
    -- those merged into it go along, deepest first: undoing a merge brings nobody else's back
    perform ar_inbox_internal.change_thread_customer(company, m.id, set_thread_customer.customer_id)
    from (
        select b.id from ar_inbox_internal.merged_threads(company, target) b order by b.depth desc, b.id) m;
end
$$;

comment on function ar_inbox.set_thread_customer(bigint, bigint) is
'Says which customer a conversation is with, as where a stranger turned out to be one''s: it is in that customer''s history. customer_id: NULL: none. A thread that was merged stands for the one it was merged into, and those merged into that go along. Needs send. Errors: IB001 (no such thread, or no such customer in its company), 42501, IB002 (an invoice''s or a customer''s own thread is that customer''s; the thread is spam).';

create function ar_inbox.mark_spam(thread_id bigint, spam boolean = true)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = mark_spam.thread_id);
    target  bigint;
    thread  ar_inbox.threads;
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', thread_id);
    target := ar_inbox_internal.lock_thread(thread_id);
    select t.* into thread from ar_inbox.threads t where t.company_id = company and t.id = target;
    if spam is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'spam is NULL', 'Give true or false.');
    elsif (thread.spam_at is not null) = spam then
        return;
    end if;
    -- A customer's conversation is none; what was split off it is not that as
    -- long as no customer has written in it.
    if spam and exists (
        select 1 from ar_inbox_internal.merged_threads(thread.company_id, thread.id) m
        join ar_inbox.threads t on t.company_id = thread.company_id and t.id = m.id
        where t.topic <> 'message'
            or t.customer_id is not null and (t.split_from_id is null or exists (
                select 1 from ar_inbox.emails e
                where e.company_id = thread.company_id and e.thread_id = thread.id
                    and (e.direction = 'outgoing' or ar_inbox_internal.customers_of_address(
                        thread.company_id, e.from_address) <> '{}'))))
        -- nor is what we have written to customers
        or spam and exists (
            select 1 from ar_inbox.emails e
            join ar_inbox.email_recipients r on r.company_id = e.company_id and r.email_id = e.id
            where e.company_id = thread.company_id and e.thread_id = thread.id and e.direction = 'outgoing'
                and ar_inbox_internal.customers_of_address(thread.company_id, r.address) <> '{}')
    then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('thread %s is the conversation about an invoice or a customer', thread.id),
            'Take the message that is spam out of it with ar_inbox.split_thread(), and mark that.');
    end if;
    -- what was merged into it is marked with it: undoing a merge brings nothing back
    update ar_inbox.threads t
    set spam_at = case when spam then pg_catalog.now() end
    where t.company_id = thread.company_id
        and t.id in (select m.id from ar_inbox_internal.merged_threads(thread.company_id, thread.id) m);
    if spam then
        insert into ar_inbox.spam_senders (company_id, address, thread_id)
        select distinct thread.company_id, e.from_address, thread.id
        from ar_inbox.emails e
        where e.company_id = thread.company_id and e.thread_id = thread.id and e.direction = 'incoming'
            -- what a mail system says of our own message is nobody's spam
            and e.kind = 'message' and e.from_address is not null
            and ar_inbox_internal.company_of_address(e.from_address) is distinct from thread.company_id
            and ar_inbox_internal.customers_of_address(thread.company_id, e.from_address) = '{}'
        on conflict on constraint spam_senders_pkey do nothing;
    else
        delete from ar_inbox.spam_senders s
        where s.company_id = thread.company_id
            and (s.address in (select e.from_address from ar_inbox.emails e
                    where e.company_id = thread.company_id and e.thread_id = thread.id and e.direction = 'incoming')
                or s.thread_id in (select m.id
                    from ar_inbox_internal.merged_threads(thread.company_id, thread.id) m));
    end if;
    perform ar_inbox_internal.record_event(thread.company_id, 'thread', thread.id, 'spam',
        pg_catalog.to_jsonb(not spam), pg_catalog.to_jsonb(spam));
    if spam then
        perform ar_inbox_internal.cancel_scheduled(thread.company_id, thread.id, 'the conversation is spam');
    end if;
end
$$;

comment on function ar_inbox.mark_spam(bigint, boolean) is
'Marks a thread as spam: it is in no folder but Spam, what its senders write from then on goes there too, but for senders who are customers or contacts of the company, and what was written for later in it is cancelled. false: takes all of that back but the last, also for what was split off it. A thread that was merged stands for the one it was merged into. Needs send. Errors: IB001, 42501, 22004, IB002 (the conversation about an invoice or a customer).';

create function ar_inbox_internal.thread_status_trigger()
returns trigger
language c
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'ar_inbox_thread_status_trigger';

comment on function ar_inbox_internal.thread_status_trigger() is
'Trigger, after insert on ar_inbox.emails: an incoming message opens its thread (an automatic one only where its company wants that), and one that was closed is no longer assigned to somebody who is no member any more; an outgoing one leaves the status as it is; the thread''s last message and count follow.';

create function ar_inbox_internal.notify_trigger()
returns trigger
language c
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'ar_inbox_notify_trigger';

comment on function ar_inbox_internal.notify_trigger() is
'Trigger, after insert or update: the thread that the row is about goes into the notice on channel ar_inbox that the transaction sends when it commits. Its argument names the column that tells: the thread''s id, or email_id.';
