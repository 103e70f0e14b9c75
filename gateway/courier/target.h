/*
 * A billing of the configuration as something to send to.  Any thread.
 */
#ifndef COURIER_TARGET_H
#define COURIER_TARGET_H

#include "client/client.h"
#include "config/rooms.h"
#include "receipt/delivery.h"

/* client_target_free() by the caller.  Answers as client_target_new(). */
MUST_USE enum status target_new(
    struct client_target **out, const struct courier_billing *b, struct err *e);

/* What an attempt came to. */
enum outcome target_outcome(const struct client_result *r);

#endif
