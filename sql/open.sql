-- Opens: the image that tells that a message was shown, for companies that
-- want one.

create function ar_inbox_internal.open_doubt(company_id bigint, email_id bigint, user_agent text, at timestamptz)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when user_agent is null then 'what fetched it does not say its name'
        when user_agent ~* 'GoogleImageProxy|ggpht\.com' then 'Google''s image proxy fetched it'
        when user_agent ~* 'YahooMailProxy' then 'Yahoo''s image proxy fetched it'
        -- Apple's Mail Privacy Protection fetches all images when mail comes
        when user_agent ~ '^Mozilla/5\.0$' then 'a proxy that hides its reader fetched it, as Apple''s does for all mail'
        when user_agent ~* 'proxy|prefetch|preview|scan|bot\y|crawl|spider|curl|wget|python|java/|okhttp|go-http|headless|barracuda|proofpoint|mimecast|safelinks'
            then 'a program fetched it that nobody reads mail with'
        when not exists (select 1 from ar_inbox.deliveries d
                where d.company_id = open_doubt.company_id and d.email_id = open_doubt.email_id
                    and d.finished_at <= at - interval '10 seconds')
            then 'it was fetched within seconds of the hand-off, as scanners do'
        when exists (select 1 from ar_inbox.email_recipients r
                where r.company_id = open_doubt.company_id and r.email_id = open_doubt.email_id
                    and ar_inbox_internal.company_of_address(r.address) = r.company_id)
            then 'one of the company''s own addresses has the message too'
    end;
end
$$;

comment on function ar_inbox_internal.open_doubt(bigint, bigint, text, timestamptz) is
'Why the fetch of a message''s image need not mean that its receiver read it; NULL: nothing speaks against it.';

create function ar_portal.record_open(token text)
returns bytea
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    -- a GIF of one transparent pixel
    image   constant bytea :=
        '\x47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b'::bytea;
    -- for tokens that name no company: they take the same way
    nobody  constant bytea := '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'::bytea;
    company bigint;
    opened  bigint;
    agent   text;
begin
    -- Whoever asks sees an image, and nothing of whether the token was right.
    if pg_catalog.to_regclass('ar_inbox.email_opens') is null
        or pg_catalog.current_setting('transaction_read_only')::boolean
    then
        return image;
    end if;
    select c.id into company from ar_inbox.companies c where c.handle = pg_catalog.lower(pg_catalog.left(token, 32));
    opened := ar_inbox_internal.read_token(coalesce(ar_inbox_internal.signing_key(company), nobody),
        'o', pg_catalog.substr(token, 33));
    if opened is null then
        return image;
    end if;

    begin
        agent := nullif(pg_catalog.left(
            pg_catalog.current_setting('request.headers', true)::jsonb ->> 'user-agent', 500), '');
    exception when others then
        agent := null;      -- headers that cannot be read say nothing
    end;
    -- One row a minute and program; two requests at once are one; and nobody
    -- who has an image's address fills the table.
    if pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('ar_inbox.email_opens', opened))
        and not exists (select 1 from ar_inbox.email_opens o
            where o.company_id = company and o.email_id = opened and o.source = 'image'
                and o.user_agent is not distinct from agent
                and o.opened_at > pg_catalog.now() - interval '1 minute')
        and (select count(*) from (select 1 from ar_inbox.email_opens o
                where o.company_id = company and o.email_id = opened limit 1000) l) < 1000
    then
        insert into ar_inbox.email_opens (company_id, email_id, source, address, user_agent, unreliable)
        select e.company_id, e.id, 'image',
            -- of several recipients the image does not tell which
            (select pg_catalog.min(r.address::text) from ar_inbox.email_recipients r
             where r.company_id = e.company_id and r.email_id = e.id
             having count(*) = 1)::ar_inbox.email_address,
            agent, ar_inbox_internal.open_doubt(e.company_id, e.id, agent, pg_catalog.now())
        from ar_inbox.emails e
        where e.company_id = company and e.id = opened;
    end if;
    return image;
end
$$;

comment on function ar_portal.record_open(text) is
'The image in a message of ours, by the token in its address: gives a transparent pixel (GIF), whatever the token, and writes down in ar_inbox.email_opens that it was fetched, at most once a minute for each program. request.headers (PostgREST) tells the program. What makes the fetch worth little (image proxies, scanners, our own addresses) is written with it. For everybody who reaches the schema.';
