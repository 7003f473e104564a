/*-------------------------------------------------------------------------
 *
 * functions/search.c
 *	  Words as a text search parser and dictionaries, and what the search
 *	  indexes are made of beside them.
 *
 * With these a text search configuration does all that PostgreSQL has for
 * texts, by the words of core/words.c.  The dictionaries see a word as it
 * stands in the text, so that a headline can show it so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "core/words.h"
#include "fmgr.h"
#include "functions/search.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(ar_inbox_words_start);
PG_FUNCTION_INFO_V1(ar_inbox_words_token);
PG_FUNCTION_INFO_V1(ar_inbox_words_end);
PG_FUNCTION_INFO_V1(ar_inbox_words_types);
PG_FUNCTION_INFO_V1(ar_inbox_word_init);
PG_FUNCTION_INFO_V1(ar_inbox_word_lexize);
PG_FUNCTION_INFO_V1(ar_inbox_number_lexize);
PG_FUNCTION_INFO_V1(ar_inbox_names_number);
PG_FUNCTION_INFO_V1(ar_inbox_search_config);
PG_FUNCTION_INFO_V1(ar_inbox_search_query);
PG_FUNCTION_INFO_V1(ar_inbox_search_keys);
PG_FUNCTION_INFO_V1(ar_inbox_search_cover);

/* What a parser returns at once may not be longer, even between words. */
#define BLANK_MAX_BYTES 1000

/* A stemmer may make a word longer, but not by much. */
#define LEXEME_MAX_BYTES 1000

typedef struct ParserState
{
	WordReader reader;
	const char *at;
	const char *end;
	const char *word;
	size_t len;
	WordKind kind;
} ParserState;

typedef struct WordDictionary
{
	/* what finds the stem; none: words stay as they are */
	Oid base;
} WordDictionary;

Datum
ar_inbox_words_start(PG_FUNCTION_ARGS)
{
	char *text = (char *) PG_GETARG_POINTER(0);
	int len = PG_GETARG_INT32(1);
	ParserState *state = palloc0(sizeof(ParserState));

	words_begin(&state->reader, text, len);
	state->at = text;
	state->end = text + len;
	state->kind = words_next(&state->reader, &state->word, &state->len);
	PG_RETURN_POINTER(state);
}

/*
 * words_token: the next piece of the text.  What is between words is a piece
 * too, cut where it would be too long.
 */
Datum
ar_inbox_words_token(PG_FUNCTION_ARGS)
{
	ParserState *state = (ParserState *) PG_GETARG_POINTER(0);
	char **token = (char **) PG_GETARG_POINTER(1);
	int *len = (int *) PG_GETARG_POINTER(2);
	const char *word = state->kind == WORD_END ? state->end : state->word;

	*token = (char *) state->at;
	if (state->at < word)
	{
		int blank = word - state->at;

		if (blank > BLANK_MAX_BYTES)
			blank = pg_mbcliplen(state->at, blank, BLANK_MAX_BYTES);
		*len = blank;
		state->at += blank;
		PG_RETURN_INT32(WORD_BLANK);
	}
	else
	{
		WordKind kind = state->kind;

		*len = 0;
		if (kind != WORD_END)
		{
			*len = state->len;
			state->at += state->len;
			state->kind = words_next(&state->reader, &state->word, &state->len);
		}
		PG_RETURN_INT32(kind);
	}
}

Datum
ar_inbox_words_end(PG_FUNCTION_ARGS)
{
	pfree(PG_GETARG_POINTER(0));
	PG_RETURN_VOID();
}

Datum
ar_inbox_words_types(PG_FUNCTION_ARGS)
{
	static const struct
	{
		int id;
		const char *alias;
		const char *description;
	} types[] = {
		{WORD_LETTERS, "word", "Letters, up to the next character that is none"},
		{WORD_NUMBER, "number", "Digits, with what separates thousands"},
		{WORD_CODE, "code", "A single letter next to a digit"},
		{WORD_CHARACTER, "character", "A character of a script without blanks between words"},
		{WORD_BLANK, "blank", "Whatever is between words"},
	};
	LexDescr *described = palloc0(sizeof(LexDescr) * (lengthof(types) + 1));

	for (int i = 0; i < lengthof(types); i++)
	{
		described[i].lexid = types[i].id;
		described[i].alias = pstrdup(types[i].alias);
		described[i].descr = pstrdup(types[i].description);
	}
	PG_RETURN_POINTER(described);
}

