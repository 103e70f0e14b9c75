/*
 * Checks: does SSLCommerz know a payment of this invoice whose callback was
 * lost?  A reader asks, the newest asker finds out, and what it finds is
 * stored as if its callback had come; also when the reader has left
 * meanwhile.  Bounded in number and time.  Loop thread.
 */
#ifndef KEEPER_CHECKS_H
#define KEEPER_CHECKS_H

#include "keeper/offers.h"
#include "keeper/peers.h"

#define CHECKS_MOST	     64
#define CHECKS_MERCHANT_MOST 4 /* of one merchant */
#define CHECKS_LONGEST_S     60

struct checks;

struct checks_config {
	struct peers *peers;
	const struct routes *routes;
	struct store_queue *queue;
	struct offers *deliveries; /* of the receipts that are found */
};

/* NULL without memory. */
struct checks *checks_new(const struct checks_config *cfg);

/* NULL is fine. */
void checks_free(struct checks *cs);

/* A CHECK of p.  false: p does not read its answers. */
MUST_USE bool
checks_ask(struct checks *cs, struct peer *p, const struct msg_check *m);

/* An asker's messages.  false: they make no sense; end it. */
MUST_USE bool checks_found(
    struct checks *cs, const struct peer *asker, const struct msg_found *m);
MUST_USE bool checks_looked_up(
    struct checks *cs, const struct peer *asker, const struct msg_looked_up *m);

void checks_asker_gone(struct checks *cs, uint64_t asker);

/* The store answered about what was found. */
void checks_found_done(struct checks *cs, const struct store_op *op);

/* Every second: end what takes too long. */
void checks_tick(struct checks *cs);

#endif
