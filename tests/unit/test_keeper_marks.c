/* Cursors and tokens that the keeper remembers, and news. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keeper_bench.h"

static void
mark(struct guest *g, enum mark_action action, const char *merchant,
    const char *name, uint64_t seq)
{
	struct msg_mark m = { .tag = 3, .seq = seq, .action = action };

	memcpy(m.merchant, merchant, strlen(merchant));
	memcpy(m.name, name, strlen(name));
	keeper_bench_send(g, MSG_MARK, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->marked.tag, 3);
}

static void
a_mark_is_kept_for_its_merchant_and_name(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	mark(desk, MARK_GET, "testbox", "nightly", 0);
	assert_int_equal(desk->marked.status, ST_NOT_FOUND);
	mark(desk, MARK_SET, "testbox", "nightly", 7);
	assert_int_equal(desk->marked.status, ST_OK);
	assert_int_equal(desk->marked.seq, 7);
	assert_true(desk->marked.at_us > 0);
	assert_true(desk->marked.epoch > 0);
	mark(desk, MARK_GET, "testbox", "nightly", 0);
	assert_int_equal(desk->marked.status, ST_OK);
	assert_int_equal(desk->marked.seq, 7);
	mark(desk, MARK_GET, "elsebox", "nightly", 0);
	assert_int_equal(desk->marked.status, ST_NOT_FOUND);
	keeper_bench_leave(desk);
}

static void
a_mark_goes_forward_only_until_it_is_forgotten(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	mark(desk, MARK_SET, "testbox", "nightly", 7);
	mark(desk, MARK_SET, "testbox", "nightly", 6);
	assert_int_equal(desk->marked.status, ST_EXISTS);
	assert_int_equal(desk->marked.seq, 7);
	mark(desk, MARK_SET, "testbox", "nightly", 7);
	assert_int_equal(desk->marked.status, ST_OK);
	mark(desk, MARK_FORGET, "testbox", "nightly", 0);
	assert_int_equal(desk->marked.status, ST_OK);
	mark(desk, MARK_FORGET, "testbox", "nightly", 0);
	assert_int_equal(desk->marked.status, ST_NOT_FOUND);
	mark(desk, MARK_SET, "testbox", "nightly", 1);
	assert_int_equal(desk->marked.status, ST_OK);
	keeper_bench_leave(desk);
}

static void
a_merchant_leaves_a_hundred_marks_and_no_more(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	char name[16];

	for (int i = 0; i < STORE_MARKS; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		mark(desk, MARK_SET, "testbox", name, 1);
		assert_int_equal(desk->marked.status, ST_OK);
	}
	mark(desk, MARK_SET, "testbox", "one-more", 1);
	assert_int_equal(desk->marked.status, ST_BUSY);
	mark(desk, MARK_SET, "elsebox", "first", 1);
	assert_int_equal(desk->marked.status, ST_OK);
	mark(desk, MARK_SET, "testbox", "m5", 2);
	assert_int_equal(desk->marked.status, ST_OK);
	keeper_bench_leave(desk);
}

static void
ask_tokens(struct guest *g)
{
	const struct msg_tokens m = { .tag = 6 };

	keeper_bench_send(g, MSG_TOKENS, &m);
	keeper_bench_until(g, g->n + 1);
	assert_int_equal(g->end.tag, 6);
	assert_int_equal(g->end.status, ST_OK);
}

static void
the_day_of_a_tokens_last_use_is_kept(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_token_used used = { .sha256 = { 1, 2, 3 }, .day = 20000 };

	ask_tokens(desk);
	assert_int_equal(desk->n_rows, 0);
	keeper_bench_send(desk, MSG_TOKEN_USED, &used);
	used.day = 19000; /* a clock that went back */
	keeper_bench_send(desk, MSG_TOKEN_USED, &used);
	KEEPER_BENCH_AWAIT((ask_tokens(desk), desk->n_rows == 1));
	assert_memory_equal(desk->token[0].sha256, used.sha256, 32);
	assert_int_equal(desk->token[0].day, 20000);
	assert_int_equal(desk->token[0].revoked_at_us, 0);
	keeper_bench_leave(desk);
}

static void
news_go_to_the_desks_after_a_receipt_is_stored(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	keeper_bench_store(b, 1, 3);
	KEEPER_BENCH_AWAIT((keeper_bench_probe(b), desk->n_news > 0));
	assert_string_equal(desk->news.merchant, "testbox");
	keeper_bench_leave(desk);
}

static void
a_payment_that_only_waits_is_no_news(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	keeper_bench_store(b, 1, 3);
	mark(desk, MARK_GET, "testbox", "nightly", 0);
	assert_int_equal(keeper_bench_probe(b).waiting, 3);
	assert_int_equal(desk->n_news, 0);
	keeper_bench_leave(desk);
}

#define TEST(f)                          \
	cmocka_unit_test_setup_teardown( \
	    f, keeper_bench_set_up, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mark_is_kept_for_its_merchant_and_name),
		TEST(a_mark_goes_forward_only_until_it_is_forgotten),
		TEST(a_merchant_leaves_a_hundred_marks_and_no_more),
		TEST(the_day_of_a_tokens_last_use_is_kept),
		TEST(news_go_to_the_desks_after_a_receipt_is_stored),
		cmocka_unit_test_setup_teardown(
		    a_payment_that_only_waits_is_no_news,
		    keeper_bench_set_up_required, keeper_bench_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
