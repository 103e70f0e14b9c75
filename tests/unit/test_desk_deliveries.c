/*
 * Deliveries over HTTP: lists, one with its log, and pushing again.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk_bench.h"

#define DLV   "dlv_aebagaaaaaaaaaaaaaaaaaaaaa_main"
#define ONE   "/v1/deliveries/" DLV
#define RETRY "/v1/deliveries/" DLV "/retry"
#define LIST  "/v1/deliveries"
#define ALL   "/v1/deliveries/retry"
#define SEQ   UINT64_C(42)

static const char *
cursor(uint64_t epoch, uint64_t position)
{
	return bench_cursor(CURSOR_DELIVERIES, epoch, position);
}

static struct msg_delivery_row
row(uint64_t tag, uint64_t seq, const char *merchant)
{
	return (struct msg_delivery_row){ .tag = tag,
		.position = MESSAGE_POSITION(seq, 1),
		.at_us = UINT64_C(1764657049020304),
		.state = DELIVERY_EXHAUSTED,
		.attempts = 12,
		.outcome = OUTCOME_STATUS,
		.http_status = 503,
		.endpoint = "main",
		.receipt = bench_row(tag, seq, merchant).receipt };
}

#define MEMBERS                                          \
	"\"id\":\"" DLV "\",\"receipt_id\":\"" ID "\","  \
	"\"invoice_id\":\"INV-1\",\"billing\":\"main\"," \
	"\"state\":\"exhausted\",\"attempts\":12,"       \
	"\"outcome\":\"status\",\"http_status\":503,"    \
	"\"settled_at\":\"2025-12-02T06:30:49.020304Z\",\"next_at\":null"

/* ---- lists */

static void
a_page_shows_what_was_pushed(void **state)
{
	struct msg_deliveries m;
	struct msg_delivery_row rows[2];
	struct caller c;
	char body[2048];

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", LIST, DELIVERER);
	bench_asked(MSG_DELIVERIES, &m);
	assert_string_equal(m.which.merchant, "first");
	assert_true(m.after == 0 && m.limit == 100);
	assert_int_equal(m.which.state, DELIVERY_STATES);
	assert_string_equal(m.which.endpoint, "");
	rows[0] = row(m.tag, 3, "first");
	rows[1] = row(m.tag, 9, "first");
	bench_say(MSG_DELIVERY_ROW, rows, 2);
	bench_end_page(m.tag, rows[1].position, 0, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"deliveries\":[{" MEMBERS "},{" MEMBERS
	    "}],\"next\":\"%s\",\"more\":false}",
	    cursor(BENCH_EPOCH, rows[1].position));
	caller_expect(&c, 200, body);
	caller_close(&c);
}

static void
each_filter_reaches_the_keeper(void **state)
{
	static const char target[] =
	    LIST "?state=dropped&billing=second&invoice_id=A%2fB+1&limit=7"
		 "&receipt_id=" ID "&from=2025-12-02"
		 "&to=2025-12-02T06:30:47.000001Z";
	struct msg_deliveries m;
	struct receipt_id id;
	struct caller c;

	(void)state;
	assert_true(id_parse(bytes_of(ID), &id));
	caller_open(&c, true);
	caller_request(&c, "GET", target, DELIVERER);
	bench_asked(MSG_DELIVERIES, &m);
	assert_int_equal(m.which.state, DELIVERY_DROPPED);
	assert_string_equal(m.which.endpoint, "second");
	assert_string_equal(m.which.invoice_id, "A/B 1");
	assert_string_equal(m.which.merchant, "first");
	assert_memory_equal(&m.which.id, &id, sizeof(id));
	assert_true(m.which.from_us == UINT64_C(1764633600000000));
	assert_true(m.which.to_us == UINT64_C(1764657047000001));
	assert_int_equal(m.limit, 7);
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_expect(&c, 200, NULL);
	caller_close(&c);
}

