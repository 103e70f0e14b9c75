/* What every store driver has to do: each case runs against each driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "driver_memory.h"
#include "keeper/store_driver.h"

struct fixture {
	const struct store_driver *driver;
	char path[300];
	struct store *writer, *reader;
	uint32_t main_id, backup_id;
};

static int
set_up(void **state, const struct store_driver *driver)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { "" };
	int64_t disabled_us;

	assert_non_null(f);
	f->driver = driver;
	driver_cases_folder(f->path, sizeof(f->path));
	assert_int_equal(
	    driver->open(&f->writer, f->path, STORE_WRITE, &e), ST_OK);
	assert_int_equal(
	    driver->open(&f->reader, f->path, STORE_READ, &e), ST_OK);
	assert_int_equal(
	    driver->endpoint(f->writer, "main", &f->main_id, &disabled_us),
	    ST_OK);
	assert_int_equal(
	    driver->endpoint(f->writer, "backup", &f->backup_id, &disabled_us),
	    ST_OK);
	*state = f;
	return 0;
}

static int
set_up_memory(void **state)
{
	return set_up(state, &store_driver_memory);
}

static int
set_up_sqlite(void **state)
{
	return set_up(state, &store_driver_sqlite);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	f->driver->close(f->reader);
	f->driver->close(f->writer);
	driver_memory_forget();
	driver_cases_remove(f->path);
	free(f);
	return 0;
}

static enum status
put(struct fixture *f, uint32_t n, const char *merchant)
{
	struct receipt r = driver_cases_receipt(n, merchant);

	return f->driver->put(f->writer, &r, &f->main_id, 1);
}

static void
put_range(struct fixture *f, uint32_t from, uint32_t to, const char *merchant)
{
	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	for (uint32_t n = from; n <= to; n++)
		assert_int_equal(put(f, n, merchant), ST_OK);
	assert_int_equal(f->driver->commit(f->writer), ST_OK);
}

struct rows {
	size_t n;
	bool more;
	uint64_t last;
	struct store_row row[64];
};

static void
take_row(void *arg, const struct store_row *row)
{
	struct rows *rows = arg;

	assert_true(rows->n < ARRAY_LEN(rows->row));
	rows->row[rows->n++] = *row;
}

static struct rows
page(struct fixture *f, uint64_t after, const char *merchant,
    const char *invoice_id, size_t limit)
{
	const struct store_query q = { .after_seq = after,
		.merchant = merchant,
		.invoice_id = invoice_id,
		.limit = limit };
	struct rows rows = { 0 };

	assert_int_equal(f->driver->page(f->reader, &q, take_row, &rows,
			     &rows.last, &rows.more),
	    ST_OK);
	assert_true(
	    rows.last >= (rows.n > 0 ? rows.row[rows.n - 1].seq : after));
	return rows;
}

struct dues {
	size_t n;
	int64_t next_us;
	struct store_due due[64];
};

static void
take_due(void *arg, const struct store_due *due)
{
	struct dues *dues = arg;

	assert_true(dues->n < ARRAY_LEN(dues->due));
	dues->due[dues->n++] = *due;
}

static struct dues
due(struct fixture *f, uint32_t endpoint, int64_t now_us, size_t limit)
{
	struct dues dues = { 0 };

	assert_int_equal(f->driver->due(f->reader, endpoint, false, now_us,
			     limit, take_due, &dues, &dues.next_us),
	    ST_OK);
	return dues;
}

static enum status
settle(struct fixture *f, uint64_t seq, uint32_t attempt, bool delivered,
    int64_t next_us)
{
	const struct store_settle d = { .seq = seq,
		.endpoint_id = f->main_id,
		.attempt = attempt,
		.to = delivered ? DELIVERY_DELIVERED : DELIVERY_PENDING,
		.outcome = delivered ? OUTCOME_DELIVERED : OUTCOME_STATUS,
		.http_status = delivered ? 200 : 500,
		.now_us = driver_cases_received_us(50),
		.next_us = next_us };
	enum status st;

	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	st = f->driver->settle(f->writer, &d);
	assert_int_equal(f->driver->commit(f->writer), ST_OK);
	return st;
}

/* ---- put */

