/*
 * The deliveries that are in somebody's hands, so that none is given out
 * twice.  Found by receipt and endpoint.  Loop thread.
 */
#ifndef KEEPER_CLAIMS_H
#define KEEPER_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "keeper/store_driver.h"

enum claim_state {
	CLAIM_READY,	 /* read from the store, waits for a window */
	CLAIM_SENT,	 /* the courier has it */
	CLAIM_SETTLING,	 /* the courier is done, the commit is not */
	CLAIM_UNSETTLED, /* the same, and the store had no room for it */
	CLAIM_OVER	 /* committed, but a read from before may show it */
};

struct claim {
	struct claim *next; /* claims.c's */
	uint64_t seq;
	size_t place; /* of the endpoint, see routes.h */
	uint32_t attempt;
	enum claim_state state;
	uint64_t courier; /* from CLAIM_SENT on */
	int64_t received_at_us;
	struct store_settle settle; /* from CLAIM_SETTLING on */
};

struct claims;

struct claims *claims_new(void); /* NULL without memory */
void claims_free(struct claims *t);

/* NULL: nobody has it. */
struct claim *claims_find(struct claims *t, uint64_t seq, size_t place);

/* A copy of c, which is not there yet; NULL without memory. */
struct claim *claims_add(struct claims *t, const struct claim *c);

void claims_remove(struct claims *t, struct claim *c);

/* Look at all, and remove those for which drop() is true. */
void claims_sweep(
    struct claims *t, bool (*drop)(void *arg, struct claim *c), void *arg);

#endif
