#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

/* The statement with merchant and name as parameters 1 and 2. */
static sqlite3_stmt *
statement_of(struct store *s, enum driver_sqlite_sql which,
    const char *merchant, const char *name, enum status *st)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	if (q == NULL) {
		*st = driver_sqlite_status(s, rc);
		return NULL;
	}
	(void)sqlite3_bind_text(q, 1, merchant, -1, SQLITE_STATIC);
	if (name != NULL)
		(void)sqlite3_bind_text(q, 2, name, -1, SQLITE_STATIC);
	return q;
}

enum status
driver_sqlite_marked(struct store *s, struct store_mark *out)
{
	enum status st = ST_OK;
	sqlite3_stmt *q =
	    statement_of(s, SQL_MARK, out->merchant, out->name, &st);
	int rc;

	if (q == NULL)
		return st;
	rc = sqlite3_step(q);
	out->seq = (uint64_t)sqlite3_column_int64(q, 0);
	out->at_us = sqlite3_column_int64(q, 1);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return rc == SQLITE_DONE ? ST_NOT_FOUND : driver_sqlite_status(s, rc);
}

/* Is there room for another of this merchant's? */
static enum status
room(struct store *s, const char *merchant)
{
	enum status st = ST_OK;
	sqlite3_stmt *q = statement_of(s, SQL_MARKS, merchant, NULL, &st);
	sqlite3_int64 n;
	int rc;

	if (q == NULL)
		return st;
	rc = sqlite3_step(q);
	n = sqlite3_column_int64(q, 0);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	if (rc != SQLITE_ROW)
		return driver_sqlite_status(s, rc);
	return n < STORE_MARKS ? ST_OK : ST_UNAVAILABLE;
}

enum status
driver_sqlite_mark(struct store *s, struct store_mark *m)
{
	struct store_mark old = *m;
	enum status st = driver_sqlite_marked(s, &old);
	sqlite3_stmt *q;

	if (st == ST_OK && old.seq > m->seq) {
		*m = old;
		return ST_EXISTS;
	}
	if (st == ST_NOT_FOUND)
		st = room(s, m->merchant);
	if (st != ST_OK)
		return st;
	q = statement_of(s, SQL_MARK_SET, m->merchant, m->name, &st);
	if (q == NULL)
		return st;
	(void)sqlite3_bind_int64(q, 3, (sqlite3_int64)m->seq);
	(void)sqlite3_bind_int64(q, 4, m->at_us);
	return driver_sqlite_run_one(s, q);
}

enum status
driver_sqlite_unmark(struct store *s, const char *merchant, const char *name)
{
	enum status st = ST_OK;
	sqlite3_stmt *q = statement_of(s, SQL_UNMARK, merchant, name, &st);

	return q == NULL ? st : driver_sqlite_run_one(s, q);
}

enum status
driver_sqlite_token(struct store *s, const struct store_token *t)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_TOKEN, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(
	    q, 1, t->sha256, sizeof(t->sha256), SQLITE_STATIC);
	(void)sqlite3_bind_int64(q, 2, t->day);
	(void)sqlite3_bind_int64(q, 3, t->revoked_at_us);
	return driver_sqlite_run_one(s, q);
}

enum status
driver_sqlite_tokens(struct store *s, store_token_fn *fn, void *arg)
{
	enum status st = ST_OK;
	struct store_token t;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_TOKENS, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		const void *sha256 = sqlite3_column_blob(q, 0);

		if (sha256 == NULL ||
		    sqlite3_column_bytes(q, 0) != sizeof(t.sha256)) {
			st = driver_sqlite_damaged(s);
			break;
		}
		memcpy(t.sha256, sha256, sizeof(t.sha256));
		t.day = (uint32_t)sqlite3_column_int64(q, 1);
		t.revoked_at_us = sqlite3_column_int64(q, 2);
		fn(arg, &t);
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	return st;
}
