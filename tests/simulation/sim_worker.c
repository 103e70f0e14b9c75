/*
 * keeper/worker.h without a thread: what gathered in a turn is done after a
 * while, all at once, and comes back after another.  A kill in between is one
 * behind the commit and before its answer.
 */
#include "keeper/worker.h"

#include <stdlib.h>

#include "keeper/driver_sqlite_backfill.h"
#include "keeper/driver_sqlite.h"
#include "gateway.h"
#include "sim.h"

struct queue {
	struct job *first, **end;
};

struct worker {
	struct worker_config cfg;
	struct queue todo, finished;
	struct event *step;
	bool at_work;
};

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

/* The first `most` of q to the end of to; 0: all. */
static void
queue_move(struct queue *to, struct queue *q, size_t most)
{
	for (size_t i = 0; q->first != NULL && (most == 0 || i < most); i++) {
		struct job *job = q->first;

		q->first = job->next;
		job->next = NULL;
		*to->end = job;
		to->end = &job->next;
	}
	if (q->first == NULL)
		q->end = &q->first;
}

static void
wait_a_while(struct worker *w)
{
	int64_t us = gateway_store_us();
	const struct timeval tv = { us / SECOND, us % SECOND };

	w->at_work = true;
	if (event_add(w->step, &tv) != 0)
		abort();
}

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct queue back;

	(void)fd;
	(void)what;
	w->at_work = false;
	if (w->finished.first == NULL) {
		queue_move(&w->finished, &w->todo, w->cfg.most);
		sim_event("store", w->cfg.most, 0);
		w->cfg.run(w->cfg.arg, w->finished.first);
		wait_a_while(w);
		return;
	}
	queue_init(&back);
	queue_move(&back, &w->finished, 0);
	if (w->todo.first != NULL)
		wait_a_while(w);
	w->cfg.done(w->cfg.arg, back.first);
}

enum status
worker_new(struct worker **out, const struct worker_config *cfg, struct err *e)
{
	struct worker *w = calloc(1, sizeof(*w));

	(void)e;
	if (w == NULL)
		abort();
	w->cfg = *cfg;
	queue_init(&w->todo);
	queue_init(&w->finished);
	w->step = event_new(loop_base(cfg->loop), -1, 0, on_step, w);
	*out = w;
	return ST_OK;
}

void
worker_submit(struct worker *w, struct job *job)
{
	job->next = NULL;
	*w->todo.end = job;
	w->todo.end = &job->next;
	if (!w->at_work)
		wait_a_while(w);
}

struct job *
worker_stop(struct worker *w)
{
	struct job *left;

	if (w == NULL)
		return NULL;
	queue_move(&w->finished, &w->todo, 0);
	left = w->finished.first;
	event_free(w->step);
	free(w);
	return left;
}

/* ---- the log's copying, at once */

struct backfill {
	struct store *copier;
	enum status status;
	int copied;
};

enum status
backfill_new(struct backfill **out, struct store *copier)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		abort();
	(*out)->copier = copier;
	return ST_OK;
}

void
backfill_start(struct backfill *b)
{
	b->status = driver_sqlite_checkpoint(b->copier, 0, &b->copied);
}

bool
backfill_running(struct backfill *b)
{
	(void)b;
	return false;
}

enum status
backfill_wait(struct backfill *b, int *copied)
{
	*copied = b->copied;
	return b->status;
}

void
backfill_end(struct backfill *b)
{
	if (b == NULL)
		return;
	driver_sqlite_close(b->copier);
	free(b);
}
