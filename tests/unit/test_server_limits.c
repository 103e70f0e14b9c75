/* Deadlines, limits and the end. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define SLACK_MS  900 /* a deadline may be late by that much, not early */

/* While the machine does something else time goes by, but no turns: guard and
 * client make one or two in 5 ms, so this many are too late. */
#define TURNS(ms) ((ms) / 5 * 4)

static struct world w;
static struct client c;
static int64_t started_us;
static unsigned started_turns;

static void
start_watch(void)
{
	started_us = clock_mono_us();
	started_turns = w.turns;
}

static void
start(bool tls)
{
	world_start(&w, tls);
	start_watch();
}

static void
end(void)
{
	client_close(&c);
	world_stop(&w);
}

static void
assert_took(int64_t ms)
{
	assert_true(clock_mono_us() - started_us >= ms * 1000);
	assert_true(w.turns - started_turns < TURNS(ms + SLACK_MS));
}

/* ---- deadlines */

/* One byte every few milliseconds, for ever: a deadline that starts again with
 * each byte would never come. */
static void
dribble(const char *text)
{
	int64_t last_us = 0;

	while (!client_poll(&c) && !c.eof) {
		if (clock_mono_us() - last_us >= 5000) {
			(void)client_offer(&c, *text != '\0' ? text : "a", 1);
			if (*text != '\0')
				text++;
			last_us = clock_mono_us();
		}
		world_turn(&w);
	}
}

static void
a_head_has_to_be_complete_in_time(void **state)
{
	(void)state;
	world_init(&w);
	w.cfg.head_ms = 100;
	start(false);
	client_open(&c, &w);
	dribble("GET /ok HTTP/1.1\r\nHost: h\r\nA: ");
	client_expect(&c, 408, NULL);
	assert_took(100);
	client_expect_end(&c);
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_DEADLINE_HEAD, 1);
	world_stop(&w);
}

static void
a_body_has_to_be_complete_in_time(void **state)
{
	(void)state;
	world_init(&w);
	w.cfg.body_ms = 100;
	start(true);
	client_open(&c, &w);
	client_text(&c,
	    "POST /ok HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
	dribble("");
	client_expect(&c, 408, NULL);
	assert_took(100);
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_DEADLINE_BODY, 1);
	assert_int_equal(w.requests, 0);
	world_stop(&w);
}

static void
an_idle_connection_is_closed_in_time(void **state)
{
	(void)state;
	world_init(&w);
	w.cfg.idle_ms = 100;
	start(true);
	client_open(&c, &w);
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	client_expect_end(&c);
	assert_took(100);
	world_until(&w, MET_CONN_CLOSED_IDLE, 1);
	end();
}

static void
a_handshake_has_to_be_done_in_time(void **state)
{
	(void)state;
	world_init(&w);
	w.cfg.handshake_ms = 100;
	start(true);
	client_connect(&c, &w, -1);
	dribble("\x16\x03\x01\x02");
	assert_true(c.eof);
	assert_took(100);
	world_until(&w, MET_CONN_CLOSED_DEADLINE_HANDSHAKE, 1);
	end();
}

static void
a_silent_peer_does_not_hold_a_handshake(void **state)
{
	(void)state;
	world_init(&w);
	w.cfg.handshake_ms = 50;
	start(true);
	client_connect(&c, &w, -1);
	client_expect_end(&c);
	world_until(&w, MET_CONN_CLOSED_DEADLINE_HANDSHAKE, 1);
	end();
}

static void
an_answer_has_to_be_taken_in_time(void **state)
{
	static const int small = 4096;

	(void)state;
	world_init(&w);
	w.cfg.idle_ms = 100;
	start(false);
	client_open(&c, &w);
	(void)setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_text(&c, GET("/big") GET("/big"));
	world_until(&w, MET_CONN_CLOSED_DEADLINE_WRITE, 1);
	assert_took(100);
	assert_int_equal(w.requests, 1);
	end();
}

static void
a_handler_has_all_the_time(void **state)
{
	(void)state;
	world_init(&w);
	w.cfg.head_ms = w.cfg.body_ms = w.cfg.idle_ms = 1;
	start(false);
	client_open(&c, &w);
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 1)
		world_turn(&w);
	/* Three ticks at least. */
	while (clock_mono_us() - started_us < 350000)
		world_turn(&w);
	world_answer(&w, 0);
	client_expect(&c, 200, "OK");
	end();
}

