/* Deliveries in the SQLite file: what the schema refuses, a file of the second
 * version, how the statements find their rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "keeper/driver_sqlite.h"
#include "keeper/store_driver.h"

static const struct store_driver *const driver = &store_driver_sqlite;

struct fixture {
	char path[300];
	struct store *writer;
	sqlite3 *db; /* beside it */
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	driver_cases_folder(f->path, sizeof(f->path));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
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

static void
open_beside(struct fixture *f)
{
	assert_int_equal(sqlite3_open(f->path, &f->db), SQLITE_OK);
}

static void
close_beside(struct fixture *f)
{
	assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
	f->db = NULL;
}

static int
run_sql(struct fixture *f, const char *sql)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL);
}

static int64_t
number(struct fixture *f, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t n;

	assert_int_equal(
	    sqlite3_prepare_v2(f->db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	return n;
}

/* A migration, as the program of its time ran it. */
static void
run_migration(struct fixture *f, const char *path)
{
	FILE *file = fopen(path, "r");
	char sql[16384];
	size_t n;

	assert_non_null(file); /* tests are run in the project's folder */
	n = fread(sql, 1, sizeof(sql) - 1, file);
	(void)fclose(file);
	assert_true(n > 0 && n < sizeof(sql) - 1);
	sql[n] = '\0';
	assert_int_equal(run_sql(f, sql), SQLITE_OK);
}

static void
insert(struct fixture *f, const char *table, const char *more, uint32_t i)
{
	struct receipt r = driver_cases_receipt(i, "testbox");
	sqlite3_stmt *q = NULL;
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO %s (id, merchant, invoice_id, currency, amount_minor, "
	    "paid_at_us, received_at_us%s",
	    table, more);
	assert_int_equal(
	    sqlite3_prepare_v2(f->db, sql, -1, &q, NULL), SQLITE_OK);
	driver_sqlite_bind(q, &r);
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
}

#define ONLY ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"

/* ---- the schema */

static void
make_rows(struct fixture *f)
{
	static const char rows[] =
	    "INSERT INTO endpoint (name) VALUES ('main');"
	    "INSERT INTO delivery (seq, endpoint_id, attempts, next_us) "
	    "VALUES (1, 1, 0, 1);"
	    "INSERT INTO delivered (seq, endpoint_id, attempts, at_us, "
	    "http_status) VALUES (1, 1, 1, 1, 200);"
	    "INSERT INTO stopped VALUES (1, 1, 2, 1, 1, 1, 500);"
	    "INSERT INTO attempt VALUES (1, 1, 1, 1, 1, 1, 500, 1, 1);"
	    "INSERT INTO mark VALUES ('testbox', 'night', 1, 1);"
	    "INSERT INTO token VALUES (zeroblob(32), 1, NULL);";

	insert(f, "receipt", ONLY, 1);
	assert_int_equal(run_sql(f, rows), SQLITE_OK);
}

static void
a_row_of_a_delivery_refuses_what_is_not_narrow(void **state)
{
	static const char *const wide[] = {
		"endpoint SET disabled_at_us = -1",
		"endpoint SET disabled_at_us = 'gone'",
		"delivery SET first_us = -1",
		"delivery SET first_us = NULL",
		"delivery SET before = -1",
		"delivered SET took_ms = -1",
		"delivered SET bytes = -1",
		"delivered SET bytes = 'a body'",
		"stopped SET state = 0",
		"stopped SET state = 1",
		"stopped SET state = 4",
		"stopped SET state = NULL",
		"stopped SET attempts = -1",
		"stopped SET at_us = -1",
		"stopped SET outcome = 64",
		"stopped SET http_status = 600",
		"stopped SET http_status = 'name of a payer'",
		"stopped SET seq = 77",
		"stopped SET endpoint_id = 77",
		"attempt SET number = 0",
		"attempt SET at_us = -1",
		"attempt SET outcome = -1",
		"attempt SET outcome = 64",
		"attempt SET http_status = 600",
		"attempt SET took_ms = -1",
		"attempt SET bytes = -1",
		"attempt SET bytes = 'a body'",
		"mark SET merchant = ''",
		"mark SET merchant = 'a b'",
		"mark SET merchant = 'testbox' || char(0) || 'more'",
		"mark SET name = ''",
		"mark SET name = 'a b'",
		"mark SET name = 'night' || char(0) || 'name of a payer'",
		"mark SET name = printf('%033d', 1)",
		"mark SET seq = -1",
		"mark SET at_us = -1",
		"token SET sha256 = zeroblob(31)",
		"token SET sha256 = printf('%032d', 1)",
		"token SET day = -1",
		"token SET revoked_at_us = -1",
		"store SET exhausted = -1",
	};
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	make_rows(f);
	assert_int_equal(run_sql(f, "PRAGMA foreign_keys = ON"), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
		char sql[256];
		int rc;

		(void)snprintf(sql, sizeof(sql), "UPDATE %s", wide[i]);
		rc = run_sql(f, sql);
		if (rc != SQLITE_CONSTRAINT)
			fail_msg("%s: %d", sql, rc);
	}
}

/* proves: R1 */
static void
of_an_attempt_there_is_no_place_for_words(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM sqlite_schema AS t, "
		      "pragma_table_info(t.name) AS c WHERE t.type = 'table' "
		      "AND t.name IN ('delivery', 'delivered', 'stopped', "
		      "'attempt') AND c.type <> 'INTEGER'"),
	    0);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM pragma_table_info('attempt')"), 9);
}

