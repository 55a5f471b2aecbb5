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

# The rooms of src/ in the order in which they rest on each other. One that is missing here fails the build.
ROOMS = numerics models/spend models/core models/beta_geometric models/cnbd models/competing_risks models/discrete \
	models/retention models/decision models/acquisition support history season identities population clv_model paths scores \
	backtest rfm segments audit retention monitor simulation equity experiments decisions contacts timing rates journeys affinity events \
	reports
SOURCES = $(wildcard $(SOURCE)/src/*.c $(SOURCE)/src/*/*.c $(SOURCE)/src/*/*/*.c)
FORGOTTEN := $(filter-out $(foreach room,. $(ROOMS),$(wildcard $(SOURCE)/src/$(room)/*.c $(SOURCE)/src/$(room)/*.sql)) \
	$(wildcard $(SOURCE)/src/*.c $(SOURCE)/src/*.sql $(SOURCE)/src/upgrade/* $(SOURCE)/src/sql_only/*.sql), \
	$(SOURCES) $(wildcard $(SOURCE)/src/*/*.sql))
ifneq ($(FORGOTTEN),)
$(error ROOMS in the Makefile does not name the folder of: $(FORGOTTEN))
endif

# Each model is a line of a table; one that is missing there fails the build.
UNREGISTERED := $(shell cd $(SOURCE)/src/models && for table in 'Model core/model.c' 'SpendModel spend/spend_model.c' \
	'ContractModel retention/retention.c'; do \
	set -- $$table; \
	for model in $$(sed -n "s/^const $$1 \([a-z0-9_]*\) = {$$/\1/p" */*.c); do \
	grep -qw "$$model" "$$2" || echo "$$model in $$2"; done; done)
ifneq ($(UNREGISTERED),)
$(error A table of models has no line for: $(UNREGISTERED))
endif

OBJS = $(patsubst $(SOURCE)/%.c,%.o,$(sort $(wildcard $(SOURCE)/src/*.c) \
	$(foreach room,$(ROOMS),$(wildcard $(SOURCE)/src/$(room)/*.c))))

# Results must not depend on whether the compiler fuses a multiplication with an addition.
PG_CPPFLAGS = -I$(SOURCE)/src
# The compiler notes which headers each file reads, so that a changed header rebuilds those that read it.
PG_CFLAGS = -MMD -MP -ffp-contract=off -fvisibility=hidden -Wextra -Wno-declaration-after-statement \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
SHLIB_LINK = -lm

# The install script: every room's SQL, and for each value type the operators that all of them have.
SQL = $(SOURCE)/src/prologue.sql \
	$(foreach room,$(ROOMS),$(sort $(wildcard $(SOURCE)/src/$(room)/*.sql)))
TYPE_TEMPLATE = $(SOURCE)/src/support/type.sql.in
# A line "--@NAME FIRST SECOND ... -- NOTE" stands for NAME.sql.in of the room, or of support, with these as @1@, @2@ and @note@:
#   --@io TYPE TEXTCOST BINARYCOST                       the input and output functions of a type
#   --@value TYPE TEXTCOST BINARYCOST ALIGNMENT -- COMMENT these, and the type
#   --@merge TYPE COST                                   the combine and final functions
#   --@aggregate TYPE TRANSITION SSPACE                  what follows "CREATE AGGREGATE NAME (ARGUMENTS) (", its end included
#   --@rollup TYPE ARGUMENT SSPACE -- COMMENT            the aggregate rollup(ARGUMENT TYPE)
#   --@union TYPE -- COMMENT                             the operator ||
TEMPLATES = $(wildcard $(SOURCE)/src/*/*.sql.in)

DATA_built = $(EXTENSION)--$(EXTVERSION).sql
# From each release to the next.
DATA = $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/src/upgrade/$(EXTENSION)--*--*.sql))
# An extension of its own, in plain SQL, which rests on nothing here: src/sql_only/Makefile installs it alone.
DATA += $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/src/sql_only/*.control $(SOURCE)/src/sql_only/*--*.sql))
EXTRA_CLEAN = $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.bc src/$(room)/*.d)) $(wildcard src/*.d)

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

$(EXTENSION)--$(EXTVERSION).sql: $(SQL) $(TEMPLATES) $(SOURCE)/src/epilogue.sql $(SOURCE)/Makefile
	@awk -v support=$(SOURCE)/src/support -f $(SOURCE)/src/support/templates.awk $(SQL) > $@.tmp
	@for type in $$(sed -n 's/^CREATE TYPE \([a-z_]*\) ($$/\1/p' $@.tmp); do \
		sed "s/@type@/$$type/g" $(TYPE_TEMPLATE) >> $@.tmp || exit; \
	done
	@cat $(SOURCE)/src/epilogue.sql >> $@.tmp
	@mv $@.tmp $@

# In a build directory of its own the rooms must be made first (make would find those of the source).
$(shell mkdir -p $(sort $(dir $(OBJS))))

-include $(OBJS:.o=.d)
# Bitcode is made for installation only; any header makes it anew.
$(OBJS:.o=.bc): $(wildcard $(SOURCE)/src/*.h $(SOURCE)/src/*/*.h $(SOURCE)/src/*/*/*.h)

.PHONY: check-unit
check-unit:
	$(MAKE) -C $(SOURCE)/test/unit check BUILD=$(CURDIR)/build/unit
