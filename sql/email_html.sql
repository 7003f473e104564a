-- The HTML of messages, safe to show; the bytes of files.
--
-- An incoming message is filed with its HTML still in its bytes: making it
-- safe is most of the work of receiving.  The worker does it soon after, and
-- whoever reads the message before that gets it made on the spot.

create function ar_inbox_internal.safe_html(company_id bigint, email_id bigint)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    html    text;
    pending boolean;
    source  bytea;
begin
    select coalesce(e.body_html, h.html), h.pending, m.message into html, pending, source
    from ar_inbox.emails e
    left join ar_inbox.email_html h on h.company_id = e.company_id and h.email_id = e.id
    left join ar_inbox.inbound_messages m on h.pending
        and m.company_id = e.company_id and m.id = e.inbound_message_id
    where e.company_id = safe_html.company_id and e.id = safe_html.email_id;
    if pending then
        return ar_inbox.sanitize_html((ar_inbox_internal.parse_message(source)).body_html);
    end if;
    return html;
end
$$;

comment on function ar_inbox_internal.safe_html(bigint, bigint) is
'A message''s HTML, safe to show: what is stored, or made from the bytes of an incoming message where that is not done yet. NULL: it has none, or it is over a limit of sanitize_html().';

create function ar_inbox_internal.make_html_safe(most integer)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    waiting record;
    made    text;
    done    integer := 0;
begin
    for waiting in
        select h.company_id, h.email_id as id from ar_inbox.email_html h
        where h.pending
        order by h.email_id
        limit most
        -- no key changes: who refers to the message need not wait
        for no key update skip locked
    loop
        -- One that cannot be made safe, for whatever reason, is shown as text;
        -- tried again and again it would keep the others waiting.
        begin
            made := ar_inbox_internal.safe_html(waiting.company_id, waiting.id);
        exception when others then
            made := null;
        end;
        update ar_inbox.email_html h set html = made, pending = false
        where h.company_id = waiting.company_id and h.email_id = waiting.id;
        done := done + 1;
    end loop;
    return done;
end
$$;

comment on function ar_inbox_internal.make_html_safe(integer) is
'Makes the HTML of up to that many incoming messages safe and keeps it, oldest first; those that another session has at hand are left to it. Returns how many it did: fewer than most means that none is left. For the worker.';

create function ar_inbox.email_html(email_id bigint)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company bigint := (select e.company_id from ar_inbox.emails e where e.id = email_html.email_id);
begin
    perform ar_inbox_internal.require(company, 'view', 'email', email_id);
    return ar_inbox_internal.safe_html(company, email_id);
end
$$;

comment on function ar_inbox.email_html(bigint) is
'The HTML of a message, safe to show (see sanitize_html()). NULL: it has none, or it is over a limit; show its text. Needs view. Errors: IB001.';

create function ar_inbox.file_content(file_id bigint)
returns table (name text, type text, size bigint, content bytea)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require(
        (select f.company_id from ar_inbox.files f where f.id = file_content.file_id), 'view', 'file', file_id);
    return query
        select f.name, f.type, c.size, c.content
        from ar_inbox.files f
        join ar_inbox.file_contents c on c.company_id = f.company_id and c.content_hash = f.content_hash
        where f.id = file_content.file_id;
end
$$;

comment on function ar_inbox.file_content(bigint) is
'A file, to be downloaded: one row with its name, media type, size in bytes and bytes. Needs view. Errors: IB001.';
