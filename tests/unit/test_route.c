/*
 * What every route of the API has in common, through the whole desk.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/clock.h"
#include "base/secret.h"
#include "desk_bench.h"
#include "net_world.h"

#define DAY_US	INT64_C(86400000000)
#define ONE	"/v1/receipts/" ID
#define RELEASE "/v1/held/" ID "/release"
#define REJECT	"/v1/held/" ID "/reject"
#define DECIDED "{\"id\":\"" ID "\",\"state\":\"confirmed\"}"

static int
set_up_slow(void **state)
{
	(void)state;
	desk_bench_configure(&bench.cfg);
	bench.cfg.limits.api_rate = 3;
	desk_bench_start();
	desk_bench_open();
	return 0;
}

/* It has not heard of tokens yet. */
static int
set_up_closed(void **state)
{
	(void)state;
	desk_bench_configure(&bench.cfg);
	desk_bench_start();
	return 0;
}

static void
digest(const char *token, unsigned char out[32])
{
	assert_int_equal(secret_sha256(token, strlen(token), out), ST_OK);
}

/* The keeper has the receipt that is asked for. */
static void
give_one(void)
{
	struct msg_row found;
	struct msg_get m;

	bench_asked(MSG_GET, &m);
	found = bench_row(m.tag, 4, "first");
	bench_say(MSG_ROW, &found, 1);
	bench_end_page(m.tag, 4, 0, ST_OK);
}

/* Ask for it with these lines in the head. */
static struct got
get_one(struct caller *c, const char *fields)
{
	caller_request_with(c, "GET", ONE, TOKEN, fields);
	give_one();
	return caller_answer(c, false);
}

static void
expect_one(struct caller *c)
{
	struct got g = get_one(c, "");

	assert_int_equal(g.status, 200);
	assert_string_equal(g.body, RECEIPT);
	free(g.text);
}

/* A GET with this token is answered 401. */
static void
expect_invalid(const char *token)
{
	struct caller c;
	struct got g;

	caller_open(&c, true);
	caller_request(&c, "GET", ONE, token);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 401);
	assert_string_equal(got_field(&g, "WWW-Authenticate"),
	    "Bearer realm=\"paysieve\", error=\"invalid_token\"");
	free(g.text);
	caller_close(&c);
}

/* ---- tokens over time */

/* The desk has looked at its listeners by the time it answers. */
static void
expect_shut(void)
{
	struct caller admin;

	caller_open(&admin, false);
	for (int i = 0; i < 2; i++) {
		caller_request(&admin, "GET", "/livez", NULL);
		caller_expect(&admin, 200, NULL);
	}
	caller_close(&admin);
	assert_int_equal(bench.page->cell[MET_CONN_ACCEPTED_API], 0);
}

static void
nobody_is_let_in_before_it_is_known_which_tokens_are_revoked(void **state)
{
	struct caller c;

	(void)state;
	caller_connect(&c, true);
	expect_shut();
	desk_bench_open();
	caller_secure(&c);
	expect_one(&c);
	caller_close(&c);
}

static void
a_keeper_that_cannot_tell_is_asked_again(void **state)
{
	static const enum status words[] = { ST_BUSY, ST_IO };
	struct msg_tokens m;
	struct caller c;

	(void)state;
	caller_connect(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		bench_asked(MSG_TOKENS, &m);
		bench_end_page(m.tag, 0, 0, words[i]);
		expect_shut();
	}
	desk_bench_open();
	caller_secure(&c);
	expect_one(&c);
	caller_close(&c);
}

static void
a_token_that_was_revoked_stays_so(void **state)
{
	struct msg_token rows[2] = { { .revoked_at_us = 5 },
		{ .revoked_at_us = 0, .day = 20000 } };
	struct msg_tokens m;
	struct caller c;

	(void)state;
	bench_asked(MSG_TOKENS, &m);
	rows[0].tag = rows[1].tag = m.tag;
	digest(OTHER, rows[0].sha256);
	digest(TOKEN, rows[1].sha256);
	bench_say(MSG_TOKEN, rows, 2);
	bench_end_page(m.tag, 0, 0, ST_OK);
	expect_invalid(OTHER);
	caller_open(&c, true);
	expect_one(&c);
	caller_close(&c);
}

