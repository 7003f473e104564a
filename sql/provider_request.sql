-- Text messages and letters: what a provider is asked, and taking what is due
-- for hand-off.  The locks are taken in the order of delivery.sql.

create function ar_inbox_internal.letter_party(prefix text, address jsonb, fallback_name text)
returns table (name text, value text)
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select prefix || '[' || p.name || ']', p.value
    from (values
        -- Lob takes 40 characters of a name
        ('name', pg_catalog.left(coalesce(address ->> 'name', case when not address ? 'company' then fallback_name end), 40)),
        ('company', pg_catalog.left(address ->> 'company', 40)),
        ('address_line1', address ->> 'line1'),
        ('address_line2', address ->> 'line2'),
        ('address_city', address ->> 'city'),
        ('address_state', address ->> 'region'),
        ('address_zip', address ->> 'postal_code'),
        ('address_country', address ->> 'country')) p (name, value)
    where p.value is not null;
$$;

comment on function ar_inbox_internal.letter_party(text, jsonb, text) is
'An address as the fields of Lob''s Letters API that say to whom (prefix to) or from whom (from).';

create function ar_inbox_internal.provider_request(company_id bigint, delivery_id bigint,
    out url text, out username text, out password text, out headers text[], out field_names text[],
    out field_values text[], out file_field text, out file_name text, out file_type text, out file bytea)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
    provider ar_inbox.providers;
    email    record;
    company  ar_inbox.companies;
    secret   text;
begin
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = provider_request.company_id and d.id = provider_request.delivery_id;
    select p.* into provider from ar_inbox.providers p
    where p.company_id = delivery.company_id and p.id = delivery.provider_id;
    select s.value into secret from ar_inbox.secrets s
    where s.company_id = delivery.company_id and s.name = 'provider ' || provider.id;
    select e.body_text, e.message_id, e.subject into email from ar_inbox.emails e
    where e.company_id = delivery.company_id and e.id = delivery.email_id;
    headers := array['Accept: application/json'];

    if provider.kind = 'twilio' then
        url := provider.base_url || '/2010-04-01/Accounts/' || provider.account || '/Messages.json';
        username := provider.account;
        password := secret;
        field_names := array['To', case when provider.sender like 'MG%' and pg_catalog.length(provider.sender) > 11
            then 'MessagingServiceSid' else 'From' end, 'Body'];
        field_values := array[delivery.recipient, provider.sender, email.body_text];
        if provider.callback_url is not null then
            field_names := field_names || 'StatusCallback'::text;
            field_values := field_values || provider.callback_url;
        end if;
    else
        select c.* into company from ar_inbox.companies c where c.id = delivery.company_id;
        url := provider.base_url || '/v1/letters';
        username := secret;
        password := '';
        -- under this name a repeat makes no second letter
        headers := headers || ('Idempotency-Key: ' || email.message_id);
        select pg_catalog.array_agg(f.name), pg_catalog.array_agg(f.value)
        into field_names, field_values
        from (
            select 'description' as name, pg_catalog.left(email.subject, 255) as value where email.subject <> ''
            union all
            select * from ar_inbox_internal.letter_party('to', delivery.postal_address, null)
            union all
            select * from ar_inbox_internal.letter_party('from', company.postal_address, company.name)
            union all
            select * from (values ('color', provider.color::text), ('use_type', 'operational'),
                -- comes back with what is reported of the letter
                ('metadata[delivery]', delivery.id::text)) o (name, value)) f;
        file_field := 'file';
        select l.content, l.type, l.name into file, file_type, file_name
        from ar_inbox_internal.letter_content(delivery.company_id, delivery.email_id) l;
    end if;
end
$$;

comment on function ar_inbox_internal.provider_request(bigint, bigint) is
'The HTTP request (POST) that hands a text message or letter to its provider: Twilio''s Messages API, or Lob''s Letters API. With a file it is multipart/form-data, else application/x-www-form-urlencoded.';

