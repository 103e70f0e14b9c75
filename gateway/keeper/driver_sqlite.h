/*
 * What the files of the SQLite driver share; nobody else includes this.
 *
 * driver_sqlite_open.c makes and ends a handle: lock, file, schema.
 * driver_sqlite.c is the vtable and the statements.
 */
#ifndef KEEPER_DRIVER_SQLITE_H
#define KEEPER_DRIVER_SQLITE_H

#include "keeper/store_driver.h"

struct sqlite3;
struct sqlite3_stmt;

enum driver_sqlite_sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_EPOCH,
	SQL_ENDPOINT_NEW,
	SQL_ENDPOINT,
	SQL_PUT,
	SQL_OWE,
	SQL_DELIVERED,
	SQL_OWE_NO_MORE,
	SQL_FAILED,
	SQL_COUNTS,
	SQL_PAGE,
	SQL_PAGE_MERCHANT,
	SQL_PAGE_INVOICE,
	SQL_GET,
	SQL_DUE,
	SQL_TOTALS,
	SQL_STATEMENTS
};

struct store {
	struct sqlite3 *db;
	struct sqlite3_stmt *statements[SQL_STATEMENTS]; /* made at first use */
	int lock;	/* the writer's, -1 in a reader */
	bool failed;	/* the disk failed: nothing more is written */
	int wal_pages;	/* in the log after the last commit */
	int64_t stored; /* receipts of this transaction */
	int64_t owed;	/* deliveries of this transaction, less settled ones */
};

enum status driver_sqlite_open(
    struct store **out, const char *path, enum store_mode mode, struct err *e);
void driver_sqlite_close(struct store *s);

/* What a result code asks of the caller; remembers that the disk failed. */
enum status driver_sqlite_status(struct store *s, int rc);

/* Copy the log into the database, synced.  ST_OK also when that has to wait:
 * for a reader, or for room. */
enum status driver_sqlite_checkpoint(struct store *s, int mode);

#endif
