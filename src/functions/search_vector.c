/*-------------------------------------------------------------------------
 *
 * functions/search_vector.c
 *	  What a message is found by, quickly.
 *
 * The vector is what to_tsvector() makes of the same text with the same
 * configuration, but receiving mail cannot wait for that: it asks the parser
 * and the dictionaries for each word again.  Here what the dictionaries said
 * is kept for the backend: the words of letters repeat.  A dictionary that
 * wants to see several words at once (a thesaurus) is not asked.
 *
 * No text makes this raise: what is beyond the limits of the type is left out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/words.h"
#include "fmgr.h"
#include "functions/search.h"
#include "functions/statement.h"
#include "port/pg_bswap.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "tsearch/ts_type.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(ar_inbox_search_vector);
PG_FUNCTION_INFO_V1(ar_inbox_config_search_vector);

/* How much of each part is read, in characters; sql/search.sql says it too. */
#define SUBJECT_MAX 10000
#define PEOPLE_MAX 50000
#define BODY_MAX 200000

/* Nobody writes more different words than this in one message. */
#define LEXEMES_MAX 20000

/* When this much is kept, it is all forgotten. */
#define KEPT_MAX 60000

/* How the weights of a tsvector are stored. */
#define WEIGHT_A 3
#define WEIGHT_B 2
#define WEIGHT_D 0

typedef struct Lexeme
{
	/* its first eight bytes, to sort by */
	uint64 order;
	/* in which vector it was last, and where in its list */
	uint64 vector;
	uint32 slot;
	uint32 len;
	char text[FLEXIBLE_ARRAY_MEMBER];
} Lexeme;

typedef struct Found
{
	Lexeme *lexeme;
	bool moves_on;
} Found;

/* What a word of a kind is with a configuration. */
typedef struct Word
{
	/* whether a dictionary knows it, if only to leave it out */
	bool known;
	uint16 count;
	Found found[FLEXIBLE_ARRAY_MEMBER];
} Word;

/* Both are kept in one table; a lexeme's scope is 0. */
typedef struct Entry
{
	uint64 scope;
	uint32 hash;
	uint32 len;
	const char *text;
	void *value;
} Entry;

typedef struct Kept
{
	MemoryContext context;
	Entry *entries;
	uint32 mask;
	uint32 count;
} Kept;

typedef struct Slot
{
	Lexeme *lexeme;
	uint16 npos;
	uint16 last;
	/* while the vector is put together */
	WordEntryPos *pos;
} Slot;

typedef struct Occurrence
{
	uint32 slot;
	WordEntryPos pos;
} Occurrence;

/* A vector in the making. */
typedef struct Vector
{
	uint64 number;
	Slot *slots;
	uint32 nslots;
	uint32 slots_max;
	Occurrence *occurrences;
	uint32 noccurrences;
	uint32 occurrences_max;
	/* no less than the space for lexemes and positions */
	uint32 bytes;
	int highest;
} Vector;

typedef struct SortItem
{
	uint64 order;
	Slot *slot;
} SortItem;

static Kept kept;
static bool kept_is_stale = false;
static bool watching = false;
static uint64 vector_number = 0;

static inline int
compare_items(const SortItem *a, const SortItem *b)
{
	int order;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	order = memcmp(a->slot->lexeme->text, b->slot->lexeme->text,
				   Min(a->slot->lexeme->len, b->slot->lexeme->len));
	if (order != 0)
		return order;
	return (a->slot->lexeme->len > b->slot->lexeme->len) -
		   (a->slot->lexeme->len < b->slot->lexeme->len);
}

#define ST_SORT sort_items
#define ST_ELEMENT_TYPE SortItem
#define ST_COMPARE(a, b) compare_items(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static void
configuration_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	kept_is_stale = true;
}

