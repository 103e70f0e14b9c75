/*
 * The log is copied into the store's file beside the commits, by a thread and
 * a connection of its own.  The functions are for the thread of the writer.
 */
#ifndef KEEPER_DRIVER_SQLITE_BACKFILL_H
#define KEEPER_DRIVER_SQLITE_BACKFILL_H

#include <stdbool.h>

#include "base/status.h"

struct backfill;
struct store;

/* copier: a connection that nothing else uses, taken over. */
enum status backfill_new(struct backfill **out, struct store *copier);

/* Copy what is in the log now.  Not while it is at it. */
void backfill_start(struct backfill *b);

bool backfill_running(struct backfill *b);

/* Wait until it is done.  ST_OK also when something was in the way.  *copied:
 * so many pages of the log are in the file, synced.  ST_IO: the disk failed;
 * the log must not be copied any more. */
enum status backfill_wait(struct backfill *b, int *copied);

/* Waits; NULL is fine. */
void backfill_end(struct backfill *b);

#endif
