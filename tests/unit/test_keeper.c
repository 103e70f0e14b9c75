/* The keeper whole, on a real store, spoken to through its channels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver_cases.h"
#include "keeper/keeper.h"
#include "keeper/store_driver.h"

#define MOST 4096

/* The other end of a channel of the keeper's, and what came over it. */
struct guest {
	struct fixture *fixture;
	struct channel *channel;
	bool ended;
	bool settles; /* a courier that delivers whatever it gets */
	size_t n;     /* records, of any type */
	int fd;
	size_t n_rows; /* of the last page */
	size_t pages_whole, pages_refused;
	bool page_over;
	struct msg_put_done done[MOST];
	struct msg_delivery delivery[MOST];
	struct msg_row row[1024];
	struct msg_page_end end;
	struct msg_health health;
};

struct fixture {
	char path[300];
	struct keeper_config config;
	struct room room;
	struct keeper *keeper;
	struct event *limit;
	bool late;
	struct guest *watched; /* stop the loop at so many records of its */
	size_t wanted;
	bool wanted_end;
};

static void
settle_as(struct guest *g, const struct msg_delivery *m, uint32_t outcome,
    uint32_t http_status)
{
	const struct msg_settle s = { .seq = m->seq,
		.endpoint_id = m->endpoint_id,
		.attempt = m->attempt,
		.outcome = outcome,
		.http_status = http_status };

	assert_int_equal(channel_add(g->channel, MSG_SETTLE, &s), ST_OK);
}

static void
take_row(struct guest *g, const struct msg_row *row)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = false;
	assert_true(g->n_rows < 1000);
	g->row[g->n_rows++] = *row;
}

static void
take_end(struct guest *g, const struct msg_page_end *end)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = true;
	g->end = *end;
	g->pages_whole += end->status == ST_OK && g->n_rows == 1000;
	g->pages_refused += end->status == ST_BUSY && g->n_rows == 0;
}

static void
take_record(struct guest *g, enum message type, const void *record)
{
	assert_true(g->n < MOST);
	switch (type) {
	case MSG_PUT_DONE:
		g->done[g->n] = *(const struct msg_put_done *)record;
		break;
	case MSG_DELIVERY:
		g->delivery[g->n] = *(const struct msg_delivery *)record;
		if (g->settles)
			settle_as(g, record, OUTCOME_DELIVERED, 200);
		break;
	case MSG_ROW:
		take_row(g, record);
		return;
	case MSG_PAGE_END:
		take_end(g, record);
		break;
	case MSG_HEALTH:
		g->health = *(const struct msg_health *)record;
		break;
	default:
		fail();
	}
	g->n++;
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct guest *g = arg;
	struct fixture *f = g->fixture;
	const unsigned char *record = records;

	assert_int_equal(fd, -1);
	for (size_t i = 0; i < count; i++, record += message_size(type))
		take_record(g, type, record);
	if (f->watched == g && g->n >= f->wanted)
		loop_stop(f->room.loop);
}

static void
on_end(void *arg, enum channel_end why)
{
	struct guest *g = arg;

	assert_int_equal(why, CHANNEL_GONE);
	g->ended = true;
	if (g->fixture->watched == g && g->fixture->wanted_end)
		loop_stop(g->fixture->room.loop);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)fd;
	(void)what;
	f->late = true;
	loop_stop(f->room.loop);
}

static void
run(struct fixture *f)
{
	const struct timeval limit = { 30, 0 };

	assert_int_equal(event_add(f->limit, &limit), 0);
	loop_run(f->room.loop);
	(void)event_del(f->limit);
	assert_false(f->late);
}

/* Until g has had n records in all. */
static void
run_until(struct guest *g, size_t n)
{
	struct fixture *f = g->fixture;

	f->watched = g;
	f->wanted = n;
	f->wanted_end = false;
	if (g->n < n)
		run(f);
	assert_int_equal(g->n, n);
}

static void
run_until_ended(struct guest *g)
{
	g->fixture->watched = g;
	g->fixture->wanted = SIZE_MAX;
	g->fixture->wanted_end = true;
	if (!g->ended)
		run(g->fixture);
	assert_true(g->ended);
}

