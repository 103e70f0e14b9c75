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

/* ---- who gets at it */

static void
expect_open(const struct store_bench *f, enum status wanted, const char *words)
{
	static const enum store_mode modes[] = { STORE_READ, STORE_WRITE };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct store *s = NULL;
		struct err e = { "" };

		assert_int_equal(
		    f->driver->open(&s, f->path, modes[i], &e), wanted);
		assert_non_null(strstr(e.text, words));
		f->driver->close(s);
	}
}

static void
a_folder_or_file_that_others_get_at_is_refused(void **state)
{
	static const char *const names[] = { "", "-wal", "-shm", "-lock" };
	struct store_bench *f = *state;
	char folder[300], name[320], words[350];

	assert_int_equal(store_bench_put(f, 1), ST_OK);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", f->path, names[i]);
		(void)snprintf(words, sizeof(words), "chmod 600 %s", name);
		assert_int_equal(chmod(name, 0640), 0);
		expect_open(f, ST_CONFIG, words);
		assert_int_equal(chmod(name, 0600), 0);
	}
	(void)snprintf(folder, sizeof(folder), "%s", f->path);
	*strrchr(folder, '/') = '\0';
	(void)snprintf(words, sizeof(words), "chmod 700 %s", folder);
	assert_int_equal(chmod(folder, 0711), 0);
	expect_open(f, ST_CONFIG, words);
	assert_int_equal(chmod(folder, 0700), 0);
	store_bench_close(f);
	expect_open(f, ST_OK, "");
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
		CASE(a_folder_or_file_that_others_get_at_is_refused),
		CASE(a_flush_leaves_the_log_empty),
		CASE(a_reader_in_the_way_of_a_flush_is_said_and_waited_for),
	};

	return cmocka_run_group_tests_name(
	    "driver_sqlite_rest", tests, NULL, NULL);
}