static void
a_receipt_comes_back_as_it_was_put(void **state)
{
	struct fixture *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct rows rows;

	put_range(f, 1, 1, "testbox");
	rows = page(f, 0, "testbox", NULL, 10);
	assert_int_equal(rows.n, 1);
	assert_memory_equal(&rows.row[0].receipt, &r, sizeof(r));
}

static void
an_id_is_stored_once(void **state)
{
	struct fixture *f = *state;
	struct receipt again = driver_cases_receipt(1, "testbox");
	struct rows rows;

	put_range(f, 1, 1, "testbox");
	again.amount_minor++;
	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	assert_int_equal(
	    f->driver->put(f->writer, &again, &f->backup_id, 1), ST_EXISTS);
	assert_int_equal(put(f, 2, "testbox"), ST_OK);
	assert_int_equal(f->driver->commit(f->writer), ST_OK);
	rows = page(f, 0, NULL, NULL, 10);
	assert_int_equal(rows.n, 2);
	assert_int_equal(rows.row[0].receipt.amount_minor, 115000);
	assert_int_equal(due(f, f->backup_id, INT64_MAX - 1, 10).n, 0);
}

static void
an_id_is_stored_once_within_a_transaction_too(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	assert_int_equal(put(f, 1, "testbox"), ST_OK);
	assert_int_equal(put(f, 1, "testbox"), ST_EXISTS);
	assert_int_equal(f->driver->commit(f->writer), ST_OK);
	assert_int_equal(page(f, 0, NULL, NULL, 10).n, 1);
}

static void
numbers_rise_in_the_order_of_commits(void **state)
{
	struct fixture *f = *state;
	struct rows rows;

	put_range(f, 5, 9, "testbox");
	put_range(f, 1, 4, "otherbox");
	rows = page(f, 0, NULL, NULL, 64);
	assert_int_equal(rows.n, 9);
	for (size_t i = 1; i < rows.n; i++)
		assert_true(rows.row[i].seq > rows.row[i - 1].seq);
	assert_string_equal(rows.row[0].receipt.invoice_id, "INV-2025-000005");
	assert_string_equal(rows.row[8].receipt.invoice_id, "INV-2025-000004");
}

static void
an_abort_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;

	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	assert_int_equal(put(f, 1, "testbox"), ST_OK);
	f->driver->abort(f->writer);
	assert_int_equal(page(f, 0, NULL, NULL, 10).n, 0);
	put_range(f, 2, 2, "testbox");
	assert_int_equal(f->driver->totals(f->reader, &totals), ST_OK);
	assert_int_equal(totals.receipts, 1);
	assert_int_equal(totals.deliveries_pending, 1);
}

static void
a_transaction_is_not_seen_before_its_commit(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	assert_int_equal(put(f, 1, "testbox"), ST_OK);
	assert_int_equal(page(f, 0, NULL, NULL, 10).n, 0);
	assert_int_equal(f->driver->commit(f->writer), ST_OK);
	assert_int_equal(page(f, 0, NULL, NULL, 10).n, 1);
}

static void
a_receipt_beyond_the_grammar_is_refused_by_the_store(void **state)
{
	struct fixture *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");

	r.amount_minor = 0;
	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	assert_int_equal(f->driver->put(f->writer, &r, NULL, 0), ST_BAD_INPUT);
	f->driver->abort(f->writer);
	put_range(f, 2, 2, "testbox");
}

/* ---- page and get */