static void
endpoints_have_no_number_beyond_that_of_a_position(void **state)
{
	struct fixture *f = *state;
	int64_t since_us;
	uint32_t id;

	open_writer(f);
	open_beside(f);
	assert_int_equal(run_sql(f, "INSERT INTO endpoint (id, name) "
				    "VALUES (65534, 'last-but-one')"),
	    SQLITE_OK);
	assert_int_equal(
	    driver->endpoint(f->writer, "last", &id, &since_us), ST_OK);
	assert_int_equal(id, STORE_ENDPOINTS);
	assert_int_equal(driver->endpoint(f->writer, "further", &id, &since_us),
	    ST_BAD_INPUT);
	assert_int_equal(
	    driver->endpoint(f->writer, "last", &id, &since_us), ST_OK);
	assert_int_equal(id, STORE_ENDPOINTS);
}

/* ---- damage */

static void
count_delivery(void *arg, const struct store_delivery *d)
{
	(void)d;
	++*(size_t *)arg;
}

static void
count_attempt(void *arg, const struct delivery_attempt *a)
{
	(void)a;
	++*(size_t *)arg;
}

static enum status
list(struct fixture *f, const struct store_which *w, size_t *n)
{
	uint64_t last;
	bool more;

	*n = 0;
	return driver->deliveries(
	    f->writer, w, count_delivery, n, &last, &more);
}

/* What a file says that was damaged or written by hand is checked again. */
static void
an_outcome_that_nobody_knows_is_a_damaged_file(void **state)
{
	const struct store_which all = { .state = DELIVERY_STATES,
		.limit = 10 };
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct fixture *f = *state;
	size_t n;

	open_writer(f);
	open_beside(f);
	make_rows(f);
	assert_int_equal(
	    run_sql(f, "UPDATE attempt SET outcome = 63"), SQLITE_OK);
	assert_int_equal(list(f, &all, &n), ST_OK);
	assert_int_equal(driver->attempts(f->writer, &r.id, "main", NULL, 9,
			     count_attempt, &n),
	    ST_IO);
	close_writer(f);
	open_writer(f);
	assert_int_equal(
	    run_sql(f, "UPDATE stopped SET outcome = 63"), SQLITE_OK);
	assert_int_equal(list(f, &all, &n), ST_IO);
	assert_int_equal(driver->begin(f->writer), ST_IO);
}

static void
a_delivery_without_its_receipt_is_a_damaged_file(void **state)
{
	const struct store_which pending = { .state = DELIVERY_PENDING,
		.limit = 10 };
	struct fixture *f = *state;
	size_t n;

	open_writer(f);
	open_beside(f);
	make_rows(f);
	assert_int_equal(run_sql(f, "DELETE FROM receipt"), SQLITE_OK);
	assert_int_equal(list(f, &pending, &n), ST_IO);
}

/* ---- a file of the second version */

/* What the program of that time left: receipts 1 to 4 (delivered at the third
 * attempt; failed twice; untried; owed to nobody), 5 waits, 6 is held, 7 was
 * refused. */
