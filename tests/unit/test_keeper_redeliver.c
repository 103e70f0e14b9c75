/* What people and billing see and ask of deliveries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keeper_bench.h"

/* Payments from..to, which main has got, at the first attempt. */
static void
deliver(struct keeper_bench *b, uint32_t from, uint32_t to)
{
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);

	courier->settles = true;
	keeper_bench_window(courier, "main", 64);
	keeper_bench_store(b, from, to);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).deliveries_pending == 0);
	keeper_bench_leave(courier);
}

static struct msg_which
all_of(const char *merchant)
{
	struct msg_which w = { .state = DELIVERY_STATES };

	memcpy(w.merchant, merchant, strlen(merchant));
	return w;
}

static struct msg_which
the_one(uint32_t n, const char *merchant)
{
	struct msg_which w = all_of(merchant);

	w.id = driver_cases_receipt(n, "testbox").id;
	memcpy(w.endpoint, "main", 4);
	return w;
}

static void
list(struct guest *g, const struct msg_which *w, uint64_t after, uint32_t limit)
{
	struct msg_deliveries m = {
		.tag = 8, .after = after, .which = *w, .limit = limit
	};

	keeper_bench_send(g, MSG_DELIVERIES, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->end.tag, 8);
	assert_int_equal(g->end.status, ST_OK);
}

static void
act(struct guest *g, const struct msg_which *w, enum redeliver_action action,
    uint32_t limit)
{
	struct msg_redeliver m = {
		.tag = 9, .which = *w, .limit = limit, .action = action
	};

	memcpy(m.by, "clerk", 5);
	keeper_bench_send(g, MSG_REDELIVER, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->redelivered.tag, 9);
	assert_int_equal(g->redelivered.status, ST_OK);
}

static void
deliveries_are_listed_page_by_page(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_which mine = all_of("testbox"), others = all_of("elsebox");
	uint64_t last = 0;

	deliver(b, 1, 5);
	list(desk, &mine, 0, 3);
	assert_int_equal(desk->n_rows, 3);
	assert_int_equal(desk->end.more, 1);
	for (size_t i = 0; i < 3; i++) {
		assert_true(desk->delivery_row[i].position > last);
		last = desk->delivery_row[i].position;
		assert_int_equal(
		    desk->delivery_row[i].state, DELIVERY_DELIVERED);
		assert_int_equal(desk->delivery_row[i].attempts, 1);
		assert_string_equal(desk->delivery_row[i].endpoint, "main");
	}
	list(desk, &mine, desk->end.last_seq, 3);
	assert_int_equal(desk->n_rows, 2);
	assert_int_equal(desk->end.more, 0);
	list(desk, &others, 0, 3);
	assert_int_equal(desk->n_rows, 0);
	keeper_bench_leave(desk);
}

static void
an_endpoint_that_nobody_knows_has_none(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_which w = all_of("testbox");

	deliver(b, 1, 1);
	memcpy(w.endpoint, "nobody", 6);
	list(desk, &w, 5, 3);
	assert_int_equal(desk->n_rows, 0);
	assert_int_equal(desk->end.last_seq, 5);
	act(desk, &w, REDELIVER_RETRY, 3);
	assert_int_equal(desk->redelivered.matched, 0);
	keeper_bench_leave(desk);
}

static void
counting_changes_nothing(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_which w = all_of("testbox");

	deliver(b, 1, 5);
	w.state = DELIVERY_DELIVERED;
	act(desk, &w, REDELIVER_COUNT, 3);
	assert_int_equal(desk->redelivered.matched, 3);
	assert_int_equal(desk->redelivered.changed, 0);
	assert_int_equal(desk->redelivered.more, 1);
	assert_int_equal(keeper_bench_probe(b).deliveries_pending, 0);
	keeper_bench_leave(desk);
}

