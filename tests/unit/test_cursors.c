/*
 * Cursors that the gateway keeps for pollers, over HTTP.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk_bench.h"

#define LEDGER "/v1/cursors/ledger"
#define AT_US  UINT64_C(1764657049020304)
#define SEQ    UINT64_C(42)

/* The keeper is asked for this, and says that. */
static struct msg_mark
mark(enum mark_action action, uint64_t seq, enum status st)
{
	struct msg_marked said = {
		.epoch = BENCH_EPOCH, .seq = seq, .at_us = AT_US, .status = st
	};
	struct msg_mark m;

	bench_asked(MSG_MARK, &m);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.name, "ledger");
	assert_int_equal(m.action, action);
	said.tag = m.tag;
	bench_say(MSG_MARKED, &said, 1);
	return m;
}

static void
probed(enum status st)
{
	struct msg_health health = { .epoch = BENCH_EPOCH, .status = st };
	struct msg_probe m;

	bench_asked(MSG_PROBE, &m);
	health.tag = m.tag;
	bench_say(MSG_HEALTH, &health, 1);
}

static void
put(struct caller *c, uint64_t epoch, uint64_t seq)
{
	char target[128];

	(void)snprintf(target, sizeof(target), LEDGER "?after=%s",
	    bench_cursor(CURSOR_RECEIPTS, epoch, seq));
	caller_request_with(c, "PUT", target, TOKEN, "Content-Length: 0\r\n");
}

static void
expect_kept(struct caller *c, uint64_t seq)
{
	char body[256];

	(void)snprintf(body, sizeof(body),
	    "{\"name\":\"ledger\",\"after\":\"%s\","
	    "\"updated_at\":\"2025-12-02T06:30:49.020304Z\"}",
	    bench_cursor(CURSOR_RECEIPTS, BENCH_EPOCH, seq));
	caller_expect(c, 200, body);
}

static void
a_kept_cursor_is_shown(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", LEDGER, TOKEN);
	(void)mark(MARK_GET, SEQ, ST_OK);
	expect_kept(&c, SEQ);
	caller_request(&c, "GET", LEDGER, TOKEN);
	(void)mark(MARK_GET, 0, ST_NOT_FOUND);
	caller_expect_problem(&c, 404, "problem:not-found");
	caller_close(&c);
}

static void
a_cursor_is_put_where_it_is_said(void **state)
{
	struct msg_mark m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	put(&c, BENCH_EPOCH, SEQ);
	probed(ST_OK);
	m = mark(MARK_SET, SEQ, ST_OK);
	assert_true(m.seq == SEQ);
	expect_kept(&c, SEQ);
	/* An empty store's first page has a cursor, too. */
	put(&c, BENCH_EPOCH, 0);
	probed(ST_OK);
	m = mark(MARK_SET, 0, ST_OK);
	assert_true(m.seq == 0);
	expect_kept(&c, 0);
	caller_close(&c);
}

static void
a_cursor_never_goes_back(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	put(&c, BENCH_EPOCH, SEQ);
	probed(ST_OK);
	(void)mark(MARK_SET, SEQ + 1, ST_EXISTS);
	caller_expect_problem(&c, 409, "problem:cursor-behind");
	caller_close(&c);
}

static void
a_cursor_of_another_store_is_not_kept(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	put(&c, BENCH_EPOCH + 1, SEQ);
	probed(ST_OK);
	caller_expect_problem(&c, 410, "problem:cursor-expired");
	bench_asked_nothing();
	caller_close(&c);
}

static void
a_cursor_is_forgotten(void **state)
{
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "DELETE", LEDGER, TOKEN);
	(void)mark(MARK_FORGET, 0, ST_OK);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 204);
	assert_null(got_field(&g, "Content-Length"));
	assert_null(got_field(&g, "Content-Type"));
	assert_null(got_field(&g, "ETag"));
	free(g.text);
	caller_request(&c, "DELETE", LEDGER, TOKEN);
	(void)mark(MARK_FORGET, 0, ST_NOT_FOUND);
	caller_expect_problem(&c, 404, "problem:not-found");
	caller_close(&c);
}

