#include "keeper/answers.h"

#include <string.h>

#include "base/metrics.h"
#include "keeper/deliveries.h"
#include "keeper/questions.h"

static uint32_t
shown(enum status st)
{
	return st == ST_NO_MEMORY ? (uint32_t)ST_BUSY : (uint32_t)st;
}

static bool
is_of_holds(const struct store_read *read)
{
	return read->kind == STORE_READ_HOLDS || read->kind == STORE_READ_HOLD;
}

static uint64_t
last_seq(const struct store_read *read)
{
	if (read->kind == STORE_READ_PAGE)
		return read->last;
	if (read->n == 0)
		return read->after_seq;
	return is_of_holds(read) ? read->lives[read->n - 1].n
				 : read->rows[read->n - 1].row.seq;
}

static struct msg_page_end
page_end(const struct answers *a, const struct store_read *read)
{
	return (struct msg_page_end){ .tag = read->tag,
		.epoch = a->epoch,
		.last_seq = last_seq(read),
		.more = read->more,
		.status = shown(read->status) };
}

static struct msg_health
health(const struct answers *a, const struct store_read *read)
{
	const struct store_totals *t = &read->totals;
	enum status st = store_queue_health(a->queue);

	return (struct msg_health){ .tag = read->tag,
		.receipts = t->receipts,
		.deliveries_pending = t->deliveries_pending,
		.oldest_pending_us = (uint64_t)t->oldest_pending_us,
		.waiting = t->waiting,
		.oldest_waiting_us = (uint64_t)t->oldest_waiting_us,
		.held = t->held,
		.epoch = a->epoch,
		.exhausted = t->exhausted,
		.disabled = deliveries_disabled(a->deliveries),
		.status = shown(st != ST_OK ? st : read->status) };
}

/* The read could not even be queued. */
static bool
refuse(const struct answers *a, struct peer *p, struct store_read *ask,
    enum status st)
{
	struct msg_page_end end;
	struct msg_health h;

	ask->status = st;
	if (ask->kind == STORE_READ_TOTALS) {
		h = health(a, ask);
		return channel_add(p->channel, MSG_HEALTH, &h) != ST_BUSY;
	}
	end = page_end(a, ask);
	return channel_add(p->channel, MSG_PAGE_END, &end) != ST_BUSY;
}

static void
ask_page(struct store_read *ask, const struct msg_page *m)
{
	ask->kind = STORE_READ_PAGE;
	ask->tag = m->tag;
	ask->after_seq = m->after_seq;
	ask->limit = m->limit;
	memcpy(ask->merchant, m->merchant, sizeof(ask->merchant));
	memcpy(ask->invoice_id, m->invoice_id, sizeof(ask->invoice_id));
	memcpy(ask->currency, m->currency, sizeof(ask->currency));
	ask->from_us = (int64_t)m->paid_from_us;
	ask->to_us = (int64_t)m->paid_to_us;
	ask->desc = (m->flags & PAGE_DESC) != 0;
	ask->undelivered = (m->flags & PAGE_UNDELIVERED) != 0;
}

static void
ask_get(struct store_read *ask, const struct msg_get *m)
{
	ask->kind = STORE_READ_GET;
	ask->tag = m->tag;
	ask->id = m->id;
	memcpy(ask->merchant, m->merchant, sizeof(ask->merchant));
}

static void
ask_holds(struct store_read *ask, const struct msg_holds *m)
{
	static const struct receipt_id all;
	bool one = memcmp(&m->id, &all, sizeof(all)) != 0;

	ask->kind = one ? STORE_READ_HOLD : STORE_READ_HOLDS;
	ask->tag = m->tag;
	ask->id = m->id;
	ask->after_seq = m->after;
	ask->limit = m->limit;
	memcpy(ask->merchant, m->merchant, sizeof(ask->merchant));
}

