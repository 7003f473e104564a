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
