#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

#define DAY_US INT64_C(86400000000)

/* ---- holds */

enum status
driver_sqlite_legal(struct store *s, const char *merchant,
    const char *invoice_id, int64_t at_us)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(
	    s, at_us != 0 ? SQL_LEGAL_SET : SQL_LEGAL_FREE, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_text(q, 1, merchant, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 2, invoice_id, -1, SQLITE_STATIC);
	if (at_us == 0)
		return driver_sqlite_run_one(s, q);
	(void)sqlite3_bind_int64(q, 3, at_us);
	rc = sqlite3_step(q);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	st = driver_sqlite_status(s, rc);
	return rc == SQLITE_CONSTRAINT_PRIMARYKEY ? ST_EXISTS : st;
}

enum status
driver_sqlite_legals(struct store *s, store_legal_fn *fn, void *arg)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEGALS, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_legal l = { .at_us = sqlite3_column_int64(q, 2) };

		if (driver_sqlite_text(q, 0, l.merchant, sizeof(l.merchant)) &&
		    driver_sqlite_text(
			q, 1, l.invoice_id, sizeof(l.invoice_id)))
			fn(arg, &l);
		else
			st = driver_sqlite_damaged(s);
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	return st;
}

/* ---- totals */

static sqlite3_stmt *
statement_of(struct store *s, enum driver_sqlite_sql which,
    const struct receipt *r, enum status *st)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	if (q == NULL) {
		*st = driver_sqlite_status(s, rc);
		return NULL;
	}
	(void)sqlite3_bind_text(q, 1, r->merchant, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 2, r->currency, -1, SQLITE_STATIC);
	return q;
}

/* The open total that r belongs to; 0: a new one, the last one being closed
 * when it is full and r is of another day. */
static enum status
open_total(struct store *s, const struct receipt *r, int64_t *n)
{
	enum status st = ST_OK;
	sqlite3_stmt *q = statement_of(s, SQL_BUCKET_OPEN, r, &st);
	bool full;
	int rc;

	if (q == NULL)
		return st;
	rc = sqlite3_step(q);
	*n = sqlite3_column_int64(q, 0);
	full = sqlite3_column_int64(q, 2) >= STORE_BUCKET &&
	       sqlite3_column_int64(q, 1) < r->paid_at_us / DAY_US;
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	if (rc != SQLITE_ROW || !full)
		return driver_sqlite_status(s, rc);
	q = driver_sqlite_statement(s, SQL_BUCKET_CLOSE, &rc);
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, *n);
	*n = 0;
	return driver_sqlite_run_one(s, q);
}

static enum status
add_to_total(struct store *s, const struct receipt *r)
{
	int64_t n = 0;
	enum status st = open_total(s, r, &n);
	sqlite3_stmt *q;
	int rc;

	if (st != ST_OK)
		return st;
	if (n == 0) {
		q = statement_of(s, SQL_BUCKET_NEW, r, &st);
		if (q == NULL)
			return st;
		(void)sqlite3_bind_int64(q, 3, r->paid_at_us / DAY_US);
		(void)sqlite3_bind_int64(q, 4, r->amount_minor);
		return driver_sqlite_run_one(s, q);
	}
	q = driver_sqlite_statement(s, SQL_BUCKET_ADD, &rc);
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, n);
	(void)sqlite3_bind_int64(q, 2, r->paid_at_us / DAY_US);
	(void)sqlite3_bind_int64(q, 3, r->amount_minor);
	return driver_sqlite_run_one(s, q);
}

enum status
driver_sqlite_buckets(struct store *s, store_bucket_fn *fn, void *arg)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_BUCKETS, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_bucket b = {
			.first_day = (uint32_t)sqlite3_column_int64(q, 2),
			.last_day = (uint32_t)sqlite3_column_int64(q, 3),
			.receipts = (uint64_t)sqlite3_column_int64(q, 4),
			.amount_minor = sqlite3_column_int64(q, 5)
		};

		if (driver_sqlite_text(q, 0, b.merchant, sizeof(b.merchant)) &&
		    driver_sqlite_text(q, 1, b.currency, sizeof(b.currency)))
			fn(arg, &b);
		else
			st = driver_sqlite_damaged(s);
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	return st;
}

