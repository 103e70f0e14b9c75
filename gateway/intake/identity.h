/*
 * The id of a payment: a keyed digest of who was paid and of the provider's
 * id for it.
 *
 * The same payment gets the same id on every node and at every replay, and
 * without the key an id tells nothing.  One object belongs to one thread.
 */
#ifndef INTAKE_IDENTITY_H
#define INTAKE_IDENTITY_H

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/id.h"
#include "base/status.h"

#define IDENTITY_KEY 32

struct identity {
	EVP_MAC_CTX *mac; /* keyed */
};

/* key: copied.  ST_NO_MEMORY: nothing is held.  Otherwise identity_fini() by
 * the caller. */
MUST_USE enum status
identity_init(struct identity *i, const unsigned char key[IDENTITY_KEY]);
void identity_fini(struct identity *i);

/* First ID_BYTES of HMAC-SHA256(key, merchant, NUL, val_id).  ST_NO_MEMORY
 * leaves *out zero. */
MUST_USE enum status identity_of(struct identity *i, struct bytes merchant,
    struct bytes val_id, struct receipt_id *out);

#endif
