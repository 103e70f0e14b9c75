/*
 * What a gateway does to its store, by chance, and what it may rely on.
 *
 * One life: the store is opened, transactions of payments in all states of
 * their lives are committed, the log is emptied, heads are kept, terms end,
 * backups are made, the store is closed and opened again.  After each
 * transaction all rows are known by a digest.
 */
#ifndef CRASH_WORK_H
#define CRASH_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "chance.h"
#include "disk.h"
#include "receipt/receipt.h"

#define WORK_STORE "receipts.db"

/* All rows of a store. */
struct work_rows {
	uint64_t digest;
	uint64_t *receipts; /* their numbers, in order */
	size_t n;
};

/* A transaction: number 0 is the store as it was opened. */
struct work_step {
	size_t told; /* changes of the disk by when it was acknowledged */
	struct work_rows rows;
	bool erases;
};

struct work_erased {
	struct receipt_id id;
	uint64_t seq; /* of a receipt; 0: it was none */
	size_t step;
};

struct work {
	struct work_step *steps;
	size_t n, cap;
	struct work_erased *erased; /* by request */
	size_t n_erased, cap_erased;
	size_t copies; /* see disk_copied() */
	uint32_t next; /* the next payment */
};

/* Live for so many transactions in a folder; payments from first on. */
struct disk *work_live(struct work *w, const char *folder, size_t steps,
    uint32_t first, enum disk_lie lie, struct chance c);
void work_free(struct work *w);

/* false: they cannot be read. */
bool work_read(const char *path, struct work_rows *out);

#endif
