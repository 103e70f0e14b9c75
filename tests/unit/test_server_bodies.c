/* Bodies, and that nothing is left of them; every test runs plain and over
 * TLS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/request_buf.h"
#include "net_world.h"

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define CANARY	   "made-up-payer-4711"
#define CANARY_LEN (sizeof(CANARY) - 1)

static bool with_tls;
static struct world w;
static struct client c;

static void
begin(void)
{
	world_init(&w);
	world_start(&w, with_tls);
	client_open(&c, &w);
}

static void
end(void)
{
	client_close(&c);
	world_stop(&w);
}

static void
expect_last(int status)
{
	struct answer a;

	client_answer(&c, &a, false);
	assert_int_equal(a.status, status);
	assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
	client_expect_end(&c);
}

/* ---- bodies */

static void
a_body_of_the_largest_size_is_taken(void **state)
{
	static char body[64 * 1024];
	unsigned long sum = 0;
	char expected[64];

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(body); i++) {
		body[i] = (char)('a' + i % 23);
		sum = sum * 31 + (unsigned char)body[i];
	}
	(void)snprintf(
	    expected, sizeof(expected), "%zu %lu", sizeof(body), sum);
	for (int i = 0; i < 3; i++) {
		client_text(&c, "POST /sum HTTP/1.1\r\nHost: h\r\n"
				"Content-Length: 65536\r\n\r\n");
		client_send(&c, body, sizeof(body));
		client_text(&c, GET("/path1") GET("/path2"));
		client_expect(&c, 200, expected);
		client_expect(&c, 200, "/path1");
		client_expect(&c, 200, "/path2");
	}
	end();
}

static void
a_larger_body_is_refused_unread(void **state)
{
	static char body[100 * 1024];

	(void)state;
	begin();
	client_text(&c,
	    "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 102400\r\n\r\n");
	client_send(&c, body, sizeof(body));
	expect_last(413);
	assert_int_equal(w.heads, 0);
	end();
}

static void
a_waiting_client_is_told_to_continue_once(void **state)
{
	struct answer a;

	(void)state;
	begin();
	client_text(&c, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
			"Expect: 100-continue\r\n\r\n");
	client_answer(&c, &a, false);
	assert_string_equal(a.head, "HTTP/1.1 100 Continue\r\n\r\n");
	client_text(&c, "a");
	world_turn(&w);
	assert_false(client_poll(&c));
	client_text(&c, "bc");
	client_expect(&c, 200, "3 96354");
	end();
}

static void
nobody_is_told_to_continue_whose_body_is_there(void **state)
{
	(void)state;
	begin();
	client_text(&c, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
			"Expect: 100-continue\r\n\r\nabc");
	client_expect(&c, 200, "3 96354");
	end();
}

static void
a_head_may_be_refused_before_its_body(void **state)
{
	(void)state;
	begin();
	client_text(&c,
	    "POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
	    "Expect: 100-continue\r\n\r\n");
	expect_last(403);
	assert_int_equal(w.requests, 0);
	end();
}

