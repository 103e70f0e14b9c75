/* How every store driver forgets a receipt, and what stays of it: each case
 * runs against each driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

#define ERASED driver_cases_received_us(60)
#define TOLD   driver_cases_received_us(70)

/* Receipt n, owed to main and backup; its seq. */
static uint64_t
put(struct store_bench *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	const uint32_t both[] = { f->main_id, f->backup_id };

	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, &r, both, 2), ST_OK);
	store_bench_commit(f);
	return store_bench_find(f, n).n;
}

static enum status
settle(struct store_bench *f, uint64_t seq, uint32_t endpoint_id,
    uint32_t attempt, enum delivery_state to)
{
	bool good = to == DELIVERY_DELIVERED;
	const struct store_settle d = { .seq = seq,
		.endpoint_id = endpoint_id,
		.attempt = attempt,
		.to = to,
		.outcome = good ? OUTCOME_DELIVERED : OUTCOME_STATUS,
		.http_status = good ? 200 : 500,
		.now_us = TOLD,
		.next_us = TOLD + 7 };
	enum status st;

	store_bench_begin(f);
	st = f->driver->settle(f->writer, &d);
	store_bench_commit(f);
	return st;
}

static enum status
erase(struct store_bench *f, uint32_t n, bool tell)
{
	struct store_move m =
	    store_bench_planned(f, n, LIFE_CONFIRMED, LIFE_ERASED);

	m.at_us = ERASED;
	m.tell_at_us = tell ? TOLD : 0;
	return store_bench_do(f, &m);
}

static void
count_row(void *arg, const struct store_row *row)
{
	(void)row;
	++*(size_t *)arg;
}

static void
count_delivery(void *arg, const struct store_delivery *d)
{
	(void)d;
	++*(size_t *)arg;
}

static void
count_attempt(void *arg, const struct delivery_attempt *a)
{
	(void)a;
	++*(size_t *)arg;
}

/* Nothing that reads finds the receipt. */
static void
expect_gone(struct store_bench *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	const struct store_query q = { .invoice_id = r.invoice_id,
		.limit = 10 };
	const struct store_which w = {
		.id = &r.id, .state = DELIVERY_STATES, .limit = 10
	};
	struct store_row row;
	uint64_t last;
	size_t seen = 0;
	bool more;

	assert_int_equal(
	    f->driver->get(f->reader, &r.id, NULL, &row), ST_NOT_FOUND);
	assert_int_equal(
	    f->driver->page(f->reader, &q, count_row, &seen, &last, &more),
	    ST_OK);
	assert_int_equal(f->driver->deliveries(f->reader, &w, count_delivery,
			     &seen, &last, &more),
	    ST_OK);
	assert_int_equal(f->driver->attempts(f->reader, &r.id, "main", NULL, 10,
			     count_attempt, &seen),
	    ST_NOT_FOUND);
	assert_int_equal(seen, 0);
	assert_int_equal(store_bench_find(f, n).life, LIFE_ERASED);
}

static void
an_erased_receipt_is_nowhere(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1);

	(void)put(f, 2);
	assert_int_equal(
	    settle(f, seq, f->main_id, 1, DELIVERY_PENDING), ST_OK);
	assert_int_equal(erase(f, 1, false), ST_OK);
	expect_gone(f, 1);
	assert_int_equal(store_bench_find(f, 2).life, LIFE_CONFIRMED);
	assert_int_equal(
	    store_bench_deliveries(f, f->main_id, STORE_BENCH_LATER).n, 1);
}

static void
what_comes_of_a_running_attempt_finds_nothing(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1);

	assert_int_equal(erase(f, 1, true), ST_OK);
	for (enum delivery_state to = DELIVERY_PENDING;
	     to <= DELIVERY_EXHAUSTED; to++)
		assert_int_equal(
		    settle(f, seq, f->main_id, 1, to), ST_NOT_FOUND);
	expect_gone(f, 1);
	store_bench_expect_totals(f, 0, 0, 0, 0);
}

