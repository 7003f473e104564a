/*-------------------------------------------------------------------------
 *
 * token_test.c
 *	  Signed tokens, and the addresses that carry them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/token.h"

#include "core/address_rewrite.h"
#include "tap.h"

static const char key[] = "0123456789abcdef0123456789abcdef";
static const char other_key[] = "0123456789abcdef0123456789abcdeg";

static bool
reads(const char *with, char purpose, const char *token, int64 *id)
{
	return token_read(with, strlen(with), purpose, token, strlen(token), id) == TOKEN_RIGHT;
}

/* What another program made by the rule that token.c states. */
static void
test_known(void)
{
	static const struct
	{
		char purpose;
		int64 id;
		const char *token;
	} cases[] = {
		{'r', 1, "r54utzjcgzx272laq2iwkoz5vdjvwo"},
		{'b', 1, "biubjvebz3y6xnpqkdbdtzeguclnru"},
		{'o', 1, "o53j43f4upga53xsvklwy2s2xthwdq"},
		{'r', 2, "ryfeuq6dz35a3qxsdp7rwattdgdxba"},
		{'r', 0, "rq3sln5biv5z44usxsmtbnn4qvwe22"},
		{'r', -1, "r424bmili2ffbqgmp7aq5ifrhv5xsg"},
		{'b', PG_INT64_MAX, "bmdowmroexfmmaadaeeh5nldbj5mm2"},
		{'r', PG_INT64_MIN, "rooll2h2r3sbuap37l6fleaszfmtio"},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		char token[TOKEN_LENGTH + 1] = "";
		int64 id = 77;

		ok(token_sign(key, strlen(key), cases[i].purpose, cases[i].id, token), "signed");
		is(token, cases[i].token, "as the rule says");
		ok(reads(key, cases[i].purpose, token, &id) && id == cases[i].id, "and read back");
	}
}

static void
test_wrong(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	char token[TOKEN_LENGTH + 1];
	char forged[TOKEN_LENGTH + 2];
	int accepted = 0;
	int64 id;

	token_sign(key, strlen(key), TOKEN_REPLY, 4711, token);

	/* each letter changed to each other one */
	for (int i = 0; i < TOKEN_LENGTH; i++)
	{
		for (const char *letter = letters; *letter; letter++)
		{
			strlcpy(forged, token, sizeof(forged));
			if (forged[i] == *letter)
				continue;
			forged[i] = *letter;
			if (reads(key, TOKEN_REPLY, forged, &id))
				accepted++;
		}
	}
	is_int(accepted, 0, "a letter changed is a token broken, the last one too");

	for (int i = 0; i < TOKEN_LENGTH; i++)
		forged[i] = pg_toupper(token[i]);
	forged[TOKEN_LENGTH] = '\0';
	ok(reads(key, TOKEN_REPLY, forged, &id) && id == 4711, "capitals are the same");
	ok(!reads(key, TOKEN_BOUNCE, token, &id), "another purpose is asked for");
	strlcpy(forged, token, sizeof(forged));
	forged[0] = TOKEN_BOUNCE;
	ok(!reads(key, TOKEN_BOUNCE, forged, &id), "another purpose is claimed");
	ok(!reads(other_key, TOKEN_REPLY, token, &id), "another key");
	ok(!reads(key, TOKEN_REPLY, "", &id), "nothing");
	ok(!reads(key, TOKEN_REPLY, "r", &id), "a letter");
	strlcpy(forged, token, sizeof(forged));
	forged[TOKEN_LENGTH - 1] = '\0';
	ok(!reads(key, TOKEN_REPLY, forged, &id), "a letter too few");
	strlcpy(forged, token, sizeof(forged));
	strlcat(forged, "a", sizeof(forged));
	ok(!reads(key, TOKEN_REPLY, forged, &id), "a letter too many");
	for (const char *bad = "0189-=+ @\x80\xff"; *bad; bad++)
	{
		strlcpy(forged, token, sizeof(forged));
		forged[7] = *bad;
		ok(!reads(key, TOKEN_REPLY, forged, &id), "the character %#x", (unsigned char) *bad);
	}
	ok(token_is_purpose('r') && token_is_purpose('b') && token_is_purpose('o') &&
		   token_is_purpose('i'),
	   "purposes");
	ok(!token_is_purpose('R') && !token_is_purpose('\0') && !token_is_purpose('x'), "no purposes");
}

