#include <assert.h>
#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

/* ---- a receipt goes */

/* Run a statement about the receipt of this seq; *n: rows it changed. */
static enum status
run_of(struct store *s, enum driver_sqlite_sql which, uint64_t seq, int64_t *n)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	*n = 0;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)seq);
	st = driver_sqlite_run(s, q);
	if (st == ST_OK)
		*n = sqlite3_changes(s->db);
	return st;
}

static enum status
tell(struct store *s, const struct store_move *m)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_TELL, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)m->n);
	(void)sqlite3_bind_int64(q, 2, m->at_us);
	(void)sqlite3_bind_int64(q, 3, m->tell_at_us);
	st = driver_sqlite_run(s, q);
	if (st == ST_OK)
		s->told += sqlite3_changes(s->db);
	return st;
}

/* Whose receipt this is, is known to be right; the last to go is it. */
static enum status
erase_row(struct store *s, const struct store_move *m)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_ERASE, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)m->n);
	(void)sqlite3_bind_blob(q, 2, m->receipt.id.b, ID_BYTES, SQLITE_STATIC);
	return driver_sqlite_run_one(s, q);
}

static enum status
erase_deliveries(struct store *s, uint64_t seq)
{
	static const enum driver_sqlite_sql steps[] = { SQL_ERASE_ATTEMPTS,
		SQL_ERASE_DELIVERED, SQL_ERASE_OWED, SQL_ERASE_EXHAUSTED,
		SQL_ERASE_DROPPED };
	enum status st = ST_OK;

	for (size_t i = 0; i < ARRAY_LEN(steps) && st == ST_OK; i++) {
		int64_t n;

		st = run_of(s, steps[i], seq, &n);
		if (steps[i] == SQL_ERASE_OWED)
			s->owed -= n;
		if (steps[i] == SQL_ERASE_EXHAUSTED)
			s->exhausted -= n;
	}
	return st;
}

enum status
driver_sqlite_erase(struct store *s, const struct store_move *m)
{
	struct store_life now;
	enum status st = driver_sqlite_life_find(s, &m->receipt.id, &now);

	if (st != ST_OK)
		return st;
	if (now.life != LIFE_CONFIRMED || now.n != m->n)
		return ST_NOT_FOUND;
	if (m->tell_at_us != 0)
		st = tell(s, m);
	if (st == ST_OK)
		st = erase_deliveries(s, m->n);
	if (st == ST_OK)
		st = driver_sqlite_leaf_erased(s, m);
	if (st == ST_OK)
		st = erase_row(s, m);
	if (st == ST_OK)
		s->stored--;
	return st;
}

/* ---- what there is of an invoice */

static sqlite3_stmt *
statement_about(struct store *s, enum driver_sqlite_sql which,
    const char *merchant, const char *invoice_id, int *rc)
{
	sqlite3_stmt *q = driver_sqlite_statement(s, which, rc);

	if (q == NULL)
		return NULL;
	(void)sqlite3_bind_text(q, 1, merchant, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 2, invoice_id, -1, SQLITE_STATIC);
	return q;
}

bool
driver_sqlite_receipt_life(sqlite3_stmt *q, struct store_life *out)
{
	struct store_row row;

	memset(out, 0, sizeof(*out));
	if (!driver_sqlite_row(q, &row))
		return false;
	out->life = LIFE_CONFIRMED;
	out->n = row.seq;
	out->claimed = row.receipt;
	return true;
}

