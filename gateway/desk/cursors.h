/*
 * GET, PUT and DELETE /v1/cursors/<name>: cursors that the gateway keeps for
 * pollers.  Loop thread only.
 */
#ifndef DESK_CURSORS_H
#define DESK_CURSORS_H

#include "desk/asks.h"
#include "desk/route.h"

struct cursors;

MUST_USE enum status
cursors_new(struct cursors **out, struct asks *as, struct err *e);

/* Handlers of a route; unit is the struct cursors. */
void cursors_get(void *unit, const struct route_request *r);
void cursors_put(void *unit, const struct route_request *r);
void cursors_delete(void *unit, const struct route_request *r);

/* Before the servers and asks go; what is under way is dropped.  NULL is
 * fine. */
void cursors_free(struct cursors *cs);

#endif