static void
a_page_holds_its_limit_and_tells_of_more(void **state)
{
	struct fixture *f = *state;
	struct rows rows;

	put_range(f, 1, 10, "testbox");
	rows = page(f, 0, "testbox", NULL, 4);
	assert_int_equal(rows.n, 4);
	assert_true(rows.more);
	rows = page(f, rows.row[3].seq, "testbox", NULL, 6);
	assert_int_equal(rows.n, 6);
	assert_false(rows.more);
	rows = page(f, rows.row[5].seq, "testbox", NULL, 6);
	assert_int_equal(rows.n, 0);
	assert_false(rows.more);
}

static void
a_page_holds_one_merchant_only(void **state)
{
	struct fixture *f = *state;
	struct rows rows;

	put_range(f, 1, 3, "testbox");
	put_range(f, 1, 2, "otherbox");
	put_range(f, 4, 5, "testbox");
	rows = page(f, 0, "testbox", NULL, 64);
	assert_int_equal(rows.n, 5);
	for (size_t i = 0; i < rows.n; i++)
		assert_string_equal(rows.row[i].receipt.merchant, "testbox");
	assert_int_equal(page(f, 0, NULL, NULL, 64).n, 7);
	assert_int_equal(page(f, 0, "nobody", NULL, 64).n, 0);
}

static void
a_page_holds_one_invoice_only(void **state)
{
	struct fixture *f = *state;
	struct rows rows;

	put_range(f, 1, 3, "testbox");
	put_range(f, 1, 3, "otherbox");
	rows = page(f, 0, "testbox", "INV-2025-000002", 64);
	assert_int_equal(rows.n, 1);
	assert_string_equal(rows.row[0].receipt.merchant, "testbox");
	rows = page(f, 0, NULL, "INV-2025-000002", 64);
	assert_int_equal(rows.n, 2);
	assert_true(rows.row[0].seq < rows.row[1].seq);
	assert_int_equal(
	    page(f, rows.row[0].seq, NULL, "INV-2025-000002", 64).n, 1);
	assert_int_equal(page(f, 0, "testbox", "INV-2025-000009", 64).n, 0);
}

static void
a_receipt_is_found_by_its_id(void **state)
{
	struct fixture *f = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");
	struct store_row row;

	put_range(f, 1, 3, "testbox");
	assert_int_equal(
	    f->driver->get(f->reader, &r.id, "testbox", &row), ST_OK);
	assert_memory_equal(&row.receipt, &r, sizeof(r));
	assert_int_equal(f->driver->get(f->reader, &r.id, NULL, &row), ST_OK);
}

static void
another_merchants_receipt_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");
	struct receipt unknown = driver_cases_receipt(7, "testbox");
	struct store_row row;

	put_range(f, 1, 3, "testbox");
	assert_int_equal(
	    f->driver->get(f->reader, &r.id, "otherbox", &row), ST_NOT_FOUND);
	assert_int_equal(
	    f->driver->get(f->reader, &unknown.id, NULL, &row), ST_NOT_FOUND);
}

/* ---- deliveries */

static void
a_delivery_is_due_when_its_receipt_came(void **state)
{
	struct fixture *f = *state;
	struct dues dues;

	put_range(f, 1, 3, "testbox");
	dues = due(f, f->main_id, driver_cases_received_us(2), 10);
	assert_int_equal(dues.n, 2);
	assert_int_equal(dues.due[0].attempt, 1);
	assert_string_equal(
	    dues.due[0].row.receipt.invoice_id, "INV-2025-000001");
	assert_true(dues.next_us == driver_cases_received_us(3));
	assert_int_equal(
	    due(f, f->backup_id, driver_cases_received_us(9), 10).n, 0);
}

static void
due_deliveries_keep_to_the_limit(void **state)
{
	struct fixture *f = *state;
	struct dues dues;

	put_range(f, 1, 5, "testbox");
	dues = due(f, f->main_id, driver_cases_received_us(9), 3);
	assert_int_equal(dues.n, 3);
	assert_true(dues.next_us == driver_cases_received_us(4));
	dues = due(f, f->main_id, driver_cases_received_us(9), 5);
	assert_int_equal(dues.n, 5);
	assert_true(dues.next_us == INT64_MAX);
}

