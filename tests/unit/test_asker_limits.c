/* How much the asker asks, and of whom: rate, concurrency, pauses, breaker,
 * refused passwords.  See test_asker.c for the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "asker_bench.h"
#include "base/clock.h"

#define REFUSED "{\"APIConnect\":\"FAILED\"}"
#define FAILED	"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
#define SHUT	5 /* failures in a row that open the breaker */

/* Every question is one by tran_id here.  Answers are borrowed. */
static char paid[ASKER_BENCH_ANSWER], refused[ASKER_BENCH_ANSWER];

static struct asker_bench *
made(void)
{
	struct asker_bench *b = asker_bench_new();

	asker_bench_http(refused, "200 OK", "", REFUSED);
	asker_bench_paid_list(paid, 1);
	asker_bench_say(b, paid);
	return b;
}

/* ---- concurrency and rate */

static void
no_more_go_at_once_than_allowed(void **state)
{
	struct asker_bench *b = made();

	(void)state;
	b->cfg->asks_in_flight = 3;
	(void)asker_bench_merchant(b, "other");
	asker_bench_start(b);
	http_stub_hold(b->stub, true);
	for (uint64_t n = 1; n <= 3; n++) {
		asker_bench_ask(b, "testbox", n);
		asker_bench_ask(b, "other", n);
	}
	asker_bench_until_requested(b, 3);
	asker_bench_run_for(b, 20);
	assert_int_equal(http_stub_requested(b->stub), 3);
	assert_int_equal(asker_bench_cell(MET_ASKS_IN_FLIGHT), 3);
	http_stub_hold(b->stub, false);
	asker_bench_until_told(b, 6);
	assert_int_equal(http_stub_requested(b->stub), 6);
	assert_int_equal(asker_bench_cell(MET_ASKS_IN_FLIGHT), 0);
	assert_true(http_stub_accepted(b->stub) <= 3);
	asker_bench_free(b);
}

/* A lookup that never ends leaves one place, so that they go in order. */
static void
merchants_take_turns(void **state)
{
	struct http_stub_answer silent = { .bytes = "",
		.then = HTTP_STUB_HANG };
	struct asker_bench *b = made();

	(void)state;
	b->cfg->asks_in_flight = 2;
	(void)asker_bench_merchant(b, "other");
	asker_bench_start(b);
	http_stub_say_to(b->stub, "INV-99&", &silent);
	asker_bench_look_up(b, "testbox", 99);
	asker_bench_until_requested(b, 1);
	for (uint64_t n = 1; n <= 2; n++)
		asker_bench_ask(b, "testbox", n);
	for (uint64_t n = 1; n <= 2; n++)
		asker_bench_ask(b, "other", n);
	asker_bench_until_told(b, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    asker_bench_requested(b, i + 1, "store_id=other&"), i % 2);
	asker_bench_free(b);
}

static void
no_more_go_in_a_while_than_the_rate(void **state)
{
	int64_t from_us, took_us;
	struct asker_bench *b = made();

	(void)state;
	b->cfg->asks_in_flight = 16;
	b->cfg->ask_rate = 20;
	asker_bench_start(b);
	from_us = clock_mono_us();
	for (uint64_t n = 1; n <= 6; n++)
		asker_bench_ask(b, "testbox", n);
	asker_bench_until_told(b, 6);
	took_us = clock_mono_us() - from_us;
	assert_true(took_us >= 5 * 50000);
	asker_bench_free(b);
}

static void
lookups_go_first(void **state)
{
	struct asker_bench *b = made();

	(void)state;
	b->cfg->asks_in_flight = 1;
	(void)asker_bench_merchant(b, "other");
	asker_bench_start(b);
	http_stub_hold(b->stub, true);
	asker_bench_ask(b, "testbox", 1);
	asker_bench_until_requested(b, 1);
	asker_bench_ask(b, "other", 2);
	asker_bench_run_for(b, 5);
	asker_bench_look_up(b, "testbox", 3);
	asker_bench_run_for(b, 5);
	http_stub_hold(b->stub, false);
	asker_bench_until_told(b, 3);
	assert_true(asker_bench_requested(b, 1, "tran_id=INV-3&"));
	assert_true(asker_bench_requested(b, 2, "tran_id=INV-2&"));
	asker_bench_free(b);
}

static void
lookups_beyond_those_that_may_wait_are_limited(void **state)
{
	struct asker_bench *b = made();

	(void)state;
	b->cfg->asks_in_flight = 1;
	asker_bench_start(b);
	http_stub_hold(b->stub, true);
	for (uint64_t n = 1; n <= 66; n++)
		asker_bench_look_up(b, "testbox", n);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 0, 66, REASON_LIMITED);
	http_stub_hold(b->stub, false);
	asker_bench_until_told(b, 65);
	assert_int_equal(http_stub_requested(b->stub), 65);
	asker_bench_free(b);
}

/* ---- pauses */

