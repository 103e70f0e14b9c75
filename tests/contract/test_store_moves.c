/* How every store driver moves a payment through its life, and what it tells
 * of held ones: each case runs against each driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

/* ---- find */

static void
an_unknown_payment_is_absent_and_no_more(void **state)
{
	struct store_bench *f = *state;
	const struct store_life absent = { .life = LIFE_ABSENT };
	struct store_life now;

	store_bench_wait_range(f, 1, 3, "testbox");
	now = store_bench_find(f, 9);
	store_bench_expect_same(&now, &absent);
}

static void
a_payment_is_found_as_it_stands(void **state)
{
	struct store_bench *f = *state;
	uint32_t n = 1;

	for (enum life l = LIFE_WAITING; l < LIVES; l++, n++)
		store_bench_bring(f, n, l);
	n = 1;
	for (enum life l = LIFE_WAITING; l < LIVES; l++, n++) {
		struct receipt r = driver_cases_receipt(n, "testbox");
		struct store_life now = store_bench_find(f, n);

		assert_int_equal(now.life, l);
		if (l != LIFE_WAITING && l != LIFE_HELD)
			continue;
		assert_true(now.n > 0);
		assert_memory_equal(&now.claimed, &r, sizeof(r));
		assert_false(now.is_answered);
		assert_true(
		    store_bench_is_zero(&now.answered, sizeof(now.answered)));
	}
	assert_int_equal(store_bench_find(f, 2).reason, REASON_RISK);
	assert_true(
	    store_bench_find(f, 2).held_at_us == driver_cases_received_us(60));
}

static void
a_payment_put_at_once_is_confirmed(void **state)
{
	struct store_bench *f = *state;

	assert_int_equal(store_bench_put(f, 1), ST_OK);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_CONFIRMED);
}

/* ---- move */

static void
a_confirmed_payment_is_the_next_receipt(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct store_row row, before;
	struct store_bench_dues dues;

	store_bench_wait_range(f, 1, 1, "testbox");
	assert_int_equal(store_bench_put(f, 2), ST_OK);
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_CONFIRMED), ST_OK);
	assert_int_equal(
	    f->driver->get(f->reader, &r.id, "testbox", &row), ST_OK);
	assert_memory_equal(&row.receipt, &r, sizeof(r));
	r = driver_cases_receipt(2, "testbox");
	assert_int_equal(
	    f->driver->get(f->reader, &r.id, NULL, &before), ST_OK);
	assert_true(row.seq > before.seq);
	assert_int_equal(
	    store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10).n, 0);
	/* It is owed from its confirmation on, not from its callback. */
	dues = store_bench_deliveries(
	    f, f->main_id, driver_cases_received_us(60) - 1);
	assert_int_equal(dues.n, 1);
	assert_true(dues.next_us == driver_cases_received_us(60));
	dues =
	    store_bench_deliveries(f, f->main_id, driver_cases_received_us(60));
	assert_int_equal(dues.n, 2);
	assert_int_equal(dues.due[1].row.seq, row.seq);
	assert_int_equal(dues.due[1].attempt, 1);
	assert_int_equal(
	    store_bench_deliveries(f, f->backup_id, STORE_BENCH_LATER).n, 0);
	store_bench_expect_totals(f, 2, 2, 0, 0);
}

static void
what_a_move_says_becomes_the_receipt(void **state)
{
	struct store_bench *f = *state;
	const uint32_t both[] = { f->main_id, f->backup_id };
	struct store_move m;
	struct store_row row;

	store_bench_bring(f, 1, LIFE_HELD);
	m = store_bench_planned(f, 1, LIFE_HELD, LIFE_CONFIRMED);
	m.receipt.amount_minor = 99;
	m.endpoint_ids = both;
	m.n_endpoints = 2;
	assert_int_equal(store_bench_do(f, &m), ST_OK);
	assert_int_equal(
	    f->driver->get(f->reader, &m.receipt.id, NULL, &row), ST_OK);
	assert_memory_equal(&row.receipt, &m.receipt, sizeof(m.receipt));
	assert_int_equal(
	    store_bench_deliveries(f, f->main_id, STORE_BENCH_LATER).n, 1);
	assert_int_equal(
	    store_bench_deliveries(f, f->backup_id, STORE_BENCH_LATER).n, 1);
}

