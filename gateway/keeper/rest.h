/*
 * What was deleted does not stay in the log: it is emptied in the first
 * second without a change, at the latest after a minute, and again where a
 * reader was in the way.  Loop thread.
 */
#ifndef KEEPER_REST_H
#define KEEPER_REST_H

#include "keeper/store_queue.h"

#define REST_TICKS 60 /* the log is emptied after, however busy it is */

struct rest {
	struct store_queue *queue; /* borrowed; the rest is its own */
	bool dirty, flushing;
	bool changed; /* since the last tick */
	unsigned ticks;
};

/* The store answered an operation, whosever it is. */
void rest_take(struct rest *r, const struct store_op *op);

/* Every second. */
void rest_tick(struct rest *r);

#endif