static void
a_token_that_is_revoked_now_is_refused_at_once(void **state)
{
	struct msg_revoked m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	expect_one(&c);
	caller_close(&c);
	digest(TOKEN, m.sha256);
	bench_say(MSG_REVOKED, &m, 1);
	expect_invalid(TOKEN);
}

static int
set_up_expired(void **state)
{
	(void)state;
	desk_bench_configure(&bench.cfg);
	bench.cfg.tokens[1].expires_us = clock_wall_us();
	bench.cfg.tokens[0].expires_us = clock_wall_us() + DAY_US;
	desk_bench_start();
	desk_bench_open();
	return 0;
}

static void
an_expired_token_is_refused(void **state)
{
	struct caller c;

	(void)state;
	expect_invalid(OTHER);
	caller_open(&c, true);
	expect_one(&c);
	caller_close(&c);
}

static void
the_keeper_hears_once_a_day_that_a_token_is_used(void **state)
{
	unsigned char sha256[32];
	struct msg_token_used m;
	struct caller c;
	int64_t day = clock_wall_us() / DAY_US;

	(void)state;
	caller_open(&c, true);
	expect_invalid("wrong");
	caller_request(&c, "GET", ONE, TOKEN);
	bench_asked(MSG_TOKEN_USED, &m);
	digest(TOKEN, sha256);
	assert_memory_equal(m.sha256, sha256, sizeof(sha256));
	assert_true(m.day >= day && m.day <= day + 1);
	give_one();
	caller_expect(&c, 200, NULL);
	caller_request(&c, "GET", ONE, TOKEN);
	assert_true(bench_next() == MSG_GET || clock_wall_us() / DAY_US != day);
	give_one();
	caller_expect(&c, 200, NULL);
	caller_close(&c);
}

/* ---- how often */

static void
a_token_is_told_what_is_left_and_then_refused(void **state)
{
	static const char *const left[] = {
		"\"default\";r=2;t=", "\"default\";r=1;t=", "\"default\";r=0;t="
	};
	struct caller c;
	struct got g;
	long after;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		g = get_one(&c, "");
		assert_int_equal(g.status, 200);
		assert_string_equal(
		    got_field(&g, "RateLimit-Policy"), "\"default\";q=3;w=60");
		assert_memory_equal(
		    got_field(&g, "RateLimit"), left[i], strlen(left[i]));
		free(g.text);
	}
	caller_request(&c, "GET", ONE, TOKEN);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 429);
	assert_non_null(strstr(g.body, "problem:too-many-requests"));
	assert_memory_equal(
	    got_field(&g, "RateLimit"), left[2], strlen(left[2]));
	after = strtol(got_field(&g, "Retry-After"), NULL, 10);
	assert_true(after > 50 && after <= 60);
	assert_true(strtol(strstr(got_field(&g, "RateLimit"), "t=") + 2, NULL,
			10) <= after);
	free(g.text);
	assert_int_equal(bench.page->cell[MET_API_LIMITED], 1);
	/* Another one is not in that bucket. */
	caller_request(&c, "GET", "/v1/receipts/x", OTHER);
	caller_expect_problem(&c, 404, "problem:not-found");
	/* Who has no valid token is told nothing. */
	caller_request(&c, "GET", ONE, NULL);
	g = caller_answer(&c, false);
	assert_null(got_field(&g, "RateLimit"));
	free(g.text);
	caller_close(&c);
}

static int log_was = -1;

