-- Which thread a message belongs to: the five rules, and what they ask.

create function ar_inbox_internal.opens_thread(direction ar_inbox.direction, kind text, automatic boolean,
    imported boolean, automatic_mail_opens_threads boolean)
returns boolean
language c stable strict
as 'MODULE_PATHNAME', 'ar_inbox_opens_thread';

comment on function ar_inbox_internal.opens_thread(ar_inbox.direction, text, boolean, boolean, boolean) is
'Whether a message opens its thread: an incoming one does, whether the thread is new or not; an automatic one only where its company wants that, but what a mail system says of a message of ours always; an imported one never.';

create function ar_inbox_internal.sender_belongs(company_id bigint, thread_id bigint,
    sender ar_inbox.email_address, customers bigint[])
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
            select 1 from ar_inbox.threads t
            where t.company_id = sender_belongs.company_id and t.id = sender_belongs.thread_id
                and t.customer_id = any (customers))
        or exists (
            select 1 from ar_inbox.emails e
            where e.company_id = sender_belongs.company_id and e.thread_id = sender_belongs.thread_id
                and e.from_address = sender)
        or exists (
            select 1 from ar_inbox.emails e
            join ar_inbox.email_recipients r on r.company_id = e.company_id and r.email_id = e.id
            where e.company_id = sender_belongs.company_id and e.thread_id = sender_belongs.thread_id
                and r.address = sender)
        or exists (
            select 1 from ar_inbox.members m
            where m.company_id = sender_belongs.company_id and m.email = sender and m.removed_at is null);
end
$$;

comment on function ar_inbox_internal.sender_belongs(bigint, bigint, ar_inbox.email_address, bigint[]) is
'Whether who writes to a thread''s signed address has to do with it: of the thread''s customer, wrote or was written to in it, or a member of the company.';

create function ar_inbox_internal.thread_by_token(company_id bigint, addresses ar_inbox.email_address[],
    sender ar_inbox.email_address, customers bigint[], anybody boolean)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    own    ar_inbox.email_address;
    named  bigint;
    target bigint;
begin
    foreach own in array addresses loop
        continue when pg_catalog.strpos(own::text, '+') = 0;
        named := ar_inbox_internal.read_token(ar_inbox_internal.signing_key(company_id), 'r',
            ar_inbox_internal.address_tag(own::text));
        if named is not null then
            target := ar_inbox_internal.current_thread(company_id, named);
            if target is not null and ar_inbox_internal.sender_belongs(company_id, target, sender, customers) then
                return target;
            end if;
        end if;
    end loop;
    -- the return address, which automatic answers go to (RFC 3834)
    named := ar_inbox_internal.returned_email(company_id, addresses);
    select e.thread_id into target from ar_inbox.emails e
    where e.company_id = thread_by_token.company_id and e.id = named;
    if anybody or ar_inbox_internal.sender_belongs(company_id, target, sender, customers) then
        return target;
    end if;
    return null;
end
$$;

comment on function ar_inbox_internal.thread_by_token(bigint, ar_inbox.email_address[], ar_inbox.email_address, bigint[], boolean) is
'The thread whose signed address the message was written to, by somebody who has to do with it; else that of the message to whose return address it came, by such a one or, where anybody is true, whoever it is; NULL: none. sender: NULL where nobody is believed to have written it.';

create function ar_inbox_internal.went_by_token(company_id bigint, inbound_id bigint)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    key bytea := ar_inbox_internal.signing_key(company_id);
begin
    return exists (
        select 1
        from ar_inbox.inbound_messages m
        cross join lateral ar_inbox_internal.parse_message(m.message) p
        cross join lateral pg_catalog.unnest(p.candidates
            || ar_inbox_internal.unwrapped_address(m.recipient::text)) a (address)
        cross join lateral ar_inbox_internal.address_tag(a.address) g (tag)
        where m.company_id = went_by_token.company_id and m.id = inbound_id
            and coalesce(ar_inbox_internal.read_token(key, 'r', g.tag), ar_inbox_internal.read_token(key, 'b', g.tag))
                is not null);
end
$$;

