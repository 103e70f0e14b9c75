/*
 * Ed25519 (RFC 8032): public keys and signatures from a seed, and checks.  Any
 * thread.
 */
#ifndef BASE_ED25519_H
#define BASE_ED25519_H

#include "base/attr.h"
#include "base/bytes.h"
#include "base/status.h"

#define ED25519_SEED	  32
#define ED25519_PUBLIC	  32
#define ED25519_SIGNATURE 64

/* ST_INTERNAL: the library failed; so below. */
MUST_USE enum status ed25519_public(
    const unsigned char seed[ED25519_SEED], unsigned char out[ED25519_PUBLIC]);

MUST_USE enum status ed25519_sign(const unsigned char seed[ED25519_SEED],
    struct bytes text, unsigned char out[ED25519_SIGNATURE]);

MUST_USE bool ed25519_good(const unsigned char public_key[ED25519_PUBLIC],
    struct bytes text, const unsigned char signature[ED25519_SIGNATURE]);

#endif
