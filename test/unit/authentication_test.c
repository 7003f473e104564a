/*-------------------------------------------------------------------------
 *
 * authentication_test.c
 *	  Which Authentication-Results fields are believed, and what they say.
 *
 *-------------------------------------------------------------------------
 */
#include "core/mime_authentication.h"

#include <time.h>

#include "tap.h"

static char *own[] = {"mx.acme.example", "acme.example"};

/* "method=result(property=value,...)" for each, or NULL. */
static const char *
report(const char *data, size_t len, char *const *trusted, int count)
{
	Authentication *found = authentication_read(data, len, trusted, count);
	StringInfoData out;

	if (found == NULL)
		return NULL;
	initStringInfo(&out);
	for (int i = 0; i < found->count; i++)
	{
		const AuthenticationResult *result = &found->results[i];

		appendStringInfo(&out, "%s%s=%s", i > 0 ? " " : "", result->method, result->result);
		for (int j = 0; j < result->property_count; j++)
			appendStringInfo(&out, "%c%s=%s", j > 0 ? ',' : '(', result->properties[j].name,
							 result->properties[j].value);
		if (result->property_count > 0)
			appendStringInfoChar(&out, ')');
	}
	return out.data;
}

static void
reads(const char *header, const char *want, const char *name)
{
	is(report(header, strlen(header), own, lengthof(own)), want, name);
}

/* value stands in a field that is believed */
static void
says(const char *value, const char *want)
{
	char *header = psprintf("Authentication-Results: %s\r\n\r\nbody", value);

	char *name = pstrdup(value);

	for (char *p = name; *p; p++)
	{
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	}
	is(report(header, strlen(header), own, lengthof(own)), want, name);
}

static void
test_values(void)
{
	says("mx.acme.example; spf=pass smtp.mailfrom=globex.example",
		 "spf=pass(smtp.mailfrom=globex.example)");
	says("mx.acme.example 1; spf=pass", "spf=pass");
	says("mx.acme.example 1 ; spf/1=pass", "spf=pass");
	says("MX.Acme.EXAMPLE; SPF=Pass SMTP.MailFrom=Ann@Globex.Example",
		 "spf=pass(smtp.mailfrom=Ann@Globex.Example)");
	says("mx.acme.example; none", "");
	says("mx.acme.example;", "");
	says("mx.acme.example", "");
	says("(ours) mx.acme.example (really) 1 (one); (a) spf (b) = (c) fail (d) reason (e) = (f) "
		 "\"not; allowed\" (g) smtp (h) . (i) mailfrom (j) = (k) x.example (l)",
		 "spf=fail(reason=not; allowed,smtp.mailfrom=x.example)");
	says("mx.acme.example; dkim=pass (good) header.d=a.example header.b=\"q/+x\"; dkim=fail "
		 "header.d=b.example; dmarc=pass header.from=a.example",
		 "dkim=pass(header.d=a.example,header.b=q/+x) dkim=fail(header.d=b.example) "
		 "dmarc=pass(header.from=a.example)");
	says("mx.acme.example; dkim=fail header.d=a.example; spf=pass; dkim=pass header.d=b.example",
		 "dkim=fail(header.d=a.example) dkim=pass(header.d=b.example) spf=pass");
	says("mx.acme.example; dkim=pass header.b=abc/+==; spf=none", "dkim=pass(header.b=abc/+==) "
																  "spf=none");
	says("mx.acme.example;\r\n\tspf=pass (sender IP is 192.0.2.1)\r\n "
		 "smtp.mailfrom=a.example;\r\n dmarc=pass action=none header.from=a.example",
		 "spf=pass(smtp.mailfrom=a.example) dmarc=pass(action=none,header.from=a.example)");
	says("mx.acme.example; spf=pass smtp.mailfrom=\"a b\"@x.example",
		 "spf=pass(smtp.mailfrom=a b@x.example)");
	says("\"mx.acme.example\"; spf=pass", "spf=pass");
	says("mx.acme.example; spf=none smtp.helo=h.example; spf=fail smtp.mailfrom=x.example",
		 "spf=fail(smtp.mailfrom=x.example)");
	says("mx.acme.example; spf=fail smtp.mailfrom=x.example; spf=pass smtp.mailfrom=y.example",
		 "spf=fail(smtp.mailfrom=x.example)");
	says("mx.acme.example; spf=fail; dmarc=pass; dmarc=fail", "spf=fail dmarc=pass");

	/* a result cannot be smuggled in a comment, a string or a property */
	says("mx.acme.example; spf=fail (; dmarc=pass)", "spf=fail");
	says("mx.acme.example; spf=fail (a(b)\\); dmarc=pass) x.y=z", "spf=fail(x.y=z)");
	says("mx.acme.example; spf=fail smtp.mailfrom=\"; dmarc=pass\"",
		 "spf=fail(smtp.mailfrom=; dmarc=pass)");
	says("mx.acme.example; spf=fail smtp.mailfrom=\"\\\"; dmarc=pass\"",
		 "spf=fail(smtp.mailfrom=\"; dmarc=pass)");
	says("mx.acme.example; spf=fail result=pass", "spf=fail");
	says("mx.acme.example; spf=fail a.b=1 a.b=2 A.B=3", "spf=fail(a.b=1)");

	/* what is malformed is passed over, what follows is read */
	says("mx.acme.example; spf; dkim=; =pass; dmarc=pass", "dmarc=pass");
	says("mx.acme.example; spf=pass = x . ; dmarc=pass", "spf=pass dmarc=pass");
	says("mx.acme.example; spf=pass smtp.mailfrom; dmarc=pass", "spf=pass dmarc=pass");
	says("mx.acme.example; spf=pass (never ends; dmarc=pass", "spf=pass");
	says("mx.acme.example; spf=pass x=\"never ends; dmarc=pass", "spf=pass(x=never ends; "
																 "dmarc=pass)");
	says("mx.acme.example; x-\xFF=caf\xE9 a.b=\xE9", "x-\xC3\xBF=café(a.b=é)");

	/* others' */
	says("mx.evil.example; spf=pass", NULL);
	says("mx.acme.example.evil.example; spf=pass", NULL);
	says("sub.mx.acme.example; spf=pass", NULL);
	says("mx.acme.exampl; spf=pass", NULL);
	says("(mx.acme.example) mx.evil.example; spf=pass", NULL);
	says("; spf=pass", NULL);
	says("", NULL);
	says("\"\"; spf=pass", NULL);
}