/* The option base: the dictionary, with its schema, that finds the stem. */
Datum
ar_inbox_word_init(PG_FUNCTION_ARGS)
{
	List *options = (List *) PG_GETARG_POINTER(0);
	WordDictionary *dictionary = palloc0(sizeof(WordDictionary));
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = (DefElem *) lfirst(cell);

		if (strcmp(option->defname, "base") != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("unrecognized parameter: \"%s\"", option->defname),
							errhint("The only parameter is \"base\".")));
		dictionary->base = DatumGetObjectId(
			DirectFunctionCall1(regdictionaryin, CStringGetDatum(defGetString(option))));
	}
	PG_RETURN_POINTER(dictionary);
}

static void
set_lexeme(TSLexeme *lexeme, int variant, const StringInfoData *word, bool prefix)
{
	lexeme->nvariant = variant;
	lexeme->flags = prefix ? TSL_PREFIX : 0;
	lexeme->lexeme = word->data;
}

/* The stem of a word in lower case; NULL: it is so frequent that nobody looks for it. */
static const char *
stem_of(const WordDictionary *dictionary, const StringInfoData *word)
{
	TSDictionaryCacheEntry *base;
	DictSubState substate = {0};
	TSLexeme *found;

	if (!OidIsValid(dictionary->base) || word->len == 0)
		return word->data;
	base = lookup_ts_dictionary_cache(dictionary->base);
	found = (TSLexeme *) DatumGetPointer(
		FunctionCall4(&base->lexize, PointerGetDatum(base->dictData), PointerGetDatum(word->data),
					  Int32GetDatum(word->len), PointerGetDatum(&substate)));
	if (found == NULL)
		return word->data;
	return found->lexeme;
}

static void
add_lexeme(TSLexeme *lexemes, int *count, const char *word, bool prefix)
{
	StringInfoData plain;

	initStringInfo(&plain);
	word_without_accents(&plain, word, strlen(word));
	if (plain.len == 0 || plain.len > LEXEME_MAX_BYTES)
		return;
	for (int i = 0; i < *count; i++)
	{
		if (strcmp(lexemes[i].lexeme, plain.data) == 0)
			return;
	}
	/* each a variant of its own: one of them is enough */
	set_lexeme(&lexemes[*count], *count + 1, &plain, prefix);
	(*count)++;
}

/*
 * word_lexize: the stem of the word in lower case, then without accents.  The
 * stemmer needs them; people leave them out, and then it may find another stem,
 * which a word with accents has as well.  The beginning of a word is looked for
 * as it is and by its stem, for the stem of "invoice" is shorter, and that of
 * "happy" ends with another letter; and a word so frequent that it is not looked
 * for is still the beginning of others.
 */
Datum
ar_inbox_word_lexize(PG_FUNCTION_ARGS)
{
	WordDictionary *dictionary = (WordDictionary *) PG_GETARG_POINTER(0);
	char *word = (char *) PG_GETARG_POINTER(1);
	size_t len = PG_GETARG_INT32(2);
	bool prefix = word_has_prefix_mark(word, &len);
	TSLexeme *lexemes = palloc0(sizeof(TSLexeme) * 3);
	const char *stem;
	StringInfoData folded;
	StringInfoData bare;
	int count = 0;

	initStringInfo(&folded);
	word_fold(&folded, word, len);
	stem = stem_of(dictionary, &folded);
	if (stem == NULL && !prefix)
		PG_RETURN_POINTER(lexemes);
	if (stem != NULL)
		add_lexeme(lexemes, &count, stem, prefix);
	if (prefix)
		add_lexeme(lexemes, &count, folded.data, true);
	else
	{
		initStringInfo(&bare);
		word_without_accents(&bare, folded.data, folded.len);
		if (strcmp(bare.data, folded.data) != 0)
		{
			stem = stem_of(dictionary, &bare);
			if (stem != NULL)
				add_lexeme(lexemes, &count, stem, false);
		}
	}
	PG_RETURN_POINTER(lexemes);
}

/*
 * number_lexize: the digits; of a number with leading zeros the value as well,
 * so that 42 finds INV-00042, while 00042 finds only itself.
 */
Datum
ar_inbox_number_lexize(PG_FUNCTION_ARGS)
{
	char *word = (char *) PG_GETARG_POINTER(1);
	size_t len = PG_GETARG_INT32(2);
	bool prefix = word_has_prefix_mark(word, &len);
	TSLexeme *lexemes = palloc0(sizeof(TSLexeme) * 3);
	StringInfoData digits;

	initStringInfo(&digits);
	word_digits(&digits, word, len);
	if (digits.len == 0)
		PG_RETURN_POINTER(lexemes);
	set_lexeme(&lexemes[0], 1, &digits, prefix);
	if (digits.data[0] == '0' && digits.len > 1 && !prefix)
	{
		StringInfoData value;
		int zeros = strspn(digits.data, "0");

		if (zeros == digits.len)
			zeros--;
		initStringInfo(&value);
		appendStringInfoString(&value, digits.data + zeros);
		set_lexeme(&lexemes[1], 1, &value, false);
	}
	PG_RETURN_POINTER(lexemes);
}

