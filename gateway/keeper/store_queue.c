#include "keeper/store_queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "keeper/moves.h"
#include "keeper/store_finish.h"

_Static_assert(MET_MOVE_REFUSED_HELD - MET_MOVE_ABSENT_WAITING + 1 == MOVES,
    "a counter for each move, in the same order");

struct store_queue {
	struct store_queue_config cfg;
	struct worker *worker;
	size_t waiting;
	enum status health;
	bool failed; /* the worker's own: never ask the driver again */
};

static struct store_op *
op_of(struct job *job)
{
	return (struct store_op *)job;
}

static void
op_free(struct store_op *op)
{
	if (op->kind == STORE_OP_REDELIVER)
		free(op->u.redeliver.items);
	if (op->kind == STORE_OP_ERASE)
		free(op->u.erase.out);
	free(op);
}

/* An outcome of this operation alone, and the transaction goes on. */
static bool
is_answer(enum status st)
{
	return st == ST_OK || st == ST_EXISTS || st == ST_NOT_FOUND ||
	       st == ST_UNAVAILABLE;
}

/* A record of the transaction. */
static bool
is_record(const struct store_op *op)
{
	return op->kind != STORE_OP_ENDPOINT && op->kind != STORE_OP_FLUSH &&
	       op->kind != STORE_OP_SCRUB;
}

/* Apply what has not been refused.  On failure *bad is the operation that the
 * store refuses, or NULL. */
static enum status
apply_all(struct store_queue *q, struct job *jobs, struct store_op **bad)
{
	*bad = NULL;
	for (struct job *j = jobs; j != NULL; j = j->next) {
		struct store_op *op = op_of(j);

		if (!is_record(op) || op->status == ST_BAD_INPUT)
			continue;
		op->status = moves_apply(q->cfg.driver, q->cfg.store, op);
		if (is_answer(op->status))
			continue;
		if (op->status == ST_BAD_INPUT)
			*bad = op;
		return op->status;
	}
	return ST_OK;
}

/* One transaction; each record that the store refuses costs one more try. */
static enum status
transact(struct store_queue *q, struct job *jobs)
{
	const struct store_driver *d = q->cfg.driver;
	struct store_op *bad;
	enum status st;

	do {
		st = d->begin(q->cfg.store);
		if (st != ST_OK)
			return st;
		st = apply_all(q, jobs, &bad);
		if (st == ST_OK)
			return d->commit(q->cfg.store);
		d->abort(q->cfg.store);
	} while (bad != NULL);
	return st;
}

/* Names are given outside of the transaction and stay given. */
static enum status
name_endpoints(struct store_queue *q, struct job *jobs, size_t *records)
{
	enum status st = ST_OK;

	*records = 0;
	for (struct job *j = jobs; j != NULL && st == ST_OK; j = j->next) {
		struct store_op *op = op_of(j);

		if (op->kind == STORE_OP_ENDPOINT)
			st = op->status = q->cfg.driver->endpoint(q->cfg.store,
			    op->u.endpoint.name, &op->u.endpoint.id,
			    &op->u.endpoint.disabled_at_us);
		else if (is_record(op))
			++*records;
	}
	return st;
}

static void
answer_all(struct job *jobs, enum status st)
{
	for (struct job *j = jobs; j != NULL; j = j->next) {
		op_of(j)->commit = st;
		if (st == ST_OK)
			continue;
		op_of(j)->status = st;
		op_of(j)->has_moved = false;
	}
}

/* Worker thread. */
static void
run(void *arg, struct job *jobs)
{
	struct store_queue *q = arg;
	int64_t started = clock_mono_us();
	enum status st = ST_IO;
	size_t records = 0;

	if (!q->failed)
		st = name_endpoints(q, jobs, &records);
	if (st == ST_OK && records > 0)
		st = transact(q, jobs);
	if (st == ST_OK)
		st = store_finish(q->cfg.driver, q->cfg.store, jobs);
	if (st != ST_OK && st != ST_BUSY && st != ST_NO_MEMORY)
		st = ST_IO;
	else if (st != ST_OK)
		st = ST_BUSY;
	q->failed = st == ST_IO;
	answer_all(jobs, st);
	if (st != ST_OK) {
		metrics_add(MET_STORE_ERRORS, 1);
	} else if (records > 0) {
		metrics_add(MET_COMMITS, 1);
		metrics_add(MET_COMMIT_RECORDS, (int64_t)records);
		metrics_observe(MET_COMMIT_SECONDS, clock_mono_us() - started);
	}
}

