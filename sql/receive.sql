-- Receiving: whose a message is, filing it, doing what follows from it.

create function ar_inbox_internal.own_addresses(candidates text[], out addresses ar_inbox.email_address[],
    out company_id bigint, out of_several boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    candidate ar_inbox.email_address;
    owner     bigint;
begin
    addresses := array[]::ar_inbox.email_address[];
    of_several := false;
    foreach candidate in array coalesce(candidates, '{}') loop
        owner := ar_inbox_internal.company_of_address(candidate);
        if owner is not null then
            company_id := coalesce(company_id, owner);
            of_several := of_several or owner <> company_id;
            addresses := addresses || candidate;
        end if;
    end loop;
end
$$;

comment on function ar_inbox_internal.own_addresses(text[]) is
'Which of the addresses are companies'' own, in their order, the company of the first, and whether there are several companies.';

create function ar_inbox_internal.file_message(inbound_id bigint, company_id bigint,
    parsed ar_inbox_internal.parsed_message, identifier text, message bytea, received_at timestamptz,
    addresses ar_inbox.email_address[], imported_as ar_inbox.direction = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known        record;
    new_id       bigint := pg_catalog.nextval('ar_inbox.emails_id_seq');
    target       bigint;
    first        ar_inbox_internal.first_email;
    is_new       boolean;
    is_nobodys   boolean := false;
    waited_for   boolean;
    shown        text;
    now_in       record;
    sender       ar_inbox.email_address;
    believed     ar_inbox.email_address;
    is_ours      boolean := false;
    customers    bigint[] := array[]::bigint[];
    is_automatic boolean := parsed.automatic;
    kind         text := 'message';
    about        bigint;
    verified     jsonb;
    links        text[] := array[]::text[];
    missing      text[] := array[]::text[];
    quotes_held  boolean := false;
    attached     integer := pg_catalog.cardinality(parsed.attachment_names);
    attachment   record;
    moment       timestamptz := case when imported_as is null then ar_inbox_internal.next_moment(received_at)
        else least(coalesce(parsed.sent_at, received_at), received_at) end;
begin
    if ar_inbox_internal.is_email_address(parsed.from_address) then
        sender := parsed.from_address;
    end if;
    -- The company's own group passes on what people write to it; under its own
    -- address where their domain lets nobody else send, with theirs in Reply-To.
    if parsed.list_id is not null and exists (
        select 1 from pg_catalog.unnest(addresses) a (address)
        where pg_catalog.lower(pg_catalog.replace(
            pg_catalog.regexp_replace(a.address::text, '\+[^@]*@', '@'), '@', '.')) = parsed.list_id)
    then
        is_automatic := false;
        if ar_inbox_internal.company_of_address(sender) is not distinct from company_id
            and ar_inbox_internal.is_email_address(parsed.reply_to_addresses[1])
        then
            sender := parsed.reply_to_addresses[1];
        end if;
    end if;
    -- what is shown in every list; all of it is in the message's bytes
    if pg_catalog.length(parsed.subject) > 1000 then
        parsed.subject := pg_catalog.left(parsed.subject, 1000);
    end if;
    if pg_catalog.length(parsed.from_name) > 200 then
        parsed.from_name := pg_catalog.left(parsed.from_name, 200);
    end if;
    select c.trusted_hosts, c.automatic_mail_opens_threads, c.reply_hold_days,
        ar_inbox_internal.search_config(c.language) as config
    into known
    from ar_inbox.companies c where c.id = file_message.company_id;
    if sender is not null then
        is_ours := ar_inbox_internal.company_of_address(sender) is not distinct from company_id;
    end if;
    if imported_as is null and known.trusted_hosts <> '{}' then
        verified := ar_inbox_internal.authentication_results(message, known.trusted_hosts);
    end if;
    if imported_as = 'outgoing' then
        customers := ar_inbox_internal.customers_written_to(file_message.company_id, parsed);
    elsif imported_as is not null and parsed.report_kind is not null then
        customers := ar_inbox_internal.reported_customers(file_message.company_id, parsed.report);
    -- Whoever is shown not to be the sender gets no sender's place.
    elsif sender is not null and verified #>> '{dmarc,result}' is distinct from 'fail' then
        customers := ar_inbox_internal.customers_of_address(company_id, sender);
    end if;

    if parsed.report_kind is null and parsed.from_mail_system and imported_as is null
        and ar_inbox_internal.returned_email(file_message.company_id, addresses) is not null
    then
        -- whatever its words, it came to where nothing but failures come to
        parsed.report_kind := 'bounce';
        parsed.report := pg_catalog.jsonb_build_object('bounce', pg_catalog.jsonb_build_object(
            'kind', 'soft', 'recipients', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                'address', null, 'kind', 'soft', 'status', null,
                'diagnostic', pg_catalog.left(pg_catalog.btrim(pg_catalog.regexp_replace(
                    pg_catalog.left(parsed.body_text, 1000), '\s+', ' ', 'g')), 200)))));
    end if;
    if parsed.report_kind is not null then
        is_automatic := true;
        -- of history only what it says is kept, and nothing follows from it
        if parsed.report_kind not in ('receipt', 'delivered') or imported_as is null then
            kind := parsed.report_kind;
        end if;
    end if;
    if parsed.report_kind is not null and imported_as is null then
        about := ar_inbox_internal.reported_email(file_message.company_id, parsed.report, addresses);
        if kind in ('receipt', 'delivered') then
            perform ar_inbox_internal.record_receipt(file_message.company_id, inbound_id, kind, parsed.report, about,
                received_at);
            return null;
        end if;
        select e.thread_id into target from ar_inbox.emails e where e.company_id = file_message.company_id and e.id = about;
        if target is null then
            target := ar_inbox_internal.thread_by_sender(file_message.company_id,
                ar_inbox_internal.reported_customers(file_message.company_id, parsed.report), '');
        end if;
    end if;
    -- our own mail coming back is nobody's answer
    is_automatic := is_automatic or (is_ours and imported_as is null);
    first := row(new_id, moment, coalesce(imported_as, 'incoming'),
        ar_inbox_internal.opens_thread(coalesce(imported_as, 'incoming'), kind, is_automatic,
            imported_as is not null, known.automatic_mail_opens_threads));

    if parsed.in_reply_to <> '{}' or parsed.reference_ids <> '{}' or parsed.conversation is not null then
        links := parsed.reference_ids || parsed.in_reply_to;
        if parsed.conversation is not null then
            links := array[parsed.conversation] || links;
        end if;
    end if;
    if imported_as is not null and parsed.report #>> '{original,message_id}' is not null then
        -- it may be here before what it is about
        links := links || (parsed.report #>> '{original,message_id}');
    end if;
    if links <> '{}' then
        links := ar_inbox_internal.own_message_ids(file_message.company_id, links);
    end if;
    -- a message and its answer that come at once see each other, and who waits for it
    if imported_as is null and not ar_inbox_internal.lock_message_ids(file_message.company_id, links || identifier) then
        null;   -- so many in one transaction that no more are locked
    end if;
    waited_for := exists (select 1 from ar_inbox.missing_references r
        where r.company_id = file_message.company_id and r.message_id = any (links || identifier));
    if target is null and imported_as is distinct from 'outgoing'
        and pg_catalog.strpos(pg_catalog.array_to_string(addresses, ' '), '+') > 0
    then
        target := ar_inbox_internal.thread_by_token(file_message.company_id, addresses,
            case when verified #>> '{dmarc,result}' is distinct from 'fail' then sender end, customers,
            -- of what has no sender nobody can say whether that one belongs there
            parsed.from_mail_system or parsed.return_path = '');
        if target is not null and links <> '{}' then
            target := ar_inbox_internal.split_off(file_message.company_id, target, links);
        end if;
    end if;
    if target is null then
        -- believed to be the sender: a stranger's word for a customer's address, or
        -- for our own, opens no thread
        if verified #>> '{dmarc,result}' is distinct from 'fail' and (imported_as is not null or not is_ours) then
            believed := sender;
        end if;
        -- What a stranger made up is not to be what a customer's mail goes to.
        -- (History has no say in that: it comes in any order.)
        target := ar_inbox_internal.thread_by_references(file_message.company_id, identifier, links, waited_for,
            believed, customers, imported_as is not null or customers = '{}', imported_as is not null, parsed.subject);
    end if;
    if target is null and customers <> '{}' then
        target := ar_inbox_internal.thread_by_sender(file_message.company_id, customers, parsed.subject, first);
        if target is null then
            -- of several customers
            target := ar_inbox_internal.thread_by_references(file_message.company_id, identifier, links, waited_for,
                believed, customers, true, imported_as is not null);
        end if;
    end if;
    is_new := target is null;
    if waited_for and not is_new and customers <> '{}' then
        perform ar_inbox_internal.take_waiting(file_message.company_id, identifier, target, first.opens);
    end if;
    if is_new then
        target := pg_catalog.nextval('ar_inbox.threads_id_seq');
        insert into ar_inbox.threads (id, company_id, topic, subject, status, spam_at,
            message_count, last_email_id, last_direction, last_message_at)
        values (target, file_message.company_id, 'message', parsed.subject,
            case when first.opens then 'open' else 'closed' end::ar_inbox.thread_status,
            (select pg_catalog.now() from ar_inbox.spam_senders s
             where s.company_id = file_message.company_id and s.address = sender and customers = '{}'),
            1, first.id, first.direction, first.at);
        shown := parsed.subject;
    else
        select t.subject, t.customer_id is null and t.topic = 'message' into shown, is_nobodys
        from ar_inbox.threads t where t.company_id = file_message.company_id and t.id = target;
    end if;

    if links <> '{}' then
        links := pg_catalog.array_remove(links, identifier);
        missing := array(
            select distinct l.id from pg_catalog.unnest(links) l (id)
            -- (not exists: might be planned as a scan of all, whatever the tables hold)
            where (select e.id from ar_inbox.emails e
                where e.company_id = file_message.company_id and e.message_id = l.id) is null);
        quotes_held := not links <@ missing;
    end if;

    -- The rest at once: a statement for each table would take as long again.
    with recipients as (
        insert into ar_inbox.email_recipients (company_id, email_id, field, position, name, address)
        select file_message.company_id, new_id, r.field, r.position, pg_catalog.left(r.name, 200), r.address::ar_inbox.email_address
        -- (in the list, not in FROM, where what each gives is stored away first)
        from (
            select pg_catalog.unnest(parsed.recipient_fields) as field,
                pg_catalog.unnest(parsed.recipient_positions) as position,
                pg_catalog.unnest(parsed.recipient_names) as name,
                pg_catalog.unnest(parsed.recipient_addresses) as address) r
    ), html as (
        -- it is made safe later: that takes longer than all the rest
        insert into ar_inbox.email_html (company_id, email_id)
        select file_message.company_id, new_id
        where parsed.body_html is not null and inbound_id is not null
    )
    insert into ar_inbox.emails (id, company_id, thread_id, direction, message_id, in_reply_to, reference_ids,
        subject, from_name, from_address, body_text, new_text_length, body_html, sent_at, occurred_at,
        kind, automatic, imported, authentication, protection, verdicts, member_id, inbound_message_id, message, search)
    values (new_id, file_message.company_id, target, coalesce(imported_as, 'incoming'), identifier, parsed.in_reply_to,
        parsed.reference_ids, parsed.subject, coalesce(parsed.from_name, ''), sender, parsed.body_text,
        parsed.new_text_length, case when inbound_id is null then ar_inbox.sanitize_html(parsed.body_html) end,
        coalesce(parsed.sent_at, received_at), moment,
        kind, is_automatic, imported_as is not null, verified, parsed.protection, parsed.report,
        case when imported_as = 'outgoing' then (select m.id from ar_inbox.members m
            where m.company_id = file_message.company_id and m.email = sender) end,
        inbound_id, case when inbound_id is null then message end,
        ar_inbox_internal.config_search_vector(known.config,
            ar_inbox_internal.searched_subject(parsed.subject, shown),
            pg_catalog.concat_ws(' ', parsed.from_name, parsed.from_address,
                pg_catalog.array_to_string(parsed.recipient_names, ' '),
                pg_catalog.array_to_string(parsed.recipient_addresses, ' '),
                case when attached > 0 then pg_catalog.array_to_string(parsed.attachment_names, ' ') end),
            -- the history is found where it was first said, unless nothing of that is here
            case when not quotes_held or parsed.new_text_length is null then parsed.body_text
                else pg_catalog.left(parsed.body_text, parsed.new_text_length) end
            || coalesce(E'\n' || parsed.attached_text, '')));

    if missing <> '{}' then
        insert into ar_inbox.missing_references (company_id, message_id, email_id)
        select file_message.company_id, m.id, new_id from pg_catalog.unnest(missing) m (id);
    end if;

    if attached > 0 then
        -- one after the other: they may be large
        for attachment in select * from ar_inbox_internal.message_attachments(message) loop
            insert into ar_inbox.attachments (company_id, email_id, file_id, position, content_id, is_inline)
            values (file_message.company_id, new_id,
                ar_inbox_internal.store_file(file_message.company_id, attachment.name,
                    -- (of a flood of files not each is looked into: that takes milliseconds)
                    ar_inbox_internal.content_type(case when attachment.position <= 100 then attachment.content else '' end,
                        attachment.name, attachment.type),
                    attachment.content),
                attachment.position, attachment.content_id, attachment.is_inline);
        end loop;
    end if;

    if is_nobodys and not is_automatic and pg_catalog.cardinality(customers) = 1 then
        perform ar_inbox_internal.adopt_thread(file_message.company_id, new_id, customers[1]);
    end if;
    if imported_as is null then
        if kind in ('bounce', 'delay', 'complaint') then
            perform ar_inbox_internal.apply_report(file_message.company_id, new_id, kind, parsed.report, about, received_at,
                addresses);
        -- what follows from an answer, where there is something that can
        elsif not is_automatic then
            select t.id, t.spam_at is not null as is_spam,
                exists (select 1 from ar_inbox.deliveries d
                    where d.company_id = file_message.company_id and d.cancel_on_answer
                        and d.state in ('queued', 'deferred')) as may_cancel,
                known.reply_hold_days > 0 and (t.invoice_id is not null or exists (select 1 from ar_inbox.threads m
                    where m.company_id = t.company_id and m.merged_into_id = t.id)) as may_hold
            into now_in
            -- merged in the meantime, its thread left it to the one in force
            from ar_inbox.emails e
            join ar_inbox.threads t on t.company_id = e.company_id and t.id = e.thread_id
            where e.company_id = file_message.company_id and e.id = new_id;
            if now_in.is_spam and customers <> '{}' then
                perform ar_inbox_internal.show_answer(file_message.company_id, now_in.id);
            end if;
            if (now_in.may_cancel or (now_in.may_hold and customers <> '{}'))
                and verified #>> '{dmarc,result}' is distinct from 'fail'
            then
                -- a member who writes from its own mail program is no customer
                if not exists (select 1 from ar_inbox.members m
                    where m.company_id = file_message.company_id and m.email = sender)
                then
                    if now_in.may_cancel then
                        perform ar_inbox_internal.cancel_answered(file_message.company_id, now_in.id, customers,
                            sender, received_at);
                    end if;
                    if now_in.may_hold and customers <> '{}' then
                        perform ar_inbox_internal.hold_for_reply(file_message.company_id, now_in.id, customers, received_at);
                    end if;
                end if;
            end if;
        end if;
    end if;
    return new_id;
end
$$;

comment on function ar_inbox_internal.file_message(bigint, bigint, ar_inbox_internal.parsed_message, text, bytea, timestamptz, ar_inbox.email_address[], ar_inbox.direction) is
'Makes an email of a message: in its thread, with recipients and attachments, and does what follows from it (a bounce, a complaint, an answer). First match decides the thread: the signed address it was written to; what it refers to; a document''s number in the subject; the sender''s customer; else a new one. identifier: its Message-ID, which must be new. addresses: the company''s own among those it was sent to. received_at: when it came; what was made after that is not answered by it. imported_as: it is history, which changes no status and from which nothing follows; of an outgoing one, the customer is whoever it was written to, and inbound_id is NULL: it keeps its bytes itself. Returns the email''s id; NULL for a receipt, or a report that nothing but success is in, which is an event on the message it is about.';

create function ar_inbox_internal.take_message(message bytea, for_company bigint = null,
    account_id bigint = null, mailbox text = null, uid_validity bigint = null, uid bigint = null,
    size bigint = null, note text = null, recipient ar_inbox.email_address = null,
    again_id bigint = null, arrived_at timestamptz = now())
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
-- by the keys, also where a plan was made while the tables were small; made once
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
    parsed     ar_inbox_internal.parsed_message;
    company    bigint := for_company;
    most       integer;
    known_id   bigint;
    several    boolean;
    own        record;
    hash       bytea := pg_catalog.sha256(message);
    found_id   bigint;
    identifier text;
    problem    text;
begin
    if message is null then
        -- known again by its place
        hash := pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.format('%s/%s/%s/%s/%s', account_id,
            (select a.changed_at from ar_inbox.mail_accounts a where a.id = account_id),
            mailbox, uid_validity, uid), 'UTF8'));
    end if;
    for attempt in 1 .. 3 loop
        begin
            problem := null;
            if message is null then
                problem := pg_catalog.format('it is still in its mailbox (%s, UID %s): %s', mailbox, uid, note);
            elsif message = '' then
                problem := 'the message is empty';
            else
                if for_company is not null then
                    select c.max_message_size into most from ar_inbox.companies c where c.id = for_company;
                end if;
                if for_company is null or pg_catalog.octet_length(message) <= most then
                    -- (else there is no need to: it takes several times the message's size)
                    parsed := ar_inbox_internal.parse_message(message);
                end if;
            end if;
            own := ar_inbox_internal.own_addresses(case when recipient is not null then array[ar_inbox_internal.unwrapped_address(recipient::text)] end
                || parsed.candidates);
            found_id := own.company_id;
            several := own.of_several;
            if several and recipient is null and for_company is null
                and not coalesce(pg_catalog.lower(own.addresses[1]::text) = any (pg_catalog.lower(parsed.delivered_to::text)::text[]), false)
            then
                -- what the sender wrote gives no company another one's mail
                found_id := null;
            else
                several := false;
            end if;
            identifier := coalesce(parsed.message_id, pg_catalog.encode(hash, 'hex') || '@no-message-id.invalid');
            select c.id, c.max_message_size, (select e.id from ar_inbox.emails e
                where e.company_id = c.id and e.message_id = identifier) as known_email_id
            into company, most, known_id
            from ar_inbox.companies c where c.id = coalesce(for_company, found_id);
            if problem is not null then
                null;
            elsif company is null and several then
                problem := 'it is addressed to several companies, and nothing says to which of them it was delivered';
            elsif company is null then
                problem := 'no company has an address that it was sent to';
            elsif pg_catalog.octet_length(message) > most then
                problem := pg_catalog.format('%s bytes are more than the limit of %s (max_message_size)',
                    pg_catalog.octet_length(message), most);
            elsif parsed.received_count > 100 then
                problem := pg_catalog.format('it goes in circles: %s mail servers have had it', parsed.received_count);
            end if;

            -- Whatever the sender wrote, the bytes are kept.
            found_id := ar_inbox_internal.keep_message(company, message, hash,
                case when problem is null then 'filed' else 'quarantine' end, problem, parsed.defects,
                account_id, mailbox, uid_validity, uid, size, recipient, again_id, received_at => arrived_at);
            if found_id is null then
                -- these bytes are known: as a message, or as the copy of one
                return (select case when m.state = 'duplicate' then known_id else e.id end
                    from ar_inbox.inbound_messages m
                    left join ar_inbox.emails e on e.company_id = m.company_id and e.inbound_message_id = m.id
                    where m.company_id = coalesce(company, 0) and m.content_hash = hash);
            elsif problem is not null then
                return null;
            end if;

            if known_id is not null then
                -- The same Message-ID again: the first one counts, the second stays a copy.
                update ar_inbox.inbound_messages m
                set state = 'duplicate',
                    reason = pg_catalog.format('a message with Message-ID <%s> is here already', identifier)
                where m.company_id = company and m.id = found_id;
                return known_id;
            end if;
            return ar_inbox_internal.file_message(found_id, company, parsed, identifier, message,
                arrived_at, own.addresses);
        exception
            when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
                or lock_not_available or out_of_memory or disk_full then
                raise;
            when unique_violation then
                if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
                    raise exception using errcode = 'serialization_failure',
                        message = 'could not file a message because of a concurrent one: ' || sqlerrm;
                end if;
                -- somebody has just filed the same: seen the next time round
                problem := 'it cannot be filed: ' || sqlerrm;
            when others then
                problem := 'it cannot be filed: ' || sqlerrm;
                exit;
        end;
    end loop;
    perform ar_inbox_internal.keep_message(coalesce(company, for_company), message, hash, 'quarantine', problem,
        parsed.defects, account_id, mailbox, uid_validity, uid, size, recipient, again_id, received_at => arrived_at);
    return null;
end
$$;

comment on function ar_inbox_internal.take_message(bytea, bigint, bigint, text, bigint, bigint, bigint, text, ar_inbox.email_address, bigint, timestamptz) is
'Takes one incoming message: keeps its bytes, finds its company (unless the mailbox it was in tells), files it. Returns the email''s id; NULL where it went to quarantine or is an event (a receipt, for one). message NULL: it was left in its mailbox, and note says why (too large, for one). again_id: its row, where it was in quarantine. arrived_at: when it came, where that is known; not in the future.';

create function ar_inbox_internal.keep_message(company_id bigint, message bytea, hash bytea, state text, reason text,
    defects text[], account_id bigint, mailbox text, uid_validity bigint, uid bigint, size bigint,
    recipient ar_inbox.email_address, again_id bigint, imported_as ar_inbox.direction = null,
    received_at timestamptz = now())
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    kept_id bigint;
begin
    if again_id is not null then
        if exists (select 1 from ar_inbox.inbound_messages m
                where m.company_id = keep_message.company_id and m.content_hash = hash and m.id <> again_id) then
            -- its company had it by another way
            delete from ar_inbox.inbound_messages m where m.id = again_id;
            return null;
        end if;
        update ar_inbox.inbound_messages m
        set company_id = coalesce(keep_message.company_id, 0), state = keep_message.state,
            reason = keep_message.reason, defects = coalesce(keep_message.defects, '{}')
        where m.id = again_id;
        return again_id;
    end if;
    insert into ar_inbox.inbound_messages as m (company_id, mail_account_id, mailbox, uid_validity, uid,
        received_at, recipient, content_hash, size, message, state, reason, defects, imported_as)
    values (coalesce(company_id, 0), account_id, mailbox, uid_validity, uid, received_at, recipient, hash,
        coalesce(size, pg_catalog.octet_length(message)), message, state, reason, coalesce(defects, '{}'),
        imported_as)
    -- in quarantine they get another chance, as whatever they come now
    on conflict on constraint inbound_messages_content_key do update
        set state = excluded.state, reason = excluded.reason, defects = excluded.defects,
            recipient = coalesce(m.recipient, excluded.recipient), imported_as = excluded.imported_as,
            received_at = case when excluded.imported_as is null then m.received_at else excluded.received_at end
        where m.state = 'quarantine' and m.message is not null
    returning id into kept_id;
    return kept_id;
end
$$;

comment on function ar_inbox_internal.keep_message(bigint, bytea, bytea, text, text, text[], bigint, text, bigint, bigint, bigint, ar_inbox.email_address, bigint, ar_inbox.direction, timestamptz) is
'Keeps the bytes of an incoming message with what became of it; again_id: in the row that it has. Where they lie in their company''s quarantine already, that row becomes what they are now. imported_as: it is history, received_at that moment. Returns the row''s id; NULL: its company has these bytes already, and not in quarantine.';

create function ar_inbox.receive_email(message bytea, recipient ar_inbox.email_address = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_installed();
    if message is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'message is NULL', 'Give the bytes of a message.');
    end if;
    return ar_inbox_internal.take_message(ar_inbox_internal.in_memory(message), recipient => recipient);
end
$$;

comment on function ar_inbox.receive_email(bytea, ar_inbox.email_address) is
'Takes an incoming message (RFC 5322) as its bytes: finds its company by recipient, then by the addresses in its header, its thread by the address it was written to, by what it answers, by the sender; and opens the thread. recipient: to whom the mail server delivered it (the envelope''s); NULL: the header tells. Never raises for what a sender wrote: what cannot be read or routed is kept whole in ar_inbox.inbound_messages with its reason. The same message again is recognised; one in quarantine is tried again. Returns the email''s id, NULL where it went to quarantine or is an event on one (a receipt, for one). For administrators, the worker, and roles that are granted it. Errors: 22004, IB005, 40001 and 40P01 (try again; the latter where several are taken in one transaction).';

create function ar_inbox_internal.store_fetched(account_id bigint, company_id bigint, mailbox text,
    uid_validity bigint, uid bigint, size bigint, message bytea, note text, arrived_at timestamptz = null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.take_message(message, company_id, account_id, mailbox, uid_validity, uid, size, note,
        -- mail servers that have lost it say 1970 or 1980; it has whole seconds, and
        -- what came in the second in which it was asked for came after that
        arrived_at => case when arrived_at < '1990-01-01' then pg_catalog.now()
            else least(pg_catalog.date_trunc('second', arrived_at) + interval '999999 microseconds', pg_catalog.now()) end);
    update ar_inbox.mail_accounts a
    set uid_validity = store_fetched.uid_validity, last_uid = store_fetched.uid
    where a.company_id = store_fetched.company_id and a.id = store_fetched.account_id
        and (a.uid_validity is distinct from store_fetched.uid_validity or a.last_uid < store_fetched.uid);
end
$$;

comment on function ar_inbox_internal.store_fetched(bigint, bigint, text, bigint, bigint, bigint, bytea, text, timestamptz) is
'Takes a message that was fetched from a mailbox and remembers how far the mailbox was read, in one transaction. message NULL: it was not fetched, and note says why. arrived_at: the second in which it came there (INTERNALDATE, RFC 9051, 2.3.3), whose end counts; NULL, before 1990 or to come: now.';
