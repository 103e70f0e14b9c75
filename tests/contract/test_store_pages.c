/* Which receipts a page of every store driver holds: each case runs against
 * each driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

#define PIECES 200 /* a list that is read in pieces ends before that */

struct rows {
	size_t n;
	bool more;
	uint64_t last;
	uint32_t number[64]; /* of the receipt: the n of driver_cases */
	uint64_t seq[64];
};

static void
take_row(void *arg, const struct store_row *row)
{
	struct rows *rows = arg;

	assert_true(rows->n < ARRAY_LEN(rows->number));
	memcpy(&rows->number[rows->n], row->receipt.id.b, sizeof(uint32_t));
	rows->seq[rows->n++] = row->seq;
}

static struct rows
page(struct store_bench *f, struct store_query q)
{
	struct rows rows = { 0 };

	if (q.limit == 0)
		q.limit = ARRAY_LEN(rows.number);
	assert_int_equal(f->driver->page(f->reader, &q, take_row, &rows,
			     &rows.last, &rows.more),
	    ST_OK);
	return rows;
}

#define EXPECT(rows, ...)                                               \
	do {                                                            \
		static const uint32_t all_[] = { __VA_ARGS__ };         \
		assert_int_equal((rows).n, ARRAY_LEN(all_));            \
		assert_memory_equal((rows).number, all_, sizeof(all_)); \
	} while (0)

static void
put(struct store_bench *f, const struct receipt *r, size_t endpoints)
{
	const uint32_t both[] = { f->main_id, f->backup_id };

	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, r, both, endpoints), ST_OK);
	store_bench_commit(f);
}

static void
put_range(
    struct store_bench *f, uint32_t from, uint32_t to, const char *merchant)
{
	for (uint32_t n = from; n <= to; n++) {
		struct receipt r = driver_cases_receipt(n, merchant);

		put(f, &r, 1);
	}
}

