/*
 * The desk's routes, as billing, the operator and the keeper see them.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "desk/invoices.h"
#include "desk_bench.h"
#include "net_world.h"

#define WAITERS 256

static const char *
cursor(uint64_t epoch, uint64_t seq)
{
	return bench_cursor(CURSOR_RECEIPTS, epoch, seq);
}

/* Ask with this query and a page's end for an answer. */
static void
expect_page(struct caller *p, const char *query, struct msg_page *m)
{
	char target[512];

	(void)snprintf(target, sizeof(target), "/v1/receipts%s", query);
	caller_request(p, "GET", target, TOKEN);
	bench_asked(MSG_PAGE, m);
}

static void
expect_empty(struct caller *p, uint64_t seq)
{
	char body[128];

	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[],\"next\":\"%s\",\"more\":false}",
	    cursor(BENCH_EPOCH, seq));
	caller_expect(p, 200, body);
}

/* ---- pages */

static void
a_page_carries_receipts_and_the_next_cursor(void **state)
{
	struct msg_page m;
	struct caller p;
	struct msg_row rows[2];
	char body[1024];

	(void)state;
	caller_open(&p, true);
	expect_page(&p, "", &m);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "");
	assert_true(m.after_seq == 0 && m.limit == 100);
	rows[0] = bench_row(m.tag, 3, "first");
	rows[1] = bench_row(m.tag, 9, "first");
	bench_say(MSG_ROW, rows, 2);
	bench_end_page(m.tag, 9, 1, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[" RECEIPT "," RECEIPT
	    "],\"next\":\"%s\",\"more\":true}",
	    cursor(BENCH_EPOCH, 9));
	caller_expect(&p, 200, body);
	caller_close(&p);
}

static void
parameters_reach_the_keeper(void **state)
{
	char query[256];
	struct msg_page m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	(void)snprintf(query, sizeof(query),
	    "?limit=1000&after=%s&invoice_id=A%%2fB+1",
	    cursor(BENCH_EPOCH, 42));
	expect_page(&p, query, &m);
	assert_true(m.after_seq == 42 && m.limit == 1000);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "A/B 1");
	bench_end_page(m.tag, 42, 0, ST_OK);
	expect_empty(&p, 42);
	caller_close(&p);
}

static void
another_token_asks_for_another_merchant(void **state)
{
	struct msg_page m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/receipts", OTHER);
	bench_asked(MSG_PAGE, &m);
	assert_string_equal(m.merchant, "second");
	bench_end_page(m.tag, 0, 0, ST_OK);
	expect_empty(&p, 0);
	caller_close(&p);
}

static void
another_merchants_row_becomes_no_answer(void **state)
{
	struct msg_page m;
	struct caller p;
	struct msg_row wrong;

	(void)state;
	caller_open(&p, true);
	expect_page(&p, "", &m);
	wrong = bench_row(m.tag, 1, "second");
	bench_say(MSG_ROW, &wrong, 1);
	bench_end_page(m.tag, 1, 0, ST_OK);
	caller_expect_problem(&p, 500, "problem:internal");
	caller_close(&p);
}

static void
a_thousand_receipts_fit_one_page(void **state)
{
	static struct msg_row rows[250];
	struct msg_page m;
	struct caller p;
	struct got g;
	size_t count = 0;

	(void)state;
	caller_open(&p, true);
	expect_page(&p, "?limit=1000", &m);
	for (uint64_t i = 0; i < 250; i++) {
		rows[i] = bench_row(m.tag, i + 1, "first");
		memset(rows[i].receipt.invoice_id, 'x', 64);
		rows[i].receipt.amount_minor = MONEY_MAX - 1;
	}
	for (int i = 0; i < 4; i++)
		bench_say(MSG_ROW, rows, 250);
	bench_end_page(m.tag, 1000, 0, ST_OK);
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 200);
	for (const char *at = g.body; (at = strstr(at, ID)) != NULL; at++)
		count++;
	assert_int_equal(count, 1000);
	free(g.text);
	caller_close(&p);
}

static void
a_bad_parameter_is_answered_400(void **state)
{
	static const char *const bad[] = { "limit=0", "limit=1001",
		"limit=", "limit=1&limit=1", "wait=61", "wait=-1",
		"after=", "after=x", "after=AQECAwQFBgcIAAAAAAAAACoG1phY",
		"cursor=", "cursor=a&after=now", "limit", "limit=%zz",
		"invoice_id=", "invoice_id=%00", "invoice_id=+a",
		"invoice_id=%c3%a9" };
	char target[128];
	struct caller p;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(
		    target, sizeof(target), "/v1/receipts?%s", bad[i]);
		caller_request(&p, "GET", target, TOKEN);
		caller_expect_problem(&p, 400, "problem:bad-parameter");
	}
	caller_close(&p);
}

static void
a_cursor_of_another_store_is_answered_410(void **state)
{
	char query[128];
	struct msg_page m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	(void)snprintf(query, sizeof(query), "?wait=30&after=%s",
	    cursor(BENCH_EPOCH + 1, 42));
	expect_page(&p, query, &m);
	bench_end_page(m.tag, 42, 0, ST_OK);
	caller_expect_problem(&p, 410, "problem:cursor-expired");
	caller_close(&p);
}

static void
a_keeper_that_cannot_answer_means_503(void **state)
{
	static const enum status words[] = { ST_BUSY, ST_IO };
	struct msg_page m;
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		expect_page(&p, "", &m);
		bench_end_page(m.tag, 0, 0, words[i]);
		g = caller_answer(&p, false);
		assert_int_equal(g.status, 503);
		assert_non_null(strstr(g.text, "\r\nRetry-After: 1\r\n"));
		free(g.text);
	}
	caller_close(&p);
}

