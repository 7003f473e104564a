-- The texts of messages: the company's templates, and the values they are filled with.

-- Values

create function ar_inbox_internal.company_values(company_id bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select pg_catalog.jsonb_build_object('name', c.name, 'currency', c.currency, 'language', c.language,
            'email', coalesce(a.inbox_address, a.from_address))
        from ar_inbox.companies c
        left join ar_inbox.mail_accounts a
            on a.company_id = c.id and a.id = ar_inbox_internal.sending_account(c.id)
        where c.id = company_values.company_id);
end
$$;

comment on function ar_inbox_internal.company_values(bigint) is
'What templates know of the company: name, currency, language, email (the address its customers answer to; null: no mail account sends).';

create function ar_inbox_internal.contact_values(company_id bigint, contact_id bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select pg_catalog.jsonb_build_object('name', k.name, 'email', k.email, 'phone', k.phone)
        from ar_inbox.contacts k
        where k.company_id = contact_values.company_id and k.id = contact_values.contact_id),
        '{"name": null, "email": null, "phone": null}');
end
$$;

comment on function ar_inbox_internal.contact_values(bigint, bigint) is
'What templates know of the person written to: name, email, phone; all null where there is no such contact. For a message to somebody else than invoice_contexts() takes: context || jsonb_build_object(''contact'', …).';

create function ar_inbox_internal.payment_values(company_id bigint, payment_id bigint, language text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select pg_catalog.jsonb_build_object(
            'amount', ar_inbox_internal.format_money(p.amount, i.currency, payment_values.language),
            'date', ar_inbox_internal.format_date(p.received_on, payment_values.language),
            'method', p.method)
        from ar_inbox.payments p
        join ar_inbox.invoices i on i.company_id = p.company_id and i.id = p.invoice_id
        where p.company_id = payment_values.company_id and p.id = payment_values.payment_id);
end
$$;

comment on function ar_inbox_internal.payment_values(bigint, bigint, text) is
'What the template of a receipt knows of a payment, in a language: amount, date, method (null: not said). For context || jsonb_build_object(''payment'', …).';

create function ar_inbox_internal.invoice_contexts(company_id bigint, invoice_ids bigint[], at timestamptz,
    languages text[] = null)
returns table (invoice_id bigint, language text, context jsonb)
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- Each invoice by its key, and what belongs to it: no guess of the planner's may look through all there are.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    company ar_inbox.companies;
    known   jsonb;
    key     bytea;
    today   date;
