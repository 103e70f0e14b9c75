/*
 * Once a day, and at the start, the store's file is looked through for what
 * deleted rows have left, in steps that hold up no commit for long; what is
 * found is overwritten.  Loop thread.
 */
#ifndef KEEPER_SCRUBBER_H
#define KEEPER_SCRUBBER_H

#include "keeper/store_queue.h"

struct scrubber {
	struct store_queue *queue; /* borrowed; the rest is its own */
	int64_t next_us;
	uint64_t pages, scrubbed; /* of this time through */
	bool asked;
};

/* Every second. */
void scrubber_tick(struct scrubber *s);

/* The store answered a step. */
void scrubber_done(struct scrubber *s, const struct store_op *op);

#endif
