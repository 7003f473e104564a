-- Mail accounts: setting one; polling, for the worker.

create function ar_inbox_internal.required_mailbox(value text, parameter text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.required_text(value, parameter);
    if value ~ '[[:cntrl:]]' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s %s has a control character', parameter, pg_catalog.quote_literal(value)),
            pg_catalog.format('Give %s as the mail server lists it.', parameter));
    end if;
end
$$;

comment on function ar_inbox_internal.required_mailbox(text, text) is
'Refuses (22023) what cannot be the name of a mailbox (RFC 9051, 5.1); parameter is what the refusal calls it.';

create function ar_inbox_internal.waiting_to_leave(company_id bigint, account_id bigint)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- (two indexes, one snapshot)
    waiting bigint := (
        select pg_catalog.count(*) from ar_inbox.deliveries d
        where d.company_id = waiting_to_leave.company_id and d.mail_account_id = account_id
            and d.next_attempt_at is not null) + (
        select pg_catalog.count(*) from ar_inbox.deliveries d
        where d.company_id = waiting_to_leave.company_id and d.mail_account_id = account_id
            and d.state = 'handing_off');
begin
    return case waiting when 0 then null when 1 then '1 message is waiting to leave'
        else waiting || ' messages are waiting to leave' end;
end
$$;

comment on function ar_inbox_internal.waiting_to_leave(bigint, bigint) is
'What still has to leave by a mail account, those on their way included, as a text to show; NULL: nothing.';

create function ar_inbox_internal.is_mail_server_url(url text, scheme text)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select url ~ ('^' || scheme || 's?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(\?starttls=(always|never))?$')
        and coalesce(pg_catalog.substring(url, ':([0-9]+)(?:\?|$)')::numeric <= 65535, true);
$$;

comment on function ar_inbox_internal.is_mail_server_url(text, text) is
'Whether this is a URL of a mail server and nothing else: host, port up to 65535, whether STARTTLS is demanded. scheme: smtp or imap; that with an s goes, too. NULL: NULL.';

