-- Mail accounts: setting one; polling, for the worker.

create function ar_inbox.set_mail_account(company_id bigint, from_address ar_inbox.email_address,
    smtp_url text, username text = null, password text = null,
    inbox_address ar_inbox.email_address = null, imap_url text = null, mailbox text = 'INBOX')
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account bigint;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if from_address is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'from_address is NULL',
            'Give the address that customers see as the sender.');
    end if;
    if smtp_url is null or smtp_url !~ '^smtps?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(\?starttls=(always|never))?$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('smtp_url %s is not an SMTP URL', pg_catalog.quote_nullable(smtp_url)),
            'Give smtp://host:port (STARTTLS) or smtps://host:port and nothing else; ?starttls=always demands it of a loopback host too.');
    end if;
    if imap_url is not null and imap_url !~ '^imaps?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(\?starttls=(always|never))?$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('imap_url %s is not an IMAP URL', pg_catalog.quote_literal(imap_url)),
            'Give imaps://host:port or imap://host:port (STARTTLS) and nothing else; ?starttls=always demands it of a loopback host too.');
    end if;
    if imap_url is not null and username is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'username is NULL but imap_url is given',
            'A mailbox is read with a user name and a password.');
    end if;
    if (username is null) <> (password is null) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'only one of username and password is given',
            'Give both, or neither for a server that asks for no login.');
    end if;
    if username ~ '[\r\n]' or password ~ '[\r\n]' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'username or password has more than one line',
            'Give each in one line.');
    end if;

    perform ar_inbox_internal.take_address(company_id, from_address);
    perform ar_inbox_internal.take_address(company_id, inbox_address);

    insert into ar_inbox.mail_accounts as a (company_id, from_address, inbox_address, smtp_url, imap_url,
        username, mailbox, next_poll_at)
    values (set_mail_account.company_id, set_mail_account.from_address, set_mail_account.inbox_address,
        set_mail_account.smtp_url, set_mail_account.imap_url, set_mail_account.username,
        ar_inbox_internal.required_text(set_mail_account.mailbox, 'mailbox'),
        case when set_mail_account.imap_url is not null then pg_catalog.now() end)
    on conflict on constraint mail_accounts_from_key do update
        set inbox_address = excluded.inbox_address, smtp_url = excluded.smtp_url,
            imap_url = excluded.imap_url, username = excluded.username, mailbox = excluded.mailbox,
            next_poll_at = excluded.next_poll_at,
            -- another mailbox counts its messages anew
            uid_validity = case when (a.imap_url, a.username, a.mailbox)
                is not distinct from (excluded.imap_url, excluded.username, excluded.mailbox)
                then a.uid_validity end,
            last_uid = case when (a.imap_url, a.username, a.mailbox)
                is not distinct from (excluded.imap_url, excluded.username, excluded.mailbox)
                then a.last_uid else 0 end,
            poll_failures = 0, poll_error = null,
            send_failures = 0, send_error = null, send_retry_at = null,
            changed_at = pg_catalog.clock_timestamp()
    returning a.id into account;

    delete from ar_inbox.secrets s
    where s.company_id = set_mail_account.company_id and s.name = 'mail_account ' || account;
    if password is not null then
        insert into ar_inbox.secrets (company_id, name, value)
        values (set_mail_account.company_id, 'mail_account ' || account, password);
    end if;

    -- what waited for the account because its server failed goes out now
    update ar_inbox.deliveries d
    set next_attempt_at = pg_catalog.now()
    where d.company_id = set_mail_account.company_id and d.mail_account_id = account
        and d.state = 'deferred' and d.next_attempt_at > pg_catalog.now();

    perform ar_inbox_internal.record_event(company_id, 'mail_account', account, 'set', null,
        pg_catalog.jsonb_build_object('from_address', from_address, 'smtp_url', smtp_url, 'imap_url', imap_url));
    perform ar_inbox_internal.wake_worker();
end
$$;

comment on function ar_inbox.set_mail_account(bigint, ar_inbox.email_address, text, text, text, ar_inbox.email_address, text, text) is
'Sets where the company''s mail leaves and arrives. from_address: the sender customers see; one account for each, and the one set last sends. smtp_url: smtp://host:port (STARTTLS, demanded of every host but loopback) or smtps://host:port. username, password: for both servers; the password is kept where only the worker reads it. inbox_address: where answers go and by which incoming mail finds the company; NULL: from_address. imap_url: imaps://host:port or imap://host:port; NULL: nothing is fetched. mailbox: the folder read. Needs manage. Errors: IB001, 42501, 22023, 22004, 23505 (another company''s address).';

create function ar_inbox_internal.sending_account(company_id bigint)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select a.id from ar_inbox.mail_accounts a
        where a.company_id = sending_account.company_id
        order by a.changed_at desc, a.id desc
        limit 1);
end
$$;

comment on function ar_inbox_internal.sending_account(bigint) is 'The company''s mail account that sends: the one set last.';

-- For the worker.

create function ar_inbox_internal.accounts_to_poll(at timestamptz, busy bigint[] = '{}')
returns table (account_id bigint, company_id bigint, imap_url text, username text, password text,
    mailbox text, uid_validity bigint, last_uid bigint, max_message_size integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select a.id, a.company_id, a.imap_url, a.username, s.value, a.mailbox,
        coalesce(a.uid_validity, 0), a.last_uid, c.max_message_size
    from ar_inbox.mail_accounts a
    join ar_inbox.companies c on c.id = a.company_id
    left join ar_inbox.secrets s on s.company_id = a.company_id and s.name = 'mail_account ' || a.id
    where a.next_poll_at <= at
        and a.id <> all (busy)
    order by a.next_poll_at
    limit 100;
$$;

comment on function ar_inbox_internal.accounts_to_poll(timestamptz, bigint[]) is
'The mailboxes whose turn has come, but for those that are being read.';

create function ar_inbox_internal.record_poll(account_id bigint, company_id bigint, at timestamptz,
    poll_interval interval, error text = null)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    -- Failures: the pause doubles each time, up to an hour.
    update ar_inbox.mail_accounts a
    set last_polled_at = at,
        poll_error = error,
        poll_failures = case when error is null then 0 else a.poll_failures + 1 end,
        next_poll_at = case
            when a.imap_url is null then null
            when error is null then at + poll_interval
            else at + greatest(poll_interval,
                least(poll_interval * (2 ^ least(a.poll_failures, 12)), interval '1 hour'))
        end
    where a.id = record_poll.account_id and a.company_id = record_poll.company_id;
$$;

comment on function ar_inbox_internal.record_poll(bigint, bigint, timestamptz, interval, text) is
'Writes down how reading a mailbox ended, and when its turn comes again: later each time it fails, up to an hour.';
