/* What becomes of deliveries in every store driver: each case runs against
 * each driver.  The lists of them are in test_store_lists.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

/* The order of events: received at 1, 2, ..., attempts end at 50 + number,
 * people speak at 100. */
#define ENDED(attempt) driver_cases_received_us(50 + (attempt))
#define SAID	       driver_cases_received_us(100)

static uint64_t
put(struct store_bench *f, uint32_t n, const char *merchant,
    const char *invoice_id)
{
	struct receipt r = driver_cases_receipt(n, merchant);
	const uint32_t both[] = { f->main_id, f->backup_id };
	struct store_row row;

	if (invoice_id != NULL) {
		memset(r.invoice_id, 0, sizeof(r.invoice_id));
		memcpy(r.invoice_id, invoice_id, strlen(invoice_id));
	}
	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, &r, both, 2), ST_OK);
	store_bench_commit(f);
	assert_int_equal(f->driver->get(f->reader, &r.id, NULL, &row), ST_OK);
	return row.seq;
}

static struct store_settle
ending(struct store_bench *f, uint64_t seq, uint32_t attempt,
    enum delivery_state to)
{
	bool good = to == DELIVERY_DELIVERED;

	return (struct store_settle){ .seq = seq,
		.endpoint_id = f->main_id,
		.attempt = attempt,
		.to = to,
		.outcome = good ? OUTCOME_DELIVERED : OUTCOME_STATUS,
		.http_status = good ? 200 : 500 + attempt,
		.took_ms = 10 + attempt,
		.bytes = 1000 + attempt,
		.now_us = ENDED(attempt),
		.next_us = ENDED(attempt) + 7 };
}

static enum status
settle(struct store_bench *f, uint64_t seq, uint32_t attempt,
    enum delivery_state to)
{
	const struct store_settle d = ending(f, seq, attempt, to);
	enum status st;

	store_bench_begin(f);
	st = f->driver->settle(f->writer, &d);
	store_bench_commit(f);
	return st;
}

static enum status
redeliver(
    struct store_bench *f, uint64_t seq, enum delivery_state to, int64_t at_us)
{
	const struct store_redeliver r = {
		.seq = seq, .endpoint_id = f->main_id, .to = to, .at_us = at_us
	};
	enum status st;

	store_bench_begin(f);
	st = f->driver->redeliver(f->writer, &r);
	store_bench_commit(f);
	return st;
}

/* Bring an untried delivery to a state with its first attempt. */
static void
bring(struct store_bench *f, uint64_t seq, enum delivery_state to)
{
	if (to == DELIVERY_DROPPED)
		assert_int_equal(redeliver(f, seq, to, SAID), ST_OK);
	else
		assert_int_equal(settle(f, seq, 1, to), ST_OK);
}

static void
take_one(void *arg, const struct store_delivery *d)
{
	*(struct store_delivery *)arg = *d;
}

/* The delivery to main. */
static struct delivery
delivery_of(struct store_bench *f, uint64_t seq)
{
	const struct store_which w = { .after = seq << 16,
		.endpoint_id = f->main_id,
		.state = DELIVERY_STATES,
		.limit = 1 };
	struct store_delivery d = { 0 };
	uint64_t last;
	bool more;

	assert_int_equal(
	    f->driver->deliveries(f->reader, &w, take_one, &d, &last, &more),
	    ST_OK);
	assert_true(d.seq == seq);
	assert_string_equal(d.delivery.endpoint, "main");
	return d.delivery;
}

struct attempts {
	size_t n;
	struct delivery_attempt attempt[16];
};

static void
take_attempt(void *arg, const struct delivery_attempt *a)
{
	struct attempts *all = arg;

	assert_true(all->n < ARRAY_LEN(all->attempt));
	all->attempt[all->n++] = *a;
}

static struct attempts
attempts_of(struct store_bench *f, uint32_t n, size_t most)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	struct attempts all = { 0 };

	assert_int_equal(f->driver->attempts(f->reader, &r.id, "main",
			     "testbox", most, take_attempt, &all),
	    ST_OK);
	return all;
}

