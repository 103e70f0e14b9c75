/*
 * The list beside a store of what was erased by request: ids and times, no
 * more.  An older copy of the store that is put back has those receipts
 * again; with this list beside it they are erased again.
 *
 * Records of 32 bytes, only ever added.  What is added is on disk before the
 * transaction that erases: a crash between the two erases what somebody had
 * asked to erase.  Writer thread.
 */
#ifndef KEEPER_ERASURES_H
#define KEEPER_ERASURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/status.h"

struct erasures {
	int fd; /* -1: not open */
	uint64_t size;
	bool made; /* it was not there */
	size_t n, cap;
	struct erasures_one {
		struct receipt_id id;
		int64_t at_us;
	} * added;	 /* of this transaction */
	uint64_t before; /* the size, before what was written last */
};

/* Of the store at path: made where it is not there. */
MUST_USE enum status
erasures_open(struct erasures *l, const char *path, struct err *e);
void erasures_close(struct erasures *l);

/* ST_NO_MEMORY: it is not added. */
MUST_USE enum status
erasures_add(struct erasures *l, const struct receipt_id *id, int64_t at_us);

/* What was added is not to be written. */
void erasures_forget(struct erasures *l);

/* Write what was added, synced.  ST_BUSY: no room; nothing was written. */
MUST_USE enum status erasures_write(struct erasures *l);

/* The transaction was not committed: as it was before erasures_write(). */
void erasures_undo(struct erasures *l);

/* `most` records from number `from` on: *n, 0 at the end.  One that is
 * damaged has a time of 0. */
MUST_USE enum status erasures_read(const struct erasures *l, uint64_t from,
    struct erasures_one *out, size_t most, size_t *n);

#endif
