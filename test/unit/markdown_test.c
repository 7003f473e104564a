/*-------------------------------------------------------------------------
 *
 * markdown_test.c
 *	  CommonMark to HTML; and that a value escaped for CommonMark comes out as
 *	  the text it was, whatever it is and wherever a template puts it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <sys/resource.h>
#include <time.h>

#include "core/markdown.h"
#include "core/template.h"
#include "tap.h"

static StringInfoData html;

static const char *
to_html(const char *source)
{
	resetStringInfo(&html);
	if (!commonmark_to_html(source, strlen(source), &html))
		return "REFUSED";
	return html.data;
}

static void
test_conversion(void)
{
	is(to_html(""), "", "nothing");
	is(to_html("Dear *you*, **pay**."), "<p>Dear <em>you</em>, <strong>pay</strong>.</p>\n",
	   "emphasis");
	is(to_html("# A\n\n- b\n- c\n"), "<h1>A</h1>\n<ul>\n<li>b</li>\n<li>c</li>\n</ul>\n",
	   "heading and list");
	is(to_html("|a|b|\n|-|-:|\n|1|2|\n"),
	   "<table>\n<thead>\n<tr>\n<th>a</th>\n<th "
	   "align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n"
	   "<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n",
	   "table");
	is(to_html("Kind regards,\nAcme"), "<p>Kind regards,<br />\nAcme</p>\n",
	   "a line ends where it ends");
	is(to_html("~~gone~~"), "<p><del>gone</del></p>\n", "strikethrough");
	is(to_html("see https://example.com/a."),
	   "<p>see <a href=\"https://example.com/a\">https://example.com/a</a>.</p>\n",
	   "automatic link");
	is(to_html("[pay](https://example.com/?a=1&b=2)"),
	   "<p><a href=\"https://example.com/?a=1&amp;b=2\">pay</a></p>\n", "link");
	is(to_html("[x](javascript:alert)"), "<p><a href=\"\">x</a></p>\n", "no script in links");
	is(to_html("![x](data:text/html;base64,AA)"), "<p><img src=\"\" alt=\"x\" /></p>\n",
	   "no documents in images");
	is(to_html("a <b>b</b>"), "<p>a &lt;b&gt;b&lt;/b&gt;</p>\n", "no HTML in a line");
	is(to_html("<script>\nx\n</script>"), "<p>&lt;script&gt;<br />\nx<br />\n&lt;/script&gt;</p>\n",
	   "no HTML blocks");
	is(to_html("Quote <INV-3>; if x<y and z>5."),
	   "<p>Quote &lt;INV-3&gt;; if x&lt;y and z&gt;5.</p>\n", "nor is anything lost");
	is(to_html("- <b>\n\n> <!-- c -->\n"),
	   "<ul>\n<li>&lt;b&gt;</li>\n</ul>\n"
	   "<blockquote>\n<p>&lt;!-- c --&gt;</p>\n</blockquote>\n",
	   "within other blocks");
	is(to_html("|a|b|\n|-|-|\n|<i>|c|\n"),
	   "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n"
	   "<td>&lt;i&gt;</td>\n<td>c</td>\n</tr>\n</tbody>\n</table>\n",
	   "in a table");
	is(to_html("1 < 2 & \"3\""), "<p>1 &lt; 2 &amp; &quot;3&quot;</p>\n", "characters of HTML");
	is(to_html("\xff"
			   "a"),
	   "<p>\xef\xbf\xbd"
	   "a</p>\n",
	   "bytes that are no UTF-8");

	resetStringInfo(&html);
	appendStringInfoString(&html, "before:");
	ok(commonmark_to_html("x", 1, &html), "appends");
	is(html.data, "before:<p>x</p>\n", "to what was there");
}

/* What is written right below a quotation is no part of it. */
static void
test_quotations(void)
{
	const char *answered = "<blockquote>\n<p>When?</p>\n</blockquote>\n<p>Tomorrow.</p>\n";

	is(to_html("> When?\nTomorrow."), answered, "an answer below a quotation");
	is(to_html("> When?\r\nTomorrow.\r\n"), answered, "with lines ended as on Windows");
	is(to_html("> When?\rTomorrow.\r"), answered, "and as on old Macs");
	is(to_html(">When?\n Tomorrow."), answered, "without a blank, and with one");
	is(to_html("> When?\n\nTomorrow."), answered, "with a line between, as ever");
	is(to_html("> > When?\n> Tomorrow.\nYes\nwe\n> do\nso"),
	   "<blockquote>\n<blockquote>\n<p>When?<br />\nTomorrow.</p>\n</blockquote>\n</blockquote>\n"
	   "<p>Yes<br />\nwe</p>\n<blockquote>\n<p>do</p>\n</blockquote>\n<p>so</p>\n",
	   "between quotations");
	is(to_html("> a\n```\n> b\nc\n```\n> d\ne"),
	   "<blockquote>\n<p>a</p>\n</blockquote>\n<pre><code>&gt; b\nc\n</code></pre>\n"
	   "<blockquote>\n<p>d</p>\n</blockquote>\n<p>e</p>\n",
	   "not in code");
	is(to_html("~~~~ x\n> b\n~~~\n> b\nc\n~~~~~ \n"),
	   "<pre><code class=\"language-x\">&gt; b\n~~~\n&gt; b\nc\n</code></pre>\n",
	   "between its own fences");
	is(to_html("- ```\n  > b\n  c\n  ```\n\n> d\ne"),
	   "<ul>\n<li>\n<pre><code>&gt; b\nc\n</code></pre>\n</li>\n</ul>\n"
	   "<blockquote>\n<p>d</p>\n</blockquote>\n<p>e</p>\n",
	   "or in an item");
	is(to_html("    > b\n    c\n"), "<pre><code>&gt; b\nc\n</code></pre>\n",
	   "nor in code that is set in");
	is(to_html("> a ``` b\nc"), "<blockquote>\n<p>a ``` b</p>\n</blockquote>\n<p>c</p>\n",
	   "three backticks are no fence everywhere");
	is(to_html("- a\n  > b\n- c\n"),
	   "<ul>\n<li>a\n<blockquote>\n<p>b</p>\n</blockquote>\n</li>\n<li>c</li>\n</ul>\n",
	   "items stay close together");
	is(to_html("> a\n2. b\n"),
	   "<blockquote>\n<p>a</p>\n</blockquote>\n<ol start=\"2\">\n<li>b</li>\n</ol>\n",
	   "a list ends a quotation by itself");
	is(to_html("> a\n-5 %"), "<blockquote>\n<p>a</p>\n</blockquote>\n<p>-5 %</p>\n",
	   "what is no list does not");
	is(to_html("> a\\\nb\\\nc\nd"),
	   "<blockquote>\n<p>a<br />\nb<br />\nc</p>\n</blockquote>\n<p>d</p>\n",
	   "the lines of a value stay together");
	is(to_html("> a\\\\\nb"), "<blockquote>\n<p>a\\</p>\n</blockquote>\n<p>b</p>\n",
	   "which a backslash of the text is no sign of");
}

