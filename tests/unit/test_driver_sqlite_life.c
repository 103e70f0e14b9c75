/* Payments that are no receipts, in the SQLite file: what the schema refuses,
 * an older file, how the statements find their rows, what stays of a row. */
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

/* ---- the schema */

#define WAITING                                                             \
	"INSERT INTO waiting (id, merchant, invoice_id, currency, "         \
	"amount_minor, paid_at_us, received_at_us, attempts, denied, "      \
	"next_us) VALUES (x'00112233445566778899aabbccddeeff', 'testbox', " \
	"'I', 'BDT', 1, 1764657045000000, 1764657047000000, 0, 0, "         \
	"1764657047000000)"
#define HELD	 "next_us = NULL, held_at_us = 5, reason = 1"
#define ANSWERED "answered_currency = 'USD', answered_amount_minor = 2"

/* proves: R1 */
static void
a_waiting_row_refuses_what_is_not_narrow(void **state)
{
	static const char *const wide[] = {
		"id = x'00'",
		"id = '0123456789abcdef'",
		"merchant = ''",
		"merchant = 'a b'",
		"merchant = 'testbox' || char(0) || 'more'",
		"merchant = 'abcdefghijklmnopqrstuvwxyz0123456'",
		"invoice_id = ''",
		"invoice_id = 'I' || char(10)",
		"invoice_id = ' I'",
		"invoice_id = '<I>'",
		"invoice_id = 'I' || char(0) || 'name of a payer'",
		"invoice_id = printf('%065d', 1)",
		"currency = 'bdt'",
		"currency = 'BDTX'",
		"amount_minor = 0",
		"amount_minor = 1.5",
		"amount_minor = 100000000000000",
		"paid_at_us = 5",
		"received_at_us = 4102444800000000",
		"tran_id = ''",
		"tran_id = ' T'",
		"tran_id = 'T '",
		"tran_id = 'T' || char(10)",
		"tran_id = '<T>'",
		"tran_id = 'T' || char(0) || 'name of a payer'",
		"tran_id = printf('%065d', 1)",
		"tran_id = x'54'",
		"attempts = -1",
		"attempts = 4294967295",
		"denied = -1",
		"denied = 4294967296",
		"next_us = -1",
	};
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	assert_int_equal(run_sql(f, WAITING), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
		char sql[256];

		(void)snprintf(
		    sql, sizeof(sql), "UPDATE waiting SET %s", wide[i]);
		assert_int_equal(run_sql(f, sql), SQLITE_CONSTRAINT);
	}
	assert_int_equal(
	    run_sql(f, "UPDATE waiting SET tran_id = 'T 1'"), SQLITE_OK);
}

static void
a_row_waits_or_is_held_and_never_both(void **state)
{
	static const char *const neither[] = {
		"next_us = NULL",
		"reason = 1",
		"held_at_us = 5",
		"reason = 1, held_at_us = 5",
		"next_us = NULL, reason = 1",
		"next_us = NULL, held_at_us = 5",
		"next_us = NULL, held_at_us = 5, reason = 0",
		"next_us = NULL, held_at_us = 5, reason = 64",
		"next_us = NULL, held_at_us = -1, reason = 1",
		"answered_invoice_id = 'X', " ANSWERED,
		HELD ", answered_invoice_id = 'X'",
		HELD ", answered_currency = 'USD'",
		HELD ", answered_amount_minor = 2",
		HELD ", " ANSWERED,
		HELD ", answered_invoice_id = ' X', " ANSWERED,
		HELD ", answered_invoice_id = '<X>', " ANSWERED,
		HELD ", answered_invoice_id = '', " ANSWERED,
		HELD ", answered_invoice_id = printf('%065d', 1), " ANSWERED,
		HELD
		", answered_invoice_id = 'X' || char(0) || 'payer', " ANSWERED,
		HELD ", answered_invoice_id = 'X', answered_currency = 'usd', "
		     "answered_amount_minor = 2",
		HELD ", answered_invoice_id = 'X', answered_currency = 'USD', "
		     "answered_amount_minor = 0",
	};
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	assert_int_equal(run_sql(f, WAITING), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(neither); i++) {
		char sql[256];

		(void)snprintf(
		    sql, sizeof(sql), "UPDATE waiting SET %s", neither[i]);
		assert_int_equal(run_sql(f, sql), SQLITE_CONSTRAINT);
	}
	assert_int_equal(run_sql(f, "UPDATE waiting SET " HELD
				    ", answered_invoice_id = 'X', " ANSWERED),
	    SQLITE_OK);
}