/* Said once when it begins and once when it ends. */
static void
note_health(struct store_queue *q, enum status st)
{
	if (q->health == st || q->health == ST_IO)
		return;
	q->health = st;
	if (st == ST_IO)
		log_write(LOG_STORE_FAILED, NULL, 0);
	else if (st == ST_BUSY)
		log_write(LOG_STORE_FULL, NULL, 0);
	else
		log_write(LOG_STORE_ROOM, NULL, 0);
}

static void
on_done(void *arg, struct job *jobs)
{
	struct store_queue *q = arg;

	while (jobs != NULL) {
		struct store_op *op = op_of(jobs);

		jobs = jobs->next;
		q->waiting--;
		/* Of a flush that found somebody in its way nothing is
		 * learnt, even though its batch failed in nothing. */
		if (op->commit != ST_OK || op->status != ST_BUSY)
			note_health(q, op->commit);
		if (op->commit == ST_OK && op->status == ST_BAD_INPUT)
			log_write(LOG_STORE_REFUSED, NULL, 0);
		if (op->has_moved)
			metrics_add(MET_MOVE_ABSENT_WAITING + op->moved, 1);
		q->cfg.on_done(q->cfg.arg, op);
		op_free(op);
	}
	metrics_set(MET_QUEUE_RECORDS, (int64_t)q->waiting);
	q->cfg.on_batch(q->cfg.arg);
}

enum status
store_queue_new(struct store_queue **out, const struct store_queue_config *cfg,
    struct err *e)
{
	struct store_queue *q = calloc(1, sizeof(*q));
	struct worker_config wc = {
		.loop = cfg->loop, .run = run, .done = on_done, .arg = q
	};
	enum status st;

	*out = NULL;
	if (q == NULL) {
		err_set(e, "no memory for the commit queue");
		return ST_NO_MEMORY;
	}
	q->cfg = *cfg;
	st = worker_new(&q->worker, &wc, e);
	if (st == ST_OK)
		*out = q;
	else
		free(q);
	return st;
}

static struct store_op *
op_new(enum store_op_kind kind)
{
	struct store_op *op = calloc(1, sizeof(*op));

	if (op != NULL)
		op->kind = kind;
	return op;
}

static void
submit(struct store_queue *q, struct store_op *op)
{
	q->waiting++;
	worker_submit(q->worker, &op->job);
	metrics_set(MET_QUEUE_RECORDS, (int64_t)q->waiting);
}

static enum status
op_new_put(struct store_queue *q, const struct receipt *r, uint64_t owner,
    uint64_t tag, struct store_op **out)
{
	struct store_op *op;

	if (q->waiting >= q->cfg.most)
		return ST_BUSY;
	op = op_new(STORE_OP_PUT);
	if (op == NULL)
		return ST_NO_MEMORY;
	op->owner = owner;
	op->tag = tag;
	op->u.put.receipt = *r;
	*out = op;
	return ST_OK;
}

