#include "keeper/sweep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#define EVERY_US INT64_C(60000000)

struct kind {
	size_t most; /* of one batch: a few milliseconds */
	enum metric counter;
};

static const struct kind kinds[STORE_SWEEPS] = {
	[STORE_SWEEP_ATTEMPTS] = { 1000, MET_FORGOTTEN_ATTEMPTS },
	/* Each with its attempts. */
	[STORE_SWEEP_STOPPED] = { 100, MET_FORGOTTEN_STOPPED },
	[STORE_SWEEP_REFUSED] = { 1000, MET_FORGOTTEN_REFUSED },
};

void
sweep_tick(struct sweep *s)
{
	int64_t now_us = clock_mono_us();

	for (unsigned i = 0; i < STORE_SWEEPS; i++) {
		enum store_sweep what = (enum store_sweep)i;
		int64_t keep_us = routes_keep_us(s->routes, what);

		if (now_us < s->next_us[i])
			continue;
		s->next_us[i] = now_us + EVERY_US;
		/* What cannot be queued now is swept in a minute. */
		(void)!store_queue_sweep(
		    s->queue, what, clock_wall_us() - keep_us, kinds[i].most);
	}
}

void
sweep_done(struct sweep *s, const struct store_op *op)
{
	enum store_sweep what = op->u.sweep.what;

	if (op->status != ST_OK)
		return;
	if (op->u.sweep.n == kinds[what].most)
		s->next_us[what] = 0;
	metrics_add(kinds[what].counter, (int64_t)op->u.sweep.n);
	if (what == STORE_SWEEP_STOPPED && op->u.sweep.n > 0)
		log_event(
		    LOG_FORGOTTEN, log_num(KEY_COUNT, (int64_t)op->u.sweep.n));
}
