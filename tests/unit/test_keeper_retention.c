/* When and how the keeper lets go what was kept long enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/clock.h"
#include "driver_cases.h"
#include "driver_fault.h"
#include "keeper/retention.h"
#include "keeper/sweep.h"
#include "keeper_bench.h"
#include "queue_bench.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US	  (60 * MINUTE_US)
#define DAY_US	  (24 * HOUR_US)

/* Receipts that one step takes at most. */
#define STEP 20

/* Kept so long; by then all that the tests store is due. */
#define KEEP_US (30 * DAY_US)
#define DUE	(driver_cases_received_us(100000) + KEEP_US)

/* The clocks of this program: the tests move them. */
static int64_t wall_us, mono_us;

int64_t
clock_wall_us(void)
{
	return wall_us;
}

int64_t
clock_mono_us(void)
{
	return mono_us;
}

struct fixture {
	struct queue_bench *bench;
	struct routes *routes;
	struct retention r;
	size_t receipts; /* that went, */
	size_t steps;	 /* and in how many steps */
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct keeper_config cfg;

	assert_non_null(f);
	wall_us = DUE;
	mono_us = 77 * DAY_US;
	assert_int_equal(queue_bench_set_up((void **)&f->bench), 0);
	keeper_bench_config(&cfg, "queue", "testbox", "main");
	cfg.merchants[0].keep_s = KEEP_US / SECOND_US;
	cfg.keep_attempts_s = 1000;
	cfg.keep_stopped_s = 2000;
	cfg.keep_refused_s = 3000;
	cfg.n_billings = 0;
	cfg.merchants[0].billings = 0;
	f->routes = routes_new();
	assert_non_null(f->routes);
	assert_int_equal(routes_propose(f->routes, &cfg), ST_OK);
	routes_adopt(f->routes);
	f->r = (struct retention){ .routes = f->routes,
		.queue = f->bench->queue,
		.swept_us = mono_us };
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	(void)queue_bench_tear_down((void **)&f->bench);
	routes_free(f->routes);
	free(f);
	return 0;
}

static void
put(struct fixture *f, uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n <= to; n++) {
		assert_int_equal(queue_bench_put(f->bench, n), ST_OK);
		if (n % QUEUE_BENCH_MOST == 0 || n == to)
			queue_bench_run_until(f->bench,
			    f->bench->n + store_queue_waiting(f->bench->queue));
	}
}

/* The store answers one step, and what comes of it. */
static void
answer(struct fixture *f)
{
	assert_int_equal(store_queue_waiting(f->bench->queue), 1);
	queue_bench_run_until(f->bench, f->bench->n + 1);
	assert_int_equal(f->bench->last.kind, STORE_OP_EXPIRE);
	f->receipts += f->bench->last.u.expire.what.receipts;
	f->steps++;
	retention_done(&f->r, &f->bench->last);
}

/* A second in which a pass may begin, and all its steps.  How many receipts
 * went. */
static size_t
pass(struct fixture *f)
{
	f->receipts = f->steps = 0;
	retention_tick(&f->r);
	while (store_queue_waiting(f->bench->queue) > 0)
		answer(f);
	return f->receipts;
}

static bool
is_kept(struct fixture *f, uint32_t n)
{
	const struct receipt r = driver_cases_receipt(n, "testbox");
	struct store_row row;

	return f->bench->driver->get(f->bench->reader, &r.id, NULL, &row) ==
	       ST_OK;
}

static int64_t
shown(struct fixture *f, enum metric m)
{
	return metrics_sum(&f->bench->page, 1, m);
}

/* ---- steps */

/* proves: R13 */
static void
what_is_due_goes_within_one_pass_in_steps_one_at_a_time(void **state)
{
	struct fixture *f = *state;

	put(f, 1, 450);
	f->receipts = 0;
	retention_tick(&f->r);
	while (store_queue_waiting(f->bench->queue) > 0) {
		size_t before = f->receipts;

		answer(f);
		assert_in_range(f->receipts - before, 0, STEP);
	}
	assert_int_equal(f->receipts, 450);
	assert_true(f->steps > 450 / STEP);
	assert_false(is_kept(f, 1));
	assert_false(is_kept(f, 450));
}