static void
a_tombstone_is_an_id_a_time_and_why(void **state)
{
	static const char *const wide[] = {
		"INSERT INTO tombstone VALUES (x'00', 1, 0)",
		"INSERT INTO tombstone VALUES (NULL, 1, 0)",
		"INSERT INTO tombstone VALUES ('0123456789abcdef', 1, 0)",
		"INSERT INTO tombstone VALUES (zeroblob(16), -1, 0)",
		"INSERT INTO tombstone VALUES (zeroblob(16), 'name', 0)",
		"INSERT INTO tombstone VALUES (zeroblob(16), 1, 3)",
		"INSERT INTO tombstone VALUES (zeroblob(16), 1, 'name')",
		"UPDATE store SET waiting = -1",
		"UPDATE store SET held = -1",
	};
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		assert_int_equal(run_sql(f, wide[i]), SQLITE_CONSTRAINT);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM pragma_table_info('tombstone')"),
	    3);
}

/* What a file says that was damaged or written by hand is checked again. */
static void
a_reason_that_holds_nothing_is_a_damaged_file(void **state)
{
	struct fixture *f = *state;
	struct receipt r = driver_cases_receipt(1, "testbox");
	struct store_life now;

	open_writer(f);
	assert_int_equal(driver->begin(f->writer), ST_OK);
	assert_int_equal(driver->wait(f->writer, &r, ""), ST_OK);
	assert_int_equal(driver->commit(f->writer), ST_OK);
	open_beside(f);
	assert_int_equal(
	    run_sql(f, "UPDATE waiting SET next_us = NULL, held_at_us = 5, "
		       "reason = 8"),
	    SQLITE_OK);
	assert_int_equal(REASON_UNKNOWN, 8);
	assert_int_equal(driver->find(f->writer, &r.id, &now), ST_IO);
	assert_int_equal(driver->begin(f->writer), ST_IO);
}

/* ---- a file of the first version */

/* What the program of that time left: receipts 1 to 3, one delivered, one
 * that failed once, one untried. */
static void
make_version_one(struct fixture *f)
{
	static const char rows[] =
	    "INSERT INTO endpoint (name) VALUES ('main');"
	    "INSERT INTO delivered VALUES (1, 1, 1, 5, 200);"
	    "INSERT INTO delivery VALUES (2, 1, 1, 70, 1, 500);"
	    "INSERT INTO delivery VALUES (3, 1, 0, 60, NULL, NULL);"
	    "UPDATE store SET receipts = 3, pending = 2, epoch = 4711;";
	FILE *file = fopen("schemas/sql/sqlite/0001_init.sql", "r");
	char sql[16384];
	size_t n;

	assert_non_null(file); /* tests are run in the project's folder */
	n = fread(sql, 1, sizeof(sql) - 1, file);
	(void)fclose(file);
	assert_true(n > 0 && n < sizeof(sql) - 1);
	sql[n] = '\0';
	open_beside(f);
	assert_int_equal(run_sql(f, sql), SQLITE_OK);
	for (uint32_t i = 1; i <= 3; i++) {
		struct receipt r = driver_cases_receipt(i, "testbox");
		sqlite3_stmt *q = NULL;

		assert_int_equal(
		    sqlite3_prepare_v2(f->db,
			"INSERT INTO receipt (id, merchant, invoice_id, "
			"currency, amount_minor, paid_at_us, received_at_us) "
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			-1, &q, NULL),
		    SQLITE_OK);
		driver_sqlite_bind(q, &r);
		assert_int_equal(sqlite3_step(q), SQLITE_DONE);
		assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	}
	assert_int_equal(run_sql(f, rows), SQLITE_OK);
	assert_int_equal(run_sql(f, "PRAGMA journal_mode = WAL"), SQLITE_OK);
	assert_int_equal(number(f, "PRAGMA user_version"), 1);
	assert_int_equal(sqlite3_close(f->db), SQLITE_OK);
	f->db = NULL;
}

