/*-------------------------------------------------------------------------
 *
 * fuzz.c
 *	  What every fuzz target is linked with.
 *
 * In the server what src/core allocates and does not free goes with its memory
 * context.  In a program palloc is malloc, and a thousand runs a second would
 * fill any machine with what no one ever meant to free.  So palloc and its kin
 * are defined here instead of being taken from libpgcommon: a run is a context,
 * whose blocks are freed at its end.  Leaks can therefore be looked for, and
 * what is found is malloc's: memory that the libraries, or src/net, forgot.
 *
 * These are stricter than both: they do not take what only the server or only
 * a program would take.  The parts of a mail, which the reader cuts from few
 * large chunks, get a block each (the linker's --wrap), so that what is read
 * or written beyond one is noticed.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include <stdarg.h>

#include <sanitizer/asan_interface.h>

#include "core/mime_internal.h"

/* No input, however made, may need more at a time. */
#define MAX_LIVE ((size_t) 128 * 1024 * 1024)

#define MAX_BLOCK ((size_t) 0x3fffffff) /* the server's palloc gives no more */

#define NOTHING_SEEN UINT64CONST(0xcbf29ce484222325)

typedef struct Block
{
	struct Block *next;
	struct Block *previous;
	size_t size;
	size_t unused; /* what follows is aligned to 16 bytes */
} Block;

static Block blocks = {&blocks, &blocks, 0, 0};
static size_t live = 0;
static int fill = 0;
static int refuse_in = 0; /* that many may be had, less one; 0: all */
static bool refused = false;
static uint64 seen = 0;

