/* Offers above a driver that stops where the test wants: nothing is in two
 * hands, and what came of it is not lost to a full disk.  Deliveries first,
 * then questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "driver_cases.h"
#include "driver_fault.h"
#include "driver_memory.h"
#include "keeper/deliveries.h"
#include "keeper/questions.h"

#define TAKER 7

struct fixture {
	const struct store_driver *driver;
	struct store *writer, *reader;
	struct loop *loop;
	struct routes *routes;
	struct store_queue *queue;
	struct store_reader *reads;
	struct offers *offers;
	struct channel *ours, *takers; /* both ends */
	struct event *limit;
	bool late;
	/* What happened, and how much of it is waited for. */
	size_t ops, reads_done, n, *watched, wanted;
	enum status last;
	struct msg_delivery delivery[64];
	struct msg_ask ask[64];
};

/* Seconds that the wall clock is wrong, and that have passed unseen. */
static _Atomic int64_t wrong_s, passed_s; /* threads read them */

/* In front of the C library's. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	ts->tv_sec += passed_s + (id == CLOCK_REALTIME ? wrong_s : 0);
	return rc;
}

static void
look(struct fixture *f)
{
	if (f->watched != NULL && *f->watched >= f->wanted)
		loop_stop(f->loop);
}

static void
on_op(void *arg, const struct store_op *op)
{
	struct fixture *f = arg;

	f->last = op->status;
	f->ops++;
	if (op->kind == STORE_OP_PUT && op->u.put.wait)
		questions_waits(f->offers, op->u.put.receipt.merchant);
	else if (op->kind == STORE_OP_PUT)
		deliveries_owed(f->offers, &op->u.put.endpoints);
	else if (op->kind == STORE_OP_SETTLE)
		deliveries_settle_done(f->offers, op);
	else if (op->kind == STORE_OP_AGAIN)
		questions_again_done(f->offers, op);
	else if (op->kind == STORE_OP_MOVE)
		questions_move_done(f->offers, op);
}

static void
on_batch(void *arg)
{
	struct fixture *f = arg;

	offers_pump(f->offers);
	look(f);
}

static void
on_read(void *arg, const struct store_read *read)
{
	struct fixture *f = arg;

	offers_read_done(f->offers, read);
	f->reads_done++;
	look(f);
}

static void
on_offered(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct fixture *f = arg;

	assert_int_equal(fd, -1);
	assert_true(f->n + count <= 64);
	if (type == MSG_DELIVERY)
		memcpy(&f->delivery[f->n], records,
		    count * sizeof(struct msg_delivery));
	else
		memcpy(&f->ask[f->n], records, count * sizeof(struct msg_ask));
	f->n += count;
	look(f);
}

static void
on_nothing(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	(void)arg;
	(void)type;
	(void)records;
	(void)count;
	(void)fd;
	fail();
}

static void
on_end(void *arg, enum channel_end why)
{
	(void)arg;
	(void)why;
	fail();
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)fd;
	(void)what;
	f->late = true;
	loop_stop(f->loop);
}

static void
run_until(struct fixture *f, size_t *what, size_t n)
{
	const struct timeval limit = { 60, 0 };

	f->watched = what;
	f->wanted = n;
	if (*what >= n)
		return;
	assert_int_equal(event_add(f->limit, &limit), 0);
	loop_run(f->loop);
	(void)event_del(f->limit);
	assert_false(f->late);
}

static void
open_store(struct fixture *f)
{
	static struct keeper_config cfg;
	struct err e = { "" };
	int64_t disabled;
	uint32_t id;

	driver_fault_reset();
	f->driver = driver_fault();
	assert_int_equal(
	    f->driver->open(&f->writer, "offers", STORE_WRITE, &e), ST_OK);
	assert_int_equal(
	    f->driver->open(&f->reader, "offers", STORE_READ, &e), ST_OK);
	cfg.n_merchants = cfg.n_billings = 1;
	memcpy(cfg.merchants[0].store_id, "testbox", 8);
	cfg.merchants[0].billings = 1;
	cfg.merchants[0].confirm_for_s = 7 * 86400;
	cfg.merchants[0].refuse_after_s = 600;
	cfg.merchants[0].keep_s = 86400;
	cfg.keep_attempts_s = cfg.keep_stopped_s = cfg.keep_refused_s = 86400;
	cfg.redeliver_rate = 100;
	memcpy(cfg.billings[0].name, "main", 5);
	cfg.billings[0].rate = 100000;
	cfg.billings[0].schedule = (struct config_schedule){ .n = 3,
		.gap_ms = { 5000, 30000, 120000 } };
	f->routes = routes_new();
	assert_non_null(f->routes);
	assert_int_equal(routes_propose(f->routes, &cfg), ST_OK);
	assert_int_equal(
	    f->driver->endpoint(f->writer, "main", &id, &disabled), ST_OK);
	routes_number(f->routes, "main", id);
	routes_adopt(f->routes);
}

static void
open_channel(struct fixture *f, enum party party)
{
	struct channel_config cc = { .self = PARTY_KEEPER,
		.peer = party,
		.most_queued = 64,
		.on_records = on_nothing,
		.on_end = on_end,
		.arg = f };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	cc.fd = pair[0];
	assert_int_equal(channel_new(&f->ours, f->loop, &cc, NULL), ST_OK);
	cc.fd = pair[1];
	cc.self = party;
	cc.peer = PARTY_KEEPER;
	cc.on_records = on_offered;
	assert_int_equal(channel_new(&f->takers, f->loop, &cc, NULL), ST_OK);
}

static int
set_up_for(void **state, const struct offers_kind *kind, enum party party)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_queue_config qc = {
		.most = 64, .on_done = on_op, .on_batch = on_batch, .arg = f
	};
	struct store_reader_config rc = {
		.most = 64, .on_done = on_read, .arg = f
	};
	struct offers_config oc = { 0 };
	struct err e = { "" };

	assert_non_null(f);
	wrong_s = 0;
	assert_int_equal(loop_new(&f->loop, &e), ST_OK);
	f->limit = event_new(loop_base(f->loop), -1, 0, on_limit, f);
	open_store(f);
	qc.loop = rc.loop = oc.loop = f->loop;
	qc.driver = rc.driver = f->driver;
	qc.store = f->writer;
	rc.store = f->reader;
	assert_int_equal(store_queue_new(&f->queue, &qc, &e), ST_OK);
	assert_int_equal(store_reader_new(&f->reads, &rc, &e), ST_OK);
	oc.kind = kind;
	oc.queue = f->queue;
	oc.reader = f->reads;
	oc.routes = f->routes;
	assert_int_equal(offers_new(&f->offers, &oc, &e), ST_OK);
	open_channel(f, party);
	assert_int_equal(offers_enter(f->offers, TAKER, f->ours), ST_OK);
	*state = f;
	return 0;
}

static int
set_up(void **state)
{
	return set_up_for(state, &deliveries_kind, PARTY_COURIER);
}

static int
set_up_questions(void **state)
{
	return set_up_for(state, &questions_kind, PARTY_ASKER);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	driver_fault_release();
	driver_fault_release_due();
	offers_free(f->offers);
	store_queue_free(f->queue);
	store_reader_free(f->reads);
	channel_free(f->ours);
	channel_free(f->takers);
	event_free(f->limit);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	routes_free(f->routes);
	loop_free(f->loop);
	driver_memory_forget();
	free(f);
	return 0;
}

static void
put(struct fixture *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	const struct routes_merchant *m = routes_find(f->routes, "testbox");

	r.received_at_us = clock_wall_us();
	assert_non_null(m);
	assert_int_equal(
	    store_queue_put(f->queue, &r, &m->endpoints, 1, n), ST_OK);
}

static void
open_window(struct fixture *f, uint32_t most)
{
	struct msg_window m = { .name = "main", .most = most };

	assert_true(offers_window(f->offers, TAKER, &m));
	offers_pump(f->offers);
}

static bool
settle(struct fixture *f, size_t i, uint32_t outcome)
{
	const struct msg_settle m = { .seq = f->delivery[i].seq,
		.endpoint_id = f->delivery[i].endpoint_id,
		.attempt = f->delivery[i].attempt,
		.outcome = outcome,
		.http_status = outcome == OUTCOME_DELIVERED ? 200 : 500 };

	return deliveries_settle(f->offers, TAKER, &m);
}

static void
what_an_old_read_still_shows_is_not_sent_again(void **state)
{
	struct fixture *f = *state;

	open_window(f, 2);
	put(f, 1);
	run_until(f, &f->n, 1);
	driver_fault_hold_due();
	put(f, 2);
	run_until(f, &f->ops, 2);
	driver_fault_await_held_due(); /* it has seen both as due */
	assert_true(settle(f, 0, OUTCOME_DELIVERED));
	run_until(f, &f->ops, 3);
	assert_int_equal(f->last, ST_OK);
	driver_fault_release_due();
	run_until(f, &f->n, 2);
	assert_true(f->delivery[1].seq != f->delivery[0].seq);
	/* A later read, beyond the trace of the first. */
	put(f, 3);
	run_until(f, &f->n, 3);
	assert_true(f->delivery[2].seq != f->delivery[0].seq);
	assert_int_equal(f->n, 3);
}