static void
a_pass_begins_once_a_minute(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pass(f), 0);
	assert_int_equal(f->steps, 1);
	put(f, 1, 3);
	assert_int_equal(pass(f), 0);
	mono_us += MINUTE_US - 1;
	assert_int_equal(pass(f), 0);
	assert_int_equal(f->steps, 0);
	mono_us += 1;
	assert_int_equal(pass(f), 3);
}

static void
what_comes_in_between_two_steps_is_stored_before_the_second(void **state)
{
	struct fixture *f = *state;
	struct store_op first = { .kind = STORE_OP_EXPIRE,
		.u.expire.what = { .most = STEP, .receipts = STEP } };
	size_t n;

	put(f, 1, 3 * STEP);
	n = f->bench->n;
	driver_fault_hold();
	retention_tick(&f->r);
	queue_bench_one_turn(f->bench);
	driver_fault_await_held();
	assert_int_equal(queue_bench_put(f->bench, 7001), ST_OK);
	retention_tick(&f->r);
	assert_int_equal(store_queue_waiting(f->bench->queue), 2);
	driver_fault_release();
	queue_bench_run_until(f->bench, n + 2);
	assert_int_equal(f->bench->tags[n + 1], 7001);
	assert_int_equal(f->bench->statuses[n + 1], ST_OK);
	assert_true(is_kept(f, STEP + 1));
	retention_done(&f->r, &first);
	assert_int_equal(store_queue_waiting(f->bench->queue), 1);
	answer(f);
}

static void
hold(struct fixture *f, uint32_t n, int64_t at_us)
{
	const struct receipt r = driver_cases_receipt(n, "testbox");
	struct store_op op = { .kind = STORE_OP_LEGAL, .u.legal.at_us = at_us };

	memcpy(op.u.legal.merchant, r.merchant, sizeof(op.u.legal.merchant));
	memcpy(
	    op.u.legal.invoice_id, r.invoice_id, sizeof(op.u.legal.invoice_id));
	assert_int_equal(store_queue_do(f->bench->queue, &op), ST_OK);
	queue_bench_run_until(f->bench, f->bench->n + 1);
	assert_int_equal(f->bench->last.status, ST_OK);
}

/* proves: R14 */
static void
what_a_person_holds_stays_and_does_not_hold_up_the_others(void **state)
{
	struct fixture *f = *state;

	put(f, 1, STEP + 30);
	/* The oldest, as many as a step takes. */
	for (uint32_t n = 1; n <= STEP; n++)
		hold(f, n, 7);
	assert_int_equal(pass(f), 30);
	assert_true(is_kept(f, 1));
	assert_false(is_kept(f, STEP + 1));
	mono_us += MINUTE_US;
	assert_int_equal(pass(f), 0);
	hold(f, 1, 0);
	mono_us += MINUTE_US;
	assert_int_equal(pass(f), 1);
	assert_false(is_kept(f, 1));
}

/* ---- the clock */

static void
a_clock_that_is_put_back_lets_nothing_go_early(void **state)
{
	struct fixture *f = *state;

	put(f, 1, 1);
	for (int64_t back_us = 0; back_us < 400 * DAY_US;
	     back_us += 9 * DAY_US) {
		wall_us = driver_cases_received_us(1) + KEEP_US - back_us;
		mono_us += MINUTE_US;
		assert_int_equal(pass(f), 0);
		assert_int_equal(f->steps, 1);
	}
	assert_true(is_kept(f, 1));
	wall_us = driver_cases_received_us(1) + KEEP_US + 1;
	mono_us += MINUTE_US;
	assert_int_equal(pass(f), 1);
}

/* ---- falling behind */

static void
expect_behind(struct fixture *f, bool behind)
{
	assert_int_equal(shown(f, MET_RETENTION_BEHIND), behind);
	assert_int_equal(keeper_bench_log_has("\"retention_behind\""), behind);
}

/* proves: R13 R40 */
static void
a_day_without_the_end_of_a_pass_is_an_alarm(void **state)
{
	struct fixture *f = *state;

	keeper_bench_log_catch();
	put(f, 1, 3);
	for (int hour = 0; hour <= 24; hour++) {
		driver_fault_commit(1, ST_BUSY);
		assert_int_equal(pass(f), 3);
		assert_int_equal(f->bench->last.status, ST_BUSY);
		expect_behind(f, false);
		assert_true(shown(f, MET_RETENTION_LAG_US) == hour * HOUR_US);
		mono_us += HOUR_US;
	}
	assert_true(is_kept(f, 1));
	retention_tick(&f->r);
	expect_behind(f, true);
	assert_false(keeper_bench_log_has("retention_caught_up"));
	answer(f);
	assert_false(is_kept(f, 1));
	mono_us += SECOND_US;
	retention_tick(&f->r);
	keeper_bench_log_release();
	assert_int_equal(shown(f, MET_RETENTION_BEHIND), 0);
	assert_true(shown(f, MET_RETENTION_LAG_US) == SECOND_US);
}