bool
answers_ask(const struct answers *a, struct peer *p, enum message type,
    const void *record)
{
	struct store_read ask = { .owner = p->id };
	enum status st;

	if (type == MSG_PAGE) {
		ask_page(&ask, record);
	} else if (type == MSG_GET) {
		ask_get(&ask, record);
	} else if (type == MSG_HOLDS) {
		ask_holds(&ask, record);
	} else {
		ask.kind = STORE_READ_TOTALS;
		ask.tag = ((const struct msg_probe *)record)->tag;
	}
	st = store_reader_ask(a->reader, &ask);
	return st == ST_OK || refuse(a, p, &ask, st);
}

/* false: the peer is gone. */
static bool
send_row(struct peer *p, uint64_t tag, const struct store_row *row)
{
	struct msg_row m = {
		.tag = tag, .seq = row->seq, .receipt = row->receipt
	};

	return peers_send(p, MSG_ROW, &m);
}

static bool
send_hold(struct peer *p, uint64_t tag, const struct store_life *held)
{
	struct msg_hold m = { .tag = tag,
		.n = held->n,
		.held_at_us = (uint64_t)held->held_at_us,
		.reason = held->reason,
		.is_answered = held->is_answered,
		.claimed = held->claimed };

	if (held->is_answered)
		m.answered = held->answered;
	return peers_send(p, MSG_HOLD, &m);
}

static void
send_all(const struct answers *a, struct peer *p, const struct store_read *read)
{
	struct msg_page_end end = page_end(a, read);
	bool of_holds = is_of_holds(read);

	if (channel_queued(p->channel) + read->n > PEERS_ROWS) {
		end.status = ST_BUSY;
		end.last_seq = read->after_seq;
		end.more = 0;
		(void)peers_send(p, MSG_PAGE_END, &end);
		return;
	}
	for (size_t i = 0; i < read->n; i++) {
		if (of_holds ? !send_hold(p, read->tag, &read->lives[i])
			     : !send_row(p, read->tag, &read->rows[i].row))
			return;
	}
	(void)peers_send(p, MSG_PAGE_END, &end);
}

void
answers_read_done(const struct answers *a, const struct store_read *read)
{
	struct peer *p = peers_find(a->peers, read->owner);
	struct msg_health h;

	if (p == NULL)
		return;
	if (read->kind != STORE_READ_TOTALS) {
		send_all(a, p, read);
		return;
	}
	h = health(a, read);
	(void)peers_send(p, MSG_HEALTH, &h);
}

void
answers_show_totals(const struct store_totals *t)
{
	metrics_set(MET_RECEIPTS, (int64_t)t->receipts);
	metrics_set(MET_DELIVERIES_PENDING, (int64_t)t->deliveries_pending);
	metrics_set(MET_DELIVERY_OLDEST_US, t->oldest_pending_us);
	metrics_set(MET_WAITING, (int64_t)t->waiting);
	metrics_set(MET_WAITING_OLDEST_US, t->oldest_waiting_us);
	metrics_set(MET_HELD, (int64_t)t->held);
	metrics_set(MET_DELIVERIES_EXHAUSTED, (int64_t)t->exhausted);
	metrics_set(MET_NOTICES_PENDING, (int64_t)t->notices);
}

void
answers_put_done(const struct answers *a, const struct store_op *op)
{
	struct peer *p = peers_find(a->peers, op->owner);
	struct msg_put_done m = { .tag = op->tag,
		.status = (uint32_t)op->status };

	if (op->status == ST_BAD_INPUT)
		m.status = ST_BUSY; /* not stored, and not to be lost */
	if (op->status == ST_OK && op->u.put.wait)
		questions_waits(a->questions, op->u.put.receipt.merchant);
	else if (op->status == ST_OK)
		deliveries_owed(a->deliveries, &op->u.put.endpoints);
	if (p != NULL)
		(void)peers_send(p, MSG_PUT_DONE, &m);
}
