/*
 * The asker: asks SSLCommerz whether a payment is one.
 *
 * Questions come from the keeper and go out as far as each provider's rate,
 * concurrency and health allow; what is left of an answer, which is as wide
 * as a callback, is a verdict of fixed layout.  Edges hand over the val_id to
 * ask by; where there is none (after a restart) tran_id takes its place.
 * Nothing is stored here.  Runs in its own process, see message/room.h.
 */
#ifndef ASKER_ASKER_H
#define ASKER_ASKER_H

#include "config/rooms.h"
#include "message/room.h"

struct asker;

/* cfg is copied; the caller wipes it.  What has to be read from files is read
 * here, before the sandbox closes. */
MUST_USE enum status asker_start(struct asker **out, struct room *room,
    const struct asker_config *cfg, struct err *e);

/* NULL is fine. */
void asker_free(struct asker *a);

#endif
