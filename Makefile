# paysieve
#
# Variants live side by side: make VARIANT=release|debug|asan|tsan
# The release binary is build/paysieve.

VARIANT ?= release
CC      ?= gcc
PYTHON  ?= /usr/bin/python3
OUT     := build/$(VARIANT)
GEN     := build/gen
PKGS    := libevent openssl jansson sqlite3 libcurl libseccomp
VERSION := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif

WARN := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings \
	-Wformat=2 -Wundef -Wimplicit-fallthrough -Wno-overlength-strings \
	-Werror=implicit-function-declaration \
	-Werror=incompatible-pointer-types -Werror=int-conversion \
	-Werror=format-security
ifdef CI
WARN += -Werror
endif

HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection=full \
	-ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks \
	-fno-strict-overflow -fno-strict-aliasing -fPIE
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,--as-needed

SANITIZE :=
OPT := -O2
ifeq ($(VARIANT),release)
OPT := -O2 $(HARDEN)
LDVAR := $(HARDEN_LD)
else ifeq ($(VARIANT),debug)
OPT := -O0 -fno-omit-frame-pointer
else ifeq ($(VARIANT),asan)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
OPT := -O1 -fno-omit-frame-pointer
else ifeq ($(VARIANT),tsan)
SANITIZE := -fsanitize=thread
OPT := -O1 -fno-omit-frame-pointer
else ifeq ($(VARIANT),fuzz)
CC := clang
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
OPT := -O1 -fno-omit-frame-pointer
else
$(error unknown VARIANT $(VARIANT))
endif

PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))
CPPFLAGS   = -D_GNU_SOURCE -DPAYSIEVE_VERSION='"$(VERSION)"' \
	-DPAYSIEVE_VARIANT='"$(VARIANT)"' -Igateway -Itests/support -I$(GEN) \
	$(PKG_CFLAGS)
CFLAGS     = -g $(OPT) $(SANITIZE) $(WARN) -pthread
LDFLAGS    = $(LDVAR) $(SANITIZE) -pthread
LDLIBS     = $(PKG_LIBS)

SRC      := $(sort $(wildcard gateway/*/*.c))
OBJ      := $(SRC:%.c=$(OUT)/%.o)
LIB      := $(OUT)/libpaysieve.a
SUPPORT  := $(sort $(wildcard tests/support/*.c))
SUPPOBJ  := $(SUPPORT:%.c=$(OUT)/%.o)
TESTSRC  := $(sort $(wildcard tests/unit/test_*.c tests/contract/test_*.c))
TESTBIN  := $(TESTSRC:%.c=$(OUT)/%)
FUZZSRC  := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZBIN  := $(FUZZSRC:%.c=build/fuzz/%)
SQL      := $(sort $(wildcard schemas/sql/sqlite/*.sql))

ifeq ($(VARIANT),release)
BIN := build/paysieve
else
BIN := $(OUT)/paysieve
endif

.PHONY: all
all: $(BIN) ## build the release binary at build/paysieve

$(BIN): $(OUT)/gateway/main.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/%.o: %.c | $(GEN)/migrations_sqlite.inc
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Rows of { number, "name", "sql" } for the driver.
$(GEN)/migrations_sqlite.inc: $(SQL)
	@mkdir -p $(@D)
	@for f in $(SQL); do n=$$(basename $$f .sql); \
	  printf '{ %d, "%s",\n' "$$(expr $${n%%_*} + 0)" "$$n"; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$f; \
	  printf '},\n'; done > $@.new
	@mv $@.new $@

# ---- tests

$(OUT)/tests/%: $(OUT)/tests/%.o $(SUPPOBJ) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

.PHONY: unit
unit: $(TESTBIN) ## run the unit and contract tests
	@tests/run_units.sh $(TESTBIN)

.SECONDARY:
-include $(OBJ:.o=.d) $(SUPPOBJ:.o=.d) $(TESTBIN:=.d) $(OUT)/gateway/main.d
