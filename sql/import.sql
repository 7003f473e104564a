-- Importing: conversations from before, with their own dates, as history.

create function ar_inbox_internal.imported_direction(company_id bigint, sender text)
returns ar_inbox.direction
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when ar_inbox_internal.is_email_address(sender)
            and (ar_inbox_internal.company_of_address(sender::ar_inbox.email_address) = company_id
                -- also who is no member any more
                or exists (select 1 from ar_inbox.members m
                    where m.company_id = imported_direction.company_id and m.email = sender::ar_inbox.email_address))
        then 'outgoing' else 'incoming' end::ar_inbox.direction;
end
$$;

comment on function ar_inbox_internal.imported_direction(bigint, text) is
'Which way a message went, by its From: outgoing from an address of the company''s own or of anybody who is or was a member, else incoming.';

create function ar_inbox_internal.import_one(company_id bigint, message bytea, direction ar_inbox.direction,
    came_at timestamptz, out email_id bigint, out outcome text)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
-- by the keys, also where a plan was made while the tables were small; made once
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
    parsed      ar_inbox_internal.parsed_message;
    known       record;
    hash        bytea := pg_catalog.sha256(message);
    size        integer := pg_catalog.octet_length(message);
    size_limit  integer := (select c.max_message_size from ar_inbox.companies c where c.id = company_id);
    identifier  text;
    imported_as ar_inbox.direction := coalesce(direction, 'incoming');
    at          timestamptz := least(came_at, pg_catalog.now());
    kept_id     bigint;
    problem     text;
begin
    for attempt in 1 .. 3 loop
        begin
            problem := null;
            select m.id, m.state into known from ar_inbox.inbound_messages m
            where m.company_id = import_one.company_id and m.content_hash = hash;
            if message = '' then
                problem := 'the message is empty';
            elsif size > size_limit then
                problem := pg_catalog.format('%s bytes are more than the limit of %s (max_message_size)', size, size_limit);
            else
                parsed := ar_inbox_internal.parse_message(message);
                imported_as := coalesce(direction,
                    ar_inbox_internal.imported_direction(import_one.company_id, parsed.from_address));
                identifier := coalesce(parsed.message_id, pg_catalog.encode(hash, 'hex') || '@no-message-id.invalid');
                if parsed.sent_at is not null then
                    -- its own date counts, unless that is yet to come
                    at := pg_catalog.now();
                end if;
                if parsed.message_id is null and parsed.sent_at is null and parsed.from_address is null
                    and parsed.subject = '' and pg_catalog.cardinality(parsed.recipient_addresses) = 0
                then
                    problem := 'it is no message: there is no From, To, Date, Subject or Message-ID';
                elsif imported_as = 'outgoing'
                    and not coalesce(ar_inbox_internal.is_email_address(parsed.from_address), false)
                then
                    problem := 'it is to be one that went out, and its From is no address';
                end if;
            end if;

            if known.state <> 'quarantine' then
                -- these bytes came before
                outcome := 'duplicate';
                select e.id into email_id from ar_inbox.emails e
                where e.company_id = import_one.company_id and e.inbound_message_id = known.id;
                if not found then
                    select e.id into email_id from ar_inbox.emails e
                    where e.company_id = import_one.company_id and e.message_id = identifier;
                end if;
                return;
            elsif problem is not null then
                perform ar_inbox_internal.keep_message(import_one.company_id, message, hash, 'quarantine', problem,
                    parsed.defects, null, null, null, null, null, null, null, imported_as, at);
                outcome := 'quarantined';
                return;
            end if;

            select e.id into email_id from ar_inbox.emails e
            where e.company_id = import_one.company_id and e.message_id = identifier;
            if found then
                -- here already, by the mail itself or by an import before
                update ar_inbox.inbound_messages m
                set state = 'duplicate',
                    reason = pg_catalog.format('a message with Message-ID <%s> is here already', identifier)
                where m.company_id = import_one.company_id and m.id = known.id;
                outcome := 'duplicate';
                return;
            end if;
            if imported_as = 'incoming' then
                kept_id := ar_inbox_internal.keep_message(import_one.company_id, message, hash, 'filed', null,
                    parsed.defects, null, null, null, null, null, null, null, imported_as, at);
                -- another session has just brought it: seen the next time round
                continue when kept_id is null;
            else
                delete from ar_inbox.inbound_messages m
                where m.company_id = import_one.company_id and m.id = known.id;
            end if;
            email_id := ar_inbox_internal.file_message(kept_id, import_one.company_id, parsed, identifier, message, at,
                (select o.addresses from ar_inbox_internal.own_addresses(parsed.candidates) o), imported_as);
            outcome := 'imported';
            return;
        exception
            when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
                or lock_not_available or out_of_memory or disk_full then
                raise;
            when unique_violation then
                if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
                    raise exception using errcode = 'serialization_failure',
                        message = 'could not import a message because of a concurrent one: ' || sqlerrm;
                end if;
                problem := 'it cannot be filed: ' || sqlerrm;
            when others then
                problem := 'it cannot be filed: ' || sqlerrm;
                exit;
        end;
    end loop;
    -- Whatever it is, its bytes are kept.
    perform ar_inbox_internal.keep_message(import_one.company_id, message, hash, 'quarantine', problem,
        parsed.defects, null, null, null, null, null, null, null, imported_as, at);
    email_id := null;
    outcome := 'quarantined';