/* ---- waiting */

static void
news(const char *merchant)
{
	struct msg_news m = { .merchant = "" };

	(void)snprintf(m.merchant, sizeof(m.merchant), "%s", merchant);
	bench_say(MSG_NEWS, &m, 1);
}

static void
a_waiting_poll_gets_a_receipt_that_comes_later(void **state)
{
	struct msg_page m, again;
	struct msg_row late;
	struct caller p;
	char body[512];

	(void)state;
	caller_open(&p, true);
	expect_page(&p, "?wait=60&invoice_id=INV-1&limit=7", &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	bench_end_page(m.tag, 0, 0, ST_OK); /* too late, is not listened to */
	news("second");
	news("first");
	bench_asked(MSG_PAGE, &again);
	assert_true(again.tag != m.tag);
	late = bench_row(again.tag, 5, "first");
	again.tag = m.tag;
	assert_memory_equal(&again, &m, sizeof(m));
	bench_say(MSG_ROW, &late, 1);
	bench_end_page(late.tag, 5, 0, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[" RECEIPT "],\"next\":\"%s\",\"more\":false}",
	    cursor(BENCH_EPOCH, 5));
	caller_expect(&p, 200, body);
	caller_close(&p);
}

static void
a_waiting_poll_ends_empty_when_its_time_is_over(void **state)
{
	int64_t start_us = clock_mono_us(), took_us;
	struct msg_page m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	expect_page(&p, "?wait=1", &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	expect_empty(&p, 0);
	took_us = clock_mono_us() - start_us;
	assert_true(took_us >= 1000000 && took_us < 5000000);
	caller_close(&p);
}

static void
too_many_waiting_polls_are_refused(void **state)
{
	static struct caller waiting[WAITERS];
	struct msg_page m;
	struct caller late;
	struct got g;

	(void)state;
	for (size_t i = 0; i < WAITERS; i++) {
		caller_open(&waiting[i], true);
		expect_page(&waiting[i], "?wait=60", &m);
		bench_end_page(m.tag, 0, 0, ST_OK);
	}
	caller_open(&late, true);
	expect_page(&late, "?wait=60", &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	g = caller_answer(&late, false);
	assert_int_equal(g.status, 503);
	assert_non_null(got_field(&g, "Retry-After"));
	free(g.text);
	/* Who does not wait is answered as ever. */
	expect_page(&late, "", &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	expect_empty(&late, 0);
	assert_int_equal(bench.page->cell[MET_POLLS_WAITING], WAITERS);
	caller_close(&late);
	for (size_t i = 0; i < WAITERS; i++)
		caller_close(&waiting[i]);
}

/* ---- one receipt */

static void
one_receipt_is_shown(void **state)
{
	struct msg_get m;
	struct msg_row found;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/receipts/" ID, TOKEN);
	bench_asked(MSG_GET, &m);
	assert_string_equal(m.merchant, "first");
	found = bench_row(m.tag, 4, "first");
	assert_memory_equal(&m.id, &found.receipt.id, sizeof(m.id));
	bench_say(MSG_ROW, &found, 1);
	bench_end_page(m.tag, 4, 0, ST_OK);
	caller_expect(&p, 200, RECEIPT);
	caller_close(&p);
}

static void
an_unknown_receipt_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/receipts/",
		"/v1/receipts/rcpt_x", "/v1/receipts/" ID "a",
		"/v1/receipts/" ID "/", "/v1/receipts/%72cpt_" };
	struct msg_get m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/receipts/" ID, TOKEN);
	bench_asked(MSG_GET, &m);
	bench_end_page(m.tag, 0, 0, ST_NOT_FOUND);
	caller_expect_problem(&p, 404, "problem:not-found");
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		caller_request(&p, "GET", never[i], TOKEN);
		caller_expect_problem(&p, 404, "problem:not-found");
	}
	caller_close(&p);
}

/* ---- held payments */

static struct msg_hold
hold(uint64_t tag, uint64_t n, const char *merchant)
{
	return (struct msg_hold){ .tag = tag,
		.n = n,
		.held_at_us = UINT64_C(1764657049020304),
		.reason = REASON_AMOUNT,
		.claimed = bench_row(tag, n, merchant).receipt };
}

#define HELD(answered)                                            \
	"{\"id\":\"" ID "\",\"state\":\"held\",\"reason\":"       \
	"\"amount\",\"held_at\":\"2025-12-02T06:30:49.020304Z\"," \
	"\"claimed\":" RECEIPT ",\"answered\":" answered "}"

static void
a_page_of_held_payments_shows_what_both_sides_say(void **state)
{
	struct msg_holds m;
	struct msg_hold holds[2];
	struct caller p;
	struct got g;
	char body[2048];

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/held", DECIDER);
	bench_asked(MSG_HOLDS, &m);
	assert_string_equal(m.merchant, "first");
	assert_true(m.after == 0 && m.limit == 100);
	holds[0] = hold(m.tag, 3, "first");
	holds[1] = hold(m.tag, 8, "first");
	holds[1].is_answered = 1;
	holds[1].answered = holds[1].claimed;
	holds[1].answered.amount_minor = 1150;
	bench_say(MSG_HOLD, holds, 2);
	bench_end_page(m.tag, 8, 1, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"held\":[" HELD("null") "," HELD(
		"{\"invoice_id\":\"INV-1\",\"amount\":\"11.50\","
		"\"currency\":\"BDT\"}") "],\"next\":\"%s\",\"more\":true}",
	    bench_cursor(CURSOR_HELD, BENCH_EPOCH, 8));
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 200);
	assert_string_equal(g.body, body);
	(void)snprintf(body, sizeof(body),
	    "</v1/held?after=%s&limit=100>; rel=\"next\"",
	    bench_cursor(CURSOR_HELD, BENCH_EPOCH, 8));
	assert_string_equal(got_field(&g, "Link"), body);
	free(g.text);
	caller_close(&p);
}

