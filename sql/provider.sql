-- The providers of text messages and letters: setting one, taking it away.

create function ar_inbox_internal.check_base_url(base_url text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if base_url is null or base_url !~ '^(https://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\]))(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~-]+)*$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('base_url %s cannot be', pg_catalog.quote_nullable(base_url)),
            'Give https://host, with a port and a path if there are any, and no / at the end; http only to localhost, 127.0.0.1 or [::1].');
    end if;
end
$$;

comment on function ar_inbox_internal.check_base_url(text) is
'Raises 22023 unless this can be where a provider''s API is.';

create function ar_inbox_internal.required_secret(value text, parameter text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- the value stands in no message
    if value is null or value !~ '^[!-~]+$' or pg_catalog.length(value) > 500 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s cannot be', parameter),
            pg_catalog.format('Give the %s as the provider shows it: letters, digits and signs without blanks.', parameter));
    end if;
end
$$;

comment on function ar_inbox_internal.required_secret(text, text) is
'Raises 22023 where this cannot be a key or token of a provider; parameter is what the error calls it.';

create function ar_inbox_internal.set_provider(company_id bigint, channel ar_inbox.channel, kind text, base_url text,
    account text, sender text, callback_url text, color boolean, send_secret text, callback_secret text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    provider bigint;
begin
    insert into ar_inbox.providers as p (company_id, channel, kind, base_url, account, sender, callback_url, color)
    values (set_provider.company_id, set_provider.channel, set_provider.kind, set_provider.base_url,
        set_provider.account, set_provider.sender, set_provider.callback_url, set_provider.color)
    on conflict (company_id, channel) where removed_at is null do update
        set kind = excluded.kind, base_url = excluded.base_url, account = excluded.account, sender = excluded.sender,
            callback_url = excluded.callback_url, color = excluded.color,
            send_failures = 0, send_error = null, send_retry_at = null, changed_at = pg_catalog.clock_timestamp()
    returning p.id into provider;

    delete from ar_inbox.secrets s
    where s.company_id = set_provider.company_id
        and s.name in ('provider ' || provider, 'provider ' || provider || ' callback');
    insert into ar_inbox.secrets (company_id, name, value)
    select set_provider.company_id, w.name, w.value
    from (values ('provider ' || provider, send_secret), ('provider ' || provider || ' callback', callback_secret))
        w (name, value)
    where w.value is not null;

    -- what waited because the provider failed goes out now
    update ar_inbox.deliveries d
    set next_attempt_at = pg_catalog.now()
    where d.company_id = set_provider.company_id and d.provider_id = provider
        and d.state = 'deferred' and d.next_attempt_at > pg_catalog.now();
    perform ar_inbox_internal.record_event(company_id, 'provider', provider, 'set', null,
        pg_catalog.jsonb_build_object('channel', channel, 'kind', kind, 'base_url', base_url, 'account', account,
            'sender', sender, 'callback_url', callback_url, 'color', color));
    perform ar_inbox_internal.wake_worker();
end
$$;

comment on function ar_inbox_internal.set_provider(bigint, ar_inbox.channel, text, text, text, text, text, boolean, text, text) is
'Makes this the company''s provider for the channel, with its secrets.';

create function ar_inbox.set_sms_provider(company_id bigint, account_sid text, auth_token text, sender text,
    callback_url text = null, base_url text = 'https://api.twilio.com')
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if account_sid is null or account_sid !~ '^AC[0-9A-Za-z]{10,60}$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('account_sid %s is not an account''s', pg_catalog.quote_nullable(account_sid)),
            'Give the SID of the account as the provider shows it: AC and 32 letters and digits.');
    end if;
    perform ar_inbox_internal.required_secret(auth_token, 'auth_token');
    if sender is null or sender !~ '^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9A-Za-z]{10,60}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('sender %s cannot be', pg_catalog.quote_nullable(sender)),
            'Give the number that texts come from (+ and digits), a short code, a name of at most 11 letters and digits, or the SID of a messaging service (MG…).');
    end if;
    if callback_url !~ '^https?://[^[:space:]<>"]+$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('callback_url %s is not a URL', pg_catalog.quote_literal(callback_url)),
            'Give the http or https URL at which your front end takes the provider''s reports, or NULL for none.');
    end if;
    perform ar_inbox_internal.check_base_url(base_url);
    perform ar_inbox_internal.set_provider(company_id, 'sms', 'twilio', base_url, account_sid, sender, callback_url,
        false, auth_token, auth_token);
