-- Outgoing mail: making a message, putting it into the outbox, taking it out again.

create function ar_inbox_internal.make_message(company_id bigint, attachments bigint[], message_id text,
    sent_at timestamptz, from_name text, from_address text, reply_to text, to_addresses text[],
    cc_addresses text[], subject text, body_text text, body_html text, in_reply_to text, reference_ids text[],
    automatic boolean, tracking_image text)
returns bytea
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    names text[];
    types text[];
begin
    if attachments = '{}' then
        return ar_inbox_internal.build_message(message_id, sent_at, from_name, from_address, reply_to,
            to_addresses, cc_addresses, subject, body_text, body_html, in_reply_to, reference_ids, automatic,
            null, null, null, tracking_image);
    end if;
    select pg_catalog.array_agg(f.name order by u.position), pg_catalog.array_agg(f.type order by u.position)
    into names, types
    from pg_catalog.unnest(attachments) with ordinality u (id, position)
    join ar_inbox.files f on f.company_id = make_message.company_id and f.id = u.id;
    -- the bytes of the files are given back when this returns
    return ar_inbox_internal.build_message(message_id, sent_at, from_name, from_address, reply_to,
        to_addresses, cc_addresses, subject, body_text, body_html, in_reply_to, reference_ids, automatic,
        names, types, (
            select pg_catalog.array_agg(k.content order by u.position)
            from pg_catalog.unnest(attachments) with ordinality u (id, position)
            join ar_inbox.files f on f.company_id = make_message.company_id and f.id = u.id
            join ar_inbox.file_contents k on k.company_id = f.company_id and k.content_hash = f.content_hash),
        tracking_image);
end
$$;

comment on function ar_inbox_internal.make_message(bigint, bigint[], text, timestamptz, text, text, text, text[], text[], text, text, text, text, text[], boolean, text) is
'build_message() with the company''s files of these ids attached.';

