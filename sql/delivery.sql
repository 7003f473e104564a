-- The ledger's side of the hand-off, for the worker; deliveries in doubt.
--
-- The locks are taken in one order everywhere: invoice, steps,
-- deliveries, recipients.

create function ar_inbox_internal.reminder_is_wanted(company_id bigint, step_id bigint)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select case
            when s.payment_id is not null then not exists (select 1 from ar_inbox.payments p
                where p.company_id = s.company_id and p.id = s.payment_id and p.voided_at is not null)
            else i.status = 'issued' and (s.mail is not null or coalesce(i.chasing_enabled, false)) end
        from ar_inbox.chasing_steps s
        join ar_inbox.invoices i on i.company_id = s.company_id and i.id = s.invoice_id
        where s.company_id = reminder_is_wanted.company_id and s.id = reminder_is_wanted.step_id);
end
$$;

comment on function ar_inbox_internal.reminder_is_wanted(bigint, bigint) is
'Whether there is still something to be said by the messages of a step: the invoice is open and chased, the payment of a receipt not voided. Asked at each hand-off, by whatever channel, and before each repeat.';

create function ar_inbox_internal.reminder_is_held(company_id bigint, step_id bigint, at timestamptz)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select h.held
        from ar_inbox.chasing_steps s
        join ar_inbox.invoices i on i.company_id = s.company_id and i.id = s.invoice_id
        cross join lateral ar_inbox_internal.hold_on(i.company_id, i.id, i.customer_id, at) h
        where s.company_id = reminder_is_held.company_id and s.id = reminder_is_held.step_id
            and ar_inbox_internal.is_in_scope(s.mail, 'reminders'));
end
$$;

comment on function ar_inbox_internal.reminder_is_held(bigint, bigint, timestamptz) is
'What holds the messages of a step at that moment; NULL: nothing.';

create function ar_inbox_internal.withdraw_unwanted(company_id bigint, delivery_id bigint, at timestamptz)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
    why      text;
begin
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = withdraw_unwanted.company_id and d.id = withdraw_unwanted.delivery_id;
    if delivery.chasing_step_id is null then
        return false;
    end if;
    why := case when not ar_inbox_internal.reminder_is_wanted(company_id, delivery.chasing_step_id)
        -- the triggers have ended its chasing; nothing may be left
        then 'chasing has ended'
        else 'held: ' || ar_inbox_internal.reminder_is_held(company_id, delivery.chasing_step_id, at) end;
    if why is null then
        return false;
    end if;
    -- elsewhere the step is locked first: whoever has it now goes before, and this one is left for the next time
    perform 1 from ar_inbox.chasing_steps s
    where s.company_id = delivery.company_id and s.id = delivery.chasing_step_id
    for no key update skip locked;
    if found then
        perform ar_inbox_internal.call_back(company_id, delivery.invoice_id, why, 'everything', false,
            delivery.chasing_step_id);
    end if;
    return true;
end
$$;

comment on function ar_inbox_internal.withdraw_unwanted(bigint, bigint, timestamptz) is
'The last judgement before a hand-off, by whatever channel: calls back a waiting reminder, locked with its invoice by the caller, that is wanted no longer or held; left for the next time where somebody else is at its step. Returns whether it must not leave now.';

create function ar_inbox_internal.try_lock_owner(company_id bigint, chasing_step_id bigint, email_id bigint)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if chasing_step_id is not null then
        perform 1 from ar_inbox.chasing_steps s
        where s.company_id = try_lock_owner.company_id and s.id = try_lock_owner.chasing_step_id
        for no key update skip locked;
    else
        perform 1 from ar_inbox.emails e
        join ar_inbox.threads t on t.company_id = e.company_id and t.id = e.thread_id
        where e.company_id = try_lock_owner.company_id and e.id = try_lock_owner.email_id
        for no key update of t skip locked;
    end if;
    return found;
end
$$;

comment on function ar_inbox_internal.try_lock_owner(bigint, bigint, bigint) is
'Locks a delivery''s step, or the thread of a member''s message, which elsewhere are locked before the delivery: false: whoever has it now goes before.';

create function ar_inbox_internal.withdraw_late(company_id bigint, delivery_id bigint, at timestamptz)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
    late     text;