/* Attempts `from` to `to` as ending() says; `good` of them succeeded. */
static void
expect_log(struct store_bench *f, uint32_t from, uint32_t to, uint32_t good)
{
	struct attempts all = attempts_of(f, 1, 16);

	assert_int_equal(all.n, to - from + 1);
	for (uint32_t k = from; k <= to; k++) {
		const struct delivery_attempt *a = &all.attempt[k - from];

		assert_int_equal(a->number, k);
		assert_true(a->at_us == ENDED(k));
		assert_int_equal(a->outcome,
		    good >> k & 1 ? OUTCOME_DELIVERED : OUTCOME_STATUS);
		assert_int_equal(a->http_status, good >> k & 1 ? 200 : 500 + k);
		assert_int_equal(a->took_ms, 10 + k);
		assert_int_equal(a->bytes, 1000 + k);
	}
}

static void
take_due(void *arg, const struct store_due *due)
{
	struct store_bench_dues *all = arg;

	assert_true(all->n < ARRAY_LEN(all->due));
	all->due[all->n++] = *due;
}

static struct store_bench_dues
dues(struct store_bench *f, uint32_t endpoint_id, bool ordered, int64_t now_us)
{
	struct store_bench_dues all = { 0 };

	assert_int_equal(f->driver->due(f->reader, endpoint_id, ordered, now_us,
			     64, take_due, &all, &all.next_us),
	    ST_OK);
	return all;
}

/* What is due at main is that one delivery; the backup's is left alone. */
static struct store_due
only_due(struct store_bench *f)
{
	struct store_bench_dues all =
	    dues(f, f->main_id, false, STORE_BENCH_LATER);

	assert_int_equal(all.n, 1);
	assert_int_equal(dues(f, f->backup_id, false, STORE_BENCH_LATER).n, 1);
	return all.due[0];
}

/* ---- settle */

static void
a_schedule_starts_when_the_delivery_came_to_be(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);
	struct store_due due = only_due(f);

	assert_true(due.first_us == driver_cases_received_us(1));
	assert_int_equal(due.failed, 0);
	assert_int_equal(due.attempt, 1);
	for (uint32_t k = 1; k <= 3; k++) {
		assert_int_equal(settle(f, seq, k, DELIVERY_PENDING), ST_OK);
		due = only_due(f);
		assert_true(due.first_us == driver_cases_received_us(1));
		assert_int_equal(due.failed, k);
		assert_int_equal(due.attempt, k + 1);
	}
}

static void
a_payment_that_is_confirmed_is_owed_from_then_on(void **state)
{
	struct store_bench *f = *state;
	struct store_bench_dues all;

	store_bench_bring(f, 1, LIFE_WAITING);
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_CONFIRMED), ST_OK);
	all = dues(f, f->main_id, false, STORE_BENCH_LATER);
	assert_int_equal(all.n, 1);
	assert_true(all.due[0].first_us == driver_cases_received_us(60));
}

static void
an_exhausted_delivery_is_kept_but_due_no_more(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);
	struct store_totals t;
	struct delivery d;

	assert_int_equal(settle(f, seq, 1, DELIVERY_PENDING), ST_OK);
	assert_int_equal(settle(f, seq, 2, DELIVERY_EXHAUSTED), ST_OK);
	assert_int_equal(dues(f, f->main_id, false, STORE_BENCH_LATER).n, 0);
	t = store_bench_totals(f);
	assert_int_equal(t.exhausted, 1);
	assert_int_equal(t.deliveries_pending, 1); /* the backup's */
	assert_int_equal(settle(f, seq, 2, DELIVERY_DELIVERED), ST_NOT_FOUND);
	assert_int_equal(settle(f, seq, 3, DELIVERY_DELIVERED), ST_NOT_FOUND);
	assert_int_equal(settle(f, seq, 3, DELIVERY_PENDING), ST_NOT_FOUND);
	d = delivery_of(f, seq);
	assert_int_equal(d.state, DELIVERY_EXHAUSTED);
	assert_int_equal(d.attempts, 2);
	assert_int_equal(d.outcome, OUTCOME_STATUS);
	assert_int_equal(d.http_status, 502);
	assert_true(d.at_us == ENDED(2));
	expect_log(f, 1, 2, 0);
}

static void
an_attempt_that_is_not_the_one_to_come_leaves_no_log(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);

	assert_int_equal(settle(f, seq, 2, DELIVERY_PENDING), ST_NOT_FOUND);
	assert_int_equal(settle(f, seq, 2, DELIVERY_EXHAUSTED), ST_NOT_FOUND);
	assert_int_equal(attempts_of(f, 1, 16).n, 0);
	assert_int_equal(store_bench_totals(f).exhausted, 0);
	assert_int_equal(store_bench_totals(f).deliveries_pending, 2);
}

