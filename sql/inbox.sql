-- The shared mailbox: threads, sending by hand, receiving, working a thread.

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

create function ar_inbox_internal.check_recipients(addresses ar_inbox.email_address[], field text)
returns ar_inbox.email_address[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- first this: array_position() takes plain arrays only
    if pg_catalog.array_ndims(addresses) > 1 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s is an array of arrays', field), 'Give a plain array of addresses.');
    elsif pg_catalog.array_position(addresses, null) is not null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', pg_catalog.format('%s contains NULL', field),
            'Give addresses only.');
    end if;
    return coalesce(addresses, '{}');
end
$$;

comment on function ar_inbox_internal.check_recipients(ar_inbox.email_address[], text) is
'The addresses, none for NULL; raises where one of them is NULL.';

create function ar_inbox.send_email(company_id bigint, recipients ar_inbox.email_address[], subject text,
    body text, cc ar_inbox.email_address[] = null, bcc ar_inbox.email_address[] = null,
    thread_id bigint = null, invoice_id bigint = null, customer_id bigint = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    target bigint;
    thread ar_inbox.threads;
begin
    perform ar_inbox_internal.require_company(company_id, 'send');
    recipients := ar_inbox_internal.check_recipients(recipients, 'recipients');
    cc := ar_inbox_internal.check_recipients(cc, 'cc');
    bcc := ar_inbox_internal.check_recipients(bcc, 'bcc');
    if recipients = '{}' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'recipients is empty',
            'Give at least one address to write to.');
    elsif pg_catalog.cardinality(recipients) + pg_catalog.cardinality(cc) + pg_catalog.cardinality(bcc) > 100 then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('%s recipients are too many for one message',
                pg_catalog.cardinality(recipients) + pg_catalog.cardinality(cc) + pg_catalog.cardinality(bcc)),
            'Mail servers take up to 100 for one message: send several.');
    end if;
    subject := ar_inbox_internal.required_text(subject, 'subject', 900);
    if coalesce(pg_catalog.btrim(body), '') = '' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    end if;
    if (thread_id is not null)::integer + (invoice_id is not null)::integer + (customer_id is not null)::integer > 1 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            'more than one of thread_id, invoice_id and customer_id is given',
            'Give the one that the message is about.');
    end if;

    if thread_id is not null then
        select t.* into thread from ar_inbox.threads t where t.id = send_email.thread_id;
        if thread.company_id is distinct from send_email.company_id then
            perform ar_inbox_internal.require(null, 'send', 'thread', thread_id);
        end if;
        target := thread.id;
    elsif invoice_id is not null then
        if not exists (select 1 from ar_inbox.invoices i
                where i.company_id = send_email.company_id and i.id = send_email.invoice_id) then
            perform ar_inbox_internal.require(null, 'send', 'invoice', invoice_id);
        end if;
        target := ar_inbox_internal.invoice_thread(company_id, invoice_id);
    else
        if customer_id is not null and not exists (select 1 from ar_inbox.customers c
                where c.company_id = send_email.company_id and c.id = send_email.customer_id) then
            perform ar_inbox_internal.require(null, 'send', 'customer', customer_id);
        end if;
        insert into ar_inbox.threads (company_id, topic, customer_id, subject)
        values (send_email.company_id, 'message', send_email.customer_id, send_email.subject)
        returning id into target;
    end if;
    return ar_inbox_internal.queue_email(company_id, target, recipients, cc, bcc, subject, body,
        ar_inbox_internal.commonmark_to_html(body), false, null,
        coalesce(invoice_id, thread.invoice_id), null, pg_catalog.now());
end
$$;

comment on function ar_inbox.send_email(bigint, ar_inbox.email_address[], text, text, ar_inbox.email_address[], ar_inbox.email_address[], bigint, bigint, bigint) is
'Writes to any addresses in the company''s name, with the member''s in parentheses. body: CommonMark; it goes out as text and as HTML. thread_id: an existing thread; invoice_id: that invoice''s; otherwise the message starts a thread of its own, about customer_id if given. The worker hands it off. Returns the email''s id. Needs send. Errors: IB001, 42501, 22023 (no recipients, empty subject or body), IB003, IB005 (no mail account).';

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

