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
'The names in a template that give nothing with this context, in the order met: those it does not have, lists and objects used as text, and ">name" for a partial. What a false section hides is not looked at.';

create function ar_inbox_internal.check_template(template text)
returns void
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_check_template';
comment on function ar_inbox_internal.check_template(text) is
'Raises a syntax error with line and column if the template cannot be read.';

create function ar_inbox_internal.commonmark_to_html(source text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_commonmark_to_html';
comment on function ar_inbox_internal.commonmark_to_html(text) is
'Turns CommonMark with tables, strikethrough and automatic links into a fragment of HTML. HTML in the source and links that would run something are left out.';

revoke all on function
    ar_inbox_internal.render_template(text, jsonb, text),
    ar_inbox_internal.template_unknowns(text, jsonb),
    ar_inbox_internal.check_template(text),
    ar_inbox_internal.commonmark_to_html(text)
    from public;
grant execute on function
    ar_inbox_internal.render_template(text, jsonb, text),
    ar_inbox_internal.template_unknowns(text, jsonb),
    ar_inbox_internal.check_template(text),
    ar_inbox_internal.commonmark_to_html(text)
    to ar_inbox_staff, ar_inbox_worker;
