/*-------------------------------------------------------------------------
 *
 * address_test.c
 *	  Tests of the address syntax and of the canonical form.
 *
 *-------------------------------------------------------------------------
 */
#include "core/address.h"
#include "core/casefold.h"
#include "tap.h"

/* n times the letter, for addresses at their limits */
static char *
run_of(char letter, int n)
{
	char *s = palloc(n + 1);

	memset(s, letter, n);
	s[n] = '\0';
	return s;
}

static const char *const valid[] = {
	"a@b",
	"john@example.com",
	"John.Smith@Example.COM",
	"john+tag@example.com",
	"!#$%&'*+-/=?^_`{|}~@example.com",
	"1@2.3",
	"_@example.com",
	"a.b.c.d@a.b.c.d",
	"-@example.com",
	"x@a-b.c--d.example",
	"x@123.example",
	"\"john\"@example.com",
	"\"john smith\"@example.com",
	"\"\"@example.com",
	"\"a@b\"@example.com",
	"\"a.\"@example.com",
	"\"a..b\"@example.com",
	"\"a\\\"b\"@example.com",
	"\"a\\\\b\"@example.com",
	"\"a\\ b\"@example.com",
	"\"(),:;[]\"@example.com",
	"x@[127.0.0.1]",
	"x@[255.255.255.255]",
	"x@[0.0.0.0]",
	"x@[IPv6:::]",
	"x@[IPv6:::1]",
	"x@[IPv6:2001:db8::1]",
	"x@[ipv6:2001:DB8::1]",
	"x@[IPv6:1:2:3:4:5:6:7:8]",
	"x@[IPv6:1:2:3:4:5:6:7::]",
	"x@[IPv6:::2:3:4:5:6:7:8]",
	"x@[IPv6:::ffff:192.0.2.1]",
	"x@[IPv6:1:2:3:4:5:6:192.0.2.1]",
	"\"a b\"@[127.0.0.1]",
	"jürgen@example.com",
	"x@münchen.example",
	"X@MÜNCHEN.example",
	"用户@例子.example",
	"x@xn--mnchen-3ya.example",
	"x@XN--MNCHEN-3YA.example",
	"\"jürgen müller\"@example.com",
	"x@faß.example",
	"x@παράδειγμας.example",
	"मेल@उदाहरण.example",
	"دعم@مثال.example",
	"😀@example.com",
	"x@xn--ls8h.example",
	"e\xcc\x81@example.com",
};

typedef struct Invalid
{
	const char *address;
	const char *error;
} Invalid;

