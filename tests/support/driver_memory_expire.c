#include <stdlib.h>
#include <string.h>

#include "driver_memory_content.h"

#define DAY_US INT64_C(86400000000)

static size_t
place_of(const struct content *c, const char *merchant, const char *invoice_id)
{
	size_t i = 0;

	while (i < c->n_legals &&
	       (strcmp(c->legals[i].merchant, merchant) != 0 ||
		   strcmp(c->legals[i].invoice_id, invoice_id) != 0))
		i++;
	return i;
}

bool
content_is_held(
    const struct content *c, const char *merchant, const char *invoice_id)
{
	return place_of(c, merchant, invoice_id) < c->n_legals;
}

enum status
content_legal(struct content *c, const char *merchant, const char *invoice_id,
    int64_t at_us)
{
	size_t i = place_of(c, merchant, invoice_id);
	struct store_legal *l;

	if (at_us == 0) {
		if (i == c->n_legals)
			return ST_NOT_FOUND;
		content_take_out(
		    c->legals, &c->n_legals, sizeof(*c->legals), i);
		return ST_OK;
	}
	if (i < c->n_legals)
		return ST_EXISTS;
	c->legals = content_append(c->legals, &c->n_legals, sizeof(*c->legals));
	l = &c->legals[c->n_legals - 1];
	memcpy(l->merchant, merchant, strlen(merchant) + 1);
	memcpy(l->invoice_id, invoice_id, strlen(invoice_id) + 1);
	l->at_us = at_us;
	return ST_OK;
}

static void
add_to_total(struct content *c, const struct receipt *r)
{
	uint32_t day = (uint32_t)(r->paid_at_us / DAY_US);
	struct total *t = NULL;

	for (size_t i = 0; i < c->n_totals; i++) {
		if (c->totals[i].is_open &&
		    strcmp(c->totals[i].bucket.merchant, r->merchant) == 0 &&
		    strcmp(c->totals[i].bucket.currency, r->currency) == 0)
			t = &c->totals[i];
	}
	if (t != NULL && t->bucket.receipts >= STORE_BUCKET &&
	    t->bucket.last_day < day) {
		t->is_open = false;
		t = NULL;
	}
	if (t == NULL) {
		c->totals =
		    content_append(c->totals, &c->n_totals, sizeof(*c->totals));
		t = &c->totals[c->n_totals - 1];
		t->is_open = true;
		memcpy(t->bucket.merchant, r->merchant, sizeof(r->merchant));
		memcpy(t->bucket.currency, r->currency, sizeof(r->currency));
		t->bucket.first_day = t->bucket.last_day = day;
	}
	if (day < t->bucket.first_day)
		t->bucket.first_day = day;
	if (day > t->bucket.last_day)
		t->bucket.last_day = day;
	t->bucket.receipts++;
	t->bucket.amount_minor += r->amount_minor;
}

static bool
is_expired(const struct content *c, const struct store_expire *e,
    const struct receipt *r)
{
	return strcmp(r->merchant, e->merchant) == 0 &&
	       r->received_at_us < e->before_us &&
	       !content_is_held(c, r->merchant, r->invoice_id);
}

/* The oldest receipt that goes, or NULL. */
static const struct store_row *
oldest(const struct content *c, const struct store_expire *e)
{
	const struct store_row *found = NULL;

	for (size_t i = 0; i < c->n_rows; i++) {
		if (is_expired(c, e, &c->rows[i].receipt) &&
		    (found == NULL || c->rows[i].receipt.received_at_us <
					  found->receipt.received_at_us))
			found = &c->rows[i];
	}
	return found;
}

enum status
content_expire(struct content *c, struct store_expire *e)
{
	struct store_move m = {
		.to = LIFE_ERASED, .at_us = e->at_us, .why = ERASURE_AGE
	};
	const struct store_row *row;
	enum status st = ST_OK;

	e->receipts = e->waiting = e->held = 0;
	while (st == ST_OK && e->receipts < e->most &&
	       (row = oldest(c, e)) != NULL) {
		m.from = LIFE_CONFIRMED;
		m.n = row->seq;
		m.receipt = row->receipt;
		if (e->totals)
			add_to_total(c, &row->receipt);
		st = content_move(c, &m);
		e->receipts++;
	}
	for (size_t i = c->n_waiting; i-- > 0 && st == ST_OK;) {
		if (e->waiting + e->held == e->most ||
		    !is_expired(c, e, &c->waiting[i].life.claimed))
			continue;
		m.from = c->waiting[i].life.life;
		m.n = c->waiting[i].life.n;
		m.receipt = c->waiting[i].life.claimed;
		e->waiting += m.from == LIFE_WAITING;
		e->held += m.from == LIFE_HELD;
		st = content_move(c, &m);
	}
	return st;
}

static void
count(struct store_expire *e, const struct receipt *r, size_t *n)
{
	++*n;
	if (e->oldest_us == 0 || r->received_at_us < e->oldest_us)
		e->oldest_us = r->received_at_us;
}

void
content_expiring(const struct content *c, struct store_expire *e)
{
	e->receipts = e->waiting = e->held = 0;
	e->oldest_us = 0;
	for (size_t i = 0; i < c->n_rows; i++) {
		if (is_expired(c, e, &c->rows[i].receipt))
			count(e, &c->rows[i].receipt, &e->receipts);
	}
	for (size_t i = 0; i < c->n_waiting; i++) {
		if (is_expired(c, e, &c->waiting[i].life.claimed))
			count(e, &c->waiting[i].life.claimed,
			    c->waiting[i].life.life == LIFE_HELD ? &e->held
								 : &e->waiting);
	}
}
