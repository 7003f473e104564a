-- Phrases: an index of which messages have which two words next to each other.
--
-- The words of a phrase may each be in every other message, and be next to each
-- other in one of ten thousand.  Which words a message has, the index that it is
-- searched by knows; that they are next to each other, only the message itself.
-- So the pairs of neighbours have an index of their own (src/core/pairs.h).
--
-- A message has hundreds of pairs, which is too much to write while mail is
-- received: a trigger puts it into ar_inbox.phrase_queue, and the worker writes
-- what waits there, many messages at once, as a block.  Eight blocks of about one
-- size are joined to a larger one, up to 32 MB, so that there are few to look
-- into and each message is written some five times in all.
--
-- Nothing is lost if the worker is not there: what is in the queue is read by
-- each search, and where that is much, phrases are searched for as other words
-- are.  A block may hold what is no longer so: what is found by it is looked up.

create function ar_inbox_internal.queue_phrases_trigger()
returns trigger
language c
as 'MODULE_PATHNAME', 'ar_inbox_queue_phrases_trigger';

comment on function ar_inbox_internal.queue_phrases_trigger() is
'Trigger, after insert or update of a row of emails or notes: its phrases are to be written. Argument: the column of phrase_queue for its id.';

create function ar_inbox_internal.vector_pairs(vector tsvector)
returns integer[]
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_vector_pairs';

comment on function ar_inbox_internal.vector_pairs(tsvector) is
'The numbers of the pairs of words that stand next to each other in a text, ascending, each once.';

create function ar_inbox_internal.query_pairs(query tsquery, out pairs integer[], out whole boolean)
returns record
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_query_pairs';

comment on function ar_inbox_internal.query_pairs(tsquery) is
'pairs: the numbers of up to 8 pairs of words that stand next to each other in all that the query finds; none where it has no phrase, or need not find it. whole: the query asks for nothing but them.';

create function ar_inbox_internal.write_phrase_block(company_id bigint, email_ids bigint[], note_ids bigint[])
returns void
language c volatile
as 'MODULE_PATHNAME', 'ar_inbox_write_phrase_block';

comment on function ar_inbox_internal.write_phrase_block(bigint, bigint[], bigint[]) is
'Writes the pairs of these messages and notes of a company as a block; what is not there is left out.';

create function ar_inbox_internal.join_phrase_blocks(company_id bigint, block_ids bigint[])
returns boolean
language c volatile strict
as 'MODULE_PATHNAME', 'ar_inbox_join_phrase_blocks';

comment on function ar_inbox_internal.join_phrase_blocks(bigint, bigint[]) is
'Puts one block in the place of these. False: another session is about to change some of them, or has; nothing was done. Raises XX001 where one is damaged.';

create function ar_inbox_internal.phrase_hits(companies bigint[], pairs integer[], most integer,
    out messages bigint[], out moments timestamptz[], out since timestamptz, out total bigint)
returns record
language c stable strict
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as 'MODULE_PATHNAME', 'ar_inbox_phrase_hits';

comment on function ar_inbox_internal.phrase_hits(bigint[], integer[], integer) is
'What these companies'' blocks say has all of the pairs, newest first: messages: twice its id, plus 1 for a note; moments: when it was then. At least most of them, or all; since: those of that moment and before are not all there, and left out; NULL: all are. total: how many there are.';