comment on function ar_inbox_internal.went_by_token(bigint, bigint) is
'Whether a message that came was written to a signed address, of a thread or a return address. inbound_id: its row in ar_inbox.inbound_messages; NULL: it is one of ours.';

create function ar_inbox_internal.may_wait_for(company_id bigint, thread_id bigint,
    sender ar_inbox.email_address, customers bigint[], strangers boolean)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    customer bigint;
begin
    select t.customer_id into customer from ar_inbox.threads t
    where t.company_id = may_wait_for.company_id and t.id = may_wait_for.thread_id;
    if customer is not null then
        return customer = any (customers)
            or customers = '{}' and ar_inbox_internal.sender_belongs(company_id, thread_id, sender, customers);
    end if;
    return strangers and (customers = '{}' or not exists (
        select 1
        from (
            select distinct e.from_address from ar_inbox.emails e
            where e.company_id = may_wait_for.company_id and e.thread_id = may_wait_for.thread_id
                and e.direction = 'incoming' and e.from_address is not null) w
        cross join lateral ar_inbox_internal.customers_of_address(may_wait_for.company_id, w.from_address) c
        where c <> '{}' and not c && customers));
end
$$;

comment on function ar_inbox_internal.may_wait_for(bigint, bigint, ar_inbox.email_address, bigint[], boolean) is
'Whether a thread may have waited for a sender''s message, of which it knows no more than a Message-ID that is not here: such a one is easily made up, and mail to many has the same for all. A customer''s own thread waits for that customer, and for strangers who belong there; one without a customer for strangers, and for customers where strangers is true, but never for two who are not the same.';

create function ar_inbox_internal.names_number(title text, number text)
returns boolean
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_names_number';

comment on function ar_inbox_internal.names_number(text, text) is
'Whether a document''s number is in a title, in whatever case, and not within a longer number or word.';

create function ar_inbox_internal.lock_message_ids(company_id bigint, message_ids text[])
returns boolean
language c volatile strict
as 'MODULE_PATHNAME', 'ar_inbox_lock_message_ids';

comment on function ar_inbox_internal.lock_message_ids(bigint, text[]) is
'Locks these Message-IDs of the company for the transaction: who files one of them, or what refers to it, goes on when this one is committed, and finds it. A transaction locks 200 at most; false: not all are locked. Deadlocks are possible between transactions of several messages. Errors: 40P01.';

create function ar_inbox_internal.named_invoice(company_id bigint, customers bigint[], subject text)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    title   text := pg_catalog.left(subject, 1000);
    invoice bigint;
begin
    select i.id into invoice from ar_inbox.invoices i
    where i.company_id = named_invoice.company_id and i.customer_id = any (customers)
        and ar_inbox_internal.names_number(title, i.number)
    order by pg_catalog.length(i.number) desc, i.id desc limit 1;
    return invoice;
end
$$;

comment on function ar_inbox_internal.named_invoice(bigint, bigint[], text) is
'The invoice of one of these customers whose number is in the subject, of several the longest; NULL: none.';

create function ar_inbox_internal.thread_by_references(company_id bigint, message_id text, ids text[],
    waited_for boolean, sender ar_inbox.email_address, customers bigint[], strangers boolean, imported boolean = false,
    subject text = '')
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    target  bigint;
    other   bigint;
    related bigint[];
    waiting bigint[];
