/*
 * Signatures of Standard Webhooks 1.0, versions v1 and v1a.
 *
 * A pure function: no clock, no I/O.  Any thread.
 */
#ifndef COURIER_WEBHOOK_H
#define COURIER_WEBHOOK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/ed25519.h"

/*
 * Append the value of the webhook-signature header: one "v1,<base64>" for
 * each of the n secrets (raw bytes), then one "v1a,<base64>" for each of the
 * n_keys Ed25519 seeds, in their order, newest first, with a space between.
 * Signed is id "." timestamp "." body.  id has no dot in it.  ST_NO_MEMORY or
 * ST_INTERNAL: out holds nothing to be used.
 */
MUST_USE enum status webhook_sign(const struct bytes *secrets, size_t n,
    const unsigned char (*keys)[ED25519_SEED], size_t n_keys, const char *id,
    int64_t timestamp_s, struct bytes body, struct buf *out);

#endif
