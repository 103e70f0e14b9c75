#include <limits.h>
#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

static bool
is_whole(sqlite3_stmt *q, const int *types, int n)
{
	for (int i = 0; i < n; i++) {
		if (sqlite3_column_type(q, i) != types[i])
			return false;
	}
	return true;
}

void
driver_sqlite_leaf_row(sqlite3_stmt *q, struct store_leaf *out)
{
	static const int erasure[] = { SQLITE_INTEGER, SQLITE_BLOB,
		SQLITE_INTEGER, SQLITE_INTEGER, SQLITE_INTEGER, SQLITE_BLOB };
	static const int receipt[] = { SQLITE_INTEGER, SQLITE_BLOB, SQLITE_NULL,
		SQLITE_NULL, SQLITE_NULL, SQLITE_NULL };
	int64_t why = sqlite3_column_int64(q, 3);

	memset(out, 0, sizeof(*out));
	out->n = (uint64_t)sqlite3_column_int64(q, 0);
	out->is_erasure = sqlite3_column_type(q, 2) != SQLITE_NULL;
	out->damaged = !driver_sqlite_hash(q, 1, &out->hash);
	out->damaged |= !is_whole(
	    q, out->is_erasure ? erasure : receipt, ARRAY_LEN(erasure));
	if (!out->is_erasure || out->damaged)
		return;
	out->damaged = !driver_sqlite_hash(q, 5, &out->erasure.hash) ||
		       why < 0 || why > UINT8_MAX;
	out->erasure.of = (uint64_t)sqlite3_column_int64(q, 2);
	out->erasure.why = (uint8_t)why;
	out->erasure.at_us = sqlite3_column_int64(q, 4);
}

/* The columns of SQL_OPENINGS. */
static void
take_opening(sqlite3_stmt *q, struct store_opening *out)
{
	static const int types[] = { SQLITE_INTEGER, SQLITE_BLOB, SQLITE_TEXT,
		SQLITE_TEXT, SQLITE_TEXT, SQLITE_INTEGER, SQLITE_INTEGER,
		SQLITE_INTEGER, SQLITE_INTEGER, SQLITE_BLOB, SQLITE_BLOB };

	memset(out, 0, sizeof(*out));
	out->damaged = !is_whole(q, types, ARRAY_LEN(types));
	out->damaged |= !driver_sqlite_row(q, &out->row);
	out->leaf = STORE_NO_LEAF;
	if (sqlite3_column_type(q, 8) == SQLITE_INTEGER)
		out->leaf = (uint64_t)sqlite3_column_int64(q, 8);
	out->damaged |= sqlite3_column_bytes(q, 9) != LEDGER_SALT ||
			!driver_sqlite_hash(q, 10, &out->hash);
	if (!out->damaged)
		memcpy(out->salt.b, sqlite3_column_blob(q, 9), LEDGER_SALT);
}

enum status
driver_sqlite_opening(
    struct store *s, const struct receipt_id *id, struct store_opening *out)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_OPENING, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, id->b, ID_BYTES, SQLITE_STATIC);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		take_opening(q, out);
	else
		st = rc == SQLITE_DONE ? ST_NOT_FOUND
				       : driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}

/* ---- passes over everything */

typedef enum status pass_fn(struct store_audit *a, sqlite3_stmt *q);

static enum status
pass_head(struct store_audit *a, sqlite3_stmt *q)
{
	struct store_head h;
	enum status st = driver_sqlite_head_row(q, &h);

	if (st == ST_OK)
		a->head(a->arg, &h);
	return st;
}

static enum status
pass_leaf(struct store_audit *a, sqlite3_stmt *q)
{
	struct store_leaf leaf;

	driver_sqlite_leaf_row(q, &leaf);
	a->leaf(a->arg, &leaf);
	return ST_OK;
}

static enum status
pass_opening(struct store_audit *a, sqlite3_stmt *q)
{
	struct store_opening o;

	take_opening(q, &o);
	a->opening(a->arg, &o);
	return ST_OK;
}

static enum status
pass_fault(struct store_audit *a, sqlite3_stmt *q)
{
	const char *words = (const char *)sqlite3_column_text(q, 0);

	if (words != NULL && strcmp(words, "ok") != 0)
		a->fault(a->arg, words);
	return ST_OK;
}

static enum status
pass_totals(struct store_audit *a, sqlite3_stmt *q)
{
	a->receipts = (uint64_t)sqlite3_column_int64(q, 0);
	return ST_OK;
}

/* What cannot be read any further is told, and the next pass goes on. */
static enum status
pass(struct store *s, struct store_audit *a, enum driver_sqlite_sql which,
    pass_fn *fn, const char *words)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	if (which == SQL_LEAVES) {
		(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)a->from);
		(void)sqlite3_bind_int64(q, 2, -1);
	}
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
		st = fn(a, q);
	(void)sqlite3_reset(q);
	if (st != ST_OK)
		return st;
	if ((rc & 0xff) != SQLITE_CORRUPT || a->fault == NULL)
		return driver_sqlite_status(s, rc);
	a->fault(a->arg, words);
	return ST_OK;
}

static enum status
passes(struct store *s, struct store_audit *a)
{
	enum status st =
	    pass(s, a, SQL_TOTALS, pass_totals, "the totals cannot be read");

	if (st == ST_OK && a->head != NULL)
		st = pass(s, a, SQL_HEADS, pass_head,
		    "the heads cannot be read any further");
	if (st == ST_OK && a->leaf != NULL)
		st = pass(s, a, SQL_LEAVES, pass_leaf,
		    "the leaves cannot be read any further");
	if (st == ST_OK && a->opening != NULL)
		st = pass(s, a, SQL_OPENINGS, pass_opening,
		    "the receipts cannot be read any further");
	if (st == ST_OK && a->fault != NULL)
		st = pass(s, a, SQL_CHECK_FILE, pass_fault,
		    "the file cannot be checked any further");
	return st;
}

enum status
driver_sqlite_audit(struct store *s, struct store_audit *a)
{
	int rc, rc_end;
	sqlite3_stmt *begin = driver_sqlite_statement(s, SQL_SNAPSHOT, &rc);
	sqlite3_stmt *end = driver_sqlite_statement(s, SQL_ROLLBACK, &rc_end);
	enum status st;

	if (begin == NULL || end == NULL)
		return driver_sqlite_status(s, begin == NULL ? rc : rc_end);
	st = driver_sqlite_run(s, begin);
	if (st != ST_OK)
		return st;
	st = passes(s, a);
	/* It was for reading only: there is nothing to lose. */
	(void)driver_sqlite_run(s, end);
	return st;
}
