/*
 * The operator's routes: /livez, /readyz, /metrics.
 *
 * Live means that the loop turns; ready means that the keeper says, within a
 * second, that it can commit.  How SSLCommerz does is told, but takes no
 * readiness away: callbacks are taken without it.  Loop thread only.
 */
#ifndef DESK_ADMIN_H
#define DESK_ADMIN_H

#include "desk/asks.h"
#include "desk/route.h"

struct admin;

/* pages: n of them, borrowed for good. */
MUST_USE enum status admin_new(struct admin **out, struct asks *as,
    const struct metrics_page *const *pages, size_t n, struct err *e);

/* Handlers of a route; unit is the struct admin. */
void admin_livez(void *unit, const struct route_request *r);
void admin_readyz(void *unit, const struct route_request *r);
void admin_metrics(void *unit, const struct route_request *r);

/* Not ready from now on. */
void admin_drain(struct admin *ad);

/* Before the servers and asks go; what is under way is dropped.  NULL is
 * fine. */
void admin_free(struct admin *ad);

#endif
