/*-------------------------------------------------------------------------
 *
 * template_test.c
 *	  Rule by rule: what templates do, and what they refuse.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <time.h>

#include "core/template.h"
#include "tap.h"

/* Reads well-formed JSON of the plain sort the tests use; moves *s past it. */
static TemplateValue *
read_json(const char **s)
{
	TemplateValue *value;
	StringInfoData text;
	const char *start;

	while (**s == ' ' || **s == ',' || **s == ':')
		(*s)++;
	switch (**s)
	{
		case '{':
		case '[':
			value = **s == '{' ? template_value_object() : template_value_list();
			for ((*s)++; **s != '}' && **s != ']';)
			{
				TemplateValue *item = read_json(s);

				if (template_value_type(value) == TEMPLATE_LIST)
					template_value_append(value, item);
				else
				{
					size_t len;
					const char *name = template_value_text(item, &len);

					template_value_set(value, name, len, read_json(s));
					template_value_free(item);
				}
				while (**s == ' ' || **s == ',')
					(*s)++;
			}
			(*s)++;
			return value;
		case '"':
			initStringInfo(&text);
			for ((*s)++; **s != '"'; (*s)++)
			{
				if (**s == '\\')
				{
					(*s)++;
					appendStringInfoChar(&text, **s == 'n' ? '\n' :
												**s == 'r' ? '\r' :
												**s == 't' ? '\t' :
															 **s);
				}
				else
					appendStringInfoChar(&text, **s);
			}
			(*s)++;
			value = template_value_string(text.data, text.len);
			pfree(text.data);
			return value;
		case 'n':
			*s += 4;
			return template_value_null();
		case 't':
			*s += 4;
			return template_value_bool(true);
		case 'f':
			*s += 5;
			return template_value_bool(false);
		default:
			for (start = *s; strchr("0123456789+-.eE", **s) != NULL && **s != '\0';)
				(*s)++;
			if (*s == start)
			{
				fprintf(stderr, "bad JSON in a test: %s\n", start);
				exit(2);
			}
			return template_value_number(start, *s - start);
	}
}

static TemplateValue *
json(const char *text)
{
	return read_json(&text);
}

static bool
partial_of(void *arg, const char *name, size_t len, const char **src, size_t *srclen)
{
	const TemplateValue *value = template_value_get((const TemplateValue *) arg, name, len);

	if (value == NULL)
		return false;
	*src = template_value_text(value, srclen);
	return true;
}

/* Renders; the result is static, and the error's message where there is one. */
static const char *
rendered(const char *source, const char *context, const char *partials, TemplateEscape escape,
		 TemplateNames *unknown, TemplateError *err)
{
	static StringInfoData out;
	static bool made = false;
	TemplateError mine;
	TemplateValue *root = json(context);
	TemplateValue *parts = json(partials);
	TemplatePartials lookup = {partial_of, parts};
	Template *tmpl;

	if (!made)
		initStringInfo(&out);
	made = true;
	resetStringInfo(&out);
	if (err == NULL)
		err = &mine;
	tmpl = template_parse(source, strlen(source), err);
	if (tmpl == NULL || !template_render(tmpl, root, &lookup, escape, &out, unknown, err))
		appendStringInfo(&out, "ERROR %d:%d %s%s%s", err->line, err->column, err->partial,
						 err->partial[0] ? ": " : "", err->message);
	if (tmpl != NULL)
		template_free(tmpl);
	template_value_free(root);
	template_value_free(parts);
	return out.data;
}

#define gives(name, source, context, want)                                                         \
	is(rendered((source), (context), "{}", TEMPLATE_ESCAPE_HTML, NULL, NULL), (want), (name))
#define gives_with(name, source, context, partials, want)                                          \
	is(rendered((source), (context), (partials), TEMPLATE_ESCAPE_HTML, NULL, NULL), (want), (name))
#define fails(name, source, want) gives((name), (source), "{}", (want))

