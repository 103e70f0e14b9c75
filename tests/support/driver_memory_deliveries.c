#include <assert.h>
#include <string.h>

#include "driver_memory_content.h"

static struct owed *
owed_of(struct content *c, uint64_t seq, uint32_t endpoint_id)
{
	for (size_t i = 0; i < c->n_deliveries; i++) {
		struct owed *v = &c->deliveries[i];

		if (v->seq == seq && v->endpoint_id == endpoint_id)
			return v;
	}
	return NULL;
}

static void
log_try(struct content *c, const struct owed *v, int64_t at_us)
{
	struct tried *t;

	c->tries = content_append(c->tries, &c->n_tries, sizeof(*c->tries));
	t = &c->tries[c->n_tries - 1];
	t->seq = v->seq;
	t->endpoint_id = v->endpoint_id;
	t->attempt = (struct delivery_attempt){ .number = v->attempts,
		.at_us = at_us,
		.outcome = v->outcome,
		.http_status = v->http_status,
		.took_ms = v->took_ms,
		.bytes = v->bytes };
}

enum status
content_settle(struct content *c, const struct store_settle *d)
{
	struct owed *v = owed_of(c, d->seq, d->endpoint_id);

	if ((d->seq & DELIVERY_NOTICE) != 0)
		return content_notice_settle(c, d);
	if (v == NULL || v->state != DELIVERY_PENDING ||
	    v->attempts + 1 != d->attempt)
		return ST_NOT_FOUND;
	v->state = d->to;
	v->attempts++;
	v->outcome = d->outcome;
	v->http_status = d->http_status;
	v->took_ms = d->took_ms;
	v->bytes = d->bytes;
	v->at_us = d->to == DELIVERY_PENDING ? d->next_us : d->now_us;
	if (d->to != DELIVERY_DELIVERED)
		log_try(c, v, d->now_us);
	return ST_OK;
}

enum status
content_redeliver(struct content *c, const struct store_redeliver *r)
{
	struct owed *v = owed_of(c, r->seq, r->endpoint_id);

	if (v == NULL)
		return ST_NOT_FOUND;
	if (!delivery_move(v->state, r->to))
		return ST_EXISTS;
	if (v->state == DELIVERY_DELIVERED)
		log_try(c, v, v->at_us);
	v->state = r->to;
	v->at_us = r->at_us;
	if (r->to == DELIVERY_PENDING) {
		v->first_us = r->at_us;
		v->before = v->attempts;
	}
	return ST_OK;
}

/* ---- lists */

static bool
is_meant(
    const struct store_which *w, const struct owed *v, const struct receipt *r)
{
	return (w->merchant == NULL || strcmp(w->merchant, r->merchant) == 0) &&
	       (w->invoice_id == NULL ||
		   strcmp(w->invoice_id, r->invoice_id) == 0) &&
	       (w->id == NULL || memcmp(w->id, &r->id, sizeof(r->id)) == 0) &&
	       (w->endpoint_id == 0 || w->endpoint_id == v->endpoint_id) &&
	       (w->state == DELIVERY_STATES || w->state == v->state) &&
	       r->received_at_us >= w->from_us &&
	       (w->to_us == 0 || r->received_at_us < w->to_us);
}

/* The next one by position, or NULL. */
static const struct owed *
next_owed(const struct content *c, uint64_t after, uint64_t *position)
{
	const struct owed *best = NULL;

	for (size_t i = 0; i < c->n_deliveries; i++) {
		const struct owed *v = &c->deliveries[i];
		uint64_t at = v->seq << 16 | v->endpoint_id;

		if (at > after && (best == NULL || at < *position)) {
			best = v;
			*position = at;
		}
	}
	return best;
}

void
content_deliveries(const struct content *c, char *const *names,
    const struct store_which *w, store_delivery_fn *fn, void *arg,
    uint64_t *last, bool *more)
{
	uint64_t position = 0, seq = 0;
	const struct owed *v;
	size_t n = 0, looked = 0;

	*more = false;
	*last = w->after;
	while ((v = next_owed(c, *last, &position)) != NULL) {
		struct store_delivery d = { .seq = v->seq,
			.endpoint_id = v->endpoint_id };

		if (v->seq != seq && w->scan > 0 && looked++ == w->scan) {
			*more = true;
			return;
		}
		seq = v->seq;
		d.delivery.receipt = content_row(c, v->seq)->receipt;
		if (is_meant(w, v, &d.delivery.receipt)) {
			if (n++ == w->limit) {
				*more = true;
				return;
			}
			d.delivery.state = v->state;
			d.delivery.attempts = v->attempts;
			d.delivery.outcome = v->outcome;
			d.delivery.http_status = v->http_status;
			d.delivery.at_us = v->at_us;
			assert(receipt_text(d.delivery.endpoint,
			    sizeof(d.delivery.endpoint),
			    bytes_of(names[v->endpoint_id - 1])));
			fn(arg, &d);
		}
		*last = position;
	}
}

