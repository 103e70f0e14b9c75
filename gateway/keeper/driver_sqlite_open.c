#include "keeper/driver_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sqlite3.h>

#include "keeper/driver_sqlite_backfill.h"
#include "keeper/place.h"

#define PATH_CAP 4096

/* "pays", set by the first migration: tells a store from other databases. */
#define APPLICATION_ID 1885434739

static const struct migration {
	int number;
	const char *name;
	const char *sql;
} migrations[] = {
#include "migrations_sqlite.inc"
};

#define NEWEST (migrations[ARRAY_LEN(migrations) - 1].number)

/* What every connection has, and what only the writer needs. */
static const char settings[] = "PRAGMA foreign_keys = ON;"
			       "PRAGMA secure_delete = ON;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA trusted_schema = OFF;";
static const char writer_settings[] = "PRAGMA synchronous = FULL;"
				      "PRAGMA cache_size = -16384;"
				      "PRAGMA journal_size_limit = 67108864;";

/* Words for the operator; start-up only. */
static enum status
refuse(struct store *s, const char *path, int rc, struct err *e)
{
	err_set(e, "%s: %s", path, sqlite3_errstr(rc));
	switch (rc & 0xff) {
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_BUSY:
		return ST_CONFIG;
	default:
		return driver_sqlite_status(s, rc) == ST_BUSY ? ST_BUSY : ST_IO;
	}
}

static enum status
number(struct store *s, const char *sql, int64_t *out, const char *path,
    struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return rc == SQLITE_ROW ? ST_OK : refuse(s, path, rc, e);
}

/* SQLite's own locks do not tell a second gateway from a person who looks. */
static enum status
take_lock(struct store *s, const char *path, struct err *e)
{
	char name[PATH_CAP];
	int n = snprintf(name, sizeof(name), "%s-lock", path);

	if (n < 0 || (size_t)n >= sizeof(name)) {
		err_set(e, "the store's path is too long");
		return ST_CONFIG;
	}
	s->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0) {
		err_set(e, "%s: %s", name, strerror(errno));
		return ST_CONFIG;
	}
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return ST_OK;
	if (errno == EWOULDBLOCK)
		err_set(e, "%s: another paysieve is using this store", path);
	else
		err_set(e, "%s: %s", name, strerror(errno));
	return ST_CONFIG;
}

/* SQLite gives its other files the mode of this one.  An existing file is
 * not opened here: closing it would drop another handle's POSIX locks. */
static enum status
create_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		(void)close(fd);
		return ST_OK;
	}
	if (errno == EEXIST)
		return ST_OK;
	err_set(e, "%s: %s", path, strerror(errno));
	return errno == EIO ? ST_IO : ST_CONFIG;
}

