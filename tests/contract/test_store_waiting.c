/* What every store driver has to do with payments that wait to be confirmed:
 * each case runs against each driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

/* ---- wait */

static void
a_payment_is_to_be_asked_about_when_it_came(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");
	struct store_bench_dues dues;

	store_bench_wait_range(f, 2, 3, "testbox");
	dues = store_bench_questions(f, "testbox", r.received_at_us - 1, 10);
	assert_int_equal(dues.n, 0);
	assert_true(dues.next_us == r.received_at_us);
	dues = store_bench_questions(f, "testbox", r.received_at_us, 10);
	assert_int_equal(dues.n, 1);
	assert_true(dues.next_us == driver_cases_received_us(3));
	assert_memory_equal(&dues.due[0].row.receipt, &r, sizeof(r));
	assert_int_equal(dues.due[0].row.seq, store_bench_find(f, 2).n);
	assert_int_equal(dues.due[0].attempt, 1);
	assert_int_equal(dues.due[0].denied, 0);
	assert_true(store_bench_is_zero(
	    dues.due[0].tran_id, sizeof(dues.due[0].tran_id)));
}

static void
what_to_ask_by_comes_back_as_it_was_given(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	char tran_id[RECEIPT_INVOICE] = "";
	struct store_bench_dues dues;

	memset(tran_id, 'T', sizeof(tran_id) - 1);
	store_bench_begin(f);
	assert_int_equal(f->driver->wait(f->writer, &r, tran_id), ST_OK);
	store_bench_commit(f);
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10);
	assert_int_equal(dues.n, 1);
	assert_memory_equal(dues.due[0].tran_id, tran_id, sizeof(tran_id));
	assert_memory_equal(&dues.due[0].row.receipt, &r, sizeof(r));
}

static void
what_is_beyond_the_grammar_does_not_wait(void **state)
{
	static const char *const wide[] = { " T", "T ", "T\n", "<T>" };
	struct store_bench *f = *state;
	char long_one[RECEIPT_INVOICE + 1] = "";
	struct receipt r = driver_cases_receipt(1, "testbox");

	for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
		store_bench_begin(f);
		assert_int_equal(
		    f->driver->wait(f->writer, &r, wide[i]), ST_BAD_INPUT);
		f->driver->abort(f->writer);
	}
	memset(long_one, 'T', sizeof(long_one) - 1);
	store_bench_begin(f);
	assert_int_equal(
	    f->driver->wait(f->writer, &r, long_one), ST_BAD_INPUT);
	f->driver->abort(f->writer);
	r.amount_minor = 0;
	store_bench_begin(f);
	assert_int_equal(f->driver->wait(f->writer, &r, ""), ST_BAD_INPUT);
	f->driver->abort(f->writer);
	store_bench_wait_range(f, 1, 1, "testbox");
	store_bench_expect_totals(f, 0, 0, 1, 0);
}

static void
a_known_payment_is_not_stored_again(void **state)
{
	struct store_bench *f = *state;
	uint32_t n = 1;

	for (enum life l = LIFE_WAITING; l < LIVES; l++, n++) {
		struct store_totals before, after;
		struct store_life was, is;

		store_bench_bring(f, n, l);
		before = store_bench_totals(f);
		was = store_bench_find(f, n);
		assert_int_equal(store_bench_put(f, n), ST_EXISTS);
		assert_int_equal(store_bench_wait(f, n, "testbox"), ST_EXISTS);
		after = store_bench_totals(f);
		is = store_bench_find(f, n);
		assert_memory_equal(&before, &after, sizeof(before));
		store_bench_expect_same(&was, &is);
	}
}

static void
it_is_known_within_a_transaction_too(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct receipt other = driver_cases_receipt(2, "testbox");

	store_bench_begin(f);
	assert_int_equal(f->driver->wait(f->writer, &r, ""), ST_OK);
	assert_int_equal(f->driver->wait(f->writer, &r, ""), ST_EXISTS);
	assert_int_equal(f->driver->put(f->writer, &r, NULL, 0), ST_EXISTS);
	assert_int_equal(f->driver->put(f->writer, &other, NULL, 0), ST_OK);
	assert_int_equal(f->driver->wait(f->writer, &other, ""), ST_EXISTS);
	store_bench_commit(f);
	store_bench_expect_totals(f, 1, 0, 1, 0);
}

static void
a_waiting_payment_is_no_receipt(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct store_row row;

	store_bench_wait_range(f, 1, 1, "testbox");
	assert_int_equal(
	    f->driver->get(f->reader, &r.id, NULL, &row), ST_NOT_FOUND);
	assert_int_equal(
	    store_bench_deliveries(f, f->main_id, STORE_BENCH_LATER).n, 0);
	store_bench_expect_totals(f, 0, 0, 1, 0);
}

static void
a_transaction_is_not_seen_before_its_commit(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct store_life now;

	store_bench_begin(f);
	assert_int_equal(f->driver->wait(f->writer, &r, ""), ST_OK);
	assert_int_equal(f->driver->find(f->writer, &r.id, &now), ST_OK);
	assert_int_equal(now.life, LIFE_WAITING);
	assert_int_equal(
	    store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10).n, 0);
	store_bench_expect_totals(f, 0, 0, 0, 0);
	store_bench_commit(f);
	assert_int_equal(
	    store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10).n, 1);
}

/* ---- questions and again */