/* The same list goes on at the target of Link. */
static void
a_link_leads_to_the_next_page(void **state)
{
	static const char *const queries[] = { "?limit=1",
		"?invoice_id=A%2FB%231+x&limit=1",
		"?state=pending&billing=main&receipt_id=" ID
		"&from=2025-12-02T00:00:00.5Z&to=2025-12-03&limit=1" };
	struct msg_deliveries first, second;
	char target[512];
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		const char *link, *end;

		(void)snprintf(target, sizeof(target), LIST "%s", queries[i]);
		caller_request(&c, "GET", target, DELIVERER);
		bench_asked(MSG_DELIVERIES, &first);
		bench_end_page(first.tag, 77, 1, ST_OK);
		g = caller_answer(&c, false);
		assert_non_null(strstr(g.body, "\"more\":true}"));
		link = got_field(&g, "Link");
		assert_non_null(link);
		end = strstr(link, ">; rel=\"next\"");
		assert_true(link[0] == '<' && end != NULL && end[13] == '\0');
		(void)snprintf(target, sizeof(target), "%.*s",
		    (int)(end - link - 1), link + 1);
		free(g.text);
		caller_request(&c, "GET", target, DELIVERER);
		bench_asked(MSG_DELIVERIES, &second);
		assert_int_equal(second.after, 77);
		second.after = first.after;
		bench_end_page(second.tag, 77, 0, ST_OK);
		second.tag = first.tag;
		assert_memory_equal(&first, &second, sizeof(first));
		g = caller_answer(&c, false);
		assert_null(got_field(&g, "Link"));
		free(g.text);
	}
	caller_close(&c);
}

static void
a_list_has_a_cursor_of_its_own(void **state)
{
	struct msg_deliveries m;
	struct caller c;
	char target[128];

	(void)state;
	caller_open(&c, true);
	(void)snprintf(target, sizeof(target), LIST "?after=%s",
	    bench_cursor(CURSOR_RECEIPTS, BENCH_EPOCH, 1));
	caller_request(&c, "GET", target, DELIVERER);
	caller_expect_problem(&c, 400, "problem:bad-parameter");
	(void)snprintf(target, sizeof(target), LIST "?after=%s",
	    cursor(BENCH_EPOCH + 1, SEQ));
	caller_request(&c, "GET", target, DELIVERER);
	bench_asked(MSG_DELIVERIES, &m);
	assert_true(m.after == SEQ);
	bench_end_page(m.tag, SEQ, 0, ST_OK);
	caller_expect_problem(&c, 410, "problem:cursor-expired");
	caller_close(&c);
}

static void
a_thousand_deliveries_fit_one_page(void **state)
{
	static struct msg_delivery_row rows[250];
	struct msg_deliveries m;
	struct caller c;
	struct got g;
	size_t count = 0;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", LIST "?limit=1000", DELIVERER);
	bench_asked(MSG_DELIVERIES, &m);
	for (uint64_t i = 0; i < ARRAY_LEN(rows); i++) {
		rows[i] = row(m.tag, i + 1, "first");
		rows[i].outcome = OUTCOME_DELIVERED;
		rows[i].state = DELIVERY_DELIVERED;
		rows[i].attempts = UINT32_MAX;
		memset(rows[i].receipt.invoice_id, 'x', 64);
		memset(rows[i].endpoint, 'e', 32);
	}
	for (int i = 0; i < 4; i++)
		bench_say(MSG_DELIVERY_ROW, rows, ARRAY_LEN(rows));
	bench_end_page(m.tag, 1000, 0, ST_OK);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 200);
	for (const char *at = g.body; (at = strstr(at, "\"dlv_")) != NULL; at++)
		count++;
	assert_int_equal(count, 1000);
	free(g.text);
	caller_close(&c);
}

static void
a_bad_parameter_is_answered_400(void **state)
{
	static const char *const bad[] = { "state=", "state=waiting",
		"state=PENDING", "billing=", "billing=a/b", "billing=%00",
		"billing=eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
		"invoice_id=", "receipt_id=", "receipt_id=x",
		("receipt_id=" ID "a"), "from=", "from=2025",
		"from=2025-12-02T06:30:45", "from=1969-12-31", "to=2100-01-01",
		"to=1970-01-01", "from=2101-01-01", "limit=0", "limit=1001",
		"after=x", "after=now", "merchant=second", "dry_run=true",
		"state=pending&state=pending", "=x" };
	char target[128];
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(target, sizeof(target), LIST "?%s", bad[i]);
		caller_request(&c, "GET", target, DELIVERER);
		caller_expect_problem(&c, 400, "problem:bad-parameter");
	}
	bench_asked_nothing();
	caller_close(&c);
}

static void
another_merchants_delivery_becomes_no_answer(void **state)
{
	struct msg_deliveries m;
	struct msg_delivery_row wrong;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", LIST, DELIVERER);
	bench_asked(MSG_DELIVERIES, &m);
	wrong = row(m.tag, 1, "second");
	bench_say(MSG_DELIVERY_ROW, &wrong, 1);
	bench_end_page(m.tag, 1, 0, ST_OK);
	caller_expect_problem(&c, 500, "problem:internal");
	caller_close(&c);
}

