/* Checks of lost callbacks: the test as the one who asks and as the asker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper/checks.h"
#include "keeper_bench.h"

/* Seconds that have passed unseen. */
static _Atomic int64_t passed_s; /* threads read it */

/* In front of the C library's. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	ts->tv_sec += passed_s;
	return rc;
}

/* Ask about the invoice of payment n. */
static void
check(struct guest *desk, uint32_t n, const char *merchant, const char *tran_id)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	struct msg_check m = { .tag = n };

	memcpy(m.merchant, merchant, strlen(merchant));
	memcpy(m.invoice_id, r.invoice_id, sizeof(m.invoice_id));
	memcpy(m.tran_id, tran_id, strlen(tran_id));
	keeper_bench_send(desk, MSG_CHECK, &m);
}

static void
found(struct guest *asker, uint32_t n, enum reason r)
{
	const struct msg_found m = {
		.tag = asker->lookup[asker->n_lookups - 1].tag,
		.reason = r,
		.receipt = driver_cases_receipt(n, "testbox")
	};

	keeper_bench_send(asker, MSG_FOUND, &m);
}

static void
looked_up(struct guest *asker, enum reason r)
{
	const struct msg_looked_up m = {
		.tag = asker->lookup[asker->n_lookups - 1].tag, .reason = r
	};

	keeper_bench_send(asker, MSG_LOOKED_UP, &m);
}

/* Wait for the next answer and compare. */
static void
expect(struct guest *desk, enum status st, enum life life)
{
	keeper_bench_until(desk, desk->n + 1);
	assert_int_equal(desk->decided.status, st);
	assert_int_equal(desk->decided.state, life);
}

/* A check of payment 1, whole, with an asker that finds this. */
static void
check_with(struct keeper_bench *b, bool finds, enum reason r, enum status st,
    enum life life)
{
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	check(desk, 1, "testbox", "");
	keeper_bench_until(asker, 1);
	if (finds)
		found(asker, 1, r);
	looked_up(asker, finds ? REASON_PAID : r);
	expect(desk, st, life);
	assert_int_equal(desk->decided.tag, 1);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

/* ---- what is found */

static void
a_lost_payment_becomes_a_receipt_and_is_delivered(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *courier = keeper_bench_enter(b, PARTY_COURIER);
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	struct receipt r = driver_cases_receipt(1, "testbox");
	char id[ID_TEXT];

	id_format(&r.id, id);
	keeper_bench_window(courier, "main", 4);
	check(desk, 1, "testbox", "");
	keeper_bench_until(asker, 1);
	assert_string_equal(asker->lookup[0].merchant, "testbox");
	assert_string_equal(asker->lookup[0].tran_id, r.invoice_id);
	keeper_bench_log_catch();
	found(asker, 1, REASON_PAID);
	looked_up(asker, REASON_PAID);
	expect(desk, ST_OK, LIFE_CONFIRMED);
	assert_true(keeper_bench_log_has("found"));
	assert_true(keeper_bench_log_has(id));
	keeper_bench_log_release();
	if (courier->n == 0)
		keeper_bench_until(courier, 1);
	assert_memory_equal(&courier->delivery[0].receipt, &r, sizeof(r));
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
	keeper_bench_leave(courier);
}

static void
a_check_is_idempotent_and_a_late_callback_changes_nothing(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);

	for (int i = 0; i < 3; i++)
		check_with(b, true, REASON_PAID, ST_OK, LIFE_CONFIRMED);
	keeper_bench_put(edge, 1, "testbox");
	keeper_bench_until(edge, 1);
	assert_int_equal(edge->done[0].status, ST_EXISTS);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
	keeper_bench_leave(edge);
}

static void
a_waiting_payment_is_confirmed_by_a_check(void **state)
{
	struct keeper_bench *b = *state;

	keeper_bench_store(b, 1, 1);
	check_with(b, true, REASON_PAID, ST_OK, LIFE_CONFIRMED);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	assert_int_equal(keeper_bench_probe(b).waiting, 0);
}

static void
a_risky_payment_is_held(void **state)
{
	struct keeper_bench *b = *state;

	check_with(b, true, REASON_RISK, ST_EXISTS, LIFE_HELD);
	check_with(b, true, REASON_RISK, ST_EXISTS, LIFE_HELD);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	assert_int_equal(keeper_bench_probe(b).held, 1);
}