static void
test_interpolation(void)
{
	const char *invoice =
		"{\"no\":\"RE-7\",\"who\":\"Müller & Söhne <\\\"GmbH\\\">\",\"sum\":120.50,"
		"\"ok\":true,\"off\":false,\"nil\":null,\"e\":\"\"}";

	gives("text without tags stays", "Dear {customer}, } {\n", "{}", "Dear {customer}, } {\n");
	gives("empty template", "", "{}", "");
	gives("a name", "Invoice {{no}}!", invoice, "Invoice RE-7!");
	gives("white space in the tag", "{{  no\t}}{{\nno\n}}", invoice, "RE-7RE-7");
	gives("HTML is escaped", "{{who}}", invoice, "Müller &amp; Söhne &lt;&quot;GmbH&quot;&gt;");
	gives("triple is raw", "{{{who}}}", invoice, "Müller & Söhne <\"GmbH\">");
	gives("padded triple is raw", "{{{ who }}}", invoice, "Müller & Söhne <\"GmbH\">");
	gives("ampersand is raw", "{{&who}}{{& no }}", invoice, "Müller & Söhne <\"GmbH\">RE-7");
	gives("apostrophe", "{{a}}", "{\"a\":\"it's\"}", "it&#39;s");
	gives("a number as it is written", "{{sum}}/{{{sum}}}", invoice, "120.50/120.50");
	gives("true and false have words", "{{ok}} {{off}}", invoice, "true false");
	gives("null is empty", "[{{nil}}]", invoice, "[]");
	gives("a miss is empty", "[{{x}}{{{x}}}{{&x}}]", invoice, "[]");
	gives("a list as text is empty", "[{{l}}]", "{\"l\":[1]}", "[]");
	gives("never standalone", " {{no}} \n{{no}}\n", invoice, " RE-7 \nRE-7\n");
	gives("values are not templates", "{{a}}", "{\"a\":\"{{b}}\",\"b\":1}", "{{b}}");
	gives("names of any script", "{{größe}}", "{\"größe\":\"XL\"}", "XL");
	gives("the context itself", "{{.}}", "\"x<\"", "x&lt;");
	gives("a root that is no object", "[{{a}}{{.}}]", "7", "[7]");
}

static void
test_dotted(void)
{
	const char *c =
		"{\"c\":{\"n\":\"Ada\",\"a\":{\"city\":\"Bonn\"}},\"n\":\"top\",\"s\":\"text\"}";

	gives("dotted name", "{{c.n}} {{c.a.city}}", c, "Ada Bonn");
	gives("dotted, raw", "{{{c.n}}}{{&c.a.city}}", c, "AdaBonn");
	gives("dotted miss at the end", "[{{c.x}}]", c, "[]");
	gives("dotted miss in between", "[{{c.x.n}}]", c, "[]");
	gives("a part looks only into its parent", "[{{c.a.n}}]", c, "[]");
	gives("a scalar has no parts", "[{{s.length}}]", c, "[]");
	gives("a list has no parts", "[{{l.0}}]", "{\"l\":[1]}", "[]");
	gives("the first part is looked up outwards", "{{#c}}{{c.n}}{{/c}}", c, "Ada");
	gives("the innermost first part decides", "[{{#a}}{{b.c}}{{/a}}]",
		  "{\"a\":{\"b\":{}},\"b\":{\"c\":1}}", "[]");
	gives("dotted section", "{{#c.a}}{{city}}{{/c.a}}", c, "Bonn");
	gives("dotted section without value", "[{{#c.b.d}}x{{/c.b.d}}]", c, "[]");
	gives("dotted inverted", "{{^c.b}}none{{/c.b}}{{^c.a}}x{{/c.a}}", c, "none");
	gives("leading dot stays inside", "[{{#c}}{{.n}}{{.s}}{{.a.city}}{{/c}}]", c, "[AdaBonn]");
	gives("implicit iterator inside and out", "{{#l}}{{#.}}{{.}}{{/.}};{{/l}}",
		  "{\"l\":[[1,2],[],[3]]}", "12;;3;");
}