static void
questions_are_about_one_merchants_payments(void **state)
{
	struct store_bench *f = *state;
	struct store_bench_dues dues;

	store_bench_wait_range(f, 1, 3, "testbox");
	store_bench_wait_range(f, 1, 2, "otherbox");
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10);
	assert_int_equal(dues.n, 3);
	assert_true(dues.next_us == INT64_MAX);
	for (size_t i = 0; i < dues.n; i++)
		assert_string_equal(
		    dues.due[i].row.receipt.merchant, "testbox");
	assert_int_equal(
	    store_bench_questions(f, "otherbox", STORE_BENCH_LATER, 10).n, 2);
	assert_int_equal(
	    store_bench_questions(f, "nobody", STORE_BENCH_LATER, 10).n, 0);
}

static void
questions_keep_to_the_limit(void **state)
{
	struct store_bench *f = *state;
	struct store_bench_dues dues;

	store_bench_wait_range(f, 1, 5, "testbox");
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 3);
	assert_int_equal(dues.n, 3);
	assert_true(dues.next_us == driver_cases_received_us(4));
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 5);
	assert_int_equal(dues.n, 5);
	assert_true(dues.next_us == INT64_MAX);
}

static void
the_most_overdue_question_comes_first(void **state)
{
	struct store_bench *f = *state;
	uint64_t first;
	struct store_bench_dues dues;

	store_bench_wait_range(f, 1, 3, "testbox");
	first = store_bench_find(f, 1).n;
	assert_int_equal(
	    store_bench_again(f, first, 1, 1, driver_cases_received_us(2) + 1),
	    ST_OK);
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10);
	assert_int_equal(dues.n, 3);
	assert_int_equal(dues.due[0].row.seq, store_bench_find(f, 2).n);
	assert_int_equal(dues.due[1].row.seq, first);
	assert_int_equal(dues.due[2].row.seq, store_bench_find(f, 3).n);
	/* Of two at the same time, the one that came first. */
	assert_int_equal(
	    store_bench_again(f, first, 2, 1, driver_cases_received_us(2)),
	    ST_OK);
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10);
	assert_int_equal(dues.due[0].row.seq, first);
}

static void
a_payment_that_is_asked_about_again_goes_on_waiting(void **state)
{
	struct store_bench *f = *state;
	struct store_life before, after;
	struct store_bench_dues dues;

	store_bench_wait_range(f, 1, 1, "testbox");
	before = store_bench_find(f, 1);
	assert_int_equal(store_bench_again(f, before.n, 1, 0, 10), ST_OK);
	assert_int_equal(
	    store_bench_again(f, before.n, 2, 1, STORE_BENCH_LATER), ST_OK);
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER - 1, 10);
	assert_int_equal(dues.n, 0);
	assert_true(dues.next_us == STORE_BENCH_LATER);
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10);
	assert_int_equal(dues.n, 1);
	assert_int_equal(dues.due[0].attempt, 3);
	assert_int_equal(dues.due[0].denied, 1);
	after = store_bench_find(f, 1);
	assert_int_equal(after.life, LIFE_WAITING);
	assert_int_equal(after.n, before.n);
	assert_memory_equal(
	    &after.claimed, &before.claimed, sizeof(after.claimed));
	store_bench_expect_totals(f, 0, 0, 1, 0);
}

static void
asking_again_needs_the_right_attempt(void **state)
{
	struct store_bench *f = *state;
	uint64_t n;

	store_bench_wait_range(f, 1, 1, "testbox");
	n = store_bench_find(f, 1).n;
	assert_int_equal(store_bench_again(f, n, 0, 0, 10), ST_NOT_FOUND);
	assert_int_equal(store_bench_again(f, n, 2, 0, 10), ST_NOT_FOUND);
	assert_int_equal(store_bench_again(f, n + 1, 1, 0, 10), ST_NOT_FOUND);
	assert_int_equal(store_bench_again(f, n, 1, 0, 10), ST_OK);
	assert_int_equal(store_bench_again(f, n, 1, 0, 20), ST_NOT_FOUND);
	assert_true(store_bench_questions(f, "testbox", 9, 10).next_us == 10);
}

static void
a_held_payment_is_not_asked_about(void **state)
{
	struct store_bench *f = *state;
	struct store_bench_dues dues;

	store_bench_wait_range(f, 1, 2, "testbox");
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_HELD), ST_OK);
	assert_int_equal(
	    store_bench_again(f, store_bench_find(f, 1).n, 1, 0, 10),
	    ST_NOT_FOUND);
	dues = store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10);
	assert_int_equal(dues.n, 1);
	assert_int_equal(dues.due[0].row.seq, store_bench_find(f, 2).n);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_HELD);
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
		CASE(a_payment_is_to_be_asked_about_when_it_came),
		CASE(what_to_ask_by_comes_back_as_it_was_given),
		CASE(what_is_beyond_the_grammar_does_not_wait),
		CASE(a_known_payment_is_not_stored_again),
		CASE(it_is_known_within_a_transaction_too),
		CASE(a_waiting_payment_is_no_receipt),
		CASE(a_transaction_is_not_seen_before_its_commit),
		CASE(questions_are_about_one_merchants_payments),
		CASE(questions_keep_to_the_limit),
		CASE(the_most_overdue_question_comes_first),
		CASE(a_payment_that_is_asked_about_again_goes_on_waiting),
		CASE(asking_again_needs_the_right_attempt),
		CASE(a_held_payment_is_not_asked_about),
	};

	return cmocka_run_group_tests_name("store_waiting", tests, NULL, NULL);
}