create function ar_inbox.set_mail_account(company_id bigint, from_address ar_inbox.email_address,
    smtp_url text, username text = null, password text = null,
    inbox_address ar_inbox.email_address = null, imap_url text = null, mailbox text = 'INBOX',
    after_fetch text = 'leave', archive_mailbox text = null, plus_addressing boolean = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account bigint;
    waiting text;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if from_address is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'from_address is NULL',
            'Give the address that customers see as the sender.');
    end if;
    if smtp_url is null and imap_url is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'smtp_url and imap_url are both NULL',
            'Give smtp_url for an account that sends, imap_url for one that reads, or both.');
    end if;
    if not ar_inbox_internal.is_mail_server_url(smtp_url, 'smtp') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('smtp_url %s is not an SMTP URL', pg_catalog.quote_literal(smtp_url)),
            'Give smtp://host:port (STARTTLS) or smtps://host:port and nothing else; ?starttls=always demands it of a loopback host too.');
    end if;
    if not ar_inbox_internal.is_mail_server_url(imap_url, 'imap') then
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

    perform ar_inbox_internal.required_mailbox(mailbox, 'mailbox');
    if after_fetch is null or after_fetch not in ('leave', 'flag', 'move') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('after_fetch %s is unknown', pg_catalog.quote_nullable(after_fetch)),
            'Give leave, flag or move.');
    end if;
    if after_fetch = 'move' and archive_mailbox is null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'archive_mailbox is NULL but after_fetch is move',
            'Give the mailbox that messages are moved to; it is made if it is not there.');
    end if;
    if archive_mailbox is not null then
        perform ar_inbox_internal.required_mailbox(archive_mailbox, 'archive_mailbox');
    end if;
    if after_fetch = 'move' and (pg_catalog.btrim(archive_mailbox) = pg_catalog.btrim(mailbox)
        -- this name alone is the same in any letter case (RFC 9051, 5.1)
        or (pg_catalog.upper(pg_catalog.btrim(archive_mailbox)) = 'INBOX' and pg_catalog.upper(pg_catalog.btrim(mailbox)) = 'INBOX'))
    then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('archive_mailbox %s is the mailbox that is read', pg_catalog.quote_literal(archive_mailbox)),
            'Give another mailbox to move messages to.');
    end if;

    perform ar_inbox_internal.take_address(company_id, from_address);
    perform ar_inbox_internal.take_address(company_id, inbox_address);

    if smtp_url is null then
        -- nobody queues for it while this waits for the commit
        select a.id into account from ar_inbox.mail_accounts a
        where a.company_id = set_mail_account.company_id and a.from_address = set_mail_account.from_address
        for update;
        waiting := ar_inbox_internal.waiting_to_leave(company_id, account);
        if waiting is not null then
            perform ar_inbox_internal.refuse('IB002',
                pg_catalog.format('smtp_url is NULL but %s from %s', waiting, from_address),
                'Set it again when they have left.');
        end if;
    end if;

    insert into ar_inbox.mail_accounts as a (company_id, from_address, inbox_address, smtp_url, imap_url,
        username, mailbox, after_fetch, archive_mailbox, plus_addressing, next_poll_at)
    values (set_mail_account.company_id, set_mail_account.from_address, set_mail_account.inbox_address,
        set_mail_account.smtp_url, set_mail_account.imap_url, set_mail_account.username,
        pg_catalog.btrim(set_mail_account.mailbox), set_mail_account.after_fetch,
        pg_catalog.btrim(set_mail_account.archive_mailbox),
        coalesce(set_mail_account.plus_addressing, set_mail_account.inbox_address is not null),
        case when set_mail_account.imap_url is not null then pg_catalog.now() end)
    on conflict on constraint mail_accounts_from_key do update
        set inbox_address = excluded.inbox_address, smtp_url = excluded.smtp_url,
            imap_url = excluded.imap_url, username = excluded.username, mailbox = excluded.mailbox,
            after_fetch = excluded.after_fetch, archive_mailbox = excluded.archive_mailbox,
            plus_addressing = excluded.plus_addressing, next_poll_at = excluded.next_poll_at,
            -- another mailbox counts its messages anew
            uid_validity = case when (a.imap_url, a.username, a.mailbox)
                is not distinct from (excluded.imap_url, excluded.username, excluded.mailbox)
                then a.uid_validity end,
            last_uid = case when (a.imap_url, a.username, a.mailbox)
                is not distinct from (excluded.imap_url, excluded.username, excluded.mailbox)
                then a.last_uid else 0 end,
            unsettled_uids = case when excluded.after_fetch <> 'leave' and (a.imap_url, a.username, a.mailbox)
                is not distinct from (excluded.imap_url, excluded.username, excluded.mailbox)
                then a.unsettled_uids else '{}' end,
            poll_state = 'waiting', poll_failures = 0, poll_error = null, poll_warning = null,
            send_failures = 0, send_error = null, send_retry_at = null,
            changed_at = pg_catalog.clock_timestamp(), removed_at = null
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
        pg_catalog.jsonb_build_object('from_address', from_address, 'smtp_url', smtp_url, 'imap_url', imap_url,
            'mailbox', mailbox, 'after_fetch', after_fetch, 'archive_mailbox', archive_mailbox));
    perform ar_inbox_internal.wake_worker();
end
$$;

comment on function ar_inbox.set_mail_account(bigint, ar_inbox.email_address, text, text, text, ar_inbox.email_address, text, text, text, text, boolean) is
'Sets where the company''s mail leaves and arrives. from_address: the sender customers see; one account for each, and of those with an smtp_url the one set last sends; one that was removed is there again. smtp_url: smtp://host:port (STARTTLS, demanded of every host but loopback) or smtps://host:port; NULL: the account only reads, and imap_url must be given. username, password: for both servers; the password is kept where only the worker reads it. inbox_address: where answers go and by which incoming mail finds the company; NULL: from_address. imap_url: imaps://host:port or imap://host:port; NULL: nothing is fetched. mailbox: the folder read. after_fetch: what becomes of a message there once it is stored: leave (nothing is changed), flag (marked as read, \Seen), move (to archive_mailbox, another folder, made if missing). plus_addressing: whether the server of the inbox address takes mail to local+anything@domain; NULL: true where inbox_address is given, else false. Needs manage. Errors: IB001, 42501, 22023, 22004, 23505 (another company''s address), IB002 (smtp_url NULL while messages wait to leave).';

