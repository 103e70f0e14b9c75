/* The way of requests and answers; every test runs plain and over TLS. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/peer.h"
#include "net/reply.h"
#include "net_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

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

/* Nothing happens, and the loop does not turn for nothing: the harness turns
 * it every 5 ms. */
static void
assert_quiet(void)
{
	int64_t until_us = clock_mono_us() + 50000;
	unsigned turns = w.turns;

	while (clock_mono_us() < until_us)
		world_turn(&w);
	assert_true(w.turns - turns < 30);
	assert_false(client_poll(&c));
}

/* ---- answers */

static void
an_answer_is_complete_and_not_cached(void **state)
{
	struct answer a;

	(void)state;
	begin();
	client_text(&c, GET("/ok"));
	client_answer(&c, &a, false);
	assert_string_equal(a.head,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 2\r\nCache-Control: no-store\r\n"
	    "X-Extra: 1\r\n\r\n");
	assert_string_equal(a.body, "OK");
	assert_string_equal(w.peer, "127.0.0.0/24");
	assert_int_equal(world_count(&w, MET_HTTP_2XX), 1);
	assert_int_equal(world_count(&w, MET_CONN_ACCEPTED_API), 1);
	assert_int_equal(world_count(&w, MET_CONN_OPEN_API), 1);
	end();
}

static void
a_connection_serves_many_requests(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 200; i++) {
		client_text(&c, GET("/ok"));
		client_expect(&c, 200, "OK");
	}
	assert_int_equal(world_count(&w, MET_CONN_ACCEPTED_API), 1);
	end();
}

static void
a_hundred_pipelined_requests_are_answered_in_order(void **state)
{
	struct buf all;
	char path[32];

	(void)state;
	begin();
	buf_init(&all, 1 << 20);
	for (int i = 0; i < 100; i++)
		buf_printf(&all,
		    "POST /path%d HTTP/1.1\r\nHost: h\r\n"
		    "Content-Length: %d\r\n\r\n%.*s",
		    i, i % 7, i % 7, "GET /x ");
	client_send(&c, all.data, all.len);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "/path%d", i);
		client_expect(&c, 200, path);
	}
	buf_fini(&all);
	end();
}

static void
a_request_may_come_byte_by_byte(void **state)
{
	static const char text[] =
	    "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		client_send(&c, text + i, 1);
		world_turn(&w);
	}
	client_expect(&c, 200, "3 96354");
	end();
}

static void
answers_inside_the_handler_do_not_nest(void **state)
{
	struct buf all;

	(void)state;
	begin();
	buf_init(&all, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_append_text(&all, GET("/ok"));
	client_send(&c, all.data, all.len);
	for (int i = 0; i < 1000; i++)
		client_expect(&c, 200, "OK");
	assert_true(w.stack_high - w.stack_low < 16384);
	buf_fini(&all);
	end();
}

static void
the_next_request_waits_for_a_deferred_answer(void **state)
{
	(void)state;
	begin();
	client_text(&c, GET("/defer") GET("/path2") GET("/defer"));
	while (w.n_deferred < 1)
		world_turn(&w);
	assert_quiet();
	assert_int_equal(w.requests, 1);
	world_answer(&w, 0);
	client_expect(&c, 200, "OK");
	client_expect(&c, 200, "/path2");
	while (w.n_deferred < 2)
		world_turn(&w);
	world_answer(&w, 1);
	client_expect(&c, 200, "OK");
	end();
}

static void
an_exchange_is_answered_once(void **state)
{
	(void)state;
	begin();
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 1)
		world_turn(&w);
	world_answer(&w, 0);
	world_answer(&w, 0);
	client_expect(&c, 200, "OK");
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 2)
		world_turn(&w);
	assert_true(w.deferred[0] != w.deferred[1]);
	world_answer(&w, 0);
	world_turn(&w);
	assert_false(client_poll(&c));
	world_answer(&w, 1);
	client_expect(&c, 200, "OK");
	server_problem(w.server, 0, PROBLEM_INTERNAL, NULL);
	server_problem(w.server, UINT64_MAX, PROBLEM_INTERNAL, NULL);
	end();
}

static void
an_answer_for_a_peer_that_left_is_dropped(void **state)
{
	static const struct linger reset = { .l_onoff = 1 };

	(void)state;
	begin();
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 1)
		world_turn(&w);
	(void)setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_PEER, 1);
	client_open(&c, &w); /* in the same slot */
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 2)
		world_turn(&w);
	world_answer(&w, 0);
	world_turn(&w);
	assert_false(client_poll(&c));
	world_answer(&w, 1);
	client_expect(&c, 200, "OK");
	end();
}

