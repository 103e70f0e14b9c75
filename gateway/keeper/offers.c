#include "keeper/offers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "keeper/claims.h"
#include "receipt/backoff.h"

/* Deliveries of one endpoint read ahead. */
#define AHEAD 512

/* The wall clock may be set forward, so that no wait is longer than this. */
#define LONGEST_WAIT_US (60 * INT64_C(1000000))

/* After a long pause every gap of the schedule may lie in the past; tries
 * still keep this distance. */
#define SHORTEST_GAP_US (5 * INT64_C(1000000))

struct courier {
	struct courier *next; /* the older one */
	uint64_t id;
	struct channel *channel;
	uint32_t window[ROUTES_ENDPOINTS];
	uint32_t in_flight[ROUTES_ENDPOINTS];
};

struct endpoint {
	struct offers *offers;
	struct event *timer;
	int64_t wake_us; /* wall; when something gets due; INT64_MAX: never */
	size_t claimed;	 /* claims of it in the table, in any state */
	size_t over;	 /* those in CLAIM_OVER */
	bool stale;	 /* the store may hold more that is due */
	bool reading;
	size_t ready_at, n_ready;
	struct store_due *ready; /* AHEAD of them, made at first use */
};

struct offers {
	struct offers_config cfg;
	struct claims *claims;
	struct courier *couriers; /* newest first */
	size_t unsettled;	  /* claims in CLAIM_UNSETTLED */
	int64_t now_us, mono_us;  /* of due_now() when it was last asked */
	bool stopped;
	struct endpoint endpoints[ROUTES_ENDPOINTS];
};

/* The time by which deliveries get due: the wall clock's, but where that was
 * set back it goes on, so that nothing owed waits until it has caught up. */
static int64_t
due_now(struct offers *o)
{
	int64_t mono_us = clock_mono_us(), wall_us = clock_wall_us();

	o->now_us += mono_us - o->mono_us;
	o->mono_us = mono_us;
	if (o->now_us < wall_us)
		o->now_us = wall_us;
	return o->now_us;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct endpoint *ep = arg;

	(void)fd;
	(void)what;
	ep->wake_us = INT64_MAX;
	ep->stale = true;
	offers_pump(ep->offers);
}

enum status
offers_new(struct offers **out, const struct offers_config *cfg, struct err *e)
{
	struct offers *o = calloc(1, sizeof(*o));

	*out = NULL;
	if (o == NULL)
		goto fail;
	o->cfg = *cfg;
	o->claims = claims_new();
	if (o->claims == NULL)
		goto fail;
	for (size_t i = 0; i < ROUTES_ENDPOINTS; i++) {
		struct endpoint *ep = &o->endpoints[i];

		ep->offers = o;
		ep->wake_us = INT64_MAX;
		ep->stale = true; /* whatever was left by the last run */
		ep->timer =
		    event_new(loop_base(cfg->loop), -1, 0, on_timer, ep);
		if (ep->timer == NULL)
			goto fail;
	}
	*out = o;
	return ST_OK;
fail:
	err_set(e, "no memory for the deliveries in flight");
	offers_free(o);
	return ST_NO_MEMORY;
}

void
offers_free(struct offers *o)
{
	if (o == NULL)
		return;
	while (o->couriers != NULL) {
		struct courier *c = o->couriers;

		o->couriers = c->next;
		free(c);
	}
	for (size_t i = 0; i < ROUTES_ENDPOINTS; i++) {
		if (o->endpoints[i].timer != NULL)
			event_free(o->endpoints[i].timer);
		free(o->endpoints[i].ready);
	}
	claims_free(o->claims);
	free(o);
}

static struct courier *
find_courier(struct offers *o, uint64_t id)
{
	struct courier *c = o->couriers;

	while (c != NULL && c->id != id)
		c = c->next;
	return c;
}

enum status
offers_courier(struct offers *o, uint64_t id, struct channel *ch)
{
	struct courier *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ST_NO_MEMORY;
	c->id = id;
	c->channel = ch;
	c->next = o->couriers;
	o->couriers = c;
	return ST_OK;
}

struct sweep {
	struct offers *offers;
	uint64_t courier;
	size_t place;
};

