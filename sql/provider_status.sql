-- What providers report of text messages and letters later on.

create function ar_inbox_internal.signature_fits(algorithm text, key bytea, data bytea, signature bytea)
returns boolean
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_signature_fits';

comment on function ar_inbox_internal.signature_fits(text, bytea, bytea, bytea) is
'Whether the signature is the HMAC (RFC 2104) of the data under the key; algorithm: sha1 or sha256. How long it takes tells nothing of where it differs.';

create function ar_inbox_internal.lock_provider_message(provider_id bigint, name text)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('ar_inbox.provider_statuses ' || provider_id || ' ' || name, 0));
$$;

comment on function ar_inbox_internal.lock_provider_message(bigint, text) is
'Held by who records an answer or a report about one number''s text messages or one letter, so that each sees what the other wrote.';

create function ar_inbox_internal.status_means(status text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when status in ('undelivered', 'failed', 'canceled')
            or status ~ '^letter\.(certified\.)?(failed|rejected|deleted|returned_to_sender|returned)$' then 'bounced'
        when status in ('delivered', 'read') or status ~ '^letter\.(certified\.)?delivered$' then 'delivered'
        else 'under way' end;
$$;

comment on function ar_inbox_internal.status_means(text) is
'What a provider''s word for the state of a message comes down to: delivered, bounced or under way.';

create function ar_inbox_internal.apply_provider_statuses(delivery_id bigint, company_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
    last     ar_inbox.provider_statuses;
    words    text;
begin
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = apply_provider_statuses.company_id and d.id = apply_provider_statuses.delivery_id;
    -- in whatever order they came: that it came back counts most, then that it arrived
    select s.* into last from ar_inbox.provider_statuses s
    where s.company_id = delivery.company_id and s.delivery_id = delivery.id
        and s.provider_message_id = delivery.provider_message_id
    order by case ar_inbox_internal.status_means(s.status) when 'bounced' then 0 when 'delivered' then 1 else 2 end, s.id desc
    limit 1;
    if not found or delivery.state not in ('accepted', 'bounced') then
        return;
    end if;
    update ar_inbox.deliveries d
    set provider_status = last.status,
        delivered_at = (select pg_catalog.min(s.received_at) from ar_inbox.provider_statuses s
            where s.company_id = d.company_id and s.delivery_id = d.id
                and ar_inbox_internal.status_means(s.status) = 'delivered')
    where d.company_id = delivery.company_id and d.id = delivery.id;
    if ar_inbox_internal.status_means(last.status) = 'bounced' and delivery.state = 'accepted' then
        words := pg_catalog.concat_ws(': ', pg_catalog.concat_ws(', ', last.status, 'code ' || last.code), last.detail);
        update ar_inbox.deliveries d
        set state = 'bounced', reason = words, enhanced_code = last.code, reply = coalesce(last.detail, last.status),
            finished_at = coalesce(d.finished_at, last.received_at)
        where d.company_id = delivery.company_id and d.id = delivery.id;
        if delivery.chasing_step_id is not null then
            update ar_inbox.chasing_steps s
            set state = 'failed', reason = pg_catalog.format('%s: %s', delivery.channel, words)
            where s.company_id = delivery.company_id and s.id = delivery.chasing_step_id and s.state = 'sent';
            perform ar_inbox_internal.settle_step(company_id, delivery.chasing_step_id);
        end if;
        perform ar_inbox_internal.record_event(company_id, 'delivery', delivery.id, 'bounced', null,
            pg_catalog.jsonb_build_object('status', last.status, 'reason', words));
    elsif ar_inbox_internal.status_means(last.status) = 'delivered' and delivery.delivered_at is null then
        perform ar_inbox_internal.record_event(company_id, 'delivery', delivery.id, 'delivered', null,
            pg_catalog.jsonb_build_object('status', last.status));
    end if;
end
$$;

comment on function ar_inbox_internal.apply_provider_statuses(bigint, bigint) is
'Brings a delivery, locked with its step by the caller, to what its provider''s reports say: that it was delivered is written down; failed or returned it has bounced, and the step of a reminder failed.';

create function ar_inbox_internal.reported_provider(company_id bigint, provider text, payload json, signature text)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    candidate record;
    data      text;
    given     bytea;
    fits      bigint;
begin
    begin
        given := case when provider = 'twilio' then pg_catalog.decode(signature, 'base64')
            else pg_catalog.decode(pg_catalog.substring(signature, '^[0-9]{1,20}\.([0-9A-Fa-f]{64})$'), 'hex') end;
    exception when others then
        return null;
    end;
    if given is null then
        return null;
    elsif provider = 'twilio' then
        if pg_catalog.json_typeof(payload) <> 'object' then
            return null;
        end if;
        begin
            -- each name and value, by name; of a name that is there several times each value once
            select pg_catalog.string_agg(f.name || f.value, '' order by f.name collate "C", f.value collate "C") into data
            from (
                select distinct e.key as name, v.value
                from pg_catalog.json_each(payload) e
                cross join lateral (
                    select e.value #>> '{}' as value where pg_catalog.json_typeof(e.value) <> 'array'
                    union all
                    select a.value from pg_catalog.json_array_elements_text(
                        case pg_catalog.json_typeof(e.value) when 'array' then e.value else '[]' end) a (value)
                ) v
                where v.value is not null) f;
        exception when untranslatable_character then
            return null;        -- \u0000, which no form has
        end;
    else
        data := pg_catalog.split_part(signature, '.', 1) || '.' || payload::text;
    end if;

    for candidate in
        select p.id, s.value as secret, u.url
        from ar_inbox.providers p
        join ar_inbox.secrets s on s.company_id = p.company_id and s.name = 'provider ' || p.id || ' callback'
        cross join lateral (
            -- signed with the port in it, or without, whichever is in use
            select p.callback_url as url
            union
            select pg_catalog.regexp_replace(p.callback_url, '^(https?://[^/?#]*[^/?#:0-9]):[0-9]+', '\1')
            union
            select pg_catalog.regexp_replace(p.callback_url, '^(http(s?)://[^/?#:]+)(?=[/?#]|$)',
                '\1:' || case when p.callback_url like 'https:%' then '443' else '80' end)
        ) u
        where p.company_id = reported_provider.company_id and p.kind = reported_provider.provider
    loop
        if ar_inbox_internal.signature_fits(case when provider = 'twilio' then 'sha1' else 'sha256' end,
            pg_catalog.convert_to(candidate.secret, 'UTF8'),
            pg_catalog.convert_to(case when provider = 'twilio' then candidate.url || coalesce(data, '') else data end, 'UTF8'),
            given)
        then
            fits := candidate.id;
        end if;
    end loop;
    return fits;
end
$$;

comment on function ar_inbox_internal.reported_provider(bigint, text, json, text) is
'Which of the company''s providers of that kind has signed the report; NULL: none.';

create function ar_inbox_internal.reported_delivery(company_id bigint, provider_id bigint, message_id text,
    recipient text, own_id bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_id bigint;
begin
    select d.id into found_id from ar_inbox.deliveries d
    where d.company_id = reported_delivery.company_id and d.provider_id = reported_delivery.provider_id
        and d.provider_message_id = message_id;
    if not found then
        select a.delivery_id into found_id from ar_inbox.delivery_attempts a
        join ar_inbox.deliveries d on d.company_id = a.company_id and d.id = a.delivery_id
        where a.company_id = reported_delivery.company_id and a.provider_message_id = message_id
            and d.provider_id = reported_delivery.provider_id
        limit 1;
    end if;
    if not found then
        select d.id into found_id from ar_inbox.deliveries d
        where d.company_id = reported_delivery.company_id and d.id = own_id
            and d.provider_id = reported_delivery.provider_id and d.attempts > 0;
    end if;
    if not found then
        -- whose answer was lost: the first to that number of which no name is known
        select d.id into found_id
        from ar_inbox.deliveries d
        join ar_inbox.delivery_attempts a on a.company_id = d.company_id and a.delivery_id = d.id
        where d.company_id = reported_delivery.company_id and d.provider_id = reported_delivery.provider_id
            and d.recipient = reported_delivery.recipient
            and a.outcome = 'unknown' and a.provider_message_id is null
            and a.finished_at > pg_catalog.now() - interval '2 days'
        order by a.started_at, a.id limit 1;
        if found then
            update ar_inbox.delivery_attempts a
            set provider_message_id = message_id
            where a.company_id = reported_delivery.company_id and a.id = (
                select o.id from ar_inbox.delivery_attempts o
                where o.company_id = reported_delivery.company_id and o.delivery_id = found_id
                    and o.outcome = 'unknown' and o.provider_message_id is null
                order by o.started_at, o.id limit 1);
        end if;
    end if;
    return found_id;
end
$$;

comment on function ar_inbox_internal.reported_delivery(bigint, bigint, text, text, bigint) is
'Which delivery a provider''s report is about: the one it has that name for; else own_id, our own id that a letter carries; else the first text message to that number whose answer was lost, which takes the name. NULL: none known.';

create function ar_inbox.record_provider_status(company_id bigint, provider text, payload json, signature text)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    kind       text := provider;
    signer     bigint;
    said       jsonb;
    message_id text;
    said_status text;
    said_code  text;
    said_words text;
    said_number text;
    own_id     bigint;
    about      bigint;
    delivery   ar_inbox.deliveries;
begin
    perform ar_inbox_internal.require_installed();
    if kind is null or kind not in ('twilio', 'lob') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('provider %s is not known', pg_catalog.quote_nullable(kind)), 'Give twilio or lob.');
    end if;
    signer := ar_inbox_internal.reported_provider(company_id, kind, payload, signature);
    if signer is null then
        -- a stranger learns nothing of which companies there are
        perform ar_inbox_internal.refuse('insufficient_privilege',
            pg_catalog.format('the signature is not that of a provider %s of company %s', kind, coalesce(company_id::text, 'NULL')),
            case kind when 'twilio' then 'signature is the header X-Twilio-Signature; payload has every field of the form and nothing else; callback_url of set_sms_provider() is the URL exactly as it is called.'
                else 'signature is Lob-Signature-Timestamp, a dot, and Lob-Signature; payload is the body byte for byte; webhook_secret of set_letter_provider() is that of the webhook.' end);
    end if;

    said := ar_inbox_internal.json_object(payload::text);
    if kind = 'twilio' then
        message_id := coalesce(said ->> 'MessageSid', said ->> 'SmsSid');
        said_status := coalesce(said ->> 'MessageStatus', said ->> 'SmsStatus');
        said_code := nullif(said ->> 'ErrorCode', '');
        said_number := said ->> 'To';
        said_words := coalesce(nullif(said ->> 'ErrorMessage', ''), case said_code
            when '30003' then 'the phone cannot be reached'
            when '30004' then 'the receiver blocks messages'
            when '30005' then 'the number is not in use'
            when '30006' then 'the number cannot take text messages'
            when '30007' then 'the carrier filtered it'
            when '30008' then 'the carrier says no more' end);
    else
        message_id := coalesce(said #>> '{body,id}', said ->> 'reference_id');
        said_status := said #>> '{event_type,id}';
        own_id := pg_catalog.substring(said #>> '{body,metadata,delivery}', '^[0-9]{1,18}$')::bigint;
        said_words := said #>> '{body,failure_reason,message}';
        said_code := said #>> '{body,failure_reason,code}';
    end if;
    if coalesce(message_id, '') = '' or coalesce(said_status, '') = '' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'payload names no message or no status',
            case kind when 'twilio' then 'It needs MessageSid and MessageStatus.' else 'It needs body.id and event_type.id.' end);
    end if;
    message_id := pg_catalog.left(message_id, 100);
    said_status := pg_catalog.left(said_status, 80);

    perform ar_inbox_internal.lock_provider_message(signer, coalesce(said_number, own_id::text, message_id));
    about := ar_inbox_internal.reported_delivery(company_id, signer, message_id, said_number, own_id);
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = record_provider_status.company_id and d.id = about;
    -- the step first, then the delivery: as a payment takes them
    if delivery.chasing_step_id is not null then
        perform 1 from ar_inbox.chasing_steps s
        where s.company_id = delivery.company_id and s.id = delivery.chasing_step_id for no key update;
    end if;
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = record_provider_status.company_id and d.id = about for update;
    insert into ar_inbox.provider_statuses as s (company_id, provider_id, provider_message_id, status, code, detail,
        recipient, delivery_id)
    values (record_provider_status.company_id, signer, message_id, said_status,
        pg_catalog.left(said_code, 80), pg_catalog.left(said_words, 1000), pg_catalog.left(said_number, 200), about)
    on conflict on constraint provider_statuses_once do update
        set delivery_id = coalesce(s.delivery_id, excluded.delivery_id);
    -- one in flight is brought to this by its own result
    if about is null or delivery.state = 'handing_off' then
        return;
    end if;

    if delivery.state = 'unknown' or (delivery.state = 'deferred' and delivery.provider_message_id is null) then
        -- the provider has it after all
        update ar_inbox.deliveries d
        set state = 'accepted', reason = null, next_attempt_at = null, finished_at = pg_catalog.now(),
            provider_message_id = message_id
        where d.company_id = delivery.company_id and d.id = delivery.id;
        if delivery.chasing_step_id is not null then
            perform ar_inbox_internal.settle_step(delivery.company_id, delivery.chasing_step_id);
        end if;
    end if;
    perform ar_inbox_internal.apply_provider_statuses(delivery.id, delivery.company_id);
end
$$;

comment on function ar_inbox.record_provider_status(bigint, text, json, text) is
'Takes a provider''s report of what became of a text message or letter, for the front end that the provider calls. provider: twilio or lob. Twilio: payload is an object of the form''s fields, each name with its text (or an array of texts where it is there several times); signature the header X-Twilio-Signature. Lob: payload is the body as it came, byte for byte (json keeps it so, jsonb does not); signature the header Lob-Signature-Timestamp, a dot, and the header Lob-Signature. The signature is verified, and stands for permission. Delivered is written down with the delivery; failed or returned it has bounced, and the step of a reminder failed. A report that is repeated, late, out of order or about nothing known changes nothing else. Errors: 42501 (the signature does not fit), 22023 (no such provider; nothing that names a message).';