static void
make_version_two(struct fixture *f)
{
	static const char rows[] =
	    "INSERT INTO endpoint (name) VALUES ('main');"
	    "INSERT INTO delivered VALUES (1, 1, 3, 1764657050000000, 201);"
	    "INSERT INTO delivery VALUES (2, 1, 2, 1764657070000000, 5, 0);"
	    "INSERT INTO delivery VALUES "
	    "(3, 1, 0, 1764657060000000, NULL, NULL);"
	    "INSERT INTO tombstone VALUES (x'07000000000000000000000000000074',"
	    " 5);"
	    "UPDATE store SET receipts = 4, pending = 2, waiting = 1, "
	    "held = 1, epoch = 4711;";

	open_beside(f);
	run_migration(f, "schemas/sql/sqlite/0001_init.sql");
	run_migration(f, "schemas/sql/sqlite/0002_confirm.sql");
	for (uint32_t i = 1; i <= 4; i++)
		insert(f, "receipt", ONLY, i);
	insert(f, "waiting",
	    ", attempts, denied, next_us) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 9)",
	    5);
	insert(f, "waiting",
	    ", attempts, denied, reason, held_at_us) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, 0, 1, 9)",
	    6);
	assert_int_equal(run_sql(f, rows), SQLITE_OK);
	assert_int_equal(run_sql(f, "PRAGMA journal_mode = WAL"), SQLITE_OK);
	assert_int_equal(number(f, "PRAGMA user_version"), 2);
	close_beside(f);
}

struct seen {
	size_t n;
	struct store_due due[8];
	struct store_delivery delivery[8];
	struct delivery_attempt attempt[8];
};

static void
take_due(void *arg, const struct store_due *due)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_LEN(seen->due));
	seen->due[seen->n++] = *due;
}

static void
take_delivery(void *arg, const struct store_delivery *d)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_LEN(seen->delivery));
	seen->delivery[seen->n++] = *d;
}

static void
take_attempt(void *arg, const struct delivery_attempt *a)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_LEN(seen->attempt));
	seen->attempt[seen->n++] = *a;
}

static void
expect_old_schedules(struct fixture *f)
{
	struct seen seen = { 0 };
	int64_t next_us;

	assert_int_equal(driver->due(f->writer, 1, true, INT64_MAX - 1, 8,
			     take_due, &seen, &next_us),
	    ST_OK);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.due[0].row.seq, 3);
	assert_int_equal(seen.due[0].attempt, 1);
	assert_int_equal(seen.due[0].failed, 0);
	assert_true(seen.due[0].first_us == driver_cases_received_us(3));
	assert_int_equal(seen.due[1].row.seq, 2);
	assert_int_equal(seen.due[1].attempt, 3);
	assert_int_equal(seen.due[1].failed, 2);
	assert_true(seen.due[1].first_us == driver_cases_received_us(2));
}

static void
expect_old_deliveries(struct fixture *f)
{
	static const enum delivery_state states[] = { DELIVERY_DELIVERED,
		DELIVERY_PENDING, DELIVERY_PENDING };
	static const uint32_t attempts[] = { 3, 2, 0 };
	const struct store_which all = { .state = DELIVERY_STATES, .limit = 8 };
	struct receipt one = driver_cases_receipt(1, "testbox");
	struct seen seen = { 0 };
	uint64_t last;
	bool more;

	assert_int_equal(driver->deliveries(f->writer, &all, take_delivery,
			     &seen, &last, &more),
	    ST_OK);
	assert_int_equal(seen.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(seen.delivery[i].seq, i + 1);
		assert_int_equal(seen.delivery[i].delivery.state, states[i]);
		assert_int_equal(
		    seen.delivery[i].delivery.attempts, attempts[i]);
	}
	seen.n = 0;
	assert_int_equal(driver->attempts(f->writer, &one.id, "main", "testbox",
			     8, take_attempt, &seen),
	    ST_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.attempt[0].number, 3);
	assert_int_equal(seen.attempt[0].http_status, 201);
	assert_int_equal(seen.attempt[0].took_ms, 0);
}

static void
expect_totals(struct fixture *f, uint64_t pending, uint64_t exhausted)
{
	struct store_totals t;

	assert_int_equal(driver->totals(f->writer, &t), ST_OK);
	assert_int_equal(t.receipts, 4);
	assert_int_equal(t.deliveries_pending, pending);
	assert_int_equal(t.waiting, 1);
	assert_int_equal(t.held, 1);
	assert_int_equal(t.exhausted, exhausted);
}