/* Many of something hostile: quickly, in little stack, and usable afterwards. */
static void
hostile(const char *name, const char *before, const char *piece, const char *after, int times)
{
	StringInfoData s;
	clock_t begun;
	bool done;
	int i;

	initStringInfo(&s);
	appendStringInfoString(&s, before);
	for (i = 0; i < times; i++)
		appendStringInfoString(&s, piece);
	appendStringInfoString(&s, after);
	resetStringInfo(&html);
	begun = clock();
	done = commonmark_to_html(s.data, s.len, &html);
	ok(clock() - begun < CLOCKS_PER_SEC, "%s in %.3f s", name,
	   (double) (clock() - begun) / CLOCKS_PER_SEC);
	ok(done && html.len > 0, "%s gives something", name);
	pfree(s.data);
}

static void
test_hostile(void)
{
	struct rlimit limit;
	StringInfoData s;
	int i;

	getrlimit(RLIMIT_STACK, &limit);
	limit.rlim_cur = 512 * 1024;
	ok(setrlimit(RLIMIT_STACK, &limit) == 0, "half a megabyte of stack");

	hostile("brackets", "", "[", "", 50000);
	hostile("closing brackets", "[", "]", "", 50000);
	hostile("quotations", "", ">", "a", 50000);
	hostile("answers", "", ">a\nb\n", "", 50000);
	hostile("answers to long lines", "", ">\\\\\\\\\\\\\\\\\\\\\n-  - 1. - 1. b\n", "", 20000);
	hostile("items of items", "", "- - 1) ", "```", 20000);
	hostile("spaced quotations", "", "> ", "a", 50000);
	hostile("lists", "", "- ", "a", 50000);
	hostile("numbered lists", "", "1. ", "a", 20000);
	hostile("emphasis", "", "*a **a ", "", 20000);
	hostile("mixed emphasis", "", "*_", "", 50000);
	hostile("strikethrough", "", "~a ~~b ", "", 20000);
	hostile("links in links", "", "[a](", "", 50000);
	hostile("images", "", "![", "", 50000);
	hostile("code", "", "`a``b```", "", 20000);
	hostile("comments", "", "<!--", "", 50000);
	hostile("entities", "", "&", "", 50000);
	hostile("definitions", "", "[x]: /u\n", "[x]", 20000);
	hostile("at signs", "", "a@", "", 100000);
	hostile("underscores before one", "aaa_", "aaa_", "a@b.c", 100000);
	hostile("parentheses after a link", "http://example.com/", ")", "", 200000);
	hostile("cells", "|x\n|-\n", "|", "\n", 50000);
	hostile("lines before a table", "", " a\n", "-|\n", 50000);
	hostile("table heads that are none", "", "a\n-|-|-\n", "", 20000);
	hostile("tables", "", "|a|\n|-|\n\n", "", 20000);

	initStringInfo(&s);
	for (i = 0; i <= MARKDOWN_MAX_SOURCE; i++)
		appendStringInfoChar(&s, '[');
	resetStringInfo(&html);
	appendStringInfoString(&html, "kept");
	ok(!commonmark_to_html(s.data, s.len, &html), "too long a source is refused");
	ok(!commonmark_to_html(s.data, s.len - 1, &html), "so is one that takes too much memory");
	is(html.data, "kept", "and nothing is appended");
	is(to_html("*a* ~~b~~ http://c.de |"),
	   "<p><em>a</em> <del>b</del> <a href=\"http://c.de\">http://c.de</a> |</p>\n",
	   "the next conversion is as if nothing had been");
	pfree(s.data);
}

