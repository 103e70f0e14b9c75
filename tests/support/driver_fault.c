#include "driver_fault.h"

#include <pthread.h>

#include "driver_memory.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int commits, begins, fail_at;
static enum status fail_with;
static int flushes, flush_fail_at;
static enum status flush_fail_with;
static struct gate {
	bool shut, waited_at;
} commit_gate, due_gate;

void
driver_fault_reset(void)
{
	(void)pthread_mutex_lock(&lock);
	commits = begins = fail_at = flushes = flush_fail_at = 0;
	commit_gate = due_gate = (struct gate){ 0 };
	(void)pthread_mutex_unlock(&lock);
}

void
driver_fault_commit(int n, enum status st)
{
	(void)pthread_mutex_lock(&lock);
	fail_at = commits + n;
	fail_with = st;
	(void)pthread_mutex_unlock(&lock);
}

void
driver_fault_flush(int n, enum status st)
{
	(void)pthread_mutex_lock(&lock);
	flush_fail_at = flushes + n;
	flush_fail_with = st;
	(void)pthread_mutex_unlock(&lock);
}

static void
set_gate(struct gate *g, bool shut)
{
	(void)pthread_mutex_lock(&lock);
	g->shut = shut;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

static void
await_gate(struct gate *g)
{
	(void)pthread_mutex_lock(&lock);
	while (!g->waited_at)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
}

/* With the lock. */
static void
pass_gate(struct gate *g)
{
	g->waited_at = g->shut;
	(void)pthread_cond_broadcast(&changed);
	while (g->shut)
		(void)pthread_cond_wait(&changed, &lock);
	g->waited_at = false;
}

void
driver_fault_hold(void)
{
	set_gate(&commit_gate, true);
}

void
driver_fault_release(void)
{
	set_gate(&commit_gate, false);
}

void
driver_fault_await_held(void)
{
	await_gate(&commit_gate);
}

void
driver_fault_hold_due(void)
{
	set_gate(&due_gate, true);
}

void
driver_fault_release_due(void)
{
	set_gate(&due_gate, false);
}

void
driver_fault_await_held_due(void)
{
	await_gate(&due_gate);
}

static int
read_count(const int *count)
{
	int n;

	(void)pthread_mutex_lock(&lock);
	n = *count;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

int
driver_fault_commits(void)
{
	return read_count(&commits);
}

int
driver_fault_begins(void)
{
	return read_count(&begins);
}

int
driver_fault_flushes(void)
{
	return read_count(&flushes);
}

static enum status
fault_flush(struct store *s)
{
	enum status st = ST_OK;

	(void)pthread_mutex_lock(&lock);
	if (++flushes == flush_fail_at)
		st = flush_fail_with;
	(void)pthread_mutex_unlock(&lock);
	return st == ST_OK ? store_driver_memory.flush(s) : st;
}

static enum status
fault_begin(struct store *s)
{
	(void)pthread_mutex_lock(&lock);
	begins++;
	(void)pthread_mutex_unlock(&lock);
	return store_driver_memory.begin(s);
}

static enum status
fault_commit(struct store *s)
{
	enum status st = ST_OK;

	(void)pthread_mutex_lock(&lock);
	pass_gate(&commit_gate);
	if (++commits == fail_at)
		st = fail_with;
	(void)pthread_mutex_unlock(&lock);
	if (st == ST_OK)
		return store_driver_memory.commit(s);
	store_driver_memory.abort(s);
	return st;
}

static enum status
fault_due(struct store *s, uint32_t endpoint_id, bool ordered, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	enum status st = store_driver_memory.due(
	    s, endpoint_id, ordered, now_us, limit, fn, arg, next_us);

	(void)pthread_mutex_lock(&lock);
	pass_gate(&due_gate);
	(void)pthread_mutex_unlock(&lock);
	return st;
}

static enum status
fault_questions(struct store *s, const char *merchant, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	enum status st = store_driver_memory.questions(
	    s, merchant, now_us, limit, fn, arg, next_us);

	(void)pthread_mutex_lock(&lock);
	pass_gate(&due_gate);
	(void)pthread_mutex_unlock(&lock);
	return st;
}

const struct store_driver *
driver_fault(void)
{
	static struct store_driver driver;

	driver = store_driver_memory;
	driver.name = "fault";
	driver.begin = fault_begin;
	driver.commit = fault_commit;
	driver.flush = fault_flush;
	driver.due = fault_due;
	driver.questions = fault_questions;
	return &driver;
}
