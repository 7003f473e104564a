-- Text messages and letters: making one and putting it into the outbox.
--
-- Each is a row of ar_inbox.emails, so that it stands in its thread and is
-- found like any message, and one delivery: to one number, or one address.

create function ar_inbox_internal.queue_for_provider(company_id bigint, thread_id bigint, channel ar_inbox.channel,
    recipient text, postal_address jsonb, subject text, body text, body_html text, template text,
    invoice_id bigint, chasing_step_id bigint, at timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    provider bigint;
    company  ar_inbox.companies;
    new_id   bigint;
begin
    select p.id into provider from ar_inbox.providers p
    where p.company_id = queue_for_provider.company_id and p.channel = queue_for_provider.channel
        and p.removed_at is null
    -- it is not removed before this is in its outbox
    for key share;
    if not found then
        perform ar_inbox_internal.refuse('IB005',
            pg_catalog.format('company %s has no provider for %s', company_id, channel),
            pg_catalog.format('Set one with ar_inbox.set_%s_provider().', channel));
    end if;
    select c.* into company from ar_inbox.companies c where c.id = queue_for_provider.company_id;

    insert into ar_inbox.emails (company_id, thread_id, direction, channel, message_id, subject, from_name,
        body_text, body_html, sent_at, occurred_at, automatic, template, search)
    values (company_id, thread_id, 'outgoing', channel,
        -- no mail has this name: what answers by mail does not answer it
        pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', '') || '@' || channel || '.invalid',
        subject, company.name, body, body_html, at,
        -- a rehearsal of what is to come has happened now
        ar_inbox_internal.next_moment(least(at, pg_catalog.now())), true, template,
        ar_inbox_internal.search_vector(company_id, ar_inbox_internal.searched_subject(subject,
            (select t.subject from ar_inbox.threads t where t.company_id = queue_for_provider.company_id
                and t.id = queue_for_provider.thread_id)),
            pg_catalog.concat_ws(' ', company.name, recipient), body))
    returning id into new_id;

    insert into ar_inbox.deliveries (company_id, email_id, channel, provider_id, recipient, postal_address,
        invoice_id, chasing_step_id, next_attempt_at, give_up_at, created_at)
    values (company_id, new_id, channel, provider, recipient, postal_address, invoice_id, chasing_step_id,
        -- (nothing leaves before its moment, also where that is fired in advance)
        at, at + company.retry_limit, at);
    return new_id;
end
$$;

comment on function ar_inbox_internal.queue_for_provider(bigint, bigint, ar_inbox.channel, text, jsonb, text, text, text, text, bigint, bigint, timestamptz) is
'Makes a text message or letter and queues its delivery. Returns the email''s id. Errors: IB005 (no provider).';

create function ar_inbox_internal.text_message_fault(body text)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when ar_inbox_internal.is_blank(body) then 'the text message is empty'
        when pg_catalog.length(body) > 1600
        then 'the text message has ' || pg_catalog.length(body)::text || ' characters, more than the limit of 1600' end;
end
$$;

comment on function ar_inbox_internal.text_message_fault(text) is
'What keeps this from being a text message; NULL: nothing.';

create function ar_inbox_internal.queue_text_message(company_id bigint, thread_id bigint, phone text, body text,
    template text, invoice_id bigint, chasing_step_id bigint, at timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    number text := ar_inbox_internal.international_phone(phone);
    words  text := pg_catalog.btrim(body, E' \t\r\n');
begin
    if number is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('phone %s is no number a text message can go to', pg_catalog.quote_nullable(phone)),
            'Give it in international form: + and the country code first.');
    elsif ar_inbox_internal.text_message_fault(words) is not null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', ar_inbox_internal.text_message_fault(words),
            'Give a template for text messages that has a text, and a shorter one.');
    end if;
    return ar_inbox_internal.queue_for_provider(company_id, thread_id, 'sms', number, null,
        -- lists show a message by its subject
        pg_catalog.left(pg_catalog.regexp_replace(words, '\s+', ' ', 'g'), 78), words, null, template,
        invoice_id, chasing_step_id, at);
end
$$;

comment on function ar_inbox_internal.queue_text_message(bigint, bigint, text, text, text, bigint, bigint, timestamptz) is
'Makes a text message to one number and queues its delivery. at: the moment it is made. Returns the email''s id. Errors: 22023 (no number, no text, or over 1600 characters), IB005 (no provider).';