static struct guest *
guest_new(struct fixture *f, int fd, enum party party)
{
	struct guest *g = calloc(1, sizeof(*g));
	const struct channel_config cc = { .fd = fd,
		.self = party,
		.peer = PARTY_KEEPER,
		.most_queued = MOST,
		.on_records = on_records,
		.on_end = on_end,
		.arg = g };

	assert_non_null(g);
	g->fixture = f;
	g->fd = fd;
	assert_int_equal(
	    channel_new(&g->channel, f->room.loop, &cc, NULL), ST_OK);
	return g;
}

static struct guest *
enter(struct fixture *f, enum party party)
{
	const struct msg_peer m = { .party = party };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	f->room.on_message(f->room.arg, MSG_PEER, &m, pair[0]);
	return guest_new(f, pair[1], party);
}

static void
leave(struct guest *g)
{
	channel_free(g->channel);
	free(g);
}

static void
set_config(struct keeper_config *c, const char *path, const char *merchant,
    const char *billing)
{
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->store_path, sizeof(c->store_path), "%s", path);
	c->keep_s = 86400;
	c->n_merchants = 1;
	c->n_billings = 1;
	(void)snprintf(c->merchants[0].store_id,
	    sizeof(c->merchants[0].store_id), "%s", merchant);
	c->merchants[0].billings = 1;
	(void)snprintf(c->billings[0], sizeof(c->billings[0]), "%s", billing);
}

static void
start(struct fixture *f, int control)
{
	struct err e = { "" };

	memset(&f->room, 0, sizeof(f->room));
	f->room.party = PARTY_KEEPER;
	f->room.control = control;
	assert_int_equal(loop_new(&f->room.loop, &e), ST_OK);
	f->limit = event_new(loop_base(f->room.loop), -1, 0, on_limit, f);
	assert_non_null(f->limit);
	assert_int_equal(
	    keeper_start(&f->keeper, &f->room, &f->config, &e), ST_OK);
}

static void
stop(struct fixture *f)
{
	keeper_free(f->keeper);
	event_free(f->limit);
	loop_free(f->room.loop);
	f->keeper = NULL;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	driver_cases_folder(f->path, sizeof(f->path));
	set_config(&f->config, f->path, "testbox", "main");
	start(f, -1);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	stop(f);
	driver_cases_remove(f->path);
	free(f);
	return 0;
}

static void
put(struct guest *edge, uint32_t n, const char *merchant)
{
	const struct msg_put m = { .tag = n,
		.receipt = driver_cases_receipt(n, merchant) };

	assert_int_equal(channel_add(edge->channel, MSG_PUT, &m), ST_OK);
}

/* Receipts from..to, stored. */
static void
store(struct fixture *f, uint32_t from, uint32_t to)
{
	struct guest *edge = enter(f, PARTY_EDGE);

	for (uint32_t n = from; n <= to; n++)
		put(edge, n, "testbox");
	run_until(edge, to - from + 1);
	leave(edge);
}

static void
open_window(struct guest *courier, const char *endpoint, uint32_t most)
{
	struct msg_window m = { .most = most };

	(void)snprintf(m.endpoint, sizeof(m.endpoint), "%s", endpoint);
	assert_int_equal(channel_add(courier->channel, MSG_WINDOW, &m), ST_OK);
}

static struct msg_health
probe(struct fixture *f)
{
	const struct msg_probe m = { .tag = 5 };
	struct guest *desk = enter(f, PARTY_DESK);
	struct msg_health health;

	assert_int_equal(channel_add(desk->channel, MSG_PROBE, &m), ST_OK);
	run_until(desk, 1);
	health = desk->health;
	assert_int_equal(health.tag, 5);
	leave(desk);
	return health;
}

static void
ask_page(struct guest *g, const char *merchant, uint64_t after, uint32_t limit)
{
	struct msg_page m = { .tag = 9, .after_seq = after, .limit = limit };

	(void)snprintf(m.merchant, sizeof(m.merchant), "%s", merchant);
	assert_int_equal(channel_add(g->channel, MSG_PAGE, &m), ST_OK);
	run_until(g, g->n + 1);
}

/* ---- edges */

