#include "driver_memory_content.h"

static bool
is_stopped(const struct content *c, const struct owed *v, int64_t before_us)
{
	const struct store_row *row = content_row(c, v->seq);

	return (v->state == DELIVERY_EXHAUSTED ||
		   v->state == DELIVERY_DROPPED) &&
	       v->at_us < before_us &&
	       !content_is_held(
		   c, row->receipt.merchant, row->receipt.invoice_id);
}

static bool
is_refused(const struct tombstone *t, int64_t before_us)
{
	return t->life == LIFE_REFUSED && t->at_us < before_us;
}

/* The place of the oldest that goes; none: as many as there are. */
static size_t
oldest_stopped(const struct content *c, int64_t before_us)
{
	size_t found = c->n_deliveries;

	for (size_t i = 0; i < c->n_deliveries; i++) {
		if (is_stopped(c, &c->deliveries[i], before_us) &&
		    (found == c->n_deliveries ||
			c->deliveries[i].at_us < c->deliveries[found].at_us))
			found = i;
	}
	return found;
}

static size_t
oldest_refused(const struct content *c, int64_t before_us)
{
	size_t found = c->n_tombstones;

	for (size_t i = 0; i < c->n_tombstones; i++) {
		if (is_refused(&c->tombstones[i], before_us) &&
		    (found == c->n_tombstones ||
			c->tombstones[i].at_us < c->tombstones[found].at_us))
			found = i;
	}
	return found;
}

/* false: there is none. */
static bool
forget_attempt(struct content *c, int64_t before_us)
{
	if (c->n_tries == 0 || c->tries[0].attempt.at_us >= before_us)
		return false;
	content_take_out(c->tries, &c->n_tries, sizeof(*c->tries), 0);
	return true;
}

static bool
forget_stopped(struct content *c, int64_t before_us)
{
	size_t i = oldest_stopped(c, before_us);
	struct owed gone;

	if (i == c->n_deliveries)
		return false;
	gone = c->deliveries[i];
	content_take_out(
	    c->deliveries, &c->n_deliveries, sizeof(*c->deliveries), i);
	for (i = c->n_tries; i-- > 0;) {
		if (c->tries[i].seq == gone.seq &&
		    c->tries[i].endpoint_id == gone.endpoint_id)
			content_take_out(
			    c->tries, &c->n_tries, sizeof(*c->tries), i);
	}
	return true;
}

static bool
forget_refused(struct content *c, int64_t before_us)
{
	size_t i = oldest_refused(c, before_us);

	if (i == c->n_tombstones)
		return false;
	content_take_out(
	    c->tombstones, &c->n_tombstones, sizeof(*c->tombstones), i);
	return true;
}

size_t
content_sweep(
    struct content *c, enum store_sweep what, int64_t before_us, size_t most)
{
	bool (*const forget[STORE_SWEEPS])(struct content * c, int64_t us) = {
		[STORE_SWEEP_ATTEMPTS] = forget_attempt,
		[STORE_SWEEP_STOPPED] = forget_stopped,
		[STORE_SWEEP_REFUSED] = forget_refused,
	};
	size_t n = 0;

	while (n < most && forget[what](c, before_us))
		n++;
	return n;
}

size_t
content_sweeping(
    const struct content *c, enum store_sweep what, int64_t before_us)
{
	size_t n = 0;

	for (size_t i = 0; what == STORE_SWEEP_ATTEMPTS && i < c->n_tries; i++)
		n += c->tries[i].attempt.at_us < before_us;
	for (size_t i = 0; what == STORE_SWEEP_STOPPED && i < c->n_deliveries;
	     i++)
		n += is_stopped(c, &c->deliveries[i], before_us);
	for (size_t i = 0; what == STORE_SWEEP_REFUSED && i < c->n_tombstones;
	     i++)
		n += is_refused(&c->tombstones[i], before_us);
	return n;
}
