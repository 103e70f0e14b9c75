/*
 * Webhook secrets as text: whsec_ and padded base64 (Standard Webhooks), and
 * signing keys, whsk_ and the same.
 * Pure.  Any thread.
 */
#ifndef CONFIG_WHSEC_H
#define CONFIG_WHSEC_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/ed25519.h"

#define WHSEC_LEAST 24 /* bytes inside */
#define WHSEC_MOST  64
#define WHSEC_TEXT  (6 + (WHSEC_MOST + 2) / 3 * 4 + 1) /* and a newline */

/* The *len bytes inside text; false when it is not the canonical text of 24
 * to 64 bytes.  out is wiped then. */
MUST_USE bool
whsec_decode(struct bytes text, unsigned char out[WHSEC_MOST], size_t *len);

/* The seed inside a signing key's text: whsk_ and the base64 of a seed of 32
 * bytes, or of the seed and its public key.  false when it is neither, or the
 * public key is another's; out is wiped then. */
MUST_USE bool whsk_decode(struct bytes text, unsigned char out[ED25519_SEED]);

#endif