create function ar_inbox_internal.end_provider_delivery(delivery_id bigint, company_id bigint, at timestamptz, reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    step bigint;
begin
    select d.chasing_step_id into step from ar_inbox.deliveries d
    where d.company_id = end_provider_delivery.company_id and d.id = end_provider_delivery.delivery_id;
    if step is not null then
        -- elsewhere the step is locked first: whoever has it now goes before
        perform 1 from ar_inbox.chasing_steps s
        where s.company_id = end_provider_delivery.company_id and s.id = step
        for no key update skip locked;
        if not found then
            return;
        end if;
    end if;
    update ar_inbox.deliveries d
    -- one in doubt may have arrived
    set state = case d.state when 'unknown' then 'unknown' else 'rejected' end::ar_inbox.delivery_state,
        reason = case d.state when 'unknown' then d.reason else end_provider_delivery.reason end,
        next_attempt_at = null, finished_at = case when d.state <> 'unknown' then at end
    where d.company_id = end_provider_delivery.company_id and d.id = end_provider_delivery.delivery_id;
    if step is not null then
        perform ar_inbox_internal.settle_step(company_id, step);
    end if;
end
$$;

comment on function ar_inbox_internal.end_provider_delivery(bigint, bigint, timestamptz, text) is
'Ends a text message or letter that the caller has locked and found not to be handed off any more, and its step. Left for the next time where somebody else is at the step.';

create function ar_inbox_internal.claim_provider_deliveries(at timestamptz, per_provider integer,
    busy_providers bigint[] = '{}', busy_counts integer[] = '{}', most integer = 16, after_provider bigint = 0)
returns table (delivery_id bigint, company_id bigint, provider_id bigint, url text, username text, password text,
    headers text[], field_names text[], field_values text[], file_field text, file_name text, file_type text, file bytea)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    provider  record;
    candidate record;
    delivery  ar_inbox.deliveries;
    request   record;
    room      integer;
    claimed   integer := 0;
    opening   timestamptz;
begin
    if not ar_inbox_internal.is_armed() then
        return;
    end if;
    for provider in
        -- the providers with something waiting, one index probe each
        -- (unnest of several arrays works by its plain name only)
        with recursive waiting as (
            (select d.provider_id as id from ar_inbox.deliveries d
             where d.next_attempt_at is not null and d.provider_id is not null order by d.provider_id limit 1)
            union all
            (select n.provider_id
             from waiting w
             cross join lateral (
                select d.provider_id from ar_inbox.deliveries d
                where d.next_attempt_at is not null and d.provider_id > w.id
                order by d.provider_id limit 1) n)
        )
        select p.id, p.company_id, p.removed_at,
            per_provider - coalesce((select b.count from unnest(busy_providers, busy_counts) b (id, count)
                                     where b.id = p.id), 0) as room
        from waiting w
        join ar_inbox.providers p on p.id = w.id
        where p.send_retry_at is null or p.send_retry_at <= at
        -- each in its turn, so that those with much waiting leave room for the others
        order by p.id <= after_provider, p.id
    loop
        room := least(provider.room, most - claimed);
        continue when room <= 0;
        for candidate in
            select d.id, d.company_id, d.invoice_id, d.chasing_step_id
            from ar_inbox.deliveries d
            where d.provider_id = provider.id and d.next_attempt_at <= at
            order by d.next_attempt_at, d.id
            -- more than there is room for: others may hold some of them
            limit room + 1000
        loop
            exit when room <= 0;
            if candidate.chasing_step_id is not null then
                -- who pays holds this lock until the payment is committed
                perform 1 from ar_inbox.invoices i
                where i.company_id = candidate.company_id and i.id = candidate.invoice_id
                for no key update skip locked;
                continue when not found;
            end if;
            select d.* into delivery from ar_inbox.deliveries d
            where d.company_id = candidate.company_id and d.id = candidate.id
            for update skip locked;
            continue when not found or delivery.next_attempt_at is null or delivery.next_attempt_at > at;

            continue when candidate.chasing_step_id is not null
                and ar_inbox_internal.withdraw_unwanted(candidate.company_id, delivery.id, at);
            if provider.removed_at is not null then
                -- a member wanted one in doubt sent again
                perform ar_inbox_internal.end_provider_delivery(delivery.id, delivery.company_id, at,
                    'the provider was removed before it could be handed off');
                continue;
            end if;
            if delivery.channel = 'sms' then
                opening := ar_inbox_internal.text_opening(candidate.company_id, at, delivery.recipient, delivery.id);
                if opening > delivery.give_up_at then
                    perform ar_inbox_internal.end_provider_delivery(delivery.id, delivery.company_id, at,
                        pg_catalog.format('given up: no text message to that number until %s, which is after its limit (retry_limit)%s',
                            opening, ': ' || delivery.reply));
                    continue;
                elsif opening > at then
                    update ar_inbox.deliveries d
                    set next_attempt_at = opening,
                        reason = coalesce(d.reason, 'put off to the next hour for text messages to that number (sms_from_hour, sms_to_hour, max_texts_per_number)')
                    where d.company_id = delivery.company_id and d.id = delivery.id;
                    continue;
                end if;
            end if;

            begin
                select r.* into request from ar_inbox_internal.provider_request(delivery.company_id, delivery.id) r;
            exception
                when serialization_failure or deadlock_detected or query_canceled or admin_shutdown
                    or lock_not_available or out_of_memory or disk_full then
                    raise;
                when others then
                    -- one that cannot be made into a request stops no other
                    perform ar_inbox_internal.end_provider_delivery(delivery.id, delivery.company_id, at,
                        'it could not be made ready: ' || sqlerrm);
                    continue;
            end;
            update ar_inbox.deliveries d
            set state = 'handing_off', attempts = d.attempts + 1, next_attempt_at = null
            where d.company_id = delivery.company_id and d.id = delivery.id;
            insert into ar_inbox.delivery_attempts (company_id, delivery_id, attempt_number, started_at)
            values (delivery.company_id, delivery.id, delivery.attempts + 1, at);
            room := room - 1;
            claimed := claimed + 1;
            delivery_id := delivery.id;
            company_id := delivery.company_id;
            provider_id := provider.id;
            url := request.url;
            username := request.username;
            password := request.password;
            headers := request.headers;
            field_names := request.field_names;
            field_values := request.field_values;
            file_field := request.file_field;
            file_name := request.file_name;
            file_type := request.file_type;
            file := request.file;
            return next;
        end loop;
    end loop;
end
$$;

comment on function ar_inbox_internal.claim_provider_deliveries(timestamptz, integer, bigint[], integer[], integer, bigint) is
'Takes text messages and letters that are due for hand-off, judging each a last time, and writes their attempts; a text message outside its hours is put off to the next opening, or rejected where its limit ends before. The caller commits, then makes the requests. per_provider: how many may be under way for one provider, of which busy_counts are; most: in all; after_provider: the one served last, whose turn is over. Nothing where the database is not armed.';
