/* What SQLite leaves of deleted rows although it overwrites them, how it is
 * found, and how it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/secret.h"
#include "driver_cases.h"
#include "store_bench.h"

#define VALUES 4000 /* of one workload */
#define SECRET 16   /* bytes that tell one value from all others */

/* Rows of many lengths that come, change and go, always the same way. */
struct workload {
	sqlite3 *db;
	sqlite3_stmt *put, *change, *drop;
	uint64_t state;
	size_t n, n_rows, n_gone;
	uint64_t rows[VALUES]; /* the value that stands in row i, 0: none */
	uint64_t gone[2 * VALUES];
};

static uint64_t
draw(struct workload *w, uint64_t below)
{
	w->state = w->state * UINT64_C(6364136223846793005) +
		   UINT64_C(1442695040888963407);
	return (w->state >> 33) % below;
}

/* Value number n, with a text that is nowhere else. */
static void
name(uint64_t n, char out[SECRET + 1])
{
	(void)snprintf(out, SECRET + 1, "<%014llu>", (unsigned long long)n);
}

static void
bind(struct workload *w, sqlite3_stmt *q, int at, uint64_t n)
{
	char text[600];
	size_t len = SECRET + (size_t)draw(w, 500);

	memset(text, '.', sizeof(text));
	name(n, text + len - SECRET);
	assert_int_equal(
	    sqlite3_bind_text(q, at, text, (int)len, SQLITE_TRANSIENT), 0);
}

static void
run(sqlite3_stmt *q)
{
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	assert_int_equal(sqlite3_reset(q), SQLITE_OK);
}

static void
step(struct workload *w)
{
	uint64_t row = draw(w, w->n_rows + 1), kind = draw(w, 10);
	sqlite3_stmt *q = w->drop;

	if (kind < 5 || row == w->n_rows || w->rows[row] == 0) {
		bind(w, w->put, 1, ++w->n);
		run(w->put);
		w->rows[w->n_rows++] = w->n;
		return;
	}
	w->gone[w->n_gone++] = w->rows[row];
	w->rows[row] = 0;
	if (kind < 7) {
		q = w->change;
		w->rows[row] = ++w->n;
		bind(w, q, 2, w->n);
	}
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)row + 1);
	run(q);
}

static sqlite3_stmt *
prepare(struct workload *w, const char *sql)
{
	sqlite3_stmt *q = NULL;

	assert_int_equal(
	    sqlite3_prepare_v2(w->db, sql, -1, &q, NULL), SQLITE_OK);
	return q;
}

static void
run_sql(sqlite3 *db, const char *sql)
{
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static struct workload *
work(const struct store_bench *f, uint64_t seed, const char *secure_delete)
{
	struct workload *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->state = seed;
	assert_int_equal(sqlite3_open(f->path, &w->db), SQLITE_OK);
	run_sql(w->db, secure_delete);
	run_sql(w->db, "CREATE TABLE IF NOT EXISTS scratch "
		       "(k INTEGER PRIMARY KEY AUTOINCREMENT, "
		       "v TEXT NOT NULL)");
	w->put = prepare(w, "INSERT INTO scratch (v) VALUES (?1)");
	w->change = prepare(w, "UPDATE scratch SET v = ?2 WHERE k = ?1");
	w->drop = prepare(w, "DELETE FROM scratch WHERE k = ?1");
	while (w->n + 1 < VALUES) {
		run_sql(w->db, "BEGIN");
		for (int i = 0; i < 20 && w->n + 1 < VALUES; i++)
			step(w);
		run_sql(w->db, "COMMIT");
	}
	(void)sqlite3_finalize(w->put);
	(void)sqlite3_finalize(w->change);
	(void)sqlite3_finalize(w->drop);
	assert_int_equal(sqlite3_close(w->db), SQLITE_OK);
	return w;
}

static void
read_file(const char *path, struct buf *out)
{
	char piece[4096];
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	buf_init(out, 64 * 1024 * 1024);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_append(out, piece, n);
	assert_int_equal(buf_status(out), ST_OK);
	(void)fclose(file);
}

static bool
is_gone(const struct workload *w, uint64_t n)
{
	for (size_t i = 0; i < w->n_gone; i++)
		if (w->gone[i] == n)
			return true;
	return false;
}

/* How often a value that is gone stands in the file. */
static size_t
survivors(const struct store_bench *f, const struct workload *w)
{
	const char *at, *end;
	struct buf file;
	size_t n = 0;

	read_file(f->path, &file);
	at = (const char *)file.data;
	end = at + file.len;
	while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
		unsigned long long value = strtoull(at + 1, NULL, 10);
		char text[SECRET + 1];

		name(value, text);
		n += end - at >= SECRET && memcmp(at, text, SECRET) == 0 &&
		     is_gone(w, value);
		at++;
	}
	buf_fini(&file);
	return n;
}

