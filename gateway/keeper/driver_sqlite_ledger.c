#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/secret.h"
#include "keeper/driver_sqlite.h"

/* Receipts that get their leaves in one transaction: not much memory. */
#define STEP 5000

bool
driver_sqlite_hash(sqlite3_stmt *q, int column, struct ledger_hash *out)
{
	const void *blob = sqlite3_column_blob(q, column);

	if (sqlite3_column_type(q, column) != SQLITE_BLOB ||
	    sqlite3_column_bytes(q, column) != LEDGER_HASH)
		return false;
	memcpy(out->b, blob, LEDGER_HASH);
	return true;
}

/* ---- leaves */

enum status
driver_sqlite_leaf_next(struct store *s, int64_t *n)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEAF_NEXT, &rc);

	if (s->next_leaf < 0) {
		if (q == NULL)
			return driver_sqlite_status(s, rc);
		st = driver_sqlite_status(s, sqlite3_step(q));
		if (st == ST_OK)
			s->next_leaf = sqlite3_column_int64(q, 0);
		(void)sqlite3_reset(q);
	}
	*n = s->next_leaf;
	return st;
}

/* x NULL: of a receipt. */
static enum status
add(struct store *s, const struct ledger_hash *hash,
    const struct ledger_erasure *x)
{
	int64_t n = 0;
	enum status st = driver_sqlite_leaf_next(s, &n);
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEAF, &rc);

	if (st != ST_OK)
		return st;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, n);
	(void)sqlite3_bind_blob(q, 2, hash, sizeof(*hash), SQLITE_STATIC);
	if (x != NULL) {
		(void)sqlite3_bind_int64(q, 3, (sqlite3_int64)x->of);
		(void)sqlite3_bind_int64(q, 4, x->why);
		(void)sqlite3_bind_int64(q, 5, x->at_us);
	}
	st = driver_sqlite_run(s, q);
	(void)sqlite3_clear_bindings(q);
	if (st == ST_OK)
		s->next_leaf++;
	return st;
}

enum status
driver_sqlite_leaf_receipt(struct store *s, uint64_t seq,
    const struct receipt *r, const struct ledger_salt *salt)
{
	struct ledger_hash hash;
	enum status st = ledger_receipt(salt, seq, r, &hash);

	return st == ST_OK ? add(s, &hash, NULL) : st;
}

enum status
driver_sqlite_leaf_erased(struct store *s, const struct store_move *m)
{
	struct ledger_erasure x = { .why = (uint8_t)m->why, .at_us = m->at_us };
	struct ledger_hash hash;
	enum status st = ST_OK;
	bool found;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEAF_OF, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)m->n);
	(void)sqlite3_bind_blob(q, 2, m->receipt.id.b, ID_BYTES, SQLITE_STATIC);
	rc = sqlite3_step(q);
	x.of = (uint64_t)sqlite3_column_int64(q, 0);
	found = rc == SQLITE_ROW && driver_sqlite_hash(q, 1, &x.hash);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	/* Without its leaf it can go all the same; the audit finds that. */
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return driver_sqlite_status(s, rc);
	if (found)
		st = ledger_erased(&x, &hash);
	return found && st == ST_OK ? add(s, &hash, &x) : st;
}

/* ---- receipts of before there was a ledger */

/* The last receipt gets its leaf last. */
static enum status
is_complete(struct store *s, bool *complete)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEAF_LAST, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	rc = sqlite3_step(q);
	*complete = rc == SQLITE_DONE || sqlite3_column_int(q, 0) != 0;
	(void)sqlite3_reset(q);
	return driver_sqlite_status(s, rc);
}

/* Up to STEP rows behind *after; those that are damaged stay without. */
static enum status
read_leafless(
    struct store *s, struct store_row *rows, size_t *n, uint64_t *after)
{
	enum status st;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEAFLESS, &rc);

	*n = 0;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)*after);
	(void)sqlite3_bind_int64(q, 2, STEP);
	*after = 0;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		*after = (uint64_t)sqlite3_column_int64(q, 0);
		if (driver_sqlite_row(q, &rows[*n]))
			++*n;
	}
	st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	return st;
}

static enum status
give(struct store *s, const struct store_row *row)
{
	struct ledger_salt salt;
	int64_t leaf = 0;
	enum status st = driver_sqlite_leaf_next(s, &leaf);
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEAF_GIVE, &rc);

	if (st != ST_OK)
		return st;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	secret_random(&salt, sizeof(salt));
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)row->seq);
	(void)sqlite3_bind_int64(q, 2, leaf);
	(void)sqlite3_bind_blob(q, 3, &salt, sizeof(salt), SQLITE_STATIC);
	st = driver_sqlite_run(s, q);
	(void)sqlite3_clear_bindings(q);
	if (st != ST_OK)
		return st;
	return driver_sqlite_leaf_receipt(s, row->seq, &row->receipt, &salt);
}

