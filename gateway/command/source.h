/*
 * Where a command reads receipts: from the running gateway over its control
 * socket, or from the store itself when none runs.  Blocking.  One thread.
 */
#ifndef COMMAND_SOURCE_H
#define COMMAND_SOURCE_H

#include "config/config.h"
#include "keeper/store_driver.h"

struct source;

MUST_USE enum status
source_open(struct source **out, const struct config *c, struct err *e);

/* NULL is fine. */
void source_close(struct source *s);

/* As the driver's calls of the same name; the limit is 1 to 1000. */
MUST_USE enum status source_page(struct source *s, const struct store_query *q,
    store_row_fn *fn, void *arg, bool *more);
MUST_USE enum status source_get(struct source *s, const struct receipt_id *id,
    const char *merchant, struct store_row *out);

#endif