begin
    -- What it refers to, the nearest first; then who refers to it, or to what
    -- it refers to and that never came: the order of arrival does not matter.
    -- (offset 0: one look-up for each, whatever the planner knows of the tables;
    -- a first import is one transaction, of whose rows no statistics tell.)
    if ids <> '{}' then
        select pg_catalog.array_agg(f.thread_id order by f.position desc) into related
        from (
            select e.thread_id, r.position
            from pg_catalog.unnest(ids) with ordinality r (id, position)
            cross join lateral (
                select m.thread_id from ar_inbox.emails m
                where m.company_id = thread_by_references.company_id and m.message_id = r.id offset 0) e) f;
    end if;
    if waited_for then
        select pg_catalog.array_agg(f.thread_id order by f.occurred_at, f.id) into waiting
        from (
            select distinct on (e.thread_id) e.thread_id, e.occurred_at, e.id
            from ar_inbox.missing_references r
            cross join lateral (
                select m.id, m.thread_id, m.occurred_at from ar_inbox.emails m
                where m.company_id = r.company_id and m.id = r.email_id offset 0) e
            where r.company_id = thread_by_references.company_id
                and r.message_id = any (ids || thread_by_references.message_id)
            order by e.thread_id, e.occurred_at, e.id) f;
    end if;
    -- (one condition in the other: each with a query in it is one)
    if waiting is not null and related is null then
        if not exists (select 1 from ar_inbox.missing_references r
                where r.company_id = thread_by_references.company_id and r.message_id = any (ids))
            and ar_inbox_internal.named_invoice(company_id, customers, subject) is not null
        then
            -- They wait for this one, which belongs where it would without them.
            return null;
        end if;
    end if;
    if waiting is not null then
        -- in a conversation of strangers already, it is one of them
        strangers := strangers or exists (select 1 from ar_inbox.threads t
            where t.company_id = thread_by_references.company_id and t.id = related[1] and t.customer_id is null);
        foreach other in array waiting loop
            if ar_inbox_internal.may_wait_for(company_id, other, sender, customers, strangers) then
                related := related || other;
            end if;
        end loop;
    end if;
    target := related[1];
    if pg_catalog.cardinality(related) > 1 then
        -- One conversation that looked like several until this message came.
        -- What stands for a document or a customer stays what it is.
        for other in
            select distinct r.id from pg_catalog.unnest(related) r (id) where r.id <> target order by r.id
        loop
            if ar_inbox_internal.may_merge_by_itself(company_id, target, other, imported) then
                -- a member may be at one of them: looked at again with both in hand
                perform 1 from ar_inbox.threads t
                where t.company_id = thread_by_references.company_id and t.id in (target, other)
                order by t.id for no key update;
                if ar_inbox_internal.may_merge_by_itself(company_id, target, other, imported) then
                    perform ar_inbox_internal.merge(company_id, target, other, null);
                end if;
            end if;
        end loop;
    end if;
    return target;
end
$$;

comment on function ar_inbox_internal.thread_by_references(bigint, text, text[], boolean, ar_inbox.email_address, bigint[], boolean, boolean, text) is
'The thread of the messages that a message refers to (RFC 5256); of those that refer to it, or to the same missing ones, where may_wait_for() says that it may be; NULL: none. Threads that are about nothing else and turn out to be one conversation are merged. ids: In-Reply-To and References, the nearest last. waited_for: whether a message that is here refers to one of all these, which was not here when it came. sender: NULL where nobody is believed to have written it. strangers: also threads without a customer that waited for it, if the sender is a customer. imported: it is history, for which only threads of the same status are merged. subject: names an invoice of the sender''s customer, which goes before those that only wait for this message.';

create function ar_inbox_internal.split_off(company_id bigint, thread_id bigint, ids text[])
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    nearest bigint;
begin
    select e.thread_id into nearest
    from pg_catalog.unnest(ids) with ordinality r (id, position)
    cross join lateral (
        select m.thread_id from ar_inbox.emails m
        where m.company_id = split_off.company_id and m.message_id = r.id offset 0) e
    order by r.position desc limit 1;
    if nearest is null or nearest = thread_id then
        return thread_id;
    end if;
    -- (union: a chain that somebody made a circle by hand has an end, too)
    if exists (
        with recursive origin as (
            select m.id from ar_inbox_internal.merged_threads(split_off.company_id, nearest) m
            union
            select t.split_from_id from origin o
            join ar_inbox.threads t on t.company_id = split_off.company_id and t.id = o.id
            where t.split_from_id is not null)
        select 1 from origin o
        where ar_inbox_internal.current_thread(split_off.company_id, o.id) = split_off.thread_id)
    then
        return nearest;
    end if;
    return thread_id;
end
$$;

comment on function ar_inbox_internal.split_off(bigint, bigint, text[]) is
'The thread to which an answer to a thread''s signed address goes: where what it answers was split off that thread since, the one in which it is now; else the thread itself. ids: In-Reply-To and References, the nearest last.';

