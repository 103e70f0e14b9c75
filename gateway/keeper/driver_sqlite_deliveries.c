#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

#define ENDPOINT_BITS 16
#define ENDPOINT_MASK ((1 << ENDPOINT_BITS) - 1)

/* ---- in */

/* The statement with the delivery's name as parameters 1 and 2. */
static sqlite3_stmt *
statement_of(struct store *s, enum driver_sqlite_sql which, uint64_t seq,
    uint32_t endpoint_id, enum status *st)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, &rc);

	if (q == NULL) {
		*st = driver_sqlite_status(s, rc);
		return NULL;
	}
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)seq);
	(void)sqlite3_bind_int64(q, 2, endpoint_id);
	return q;
}

/* Run a statement about a delivery, with at_us as parameter 3 if it has one. */
static enum status
run_of(struct store *s, enum driver_sqlite_sql which,
    const struct store_redeliver *r)
{
	enum status st = ST_OK;
	sqlite3_stmt *q = statement_of(s, which, r->seq, r->endpoint_id, &st);

	if (q == NULL)
		return st;
	if (sqlite3_bind_parameter_count(q) >= 3)
		(void)sqlite3_bind_int64(q, 3, r->at_us);
	return driver_sqlite_run_one(s, q);
}

static enum status
settle_delivered(struct store *s, const struct store_settle *d)
{
	enum status st = ST_OK;
	sqlite3_stmt *owed =
	    statement_of(s, SQL_OWED_IT, d->seq, d->endpoint_id, &st);
	sqlite3_stmt *q =
	    statement_of(s, SQL_DELIVERED, d->seq, d->endpoint_id, &st);

	if (owed == NULL || q == NULL)
		return st;
	(void)sqlite3_bind_int64(owed, 3, d->attempt);
	st = driver_sqlite_run_one(s, owed);
	if (st != ST_OK)
		return st;
	s->owed--;
	(void)sqlite3_bind_int64(q, 3, d->attempt);
	(void)sqlite3_bind_int64(q, 4, d->now_us);
	(void)sqlite3_bind_int64(q, 5, d->http_status);
	(void)sqlite3_bind_int64(q, 6, d->took_ms);
	(void)sqlite3_bind_int64(q, 7, d->bytes);
	return driver_sqlite_run_one(s, q);
}

static enum status
log_attempt(struct store *s, const struct store_settle *d)
{
	enum status st = ST_OK;
	sqlite3_stmt *q =
	    statement_of(s, SQL_ATTEMPT, d->seq, d->endpoint_id, &st);

	if (q == NULL)
		return st;
	(void)sqlite3_bind_int64(q, 3, d->attempt);
	(void)sqlite3_bind_int64(q, 4, d->now_us);
	(void)sqlite3_bind_int64(q, 5, (sqlite3_int64)d->outcome);
	(void)sqlite3_bind_int64(q, 6, d->http_status);
	(void)sqlite3_bind_int64(q, 7, d->took_ms);
	(void)sqlite3_bind_int64(q, 8, d->bytes);
	return driver_sqlite_run(s, q);
}

static enum status
settle_failed(struct store *s, const struct store_settle *d)
{
	const struct store_redeliver that = { .seq = d->seq,
		.endpoint_id = d->endpoint_id };
	bool over = d->to == DELIVERY_EXHAUSTED;
	enum status st = ST_OK;
	sqlite3_stmt *q = statement_of(
	    s, over ? SQL_EXHAUSTED : SQL_FAILED, d->seq, d->endpoint_id, &st);

	if (q == NULL)
		return st;
	(void)sqlite3_bind_int64(q, 3, d->attempt);
	(void)sqlite3_bind_int64(q, 4, over ? d->now_us : d->next_us);
	(void)sqlite3_bind_int64(q, 5, (sqlite3_int64)d->outcome);
	(void)sqlite3_bind_int64(q, 6, d->http_status);
	st = driver_sqlite_run_one(s, q);
	if (st == ST_OK)
		st = log_attempt(s, d);
	if (st != ST_OK || !over)
		return st;
	s->owed--;
	s->exhausted++;
	return run_of(s, SQL_OWE_NO_MORE, &that);
}

