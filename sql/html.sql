-- HTML of incoming mail (src/functions/html.c).

create function ar_inbox.sanitize_html(html text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_sanitize_html';

comment on function ar_inbox.sanitize_html(text) is
'The HTML, rebuilt from a list of what is safe to show: no scripts, styles, forms or frames; links http, https, mailto and tel only; images that came with the message only. A remote image has its address in data-remote-src and none in src. NULL: it is over a limit (2 MB, 256 levels, 500 attributes on a tag); show html_to_text() instead. Never raises for what a sender wrote.';

create function ar_inbox.html_to_text(html text)
returns text
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_html_to_text';

comment on function ar_inbox.html_to_text(text) is
'The HTML as text to read: paragraphs, lists, quotations after ">", rows of tables, and where links lead. Never raises for what a sender wrote.';

revoke all on function
    ar_inbox.sanitize_html(text),
    ar_inbox.html_to_text(text)
    from public;
grant execute on function
    ar_inbox.sanitize_html(text),
    ar_inbox.html_to_text(text)
    to ar_inbox_staff, ar_inbox_worker;
