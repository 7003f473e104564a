-- What is in quarantine, run again: mail that came, and mail that was imported.

create function ar_inbox.reprocess(inbound_id bigint = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    everything boolean := ar_inbox_internal.is_administrator(ar_inbox_internal.caller());
    companies  bigint[] := ar_inbox_internal.companies_of(ar_inbox_internal.caller(), 'manage');
    kept       ar_inbox.inbound_messages;
    candidate  bigint;
    filed      bigint := 0;
begin
    perform ar_inbox_internal.require_installed();
    if inbound_id is not null then
        select m.* into kept from ar_inbox.inbound_messages m where m.id = reprocess.inbound_id;
        if kept.company_id is distinct from 0 or not everything then
            perform ar_inbox_internal.require(nullif(kept.company_id, 0), 'manage', 'incoming message', inbound_id);
        end if;
        if kept.state <> 'quarantine' then
            perform ar_inbox_internal.refuse('IB002',
                pg_catalog.format('incoming message %s is %s', kept.id, kept.state),
                'Only what is in quarantine is run again.');
        elsif kept.message is null then
            perform ar_inbox_internal.refuse('IB002',
                pg_catalog.format('incoming message %s was not fetched: %s', kept.id, kept.reason),
                'Give its bytes to ar_inbox.receive_email().');
        end if;
    elsif not everything and companies = '{}' then
        -- nothing was done, and the reason is not that nothing is there
        perform ar_inbox_internal.refuse('insufficient_privilege', 'permission "manage" is needed',
            'A member with the permission "manage" can give it, by ar_inbox.change_member().');
    end if;
    for candidate in
        select m.id from ar_inbox.inbound_messages m
        where m.state = 'quarantine' and m.message is not null
            and (reprocess.inbound_id is null or m.id = reprocess.inbound_id)
            and (everything or m.company_id = any (companies))
        order by m.id
    loop
        -- one at a time: they may be large; and another session may be at it
        select m.* into kept from ar_inbox.inbound_messages m
        where m.id = candidate and m.state = 'quarantine' for update;
        continue when not found;
        if kept.imported_as is not null then
            perform ar_inbox_internal.import_one(kept.company_id, kept.message, kept.imported_as, kept.received_at);
        else
            perform ar_inbox_internal.take_message(kept.message, nullif(kept.company_id, 0), kept.mail_account_id,
                kept.mailbox, kept.uid_validity, kept.uid, kept.size, null, kept.recipient, kept.id, kept.received_at);
        end if;
        if not exists (select 1 from ar_inbox.inbound_messages m where m.id = candidate and m.state = 'quarantine') then
            filed := filed + 1;
        end if;
    end loop;
    return filed;
end
$$;

comment on function ar_inbox.reprocess(bigint) is
'Runs what is in quarantine again, after a setting, an address or a rule has changed. inbound_id: one message; NULL: all of the companies that the caller manages, for administrators also those that no company was found for. Returns how many have left the quarantine; the others have their new reason. Needs manage. Errors: IB001, 42501, IB002 (not in quarantine, or not fetched from its mailbox).';
