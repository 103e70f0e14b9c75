#include "keeper/deliveries.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#define SECOND_US INT64_C(1000000)

/* What is wrong with one event does not pass within seconds. */
#define OWN_FAULT_US (300 * SECOND_US)

/* A notice outlives the schedule: it is tried until it is taken. */
#define NOTICE_US (86400 * SECOND_US)

static bool
ask(const struct routes *r, size_t place, struct store_read *ask)
{
	ask->kind = STORE_READ_DUE;
	ask->endpoint_id = routes_id(r, place);
	ask->ordered = routes_endpoint(r, place)->ordered;
	return ask->endpoint_id != 0;
}

static int64_t
rate(const struct routes *r, size_t place)
{
	return routes_endpoint(r, place)->rate;
}

static const struct backoff *
backoff(const struct routes *r, size_t place)
{
	return &routes_endpoint(r, place)->backoff;
}

static void
history(const struct claim *c, int64_t *first_us, uint32_t *failed)
{
	*first_us = c->due.first_us;
	*failed = c->due.failed + 1;
}

static void
record(const struct routes *r, const struct claim *c, union offers_record *out)
{
	struct msg_delivery *m = &out->delivery;

	m->seq = c->due.row.seq;
	m->endpoint_id = c->endpoint_id;
	m->attempt = c->due.attempt;
	m->receipt = c->due.row.receipt;
	memcpy(m->endpoint, routes_name(r, c->place), sizeof(m->endpoint));
}

static enum status
write(const struct routes *r, struct store_queue *q, const struct claim *c)
{
	(void)r;
	return store_queue_settle(q, &c->u.settle);
}

const struct offers_kind deliveries_kind = { .message = MSG_DELIVERY,
	.most_places = ROUTES_ENDPOINTS,
	.shortest_gap_us = SECOND_US,
	.places = routes_count,
	.place_of = routes_place_of_name,
	.ask = ask,
	.rate = rate,
	.backoff = backoff,
	.history = history,
	.record = record,
	.write = write };

/* ---- an endpoint as a whole */

static const char *
name_of(const struct offers *o, size_t place)
{
	return routes_name(offers_routes(o), place);
}

static void
count_states(struct offers *o)
{
	int64_t now_us = clock_mono_us(), away = 0, paused = 0, shut = 0;

	for (size_t i = 0; i < routes_count(offers_routes(o)); i++) {
		enum gate_state s = gate_state(offers_gate(o, i), now_us);

		away += s == GATE_PROBING;
		paused += s == GATE_PAUSED;
		shut += s == GATE_SHUT;
	}
	metrics_set(MET_ENDPOINTS_AWAY, away);
	metrics_set(MET_ENDPOINTS_PAUSED, paused);
	metrics_set(MET_ENDPOINTS_DISABLED, shut);
}

uint32_t
deliveries_disabled(struct offers *o)
{
	uint32_t n = 0;

	for (size_t i = 0; i < routes_count(offers_routes(o)); i++)
		n += gate_state(offers_gate(o, i), 0) == GATE_SHUT;
	return n;
}

void
deliveries_tick(struct offers *o)
{
	count_states(o);
}

/* Said when it begins, and for the breaker when it ends. */
static void
say_change(
    struct offers *o, size_t place, enum gate_state from, enum gate_state to)
{
	enum log_event ev;

	if (from == to)
		return;
	if (to == GATE_PROBING)
		ev = LOG_ENDPOINT_AWAY;
	else if (to == GATE_PAUSED)
		ev = LOG_ENDPOINT_PAUSED;
	else if (to == GATE_SHUT)
		ev = LOG_ENDPOINT_DISABLED;
	else if (from == GATE_PROBING)
		ev = LOG_ENDPOINT_BACK;
	else
		return;
	log_event(ev, log_word(KEY_ENDPOINT, name_of(o, place)));
	count_states(o);
}

/* Other answers ask for a pause of this one delivery alone. */
static uint32_t
pause_s(const struct msg_settle *m)
{
	return m->http_status == 429 || m->http_status == 503 ? m->retry_after_s
							      : 0;
}

/* What an answer does to its endpoint. */
static void
judge_endpoint(
    struct offers *o, const struct claim *c, const struct msg_settle *m)
{
	int64_t now_us = clock_mono_us();
	struct gate *g = offers_gate(o, c->place);
	enum gate_state before = gate_state(g, now_us);
	enum gate_state after;

	gate_answered(
	    g, gate_sign(m->outcome, m->http_status), pause_s(m), now_us);
	after = gate_state(g, now_us);
	say_change(o, c->place, before, after);
	/* Should the store have no room for that, the next attempt after a
	 * restart hears 410 again. */
	if (after == GATE_SHUT && before != GATE_SHUT)
		offers_disable(o, c->endpoint_id, clock_wall_us());
}

