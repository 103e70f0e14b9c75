#include <assert.h>
#include <string.h>

#include "driver_memory_content.h"

static void
tell(struct content *c, const struct store_move *m, const struct receipt *r,
    uint32_t endpoint_id)
{
	struct notice *n;

	c->notices =
	    content_append(c->notices, &c->n_notices, sizeof(*c->notices));
	n = &c->notices[c->n_notices - 1];
	n->endpoint_id = endpoint_id;
	n->next_us = n->due.first_us = m->tell_at_us;
	n->due.erased = true;
	n->due.attempt = 1;
	n->due.row.seq = DELIVERY_NOTICE | ++c->last_notice;
	n->due.row.receipt.id = r->id;
	n->due.row.receipt.received_at_us = m->at_us;
	memcpy(n->due.row.receipt.merchant, r->merchant, sizeof(r->merchant));
}

enum status
content_erase(struct content *c, const struct store_move *m)
{
	const struct store_row *row = content_row(c, m->n);
	const struct receipt r = row == NULL ? m->receipt : row->receipt;

	if (row == NULL || memcmp(&r.id, &m->receipt.id, sizeof(r.id)) != 0)
		return ST_NOT_FOUND;
	for (size_t i = c->n_deliveries; i-- > 0;) {
		if (c->deliveries[i].seq != m->n)
			continue;
		if (m->tell_at_us != 0)
			tell(c, m, &r, c->deliveries[i].endpoint_id);
		content_take_out(
		    c->deliveries, &c->n_deliveries, sizeof(*c->deliveries), i);
	}
	for (size_t i = c->n_tries; i-- > 0;) {
		if (c->tries[i].seq == m->n)
			content_take_out(
			    c->tries, &c->n_tries, sizeof(*c->tries), i);
	}
	content_leaf_erased(c, m);
	content_take_out(
	    c->rows, &c->n_rows, sizeof(*c->rows), (size_t)(row - c->rows));
	return ST_OK;
}

enum status
content_notice_settle(struct content *c, const struct store_settle *d)
{
	size_t i = 0;

	assert(d->to == DELIVERY_DELIVERED || d->to == DELIVERY_PENDING);
	while (i < c->n_notices &&
	       (c->notices[i].due.row.seq != d->seq ||
		   c->notices[i].endpoint_id != d->endpoint_id))
		i++;
	if (i == c->n_notices || c->notices[i].due.attempt != d->attempt)
		return ST_NOT_FOUND;
	if (d->to == DELIVERY_DELIVERED) {
		content_take_out(
		    c->notices, &c->n_notices, sizeof(*c->notices), i);
		return ST_OK;
	}
	c->notices[i].due.failed++;
	c->notices[i].due.attempt++;
	c->notices[i].next_us = d->next_us;
	return ST_OK;
}

static bool
is_of(const struct receipt *r, const char *merchant, const char *invoice_id)
{
	return strcmp(r->merchant, merchant) == 0 &&
	       strcmp(r->invoice_id, invoice_id) == 0;
}

void
content_payments(const struct content *c, const char *merchant,
    const char *invoice_id, size_t limit, store_life_fn *fn, void *arg,
    bool *more)
{
	size_t n = 0;

	*more = false;
	for (size_t i = 0; i < c->n_rows + c->n_waiting && !*more; i++) {
		struct store_life one = { .life = LIFE_CONFIRMED };

		if (i < c->n_rows) {
			one.n = c->rows[i].seq;
			one.claimed = c->rows[i].receipt;
		} else {
			one = c->waiting[i - c->n_rows].life;
		}
		if (!is_of(&one.claimed, merchant, invoice_id))
			continue;
		if (n++ == limit)
			*more = true;
		else
			fn(arg, &one);
	}
}
