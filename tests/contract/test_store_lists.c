/* Lists of deliveries from every store driver: each case runs against each
 * driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

#define PIECES 200 /* a list that is read in pieces ends before that */

/* Position and state, as one number: seq, endpoint, state. */
#define LINE(seq, endpoint, state) ((seq)*100 + (endpoint)*10 + (state))

enum {
	P = DELIVERY_PENDING,
	D = DELIVERY_DELIVERED,
	E = DELIVERY_EXHAUSTED,
	X = DELIVERY_DROPPED
};

struct list {
	size_t n;
	bool more;
	uint64_t last;
	struct store_delivery delivery[64];
};

static void
take(void *arg, const struct store_delivery *d)
{
	struct list *list = arg;

	assert_true(list->n < ARRAY_LEN(list->delivery));
	list->delivery[list->n++] = *d;
}

static struct list
list_of(struct store_bench *f, struct store_which w)
{
	struct list list = { 0 };

	if (w.limit == 0)
		w.limit = ARRAY_LEN(list.delivery);
	assert_int_equal(f->driver->deliveries(f->reader, &w, take, &list,
			     &list.last, &list.more),
	    ST_OK);
	return list;
}

static uint64_t
line_of(const struct store_bench *f, const struct store_delivery *d)
{
	return LINE(d->seq, d->endpoint_id == f->main_id ? 1u : 2u,
	    (unsigned)d->delivery.state);
}

static void
expect(const struct store_bench *f, const struct list *list,
    const uint64_t *lines, size_t n)
{
	assert_int_equal(list->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(line_of(f, &list->delivery[i]), lines[i]);
}

#define EXPECT(f, is, ...)                                      \
	do {                                                    \
		static const uint64_t all_[] = { __VA_ARGS__ }; \
		const struct list is_ = (is);                   \
		expect((f), &is_, all_, ARRAY_LEN(all_));       \
	} while (0)

static void
settle(struct store_bench *f, uint64_t seq, uint32_t endpoint_id,
    enum delivery_state to)
{
	const struct store_settle d = { .seq = seq,
		.endpoint_id = endpoint_id,
		.attempt = 1,
		.to = to,
		.outcome =
		    to == DELIVERY_DELIVERED ? OUTCOME_DELIVERED : OUTCOME_TLS,
		.http_status = to == DELIVERY_DELIVERED ? 204 : 0,
		.now_us = driver_cases_received_us(50),
		.next_us = driver_cases_received_us(51) };

	store_bench_begin(f);
	assert_int_equal(f->driver->settle(f->writer, &d), ST_OK);
	store_bench_commit(f);
}

static void
drop(struct store_bench *f, uint64_t seq, uint32_t endpoint_id)
{
	const struct store_redeliver r = { .seq = seq,
		.endpoint_id = endpoint_id,
		.to = DELIVERY_DROPPED,
		.at_us = driver_cases_received_us(55) };

	store_bench_begin(f);
	assert_int_equal(f->driver->redeliver(f->writer, &r), ST_OK);
	store_bench_commit(f);
}

static void
put(struct store_bench *f, uint32_t n, const char *merchant, size_t endpoints)
{
	const uint32_t both[] = { f->main_id, f->backup_id };
	struct receipt r = driver_cases_receipt(n, merchant);

	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, &r, both, endpoints), ST_OK);
	store_bench_commit(f);
}

/* Seq 1 to 7: of testbox 1 to 5 (seq 6: nobody's to get), of otherbox 7.
 * Numbers of receipts are those of seq, but 7 has the invoice of 2. */
static void
fill(struct store_bench *f)
{
	for (uint32_t n = 1; n <= 5; n++)
		put(f, n, "testbox", 2);
	put(f, 6, "testbox", 0);
	put(f, 2, "otherbox", 1);
	settle(f, 2, f->main_id, DELIVERY_DELIVERED);
	settle(f, 3, f->main_id, DELIVERY_PENDING);
	settle(f, 3, f->backup_id, DELIVERY_EXHAUSTED);
	drop(f, 4, f->main_id);
	settle(f, 4, f->backup_id, DELIVERY_DELIVERED);
	settle(f, 5, f->main_id, DELIVERY_EXHAUSTED);
	drop(f, 5, f->backup_id);
}

#define ALL                                                             \
	LINE(1, 1, P), LINE(1, 2, P), LINE(2, 1, D), LINE(2, 2, P),     \
	    LINE(3, 1, P), LINE(3, 2, E), LINE(4, 1, X), LINE(4, 2, D), \
	    LINE(5, 1, E), LINE(5, 2, X), LINE(7, 1, P)

static const struct store_which everything = { .state = DELIVERY_STATES };

/* ---- order, limits */