static void
a_delivery_in_a_couriers_hands_is_not_sent_again(void **state)
{
	struct fixture *f = *state;

	open_window(f, 8);
	put(f, 1);
	run_until(f, &f->n, 1);
	driver_fault_hold();
	assert_true(settle(f, 0, OUTCOME_DELIVERED));
	assert_false(settle(f, 0, OUTCOME_DELIVERED));
	offers_tick(f->offers);
	driver_fault_release();
	put(f, 2);
	run_until(f, &f->n, 2);
	assert_true(f->delivery[1].seq != f->delivery[0].seq);
}

static void
a_settle_waits_for_room_on_the_disk(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;

	open_window(f, 1);
	put(f, 1);
	run_until(f, &f->n, 1);
	driver_fault_commit(1, ST_BUSY);
	assert_true(settle(f, 0, OUTCOME_DELIVERED));
	run_until(f, &f->ops, 2);
	assert_int_equal(f->last, ST_BUSY);
	offers_tick(f->offers);
	run_until(f, &f->ops, 3);
	assert_int_equal(f->last, ST_OK);
	assert_int_equal(f->driver->totals(f->reader, &totals), ST_OK);
	assert_int_equal(totals.deliveries_pending, 0);
	put(f, 2); /* the window is free again */
	run_until(f, &f->n, 2);
}

