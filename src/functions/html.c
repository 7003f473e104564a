/*-------------------------------------------------------------------------
 *
 * functions/html.c
 *	  HTML that others wrote, as SQL functions: safe to show, and as text.
 *
 * What is over a limit is no error, since a sender decides it.  libxml2 is
 * entered as the server itself enters it, so that its handlers, and those of
 * whoever else uses the library in this process, stay apart.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/html.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/xml.h"

PG_FUNCTION_INFO_V1(ar_inbox_sanitize_html);
PG_FUNCTION_INFO_V1(ar_inbox_html_to_text);

/* Both kinds of work return whether they did it, and why not. */
static bool
convert(text *html, bool to_text, StringInfo out, HtmlInfo *info)
{
	PgXmlErrorContext *xml = pg_xml_init(PG_XML_STRICTNESS_LEGACY);
	bool done = false;

	PG_TRY();
	{
		if (to_text)
		{
			done = html_to_text(VARDATA_ANY(html), VARSIZE_ANY_EXHDR(html), out);
			info->status = done ? HTML_DONE : HTML_NO_MEMORY;
		}
		else
			done = html_sanitize(VARDATA_ANY(html), VARSIZE_ANY_EXHDR(html), out, info);
	}
	PG_CATCH();
	{
		pg_xml_done(xml, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pg_xml_done(xml, false);

	if (info->status == HTML_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
						errdetail("HTML of %zu bytes could not be read.",
								  (size_t) VARSIZE_ANY_EXHDR(html))));
	return done;
}

/*
 * sanitize_html(html text): NULL says that it is over a limit, and that its
 * text is to be shown instead.
 */
Datum
ar_inbox_sanitize_html(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	HtmlInfo info;

	initStringInfo(&out);
	if (!convert(PG_GETARG_TEXT_PP(0), false, &out, &info))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* html_to_text(html text): its words, laid out in lines. */
Datum
ar_inbox_html_to_text(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	HtmlInfo info;

	initStringInfo(&out);
	convert(PG_GETARG_TEXT_PP(0), true, &out, &info);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
