/*
 * Where a command finds receipts and held payments: with the running gateway,
 * over its control socket, or in the store itself when none runs.  Blocking.
 * One thread.
 */
#ifndef COMMAND_SOURCE_H
#define COMMAND_SOURCE_H

#include "config/config.h"
#include "keeper/store_driver.h"

struct source;

/* c is borrowed until source_close(). */
MUST_USE enum status
source_open(struct source **out, const struct config *c, struct err *e);

/* NULL is fine. */
void source_close(struct source *s);

/* As the driver's calls of the same name; the limit is 1 to 1000. */
MUST_USE enum status source_page(struct source *s, const struct store_query *q,
    store_row_fn *fn, void *arg, bool *more);
MUST_USE enum status source_get(struct source *s, const struct receipt_id *id,
    const char *merchant, struct store_row *out);

MUST_USE enum status source_holds(struct source *s, const struct store_query *q,
    store_life_fn *fn, void *arg, bool *more);
MUST_USE enum status source_hold(struct source *s, const struct receipt_id *id,
    const char *merchant, struct store_life *out);

/* Release or reject a held payment.  ST_OK: it is on disk, and in the log:
 * the gateway's, or on standard error.  ST_NOT_FOUND: no such held payment;
 * merchant NULL: of any.  ST_CONFIG: the store cannot be opened, or the
 * merchant is not configured; e has words. */
MUST_USE enum status
source_decide(struct source *s, const struct receipt_id *id,
    const char *merchant, bool release, struct err *e);

#endif
