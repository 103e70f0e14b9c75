/*
 * The edge: where callbacks come in.
 *
 * TLS, HTTP, form, signature, minimizing; then one record to the keeper, and
 * 200 once it says that the record is on disk.  Where SSLCommerz has to
 * confirm, val_id goes to the asker that the supervisor introduces; without
 * one it is dropped.  Sees payer data; can neither open a file nor connect.
 * Loop thread only.
 */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include "config/rooms.h"
#include "message/room.h"

struct edge;

/* Set up everything that needs a file or a fresh descriptor; sets room's
 * on_drain, on_message and arg.  cfg is borrowed for the call and wiped by
 * the caller.  On failure *out is NULL and e has words for the operator. */
MUST_USE enum status edge_start(struct edge **out, struct room *room,
    const struct edge_config *cfg, struct err *e);

/* NULL is fine. */
void edge_free(struct edge *e);

#endif
