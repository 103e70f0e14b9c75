/*
 * Heads of the ledger: one a day, as long as receipts come or go.  The leaves
 * are looked at in small batches, so that no commit waits for it.  Loop
 * thread.
 */
#ifndef KEEPER_HEADS_H
#define KEEPER_HEADS_H

#include "keeper/store_queue.h"

struct heads {
	struct store_queue *queue; /* borrowed */
	int64_t next_us;	   /* its own, zero at first: not before that */
};

/* Every second; once a minute it begins. */
void heads_tick(struct heads *h);

/* The store answered: there may be more leaves. */
void heads_done(struct heads *h, const struct store_op *op);

#endif
