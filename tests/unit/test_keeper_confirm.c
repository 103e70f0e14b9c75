/* Payments that wait for SSLCommerz: the keeper whole, the test as its
 * asker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "keeper_bench.h"

/* Seconds that have passed unseen. */
static _Atomic int64_t passed_s; /* threads read it */

static const struct metrics_page *page;

/* In front of the C library's. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	ts->tv_sec += passed_s;
	return rc;
}

static struct msg_put
put_of(uint32_t n)
{
	struct msg_put m = { .tag = n,
		.receipt = driver_cases_receipt(n, "testbox") };

	m.receipt.received_at_us = clock_wall_us();
	return m;
}

/* A payment whose callback comes now. */
static struct receipt
put_now(struct keeper_bench *b, uint32_t n)
{
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);
	const struct msg_put m = put_of(n);

	keeper_bench_send(edge, MSG_PUT, &m);
	keeper_bench_until(edge, 1);
	assert_int_equal(edge->done[0].status, ST_OK);
	keeper_bench_leave(edge);
	return m.receipt;
}

/* The same one again: what is answered. */
static enum status
put_again(struct keeper_bench *b, uint32_t n)
{
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);
	enum status st;

	keeper_bench_put(edge, n, "testbox");
	keeper_bench_until(edge, 1);
	st = (enum status)edge->done[0].status;
	keeper_bench_leave(edge);
	return st;
}

static struct guest *
asker_with_window(struct keeper_bench *b, uint32_t most)
{
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	keeper_bench_window(asker, "testbox", most);
	return asker;
}

/* Answer the last question, and wait until that is on disk. */
static void
answer(struct keeper_bench *b, struct guest *asker, enum reason r)
{
	const struct msg_ask *m = &asker->ask[asker->n - 1];
	char id[ID_TEXT];

	id_format(&m->receipt.id, id);
	keeper_bench_log_catch();
	keeper_bench_verdict(asker, m, r, NULL);
	keeper_bench_log_await(b, id);
	keeper_bench_log_release();
}

static bool
is_counted(enum metric m, int64_t n)
{
	return metrics_sum(&page, 1, m) == n;
}

/* ---- from callback to receipt */

static void
a_payment_to_be_confirmed_makes_no_receipt_and_no_delivery(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);
	struct msg_health h;
	struct receipt r;

	keeper_bench_window(courier, "main", 4);
	r = put_now(b, 1);
	for (int i = 0; i < 20; i++)
		h = keeper_bench_probe(b);
	assert_int_equal(h.receipts, 0);
	assert_int_equal(h.deliveries_pending, 0);
	assert_int_equal(h.waiting, 1);
	assert_int_equal(h.oldest_waiting_us, r.received_at_us);
	assert_int_equal(h.held, 0);
	assert_int_equal(courier->n, 0);
	keeper_bench_leave(courier);
}

static void
a_confirmed_payment_becomes_a_receipt_and_is_delivered(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);
	struct guest *asker = asker_with_window(b, 4);
	struct msg_health h;
	struct receipt r;

	keeper_bench_window(courier, "main", 4);
	r = put_now(b, 1);
	keeper_bench_until(asker, 1);
	assert_int_equal(asker->ask[0].attempt, 1);
	assert_memory_equal(&asker->ask[0].receipt, &r, sizeof(r));
	keeper_bench_verdict(asker, &asker->ask[0], REASON_PAID, NULL);
	keeper_bench_until(courier, 1);
	assert_memory_equal(&courier->delivery[0].receipt, &r, sizeof(r));
	h = keeper_bench_probe(b);
	assert_int_equal(h.receipts, 1);
	assert_int_equal(h.waiting, 0);
	assert_int_equal(h.oldest_waiting_us, 0);
	keeper_bench_leave(asker);
	keeper_bench_leave(courier);
}

static void
many_payments_are_each_asked_about_and_delivered_once(void **state)
{
	static bool seen[2001];
	struct keeper_bench *b = *state;
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);
	struct guest *asker = asker_with_window(b, 16);
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);

	memset(seen, 0, sizeof(seen));
	courier->settles = true;
	asker->pays = true;
	keeper_bench_window(courier, "main", 16);
	for (uint32_t n = 1; n <= 2000; n++)
		keeper_bench_put(edge, n, "testbox");
	keeper_bench_until(edge, 2000);
	if (courier->n < 2000)
		keeper_bench_until(courier, 2000);
	for (int i = 0; i < 20; i++)
		(void)keeper_bench_probe(b);
	assert_int_equal(asker->n, 2000);
	assert_int_equal(courier->n, 2000);
	for (size_t i = 0; i < 2000; i++) {
		assert_false(seen[courier->delivery[i].seq]);
		seen[courier->delivery[i].seq] = true;
	}
	assert_int_equal(keeper_bench_probe(b).receipts, 2000);
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	keeper_bench_leave(edge);
	keeper_bench_leave(asker);
	keeper_bench_leave(courier);
}