create function ar_inbox_internal.thread_by_sender(company_id bigint, customers bigint[], subject text,
    first ar_inbox_internal.first_email = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- a document's number in the subject, from that document's customer
    invoice bigint := ar_inbox_internal.named_invoice(company_id, customers, subject);
begin
    if invoice is not null then
        return ar_inbox_internal.invoice_thread(company_id, invoice, first);
    end if;
    if pg_catalog.cardinality(customers) = 1 then
        return ar_inbox_internal.customer_thread(company_id, customers[1], first);
    end if;
    return null;
end
$$;

comment on function ar_inbox_internal.thread_by_sender(bigint, bigint[], text, ar_inbox_internal.first_email) is
'The thread of the document whose number is in the subject, among those of the sender''s customers; else of the customer, where it is one; NULL: neither. first: the message that it is for, if that makes the thread.';

create function ar_inbox_internal.went_by_sender(company_id bigint, email_id bigint)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select t.topic = 'customer' and e.kind = 'message'
            -- nothing that it refers to was here
            and not exists (
                select 1 from pg_catalog.unnest(e.reference_ids || e.in_reply_to) l (id)
                where l.id <> e.message_id
                    and not exists (select 1 from ar_inbox.missing_references r
                        where r.company_id = e.company_id and r.message_id = l.id and r.email_id = e.id))
            -- nor was it merged into this thread with another one
            and not exists (
                select 1 from ar_inbox_internal.merged_threads(e.company_id, t.id) b
                join ar_inbox.thread_merges m on m.company_id = e.company_id and m.from_thread_id = b.id
                    and m.undone_at is null
                where e.id = any (m.email_ids))
            and not ar_inbox_internal.went_by_token(e.company_id, e.inbound_message_id)
        from ar_inbox.emails e
        join ar_inbox.threads t on t.company_id = e.company_id and t.id = e.thread_id
        where e.company_id = went_by_sender.company_id and e.id = went_by_sender.email_id);
end
$$;

comment on function ar_inbox_internal.went_by_sender(bigint, bigint) is
'Whether a message is in its customer''s thread for no other reason than its sender.';