static void
a_lingering_peer_is_cut_off(void **state)
{
	static char more[400 * 1024];

	(void)state;
	world_init(&w);
	start(false);
	client_open(&c, &w);
	client_text(&c, "nonsense\r\n");
	client_expect(&c, 400, NULL);
	/* It neither closes nor stops. */
	for (size_t sent = 0; sent < sizeof(more) &&
			      world_count(&w, MET_CONN_CLOSED_DONE) == 0;) {
		sent += client_offer(&c, more + sent, sizeof(more) - sent);
		world_turn(&w);
	}
	world_until(&w, MET_CONN_CLOSED_DONE, 1);
	assert_took(0);
	client_close(&c);
	start_watch();
	client_open(&c, &w);
	client_text(&c, "nonsense\r\n");
	client_expect(&c, 400, NULL);
	world_until(&w, MET_CONN_CLOSED_DONE, 2);
	assert_took(1000);
	end();
}

/* ---- limits */

static void
an_address_gets_so_many_connections(void **state)
{
	struct client d, e;

	(void)state;
	world_init(&w);
	w.cfg.connections_per_address = 2;
	start(false);
	client_open(&c, &w);
	client_open(&d, &w);
	client_open(&e, &w);
	client_expect_end(&e);
	assert_int_equal(world_count(&w, MET_CONN_CLOSED_LIMIT), 1);
	client_text(&d, GET("/ok"));
	client_expect(&d, 200, "OK");
	client_close(&d);
	world_until(&w, MET_CONN_CLOSED_PEER, 1);
	client_close(&e);
	client_open(&e, &w);
	client_text(&e, GET("/ok"));
	client_expect(&e, 200, "OK");
	assert_int_equal(world_count(&w, MET_CONN_ACCEPTED_API), 4);
	assert_int_equal(world_count(&w, MET_CONN_OPEN_API), 2);
	client_close(&e);
	end();
}

static void
the_oldest_idle_connection_makes_room(void **state)
{
	struct client d, e;

	(void)state;
	world_init(&w);
	w.cfg.connections = 2;
	start(true);
	client_open(&c, &w);
	client_open(&d, &w);
	client_text(&c, GET("/ok")); /* so d is idle for longer */
	client_expect(&c, 200, "OK");
	client_open(&e, &w);
	client_expect_end(&d);
	assert_int_equal(world_count(&w, MET_CONN_CLOSED_EVICTED), 1);
	client_text(&e, GET("/ok"));
	client_expect(&e, 200, "OK");
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	client_close(&d);
	client_close(&e);
	end();
}

static void
busy_connections_are_not_given_up_for_new_ones(void **state)
{
	struct client d;

	(void)state;
	world_init(&w);
	w.cfg.connections = 1;
	start(false);
	client_open(&c, &w);
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 1)
		world_turn(&w);
	client_open(&d, &w);
	client_expect_end(&d);
	assert_int_equal(world_count(&w, MET_CONN_CLOSED_LIMIT), 1);
	world_answer(&w, 0);
	client_expect(&c, 200, "OK");
	client_close(&d);
	end();
}

/* From now on fd is the last descriptor there is. */
static void
no_descriptor_after(int fd, struct rlimit *old)
{
	struct rlimit low;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
	low = *old;
	low.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(dup(fd), -1); /* none below is free either */
}

static void
without_descriptors_accepting_pauses(void **state)
{
	struct rlimit old;
	struct client d;
	int fd;

	(void)state;
	world_init(&w);
	start(false);
	client_open(&c, &w);
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 1)
		world_turn(&w);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	no_descriptor_after(fd, &old);
	client_connect(&d, &w, fd);
	start_watch();
	world_until(&w, MET_ACCEPT_PAUSED, 4);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* Three pauses are over; spinning would be thousands of turns, or no
	 * pauses. */
	assert_true(clock_mono_us() - started_us >= 250000);
	assert_true(w.turns - started_turns < TURNS(400));
	assert_int_equal(world_count(&w, MET_CONN_ACCEPTED_API), 1);
	client_text(&d, GET("/ok"));
	client_expect(&d, 200, "OK");
	client_close(&d);
	end();
}