struct seen {
	size_t n;
	struct store_row row[8];
	uint32_t attempt[8];
};

static void
take_row(void *arg, const struct store_row *row)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_LEN(seen->row));
	seen->row[seen->n++] = *row;
}

static void
take_due(void *arg, const struct store_due *due)
{
	struct seen *seen = arg;

	take_row(arg, &due->row);
	seen->attempt[seen->n - 1] = due->attempt;
}

static void
expect_what_was_there(struct fixture *f)
{
	const struct store_query q = { .merchant = "testbox", .limit = 8 };
	struct store_totals t;
	struct seen seen = { 0 };
	int64_t next_us;
	uint64_t epoch, last;
	bool more;

	assert_int_equal(driver->epoch(f->writer, &epoch), ST_OK);
	assert_int_equal(epoch, 4711);
	assert_int_equal(driver->totals(f->writer, &t), ST_OK);
	assert_int_equal(t.receipts, 3);
	assert_int_equal(t.deliveries_pending, 2);
	assert_true(t.oldest_pending_us == driver_cases_received_us(2));
	assert_int_equal(
	    driver->page(f->writer, &q, take_row, &seen, &last, &more), ST_OK);
	assert_int_equal(seen.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct receipt r = driver_cases_receipt(i + 1, "testbox");

		assert_int_equal(seen.row[i].seq, i + 1);
		assert_memory_equal(&seen.row[i].receipt, &r, sizeof(r));
	}
	seen.n = 0;
	assert_int_equal(driver->due(f->writer, 1, false, INT64_MAX - 1, 8,
			     take_due, &seen, &next_us),
	    ST_OK);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.row[0].seq, 3);
	assert_int_equal(seen.attempt[0], 1);
	assert_int_equal(seen.row[1].seq, 2);
	assert_int_equal(seen.attempt[1], 2);
}

static void
an_older_file_is_brought_up_to_date_with_all_that_is_in_it(void **state)
{
	struct fixture *f = *state;
	struct receipt known = driver_cases_receipt(2, "testbox");
	struct receipt new = driver_cases_receipt(4, "testbox");
	struct store_totals t;

	make_version_one(f);
	open_writer(f);
	expect_what_was_there(f);
	close_writer(f);
	open_writer(f);
	expect_what_was_there(f);
	assert_int_equal(driver->begin(f->writer), ST_OK);
	assert_int_equal(driver->wait(f->writer, &known, ""), ST_EXISTS);
	assert_int_equal(driver->wait(f->writer, &new, "T"), ST_OK);
	assert_int_equal(driver->commit(f->writer), ST_OK);
	assert_int_equal(driver->totals(f->writer, &t), ST_OK);
	assert_int_equal(t.receipts, 3);
	assert_int_equal(t.waiting, 1);
	assert_int_equal(t.held, 0);
	open_beside(f);
	assert_int_equal(number(f, "PRAGMA user_version"), 4);
}

static void
a_reader_does_not_bring_a_file_up_to_date(void **state)
{
	struct fixture *f = *state;
	struct store *reader = NULL;
	struct err e = { "" };

	make_version_one(f);
	assert_int_equal(
	    driver->open(&reader, f->path, STORE_READ, &e), ST_CONFIG);
	assert_null(reader);
	assert_non_null(strstr(e.text, "is older"));
}

static void
a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct err e = { "" };

	make_version_one(f);
	open_beside(f);
	assert_int_equal(
	    run_sql(f, "CREATE TABLE tombstone (something)"), SQLITE_OK);
	assert_int_equal(
	    driver->open(&f->writer, f->path, STORE_WRITE, &e), ST_IO);
	assert_null(f->writer);
	assert_non_null(strstr(e.text, "0002_confirm"));
	assert_int_equal(number(f, "PRAGMA user_version"), 1);
	assert_int_equal(number(f, "SELECT count(*) FROM sqlite_schema "
				   "WHERE name LIKE 'waiting%'"),
	    0);
	assert_int_equal(run_sql(f, "DROP TABLE tombstone"), SQLITE_OK);
	open_writer(f);
	expect_what_was_there(f);
}