static const char *
escaped(const char *source, const char *value)
{
	static StringInfoData out;
	static bool made = false;
	TemplateValue *root = template_value_object();
	TemplateError err;
	Template *tmpl = template_parse(source, strlen(source), &err);

	if (!made)
		initStringInfo(&out);
	made = true;
	resetStringInfo(&out);
	template_value_set(root, "v", 1, template_value_cstring(value));
	template_render(tmpl, root, NULL, TEMPLATE_ESCAPE_COMMONMARK, &out, NULL, &err);
	template_free(tmpl);
	template_value_free(root);
	return out.data;
}

static void
test_escaping(void)
{
	is(escaped("{{v}}", "Müller (UK) Ltd., AT-7: 1.5 + 2 = 3.5"),
	   "Müller (UK) Ltd., AT-7: 1.5 + 2 = 3.5", "ordinary text is left alone");
	is(escaped("Hi {{v}}", "*a* _b_ `c` [d](e) <f> ~g~ |h|"),
	   "Hi \\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) \\<f\\> \\~g\\~ \\|h\\|", "markup is not");
	is(escaped("Hi {{v}}", "snake_case_name"), "Hi snake_case_name", "underscores in words");
	is(escaped("{{v}}", "# no heading"), "\\# no heading", "heading");
	is(escaped("x {{v}}", "# no heading"), "x # no heading", "nor inside a line");
	is(escaped("{{v}}", "1. no list"), "1\\. no list", "numbered list");
	is(escaped("1{{v}}", ". no list"), "1\\. no list", "numbered list, half by the template");
	is(escaped("- {{v}}", "- no list"), "- \\- no list", "a list in a list");
	is(escaped("{{v}}", "2024-05-06"), "2024-05-06", "a date");
	is(escaped("{{v}}", "    no code"), "&#32;   no code", "indented code");
	is(escaped("{{v}}!", "a\nb\r\nc\n"), "a\\\nb\\\nc!", "line breaks");
	is(escaped("# {{v}}", "a\nb"), "# a b", "line breaks in a heading");
	is(escaped("|{{v}}|", "a\nb|"), "|a b\\||", "line breaks in a table");
	is(escaped("{{v}}[pay](u)", "Now!"), "Now\\![pay](u)", "no image of a link");
	is(escaped("{{v}}", "http://a.de www.b.de"), "http\\://a.de www\\.b.de", "no automatic links");
	is(escaped("[p]({{v}})", "http://a.de/x y)(&z"), "[p](http://a.de/x%20y\\)\\(\\&z)",
	   "a link's address");
	is(escaped("[p](u \"{{v}}\")", "a \"b\" )\nc"), "[p](u \"a \\\"b\\\" \\) c\")",
	   "a link's title");
	is(escaped("{{v}} b", "A&B &amp; &c"), "A&B \\&amp; \\&c b", "entities");
	is(escaped("a\\{{v}}", "*b*"), "a\\\\\\*b\\*", "a backslash of the template");
	is(escaped("{{{v}}}{{&v}}", "*b*"), "*b**b*", "raw is raw");
}

