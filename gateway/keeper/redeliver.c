#include "keeper/redeliver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "keeper/deliveries.h"

#define SECOND_US INT64_C(1000000)

/* ---- questions */

/* false: it names an endpoint that the store has never numbered. */
static bool
fill(const struct redeliver *r, struct store_read *ask,
    const struct msg_which *w)
{
	size_t place;

	memcpy(ask->merchant, w->merchant, sizeof(ask->merchant));
	memcpy(ask->invoice_id, w->invoice_id, sizeof(ask->invoice_id));
	ask->id = w->id;
	ask->from_us = (int64_t)w->from_us;
	ask->to_us = (int64_t)w->to_us;
	ask->state = (enum delivery_state)w->state;
	if (w->endpoint[0] == '\0')
		return true;
	place = routes_place_of_name(r->routes, w->endpoint);
	if (place == routes_count(r->routes))
		return false;
	ask->endpoint_id = routes_id(r->routes, place);
	return true;
}

static struct msg_page_end
page_end(const struct redeliver *r, const struct store_read *read)
{
	enum status st = read->status == ST_NO_MEMORY ? ST_BUSY : read->status;

	return (struct msg_page_end){ .tag = read->tag,
		.epoch = r->epoch,
		.last_seq = st == ST_OK ? read->last : read->after_seq,
		.more = read->more,
		.status = (uint32_t)st };
}

static struct msg_redelivered
redelivered(const struct redeliver *r, const struct store_read *read,
    uint32_t matched, uint32_t changed)
{
	enum status st = read->status;

	if (st != ST_OK && st != ST_IO)
		st = ST_BUSY;
	return (struct msg_redelivered){ .tag = read->tag,
		.epoch = r->epoch,
		.last = st == ST_OK ? read->last : read->after_seq,
		.matched = matched,
		.changed = changed,
		.more = read->more,
		.status = (uint32_t)st };
}

/* Answer a question as if it had been read: with nothing. */
static bool
answer_empty(const struct redeliver *r, struct peer *p, struct store_read *read,
    enum status st)
{
	struct msg_page_end end;
	struct msg_redelivered none;

	read->status = st;
	read->last = read->after_seq;
	if (read->changes) {
		none = redelivered(r, read, 0, 0);
		return channel_add(p->channel, MSG_REDELIVERED, &none) !=
		       ST_BUSY;
	}
	end = page_end(r, read);
	return channel_add(p->channel, MSG_PAGE_END, &end) != ST_BUSY;
}

static bool
ask_reader(const struct redeliver *r, struct peer *p, struct store_read *ask)
{
	enum status st = store_reader_ask(r->reader, ask);

	return st == ST_OK || answer_empty(r, p, ask, ST_BUSY);
}

static bool
on_deliveries(
    const struct redeliver *r, struct peer *p, const struct msg_deliveries *m)
{
	struct store_read ask = { .kind = STORE_READ_DELIVERIES,
		.owner = p->id,
		.tag = m->tag,
		.after_seq = m->after,
		.limit = m->limit };

	if (!fill(r, &ask, &m->which))
		return answer_empty(r, p, &ask, ST_OK);
	return ask_reader(r, p, &ask);
}

static bool
on_redeliver(
    const struct redeliver *r, struct peer *p, const struct msg_redeliver *m)
{
	struct store_read ask = { .kind = STORE_READ_DELIVERIES,
		.owner = p->id,
		.tag = m->tag,
		.after_seq = m->after,
		.limit = m->limit,
		.action = m->action,
		.changes = true };

	memcpy(ask.by, m->by, sizeof(ask.by));
	if (!fill(r, &ask, &m->which))
		return answer_empty(r, p, &ask, ST_OK);
	return ask_reader(r, p, &ask);
}

static bool
on_attempts(
    const struct redeliver *r, struct peer *p, const struct msg_attempts *m)
{
	struct store_read ask = { .kind = STORE_READ_ATTEMPTS,
		.owner = p->id,
		.tag = m->tag,
		.id = m->id,
		.limit = MESSAGE_ATTEMPTS };

	memcpy(ask.merchant, m->merchant, sizeof(ask.merchant));
	memcpy(ask.name, m->endpoint, sizeof(ask.name));
	return ask_reader(r, p, &ask);
}

