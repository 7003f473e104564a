-- What members write to customers.

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

create function ar_inbox_internal.check_send_at(company_id bigint, send_at timestamptz)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if send_at > pg_catalog.now() + interval '1 year' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('send_at %s is more than a year ahead', send_at), 'Give an earlier moment.');
    end if;
    return case when send_at > pg_catalog.now() then greatest(send_at, pg_catalog.now() + (
        select c.undo_grace from ar_inbox.companies c where c.id = check_send_at.company_id)) end;
end
$$;

comment on function ar_inbox_internal.check_send_at(bigint, timestamptz) is
'The moment for which a message is written, not before the company''s undo_grace is over; NULL where it has come already. Raises 22023 for one more than a year ahead.';

create function ar_inbox_internal.write_email(company_id bigint, thread_id bigint,
    recipients ar_inbox.email_address[], cc ar_inbox.email_address[], bcc ar_inbox.email_address[],
    subject text, body text, invoice_id bigint, attachments bigint[], send_at timestamptz,
    cancel_on_answer boolean, answered_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    everybody ar_inbox.email_address[];
begin
    -- no address gets it twice
    recipients := ar_inbox_internal.without_addresses(recipients, '{}');
    cc := ar_inbox_internal.without_addresses(cc, recipients);
    bcc := ar_inbox_internal.without_addresses(bcc, recipients || cc);
    everybody := recipients || cc || bcc;
    if recipients = '{}' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'recipients is empty',
            'Give at least one address to write to.');
    elsif pg_catalog.cardinality(everybody) > 100 then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('%s recipients are too many for one message', pg_catalog.cardinality(everybody)),
            'Mail servers take up to 100 for one message: send several.');
    end if;
    if ar_inbox_internal.is_blank(body) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    end if;
    perform ar_inbox_internal.refuse_suppressed(company_id, everybody);
    return ar_inbox_internal.queue_email(company_id, thread_id, recipients, cc, bcc, subject, body,
        ar_inbox_internal.commonmark_to_html(body), invoice_id, pg_catalog.now(),
        ar_inbox_internal.check_files(company_id, attachments), ar_inbox_internal.check_send_at(company_id, send_at),
        coalesce(cancel_on_answer, true), answered_id);
end
$$;

comment on function ar_inbox_internal.write_email(bigint, bigint, ar_inbox.email_address[], ar_inbox.email_address[], ar_inbox.email_address[], text, text, bigint, bigint[], timestamptz, boolean, bigint) is
'What every message of a member goes through once its thread, recipients and subject are known: it is judged and queued. Returns the email''s id. Errors: those of send_email() and reply().';

create function ar_inbox.send_email(company_id bigint, recipients ar_inbox.email_address[], subject text,
    body text, cc ar_inbox.email_address[] = null, bcc ar_inbox.email_address[] = null,
    thread_id bigint = null, invoice_id bigint = null, customer_id bigint = null,
    attachments bigint[] = null, send_at timestamptz = null, cancel_on_answer boolean = true)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    target    bigint;
    thread    ar_inbox.threads;
    customers bigint[];
begin
    perform ar_inbox_internal.require_company(company_id, 'send');
    recipients := ar_inbox_internal.check_recipients(recipients, 'recipients');
    cc := ar_inbox_internal.check_recipients(cc, 'cc');
    bcc := ar_inbox_internal.check_recipients(bcc, 'bcc');
    subject := ar_inbox_internal.required_text(subject, 'subject', 900);
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
        target := ar_inbox_internal.current_thread(company_id, thread.id);
        select t.* into thread from ar_inbox.threads t
        where t.company_id = send_email.company_id and t.id = target;
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
        if customer_id is null then
            -- whose contacts it goes to, if that is one
            customers := ar_inbox_internal.customers_of_addresses(company_id, recipients || cc || bcc);
            if pg_catalog.cardinality(customers) = 1 then
                customer_id := customers[1];
            end if;
        end if;
        insert into ar_inbox.threads (company_id, topic, customer_id, subject)
        values (send_email.company_id, 'message', send_email.customer_id, send_email.subject)
        returning id into target;
    end if;
    return ar_inbox_internal.write_email(company_id, target, recipients, cc, bcc, subject, body,
        coalesce(invoice_id, thread.invoice_id), attachments, send_at, cancel_on_answer, null);
