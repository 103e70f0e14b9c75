/*
 * A head of the ledger as it is published: JSON, signed.
 *
 * {"size":...,"root":...,"timestamp_ms":...,"key":...,"signature":...}, bytes
 * in hex.  The layout of what is signed is receipt/ledger.h's.
 */
#ifndef COMMAND_LEDGER_HEAD_H
#define COMMAND_LEDGER_HEAD_H

#include "base/ed25519.h"
#include "config/config.h"
#include "receipt/ledger.h"

struct ledger_head {
	uint64_t size;
	struct ledger_hash root;
	uint64_t timestamp_ms;
	unsigned char key[ED25519_PUBLIC];
	unsigned char signature[ED25519_SIGNATURE];
};

/* Sign size and root as of now, with the key that c names; it is made when
 * there is none. */
MUST_USE enum status
ledger_head_sign(struct ledger_head *h, const struct config *c, struct err *e);

/* The head in the file at path.  ST_BAD_INPUT: it is none. */
MUST_USE enum status
ledger_head_read(struct ledger_head *out, const char *path, struct err *e);

/* Is h signed with the key that c names? */
MUST_USE enum status ledger_head_check(
    const struct ledger_head *h, const struct config *c, struct err *e);

/* As JSON on standard output, without a newline. */
void ledger_head_print(const struct ledger_head *h);

#endif
