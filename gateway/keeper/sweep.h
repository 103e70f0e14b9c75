/*
 * Forgetting what has a term of its own (enum store_sweep), in small batches,
 * so that no commit waits for it.  Loop thread.
 */
#ifndef KEEPER_SWEEP_H
#define KEEPER_SWEEP_H

#include "keeper/routes.h"
#include "keeper/store_queue.h"

struct sweep {
	const struct routes *routes;
	struct store_queue *queue;
	/* Its own, zero at first: not before that. */
	int64_t next_us[STORE_SWEEPS];
};

/* Every second; once a minute each of them begins. */
void sweep_tick(struct sweep *s);

/* The store answered: there may be more. */
void sweep_done(struct sweep *s, const struct store_op *op);

#endif
