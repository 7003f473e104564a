/*-------------------------------------------------------------------------
 *
 * form_test.c
 *	  The bodies of HTTP requests, and signatures.
 *
 *-------------------------------------------------------------------------
 */
#include "core/form.h"
#include "core/signature.h"

#include "tap.h"

static void
test_urlencoded(void)
{
	static const char *const names[] = {"To", "a b", "none"};
	static const char *const values[] = {"+15550100001", "x=y&z 100% \xc3\xbc~-._", ""};
	StringInfoData body;

	initStringInfo(&body);
	form_urlencoded(&body, 3, names, values);
	is(body.data, "To=%2B15550100001&a%20b=x%3Dy%26z%20100%25%20%C3%BC~-._&none=",
	   "names and values, encoded");
	resetStringInfo(&body);
	form_urlencoded(&body, 0, NULL, NULL);
	is(body.data, "", "nothing");
}

static void
test_multipart(void)
{
	static const char *const names[] = {"to[name]", "a\"b\r\nc"};
	static const char *const values[] = {"J\xc3\xb6rg", "line\r\nline"};
	FormFile file = {.field = "file",
					 .name = "a\".html",
					 .type = "text/html\r\nX-More: 1",
					 .data = "<p>\0</p>",
					 .length = 8};
	static const char start[] = "--BB\r\nContent-Disposition: form-data; name=\"to[name]\"\r\n\r\n"
								"J\xc3\xb6rg\r\n"
								"--BB\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac\"\r\n"
								"\r\nline\r\nline\r\n"
								"--BB\r\nContent-Disposition: form-data; name=\"file\"; "
								"filename=\"a%22.html\"\r\nContent-Type: text/html\r\n\r\n<p>";
	static const char rest[] = "\0</p>\r\n--BB--\r\n";
	StringInfoData body;

	initStringInfo(&body);
	form_multipart(&body, "BB", 2, names, values, &file);
	is_int(body.len, sizeof(start) - 1 + sizeof(rest) - 1, "as long as it has to be");
	ok(memcmp(body.data, start, sizeof(start) - 1) == 0,
	   "fields and a file; nothing in a name or type ends its line");
	ok(memcmp(body.data + sizeof(start) - 1, rest, sizeof(rest) - 1) == 0,
	   "the file's bytes as they are");
	resetStringInfo(&body);
	form_multipart(&body, "BB", 0, NULL, NULL, NULL);
	is(body.data, "--BB--\r\n", "nothing");
}

static void
test_signature(void)
{
	/* RFC 2202 and RFC 4231, test case 2 */
	static const char key[] = "Jefe";
	static const char data[] = "what do ya want for nothing?";
	char sha1[] =
		"\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74\x16\xd5\xf1\x84\xdf\x9c\x25\x9a\x7c\x79";
	char sha256[] =
		"\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7\x5a\x00\x3f\x08"
		"\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43";

	is_int(signature_check(SIGNATURE_SHA1, key, 4, data, sizeof(data) - 1, sha1, 20),
		   SIGNATURE_RIGHT, "SHA-1");
	is_int(signature_check(SIGNATURE_SHA256, key, 4, data, sizeof(data) - 1, sha256, 32),
		   SIGNATURE_RIGHT, "SHA-256");
	is_int(signature_check(SIGNATURE_SHA256, key, 4, data, sizeof(data) - 1, sha1, 20),
		   SIGNATURE_WRONG, "one for the other");
	is_int(signature_check(SIGNATURE_SHA256, key, 3, data, sizeof(data) - 1, sha256, 32),
		   SIGNATURE_WRONG, "another key");
	is_int(signature_check(SIGNATURE_SHA256, key, 4, data, sizeof(data) - 2, sha256, 32),
		   SIGNATURE_WRONG, "other data");
	is_int(signature_check(SIGNATURE_SHA256, key, 4, data, sizeof(data) - 1, sha256, 31),
		   SIGNATURE_WRONG, "too short");
	is_int(signature_check(SIGNATURE_SHA256, key, 4, data, sizeof(data) - 1, sha256, 0),
		   SIGNATURE_WRONG, "none");
	for (int i = 0; i < 32; i++)
	{
		sha256[i] ^= 1;
		ok(signature_check(SIGNATURE_SHA256, key, 4, data, sizeof(data) - 1, sha256, 32) ==
			   SIGNATURE_WRONG,
		   "one bit of byte %d", i);
		sha256[i] ^= 1;
	}
}

int
main(void)
{
	test_urlencoded();
	test_multipart();
	test_signature();
	return tap_done();
}