static void
a_delivered_one_is_offered_again_and_logged_with_who_asked(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_which w = the_one(1, "testbox");
	struct guest *courier;

	deliver(b, 1, 2);
	keeper_bench_log_catch();
	act(desk, &w, REDELIVER_RETRY, 1);
	assert_true(keeper_bench_log_has("redelivered"));
	assert_true(keeper_bench_log_has("clerk"));
	keeper_bench_log_release();
	assert_int_equal(desk->redelivered.changed, 1);
	courier = keeper_bench_enter(b, PARTY_COURIER);
	keeper_bench_window(courier, "main", 4);
	keeper_bench_until(courier, 1);
	assert_int_equal(courier->delivery[0].attempt, 2);
	assert_memory_equal(
	    &courier->delivery[0].receipt.id, &w.id, sizeof(w.id));
	keeper_bench_settle(
	    courier, &courier->delivery[0], OUTCOME_DELIVERED, 200);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).deliveries_pending == 0);
	keeper_bench_leave(courier);
	keeper_bench_leave(desk);
}

static void
another_merchants_delivery_is_not_there(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_which w = the_one(1, "elsebox");

	deliver(b, 1, 1);
	act(desk, &w, REDELIVER_RETRY, 1);
	assert_int_equal(desk->redelivered.matched, 0);
	assert_int_equal(desk->redelivered.changed, 0);
	assert_int_equal(keeper_bench_probe(b).deliveries_pending, 0);
	keeper_bench_leave(desk);
}

static void
what_is_delivered_cannot_be_dropped_and_what_is_pending_can(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_which w = all_of("testbox");

	deliver(b, 1, 1);
	keeper_bench_store(b, 2, 2);
	act(desk, &w, REDELIVER_DROP, 10);
	assert_int_equal(desk->redelivered.matched, 2);
	assert_int_equal(desk->redelivered.changed, 1);
	assert_int_equal(keeper_bench_probe(b).deliveries_pending, 0);
	w.state = DELIVERY_DROPPED;
	list(desk, &w, 0, 10);
	assert_int_equal(desk->n_rows, 1);
	keeper_bench_leave(desk);
}

static void
ask_log(struct guest *g, uint32_t n, const char *merchant)
{
	struct msg_attempts m = { .tag = 7,
		.id = driver_cases_receipt(n, "testbox").id,
		.endpoint = "main" };

	memcpy(m.merchant, merchant, strlen(merchant));
	keeper_bench_send(g, MSG_ATTEMPTS, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->end.tag, 7);
}

static void
the_log_shows_the_attempts_to_their_merchant(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);

	keeper_bench_window(courier, "main", 4);
	keeper_bench_store(b, 1, 1);
	if (courier->n == 0)
		keeper_bench_until(courier, 1);
	keeper_bench_settle(
	    courier, &courier->delivery[0], OUTCOME_STATUS, 500);
	KEEPER_BENCH_AWAIT((ask_log(desk, 1, "testbox"), desk->n_rows == 1));
	assert_int_equal(desk->end.status, ST_OK);
	assert_int_equal(desk->attempt[0].number, 1);
	assert_int_equal(desk->attempt[0].outcome, OUTCOME_STATUS);
	assert_int_equal(desk->attempt[0].http_status, 500);
	ask_log(desk, 1, "elsebox");
	assert_int_equal(desk->end.status, ST_NOT_FOUND);
	keeper_bench_leave(courier);
	keeper_bench_leave(desk);
}

#define TEST(f)                          \
	cmocka_unit_test_setup_teardown( \
	    f, keeper_bench_set_up, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deliveries_are_listed_page_by_page),
		TEST(an_endpoint_that_nobody_knows_has_none),
		TEST(counting_changes_nothing),
		TEST(
		    a_delivered_one_is_offered_again_and_logged_with_who_asked),
		TEST(another_merchants_delivery_is_not_there),
		TEST(
		    what_is_delivered_cannot_be_dropped_and_what_is_pending_can),
		TEST(the_log_shows_the_attempts_to_their_merchant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