static void
catch_log(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	log_was = dup(STDERR_FILENO);
	assert_true(fd >= 0 && log_was >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	(void)close(fd);
}

static int
release_log(void **state)
{
	if (log_was >= 0) {
		assert_int_equal(dup2(log_was, STDERR_FILENO), STDERR_FILENO);
		(void)close(log_was);
		log_was = -1;
	}
	return desk_bench_tear_down(state);
}

/* How often it has text. */
static unsigned
logged(const char *text)
{
	static char log[65536];
	ssize_t n = pread(STDERR_FILENO, log, sizeof(log) - 1, 0);
	unsigned found = 0;

	assert_true(n >= 0);
	log[n] = '\0';
	for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
		found++;
	return found;
}

/* proves: R32 */
static void
who_guesses_tokens_is_slowed_down_and_nobody_else(void **state)
{
	struct caller c;
	struct got g;

	(void)state;
	catch_log();
	caller_open(&c, true);
	for (int i = 0; i < 10; i++) {
		caller_request(&c, "GET", ONE, i % 2 == 0 ? "wrong" : NULL);
		caller_expect_problem(&c, 401, "problem:unauthorized");
	}
	for (int i = 0; i < 5; i++) {
		caller_request(&c, "GET", ONE, "wrong");
		g = caller_answer(&c, false);
		assert_int_equal(g.status, 429);
		assert_string_equal(got_field(&g, "Retry-After"), "6");
		assert_null(got_field(&g, "WWW-Authenticate"));
		free(g.text);
	}
	expect_one(&c); /* from the same address */
	caller_close(&c);
	assert_int_equal(logged("\"api_unauthorized\""), 10);
	assert_int_equal(bench.page->cell[MET_API_UNAUTHORIZED], 15);
	assert_int_equal(bench.page->cell[MET_API_LIMITED], 5);
}

static void
a_valid_token_in_the_wrong_place_is_no_guess(void **state)
{
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	for (int i = 0; i < 15; i++) {
		caller_request(&c, "GET", ONE, DECIDER);
		g = caller_answer(&c, false);
		assert_int_equal(g.status, 403);
		assert_non_null(got_field(&g, "RateLimit"));
		free(g.text);
	}
	caller_request(&c, "GET", ONE, "wrong");
	caller_expect_problem(&c, 401, "problem:unauthorized");
	caller_close(&c);
}

/* ---- which answer */

static void
each_answer_has_an_id_of_its_own(void **state)
{
	static const struct {
		const char *method, *target, *token, *fields;
		int status;
	} cases[] = {
		{ "GET", "/v1/receipts/x", TOKEN, "", 404 },
		{ "GET", "/v1/receipts/x", TOKEN, "", 404 },
		{ "GET", "/v1/nothing", TOKEN, "", 404 },
		{ "GET", "/v1/receipts", NULL, "", 401 },
		{ "GET", "/v1/receipts", DECIDER, "", 403 },
		{ "GET", "/v1/receipts?x=1", TOKEN, "", 400 },
		{ "GET", "/v1/receipts", TOKEN, "Accept: a/b\r\n", 406 },
		{ "DELETE", "/v1/receipts", TOKEN, "", 405 },
		{ "OPTIONS", "/v1/receipts", NULL, "", 204 },
		{ "GET", "/openapi.json", NULL, "", 200 },
		{ "GET", "/openapi.json", NULL, "If-None-Match: *\r\n", 304 },
	};
	char ids[ARRAY_LEN(cases)][32];
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct got g;
		const char *id;

		caller_request_with(&c, cases[i].method, cases[i].target,
		    cases[i].token, cases[i].fields);
		g = caller_answer(&c, false);
		assert_int_equal(g.status, cases[i].status);
		id = got_field(&g, "X-Request-Id");
		assert_non_null(id);
		assert_int_equal(strlen(id), 16);
		assert_int_equal(strspn(id, "0123456789abcdef"), 16);
		memcpy(ids[i], id, 17);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
		free(g.text);
	}
	caller_close(&c);
}

