/* What only the SQLite driver has: the file, the schema, a disk that fails.
 * tests/contract/ has what it shares with others, test_driver_sqlite_life.c
 * what waits to be confirmed. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/secret.h"
#include "driver_cases.h"
#include "keeper/store_driver.h"

static const struct store_driver *const driver = &store_driver_sqlite;

/* The disk's fault: syncs from the fail_from-th on report EIO.  SQLite and
 * the driver find these before those of the C library. */
static _Atomic int syncs, fail_from;
static _Atomic bool fail_directories;
static _Atomic ino_t fail_file; /* the next sync of it; 0: of none */

static bool
fails(int fd)
{
	int from = fail_from;
	struct stat sb;
	ino_t file;
	bool is_fault;

	errno = EIO;
	if (fstat(fd, &sb) != 0)
		return true;
	file = sb.st_ino;
	is_fault = fail_directories && S_ISDIR(sb.st_mode);
	if (is_fault || atomic_compare_exchange_strong(&fail_file, &file, 0))
		return true;
	return ++syncs >= from && from > 0;
}

int
fdatasync(int fd)
{
	return fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

struct fixture {
	char path[300];
	struct store *writer;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	syncs = fail_from = 0;
	fail_directories = false;
	fail_file = 0;
	driver_cases_folder(f->path, sizeof(f->path));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	fail_from = 0;
	fail_file = 0;
	driver->close(f->writer);
	driver_cases_remove(f->path);
	free(f);
	return 0;
}

static void
open_writer(struct fixture *f)
{
	struct err e = { "" };

	assert_int_equal(
	    driver->open(&f->writer, f->path, STORE_WRITE, &e), ST_OK);
}

static void
close_writer(struct fixture *f)
{
	driver->close(f->writer);
	f->writer = NULL;
}

/* One receipt in a transaction of its own, owed to the endpoint if not 0. */
static enum status
store_one(struct fixture *f, uint32_t n, uint32_t endpoint)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	enum status st = driver->begin(f->writer);

	if (st != ST_OK)
		return st;
	st = driver->put(f->writer, &r, &endpoint, endpoint != 0);
	if (st == ST_OK)
		return driver->commit(f->writer);
	driver->abort(f->writer);
	return st;
}

static void
count_row(void *arg, const struct store_row *row)
{
	(void)row;
	++*(uint64_t *)arg;
}

static uint64_t
receipts_in(struct fixture *f)
{
	const struct store_query q = { .limit = 100000 };
	struct store *reader = NULL;
	uint64_t n = 0, last;
	bool more;
	struct err e;

	assert_int_equal(driver->open(&reader, f->path, STORE_READ, &e), ST_OK);
	assert_int_equal(
	    driver->page(reader, &q, count_row, &n, &last, &more), ST_OK);
	driver->close(reader);
	return n;
}

static int
run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	int rc;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return rc;
}

static void
expect_status(struct fixture *f, enum store_mode mode, enum status status,
    const char *words)
{
	struct store *s = NULL;
	struct err e = { "" };

	assert_int_equal(driver->open(&s, f->path, mode, &e), status);
	assert_null(s);
	assert_non_null(strstr(e.text, words));
}

static void
expect_refused(struct fixture *f, enum store_mode mode, const char *words)
{
	expect_status(f, mode, ST_CONFIG, words);
}

/* ---- the file */

static void
nobody_else_may_read_the_files(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	struct fixture *f = *state;
	mode_t before = umask(0);

	open_writer(f);
	assert_int_equal(store_one(f, 1, 0), ST_OK);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char name[320];
		struct stat sb;

		(void)snprintf(
		    name, sizeof(name), "%s%s", f->path, suffixes[i]);
		assert_int_equal(stat(name, &sb), 0);
		assert_int_equal(sb.st_mode & 0777, 0600);
	}
	(void)umask(before);
}

static void
an_empty_file_becomes_a_store(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
	open_writer(f);
	assert_int_equal(store_one(f, 1, 0), ST_OK);
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	for (int i = 0; i < 200; i++)
		(void)fputs("certainly no database\n", file);
	(void)fclose(file);
	expect_status(f, STORE_WRITE, ST_IO, "not a database");
}

static void
another_programs_database_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    run_sql(f->path, "CREATE TABLE notes (text)"), SQLITE_OK);
	expect_refused(f, STORE_WRITE, "no store of paysieve");
	assert_int_equal(run_sql(f->path, "PRAGMA user_version = 1"), 0);
	expect_refused(f, STORE_WRITE, "no store of paysieve");
}

static void
a_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	close_writer(f);
	assert_int_equal(run_sql(f->path, "PRAGMA user_version = 99"), 0);
	expect_refused(f, STORE_WRITE, "newer");
	expect_refused(f, STORE_READ, "newer");
}