create function ar_inbox.remove_mail_account(company_id bigint, from_address ar_inbox.email_address)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account bigint;
    waiting text;
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    -- nobody queues for it while this waits for the commit
    select a.id into account from ar_inbox.mail_accounts a
    where a.company_id = remove_mail_account.company_id and a.from_address = remove_mail_account.from_address
        and a.removed_at is null
    for update;
    if not found then
        perform ar_inbox_internal.refuse('IB001',
            pg_catalog.format('company %s has no mail account %s', company_id, coalesce(from_address::text, 'NULL')),
            'Give the from_address of one of ar_inbox.mail_accounts, with removed_at NULL.');
    end if;
    waiting := ar_inbox_internal.waiting_to_leave(company_id, account);
    if waiting is not null then
        perform ar_inbox_internal.refuse('IB002', pg_catalog.format('%s from %s', waiting, from_address),
            'Remove it when they have left, or take back what members wrote with ar_inbox.undo_send() and reminders with ar_inbox.stop_chasing().');
    end if;
    update ar_inbox.mail_accounts a
    set removed_at = pg_catalog.now(), changed_at = pg_catalog.clock_timestamp(),
        next_poll_at = null, poll_state = 'waiting', poll_failures = 0, poll_error = null, poll_warning = null,
        send_failures = 0, send_error = null, send_retry_at = null
    where a.company_id = remove_mail_account.company_id and a.id = account;
    delete from ar_inbox.secrets s
    where s.company_id = remove_mail_account.company_id and s.name = 'mail_account ' || account;
    perform ar_inbox_internal.record_event(company_id, 'mail_account', account, 'removed',
        pg_catalog.jsonb_build_object('from_address', from_address));
    -- it may be connected there
    perform ar_inbox_internal.wake_worker();
end
$$;

comment on function ar_inbox.remove_mail_account(bigint, ar_inbox.email_address) is
'Takes a mail account away: nothing is sent by it and its mailbox is read no more, its password is forgotten; what it sent and fetched stays. Its addresses stay the company''s own, so that mail which comes to them by another way is still filed, until remove_company_address() takes them away. ar_inbox.set_mail_account() brings it back; the same mailbox is then read on from where it was left. Needs manage. Errors: IB001 (no such account), 42501, IB002 (messages wait to leave by it).';

create function ar_inbox_internal.sending_account(company_id bigint)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select a.id from ar_inbox.mail_accounts a
        where a.company_id = sending_account.company_id and a.smtp_url is not null and a.removed_at is null
        order by a.changed_at desc, a.id desc
        limit 1);
end
$$;

comment on function ar_inbox_internal.sending_account(bigint) is 'The company''s mail account that sends: of those with an smtp_url the one set last.';

-- For the worker.

create function ar_inbox_internal.accounts_to_poll(at timestamptz, busy bigint[] = '{}',
    max_accounts integer = 100, healthy_only boolean = false)