static void
a_receipt_is_acknowledged_once_it_is_stored(void **state)
{
	struct fixture *f = *state;
	struct guest *edge = enter(f, PARTY_EDGE);
	struct store *reader = NULL;
	struct store_row row;
	struct err e;

	put(edge, 1, "testbox");
	run_until(edge, 1);
	assert_int_equal(edge->done[0].tag, 1);
	assert_int_equal(edge->done[0].status, ST_OK);
	assert_int_equal(
	    store_driver_sqlite.open(&reader, f->path, STORE_READ, &e), ST_OK);
	assert_int_equal(
	    store_driver_sqlite.get(reader,
		&(struct receipt_id){ .b = { 1, [15] = 't' } }, NULL, &row),
	    ST_OK);
	store_driver_sqlite.close(reader);
	put(edge, 1, "testbox");
	run_until(edge, 2);
	assert_int_equal(edge->done[1].status, ST_EXISTS);
	leave(edge);
}

static void
many_receipts_are_each_acknowledged_in_order(void **state)
{
	struct fixture *f = *state;
	struct guest *edge = enter(f, PARTY_EDGE);

	for (uint32_t n = 1; n <= 3000; n++)
		put(edge, n, "testbox");
	run_until(edge, 3000);
	for (uint32_t i = 0; i < 3000; i++) {
		assert_int_equal(edge->done[i].tag, i + 1);
		assert_int_equal(edge->done[i].status, ST_OK);
	}
	leave(edge);
	assert_int_equal(probe(f).receipts, 3000);
}

static void
an_edge_that_speaks_for_a_strange_merchant_is_ended(void **state)
{
	struct fixture *f = *state;
	struct guest *edge = enter(f, PARTY_EDGE);

	put(edge, 1, "strangebox");
	run_until_ended(edge);
	leave(edge);
	assert_int_equal(probe(f).receipts, 0);
}

static void
a_receipt_of_an_edge_that_died_is_kept(void **state)
{
	struct fixture *f = *state;
	struct guest *edge = enter(f, PARTY_EDGE);
	struct guest *other = enter(f, PARTY_EDGE);

	put(edge, 1, "testbox");
	put(other, 2, "testbox");
	run_until(other, 1);
	put(edge, 3, "testbox");
	put(other, 4, "testbox");
	run_until(other, 2);
	leave(edge);
	leave(other);
	store(f, 5, 5);
	assert_int_equal(probe(f).receipts, 5);
}

/* ---- the courier */

static void
deliveries_keep_to_the_window(void **state)
{
	struct fixture *f = *state;
	struct guest *courier = enter(f, PARTY_COURIER);

	open_window(courier, "main", 4);
	store(f, 1, 10);
	run_until(courier, 4);
	assert_int_equal(probe(f).deliveries_pending, 10);
	assert_int_equal(courier->n, 4);
	settle_as(courier, &courier->delivery[1], OUTCOME_DELIVERED, 200);
	run_until(courier, 5);
	assert_int_equal(probe(f).deliveries_pending, 9);
	assert_int_equal(courier->n, 5);
	assert_string_equal(courier->delivery[4].endpoint, "main");
	assert_int_equal(courier->delivery[4].attempt, 1);
	leave(courier);
}

static void
each_receipt_is_delivered_once(void **state)
{
	static bool seen[MOST];
	struct fixture *f = *state;
	struct guest *courier = enter(f, PARTY_COURIER);
	struct guest *edge = enter(f, PARTY_EDGE);

	memset(seen, 0, sizeof(seen));
	courier->settles = true;
	open_window(courier, "main", 16);
	for (uint32_t n = 1; n <= 1000; n++)
		put(edge, n, "testbox");
	run_until(edge, 1000);
	for (uint32_t n = 1001; n <= 2000; n++)
		put(edge, n, "testbox");
	run_until(edge, 2000);
	if (courier->n < 2000)
		run_until(courier, 2000);
	/* The last ones are settled by commits that are still under way. */
	for (int i = 0; i < 100000 && probe(f).deliveries_pending > 0; i++)
		continue;
	assert_int_equal(courier->n, 2000);
	for (size_t i = 0; i < courier->n; i++) {
		assert_false(seen[courier->delivery[i].seq]);
		seen[courier->delivery[i].seq] = true;
	}
	assert_int_equal(probe(f).deliveries_pending, 0);
	assert_int_equal(probe(f).oldest_pending_us, 0);
	leave(edge);
	leave(courier);
}

static void
a_failed_delivery_waits_for_its_time(void **state)
{
	struct fixture *f = *state;
	struct guest *courier = enter(f, PARTY_COURIER);

	open_window(courier, "main", 4);
	store(f, 1, 1);
	run_until(courier, 1);
	settle_as(courier, &courier->delivery[0], OUTCOME_STATUS, 500);
	store(f, 2, 2);
	run_until(courier, 2);
	for (int i = 0; i < 20; i++)
		(void)probe(f);
	assert_int_equal(courier->n, 2);
	assert_int_equal(probe(f).deliveries_pending, 2);
	leave(courier);
}