static struct store_look
look(struct store_bench *f)
{
	struct store_look l = { .pages = 0 };

	while (!l.done)
		assert_int_equal(f->driver->look(f->reader, 64, &l), ST_OK);
	return l;
}

/* Until there is nothing; how many pages were scrubbed. */
static uint64_t
scrub(struct store_bench *f)
{
	struct store_look l;
	uint64_t all = 0;

	for (l = look(f); l.stained > 0; l = look(f)) {
		uint64_t n;

		assert_int_equal(f->driver->scrub(f->writer, &l, &n), ST_OK);
		assert_true(n <= l.n);
		all += n;
	}
	return all;
}

static void
expect_sound(const struct store_bench *f, const struct workload *w)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *db = NULL;
	size_t n = 0, rows;

	for (size_t i = 0; i < w->n_rows; i++)
		n += w->rows[i] != 0;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT count(*) FROM scratch, pragma_integrity_check "
		"WHERE integrity_check = 'ok'",
		-1, &q, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	rows = (size_t)sqlite3_column_int64(q, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	run_sql(db, "DROP TABLE scratch");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(rows, n);
}

static void
what_overwriting_leaves_is_found_and_goes(void **state)
{
	struct store_bench *f = *state;
	size_t before = 0;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct workload *w;
		size_t left;

		store_bench_close(f);
		w = work(f, seed, "PRAGMA secure_delete = ON");
		left = survivors(f, w);
		before += left;
		store_bench_open(f);
		assert_true(scrub(f) > 0 || left == 0);
		assert_int_equal(survivors(f, w), 0);
		store_bench_close(f);
		expect_sound(f, w);
		store_bench_open(f);
		free(w);
	}
	/* Otherwise this shows nothing: SQLite has become better. */
	assert_true(before > 0);
}

static void
what_is_not_overwritten_at_all_is_found_and_goes(void **state)
{
	struct store_bench *f = *state;
	struct workload *w;

	store_bench_close(f);
	w = work(f, 1, "PRAGMA secure_delete = OFF");
	assert_true(survivors(f, w) > 500);
	store_bench_open(f);
	assert_true(scrub(f) > 100);
	assert_int_equal(survivors(f, w), 0);
	store_bench_close(f);
	expect_sound(f, w);
	store_bench_open(f);
	free(w);
}

/* Receipts as they come: ids at random, invoice IDs of many lengths. */
static void
put_many(struct store_bench *f, uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n < to; n += 50) {
		store_bench_begin(f);
		for (uint32_t i = n; i < n + 50; i++) {
			struct receipt r = driver_cases_receipt(i, "testbox");

			secret_random(&r.id, sizeof(r.id));
			(void)snprintf(r.invoice_id, sizeof(r.invoice_id),
			    "INV-%0*u", (int)(1 + i * 7 % 50), i);
			assert_int_equal(
			    f->driver->put(f->writer, &r, &f->main_id, 1),
			    ST_OK);
		}
		store_bench_commit(f);
	}
}

static void
flush(struct store_bench *f)
{
	enum status st;

	while ((st = f->driver->flush(f->writer)) == ST_BUSY)
		; /* there is more */
	assert_int_equal(st, ST_OK);
}

static void
behind_a_flush_nothing_is_left_in_what_changed(void **state)
{
	struct store_bench *f = *state;

	put_many(f, 0, 3000);
	flush(f);
	assert_true(look(f).stained == 0);
	store_bench_expect_totals(f, 3000, 3000, 0, 0);
}

/* So many that the log begins anew several times, beside the commits. */
static void
nor_is_it_where_the_log_was_copied_meanwhile(void **state)
{
	struct store_bench *f = *state;

	put_many(f, 0, 20000);
	flush(f);
	assert_true(look(f).stained == 0);
	store_bench_expect_totals(f, 20000, 20000, 0, 0);
}