/* ---- how rows are found */

/* Half of them held, the older half, of two merchants in turn; due in an
 * order of their own. */
#define MANY                                                                 \
	"INSERT INTO waiting (id, merchant, invoice_id, currency, "          \
	"amount_minor, paid_at_us, received_at_us, attempts, denied, "       \
	"next_us, "                                                          \
	"reason, held_at_us) "                                               \
	"WITH RECURSIVE c(i) AS "                                            \
	"(SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000) "          \
	"SELECT randomblob(16), iif(i % 2, 'testbox', 'otherbox'), "         \
	"'INV-' || i, 'BDT', 1, 1764657045000000, 1764657047000000 + i, 0, " \
	"0, "                                                                \
	"iif(i > 10000, 1764657047000000 + i * 7919 % 20011, NULL), "        \
	"iif(i > 10000, NULL, 7), iif(i > 10000, NULL, 5) FROM c"

struct plan {
	enum driver_sqlite_sql which;
	const char *by;	   /* the index that has to be named in it */
	const char *first; /* parameter 1, or a number */
	int rows;	   /* given with a limit of 10 */
};

static const struct plan plans[] = {
	{ SQL_QUESTIONS, "USING INDEX waiting_due (merchant=?", "testbox", 11 },
	{ SQL_HOLDS, "USING INDEX waiting_held (n>?)", NULL, 11 },
	{ SQL_HOLDS_MERCHANT, "USING INDEX waiting_held_merchant (merchant=?",
	    NULL, 11 },
	{ SQL_HOLD, "SEARCH waiting USING INDEX", NULL, 0 },
	{ SQL_LIFE, "SEARCH waiting USING INDEX", NULL, 0 },
	{ SQL_ENDED, "SEARCH tombstone USING PRIMARY KEY", NULL, 1 },
	{ SQL_TOTALS, "INDEX waiting_oldest", NULL, 1 },
	{ SQL_AGAIN, "SEARCH waiting USING INTEGER PRIMARY KEY", NULL, 0 },
	{ SQL_HOLD_IT, "SEARCH waiting USING INTEGER PRIMARY KEY", NULL, 0 },
	{ SQL_WAIT_NO_MORE, "SEARCH waiting USING INTEGER PRIMARY KEY", NULL,
	    0 },
	{ SQL_HOLD_NO_MORE, "SEARCH waiting USING INTEGER PRIMARY KEY", NULL,
	    0 },
	{ SQL_EXHUME, "SEARCH tombstone USING PRIMARY KEY", NULL, 0 },
};

/* Every table but that of one row is searched, and nothing is sorted. */
static void
expect_plan(struct fixture *f, const struct plan *p)
{
	char sql[1024];
	sqlite3_stmt *q = NULL;
	bool named = false;

	(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
	    driver_sqlite_sql_text[p->which]);
	assert_int_equal(
	    sqlite3_prepare_v2(f->db, sql, -1, &q, NULL), SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(q, 3);

		named = named || strstr(step, p->by) != NULL;
		assert_null(strstr(step, "TEMP B-TREE"));
		assert_true(strstr(step, "SCAN") == NULL ||
			    strcmp(step, "SCAN store") == 0 ||
			    strcmp(step, "SCAN CONSTANT ROW") == 0);
	}
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	if (!named)
		fail_msg("statement %d does not use its index", (int)p->which);
}