enum status
driver_sqlite_settle(struct store *s, const struct store_settle *d)
{
	if ((d->seq & DELIVERY_NOTICE) != 0)
		return driver_sqlite_notice_settle(s, d);
	return d->to == DELIVERY_DELIVERED ? settle_delivered(s, d)
					   : settle_failed(s, d);
}

/* How a delivery stands.  ST_NOT_FOUND: there is none. */
static enum status
stands(struct store *s, uint64_t seq, uint32_t endpoint_id,
    enum delivery_state *out)
{
	enum status st = ST_OK;
	sqlite3_stmt *q = statement_of(s, SQL_STANDS, seq, endpoint_id, &st);
	int rc;

	if (q == NULL)
		return st;
	rc = sqlite3_step(q);
	*out = (enum delivery_state)sqlite3_column_int(q, 0);
	(void)sqlite3_reset(q);
	if (rc == SQLITE_DONE)
		return ST_NOT_FOUND;
	return driver_sqlite_status(s, rc);
}

static enum status
run_steps(struct store *s, const enum driver_sqlite_sql *steps, size_t n,
    const struct store_redeliver *r)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < n && st == ST_OK; i++)
		st = run_of(s, steps[i], r);
	/* It stood there a moment ago. */
	return st == ST_NOT_FOUND ? driver_sqlite_damaged(s) : st;
}

static enum status
retry(
    struct store *s, enum delivery_state from, const struct store_redeliver *r)
{
	static const enum driver_sqlite_sql pending[] = { SQL_OWE_AGAIN };
	static const enum driver_sqlite_sql delivered[] = { SQL_ATTEMPT_GOOD,
		SQL_REVIVE_DELIVERED, SQL_FORGET_DELIVERED };
	static const enum driver_sqlite_sql stopped[] = { SQL_REVIVE_STOPPED,
		SQL_FORGET_STOPPED };

	if (from == DELIVERY_PENDING)
		return run_steps(s, pending, ARRAY_LEN(pending), r);
	s->owed++;
	if (from == DELIVERY_DELIVERED)
		return run_steps(s, delivered, ARRAY_LEN(delivered), r);
	if (from == DELIVERY_EXHAUSTED)
		s->exhausted--;
	return run_steps(s, stopped, ARRAY_LEN(stopped), r);
}

static enum status
drop(struct store *s, enum delivery_state from, const struct store_redeliver *r)
{
	static const enum driver_sqlite_sql pending[] = { SQL_DROP,
		SQL_OWE_NO_MORE };
	static const enum driver_sqlite_sql stopped[] = { SQL_DROP_STOPPED };

	if (from == DELIVERY_PENDING) {
		s->owed--;
		return run_steps(s, pending, ARRAY_LEN(pending), r);
	}
	s->exhausted--;
	return run_steps(s, stopped, ARRAY_LEN(stopped), r);
}

enum status
driver_sqlite_redeliver(struct store *s, const struct store_redeliver *r)
{
	enum delivery_state from = DELIVERY_PENDING;
	enum status st = stands(s, r->seq, r->endpoint_id, &from);

	if (st != ST_OK)
		return st;
	if (!delivery_move(from, r->to))
		return ST_EXISTS;
	return r->to == DELIVERY_PENDING ? retry(s, from, r) : drop(s, from, r);
}

/* ---- out */

/* Receipts whose deliveries may be meant: the statement that gives the fewest
 * of them. */
