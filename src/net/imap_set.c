/*-------------------------------------------------------------------------
 *
 * imap_set.c
 *	  Sets of UIDs, and mailbox names, as IMAP writes them.
 *
 * A set stays a list of ranges: a mailbox of a million messages is one range,
 * and a server that claims four thousand million costs no more.
 *
 *-------------------------------------------------------------------------
 */
#include "net/imap_set.h"

#include "net/imap_parse.h"
#include "net/net_connection.h"

void
imap_set_clear(ImapSet *set)
{
	free(set->ranges);
	memset(set, 0, sizeof(*set));
}

bool
imap_set_add(ImapSet *set, uint32 low, uint32 high)
{
	/* Servers list UIDs in order; so most of them only extend the last range. */
	if (set->n > 0 && set->ranges[set->n - 1].high != PG_UINT32_MAX &&
		set->ranges[set->n - 1].high + 1 == low)
	{
		set->ranges[set->n - 1].high = high;
		return true;
	}
	if (set->n == set->size)
	{
		size_t size = set->size == 0 ? 64 : set->size * 2;
		ImapRange *ranges = realloc(set->ranges, size * sizeof(ImapRange));

		if (ranges == NULL)
			return false;
		set->ranges = ranges;
		set->size = size;
	}
	set->ranges[set->n].low = low;
	set->ranges[set->n].high = high;
	set->n++;
	return true;
}

bool
imap_set_parse(ImapSet *set, const char *text, char separator, bool *no_memory)
{
	*no_memory = false;
	while (*text != '\0')
	{
		uint64 low;
		uint64 high;

		/* RFC 7162 adds "(MODSEQ n)" behind the numbers. */
		if (separator == ' ' && *text == '(')
			return true;
		if (!imap_number(&text, PG_UINT32_MAX, &low) || low == 0)
			return false;
		high = low;
		if (separator == ',' && *text == ':')
		{
			text++;
			if (!imap_number(&text, PG_UINT32_MAX, &high) || high == 0)
				return false;
		}
		if (!imap_set_add(set, (uint32) Min(low, high), (uint32) Max(low, high)))
		{
			*no_memory = true;
			return false;
		}
		if (separator == ',' && (*text == ' ' || *text == '\0'))
			return true;
		if (*text == separator)
			text++;
		else if (*text != '\0')
			return false;
	}
	return true;
}

static int
compare_ranges(const void *a, const void *b)
{
	uint32 x = ((const ImapRange *) a)->low;
	uint32 y = ((const ImapRange *) b)->low;

	return x < y ? -1 : x > y ? 1 : 0;
}

void
imap_set_normalize(ImapSet *set, uint32 first)
{
	size_t n = 0;

	if (set->n > 1)
		qsort(set->ranges, set->n, sizeof(ImapRange), compare_ranges);
	for (size_t i = 0; i < set->n; i++)
	{
		ImapRange range = set->ranges[i];

		if (range.high < first)
			continue;
		range.low = Max(range.low, first);
		if (n > 0 && range.low <= set->ranges[n - 1].high)
			set->ranges[n - 1].high = Max(set->ranges[n - 1].high, range.high);
		else
			set->ranges[n++] = range;
	}
	set->n = n;
}

uint64
imap_set_count(const ImapSet *set)
{
	uint64 count = 0;

	for (size_t i = 0; i < set->n; i++)
		count += (uint64) set->ranges[i].high - set->ranges[i].low + 1;
	return count;
}

bool
imap_set_format(const uint32 *uids, int n, char *out, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < n;)
	{
		int last = i;

		while (last + 1 < n && uids[last + 1] == uids[last] + 1)
			last++;
		if (size - len < 24)
			return false;
		len += snprintf(out + len, size - len, "%s%u", i > 0 ? "," : "", uids[i]);
		if (last > i)
			len += snprintf(out + len, size - len, ":%u", uids[last]);
		i = last + 1;
	}
	return n > 0;
}

/*
 * next_character: one character of valid UTF-8.
 */
static uint32
next_character(const unsigned char **p)
{
	const unsigned char *s = *p;

	if (s[0] < 0x80)
	{
		*p += 1;
		return s[0];
	}
	if (s[0] < 0xe0)
	{
		*p += 2;
		return (s[0] & 0x1f) << 6 | (s[1] & 0x3f);
	}
	if (s[0] < 0xf0)
	{
		*p += 3;
		return (s[0] & 0x0f) << 12 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
	}
	*p += 4;
	return (s[0] & 0x07) << 18 | (s[1] & 0x3f) << 12 | (s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

/*
 * imap_mailbox_name: RFC 3501, 5.1.3: what is not ASCII goes as UTF-16 in a
 * base64 of its own between & and -.
 */
bool
imap_mailbox_name(const char *name, char *out, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	const unsigned char *p = (const unsigned char *) name;
	size_t n = 0;

	if (*name == '\0' || !net_valid_utf8(name, strlen(name)))
		return false;
	out[n++] = '"';
	while (*p != '\0')
	{
		uint32 bits = 0;
		int n_bits = 0;

		if (n + 8 > size || *p < 0x20 || *p == 0x7f)
			return false;
		if (*p < 0x80)
		{
			if (*p == '"' || *p == '\\')
				out[n++] = '\\';
			out[n++] = (char) *p;
			if (*p == '&')
				out[n++] = '-';
			p++;
			continue;
		}

		out[n++] = '&';
		while (*p >= 0x80)
		{
			uint32 c = next_character(&p);
			uint32 units[2] = {c, 0};
			int n_units = 1;

			if (c >= 0x10000)
			{
				units[0] = 0xd800 + ((c - 0x10000) >> 10);
				units[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
				n_units = 2;
			}
			for (int i = 0; i < n_units; i++)
			{
				bits = (bits << 16) | units[i];
				n_bits += 16;
				while (n_bits >= 6)
				{
					if (n + 8 > size)
						return false;
					n_bits -= 6;
					out[n++] = digits[(bits >> n_bits) & 0x3f];
				}
			}
		}
		if (n_bits > 0)
			out[n++] = digits[(bits << (6 - n_bits)) & 0x3f];
		out[n++] = '-';
	}
	if (n + 2 > size)
		return false;
	out[n++] = '"';
	out[n] = '\0';
	return true;
}