static enum status
connect_file(
    struct store *s, const char *path, enum store_mode mode, struct err *e)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc;

	flags |=
	    mode == STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	rc = sqlite3_open_v2(path, &s->db, flags, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(s->db, DRIVER_SQLITE_BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(
		    s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, settings, NULL, NULL, NULL);
	if (rc == SQLITE_OK && mode == STORE_WRITE)
		rc = sqlite3_exec(s->db, writer_settings, NULL, NULL, NULL);
	return rc == SQLITE_OK ? ST_OK : refuse(s, path, rc, e);
}

/* *version: 0 for an empty file, else the last migration that it has seen. */
static enum status
check_schema(struct store *s, const char *path, int64_t *version, struct err *e)
{
	int64_t application = 0, tables = 0;
	enum status st;

	st = number(s, "PRAGMA user_version", version, path, e);
	if (st == ST_OK)
		st = number(s, "PRAGMA application_id", &application, path, e);
	if (st == ST_OK)
		st = number(
		    s, "SELECT count(*) FROM sqlite_schema", &tables, path, e);
	if (st != ST_OK)
		return st;
	if (*version == 0 ? tables != 0 : application != APPLICATION_ID) {
		err_set(e, "%s: a database, but no store of paysieve", path);
		return ST_CONFIG;
	}
	if (*version > NEWEST) {
		err_set(e,
		    "%s: schema %lld is newer than this program's %d; "
		    "there is no way back",
		    path, (long long)*version, NEWEST);
		return ST_CONFIG;
	}
	return ST_OK;
}

static enum status
migrate(struct store *s, const char *path, int64_t version, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(migrations); i++) {
		const struct migration *m = &migrations[i];
		int rc;

		if (m->number <= version)
			continue;
		rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(s->db, m->sql, NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
		if (rc != SQLITE_OK) {
			err_set(e, "%s: migration %s: %s", path, m->name,
			    sqlite3_errstr(rc));
			return driver_sqlite_status(s, rc) == ST_BUSY ? ST_BUSY
								      : ST_IO;
		}
	}
	return ST_OK;
}

static enum status
use_wal(struct store *s, const char *path, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool wal = false;
	int rc;

	rc = sqlite3_prepare_v2(
	    s->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		wal = strcmp((const char *)sqlite3_column_text(st, 0), "wal") ==
		      0;
	(void)sqlite3_finalize(st);
	if (rc != SQLITE_ROW)
		return refuse(s, path, rc, e);
	if (wal)
		return ST_OK;
	err_set(e, "%s: this file system cannot hold a store", path);
	return ST_CONFIG;
}

static int
on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;

	(void)db;
	(void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

/* A second connection does nothing but copy the log. */
static enum status
open_copier(struct store *s, const char *path, struct err *e)
{
	struct store *copier = calloc(1, sizeof(*copier));
	int64_t version;
	enum status st;

	if (copier == NULL) {
		err_set(e, "no memory for the store");
		return ST_NO_MEMORY;
	}
	copier->lock = copier->erasures.fd = -1;
	st = connect_file(copier, path, STORE_WRITE, e);
	/* Opens the files; later that may be forbidden. */
	if (st == ST_OK)
		st = number(copier, "PRAGMA user_version", &version, path, e);
	if (st != ST_OK) {
		driver_sqlite_close(copier);
		return st;
	}
	st = backfill_new(&s->backfill, copier);
	if (st != ST_OK)
		err_set(e, "a thread for the store's log cannot be made");
	return st;
}

static enum status
open_writer(struct store *s, const char *path, struct err *e)
{
	int64_t version = 0;
	int copied;
	enum status st;

	st = place_check(path, false, e);
	if (st == ST_OK)
		st = take_lock(s, path, e);
	if (st == ST_OK)
		st = create_file(path, e);
	if (st == ST_OK)
		st = connect_file(s, path, STORE_WRITE, e);
	if (st == ST_OK)
		st = check_schema(s, path, &version, e);
	if (st == ST_OK)
		st = use_wal(s, path, e);
	if (st == ST_OK)
		st = migrate(s, path, version, e);
	if (st != ST_OK)
		return st;
	/* Also replaces SQLite's own, which hides a failed sync. */
	(void)sqlite3_wal_hook(s->db, on_commit, s);
	/* The migrations leave old text of the schema in its pages' gaps. */
	if (version == 0)
		st = driver_sqlite_status(
		    s, sqlite3_exec(s->db, "VACUUM", NULL, NULL, NULL));
	/* A log found here may have survived a failed sync in memory only;
	 * its content is written again, and synced. */
	if (st == ST_OK)
		st = driver_sqlite_checkpoint(
		    s, SQLITE_CHECKPOINT_TRUNCATE, &copied);
	if (st != ST_OK) {
		err_set(e, "%s: the log cannot be synced", path);
		return st;
	}
	st = open_copier(s, path, e);
	if (st != ST_OK)
		return st;
	st = driver_sqlite_leaf_all(s);
	if (st != ST_OK)
		err_set(e, "%s: the ledger cannot be made", path);
	if (st == ST_OK)
		st = driver_sqlite_erase_again(s, path, version < NEWEST, e);
	/* SQLite ignores an error of its own sync of the folder. */
	return st == ST_OK ? place_sync(path, e) : st;
}

static enum status
open_reader(struct store *s, const char *path, struct err *e)
{
	int64_t version = 0;
	enum status st;

	if (access(path, F_OK) != 0 && errno == ENOENT) {
		err_set(e, "%s: there is no store yet", path);
		return ST_NOT_FOUND;
	}
	st = place_check(path, true, e);
	if (st == ST_OK)
		st = connect_file(s, path, STORE_READ, e);
	if (st == ST_OK)
		st = check_schema(s, path, &version, e);
	if (st == ST_OK && version == 0) {
		err_set(e, "%s: there is no store yet", path);
		st = ST_NOT_FOUND;
	} else if (st == ST_OK && version < NEWEST) {
		err_set(e,
		    "%s: schema %lld is older than this program's %d; "
		    "the gateway brings it up to date when it starts",
		    path, (long long)version, NEWEST);
		st = ST_CONFIG;
	}
	return st;
}

enum status
driver_sqlite_open(
    struct store **out, const char *path, enum store_mode mode, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));
	enum status st;

	*out = NULL;
	if (s == NULL) {
		err_set(e, "no memory for the store");
		return ST_NO_MEMORY;
	}
	s->lock = s->erasures.fd = -1;
	driver_sqlite_memory();
	st = mode == STORE_WRITE ? open_writer(s, path, e)
				 : open_reader(s, path, e);
	if (st == ST_OK) {
		*out = s;
		return st;
	}
	/* A file that is refused stays as it is, its log too. */
	s->failed = true;
	driver_sqlite_close(s);
	return st;
}

void
driver_sqlite_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->lock >= 0 && s->db != NULL && !s->failed)
		driver_sqlite_flush_all(s);
	backfill_end(s->backfill);
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		(void)sqlite3_finalize(s->statements[i]);
	if (s->db != NULL && s->failed)
		(void)sqlite3_db_config(
		    s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_close(s->db);
	erasures_close(&s->erasures);
	free(s->changed.map);
	if (s->lock >= 0)
		(void)close(s->lock);
	free(s);
}
