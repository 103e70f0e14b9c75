/*
 * Where a command finds receipts and held payments: with the running gateway,
 * over its control socket, or in the store itself when none runs.  Blocking.
 * One thread.
 */
#ifndef COMMAND_SOURCE_H
#define COMMAND_SOURCE_H

#include "command/control.h"
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
    store_row_fn *fn, void *arg, uint64_t *last, bool *more);
MUST_USE enum status source_get(struct source *s, const struct receipt_id *id,
    const char *merchant, struct store_row *out);

MUST_USE enum status source_holds(struct source *s, const struct store_query *q,
    store_life_fn *fn, void *arg, bool *more);
MUST_USE enum status source_hold(struct source *s, const struct receipt_id *id,
    const char *merchant, struct store_life *out);

/* As the calls of command/control.h: endpoint is a name, NULL: any. */
MUST_USE enum status source_deliveries(struct source *s,
    const struct store_which *w, const char *endpoint, store_delivery_fn *fn,
    void *arg, uint64_t *last, bool *more);
MUST_USE enum status source_attempts(struct source *s,
    const struct receipt_id *id, const char *endpoint, const char *merchant,
    store_attempt_fn *fn, void *arg);
MUST_USE enum status
source_tokens(struct source *s, store_token_fn *fn, void *arg);

/* Count, retry or drop.  What is done is on disk, and in the log: the
 * gateway's, or on standard error.  ST_CONFIG: e has words. */
MUST_USE enum status
source_redeliver(struct source *s, const struct store_which *w,
    const char *endpoint, enum redeliver_action action,
    struct control_redelivered *out, struct err *e);
/* ST_NOT_FOUND: there is no such billing. */
MUST_USE enum status
source_resume(struct source *s, const char *endpoint, struct err *e);
MUST_USE enum status
source_revoke(struct source *s, const unsigned char sha256[32], struct err *e);

/* As control_legal(); in the log, as what is erased. */
MUST_USE enum status source_legal(struct source *s, const char *merchant,
    const char *invoice_id, bool held, struct err *e);

/* Show, try or erase what is held on an invoice; as control_erase().  What is
 * erased is in the log: the gateway's, or on standard error. */
MUST_USE enum status source_erase(struct source *s, const char *merchant,
    const char *invoice_id, enum erase_action action, store_life_fn *fn,
    void *arg, struct msg_erased *out, struct err *e);

/* Release or reject a held payment.  ST_OK: it is on disk, and in the log:
 * the gateway's, or on standard error.  ST_NOT_FOUND: no such held payment;
 * merchant NULL: of any.  ST_CONFIG: the store cannot be opened, or the
 * merchant is not configured; e has words. */
MUST_USE enum status
source_decide(struct source *s, const struct receipt_id *id,
    const char *merchant, bool release, struct err *e);

#endif
