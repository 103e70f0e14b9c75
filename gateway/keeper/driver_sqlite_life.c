#include <assert.h>
#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

/* ---- in */

static void
bind_answered(sqlite3_stmt *q, int first, const struct receipt *answered)
{
	if (answered == NULL)
		return; /* what is not bound is NULL */
	(void)sqlite3_bind_text(
	    q, first, answered->invoice_id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(
	    q, first + 1, answered->currency, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(q, first + 2, answered->amount_minor);
}

/* To wait, or, with the move that says why, to be held. */
static enum status
insert(struct store *s, const struct receipt *r, const char *tran_id,
    const struct store_move *held)
{
	enum status st = driver_sqlite_taken(s, SQL_WAIT_TAKEN, &r->id);
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_WAIT, &rc);

	if (st != ST_OK)
		return st;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	driver_sqlite_bind(q, r);
	if (tran_id[0] != '\0')
		(void)sqlite3_bind_text(q, 8, tran_id, -1, SQLITE_STATIC);
	if (held != NULL) {
		(void)sqlite3_bind_int64(q, 10, (sqlite3_int64)held->reason);
		(void)sqlite3_bind_int64(q, 11, held->at_us);
		bind_answered(q, 12, held->answered);
	} else {
		(void)sqlite3_bind_int64(q, 9, r->received_at_us);
	}
	st = driver_sqlite_run(s, q);
	(void)sqlite3_clear_bindings(q);
	if (st != ST_OK)
		return st;
	if (sqlite3_changes(s->db) == 0)
		return ST_EXISTS;
	if (held != NULL)
		s->holds++;
	else
		s->waits++;
	return ST_OK;
}

enum status
driver_sqlite_life_wait(
    struct store *s, const struct receipt *r, const char *tran_id)
{
	return insert(s, r, tran_id, NULL);
}

enum status
driver_sqlite_life_again(struct store *s, const struct store_again *a)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_AGAIN, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)a->n);
	(void)sqlite3_bind_int64(q, 2, a->attempt);
	(void)sqlite3_bind_int64(q, 3, a->denied);
	(void)sqlite3_bind_int64(q, 4, a->next_us);
	return driver_sqlite_run_one(s, q);
}

/* ---- a move: leave, then arrive */

static enum status
leave_waiting(struct store *s, const struct store_move *m)
{
	bool held = m->from == LIFE_HELD;
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(
	    s, held ? SQL_HOLD_NO_MORE : SQL_WAIT_NO_MORE, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)m->n);
	(void)sqlite3_bind_blob(q, 2, m->receipt.id.b, ID_BYTES, SQLITE_STATIC);
	st = driver_sqlite_run_one(s, q);
	if (st != ST_OK)
		return st;
	if (held)
		s->holds--;
	else
		s->waits--;
	return ST_OK;
}

/* Its row stays, and says so from now on. */
static enum status
hold_waiting(struct store *s, const struct store_move *m)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_HOLD_IT, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)m->n);
	(void)sqlite3_bind_blob(q, 2, m->receipt.id.b, ID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_int64(q, 3, (sqlite3_int64)m->reason);
	(void)sqlite3_bind_int64(q, 4, m->at_us);
	bind_answered(q, 5, m->answered);
	st = driver_sqlite_run_one(s, q);
	if (st != ST_OK)
		return st;
	s->waits--;
	s->holds++;
	return ST_OK;
}

static enum status
tombstone(
    struct store *s, enum driver_sqlite_sql which, const struct store_move *m)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, m->receipt.id.b, ID_BYTES, SQLITE_STATIC);
	if (which == SQL_BURY) {
		(void)sqlite3_bind_int64(q, 2, m->at_us);
		(void)sqlite3_bind_int64(
		    q, 3, m->to == LIFE_ERASED ? 1 + (int)m->why : 0);
	}
	return driver_sqlite_run_one(s, q);
}

static enum status
leave(struct store *s, const struct store_move *m)
{
	switch (m->from) {
	case LIFE_WAITING:
	case LIFE_HELD:
		return leave_waiting(s, m);
	case LIFE_REFUSED:
		return tombstone(s, SQL_EXHUME, m);
	case LIFE_CONFIRMED:
		return driver_sqlite_erase(s, m);
	case LIFE_ABSENT: /* arriving finds out whether it is */
	default:
		return ST_OK;
	}
}

static enum status
arrive(struct store *s, const struct store_move *m)
{
	switch (m->to) {
	case LIFE_WAITING:
		return insert(s, &m->receipt, "", NULL);
	case LIFE_HELD:
		return insert(s, &m->receipt, "", m);
	case LIFE_CONFIRMED:
		return driver_sqlite_receipt(
		    s, &m->receipt, m->at_us, m->endpoint_ids, m->n_endpoints);
	case LIFE_REFUSED:
	case LIFE_ERASED:
	default:
		return tombstone(s, SQL_BURY, m);
	}
}

