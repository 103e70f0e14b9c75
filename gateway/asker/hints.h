/*
 * What to ask by: the val_id of payments that are not decided yet.
 *
 * The one wide thing that outlives a call in this process.  Bounded in number
 * and in time, the oldest goes first, and wiped when it is given up.  Times
 * are the caller's, monotonic.  One thread at a time.
 */
#ifndef ASKER_HINTS_H
#define ASKER_HINTS_H

#include "base/id.h"
#include "base/status.h"
#include "receipt/receipt.h"

#define HINTS_MOST    65536
#define HINTS_KEEP_US (INT64_C(15) * 60 * 1000000)

struct hints;

/* Room for `most` of them, each kept for keep_us. */
MUST_USE enum status
hints_new(struct hints **out, uint32_t most, int64_t keep_us, struct err *e);

/* Everything is wiped.  NULL is fine. */
void hints_free(struct hints *h);

/* Copied.  A payment that is there already gets this val_id and begins its
 * time anew; it has been given once more. */
void hints_put(struct hints *h, const struct receipt_id *id,
    const char val_id[RECEIPT_INVOICE], int64_t now_us);

/* NULL when there is none.  Borrowed until the next call. */
const char *
hints_find(struct hints *h, const struct receipt_id *id, int64_t now_us);

/* Nothing happens when it is not there. */
void hints_forget(struct hints *h, const struct receipt_id *id);

/* Forget it, unless it was given more often than withdrawn. */
void hints_withdraw(struct hints *h, const struct receipt_id *id);

/* Forget those whose time is over. */
void hints_expire(struct hints *h, int64_t now_us);

#endif
