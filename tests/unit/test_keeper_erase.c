/* What the keeper makes of a request to erase an invoice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keeper_bench.h"

static void
erase(struct guest *g, uint32_t n, enum erase_action action)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	struct msg_erase m = {
		.tag = n, .merchant = "testbox", .by = "clerk", .action = action
	};

	memcpy(m.invoice_id, r.invoice_id, sizeof(m.invoice_id));
	keeper_bench_send(g, MSG_ERASE, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->erased.tag, n);
	assert_int_equal(g->erased.status, ST_OK);
}

static void
a_receipt_is_erased_and_its_courier_told(void **state)
{
	struct keeper_bench *b = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);

	courier->settles = true;
	keeper_bench_window(courier, "main", 4);
	keeper_bench_store(b, 1, 3);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).deliveries_pending == 0);
	keeper_bench_log_catch();
	erase(desk, 2, ERASE_DO);
	assert_true(keeper_bench_log_has("erased"));
	assert_true(keeper_bench_log_has("clerk"));
	assert_false(keeper_bench_log_has(r.invoice_id));
	keeper_bench_log_release();
	assert_int_equal(desk->erased.why, RETAIN_FREE);
	assert_int_equal(desk->erased.receipts, 1);
	assert_int_equal(desk->erased.proved, 1);
	assert_int_equal(desk->erased.hits, 0);
	assert_true(desk->erased.bytes > 0);
	assert_int_equal(desk->n_payments, 1);
	assert_memory_equal(&desk->payment[0].receipt, &r, sizeof(r));
	KEEPER_BENCH_AWAIT(
	    keeper_bench_probe(b).receipts == 2 && courier->n == 4);
	assert_true((courier->delivery[3].seq & DELIVERY_NOTICE) != 0);
	assert_memory_equal(
	    &courier->delivery[3].receipt.id, &r.id, sizeof(r.id));
	keeper_bench_leave(courier);
	keeper_bench_leave(desk);
}

static void
to_try_and_to_show_change_nothing(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	keeper_bench_store(b, 1, 1);
	erase(desk, 1, ERASE_TRY);
	assert_int_equal(desk->erased.receipts, 1);
	assert_int_equal(desk->erased.proved, 0);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	keeper_bench_leave(desk);
}

static void
of_what_is_not_there_nothing_is_said(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	keeper_bench_store(b, 1, 1);
	erase(desk, 9, ERASE_DO);
	assert_int_equal(desk->n_payments, 0);
	assert_int_equal(desk->erased.receipts, 0);
	assert_int_equal(desk->erased.proved, 1);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	keeper_bench_leave(desk);
}

/* proves: R17 */
static void
what_is_erased_is_known_to_edges(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);

	keeper_bench_store(b, 1, 1);
	erase(desk, 1, ERASE_DO);
	keeper_bench_put(edge, 1, "testbox");
	keeper_bench_until(edge, 1);
	assert_int_equal(edge->done[0].status, ST_EXISTS);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	keeper_bench_leave(edge);
	keeper_bench_leave(desk);
}

static void
while_an_attempt_is_under_way_the_notice_waits(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);

	keeper_bench_window(courier, "main", 4);
	keeper_bench_store(b, 1, 1);
	if (courier->n == 0)
		keeper_bench_until(courier, 1);
	erase(desk, 1, ERASE_DO);
	keeper_bench_settle(
	    courier, &courier->delivery[0], OUTCOME_STATUS, 500);
	keeper_bench_store(b, 2, 2);
	keeper_bench_until(courier, 2);
	/* Not tried again, and no notice before the attempt can be over. */
	assert_int_equal(courier->delivery[1].seq & DELIVERY_NOTICE, 0);
	assert_int_equal(courier->delivery[1].receipt.received_at_us,
	    driver_cases_received_us(2));
	keeper_bench_leave(courier);
	keeper_bench_leave(desk);
}

/* proves: R14 */
static void
inside_a_term_nothing_goes(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk;

	b->config.merchants[0].keep_at_least_s = 315360000;
	keeper_bench_configure(b, &b->config);
	desk = keeper_bench_enter(b, PARTY_DESK);
	keeper_bench_store(b, 1, 1);
	erase(desk, 1, ERASE_DO);
	assert_int_equal(desk->erased.why, RETAIN_TERM);
	assert_true(desk->erased.until_us > 0);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	keeper_bench_leave(desk);
}

/* A verdict that comes too late makes no receipt. */
static void
what_waits_is_erased_and_its_verdict_finds_nothing(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	keeper_bench_window(asker, "testbox", 4);
	keeper_bench_store(b, 1, 1);
	if (asker->n == 0)
		keeper_bench_until(asker, 1);
	erase(desk, 1, ERASE_DO);
	assert_int_equal(desk->erased.waiting, 1);
	keeper_bench_verdict(asker, &asker->ask[0], REASON_PAID, NULL);
	keeper_bench_store(b, 2, 2);
	keeper_bench_until(asker, 2);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	assert_int_equal(keeper_bench_probe(b).waiting, 1);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

static void
who_leaves_before_the_answer_changes_nothing_of_it(void **state)
{
	struct keeper_bench *b = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct msg_erase m = { .tag = 1,
		.merchant = "testbox",
		.by = "clerk",
		.action = ERASE_DO };
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	keeper_bench_store(b, 1, 1);
	memcpy(m.invoice_id, r.invoice_id, sizeof(m.invoice_id));
	keeper_bench_send(desk, MSG_ERASE, &m);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).receipts == 0);
	keeper_bench_leave(desk);
	desk = keeper_bench_enter(b, PARTY_DESK);
	erase(desk, 1, ERASE_DO);
	assert_int_equal(desk->erased.receipts, 0);
	keeper_bench_leave(desk);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up, keeper_bench_tear_down)
#define CASE_ASKED(test)                 \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up_required, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_receipt_is_erased_and_its_courier_told),
		CASE(to_try_and_to_show_change_nothing),
		CASE(of_what_is_not_there_nothing_is_said),
		CASE(what_is_erased_is_known_to_edges),
		CASE(while_an_attempt_is_under_way_the_notice_waits),
		CASE(inside_a_term_nothing_goes),
		CASE_ASKED(what_waits_is_erased_and_its_verdict_finds_nothing),
		CASE(who_leaves_before_the_answer_changes_nothing_of_it),
	};

	return cmocka_run_group_tests_name("keeper_erase", tests, NULL, NULL);
}
