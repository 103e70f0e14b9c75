#include "keeper/sweep.h"

#include "base/clock.h"

#define SECOND_US INT64_C(1000000)
#define EVERY_US  (60 * SECOND_US)
#define ROWS	  1000

void
sweep_tick(struct sweep *s)
{
	int64_t keep_us = routes_keep_attempts_s(s->routes) * SECOND_US;
	int64_t now_us = clock_mono_us();

	if (now_us < s->next_us)
		return;
	s->next_us = now_us + EVERY_US;
	/* What cannot be queued now is swept in a minute. */
	(void)!store_queue_sweep(s->queue, clock_wall_us() - keep_us, ROWS);
}

void
sweep_done(struct sweep *s, const struct store_op *op)
{
	if (op->status == ST_OK && op->u.sweep.n == ROWS)
		s->next_us = 0;
}
