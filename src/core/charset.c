/*-------------------------------------------------------------------------
 *
 * charset.c
 *	  Text in any charset a mail may name, made UTF-8.
 *
 * The sender's name for a charset is only ever looked up in the table below;
 * what iconv_open() is given is our own spelling.  Names a sender can choose
 * freely reach modules and suffixes nobody reviews (CVE-2024-2961).
 *
 * Charsets are widened as browsers do, because senders name the narrow one
 * and use the wide one: ISO-8859-1 is read as windows-1252, GB2312 as
 * GB18030, ISO-2022-JP as Microsoft's, and so on.
 *
 *-------------------------------------------------------------------------
 */
#include "core/core.h"

#include <iconv.h>

#include "mb/pg_wchar.h"

#include "core/charset.h"
#include "core/charset_hz.h"
#include "core/charset_japanese.h"

/* After so many bad sequences the text is not in this charset at all. */
#define MAX_REPLACED 10000

/* How much is looked at after a byte that is no UTF-8. */
#define FIRST_BLOCK 64
#define MAX_UTF8_LENGTH 4

/* Bytes of a run of Japanese that are converted at once. */
#define JAPANESE_BLOCK 4096

/* Below this, room for the output is made in one step. */
#define CONVERT_STEP (64 * 1024)

/* A text that becomes longer may have so many bytes, if it had fewer: more is not shown. */
#define MAX_GROWN (16 * 1024 * 1024)

typedef enum CharsetKind
{
	KIND_UTF8,	  /* no conversion; invalid bytes as windows-1252 */
	KIND_1252,	  /* converted here: the most common one, and the fallback */
	KIND_ASCII,	  /* iconv; ASCII bytes mean themselves */
	KIND_SHIFTED, /* iconv; ASCII bytes may mean something else */
	KIND_HZ,	  /* likewise; made 8-bit here first */
	KIND_JAPANESE /* likewise; taken apart here first */
} CharsetKind;

typedef struct Charset
{
	const char *key; /* letters and digits of the name, in lower case */
	const char *iconv_name;
	CharsetKind kind;
} Charset;

