#include "keeper/worker.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "keeper/thread.h"

struct queue {
	struct job *first;
	struct job **end; /* where the next one is hung in */
};

struct worker {
	struct worker_config cfg;
	struct queue fresh; /* of this turn; the loop's alone */
	struct loop_turn turn;
	struct event *wake;
	int wake_fd;
	bool turning, running;
	pthread_t thread;
	/* Below: under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue todo, finished;
	bool stop;
};

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

/* All of `from` behind what is in q. */
static void
queue_join(struct queue *q, struct queue *from)
{
	if (from->first == NULL)
		return;
	*q->end = from->first;
	q->end = from->end;
	queue_init(from);
}

/* Move the first `most` of q to head; 0: all. */
static void
queue_cut(struct queue *q, size_t most, struct queue *head)
{
	queue_init(head);
	if (most == 0) {
		queue_join(head, q);
		return;
	}
	while (most-- > 0 && q->first != NULL) {
		struct job *job = q->first;

		q->first = job->next;
		if (q->first == NULL)
			q->end = &q->first;
		job->next = NULL;
		*head->end = job;
		head->end = &job->next;
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		struct queue batch;

		while (w->todo.first == NULL && !w->stop)
			(void)pthread_cond_wait(&w->more, &w->lock);
		if (w->stop)
			break;
		queue_cut(&w->todo, w->cfg.most, &batch);
		(void)pthread_mutex_unlock(&w->lock);
		w->cfg.run(w->cfg.arg, batch.first);
		(void)pthread_mutex_lock(&w->lock);
		queue_join(&w->finished, &batch);
		/* Cannot fail: the counter never gets near its end. */
		(void)!write(w->wake_fd, &one, sizeof(one));
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct queue finished;
	uint64_t n;

	(void)what;
	(void)!read(fd, &n, sizeof(n));
	(void)pthread_mutex_lock(&w->lock);
	queue_cut(&w->finished, 0, &finished);
	(void)pthread_mutex_unlock(&w->lock);
	if (finished.first != NULL)
		w->cfg.done(w->cfg.arg, finished.first);
}

static void
on_turn(void *arg)
{
	struct worker *w = arg;

	if (w->fresh.first == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	queue_join(&w->todo, &w->fresh);
	(void)pthread_cond_signal(&w->more);
	(void)pthread_mutex_unlock(&w->lock);
}

enum status
worker_new(struct worker **out, const struct worker_config *cfg, struct err *e)
{
	struct worker *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (w == NULL)
		goto fail;
	w->cfg = *cfg;
	queue_init(&w->fresh);
	queue_init(&w->todo);
	queue_init(&w->finished);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->more, NULL);
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0)
		goto fail;
	w->wake = event_new(
	    loop_base(cfg->loop), w->wake_fd, EV_READ | EV_PERSIST, on_wake, w);
	if (w->wake == NULL || event_add(w->wake, NULL) != 0)
		goto fail;
	if (thread_start(&w->thread, work, w) != 0)
		goto fail;
	w->running = true;
	w->turn = (struct loop_turn){ .fn = on_turn, .arg = w };
	loop_turn_add(cfg->loop, &w->turn);
	w->turning = true;
	*out = w;
	return ST_OK;
fail:
	err_set(e, "a worker thread cannot be made");
	(void)worker_stop(w);
	return ST_NO_MEMORY;
}

void
worker_submit(struct worker *w, struct job *job)
{
	job->next = NULL;
	*w->fresh.end = job;
	w->fresh.end = &job->next;
}

struct job *
worker_stop(struct worker *w)
{
	struct job *left;

	if (w == NULL)
		return NULL;
	if (w->running) {
		(void)pthread_mutex_lock(&w->lock);
		w->stop = true;
		(void)pthread_cond_signal(&w->more);
		(void)pthread_mutex_unlock(&w->lock);
		(void)pthread_join(w->thread, NULL);
	}
	queue_join(&w->finished, &w->todo);
	queue_join(&w->finished, &w->fresh);
	left = w->finished.first;
	if (w->turning)
		loop_turn_remove(w->cfg.loop, &w->turn);
	if (w->wake != NULL)
		event_free(w->wake);
	if (w->wake_fd >= 0)
		(void)close(w->wake_fd);
	(void)pthread_cond_destroy(&w->more);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
	return left;
}