static void
the_next_page_of_held_payments_starts_behind_the_cursor(void **state)
{
	struct msg_holds m;
	struct caller p;
	char text[128];

	(void)state;
	caller_open(&p, true);
	(void)snprintf(text, sizeof(text), "/v1/held?limit=1000&after=%s",
	    bench_cursor(CURSOR_HELD, BENCH_EPOCH, 8));
	caller_request(&p, "GET", text, DECIDER);
	bench_asked(MSG_HOLDS, &m);
	assert_true(m.after == 8 && m.limit == 1000);
	bench_end_page(m.tag, 8, 0, ST_OK);
	(void)snprintf(text, sizeof(text),
	    "{\"held\":[],\"next\":\"%s\",\"more\":false}",
	    bench_cursor(CURSOR_HELD, BENCH_EPOCH, 8));
	caller_expect(&p, 200, text);
	(void)snprintf(text, sizeof(text), "/v1/held?after=%s",
	    bench_cursor(CURSOR_HELD, BENCH_EPOCH + 1, 8));
	caller_request(&p, "GET", text, DECIDER);
	bench_asked(MSG_HOLDS, &m);
	bench_end_page(m.tag, 8, 0, ST_OK);
	caller_expect_problem(&p, 410, "problem:cursor-expired");
	caller_close(&p);
}

static void
a_cursor_of_the_other_list_is_refused(void **state)
{
	char text[128];
	struct caller p;

	(void)state;
	caller_open(&p, true);
	(void)snprintf(
	    text, sizeof(text), "/v1/held?after=%s", cursor(BENCH_EPOCH, 8));
	caller_request(&p, "GET", text, DECIDER);
	caller_expect_problem(&p, 400, "problem:bad-parameter");
	(void)snprintf(text, sizeof(text), "/v1/receipts?after=%s",
	    bench_cursor(CURSOR_HELD, BENCH_EPOCH, 8));
	caller_request(&p, "GET", text, TOKEN);
	caller_expect_problem(&p, 400, "problem:bad-parameter");
	caller_close(&p);
}

static void
a_thousand_held_payments_fit_one_page(void **state)
{
	static struct msg_hold holds[125];
	struct msg_holds m;
	struct caller p;
	struct got g;
	size_t count = 0;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/held?limit=1000", DECIDER);
	bench_asked(MSG_HOLDS, &m);
	for (uint64_t i = 0; i < 125; i++) {
		holds[i] = hold(m.tag, i + 1, "first");
		holds[i].reason = REASON_INVOICE;
		memset(holds[i].claimed.invoice_id, 'x', 64);
		holds[i].claimed.amount_minor = MONEY_MAX - 1;
		holds[i].is_answered = 1;
		holds[i].answered = holds[i].claimed;
	}
	for (int i = 0; i < 8; i++)
		bench_say(MSG_HOLD, holds, 125);
	bench_end_page(m.tag, 125, 0, ST_OK);
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 200);
	for (const char *at = g.body; (at = strstr(at, "\"held_at\"")) != NULL;
	     at++)
		count++;
	assert_int_equal(count, 1000);
	free(g.text);
	caller_close(&p);
}

static void
one_held_payment_is_shown(void **state)
{
	struct msg_holds m;
	struct msg_hold found;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/held/" ID, DECIDER);
	bench_asked(MSG_HOLDS, &m);
	assert_string_equal(m.merchant, "first");
	assert_int_equal(m.limit, 1);
	found = hold(m.tag, 4, "first");
	assert_memory_equal(&m.id, &found.claimed.id, sizeof(m.id));
	bench_say(MSG_HOLD, &found, 1);
	bench_end_page(m.tag, 4, 0, ST_OK);
	caller_expect(&p, 200, HELD("null"));
	caller_close(&p);
}

static void
a_person_decides_under_the_name_of_the_token(void **state)
{
	static const struct {
		const char *target, *body;
		enum life to;
	} cases[] = {
		{ "/v1/held/" ID "/release",
		    "{\"id\":\"" ID "\",\"state\":\"confirmed\"}",
		    LIFE_CONFIRMED },
		{ "/v1/held/" ID "/reject",
		    "{\"id\":\"" ID "\",\"state\":\"refused\"}", LIFE_REFUSED },
	};
	struct msg_decide m;
	struct receipt_id id;
	struct caller p;

	(void)state;
	assert_true(id_parse(bytes_of(ID), &id));
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct msg_done done = { .state = cases[i].to };

		caller_post(&p, cases[i].target, DECIDER);
		bench_asked(MSG_DECIDE, &m);
		assert_string_equal(m.merchant, "first");
		assert_string_equal(m.by, &DECIDER[6]);
		assert_int_equal(m.release, cases[i].to == LIFE_CONFIRMED);
		assert_memory_equal(&m.id, &id, sizeof(id));
		done.tag = m.tag;
		bench_say(MSG_DONE, &done, 1);
		caller_expect(&p, 200, cases[i].body);
	}
	caller_close(&p);
}

