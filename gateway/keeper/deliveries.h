/*
 * Deliveries: what couriers are offered, per endpoint.  Loop thread.
 */
#ifndef KEEPER_DELIVERIES_H
#define KEEPER_DELIVERIES_H

#include "keeper/offers.h"

extern const struct offers_kind deliveries_kind;

/* A courier's message.  false: it makes no sense; end it. */
MUST_USE bool deliveries_settle(
    struct offers *o, uint64_t courier, const struct msg_settle *m);

/* A receipt came to be that these endpoints are owed. */
void deliveries_owed(struct offers *o, const struct store_endpoints *to);

/* The store answered a settle. */
void deliveries_settle_done(struct offers *o, const struct store_op *op);

#endif
