-- Message templates, and CommonMark.

create function ar_inbox_internal.render_template(template text, context jsonb, escape text default 'html')
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_render_template';
comment on function ar_inbox_internal.render_template(text, jsonb, text) is
'Fills a Mustache template with the values of a context. Values are made harmless for html, for commonmark, or left as they are (none); {{{name}}} leaves a value as it is in any case.';

create function ar_inbox_internal.template_unknowns(template text, context jsonb)
returns text[]
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_template_unknowns';
comment on function ar_inbox_internal.template_unknowns(text, jsonb) is
'The names in a template that give nothing with this context, in the order met: those it does not have, lists and objects used as text, and ">name" for a partial. Sections that are false are looked into as well; those of an empty list or of such a name are not.';

create function ar_inbox_internal.check_template(template text, part text default 'template')
returns void
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_check_template';
comment on function ar_inbox_internal.check_template(text, text) is
'Raises a syntax error with line and column if the template cannot be read. part: what the message calls it.';

create function ar_inbox_internal.commonmark_to_html(source text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_commonmark_to_html';
comment on function ar_inbox_internal.commonmark_to_html(text) is
'Turns CommonMark with tables, strikethrough and automatic links into a fragment of HTML. HTML in the source and links that would run something are left out. A line right below a quotation is no part of it.';

create function ar_inbox_internal.fill_message(subject text, body text, context jsonb,
    out subject text, out text text, out html text, out error text)
returns record
language c immutable strict parallel safe cost 100
as 'MODULE_PATHNAME', 'ar_inbox_fill_message';
comment on function ar_inbox_internal.fill_message(text, text, jsonb) is
'A message from its templates and a context: the subject in one line (NULL if it is empty), the body as plain text, and as HTML from its CommonMark. If a template cannot be used only error is there, and says which one and why; nothing is raised. Templates used lately stay parsed in the session.';

create function ar_inbox_internal.fill_text_message(body text, context jsonb, out text text, out error text)
returns record
language c immutable strict parallel safe cost 50
as 'MODULE_PATHNAME', 'ar_inbox_fill_text_message';
comment on function ar_inbox_internal.fill_text_message(text, jsonb) is
'A text message from its template and a context (NULL if it is empty), in the GSM alphabet where plain blanks and quotes, and letters without accents, are enough for that; else as it is. error as with fill_message().';

create function ar_inbox_internal.gsm7_length(text text)
returns integer
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_gsm7_length';
comment on function ar_inbox_internal.gsm7_length(text) is
'How many septets a text message takes in the GSM alphabet (160 are one message, 153 each of several); NULL if it has a character that is not in it and is sent in UCS-2.';


revoke all on function
    ar_inbox_internal.render_template(text, jsonb, text),
    ar_inbox_internal.template_unknowns(text, jsonb),
    ar_inbox_internal.check_template(text, text),
    ar_inbox_internal.commonmark_to_html(text)
    from public;
grant execute on function
    ar_inbox_internal.render_template(text, jsonb, text),
    ar_inbox_internal.template_unknowns(text, jsonb),
    ar_inbox_internal.check_template(text, text),
    ar_inbox_internal.commonmark_to_html(text)
    to ar_inbox_staff, ar_inbox_worker;
