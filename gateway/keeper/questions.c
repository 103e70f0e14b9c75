#include "keeper/questions.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "keeper/guarded.h"

static bool
ask(const struct routes *r, size_t place, struct store_read *ask)
{
	ask->kind = STORE_READ_QUESTIONS;
	memcpy(ask->merchant, routes_merchant(r, place)->store_id,
	    sizeof(ask->merchant));
	return true;
}

static void
record(const struct routes *r, const struct claim *c, union offers_record *out)
{
	struct msg_ask *m = &out->ask;

	(void)r;
	m->n = c->due.row.seq;
	m->attempt = c->due.attempt;
	m->receipt = c->due.row.receipt;
	memcpy(m->tran_id, c->due.tran_id, sizeof(m->tran_id));
}

static enum status
write(const struct routes *r, struct store_queue *q, const struct claim *c)
{
	const struct claim_verdict *v = &c->u.verdict;
	const struct store_again again = { .n = c->due.row.seq,
		.attempt = c->due.attempt,
		.denied = v->denied,
		.next_us = v->next_us };
	struct store_queue_move move = { .to = v->to,
		.n = c->due.row.seq,
		.receipt = c->due.row.receipt,
		.reason = v->reason,
		.is_answered = v->is_answered,
		.answered = v->answered,
		.at_us = v->at_us };

	if (v->to == LIFE_WAITING)
		return store_queue_again(q, &again);
	if (v->to == LIFE_CONFIRMED)
		move.endpoints = routes_merchant(r, c->place)->endpoints;
	return store_queue_move(q, &move);
}

/* The asker keeps to its own rates. */
static int64_t
rate(const struct routes *r, size_t place)
{
	(void)r;
	(void)place;
	return INT64_MAX;
}

static const struct backoff *
backoff(const struct routes *r, size_t place)
{
	(void)r;
	(void)place;
	return &backoff_questions;
}

static void
history(const struct claim *c, int64_t *first_us, uint32_t *failed)
{
	*first_us = c->due.row.receipt.received_at_us;
	*failed = c->due.attempt;
}

const struct offers_kind questions_kind = { .message = MSG_ASK,
	.most_places = ROUTES_MERCHANTS,
	.shortest_gap_us = INT64_C(1000000),
	.places = routes_merchants,
	.place_of = routes_place_of_merchant,
	.ask = ask,
	.rate = rate,
	.backoff = backoff,
	.history = history,
	.record = record,
	.write = write };

/* Is the verdict about what was asked, and what it says about that payment? */
static bool
is_about(const struct msg_verdict *m, const struct receipt *claimed)
{
	return strcmp(m->merchant, claimed->merchant) == 0 &&
	       (m->answered.amount_minor == 0 ||
		   memcmp(&m->answered.id, &claimed->id, sizeof(claimed->id)) ==
		       0);
}

bool
questions_verdict(struct offers *o, uint64_t asker, const struct msg_verdict *m)
{
	struct claim *c = offers_held(o, asker, m->n, 0, m->attempt);
	const struct routes_merchant *merchant;
	const struct receipt *claimed;
	struct claim_verdict *v;
	enum reason reason = m->reason;
	bool is_answered = m->answered.amount_minor != 0;

	if (c == NULL || !is_about(m, &c->due.row.receipt))
		return false;
	merchant = routes_merchant(offers_routes(o), c->place);
	if (is_answered && !guarded_receipt(merchant, &m->answered)) {
		if (merchant->guard_settled)
			return false;
		is_answered = false;
		reason = REASON_GUARD;
	}
	gate_lost(offers_gate(o, c->place)); /* no word on an endpoint */
	claimed = &c->due.row.receipt;
	v = &c->u.verdict;
	*v = (struct claim_verdict){ .denied = c->due.denied,
		.at_us = clock_wall_us(),
		.is_answered = is_answered };
	if (is_answered)
		v->answered = m->answered;
	if (reason_answer(reason) == ANSWER_DENIED)
		v->denied++;
	v->to = life_judge(reason, v->at_us - claimed->received_at_us,
	    v->denied, &merchant->terms, &v->reason);
	if (v->to == LIFE_WAITING)
		v->next_us = offers_next_us(o, c, 0);
	offers_write(o, c);
	return true;
}

void
questions_waits(struct offers *o, const char *merchant)
{
	offers_due(o, routes_place_of_merchant(offers_routes(o), merchant));
}

static void
say(enum log_event ev, const struct claim *c)
{
	char id[ID_TEXT];

	id_format(&c->due.row.receipt.id, id);
	log_event(ev, log_word(KEY_MERCHANT, c->due.row.receipt.merchant),
	    log_word(KEY_RECEIPT, id),
	    log_word(KEY_REASON, reason_word(c->u.verdict.reason)),
	    log_num(KEY_ATTEMPT, c->due.attempt));
}

void
questions_again_done(struct offers *o, const struct store_op *op)
{
	struct claim *c = offers_find(o, op->u.again.n, 0);

	if (op->status == ST_OK)
		say(reason_answer(c->u.verdict.reason) == ANSWER_DENIED
			? LOG_ASK_DENIED
			: LOG_ASK_FAILED,
		    c);
	offers_written(o, c, op->status, op->u.again.next_us);
}

void
questions_move_done(struct offers *o, const struct store_op *op)
{
	static const enum log_event events[LIVES] = {
		[LIFE_HELD] = LOG_HELD,
		[LIFE_CONFIRMED] = LOG_CONFIRMED,
		[LIFE_REFUSED] = LOG_REFUSED,
	};
	struct claim *c = offers_find(o, op->u.move.n, 0);

	if (op->status == ST_OK) {
		say(events[op->u.move.to], c);
		if (op->u.move.reason == REASON_SILENCE)
			metrics_add(MET_ANSWER_SILENCE, 1);
	}
	offers_written(o, c, op->status, INT64_MAX);
}