static sqlite3_stmt *
seqs_statement(struct store *s, const struct store_which *w, int *rc)
{
	enum driver_sqlite_sql which = SQL_SEQS;
	const char *text;
	sqlite3_stmt *q;

	if (w->id != NULL)
		which = SQL_SEQS_ID;
	else if (w->invoice_id != NULL)
		which = SQL_SEQS_INVOICE;
	else if (w->state == DELIVERY_PENDING)
		which = SQL_SEQS_PENDING;
	else if (w->state == DELIVERY_EXHAUSTED)
		which = SQL_SEQS_EXHAUSTED;
	else if (w->state == DELIVERY_DROPPED)
		which = SQL_SEQS_STOPPED;
	else if (w->merchant != NULL)
		which = SQL_SEQS_MERCHANT;
	q = driver_sqlite_statement(s, which, rc);
	if (q == NULL)
		return NULL;
	/* Behind the last endpoint of a receipt the next one begins. */
	(void)sqlite3_bind_int64(
	    q, 1, (sqlite3_int64)((w->after + 1) >> ENDPOINT_BITS));
	(void)sqlite3_bind_int64(
	    q, 2, w->scan == 0 ? -1 : (sqlite3_int64)w->scan + 1);
	if (which == SQL_SEQS_ID)
		(void)sqlite3_bind_blob(
		    q, 3, w->id->b, ID_BYTES, SQLITE_STATIC);
	text = which == SQL_SEQS_INVOICE ? w->invoice_id : w->merchant;
	if (which == SQL_SEQS_INVOICE || which == SQL_SEQS_MERCHANT)
		(void)sqlite3_bind_text(q, 3, text, -1, SQLITE_STATIC);
	return q;
}

static bool
receipt_meant(const struct store_which *w, const struct receipt *r)
{
	return (w->merchant == NULL || strcmp(r->merchant, w->merchant) == 0) &&
	       (w->invoice_id == NULL ||
		   strcmp(r->invoice_id, w->invoice_id) == 0) &&
	       (w->id == NULL || memcmp(&r->id, w->id, sizeof(r->id)) == 0) &&
	       r->received_at_us >= w->from_us &&
	       (w->to_us == 0 || r->received_at_us < w->to_us);
}

/* A line of SQL_LINES; false: it cannot be. */
static bool
take_line(sqlite3_stmt *q, struct store_delivery *d)
{
	struct delivery *out = &d->delivery;
	int64_t state = sqlite3_column_int64(q, 2);
	int64_t outcome = sqlite3_column_type(q, 4) == SQLITE_NULL
			      ? OUTCOMES
			      : sqlite3_column_int64(q, 4);

	d->endpoint_id = (uint32_t)sqlite3_column_int64(q, 0);
	memset(out->endpoint, 0, sizeof(out->endpoint));
	if (!driver_sqlite_text(q, 1, out->endpoint, sizeof(out->endpoint)) ||
	    !receipt_merchant_valid(bytes_of(out->endpoint)) || state < 0 ||
	    state >= DELIVERY_STATES || outcome < 0 || outcome > OUTCOMES)
		return false;
	out->state = (enum delivery_state)state;
	out->attempts = (uint32_t)sqlite3_column_int64(q, 3);
	out->outcome = (enum outcome)outcome;
	out->http_status = (uint32_t)sqlite3_column_int64(q, 5);
	out->at_us = sqlite3_column_int64(q, 6);
	return true;
}

struct listing {
	const struct store_which *w;
	store_delivery_fn *fn;
	void *arg;
	size_t n;
	uint64_t last;
	bool more;
};

/* The deliveries of one receipt that are meant, to endpoints behind `after`. */
static enum status
list_lines(
    struct store *s, struct listing *l, struct store_delivery *d, int64_t after)
{
	const struct store_which *w = l->w;
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_LINES, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)d->seq);
	(void)sqlite3_bind_int64(q, 2, after);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (!take_line(q, d)) {
			st = driver_sqlite_damaged(s);
			break;
		}
		if ((w->endpoint_id != 0 && w->endpoint_id != d->endpoint_id) ||
		    (w->state != DELIVERY_STATES &&
			w->state != d->delivery.state))
			continue;
		if (l->n == w->limit) {
			l->more = true;
			break;
		}
		l->n++;
		l->last = d->seq << ENDPOINT_BITS | d->endpoint_id;
		l->fn(l->arg, d);
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	if (st == ST_OK && !l->more)
		l->last = d->seq << ENDPOINT_BITS | ENDPOINT_MASK;
	return st;
}

