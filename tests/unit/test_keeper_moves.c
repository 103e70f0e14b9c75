/* What the operations of the commit queue do to a payment, and how it is read:
 * above any driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "driver_fault.h"
#include "queue_bench.h"

static const struct store_endpoints nobody = { 0 };

static int64_t
counted(const struct queue_bench *f, enum move m)
{
	return f->page->cell[MET_MOVE_ABSENT_WAITING + m];
}

/* What was just queued, answered. */
static const struct store_op *
answer(struct queue_bench *f)
{
	queue_bench_run_until(f, f->n + 1);
	return &f->last;
}

static const struct store_op *
wait_one(struct queue_bench *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");

	assert_int_equal(store_queue_wait(f->queue, &r, "", 1, n), ST_OK);
	return answer(f);
}

/* The first waiting one has number 1, as nothing else was stored. */
static const struct store_op *
move_one(struct queue_bench *f, uint32_t n, enum life to, enum reason reason)
{
	struct store_queue_move m = { .to = to,
		.n = n,
		.receipt = driver_cases_receipt(n, "testbox"),
		.reason = reason,
		.at_us = driver_cases_received_us(60) };

	assert_int_equal(store_queue_move(f->queue, &m), ST_OK);
	return answer(f);
}

static const struct store_op *
find_one(struct queue_bench *f, const struct receipt *r, enum reason reason)
{
	assert_int_equal(
	    store_queue_found(f->queue, r, reason, &nobody, 7, 8), ST_OK);
	return answer(f);
}

static const struct store_op *
decide(struct queue_bench *f, uint32_t n, bool release)
{
	struct receipt r = driver_cases_receipt(n, "testbox");

	assert_int_equal(store_queue_decide(f->queue, &r.id, release, "cli",
			     driver_cases_received_us(61), &nobody, 7, 8),
	    ST_OK);
	return answer(f);
}

/* How payment n stands, in words of the store. */
static enum status
receipt_of(struct queue_bench *f, uint32_t n, struct store_row *row)
{
	struct receipt r = driver_cases_receipt(n, "testbox");

	return f->driver->get(f->reader, &r.id, NULL, row);
}

static void
read_one(struct queue_bench *f, const struct store_read *ask)
{
	assert_int_equal(store_reader_ask(f->reads, ask), ST_OK);
	queue_bench_run_until(f, f->n + 1);
}

static struct store_life
held_one(struct queue_bench *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	struct store_life held;

	assert_int_equal(f->driver->hold(f->reader, &r.id, NULL, &held), ST_OK);
	return held;
}

static void
a_put_counts_its_move_and_a_known_payment_moves_no_more(void **state)
{
	struct queue_bench *f = *state;
	int64_t waiting = counted(f, MOVE_ABSENT_WAITING);
	int64_t confirmed = counted(f, MOVE_ABSENT_CONFIRMED);

	assert_int_equal(wait_one(f, 1)->status, ST_OK);
	assert_true(f->last.has_moved);
	assert_int_equal(f->last.moved, MOVE_ABSENT_WAITING);
	assert_int_equal(queue_bench_put(f, 2), ST_OK);
	assert_int_equal(answer(f)->status, ST_OK);
	assert_int_equal(f->last.moved, MOVE_ABSENT_CONFIRMED);
	assert_true(counted(f, MOVE_ABSENT_WAITING) == waiting + 1);
	assert_true(counted(f, MOVE_ABSENT_CONFIRMED) == confirmed + 1);
	assert_int_equal(queue_bench_put(f, 1), ST_OK);
	assert_int_equal(answer(f)->status, ST_EXISTS);
	assert_false(f->last.has_moved);
	assert_int_equal(wait_one(f, 2)->status, ST_EXISTS);
	assert_false(f->last.has_moved);
	assert_true(counted(f, MOVE_ABSENT_WAITING) == waiting + 1);
	assert_true(counted(f, MOVE_ABSENT_CONFIRMED) == confirmed + 1);
}