static void
what_is_not_on_disk_is_answered_503(void **state)
{
	static const enum status words[] = { ST_BUSY, ST_IO };
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		put(&c, BENCH_EPOCH, SEQ);
		probed(words[i]);
		caller_expect_problem(&c, 503, "problem:unavailable");
		put(&c, BENCH_EPOCH, SEQ);
		probed(ST_OK);
		(void)mark(MARK_SET, 0, words[i]);
		caller_expect_problem(&c, 503, "problem:unavailable");
		caller_request(&c, "GET", LEDGER, TOKEN);
		(void)mark(MARK_GET, 0, words[i]);
		caller_expect_problem(&c, 503, "problem:unavailable");
	}
	caller_close(&c);
}

static void
what_cannot_be_a_name_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/cursors/a%20b",
		"/v1/cursors/a.b", "/v1/cursors/",
		"/v1/cursors/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
		"/v1/cursors/a/b" };
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		caller_request(&c, "GET", never[i], TOKEN);
		caller_expect_problem(&c, 404, "problem:not-found");
		caller_request(&c, "DELETE", never[i], TOKEN);
		caller_expect_problem(&c, 404, "problem:not-found");
	}
	bench_asked_nothing();
	caller_close(&c);
}

static void
only_a_cursor_of_the_receipts_can_be_kept(void **state)
{
	static const enum cursor_list others[] = { CURSOR_HELD,
		CURSOR_RECEIPTS_DESC, CURSOR_DELIVERIES };
	static const char *const bad[] = { LEDGER, LEDGER "?",
		LEDGER "?after=", LEDGER "?after=now", LEDGER "?after=x",
		LEDGER "?cursor=x" };
	char target[128];
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		caller_request_with(
		    &c, "PUT", bad[i], TOKEN, "Content-Length: 0\r\n");
		caller_expect_problem(&c, 400, "problem:bad-parameter");
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		(void)snprintf(target, sizeof(target), LEDGER "?after=%s",
		    bench_cursor(others[i], BENCH_EPOCH, SEQ));
		caller_request_with(
		    &c, "PUT", target, TOKEN, "Content-Length: 0\r\n");
		caller_expect_problem(&c, 400, "problem:bad-parameter");
	}
	bench_asked_nothing();
	caller_close(&c);
}

static void
a_put_has_no_body(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request_with(
	    &c, "PUT", LEDGER "?after=x", TOKEN, "Content-Length: 5\r\n");
	caller_expect_problem(&c, 413, "problem:body-too-large");
	bench_asked_nothing();
	caller_close(&c);
}

static void
it_can_be_freed_with_questions_under_way(void **state)
{
	struct msg_probe probe;
	struct msg_mark m;
	struct caller a, b;

	(void)state;
	caller_open(&a, true);
	caller_open(&b, true);
	caller_request(&a, "GET", LEDGER, TOKEN);
	bench_asked(MSG_MARK, &m);
	put(&b, BENCH_EPOCH, SEQ);
	bench_asked(MSG_PROBE, &probe);
	caller_close(&a);
	caller_close(&b);
}

#define CASE(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, desk_bench_set_up, desk_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_kept_cursor_is_shown),
		CASE(a_cursor_is_put_where_it_is_said),
		CASE(a_cursor_never_goes_back),
		CASE(a_cursor_of_another_store_is_not_kept),
		CASE(a_cursor_is_forgotten),
		CASE(what_is_not_on_disk_is_answered_503),
		CASE(what_cannot_be_a_name_is_answered_404),
		CASE(only_a_cursor_of_the_receipts_can_be_kept),
		CASE(a_put_has_no_body),
		CASE(it_can_be_freed_with_questions_under_way),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