enum status
content_attempts(const struct content *c, char *const *names, size_t n_names,
    const struct receipt_id *id, const char *endpoint, const char *merchant,
    size_t most, store_attempt_fn *fn, void *arg)
{
	const struct owed *v = NULL;
	size_t n = 0, skip;

	for (size_t i = 0; i < c->n_deliveries && v == NULL; i++) {
		const struct owed *o = &c->deliveries[i];
		const struct receipt *r = &content_row(c, o->seq)->receipt;

		if (o->endpoint_id <= n_names &&
		    strcmp(names[o->endpoint_id - 1], endpoint) == 0 &&
		    memcmp(&r->id, id, sizeof(*id)) == 0 &&
		    (merchant == NULL || strcmp(merchant, r->merchant) == 0))
			v = o;
	}
	if (v == NULL)
		return ST_NOT_FOUND;
	for (size_t i = 0; i < c->n_tries; i++)
		n += c->tries[i].seq == v->seq &&
		     c->tries[i].endpoint_id == v->endpoint_id;
	n += v->state == DELIVERY_DELIVERED;
	skip = n > most ? n - most : 0;
	for (size_t i = 0; i < c->n_tries; i++) {
		if (c->tries[i].seq != v->seq ||
		    c->tries[i].endpoint_id != v->endpoint_id)
			continue;
		if (skip > 0)
			skip--;
		else
			fn(arg, &c->tries[i].attempt);
	}
	if (v->state == DELIVERY_DELIVERED) {
		const struct delivery_attempt good = { .number = v->attempts,
			.at_us = v->at_us,
			.outcome = OUTCOME_DELIVERED,
			.http_status = v->http_status,
			.took_ms = v->took_ms,
			.bytes = v->bytes };

		fn(arg, &good);
	}
	return ST_OK;
}

/* ---- marks and tokens */

static size_t
mark_of(const struct content *c, const char *merchant, const char *name)
{
	size_t i = 0;

	while (i < c->n_marks && (strcmp(c->marks[i].merchant, merchant) != 0 ||
				     strcmp(c->marks[i].name, name) != 0))
		i++;
	return i;
}

enum status
content_mark(struct content *c, struct store_mark *m)
{
	size_t i = mark_of(c, m->merchant, m->name), n = 0;

	if (i < c->n_marks && c->marks[i].seq > m->seq) {
		*m = c->marks[i];
		return ST_EXISTS;
	}
	for (size_t k = 0; k < c->n_marks; k++)
		n += strcmp(c->marks[k].merchant, m->merchant) == 0;
	if (i == c->n_marks && n == STORE_MARKS)
		return ST_UNAVAILABLE;
	if (i == c->n_marks)
		c->marks =
		    content_append(c->marks, &c->n_marks, sizeof(*c->marks));
	c->marks[i] = *m;
	return ST_OK;
}

enum status
content_unmark(struct content *c, const char *merchant, const char *name)
{
	size_t i = mark_of(c, merchant, name);

	if (i == c->n_marks)
		return ST_NOT_FOUND;
	content_take_out(c->marks, &c->n_marks, sizeof(*c->marks), i);
	return ST_OK;
}

enum status
content_marked(const struct content *c, struct store_mark *out)
{
	size_t i = mark_of(c, out->merchant, out->name);

	if (i == c->n_marks)
		return ST_NOT_FOUND;
	*out = c->marks[i];
	return ST_OK;
}

void
content_token(struct content *c, const struct store_token *t)
{
	size_t i = 0;

	while (
	    i < c->n_tokens && memcmp(c->tokens[i].sha256, t->sha256, 32) != 0)
		i++;
	if (i == c->n_tokens) {
		c->tokens =
		    content_append(c->tokens, &c->n_tokens, sizeof(*c->tokens));
		memcpy(c->tokens[i].sha256, t->sha256, 32);
	}
	if (t->day > c->tokens[i].day)
		c->tokens[i].day = t->day;
	if (c->tokens[i].revoked_at_us == 0)
		c->tokens[i].revoked_at_us = t->revoked_at_us;
}