static void
test_sections(void)
{
	const char *c =
		"{\"l\":[{\"n\":1},{\"n\":2},{}],\"n\":\"o\",\"t\":true,\"f\":false,\"nil\":null,"
		"\"e\":[],\"es\":\"\",\"s\":\"str\",\"z\":0,\"z2\":0.00,\"one\":0.01,\"ob\":{}}";

	gives("true", "[{{#t}}x{{/t}}]", c, "[x]");
	gives("false", "[{{#f}}x{{/f}}]", c, "[]");
	gives("null", "[{{#nil}}x{{/nil}}]", c, "[]");
	gives("missing", "[{{#no}}x{{/no}}]", c, "[]");
	gives("empty list", "[{{#e}}x{{/e}}]", c, "[]");
	gives("empty string", "[{{#es}}x{{/es}}]", c, "[]");
	gives("zero", "[{{#z}}x{{/z}}{{#z2}}x{{/z2}}]", c, "[]");
	gives("not quite zero", "[{{#one}}{{.}}{{/one}}]", c, "[0.01]");
	gives("string", "[{{#s}}{{.}}{{/s}}]", c, "[str]");
	gives("an empty object is there", "[{{#ob}}x{{/ob}}]", c, "[x]");
	gives("list, outer names within reach", "{{#l}}{{n}};{{/l}}", c, "1;2;o;");
	gives("list of scalars", "{{#l}}<{{.}}>{{/l}}", "{\"l\":[1,\"&\",true]}", "<1><&amp;><true>");
	gives("a false item is an item", "{{#l}}x{{/l}}", "{\"l\":[false,null,0]}", "xxx");
	gives("nested alike", "{{#t}}a{{#t}}b{{/t}}c{{/t}}", c, "abc");
	gives("nested, outer false", "{{#f}}a{{#t}}b{{/t}}c{{/f}}d", c, "d");
	gives("inner hides outer", "{{#o}}{{n}}{{/o}}{{n}}", "{\"n\":1,\"o\":{\"n\":2}}", "21");
	gives("an inner null hides too", "[{{#o}}{{n}}{{/o}}]", "{\"n\":1,\"o\":{\"n\":null}}", "[]");
	gives("white space in section tags", "{{# t }}x{{/ t\t}}", c, "x");
	gives("inverted false", "{{^f}}x{{/f}}{{^nil}}y{{/nil}}{{^no}}z{{/no}}{{^e}}e{{/e}}", c,
		  "xyze");
	gives("inverted true", "[{{^t}}x{{/t}}{{^l}}x{{/l}}{{^ob}}x{{/ob}}{{^s}}x{{/s}}]", c, "[]");
	gives("inverted of nothing much", "{{^es}}a{{/es}}{{^z}}b{{/z}}", c, "ab");
	gives("both ways", "{{#f}}yes{{/f}}{{^f}}no{{/f}}", c, "no");
	gives("section over empty content", "a{{#l}}{{/l}}b", c, "ab");
	gives("list in a list", "{{#a}}{{#b}}{{x}}{{.}} {{/b}}{{/a}}",
		  "{\"a\":[{\"x\":1,\"b\":[7,8]},{\"x\":2,\"b\":[9]}]}", "17 18 29 ");
}

static void
test_comments_and_delimiters(void)
{
	gives("comment", "a{{! whatever #/^ }}b", "{}", "ab");
	gives("comment over lines", "a{{!\n b\n}}c", "{}", "ac");
	gives("standalone comment", "a\n  {{! x }}  \nb", "{}", "a\nb");
	gives("standalone comment over lines", "a\n  {{!\n x\n }}\nb\n", "{}", "a\nb\n");
	gives("comment not alone", "a {{!x}}\nb", "{}", "a \nb");
	gives("comment and a name on a line", " {{!x}}{{a}}\n", "{\"a\":1}", " 1\n");
	gives("comment at the end", "a\n {{!x}}", "{}", "a\n");
	gives("comment with CRLF", "a\r\n{{!x}}\r\nb", "{}", "a\r\nb");
	gives("a comment holds one brace less", "{{! a } b }}c", "{}", "c");

	gives("set delimiters", "{{=<% %>=}}<% a %>{{a}}", "{\"a\":1}", "1{{a}}");
	gives("set and set back", "{{=| |=}}|a||={{ }}=|{{a}}", "{\"a\":1}", "11");
	gives("padded", "{{=   @   @   =}}@a@", "{\"a\":1}", "1");
	gives("one character each", "{{=[ ]=}}[a]", "{\"a\":\"<\"}", "&lt;");
	gives("ampersand with them", "{{=[ ]=}}[&a]", "{\"a\":\"<\"}", "<");
	gives("triple with them", "{{=<< >>=}}<<{a}>>", "{\"a\":\"<\"}", "<");
	gives("standalone", "a\n {{=[ ]=}} \nb", "{}", "a\nb");
	gives("not alone", "a {{=[ ]=}}\nb", "{}", "a \nb");
	gives("in a section", "{{#t}}{{=[ ]=}}[a][/t]", "{\"t\":[1,2],\"a\":3}", "33");
	gives_with("not passed to partials", "{{=[ ]=}}[>p]", "{\"a\":1}", "{\"p\":\"{{a}}[a]\"}",
			   "1[a]");
	gives_with("not taken from partials", "{{>p}}{{a}}|a|", "{\"a\":1}", "{\"p\":\"{{=| |=}}|a|\"}",
			   "11|a|");
	fails("three delimiters", "{{=a b c=}}",
		  "ERROR 1:1 delimiters are set by two short words without \"=\", as in {{=<% %>=}}");
	fails("one delimiter", "{{=ab=}}",
		  "ERROR 1:1 delimiters are set by two short words without \"=\", as in {{=<% %>=}}");
	fails("an equals sign in one", "{{=a= b=}}",
		  "ERROR 1:1 delimiters are set by two short words without \"=\", as in {{=<% %>=}}");
}