static void
read_file(const char *path, const char *suffix, struct buf *out)
{
	char name[320], piece[4096];
	FILE *file;
	size_t n;

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	file = fopen(name, "r");
	assert_non_null(file);
	buf_init(out, 16 * 1024 * 1024);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_append(out, piece, n);
	assert_int_equal(buf_status(out), ST_OK);
	(void)fclose(file);
}

/* As SIGKILL leaves it: what was committed last stands in the log only. */
static void
a_store_that_is_refused_is_left_as_it_is(void **state)
{
	static const char *const suffixes[] = { "", "-wal" };
	struct fixture *f = *state;
	struct buf before[2], after;
	sqlite3 *db = NULL;
	pid_t child;
	int status;

	open_writer(f);
	close_writer(f);
	child = fork();
	if (child == 0) {
		bool done = sqlite3_open(f->path, &db) == SQLITE_OK &&
			    sqlite3_exec(db, "PRAGMA user_version = 99", NULL,
				NULL, NULL) == SQLITE_OK;
		_exit(done ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < 2; i++)
		read_file(f->path, suffixes[i], &before[i]);
	assert_true(before[1].len > 0);
	expect_refused(f, STORE_WRITE, "newer");
	for (size_t i = 0; i < 2; i++) {
		read_file(f->path, suffixes[i], &after);
		assert_int_equal(after.len, before[i].len);
		assert_memory_equal(after.data, before[i].data, after.len);
		buf_fini(&after);
		buf_fini(&before[i]);
	}
}

static void
a_folder_that_is_not_there_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	struct err e = { "" };

	assert_int_equal(
	    driver->open(&s, "/nonexistent/receipts.db", STORE_WRITE, &e),
	    ST_CONFIG);
	assert_null(s);
	(void)f;
}

static void
two_stores_have_different_epochs(void **state)
{
	struct fixture *f = *state;
	uint64_t one = 0, two = 0;

	open_writer(f);
	assert_int_equal(driver->epoch(f->writer, &one), ST_OK);
	close_writer(f);
	assert_int_equal(unlink(f->path), 0);
	open_writer(f);
	assert_int_equal(driver->epoch(f->writer, &two), ST_OK);
	assert_true(one != two);
}

/* ---- the schema */

#define INSERT                                                      \
	"INSERT INTO receipt (id, merchant, invoice_id, currency, " \
	"amount_minor, paid_at_us, received_at_us) VALUES "
#define ID   "x'00112233445566778899aabbccddeeff'"
#define TIME "1764657045000000, 1764657047000000"

/* proves: R1 */
static void
the_file_itself_refuses_what_is_not_narrow(void **state)
{
	static const char *const wide[] = {
		INSERT "(x'00', 'testbox', 'I', 'BDT', 1, " TIME ")",
		INSERT "('0123456789abcdef', 'testbox', 'I', 'BDT', 1, " TIME
		       ")",
		INSERT "(" ID ", '', 'I', 'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'a b', 'I', 'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'testbox' || char(0) || 'more', 'I', 'BDT', "
		       "1, " TIME ")",
		INSERT "(" ID ", 'abcdefghijklmnopqrstuvwxyz0123456', 'I', "
		       "'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', '', 'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', 'I\n', 'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', ' I', 'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', '<I>', 'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', 'I' || char(0) || "
		       "'name of a payer', 'BDT', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', printf('%065d', 1), 'BDT', 1, " TIME
		       ")",
		INSERT "(" ID ", 'testbox', 'I', 'bdt', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', 'I', 'BDTX', 1, " TIME ")",
		INSERT "(" ID ", 'testbox', 'I', 'BDT', 0, " TIME ")",
		INSERT "(" ID ", 'testbox', 'I', 'BDT', -1, " TIME ")",
		INSERT "(" ID ", 'testbox', 'I', 'BDT', 1.5, " TIME ")",
		INSERT "(" ID ", 'testbox', 'I', 'BDT', 100000000000000, " TIME
		       ")",
		INSERT "(" ID ", 'testbox', 'I', 'BDT', 1, 5, "
		       "1764657047000000)",
		INSERT "(" ID ", 'testbox', 'I', 'BDT', 1, 1764657045000000, "
		       "4102444800000000)",
		"INSERT INTO endpoint (name) VALUES ('https://x')",
		"INSERT INTO store (one, epoch, receipts, pending) "
		"VALUES (2, 1, 0, 0)",
		("PRAGMA foreign_keys = ON; "
		 "INSERT INTO delivery (seq, endpoint_id, attempts, next_us) "
		 "VALUES (77, 1, 0, 0)"),
	};
	struct fixture *f = *state;

	open_writer(f);
	close_writer(f);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		assert_int_equal(run_sql(f->path, wide[i]), SQLITE_CONSTRAINT);
	assert_int_equal(run_sql(f->path, INSERT
			     "(" ID ", 'testbox', 'I', 'BDT', 1, " TIME ")"),
	    SQLITE_OK);
}