static void
what_a_dead_courier_had_is_delivered_again(void **state)
{
	struct fixture *f = *state;
	struct guest *first = enter(f, PARTY_COURIER);
	struct guest *second;

	open_window(first, "main", 3);
	store(f, 1, 3);
	run_until(first, 3);
	settle_as(first, &first->delivery[0], OUTCOME_DELIVERED, 204);
	while (probe(f).deliveries_pending != 2)
		continue;
	leave(first);
	second = enter(f, PARTY_COURIER);
	open_window(second, "main", 3);
	run_until(second, 2);
	assert_int_equal(second->delivery[0].attempt, 1);
	leave(second);
}

static void
during_a_reload_the_newest_courier_gets_what_is_new(void **state)
{
	struct fixture *f = *state;
	struct guest *old = enter(f, PARTY_COURIER);
	struct guest *young;

	open_window(old, "main", 2);
	store(f, 1, 2);
	run_until(old, 2);
	young = enter(f, PARTY_COURIER);
	open_window(young, "main", 2);
	store(f, 3, 4);
	run_until(young, 2);
	settle_as(old, &old->delivery[0], OUTCOME_DELIVERED, 200);
	settle_as(old, &old->delivery[1], OUTCOME_DELIVERED, 200);
	store(f, 5, 6);
	while (probe(f).deliveries_pending != 4)
		continue;
	assert_int_equal(old->n, 2);
	assert_int_equal(young->n, 2);
	leave(young);
	run_until(old, 4);
	leave(old);
}

static void
settling_what_is_not_in_its_hands_ends_a_courier(void **state)
{
	struct fixture *f = *state;
	struct guest *courier = enter(f, PARTY_COURIER);
	struct guest *other;

	open_window(courier, "main", 1);
	store(f, 1, 2);
	run_until(courier, 1);
	other = enter(f, PARTY_COURIER);
	settle_as(other, &courier->delivery[0], OUTCOME_DELIVERED, 200);
	run_until_ended(other);
	assert_int_equal(probe(f).deliveries_pending, 2);
	courier->delivery[0].attempt = 2;
	settle_as(courier, &courier->delivery[0], OUTCOME_DELIVERED, 200);
	run_until_ended(courier);
	assert_int_equal(probe(f).deliveries_pending, 2);
	leave(other);
	leave(courier);
}

static void
a_window_for_a_strange_endpoint_ends_a_courier(void **state)
{
	struct fixture *f = *state;
	struct guest *courier = enter(f, PARTY_COURIER);

	open_window(courier, "elsewhere", 1);
	run_until_ended(courier);
	leave(courier);
}

/* ---- readers */

static void
a_page_comes_in_order_with_its_end(void **state)
{
	struct fixture *f = *state;
	struct guest *desk;

	store(f, 1, 700);
	desk = enter(f, PARTY_DESK);
	ask_page(desk, "testbox", 0, 600);
	assert_int_equal(desk->n_rows, 600);
	assert_int_equal(desk->end.tag, 9);
	assert_int_equal(desk->end.status, ST_OK);
	assert_int_equal(desk->end.more, 1);
	assert_true(desk->end.epoch == probe(f).epoch);
	for (size_t i = 1; i < 600; i++)
		assert_true(desk->row[i].seq > desk->row[i - 1].seq);
	assert_true(desk->end.last_seq == desk->row[599].seq);
	ask_page(desk, "testbox", desk->end.last_seq, 600);
	assert_int_equal(desk->n_rows, 100);
	assert_int_equal(desk->end.more, 0);
	ask_page(desk, "otherbox", 12, 600);
	assert_int_equal(desk->n_rows, 0);
	assert_int_equal(desk->end.last_seq, 12);
	leave(desk);
}

