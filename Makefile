# paysieve.  Variants live side by side under build/: release (the default,
# linked to build/paysieve), debug, asan, tsan, fuzz, and nowipe: release that
# wipes no memory, for the proofs to fail.  `make help` lists the targets.

VERSION := 0.1.0
VARIANT ?= release
PYTHON  ?= /usr/bin/python3
PREFIX  ?= /usr/local
OUT     := build/$(VARIANT)
GEN     := build/gen
JOBS    := $(shell nproc)
ifeq ($(origin CC),default)
CC      := gcc
endif

PKGS       := libevent openssl jansson sqlite3 libcurl libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings \
	-Wformat=2 -Wundef -Wimplicit-fallthrough -Wno-overlength-strings \
	-Werror=implicit-function-declaration \
	-Werror=incompatible-pointer-types -Werror=int-conversion \
	-Werror=format-security
ifdef CI
WARN += -Werror
endif

# clang 14 has it behind a switch.
ZERO      := $(shell $(CC) -ftrivial-auto-var-init=zero -E -x c /dev/null \
	>/dev/null 2>&1 && echo -ftrivial-auto-var-init=zero)
HARDEN    := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection=full \
	-fno-delete-null-pointer-checks -fno-strict-overflow \
	-fno-strict-aliasing -fPIE $(ZERO)
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,--as-needed,--no-copy-dt-needed-entries
FRAMES    := -fno-omit-frame-pointer

ifeq ($(VARIANT),release)
BIN   := build/paysieve
OPT   := -O2 $(HARDEN)
LDOPT := $(HARDEN_LD)
else
BIN   := $(OUT)/paysieve
endif
ifeq ($(VARIANT),nowipe)
OPT   := -O2 $(HARDEN) -DPAYSIEVE_NO_WIPE
LDOPT := $(HARDEN_LD)
endif
ifeq ($(VARIANT),debug)
OPT   := -O0 $(FRAMES)
endif
ifeq ($(VARIANT),taint)
OPT   := -O1 $(FRAMES) -DPAYSIEVE_TAINT
endif
ifeq ($(VARIANT),taint)
STAND_IN := $(OUT)/tests/prove/taint_calls.o
$(OUT)/paysieve: LDFLAGS += -Wl,--wrap=pidfd_open,--wrap=execv
endif
ifeq ($(VARIANT),asan)
OPT   := -O1 $(FRAMES) -fsanitize=address,undefined -fno-sanitize-recover=all
LDOPT := -fsanitize=address,undefined
endif
ifeq ($(VARIANT),tsan)
OPT   := -O1 $(FRAMES) -fsanitize=thread
LDOPT := -fsanitize=thread
endif
ifeq ($(VARIANT),coverage)
OPT   := -O0 --coverage -fprofile-abs-path -fprofile-update=atomic
LDOPT := --coverage
STAND_IN := $(OUT)/tests/coverage/no_walls.o
$(OUT)/paysieve $(OUT)/tests/unit/test_supervisor: LDFLAGS += \
	-Wl,--wrap=sandbox_early,--wrap=sandbox_close,--wrap=sandbox_store
$(OUT)/tests/unit/test_supervisor: $(STAND_IN)
endif
ifeq ($(VARIANT),fuzz)
CC    := clang
OPT   := -O1 $(FRAMES) -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
LDOPT := -fsanitize=fuzzer,address,undefined
endif

ifeq ($(findstring clang,$(CC)),)
WARN += -Wtrampolines -Wbidi-chars=any
endif

CPPFLAGS += -D_GNU_SOURCE -DPAYSIEVE_VERSION='"$(VERSION)"' \
	-DPAYSIEVE_VARIANT='"$(VARIANT)"' -Igateway -Itests/support -I$(GEN) \
	$(PKG_CFLAGS)
CFLAGS   += -g $(OPT) $(WARN) -pthread
LDFLAGS  += $(LDOPT) -pthread
LDLIBS   := $(PKG_LIBS)