/* Ids in a row give tokens that have nothing to do with each other. */
static void
test_hidden(void)
{
	enum
	{
		COUNT = 2000
	};
	static char tokens[COUNT][TOKEN_LENGTH + 1];
	int alike = 0;

	for (int i = 0; i < COUNT; i++)
		token_sign(key, strlen(key), TOKEN_REPLY, i, tokens[i]);
	for (int i = 1; i < COUNT; i++)
	{
		int same = 0;

		for (int at = 1; at < TOKEN_LENGTH; at++)
			same += tokens[i][at] == tokens[i - 1][at];
		if (same > 9)
			alike++;
	}
	is_int(alike, 0, "neighbours are not alike");
}

static void
is_tagged(const char *address, const char *tag, const char *want, const char *name)
{
	is(address_with_tag(address, strlen(address), tag, strlen(tag)), want, name);
}

static void
is_tag(const char *address, const char *want, const char *name)
{
	is(address_tag(address, strlen(address)), want, name);
}

static void
test_tags(void)
{
	static const char tag[] = "raaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	is_tagged("inbox@acme.example", "r2", "inbox+r2@acme.example", "tagged");
	is_tagged("inbox+de@acme.example", "r2", "inbox+de+r2@acme.example", "tagged twice");
	is_tagged("\"in box\"@acme.example", "r2", NULL, "not one in quotation marks");
	is_tagged("inbox", "r2", NULL, "not what is no address");
	is_tagged("inbox@acme.example", "", NULL, "not with nothing");
	is_tagged("inbox@acme.example", "a b", NULL, "not with a space");
	is_tagged("inbox@acme.example", "a@b", NULL, "not with an @");
	is_tagged("inbox@acme.example", "ä", NULL, "not beyond ASCII");
	is_tagged("inbox@[127.0.0.1]", "r2", "inbox+r2@[127.0.0.1]", "at an IP address");
	is_tagged("abcdefghijklmnopqrstuvwxyz1234567@acme.example", tag,
			  "abcdefghijklmnopqrstuvwxyz1234567+raaaaaaaaaaaaaaaaaaaaaaaaaaaaa@acme.example",
			  "64 octets");
	is_tagged("abcdefghijklmnopqrstuvwxyz12345678@acme.example", tag, NULL, "65 octets");

	is_tag("inbox+r2@acme.example", "r2", "a tag");
	is_tag("inbox+de+r2@acme.example", "r2", "the last one");
	is_tag("inbox+R2@acme.example", "R2", "as it came");
	is_tag("inbox@acme.example", NULL, "none");
	is_tag("inbox+@acme.example", NULL, "an empty one is none");
	is_tag("inbox@acme+r2.example", NULL, "none in the domain");
	is_tag("\"inbox+r2\"@acme.example", NULL, "none in quotation marks");
	is_tag("+r2@acme.example", "r2", "nothing before it");
	is_tag("nonsense", NULL, "no address");
}

static void
is_unwrapped(const char *address, const char *want)
{
	is(address_unwrap(address, strlen(address)), want, address);
}

