#include "keeper/deliveries.h"

#include <string.h>

#include "base/clock.h"

static bool
ask(const struct routes *r, size_t place, struct store_read *ask)
{
	ask->kind = STORE_READ_DUE;
	ask->endpoint_id = routes_id(r, place);
	return ask->endpoint_id != 0;
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
	.backoff = &backoff_deliveries,
	.shortest_gap_us = 5 * INT64_C(1000000),
	.places = routes_count,
	.place_of = routes_place_of_name,
	.ask = ask,
	.record = record,
	.write = write };

bool
deliveries_settle(
    struct offers *o, uint64_t courier, const struct msg_settle *m)
{
	struct claim *c =
	    offers_held(o, courier, m->seq, m->endpoint_id, m->attempt);

	if (c == NULL)
		return false;
	c->u.settle = (struct store_settle){ .seq = m->seq,
		.endpoint_id = m->endpoint_id,
		.attempt = m->attempt,
		.delivered = m->outcome == OUTCOME_DELIVERED,
		.outcome = m->outcome,
		.http_status = m->http_status,
		.now_us = clock_wall_us() };
	if (!c->u.settle.delivered)
		c->u.settle.next_us = offers_next_us(o, c);
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
deliveries_settle_done(struct offers *o, const struct store_op *op)
{
	const struct store_settle *s = &op->u.settle;

	offers_written(o, offers_find(o, s->seq, s->endpoint_id), op->status,
	    s->delivered ? INT64_MAX : s->next_us);
}