/* However many rows there are, few are looked at. */
static void
expect_few_steps(struct fixture *f, const struct plan *p)
{
	sqlite3_stmt *q = NULL;
	int rows = 0;

	assert_int_equal(sqlite3_prepare_v2(f->db,
			     driver_sqlite_sql_text[p->which], -1, &q, NULL),
	    SQLITE_OK);
	if (p->first != NULL)
		(void)sqlite3_bind_text(q, 1, p->first, -1, SQLITE_STATIC);
	else
		(void)sqlite3_bind_int64(q, 1, 0);
	(void)sqlite3_bind_int64(q, 2, 11);
	if (p->which == SQL_HOLDS_MERCHANT)
		(void)sqlite3_bind_text(q, 3, "testbox", -1, SQLITE_STATIC);
	while (sqlite3_step(q) == SQLITE_ROW)
		rows++;
	assert_int_equal(rows, p->rows);
	assert_in_range(
	    sqlite3_stmt_status(q, SQLITE_STMTSTATUS_VM_STEP, 0), 1, 1000);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
}

static void
among_many_payments_few_rows_are_looked_at(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	open_beside(f);
	assert_int_equal(run_sql(f, MANY), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		expect_plan(f, &plans[i]);
		expect_few_steps(f, &plans[i]);
	}
}

/* ---- what stays */

static bool
file_holds(const char *path, const char *what)
{
	static unsigned char buf[1024 * 1024];
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(buf, 1, sizeof(buf), file);
	assert_true(n > 0 && n < sizeof(buf));
	(void)fclose(file);
	return memmem(buf, n, what, strlen(what)) != NULL;
}

static void
wait_with_marks(struct fixture *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	char tran_id[RECEIPT_INVOICE];

	(void)snprintf(tran_id, sizeof(tran_id), "TRAN-%06u", n);
	assert_int_equal(driver->wait(f->writer, &r, tran_id), ST_OK);
}

/* Refused payment n is held before, when it is an odd one. */
static void
refuse(struct fixture *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox"), answered = r;
	struct store_move m = { .from = LIFE_WAITING,
		.to = LIFE_HELD,
		.receipt = r,
		.reason = REASON_INVOICE,
		.answered = &answered,
		.at_us = r.received_at_us };
	struct store_life now;

	(void)snprintf(
	    answered.invoice_id, sizeof(answered.invoice_id), "SAID-%06u", n);
	assert_int_equal(driver->find(f->writer, &r.id, &now), ST_OK);
	m.n = now.n;
	if (n % 2 == 1) {
		assert_int_equal(driver->move(f->writer, &m), ST_OK);
		m.from = LIFE_HELD;
	}
	m.to = LIFE_REFUSED;
	assert_int_equal(driver->move(f->writer, &m), ST_OK);
}

static void
of_a_refused_payment_its_id_alone_stays_in_the_file(void **state)
{
	static const char *const words[] = { "INV-2025-", "TRAN-", "SAID-" };
	struct fixture *f = *state;
	char mark[64];

	open_writer(f);
	for (uint32_t n = 1; n <= 200; n++) {
		assert_int_equal(driver->begin(f->writer), ST_OK);
		wait_with_marks(f, n);
		if (n > 20)
			refuse(f, n - 20);
		assert_int_equal(driver->commit(f->writer), ST_OK);
	}
	close_writer(f);
	for (uint32_t n = 1; n <= 200; n++) {
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			bool there = n > 180 && i != 2;

			(void)snprintf(
			    mark, sizeof(mark), "%s%06u", words[i], n);
			assert_int_equal(file_holds(f->path, mark), there);
		}
	}
	open_beside(f);
	assert_int_equal(number(f, "SELECT count(*) FROM tombstone"), 180);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_waiting_row_refuses_what_is_not_narrow),
		CASE(a_row_waits_or_is_held_and_never_both),
		CASE(a_tombstone_is_an_id_a_time_and_why),
		CASE(a_reason_that_holds_nothing_is_a_damaged_file),
		CASE(
		    an_older_file_is_brought_up_to_date_with_all_that_is_in_it),
		CASE(a_reader_does_not_bring_a_file_up_to_date),
		CASE(a_migration_that_fails_leaves_the_file_as_it_was),
		CASE(among_many_payments_few_rows_are_looked_at),
		CASE(of_a_refused_payment_its_id_alone_stays_in_the_file),
	};

	return cmocka_run_group_tests_name(
	    "driver_sqlite_life", tests, NULL, NULL);
}