static void
the_most_overdue_delivery_comes_first(void **state)
{
	struct fixture *f = *state;
	struct dues dues;
	uint64_t first;

	put_range(f, 1, 3, "testbox");
	first = page(f, 0, NULL, NULL, 1).row[0].seq;
	assert_int_equal(
	    settle(f, first, 1, false, driver_cases_received_us(2) + 1), ST_OK);
	dues = due(f, f->main_id, driver_cases_received_us(9), 10);
	assert_int_equal(dues.n, 3);
	assert_true(dues.due[1].row.seq == first);
	assert_int_equal(dues.due[1].attempt, 2);
	assert_int_equal(dues.due[0].attempt, 1);
}

static void
a_delivered_one_is_never_due_again(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;
	struct dues dues;
	uint64_t first;

	put_range(f, 1, 2, "testbox");
	first = page(f, 0, NULL, NULL, 1).row[0].seq;
	assert_int_equal(settle(f, first, 1, true, 0), ST_OK);
	dues = due(f, f->main_id, INT64_MAX - 1, 10);
	assert_int_equal(dues.n, 1);
	assert_true(dues.due[0].row.seq != first);
	assert_int_equal(settle(f, first, 1, true, 0), ST_NOT_FOUND);
	assert_int_equal(settle(f, first, 2, true, 0), ST_NOT_FOUND);
	assert_int_equal(f->driver->totals(f->reader, &totals), ST_OK);
	assert_int_equal(totals.deliveries_pending, 1);
	assert_true(totals.oldest_pending_us == driver_cases_received_us(2));
}

static void
settling_needs_the_right_attempt(void **state)
{
	struct fixture *f = *state;
	uint64_t first;

	put_range(f, 1, 1, "testbox");
	first = page(f, 0, NULL, NULL, 1).row[0].seq;
	assert_int_equal(settle(f, first, 2, true, 0), ST_NOT_FOUND);
	assert_int_equal(settle(f, first, 2, false, 9), ST_NOT_FOUND);
	assert_int_equal(settle(f, first + 1, 1, false, 9), ST_NOT_FOUND);
	assert_int_equal(due(f, f->main_id, INT64_MAX - 1, 10).n, 1);
}

static void
each_endpoint_gets_a_delivery_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	const uint32_t both[] = { f->main_id, f->backup_id };
	uint64_t first;

	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	assert_int_equal(f->driver->put(f->writer, &r, both, 2), ST_OK);
	assert_int_equal(f->driver->commit(f->writer), ST_OK);
	first = page(f, 0, NULL, NULL, 1).row[0].seq;
	assert_int_equal(settle(f, first, 1, true, 0), ST_OK);
	assert_int_equal(due(f, f->main_id, INT64_MAX - 1, 10).n, 0);
	assert_int_equal(due(f, f->backup_id, INT64_MAX - 1, 10).n, 1);
}

/* ---- the store as a whole */

static void
totals_count_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;

	assert_int_equal(f->driver->totals(f->reader, &totals), ST_OK);
	assert_int_equal(totals.receipts, 0);
	assert_int_equal(totals.deliveries_pending, 0);
	assert_true(totals.oldest_pending_us == 0);
	put_range(f, 1, 7, "testbox");
	assert_int_equal(f->driver->totals(f->reader, &totals), ST_OK);
	assert_int_equal(totals.receipts, 7);
	assert_int_equal(totals.deliveries_pending, 7);
	assert_true(totals.oldest_pending_us == driver_cases_received_us(1));
}

static void
an_endpoint_keeps_its_number(void **state)
{
	struct fixture *f = *state;
	uint32_t id = 0;
	int64_t disabled_us = 7;

	assert_true(f->main_id != 0 && f->backup_id != 0);
	assert_int_not_equal(f->main_id, f->backup_id);
	assert_int_equal(
	    f->driver->endpoint(f->writer, "main", &id, &disabled_us), ST_OK);
	assert_int_equal(id, f->main_id);
	assert_true(disabled_us == 0);
}