static void
a_move_is_not_counted_before_it_is_on_disk(void **state)
{
	struct queue_bench *f = *state;
	int64_t before = counted(f, MOVE_ABSENT_WAITING);

	driver_fault_commit(1, ST_BUSY);
	assert_int_equal(wait_one(f, 1)->status, ST_BUSY);
	assert_false(f->last.has_moved);
	assert_true(counted(f, MOVE_ABSENT_WAITING) == before);
}

static void
a_move_is_counted_once_though_its_batch_is_tried_twice(void **state)
{
	struct queue_bench *f = *state;
	struct receipt bad = driver_cases_receipt(2, "testbox");
	struct receipt good = driver_cases_receipt(1, "testbox");
	int64_t before = counted(f, MOVE_ABSENT_WAITING);

	bad.currency[0] = '?';
	assert_int_equal(store_queue_wait(f->queue, &good, "", 1, 1), ST_OK);
	assert_int_equal(store_queue_wait(f->queue, &bad, "", 1, 2), ST_OK);
	queue_bench_run_until(f, 2);
	assert_int_equal(f->statuses[0], ST_OK);
	assert_int_equal(f->statuses[1], ST_BAD_INPUT);
	assert_false(f->last.has_moved);
	assert_true(counted(f, MOVE_ABSENT_WAITING) == before + 1);
}