/* *after 0: that was the last. */
static enum status
give_step(struct store *s, struct store_row *rows, uint64_t *after)
{
	enum status st = driver_sqlite_begin(s);
	size_t n = 0;

	if (st == ST_OK)
		st = read_leafless(s, rows, &n, after);
	for (size_t i = 0; i < n && st == ST_OK; i++)
		st = give(s, &rows[i]);
	if (st == ST_OK)
		return driver_sqlite_commit(s);
	driver_sqlite_abort(s);
	return st;
}

enum status
driver_sqlite_leaf_all(struct store *s)
{
	struct store_row *rows;
	uint64_t after = 0;
	bool complete = true;
	enum status st = is_complete(s, &complete);

	if (st != ST_OK || complete)
		return st;
	rows = calloc(STEP, sizeof(*rows));
	if (rows == NULL)
		return ST_NO_MEMORY;
	do
		st = give_step(s, rows, &after);
	while (st == ST_OK && after != 0);
	free(rows);
	return st;
}

/* ---- heads */

enum status
driver_sqlite_head_row(sqlite3_stmt *q, struct store_head *out)
{
	const void *peaks = sqlite3_column_blob(q, 2);
	size_t len = (size_t)sqlite3_column_bytes(q, 2);
	struct ledger_hash is, should;
	enum status st;

	memset(out, 0, sizeof(*out));
	out->tree.size = (uint64_t)sqlite3_column_int64(q, 0);
	out->at_us = sqlite3_column_int64(q, 1);
	out->damaged = !driver_sqlite_hash(q, 3, &is) || peaks == NULL ||
		       len != ledger_peaks(out->tree.size) * LEDGER_HASH;
	if (out->damaged)
		return ST_OK;
	memcpy(out->tree.peaks, peaks, len);
	st = ledger_sum(&out->tree, out->at_us, &should);
	out->damaged = memcmp(is.b, should.b, LEDGER_HASH) != 0;
	return st;
}

/* The tree of the last head: the leaves behind it are still to come.  Of one
 * that is damaged, all are. */
static enum status
load_tree(struct store *s)
{
	struct store_head h = { .damaged = true };
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_HEAD_LAST, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		st = driver_sqlite_head_row(q, &h);
	else
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	if (st != ST_OK)
		return st;
	s->kept_size = h.tree.size;
	s->kept_at_us = h.at_us;
	if (h.damaged)
		memset(&h.tree, 0, sizeof(h.tree));
	s->tree = h.tree;
	s->has_tree = true;
	return ST_OK;
}

static enum status
grow_tree(struct store *s, size_t most, bool *more)
{
	struct store_leaf leaf;
	enum status st = ST_OK;
	bool good = true;
	size_t n = 0;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LEAVES, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)s->tree.size);
	(void)sqlite3_bind_int64(q, 2, (sqlite3_int64)most + 1);
	while (good && !*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		driver_sqlite_leaf_row(q, &leaf);
		good = !leaf.damaged && leaf.n == s->tree.size;
		*more = good && n++ == most;
		if (good && !*more)
			ledger_append(&s->tree, &leaf.hash);
	}
	st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	/* No head of leaves that were changed; the audit says which. */
	if (!good)
		s->kept_at_us = INT64_MAX;
	return st == ST_OK ? s->tree.failed : st;
}

static enum status
insert_head(struct store *s, int64_t at_us)
{
	struct ledger_hash sum;
	enum status st = ledger_sum(&s->tree, at_us, &sum);
	size_t len = ledger_peaks(s->tree.size) * LEDGER_HASH;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_HEAD, &rc);

	if (st != ST_OK)
		return st;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)s->tree.size);
	(void)sqlite3_bind_int64(q, 2, at_us);
	(void)sqlite3_bind_blob(q, 3, s->tree.peaks, (int)len, SQLITE_STATIC);
	(void)sqlite3_bind_blob(q, 4, &sum, sizeof(sum), SQLITE_STATIC);
	st = driver_sqlite_run(s, q);
	(void)sqlite3_clear_bindings(q);
	if (st != ST_OK)
		return st;
	s->kept_size = s->tree.size;
	s->kept_at_us = at_us;
	return ST_OK;
}

enum status
driver_sqlite_root(struct store *s, size_t most, uint64_t *size,
    struct ledger_hash *root, bool *more)
{
	enum status st = s->has_tree ? ST_OK : load_tree(s);

	*more = false;
	if (st == ST_OK)
		st = grow_tree(s, most, more);
	*size = s->tree.size;
	return st == ST_OK ? ledger_root(&s->tree, root) : st;
}

enum status
driver_sqlite_keep_head(
    struct store *s, int64_t before_us, int64_t at_us, size_t most, bool *more)
{
	enum status st = s->has_tree ? ST_OK : load_tree(s);

	*more = false;
	if (st == ST_OK)
		st = grow_tree(s, most, more);
	if (st != ST_OK || *more || s->tree.size <= s->kept_size ||
	    s->kept_at_us >= before_us)
		return st;
	return insert_head(s, at_us);
}
