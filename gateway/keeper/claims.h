/*
 * The deliveries, or the questions, that are in somebody's hands, so that
 * none is given out twice.  Loop thread.
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
	CLAIM_SENT,	 /* the taker has it */
	CLAIM_SETTLING,	 /* the taker is done, the commit is not */
	CLAIM_UNSETTLED, /* the same, and the store had no room for it */
	CLAIM_OVER	 /* committed, but a read from before may show it */
};

/* What came of a question. */
struct claim_verdict {
	enum life to; /* WAITING: ask again */
	enum reason reason;
	uint32_t denied;
	int64_t at_us, next_us; /* next_us: when to ask again */
	bool is_answered;
	struct receipt answered;
};

struct claim {
	struct claim *next; /* claims.c's */
	struct store_due due;
	uint32_t endpoint_id; /* 0: a question */
	size_t place;	      /* of the endpoint or merchant, see routes.h */
	enum claim_state state;
	uint64_t taker; /* from CLAIM_SENT on */
	union {		/* from CLAIM_SETTLING on */
		struct store_settle settle;
		struct claim_verdict verdict;
	} u;
};

struct claims;

struct claims *claims_new(void); /* NULL without memory */
void claims_free(struct claims *t);

/* NULL: nobody has it.  endpoint_id is 0 for a question. */
struct claim *claims_find(struct claims *t, uint64_t seq, uint32_t endpoint_id);

/* A copy of c, which is not there yet; NULL without memory. */
struct claim *claims_add(struct claims *t, const struct claim *c);

void claims_remove(struct claims *t, struct claim *c);

/* Look at all, and remove those for which drop() is true. */
void claims_sweep(
    struct claims *t, bool (*drop)(void *arg, struct claim *c), void *arg);

#endif