enum status
store_queue_put(struct store_queue *q, const struct receipt *r,
    const struct store_endpoints *endpoints, uint64_t owner, uint64_t tag)
{
	struct store_op *op;
	enum status st = op_new_put(q, r, owner, tag, &op);

	if (st != ST_OK)
		return st;
	op->u.put.endpoints = *endpoints;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_wait(struct store_queue *q, const struct receipt *r,
    const char *tran_id, uint64_t owner, uint64_t tag)
{
	struct store_op *op;
	enum status st = op_new_put(q, r, owner, tag, &op);

	if (st != ST_OK)
		return st;
	op->u.put.wait = true;
	if (!receipt_text(op->u.put.tran_id, sizeof(op->u.put.tran_id),
		bytes_of(tran_id))) {
		free(op);
		return ST_BAD_INPUT;
	}
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_settle(struct store_queue *q, const struct store_settle *d)
{
	struct store_op *op = op_new(STORE_OP_SETTLE);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.settle = *d;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_again(struct store_queue *q, const struct store_again *a)
{
	struct store_op *op = op_new(STORE_OP_AGAIN);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.again = *a;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_move(struct store_queue *q, const struct store_queue_move *m)
{
	struct store_op *op = op_new(STORE_OP_MOVE);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.move = *m;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_found(struct store_queue *q, const struct receipt *r,
    enum reason reason, const struct store_endpoints *endpoints, uint64_t owner,
    uint64_t tag)
{
	struct store_op *op = op_new(STORE_OP_FOUND);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->owner = owner;
	op->tag = tag;
	op->u.found.receipt = *r;
	op->u.found.reason = reason;
	op->u.found.endpoints = *endpoints;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_decide(struct store_queue *q, const struct receipt_id *id,
    bool release, const char *by, int64_t at_us,
    const struct store_endpoints *endpoints, uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new(STORE_OP_DECIDE);

	if (op == NULL)
		return ST_NO_MEMORY;
	if (!receipt_text(
		op->u.decide.by, sizeof(op->u.decide.by), bytes_of(by))) {
		free(op);
		return ST_BAD_INPUT;
	}
	op->owner = owner;
	op->tag = tag;
	op->u.decide.id = *id;
	op->u.decide.release = release;
	op->u.decide.at_us = at_us;
	op->u.decide.endpoints = *endpoints;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_endpoint(struct store_queue *q, const char *name)
{
	struct store_op *op = op_new(STORE_OP_ENDPOINT);

	if (op == NULL)
		return ST_NO_MEMORY;
	if (!receipt_text(op->u.endpoint.name, sizeof(op->u.endpoint.name),
		bytes_of(name))) {
		free(op);
		return ST_BAD_INPUT;
	}
	submit(q, op);
	return ST_OK;
}

/* An operation of somebody who waits for its answer. */
static struct store_op *
op_new_for(enum store_op_kind kind, uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new(kind);

	if (op != NULL) {
		op->owner = owner;
		op->tag = tag;
	}
	return op;
}

enum status
store_queue_redeliver(struct store_queue *q,
    const struct store_redeliver *items, size_t n, uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new_for(STORE_OP_REDELIVER, owner, tag);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.redeliver.items = calloc(n, sizeof(*items));
	if (op->u.redeliver.items == NULL) {
		free(op);
		return ST_NO_MEMORY;
	}
	for (size_t i = 0; i < n; i++)
		op->u.redeliver.items[i] = items[i];
	op->u.redeliver.n = n;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_disable(struct store_queue *q, uint32_t endpoint_id, int64_t at_us,
    uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new_for(STORE_OP_DISABLE, owner, tag);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.disable.endpoint_id = endpoint_id;
	op->u.disable.at_us = at_us;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_mark(struct store_queue *q, const struct store_mark *m,
    uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new_for(STORE_OP_MARK, owner, tag);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.mark = *m;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_unmark(struct store_queue *q, const char *merchant,
    const char *name, uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new_for(STORE_OP_UNMARK, owner, tag);

	if (op == NULL)
		return ST_NO_MEMORY;
	if (!receipt_text(op->u.unmark.merchant, sizeof(op->u.unmark.merchant),
		bytes_of(merchant)) ||
	    !receipt_text(
		op->u.unmark.name, sizeof(op->u.unmark.name), bytes_of(name))) {
		free(op);
		return ST_BAD_INPUT;
	}
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_token(struct store_queue *q, const struct store_token *t,
    uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new_for(STORE_OP_TOKEN, owner, tag);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.token = *t;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_do(struct store_queue *q, const struct store_op *what)
{
	struct store_op *op = malloc(sizeof(*op));

	if (op == NULL)
		return ST_NO_MEMORY;
	*op = *what;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_erase(
    struct store_queue *q, const struct erasure_ask *ask, uint64_t tag)
{
	struct store_op *op = op_new_for(STORE_OP_ERASE, 0, tag);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.erase.ask = *ask;
	op->u.erase.out = calloc(1, sizeof(*op->u.erase.out));
	if (op->u.erase.out == NULL) {
		free(op);
		return ST_NO_MEMORY;
	}
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_sweep(struct store_queue *q, enum store_sweep what,
    int64_t before_us, size_t most)
{
	struct store_op *op = op_new(STORE_OP_SWEEP);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.sweep.what = what;
	op->u.sweep.before_us = before_us;
	op->u.sweep.most = most;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_head(
    struct store_queue *q, int64_t before_us, int64_t at_us, size_t most)
{
	struct store_op *op = op_new(STORE_OP_HEAD);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.head.before_us = before_us;
	op->u.head.at_us = at_us;
	op->u.head.most = most;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_flush(struct store_queue *q, uint64_t owner, uint64_t tag)
{
	struct store_op *op = op_new_for(STORE_OP_FLUSH, owner, tag);

	if (op == NULL)
		return ST_NO_MEMORY;
	submit(q, op);
	return ST_OK;
}

enum status
store_queue_scrub(struct store_queue *q, uint64_t pages, uint64_t most)
{
	struct store_op *op = op_new(STORE_OP_SCRUB);

	if (op == NULL)
		return ST_NO_MEMORY;
	op->u.scrub.pages = pages;
	op->u.scrub.most = most;
	submit(q, op);
	return ST_OK;
}

size_t
store_queue_waiting(const struct store_queue *q)
{
	return q->waiting;
}

enum status
store_queue_health(const struct store_queue *q)
{
	return q->health;
}

void
store_queue_free(struct store_queue *q)
{
	struct job *left;

	if (q == NULL)
		return;
	left = worker_stop(q->worker);
	while (left != NULL) {
		struct job *job = left;

		left = left->next;
		op_free(op_of(job));
	}
	free(q);
}