static void
waiting_payments_are_bounded_like_puts(void **state)
{
	struct queue_bench *f = *state;
	struct receipt r = driver_cases_receipt(100, "testbox");
	char wide[RECEIPT_INVOICE + 1];

	memset(wide, 'T', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(
	    store_queue_wait(f->queue, &r, wide, 1, 1), ST_BAD_INPUT);
	driver_fault_hold();
	for (uint32_t n = 1; n <= QUEUE_BENCH_MOST; n++)
		assert_int_equal(queue_bench_put(f, n), ST_OK);
	assert_int_equal(store_queue_wait(f->queue, &r, "", 1, 1), ST_BUSY);
	assert_int_equal(
	    store_queue_found(f->queue, &r, REASON_PAID, &nobody, 1, 1), ST_OK);
	driver_fault_release();
	queue_bench_run_until(f, QUEUE_BENCH_MOST + 1);
	assert_int_equal(f->last.status, ST_OK);
}

static void
a_waiting_payment_is_asked_about_again_or_moved(void **state)
{
	const struct store_again again = { .n = 1, .attempt = 1, .next_us = 9 };
	const struct store_read ask = { .kind = STORE_READ_QUESTIONS,
		.merchant = "testbox",
		.now_us = 8,
		.limit = 4 };
	struct queue_bench *f = *state;
	int64_t before = counted(f, MOVE_WAITING_CONFIRMED);
	struct store_row row;

	(void)wait_one(f, 1);
	assert_int_equal(store_queue_again(f->queue, &again), ST_OK);
	assert_int_equal(answer(f)->status, ST_OK);
	assert_int_equal(store_queue_again(f->queue, &again), ST_OK);
	assert_int_equal(answer(f)->status, ST_NOT_FOUND);
	read_one(f, &ask);
	assert_int_equal(f->n_rows, 0);
	assert_true(f->next_us == 9);
	assert_int_equal(
	    move_one(f, 1, LIFE_CONFIRMED, REASON_PAID)->status, ST_OK);
	assert_int_equal(f->last.moved, MOVE_WAITING_CONFIRMED);
	assert_int_equal(receipt_of(f, 1, &row), ST_OK);
	assert_true(counted(f, MOVE_WAITING_CONFIRMED) == before + 1);
}

static void
a_payment_is_held_with_what_was_answered(void **state)
{
	struct queue_bench *f = *state;
	struct store_queue_move m = { .to = LIFE_HELD,
		.n = 1,
		.receipt = driver_cases_receipt(1, "testbox"),
		.reason = REASON_AMOUNT,
		.is_answered = true,
		.answered = driver_cases_receipt(1, "testbox"),
		.at_us = driver_cases_received_us(60) };
	struct store_life held;

	m.answered.amount_minor = 5;
	(void)wait_one(f, 1);
	assert_int_equal(store_queue_move(f->queue, &m), ST_OK);
	assert_int_equal(answer(f)->status, ST_OK);
	assert_int_equal(f->last.moved, MOVE_WAITING_HELD);
	held = held_one(f, 1);
	assert_int_equal(held.reason, REASON_AMOUNT);
	assert_true(held.held_at_us == m.at_us);
	assert_true(held.is_answered);
	assert_memory_equal(&held.answered, &m.answered, sizeof(m.answered));
}

static void
a_move_that_comes_too_late_changes_nothing(void **state)
{
	struct queue_bench *f = *state;
	int64_t before;

	(void)wait_one(f, 1);
	(void)move_one(f, 1, LIFE_REFUSED, REASON_UNKNOWN);
	before = counted(f, MOVE_WAITING_CONFIRMED);
	assert_int_equal(
	    move_one(f, 1, LIFE_CONFIRMED, REASON_PAID)->status, ST_NOT_FOUND);
	assert_false(f->last.has_moved);
	assert_true(counted(f, MOVE_WAITING_CONFIRMED) == before);
}

/* Payment n of testbox is the n-th that waits. */
static void
bring(struct queue_bench *f, uint32_t n, enum life to, enum reason reason)
{
	(void)wait_one(f, n);
	if (to != LIFE_WAITING)
		assert_int_equal(move_one(f, n, to, reason)->status, ST_OK);
}

static void
what_a_check_finds_is_judged_by_how_the_payment_stands(void **state)
{
	static const struct {
		enum life is;
		enum reason held;  /* why */
		enum reason found; /* PAID, RISK, or what differs */
		enum life then;
	} cases[] = {
		{ LIFE_WAITING, REASON_PAID, REASON_PAID, LIFE_CONFIRMED },
		{ LIFE_WAITING, REASON_PAID, REASON_RISK, LIFE_HELD },
		{ LIFE_WAITING, REASON_PAID, REASON_AMOUNT, LIFE_HELD },
		{ LIFE_HELD, REASON_SILENCE, REASON_PAID, LIFE_CONFIRMED },
		{ LIFE_HELD, REASON_SILENCE, REASON_RISK, LIFE_HELD },
		{ LIFE_HELD, REASON_SILENCE, REASON_AMOUNT, LIFE_HELD },
		{ LIFE_HELD, REASON_RISK, REASON_PAID, LIFE_HELD },
		{ LIFE_HELD, REASON_AMOUNT, REASON_PAID, LIFE_HELD },
		{ LIFE_CONFIRMED, REASON_PAID, REASON_PAID, LIFE_CONFIRMED },
		{ LIFE_CONFIRMED, REASON_PAID, REASON_RISK, LIFE_CONFIRMED },
		{ LIFE_REFUSED, REASON_UNKNOWN, REASON_PAID, LIFE_CONFIRMED },
		{ LIFE_REFUSED, REASON_UNKNOWN, REASON_RISK, LIFE_HELD },
	};
	struct queue_bench *f = *state;

	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct receipt r = driver_cases_receipt(i + 1, "testbox");
		enum reason said = cases[i].found;
		const struct store_op *op;

		bring(f, i + 1, cases[i].is, cases[i].held);
		if (said == REASON_AMOUNT) {
			r.amount_minor++;
			said = REASON_PAID;
		}
		op = find_one(f, &r, said);
		assert_int_equal(op->life, cases[i].then);
		assert_int_equal(op->status,
		    cases[i].then == cases[i].is ? ST_EXISTS : ST_OK);
		assert_int_equal(op->has_moved, cases[i].then != cases[i].is);
		assert_int_equal(op->owner, 7);
		assert_int_equal(op->tag, 8);
		/* Twice the same changes nothing. */
		assert_int_equal(find_one(f, &r, said)->status, ST_EXISTS);
		assert_int_equal(f->last.life, cases[i].then);
	}
}