static void
test_standalone(void)
{
	const char *t = "{\"t\":true,\"f\":false,\"l\":[1,2]}";

	gives("section lines go", "a\n{{#t}}\nb\n{{/t}}\nc\n", t, "a\nb\nc\n");
	gives("indented section lines go", "a\n  {{#t}}\n b\n\t{{/t}} \nc", t, "a\n b\nc");
	gives("with CRLF", "a\r\n{{#t}}\r\nb\r\n{{/t}}\r\nc", t, "a\r\nb\r\nc");
	gives("the first line", "  {{#t}}\nb\n{{/t}}\n", t, "b\n");
	gives("the last line without end", "a\n{{#t}}\nb\n  {{/t}}", t, "a\nb\n");
	gives("section on one line stays", " {{#t}}x{{/t}}\n", t, " x\n");
	gives("two tags on a line stay", " {{#t}} {{/t}}\nx", t, "  \nx");
	gives("text before keeps the line", "a {{#t}}\nb{{/t}}\n", t, "a \nb\n");
	gives("text after keeps the line", "{{#t}} a\n{{/t}}b\n", t, " a\nb\n");
	gives("inverted lines go", "a\n {{^f}}\nb\n {{/f}}\nc\n", t, "a\nb\nc\n");
	gives("list over lines", "{{#l}}\n- {{.}}\n{{/l}}\n", t, "- 1\n- 2\n");
	gives("false takes its lines", "a\n{{#f}}\nb\n{{/f}}\nc\n", t, "a\nc\n");
	gives("empty lines stay", "\n\n{{#t}}\n\n{{/t}}\n\n", t, "\n\n\n\n");
	gives("a lone carriage return ends no line", "{{#t}}\rx{{/t}}", t, "\rx");
}