static bool
was_sent_to(void *arg, struct claim *c)
{
	struct sweep *sweep = arg;
	struct endpoint *ep = &sweep->offers->endpoints[c->place];

	if (c->state != CLAIM_SENT || c->courier != sweep->courier)
		return false;
	ep->claimed--;
	ep->stale = true;
	return true;
}

void
offers_courier_gone(struct offers *o, uint64_t id)
{
	struct sweep sweep = { .offers = o, .courier = id };
	struct courier **at = &o->couriers;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	if (*at != NULL) {
		struct courier *c = *at;

		*at = c->next;
		free(c);
	}
	claims_sweep(o->claims, was_sent_to, &sweep);
	offers_pump(o);
}

bool
offers_window(struct offers *o, uint64_t courier, const struct msg_window *m)
{
	struct courier *c = find_courier(o, courier);
	size_t place = routes_place_of_name(o->cfg.routes, m->endpoint);

	if (c == NULL || place == routes_count(o->cfg.routes))
		return false;
	c->window[place] = m->most;
	return true;
}

static void
set_timer(struct endpoint *ep, int64_t at_us)
{
	int64_t wait_us = at_us - due_now(ep->offers);
	struct timeval tv;

	if (at_us >= ep->wake_us)
		return;
	ep->wake_us = at_us;
	if (wait_us < 0)
		wait_us = 0;
	if (wait_us > LONGEST_WAIT_US)
		wait_us = LONGEST_WAIT_US;
	tv.tv_sec = wait_us / 1000000;
	tv.tv_usec = wait_us % 1000000;
	(void)event_add(ep->timer, &tv);
}

/* What finds no room waits in its claim for the next tick. */
static void
settle(struct offers *o, struct claim *c)
{
	c->state = CLAIM_SETTLING;
	if (store_queue_settle(o->cfg.queue, &c->settle) == ST_OK)
		return;
	c->state = CLAIM_UNSETTLED;
	o->unsettled++;
}

bool
offers_settle(struct offers *o, uint64_t courier, const struct msg_settle *m)
{
	size_t place = routes_place_of_id(o->cfg.routes, m->endpoint_id);
	struct claim *c = claims_find(o->claims, m->seq, place);

	if (c == NULL || c->state != CLAIM_SENT || c->courier != courier ||
	    c->attempt != m->attempt)
		return false;
	c->settle = (struct store_settle){ .seq = m->seq,
		.endpoint_id = m->endpoint_id,
		.attempt = m->attempt,
		.delivered = m->outcome == OUTCOME_DELIVERED,
		.outcome = m->outcome,
		.http_status = m->http_status,
		.now_us = clock_wall_us() };
	if (!c->settle.delivered)
		c->settle.next_us = backoff_next_us(c->received_at_us,
		    m->attempt, due_now(o) + SHORTEST_GAP_US, m->seq);
	settle(o, c);
	return true;
}

void
offers_put_done(struct offers *o, const struct store_op *op)
{
	if (op->status != ST_OK)
		return;
	(void)due_now(o); /* the receipt is stamped by the clock as it is */
	for (size_t i = 0; i < op->u.put.endpoints.n; i++) {
		size_t place = routes_place_of_id(
		    o->cfg.routes, op->u.put.endpoints.ids[i]);

		o->endpoints[place].stale = true;
	}
}

void
offers_settle_done(struct offers *o, const struct store_op *op)
{
	size_t place =
	    routes_place_of_id(o->cfg.routes, op->u.settle.endpoint_id);
	struct claim *c = claims_find(o->claims, op->u.settle.seq, place);
	struct endpoint *ep = &o->endpoints[place];
	struct courier *courier;

	assert(c != NULL && c->state == CLAIM_SETTLING);
	if (op->status == ST_BUSY || op->status == ST_BAD_INPUT) {
		c->state = CLAIM_UNSETTLED;
		o->unsettled++;
		return;
	}
	if (op->status == ST_IO)
		return;
	courier = find_courier(o, c->courier);
	if (courier != NULL)
		courier->in_flight[place]--;
	if (!c->settle.delivered)
		set_timer(ep, c->settle.next_us);
	if (ep->reading) {
		c->state = CLAIM_OVER;
		ep->over++;
	} else {
		claims_remove(o->claims, c);
		ep->claimed--;
	}
}