create function ar_inbox_internal.queue_letter(company_id bigint, thread_id bigint, address jsonb, subject text,
    body text, body_html text, template text, invoice_id bigint, chasing_step_id bigint, at timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if address is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'address is NULL', 'Give the address the letter goes to.');
    end if;
    perform ar_inbox_internal.check_postal_address(address, 'address');
    if not address ? 'name' and not address ? 'company' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'address names nobody',
            'Give name or company in it.');
    elsif (select c.postal_address is null from ar_inbox.companies c where c.id = queue_letter.company_id) then
        perform ar_inbox_internal.refuse('IB005',
            pg_catalog.format('company %s has no return address', company_id),
            'Set it: ar_inbox.change_settings(…, ''{"postal_address": {…}}'').');
    end if;
    return ar_inbox_internal.queue_for_provider(company_id, thread_id, 'letter',
        ar_inbox_internal.postal_address_line(address), address, subject, body, body_html, template,
        invoice_id, chasing_step_id, at);
end
$$;

comment on function ar_inbox_internal.queue_letter(bigint, bigint, jsonb, text, text, text, text, bigint, bigint, timestamptz) is
'Makes a letter and queues its delivery. address: as customer_postal_address() gives it. at: the moment it is made. Returns the email''s id. Errors: 22023, 22004 (no address), IB005 (no provider, or no return address).';

create function ar_inbox_internal.letter_content(company_id bigint, email_id bigint,
    out content bytea, out type text, out name text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- What is printed is decided here alone: a document drawn as PDF takes
    -- this one's place with its type application/pdf.
    select pg_catalog.convert_to(
            E'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>'
            || ar_inbox_internal.escape_html(e.subject)
            -- the first page's upper part is where the addresses are printed
            || E'</title><style>body { margin: 0.6in; padding-top: 3.4in; font-family: sans-serif; font-size: 11pt; line-height: 1.4; overflow-wrap: break-word; }\ntable { border-collapse: collapse; }</style></head><body>\n'
            -- a letter has its date and says what it is about
            || '<p style="text-align: right">' || ar_inbox_internal.escape_html(ar_inbox_internal.format_date(
                (e.sent_at at time zone c.time_zone)::date, coalesce(k.language, c.language))) || E'</p>\n<p><strong>'
            || ar_inbox_internal.escape_html(e.subject) || E'</strong></p>\n'
            || coalesce(e.body_html, '<p>' || pg_catalog.replace(
                ar_inbox_internal.escape_html(e.body_text), E'\n', E'<br>\n') || '</p>')
            || E'\n</body></html>\n', 'UTF8'),
        'text/html', 'letter.html'
    into content, type, name
    from ar_inbox.emails e
    join ar_inbox.companies c on c.id = e.company_id
    join ar_inbox.threads t on t.company_id = e.company_id and t.id = e.thread_id
    left join ar_inbox.customers k on k.company_id = t.company_id and k.id = t.customer_id
    where e.company_id = letter_content.company_id and e.id = letter_content.email_id;
end
$$;

comment on function ar_inbox_internal.letter_content(bigint, bigint) is
'What is printed as a letter: its bytes, their media type and a file name. The one place that decides it.';

create function ar_inbox_internal.escape_html(value text)
returns text
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;');
$$;

comment on function ar_inbox_internal.escape_html(text) is 'Text as it stands in HTML, outside of tags.';

create function ar_inbox_internal.text_opening(company_id bigint, at timestamptz, number text = null,
    delivery_id bigint = null)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    company ar_inbox.companies;
    here    timestamp;
    opening timestamptz;
begin
    select c.* into company from ar_inbox.companies c where c.id = text_opening.company_id;
    here := at at time zone company.time_zone;
    if pg_catalog.date_part('hour', here) >= company.sms_from_hour
        and pg_catalog.date_part('hour', here) < company.sms_to_hour
        -- one put off to today counts for today; one tried again is the same text message
        and (number is null or company.max_texts_per_number > (
            select count(*) from ar_inbox.deliveries d
            where d.company_id = text_opening.company_id and d.recipient = number and d.channel = 'sms'
                and d.id is distinct from text_opening.delivery_id
                and (d.state = 'handing_off' or (d.state in ('accepted', 'unknown')
                    and exists (select 1 from ar_inbox.delivery_attempts a
                        where a.company_id = d.company_id and a.delivery_id = d.id
                            and a.started_at >= here::date::timestamp at time zone company.time_zone)))))
    then
        return at;
    end if;
    opening := (here::date + pg_catalog.make_interval(hours => company.sms_from_hour)) at time zone company.time_zone;
    if opening <= at then
        opening := (here::date + 1 + pg_catalog.make_interval(hours => company.sms_from_hour)) at time zone company.time_zone;
    end if;
    return opening;
end
$$;

comment on function ar_inbox_internal.text_opening(bigint, timestamptz, text, bigint) is
'When a text message of the company may leave: at that moment, or the next one at which its hours for them (sms_from_hour to sms_to_hour, in its time zone) begin. number: to which it goes; where that has had max_texts_per_number today, besides delivery_id, the next day.';
