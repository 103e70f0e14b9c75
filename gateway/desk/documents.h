/*
 * /openapi.json and /.well-known/jwks.json: what anybody may read who can
 * connect.  Loop thread only.
 */
#ifndef DESK_DOCUMENTS_H
#define DESK_DOCUMENTS_H

#include "config/rooms.h"
#include "desk/route.h"

struct documents;

MUST_USE enum status documents_new(
    struct documents **out, const struct desk_config *cfg, struct err *e);
void documents_free(struct documents *d); /* NULL is fine */

/* Handlers of a route; unit is the struct documents. */
void documents_openapi(void *unit, const struct route_request *r);
void documents_jwks(void *unit, const struct route_request *r);

#endif
