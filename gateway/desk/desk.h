/*
 * The desk: billing's side and the operator's.
 *
 * Receipts, held payments and checks for bearers of a token; /livez, /readyz
 * and /metrics on the admin listener.  Asks the keeper for everything.  Loop
 * thread only.
 */
#ifndef DESK_DESK_H
#define DESK_DESK_H

#include "config/rooms.h"
#include "message/room.h"

struct desk;

/* Set up everything that needs a file or a fresh descriptor; sets room's
 * on_drain, on_message and arg.  cfg is borrowed for the call and wiped by
 * the caller.  On failure *out is NULL and e has words for the operator. */
MUST_USE enum status desk_start(struct desk **out, struct room *room,
    const struct desk_config *cfg, struct err *e);

/* NULL is fine. */
void desk_free(struct desk *d);

#endif
