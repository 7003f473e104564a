-- Files: the bytes of attachments, one copy of the same bytes in a company.

create function ar_inbox_internal.store_file(company_id bigint, name text, type text, content bytea)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    hash     bytea := pg_catalog.sha256(content);
    found_id bigint;
begin
    select f.id into found_id from ar_inbox.files f
    where f.company_id = store_file.company_id and f.content_hash = hash and f.name = store_file.name;
    if found then
        return found_id;
    end if;
    insert into ar_inbox.file_contents (company_id, content_hash, size, content)
    values (store_file.company_id, hash, pg_catalog.octet_length(store_file.content), store_file.content)
    on conflict on constraint file_contents_pkey do nothing;
    insert into ar_inbox.files (company_id, name, type, content_hash)
    values (store_file.company_id, store_file.name, store_file.type, hash)
    on conflict on constraint files_content_key do nothing
    returning id into found_id;
    if found_id is null then
        -- another session has just stored it
        select f.id into found_id from ar_inbox.files f
        where f.company_id = store_file.company_id and f.content_hash = hash and f.name = store_file.name;
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.store_file(bigint, text, text, bytea) is
'Keeps a file, once: the same bytes under the same name in a company are one row. name: made safe by the caller; type: told by the content where it tells. Returns its id.';

create function ar_inbox_internal.safe_file_name(name text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_safe_file_name';

comment on function ar_inbox_internal.safe_file_name(text) is
'A file''s name without folders, control characters and characters that turn the writing direction, of at most 1024 bytes (a longer one keeps its extension); NULL where nothing is left.';

create function ar_inbox.add_file(company_id bigint, name text, content bytea)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most integer;
    safe text;
begin
    perform ar_inbox_internal.require_company(company_id, 'send');
    safe := ar_inbox_internal.safe_file_name(name);
    if safe is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('name %s is no file''s name', pg_catalog.quote_nullable(name)),
            'Give the name under which the receiver is to see the file, such as ''invoice.pdf''.');
    elsif content is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'content is NULL', 'Give the bytes of the file.');
    end if;
    select c.max_message_size into most from ar_inbox.companies c where c.id = add_file.company_id;
    if pg_catalog.octet_length(content) > most then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('file %s has %s bytes, more than the limit of %s (max_message_size)',
                pg_catalog.quote_literal(safe), pg_catalog.octet_length(content), most),
            'Send a smaller file, or a link to it.');
    end if;
    return ar_inbox_internal.store_file(company_id, safe,
        coalesce(ar_inbox_internal.content_type(content, safe, null), 'application/octet-stream'), content);
end
$$;

comment on function ar_inbox.add_file(bigint, text, bytea) is
'Keeps a file to be attached to messages and notes. name: as the receiver sees it; folders, control and direction characters are taken out. Its type is told by its content. The same bytes under the same name are one file. Returns its id. Needs send. Errors: IB001, 42501, 22004, 22023 (no name), IB003 (over max_message_size).';

create function ar_inbox_internal.wanted_files(company_id bigint, attachments bigint[])
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted  bigint[];
    strange bigint;
begin
    if attachments is null or attachments = '{}' then
        return '{}'::bigint[];
    elsif pg_catalog.array_ndims(attachments) > 1 then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'attachments is an array of arrays',
            'Give a plain array of files'' ids.');
    elsif pg_catalog.array_position(attachments, null) is not null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'attachments contains NULL',
            'Give ids of files only.');
    end if;
    -- a file that is named twice is attached once
    wanted := array(select u.id from pg_catalog.unnest(attachments) with ordinality u (id, position)
        group by u.id order by pg_catalog.min(u.position));
    if pg_catalog.cardinality(wanted) > 100 then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('%s attachments are too many', pg_catalog.cardinality(wanted)),
            'Attach up to 100 files.');
    end if;
    select u.id into strange from pg_catalog.unnest(wanted) u (id)
    where not exists (select 1 from ar_inbox.files f where f.company_id = wanted_files.company_id and f.id = u.id)
    limit 1;
    if found then
        perform ar_inbox_internal.require(null, 'send', 'file', strange);
    end if;
    return wanted;
end
$$;

comment on function ar_inbox_internal.wanted_files(bigint, bigint[]) is
'The files to attach, each once, in their order, none for NULL; raises where one is NULL (22004) or not the company''s (IB001), or they are more than 100 (IB003).';

create function ar_inbox_internal.check_files(company_id bigint, attachments bigint[])
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted bigint[] := ar_inbox_internal.wanted_files(company_id, attachments);
    size   bigint;
    most   integer;
begin
    -- 57 bytes are a line of 76 characters in base64
    select pg_catalog.sum((k.size + 56) / 57 * 78) into size
    from pg_catalog.unnest(wanted) u (id)
    join ar_inbox.files f on f.company_id = check_files.company_id and f.id = u.id
    join ar_inbox.file_contents k on k.company_id = f.company_id and k.content_hash = f.content_hash;
    select c.max_message_size into most from ar_inbox.companies c where c.id = check_files.company_id;
    if size > most then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('the attachments take %s bytes of a message, more than the limit of %s (max_message_size)',
                size, most),
            'Send fewer or smaller files, or links to them.');
    end if;
    return wanted;
end
$$;

comment on function ar_inbox_internal.check_files(bigint, bigint[]) is
'wanted_files() of a message; raises where they are too large together (IB003), too.';
