/*-------------------------------------------------------------------------
 *
 * template.c
 *	  Fuzz target: a template, its partials, and a customer's words in it.
 *
 * The input is the template, the partials p and q and the value v, with a NUL
 * between each.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/html.h"
#include "core/markdown.h"
#include "core/template.h"

typedef struct Sources
{
	const char *p;
	const char *q;
} Sources;

static bool
lookup(void *arg, const char *name, size_t len, const char **src, size_t *srclen)
{
	const Sources *sources = arg;

	if (len != 1 || (*name != 'p' && *name != 'q'))
		return false;
	*src = *name == 'p' ? sources->p : sources->q;
	*srclen = strlen(*src);
	return true;
}

static void
set(TemplateValue *object, const char *name, TemplateValue *value)
{
	template_value_set(object, name, strlen(name), value);
}

/* Something of each kind: {"v": ..., "w": "p", "n": 0, "t": true, "l": [..], "o": {..}} */
static TemplateValue *
make_context(const char *value)
{
	TemplateValue *root = template_value_object();
	TemplateValue *inner = template_value_object();
	TemplateValue *list = template_value_list();

	set(inner, "v", template_value_cstring("inner <&> *text*"));
	set(inner, "n", template_value_number("12.50", 5));
	template_value_append(list, template_value_cstring("first\nitem"));
	template_value_append(list, template_value_null());
	template_value_append(list, template_value_list());
	set(root, "v", template_value_cstring(value));
	set(root, "w", template_value_cstring("p"));
	set(root, "n", template_value_number("0", 1));
	set(root, "t", template_value_bool(true));
	set(root, "f", template_value_bool(false));
	set(root, "l", list);
	set(root, "o", inner);
	return root;
}

static void
see_error(const TemplateError *err, bool clean)
{
	must(err->line >= 1 && err->column >= 1, "an error at %d:%d", err->line, err->column);
	must(err->message[0] != '\0' && memchr(err->message, '\0', sizeof(err->message)) != NULL &&
			 memchr(err->partial, '\0', sizeof(err->partial)) != NULL,
		 "an error without words");
	if (clean)
	{
		fuzz_text("error", err->message);
		fuzz_text("partial", err->partial);
	}
}

/* Whether a rendering may fail with these words though the template is right. */
static bool
is_limit(const TemplateError *err)
{
	return strstr(err->message, "too deeply") != NULL || strstr(err->message, "too far") != NULL ||
		   strstr(err->message, "too much work") != NULL ||
		   strstr(err->message, "longer than") != NULL;
}

static void
see_rendering(const Template *tmpl, const TemplateValue *context, const TemplatePartials *partials,
			  TemplateEscape escape, bool every_branch, bool clean)
{
	StringInfoData out;
	TemplateNames names = {0};
	TemplateError err = {0};

	names.every_branch = every_branch;
	initStringInfo(&out);
	appendStringInfoString(&out, "before");
	if (!template_render(tmpl, context, partials, escape, &out, &names, &err))
	{
		must(strcmp(out.data, "before") == 0 && out.len == 6, "failed, but something was written");
		see_error(&err, clean);
		must(is_limit(&err) || (partials != NULL && err.partial[0] != '\0'),
			 "it parses, but does not render: %s", err.message);
		return;
	}
	must(strncmp(out.data, "before", 6) == 0 && out.len == strlen(out.data), "not a string");
	must(out.len <= TEMPLATE_MAX_OUTPUT + 6, "%d bytes were written", out.len);
	must(names.count <= TEMPLATE_MAX_UNKNOWN, "%d names", names.count);
	fuzz_saw(out.data, out.len);
	for (int i = 0; i < names.count; i++)
		fuzz_saw(names.names[i], strlen(names.names[i]));
	if (!clean)
		return;
	fuzz_text_length("rendered", out.data, out.len);
	for (int i = 0; i < names.count; i++)
		fuzz_text("unknown", names.names[i]);
}