/* Another merchant's too: the keeper is asked for the token's alone. */
static void
what_is_not_held_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/held/rcpt_x/release",
		"/v1/held/" ID "a/reject", "/v1/held//release",
		"/v1/held/" ID "/", "/v1/held/" ID "/release/",
		"/v1/held/" ID "/keep", "/v1/held/" ID "/x/release" };
	struct msg_done done = { .status = ST_NOT_FOUND };
	struct msg_decide decide;
	struct msg_holds m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/held/" ID, DECIDER);
	bench_asked(MSG_HOLDS, &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_expect_problem(&p, 404, "problem:not-found");
	caller_request(&p, "GET", "/v1/held/" ID, DECIDER);
	bench_asked(MSG_HOLDS, &m);
	bench_end_page(m.tag, 0, 0, ST_NOT_FOUND);
	caller_expect_problem(&p, 404, "problem:not-found");
	caller_post(&p, "/v1/held/" ID "/release", DECIDER);
	bench_asked(MSG_DECIDE, &decide);
	done.tag = decide.tag;
	bench_say(MSG_DONE, &done, 1);
	caller_expect_problem(&p, 404, "problem:not-found");
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		caller_post(&p, never[i], DECIDER);
		caller_expect_problem(&p, 404, "problem:not-found");
	}
	caller_close(&p);
}

static void
another_merchants_held_payment_becomes_no_answer(void **state)
{
	struct msg_holds m;
	struct msg_hold wrong;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/held/" ID, DECIDER);
	bench_asked(MSG_HOLDS, &m);
	wrong = hold(m.tag, 4, "second");
	bench_say(MSG_HOLD, &wrong, 1);
	bench_end_page(m.tag, 4, 0, ST_OK);
	caller_expect_problem(&p, 500, "problem:internal");
	caller_close(&p);
}

static void
a_decision_that_is_not_on_disk_is_answered_503(void **state)
{
	static const enum status words[] = { ST_BUSY, ST_IO };
	struct msg_decide m;
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct msg_done done = { .status = words[i],
			.state = LIFE_HELD };

		caller_post(&p, "/v1/held/" ID "/release", DECIDER);
		bench_asked(MSG_DECIDE, &m);
		done.tag = m.tag;
		bench_say(MSG_DONE, &done, 1);
		g = caller_answer(&p, false);
		assert_int_equal(g.status, 503);
		assert_non_null(strstr(g.text, "\r\nRetry-After: 1\r\n"));
		free(g.text);
	}
	caller_close(&p);
}

/* ---- checks */

/* Ask to check INV-1, and the keeper says this. */
static void
check(struct caller *p, enum status said, enum life state)
{
	struct msg_done done = { .status = said, .state = state };
	struct msg_check m;

	caller_post(p, "/v1/invoices/INV-1/check", CHECKER);
	bench_asked(MSG_CHECK, &m);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "INV-1");
	assert_string_equal(m.tran_id, "");
	done.tag = m.tag;
	bench_say(MSG_DONE, &done, 1);
}

static void
a_check_that_finds_the_payment_shows_its_receipts(void **state)
{
	struct msg_page m;
	struct msg_row found;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	check(&p, ST_OK, LIFE_CONFIRMED);
	bench_asked(MSG_PAGE, &m);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "INV-1");
	assert_true(m.after_seq == 0 && m.limit == 100);
	found = bench_row(m.tag, 4, "first");
	bench_say(MSG_ROW, &found, 1);
	bench_end_page(m.tag, 4, 0, ST_OK);
	caller_expect(&p, 200,
	    "{\"invoice_id\":\"INV-1\",\"state\":\"confirmed\","
	    "\"receipts\":[" RECEIPT "]}");
	caller_close(&p);
}

static void
a_check_that_finds_another_invoices_payment_is_answered_404(void **state)
{
	struct msg_page m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	check(&p, ST_OK, LIFE_CONFIRMED);
	bench_asked(MSG_PAGE, &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_expect_problem(&p, 404, "problem:no-payment");
	caller_close(&p);
}

static void
a_check_without_a_decision_is_answered_202(void **state)
{
	static const struct {
		enum life state;
		const char *body;
	} cases[] = {
		{ LIFE_ABSENT,
		    "{\"invoice_id\":\"INV-1\",\"state\":\"waiting\"}" },
		{ LIFE_HELD, "{\"invoice_id\":\"INV-1\",\"state\":\"held\"}" },
	};
	struct msg_page m;
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check(&p, ST_EXISTS, cases[i].state);
		caller_expect(&p, 202, cases[i].body);
	}
	check(&p, ST_UNAVAILABLE, LIFE_ABSENT);
	bench_asked(MSG_PAGE, &m); /* there may be a receipt all the same */
	bench_end_page(m.tag, 0, 0, ST_OK);
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 202);
	assert_non_null(strstr(g.text, "\r\nRetry-After: 30\r\n"));
	assert_string_equal(
	    g.body, "{\"invoice_id\":\"INV-1\",\"state\":\"unanswered\"}");
	free(g.text);
	caller_close(&p);
}

static void
a_check_that_fails_says_what_to_do(void **state)
{
	static const struct {
		enum status said;
		int status;
		const char *type, *field;
	} cases[] = {
		{ ST_NOT_FOUND, 404, "problem:no-payment", "" },
		{ ST_BAD_INPUT, 400, "problem:tran-id-needed", "" },
		{ ST_BUSY, 429, "problem:too-many-requests",
		    "\r\nRetry-After: 1\r\n" },
		{ ST_IO, 503, "problem:unavailable", "\r\nRetry-After: 1\r\n" },
		{ ST_CONFIG, 503, "problem:unavailable",
		    "\r\nRetry-After: 1\r\n" },
	};
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check(&p, cases[i].said, LIFE_ABSENT);
		g = caller_answer(&p, false);
		assert_int_equal(g.status, cases[i].status);
		assert_non_null(strstr(g.body, cases[i].type));
		assert_non_null(strstr(g.text, cases[i].field));
		free(g.text);
	}
	caller_close(&p);
}

