-- Merging threads and splitting messages off, and undoing both.
--
-- A merge hangs a thread below another one.  What belongs to a thread and to
-- all that hangs below it is kept in the thread in force, the topmost one; a
-- merge's lists say what of it goes back when that merge is undone.  So merges
-- can be undone in any order: each takes its own branch with it, and what was
-- split off in the meantime, or came to the thread in force later, is in
-- nobody's list and stays.
--
-- The row lock of the thread in force guards all that hangs below it.

create function ar_inbox_internal.without(these bigint[], taken bigint[])
returns bigint[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(pg_catalog.array_agg(u.id order by u.position), '{}')
    from pg_catalog.unnest(these) with ordinality u (id, position)
    where not exists (select 1 from pg_catalog.unnest(taken) t (id) where t.id = u.id);
$$;

comment on function ar_inbox_internal.without(bigint[], bigint[]) is 'The ids that are not among those taken.';

create function ar_inbox_internal.count_thread(company_id bigint, thread_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.threads t
    set message_count = (select count(*) from ar_inbox.emails e
            where e.company_id = t.company_id and e.thread_id = t.id),
        (last_email_id, last_message_at, last_direction) = (
            select e.id, e.occurred_at, e.direction from ar_inbox.emails e
            where e.company_id = t.company_id and e.thread_id = t.id
            order by e.occurred_at desc, e.id desc limit 1)
    where t.company_id = count_thread.company_id and t.id = count_thread.thread_id;
end
$$;

comment on function ar_inbox_internal.count_thread(bigint, bigint) is
'Makes a thread''s count and last message those of its messages, after some were moved.';

create function ar_inbox_internal.merge_obstacle(company_id bigint, into_thread_id bigint, from_thread_id bigint,
    out message text, out hint text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    target ar_inbox.threads;
    source ar_inbox.threads;
begin
    select t.* into target from ar_inbox.threads t
    where t.company_id = merge_obstacle.company_id and t.id = into_thread_id;
    select t.* into source from ar_inbox.threads t
    where t.company_id = merge_obstacle.company_id and t.id = from_thread_id;
    if target.id = source.id then
        message := pg_catalog.format('thread %s cannot be merged into itself', target.id);
        hint := 'Give two threads.';
    elsif source.merged_into_id is not null then
        message := pg_catalog.format('thread %s is merged into another one', source.id);
        hint := pg_catalog.format('It is in thread %s: merge that one, or undo that merge with ar_inbox.unmerge_threads().',
            ar_inbox_internal.current_thread(company_id, source.id));
    elsif target.merged_into_id is not null then
        message := pg_catalog.format('thread %s is merged into another one', target.id);
        hint := pg_catalog.format('It is in thread %s: merge into that one.',
            ar_inbox_internal.current_thread(company_id, target.id));
    elsif target.customer_id <> source.customer_id then
        message := pg_catalog.format('threads %s and %s are with different customers', target.id, source.id);
        hint := 'No customer is shown another one''s conversation: merge threads of the same customer.';
    elsif target.customer_id is null and source.customer_id is not null then
        message := pg_catalog.format('thread %s is with a customer, thread %s is not', source.id, target.id);
        hint := pg_catalog.format('Merge the other way round: thread %s into thread %s.', target.id, source.id);
    elsif (target.spam_at is null) <> (source.spam_at is null) then
        message := pg_catalog.format('thread %s is marked as spam, thread %s is not',
            case when target.spam_at is null then source.id else target.id end,
            case when target.spam_at is null then target.id else source.id end);
        hint := 'Take the mark back first, with ar_inbox.mark_spam(thread_id, false).';
    end if;
end
$$;

comment on function ar_inbox_internal.merge_obstacle(bigint, bigint, bigint) is
'What stands against merging the second thread into the first, and what would help; NULL: nothing.';

create function ar_inbox_internal.may_merge_by_itself(company_id bigint, into_thread_id bigint, from_thread_id bigint,
    imported boolean = false)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) from ar_inbox.threads t
            where t.company_id = may_merge_by_itself.company_id and t.id in (into_thread_id, from_thread_id)
                and t.topic = 'message') = 2
        and (select o.message is null
            from ar_inbox_internal.merge_obstacle(company_id, into_thread_id, from_thread_id) o)
        -- a member knew better
        and not exists (select 1 from ar_inbox.thread_merges m
            where m.company_id = may_merge_by_itself.company_id and m.undone_at is not null
                and m.from_thread_id in (may_merge_by_itself.into_thread_id, may_merge_by_itself.from_thread_id)
                and m.into_thread_id in (may_merge_by_itself.into_thread_id, may_merge_by_itself.from_thread_id))
        and not exists (select 1 from ar_inbox.threads t
            where t.company_id = may_merge_by_itself.company_id
                and t.id in (may_merge_by_itself.into_thread_id, may_merge_by_itself.from_thread_id)
                and t.split_from_id is not null)
        -- history changes no status
        and not (imported and 1 < (select count(distinct (t.status, t.snoozed_until)) from ar_inbox.threads t
            where t.company_id = may_merge_by_itself.company_id
                and t.id in (may_merge_by_itself.into_thread_id, may_merge_by_itself.from_thread_id)));
end
$$;

comment on function ar_inbox_internal.may_merge_by_itself(bigint, bigint, bigint, boolean) is
'Whether two threads may be merged without a member, when a message refers to both: they are about no document and no customer''s own, nothing stands against it, and no member has parted them before. imported: the message is history, and whether they are open, pending, snoozed or closed has to be the same, too.';

create function ar_inbox_internal.merge(company_id bigint, into_thread_id bigint, from_thread_id bigint,
    member_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    target   ar_inbox.threads;
    source   ar_inbox.threads;
    obstacle record;
    parent   bigint := into_thread_id;
    above    bigint;
    emails   bigint[];
    notes    bigint[];
    new_id   bigint;
begin
    perform 1 from ar_inbox.threads t
    where t.company_id = merge.company_id and t.id in (merge.into_thread_id, merge.from_thread_id)
    order by t.id for no key update;
    select t.* into target from ar_inbox.threads t
    where t.company_id = merge.company_id and t.id = merge.into_thread_id;
    select t.* into source from ar_inbox.threads t
    where t.company_id = merge.company_id and t.id = merge.from_thread_id;
    select o.* into obstacle from ar_inbox_internal.merge_obstacle(company_id, into_thread_id, from_thread_id) o;
    if obstacle.message is not null then
        perform ar_inbox_internal.refuse('IB002', obstacle.message, obstacle.hint);
    end if;
    -- What was split off comes back to where it was, deep down if that was
    -- merged itself: undoing that merge takes it along again.
    if source.split_from_id is not null
        and ar_inbox_internal.current_thread(company_id, source.split_from_id) = target.id
    then
        parent := source.split_from_id;
    end if;

    with moved as (
        update ar_inbox.emails e set thread_id = merge.into_thread_id
        where e.company_id = merge.company_id and e.thread_id = merge.from_thread_id
        returning e.id)
    select coalesce(pg_catalog.array_agg(m.id order by m.id), '{}') into emails from moved m;
    with moved as (
        update ar_inbox.notes n set thread_id = merge.into_thread_id
        where n.company_id = merge.company_id and n.thread_id = merge.from_thread_id
        returning n.id)
    select coalesce(pg_catalog.array_agg(m.id order by m.id), '{}') into notes from moved m;

    insert into ar_inbox.thread_merges (company_id, into_thread_id, from_thread_id, member_id,
        from_status, from_snoozed_until, email_ids, note_ids)
    values (merge.company_id, parent, merge.from_thread_id, merge.member_id,
        source.status, source.snoozed_until, emails, notes)
    returning id into new_id;
    above := parent;
    while above <> target.id loop
        update ar_inbox.thread_merges m
        set email_ids = m.email_ids || emails, note_ids = m.note_ids || notes
        where m.company_id = merge.company_id and m.from_thread_id = above and m.undone_at is null
        returning m.into_thread_id into above;
    end loop;

    update ar_inbox.threads t set merged_into_id = parent, status = 'closed', snoozed_until = null
    where t.company_id = merge.company_id and t.id = merge.from_thread_id;
    -- the more pressing of both: open, pending, closed
    update ar_inbox.threads t
    set status = least(target.status, source.status),
        snoozed_until = case least(target.status, source.status)
            when target.status then target.snoozed_until else source.snoozed_until end,
        assignee_id = coalesce(target.assignee_id, source.assignee_id)
    where t.company_id = merge.company_id and t.id = merge.into_thread_id;
    perform ar_inbox_internal.count_thread(company_id, from_thread_id);
    perform ar_inbox_internal.count_thread(company_id, into_thread_id);
    perform ar_inbox_internal.record_event(company_id, 'thread', target.id, 'merged', null,
        pg_catalog.jsonb_build_object('merge_id', new_id, 'from_thread_id', source.id));
    perform ar_inbox_internal.record_event(company_id, 'thread', source.id, 'merged away', null,
        pg_catalog.jsonb_build_object('merge_id', new_id, 'into_thread_id', target.id));
    return new_id;
end
$$;

comment on function ar_inbox_internal.merge(bigint, bigint, bigint, bigint) is
'Merges the second thread into the first, both of the company. member_id: who does it; NULL: a message that belongs to both. Returns the merge''s id. Errors: IB002 (what merge_obstacle() says).';

create function ar_inbox.merge_threads(into_thread_id bigint, from_thread_id bigint)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = merge_threads.into_thread_id);
begin
    perform ar_inbox_internal.require(company, 'send', 'thread', into_thread_id);
    -- another company's reads like one that does not exist
    perform ar_inbox_internal.require(
        (select t.company_id from ar_inbox.threads t
         where t.company_id = company and t.id = merge_threads.from_thread_id),
        'send', 'thread', from_thread_id);
    return ar_inbox_internal.merge(company, into_thread_id, from_thread_id, ar_inbox_internal.member_id(company));
end
$$;

comment on function ar_inbox.merge_threads(bigint, bigint) is
'Merges a thread into another one of the same company: its messages and notes move there, and what is written to it from then on goes there too, reminders of its invoice included. The other one takes the more pressing of both statuses (open, then pending, then closed), and the assignee if it had none. Returns the merge''s id, for ar_inbox.unmerge_threads(). Needs send. Errors: IB001, 42501, IB002 (the same thread, merged already, different customers, a customer''s into nobody''s, one of them is spam).';

create function ar_inbox.unmerge_threads(merge_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    merge    ar_inbox.thread_merges;
    root     bigint;
    above    bigint;
    bare     bigint;
    split    bigint;
    away     bigint;
begin
    select m.* into merge from ar_inbox.thread_merges m where m.id = unmerge_threads.merge_id;
    perform ar_inbox_internal.require(merge.company_id, 'send', 'merge', merge_id);
    -- the thread in force is locked, and still is the one
    loop
        root := ar_inbox_internal.current_thread(merge.company_id, merge.from_thread_id);
        perform 1 from ar_inbox.threads t
        where t.company_id = merge.company_id and t.id in (root, merge.from_thread_id)
        order by t.id for no key update;
        exit when root = ar_inbox_internal.current_thread(merge.company_id, merge.from_thread_id);
    end loop;
    select m.* into merge from ar_inbox.thread_merges m where m.id = unmerge_threads.merge_id for no key update;
    if merge.undone_at is not null then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('merge %s was undone at %s', merge_id, merge.undone_at),
            'Merge the threads again with ar_inbox.merge_threads().');
    end if;

    -- A thread is not left bare because its messages were split off; one that
    -- never had any is as it was.
    if merge.email_ids = '{}' then
        bare := merge.from_thread_id;
    elsif not exists (select 1 from ar_inbox.emails e
            where e.company_id = merge.company_id and e.thread_id = root and e.id <> all (merge.email_ids)) then
        bare := root;
    end if;
    select t.id into split from ar_inbox.threads t
    where t.company_id = merge.company_id and t.split_from_id = bare and t.merged_into_id is null
        and t.message_count > 0
        -- what cannot come back, as it is another customer's now, keeps nothing
        and (ar_inbox_internal.merge_obstacle(t.company_id, root, t.id)).message is null
    order by t.id limit 1;
    if found then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('thread %s would be left without a message', bare),
            pg_catalog.format('What it had was split off: bring that back first, with ar_inbox.merge_threads(%s, %s).',
                root, split));
    end if;
    -- what was split off may have been merged into another thread since
    select m.id into away from ar_inbox.threads t
    join ar_inbox.thread_merges m on m.company_id = t.company_id and m.from_thread_id = t.id and m.undone_at is null
    where t.company_id = merge.company_id and t.split_from_id = bare and m.email_ids <> '{}'
        and ar_inbox_internal.current_thread(t.company_id, t.id) <> root
    order by m.id limit 1;
    if found then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('thread %s would be left without a message', bare),
            pg_catalog.format('What it had was split off and merged elsewhere: undo that first, with ar_inbox.unmerge_threads(%s).',
                away));
    end if;

    above := merge.into_thread_id;
    while above <> root loop
        update ar_inbox.thread_merges m
        set email_ids = ar_inbox_internal.without(m.email_ids, merge.email_ids),
            note_ids = ar_inbox_internal.without(m.note_ids, merge.note_ids)
        where m.company_id = merge.company_id and m.from_thread_id = above and m.undone_at is null
        returning m.into_thread_id into above;
    end loop;
    update ar_inbox.emails e set thread_id = merge.from_thread_id
    where e.company_id = merge.company_id and e.thread_id = root and e.id = any (merge.email_ids);
    update ar_inbox.notes n set thread_id = merge.from_thread_id
    where n.company_id = merge.company_id and n.thread_id = root and n.id = any (merge.note_ids);
    update ar_inbox.thread_merges m set undone_at = pg_catalog.now()
    where m.company_id = merge.company_id and m.id = merge.id;
    update ar_inbox.threads t
    set merged_into_id = null, status = merge.from_status, snoozed_until = merge.from_snoozed_until
    where t.company_id = merge.company_id and t.id = merge.from_thread_id;
    perform ar_inbox_internal.count_thread(merge.company_id, merge.from_thread_id);
    perform ar_inbox_internal.count_thread(merge.company_id, root);
    perform ar_inbox_internal.record_event(merge.company_id, 'thread', root, 'unmerged', null,
        pg_catalog.jsonb_build_object('merge_id', merge.id, 'from_thread_id', merge.from_thread_id));
    perform ar_inbox_internal.record_event(merge.company_id, 'thread', merge.from_thread_id, 'unmerged', null,
        pg_catalog.jsonb_build_object('merge_id', merge.id, 'into_thread_id', root));
    if merge.from_snoozed_until is not null then
        perform ar_inbox_internal.wake_worker();
    end if;