static void
a_file_of_the_second_version_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state;
	struct receipt refused = driver_cases_receipt(7, "testbox");
	int64_t since_us = 7;
	uint64_t epoch;
	uint32_t id;

	make_version_two(f);
	for (int i = 0; i < 2; i++) {
		open_writer(f);
		assert_int_equal(driver->epoch(f->writer, &epoch), ST_OK);
		assert_int_equal(epoch, 4711);
		expect_totals(f, 2, 0);
		expect_old_schedules(f);
		expect_old_deliveries(f);
		assert_int_equal(
		    driver->endpoint(f->writer, "main", &id, &since_us), ST_OK);
		assert_int_equal(id, 1);
		assert_true(since_us == 0);
		assert_int_equal(driver->begin(f->writer), ST_OK);
		assert_int_equal(
		    driver->put(f->writer, &refused, NULL, 0), ST_EXISTS);
		driver->abort(f->writer);
		close_writer(f);
	}
	open_beside(f);
	assert_int_equal(number(f, "PRAGMA user_version"), 4);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void
with_a_file_of_the_second_version_everything_goes_on(void **state)
{
	struct fixture *f = *state;
	const struct store_settle exhausted = { .seq = 2,
		.endpoint_id = 1,
		.attempt = 3,
		.to = DELIVERY_EXHAUSTED,
		.outcome = OUTCOME_TIMEOUT,
		.now_us = 9 };
	const struct store_settle delivered = { .seq = 3,
		.endpoint_id = 1,
		.attempt = 1,
		.to = DELIVERY_DELIVERED,
		.http_status = 200,
		.now_us = 9 };
	const struct store_redeliver again = { .seq = 1,
		.endpoint_id = 1,
		.to = DELIVERY_PENDING,
		.at_us = driver_cases_received_us(70) };
	struct receipt one = driver_cases_receipt(1, "testbox");
	struct seen seen = { 0 };
	int64_t next_us;

	make_version_two(f);
	open_writer(f);
	assert_int_equal(driver->begin(f->writer), ST_OK);
	assert_int_equal(driver->settle(f->writer, &exhausted), ST_OK);
	assert_int_equal(driver->settle(f->writer, &delivered), ST_OK);
	assert_int_equal(driver->redeliver(f->writer, &again), ST_OK);
	assert_int_equal(driver->commit(f->writer), ST_OK);
	expect_totals(f, 1, 1);
	assert_int_equal(driver->due(f->writer, 1, false, INT64_MAX - 1, 8,
			     take_due, &seen, &next_us),
	    ST_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.due[0].attempt, 4);
	assert_int_equal(seen.due[0].failed, 0);
	assert_true(seen.due[0].first_us == driver_cases_received_us(70));
	seen.n = 0;
	assert_int_equal(driver->attempts(f->writer, &one.id, "main", NULL, 8,
			     take_attempt, &seen),
	    ST_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.attempt[0].number, 3);
}

static void
a_migration_that_fails_leaves_the_second_version(void **state)
{
	struct fixture *f = *state;
	struct err e = { "" };

	make_version_two(f);
	open_beside(f);
	assert_int_equal(
	    run_sql(f, "CREATE TABLE token (something)"), SQLITE_OK);
	assert_int_equal(
	    driver->open(&f->writer, f->path, STORE_WRITE, &e), ST_IO);
	assert_null(f->writer);
	assert_non_null(strstr(e.text, "0003_deliveries"));
	assert_int_equal(number(f, "PRAGMA user_version"), 2);
	assert_int_equal(number(f, "SELECT count(*) FROM sqlite_schema "
				   "WHERE name IN ('stopped', 'attempt')"),
	    0);
	assert_int_equal(run_sql(f, "DROP TABLE token"), SQLITE_OK);
	open_writer(f);
	expect_old_schedules(f);
}

/* ---- how rows are found */

/* Steps of plans that may be there: tables of one row or of few, lists that
 * are read from their begin, and what has no table. */
static bool
may_scan(enum driver_sqlite_sql which, const char *step)
{
	if (which == SQL_HEADS || which == SQL_HEAD_LAST)
		return strcmp(step, "SCAN head") == 0;
	if (which == SQL_OPENINGS || which == SQL_LEAF_LAST)
		return strcmp(step, "SCAN receipt") == 0;
	if (which == SQL_LEGALS || which == SQL_BUCKETS) /* for people */
		return strcmp(step, "SCAN legal_hold") == 0 ||
		       strcmp(step, "SCAN total") == 0;
	if (which == SQL_ERASED) /* once, when it is opened */
		return strcmp(step, "SCAN tombstone") == 0;
	return strcmp(step, "SCAN store") == 0 ||
	       strcmp(step, "SCAN CONSTANT ROW") == 0 ||
	       ((which == SQL_PAYMENTS_OPEN || which == SQL_EXPIRED_OPEN ||
		    which == SQL_EXPIRING_WAITING ||
		    which == SQL_EXPIRING_HELD) &&
		   strcmp(step, "SCAN waiting") == 0) ||
	       (which == SQL_TOKENS && strcmp(step, "SCAN token") == 0) ||
	       ((which == SQL_SWEEP || which == SQL_SWEEPING) &&
		   strcmp(step, "SCAN attempt") == 0) ||
	       (which == SQL_ATTEMPTS && strstr(step, "subquery") != NULL);
}