static void
settle(struct store_bench *f, uint64_t seq, uint32_t endpoint_id,
    enum delivery_state to)
{
	const struct store_settle d = { .seq = seq,
		.endpoint_id = endpoint_id,
		.attempt = 1,
		.to = to,
		.outcome = to == DELIVERY_DELIVERED ? OUTCOME_DELIVERED
						    : OUTCOME_TIMEOUT,
		.http_status = to == DELIVERY_DELIVERED ? 200 : 0,
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

/* ---- direction */

static void
the_newest_come_first_when_asked_so(void **state)
{
	struct store_bench *f = *state;
	struct store_query q = { .desc = true, .limit = 3 };
	struct rows rows;

	put_range(f, 1, 5, "testbox");
	rows = page(f, q);
	EXPECT(rows, 5, 4, 3);
	assert_true(rows.more);
	assert_true(rows.last == rows.seq[2]);
	q.after_seq = rows.last;
	rows = page(f, q);
	EXPECT(rows, 2, 1);
	assert_false(rows.more);
	assert_true(rows.last == rows.seq[1]);
	q.after_seq = rows.last;
	rows = page(f, q);
	assert_int_equal(rows.n, 0);
	assert_false(rows.more);
	assert_true(rows.last == q.after_seq);
}

static void
the_newest_of_a_merchant_and_of_an_invoice_come_first_too(void **state)
{
	struct store_bench *f = *state;
	struct store_query q = { .desc = true, .merchant = "testbox" };

	put_range(f, 1, 3, "testbox");
	put_range(f, 1, 2, "otherbox");
	put_range(f, 4, 5, "testbox");
	EXPECT(page(f, q), 5, 4, 3, 2, 1);
	q.invoice_id = "INV-2025-000002";
	EXPECT(page(f, q), 2);
	q.merchant = NULL;
	EXPECT(page(f, q), 2, 2);
	assert_true(page(f, q).seq[0] > page(f, q).seq[1]);
	q.invoice_id = "INV-2025-000009";
	assert_int_equal(page(f, q).n, 0);
}

static void
an_empty_store_has_an_empty_page(void **state)
{
	struct store_bench *f = *state;
	struct store_query q = { .after_seq = 5 };
	struct rows rows = page(f, q);

	assert_int_equal(rows.n, 0);
	assert_false(rows.more);
	assert_true(rows.last == 5);
	q = (struct store_query){ .desc = true };
	rows = page(f, q);
	assert_int_equal(rows.n, 0);
	assert_true(rows.last == 0);
}

/* ---- filters */

static void
a_page_holds_one_currency_only(void **state)
{
	struct store_bench *f = *state;
	struct store_query q = { .currency = "USD" };

	for (uint32_t n = 1; n <= 6; n++) {
		struct receipt r =
		    driver_cases_receipt(n, n <= 3 ? "testbox" : "otherbox");

		if (n % 2 == 0)
			memcpy(r.currency, "USD", sizeof("USD"));
		put(f, &r, 0);
	}
	EXPECT(page(f, q), 2, 4, 6);
	q.merchant = "otherbox";
	EXPECT(page(f, q), 4, 6);
	q.desc = true;
	EXPECT(page(f, q), 6, 4);
	q.currency = "EUR";
	assert_int_equal(page(f, q).n, 0);
}

static void
a_page_holds_what_was_paid_from_then_until_before_then(void **state)
{
	struct store_bench *f = *state;
	const int64_t before = 2000000; /* paid before it was received */
	struct store_query q = { 0 };

	put_range(f, 1, 6, "testbox");
	q.paid_from_us = driver_cases_received_us(3) - before;
	EXPECT(page(f, q), 3, 4, 5, 6);
	q.paid_to_us = driver_cases_received_us(5) - before;
	EXPECT(page(f, q), 3, 4);
	q.paid_from_us = 0;
	EXPECT(page(f, q), 1, 2, 3, 4);
	q.desc = true;
	q.paid_from_us = driver_cases_received_us(3) - before + 1;
	EXPECT(page(f, q), 4);
	q.paid_from_us = q.paid_to_us;
	assert_int_equal(page(f, q).n, 0);
}

static void
a_limit_counts_rows_that_pass_the_filters(void **state)
{
	struct store_bench *f = *state;
	struct store_query q = { .currency = "USD", .limit = 2 };
	struct rows rows;

	for (uint32_t n = 1; n <= 9; n++) {
		struct receipt r = driver_cases_receipt(n, "testbox");

		if (n % 3 == 0)
			memcpy(r.currency, "USD", sizeof("USD"));
		put(f, &r, 0);
	}
	rows = page(f, q);
	EXPECT(rows, 3, 6);
	assert_true(rows.more);
	assert_true(rows.last >= rows.seq[1]);
	q.after_seq = rows.last;
	rows = page(f, q);
	EXPECT(rows, 9);
	assert_false(rows.more);
}

/* Receipts 1 to 8: pending, delivered, failed once, exhausted, dropped, owed
 * to nobody, delivered to one of two, and another merchant's. */
static void
fill_undelivered(struct store_bench *f)
{
	for (uint32_t n = 1; n <= 8; n++) {
		struct receipt r =
		    driver_cases_receipt(n, n == 8 ? "otherbox" : "testbox");

		put(f, &r, n == 6 ? 0 : n == 7 ? 2 : 1);
	}
	settle(f, 2, f->main_id, DELIVERY_DELIVERED);
	settle(f, 3, f->main_id, DELIVERY_PENDING);
	settle(f, 4, f->main_id, DELIVERY_EXHAUSTED);
	drop(f, 5, f->main_id);
	settle(f, 7, f->backup_id, DELIVERY_DELIVERED);
}

static void
undelivered_receipts_are_those_that_somebody_still_lacks(void **state)
{
	struct store_bench *f = *state;
	struct store_query q = { .undelivered = true };
	struct rows rows;

	fill_undelivered(f);
	EXPECT(page(f, q), 1, 3, 4, 7, 8);
	q.merchant = "testbox";
	EXPECT(page(f, q), 1, 3, 4, 7);
	q.desc = true;
	EXPECT(page(f, q), 7, 4, 3, 1);
	q.limit = 2;
	rows = page(f, q);
	EXPECT(rows, 7, 4);
	assert_true(rows.more);
	q.after_seq = rows.last;
	rows = page(f, q);
	EXPECT(rows, 3, 1);
	assert_false(rows.more);
	q = (struct store_query){ .undelivered = true,
		.invoice_id = "INV-2025-000003" };
	EXPECT(page(f, q), 3);
	q.invoice_id = "INV-2025-000002";
	assert_int_equal(page(f, q).n, 0);
	settle(f, 1, f->main_id, DELIVERY_DELIVERED);
	q = (struct store_query){ .undelivered = true, .after_seq = 3 };
	EXPECT(page(f, q), 4, 7, 8);
	q.after_seq = 0;
	EXPECT(page(f, q), 3, 4, 7, 8);
}

static void
a_receipt_that_two_lack_is_on_the_page_once(void **state)
{
	struct store_bench *f = *state;
	const struct store_query q = { .undelivered = true };
	struct receipt r = driver_cases_receipt(1, "testbox");

	put(f, &r, 2);
	EXPECT(page(f, q), 1);
	settle(f, 1, f->main_id, DELIVERY_EXHAUSTED);
	EXPECT(page(f, q), 1);
	settle(f, 1, f->backup_id, DELIVERY_EXHAUSTED);
	EXPECT(page(f, q), 1);
}

/* ---- bounded pieces */

/* All of a list, read `scan` rows a time, is what it is read at once. */
static void
expect_same_in_pieces(struct store_bench *f, struct store_query q, size_t scan)
{
	struct rows whole = page(f, q), pieces = { 0 };
	bool more = true;

	q.scan = scan;
	q.limit = 2;
	for (int i = 0; more; i++) {
		struct rows rows = page(f, q);

		assert_true(i < PIECES);
		assert_true(rows.n <= q.limit && rows.n <= scan);
		for (size_t k = 0; k < rows.n; k++) {
			pieces.number[pieces.n] = rows.number[k];
			pieces.seq[pieces.n++] = rows.seq[k];
		}
		more = rows.more;
		if (!more)
			break;
		assert_true(rows.last != 0);
		assert_true(
		    q.after_seq == 0 || (q.desc ? rows.last < q.after_seq
						: rows.last > q.after_seq));
		q.after_seq = rows.last;
	}
	assert_int_equal(pieces.n, whole.n);
	assert_memory_equal(
	    pieces.number, whole.number, whole.n * sizeof(whole.number[0]));
	assert_memory_equal(
	    pieces.seq, whole.seq, whole.n * sizeof(whole.seq[0]));
}

static void
a_list_in_bounded_pieces_is_the_whole_list(void **state)
{
	static const struct store_query queries[] = {
		{ .merchant = NULL },
		{ .merchant = "testbox" },
		{ .merchant = "nobody" },
		{ .currency = "USD" },
		{ .currency = "EUR" },
		{ .merchant = "otherbox", .currency = "USD" },
		{ .invoice_id = "INV-2025-000003" },
		{ .merchant = "otherbox", .invoice_id = "INV-2025-000003" },
		{ .undelivered = true },
		{ .undelivered = true, .merchant = "otherbox" },
		{ .undelivered = true, .currency = "USD" },
	};
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 24; n++) {
		struct receipt r = driver_cases_receipt(
		    n / 2 + 1, n % 2 == 0 ? "testbox" : "otherbox");

		if (n % 5 == 0)
			memcpy(r.currency, "USD", sizeof("USD"));
		put(f, &r, n % 3);
		if (n % 4 == 0 && n % 3 > 0)
			settle(f, n, f->main_id, DELIVERY_DELIVERED);
	}
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		struct store_query q = queries[i];

		for (size_t scan = 1; scan <= 7; scan++) {
			q.desc = false;
			expect_same_in_pieces(f, q, scan);
			q.desc = true;
			expect_same_in_pieces(f, q, scan);
		}
	}
}

