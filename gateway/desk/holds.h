/*
 * Held payments: GET /v1/held and GET /v1/held/<id>, and a person's word on
 * one, POST /v1/held/<id>/release and /reject.  Loop thread only.
 */
#ifndef DESK_HOLDS_H
#define DESK_HOLDS_H

#include "desk/asks.h"
#include "desk/route.h"

struct holds;

MUST_USE enum status
holds_new(struct holds **out, struct asks *as, struct err *e);

/* Handlers of a route; unit is the struct holds. */
void holds_page(void *unit, const struct route_request *r);
void holds_one(void *unit, const struct route_request *r);
void holds_release(void *unit, const struct route_request *r);
void holds_reject(void *unit, const struct route_request *r);

/* Before the servers and asks go; what is under way is dropped.  NULL is
 * fine. */
void holds_free(struct holds *hs);

#endif
