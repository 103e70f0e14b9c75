/* Answers in pieces, and peers that leave while an answer is owed; every test
 * runs plain and over TLS. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/conn.h"
#include "net_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define CLOSING(path) \
	"GET " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define HEAD_TEXT "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define CHUNKED_HEAD                               \
	HEAD_TEXT "Transfer-Encoding: chunked\r\n" \
		  "Cache-Control: no-store\r\n"
#define REST	  "X-Extra: 1\r\n\r\n"
#define IDLE_US	  250000 /* two ticks are 200 ms */
#define ROOM_MOST (256 * 1024)

static bool with_tls;
static struct world w;
static struct client c;
static exchange_id id; /* of /stream */
static char block[64 * 1024];

static void
begin(void)
{
	world_init(&w);
	world_start(&w, with_tls);
	client_open(&c, &w);
}

/* The same with so little room in the kernel that something waits soon. */
static void
begin_tight(int64_t idle_ms)
{
	static const int small = 32 * 1024;

	world_init(&w);
	w.cfg.idle_ms = idle_ms;
	world_start(&w, with_tls);
	(void)setsockopt(
	    w.cfg.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	client_open(&c, &w);
	(void)setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
}

static void
end(void)
{
	client_close(&c);
	world_stop(&w);
}

/* Send a request whose exchange is kept. */
static void
ask(const char *text)
{
	size_t n = w.n_deferred;

	client_text(&c, text);
	while (w.n_deferred == n)
		world_turn(&w);
	id = w.deferred[n];
}

static bool
add(const char *data, size_t len)
{
	bool ok;

	w.calling = true;
	ok = server_stream_add(w.server, id, bytes_make(data, len));
	w.calling = false;
	return ok;
}

static void
assert_added(const char *text)
{
	assert_true(add(text, strlen(text)));
}

static void
expect_bytes(const char *text)
{
	size_t len = strlen(text);

	while (c.in.len < len) {
		if (!client_poll(&c)) {
			assert_false(c.eof);
			world_turn(&w);
		}
	}
	assert_int_equal(c.in.len, len);
	assert_memory_equal(c.in.data, text, len);
	buf_reset(&c.in);
}

/* A cut stream must not end as one that is whole. */
static void
expect_end(bool whole)
{
	client_expect_end(&c);
	if (c.ssl != NULL)
		assert_int_equal(
		    (SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN) != 0,
		    whole);
}

/* The loop does not turn for nothing: the harness turns it every 5 ms. */
static void
assert_quiet(void)
{
	int64_t until_us = clock_mono_us() + 50000;
	unsigned turns = w.turns;

	while (clock_mono_us() < until_us)
		world_turn(&w);
	assert_true(w.turns - turns < 30);
}

static void
turn_until_gone(void)
{
	while (server_waits(w.server, id))
		world_turn(&w);
}

/* ---- framing */

static void
pieces_are_chunks(void **state)
{
	(void)state;
	begin();
	ask(GET("/stream"));
	expect_bytes(CHUNKED_HEAD REST);
	assert_added("one");
	expect_bytes("3\r\none\r\n");
	assert_added("");
	assert_true(add(block, 26));
	expect_bytes("1a\r\nbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n");
	assert_int_equal(world_count(&w, MET_HTTP_2XX), 1);
	server_stream_end(w.server, id);
	expect_bytes("0\r\n\r\n");
	assert_false(add("x", 1));
	server_stream_end(w.server, id);
	server_stream_cut(w.server, id);
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	end();
}

static void
a_stream_may_end_inside_its_handler(void **state)
{
	struct buf all;
	struct buf expected;

	(void)state;
	begin();
	buf_init(&all, 1 << 20);
	buf_init(&expected, 1 << 20);
	for (int i = 0; i < 200; i++) {
		buf_append_text(&all, GET("/pieces"));
		buf_append_text(&expected,
		    CHUNKED_HEAD REST "3\r\none\r\n7\r\nand two\r\n0\r\n\r\n");
	}
	client_send(&c, all.data, all.len);
	expect_bytes((const char *)expected.data);
	assert_true(w.stack_high - w.stack_low < 16384);
	buf_fini(&all);
	buf_fini(&expected);
	end();
}

static void
a_stream_that_closes_says_so(void **state)
{
	(void)state;
	begin();
	client_text(&c, CLOSING("/pieces"));
	expect_bytes(CHUNKED_HEAD "Connection: close\r\n" REST
				  "3\r\none\r\n7\r\nand two\r\n0\r\n\r\n");
	expect_end(true);
	end();
}

static void
http_1_0_reads_until_the_close(void **state)
{
	(void)state;
	begin();
	ask("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	expect_bytes(HEAD_TEXT "Cache-Control: no-store\r\n"
			       "Connection: close\r\n" REST);
	assert_added("one");
	assert_added("");
	assert_added("and two");
	expect_bytes("oneand two");
	assert_quiet();
	server_stream_end(w.server, id);
	expect_end(true);
	end();
}

static void
head_gets_the_head_only(void **state)
{
	(void)state;
	begin();
	ask("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
	expect_bytes(CHUNKED_HEAD REST);
	assert_false(add("one", 3));
	assert_int_equal(server_stream_room(w.server, id), 0);
	server_stream_end(w.server, id);
	client_text(&c, "HEAD /pieces HTTP/1.1\r\nHost: h\r\n\r\n" GET("/ok"));
	while (w.requests < 3)
		world_turn(&w);
	client_expect(&c, 200, ""); /* no length, so its head only */
	client_expect(&c, 200, "OK");
	client_text(&c, "HEAD /stream HTTP/1.0\r\n\r\n");
	expect_bytes(HEAD_TEXT "Cache-Control: no-store\r\n"
			       "Connection: close\r\n" REST);
	expect_end(true);
	end();
}

static void
a_request_behind_a_stream_waits_for_its_end(void **state)
{
	(void)state;
	begin();
	ask(GET("/stream") GET("/path2"));
	expect_bytes(CHUNKED_HEAD REST);
	assert_added("one");
	expect_bytes("3\r\none\r\n");
	assert_quiet();
	assert_int_equal(w.requests, 1);
	assert_true(server_waits(w.server, id));
	server_stream_end(w.server, id);
	while (w.requests < 2)
		world_turn(&w);
	expect_bytes("0\r\n\r\n" HEAD_TEXT "Content-Length: 6\r\n"
		     "Cache-Control: no-store\r\n\r\n/path2");
	end();
}

/* ---- peers that are slow */

static void
room_is_announced_when_the_peer_has_read(void **state)
{
	size_t before, total = 0;

	(void)state;
	begin_tight(10000);
	ask(GET("/stream"));
	expect_bytes(CHUNKED_HEAD REST);
	assert_int_equal(server_stream_room(w.server, id), ROOM_MOST);
	while (server_stream_room(w.server, id) > 0) {
		assert_true(add(block, sizeof(block)));
		total += sizeof(block);
	}
	assert_true(total > ROOM_MOST);
	/* More than there is room for is taken all the same. */
	assert_true(add(block, sizeof(block)));
	assert_quiet();
	assert_int_equal(w.rooms, 0);
	before = c.in.len;
	while (w.rooms == 0) {
		if (!client_poll(&c))
			world_turn(&w);
	}
	assert_true(c.in.len > before);
	assert_true(w.room == id);
	assert_int_equal(server_stream_room(w.server, id), ROOM_MOST);
	assert_quiet();
	assert_int_equal(w.rooms, 1);
	/* And none where nothing had to wait. */
	assert_added("x");
	assert_quiet();
	assert_int_equal(w.rooms, 1);
	end();
}

static void
a_peer_that_never_catches_up_costs_no_more_and_more(void **state)
{
	const struct conn *conn;
	size_t total = 0;

	(void)state;
	begin_tight(10000);
	ask(GET("/stream"));
	conn = &w.server->conns[0];
	while (total < CONN_REPLY_MAX + ROOM_MOST) {
		while (server_stream_room(w.server, id) > 0) {
			assert_true(add(block, sizeof(block)));
			total += sizeof(block);
		}
		assert_true(conn->out.cap <= 4 * ROOM_MOST);
		while (client_poll(&c))
			buf_reset(&c.in);
		world_turn(&w);
	}
	end();
}

static void
a_peer_that_takes_nothing_is_cut(void **state)
{
	int64_t last_us = 0;
	unsigned turns;

	(void)state;
	begin_tight(IDLE_US / 1000);
	ask(GET("/stream"));
	while (server_stream_room(w.server, id) > 0)
		assert_true(add(block, sizeof(block)));
	turns = w.turns;
	/* Neither further pieces nor what it sends buy it time. */
	while (server_waits(w.server, id)) {
		if (clock_mono_us() - last_us >= 20000) {
			(void)add("beat", 4);
			(void)client_offer(&c, "G", 1);
			last_us = clock_mono_us();
		}
		world_turn(&w);
	}
	/* Two in 5 ms at most, while the machine does nothing else. */
	assert_true(w.turns - turns < 4 * IDLE_US / 5000 * 2);
	assert_int_equal(world_count(&w, MET_CONN_CLOSED_DEADLINE_WRITE), 1);
	assert_false(add("x", 1));
	assert_int_equal(server_stream_room(w.server, id), 0);
	assert_int_equal(w.rooms, 0);
	end();
}

static void
a_peer_that_takes_some_stays(void **state)
{
	int64_t until_us;

	(void)state;
	begin_tight(IDLE_US / 1000);
	ask(GET("/stream"));
	until_us = clock_mono_us() + 3 * IDLE_US;
	while (clock_mono_us() < until_us) {
		while (server_stream_room(w.server, id) > 0)
			assert_true(add(block, sizeof(block)));
		while (client_poll(&c))
			buf_reset(&c.in);
		world_turn(&w);
	}
	assert_true(server_waits(w.server, id));
	end();
}

static void
a_stream_at_rest_has_all_the_time_and_no_buffer(void **state)
{
	const struct conn *conn;
	int64_t until_us;

	(void)state;
	begin_tight(IDLE_US / 1000);
	ask(GET("/stream"));
	while (server_stream_room(w.server, id) > 0)
		assert_true(add(block, sizeof(block)));
	while (w.rooms == 0) {
		if (!client_poll(&c))
			world_turn(&w);
	}
	until_us = clock_mono_us() + 2 * IDLE_US;
	while (clock_mono_us() < until_us) {
		(void)client_poll(&c);
		world_turn(&w);
	}
	assert_true(server_waits(w.server, id));
	conn = &w.server->conns[0];
	assert_int_equal(conn->phase, PHASE_HANDLER);
	assert_null(conn->buf);
	assert_null(conn->out.data);
	assert_true(w.server->scratch.cap <= 128 * 1024);
	end();
}

/* ---- peers that leave */

static void
a_peer_that_hangs_up_is_noticed(void **state)
{
	static const char *const requests[] = { GET("/defer"), GET("/stream"),
		CLOSING("/stream"), "GET /stream HTTP/1.0\r\n\r\n" };

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (i > 0)
			client_open(&c, &w);
		ask(requests[i]);
		assert_quiet();
		while (client_poll(&c))
			;
		assert_true(server_waits(w.server, id));
		client_close(&c);
		turn_until_gone();
		assert_quiet();
		/* The kernel may take one more before it hears of it. */
		for (int n = 0; n < 100 && add("x", 1); n++)
			world_turn(&w);
		assert_false(server_waits(w.server, id));
		if (i == 0)
			world_answer(&w, 0);
		else
			assert_false(add("x", 1));
	}
	assert_false(server_waits(w.server, 0));
	while (world_count(&w, MET_CONN_OPEN_API) > 0)
		world_turn(&w);
	world_stop(&w);
}

static void
pipelined_bytes_are_no_hang_up(void **state)
{
	static const char *const requests[] = { GET("/defer"), GET("/stream"),
		CLOSING("/stream"), "GET /stream HTTP/1.0\r\n\r\n" };

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (i > 0)
			client_open(&c, &w);
		ask(requests[i]);
		for (int n = 0; n < 3; n++) {
			client_text(&c, GET("/ok"));
			assert_quiet();
			assert_true(server_waits(w.server, id));
		}
		assert_int_equal(w.requests, 1 + i);
		while (client_poll(&c))
			;
		client_close(&c);
		turn_until_gone();
	}
	world_stop(&w);
}

