-- Threads: an invoice's and a customer's; working them: status, assignee, notes.

create function ar_inbox_internal.invoice_thread(company_id bigint, invoice_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint;
begin
    select t.id into found_id from ar_inbox.threads t
    where t.company_id = invoice_thread.company_id and t.invoice_id = invoice_thread.invoice_id;
    if found_id is null then
        insert into ar_inbox.threads (company_id, topic, customer_id, invoice_id, subject)
        select i.company_id, 'document', i.customer_id, i.id, 'Invoice ' || coalesce(i.number, 'draft ' || i.id)
        from ar_inbox.invoices i
        where i.company_id = invoice_thread.company_id and i.id = invoice_thread.invoice_id
        on conflict on constraint threads_one_for_each_invoice do nothing
        returning id into found_id;
    end if;
    if found_id is null then
        -- another session has just made it
        select t.id into found_id from ar_inbox.threads t
        where t.company_id = invoice_thread.company_id and t.invoice_id = invoice_thread.invoice_id;
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.invoice_thread(bigint, bigint) is
'The invoice''s thread, made if there is none.';

create function ar_inbox_internal.customer_thread(company_id bigint, customer_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint;
begin
    select t.id into found_id from ar_inbox.threads t
    where t.company_id = customer_thread.company_id and t.customer_id = customer_thread.customer_id
        and t.topic = 'customer';
    if found_id is null then
        insert into ar_inbox.threads (company_id, topic, customer_id, subject)
        select c.company_id, 'customer', c.id, c.name || ' (' || c.number || ')'
        from ar_inbox.customers c
        where c.company_id = customer_thread.company_id and c.id = customer_thread.customer_id
        on conflict do nothing
        returning id into found_id;
    end if;
    if found_id is null then
        select t.id into found_id from ar_inbox.threads t
        where t.company_id = customer_thread.company_id and t.customer_id = customer_thread.customer_id
            and t.topic = 'customer';
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.customer_thread(bigint, bigint) is
'The customer''s thread, made if there is none.';

create function ar_inbox_internal.current_thread(company_id bigint, thread_id bigint)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    target bigint := thread_id;
    next   bigint;
begin
    loop
        select t.merged_into_id into next from ar_inbox.threads t
        where t.company_id = current_thread.company_id and t.id = target;
        exit when next is null;
        target := next;
    end loop;
    return target;
end
$$;

comment on function ar_inbox_internal.current_thread(bigint, bigint) is
'The thread in force: what a merged one was merged into, itself where it was not.';

create function ar_inbox.set_thread_status(thread_id bigint, status ar_inbox.thread_status)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    thread ar_inbox.threads;
begin
    select t.* into thread from ar_inbox.threads t where t.id = set_thread_status.thread_id for no key update;
    perform ar_inbox_internal.require(thread.company_id, 'send', 'thread', thread_id);
    if status is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'status is NULL', 'Give open, pending or closed.');
    end if;
    if thread.status <> status then
        update ar_inbox.threads t set status = set_thread_status.status
        where t.company_id = thread.company_id and t.id = thread.id;
        perform ar_inbox_internal.record_event(thread.company_id, 'thread', thread.id, 'status',
            pg_catalog.to_jsonb(thread.status), pg_catalog.to_jsonb(status));
    end if;
end
$$;

comment on function ar_inbox.set_thread_status(bigint, ar_inbox.thread_status) is
'Sets a thread open, pending or closed; a closed one can be re-opened. Needs send. Errors: IB001, 42501, 22004.';

create function ar_inbox.assign_thread(thread_id bigint, member_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    thread ar_inbox.threads;
begin
    select t.* into thread from ar_inbox.threads t where t.id = assign_thread.thread_id for no key update;
    perform ar_inbox_internal.require(thread.company_id, 'send', 'thread', thread_id);
    if member_id is not null and not exists (
        select 1 from ar_inbox.members m
        where m.company_id = thread.company_id and m.id = assign_thread.member_id and m.removed_at is null)
    then
        perform ar_inbox_internal.require(null, 'send', 'member', member_id);
    end if;
    if thread.assignee_id is distinct from member_id then
        update ar_inbox.threads t set assignee_id = assign_thread.member_id
        where t.company_id = thread.company_id and t.id = thread.id;
        perform ar_inbox_internal.record_event(thread.company_id, 'thread', thread.id, 'assignee',
            pg_catalog.to_jsonb(thread.assignee_id), pg_catalog.to_jsonb(member_id));
    end if;
end
$$;

comment on function ar_inbox.assign_thread(bigint, bigint) is
'Assigns a thread to a member of its company; NULL: to nobody. Needs send. Errors: IB001 (no such thread, or no such member in its company), 42501.';

create function ar_inbox.add_note(thread_id bigint, body text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = add_note.thread_id);
    new_id  bigint;
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', thread_id);
    if coalesce(pg_catalog.btrim(body), '') = '' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    end if;
    insert into ar_inbox.notes (company_id, thread_id, member_id, body)
    values (company, add_note.thread_id, ar_inbox_internal.member_id(company), add_note.body)
    returning id into new_id;
    return new_id;
end
$$;

comment on function ar_inbox.add_note(bigint, text) is
'Adds a private note to a thread, which no customer ever sees. Returns its id. Needs send. Errors: IB001, 42501, 22023.';

create function ar_inbox_internal.thread_status_trigger()
returns trigger
language c
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'ar_inbox_thread_status_trigger';

comment on function ar_inbox_internal.thread_status_trigger() is
'Trigger, after insert on ar_inbox.emails: an incoming message opens its thread (an automatic one only where its company wants that), an outgoing one leaves the status as it is; the thread''s last message and count follow.';
