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

create type ar_inbox_internal.draft as (
    id              bigint,
    occurred_at     timestamptz,
    thread_id       bigint,
    thread_is_new   boolean,
    recipients      ar_inbox.email_address[],
    cc              ar_inbox.email_address[],
    bcc             ar_inbox.email_address[],
    subject         text,
    body            text,
    body_html       text,
    template        text,
    invoice_id      bigint,
    chasing_step_id bigint,
    answered_id     bigint
);
comment on type ar_inbox_internal.draft is
'A message to be made. id, occurred_at: the email''s, drawn from its sequence and from next_moment(). thread_is_new: it is the first of its thread. answered_id: the message it answers; NULL: the last of the thread.';

create function ar_inbox_internal.queue_emails(company_id bigint, drafts ar_inbox_internal.draft[], automatic boolean,
    at timestamptz, attachments bigint[] = '{}', send_at timestamptz = null, cancel_on_answer boolean = false)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    account     ar_inbox.mail_accounts;
    company     ar_inbox.companies;
    member      ar_inbox.members;
    key         bytea;
    sender_name text;
    base        text;
    sign_body   text := '';
    sign_html   text := '';
    file_names  text;
    size        integer;
begin
    if coalesce(pg_catalog.cardinality(drafts), 0) = 0 then
        return;
    end if;
    loop
        -- who takes it away waits until this is queued, or has done so: then another one
        select a.* into account from ar_inbox.mail_accounts a
        where a.company_id = queue_emails.company_id
            and a.id = ar_inbox_internal.sending_account(queue_emails.company_id)
            and a.smtp_url is not null and a.removed_at is null
        for key share;
        exit when found or ar_inbox_internal.sending_account(company_id) is null;
    end loop;
    if account.id is null then
        perform ar_inbox_internal.refuse('IB005',
            pg_catalog.format('company %s has no mail account', company_id),
            'Set one with ar_inbox.set_mail_account().');
    end if;
    select c.* into company from ar_inbox.companies c where c.id = queue_emails.company_id;
    if not automatic then
        select m.* into member from ar_inbox.members m
        where m.company_id = queue_emails.company_id
            and m.id = ar_inbox_internal.member_id(queue_emails.company_id);
        if pg_catalog.btrim(member.signature) <> '' then
            sign_body := E'\n\n-- \n' || member.signature;
            sign_html := E'<p>-- </p>\n' || ar_inbox_internal.commonmark_to_html(
                -- whoever writes a signature means its lines
                pg_catalog.replace(member.signature, E'\n', E'  \n'));
        end if;
    end if;
    sender_name := company.name || coalesce(' (' || member.name || ')', '');
    send_at := case when send_at > pg_catalog.now() then send_at end;
    if account.plus_addressing or company.track_opens then
        key := ar_inbox_internal.signing_key(company_id);
    end if;
    -- Answers come to an address that names the thread.
    if account.plus_addressing then
        base := coalesce(account.inbox_address, account.from_address)::text;
    end if;
    if attachments <> '{}' then
        file_names := (select pg_catalog.string_agg(f.name, ' ') from ar_inbox.files f
            where f.company_id = queue_emails.company_id and f.id = any (attachments));
    end if;

    -- One statement for all tables, and the bytes go from where they are made
    -- into the row, and into no variable: a variable is copied once more when
    -- its statement is planned.
    with draft as (
        select d.*, p.message_id as previous_id,
            coalesce(pg_catalog.gen_random_uuid()::text, '') as token,
            case when p.ancestors is null then '{}'
                when pg_catalog.cardinality(p.ancestors) > 21
                then p.ancestors[1:1] || p.ancestors[pg_catalog.cardinality(p.ancestors) - 19 :]
                else p.ancestors end as ancestors,
            case when sign_body <> '' then pg_catalog.rtrim(d.body, E'\r\n') || sign_body else d.body end as text,
            case when sign_html <> '' then d.body_html || sign_html else d.body_html end as html
        from pg_catalog.unnest(drafts) d
        left join lateral (
            -- What it answers: the message named, else the last one of the
            -- conversation that is known to the other side or on its way there.
            -- (Ids in .invalid were made here, for what came without one.)
            select e.message_id, array(
                    select u.id from pg_catalog.unnest(
                        case when pg_catalog.cardinality(e.reference_ids) > 0
                            then e.reference_ids else e.in_reply_to end || array[e.message_id])
                        with ordinality u (id, position)
                    where u.id not like '%.invalid' order by u.position) as ancestors
            from (
                select a.* from ar_inbox.emails a
                where a.company_id = queue_emails.company_id and a.id = d.answered_id
                union all
                (select l.* from ar_inbox.emails l
                where l.company_id = queue_emails.company_id and l.thread_id = d.thread_id
                    and l.kind = 'message' and l.message_id not like '%.invalid'
                    and not exists (select 1 from ar_inbox.deliveries x
                        where x.company_id = l.company_id and x.email_id = l.id
                            and (x.state = 'cancelled' or (x.state = 'queued' and x.send_at is not null)))
                order by l.occurred_at desc, l.id desc limit 1)) e
            where e.message_id not like '%.invalid'
            order by e.id = d.answered_id desc nulls last
            limit 1) p on not coalesce(d.thread_is_new, false)
    ), mail as (
        insert into ar_inbox.emails as e (id, company_id, thread_id, direction, message_id, in_reply_to, reference_ids,
            subject, from_name, from_address, body_text, body_html, sent_at, occurred_at, automatic, member_id, template,
            search, message)
        select d.id, queue_emails.company_id, d.thread_id, 'outgoing', i.identifier,
            case when d.previous_id is null then '{}' else array[d.previous_id] end, d.ancestors,
            d.subject, sender_name, account.from_address, d.text, d.html, coalesce(queue_emails.send_at, at),
            d.occurred_at, queue_emails.automatic, member.id, d.template,
            ar_inbox_internal.search_vector(queue_emails.company_id,
                ar_inbox_internal.searched_subject(d.subject, t.subject),
                pg_catalog.concat_ws(' ', sender_name, account.from_address,
                    pg_catalog.array_to_string(d.recipients || d.cc || d.bcc, ' '), file_names), d.text),
            ar_inbox_internal.make_message(queue_emails.company_id, attachments, i.identifier,
                coalesce(queue_emails.send_at, at), sender_name, account.from_address::text,
                coalesce(ar_inbox_internal.tagged_address(base, ar_inbox_internal.sign_token(key, 'r', d.thread_id)),
                    account.inbox_address::text),
                d.recipients::text[], d.cc::text[], d.subject, d.text, d.html, d.previous_id, d.ancestors,
                queue_emails.automatic,
                -- the image is in the bytes: the id is drawn before they are made
                case when company.track_opens then company.tracking_url || company.handle
                    || ar_inbox_internal.sign_token(key, 'o', d.id) end)
        from draft d
        left join ar_inbox.threads t on t.company_id = queue_emails.company_id and t.id = d.thread_id
        cross join lateral (select pg_catalog.replace(d.token, '-', '') || '@'
            || ar_inbox_internal.address_domain(account.from_address)) i (identifier)
        returning pg_catalog.octet_length(e.message) as size
    ), recipient as (
        insert into ar_inbox.email_recipients (company_id, email_id, field, position, address, state)
        select queue_emails.company_id, d.id, r.field, r.position, r.address, 'queued'
        from pg_catalog.unnest(drafts) d
        cross join lateral (
            select 'to' as field, u.position, u.address
            from pg_catalog.unnest(d.recipients) with ordinality u (address, position)
            union all
            select 'cc', u.position, u.address from pg_catalog.unnest(d.cc) with ordinality u (address, position)
            union all
            select 'bcc', u.position, u.address from pg_catalog.unnest(d.bcc) with ordinality u (address, position)
        ) r
    ), attachment as (
        insert into ar_inbox.attachments (company_id, email_id, file_id, position)
        select queue_emails.company_id, d.id, u.id, u.position
        from pg_catalog.unnest(drafts) d
        cross join lateral pg_catalog.unnest(attachments) with ordinality u (id, position)
    ), delivery as (
        insert into ar_inbox.deliveries (company_id, email_id, channel, mail_account_id, invoice_id,
            chasing_step_id, send_at, cancel_on_answer, next_attempt_at, give_up_at, created_at)
        select queue_emails.company_id, d.id, 'email', account.id, d.invoice_id, d.chasing_step_id,
            queue_emails.send_at, queue_emails.cancel_on_answer and queue_emails.send_at is not null,
            case when queue_emails.send_at is not null then queue_emails.send_at
                -- (nothing leaves before its moment, also where that is fired in advance)
                when queue_emails.automatic then at
                else pg_catalog.now() + company.undo_grace end,
            coalesce(queue_emails.send_at, case when queue_emails.automatic then at else at + company.undo_grace end)
                + company.retry_limit, at
        from pg_catalog.unnest(drafts) d
    )
    select pg_catalog.max(m.size) into size from mail m;
    if size > company.max_message_size then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('the message has %s bytes, more than the limit of %s (max_message_size)',
                size, company.max_message_size),
            'Send fewer or smaller files, or links to them.');
    end if;
