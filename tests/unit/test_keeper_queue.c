/* Group commit above any driver: what gathers, what is answered, when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_cases.h"
#include "driver_fault.h"
#include "driver_memory.h"
#include "keeper/store_queue.h"
#include "keeper/store_reader.h"

#define MOST 64

struct fixture {
	const struct store_driver *driver;
	struct store *writer, *reader;
	struct loop *loop;
	struct store_queue *queue;
	struct store_reader *reads;
	struct event *limit;
	bool late;
	/* What was answered. */
	size_t wanted, n;
	uint64_t tags[1024];
	enum status statuses[1024];
	size_t batches;
	size_t n_rows;
	enum status read_status;
};

static void
on_done(void *arg, const struct store_op *op)
{
	struct fixture *f = arg;

	f->tags[f->n] = op->tag;
	f->statuses[f->n++] = op->status;
	if (f->n == f->wanted)
		loop_stop(f->loop);
}

static void
on_batch(void *arg)
{
	struct fixture *f = arg;

	f->batches++;
}

static void
on_read(void *arg, const struct store_read *read)
{
	struct fixture *f = arg;

	f->n_rows = read->n;
	f->read_status = read->status;
	f->n++;
	if (f->n == f->wanted)
		loop_stop(f->loop);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)fd;
	(void)what;
	f->late = true;
	loop_stop(f->loop);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { "" };

	assert_non_null(f);
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
				 .most = MOST,
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

static int
tear_down(void **state)
{
	struct fixture *f = *state;

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

static enum status
put(struct fixture *f, uint32_t n)
{
	const struct store_endpoints none = { 0 };
	struct receipt r = driver_cases_receipt(n, "testbox");

	return store_queue_put(f->queue, &r, &none, 1, n);
}

/* Run until `wanted` answers have come in all. */
static void
run_until(struct fixture *f, size_t wanted)
{
	const struct timeval limit = { 20, 0 };

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

/* One turn of the loop: what was put is handed over. */
static void
one_turn(struct fixture *f)
{
	const struct timeval now = { 0, 0 };

	assert_int_equal(event_base_once(loop_base(f->loop), -1, EV_TIMEOUT,
			     stop_now, f->loop, &now),
	    0);
	loop_run(f->loop);
}

static void
each_record_is_answered_once_in_order(void **state)
{
	struct fixture *f = *state;

	for (uint32_t n = 1; n <= 50; n++)
		assert_int_equal(put(f, n), ST_OK);
	assert_int_equal(f->n, 0);
	run_until(f, 50);
	for (size_t i = 0; i < 50; i++) {
		assert_int_equal(f->tags[i], i + 1);
		assert_int_equal(f->statuses[i], ST_OK);
	}
	assert_int_equal(store_queue_waiting(f->queue), 0);
}

static void
what_one_turn_brings_is_one_commit(void **state)
{
	struct fixture *f = *state;

	for (uint32_t n = 1; n <= 50; n++)
		assert_int_equal(put(f, n), ST_OK);
	run_until(f, 50);
	assert_int_equal(driver_fault_commits(), 1);
	assert_int_equal(f->batches, 1);
}

static void
what_gathers_behind_a_commit_is_the_next_commit(void **state)
{
	struct fixture *f = *state;

	driver_fault_hold();
	assert_int_equal(put(f, 1), ST_OK);
	one_turn(f);
	driver_fault_await_held();
	for (uint32_t n = 2; n <= 31; n++) {
		assert_int_equal(put(f, n), ST_OK);
		if (n % 5 == 0)
			one_turn(f);
	}
	one_turn(f);
	assert_int_equal(f->n, 0);
	assert_int_equal(driver_fault_begins(), 1);
	driver_fault_release();
	run_until(f, 31);
	assert_int_equal(driver_fault_commits(), 2);
}

static void
a_known_receipt_is_an_answer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, 1), ST_OK);
	assert_int_equal(put(f, 1), ST_OK);
	assert_int_equal(put(f, 2), ST_OK);
	run_until(f, 3);
	assert_int_equal(f->statuses[0], ST_OK);
	assert_int_equal(f->statuses[1], ST_EXISTS);
	assert_int_equal(f->statuses[2], ST_OK);
}

static void
a_full_queue_takes_nothing_and_recovers(void **state)
{
	struct fixture *f = *state;

	driver_fault_hold();
	for (uint32_t n = 1; n <= MOST; n++)
		assert_int_equal(put(f, n), ST_OK);
	assert_int_equal(put(f, 100), ST_BUSY);
	one_turn(f);
	driver_fault_await_held();
	assert_int_equal(put(f, 100), ST_BUSY);
	driver_fault_release();
	run_until(f, MOST);
	assert_int_equal(put(f, 100), ST_OK);
	run_until(f, MOST + 1);
	assert_int_equal(f->statuses[MOST], ST_OK);
}

