/*
 * Cursors: where a poller stands, as text that only the desk reads.
 *
 * 28 letters of base64url over a byte that names the list, an epoch, a seq
 * and a check.  The check catches what copying breaks; it is no signature,
 * so a parsed cursor is still input.  Pure.  Any thread.
 */
#ifndef DESK_CURSOR_H
#define DESK_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"

#define CURSOR_TEXT 29 /* 28 letters and a NUL */

/* Each list counts for itself: a cursor of one means nothing in the other.
 * Clients keep cursors, so a number is never used for something else. */
enum cursor_list {
	CURSOR_RECEIPTS = 1,
	CURSOR_HELD = 2,
	CURSOR_RECEIPTS_DESC = 3,
	CURSOR_DELIVERIES = 4
};

struct cursor {
	uint64_t epoch; /* of the store that gave seq */
	uint64_t seq;	/* the last one seen; 0: none; at most INT64_MAX */
};

void cursor_format(
    const struct cursor *c, enum cursor_list list, char out[CURSOR_TEXT]);

/* The inverse; false for anything cursor_format() would not have written for
 * this list. */
MUST_USE bool
cursor_parse(struct bytes text, enum cursor_list list, struct cursor *c);

#endif
