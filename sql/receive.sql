-- Receiving: whose a message is, which thread it belongs to, filing it.

create function ar_inbox_internal.route(parsed ar_inbox_internal.parsed_message)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    candidate text;
    company   bigint;
begin
    -- What the mail servers wrote goes before what the sender wrote.
    foreach candidate in array parsed.delivered_to || parsed.to_addresses || parsed.cc_addresses loop
        if ar_inbox_internal.is_email_address(candidate) then
            company := ar_inbox_internal.company_of_address(candidate::ar_inbox.email_address);
            exit when company is not null;
        end if;
    end loop;
    return company;
end
$$;

comment on function ar_inbox_internal.route(ar_inbox_internal.parsed_message) is
'The company that a parsed message is for, by the addresses it was delivered to, then by To and Cc; NULL: none.';

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
        subject, from_name, from_address, body_text, body_html, sent_at, occurred_at, automatic, inbound_message_id)
    values (company_id,
        ar_inbox_internal.thread_for(company_id, sender, parsed.in_reply_to, parsed.reference_ids, parsed.subject),
        'incoming', identifier, parsed.in_reply_to, parsed.reference_ids, parsed.subject,
        coalesce(parsed.from_name, ''), sender, parsed.body_text, parsed.body_html,
        coalesce(parsed.sent_at, inbound.received_at), inbound.received_at, parsed.automatic, inbound_id)
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
        insert into ar_inbox.attachments (company_id, email_id, file_id, position, content_id, is_inline)
        values (company_id, new_id,
            ar_inbox_internal.store_file(company_id, parsed.attachment_names[i], parsed.attachment_types[i],
                parsed.attachment_contents[i]),
            i, parsed.attachment_content_ids[i], parsed.attachment_inline[i]);
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
