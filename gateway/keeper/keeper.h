/*
 * The keeper: the only room that stores.
 *
 * Group commit: the writer thread takes all that gathered while the last
 * commit was on its way, applies it in one transaction and commits; each edge
 * is answered in one message.  No timer, no tuning knob; bounded.  Pages and
 * due deliveries are read on a read-only connection in a thread of their
 * own.  After the first failed sync nothing is acknowledged and the process
 * ends with exit code 74.  Never sees payer data; has no network.
 * Loop thread, but for the two workers.
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "config/rooms.h"
#include "message/room.h"

struct keeper;

/* Set up everything that needs a file or a fresh descriptor; sets room's
 * on_drain, on_message and arg.  cfg is borrowed for the call and wiped by
 * the caller.  On failure *out is NULL and e has words for the operator. */
MUST_USE enum status keeper_start(struct keeper **out, struct room *room,
    const struct keeper_config *cfg, struct err *e);

/* NULL is fine. */
void keeper_free(struct keeper *k);

#endif