static void
a_receipt_is_shown_to_its_merchant_only(void **state)
{
	struct msg_get m = { .tag = 3, .merchant = "testbox" };
	struct fixture *f = *state;
	struct guest *desk;

	store(f, 1, 3);
	m.id = driver_cases_receipt(2, "testbox").id;
	desk = enter(f, PARTY_DESK);
	assert_int_equal(channel_add(desk->channel, MSG_GET, &m), ST_OK);
	run_until(desk, 1);
	assert_int_equal(desk->n_rows, 1);
	assert_int_equal(desk->row[0].tag, 3);
	assert_int_equal(desk->end.status, ST_OK);
	memset(m.merchant, 0, sizeof(m.merchant));
	memcpy(m.merchant, "otherbox", 8);
	assert_int_equal(channel_add(desk->channel, MSG_GET, &m), ST_OK);
	run_until(desk, 2);
	assert_int_equal(desk->n_rows, 0);
	assert_int_equal(desk->end.status, ST_NOT_FOUND);
	leave(desk);
}

static void
more_pages_than_fit_are_refused_and_none_is_cut(void **state)
{
	const struct msg_page m = {
		.tag = 1, .merchant = "testbox", .limit = 1000
	};
	struct fixture *f = *state;
	struct guest *desk;

	store(f, 1, 1000);
	desk = enter(f, PARTY_DESK);
	for (int i = 0; i < 600; i++)
		assert_int_equal(
		    channel_add(desk->channel, MSG_PAGE, &m), ST_OK);
	run_until(desk, 600);
	assert_true(desk->pages_whole > 0);
	assert_true(desk->pages_refused > 0);
	assert_int_equal(desk->pages_whole + desk->pages_refused, 600);
	leave(desk);
}

static void
health_tells_what_waits(void **state)
{
	struct fixture *f = *state;
	struct msg_health h;

	store(f, 1, 3);
	h = probe(f);
	assert_int_equal(h.status, ST_OK);
	assert_int_equal(h.receipts, 3);
	assert_int_equal(h.deliveries_pending, 3);
	assert_true(
	    h.oldest_pending_us == (uint64_t)driver_cases_received_us(1));
}

static void
a_command_reads_through_the_control_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t); /* the kernel finds a name */
	struct guest *command;
	int listener, fd;

	store(f, 1, 3);
	stop(f);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	len = sizeof(at);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(listener, 4), 0);
	start(f, listener);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	command = guest_new(f, fd, PARTY_COMMAND);
	ask_page(command, "", 0, 10);
	assert_int_equal(command->n_rows, 3);
	leave(command);
	(void)close(listener);
}

/* ---- configuration and end */

static void
configure(struct fixture *f, const struct keeper_config *c)
{
	const struct msg_empty none = { 0 };
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, c, sizeof(*c)), sizeof(*c));
	f->room.on_message(f->room.arg, MSG_CONFIGURE, &none, fd);
}

static void
a_new_configuration_brings_new_names(void **state)
{
	struct fixture *f = *state;
	struct keeper_config c;
	struct guest *edge, *courier;

	set_config(&c, f->path, "newbox", "archive");
	configure(f, &c);
	edge = enter(f, PARTY_EDGE);
	courier = enter(f, PARTY_COURIER);
	open_window(courier, "archive", 2);
	open_window(courier, "main", 2);
	put(edge, 1, "newbox");
	run_until(edge, 1);
	assert_int_equal(edge->done[0].status, ST_OK);
	run_until(courier, 1);
	assert_string_equal(courier->delivery[0].endpoint, "archive");
	put(edge, 2, "testbox"); /* of the one before: a room may drain */
	run_until(edge, 2);
	run_until(courier, 2);
	assert_string_equal(courier->delivery[1].endpoint, "main");
	configure(f, &c);
	put(edge, 3, "testbox");
	run_until_ended(edge);
	leave(edge);
	leave(courier);
}

static void
stop_now(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(arg);
}

static void
one_turn(struct fixture *f)
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
	struct fixture *f = *state;
	struct guest *edge = enter(f, PARTY_EDGE);

	for (uint32_t n = 1; n <= 500; n++)
		put(edge, n, "testbox");
	one_turn(f); /* sends them */
	one_turn(f); /* takes them in */
	assert_true(edge->n < 500);
	f->watched = NULL;
	f->room.on_drain(f->room.arg);
	run(f);
	assert_int_equal(f->room.exit_code, 0);
	assert_int_equal(edge->n + answers_sent(edge), 500);
	leave(edge);
	stop(f);
	start(f, -1);
	assert_int_equal(probe(f).receipts, 500);
}

static void
a_store_in_use_stops_the_start_with_words(void **state)
{
	struct fixture *f = *state;
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

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

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