static bool
on_resume(const struct redeliver *r, struct peer *p, const struct msg_resume *m)
{
	size_t place = routes_place_of_name(r->routes, m->endpoint);
	struct msg_done done = { .tag = m->tag, .status = ST_NOT_FOUND };

	if (place < routes_count(r->routes)) {
		done.status = ST_BUSY;
		if (store_queue_disable(r->queue, routes_id(r->routes, place),
			0, p->id, m->tag) == ST_OK)
			return true;
	}
	return channel_add(p->channel, MSG_DONE, &done) != ST_BUSY;
}

bool
redeliver_ask(
    struct redeliver *r, struct peer *p, enum message type, const void *record)
{
	switch (type) {
	case MSG_DELIVERIES:
		return on_deliveries(r, p, record);
	case MSG_REDELIVER:
		return on_redeliver(r, p, record);
	case MSG_ATTEMPTS:
		return on_attempts(r, p, record);
	default:
		return on_resume(r, p, record);
	}
}

/* ---- what was read */

bool
redeliver_is_read(const struct store_read *read)
{
	return read->kind == STORE_READ_DELIVERIES ||
	       read->kind == STORE_READ_ATTEMPTS;
}

static bool
send_delivery(struct peer *p, uint64_t tag, const struct store_delivery *d)
{
	struct msg_delivery_row m = { .tag = tag,
		.position = MESSAGE_POSITION(d->seq, d->endpoint_id),
		.at_us = (uint64_t)d->delivery.at_us,
		.state = d->delivery.state,
		.attempts = d->delivery.attempts,
		.outcome = d->delivery.outcome,
		.http_status = d->delivery.http_status,
		.receipt = d->delivery.receipt };

	memcpy(m.endpoint, d->delivery.endpoint, sizeof(m.endpoint));
	return peers_send(p, MSG_DELIVERY_ROW, &m);
}

static bool
send_attempt(struct peer *p, uint64_t tag, const struct delivery_attempt *a)
{
	const struct msg_attempt m = { .tag = tag,
		.at_us = (uint64_t)a->at_us,
		.number = a->number,
		.outcome = a->outcome,
		.http_status = a->http_status,
		.took_ms = a->took_ms,
		.bytes = a->bytes };

	return peers_send(p, MSG_ATTEMPT, &m);
}

static void
show(const struct redeliver *r, struct peer *p, const struct store_read *read)
{
	bool attempts = read->kind == STORE_READ_ATTEMPTS;
	struct msg_page_end end = page_end(r, read);

	if (channel_queued(p->channel) + read->n > PEERS_ROWS) {
		end.status = ST_BUSY;
		end.last_seq = read->after_seq;
		end.more = 0;
		(void)peers_send(p, MSG_PAGE_END, &end);
		return;
	}
	for (size_t i = 0; i < read->n; i++) {
		if (attempts
			? !send_attempt(p, read->tag, &read->attempts[i])
			: !send_delivery(p, read->tag, &read->deliveries[i]))
			return;
	}
	(void)peers_send(p, MSG_PAGE_END, &end);
}

/* One after the other, whoever asks. */
static int64_t
next_turn(struct redeliver *r)
{
	int64_t now_us = clock_wall_us(), at_us;

	/* The clock may have been set back. */
	if (r->next_us < now_us || r->next_us > now_us + 86400 * SECOND_US)
		r->next_us = now_us;
	at_us = r->next_us;
	r->next_us += SECOND_US / routes_redeliver_rate(r->routes);
	return at_us;
}

/* What is asked of deliveries that stand so; as many as *n. */
static struct store_redeliver *
plan(struct redeliver *r, const struct store_read *read, size_t *n)
{
	enum delivery_state to = read->action == REDELIVER_RETRY
				     ? DELIVERY_PENDING
				     : DELIVERY_DROPPED;
	struct store_redeliver *items = calloc(read->n, sizeof(*items));

	*n = 0;
	for (size_t i = 0; i < read->n && items != NULL; i++) {
		const struct store_delivery *d = &read->deliveries[i];

		if (!delivery_move(d->delivery.state, to))
			continue;
		items[(*n)++] = (struct store_redeliver){ .seq = d->seq,
			.endpoint_id = d->endpoint_id,
			.to = to,
			.at_us = to == DELIVERY_PENDING ? next_turn(r)
							: clock_wall_us() };
	}
	return items;
}

