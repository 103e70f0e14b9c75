/* The keeper whole, on a real store, spoken to through its channels: edges,
 * couriers, readers, configuration and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper_bench.h"

/* ---- edges */

static void
a_receipt_is_acknowledged_once_it_is_stored(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *edge = keeper_bench_enter(f, PARTY_EDGE);
	struct store *reader = NULL;
	struct store_row row;
	struct err e;

	keeper_bench_put(edge, 1, "testbox");
	keeper_bench_until(edge, 1);
	assert_int_equal(edge->done[0].tag, 1);
	assert_int_equal(edge->done[0].status, ST_OK);
	assert_int_equal(
	    store_driver_sqlite.open(&reader, f->path, STORE_READ, &e), ST_OK);
	assert_int_equal(
	    store_driver_sqlite.get(reader,
		&(struct receipt_id){ .b = { 1, [15] = 't' } }, NULL, &row),
	    ST_OK);
	store_driver_sqlite.close(reader);
	keeper_bench_put(edge, 1, "testbox");
	keeper_bench_until(edge, 2);
	assert_int_equal(edge->done[1].status, ST_EXISTS);
	keeper_bench_leave(edge);
}

static void
many_receipts_are_each_acknowledged_in_order(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *edge = keeper_bench_enter(f, PARTY_EDGE);

	for (uint32_t n = 1; n <= 3000; n++)
		keeper_bench_put(edge, n, "testbox");
	keeper_bench_until(edge, 3000);
	for (uint32_t i = 0; i < 3000; i++) {
		assert_int_equal(edge->done[i].tag, i + 1);
		assert_int_equal(edge->done[i].status, ST_OK);
	}
	keeper_bench_leave(edge);
	assert_int_equal(keeper_bench_probe(f).receipts, 3000);
}

static void
an_edge_that_speaks_for_a_strange_merchant_is_ended(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *edge = keeper_bench_enter(f, PARTY_EDGE);

	keeper_bench_put(edge, 1, "strangebox");
	keeper_bench_until_ended(edge);
	keeper_bench_leave(edge);
	assert_int_equal(keeper_bench_probe(f).receipts, 0);
}

static void
a_receipt_of_an_edge_that_died_is_kept(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *edge = keeper_bench_enter(f, PARTY_EDGE);
	struct guest *other = keeper_bench_enter(f, PARTY_EDGE);

	keeper_bench_put(edge, 1, "testbox");
	keeper_bench_put(other, 2, "testbox");
	keeper_bench_until(other, 1);
	keeper_bench_put(edge, 3, "testbox");
	keeper_bench_put(other, 4, "testbox");
	keeper_bench_until(other, 2);
	keeper_bench_leave(edge);
	keeper_bench_leave(other);
	keeper_bench_store(f, 5, 5);
	assert_int_equal(keeper_bench_probe(f).receipts, 5);
}

/* ---- the courier */

static void
deliveries_keep_to_the_window(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *courier = keeper_bench_enter(f, PARTY_COURIER);

	keeper_bench_window(courier, "main", 4);
	keeper_bench_store(f, 1, 10);
	keeper_bench_until(courier, 4);
	assert_int_equal(keeper_bench_probe(f).deliveries_pending, 10);
	assert_int_equal(courier->n, 4);
	keeper_bench_settle(
	    courier, &courier->delivery[1], OUTCOME_DELIVERED, 200);
	keeper_bench_until(courier, 5);
	assert_int_equal(keeper_bench_probe(f).deliveries_pending, 9);
	assert_int_equal(courier->n, 5);
	assert_string_equal(courier->delivery[4].endpoint, "main");
	assert_int_equal(courier->delivery[4].attempt, 1);
	keeper_bench_leave(courier);
}