static void
deliveries_are_listed_in_the_order_of_their_positions(void **state)
{
	struct store_bench *f = *state;
	struct list list = list_of(f, everything);

	assert_int_equal(list.n, 0);
	assert_false(list.more);
	assert_int_equal(list.last, 0);
	fill(f);
	EXPECT(f, list_of(f, everything), ALL);
	assert_false(list_of(f, everything).more);
}

static void
a_list_goes_on_behind_any_position(void **state)
{
	struct store_bench *f = *state;
	struct store_which w = everything;
	size_t n = 0;

	fill(f);
	w.limit = 1;
	for (int i = 0; i < PIECES; i++) {
		static const uint64_t all[] = { ALL };
		struct list list = list_of(f, w);

		if (list.n == 1)
			assert_int_equal(
			    line_of(f, &list.delivery[0]), all[n++]);
		if (!list.more) {
			assert_int_equal(n, ARRAY_LEN(all));
			return;
		}
		assert_true(list.last > w.after);
		w.after = list.last;
	}
	fail();
}

static void
a_listed_delivery_is_filled_in(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(3, "testbox");
	struct store_which w = everything;
	struct list list;
	const struct delivery *d;

	fill(f);
	w.id = &r.id;
	list = list_of(f, w);
	assert_int_equal(list.n, 2);
	d = &list.delivery[0].delivery;
	assert_memory_equal(&d->receipt, &r, sizeof(r));
	assert_string_equal(d->endpoint, "main");
	assert_int_equal(d->attempts, 1);
	assert_int_equal(d->outcome, OUTCOME_TLS);
	assert_int_equal(d->http_status, 0);
	assert_true(d->at_us == driver_cases_received_us(51)); /* due then */
	d = &list.delivery[1].delivery;
	assert_string_equal(d->endpoint, "backup");
	assert_int_equal(d->outcome, OUTCOME_TLS);
	assert_true(d->at_us == driver_cases_received_us(50));
	r = driver_cases_receipt(4, "testbox");
	list = list_of(f, w);
	assert_int_equal(list.n, 2);
	d = &list.delivery[0].delivery;
	assert_int_equal(d->attempts, 0);
	assert_int_equal(d->outcome, OUTCOMES);
	assert_true(d->at_us == driver_cases_received_us(55));
	d = &list.delivery[1].delivery;
	assert_int_equal(d->attempts, 1);
	assert_int_equal(d->outcome, OUTCOME_DELIVERED);
	assert_int_equal(d->http_status, 204);
	assert_true(d->at_us == driver_cases_received_us(50));
	r = driver_cases_receipt(1, "testbox");
	list = list_of(f, w);
	d = &list.delivery[0].delivery;
	assert_int_equal(d->attempts, 0);
	assert_int_equal(d->outcome, OUTCOMES);
	assert_true(d->at_us == driver_cases_received_us(1));
}

/* ---- filters */

static void
a_list_holds_one_state_only(void **state)
{
	struct store_bench *f = *state;
	struct store_which w = everything;

	fill(f);
	w.state = DELIVERY_PENDING;
	EXPECT(f, list_of(f, w), LINE(1, 1, P), LINE(1, 2, P), LINE(2, 2, P),
	    LINE(3, 1, P), LINE(7, 1, P));
	w.state = DELIVERY_DELIVERED;
	EXPECT(f, list_of(f, w), LINE(2, 1, D), LINE(4, 2, D));
	w.state = DELIVERY_EXHAUSTED;
	EXPECT(f, list_of(f, w), LINE(3, 2, E), LINE(5, 1, E));
	w.state = DELIVERY_DROPPED;
	EXPECT(f, list_of(f, w), LINE(4, 1, X), LINE(5, 2, X));
}

static void
a_list_holds_one_endpoint_only(void **state)
{
	struct store_bench *f = *state;
	struct store_which w = everything;

	fill(f);
	w.endpoint_id = f->backup_id;
	EXPECT(f, list_of(f, w), LINE(1, 2, P), LINE(2, 2, P), LINE(3, 2, E),
	    LINE(4, 2, D), LINE(5, 2, X));
	w.state = DELIVERY_PENDING;
	EXPECT(f, list_of(f, w), LINE(1, 2, P), LINE(2, 2, P));
	w.state = DELIVERY_DELIVERED;
	w.endpoint_id = f->main_id;
	EXPECT(f, list_of(f, w), LINE(2, 1, D));
	w.endpoint_id = 4711;
	assert_int_equal(list_of(f, w).n, 0);
}

static void
a_list_is_one_merchants(void **state)
{
	struct store_bench *f = *state;
	struct store_which w = everything;

	fill(f);
	w.merchant = "otherbox";
	EXPECT(f, list_of(f, w), LINE(7, 1, P));
	w.state = DELIVERY_PENDING;
	EXPECT(f, list_of(f, w), LINE(7, 1, P));
	w.merchant = "testbox";
	EXPECT(f, list_of(f, w), LINE(1, 1, P), LINE(1, 2, P), LINE(2, 2, P),
	    LINE(3, 1, P));
	w.state = DELIVERY_EXHAUSTED;
	EXPECT(f, list_of(f, w), LINE(3, 2, E), LINE(5, 1, E));
	w.merchant = "otherbox";
	assert_int_equal(list_of(f, w).n, 0);
}

