/*-------------------------------------------------------------------------
 *
 * functions/message.c
 *	  A template and a context to the parts of a message, many times over.
 *
 * Firing fills the same few templates for thousands of invoices, so those used
 * last stay parsed in the session.  A template that cannot be used is a result
 * here and no error: one in a batch must not stop the others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "core/gsm7.h"
#include "core/markdown.h"
#include "fmgr.h"
#include "funcapi.h"
#include "functions/template.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(ar_inbox_fill_message);
PG_FUNCTION_INFO_V1(ar_inbox_fill_text_message);
PG_FUNCTION_INFO_V1(ar_inbox_gsm7_length);

/*
 * Templates that are kept parsed: this many, and none that is longer than
 * that.  The texts of a company are a few kilobytes each.
 */
#define CACHED_TEMPLATES 64
#define CACHED_MAX_SOURCE (64 * 1024)

typedef struct CachedTemplate
{
	MemoryContext memory; /* of all that is here; NULL: a free entry */
	Template *tmpl;
	char *src;
	uint32 len;
	uint32 hash;
	uint64 used; /* when, by the clock below */
} CachedTemplate;

static CachedTemplate cache[CACHED_TEMPLATES];
static uint64 now_used = 0;

/*
 * The template parsed: out of the cache, into it, or if it is too long for
 * that for this call alone.  NULL, with the reason in err, if it cannot be
 * parsed: such a one is not kept.
 */
static const Template *
parsed_template(const char *src, size_t len, TemplateError *err)
{
	CachedTemplate *oldest = &cache[0];
	MemoryContext memory;
	MemoryContext before;
	Template *tmpl;
	char *copy;
	uint32 hash;

	if (len > CACHED_MAX_SOURCE)
		return template_parse(src, len, err);
	hash = hash_bytes((const unsigned char *) src, len);
	for (int i = 0; i < CACHED_TEMPLATES; i++)
	{
		CachedTemplate *entry = &cache[i];

		if (entry->memory != NULL && entry->hash == hash && entry->len == len &&
			memcmp(entry->src, src, len) == 0)
		{
			entry->used = ++now_used;
			return entry->tmpl;
		}
		if (entry->used < oldest->used)
			oldest = entry;
	}

	/* Until it is whole it belongs to the call: an error on the way takes it along. */
	memory = AllocSetContextCreate(CurrentMemoryContext, "ar_inbox template", ALLOCSET_SMALL_SIZES);
	before = MemoryContextSwitchTo(memory);
	tmpl = template_parse(src, len, err);
	copy = tmpl == NULL ? NULL : pnstrdup(src, len);
	MemoryContextSwitchTo(before);
	if (tmpl == NULL)
	{
		MemoryContextDelete(memory);
		return NULL;
	}
	if (oldest->memory != NULL)
		MemoryContextDelete(oldest->memory);
	MemoryContextSetParent(memory, TopMemoryContext);
	oldest->memory = memory;
	oldest->tmpl = tmpl;
	oldest->src = copy;
	oldest->len = len;
	oldest->hash = hash;
	oldest->used = ++now_used;
	return tmpl;
}

static text *
problem(const char *part, const char *what, const TemplateError *err)
{
	char *message = psprintf("the %s cannot be %s: %s (line %d, column %d)", part, what,
							 err->message, err->line, err->column);

	return cstring_to_text(message);
}

/* Renders a part; NULL if that worked, else why not. */
static text *
render(text *source, const char *part, const TemplateValue *context, TemplateEscape escape,
	   StringInfo out)
{
	TemplateError err;
	const Template *tmpl = parsed_template(VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source), &err);

	if (tmpl == NULL)
		return problem(part, "read", &err);
	initStringInfo(out);
	if (!template_render(tmpl, context, NULL, escape, out, NULL, &err))
		return problem(part, "rendered", &err);
	return NULL;
}

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

