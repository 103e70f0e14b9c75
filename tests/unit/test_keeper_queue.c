/* Group commit above any driver: what gathers, what is answered, when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "driver_cases.h"
#include "driver_fault.h"
#include "queue_bench.h"

static void
each_record_is_answered_once_in_order(void **state)
{
	struct queue_bench *f = *state;

	for (uint32_t n = 1; n <= 50; n++)
		assert_int_equal(queue_bench_put(f, n), ST_OK);
	assert_int_equal(f->n, 0);
	queue_bench_run_until(f, 50);
	for (size_t i = 0; i < 50; i++) {
		assert_int_equal(f->tags[i], i + 1);
		assert_int_equal(f->statuses[i], ST_OK);
	}
	assert_int_equal(store_queue_waiting(f->queue), 0);
}

static void
what_one_turn_brings_is_one_commit(void **state)
{
	struct queue_bench *f = *state;

	for (uint32_t n = 1; n <= 50; n++)
		assert_int_equal(queue_bench_put(f, n), ST_OK);
	queue_bench_run_until(f, 50);
	assert_int_equal(driver_fault_commits(), 1);
	assert_int_equal(f->batches, 1);
}

static void
what_gathers_behind_a_commit_is_the_next_commit(void **state)
{
	struct queue_bench *f = *state;

	driver_fault_hold();
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	queue_bench_one_turn(f);
	driver_fault_await_held();
	for (uint32_t n = 2; n <= 31; n++) {
		assert_int_equal(queue_bench_put(f, n), ST_OK);
		if (n % 5 == 0)
			queue_bench_one_turn(f);
	}
	queue_bench_one_turn(f);
	assert_int_equal(f->n, 0);
	assert_int_equal(driver_fault_begins(), 1);
	driver_fault_release();
	queue_bench_run_until(f, 31);
	assert_int_equal(driver_fault_commits(), 2);
}

static void
a_known_receipt_is_an_answer(void **state)
{
	struct queue_bench *f = *state;

	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(queue_bench_put(f, 2), ST_OK);
	queue_bench_run_until(f, 3);
	assert_int_equal(f->statuses[0], ST_OK);
	assert_int_equal(f->statuses[1], ST_EXISTS);
	assert_int_equal(f->statuses[2], ST_OK);
}

static void
a_full_queue_takes_nothing_and_recovers(void **state)
{
	struct queue_bench *f = *state;

	driver_fault_hold();
	for (uint32_t n = 1; n <= QUEUE_BENCH_MOST; n++)
		assert_int_equal(queue_bench_put(f, n), ST_OK);
	assert_int_equal(queue_bench_put(f, 100), ST_BUSY);
	queue_bench_one_turn(f);
	driver_fault_await_held();
	assert_int_equal(queue_bench_put(f, 100), ST_BUSY);
	driver_fault_release();
	queue_bench_run_until(f, QUEUE_BENCH_MOST);
	assert_int_equal(queue_bench_put(f, 100), ST_OK);
	queue_bench_run_until(f, QUEUE_BENCH_MOST + 1);
	assert_int_equal(f->statuses[QUEUE_BENCH_MOST], ST_OK);
}

static void
a_full_disk_fails_the_batch_and_no_more(void **state)
{
	struct queue_bench *f = *state;

	driver_fault_commit(1, ST_BUSY);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(queue_bench_put(f, 2), ST_OK);
	queue_bench_run_until(f, 2);
	assert_int_equal(f->statuses[0], ST_BUSY);
	assert_int_equal(f->statuses[1], ST_BUSY);
	assert_int_equal(store_queue_health(f->queue), ST_BUSY);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	queue_bench_run_until(f, 3);
	assert_int_equal(f->statuses[2], ST_OK);
	assert_int_equal(store_queue_health(f->queue), ST_OK);
}

static void
a_flush_that_is_held_up_makes_no_room(void **state)
{
	struct queue_bench *f = *state;

	driver_fault_commit(1, ST_BUSY);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	queue_bench_run_until(f, 1);
	driver_fault_flush(1, ST_BUSY);
	assert_int_equal(store_queue_flush(f->queue, 1, 2), ST_OK);
	queue_bench_run_until(f, 2);
	assert_int_equal(f->statuses[1], ST_BUSY);
	assert_int_equal(store_queue_health(f->queue), ST_BUSY);
	assert_int_equal(store_queue_flush(f->queue, 1, 3), ST_OK);
	queue_bench_run_until(f, 3);
	assert_int_equal(store_queue_health(f->queue), ST_OK);
}

static void
after_a_failed_commit_nothing_is_acknowledged(void **state)
{
	struct queue_bench *f = *state;

	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	queue_bench_run_until(f, 1);
	driver_fault_commit(1, ST_IO);
	assert_int_equal(queue_bench_put(f, 2), ST_OK);
	assert_int_equal(queue_bench_put(f, 3), ST_OK);
	queue_bench_run_until(f, 3);
	assert_int_equal(queue_bench_put(f, 4), ST_OK);
	queue_bench_run_until(f, 4);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(f->statuses[i], ST_IO);
	assert_int_equal(store_queue_health(f->queue), ST_IO);
	assert_int_equal(driver_fault_commits(), 2);
}

static void
a_refused_record_does_not_take_the_others_with_it(void **state)
{
	const struct store_endpoints none = { 0 };
	struct queue_bench *f = *state;
	struct receipt bad = driver_cases_receipt(2, "testbox");

	bad.currency[0] = '?';
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(store_queue_put(f->queue, &bad, &none, 1, 2), ST_OK);
	assert_int_equal(queue_bench_put(f, 3), ST_OK);
	queue_bench_run_until(f, 3);
	assert_int_equal(f->statuses[0], ST_OK);
	assert_int_equal(f->statuses[1], ST_BAD_INPUT);
	assert_int_equal(f->statuses[2], ST_OK);
	assert_int_equal(store_queue_health(f->queue), ST_OK);
	assert_int_equal(driver_fault_commits(), 1);
}

static void
what_is_unanswered_at_the_end_is_released(void **state)
{
	struct queue_bench *f = *state;

	for (uint32_t n = 1; n <= 10; n++)
		assert_int_equal(queue_bench_put(f, n), ST_OK);
	store_queue_free(f->queue);
	f->queue = NULL;
	assert_int_equal(f->n, 0);
}

static void
a_page_is_read_beside_a_commit(void **state)
{
	const struct store_read ask = { .kind = STORE_READ_PAGE, .limit = 100 };
	struct queue_bench *f = *state;

	for (uint32_t n = 1; n <= 20; n++)
		assert_int_equal(queue_bench_put(f, n), ST_OK);
	queue_bench_run_until(f, 20);
	driver_fault_hold();
	assert_int_equal(queue_bench_put(f, 21), ST_OK);
	queue_bench_one_turn(f);
	driver_fault_await_held();
	assert_int_equal(store_reader_ask(f->reads, &ask), ST_OK);
	queue_bench_run_until(f, 21);
	assert_int_equal(f->n_rows, 20);
	assert_int_equal(f->read_status, ST_OK);
	driver_fault_release();
	queue_bench_run_until(f, 22);
}

static void
a_flush_is_answered_behind_the_commit_of_its_batch(void **state)
{
	struct queue_bench *f = *state;

	assert_int_equal(store_queue_flush(f->queue, 7, 70), ST_OK);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(store_queue_flush(f->queue, 7, 71), ST_OK);
	queue_bench_run_until(f, 3);
	assert_int_equal(f->last.kind, STORE_OP_FLUSH);
	assert_true(f->last.owner == 7 && f->last.tag == 71);
	assert_int_equal(f->statuses[0], ST_OK);
	assert_int_equal(f->statuses[2], ST_OK);
	assert_int_equal(driver_fault_commits(), 1);
	assert_int_equal(driver_fault_flushes(), 1);
}

static void
a_flush_that_a_reader_holds_up_fails_alone(void **state)
{
	struct queue_bench *f = *state;

	driver_fault_flush(1, ST_BUSY);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(store_queue_flush(f->queue, 0, 2), ST_OK);
	queue_bench_run_until(f, 2);
	assert_int_equal(f->statuses[0], ST_OK);
	assert_int_equal(f->statuses[1], ST_BUSY);
	assert_int_equal(store_queue_health(f->queue), ST_OK);
}

static void
after_a_failed_flush_nothing_is_acknowledged(void **state)
{
	struct queue_bench *f = *state;

	driver_fault_flush(1, ST_IO);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(store_queue_flush(f->queue, 0, 2), ST_OK);
	queue_bench_run_until(f, 2);
	assert_int_equal(f->statuses[0], ST_IO);
	assert_int_equal(store_queue_health(f->queue), ST_IO);
}

static void
too_many_reads_are_refused(void **state)
{
	const struct store_read ask = { .kind = STORE_READ_TOTALS };
	struct queue_bench *f = *state;

	for (int i = 0; i < 4; i++)
		assert_int_equal(store_reader_ask(f->reads, &ask), ST_OK);
	assert_int_equal(store_reader_ask(f->reads, &ask), ST_BUSY);
	queue_bench_run_until(f, 4);
	assert_int_equal(store_reader_ask(f->reads, &ask), ST_OK);
	queue_bench_run_until(f, 5);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, queue_bench_set_up, queue_bench_tear_down)

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
		CASE(a_flush_that_is_held_up_makes_no_room),
		CASE(after_a_failed_commit_nothing_is_acknowledged),
		CASE(a_refused_record_does_not_take_the_others_with_it),
		CASE(what_is_unanswered_at_the_end_is_released),
		CASE(a_page_is_read_beside_a_commit),
		CASE(a_flush_is_answered_behind_the_commit_of_its_batch),
		CASE(a_flush_that_a_reader_holds_up_fails_alone),
		CASE(after_a_failed_flush_nothing_is_acknowledged),
		CASE(too_many_reads_are_refused),
	};

	return cmocka_run_group_tests_name("keeper_queue", tests, NULL, NULL);
}
