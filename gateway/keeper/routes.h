/*
 * What the configuration says of merchants: whether their payments have to be
 * confirmed, and which endpoints are owed their receipts.
 *
 * The configuration before the present one stays known, because rooms of it
 * may still drain.  Endpoints and merchants that were ever named keep their
 * place (an index) for the life of the process.  Loop thread.
 */
#ifndef KEEPER_ROUTES_H
#define KEEPER_ROUTES_H

#include <stdbool.h>

#include "config/rooms.h"
#include "keeper/store_queue.h"
#include "receipt/backoff.h"

#define ROUTES_ENDPOINTS 256
#define ROUTES_MERCHANTS 1024

struct routes;

struct routes_merchant {
	char store_id[RECEIPT_MERCHANT];
	bool confirm;	 /* SSLCommerz has to, before there is a receipt */
	bool by_tran_id; /* the invoice ID is what SSLCommerz calls tran_id */
	bool guards;	 /* invoice IDs may not have any shape (guard.h) */
	bool guard_settled; /* nor could they in the configuration before */
	struct life_terms terms;
	int64_t keep_at_least_us; /* nothing is erased before */
	int64_t keep_us;	  /* and everything behind this */
	bool deidentify;	  /* totals stay of it */
	struct store_endpoints endpoints;
};

struct routes_endpoint {
	int64_t rate; /* attempts a second */
	bool ordered; /* by invoice */
	struct backoff backoff;
};

/* How long each of what is swept is kept, and retried deliveries a second. */
int64_t routes_keep_us(const struct routes *r, enum store_sweep what);
int64_t routes_redeliver_rate(const struct routes *r);

/* No merchant yet; NULL without memory. */
struct routes *routes_new(void);
void routes_free(struct routes *r);

/* The configuration to come.  What it names gets a place; endpoints without a
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

/* NULL: no such merchant, or not any more.  Stays where it is; the values
 * change with the configuration. */
const struct routes_merchant *
routes_find(const struct routes *r, const char *merchant);

/* Endpoints: places 0 to routes_count() - 1. */
size_t routes_count(const struct routes *r);
const char *routes_name(const struct routes *r, size_t place);
uint32_t routes_id(const struct routes *r, size_t place);
/* What the configuration says of it, or said when it last named it. */
const struct routes_endpoint *
routes_endpoint(const struct routes *r, size_t place);

/* The place, or routes_count() when there is none. */
size_t routes_place_of_name(const struct routes *r, const char *name);
size_t routes_place_of_id(const struct routes *r, uint32_t id);

/* Merchants: places 0 to routes_merchants() - 1, with what was last in force
 * for them. */
size_t routes_merchants(const struct routes *r);
const struct routes_merchant *
routes_merchant(const struct routes *r, size_t place);

/* The place, or routes_merchants() when there is none. */
size_t routes_place_of_merchant(const struct routes *r, const char *store_id);

#endif