static void
an_erased_payment_does_not_come_back(void **state)
{
	struct store_bench *f = *state;

	(void)put(f, 1);
	assert_int_equal(erase(f, 1, false), ST_OK);
	assert_int_equal(store_bench_put(f, 1), ST_EXISTS);
	assert_int_equal(store_bench_wait(f, 1, "testbox"), ST_EXISTS);
	for (enum life from = LIFE_ABSENT; from < LIVES; from++) {
		for (enum life to = LIFE_ABSENT; to < LIVES; to++) {
			if (life_move(from, to, NULL))
				assert_int_equal(
				    store_bench_move(f, 1, from, to),
				    ST_NOT_FOUND);
		}
	}
	expect_gone(f, 1);
}

static void
a_waiting_and_a_held_one_go_too(void **state)
{
	struct store_bench *f = *state;

	store_bench_bring(f, 1, LIFE_WAITING);
	store_bench_bring(f, 2, LIFE_HELD);
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_ERASED), ST_OK);
	assert_int_equal(store_bench_move(f, 2, LIFE_HELD, LIFE_ERASED), ST_OK);
	store_bench_expect_totals(f, 0, 0, 0, 0);
	assert_int_equal(
	    store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10).n, 0);
	assert_int_equal(store_bench_holds(f, 0, NULL, 10).n, 0);
	expect_gone(f, 1);
	expect_gone(f, 2);
}

static void
the_number_and_the_id_have_to_be_those_of_one_receipt(void **state)
{
	struct store_bench *f = *state;
	struct store_move m;

	(void)put(f, 1);
	m = store_bench_planned(f, 1, LIFE_CONFIRMED, LIFE_ERASED);
	m.n = put(f, 2);
	assert_int_equal(store_bench_do(f, &m), ST_NOT_FOUND);
	m.n = 99;
	assert_int_equal(store_bench_do(f, &m), ST_NOT_FOUND);
	store_bench_expect_totals(f, 2, 4, 0, 0);
}

static void
a_position_is_not_used_again(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq;

	(void)put(f, 1);
	seq = put(f, 2);
	assert_int_equal(erase(f, 2, false), ST_OK);
	assert_true(put(f, 3) > seq);
}

static void
totals_follow(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1);
	struct store_totals t;

	(void)put(f, 2);
	assert_int_equal(
	    settle(f, seq, f->main_id, 1, DELIVERY_EXHAUSTED), ST_OK);
	assert_int_equal(store_bench_totals(f).exhausted, 1);
	assert_int_equal(erase(f, 1, true), ST_OK);
	t = store_bench_totals(f);
	assert_int_equal(t.receipts, 1);
	assert_int_equal(t.deliveries_pending, 2);
	assert_int_equal(t.exhausted, 0);
	assert_int_equal(t.notices, 2);
	assert_true(t.oldest_pending_us == driver_cases_received_us(2));
}

static void
an_abort_takes_it_back_whole(void **state)
{
	struct store_bench *f = *state;
	struct store_move m;

	(void)put(f, 1);
	m = store_bench_planned(f, 1, LIFE_CONFIRMED, LIFE_ERASED);
	m.tell_at_us = TOLD;
	store_bench_begin(f);
	assert_int_equal(f->driver->move(f->writer, &m), ST_OK);
	f->driver->abort(f->writer);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_CONFIRMED);
	store_bench_expect_totals(f, 1, 2, 0, 0);
	assert_int_equal(store_bench_totals(f).notices, 0);
}

/* ---- notices */

static void
those_who_have_it_and_those_who_are_owed_it_are_told(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	uint64_t seq = put(f, 1);
	struct store_bench_dues dues;

	assert_int_equal(
	    settle(f, seq, f->main_id, 1, DELIVERY_DELIVERED), ST_OK);
	assert_int_equal(
	    settle(f, seq, f->backup_id, 1, DELIVERY_EXHAUSTED), ST_OK);
	assert_int_equal(erase(f, 1, true), ST_OK);
	dues = store_bench_deliveries(f, f->main_id, TOLD - 1);
	assert_int_equal(dues.n, 0);
	assert_true(dues.next_us == TOLD);
	for (int i = 0; i < 2; i++) {
		dues = store_bench_deliveries(
		    f, i == 0 ? f->main_id : f->backup_id, TOLD);
		assert_int_equal(dues.n, 1);
		assert_true(dues.due[0].erased);
		assert_true((dues.due[0].row.seq & DELIVERY_NOTICE) != 0);
		assert_memory_equal(
		    &dues.due[0].row.receipt.id, &r.id, sizeof(r.id));
		assert_string_equal(
		    dues.due[0].row.receipt.merchant, "testbox");
		assert_string_equal(dues.due[0].row.receipt.invoice_id, "");
		assert_true(dues.due[0].row.receipt.received_at_us == ERASED);
		assert_int_equal(dues.due[0].attempt, 1);
		assert_int_equal(dues.due[0].failed, 0);
		assert_true(dues.due[0].first_us == TOLD);
	}
}

