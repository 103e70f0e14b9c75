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

/* The store says of an endpoint: since when it is disabled, or 0. */
void
deliveries_named(struct offers *o, const char *name, int64_t disabled_at_us);

/* The store did what a person said of some deliveries. */
void deliveries_changed(struct offers *o, const struct store_op *op);

/* At start, while nobody writes: ask the store that of every endpoint. */
MUST_USE enum status deliveries_restore(struct offers *o,
    const struct store_driver *driver, struct store *writer, struct err *e);

/* Deliver to an endpoint again that had said 410; it is on disk. */
void deliveries_resume(struct offers *o, uint32_t endpoint_id);

/* A delivery to this endpoint gets due at at_us because somebody asked. */
void deliveries_again(struct offers *o, uint32_t endpoint_id, int64_t at_us);

/* Endpoints that are disabled. */
uint32_t deliveries_disabled(struct offers *o);

/* Every second: what the metrics say of endpoints. */
void deliveries_tick(struct offers *o);

#endif
