-- The texts of messages: the company's templates, and the values they are filled with.

create function ar_inbox_internal.money(amount numeric, currency text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- a price may be finer than the currency: 0.00125 a piece
    digits integer := greatest(ar_inbox_internal.currency_digits(currency),
        pg_catalog.scale(pg_catalog.trim_scale(amount)));
begin
    return currency || ' ' || pg_catalog.to_char(amount, 'FM999,999,999,999,999,990'
        || case when digits > 0 then '.' || pg_catalog.repeat('0', digits) else '' end);
end
$$;

comment on function ar_inbox_internal.money(numeric, text) is
'An amount as a reader expects it, with at least the currency''s decimal places: USD 1,250.00.';

create function ar_inbox_internal.party_values(company_id bigint, customer_id bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select pg_catalog.jsonb_build_object(
            'company', pg_catalog.jsonb_build_object('name', c.name, 'currency', c.currency),
            'customer', case when k.id is not null
                then pg_catalog.jsonb_build_object('name', k.name, 'number', k.number) end)
        from ar_inbox.companies c
        left join ar_inbox.customers k on k.company_id = c.id and k.id = party_values.customer_id
        where c.id = party_values.company_id);
end
$$;

comment on function ar_inbox_internal.party_values(bigint, bigint) is
'The values of both sides that templates know: company, customer (null where it is not known).';

create function ar_inbox_internal.invoice_values(company_id bigint, invoice_id bigint, at timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select ar_inbox_internal.party_values(i.company_id, i.customer_id) || pg_catalog.jsonb_build_object(
            'invoice', pg_catalog.jsonb_build_object(
                'number', i.number,
                'currency', i.currency,
                'issue_date', i.issue_date,
                'due_date', i.due_date,
                'total', ar_inbox_internal.money(i.total, i.currency),
                'paid', case when i.paid > 0 then ar_inbox_internal.money(i.paid, i.currency) end,
                'balance', ar_inbox_internal.money(i.balance, i.currency),
                'days_past_due', case when (at at time zone c.time_zone)::date > i.due_date
                    then (at at time zone c.time_zone)::date - i.due_date end),
            'lines', (
                select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'description', l.description,
                    'quantity', pg_catalog.trim_scale(l.quantity)::text,
                    'unit_price', ar_inbox_internal.money(l.unit_price, i.currency),
                    'amount', ar_inbox_internal.money(l.amount, i.currency)) order by l.line_number)
                from ar_inbox.invoice_lines l
                where l.company_id = i.company_id and l.invoice_id = i.id))
        from ar_inbox.invoices i
        join ar_inbox.companies c on c.id = i.company_id
        where i.company_id = invoice_values.company_id and i.id = invoice_values.invoice_id);
end
$$;

comment on function ar_inbox_internal.invoice_values(bigint, bigint, timestamptz) is
'The values that templates know: company, customer, invoice, lines.';

create function ar_inbox_internal.template_text(company_id bigint, template_name text, language text,
    out subject text, out body text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select t.subject, t.body into subject, body
    from ar_inbox.templates t
    join ar_inbox.companies c on c.id = t.company_id
    where t.company_id = template_text.company_id and t.name = template_name
        and t.language in (template_text.language, c.language)
    order by t.language = template_text.language desc nulls last
    limit 1;
    if found then
        return;
    end if;

    case template_name
        when 'new_invoice' then
            subject := 'Invoice {{invoice.number}} from {{company.name}}';
            body := $text$Dear {{customer.name}},

Here is invoice {{invoice.number}} of {{invoice.issue_date}} over **{{invoice.total}}**.
Please pay it by {{invoice.due_date}}.

{{#lines}}
- {{description}}: {{quantity}} × {{unit_price}} = {{amount}}
{{/lines}}

If anything is unclear, just answer this message.

Kind regards,
{{company.name}}
$text$;
        when 'invoice_reminder' then
            subject := 'Reminder: invoice {{invoice.number}} from {{company.name}}';
            body := $text$Dear {{customer.name}},

A short reminder of invoice {{invoice.number}} of {{invoice.issue_date}}: **{{invoice.balance}}** are open, due on
{{invoice.due_date}}.

If you have paid in the meantime, please disregard this message. If anything is unclear, just answer it.

Kind regards,
{{company.name}}
$text$;
        when 'past_due_invoice' then
            subject := 'Past due: invoice {{invoice.number}} from {{company.name}}';
            body := $text$Dear {{customer.name}},

Invoice {{invoice.number}} of {{invoice.issue_date}} was due on {{invoice.due_date}} and is now {{invoice.days_past_due}} days
past due. **{{invoice.balance}}** are open. Please pay them, or tell us when you will by answering this message.

If you have paid in the meantime, please disregard this message.

Kind regards,
{{company.name}}
$text$;
    end case;
end
$$;

comment on function ar_inbox_internal.template_text(bigint, text, text) is
'The company''s template in the language, else in its own language, else the built-in one.';

create function ar_inbox.set_template(company_id bigint, name text, subject text, body text, language text = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    if name is null or name not in ('new_invoice', 'invoice_reminder', 'past_due_invoice') then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('template %s is not known', pg_catalog.quote_nullable(name)),
            'Templates are new_invoice, invoice_reminder and past_due_invoice.');
    elsif coalesce(pg_catalog.btrim(body), '') = '' then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    elsif language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('language %s has not the form of a language tag', pg_catalog.quote_literal(language)),
            'Give a BCP 47 tag, such as ''en'' or ''pt-BR''.');
    end if;
    perform ar_inbox_internal.check_template(subject);
    perform ar_inbox_internal.check_template(body);
    insert into ar_inbox.templates as t (company_id, name, language, subject, body)
    values (company_id, name,
        coalesce(language, (select c.language from ar_inbox.companies c where c.id = set_template.company_id)),
        ar_inbox_internal.required_text(set_template.subject, 'subject', 900), set_template.body)
    on conflict on constraint templates_name_key do update
        set subject = excluded.subject, body = excluded.body, changed_at = pg_catalog.now();
end
$$;

comment on function ar_inbox.set_template(bigint, text, text, text, text) is
'Sets the company''s own text for new_invoice, invoice_reminder or past_due_invoice: Mustache in subject and body, CommonMark in the body. language: BCP 47; NULL: the company''s. Needs manage. Errors: IB001, 42501, 22023, 42601 (the template does not parse; with line and column).';