void *__wrap_mime_alloc(MimeArena *arena, size_t size);
char *__wrap_mime_strdup(MimeArena *arena, const char *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

void
fuzz_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* ---- memory ---- */

/* The heads of blocks are poisoned, so that only these may touch them. */
#define head_access __attribute__((no_sanitize("address", "undefined"), noinline))

static head_access Block *
take_off(void *pointer)
{
	Block *block = (Block *) pointer - 1;

	block->next->previous = block->previous;
	block->previous->next = block->next;
	live -= block->size;
	return block;
}

static head_access void *
put_on(Block *block, size_t size)
{
	block->size = size;
	block->next = blocks.next;
	block->previous = &blocks;
	block->next->previous = block;
	blocks.next = block;
	live += size;
	ASAN_POISON_MEMORY_REGION(block, sizeof(Block));
	return block + 1;
}

static head_access size_t
size_of(void *pointer)
{
	return ((Block *) pointer - 1)->size;
}

static void *
allocate(size_t size, int flags)
{
	Block *block;
	void *result;

	must(size <= MAX_BLOCK || (flags & MCXT_ALLOC_HUGE) != 0,
		 "palloc of %zu bytes, which the server refuses", size);
	must(live + size <= MAX_LIVE, "%zu bytes more are too many after %zu", size, live);
	if (refuse_in > 0 && (flags & MCXT_ALLOC_NO_OOM) != 0)
	{
		if (refuse_in == 1)
		{
			refused = true;
			return NULL;
		}
		refuse_in--;
	}
	block = malloc(sizeof(Block) + size);
	must(block != NULL, "no memory");
	result = put_on(block, size);
	memset(result, (flags & MCXT_ALLOC_ZERO) != 0 ? 0 : fill, size);
	return result;
}

bool
fuzz_refuse(int n)
{
	bool was = refused;

	refuse_in = n;
	refused = false;
	return was;
}

void
pfree(void *pointer)
{
	must(pointer != NULL, "pfree of NULL, which the server does not take");
	free(take_off(pointer));
}

void *
palloc(Size size)
{
	return allocate(size, 0);
}

void *
palloc0(Size size)
{
	return allocate(size, MCXT_ALLOC_ZERO);
}

void *
palloc_extended(Size size, int flags)
{
	return allocate(size, flags);
}

/* repalloc never leaves the block where it was: who kept the old address is found out. */
void *
repalloc(void *pointer, Size size)
{
	void *result;

	must(pointer != NULL, "repalloc of NULL, which the server does not take");
	result = allocate(size, 0);
	memcpy(result, pointer, Min(size, size_of(pointer)));
	pfree(pointer);
	return result;
}

char *
pnstrdup(const char *in, Size size)
{
	size_t len = strnlen(in, size);
	char *copy = allocate(len + 1, 0);

	memcpy(copy, in, len);
	copy[len] = '\0';
	return copy;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

/* What libpgcommon calls by the other names, which it has them by for its own. */
void *
pg_malloc(size_t size)
{
	return allocate(size, 0);
}

void *
pg_malloc0(size_t size)
{
	return allocate(size, MCXT_ALLOC_ZERO);
}

void *
pg_malloc_extended(size_t size, int flags)
{
	return allocate(size, flags);
}

void *
pg_realloc(void *pointer, size_t size)
{
	return pointer == NULL ? allocate(size, 0) : repalloc(pointer, size);
}

char *
pg_strdup(const char *in)
{
	return pstrdup(in);
}

void
pg_free(void *pointer)
{
	if (pointer != NULL)
		pfree(pointer);
}

void *
__wrap_mime_alloc(MimeArena *arena, size_t size)
{
	must(arena != NULL, "no arena");
	return allocate(size, 0);
}

char *
__wrap_mime_strdup(MimeArena *arena, const char *data, size_t len)
{
	char *copy = __wrap_mime_alloc(arena, len + 1);

	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

/* ---- what is seen, and strings ---- */

void
fuzz_saw(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		seen = (seen ^ p[i]) * UINT64CONST(0x100000001b3);
	seen = (seen ^ len) * UINT64CONST(0x100000001b3);
}

void
fuzz_saw_number(int64 number)
{
	fuzz_saw(&number, sizeof(number));
}

uint64
fuzz_mark(void)
{
	uint64 before = seen;

	seen = NOTHING_SEEN;
	return before;
}

uint64
fuzz_since(uint64 mark)
{
	uint64 since = seen;

	seen = mark;
	fuzz_saw(&since, sizeof(since));
	return since;
}

/* Written anew: the checks of the code under test are no judges of it. */
size_t
fuzz_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *) text;
	size_t i = 0;

	while (i < len)
	{
		uint32 c = p[i];
		size_t n = 1;

		if (c == 0)
			return i;
		if (c >= 0x80)
		{
			uint32 least;

			n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
			least = n == 4 ? 0x10000 : n == 3 ? 0x800 : 0x80;
			if (c < 0xC0 || c > 0xF7 || n > len - i)
				return i;
			c &= 0x7F >> n;
			for (size_t k = 1; k < n; k++)
			{
				if ((p[i + k] & 0xC0) != 0x80)
					return i;
				c = c << 6 | (p[i + k] & 0x3F);
			}
			if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
				return i;
		}
		i += n;
	}
	return len;
}

bool
fuzz_boundary(const char *text, size_t len, size_t offset)
{
	return offset <= len && (offset == len || ((unsigned char) text[offset] & 0xC0) != 0x80);
}

void
fuzz_text_length(const char *what, const char *text, size_t len)
{
	size_t good = fuzz_utf8(text, len);

	must(good == len, "%s: byte %zu of %zu (0x%02x) is no valid UTF-8", what, good, len,
		 (unsigned char) text[good]);
	fuzz_saw(text, len);
}

void
fuzz_text(const char *what, const char *text)
{
	if (text == NULL)
		fuzz_saw_number(-1);
	else
		fuzz_text_length(what, text, strlen(text));
}

void
fuzz_file_name(const char *name)
{
	fuzz_text("file name", name);
	if (name == NULL)
		return;
	must(name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0, "a name: %s", name);
	for (const char *p = name; *p != '\0'; p++)
		must((unsigned char) *p >= ' ' && *p != 0x7F && *p != '/' && *p != '\\',
			 "a character 0x%02x in the name %s", (unsigned char) *p, name);
}

void
fuzz_media_type(const char *type)
{
	const char *slash = type == NULL ? NULL : strchr(type, '/');

	must(slash != NULL && slash > type && slash[1] != '\0' && strchr(slash + 1, '/') == NULL,
		 "not a type: %s", type == NULL ? "NULL" : type);
	for (const char *p = type; *p != '\0'; p++)
		must(*p > ' ' && *p < 0x7F && *p != ';' && !(*p >= 'A' && *p <= 'Z'), "not a type: %s",
			 type);
	fuzz_text("type", type);
}

const char *
fuzz_find(const char *data, size_t len, const char *what, size_t what_len)
{
	for (size_t i = 0; i + what_len <= len; i++)
	{
		if (memcmp(data + i, what, what_len) == 0)
			return data + i;
	}
	return NULL;
}

int
fuzz_fields(const char *data, size_t size, char **fields, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
	{
		const char *end = i < n - 1 && size > 0 ? memchr(data, '\0', size) : NULL;
		size_t len = end != NULL ? end - data : strnlen(data, size);

		count += len > 0;
		fields[i] = pnstrdup(data, len);
		size -= end != NULL ? len + 1 : size;
		data = end != NULL ? end + 1 : data;
	}
	return count;
}

/* ---- a run ---- */

static uint64
run(const char *data, size_t size, int with)
{
	fill = with;
	seen = NOTHING_SEEN;
	fuzz_run(data, size);
	while (blocks.next != &blocks)
		pfree(blocks.next + 1);
	return seen;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	/* An empty input comes as NULL, which memchr and others may not be given. */
	const char *bytes = size > 0 ? (const char *) data : "";
	uint64 first = run(bytes, size, 0xA5);

	must(first == run(bytes, size, 0x2E), "the same input gave something else the second time");
	return 0;
}
