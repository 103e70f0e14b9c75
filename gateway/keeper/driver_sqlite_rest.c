#include <sqlite3.h>

#include "keeper/driver_sqlite_raw.h"

/* Readers have short snapshots, and commits wait behind this. */
#define FLUSH_MS 50

enum status
driver_sqlite_flush(struct store *s)
{
	int rc;

	if (s->failed)
		return ST_IO;
	(void)sqlite3_busy_timeout(s->db, FLUSH_MS);
	rc = sqlite3_wal_checkpoint_v2(
	    s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_busy_timeout(s->db, DRIVER_SQLITE_BUSY_MS);
	return driver_sqlite_status(s, rc);
}

/* ---- what deleted rows have left */

static void
take_page(struct store_look *l, uint64_t number, uint64_t stained)
{
	l->pages = number;
	if (stained == 0)
		return;
	l->stained++;
	l->bytes += stained;
	if (l->n < STORE_LOOK)
		l->named[l->n++] = (uint32_t)number;
}

static enum status
look_through(struct raw *r, uint64_t most, struct store_look *l)
{
	enum status st = ST_OK;

	while (most-- > 0 && l->pages < r->pages && st == ST_OK) {
		uint64_t stained;

		st = driver_sqlite_raw_page(r, l->pages + 1, false, &stained);
		if (st == ST_OK)
			take_page(l, l->pages + 1, stained);
	}
	l->done = st == ST_OK && l->pages >= r->pages;
	return st;
}

enum status
driver_sqlite_look(struct store *s, uint64_t most, struct store_look *l)
{
	struct raw *r = NULL;
	uint64_t epoch;
	enum status st;

	/* With an empty log, as mostly, a snapshot keeps the file as it is. */
	if (sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return ST_BUSY;
	st = driver_sqlite_epoch(s, &epoch);
	if (st == ST_OK)
		st = driver_sqlite_raw_log(s, &l->log);
	if (st == ST_OK)
		st = driver_sqlite_raw_open(&r, s);
	if (st == ST_OK)
		st = look_through(r, most, l);
	driver_sqlite_raw_close(r);
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

/* Nobody else writes, and the log is empty: the file is what SQLite sees. */
static enum status
scrub_pages(struct store *s, const struct store_look *l, uint64_t *n)
{
	struct raw *r = NULL;
	uint64_t log = 0, stained;
	enum status st = driver_sqlite_raw_log(s, &log);

	if (st == ST_OK && log != 0)
		return ST_BUSY;
	if (st == ST_OK)
		st = driver_sqlite_raw_open(&r, s);
	for (size_t i = 0; i < l->n && st == ST_OK; i++) {
		st = driver_sqlite_raw_page(r, l->named[i], true, &stained);
		*n += stained != 0;
	}
	if (st == ST_OK && *n > 0)
		st = driver_sqlite_raw_sync(r);
	driver_sqlite_raw_close(r);
	return st;
}

enum status
driver_sqlite_scrub(struct store *s, const struct store_look *l, uint64_t *n)
{
	enum status st = driver_sqlite_flush(s);

	*n = 0;
	if (st != ST_OK)
		return st;
	st = driver_sqlite_status(
	    s, sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	if (st != ST_OK)
		return st;
	st = scrub_pages(s, l, n);
	if (sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		st = ST_IO;
	if (st == ST_IO)
		s->failed = true;
	/* A page from the cache would bring back what was overwritten. */
	(void)sqlite3_db_release_memory(s->db);
	return st;
}
