-- Searching (src/core/words.c, src/functions/search.c): words, the
-- configurations for each language, what messages are found by, and finding.

create function ar_inbox_internal.words_start(internal, integer)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_start';
create function ar_inbox_internal.words_token(internal, internal, internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_token';
create function ar_inbox_internal.words_end(internal)
returns void language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_end';
create function ar_inbox_internal.words_types(internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_words_types';
create function ar_inbox_internal.word_init(internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_word_init';
create function ar_inbox_internal.word_lexize(internal, internal, internal, internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_word_lexize';
create function ar_inbox_internal.number_lexize(internal, internal, internal, internal)
returns internal language c strict as 'MODULE_PATHNAME', 'ar_inbox_number_lexize';

comment on function ar_inbox_internal.words_start(internal, integer) is 'Of the parser ar_inbox.mail: begins a text.';
comment on function ar_inbox_internal.words_token(internal, internal, internal) is 'Of the parser ar_inbox.mail: the next word.';
comment on function ar_inbox_internal.words_end(internal) is 'Of the parser ar_inbox.mail: ends a text.';
comment on function ar_inbox_internal.words_types(internal) is 'Of the parser ar_inbox.mail: what kinds of words there are.';
comment on function ar_inbox_internal.word_init(internal) is 'Of the template ar_inbox.word: its parameter base.';
comment on function ar_inbox_internal.word_lexize(internal, internal, internal, internal) is
'Of the template ar_inbox.word: what a word is compared by.';
comment on function ar_inbox_internal.number_lexize(internal, internal, internal, internal) is
'Of the template ar_inbox.number: what a number is compared by.';

create text search parser ar_inbox.mail (
    start = ar_inbox_internal.words_start,
    gettoken = ar_inbox_internal.words_token,
    end = ar_inbox_internal.words_end,
    headline = pg_catalog.prsd_headline,
    lextypes = ar_inbox_internal.words_types
);
comment on text search parser ar_inbox.mail is
'Words that do not overlap: what is written together (INV-00042, ann@globex.example, 1,234.50) is a sequence of words, which a query finds as a phrase, and each of which it finds alone.';

create text search template ar_inbox.word (
    init = ar_inbox_internal.word_init,
    lexize = ar_inbox_internal.word_lexize
);
comment on text search template ar_inbox.word is
'Words in one case and without accents; base: the dictionary that finds their stem before.';

create text search template ar_inbox.number (lexize = ar_inbox_internal.number_lexize);
comment on text search template ar_inbox.number is
'Numbers without what separates their thousands; one with leading zeros is its value as well.';

create text search dictionary ar_inbox.word (template = ar_inbox.word);
comment on text search dictionary ar_inbox.word is 'Words as they are, in one case and without accents.';
create text search dictionary ar_inbox.number (template = ar_inbox.number);
comment on text search dictionary ar_inbox.number is 'Numbers.';

-- The same languages on every version: those that PostgreSQL 15 has.
do $$
declare
    language text;
begin
    foreach language in array '{arabic,armenian,basque,catalan,danish,dutch,english,finnish,french,german,greek,hindi,hungarian,indonesian,irish,italian,lithuanian,nepali,norwegian,portuguese,romanian,russian,serbian,spanish,swedish,tamil,turkish,yiddish,simple}'::text[] loop
        if language <> 'simple' then
            execute pg_catalog.format('create text search dictionary ar_inbox.%I (template = ar_inbox.word, base = %L)',
                language, 'pg_catalog.' || language || '_stem');
            execute pg_catalog.format('comment on text search dictionary ar_inbox.%I is %L',
                language, pg_catalog.format('Words of %s: their stems, in one case and without accents.', pg_catalog.initcap(language)));
        end if;
        execute pg_catalog.format('create text search configuration ar_inbox.%I (parser = ar_inbox.mail)', language);
        execute pg_catalog.format('alter text search configuration ar_inbox.%I add mapping for word with ar_inbox.%I',
            language, case language when 'simple' then 'word' else language end);
        execute pg_catalog.format('alter text search configuration ar_inbox.%I add mapping for code, character with ar_inbox.word', language);
        execute pg_catalog.format('alter text search configuration ar_inbox.%I add mapping for number with ar_inbox.number', language);
        execute pg_catalog.format('comment on text search configuration ar_inbox.%I is %L', language,
            case language when 'simple' then 'Mail in a language that has no configuration of its own.'
                else pg_catalog.format('Mail in %s.', pg_catalog.initcap(language)) end);
    end loop;
end
$$;

create function ar_inbox_internal.search_config(language text)
returns regconfig
language c stable strict
as 'MODULE_PATHNAME', 'ar_inbox_search_config';

comment on function ar_inbox_internal.search_config(text) is
'The text search configuration for texts in a language (BCP 47): by its first part; ar_inbox.simple where there is none.';

create function ar_inbox_internal.config_search_vector(config regconfig, subject text, people text, body text)
returns tsvector
language c stable
as 'MODULE_PATHNAME', 'ar_inbox_config_search_vector';

comment on function ar_inbox_internal.config_search_vector(regconfig, text, text, text) is
'setweight(to_tsvector(config, subject), A) || setweight(to_tsvector(config, people), B) || to_tsvector(config, body), only quicker. Takes the first 10,000, 50,000 and 200,000 characters, and 20,000 different words. NULL counts as nothing. Never raises for what a text is.';

create function ar_inbox_internal.search_vector(company_id bigint, subject text, people text, body text)
returns tsvector
language c stable
as 'MODULE_PATHNAME', 'ar_inbox_search_vector';

comment on function ar_inbox_internal.search_vector(bigint, text, text, text) is
'What a message or note is found by, in the company''s language: subject with weight A, people (names, addresses, names of attachments) B, body D. As config_search_vector().';

create function ar_inbox_internal.search_query(config regconfig, query text)
returns tsquery
language c stable strict
as 'MODULE_PATHNAME', 'ar_inbox_search_query';

comment on function ar_inbox_internal.search_query(regconfig, text) is
'The query, as websearch_to_tsquery() reads it; a word of three characters or more that ends in * stands for all that begin so. Raises 22023 for more than 3 of those.';

create function ar_inbox_internal.search_keys(company_id bigint, at timestamptz)
returns bigint[]
language c immutable strict parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_search_keys';

comment on function ar_inbox_internal.search_keys(bigint, timestamptz) is
'What the search indexes hold beside the words: a key for the company, and one for each of five stretches of time, 2 hours to 15 years long, that the moment is in.';

create function ar_inbox_internal.search_cover(companies bigint[], since timestamptz, until timestamptz)
returns bigint[]
language c immutable parallel safe
as 'MODULE_PATHNAME', 'ar_inbox_search_cover';

comment on function ar_inbox_internal.search_cover(bigint[], timestamptz, timestamptz) is
'The fewest keys by which search_keys() of all moments of these companies since and until then are found, perhaps with some around them. since NULL: ever; until NULL: no end.';