static const Invalid invalid[] = {
	{"", "is empty"},
	{"@", "has nothing before the \"@\""},
	{"@b", "has nothing before the \"@\""},
	{"a@", "has nothing after the \"@\""},
	{"a", "has no \"@\""},
	{"\"a\"", "has no \"@\""},
	{"a@b@c", "has more than one \"@\""},
	{"a@b.example@", "has more than one \"@\""},
	{" a@b", "contains a space outside quotation marks"},
	{"a @b", "contains a space outside quotation marks"},
	{"a@ b", "contains a space outside quotation marks"},
	{"a@b ", "contains a space outside quotation marks"},
	{"a b@c", "contains a space outside quotation marks"},
	{"a\xc2\xa0"
	 "b@c",
	 "contains a space outside quotation marks"},
	{"a\xe3\x80\x80"
	 "b@c",
	 "contains a space outside quotation marks"},
	{"a\r\nb@c", "contains a line break"},
	{"a@b\r\nRCPT TO:x@y", "contains a line break"},
	{"a@b\n", "contains a line break"},
	{"a@b\r", "contains a line break"},
	{"\"a\nb\"@c", "contains a line break"},
	{"a\xe2\x80\xa8@c", "contains a line break"},
	{"a\xc2\x85@c", "contains a line break"},
	{"a\tb@c", "contains a control character"},
	{"\"a\tb\"@c", "contains a control character"},
	{"a\x7f@c", "contains a control character"},
	{"a\x01@c", "contains a control character"},
	{"a\xc2\x9b@c", "contains a control character"},
	{"<a@b>", "contains \"<\" or \">\""},
	{"a@b>", "contains \"<\" or \">\""},
	{"John <a@b>", "contains \"<\" or \">\""},
	{"\"a<b\"@c", "contains \"<\" or \">\""},
	{"\"a\\>b\"@c", "contains \"<\" or \">\""},
	{"a\xe2\x80\xae@c", "contains an invisible character that changes how text is shown"},
	{"\xef\xbb\xbf"
	 "a@c",
	 "contains an invisible character that changes how text is shown"},
	{"a\xe2\x81\xa6@c", "contains an invisible character that changes how text is shown"},
	{"\xe2\x84\xaa@c", "contains a character that mail servers turn into an ASCII one"},
	{"a@\xe2\x84\xaa.c", "contains a character that mail servers turn into an ASCII one"},
	{"a\xcd\xbe@c", "contains a character that mail servers turn into an ASCII one"},
	{"a\xff@c", "is not valid UTF-8"},
	{"a\xc3@c", "is not valid UTF-8"},
	{"a@c\xc3", "is not valid UTF-8"},
	{"a\xc0\xbc@c", "is not valid UTF-8"},
	{"a\xed\xa0\x80@c", "is not valid UTF-8"},
	{"a\xf4\x90\x80\x80@c", "is not valid UTF-8"},
	{"a\xef\xbf\xbd@c", "is not valid UTF-8"},
	{".a@b", "has a dot at the start or end of its local part, or two in a row"},
	{"a.@b", "has a dot at the start or end of its local part, or two in a row"},
	{"a..b@c", "has a dot at the start or end of its local part, or two in a row"},
	{".@b", "has a dot at the start or end of its local part, or two in a row"},
	{"a,b@c", "has a character before the \"@\" that must not stand there"},
	{"a@b,c@d", "has a character in its domain that must not stand there"},
	{"a(b)@c", "has a character before the \"@\" that must not stand there"},
	{"a\"b@c", "has a character before the \"@\" that must not stand there"},
	{"a\\b@c", "has a character before the \"@\" that must not stand there"},
	{"mailto:a@b", "has a character before the \"@\" that must not stand there"},
	{"\"a\\\xc3\xbc\"@c", "has a character before the \"@\" that must not stand there"},
	{"\"", "has a quotation mark that is not closed"},
	{"\"a@b", "has a quotation mark that is not closed"},
	{"\"a\\", "has a quotation mark that is not closed"},
	{"\"a\\\"@b", "has a quotation mark that is not closed"},
	{"\"a\"b@c", "has something between the quoted part and the \"@\""},
	{"\"a\".b@c", "has something between the quoted part and the \"@\""},
	{"\"a\" @c", "has something between the quoted part and the \"@\""},
	{"a@b_c", "has a character in its domain that must not stand there"},
	{"a@b_ü", "has a character in its domain that must not stand there"},
	{"a@b/c", "has a character in its domain that must not stand there"},
	{"a@b:25", "has a character in its domain that must not stand there"},
	{"a@\"b\"", "has a character in its domain that must not stand there"},
	{"a@b(c)", "has a character in its domain that must not stand there"},
	{"a@127.0.0.1]", "has a character in its domain that must not stand there"},
	{"a@.b", "has a dot at the start or end of its domain, or two in a row"},
	{"a@b.", "has a dot at the start or end of its domain, or two in a row"},
	{"a@b..c", "has a dot at the start or end of its domain, or two in a row"},
	{"a@ü..c", "has a dot at the start or end of its domain, or two in a row"},
	{"a@.", "has a dot at the start or end of its domain, or two in a row"},
	{"a@-b.c", "has a hyphen at the start or end of a part of its domain"},
	{"a@b-.c", "has a hyphen at the start or end of a part of its domain"},
	{"a@b.c-", "has a hyphen at the start or end of a part of its domain"},
	{"a@-ü", "has a hyphen at the start or end of a part of its domain"},
	{"a@💩.example", "has a domain that IDNA 2008 does not allow"},
	{"a@a\xef\xbc\xa0"
	 "b.example",
	 "has a domain that IDNA 2008 does not allow"},
	{"a@a\xe3\x80\x82"
	 "b",
	 "has a domain that IDNA 2008 does not allow"},
	{"a@a\xef\xbd\x81.example", "has a domain that IDNA 2008 does not allow"},
	{"a@a\xc2\xad"
	 "b.example",
	 "has a domain that IDNA 2008 does not allow"},
	{"a@\xcc\x81"
	 "b.example",
	 "has a domain that IDNA 2008 does not allow"},
	{"a@1א.example", "has a domain that IDNA 2008 does not allow"},
	{"a@xn--zzzzzz.example",
	 "has a part of its domain that begins with \"xn--\" but is no encoded name"},
	{"a@b.XN--ZZZZZZ", "has a part of its domain that begins with \"xn--\" but is no encoded name"},
	{"a@[]", "has something in brackets that is not an IP address"},
	{"a@[", "has something in brackets that is not an IP address"},
	{"a@[127.0.0.1", "has something in brackets that is not an IP address"},
	{"a@[127.0.0.1].b", "has something in brackets that is not an IP address"},
	{"a@[127.0.0]", "has something in brackets that is not an IP address"},
	{"a@[127.0.0.1.1]", "has something in brackets that is not an IP address"},
	{"a@[127.0.0.256]", "has something in brackets that is not an IP address"},
	{"a@[127.0.0.0001]", "has something in brackets that is not an IP address"},
	{"a@[127.0..1]", "has something in brackets that is not an IP address"},
	{"a@[ 127.0.0.1]", "has something in brackets that is not an IP address"},
	{"a@[2001:db8::1]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:]", "has something in brackets that is not an IP address"},
	{"a@[IPv6::]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:1:2:3:4:5:6:7]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:1:2:3:4:5:6:7:8:9]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:1:2:3:4::5:6:7:8]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:1::2::3]", "has something in brackets that is not an IP address"},
	{"a@[IPv6::1]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:1:]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:12345::]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:g::]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:::1:192.0.2.256]", "has something in brackets that is not an IP address"},
	{"a@[IPv6:::192.0.2.1:1]", "has something in brackets that is not an IP address"},
	{"a@[x400:foo]", "has something in brackets that is not an IP address"},
};