#define AR(server, rest) "Authentication-Results: " server "; " rest "\r\n"
#define RECEIVED(by)                                                                               \
	"Received: from a.example (b [192.0.2.1])\r\n\tby " by " with ESMTP id 1; date\r\n"
#define END "Subject: x\r\n\r\nbody"

static void
test_place(void)
{
	reads(AR("mx.acme.example", "spf=pass") RECEIVED("mx.acme.example") END, "spf=pass",
		  "above our own Received");
	reads(RECEIVED("mx.acme.example") AR("mx.acme.example", "spf=pass") END, "spf=pass",
		  "below our own Received");
	reads(RECEIVED("mx.acme.example") AR("mx.acme.example", "spf=pass") RECEIVED("evil.example")
			  AR("mx.acme.example", "dmarc=pass") END,
		  "spf=pass", "what stands below a foreign Received counts for nothing");
	reads(RECEIVED("evil.example") AR("mx.acme.example", "dmarc=pass") END, NULL,
		  "nothing but that");
	reads(RECEIVED("store3.acme.example") AR("mx.acme.example", "spf=pass") END, "spf=pass",
		  "by a host below a trusted name");
	reads(RECEIVED("notacme.example") AR("mx.acme.example", "spf=pass") END, NULL,
		  "by a host that ends like one");
	reads(RECEIVED("MX.ACME.Example.") AR("mx.acme.example", "spf=pass") END, "spf=pass",
		  "in capitals, with a dot at the end");
	reads(RECEIVED("localhost") AR("mx.acme.example", "spf=pass") END, "spf=pass", "by localhost");
	reads(RECEIVED("2002:a05:7010::1") AR("mx.acme.example", "spf=pass") END, "spf=pass",
		  "by an IPv6 address");
	reads(RECEIVED("[10.0.0.1]") AR("mx.acme.example", "spf=pass") END, "spf=pass",
		  "by an IPv4 address in brackets");
	reads(RECEIVED("10.0.0.1") AR("mx.acme.example", "spf=pass") END, "spf=pass",
		  "by an IPv4 address");
	reads("Received: from x; date\r\n" AR("mx.acme.example", "spf=pass") END, NULL,
		  "by no one is foreign");
	reads("Received: from by (x) by mx.acme.example; date\r\n" AR("mx.acme.example", "spf=pass")
			  END,
		  "spf=pass", "from a host that calls itself by");
	reads("Received: from by mx.acme.example; date\r\n" AR("mx.acme.example", "spf=pass") END, NULL,
		  "from by alone is by no one");
	reads("Received: from x (by mx.acme.example) by evil.example; date\r\n" AR("mx.acme.example",
																			   "spf=pass") END,
		  NULL, "a comment is not who received");
	reads("Received: from x by mx.acme.example by evil.example; date\r\n" AR("mx.acme.example",
																			 "spf=pass") END,
		  NULL, "two hosts, one of them foreign");
	reads("Received: from x by evil.example; by mx.acme.example\r\n" AR("mx.acme.example",
																		"spf=pass") END,
		  NULL, "what stands behind the date is not who received");
	reads("RECEIVED : from x by evil.example; date\r\n" AR("mx.acme.example", "spf=pass") END, NULL,
		  "a field's name in capitals, with a blank");
	reads(AR("mx.acme.example", "spf=fail") AR("mx.acme.example", "spf=pass; dmarc=pass") END,
		  "spf=fail dmarc=pass", "the uppermost has the say on a method");
	reads(AR("mx.acme.example", "dkim=fail header.d=x.example")
			  AR("mx.acme.example", "dkim=pass header.d=a.example") END,
		  "dkim=fail(header.d=x.example)", "on signatures too");
	reads(AR("mx.evil.example", "spf=pass") AR("acme.example", "spf=fail") END, "spf=fail",
		  "others' fields between ours");
	reads("ARC-Authentication-Results: i=1; mx.acme.example; spf=pass\r\n"
		  "X-Authentication-Results: mx.acme.example; spf=pass\r\n" END,
		  NULL, "other fields");
	reads("Subject: x\r\n\r\n" AR("mx.acme.example", "spf=pass"), NULL, "the body is no header");
	reads("Subject: x\n\n" AR("mx.acme.example", "spf=pass"), NULL, "nor with LF alone");
	reads("Subject: x\nnonsense\n" AR("mx.acme.example", "spf=pass") "\n", NULL,
		  "nor what follows a line that is no field");
	reads(
		"From ann@globex.example Mon Jan  5 10:00:00 2026\n" AR("mx.acme.example", "spf=pass") "\n",
		"spf=pass", "behind a mailbox's separator");
	reads("A: 1\rAuthentication-Results: mx.acme.example; spf=pass\r\rbody", "spf=pass",
		  "lines ended by CR alone");
	reads("", NULL, "nothing");
	reads("From ", NULL, "the beginning of a separator");
	reads("Authentication-Results", NULL, "a field without a colon");
	reads("Authentication-Results:", NULL, "a field without a value");
	is(report(AR("mx.acme.example", "spf=pass"), strlen(AR("mx.acme.example", "spf=pass")), own, 0),
	   NULL, "no one is trusted");
	is(report("Authentication-Results: mx.acme.example\0; spf=pass\r\n", 54, own, 2), NULL,
	   "a NUL does not end a name");

	ok(authentication_header_ends("a: b\r\n\r\n", 8), "a header's end, CR LF");
	ok(authentication_header_ends("a: b\n\n", 6), "a header's end, LF");
	ok(!authentication_header_ends("a: b\r\n", 6), "no end");
}

