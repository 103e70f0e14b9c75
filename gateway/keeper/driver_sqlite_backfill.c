#include "keeper/driver_sqlite_backfill.h"

#include <stdlib.h>

#include <sqlite3.h>

#include "keeper/thread.h"
#include "keeper/driver_sqlite.h"

struct backfill {
	struct store *copier; /* the thread's */
	pthread_t thread;
	bool alive;
	/* Below: under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool running, stop;
	enum status status;
	int copied;
};

static void *
work(void *arg)
{
	struct backfill *b = arg;

	(void)pthread_mutex_lock(&b->lock);
	for (;;) {
		enum status st;
		int copied;

		while (!b->running && !b->stop)
			(void)pthread_cond_wait(&b->changed, &b->lock);
		if (!b->running)
			break;
		(void)pthread_mutex_unlock(&b->lock);
		st = driver_sqlite_checkpoint(
		    b->copier, SQLITE_CHECKPOINT_PASSIVE, &copied);
		(void)pthread_mutex_lock(&b->lock);
		b->status = st;
		b->copied = copied;
		b->running = false;
		(void)pthread_cond_broadcast(&b->changed);
	}
	(void)pthread_mutex_unlock(&b->lock);
	return NULL;
}

enum status
backfill_new(struct backfill **out, struct store *copier)
{
	struct backfill *b = calloc(1, sizeof(*b));

	*out = NULL;
	if (b == NULL) {
		driver_sqlite_close(copier);
		return ST_NO_MEMORY;
	}
	b->copier = copier;
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_cond_init(&b->changed, NULL);
	if (thread_start(&b->thread, work, b) != 0) {
		backfill_end(b);
		return ST_NO_MEMORY;
	}
	b->alive = true;
	*out = b;
	return ST_OK;
}

static void
set(struct backfill *b, bool *flag)
{
	(void)pthread_mutex_lock(&b->lock);
	*flag = true;
	(void)pthread_cond_broadcast(&b->changed);
	(void)pthread_mutex_unlock(&b->lock);
}

void
backfill_start(struct backfill *b)
{
	set(b, &b->running);
}

bool
backfill_running(struct backfill *b)
{
	bool running;

	(void)pthread_mutex_lock(&b->lock);
	running = b->running;
	(void)pthread_mutex_unlock(&b->lock);
	return running;
}

enum status
backfill_wait(struct backfill *b, int *copied)
{
	enum status st;

	(void)pthread_mutex_lock(&b->lock);
	while (b->running)
		(void)pthread_cond_wait(&b->changed, &b->lock);
	st = b->status;
	*copied = b->copied;
	(void)pthread_mutex_unlock(&b->lock);
	return st;
}

void
backfill_end(struct backfill *b)
{
	if (b == NULL)
		return;
	if (b->alive) {
		set(b, &b->stop);
		(void)pthread_join(b->thread, NULL);
	}
	(void)pthread_cond_destroy(&b->changed);
	(void)pthread_mutex_destroy(&b->lock);
	driver_sqlite_close(b->copier);
	free(b);
}