/* HEAD of a stream is answered without the keeper. */
static void
accept_chooses_what_the_answer_is(void **state)
{
	static const struct {
		const char *accept, *type; /* NULL: JSON */
	} cases[] = {
		{ "", NULL },
		{ "Accept:\r\n", NULL },
		{ "Accept: */*\r\n", NULL },
		{ "Accept: application/*\r\n", NULL },
		{ "Accept: APPLICATION/Json;charset=utf-8\r\n", NULL },
		{ "Accept: text/html, */*;q=0.1\r\n", NULL },
		{ "Accept: application/json, text/event-stream\r\n", NULL },
		{ "Accept: text/event-stream;q=0.5, application/json;q=0.6\r\n",
		    NULL },
		{ "Accept: application/json;q=0.0, application/*;q=0.2\r\n",
		    "application/x-ndjson" },
		{ "Accept: application/x-ndjson\r\n", "application/x-ndjson" },
		{ "Accept: application/x-ndjson , */* ; q=0.9\r\n",
		    "application/x-ndjson" },
		{ "Accept: Text/Event-Stream\r\n", "text/event-stream" },
		{ "Accept: text/*\r\n", "text/event-stream" },
		{ "Accept: application/json;q=0.5, "
		  "text/event-stream;q=0.501\r\n",
		    "text/event-stream" },
		{ "Accept: */*;q=0.1,text/event-stream;q=0.2\r\n",
		    "text/event-stream" },
		{ "Accept: application/*;q=0, */*\r\n", "text/event-stream" },
	};
	struct msg_page m;
	struct caller c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *type = cases[i].type;
		struct got g;

		caller_open(&c, true);
		caller_request_with(
		    &c, "HEAD", "/v1/receipts", TOKEN, cases[i].accept);
		if (type == NULL) {
			bench_asked(MSG_PAGE, &m);
			bench_end_page(m.tag, 0, 0, ST_OK);
		}
		g = caller_answer(&c, true);
		assert_int_equal(g.status, 200);
		assert_string_equal(got_field(&g, "Content-Type"),
		    type == NULL ? "application/json" : type);
		free(g.text);
		caller_close(&c);
	}
	bench_asked_nothing();
}

static void
what_there_is_not_is_answered_406(void **state)
{
	static const struct {
		const char *target, *accept;
	} cases[] = {
		{ "/v1/receipts", "Accept: text/html\r\n" },
		{ "/v1/receipts", "Accept: */*;q=0\r\n" },
		{ "/v1/receipts", "Accept: application/json2\r\n" },
		{ "/v1/receipts", "Accept: json\r\n" },
		{ "/v1/receipts", "Accept: *\r\n" },
		{ ONE, "Accept: text/event-stream\r\n" },
		{ ONE, "Accept: application/x-ndjson, text/plain\r\n" },
		{ ONE, "Accept: application/json;q=0, */*\r\n" },
		{ ONE, "Accept: application/json;q=0.000\r\n" },
		{ "/openapi.json", "Accept: application/yaml\r\n" },
	};
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		caller_request_with(
		    &c, "GET", cases[i].target, TOKEN, cases[i].accept);
		caller_expect_problem(&c, 406, "problem:not-acceptable");
	}
	bench_asked_nothing();
	caller_close(&c);
}

static void
a_path_of_its_own_is_no_name(void **state)
{
	static const struct {
		const char *target, *allow;
	} cases[] = {
		{ "/v1/deliveries/retry", "POST, OPTIONS" },
		{ "/v1/deliveries/x", "GET, HEAD, OPTIONS" },
		{ "/v1/deliveries/x/retry", "POST, OPTIONS" },
		{ "/v1/deliveries/retry/retry", "POST, OPTIONS" },
		{ "/v1/receipts/digest", "GET, HEAD, OPTIONS" },
		{ "/v1/cursors/x", "GET, HEAD, PUT, DELETE, OPTIONS" },
		{ "/openapi.json", "GET, HEAD, OPTIONS" },
		{ "/.well-known/jwks.json", "GET, HEAD, OPTIONS" },
	};
	struct msg_page m;
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		caller_request(&c, "OPTIONS", cases[i].target, NULL);
		g = caller_answer(&c, false);
		assert_int_equal(g.status, 204);
		assert_string_equal(got_field(&g, "Allow"), cases[i].allow);
		free(g.text);
	}
	caller_request(&c, "GET", "/v1/deliveries/retry", DELIVERER);
	caller_expect_problem(&c, 405, "problem:method-not-allowed");
	caller_request(&c, "GET", "/v1/receipts/digest", TOKEN);
	bench_asked(MSG_PAGE, &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
	caller_expect(&c, 200, NULL);
	caller_close(&c);
}

/* ---- what the client has already */

