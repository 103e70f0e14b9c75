/*
 * The table of all keys (options.def) and the way from text to value.
 *
 * Pure, but for FILE, which looks whether the file is there.  One thread.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "base/bytes.h"
#include "config/config.h"

enum section {
	SECTION_LISTEN,
	SECTION_TLS,
	SECTION_STORE,
	SECTION_LIMITS,
	SECTION_MERCHANT,
	SECTION_BILLING,
	SECTION_TOKEN,
	SECTIONS
};

/* The structs that the members of options.def belong to. */
#define OPTION_OF_LISTEN   struct config
#define OPTION_OF_TLS	   struct config
#define OPTION_OF_STORE	   struct config
#define OPTION_OF_LIMITS   struct config
#define OPTION_OF_MERCHANT struct config_merchant
#define OPTION_OF_BILLING  struct config_billing
#define OPTION_OF_TOKEN	   struct config_token

enum option_type {
	OPTION_ADDRESS,
	OPTION_LOOPBACK, /* an address of this machine only */
	OPTION_FILE,	 /* has to be there */
	OPTION_PATH,
	OPTION_STORE,
	OPTION_SECONDS,
	OPTION_MILLIS,
	OPTION_COUNT,
	OPTION_EDGES,
	OPTION_URL,
	OPTION_BASE, /* a URL that paths are put behind */
	OPTION_CONFIRM,
	OPTION_INVOICE,
	OPTION_AMOUNT,
	OPTION_GUARD,
	OPTION_THEN,
	OPTION_YESNO,
	OPTION_BILLINGS,
	OPTION_SHA256,
	OPTION_MERCHANT,
	OPTION_SCOPES,
	OPTION_SCHEDULE, /* min and max: of a gap, in milliseconds */
	OPTION_ORDER,
	OPTION_FORMAT,
	OPTION_PROXY,
	OPTION_NETWORKS,
	OPTION_DATE
};

enum {
#define OPTION(section, key, type, member, preset, min, max, when, help) \
	OPTION_AT_##section##_##key,
#include "config/options.def"
#undef OPTION
	OPTIONS
};

struct option_row {
	enum section section;
	const char *key;
	enum option_type type;
	size_t offset, size; /* of the member in its section's struct */
	const char *preset;  /* NULL: required */
	int64_t min, max;
};

extern const struct option_row option_table[OPTIONS];

/* "merchant", and whether the section carries a name, and how many of it. */
struct option_section {
	const char *word;
	bool named;
	size_t most;
};

extern const struct option_section option_sections[SECTIONS];

/* What a value may depend on. */
struct option_world {
	const char *folder; /* absolute; relative file names start there */
	bool look;	    /* see whether files exist */
	/* The place of the section called name among its kind, -1: none. */
	int (*find)(void *arg, enum section section, struct bytes name);
	void *arg;
};

/*
 * Turn value into the member at `member`, which is zero before.  false: words
 * in e say why, without the value.
 */
MUST_USE bool option_convert(const struct option_row *o, struct bytes value,
    const struct option_world *w, void *member, struct err *e);

#endif