end
$$;

comment on function ar_inbox.set_sms_provider(bigint, text, text, text, text, text) is
'Sets who sends the company''s text messages: Twilio, or whoever speaks its Messages API. account_sid, auth_token: of the account; the token is kept where only the worker reads it. sender: the number texts come from (E.164), a short code, a name, or the SID of a messaging service (MG…). callback_url: where the provider reports what became of each text, for record_provider_status(), exactly as it calls it; NULL: it reports nothing. base_url: https, or http to this machine itself. Needs manage. Errors: IB001, 42501, 22023.';

create function ar_inbox.set_letter_provider(company_id bigint, api_key text, webhook_secret text = null,
    color boolean = false, base_url text = 'https://api.lob.com')
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    perform ar_inbox_internal.required_secret(api_key, 'api_key');
    if webhook_secret is not null then
        perform ar_inbox_internal.required_secret(webhook_secret, 'webhook_secret');
    end if;
    if color is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'color is NULL',
            'Give true for letters printed in colour, else false.');
    end if;
    perform ar_inbox_internal.check_base_url(base_url);
    perform ar_inbox_internal.set_provider(company_id, 'letter', 'lob', base_url, null, null, null,
        color, api_key, webhook_secret);
end
$$;

comment on function ar_inbox.set_letter_provider(bigint, text, text, boolean, text) is
'Sets who prints and posts the company''s letters: Lob, or whoever speaks its Letters API. api_key: of the account; webhook_secret: of the webhook that reports what becomes of letters, for record_provider_status(); NULL: no reports are taken. Both are kept where only the worker reads them. color: whether letters are printed in colour. base_url: https, or http to this machine itself. The return address is the company''s setting postal_address. Needs manage. Errors: IB001, 42501, 22023, 22004.';

create function ar_inbox_internal.provider_for(company_id bigint, channel ar_inbox.channel)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select p.id from ar_inbox.providers p
        where p.company_id = provider_for.company_id and p.channel = provider_for.channel and p.removed_at is null);
end
$$;

comment on function ar_inbox_internal.provider_for(bigint, ar_inbox.channel) is
'The company''s provider for the channel; NULL: none is set.';

create function ar_inbox.remove_provider(company_id bigint, channel ar_inbox.channel)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    provider bigint;
    waiting  record;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    -- nobody queues for it while this waits for the commit
    select p.id into provider from ar_inbox.providers p
    where p.company_id = remove_provider.company_id and p.channel = remove_provider.channel and p.removed_at is null
    for update;
    if not found then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('company %s has no provider for %s', company_id, coalesce(channel::text, 'NULL')),
            'Providers are there for sms and letter, where one was set.');
    end if;
    -- steps, then deliveries: the order of record_result()
    perform 1 from ar_inbox.chasing_steps s
    join ar_inbox.deliveries d on d.company_id = s.company_id and d.chasing_step_id = s.id
    where d.company_id = remove_provider.company_id and d.provider_id = provider and d.next_attempt_at is not null
    order by s.id for no key update of s;
    for waiting in
        update ar_inbox.deliveries d
        set state = case d.state when 'unknown' then 'unknown' else 'rejected' end::ar_inbox.delivery_state,
            reason = case d.state when 'unknown' then d.reason
                else 'the provider was removed before it could be handed off' end,
            finished_at = case d.state when 'unknown' then d.finished_at else pg_catalog.now() end,
            next_attempt_at = null
        where d.company_id = remove_provider.company_id and d.provider_id = provider and d.next_attempt_at is not null
        returning d.chasing_step_id
    loop
        if waiting.chasing_step_id is not null then
            perform ar_inbox_internal.settle_step(remove_provider.company_id, waiting.chasing_step_id);
        end if;
    end loop;
    update ar_inbox.providers p set removed_at = pg_catalog.now(), changed_at = pg_catalog.clock_timestamp()
    where p.company_id = remove_provider.company_id and p.id = provider;
    delete from ar_inbox.secrets s
    where s.company_id = remove_provider.company_id and s.name = 'provider ' || provider;
    perform ar_inbox_internal.record_event(company_id, 'provider', provider, 'removed');
end
$$;

comment on function ar_inbox.remove_provider(bigint, ar_inbox.channel) is
'Takes the company''s provider for sms or letter away: what waits for it is rejected, and its steps fail with that reason; what it has sent is still reported on. Needs manage. Errors: IB001 (none is set), 42501.';
