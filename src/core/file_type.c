/*-------------------------------------------------------------------------
 *
 * file_type.c
 *	  The type of a file: by its content first, then by what it is called.
 *
 * A sender's name and declared type are claims.  Where the content has a
 * signature, they count for nothing.  Where it has only a general form (text,
 * a ZIP archive, an OLE storage, XML, or none that is known), they may say
 * which of the types of that form it is, but never one that a browser would
 * run or show (HTML, SVG, scripts, style sheets, images, PDF): such a type is
 * given only to content that is one.  What begins like HTML is HTML, whatever
 * it is called; the beginnings are those that browsers go by (the WHATWG's
 * MIME Sniffing Standard), and some more.
 *
 * Even so, XML can hold elements that run scripts.  Who serves files that
 * came by mail has to serve them as downloads.
 *
 *-------------------------------------------------------------------------
 */
#include "core/file_type.h"

#define MAX_TYPE 127 /* RFC 6838: of each half; together here */
#define MAX_EXTENSION 10
#define SNIFF 4096 /* bytes in which markup has to show itself */

/* Forms of content that have many types; a type without one is final. */
#define FORM_TEXT 1
#define FORM_ZIP 2
#define FORM_OLE 4
#define FORM_XML 8
#define FORM_DATA 16 /* no signature that is known */

typedef struct Extension
{
	const char *extension;
	int forms;
	const char *type;
} Extension;

