-- Searching (src/core/words.c, src/functions/search.c): words, the
-- configurations for each language, what messages are found by, and finding.

create function ar_inbox_internal.words_start(internal, integer)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_start';
create function ar_inbox_internal.words_token(internal, internal, internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_token';
create function ar_inbox_internal.words_end(internal)
returns void language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_end';
create function ar_inbox_internal.words_types(internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_types';
create function ar_inbox_internal.word_init(internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_word_init';
create function ar_inbox_internal.word_lexize(internal, internal, internal, internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_word_lexize';
create function ar_inbox_internal.number_lexize(internal, internal, internal, internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_number_lexize';

comment on function ar_inbox_internal.words_start(internal, integer) is 'Of the parser ar_inbox.mail: begins a text.';
comment on function ar_inbox_internal.words_token(internal, internal, internal) is 'Of the parser ar_inbox.mail: the next word.';
comment on function ar_inbox_internal.words_end(internal) is 'Of the parser ar_inbox.mail: ends a text.';
comment on function ar_inbox_internal.words_types(internal) is 'Of the parser ar_inbox.mail: what kinds of words there are.';
comment on function ar_inbox_internal.word_init(internal) is 'Of the template ar_inbox.word: its parameter base.';
comment on function ar_inbox_internal.word_lexize(internal, internal, internal, internal) is
'Of the template ar_inbox.word: what a word is compared by.';
comment on function ar_inbox_internal.number_lexize(internal, internal, internal, internal) is
'Of the template ar_inbox.number: what a number is compared by.';

create text search parser ar_inbox.mail (
    start = ar_inbox_internal.words_start,
    gettoken = ar_inbox_internal.words_token,
    end = ar_inbox_internal.words_end,
    headline = pg_catalog.prsd_headline,
    lextypes = ar_inbox_internal.words_types
);
comment on text search parser ar_inbox.mail is
'Words that do not overlap: what is written together (INV-00042, ann@globex.example, 1,234.50) is a sequence of words, which a query finds as a phrase, and each of which it finds alone.';

create text search template ar_inbox.word (
    init = ar_inbox_internal.word_init,
    lexize = ar_inbox_internal.word_lexize
);
comment on text search template ar_inbox.word is
'Words in one case and without accents; base: the dictionary that finds their stem before.';

create text search template ar_inbox.number (lexize = ar_inbox_internal.number_lexize);
comment on text search template ar_inbox.number is
'Numbers without what separates their thousands; one with leading zeros is its value as well.';

create text search dictionary ar_inbox.word (template = ar_inbox.word);
comment on text search dictionary ar_inbox.word is 'Words as they are, in one case and without accents.';
create text search dictionary ar_inbox.number (template = ar_inbox.number);
comment on text search dictionary ar_inbox.number is 'Numbers.';

-- The same languages on every version: those that PostgreSQL 15 has.
do $$
declare
    language text;
begin
    foreach language in array '{arabic,armenian,basque,catalan,danish,dutch,english,finnish,french,german,greek,hindi,hungarian,indonesian,irish,italian,lithuanian,nepali,norwegian,portuguese,romanian,russian,serbian,spanish,swedish,tamil,turkish,yiddish,simple}'::text[] loop
        if language <> 'simple' then
            execute pg_catalog.format('create text search dictionary ar_inbox.%I (template = ar_inbox.word, base = %L)',
                language, 'pg_catalog.' || language || '_stem');
            execute pg_catalog.format('comment on text search dictionary ar_inbox.%I is %L',
                language, pg_catalog.format('Words of %s: their stems, in one case and without accents.', pg_catalog.initcap(language)));
        end if;
        execute pg_catalog.format('create text search configuration ar_inbox.%I (parser = ar_inbox.mail)', language);
        execute pg_catalog.format('alter text search configuration ar_inbox.%I add mapping for word with ar_inbox.%I',
            language, case language when 'simple' then 'word' else language end);
        execute pg_catalog.format('alter text search configuration ar_inbox.%I add mapping for code, character with ar_inbox.word', language);
        execute pg_catalog.format('alter text search configuration ar_inbox.%I add mapping for number with ar_inbox.number', language);
        execute pg_catalog.format('comment on text search configuration ar_inbox.%I is %L', language,
            case language when 'simple' then 'Mail in a language that has no configuration of its own.'
                else pg_catalog.format('Mail in %s.', pg_catalog.initcap(language)) end);
    end loop;
end
$$;

create function ar_inbox_internal.search_config(language text)
returns regconfig
language c stable strict
as 'MODULE_PATHNAME', 'ar_inbox_search_config';

comment on function ar_inbox_internal.search_config(text) is
'The text search configuration for texts in a language (BCP 47): by its first part; ar_inbox.simple where there is none.';

create function ar_inbox_internal.config_search_vector(config regconfig, subject text, people text, body text)
returns tsvector
language c stable
as 'MODULE_PATHNAME', 'ar_inbox_config_search_vector';

comment on function ar_inbox_internal.config_search_vector(regconfig, text, text, text) is
'setweight(to_tsvector(config, subject), A) || setweight(to_tsvector(config, people), B) || to_tsvector(config, body), only quicker. Takes the first 10,000, 50,000 and 200,000 characters, and 20,000 different words. NULL counts as nothing. Never raises for what a text is.';

create function ar_inbox_internal.search_vector(company_id bigint, subject text, people text, body text)
returns tsvector
language c stable
as 'MODULE_PATHNAME', 'ar_inbox_search_vector';

comment on function ar_inbox_internal.search_vector(bigint, text, text, text) is
'What a message or note is found by, in the company''s language: subject with weight A, people (names, addresses, names of attachments) B, body D. As config_search_vector().';

create function ar_inbox_internal.searched_subject(subject text, thread_subject text)
returns text
language sql immutable parallel safe
return case
    when pg_catalog.strpos(pg_catalog.lower(coalesce(subject, '')), pg_catalog.lower(coalesce(thread_subject, ''))) > 0
        then subject
    else coalesce(subject || ' ', '') || thread_subject end;

comment on function ar_inbox_internal.searched_subject(text, text) is
'The subject that a message or note is found by: its own, and that of its conversation, which has the number of the invoice or the name of the customer, where its own has not got it.';

create function ar_inbox_internal.search_query(config regconfig, query text)
returns tsquery
language c stable strict
as 'MODULE_PATHNAME', 'ar_inbox_search_query';

comment on function ar_inbox_internal.search_query(regconfig, text) is
'The query, as websearch_to_tsquery() reads it; a word of three characters or more that ends in * stands for all that begin so. Raises 22023 for more than 3 of those.';

create function ar_inbox_internal.search_keys(company_id bigint, at timestamptz)
returns bigint[]
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_search_keys';

comment on function ar_inbox_internal.search_keys(bigint, timestamptz) is
'What the search indexes hold beside the words: a key for the company, and one for each of five stretches of time, 2 hours to 15 years long, that the moment is in.';

create function ar_inbox_internal.search_cover(companies bigint[], since timestamptz, until timestamptz)
returns bigint[]
language c immutable parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_search_cover';

comment on function ar_inbox_internal.search_cover(bigint[], timestamptz, timestamptz) is
'The fewest keys by which search_keys() of all moments of these companies since and until then are found, perhaps with some around them. since NULL: ever; until NULL: no end.';

create function ar_inbox_internal.newest_message(companies bigint[])
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select pg_catalog.max(n.last_message_at)
        from pg_catalog.unnest(companies) c (id)
        cross join pg_catalog.unnest(array['open', 'pending', 'closed']::ar_inbox.thread_status[]) s (status)
        cross join lateral (
            select t.last_message_at from ar_inbox.threads t
            where t.company_id = c.id and t.status = s.status and t.spam_at is null and t.merged_into_id is null
                and t.last_message_at is not null
            order by t.last_message_at desc limit 1) n);
end
$$;

comment on function ar_inbox_internal.newest_message(bigint[]) is
'When the newest message of these companies is from, spam aside; NULL: they have none.';

create function ar_inbox_internal.has_rare_number(query tsquery)
returns boolean
language c stable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_has_rare_number';

comment on function ar_inbox_internal.has_rare_number(tsquery) is
'Whether all that the query finds has a word with a digit in it that is not among the frequent ones of ar_inbox.emails (in a hundredth of all messages, or in 2,000), as far as the statistics of ANALYZE list them: an invoice''s number, an order''s, which few messages have. False where there are no statistics.';

create function ar_inbox_internal.search_few(companies bigint[], query tsquery, max_rows integer)
returns ar_inbox_internal.found_message[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    few      constant integer := 200;
    messages bigint[];
    moments  timestamptz[];
begin
    if not ar_inbox_internal.has_rare_number(query) then
        return null;
    end if;
    select pg_catalog.array_agg(f.message), pg_catalog.array_agg(f.at) into messages, moments
    from (
        (select 2 * e.id as message, e.occurred_at as at from ar_inbox.emails e
         where e.search @@ query and e.company_id = any (companies) limit few)
        union all
        (select 2 * n.id + 1, n.created_at from ar_inbox.notes n
         where n.search @@ query and n.company_id = any (companies) limit few)) f;
    if pg_catalog.cardinality(messages) >= few then
        return null;
    end if;
    return coalesce(ar_inbox_internal.newest_found(companies, query, messages, moments, '{}', max_rows), '{}');
end
$$;

comment on function ar_inbox_internal.search_few(bigint[], tsquery, integer) is
'What search_companies() finds, for a query with a rare number, by one look at the index of words. NULL: it has none, or more messages have it than are worth that.';

create function ar_inbox_internal.search_companies(companies bigint[], query tsquery, max_rows integer)
returns ar_inbox_internal.found_message[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    found  ar_inbox_internal.found_message[] := array[]::ar_inbox_internal.found_message[];
    newest timestamptz := ar_inbox_internal.newest_message(companies);
    width  interval := interval '2 hours';
    since  timestamptz := newest - width;
    until  timestamptz;
    keys   bigint[];
    -- the beginning of a word is looked up with all that have it, of all
    -- times: as long as few messages are asked for, it is better to read them
    begins boolean := pg_catalog.strpos(query::text, ':*') > 0;
    read   boolean;
    seen   bigint[];
    before integer;
begin
    -- From the newest messages back, always further at once, until there are
    -- enough: a frequent word is found in the first steps, a rare one costs a
    -- few steps that find nothing.
    loop
        keys := ar_inbox_internal.search_cover(companies, since, until);
        read := begins and since is not null and width <= '32 hours';
        before := pg_catalog.cardinality(found);
        seen := array(select f.thread_id from pg_catalog.unnest(found) f);
        found := found || array(
            select (h.thread_id, h.company_id, h.at, h.email_id, h.note_id)::ar_inbox_internal.found_message
            from (
                select distinct on (f.thread_id) f.thread_id, f.company_id, f.at, f.email_id, f.note_id
                from (
                    select e.thread_id, e.company_id, e.occurred_at as at, e.id as email_id, null::bigint as note_id
                    from ar_inbox.emails e
                    where not read and e.search @@ query
                        and ar_inbox_internal.search_keys(e.company_id, e.occurred_at) && keys
                        and e.company_id = any (companies)
                        and (since is null or e.occurred_at >= since) and (until is null or e.occurred_at < until)
                    union all
                    select n.thread_id, n.company_id, n.created_at, null, n.id
                    from ar_inbox.notes n
                    where not read and n.search @@ query
                        and ar_inbox_internal.search_keys(n.company_id, n.created_at) && keys
                        and n.company_id = any (companies)
                        and (since is null or n.created_at >= since) and (until is null or n.created_at < until)
                    union all
                    select e.thread_id, e.company_id, e.occurred_at, e.id, null
                    from ar_inbox.emails e
                    where read and pg_catalog.ts_match_vq(e.search, query)
                        and ar_inbox_internal.search_keys(e.company_id, e.occurred_at) && keys
                        and e.company_id = any (companies)
                        and (since is null or e.occurred_at >= since) and (until is null or e.occurred_at < until)
                    union all
                    select n.thread_id, n.company_id, n.created_at, null, n.id
                    from ar_inbox.notes n
                    where read and pg_catalog.ts_match_vq(n.search, query)
                        and ar_inbox_internal.search_keys(n.company_id, n.created_at) && keys
                        and n.company_id = any (companies)
                        and (since is null or n.created_at >= since) and (until is null or n.created_at < until)
                    ) f
                where f.thread_id <> all (seen)
                order by f.thread_id, f.at desc, f.email_id desc nulls last, f.note_id desc) h
            join ar_inbox.threads t on t.id = h.thread_id and t.company_id = h.company_id
            where t.spam_at is null
            order by h.at desc, h.thread_id desc
            limit max_rows - before);
        exit when since is null or pg_catalog.cardinality(found) >= max_rows;
        -- as much further as it takes if it goes on like this, and a half more;
        -- all the rest where a day and a half had nothing: it is little
        until := since;
        if pg_catalog.cardinality(found) = 0 and width > '2 hours' then
            since := null;
        else
            width := width * least(16, greatest(2,
                1.5 * max_rows / greatest(1, pg_catalog.cardinality(found) - before)::numeric))::double precision;
            since := case when width < '2 years' then newest - width end;
        end if;
    end loop;
    return found;
end
$$;

comment on function ar_inbox_internal.search_companies(bigint[], tsquery, integer) is
'The threads of these companies in which a message or a note is found by the query, spam aside, newest match first, each with its newest match.';

create type ar_inbox.found_thread as (
    thread_id   bigint,
    company_id  bigint,
    company     text,
    subject     text,
    customer_id bigint,
    customer    text,
    invoice_id  bigint,
    document    text,
    status      ar_inbox.thread_status,
    at          timestamptz,
    email_id    bigint,
    note_id     bigint,
    sender      text,
    preview     text
);
comment on type ar_inbox.found_thread is
'A conversation that a search found: by its newest message (email_id) or note (note_id) that the words are in, written at that moment by that sender.';
grant usage on type ar_inbox.found_thread to public;

create function ar_inbox.search_threads(query text, company_id bigint = null, max_rows integer = 50)
returns setof ar_inbox.found_thread
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- the same indexes serve whatever is asked for: to plan anew takes longer
set plan_cache_mode = force_generic_plan
-- a query of frequent words only is nothing to raise a notice about
set client_min_messages = warning
as $$
declare
    who       name := ar_inbox_internal.caller();
    companies bigint[];
    language  record;
    wanted    tsquery;
    found     ar_inbox_internal.found_message[];
    all_found ar_inbox_internal.found_message[] := array[]::ar_inbox_internal.found_message[];
begin
    if company_id is not null then
        perform ar_inbox_internal.require_company(company_id, 'view');
        companies := array[company_id];
    else
        perform ar_inbox_internal.require_installed();
        if ar_inbox_internal.is_administrator(who) then
            companies := (select pg_catalog.array_agg(c.id) from ar_inbox.companies c);
        else
            companies := ar_inbox_internal.companies_of(who, 'view');
        end if;
    end if;
    if ar_inbox_internal.is_blank(query) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'query is empty', 'Give at least one word.');
    elsif pg_catalog.length(query) > 1000 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('query has %s characters', pg_catalog.length(query)),
            'Give a query of at most 1000 characters.');
    elsif max_rows is null or max_rows not between 1 and 1000 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('max_rows is %s', coalesce(max_rows::text, 'NULL')), 'Give a number from 1 to 1000.');
    end if;

    -- the same words are others in another language
    for language in
        select ar_inbox_internal.search_config(c.language) as config, pg_catalog.array_agg(c.id) as companies
        from ar_inbox.companies c where c.id = any (companies)
        group by 1
    loop
        wanted := ar_inbox_internal.search_query(language.config, query);
        continue when pg_catalog.numnode(wanted) = 0;
        found := coalesce(ar_inbox_internal.search_few(language.companies, wanted, max_rows),
            ar_inbox_internal.search_phrases(language.companies, wanted, max_rows));
        if found is null then
            found := ar_inbox_internal.search_companies(language.companies, wanted, max_rows);
        end if;
        all_found := all_found || found;
    end loop;

    return query
        select t.id, t.company_id, c.name, t.subject, t.customer_id, k.name, t.invoice_id, i.number, t.status,
            h.at, h.email_id, h.note_id,
            case
                when h.note_id is not null then coalesce(m.name, '')
                when e.from_name <> '' then e.from_name
                when e.direction = 'outgoing' then c.name || coalesce(' (' || m.name || ')', '')
                else coalesce(e.from_address::text, '') end,
            pg_catalog.left(pg_catalog.btrim(pg_catalog.translate(
                coalesce(pg_catalog.left(n.body, 200), pg_catalog.left(e.body_text, least(e.new_text_length, 200))),
                E'\r\n\t', '   ')), 160)
        from pg_catalog.unnest(all_found) h
        join ar_inbox.threads t on t.company_id = h.company_id and t.id = h.thread_id
        join ar_inbox.companies c on c.id = t.company_id
        left join ar_inbox.customers k on k.company_id = t.company_id and k.id = t.customer_id
        left join ar_inbox.invoices i on i.company_id = t.company_id and i.id = t.invoice_id
        left join ar_inbox.emails e on e.company_id = h.company_id and e.id = h.email_id
        left join ar_inbox.notes n on n.company_id = h.company_id and n.id = h.note_id
        left join ar_inbox.members m on m.company_id = h.company_id and m.id = coalesce(n.member_id, e.member_id)
        order by h.at desc, h.thread_id desc
        limit max_rows;
end
$$;

comment on function ar_inbox.search_threads(text, bigint, integer) is
'The conversations in which a message (its subject, text, names and addresses, names of attachments, of an attached message or event how its text begins) or a note is found, newest such message first, each conversation once; spam is left out. query: words, all of which must be in the same message; "words in quotes" follow each other; or between words: one of them; -word: without it; a word of three letters or more that ends in *: all that begin so. Words are taken in the company''s language: invoice finds invoices. INV-00042 finds itself, as do 00042 and 42. company_id: only that company; NULL: all in which the caller has view. max_rows: 1 to 1000. A query of words only that are too frequent to be looked for (the, of) finds nothing. Needs view. Errors: IB001, 22023 (empty, over 1000 characters, more than 3 words with *, max_rows).';

create function ar_inbox_internal.reindex_messages(company_id bigint, thread_id bigint = null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
-- for one thread or for all
set plan_cache_mode = force_custom_plan
as $$
declare
    config regconfig := (select ar_inbox_internal.search_config(c.language)
        from ar_inbox.companies c where c.id = reindex_messages.company_id);
begin
    update ar_inbox.emails e
    set search = ar_inbox_internal.config_search_vector(config, ar_inbox_internal.searched_subject(e.subject, m.thread_subject),
        pg_catalog.concat_ws(' ', e.from_name, e.from_address, r.people, a.names),
        case when m.quotes_held then pg_catalog.left(e.body_text, e.new_text_length) else e.body_text end
        || case when (e.direction = 'incoming' or e.imported) and e.verdicts is null
            then coalesce(E'\n' || a.texts, '') else '' end)
    from (
        -- history is found where it was first said, unless nothing of that is here
        select t.company_id, t.id, c.subject as thread_subject, t.new_text_length is not null and exists (
            select 1 from pg_catalog.unnest(t.reference_ids || t.in_reply_to) l (id)
            join ar_inbox.emails h on h.company_id = t.company_id and h.message_id = l.id
            where h.id <> t.id) as quotes_held
        from ar_inbox.emails t
        join ar_inbox.threads c on c.company_id = t.company_id and c.id = t.thread_id
        where t.company_id = reindex_messages.company_id
            and (reindex_messages.thread_id is null or t.thread_id = reindex_messages.thread_id)) m
    cross join lateral (
        select coalesce(
            (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', p.name, p.address), ' '
                order by pg_catalog.array_position(array['to', 'cc', 'bcc', 'reply_to'], p.field), p.position)
             from ar_inbox.email_recipients p
             where p.company_id = m.company_id and p.email_id = m.id),
            (select pg_catalog.max(d.recipient) from ar_inbox.deliveries d
             where d.company_id = m.company_id and d.email_id = m.id)) as people) r
    cross join lateral (
        select pg_catalog.string_agg(f.name, ' ' order by f.position) as names,
            pg_catalog.string_agg(ar_inbox_internal.attached_text(f.type, f.name,
                pg_catalog.substring(c.content, 1, 65536)), '' order by f.position) as texts
        from (
            select x.position, g.*, h.has_text,
                pg_catalog.row_number() over (partition by h.has_text order by x.position) as place
            from ar_inbox.attachments x
            join ar_inbox.files g on g.company_id = x.company_id and g.id = x.file_id
            cross join lateral ar_inbox_internal.has_attached_text(g.type, g.name) h (has_text)
            where x.company_id = m.company_id and x.email_id = m.id) f
        left join ar_inbox.file_contents c on c.company_id = f.company_id and c.content_hash = f.content_hash
            and f.has_text and f.place <= 20) a
    where e.company_id = m.company_id and e.id = m.id;

    update ar_inbox.notes n
    set search = ar_inbox_internal.config_search_vector(config, t.subject, (
        select pg_catalog.string_agg(f.name, ' ' order by x.position)
        from ar_inbox.attachments x
        join ar_inbox.files f on f.company_id = x.company_id and f.id = x.file_id
        where x.company_id = n.company_id and x.note_id = n.id), n.body)
    from ar_inbox.threads t
    where n.company_id = reindex_messages.company_id and t.company_id = n.company_id and t.id = n.thread_id
        and (reindex_messages.thread_id is null or n.thread_id = reindex_messages.thread_id);
end
$$;

comment on function ar_inbox_internal.reindex_messages(bigint, bigint) is
'Makes again what the messages and notes of a thread, or of the whole company, are found by, in its language as it is now: of a message its subject and its conversation''s; its sender''s, its recipients'' and its attachments'' names and addresses; its text; the text of attached messages and events. Takes as long as there are messages: about 1 ms each.';

create function ar_inbox_internal.reindex_company(company_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- a trigger queues again what is made again
    perform ar_inbox_internal.forget_phrases(company_id);
    perform ar_inbox_internal.reindex_messages(company_id);
end
$$;

comment on function ar_inbox_internal.reindex_company(bigint) is
'Makes again what all of the company''s messages and notes are found by, as its language has changed.';

create function ar_inbox_internal.rename_thread(company_id bigint, thread_id bigint, subject text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.threads t set subject = rename_thread.subject
    where t.company_id = rename_thread.company_id and t.id = rename_thread.thread_id
        and t.subject <> rename_thread.subject;
    if found then
        perform ar_inbox_internal.reindex_messages(company_id, thread_id);
    end if;
end
$$;

comment on function ar_inbox_internal.rename_thread(bigint, bigint, text) is
'Gives a thread another subject, by which its messages and notes are then found; does nothing where it has that, or there is none.';