-- Receiving.

create function ar_inbox_internal.route(parsed ar_inbox_internal.parsed_message)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    candidate text;
    companies bigint[] := array[]::bigint[];
begin
    -- What the mail servers wrote goes before what the sender wrote.
    foreach candidate in array parsed.delivered_to || parsed.to_addresses || parsed.cc_addresses loop
        if ar_inbox_internal.is_email_address(candidate) then
            companies := ar_inbox_internal.companies_of_address(candidate::ar_inbox.email_address);
            if companies = '{}' then
                companies := ar_inbox_internal.companies_of_address(
                    ar_inbox_internal.without_tag(candidate));
            end if;
            exit when companies <> '{}';
        end if;
    end loop;
    return case when pg_catalog.cardinality(companies) = 1 then companies[1] end;
end
$$;

comment on function ar_inbox_internal.route(ar_inbox_internal.parsed_message) is
'The company that a parsed message is for, by the addresses it was delivered to, then by To and Cc; NULL: none.';

create function ar_inbox_internal.without_tag(address text)
returns ar_inbox.email_address
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
declare
    -- inbox+tag@example.com is inbox@example.com
    plain text := pg_catalog.regexp_replace(address, '^([^+"]+)\+[^"]*(@[^@]+)$', '\1\2');
begin
    return case when ar_inbox_internal.is_email_address(plain) then plain else address end::ar_inbox.email_address;
end
$$;

comment on function ar_inbox_internal.without_tag(text) is 'The address without its plus-tag.';

create function ar_inbox_internal.thread_for(company_id bigint, sender ar_inbox.email_address,
    in_reply_to text[], reference_ids text[], subject text)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    target    bigint;
    customers bigint[] := array[]::bigint[];
    title     text := pg_catalog.left(subject, 1000);
    invoice   bigint;
begin
    -- In-Reply-To, then References from the nearest ancestor: a message we hold
    select e.thread_id into target
    from pg_catalog.unnest(reference_ids || in_reply_to) with ordinality r (id, position)
    join ar_inbox.emails e on e.company_id = thread_for.company_id and e.message_id = r.id
    order by r.position desc limit 1;
    if found then
        return target;
    end if;

    if sender is not null then
        customers := ar_inbox_internal.customers_of_address(company_id, sender);
    end if;

    -- a document's number in the subject, from that document's customer
    if customers <> '{}' then
        select i.id into invoice from ar_inbox.invoices i
        where i.company_id = thread_for.company_id and i.customer_id = any (customers)
            and pg_catalog.strpos(pg_catalog.upper(title), pg_catalog.upper(i.number)) > 0
            -- and not within a longer one
            and (' ' || title || ' ') ~* ('[^[:alnum:]]'
                || pg_catalog.regexp_replace(i.number, '([^[:alnum:][:space:]])', '\\\1', 'g') || '[^[:alnum:]]')
        order by pg_catalog.length(i.number) desc, i.id desc limit 1;
        if found then
            return ar_inbox_internal.invoice_thread(company_id, invoice);
        end if;
    end if;

    if pg_catalog.cardinality(customers) = 1 then
        return ar_inbox_internal.customer_thread(company_id, customers[1]);
    end if;

    insert into ar_inbox.threads (company_id, topic, subject)
    values (thread_for.company_id, 'message', thread_for.subject)
    returning id into target;
    return target;
end
$$;

comment on function ar_inbox_internal.thread_for(bigint, ar_inbox.email_address, text[], text[], text) is
'The thread that an incoming message belongs to, within one company, first match wins: what it answers; a document''s number in the subject where the sender belongs to that document''s customer; the sender''s customer; else a new thread.';

create function ar_inbox_internal.file_message(inbound_id bigint, company_id bigint,
    parsed ar_inbox_internal.parsed_message)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    inbound    ar_inbox.inbound_messages;
    identifier text;
    sender     ar_inbox.email_address;
    new_id     bigint;
    file       bigint;
    hash       bytea;
    field      text;
    names      text[];
    addresses  text[];