/* Sorted by key in C order: find_charset() halves its way through. */
static const Charset charsets[] = {
	{"646", NULL, KIND_UTF8},
	{"ansix341968", NULL, KIND_UTF8},
	{"arabic", "ISO-8859-6", KIND_ASCII},
	{"ascii", NULL, KIND_UTF8},
	{"asmo708", "ISO-8859-6", KIND_ASCII},
	{"big5", "BIG5-HKSCS", KIND_ASCII},
	{"big5hkscs", "BIG5-HKSCS", KIND_ASCII},
	{"chinese", "GB18030", KIND_ASCII},
	{"cp1250", "CP1250", KIND_ASCII},
	{"cp1251", "CP1251", KIND_ASCII},
	{"cp1252", NULL, KIND_1252},
	{"cp1253", "CP1253", KIND_ASCII},
	{"cp1254", "CP1254", KIND_ASCII},
	{"cp1255", "CP1255", KIND_ASCII},
	{"cp1256", "CP1256", KIND_ASCII},
	{"cp1257", "CP1257", KIND_ASCII},
	{"cp1258", "CP1258", KIND_ASCII},
	{"cp437", "CP437", KIND_ASCII},
	{"cp50220", NULL, KIND_JAPANESE},
	{"cp50221", NULL, KIND_JAPANESE},
	{"cp50222", NULL, KIND_JAPANESE},
	{"cp775", "CP775", KIND_ASCII},
	{"cp819", NULL, KIND_1252},
	{"cp850", "CP850", KIND_ASCII},
	{"cp852", "IBM852", KIND_ASCII},
	{"cp858", "CP858", KIND_ASCII},
	{"cp866", "CP866", KIND_ASCII},
	{"cp874", "CP874", KIND_ASCII},
	{"cp932", "CP932", KIND_ASCII},
	{"cp936", "GB18030", KIND_ASCII},
	{"cp949", "CP949", KIND_ASCII},
	{"cp950", "BIG5-HKSCS", KIND_ASCII},
	{"csbig5", "BIG5-HKSCS", KIND_ASCII},
	{"cseuckr", "CP949", KIND_ASCII},
	{"csgb2312", "GB18030", KIND_ASCII},
	{"csiso2022jp", NULL, KIND_JAPANESE},
	{"csisolatin1", NULL, KIND_1252},
	{"csisolatin2", "ISO-8859-2", KIND_ASCII},
	{"cskoi8r", "KOI8-R", KIND_ASCII},
	{"csshiftjis", "CP932", KIND_ASCII},
	{"cyrillic", "ISO-8859-5", KIND_ASCII},
	{"eucjp", "EUC-JP-MS", KIND_ASCII},
	{"euckr", "CP949", KIND_ASCII},
	{"euctw", "EUC-TW", KIND_ASCII},
	{"gb18030", "GB18030", KIND_ASCII},
	{"gb2312", "GB18030", KIND_ASCII},
	{"gb231280", "GB18030", KIND_ASCII},
	{"gbk", "GB18030", KIND_ASCII},
	{"greek", "ISO-8859-7", KIND_ASCII},
	{"hebrew", "ISO-8859-8", KIND_ASCII},
	{"hz", "GB18030", KIND_HZ},
	{"hzgb2312", "GB18030", KIND_HZ},
	{"ibm437", "CP437", KIND_ASCII},
	{"ibm850", "CP850", KIND_ASCII},
	{"ibm852", "IBM852", KIND_ASCII},
	{"ibm866", "CP866", KIND_ASCII},
	{"iso2022jp", NULL, KIND_JAPANESE},
	{"iso2022jp1", NULL, KIND_JAPANESE},
	{"iso2022jp2", "ISO-2022-JP-2", KIND_SHIFTED},
	{"iso2022jpms", NULL, KIND_JAPANESE},
	{"iso2022kr", "ISO-2022-KR", KIND_SHIFTED},
	{"iso646us", NULL, KIND_UTF8},
	{"iso88591", NULL, KIND_1252},
	{"iso885910", "ISO-8859-10", KIND_ASCII},
	{"iso885911", "CP874", KIND_ASCII},
	{"iso885913", "ISO-8859-13", KIND_ASCII},
	{"iso885914", "ISO-8859-14", KIND_ASCII},
	{"iso885915", "ISO-8859-15", KIND_ASCII},
	{"iso885916", "ISO-8859-16", KIND_ASCII},
	{"iso88592", "ISO-8859-2", KIND_ASCII},
	{"iso88593", "ISO-8859-3", KIND_ASCII},
	{"iso88594", "ISO-8859-4", KIND_ASCII},
	{"iso88595", "ISO-8859-5", KIND_ASCII},
	{"iso88596", "ISO-8859-6", KIND_ASCII},
	{"iso88597", "ISO-8859-7", KIND_ASCII},
	{"iso88598", "ISO-8859-8", KIND_ASCII},
	{"iso88598i", "ISO-8859-8", KIND_ASCII},
	{"iso88599", "CP1254", KIND_ASCII},
	{"johab", "JOHAB", KIND_SHIFTED},
	{"koi8r", "KOI8-R", KIND_ASCII},
	{"koi8u", "KOI8-U", KIND_ASCII},
	{"korean", "CP949", KIND_ASCII},
	{"ksc56011987", "CP949", KIND_ASCII},
	{"ksc56011989", "CP949", KIND_ASCII},
	{"latin1", NULL, KIND_1252},
	{"latin2", "ISO-8859-2", KIND_ASCII},
	{"latin5", "CP1254", KIND_ASCII},
	{"latin9", "ISO-8859-15", KIND_ASCII},
	{"macintosh", "MACINTOSH", KIND_ASCII},
	{"mscp932", "CP932", KIND_ASCII},
	{"mskanji", "CP932", KIND_ASCII},
	{"shiftjis", "CP932", KIND_ASCII},
	{"sjis", "CP932", KIND_ASCII},
	{"tis620", "CP874", KIND_ASCII},
	{"uhc", "CP949", KIND_ASCII},
	{"unicode11utf7", "UTF-7", KIND_SHIFTED},
	{"unicode11utf8", NULL, KIND_UTF8},
	{"us", NULL, KIND_UTF8},
	{"usascii", NULL, KIND_UTF8},
	{"utf16", "UTF-16", KIND_SHIFTED},
	{"utf16be", "UTF-16BE", KIND_SHIFTED},
	{"utf16le", "UTF-16LE", KIND_SHIFTED},
	{"utf32", "UTF-32", KIND_SHIFTED},
	{"utf32be", "UTF-32BE", KIND_SHIFTED},
	{"utf32le", "UTF-32LE", KIND_SHIFTED},
	{"utf7", "UTF-7", KIND_SHIFTED},
	{"utf8", NULL, KIND_UTF8},
	{"viscii", "VISCII", KIND_ASCII},
	{"windows1250", "CP1250", KIND_ASCII},
	{"windows1251", "CP1251", KIND_ASCII},
	{"windows1252", NULL, KIND_1252},
	{"windows1253", "CP1253", KIND_ASCII},
	{"windows1254", "CP1254", KIND_ASCII},
	{"windows1255", "CP1255", KIND_ASCII},
	{"windows1256", "CP1256", KIND_ASCII},
	{"windows1257", "CP1257", KIND_ASCII},
	{"windows1258", "CP1258", KIND_ASCII},
	{"windows31j", "CP932", KIND_ASCII},
	{"windows874", "CP874", KIND_ASCII},
	{"windows936", "GB18030", KIND_ASCII},
	{"windows949", "CP949", KIND_ASCII},
	{"xcp1250", "CP1250", KIND_ASCII},
	{"xcp1251", "CP1251", KIND_ASCII},
	{"xcp1252", NULL, KIND_1252},
	{"xeucjp", "EUC-JP-MS", KIND_ASCII},
	{"xgbk", "GB18030", KIND_ASCII},
	{"xmaccyrillic", "MAC-CYRILLIC", KIND_ASCII},
	{"xmacroman", "MACINTOSH", KIND_ASCII},
	{"xsjis", "CP932", KIND_ASCII},
	{"xunknown", NULL, KIND_UTF8},
	{"xuserdefined", NULL, KIND_UTF8},
	{"xwindows949", "CP949", KIND_ASCII},
};