static char *
rendered(const char *source, const TemplateValue *context, TemplateEscape escape)
{
	StringInfoData out;
	TemplateError err;
	Template *tmpl = template_parse(source, strlen(source), &err);

	initStringInfo(&out);
	must(tmpl != NULL, "%s", err.message);
	if (!template_render(tmpl, context, NULL, escape, &out, NULL, &err))
		must(is_limit(&err), "%s", err.message);
	template_free(tmpl);
	return out.data;
}

static bool
is_ours(const char *tag)
{
	static const char *const ours[] = {"<p>",		"</p>", "<br />", "<strong>",
									   "</strong>", "<em>", "</em>",  "</a>"};

	for (int i = 0; i < lengthof(ours); i++)
	{
		if (strncmp(tag, ours[i], strlen(ours[i])) == 0)
			return true;
	}
	return false;
}

/*
 * The converter makes a link of an e-mail address wherever it stands, and no
 * escaping hinders it: fine as long as it goes to what is read there.
 */
static bool
is_own_address(const char *tag)
{
	const char *to = tag + 9;
	const char *shown;
	size_t len;

	if (strncmp(tag, "<a href=\"", 9) != 0 ||
		(strncmp(to, "mailto:", 7) != 0 && strncmp(to, "xmpp:", 5) != 0))
		return false;
	len = strcspn(to, "\"");
	shown = to + len + 2;
	if (strncmp(shown, "mailto:", 7) != 0 && strncmp(to, "mailto:", 7) == 0)
	{
		to += 7;
		len -= 7;
	}
	return strncmp(to, shown, len) == 0 && strncmp(shown + len, "</a>", 4) == 0;
}

/*
 * A value is text and nothing else wherever it comes to stand: escaped as HTML
 * it opens no tag, as CommonMark it gives paragraphs and nothing in them but
 * what the template put around it.
 */
static void
see_value(const TemplateValue *context)
{
	char *html = rendered("{{v}}", context, TEMPLATE_ESCAPE_HTML);
	char *source = rendered("A **b** {{v}} *c*\n", context, TEMPLATE_ESCAPE_COMMONMARK);
	StringInfoData out;
	int emphasised = 0;

	must(strpbrk(html, "<>\"") == NULL, "escaped: %s", html);

	initStringInfo(&out);
	if (!commonmark_to_html(source, strlen(source), &out))
		return;
	for (const char *p = strchr(out.data, '<'); p != NULL; p = strchr(p + 1, '<'))
	{
		must(is_ours(p) || is_own_address(p), "a value became markup:\n%s\n%s", source, out.data);
		emphasised += strncmp(p, "<strong>", 8) == 0 || strncmp(p, "<em>", 4) == 0;
	}
	must(emphasised <= 2, "a value became emphasis:\n%s\n%s", source, out.data);
}

void
fuzz_run(const char *data, size_t size)
{
	static const TemplateEscape escapes[] = {TEMPLATE_ESCAPE_HTML, TEMPLATE_ESCAPE_NONE,
											 TEMPLATE_ESCAPE_COMMONMARK};
	char *fields[4];
	int n_fields = fuzz_fields(data, size, fields, lengthof(fields));
	Sources sources = {fields[1], fields[2]};
	TemplatePartials partials = {lookup, &sources};
	TemplateError err = {0};
	TemplateValue *context = make_context(fields[3]);
	Template *tmpl = template_parse(fields[0], strlen(fields[0]), &err);
	bool clean = true;

	fuzz_saw_number(n_fields);
	for (int i = 0; i < lengthof(fields); i++)
		clean &= fuzz_utf8(fields[i], strlen(fields[i])) == strlen(fields[i]);
	if (tmpl == NULL)
		see_error(&err, clean);
	else
	{
		for (int i = 0; i < lengthof(escapes); i++)
		{
			see_rendering(tmpl, context, &partials, escapes[i], false, clean);
			see_rendering(tmpl, context, NULL, escapes[i], false, clean);
		}
		see_rendering(tmpl, context, &partials, TEMPLATE_ESCAPE_NONE, true, clean);
		template_free(tmpl);
	}

	/* A context has only clean text, as it comes from jsonb. */
	if (clean)
		see_value(context);
	template_value_free(context);
}