/* What a name may say of a general form; in alphabetical order. */
static const Extension extensions[] = {
	{"asc", FORM_TEXT, "application/pgp-signature"},
	{"bat", FORM_TEXT, "application/x-msdos-batch"},
	{"cer", FORM_DATA, "application/pkix-cert"},
	{"cmd", FORM_TEXT, "application/x-msdos-batch"},
	{"csv", FORM_TEXT, "text/csv"},
	{"doc", FORM_OLE, "application/msword"},
	{"docm", FORM_ZIP, "application/vnd.ms-word.document.macroenabled.12"},
	{"docx", FORM_ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"dot", FORM_OLE, "application/msword"},
	{"dotx", FORM_ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.template"},
	{"edi", FORM_TEXT, "application/edifact"},
	{"eml", FORM_TEXT, "message/rfc822"},
	{"epub", FORM_ZIP, "application/epub+zip"},
	{"ics", FORM_TEXT, "text/calendar"},
	{"jar", FORM_ZIP, "application/java-archive"},
	{"json", FORM_TEXT, "application/json"},
	{"key", FORM_ZIP, "application/vnd.apple.keynote"},
	{"md", FORM_TEXT, "text/markdown"},
	{"mpp", FORM_OLE, "application/vnd.ms-project"},
	{"msg", FORM_OLE, "application/vnd.ms-outlook"},
	{"msi", FORM_OLE, "application/x-msi"},
	{"numbers", FORM_ZIP, "application/vnd.apple.numbers"},
	{"odg", FORM_ZIP, "application/vnd.oasis.opendocument.graphics"},
	{"odp", FORM_ZIP, "application/vnd.oasis.opendocument.presentation"},
	{"ods", FORM_ZIP, "application/vnd.oasis.opendocument.spreadsheet"},
	{"odt", FORM_ZIP, "application/vnd.oasis.opendocument.text"},
	{"p12", FORM_DATA, "application/pkcs12"},
	{"p7m", FORM_DATA, "application/pkcs7-mime"},
	{"p7s", FORM_DATA, "application/pkcs7-signature"},
	{"pages", FORM_ZIP, "application/vnd.apple.pages"},
	{"pfx", FORM_DATA, "application/pkcs12"},
	{"pl", FORM_TEXT, "text/x-perl"},
	{"pps", FORM_OLE, "application/vnd.ms-powerpoint"},
	{"ppt", FORM_OLE, "application/vnd.ms-powerpoint"},
	{"pptm", FORM_ZIP, "application/vnd.ms-powerpoint.presentation.macroenabled.12"},
	{"pptx", FORM_ZIP, "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	{"ps1", FORM_TEXT, "text/x-powershell"},
	{"pub", FORM_OLE, "application/x-mspublisher"},
	{"py", FORM_TEXT, "text/x-python"},
	{"sh", FORM_TEXT, "text/x-shellscript"},
	{"sig", FORM_DATA, "application/pgp-signature"},
	{"sql", FORM_TEXT, "application/sql"},
	{"tsv", FORM_TEXT, "text/tab-separated-values"},
	{"txt", FORM_TEXT, "text/plain"},
	{"vbs", FORM_TEXT, "text/vbscript"},
	{"vcf", FORM_TEXT, "text/vcard"},
	{"vsd", FORM_OLE, "application/vnd.visio"},
	{"vsdx", FORM_ZIP, "application/vnd.ms-visio.drawing.main+xml"},
	{"xls", FORM_OLE, "application/vnd.ms-excel"},
	{"xlsb", FORM_ZIP, "application/vnd.ms-excel.sheet.binary.macroenabled.12"},
	{"xlsm", FORM_ZIP, "application/vnd.ms-excel.sheet.macroenabled.12"},
	{"xlsx", FORM_ZIP, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{"xlt", FORM_OLE, "application/vnd.ms-excel"},
	{"xps", FORM_ZIP, "application/oxps"},
	{"yaml", FORM_TEXT, "application/yaml"},
	{"yml", FORM_TEXT, "application/yaml"},
};

/* Declared types that text may have, beside those of text/. */
static const char *const text_types[] = {
	"application/edi-consent",	 "application/edi-x12",	 "application/edifact",
	"application/json",			 "application/pgp-keys", "application/pgp-signature",
	"application/pgp-encrypted", "application/sql",		 "application/yaml"};

/* Declared types of text/ that text has only if its content says so. */
static const char *const active_texts[] = {"css", "html", "xml", "xsl", "script", "x-component"};

/* Parts of declared types that content without a known form never has. */
static const char *const signed_types[] = {
	"pdf",		 "zip",		   "xml",	"html",		"script",	"json",		  "officedocument",
	"oasis",	 "msword",	   "ms-",	"rtf",		"flash",	"java",		  "7z",
	"rar",		 "postscript", "dos",	"msi",		"exe",		"executable", "yaml",
	"macbinary", "mac-binary", "ogg",	"sqlite",	"sql",		"csv",		  "octet-stream",
	"text",		 "x-sh",	   "x-php", "x-python", "x-perl",	"x-httpd",	  "manifest",
	"unknown",	 "download",   "force", "binary",	"x-unknown"};

/* Elements that HTML may begin with. */
static const char *const html_elements[] = {
	"a",	  "article", "audio",	"b",	"base",	  "body",  "br",	 "button",	 "canvas",
	"center", "details", "div",		"em",	"embed",  "font",  "form",	 "frameset", "h1",
	"h2",	  "h3",		 "h4",		"h5",	"h6",	  "head",  "hr",	 "html",	 "i",
	"iframe", "img",	 "input",	"link", "main",	  "meta",  "object", "ol",		 "p",
	"pre",	  "script",	 "section", "span", "strong", "style", "table",	 "template", "textarea",
	"title",  "u",		 "ul",		"video"};

/* Types that are spelled in several ways, and guesses that only mean text. */
static const char *const same_types[][2] = {
	{"application/csv", "text/csv"},
	{"application/x-gzip", "application/gzip"},
	{"application/x-yaml", "application/yaml"},
	{"application/x-zip-compressed", "application/zip"},
	{"application/xml", "text/xml"},
	{"image/x-ms-bmp", "image/bmp"},
	{"application/cdfv2", "application/x-ole-storage"},
	{"application/cdfv2-corrupt", "application/x-ole-storage"},
	{"application/cdfv2-unknown", "application/x-ole-storage"},
	{"application/x-setupscript", "text/plain"},
	{"application/x-wine-extension-ini", "text/plain"},
	{"application/x-ndjson", "text/plain"},
	{"application/x-empty", FILE_TYPE_UNKNOWN},
	{"inode/x-empty", FILE_TYPE_UNKNOWN},
	{"text/pgp", "text/plain"},
	{"text/texmacs", "text/plain"},
	{"text/troff", "text/plain"},
	{"text/rtf", "application/rtf"},
};

static bool
is_type_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		   (c != '\0' && strchr("!#$&-^_.+", c) != NULL);
}

/*
 * clean_type
 *		"type/subtype" in lower case, without parameters and in its usual
 *		spelling.  NULL if it is malformed.
 */
static char *
clean_type(const char *type)
{
	char *clean;
	char *slash = NULL;
	size_t len;

	if (type == NULL)
		return NULL;
	type += strspn(type, " \t\r\n");
	len = strcspn(type, "; \t\r\n");
	if (len == 0 || len > MAX_TYPE)
		return NULL;
	clean = pnstrdup(type, len);
	for (char *p = clean; *p; p++)
	{
		*p = pg_ascii_tolower(*p);
		if (*p == '/' && slash == NULL)
			slash = p;
		else if (!is_type_character(*p))
			return NULL;
	}
	if (slash == NULL || slash == clean || slash[1] == '\0')
		return NULL;
	for (int i = 0; i < lengthof(same_types); i++)
	{
		if (strcmp(clean, same_types[i][0]) == 0)
			return pstrdup(same_types[i][1]);
	}
	return clean;
}

static bool
begins(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/*
 * narrow_text
 *		The beginning of a text as bytes, ended by a NUL: of UTF-16 every other
 *		one, for markup is ASCII; without a byte order mark.
 */
static void
narrow_text(const unsigned char *data, size_t len, char out[SNIFF + 1])
{
	size_t step = 1;
	size_t at = 0;
	size_t n = 0;

	if (len >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF)
		at = 3;
	else if (len >= 2 &&
			 ((data[0] == 0xFF && data[1] == 0xFE) || (data[0] == 0xFE && data[1] == 0xFF)))
	{
		step = 2;
		at = data[0] == 0xFF ? 2 : 3;
	}
	for (; at < len && n < SNIFF; at += step)
		out[n++] = data[at] != 0 ? (char) data[at] : ' ';
	out[n] = '\0';
}

/*
 * sniff_markup
 *		text/html, application/xhtml+xml or image/svg+xml, if a text begins as
 *		these do; NULL if it does not.
 */
static const char *
sniff_markup(const char *data, size_t len)
{
	char text[SNIFF + 1];
	char element[16];
	const char *p = text;
	bool xml = false;
	bool comment = false;
	size_t n = 0;

	narrow_text((const unsigned char *) data, len, text);
	for (;;)
	{
		const char *end = NULL;

		while (is_space(*p))
			p++;
		if (begins(p, "<!--"))
		{
			comment = true;
			end = strstr(p, "-->");
			p = end ? end + 3 : "";
		}
		else if (begins(p, "<?"))
		{
			xml = xml || pg_strncasecmp(p, "<?xml", 5) == 0;
			end = strchr(p, '>');
			p = end ? end + 1 : "";
		}
		else if (pg_strncasecmp(p, "<!doctype", 9) == 0)
		{
			p += 9;
			while (is_space(*p))
				p++;
			if (pg_strncasecmp(p, "html", 4) == 0)
				return xml ? "application/xhtml+xml" : "text/html";
			if (pg_strncasecmp(p, "svg", 3) == 0)
				return "image/svg+xml";

			/* entities may be declared in brackets */
			p += strcspn(p, "[>");
			if (*p == '[')
			{
				end = strstr(p, "]>");
				p = end ? end + 2 : "";
			}
			else if (*p == '>')
				p++;
		}
		else
			break;
	}

	/* a comment and nothing else is HTML to a browser */
	if (*p != '<')
		return comment && !xml ? "text/html" : NULL;
	p++;
	for (const char *colon = p; colon - p < 64; colon++)
	{
		if (*colon == ':')
		{
			p = colon + 1;
			break;
		}
		if (*colon == '\0' || *colon == '>' || *colon == '/' || is_space(*colon))
			break;
	}
	while (n < sizeof(element) - 1 &&
		   ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
		element[n++] = pg_ascii_tolower(*p++);
	element[n] = '\0';
	if (*p != '>' && *p != '/' && *p != '\0' && !is_space(*p))
		return NULL;
	if (strcmp(element, "svg") == 0)
		return "image/svg+xml";
	if (xml)
		return strcmp(element, "html") == 0 ? "application/xhtml+xml" : NULL;
	for (int i = 0; i < lengthof(html_elements); i++)
	{
		if (strcmp(element, html_elements[i]) == 0)
			return "text/html";
	}
	return NULL;
}

/* has_pdf tells whether PDF begins here: readers look as far as this. */
static bool
has_pdf(const char *data, size_t len)
{
	for (size_t i = 0; i + 5 <= len && i <= 1024; i++)
	{
		if (data[i] == '%' && memcmp(data + i, "%PDF-", 5) == 0)
			return true;
	}
	return false;
}

/* is_guess tells a programming language that a text only looks like. */
static bool
is_guess(const char *type, const char *data, size_t len)
{
	return begins(type, "text/x-") && strcmp(type, "text/x-php") != 0 &&
		   strcmp(type, "text/x-msdos-batch") != 0 &&
		   !(len >= 2 && data[0] == '#' && data[1] == '!');
}

static int
form_of(const char *type)
{
	if (strcmp(type, "text/plain") == 0)
		return FORM_TEXT;
	if (strcmp(type, "text/xml") == 0)
		return FORM_XML;
	if (strcmp(type, "application/zip") == 0)
		return FORM_ZIP;
	if (strcmp(type, "application/x-ole-storage") == 0)
		return FORM_OLE;
	if (strcmp(type, FILE_TYPE_UNKNOWN) == 0)
		return FORM_DATA;
	return 0;
}

/* by_name finds what a file's name says of its form; NULL if nothing. */
static const char *
by_name(const char *name, int form)
{
	const char *dot = name == NULL ? NULL : strrchr(name, '.');

	if (dot == NULL || strlen(dot + 1) > MAX_EXTENSION)
		return NULL;
	for (int i = 0; i < lengthof(extensions); i++)
	{
		if ((extensions[i].forms & form) != 0 &&
			pg_strcasecmp(dot + 1, extensions[i].extension) == 0)
			return extensions[i].type;
	}
	return NULL;
}

static bool
listed(const char *type, const char *const *list, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(type, list[i]) == 0)
			return true;
	}
	return false;
}

static bool
mentions(const char *type, const char *const *list, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strstr(type, list[i]) != NULL)
			return true;
	}
	return false;
}