/* ---- one */

/* The keeper has it. */
static struct msg_attempts
give_one(void)
{
	struct msg_delivery_row found;
	struct msg_deliveries m;
	struct msg_attempts log;
	struct receipt_id id;

	assert_true(id_parse(bytes_of(ID), &id));
	bench_asked(MSG_DELIVERIES, &m);
	assert_string_equal(m.which.merchant, "first");
	assert_string_equal(m.which.endpoint, "main");
	assert_memory_equal(&m.which.id, &id, sizeof(id));
	assert_int_equal(m.which.state, DELIVERY_STATES);
	assert_true(m.limit == 1 && m.after == 0);
	found = row(m.tag, 4, "first");
	bench_say(MSG_DELIVERY_ROW, &found, 1);
	bench_end_page(m.tag, found.position, 0, ST_OK);
	bench_asked(MSG_ATTEMPTS, &log);
	assert_string_equal(log.merchant, "first");
	assert_string_equal(log.endpoint, "main");
	assert_memory_equal(&log.id, &id, sizeof(id));
	return log;
}

static void
one_delivery_is_shown_with_its_log(void **state)
{
	struct msg_attempts m;
	struct msg_attempt log[2] = {
		{ .number = 11,
		    .at_us = UINT64_C(1764657048000000),
		    .outcome = OUTCOME_TIMEOUT,
		    .took_ms = 15000 },
		{ .number = 12,
		    .at_us = UINT64_C(1764657049020304),
		    .outcome = OUTCOME_STATUS,
		    .http_status = 503,
		    .took_ms = 12,
		    .bytes = 40 },
	};
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", ONE, DELIVERER);
	m = give_one();
	log[0].tag = log[1].tag = m.tag;
	bench_say(MSG_ATTEMPT, log, 2);
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_expect(&c, 200,
	    "{" MEMBERS ",\"log\":["
	    "{\"number\":11,\"at\":\"2025-12-02T06:30:48.000000Z\","
	    "\"outcome\":\"timeout\",\"http_status\":null,\"ms\":15000,"
	    "\"bytes\":0},"
	    "{\"number\":12,\"at\":\"2025-12-02T06:30:49.020304Z\","
	    "\"outcome\":\"status\",\"http_status\":503,\"ms\":12,"
	    "\"bytes\":40}]}");
	/* Before the first attempt, or long after it. */
	caller_request(&c, "GET", ONE, DELIVERER);
	m = give_one();
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_expect(&c, 200, "{" MEMBERS ",\"log\":[]}");
	caller_close(&c);
}

static void
an_unknown_delivery_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/deliveries/x",
		"/v1/deliveries/dlv_x_main", "/v1/deliveries/" ID,
		"/v1/deliveries/dlv_aebagaaaaaaaaaaaaaaaaaaaaa",
		"/v1/deliveries/dlv_aebagaaaaaaaaaaaaaaaaaaaaa_",
		"/v1/deliveries/dlv_aebagaaaaaaaaaaaaaaaaaaaab_main",
		"/v1/deliveries/" DLV "%41",
		"/v1/deliveries/DLV_aebagaaaaaaaaaaaaaaaaaaaaa_main" };
	struct msg_attempts log;
	struct msg_deliveries m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", ONE, DELIVERER);
	bench_asked(MSG_DELIVERIES, &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_expect_problem(&c, 404, "problem:not-found");
	/* It went in between. */
	caller_request(&c, "GET", ONE, DELIVERER);
	log = give_one();
	bench_end_page(log.tag, 0, 0, ST_NOT_FOUND);
	caller_expect_problem(&c, 404, "problem:not-found");
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		caller_request(&c, "GET", never[i], DELIVERER);
		caller_expect_problem(&c, 404, "problem:not-found");
	}
	bench_asked_nothing();
	caller_close(&c);
}

static void
a_keeper_that_cannot_answer_means_503(void **state)
{
	static const enum status words[] = { ST_BUSY, ST_IO };
	struct msg_deliveries m;
	struct msg_attempts log;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		caller_request(&c, "GET", LIST, DELIVERER);
		bench_asked(MSG_DELIVERIES, &m);
		bench_end_page(m.tag, 0, 0, words[i]);
		caller_expect_problem(&c, 503, "problem:unavailable");
		caller_request(&c, "GET", ONE, DELIVERER);
		log = give_one();
		bench_end_page(log.tag, 0, 0, words[i]);
		caller_expect_problem(&c, 503, "problem:unavailable");
	}
	caller_close(&c);
}

