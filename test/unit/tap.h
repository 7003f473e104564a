/*-------------------------------------------------------------------------
 *
 * tap.h
 *	  The few lines a unit program needs to speak TAP to prove.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_TAP_H
#define AR_INBOX_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count = 0;
static int tap_failed = 0;

static inline bool
tap_ok(bool passed, const char *file, int line, const char *name, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	printf("\n");
	if (!passed)
	{
		tap_failed++;
		printf("# at %s line %d\n", file, line);
	}
	return passed;
}

static inline bool
tap_is(const char *got, const char *want, const char *file, int line, const char *name)
{
	bool same = (got == NULL || want == NULL) ? got == want : strcmp(got, want) == 0;

	if (!tap_ok(same, file, line, "%s", name))
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)", want ? want : "(null)");
	return same;
}

static inline bool
tap_is_int(long long got, long long want, const char *file, int line, const char *name)
{
	if (!tap_ok(got == want, file, line, "%s", name))
		printf("#      got: %lld\n# expected: %lld\n", got, want);
	return got == want;
}

#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is(got, want, name) tap_is((got), (want), __FILE__, __LINE__, (name))
#define is_int(got, want, name) tap_is_int((got), (want), __FILE__, __LINE__, (name))

/* A number from 0 to below - 1 by chance, the same in each run of the program. */
static inline int
tap_any(int below)
{
	static uint32 seed = 20260131;

	seed = seed * 1664525 + 1013904223;
	return (int) ((seed >> 8) % below);
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif /* AR_INBOX_TAP_H */
