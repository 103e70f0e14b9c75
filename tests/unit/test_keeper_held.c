/* Held payments: shown, released, rejected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keeper_bench.h"

/* Payments from..to, each held because of its amount; 1 is what SSLCommerz
 * says instead. */
static void
hold(struct keeper_bench *b, uint32_t from, uint32_t to)
{
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	uint64_t held = keeper_bench_probe(b).held;
	struct receipt answered;

	keeper_bench_window(asker, "testbox", 64);
	keeper_bench_store(b, from, to);
	if (asker->n < to - from + 1)
		keeper_bench_until(asker, to - from + 1);
	for (size_t i = 0; i < asker->n; i++) {
		answered = asker->ask[i].receipt;
		answered.amount_minor = 1;
		keeper_bench_verdict(
		    asker, &asker->ask[i], REASON_AMOUNT, &answered);
	}
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).held == held + to - from + 1);
	keeper_bench_leave(asker);
}

static void
ask_holds(struct guest *g, const char *merchant, uint64_t after,
    const struct receipt_id *id, uint32_t limit)
{
	struct msg_holds m = { .tag = 4, .after = after, .limit = limit };

	memcpy(m.merchant, merchant, strlen(merchant));
	if (id != NULL)
		m.id = *id;
	keeper_bench_send(g, MSG_HOLDS, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->end.tag, 4);
}

static void
decide(struct guest *g, uint32_t n, const char *merchant, bool release)
{
	struct msg_decide m = { .tag = n,
		.id = driver_cases_receipt(n, "testbox").id,
		.release = release };

	memcpy(m.merchant, merchant, strlen(merchant));
	memcpy(m.by, "clerk", 5);
	keeper_bench_send(g, MSG_DECIDE, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->decided.tag, n);
}

static void
held_payments_are_shown_in_order_with_both_sides(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct receipt r = driver_cases_receipt(1, "testbox");

	hold(b, 1, 5);
	ask_holds(desk, "testbox", 0, NULL, 3);
	assert_int_equal(desk->end.status, ST_OK);
	assert_int_equal(desk->n_rows, 3);
	assert_int_equal(desk->end.more, 1);
	assert_int_equal(desk->end.last_seq, desk->hold[2].n);
	assert_int_equal(desk->hold[0].reason, REASON_AMOUNT);
	assert_true(desk->hold[0].held_at_us > 0);
	assert_memory_equal(&desk->hold[0].claimed, &r, sizeof(r));
	assert_int_equal(desk->hold[0].is_answered, 1);
	assert_int_equal(desk->hold[0].answered.amount_minor, 1);
	assert_memory_equal(&desk->hold[0].answered.id, &r.id, sizeof(r.id));
	ask_holds(desk, "testbox", desk->end.last_seq, NULL, 3);
	assert_int_equal(desk->n_rows, 2);
	assert_int_equal(desk->end.more, 0);
	ask_holds(desk, "elsebox", 7, NULL, 3);
	assert_int_equal(desk->n_rows, 0);
	assert_int_equal(desk->end.last_seq, 7);
	keeper_bench_leave(desk);
}

static void
one_held_payment_is_shown_to_its_merchant_only(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct receipt r = driver_cases_receipt(2, "testbox");

	hold(b, 1, 3);
	ask_holds(desk, "testbox", 0, &r.id, 1);
	assert_int_equal(desk->end.status, ST_OK);
	assert_int_equal(desk->n_rows, 1);
	assert_memory_equal(&desk->hold[0].claimed, &r, sizeof(r));
	ask_holds(desk, "elsebox", 0, &r.id, 1);
	assert_int_equal(desk->end.status, ST_NOT_FOUND);
	assert_int_equal(desk->n_rows, 0);
	keeper_bench_leave(desk);
}

static void
a_released_payment_becomes_a_receipt_and_is_delivered(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	char id[ID_TEXT];

	keeper_bench_window(courier, "main", 4);
	hold(b, 1, 1);
	keeper_bench_log_catch();
	decide(desk, 1, "testbox", true);
	assert_int_equal(desk->decided.status, ST_OK);
	assert_int_equal(desk->decided.state, LIFE_CONFIRMED);
	if (courier->n == 0)
		keeper_bench_until(courier, 1);
	id_format(&courier->delivery[0].receipt.id, id);
	assert_true(keeper_bench_log_has("released"));
	assert_true(keeper_bench_log_has("clerk"));
	assert_true(keeper_bench_log_has(id));
	keeper_bench_log_release();
	/* What SSLCommerz says is what was paid. */
	assert_int_equal(courier->delivery[0].receipt.amount_minor, 1);
	assert_int_equal(keeper_bench_probe(b).held, 0);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	decide(desk, 1, "testbox", true);
	assert_int_equal(desk->decided.status, ST_NOT_FOUND);
	keeper_bench_leave(desk);
	keeper_bench_leave(courier);
}

static void
a_rejected_payment_leaves_no_receipt(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *edge;

	hold(b, 1, 1);
	keeper_bench_log_catch();
	decide(desk, 1, "testbox", false);
	assert_true(keeper_bench_log_has("rejected"));
	assert_true(keeper_bench_log_has("clerk"));
	keeper_bench_log_release();
	assert_int_equal(desk->decided.status, ST_OK);
	assert_int_equal(desk->decided.state, LIFE_REFUSED);
	assert_int_equal(keeper_bench_probe(b).held, 0);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	edge = keeper_bench_enter(b, PARTY_EDGE);
	keeper_bench_put(edge, 1, "testbox");
	keeper_bench_until(edge, 1);
	assert_int_equal(edge->done[0].status, ST_EXISTS);
	keeper_bench_leave(edge);
	keeper_bench_leave(desk);
}

static void
another_merchants_held_payment_cannot_be_decided(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	hold(b, 1, 1);
	decide(desk, 1, "elsebox", true);
	assert_int_equal(desk->decided.status, ST_NOT_FOUND);
	decide(desk, 2, "testbox", true);
	assert_int_equal(desk->decided.status, ST_NOT_FOUND);
	assert_int_equal(keeper_bench_probe(b).held, 1);
	keeper_bench_leave(desk);
}

static void
a_release_waits_for_a_merchant_that_is_not_configured(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct keeper_config c;

	hold(b, 1, 2);
	keeper_bench_config(&c, b->path, "newbox", "main");
	keeper_bench_configure(b, &c);
	keeper_bench_configure(b, &c);
	decide(desk, 1, "testbox", true);
	assert_int_equal(desk->decided.status, ST_CONFIG);
	decide(desk, 2, "testbox", false);
	assert_int_equal(desk->decided.status, ST_OK);
	keeper_bench_configure(b, &b->config);
	decide(desk, 1, "testbox", true);
	assert_int_equal(desk->decided.status, ST_OK);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	keeper_bench_leave(desk);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up_required, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(held_payments_are_shown_in_order_with_both_sides),
		CASE(one_held_payment_is_shown_to_its_merchant_only),
		CASE(a_released_payment_becomes_a_receipt_and_is_delivered),
		CASE(a_rejected_payment_leaves_no_receipt),
		CASE(another_merchants_held_payment_cannot_be_decided),
		CASE(a_release_waits_for_a_merchant_that_is_not_configured),
	};

	return cmocka_run_group_tests_name("keeper_held", tests, NULL, NULL);
}
