#include "keeper/heads.h"

#include "base/clock.h"

#define SECOND_US INT64_C(1000000)
#define EVERY_US  (60 * SECOND_US)
#define DAY_US	  (86400 * SECOND_US)
#define LEAVES	  10000

void
heads_tick(struct heads *h)
{
	int64_t now_us = clock_mono_us();
	int64_t at_us = clock_wall_us();

	if (now_us < h->next_us)
		return;
	h->next_us = now_us + EVERY_US;
	/* What cannot be queued now is done in a minute. */
	(void)!store_queue_head(h->queue, at_us - DAY_US, at_us, LEAVES);
}

void
heads_done(struct heads *h, const struct store_op *op)
{
	if (op->status == ST_OK && op->u.head.more)
		h->next_us = 0;
}