static void
each_allowed_move_ends_where_it_says(void **state)
{
	struct store_bench *f = *state;
	uint32_t n = 1;

	for (enum life from = LIFE_ABSENT; from < LIVES; from++) {
		for (enum life to = LIFE_ABSENT; to < LIVES; to++) {
			if (!life_move(from, to, NULL))
				continue;
			store_bench_bring(f, n, from);
			assert_int_equal(
			    store_bench_move(f, n, from, to), ST_OK);
			assert_int_equal(store_bench_find(f, n).life, to);
			assert_int_equal(
			    store_bench_move(f, n, from, to), ST_NOT_FOUND);
			n++;
		}
	}
	assert_int_equal(n, MOVES + 1);
	/* ABSENT, WAITING, HELD and REFUSED to CONFIRMED; ABSENT to WAITING;
	 * ABSENT, WAITING and REFUSED to HELD. */
	store_bench_expect_totals(f, 4, 4, 1, 3);
}

static void
a_move_that_begins_elsewhere_changes_nothing(void **state)
{
	struct store_bench *f = *state;
	uint32_t n = 1;

	for (enum life is = LIFE_ABSENT; is < LIVES; is++, n++) {
		struct store_totals before, after;
		struct store_life was, still;

		store_bench_bring(f, n, is);
		before = store_bench_totals(f);
		was = store_bench_find(f, n);
		for (enum life from = LIFE_ABSENT; from < LIVES; from++) {
			for (enum life to = LIFE_ABSENT; to < LIVES; to++) {
				if (from == is || !life_move(from, to, NULL))
					continue;
				assert_int_equal(
				    store_bench_move(f, n, from, to),
				    ST_NOT_FOUND);
			}
		}
		after = store_bench_totals(f);
		still = store_bench_find(f, n);
		assert_memory_equal(&before, &after, sizeof(before));
		store_bench_expect_same(&was, &still);
	}
}

static void
a_move_needs_the_number_and_the_id(void **state)
{
	static const enum life tos[] = { LIFE_CONFIRMED, LIFE_HELD,
		LIFE_REFUSED, LIFE_ERASED };
	struct store_bench *f = *state;

	store_bench_wait_range(f, 1, 2, "testbox");
	for (size_t i = 0; i < ARRAY_LEN(tos); i++) {
		struct store_move m =
		    store_bench_planned(f, 1, LIFE_WAITING, tos[i]);

		m.n = store_bench_find(f, 2).n;
		assert_int_equal(store_bench_do(f, &m), ST_NOT_FOUND);
	}
	store_bench_expect_totals(f, 0, 0, 2, 0);
}

static void
an_abort_takes_a_move_back_whole(void **state)
{
	static const enum life tos[] = { LIFE_CONFIRMED, LIFE_HELD,
		LIFE_REFUSED, LIFE_ERASED };
	struct store_bench *f = *state;

	store_bench_wait_range(f, 1, 1, "testbox");
	for (size_t i = 0; i < ARRAY_LEN(tos); i++) {
		struct store_move m =
		    store_bench_planned(f, 1, LIFE_WAITING, tos[i]);

		store_bench_begin(f);
		assert_int_equal(f->driver->move(f->writer, &m), ST_OK);
		assert_int_equal(
		    store_bench_questions(f, "testbox", STORE_BENCH_LATER, 10)
			.n,
		    1);
		f->driver->abort(f->writer);
		assert_int_equal(store_bench_find(f, 1).life, LIFE_WAITING);
		store_bench_expect_totals(f, 0, 0, 1, 0);
	}
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_CONFIRMED), ST_OK);
	store_bench_expect_totals(f, 1, 1, 0, 0);
}

static void
a_payment_may_wait_and_be_decided_in_one_transaction(void **state)
{
	struct store_bench *f = *state;
	struct store_move m =
	    store_bench_planned(f, 1, LIFE_WAITING, LIFE_CONFIRMED);
	struct store_life now;

	store_bench_begin(f);
	assert_int_equal(f->driver->wait(f->writer, &m.receipt, ""), ST_OK);
	assert_int_equal(
	    f->driver->find(f->writer, &m.receipt.id, &now), ST_OK);
	m.n = now.n;
	assert_int_equal(f->driver->move(f->writer, &m), ST_OK);
	store_bench_commit(f);
	store_bench_expect_totals(f, 1, 1, 0, 0);
}