static void
whom_nobody_tells_hears_nothing(void **state)
{
	struct store_bench *f = *state;

	(void)put(f, 1);
	assert_int_equal(erase(f, 1, false), ST_OK);
	assert_int_equal(
	    store_bench_deliveries(f, f->main_id, STORE_BENCH_LATER).n, 0);
	assert_int_equal(store_bench_totals(f).notices, 0);
}

static void
a_notice_is_tried_until_it_is_taken(void **state)
{
	struct store_bench *f = *state;
	struct store_bench_dues dues;
	uint64_t seq;

	(void)put(f, 1);
	assert_int_equal(erase(f, 1, true), ST_OK);
	seq = store_bench_deliveries(f, f->main_id, TOLD).due[0].row.seq;
	assert_int_equal(
	    settle(f, seq, f->main_id, 2, DELIVERY_DELIVERED), ST_NOT_FOUND);
	assert_int_equal(
	    settle(f, seq, f->backup_id, 1, DELIVERY_DELIVERED), ST_NOT_FOUND);
	assert_int_equal(
	    settle(f, seq, f->main_id, 1, DELIVERY_PENDING), ST_OK);
	dues = store_bench_deliveries(f, f->main_id, TOLD);
	assert_int_equal(dues.n, 0);
	assert_true(dues.next_us == TOLD + 7);
	dues = store_bench_deliveries(f, f->main_id, TOLD + 7);
	assert_int_equal(dues.n, 1);
	assert_int_equal(dues.due[0].attempt, 2);
	assert_int_equal(dues.due[0].failed, 1);
	assert_int_equal(
	    settle(f, seq, f->main_id, 2, DELIVERY_DELIVERED), ST_OK);
	assert_int_equal(
	    store_bench_deliveries(f, f->main_id, STORE_BENCH_LATER).n, 0);
	assert_int_equal(store_bench_totals(f).notices, 1);
}

static void
notices_and_receipts_are_due_side_by_side(void **state)
{
	struct store_bench *f = *state;
	size_t notices = 0;
	struct store_bench_dues dues;

	for (uint32_t n = 1; n <= 4; n++)
		(void)put(f, n);
	assert_int_equal(erase(f, 2, true), ST_OK);
	assert_int_equal(erase(f, 3, true), ST_OK);
	dues = store_bench_deliveries(f, f->main_id, TOLD);
	assert_int_equal(dues.n, 4);
	for (size_t i = 0; i < dues.n; i++)
		notices += dues.due[i].erased;
	assert_int_equal(notices, 2);
	assert_true(dues.next_us == INT64_MAX);
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
		CASE(an_erased_receipt_is_nowhere),
		CASE(what_comes_of_a_running_attempt_finds_nothing),
		CASE(an_erased_payment_does_not_come_back),
		CASE(a_waiting_and_a_held_one_go_too),
		CASE(the_number_and_the_id_have_to_be_those_of_one_receipt),
		CASE(a_position_is_not_used_again),
		CASE(totals_follow),
		CASE(an_abort_takes_it_back_whole),
		CASE(those_who_have_it_and_those_who_are_owed_it_are_told),
		CASE(whom_nobody_tells_hears_nothing),
		CASE(a_notice_is_tried_until_it_is_taken),
		CASE(notices_and_receipts_are_due_side_by_side),
	};

	return cmocka_run_group_tests_name("store_erase", tests, NULL, NULL);
}
