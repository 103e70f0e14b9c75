#include "driver_memory_content.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *
copy(const void *p, size_t n)
{
	void *q = malloc(n + 1);

	assert(q != NULL);
	if (n > 0)
		memcpy(q, p, n);
	return q;
}

void *
content_append(void *list, size_t *n, size_t size)
{
	char *all = realloc(list, (*n + 1) * size);

	assert(all != NULL);
	memset(all + *n * size, 0, size);
	++*n;
	return all;
}

void
content_take_out(void *list, size_t *n, size_t size, size_t i)
{
	char *at = (char *)list + i * size;

	memmove(at, at + size, (*n - i - 1) * size);
	--*n;
}

void
content_copy(struct content *to, const struct content *from)
{
	*to = *from;
	to->rows = copy(from->rows, from->n_rows * sizeof(*from->rows));
	to->deliveries = copy(
	    from->deliveries, from->n_deliveries * sizeof(*from->deliveries));
	to->tries = copy(from->tries, from->n_tries * sizeof(*from->tries));
	to->marks = copy(from->marks, from->n_marks * sizeof(*from->marks));
	to->tokens = copy(from->tokens, from->n_tokens * sizeof(*from->tokens));
	to->waiting =
	    copy(from->waiting, from->n_waiting * sizeof(*from->waiting));
	to->tombstones = copy(
	    from->tombstones, from->n_tombstones * sizeof(*from->tombstones));
	to->legals = copy(from->legals, from->n_legals * sizeof(*from->legals));
	to->totals = copy(from->totals, from->n_totals * sizeof(*from->totals));
	to->notices =
	    copy(from->notices, from->n_notices * sizeof(*from->notices));
	to->leaves = copy(from->leaves, from->n_leaves * sizeof(*from->leaves));
	to->openers =
	    copy(from->openers, from->n_openers * sizeof(*from->openers));
	to->heads = copy(from->heads, from->n_heads * sizeof(*from->heads));
}

void
content_free(struct content *c)
{
	free(c->rows);
	free(c->deliveries);
	free(c->tries);
	free(c->marks);
	free(c->tokens);
	free(c->waiting);
	free(c->tombstones);
	free(c->notices);
	free(c->legals);
	free(c->totals);
	free(c->leaves);
	free(c->openers);
	free(c->heads);
	memset(c, 0, sizeof(*c));
}

static bool
same(const struct receipt_id *a, const struct receipt_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

const struct store_row *
content_row(const struct content *c, uint64_t seq)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		if (c->rows[i].seq == seq)
			return &c->rows[i];
	}
	return NULL;
}

/* The place of a waiting or held payment, or n_waiting. */
static size_t
place_of(const struct content *c, enum life life, uint64_t n)
{
	size_t i = 0;

	while (i < c->n_waiting &&
	       (c->waiting[i].life.n != n || c->waiting[i].life.life != life))
		i++;
	return i;
}

static size_t
tombstone_of(const struct content *c, const struct receipt_id *id)
{
	size_t i = 0;

	while (i < c->n_tombstones && !same(&c->tombstones[i].id, id))
		i++;
	return i;
}

void
content_find(const struct content *c, const struct receipt_id *id,
    struct store_life *out)
{
	size_t at = tombstone_of(c, id);

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < c->n_rows; i++) {
		if (!same(&c->rows[i].receipt.id, id))
			continue;
		out->life = LIFE_CONFIRMED;
		out->n = c->rows[i].seq;
	}
	for (size_t i = 0; i < c->n_waiting; i++) {
		if (same(&c->waiting[i].life.claimed.id, id))
			*out = c->waiting[i].life;
	}
	if (at < c->n_tombstones)
		out->life = c->tombstones[at].life;
}

static bool
is_known(const struct content *c, const struct receipt_id *id)
{
	struct store_life now;

	content_find(c, id, &now);
	return now.life != LIFE_ABSENT;
}