SRC     := $(sort $(wildcard gateway/*/*.c))
OBJ     := $(SRC:%.c=$(OUT)/%.o)
LIB     := $(OUT)/libpaysieve.a
SUPPORT := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tests/support/*.c)))
TESTS   := $(patsubst %.c,$(OUT)/%,$(sort \
	$(wildcard tests/unit/test_*.c tests/contract/test_*.c)))
FUZZERS := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FILL    := $(OUT)/tests/ledger/fill
SQL     := $(sort $(wildcard schemas/sql/sqlite/*.sql))
SOURCES := $(shell git ls-files '*.[ch]' 2>/dev/null | grep -v '^tests/lint/')

.PHONY: all
all: $(BIN) ## build the release binary at build/paysieve (VARIANT=...: another)

$(BIN): $(OUT)/gateway/main.o $(STAND_IN) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# Seen from the source list, so that a removed file is noticed too.
$(OBJ): $(GEN)/migrations_sqlite.inc $(GEN)/openapi_json.inc

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Rows of { number, "name", "SQL" } for the driver.
$(GEN)/migrations_sqlite.inc: $(SQL)
	@mkdir -p $(@D)
	@for f in $(SQL); do n=$$(basename $$f .sql); \
	  printf '{ %d, "%s",\n' "$$(expr $${n%%_*} + 0)" "$$n"; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$f; \
	  printf '},\n'; done > $@.new
	@mv $@.new $@

# The description of the API as C string literals, for /openapi.json.
$(GEN)/openapi_json.inc: schemas/bundle.py schemas/openapi.yaml \
		$(wildcard schemas/*.json)
	@mkdir -p $(@D)
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) schemas/bundle.py --c > $@.new
	@mv $@.new $@

# ---------------------------------------------------------------- the two

.PHONY: run
run: ## install what is missing, build, play the fixtures; ONCE=1 ends by itself
	@tests/support/packages.sh run
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/support/demo.py \
	  $(if $(ONCE),--once)

.PHONY: test
test: ## install what is missing, run lints, units (ASan, UBSan) and scenarios
	@tests/support/packages.sh run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@$(MAKE) --no-print-directory -s -j$(JOBS) VARIANT=asan tests
	@$(MAKE) --no-print-directory -s lint
	@$(MAKE) --no-print-directory -s VARIANT=asan unit
	@$(MAKE) --no-print-directory -s -j$(JOBS) bare
	@$(MAKE) --no-print-directory -s scenario

# ------------------------------------------------------------- test parts

.PHONY: tests
tests: $(TESTS) ## build the unit and contract tests of VARIANT

.PHONY: unit
unit: $(TESTS) ## run the unit and contract tests of VARIANT
	@tests/run_units.sh $(filter-out $(SKIP),$(TESTS))

# They mostly wait, so more of them than cores run at a time; those that are
# asked for by name run one by one and may speak.
WORKERS ?= $(if $(PYTEST_ARGS),0,$(shell expr 2 \* $(JOBS)))
.PHONY: scenario
scenario: $(BIN) $(FILL) ## run the scenarios, WORKERS (2 a core) at a time, against the binary of VARIANT
	@PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(abspath $(BIN)) \
	  FILL=$(abspath $(FILL)) $(PYTHON) \
	  -m pytest -q -p no:cacheprovider -n $(WORKERS) \
	  $(if $(findstring tests/,$(PYTEST_ARGS)),,tests/scenario) \
	  $(PYTEST_ARGS)

# What sanitizers get in the way of: filters of system calls, and a search of
# the process's own memory.
BARE := $(filter %/test_sandbox %/test_client_memory %/test_wiped %/test_stack,\
	$(TESTS))
.PHONY: bare
bare: $(BARE) ## run the unit tests that sanitizers get in the way of, without
	@tests/run_units.sh $(BARE)

CLIENTS := build/clients
.PHONY: test-clients
test-clients: ## other people's libraries and the worked consumers, against the gateway
	@tests/support/packages.sh run test clients
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(CLIENTS)/consumer \
	  $(CLIENTS)/node_modules
	@cp tests/clients/verify.mjs $(CLIENTS)/
	@PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(abspath $(BIN)) \
	  CLIENTS=$(abspath $(CLIENTS)) CONSUMER=$(abspath $(CLIENTS)/consumer) \
	  $(PYTHON) -m pytest -q -p no:cacheprovider tests/clients $(PYTEST_ARGS)

$(CLIENTS)/node_modules: $(addprefix tests/clients/,package.json \
		package-lock.json .npmrc)
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && npm ci --silent && touch node_modules

$(CLIENTS)/consumer: tests/consumer/consumer.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LDLIBS)

.PHONY: differential
differential: ## the raw requests of fixtures/http at paysieve, nginx and Node side by side
	@tests/support/packages.sh run test bench
	@command -v node >/dev/null || tests/support/packages.sh clients
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(abspath $(BIN)) \
	  $(PYTHON) tests/differential/differential.py

.PHONY: walls
walls: ## the service unit's exposure, the binary's hardening, TLS as testssl.sh and sslscan see it
	@tests/support/packages.sh run test walls
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@$(MAKE) --no-print-directory -s scenario PYTEST_ARGS="tests/walls"

ROUNDS ?= 20
.PHONY: kills
kills: $(BIN) ## SIGKILL under load, ROUNDS (20) for each room, asked back and not
	@ROUNDS=$(ROUNDS) $(MAKE) --no-print-directory -s scenario \
	  PYTEST_ARGS="-k kill"

EVERY ?= 1
.PHONY: torture
torture: $(BIN) ## every allocation of each room fails once and from then on; EVERY=n, LIMIT=seconds, TORTURE_ROOMS="edge"
	@PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(abspath $(BIN)) \
	  $(PYTHON) tests/torture/memory.py --every $(EVERY) \
	  $(if $(LIMIT),--seconds $(LIMIT)) $(TORTURE_ROOMS)

SWAPS ?= 1000
.PHONY: swaps
swaps: $(BIN) ## change the certificate SWAPS (1000) times under load, for good ones and bad ones
	@SWAPS=$(SWAPS) $(MAKE) --no-print-directory -s scenario \
	  PYTEST_ARGS="-k certificates_change tests/scenario/test_environment.py"

.PHONY: pollers
pollers: $(BIN) ## pollers against kills, an hour of outage, many who wait: the long form
	@POLLER_KILLS=10 OUTAGE=100000 WAITERS=2000 \
	  $(MAKE) --no-print-directory -s scenario \
	  PYTEST_ARGS="-s tests/scenario/test_pollers.py"

LEDGER ?= 1000000
FLIPS  ?= 200
.PHONY: ledger
ledger: $(BIN) $(FILL) ## a ledger of LEDGER (1000000) receipts, FLIPS (200) flipped bytes
	@LEDGER=$(LEDGER) FLIPS=$(FLIPS) \
	  $(MAKE) --no-print-directory -s scenario \
	  PYTEST_ARGS="-s tests/scenario/test_ledger.py -k 'flipped or many'"

# The scanner is optimised whatever the variant: it reads gigabytes.
PROVE ?= 3000
SCAN  := build/prove/scan
$(SCAN): $(filter-out tests/prove/t%,$(wildcard tests/prove/*.[ch]))
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -O2 -g $(WARN) -o $@ $(filter %.c,$^)

.PHONY: prove
prove: ## send PROVE (3000) callbacks of canaries, search all places for them
	@tests/support/packages.sh run prove
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(SCAN)
	@PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(abspath build/paysieve) \
	  SCAN=$(abspath $(SCAN)) $(PYTHON) tests/prove/prove.py \
	  --callbacks $(PROVE)

# The linker puts the proof's own clocks and random numbers in place.
PAIRS ?= 100000
SEED  ?= 1
TWINS := $(OUT)/tests/prove/twins
$(TWINS): $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/prove/twins*.c)) \
		$(SUPPORT) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka \
	  -Wl,--wrap=clock_wall_us,--wrap=clock_mono_us,--wrap=secret_random

TWIN_ANSWERS := $(OUT)/tests/prove/twin_answers
$(TWIN_ANSWERS): $(OUT)/tests/prove/twin_answers.o $(SUPPORT) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka -Wl,--wrap=clock_wall_us

.PHONY: twins
twins: ## PAIRS (100000) of callbacks that differ in what is dropped: nothing may differ
	@tests/support/packages.sh run test prove
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(TWINS) $(TWIN_ANSWERS)
	@$(TWINS) $(PAIRS) $(SEED)
	@$(TWIN_ANSWERS) $(PAIRS) $(SEED)
	@tests/prove/twins_plants.sh

# Of both rooms that see payer data; what valgrind stands (NOT_UNDER).
TAINTED      := $(patsubst %,$(OUT)/tests/unit/test_%,edge edge_confirm \
	reading asker fixtures sslcommerz)
TAINT_PAIRS  ?= 1000
TAINT_PLANTS ?= copy bind xor answer
.PHONY: taint
taint: ## dropped bytes undefined under valgrind, TAINT_PAIRS (1000) times two callbacks
	@tests/support/packages.sh run test ci prove
	@$(MAKE) --no-print-directory -s VARIANT=taint taint-run

.PHONY: taint-run
taint-run: $(TWINS) $(TAINTED)
	@UNITS="$(TAINTED)" PLANTS="$(TAINT_PLANTS)" \
	  tests/prove/taint.sh $(TAINT_PAIRS)

# SHORT=1: the part of them that CI runs (tests/prove/taint_scenarios.txt).
# No leak `bind` here: the keeper is a process of its own and has no such byte.
ROOM_PLANTS ?= copy xor answer
.PHONY: taint-scenarios
taint-scenarios: ## the scenarios with all rooms under valgrind, hours; SHORT=1: minutes
	@tests/support/packages.sh run test ci prove
	@$(MAKE) --no-print-directory -s -j$(JOBS) VARIANT=taint \
	  build/taint/paysieve build/taint/tests/ledger/fill
	@FILL=$(abspath build/taint/tests/ledger/fill) SHORT="$(SHORT)" \
	  PLANTS="$(ROOM_PLANTS)" \
	  tests/prove/taint_scenarios.sh $(PYTEST_ARGS)

# Real rooms; what they call of clocks, threads and sockets is the simulation's.
SEEDS ?= 20
FROM  ?= 1
SIMULATE := $(OUT)/tests/simulation/simulate
$(SIMULATE): $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/simulation/*.c) \
		$(wildcard tests/support/driver_memory*.c)) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -Wl,--wrap=secret_random

.PHONY: simulate
simulate: ## SEEDS (20) worlds from seed FROM (1) on: faults, kills and a clock that jumps; SEED=7: its trace; CONTROLS=1
	@tests/support/packages.sh run $(if $(CONTROLS),prove)
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(SIMULATE)
	@$(if $(filter command line,$(origin SEED)),$(SIMULATE) one $(SEED),\
	  $(SIMULATE) many $(SEEDS) $(FROM))
	@$(if $(CONTROLS),$(SIMULATE) again 2 && tests/simulation/plants.sh 4)

.PHONY: kill-storm
kill-storm: ## ROUNDS (50) of kills, ends and reloads under 2,500 callbacks a second, from SEED (1) on
	@tests/support/packages.sh run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(LOAD)
	@ROUNDS=$(if $(filter command line,$(origin ROUNDS)),$(ROUNDS),50) \
	  SEED=$(SEED) LOAD=$(abspath $(LOAD)) \
	  $(MAKE) --no-print-directory -s scenario \
	  PYTEST_ARGS="-s tests/crash"

# The log is copied from 48 pages on, not from 4096, so that short lives have
# much of it.
CUTS := $(OUT)/tests/crash/power_cuts
$(OUT)/tests/crash/rest.c: gateway/keeper/driver_sqlite_rest.c
	@mkdir -p $(@D)
	@sed -e 's/^#define COPY_PAGES 4096$$/#define COPY_PAGES 48/' \
	  -e 's/^#define LAST_PAGES 512$$/#define LAST_PAGES 6/' $< > $@

$(OUT)/tests/crash/rest.o: $(OUT)/tests/crash/rest.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(CUTS): $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/crash/*.c)) \
		$(OUT)/tests/crash/rest.o $(OUT)/tests/support/driver_cases.o \
		$(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -Wl,--wrap=backfill_start \
	  -Wl,--wrap=backfill_running,--wrap=backfill_wait,--wrap=backfill_end

STATES ?= 500
.PHONY: power-cuts
power-cuts: ## STATES (500) of a store after power cuts, from SEED (1) on; disks that lie have to be found
	@tests/support/packages.sh run
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(CUTS)
	@tests/crash/run.sh $(CUTS) $(STATES) $(SEED)

MINUTES ?= 480
RATE    ?= 40
.PHONY: soak
soak: ## MINUTES (480) of a steady mix, RATE (40) callbacks a second: memory, descriptors and latency stay flat
	@tests/support/packages.sh run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(abspath $(BIN)) $(PYTHON) \
	  tests/soak/soak.py --minutes $(MINUTES) --rate $(RATE) \
	  --json build/soak.json

.PHONY: soak-control
soak-control: ## two minutes of it with a leak planted in the edge: has to be noticed
	@tests/support/packages.sh run test prove
	@$(MAKE) --no-print-directory -s -j$(JOBS) VARIANT=debug all
	@binary=$$(tests/prove/planted.sh tests/soak/leak.patch debug paysieve) && \
	  PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(CURDIR)/$$binary $(PYTHON) \
	  tests/soak/soak.py --minutes 2 --rate $(RATE) >build/soak-control.txt; \
	  grep 'FAULT: edge: its memory grows' build/soak-control.txt || \
	  { cat build/soak-control.txt; echo "the leak was not noticed" >&2; \
	  exit 1; }

MODEL := $(OUT)/tests/model/model
$(MODEL): $(OUT)/tests/model/model.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: model
model: ## every life that a payment can have by its table of moves, every order of commits and pages
	@tests/support/packages.sh run
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(MODEL)
	@$(MODEL)
	@! $(MODEL) unsettled || { echo "a cursor that skips is not caught"; exit 1; }

LOAD := $(OUT)/tests/bench/load
$(LOAD): $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/bench/*.c)) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

MEASURE := PYTHONDONTWRITEBYTECODE=1 GATEWAY_BIN=$(abspath build/paysieve) \
	LOAD=$(abspath $(LOAD)) FILL=$(abspath $(FILL)) $(PYTHON)

.PHONY: bench
bench: ## measure every goal of performance against nginx and php; QUICK=1, ROWS="cpu poll"
	@tests/support/packages.sh run bench
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(LOAD) $(FILL)
	@$(MEASURE) tests/bench/bench.py $(if $(QUICK),--quick) $(ROWS)

.PHONY: bench-growth
bench-growth: ## how cost grows, drawn in tests/bench/growth.svg; QUICK=1, CURVES="edges receipts"
	@tests/support/packages.sh run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(LOAD) $(FILL)
	@$(MEASURE) tests/bench/growth.py $(if $(QUICK),--quick) $(CURVES)

.PHONY: bench-costs
bench-costs: ## what each promise costs, against builds that do not keep it; QUICK=1, PROMISES="fsync wiping"
	@tests/support/packages.sh run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(LOAD)
	@$(MEASURE) tests/bench/costs.py $(if $(QUICK),--quick) $(PROMISES)

RECEIPTS ?= 100000
.PHONY: bench-retention
bench-retention: ## how long callbacks take while RECEIPTS (100000) expire, and while they only lie there
	@tests/support/packages.sh run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(LOAD) $(FILL)
	@$(MEASURE) tests/bench/retention_cost.py --receipts $(RECEIPTS)

# Not for valgrind: what starts programs, closes the kernel, races a clock or
# reads all memory.
NOT_UNDER := process supervisor introduce sandbox server_limits desk client \
	client_get client_memory asker_hints route desk_deliveries cursors \
	documents polls hidden stack wiped
.PHONY: valgrind
valgrind: ## run the unit tests under valgrind's memcheck
	@$(MAKE) --no-print-directory -s -j$(JOBS) VARIANT=debug tests
	@UNDER="valgrind -q --error-exitcode=99 --leak-check=full \
	  --suppressions=tests/support/valgrind.supp" \
	  $(MAKE) --no-print-directory -s VARIANT=debug unit \
	  SKIP="$(addprefix %/test_,$(NOT_UNDER))"

# Those with threads that are quick, the longest first; the store's own tests
# take minutes: HELGRIND="driver_sqlite driver_sqlite_rest keeper_guard ...".
HELGRIND ?= keeper keeper_checks keeper_erase keeper_redeliver keeper_marks \
	keeper_held keeper_retention keeper_moves keeper_offers keeper_rest \
	keeper_queue keeper_scrubber keeper_heads log
.PHONY: helgrind
helgrind: ## run the unit tests that have threads under valgrind's helgrind; HELGRIND="names"
	@$(MAKE) --no-print-directory -s -j$(JOBS) VARIANT=debug tests
	@UNDER="valgrind -q --tool=helgrind --history-level=none \
	  --error-exitcode=99 --suppressions=tests/support/valgrind.supp" \
	  tests/run_units.sh $(HELGRIND:%=build/debug/tests/unit/test_%)

# What tests run as a whole takes more branches than units alone.
COVERED := $(if $(UNITS),82 72,90 80)
.PHONY: coverage
coverage: ## which lines and branches the tests take, and that they are enough; UNITS=1: units alone
	@tests/support/packages.sh run test coverage
	@$(MAKE) --no-print-directory -s -j$(JOBS) VARIANT=coverage tests \
	  $(if $(UNITS),,all)
	@find build/coverage -name '*.gcda' -delete
	@$(MAKE) --no-print-directory -s VARIANT=coverage unit
	@$(if $(UNITS),,$(MAKE) --no-print-directory -s VARIANT=coverage scenario)
	@tests/coverage/gate.sh $(COVERED)

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: ## run each fuzzer for FUZZ_SECONDS (60)
	@$(MAKE) --no-print-directory -s -j$(JOBS) VARIANT=fuzz fuzzers
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

HOURS ?= 8
.PHONY: fuzz-long
fuzz-long: ## the same for HOURS (8) each; what they learn stays in build/fuzz/corpus
	@$(MAKE) --no-print-directory -s fuzz FUZZ_SECONDS=$$(($(HOURS) * 3600))

.PHONY: fuzzers
fuzzers: $(FUZZERS)

.PHONY: lint
lint: ## layers, banned calls, headers, documents, fixtures; and that lints bite
	@tests/lint/run.sh

.PHONY: analyse
analyse: $(GEN)/migrations_sqlite.inc $(GEN)/openapi_json.inc ## clang-tidy, cppcheck and gcc -fanalyzer over gateway/: nothing is let pass
	@tests/support/packages.sh run analyse
	@tests/analyse/run.sh $(CPPFLAGS) -- gateway/main.c $(SRC)

.PHONY: policy
policy: ## write the tables of what a privacy policy promises and which tests prove it
	@$(PYTHON) -B tests/lint/policy.py --write

.PHONY: faults
faults: ## write the table of faults in README
	@$(PYTHON) -B tests/lint/faults.py --write

.PHONY: format-check
format-check: ## is everything as clang-format 14 writes it?
	@clang-format --dry-run --Werror $(SOURCES)

.PHONY: format
format: ## rewrite the sources as clang-format 14 writes them
	@clang-format -i $(SOURCES)

# Where OpenSSL fails in the test's own time.
$(OUT)/tests/unit/test_digests: LDFLAGS += -Wl,--wrap=EVP_MD_CTX_new \
	-Wl,--wrap=EVP_DigestInit_ex,--wrap=EVP_DigestUpdate \
	-Wl,--wrap=EVP_DigestFinal_ex,--wrap=EVP_MAC_fetch \
	-Wl,--wrap=EVP_MAC_CTX_new,--wrap=EVP_MAC_init \
	-Wl,--wrap=EVP_MAC_update,--wrap=EVP_MAC_final

$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/support/naive.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/tests/%: $(OUT)/tests/%.o $(SUPPORT) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

# ----------------------------------------------------------------- the rest

.PHONY: install
install: $(BIN) ## install the stripped binary below DESTDIR and PREFIX
	install -D -s -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/paysieve

.PHONY: image
image: ## build the container image with buildah and run its binary
	@tests/support/packages.sh image
	@docker/build.sh

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
	  expand -t 14

.SECONDARY:
-include $(OBJ:.o=.d) $(SUPPORT:.o=.d) $(TESTS:=.d) $(OUT)/gateway/main.d \
  $(FILL).d \
  $(patsubst %.c,$(OUT)/%.d,$(wildcard tests/prove/twins*.c \
    tests/bench/*.c tests/simulation/*.c tests/model/*.c))