/*
 * Converters stay open for the life of the process: opening one reads a file,
 * and one closed only after an allocation in between could be lost to an
 * error.  The allow-list bounds their number.
 */
static iconv_t converters[lengthof(charsets)];
static bool converter_tried[lengthof(charsets)];

/* windows-1252 from 0x80 to 0x9f; 0 where it has no character. */
static const uint16 windows_1252[32] = {
	0x20AC, 0,		0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,		0x017D, 0,		0,		0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,		0x017E, 0x0178};

/* utf8_put writes one character and returns its length; no check. */
int
utf8_put(uint32 codepoint, char *out)
{
	if (codepoint < 0x80)
	{
		out[0] = (char) codepoint;
		return 1;
	}
	if (codepoint < 0x800)
	{
		out[0] = (char) (0xC0 | (codepoint >> 6));
		out[1] = (char) (0x80 | (codepoint & 0x3F));
		return 2;
	}
	if (codepoint < 0x10000)
	{
		out[0] = (char) (0xE0 | (codepoint >> 12));
		out[1] = (char) (0x80 | ((codepoint >> 6) & 0x3F));
		out[2] = (char) (0x80 | (codepoint & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | (codepoint >> 18));
	out[1] = (char) (0x80 | ((codepoint >> 12) & 0x3F));
	out[2] = (char) (0x80 | ((codepoint >> 6) & 0x3F));
	out[3] = (char) (0x80 | (codepoint & 0x3F));
	return 4;
}

/*
 * utf8_get reads one character and returns its length, or 0 where the bytes
 * are no UTF-8 (overlong, surrogate, cut short).
 */
int
utf8_get(const char *data, size_t len, uint32 *codepoint)
{
	const unsigned char *p = (const unsigned char *) data;
	uint32 c;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
	{
		*codepoint = p[0];
		return 1;
	}
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	if (len < 2 || (p[1] & 0xC0) != 0x80)
		return 0;
	if (p[0] < 0xE0)
	{
		*codepoint = ((p[0] & 0x1F) << 6) | (p[1] & 0x3F);
		return 2;
	}
	if (len < 3 || (p[2] & 0xC0) != 0x80)
		return 0;
	if (p[0] < 0xF0)
	{
		c = ((p[0] & 0x0F) << 12) | ((p[1] & 0x3F) << 6) | (p[2] & 0x3F);
		if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))
			return 0;
		*codepoint = c;
		return 3;
	}
	if (len < 4 || (p[3] & 0xC0) != 0x80)
		return 0;
	c = ((p[0] & 0x07) << 18) | ((p[1] & 0x3F) << 12) | ((p[2] & 0x3F) << 6) | (p[3] & 0x3F);
	if (c < 0x10000 || c > 0x10FFFF)
		return 0;
	*codepoint = c;
	return 4;
}

