#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite_backfill.h"
#include "keeper/driver_sqlite_raw.h"

/* Readers have short snapshots, and commits wait behind this. */
#define FLUSH_MS 50

/* Pages that are looked at behind a flush: some 50 ms. */
#define TIDY 1024

/* A log that begins anew has new salts. */
enum {
	LOG_HEAD = 32,
	LOG_PAGE_SIZE = 8,
	LOG_SALTS = 16,
	LOG_SALTS_LEN = 8,
	FRAME_HEAD = 24
};

/* Pages in the log from which on they are copied into the file.  A larger log
 * writes a page that changes often less often. */
#define COPY_PAGES 4096

/* So few of them are copied between two commits; only a log all of which is
 * copied begins anew. */
#define LAST_PAGES 512

/* Commits do not outrun the copying by more. */
#define MOST_PAGES (4 * COPY_PAGES)

/* ---- what changed */

static bool
note_page(struct store *s, uint32_t number)
{
	size_t byte = number / 8;

	if (byte >= s->changed.bytes) {
		size_t bytes = 2 * byte + 64;
		unsigned char *map = realloc(s->changed.map, bytes);

		if (map == NULL)
			return false;
		memset(map + s->changed.bytes, 0, bytes - s->changed.bytes);
		s->changed.map = map;
		s->changed.bytes = bytes;
	}
	s->changed.map[byte] =
	    (unsigned char)(s->changed.map[byte] | 1U << number % 8);
	return true;
}