static void
a_list_is_of_one_invoice_or_one_receipt(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(2, "otherbox");
	struct store_which w = everything;

	fill(f);
	w.invoice_id = "INV-2025-000002";
	EXPECT(f, list_of(f, w), LINE(2, 1, D), LINE(2, 2, P), LINE(7, 1, P));
	w.state = DELIVERY_PENDING;
	EXPECT(f, list_of(f, w), LINE(2, 2, P), LINE(7, 1, P));
	w.merchant = "testbox";
	EXPECT(f, list_of(f, w), LINE(2, 2, P));
	w = everything;
	w.id = &r.id;
	EXPECT(f, list_of(f, w), LINE(7, 1, P));
	w.merchant = "testbox";
	assert_int_equal(list_of(f, w).n, 0);
	w = everything;
	w.id = &r.id;
	w.state = DELIVERY_DELIVERED;
	assert_int_equal(list_of(f, w).n, 0);
	r = driver_cases_receipt(9, "testbox");
	w.state = DELIVERY_STATES;
	assert_int_equal(list_of(f, w).n, 0);
}

static void
a_list_holds_what_was_received_from_then_until_before_then(void **state)
{
	struct store_bench *f = *state;
	struct store_which w = everything;

	fill(f);
	w.from_us = driver_cases_received_us(4);
	EXPECT(f, list_of(f, w), LINE(4, 1, X), LINE(4, 2, D), LINE(5, 1, E),
	    LINE(5, 2, X));
	w.to_us = driver_cases_received_us(5);
	EXPECT(f, list_of(f, w), LINE(4, 1, X), LINE(4, 2, D));
	w.from_us = 0;
	w.state = DELIVERY_PENDING;
	w.to_us = driver_cases_received_us(2) + 1;
	EXPECT(f, list_of(f, w), LINE(1, 1, P), LINE(1, 2, P), LINE(2, 2, P),
	    LINE(7, 1, P));
}

/* ---- bounded pieces */

/* All of a list, `scan` rows looked at a time, is what it is read at once. */
static void
expect_same_in_pieces(struct store_bench *f, struct store_which w, size_t scan)
{
	struct list whole = list_of(f, w);
	size_t n = 0;
	bool more = true;

	w.scan = scan;
	w.limit = 3;
	for (int i = 0; more; i++) {
		struct list piece = list_of(f, w);

		assert_true(i < PIECES);
		assert_true(piece.n <= w.limit);
		for (size_t k = 0; k < piece.n; k++, n++) {
			assert_true(n < whole.n);
			assert_int_equal(line_of(f, &piece.delivery[k]),
			    line_of(f, &whole.delivery[n]));
		}
		more = piece.more;
		assert_true(!more || piece.last > w.after);
		w.after = piece.last;
	}
	assert_int_equal(n, whole.n);
}

static void
a_list_in_bounded_pieces_is_the_whole_list(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(3, "testbox");
	const struct store_which lists[] = {
		everything,
		{ .state = DELIVERY_STATES, .merchant = "testbox" },
		{ .state = DELIVERY_STATES, .merchant = "otherbox" },
		{ .state = DELIVERY_STATES, .endpoint_id = f->backup_id },
		{ .state = DELIVERY_STATES, .invoice_id = "INV-2025-000002" },
		{ .state = DELIVERY_STATES, .id = &r.id },
		{ .state = DELIVERY_PENDING },
		{ .state = DELIVERY_PENDING, .merchant = "otherbox" },
		{ .state = DELIVERY_DELIVERED },
		{ .state = DELIVERY_DELIVERED, .merchant = "otherbox" },
		{ .state = DELIVERY_EXHAUSTED },
		{ .state = DELIVERY_DROPPED, .endpoint_id = f->main_id },
		{ .state = DELIVERY_STATES,
		    .from_us = driver_cases_received_us(5) },
	};

	fill(f);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (size_t scan = 1; scan <= 8; scan++)
			expect_same_in_pieces(f, lists[i], scan);
	}
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
		CASE(deliveries_are_listed_in_the_order_of_their_positions),
		CASE(a_list_goes_on_behind_any_position),
		CASE(a_listed_delivery_is_filled_in),
		CASE(a_list_holds_one_state_only),
		CASE(a_list_holds_one_endpoint_only),
		CASE(a_list_is_one_merchants),
		CASE(a_list_is_of_one_invoice_or_one_receipt),
		CASE(
		    a_list_holds_what_was_received_from_then_until_before_then),
		CASE(a_list_in_bounded_pieces_is_the_whole_list),
	};

	return cmocka_run_group_tests_name("store_lists", tests, NULL, NULL);
}
