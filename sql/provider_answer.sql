-- What a provider answered to the hand-off of a text message or letter, and
-- what follows from it.
--
-- Three things are told apart: the message is taken; it is not; nobody knows.
-- Only what surely was not taken, or what a repeat cannot double, is tried
-- again without asking anybody's wish (resend_in_doubt).

create function ar_inbox_internal.json_object(words text)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    value jsonb;
begin
    value := words::jsonb;
    return case when pg_catalog.jsonb_typeof(value) = 'object' then value end;
exception when others then
    return null;        -- a server may answer anything
end
$$;

comment on function ar_inbox_internal.json_object(text) is 'The text as a JSON object; NULL where it is none.';

create function ar_inbox_internal.retry_after(value text, at timestamptz)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    if value ~ '^[0-9]{1,9}$' then
        return at + pg_catalog.make_interval(secs => value::integer);
    elsif value ~ '^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$'
        or value ~ '^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}$'
    then
        return value::timestamptz;
    elsif value ~ '^[A-Z][a-z]{5,8}, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$' then
        return pg_catalog.to_timestamp(value, 'FMDay, DD-Mon-YY HH24:MI:SS');
    end if;
    return null;
exception when others then
    return null;        -- a date that is none
end
$$;

comment on function ar_inbox_internal.retry_after(text, timestamptz) is
'Until when Retry-After (RFC 9110, 10.2.3) asks to wait: seconds from at, or a date in any of its three forms; NULL: it says nothing that can be read.';

create function ar_inbox_internal.read_provider_answer(kind text, status integer, answer text,
    out id text, out code text, out words text, out message_status text, out is_providers boolean)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    said    jsonb := ar_inbox_internal.json_object(answer);
    trouble jsonb;
begin
    if kind = 'twilio' then
        id := pg_catalog.substring(said ->> 'sid', '^[A-Z]{2}[0-9A-Za-z]{8,60}$');
        message_status := pg_catalog.left(said ->> 'status', 40);
        code := pg_catalog.left(coalesce(said ->> 'code', said ->> 'error_code'), 40);
        words := coalesce(said ->> 'message', said ->> 'error_message');
        is_providers := id is not null or coalesce((said ->> 'code') ~ '^[0-9]{1,9}$', false);
    else
        id := pg_catalog.substring(said ->> 'id', '^[a-z]{2,8}_[0-9A-Za-z_]{4,80}$');
        trouble := case pg_catalog.jsonb_typeof(said -> 'error') when 'object' then said -> 'error' end;
        message_status := case when id is not null then 'created' end;
        code := pg_catalog.left(trouble ->> 'code', 80);
        words := trouble ->> 'message';
        is_providers := id is not null or coalesce(trouble ? 'message', false);
    end if;
    if status is not null and status not between 200 and 299 then
        words := coalesce(words, nullif(pg_catalog.left(pg_catalog.btrim(
            pg_catalog.regexp_replace(answer, '\s+', ' ', 'g')), 200), ''));
        words := pg_catalog.concat_ws(': ', pg_catalog.concat_ws(', ', 'HTTP ' || status, 'code ' || code),
            pg_catalog.left(words, 1000));
    end if;
end
$$;

comment on function ar_inbox_internal.read_provider_answer(text, integer, text) is
'What a provider''s answer says: the id of the message it made, or its code and words for why not. is_providers: whether it has the form of that provider''s answers at all.';