static void
the_window_opens_with_the_commit_not_before(void **state)
{
	struct fixture *f = *state;

	open_window(f, 1);
	put(f, 1);
	put(f, 2);
	run_until(f, &f->n, 1);
	driver_fault_hold();
	assert_true(settle(f, 0, OUTCOME_STATUS));
	offers_pump(f->offers);
	assert_int_equal(channel_queued(f->ours), 0);
	driver_fault_release();
	run_until(f, &f->n, 2);
	assert_true(f->delivery[1].seq != f->delivery[0].seq);
}

static void
a_clock_that_is_set_back_delays_no_first_attempt(void **state)
{
	struct fixture *f = *state;

	put(f, 1);
	run_until(f, &f->ops, 1);
	wrong_s -= 3600;
	open_window(f, 8);
	run_until(f, &f->n, 1);
	put(f, 2); /* stamped by the clock as it is now */
	run_until(f, &f->n, 2);
}

static void
a_clock_that_is_set_back_delays_no_further_attempt(void **state)
{
	struct fixture *f = *state;

	open_window(f, 8);
	put(f, 1);
	run_until(f, &f->n, 1);
	assert_true(settle(f, 0, OUTCOME_STATUS));
	run_until(f, &f->ops, 2);
	wrong_s -= 3600;
	passed_s += 10;
	offers_pump(f->offers);
	run_until(f, &f->n, 2);
	assert_int_equal(f->delivery[1].attempt, 2);
}

static void
a_clock_that_is_set_forward_delays_nothing(void **state)
{
	struct fixture *f = *state;

	open_window(f, 8);
	put(f, 1);
	run_until(f, &f->n, 1);
	assert_true(settle(f, 0, OUTCOME_STATUS));
	run_until(f, &f->ops, 2);
	wrong_s += 3600;
	passed_s += 10;
	put(f, 2);
	run_until(f, &f->n, 3);
}

/* ---- questions */

static struct receipt
wait_for(struct fixture *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");

	r.received_at_us = clock_wall_us();
	assert_int_equal(store_queue_wait(f->queue, &r, "", 1, n), ST_OK);
	return r;
}

static void
open_for_questions(struct fixture *f, uint32_t most)
{
	struct msg_window m = { .name = "testbox", .most = most };

	assert_true(offers_window(f->offers, TAKER, &m));
	offers_pump(f->offers);
}

static bool
verdict(struct fixture *f, size_t i, enum reason r)
{
	struct msg_verdict m = { .n = f->ask[i].n,
		.merchant = "testbox",
		.attempt = f->ask[i].attempt,
		.reason = r };

	return questions_verdict(f->offers, TAKER, &m);
}

static struct store_totals
totals(struct fixture *f)
{
	struct store_totals t;

	assert_int_equal(f->driver->totals(f->reader, &t), ST_OK);
	return t;
}

static void
a_receipt_and_its_deliveries_come_in_one_commit(void **state)
{
	struct fixture *f = *state;
	struct store_totals t;
	int commits;

	open_for_questions(f, 1);
	(void)wait_for(f, 1);
	run_until(f, &f->n, 1);
	assert_int_equal(totals(f).waiting, 1);
	commits = driver_fault_commits();
	assert_true(verdict(f, 0, REASON_PAID));
	run_until(f, &f->ops, 2);
	assert_int_equal(driver_fault_commits(), commits + 1);
	t = totals(f);
	assert_int_equal(t.waiting, 0);
	assert_int_equal(t.receipts, 1);
	assert_int_equal(t.deliveries_pending, 1);
}