/* Forget everything, where it is too much or a configuration has changed. */
static void
begin_keeping(void)
{
	if (!watching)
	{
		CacheRegisterSyscacheCallback(TSCONFIGOID, configuration_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(TSCONFIGMAP, configuration_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(TSDICTOID, configuration_changed, (Datum) 0);
		watching = true;
	}
	if (kept.context != NULL && (kept_is_stale || kept.count > KEPT_MAX))
	{
		MemoryContextDelete(kept.context);
		memset(&kept, 0, sizeof(kept));
	}
	if (kept.context == NULL)
	{
		MemoryContext context = AllocSetContextCreate(CacheMemoryContext, "ar_inbox search words",
													  ALLOCSET_DEFAULT_SIZES);

		kept.entries = MemoryContextAllocZero(context, sizeof(Entry) * 4096);
		kept.mask = 4095;
		kept.count = 0;
		kept.context = context;
	}
	kept_is_stale = false;
}

/* Where the text is in the table, or is to be put: an entry without value. */
static Entry *
look_up(uint64 scope, uint32 hash, const char *text, uint32 len)
{
	for (uint32 i = hash & kept.mask;; i = (i + 1) & kept.mask)
	{
		Entry *entry = &kept.entries[i];

		if (entry->value == NULL || (entry->hash == hash && entry->scope == scope &&
									 entry->len == len && memcmp(entry->text, text, len) == 0))
			return entry;
	}
}

static void
keep(uint64 scope, uint32 hash, const char *text, uint32 len, void *value)
{
	Entry *entry;

	if (kept.count >= kept.mask / 2)
	{
		Kept wider = kept;

		wider.mask = kept.mask * 2 + 1;
		wider.entries =
			MemoryContextAllocExtended(kept.context, sizeof(Entry) * ((Size) wider.mask + 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (uint32 i = 0; i <= kept.mask; i++)
		{
			uint32 j = kept.entries[i].hash & wider.mask;

			if (kept.entries[i].value == NULL)
				continue;
			while (wider.entries[j].value != NULL)
				j = (j + 1) & wider.mask;
			wider.entries[j] = kept.entries[i];
		}
		pfree(kept.entries);
		kept = wider;
	}
	entry = look_up(scope, hash, text, len);
	entry->scope = scope;
	entry->hash = hash;
	entry->len = len;
	entry->text = text;
	entry->value = value;
	kept.count++;
}

static inline uint64
mix(uint64 hash, uint64 bytes)
{
	hash = (hash ^ bytes) * UINT64CONST(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 32);
}

/* Words are short: eight bytes at a time, and what is left in two pieces. */
static inline uint32
hash_of(uint64 scope, const char *text, uint32 len)
{
	uint64 hash = mix(scope, len);
	uint64 eight;
	uint32 four[2];

	for (; len > 8; text += 8, len -= 8)
	{
		memcpy(&eight, text, sizeof(eight));
		hash = mix(hash, eight);
	}
	if (len >= 4)
	{
		/* they overlap */
		memcpy(&four[0], text, sizeof(uint32));
		memcpy(&four[1], text + len - 4, sizeof(uint32));
		return (uint32) mix(hash, (uint64) four[0] << 32 | four[1]);
	}
	if (len == 0)
		return (uint32) hash;
	return (uint32) mix(hash, (uint64) (unsigned char) text[0] << 16 |
								  (uint64) (unsigned char) text[len / 2] << 8 |
								  (unsigned char) text[len - 1]);
}

static Lexeme *
lexeme_of(const char *text, uint32 len)
{
	uint32 hash = hash_of(0, text, len);
	Entry *entry = look_up(0, hash, text, len);
	Lexeme *lexeme;

	if (entry->value != NULL)
		return entry->value;
	lexeme = MemoryContextAllocZero(kept.context, offsetof(Lexeme, text) + len);
	memcpy(&lexeme->order, text, Min(len, sizeof(uint64)));
	lexeme->order = pg_ntoh64(lexeme->order);
	lexeme->len = len;
	memcpy(lexeme->text, text, len);
	keep(0, hash, lexeme->text, len, lexeme);
	return lexeme;
}

/*
 * ask
 *		What the dictionaries of the configuration say of a word: the first that
 *		knows it counts, and one that filters changes it for the next.
 */
static TSLexeme *
ask(Oid config, WordKind kind, const char *word, uint32 len)
{
	TSConfigCacheEntry *cached = lookup_ts_config_cache(config);
	ListDictionary map = {0};

	if (kind < cached->lenmap)
		map = cached->map[kind];
	for (int i = 0; i < map.len; i++)
	{
		TSDictionaryCacheEntry *dictionary = lookup_ts_dictionary_cache(map.dictIds[i]);
		DictSubState state = {0};
		TSLexeme *lexemes;

		state.isend = true;
		lexemes = (TSLexeme *) DatumGetPointer(
			FunctionCall4(&dictionary->lexize, PointerGetDatum(dictionary->dictData),
						  PointerGetDatum(word), Int32GetDatum(len), PointerGetDatum(&state)));
		if (lexemes == NULL || state.getnext)
			continue;
		if ((lexemes->flags & TSL_FILTER) == 0)
			return lexemes;
		word = lexemes->lexeme;
		len = strlen(word);
	}
	return NULL;
}

/* The same, asked once. */
static Word *
word_of(Oid config, WordKind kind, const char *text, uint32 len)
{
	uint64 scope = ((uint64) config << 8) | kind;
	uint32 hash = hash_of(scope, text, len);
	Entry *entry = look_up(scope, hash, text, len);
	TSLexeme *lexemes;
	Word *word;
	int count = 0;

	if (entry->value != NULL)
		return entry->value;

	lexemes = ask(config, kind, text, len);
	while (lexemes != NULL && lexemes[count].lexeme != NULL)
		count++;
	word = MemoryContextAlloc(kept.context, offsetof(Word, found) + sizeof(Found) * count + len);
	word->known = lexemes != NULL;
	word->count = 0;
	for (int i = 0; i < count; i++)
	{
		uint32 size = strlen(lexemes[i].lexeme);

		if (size == 0 || size > MAXSTRLEN)
			continue;
		word->found[word->count].lexeme = lexeme_of(lexemes[i].lexeme, size);
		word->found[word->count++].moves_on = (lexemes[i].flags & TSL_ADDPOS) != 0;
	}
	memcpy((char *) word + offsetof(Word, found) + sizeof(Found) * count, text, len);
	keep(scope, hash, (char *) word + offsetof(Word, found) + sizeof(Found) * count, len, word);
	return word;
}

/*
 * add
 *		A lexeme at a position.  As PostgreSQL does it, a lexeme has at most 255
 *		positions, and one at the highest there is.
 */
static void
add(Vector *vector, Lexeme *lexeme, int position, int weight)
{
	int at = LIMITPOS(position);
	Occurrence *occurrence;
	Slot *slot;

	if (lexeme->vector != vector->number)
	{
		uint32 bytes = lexeme->len + 2 * sizeof(uint16);

		if (vector->nslots >= LEXEMES_MAX || vector->bytes + bytes > MAXSTRPOS)
			return;
		if (vector->nslots == vector->slots_max)
		{
			vector->slots_max *= 2;
			vector->slots = repalloc(vector->slots, sizeof(Slot) * vector->slots_max);
		}
		vector->bytes += bytes;
		lexeme->vector = vector->number;
		lexeme->slot = vector->nslots++;
		slot = &vector->slots[lexeme->slot];
		slot->lexeme = lexeme;
		slot->npos = 0;
	}
	slot = &vector->slots[lexeme->slot];
	if (slot->npos > 0 && (slot->npos >= MAXNUMPOS - 1 || slot->last == MAXENTRYPOS - 1 ||
						   slot->last == at || vector->bytes + sizeof(WordEntryPos) > MAXSTRPOS))
		return;
	if (vector->noccurrences == vector->occurrences_max)
	{
		vector->occurrences_max *= 2;
		vector->occurrences =
			repalloc(vector->occurrences, sizeof(Occurrence) * vector->occurrences_max);
	}
	vector->bytes += sizeof(WordEntryPos);
	slot->npos++;
	slot->last = at;
	occurrence = &vector->occurrences[vector->noccurrences++];
	occurrence->slot = lexeme->slot;
	occurrence->pos = 0;
	WEP_SETWEIGHT(occurrence->pos, weight);
	WEP_SETPOS(occurrence->pos, at);
	vector->highest = Max(vector->highest, at);
}

/* A part of the message, behind the parts before it. */
static void
add_part(Vector *vector, Oid config, const char *text, int len, int most, int weight)
{
	WordReader reader;
	const char *word;
	size_t size;
	WordKind kind;
	int position = vector->highest;

	if (len > most)
		len = pg_mbcharcliplen(text, len, most);
	words_begin(&reader, text, len);
	while ((kind = words_next(&reader, &word, &size)) != WORD_END)
	{
		Word *known = word_of(config, kind, word, size);

		if (known->known)
			position++;
		for (int i = 0; i < known->count; i++)
		{
			if (known->found[i].moves_on)
				position++;
			add(vector, known->found[i].lexeme, position, weight);
		}
	}
}

/* The finished vector: sorted lexemes, each with its positions behind it. */
static TSVector
put_together(Vector *vector)
{
	SortItem *items = palloc(sizeof(SortItem) * Max(vector->nslots, 1));
	TSVector out;
	Size bytes = 0;
	char *storage;

	for (uint32 i = 0; i < vector->nslots; i++)
	{
		items[i].order = vector->slots[i].lexeme->order;
		items[i].slot = &vector->slots[i];
	}
	sort_items(items, vector->nslots);
	for (uint32 i = 0; i < vector->nslots; i++)
	{
		bytes = SHORTALIGN(bytes + items[i].slot->lexeme->len);
		bytes += sizeof(uint16) + sizeof(WordEntryPos) * items[i].slot->npos;
	}

	out = palloc0(CALCDATASIZE(vector->nslots, bytes));
	SET_VARSIZE(out, CALCDATASIZE(vector->nslots, bytes));
	out->size = vector->nslots;
	storage = STRPTR(out);
	bytes = 0;
	for (uint32 i = 0; i < vector->nslots; i++)
	{
		Slot *slot = items[i].slot;
		WordEntry *entry = &ARRPTR(out)[i];

		entry->haspos = 1;
		entry->len = slot->lexeme->len;
		entry->pos = bytes;
		memcpy(storage + bytes, slot->lexeme->text, slot->lexeme->len);
		bytes = SHORTALIGN(bytes + slot->lexeme->len);
		*(uint16 *) (storage + bytes) = slot->npos;
		slot->pos = (WordEntryPos *) (storage + bytes + sizeof(uint16));
		bytes += sizeof(uint16) + sizeof(WordEntryPos) * slot->npos;
	}
	for (uint32 i = 0; i < vector->noccurrences; i++)
		*vector->slots[vector->occurrences[i].slot].pos++ = vector->occurrences[i].pos;
	return out;
}

static Datum
make_vector(Oid config, text *subject, text *people, text *body)
{
	Vector vector = {0};
	TSVector made;

	begin_keeping();
	vector.number = ++vector_number;
	vector.slots_max = 512;
	vector.slots = palloc(sizeof(Slot) * vector.slots_max);
	vector.occurrences_max = 2048;
	vector.occurrences = palloc(sizeof(Occurrence) * vector.occurrences_max);

	if (subject != NULL)
		add_part(&vector, config, VARDATA_ANY(subject), VARSIZE_ANY_EXHDR(subject), SUBJECT_MAX,
				 WEIGHT_A);
	if (people != NULL)
		add_part(&vector, config, VARDATA_ANY(people), VARSIZE_ANY_EXHDR(people), PEOPLE_MAX,
				 WEIGHT_B);
	if (body != NULL)
		add_part(&vector, config, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), BODY_MAX, WEIGHT_D);
	made = put_together(&vector);
	return PointerGetDatum(made);
}

static text *
text_or_null(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : PG_GETARG_TEXT_PP(argument);
}

/* config_search_vector(config, subject, people, body) */
Datum
ar_inbox_config_search_vector(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return make_vector(PG_GETARG_OID(0), text_or_null(fcinfo, 1), text_or_null(fcinfo, 2),
					   text_or_null(fcinfo, 3));
}

/* The configuration for a company's language; for no company the simple one. */
static Oid
config_of_company(Datum company)
{
	static Statement statement = {
		"select c.language from ar_inbox.companies c where c.id = $1", 1, {INT8OID}};
	Oid config;

	SPI_connect();
	if (read_statement(&statement, &company, NULL) == 0)
		config = search_config_of("", 0);
	else
	{
		char *language = row_text(0, 1);

		config = search_config_of(language, strlen(language));
	}
	SPI_finish();
	return config;
}

/* search_vector(company_id, subject, people, body) */
Datum
ar_inbox_search_vector(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return make_vector(config_of_company(PG_GETARG_DATUM(0)), text_or_null(fcinfo, 1),
					   text_or_null(fcinfo, 2), text_or_null(fcinfo, 3));
}
