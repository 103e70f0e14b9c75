/*
 * Answers to those who read: pages and single ones of receipts and of held
 * payments, health; and to those who write.  Loop thread.
 */
#ifndef KEEPER_ANSWERS_H
#define KEEPER_ANSWERS_H

#include "keeper/offers.h"
#include "keeper/peers.h"
#include "keeper/store_queue.h"
#include "keeper/store_reader.h"

struct answers {
	struct peers *peers;
	struct store_reader *reader;
	const struct store_queue *queue;
	struct offers *deliveries, *questions;
	uint64_t epoch;
};

/* A PAGE, GET, HOLDS or PROBE of p.  false: p does not read its answers. */
MUST_USE bool answers_ask(const struct answers *a, struct peer *p,
    enum message type, const void *record);

/* A read for a peer is done. */
void answers_read_done(const struct answers *a, const struct store_read *read);

/* The store answered a PUT: tell its edge, and who waits for such. */
void answers_put_done(const struct answers *a, const struct store_op *op);

/* Totals as metrics. */
void answers_show_totals(const struct store_totals *t);

#endif
