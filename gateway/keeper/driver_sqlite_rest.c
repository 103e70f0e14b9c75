#include "keeper/driver_sqlite.h"

#include <sqlite3.h>

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
