/* How every store driver forgets what has a term of its own: each case runs
 * against each driver.  Attempts are in test_store_deliveries.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "driver_cases.h"
#include "store_bench.h"

/* Attempts end at 50 + number, and moves of payments are at 60. */
#define ENDED(attempt) driver_cases_received_us(50 + (attempt))
#define MOVED	       driver_cases_received_us(60)

static size_t
sweep(struct store_bench *f, enum store_sweep what, int64_t before_us,
    size_t most)
{
	size_t n = 99, would = 99;

	assert_int_equal(
	    f->driver->sweeping(f->reader, what, before_us, &would), ST_OK);
	store_bench_begin(f);
	assert_int_equal(
	    f->driver->sweep(f->writer, what, before_us, most, &n), ST_OK);
	store_bench_commit(f);
	assert_int_equal(n, would < most ? would : most);
	return n;
}

/* Receipt n, owed to main and backup; its seq is n. */
static void
put(struct store_bench *f, uint32_t n)
{
	const struct receipt r = driver_cases_receipt(n, "testbox");
	const uint32_t both[] = { f->main_id, f->backup_id };

	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, &r, both, 2), ST_OK);
	store_bench_commit(f);
}

static void
settle(
    struct store_bench *f, uint32_t n, uint32_t attempt, enum delivery_state to)
{
	const struct store_settle d = { .seq = n,
		.endpoint_id = f->main_id,
		.attempt = attempt,
		.to = to,
		.outcome = to == DELIVERY_DELIVERED ? OUTCOME_DELIVERED
						    : OUTCOME_STATUS,
		.http_status = to == DELIVERY_DELIVERED ? 200 : 500,
		.now_us = ENDED(attempt),
		.next_us = ENDED(attempt) };

	store_bench_begin(f);
	assert_int_equal(f->driver->settle(f->writer, &d), ST_OK);
	store_bench_commit(f);
}

static enum status
redeliver(struct store_bench *f, uint32_t n, enum delivery_state to)
{
	const struct store_redeliver r = {
		.seq = n, .endpoint_id = f->main_id, .to = to, .at_us = ENDED(3)
	};
	enum status st;

	store_bench_begin(f);
	st = f->driver->redeliver(f->writer, &r);
	store_bench_commit(f);
	return st;
}

static void
count_attempt(void *arg, const struct delivery_attempt *a)
{
	(void)a;
	++*(size_t *)arg;
}

/* Attempts of receipt n at an endpoint; -1: there is no such delivery. */
static int
attempts(struct store_bench *f, uint32_t n, const char *endpoint)
{
	const struct receipt r = driver_cases_receipt(n, "testbox");
	size_t all = 0;
	enum status st = f->driver->attempts(
	    f->reader, &r.id, endpoint, "testbox", 9, count_attempt, &all);

	if (st == ST_NOT_FOUND)
		return -1;
	assert_int_equal(st, ST_OK);
	return (int)all;
}

static void
legal(struct store_bench *f, uint32_t n, int64_t at_us)
{
	const struct receipt r = driver_cases_receipt(n, "testbox");

	store_bench_begin(f);
	assert_int_equal(
	    f->driver->legal(f->writer, r.merchant, r.invoice_id, at_us),
	    ST_OK);
	store_bench_commit(f);
}

/* proves: R13 */
static void
a_delivery_given_up_goes_with_its_attempts_and_the_receipt_stays(void **state)
{
	struct store_bench *f = *state;

	put(f, 1);
	settle(f, 1, 1, DELIVERY_PENDING);
	settle(f, 1, 2, DELIVERY_EXHAUSTED);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, ENDED(2), 9), 0);
	assert_int_equal(attempts(f, 1, "main"), 2);
	assert_int_equal(store_bench_totals(f).exhausted, 1);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, ENDED(2) + 1, 9), 1);
	assert_int_equal(attempts(f, 1, "main"), -1);
	assert_int_equal(sweep(f, STORE_SWEEP_ATTEMPTS, INT64_MAX, 9), 0);
	assert_int_equal(attempts(f, 1, "backup"), 0);
	assert_int_equal(redeliver(f, 1, DELIVERY_PENDING), ST_NOT_FOUND);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_CONFIRMED);
	assert_int_equal(store_bench_totals(f).exhausted, 0);
	assert_int_equal(store_bench_totals(f).deliveries_pending, 1);
}