/* ---- a person's word */

static void
a_person_moves_a_delivery_where_the_table_allows(void **state)
{
	struct store_bench *f = *state;
	uint32_t n = 1;

	for (unsigned from = 0; from < DELIVERY_STATES; from++) {
		static const enum delivery_state to[] = { DELIVERY_PENDING,
			DELIVERY_DROPPED };

		for (size_t i = 0; i < ARRAY_LEN(to); i++, n++) {
			uint64_t seq = put(f, n, "testbox", NULL);
			bool allowed =
			    delivery_move((enum delivery_state)from, to[i]);

			bring(f, seq, (enum delivery_state)from);
			assert_int_equal(redeliver(f, seq, to[i], SAID + 1),
			    allowed ? ST_OK : ST_EXISTS);
			assert_int_equal(delivery_of(f, seq).state,
			    allowed ? to[i] : (enum delivery_state)from);
			if (allowed)
				assert_true(
				    delivery_of(f, seq).at_us == SAID + 1);
		}
	}
	/* Four were retried; an exhausted and a pending one dropped, and one
	 * was dropped already.  All of the backup's are pending. */
	assert_int_equal(store_bench_totals(f).exhausted, 0);
	assert_int_equal(store_bench_totals(f).deliveries_pending, n - 1 + 4);
	assert_int_equal(dues(f, f->main_id, false, STORE_BENCH_LATER).n, 4);
}

static void
a_retried_delivery_starts_its_schedule_again(void **state)
{
	static const enum delivery_state states[] = { DELIVERY_PENDING,
		DELIVERY_DELIVERED, DELIVERY_EXHAUSTED };
	struct store_bench *f = *state;

	for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
		uint64_t seq = put(f, i + 1, "testbox", NULL);
		struct store_bench_dues all;

		assert_int_equal(settle(f, seq, 1, DELIVERY_PENDING), ST_OK);
		assert_int_equal(settle(f, seq, 2, states[i]), ST_OK);
		assert_int_equal(
		    redeliver(f, seq, DELIVERY_PENDING, SAID), ST_OK);
		assert_int_equal(dues(f, f->main_id, false, SAID - 1).n, 0);
		all = dues(f, f->main_id, false, SAID);
		assert_int_equal(all.n, 1);
		assert_true(all.due[0].row.seq == seq);
		assert_true(all.due[0].first_us == SAID);
		assert_int_equal(all.due[0].failed, 0);
		assert_int_equal(all.due[0].attempt, 3);
		assert_int_equal(settle(f, seq, 3, DELIVERY_PENDING), ST_OK);
		all = dues(f, f->main_id, false, STORE_BENCH_LATER);
		assert_true(all.due[0].first_us == SAID);
		assert_int_equal(all.due[0].failed, 1);
		assert_int_equal(all.due[0].attempt, 4);
		assert_int_equal(settle(f, seq, 4, DELIVERY_DELIVERED), ST_OK);
	}
}

static void
a_dropped_delivery_is_due_no_more_and_comes_back(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);

	assert_int_equal(redeliver(f, seq, DELIVERY_DROPPED, SAID), ST_OK);
	assert_int_equal(dues(f, f->main_id, false, STORE_BENCH_LATER).n, 0);
	assert_int_equal(settle(f, seq, 1, DELIVERY_DELIVERED), ST_NOT_FOUND);
	assert_int_equal(delivery_of(f, seq).attempts, 0);
	assert_int_equal(delivery_of(f, seq).outcome, OUTCOMES);
	assert_int_equal(redeliver(f, seq, DELIVERY_PENDING, SAID), ST_OK);
	assert_int_equal(only_due(f).attempt, 1);
	assert_int_equal(settle(f, seq, 1, DELIVERY_DELIVERED), ST_OK);
	assert_int_equal(delivery_of(f, seq).state, DELIVERY_DELIVERED);
}

/* It was on its way when somebody asked for it again: its end counts. */
static void
an_attempt_under_way_ends_a_delivery_that_is_retried_meanwhile(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);

	assert_int_equal(settle(f, seq, 1, DELIVERY_PENDING), ST_OK);
	assert_int_equal(redeliver(f, seq, DELIVERY_PENDING, SAID), ST_OK);
	assert_int_equal(settle(f, seq, 2, DELIVERY_DELIVERED), ST_OK);
	assert_int_equal(delivery_of(f, seq).state, DELIVERY_DELIVERED);
}