begin
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = withdraw_late.company_id and d.id = withdraw_late.delivery_id;
    if delivery.attempts > 0 or delivery.give_up_at >= at then
        return false;
    end if;
    if ar_inbox_internal.try_lock_owner(delivery.company_id, delivery.chasing_step_id, delivery.email_id) then
        late := pg_catalog.format('given up: it could not be handed off until %s (retry_limit)', delivery.give_up_at);
        update ar_inbox.deliveries d
        set state = 'rejected', reason = late, next_attempt_at = null, finished_at = at
        where d.company_id = delivery.company_id and d.id = delivery.id;
        update ar_inbox.email_recipients r
        set state = 'rejected', reply = late
        where r.company_id = delivery.company_id and r.email_id = delivery.email_id and r.state in ('queued', 'deferred');
        if delivery.chasing_step_id is not null then
            perform ar_inbox_internal.settle_step(delivery.company_id, delivery.chasing_step_id);
        else
            perform ar_inbox_internal.show_failure(delivery.company_id, delivery.email_id, late);
        end if;
    end if;
    return true;
end
$$;

comment on function ar_inbox_internal.withdraw_late(bigint, bigint, timestamptz) is
'Ends a waiting message, locked by the caller (a step''s with its invoice), that was never handed off until the company''s limit, as where nothing was armed, the server was down, or a backup is what it was days ago: its step has failed, the thread of a member''s message is opened, and a member decides. Returns whether it must not leave now.';

create function ar_inbox_internal.claim_deliveries(at timestamptz, per_account integer,
    busy_accounts bigint[] = '{}', busy_counts integer[] = '{}', most integer = 64)