create function ar_inbox_internal.forget_phrases(company_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    blocks bigint[];
begin
    delete from ar_inbox.phrase_queue q where q.company_id = forget_phrases.company_id;
    -- as join_phrase_blocks() does: a block is locked before its pages are touched
    blocks := array(
        select b.id from ar_inbox.phrase_blocks b
        where b.company_id = forget_phrases.company_id
        order by b.id
        for update);
    delete from ar_inbox.phrase_pages p where p.company_id = forget_phrases.company_id and p.block_id = any (blocks);
    delete from ar_inbox.phrase_blocks b where b.company_id = forget_phrases.company_id and b.id = any (blocks);
end
$$;

comment on function ar_inbox_internal.forget_phrases(bigint) is
'Empties the index of phrases of a company, whose messages are then to be queued anew. What another session writes meanwhile may stay, which does no harm.';

create function ar_inbox_internal.queue_phrases(company_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.forget_phrases(company_id);
    insert into ar_inbox.phrase_queue (company_id, email_id)
    select e.company_id, e.id from ar_inbox.emails e
    where e.company_id = queue_phrases.company_id and e.search is not null
    order by e.id;
    insert into ar_inbox.phrase_queue (company_id, note_id)
    select n.company_id, n.id from ar_inbox.notes n
    where n.company_id = queue_phrases.company_id and n.search is not null
    order by n.id;
end
$$;

comment on function ar_inbox_internal.queue_phrases(bigint) is
'Has the index of phrases of a company written anew: for a database whose rows came without their triggers, or without the index.';

create function ar_inbox_internal.join_like_phrase_blocks(company_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    blocks bigint[];
begin
    loop
        blocks := (
            select pg_catalog.array_agg(s.id order by s.id)
            from (
                select b.id, z.rank, m.messages, pg_catalog.sum(b.size) over smallest_first as size_so_far,
                    pg_catalog.sum(m.messages) over smallest_first as messages_so_far
                from ar_inbox.phrase_blocks b
                cross join lateral (select pg_catalog.octet_length(b.messages) / 16 as messages) m
                -- of one size: from a power of eight to the next
                cross join lateral (
                    select pg_catalog.floor(pg_catalog.ln(b.size::double precision) / pg_catalog.ln(8::double precision)) as rank) z
                where b.company_id = join_like_phrase_blocks.company_id
                window smallest_first as (partition by z.rank order by b.size, b.id)) s
            where s.size_so_far <= 32 * 1024 * 1024 and s.messages_so_far <= 65536
            group by s.rank
            having pg_catalog.count(*) >= 8 or (pg_catalog.count(*) >= 3 and pg_catalog.sum(s.messages) > 16384)
            order by s.rank
            limit 1);
        exit when blocks is null;
        -- what is wrong with these keeps nothing else from being written
        begin
            exit when not ar_inbox_internal.join_phrase_blocks(company_id, blocks);
        exception
            when data_corrupted then
                raise warning '%', sqlerrm
                    using detail = pg_catalog.format('The index of phrases of company %s is written anew.', company_id);
                perform ar_inbox_internal.queue_phrases(company_id);
                exit;
        end;
    end loop;
end
$$;

comment on function ar_inbox_internal.join_like_phrase_blocks(bigint) is
'Joins eight and more blocks of a company that are of about one size, or three that fill more than a quarter of a block, until there are no such; never to more than 32 MB or 65,536 messages. Where one is damaged, all of the company''s are to be written anew.';

create function ar_inbox_internal.index_phrases(most integer, at_least integer = 64, after_company bigint = null,
    out done integer, out more boolean, out last_company bigint)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- in bytes of what messages are found by, more than that many usual ones have
    room    bigint := most::bigint * 16384;
    around  boolean := false;
    chosen  record;
    taken   record;
begin
    done := 0;
    more := false;
    last_company := after_company;
    -- a few are sooner read than written
    if (select pg_catalog.count(*) from (select from ar_inbox.phrase_queue q limit at_least) w) < at_least then
        return;
    end if;
    loop
        -- one company after the other, those before after_company last
        last_company := (
            select q.company_id from ar_inbox.phrase_queue q
            where last_company is null or q.company_id > last_company
            order by q.company_id
            limit 1);
        if last_company is null and not around then
            around := true;
            continue;
        end if;
        exit when last_company is null or (around and (after_company is null or last_company > after_company));

        select pg_catalog.array_agg(s.id) filter (where s.place <= most - done and (s.size <= room or s.place + done = 1)) as ids,
            pg_catalog.max(s.size) filter (where s.place <= most - done and (s.size <= room or s.place + done = 1)) as size,
            pg_catalog.count(*) as seen
        into chosen
        from (
            select w.id, pg_catalog.row_number() over oldest_first as place,
                pg_catalog.sum(coalesce(pg_catalog.pg_column_size(e.search), pg_catalog.pg_column_size(n.search), 0)) over oldest_first as size
            from (
                select q.id, q.company_id, q.email_id, q.note_id from ar_inbox.phrase_queue q
                where q.company_id = last_company
                order by q.id
                limit most - done + 1) w
            left join ar_inbox.emails e on e.company_id = w.company_id and e.id = w.email_id
            left join ar_inbox.notes n on n.company_id = w.company_id and n.id = w.note_id
            window oldest_first as (order by w.id)) s;
        more := chosen.seen > coalesce(pg_catalog.cardinality(chosen.ids), 0);
        exit when chosen.ids is null;
        with gone as (
            delete from ar_inbox.phrase_queue q
            where q.company_id = last_company and q.id = any (array(
                select w.id from ar_inbox.phrase_queue w
                where w.company_id = last_company and w.id = any (chosen.ids)
                order by w.id
                for update skip locked))
            returning q.email_id, q.note_id)
        select pg_catalog.count(*) as messages,
            pg_catalog.array_agg(distinct g.email_id) filter (where g.email_id is not null) as email_ids,
            pg_catalog.array_agg(distinct g.note_id) filter (where g.note_id is not null) as note_ids
        into taken
        from gone g;
        if taken.messages > 0 then
            done := done + taken.messages;
            room := room - chosen.size;
            perform ar_inbox_internal.write_phrase_block(last_company, taken.email_ids, taken.note_ids);
            perform ar_inbox_internal.join_like_phrase_blocks(last_company);
        else
            -- all of it is in another session's hands
            more := false;
        end if;
        exit when more;
    end loop;
end
$$;

comment on function ar_inbox_internal.index_phrases(integer, integer, bigint) is
'Writes what waits in the index of phrases, up to most messages and notes and no more than that many usual ones are long, unless fewer than at_least wait; those that another session has at hand are left to it. Begins with the company after after_company. done: how many it took; more: not all that there is; last_company: to go on after. For the worker.';

create type ar_inbox_internal.found_message as (
    thread_id  bigint,
    company_id bigint,
    at         timestamptz,
    email_id   bigint,
    note_id    bigint
);
comment on type ar_inbox_internal.found_message is 'A thread that a search found, with the newest of its messages or notes that the words are in.';

create function ar_inbox_internal.newest_found(companies bigint[], query tsquery, messages bigint[], moments timestamptz[],
    seen bigint[], max_rows integer)
returns ar_inbox_internal.found_message[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
begin
    return (
        select pg_catalog.array_agg((h.thread_id, h.company_id, h.at, h.email_id, h.note_id)::ar_inbox_internal.found_message
            order by h.at desc, h.thread_id desc)
        from (
            select f.thread_id, f.company_id, f.at, f.email_id, f.note_id
            from (
                select distinct on (m.thread_id) m.*
                from (
                    select e.thread_id, e.company_id, e.occurred_at as at, e.id as email_id, null::bigint as note_id
                    from unnest(messages, moments) c (message, at)
                    join ar_inbox.emails e on e.id = c.message / 2 and e.occurred_at = c.at
                    where c.message % 2 = 0 and e.company_id = any (companies) and pg_catalog.ts_match_vq(e.search, query)
                    union all
                    select n.thread_id, n.company_id, n.created_at, null, n.id
                    from unnest(messages, moments) c (message, at)
                    join ar_inbox.notes n on n.id = c.message / 2 and n.created_at = c.at
                    where c.message % 2 = 1 and n.company_id = any (companies) and pg_catalog.ts_match_vq(n.search, query)) m
                where m.thread_id <> all (seen)
                order by m.thread_id, m.at desc, m.email_id desc nulls last, m.note_id desc) f
            join ar_inbox.threads t on t.company_id = f.company_id and t.id = f.thread_id
            where t.spam_at is null
            order by f.at desc, f.thread_id desc
            limit max_rows) h);
end
$$;

comment on function ar_inbox_internal.newest_found(bigint[], tsquery, bigint[], timestamptz[], bigint[], integer) is
'Of these messages and notes (as phrase_hits() has them) those of the companies that the query finds and that are from that moment, but for spam and for threads seen before: the newest of each thread, newest first. NULL: none.';

create function ar_inbox_internal.search_phrases(companies bigint[], query tsquery, max_rows integer)
returns ar_inbox_internal.found_message[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    wanted   record := ar_inbox_internal.query_pairs(query);
    waiting  bigint[];
    fresh    bigint[];
    fresh_at timestamptz[];
    hits     record;
    messages bigint[];
    moments  timestamptz[];
    most     integer := greatest(100, 2 * max_rows);
    tries    integer := 0;
    step     integer;
    first    integer;
    last     integer;
    found    ar_inbox_internal.found_message[];
begin
    if pg_catalog.cardinality(wanted.pairs) = 0 then
        return null;
    end if;
    waiting := array(
        select coalesce(2 * q.email_id, 2 * q.note_id + 1) from ar_inbox.phrase_queue q
        where q.company_id = any (companies)
        limit 1001);
    if pg_catalog.cardinality(waiting) > 1000 or (
            select pg_catalog.count(*)
            from (select from ar_inbox.phrase_blocks b where b.company_id = any (companies) limit 1001) b) > 1000 then
        return null;
    end if;
    select pg_catalog.array_agg(f.message), pg_catalog.array_agg(f.at) into fresh, fresh_at
    from (
        select 2 * e.id as message, e.occurred_at as at
        from pg_catalog.unnest(waiting) w (message)
        join ar_inbox.emails e on e.id = w.message / 2
        where w.message % 2 = 0 and e.company_id = any (companies) and pg_catalog.ts_match_vq(e.search, query)
        union
        select 2 * n.id + 1, n.created_at
        from pg_catalog.unnest(waiting) w (message)
        join ar_inbox.notes n on n.id = w.message / 2
        where w.message % 2 = 1 and n.company_id = any (companies) and pg_catalog.ts_match_vq(n.search, query)) f;

    loop
        hits := ar_inbox_internal.phrase_hits(companies, wanted.pairs, most);
        -- what else it asks for may be rarer than the phrase
        if hits.total > 1000 and not wanted.whole then
            return null;
        end if;
        -- (unnest of several arrays works by its plain name only)
        select pg_catalog.array_agg(m.message order by m.at desc, m.message % 2, m.message desc),
            pg_catalog.array_agg(m.at order by m.at desc)
        into messages, moments
        from (
            select * from unnest(hits.messages, hits.moments)
            union
            select * from unnest(fresh, fresh_at) f (message, at)
            where hits.since is null or f.at > hits.since) m (message, at);
        found := array[]::ar_inbox_internal.found_message[];
        first := 1;
        step := max_rows + max_rows / 4;
        while first <= pg_catalog.cardinality(messages) and pg_catalog.cardinality(found) < max_rows loop
            -- as many as may be enough, with all of the last one's moment
            last := first + step;
            while moments[last + 1] = moments[last] loop
                last := last + 1;
            end loop;
            found := found || ar_inbox_internal.newest_found(companies, query, messages[first : last], moments[first : last],
                array(select f.thread_id from pg_catalog.unnest(found) f), max_rows - pg_catalog.cardinality(found));
            first := last + 1;
            step := 2 * step;
        end loop;
        exit when hits.since is null or pg_catalog.cardinality(found) >= max_rows;
        -- so many in so few threads that the other way is sooner there
        tries := tries + 1;
        if tries = 2 then
            return null;
        end if;
        most := 8 * most;
    end loop;
    return found;
end
$$;

comment on function ar_inbox_internal.search_phrases(bigint[], tsquery, integer) is
'What search_companies() finds, for a query with a phrase, by the index of phrases. NULL: the index is no help: the query has no phrase, or perhaps something rarer than it; too much is not written yet; there are more than 1,000 blocks to look into; very many messages of a few threads have it.';