static void
what_a_check_finds_that_was_unknown_is_as_sslcommerz_says(void **state)
{
	struct queue_bench *f = *state;
	struct receipt paid = driver_cases_receipt(1, "testbox");
	struct receipt risky = driver_cases_receipt(2, "testbox");
	struct store_life held;
	struct store_row row;

	assert_int_equal(find_one(f, &paid, REASON_PAID)->status, ST_OK);
	assert_int_equal(f->last.moved, MOVE_ABSENT_CONFIRMED);
	assert_int_equal(receipt_of(f, 1, &row), ST_OK);
	assert_memory_equal(&row.receipt, &paid, sizeof(paid));
	assert_int_equal(find_one(f, &risky, REASON_RISK)->status, ST_OK);
	assert_int_equal(f->last.moved, MOVE_ABSENT_HELD);
	held = held_one(f, 2);
	assert_int_equal(held.reason, REASON_RISK);
	assert_true(held.is_answered);
	assert_true(held.held_at_us == risky.received_at_us);
	assert_memory_equal(&held.claimed, &risky, sizeof(risky));
	/* The callback that was late changes nothing. */
	assert_int_equal(wait_one(f, 1)->status, ST_EXISTS);
	assert_int_equal(wait_one(f, 2)->status, ST_EXISTS);
}

static void
what_a_check_finds_that_waits_came_with_its_callback(void **state)
{
	struct queue_bench *f = *state;
	struct receipt claimed = driver_cases_receipt(1, "testbox");
	struct receipt answered = claimed;
	struct store_row row;

	bring(f, 1, LIFE_WAITING, REASON_PAID);
	answered.received_at_us += 5000000;
	assert_int_equal(find_one(f, &answered, REASON_PAID)->status, ST_OK);
	assert_int_equal(receipt_of(f, 1, &row), ST_OK);
	assert_memory_equal(&row.receipt, &claimed, sizeof(claimed));
}

static void
what_a_check_finds_different_is_held_for_the_difference(void **state)
{
	struct queue_bench *f = *state;
	struct receipt claimed = driver_cases_receipt(1, "testbox");
	struct receipt answered = claimed;
	struct store_life held;

	bring(f, 1, LIFE_WAITING, REASON_PAID);
	answered.amount_minor = 5;
	assert_int_equal(find_one(f, &answered, REASON_RISK)->status, ST_OK);
	held = held_one(f, 1);
	assert_int_equal(held.reason, REASON_AMOUNT);
	assert_true(held.is_answered);
	assert_memory_equal(&held.claimed, &claimed, sizeof(claimed));
	assert_memory_equal(&held.answered, &answered, sizeof(answered));
}

static void
a_released_payment_is_as_sslcommerz_says_where_it_does(void **state)
{
	struct queue_bench *f = *state;
	struct receipt claimed = driver_cases_receipt(1, "testbox");
	struct receipt answered = claimed;
	struct store_row row;

	bring(f, 1, LIFE_WAITING, REASON_PAID);
	answered.amount_minor = 5;
	(void)find_one(f, &answered, REASON_PAID);
	assert_int_equal(decide(f, 1, true)->status, ST_OK);
	assert_int_equal(f->last.life, LIFE_CONFIRMED);
	assert_int_equal(f->last.moved, MOVE_HELD_CONFIRMED);
	assert_string_equal(f->last.u.decide.by, "cli");
	assert_int_equal(f->last.owner, 7);
	assert_int_equal(f->last.tag, 8);
	assert_int_equal(receipt_of(f, 1, &row), ST_OK);
	assert_memory_equal(&row.receipt, &answered, sizeof(answered));
	bring(f, 2, LIFE_HELD, REASON_SILENCE);
	assert_int_equal(decide(f, 2, true)->status, ST_OK);
	assert_int_equal(receipt_of(f, 2, &row), ST_OK);
	claimed = driver_cases_receipt(2, "testbox");
	assert_memory_equal(&row.receipt, &claimed, sizeof(claimed));
}

