/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  What the fuzz targets share: a run's memory, and what must always hold.
 *
 * A target defines fuzz_run(), which gives the input to the code under test
 * and checks what comes back; fuzz.c is the rest.  Every input is run twice, on
 * fresh memory with other contents: what fuzz_saw() was told must be the same
 * both times, or something was read that was never written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AR_INBOX_FUZZ_H
#define AR_INBOX_FUZZ_H

#ifdef FRONTEND
#include "postgres_fe.h"
#else
#error "fuzz targets are programs without a server"
#endif

/* The target: one run on one input, which is not followed by a NUL. */
extern void fuzz_run(const char *data, size_t size);

/* Ends the program with a message; libFuzzer keeps the input. */
extern void fuzz_fail(const char *file, int line, const char *format, ...) pg_attribute_printf(3, 4)
	pg_attribute_noreturn();

/* What has to be so, with words (as of printf) for when it is not. */
#define must(condition, ...)                                                                       \
	do                                                                                             \
	{                                                                                              \
		if (!(condition))                                                                          \
			fuzz_fail(__FILE__, __LINE__, __VA_ARGS__);                                            \
	} while (0)

/*
 * From now on the n-th palloc that may be refused is, and all after it; 0 ends
 * that.  True if one was refused since the last call.
 */
extern bool fuzz_refuse(int n);

/* Adds to what the two runs must agree on. */
extern void fuzz_saw(const void *bytes, size_t len);
extern void fuzz_saw_number(int64 number);

/*
 * For two ways to the same end within a run: starts what is seen anew, and
 * tells what was seen since, with what was seen before put back.
 */
extern uint64 fuzz_mark(void);
extern uint64 fuzz_since(uint64 mark);

/* The first place that is not valid UTF-8 or is NUL; len where all is well. */
extern size_t fuzz_utf8(const char *text, size_t len);

/* Whether a character ends or begins at an offset of valid UTF-8. */
extern bool fuzz_boundary(const char *text, size_t len, size_t offset);

/* A string that must be valid UTF-8; NULL is fine.  It is seen, too. */
extern void fuzz_text(const char *what, const char *text);
extern void fuzz_text_length(const char *what, const char *text, size_t len);

/*
 * What an attachment's name and type must be: the name leads to no other
 * folder and has nothing that is not seen; the type is two words in lower case.
 */
extern void fuzz_file_name(const char *name);
extern void fuzz_media_type(const char *type);

/* The first place of some bytes among others, or NULL. */
extern const char *fuzz_find(const char *data, size_t len, const char *what, size_t what_len);

/*
 * Cuts the input at each NUL into at most n strings that live as long as the
 * run; returns how many there are, the others are empty.
 */
extern int fuzz_fields(const char *data, size_t size, char **fields, int n);

#endif /* AR_INBOX_FUZZ_H */
