#include "keeper/retention.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US	  (24 * 60 * MINUTE_US)

/* Of one transaction.  Callbacks that come meanwhile share it or wait for it:
 * with 200 half of them took seven times as long (tests/bench). */
#define STEP 20

/* The next merchant's turn, or the end of the pass. */
static void
turn(struct retention *r)
{
	if (++r->place < routes_merchants(r->routes))
		return;
	if (r->gone > 0)
		log_event(LOG_EXPIRED, log_num(KEY_COUNT, (int64_t)r->gone));
	r->gone = 0;
	r->place = 0;
	r->swept_us = clock_mono_us();
	r->next_us = r->swept_us + MINUTE_US;
}

static void
step(struct retention *r)
{
	int64_t now_us = clock_wall_us();

	while (!r->asked && clock_mono_us() >= r->next_us &&
	       routes_merchants(r->routes) > 0) {
		const struct routes_merchant *m =
		    routes_merchant(r->routes, r->place);
		struct store_op op = { .kind = STORE_OP_EXPIRE,
			.u.expire.what = { .before_us = now_us - m->keep_us,
			    .at_us = now_us,
			    .most = STEP,
			    .totals = m->deidentify } };

		/* One that is not in the configuration any more keeps its
		 * receipts: nobody says for how long. */
		if (routes_find(r->routes, m->store_id) == NULL) {
			turn(r);
			continue;
		}
		memcpy(op.u.expire.merchant, m->store_id,
		    sizeof(op.u.expire.merchant));
		r->asked = store_queue_do(r->queue, &op) == ST_OK;
		if (!r->asked)
			return;
	}
}

/* A pass that fails, finds no place in the queue or finds more and more does
 * not end: so that alone tells of all of them. */
static void
tell_lag(struct retention *r)
{
	int64_t lag_us = clock_mono_us() - r->swept_us;
	bool behind = lag_us > DAY_US;

	metrics_set(MET_RETENTION_LAG_US, lag_us);
	metrics_set(MET_RETENTION_BEHIND, behind);
	if (behind != r->behind)
		log_event(
		    behind ? LOG_RETENTION_BEHIND : LOG_RETENTION_CAUGHT_UP,
		    log_num(KEY_SECONDS, lag_us / SECOND_US));
	r->behind = behind;
}

void
retention_tick(struct retention *r)
{
	if (routes_merchants(r->routes) == 0)
		r->swept_us = clock_mono_us();
	step(r);
	tell_lag(r);
}

void
retention_done(struct retention *r, const struct store_op *op)
{
	const struct store_expire *what = &op->u.expire.what;

	r->asked = false;
	if (op->status != ST_OK) {
		metrics_add(MET_RETENTION_FAILURES, 1);
		log_event(LOG_RETENTION_FAILED,
		    log_word(KEY_MERCHANT, op->u.expire.merchant));
		r->next_us = clock_mono_us() + MINUTE_US;
		return;
	}
	r->gone += what->receipts + what->waiting + what->held;
	metrics_add(MET_MOVE_CONFIRMED_ERASED, (int64_t)what->receipts);
	metrics_add(MET_MOVE_WAITING_ERASED, (int64_t)what->waiting);
	metrics_add(MET_MOVE_HELD_ERASED, (int64_t)what->held);
	if (what->receipts < what->most &&
	    what->waiting + what->held < what->most)
		turn(r);
	step(r);
}

bool
retention_ask(
    struct store_queue *queue, struct peer *p, const struct msg_legal *m)
{
	const struct msg_done busy = { .tag = m->tag, .status = ST_BUSY };
	struct store_op op = { .kind = STORE_OP_LEGAL,
		.owner = p->id,
		.tag = m->tag,
		.u.legal.at_us = m->hold != 0 ? clock_wall_us() : 0 };

	memcpy(op.u.legal.merchant, m->merchant, sizeof(m->merchant));
	memcpy(op.u.legal.invoice_id, m->invoice_id, sizeof(m->invoice_id));
	return store_queue_do(queue, &op) == ST_OK ||
	       channel_add(p->channel, MSG_DONE, &busy) != ST_BUSY;
}

void
retention_legal_done(struct peers *peers, const struct store_op *op)
{
	struct peer *p = peers_find(peers, op->owner);
	const struct msg_done done = { .tag = op->tag,
		.status =
		    op->status == ST_BAD_INPUT ? ST_IO : (uint32_t)op->status };

	if (op->status == ST_OK)
		log_event(
		    op->u.legal.at_us != 0 ? LOG_LEGAL_HOLD : LOG_LEGAL_RELEASE,
		    log_word(KEY_MERCHANT, op->u.legal.merchant),
		    log_word(KEY_WHO, "cli"));
	if (p != NULL)
		(void)peers_send(p, MSG_DONE, &done);
}
