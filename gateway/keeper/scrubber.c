#include "keeper/scrubber.h"

#include "base/clock.h"
#include "base/log.h"

#define DAY_US INT64_C(86400000000)
#define PAGES  1024 /* of a step: 4 MiB */

void
scrubber_tick(struct scrubber *s)
{
	if (s->asked || clock_mono_us() < s->next_us)
		return;
	s->asked = store_queue_scrub(s->queue, s->pages, PAGES) == ST_OK;
}

/* A step that failed, for a reader mostly, is made again in a second. */
void
scrubber_done(struct scrubber *s, const struct store_op *op)
{
	s->asked = false;
	if (op->status != ST_OK)
		return;
	s->pages = op->u.scrub.pages;
	s->scrubbed += op->u.scrub.scrubbed;
	if (!op->u.scrub.done)
		return;
	if (s->scrubbed > 0)
		log_event(LOG_STORE_SCRUBBED,
		    log_num(KEY_COUNT, (int64_t)s->scrubbed));
	s->pages = s->scrubbed = 0;
	s->next_us = clock_mono_us() + DAY_US;
}
