#include "keeper/driver_sqlite.h"

#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "base/secret.h"

/* No room: also behind a quota or a limit on file sizes, which SQLite takes
 * for a broken disk.  Never true of a sync.  After a COMMIT
 * sqlite3_system_errno() knows nothing, but the write that failed is the last
 * call that set errno; should it not be, the answer errs towards ST_IO. */
static bool
no_room(int rc)
{
	if (rc != SQLITE_IOERR_WRITE && rc != SQLITE_IOERR_SHMSIZE)
		return false;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
}

enum status
driver_sqlite_status(struct store *s, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ST_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
		return ST_BUSY;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return ST_BAD_INPUT;
	default:
		break;
	}
	if (rc == SQLITE_IOERR_NOMEM || no_room(rc))
		return ST_BUSY;
	s->failed = true;
	return ST_IO;
}

sqlite3_stmt *
driver_sqlite_statement(struct store *s, enum driver_sqlite_sql which, int *rc)
{
	*rc = SQLITE_OK;
	if (s->statements[which] == NULL)
		*rc = sqlite3_prepare_v3(s->db, driver_sqlite_sql_text[which],
		    -1, SQLITE_PREPARE_PERSISTENT, &s->statements[which], NULL);
	return s->statements[which];
}

enum status
driver_sqlite_run(struct store *s, sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);
	enum status st = driver_sqlite_status(s, rc);

	(void)sqlite3_reset(q);
	return st;
}

enum status
driver_sqlite_run_one(struct store *s, sqlite3_stmt *q)
{
	enum status st = driver_sqlite_run(s, q);

	(void)sqlite3_clear_bindings(q);
	if (st == ST_OK && sqlite3_changes(s->db) == 0)
		return ST_NOT_FOUND;
	return st;
}

static enum status
run_plain(struct store *s, enum driver_sqlite_sql which)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	return q == NULL ? driver_sqlite_status(s, rc)
			 : driver_sqlite_run(s, q);
}

enum status
driver_sqlite_checkpoint(struct store *s, int mode, int *copied)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, mode, NULL, copied);
	enum status st = driver_sqlite_status(s, rc);

	return st == ST_BUSY ? ST_OK : st;
}

enum status
driver_sqlite_epoch(struct store *s, uint64_t *epoch)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_EPOCH, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	rc = sqlite3_step(q);
	*epoch = (uint64_t)sqlite3_column_int64(q, 0);
	(void)sqlite3_reset(q);
	return rc == SQLITE_DONE ? ST_IO : driver_sqlite_status(s, rc);
}

/* The next number, as long as positions have room for it. */
static enum status
add_endpoint(struct store *s, const char *name)
{
	int rc, rc_new;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_ENDPOINTS, &rc);
	sqlite3_stmt *add =
	    driver_sqlite_statement(s, SQL_ENDPOINT_NEW, &rc_new);
	sqlite3_int64 most;

	if (add == NULL || q == NULL)
		return driver_sqlite_status(s, q == NULL ? rc : rc_new);
	rc = sqlite3_step(q);
	most = sqlite3_column_int64(q, 0);
	(void)sqlite3_reset(q);
	if (rc != SQLITE_ROW)
		return driver_sqlite_status(s, rc);
	if (most >= STORE_ENDPOINTS)
		return ST_BAD_INPUT;
	(void)sqlite3_bind_text(add, 1, name, -1, SQLITE_STATIC);
	return driver_sqlite_run(s, add);
}

static enum status
sqlite_endpoint(
    struct store *s, const char *name, uint32_t *id, int64_t *disabled_at_us)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_ENDPOINT, &rc);

	if (s->failed)
		return ST_IO;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(q);
	if (rc == SQLITE_DONE) {
		enum status st;

		(void)sqlite3_reset(q);
		st = add_endpoint(s, name);
		if (st != ST_OK)
			return st;
		rc = sqlite3_step(q);
	}
	*id = (uint32_t)sqlite3_column_int64(q, 0);
	*disabled_at_us = sqlite3_column_int64(q, 1);
	(void)sqlite3_reset(q);
	return rc == SQLITE_DONE ? ST_IO : driver_sqlite_status(s, rc);
}

