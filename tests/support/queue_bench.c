#include "queue_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "driver_fault.h"
#include "driver_memory.h"

static void
on_done(void *arg, const struct store_op *op)
{
	struct queue_bench *f = arg;

	f->tags[f->n] = op->tag;
	f->statuses[f->n++] = op->status;
	f->last = *op;
	if (f->n == f->wanted)
		loop_stop(f->loop);
}

static void
on_batch(void *arg)
{
	struct queue_bench *f = arg;

	f->batches++;
}

static void
on_read(void *arg, const struct store_read *read)
{
	struct queue_bench *f = arg;

	f->n_rows = read->n;
	f->read_status = read->status;
	f->more = read->more;
	f->next_us = read->next_us;
	for (size_t i = 0; i < read->n && i < ARRAY_LEN(f->dues); i++) {
		if (read->rows != NULL)
			f->dues[i] = read->rows[i];
		if (read->lives != NULL)
			f->lives[i] = read->lives[i];
	}
	f->n++;
	if (f->n == f->wanted)
		loop_stop(f->loop);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct queue_bench *f = arg;

	(void)fd;
	(void)what;
	f->late = true;
	loop_stop(f->loop);
}

/* The page is attached once. */
static const struct metrics_page *
counters(void)
{
	static const struct metrics_page *page;
	int fd;

	if (page != NULL)
		return page;
	fd = metrics_page_new();
	assert_true(fd >= 0);
	assert_int_equal(metrics_attach(fd), ST_OK);
	page = metrics_page_map(fd);
	assert_non_null(page);
	(void)close(fd);
	return page;
}

int
queue_bench_set_up(void **state)
{
	struct queue_bench *f = calloc(1, sizeof(*f));
	struct err e = { "" };

	assert_non_null(f);
	f->page = counters();
	driver_fault_reset();
	f->driver = driver_fault();
	assert_int_equal(
	    f->driver->open(&f->writer, "queue", STORE_WRITE, &e), ST_OK);
	assert_int_equal(
	    f->driver->open(&f->reader, "queue", STORE_READ, &e), ST_OK);
	assert_int_equal(loop_new(&f->loop, &e), ST_OK);
	assert_int_equal(store_queue_new(&f->queue,
			     &(struct store_queue_config){ .loop = f->loop,
				 .driver = f->driver,
				 .store = f->writer,
				 .most = QUEUE_BENCH_MOST,
				 .on_done = on_done,
				 .on_batch = on_batch,
				 .arg = f },
			     &e),
	    ST_OK);
	assert_int_equal(store_reader_new(&f->reads,
			     &(struct store_reader_config){ .loop = f->loop,
				 .driver = f->driver,
				 .store = f->reader,
				 .most = 4,
				 .on_done = on_read,
				 .arg = f },
			     &e),
	    ST_OK);
	f->limit = event_new(loop_base(f->loop), -1, 0, on_limit, f);
	assert_non_null(f->limit);
	*state = f;
	return 0;
}

int
queue_bench_tear_down(void **state)
{
	struct queue_bench *f = *state;

	driver_fault_release();
	event_free(f->limit);
	store_queue_free(f->queue);
	store_reader_free(f->reads);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	loop_free(f->loop);
	driver_memory_forget();
	free(f);
	return 0;
}

enum status
queue_bench_put(struct queue_bench *f, uint32_t n)
{
	const struct store_endpoints none = { 0 };
	struct receipt r = driver_cases_receipt(n, "testbox");

	return store_queue_put(f->queue, &r, &none, 1, n);
}

void
queue_bench_run_until(struct queue_bench *f, size_t wanted)
{
	const struct timeval limit = { 60, 0 };

	f->wanted = wanted;
	if (f->n >= wanted)
		return;
	assert_int_equal(event_add(f->limit, &limit), 0);
	loop_run(f->loop);
	(void)event_del(f->limit);
	assert_false(f->late);
	assert_int_equal(f->n, wanted);
}

static void
stop_now(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(arg);
}

void
queue_bench_one_turn(struct queue_bench *f)
{
	const struct timeval now = { 0, 0 };

	assert_int_equal(event_base_once(loop_base(f->loop), -1, EV_TIMEOUT,
			     stop_now, f->loop, &now),
	    0);
	loop_run(f->loop);
}