typedef struct Fold
{
	const char *address;
	const char *canonical;
} Fold;

static const Fold folds[] = {
	{"John@Example.COM", "john@example.com"},
	{"\"john\"@x", "john@x"},
	{"\"JOHN\"@x", "john@x"},
	{"\"j\\o\\hn\"@x", "john@x"},
	{"\"john.smith\"@x", "john.smith@x"},
	{"\"john..smith\"@x", "\"john..smith\"@x"},
	{"\".john\"@x", "\".john\"@x"},
	{"\"john.\"@x", "\"john.\"@x"},
	{"\"John Smith\"@x", "\"john smith\"@x"},
	{"\"John\\ Smith\"@x", "\"john smith\"@x"},
	{"\"a\\\"b\"@x", "\"a\\\"b\"@x"},
	{"\"a\\\\b\"@x", "\"a\\\\b\"@x"},
	{"\"a@b\"@X", "\"a@b\"@x"},
	{"\"\"@x", "\"\"@x"},
	{"\"\\A\"@x", "a@x"},
	{"Jürgen@x", "jürgen@x"},
	{"JÜRGEN@x", "jürgen@x"},
	{"\"JÜRGEN\"@x", "jürgen@x"},
	{"\"A\xc2\xa0"
	 "B\"@x",
	 "\"a\xc2\xa0"
	 "b\"@x"},
	{"JU\xcc\x88RGEN@x", "jürgen@x"},
	{"\u0438\u0306@x", "й@x"},
	{"\u304b\u3099@x", "が@x"},
	{"\u1112\u1161\u11ab@x", "한@x"},
	{"A\u0323\u0302@x", "ậ@x"},
	{"A\u0302\u0323@x", "ậ@x"},
	{"ΣΑΣ@x", "σασ@x"},
	{"σας@x", "σασ@x"},
	{"ИВАН@x", "иван@x"},
	{"İ@x", "İ@x"},
	{"ſ@x", "ſ@x"},
	{"ẞ@x", "ß@x"},
	{"x@MÜNCHEN.De", "x@xn--mnchen-3ya.de"},
	{"x@münchen.de", "x@xn--mnchen-3ya.de"},
	{"x@mu\xcc\x88nchen.de", "x@xn--mnchen-3ya.de"},
	{"x@XN--MNCHEN-3YA.DE", "x@xn--mnchen-3ya.de"},
	{"x@faß.de", "x@xn--fa-hia.de"},
	{"x@fass.de", "x@fass.de"},
	{"x@ς.gr", "x@xn--3xa.gr"},
	{"x@Σ.gr", "x@xn--4xa.gr"},
	{"Ü@[IPv6:2001:DB8::1]", "ü@[ipv6:2001:db8::1]"},
	{"x@[IPv6:2001:DB8::1]", "x@[ipv6:2001:db8::1]"},
	{"\"x\"@[IPV6:2001:DB8::1]", "x@[ipv6:2001:db8::1]"},
};