end
$$;

comment on function ar_inbox_internal.import_one(bigint, bytea, ar_inbox.direction, timestamptz) is
'Brings one message in as history. direction NULL: its From tells. came_at: when it came, which counts where it has no Date. outcome: imported; duplicate (its bytes or its Message-ID are here: email_id is that message''s, NULL for what is none, such as a receipt); quarantined (kept in ar_inbox.inbound_messages with its reason).';

create function ar_inbox.import_message(company_id bigint, message bytea, direction ar_inbox.direction = null,
    received_at timestamptz = now())
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    size_limit integer;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if message is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'message is NULL', 'Give the bytes of a message.');
    elsif received_at is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'received_at is NULL',
            'Give the moment it came; it counts where the message has no date.');
    elsif not pg_catalog.isfinite(received_at) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('received_at %s is no moment', received_at),
            'Give the moment it came; it counts where the message has no date.');
    end if;
    select c.max_message_size into size_limit from ar_inbox.companies c where c.id = import_message.company_id;
    if pg_catalog.octet_length(message) > size_limit then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('%s bytes are more than the limit of %s for a message (max_message_size)',
                pg_catalog.octet_length(message), size_limit),
            'Raise max_message_size with ar_inbox.change_settings(); a mailbox file is for ar_inbox.import_mbox().');
    end if;
    return (select i.email_id from ar_inbox_internal.import_one(company_id, message, direction, received_at) i);
end
$$;

comment on function ar_inbox.import_message(bigint, bytea, ar_inbox.direction, timestamptz) is
'Brings in one message of an earlier conversation (RFC 5322), with its own date; no thread''s status changes, a new thread is closed, and nothing follows from a bounce or a receipt. It finds its thread as live mail does; one that went out finds its customer by its recipients. direction: which way it went; NULL: outgoing if its From is the company''s own address or that of anybody who is or was a member, else incoming. received_at: when it came, which counts where it has no usable Date. What lies in the future counts as now. The same message again, by its bytes or its Message-ID, is recognised. Never raises for what is in the message: what cannot be filed is kept in ar_inbox.inbound_messages with its reason. Returns the email''s id, of one that was here already too; NULL where it went to quarantine, or is known as what is no email (a receipt). Needs manage. Errors: IB001, 42501, 22004, 22023, IB003 (over max_message_size), 40001 (try again).';

create function ar_inbox.import_mbox(company_id bigint, mbox bytea)
returns table (messages integer, imported integer, duplicates integer, quarantined integer)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Oldest first, whatever their order in the file, so that a question is
    -- there before its answer.  What two of the same second are sorted by does
    -- not depend on the file either.
    history cursor for
        select (s.found).message as message, (s.found).postmark_at as postmark_at
        from (select ar_inbox_internal.mbox_messages(mbox) as found) s
        cross join lateral (
            select p.sent_at, pg_catalog.cardinality(p.reference_ids || p.in_reply_to) as depth
            from ar_inbox_internal.parse_message((s.found).message) p) p
        order by least(coalesce(p.sent_at, (s.found).postmark_at), pg_catalog.now()), p.depth,
            pg_catalog.sha256((s.found).message);
    entry   record;
    outcome text;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if mbox is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'mbox is NULL', 'Give the bytes of a mailbox file.');
    end if;
    messages := 0;
    imported := 0;
    duplicates := 0;
    quarantined := 0;
    -- one at a time: they may be large
    open history;
    loop
        fetch history into entry;
        exit when not found;
        select i.outcome into outcome
        from ar_inbox_internal.import_one(company_id, entry.message, null,
            coalesce(entry.postmark_at, pg_catalog.now())) i;
        messages := messages + 1;
        imported := imported + (outcome = 'imported')::integer;
        duplicates := duplicates + (outcome = 'duplicate')::integer;
        quarantined := quarantined + (outcome = 'quarantined')::integer;
    end loop;
    close history;
    perform ar_inbox_internal.record_event(company_id, 'company', company_id, 'mail imported', null,
        pg_catalog.jsonb_build_object('messages', messages, 'imported', imported, 'duplicates', duplicates,
            'quarantined', quarantined));
    return next;