returns table (delivery_id bigint, company_id bigint, account_id bigint, account_version timestamptz,
    smtp_url text, username text, password text, mail_from text, recipients text[], message bytea,
    envelope_id text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    account   record;
    candidate record;
    delivery  ar_inbox.deliveries;
    room      integer;
    claimed   integer := 0;
    attempt   integer;
    key       bytea;
    token     text;
    sender    text;
    wanted    text[];
    barred    ar_inbox.email_address[];
begin
    if not ar_inbox_internal.is_armed() then
        return;
    end if;
    for account in
        -- the accounts with something waiting, one index probe each
        -- (unnest of several arrays works by its plain name only)
        with recursive waiting as (
            (select d.mail_account_id as id from ar_inbox.deliveries d
             where d.next_attempt_at is not null order by d.mail_account_id limit 1)
            union all
            (select n.mail_account_id
             from waiting w
             cross join lateral (
                select d.mail_account_id from ar_inbox.deliveries d
                where d.next_attempt_at is not null and d.mail_account_id > w.id
                order by d.mail_account_id limit 1) n)
        )
        select a.id, a.company_id, a.changed_at, a.smtp_url, a.username, a.from_address, s.value as password,
            case when a.plus_addressing then coalesce(a.inbox_address, a.from_address) end as tagged_by,
            per_account - coalesce((select b.count from unnest(busy_accounts, busy_counts) b (id, count)
                                    where b.id = a.id), 0) as room
        from waiting w
        join ar_inbox.mail_accounts a on a.id = w.id
        left join ar_inbox.secrets s on s.company_id = a.company_id and s.name = 'mail_account ' || a.id
        where a.send_retry_at is null or a.send_retry_at <= at
    loop
        room := least(account.room, most - claimed);
        continue when room <= 0;
        key := ar_inbox_internal.signing_key(account.company_id);
        for candidate in
            select d.id, d.company_id, d.email_id, d.invoice_id, d.chasing_step_id, d.send_at
            from ar_inbox.deliveries d
            where d.mail_account_id = account.id and d.next_attempt_at <= at
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
            if candidate.send_at is not null then
                -- it will be the thread's last message; who files an answer
                -- there has this lock before it looks at deliveries
                perform 1 from ar_inbox.emails e
                join ar_inbox.threads t on t.company_id = e.company_id and t.id = e.thread_id
                where e.company_id = candidate.company_id and e.id = candidate.email_id
                for no key update of t skip locked;
                continue when not found;
            end if;
            select d.* into delivery from ar_inbox.deliveries d
            where d.company_id = candidate.company_id and d.id = candidate.id
            for update skip locked;
            continue when not found or delivery.next_attempt_at is null or delivery.next_attempt_at > at;

            continue when candidate.chasing_step_id is not null
                and ar_inbox_internal.withdraw_unwanted(candidate.company_id, candidate.id, at);
            continue when ar_inbox_internal.withdraw_late(candidate.company_id, candidate.id, at);

            -- suppressed since it was queued
            select pg_catalog.array_agg(distinct r.address) filter (where s.id is null)::text[],
                pg_catalog.array_agg(r.address) filter (where s.id is not null)
            into wanted, barred
            from ar_inbox.email_recipients r
            left join ar_inbox.suppressions s on s.address = r.address and s.company_id = r.company_id
                and s.lifted_at is null and (s.until is null or s.until > at)
            where r.company_id = delivery.company_id and r.email_id = delivery.email_id
                and r.state in ('queued', 'deferred', 'unknown', 'handing_off');
            if barred is not null then
                continue when not ar_inbox_internal.bar_recipients(delivery.id, delivery.company_id, barred, at);
                continue when wanted is null;
            end if;

            attempt := delivery.attempts + 1;
            token := ar_inbox_internal.sign_token(key, 'b', delivery.id);
            -- an address that a bounce comes back to; the same at every attempt
            sender := coalesce(delivery.return_path,
                ar_inbox_internal.tagged_address(account.tagged_by::text, token));
            update ar_inbox.deliveries d
            set state = 'handing_off', attempts = attempt, next_attempt_at = null, return_path = sender
            where d.company_id = delivery.company_id and d.id = delivery.id;
            insert into ar_inbox.delivery_attempts (company_id, delivery_id, attempt_number, started_at)
            values (delivery.company_id, delivery.id, attempt, at);
            if delivery.send_at is not null and attempt = 1 then
                update ar_inbox.emails e
                set occurred_at = greatest(e.occurred_at, at)
                where e.company_id = delivery.company_id and e.id = delivery.email_id;
                update ar_inbox.threads t
                set last_message_at = at, last_email_id = e.id, last_direction = 'outgoing'
                from ar_inbox.emails e
                where e.company_id = delivery.company_id and e.id = delivery.email_id
                    and t.company_id = e.company_id and t.id = e.thread_id
                    and coalesce(t.last_message_at <= at, true);
            end if;
            room := room - 1;
            claimed := claimed + 1;
            return query
                select delivery.id, delivery.company_id, account.id, account.changed_at, account.smtp_url,
                    account.username, account.password, coalesce(sender, account.from_address::text),
                    wanted, e.message, token
                from ar_inbox.emails e
                where e.company_id = delivery.company_id and e.id = delivery.email_id;
        end loop;
    end loop;
end
$$;

comment on function ar_inbox_internal.claim_deliveries(timestamptz, integer, bigint[], integer[], integer) is
'Takes deliveries that are due for hand-off, judging each a last time, and writes their attempts. Recipients suppressed in the meantime are rejected. mail_from: the return path, which tells whose bounce comes back to it; envelope_id: the same token for DSN (RFC 3461). The caller commits, then hands them off. per_account: how many may be under way for one mail account, of which busy_counts are. Nothing where the database is not armed.';

create function ar_inbox_internal.show_failure(company_id bigint, email_id bigint, reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    thread ar_inbox.threads;
begin
    select t.* into thread
    from ar_inbox.emails e
    join ar_inbox.threads t on t.company_id = e.company_id and t.id = e.thread_id
    where e.company_id = show_failure.company_id and e.id = show_failure.email_id;
    if thread.status <> 'open' then
        update ar_inbox.threads t set status = 'open', snoozed_until = null
        where t.company_id = thread.company_id and t.id = thread.id;
    end if;
    perform ar_inbox_internal.record_event(company_id, 'thread', thread.id, 'not delivered',
        pg_catalog.to_jsonb(thread.status),
        pg_catalog.jsonb_build_object('email_id', email_id, 'reason', reason));
end
$$;

comment on function ar_inbox_internal.show_failure(bigint, bigint, text) is
'Opens the thread, locked by the caller, of a member''s message that did not get to somebody, and writes down why, as a bounce would.';

create function ar_inbox_internal.bar_recipients(delivery_id bigint, company_id bigint,
    addresses ar_inbox.email_address[], at timestamptz)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
    refused  text;
    accepted boolean;
begin
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = bar_recipients.company_id and d.id = bar_recipients.delivery_id;
    if not ar_inbox_internal.try_lock_owner(delivery.company_id, delivery.chasing_step_id, delivery.email_id) then
        return false;
    end if;
    update ar_inbox.email_recipients r
    set state = 'rejected', code = null, enhanced_code = null,
        reply = ar_inbox_internal.suppression_of(r.company_id, r.address, bar_recipients.at)
    where r.company_id = delivery.company_id and r.email_id = delivery.email_id and r.address = any (addresses)
        and r.state in ('queued', 'deferred', 'unknown', 'handing_off');
    if delivery.chasing_step_id is null then
        perform ar_inbox_internal.show_failure(delivery.company_id, delivery.email_id, 'refused for ' || (
            select pg_catalog.string_agg(pg_catalog.format('%s: %s', r.address, r.reply), '; ' order by r.id)
            from ar_inbox.email_recipients r
            where r.company_id = delivery.company_id and r.email_id = delivery.email_id
                and r.address = any (addresses) and r.state = 'rejected'));
    end if;
    if exists (select 1 from ar_inbox.email_recipients r
            where r.company_id = delivery.company_id and r.email_id = delivery.email_id
                and r.state in ('queued', 'deferred', 'unknown', 'handing_off')) then
        return true;
    end if;

    -- nobody is left to hand it off to
    select pg_catalog.string_agg(pg_catalog.format('%s: %s', r.address, r.reply), '; ' order by r.id)
            filter (where r.state = 'rejected'),
        pg_catalog.bool_or(r.state = 'accepted')
    into refused, accepted
    from ar_inbox.email_recipients r
    where r.company_id = delivery.company_id and r.email_id = delivery.email_id;
    update ar_inbox.deliveries d
    set state = case when accepted then 'accepted' else 'rejected' end::ar_inbox.delivery_state,
        reason = 'refused for ' || refused, next_attempt_at = null, finished_at = bar_recipients.at
    where d.company_id = delivery.company_id and d.id = delivery.id;
    if delivery.chasing_step_id is not null then
        perform ar_inbox_internal.settle_step(delivery.company_id, delivery.chasing_step_id);
    end if;
    return true;
end
$$;

comment on function ar_inbox_internal.bar_recipients(bigint, bigint, ar_inbox.email_address[], timestamptz) is
'Rejects recipients of a delivery that the caller has locked, as they are suppressed; with nobody left the delivery ends. False where somebody else is at its chasing step or, of a member''s message, its thread: it is left for the next time.';

create function ar_inbox_internal.retry_pause(attempts integer)
returns interval
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select least(interval '1 minute' * (2 ^ least(attempts - 1, 10)), interval '1 hour');
$$;

comment on function ar_inbox_internal.retry_pause(integer) is
'How long to wait after so many attempts: 1, 2, 4, … minutes, at most an hour.';

create function ar_inbox_internal.record_result(delivery_id bigint, company_id bigint, at timestamptz,
    outcome text, code integer, enhanced_code text, reply text, queue_id text = null,
    addresses text[] = '{}', outcomes text[] = '{}', codes integer[] = '{}',
    enhanced_codes text[] = '{}', replies text[] = '{}', by_name boolean[] = '{}')
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
    company  ar_inbox.companies;
    step     bigint;
    email    bigint;
    over     boolean;
    refused  text;
    bounced  text;
    waiting  integer;
    accepted integer;
    failing  boolean;
    gone     record;
begin
    -- The step first, then the delivery: as a payment takes them.  Of a member's
    -- message the thread, as who files an answer or a bounce takes it.
    select d.chasing_step_id, d.email_id into step, email from ar_inbox.deliveries d
    where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
    failing := step is null and (outcome not in ('accepted', 'unknown') or 'rejected' = any (outcomes));
    if step is not null then
        perform 1 from ar_inbox.chasing_steps s
        where s.company_id = record_result.company_id and s.id = step
        for no key update;
    elsif failing then
        perform ar_inbox_internal.lock_thread_of(company_id, email);
    end if;
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = record_result.company_id and d.id = record_result.delivery_id
    for update;
    if delivery.state is distinct from 'handing_off' then
        return;             -- recorded before
    end if;
    select c.* into company from ar_inbox.companies c where c.id = record_result.company_id;

    update ar_inbox.delivery_attempts a
    set finished_at = greatest(at, a.started_at), outcome = record_result.outcome, code = record_result.code,
        enhanced_code = record_result.enhanced_code, reply = record_result.reply
    where a.company_id = record_result.company_id and a.delivery_id = record_result.delivery_id
        and a.attempt_number = delivery.attempts and a.finished_at is null;

    update ar_inbox.email_recipients r
    set state = n.outcome::ar_inbox.delivery_state, code = n.code, enhanced_code = n.enhanced_code, reply = n.reply
    from unnest(addresses, outcomes, codes, enhanced_codes, replies)
        n (address, outcome, code, enhanced_code, reply)
    where r.company_id = record_result.company_id and r.email_id = delivery.email_id
        and r.address = n.address::ar_inbox.email_address
        and r.state in ('queued', 'deferred', 'unknown', 'handing_off');
    if addresses = '{}' then
        update ar_inbox.email_recipients r
        set state = case record_result.outcome when 'not_sent' then 'deferred'
                else record_result.outcome end::ar_inbox.delivery_state,
            code = record_result.code, enhanced_code = record_result.enhanced_code, reply = record_result.reply
        where r.company_id = record_result.company_id and r.email_id = delivery.email_id
            and r.state in ('queued', 'deferred', 'unknown', 'handing_off');
    end if;

    select count(*) filter (where r.state in ('queued', 'deferred')),
        count(*) filter (where r.state = 'accepted'),
        pg_catalog.string_agg(pg_catalog.format('%s: %s', r.address, r.reply), '; ' order by r.id)
            filter (where r.state = 'rejected'),
        pg_catalog.string_agg(pg_catalog.format('%s: %s', r.address, r.reply), '; ' order by r.id)
            filter (where r.state = 'bounced')
    into waiting, accepted, refused, bounced
    from ar_inbox.email_recipients r
    where r.company_id = record_result.company_id and r.email_id = delivery.email_id;

    -- Paid while it was under way, though the payment was taken back since: there
    -- is no second attempt.
    over := delivery.chasing_step_id is not null
        and (delivery.crossed_with_payment
            or not ar_inbox_internal.reminder_is_wanted(company_id, delivery.chasing_step_id));

    if outcome = 'unknown' then
        update ar_inbox.deliveries d
        set state = 'unknown', code = record_result.code, reply = record_result.reply,
            reason = 'in doubt: ' || record_result.reply,
            next_attempt_at = case when company.resend_in_doubt and not over and at < d.give_up_at
                then at + ar_inbox_internal.retry_pause(d.attempts) end
        where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
    elsif waiting > 0 and over then
        update ar_inbox.deliveries d
        set state = case when accepted > 0 then 'accepted' else 'cancelled' end::ar_inbox.delivery_state,
            reason = 'chasing has ended', code = record_result.code, reply = record_result.reply,
            crossed_with_payment = d.crossed_with_payment and accepted > 0, finished_at = at
        where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
        update ar_inbox.email_recipients r
        set state = 'cancelled'
        where r.company_id = record_result.company_id and r.email_id = delivery.email_id
            and r.state in ('queued', 'deferred');
    elsif waiting > 0 and at + ar_inbox_internal.retry_pause(delivery.attempts) <= delivery.give_up_at then
        update ar_inbox.deliveries d
        set state = 'deferred', code = record_result.code, enhanced_code = record_result.enhanced_code,
            reply = record_result.reply, reason = record_result.reply,
            next_attempt_at = at + ar_inbox_internal.retry_pause(d.attempts)
        where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
    elsif waiting > 0 and accepted = 0 then
        update ar_inbox.deliveries d
        set state = 'rejected', crossed_with_payment = false, code = record_result.code,
            enhanced_code = record_result.enhanced_code,
            reply = record_result.reply, finished_at = at,
            reason = pg_catalog.format('given up after %s attempts: %s', d.attempts, record_result.reply)
        where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
    elsif accepted > 0 then
        update ar_inbox.deliveries d
        set state = 'accepted', code = record_result.code, enhanced_code = record_result.enhanced_code,
            reply = record_result.reply, queue_id = coalesce(record_result.queue_id, d.queue_id), finished_at = at,
            reason = case when waiting > 0 then 'given up for some: ' || record_result.reply
                when refused is not null then 'refused for ' || refused
                when bounced is not null then 'bounced for ' || bounced end
        where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
    else
        -- a bounce can be quicker than the answer to the hand-off
        update ar_inbox.deliveries d
        set state = case when bounced is null then 'rejected' else 'bounced' end::ar_inbox.delivery_state,
            crossed_with_payment = false, code = r.code, enhanced_code = r.enhanced_code,
            reply = r.reply, finished_at = at,
            reason = coalesce('bounced for ' || bounced, 'refused for ' || refused, record_result.reply)
        from (
            -- the answer to the hand-off, or what the bounce says
            select record_result.code, record_result.enhanced_code, record_result.reply
            where bounced is null
            union all
            (select o.code, o.enhanced_code, o.reply from ar_inbox.email_recipients o
            where o.company_id = record_result.company_id and o.email_id = delivery.email_id and o.state = 'bounced'
            order by o.id limit 1)) r
        where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
    end if;

    if step is not null then
        perform ar_inbox_internal.settle_step(company_id, step);
    elsif failing then
        select d.* into delivery from ar_inbox.deliveries d
        where d.company_id = record_result.company_id and d.id = record_result.delivery_id;
        if delivery.state = 'rejected' or (waiting > 0 and delivery.state = 'accepted') then
            perform ar_inbox_internal.show_failure(company_id, email, delivery.reason);
        elsif 'rejected' = any (outcomes) then
            perform ar_inbox_internal.show_failure(company_id, email, 'refused for ' || refused);
        end if;
    end if;

    -- Who does not exist is written to no more: a bounce is not waited for.  What
    -- was said of the message, or of its sender, is not about the address.
    for gone in
        -- (unnest of several arrays works by its plain name only)
        select n.address::ar_inbox.email_address as address, n.enhanced_code as status,
            pg_catalog.concat_ws(' ', n.code, nullif(n.enhanced_code, ''),
                pg_catalog.regexp_replace(n.reply, '\s+', ' ', 'g')) as words
        from unnest(addresses, outcomes, codes, enhanced_codes, replies, by_name)
            n (address, outcome, code, enhanced_code, reply, by_name)
        where n.outcome = 'rejected' and n.by_name
        -- two sessions with the same addresses take them in one order
        order by 1
    loop
        if ar_inbox_internal.bounce_kind(gone.status, gone.words) = 'hard' then
            perform ar_inbox_internal.suppress_address(company_id, gone.address, 'bounce', gone.words);
        end if;
    end loop;
end
$$;

comment on function ar_inbox_internal.record_result(bigint, bigint, timestamptz, text, integer, text, text, text, text[], text[], integer[], text[], text[], boolean[]) is
'Writes down how an attempt ended. outcome: accepted, partial, deferred, rejected, unknown, not_sent; then what was said of each recipient, where it was said of each. by_name: whether the recipient itself was refused (RCPT), and not the message: one that does not exist is suppressed. A delivery not yet through is tried again after a growing pause until its company''s limit. A member''s message that does not get to somebody opens its thread. Recording the same attempt again does nothing.';

create function ar_inbox_internal.settle_step(company_id bigint, step_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.chasing_steps s
    set state = case
            when d.failed is not null or s.failures is not null then 'failed'
            when d.accepted > 0 then 'sent'
            when d.held then 'withheld'
            else 'cancelled' end::ar_inbox.step_state,
        reason = nullif(pg_catalog.concat_ws('; ',
            (select pg_catalog.string_agg(f.value, '; ' order by f.key) from pg_catalog.jsonb_each_text(s.failures) f),
            coalesce(d.failed, d.reason),
            -- a channel that was withheld when it fired
            s.reason), '')
    from (
        select count(*) filter (where l.state in ('queued', 'handing_off', 'deferred')
                or (l.state = 'unknown' and l.next_attempt_at is not null)
                -- in doubt, and a member decides, while it is still wanted
                or (l.state = 'unknown' and w.wanted and not c.resend_in_doubt)) as pending,
            count(*) filter (where l.state in ('accepted', 'unknown')) as accepted,
            pg_catalog.string_agg(pg_catalog.format('%s: %s', l.channel, l.reason), '; ' order by l.id)
                filter (where l.state in ('rejected', 'bounced')
                    -- in doubt to the end
                    or (l.state = 'unknown' and w.wanted)) as failed,
            pg_catalog.bool_or(l.state = 'cancelled' and l.reason like 'held: %') as held,
            pg_catalog.string_agg(distinct l.reason, '; ') as reason
        from ar_inbox.deliveries l
        join ar_inbox.companies c on c.id = l.company_id
        cross join (select ar_inbox_internal.reminder_is_wanted(company_id, step_id)) w (wanted)
        where l.company_id = settle_step.company_id and l.chasing_step_id = settle_step.step_id
            -- of a step that was tried again, what became of it the last time
            and not exists (
                select 1 from ar_inbox.deliveries n
                where n.company_id = l.company_id and n.chasing_step_id = l.chasing_step_id and n.channel = l.channel
                    and n.created_at > l.created_at)
    ) d
    where s.company_id = settle_step.company_id and s.id = settle_step.step_id
        and s.state = 'sending' and d.pending = 0;
end
$$;

comment on function ar_inbox_internal.settle_step(bigint, bigint) is
'Gives a step in state sending its end, once each of its deliveries has one: failed if a channel failed, else sent; withheld where a hold called back all of it.';

create function ar_inbox.resolve_delivery(delivery_id bigint, resend boolean)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    delivery ar_inbox.deliveries;
begin
    select d.* into delivery from ar_inbox.deliveries d where d.id = resolve_delivery.delivery_id;
    perform ar_inbox_internal.require(delivery.company_id, 'send', 'delivery', delivery_id);
    if resend is null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', 'resend is NULL',
            'Give true to hand it off again, false to take it as delivered.');
    end if;
    -- in the order of record_result()
    if delivery.chasing_step_id is not null then
        perform 1 from ar_inbox.chasing_steps s
        where s.company_id = delivery.company_id and s.id = delivery.chasing_step_id for no key update;
    end if;
    select d.* into delivery from ar_inbox.deliveries d
    where d.company_id = delivery.company_id and d.id = delivery.id for update;
    if delivery.state <> 'unknown' then
        perform ar_inbox_internal.refuse('IB002',
            pg_catalog.format('delivery %s is %s', delivery.id, delivery.state),
            'Only a delivery in doubt (state unknown) waits for a decision.');
    end if;
    if resend then
        if delivery.chasing_step_id is not null
            and not ar_inbox_internal.reminder_is_wanted(delivery.company_id, delivery.chasing_step_id)
        then
            perform ar_inbox_internal.refuse('IB002',
                pg_catalog.format('delivery %s is a reminder for an invoice that is no longer chased', delivery.id),
                'Nothing more leaves for it.');
        end if;
        if delivery.mail_account_id is not null then
            -- (as who queues)
            perform 1 from ar_inbox.mail_accounts a
            where a.company_id = delivery.company_id and a.id = delivery.mail_account_id
                and a.smtp_url is not null and a.removed_at is null
            for key share;
            if not found then
                perform ar_inbox_internal.refuse('IB002',
                    pg_catalog.format('delivery %s was to leave by a mail account that sends no more', delivery.id),
                    'Set the account again with ar_inbox.set_mail_account(), or take the message as delivered (resend false).');
            end if;
        end if;
    end if;
    -- what had been made of the step without knowing is open again
    update ar_inbox.chasing_steps s set state = 'sending', reason = null
    where s.company_id = delivery.company_id and s.id = delivery.chasing_step_id and s.state in ('failed', 'sent');
    if resend then
        -- (of a payment that it crossed with and that was taken back nothing is left)
        update ar_inbox.deliveries d
        set next_attempt_at = pg_catalog.now(), crossed_with_payment = false,
            give_up_at = greatest(d.give_up_at, pg_catalog.now() + c.retry_limit)
        from ar_inbox.companies c
        where c.id = d.company_id and d.company_id = delivery.company_id and d.id = delivery.id;
    else
        update ar_inbox.deliveries d
        set state = 'accepted', next_attempt_at = null, finished_at = pg_catalog.now(),
            reason = 'in doubt, taken as delivered'
        where d.company_id = delivery.company_id and d.id = delivery.id;
        update ar_inbox.email_recipients r set state = 'accepted'
        where r.company_id = delivery.company_id and r.email_id = delivery.email_id and r.state = 'unknown';
        if delivery.chasing_step_id is not null then
            perform ar_inbox_internal.settle_step(delivery.company_id, delivery.chasing_step_id);
        end if;
    end if;
    perform ar_inbox_internal.record_event(delivery.company_id, 'delivery', delivery.id,
        case when resend then 'handed off again' else 'taken as delivered' end);
end
$$;

comment on function ar_inbox.resolve_delivery(bigint, boolean) is
'Decides a delivery that is in doubt (state unknown), for companies that do not want such messages resent by themselves (resend_in_doubt false). resend: true hands it off again under the same Message-ID, false takes it as delivered. Needs send. Errors: IB001, 42501, IB002 (not in doubt; no longer chased; its mail account sends no more), 22004.';

create function ar_inbox_internal.record_account_failure(account_id bigint, company_id bigint,
    at timestamptz, error text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ar_inbox.mail_accounts a
    set send_failures = case when error is null then 0 else a.send_failures + 1 end,
        send_error = error,
        send_retry_at = case when error is not null
            then at + least(interval '5 seconds' * (2 ^ least(a.send_failures, 10)), interval '30 minutes') end
    where a.company_id = record_account_failure.company_id and a.id = record_account_failure.account_id
        -- several connections that fail together are one failure
        and case when error is null then a.send_failures > 0
            else a.send_retry_at is null or a.send_retry_at <= at end;
end
$$;

comment on function ar_inbox_internal.record_account_failure(bigint, bigint, timestamptz, text) is
'Writes down that the account''s mail server could not be reached or refused the login (error NULL: that it works again), and when it is tried next: 5, 10, 20, … seconds later, at most 30 minutes.';

create function ar_inbox_internal.confirm_delivery(delivery_id bigint, company_id bigint)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return ar_inbox_internal.is_armed() and exists (
        select 1 from ar_inbox.deliveries d
        where d.company_id = confirm_delivery.company_id and d.id = confirm_delivery.delivery_id
            and d.state = 'handing_off'
            and (d.chasing_step_id is null
                or (not d.crossed_with_payment
                    and ar_inbox_internal.reminder_is_wanted(d.company_id, d.chasing_step_id)
                    and ar_inbox_internal.reminder_is_held(d.company_id, d.chasing_step_id, pg_catalog.now()) is null)));
end
$$;

comment on function ar_inbox_internal.confirm_delivery(bigint, bigint) is
'Whether a claimed delivery is still wanted: asked when its connection took time to come about, during which the invoice may have been paid or held, or the database disarmed.';

create function ar_inbox_internal.settle_interrupted(at timestamptz, delivery_ids bigint[] = null)
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lost record;
    held bigint[] := array[]::bigint[];
begin
    for lost in
        select d.id, d.company_id, d.provider_id from ar_inbox.deliveries d
        -- in the order in which a payment locks an invoice's steps
        where d.state = 'handing_off' and (delivery_ids is null or d.id = any (delivery_ids))
        order by d.chasing_step_id, d.id
    loop
        begin
            if lost.provider_id is not null then
                perform ar_inbox_internal.record_provider_answer(lost.id, lost.company_id, at, true, null, null, null,
                    'the server stopped while the message was being handed off');
                continue;
            end if;
            perform ar_inbox_internal.record_result(lost.id, lost.company_id, at, 'unknown', null, null,
                'the server stopped while the message was being handed off');
            -- its pause was the time the server was away
            update ar_inbox.deliveries d set next_attempt_at = at
            where d.company_id = lost.company_id and d.id = lost.id and d.next_attempt_at is not null;
        exception when lock_not_available then
            -- one that somebody holds keeps no other from going on
            held := held || lost.id;
        end;
    end loop;
    return held;
end
$$;

comment on function ar_inbox_internal.settle_interrupted(timestamptz, bigint[]) is
'What an earlier worker left in flight becomes unknown, and is handed off again under the same Message-ID where its company wants that; text messages and letters as record_provider_answer() says. Returns the ids of those that somebody holds, to be called again with. For the worker, at its start.';