static enum status
sqlite_disable(struct store *s, uint32_t endpoint_id, int64_t at_us)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_DISABLE, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, endpoint_id);
	(void)sqlite3_bind_int64(q, 2, at_us);
	return driver_sqlite_run_one(s, q);
}

enum status
driver_sqlite_begin(struct store *s)
{
	if (s->failed)
		return ST_IO;
	s->stored = s->owed = s->waits = s->holds = s->exhausted = 0;
	s->told = 0;
	s->next_leaf = -1;
	return run_plain(s, SQL_BEGIN);
}

void
driver_sqlite_abort(struct store *s)
{
	erasures_forget(&s->erasures);
	s->has_tree = false; /* it may have seen leaves of this transaction */
	if (sqlite3_get_autocommit(s->db) == 0 &&
	    run_plain(s, SQL_ROLLBACK) != ST_OK)
		s->failed = true;
}

void
driver_sqlite_bind(sqlite3_stmt *q, const struct receipt *r)
{
	(void)sqlite3_bind_blob(q, 1, r->id.b, ID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 2, r->merchant, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 3, r->invoice_id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 4, r->currency, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(q, 5, r->amount_minor);
	(void)sqlite3_bind_int64(q, 6, r->paid_at_us);
	(void)sqlite3_bind_int64(q, 7, r->received_at_us);
}

static enum status
owe(struct store *s, sqlite3_int64 seq, int64_t due_us,
    const uint32_t *endpoint_ids, size_t n)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_OWE, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		(void)sqlite3_bind_int64(q, 1, seq);
		(void)sqlite3_bind_int64(q, 2, endpoint_ids[i]);
		(void)sqlite3_bind_int64(q, 3, due_us);
		st = driver_sqlite_run(s, q);
	}
	s->owed += (int64_t)n;
	return st;
}

enum status
driver_sqlite_taken(
    struct store *s, enum driver_sqlite_sql which, const struct receipt_id *id)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, id->b, ID_BYTES, SQLITE_STATIC);
	st = driver_sqlite_status(s, sqlite3_step(q));
	if (st == ST_OK && sqlite3_column_int(q, 0) != 0)
		st = ST_EXISTS;
	(void)sqlite3_reset(q);
	return st;
}

enum status
driver_sqlite_receipt(struct store *s, const struct receipt *r, int64_t due_us,
    const uint32_t *endpoint_ids, size_t n_endpoints)
{
	struct ledger_salt salt;
	sqlite3_int64 seq;
	int64_t leaf;
	enum status st = driver_sqlite_taken(s, SQL_PUT_TAKEN, &r->id);
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_PUT, &rc);

	if (st == ST_OK)
		st = driver_sqlite_leaf_next(s, &leaf);
	if (st != ST_OK)
		return st;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	secret_random(&salt, sizeof(salt));
	driver_sqlite_bind(q, r);
	(void)sqlite3_bind_int64(q, 8, leaf);
	(void)sqlite3_bind_blob(q, 9, &salt, sizeof(salt), SQLITE_STATIC);
	st = driver_sqlite_run(s, q);
	(void)sqlite3_clear_bindings(q);
	if (st != ST_OK)
		return st;
	if (sqlite3_changes(s->db) == 0)
		return ST_EXISTS;
	s->stored++;
	seq = sqlite3_last_insert_rowid(s->db);
	st = driver_sqlite_leaf_receipt(s, (uint64_t)seq, r, &salt);
	if (st != ST_OK)
		return st;
	return owe(s, seq, due_us, endpoint_ids, n_endpoints);
}

static enum status
sqlite_put(struct store *s, const struct receipt *r,
    const uint32_t *endpoint_ids, size_t n_endpoints)
{
	return driver_sqlite_receipt(
	    s, r, r->received_at_us, endpoint_ids, n_endpoints);
}

static enum status
count(struct store *s)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_COUNTS, &rc);

	if (s->stored == 0 && s->owed == 0 && s->waits == 0 && s->holds == 0 &&
	    s->exhausted == 0 && s->told == 0)
		return ST_OK;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, s->stored);
	(void)sqlite3_bind_int64(q, 2, s->owed);
	(void)sqlite3_bind_int64(q, 3, s->waits);
	(void)sqlite3_bind_int64(q, 4, s->holds);
	(void)sqlite3_bind_int64(q, 5, s->exhausted);
	(void)sqlite3_bind_int64(q, 6, s->told);
	return driver_sqlite_run(s, q);
}

