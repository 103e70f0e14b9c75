/*
 * What the keeper does by the clock: attempts are swept, what was kept long
 * enough goes, heads of the ledger kept, the log is emptied, the file is
 * scrubbed.  Loop thread.
 */
#ifndef KEEPER_CHORES_H
#define KEEPER_CHORES_H

#include "keeper/heads.h"
#include "keeper/rest.h"
#include "keeper/retention.h"
#include "keeper/scrubber.h"
#include "keeper/sweep.h"

struct chores {
	struct sweep sweep;
	struct heads heads;
	struct retention retention;
	struct rest rest;
	struct scrubber scrubber;
};

/* routes and queue: borrowed. */
void chores_init(
    struct chores *c, const struct routes *routes, struct store_queue *queue);

/* Every second. */
void chores_tick(struct chores *c);

/* The store answered an operation, whosever it is. */
void chores_take(struct chores *c, const struct store_op *op);

#endif
