/*
 * A disk that remembers what was done to it, in order, and can tell what may
 * be on it when the power fails.
 *
 * While a disk records, every write, truncation, sync, creation and removal
 * below its folder goes into its log, by whatever library: the calls of libc
 * themselves are replaced.  A file's bytes are safe once a sync of it that
 * began later has returned; its name once the folder was synced.  What is not
 * safe may be there in any part: each change by itself, writes torn into
 * sectors.
 *
 * One disk records at a time.  The thread that called disk_record() decides
 * when another that writes goes on, one call at a time, by chance; so a seed
 * gives one order.
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "chance.h"

#define DISK_SECTOR 512

/* What it does not do though it says so: syncs.  Of the database's file: its
 * log is begun anew before it is safe. */
enum disk_lie {
	DISK_HONEST,
	DISK_NO_SYNC,
	DISK_NO_STORE_SYNC,
	DISK_NO_LIST_SYNC, /* of what was erased */
	DISK_NO_FOLDER_SYNC,
	DISK_LIES
};

struct disk;

/* The files that are in the folder now are safe.  store: the name of the
 * database's file; its -shm and -lock, which no start looks into, are left
 * out. */
struct disk *disk_record(const char *folder, const char *store,
    enum disk_lie lie, struct chance chance);
void disk_stop(struct disk *d);
void disk_free(struct disk *d);

/* So many changes are in the log; the first of them made what was there. */
size_t disk_length(struct disk *d);
size_t disk_begun(const struct disk *d);

/* How many writes to the database's file another thread made. */
size_t disk_copied(const struct disk *d);

/* The power failed after the first `cut` changes: put files that may be found
 * then into another folder, which is empty. */
void
disk_build(const struct disk *d, size_t cut, struct chance c, const char *to);

#endif