static void
a_delivery_that_is_not_there_is_not_moved(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq;

	assert_int_equal(store_bench_put(f, 1), ST_OK);
	seq = put(f, 2, "testbox", NULL);
	assert_int_equal(
	    redeliver(f, seq + 1, DELIVERY_PENDING, SAID), ST_NOT_FOUND);
	assert_int_equal(
	    redeliver(f, seq + 1, DELIVERY_DROPPED, SAID), ST_NOT_FOUND);
	f->main_id = f->backup_id; /* receipt 1 is not owed to it */
	assert_int_equal(
	    redeliver(f, seq - 1, DELIVERY_PENDING, SAID), ST_NOT_FOUND);
}

/* ---- the log */

static void
the_log_holds_every_attempt_also_good_ones_of_before(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);

	assert_int_equal(settle(f, seq, 1, DELIVERY_PENDING), ST_OK);
	assert_int_equal(settle(f, seq, 2, DELIVERY_DELIVERED), ST_OK);
	expect_log(f, 1, 2, 1 << 2);
	assert_int_equal(redeliver(f, seq, DELIVERY_PENDING, SAID), ST_OK);
	expect_log(f, 1, 2, 1 << 2);
	assert_int_equal(delivery_of(f, seq).attempts, 2);
	assert_int_equal(settle(f, seq, 3, DELIVERY_EXHAUSTED), ST_OK);
	assert_int_equal(redeliver(f, seq, DELIVERY_PENDING, SAID), ST_OK);
	assert_int_equal(settle(f, seq, 4, DELIVERY_DELIVERED), ST_OK);
	expect_log(f, 1, 4, 1 << 2 | 1 << 4);
	assert_int_equal(delivery_of(f, seq).attempts, 4);
	assert_int_equal(delivery_of(f, seq).http_status, 200);
}

static void
a_long_log_is_shown_from_its_end(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);
	struct attempts all;

	for (uint32_t k = 1; k <= 6; k++)
		assert_int_equal(settle(f, seq, k, DELIVERY_PENDING), ST_OK);
	assert_int_equal(settle(f, seq, 7, DELIVERY_DELIVERED), ST_OK);
	all = attempts_of(f, 1, 3);
	assert_int_equal(all.n, 3);
	for (uint32_t k = 0; k < 3; k++)
		assert_int_equal(all.attempt[k].number, 5 + k);
}

static void
a_log_is_one_deliverys_and_one_merchants(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct receipt unknown = driver_cases_receipt(9, "testbox");
	struct attempts all = { 0 };
	const struct store_driver *driver = f->driver;

	assert_int_equal(
	    settle(f, put(f, 1, "testbox", NULL), 1, DELIVERY_PENDING), ST_OK);
	assert_int_equal(
	    settle(f, put(f, 2, "testbox", NULL), 1, DELIVERY_PENDING), ST_OK);
	expect_log(f, 1, 1, 0);
	assert_int_equal(driver->attempts(f->reader, &r.id, "backup", NULL, 9,
			     take_attempt, &all),
	    ST_OK);
	assert_int_equal(all.n, 0);
	assert_int_equal(driver->attempts(f->reader, &r.id, "main", "otherbox",
			     9, take_attempt, &all),
	    ST_NOT_FOUND);
	assert_int_equal(driver->attempts(f->reader, &r.id, "nobody", NULL, 9,
			     take_attempt, &all),
	    ST_NOT_FOUND);
	assert_int_equal(driver->attempts(f->reader, &unknown.id, "main", NULL,
			     9, take_attempt, &all),
	    ST_NOT_FOUND);
}

static size_t
sweep(struct store_bench *f, int64_t before_us, size_t most)
{
	size_t n = 99;

	store_bench_begin(f);
	assert_int_equal(f->driver->sweep(f->writer, STORE_SWEEP_ATTEMPTS,
			     before_us, most, &n),
	    ST_OK);
	store_bench_commit(f);
	return n;
}

