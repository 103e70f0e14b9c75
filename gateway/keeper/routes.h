/*
 * Which merchant's receipts go to which endpoints.
 *
 * The configuration before the present one stays known, because rooms of it
 * may still drain.  Endpoints that were ever named keep their place (an
 * index) for the life of the process.  Loop thread.
 */
#ifndef KEEPER_ROUTES_H
#define KEEPER_ROUTES_H

#include <stdbool.h>

#include "config/rooms.h"
#include "keeper/store_queue.h"

#define ROUTES_ENDPOINTS 256

struct routes;

/* No merchant yet; NULL without memory. */
struct routes *routes_new(void);
void routes_free(struct routes *r);

/* The configuration to come.  Its endpoints get a place; those without a
 * number yet are routes_unnamed().  ST_BAD_INPUT: not from our supervisor.
 * ST_BUSY: too many names since the start. */
MUST_USE enum status
routes_propose(struct routes *r, const struct keeper_config *cfg);

/* The name of an endpoint that the store has not numbered, or NULL. */
const char *routes_unnamed(const struct routes *r);

/* The store's number for an endpoint. */
void routes_number(struct routes *r, const char *name, uint32_t id);

/* Put what was proposed in force; every endpoint has its number. */
void routes_adopt(struct routes *r);

/* false: no such merchant. */
MUST_USE bool routes_find(const struct routes *r, const char *merchant,
    struct store_endpoints *endpoints);

/* Places 0 to routes_count() - 1. */
size_t routes_count(const struct routes *r);
const char *routes_name(const struct routes *r, size_t place);
uint32_t routes_id(const struct routes *r, size_t place);

/* The place, or routes_count() when there is none. */
size_t routes_place_of_name(const struct routes *r, const char *name);
size_t routes_place_of_id(const struct routes *r, uint32_t id);

#endif
