/*-------------------------------------------------------------------------
 *
 * functions/template.c
 *	  The SQL face of message templates and of CommonMark.
 *
 * A context comes as jsonb and is turned into the renderer's values by an
 * iterator and a stack of our own: its depth is the caller's choice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/markdown.h"
#include "fmgr.h"
#include "functions/template.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(ar_inbox_render_template);
PG_FUNCTION_INFO_V1(ar_inbox_template_unknowns);
PG_FUNCTION_INFO_V1(ar_inbox_check_template);
PG_FUNCTION_INFO_V1(ar_inbox_commonmark_to_html);

static TemplateValue *
scalar_value(const JsonbValue *v)
{
	char *number;

	switch (v->type)
	{
		case jbvBool:
			return template_value_bool(v->val.boolean);
		case jbvNumeric:
			number =
				DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
			return template_value_number(number, strlen(number));
		case jbvString:
			return template_value_string(v->val.string.val, v->val.string.len);
		case jbvNull:
			return template_value_null();
		default:
			elog(ERROR, "unexpected jsonb value of type %d", (int) v->type);
	}
	return NULL;
}

/* What is being filled while the iterator is inside it. */
typedef struct Level
{
	TemplateValue *container;
	char *key; /* object: of the member that comes next */
	int keylen;
} Level;

TemplateValue *
template_value_of_jsonb(Jsonb *jsonb)
{
	JsonbIterator *it = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue v;
	int room = 16;
	int depth = 0;
	Level *levels = palloc(room * sizeof(Level));
	TemplateValue *root = NULL;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		TemplateValue *made = NULL;

		CHECK_FOR_INTERRUPTS();
		switch (token)
		{
			case WJB_BEGIN_ARRAY:
				/* A lone scalar is stored as an array that is not one. */
				if (v.val.array.rawScalar)
				{
					if (JsonbIteratorNext(&it, &v, false) != WJB_ELEM)
						elog(ERROR, "a jsonb scalar has no value");
					return scalar_value(&v);
				}
				made = template_value_list();
				break;
			case WJB_BEGIN_OBJECT:
				made = template_value_object();
				break;
			case WJB_KEY:
				levels[depth - 1].key = v.val.string.val;
				levels[depth - 1].keylen = v.val.string.len;
				continue;
			case WJB_VALUE:
			case WJB_ELEM:
				made = scalar_value(&v);
				break;
			case WJB_END_ARRAY:
			case WJB_END_OBJECT:
				depth--;
				continue;
			default:
				elog(ERROR, "unexpected jsonb token %d", (int) token);
		}

		if (depth == 0)
			root = made;
		else if (levels[depth - 1].key == NULL)
			template_value_append(levels[depth - 1].container, made);
		else
		{
			template_value_set(levels[depth - 1].container, levels[depth - 1].key,
							   levels[depth - 1].keylen, made);
		}
		if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT)
		{
			if (depth == room)
			{
				room *= 2;
				levels = repalloc_huge(levels, room * sizeof(Level));
			}
			levels[depth].container = made;
			levels[depth].key = NULL;
			levels[depth].keylen = 0;
			depth++;
		}
	}
	return root;
}

static Template *
parse_or_raise(text *source, const char *part)
{
	TemplateError err;
	Template *tmpl = template_parse(VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source), &err);

	if (tmpl == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the %s cannot be read: %s", part, err.message),
				 errdetail("Line %d, column %d.", err.line, err.column),
				 errhint("A value is written {{name}}, a section {{#name}} ... {{/name}}.")));
	return tmpl;
}

static void
render_or_raise(Template *tmpl, Jsonb *context, TemplateEscape escape, StringInfo out,
				TemplateNames *unknown)
{
	TemplateError err;

	if (!template_render(tmpl, template_value_of_jsonb(context), NULL, escape, out, unknown, &err))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the template cannot be rendered: %s", err.message),
						errdetail("Line %d, column %d.", err.line, err.column)));
}

static TemplateEscape
escape_of(text *name)
{
	char *s = text_to_cstring(name);

	if (strcmp(s, "html") == 0)
		return TEMPLATE_ESCAPE_HTML;
	if (strcmp(s, "none") == 0)
		return TEMPLATE_ESCAPE_NONE;
	if (strcmp(s, "commonmark") == 0)
		return TEMPLATE_ESCAPE_COMMONMARK;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no escaping named \"%s\"", s),
					errhint("Use html, commonmark or none.")));
	return TEMPLATE_ESCAPE_HTML;
}

/*
 * ar_inbox_render_template
 *		render_template(text, jsonb, text)
 */
Datum
ar_inbox_render_template(PG_FUNCTION_ARGS)
{
	TemplateEscape escape = escape_of(PG_GETARG_TEXT_PP(2));
	Template *tmpl = parse_or_raise(PG_GETARG_TEXT_PP(0), "template");
	StringInfoData out;

	initStringInfo(&out);
	render_or_raise(tmpl, PG_GETARG_JSONB_P(1), escape, &out, NULL);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * ar_inbox_template_unknowns
 *		template_unknowns(text, jsonb): the names that gave nothing.
 */
Datum
ar_inbox_template_unknowns(PG_FUNCTION_ARGS)
{
	Template *tmpl = parse_or_raise(PG_GETARG_TEXT_PP(0), "template");
	TemplateNames *unknown = palloc0(sizeof(TemplateNames));
	StringInfoData out;
	Datum *names;
	int i;

	unknown->every_branch = true;
	initStringInfo(&out);
	render_or_raise(tmpl, PG_GETARG_JSONB_P(1), TEMPLATE_ESCAPE_NONE, &out, unknown);
	names = palloc(Max(unknown->count, 1) * sizeof(Datum));
	for (i = 0; i < unknown->count; i++)
		names[i] = CStringGetTextDatum(unknown->names[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(names, unknown->count, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * ar_inbox_check_template
 *		check_template(template text, part text): raises what is wrong with it.
 */
Datum
ar_inbox_check_template(PG_FUNCTION_ARGS)
{
	char *part = text_to_cstring(PG_GETARG_TEXT_PP(1));

	template_free(parse_or_raise(PG_GETARG_TEXT_PP(0), part));
	PG_RETURN_VOID();
}

/*
 * ar_inbox_commonmark_to_html
 *		commonmark_to_html(text)
 */
Datum
ar_inbox_commonmark_to_html(PG_FUNCTION_ARGS)
{
	text *source = PG_GETARG_TEXT_PP(0);
	StringInfoData out;

	initStringInfo(&out);
	if (!commonmark_to_html(VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source), &out))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("this CommonMark text is too long or too deeply nested"),
						errdetail("At most %d bytes can be converted.", MARKDOWN_MAX_SOURCE)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
