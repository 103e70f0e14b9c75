/*
 * Receipt ids: 16 bytes inside, "rcpt_" and 26 letters outside.
 *
 * The bytes are a keyed digest (intake/identity.h); here is only their text:
 * RFC 4648 base32 in lower case without padding.  Any thread.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/bytes.h"

#define ID_BYTES 16
#define ID_TEXT	 32 /* "rcpt_", 26 letters, a NUL */

struct receipt_id {
	unsigned char b[ID_BYTES];
};

void id_format(const struct receipt_id *id, char out[ID_TEXT]);

/* The inverse; false for anything id_format() would not have written. */
MUST_USE bool id_parse(struct bytes text, struct receipt_id *id);

#endif