static void
each_receipt_is_delivered_once(void **state)
{
	static bool seen[KEEPER_BENCH_MOST];
	struct keeper_bench *f = *state;
	struct guest *courier = keeper_bench_enter(f, PARTY_COURIER);
	struct guest *edge = keeper_bench_enter(f, PARTY_EDGE);

	memset(seen, 0, sizeof(seen));
	courier->settles = true;
	keeper_bench_window(courier, "main", 16);
	for (uint32_t n = 1; n <= 1000; n++)
		keeper_bench_put(edge, n, "testbox");
	keeper_bench_until(edge, 1000);
	for (uint32_t n = 1001; n <= 2000; n++)
		keeper_bench_put(edge, n, "testbox");
	keeper_bench_until(edge, 2000);
	if (courier->n < 2000)
		keeper_bench_until(courier, 2000);
	/* The last ones are settled by commits that are still under way. */
	for (int i = 0;
	     i < 100000 && keeper_bench_probe(f).deliveries_pending > 0; i++)
		continue;
	assert_int_equal(courier->n, 2000);
	for (size_t i = 0; i < courier->n; i++) {
		assert_false(seen[courier->delivery[i].seq]);
		seen[courier->delivery[i].seq] = true;
	}
	assert_int_equal(keeper_bench_probe(f).deliveries_pending, 0);
	assert_int_equal(keeper_bench_probe(f).oldest_pending_us, 0);
	keeper_bench_leave(edge);
	keeper_bench_leave(courier);
}

static void
a_failed_delivery_waits_for_its_time(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *courier = keeper_bench_enter(f, PARTY_COURIER);

	keeper_bench_window(courier, "main", 4);
	keeper_bench_store(f, 1, 1);
	keeper_bench_until(courier, 1);
	keeper_bench_settle(
	    courier, &courier->delivery[0], OUTCOME_STATUS, 500);
	keeper_bench_store(f, 2, 2);
	keeper_bench_until(courier, 2);
	for (int i = 0; i < 20; i++)
		(void)keeper_bench_probe(f);
	assert_int_equal(courier->n, 2);
	assert_int_equal(keeper_bench_probe(f).deliveries_pending, 2);
	keeper_bench_leave(courier);
}

static void
what_a_dead_courier_had_is_delivered_again(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *first = keeper_bench_enter(f, PARTY_COURIER);
	struct guest *second;

	keeper_bench_window(first, "main", 3);
	keeper_bench_store(f, 1, 3);
	keeper_bench_until(first, 3);
	keeper_bench_settle(first, &first->delivery[0], OUTCOME_DELIVERED, 204);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(f).deliveries_pending == 2);
	keeper_bench_leave(first);
	second = keeper_bench_enter(f, PARTY_COURIER);
	keeper_bench_window(second, "main", 3);
	keeper_bench_until(second, 2);
	assert_int_equal(second->delivery[0].attempt, 1);
	keeper_bench_leave(second);
}

static void
during_a_reload_the_newest_courier_gets_what_is_new(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *old = keeper_bench_enter(f, PARTY_COURIER);
	struct guest *young;

	keeper_bench_window(old, "main", 2);
	keeper_bench_store(f, 1, 2);
	keeper_bench_until(old, 2);
	young = keeper_bench_enter(f, PARTY_COURIER);
	keeper_bench_window(young, "main", 3);
	keeper_bench_store(f, 3, 4);
	keeper_bench_until(young, 1); /* three are on their way, as allowed */
	keeper_bench_settle(old, &old->delivery[0], OUTCOME_DELIVERED, 200);
	keeper_bench_settle(old, &old->delivery[1], OUTCOME_DELIVERED, 200);
	keeper_bench_store(f, 5, 6);
	KEEPER_BENCH_AWAIT(keeper_bench_probe(f).deliveries_pending == 4);
	keeper_bench_until(young, 3);
	assert_int_equal(old->n, 2);
	keeper_bench_leave(young);
	keeper_bench_until(old, 4);
	keeper_bench_leave(old);
}

static void
settling_what_is_not_in_its_hands_ends_a_courier(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *courier = keeper_bench_enter(f, PARTY_COURIER);
	struct guest *other;

	keeper_bench_window(courier, "main", 1);
	keeper_bench_store(f, 1, 2);
	keeper_bench_until(courier, 1);
	other = keeper_bench_enter(f, PARTY_COURIER);
	keeper_bench_settle(
	    other, &courier->delivery[0], OUTCOME_DELIVERED, 200);
	keeper_bench_until_ended(other);
	assert_int_equal(keeper_bench_probe(f).deliveries_pending, 2);
	courier->delivery[0].attempt = 2;
	keeper_bench_settle(
	    courier, &courier->delivery[0], OUTCOME_DELIVERED, 200);
	keeper_bench_until_ended(courier);
	assert_int_equal(keeper_bench_probe(f).deliveries_pending, 2);
	keeper_bench_leave(other);
	keeper_bench_leave(courier);
}

static void
a_window_for_a_strange_endpoint_ends_a_courier(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *courier = keeper_bench_enter(f, PARTY_COURIER);

	keeper_bench_window(courier, "elsewhere", 1);
	keeper_bench_until_ended(courier);
	keeper_bench_leave(courier);
}

