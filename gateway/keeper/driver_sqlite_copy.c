#include <sys/stat.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite_raw.h"

#define EVERY 50000 /* of SQLite's own steps, from one word to the next */

/* ---- does it agree with itself? */

static enum status
ask(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	*out = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(q, 0);
	(void)sqlite3_finalize(q);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return ST_OK;
	return (rc & 0xff) == SQLITE_BUSY ? ST_BUSY : ST_IO;
}

/* Numbers only: what is wrong is told in terms of rows. */
static enum status
check(sqlite3 *db, struct store_check *out)
{
	static const struct {
		const char *sql;
		bool returned;
	} questions[] = {
		{ "SELECT count(*) FROM pragma_integrity_check "
		  "WHERE integrity_check <> 'ok'",
		    false },
		{ "SELECT count(*) FROM pragma_foreign_key_check", false },
		{ "SELECT receipts <> (SELECT count(*) FROM receipt) "
		  "FROM store",
		    false },
		{ "SELECT count(*) FROM tombstone AS t WHERE why > 0 AND "
		  "(EXISTS (SELECT 1 FROM receipt WHERE id = t.id) OR "
		  "EXISTS (SELECT 1 FROM waiting WHERE id = t.id))",
		    true },
	};
	enum status st = ST_OK;
	int64_t n = 0;

	*out = (struct store_check){ .faults = 0 };
	for (size_t i = 0; i < ARRAY_LEN(questions) && st == ST_OK; i++) {
		st = ask(db, questions[i].sql, &n);
		if (questions[i].returned)
			out->returned += (uint64_t)n;
		else
			out->faults += (uint64_t)n;
	}
	if (st == ST_OK)
		st = ask(db, "PRAGMA secure_delete", &n);
	out->overwrites = n == 1;
	return st;
}

enum status
driver_sqlite_check(struct store *s, struct store_check *out)
{
	enum status st;

	/* One snapshot for all questions. */
	if (sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return ST_BUSY;
	st = check(s->db, out);
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

/* ---- a copy */

struct copying {
	const char *path;
	uint64_t of;
	store_progress_fn *tell;
	void *arg;
};

static int
on_progress(void *arg)
{
	const struct copying *c = arg;
	struct stat sb;

	if (stat(c->path, &sb) == 0)
		c->tell(c->arg, (uint64_t)sb.st_size, c->of);
	return 0;
}

static enum status
vacuum_into(struct store *s, const char *path)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->db, "VACUUM INTO ?1", -1, &q, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	(void)sqlite3_finalize(q);
	return driver_sqlite_status(s, rc);
}

/* Building pages leaves copies of rows in gaps here, too. */
static enum status
scrub(struct store *copy)
{
	struct raw *r = NULL;
	enum status st = driver_sqlite_raw_open(&r, copy);

	for (uint64_t n = 1; st == ST_OK && n <= r->pages; n++) {
		uint64_t stained;

		st = driver_sqlite_raw_page(r, n, true, &stained);
	}
	if (st == ST_OK)
		st = driver_sqlite_raw_sync(r);
	driver_sqlite_raw_close(r);
	return st;
}

/* Nobody else knows the file yet: no journal lies beside it. */
static enum status
finish(struct store *copy)
{
	static const char sql[] =
	    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;"
	    "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
	    "UPDATE store SET epoch = random() & 9223372036854775807;";
	struct store_check found;
	enum status st = driver_sqlite_status(
	    copy, sqlite3_exec(copy->db, sql, NULL, NULL, NULL));

	if (st == ST_OK)
		st = scrub(copy);
	if (st == ST_OK)
		st = check(copy->db, &found);
	if (st == ST_OK && (found.faults > 0 || found.returned > 0))
		st = ST_CORRUPT;
	return st;
}

enum status
driver_sqlite_copy(
    struct store *s, const char *path, store_progress_fn *tell, void *arg)
{
	struct copying c = { .path = path, .tell = tell, .arg = arg };
	struct store copy = { .lock = -1, .erasures.fd = -1 };
	enum status st;
	int64_t n;

	st = ask(s->db,
	    "SELECT page_count * page_size FROM "
	    "pragma_page_count, pragma_page_size",
	    &n);
	if (st != ST_OK)
		return st;
	c.of = (uint64_t)n;
	if (tell != NULL)
		sqlite3_progress_handler(s->db, EVERY, on_progress, &c);
	st = vacuum_into(s, path);
	sqlite3_progress_handler(s->db, 0, NULL, NULL);
	if (st != ST_OK)
		return st;
	if (sqlite3_open_v2(path, &copy.db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE,
		NULL) == SQLITE_OK)
		st = finish(&copy);
	else
		st = ST_IO;
	(void)sqlite3_close(copy.db);
	return st;
}
