#include <stdlib.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

/* The statement, with before_us and `most`, if it takes that. */
static sqlite3_stmt *
statement_of(struct store *s, enum driver_sqlite_sql which, int64_t before_us,
    size_t most, enum status *st)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	*st = ST_OK;
	if (q == NULL) {
		*st = driver_sqlite_status(s, rc);
		return NULL;
	}
	(void)sqlite3_bind_int64(q, 1, before_us);
	if (sqlite3_bind_parameter_count(q) >= 2)
		(void)sqlite3_bind_int64(q, 2, (sqlite3_int64)most);
	return q;
}

static enum status
sweep_rows(struct store *s, enum driver_sqlite_sql which, int64_t before_us,
    size_t most, size_t *n)
{
	enum status st;
	sqlite3_stmt *q = statement_of(s, which, before_us, most, &st);

	if (q != NULL)
		st = driver_sqlite_run(s, q);
	if (st == ST_OK)
		*n = (size_t)sqlite3_changes(s->db);
	return st;
}

/* ---- deliveries that were given up */

struct stopped {
	sqlite3_int64 seq, endpoint_id;
	bool exhausted;
};

static enum status
forget_by(
    struct store *s, enum driver_sqlite_sql which, const struct stopped *one)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, one->seq);
	(void)sqlite3_bind_int64(q, 2, one->endpoint_id);
	return driver_sqlite_run(s, q);
}

static enum status
forget(struct store *s, const struct stopped *one)
{
	enum status st = forget_by(s, SQL_FORGET_ATTEMPTS, one);

	if (st == ST_OK)
		st = forget_by(s, SQL_FORGET_STOPPED, one);
	if (st == ST_OK && one->exhausted)
		s->exhausted--;
	return st;
}

/* Gathered before anything is taken from under the statement. */
static enum status
sweep_stopped(struct store *s, int64_t before_us, size_t most, size_t *n)
{
	struct stopped *all = calloc(most, sizeof(*all));
	enum status st;
	sqlite3_stmt *q;
	int rc = SQLITE_DONE;
	size_t found = 0;

	if (all == NULL)
		return ST_NO_MEMORY;
	q = statement_of(s, SQL_STOPPED, before_us, most, &st);
	while (
	    q != NULL && found < most && (rc = sqlite3_step(q)) == SQLITE_ROW)
		all[found++] = (struct stopped){ sqlite3_column_int64(q, 0),
			sqlite3_column_int64(q, 1),
			sqlite3_column_int(q, 2) == DELIVERY_EXHAUSTED };
	if (q != NULL) {
		st = driver_sqlite_status(s, rc);
		(void)sqlite3_reset(q);
	}
	for (size_t i = 0; i < found && st == ST_OK; i++)
		st = forget(s, &all[i]);
	free(all);
	if (st == ST_OK)
		*n = found;
	return st;
}

enum status
driver_sqlite_sweep(struct store *s, enum store_sweep what, int64_t before_us,
    size_t most, size_t *n)
{
	*n = 0;
	if (what == STORE_SWEEP_STOPPED)
		return sweep_stopped(s, before_us, most, n);
	return sweep_rows(s,
	    what == STORE_SWEEP_REFUSED ? SQL_SWEEP_REFUSED : SQL_SWEEP,
	    before_us, most, n);
}

enum status
driver_sqlite_sweeping(
    struct store *s, enum store_sweep what, int64_t before_us, size_t *n)
{
	static const enum driver_sqlite_sql counts[STORE_SWEEPS] = {
		[STORE_SWEEP_ATTEMPTS] = SQL_SWEEPING,
		[STORE_SWEEP_STOPPED] = SQL_STOPPED_COUNT,
		[STORE_SWEEP_REFUSED] = SQL_REFUSED_COUNT,
	};
	enum status st;
	sqlite3_stmt *q = statement_of(s, counts[what], before_us, 0, &st);
	int rc;

	*n = 0;
	if (q == NULL)
		return st;
	rc = sqlite3_step(q);
	*n = (size_t)sqlite3_column_int64(q, 0);
	(void)sqlite3_reset(q);
	return rc == SQLITE_DONE ? ST_IO : driver_sqlite_status(s, rc);
}