begin
    select m.* into inbound from ar_inbox.inbound_messages m
    where m.company_id = file_message.company_id and m.id = inbound_id;
    identifier := coalesce(parsed.message_id,
        pg_catalog.encode(inbound.content_hash, 'hex') || '@no-message-id.invalid');

    -- The same Message-ID again: the first one counts, the second stays a copy.
    if exists (select 1 from ar_inbox.emails e
            where e.company_id = file_message.company_id and e.message_id = identifier) then
        update ar_inbox.inbound_messages m
        set state = 'duplicate', defects = parsed.defects,
            reason = pg_catalog.format('a message with Message-ID <%s> is here already', identifier)
        where m.company_id = file_message.company_id and m.id = inbound_id;
        return (select e.id from ar_inbox.emails e
            where e.company_id = file_message.company_id and e.message_id = identifier);
    end if;

    if ar_inbox_internal.is_email_address(parsed.from_address) then
        sender := parsed.from_address;
    end if;
    insert into ar_inbox.emails (company_id, thread_id, direction, message_id, in_reply_to, reference_ids,
        subject, from_name, from_address, body_text, body_html, sent_at, automatic, inbound_message_id)
    values (company_id,
        ar_inbox_internal.thread_for(company_id, sender, parsed.in_reply_to, parsed.reference_ids, parsed.subject),
        'incoming', identifier, parsed.in_reply_to, parsed.reference_ids, parsed.subject,
        coalesce(parsed.from_name, ''), sender, parsed.body_text, parsed.body_html,
        coalesce(parsed.sent_at, inbound.received_at), parsed.automatic, inbound_id)
    returning id into new_id;

    foreach field in array array['to', 'cc'] loop
        names := case field when 'to' then parsed.to_names else parsed.cc_names end;
        addresses := case field when 'to' then parsed.to_addresses else parsed.cc_addresses end;
        insert into ar_inbox.email_recipients (company_id, email_id, field, position, name, address)
        select file_message.company_id, new_id, field, u.position, coalesce(u.name, ''), u.address::ar_inbox.email_address
        from unnest(names, addresses) with ordinality u (name, address, position)
        where ar_inbox_internal.is_email_address(u.address);
    end loop;

    for i in 1 .. pg_catalog.cardinality(parsed.attachment_names) loop
        hash := pg_catalog.sha256(parsed.attachment_contents[i]);
        insert into ar_inbox.files as f (company_id, content_hash, size, content)
        values (company_id, hash,
            pg_catalog.octet_length(parsed.attachment_contents[i]), parsed.attachment_contents[i])
        on conflict on constraint files_content_key do nothing;
        select f.id into file from ar_inbox.files f
        where f.company_id = file_message.company_id
            and f.content_hash = hash;
        insert into ar_inbox.attachments (company_id, email_id, file_id, position, name, type, content_id, is_inline)
        values (company_id, new_id, file, i, parsed.attachment_names[i], parsed.attachment_types[i],
            parsed.attachment_content_ids[i], parsed.attachment_inline[i]);
    end loop;

    update ar_inbox.inbound_messages m
    set state = 'filed', defects = parsed.defects
    where m.company_id = file_message.company_id and m.id = inbound_id;
    return new_id;
end
$$;

comment on function ar_inbox_internal.file_message(bigint, bigint, ar_inbox_internal.parsed_message) is
'Makes an email of a stored incoming message, in its thread, with recipients and attachments. Returns its id.';