/* charset_key keeps what tells one charset's name from another's. */
static size_t
charset_key(const char *name, size_t len, char *key, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
	{
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
			continue;
		if (n + 1 >= room)
			return 0;
		key[n++] = c;
	}
	key[n] = '\0';
	return n;
}

static const Charset *
find_charset(const char *name, size_t len)
{
	char key[24];
	int low = 0;
	int high = lengthof(charsets) - 1;

	if (charset_key(name, len, key, sizeof(key)) == 0)
		return NULL;
	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strcmp(key, charsets[middle].key);

		if (order == 0)
			return &charsets[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/* charset_same tells whether two names mean the same charset. */
bool
charset_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const Charset *first;

	if (a_len == b_len && memcmp(a, b, a_len) == 0)
		return true;
	first = find_charset(a, a_len);
	return first != NULL && first == find_charset(b, b_len);
}

static void
put_codepoint(StringInfo out, uint32 codepoint)
{
	enlargeStringInfo(out, 4);
	out->len += utf8_put(codepoint, out->data + out->len);
	out->data[out->len] = '\0';
}

/* put_1252 appends one byte of windows-1252; false where it is none. */
static bool
put_1252(StringInfo out, unsigned char byte)
{
	uint32 codepoint = byte;

	if (byte >= 0x80 && byte <= 0x9F)
		codepoint = windows_1252[byte - 0x80];
	if (codepoint == 0)
	{
		if (byte != 0)
			put_codepoint(out, 0xFFFD);
		return byte == 0;
	}
	put_codepoint(out, codepoint);
	return true;
}

/* grown_limit: "out" may have so much once "len" bytes are converted. */
static size_t
grown_limit(StringInfo out, size_t len)
{
	return out->len + Max(len, MAX_GROWN);
}

/*
 * put_utf8 appends what is valid as it is.  A byte that is not is taken for
 * windows-1252, alone: a whole text in that charset comes out right, and one
 * broken character does not spoil the UTF-8 around it.
 */
static CharsetResult
put_utf8(StringInfo out, const char *data, size_t len)
{
	CharsetResult result = CHARSET_GOOD;
	size_t limit = grown_limit(out, len);
	size_t block = len;

	while (len > 0)
	{
		size_t look = Min(block, len);
		size_t valid = pg_encoding_verifymbstr(PG_UTF8, data, (int) look);

		appendBinaryStringInfo(out, data, (int) valid);
		data += valid;
		len -= valid;

		/*
		 * The look may go through all of its block though the first byte is
		 * wrong: what comes after a wrong byte is looked at in blocks that
		 * begin small and grow.  One that ends within a character is no error.
		 */
		if (look - valid < MAX_UTF8_LENGTH)
			block = Min(look, PG_INT32_MAX / 2) * 2;
		else
			block = FIRST_BLOCK;

		/* From here to the next ASCII byte, one by one. */
		while (len > 0)
		{
			uint32 codepoint;
			int length = utf8_get(data, len, &codepoint);

			if (length == 1 && codepoint != 0)
				break;
			if (out->len > limit)
				return CHARSET_CUT;
			if (length > 1)
				appendBinaryStringInfo(out, data, length);
			else
			{
				if (*data != '\0')
					result = CHARSET_REPLACED;
				put_1252(out, (unsigned char) *data);
				length = 1;
			}
			data += length;
			len -= length;
		}
	}
	return result;
}

/* put_bytes_1252 copies runs of ASCII whole. */
static CharsetResult
put_bytes_1252(StringInfo out, const char *data, size_t len)
{
	CharsetResult result = CHARSET_GOOD;
	size_t limit = grown_limit(out, len);
	size_t start = 0;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char byte = (unsigned char) data[i];

		if (byte != 0 && byte < 0x80)
			continue;
		if (out->len > limit)
			return CHARSET_CUT;
		if (i > start)
			appendBinaryStringInfo(out, data + start, (int) (i - start));
		start = i + 1;
		if (!put_1252(out, byte))
			result = CHARSET_REPLACED;
	}
	appendBinaryStringInfo(out, data + start, (int) (len - start));
	return result;
}