static void
a_piece_without_a_row_says_where_to_go_on(void **state)
{
	struct store_bench *f = *state;
	struct store_query q = { .currency = "USD", .scan = 4 };
	struct rows rows;

	put_range(f, 1, 10, "testbox");
	rows = page(f, q);
	assert_int_equal(rows.n, 0);
	assert_true(rows.more);
	assert_in_range(rows.last, 1, 4);
	q.after_seq = 6;
	rows = page(f, q);
	assert_int_equal(rows.n, 0);
	assert_false(rows.more);
	assert_int_equal(rows.last, 10);
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
		CASE(the_newest_come_first_when_asked_so),
		CASE(the_newest_of_a_merchant_and_of_an_invoice_come_first_too),
		CASE(an_empty_store_has_an_empty_page),
		CASE(a_page_holds_one_currency_only),
		CASE(a_page_holds_what_was_paid_from_then_until_before_then),
		CASE(a_limit_counts_rows_that_pass_the_filters),
		CASE(undelivered_receipts_are_those_that_somebody_still_lacks),
		CASE(a_receipt_that_two_lack_is_on_the_page_once),
		CASE(a_list_in_bounded_pieces_is_the_whole_list),
		CASE(a_piece_without_a_row_says_where_to_go_on),
	};

	return cmocka_run_group_tests_name("store_pages", tests, NULL, NULL);
}
