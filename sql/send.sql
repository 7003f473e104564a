-- What members write to customers.

create function ar_inbox_internal.check_recipients(addresses ar_inbox.email_address[], field text)
returns ar_inbox.email_address[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- first this: array_position() takes plain arrays only
    if pg_catalog.array_ndims(addresses) > 1 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s is an array of arrays', field), 'Give a plain array of addresses.');
    elsif pg_catalog.array_position(addresses, null) is not null then
        perform ar_inbox_internal.refuse('null_value_not_allowed', pg_catalog.format('%s contains NULL', field),
            'Give addresses only.');
    end if;
    return coalesce(addresses, '{}');
end
$$;

comment on function ar_inbox_internal.check_recipients(ar_inbox.email_address[], text) is
'The addresses, none for NULL; raises where one of them is NULL.';

create function ar_inbox.send_email(company_id bigint, recipients ar_inbox.email_address[], subject text,
    body text, cc ar_inbox.email_address[] = null, bcc ar_inbox.email_address[] = null,
    thread_id bigint = null, invoice_id bigint = null, customer_id bigint = null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    target bigint;
    thread ar_inbox.threads;
begin
    perform ar_inbox_internal.require_company(company_id, 'send');
    recipients := ar_inbox_internal.check_recipients(recipients, 'recipients');
    cc := ar_inbox_internal.check_recipients(cc, 'cc');
    bcc := ar_inbox_internal.check_recipients(bcc, 'bcc');
    if recipients = '{}' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'recipients is empty',
            'Give at least one address to write to.');
    elsif pg_catalog.cardinality(recipients) + pg_catalog.cardinality(cc) + pg_catalog.cardinality(bcc) > 100 then
        perform ar_inbox_internal.refuse('IB003',
            pg_catalog.format('%s recipients are too many for one message',
                pg_catalog.cardinality(recipients) + pg_catalog.cardinality(cc) + pg_catalog.cardinality(bcc)),
            'Mail servers take up to 100 for one message: send several.');
    end if;
    subject := ar_inbox_internal.required_text(subject, 'subject', 900);
    if coalesce(pg_catalog.btrim(body), '') = '' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    end if;
    if (thread_id is not null)::integer + (invoice_id is not null)::integer + (customer_id is not null)::integer > 1 then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            'more than one of thread_id, invoice_id and customer_id is given',
            'Give the one that the message is about.');
    end if;

    if thread_id is not null then
        select t.* into thread from ar_inbox.threads t where t.id = send_email.thread_id;
        if thread.company_id is distinct from send_email.company_id then
            perform ar_inbox_internal.require(null, 'send', 'thread', thread_id);
        end if;
        target := thread.id;
    elsif invoice_id is not null then
        if not exists (select 1 from ar_inbox.invoices i
                where i.company_id = send_email.company_id and i.id = send_email.invoice_id) then
            perform ar_inbox_internal.require(null, 'send', 'invoice', invoice_id);
        end if;
        target := ar_inbox_internal.invoice_thread(company_id, invoice_id);
    else
        if customer_id is not null and not exists (select 1 from ar_inbox.customers c
                where c.company_id = send_email.company_id and c.id = send_email.customer_id) then
            perform ar_inbox_internal.require(null, 'send', 'customer', customer_id);
        end if;
        insert into ar_inbox.threads (company_id, topic, customer_id, subject)
        values (send_email.company_id, 'message', send_email.customer_id, send_email.subject)
        returning id into target;
    end if;
    return ar_inbox_internal.queue_email(company_id, target, recipients, cc, bcc, subject, body,
        ar_inbox_internal.commonmark_to_html(body), false, null,
        coalesce(invoice_id, thread.invoice_id), null, pg_catalog.now());
end
$$;

comment on function ar_inbox.send_email(bigint, ar_inbox.email_address[], text, text, ar_inbox.email_address[], ar_inbox.email_address[], bigint, bigint, bigint) is
'Writes to any addresses in the company''s name, with the member''s in parentheses. body: CommonMark; it goes out as text and as HTML. thread_id: an existing thread; invoice_id: that invoice''s; otherwise the message starts a thread of its own, about customer_id if given. The worker hands it off. Returns the email''s id. Needs send. Errors: IB001, 42501, 22023 (no recipients, empty subject or body), IB003, IB005 (no mail account).';
