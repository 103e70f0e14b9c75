/*
 * A command's end of the running gateway's control socket.
 *
 * Blocking, one request at a time, every answer checked.  One thread.
 */
#ifndef COMMAND_CONTROL_H
#define COMMAND_CONTROL_H

#include "keeper/store_driver.h"
#include "message/message.h"

struct control;

/* ST_NOT_FOUND: no gateway listens at path. */
MUST_USE enum status
control_open(struct control **out, const char *path, struct err *e);

/* NULL is fine. */
void control_close(struct control *c);

/* As the driver's calls of the same name; the limit is 1 to 1000.
 * ST_UNAVAILABLE: the gateway went away, or was silent for 10 seconds. */
MUST_USE enum status
control_page(struct control *c, const struct store_query *q, store_row_fn *fn,
    void *arg, uint64_t *last, bool *more);
MUST_USE enum status control_get(struct control *c, const struct receipt_id *id,
    const char *merchant, struct store_row *out);
MUST_USE enum status control_holds(struct control *c,
    const struct store_query *q, store_life_fn *fn, void *arg, bool *more);
MUST_USE enum status control_hold(struct control *c,
    const struct receipt_id *id, const char *merchant, struct store_life *out);

/* endpoint: a name, NULL: any; of w neither endpoint_id nor scan is looked
 * at. */
MUST_USE enum status control_deliveries(struct control *c,
    const struct store_which *w, const char *endpoint, store_delivery_fn *fn,
    void *arg, uint64_t *last, bool *more);
MUST_USE enum status control_attempts(struct control *c,
    const struct receipt_id *id, const char *endpoint, const char *merchant,
    store_attempt_fn *fn, void *arg);
MUST_USE enum status
control_tokens(struct control *c, store_token_fn *fn, void *arg);

/* What became of a request to act on deliveries. */
struct control_redelivered {
	uint64_t last;
	bool more;
	size_t matched, changed;
};

/* Count, retry or drop; w and endpoint as in control_deliveries(). */
MUST_USE enum status control_redeliver(struct control *c,
    const struct store_which *w, const char *endpoint,
    enum redeliver_action action, struct control_redelivered *out);

/* Deliver to an endpoint again that had said 410.  ST_NOT_FOUND: the running
 * gateway has none of this name. */
MUST_USE enum status control_resume(struct control *c, const char *endpoint);

MUST_USE enum status
control_revoke(struct control *c, const unsigned char sha256[32]);

/* Hold an invoice, or hold it no more.  ST_EXISTS, ST_NOT_FOUND: it stands so
 * already. */
MUST_USE enum status control_legal(
    struct control *c, const char *merchant, const char *invoice_id, bool held);

/* Show, try or erase what is held on an invoice: fn gets what is or was there,
 * *out the end.  ST_OK: the gateway answered; ST_UNAVAILABLE: it went away, or
 * was silent for 70 seconds. */
MUST_USE enum status control_erase(struct control *c, const char *merchant,
    const char *invoice_id, enum erase_action action, store_life_fn *fn,
    void *arg, struct msg_erased *out);

/* Release or reject a held payment.  ST_OK: it is on disk.  ST_NOT_FOUND: no
 * such held payment; merchant NULL: of any. */
MUST_USE enum status control_decide(struct control *c,
    const struct receipt_id *id, const char *merchant, bool release);

/* Have SSLCommerz asked about an invoice; tran_id NULL: it is the invoice ID.
 * ST_OK: the gateway answered with *said and *state, see struct msg_done.
 * ST_UNAVAILABLE: the gateway went away, or was silent for 70 seconds. */
MUST_USE enum status
control_check(struct control *c, const char *merchant, const char *invoice_id,
    const char *tran_id, enum status *said, enum life *state);

#endif