begin
    select c.* into company from ar_inbox.companies c where c.id = invoice_contexts.company_id;
    known := ar_inbox_internal.company_values(company_id);
    today := (at at time zone company.time_zone)::date;
    if company.invoice_link_url is not null then
        key := ar_inbox_internal.signing_key(company_id);
    end if;
    return query
    select w.invoice_id, f.language, pg_catalog.jsonb_build_object(
        'company', known,
        'customer', pg_catalog.jsonb_build_object('name', k.name, 'number', k.number, 'language', f.language),
        'contact', pg_catalog.jsonb_build_object('name', p.name, 'email', p.email, 'phone', p.phone),
        'invoice', pg_catalog.jsonb_build_object(
            'number', i.number,
            'currency', i.currency,
            'issue_date', ar_inbox_internal.format_date(i.issue_date, f.language),
            'due_date', ar_inbox_internal.format_date(i.due_date, f.language),
            'total', ar_inbox_internal.format_money(i.total, i.currency, f.language),
            'paid', case when i.paid > 0 then ar_inbox_internal.format_money(i.paid, i.currency, f.language) end,
            'balance', f.balance,
            'days_past_due', f.days_past_due,
            'is_past_due', f.days is not null,
            'is_one_day_past_due', coalesce(f.days = 1, false),
            'is_paid', i.balance = 0,
            'raw', pg_catalog.jsonb_build_object('issue_date', i.issue_date, 'due_date', i.due_date,
                'total', i.total, 'paid', i.paid, 'balance', i.balance, 'days_past_due', f.days)),
        'lines', l.lines,
        'balance', f.balance,
        'days_past_due', f.days_past_due,
        'links', pg_catalog.jsonb_build_object('invoice',
            company.invoice_link_url || company.handle || ar_inbox_internal.sign_token(key, 'i', i.id)))
    from (
        select distinct u.invoice_id, u.language
        from rows from (pg_catalog.unnest(invoice_ids), pg_catalog.unnest(languages)) u (invoice_id, language)
    ) w
    join ar_inbox.invoices i on i.company_id = invoice_contexts.company_id and i.id = w.invoice_id
    join ar_inbox.customers k on k.company_id = i.company_id and k.id = i.customer_id
    cross join lateral (
        select v.language, v.days, ar_inbox_internal.format_money(i.balance, i.currency, v.language) as balance,
            ar_inbox_internal.format_number(v.days, v.language) as days_past_due
        from (
            select coalesce(w.language, k.language, company.language) as language,
                case when today > i.due_date and i.balance > 0 then today - i.due_date end as days
            offset 0
        ) v
        offset 0
    ) f
    left join lateral (
        select c.name, c.email, c.phone
        from ar_inbox.contacts c
        where c.company_id = i.company_id and c.customer_id = i.customer_id
            and (c.is_primary or not exists (select 1 from ar_inbox.contacts o
                where o.company_id = c.company_id and o.customer_id = c.customer_id and o.id <> c.id))
        order by c.id
        limit 1
    ) p on true
    cross join lateral (
        select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'description', n.description,
            'quantity', ar_inbox_internal.format_number(n.quantity, f.language),
            'unit_price', ar_inbox_internal.format_money(n.unit_price, i.currency, f.language),
            'amount', ar_inbox_internal.format_money(n.amount, i.currency, f.language)) order by n.line_number), '[]') as lines
        from ar_inbox.invoice_lines n
        where n.company_id = i.company_id and n.invoice_id = i.id
    ) l;
end
$$;

comment on function ar_inbox_internal.invoice_contexts(bigint, bigint[], timestamptz, text[]) is
'What templates know of each invoice at a moment: one row for each that the company has, however often it is named. languages: beside invoice_ids, the language of the text that will be filled; NULL: the customer''s, else the company''s. contact is the customer''s primary contact, or its only one.';