/* ---- again */

/* What is asked for is counted so. */
static struct msg_redeliver
count(uint32_t matched, uint32_t changed, enum status st)
{
	struct msg_redelivered r = { .epoch = BENCH_EPOCH,
		.last = 99,
		.matched = matched,
		.changed = changed,
		.more = matched > 1,
		.status = st };
	struct msg_redeliver m;

	bench_asked(MSG_REDELIVER, &m);
	assert_string_equal(m.which.merchant, "first");
	assert_string_equal(m.by, &DELIVERER[6]);
	r.tag = m.tag;
	bench_say(MSG_REDELIVERED, &r, 1);
	return m;
}

static void
one_delivery_is_pushed_again(void **state)
{
	struct msg_redeliver m;
	struct receipt_id id;
	struct caller c;

	(void)state;
	assert_true(id_parse(bytes_of(ID), &id));
	caller_open(&c, true);
	caller_post(&c, RETRY, DELIVERER);
	m = count(1, 1, ST_OK);
	assert_memory_equal(&m.which.id, &id, sizeof(id));
	assert_string_equal(m.which.endpoint, "main");
	assert_int_equal(m.which.state, DELIVERY_STATES);
	assert_int_equal(m.action, REDELIVER_RETRY);
	assert_int_equal(m.limit, 1);
	caller_expect(&c, 202, "{\"id\":\"" DLV "\",\"state\":\"pending\"}");
	caller_post(&c, RETRY, DELIVERER);
	(void)count(0, 0, ST_OK);
	caller_expect_problem(&c, 404, "problem:not-found");
	caller_post(&c, RETRY, DELIVERER);
	(void)count(1, 0, ST_OK);
	caller_expect_problem(&c, 409, "problem:wrong-state");
	caller_post(&c, RETRY, DELIVERER);
	(void)count(0, 0, ST_IO);
	caller_expect_problem(&c, 503, "problem:unavailable");
	caller_post(&c, "/v1/deliveries/dlv_x/retry", DELIVERER);
	caller_expect_problem(&c, 404, "problem:not-found");
	caller_post(&c, RETRY "?state=pending", DELIVERER);
	caller_expect_problem(&c, 400, "problem:query-not-allowed");
	bench_asked_nothing();
	caller_close(&c);
}

static void
many_deliveries_are_pushed_again_or_counted(void **state)
{
	struct msg_redeliver m;
	struct caller c;
	char body[256];

	(void)state;
	caller_open(&c, true);
	caller_post(&c,
	    ALL "?state=exhausted&billing=main&invoice_id=A%2FB"
		"&from=2025-12-02&to=2025-12-03&limit=50",
	    DELIVERER);
	m = count(4, 3, ST_OK);
	assert_int_equal(m.action, REDELIVER_RETRY);
	assert_int_equal(m.which.state, DELIVERY_EXHAUSTED);
	assert_string_equal(m.which.endpoint, "main");
	assert_string_equal(m.which.invoice_id, "A/B");
	assert_true(m.which.from_us == UINT64_C(1764633600000000));
	assert_true(m.which.to_us == UINT64_C(1764720000000000));
	assert_true(m.limit == 50 && m.after == 0);
	(void)snprintf(body, sizeof(body),
	    "{\"matched\":4,\"changed\":3,\"next\":\"%s\",\"more\":true}",
	    cursor(BENCH_EPOCH, 99));
	caller_expect(&c, 200, body);
	caller_post(&c, ALL "?state=delivered&dry_run=true", DELIVERER);
	m = count(4, 0, ST_OK);
	assert_int_equal(m.action, REDELIVER_COUNT);
	assert_int_equal(m.which.state, DELIVERY_DELIVERED);
	assert_int_equal(m.limit, 100);
	caller_expect(&c, 200, NULL);
	caller_post(&c, ALL "?state=dropped&dry_run=false", DELIVERER);
	m = count(0, 0, ST_BUSY);
	assert_int_equal(m.action, REDELIVER_RETRY);
	caller_expect_problem(&c, 503, "problem:unavailable");
	caller_close(&c);
}