end
$$;

comment on function ar_inbox.import_mbox(bigint, bytea) is
'Brings in the messages of a mailbox file (RFC 4155: mboxo, mboxrd, mboxcl), oldest first, as ar_inbox.import_message() does; a message without a Date has that of its "From " line. Their order in the file does not matter. Returns how many there are, how many were brought in, how many were here already, and how many are in quarantine with their reason (one over max_message_size, for one). Run again, it brings in nothing twice. Needs manage. Errors: IB001, 42501, 22004, 40001 (try again).';

create function ar_inbox.import_comment(invoice_id bigint, body text, author_name text,
    author_email ar_inbox.email_address = null, commented_at timestamptz = now(), by_company boolean = false)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company    ar_inbox.companies;
    author     text;
    sender     text;
    target     bigint;
    title      text;
    identifier text;
    new_id     bigint;
begin
    select c.* into company from ar_inbox.companies c
    where c.id = (select i.company_id from ar_inbox.invoices i where i.id = import_comment.invoice_id);
    perform ar_inbox_internal.require(company.id, 'manage', 'invoice', invoice_id);
    author := ar_inbox_internal.required_text(author_name, 'author_name');
    -- as with mail of ours
    sender := case when by_company and author <> company.name then company.name || ' (' || author || ')' else author end;
    if ar_inbox_internal.is_blank(body) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Give what was written.');
    elsif pg_catalog.octet_length(body) > company.max_message_size then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('%s bytes are more than the limit of %s for a message (max_message_size)',
                pg_catalog.octet_length(body), company.max_message_size),
            'Raise max_message_size with ar_inbox.change_settings().');
    elsif commented_at is null or by_company is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed',
            case when commented_at is null then 'commented_at' else 'by_company' end || ' is NULL',
            case when commented_at is null then 'Give the moment it was written.' else 'Give true or false.' end);
    elsif not pg_catalog.isfinite(commented_at) or commented_at > pg_catalog.clock_timestamp() then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('commented_at %s is not a moment in the past', commented_at),
            'Give the moment it was written.');
    end if;
    body := pg_catalog.replace(body, E'\r\n', E'\n');
    -- the same comment has the same one
    identifier := pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
        pg_catalog.jsonb_build_array(invoice_id, extract(epoch from commented_at), author, body)::text, 'UTF8')), 'hex')
        || '@comment.invalid';
    select e.id into new_id from ar_inbox.emails e
    where e.company_id = company.id and e.message_id = identifier;
    if found then
        return new_id;
    end if;

    target := ar_inbox_internal.invoice_thread(company.id, invoice_id);
    select t.subject into title from ar_inbox.threads t where t.company_id = company.id and t.id = target;
    insert into ar_inbox.emails (company_id, thread_id, direction, message_id, subject, from_name, from_address,
        body_text, sent_at, occurred_at, kind, imported, member_id, search)
    values (company.id, target, case when by_company then 'outgoing' else 'incoming' end::ar_inbox.direction,
        identifier, title, sender, author_email, import_comment.body, commented_at, commented_at, 'comment', true,
        case when by_company then (select m.id from ar_inbox.members m
            where m.company_id = company.id and m.email = author_email) end,
        ar_inbox_internal.search_vector(company.id, title, pg_catalog.concat_ws(' ', sender, author_email),
            import_comment.body))
    on conflict on constraint emails_message_id_key do nothing
    returning id into new_id;
    if new_id is null then
        -- another session has just brought it
        select e.id into new_id from ar_inbox.emails e
        where e.company_id = company.id and e.message_id = identifier;
    end if;
    return new_id;
end
$$;

comment on function ar_inbox.import_comment(bigint, text, text, ar_inbox.email_address, timestamptz, boolean) is
'Brings in a comment that was written on an invoice''s page in another system, into the invoice''s conversation, at its own moment; the status does not change. body: text; what looks like HTML is shown as it stands. author_name, author_email: who wrote it. by_company: the company did, and its name is shown with the author''s in parentheses; else the customer. The same comment again (same invoice, moment, author_name and body) is recognised. Returns the email''s id. Needs manage. Errors: IB001, 42501, 22004, 22023 (no body or author, a moment in the future), IB003 (over max_message_size).';
