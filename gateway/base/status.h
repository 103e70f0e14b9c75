/*
 * The closed set of outcomes, and words for people about them.
 *
 * A status is named for what the caller has to do about it, never for the
 * library that failed.  ST_OK is zero everywhere; no function mixes statuses
 * with other conventions.
 *
 * Any thread.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/attr.h"

enum status {
	ST_OK = 0,
	ST_BAD_INPUT,	/* the input breaks its grammar or a limit */
	ST_NOT_FOUND,	/* there is no such thing */
	ST_EXISTS,	/* it was there already; nothing changed */
	ST_BUSY,	/* a bounded queue is full; try again later */
	ST_UNAVAILABLE, /* the other side is gone; the outcome is unknown */
	ST_NO_MEMORY,	/* an allocation failed */
	ST_IO,		/* the disk or a descriptor failed */
	ST_CORRUPT,	/* stored data contradicts itself */
	ST_CONFIG,	/* an operator has to change the configuration */
	ST_INTERNAL,	/* a bug, or a library that broke its contract */
	ST_STATUSES
};

/* A fixed word for st, fit for logs: "ok", "bad_input", ... */
const char *status_name(enum status st);

/*
 * Words for an operator, owned by the caller.  Never holds a value that came
 * from a request or from a provider's answer.
 */
struct err {
	char text[256];
};

/* Replace e's text; a longer one is cut.  e may be NULL. */
void err_set(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
