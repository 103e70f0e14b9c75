#include "keeper/moves.h"

#include <string.h>

#include <assert.h>

static void
moved(struct store_op *op, enum life from, enum life to)
{
	op->has_moved = life_move(from, to, &op->moved);
	assert(op->has_moved);
	op->life = to;
}

static enum status
put(const struct store_driver *d, struct store *s, struct store_op *op)
{
	const struct receipt *r = &op->u.put.receipt;
	enum status st;

	if (op->u.put.wait)
		st = d->wait(s, r, op->u.put.tran_id);
	else
		st = d->put(
		    s, r, op->u.put.endpoints.ids, op->u.put.endpoints.n);
	if (st == ST_OK)
		moved(op, LIFE_ABSENT,
		    op->u.put.wait ? LIFE_WAITING : LIFE_CONFIRMED);
	return st;
}

static enum status
move(const struct store_driver *d, struct store *s, struct store_op *op,
    const struct store_move *m)
{
	enum status st = d->move(s, m);

	if (st == ST_OK)
		moved(op, m->from, m->to);
	return st;
}

static enum status
answered(const struct store_driver *d, struct store *s, struct store_op *op)
{
	const struct store_queue_move *q = &op->u.move;
	const struct store_move m = { .from = LIFE_WAITING,
		.to = q->to,
		.n = q->n,
		.receipt = q->receipt,
		.reason = q->reason,
		.answered = q->is_answered ? &q->answered : NULL,
		.at_us = q->at_us,
		.endpoint_ids = q->endpoints.ids,
		.n_endpoints = q->endpoints.n };

	return move(d, s, op, &m);
}

/* Is what was claimed in doubt until SSLCommerz answers? */
static bool
is_open(const struct store_life *now)
{
	return now->life == LIFE_WAITING ||
	       (now->life == LIFE_HELD && now->reason == REASON_SILENCE);
}

static enum status
found(const struct store_driver *d, struct store *s, struct store_op *op)
{
	const struct receipt *r = &op->u.found.receipt;
	struct store_move m = { .reason = op->u.found.reason,
		.receipt = *r,
		.answered = r,
		.at_us = r->received_at_us,
		.endpoint_ids = op->u.found.endpoints.ids,
		.n_endpoints = op->u.found.endpoints.n };
	struct store_life now;
	enum status st = d->find(s, &r->id, &now);

	if (st != ST_OK)
		return st;
	if (is_open(&now)) {
		enum reason differs = life_compare(&now.claimed, r);

		if (differs != REASON_PAID)
			m.reason = differs;
		m.receipt = now.claimed; /* its callback came, and when */
	}
	op->life = now.life;
	op->why = m.reason;
	m.from = now.life;
	m.n = now.n;
	m.to = life_check(now.life, now.reason, m.reason);
	return m.to == m.from ? ST_EXISTS : move(d, s, op, &m);
}

static enum status
decide(const struct store_driver *d, struct store *s, struct store_op *op)
{
	struct store_move m = { .from = LIFE_HELD,
		.to = op->u.decide.release ? LIFE_CONFIRMED : LIFE_REFUSED,
		.at_us = op->u.decide.at_us,
		.endpoint_ids = op->u.decide.endpoints.ids,
		.n_endpoints = op->u.decide.endpoints.n };
	struct store_life now;
	enum status st = d->find(s, &op->u.decide.id, &now);

	if (st != ST_OK)
		return st;
	op->life = now.life;
	if (now.life != LIFE_HELD)
		return ST_NOT_FOUND;
	m.n = now.n;
	m.receipt = now.is_answered ? now.answered : now.claimed;
	memcpy(op->u.decide.merchant, m.receipt.merchant,
	    sizeof(op->u.decide.merchant));
	return move(d, s, op, &m);
}

/* Those that are gone, or stand otherwise by now, are left alone. */
static enum status
redeliver(const struct store_driver *d, struct store *s, struct store_op *op)
{
	op->u.redeliver.changed = 0;
	for (size_t i = 0; i < op->u.redeliver.n; i++) {
		enum status st = d->redeliver(s, &op->u.redeliver.items[i]);

		if (st == ST_OK)
			op->u.redeliver.changed++;
		else if (st != ST_NOT_FOUND && st != ST_EXISTS)
			return st;
	}
	return ST_OK;
}

enum status
moves_apply(const struct store_driver *d, struct store *s, struct store_op *op)
{
	op->has_moved = false;
	op->life = LIFE_ABSENT;
	switch (op->kind) {
	case STORE_OP_PUT:
		return put(d, s, op);
	case STORE_OP_SETTLE:
		return d->settle(s, &op->u.settle);
	case STORE_OP_AGAIN:
		return d->again(s, &op->u.again);
	case STORE_OP_MOVE:
		return answered(d, s, op);
	case STORE_OP_FOUND:
		return found(d, s, op);
	case STORE_OP_DECIDE:
		return decide(d, s, op);
	case STORE_OP_REDELIVER:
		return redeliver(d, s, op);
	case STORE_OP_DISABLE:
		return d->disable(
		    s, op->u.disable.endpoint_id, op->u.disable.at_us);
	case STORE_OP_MARK:
		return d->mark(s, &op->u.mark);
	case STORE_OP_UNMARK:
		return d->unmark(s, op->u.unmark.merchant, op->u.unmark.name);
	case STORE_OP_TOKEN:
		return d->token(s, &op->u.token);
	case STORE_OP_LEGAL:
		return d->legal(s, op->u.legal.merchant, op->u.legal.invoice_id,
		    op->u.legal.at_us);
	case STORE_OP_EXPIRE:
		op->u.expire.what.merchant = op->u.expire.merchant;
		return d->expire(s, &op->u.expire.what);
	case STORE_OP_ERASE:
		return erasure_apply(d, s, &op->u.erase.ask, op->u.erase.out);
	case STORE_OP_SWEEP:
		return d->sweep(s, op->u.sweep.what, op->u.sweep.before_us,
		    op->u.sweep.most, &op->u.sweep.n);
	case STORE_OP_HEAD:
		return d->keep_head(s, op->u.head.before_us, op->u.head.at_us,
		    op->u.head.most, &op->u.head.more);
	case STORE_OP_ENDPOINT:
	case STORE_OP_FLUSH:
	case STORE_OP_SCRUB:
		break;
	}
	return ST_INTERNAL;
}