/* ---- readers */

static void
a_page_comes_in_order_with_its_end(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *desk;

	keeper_bench_store(f, 1, 700);
	desk = keeper_bench_enter(f, PARTY_DESK);
	keeper_bench_page(desk, "testbox", 0, 600);
	assert_int_equal(desk->n_rows, 600);
	assert_int_equal(desk->end.tag, 9);
	assert_int_equal(desk->end.status, ST_OK);
	assert_int_equal(desk->end.more, 1);
	assert_true(desk->end.epoch == keeper_bench_probe(f).epoch);
	for (size_t i = 1; i < 600; i++)
		assert_true(desk->row[i].seq > desk->row[i - 1].seq);
	assert_true(desk->end.last_seq == desk->row[599].seq);
	keeper_bench_page(desk, "testbox", desk->end.last_seq, 600);
	assert_int_equal(desk->n_rows, 100);
	assert_int_equal(desk->end.more, 0);
	keeper_bench_page(desk, "otherbox", 12, 600);
	assert_int_equal(desk->n_rows, 0);
	assert_int_equal(desk->end.last_seq, 12);
	keeper_bench_leave(desk);
}

static void
a_receipt_is_shown_to_its_merchant_only(void **state)
{
	struct msg_get m = { .tag = 3, .merchant = "testbox" };
	struct keeper_bench *f = *state;
	struct guest *desk;

	keeper_bench_store(f, 1, 3);
	m.id = driver_cases_receipt(2, "testbox").id;
	desk = keeper_bench_enter(f, PARTY_DESK);
	assert_int_equal(channel_add(desk->channel, MSG_GET, &m), ST_OK);
	keeper_bench_until(desk, 1);
	assert_int_equal(desk->n_rows, 1);
	assert_int_equal(desk->row[0].tag, 3);
	assert_int_equal(desk->end.status, ST_OK);
	memset(m.merchant, 0, sizeof(m.merchant));
	memcpy(m.merchant, "otherbox", 8);
	assert_int_equal(channel_add(desk->channel, MSG_GET, &m), ST_OK);
	keeper_bench_until(desk, 2);
	assert_int_equal(desk->n_rows, 0);
	assert_int_equal(desk->end.status, ST_NOT_FOUND);
	keeper_bench_leave(desk);
}

static void
more_pages_than_fit_are_refused_and_none_is_cut(void **state)
{
	const struct msg_page m = {
		.tag = 1, .merchant = "testbox", .limit = 1000
	};
	struct keeper_bench *f = *state;
	struct guest *desk;

	keeper_bench_store(f, 1, 1000);
	desk = keeper_bench_enter(f, PARTY_DESK);
	for (int i = 0; i < 600; i++)
		assert_int_equal(
		    channel_add(desk->channel, MSG_PAGE, &m), ST_OK);
	keeper_bench_until(desk, 600);
	assert_true(desk->pages_whole > 0);
	assert_true(desk->pages_refused > 0);
	assert_int_equal(desk->pages_whole + desk->pages_refused, 600);
	keeper_bench_leave(desk);
}

static void
health_tells_what_waits(void **state)
{
	struct keeper_bench *f = *state;
	struct msg_health h;

	keeper_bench_store(f, 1, 3);
	h = keeper_bench_probe(f);
	assert_int_equal(h.status, ST_OK);
	assert_int_equal(h.receipts, 3);
	assert_int_equal(h.deliveries_pending, 3);
	assert_true(
	    h.oldest_pending_us == (uint64_t)driver_cases_received_us(1));
}

static void
a_command_reads_through_the_control_socket(void **state)
{
	struct keeper_bench *f = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t); /* the kernel finds a name */
	struct guest *command;
	int listener, fd;

	keeper_bench_store(f, 1, 3);
	keeper_bench_stop(f);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	len = sizeof(at);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(listener, 4), 0);
	keeper_bench_start(f, listener);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	command = keeper_bench_guest(f, fd, PARTY_COMMAND);
	keeper_bench_page(command, "", 0, 10);
	assert_int_equal(command->n_rows, 3);
	keeper_bench_leave(command);
	(void)close(listener);
}

/* ---- configuration and end */