/*
 * search_config_of
 *		The configuration for a language tag (BCP 47), by its first part: ours
 *		have the names of PostgreSQL's.
 */
Oid
search_config_of(const char *language, size_t len)
{
	static const struct
	{
		const char *language;
		const char *name;
	} configs[] = {
		{"ar", "arabic"},	  {"ca", "catalan"},   {"da", "danish"},	 {"de", "german"},
		{"el", "greek"},	  {"en", "english"},   {"es", "spanish"},	 {"eu", "basque"},
		{"fi", "finnish"},	  {"fr", "french"},	   {"ga", "irish"},		 {"hi", "hindi"},
		{"hu", "hungarian"},  {"hy", "armenian"},  {"id", "indonesian"}, {"it", "italian"},
		{"lt", "lithuanian"}, {"nb", "norwegian"}, {"ne", "nepali"},	 {"nl", "dutch"},
		{"nn", "norwegian"},  {"no", "norwegian"}, {"pt", "portuguese"}, {"ro", "romanian"},
		{"ru", "russian"},	  {"sr", "serbian"},   {"sv", "swedish"},	 {"ta", "tamil"},
		{"tr", "turkish"},	  {"yi", "yiddish"},
	};
	const char *name = "simple";
	size_t subtag = 0;

	while (subtag < len && language[subtag] != '-' && language[subtag] != '_')
		subtag++;
	for (int i = 0; i < lengthof(configs); i++)
	{
		if (subtag == 2 && pg_strncasecmp(language, configs[i].language, 2) == 0)
			name = configs[i].name;
	}
	return get_ts_config_oid(list_make2(makeString("ar_inbox"), makeString(pstrdup(name))), false);
}

/* names_number(title, number) */
Datum
ar_inbox_names_number(PG_FUNCTION_ARGS)
{
	text *title = PG_GETARG_TEXT_PP(0);
	text *number = PG_GETARG_TEXT_PP(1);

	PG_RETURN_BOOL(words_name(VARDATA_ANY(title), VARSIZE_ANY_EXHDR(title), VARDATA_ANY(number),
							  VARSIZE_ANY_EXHDR(number)));
}

Datum
ar_inbox_search_config(PG_FUNCTION_ARGS)
{
	text *language = PG_GETARG_TEXT_PP(0);

	PG_RETURN_OID(search_config_of(VARDATA_ANY(language), VARSIZE_ANY_EXHDR(language)));
}

/*
 * past_hyphens
 *		At the beginning of a word of a query: its hyphens.  One of them means
 *		that the word must not be there; PostgreSQL takes each for a negation, and
 *		fails on more than it has room for, so no more than one is kept.
 */
static const unsigned char *
past_hyphens(const unsigned char *p, const unsigned char *end, StringInfo out)
{
	const unsigned char *start = p;

	while (p < end && *p == '-')
		p++;
	if (p > start && p < end && (*p == '"' || word_class(utf8_to_unicode(p)) != WORD_CLASS_BLANK))
		appendStringInfoChar(out, '-');
	return p;
}

/*
 * search_query(config, query): as websearch_to_tsquery, and a word of at least
 * three characters with an asterisk behind it stands for all that begin so.
 * At most three of them, for each reads a whole range of the index.
 */