static void
the_invoice_id_is_percent_encoded(void **state)
{
	static const struct {
		const char *target, *invoice, *tran_id;
	} cases[] = {
		{ "/v1/invoices/A%2fB%20%23+1/check", "A/B #+1", "" },
		{ "/v1/invoices/%41%3a%40./check?tran_id=T%2B1+x", "A:@.",
		    "T+1 x" },
		{ "/v1/invoices/check/check?tran_id=check", "check", "check" },
	};
	struct msg_done done = { .status = ST_NOT_FOUND };
	struct msg_check m;
	struct caller p;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		caller_post(&p, cases[i].target, CHECKER);
		bench_asked(MSG_CHECK, &m);
		assert_string_equal(m.invoice_id, cases[i].invoice);
		assert_string_equal(m.tran_id, cases[i].tran_id);
		done.tag = m.tag;
		bench_say(MSG_DONE, &done, 1);
		caller_expect_problem(&p, 404, "problem:no-payment");
	}
	caller_close(&p);
}

static void
what_cannot_be_an_invoice_id_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/invoices//check",
		"/v1/invoices/A/B/check", "/v1/invoices/%/check",
		"/v1/invoices/%2/check", "/v1/invoices/A%00/check",
		"/v1/invoices/%20A/check", "/v1/invoices/%c3%a9/check",
		"/v1/invoices/A%0a/check", "/v1/invoices/%22/check",
		"/v1/invoices/A/check/" };
	char target[128];
	struct caller p;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		caller_post(&p, never[i], CHECKER);
		caller_expect_problem(&p, 404, "problem:not-found");
	}
	(void)snprintf(target, sizeof(target), "/v1/invoices/%065d/check", 1);
	caller_post(&p, target, CHECKER);
	caller_expect_problem(&p, 404, "problem:not-found");
	caller_close(&p);
}

static void
a_bad_tran_id_is_answered_400(void **state)
{
	static const char *const bad[] = { "tran_id=", "tran_id=%00",
		"tran_id=a&tran_id=a", "val_id=a", "tran_id", "tran_id=%22" };
	char target[128];
	struct caller p;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(
		    target, sizeof(target), "/v1/invoices/A/check?%s", bad[i]);
		caller_post(&p, target, CHECKER);
		caller_expect_problem(&p, 400, "problem:bad-parameter");
	}
	caller_close(&p);
}

static void
too_many_checks_at_once_are_refused(void **state)
{
	static struct caller waiting[INVOICES_CHECKS];
	struct msg_check m;
	struct msg_done done = { .status = ST_NOT_FOUND };
	struct caller late;
	struct got g;

	(void)state;
	for (size_t i = 0; i < INVOICES_CHECKS; i++) {
		caller_open(&waiting[i], true);
		caller_post(&waiting[i], "/v1/invoices/A/check", CHECKER);
		bench_asked(MSG_CHECK, &m);
	}
	caller_open(&late, true);
	caller_post(&late, "/v1/invoices/A/check", CHECKER);
	g = caller_answer(&late, false);
	assert_int_equal(g.status, 429);
	assert_non_null(strstr(g.text, "\r\nRetry-After: 1\r\n"));
	free(g.text);
	/* One that ends makes room. */
	done.tag = m.tag;
	bench_say(MSG_DONE, &done, 1);
	caller_expect_problem(
	    &waiting[INVOICES_CHECKS - 1], 404, "problem:no-payment");
	caller_post(&late, "/v1/invoices/A/check", CHECKER);
	bench_asked(MSG_CHECK, &m);
	caller_close(&late);
	for (size_t i = 0; i < INVOICES_CHECKS; i++)
		caller_close(&waiting[i]);
}

/* ---- who may, and how */

static void
without_a_token_nobody_is_asked(void **state)
{
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "GET", "/v1/receipts", NULL);
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 401);
	assert_non_null(strstr(
	    g.text, "\r\nWWW-Authenticate: Bearer realm=\"paysieve\"\r\n"));
	free(g.text);
	caller_request(&p, "GET", "/v1/receipts/" ID, "wrong");
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 401);
	assert_non_null(strstr(g.text, ", error=\"invalid_token\"\r\n"));
	free(g.text);
	caller_request(&p, "GET", "/v1/receipts", ERASER);
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 403);
	assert_non_null(strstr(g.text, ", error=\"insufficient_scope\"\r\n"));
	free(g.text);
	assert_int_equal(bench.page->cell[MET_API_UNAUTHORIZED], 3);
	caller_close(&p);
}

static void
each_scope_opens_its_own_routes(void **state)
{
	static const struct {
		const char *method, *target, *token;
	} cases[] = {
		{ "GET", "/v1/held", TOKEN },
		{ "GET", "/v1/held/" ID, CHECKER },
		{ "POST", "/v1/held/" ID "/release", TOKEN },
		{ "POST", "/v1/held/" ID "/reject", CHECKER },
		{ "POST", "/v1/invoices/A/check", DECIDER },
		{ "GET", "/v1/receipts", DECIDER },
	};
	struct caller p;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		caller_request_with(&p, cases[i].method, cases[i].target,
		    cases[i].token, "Content-Length: 0\r\n");
		caller_expect_problem(&p, 403, "problem:insufficient-scope");
		caller_request_with(&p, cases[i].method, cases[i].target, NULL,
		    "Content-Length: 0\r\n");
		caller_expect_problem(&p, 401, "problem:unauthorized");
	}
	caller_close(&p);
}

