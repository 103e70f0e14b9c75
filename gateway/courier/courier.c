#include "courier/courier.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "client/client.h"
#include "courier/parcel.h"
#include "courier/target.h"
#include "message/channel.h"

/* Settles of deliveries to nobody come on top of those in the windows. */
#define SPARE_SETTLES 1024

/* One delivery in hand: a slot of its endpoint, free or under way. */
struct attempt {
	struct attempt *next; /* while it is free */
	struct courier *courier;
	struct endpoint *endpoint;
	uint64_t seq;
	uint32_t endpoint_id;
	uint32_t number;
	struct receipt_id receipt;
};

struct endpoint {
	char name[CONFIG_NAME];
	struct client_target *target;
	struct attempt *slots; /* as many as its window is wide */
	struct attempt *free;
	struct event_rules rules;
};

struct courier {
	struct room *room;
	struct channel *keeper;
	struct client *client;
	struct loop_turn turn;
	bool turning;
	bool draining;
	bool over; /* room_done() was said */
	size_t in_flight;
	struct parcel parcel; /* the one that is being sent */
	size_t n_endpoints;
	struct endpoint endpoints[CONFIG_BILLINGS];
};

_Static_assert(MET_ATTEMPT_PROXY - MET_ATTEMPT_DELIVERED + 1 == OUTCOMES,
    "a counter for each outcome, in the same order");

/* What is in hand then goes back to the keeper when the channel closes. */
static void
finish(struct courier *c, int code)
{
	if (c->over)
		return;
	c->over = true;
	room_done(c->room, code);
}

/* ---- the end of an attempt */

static void
record(const char *endpoint, const struct attempt *a,
    const struct client_result *r)
{
	enum outcome outcome = target_outcome(r);
	char id[ID_TEXT];

	metrics_add(MET_ATTEMPT_DELIVERED + outcome, 1);
	metrics_observe(MET_DELIVERY_SECONDS, r->took_us);
	id_format(&a->receipt, id);
	log_event(
	    outcome == OUTCOME_DELIVERED ? LOG_DELIVERED : LOG_DELIVERY_FAILED,
	    log_word(KEY_ENDPOINT, endpoint), log_word(KEY_RECEIPT, id),
	    log_num(KEY_ATTEMPT, a->number),
	    log_word(KEY_OUTCOME, outcome_word(outcome)),
	    log_num(KEY_STATUS, r->http_status),
	    log_num(KEY_MS, r->took_us / 1000));
}

static void
settle(
    struct courier *c, const struct attempt *a, const struct client_result *r)
{
	struct msg_settle m = { .seq = a->seq,
		.endpoint_id = a->endpoint_id,
		.attempt = a->number,
		.outcome = target_outcome(r),
		.http_status = (uint32_t)r->http_status,
		.took_ms = (uint32_t)(r->took_us / 1000),
		.bytes = r->bytes };

	if (r->retry_after_s > 0)
		m.retry_after_s = (uint32_t)r->retry_after_s;

	if (channel_add(c->keeper, MSG_SETTLE, &m) != ST_OK)
		finish(c, 1);
}

static void
on_answered(void *arg, const struct client_result *r)
{
	struct attempt *a = arg;
	struct courier *c = a->courier;

	record(a->endpoint->name, a, r);
	settle(c, a, r);
	a->next = a->endpoint->free;
	a->endpoint->free = a;
	c->in_flight--;
	metrics_add(MET_DELIVERIES_IN_FLIGHT, -1);
}

/* ---- its start */

static enum status
post(struct courier *c, struct endpoint *ep, struct attempt *a,
    const struct receipt *r)
{
	int64_t now_s = clock_wall_us() / 1000000;
	enum status st;

	if ((a->seq & DELIVERY_NOTICE) != 0)
		st = parcel_erased(&c->parcel, &ep->rules, r, now_s);
	else
		st = parcel_receipt(&c->parcel, &ep->rules, r, a->seq, now_s);
	if (st != ST_OK)
		return st;
	return client_post(c->client, ep->target, c->parcel.headers,
	    c->parcel.n, buf_bytes(&c->parcel.body), on_answered, a);
}

static struct endpoint *
find_endpoint(struct courier *c, const char *name)
{
	for (size_t i = 0; i < c->n_endpoints; i++) {
		if (strcmp(c->endpoints[i].name, name) == 0)
			return &c->endpoints[i];
	}
	return NULL;
}

static void
settle_unsent(struct courier *c, const struct msg_delivery *m)
{
	static const struct client_result unsent = { .end = CLIENT_IO,
		.retry_after_s = -1 };
	const struct attempt a = { .seq = m->seq,
		.endpoint_id = m->endpoint_id,
		.number = m->attempt,
		.receipt = m->receipt.id };

	record(m->endpoint, &a, &unsent);
	settle(c, &a, &unsent);
}