static void
it_waits_as_long_as_it_is_told(const char *status, enum reason reason)
{
	char limited[ASKER_BENCH_ANSWER];
	struct asker_bench *b = made();

	asker_bench_start(b);
	asker_bench_http(limited, status, "Retry-After: 1\r\n", "");
	asker_bench_say(b, limited);
	asker_bench_ask(b, "testbox", 1);
	asker_bench_until_told(b, 1);
	asker_bench_expect(b, 0, 1, reason);
	asker_bench_say(b, paid);
	asker_bench_ask(b, "testbox", 1);
	asker_bench_look_up(b, "testbox", 9);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 0, 9, REASON_LIMITED);
	asker_bench_until_told(b, 1);
	asker_bench_expect(b, 1, 1, REASON_PAID);
	/* The pause began a little before the verdict was read. */
	assert_true(b->verdict_us[1] - b->verdict_us[0] >= 990000);
	assert_int_equal(http_stub_requested(b->stub), 2);
	assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 0);
	asker_bench_free(b);
}

static void
a_429_pauses_the_provider(void **state)
{
	(void)state;
	it_waits_as_long_as_it_is_told("429 Slow", REASON_LIMITED);
}

static void
a_503_with_a_time_pauses_the_provider(void **state)
{
	(void)state;
	it_waits_as_long_as_it_is_told("503 Later", REASON_STATUS);
}

static void
a_429_without_a_time_pauses_it_too_and_is_no_failure(void **state)
{
	struct asker_bench *b = made();
	char limited[ASKER_BENCH_ANSWER];

	(void)state;
	b->cfg->asks_in_flight = 8;
	asker_bench_start(b);
	asker_bench_http(limited, "429 Slow", "", "");
	asker_bench_say(b, limited);
	http_stub_hold(b->stub, true);
	for (uint64_t n = 1; n <= 8; n++)
		asker_bench_ask(b, "testbox", n);
	asker_bench_until_requested(b, 8);
	http_stub_hold(b->stub, false);
	asker_bench_until_told(b, 8);
	asker_bench_ask(b, "testbox", 9);
	asker_bench_run_for(b, 20);
	assert_int_equal(http_stub_requested(b->stub), 8);
	assert_int_equal(b->n_verdicts, 8);
	assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 0);
	asker_bench_free(b);
}

/* ---- breaker */

static void
fail_until_shut(struct asker_bench *b)
{
	asker_bench_say(b, FAILED);
	for (uint64_t n = 1; n <= SHUT; n++) {
		assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 0);
		asker_bench_ask(b, "testbox", n);
		asker_bench_until_told(b, 1);
		asker_bench_expect(b, n - 1, n, REASON_STATUS);
	}
	asker_bench_run_for(b, 1);
	assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 1);
}

static void
a_provider_that_is_away_is_probed_by_one_question(void **state)
{
	struct asker_bench *b = made();

	(void)state;
	asker_bench_start(b);
	fail_until_shut(b);
	asker_bench_say(b, paid);
	http_stub_hold(b->stub, true);
	for (uint64_t n = 11; n <= 13; n++)
		asker_bench_ask(b, "testbox", n);
	asker_bench_look_up(b, "testbox", 20);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 0, 20, REASON_STATUS);
	asker_bench_until_requested(b, SHUT + 1);
	assert_true(clock_mono_us() - b->verdict_us[SHUT - 1] >= 1990000);
	asker_bench_look_up(b, "testbox", 21);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 1, 21, REASON_STATUS);
	asker_bench_run_for(b, 20);
	assert_int_equal(http_stub_requested(b->stub), SHUT + 1);
	assert_int_equal(b->n_verdicts, SHUT);
	http_stub_hold(b->stub, false);
	asker_bench_until_told(b, 3);
	assert_int_equal(http_stub_requested(b->stub), SHUT + 3);
	assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 0);
	asker_bench_free(b);
}

/* Nothing else may be asked while no payment waits. */
static void
a_lookup_may_be_the_probe(void **state)
{
	struct asker_bench *b = made();

	(void)state;
	asker_bench_start(b);
	fail_until_shut(b);
	asker_bench_say(b, paid);
	asker_bench_run_for(b, 2250);
	asker_bench_look_up(b, "testbox", 1);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 0, 1, REASON_PAID);
	asker_bench_run_for(b, 1);
	assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 0);
	asker_bench_free(b);
}

static void
a_draining_asker_has_no_opinion_of_providers(void **state)
{
	struct asker_bench *b = made();

	(void)state;
	asker_bench_start(b);
	fail_until_shut(b);
	b->room.on_drain(b->room.arg);
	asker_bench_until_over(b, 0);
	assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 0);
	asker_bench_free(b);
}