static void
deliveries_in_other_states_stay(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 4; n++)
		put(f, n);
	settle(f, 1, 1, DELIVERY_PENDING);
	settle(f, 2, 1, DELIVERY_DELIVERED);
	settle(f, 3, 1, DELIVERY_EXHAUSTED);
	assert_int_equal(redeliver(f, 3, DELIVERY_PENDING), ST_OK);
	assert_int_equal(redeliver(f, 4, DELIVERY_DROPPED), ST_OK);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, INT64_MAX, 9), 1);
	for (uint32_t n = 1; n <= 3; n++)
		assert_int_equal(attempts(f, n, "main"), 1);
	assert_int_equal(attempts(f, 4, "main"), -1);
	assert_int_equal(store_bench_totals(f).exhausted, 0);
}

static void
those_given_up_first_go_first_and_a_few_at_a_time(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 3; n++)
		put(f, n);
	settle(f, 1, 1, DELIVERY_PENDING);
	settle(f, 1, 2, DELIVERY_EXHAUSTED);
	settle(f, 2, 1, DELIVERY_EXHAUSTED);
	settle(f, 3, 1, DELIVERY_EXHAUSTED);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, INT64_MAX, 2), 2);
	assert_int_equal(attempts(f, 1, "main"), 2);
	assert_int_equal(store_bench_totals(f).exhausted, 1);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, INT64_MAX, 2), 1);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, INT64_MAX, 2), 0);
}

/* proves: R14 */
static void
a_delivery_of_an_invoice_that_a_person_holds_stays(void **state)
{
	struct store_bench *f = *state;

	put(f, 1);
	settle(f, 1, 1, DELIVERY_EXHAUSTED);
	legal(f, 1, 7);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, INT64_MAX, 9), 0);
	assert_int_equal(attempts(f, 1, "main"), 1);
	legal(f, 1, 0);
	assert_int_equal(sweep(f, STORE_SWEEP_STOPPED, INT64_MAX, 9), 1);
}

static void
a_refused_payment_may_come_again_after_its_term(void **state)
{
	struct store_bench *f = *state;

	store_bench_bring(f, 1, LIFE_REFUSED);
	assert_int_equal(sweep(f, STORE_SWEEP_REFUSED, MOVED, 9), 0);
	assert_int_equal(store_bench_wait(f, 1, "testbox"), ST_EXISTS);
	assert_int_equal(sweep(f, STORE_SWEEP_REFUSED, MOVED + 1, 9), 1);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_ABSENT);
	assert_int_equal(store_bench_wait(f, 1, "testbox"), ST_OK);
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_CONFIRMED), ST_OK);
}

/* proves: R17 */
static void
a_tombstone_of_an_erased_payment_stays_for_good(void **state)
{
	struct store_bench *f = *state;
	struct store_expire e = { .merchant = "testbox",
		.before_us = INT64_MAX,
		.at_us = 7,
		.most = 9 };

	store_bench_bring(f, 1, LIFE_ERASED);
	put(f, 2);
	store_bench_begin(f);
	assert_int_equal(f->driver->expire(f->writer, &e), ST_OK);
	store_bench_commit(f);
	assert_int_equal(e.receipts, 1);
	for (uint32_t n = 3; n <= 5; n++)
		store_bench_bring(f, n, LIFE_REFUSED);
	assert_int_equal(sweep(f, STORE_SWEEP_REFUSED, INT64_MAX, 2), 2);
	assert_int_equal(sweep(f, STORE_SWEEP_REFUSED, INT64_MAX, 2), 1);
	for (uint32_t n = 1; n <= 2; n++) {
		assert_int_equal(store_bench_find(f, n).life, LIFE_ERASED);
		assert_int_equal(store_bench_wait(f, n, "testbox"), ST_EXISTS);
		assert_int_equal(store_bench_put(f, n), ST_EXISTS);
	}
}

#define CASE(test)                                                             \
	{ #test, test, store_bench_set_up_memory, store_bench_tear_down,       \
		NULL },                                                        \
	{                                                                      \
#test, test, store_bench_set_up_sqlite, store_bench_tear_down, \
		    NULL                                                       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(
		    a_delivery_given_up_goes_with_its_attempts_and_the_receipt_stays),
		CASE(deliveries_in_other_states_stay),
		CASE(those_given_up_first_go_first_and_a_few_at_a_time),
		CASE(a_delivery_of_an_invoice_that_a_person_holds_stays),
		CASE(a_refused_payment_may_come_again_after_its_term),
		CASE(a_tombstone_of_an_erased_payment_stays_for_good),
	};

	return cmocka_run_group_tests_name("store_sweep", tests, NULL, NULL);
}