end
$$;

comment on function ar_inbox.send_email(bigint, ar_inbox.email_address[], text, text, ar_inbox.email_address[], ar_inbox.email_address[], bigint, bigint, bigint, bigint[], timestamptz, boolean) is
'Writes to any addresses in the company''s name, with the member''s in parentheses and its signature below. body: CommonMark; it goes out as text and as HTML. thread_id: an existing thread; invoice_id: that invoice''s; otherwise the message starts a thread of its own, about customer_id; NULL: about the customer whom the recipients belong to, where that is one. Of an address that is given more than once the first counts, in whatever letter case. attachments: ids of files (add_file). send_at: when it is to leave, at most a year ahead; NULL, past or sooner: after the company''s undo_grace. cancel_on_answer: with send_at, whether it is cancelled if the customer writes first: in its thread, or, where it begins one, anywhere. The worker hands it off; until then undo_send() takes it back. Returns the email''s id. Needs send. Errors: IB001, 42501, 22004 (NULL among the addresses or files), 22023 (no recipients, empty subject or body, send_at), IB003 (too many recipients; over max_message_size), IB005 (no mail account), IB007 (a suppressed address).';

create function ar_inbox_internal.without_addresses(addresses ar_inbox.email_address[],
    others ar_inbox.email_address[])
returns ar_inbox.email_address[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(pg_catalog.array_agg(u.address order by u.position), '{}')
    from (
        select distinct on (n.address) n.address, n.position
        from pg_catalog.unnest(addresses) with ordinality n (address, position)
        where n.address is not null and n.address <> all (others)
        order by n.address, n.position
    ) u;
$$;

comment on function ar_inbox_internal.without_addresses(ar_inbox.email_address[], ar_inbox.email_address[]) is
'The addresses in their order, each once, without the others.';

create function ar_inbox_internal.email_addresses(company_id bigint, email_id bigint, fields text[])
returns ar_inbox.email_address[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select pg_catalog.array_agg(r.address order by pg_catalog.array_position(fields, r.field), r.position)
        from ar_inbox.email_recipients r
        where r.company_id = email_addresses.company_id and r.email_id = email_addresses.email_id
            and r.field = any (fields)
            and ar_inbox_internal.company_of_address(r.address) is distinct from r.company_id), '{}');
end
$$;

comment on function ar_inbox_internal.email_addresses(bigint, bigint, text[]) is
'A message''s addresses in these fields (to, cc, reply_to), but for the company''s own and their plus-addresses.';

create function ar_inbox_internal.is_one_of_us(company_id bigint, address ar_inbox.email_address)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(ar_inbox_internal.company_of_address(address) = company_id, false)
        or exists (
            select 1 from ar_inbox.members m
            where m.company_id = is_one_of_us.company_id and m.email = is_one_of_us.address);
end
$$;

comment on function ar_inbox_internal.is_one_of_us(bigint, ar_inbox.email_address) is
'Whether an address is the company''s own, a plus-address of one, or that of a member, removed ones too.';

create function ar_inbox_internal.answerable_addresses(company_id bigint, email_id bigint,
    from_address ar_inbox.email_address)