static void
a_full_disk_fails_the_batch_and_no_more(void **state)
{
	struct fixture *f = *state;

	driver_fault_commit(1, ST_BUSY);
	assert_int_equal(put(f, 1), ST_OK);
	assert_int_equal(put(f, 2), ST_OK);
	run_until(f, 2);
	assert_int_equal(f->statuses[0], ST_BUSY);
	assert_int_equal(f->statuses[1], ST_BUSY);
	assert_int_equal(store_queue_health(f->queue), ST_BUSY);
	assert_int_equal(put(f, 1), ST_OK);
	run_until(f, 3);
	assert_int_equal(f->statuses[2], ST_OK);
	assert_int_equal(store_queue_health(f->queue), ST_OK);
}

static void
after_a_failed_commit_nothing_is_acknowledged(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, 1), ST_OK);
	run_until(f, 1);
	driver_fault_commit(1, ST_IO);
	assert_int_equal(put(f, 2), ST_OK);
	assert_int_equal(put(f, 3), ST_OK);
	run_until(f, 3);
	assert_int_equal(put(f, 4), ST_OK);
	run_until(f, 4);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(f->statuses[i], ST_IO);
	assert_int_equal(store_queue_health(f->queue), ST_IO);
	assert_int_equal(driver_fault_commits(), 2);
}

static void
a_refused_record_does_not_take_the_others_with_it(void **state)
{
	const struct store_endpoints none = { 0 };
	struct fixture *f = *state;
	struct receipt bad = driver_cases_receipt(2, "testbox");

	bad.currency[0] = '?';
	assert_int_equal(put(f, 1), ST_OK);
	assert_int_equal(store_queue_put(f->queue, &bad, &none, 1, 2), ST_OK);
	assert_int_equal(put(f, 3), ST_OK);
	run_until(f, 3);
	assert_int_equal(f->statuses[0], ST_OK);
	assert_int_equal(f->statuses[1], ST_BAD_INPUT);
	assert_int_equal(f->statuses[2], ST_OK);
	assert_int_equal(store_queue_health(f->queue), ST_OK);
	assert_int_equal(driver_fault_commits(), 1);
}

static void
what_is_unanswered_at_the_end_is_released(void **state)
{
	struct fixture *f = *state;

	for (uint32_t n = 1; n <= 10; n++)
		assert_int_equal(put(f, n), ST_OK);
	store_queue_free(f->queue);
	f->queue = NULL;
	assert_int_equal(f->n, 0);
}

static void
a_page_is_read_beside_a_commit(void **state)
{
	const struct store_read ask = { .kind = STORE_READ_PAGE, .limit = 100 };
	struct fixture *f = *state;

	for (uint32_t n = 1; n <= 20; n++)
		assert_int_equal(put(f, n), ST_OK);
	run_until(f, 20);
	driver_fault_hold();
	assert_int_equal(put(f, 21), ST_OK);
	one_turn(f);
	driver_fault_await_held();
	assert_int_equal(store_reader_ask(f->reads, &ask), ST_OK);
	run_until(f, 21);
	assert_int_equal(f->n_rows, 20);
	assert_int_equal(f->read_status, ST_OK);
	driver_fault_release();
	run_until(f, 22);
}

static void
too_many_reads_are_refused(void **state)
{
	const struct store_read ask = { .kind = STORE_READ_TOTALS };
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++)
		assert_int_equal(store_reader_ask(f->reads, &ask), ST_OK);
	assert_int_equal(store_reader_ask(f->reads, &ask), ST_BUSY);
	run_until(f, 4);
	assert_int_equal(store_reader_ask(f->reads, &ask), ST_OK);
	run_until(f, 5);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_record_is_answered_once_in_order),
		CASE(what_one_turn_brings_is_one_commit),
		CASE(what_gathers_behind_a_commit_is_the_next_commit),
		CASE(a_known_receipt_is_an_answer),
		CASE(a_full_queue_takes_nothing_and_recovers),
		CASE(a_full_disk_fails_the_batch_and_no_more),
		CASE(after_a_failed_commit_nothing_is_acknowledged),
		CASE(a_refused_record_does_not_take_the_others_with_it),
		CASE(what_is_unanswered_at_the_end_is_released),
		CASE(a_page_is_read_beside_a_commit),
		CASE(too_many_reads_are_refused),
	};

	return cmocka_run_group_tests_name("keeper_queue", tests, NULL, NULL);
}
