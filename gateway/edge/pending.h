/*
 * Callbacks whose receipt is with the keeper: from tag to what is answered.
 *
 * A fixed number of places; a tag names one use of one place, so that an
 * answer for a use that is over finds nothing.  Loop thread only.
 */
#ifndef EDGE_PENDING_H
#define EDGE_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/id.h"

struct pending;

struct pending_put {
	uint64_t exchange;  /* who waits */
	int64_t arrived_us; /* monotonic */
	uint32_t merchant;  /* index in the edge's list */
	struct receipt_id receipt;
};

/* Places for most entries, or NULL. */
struct pending *pending_new(size_t most);
void pending_free(struct pending *p);

/* false: all places are taken. */
MUST_USE bool
pending_add(struct pending *p, const struct pending_put *put, uint64_t *tag);

/* The entry of tag, whose place is free again; false: there is none. */
MUST_USE bool
pending_take(struct pending *p, uint64_t tag, struct pending_put *put);

#endif