static void
a_request_to_do_something_has_no_body(void **state)
{
	struct caller p;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "POST", "/v1/held/" ID "/release", DECIDER);
	caller_expect_problem(&p, 411, "problem:length-required");
	caller_close(&p);
	caller_open(&p, true);
	caller_request_with(&p, "POST", "/v1/held/" ID "/release", DECIDER,
	    "Content-Length: 1\r\n");
	caller_expect_problem(&p, 413, "problem:body-too-large");
	caller_close(&p);
	caller_open(&p, true);
	caller_post(&p, "/v1/held/" ID "/release?by=me", DECIDER);
	caller_expect_problem(&p, 400, "problem:query-not-allowed");
	caller_request(&p, "GET", "/v1/held?invoice_id=A", DECIDER);
	caller_expect_problem(&p, 400, "problem:bad-parameter");
	caller_request(&p, "GET", "/v1/held?limit=1001", DECIDER);
	caller_expect_problem(&p, 400, "problem:bad-parameter");
	caller_close(&p);
}

/* proves: R29 */
static void
each_route_tells_its_methods(void **state)
{
	static const struct {
		const char *target, *allow;
		int head_status;
	} cases[] = {
		{ "/v1/held", "\r\nAllow: GET, HEAD, OPTIONS\r\n", 0 },
		{ "/v1/held/" ID, "\r\nAllow: GET, HEAD, OPTIONS\r\n", 0 },
		{ "/v1/held/" ID "/release", "\r\nAllow: POST, OPTIONS\r\n",
		    405 },
		{ "/v1/held/" ID "/reject", "\r\nAllow: POST, OPTIONS\r\n",
		    405 },
		{ "/v1/invoices/A%2fB/check", "\r\nAllow: POST, OPTIONS\r\n",
		    405 },
	};
	struct msg_holds m;
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		caller_request(&p, "OPTIONS", cases[i].target, NULL);
		g = caller_answer(&p, false);
		assert_int_equal(g.status, 204);
		assert_non_null(strstr(g.text, cases[i].allow));
		free(g.text);
		caller_request(&p, "DELETE", cases[i].target, NULL);
		g = caller_answer(&p, false);
		assert_int_equal(g.status, 405);
		assert_non_null(strstr(g.text, cases[i].allow));
		free(g.text);
		caller_request(&p, "HEAD", cases[i].target, DECIDER);
		if (cases[i].head_status == 0) {
			bench_asked(MSG_HOLDS, &m);
			bench_end_page(m.tag, 0, 0, ST_NOT_FOUND);
		}
		g = caller_answer(&p, true);
		assert_true(cases[i].head_status == 0 ||
			    g.status == cases[i].head_status);
		free(g.text);
	}
	caller_request(&p, "HEAD", "/v1/held", DECIDER);
	bench_asked(MSG_HOLDS, &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	g = caller_answer(&p, true);
	assert_int_equal(g.status, 200);
	assert_true(g.body_len > 0);
	free(g.text);
	caller_close(&p);
}

static void
head_gets_the_head_of_get(void **state)
{
	struct msg_page m;
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	caller_request(&p, "HEAD", "/v1/receipts", TOKEN);
	bench_asked(MSG_PAGE, &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	g = caller_answer(&p, true);
	assert_int_equal(g.status, 200);
	assert_int_equal(g.body_len,
	    strlen("{\"receipts\":[],\"next\":\"\",\"more\":false}") +
		CURSOR_TEXT - 1);
	free(g.text);
	caller_request(&p, "HEAD", "/v1/nothing", TOKEN);
	g = caller_answer(&p, true);
	assert_int_equal(g.status, 404);
	free(g.text);
	caller_close(&p);
}

static void
other_methods_are_told_which_ones_there_are(void **state)
{
	static const struct {
		const char *method, *length;
	} cases[] = { { "OPTIONS", "" }, { "DELETE", "" },
		{ "POST", "Content-Length: 0\r\n" },
		{ "PUT", "Content-Length: 0\r\n" } };
	struct caller p;
	struct got g;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		caller_request_with(&p, cases[i].method, "/v1/receipts?x", NULL,
		    cases[i].length);
		g = caller_answer(&p, false);
		assert_int_equal(g.status, i == 0 ? 204 : 405);
		assert_string_equal(
		    got_field(&g, "Allow"), "GET, HEAD, OPTIONS");
		free(g.text);
	}
	caller_close(&p);
}

static void
nothing_stands_at_other_addresses(void **state)
{
	static const char *const none[] = { "/", "/v1", "/v1/receipt",
		"/v1/receiptsx", "/v2/receipts", "/metrics", "/readyz" };
	struct caller p;

	(void)state;
	caller_open(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		caller_request(&p, "GET", none[i], TOKEN);
		caller_expect_problem(&p, 404, "problem:not-found");
		caller_request(&p, "OPTIONS", none[i], TOKEN);
		caller_expect_problem(&p, 404, "problem:not-found");
	}
	caller_request(&p, "GET", "/v1/receipts/" ID "?x=1", TOKEN);
	caller_expect_problem(&p, 400, "problem:query-not-allowed");
	caller_close(&p);
}

/* ---- the operator */

static void
the_process_is_live_without_a_keeper(void **state)
{
	struct caller p;

	(void)state;
	caller_open(&p, false);
	caller_request(&p, "GET", "/livez", NULL);
	caller_expect(&p, 200, "ok\n");
	caller_request(&p, "GET", "/v1/receipts", TOKEN);
	caller_expect_problem(&p, 404, "problem:not-found");
	caller_request(&p, "GET", "/livez?verbose", NULL);
	caller_expect_problem(&p, 400, "problem:query-not-allowed");
	caller_request(&p, "DELETE", "/livez", NULL);
	caller_expect_problem(&p, 405, "problem:method-not-allowed");
	caller_close(&p);
}