/* What cannot be noted is found when the whole file is looked through. */
void
driver_sqlite_note(struct store *s)
{
	unsigned char head[LOG_HEAD], number[4];
	sqlite3_file *log = NULL;
	sqlite3_int64 frame;

	(void)sqlite3_file_control(
	    s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (log == NULL || log->pMethods == NULL ||
	    log->pMethods->xRead(log, head, LOG_HEAD, 0) != SQLITE_OK)
		return;
	frame = FRAME_HEAD + (sqlite3_int64)gaps_number(head + LOG_PAGE_SIZE);
	if (memcmp(s->changed.log, head + LOG_SALTS, LOG_SALTS_LEN) != 0) {
		memcpy(s->changed.log, head + LOG_SALTS, LOG_SALTS_LEN);
		s->changed.noted = 0;
	}
	for (; s->changed.noted < s->wal_pages; s->changed.noted++) {
		if (log->pMethods->xRead(log, number, 4,
			LOG_HEAD + s->changed.noted * frame) != SQLITE_OK ||
		    !note_page(s, gaps_number(number)))
			return;
	}
}

/* ST_BUSY: there is more. */
static enum status
tidy_pages(struct store *s, struct raw *r, void *arg, bool *wrote)
{
	enum status st = ST_OK;
	int left = TIDY;

	(void)arg;
	for (size_t i = 0; i < 8 * s->changed.bytes; i++) {
		unsigned char *byte = &s->changed.map[i / 8];
		unsigned bit = 1U << i % 8;
		uint64_t stained;

		if ((*byte & bit) == 0)
			continue;
		if (left-- == 0)
			return ST_BUSY;
		st = driver_sqlite_raw_page(r, i, true, &stained);
		if (st != ST_OK)
			return st;
		*wrote = *wrote || stained > 0;
		*byte = (unsigned char)(*byte & ~bit);
	}
	return ST_OK;
}

/* ---- the log */

/* *copied: what the thread has copied when it is done. */
static enum status
await(struct store *s, int *copied)
{
	enum status st = ST_OK;

	*copied = 0;
	if (s->copying)
		st = backfill_wait(s->backfill, copied);
	s->copying = false;
	if (st == ST_IO)
		s->failed = true;
	return st;
}

enum status
driver_sqlite_copy_log(struct store *s)
{
	enum status st;
	int copied;

	if (!s->copying && s->wal_pages < COPY_PAGES)
		return ST_OK;
	/* Once all is copied, the next commit begins the log anew. */
	driver_sqlite_note(s);
	if (s->copying && backfill_running(s->backfill) &&
	    s->wal_pages < MOST_PAGES)
		return ST_OK;
	st = await(s, &copied);
	if (st != ST_OK || s->wal_pages < COPY_PAGES)
		return st;
	if (s->wal_pages - copied < LAST_PAGES || s->wal_pages >= MOST_PAGES)
		return driver_sqlite_checkpoint(
		    s, SQLITE_CHECKPOINT_PASSIVE, &copied);
	backfill_start(s->backfill);
	s->copying = true;
	return ST_OK;
}

static enum status
empty_log(struct store *s)
{
	enum status st;
	int rc, copied;

	st = await(s, &copied);
	if (st != ST_OK)
		return st;
	(void)sqlite3_busy_timeout(s->db, FLUSH_MS);
	rc = sqlite3_wal_checkpoint_v2(
	    s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_busy_timeout(s->db, DRIVER_SQLITE_BUSY_MS);
	if (rc == SQLITE_OK)
		s->wal_pages = 0;
	return driver_sqlite_status(s, rc);
}

/* Do it to the file while it is what SQLite sees: nobody else writes, and the
 * log is empty. */
static enum status
with_file(struct store *s,
    enum status (*fn)(struct store *s, struct raw *r, void *arg, bool *wrote),
    void *arg)
{
	struct raw *r = NULL;
	bool wrote = false;
	uint64_t log = 0;
	enum status st = driver_sqlite_status(
	    s, sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));

	if (st != ST_OK)
		return st;
	st = driver_sqlite_raw_log(s, &log);
	if (st == ST_OK && log != 0)
		st = ST_BUSY;
	if (st == ST_OK)
		st = driver_sqlite_raw_open(&r, s);
	if (st == ST_OK)
		st = fn(s, r, arg, &wrote);
	if (wrote && driver_sqlite_raw_sync(r) != ST_OK)
		st = ST_IO;
	driver_sqlite_raw_close(r);
	if (sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		st = ST_IO;
	if (st == ST_IO)
		s->failed = true;
	/* A page from the cache would bring back what was overwritten. */
	if (wrote)
		(void)sqlite3_db_release_memory(s->db);
	return st;
}

enum status
driver_sqlite_flush(struct store *s)
{
	enum status st;

	if (s->failed)
		return ST_IO;
	driver_sqlite_note(s);
	st = empty_log(s);
	return st == ST_OK ? with_file(s, tidy_pages, NULL) : st;
}

/* As many steps as all pages of the file may take. */
void
driver_sqlite_flush_all(struct store *s)
{
	size_t steps;
	enum status st;

	driver_sqlite_note(s);
	steps = 8 * s->changed.bytes / TIDY + 1;
	st = empty_log(s);
	if (st != ST_OK)
		return; /* a reader is in the way, or nothing helps */
	do
		st = with_file(s, tidy_pages, NULL);
	while (st == ST_BUSY && steps-- > 0);
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

struct scrubbing {
	const struct store_look *look;
	uint64_t n;
};

static enum status
scrub_pages(struct store *s, struct raw *r, void *arg, bool *wrote)
{
	struct scrubbing *scrubbing = arg;
	const struct store_look *l = scrubbing->look;
	enum status st = ST_OK;

	(void)s;
	for (size_t i = 0; i < l->n && st == ST_OK; i++) {
		uint64_t stained;

		st = driver_sqlite_raw_page(r, l->named[i], true, &stained);
		scrubbing->n += stained != 0;
		*wrote = *wrote || stained != 0;
	}
	return st;
}

enum status
driver_sqlite_scrub(struct store *s, const struct store_look *l, uint64_t *n)
{
	struct scrubbing scrubbing = { .look = l };
	enum status st = driver_sqlite_flush(s);

	if (st == ST_OK)
		st = with_file(s, scrub_pages, &scrubbing);
	*n = scrubbing.n;
	return st;
}