static void
a_new_configuration_brings_new_names(void **state)
{
	struct keeper_bench *f = *state;
	struct keeper_config c;
	struct guest *edge, *courier;

	keeper_bench_config(&c, f->path, "newbox", "archive");
	keeper_bench_configure(f, &c);
	edge = keeper_bench_enter(f, PARTY_EDGE);
	courier = keeper_bench_enter(f, PARTY_COURIER);
	keeper_bench_window(courier, "archive", 2);
	keeper_bench_window(courier, "main", 2);
	keeper_bench_put(edge, 1, "newbox");
	keeper_bench_until(edge, 1);
	assert_int_equal(edge->done[0].status, ST_OK);
	keeper_bench_until(courier, 1);
	assert_string_equal(courier->delivery[0].endpoint, "archive");
	keeper_bench_put(
	    edge, 2, "testbox"); /* of the one before: a room may drain */
	keeper_bench_until(edge, 2);
	keeper_bench_until(courier, 2);
	assert_string_equal(courier->delivery[1].endpoint, "main");
	keeper_bench_configure(f, &c);
	keeper_bench_put(edge, 3, "testbox");
	keeper_bench_until_ended(edge);
	keeper_bench_leave(edge);
	keeper_bench_leave(courier);
}

static void
stop_now(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(arg);
}

static void
one_turn(struct keeper_bench *f)
{
	const struct timeval now = { 0, 0 };

	assert_int_equal(event_base_once(loop_base(f->room.loop), -1,
			     EV_TIMEOUT, stop_now, f->room.loop, &now),
	    0);
	loop_run(f->room.loop);
}

/* Records of answers that are with the kernel, without a turn of the loop. */
static size_t
answers_sent(const struct guest *g)
{
	static unsigned char packet[MESSAGE_MAX];
	struct msg_header h;
	size_t n = 0;

	while (recv(g->fd, packet, sizeof(packet), MSG_DONTWAIT) > 0) {
		memcpy(&h, packet, sizeof(h));
		assert_int_equal(h.type, MSG_PUT_DONE);
		n += h.count;
	}
	return n;
}

static void
a_drain_answers_everything_first(void **state)
{
	struct keeper_bench *f = *state;
	struct guest *edge = keeper_bench_enter(f, PARTY_EDGE);

	for (uint32_t n = 1; n <= 500; n++)
		keeper_bench_put(edge, n, "testbox");
	one_turn(f); /* sends them */
	one_turn(f); /* takes them in */
	assert_true(edge->n < 500);
	f->watched = NULL;
	f->room.on_drain(f->room.arg);
	keeper_bench_run(f);
	assert_int_equal(f->room.exit_code, 0);
	assert_int_equal(edge->n + answers_sent(edge), 500);
	keeper_bench_leave(edge);
	keeper_bench_stop(f);
	keeper_bench_start(f, -1);
	assert_int_equal(keeper_bench_probe(f).receipts, 500);
}

static void
a_store_in_use_stops_the_start_with_words(void **state)
{
	struct keeper_bench *f = *state;
	struct room room = { .party = PARTY_KEEPER, .control = -1 };
	struct keeper *second = NULL;
	struct err e = { "" };

	assert_int_equal(loop_new(&room.loop, &e), ST_OK);
	assert_int_equal(
	    keeper_start(&second, &room, &f->config, &e), ST_CONFIG);
	assert_null(second);
	assert_non_null(strstr(e.text, "another paysieve"));
	loop_free(room.loop);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_receipt_is_acknowledged_once_it_is_stored),
		CASE(many_receipts_are_each_acknowledged_in_order),
		CASE(an_edge_that_speaks_for_a_strange_merchant_is_ended),
		CASE(a_receipt_of_an_edge_that_died_is_kept),
		CASE(deliveries_keep_to_the_window),
		CASE(each_receipt_is_delivered_once),
		CASE(a_failed_delivery_waits_for_its_time),
		CASE(what_a_dead_courier_had_is_delivered_again),
		CASE(during_a_reload_the_newest_courier_gets_what_is_new),
		CASE(settling_what_is_not_in_its_hands_ends_a_courier),
		CASE(a_window_for_a_strange_endpoint_ends_a_courier),
		CASE(a_page_comes_in_order_with_its_end),
		CASE(a_receipt_is_shown_to_its_merchant_only),
		CASE(more_pages_than_fit_are_refused_and_none_is_cut),
		CASE(health_tells_what_waits),
		CASE(a_command_reads_through_the_control_socket),
		CASE(a_new_configuration_brings_new_names),
		CASE(a_drain_answers_everything_first),
		CASE(a_store_in_use_stops_the_start_with_words),
	};

	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