static void
readiness_is_the_keepers_word(void **state)
{
	static const struct {
		enum status said;
		int status;
		const char *body;
	} cases[] = {
		{ ST_OK, 200,
		    "{\"status\":\"ready\",\"store\":\"ok\",\"receipts\":12,"
		    "\"deliveries_pending\":3,\"deliveries_exhausted\":5,"
		    "\"endpoints_disabled\":1,\"waiting\":0,\"held\":2,"
		    "\"provider\":\"ok\",\"retention\":\"ok\"}\n" },
		{ ST_BUSY, 503,
		    "{\"status\":\"not ready\",\"store\":\"full\"}\n" },
		{ ST_IO, 503,
		    "{\"status\":\"not ready\",\"store\":\"failed\"}\n" },
	};
	struct msg_probe m;
	struct caller p;

	(void)state;
	caller_open(&p, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct msg_health health = { .receipts = 12,
			.deliveries_pending = 3,
			.held = 2,
			.exhausted = 5,
			.disabled = 1,
			.epoch = BENCH_EPOCH,
			.status = cases[i].said };

		caller_request(&p, "GET", "/readyz", NULL);
		bench_asked(MSG_PROBE, &m);
		health.tag = m.tag;
		bench_say(MSG_HEALTH, &health, 1);
		caller_expect(&p, cases[i].status, cases[i].body);
	}
	caller_close(&p);
}

/* The answer to /readyz when the keeper says this much. */
static void
expect_ready(
    struct caller *p, const struct msg_health *said, const char *detail)
{
	struct msg_health health = *said;
	struct msg_probe m;
	struct got g;

	caller_request(p, "GET", "/readyz", NULL);
	bench_asked(MSG_PROBE, &m);
	health.tag = m.tag;
	bench_say(MSG_HEALTH, &health, 1);
	g = caller_answer(p, false);
	assert_int_equal(g.status, 200);
	assert_non_null(strstr(g.body, detail));
	free(g.text);
}

static void
readiness_tells_how_sslcommerz_does_and_does_not_depend_on_it(void **state)
{
	const struct msg_health waiting = { .waiting = 7,
		.oldest_waiting_us = UINT64_C(1764657047123456) };
	const struct msg_health none = { .status = ST_OK };
	struct caller p;

	(void)state;
	caller_open(&p, false);
	expect_ready(&p, &waiting,
	    ",\"waiting\":7,\"held\":0,"
	    "\"oldest_waiting\":\"2025-12-02T06:30:47.123456Z\","
	    "\"provider\":\"ok\",\"retention\":\"ok\"}");
	metrics_set(MET_PROVIDERS_AWAY, 1);
	expect_ready(&p, &none, ",\"provider\":\"away\",");
	metrics_set(MET_MERCHANTS_LOCKED_OUT, 1);
	expect_ready(&p, &none, ",\"provider\":\"locked_out\",");
	metrics_set(MET_PROVIDERS_AWAY, 0);
	metrics_set(MET_MERCHANTS_LOCKED_OUT, 0);
	metrics_set(MET_RETENTION_BEHIND, 1);
	expect_ready(
	    &p, &none, ",\"provider\":\"ok\",\"retention\":\"behind\"}");
	metrics_set(MET_RETENTION_BEHIND, 0);
	caller_close(&p);
}

static void
a_silent_keeper_is_noticed(void **state)
{
	int64_t start_us = clock_mono_us(), took_us;
	struct msg_page m;
	struct msg_probe probe;
	struct msg_decide decide;
	struct caller p, person, operator;

	(void)state;
	caller_open(&p, true);
	caller_open(&person, true);
	caller_open(&operator, false);
	expect_page(&p, "", &m);
	caller_post(&person, "/v1/held/" ID "/release", DECIDER);
	bench_asked(MSG_DECIDE, &decide);
	caller_request(&operator, "GET", "/readyz", NULL);
	bench_asked(MSG_PROBE, &probe);
	caller_expect(&operator, 503,
	    "{\"status\":\"not ready\",\"store\":\"silent\"}\n");
	took_us = clock_mono_us() - start_us;
	assert_true(took_us >= 1000000 && took_us < 4000000);
	caller_expect_problem(&p, 503, "problem:unavailable");
	took_us = clock_mono_us() - start_us;
	assert_true(took_us >= 5000000);
	caller_expect_problem(&person, 503, "problem:unavailable");
	caller_close(&p);
	caller_close(&person);
	caller_close(&operator);
}

