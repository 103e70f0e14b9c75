/*
 * The pages of a store's file as they lie on disk, past SQLite's cache and
 * log but through its descriptor: another one, closed, would drop its locks.
 */
#ifndef KEEPER_DRIVER_SQLITE_RAW_H
#define KEEPER_DRIVER_SQLITE_RAW_H

#include "keeper/driver_sqlite.h"
#include "keeper/gaps.h"

struct sqlite3_file;

struct raw {
	struct sqlite3_file *file; /* SQLite's */
	struct gaps_file gaps;
	uint64_t pages;
	unsigned char *free; /* a bit for each page: it is in the free list */
	unsigned char *trunk;
	/* Of the page that was read last. */
	unsigned char page[GAPS_PAGE], used[GAPS_PAGE], excused[GAPS_PAGE];
};

/* ST_BUSY: the file does not agree with itself: it is being written. */
enum status driver_sqlite_raw_open(struct raw **out, struct store *s);
/* NULL is fine. */
void driver_sqlite_raw_close(struct raw *r);

/* How many bytes of page `number`, and of what its rows go on in, belong to
 * nothing and are not zero; scrub: overwrite them. */
enum status driver_sqlite_raw_page(
    struct raw *r, uint64_t number, bool scrub, uint64_t *stained);

/* What was overwritten is on disk. */
enum status driver_sqlite_raw_sync(struct raw *r);

/* Bytes in the log. */
enum status driver_sqlite_raw_log(struct store *s, uint64_t *bytes);

#endif