static enum status
list_receipt(struct store *s, struct listing *l, sqlite3_int64 seq)
{
	struct store_delivery d = { .seq = (uint64_t)seq };
	struct store_row row;
	bool first = (uint64_t)seq == l->w->after >> ENDPOINT_BITS;
	enum status st = driver_sqlite_at(s, seq, &row);

	if (st != ST_OK)
		return st;
	if (!receipt_meant(l->w, &row.receipt)) {
		l->last = d.seq << ENDPOINT_BITS | ENDPOINT_MASK;
		return ST_OK;
	}
	d.delivery.receipt = row.receipt;
	return list_lines(
	    s, l, &d, first ? (int64_t)(l->w->after & ENDPOINT_MASK) : 0);
}

enum status
driver_sqlite_deliveries(struct store *s, const struct store_which *w,
    store_delivery_fn *fn, void *arg, uint64_t *last, bool *more)
{
	struct listing l = { .w = w, .fn = fn, .arg = arg, .last = w->after };
	enum status st = ST_OK;
	size_t looked = 0;
	int rc;
	sqlite3_stmt *q = seqs_statement(s, w, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	while (st == ST_OK && !l.more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (w->scan > 0 && looked++ == w->scan) {
			l.more = true;
			break;
		}
		st = list_receipt(s, &l, sqlite3_column_int64(q, 0));
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	*last = l.last;
	*more = l.more;
	return st;
}

/* ---- the attempt log */

struct one {
	bool found;
	uint64_t seq;
	uint32_t endpoint_id;
	const char *endpoint;
};

static void
find_one(void *arg, const struct store_delivery *d)
{
	struct one *one = arg;

	if (strcmp(d->delivery.endpoint, one->endpoint) != 0)
		return;
	one->found = true;
	one->seq = d->seq;
	one->endpoint_id = d->endpoint_id;
}

static bool
take_attempt(sqlite3_stmt *q, struct delivery_attempt *a)
{
	int64_t outcome = sqlite3_column_int64(q, 2);

	*a =
	    (struct delivery_attempt){ .number =
					   (uint32_t)sqlite3_column_int64(q, 0),
		    .at_us = sqlite3_column_int64(q, 1),
		    .outcome = (enum outcome)outcome,
		    .http_status = (uint32_t)sqlite3_column_int64(q, 3),
		    .took_ms = (uint32_t)sqlite3_column_int64(q, 4),
		    .bytes = (uint32_t)sqlite3_column_int64(q, 5) };
	return outcome >= 0 && outcome < OUTCOMES && a->number > 0;
}

enum status
driver_sqlite_attempts(struct store *s, const struct receipt_id *id,
    const char *endpoint, const char *merchant, size_t most,
    store_attempt_fn *fn, void *arg)
{
	const struct store_which w = { .merchant = merchant,
		.id = id,
		.state = DELIVERY_STATES,
		.limit = STORE_ENDPOINTS };
	struct one one = { .endpoint = endpoint };
	struct delivery_attempt a;
	uint64_t last;
	bool more;
	int rc;
	enum status st =
	    driver_sqlite_deliveries(s, &w, find_one, &one, &last, &more);
	sqlite3_stmt *q;

	if (st == ST_OK && !one.found)
		st = ST_NOT_FOUND;
	if (st != ST_OK)
		return st;
	q = statement_of(s, SQL_ATTEMPTS, one.seq, one.endpoint_id, &st);
	if (q == NULL)
		return st;
	(void)sqlite3_bind_int64(q, 3, (sqlite3_int64)most);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (take_attempt(q, &a))
			fn(arg, &a);
		else
			st = driver_sqlite_damaged(s);
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	return st;
}
