# ar_inbox: an accounts-receivable team's application server, inside PostgreSQL.
#
#   make              builds the extension (PGXS)
#   make install      installs it into the server that pg_config names
#   make demo         plays the main job on private servers (KEEP=1 keeps them)
#   make check        builds strictly and runs every test there is
#   make bench        measures (SCALE=n for more of it); writes bench.tsv
#   make fuzz         fuzzes what reads foreign bytes (TIME=n seconds each)
#   make lint         formatter, banned functions, and who may include whom

EXTENSION = ar_inbox
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" ar_inbox.control)

CORE_SRCS = $(sort $(wildcard src/core/*.c))
NET_SRCS = $(sort $(wildcard src/net/*.c))
MODULE_SRCS = src/ar_inbox.c $(CORE_SRCS) $(NET_SRCS) \
	$(sort $(wildcard src/functions/*.c)) $(sort $(wildcard src/worker/*.c))

MODULE_big = ar_inbox
OBJS = $(MODULE_SRCS:.c=.o)
DATA_built = ar_inbox--$(EXTVERSION).sql
DATA = $(wildcard sql/ar_inbox--*--*.sql)

PG_CONFIG ?= pg_config
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
PG_CPPFLAGS = -I$(CURDIR)/src $(shell pkg-config --cflags libcurl libcmark-gfm libical libidn2 libmagic libxml-2.0 icu-i18n icu-uc 2>/dev/null)
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-cast-function-type $(STRICT)
SHLIB_LINK = $(shell pkg-config --libs libcurl libcmark-gfm libidn2 libmagic libxml-2.0 icu-i18n icu-uc 2>/dev/null) -lical

EXTRA_CLEAN = build ar_inbox--$(EXTVERSION).sql bench.tsv results output_iso tmp_check \
	tmp_check_iso log regression.diffs regression.out

# No bitcode: nothing here is worth inlining into queries, and it needs clang.
override with_llvm = no

# The goals that install what they need first, which a fresh machine does not
# have yet (no pg_config, so no PGXS), and then call make again.  PGXS has a
# "check" of its own, which says only that it has none.
OURS = demo check check-one bench fuzz lint

ifneq ($(filter $(OURS),$(MAKECMDGOALS)),)

.PHONY: $(OURS)

demo:
	test/install-packages demo
	$(MAKE) -s all
	$(SUDO) $(MAKE) -s install > /dev/null
	test/as-user env KEEP=$(KEEP) PG_CONFIG=$(PG_CONFIG) test/demo/play

check:
	test/install-packages check
	PG_CONFIG=$(PG_CONFIG) test/check

# one version of PostgreSQL, all installed: what the chroots of the others run
check-one:
	PG_CONFIG=$(PG_CONFIG) test/check --one

bench:
	test/install-packages check
	$(MAKE) -s all bench-programs
	$(SUDO) $(MAKE) -s install > /dev/null
	test/bench/run

fuzz:
	test/install-packages check
	PG_CONFIG=$(PG_CONFIG) test/fuzz/run $(or $(TIME),60) $(TARGETS)

lint:
	test/lint

else

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Headers are few: whatever changes in one rebuilds all.
$(OBJS): $(wildcard src/*.h src/*/*.h)

# The install script is its parts, in the order of sql/FILES.
ar_inbox--$(EXTVERSION).sql: sql/FILES sql/assemble $(wildcard sql/*.sql sql/tables/*)
	sql/assemble > $@

include test/Makefile.inc

endif
