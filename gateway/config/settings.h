/*
 * What file and environment state, before it is given a meaning: which
 * sections there are, and the text of each key with where it stands.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "config/faults.h"
#include "config/option.h"

struct setting {
	bool set;
	unsigned line;	       /* in the file; 0: not from there */
	struct bytes variable; /* of the environment; empty: not from there */
	struct bytes value;    /* borrowed */
};

/* One section as it stands in the file.  Those without a name are always
 * there, with line 0 when the file has none. */
struct stanza {
	enum section section;
	struct bytes name; /* borrowed; empty: a section without one */
	unsigned line;
	struct setting settings[OPTIONS]; /* by row; others stay unset */
};

struct settings {
	size_t n, cap;
	struct stanza *stanzas; /* in the order of the file */
	struct faults *faults;	/* borrowed */
	size_t current;		/* while reading; SIZE_MAX: no section yet */
	enum status failed;
};

/* Read text and then env ("NAME=value", NULL at the end; NULL: none) into s.
 * Both are borrowed as long as s lives.  Faults go to f; only ST_NO_MEMORY
 * is returned.  settings_fini() in any case. */
MUST_USE enum status settings_read(
    struct settings *s, struct bytes text, char *const *env, struct faults *f);
void settings_fini(struct settings *s);

/* The section's place among its kind, or -1. */
int settings_find(
    const struct settings *s, enum section section, struct bytes name);

#endif
