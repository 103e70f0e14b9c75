/* When the keeper empties the store's log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "driver_fault.h"
#include "keeper/rest.h"
#include "queue_bench.h"

/* One second in which something changed, or did not. */
static void
pass_second(struct rest *r, bool changed)
{
	const struct store_op op = { .kind = STORE_OP_SETTLE };

	if (changed)
		rest_take(r, &op);
	rest_tick(r);
}

static void
answer(struct queue_bench *f, struct rest *r)
{
	queue_bench_run_until(f, f->n + 1);
	assert_int_equal(f->last.kind, STORE_OP_FLUSH);
	rest_take(r, &f->last);
}

static void
the_first_quiet_second_empties_the_log_once(void **state)
{
	struct queue_bench *f = *state;
	struct rest r = { .queue = f->queue };

	pass_second(&r, false);
	assert_int_equal(store_queue_waiting(f->queue), 0);
	pass_second(&r, true);
	assert_int_equal(store_queue_waiting(f->queue), 0);
	pass_second(&r, false);
	pass_second(&r, false);
	assert_int_equal(store_queue_waiting(f->queue), 1);
	answer(f, &r);
	pass_second(&r, false);
	assert_int_equal(store_queue_waiting(f->queue), 0);
	assert_int_equal(driver_fault_flushes(), 1);
}

static void
a_busy_minute_is_no_excuse(void **state)
{
	struct queue_bench *f = *state;
	struct rest r = { .queue = f->queue };

	for (int round = 1; round <= 2; round++) {
		for (int i = 1; i < REST_TICKS; i++)
			pass_second(&r, true);
		assert_int_equal(store_queue_waiting(f->queue), 0);
		pass_second(&r, true);
		answer(f, &r);
		assert_int_equal(driver_fault_flushes(), round);
	}
}

static void
what_a_reader_holds_up_is_tried_again_in_a_second(void **state)
{
	struct queue_bench *f = *state;
	struct rest r = { .queue = f->queue };

	driver_fault_flush(1, ST_BUSY);
	pass_second(&r, true);
	pass_second(&r, false);
	answer(f, &r);
	pass_second(&r, false);
	answer(f, &r);
	assert_int_equal(f->last.status, ST_OK);
	assert_int_equal(driver_fault_flushes(), 2);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, queue_bench_set_up, queue_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_first_quiet_second_empties_the_log_once),
		CASE(a_busy_minute_is_no_excuse),
		CASE(what_a_reader_holds_up_is_tried_again_in_a_second),
	};

	return cmocka_run_group_tests_name("keeper_rest", tests, NULL, NULL);
}
