/* How every store driver lets go what was kept long enough: each case runs
 * against each driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

#define NOW    driver_cases_received_us(1000)
#define DAY_US INT64_C(86400000000)

/* Receipt n of testbox, paid on this day, of 100 minor units. */
static void
put(struct store_bench *f, uint32_t n, int64_t day)
{
	struct receipt r = driver_cases_receipt(n, "testbox");

	r.paid_at_us = day * DAY_US + n;
	r.amount_minor = 100;
	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, &r, &f->main_id, 1), ST_OK);
	store_bench_commit(f);
}

/* What was received before number `before` goes. */
static struct store_expire
expire(struct store_bench *f, uint32_t before, size_t most, bool totals)
{
	struct store_expire e = { .merchant = "testbox",
		.before_us = driver_cases_received_us(before),
		.at_us = NOW,
		.most = most,
		.totals = totals };

	store_bench_begin(f);
	assert_int_equal(f->driver->expire(f->writer, &e), ST_OK);
	store_bench_commit(f);
	return e;
}

static enum status
legal(struct store_bench *f, uint32_t n, int64_t at_us)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	enum status st;

	store_bench_begin(f);
	st = f->driver->legal(f->writer, r.merchant, r.invoice_id, at_us);
	store_bench_commit(f);
	return st;
}

static void
what_is_old_goes_and_the_rest_stays(void **state)
{
	struct store_bench *f = *state;
	struct store_expire e;

	for (uint32_t n = 1; n <= 4; n++)
		put(f, n, 20000);
	store_bench_bring(f, 5, LIFE_WAITING);
	store_bench_bring(f, 6, LIFE_HELD);
	store_bench_bring(f, 7, LIFE_WAITING);
	e = expire(f, 3, 100, false);
	assert_int_equal(e.receipts, 2);
	assert_int_equal(e.waiting + e.held, 0);
	assert_int_equal(store_bench_find(f, 2).life, LIFE_ERASED);
	assert_int_equal(store_bench_find(f, 3).life, LIFE_CONFIRMED);
	e = expire(f, 7, 100, false);
	assert_int_equal(e.receipts, 2);
	assert_int_equal(e.waiting, 1);
	assert_int_equal(e.held, 1);
	assert_int_equal(store_bench_find(f, 5).life, LIFE_ERASED);
	assert_int_equal(store_bench_find(f, 7).life, LIFE_WAITING);
	store_bench_expect_totals(f, 0, 0, 1, 0);
	assert_int_equal(store_bench_totals(f).notices, 0);
}

static void
a_step_takes_the_oldest_and_no_more_than_it_may(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 5; n++)
		put(f, n, 20000);
	assert_int_equal(expire(f, 9, 2, false).receipts, 2);
	assert_int_equal(store_bench_find(f, 2).life, LIFE_ERASED);
	assert_int_equal(store_bench_find(f, 3).life, LIFE_CONFIRMED);
	assert_int_equal(expire(f, 9, 2, false).receipts, 2);
	assert_int_equal(expire(f, 9, 2, false).receipts, 1);
	assert_int_equal(expire(f, 9, 2, false).receipts, 0);
}

/* proves: R14 */
static void
what_a_person_holds_stays(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	bool more, held = false;
	size_t n = 0;

	put(f, 1, 20000);
	put(f, 2, 20000);
	assert_int_equal(legal(f, 1, 7), ST_OK);
	assert_int_equal(legal(f, 1, 8), ST_EXISTS);
	assert_int_equal(expire(f, 9, 10, false).receipts, 1);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_CONFIRMED);
	assert_int_equal(f->driver->payments(f->reader, r.merchant,
			     r.invoice_id, 0, NULL, &n, &more, &held),
	    ST_OK);
	assert_true(held);
	assert_int_equal(legal(f, 1, 0), ST_OK);
	assert_int_equal(legal(f, 1, 0), ST_NOT_FOUND);
	assert_int_equal(expire(f, 9, 10, false).receipts, 1);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_ERASED);
}