static void
old_attempts_are_forgotten_a_few_at_a_time(void **state)
{
	struct store_bench *f = *state;
	uint64_t seq = put(f, 1, "testbox", NULL);

	assert_int_equal(sweep(f, INT64_MAX, 10), 0);
	for (uint32_t k = 1; k <= 6; k++)
		assert_int_equal(settle(f, seq, k, DELIVERY_PENDING), ST_OK);
	assert_int_equal(sweep(f, ENDED(1), 10), 0);
	assert_int_equal(sweep(f, ENDED(5), 3), 3);
	expect_log(f, 4, 6, 0);
	assert_int_equal(sweep(f, ENDED(5), 3), 1);
	expect_log(f, 5, 6, 0);
	assert_int_equal(sweep(f, ENDED(5), 3), 0);
	assert_int_equal(settle(f, seq, 7, DELIVERY_DELIVERED), ST_OK);
	assert_int_equal(sweep(f, INT64_MAX, 10), 2);
	expect_log(f, 7, 7, 1 << 7);
	assert_int_equal(delivery_of(f, seq).attempts, 7);
}

/* ---- in order of an invoice */

static void
of_an_invoice_the_first_pending_delivery_alone_is_due(void **state)
{
	struct store_bench *f = *state;
	uint64_t one = put(f, 1, "testbox", "ORDER-1");
	uint64_t two = put(f, 2, "testbox", "ORDER-1");
	uint64_t three = put(f, 3, "testbox", "ORDER-2");
	uint64_t four = put(f, 4, "otherbox", "ORDER-1");
	struct store_bench_dues all =
	    dues(f, f->main_id, true, STORE_BENCH_LATER);

	assert_int_equal(all.n, 3);
	assert_true(all.due[0].row.seq == one);
	assert_true(all.due[1].row.seq == three);
	assert_true(all.due[2].row.seq == four);
	assert_int_equal(dues(f, f->main_id, false, STORE_BENCH_LATER).n, 4);
	/* Also while the first one waits for its next attempt. */
	assert_int_equal(settle(f, one, 1, DELIVERY_PENDING), ST_OK);
	all = dues(f, f->main_id, true, ENDED(1));
	assert_int_equal(all.n, 2);
	assert_true(all.next_us == ENDED(1) + 7);
	assert_int_equal(settle(f, one, 2, DELIVERY_DELIVERED), ST_OK);
	all = dues(f, f->main_id, true, ENDED(1));
	assert_int_equal(all.n, 3);
	assert_true(all.due[0].row.seq == two);
	/* To another endpoint it is another delivery. */
	assert_true(
	    dues(f, f->backup_id, true, STORE_BENCH_LATER).due[0].row.seq ==
	    one);
	assert_int_equal(dues(f, f->backup_id, true, STORE_BENCH_LATER).n, 3);
}

static void
what_is_tried_no_more_holds_up_nobody(void **state)
{
	struct store_bench *f = *state;
	uint64_t one = put(f, 1, "testbox", "ORDER-1");
	uint64_t two = put(f, 2, "testbox", "ORDER-1");
	uint64_t three = put(f, 3, "testbox", "ORDER-1");
	struct store_bench_dues all;

	assert_int_equal(settle(f, one, 1, DELIVERY_EXHAUSTED), ST_OK);
	assert_int_equal(redeliver(f, two, DELIVERY_DROPPED, SAID), ST_OK);
	all = dues(f, f->main_id, true, STORE_BENCH_LATER);
	assert_int_equal(all.n, 1);
	assert_true(all.due[0].row.seq == three);
	assert_int_equal(redeliver(f, one, DELIVERY_PENDING, SAID), ST_OK);
	all = dues(f, f->main_id, true, STORE_BENCH_LATER);
	assert_int_equal(all.n, 1);
	assert_true(all.due[0].row.seq == one);
}

/* ---- the store as a whole */

static void
an_endpoint_that_is_disabled_stays_so_until_it_is_not(void **state)
{
	struct store_bench *f = *state;
	int64_t since_us = 7;
	uint32_t id;

	store_bench_begin(f);
	assert_int_equal(
	    f->driver->disable(f->writer, f->main_id, SAID), ST_OK);
	store_bench_commit(f);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	f->reader = NULL;
	store_bench_open(f);
	assert_int_equal(
	    f->driver->endpoint(f->writer, "main", &id, &since_us), ST_OK);
	assert_int_equal(id, f->main_id);
	assert_true(since_us == SAID);
	assert_int_equal(
	    f->driver->endpoint(f->writer, "backup", &id, &since_us), ST_OK);
	assert_true(since_us == 0);
	store_bench_begin(f);
	assert_int_equal(f->driver->disable(f->writer, f->main_id, 0), ST_OK);
	store_bench_commit(f);
	assert_int_equal(
	    f->driver->endpoint(f->writer, "main", &id, &since_us), ST_OK);
	assert_true(since_us == 0);
}