enum status
content_put(struct content *c, const struct receipt *r, int64_t due_us,
    const uint32_t *endpoint_ids, size_t n_endpoints)
{
	struct store_row *row;

	if (is_known(c, &r->id))
		return ST_EXISTS;
	if (!receipt_valid(r))
		return ST_BAD_INPUT;
	c->rows = content_append(c->rows, &c->n_rows, sizeof(*c->rows));
	row = &c->rows[c->n_rows - 1];
	row->seq = ++c->last_seq;
	row->receipt = *r;
	content_leaf(c, row->seq, r);
	for (size_t i = 0; i < n_endpoints; i++) {
		c->deliveries = content_append(
		    c->deliveries, &c->n_deliveries, sizeof(*c->deliveries));
		c->deliveries[c->n_deliveries - 1] =
		    (struct owed){ .seq = c->last_seq,
			    .endpoint_id = endpoint_ids[i],
			    .first_us = due_us,
			    .outcome = OUTCOMES,
			    .at_us = due_us };
	}
	return ST_OK;
}

enum status
content_wait(struct content *c, const struct receipt *r, const char *tran_id)
{
	struct bytes tran = bytes_of(tran_id);
	struct waiting *w;

	if (is_known(c, &r->id))
		return ST_EXISTS;
	if (!receipt_valid(r) || (tran.len > 0 && !receipt_invoice_valid(tran)))
		return ST_BAD_INPUT;
	c->waiting =
	    content_append(c->waiting, &c->n_waiting, sizeof(*c->waiting));
	w = &c->waiting[c->n_waiting - 1];
	w->life.life = LIFE_WAITING;
	w->life.n = ++c->last_n;
	w->life.claimed = *r;
	w->next_us = r->received_at_us;
	assert(receipt_text(w->tran_id, sizeof(w->tran_id), tran));
	return ST_OK;
}

enum status
content_again(struct content *c, const struct store_again *a)
{
	size_t i = place_of(c, LIFE_WAITING, a->n);

	if (i == c->n_waiting || c->waiting[i].attempts + 1 != a->attempt)
		return ST_NOT_FOUND;
	c->waiting[i].attempts = a->attempt;
	c->waiting[i].denied = a->denied;
	c->waiting[i].next_us = a->next_us;
	return ST_OK;
}

static void
hold_it(struct store_life *l, const struct store_move *m)
{
	l->life = LIFE_HELD;
	l->reason = m->reason;
	l->held_at_us = m->at_us;
	l->is_answered = m->answered != NULL;
	if (!l->is_answered)
		return;
	l->answered = l->claimed;
	l->answered.amount_minor = m->answered->amount_minor;
	memcpy(l->answered.currency, m->answered->currency,
	    sizeof(l->answered.currency));
	memcpy(l->answered.invoice_id, m->answered->invoice_id,
	    sizeof(l->answered.invoice_id));
}

static enum status
leave(struct content *c, const struct store_move *m)
{
	size_t i;

	switch (m->from) {
	case LIFE_WAITING:
	case LIFE_HELD:
		i = place_of(c, m->from, m->n);
		if (i == c->n_waiting ||
		    !same(&c->waiting[i].life.claimed.id, &m->receipt.id))
			return ST_NOT_FOUND;
		content_take_out(
		    c->waiting, &c->n_waiting, sizeof(*c->waiting), i);
		return ST_OK;
	case LIFE_REFUSED:
		i = tombstone_of(c, &m->receipt.id);
		if (i == c->n_tombstones ||
		    c->tombstones[i].life != LIFE_REFUSED)
			return ST_NOT_FOUND;
		content_take_out(
		    c->tombstones, &c->n_tombstones, sizeof(*c->tombstones), i);
		return ST_OK;
	case LIFE_CONFIRMED:
		return content_erase(c, m);
	case LIFE_ABSENT:
	default:
		return is_known(c, &m->receipt.id) ? ST_NOT_FOUND : ST_OK;
	}
}

static enum status
arrive(struct content *c, const struct store_move *m)
{
	enum status st;

	switch (m->to) {
	case LIFE_WAITING:
		return content_wait(c, &m->receipt, "");
	case LIFE_HELD:
		st = content_wait(c, &m->receipt, "");
		if (st == ST_OK)
			hold_it(&c->waiting[c->n_waiting - 1].life, m);
		return st;
	case LIFE_CONFIRMED:
		return content_put(
		    c, &m->receipt, m->at_us, m->endpoint_ids, m->n_endpoints);
	case LIFE_REFUSED:
	case LIFE_ERASED:
	default:
		c->tombstones = content_append(
		    c->tombstones, &c->n_tombstones, sizeof(*c->tombstones));
		c->tombstones[c->n_tombstones - 1] =
		    (struct tombstone){ m->receipt.id, m->to, m->at_us };
		return ST_OK;
	}
}