create function ar_inbox_internal.record_provider_failure(provider_id bigint, company_id bigint, at timestamptz,
    error text, not_before timestamptz = null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.providers p
    set send_failures = case when error is null then 0 else p.send_failures + 1 end,
        send_error = pg_catalog.left(error, 1000),
        send_retry_at = case when error is not null
            then greatest(not_before, at + least(interval '5 seconds' * (2 ^ least(p.send_failures, 10)), interval '30 minutes')) end
    where p.company_id = record_provider_failure.company_id and p.id = record_provider_failure.provider_id
        -- several requests that fail together are one failure
        and case when error is null then p.send_failures > 0
            else p.send_retry_at is null or p.send_retry_at <= at or p.send_retry_at < not_before end;
end
$$;

comment on function ar_inbox_internal.record_provider_failure(bigint, bigint, timestamptz, text, timestamptz) is
'Writes down that the provider could not be reached, refused the key or asked to wait (error NULL: that it works again), and when it is tried next: 5, 10, 20, … seconds later, at most 30 minutes, and not before not_before.';

create function ar_inbox_internal.record_provider_answer(delivery_id bigint, company_id bigint, at timestamptz,
    request_sent boolean, status integer, retry_after text, answer text, error text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
    provider ar_inbox.providers;
    company  ar_inbox.companies;
    said     record;
    heard    ar_inbox.provider_statuses;
    became   text;
    words    text;
    failing  boolean := false;
    repeats  boolean;
    over     boolean;
    wait     timestamptz := ar_inbox_internal.retry_after(retry_after, at);
    again    timestamptz;
begin
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = record_provider_answer.company_id and d.id = record_provider_answer.delivery_id;
    select p.* into provider from ar_inbox.providers p
    where p.company_id = delivery.company_id and p.id = delivery.provider_id;
    select * into said from ar_inbox_internal.read_provider_answer(provider.kind, status, answer);
    -- a report of the provider may come at this moment: one of the two sees the other
    perform ar_inbox_internal.lock_provider_message(provider.id,
        case provider.kind when 'twilio' then delivery.recipient else delivery.id::text end);
    -- the step first, then the delivery: as a payment takes them
    perform 1 from ar_inbox.chasing_steps s
    where s.company_id = delivery.company_id and s.id = delivery.chasing_step_id
    for no key update;
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = record_provider_answer.company_id and d.id = record_provider_answer.delivery_id
    for update;
    if delivery.state is distinct from 'handing_off' then
        return;             -- recorded before
    end if;
    select c.* into company from ar_inbox.companies c where c.id = delivery.company_id;
    over := delivery.chasing_step_id is not null
        and (delivery.crossed_with_payment
            or not ar_inbox_internal.reminder_is_wanted(company_id, delivery.chasing_step_id));
    again := greatest(at + ar_inbox_internal.retry_pause(delivery.attempts), wait);

    if status is null then
        became := case when request_sent then 'unknown' else 'not_sent' end;
        words := coalesce(error, 'no answer');
        failing := not request_sent;
    elsif status between 200 and 299 and said.id is not null then
        became := case when said.message_status in ('failed', 'undelivered', 'canceled') then 'rejected' else 'accepted' end;
        words := coalesce(case when became = 'rejected' then pg_catalog.concat_ws(': ', pg_catalog.concat_ws(', ',
            said.message_status, 'code ' || said.code), said.words) end, 'HTTP ' || status);
    elsif status between 200 and 299 then
        -- It says yes and names no message: it may have taken it, and may be
        -- somebody else.  Nothing is lost, nothing sent twice: a member decides.
        became := 'unknown';
        words := pg_catalog.format('the answer (HTTP %s) names no message%s', status,
            ': ' || nullif(pg_catalog.left(pg_catalog.btrim(pg_catalog.regexp_replace(answer, '\s+', ' ', 'g')), 200), ''));
    elsif status in (502, 504) and provider.kind <> 'lob' then
        -- who passes requests on got no answer: it may have been taken
        became := 'unknown';
        words := said.words;
    elsif status in (408, 425, 429) or status >= 500 or (status = 409 and provider.kind = 'lob') then
        became := 'deferred';
        words := said.words;
        failing := status in (429, 503);
    elsif status = 401 or not said.is_providers
        -- what is the account's fault is no message's
        or (status in (402, 403) and (provider.kind = 'lob' or said.code ~ '^20[0-9]{3}$'))
    then
        became := 'deferred';
        words := said.words;
        failing := true;
    else
        became := 'rejected';
        words := said.words;
    end if;

    if became = 'unknown' then
        -- its answer was lost, and its report came
        select s.* into heard from ar_inbox.provider_statuses s
        where s.company_id = delivery.company_id and s.provider_id = provider.id
            and (s.delivery_id = delivery.id
                or (s.delivery_id is null and s.recipient = delivery.recipient
                    and s.received_at >= (select a.started_at - interval '1 second' from ar_inbox.delivery_attempts a
                        where a.company_id = delivery.company_id and a.delivery_id = delivery.id
                            and a.attempt_number = delivery.attempts)))
        order by s.id limit 1;
        if found then
            became := 'accepted';
            words := 'no answer, but reported: ' || heard.status;
            said.id := heard.provider_message_id;
            said.message_status := heard.status;
        end if;
    end if;

    update ar_inbox.delivery_attempts a
    set finished_at = greatest(at, a.started_at), outcome = became, code = status,
        enhanced_code = said.code, reply = words, provider_message_id = said.id
    where a.company_id = delivery.company_id and a.delivery_id = delivery.id
        and a.attempt_number = delivery.attempts and a.finished_at is null;
    update ar_inbox.deliveries d
    set code = status, enhanced_code = said.code, reply = words,
        provider_message_id = coalesce(said.id, d.provider_message_id),
        provider_status = coalesce(said.message_status, d.provider_status)
    where d.company_id = delivery.company_id and d.id = delivery.id;

    if became = 'accepted' then
        update ar_inbox.deliveries d
        set state = 'accepted', reason = null, finished_at = at
        where d.company_id = delivery.company_id and d.id = delivery.id;
        update ar_inbox.provider_statuses s
        set delivery_id = delivery.id
        where s.company_id = delivery.company_id and s.provider_id = provider.id
            and s.provider_message_id = said.id and s.delivery_id is null;
        perform ar_inbox_internal.apply_provider_statuses(delivery.id, company_id);
    elsif became = 'rejected' then
        update ar_inbox.deliveries d
        set state = 'rejected', reason = words, crossed_with_payment = false, finished_at = at
        where d.company_id = delivery.company_id and d.id = delivery.id;
    elsif became = 'unknown' then
        -- Lob knows the name of the request for a day: a repeat gives the same letter
        repeats := provider.kind = 'lob' and at < (select pg_catalog.min(a.started_at) + interval '23 hours'
            from ar_inbox.delivery_attempts a
            where a.company_id = delivery.company_id and a.delivery_id = delivery.id);
        if not repeats and provider.callback_url is not null then
            -- the provider's report may tell in the meantime
            again := greatest(again, at + interval '5 minutes');
        end if;
        update ar_inbox.deliveries d
        set state = 'unknown', reason = 'in doubt: ' || words,
            next_attempt_at = case when not over and again <= d.give_up_at
                and (repeats or (company.resend_in_doubt and (status is null or status in (502, 504)))) then again end
        where d.company_id = delivery.company_id and d.id = delivery.id;
    elsif over then
        update ar_inbox.deliveries d
        set state = 'cancelled', reason = 'chasing has ended', crossed_with_payment = false, finished_at = at
        where d.company_id = delivery.company_id and d.id = delivery.id;
    elsif again <= delivery.give_up_at then
        update ar_inbox.deliveries d
        set state = 'deferred', reason = words, next_attempt_at = again
        where d.company_id = delivery.company_id and d.id = delivery.id;
    else
        update ar_inbox.deliveries d
        set state = 'rejected', crossed_with_payment = false, finished_at = at,
            reason = pg_catalog.format('given up after %s attempts: %s', d.attempts, words)
        where d.company_id = delivery.company_id and d.id = delivery.id;
    end if;
    if delivery.chasing_step_id is not null then
        perform ar_inbox_internal.settle_step(company_id, delivery.chasing_step_id);
    end if;

    if failing then
        perform ar_inbox_internal.record_provider_failure(provider.id, company_id, at, words, wait);
    elsif status is not null and became <> 'unknown' then
        perform ar_inbox_internal.record_provider_failure(provider.id, company_id, at, null);
    end if;
end
$$;

comment on function ar_inbox_internal.record_provider_answer(bigint, bigint, timestamptz, boolean, integer, text, text, text) is
'Writes down how the hand-off of a text message or letter ended. request_sent: whether any of the request left (else nothing can have been taken); status: of HTTP, NULL: none came; retry_after: that header; answer: the body; error: why there is no answer. 2xx with a message''s id: accepted. 408, 425, 429, 5xx: tried again after a growing pause, not before Retry-After, until the company''s limit. 401, an account''s 402 or 403, and whatever is not of the provider''s form: as before, and the provider counts as failing. Another answer of the provider: rejected with its code and words. No answer after the request had left, and 502 or 504 from Twilio: in doubt, and repeated where resend_in_doubt says so; a letter is repeated in any case, as the same Idempotency-Key gives no second one. 2xx that names no message: in doubt, and a text message is not repeated by itself. Recording the same attempt again does nothing.';