static bool
all_ascii(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) data[i] >= 0x80 || data[i] == '\0')
			return false;
	}
	return true;
}

/* drop_nuls removes from "start" what PostgreSQL's text cannot hold. */
static void
drop_nuls(StringInfo out, int start)
{
	char *to = memchr(out->data + start, '\0', out->len - start);

	if (to == NULL)
		return;
	for (char *from = to; from < out->data + out->len; from++)
	{
		if (*from != '\0')
			*to++ = *from;
	}
	out->len = (int) (to - out->data);
	out->data[out->len] = '\0';
}

static iconv_t
converter(const Charset *charset)
{
	int which = (int) (charset - charsets);

	if (!converter_tried[which])
	{
		converters[which] = iconv_open("UTF-8", charset->iconv_name);
		converter_tried[which] = true;
	}
	return converters[which];
}

/*
 * put_iconv converts.  Of a bad sequence "unit" bytes are passed over, and
 * "replaced" counts them.
 */
static CharsetResult
put_iconv(StringInfo out, iconv_t cd, int unit, const char *data, size_t len, int *replaced)
{
	CharsetResult result = CHARSET_GOOD;
	char *in = unconstify(char *, data);
	size_t left = len;
	size_t limit = grown_limit(out, len);
	int start = out->len;

	iconv(cd, NULL, NULL, NULL, NULL);
	while (left > 0)
	{
		char *to;
		size_t room;
		size_t done;

		if (out->len > limit)
		{
			result = CHARSET_CUT;
			break;
		}
		enlargeStringInfo(out, (int) Min(left * 2 + 32, CONVERT_STEP));
		to = out->data + out->len;
		room = Min(out->maxlen - out->len - 1, limit - out->len + 32);
		done = iconv(cd, &in, &left, &to, &room);
		out->len = (int) (to - out->data);
		out->data[out->len] = '\0';
		if (done != (size_t) -1)
		{
			/* Some hold the last letter back for an accent that may follow. */
			if (left > 0)
				continue;
			enlargeStringInfo(out, 32);
			to = out->data + out->len;
			room = out->maxlen - out->len - 1;
			iconv(cd, NULL, NULL, &to, &room);
			out->len = (int) (to - out->data);
			out->data[out->len] = '\0';
			break;
		}
		if (errno == E2BIG)
			continue;

		result = CHARSET_REPLACED;
		if (errno == EINVAL || left <= unit)
		{
			put_codepoint(out, 0xFFFD);
			break;
		}
		put_codepoint(out, 0xFFFD);
		in += unit;
		left -= unit;

		/*
		 * Each bad byte is one call of iconv(): a flood of them would be slow,
		 * and what it stands in is no text of this charset.
		 */
		if (++*replaced >= MAX_REPLACED)
		{
			put_utf8(out, in, left);
			break;
		}
	}
	drop_nuls(out, start);
	return result;
}