static void
a_rejected_payment_is_no_receipt(void **state)
{
	struct queue_bench *f = *state;
	int64_t before = counted(f, MOVE_HELD_REFUSED);
	struct store_row row;

	bring(f, 1, LIFE_HELD, REASON_RISK);
	assert_int_equal(decide(f, 1, false)->status, ST_OK);
	assert_int_equal(f->last.life, LIFE_REFUSED);
	assert_int_equal(receipt_of(f, 1, &row), ST_NOT_FOUND);
	assert_int_equal(wait_one(f, 1)->status, ST_EXISTS);
	assert_true(counted(f, MOVE_HELD_REFUSED) == before + 1);
}

static void
what_is_not_held_cannot_be_decided(void **state)
{
	struct queue_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	char wide[CONFIG_NAME + 1];

	assert_int_equal(decide(f, 1, true)->status, ST_NOT_FOUND);
	assert_int_equal(f->last.life, LIFE_ABSENT);
	(void)wait_one(f, 1);
	assert_int_equal(decide(f, 1, true)->status, ST_NOT_FOUND);
	assert_int_equal(f->last.life, LIFE_WAITING);
	(void)move_one(f, 1, LIFE_HELD, REASON_RISK);
	(void)decide(f, 1, true);
	assert_int_equal(decide(f, 1, false)->status, ST_NOT_FOUND);
	assert_int_equal(f->last.life, LIFE_CONFIRMED);
	memset(wide, 'n', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(
	    store_queue_decide(f->queue, &r.id, true, wide, 1, &nobody, 1, 1),
	    ST_BAD_INPUT);
}

static void
a_decided_receipt_is_owed_to_its_endpoints(void **state)
{
	struct queue_bench *f = *state;
	struct receipt found = driver_cases_receipt(3, "testbox");
	struct store_endpoints main_only = { .n = 1 };
	struct store_queue_move m = { .to = LIFE_CONFIRMED,
		.n = 1,
		.receipt = driver_cases_receipt(1, "testbox"),
		.at_us = 50 };
	struct receipt held = driver_cases_receipt(2, "testbox");
	struct store_read ask = { .kind = STORE_READ_DUE, .limit = 4 };

	assert_int_equal(store_queue_endpoint(f->queue, "main"), ST_OK);
	main_only.ids[0] = answer(f)->u.endpoint.id;
	m.endpoints = main_only;
	bring(f, 1, LIFE_WAITING, REASON_PAID);
	bring(f, 2, LIFE_HELD, REASON_RISK);
	assert_int_equal(store_queue_move(f->queue, &m), ST_OK);
	assert_int_equal(answer(f)->status, ST_OK);
	assert_int_equal(store_queue_decide(f->queue, &held.id, true, "cli", 51,
			     &main_only, 1, 1),
	    ST_OK);
	assert_int_equal(answer(f)->status, ST_OK);
	assert_int_equal(
	    store_queue_found(f->queue, &found, REASON_PAID, &main_only, 1, 1),
	    ST_OK);
	assert_int_equal(answer(f)->status, ST_OK);
	ask.endpoint_id = main_only.ids[0];
	ask.now_us = 51;
	read_one(f, &ask);
	assert_int_equal(f->n_rows, 2);
	assert_true(f->next_us == found.received_at_us);
	assert_int_equal(f->dues[0].row.seq, 1);
	assert_int_equal(f->dues[1].row.seq, 2);
}

/* ---- reading of it */

static void
questions_are_read(void **state)
{
	struct queue_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct store_read ask = { .kind = STORE_READ_QUESTIONS,
		.merchant = "testbox",
		.now_us = INT64_MAX - 1,
		.limit = 1 };

	assert_int_equal(store_queue_wait(f->queue, &r, "TRAN-1", 1, 1), ST_OK);
	(void)answer(f);
	(void)wait_one(f, 2);
	read_one(f, &ask);
	assert_int_equal(f->read_status, ST_OK);
	assert_int_equal(f->n_rows, 1);
	assert_memory_equal(&f->dues[0].row.receipt, &r, sizeof(r));
	assert_int_equal(f->dues[0].attempt, 1);
	assert_string_equal(f->dues[0].tran_id, "TRAN-1");
	assert_true(f->next_us == driver_cases_received_us(2));
}

static void
held_payments_are_read_by_the_page_and_one_by_one(void **state)
{
	struct queue_bench *f = *state;
	struct store_read ask = { .kind = STORE_READ_HOLDS, .limit = 2 };

	for (uint32_t n = 1; n <= 3; n++)
		bring(f, n, LIFE_HELD, REASON_RISK);
	read_one(f, &ask);
	assert_int_equal(f->n_rows, 2);
	assert_true(f->more);
	assert_int_equal(f->lives[1].n, 2);
	ask.after_seq = 2;
	read_one(f, &ask);
	assert_int_equal(f->n_rows, 1);
	assert_false(f->more);
	ask.merchant[0] = 'x'; /* of nobody */

	read_one(f, &ask);
	assert_int_equal(f->n_rows, 0);
	ask = (struct store_read){ .kind = STORE_READ_HOLD,
		.merchant = "testbox",
		.id = driver_cases_receipt(3, "testbox").id };
	read_one(f, &ask);
	assert_int_equal(f->read_status, ST_OK);
	assert_int_equal(f->n_rows, 1);
	assert_int_equal(f->lives[0].n, 3);
	assert_int_equal(f->lives[0].reason, REASON_RISK);
	ask.id = driver_cases_receipt(4, "testbox").id;
	read_one(f, &ask);
	assert_int_equal(f->read_status, ST_NOT_FOUND);
}

/* One more than a first allocation holds. */
static void
a_long_list_of_held_payments_is_read_whole(void **state)
{
	const struct store_read ask = { .kind = STORE_READ_HOLDS,
		.limit = 100 };
	struct queue_bench *f = *state;

	for (uint32_t n = 1; n <= 40; n++)
		bring(f, n, LIFE_HELD, REASON_RISK);
	read_one(f, &ask);
	assert_int_equal(f->n_rows, 40);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, queue_bench_set_up, queue_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_put_counts_its_move_and_a_known_payment_moves_no_more),
		CASE(a_move_is_not_counted_before_it_is_on_disk),
		CASE(a_move_is_counted_once_though_its_batch_is_tried_twice),
		CASE(waiting_payments_are_bounded_like_puts),
		CASE(a_waiting_payment_is_asked_about_again_or_moved),
		CASE(a_payment_is_held_with_what_was_answered),
		CASE(a_move_that_comes_too_late_changes_nothing),
		CASE(what_a_check_finds_is_judged_by_how_the_payment_stands),
		CASE(what_a_check_finds_that_was_unknown_is_as_sslcommerz_says),
		CASE(what_a_check_finds_that_waits_came_with_its_callback),
		CASE(what_a_check_finds_different_is_held_for_the_difference),
		CASE(a_released_payment_is_as_sslcommerz_says_where_it_does),
		CASE(a_rejected_payment_is_no_receipt),
		CASE(what_is_not_held_cannot_be_decided),
		CASE(a_decided_receipt_is_owed_to_its_endpoints),
		CASE(questions_are_read),
		CASE(held_payments_are_read_by_the_page_and_one_by_one),
		CASE(a_long_list_of_held_payments_is_read_whole),
	};

	return cmocka_run_group_tests_name("keeper_moves", tests, NULL, NULL);
}
