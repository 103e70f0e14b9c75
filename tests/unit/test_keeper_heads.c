/* When the keeper keeps a head of the ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "keeper/heads.h"
#include "queue_bench.h"

static void
a_day_asks_for_one_head_a_minute_at_most(void **state)
{
	struct queue_bench *f = *state;
	struct heads h = { .queue = f->queue };

	heads_tick(&h);
	heads_tick(&h);
	assert_int_equal(store_queue_waiting(f->queue), 1);
	queue_bench_run_until(f, 1);
	assert_int_equal(f->last.kind, STORE_OP_HEAD);
	assert_int_equal(f->last.status, ST_OK);
	assert_true(f->last.u.head.at_us - f->last.u.head.before_us ==
		    INT64_C(86400000000));
	heads_done(&h, &f->last);
	heads_tick(&h);
	assert_int_equal(store_queue_waiting(f->queue), 0);
}

static void
where_there_are_more_leaves_the_next_second_goes_on(void **state)
{
	struct queue_bench *f = *state;
	struct heads h = { .queue = f->queue };

	heads_tick(&h);
	queue_bench_run_until(f, 1);
	f->last.u.head.more = true;
	heads_done(&h, &f->last);
	heads_tick(&h);
	assert_int_equal(store_queue_waiting(f->queue), 1);
	queue_bench_run_until(f, 2);
	/* A store that has no room is left alone for a minute. */
	f->last.u.head.more = true;
	f->last.status = ST_BUSY;
	heads_done(&h, &f->last);
	heads_tick(&h);
	assert_int_equal(store_queue_waiting(f->queue), 0);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, queue_bench_set_up, queue_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_day_asks_for_one_head_a_minute_at_most),
		CASE(where_there_are_more_leaves_the_next_second_goes_on),
	};

	return cmocka_run_group_tests_name("keeper_heads", tests, NULL, NULL);
}
