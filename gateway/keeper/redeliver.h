/*
 * What people and billing ask of deliveries: lists, the attempt log, counts,
 * and to retry or drop some.  Retried ones get due one after the other, at
 * the configured rate, whoever asks.  Loop thread.
 */
#ifndef KEEPER_REDELIVER_H
#define KEEPER_REDELIVER_H

#include "keeper/offers.h"
#include "keeper/peers.h"
#include "keeper/store_queue.h"
#include "keeper/store_reader.h"

struct redeliver {
	struct peers *peers;
	const struct routes *routes;
	struct store_reader *reader;
	struct store_queue *queue;
	struct offers *deliveries;
	uint64_t epoch;
	/* Its own, zero at first. */
	int64_t next_us; /* when the next retried one is due */
	struct redeliver_wait *waiting;
};

/* A DELIVERIES, ATTEMPTS, REDELIVER or RESUME of p.  false: p does not read
 * its answers. */
MUST_USE bool redeliver_ask(
    struct redeliver *r, struct peer *p, enum message type, const void *record);

/* Is it one of ours: DELIVERIES or ATTEMPTS? */
bool redeliver_is_read(const struct store_read *read);
void redeliver_read_done(struct redeliver *r, const struct store_read *read);

/* The store answered: REDELIVER; or DISABLE. */
void redeliver_done(struct redeliver *r, const struct store_op *op);

/* Forget who waits. */
void redeliver_end(struct redeliver *r);

#endif