static void
test_partials(void)
{
	gives_with("partial", "[{{>p}}]", "{\"a\":1}", "{\"p\":\"<{{a}}>\"}", "[<1>]");
	gives_with("missing partial", "[{{>q}}]", "{}", "{}", "[]");
	gives_with("white space in the tag", "{{> p }}", "{}", "{\"p\":\"x\"}", "x");
	gives_with("a name with dots and slashes", "{{>mail/foot.txt}}", "{}",
			   "{\"mail/foot.txt\":\"x\"}", "x");
	gives_with("context where it stands", "{{#l}}{{>p}}{{/l}}", "{\"l\":[{\"a\":1},{\"a\":2}]}",
			   "{\"p\":\"{{a}},\"}", "1,2,");
	gives_with("recursion by data", "{{>n}}",
			   "{\"v\":1,\"k\":[{\"v\":2,\"k\":[{\"v\":3,\"k\":[]}]}]}",
			   "{\"n\":\"({{v}}{{#k}}{{>n}}{{/k}})\"}", "(1(2(3)))");
	gives_with("inline, nothing is indented", "  {{a}} {{>p}}\n", "{\"a\":1}", "{\"p\":\"x\\ny\"}",
			   "  1 x\ny\n");
	gives_with("surroundings stay", "| {{>p}} |", "{}", "{\"p\":\"\\t|\\t\"}", "| \t|\t |");
	gives_with("standalone goes with its line", "a\n{{>p}}\nb", "{}", "{\"p\":\"x\\n\"}",
			   "a\nx\nb");
	gives_with("standalone with CRLF", "a\r\n{{>p}}\r\nb", "{}", "{\"p\":\"x\"}", "a\r\nxb");
	gives_with("standalone indents", "a\n  {{>p}}\nb", "{}", "{\"p\":\"x\\ny\\n\"}",
			   "a\n  x\n  y\nb");
	gives_with("standalone, last line", "a\n  {{>p}}", "{}", "{\"p\":\"x\\ny\"}", "a\n  x\n  y");
	gives_with("lines of values are not indented", " {{>p}}\n", "{\"v\":\"1\\n2\"}",
			   "{\"p\":\"|\\n{{{v}}}\\n|\\n\"}", " |\n 1\n2\n |\n");
	gives_with("a line that begins with a tag is", " {{>p}}\n", "{\"l\":[1,2]}",
			   "{\"p\":\"{{#l}}\\n{{.}}\\n{{/l}}\\n\"}", " 1\n 2\n");
	gives_with("sections across lines", "  {{>p}}\n", "{\"l\":[1,2]}",
			   "{\"p\":\"{{#l}}a\\n{{/l}}b\"}", "  a\n  a\n  b");
	gives_with("indentation adds up", " {{>p}}\n", "{}",
			   "{\"p\":\"p\\n {{>q}}\\n\",\"q\":\"q\\nr\\n\"}", " p\n  q\n  r\n");
	gives_with("an inline one starts anew", " {{>p}}\n", "{}",
			   "{\"p\":\"a{{>q}}\\n\",\"q\":\"q\\nr\"}", " aq\nr\n");
	gives_with("tabs indent too", "\t{{>p}}\n", "{}", "{\"p\":\"x\\n\"}", "\tx\n");
	gives_with("a partial that does not parse", "{{>p}}", "{}", "{\"p\":\"a\\n{{#b}}\"}",
			   "ERROR 2:1 p: \"#b\" is never closed");
	gives_with("without end", "{{>p}}", "{}", "{\"p\":\"{{>p}}\"}",
			   "ERROR 1:1 p: partials include one another too deeply");
	gives_with("without end, growing", "{{>p}}", "{}", "{\"p\":\"x{{>p}}{{>p}}\"}",
			   "ERROR 1:2 p: partials include one another too deeply");

	gives_with("dynamic name", "{{>*which}}", "{\"which\":\"p\",\"a\":1}", "{\"p\":\"<{{a}}>\"}",
			   "<1>");
	gives_with("dynamic, dotted and padded", "{{> * m.which }}", "{\"m\":{\"which\":\"p\"}}",
			   "{\"p\":\"x\"}", "x");
	gives_with("dynamic, not there", "[{{>*which}}]", "{}", "{\"which\":\"x\"}", "[]");
	gives_with("dynamic, no such partial", "[{{>*w}}]", "{\"w\":\"q\"}", "{\"p\":\"x\"}", "[]");
	gives_with("dynamic, twice is no more", "[{{>**w}}]", "{\"w\":\"v\",\"v\":\"p\"}",
			   "{\"p\":\"x\"}", "[]");
	gives_with("dynamic, a list is no name", "[{{>*w}}]", "{\"w\":[\"p\"]}", "{\"p\":\"x\"}", "[]");
	gives_with("dynamic, standalone", "a\n {{>*w}}\nb", "{\"w\":\"p\"}", "{\"p\":\"x\\ny\\n\"}",
			   "a\n x\n y\nb");
	gives_with("dynamic pushes no context", "{{#o}}{{>*m.w}}{{/o}}",
			   "{\"o\":{\"v\":1},\"m\":{\"w\":\"p\",\"v\":2}}", "{\"p\":\"{{v}}\"}", "1");
}