end
$$;

comment on function ar_inbox_internal.queue_emails(bigint, ar_inbox_internal.draft[], boolean, timestamptz, bigint[], timestamptz, boolean) is
'Makes messages, each once, and queues their deliveries. automatic: the machine''s, not a member''s: they have no signature and do not wait for undo_grace. at: the moment they are made, and dated unless send_at (a later moment, at which they are to leave) says otherwise. attachments: files of the company. cancel_on_answer: with send_at, whether a customer''s message cancels them. Errors: IB005 (no mail account), IB003 (over max_message_size).';

create function ar_inbox_internal.queue_email(company_id bigint, thread_id bigint,
    recipients ar_inbox.email_address[], cc ar_inbox.email_address[], bcc ar_inbox.email_address[],
    subject text, body text, body_html text, invoice_id bigint, at timestamptz, attachments bigint[] = '{}',
    send_at timestamptz = null, cancel_on_answer boolean = false, answered_id bigint = null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    new_id bigint := pg_catalog.nextval('ar_inbox.emails_id_seq');
begin
    perform ar_inbox_internal.queue_emails(company_id,
        array[row(new_id, ar_inbox_internal.next_moment(least(at, pg_catalog.now())), thread_id, false,
            recipients, cc, bcc, subject, body, body_html, null, invoice_id, null, answered_id)::ar_inbox_internal.draft],
        false, at, attachments, send_at, cancel_on_answer);
    return new_id;
end
$$;

comment on function ar_inbox_internal.queue_email(bigint, bigint, ar_inbox.email_address[], ar_inbox.email_address[], ar_inbox.email_address[], text, text, text, bigint, timestamptz, bigint[], timestamptz, boolean, bigint) is
'queue_emails() for one message of a member. Returns the email''s id.';

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

create function ar_inbox_internal.came_before(arrived_at timestamptz, made_at timestamptz)
returns boolean
language sql stable
-- The mail server has a clock of its own; and what has just come nobody knew
-- of who wrote meanwhile.
return arrived_at < made_at - interval '10 minutes';

comment on function ar_inbox_internal.came_before(timestamptz, timestamptz) is
'Whether a message that arrived then is no answer to what was made at made_at: it was there more than ten minutes before.';

create function ar_inbox_internal.cancel_unsent(company_id bigint, delivery_ids bigint[], reason text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    waiting record;
    ids     bigint[] := array[]::bigint[];
begin
    for waiting in
        select d.id, d.email_id
        from ar_inbox.deliveries d
        where d.company_id = cancel_unsent.company_id and d.id = any (delivery_ids)
            and d.state in ('queued', 'deferred')
        order by d.id
        for update
    loop
        -- put off at its first attempts it still waits; for some it may have left
        continue when ar_inbox_internal.may_have_left(company_id, waiting.id);
        ids := ids || waiting.id;
        perform ar_inbox_internal.record_event(company_id, 'email', waiting.email_id, 'cancelled', null,
            pg_catalog.to_jsonb(reason));
    end loop;
    if ids <> '{}' then
        perform ar_inbox_internal.cancel_deliveries(company_id, ids, reason);
    end if;
    return pg_catalog.cardinality(ids);
end
$$;

comment on function ar_inbox_internal.cancel_unsent(bigint, bigint[], text) is
'Cancels those of the deliveries that still wait and have reached nobody, with an event for each. Returns how many.';

create function ar_inbox_internal.cancel_scheduled(company_id bigint, thread_id bigint, reason text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return ar_inbox_internal.cancel_unsent(company_id, array(
        select d.id
        from ar_inbox.emails e
        join ar_inbox.deliveries d on d.company_id = e.company_id and d.email_id = e.id
        where e.company_id = cancel_scheduled.company_id and e.thread_id = cancel_scheduled.thread_id
            and e.direction = 'outgoing' and d.send_at is not null and d.state in ('queued', 'deferred')), reason);
end
$$;

comment on function ar_inbox_internal.cancel_scheduled(bigint, bigint, text) is
'Cancels what was written for later in a thread, whatever its writer wanted of an answer. Returns how many.';

create function ar_inbox_internal.cancel_answered(company_id bigint, thread_id bigint, customers bigint[] = '{}',
    sender ar_inbox.email_address = null, at timestamptz = now())
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return ar_inbox_internal.cancel_unsent(company_id, array(
        select d.id
        from ar_inbox.deliveries d
        join ar_inbox.emails e on e.company_id = d.company_id and e.id = d.email_id
        where d.company_id = cancel_answered.company_id and d.cancel_on_answer
            and d.state in ('queued', 'deferred')
            and (e.thread_id = cancel_answered.thread_id
                -- what it answers was split off, and is answered there
                or exists (select 1 from ar_inbox.emails m
                    where m.company_id = e.company_id and m.message_id = any (e.in_reply_to)
                        and m.thread_id = cancel_answered.thread_id)
                -- it begins a conversation: nothing is there that somebody can have answered
                or (not exists (select 1 from ar_inbox.emails m
                        left join ar_inbox.deliveries o on o.company_id = m.company_id and o.email_id = m.id
                        where m.company_id = e.company_id and m.thread_id = e.thread_id and m.id <> e.id
                            and (m.direction = 'incoming' or o.state is null
                                or o.state not in ('queued', 'deferred', 'cancelled')))
                    and (exists (select 1 from ar_inbox.threads t
                            where t.company_id = e.company_id and t.id = e.thread_id
                                and t.customer_id = any (customers))
                        or exists (select 1 from ar_inbox.email_recipients r
                            where r.company_id = e.company_id and r.email_id = e.id
                                and r.field <> 'reply_to' and r.address = sender))))
            and not ar_inbox_internal.came_before(at, d.created_at)),
        'the customer answered first');
end
$$;

comment on function ar_inbox_internal.cancel_answered(bigint, bigint, bigint[], ar_inbox.email_address, timestamptz) is
'Cancels what was written for later in a thread, or as the answer to a message that is in it now, unless its writer wanted it otherwise: the customer answered first. So it does with what begins a conversation with one of these customers, or goes to this sender. To be called when a message of a person is filed in the thread: customers: whose it is; sender: who wrote it; at: when it arrived; what was written later stays. The deliveries it locks may be of other threads: one message to a transaction, or be ready for 40P01. Returns how many.';
