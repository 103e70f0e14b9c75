#include "keeper/chores.h"

#include "base/clock.h"

void
chores_init(
    struct chores *c, const struct routes *routes, struct store_queue *queue)
{
	*c = (struct chores){ .sweep = { .routes = routes, .queue = queue },
		.heads = { .queue = queue },
		.retention = { .routes = routes,
		    .queue = queue,
		    .swept_us = clock_mono_us() },
		/* What a predecessor deleted may still be in the log. */
		.rest = { .queue = queue, .dirty = true },
		.scrubber = { .queue = queue } };
}

void
chores_tick(struct chores *c)
{
	sweep_tick(&c->sweep);
	heads_tick(&c->heads);
	retention_tick(&c->retention);
	rest_tick(&c->rest);
	scrubber_tick(&c->scrubber);
}

void
chores_take(struct chores *c, const struct store_op *op)
{
	rest_take(&c->rest, op);
	if (op->kind == STORE_OP_SWEEP)
		sweep_done(&c->sweep, op);
	if (op->kind == STORE_OP_HEAD)
		heads_done(&c->heads, op);
	if (op->kind == STORE_OP_EXPIRE)
		retention_done(&c->retention, op);
	if (op->kind == STORE_OP_SCRUB)
		scrubber_done(&c->scrubber, op);
}