/* proves: R15 */
static void
behind_the_end_nothing_is_left_either(void **state)
{
	struct store_bench *f = *state;

	put_many(f, 0, 3000);
	store_bench_close(f);
	store_bench_open(f);
	assert_true(look(f).stained == 0);
	store_bench_expect_totals(f, 3000, 3000, 0, 0);
}

/* ---- a stain in the page that every new receipt goes to */

#define STAIN "what was here"

static bool
stands_in(const struct store_bench *f, const char *suffix)
{
	char path[320];
	struct buf file;
	bool found;

	(void)snprintf(path, sizeof(path), "%s%s", f->path, suffix);
	read_file(path, &file);
	found = memmem(file.data, file.len, STAIN, sizeof(STAIN) - 1) != NULL;
	buf_fini(&file);
	return found;
}

static bool
is_stained(const struct store_bench *f)
{
	return stands_in(f, "");
}

/* The page that holds the only receipt; its gap is its first half. */
static void
stain(struct store_bench *f)
{
	struct buf file;
	const char *row;
	FILE *out;
	long at;

	assert_int_equal(store_bench_put(f, 1), ST_OK);
	store_bench_close(f);
	read_file(f->path, &file);
	row = memmem(file.data, file.len, "testboxINV-2025-000001BDT", 25);
	assert_non_null(row);
	at = (long)(row - (const char *)file.data) / 4096 * 4096 + 1000;
	buf_fini(&file);
	out = fopen(f->path, "r+");
	assert_non_null(out);
	assert_int_equal(fseek(out, at, SEEK_SET), 0);
	assert_true(fputs(STAIN, out) >= 0);
	assert_int_equal(fclose(out), 0);
	store_bench_open(f);
}

static void
what_is_scrubbed_does_not_come_back_from_a_cache(void **state)
{
	struct store_bench *f = *state;

	stain(f);
	assert_int_equal(store_bench_put(f, 2), ST_OK);
	flush(f);
	assert_false(is_stained(f));
	assert_int_equal(store_bench_put(f, 3), ST_OK);
	assert_false(stands_in(f, "-wal"));
	store_bench_expect_totals(f, 3, 3, 0, 0);
}

static void
what_lies_in_a_page_that_did_not_change_is_found_by_looking(void **state)
{
	struct store_bench *f = *state;

	stain(f);
	flush(f);
	assert_true(is_stained(f));
	assert_true(scrub(f) == 1);
	assert_false(is_stained(f));
	store_bench_expect_totals(f, 1, 1, 0, 0);
}

static void
a_scrub_waits_for_who_reads(void **state)
{
	struct store_bench *f = *state;
	struct store_look l;
	sqlite3 *db = NULL;
	uint64_t n;

	stain(f);
	l = look(f);
	assert_true(l.stained == 1 && l.bytes >= 9);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	run_sql(db, "BEGIN; SELECT * FROM receipt");
	assert_int_equal(store_bench_put(f, 2), ST_OK);
	assert_int_equal(f->driver->scrub(f->writer, &l, &n), ST_BUSY);
	assert_int_equal(store_bench_put(f, 3), ST_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	(void)scrub(f);
	assert_false(is_stained(f));
}

static void
a_page_that_is_clean_by_now_is_left_alone(void **state)
{
	struct store_bench *f = *state;
	struct store_look l = { .n = 3, .named = { 1, 2, 1000000 } };
	uint64_t n = 9;

	assert_int_equal(f->driver->scrub(f->writer, &l, &n), ST_OK);
	assert_true(n == 0);
	assert_int_equal(store_bench_put(f, 1), ST_OK);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, store_bench_set_up_sqlite, store_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_overwriting_leaves_is_found_and_goes),
		CASE(what_is_not_overwritten_at_all_is_found_and_goes),
		CASE(behind_a_flush_nothing_is_left_in_what_changed),
		CASE(nor_is_it_where_the_log_was_copied_meanwhile),
		CASE(behind_the_end_nothing_is_left_either),
		CASE(what_is_scrubbed_does_not_come_back_from_a_cache),
		CASE(
		    what_lies_in_a_page_that_did_not_change_is_found_by_looking),
		CASE(a_scrub_waits_for_who_reads),
		CASE(a_page_that_is_clean_by_now_is_left_alone),
	};

	return cmocka_run_group_tests_name(
	    "driver_sqlite_gaps", tests, NULL, NULL);
}
