-- One conversation, whole: what a front end shows when a thread is opened.
--
-- A few statements for the whole of it, each by an index, however many
-- messages there are.  As few levels as can be: each copies the texts again.

create function ar_inbox_internal.person(member_id bigint, name text)
returns jsonb
language sql stable
return case when member_id is not null
    then pg_catalog.jsonb_build_object('id', member_id, 'name', name) end;

comment on function ar_inbox_internal.person(bigint, text) is
'A member as JSON; NULL: nobody.';

create function ar_inbox_internal.conversation(company_id bigint, thread_id bigint,
    most_bytes bigint = 33554432)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- of a thread that was merged, the one that has its messages now
    in_force  bigint := ar_inbox_internal.current_thread(company_id, thread_id);
    company   text;
    messages  jsonb;
    scheduled jsonb;
    notes     jsonb;
    events    jsonb;
    merges    jsonb;
    whole     jsonb;
begin
    select c.name into company from ar_inbox.companies c where c.id = conversation.company_id;

    select coalesce(pg_catalog.jsonb_agg(m.message order by m.occurred_at, m.id), '[]'),
        coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'email_id', m.id, 'at', m.next_attempt_at, 'cancel_on_answer', m.cancel_on_answer)
            order by m.next_attempt_at, m.id)
            filter (where m.state = 'queued' and m.next_attempt_at > pg_catalog.now()), '[]')
    into messages, scheduled
    from (
        select e.id, e.occurred_at, d.state, d.next_attempt_at, d.cancel_on_answer,
            pg_catalog.jsonb_build_object(
                'id', e.id,
                'direction', e.direction,
                'channel', e.channel,
                'kind', e.kind,
                'automatic', e.automatic,
                'imported', e.imported,
                'at', e.occurred_at,
                'sent_at', e.sent_at,
                'message_id', e.message_id,
                'sender', ar_inbox_internal.sender_shown(e.direction, e.from_name, e.from_address,
                    company, w.name),
                'from', pg_catalog.jsonb_build_object('name', e.from_name, 'address', e.from_address::text),
                'member', ar_inbox_internal.person(w.id, w.name),
                'to', coalesce(r."to", '[]'),
                'cc', coalesce(r.cc, '[]'),
                'bcc', coalesce(r.bcc, '[]'),
                'reply_to', coalesce(r.reply_to, '[]'),
                'subject', e.subject,
                'text', case when e.fits then e.body_text end,
                'new_text_length', e.new_text_length,
                'new_text', case when e.fits then pg_catalog.left(e.body_text, e.whole_or_new) end,
                'html', case when not e.fits then null
                    when e.pending then ar_inbox_internal.safe_html(conversation.company_id, e.id)
                    else e.body_html end,
                'left_out', not e.fits,
                'protection', e.protection,
                'authentication', e.authentication,
                'verdicts', e.verdicts,
                'template', e.template,
                'delivery', case when d.id is not null then pg_catalog.jsonb_build_object(
                    'id', d.id, 'channel', d.channel, 'state', d.state, 'reason', d.reason, 'code', d.code,
                    'enhanced_code', d.enhanced_code, 'reply', d.reply, 'attempts', d.attempts,
                    'next_attempt_at', d.next_attempt_at, 'finished_at', d.finished_at,
                    'crossed_with_payment', d.crossed_with_payment, 'cancel_on_answer', d.cancel_on_answer,
                    'recipient', d.recipient, 'provider_status', d.provider_status, 'delivered_at', d.delivered_at,
                    'recipients', coalesce(r.answers, '[]')) end,
                'opened_at', coalesce(o.reliably_at, o.first_at),
                'opened_reliably', case when o.first_at is not null then o.reliably_at is not null end,
                'opens', coalesce(o.opens, '[]'),
                'attachments', coalesce(x.files, '[]')) as message
        from (
            -- How much there is of each body is known without reading it.  The
            -- newest come whole; what no reply could carry is left out of the
            -- others, and fetched by who wants to read it.
            select n.id, n.occurred_at, n.direction, n.channel, n.kind, n.automatic, n.imported, n.sent_at, n.message_id,
                n.from_name, n.from_address, n.member_id, n.subject, n.body_text, n.new_text_length,
                coalesce(n.new_text_length, 2147483647) as whole_or_new, coalesce(n.body_html, h.html) as body_html, h.pending,
                n.protection, n.authentication, n.verdicts, n.template,
                sum(2 * pg_catalog.octet_length(n.body_text)
                    + case when h.pending then least(s.size, 2097152)
                        else coalesce(pg_catalog.octet_length(n.body_html), pg_catalog.octet_length(h.html), 0) end)
                    over (order by n.occurred_at desc, n.id desc rows unbounded preceding) <= most_bytes as fits
            from ar_inbox.emails n
            -- (what can be of one direction only is not looked for in the other:
            -- no index is read for NULL)
            left join ar_inbox.email_html h on h.company_id = n.company_id
                and h.email_id = case when n.direction = 'incoming' then n.id end
            left join ar_inbox.inbound_messages s on h.pending
                and s.company_id = n.company_id and s.id = n.inbound_message_id
            where n.thread_id = in_force and n.company_id = conversation.company_id) e
        left join ar_inbox.members w on w.company_id = conversation.company_id and w.id = e.member_id
        left join ar_inbox.deliveries d on d.company_id = conversation.company_id
            and d.email_id = case when e.direction = 'outgoing' then e.id end and d.channel = e.channel
        cross join lateral (
            select pg_catalog.jsonb_agg(p.person order by p.position) filter (where p.field = 'to') as "to",
                pg_catalog.jsonb_agg(p.person order by p.position) filter (where p.field = 'cc') as cc,
                pg_catalog.jsonb_agg(p.person order by p.position) filter (where p.field = 'bcc') as bcc,
                pg_catalog.jsonb_agg(p.person order by p.position) filter (where p.field = 'reply_to') as reply_to,
                pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('address', p.address, 'state', p.state,
                    'code', p.code, 'enhanced_code', p.enhanced_code, 'reply', p.reply) order by p.id)
                    filter (where p.state is not null) as answers
            from (
                select q.id, q.field, q.position, q.address::text as address, q.state, q.code, q.enhanced_code,
                    q.reply, pg_catalog.jsonb_build_object('name', q.name, 'address', q.address::text) as person
                from ar_inbox.email_recipients q
                where q.company_id = conversation.company_id and q.email_id = e.id) p) r
        cross join lateral (
            select min(n.opened_at) as first_at, min(n.opened_at) filter (where n.unreliable is null) as reliably_at,
                pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('at', n.opened_at, 'source', n.source,
                    'address', n.address::text, 'user_agent', n.user_agent, 'unreliable', n.unreliable)
                    order by n.opened_at, n.id) as opens
            from ar_inbox.email_opens n
            where n.company_id = conversation.company_id
                and n.email_id = case when e.direction = 'outgoing' then e.id end) o
        cross join lateral (
            select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', n.id, 'file_id', f.id, 'name', f.name,
                'type', f.type, 'size', b.size, 'content_id', n.content_id, 'inline', n.is_inline)
                order by n.position) as files
            from ar_inbox.attachments n
            join ar_inbox.files f on f.company_id = n.company_id and f.id = n.file_id
            join ar_inbox.file_contents b on b.company_id = f.company_id and b.content_hash = f.content_hash
            where n.company_id = conversation.company_id and n.email_id = e.id) x) m;

    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'id', n.id, 'at', n.created_at, 'member', ar_inbox_internal.person(w.id, w.name), 'body', n.body,
        'attachments', coalesce(x.files, '[]')) order by n.created_at, n.id), '[]')
    into notes
    from ar_inbox.notes n
    left join ar_inbox.members w on w.company_id = n.company_id and w.id = n.member_id
    cross join lateral (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', y.id, 'file_id', f.id, 'name', f.name,
            'type', f.type, 'size', b.size) order by y.position) as files
        from ar_inbox.attachments y
        join ar_inbox.files f on f.company_id = y.company_id and f.id = y.file_id
        join ar_inbox.file_contents b on b.company_id = f.company_id and b.content_hash = f.content_hash
        where y.company_id = n.company_id and y.note_id = n.id) x
    where n.thread_id = in_force and n.company_id = conversation.company_id;

    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'id', v.id, 'at', v.happened_at, 'action', v.action, 'actor', v.actor,
        'member', ar_inbox_internal.person(w.id, w.name),
        'before', case v.action when 'assignee' then ar_inbox_internal.person(f.id, f.name) else v.before end,
        'after', case v.action when 'assignee' then ar_inbox_internal.person(l.id, l.name) else v.after end)
        order by v.id), '[]')
    into events
    from ar_inbox.events v
    left join ar_inbox.members w on w.company_id = v.company_id and w.id = v.member_id
    left join ar_inbox.members f on f.company_id = v.company_id
        and f.id = case v.action when 'assignee' then (v.before #>> '{}')::bigint end
    left join ar_inbox.members l on l.company_id = v.company_id
        and l.id = case v.action when 'assignee' then (v.after #>> '{}')::bigint end
    where v.subject_id = in_force and v.company_id = conversation.company_id and v.subject = 'thread';

    with recursive gathered (id) as (
        select t.id from ar_inbox.threads t
        where t.company_id = conversation.company_id and t.merged_into_id = in_force
        union
        select t.id from gathered g
        join ar_inbox.threads t on t.company_id = conversation.company_id and t.merged_into_id = g.id
    )
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'id', h.id, 'at', h.merged_at, 'member', ar_inbox_internal.person(w.id, w.name),
        'from_thread_id', h.from_thread_id, 'into_thread_id', h.into_thread_id, 'subject', t.subject)
        order by h.id), '[]')
    into merges
    from gathered g
    join ar_inbox.threads t on t.company_id = conversation.company_id and t.id = g.id
    join ar_inbox.thread_merges h on h.company_id = t.company_id and h.from_thread_id = t.id and h.undone_at is null
    left join ar_inbox.members w on w.company_id = h.company_id and w.id = h.member_id;

    select pg_catalog.jsonb_build_object(
        'id', t.id,
        'company', pg_catalog.jsonb_build_object('id', c.id, 'name', c.name),
        'subject', t.subject,
        'topic', t.topic,
        'status', t.status,
        'snoozed_until', t.snoozed_until,
        'spam', t.spam_at is not null,
        'assignee', ar_inbox_internal.person(a.id, a.name),
        'customer', case when k.id is not null
            then pg_catalog.jsonb_build_object('id', k.id, 'number', k.number, 'name', k.name) end,
        'invoice', case when i.id is not null
            then pg_catalog.jsonb_build_object('id', i.id, 'number', i.number,
                'status', ar_inbox.invoice_status(i.id), 'balance', i.balance, 'currency', i.currency,
                'due_date', i.due_date) end,
        'message_count', t.message_count,
        'last_message_at', t.last_message_at,
        'created_at', t.created_at,
        'messages', messages,
        'notes', notes,
        'events', events,
        'merges', merges,
        'scheduled', scheduled,
        'reply', pg_catalog.jsonb_build_object('email_id', d.email_id, 'recipients', d.recipients::text[],
            'cc', d.cc::text[], 'subject', d.subject))
    into whole
    from ar_inbox.threads t
    join ar_inbox.companies c on c.id = t.company_id
    left join ar_inbox.members a on a.company_id = t.company_id and a.id = t.assignee_id
    left join ar_inbox.customers k on k.company_id = t.company_id and k.id = t.customer_id
    left join ar_inbox.invoices i on i.company_id = t.company_id and i.id = t.invoice_id
    cross join lateral ar_inbox_internal.reply_defaults(t.company_id, t.id, true) d
    where t.company_id = conversation.company_id and t.id = in_force;
    return whole;