static void
every_statement_searches_and_but_one_log_nothing_is_sorted(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	for (unsigned i = 0; i < SQL_STATEMENTS; i++) {
		sqlite3_stmt *q = NULL;
		char sql[2048];

		assert_non_null(driver_sqlite_sql_text[i]);
		(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		    driver_sqlite_sql_text[i]);
		assert_int_equal(
		    sqlite3_prepare_v2(f->db, sql, -1, &q, NULL), SQLITE_OK);
		while (sqlite3_step(q) == SQLITE_ROW) {
			const char *step =
			    (const char *)sqlite3_column_text(q, 3);

			if (strncmp(step, "SCAN", 4) == 0 &&
			    !may_scan((enum driver_sqlite_sql)i, step))
				fail_msg("statement %u: %s", i, step);
			if (strstr(step, "TEMP B-TREE") != NULL &&
			    i != SQL_ATTEMPTS)
				fail_msg("statement %u: %s", i, step);
		}
		assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	}
}

/* 20000 receipts of two merchants in turn, owed to main.  Delivered: the first
 * half, all of one invoice; dropped: the next 5000; exhausted: 2500 more; the
 * others are pending, with 5 attempts in the log each. */
static const char many[] =
    "INSERT INTO endpoint (name) VALUES ('main');"
    "INSERT INTO receipt (id, merchant, invoice_id, currency, amount_minor, "
    "paid_at_us, received_at_us) "
    "WITH RECURSIVE c(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000) "
    "SELECT randomblob(16), iif(i % 2, 'testbox', 'otherbox'), "
    "iif(i <= 10000 OR i = 20000, 'ONE', 'INV-' || i), 'BDT', 1, "
    "1764657045000000, 1764657047000000 + i FROM c;"
    "INSERT INTO delivered (seq, endpoint_id, attempts, at_us, http_status) "
    "SELECT seq, 1, 1, 5, 200 FROM receipt WHERE seq <= 10000;"
    "INSERT INTO stopped SELECT seq, 1, iif(seq <= 15000, 3, 2), 1, 5, 1, 500 "
    "FROM receipt WHERE seq BETWEEN 10001 AND 17500;"
    "INSERT INTO delivery (seq, endpoint_id, attempts, next_us) "
    "SELECT seq, 1, 5, 5 + (20000 - seq) * 7919 % 2503 FROM receipt "
    "WHERE seq > 17500;"
    "INSERT INTO attempt (seq, endpoint_id, number, at_us, outcome, "
    "http_status, took_ms, bytes) SELECT seq, 1, value, 5, 1, 500, 1, 1 "
    "FROM delivery, json_each('[1,2,3,4,5]');";

/* What the driver's statements did since they were asked last. */
static int
steps_of(struct store *s)
{
	int steps = 0;

	for (size_t i = 0; i < SQL_STATEMENTS; i++) {
		if (s->statements[i] != NULL)
			steps += sqlite3_stmt_status(
			    s->statements[i], SQLITE_STMTSTATUS_VM_STEP, 1);
	}
	return steps;
}

static void
count_row(void *arg, const struct store_row *row)
{
	(void)row;
	++*(size_t *)arg;
}

static void
count_due(void *arg, const struct store_due *due)
{
	(void)due;
	++*(size_t *)arg;
}