create function ar_inbox_internal.queue_email(company_id bigint, thread_id bigint,
    recipients ar_inbox.email_address[], cc ar_inbox.email_address[], bcc ar_inbox.email_address[],
    subject text, body text, body_html text, automatic boolean, template text,
    invoice_id bigint, chasing_step_id bigint, at timestamptz, attachments bigint[] = '{}',
    send_at timestamptz = null, cancel_on_answer boolean = false, answered_id bigint = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    account     ar_inbox.mail_accounts;
    company     ar_inbox.companies;
    member      ar_inbox.members;
    previous    ar_inbox.emails;
    key         bytea;
    new_id      bigint;
    sender_name text;
    reply_to    text;
    image       text;
    size        integer;
    identifier  text;
    ancestors   text[] := array[]::text[];
begin
    select a.* into account from ar_inbox.mail_accounts a
    where a.company_id = queue_email.company_id
        and a.id = ar_inbox_internal.sending_account(queue_email.company_id);
    if not found then
        perform ar_inbox_internal.refuse('IB005',
            pg_catalog.format('company %s has no mail account', company_id),
            'Set one with ar_inbox.set_mail_account().');
    end if;
    select c.* into company from ar_inbox.companies c where c.id = queue_email.company_id;
    if not automatic then
        select m.* into member from ar_inbox.members m
        where m.company_id = queue_email.company_id
            and m.id = ar_inbox_internal.member_id(queue_email.company_id);
        if pg_catalog.btrim(member.signature) <> '' then
            body := pg_catalog.rtrim(body, E'\r\n') || E'\n\n-- \n' || member.signature;
            body_html := body_html || E'<p>-- </p>\n' || ar_inbox_internal.commonmark_to_html(
                -- whoever writes a signature means its lines
                pg_catalog.replace(member.signature, E'\n', E'  \n'));
        end if;
    end if;
    sender_name := company.name || coalesce(' (' || member.name || ')', '');
    send_at := case when send_at > pg_catalog.now() then send_at end;

    -- What it answers: the message named, else the last one of the
    -- conversation that is known to the other side or on its way there.  (Ids
    -- in .invalid were made here, for what came without one.)
    if answered_id is not null then
        select e.* into previous from ar_inbox.emails e
        where e.company_id = queue_email.company_id and e.id = answered_id
            and e.message_id not like '%.invalid';
    end if;
    if previous.id is null then
        select e.* into previous from ar_inbox.emails e
        where e.company_id = queue_email.company_id and e.thread_id = queue_email.thread_id
            and e.kind = 'message' and e.message_id not like '%.invalid'
            and not exists (select 1 from ar_inbox.deliveries d
                where d.company_id = e.company_id and d.email_id = e.id
                    and (d.state = 'cancelled' or (d.state = 'queued' and d.send_at is not null)))
        order by e.occurred_at desc, e.id desc limit 1;
    end if;
    if previous.id is not null then
        ancestors := case when pg_catalog.cardinality(previous.reference_ids) > 0
                then previous.reference_ids else previous.in_reply_to end || array[previous.message_id];
        ancestors := array(
            select u.id from pg_catalog.unnest(ancestors) with ordinality u (id, position)
            where u.id not like '%.invalid' order by u.position);
        if pg_catalog.cardinality(ancestors) > 21 then
            ancestors := array[ancestors[1]] || ancestors[pg_catalog.cardinality(ancestors) - 19 :];
        end if;
    end if;
    identifier := pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', '') || '@'
        || ar_inbox_internal.address_domain(account.from_address);

    -- Answers come to an address that names the thread.
    reply_to := account.inbox_address::text;
    if account.plus_addressing or company.track_opens then
        key := ar_inbox_internal.signing_key(company_id);
    end if;
    if account.plus_addressing then
        reply_to := coalesce(ar_inbox_internal.tagged_address(
            coalesce(account.inbox_address, account.from_address)::text,
            ar_inbox_internal.sign_token(key, 'r', thread_id)), reply_to);
    end if;
    -- the image is in the bytes: the id is drawn before they are made
    new_id := pg_catalog.nextval('ar_inbox.emails_id_seq');
    if company.track_opens then
        image := company.tracking_url || company.handle || ar_inbox_internal.sign_token(key, 'o', new_id);
    end if;

    -- The bytes go from where they are made into the row, and into no
    -- variable: a variable is copied once more when its statement is planned.
    insert into ar_inbox.emails as e (id, company_id, thread_id, direction, message_id, in_reply_to, reference_ids,
        subject, from_name, from_address, body_text, body_html, sent_at, occurred_at, automatic, member_id, template,
        search, message)
    values (new_id, company_id, thread_id, 'outgoing', identifier,
        case when previous.id is null then '{}' else array[previous.message_id] end, ancestors,
        subject, sender_name, account.from_address, body, body_html, coalesce(send_at, at),
        -- a rehearsal of what is to come has happened now
        least(at, pg_catalog.now()),
        automatic, member.id, template,
        ar_inbox_internal.search_vector(company_id, subject,
            pg_catalog.concat_ws(' ', sender_name, account.from_address,
                pg_catalog.array_to_string(recipients || cc || bcc, ' '),
                case when attachments <> '{}' then (
                    select pg_catalog.string_agg(f.name, ' ') from ar_inbox.files f
                    where f.company_id = queue_email.company_id and f.id = any (attachments)) end), body),
        ar_inbox_internal.make_message(company_id, attachments, identifier, coalesce(send_at, at), sender_name,
            account.from_address::text, reply_to, recipients::text[], cc::text[], subject, body, body_html,
            previous.message_id, ancestors, automatic, image))
    returning pg_catalog.octet_length(e.message) into size;
    if size > company.max_message_size then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('the message has %s bytes, more than the limit of %s (max_message_size)',
                size, company.max_message_size),
            'Send fewer or smaller files, or links to them.');
    end if;

    insert into ar_inbox.email_recipients (company_id, email_id, field, position, address, state)
    select queue_email.company_id, new_id, r.field, r.position, r.address, 'queued'
    from (
        select 'to' as field, u.position, u.address
        from pg_catalog.unnest(recipients) with ordinality u (address, position)
        union all
        select 'cc', u.position, u.address from pg_catalog.unnest(cc) with ordinality u (address, position)
        union all
        select 'bcc', u.position, u.address from pg_catalog.unnest(bcc) with ordinality u (address, position)
    ) r;
    if attachments <> '{}' then
        insert into ar_inbox.attachments (company_id, email_id, file_id, position)
        select queue_email.company_id, new_id, u.id, u.position
        from pg_catalog.unnest(attachments) with ordinality u (id, position);
    end if;

    insert into ar_inbox.deliveries (company_id, email_id, channel, mail_account_id, invoice_id,
        chasing_step_id, send_at, cancel_on_answer, next_attempt_at, give_up_at, created_at)
    values (company_id, new_id, 'email', account.id, invoice_id, chasing_step_id,
        send_at, cancel_on_answer and send_at is not null,
        case when send_at is not null then send_at
            when automatic then least(at, pg_catalog.now())
            else pg_catalog.now() + company.undo_grace end,
        coalesce(send_at, case when automatic then at else at + company.undo_grace end) + company.retry_limit, at);
    return new_id;
