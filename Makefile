# customer_centric: customer scoring inside PostgreSQL
#
#   make && make install && make installcheck       PG_CONFIG=... chooses the server
#   make check-unit                                 the pure C parts, without a server
#   script/test                                     everything, on throw-away clusters

EXTENSION = customer_centric
MODULE_big = $(EXTENSION)

# Builds may run in another directory (make -f /path/to/Makefile).
SOURCE := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(SOURCE)/customer_centric.control)

# A room of the house per line, in the order in which they rest on each other.
ROOMS = numerics models value history base clv holdout rfm contracts simulation reports

OBJS = $(patsubst $(SOURCE)/%.c,%.o,$(sort $(wildcard $(SOURCE)/src/*.c) \
	$(foreach room,$(ROOMS),$(wildcard $(SOURCE)/src/$(room)/*.c))))

# Results must not depend on whether the compiler fuses a multiplication with an addition.
PG_CPPFLAGS = -I$(SOURCE)/src
PG_CFLAGS = -ffp-contract=off -fvisibility=hidden -Wextra -Wno-declaration-after-statement \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
SHLIB_LINK = -lm

# The install script: every room's SQL, and for each value type the operators all of them have.
SQL = $(SOURCE)/src/prologue.sql \
	$(foreach room,history base clv holdout rfm contracts simulation reports,$(sort $(wildcard $(SOURCE)/src/$(room)/*.sql)))
VALUE_TYPES = purchase_history customer_base clv_model clv_holdout rfm_cuts segment_rules retention_base retention_model
COMPARISONS = $(SOURCE)/src/value/comparison.sql.in

DATA_built = $(EXTENSION)--$(EXTVERSION).sql
# From each release to the next.
DATA = $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/src/upgrade/$(EXTENSION)--*--*.sql))
EXTRA_CLEAN = $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.bc))

PG_CONFIG ?= pg_config
PG_MAJOR := $(shell $(PG_CONFIG) --version 2>/dev/null | sed 's/^[^0-9]*\([0-9]*\).*/\1/')

# Tests of what only newer servers can do are left out on older ones.
TESTS = $(patsubst $(SOURCE)/sql/%.sql,%,$(sort $(wildcard $(SOURCE)/sql/*.sql)))
TOO_NEW = $(if $(filter 15,$(PG_MAJOR)),soft_errors)
REGRESS = install $(filter-out install $(TOO_NEW),$(TESTS))

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error The server headers are missing ($(PG_CONFIG) --pgxs names no file). \
	On Debian and Ubuntu: apt-get install postgresql-server-dev-$(or $(PG_MAJOR),all))
endif
# Servers built in their own source tree do not find out about another build directory by themselves.
ifneq ($(SOURCE),.)
VPATH := $(SOURCE)
endif
include $(PGXS)

$(EXTENSION)--$(EXTVERSION).sql: $(SQL) $(COMPARISONS) $(SOURCE)/Makefile
	@cat $(SQL) > $@.tmp
	@for type in $(VALUE_TYPES); do \
		if grep -q "^CREATE TYPE $$type (" $@.tmp; then sed "s/@type@/$$type/g" $(COMPARISONS) >> $@.tmp; fi; \
	done
	@mv $@.tmp $@

# In a build directory of its own the rooms must be made first (make would find those of the source).
$(shell mkdir -p $(sort $(dir $(OBJS))))

# A change of any header rebuilds everything: small enough to be simple.
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(SOURCE)/src/*.h $(SOURCE)/src/*/*.h)

.PHONY: check-unit
check-unit:
	$(MAKE) -C $(SOURCE)/test/unit check BUILD=$(CURDIR)/build/unit
