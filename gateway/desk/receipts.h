/*
 * GET /v1/receipts and GET /v1/receipts/<id>.
 *
 * A poll that may wait and finds nothing asks the keeper again twice a second
 * until there is something or its time is over.  Loop thread only.
 */
#ifndef DESK_RECEIPTS_H
#define DESK_RECEIPTS_H

#include "desk/asks.h"
#include "desk/route.h"

#define RECEIPTS_WAITERS 256 /* polls that wait at once */

struct receipts;

MUST_USE enum status receipts_new(
    struct receipts **out, struct loop *l, struct asks *as, struct err *e);

/* Handlers of a route; unit is the struct receipts. */
void receipts_page(void *unit, const struct route_request *r);
void receipts_one(void *unit, const struct route_request *r);

/* Nobody waits any more: who does is answered now. */
void receipts_drain(struct receipts *rs);

/* Before the servers and asks go; what is under way is dropped.  NULL is
 * fine. */
void receipts_free(struct receipts *rs);

#endif