static void
without_descriptors_idle_connections_go_first(void **state)
{
	struct rlimit old;
	struct client d;
	int fd;

	(void)state;
	world_init(&w);
	start(false);
	client_open(&c, &w);
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	no_descriptor_after(fd, &old);
	client_connect(&d, &w, fd);
	client_text(&d, GET("/ok"));
	client_expect(&d, 200, "OK");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(world_count(&w, MET_CONN_CLOSED_EVICTED), 1);
	client_expect_end(&c);
	client_close(&d);
	end();
}

/* ---- draining */

static void
on_done(void *arg)
{
	struct world *of = arg;

	assert_false(of->drained);
	of->drained = true;
}

static void
drain(void)
{
	server_drain(w.server, on_done, &w);
	assert_false(w.drained); /* not from inside */
}

static void
turn_until_drained(void)
{
	while (!w.drained)
		world_turn(&w);
	for (int i = 0; i < 5; i++)
		world_turn(&w); /* once is enough */
}

static void
draining_without_connections_is_done_soon(void **state)
{
	(void)state;
	world_init(&w);
	start(false);
	drain();
	turn_until_drained();
	world_stop(&w);
}

static void
draining_closes_idle_connections_and_finishes_the_rest(void **state)
{
	struct client d;
	struct answer a;

	(void)state;
	world_init(&w);
	start(true);
	client_open(&c, &w);
	client_open(&d, &w);
	client_text(&d, GET("/ok"));
	client_expect(&d, 200, "OK");
	client_text(&c, GET("/defer"));
	while (w.n_deferred < 1)
		world_turn(&w);
	drain();
	client_expect_end(&d);
	client_close(&d);
	for (int i = 0; i < 5; i++)
		world_turn(&w);
	assert_false(w.drained);
	world_answer(&w, 0);
	client_answer(&c, &a, false);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
	client_expect_end(&c);
	client_close(&c);
	turn_until_drained();
	assert_int_equal(world_count(&w, MET_CONN_CLOSED_DRAIN), 2);
	world_stop(&w);
}

static void
draining_leaves_a_new_client_a_moment(void **state)
{
	struct client d;

	(void)state;
	world_init(&w);
	start(true);
	client_open(&c, &w);
	client_open(&d, &w);
	drain();
	world_turn(&w);
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	client_expect_end(&c);
	client_expect_end(&d); /* asked for nothing */
	client_close(&d);
	client_close(&c);
	turn_until_drained();
	assert_took(1000);
	world_stop(&w);
}

static void
draining_accepts_no_more(void **state)
{
	struct client d;

	(void)state;
	world_init(&w);
	start(false);
	drain();
	client_connect(&d, &w, -1);
	client_text(&d, GET("/ok"));
	turn_until_drained();
	assert_int_equal(world_count(&w, MET_CONN_ACCEPTED_API), 0);
	client_close(&d);
	world_stop(&w);
}

static void
freeing_closes_everything(void **state)
{
	struct client many[8];

	(void)state;
	world_init(&w);
	start(false);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		client_open(&many[i], &w);
		client_text(&many[i], i % 2 == 0 ? GET("/defer") : "GET /half");
	}
	while (w.n_deferred < ARRAY_LEN(many) / 2)
		world_turn(&w);
	world_stop(&w); /* the gauge is 0 */
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		client_close(&many[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_has_to_be_complete_in_time),
		cmocka_unit_test(a_body_has_to_be_complete_in_time),
		cmocka_unit_test(an_idle_connection_is_closed_in_time),
		cmocka_unit_test(a_handshake_has_to_be_done_in_time),
		cmocka_unit_test(a_silent_peer_does_not_hold_a_handshake),
		cmocka_unit_test(an_answer_has_to_be_taken_in_time),
		cmocka_unit_test(a_handler_has_all_the_time),
		cmocka_unit_test(a_lingering_peer_is_cut_off),
		cmocka_unit_test(an_address_gets_so_many_connections),
		cmocka_unit_test(the_oldest_idle_connection_makes_room),
		cmocka_unit_test(
		    busy_connections_are_not_given_up_for_new_ones),
		cmocka_unit_test(without_descriptors_accepting_pauses),
		cmocka_unit_test(without_descriptors_idle_connections_go_first),
		cmocka_unit_test(draining_without_connections_is_done_soon),
		cmocka_unit_test(
		    draining_closes_idle_connections_and_finishes_the_rest),
		cmocka_unit_test(draining_leaves_a_new_client_a_moment),
		cmocka_unit_test(draining_accepts_no_more),
		cmocka_unit_test(freeing_closes_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