static void
a_verdict_waits_for_room_on_the_disk(void **state)
{
	struct fixture *f = *state;

	open_for_questions(f, 1);
	(void)wait_for(f, 1);
	run_until(f, &f->n, 1);
	driver_fault_commit(1, ST_BUSY);
	assert_true(verdict(f, 0, REASON_PAID));
	run_until(f, &f->ops, 2);
	assert_int_equal(f->last, ST_BUSY);
	assert_int_equal(totals(f).waiting, 1);
	offers_tick(f->offers);
	run_until(f, &f->ops, 3);
	assert_int_equal(f->last, ST_OK);
	assert_int_equal(totals(f).receipts, 1);
	(void)wait_for(f, 2); /* the window is free again */
	run_until(f, &f->n, 2);
}

static void
a_question_in_an_askers_hands_is_not_asked_again(void **state)
{
	struct fixture *f = *state;

	open_for_questions(f, 8);
	(void)wait_for(f, 1);
	run_until(f, &f->n, 1);
	driver_fault_hold();
	assert_true(verdict(f, 0, REASON_TIMEOUT));
	assert_false(verdict(f, 0, REASON_TIMEOUT));
	driver_fault_release();
	(void)wait_for(f, 2);
	run_until(f, &f->n, 2);
	assert_true(f->ask[1].n != f->ask[0].n);
}

static void
what_an_old_read_still_shows_is_not_asked_again(void **state)
{
	struct fixture *f = *state;

	open_for_questions(f, 2);
	(void)wait_for(f, 1);
	run_until(f, &f->n, 1);
	driver_fault_hold_due();
	(void)wait_for(f, 2);
	run_until(f, &f->ops, 2);
	driver_fault_await_held_due(); /* it has seen both as due */
	assert_true(verdict(f, 0, REASON_PAID));
	run_until(f, &f->ops, 3);
	driver_fault_release_due();
	run_until(f, &f->n, 2);
	assert_true(f->ask[1].n != f->ask[0].n);
	(void)wait_for(f, 3);
	run_until(f, &f->n, 3);
	assert_true(f->ask[2].n != f->ask[0].n);
}

static void
what_a_check_decided_meanwhile_is_let_go(void **state)
{
	const struct store_endpoints none = { 0 };
	struct fixture *f = *state;
	struct receipt r;

	open_for_questions(f, 1);
	r = wait_for(f, 1);
	run_until(f, &f->n, 1);
	assert_int_equal(
	    store_queue_found(f->queue, &r, REASON_PAID, &none, 1, 1), ST_OK);
	run_until(f, &f->ops, 2);
	assert_int_equal(totals(f).receipts, 1);
	assert_true(verdict(f, 0, REASON_TIMEOUT));
	run_until(f, &f->ops, 3);
	assert_int_equal(f->last, ST_NOT_FOUND);
	(void)wait_for(f, 2); /* the window is free again */
	run_until(f, &f->n, 2);
	assert_int_equal(totals(f).receipts, 1);
}

static void
a_clock_that_is_set_back_delays_no_question(void **state)
{
	struct fixture *f = *state;

	open_for_questions(f, 8);
	(void)wait_for(f, 1);
	run_until(f, &f->n, 1);
	assert_true(verdict(f, 0, REASON_TIMEOUT));
	run_until(f, &f->ops, 2);
	wrong_s -= 3600;
	passed_s += 10;
	offers_pump(f->offers);
	run_until(f, &f->n, 2);
	assert_int_equal(f->ask[1].attempt, 2);
}

#define QUESTIONS(test) \
	cmocka_unit_test_setup_teardown(test, set_up_questions, tear_down)

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_an_old_read_still_shows_is_not_sent_again),
		CASE(a_delivery_in_a_couriers_hands_is_not_sent_again),
		CASE(a_settle_waits_for_room_on_the_disk),
		CASE(the_window_opens_with_the_commit_not_before),
		CASE(a_clock_that_is_set_back_delays_no_first_attempt),
		CASE(a_clock_that_is_set_back_delays_no_further_attempt),
		CASE(a_clock_that_is_set_forward_delays_nothing),
		QUESTIONS(a_receipt_and_its_deliveries_come_in_one_commit),
		QUESTIONS(a_verdict_waits_for_room_on_the_disk),
		QUESTIONS(a_question_in_an_askers_hands_is_not_asked_again),
		QUESTIONS(what_an_old_read_still_shows_is_not_asked_again),
		QUESTIONS(what_a_check_decided_meanwhile_is_let_go),
		QUESTIONS(a_clock_that_is_set_back_delays_no_question),
	};

	return cmocka_run_group_tests_name("keeper_offers", tests, NULL, NULL);
}