enum status
content_move(struct content *c, const struct store_move *m)
{
	enum status st;
	size_t i;

	assert(life_move(m->from, m->to, NULL));
	if (m->from == LIFE_WAITING && m->to == LIFE_HELD) {
		i = place_of(c, LIFE_WAITING, m->n);
		if (i == c->n_waiting ||
		    !same(&c->waiting[i].life.claimed.id, &m->receipt.id))
			return ST_NOT_FOUND;
		hold_it(&c->waiting[i].life, m);
		return ST_OK;
	}
	st = leave(c, m);
	return st == ST_OK ? arrive(c, m) : st;
}

/* ---- out */

static bool
is_merchants(const char *merchant, const struct receipt *r)
{
	return merchant == NULL || strcmp(merchant, r->merchant) == 0;
}

static bool
is_undelivered(const struct content *c, uint64_t seq)
{
	for (size_t i = 0; i < c->n_deliveries; i++) {
		if (c->deliveries[i].seq == seq &&
		    (c->deliveries[i].state == DELIVERY_PENDING ||
			c->deliveries[i].state == DELIVERY_EXHAUSTED))
			return true;
	}
	return false;
}

static bool
is_wanted(const struct content *c, const struct store_query *q,
    const struct store_row *row)
{
	const struct receipt *r = &row->receipt;

	return is_merchants(q->merchant, r) &&
	       (q->invoice_id == NULL ||
		   strcmp(q->invoice_id, r->invoice_id) == 0) &&
	       (q->currency == NULL || strcmp(q->currency, r->currency) == 0) &&
	       r->paid_at_us >= q->paid_from_us &&
	       (q->paid_to_us == 0 || r->paid_at_us < q->paid_to_us) &&
	       (!q->undelivered || is_undelivered(c, row->seq));
}

static bool
is_behind(const struct store_query *q, uint64_t seq)
{
	if (q->desc)
		return q->after_seq == 0 || seq < q->after_seq;
	return seq > q->after_seq;
}

void
content_page(const struct content *c, const struct store_query *q,
    store_row_fn *fn, void *arg, uint64_t *last, bool *more)
{
	size_t n = 0, looked = 0;

	*more = false;
	*last = q->after_seq;
	for (size_t i = 0; i < c->n_rows && !*more; i++) {
		const struct store_row *row =
		    &c->rows[q->desc ? c->n_rows - 1 - i : i];

		if (!is_behind(q, row->seq))
			continue;
		if (q->scan > 0 && looked++ == q->scan) {
			*more = true;
		} else if (!is_wanted(c, q, row)) {
			*last = row->seq;
		} else if (n++ == q->limit) {
			*more = true;
		} else {
			*last = row->seq;
			fn(arg, row);
		}
	}
}

enum status
content_get(const struct content *c, const struct receipt_id *id,
    const char *merchant, struct store_row *out)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		const struct receipt *r = &c->rows[i].receipt;

		if (!same(&r->id, id) || !is_merchants(merchant, r))
			continue;
		*out = c->rows[i];
		return ST_OK;
	}
	return ST_NOT_FOUND;
}

struct timed {
	int64_t at_us;
	struct store_due due;
};

static int
by_time(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return x->due.row.seq < y->due.row.seq
		   ? -1
		   : x->due.row.seq > y->due.row.seq;
}

/* In order, up to the limit and the time.  Frees all. */
static void
give(struct timed *all, size_t n, int64_t now_us, size_t limit,
    store_due_fn *fn, void *arg, int64_t *next_us)
{
	*next_us = INT64_MAX;
	if (n > 0)
		qsort(all, n, sizeof(*all), by_time);
	for (size_t i = 0; i < n; i++) {
		if (i == limit || all[i].at_us > now_us) {
			*next_us = all[i].at_us;
			break;
		}
		fn(arg, &all[i].due);
	}
	free(all);
}

/* Is an earlier receipt of the same invoice still owed there? */
static bool
is_behind_another(const struct content *c, const struct owed *v)
{
	const struct receipt *r = &content_row(c, v->seq)->receipt;

	for (size_t i = 0; i < c->n_deliveries; i++) {
		const struct owed *o = &c->deliveries[i];
		const struct receipt *other;

		if (o->state != DELIVERY_PENDING || o->seq >= v->seq ||
		    o->endpoint_id != v->endpoint_id)
			continue;
		other = &content_row(c, o->seq)->receipt;
		if (strcmp(other->merchant, r->merchant) == 0 &&
		    strcmp(other->invoice_id, r->invoice_id) == 0)
			return true;
	}
	return false;
}

