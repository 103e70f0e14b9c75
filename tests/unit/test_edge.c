/* edge/edge.c: every answer that a callback can get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "edge_bench.h"

/* ---- paid callbacks */

static void
a_paid_callback_becomes_a_receipt(void **state)
{
	struct edge_bench *b = *state;
	const struct receipt *r = &b->puts[0].receipt;
	int64_t now = clock_wall_us();
	struct client c;

	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	assert_int_equal(r->amount_minor, 115000);
	assert_string_equal(r->currency, "BDT");
	assert_string_equal(r->merchant, "testbox");
	assert_string_equal(r->invoice_id, "INV-7");
	assert_string_equal(b->puts[0].tran_id, "");
	assert_int_equal(r->paid_at_us, INT64_C(1764657045000000));
	assert_true(r->received_at_us >= now - 10000000);
	assert_true(r->received_at_us <= clock_wall_us());
	client_close(&c);
}

static void
nothing_is_answered_before_it_is_on_disk(void **state)
{
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	for (int i = 0; i < 20; i++) {
		edge_bench_turn(b);
		(void)client_poll(&c);
	}
	assert_int_equal(c.in.len, 0);
	assert_false(c.eof);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 0);
	edge_bench_done(b, b->puts[0].tag, ST_OK);
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 1);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_DUPLICATE), 0);
	assert_int_equal(
	    world_count(&b->net, MET_CALLBACK_FIELDS), EDGE_BENCH_FIELDS + 3);
	client_close(&c);
}

static void
one_that_was_there_already_is_acknowledged_too(void **state)
{
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	edge_bench_done(b, b->puts[0].tag, ST_EXISTS);
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&b->net, MET_CALLBACK_DUPLICATE), 1);
	client_close(&c);
}

static void
what_is_not_on_disk_is_503(void **state)
{
	static const enum status bad[] = { ST_BUSY, ST_IO };
	struct edge_bench *b = *state;
	struct client c;
	struct answer a;

	client_open(&c, &b->net);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		edge_bench_post_paid(&c);
		edge_bench_until_puts(b, i + 1);
		edge_bench_done(b, b->puts[i].tag, bad[i]);
		client_answer(&c, &a, false);
		assert_int_equal(a.status, 503);
		assert_non_null(strstr(a.head, "\r\nRetry-After: 1\r\n"));
	}
	assert_int_equal(world_count(&b->net, MET_CALLBACK_BUSY), 2);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 0);
	client_close(&c);
}

static void
an_answer_that_nobody_asked_for_is_harmless(void **state)
{
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	edge_bench_done(b, 0, ST_OK);
	edge_bench_done(b, UINT64_MAX, ST_OK);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	edge_bench_done(b, b->puts[0].tag, ST_OK);
	edge_bench_done(b, b->puts[0].tag, ST_IO);
	client_expect(&c, 200, "OK");
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 2);
	edge_bench_done(
	    b, b->puts[0].tag, ST_OK); /* of the first: says nothing */
	(void)client_poll(&c);
	assert_int_equal(c.in.len, 0);
	edge_bench_done(b, b->puts[1].tag, ST_OK);
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 2);
	client_close(&c);
}

static void
each_client_gets_its_own_answer(void **state)
{
	struct edge_bench *b = *state;
	struct client c[3];

	for (int i = 0; i < 3; i++) {
		client_open(&c[i], &b->net);
		edge_bench_post_paid(&c[i]);
		edge_bench_until_puts(b, (size_t)i + 1);
	}
	edge_bench_done(b, b->puts[2].tag, ST_OK);
	edge_bench_done(b, b->puts[0].tag, ST_BUSY);
	client_expect(&c[2], 200, "OK");
	client_expect(&c[0], 503, NULL);
	(void)client_poll(&c[1]);
	assert_int_equal(c[1].in.len, 0);
	edge_bench_done(b, b->puts[1].tag, ST_EXISTS);
	client_expect(&c[1], 200, "OK");
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
}

static void
a_client_that_left_is_no_trouble(void **state)
{
	const struct linger reset = { .l_onoff = 1 };
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	(void)setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	client_close(&c);
	while (world_count(&b->net, MET_CONN_OPEN_CALLBACKS) > 0)
		edge_bench_turn(b);
	edge_bench_done(b, b->puts[0].tag, ST_OK);
	edge_bench_turn(b);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 1);
}

/* ---- what is not stored */

static void
one_that_is_not_paid_is_acknowledged_and_forgotten(void **state)
{
	struct edge_bench *b = *state;
	struct client c;
	struct buf body;

	edge_bench_callback(&body, "FAILED");
	client_open(&c, &b->net);
	edge_bench_post(&c, &body);
	client_expect(&c, 200, "OK");
	for (int i = 0; i < 5; i++)
		edge_bench_turn(b);
	assert_int_equal(b->n_puts, 0);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_NOT_PAID), 1);
	client_close(&c);
	buf_fini(&body);
}

/* Replace the first `was` in the body by `now`, of the same length. */
static void
spoil(struct buf *body, const char *was, const char *now)
{
	unsigned char *at = memmem(body->data, body->len, was, strlen(was));

	assert_non_null(at);
	memcpy(at, now, strlen(was));
}