static void
a_delivery_for_an_unknown_endpoint_is_refused(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	assert_int_equal(store_one(f, 1, 99), ST_BAD_INPUT);
	assert_int_equal(store_one(f, 1, 0), ST_OK);
}

static bool
file_holds(const char *path, const void *what, size_t len)
{
	unsigned char buf[256 * 1024];
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(buf, 1, sizeof(buf), file);
	assert_true(n > 0 && n < sizeof(buf));
	(void)fclose(file);
	return memmem(buf, n, what, len) != NULL;
}

static void
what_is_deleted_leaves_the_file(void **state)
{
	static const unsigned char mark[] = { 0x06, 0x5a, 0xa5, 0x5a, 0xa5,
		0x5a };
	struct fixture *f = *state;
	struct store_settle d = { .seq = 1,
		.attempt = 1,
		.to = DELIVERY_PENDING,
		.outcome = OUTCOME_STATUS,
		.http_status = 500,
		.now_us = driver_cases_received_us(2),
		.next_us = INT64_C(0x065aa55aa55a) };

	int64_t disabled_us;

	open_writer(f);
	assert_int_equal(
	    driver->endpoint(f->writer, "main", &d.endpoint_id, &disabled_us),
	    ST_OK);
	for (uint32_t n = 1; n <= 20; n++)
		assert_int_equal(store_one(f, n, d.endpoint_id), ST_OK);
	assert_int_equal(driver->begin(f->writer), ST_OK);
	assert_int_equal(driver->settle(f->writer, &d), ST_OK);
	assert_int_equal(driver->commit(f->writer), ST_OK);
	close_writer(f);
	assert_true(file_holds(f->path, mark, sizeof(mark)));
	open_writer(f);
	d.attempt = 2;
	d.to = DELIVERY_DELIVERED;
	assert_int_equal(driver->begin(f->writer), ST_OK);
	assert_int_equal(driver->settle(f->writer, &d), ST_OK);
	assert_int_equal(driver->commit(f->writer), ST_OK);
	close_writer(f);
	assert_false(file_holds(f->path, mark, sizeof(mark)));
}

/* ---- the disk */

/* Another program writes for longer than the driver waits: it cannot be
 * waited for here, so the lock is only held for a moment. */
static void
somebody_who_reads_does_not_disturb(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = NULL;

	open_writer(f);
	assert_int_equal(store_one(f, 1, 0), ST_OK);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN; SELECT * FROM receipt", NULL, NULL, NULL),
	    SQLITE_OK);
	for (uint32_t n = 2; n < 50; n++)
		assert_int_equal(store_one(f, n, 0), ST_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_true(receipts_in(f) == 49);
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
without_room_nothing_is_lost_and_it_goes_on_later(void **state)
{
	struct fixture *f = *state;
	enum status st = ST_OK;
	uint32_t stored = 0, n;

	(void)signal(SIGXFSZ, SIG_IGN);
	open_writer(f);
	limit_files(256 * 1024);
	for (n = 1; n < 1000 && st == ST_OK; n++) {
		st = store_one(f, n, 0);
		stored += st == ST_OK;
	}
	assert_int_equal(st, ST_BUSY);
	assert_int_equal(store_one(f, n, 0), ST_BUSY);
	limit_files(RLIM_INFINITY);
	assert_true(receipts_in(f) == stored);
	assert_int_equal(store_one(f, n, 0), ST_OK);
	close_writer(f);
	open_writer(f);
	assert_true(receipts_in(f) == stored + 1);
}

static void
a_failed_sync_at_the_start_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct err e = { "" };
	int k;

	for (k = 1; k < 100; k++) {
		enum status st;

		syncs = 0;
		fail_from = k;
		st = driver->open(&f->writer, f->path, STORE_WRITE, &e);
		fail_from = 0;
		close_writer(f);
		if (st == ST_OK)
			break;
		assert_int_equal(st, ST_IO);
	}
	assert_in_range(k, 3, 99);
}

static void
a_folder_that_cannot_be_synced_stops_the_start(void **state)
{
	struct fixture *f = *state;
	struct err e = { "" };

	fail_directories = true;
	assert_int_equal(
	    driver->open(&f->writer, f->path, STORE_WRITE, &e), ST_IO);
	assert_non_null(strstr(e.text, "cannot be synced"));
	fail_directories = false;
	open_writer(f);
}

/* Nothing is acknowledged from the first failed sync on, and what was is
 * there afterwards. */