static void
another_merchants_payments_stay(void **state)
{
	struct store_bench *f = *state;

	assert_int_equal(store_bench_wait(f, 1, "otherbox"), ST_OK);
	put(f, 2, 20000);
	assert_int_equal(expire(f, 9, 10, false).receipts, 1);
	assert_int_equal(store_bench_totals(f).waiting, 1);
}

static void
what_would_go_is_counted_beforehand(void **state)
{
	struct store_bench *f = *state;
	struct store_expire e = { .merchant = "testbox",
		.before_us = driver_cases_received_us(4) };

	for (uint32_t n = 2; n <= 6; n++)
		put(f, n, 20000);
	store_bench_bring(f, 1, LIFE_HELD);
	assert_int_equal(legal(f, 2, 7), ST_OK);
	assert_int_equal(f->driver->expiring(f->reader, &e), ST_OK);
	assert_int_equal(e.receipts, 1);
	assert_int_equal(e.waiting, 0);
	assert_int_equal(e.held, 1);
	assert_true(e.oldest_us == driver_cases_received_us(1));
	store_bench_expect_totals(f, 5, 5, 0, 1);
}

/* ---- totals */

struct buckets {
	size_t n;
	struct store_bucket bucket[16];
};

static void
take_bucket(void *arg, const struct store_bucket *b)
{
	struct buckets *all = arg;

	assert_true(all->n < ARRAY_LEN(all->bucket));
	all->bucket[all->n++] = *b;
}

static struct buckets
buckets_of(struct store_bench *f)
{
	struct buckets all = { 0 };

	assert_int_equal(
	    f->driver->buckets(f->reader, take_bucket, &all), ST_OK);
	return all;
}

/* proves: R21 */
static void
totals_stay_of_what_is_deidentified(void **state)
{
	struct store_bench *f = *state;
	struct buckets all;

	for (uint32_t n = 1; n <= 35; n++)
		put(f, n, n <= 12 ? 20000 : n <= 15 ? 20001 : 20002);
	(void)expire(f, 999, 1000, true);
	/* 12 of the first day; 3 are too few and go with the next. */
	all = buckets_of(f);
	assert_int_equal(all.n, 1);
	assert_string_equal(all.bucket[0].merchant, "testbox");
	assert_int_equal(all.bucket[0].first_day, 20000);
	assert_int_equal(all.bucket[0].last_day, 20000);
	assert_int_equal(all.bucket[0].receipts, 12);
	assert_true(all.bucket[0].amount_minor == 1200);
	put(f, 36, 20003);
	(void)expire(f, 999, 1000, true);
	all = buckets_of(f);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.bucket[1].first_day, 20001);
	assert_int_equal(all.bucket[1].last_day, 20002);
	assert_int_equal(all.bucket[1].receipts, 23);
}

static void
a_total_that_is_written_never_changes(void **state)
{
	struct store_bench *f = *state;
	struct buckets before, after;

	for (uint32_t n = 1; n <= 11; n++)
		put(f, n, 20000);
	put(f, 12, 20001);
	(void)expire(f, 999, 1000, true);
	before = buckets_of(f);
	assert_int_equal(before.n, 1);
	/* A late one of the first day goes with a later total. */
	put(f, 13, 20000);
	(void)expire(f, 999, 1000, true);
	after = buckets_of(f);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void
what_is_erased_by_request_is_in_no_total(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 11; n++)
		put(f, n, 20000);
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_CONFIRMED, LIFE_ERASED), ST_OK);
	put(f, 12, 20001);
	(void)expire(f, 999, 1000, true);
	assert_int_equal(buckets_of(f).bucket[0].receipts, 10);
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
		CASE(what_is_old_goes_and_the_rest_stays),
		CASE(a_step_takes_the_oldest_and_no_more_than_it_may),
		CASE(what_a_person_holds_stays),
		CASE(another_merchants_payments_stay),
		CASE(what_would_go_is_counted_beforehand),
		CASE(totals_stay_of_what_is_deidentified),
		CASE(a_total_that_is_written_never_changes),
		CASE(what_is_erased_by_request_is_in_no_total),
	};

	return cmocka_run_group_tests_name("store_expire", tests, NULL, NULL);
}