void
deliveries_named(struct offers *o, const char *name, int64_t disabled_at_us)
{
	const struct routes *r = offers_routes(o);
	size_t place = routes_place_of_name(r, name);

	if (place == routes_count(r))
		return;
	gate_shut(offers_gate(o, place), disabled_at_us != 0);
	count_states(o);
}

enum status
deliveries_restore(struct offers *o, const struct store_driver *driver,
    struct store *writer, struct err *e)
{
	for (size_t i = 0; i < routes_count(offers_routes(o)); i++) {
		int64_t disabled_at_us;
		uint32_t id;

		if (driver->endpoint(
			writer, name_of(o, i), &id, &disabled_at_us) != ST_OK) {
			err_set(e, "the store cannot be read");
			return ST_IO;
		}
		deliveries_named(o, name_of(o, i), disabled_at_us);
	}
	return ST_OK;
}

void
deliveries_resume(struct offers *o, uint32_t endpoint_id)
{
	const struct routes *r = offers_routes(o);
	size_t place = routes_place_of_id(r, endpoint_id);

	if (place == routes_count(r))
		return;
	gate_shut(offers_gate(o, place), false);
	log_event(
	    LOG_ENDPOINT_RESUMED, log_word(KEY_ENDPOINT, name_of(o, place)));
	count_states(o);
	offers_due(o, place);
}

/* ---- one delivery */

/* The shortest wait that the answer allows. */
static int64_t
least_wait_us(const struct msg_settle *m)
{
	int64_t wait_us = (int64_t)m->retry_after_s * SECOND_US;
	enum gate_sign sign = gate_sign(m->outcome, m->http_status);

	if (sign == GATE_LIMITED && wait_us == 0)
		wait_us = GATE_PAUSE_US;
	if (sign == GATE_ALIVE && m->http_status >= 400 &&
	    wait_us < OWN_FAULT_US)
		wait_us = OWN_FAULT_US;
	return wait_us;
}

bool
deliveries_settle(
    struct offers *o, uint64_t courier, const struct msg_settle *m)
{
	struct claim *c =
	    offers_held(o, courier, m->seq, m->endpoint_id, m->attempt);
	struct store_settle *s;

	if (c == NULL)
		return false;
	s = &c->u.settle;
	*s = (struct store_settle){ .seq = m->seq,
		.endpoint_id = m->endpoint_id,
		.attempt = m->attempt,
		.to = DELIVERY_DELIVERED,
		.outcome = m->outcome,
		.http_status = m->http_status,
		.took_ms = m->took_ms,
		.bytes = m->bytes,
		.now_us = clock_wall_us() };
	judge_endpoint(o, c, m);
	if (m->outcome != OUTCOME_DELIVERED) {
		s->next_us = offers_next_us(o, c, least_wait_us(m));
		if ((m->seq & DELIVERY_NOTICE) != 0 && s->next_us == INT64_MAX)
			s->next_us = s->now_us + NOTICE_US;
		s->to = s->next_us == INT64_MAX ? DELIVERY_EXHAUSTED
						: DELIVERY_PENDING;
	}
	offers_write(o, c);
	return true;
}

void
deliveries_owed(struct offers *o, const struct store_endpoints *to)
{
	const struct routes *r = offers_routes(o);

	for (size_t i = 0; i < to->n; i++)
		offers_due(o, routes_place_of_id(r, to->ids[i]));
}

void
deliveries_again(struct offers *o, uint32_t endpoint_id, int64_t at_us)
{
	size_t place = routes_place_of_id(offers_routes(o), endpoint_id);

	if (place < routes_count(offers_routes(o)))
		offers_wake(o, place, at_us);
}

void
deliveries_changed(struct offers *o, const struct store_op *op)
{
	const struct routes *r = offers_routes(o);

	for (size_t i = 0; i < op->u.redeliver.n; i++) {
		size_t place =
		    routes_place_of_id(r, op->u.redeliver.items[i].endpoint_id);

		if (place < routes_count(r))
			offers_reread(o, place);
	}
}

static void
say_exhausted(const struct offers *o, const struct claim *c)
{
	char id[ID_TEXT];

	id_format(&c->due.row.receipt.id, id);
	log_event(LOG_DELIVERY_EXHAUSTED,
	    log_word(KEY_ENDPOINT, name_of(o, c->place)),
	    log_word(KEY_RECEIPT, id), log_num(KEY_ATTEMPT, c->due.attempt));
}

void
deliveries_settle_done(struct offers *o, const struct store_op *op)
{
	const struct store_settle *s = &op->u.settle;
	struct claim *c = offers_find(o, s->seq, s->endpoint_id);
	size_t place = c->place;

	if (op->status == ST_OK && s->to == DELIVERY_EXHAUSTED)
		say_exhausted(o, c);
	offers_written(o, c, op->status,
	    s->to == DELIVERY_PENDING ? s->next_us : INT64_MAX);
	/* What waited for this one, of the same invoice, may go now. */
	if (routes_endpoint(offers_routes(o), place)->ordered)
		offers_due(o, place);
}