static void
an_answer_that_the_client_has_is_not_sent_again(void **state)
{
	char etag[64], fields[512];
	const char *forms[] = { "If-None-Match: %s\r\n",
		"If-None-Match: W/%s\r\n",
		"If-None-Match: \"a\", W/\"b\" ,%s, \"c\"\r\n",
		"If-None-Match: *\r\n" };
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	g = get_one(&c, "");
	(void)snprintf(etag, sizeof(etag), "%s", got_field(&g, "ETag"));
	free(g.text);
	assert_int_equal(strlen(etag), 34);
	assert_true(etag[0] == '"' && etag[33] == '"');
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const char *place = strstr(forms[i], "%s");
		int front = place == NULL ? (int)strlen(forms[i])
					  : (int)(place - forms[i]);

		(void)snprintf(fields, sizeof(fields), "%.*s%s%s", front,
		    forms[i], place == NULL ? "" : etag,
		    place == NULL ? "" : place + 2);
		g = get_one(&c, fields);
		assert_int_equal(g.status, 304);
		assert_string_equal(got_field(&g, "ETag"), etag);
		assert_null(got_field(&g, "Content-Type"));
		assert_null(got_field(&g, "Content-Length"));
		assert_int_equal(g.body[0], '\0');
		free(g.text);
	}
	expect_one(&c);
	caller_close(&c);
}

static void
an_answer_that_changed_is_sent(void **state)
{
	static const char *const others[] = {
		"If-None-Match: \"00000000000000000000000000000000\"\r\n",
		"If-None-Match: \"\"\r\n", "If-None-Match: x\r\n",
		"If-None-Match: \"*\"\r\n", "If-None-Match:\r\n"
	};
	char first[64];
	struct msg_row found;
	struct msg_get m;
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	g = get_one(&c, "");
	(void)snprintf(first, sizeof(first), "%s", got_field(&g, "ETag"));
	free(g.text);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		g = get_one(&c, others[i]);
		assert_int_equal(g.status, 200);
		assert_string_equal(g.body, RECEIPT);
		free(g.text);
	}
	caller_request(&c, "GET", ONE, TOKEN);
	bench_asked(MSG_GET, &m);
	found = bench_row(m.tag, 4, "first");
	found.receipt.amount_minor++;
	bench_say(MSG_ROW, &found, 1);
	bench_end_page(m.tag, 4, 0, ST_OK);
	g = caller_answer(&c, false);
	assert_string_not_equal(got_field(&g, "ETag"), first);
	free(g.text);
	caller_close(&c);
}

static void
a_problem_has_no_etag(void **state)
{
	struct msg_get m;
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request_with(&c, "GET", ONE, TOKEN, "If-None-Match: *\r\n");
	bench_asked(MSG_GET, &m);
	bench_end_page(m.tag, 0, 0, ST_NOT_FOUND);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 404);
	assert_null(got_field(&g, "ETag"));
	free(g.text);
	caller_close(&c);
}

static void
head_is_told_of_it_too(void **state)
{
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request_with(&c, "HEAD", ONE, TOKEN, "If-None-Match: *\r\n");
	give_one();
	g = caller_answer(&c, true);
	assert_int_equal(g.status, 304);
	free(g.text);
	caller_close(&c);
}

/* ---- Idempotency-Key */

#define KEY "Content-Length: 0\r\nIdempotency-Key: "

/* The keeper decides so. */
static void
decide(enum status said)
{
	struct msg_done done = { .state = LIFE_CONFIRMED };
	struct msg_decide m;

	bench_asked(MSG_DECIDE, &m);
	done.tag = m.tag;
	done.status = said;
	bench_say(MSG_DONE, &done, 1);
}

static void
expect_replayed(struct caller *c, int status, const char *body)
{
	struct got g = caller_answer(c, false);

	assert_int_equal(g.status, status);
	assert_string_equal(got_field(&g, "Idempotent-Replayed"), "true");
	assert_non_null(got_field(&g, "X-Request-Id"));
	assert_non_null(strstr(g.body, body));
	assert_string_equal(got_field(&g, "Content-Type"),
	    status == 200 ? "application/json" : "application/problem+json");
	free(g.text);
}