static void
a_pass_that_lasts_for_a_day_is_an_alarm_once(void **state)
{
	struct fixture *f = *state;

	keeper_bench_log_catch();
	put(f, 1, 450);
	retention_tick(&f->r);
	answer(f);
	mono_us += DAY_US + 1;
	retention_tick(&f->r);
	expect_behind(f, true);
	keeper_bench_log_release();
	keeper_bench_log_catch();
	retention_tick(&f->r);
	assert_false(keeper_bench_log_has("\"retention_behind\""));
	while (store_queue_waiting(f->bench->queue) > 0)
		answer(f);
	retention_tick(&f->r);
	assert_true(keeper_bench_log_has("\"retention_caught_up\""));
	expect_behind(f, false);
	keeper_bench_log_release();
}

/* ---- what has a term of its own */

#define ALL SIZE_MAX /* that it was asked for */

/* The store answers this one, having found so many. */
static void
answer_sweep(struct fixture *f, struct sweep *s, enum store_sweep what,
    int64_t keep_s, size_t found)
{
	struct store_op *op = &f->bench->last;

	queue_bench_run_until(f->bench, f->bench->n + 1);
	assert_int_equal(op->kind, STORE_OP_SWEEP);
	assert_int_equal(op->status, ST_OK);
	assert_int_equal(op->u.sweep.what, what);
	assert_true(op->u.sweep.before_us == wall_us - keep_s * SECOND_US);
	op->u.sweep.n = found == ALL ? op->u.sweep.most : found;
	sweep_done(s, op);
}

static void
each_term_is_swept_once_a_minute_and_on_while_there_is_more(void **state)
{
	struct fixture *f = *state;
	struct sweep s = { .routes = f->routes, .queue = f->bench->queue };
	int64_t before = shown(f, MET_FORGOTTEN_STOPPED);

	/* One at a time, so that each answer is seen. */
	s.next_us[STORE_SWEEP_STOPPED] = s.next_us[STORE_SWEEP_REFUSED] =
	    INT64_MAX;
	sweep_tick(&s);
	answer_sweep(f, &s, STORE_SWEEP_ATTEMPTS, 1000, 999);
	s.next_us[STORE_SWEEP_REFUSED] = 0;
	sweep_tick(&s);
	answer_sweep(f, &s, STORE_SWEEP_REFUSED, 3000, 0);
	s.next_us[STORE_SWEEP_STOPPED] = 0;
	for (int batch = 0; batch < 3; batch++) {
		sweep_tick(&s);
		assert_int_equal(store_queue_waiting(f->bench->queue), 1);
		answer_sweep(
		    f, &s, STORE_SWEEP_STOPPED, 2000, batch < 2 ? ALL : 1);
	}
	sweep_tick(&s);
	assert_int_equal(store_queue_waiting(f->bench->queue), 0);
	assert_int_equal(shown(f, MET_FORGOTTEN_STOPPED) - before, 201);
	mono_us += MINUTE_US;
	sweep_tick(&s);
	assert_int_equal(store_queue_waiting(f->bench->queue), STORE_SWEEPS);
	queue_bench_run_until(f->bench, f->bench->n + STORE_SWEEPS);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_due_goes_within_one_pass_in_steps_one_at_a_time),
		CASE(a_pass_begins_once_a_minute),
		CASE(
		    what_comes_in_between_two_steps_is_stored_before_the_second),
		CASE(what_a_person_holds_stays_and_does_not_hold_up_the_others),
		CASE(a_clock_that_is_put_back_lets_nothing_go_early),
		CASE(a_day_without_the_end_of_a_pass_is_an_alarm),
		CASE(a_pass_that_lasts_for_a_day_is_an_alarm_once),
		CASE(
		    each_term_is_swept_once_a_minute_and_on_while_there_is_more),
	};

	return cmocka_run_group_tests_name(
	    "keeper_retention", tests, NULL, NULL);
}