static void
deliver(struct courier *c, const struct msg_delivery *m)
{
	struct endpoint *ep = find_endpoint(c, m->endpoint);
	struct attempt *a;

	if (ep == NULL) {
		settle_unsent(c, m);
		return;
	}
	a = ep->free;
	if (a == NULL) { /* more than the window that it was told */
		metrics_add(MET_ROOM_NONSENSE, 1);
		log_event(
		    LOG_NONSENSE, log_word(KEY_ROOM, party_name(PARTY_KEEPER)));
		finish(c, 1);
		return;
	}
	a->seq = m->seq;
	a->endpoint_id = m->endpoint_id;
	a->number = m->attempt;
	a->receipt = m->receipt.id;
	if (post(c, ep, a, &m->receipt) != ST_OK) {
		settle_unsent(c, m);
		return;
	}
	ep->free = a->next;
	c->in_flight++;
	metrics_add(MET_DELIVERIES_IN_FLIGHT, 1);
}

/* ---- the keeper and the supervisor */

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct courier *c = arg;
	const struct msg_delivery *m = records;

	assert(type == MSG_DELIVERY && fd < 0);
	for (size_t i = 0; i < count && !c->draining && !c->over; i++)
		deliver(c, &m[i]);
}

static void
on_keeper_end(void *arg, enum channel_end why)
{
	struct courier *c = arg;

	(void)why;
	finish(c, 1);
}

static void
on_drain(void *arg)
{
	struct courier *c = arg;

	c->draining = true;
}

/* Runs behind the channel's own turn, which sends what was settled. */
static void
on_turn(void *arg)
{
	struct courier *c = arg;

	if (c->draining && c->in_flight == 0 && channel_queued(c->keeper) == 0)
		finish(c, 0);
}

/* ---- life */

static enum status
endpoint_init(struct endpoint *ep, struct courier *c,
    const struct courier_billing *b, struct err *e)
{
	enum status st;

	memcpy(ep->name, b->name, sizeof(ep->name));
	ep->rules = b->event;
	st = target_new(&ep->target, b, e);
	if (st != ST_OK)
		return st;
	ep->slots = calloc((size_t)b->in_flight, sizeof(*ep->slots));
	if (ep->slots == NULL) {
		err_set(e, "no memory for deliveries to %s", b->name);
		return ST_NO_MEMORY;
	}
	for (int64_t i = 0; i < b->in_flight; i++) {
		ep->slots[i].courier = c;
		ep->slots[i].endpoint = ep;
		ep->slots[i].next = ep->free;
		ep->free = &ep->slots[i];
	}
	return ST_OK;
}

static enum status
open_keeper(struct courier *c, const struct courier_config *cfg, struct err *e)
{
	struct channel_config cc = { .fd = c->room->keeper,
		.self = PARTY_COURIER,
		.peer = PARTY_KEEPER,
		.most_queued = SPARE_SETTLES,
		.on_records = on_records,
		.on_end = on_keeper_end,
		.arg = c };
	enum status st;

	for (size_t i = 0; i < cfg->n_billings; i++)
		cc.most_queued += (size_t)cfg->billings[i].in_flight;
	st = channel_new(&c->keeper, c->room->loop, &cc, e);
	for (size_t i = 0; i < cfg->n_billings && st == ST_OK; i++) {
		const struct courier_billing *b = &cfg->billings[i];
		struct msg_window m = { .most = (uint32_t)b->in_flight };

		memcpy(m.name, b->name, strlen(b->name));
		st = channel_add(c->keeper, MSG_WINDOW, &m);
	}
	return st;
}

enum status
courier_start(struct courier **out, struct room *room,
    const struct courier_config *cfg, struct err *e)
{
	struct courier *c = calloc(1, sizeof(*c));
	enum status st = ST_OK;

	*out = NULL;
	if (c == NULL) {
		err_set(e, "no memory for the courier");
		return ST_NO_MEMORY;
	}
	c->room = room;
	parcel_init(&c->parcel);
	for (size_t i = 0; i < cfg->n_billings && st == ST_OK; i++) {
		c->n_endpoints++;
		st = endpoint_init(&c->endpoints[i], c, &cfg->billings[i], e);
	}
	if (st == ST_OK)
		st = client_new(&c->client, room->loop, e);
	if (st == ST_OK)
		st = open_keeper(c, cfg, e);
	if (st != ST_OK) {
		courier_free(c);
		return st;
	}
	c->turn = (struct loop_turn){ .fn = on_turn, .arg = c };
	loop_turn_add(room->loop, &c->turn);
	c->turning = true;
	room->on_drain = on_drain;
	room->arg = c;
	*out = c;
	return ST_OK;
}

void
courier_free(struct courier *c)
{
	if (c == NULL)
		return;
	if (c->turning)
		loop_turn_remove(c->room->loop, &c->turn);
	client_free(c->client);
	channel_free(c->keeper);
	for (size_t i = 0; i < c->n_endpoints; i++) {
		client_target_free(c->endpoints[i].target);
		free(c->endpoints[i].slots);
	}
	parcel_fini(&c->parcel);
	secret_wipe(c, sizeof(*c));
	free(c);
}