static void
the_tran_id_comes_along_where_it_is_not_the_invoice_id(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);
	struct guest *asker;
	struct msg_put m = put_of(1);

	memcpy(m.tran_id, "T-77", 4);
	keeper_bench_send(edge, MSG_PUT, &m);
	keeper_bench_until(edge, 1);
	asker = asker_with_window(b, 4);
	keeper_bench_until(asker, 1);
	assert_string_equal(asker->ask[0].tran_id, "T-77");
	keeper_bench_leave(asker);
	keeper_bench_leave(edge);
}

static void
an_edge_of_another_opinion_cannot_skip_confirmation(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);
	struct keeper_config c = b->config;

	/* Started under confirm = off, and it speaks on after the reload. */
	keeper_bench_put(edge, 1, "testbox");
	keeper_bench_until(edge, 1);
	c.merchants[0].confirm = CONFIRM_REQUIRED;
	keeper_bench_configure(b, &c);
	keeper_bench_put(edge, 2, "testbox");
	keeper_bench_until(edge, 2);
	assert_int_equal(edge->done[1].status, ST_OK);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	assert_int_equal(keeper_bench_probe(b).waiting, 1);
	keeper_bench_leave(edge);
}

static void
a_doubled_callback_changes_nothing_in_any_state(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);

	(void)put_now(b, 1);
	assert_int_equal(put_again(b, 1), ST_EXISTS);
	keeper_bench_until(asker, 1);
	answer(b, asker, REASON_PAID);
	assert_int_equal(put_again(b, 1), ST_EXISTS);
	(void)put_now(b, 2);
	keeper_bench_until(asker, 2);
	answer(b, asker, REASON_AMOUNT);
	assert_int_equal(put_again(b, 2), ST_EXISTS);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	assert_int_equal(keeper_bench_probe(b).held, 1);
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	assert_int_equal(asker->n, 2);
	keeper_bench_leave(asker);
}

/* ---- askers */

static void
questions_keep_to_the_window(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 2);

	keeper_bench_store(b, 1, 5);
	keeper_bench_until(asker, 2);
	for (int i = 0; i < 20; i++)
		(void)keeper_bench_probe(b);
	assert_int_equal(asker->n, 2);
	keeper_bench_verdict(asker, &asker->ask[0], REASON_PAID, NULL);
	keeper_bench_until(asker, 3);
	assert_true(asker->ask[2].n != asker->ask[0].n);
	assert_true(asker->ask[2].n != asker->ask[1].n);
	keeper_bench_leave(asker);
}

static void
what_a_dead_asker_had_is_asked_again_by_the_next(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *first = asker_with_window(b, 3);
	struct guest *second;

	keeper_bench_store(b, 1, 3);
	keeper_bench_until(first, 3);
	answer(b, first, REASON_PAID);
	keeper_bench_leave(first);
	second = asker_with_window(b, 3);
	keeper_bench_until(second, 2);
	assert_int_equal(second->ask[0].attempt, 1);
	second->pays = true;
	keeper_bench_verdict(second, &second->ask[0], REASON_PAID, NULL);
	keeper_bench_verdict(second, &second->ask[1], REASON_PAID, NULL);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).receipts == 3);
	keeper_bench_leave(second);
}

static void
waiting_payments_are_asked_about_after_a_restart(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);

	(void)put_now(b, 1);
	keeper_bench_until(asker, 1);
	answer(b, asker, REASON_TIMEOUT);
	keeper_bench_leave(asker);
	keeper_bench_stop(b);
	keeper_bench_start(b, -1);
	asker = asker_with_window(b, 1);
	keeper_bench_until(asker, 1);
	assert_int_equal(asker->ask[0].attempt, 2);
	keeper_bench_leave(asker);
}

static void
during_a_reload_the_newest_asker_gets_what_is_new(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *old = asker_with_window(b, 2);
	struct guest *young;

	keeper_bench_store(b, 1, 1);
	keeper_bench_until(old, 1);
	young = asker_with_window(b, 2);
	keeper_bench_store(b, 2, 2);
	keeper_bench_until(young, 1);
	keeper_bench_verdict(old, &old->ask[0], REASON_PAID, NULL);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).receipts == 1);
	assert_int_equal(old->n, 1);
	keeper_bench_leave(old);
	keeper_bench_leave(young);
}

