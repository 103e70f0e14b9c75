/*
 * Who waits for receipts: what the keeper is asked, and when.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk_bench.h"

#define POLLS 8

static const char *
at(uint64_t seq)
{
	return bench_cursor(CURSOR_RECEIPTS, BENCH_EPOCH, seq);
}

static void
poll(struct caller *c, uint64_t after)
{
	char target[128];

	(void)snprintf(
	    target, sizeof(target), "/v1/receipts?wait=60&after=%s", at(after));
	caller_request(c, "GET", target, TOKEN);
}

/* The keeper's word that there is nothing behind seq. */
static void
say_nothing_behind(uint64_t seq)
{
	struct msg_page m;

	bench_asked(MSG_PAGE, &m);
	assert_int_equal(m.after_seq, seq);
	bench_end_page(m.tag, seq, 0, ST_OK);
}

static void
say_news(const char *merchant)
{
	struct msg_news news = { .merchant = "" };

	memcpy(news.merchant, merchant, strlen(merchant));
	bench_say(MSG_NEWS, &news, 1);
}

/* One receipt, at seq, as the answer to the next question. */
static void
say_one(uint64_t seq)
{
	struct msg_page m;
	struct msg_row row;

	bench_asked(MSG_PAGE, &m);
	row = bench_row(m.tag, seq, "first");
	bench_say(MSG_ROW, &row, 1);
	bench_end_page(m.tag, seq, 0, ST_OK);
}

static void
polls_that_rest_at_one_place_share_one_question(void **state)
{
	struct caller c[POLLS];
	char body[1024];

	(void)state;
	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[" RECEIPT "],\"next\":\"%s\",\"more\":false}",
	    at(7));
	for (size_t i = 0; i < POLLS; i++) {
		caller_open(&c[i], true);
		poll(&c[i], 5);
		say_nothing_behind(5);
	}
	say_news("first");
	say_one(7);
	for (size_t i = 0; i < POLLS; i++) {
		caller_expect(&c[i], 200, body);
		caller_close(&c[i]);
	}
	bench_asked_nothing();
}

static void
news_of_another_merchant_wake_nobody(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	poll(&c, 5);
	say_nothing_behind(5);
	say_news("second");
	say_news("first");
	say_one(7);
	caller_expect(&c, 200, NULL);
	bench_asked_nothing();
	caller_close(&c);
}

static void
news_that_come_while_the_keeper_reads_are_not_missed(void **state)
{
	struct msg_page m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	poll(&c, 5);
	bench_asked(MSG_PAGE, &m);
	say_news("first"); /* what is read may be from before */
	bench_end_page(m.tag, 5, 0, ST_OK);
	say_one(7);
	caller_expect(&c, 200, NULL);
	caller_close(&c);
}

static void
a_page_that_a_filter_emptied_is_asked_on(void **state)
{
	struct msg_page m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/v1/receipts?currency=USD", TOKEN);
	bench_asked(MSG_PAGE, &m);
	assert_string_equal(m.currency, "USD");
	bench_end_page(m.tag, 20000, 1, ST_OK);
	bench_asked(MSG_PAGE, &m);
	assert_int_equal(m.after_seq, 20000);
	bench_end_page(m.tag, 30000, 0, ST_OK);
	caller_expect(&c, 200, NULL);
	caller_close(&c);
}

static void
now_is_behind_the_newest_receipt(void **state)
{
	struct msg_page m;
	struct msg_row row;
	struct caller c;
	char body[128];

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/v1/receipts?after=now", TOKEN);
	bench_asked(MSG_PAGE, &m);
	assert_int_equal(m.flags, PAGE_DESC);
	assert_int_equal(m.limit, 1);
	row = bench_row(m.tag, 41, "first");
	bench_say(MSG_ROW, &row, 1);
	bench_end_page(m.tag, 41, 1, ST_OK);
	bench_asked(MSG_PAGE, &m);
	assert_int_equal(m.flags, 0);
	assert_int_equal(m.after_seq, 41);
	bench_end_page(m.tag, 41, 0, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[],\"next\":\"%s\",\"more\":false}", at(41));
	caller_expect(&c, 200, body);
	caller_close(&c);
}

static void
a_kept_cursor_is_looked_up_first(void **state)
{
	struct msg_mark mark;
	struct msg_marked marked;
	struct msg_page m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/v1/receipts?cursor=nightly", TOKEN);
	bench_asked(MSG_MARK, &mark);
	assert_int_equal(mark.action, MARK_GET);
	assert_string_equal(mark.merchant, "first");
	assert_string_equal(mark.name, "nightly");
	marked = (struct msg_marked){ .tag = mark.tag,
		.epoch = BENCH_EPOCH,
		.seq = 33,
		.at_us = 1,
		.status = ST_OK };
	bench_say(MSG_MARKED, &marked, 1);
	bench_asked(MSG_PAGE, &m);
	assert_int_equal(m.after_seq, 33);
	bench_end_page(m.tag, 33, 0, ST_OK);
	caller_expect(&c, 200, NULL);
	caller_close(&c);
}

static void
a_digest_covers_all_pages(void **state)
{
	struct msg_page m;
	struct msg_row row;
	struct caller c;
	char body[512];

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/v1/receipts/digest", TOKEN);
	bench_asked(MSG_PAGE, &m);
	assert_int_equal(m.limit, 1000);
	row = bench_row(m.tag, 3, "first");
	bench_say(MSG_ROW, &row, 1);
	bench_end_page(m.tag, 3, 1, ST_OK);
	bench_asked(MSG_PAGE, &m);
	assert_int_equal(m.after_seq, 3);
	row = bench_row(m.tag, 4, "first");
	bench_say(MSG_ROW, &row, 1);
	bench_end_page(m.tag, 4, 0, ST_OK);
	/* The same id twice cancels itself; count and sum tell. */
	(void)snprintf(body, sizeof(body),
	    "{\"count\":2,\"sums\":[{\"currency\":\"BDT\","
	    "\"amount\":\"2300.00\"}],\"digest\":\""
	    "00000000000000000000000000000000"
	    "00000000000000000000000000000000\",\"next\":\"%s\"}",
	    at(4));
	caller_expect(&c, 200, body);
	caller_close(&c);
}

#define TEST(f)                          \
	cmocka_unit_test_setup_teardown( \
	    f, desk_bench_set_up, desk_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(polls_that_rest_at_one_place_share_one_question),
		TEST(news_of_another_merchant_wake_nobody),
		TEST(news_that_come_while_the_keeper_reads_are_not_missed),
		TEST(a_page_that_a_filter_emptied_is_asked_on),
		TEST(now_is_behind_the_newest_receipt),
		TEST(a_kept_cursor_is_looked_up_first),
		TEST(a_digest_covers_all_pages),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