static void
after_a_failed_sync_nothing_is_written(void **state)
{
	struct fixture *f = *state;
	uint32_t acknowledged = 0, n = 0;

	for (int k = 1; k <= 40; k++) {
		bool failed = false;

		open_writer(f);
		syncs = 0;
		fail_from = k;
		for (int i = 0; i < 60; i++) {
			enum status st = store_one(f, ++n, 0);

			assert_true(st == ST_OK || st == ST_IO);
			assert_false(failed && st == ST_OK);
			failed = failed || st == ST_IO;
			acknowledged += st == ST_OK;
		}
		assert_true(failed);
		fail_from = 0;
		assert_int_equal(driver->begin(f->writer), ST_IO);
		close_writer(f);
		assert_true(receipts_in(f) >= acknowledged);
	}
}

static enum status
store_many(struct fixture *f)
{
	enum status st = driver->begin(f->writer);

	for (uint32_t i = 1; i <= 400 && st == ST_OK; i++) {
		struct receipt r = driver_cases_receipt(i, "testbox");

		secret_random(&r.id, sizeof(r.id));
		st = driver->put(f->writer, &r, NULL, 0);
	}
	return st == ST_OK ? driver->commit(f->writer) : st;
}

static long
size_of(const struct fixture *f, const char *suffix)
{
	char name[320];
	struct stat sb;

	(void)snprintf(name, sizeof(name), "%s%s", f->path, suffix);
	assert_int_equal(stat(name, &sb), 0);
	return (long)sb.st_size;
}

/* Commits wait when the copying is more than 64 MiB behind; one of these
 * is less than 8. */
static void
the_log_stays_small_under_load(void **state)
{
	struct fixture *f = *state;
	const long most = (64 + 8) * 1024 * 1024;

	open_writer(f);
	for (int batch = 0; batch < 100; batch++) {
		assert_int_equal(store_many(f), ST_OK);
		assert_true(size_of(f, "-wal") < most);
	}
	assert_true(size_of(f, "") > 1024 * 1024);
	close_writer(f);
	assert_true(receipts_in(f) == 100 * 400);
}

/* The copying is another thread's: the next commit or flush says so, and
 * nothing is acknowledged from then on. */
static void
a_failed_sync_of_the_copied_log_is_noticed(void **state)
{
	struct fixture *f = *state;
	uint64_t acknowledged = 0;
	struct stat sb;

	open_writer(f);
	assert_int_equal(stat(f->path, &sb), 0);
	fail_file = sb.st_ino;
	while (store_many(f) == ST_OK) {
		acknowledged += 400;
		assert_true(acknowledged < 100 * 400);
	}
	assert_int_equal(store_many(f), ST_IO);
	assert_int_equal(driver->flush(f->writer), ST_IO);
	fail_file = 0;
	close_writer(f);
	assert_true(acknowledged > 0 && receipts_in(f) >= acknowledged);
}

/* A second sync would not tell what became of the first one's pages. */
static void
a_failed_copy_is_noticed_when_the_store_is_closed(void **state)
{
	struct fixture *f = *state;
	long log = 0;
	struct stat sb;

	open_writer(f);
	assert_int_equal(stat(f->path, &sb), 0);
	fail_file = sb.st_ino;
	while (log < 4096 * 4120) {
		assert_int_equal(store_many(f), ST_OK);
		log = size_of(f, "-wal");
	}
	close_writer(f);
	assert_int_equal(fail_file, 0);
	assert_true(size_of(f, "-wal") == log);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nobody_else_may_read_the_files),
		CASE(an_empty_file_becomes_a_store),
		CASE(a_file_that_is_no_database_is_refused),
		CASE(another_programs_database_is_refused),
		CASE(a_newer_schema_is_refused),
		CASE(a_store_that_is_refused_is_left_as_it_is),
		CASE(a_folder_that_is_not_there_is_refused),
		CASE(two_stores_have_different_epochs),
		CASE(the_file_itself_refuses_what_is_not_narrow),
		CASE(a_delivery_for_an_unknown_endpoint_is_refused),
		CASE(what_is_deleted_leaves_the_file),
		CASE(somebody_who_reads_does_not_disturb),
		CASE(without_room_nothing_is_lost_and_it_goes_on_later),
		CASE(a_failed_sync_at_the_start_is_noticed),
		CASE(a_folder_that_cannot_be_synced_stops_the_start),
		CASE(after_a_failed_sync_nothing_is_written),
		CASE(the_log_stays_small_under_load),
		CASE(a_failed_sync_of_the_copied_log_is_noticed),
		CASE(a_failed_copy_is_noticed_when_the_store_is_closed),
	};

	return cmocka_run_group_tests_name("driver_sqlite", tests, NULL, NULL);
}
