/*-------------------------------------------------------------------------
 *
 * address.c
 *	  Fuzz target: what email_address takes, and makes of it.
 *
 * The input is two addresses with a NUL between them.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "core/address.h"
#include "net/smtp_message.h"

/*
 * A form of an address is an address, and is that form of itself.  The canonical
 * one, which nobody writes to, may be too long for one: letters that
 * normalisation takes apart.
 */
static void
see_form(const char *what, const char *form, const char *folded)
{
	const char *error;
	char *again;

	fuzz_text(what, form);
	must(
		address_parse(form, strlen(form), NULL, &error) ||
			(form == folded && (strstr(error, "more than 64") || strstr(error, "longer than 254"))),
		"%s %s: %s", what, form, error);
	again = address_fold(form, strlen(form));
	must(strcmp(again, folded) == 0, "%s %s folds to %s, not to %s", what, form, again, folded);
}

static bool
see_address(const char *s, size_t len)
{
	AddressParts parts;
	AddressParts again;
	const char *error = NULL;
	char *normal;
	char *folded;
	char *domain;
	char wire[SMTP_ADDRESS_SIZE];
	bool utf8;

	/* An error message shows whatever it was, on one line. */
	normal = address_escape(s, len);
	fuzz_text("escaped", normal);
	must(strpbrk(normal, "\r\n") == NULL, "a line break in an error message: %s", normal);

	if (!address_parse(s, len, &parts, &error))
	{
		must(error != NULL && address_error_hint(error) != NULL, "refused without a reason");
		fuzz_text("error", error);
		return false;
	}
	must(error == NULL, "taken, but it %s", error);
	must(len <= ADDRESS_MAX_LENGTH && parts.local_len <= ADDRESS_MAX_LOCAL, "too long");
	must(parts.local == s && parts.local_len > 0 && parts.domain == s + parts.local_len + 1 &&
			 s[parts.local_len] == '@' && parts.domain + parts.domain_len == s + len &&
			 parts.domain_len > 0,
		 "the parts are not the whole");

	folded = address_fold(s, len);
	see_form("folded", folded, folded);
	normal = address_normalize(&parts);
	see_form("normal", normal, folded);
	must(memcmp(normal, s, parts.local_len + 1) == 0, "%s, but its local part was another", normal);
	for (const char *p = normal + parts.local_len; *p != '\0'; p++)
		must(!(*p >= 'A' && *p <= 'Z'), "%s, but domains are in lower case", normal);
	must(address_parse(normal, strlen(normal), &again, NULL) &&
			 strcmp(address_normalize(&again), normal) == 0,
		 "%s becomes %s", normal, address_normalize(&again));
	must(address_compare(s, len, normal, strlen(normal)) == 0, "%s is not itself", normal);

	domain = address_domain_to_ascii(parts.domain, parts.domain_len);
	must(domain != NULL && address_is_ascii(domain, strlen(domain)), "no domain for DNS");
	must(strcmp(strrchr(folded, '@') + 1, domain) == 0, "%s, but its domain is %s", folded, domain);
	must(strpbrk(domain, "<> \t\r\n@\"") == NULL, "the domain %s", domain);

	/* Mail goes to that domain, and to no other. */
	error = smtp_address(normal, wire, &utf8);
	must(error == NULL, "%s cannot be sent to: %s", normal, error);
	must(strcmp(strrchr(wire, '@') + 1, domain) == 0, "%s, but mail goes to %s", domain, wire);

	if (address_is_plain(s, len))
	{
		for (size_t i = 0; i < len; i++)
			must(folded[i] == (s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]),
				 "plain, but folds to %s", folded);
	}
	return true;
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

void
fuzz_run(const char *data, size_t size)
{
	const char *end = memchr(data, '\0', size);
	size_t len = end != NULL ? end - data : size;
	bool first = see_address(data, len);

	if (end != NULL)
	{
		const char *b = end + 1;
		size_t b_len = size - len - 1;

		/* The order of the type, in which an index is kept. */
		if (see_address(b, b_len) && first)
		{
			int order = address_compare(data, len, b, b_len);

			must(sign(order) == sign(strcmp(address_fold(data, len), address_fold(b, b_len))),
				 "not the order of the canonical forms");
			must(sign(order) == -sign(address_compare(b, b_len, data, len)), "no order");
		}

		/* A NUL in an address is refused like anything else. */
		must(!address_parse(data, size, NULL, NULL), "a NUL in an address");
	}
}