static void
test_inheritance(void)
{
	const char *page = "{\"page\":\"<h1>{{$title}}Letter{{/title}}</h1>{{$body}}{{/body}}\"}";

	gives("a block is its default", "{{$a}}x{{b}}{{/a}}\n", "{\"b\":1}", "x1\n");
	gives_with("a parent without arguments", "{{<page}}{{/page}}", "{}", page, "<h1>Letter</h1>");
	gives_with("the same as a partial", "{{>page}}", "{}", page, "<h1>Letter</h1>");
	gives_with("one argument", "{{<page}}{{$title}}Invoice{{/title}}{{/page}}", "{}", page,
			   "<h1>Invoice</h1>");
	gives_with("two, in any order", "{{<page}}{{$body}}B{{/body}}{{$title}}T{{/title}}{{/page}}",
			   "{}", page, "<h1>T</h1>B");
	gives_with("other text inside is ignored", "{{<page}}x{{$title}}T{{/title}}{{y}}{{/page}}",
			   "{\"y\":1}", page, "<h1>T</h1>");
	gives_with("data does not fill blocks", "{{<page}}{{/page}}", "{\"title\":\"data\"}", page,
			   "<h1>Letter</h1>");
	gives_with("missing parent", "[{{<nix}}{{$a}}x{{/a}}{{/nix}}]", "{}", page, "[]");
	gives_with("arguments see the parent's context", "{{<p}}{{$b}}{{v}}{{/b}}{{/p}}",
			   "{\"v\":1,\"o\":{\"v\":2}}", "{\"p\":\"{{#o}}{{$b}}{{/b}}{{/o}}{{$b}}{{/b}}\"}",
			   "21");
	gives_with("each use has its own", "{{<p}}{{$b}}1{{/b}}{{/p}}{{<p}}{{$b}}2{{/b}}{{/p}}{{>p}}",
			   "{}", "{\"p\":\"{{$b}}0{{/b}}\"}", "120");
	gives_with("the outermost wins", "{{<p}}{{$b}}outer{{/b}}{{/p}}", "{}",
			   "{\"p\":\"{{<q}}{{$b}}inner{{/b}}{{/q}}\",\"q\":\"{{$b}}own{{/b}}\"}", "outer");
	gives_with("else the next", "{{<p}}{{/p}}", "{}",
			   "{\"p\":\"{{<q}}{{$b}}inner{{/b}}{{/q}}\",\"q\":\"{{$b}}own{{/b}}\"}", "inner");
	gives_with("through a partial", "{{<p}}{{$b}}x{{/b}}{{/p}}", "{}",
			   "{\"p\":\"{{>q}}\",\"q\":\"{{$b}}own{{/b}}\"}", "x");
	gives_with("an argument does not fill itself", "{{<p}}{{$b}}[{{$b}}d{{/b}}]{{/b}}{{/p}}", "{}",
			   "{\"p\":\"{{$b}}own{{/b}}\"}", "[d]");
	gives_with("a dynamic parent", "{{<*w}}{{$title}}T{{/title}}{{/*w}}", "{\"w\":\"page\"}", page,
			   "<h1>T</h1>");
	gives_with("standalone parent", "a\n  {{<p}}{{/p}}\nb\n", "{}", "{\"p\":\"x\\ny\\n\"}",
			   "a\n  x\n  y\nb\n");
	gives_with("standalone over lines", "a\n {{<p}}\n {{$b}}x{{/b}}\n {{/p}}\nb\n", "{}",
			   "{\"p\":\"{{$b}}{{/b}}\\ny\\n\"}", "a\n x\n y\nb\n");
	gives_with("not standalone", "a {{<p}}\n{{/p}}\nb", "{}", "{\"p\":\"x\"}", "a x\nb");
	gives_with("a block on its lines", "{{<p}}\n{{$b}}\nx\ny\n{{/b}}\n{{/p}}\n", "{}",
			   "{\"p\":\"a\\n{{$b}}\\n{{/b}}\\nz\\n\"}", "a\nx\ny\nz\n");
	gives_with("is relieved of its indentation and given the other's",
			   "{{<p}}{{$b}}\n      x\n        y\n{{/b}}{{/p}}\n", "{}",
			   "{\"p\":\"a\\n  {{$b}}\\n  {{/b}}\\nz\\n\"}", "a\n  x\n    y\nz\n");
	gives_with("which the default's lines tell", "{{<p}}{{$b}}\nx\n{{/b}}{{/p}}\n", "{}",
			   "{\"p\":\"{{$b}}\\n   default\\n{{/b}}\\n\"}", "   x\n");
	gives_with("a block inline indents what follows", "{{<p}}{{$b}}\nx\ny{{/b}}{{/p}}", "{}",
			   "{\"p\":\"a\\n  {{$b}}{{/b}}\\nz\"}", "a\n  x\n  y\nz");
	gives_with("blocks within arguments", "{{<c}}{{$in}}\nI\n{{/in}}{{/c}}\n", "{}",
			   "{\"c\":\"{{<p}}{{$b}}\\n  1\\n  {{$in}}\\n    2\\n  {{/in}}\\n{{/b}}{{/p}}\\n\","
			   "\"p\":\"{{$b}}d{{/b}}\"}",
			   "1\n  I\n");
	gives_with("mid-line", "{{<p}}{{$b}}x\ny{{/b}}{{/p}}", "{}", "{\"p\":\"  a {{$b}}{{/b}}.\"}",
			   "  a x\ny.");
	gives_with("parents without end", "{{<p}}{{/p}}", "{}", "{\"p\":\"{{<p}}{{$a}}{{/a}}{{/p}}\"}",
			   "ERROR 1:1 p: partials include one another too deeply");
}

