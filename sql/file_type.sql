-- What a file is (src/functions/file_type.c).

create function ar_inbox_internal.content_type(content bytea, name text, declared text)
returns text
language c stable parallel safe cost 100
as 'MODULE_PATHNAME', 'ar_inbox_content_type';
comment on function ar_inbox_internal.content_type(bytea, text, text) is
'The type of a file (type/subtype, RFC 6838) by the first 64 kB of its content. name and declared are what the sender says, or NULL: they choose among the types that content without a signature of its own can have (a ZIP archive named .docx, a text named .csv), and never make it HTML, SVG, a script of the web, an image or a PDF. application/octet-stream if it cannot be told; NULL only for no content. Never raises for what is in it.';