static bool
is_over(void *arg, struct claim *c)
{
	struct sweep *sweep = arg;

	if (c->state != CLAIM_OVER || c->place != sweep->place)
		return false;
	sweep->offers->endpoints[c->place].claimed--;
	sweep->offers->endpoints[c->place].over--;
	return true;
}

static void
take_ready(struct offers *o, size_t place, const struct store_due *due)
{
	struct endpoint *ep = &o->endpoints[place];
	struct claim claim = { .seq = due->row.seq,
		.place = place,
		.attempt = due->attempt,
		.state = CLAIM_READY,
		.received_at_us = due->row.receipt.received_at_us };

	if (claims_find(o->claims, due->row.seq, place) != NULL)
		return;
	if (ep->n_ready == AHEAD || claims_add(o->claims, &claim) == NULL) {
		ep->stale = true;
		return;
	}
	ep->claimed++;
	ep->ready[ep->n_ready++] = *due;
}

void
offers_read_done(struct offers *o, const struct store_read *read)
{
	struct sweep sweep = { .offers = o,
		.place = routes_place_of_id(o->cfg.routes, read->endpoint_id) };
	struct endpoint *ep = &o->endpoints[sweep.place];

	ep->reading = false;
	ep->ready_at = ep->n_ready = 0;
	for (size_t i = 0; i < read->n; i++)
		take_ready(o, sweep.place, &read->rows[i]);
	if (ep->over > 0)
		claims_sweep(o->claims, is_over, &sweep);
	if (read->status != ST_OK) {
		ep->stale = true; /* the tick tries again */
		return;
	}
	if (read->n == read->limit)
		ep->stale = true;
	else if (read->next_us != INT64_MAX)
		set_timer(ep, read->next_us);
	offers_pump(o);
}

static void
read_due(struct offers *o, size_t place)
{
	struct endpoint *ep = &o->endpoints[place];
	struct store_read ask = { .kind = STORE_READ_DUE,
		.endpoint_id = routes_id(o->cfg.routes, place),
		.now_us = due_now(o),
		.limit = ep->claimed + AHEAD };

	if (ep->ready == NULL)
		ep->ready = calloc(AHEAD, sizeof(*ep->ready));
	if (ep->ready == NULL || store_reader_ask(o->cfg.reader, &ask) != ST_OK)
		return;
	ep->reading = true;
	ep->stale = false;
}

/* false: the channel takes nothing now. */
static bool
send_one(struct offers *o, struct courier *to, size_t place)
{
	struct endpoint *ep = &o->endpoints[place];
	const struct store_due *due = &ep->ready[ep->ready_at];
	struct claim *c = claims_find(o->claims, due->row.seq, place);
	struct msg_delivery m = { .seq = due->row.seq,
		.endpoint_id = routes_id(o->cfg.routes, place),
		.attempt = due->attempt,
		.receipt = due->row.receipt };

	memcpy(
	    m.endpoint, routes_name(o->cfg.routes, place), sizeof(m.endpoint));
	if (channel_add(to->channel, MSG_DELIVERY, &m) != ST_OK)
		return false;
	c->state = CLAIM_SENT;
	c->courier = to->id;
	to->in_flight[place]++;
	ep->ready_at++;
	return true;
}

static void
pump_endpoint(struct offers *o, struct courier *to, size_t place)
{
	struct endpoint *ep = &o->endpoints[place];

	while (to->in_flight[place] < to->window[place]) {
		if (ep->ready_at < ep->n_ready) {
			if (!send_one(o, to, place))
				return;
			continue;
		}
		if (ep->stale && !ep->reading &&
		    routes_id(o->cfg.routes, place) != 0)
			read_due(o, place);
		return;
	}
}

void
offers_pump(struct offers *o)
{
	if (o->stopped || o->couriers == NULL)
		return;
	for (size_t i = 0; i < routes_count(o->cfg.routes); i++)
		pump_endpoint(o, o->couriers, i);
}

static bool
settle_again(void *arg, struct claim *c)
{
	struct offers *o = arg;

	if (c->state == CLAIM_UNSETTLED) {
		o->unsettled--;
		settle(o, c);
	}
	return false;
}

void
offers_tick(struct offers *o)
{
	if (o->unsettled > 0)
		claims_sweep(o->claims, settle_again, o);
	offers_pump(o);
}

void
offers_stop(struct offers *o)
{
	o->stopped = true;
}