static void
a_verdict_on_what_it_does_not_hold_ends_an_asker(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);
	struct guest *other = keeper_bench_enter(b, PARTY_ASKER);
	struct msg_ask m;

	keeper_bench_store(b, 1, 1);
	keeper_bench_window(other, "testbox", 1);
	if (other->n == 0)
		keeper_bench_until(other, 1);
	keeper_bench_verdict(asker, &other->ask[0], REASON_PAID, NULL);
	keeper_bench_until_ended(asker);
	keeper_bench_leave(asker);
	m = other->ask[0];
	m.attempt++;
	keeper_bench_verdict(other, &m, REASON_PAID, NULL);
	keeper_bench_until_ended(other);
	keeper_bench_leave(other);
	other = asker_with_window(b, 1);
	keeper_bench_until(other, 1);
	m = other->ask[0];
	m.receipt = driver_cases_receipt(1, "elsebox");
	keeper_bench_verdict(other, &m, REASON_PAID, NULL);
	keeper_bench_until_ended(other);
	keeper_bench_leave(other);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	assert_int_equal(keeper_bench_probe(b).waiting, 1);
}

static void
an_answer_about_another_payment_ends_an_asker(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);
	struct receipt answered;

	keeper_bench_store(b, 1, 1);
	keeper_bench_until(asker, 1);
	answered = driver_cases_receipt(2, "testbox");
	keeper_bench_verdict(asker, &asker->ask[0], REASON_AMOUNT, &answered);
	keeper_bench_until_ended(asker);
	keeper_bench_leave(asker);
	assert_int_equal(keeper_bench_probe(b).waiting, 1);
}

static void
a_window_for_a_strange_merchant_ends_an_asker(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	keeper_bench_window(asker, "elsebox", 1);
	keeper_bench_until_ended(asker);
	keeper_bench_leave(asker);
}

static void
a_merchant_no_longer_configured_waits_until_it_is_again(void **state)
{
	struct keeper_bench *b = *state;
	struct keeper_config c;
	struct guest *asker;

	(void)put_now(b, 1);
	keeper_bench_config(&c, b->path, "newbox", "main");
	keeper_bench_configure(b, &c);
	keeper_bench_configure(b, &c);
	asker = keeper_bench_enter(b, PARTY_ASKER);
	keeper_bench_window(asker, "newbox", 8);
	for (int i = 0; i < 20; i++)
		assert_int_equal(keeper_bench_probe(b).waiting, 1);
	assert_int_equal(asker->n, 0);
	keeper_bench_leave(asker);
	keeper_bench_configure(b, &b->config);
	asker = asker_with_window(b, 8);
	keeper_bench_until(asker, 1);
	keeper_bench_leave(asker);
}

/* ---- verdicts */

static void
a_payment_denied_early_waits_and_denied_for_long_is_refused(void **state)
{
	static const int later_s[] = { 0, 5, 10, 30, 600 };
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);

	(void)put_now(b, 1);
	for (size_t i = 0; i < ARRAY_LEN(later_s); i++) {
		passed_s += later_s[i];
		keeper_bench_until(asker, i + 1);
		assert_int_equal(asker->ask[i].attempt, i + 1);
		assert_int_equal(keeper_bench_probe(b).waiting, 1);
		answer(b, asker, i % 2 == 0 ? REASON_UNKNOWN : REASON_UNPAID);
	}
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	assert_int_equal(keeper_bench_probe(b).held, 0);
	assert_int_equal(put_again(b, 1), ST_EXISTS);
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	keeper_bench_leave(asker);
}

static void
a_payment_denied_late_is_still_denied_three_times(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);

	(void)put_now(b, 1);
	passed_s += 86400;
	for (size_t i = 0; i < LIFE_DENIALS; i++) {
		keeper_bench_until(asker, i + 1);
		assert_int_equal(keeper_bench_probe(b).waiting, 1);
		answer(b, asker, REASON_UNKNOWN);
		passed_s += 2;
	}
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	keeper_bench_leave(asker);
}

static void
a_payment_unknown_at_first_and_known_later_is_confirmed(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);

	(void)put_now(b, 1);
	keeper_bench_until(asker, 1);
	answer(b, asker, REASON_UNKNOWN);
	passed_s += 60;
	keeper_bench_until(asker, 2);
	answer(b, asker, REASON_PAID);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	keeper_bench_leave(asker);
}

static void
without_an_answer_it_is_asked_again_and_held_in_the_end(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);
	int64_t silent = metrics_sum(&page, 1, MET_ANSWER_SILENCE);

	(void)put_now(b, 1);
	keeper_bench_until(asker, 1);
	answer(b, asker, REASON_CONNECT);
	assert_int_equal(keeper_bench_probe(b).waiting, 1);
	for (int i = 0; i < 10; i++)
		(void)keeper_bench_probe(b);
	assert_int_equal(asker->n, 1);
	passed_s += b->config.merchants[0].confirm_for_s;
	keeper_bench_until(asker, 2);
	assert_true(is_counted(MET_ANSWER_SILENCE, silent));
	answer(b, asker, REASON_CONNECT);
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	assert_int_equal(keeper_bench_probe(b).held, 1);
	assert_true(is_counted(MET_ANSWER_SILENCE, silent + 1));
	passed_s += 86400;
	for (int i = 0; i < 10; i++)
		(void)keeper_bench_probe(b);
	assert_int_equal(asker->n, 2);
	keeper_bench_leave(asker);
}

