/*
 * config_load() without the disk: for it, for tests and for the fuzzer.
 */
#ifndef CONFIG_PARSE_H
#define CONFIG_PARSE_H

#include "base/bytes.h"
#include "config/config.h"

struct config_source {
	const char *file;   /* what fault lines call it */
	const char *folder; /* absolute: where relative file names start */
	struct bytes text;
	char *const *env; /* "NAME=value", NULL at the end; NULL: none */
	bool look;	  /* see whether the files named exist */
};

/* As config_load(); the source is borrowed for the call. */
MUST_USE enum status config_parse(
    struct config **out, const struct config_source *src, struct buf *faults);

#endif