static void
a_cut_stream_is_seen_as_one(void **state)
{
	(void)state;
	begin();
	client_text(&c, GET("/cut"));
	expect_bytes(CHUNKED_HEAD REST "3\r\none\r\n");
	expect_end(false);
	client_close(&c);
	client_open(&c, &w);
	ask("GET /stream HTTP/1.0\r\n\r\n");
	assert_added("one");
	server_stream_cut(w.server, id);
	assert_false(server_waits(w.server, id));
	expect_bytes(HEAD_TEXT "Cache-Control: no-store\r\n"
			       "Connection: close\r\n" REST "one");
	expect_end(false);
	end();
}

/* ---- the end */

static void
on_done(void *arg)
{
	struct world *of = arg;

	of->drained = true;
}

static void
draining_waits_for_the_end_of_a_stream(void **state)
{
	(void)state;
	begin();
	ask(GET("/stream"));
	expect_bytes(CHUNKED_HEAD REST);
	server_drain(w.server, on_done, &w);
	assert_quiet();
	assert_false(w.drained);
	assert_added("one");
	server_stream_end(w.server, id);
	expect_bytes("3\r\none\r\n0\r\n\r\n");
	expect_end(true);
	client_close(&c);
	while (!w.drained)
		world_turn(&w);
	assert_int_equal(world_count(&w, MET_CONN_CLOSED_DRAIN), 1);
	world_stop(&w);
}

