#include "keeper/rest.h"

/* What was answered before a flush is out of the log, what comes behind it
 * makes the log dirty again. */
void
rest_take(struct rest *r, const struct store_op *op)
{
	if (op->kind == STORE_OP_SCRUB)
		return;
	if (op->kind != STORE_OP_FLUSH) {
		r->dirty = r->changed = true;
		return;
	}
	r->flushing = false;
	if (op->status != ST_OK)
		return;
	r->dirty = false;
	r->ticks = 0;
}

void
rest_tick(struct rest *r)
{
	bool quiet = !r->changed;

	r->changed = false;
	if (!r->dirty || r->flushing)
		return;
	if (++r->ticks < REST_TICKS && !quiet)
		return;
	r->flushing = store_queue_flush(r->queue, 0, 0) == ST_OK;
}