enum status
driver_sqlite_life_move(struct store *s, const struct store_move *m)
{
	bool allowed = life_move(m->from, m->to, NULL);
	enum status st;

	assert(allowed);
	if (m->from == LIFE_WAITING && m->to == LIFE_HELD)
		return hold_waiting(s, m);
	st = leave(s, m);
	if (st == ST_OK)
		st = arrive(s, m);
	if (st == ST_OK && m->to == LIFE_ERASED && m->why == ERASURE_REQUEST)
		st = erasures_add(&s->erasures, &m->receipt.id, m->at_us) ==
			     ST_OK
			 ? ST_OK
			 : ST_BUSY;
	if (st != ST_EXISTS)
		return st;
	/* In two states at once: no transaction of ours left it so. */
	return m->from == LIFE_ABSENT ? ST_NOT_FOUND : ST_BAD_INPUT;
}

/* ---- out */

/* The columns of LIFE. */
bool
driver_sqlite_life(sqlite3_stmt *q, struct store_life *out)
{
	struct store_row row;
	int64_t reason = sqlite3_column_int64(q, 8);

	memset(out, 0, sizeof(*out));
	if (!driver_sqlite_row(q, &row))
		return false;
	out->life = LIFE_WAITING;
	out->n = row.seq;
	out->claimed = row.receipt;
	if (sqlite3_column_type(q, 8) == SQLITE_NULL)
		return true;
	if (reason < 0 || reason >= REASONS ||
	    reason_answer((enum reason)reason) != ANSWER_HELD)
		return false;
	out->life = LIFE_HELD;
	out->reason = (enum reason)reason;
	out->held_at_us = sqlite3_column_int64(q, 9);
	if (sqlite3_column_type(q, 10) == SQLITE_NULL)
		return true;
	out->is_answered = true;
	out->answered = out->claimed;
	out->answered.amount_minor = sqlite3_column_int64(q, 12);
	return driver_sqlite_text(q, 10, out->answered.invoice_id,
		   sizeof(out->answered.invoice_id)) &&
	       driver_sqlite_text(q, 11, out->answered.currency,
		   sizeof(out->answered.currency)) &&
	       receipt_valid(&out->answered);
}

/* What q, with its parameters bound, finds, or ST_NOT_FOUND. */
static enum status
life_of(struct store *s, sqlite3_stmt *q, struct store_life *out)
{
	int rc = sqlite3_step(q);
	enum status st;

	if (rc == SQLITE_DONE)
		st = ST_NOT_FOUND;
	else if (rc != SQLITE_ROW)
		st = driver_sqlite_status(s, rc);
	else
		st = driver_sqlite_life(q, out) ? ST_OK
						: driver_sqlite_damaged(s);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}

static enum status
find_ended(struct store *s, const struct receipt_id *id, struct store_life *out)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_ENDED, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, id->b, ID_BYTES, SQLITE_STATIC);
	rc = sqlite3_step(q);
	out->n = (uint64_t)sqlite3_column_int64(q, 0);
	if (out->n != 0)
		out->life = LIFE_CONFIRMED;
	else if (sqlite3_column_type(q, 1) != SQLITE_NULL)
		out->life =
		    sqlite3_column_int(q, 1) == 0 ? LIFE_REFUSED : LIFE_ERASED;
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return driver_sqlite_status(s, rc);
}

enum status
driver_sqlite_life_find(
    struct store *s, const struct receipt_id *id, struct store_life *out)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LIFE, &rc);

	memset(out, 0, sizeof(*out));
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, id->b, ID_BYTES, SQLITE_STATIC);
	st = life_of(s, q, out);
	return st == ST_NOT_FOUND ? find_ended(s, id, out) : st;
}

enum status
driver_sqlite_life_questions(struct store *s, const char *merchant,
    int64_t now_us, size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_QUESTIONS, &rc);

	*next_us = INT64_MAX;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_text(q, 1, merchant, -1, SQLITE_STATIC);
	return driver_sqlite_dues(s, q, false, now_us, limit, fn, arg, next_us);
}

enum status
driver_sqlite_life_holds(struct store *s, const struct store_query *query,
    store_life_fn *fn, void *arg, bool *more)
{
	enum driver_sqlite_sql which =
	    query->merchant == NULL ? SQL_HOLDS : SQL_HOLDS_MERCHANT;
	enum status st = ST_OK;
	struct store_life held;
	size_t n = 0;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	*more = false;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)query->after_seq);
	(void)sqlite3_bind_int64(q, 2, (sqlite3_int64)query->limit + 1);
	if (which == SQL_HOLDS_MERCHANT)
		(void)sqlite3_bind_text(
		    q, 3, query->merchant, -1, SQLITE_STATIC);
	while (st == ST_OK && !*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (n++ == query->limit)
			*more = true;
		else if (!driver_sqlite_life(q, &held))
			st = driver_sqlite_damaged(s);
		else
			fn(arg, &held);
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}

enum status
driver_sqlite_life_hold(struct store *s, const struct receipt_id *id,
    const char *merchant, struct store_life *out)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_HOLD, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, id->b, ID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 2, merchant, -1, SQLITE_STATIC);
	return life_of(s, q, out);
}