/*
 * The tags of a fragment, line breaks apart, and its text with white space
 * folded.  The entities are those that the renderer writes.
 */
static void
take_apart(const char *s, StringInfo tags, StringInfo text)
{
	static const struct
	{
		const char *entity;
		char c;
	} entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}};
	bool space = true;
	int i;

	while (*s != '\0')
	{
		char c = *s++;

		if (c == '<')
		{
			const char *end = strchr(s, '>');

			if (strncmp(s, "br ", 3) != 0)
				appendBinaryStringInfo(tags, s - 1, end - s + 2);
			else if (!space)
			{
				appendStringInfoChar(text, ' ');
				space = true;
			}
			s = end + 1;
			continue;
		}
		if (c == '&')
			for (i = 0; i < lengthof(entities); i++)
				if (strncmp(s - 1, entities[i].entity, strlen(entities[i].entity)) == 0)
				{
					c = entities[i].c;
					s += strlen(entities[i].entity) - 1;
					break;
				}
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		{
			if (!space)
				appendStringInfoChar(text, ' ');
			space = true;
			continue;
		}
		appendStringInfoChar(text, c);
		space = false;
	}
	while (text->len > 0 && text->data[text->len - 1] == ' ')
		text->data[--text->len] = '\0';
}

/* Folds the white space of a value as take_apart does with text. */
static void
fold(const char *s, StringInfo out)
{
	bool space = out->len == 0 || out->data[out->len - 1] == ' ';

	for (; *s != '\0'; s++)
	{
		bool now = *s == ' ' || *s == '\t' || *s == '\n' || *s == '\r';

		if (!now)
			appendStringInfoChar(out, *s);
		else if (!space)
			appendStringInfoChar(out, ' ');
		space = now;
	}
}

/*
 * Values made of what CommonMark cares about, in many places: the document has
 * the tags it has with a harmless word, and the text has the value.
 */