enum status
driver_sqlite_commit(struct store *s)
{
	enum status st = count(s);

	if (st == ST_OK)
		st = erasures_write(&s->erasures);
	if (st == ST_IO)
		s->failed = true;
	if (st == ST_OK) {
		st = run_plain(s, SQL_COMMIT);
		if (st != ST_OK && !s->failed)
			erasures_undo(&s->erasures);
	}
	if (st != ST_OK) {
		driver_sqlite_abort(s);
		return s->failed ? ST_IO : st;
	}
	return driver_sqlite_copy_log(s);
}

bool
driver_sqlite_text(sqlite3_stmt *q, int column, char *field, size_t cap)
{
	const unsigned char *text = sqlite3_column_text(q, column);
	int len = sqlite3_column_bytes(q, column);

	return text != NULL &&
	       receipt_text(field, cap, bytes_make(text, (size_t)len));
}

bool
driver_sqlite_row(sqlite3_stmt *q, struct store_row *row)
{
	struct receipt *r = &row->receipt;
	const void *id = sqlite3_column_blob(q, 1);

	memset(row, 0, sizeof(*row));
	row->seq = (uint64_t)sqlite3_column_int64(q, 0);
	if (id == NULL || sqlite3_column_bytes(q, 1) != ID_BYTES)
		return false;
	memcpy(r->id.b, id, ID_BYTES);
	r->amount_minor = sqlite3_column_int64(q, 5);
	r->paid_at_us = sqlite3_column_int64(q, 6);
	r->received_at_us = sqlite3_column_int64(q, 7);
	return driver_sqlite_text(q, 2, r->merchant, sizeof(r->merchant)) &&
	       driver_sqlite_text(q, 3, r->invoice_id, sizeof(r->invoice_id)) &&
	       driver_sqlite_text(q, 4, r->currency, sizeof(r->currency)) &&
	       receipt_valid(r);
}

enum status
driver_sqlite_damaged(struct store *s)
{
	s->failed = true;
	return ST_IO;
}

enum status
driver_sqlite_at(struct store *s, int64_t seq, struct store_row *row)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_RECEIPT, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, seq);
	rc = sqlite3_step(q);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		st = driver_sqlite_status(s, rc);
	else if (rc == SQLITE_DONE || !driver_sqlite_row(q, row))
		st = driver_sqlite_damaged(s);
	(void)sqlite3_reset(q);
	return st;
}

static enum status
sqlite_get(struct store *s, const struct receipt_id *id, const char *merchant,
    struct store_row *out)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_GET, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, id->b, ID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_text(q, 2, merchant, -1, SQLITE_STATIC);
	rc = sqlite3_step(q);
	if (rc == SQLITE_DONE)
		st = ST_NOT_FOUND;
	else if (rc != SQLITE_ROW)
		st = driver_sqlite_status(s, rc);
	else
		st = driver_sqlite_row(q, out) ? ST_OK
					       : driver_sqlite_damaged(s);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}

static bool
take_delivery(sqlite3_stmt *q, struct store_due *due)
{
	int64_t before = sqlite3_column_int64(q, 11);

	due->first_us = sqlite3_column_int64(q, 10);
	if (due->first_us == 0)
		due->first_us = due->row.receipt.received_at_us;
	due->failed = due->attempt - 1;
	if (before < 0 || before > due->failed)
		return false;
	due->failed -= (uint32_t)before;
	return true;
}

static bool
take_question(sqlite3_stmt *q, struct store_due *due)
{
	due->denied = (uint32_t)sqlite3_column_int64(q, 10);
	if (sqlite3_column_type(q, 11) == SQLITE_NULL)
		return true;
	return driver_sqlite_text(q, 11, due->tran_id, sizeof(due->tran_id)) &&
	       receipt_invoice_valid(bytes_of(due->tran_id));
}

static bool
take_due(sqlite3_stmt *q, bool delivery, struct store_due *due)
{
	memset(due, 0, sizeof(*due));
	due->attempt = (uint32_t)sqlite3_column_int64(q, 8) + 1;
	if (!driver_sqlite_row(q, &due->row))
		return false;
	return delivery ? take_delivery(q, due) : take_question(q, due);
}