end
$$;

comment on function ar_inbox_internal.queue_email(bigint, bigint, ar_inbox.email_address[], ar_inbox.email_address[], ar_inbox.email_address[], text, text, text, boolean, text, bigint, bigint, timestamptz, bigint[], timestamptz, boolean, bigint) is
'Makes a message, once, and queues its delivery. automatic: the machine''s, not a member''s: it has no signature and does not wait for undo_grace. at: the moment it is made, and dated unless send_at (a later moment, at which it is to leave) says otherwise. attachments: files of the company. cancel_on_answer: with send_at, whether a customer''s message cancels it. answered_id: the message it answers; NULL: the last of the thread. Returns the email''s id. Errors: IB005 (no mail account), IB003 (over max_message_size).';

create function ar_inbox_internal.cancel_deliveries(company_id bigint, delivery_ids bigint[], reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.deliveries d
    set state = 'cancelled', reason = cancel_deliveries.reason, next_attempt_at = null,
        finished_at = pg_catalog.clock_timestamp()
    where d.company_id = cancel_deliveries.company_id and d.id = any (delivery_ids);
    update ar_inbox.email_recipients r
    set state = 'cancelled'
    from ar_inbox.deliveries d
    where d.company_id = cancel_deliveries.company_id and d.id = any (delivery_ids)
        and r.company_id = d.company_id and r.email_id = d.email_id and r.state in ('queued', 'deferred');
end
$$;

comment on function ar_inbox_internal.cancel_deliveries(bigint, bigint[], text) is
'Cancels deliveries that the caller has locked and found not to have left, with their recipients.';

create function ar_inbox_internal.may_have_left(company_id bigint, delivery_id bigint)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
            select 1 from ar_inbox.deliveries d
            join ar_inbox.email_recipients r on r.company_id = d.company_id and r.email_id = d.email_id
            where d.company_id = may_have_left.company_id and d.id = may_have_left.delivery_id
                and (d.state not in ('queued', 'deferred')
                    or r.state in ('handing_off', 'accepted', 'unknown', 'bounced')))
        -- in doubt once, a recipient may be waiting again
        or exists (
            select 1 from ar_inbox.delivery_attempts a
            where a.company_id = may_have_left.company_id and a.delivery_id = may_have_left.delivery_id
                and (a.outcome is null or a.outcome in ('accepted', 'partial', 'unknown')));
end
$$;

comment on function ar_inbox_internal.may_have_left(bigint, bigint) is
'Whether a message has reached a recipient, or may have: an attempt accepted, in doubt or under way. False while it waits, also after attempts at which the mail server put it off. To be asked with the delivery locked.';

create function ar_inbox_internal.cancel_answered(company_id bigint, thread_id bigint)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    answered record;
    ids      bigint[] := array[]::bigint[];
begin
    for answered in
        select d.id, d.email_id
        from ar_inbox.deliveries d
        join ar_inbox.emails e on e.company_id = d.company_id and e.id = d.email_id
        where d.company_id = cancel_answered.company_id and d.cancel_on_answer
            and d.state in ('queued', 'deferred') and e.thread_id = cancel_answered.thread_id
        order by d.id
        for update of d
    loop
        -- put off at its first attempts it still waits; for some it may have left
        continue when ar_inbox_internal.may_have_left(company_id, answered.id);
        ids := ids || answered.id;
        perform ar_inbox_internal.record_event(company_id, 'email', answered.email_id, 'cancelled', null,
            pg_catalog.to_jsonb('the customer answered first'::text));
    end loop;
    if ids <> '{}' then
        perform ar_inbox_internal.cancel_deliveries(company_id, ids, 'the customer answered first');
    end if;
    return pg_catalog.cardinality(ids);
end
$$;

comment on function ar_inbox_internal.cancel_answered(bigint, bigint) is
'Cancels what was written for later in a thread, unless its writer wanted it otherwise: the customer answered first. To be called when a message of a person is filed there. Returns how many.';
