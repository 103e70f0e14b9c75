/*
 * GET /v1/receipts, GET /v1/receipts/<id> and GET /v1/receipts/digest.
 *
 * A poll that may wait and finds nothing rests until the keeper has news of
 * its merchant; polls that rest at the same place share one question, and an
 * event stream is such a poll that is never over.  None holds a thread or a
 * snapshot.  Loop thread only.
 */
#ifndef DESK_RECEIPTS_H
#define DESK_RECEIPTS_H

#include "desk/asks.h"
#include "desk/route.h"

struct receipts;

/* waiters: polls and streams that wait at once. */
MUST_USE enum status receipts_new(struct receipts **out, struct loop *l,
    struct asks *as, int64_t waiters, struct err *e);

/* Handlers of a route; unit is the struct receipts. */
void receipts_page(void *unit, const struct route_request *r);
void receipts_one(void *unit, const struct route_request *r);
void receipts_digest(void *unit, const struct route_request *r);

/* This merchant has new receipts. */
void receipts_news(struct receipts *rs, const char *merchant);

/* There is room in the stream that answers id. */
void receipts_room(struct receipts *rs, exchange_id id);

/* Nobody waits any more: who does is answered now, streams end. */
void receipts_drain(struct receipts *rs);

/* Before the servers and asks go; what is under way is dropped.  NULL is
 * fine. */
void receipts_free(struct receipts *rs);

#endif