static void
each_refusal_is_counted_and_answered(void **state)
{
	static const struct {
		const char *was, *now;
		int status;
		enum metric counted;
	} cases[] = {
		{ "=1150.00", "=1150.01", 403, MET_CALLBACK_REFUSED_DIGEST },
		{ "testbox", "restbox", 403, MET_CALLBACK_REFUSED_MERCHANT },
		{ "&val_id=", "&amount=", 400, MET_CALLBACK_REFUSED_DUPLICATE },
		{ "=1150.00", "=1%zz.00", 400, MET_CALLBACK_REFUSED_FORM },
		{ "=1150.00", "=1%00.00", 400, MET_CALLBACK_REFUSED_CONTROL },
		{ "=1150.00", "=1%ff.00", 400, MET_CALLBACK_REFUSED_UTF8 },
		{ "card_no", "Card_no", 403, MET_CALLBACK_REFUSED_NAME },
		{ "verify_key", "verify_kay", 403,
		    MET_CALLBACK_REFUSED_KEY_LIST },
		{ "verify_sign_sha2", "verify_sign_sha3", 403,
		    MET_CALLBACK_REFUSED_NO_DIGEST },
	};
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf body;

		edge_bench_callback(&body, "VALID");
		spoil(&body, cases[i].was, cases[i].now);
		edge_bench_post(&c, &body);
		client_expect(&c, cases[i].status, NULL);
		assert_int_equal(world_count(&b->net, cases[i].counted), 1);
		buf_fini(&body);
	}
	edge_bench_turn(b);
	assert_int_equal(b->n_puts, 0);
	client_close(&c);
}

static void
what_the_head_tells_is_answered_from_it(void **state)
{
#define FORM  "application/x-www-form-urlencoded"
#define TYPE  "Content-Type: " FORM "\r\n"
#define EMPTY "Content-Length: 0\r\n"
	static const struct {
		const char *line, *fields;
		int status;
	} cases[] = {
		{ "POST /", TYPE EMPTY, 404 },
		{ "POST /ipn", TYPE EMPTY, 404 },
		{ "POST /ipn/", TYPE EMPTY, 404 },
		{ "POST /ipn/testbo", TYPE EMPTY, 404 },
		{ "POST /ipn/testboxx", TYPE EMPTY, 404 },
		{ "POST /ipn/testbox/", TYPE EMPTY, 404 },
		{ "POST /ipn/TESTBOX", TYPE EMPTY, 404 },
		{ "POST /IPN/testbox", TYPE EMPTY, 404 },
		{ "GET /ipn/nobody", "", 404 },
		{ "GET /ipn/testbox", "", 405 },
		{ "OPTIONS /ipn/testbox", "", 405 },
		{ "PUT /ipn/testbox", EMPTY, 405 },
		{ "DELETE /ipn/testbox", "", 405 },
		{ "POST /ipn/testbox?", TYPE EMPTY, 400 },
		{ "POST /ipn/testbox?a=b", TYPE EMPTY, 400 },
		{ "POST /ipn/testbox", EMPTY, 415 },
		{ "POST /ipn/testbox",
		    "Content-Type: application/json\r\n" EMPTY, 415 },
		{ "POST /ipn/testbox", "Content-Type: " FORM "2\r\n" EMPTY,
		    415 },
		{ "POST /ipn/testbox", "Content-Type: ;" FORM "\r\n" EMPTY,
		    415 },
		/* These come as far as the form, which is empty. */
		{ "POST /ipn/testbox", TYPE EMPTY, 400 },
		{ "POST /ipn/other", TYPE EMPTY, 400 },
		{ "POST /ipn/testbox",
		    "Content-Type: Application/X-WWW-Form-URLencoded; "
		    "charset=UTF-8\r\n" EMPTY,
		    400 },
		{ "POST /ipn/testbox",
		    "Content-Type: " FORM "\t; charset=UTF-8\r\n" EMPTY, 400 },
	};
	struct edge_bench *b = *state;
	char text[512];
	struct answer a;
	struct client c;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		client_open(&c, &b->net);
		(void)snprintf(text, sizeof(text),
		    "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", cases[i].line,
		    cases[i].fields);
		client_text(&c, text);
		client_answer(&c, &a, false);
		if (a.status != cases[i].status)
			print_error("case %zu: %s\n", i, cases[i].line);
		assert_int_equal(a.status, cases[i].status);
		if (a.status == 405)
			assert_non_null(strstr(a.head, "\r\nAllow: POST\r\n"));
		client_close(&c);
	}
	assert_int_equal(
	    world_count(&b->net, MET_CALLBACK_UNKNOWN_MERCHANT), 9);
	assert_int_equal(b->n_puts, 0);
}

static void
head_is_answered_without_a_body(void **state)
{
	struct edge_bench *b = *state;
	struct client c;
	struct answer a;

	client_open(&c, &b->net);
	client_text(&c, "HEAD /ipn/testbox HTTP/1.1\r\nHost: x\r\n\r\n");
	client_answer(&c, &a, true);
	assert_int_equal(a.status, 405);
	assert_int_equal(c.in.len, 0);
	client_close(&c);
}