static void
freeing_cuts_a_stream(void **state)
{
	(void)state;
	begin();
	ask(GET("/stream"));
	assert_added("one");
	expect_bytes(CHUNKED_HEAD REST "3\r\none\r\n");
	server_free(w.server);
	w.server = NULL;
	expect_end(false);
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(pieces_are_chunks),
	cmocka_unit_test(a_stream_may_end_inside_its_handler),
	cmocka_unit_test(a_stream_that_closes_says_so),
	cmocka_unit_test(http_1_0_reads_until_the_close),
	cmocka_unit_test(head_gets_the_head_only),
	cmocka_unit_test(a_request_behind_a_stream_waits_for_its_end),
	cmocka_unit_test(room_is_announced_when_the_peer_has_read),
	cmocka_unit_test(a_peer_that_never_catches_up_costs_no_more_and_more),
	cmocka_unit_test(a_peer_that_takes_nothing_is_cut),
	cmocka_unit_test(a_peer_that_takes_some_stays),
	cmocka_unit_test(a_stream_at_rest_has_all_the_time_and_no_buffer),
	cmocka_unit_test(a_peer_that_hangs_up_is_noticed),
	cmocka_unit_test(pipelined_bytes_are_no_hang_up),
	cmocka_unit_test(a_cut_stream_is_seen_as_one),
	cmocka_unit_test(draining_waits_for_the_end_of_a_stream),
	cmocka_unit_test(freeing_cuts_a_stream),
};

int
main(void)
{
	int failed;

	memset(block, 'b', sizeof(block));
	failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
	with_tls = true;
	failed += cmocka_run_group_tests_name("tls", tests, NULL, NULL);
	return failed;
}