static void
the_number_of_a_waiting_payment_is_not_used_again(void **state)
{
	struct store_bench *f = *state;
	uint64_t n;

	store_bench_wait_range(f, 1, 1, "testbox");
	n = store_bench_find(f, 1).n;
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_REFUSED), ST_OK);
	store_bench_wait_range(f, 2, 2, "testbox");
	assert_true(store_bench_find(f, 2).n > n);
}

/* ---- held ones */

static void
a_held_payment_says_what_was_answered(void **state)
{
	struct store_bench *f = *state;
	struct receipt claimed = driver_cases_receipt(1, "testbox");
	struct receipt answered = claimed;
	struct store_life held;
	struct store_move m;

	store_bench_wait_range(f, 1, 1, "testbox");
	m = store_bench_planned(f, 1, LIFE_WAITING, LIFE_HELD);
	answered.amount_minor = 5;
	memcpy(answered.currency, "USD", 4);
	memcpy(answered.invoice_id, "X-1\0", 4);
	memset(answered.invoice_id + 4, 0, sizeof(answered.invoice_id) - 4);
	m.reason = REASON_INVOICE;
	m.answered = &answered;
	assert_int_equal(store_bench_do(f, &m), ST_OK);
	assert_int_equal(
	    f->driver->hold(f->reader, &claimed.id, "testbox", &held), ST_OK);
	assert_int_equal(held.life, LIFE_HELD);
	assert_int_equal(held.reason, REASON_INVOICE);
	assert_true(held.held_at_us == m.at_us);
	assert_true(held.is_answered);
	assert_memory_equal(&held.claimed, &claimed, sizeof(claimed));
	assert_memory_equal(&held.answered, &answered, sizeof(answered));
}

static void
what_was_answered_keeps_to_its_three_members(void **state)
{
	struct store_bench *f = *state;
	struct receipt answered = driver_cases_receipt(7, "otherbox");
	struct store_move m = store_bench_planned(f, 1, LIFE_ABSENT, LIFE_HELD);
	struct store_life held;

	m.answered = &answered;
	assert_int_equal(store_bench_do(f, &m), ST_OK);
	held = store_bench_find(f, 1);
	assert_true(held.is_answered);
	assert_memory_equal(
	    &held.answered.id, &m.receipt.id, sizeof(m.receipt.id));
	assert_string_equal(held.answered.merchant, "testbox");
	assert_true(held.answered.paid_at_us == m.receipt.paid_at_us);
	assert_true(held.answered.received_at_us == m.receipt.received_at_us);
	assert_string_equal(held.answered.invoice_id, answered.invoice_id);
}

static void
held_payments_are_listed_in_the_order_in_which_they_came(void **state)
{
	struct store_bench *f = *state;
	struct store_bench_lives lives;

	store_bench_wait_range(f, 1, 6, "testbox");
	for (uint32_t n = 6; n >= 2; n--)
		assert_int_equal(
		    store_bench_move(f, n, LIFE_WAITING, LIFE_HELD), ST_OK);
	lives = store_bench_holds(f, 0, "testbox", 3);
	assert_int_equal(lives.n, 3);
	assert_true(lives.more);
	for (uint32_t i = 0; i < 3; i++) {
		struct store_life one = store_bench_find(f, i + 2);

		store_bench_expect_same(&lives.life[i], &one);
	}
	lives = store_bench_holds(f, lives.life[2].n, "testbox", 2);
	assert_int_equal(lives.n, 2);
	assert_false(lives.more);
	assert_int_equal(lives.life[0].n, store_bench_find(f, 5).n);
	assert_int_equal(store_bench_holds(f, lives.life[1].n, NULL, 2).n, 0);
}

static void
a_list_of_held_payments_is_one_merchants_or_everybodys(void **state)
{
	struct store_bench *f = *state;
	struct receipt other = driver_cases_receipt(1, "otherbox");
	struct store_move m = { .from = LIFE_ABSENT,
		.to = LIFE_HELD,
		.receipt = other,
		.reason = REASON_RISK,
		.at_us = other.received_at_us };
	struct store_bench_lives lives;

	store_bench_bring(f, 1, LIFE_HELD);
	assert_int_equal(store_bench_do(f, &m), ST_OK);
	store_bench_bring(f, 2, LIFE_HELD);
	store_bench_bring(f, 3, LIFE_WAITING);
	assert_int_equal(store_bench_holds(f, 0, "testbox", 10).n, 2);
	assert_int_equal(store_bench_holds(f, 0, "nobody", 10).n, 0);
	lives = store_bench_holds(f, 0, "otherbox", 10);
	assert_int_equal(lives.n, 1);
	assert_memory_equal(&lives.life[0].claimed, &other, sizeof(other));
	assert_int_equal(store_bench_holds(f, 0, NULL, 10).n, 3);
}

