#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite.h"

/* Does the row have to be looked at, or does the statement know? */
static bool
has_filter(const struct store_query *query)
{
	return query->currency != NULL || query->paid_from_us > 0 ||
	       query->paid_to_us > 0 ||
	       (query->undelivered &&
		   (query->merchant != NULL || query->invoice_id != NULL));
}

static bool
passes(const struct store_query *query, const struct receipt *r)
{
	return (query->currency == NULL ||
		   strcmp(r->currency, query->currency) == 0) &&
	       (query->merchant == NULL ||
		   strcmp(r->merchant, query->merchant) == 0) &&
	       (query->invoice_id == NULL ||
		   strcmp(r->invoice_id, query->invoice_id) == 0) &&
	       r->paid_at_us >= query->paid_from_us &&
	       (query->paid_to_us == 0 || r->paid_at_us < query->paid_to_us);
}

static enum driver_sqlite_sql
page_sql(const struct store_query *query)
{
	if (query->undelivered)
		return query->desc ? SQL_UNDELIVERED_DESC : SQL_UNDELIVERED;
	if (query->invoice_id != NULL)
		return query->desc ? SQL_PAGE_INVOICE_DESC : SQL_PAGE_INVOICE;
	if (query->merchant != NULL)
		return query->desc ? SQL_PAGE_MERCHANT_DESC : SQL_PAGE_MERCHANT;
	return query->desc ? SQL_PAGE_DESC : SQL_PAGE;
}

/* Rows that the statement may give: one more than needed tells that there are
 * more. */
static sqlite3_int64
page_rows(const struct store_query *query)
{
	if (!has_filter(query))
		return (sqlite3_int64)query->limit + 1;
	return query->scan == 0 ? -1 : (sqlite3_int64)query->scan + 1;
}

static sqlite3_stmt *
page_statement(struct store *s, const struct store_query *query, int *rc)
{
	enum driver_sqlite_sql which = page_sql(query);
	uint64_t after = query->after_seq;
	sqlite3_stmt *q = driver_sqlite_statement(s, which, rc);

	if (q == NULL)
		return NULL;
	if (query->desc && after == 0)
		after = INT64_MAX;
	(void)sqlite3_bind_int64(q, 1, (sqlite3_int64)after);
	(void)sqlite3_bind_int64(q, 2, page_rows(query));
	if (sqlite3_bind_parameter_count(q) >= 3)
		(void)sqlite3_bind_text(
		    q, 3, query->merchant, -1, SQLITE_STATIC);
	if (sqlite3_bind_parameter_count(q) >= 4)
		(void)sqlite3_bind_text(
		    q, 4, query->invoice_id, -1, SQLITE_STATIC);
	return q;
}

/* The row that the statement stands at. */
static enum status
take(struct store *s, sqlite3_stmt *q, const struct store_query *query,
    struct store_row *row)
{
	if (query->undelivered)
		return driver_sqlite_at(s, sqlite3_column_int64(q, 0), row);
	return driver_sqlite_row(q, row) ? ST_OK : driver_sqlite_damaged(s);
}

enum status
driver_sqlite_page(struct store *s, const struct store_query *query,
    store_row_fn *fn, void *arg, uint64_t *last, bool *more)
{
	enum status st = ST_OK;
	struct store_row row;
	size_t looked = 0, n = 0;
	int rc;
	sqlite3_stmt *q = page_statement(s, query, &rc);

	*last = query->after_seq;
	*more = false;
	if (q == NULL)
		return driver_sqlite_status(s, rc);
	while (st == ST_OK && !*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (n == query->limit ||
		    (query->scan > 0 && looked == query->scan)) {
			*more = true;
			break;
		}
		looked++;
		st = take(s, q, query, &row);
		if (st != ST_OK)
			break;
		*last = row.seq;
		if (passes(query, &row.receipt)) {
			n++;
			fn(arg, &row);
		}
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}
