/*
 * Offers: which of what is due goes to whom, and when.  One engine for
 * deliveries, which couriers take per endpoint, and for questions about
 * waiting payments, which askers take per merchant; what differs is in
 * struct offers_kind.
 *
 * What is due at a place is read ahead a few hundred at a time and sent as
 * far as the place's gate lets it through: the newest taker's window, and for
 * an endpoint its rate, its pauses and its breaker.  It stays claimed until
 * what came of it has been committed; what a taker holds when it ends is read
 * again.  Of several takers (one drains during a reload) the newest gets what
 * is new. Loop thread.
 */
#ifndef KEEPER_OFFERS_H
#define KEEPER_OFFERS_H

#include <stdbool.h>

#include "keeper/claims.h"
#include "keeper/gate.h"
#include "keeper/routes.h"
#include "keeper/store_queue.h"
#include "keeper/store_reader.h"
#include "message/channel.h"
#include "receipt/backoff.h"

struct offers;

/* What a taker is sent. */
union offers_record {
	struct msg_delivery delivery;
	struct msg_ask ask;
};

struct offers_kind {
	enum message message; /* of its records */
	size_t most_places;
	/* After a long pause every gap of the schedule may lie in the past;
	 * attempts still keep this distance. */
	int64_t shortest_gap_us;
	size_t (*places)(const struct routes *r);
	/* places(r): no such name. */
	size_t (*place_of)(const struct routes *r, const char *name);
	/* Say whose due ones are read.  false: not known yet. */
	bool (*ask)(
	    const struct routes *r, size_t place, struct store_read *ask);
	/* Attempts a second there; INT64_MAX: any. */
	int64_t (*rate)(const struct routes *r, size_t place);
	const struct backoff *(*backoff)(const struct routes *r, size_t place);
	/* When the schedule of c began, and how many of it have failed, with
	 * the one that has just ended. */
	void (*history)(
	    const struct claim *c, int64_t *first_us, uint32_t *failed);
	/* out is zero. */
	void (*record)(const struct routes *r, const struct claim *c,
	    union offers_record *out);
	/* Queue what came of it. */
	enum status (*write)(const struct routes *r, struct store_queue *q,
	    const struct claim *c);
};

struct offers_config {
	const struct offers_kind *kind;
	struct loop *loop;
	const struct routes *routes;
	struct store_queue *queue;
	struct store_reader *reader;
};

MUST_USE enum status
offers_new(struct offers **out, const struct offers_config *cfg, struct err *e);

/* NULL is fine. */
void offers_free(struct offers *o);

const struct routes *offers_routes(const struct offers *o);

/* A taker came, with id; its channel is borrowed until it is gone. */
MUST_USE enum status
offers_enter(struct offers *o, uint64_t id, struct channel *ch);
void offers_leave(struct offers *o, uint64_t id);

/* false: it makes no sense; end the taker. */
MUST_USE bool
offers_window(struct offers *o, uint64_t taker, const struct msg_window *m);

/* What this taker holds under this number, or NULL: it makes no sense. */
struct claim *offers_held(struct offers *o, uint64_t taker, uint64_t seq,
    uint32_t endpoint_id, uint32_t attempt);

/* When to try c again, its attempt having failed; INT64_MAX: never, the
 * schedule has ended.  At least wait_us from now. */
int64_t
offers_next_us(struct offers *o, const struct claim *c, int64_t wait_us);

/* The gate of a place; what is changed there counts from the next pump. */
struct gate *offers_gate(struct offers *o, size_t place);

/* c->u says what came of it: write it, now or as soon as there is room. */
void offers_write(struct offers *o, struct claim *c);

/* The claim that the store answers about. */
struct claim *offers_find(struct offers *o, uint64_t seq, uint32_t endpoint_id);

/* It did, with st.  next_us: c gets due again; INT64_MAX: never.  c is gone,
 * unless the store had no room. */
void offers_written(
    struct offers *o, struct claim *c, enum status st, int64_t next_us);

/* Something got due at place. */
void offers_due(struct offers *o, size_t place);

/* Something gets due there at this time (wall). */
void offers_wake(struct offers *o, size_t place, int64_t at_us);

/* Remember that an endpoint wants nothing any more. */
void offers_disable(struct offers *o, uint32_t endpoint_id, int64_t at_us);

/* The store has something else there now than what was read: what no taker
 * has yet is read again. */
void offers_reread(struct offers *o, size_t place);

/* Has a taker one of this invoice in its hands? */
bool offers_under_way(
    struct offers *o, const char *merchant, const char *invoice_id);

/* A read of what is due is done. */
void offers_read_done(struct offers *o, const struct store_read *read);

/* Give out what can be given out: after a batch, and every second, when what
 * had to wait for room is tried again. */
void offers_pump(struct offers *o);
void offers_tick(struct offers *o);

/* Give out nothing any more. */
void offers_stop(struct offers *o);

#endif