returns ar_inbox.email_address[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_ones ar_inbox.email_address[];
begin
    select coalesce(pg_catalog.array_agg(u.address order by u.position), '{}') into found_ones
    from pg_catalog.unnest(ar_inbox_internal.email_addresses(company_id, email_id, '{reply_to}'))
        with ordinality u (address, position)
    where not ar_inbox_internal.is_one_of_us(answerable_addresses.company_id, u.address);
    if found_ones = '{}' and from_address is not null
        and not ar_inbox_internal.is_one_of_us(company_id, from_address)
    then
        found_ones := array[from_address];
    end if;
    return found_ones;
end
$$;

comment on function ar_inbox_internal.answerable_addresses(bigint, bigint, ar_inbox.email_address) is
'Where an answer to an incoming message goes: its Reply-To, else its From, without the company''s addresses and its members''. Empty: nowhere.';

create function ar_inbox_internal.passed_on(company_id bigint, from_address ar_inbox.email_address, inbound_id bigint)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    fields jsonb;
begin
    -- the fields are at its beginning; what was filed without bytes has none
    select ar_inbox.parse_email(pg_catalog.substring(i.message, 1, 65536)) -> 'headers' into fields
    from ar_inbox.inbound_messages i
    where i.company_id = passed_on.company_id and i.id = inbound_id;
    if exists (
        select 1 from pg_catalog.jsonb_array_elements(fields) f
        where pg_catalog.lower(f ->> 'name') in ('auto-submitted', 'x-autoreply', 'x-autorespond')
            and f ->> 'value' !~* '^[[:space:]]*no\M')
    then
        return false;
    end if;
    return coalesce(ar_inbox_internal.company_of_address(from_address) = company_id, false)
        or exists (
            select 1 from pg_catalog.jsonb_array_elements(fields) f
            where pg_catalog.lower(f ->> 'name') = 'list-id'
                or (pg_catalog.lower(f ->> 'name') = 'precedence' and f ->> 'value' ~* '^[[:space:]]*list\M'));
end
$$;

comment on function ar_inbox_internal.passed_on(bigint, ar_inbox.email_address, bigint) is
'Whether an automatic message, of this sender and with these bytes, is one that a machine only passed on for a person: a mailing list (List-Id, RFC 2919; Precedence: list), or a form that writes from the company''s own address. Not an automatic reply (RFC 3834).';

create function ar_inbox_internal.reply_defaults(company_id bigint, thread_id bigint, reply_all boolean,
    out email_id bigint, out recipients ar_inbox.email_address[], out cc ar_inbox.email_address[], out subject text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    answered ar_inbox.emails;
begin
    -- whoever wrote last: a person, to whom there is an address
    for answered in
        select e.* from ar_inbox.emails e
        where e.company_id = reply_defaults.company_id and e.thread_id = reply_defaults.thread_id
            and e.direction = 'incoming' and not e.automatic and e.kind in ('message', 'comment')
            -- nobody who is shown not to be the sender
            and e.authentication #>> '{dmarc,result}' is distinct from 'fail'
        order by e.occurred_at desc, e.id desc
    loop
        -- what a colleague wrote from its own mail program is no customer's
        continue when ar_inbox_internal.is_one_of_us(company_id, answered.from_address);
        recipients := ar_inbox_internal.answerable_addresses(company_id, answered.id, answered.from_address);
        if recipients <> '{}' then
            cc := ar_inbox_internal.email_addresses(company_id, answered.id, '{to,cc}');
            exit;
        end if;
    end loop;
    -- else a person behind a mailing list or a form
    if coalesce(recipients, '{}') = '{}' then
        for answered in
            select e.* from ar_inbox.emails e
            where e.company_id = reply_defaults.company_id and e.thread_id = reply_defaults.thread_id
                and e.direction = 'incoming' and e.kind = 'message'
                and (e.automatic or ar_inbox_internal.company_of_address(e.from_address) = e.company_id)
                and e.authentication #>> '{dmarc,result}' is distinct from 'fail'
            order by e.occurred_at desc, e.id desc
            limit 20
        loop
            recipients := ar_inbox_internal.answerable_addresses(company_id, answered.id, answered.from_address);
            if recipients <> '{}' and ar_inbox_internal.passed_on(company_id, answered.from_address,
                answered.inbound_message_id) then
                cc := ar_inbox_internal.email_addresses(company_id, answered.id, '{to,cc}');
                exit;
            end if;
            recipients := '{}';
        end loop;
    end if;
    -- nobody yet: those we wrote to last
    if coalesce(recipients, '{}') = '{}' then
        select e.* into answered from ar_inbox.emails e
        where e.company_id = reply_defaults.company_id and e.thread_id = reply_defaults.thread_id
            and e.direction = 'outgoing' and e.channel = 'email'
            and not exists (select 1 from ar_inbox.deliveries d
                where d.company_id = e.company_id and d.email_id = e.id
                    and (d.state = 'cancelled' or (d.state = 'queued' and d.send_at is not null)))
        order by e.occurred_at desc, e.id desc limit 1;
        recipients := ar_inbox_internal.email_addresses(company_id, answered.id, '{to}');
        cc := ar_inbox_internal.email_addresses(company_id, answered.id, '{cc}');
    end if;
    email_id := answered.id;
    recipients := ar_inbox_internal.without_addresses(recipients, '{}');
    cc := case when reply_all then ar_inbox_internal.without_addresses(cc, recipients || array(
        -- nobody writes to itself
        select m.email from ar_inbox.members m
        where m.company_id = reply_defaults.company_id and m.id = ar_inbox_internal.member_id(reply_defaults.company_id)
            and m.email is not null)) else '{}' end;
    subject := coalesce(nullif(answered.subject, ''), (select t.subject from ar_inbox.threads t
        where t.company_id = reply_defaults.company_id and t.id = reply_defaults.thread_id));
    subject := pg_catalog.btrim(pg_catalog.left('Re: ' || pg_catalog.regexp_replace(
        pg_catalog.regexp_replace(subject, '[[:space:][:cntrl:]]+', ' ', 'g'),
        '^ ?((re|aw|antw|antwort|sv|vs|vá|ref|rif|odp|ynt|bls|回复|回覆|答复|答覆|返信|回信)( ?[[(][0-9]{1,3}[])])? ?[:：] ?)+',
        '', 'i'), 900));
end
$$;

comment on function ar_inbox_internal.reply_defaults(bigint, bigint, boolean) is
'What a reply in a thread answers, to whom it goes and what its subject is where its writer says nothing else: to the Reply-To, else the From, of the last message that a person wrote who is not a member and whose DMARC did not fail; reply_all: with its other recipients as Cc; never to the company''s own addresses, to a member only as Cc, and not to the caller. Where there is none: likewise of the last message that a mailing list or a form on the company''s site passed on. Where nobody wrote yet: to those we wrote to last. email_id NULL, recipients empty: neither.';

create function ar_inbox.reply(thread_id bigint, body text, recipients ar_inbox.email_address[] = null,
    cc ar_inbox.email_address[] = null, bcc ar_inbox.email_address[] = null, attachments bigint[] = null,
    send_at timestamptz = null, reply_all boolean = false, cancel_on_answer boolean = true)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    thread   ar_inbox.threads;
    defaults record;
begin
    select t.* into thread from ar_inbox.threads t where t.id = reply.thread_id;
    perform ar_inbox_internal.require(thread.company_id, 'send', 'thread', thread_id);
    -- locked: what is answered is not to be merged away meanwhile
    select t.* into thread from ar_inbox.threads t
    where t.company_id = thread.company_id and t.id = ar_inbox_internal.lock_thread(thread_id);
    select d.* into defaults
    from ar_inbox_internal.reply_defaults(thread.company_id, thread.id, coalesce(reply_all, false)) d;

    if recipients is null and defaults.recipients = '{}' then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('nobody has written in thread %s, nor was anybody written to', thread_id),
            'Give recipients. What a machine, a member or a forged sender (DMARC) wrote is not answered by itself.');
    end if;
    recipients := case when recipients is null then defaults.recipients
        else ar_inbox_internal.check_recipients(recipients, 'recipients') end;
    return ar_inbox_internal.write_email(thread.company_id, thread.id, recipients,
        ar_inbox_internal.check_recipients(cc, 'cc') || defaults.cc,
        ar_inbox_internal.check_recipients(bcc, 'bcc'), defaults.subject, body, thread.invoice_id, attachments, send_at, cancel_on_answer, defaults.email_id);
end
$$;

comment on function ar_inbox.reply(bigint, text, ar_inbox.email_address[], ar_inbox.email_address[], ar_inbox.email_address[], bigint[], timestamptz, boolean, boolean) is
'Answers in a thread: the last message that a person wrote there, who is no member and not shown to be forged (DMARC). recipients: NULL: its Reply-To, else its From; where there is none, of the last that a mailing list or a form passed on; where nobody wrote yet, those we wrote to last. cc, bcc: further ones. reply_all: the message''s other recipients are added as Cc, without the company''s own addresses and the writer''s. No address gets it twice. The subject is the message''s, after one "Re:". body, attachments, send_at, cancel_on_answer: as in send_email(). Returns the email''s id. Needs send. Errors: IB001, 42501, IB002 (there is nobody to answer), 22004, 22023, IB003, IB005, IB007.';

create function ar_inbox.undo_send(email_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    email    ar_inbox.emails;
    delivery ar_inbox.deliveries;
    who      text;
begin
    select e.id, e.company_id, e.direction, e.automatic into email.id, email.company_id, email.direction, email.automatic
    from ar_inbox.emails e where e.id = undo_send.email_id;
    perform ar_inbox_internal.require(email.company_id, 'send', 'email', email_id);
    if email.automatic and email.direction = 'outgoing' then
        if exists (
            select 1 from ar_inbox.deliveries d
            join ar_inbox.chasing_steps s on s.company_id = d.company_id and s.id = d.chasing_step_id
            where d.company_id = email.company_id and d.email_id = email.id and s.mail is not null)
        then
            perform ar_inbox_internal.refuse('IB002', pg_catalog.format('email %s is an automatic mail', email_id),
                'Those to come are turned off with ar_inbox.set_automatic_mail().');
        end if;
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('email %s is a reminder', email_id),
            'Reminders end with ar_inbox.stop_chasing().');
    end if;
    -- the worker's claim takes the same lock: one of both is first
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = email.company_id and d.email_id = email.id
    for update;
    if not found then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('email %s was not sent from here', email_id),
            'Only a message that waits to be handed off can be taken back.');
    elsif delivery.state = 'cancelled' then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('email %s is cancelled already: %s', email_id, delivery.reason),
            'It does not leave.');
    elsif delivery.state = 'rejected' then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('email %s was refused: %s', email_id, coalesce(delivery.reason, delivery.reply, 'no reason was given')),
            'It reached nobody: there is nothing to take back.');
    elsif ar_inbox_internal.may_have_left(delivery.company_id, delivery.id) then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('email %s is already handed off', email_id),
            'A message can be taken back for as long as the company''s setting undo_grace, or until its send_at.');
    end if;
    who := coalesce(
        (select m.name from ar_inbox.members m where m.company_id = delivery.company_id
            and m.id = ar_inbox_internal.member_id(delivery.company_id)),
        ar_inbox_internal.caller());
    perform ar_inbox_internal.cancel_deliveries(delivery.company_id, array[delivery.id], 'taken back by ' || who);
    perform ar_inbox_internal.record_event(delivery.company_id, 'email', email.id, 'taken back');
end
$$;

comment on function ar_inbox.undo_send(bigint) is
'Takes a message back before it is handed off: within the company''s undo_grace, or until its send_at; later too, while the mail server has put it off for everybody. It stays in its thread as cancelled. Needs send. Errors: IB001, 42501, IB002 (already handed off, refused or cancelled; a reminder or an automatic mail; not sent from here).';