/*
 * put_japanese converts ISO-2022-JP, run by run.
 */
static CharsetResult
put_japanese(StringInfo out, const char *data, size_t len)
{
	JapaneseReader reader = {.data = data, .len = len};
	const Charset *cp932 = find_charset("cp932", 5);
	const Charset *euc = find_charset("eucjp", 5);
	CharsetResult result = CHARSET_GOOD;
	JapaneseRun run;
	char bytes[JAPANESE_BLOCK];
	size_t n;
	int replaced = 0;

	while ((run = japanese_next(&reader, bytes, sizeof(bytes), &n)) != JAPANESE_END)
	{
		const Charset *charset = run == JAPANESE_EUC ? euc : cp932;

		if (run == JAPANESE_UTF8)
			appendBinaryStringInfo(out, bytes, (int) n);
		else if (run == JAPANESE_BAD)
		{
			put_codepoint(out, 0xFFFD);
			replaced++;
			result = CHARSET_REPLACED;
		}
		else if (converter(charset) == (iconv_t) -1)
			result = CHARSET_UNKNOWN;
		else if (put_iconv(out, converter(charset), charset == euc ? 3 : 2, bytes, n, &replaced) ==
				 CHARSET_REPLACED)
			result = CHARSET_REPLACED;

		/* What has so many is no text of this charset. */
		if (replaced >= MAX_REPLACED)
		{
			put_utf8(out, reader.data, reader.len);
			break;
		}
	}
	return result;
}

/*
 * charset_to_utf8 appends the text to "out": always valid UTF-8, never a NUL.
 * What becomes longer than it was, up to three times, is cut where it is very long.
 *
 * US-ASCII with 8-bit bytes, which is none, is read as UTF-8 where it is
 * that, else as windows-1252; likewise a missing or an unknown name.
 */
CharsetResult
charset_to_utf8(const char *name, size_t name_len, const char *data, size_t len, StringInfo out)
{
	const Charset *charset = find_charset(name, name_len);
	iconv_t cd;
	int unit = 1;
	int replaced = 0;

	if (charset == NULL)
	{
		CharsetResult result = put_utf8(out, data, len);

		return name_len > 0 ? CHARSET_UNKNOWN : result;
	}
	if (charset->kind == KIND_UTF8)
		return put_utf8(out, data, len);
	if (charset->kind == KIND_1252)
		return put_bytes_1252(out, data, len);
	if (charset->kind == KIND_JAPANESE)
		return put_japanese(out, data, len);
	if (charset->kind == KIND_ASCII && all_ascii(data, len))
	{
		appendBinaryStringInfo(out, data, (int) len);
		return CHARSET_GOOD;
	}

	/* A server without this module reads the text as best it can. */
	cd = converter(charset);
	if (cd == (iconv_t) -1)
	{
		put_utf8(out, data, len);
		return CHARSET_UNKNOWN;
	}
	if (charset->kind == KIND_HZ)
	{
		StringInfoData bytes;
		CharsetResult result;

		initStringInfo(&bytes);
		hz_unshift(data, len, &bytes);
		result = put_iconv(out, cd, unit, bytes.data, bytes.len, &replaced);
		pfree(bytes.data);
		return result;
	}
	if (strncmp(charset->key, "utf16", 5) == 0)
		unit = 2;
	else if (strncmp(charset->key, "utf32", 5) == 0)
		unit = 4;
	return put_iconv(out, cd, unit, data, len, &replaced);
}
