/*
 * Do we hold the same receipts?  Count, sums and a digest of them, whatever
 * their order.  Pure.  Any thread.
 */
#ifndef DESK_DIGEST_H
#define DESK_DIGEST_H

#include "base/secret.h"
#include "receipt/receipt.h"

#define DIGEST_CURRENCIES 192 /* ISO 4217 has fewer */

struct digest {
	uint64_t count;
	unsigned char of_ids[SECRET_SHA256]; /* XOR of the ids' digests */
	size_t n;
	struct {
		char currency[MONEY_CURRENCY];
		uint64_t high, low; /* minor units: high * 10^18 + low */
	} sums[DIGEST_CURRENCIES];  /* in the order of their codes */
};

/* A zeroed digest is that of nothing.  ST_INTERNAL: the library failed. */
MUST_USE enum status digest_add(struct digest *d, const struct receipt *r);

/* Append it as JSON, members as in schemas/digest.schema.json; next is a
 * cursor's text. */
void digest_json(const struct digest *d, const char *next, struct buf *out);

#endif