/* The epoch is looked at before anything is pushed. */
static void
an_old_cursor_pushes_nothing(void **state)
{
	struct msg_health health = { .epoch = BENCH_EPOCH };
	struct msg_redeliver m;
	struct msg_probe probe;
	struct caller c;
	char target[128];

	(void)state;
	caller_open(&c, true);
	(void)snprintf(target, sizeof(target), ALL "?state=exhausted&after=%s",
	    cursor(BENCH_EPOCH + 1, SEQ));
	caller_post(&c, target, DELIVERER);
	bench_asked(MSG_PROBE, &probe);
	health.tag = probe.tag;
	bench_say(MSG_HEALTH, &health, 1);
	caller_expect_problem(&c, 410, "problem:cursor-expired");
	bench_asked_nothing();
	(void)snprintf(target, sizeof(target), ALL "?state=exhausted&after=%s",
	    cursor(BENCH_EPOCH, SEQ));
	caller_post(&c, target, DELIVERER);
	bench_asked(MSG_PROBE, &probe);
	health.tag = probe.tag;
	bench_say(MSG_HEALTH, &health, 1);
	m = count(1, 1, ST_OK);
	assert_true(m.after == SEQ);
	caller_expect(&c, 200, NULL);
	caller_post(&c, target, DELIVERER);
	bench_asked(MSG_PROBE, &probe);
	health.tag = probe.tag;
	health.status = ST_IO;
	bench_say(MSG_HEALTH, &health, 1);
	caller_expect_problem(&c, 503, "problem:unavailable");
	caller_close(&c);
}

/* Without a state a slip would push everything again. */
static void
what_is_pushed_again_has_to_be_said(void **state)
{
	static const char *const bad[] = { "", "?", "?billing=main",
		"?state=", "?state=all",
		"?state=exhausted&dry_run=", "?state=exhausted&dry_run=1",
		"?state=exhausted&dry_run", ("?state=exhausted&receipt_id=" ID),
		"?state=exhausted&=x", "?state=exhausted&limit=1001",
		"?state=exhausted&after=x" };
	char target[128];
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(target, sizeof(target), ALL "%s", bad[i]);
		caller_post(&c, target, DELIVERER);
		caller_expect_problem(&c, 400, "problem:bad-parameter");
	}
	bench_asked_nothing();
	caller_close(&c);
}

static void
the_scope_is_deliver(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", LIST, TOKEN);
	caller_expect_problem(&c, 403, "problem:insufficient-scope");
	caller_request(&c, "GET", ONE, TOKEN);
	caller_expect_problem(&c, 403, "problem:insufficient-scope");
	caller_post(&c, RETRY, TOKEN);
	caller_expect_problem(&c, 403, "problem:insufficient-scope");
	caller_post(&c, ALL "?state=exhausted", DECIDER);
	caller_expect_problem(&c, 403, "problem:insufficient-scope");
	caller_request(&c, "GET", "/v1/receipts", DELIVERER);
	caller_expect_problem(&c, 403, "problem:insufficient-scope");
	bench_asked_nothing();
	caller_close(&c);
}

static void
it_can_be_freed_with_questions_under_way(void **state)
{
	struct msg_deliveries list;
	struct msg_redeliver retry;
	struct msg_probe probe;
	struct caller c[4];
	char target[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		caller_open(&c[i], true);
	caller_request(&c[0], "GET", LIST, DELIVERER);
	bench_asked(MSG_DELIVERIES, &list);
	caller_request(&c[1], "GET", ONE, DELIVERER);
	(void)give_one();
	caller_post(&c[2], RETRY, DELIVERER);
	bench_asked(MSG_REDELIVER, &retry);
	(void)snprintf(target, sizeof(target), ALL "?state=pending&after=%s",
	    cursor(BENCH_EPOCH, SEQ));
	caller_post(&c[3], target, DELIVERER);
	bench_asked(MSG_PROBE, &probe);
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		caller_close(&c[i]);
}

#define CASE(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, desk_bench_set_up, desk_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_page_shows_what_was_pushed),
		CASE(each_filter_reaches_the_keeper),
		CASE(a_link_leads_to_the_next_page),
		CASE(a_list_has_a_cursor_of_its_own),
		CASE(a_thousand_deliveries_fit_one_page),
		CASE(a_bad_parameter_is_answered_400),
		CASE(another_merchants_delivery_becomes_no_answer),
		CASE(one_delivery_is_shown_with_its_log),
		CASE(an_unknown_delivery_is_answered_404),
		CASE(a_keeper_that_cannot_answer_means_503),
		CASE(one_delivery_is_pushed_again),
		CASE(many_deliveries_are_pushed_again_or_counted),
		CASE(an_old_cursor_pushes_nothing),
		CASE(what_is_pushed_again_has_to_be_said),
		CASE(the_scope_is_deliver),
		CASE(it_can_be_freed_with_questions_under_way),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