static void
check_limits(void)
{
	const char *error;
	AddressParts parts;
	char *s;
	char *label = run_of('d', 63);

	s = psprintf("%s@b", run_of('a', 64));
	ok(address_parse(s, strlen(s), NULL, NULL), "a local part of 64 octets");
	s = psprintf("%s@b", run_of('a', 65));
	ok(!address_parse(s, strlen(s), NULL, &error), "one of 65");
	is(error, "has more than 64 octets before the \"@\"", "and why");
	s = psprintf("\"%s\"@b", run_of('a', 62));
	ok(address_parse(s, strlen(s), NULL, NULL), "a quoted one of 64 octets, marks included");
	s = psprintf("\"%s\"@b", run_of('a', 63));
	ok(!address_parse(s, strlen(s), NULL, NULL), "one of 65");
	s = psprintf("%sü@b", run_of('a', 63));
	ok(!address_parse(s, strlen(s), NULL, NULL), "octets count, not characters");

	s = psprintf("a@%s.b", label);
	ok(address_parse(s, strlen(s), NULL, NULL), "a label of 63 octets");
	s = psprintf("a@%sd.b", label);
	ok(!address_parse(s, strlen(s), NULL, &error), "one of 64");
	is(error, "has a part of its domain that is longer than 63 octets", "and why");
	s = psprintf("a@%sü.b", run_of('d', 60));
	ok(!address_parse(s, strlen(s), NULL, &error), "a label too long once it is encoded");
	is(error, "has a part of its domain that is longer than 63 octets", "and why");

	s = psprintf("%s@%s.%s.%s", run_of('a', 62), label, label, label);
	is_int(strlen(s), 254, "an address of 254 octets");
	ok(address_parse(s, strlen(s), &parts, NULL), "is accepted");
	is_int(parts.domain_len, 191, "with its domain whole");
	s = psprintf("%s@%s.%s.%s", run_of('a', 63), label, label, label);
	ok(!address_parse(s, strlen(s), NULL, &error), "one of 255 is refused");
	is(error, "is longer than 254 octets", "and why");
	s = psprintf("%s@%s.%s.%s.ü", run_of('a', 59), label, label, label);
	is_int(strlen(s), 254, "an address of 254 octets with a U-label");
	ok(!address_parse(s, strlen(s), NULL, &error), "is refused: on the wire it is longer");
	is(error, "is longer than 254 octets once its domain is written in ASCII", "and why");
	ok(!address_parse("a\0b@c", 5, NULL, &error), "a NUL inside");
	is(error, "contains a NUL character", "and why");
	s = run_of('@', 1000000);
	ok(!address_parse(s, 1000000, NULL, &error), "a million octets");
	is(error, "is longer than 254 octets", "are refused by their length");
}