/* One line, with one blank between words and none around them. */
static void
make_one_line(StringInfo text)
{
	int to = 0;

	for (int i = 0; i < text->len; i++)
	{
		if (!is_blank(text->data[i]))
			text->data[to++] = text->data[i];
		else if (to > 0 && text->data[to - 1] != ' ')
			text->data[to++] = ' ';
	}
	if (to > 0 && text->data[to - 1] == ' ')
		to--;
	text->len = to;
	text->data[to] = '\0';
}

static HeapTuple
make_result(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return heap_form_tuple(BlessTupleDesc(desc), values, nulls);
}

/*
 * ar_inbox_fill_message
 *		fill_message(subject text, body text, context jsonb,
 *			out subject, out text, out html, out error)
 */
Datum
ar_inbox_fill_message(PG_FUNCTION_ARGS)
{
	text *subject = PG_GETARG_TEXT_PP(0);
	text *body = PG_GETARG_TEXT_PP(1);
	const TemplateValue *context = template_value_of_jsonb(PG_GETARG_JSONB_P(2));
	StringInfoData line;
	StringInfoData plain;
	StringInfoData source;
	StringInfoData html;
	Datum values[4] = {0};
	bool nulls[4] = {true, true, true, true};
	text *error = render(subject, "subject", context, TEMPLATE_ESCAPE_NONE, &line);

	if (error == NULL)
		error = render(body, "body", context, TEMPLATE_ESCAPE_NONE, &plain);
	if (error == NULL)
		error = render(body, "body", context, TEMPLATE_ESCAPE_COMMONMARK, &source);
	if (error == NULL)
	{
		initStringInfo(&html);
		if (!commonmark_to_html(source.data, source.len, &html))
			error = cstring_to_text("the body is too long or too deeply nested to become HTML");
	}
	if (error != NULL)
	{
		values[3] = PointerGetDatum(error);
		nulls[3] = false;
		PG_RETURN_DATUM(HeapTupleGetDatum(make_result(fcinfo, values, nulls)));
	}

	make_one_line(&line);
	values[0] = PointerGetDatum(cstring_to_text_with_len(line.data, line.len));
	nulls[0] = line.len == 0;
	values[1] = PointerGetDatum(cstring_to_text_with_len(plain.data, plain.len));
	values[2] = PointerGetDatum(cstring_to_text_with_len(html.data, html.len));
	nulls[1] = nulls[2] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(make_result(fcinfo, values, nulls)));
}

/*
 * ar_inbox_fill_text_message
 *		fill_text_message(body text, context jsonb, out text, out error)
 */
Datum
ar_inbox_fill_text_message(PG_FUNCTION_ARGS)
{
	text *body = PG_GETARG_TEXT_PP(0);
	const TemplateValue *context = template_value_of_jsonb(PG_GETARG_JSONB_P(1));
	StringInfoData plain;
	StringInfoData simple;
	Datum values[2] = {0};
	bool nulls[2] = {true, true};
	text *error = render(body, "body", context, TEMPLATE_ESCAPE_NONE, &plain);

	if (error != NULL)
	{
		values[1] = PointerGetDatum(error);
		nulls[1] = false;
		PG_RETURN_DATUM(HeapTupleGetDatum(make_result(fcinfo, values, nulls)));
	}
	while (plain.len > 0 && is_blank(plain.data[plain.len - 1]))
		plain.data[--plain.len] = '\0';
	initStringInfo(&simple);
	if (!gsm7_simplify(plain.data, plain.len, &simple))
		simple = plain;
	values[0] = PointerGetDatum(cstring_to_text_with_len(simple.data, simple.len));
	nulls[0] = simple.len == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(make_result(fcinfo, values, nulls)));
}

/*
 * ar_inbox_gsm7_length
 *		gsm7_length(text): NULL if the GSM alphabet is not enough.
 */
Datum
ar_inbox_gsm7_length(PG_FUNCTION_ARGS)
{
	text *message = PG_GETARG_TEXT_PP(0);
	int length = gsm7_length(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message));

	if (length < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(length);
}