static bool
ends(const char *text, const char *ending)
{
	size_t len = strlen(text);
	size_t ending_len = strlen(ending);

	return len >= ending_len && strcmp(text + len - ending_len, ending) == 0;
}

/* may_declare tells whether content of a form can be of the declared type. */
static bool
may_declare(const char *type, int form)
{
	/* those of the names are all right for their form */
	for (int i = 0; i < lengthof(extensions); i++)
	{
		if ((extensions[i].forms & form) != 0 && strcmp(type, extensions[i].type) == 0)
			return true;
	}
	switch (form)
	{
		case FORM_TEXT:
			return (begins(type, "text/") &&
					!mentions(type + 5, active_texts, lengthof(active_texts))) ||
				   listed(type, text_types, lengthof(text_types));
		case FORM_XML:
			return begins(type, "application/") && ends(type, "+xml") &&
				   strstr(type, "html") == NULL && strstr(type, "svg") == NULL &&
				   strstr(type, "xslt") == NULL;
		case FORM_ZIP:
			return begins(type, "application/") && ends(type, "+zip");
		case FORM_DATA:
			return begins(type, "application/") &&
				   !mentions(type + 12, signed_types, lengthof(signed_types));
		default:
			return false;
	}
}

char *
file_type(const char *found, const char *data, size_t len, const char *name, const char *declared)
{
	static const char ole[] = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
	char *type = clean_type(found);
	char *claim;
	const char *better;
	int form;

	if (type == NULL)
		type = pstrdup(FILE_TYPE_UNKNOWN);
	else if (is_guess(type, data, len))
		type = pstrdup("text/plain");

	/* a note that begins with "Date:" is taken for a mail */
	if (begins(type, "message/") && by_name(name, FORM_TEXT) != NULL)
		type = pstrdup("text/plain");
	form = form_of(type);

	/* the library is left without its reader of OLE, and wants more of a ZIP */
	if (form == FORM_DATA && len >= 8 && memcmp(data, ole, 8) == 0)
		type = pstrdup("application/x-ole-storage");
	else if (form == FORM_DATA && len >= 4 && memcmp(data, "PK\003\004", 4) == 0)
		type = pstrdup("application/zip");
	form = form_of(type);
	if ((form & (FORM_TEXT | FORM_XML | FORM_DATA)) != 0 || begins(type, "text/"))
	{
		better = sniff_markup(data, len);
		if (better != NULL)
			return pstrdup(better);
		if (form != FORM_XML && has_pdf(data, len))
			return pstrdup("application/pdf");
	}
	if (form == 0)
		return type;

	/* nothing at all is as good an empty text as it is empty data */
	if (len == 0)
		form |= FORM_TEXT;
	better = by_name(name, form);
	if (better != NULL)
		return pstrdup(better);
	claim = clean_type(declared);
	if (claim != NULL && may_declare(claim, form & ~(len == 0 ? FORM_DATA : 0)))
		return claim;
	return type;
}