end
$$;

comment on function ar_inbox_internal.conversation(bigint, bigint, bigint) is
'What ar_inbox.thread() returns. most_bytes: so much of bodies at most, the newest first. Judges no permission.';

create function ar_inbox.thread(thread_id bigint)
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    company bigint := (select t.company_id from ar_inbox.threads t where t.id = thread.thread_id);
begin
    perform ar_inbox_internal.require(company, 'view', 'thread', thread_id);
    return ar_inbox_internal.conversation(company, thread_id);
end
$$;

comment on function ar_inbox.thread(bigint) is
'Everything about one thread, as one object: the thread with its customer and invoice; messages, notes, events, merges and scheduled, each an array in order of "at"; and reply, what ar_inbox.reply() would answer, to whom (cc: with reply_all) and with which subject. Of a thread that was merged into another, that one. Needs view. Errors: IB001.';

create function ar_inbox.invoice_thread(invoice_id bigint)
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    company bigint := (select i.company_id from ar_inbox.invoices i where i.id = invoice_thread.invoice_id);
    target  bigint;
begin
    perform ar_inbox_internal.require(company, 'view', 'invoice', invoice_id);
    select t.id into target from ar_inbox.threads t
    where t.invoice_id = invoice_thread.invoice_id and t.company_id = company;
    return case when target is not null then ar_inbox_internal.conversation(company, target) end;
end
$$;

comment on function ar_inbox.invoice_thread(bigint) is
'An invoice''s conversation, as thread() returns it; NULL: there is none yet. Needs view. Errors: IB001.';
