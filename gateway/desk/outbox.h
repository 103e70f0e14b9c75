/*
 * GET /v1/deliveries, GET /v1/deliveries/<id> and the two that retry: what was
 * pushed to billing.  Loop thread only.
 */
#ifndef DESK_OUTBOX_H
#define DESK_OUTBOX_H

#include "desk/asks.h"
#include "desk/route.h"

struct outbox;

MUST_USE enum status
outbox_new(struct outbox **out, struct asks *as, struct err *e);

/* Handlers of a route; unit is the struct outbox. */
void outbox_page(void *unit, const struct route_request *r);
void outbox_one(void *unit, const struct route_request *r);
void outbox_retry_one(void *unit, const struct route_request *r);
void outbox_retry(void *unit, const struct route_request *r);

/* Before the servers and asks go; what is under way is dropped.  NULL is
 * fine. */
void outbox_free(struct outbox *o);

#endif