static void
check_parts(void)
{
	AddressParts parts;
	const char *s = "John.Ö@MÜNCHEN.example";
	const char *quoted = "\"a@b\"@[127.0.0.1]";
	char *text;

	ok(address_parse(s, strlen(s), &parts, NULL), "parts of an international address");
	is(pnstrdup(parts.local, parts.local_len), "John.Ö", "local part");
	is(pnstrdup(parts.domain, parts.domain_len), "MÜNCHEN.example", "domain");
	ok(parts.needs_smtputf8, "needs SMTPUTF8");
	ok(!parts.domain_ascii, "domain is not ASCII");
	ok(!parts.local_quoted && !parts.domain_literal, "neither quoted nor literal");
	is(address_normalize(&parts), "John.Ö@münchen.example", "kept with its domain in lower case");
	is(address_domain_to_ascii(parts.domain, parts.domain_len), "xn--mnchen-3ya.example",
	   "for DNS");

	ok(address_parse(quoted, strlen(quoted), &parts, NULL), "parts of a quoted address");
	is(pnstrdup(parts.local, parts.local_len), "\"a@b\"", "local part, with its marks");
	is(pnstrdup(parts.domain, parts.domain_len), "[127.0.0.1]", "domain, with its brackets");
	ok(!parts.needs_smtputf8, "needs no SMTPUTF8");
	ok(parts.local_quoted && parts.domain_literal, "quoted and literal");

	ok(address_parse("x@ü.example", 12, &parts, NULL), "an international domain alone");
	ok(!parts.needs_smtputf8, "needs no SMTPUTF8, for it has an ASCII form");

	ok(address_domain_to_ascii("b_c", 3) == NULL, "no domain, no ASCII form");
	ok(address_domain_to_ascii("", 0) == NULL, "nor of nothing");
	ok(address_domain_to_ascii("[1.2.3]", 7) == NULL, "nor of a wrong literal");
	ok(address_domain_to_ascii("a\nb", 3) == NULL, "nor of two lines");
	is(address_domain_to_ascii("[IPv6:2001:DB8::1]", 18), "[ipv6:2001:db8::1]", "of a right one");
	is(address_domain_to_ascii("EXAMPLE.com", 11), "example.com", "of an ASCII domain");

	is(address_escape("a\r\n\xc2\x85<\xff"
					  "b",
					  8),
	   "a\\x0d\\x0a\\u{0085}<\\xffb", "what is shown of odd characters");
	is(address_escape("Jürgen \"x\"", 11), "Jürgen \"x\"", "and of others");
	text = run_of('x', 5000);
	is_int(strlen(address_escape(text, 5000)), 203, "and of long texts");
	is(address_error_hint("is empty"), address_error_hint(NULL), "a hint for any error");
}

/*
 * The canonical form must be a fixed point, must itself be an address, and
 * must not tell an address from its upper-case spelling.
 */
static void
check_canonical(const char *s)
{
	AddressParts parts;
	char *once = address_fold(s, strlen(s));
	char *twice = address_fold(once, strlen(once));
	char *kept;

	ok(address_parse(once, strlen(once), NULL, NULL), "canonical form %s is an address", once);
	is(twice, once, "and its own canonical form");
	ok(address_parse(s, strlen(s), &parts, NULL), "taken apart");
	kept = address_normalize(&parts);
	is(address_fold(kept, strlen(kept)), once, "kept form has the same canonical form");
	if (address_is_plain(s, strlen(s)))
	{
		for (char *c = kept; *c; c++)
			*c = (char) pg_toupper((unsigned char) *c);
		is(address_fold(kept, strlen(kept)), once, "so has it in capital letters");
	}
}

/*
 * Pieces put together at random, the same each time: whatever comes of it, the
 * canonical form of an address is an address and its own canonical form, and
 * what is kept of it means the same.
 */
