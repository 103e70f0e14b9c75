/* What the SQLite driver leaves in its files beside the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "keeper/store_driver.h"
#include "store_bench.h"

static long
log_size(const struct store_bench *f)
{
	char name[320];
	struct stat sb;

	(void)snprintf(name, sizeof(name), "%s-wal", f->path);
	assert_int_equal(stat(name, &sb), 0);
	return (long)sb.st_size;
}

/* ---- the log */

static void
a_flush_leaves_the_log_empty(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 5; n++)
		store_bench_bring(f, n, LIFE_CONFIRMED);
	assert_true(log_size(f) > 0);
	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	assert_true(log_size(f) == 0);
	store_bench_expect_totals(f, 5, 5, 0, 0);
}

static void
a_reader_in_the_way_of_a_flush_is_said_and_waited_for(void **state)
{
	struct store_bench *f = *state;
	sqlite3 *db = NULL;

	assert_int_equal(store_bench_put(f, 1), ST_OK);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN; SELECT * FROM receipt", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(store_bench_put(f, 2), ST_OK);
	assert_int_equal(f->driver->flush(f->writer), ST_BUSY);
	assert_true(log_size(f) > 0);
	assert_int_equal(store_bench_put(f, 3), ST_OK);
	assert_int_equal(
	    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	assert_true(log_size(f) == 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	store_bench_expect_totals(f, 3, 3, 0, 0);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, store_bench_set_up_sqlite, store_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_flush_leaves_the_log_empty),
		CASE(a_reader_in_the_way_of_a_flush_is_said_and_waited_for),
	};

	return cmocka_run_group_tests_name(
	    "driver_sqlite_rest", tests, NULL, NULL);
}