static void
an_abort_takes_back_what_became_of_deliveries(void **state)
{
	struct store_bench *f = *state;
	uint64_t one = put(f, 1, "testbox", NULL);
	uint64_t two = put(f, 2, "testbox", NULL);
	struct store_settle d = ending(f, one, 1, DELIVERY_EXHAUSTED);
	struct store_redeliver r = { .seq = two,
		.endpoint_id = f->main_id,
		.to = DELIVERY_PENDING,
		.at_us = SAID };
	struct store_totals before, after;

	assert_int_equal(settle(f, two, 1, DELIVERY_DELIVERED), ST_OK);
	before = store_bench_totals(f);
	store_bench_begin(f);
	assert_int_equal(f->driver->settle(f->writer, &d), ST_OK);
	assert_int_equal(f->driver->redeliver(f->writer, &r), ST_OK);
	f->driver->abort(f->writer);
	after = store_bench_totals(f);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(delivery_of(f, one).state, DELIVERY_PENDING);
	assert_int_equal(delivery_of(f, two).state, DELIVERY_DELIVERED);
	assert_int_equal(attempts_of(f, 1, 16).n, 0);
	/* Nor does it count in the next transaction. */
	assert_int_equal(settle(f, one, 1, DELIVERY_EXHAUSTED), ST_OK);
	assert_int_equal(store_bench_totals(f).exhausted, 1);
	assert_int_equal(store_bench_totals(f).deliveries_pending, 2);
}

static void
what_became_of_deliveries_outlives_reopening(void **state)
{
	struct store_bench *f = *state;
	struct store_totals before, after;
	uint64_t seq[DELIVERY_STATES];

	for (unsigned to = 0; to < DELIVERY_STATES; to++) {
		seq[to] = put(f, to + 1, "testbox", NULL);
		bring(f, seq[to], (enum delivery_state)to);
	}
	before = store_bench_totals(f);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	f->reader = NULL;
	store_bench_open(f);
	after = store_bench_totals(f);
	assert_memory_equal(&before, &after, sizeof(before));
	for (unsigned to = 0; to < DELIVERY_STATES; to++)
		assert_int_equal(delivery_of(f, seq[to]).state, to);
	expect_log(f, 1, 1, 0);
}

#define CASE(test)                                                             \
	{ #test, test, store_bench_set_up_memory, store_bench_tear_down,       \
		NULL },                                                        \
	{                                                                      \
#test, test, store_bench_set_up_sqlite, store_bench_tear_down, \
		    NULL                                                       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_schedule_starts_when_the_delivery_came_to_be),
		CASE(a_payment_that_is_confirmed_is_owed_from_then_on),
		CASE(an_exhausted_delivery_is_kept_but_due_no_more),
		CASE(an_attempt_that_is_not_the_one_to_come_leaves_no_log),
		CASE(a_person_moves_a_delivery_where_the_table_allows),
		CASE(a_retried_delivery_starts_its_schedule_again),
		CASE(a_dropped_delivery_is_due_no_more_and_comes_back),
		CASE(
		    an_attempt_under_way_ends_a_delivery_that_is_retried_meanwhile),
		CASE(a_delivery_that_is_not_there_is_not_moved),
		CASE(the_log_holds_every_attempt_also_good_ones_of_before),
		CASE(a_long_log_is_shown_from_its_end),
		CASE(a_log_is_one_deliverys_and_one_merchants),
		CASE(old_attempts_are_forgotten_a_few_at_a_time),
		CASE(of_an_invoice_the_first_pending_delivery_alone_is_due),
		CASE(what_is_tried_no_more_holds_up_nobody),
		CASE(an_endpoint_that_is_disabled_stays_so_until_it_is_not),
		CASE(an_abort_takes_back_what_became_of_deliveries),
		CASE(what_became_of_deliveries_outlives_reopening),
	};

	return cmocka_run_group_tests_name(
	    "store_deliveries", tests, NULL, NULL);
}