static void
among_many_deliveries_few_are_looked_at(void **state)
{
	static const struct {
		struct store_which w;
		size_t n;
	} lists[] = {
		{ { .state = DELIVERY_STATES }, 10 },
		{ { .state = DELIVERY_STATES, .after = UINT64_C(9000) << 16 },
		    10 },
		{ { .state = DELIVERY_STATES, .merchant = "otherbox" }, 10 },
		{ { .state = DELIVERY_STATES, .invoice_id = "INV-19000" }, 1 },
		{ { .state = DELIVERY_DELIVERED, .merchant = "otherbox" }, 10 },
		{ { .state = DELIVERY_PENDING }, 10 },
		{ { .state = DELIVERY_PENDING, .merchant = "otherbox" }, 10 },
		{ { .state = DELIVERY_PENDING, .invoice_id = "INV-17520" }, 1 },
		{ { .state = DELIVERY_DROPPED, .merchant = "otherbox" }, 10 },
		{ { .state = DELIVERY_EXHAUSTED }, 10 },
		{ { .state = DELIVERY_PENDING, .merchant = "no", .scan = 50 },
		    0 },
		{ { .state = DELIVERY_STATES, .endpoint_id = 9, .scan = 50 },
		    0 },
	};
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	assert_int_equal(run_sql(f, many), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct store_which w = lists[i].w;
		size_t n;
		int steps;

		w.limit = 10;
		assert_int_equal(list(f, &w, &n), ST_OK);
		assert_int_equal(n, lists[i].n);
		steps = steps_of(f->writer);
		if (steps < 1 || steps > 6000)
			fail_msg("list %zu takes %d steps", i, steps);
	}
}

static void
among_many_receipts_few_undelivered_ones_are_looked_at(void **state)
{
	static const struct {
		struct store_query q;
		size_t n;
	} pages[] = {
		{ { .undelivered = true }, 10 },
		{ { .undelivered = true, .desc = true }, 10 },
		{ { .undelivered = true, .merchant = "otherbox" }, 10 },
		{ { .undelivered = true, .after_seq = 19000 }, 10 },
		{ { .desc = true, .merchant = "otherbox" }, 10 },
		{ { .desc = true, .invoice_id = "ONE" }, 10 },
		{ { .currency = "USD", .scan = 50 }, 0 },
		{ { .currency = "USD", .scan = 50, .undelivered = true }, 0 },
	};
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	assert_int_equal(run_sql(f, many), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct store_query q = pages[i].q;
		uint64_t last;
		size_t n = 0;
		int steps;
		bool more;

		q.limit = 10;
		assert_int_equal(
		    driver->page(f->writer, &q, count_row, &n, &last, &more),
		    ST_OK);
		assert_int_equal(n, pages[i].n);
		assert_true(more);
		steps = steps_of(f->writer);
		if (steps < 1 || steps > 4000)
			fail_msg("page %zu takes %d steps", i, steps);
	}
}

static void
what_is_due_and_what_is_old_is_found_at_once(void **state)
{
	struct fixture *f = *state;
	int64_t next_us;
	size_t n = 0;

	open_writer(f);
	open_beside(f);
	assert_int_equal(run_sql(f, many), SQLITE_OK);
	for (int ordered = 0; ordered < 2; ordered++) {
		n = 0;
		assert_int_equal(driver->due(f->writer, 1, ordered == 1, 5, 10,
				     count_due, &n, &next_us),
		    ST_OK);
		/* Receipt 20000, one of ten thousand of its invoice. */
		assert_int_equal(n, 1);
		assert_in_range(steps_of(f->writer), 1, 1000);
	}
	assert_int_equal(driver->begin(f->writer), ST_OK);
	(void)steps_of(f->writer);
	assert_int_equal(
	    driver->sweep(f->writer, STORE_SWEEP_ATTEMPTS, 6, 10, &n), ST_OK);
	assert_int_equal(n, 10);
	assert_in_range(steps_of(f->writer), 1, 1000);
	driver->abort(f->writer);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_row_of_a_delivery_refuses_what_is_not_narrow),
		CASE(of_an_attempt_there_is_no_place_for_words),
		CASE(endpoints_have_no_number_beyond_that_of_a_position),
		CASE(an_outcome_that_nobody_knows_is_a_damaged_file),
		CASE(a_delivery_without_its_receipt_is_a_damaged_file),
		CASE(a_file_of_the_second_version_is_brought_up_to_date),
		CASE(with_a_file_of_the_second_version_everything_goes_on),
		CASE(a_migration_that_fails_leaves_the_second_version),
		CASE(
		    every_statement_searches_and_but_one_log_nothing_is_sorted),
		CASE(among_many_deliveries_few_are_looked_at),
		CASE(among_many_receipts_few_undelivered_ones_are_looked_at),
		CASE(what_is_due_and_what_is_old_is_found_at_once),
	};

	return cmocka_run_group_tests_name(
	    "driver_sqlite_deliveries", tests, NULL, NULL);
}