static void
a_fault_of_the_operator_decides_nothing(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 1);

	(void)put_now(b, 1);
	passed_s += 2 * b->config.merchants[0].confirm_for_s;
	for (size_t i = 0; i < 4; i++) {
		keeper_bench_until(asker, i + 1);
		answer(b, asker,
		    i % 2 == 0 ? REASON_CREDENTIALS : REASON_INACTIVE);
		assert_int_equal(keeper_bench_probe(b).waiting, 1);
		passed_s += 4000;
	}
	keeper_bench_until(asker, 5);
	answer(b, asker, REASON_PAID);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	keeper_bench_leave(asker);
}

static void
a_payment_that_differs_is_held_and_not_delivered(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);
	struct guest *asker = asker_with_window(b, 1);
	struct receipt answered;

	keeper_bench_window(courier, "main", 4);
	answered = put_now(b, 1);
	answered.amount_minor = 1;
	keeper_bench_until(asker, 1);
	keeper_bench_verdict(asker, &asker->ask[0], REASON_AMOUNT, &answered);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).held == 1);
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	assert_int_equal(courier->n, 0);
	keeper_bench_leave(asker);
	keeper_bench_leave(courier);
}

static void
each_verdict_is_logged(void **state)
{
	static const struct {
		enum reason reason;
		const char *event, *word;
	} cases[] = {
		{ REASON_PAID, "confirmed", "paid" },
		{ REASON_RISK, "held", "risk" },
		{ REASON_TLS, "ask_failed", "tls" },
		{ REASON_UNPAID, "ask_denied", "unpaid" },
	};
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_window(b, 8);
	char id[ID_TEXT];
	struct receipt r;

	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		r = put_now(b, i + 1);
		id_format(&r.id, id);
		keeper_bench_until(asker, i + 1);
		keeper_bench_log_catch();
		keeper_bench_verdict(
		    asker, &asker->ask[i], cases[i].reason, NULL);
		keeper_bench_log_await(b, id);
		if (!keeper_bench_log_has(cases[i].event) ||
		    !keeper_bench_log_has(cases[i].word) ||
		    !keeper_bench_log_has("testbox"))
			fail_msg("%s", cases[i].event);
		keeper_bench_log_release();
	}
	keeper_bench_leave(asker);
}

static int
attach(void **state)
{
	int fd = metrics_page_new();

	(void)state;
	page = metrics_page_map(fd);
	return fd < 0 || page == NULL || metrics_attach(fd) != ST_OK ? -1 : 0;
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up_required, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(
		    a_payment_to_be_confirmed_makes_no_receipt_and_no_delivery),
		CASE(a_confirmed_payment_becomes_a_receipt_and_is_delivered),
		CASE(many_payments_are_each_asked_about_and_delivered_once),
		CASE(the_tran_id_comes_along_where_it_is_not_the_invoice_id),
		cmocka_unit_test_setup_teardown(
		    an_edge_of_another_opinion_cannot_skip_confirmation,
		    keeper_bench_set_up, keeper_bench_tear_down),
		CASE(a_doubled_callback_changes_nothing_in_any_state),
		CASE(questions_keep_to_the_window),
		CASE(what_a_dead_asker_had_is_asked_again_by_the_next),
		CASE(waiting_payments_are_asked_about_after_a_restart),
		CASE(during_a_reload_the_newest_asker_gets_what_is_new),
		CASE(a_verdict_on_what_it_does_not_hold_ends_an_asker),
		CASE(an_answer_about_another_payment_ends_an_asker),
		CASE(a_window_for_a_strange_merchant_ends_an_asker),
		CASE(a_merchant_no_longer_configured_waits_until_it_is_again),
		CASE(
		    a_payment_denied_early_waits_and_denied_for_long_is_refused),
		CASE(a_payment_denied_late_is_still_denied_three_times),
		CASE(a_payment_unknown_at_first_and_known_later_is_confirmed),
		CASE(without_an_answer_it_is_asked_again_and_held_in_the_end),
		CASE(a_fault_of_the_operator_decides_nothing),
		CASE(a_payment_that_differs_is_held_and_not_delivered),
		CASE(each_verdict_is_logged),
	};

	return cmocka_run_group_tests_name(
	    "keeper_confirm", tests, attach, NULL);
}