enum status
driver_sqlite_dues(struct store *s, sqlite3_stmt *q, bool delivery,
    int64_t now_us, size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	enum status st = ST_OK;
	struct store_due due;
	size_t n = 0;
	int rc = SQLITE_OK;

	/* One further row tells when the earliest of the others is due. */
	(void)sqlite3_bind_int64(q, 2, (sqlite3_int64)limit + 1);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t at = sqlite3_column_int64(q, 9);

		if (n++ == limit || at > now_us) {
			*next_us = at;
			break;
		}
		if (take_due(q, delivery, &due))
			fn(arg, &due);
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
sqlite_due(struct store *s, uint32_t endpoint_id, bool ordered, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	int64_t notice_us = INT64_MAX;
	size_t n = 0;
	enum status st = driver_sqlite_notices(
	    s, endpoint_id, now_us, limit, fn, arg, &notice_us, &n);
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(
	    s, ordered ? SQL_DUE_ORDERED : SQL_DUE, &rc);

	*next_us = INT64_MAX;
	if (st != ST_OK)
		return st;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, endpoint_id);
	st =
	    driver_sqlite_dues(s, q, true, now_us, limit - n, fn, arg, next_us);
	if (notice_us < *next_us)
		*next_us = notice_us;
	return st;
}

static enum status
sqlite_totals(struct store *s, struct store_totals *out)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_TOTALS, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	rc = sqlite3_step(q);
	out->receipts = (uint64_t)sqlite3_column_int64(q, 0);
	out->deliveries_pending = (uint64_t)sqlite3_column_int64(q, 1);
	out->oldest_pending_us = sqlite3_column_int64(q, 2);
	out->waiting = (uint64_t)sqlite3_column_int64(q, 3);
	out->oldest_waiting_us = sqlite3_column_int64(q, 4);
	out->held = (uint64_t)sqlite3_column_int64(q, 5);
	out->exhausted = (uint64_t)sqlite3_column_int64(q, 6);
	out->notices = (uint64_t)sqlite3_column_int64(q, 7);
	(void)sqlite3_reset(q);
	return rc == SQLITE_DONE ? ST_IO : driver_sqlite_status(s, rc);
}

const struct store_driver store_driver_sqlite = {
	.name = "sqlite",
	.open = driver_sqlite_open,
	.close = driver_sqlite_close,
	.epoch = driver_sqlite_epoch,
	.endpoint = sqlite_endpoint,
	.begin = driver_sqlite_begin,
	.put = sqlite_put,
	.wait = driver_sqlite_life_wait,
	.again = driver_sqlite_life_again,
	.find = driver_sqlite_life_find,
	.move = driver_sqlite_life_move,
	.settle = driver_sqlite_settle,
	.redeliver = driver_sqlite_redeliver,
	.disable = sqlite_disable,
	.mark = driver_sqlite_mark,
	.unmark = driver_sqlite_unmark,
	.token = driver_sqlite_token,
	.sweep = driver_sqlite_sweep,
	.legal = driver_sqlite_legal,
	.expire = driver_sqlite_expire,
	.keep_head = driver_sqlite_keep_head,
	.commit = driver_sqlite_commit,
	.abort = driver_sqlite_abort,
	.flush = driver_sqlite_flush,
	.look = driver_sqlite_look,
	.scrub = driver_sqlite_scrub,
	.check = driver_sqlite_check,
	.copy = driver_sqlite_copy,
	.page = driver_sqlite_page,
	.get = sqlite_get,
	.due = sqlite_due,
	.questions = driver_sqlite_life_questions,
	.holds = driver_sqlite_life_holds,
	.hold = driver_sqlite_life_hold,
	.expiring = driver_sqlite_expiring,
	.sweeping = driver_sqlite_sweeping,
	.buckets = driver_sqlite_buckets,
	.legals = driver_sqlite_legals,
	.root = driver_sqlite_root,
	.payments = driver_sqlite_payments,
	.search = driver_sqlite_search,
	.totals = sqlite_totals,
	.deliveries = driver_sqlite_deliveries,
	.attempts = driver_sqlite_attempts,
	.marked = driver_sqlite_marked,
	.tokens = driver_sqlite_tokens,
	.opening = driver_sqlite_opening,
	.audit = driver_sqlite_audit,
};