static void
what_a_check_holds_is_logged_with_why(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	struct msg_found m = { .reason = REASON_PAID,
		.receipt = driver_cases_receipt(1, "testbox") };

	keeper_bench_store(b, 1, 1);
	check(desk, 1, "testbox", "");
	keeper_bench_until(asker, 1);
	m.tag = asker->lookup[0].tag;
	m.receipt.amount_minor++;
	keeper_bench_log_catch();
	keeper_bench_send(asker, MSG_FOUND, &m);
	looked_up(asker, REASON_PAID);
	expect(desk, ST_EXISTS, LIFE_HELD);
	assert_true(keeper_bench_log_has("\"held\""));
	assert_true(keeper_bench_log_has("\"amount\""));
	keeper_bench_log_release();
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

static void
the_payment_of_another_invoice_is_left_alone(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	check(desk, 1, "testbox", "T-77");
	keeper_bench_until(asker, 1);
	assert_string_equal(asker->lookup[0].tran_id, "T-77");
	found(asker, 2, REASON_PAID);
	looked_up(asker, REASON_PAID);
	expect(desk, ST_NOT_FOUND, LIFE_ABSENT);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

static void
what_is_not_paid_is_answered_by_its_reason(void **state)
{
	static const struct {
		enum reason reason;
		enum status status;
	} cases[] = {
		{ REASON_UNKNOWN, ST_NOT_FOUND },
		{ REASON_UNPAID, ST_NOT_FOUND },
		{ REASON_PENDING, ST_EXISTS },
		{ REASON_TIMEOUT, ST_UNAVAILABLE },
		{ REASON_NONSENSE, ST_UNAVAILABLE },
		{ REASON_CREDENTIALS, ST_UNAVAILABLE },
	};
	struct keeper_bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_with(
		    b, false, cases[i].reason, cases[i].status, LIFE_ABSENT);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
}

/* ---- what is not answered */

static void
without_an_asker_a_check_is_unavailable(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	check(desk, 1, "testbox", "");
	expect(desk, ST_UNAVAILABLE, LIFE_ABSENT);
	keeper_bench_leave(desk);
}

/* Not "not paid": nobody was asked. */
static void
a_merchant_that_is_not_configured_is_said(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	check(desk, 1, "newbox", "");
	expect(desk, ST_CONFIG, LIFE_ABSENT);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

static void
an_asker_that_dies_leaves_its_checks_unavailable(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	check(desk, 1, "testbox", "");
	keeper_bench_until(asker, 1);
	keeper_bench_leave(asker);
	expect(desk, ST_UNAVAILABLE, LIFE_ABSENT);
	keeper_bench_leave(desk);
}

static void
a_check_ends_after_a_minute_and_a_late_answer_is_let_pass(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	check(desk, 1, "testbox", "");
	keeper_bench_until(asker, 1);
	passed_s += CHECKS_LONGEST_S - 10;
	(void)keeper_bench_probe(b);
	assert_int_equal(desk->n, 0);
	passed_s += 11;
	expect(desk, ST_UNAVAILABLE, LIFE_ABSENT);
	found(asker, 1, REASON_PAID);
	looked_up(asker, REASON_PAID);
	check(desk, 1, "testbox", "");
	keeper_bench_until(asker, 2); /* it is still there */
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

static void
what_is_found_is_kept_when_nobody_waits_for_it(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	check(desk, 1, "testbox", "");
	keeper_bench_until(asker, 1);
	keeper_bench_leave(desk);
	(void)keeper_bench_probe(b);
	found(asker, 1, REASON_PAID);
	looked_up(asker, REASON_PAID);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(b).receipts == 1);
	keeper_bench_leave(asker);
}

static void
more_checks_of_a_merchant_than_allowed_are_put_off(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);

	for (uint32_t n = 1; n <= CHECKS_MERCHANT_MOST; n++)
		check(desk, n, "testbox", "");
	keeper_bench_until(asker, CHECKS_MERCHANT_MOST);
	check(desk, 99, "testbox", "");
	expect(desk, ST_BUSY, LIFE_ABSENT);
	assert_int_equal(desk->decided.tag, 99);
	looked_up(asker, REASON_UNKNOWN);
	expect(desk, ST_NOT_FOUND, LIFE_ABSENT);
	check(desk, 99, "testbox", "");
	keeper_bench_until(asker, CHECKS_MERCHANT_MOST + 1);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

static void
more_checks_than_allowed_are_put_off(void **state)
{
	enum { MERCHANTS = CHECKS_MOST / CHECKS_MERCHANT_MOST };
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	struct keeper_config c = b->config;
	char name[16];

	for (int i = 0; i <= MERCHANTS; i++) {
		(void)snprintf(name, sizeof(name), "box%d", i);
		c.merchants[i] = c.merchants[0];
		memset(c.merchants[i].store_id, 0, RECEIPT_MERCHANT);
		memcpy(c.merchants[i].store_id, name, strlen(name));
	}
	c.n_merchants = MERCHANTS + 1;
	keeper_bench_configure(b, &c);
	for (uint32_t n = 0; n < CHECKS_MOST; n++)
		check(desk, n, c.merchants[n / CHECKS_MERCHANT_MOST].store_id,
		    "");
	keeper_bench_until(asker, CHECKS_MOST);
	check(desk, 99, c.merchants[MERCHANTS].store_id, "");
	expect(desk, ST_BUSY, LIFE_ABSENT);
	keeper_bench_leave(asker);
	keeper_bench_until(desk, CHECKS_MOST + 1);
	keeper_bench_leave(desk);
}

static void
where_the_invoice_id_is_not_tran_id_it_has_to_be_given(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	struct keeper_config c = b->config;

	c.merchants[0].by_tran_id = false;
	keeper_bench_configure(b, &c);
	check(desk, 1, "testbox", "");
	expect(desk, ST_BAD_INPUT, LIFE_ABSENT);
	check(desk, 1, "testbox", "T-77");
	keeper_bench_until(asker, 1);
	keeper_bench_leave(asker);
	keeper_bench_leave(desk);
}

static void
nonsense_about_a_check_ends_an_asker(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	struct guest *other = keeper_bench_enter(b, PARTY_ASKER);
	struct msg_found m = { .reason = REASON_PAID,
		.receipt = driver_cases_receipt(1, "elsebox") };

	check(desk, 1, "testbox", "");
	keeper_bench_until(other, 1);
	other->n_lookups = 1;
	asker->n_lookups = 1;
	asker->lookup[0] = other->lookup[0];
	found(asker, 1, REASON_PAID); /* another one was asked */
	keeper_bench_until_ended(asker);
	m.tag = other->lookup[0].tag;
	keeper_bench_send(other, MSG_FOUND, &m); /* of another merchant */
	keeper_bench_until_ended(other);
	if (desk->n == 0)
		expect(desk, ST_UNAVAILABLE, LIFE_ABSENT);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	keeper_bench_leave(asker);
	keeper_bench_leave(other);
	keeper_bench_leave(desk);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up_required, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_lost_payment_becomes_a_receipt_and_is_delivered),
		CASE(a_check_is_idempotent_and_a_late_callback_changes_nothing),
		CASE(a_waiting_payment_is_confirmed_by_a_check),
		CASE(a_risky_payment_is_held),
		CASE(what_a_check_holds_is_logged_with_why),
		CASE(the_payment_of_another_invoice_is_left_alone),
		CASE(what_is_not_paid_is_answered_by_its_reason),
		CASE(without_an_asker_a_check_is_unavailable),
		CASE(a_merchant_that_is_not_configured_is_said),
		CASE(an_asker_that_dies_leaves_its_checks_unavailable),
		CASE(a_check_ends_after_a_minute_and_a_late_answer_is_let_pass),
		CASE(what_is_found_is_kept_when_nobody_waits_for_it),
		CASE(more_checks_of_a_merchant_than_allowed_are_put_off),
		CASE(more_checks_than_allowed_are_put_off),
		CASE(where_the_invoice_id_is_not_tran_id_it_has_to_be_given),
		CASE(nonsense_about_a_check_ends_an_asker),
	};

	return cmocka_run_group_tests_name("keeper_checks", tests, NULL, NULL);
}