create function ar_inbox_internal.take_waiting(company_id bigint, message_id text, thread_id bigint, opens boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    target   ar_inbox.threads;
    source   ar_inbox.threads;
    others   bigint[];
    other    bigint;
    moved    bigint[];
    answer   record;
    answered bigint;
begin
    others := array(
        select distinct e.thread_id
        from ar_inbox.missing_references r
        cross join lateral (
            select m.thread_id from ar_inbox.emails m
            where m.company_id = r.company_id and m.id = r.email_id offset 0) e
        where r.company_id = take_waiting.company_id and r.message_id = take_waiting.message_id
            and e.thread_id <> take_waiting.thread_id);
    foreach other in array others loop
        select t.* into source from ar_inbox.threads t
        where t.company_id = take_waiting.company_id and t.id = other;
        continue when source.topic <> 'customer';
        perform 1 from ar_inbox.threads t
        where t.company_id = take_waiting.company_id and t.id in (other, take_waiting.thread_id)
        order by t.id for no key update;
        select t.* into source from ar_inbox.threads t
        where t.company_id = take_waiting.company_id and t.id = other;
        select t.* into target from ar_inbox.threads t
        where t.company_id = take_waiting.company_id and t.id = take_waiting.thread_id;
        continue when source.merged_into_id is not null or target.merged_into_id is not null
            or target.customer_id is distinct from source.customer_id
            -- what is open does not vanish into a closed conversation
            or not opens and (source.status, source.snoozed_until) is distinct from (target.status, target.snoozed_until);

        moved := array(
            select e.id
            from ar_inbox.missing_references r
            join ar_inbox.emails e on e.company_id = r.company_id and e.id = r.email_id
            where r.company_id = take_waiting.company_id and r.message_id = take_waiting.message_id
                and e.thread_id = other and ar_inbox_internal.went_by_sender(e.company_id, e.id)
            order by e.id);
        continue when moved = '{}';
        -- with what answers them
        for answer in
            select e.id, e.direction, e.imported, e.inbound_message_id, e.reference_ids || e.in_reply_to as links
            from ar_inbox.emails e
            where e.company_id = take_waiting.company_id and e.thread_id = other
                and e.id > moved[1] and e.id <> all (moved)
            order by e.id
        loop
            select m.id into answered
            from pg_catalog.unnest(answer.links) with ordinality l (id, position)
            join ar_inbox.emails m on m.company_id = take_waiting.company_id and m.message_id = l.id
            where m.id <> answer.id
            order by l.position desc limit 1;
            if answered = any (moved) and not ar_inbox_internal.went_by_token(company_id, answer.inbound_message_id) then
                moved := moved || answer.id;
                if answer.direction = 'outgoing' and not answer.imported then
                    -- we have answered from there, and asked for answers to there
                    moved := '{}';
                    exit;
                end if;
            end if;
        end loop;
        continue when moved = '{}';
        update ar_inbox.emails e set thread_id = take_waiting.thread_id
        where e.company_id = take_waiting.company_id and e.id = any (moved);
        perform ar_inbox_internal.count_thread(company_id, other);
        perform ar_inbox_internal.count_thread(company_id, take_waiting.thread_id);
        -- there is nothing in it to be open for
        update ar_inbox.threads t set status = 'closed', snoozed_until = null
        where t.company_id = take_waiting.company_id and t.id = other and t.message_count = 0;
        perform ar_inbox_internal.record_event(company_id, 'thread', other, 'moved away', null,
            pg_catalog.jsonb_build_object('email_ids', moved, 'into_thread_id', take_waiting.thread_id));
        perform ar_inbox_internal.record_event(company_id, 'thread', take_waiting.thread_id, 'moved', null,
            pg_catalog.jsonb_build_object('email_ids', moved, 'from_thread_id', other));
    end loop;
end
$$;

comment on function ar_inbox_internal.take_waiting(bigint, text, bigint, boolean) is
'Moves what waited for a message, and what answers that, from its customer''s thread to the message''s, where it would be had it come later: only what went there by its sender alone, and only if nobody has answered it. message_id: of the message, which is about to be written into thread_id; it opens it, or the status of both threads has to be the same.';

create function ar_inbox_internal.customers_written_to(company_id bigint, parsed ar_inbox_internal.parsed_message)
returns bigint[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted    text;
    customers bigint[];
begin
    foreach wanted in array '{to,cc}'::text[] loop
        select coalesce(pg_catalog.array_agg(distinct c.id), '{}') into customers
        -- (unnest of several arrays works by its plain name only)
        from unnest(parsed.recipient_fields, parsed.recipient_addresses) r (field, address)
        cross join lateral pg_catalog.unnest(ar_inbox_internal.customers_of_address(
            customers_written_to.company_id, r.address::ar_inbox.email_address)) c (id)
        where r.field = wanted;
        exit when customers <> '{}';
    end loop;
    return customers;
end
$$;

comment on function ar_inbox_internal.customers_written_to(bigint, ar_inbox_internal.parsed_message) is
'The customers that a message of ours went to: of those it was addressed to, else of those who had a copy.';

create function ar_inbox_internal.show_answer(company_id bigint, thread_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select 1 from ar_inbox.threads t
        where t.company_id = show_answer.company_id and t.id = show_answer.thread_id and t.spam_at is not null)
    then
        return;
    end if;
    -- what was merged into it with it, as where a member says so; its other
    -- senders stay what they are
    update ar_inbox.threads t set spam_at = null
    where t.company_id = show_answer.company_id
        and t.id in (select m.id
            from ar_inbox_internal.merged_threads(show_answer.company_id, show_answer.thread_id) m);
    perform ar_inbox_internal.record_event(company_id, 'thread', thread_id, 'not spam',
        pg_catalog.to_jsonb(true), pg_catalog.to_jsonb(false));
end
$$;

comment on function ar_inbox_internal.show_answer(bigint, bigint) is
'Takes a thread out of Spam, if it is there: a customer wrote in it.';