/* ---- what goes */

static sqlite3_stmt *
expired(struct store *s, enum driver_sqlite_sql which,
    const struct store_expire *e, int *rc)
{
	sqlite3_stmt *q = driver_sqlite_statement(s, which, rc);

	if (q == NULL)
		return NULL;
	(void)sqlite3_bind_text(q, 1, e->merchant, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(q, 2, e->before_us);
	if (sqlite3_bind_parameter_count(q) >= 3)
		(void)sqlite3_bind_int64(q, 3, (sqlite3_int64)e->most);
	return q;
}

/* What q gives, taken before anything is moved from under it. */
static enum status
gather(struct store *s, sqlite3_stmt *q,
    bool (*take)(sqlite3_stmt *q, struct store_life *out),
    struct store_life *to, size_t most, size_t *n)
{
	enum status st = ST_OK;
	int rc = SQLITE_DONE;

	while (
	    st == ST_OK && *n < most && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (take(q, &to[*n]))
			++*n;
		else
			st = driver_sqlite_damaged(s);
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}

static enum status
let_go(struct store *s, const struct store_life *one, struct store_expire *e)
{
	const struct store_move m = { .from = one->life,
		.to = LIFE_ERASED,
		.n = one->n,
		.receipt = one->claimed,
		.at_us = e->at_us,
		.why = ERASURE_AGE };
	enum status st = ST_OK;

	if (e->totals && one->life == LIFE_CONFIRMED)
		st = add_to_total(s, &one->claimed);
	if (st == ST_OK)
		st = driver_sqlite_life_move(s, &m);
	/* It was there a moment ago. */
	return st == ST_NOT_FOUND ? driver_sqlite_damaged(s) : st;
}

enum status
driver_sqlite_expire(struct store *s, struct store_expire *e)
{
	struct store_life *all = calloc(2 * e->most, sizeof(*all));
	enum status st = ST_NO_MEMORY;
	size_t n = 0;
	sqlite3_stmt *q;
	int rc;

	e->receipts = e->waiting = e->held = 0;
	if (all == NULL)
		return st;
	q = expired(s, SQL_EXPIRED, e, &rc);
	st = q == NULL
		 ? driver_sqlite_status(s, rc)
		 : gather(s, q, driver_sqlite_receipt_life, all, e->most, &n);
	e->receipts = n;
	q = st == ST_OK ? expired(s, SQL_EXPIRED_OPEN, e, &rc) : NULL;
	if (st == ST_OK)
		st = q == NULL ? driver_sqlite_status(s, rc)
			       : gather(s, q, driver_sqlite_life, all,
				     n + e->most, &n);
	for (size_t i = e->receipts; i < n; i++) {
		e->waiting += all[i].life == LIFE_WAITING;
		e->held += all[i].life == LIFE_HELD;
	}
	for (size_t i = 0; i < n && st == ST_OK; i++)
		st = let_go(s, &all[i], e);
	free(all);
	return st;
}

static enum status
count(struct store *s, enum driver_sqlite_sql which, struct store_expire *e,
    size_t *n)
{
	int64_t oldest_us;
	int rc;
	sqlite3_stmt *q = expired(s, which, e, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	rc = sqlite3_step(q);
	*n = (size_t)sqlite3_column_int64(q, 0);
	oldest_us = sqlite3_column_int64(q, 1);
	if (oldest_us != 0 && (e->oldest_us == 0 || oldest_us < e->oldest_us))
		e->oldest_us = oldest_us;
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return rc == SQLITE_DONE ? ST_IO : driver_sqlite_status(s, rc);
}

enum status
driver_sqlite_expiring(struct store *s, struct store_expire *e)
{
	enum status st;

	e->oldest_us = 0;
	st = count(s, SQL_EXPIRING, e, &e->receipts);
	if (st == ST_OK)
		st = count(s, SQL_EXPIRING_WAITING, e, &e->waiting);
	return st == ST_OK ? count(s, SQL_EXPIRING_HELD, e, &e->held) : st;
}