static void
a_handler_may_answer_others_than_its_own(void **state)
{
	struct client d;

	(void)state;
	begin();
	client_text(&c, GET("/defer") GET("/path2"));
	while (w.n_deferred < 1)
		world_turn(&w);
	client_open(&d, &w);
	client_text(&d, GET("/others"));
	client_expect(&d, 200, "OK");
	client_expect(&c, 200, "OK");
	client_expect(&c, 200, "/path2");
	client_close(&d);
	end();
}

static void
a_big_answer_goes_on_as_the_peer_takes_it(void **state)
{
	const size_t size = 4 * 1024 * 1024;
	size_t head = 0;

	(void)state;
	begin();
	client_text(&c, GET("/big") GET("/ok"));
	while (w.requests < 1)
		world_turn(&w);
	assert_int_equal(w.requests, 1); /* the next waits for it */
	while (c.in.len < 200 || c.in.len - head < size) {
		if (!client_poll(&c))
			world_turn(&w);
		if (head == 0 && c.in.len >= 200)
			head = (size_t)((unsigned char *)memmem(
					    c.in.data, 200, "\r\n\r\n", 4) -
					c.in.data) +
			       4;
	}
	for (size_t i = 0; i < size; i++)
		assert_true(c.in.data[head + i] == (unsigned char)(i * 7 >> 3));
	client_expect(&c, 200, NULL);
	client_expect(&c, 200, "OK");
	end();
}

static void
head_has_the_lengths_and_no_body(void **state)
{
	struct answer a;

	(void)state;
	begin();
	client_text(&c, "HEAD /ok HTTP/1.1\r\nHost: h\r\n\r\n" GET("/ok"));
	client_answer(&c, &a, true);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.body_len, 2);
	client_expect(&c, 200, "OK");
	client_text(&c, "HEAD /no HTTP/1.1\r\nHost: h\r\n\r\n" GET("/ok"));
	client_answer(&c, &a, true);
	assert_int_equal(a.status, 404);
	assert_true(a.body_len > 0);
	client_expect(&c, 200, "OK");
	end();
}

static void
an_answer_without_content_says_no_length(void **state)
{
	struct answer a;

	(void)state;
	begin();
	client_text(&c, GET("/empty") GET("/ok"));
	client_answer(&c, &a, false);
	assert_int_equal(a.status, 204);
	assert_null(strstr(a.head, "Content-"));
	client_expect(&c, 200, "OK");
	end();
}

static void
not_modified_has_no_content_and_says_nothing_of_it(void **state)
{
	struct answer a;

	(void)state;
	begin();
	client_text(&c, GET("/unchanged") GET("/ok"));
	client_answer(&c, &a, false);
	assert_string_equal(a.head,
	    "HTTP/1.1 304 Not Modified\r\nCache-Control: no-store\r\n"
	    "ETag: \"x\"\r\n\r\n");
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&w, MET_HTTP_3XX), 1);
	client_text(&c, "HEAD /unchanged HTTP/1.1\r\nHost: h\r\n\r\n");
	client_answer(&c, &a, true);
	assert_int_equal(a.status, 304);
	client_text(&c, "GET /unchanged HTTP/1.0\r\n\r\n");
	client_answer(&c, &a, false);
	assert_null(strstr(a.head, "Content-"));
	client_expect_end(&c);
	end();
}