static void
test_literal(void)
{
	static const char *const pieces[] = {
		"*",  "**",		 "_",	 "__",		 "`",	 "```",			"~",   "~~",   "[",		"]",
		"](", "(",		 ")",	 "!",		 "![",	 "<",			">",   "&",	   "&amp;", "&#35;",
		";",  "#",		 "## ",	 "-",		 "- ",	 "---",			"+ ",  "=",	   "===",	"1",
		"12", ".",		 ". ",	 ") ",		 ":",	 "://",			"|",   "|-|",  ":-",	"\\",
		"\"", "'",		 "/",	 " ",		 "  ",	 "    ",		"\t",  "\n",   "\n\n",	"\r\n",
		"a",  "b c",	 "www.", "www.x.de", "http", "http://x.de", "<b>", "<!--", "-->",	"<?",
		"%",  "[x]: /u", "ä",	 "{",		 "}",	 "?",			",",   "$",	   "^"};
	static const struct
	{
		const char *source;
		const char *before;
		const char *after;
	} places[] = {
		{"{{v}}", "", ""},
		{"Dear {{v}},\nplease", "Dear ", ", please"},
		{"{{v}}\n\nend", "", " end"},
		{"a\n{{v}}\nb", "a ", " b"},
		{"a\n\n{{v}} b", "a ", " b"},
		{"- {{v}}\n- x", "", " x"},
		{"1. {{v}}\n2. x", "", " x"},
		{"> {{v}}\n\nx", "", " x"},
		{"> {{v}}\nx", "", " x"},
		{"> x {{v}}\n> y\nz", "x ", " y z"},
		{"> - {{v}}", "", ""},
		{"# {{v}}", "", ""},
		{"## x {{v}} y", "x ", " y"},
		{"**{{v}}** y", "", " y"},
		{"*x {{v}} y*", "x ", " y"},
		{"[x {{v}} y](/u)", "x ", " y"},
		{"|h|\n|-|\n|x {{v}} y|", "h x ", " y"},
		{"{{v}}[x](/u)", "", "x"},
		{"[x](/u){{v}}", "x", ""},
	};
	StringInfoData value;
	StringInfoData tags;
	StringInfoData text;
	StringInfoData wanttags;
	StringInfoData want;
	uint32 seed = 20240817;
	int shown = 0;
	int wrong = 0;
	int tried = 0;
	int place;
	int i;

	initStringInfo(&value);
	initStringInfo(&tags);
	initStringInfo(&text);
	initStringInfo(&wanttags);
	initStringInfo(&want);
	for (place = 0; place < lengthof(places); place++)
	{
		resetStringInfo(&wanttags);
		resetStringInfo(&text);
		take_apart(to_html(escaped(places[place].source, "word")), &wanttags, &text);
		for (i = 0; i < 4000; i++)
		{
			/* Every piece alone, then at random. */
			int n = i < lengthof(pieces) ? 1 : 1 + (seed >> 28) % 6;
			const char *s;

			resetStringInfo(&value);
			appendStringInfoString(&value, places[place].source[0] == '*' ? "w" : "");
			while (n-- > 0)
			{
				seed = seed * 1664525 + 1013904223;
				appendStringInfoString(&value, i < lengthof(pieces) ?
												   pieces[i] :
												   pieces[(seed >> 8) % lengthof(pieces)]);
			}
			/* Where the template's own emphasis needs a word beside it. */
			if (places[place].source[0] == '*')
				appendStringInfoString(&value, "w");
			/* Line breaks around a value are dropped. */
			while (value.len > 0 &&
				   (value.data[value.len - 1] == '\n' || value.data[value.len - 1] == '\r'))
				value.data[--value.len] = '\0';
			for (s = value.data; *s == '\n' || *s == '\r';)
				s++;
			memmove(value.data, s, value.len - (s - value.data) + 1);
			value.len -= s - value.data;
			/* Without any text there would be no paragraph at all. */
			for (s = value.data; *s == ' ' || *s == '\t' || *s == '\n' || *s == '\r';)
				s++;
			if (*s == '\0')
				continue;
			tried++;
			resetStringInfo(&tags);
			resetStringInfo(&text);
			resetStringInfo(&want);
			take_apart(to_html(escaped(places[place].source, value.data)), &tags, &text);
			appendStringInfoString(&want, places[place].before);
			fold(value.data, &want);
			fold(places[place].after, &want);
			while (want.len > 0 && want.data[want.len - 1] == ' ')
				want.data[--want.len] = '\0';
			if (strcmp(tags.data, wanttags.data) == 0 && strcmp(text.data, want.data) == 0)
				continue;
			wrong++;
			if (shown++ < 5)
				printf("# %s with \"%s\"\n# as \"%s\"\n# gives %s# text \"%s\"\n# want \"%s\"\n",
					   places[place].source, value.data, escaped(places[place].source, value.data),
					   to_html(escaped(places[place].source, value.data)), text.data, want.data);
		}
	}
	is_int(wrong, 0, "any value in any place comes out as it is");
	ok(tried > 50000, "%d of them", tried);
}

int
main(void)
{
	initStringInfo(&html);
	test_conversion();
	test_quotations();
	test_escaping();
	test_literal();
	test_hostile();
	return tap_done();
}