end
$$;

comment on function ar_inbox.unmerge_threads(bigint) is
'Undoes a merge: the merged thread is there again with its status, its messages and notes, and those of threads that had been merged into it. Merges can be undone in any order. What came after the merge stays where it is, and so does what was split off, and the other thread''s status and assignee. Needs send. Errors: IB001, 42501, IB002 (undone already; a thread would be left without a message, since what it had was split off and can be merged back).';

create function ar_inbox.split_thread(email_id bigint)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    email  ar_inbox.emails;
    thread ar_inbox.threads;
    home   bigint;
    new_id bigint;
begin
    select e.* into email from ar_inbox.emails e where e.id = split_thread.email_id;
    perform ar_inbox_internal.require(email.company_id, 'send', 'email', email_id);
    perform ar_inbox_internal.lock_thread_of(email.company_id, email.id);
    select e.* into email from ar_inbox.emails e where e.company_id = email.company_id and e.id = email.id;
    select t.* into thread from ar_inbox.threads t where t.company_id = email.company_id and t.id = email.thread_id;
    if thread.message_count < 2 then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('email %s is the only message of thread %s', email_id, thread.id),
            'It has a thread of its own already.');
    end if;

    -- the deepest of the merged threads that it belongs to, else the thread itself
    select m.from_thread_id into home
    from ar_inbox_internal.merged_threads(email.company_id, thread.id) b
    join ar_inbox.thread_merges m on m.company_id = email.company_id and m.from_thread_id = b.id
        and m.undone_at is null
    where email.id = any (m.email_ids)
    order by b.depth desc limit 1;
    insert into ar_inbox.threads (company_id, topic, customer_id, subject, status, assignee_id, snoozed_until,
        spam_at, split_from_id)
    values (thread.company_id, 'message', thread.customer_id, email.subject, thread.status, thread.assignee_id,
        thread.snoozed_until, thread.spam_at, coalesce(home, thread.id))
    returning id into new_id;
    update ar_inbox.thread_merges m
    set email_ids = pg_catalog.array_remove(m.email_ids, email.id)
    where m.company_id = email.company_id and m.undone_at is null and email.id = any (m.email_ids)
        and m.from_thread_id in (
            select b.id from ar_inbox_internal.merged_threads(email.company_id, thread.id) b);
    update ar_inbox.emails e set thread_id = new_id
    where e.company_id = email.company_id and e.id = email.id;
    perform ar_inbox_internal.count_thread(thread.company_id, thread.id);
    perform ar_inbox_internal.count_thread(thread.company_id, new_id);
    perform ar_inbox_internal.record_event(thread.company_id, 'thread', thread.id, 'split', null,
        pg_catalog.jsonb_build_object('email_id', email.id, 'into_thread_id', new_id));
    perform ar_inbox_internal.record_event(thread.company_id, 'thread', new_id, 'split', null,
        pg_catalog.jsonb_build_object('email_id', email.id, 'from_thread_id', thread.id));
    return new_id;
end
$$;

comment on function ar_inbox.split_thread(bigint) is
'Splits a message off into a thread of its own, with the customer, status, snooze, assignee and spam mark of the thread it was in; answers to it go there. ar_inbox.merge_threads(old thread, new thread) undoes it. Returns the new thread''s id. Needs send. Errors: IB001, 42501, IB002 (the only message of its thread).';