Datum
ar_inbox_search_query(PG_FUNCTION_ARGS)
{
	text *query = PG_GETARG_TEXT_PP(1);
	const unsigned char *p = (const unsigned char *) VARDATA_ANY(query);
	const unsigned char *end = p + VARSIZE_ANY_EXHDR(query);
	StringInfoData marked;
	bool begins = true;
	int letters = 0;
	int prefixes = 0;

	initStringInfo(&marked);
	while (p < end)
	{
		int width;
		WordClass class;

		if (begins && *p == '-')
		{
			p = past_hyphens(p, end, &marked);
			begins = false;
			continue;
		}
		width = pg_utf_mblen(p);
		class = word_class(utf8_to_unicode(p));
		if (*p == '*' && letters >= 3 &&
			(p + 1 == end || word_class(utf8_to_unicode(p + 1)) == WORD_CLASS_BLANK))
		{
			if (++prefixes > 3)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("the query has more than 3 words that end in an asterisk"),
								errhint("Write more of them out.")));
			appendBinaryStringInfo(&marked, WORD_PREFIX_MARK, WORD_PREFIX_MARK_LEN);
		}
		else if (width == WORD_PREFIX_MARK_LEN && memcmp(p, WORD_PREFIX_MARK, width) == 0)
			appendStringInfoChar(&marked, ' ');
		else
			appendBinaryStringInfo(&marked, (const char *) p, width);
		letters = class == WORD_CLASS_BLANK ? 0 : letters + 1;
		/* only within a word is a hyphen none of these */
		begins = class == WORD_CLASS_BLANK;
		p += width;
	}
	PG_RETURN_DATUM(
		DirectFunctionCall2(websearch_to_tsquery_byid, PG_GETARG_DATUM(0),
							PointerGetDatum(cstring_to_text_with_len(marked.data, marked.len))));
}

/*
 * The keys of a moment in a company: the company's own, and one for each of
 * five widths of time, 2 hours and then always 16 times as much.  With them in
 * the index beside the words, a search reads the newest messages first and
 * stops when it has enough, however many there are.
 */
#define KEY_LEVELS 5
#define KEY_SHIFT 4
#define KEY_BLOCK_BITS 20
#define KEY_BLOCK_MAX ((1 << KEY_BLOCK_BITS) - 1)
#define KEY_UNIT (2 * USECS_PER_HOUR)

static int64
key_block(TimestampTz at)
{
	if (at <= 0)
		return 0;
	return Min(at / KEY_UNIT, KEY_BLOCK_MAX);
}

static Datum
block_key(int64 company, int level, int64 block)
{
	/* 0 is the company; the levels follow each other from 1 on */
	uint64 number = 1 + block;

	for (int i = 0; i < level; i++)
		number += ((uint64) 1) << (KEY_BLOCK_BITS - i * KEY_SHIFT);
	return Int64GetDatum((int64) (((uint64) company << (KEY_BLOCK_BITS + 1)) + number));
}

static Datum
company_key(int64 company)
{
	return Int64GetDatum((int64) ((uint64) company << (KEY_BLOCK_BITS + 1)));
}

Datum
ar_inbox_search_keys(PG_FUNCTION_ARGS)
{
	int64 company = PG_GETARG_INT64(0);
	int64 block = key_block(PG_GETARG_TIMESTAMPTZ(1));
	Datum keys[KEY_LEVELS + 1];

	keys[0] = company_key(company);
	for (int level = 0; level < KEY_LEVELS; level++)
		keys[level + 1] = block_key(company, level, block >> (level * KEY_SHIFT));
	PG_RETURN_ARRAYTYPE_P(construct_array(keys, lengthof(keys), INT8OID, sizeof(int64),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * search_cover(companies, since, until): the fewest keys of which each moment
 * between has one, and perhaps some moments around them.  since NULL: whenever.
 */
Datum
ar_inbox_search_cover(PG_FUNCTION_ARGS)
{
	ArrayType *array;
	Datum *companies;
	Datum *keys;
	int ncompanies;
	int count = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	array = PG_GETARG_ARRAYTYPE_P(0);
	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &companies,
					  NULL, &ncompanies);
	keys = palloc(sizeof(Datum) * Max(ncompanies, 1) * (KEY_LEVELS + 1) * 2 * (1 << KEY_SHIFT));

	for (int i = 0; i < ncompanies; i++)
	{
		int64 company = DatumGetInt64(companies[i]);
		int64 first;
		int64 last;
		int level = 0;

		if (PG_ARGISNULL(1))
		{
			keys[count++] = company_key(company);
			continue;
		}
		first = key_block(PG_GETARG_TIMESTAMPTZ(1));
		last = PG_ARGISNULL(2) ? KEY_BLOCK_MAX : key_block(PG_GETARG_TIMESTAMPTZ(2));
		/* what does not fill the next wider blocks, from both ends */
		while (first <= last)
		{
			int64 mask = (1 << KEY_SHIFT) - 1;
			bool widest = level == KEY_LEVELS - 1;

			while (first <= last && (widest || (first & mask) != 0))
				keys[count++] = block_key(company, level, first++);
			while (first <= last && (last & mask) != mask)
				keys[count++] = block_key(company, level, last--);
			first >>= KEY_SHIFT;
			last = (last + 1) / (1 << KEY_SHIFT) - 1;
			level++;
		}
	}
	PG_RETURN_ARRAYTYPE_P(
		construct_array(keys, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