/* A megabyte of one thing in a field that is believed, or in a Received. */
static void
test_hostile(void)
{
	static const char *const pieces[] = {
		"a",
		" a",
		";",
		";a=b",
		";dkim=pass a.b=c",
		" a.b=c",
		"(",
		"()",
		"((((\\",
		"\"",
		"\"\" ",
		"=",
		".",
		" .",
		"\\",
		"a=",
		"\r\n ",
		" by",
		"\"(",
		";(",
		"\xff",
		"; dkim=pass header.d=d ",
	};

	for (int which = 0; which < 2; which++)
	{
		for (int i = 0; i < lengthof(pieces); i++)
		{
			StringInfoData mail;
			struct timespec began;
			struct timespec ended;
			double seconds;

			initStringInfo(&mail);
			appendStringInfoString(&mail, which == 0 ?
											  "Authentication-Results: mx.acme.example; a=b " :
											  "Received: from x ");
			while (mail.len < 1000000)
				appendStringInfoString(&mail, pieces[i]);
			appendStringInfoString(&mail, "\r\n\r\n");
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
			report(mail.data, mail.len, own, lengthof(own));
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
			seconds = (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) / 1e9;
			ok(seconds < 0.5, "a megabyte, piece %d of field %d", i, which);
			pfree(mail.data);
		}
	}
}

int
main(void)
{
	test_values();
	test_place();
	test_hostile();
	return tap_done();
}
