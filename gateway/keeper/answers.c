#include "keeper/answers.h"

#include <string.h>

static uint32_t
shown(enum status st)
{
	return st == ST_NO_MEMORY ? (uint32_t)ST_BUSY : (uint32_t)st;
}

static struct msg_page_end
page_end(const struct answers *a, const struct store_read *read)
{
	return (struct msg_page_end){ .tag = read->tag,
		.epoch = a->epoch,
		.last_seq = read->n > 0 ? read->rows[read->n - 1].row.seq
					: read->after_seq,
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
		.epoch = a->epoch,
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
}

static void
ask_get(struct store_read *ask, const struct msg_get *m)
{
	ask->kind = STORE_READ_GET;
	ask->tag = m->tag;
	ask->id = m->id;
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
	} else {
		ask.kind = STORE_READ_TOTALS;
		ask.tag = ((const struct msg_probe *)record)->tag;
	}
	st = store_reader_ask(a->reader, &ask);
	return st == ST_OK || refuse(a, p, &ask, st);
}

static void
send_rows(
    const struct answers *a, struct peer *p, const struct store_read *read)
{
	struct msg_page_end end = page_end(a, read);

	if (channel_queued(p->channel) + read->n > PEERS_ROWS) {
		end.status = ST_BUSY;
		end.last_seq = read->after_seq;
		end.more = 0;
		(void)peers_send(p, MSG_PAGE_END, &end);
		return;
	}
	for (size_t i = 0; i < read->n; i++) {
		struct msg_row row = { .tag = read->tag,
			.seq = read->rows[i].row.seq,
			.receipt = read->rows[i].row.receipt };

		if (!peers_send(p, MSG_ROW, &row))
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
		send_rows(a, p, read);
		return;
	}
	h = health(a, read);
	(void)peers_send(p, MSG_HEALTH, &h);
}
