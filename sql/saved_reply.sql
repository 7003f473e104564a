-- Saved replies, and the members' signatures.

create function ar_inbox.set_saved_reply(company_id bigint, name text, body text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before text;
    reply  bigint;
begin
    perform ar_inbox_internal.require_company(company_id, 'send');
    name := ar_inbox_internal.required_text(name, 'name');
    if ar_inbox_internal.is_blank(body) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    elsif pg_catalog.length(body) > 100000 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('body has %s characters', pg_catalog.length(body)),
            'Give a text of at most 100000 characters.');
    end if;
    perform ar_inbox_internal.check_template(body);
    select r.body into before from ar_inbox.saved_replies r
    where r.company_id = set_saved_reply.company_id and r.name = set_saved_reply.name
    for no key update;
    insert into ar_inbox.saved_replies as r (company_id, name, body)
    values (set_saved_reply.company_id, set_saved_reply.name, set_saved_reply.body)
    on conflict on constraint saved_replies_name_key do update
        set body = excluded.body, changed_at = pg_catalog.now()
    returning r.id into reply;
    if before is distinct from body then
        perform ar_inbox_internal.record_event(company_id, 'saved reply', reply, 'set',
            pg_catalog.to_jsonb(before), pg_catalog.to_jsonb(body));
    end if;
    return reply;
end
$$;

comment on function ar_inbox.set_saved_reply(bigint, text, text) is
'Keeps a text under a name, to answer with again and again, or changes the one that has the name. body: Mustache over CommonMark; it knows {{company.name}}, {{customer.name}}, {{contact.name}}, {{member.name}} and, in an invoice''s thread, what templates know. Returns its id. Needs send. Errors: IB001, 42501, 22023, 42601 (it does not parse; with line and column).';

create function ar_inbox.delete_saved_reply(saved_reply_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    reply ar_inbox.saved_replies;
begin
    select r.* into reply from ar_inbox.saved_replies r where r.id = delete_saved_reply.saved_reply_id for update;
    perform ar_inbox_internal.require(reply.company_id, 'send', 'saved reply', saved_reply_id);
    delete from ar_inbox.saved_replies r where r.company_id = reply.company_id and r.id = reply.id;
    perform ar_inbox_internal.record_event(reply.company_id, 'saved reply', reply.id, 'deleted',
        pg_catalog.jsonb_build_object('name', reply.name, 'body', reply.body));
end
$$;

comment on function ar_inbox.delete_saved_reply(bigint) is
'Deletes a saved reply. Needs send. Errors: IB001, 42501.';

create function ar_inbox_internal.thread_values(company_id bigint, thread_id bigint, at timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    thread ar_inbox.threads;
    writer jsonb;
    person jsonb;
begin
    select t.* into thread from ar_inbox.threads t
    where t.company_id = thread_values.company_id and t.id = thread_values.thread_id;
    -- whoever wrote last: under the name the company keeps, else the one given
    select pg_catalog.jsonb_build_object('email', e.from_address,
            'name', coalesce(
                (select k.name from ar_inbox.contacts k
                 where k.company_id = e.company_id and k.email = e.from_address
                    and (k.customer_id = thread.customer_id or thread.customer_id is null)
                 order by k.is_primary desc, k.id limit 1),
                nullif(e.from_name, '')))
        into writer
    from ar_inbox.emails e
    where e.company_id = thread.company_id and e.thread_id = thread.id and e.direction = 'incoming'
        and not e.automatic
    order by e.occurred_at desc, e.id desc limit 1;
    select pg_catalog.jsonb_build_object('name', m.name, 'email', m.email) into person
    from ar_inbox.members m
    where m.company_id = thread.company_id and m.id = ar_inbox_internal.member_id(thread.company_id);
    return coalesce(
            (select c.context from ar_inbox_internal.invoice_contexts(company_id, array[thread.invoice_id], at) c),
            ar_inbox_internal.customer_context(company_id, thread.customer_id))
        || pg_catalog.jsonb_build_object('contact', writer, 'member', person);
end
$$;

comment on function ar_inbox_internal.thread_values(bigint, bigint, timestamptz) is
'The values that saved replies know: those of templates, as far as the thread has them, contact (name and email of whoever wrote last; null: nobody did) and member (name and email of the caller).';

create function ar_inbox.saved_reply(saved_reply_id bigint, thread_id bigint)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    reply  ar_inbox.saved_replies;
    target bigint;
begin
    select r.* into reply from ar_inbox.saved_replies r where r.id = saved_reply.saved_reply_id;
    perform ar_inbox_internal.require(reply.company_id, 'send', 'saved reply', saved_reply_id);
    target := ar_inbox_internal.current_thread(reply.company_id, thread_id);
    if target is null then
        perform ar_inbox_internal.require(null, 'send', 'thread', thread_id);
    end if;
    return ar_inbox_internal.render_template(reply.body,
        ar_inbox_internal.thread_values(reply.company_id, target, pg_catalog.now()), 'commonmark');
end
$$;

comment on function ar_inbox.saved_reply(bigint, bigint) is
'A saved reply filled in for a thread of its company, as CommonMark: to be looked over, and given to ar_inbox.reply() as its body. A value is text in it, whatever characters it has. A thread that was merged stands for the one it was merged into. Needs send. Errors: IB001 (no such saved reply, or no such thread in its company), 42501.';

create function ar_inbox.set_signature(member_id bigint, signature text)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    member ar_inbox.members;
begin
    select m.* into member from ar_inbox.members m where m.id = set_signature.member_id for no key update;
    perform ar_inbox_internal.require(member.company_id,
        case when member.id = ar_inbox_internal.member_id(member.company_id) then 'send' else 'manage' end,
        'member', member_id);
    if pg_catalog.length(signature) > 10000 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('signature has %s characters', pg_catalog.length(signature)),
            'Give a signature of at most 10000 characters.');
    end if;
    signature := coalesce(pg_catalog.btrim(signature, E' \t\r\n'), '');
    if member.signature <> signature then
        update ar_inbox.members m set signature = set_signature.signature
        where m.company_id = member.company_id and m.id = member.id;
        perform ar_inbox_internal.record_event(member.company_id, 'member', member.id, 'signature',
            pg_catalog.to_jsonb(member.signature), pg_catalog.to_jsonb(signature));
    end if;
end
$$;

comment on function ar_inbox.set_signature(bigint, text) is
'Sets what stands under the messages that a member writes: CommonMark; NULL or empty: nothing. The member''s own needs send, another one''s manage. Errors: IB001, 42501, 22023.';
