/* What every store driver does about what lies on disk: each case runs
 * against each driver. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

static void
a_flush_changes_nothing_that_a_reader_sees(void **state)
{
	struct store_bench *f = *state;
	struct store_row row;
	struct receipt r = driver_cases_receipt(2, "testbox");

	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	for (uint32_t n = 1; n <= 3; n++)
		assert_int_equal(store_bench_put(f, n), ST_OK);
	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	store_bench_expect_totals(f, 3, 3, 0, 0);
	assert_int_equal(f->driver->get(f->reader, &r.id, NULL, &row), ST_OK);
	assert_true(row.seq == 2);
	assert_int_equal(store_bench_put(f, 4), ST_OK);
	store_bench_close(f);
	store_bench_open(f);
	store_bench_expect_totals(f, 4, 4, 0, 0);
}

static void
a_store_of_ones_own_is_clean_and_a_scrub_changes_nothing(void **state)
{
	struct store_bench *f = *state;
	struct store_look l = { .pages = 0 };
	uint64_t n = 9;

	for (uint32_t i = 1; i <= 9; i++)
		store_bench_bring(
		    f, i, i % 2 == 0 ? LIFE_CONFIRMED : LIFE_REFUSED);
	assert_int_equal(f->driver->flush(f->writer), ST_OK);
	while (!l.done)
		assert_int_equal(f->driver->look(f->reader, 1, &l), ST_OK);
	assert_true(l.stained == 0 && l.n == 0 && l.bytes == 0 && l.log == 0);
	assert_int_equal(f->driver->scrub(f->writer, &l, &n), ST_OK);
	assert_true(n == 0);
	store_bench_expect_totals(f, 4, 4, 0, 0);
}

static void
a_copy_is_a_store_of_its_own(void **state)
{
	struct store_bench *f = *state;
	struct store_bench copy = { .driver = f->driver };
	struct store_check found;
	uint64_t epoch = 0, other = 0;
	int fd;

	for (uint32_t n = 1; n <= 5; n++)
		store_bench_bring(f, n, LIFE_CONFIRMED);
	store_bench_bring(f, 6, LIFE_HELD);
	assert_int_equal(
	    store_bench_move(f, 3, LIFE_CONFIRMED, LIFE_ERASED), ST_OK);
	driver_cases_folder(copy.path, sizeof(copy.path));
	fd = open(copy.path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(
	    f->driver->copy(f->reader, copy.path, NULL, NULL), ST_OK);
	store_bench_bring(f, 7, LIFE_CONFIRMED);
	store_bench_open(&copy);
	store_bench_expect_totals(&copy, 4, 4, 0, 1);
	assert_int_equal(store_bench_find(&copy, 3).life, LIFE_ERASED);
	assert_int_equal(store_bench_find(&copy, 7).life, LIFE_ABSENT);
	assert_true(store_bench_find(&copy, 5).n == store_bench_find(f, 5).n);
	assert_int_equal(f->driver->epoch(f->reader, &epoch), ST_OK);
	assert_int_equal(f->driver->epoch(copy.reader, &other), ST_OK);
	assert_true(epoch != other);
	assert_int_equal(f->driver->check(copy.reader, &found), ST_OK);
	assert_true(found.faults == 0 && found.returned == 0);
	assert_true(found.overwrites);
	store_bench_close(&copy);
	driver_cases_remove(copy.path);
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
		CASE(a_flush_changes_nothing_that_a_reader_sees),
		CASE(a_store_of_ones_own_is_clean_and_a_scrub_changes_nothing),
		CASE(a_copy_is_a_store_of_its_own),
	};

	return cmocka_run_group_tests_name("store_rest", tests, NULL, NULL);
}
