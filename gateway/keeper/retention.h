/*
 * What has been kept for its merchant's term goes, once a minute, in steps
 * that hold up no commit for long; and invoices that a person holds.  Loop
 * thread.
 */
#ifndef KEEPER_RETENTION_H
#define KEEPER_RETENTION_H

#include "keeper/peers.h"
#include "keeper/routes.h"
#include "keeper/store_queue.h"

struct retention {
	const struct routes *routes;
	struct store_queue *queue;
	/* Its own, zero at first. */
	int64_t next_us; /* monotonic: when the next pass begins */
	size_t place;	 /* of the merchant whose turn it is */
	bool asked;
	uint64_t gone; /* in this pass */
	/* Monotonic, now at first: when a pass came to its end, nothing being
	 * left.  A day later it is behind. */
	int64_t swept_us;
	bool behind;
};

/* Every second.  Tells, in metrics and log, how far behind it is. */
void retention_tick(struct retention *r);

/* The store answered a step. */
void retention_done(struct retention *r, const struct store_op *op);

/* A LEGAL of p.  false: p does not read its answers. */
MUST_USE bool retention_ask(
    struct store_queue *queue, struct peer *p, const struct msg_legal *m);

/* The store answered it. */
void retention_legal_done(struct peers *peers, const struct store_op *op);

#endif
