/* The ledger in SQLite: receipts of before there was one, and what is stored
 * being damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

#define OLD 12000 /* receipts: more than two steps */

static sqlite3 *
beside(const struct store_bench *f)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	return db;
}

static void
run_sql(const struct store_bench *f, const char *sql)
{
	sqlite3 *db = beside(f);

	assert_int_equal(
	    sqlite3_exec(
		db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t
number(const struct store_bench *f, const char *sql)
{
	sqlite3 *db = beside(f);
	sqlite3_stmt *q = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/* ---- receipts of before */

/* As a program without a ledger left them. */
static void
make_old(struct store_bench *f)
{
	static const char rows[] =
	    "INSERT INTO receipt (id, merchant, invoice_id, currency, "
	    "amount_minor, paid_at_us, received_at_us) "
	    "WITH RECURSIVE c(i) AS "
	    "(SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 12000) "
	    "SELECT randomblob(16), 'testbox', 'INV-' || i, 'BDT', i, "
	    "1764657045000000, 1764657047000000 + i FROM c;"
	    "UPDATE store SET receipts = 12000;";

	store_bench_close(f);
	run_sql(f, rows);
}

struct opened {
	uint64_t n;
	bool good;
};

static void
check_opening(void *arg, const struct store_opening *o)
{
	struct opened *x = arg;
	struct ledger_hash hash;

	assert_int_equal(
	    ledger_receipt(&o->salt, o->row.seq, &o->row.receipt, &hash),
	    ST_OK);
	x->good &= !o->damaged && o->leaf == x->n++ &&
		   memcmp(&hash, &o->hash, sizeof(hash)) == 0;
}

static void
expect_all_open(struct store_bench *f, uint64_t n)
{
	struct opened x = { .good = true };
	struct store_audit a = { .opening = check_opening, .arg = &x };

	assert_int_equal(f->driver->audit(f->reader, &a), ST_OK);
	assert_true(x.good);
	assert_true(x.n == n);
	assert_true(a.receipts == n);
}

static void
receipts_of_before_get_leaves_in_their_order(void **state)
{
	struct store_bench *f = *state;

	make_old(f);
	store_bench_open(f);
	expect_all_open(f, OLD);
	assert_int_equal(store_bench_put(f, 1), ST_OK);
	expect_all_open(f, OLD + 1);
}

static void
who_is_stopped_on_the_way_goes_on_at_the_next_start(void **state)
{
	struct store_bench *f = *state;

	make_old(f);
	store_bench_open(f);
	store_bench_close(f);
	/* As after the first step, and in the middle of the third. */
	run_sql(f, "DELETE FROM leaf WHERE n >= 5000;"
		   "UPDATE receipt SET leaf = NULL, salt = NULL "
		   "WHERE leaf >= 5000");
	store_bench_open(f);
	expect_all_open(f, OLD);
	store_bench_close(f);
	run_sql(f, "DELETE FROM leaf WHERE n >= 11000;"
		   "UPDATE receipt SET leaf = NULL, salt = NULL "
		   "WHERE leaf >= 11000");
	store_bench_open(f);
	expect_all_open(f, OLD);
}

static void
one_that_is_damaged_gets_none_and_holds_nothing_up(void **state)
{
	struct store_bench *f = *state;

	make_old(f);
	run_sql(f, "UPDATE receipt SET currency = 'ZZZ' WHERE seq = 7000");
	store_bench_open(f);
	assert_int_equal(number(f, "SELECT count(*) FROM leaf"), OLD - 1);
	assert_int_equal(
	    number(f, "SELECT seq FROM receipt WHERE leaf IS NULL"), 7000);
}

/* ---- what an erasure leaves */

static bool
is_in_file(const char *path, const char *suffix, const void *p, size_t n)
{
	static unsigned char raw[1 << 20];
	char name[320];
	size_t len;
	FILE *file;

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	file = fopen(name, "r");
	assert_non_null(file);
	len = fread(raw, 1, sizeof(raw), file);
	assert_true(len < sizeof(raw));
	assert_int_equal(fclose(file), 0);
	return memmem(raw, len, p, n) != NULL;
}

static void
the_salt_goes_from_the_file_and_the_leaf_stays(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");
	struct store_opening o;

	for (uint32_t n = 1; n <= 3; n++)
		assert_int_equal(store_bench_put(f, n), ST_OK);
	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	assert_int_equal(f->driver->opening(f->reader, &r.id, &o), ST_OK);
	assert_true(is_in_file(f->path, "", &o.salt, sizeof(o.salt)));
	assert_int_equal(
	    store_bench_move(f, 2, LIFE_CONFIRMED, LIFE_ERASED), ST_OK);
	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	assert_false(is_in_file(f->path, "", &o.salt, sizeof(o.salt)));
	assert_false(is_in_file(f->path, "-wal", &o.salt, sizeof(o.salt)));
	assert_true(is_in_file(f->path, "", &o.hash, sizeof(o.hash)));
}

/* ---- damage */

struct seen {
	size_t damaged_leaves, damaged_openings, damaged_heads, heads, faults;
};

static void
count_leaf(void *arg, const struct store_leaf *leaf)
{
	((struct seen *)arg)->damaged_leaves += leaf->damaged ? 1 : 0;
}

static void
count_opening(void *arg, const struct store_opening *o)
{
	((struct seen *)arg)->damaged_openings += o->damaged ? 1 : 0;
}

static void
count_head(void *arg, const struct store_head *h)
{
	((struct seen *)arg)->heads++;
	((struct seen *)arg)->damaged_heads += h->damaged ? 1 : 0;
}

static void
count_fault(void *arg, const char *words)
{
	assert_non_null(words);
	((struct seen *)arg)->faults++;
}

static struct seen
look(struct store_bench *f)
{
	struct seen seen = { 0 };
	struct store_audit a = { .head = count_head,
		.leaf = count_leaf,
		.opening = count_opening,
		.fault = count_fault,
		.arg = &seen };

	assert_int_equal(f->driver->audit(f->reader, &a), ST_OK);
	return seen;
}

static void
keep_head(struct store_bench *f, int64_t at_us)
{
	bool more;

	store_bench_begin(f);
	assert_int_equal(
	    f->driver->keep_head(f->writer, INT64_MAX, at_us, 100, &more),
	    ST_OK);
	assert_false(more);
	store_bench_commit(f);
}

static void
what_cannot_be_right_is_called_damaged(void **state)
{
	static const struct {
		const char *sql;
		size_t leaves, openings, heads;
	} cases[] = {
		{ "UPDATE leaf SET hash = x'00' WHERE n = 1", 1, 1, 0 },
		{ "UPDATE leaf SET why = 0 WHERE n = 1", 1, 0, 0 },
		{ "UPDATE leaf SET of = 0 WHERE n = 1", 1, 0, 0 },
		{ "UPDATE leaf SET of = 7, why = 0, at_us = 5 WHERE n = 1", 1,
		    0, 0 },
		{ "UPDATE leaf SET of = 0, why = 256, at_us = 5 WHERE n = 1", 1,
		    0, 0 },
		{ "UPDATE receipt SET salt = x'00' WHERE seq = 1", 0, 1, 0 },
		{ "UPDATE receipt SET salt = NULL WHERE seq = 1", 0, 1, 0 },
		{ "UPDATE receipt SET leaf = 9 WHERE seq = 1", 0, 1, 0 },
		{ "UPDATE receipt SET leaf = NULL WHERE seq = 1", 0, 1, 0 },
		{ "UPDATE receipt SET currency = 'ZZZ' WHERE seq = 1", 0, 1,
		    0 },
		{ "UPDATE head SET size = 2", 0, 0, 1 },
		{ "UPDATE head SET at_us = at_us + 1", 0, 0, 1 },
		{ "UPDATE head SET peaks = zeroblob(64)", 0, 0, 1 },
		{ "UPDATE head SET sum = zeroblob(32)", 0, 0, 1 },
		{ "UPDATE head SET sum = x'00'", 0, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_bench *f = *state;
		struct seen seen;

		for (uint32_t n = 1; n <= 3; n++)
			assert_int_equal(store_bench_put(f, n), ST_OK);
		keep_head(f, 5);
		seen = look(f);
		assert_int_equal(seen.heads, 1);
		assert_true(store_bench_is_zero(
		    &seen.damaged_leaves, 3 * sizeof(size_t)));
		run_sql(f, cases[i].sql);
		seen = look(f);
		assert_int_equal(seen.damaged_leaves, cases[i].leaves);
		assert_int_equal(seen.damaged_openings, cases[i].openings);
		assert_int_equal(seen.damaged_heads, cases[i].heads);
		assert_int_equal(store_bench_tear_down(state), 0);
		assert_int_equal(store_bench_set_up_sqlite(state), 0);
	}
}

static void
leaves_that_were_changed_get_no_head_and_stop_nothing(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 3; n++)
		assert_int_equal(store_bench_put(f, n), ST_OK);
	run_sql(f, "DELETE FROM leaf WHERE n = 1");
	keep_head(f, 5);
	keep_head(f, 6);
	assert_int_equal(look(f).heads, 0);
	assert_int_equal(store_bench_put(f, 4), ST_OK);
	assert_int_equal(
	    store_bench_move(f, 2, LIFE_CONFIRMED, LIFE_ERASED), ST_OK);
	keep_head(f, 7);
	assert_int_equal(look(f).heads, 0);
}

static void
behind_a_damaged_head_the_next_is_made_of_all_leaves(void **state)
{
	struct store_bench *f = *state;

	assert_int_equal(store_bench_put(f, 1), ST_OK);
	keep_head(f, 5);
	store_bench_close(f);
	run_sql(f, "UPDATE head SET peaks = zeroblob(32)");
	store_bench_open(f);
	assert_int_equal(store_bench_put(f, 2), ST_OK);
	keep_head(f, 6);
	assert_int_equal(look(f).heads, 2);
	assert_int_equal(look(f).damaged_heads, 1);
}

static void
an_index_that_lost_a_row_is_a_fault_of_the_file(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 3; n++)
		assert_int_equal(store_bench_put(f, n), ST_OK);
	assert_int_equal(look(f).faults, 0);
	/* The index is dropped, and one that is empty takes its place. */
	run_sql(f, "PRAGMA writable_schema = ON;"
		   "UPDATE sqlite_schema SET sql = 'CREATE INDEX "
		   "receipt_invoice ON receipt (currency)' "
		   "WHERE name = 'receipt_invoice'");
	f->driver->close(f->reader);
	f->reader = NULL;
	f->driver->close(f->writer);
	f->writer = NULL;
	store_bench_open(f);
	assert_true(look(f).faults > 0);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, store_bench_set_up_sqlite, store_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(receipts_of_before_get_leaves_in_their_order),
		CASE(who_is_stopped_on_the_way_goes_on_at_the_next_start),
		CASE(one_that_is_damaged_gets_none_and_holds_nothing_up),
		CASE(the_salt_goes_from_the_file_and_the_leaf_stays),
		CASE(what_cannot_be_right_is_called_damaged),
		CASE(leaves_that_were_changed_get_no_head_and_stop_nothing),
		CASE(behind_a_damaged_head_the_next_is_made_of_all_leaves),
		CASE(an_index_that_lost_a_row_is_a_fault_of_the_file),
	};

	return cmocka_run_group_tests_name(
	    "driver_sqlite_ledger", tests, NULL, NULL);
}