static void
metrics_are_shown(void **state)
{
	struct caller p;
	struct got g;

	(void)state;
	metrics_add(MET_COMMITS, 4711);
	caller_open(&p, false);
	caller_request(&p, "GET", "/metrics", NULL);
	g = caller_answer(&p, false);
	assert_int_equal(g.status, 200);
	assert_non_null(
	    strstr(g.text, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(
	    strstr(g.body, "\npaysieve_store_commits_total 4711\n"));
	assert_non_null(strstr(
	    g.body, "\npaysieve_certificate_expiry_timestamp_seconds 1"));
	free(g.text);
	caller_close(&p);
}

/* ---- the end */

static void
a_drain_lets_nobody_wait_and_finishes_the_rest(void **state)
{
	struct caller waiting, asking, checking, operator;
	struct msg_check check;
	struct msg_page m;
	struct msg_probe probe;
	struct msg_health health = { .status = ST_OK };

	(void)state;
	caller_open(&waiting, true);
	caller_open(&asking, true);
	caller_open(&operator, false);
	expect_page(&waiting, "?wait=60", &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_request(&operator, "GET", "/readyz", NULL);
	bench_asked(MSG_PROBE, &probe);
	caller_open(&checking, true);
	caller_post(&checking, "/v1/invoices/A/check", CHECKER);
	bench_asked(MSG_CHECK, &check);
	expect_page(&asking, "?wait=60", &m);
	desk_bench_drain();
	expect_empty(&waiting, 0);
	caller_expect(
	    &checking, 202, "{\"invoice_id\":\"A\",\"state\":\"unanswered\"}");
	health.tag = probe.tag;
	bench_say(MSG_HEALTH, &health, 1);
	caller_expect(&operator, 503, NULL);
	bench_end_page(m.tag, 0, 0, ST_OK);
	expect_empty(&asking, 0);
	assert_int_equal(desk_bench_wait_end(), 0);
	/* The page is the next desk's too, which has set it. */
	assert_true(bench.page->cell[MET_CERT_NOT_AFTER_US] > 0);
	caller_close(&waiting);
	caller_close(&asking);
	caller_close(&checking);
	caller_close(&operator);
}

static void
without_the_keeper_the_desk_ends(void **state)
{
	(void)state;
	assert_int_equal(shutdown(bench.keeper, SHUT_RDWR), 0);
	assert_int_equal(desk_bench_wait_end(), 1);
}

static void
it_can_be_freed_with_questions_under_way(void **state)
{
	struct msg_page m;
	struct msg_get get;
	struct msg_probe probe;
	struct msg_decide decide;
	struct msg_check check;
	struct caller a, b, c, d, e;

	(void)state;
	caller_open(&a, true);
	caller_open(&b, true);
	caller_open(&c, false);
	expect_page(&a, "?wait=60", &m);
	caller_request(&b, "GET", "/v1/receipts/" ID, TOKEN);
	bench_asked(MSG_GET, &get);
	caller_request(&c, "GET", "/readyz", NULL);
	bench_asked(MSG_PROBE, &probe);
	caller_open(&d, true);
	caller_post(&d, "/v1/held/" ID "/reject", DECIDER);
	bench_asked(MSG_DECIDE, &decide);
	caller_open(&e, true);
	caller_post(&e, "/v1/invoices/A/check", CHECKER);
	bench_asked(MSG_CHECK, &check);
	caller_close(&a);
	caller_close(&b);
	caller_close(&c);
	caller_close(&d);
	caller_close(&e);
}

static void
a_key_that_does_not_fit_stops_the_start(void **state)
{
	static struct desk_config cfg;
	static struct identity other;
	struct room r = { .party = PARTY_DESK };
	struct desk *d;
	struct err e = { "" };
	int pair[2];

	(void)state;
	desk_bench_configure(&cfg);
	identity_make(&other, NULL, -60, 3600);
	memcpy(cfg.tls.key, other.key, sizeof(other.key));
	assert_int_equal(channel_pair(pair), ST_OK);
	assert_int_equal(loop_new(&r.loop, NULL), ST_OK);
	r.keeper = pair[0];
	assert_int_equal(desk_start(&d, &r, &cfg, &e), ST_CONFIG);
	assert_null(d);
	assert_true(e.text[0] != '\0');
	loop_free(r.loop);
	(void)close(pair[1]);
}

#define CASE(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, desk_bench_set_up, desk_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_page_carries_receipts_and_the_next_cursor),
		CASE(parameters_reach_the_keeper),
		CASE(another_token_asks_for_another_merchant),
		CASE(another_merchants_row_becomes_no_answer),
		CASE(a_thousand_receipts_fit_one_page),
		CASE(a_bad_parameter_is_answered_400),
		CASE(a_cursor_of_another_store_is_answered_410),
		CASE(a_keeper_that_cannot_answer_means_503),
		CASE(a_waiting_poll_gets_a_receipt_that_comes_later),
		CASE(a_waiting_poll_ends_empty_when_its_time_is_over),
		CASE(too_many_waiting_polls_are_refused),
		CASE(one_receipt_is_shown),
		CASE(an_unknown_receipt_is_answered_404),
		CASE(a_page_of_held_payments_shows_what_both_sides_say),
		CASE(the_next_page_of_held_payments_starts_behind_the_cursor),
		CASE(a_cursor_of_the_other_list_is_refused),
		CASE(a_thousand_held_payments_fit_one_page),
		CASE(one_held_payment_is_shown),
		CASE(a_person_decides_under_the_name_of_the_token),
		CASE(what_is_not_held_is_answered_404),
		CASE(another_merchants_held_payment_becomes_no_answer),
		CASE(a_decision_that_is_not_on_disk_is_answered_503),
		CASE(a_check_that_finds_the_payment_shows_its_receipts),
		CASE(
		    a_check_that_finds_another_invoices_payment_is_answered_404),
		CASE(a_check_without_a_decision_is_answered_202),
		CASE(a_check_that_fails_says_what_to_do),
		CASE(the_invoice_id_is_percent_encoded),
		CASE(what_cannot_be_an_invoice_id_is_answered_404),
		CASE(a_bad_tran_id_is_answered_400),
		CASE(too_many_checks_at_once_are_refused),
		CASE(without_a_token_nobody_is_asked),
		CASE(each_scope_opens_its_own_routes),
		CASE(a_request_to_do_something_has_no_body),
		CASE(each_route_tells_its_methods),
		CASE(head_gets_the_head_of_get),
		CASE(other_methods_are_told_which_ones_there_are),
		CASE(nothing_stands_at_other_addresses),
		CASE(the_process_is_live_without_a_keeper),
		CASE(readiness_is_the_keepers_word),
		CASE(
		    readiness_tells_how_sslcommerz_does_and_does_not_depend_on_it),
		CASE(a_silent_keeper_is_noticed),
		CASE(metrics_are_shown),
		CASE(a_drain_lets_nobody_wait_and_finishes_the_rest),
		CASE(without_the_keeper_the_desk_ends),
		CASE(it_can_be_freed_with_questions_under_way),
		cmocka_unit_test(a_key_that_does_not_fit_stops_the_start),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