create function ar_inbox_internal.customer_context(company_id bigint, customer_id bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return pg_catalog.jsonb_build_object('company', ar_inbox_internal.company_values(company_id), 'customer', (
        select pg_catalog.jsonb_build_object('name', k.name, 'number', k.number,
            'language', coalesce(k.language, c.language))
        from ar_inbox.customers k
        join ar_inbox.companies c on c.id = k.company_id
        where k.company_id = customer_context.company_id and k.id = customer_context.customer_id));
end
$$;

comment on function ar_inbox_internal.customer_context(bigint, bigint) is
'What a text knows that is about no invoice: company, customer (null where it is not known).';

-- Texts

create function ar_inbox_internal.language_chain(language text)
returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    chain text[] := array[]::text[];
    rest  text := pg_catalog.lower(language);
begin
    while rest <> '' loop
        chain := chain || array[rest];
        rest := pg_catalog.substring(rest, '^(.*)-[^-]*$');
    end loop;
    return chain;
end
$$;

comment on function ar_inbox_internal.language_chain(text) is
'The language and those it is a variety of, in lower case, nearest first: {de-at,de}; empty for NULL.';

create function ar_inbox_internal.template_text(company_id bigint, template_name text, language text,
    out subject text, out body text, out text_language text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    theirs constant text[] := ar_inbox_internal.language_chain(language);
    ours   text;
    chain  text[];
    found_language text;
begin
    select c.language into ours from ar_inbox.companies c where c.id = template_text.company_id;
    chain := theirs || ar_inbox_internal.language_chain(ours);
    select t.subject, t.body, pg_catalog.lower(t.language) into subject, body, found_language
    from ar_inbox.templates t
    where t.company_id = template_text.company_id and t.name = template_name
        and pg_catalog.lower(t.language) = any (chain)
    order by pg_catalog.array_position(chain, pg_catalog.lower(t.language))
    limit 1;
    if not found then
        chain := chain || array['en'];
        select b.subject, b.body, b.language into subject, body, found_language
        from ar_inbox_internal.builtin_texts() b
        where b.name = template_name and b.language = any (chain)
        order by pg_catalog.array_position(chain, b.language)
        limit 1;
    end if;
    -- A text in German for somebody in Austria has dates as in Austria.
    text_language := case
        when found_language = any (theirs) then language
        when found_language = any (ar_inbox_internal.language_chain(ours)) then ours
        else found_language end;
end
$$;

comment on function ar_inbox_internal.template_text(bigint, text, text) is
'The text of a template for a language (NULL: the company''s): the company''s own in that language or in one that it is a variety of (de for de-AT), else its own in the company''s language; else the built-in one by the same rule, at last in English. text_language: what its values should be written in. All NULL for a name that is none.';

create function ar_inbox_internal.check_template_name(name text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if name is null or not exists (select 1 from ar_inbox_internal.builtin_texts() b where b.name = check_template_name.name) then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('template %s is not known', pg_catalog.quote_nullable(name)),
            pg_catalog.format('Templates are %s.', (
                select pg_catalog.string_agg(b.name, ', ' order by b.name)
                from ar_inbox_internal.builtin_texts() b where b.language = 'en')));
    end if;
end
$$;

comment on function ar_inbox_internal.check_template_name(text) is 'Raises 22023 for a template that there is not.';

create function ar_inbox_internal.check_language(language text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('language %s has not the form of a language tag', pg_catalog.quote_literal(language)),
            'Give a BCP 47 tag, such as ''en'' or ''pt-BR''.');
    end if;
end
$$;

comment on function ar_inbox_internal.check_language(text) is 'Raises 22023 for what is no language tag; NULL passes.';

create function ar_inbox.set_template(company_id bigint, name text, subject text, body text, language text = null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform ar_inbox_internal.require_company(company_id, 'manage');
    perform ar_inbox_internal.check_template_name(name);
    if ar_inbox_internal.is_blank(body) then
        perform ar_inbox_internal.refuse('invalid_parameter_value', 'body is empty', 'Write something.');
    end if;
    perform ar_inbox_internal.check_language(language);
    if name like '%\_sms' and ar_inbox_internal.is_blank(subject) then
        -- a text message has none
        subject := '';
    else
        subject := ar_inbox_internal.required_text(subject, 'subject', 900);
    end if;
    perform ar_inbox_internal.check_template(subject, 'subject');
    perform ar_inbox_internal.check_template(body, 'body');
    language := coalesce(language, (select c.language from ar_inbox.companies c where c.id = set_template.company_id));
    insert into ar_inbox.templates as t (company_id, name, language, subject, body)
    values (company_id, name, set_template.language, set_template.subject, set_template.body)
    on conflict on constraint templates_name_key do update
        set subject = excluded.subject, body = excluded.body, changed_at = pg_catalog.now();
end
$$;

comment on function ar_inbox.set_template(bigint, text, text, text, text) is
'Sets the company''s own text for a message (new_invoice, …): Mustache in subject and body, CommonMark in the body of a mail or letter. A text message (…_sms) needs no subject. language: BCP 47; NULL: the company''s. Needs manage. Errors: IB001, 42501, 22023, 42601 (subject or body does not parse; with line and column).';

create function ar_inbox.preview_template(company_id bigint, name text, invoice_id bigint, language text = null,
    out subject text, out text text, out html text, out unknown_variables text[])
returns record
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    texts   record;
    known   jsonb;
    failure text;
    invoice ar_inbox.invoices;
begin
    perform ar_inbox_internal.require_company(company_id, 'view');
    perform ar_inbox_internal.check_template_name(name);
    perform ar_inbox_internal.check_language(language);
    select i.* into invoice from ar_inbox.invoices i
    where i.company_id = preview_template.company_id and i.id = preview_template.invoice_id;
    perform ar_inbox_internal.require(invoice.company_id, 'view', 'invoice', invoice_id);

    select t.* into texts
    from ar_inbox.customers k
    cross join lateral ar_inbox_internal.template_text(k.company_id, preview_template.name, coalesce(preview_template.language, k.language)) t
    where k.company_id = invoice.company_id and k.id = invoice.customer_id;
    select c.context into known
    from ar_inbox_internal.invoice_contexts(company_id, array[invoice_id], pg_catalog.now(), array[texts.text_language]) c;
    if name = 'payment_receipt' then
        -- the last payment; an invoice that has none is shown as if all that is open were paid today
        known := known || coalesce(
            (select pg_catalog.jsonb_build_object('payment',
                ar_inbox_internal.payment_values(p.company_id, p.id, texts.text_language))
             from ar_inbox.payments p
             where p.company_id = invoice.company_id and p.invoice_id = invoice.id and p.voided_at is null
             order by p.received_on desc, p.id desc limit 1),
            (select pg_catalog.jsonb_build_object(
                'payment', pg_catalog.jsonb_build_object('amount', known -> 'balance',
                    'date', ar_inbox_internal.format_date((pg_catalog.now() at time zone c.time_zone)::date, texts.text_language),
                    'method', null),
                'invoice', known -> 'invoice' || pg_catalog.jsonb_build_object('is_paid', true, 'paid', known #> '{invoice,total}',
                    'balance', z.nothing, 'days_past_due', null, 'is_past_due', false, 'is_one_day_past_due', false,
                    'raw', known #> '{invoice,raw}' || pg_catalog.jsonb_build_object('paid', invoice.total,
                        'balance', invoice.total - invoice.total, 'days_past_due', null)),
                'balance', z.nothing,
                'days_past_due', null)
             from ar_inbox.companies c,
                ar_inbox_internal.format_money(0, invoice.currency, texts.text_language) z (nothing)
             where c.id = invoice.company_id));
    end if;
    -- what was written past set_template()
    perform ar_inbox_internal.check_template(texts.subject, 'subject');
    perform ar_inbox_internal.check_template(texts.body, 'body');

    if name like '%\_sms' then
        select f.text, f.error into text, failure
        from ar_inbox_internal.fill_text_message(texts.body, known) f;
    else
        select f.subject, f.text, f.html, f.error into subject, text, html, failure
        from ar_inbox_internal.fill_message(texts.subject, texts.body, known) f;
    end if;
    if failure is not null then
        perform ar_inbox_internal.refuse('invalid_parameter_value', failure, 'Make the template shorter or simpler.');
    end if;
    unknown_variables := array(
        select u.variable
        from pg_catalog.unnest(ar_inbox_internal.template_unknowns(texts.subject, known)
            || ar_inbox_internal.template_unknowns(texts.body, known)) with ordinality u (variable, position)
        group by u.variable
        order by pg_catalog.min(u.position));
end
$$;

comment on function ar_inbox.preview_template(bigint, text, bigint, text) is
'A template filled in for an invoice of the company (a draft too) as it would be sent now: subject in one line (NULL: it has none), text, html (NULL for a text message), and unknown_variables, the names in it that stand for nothing, in the order met. language: BCP 47; NULL: the customer''s. Needs view. Errors: IB001, 42501, 22023 (no such template, no language tag, or it cannot be rendered), 42601 (it does not parse).';