static void
a_head_refused_with_its_body_here_keeps_the_connection(void **state)
{
	(void)state;
	begin();
	client_text(&c,
	    "POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	    "GET /refuse HTTP/1.1\r\nHost: h\r\n\r\n" GET("/ok"));
	client_expect(&c, 403, NULL);
	client_expect(&c, 403, NULL);
	client_expect(&c, 200, "OK");
	assert_int_equal(w.requests, 1);
	end();
}

/* ---- wiping */

/* Is anything of a request left in the mapping it was read into? */
static bool
wiped(size_t cap)
{
	return memmem(w.data, cap, CANARY, CANARY_LEN) == NULL &&
	       w.data[0] == '\0';
}

static void
post_canary(size_t filler, const char *path)
{
	char head[256];
	char *body = malloc(filler + CANARY_LEN + 1);

	assert_non_null(body);
	memset(body, 'x', filler);
	memcpy(body + filler, CANARY, CANARY_LEN + 1);
	(void)snprintf(head, sizeof(head),
	    "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", path,
	    filler + CANARY_LEN);
	client_text(&c, head);
	client_text(&c, body);
	free(body);
}

/* Make w.data point into the mapping that the next request will get too. */
static void
find_mapping(void)
{
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
}

#define SMALL (REQUEST_BUF_SMALL - sizeof(struct request_buf))

static void
a_request_is_wiped_when_its_handler_returns(void **state)
{
	(void)state;
	begin();
	post_canary(100, "/defer");
	while (w.n_deferred < 1)
		world_turn(&w);
	assert_true(wiped(SMALL)); /* before the answer, that is */
	world_answer(&w, 0);
	client_expect(&c, 200, "OK");
	post_canary(100, "/ok");
	client_expect(&c, 200, "OK");
	assert_true(wiped(SMALL));
	end();
}

static void
a_large_request_is_wiped(void **state)
{
	(void)state;
	begin();
	post_canary(60000, "/defer");
	while (w.n_deferred < 1)
		world_turn(&w);
	assert_true(wiped(60100 + CANARY_LEN));
	end();
}

static void
a_request_before_pipelined_ones_is_wiped(void **state)
{
	(void)state;
	begin();
	post_canary(100, "/defer");
	client_text(&c, GET("/defer") "GET /aaa");
	while (w.n_deferred < 1)
		world_turn(&w);
	world_answer(&w, 0);
	while (w.n_deferred < 2)
		world_turn(&w);
	assert_null(memmem(w.data, SMALL, CANARY, CANARY_LEN));
	end();
}

/* proves: R10 */
static void
an_aborted_request_is_wiped(void **state)
{
	(void)state;
	begin();
	find_mapping();
	client_text(&c, "POST /ok HTTP/1.1\r\nHost: h\r\n"
			"Content-Length: 500\r\n\r\n" CANARY);
	while (memmem(w.data, SMALL, CANARY, CANARY_LEN) == NULL)
		world_turn(&w); /* this is where it lies */
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_PEER, 1);
	assert_true(wiped(SMALL));
	world_stop(&w);
}

/* proves: R10 */
static void
a_malformed_request_is_wiped(void **state)
{
	(void)state;
	begin();
	find_mapping();
	client_text(&c, "POST /ok HTTP/1.1\r\nHost: h\r\nA: " CANARY
			"\r\nContent-Length: x\r\n\r\n" CANARY);
	client_expect(&c, 400, NULL);
	assert_true(wiped(SMALL));
	end();
}

/* proves: R10 */
static void
a_request_that_came_too_slowly_is_wiped(void **state)
{
	(void)state;
	world_init(&w);
	w.cfg.body_ms = 50;
	world_start(&w, with_tls);
	client_open(&c, &w);
	find_mapping();
	client_text(&c, "POST /ok HTTP/1.1\r\nHost: h\r\n"
			"Content-Length: 500\r\n\r\n" CANARY);
	client_expect(&c, 408, NULL);
	assert_true(wiped(SMALL));
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_body_of_the_largest_size_is_taken),
	cmocka_unit_test(a_larger_body_is_refused_unread),
	cmocka_unit_test(a_waiting_client_is_told_to_continue_once),
	cmocka_unit_test(nobody_is_told_to_continue_whose_body_is_there),
	cmocka_unit_test(a_head_may_be_refused_before_its_body),
	cmocka_unit_test(
	    a_head_refused_with_its_body_here_keeps_the_connection),
	cmocka_unit_test(a_request_is_wiped_when_its_handler_returns),
	cmocka_unit_test(a_large_request_is_wiped),
	cmocka_unit_test(a_request_before_pipelined_ones_is_wiped),
	cmocka_unit_test(an_aborted_request_is_wiped),
	cmocka_unit_test(a_malformed_request_is_wiped),
	cmocka_unit_test(a_request_that_came_too_slowly_is_wiped),
};

int
main(void)
{
	int failed;

	failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
	with_tls = true;
	failed += cmocka_run_group_tests_name("tls", tests, NULL, NULL);
	return failed;
}