static void
what_has_a_key_is_done_once(void **state)
{
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "\"one\"\r\n");
	decide(ST_OK);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 200);
	assert_string_equal(g.body, DECIDED);
	assert_null(got_field(&g, "Idempotent-Replayed"));
	free(g.text);
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "\"one\"\r\n");
	expect_replayed(&c, 200, DECIDED);
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "one\r\n");
	expect_replayed(&c, 200, DECIDED);
	bench_asked_nothing();
	/* Another key, or none, and it is done again. */
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "two\r\n");
	decide(ST_NOT_FOUND);
	caller_expect_problem(&c, 404, "problem:not-found");
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "two\r\n");
	expect_replayed(&c, 404, "problem:not-found");
	caller_post(&c, RELEASE, DECIDER);
	decide(ST_OK);
	caller_expect(&c, 200, DECIDED);
	caller_close(&c);
}

static void
a_key_is_good_for_one_request(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "one\r\n");
	decide(ST_OK);
	caller_expect(&c, 200, DECIDED);
	caller_request_with(&c, "POST", REJECT, DECIDER, KEY "one\r\n");
	caller_expect_problem(&c, 422, "problem:idempotency-key-reused");
	bench_asked_nothing();
	caller_close(&c);
}

static void
a_query_is_part_of_the_request(void **state)
{
	struct msg_done done = { .status = ST_NOT_FOUND };
	struct msg_check m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request_with(&c, "POST", "/v1/invoices/A/check?tran_id=1",
	    CHECKER, KEY "one\r\n");
	bench_asked(MSG_CHECK, &m);
	done.tag = m.tag;
	bench_say(MSG_DONE, &done, 1);
	caller_expect_problem(&c, 404, "problem:no-payment");
	caller_request_with(&c, "POST", "/v1/invoices/A/check?tran_id=2",
	    CHECKER, KEY "one\r\n");
	caller_expect_problem(&c, 422, "problem:idempotency-key-reused");
	caller_close(&c);
}

static void
while_the_first_is_under_way_the_second_is_told(void **state)
{
	struct msg_done done = { .state = LIFE_CONFIRMED };
	struct msg_decide m;
	struct caller first, second;

	(void)state;
	caller_open(&first, true);
	caller_open(&second, true);
	caller_request_with(&first, "POST", RELEASE, DECIDER, KEY "one\r\n");
	bench_asked(MSG_DECIDE, &m);
	caller_request_with(&second, "POST", RELEASE, DECIDER, KEY "one\r\n");
	caller_expect_problem(&second, 409, "problem:idempotency-key-in-use");
	done.tag = m.tag;
	bench_say(MSG_DONE, &done, 1);
	caller_expect(&first, 200, DECIDED);
	caller_close(&first);
	caller_request_with(&second, "POST", RELEASE, DECIDER, KEY "one\r\n");
	expect_replayed(&second, 200, DECIDED);
	caller_close(&second);
}

/* The case that keys are for. */
static void
who_left_before_the_answer_can_still_have_it(void **state)
{
	struct msg_done done = { .state = LIFE_CONFIRMED };
	struct msg_decide m;
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "one\r\n");
	bench_asked(MSG_DECIDE, &m);
	caller_close(&c);
	done.tag = m.tag;
	bench_say(MSG_DONE, &done, 1);
	caller_open(&c, true);
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "one\r\n");
	expect_replayed(&c, 200, DECIDED);
	caller_close(&c);
}

static void
a_key_that_came_to_nothing_may_be_used_again(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "one\r\n");
	decide(ST_BUSY);
	caller_expect_problem(&c, 503, "problem:unavailable");
	caller_request_with(&c, "POST", RELEASE, DECIDER, KEY "one\r\n");
	decide(ST_OK);
	caller_expect(&c, 200, DECIDED);
	caller_close(&c);
}

static void
what_is_no_key_is_answered_400(void **state)
{
	static const char *const bad[] = { KEY "\r\n", KEY "\"\"\r\n",
		KEY "\"a\r\n", KEY "a\\b\r\n" };
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		caller_request_with(&c, "POST", RELEASE, DECIDER, bad[i]);
		caller_expect_problem(&c, 400, "problem:bad-idempotency-key");
	}
	bench_asked_nothing();
	caller_close(&c);
}

static void
a_get_needs_no_key(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (int i = 0; i < 2; i++) {
		struct got g = get_one(&c, "Idempotency-Key: one\r\n");

		assert_int_equal(g.status, 200);
		assert_null(got_field(&g, "Idempotent-Replayed"));
		free(g.text);
	}
	caller_close(&c);
}

