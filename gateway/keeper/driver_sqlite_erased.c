#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "base/log.h"
#include "keeper/driver_sqlite.h"

#define STEP 256 /* erased in one transaction */

static enum status
bury(struct store *s, const struct erasures_one *one)
{
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_BURY_AGAIN, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	(void)sqlite3_bind_blob(q, 1, one->id.b, ID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_int64(q, 2, one->at_us);
	return driver_sqlite_run(s, q);
}

/* *n: it was there. */
static enum status
erase(struct store *s, const struct erasures_one *one, uint64_t *n)
{
	struct store_move m = { .to = LIFE_ERASED,
		.at_us = one->at_us,
		.why = ERASURE_REQUEST,
		.receipt.id = one->id };
	struct store_life now;
	enum status st = driver_sqlite_life_find(s, &one->id, &now);

	if (st != ST_OK || now.life == LIFE_ERASED)
		return st;
	if (now.life == LIFE_ABSENT || now.life == LIFE_REFUSED)
		return bury(s, one);
	m.from = now.life;
	m.n = now.n;
	++*n;
	return driver_sqlite_life_move(s, &m);
}

static enum status
erase_step(struct store *s, const struct erasures_one *list, size_t n,
    uint64_t *erased)
{
	enum status st = driver_sqlite_begin(s);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		if (list[i].at_us != 0)
			st = erase(s, &list[i], erased);
	}
	erasures_forget(&s->erasures); /* they are in the list */
	if (st == ST_OK)
		return driver_sqlite_commit(s);
	driver_sqlite_abort(s);
	return st;
}

static enum status
erase_listed(struct store *s)
{
	struct erasures_one list[STEP];
	uint64_t from = 0, erased = 0;
	enum status st;
	size_t n;

	do {
		st = erasures_read(&s->erasures, from, list, STEP, &n);
		if (st == ST_OK && n > 0)
			st = erase_step(s, list, n, &erased);
		from += n;
	} while (st == ST_OK && n > 0);
	if (st == ST_OK && erased > 0)
		log_event(
		    LOG_ERASED_AGAIN, log_num(KEY_COUNT, (int64_t)erased));
	return st;
}

/* A new list begins with what the store knows to be erased. */
static enum status
list_erased(struct store *s)
{
	enum status st = ST_OK;
	int rc;
	sqlite3_stmt *q = driver_sqlite_statement(s, SQL_ERASED, &rc);

	if (q == NULL)
		return driver_sqlite_status(s, rc);
	while (st == ST_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		const void *id = sqlite3_column_blob(q, 0);
		struct receipt_id one;

		if (id == NULL || sqlite3_column_bytes(q, 0) != ID_BYTES)
			st = driver_sqlite_damaged(s);
		else {
			memcpy(one.b, id, ID_BYTES);
			st = erasures_add(
			    &s->erasures, &one, sqlite3_column_int64(q, 1));
		}
	}
	if (st == ST_OK)
		st = driver_sqlite_status(s, rc);
	(void)sqlite3_reset(q);
	return st == ST_OK ? erasures_write(&s->erasures) : st;
}

enum status
driver_sqlite_erase_again(
    struct store *s, const char *path, bool fresh, struct err *e)
{
	enum status st = erasures_open(&s->erasures, path, e);

	if (st != ST_OK)
		return st;
	if (s->erasures.made && !fresh)
		log_write(LOG_ERASED_UNKNOWN, NULL, 0);
	st = s->erasures.made ? list_erased(s) : erase_listed(s);
	if (st != ST_OK)
		err_set(e, "%s: what was erased cannot be erased again", path);
	return st;
}
