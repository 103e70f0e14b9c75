/*
 * The courier: brings receipts to billing.
 *
 * Takes deliveries from the keeper, signs each attempt after Standard
 * Webhooks 1.0, posts it, reports the outcome.  Keeps nothing: what is in its
 * hands when it dies is delivered again.  Loop thread only.
 */
#ifndef COURIER_COURIER_H
#define COURIER_COURIER_H

#include "config/rooms.h"
#include "message/room.h"

struct courier;

/* Set up everything that needs a file or a fresh descriptor; sets room's
 * on_drain, on_message and arg.  cfg is borrowed for the call and wiped by
 * the caller.  On failure *out is NULL and e has words for the operator. */
MUST_USE enum status courier_start(struct courier **out, struct room *room,
    const struct courier_config *cfg, struct err *e);

/* NULL is fine. */
void courier_free(struct courier *c);

#endif