/* ---- certificates of clients */

static struct identity authority, good;

static int
set_up_client_ca(void **state)
{
	(void)state;
	if (authority.key[0] == '\0') {
		identity_authority(&authority, "made-up authority");
		identity_make(&good, &authority, -60, 3600);
	}
	desk_bench_configure(&bench.cfg);
	(void)snprintf(bench.cfg.api_client_ca, sizeof(bench.cfg.api_client_ca),
	    "%s", authority.certificate);
	desk_bench_start();
	desk_bench_open();
	return 0;
}

static void
show(const struct identity *id)
{
	BIO *certificate = BIO_new_mem_buf(id->certificate, -1);
	BIO *key = BIO_new_mem_buf(id->key, -1);
	X509 *x = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	assert_int_equal(SSL_CTX_use_certificate(bench.client_tls, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(bench.client_tls, pkey), 1);
	X509_free(x);
	EVP_PKEY_free(pkey);
	BIO_free(certificate);
	BIO_free(key);
}

/* With TLS 1.3 the client hears of it only with its first read. */
static void
expect_no_way_in(void)
{
	struct caller c;
	char byte;

	caller_open(&c, true);
	(void)SSL_write(c.ssl, "G", 1);
	assert_true(SSL_read(c.ssl, &byte, 1) <= 0);
	caller_close(&c);
}

static void
only_clients_of_the_authority_get_in(void **state)
{
	struct identity stranger;
	struct caller c;

	(void)state;
	expect_no_way_in();
	identity_make(&stranger, NULL, -60, 3600);
	show(&stranger);
	expect_no_way_in();
	show(&good);
	caller_open(&c, true);
	expect_one(&c);
	caller_close(&c);
}

static void
the_operators_side_asks_for_no_certificate(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, false);
	caller_request_with(
	    &c, "GET", "/livez", NULL, "Accept: text/plain\r\n");
	caller_expect(&c, 200, "ok\n");
	caller_close(&c);
}

#define CASE_WITH(name, set_up) \
	cmocka_unit_test_setup_teardown(name, set_up, desk_bench_tear_down)
#define CASE(name) CASE_WITH(name, desk_bench_set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_WITH(
		    nobody_is_let_in_before_it_is_known_which_tokens_are_revoked,
		    set_up_closed),
		CASE_WITH(
		    a_keeper_that_cannot_tell_is_asked_again, set_up_closed),
		CASE_WITH(a_token_that_was_revoked_stays_so, set_up_closed),
		CASE(a_token_that_is_revoked_now_is_refused_at_once),
		CASE_WITH(an_expired_token_is_refused, set_up_expired),
		CASE(the_keeper_hears_once_a_day_that_a_token_is_used),
		CASE_WITH(
		    a_token_is_told_what_is_left_and_then_refused, set_up_slow),
		cmocka_unit_test_setup_teardown(
		    who_guesses_tokens_is_slowed_down_and_nobody_else,
		    desk_bench_set_up, release_log),
		CASE(a_valid_token_in_the_wrong_place_is_no_guess),
		CASE(each_answer_has_an_id_of_its_own),
		CASE(accept_chooses_what_the_answer_is),
		CASE(what_there_is_not_is_answered_406),
		CASE(a_path_of_its_own_is_no_name),
		CASE(an_answer_that_the_client_has_is_not_sent_again),
		CASE(an_answer_that_changed_is_sent),
		CASE(a_problem_has_no_etag),
		CASE(head_is_told_of_it_too),
		CASE(what_has_a_key_is_done_once),
		CASE(a_key_is_good_for_one_request),
		CASE(a_query_is_part_of_the_request),
		CASE(while_the_first_is_under_way_the_second_is_told),
		CASE(who_left_before_the_answer_can_still_have_it),
		CASE(a_key_that_came_to_nothing_may_be_used_again),
		CASE(what_is_no_key_is_answered_400),
		CASE(a_get_needs_no_key),
		CASE_WITH(
		    only_clients_of_the_authority_get_in, set_up_client_ca),
		CASE(the_operators_side_asks_for_no_certificate),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