static void
one_held_payment_is_found_by_its_id(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");
	struct store_life one, now;

	store_bench_bring(f, 1, LIFE_WAITING);
	store_bench_bring(f, 2, LIFE_HELD);
	store_bench_bring(f, 3, LIFE_CONFIRMED);
	now = store_bench_find(f, 2);
	assert_int_equal(f->driver->hold(f->reader, &r.id, NULL, &one), ST_OK);
	store_bench_expect_same(&one, &now);
	assert_int_equal(
	    f->driver->hold(f->reader, &r.id, "otherbox", &one), ST_NOT_FOUND);
	for (uint32_t n = 1; n <= 4; n++) {
		r = driver_cases_receipt(n, "testbox");
		assert_int_equal(f->driver->hold(f->reader, &r.id, NULL, &one),
		    n == 2 ? ST_OK : ST_NOT_FOUND);
	}
}

/* ---- the store as a whole */

static void
totals_tell_of_the_oldest_that_waits(void **state)
{
	struct store_bench *f = *state;

	assert_true(store_bench_totals(f).oldest_waiting_us == 0);
	store_bench_wait_range(f, 1, 3, "testbox");
	assert_true(store_bench_totals(f).oldest_waiting_us ==
		    driver_cases_received_us(1));
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_HELD), ST_OK);
	assert_true(store_bench_totals(f).oldest_waiting_us ==
		    driver_cases_received_us(2));
	assert_int_equal(
	    store_bench_move(f, 2, LIFE_WAITING, LIFE_CONFIRMED), ST_OK);
	assert_int_equal(
	    store_bench_move(f, 3, LIFE_WAITING, LIFE_REFUSED), ST_OK);
	assert_true(store_bench_totals(f).oldest_waiting_us == 0);
	store_bench_expect_totals(f, 1, 1, 0, 1);
}

static void
every_state_outlives_reopening(void **state)
{
	struct store_bench *f = *state;
	struct store_totals before, after;
	struct store_life was[LIVES];

	for (enum life l = LIFE_WAITING; l < LIVES; l++) {
		store_bench_bring(f, l, l);
		was[l] = store_bench_find(f, l);
	}
	before = store_bench_totals(f);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	f->reader = NULL;
	store_bench_open(f);
	for (enum life l = LIFE_WAITING; l < LIVES; l++) {
		struct store_life is = store_bench_find(f, l);

		store_bench_expect_same(&was[l], &is);
		assert_int_equal(store_bench_put(f, l), ST_EXISTS);
	}
	after = store_bench_totals(f);
	assert_memory_equal(&before, &after, sizeof(before));
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
		CASE(an_unknown_payment_is_absent_and_no_more),
		CASE(a_payment_is_found_as_it_stands),
		CASE(a_payment_put_at_once_is_confirmed),
		CASE(a_confirmed_payment_is_the_next_receipt),
		CASE(what_a_move_says_becomes_the_receipt),
		CASE(each_allowed_move_ends_where_it_says),
		CASE(a_move_that_begins_elsewhere_changes_nothing),
		CASE(a_move_needs_the_number_and_the_id),
		CASE(an_abort_takes_a_move_back_whole),
		CASE(a_payment_may_wait_and_be_decided_in_one_transaction),
		CASE(the_number_of_a_waiting_payment_is_not_used_again),
		CASE(a_held_payment_says_what_was_answered),
		CASE(what_was_answered_keeps_to_its_three_members),
		CASE(held_payments_are_listed_in_the_order_in_which_they_came),
		CASE(a_list_of_held_payments_is_one_merchants_or_everybodys),
		CASE(one_held_payment_is_found_by_its_id),
		CASE(totals_tell_of_the_oldest_that_waits),
		CASE(every_state_outlives_reopening),
	};

	return cmocka_run_group_tests_name("store_moves", tests, NULL, NULL);
}