/* ---- the log */

static size_t
lines_with(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		n++;
	return n;
}

static void
the_log_is_bounded_and_names_no_payer(void **state)
{
	static char log[65536];
	struct edge_bench *b = *state;
	int64_t start = clock_mono_us() / 1000000, seconds;
	int pipes[2], before = dup(STDERR_FILENO);
	struct client c;
	struct buf body;
	ssize_t n;

	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
	client_open(&c, &b->net);
	for (int i = 0; i < 40; i++) {
		edge_bench_callback(&body, "VALID");
		spoil(&body, "=1150.00", "=1150.01");
		edge_bench_post(&c, &body);
		client_expect(&c, 403, NULL);
		buf_fini(&body);
	}
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	edge_bench_done(b, b->puts[0].tag, ST_OK);
	client_expect(&c, 200, "OK");
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	n = read(pipes[0], log, sizeof(log) - 1);
	seconds = clock_mono_us() / 1000000 - start + 1;
	assert_true(n > 0);
	log[n] = '\0';
	assert_in_range(lines_with(log, "\"callback_refused\""), 10,
	    10 * (uintmax_t)seconds);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_REFUSED_DIGEST), 40);
	assert_int_equal(lines_with(log, "\"outcome\":\"paid\""), 1);
	assert_null(strstr(log, "INV-7"));
	assert_null(strstr(log, "payer.person"));
	assert_null(strstr(log, "544332"));
	assert_null(strstr(log, "1150.0"));
	client_close(&c);
	(void)close(before);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

/* ---- life */

static void
a_drain_waits_for_what_is_with_the_keeper(void **state)
{
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	b->room.on_drain(b->room.arg);
	for (int i = 0; i < 20; i++)
		edge_bench_turn(b);
	assert_int_equal(b->room.exit_code, -1);
	edge_bench_done(b, b->puts[0].tag, ST_OK);
	client_expect(&c, 200, "OK");
	client_close(&c);
	while (b->room.exit_code == -1)
		edge_bench_turn(b);
	assert_int_equal(b->room.exit_code, 0);
}

static void
an_idle_edge_drains_at_once(void **state)
{
	struct edge_bench *b = *state;

	b->room.on_drain(b->room.arg);
	edge_bench_turn(b);
	assert_int_equal(b->room.exit_code, 0);
}

static void
without_the_keeper_nothing_is_acknowledged(void **state)
{
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 1);
	channel_free(b->keeper);
	b->keeper = NULL;
	while (b->room.exit_code == -1)
		edge_bench_turn(b);
	assert_int_equal(b->room.exit_code, 1);
	edge_free(b->edge); /* as its process does next */
	b->edge = NULL;
	client_expect_end(&c);
	client_close(&c);
}

static void
a_callback_behind_a_dead_keeper_is_503(void **state)
{
	struct edge_bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	channel_free(b->keeper);
	b->keeper = NULL;
	while (b->room.exit_code == -1)
		edge_bench_turn(b);
	edge_bench_post_paid(&c);
	client_expect(&c, 503, NULL);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_BUSY), 1);
	client_close(&c);
}

static void
a_certificate_that_is_none_is_said(void **state)
{
	struct edge_bench *b = *state;
	struct err e = { "" };

	assert_int_equal(edge_bench_start(b, "no key at all", &e), ST_CONFIG);
	assert_null(b->edge);
	assert_string_not_equal(e.text, "");
	assert_null(strstr(e.text, "no key at all"));
	(void)close(b->room.keeper); /* nobody took it */
}

static void
nothing_can_be_freed(void **state)
{
	(void)state;
	edge_free(NULL);
}

#define CASE(fn)                         \
	cmocka_unit_test_setup_teardown( \
	    fn, edge_bench_set_up, edge_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_paid_callback_becomes_a_receipt),
		CASE(nothing_is_answered_before_it_is_on_disk),
		CASE(one_that_was_there_already_is_acknowledged_too),
		CASE(what_is_not_on_disk_is_503),
		CASE(an_answer_that_nobody_asked_for_is_harmless),
		CASE(each_client_gets_its_own_answer),
		CASE(a_client_that_left_is_no_trouble),
		CASE(one_that_is_not_paid_is_acknowledged_and_forgotten),
		CASE(each_refusal_is_counted_and_answered),
		CASE(what_the_head_tells_is_answered_from_it),
		CASE(head_is_answered_without_a_body),
		CASE(the_log_is_bounded_and_names_no_payer),
		CASE(a_drain_waits_for_what_is_with_the_keeper),
		CASE(an_idle_edge_drains_at_once),
		CASE(without_the_keeper_nothing_is_acknowledged),
		CASE(a_callback_behind_a_dead_keeper_is_503),
		cmocka_unit_test_setup_teardown(
		    a_certificate_that_is_none_is_said, edge_bench_set_up_bare,
		    edge_bench_tear_down),
		cmocka_unit_test(nothing_can_be_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