void
content_due(const struct content *c, uint32_t endpoint_id, bool ordered,
    int64_t now_us, size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	struct timed *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_notices; i++) {
		if (c->notices[i].endpoint_id != endpoint_id)
			continue;
		all = content_append(all, &n, sizeof(*all));
		all[n - 1].at_us = c->notices[i].next_us;
		all[n - 1].due = c->notices[i].due;
	}
	for (size_t i = 0; i < c->n_deliveries; i++) {
		const struct owed *v = &c->deliveries[i];

		if (v->state != DELIVERY_PENDING ||
		    v->endpoint_id != endpoint_id ||
		    (ordered && is_behind_another(c, v)))
			continue;
		all = content_append(all, &n, sizeof(*all));
		all[n - 1].at_us = v->at_us;
		all[n - 1].due.row = *content_row(c, v->seq);
		all[n - 1].due.attempt = v->attempts + 1;
		all[n - 1].due.first_us = v->first_us;
		all[n - 1].due.failed = v->attempts - v->before;
	}
	give(all, n, now_us, limit, fn, arg, next_us);
}

void
content_questions(const struct content *c, const char *merchant, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	struct timed *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_waiting; i++) {
		const struct waiting *w = &c->waiting[i];

		if (w->life.life != LIFE_WAITING ||
		    !is_merchants(merchant, &w->life.claimed))
			continue;
		all = content_append(all, &n, sizeof(*all));
		all[n - 1].at_us = w->next_us;
		all[n - 1].due.row.seq = w->life.n;
		all[n - 1].due.row.receipt = w->life.claimed;
		all[n - 1].due.attempt = w->attempts + 1;
		all[n - 1].due.denied = w->denied;
		memcpy(all[n - 1].due.tran_id, w->tran_id, sizeof(w->tran_id));
	}
	give(all, n, now_us, limit, fn, arg, next_us);
}

void
content_holds(const struct content *c, const struct store_query *q,
    store_life_fn *fn, void *arg, bool *more)
{
	size_t n = 0;

	*more = false;
	for (size_t i = 0; i < c->n_waiting && !*more; i++) {
		const struct store_life *l = &c->waiting[i].life;

		if (l->life != LIFE_HELD || l->n <= q->after_seq ||
		    !is_merchants(q->merchant, &l->claimed))
			continue;
		if (n++ == q->limit)
			*more = true;
		else
			fn(arg, l);
	}
}

enum status
content_hold(const struct content *c, const struct receipt_id *id,
    const char *merchant, struct store_life *out)
{
	for (size_t i = 0; i < c->n_waiting; i++) {
		const struct store_life *l = &c->waiting[i].life;

		if (l->life != LIFE_HELD || !same(&l->claimed.id, id) ||
		    !is_merchants(merchant, &l->claimed))
			continue;
		*out = *l;
		return ST_OK;
	}
	return ST_NOT_FOUND;
}

void
content_totals(const struct content *c, struct store_totals *out)
{
	uint64_t oldest = 0;

	memset(out, 0, sizeof(*out));
	out->receipts = c->n_rows;
	out->notices = c->n_notices;
	for (size_t i = 0; i < c->n_deliveries; i++) {
		if (c->deliveries[i].state == DELIVERY_EXHAUSTED)
			out->exhausted++;
		if (c->deliveries[i].state != DELIVERY_PENDING)
			continue;
		out->deliveries_pending++;
		if (oldest == 0 || c->deliveries[i].seq < oldest)
			oldest = c->deliveries[i].seq;
	}
	if (oldest != 0)
		out->oldest_pending_us =
		    content_row(c, oldest)->receipt.received_at_us;
	for (size_t i = 0; i < c->n_waiting; i++) {
		const struct store_life *l = &c->waiting[i].life;

		if (l->life == LIFE_HELD) {
			out->held++;
			continue;
		}
		out->waiting++;
		if (out->oldest_waiting_us == 0 ||
		    l->claimed.received_at_us < out->oldest_waiting_us)
			out->oldest_waiting_us = l->claimed.received_at_us;
	}
}