create function ar_inbox_internal.take_message(message bytea, for_company bigint = null,
    account_id bigint = null, mailbox text = null, uid_validity bigint = null, uid bigint = null,
    size bigint = null, note text = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    parsed     ar_inbox_internal.parsed_message;
    company    bigint := for_company;
    hash       bytea := pg_catalog.sha256(coalesce(message,
        pg_catalog.convert_to(pg_catalog.format('%s/%s/%s/%s/%s', account_id,
            (select a.changed_at from ar_inbox.mail_accounts a where a.id = account_id),
            mailbox, uid_validity, uid), 'UTF8')));
    inbound_id bigint;
    problem    text;
    most       integer;
begin
    -- Whatever the sender wrote, the bytes are kept.
    if message is null then
        problem := pg_catalog.format('it is still in its mailbox (%s, UID %s): %s', mailbox, uid, note);
    elsif message = '' then
        problem := 'the message is empty';
    else
        begin
            parsed := ar_inbox_internal.parse_message(message);
            company := coalesce(company, ar_inbox_internal.route(parsed));
            if company is null then
                problem := 'no company has an address that it was sent to';
            end if;
        exception when others then
            problem := 'it cannot be read: ' || sqlerrm;
        end;
    end if;
    if company is not null and problem is null then
        select c.max_message_size into most from ar_inbox.companies c where c.id = company;
        if pg_catalog.octet_length(message) > most then
            problem := pg_catalog.format('%s bytes are more than the limit of %s (max_message_size)',
                pg_catalog.octet_length(message), most);
        end if;
    end if;

    insert into ar_inbox.inbound_messages (company_id, mail_account_id, mailbox, uid_validity, uid,
        content_hash, size, message, state, reason)
    values (coalesce(company, 0), account_id, mailbox, uid_validity, uid, hash,
        coalesce(size, pg_catalog.octet_length(message)), message,
        case when problem is null then 'received' else 'quarantine' end, problem)
    on conflict on constraint inbound_messages_content_key do nothing
    returning id into inbound_id;
    if inbound_id is null then
        -- these bytes are known
        return (select e.id
            from ar_inbox.inbound_messages m
            join ar_inbox.emails e on e.company_id = m.company_id and e.inbound_message_id = m.id
            where m.company_id = coalesce(company, 0) and m.content_hash = hash);
    end if;
    if problem is not null then
        return null;
    end if;

    -- Two workers with the same message at once: the constraint on the
    -- Message-ID lets one file it, and the other one finds it filed.
    for attempt in 1 .. 2 loop
        begin
            return ar_inbox_internal.file_message(inbound_id, company, parsed);
        exception
            when unique_violation then
                problem := 'it cannot be filed: ' || sqlerrm;
            when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
                or lock_not_available or out_of_memory or disk_full then
                raise;
            when others then
                problem := 'it cannot be filed: ' || sqlerrm;
                exit;
        end;
    end loop;
    update ar_inbox.inbound_messages m
    set state = 'quarantine', reason = problem
    where m.company_id = company and m.id = inbound_id;
    return null;
end
$$;

comment on function ar_inbox_internal.take_message(bytea, bigint, bigint, text, bigint, bigint, bigint, text) is
'Takes one incoming message: keeps its bytes, finds its company (unless the mailbox it was in tells), files it. Returns the email''s id; NULL where it went to quarantine. message NULL: it was left in its mailbox, and note says why (too large, for one).';

create function ar_inbox.receive_email(message bytea)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_installed();
    if message is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'message is NULL', 'Give the bytes of a message.');
    end if;
    return ar_inbox_internal.take_message(message);
end
$$;

comment on function ar_inbox.receive_email(bytea) is
'Takes an incoming message (RFC 5322) as its bytes: finds its company by the addresses it was delivered to, its thread by what it answers, and opens the thread. Never raises for what a sender wrote: what cannot be read or routed is kept whole in ar_inbox.inbound_messages with its reason. The same message again is recognised. Returns the email''s id, NULL where it went to quarantine. For administrators, the worker, and roles that are granted it.';

create function ar_inbox_internal.store_fetched(account_id bigint, company_id bigint, mailbox text,
    uid_validity bigint, uid bigint, size bigint, message bytea, note text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.take_message(message, company_id, account_id, mailbox, uid_validity, uid, size, note);
    update ar_inbox.mail_accounts a
    set uid_validity = store_fetched.uid_validity, last_uid = store_fetched.uid
    where a.company_id = store_fetched.company_id and a.id = store_fetched.account_id
        and (a.uid_validity is distinct from store_fetched.uid_validity or a.last_uid < store_fetched.uid);
end
$$;

comment on function ar_inbox_internal.store_fetched(bigint, bigint, text, bigint, bigint, bigint, bytea, text) is
'Takes a message that was fetched from a mailbox and remembers how far the mailbox was read, in one transaction. message NULL: it was not fetched, and note says why.';