returns table (account_id bigint, company_id bigint, imap_url text, username text, password text,
    mailbox text, uid_validity bigint, last_uid bigint,
    after_fetch text, archive_mailbox text, unsettled_uids bigint[], version timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select a.id, a.company_id, a.imap_url, a.username, s.value, a.mailbox,
        coalesce(a.uid_validity, 0), a.last_uid,
        a.after_fetch, a.archive_mailbox, a.unsettled_uids, a.changed_at
    from ar_inbox.mail_accounts a
    left join ar_inbox.secrets s on s.company_id = a.company_id and s.name = 'mail_account ' || a.id
    where a.next_poll_at <= at
        and a.id <> all (busy)
        and (a.poll_failures = 0 or not healthy_only)
    order by a.next_poll_at
    limit max_accounts;
$$;

comment on function ar_inbox_internal.accounts_to_poll(timestamptz, bigint[], integer, boolean) is
'The mailboxes whose turn has come, but for those that are being read, the longest waiting first. healthy_only: not those whose last reading failed. version: of the account''s settings.';

create function ar_inbox_internal.changed_accounts(account_ids bigint[], versions timestamptz[])
returns table (account_id bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select r.id
    -- (unnest of several arrays works by its plain name only)
    from unnest(account_ids, versions) r (id, version)
    where not exists (
        select 1 from ar_inbox.mail_accounts a
        where a.id = r.id and a.changed_at = r.version and a.next_poll_at is not null);
$$;

comment on function ar_inbox_internal.changed_accounts(bigint[], timestamptz[]) is
'Which of these accounts have other settings by now, or are not to be read any more.';

create function ar_inbox_internal.hold_mailbox(account_id bigint, company_id bigint, version timestamptz,
    uid_validity bigint, uids bigint[])
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.mail_accounts a
    set last_uid = case when a.uid_validity = hold_mailbox.uid_validity then a.last_uid else 0 end,
        uid_validity = hold_mailbox.uid_validity,
        unsettled_uids = uids
    where a.company_id = hold_mailbox.company_id and a.id = hold_mailbox.account_id
        and a.changed_at = version;
    return found;
end
$$;

comment on function ar_inbox_internal.hold_mailbox(bigint, bigint, timestamptz, bigint, bigint[]) is
'Begins the transaction that stores a batch of fetched messages: false if the account has other settings by now, and nothing may be stored. uids: those to be flagged or moved after the commit; what the batch before left there is done. Under another UIDVALIDITY the mailbox counts anew.';

create function ar_inbox_internal.record_poll(account_id bigint, company_id bigint, at timestamptz,
    poll_interval interval, error text = null, warning text = null, idle_for interval = null,
    version timestamptz = null)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    -- Failures: the pause doubles each time, up to an hour.
    update ar_inbox.mail_accounts a
    set last_polled_at = at,
        poll_state = case when error is null and idle_for is not null then 'idle' else 'waiting' end,
        poll_error = error,
        poll_warning = case when warning is null then a.poll_warning else nullif(warning, '') end,
        poll_failures = case when error is null then 0 else a.poll_failures + 1 end,
        unsettled_uids = case when error is null then '{}' else a.unsettled_uids end,
        next_poll_at = case
            when a.imap_url is null or a.removed_at is not null then null
            when error is null then at + coalesce(idle_for, poll_interval)
            else at + greatest(poll_interval,
                least(poll_interval * (2 ^ least(a.poll_failures, 12)), interval '1 hour'))
        end
    where a.id = record_poll.account_id and a.company_id = record_poll.company_id
        and (version is null or a.changed_at = version);
$$;

comment on function ar_inbox_internal.record_poll(bigint, bigint, timestamptz, interval, text, text, interval, timestamptz) is
'Writes down how reading a mailbox ended, and when its turn comes again: later each time it fails, up to an hour. warning: what the server would not flag or move, an empty text where it did, NULL where nothing was asked of it. idle_for: it stays connected, and is read again after so long if nothing is heard of it. version: nothing is written if the account has other settings by now.';

create function ar_inbox_internal.forget_idle(at timestamptz)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    update ar_inbox.mail_accounts a
    set poll_state = 'waiting', next_poll_at = least(a.next_poll_at, at)
    where a.poll_state = 'idle' and a.next_poll_at is not null;
$$;

comment on function ar_inbox_internal.forget_idle(timestamptz) is
'The mailboxes that waited for news on a connection which is gone are due now. For the worker, at its start.';
