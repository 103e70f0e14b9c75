/* What the SQLite driver leaves in its files beside the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---- an older copy is put back */

static void
name_of(const struct store_bench *f, const char *suffix, char out[320])
{
	(void)snprintf(out, 320, "%s%s", f->path, suffix);
}

static void
copy_file(const char *from, const char *to)
{
	char command[700];

	(void)snprintf(command, sizeof(command), "cp -p %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static enum status
erase(struct store_bench *f, uint32_t n, enum life from, enum erasure why)
{
	struct store_move m = store_bench_planned(f, n, from, LIFE_ERASED);

	m.why = why;
	m.tell_at_us = 0;
	return store_bench_do(f, &m);
}

static void
keep_copy(struct store_bench *f)
{
	char kept[320];

	store_bench_close(f);
	name_of(f, "-kept", kept);
	copy_file(f->path, kept);
	store_bench_open(f);
}

static void
put_back(struct store_bench *f)
{
	char kept[320];

	store_bench_close(f);
	name_of(f, "-kept", kept);
	assert_int_equal(rename(kept, f->path), 0);
	store_bench_open(f);
}

static void
an_older_copy_does_not_bring_back_what_was_erased(void **state)
{
	struct store_bench *f = *state;

	for (uint32_t n = 1; n <= 3; n++)
		store_bench_bring(f, n, LIFE_CONFIRMED);
	store_bench_bring(f, 4, LIFE_WAITING);
	store_bench_bring(f, 5, LIFE_HELD);
	store_bench_bring(f, 6, LIFE_REFUSED);
	keep_copy(f);
	store_bench_bring(f, 7, LIFE_CONFIRMED);
	assert_int_equal(erase(f, 1, LIFE_CONFIRMED, ERASURE_REQUEST), ST_OK);
	assert_int_equal(erase(f, 2, LIFE_CONFIRMED, ERASURE_AGE), ST_OK);
	assert_int_equal(erase(f, 4, LIFE_WAITING, ERASURE_REQUEST), ST_OK);
	assert_int_equal(erase(f, 5, LIFE_HELD, ERASURE_REQUEST), ST_OK);
	assert_int_equal(
	    store_bench_move(f, 6, LIFE_REFUSED, LIFE_CONFIRMED), ST_OK);
	assert_int_equal(erase(f, 6, LIFE_CONFIRMED, ERASURE_REQUEST), ST_OK);
	assert_int_equal(erase(f, 7, LIFE_CONFIRMED, ERASURE_REQUEST), ST_OK);
	put_back(f);
	for (int again = 0; again < 2; again++) {
		static const enum life stands[] = { LIFE_ERASED, LIFE_CONFIRMED,
			LIFE_CONFIRMED, LIFE_ERASED, LIFE_ERASED, LIFE_ERASED,
			LIFE_ERASED };

		for (uint32_t n = 1; n <= 7; n++)
			assert_int_equal(
			    store_bench_find(f, n).life, stands[n - 1]);
		store_bench_expect_totals(f, 2, 2, 0, 0);
		store_bench_close(f);
		store_bench_open(f);
	}
}

static off_t
list_size(const struct store_bench *f)
{
	char name[320];
	struct stat sb;

	name_of(f, "-erased", name);
	assert_int_equal(stat(name, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	return sb.st_size;
}

static void
what_is_not_committed_is_not_listed(void **state)
{
	struct store_bench *f = *state;
	struct store_move m;

	store_bench_bring(f, 1, LIFE_CONFIRMED);
	m = store_bench_planned(f, 1, LIFE_CONFIRMED, LIFE_ERASED);
	store_bench_begin(f);
	assert_int_equal(f->driver->move(f->writer, &m), ST_OK);
	f->driver->abort(f->writer);
	assert_int_equal(list_size(f), 0);
	store_bench_begin(f);
	store_bench_commit(f);
	assert_int_equal(list_size(f), 0);
	assert_int_equal(store_bench_do(f, &m), ST_OK);
	assert_int_equal(list_size(f), 32);
}

static void
a_list_that_a_crash_cut_or_a_disk_damaged_is_read_on(void **state)
{
	struct store_bench *f = *state;
	char name[320];
	FILE *list;

	for (uint32_t n = 1; n <= 3; n++)
		store_bench_bring(f, n, LIFE_CONFIRMED);
	keep_copy(f);
	for (uint32_t n = 1; n <= 3; n++)
		assert_int_equal(
		    erase(f, n, LIFE_CONFIRMED, ERASURE_REQUEST), ST_OK);
	name_of(f, "-erased", name);
	list = fopen(name, "r+");
	assert_non_null(list);
	assert_int_equal(fseek(list, 32 + 17, SEEK_SET), 0);
	assert_int_equal(fputc('x', list), 'x');
	assert_int_equal(fclose(list), 0);
	assert_int_equal(truncate(name, 96 + 7), 0);
	put_back(f);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_ERASED);
	assert_int_equal(store_bench_find(f, 2).life, LIFE_CONFIRMED);
	assert_int_equal(store_bench_find(f, 3).life, LIFE_ERASED);
	assert_int_equal(erase(f, 2, LIFE_CONFIRMED, ERASURE_REQUEST), ST_OK);
	assert_int_equal(list_size(f), 128);
}

static void
a_lost_list_begins_with_what_the_store_knows(void **state)
{
	struct store_bench *f = *state;
	char name[320];

	store_bench_bring(f, 1, LIFE_CONFIRMED);
	store_bench_bring(f, 2, LIFE_CONFIRMED);
	keep_copy(f);
	assert_int_equal(erase(f, 1, LIFE_CONFIRMED, ERASURE_REQUEST), ST_OK);
	store_bench_close(f);
	name_of(f, "-erased", name);
	assert_int_equal(unlink(name), 0);
	store_bench_open(f);
	assert_int_equal(list_size(f), 32);
	put_back(f);
	assert_int_equal(store_bench_find(f, 1).life, LIFE_ERASED);
	assert_int_equal(store_bench_find(f, 2).life, LIFE_CONFIRMED);
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
		CASE(an_older_copy_does_not_bring_back_what_was_erased),
		CASE(what_is_not_committed_is_not_listed),
		CASE(a_list_that_a_crash_cut_or_a_disk_damaged_is_read_on),
		CASE(a_lost_list_begins_with_what_the_store_knows),
	};

	return cmocka_run_group_tests_name(
	    "driver_sqlite_rest", tests, NULL, NULL);
}
