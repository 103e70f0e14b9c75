/*
 * One provider, and all that is asked of it.
 *
 * Questions wait here, a queue for each merchant, until everything lets them
 * go: the provider's rate and concurrency, a pause that it asked for, the
 * breaker, and the merchant's lock-out.  Merchants take turns, so that none
 * waits for another.  How much waits is bounded by the windows of the keeper.
 *
 * A lookup goes before questions and does not wait for long: when nothing can
 * be asked, it is answered at once with the reason.
 *
 * Loop thread only.
 */
#ifndef ASKER_PROVIDER_H
#define ASKER_PROVIDER_H

#include "asker/question.h"
#include "config/rooms.h"

#define PROVIDER_LOOKUPS   64 /* that wait, at most */
#define PROVIDER_LOOKUP_US INT64_C(30000000)

struct provider;

struct provider_config {
	struct loop *loop;
	struct client *client;
	struct hints *hints;
	struct reading *reading;
	/* What came of q; both are borrowed for the call.  It may run from
	 * inside every function below but the last four. */
	void (*on_finding)(
	    void *arg, const struct question *q, const struct finding *f);
	void *arg;
};

/* Number `number` of cfg with its merchants.  Both are borrowed for the call;
 * what pc points to is borrowed for good. */
MUST_USE enum status
provider_new(struct provider **out, const struct provider_config *pc,
    const struct asker_config *cfg, uint32_t number, struct err *e);

/* After client_free(); questions are dropped, passwords wiped.  NULL is
 * fine. */
void provider_free(struct provider *p);

/* NULL: not one of p's. */
struct merchant *provider_find(struct provider *p, const char *store_id);

/* Ask, at the next provider_turn().  ST_BUSY: the merchant's window is full.
 * ST_NO_MEMORY: on_finding will not run. */
MUST_USE enum status
provider_ask(struct merchant *m, const struct msg_ask *ask);

/* As provider_ask(), but now.  ST_BUSY: PROVIDER_LOOKUPS wait already. */
MUST_USE enum status
provider_lookup(struct merchant *m, const struct msg_lookup *lookup);

/* Once a turn of the loop: by then the val_id that came in the same turn as
 * the question is there, whichever was read first. */
void provider_turn(struct provider *p);

/* Start nothing new: what waits stays unanswered, lookups are told LIMITED. */
void provider_drain(struct provider *p);

size_t provider_in_flight(const struct provider *p);
bool provider_is_away(const struct provider *p);
size_t provider_locked_out(const struct provider *p); /* merchants */

#endif