/* What q gives, up to *left of it; one more row says that there is more. */
static enum status
give_payments(struct store *s, sqlite3_stmt *q,
    bool (*take)(sqlite3_stmt *q, struct store_life *out), store_life_fn *fn,
    void *arg, size_t *left, bool *more)
{
	enum status st = ST_OK;
	struct store_life one;
	int rc = SQLITE_OK;

	(void)sqlite3_bind_int64(q, 3, (sqlite3_int64)*left + 1);
	while (st == ST_OK && !*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (*left == 0) {
			*more = true;
		} else if (!take(q, &one)) {
			st = driver_sqlite_damaged(s);
		} else {
			fn(arg, &one);
			--*left;
		}
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}

enum status
driver_sqlite_payments(struct store *s, const char *merchant,
    const char *invoice_id, size_t limit, store_life_fn *fn, void *arg,
    bool *more, bool *legal_hold)
{
	static const struct {
		enum driver_sqlite_sql sql;
		bool (*take)(sqlite3_stmt *q, struct store_life *out);
	} lists[] = { { SQL_PAYMENTS, driver_sqlite_receipt_life },
		{ SQL_PAYMENTS_OPEN, driver_sqlite_life } };
	enum status st = ST_OK;
	sqlite3_stmt *q;
	int rc;

	*more = *legal_hold = false;
	for (size_t i = 0; i < ARRAY_LEN(lists) && st == ST_OK && !*more; i++) {
		q = statement_about(s, lists[i].sql, merchant, invoice_id, &rc);
		if (q == NULL)
			return driver_sqlite_status(s, rc);
		st = give_payments(s, q, lists[i].take, fn, arg, &limit, more);
	}
	if (st != ST_OK)
		return st;
	q = statement_about(s, SQL_LEGAL_HOLD, merchant, invoice_id, &rc);
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	rc = sqlite3_step(q);
	*legal_hold = rc == SQLITE_ROW;
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return driver_sqlite_status(s, rc);
}

/* ---- notices */

static bool
take_notice(sqlite3_stmt *q, struct store_due *due)
{
	struct receipt *r = &due->row.receipt;
	const void *id = sqlite3_column_blob(q, 1);

	memset(due, 0, sizeof(*due));
	due->erased = true;
	due->row.seq = DELIVERY_NOTICE | (uint64_t)sqlite3_column_int64(q, 0);
	if (id == NULL || sqlite3_column_bytes(q, 1) != ID_BYTES)
		return false;
	memcpy(r->id.b, id, ID_BYTES);
	r->received_at_us = sqlite3_column_int64(q, 3);
	due->failed = (uint32_t)sqlite3_column_int64(q, 4);
	due->attempt = due->failed + 1;
	due->first_us = sqlite3_column_int64(q, 5);
	return driver_sqlite_text(q, 2, r->merchant, sizeof(r->merchant)) &&
	       receipt_merchant_valid(bytes_of(r->merchant));
}

enum status
driver_sqlite_notices(struct store *s, uint32_t endpoint_id, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us, size_t *n)
{
	enum status st = ST_OK;
	struct store_due due;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_NOTICES, &rc);

	*n = 0;
	*next_us = INT64_MAX;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, endpoint_id);
	(void)sqlite3_bind_int64(q, 2, (sqlite3_int64)limit + 1);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t at = sqlite3_column_int64(q, 6);

		if (*n == limit || at > now_us) {
			*next_us = at;
			break;
		}
		if (take_notice(q, &due))
			fn(arg, &due);
		else
			st = driver_sqlite_damaged(s);
		++*n;
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	return st;
}

enum status
driver_sqlite_notice_settle(struct store *s, const struct store_settle *d)
{
	bool taken = d->to == DELIVERY_DELIVERED;
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(
	    s, taken ? SQL_NOTICE_TAKEN : SQL_NOTICE_FAILED, &rc);

	assert(taken || d->to == DELIVERY_PENDING);
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(
	    q, 1, (sqlite3_int64)(d->seq & ~DELIVERY_NOTICE));
	(void)sqlite3_bind_int64(q, 2, d->endpoint_id);
	(void)sqlite3_bind_int64(q, 3, d->attempt);
	if (!taken)
		(void)sqlite3_bind_int64(q, 4, d->next_us);
	st = driver_sqlite_run_one(s, q);
	if (st == ST_OK && taken)
		s->told--;
	return st;
}