static void
test_errors(void)
{
	fails("tag not closed", "a\nbc{{name", "ERROR 2:3 this tag is not closed: \"}}\" is missing");
	fails("triple not closed", "{{{name}}", "ERROR 1:1 this tag is not closed: \"}}}\" is missing");
	fails("delimiters not closed", "{{=<% %>}}",
		  "ERROR 1:1 this tag is not closed: \"=}}\" is missing");
	fails("other delimiters not closed", "{{=<% %>=}}<%a",
		  "ERROR 1:12 this tag is not closed: \"%>\" is missing");
	fails("no name", "x {{ }}", "ERROR 1:3 this tag has no name");
	fails("no name in a section", "{{#}}{{/}}", "ERROR 1:1 this tag has no name");
	fails("a name of two words", "{{customer name}}",
		  "ERROR 1:3 a name cannot contain white space: \"customer name\"");
	fails("empty part", "{{a..b}}", "ERROR 1:3 a part between the dots of \"a..b\" is empty");
	fails("empty last part", "{{#a.}}{{/a.}}",
		  "ERROR 1:4 a part between the dots of \"a.\" is empty");
	fails("section not closed", "ä\nöü {{#list}}\n", "ERROR 2:4 \"#list\" is never closed");
	fails("the inner one is named", "{{#a}}{{^b}}", "ERROR 1:7 \"^b\" is never closed");
	fails("parent not closed", "{{<a}}", "ERROR 1:1 \"<a\" is never closed");
	fails("block not closed", "{{$a}}", "ERROR 1:1 \"$a\" is never closed");
	fails("nothing to close", "x{{/a}}", "ERROR 1:2 \"/a\" closes nothing that is open");
	fails("crossed", "{{#a}}{{#b}}{{/a}}{{/b}}",
		  "ERROR 1:13 \"/a\" stands where \"#b\" must be closed first");
	fails("a dynamic parent closes as one", "{{<*a}}{{/a}}",
		  "ERROR 1:8 \"/a\" stands where \"<*a\" must be closed first");
	fails("columns count characters", "äöü{{/x}}", "ERROR 1:4 \"/x\" closes nothing that is open");
}

static void
test_unknown(void)
{
	TemplateNames names;

	memset(&names, 0, sizeof(names));
	is(rendered("{{a}}{{b}}{{b}}{{c.d}}{{#e}}{{f}}{{/e}}{{^g}}{{h}}{{/g}}{{>p}}{{nil}}{{l}}{{{b}}}",
				"{\"a\":1,\"c\":{},\"nil\":null,\"l\":[1]}", "{}", TEMPLATE_ESCAPE_HTML, &names,
				NULL),
	   "1", "unknown names do not disturb");
	is_int(names.count, 7, "each unknown name once");
	is(names.names[0], "b", "a miss");
	is(names.names[1], "c.d", "a dotted miss, whole");
	is(names.names[2], "e", "a section");
	is(names.names[3], "g", "an inverted section");
	is(names.names[4], "h", "what is inside it");
	is(names.names[5], ">p", "a partial");
	is(names.names[6], "l", "a list where text is wanted");

	memset(&names, 0, sizeof(names));
	rendered("{{#no}}{{a}}{{/no}}{{^yes}}{{b}}{{#nil}}{{c}}{{d}}{{.}}{{/nil}}{{/yes}}",
			 "{\"no\":false,\"yes\":1}", "{}", TEMPLATE_ESCAPE_NONE, &names, NULL);
	is_int(names.count, 0, "a section that is false hides its names");
	names.every_branch = true;
	rendered("{{#no}}{{a}}{{/no}}{{^yes}}{{b}}{{#nil}}{{c}}{{n}}{{.}}{{/nil}}{{/yes}}"
			 "{{#empty}}{{item}}{{/empty}}{{#what}}{{item}}{{/what}}{{#o}}{{n}}{{/o}}",
			 "{\"no\":false,\"yes\":1,\"nil\":null,\"empty\":[],\"n\":\"\",\"o\":{\"n\":1}}", "{}",
			 TEMPLATE_ESCAPE_NONE, &names, NULL);
	is_int(names.count, 4, "but not from who looks at every branch");
	is(names.names[0], "a", "in a section that is false");
	is(names.names[1], "b", "in an inverted one that is true");
	is(names.names[2], "c", "and within that");
	is(names.names[3], "what", "what is in an unknown one stays hidden, and in an empty list");
}