/* What has to be remembered until the store answers. */
struct redeliver_wait {
	struct redeliver_wait *next;
	uint64_t owner, tag, last;
	uint32_t matched;
	bool more;
	char by[CONFIG_NAME];
};

static void
act(struct redeliver *r, struct peer *p, const struct store_read *read)
{
	struct redeliver_wait *w = calloc(1, sizeof(*w));
	struct store_read failed = *read;
	struct store_redeliver *items;
	size_t n = 0;
	enum status st = ST_NO_MEMORY;

	items = plan(r, read, &n);
	if (w != NULL && items != NULL)
		st = store_queue_redeliver(
		    r->queue, items, n, read->owner, read->tag);
	free(items);
	if (st != ST_OK) {
		free(w);
		failed.more = false;
		(void)answer_empty(r, p, &failed, ST_BUSY);
		return;
	}
	w->owner = read->owner;
	w->tag = read->tag;
	w->last = read->last;
	w->matched = (uint32_t)read->n;
	w->more = read->more;
	memcpy(w->by, read->by, sizeof(w->by));
	w->next = r->waiting;
	r->waiting = w;
}

void
redeliver_read_done(struct redeliver *r, const struct store_read *read)
{
	struct peer *p = peers_find(r->peers, read->owner);
	struct msg_redelivered m;

	if (p == NULL)
		return;
	if (!read->changes) {
		show(r, p, read);
		return;
	}
	if (read->status == ST_OK && read->n > 0 &&
	    read->action != REDELIVER_COUNT) {
		act(r, p, read);
		return;
	}
	m = redelivered(r, read, (uint32_t)read->n, 0);
	(void)peers_send(p, MSG_REDELIVERED, &m);
}

/* ---- what is on disk */

static struct redeliver_wait *
take_wait(struct redeliver *r, uint64_t owner, uint64_t tag)
{
	struct redeliver_wait **at = &r->waiting, *w;

	while (*at != NULL && ((*at)->owner != owner || (*at)->tag != tag))
		at = &(*at)->next;
	w = *at;
	if (w != NULL)
		*at = w->next;
	return w;
}

static void
say(struct redeliver *r, const struct store_op *op, const char *by)
{
	const struct store_redeliver *items = op->u.redeliver.items;
	bool retry = items[0].to == DELIVERY_PENDING;

	log_event(retry ? LOG_REDELIVERED : LOG_DROPPED,
	    log_num(KEY_COUNT, op->u.redeliver.changed), log_word(KEY_WHO, by));
	if (!retry)
		return;
	metrics_add(MET_REDELIVERIES, op->u.redeliver.changed);
	for (size_t i = 0; i < op->u.redeliver.n; i++)
		deliveries_again(
		    r->deliveries, items[i].endpoint_id, items[i].at_us);
}

static void
changed(struct redeliver *r, const struct store_op *op)
{
	struct peer *p = peers_find(r->peers, op->owner);
	struct redeliver_wait *w = take_wait(r, op->owner, op->tag);
	struct msg_redelivered m = { .tag = op->tag,
		.epoch = r->epoch,
		.status = (uint32_t)(op->status == ST_OK || op->status == ST_IO
					 ? op->status
					 : ST_BUSY) };

	if (w == NULL)
		return;
	if (op->status == ST_OK) {
		if (op->u.redeliver.changed > 0)
			say(r, op, w->by);
		m.matched = w->matched;
		m.changed = op->u.redeliver.changed;
		m.last = w->last;
		m.more = w->more;
	}
	if (p != NULL)
		(void)peers_send(p, MSG_REDELIVERED, &m);
	free(w);
}

void
redeliver_done(struct redeliver *r, const struct store_op *op)
{
	struct peer *p = peers_find(r->peers, op->owner);
	struct msg_done done = { .tag = op->tag,
		.status = (uint32_t)op->status };

	if (op->kind == STORE_OP_REDELIVER) {
		changed(r, op);
		return;
	}
	if (op->status == ST_OK && op->u.disable.at_us == 0)
		deliveries_resume(r->deliveries, op->u.disable.endpoint_id);
	if (p != NULL)
		(void)peers_send(p, MSG_DONE, &done);
}

void
redeliver_end(struct redeliver *r)
{
	while (r->waiting != NULL) {
		struct redeliver_wait *w = r->waiting;

		r->waiting = w->next;
		free(w);
	}
}