static void
test_unwrap(void)
{
	is_unwrapped("ann@globex.example", "ann@globex.example");
	is_unwrapped("SRS0=HHH1=TT=globex.example=ann@relay.example", "ann@globex.example");
	is_unwrapped("srs0=hhh1=tt=globex.example=ann@relay.example", "ann@globex.example");
	is_unwrapped("SRS0+HHH1=TT=globex.example=ann@relay.example", "ann@globex.example");
	is_unwrapped("SRS0-HHH1=TT=globex.example=ann+x@relay.example", "ann+x@globex.example");
	is_unwrapped("SRS0=H+/=TT=globex.example=a=b@relay.example", "a=b@globex.example");
	is_unwrapped("SRS1=GGG=relay.example==HHH1=TT=globex.example=ann@second.example",
				 "ann@globex.example");
	is_unwrapped("SRS1=GGG=relay.example=+HHH1=TT=globex.example=ann@second.example",
				 "ann@globex.example");
	is_unwrapped("SRS1=GGG=relay.example=-HHH1=TT=globex.example=ann@second.example",
				 "ann@globex.example");
	is_unwrapped("prvs=0123abcdef=ann@globex.example", "ann@globex.example");
	is_unwrapped("PRVS=0123ABCDEF=Ann@globex.example", "Ann@globex.example");
	is_unwrapped("prvs=ann=0123abcdef@globex.example", "ann@globex.example");
	is_unwrapped("prvs=0123abcdef/ann@globex.example", "ann@globex.example");
	is_unwrapped("prvs=ann/0123abcdef@globex.example", "ann@globex.example");
	is_unwrapped("prvs=a=b=0123abcdef@globex.example", "a=b@globex.example");
	is_unwrapped("prvs=0123abcdef=a=b@globex.example", "a=b@globex.example");
	is_unwrapped("btv1==0123abcdef==ann@globex.example", "ann@globex.example");
	is_unwrapped("SRS0=HHH1=TT=globex.example=prvs=0123abcdef=ann@relay.example",
				 "ann@globex.example");
	is_unwrapped("prvs=0123abcdef=SRS0=HHH1=TT=globex.example=ann@relay.example",
				 "ann@globex.example");
	is_unwrapped("inbox+b2@acme.example", "inbox+b2@acme.example");

	/* like them, but not */
	is_unwrapped("SRS0@relay.example", "SRS0@relay.example");
	is_unwrapped("SRS0=@relay.example", "SRS0=@relay.example");
	is_unwrapped("SRS0=HHH1=TT=globex.example@relay.example",
				 "SRS0=HHH1=TT=globex.example@relay.example");
	is_unwrapped("SRS0=HHH1=TT=globex.example=@relay.example",
				 "SRS0=HHH1=TT=globex.example=@relay.example");
	is_unwrapped("SRS0=HHH1=TT==ann@relay.example", "SRS0=HHH1=TT==ann@relay.example");
	is_unwrapped("SRS0=HHH1=TT=-bad-.=ann@relay.example", "SRS0=HHH1=TT=-bad-.=ann@relay.example");
	is_unwrapped("SRS0abc=x=y=z.example=a@relay.example", "SRS0abc=x=y=z.example=a@relay.example");
	is_unwrapped("SRS1=GGG=relay.example=x@second.example",
				 "SRS1=GGG=relay.example=x@second.example");
	is_unwrapped("prvs=ann@globex.example", "prvs=ann@globex.example");
	is_unwrapped("prvs=ann=bob@globex.example", "prvs=ann=bob@globex.example");
	is_unwrapped("prvs==@globex.example", "prvs==@globex.example");
	is_unwrapped("prvs=0123abcdef=@globex.example", "prvs=0123abcdef=@globex.example");
	is_unwrapped("btv1==0123abcdef=ann@globex.example", "btv1==0123abcdef=ann@globex.example");
	is_unwrapped("no address", "no address");
	is_unwrapped("", "");
	is_unwrapped("\"prvs=0123abcdef=ann\"@globex.example",
				 "\"prvs=0123abcdef=ann\"@globex.example");
}

int
main(void)
{
	test_known();
	test_wrong();
	test_hidden();
	test_tags();
	test_unwrap();
	return tap_done();
}