static void
check_random(void)
{
	static const char *const pieces[] = {
		"a",	  "B",		".",	"..",	 "@",		  "\"",		   "\\",	 "\\\"",
		" ",	  "-",		"_",	"ü",	 "Σ",		  "ς",		   "İ",		 "字",
		"\u0308", "\u3099", "[",	"]",	 ":",		  "1",		   "::",	 "\n",
		"\xc3",	  "<",		"xn--", "IPv6:", "x.example", "127.0.0.1", "\u00a0", "\u2028",
	};
	uint32 state = 20260110;
	int accepted = 0;
	int broken = 0;

	for (int i = 0; i < 200000; i++)
	{
		StringInfoData s;
		AddressParts parts;
		char *once;
		char *twice;
		char *kept;
		int n;

		initStringInfo(&s);
		state = state * 1664525 + 1013904223;
		n = 1 + (state >> 24) % 6;
		for (int k = 0; k < n; k++)
		{
			state = state * 1664525 + 1013904223;
			appendStringInfoString(&s, pieces[(state >> 16) % lengthof(pieces)]);
			if (k == n / 2)
				appendStringInfoString(&s, i % 2 ? "@x" : "\"@x");
			if (k == 0 && i % 2 == 0)
			{
				memmove(s.data + 1, s.data, s.len);
				s.data[0] = '"';
				s.data[++s.len] = '\0';
			}
		}
		if (address_parse(s.data, s.len, &parts, NULL))
		{
			accepted++;
			once = address_fold(s.data, s.len);
			twice = address_fold(once, strlen(once));
			kept = address_normalize(&parts);
			if (!address_parse(once, strlen(once), NULL, NULL) || strcmp(once, twice) != 0 ||
				strcmp(once, address_fold(kept, strlen(kept))) != 0)
			{
				broken++;
				printf("# %s\n", address_escape(s.data, s.len));
			}
		}
		pfree(s.data);
	}
	is_int(broken, 0, "random addresses have a sound canonical form");
	ok(accepted > 10000, "and there are enough of them (%d)", accepted);
}

/* address_compare must say what strcmp of the canonical forms says. */
static void
check_compare(void)
{
	int wrong = 0;

	for (int i = 0; i < lengthof(folds); i++)
	{
		for (int k = 0; k < lengthof(folds); k++)
		{
			const char *a = folds[i].address;
			const char *b = folds[k].address;
			int want = strcmp(folds[i].canonical, folds[k].canonical);
			int got = address_compare(a, strlen(a), b, strlen(b));

			if ((want > 0) - (want < 0) != (got > 0) - (got < 0))
			{
				wrong++;
				printf("# %s and %s: %d, not %d\n", a, b, got, want);
			}
		}
	}
	is_int(wrong, 0, "the order of every two is that of their canonical forms");
}

static void
check_casefold(void)
{
	bool stable = true;
	bool ascii = false;
	int folded = 0;

	for (pg_wchar c = 0; c < 0x110000; c++)
	{
		pg_wchar f = casefold(c);

		folded += f != c;
		stable &= casefold(f) == f;
		ascii |= c >= 0x80 && f < 0x80;
	}
	is_int(folded, 26 + 1426, "characters that fold");
	ok(stable, "what is folded stays so");
	ok(!ascii, "nothing foreign folds to ASCII");
	is_int(casefold(0x10400), 0x10428, "beyond the basic plane");
	is_int(casefold(0x1E943), 0x1E943, "lower case stays");
	is_int(casefold(0x0100), 0x0101, "alternating pairs: upper");
	is_int(casefold(0x0101), 0x0101, "alternating pairs: lower");
}

int
main(void)
{
	for (int i = 0; i < lengthof(valid); i++)
	{
		const char *error;

		ok(address_parse(valid[i], strlen(valid[i]), NULL, &error), "valid: %s", valid[i]);
		check_canonical(valid[i]);
	}
	for (int i = 0; i < lengthof(invalid); i++)
	{
		const char *error = NULL;
		const char *s = invalid[i].address;

		ok(!address_parse(s, strlen(s), NULL, &error), "invalid: %s", address_escape(s, strlen(s)));
		is(error, invalid[i].error, "because it is so");
	}
	for (int i = 0; i < lengthof(folds); i++)
	{
		const char *s = folds[i].address;

		is(address_fold(s, strlen(s)), folds[i].canonical, s);
	}
	check_limits();
	check_parts();
	check_compare();
	check_random();
	check_casefold();
	return tap_done();
}
