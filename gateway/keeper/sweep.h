/*
 * Forgetting what has been kept long enough: attempts, in small batches, so
 * that no commit waits for it.  Loop thread.
 */
#ifndef KEEPER_SWEEP_H
#define KEEPER_SWEEP_H

#include "keeper/routes.h"
#include "keeper/store_queue.h"

struct sweep {
	const struct routes *routes;
	struct store_queue *queue;
	int64_t next_us; /* its own, zero at first: not before that */
};

/* Every second; once a minute it begins. */
void sweep_tick(struct sweep *s);

/* The store answered: there may be more. */
void sweep_done(struct sweep *s, const struct store_op *op);

#endif