static void
put_comes_with_a_body_or_without(void **state)
{
	(void)state;
	begin();
	client_text(&c,
	    "PUT /sum HTTP/1.1\r\nHost: h\r\n\r\n"
	    "PUT /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
	client_expect(&c, 200, "0 0");
	client_expect(&c, 200, "3 96354");
	end();
}

/* proves: R31 */
static void
every_problem_has_its_reason(void **state)
{
	char text[80];

	(void)state;
	for (int p = 0; p < PROBLEMS; p++) {
		struct server_reply r = { .status =
					      problem_status((enum problem)p) };
		struct buf b;

		buf_init(&b, 1024);
		reply_compose(&b, &r, REPLY_KEEP, REPLY_LENGTH);
		(void)snprintf(text, sizeof(text), "HTTP/1.1 %d ", r.status);
		assert_memory_equal(b.data, text, strlen(text));
		assert_true(b.data[strlen(text)] >= 'A');
		buf_fini(&b);
	}
}

/* ---- what every answer gets */

static exchange_id answered;

static void
on_answer(void *arg, exchange_id id, uint32_t tag,
    const struct server_reply *reply, struct buf *fields)
{
	assert_ptr_equal(arg, &w);
	answered = id;
	buf_printf(fields, "X-Tag: %u of %d\r\n", (unsigned)tag, reply->status);
}

static void
an_answer_may_get_further_fields(void **state)
{
	struct answer a;
	exchange_id id;

	(void)state;
	world_init(&w);
	w.cfg.on_answer = on_answer;
	world_start(&w, with_tls);
	client_open(&c, &w);
	client_text(&c, GET("/ok") GET("/no"));
	client_answer(&c, &a, false);
	assert_non_null(
	    strstr(a.head, "\r\nX-Extra: 1\r\nX-Tag: 0 of 200\r\n\r\n"));
	client_answer(&c, &a, false);
	assert_non_null(strstr(a.head, "\r\nX-Tag: 0 of 404\r\n\r\n"));
	client_text(&c, GET("/defer") GET("/ok"));
	while (w.n_deferred < 1)
		world_turn(&w);
	id = w.deferred[0];
	server_tag(w.server, id, 77);
	world_answer(&w, 0);
	assert_true(answered == id);
	client_answer(&c, &a, false);
	assert_non_null(strstr(a.head, "\r\nX-Tag: 77 of 200\r\n\r\n"));
	/* The tag was that request's. */
	client_answer(&c, &a, false);
	assert_non_null(strstr(a.head, "\r\nX-Tag: 0 of 200\r\n\r\n"));
	/* Nobody gets this one, and it is told all the same. */
	world_answer(&w, 0);
	assert_true(answered == id);
	end();
}

static void
a_request_says_what_its_peer_is_counted_under(void **state)
{
	union peer_address from = { .in = { .sin_family = AF_INET,
					.sin_addr.s_addr =
					    htonl(INADDR_LOOPBACK) } };

	(void)state;
	begin();
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	assert_true(w.peer_key == peer_key(&from));
	end();
}

static void
a_problem_without_doubt_keeps_the_connection(void **state)
{
	struct answer a;

	(void)state;
	begin();
	client_text(&c, GET("/no") GET("/ok"));
	client_answer(&c, &a, false);
	assert_int_equal(a.status, 404);
	assert_non_null(
	    strstr(a.head, "Content-Type: application/problem+json\r\n"));
	assert_null(strstr(a.head, "Connection:"));
	client_expect(&c, 200, "OK");
	end();
}

static void
what_gathers_behind_a_deferred_answer_is_bounded(void **state)
{
	struct buf all;
	size_t sent = 0, n;

	(void)state;
	begin();
	buf_init(&all, 16 << 20);
	buf_append_text(&all, GET("/defer"));
	while (all.len < (8 << 20))
		buf_append_text(&all, GET("/path"));
	/* Until the socket has been full for twenty turns. */
	for (int full = 0; full < 20 && sent < all.len;
	     full = n == 0 ? full + 1 : 0) {
		n = client_offer(&c, (char *)all.data + sent, all.len - sent);
		sent += n;
		world_turn(&w);
	}
	assert_true(sent < all.len);
	assert_int_equal(w.requests, 1);
	assert_quiet();
	world_answer(&w, 0);
	client_expect(&c, 200, "OK");
	for (int i = 0; i < 1000; i++)
		client_expect(&c, 200, "/path");
	buf_fini(&all);
	end();
}

/* ---- persistence */

static void
expect_last(int status)
{
	struct answer a;

	client_answer(&c, &a, false);
	assert_int_equal(a.status, status);
	assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
	client_expect_end(&c);
}

static void
the_connection_closes_when_either_side_asks(void **state)
{
	(void)state;
	begin();
	client_text(&c, GET("/close") GET("/ok"));
	expect_last(200);
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_DONE, 1);
	client_open(&c, &w);
	client_text(
	    &c, "GET /ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	expect_last(200);
	assert_int_equal(w.requests, 2);
	end();
}

static void
http_1_0_closes_unless_asked_to_stay(void **state)
{
	struct answer a;

	(void)state;
	begin();
	client_text(&c, "GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
			"GET /ok HTTP/1.0\r\n\r\n");
	client_answer(&c, &a, false);
	assert_non_null(strstr(a.head, "\r\nConnection: keep-alive\r\n"));
	expect_last(200);
	end();
}

static void
a_client_that_only_stops_sending_gets_its_answers(void **state)
{
	(void)state;
	begin();
	client_text(&c, GET("/defer") GET("/path2"));
	if (c.ssl != NULL)
		(void)SSL_shutdown(c.ssl);
	(void)shutdown(c.fd, SHUT_WR);
	while (w.n_deferred < 1)
		world_turn(&w);
	assert_quiet();
	world_answer(&w, 0);
	client_expect(&c, 200, "OK");
	client_expect(&c, 200, "/path2");
	client_expect_end(&c);
	world_until(&w, MET_CONN_CLOSED_PEER, 1);
	end();
}

/* ---- refusals */

/* proves: R30 */
static void
what_breaks_the_grammar_is_answered_and_closed(void **state)
{
	static const struct {
		const char *text;
		int status;
	} bad[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\nHost: h\n\n", 400 },
		{ "nonsense\r\n\r\n", 400 },
		{ "GET /ok HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
		    400 },
		{ "HEAD /ok HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
		    400 },
		{ "DELETE /ok HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"
		  "x",
		    400 },
		{ "POST /ok HTTP/1.1\r\nHost: h\r\n\r\n", 411 },
		{ "POST /ok HTTP/1.1\r\nHost: h\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		    411 },
		{ "POST /ok HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
		  "Content-Encoding: gzip\r\n\r\nabc",
		    415 },
		{ "POST /ok HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
		  "Expect: x\r\n\r\nabc",
		    417 },
		{ "GET /ok HTTP/2.0\r\nHost: h\r\n\r\n", 505 },
		{ "POST /ok HTTP/1.1\r\nHost: h\r\n"
		  "Content-Length: 18446744073709551615\r\n\r\nabc",
		    413 },
	};

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (i > 0)
			client_open(&c, &w);
		client_text(&c, bad[i].text);
		client_text(&c, GET("/ok")); /* is not looked at */
		expect_last(bad[i].status);
		client_close(&c);
	}
	assert_int_equal(w.requests, 0);
	world_until(&w, MET_CONN_CLOSED_DONE, ARRAY_LEN(bad));
	world_stop(&w);
}

static void
a_length_of_0_is_fine_without_a_body(void **state)
{
	(void)state;
	begin();
	client_text(&c,
	    "GET /ok HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
	    "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
	client_expect(&c, 200, "OK");
	client_expect(&c, 200, "0 0");
	end();
}

static void
a_head_without_end_is_refused(void **state)
{
	static char filler[20000];

	(void)state;
	begin();
	memset(filler, 'a', sizeof(filler));
	client_text(&c, "GET / HTTP/1.1\r\nHost: h\r\nA: ");
	client_send(&c, filler, sizeof(filler));
	expect_last(431);
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_answer_is_complete_and_not_cached),
	cmocka_unit_test(a_connection_serves_many_requests),
	cmocka_unit_test(a_hundred_pipelined_requests_are_answered_in_order),
	cmocka_unit_test(a_request_may_come_byte_by_byte),
	cmocka_unit_test(answers_inside_the_handler_do_not_nest),
	cmocka_unit_test(the_next_request_waits_for_a_deferred_answer),
	cmocka_unit_test(an_exchange_is_answered_once),
	cmocka_unit_test(an_answer_for_a_peer_that_left_is_dropped),
	cmocka_unit_test(a_handler_may_answer_others_than_its_own),
	cmocka_unit_test(a_big_answer_goes_on_as_the_peer_takes_it),
	cmocka_unit_test(head_has_the_lengths_and_no_body),
	cmocka_unit_test(an_answer_without_content_says_no_length),
	cmocka_unit_test(not_modified_has_no_content_and_says_nothing_of_it),
	cmocka_unit_test(put_comes_with_a_body_or_without),
	cmocka_unit_test(every_problem_has_its_reason),
	cmocka_unit_test(an_answer_may_get_further_fields),
	cmocka_unit_test(a_request_says_what_its_peer_is_counted_under),
	cmocka_unit_test(a_problem_without_doubt_keeps_the_connection),
	cmocka_unit_test(what_gathers_behind_a_deferred_answer_is_bounded),
	cmocka_unit_test(the_connection_closes_when_either_side_asks),
	cmocka_unit_test(http_1_0_closes_unless_asked_to_stay),
	cmocka_unit_test(a_client_that_only_stops_sending_gets_its_answers),
	cmocka_unit_test(what_breaks_the_grammar_is_answered_and_closed),
	cmocka_unit_test(a_length_of_0_is_fine_without_a_body),
	cmocka_unit_test(a_head_without_end_is_refused),
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