static void
one_provider_away_does_not_stop_another(void **state)
{
	struct asker_bench *b = made();
	struct http_stub *second = http_stub_start(NULL);
	struct http_stub_answer a = { .bytes = paid };

	(void)state;
	b->cfg->n_providers = 2;
	http_stub_url(second, "127.0.0.1", "", b->cfg->providers[1].url);
	asker_bench_merchant(b, "other")->provider = 1;
	asker_bench_start(b);
	http_stub_say(second, &a);
	fail_until_shut(b);
	asker_bench_ask(b, "testbox", 1);
	asker_bench_ask(b, "other", 1);
	asker_bench_until_told(b, 1);
	asker_bench_expect(b, SHUT, 1, REASON_PAID);
	assert_string_equal(b->verdicts[SHUT].merchant, "other");
	asker_bench_free(b);
	http_stub_stop(second);
}

/* ---- passwords */

static void
one_locked_out_merchant_does_not_stop_another(void **state)
{
	struct asker_bench *b = made();

	(void)state;
	(void)asker_bench_merchant(b, "other");
	asker_bench_start(b);
	asker_bench_say_to(b, "store_id=testbox&", refused);
	asker_bench_ask(b, "testbox", 1);
	asker_bench_until_told(b, 1);
	asker_bench_expect(b, 0, 1, REASON_CREDENTIALS);
	assert_int_equal(http_stub_requested(b->stub), 1);
	for (uint64_t n = 2; n <= 5; n++)
		asker_bench_ask(b, "testbox", n);
	asker_bench_look_up(b, "testbox", 9);
	asker_bench_ask(b, "other", 1);
	asker_bench_until_told(b, 2);
	asker_bench_expect_lookup(b, 0, 9, REASON_CREDENTIALS);
	asker_bench_expect(b, 1, 1, REASON_PAID);
	assert_string_equal(b->verdicts[1].merchant, "other");
	asker_bench_run_for(b, 20);
	assert_int_equal(http_stub_requested(b->stub), 2);
	assert_int_equal(asker_bench_cell(MET_MERCHANTS_LOCKED_OUT), 1);
	assert_int_equal(asker_bench_cell(MET_PROVIDERS_AWAY), 0);
	b->room.on_drain(b->room.arg);
	asker_bench_until_over(b, 0);
	assert_int_equal(asker_bench_cell(MET_MERCHANTS_LOCKED_OUT), 0);
	asker_bench_free(b);
}

static void
the_second_password_takes_over(void **state)
{
	struct asker_bench *b = made();
	struct asker_merchant *m = &b->cfg->merchants[0];

	(void)state;
	m->n_passwords = 2;
	(void)snprintf(m->password[1], sizeof(m->password[1]), "older");
	asker_bench_start(b);
	asker_bench_say_to(b, "store_passwd=p%26ss", refused);
	for (uint64_t n = 1; n <= 2; n++) {
		asker_bench_ask(b, "testbox", 1);
		asker_bench_until_told(b, 1);
		asker_bench_expect(b, n - 1, 1, REASON_PAID);
	}
	assert_int_equal(http_stub_requested(b->stub), 3);
	assert_true(asker_bench_requested(b, 0, "store_passwd=p%26ss"));
	assert_true(asker_bench_requested(b, 1, "store_passwd=older&"));
	assert_true(asker_bench_requested(b, 2, "store_passwd=older&"));
	assert_int_equal(asker_bench_cell(MET_MERCHANTS_LOCKED_OUT), 0);
	asker_bench_free(b);
}

static void
two_refused_passwords_lock_out_with_one_verdict(void **state)
{
	struct asker_bench *b = made();
	struct asker_merchant *m = &b->cfg->merchants[0];

	(void)state;
	m->n_passwords = 2;
	(void)snprintf(m->password[1], sizeof(m->password[1]), "older");
	asker_bench_start(b);
	asker_bench_say(b, refused);
	asker_bench_look_up(b, "testbox", 1);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 0, 1, REASON_CREDENTIALS);
	asker_bench_run_for(b, 1);
	assert_int_equal(http_stub_requested(b->stub), 2);
	assert_int_equal(asker_bench_cell(MET_MERCHANTS_LOCKED_OUT), 1);
	asker_bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_go_at_once_than_allowed),
		cmocka_unit_test(merchants_take_turns),
		cmocka_unit_test(no_more_go_in_a_while_than_the_rate),
		cmocka_unit_test(lookups_go_first),
		cmocka_unit_test(
		    lookups_beyond_those_that_may_wait_are_limited),
		cmocka_unit_test(a_429_pauses_the_provider),
		cmocka_unit_test(a_503_with_a_time_pauses_the_provider),
		cmocka_unit_test(
		    a_429_without_a_time_pauses_it_too_and_is_no_failure),
		cmocka_unit_test(
		    a_provider_that_is_away_is_probed_by_one_question),
		cmocka_unit_test(a_lookup_may_be_the_probe),
		cmocka_unit_test(a_draining_asker_has_no_opinion_of_providers),
		cmocka_unit_test(one_provider_away_does_not_stop_another),
		cmocka_unit_test(one_locked_out_merchant_does_not_stop_another),
		cmocka_unit_test(the_second_password_takes_over),
		cmocka_unit_test(
		    two_refused_passwords_lock_out_with_one_verdict),
	};

	return cmocka_run_group_tests(tests, asker_bench_metrics, NULL);
}