static void
test_limits(void)
{
	StringInfoData s;
	StringInfoData out;
	TemplateError err;
	Template *tmpl;
	TemplateValue *deep = template_value_list();
	clock_t begun;
	int i;

	initStringInfo(&s);
	initStringInfo(&out);
	for (i = 0; i < TEMPLATE_MAX_NESTING; i++)
		appendStringInfoString(&s, "{{#a}}");
	for (i = 0; i < TEMPLATE_MAX_NESTING; i++)
		appendStringInfoString(&s, "{{/a}}");
	gives("as deep as may be", s.data, "{\"a\":[1]}", "");
	resetStringInfo(&s);
	for (i = 0; i < 50000; i++)
		appendStringInfoString(&s, "{{#a}}");
	ok(template_parse(s.data, s.len, &err) == NULL, "deeper is refused");
	is(err.message, "more than 256 tags are open inside one another", "and says so");

	resetStringInfo(&s);
	for (i = 0; i < 6; i++)
		appendStringInfoString(&s, "{{#l}}");
	for (i = 0; i < 6; i++)
		appendStringInfoString(&s, "{{/l}}");
	tmpl = template_parse(s.data, s.len, &err);
	for (i = 0; i < 1000; i++)
		template_value_append(deep, template_value_bool(true));
	{
		TemplateValue *root = template_value_object();

		template_value_set(root, "l", 1, deep);
		appendStringInfoString(&out, "kept");
		begun = clock();
		ok(!template_render(tmpl, root, NULL, TEMPLATE_ESCAPE_HTML, &out, NULL, &err),
		   "a thousand to the sixth is refused");
		ok(clock() - begun < 3 * CLOCKS_PER_SEC, "soon");
		is(err.message, "rendering this template takes too much work", "and says so");
		is(out.data, "kept", "what was in the buffer before is kept");
		template_free(tmpl);

		tmpl = template_parse("{{#l}}{{#l}}{{#l}}0123456789{{/l}}{{/l}}{{/l}}", 46, &err);
		ok(!template_render(tmpl, root, NULL, TEMPLATE_ESCAPE_HTML, &out, NULL, &err),
		   "too long a result is refused");
		is(err.message, "the result is longer than 16777216 bytes", "and says so");
		template_free(tmpl);
		template_value_free(root);
	}

	deep = template_value_list();
	for (i = 0; i < 200000; i++)
	{
		TemplateValue *outer = template_value_list();

		template_value_append(outer, deep);
		deep = outer;
	}
	tmpl = template_parse("{{#.}}{{#.}}x{{/.}}{{/.}}", 25, &err);
	ok(template_render(tmpl, deep, NULL, TEMPLATE_ESCAPE_HTML, &out, NULL, &err),
	   "deep data is rendered");
	template_value_free(deep);
	ok(true, "and freed without recursion");
	template_free(tmpl);

	resetStringInfo(&s);
	for (i = 0; i <= TEMPLATE_MAX_SOURCE; i++)
		appendStringInfoChar(&s, '{');
	ok(template_parse(s.data, s.len, &err) == NULL, "too long a source is refused");
	begun = clock();
	tmpl = template_parse(s.data, s.len - 1, &err);
	ok(tmpl == NULL && clock() - begun < CLOCKS_PER_SEC, "a source of braces is read quickly");

	resetStringInfo(&s);
	appendStringInfoSpaces(&s, 3000);
	appendStringInfoString(&s, "{{>p}}\n");
	{
		TemplateValue *parts = template_value_object();
		TemplatePartials lookup = {partial_of, parts};

		template_value_set(parts, "p", 1, template_value_string(s.data, s.len));
		tmpl = template_parse(s.data, s.len, &err);
		ok(!template_render(tmpl, parts, &lookup, TEMPLATE_ESCAPE_HTML, &out, NULL, &err),
		   "too much indentation is refused");
		is(err.message, "partials are indented too far", "and says so");
		is(err.partial, "p", "and where");
		template_free(tmpl);
		template_value_free(parts);
	}
}

static void
test_values(void)
{
	TemplateValue *object = template_value_object();
	char name[16];
	size_t len;
	int wrong = 0;
	int i;

	for (i = 0; i < 5000; i++)
	{
		snprintf(name, sizeof(name), "n%d", i);
		template_value_set(object, name, strlen(name), template_value_cstring(name));
	}
	for (i = 0; i < 5000; i++)
	{
		const TemplateValue *value;

		snprintf(name, sizeof(name), "n%d", i);
		value = template_value_get(object, name, strlen(name));
		if (value == NULL || strcmp(template_value_text(value, &len), name) != 0)
			wrong++;
	}
	is_int(wrong, 0, "every member of a large object is found");
	ok(template_value_get(object, "n5000", 5) == NULL, "and no other");
	template_value_set(object, "n7", 2, template_value_cstring("new"));
	is(template_value_text(template_value_get(object, "n7", 2), &len), "new",
	   "a member is replaced");
	is_int(template_value_count(object), 5000, "not added twice");
	ok(template_value_item(object, 5000) == NULL, "no item beyond the last");
	template_value_free(object);
}

int
main(void)
{
	test_interpolation();
	test_dotted();
	test_sections();
	test_comments_and_delimiters();
	test_standalone();
	test_partials();
	test_inheritance();
	test_errors();
	test_unknown();
	test_limits();
	test_values();
	return tap_done();
}