static void
the_epoch_stays_with_the_store(void **state)
{
	struct fixture *f = *state;
	uint64_t one = 0, two = 0;

	assert_int_equal(f->driver->epoch(f->writer, &one), ST_OK);
	assert_int_equal(f->driver->epoch(f->reader, &two), ST_OK);
	assert_true(one == two && one > 0 && one <= INT64_MAX);
}

static void
a_second_writer_is_refused_with_words(void **state)
{
	struct fixture *f = *state;
	struct store *second = NULL;
	struct err e = { "" };

	assert_int_equal(
	    f->driver->open(&second, f->path, STORE_WRITE, &e), ST_CONFIG);
	assert_null(second);
	assert_true(e.text[0] != '\0');
}

static void
a_reader_needs_a_store(void **state)
{
	struct fixture *f = *state;
	struct store *reader = NULL;
	struct err e = { "" };
	char path[320];

	(void)snprintf(path, sizeof(path), "%s.none", f->path);
	assert_int_equal(
	    f->driver->open(&reader, path, STORE_READ, &e), ST_NOT_FOUND);
	assert_null(reader);
}

static void
what_was_committed_is_there_after_reopening(void **state)
{
	struct fixture *f = *state;
	uint64_t before = 0, after = 0;
	struct err e = { "" };
	struct rows rows;

	put_range(f, 1, 3, "testbox");
	assert_int_equal(f->driver->epoch(f->writer, &before), ST_OK);
	assert_int_equal(f->driver->begin(f->writer), ST_OK);
	assert_int_equal(put(f, 4, "testbox"), ST_OK);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	f->reader = NULL;
	assert_int_equal(
	    f->driver->open(&f->writer, f->path, STORE_WRITE, &e), ST_OK);
	assert_int_equal(
	    f->driver->open(&f->reader, f->path, STORE_READ, &e), ST_OK);
	assert_int_equal(f->driver->epoch(f->writer, &after), ST_OK);
	assert_true(before == after);
	rows = page(f, 0, NULL, NULL, 10);
	assert_int_equal(rows.n, 3);
	put_range(f, 5, 5, "testbox");
	assert_true(page(f, 0, NULL, NULL, 10).row[3].seq > rows.row[2].seq);
}

#define CASE(test)                                          \
	{ #test, test, set_up_memory, tear_down, NULL },    \
	{                                                   \
#test, test, set_up_sqlite, tear_down, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_receipt_comes_back_as_it_was_put),
		CASE(an_id_is_stored_once),
		CASE(an_id_is_stored_once_within_a_transaction_too),
		CASE(numbers_rise_in_the_order_of_commits),
		CASE(an_abort_leaves_nothing),
		CASE(a_transaction_is_not_seen_before_its_commit),
		CASE(a_receipt_beyond_the_grammar_is_refused_by_the_store),
		CASE(a_page_holds_its_limit_and_tells_of_more),
		CASE(a_page_holds_one_merchant_only),
		CASE(a_page_holds_one_invoice_only),
		CASE(a_receipt_is_found_by_its_id),
		CASE(another_merchants_receipt_is_not_found),
		CASE(a_delivery_is_due_when_its_receipt_came),
		CASE(due_deliveries_keep_to_the_limit),
		CASE(the_most_overdue_delivery_comes_first),
		CASE(a_delivered_one_is_never_due_again),
		CASE(settling_needs_the_right_attempt),
		CASE(each_endpoint_gets_a_delivery_of_its_own),
		CASE(totals_count_what_is_there),
		CASE(an_endpoint_keeps_its_number),
		CASE(the_epoch_stays_with_the_store),
		CASE(a_second_writer_is_refused_with_words),
		CASE(a_reader_needs_a_store),
		CASE(what_was_committed_is_there_after_reopening),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
